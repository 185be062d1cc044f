"""What goes into a model: a batch of images, or a list or dict of several inputs, checked and in the model's order."""

import numpy as np

from .errors import ImageError
from .images import as_batch
from .runtime import keras


def checked(model, images):
    """Return ``images`` as float arrays in the structure that ``model`` takes them in.

    A batch (N, H, W, C); or, for a model with several inputs, a list or dict with one row an image in each.
    Raises ImageError for what the model was not built for, and for numbers that are not finite.
    """
    wanted, many = shapes(model), several(images)
    if isinstance(images, dict) and wanted:
        names = [tensor.name for tensor in model.inputs]
        if set(images) != set(names):
            raise ImageError(f"this network takes the inputs {names}, got {list(images)}")
        images = [images[name] for name in names]
    arrays = [_as_input(a) for a in keras.tree.flatten(images)] if many else [as_batch(images)]
    if len({len(a) for a in arrays}) != 1:
        raise ImageError(f"every input has one row an image; these have {[len(a) for a in arrays]}")
    if wanted:
        _check(arrays, wanted)
    return _packed(model, arrays, images if many else 0)


def example(model):
    """Return one random image, or one row of every input, as ``model`` takes it; None if it does not say what."""
    wanted = shapes(model)
    if not wanted or any(None in shape[1:] for shape in wanted):
        return None
    rng = np.random.default_rng(0)
    arrays = [rng.random((1, *shape[1:])).astype(tensor.dtype)
              for shape, tensor in zip(wanted, model.inputs, strict=True)]
    return _packed(model, arrays, 0 if len(arrays) == 1 else arrays)


def shapes(model):
    """The shapes, (None, H, W, C) or others, that ``model`` was built for; None if it does not say."""
    inputs = getattr(model, "inputs", None) if model.built else None
    return [tuple(tensor.shape) for tensor in inputs] if inputs else None


def rows(x, index):
    """Some rows of every input."""
    return keras.tree.map_structure(lambda a: a[index], x)


def count(x):
    """The number of images N."""
    return len(keras.tree.flatten(x)[0])


def _packed(model, arrays, given):
    """``arrays`` in the structure of a Functional model's inputs, or else as they were given."""
    structure = getattr(model, "_inputs_struct", None)
    return keras.tree.pack_sequence_as(given if structure is None else structure, arrays)


def _check(arrays, wanted):
    if len(arrays) != len(wanted):
        raise ImageError(f"this network takes {len(wanted)} inputs, {wanted}, got {len(arrays)}")
    for shape, array in zip(wanted, arrays, strict=True):
        got = array.shape
        if len(shape) == len(got) and any(w not in (None, g) for w, g in zip(shape[1:], got[1:], strict=True)):
            raise ImageError(f"this network takes images {shape[1:]}, got {got[1:]}: resize them first"
                             if len(got) == 4 else f"this network takes an input {shape}, got {got}")


def several(images):
    """True for several inputs: a dict, or a list of whole batches rather than of single images (H, W, C)."""
    return isinstance(images, dict) or (
        isinstance(images, (list, tuple)) and any(getattr(a, "ndim", 3) != 3 for a in images))


def _as_input(values):
    """Check one input of several: a batch of images, or other numbers, one row an image."""
    values = np.asarray(values)
    if values.ndim == 4:
        return as_batch(values)
    if not values.ndim or values.dtype.kind not in "buif" or not np.isfinite(values).all():
        raise ImageError("an input next to the images has one row of finite numbers an image; "
                         f"got shape {values.shape} of dtype {values.dtype}")
    return values
