"""Self-checks of chapter 6: occlusion."""

from functools import cache
from math import ceil

import numpy as np

from .. import course_network, occlusion, scenes
from ..checks import choice, fair, number, same
from ..cnn import softmax
from ..images import resize_map
from ..probe import Probe
from . import exercise


@cache
def _look():
    return Probe(course_network.load())


def _logits_in_patches(images, shown, a, s):
    """Logits (N, places, C) of ``images`` with what is ``shown`` on an a x a patch, at each place of stride s."""
    corners = [(y, x) for y in occlusion.places(96, a, s) for x in occlusion.places(96, a, s)]
    covered = np.repeat(images[:, None], len(corners), 1)
    for k, (y, x) in enumerate(corners):
        covered[:, k, y:y + a, x:x + a] = shown[:, y:y + a, x:x + a]
    return _look().logits(covered.reshape(-1, 96, 96, 3)).reshape(len(images), len(corners), -1)


@exercise
def budget(smallest, stride_1):
    """``smallest(size, patch, budget)``: the smallest stride for so many passes; ``stride_1``: the photograph's."""
    def cost(size, patch, stride):
        return (ceil((size[0] - patch) / stride) + 1) * (ceil((size[1] - patch) / stride) + 1) + 1

    photograph = (480, 640)
    for size, patch, passes in ((photograph, 64, 500), (photograph, 64, 476), (photograph, 64, 475), ((96, 96), 16, 37),
                                ((40, 64), 8, 1882), ((40, 64), 8, 41), ((100, 60), 20, 16)):
        affordable = [s for s in range(1, patch + 1) if cost(size, patch, s) <= passes]
        number(smallest(size, patch, passes), min(affordable), f"smallest({size}, {patch}, {passes})", wrong={
            f"stride {s} costs {cost(size, patch, s)} passes" + (": you forgot the uncovered picture" *
                                                                 (cost(size, patch, s) == passes + 1)): s
            for s in range(1, min(affordable))})
    number(stride_1, cost(photograph, 64, 1), "your passes with stride 1", wrong={
        "the uncovered picture is a pass, too": cost(photograph, 64, 1) - 1,
        "a patch for each pixel: it has to lie inside": 480 * 640,
        "a patch for each pixel, and it has to lie inside": 480 * 640 + 1,
        "one place too few in each direction": (480 - 64) * (640 - 64) + 1})
    return "The cost falls with the square of the stride."


@exercise
def two_classes(difference, on_objects):
    """``difference`` (96, 96): the map of mug less house; ``on_objects`` (2,): its mean on the mug, on the house."""
    pair = scenes.make(7, seed=21, objects=2)
    image, (one, two), masks = pair.images[[3]], pair.labels[3], pair.masks[3]
    look = _look()
    first, second = (occlusion.occlusion_map(look, image, int(c))[0] for c in (one, two))
    p_first, p_second = (occlusion.occlusion_map(look, image, int(c), score="probability")[0] for c in (one, two))
    same(difference, first - second, "your map", wrong={
        "the house less the mug": second - first,
        "the map of the mug alone": first, "the map of the house alone": second,
        "the sum of the two maps": first + second,
        "the map of the mug's probability": p_first,
        "the difference of the probabilities": p_first - p_second})
    same(np.zeros(np.shape(on_objects)), np.zeros(2), "your means")
    means = [(first - second)[mask].mean() for mask in masks]
    for yours, right, rest, name in zip(on_objects, means, means[::-1], ("mug", "house"), strict=True):
        number(yours, right, f"your mean on the {name}", wrong={
            "that of the other object": rest, "of the absolute values": np.abs(right)})
    return "Each object speaks for its own class, and so against the other."


def _twin(scene):
    """The first scene with its object copied to the opposite side, as in the chapter."""
    mask, (x0, y0, x1, y1) = scene.masks[0], scene.boxes[0]
    move = (94 - y1 if y0 + y1 < 96 else 2 - y0, 94 - x1 if x0 + x1 < 96 else 2 - x0)
    return np.where(np.roll(mask, move, (0, 1))[..., None], np.roll(scene.images[0], move, (0, 1)), scene.images[0])


@cache
def _cover_and_uncover():
    """How far one patch of 32 changes the leaf's p: at most, at least, in the map. (2, 2) each.

    Rows: one leaf, two leaves. Columns: the fall when it covers, the rise when it uncovers.
    """
    scene = scenes.make(6, seed=12)
    both = np.stack([scene.images[0], _twin(scene)])
    blurred = occlusion.fill_pictures(both, "blur", patch=32)
    leaf = _look().logits(both[:1]).argmax()
    at_start, covered, bare, uncovered = (softmax(logits.astype(float))[..., leaf] for logits in (
        _look().logits(both), _logits_in_patches(both, blurred, 32, 8),
        _look().logits(blurred), _logits_in_patches(blurred, both, 32, 8)))
    by_place = np.stack([at_start[:, None] - covered, uncovered - bare[:, None]], 1)
    maps = occlusion.drops_to_pixels(by_place.reshape(4, 9, 9), (96, 96), 32, 8)
    return by_place.max(2), by_place.min(2), maps.max((1, 2)).reshape(2, 2)


@exercise
def keep(change, sees):
    """``change`` (2, 2): see ``_cover_and_uncover``; ``sees``: the experiment that sees a leaf with a double."""
    right, least, of_map = _cover_and_uncover()
    same(np.zeros(np.shape(change)), np.zeros((2, 2)), "your changes")
    for i, j in np.ndindex(2, 2):
        name = f"your change of p, {('one leaf', 'two leaves')[i]}, {('covering', 'uncovering')[j]}"
        number(change[i][j], right[i, j], name, 3e-5, {
            "that of the other experiment": right[i, 1 - j],
            "that of the other scene": right[1 - i, j],
            "the largest of the map, where each pixel is the mean of several patches": of_map[i, j],
            "a fall where a rise was asked for, or the sign forgotten": -least[i, j]})
    choice(sees, "uncovering", {"covering": "Look at the second row: which change is nearly none?", "uncovering": ""})
    return "Not needed, and yet enough: with a double, only the second question finds it."


@exercise
def background(false_drops):
    """``false_drops`` (2,): the mean |drop| on ground with the fill "mean", and with the ground of another scene."""
    some = scenes.make(20, seed=61)
    images = some.images[:10]
    places = occlusion.places(96, 16, 16)
    touches = np.array([[m[y:y + 16, x:x + 16].any() for y in places for x in places] for m in some.masks])
    free, S = ~(touches[:10] | touches[10:]), _look().logits(images)
    top, n = S.argmax(1), np.arange(10)
    mean = np.broadcast_to(images.mean((1, 2), keepdims=True), images.shape)
    same(np.zeros(np.shape(false_drops)), np.zeros(2), "your two means")
    for yours, fill, shown in zip(false_drops, ("mean", "other ground"), (mean, some.images[10:]), strict=True):
        drops = (S[n, top][:, None] - _logits_in_patches(images, shown, 16, 16)[n, :, top]).astype(float)
        number(yours, np.abs(drops[free]).mean(), f"your mean |drop|, fill {fill}", wrong={
            "of the drops with their signs, which cancel": drops[free].mean(),
            "of all patches, those on objects too": np.abs(drops).mean(),
            "of patches that miss the first object, but may show the second": np.abs(drops[~touches[:10]]).mean(),
            "of patches that touch an object": np.abs(drops[~free]).mean()})
    return "Texture is no better: another colour, new edges at the seam, new clutter inside."


@exercise
def turned(turns, finds, catches):
    """``turns(method)``, ``finds(method)``: True if ``method(u, image)`` keeps the law; ``catches``: which finds out.

    ``method`` returns the map (H, W) of the linear network with weights u (H, W, 3) for an image (H, W, 3), fill 0.
    """
    def drops(u, image, a=8, b=8):
        parts = (u * image).sum(2)
        tiles = [[parts[y:y + a, x:x + b].sum() for x in range(0, parts.shape[1], b)]
                 for y in range(0, parts.shape[0], a)]
        return np.repeat(np.repeat(tiles, a, 0), b, 1)

    def swapped(u, image):
        H, W = image.shape[:2]
        parts = (u * image).sum(2)
        tiles = [[parts[y:y + 8, x:x + 8].sum() for x in range(0, H - 7, 8)] for y in range(0, W - 7, 8)]
        return resize_map(np.array([tiles]), (H, W))[0]

    right = {"small patches": lambda u, image: drops(u, image, 4, 4), "large patches": drops}
    fair(turns, right | {"swapped axes, which turn with the picture": swapped}, {
        "patches higher than wide": lambda u, image: drops(u, image, 8, 4),
        "a map that is shifted down": lambda u, image: np.roll(drops(u, image), 8, 0),
        "a map upside down": lambda u, image: drops(u, image)[::-1]})
    fair(finds, right, {
        "swapped axes": swapped,
        "a map with right and left exchanged": lambda u, image: drops(u, image)[:, ::-1],
        "a map with its sign lost and inverted": lambda u, image: -np.abs(drops(u, image))})
    choice(catches, "evidence", {"turning": "Its mistake is the same in both directions.", "evidence": ""})
    return "A symmetric mistake keeps every law of symmetry; only a law that names a place can find it."
