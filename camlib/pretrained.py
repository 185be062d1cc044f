"""Networks that learned ImageNet's 1000 classes, ready for photographs, and four photographs to try them on.

The weights come through ``keras.applications``: Keras downloads them once and keeps them in its own folder.
"""

import os
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from keras.src.backend.config import keras_home  # private, but what Keras itself asks; anything else is a guess

from .cnn import softmax
from .errors import CamlibError, ImageError, TargetError, WeightsError, near_names
from .images import SLACK, as_batch, as_image, resize_image
from .runtime import keras

INDEX = "imagenet_class_index.json"
# name in keras.applications: (its module, the file with its weights); both end in GAP and one Dense layer
NETWORKS = {
    "MobileNetV2": ("mobilenet_v2", "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5"),
    "ResNet50": ("resnet50", "resnet50_weights_tf_dim_ordering_tf_kernels.h5"),
}


class Network(NamedTuple):
    """A network and the preprocessing it was trained with."""

    name: str
    model: object         # keras.Model: its own input (N, h, w, 3) to probabilities (N, 1000)
    preprocess: Callable  # RGB images in 0..255 to the network's own input

    def prepare(self, images):
        """Return the network's own input for RGB ``images`` in 0..1: a batch (N, H, W, 3) or a list of any sizes.

        Each image is squashed to the network's size, not cropped; then, for MobileNetV2, x = 255 I / 127.5 - 1,
        equation (9.1) [sandler2018]. ResNet50 gets BGR minus the mean colour instead [he2016].
        Raises ImageError for values outside 0..1, so that nothing is prepared twice.
        """
        images = as_batch(images) if isinstance(images, np.ndarray) else [as_image(image) for image in images]
        if not len(images):
            raise ImageError("expected at least one image, got none")
        low, high = min(i.min() for i in images), max(i.max() for i in images)
        if low < -SLACK or high > 1 + SLACK:
            raise ImageError(f"expected images in 0..1, got {low:g}..{high:g}: prepare each image once, "
                             "as it was loaded; divide bytes by 255")
        if any(image.shape[2] != 3 for image in images):
            raise ImageError(f"expected 3 channels (RGB), got images {[image.shape for image in images]}")
        return self.preprocess(255 * np.stack([resize_image(i, self.model.input_shape[1:3]) for i in images]))


def load(name="MobileNetV2", weights="imagenet"):
    """Return the ``Network`` called ``name`` in keras.applications; ``weights=None`` leaves it untrained.

    Raises WeightsError if the weights are neither in Keras' folder nor to be downloaded.
    """
    module, file = _entry(name)
    module = getattr(keras.applications, module)
    with _explained(file):
        model = getattr(module, name)(weights=weights)
    return Network(name, model, module.preprocess_input)


def available(name="MobileNetV2"):
    """True if the weights and the class names lie in Keras' folder; looks there only, never on the network."""
    return all((folder() / file).is_file() for file in (_entry(name)[1], INDEX))


def folder():
    """Where Keras keeps what it downloads: models/ in KERAS_HOME, or else in .keras of your home folder.

    Keras passes over a home that it may not write to, even to read: it then takes /tmp/.keras.
    """
    home = Path(keras_home()).expanduser()
    return (home if os.access(home, os.W_OK) else Path("/tmp/.keras")) / "models"


def labels():
    """Return the 1000 class names, in the order of the logits. Raises WeightsError if their file is missing."""
    with _explained(INDEX):
        rows = keras.applications.imagenet_utils.decode_predictions(-np.arange(1000.0)[None], top=1000)[0]
    return [label for _, label, _ in rows]


def class_index(label):
    """Return the number of the class called ``label``: "Egyptian_cat" is 285.

    Raises TargetError for an unknown name, and for the few names that ImageNet gives to two classes.
    """
    known = labels()
    found = [i for i, other in enumerate(known) if other == label]
    if not found:
        raise TargetError(f"ImageNet has no class {label!r}.{near_names(label, known)}")
    if len(found) > 1:
        raise TargetError(f"ImageNet has {len(found)} classes {label!r}: "
                          f"write the number, {' or '.join(map(str, found))}")
    return found[0]


def top(logits, k=3):
    """Return for each row of ``logits`` (N, 1000) its ``k`` likeliest classes as (label, probability).

    The probability is p_c = exp(S_c) / sum_d exp(S_d), equation (2.10). Raises CamlibError for NaN, and for rows
    that are probabilities already.
    """
    logits, known = np.asarray(logits), labels()
    if logits.ndim != 2 or logits.shape[1] != len(known):
        raise CamlibError(f"expected logits (N, {len(known)}), got shape {logits.shape}")
    if logits.min() >= 0 and np.allclose(logits.sum(1), 1, atol=1e-3):
        raise CamlibError("these are probabilities; softmax would flatten them. Give the logits: Probe(model).forward")
    return [[(known[c], float(row[c])) for c in np.argsort(-row, kind="stable")[:k]] for row in softmax(logits)]


def photographs():
    """Return four photographs that come with scikit-image: name to image (H, W, 3), RGB, 0..1 [vanderwalt2014]."""
    try:
        from skimage import data
    except ImportError as cause:
        raise ImageError("the photographs come with scikit-image: install the package scikit-image") from cause
    pictures = {"chelsea": data.chelsea(), "coffee": data.coffee(), "rocket": data.rocket(),
                "motorcycle": data.stereo_motorcycle()[0]}
    return {name: pixels / np.float32(255) for name, pixels in pictures.items()}


def above(a, b):
    """Return one picture with image ``a`` above image ``b``, which is resized to the width of ``a``."""
    a, b = as_image(a), as_image(b)
    height = round(len(b) * a.shape[1] / b.shape[1])
    return np.concatenate([a, resize_image(b, (height, a.shape[1]))])


def _entry(name):
    """The module and the weights file of the network ``name``."""
    if name not in NETWORKS:
        raise CamlibError(f"no pretrained network {name!r} here.{near_names(name, list(NETWORKS))}")
    return NETWORKS[name]


@contextmanager
def _explained(file):
    """Turn whatever Keras raises while it fetches or reads ``file`` into a WeightsError that says what to do."""
    try:
        yield
    except Exception as cause:
        path = folder() / file
        if path.is_file():
            raise WeightsError(f"{path} cannot be read ({cause}): delete it and run again with internet") from cause
        raise WeightsError(f"{file} is missing: Keras looks for it in {path.parent}, and could not download it. "
                           "Run this once with internet, and Keras fetches and keeps it; or, before Python starts, "
                           "set KERAS_HOME to a folder of yours whose models/ has it") from cause
