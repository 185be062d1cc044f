"""Feature maps: ask for them, know which pixels a cell sees, and find what makes a channel fire.

Letters as in chapter 3: maps A (N, h, w, K). Cell i of a layer sees the pixels q + i g up to, not including,
q + i g + r: its field has the size r, the jump g and the start q.
"""

import operator
from numbers import Real

import numpy as np

from . import inputs
from .convolution import output_size, receptive_field, same_padding
from .errors import ImageError, LayerError, MapError, TargetError
from .images import as_batch, as_image, as_numbers
from .pooling import as_maps
from .probe import maps_of, probe
from .runtime import keras

L = keras.layers
WINDOWS = (L.Conv2D, L.DepthwiseConv2D, L.MaxPooling2D, L.AveragePooling2D)
CELLWISE = (L.Activation, L.ReLU, L.LeakyReLU, L.BatchNormalization, L.Dropout, L.SpatialDropout2D, L.Rescaling,
            L.Normalization)
MEASURE = "measure instead which pixels matter, with influence(model, images, layer, cell)"


def feature_maps(model, images, layers):
    """Return the maps of ``layers``, one or a list of names or Layers, in one pass: {name: A (N, h, w, K)}.

    Each number is one channel's answer at one place, equation (3.1) for a convolution with ReLU. They are as
    the layer gives them: nothing is normalised. Raises LayerError for an unknown layer or one without maps.
    """
    return maps_of(model, images, layers if isinstance(layers, (list, tuple)) else [layers])


# -- which pixels ------------------------------------------------------------------------------------


def receptive_field_of(model, layer):
    """Return the field (size, jump, start) of ``layer``, by equation (3.4) from the layers below it [araujo2019].

    Only the way from the image to the layer counts. Raises LayerError if it is no plain chain of convolutions,
    poolings and what works on each cell alone; if the image's size is open; if rows and columns differ.
    """
    look = probe(model, layer)
    steps, sizes = ([], []), _image_size(look)
    for one in _way(look):
        for axis in (0, 1):
            kernel, stride, padding, dilation = _window(one, axis)
            before = same_padding(sizes[axis], kernel, stride, dilation)[0] if padding == "same" else padding[0]
            steps[axis].append((kernel, stride, before, dilation))
            sizes[axis] = output_size(sizes[axis], kernel, stride, padding, dilation)
    rows, columns = map(receptive_field, steps)
    if rows != columns:
        raise LayerError(f"along rows the field (size, jump, start) is {rows}, along columns {columns}: {MEASURE}")
    return rows


def influence(model, images, layer, cell, channel=None):
    """Return R (N, H, W) = sum over colours of |d A_ijk / d I| for the ``cell`` (i, j), equation (3.7).

    ``channel`` k, or None for the sum of all channels. Works for every network: what lies outside the
    receptive field is 0. Raises MapError for a cell or a channel that the layer does not have.
    """
    look = probe(model, layer)
    A, _ = look.forward(images)
    i, j = cell if np.shape(cell) == (2,) else (None, None)
    if not (_is_index(i, A.shape[1]) and _is_index(j, A.shape[2])):
        raise MapError(f"a cell is (row, column) of the {A.shape[1]} × {A.shape[2]} cells, from 0, not {cell!r}")
    y = np.zeros_like(A)
    y[:, i, j, slice(None) if channel is None else _channel(A, channel)] = 1
    return np.abs(look.project(images, y)[1]).sum(-1)


def effective_size(R, share=0.9):
    """Return the side of the smallest square, around the centre of mass of R (H, W) >= 0, that holds ``share`` of it.

    2 d + 1 for the smallest d with sum over max(|y - y0|, |x - x0|) <= d of R_yx >= share · sum of R, equation (3.8);
    (y0, x0) is the centre of mass, rounded to a pixel [luo2016]. Raises MapError.
    """
    R = as_numbers(R, MapError, "an influence (H, W)", doubles=True)
    if R.ndim != 2 or R.min() < 0 or not R.any():
        raise MapError(f"expected an influence (H, W), nowhere negative and not all 0; got shape {R.shape}")
    if not (isinstance(share, Real) and 0 < share <= 1):
        raise MapError(f"share is above 0 and at most 1, not {share!r}")
    y, x = np.indices(R.shape)
    y0, x0 = (np.rint((axis * R).sum() / R.sum()) for axis in (y, x))
    held = np.bincount(np.maximum(abs(y - y0), abs(x - x0)).astype(int).ravel(), R.ravel()).cumsum()
    return 2 * int(np.argmax(held >= share * held[-1])) + 1


# -- what a channel prefers ---------------------------------------------------------------------------


def peaks(A):
    """Return the row and the column of the strongest cell of each map, (N, K, 2); the first one of equals."""
    A = as_maps(A)
    flat = A.reshape(len(A), -1, A.shape[3]).argmax(1)
    return np.stack(np.divmod(flat, A.shape[2]), -1)


def top_images(A, channel, n):
    """Return the numbers (n,) of the images with the strongest cells of ``channel``, strongest first.

    An image counts once, by max_ij A_ijk. Raises MapError if the channel answers the same everywhere.
    """
    A = as_maps(A)
    one = A[..., _channel(A, channel)]
    if not _is_index(n, len(one) + 1) or n == 0:
        raise MapError(f"the top n of {len(one)} images: n is 1 to {len(one)}, not {n!r}")
    if one.max() == one.min():
        raise MapError(f"channel {channel} is {one.max():g} in every cell of these images: it prefers nothing here")
    return np.argsort(-one.max((1, 2)), kind="stable")[:n]


def top_patches(images, A, channel, n, field):
    """Return the n patches (n, r, r, C) that ``channel`` answers most to, one an image, and their cells (n, 3).

    A patch is all that its cell can see, by ``field`` = (size, jump, start), equation (3.4); what lies outside the
    image is 0. A cell is (image, row, column). Raises ImageError if images and maps do not belong together.
    """
    images = as_batch(images)
    if len(images) != len(as_maps(A)):
        raise ImageError(f"{len(images)} images need their own maps (N, h, w, K), got {len(A)}")
    chosen = top_images(A, channel, n)
    cells = np.column_stack([chosen, peaks(A)[chosen, channel]])
    return np.stack([patch(images[m], (i, j), field) for m, i, j in cells]), cells


def patch(image, cell, field):
    """Return the pixels (r, r, C) of ``image`` (H, W, C) that ``cell`` (i, j) can see, equation (3.4); 0 outside."""
    image = as_image(image)
    size, jump, start = _whole_numbers(field, 3, "a field is (size, jump, start)")
    top, left = (start + index * jump for index in _whole_numbers(cell, 2, "a cell is (row, column)"))
    bottom, right = top + size - image.shape[0], left + size - image.shape[1]
    around = [(max(0, -top), max(0, bottom)), (max(0, -left), max(0, right)), (0, 0)]
    return np.pad(image, around)[max(0, top):max(0, top) + size, max(0, left):max(0, left) + size]


# -- measures ----------------------------------------------------------------------------------------


def dead_channels(A):
    """Return for each channel (K,) whether it is nowhere above 0 *on these images*, equation (3.10).

    Other images may wake it: the word is a finding about a network and a set of images.
    """
    return ~(as_maps(A) > 0).any((0, 1, 2))


def class_share(A, labels):
    """Return for each channel (K,) the share of the variance of F = mean_ij A that lies between classes.

    Equation (3.9); ``labels`` (N,). 1: the class alone says how strong the mean is; 0: the class says nothing. A
    channel that never varies has 0. A small sample flatters: pure noise has about (C - 1) / (N - 1).
    Raises TargetError.
    """
    F, labels = as_maps(A).mean((1, 2)), np.asarray(labels)
    if labels.shape != (len(F),):
        raise TargetError(f"{len(F)} images need as many labels, got shape {labels.shape}")
    if (labels != labels).any():
        raise TargetError("a label is NaN: leave out the images whose class is not known")
    middle = F - F.mean(0)
    between = sum((labels == c).sum() * middle[labels == c].mean(0) ** 2 for c in np.unique(labels))
    total = (middle ** 2).sum(0)
    varies = np.ptp(F, axis=0) > 0
    return np.divide(between, total, out=np.zeros_like(total), where=varies)


# -- checks ------------------------------------------------------------------------------------------


def _way(look):
    """The layers one behind another from the image to the layer looked at, which is the last; raises LayerError."""
    model, known = look.model, [one for one in look.model.layers if not isinstance(one, L.InputLayer)]
    if isinstance(model, keras.Sequential) and look.layer in known:
        return known[:known.index(look.layer) + 1]
    try:
        made, way = {id(one.output): one for one in known}, [look.layer]
        while way[0].input is not model.inputs[0]:
            way.insert(0, made[id(way[0].input)])
    except (AttributeError, KeyError) as cause:
        raise LayerError(f"the way from the image to {look.path!r} is no plain chain of this model's layers "
                         f"(it branches, joins, or lies inside another model or layer): {MEASURE}") from cause
    return way


def _image_size(look):
    """The height and width that the model is built for; raises LayerError if they are open."""
    shape, *others = inputs.shapes(look.model) or [(None, None)]
    if others:
        raise LayerError(f"this model has {1 + len(others)} inputs, and the field is read off for one image: build a "
                         f"keras.Model from the image to {look.path!r}")
    if None in shape[1:]:
        raise LayerError("the padding depends on the size of the image, and this model leaves it open: give it an "
                         f"Input with a height and a width, or {MEASURE}")
    return list(shape[2:] if look.channels_first else shape[1:3])


def _window(layer, axis):
    """The kernel, stride, padding ("same" or a pair) and dilation of ``layer`` along one axis; raises LayerError."""
    if isinstance(layer, L.ZeroPadding2D):
        return 1, 1, layer.padding[axis], 1
    if isinstance(layer, CELLWISE):
        return 1, 1, (0, 0), 1
    if not isinstance(layer, WINDOWS):
        raise LayerError(f"{layer.name!r} is a {type(layer).__name__}, which this formula does not know: {MEASURE}")
    kernel = getattr(layer, "kernel_size", None) or layer.pool_size
    padding = "same" if layer.padding == "same" else (0, 0)
    return kernel[axis], layer.strides[axis], padding, getattr(layer, "dilation_rate", (1, 1))[axis]


def _whole_numbers(values, count, wanted):
    """``values`` as ``count`` ints; raises MapError."""
    try:
        found = [operator.index(value) for value in values]
    except TypeError:
        found = []
    if len(found) != count:
        raise MapError(f"{wanted}, {count} whole numbers, not {values!r}")
    return found


def _is_index(value, count):
    """True for a whole number from 0 to count - 1."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and 0 <= value < count


def _channel(A, channel):
    """``channel`` if the maps A have it; raises MapError."""
    if not _is_index(channel, A.shape[-1]):
        raise MapError(f"a channel is a number from 0 to {A.shape[-1] - 1}, not {channel!r}")
    return channel
