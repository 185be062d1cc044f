"""Explain photos: a network, a method and a photo in; an overlay and a line of JSON out.

``camlib.cli`` is the command around it, ``camlib.folder`` goes through many photos.
"""

import os
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from .cam import class_activation_map
from .errors import CamlibError, HeadError, ImageError, TargetError, near_names
from .grad_cam import (
    ablation_cam, eigen_cam, grad_cam, grad_cam_plus_plus, hires_cam, layer_cam, score_cam, xgrad_cam,
)
from .images import load_image, normalize_map, overlay, resize_image, resize_map
from .localization import bounding_boxes
from .networks import Network
from .plots import BOX_COLORS
from .probe import probe

METHODS = {
    "cam": class_activation_map, "grad-cam": grad_cam, "grad-cam++": grad_cam_plus_plus, "xgrad-cam": xgrad_cam,
    "hirescam": hires_cam, "layercam": layer_cam, "score-cam": score_cam, "ablation-cam": ablation_cam,
    "eigen-cam": eigen_cam,
}
LONGEST = 1024  # pixels of an overlay's longer side: a map has a dozen cells a side, more pixels show no more


class Photo(NamedTuple):
    """What is kept of a photo: the full picture is dropped at once, so that a batch of them needs little memory."""

    x: np.ndarray      # the network's own input (h, w, c)
    shown: np.ndarray  # the picture as bytes, its longer side at most LONGEST
    size: tuple        # height and width of the photo itself


# -- the question ------------------------------------------------------------------------------------


class Question(NamedTuple):
    """What is asked about every photo, found to have an answer."""

    network: Network
    method: str
    layer: str        # the name of the layer whose maps are weighted
    target: int       # a class, or None for each photo's own top class
    top: int
    threshold: float
    wanted: str       # the layer that was asked for, or None


def ask(network, method=None, layer=None, target=None, top=3, threshold=0.2):
    """Return the ``Question``, tried out on noise, so that a run fails before its first photo or not at all.

    ``method`` is a key of METHODS, or None: cam if the head allows it and no layer is named, otherwise grad-cam.
    ``target``: the name or number of a class. Raises HeadError, LayerError, TargetError, WeightsError.
    """
    if layer is not None and method == "cam":
        raise CamlibError("cam is defined for the last maps only: leave --layer out, or take --method grad-cam")
    if target is not None and method == "eigen-cam":
        raise TargetError("eigen-cam looks at no class: leave --class out, or take another --method")
    noise = np.random.default_rng(0).random((64, 64, 3), np.float32)
    x = network.prepare(noise)[None]
    look = probe(network.model, layer)
    logits = look.forward(x)[1]
    look.classes(None, 1, logits)
    count = max(logits.shape[1], 2)
    if network.names and len(network.names) != count:
        raise CamlibError(f"{len(network.names)} class names were given, but {network.name} has {count} classes")
    target = None if target is None else class_number(target, network.names, count)
    question = Question(network, method or _default(network, x, layer), look.path, target, top, threshold, layer)
    slow = question.method in ("score-cam", "ablation-cam")
    answer(question._replace(method="grad-cam") if slow else question, x)
    return question


def _default(network, x, layer):
    if layer is None:
        try:
            class_activation_map(network.model, x)
            return "cam"
        except HeadError:
            pass
    return "grad-cam"


def class_number(text, names, count):
    """Return the index of the class that ``text`` names or numbers, one of ``count``; ``names`` may be empty.

    Upper and lower case, blanks and underscores are the same if need be. Raises TargetError for none or several.
    """
    if text.isascii() and text.isdigit():
        if len(text) < 10 and int(text) < count:
            return int(text)
        raise TargetError(f"class {text} is out of range: this network has {count} classes, 0 to {count - 1}")
    for same in (str, lambda name: name.lower().replace(" ", "_")):
        found = [i for i, name in enumerate(names) if same(name) == same(text)]
        if len(found) > 1:
            raise TargetError(f"{len(found)} classes are called {text!r}: write the number, "
                              f"{' or '.join(map(str, found))}")
        if found:
            return found[0]
    hint = near_names(text, names) if names else f" Its names are not known: write a number, 0 to {count - 1}."
    raise TargetError(f"no class {text!r} in this network.{hint}")


# -- the answer --------------------------------------------------------------------------------------


def load_photo(network, path):
    """Return the ``Photo`` at ``path``. Raises ImageError."""
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe would wait for ever
        raise ImageError(f"{path} is no regular file")
    image = load_image(path)
    height, width = image.shape[:2]
    shrink = min(1, LONGEST / max(height, width))
    shown = resize_image(image, (max(1, round(height * shrink)), max(1, round(width * shrink))))
    return Photo(network.prepare(image), np.rint(255 * shown).astype(np.uint8), (height, width))


def answer(question, x):
    """Return the signed maps (N, h, w), the classes they are for (N,) and all probabilities (N, C) of ``x``."""
    network, method = question.network, METHODS[question.method]
    look = probe(network.model, question.wanted)
    p = look.probabilities(look.forward(x)[1])
    classes = p.argmax(1) if question.target is None else np.full(len(x), question.target)
    options = {} if question.method == "cam" else {"layer": question.wanted}
    if question.method == "eigen-cam":
        return method(network.model, x, **options), classes, p
    return method(network.model, x, classes, **options), classes, p


def result(question, photo, map, target, p):
    """Return what the map of one photo says, as it goes into the JSON line; see book/command.md for each field."""
    named = question.network.names or range(len(p))
    best = np.argsort(-p, kind="stable")[:question.top]
    full = resize_map(map, photo.size)
    found = bounding_boxes(full, question.threshold)[:1].tolist()
    line = {
        "size": photo.size[::-1], "model": question.network.name, "method": question.method, "layer": question.layer,
        "class": None if question.method == "eigen-cam" else {"index": int(target), "name": str(named[target])},
        "top": [{"index": int(i), "name": str(named[i]), "probability": round(float(p[i]), 4)} for i in best],
        "box": None, "peak": None, "energy": None,
    }
    if not found:
        return line | {"note": "the map has no positive value"}
    (x0, y0, x1, y1), positive = found[0], np.maximum(full, 0, dtype=np.float64)
    row, column = np.unravel_index(full.argmax(), full.shape)
    return line | {"box": found[0], "peak": [int(column), int(row)],
                   "energy": round(float(positive[y0:y1, x0:x1].sum() / positive.sum()), 4)}


def draw(photo, map, box):
    """Return a Pillow image: the positive part of the map over the photo, and the box, x0 y0 x1 y1 of the photo."""
    shown = photo.shown / np.float32(255)
    heat = normalize_map(resize_map(map, shown.shape[:2]), "relu")
    picture = Image.fromarray(np.rint(255 * overlay(shown, heat)).astype(np.uint8))
    if box:
        sides = [round(side * scale) for side, scale in zip(box, 2 * (shown.shape[1] / photo.size[1],
                                                                      shown.shape[0] / photo.size[0]), strict=True)]
        _outline(ImageDraw.Draw(picture), *sides, width=max(1, max(picture.size) // 150))
    return picture


def _outline(pen, x0, y0, x1, y1, width):
    """Outline a box, x1 and y1 just outside, in yellow on black, which shows on any picture."""
    x1, y1 = max(x0, x1 - 1), max(y0, y1 - 1)
    pen.rectangle([x0 - 1, y0 - 1, x1 + 1, y1 + 1], outline="black", width=width + 2)
    pen.rectangle([x0, y0, x1, y1], outline=BOX_COLORS[0], width=width)
