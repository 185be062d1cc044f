"""Self-checks of chapter 9: MobileNetV2 on four photographs. They need its weights."""

from functools import cache
from itertools import combinations

import numpy as np

from .. import pretrained
from ..checks import choice, number, numbers, same
from ..grad_cam import grad_cam
from ..images import resize_map
from ..probe import Probe
from ..runtime import keras
from . import exercise

BOXES = {"chelsea": (35, 0, 400, 300), "coffee": (75, 15, 480, 390),  # drawn by hand, as in the chapter
         "rocket": (303, 125, 342, 418), "motorcycle": (92, 78, 690, 452)}


@cache
def _network():
    """The network, its probe, the four photographs by name and their inputs (4, 224, 224, 3)."""
    network, photos = pretrained.load("MobileNetV2"), pretrained.photographs()
    return network, Probe(network.model), photos, network.prepare(list(photos.values()))


def _maps(x):
    """The maps of all 1000 classes (N, 7, 7, 1000) and the logits (N, 1000) of inputs ``x``."""
    A, logits = _network()[1].forward(x)
    return np.tensordot(A, _network()[1].head()[0], 1), logits


@cache
def _photographs():
    """Each photograph's own map (4, 7, 7), all maps (4, 7, 7, 1000), logits (4, 1000), the top classes (4,)."""
    every, logits = _maps(_network()[3])
    top = logits.argmax(1)
    return every[range(4), :, :, top], every, logits, top


@exercise
def pile(turned_maps, cat_half, coffee_half):
    """``turned_maps`` (2, 7, 7): Egyptian_cat and espresso, coffee above cat; each half "upper" or "lower"."""
    network, _, photos, x = _network()
    cat, coffee = photos["chelsea"], photos["coffee"]
    two = [pretrained.class_index(label) for label in ("Egyptian_cat", "espresso")]
    turned = pretrained.above(coffee, cat)
    old, right = (np.moveaxis(_maps(network.prepare([picture]))[0][0][..., two], 2, 0)
                  for picture in (pretrained.above(cat, coffee), turned))
    same(turned_maps, right, "your maps", 1e-3, {
        "the maps of round 5, with the cat on top": old,
        "the map of espresso first: the cat comes first": right[::-1],
        "each photograph alone, and not in the pile": _photographs()[1][range(2), :, :, two]})
    for name, half, map in (("cat_half", cat_half, right[0]), ("coffee_half", coffee_half, right[1])):
        row = resize_map(map, turned.shape[:2]).max(1).argmax()
        choice(half, "upper" if row < len(coffee) else "lower",
               dict.fromkeys(("upper", "lower"), "The other photograph lies there."), name)
    return "The peaks change halves with the things: the place did not make them."


@exercise
def mirror(mirrored_back, moved_peaks):
    """``mirrored_back`` (4, 7, 7): the old classes' maps of the mirrored inputs, mirrored back; names that moved."""
    own, _, _, top = _photographs()
    _, _, photos, x = _network()
    seen, upside = (_maps(np.ascontiguousarray(np.flip(x, axis)))[0][range(4), :, :, top] for axis in (2, 1))
    right = np.flip(seen, 2)
    same(mirrored_back, right, "your maps", 1e-3, {
        "not mirrored back": seen, "the maps of the inputs as they were": own,
        "the old maps, mirrored: no new pass through the network": np.flip(own, 2),
        "top and bottom are exchanged, and not left and right": np.flip(upside, 1)})
    moved = {name for name, a, z in zip(photos, own, right, strict=True) if a.argmax() != z.argmax()}
    choice(moved_peaks, moved, dict.fromkeys(photos, "Its peak is in the same cell."), "moved_peaks")
    return "On a broad hot region it is luck which cell is the largest."


@exercise
def difference(votes, scooter_cells, log_odds):
    """``votes`` (7, 7): M_c - M_d; the number of cells above zero; log(p_c / p_d), motor_scooter and moped."""
    _, every, logits, _ = _photographs()
    c, d = (pretrained.class_index(label) for label in ("motor_scooter", "moped"))
    right, ratio = every[3, :, :, c] - every[3, :, :, d], np.exp(logits[3, c] - logits[3, d])
    same(votes, right, "your votes", 1e-3, {
        "the sum of both maps": every[3, :, :, c] + every[3, :, :, d],
        "the scooter's map alone": every[3, :, :, c],
        "both maps lost their negative part": np.maximum(every[3, :, :, c], 0) - np.maximum(every[3, :, :, d], 0)})
    number(scooter_cells, int((right > 0).sum()), "scooter_cells", wrong={
        "the cells that vote for the moped": int((right < 0).sum())})
    number(log_odds, np.log(ratio), "log_odds", wrong={
        "the ratio itself, without the logarithm": ratio, "the logarithm to base 10": np.log10(ratio),
        "the mean of the votes; the biases are missing": right.mean()})
    return "Cells above zero vote for the scooter, cells below for the moped; mean and biases make up the odds."


@exercise
def absent(scaled_missile, missile_share):
    """``scaled_missile`` (7, 7): positive part, over its maximum; its largest value over that of the cat's own map."""
    own, every, logits, _ = _photographs()
    missile = every[0, :, :, pretrained.class_index("missile")]
    positive = np.maximum(missile, 0)
    same(scaled_missile, positive / missile.max(), "your map", 1e-3, {
        "in logits, and not scaled": positive, "on the scale of the cat's own map": positive / own[0].max(),
        "signed: cut off the negative part": missile / missile.max(),
        "stretched: zero is no longer zero": (missile - missile.min()) / np.ptp(missile),
        "the cat's own map": np.maximum(own[0], 0) / own[0].max()})
    number(missile_share, missile.max() / own[0].max(), "missile_share", wrong={
        "the cat's over the missile's": own[0].max() / missile.max(), "in logits, and no share": missile.max(),
        "the share of the sums: take the largest values": positive.sum() / np.maximum(own[0], 0).sum()})
    return "Scaled to itself it looks certain. In logits it is next to nothing."


@exercise
def softmax(predicted, same_picture, paler):
    """``predicted`` (4, 7, 7): maps of the top probability by (8.4); photographs with r > 0.99; (4,) how much paler."""
    own, every, logits, top = _photographs()
    network, look, photos, x = _network()
    right = grad_cam(network.model, x, target=lambda s: keras.ops.max(keras.ops.softmax(s), axis=1))
    p = look.probabilities(logits)
    share, average = p[range(4), top][:, None, None], np.einsum("nijc,nc->nij", every, p)
    mistakes = {"the maps of the logit: no probability in them": own / 49,
                "p M / Z: the average map is not taken away": share * own / 49,
                "the factor p is missing": (own - average) / 49,
                "all words count alike in the average map": share * (own - every.mean(-1)) / 49}
    same(predicted, right, "your maps", 1e-3, mistakes)
    for n, name in enumerate(photos):  # and one by one, because their sizes differ
        same(predicted[n], right[n], f"your map of {name}", 1e-3, {what: maps[n] for what, maps in mistakes.items()})
    alike = {name for n, name in enumerate(photos) if np.corrcoef(right[n].ravel(), own[n].ravel())[0, 1] > 0.99}
    choice(same_picture, alike, dict.fromkeys(photos, "Its correlation is 0.99 or less."), "same_picture")
    factor = np.abs(own / 49).max((1, 2)) / np.abs(right).max((1, 2))
    numbers(paler, factor, [f"paler, {name}" for name in photos], {
        "turned over: the logit's map is the larger one": 1 / factor,
        "compared with the CAM: Grad-CAM is a 49th of it": 49 * factor})
    return "It asks why this word rather than the others; its unit is another, too."


@exercise
def cells(best_iou, reached):
    """``best_iou`` (4,): the largest IoU of a box of whole cells; the names of those that reach 0.5."""
    photos = _network()[2]
    best = [_best_box(BOXES[name], photo.shape[1::-1]) for name, photo in photos.items()]
    numbers(best_iou, best, [f"best_iou, {name}" for name in photos], {
        "lines for a square picture: is each side cut into seven?": [
            _best_box(BOXES[name], photo.shape[:1] * 2) for name, photo in photos.items()],
        "rows for columns: a box is x0 y0 x1 y1": [
            _best_box(BOXES[name], photo.shape[:2]) for name, photo in photos.items()]})
    choice(reached, {name for name, value in zip(photos, best, strict=True) if value >= 0.5},
           dict.fromkeys(photos, "Its best box stays below 0.5."), "reached")
    return "No map of this size boxes the rocket. (Interpolation between cells can give other boxes.)"


def _best_box(box, sides):
    """The largest IoU of ``box`` with a box of whole cells; ``sides``: width, height. Axis by axis, equation (10.2)."""
    spans = [np.array(list(combinations(np.arange(8) * side / 7, 2))) for side in sides]
    (across, width), (down, height) = ((np.clip(np.minimum(span[:, 1], box[k + 2]) - np.maximum(span[:, 0], box[k]),
                                                0, None), span[:, 1] - span[:, 0]) for k, span in enumerate(spans))
    both = np.multiply.outer(across, down)
    area = (box[2] - box[0]) * (box[3] - box[1])
    return (both / (area + np.multiply.outer(width, height) - both)).max()
