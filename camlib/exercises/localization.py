"""Self-checks of chapter 10: boxes from maps. Scenes, and maps that take long to make, come from the notebook."""

from functools import cache

import numpy as np

from .. import course_network
from ..checks import choice, number, numbers, same
from ..images import resize_map
from ..intervals import mean_interval
from ..localization import box_hits, box_masks, max_box_accuracy, pointing_game
from ..probe import Probe
from . import exercise

THRESHOLDS = np.arange(0.05, 1, 0.05)
DELTAS = (0.3, 0.5, 0.7)


@exercise
def iou_shift(overlap, half):
    """``overlap(a, d)``: the IoU of two squares of side a, one moved sideways by d, 0 <= d <= a; d / a for IoU 0.5."""
    sides, shifts = [90, 90, 90, 40, 40, 96, 8, 12], [0, 30, 45, 13, 40, 95, 3, 1]
    one, two = (box_masks([[x, 0, x + a, a] for a, x in zip(sides, corner, strict=True)], (96, 192))
                for corner in ([0] * len(sides), shifts))
    both, union = (one & two).sum((1, 2)), (one | two).sum((1, 2))  # counted, pixel by pixel
    a, d = np.array(sides), np.array(shifts)
    same([overlap(*pair) for pair in zip(sides, shifts, strict=True)], both / union, "your overlap", 1e-6, {
        "the shared part over one square: divide by all that both cover": both / a**2,
        "the shared part over both squares: it is counted twice": both / (2 * a**2),
        "what is not shared": 1 - both / union, "a square moved both ways": ((a - d) / (a + d))**2})
    same([overlap(2.5, 0.5)], [2 / 3], "your overlap of squares that are no whole pixels", 1e-6)
    number(half, 1 / 3, "half", 5e-3, {"there half of each lies in the other, and that is not enough": 0.5,
                                       "a over d": 3, "in pixels: divide by the side": 30})
    return "For an IoU of 0.5 two equal squares must share two thirds of each."


@exercise
def strictness(accuracy, ahead, choose, report, chosen_on, shown):
    """``accuracy`` (2, 3): CAM and product at each delta; the deltas at which the interval of the lead is above 0."""
    coarse, names = THRESHOLDS[::2], ("CAM", "CAM x LayerCAM")
    hits = np.zeros((2, 3, len(report.boxes)))
    for i, name in enumerate(names):
        for j, delta in enumerate(DELTAS):
            _, t = max_box_accuracy(chosen_on[name], choose.boxes, coarse, delta)
            hits[i, j] = box_hits(shown[name][0], report.boxes, t, delta)
    if np.shape(accuracy) != (2, 3):
        raise AssertionError(f"accuracy: shape {np.shape(accuracy)}, and (2, 3) is wanted: methods, deltas")
    right = hits.mean(2)
    kept = np.array([[box_hits(shown[name][0], report.boxes, shown[name][1], d).mean() for d in DELTAS]
                     for name in names])
    best = np.array([[max_box_accuracy(shown[name][0], report.boxes, coarse, d)[0] for d in DELTAS]
                     for name in names])
    numbers(np.ravel(accuracy), right.ravel(), [f"accuracy, {name}, delta {d}" for name in names for d in DELTAS], {
        "the rows are exchanged: CAM comes first": right[::-1].ravel(),
        "the threshold was chosen for 0.5: each delta has its own": kept.ravel(),
        "the threshold was chosen on the scenes to report on": best.ravel()})
    lead = {str(d) for j, d in enumerate(DELTAS) if mean_interval(hits[1, j] - hits[0, j])[1] > 0}
    choice(ahead, lead, dict.fromkeys(map(str, DELTAS), "Its interval holds zero."), "ahead")
    return "Where practically every box is right, or every box is wrong, no method can lead."


@cache
def _network():
    return Probe(course_network.load())


@exercise
def top_class(both_right, lost, report, t_best):
    """``both_right`` (N,): are class and box right, the box from the top class's map? And the share that is lost."""
    A, logits = _network().forward(report.images)
    W, top = _network().head()[0], logits.argmax(1)
    told, own = (box_hits(resize_map(np.einsum("nijk,kn->nij", A, W[:, c]), report.images.shape[1:3]), report.boxes,
                          t_best) for c in (report.labels, top))
    right = own & (top == report.labels)
    same(both_right, right, "both_right", wrong={"the box alone: is the class right, too?": own,
                                                 "the class alone: is the box right, too?": top == report.labels,
                                                 "one of the two is enough": own | (top == report.labels),
                                                 "turned round: True is right": ~right})
    number(lost, told.mean() - right.mean(), "lost", wrong={
        "the number of scenes: divide by all": told.sum() - right.sum(), "what is wrong, and not what is lost":
        1 - right.mean(), "a share of the right ones: divide by all": 1 - right.sum() / told.sum()})
    return "Where the class is wrong, no box counts."


@exercise
def grid(ideal, box_score, peak_score, mask_score, choose, report):
    """``ideal(masks)``: the best maps (N, 96, 96) of 12 x 12 cells; BoxAcc, pointing game and mask IoU."""
    rng = np.random.default_rng(0)
    for masks in (report.masks[:5], rng.random((3, 96, 96)) < 0.4):
        share = np.array([[[m[i:i + 8, j:j + 8].mean() for j in range(0, 96, 8)] for i in range(0, 96, 8)]
                          for m in masks], np.float32)
        same(ideal(masks), resize_map(share, 96), "your ideal(masks)", 1e-3, {
            "blocks of one value: enlarge with resize_map": np.kron(share, np.ones((8, 8))),
            "the mask itself, and not what 12 x 12 cells can hold of it": masks,
            "each cell holds the largest of its pixels, not their mean": resize_map(np.ceil(share), 96)})
    to_choose, to_report = ideal(choose.masks), ideal(report.masks)
    _, t = max_box_accuracy(to_choose, choose.boxes)
    number(box_score, box_hits(to_report, report.boxes, t).mean(), "box_score")
    number(peak_score, pointing_game(to_report, report.masks).mean(), "peak_score")
    at = THRESHOLDS[np.argmax([_mask_iou(to_choose, choose.masks, s) for s in THRESHOLDS])]
    number(mask_score, _mask_iou(to_report, report.masks, at), "mask_score", wrong={
        "at the boxes' threshold: masks have their own": _mask_iou(to_report, report.masks, t),
        "of the scenes to choose on": _mask_iou(to_choose, choose.masks, at),
        "at the best threshold of the scenes to report on":
            max(_mask_iou(to_report, report.masks, s) for s in THRESHOLDS)})
    return "The grid allows every box, every peak, and better masks: it is not to blame."


def _mask_iou(maps, masks, t):
    """The mean IoU of the regions at or above ``t`` times each maximum with the masks (N, H, W)."""
    region = maps >= t * maps.max((1, 2), keepdims=True)
    return ((region & masks).sum((1, 2)) / (region | masks).sum((1, 2))).mean()


@exercise
def noise(noise_cells, one_t, own_t, report):
    """``noise_cells`` (N, 12, 12): random numbers, a map a scene; MaxBoxAcc, and the share if each has its own t."""
    cells = np.asarray(noise_cells, np.float32)
    if cells.shape != (len(report.boxes), 12, 12):
        raise AssertionError(f"your noise: shape {cells.shape}, and ({len(report.boxes)}, 12, 12) is wanted")
    if (cells[0] == cells[1]).all():
        raise AssertionError("your noise: one map is like the next: draw new numbers for each scene")
    if abs(np.corrcoef(cells[..., :-1].ravel(), cells[..., 1:].ravel())[0, 1]) > 0.05:
        raise AssertionError("your noise: neighbouring cells are alike, and in noise they know nothing of each other")
    hits = np.array([box_hits(resize_map(cells, 96), report.boxes, t) for t in THRESHOLDS])
    best, cheat = hits.mean(1).max(), hits.max(0).mean()
    number(one_t, best, "one_t", wrong={"its own threshold for each picture": cheat,
                                        "the mean over the thresholds: take the best": hits.mean()})
    number(own_t, cheat, "own_t", wrong={"one threshold for all": best,
                                         "over the one of MaxBoxAcc: give the share itself": cheat / max(best, 1e-9),
                                         "is any scene right? Give the share of them": float(hits.any())})
    return "The choice that looks at the truth multiplies a score out of nothing."
