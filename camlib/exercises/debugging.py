"""Self-checks of chapter 12: what a tag is worth, and where. They read the first 100 of the chapter's 610 scenes."""

from functools import cache

import numpy as np

from .. import course_network, debugging, scenes
from ..checks import choice, number, same
from ..images import resize_map
from ..probe import Probe
from . import exercise

COUNT, ALL = 100, 610
KEY = scenes.CLASSES.index(debugging.TAGGED)
MIDDLE, AT_THE_EDGES = (44, 44, 52, 52), ((30, 31, 42, 43), (31, 30, 43, 42), (85, 3, 93, 11), (3, 85, 11, 93))


@cache
def _scenes():
    """The first scenes: clean and worn pictures (N, H, W, 3), boxes of the objects and of the tags (N, 4)."""
    clean, labels, _, boxes = scenes.make(COUNT, seed=2)
    worn, tags = debugging.tag(clean, labels, boxes, seed=2, only=None)
    return clean, worn, boxes, tags


@cache
def _probe(name):
    return Probe({"tagged": debugging, "course": course_network}[name].load())


def _maps(images, name="tagged"):
    """The maps of all classes, each with its bias, so that their mean is the logit, equation (7.6): (N, h, w, C)."""
    W, b = _probe(name).head()
    return _probe(name).forward(images)[0] @ W + b


def _effect(images, name="tagged"):
    """What a change of the clean pictures did to the logits (N, C): the mean of D, equation (12.1)."""
    return (_maps(images, name) - _maps(_scenes()[0], name)).mean((1, 2))


def _painted(images, pieces, squares):
    """Copies of ``images`` with a piece, or a colour, in each square."""
    images = images.copy()
    for image, piece, (x0, y0, x1, y1) in zip(images, pieces, squares, strict=True):
        image[y0:y1, x0:x1] = piece
    return images


def _first(values):
    """The first 100 of 610 values; another number of them is left for the check to refuse."""
    return values[:COUNT] if np.shape(values)[:1] == (ALL,) else values


@cache
def _places():
    """The logits of "key" that the tag adds at a free place and in its corner; in the course network, their gap."""
    clean, worn, boxes, tags = _scenes()
    pieces = [image[y0:y1, x0:x1] for image, (x0, y0, x1, y1) in zip(worn, tags, strict=True)]
    moved = _painted(clean, pieces, debugging.free_places(boxes, 8, seed=1))
    course = _effect(moved, "course") - _effect(worn, "course")
    return _effect(moved)[:, KEY], _effect(worn)[:, KEY], course[:, KEY]


@exercise
def place(change_by_place):
    """``change_by_place`` (610,) or (100,): logits of "key" that the tag adds at a free place less in its corner."""
    elsewhere, corner, course = _places()
    same(_first(change_by_place), elsewhere - corner, "change by place", wrong={
        "what the tag adds at the free place: what it adds in its corner is not yet subtracted": elsewhere,
        "what the tag adds in its corner": corner, "the course network's: the tagged one is asked": course})
    return "The same tag is worth less in most other places, though the last step averages over all cells."


@cache
def _reached(*square):
    """Cells (h, w) that a change in the square reaches: with weights of 1 throughout nothing can cancel."""
    model = course_network.build()
    model.set_weights([np.ones_like(w) if w.ndim > 1 else np.zeros_like(w) for w in model.get_weights()])
    picture = _painted(np.zeros((1, scenes.SIZE, scenes.SIZE, 3), np.float32), [1], [square])
    return Probe(model).forward(picture)[0][0].max(2) > 0


@exercise
def where(sees, cells):
    """``sees(x0, y0, x1, y1)`` (12, 12): True where a cell sees the square; ``cells``: how many see the middle one."""
    q = 8 * np.arange(12)
    for x0, y0, x1, y1 in (MIDDLE, *AT_THE_EDGES):
        right = _reached(x0, y0, x1, y1)
        full = np.ones_like(right)
        same(sees(x0, y0, x1, y1), right, f"cells that see {x0, y0, x1, y1}", wrong={
            "the rows alone decide: the columns must meet the tag, too": right.any(1, keepdims=True) & full,
            "the columns alone decide: the rows must meet the tag, too": right.any(0) & full,
            "the cells that do not see it": ~right,
            "the fields begin at pixel 0: the start q is missing":
                np.outer((q < y1) & (q + 53 > y0), (q < x1) & (q + 53 > x0))})
    middle = _reached(*MIDDLE)
    number(cells, int(middle.sum()), "number of cells", wrong={
        "that is one axis, and the cells fill a square": int(middle.any(0).sum()),
        "that is a tag in a corner": int(_reached(85, 85, 93, 93).sum())})
    return "In a corner fewer cells see the tag, because the others would lie outside the picture."


@cache
def _squares():
    """What the tag, a square of its mean colour, a grey one and one of the scene's mean colour add to "key"."""
    clean, worn, _, tags = _scenes()
    pieces = np.stack([image[y0:y1, x0:x1] for image, (x0, y0, x1, y1) in zip(worn, tags, strict=True)])
    colours = pieces.mean((1, 2)), pieces.mean((1, 2, 3)), clean.mean((1, 2))
    return [_effect(images)[:, KEY] for images in (worn, *(_painted(clean, colour, tags) for colour in colours))]


@exercise
def control(tag_less_square):
    """``tag_less_square`` (610,) or (100,): logits of "key" that the tag adds less those of a plain square."""
    tag, square, grey, scene = _squares()
    same(_first(tag_less_square), tag - square, "tag less square", wrong={
        "what the square adds: the tag's own effect does not occur": square,
        "what the tag adds: subtract what the square adds": tag,
        "the square is grey: one mean over all three colours": tag - grey,
        "the square has the mean colour of the scene, not of its tag": tag - scene})
    return "A plain square of the same colour does a part of it; most belongs to the pattern."


@exercise
def other(moves, loser):
    """``moves`` (610, 8) or (100, 8): what the tag adds to each logit; ``loser``: the class with the lowest mean."""
    clean, worn, *_ = _scenes()
    right = _effect(worn)
    p = [_probe("tagged").probabilities(_maps(images).mean((1, 2))) for images in (clean, worn)]
    same(_first(moves), right, "your moves", wrong={
        "the change of the probabilities": p[1] - p[0],
        "the logits of the worn scenes: subtract those of the clean ones": _maps(worn).mean((1, 2)),
        "the course network's: the tagged one is asked": _effect(worn, "course")})
    mean = dict(zip(scenes.CLASSES, right.mean(0), strict=True))
    choice(loser, min(mean, key=mean.get), {
        name: "Its logit falls, and another one falls further." if move < 0 else "Its logit rises."
        for name, move in mean.items()}, "the class that loses most")
    return "Every other class pays, so the tag widens the gap by more than its own logits."


def _hot_squares(images, side=12):
    """The square around the largest value of each enlarged map of "key", moved inside."""
    half, squares = side // 2, []
    for map in resize_map(_maps(images)[..., KEY], scenes.SIZE):
        corner = [min(max(int(at) - half, 0), scenes.SIZE - side) for at in np.unravel_index(map.argmax(), map.shape)]
        squares.append((corner[1], corner[0], corner[1] + side, corner[0] + side))
    return squares


@cache
def _guesses():
    """What covering does to "key", of worn and of clean pictures: {what was done: logits less those of clean}."""
    clean, worn, _, tags = _scenes()
    on = {"worn": _hot_squares(worn), "clean": _hot_squares(clean)}
    done = {"left": (worn, "worn"), "lost": (clean, "clean"), "old guess": (clean, "worn")}
    covered = {what: _painted(images, images.mean((1, 2)), on[guess]) for what, (images, guess) in done.items()}
    covered["tag"] = _painted(worn, worn.mean((1, 2)), tags)
    covered["black"] = _painted(worn, np.zeros(COUNT), on["worn"])
    return {what: _effect(images)[:, KEY] for what, images in covered.items()}, _effect(worn)[:, KEY]


@exercise
def guess(left, lost):
    """``left``, ``lost`` (610,) or (100,): "key" of covered pictures, worn and clean, less "key" of the clean ones."""
    effects, tag = _guesses()
    same(_first(left), effects["left"], "left", wrong={
        "compared with the worn pictures: compare with the clean ones": effects["left"] - tag,
        "the tag itself was covered: let the map guess": effects["tag"],
        "the squares are black: paint them in the mean colour": effects["black"],
        "nothing is covered": tag})
    same(_first(lost), effects["lost"], "lost", wrong={
        "the squares were guessed on the worn pictures: guess again on the clean ones": effects["old guess"],
        "these are the worn pictures": effects["left"]})
    return "The map mostly finds the tag where there is one, and covers the keys where there is none."
