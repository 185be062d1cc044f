"""Open a network for photos from anywhere: one that Keras offers, the one that ships with camlib, or a model file."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from . import course_network, pretrained, scenes
from .errors import CamlibError, WeightsError, near_names
from .images import resize_image
from .runtime import keras

PRETRAINED = {name.lower(): name for name in pretrained.NETWORKS}
SCALES = {"0..1": lambda x: x, "0..255": lambda x: 255 * x, "-1..1": lambda x: 2 * x - 1}


class Network(NamedTuple):
    """A network and all that is needed to show it a photo and to name its answers."""

    name: str
    model: object      # keras.Model
    prepare: Callable  # an image (H, W, 3) in 0..1 to the network's own input (h, w, c)
    names: tuple       # one a class; empty if nobody knows them
    digest: str        # SHA-256 of the file it came from
    prepared: str      # how its input is made, in words


def open_network(name, *, scale=None, size=None, labels=None):
    """Return the ``Network`` called ``name``: mobilenetv2, resnet50, course, or the path of a .keras or .h5 file.

    The rest is for a file: ``scale`` of the pixels ("0..1" if None), ``size`` of the input if the model takes any,
    and the file ``labels`` with one class name a line. Raises CamlibError for what cannot be opened.
    """
    if name in PRETRAINED or name == "course":
        if (scale, size, labels) != (None, None, None):
            raise CamlibError(f"--scale, --size and --labels are for a model file: {name} brings its own")
        return _course() if name == "course" else _pretrained(name)
    if not os.path.isfile(name):
        known = (*PRETRAINED, "course")
        hint = "" if os.path.dirname(name) or Path(name).suffix else near_names(name, known)
        raise CamlibError(f"no model {name!r}: name {', '.join(known)} or an existing .keras or .h5 file.{hint}")
    model = _loaded(name)
    names = _lines(labels) if labels else ()
    scale = scale or "0..1"
    prepare, shape = _preparation(name, model, scale, size)
    return Network(name, model, prepare, names, file_digest(name), f"{shape} in {scale}")


def _course():
    def prepare(image):
        return resize_image(image, (scenes.SIZE, scenes.SIZE))

    return Network("course", course_network.load(), prepare, scenes.CLASSES,
                   file_digest(course_network.WEIGHTS), "its own")


def _pretrained(name):
    network = pretrained.load(PRETRAINED[name])
    weights = pretrained.folder() / pretrained.NETWORKS[network.name][1]
    return Network(name, network.model, lambda image: network.prepare([image])[0], tuple(pretrained.labels()),
                   file_digest(weights), "its own")


def _loaded(path):
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as cause:  # Keras raises anything, over many lines
        reason = " ".join(str(cause).split())[:200]
        raise WeightsError(f"{path} cannot be read as a Keras model ({reason}): save it again with "
                           "model.save('model.keras'), without layers of your own code") from cause


def _preparation(name, model, scale, size):
    """What squashes an image to the input of ``model``, scales it and greys it if need be; and the shape it makes."""
    shape = getattr(model, "input_shape", None)
    if not (isinstance(shape, tuple) and len(shape) == 4 and shape[3] in (1, 3)):
        raise CamlibError(f"{name} takes inputs {shape}, not images (N, height, width, 3) or (N, height, width, 1)")
    height, width = (size if side is None else side for side in shape[1:3])
    if height is None or width is None:
        raise CamlibError(f"{name} takes images of any size: say with --size how many pixels a side it shall get")
    if size not in (None, height) or size not in (None, width):
        raise CamlibError(f"{name} takes images of {height} × {width} pixels, so --size {size} does not fit")

    def prepare(image):
        x = SCALES[scale](resize_image(image, (height, width)))
        return x if shape[3] == 3 else (x @ np.array([[0.299], [0.587], [0.114]], np.float32))

    return prepare, (height, width, shape[3])


def _lines(path):
    try:
        return tuple(Path(path).read_text("utf-8").splitlines())
    except (OSError, ValueError) as cause:
        raise CamlibError(f"the class names in {path} cannot be read ({cause}): write a text file, one name a line, "
                          "in UTF-8") from cause


def file_digest(path):
    """The SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
