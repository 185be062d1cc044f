"""From a heat map to a box, and how good the box is.

Boxes are x0 y0 x1 y1 in pixels, x1 and y1 just outside: the area is (x1 - x0)(y1 - y0).
Maps and masks are at image resolution.
"""

from numbers import Real

import cv2
import numpy as np

from .errors import MapError
from .images import height_width


def bounding_boxes(map, threshold=0.2):
    """Return the boxes (n, 4) of the map's regions at or above ``threshold`` times its maximum, largest first.

    The rule of the CAM paper, equation (7.13): a fraction of the *maximum*, not of the pixels [zhou2016].
    ``map`` (H, W), signed. A map without a positive value has no box. Raises MapError for a bad threshold.
    """
    check_fraction(threshold, "the threshold is a fraction of the maximum")
    map = _finite(map, "one finite map (H, W)")
    if map.ndim != 2:
        raise MapError(f"one finite map (H, W) is needed, got {map.shape}")
    if map.max() <= 0:
        return np.zeros((0, 4), int)
    region = (map >= threshold * map.max()).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(region, connectivity=8)
    x, y, width, height, area = stats[1:].T
    order = np.lexsort((x, y, -area))  # OpenCV's own order depends on where the map lies in the picture
    return np.stack([x, y, x + width, y + height], 1)[order].astype(int)


def intersection_over_union(a, b):
    """Return the overlap of boxes (..., 4) as intersection area over union area, 0..1; 0 if both are empty.

    Equation (10.2), for half-open boxes, equation (10.1). Raises MapError for what are no boxes, or shapes that do
    not fit each other.
    """
    a, b = as_boxes(a), as_boxes(b)
    try:
        np.broadcast_shapes(a.shape, b.shape)
    except ValueError as cause:
        raise MapError(f"boxes {a.shape} and {b.shape} do not fit each other: write a[:, None] to compare all "
                       "with all") from cause
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    both = np.prod(np.maximum(sides, 0), -1)
    areas = [np.prod(np.maximum(box[..., 2:] - box[..., :2], 0), -1) for box in (a, b)]
    union = areas[0] + areas[1] - both
    return np.divide(both, union, out=np.zeros_like(union), where=union > 0)


def pointing_game(maps, masks):
    """Return, for each map (N, H, W), whether its largest value lies on the mask (N, H, W): bool (N,).

    Equation (10.8) [zhang2018], without the paper's tolerance of 15 pixels. Of equal maxima the first counts, row by
    row; a constant map points nowhere and misses. Raises MapError for other shapes, NaN, infinity, or no masks.
    """
    maps, masks = _maps_and_masks(maps, masks)
    flat = maps.reshape(len(maps), -1)
    hits = masks.reshape(len(masks), -1)[np.arange(len(maps)), flat.argmax(1)].astype(bool)
    return hits & (flat.max(1) > flat.min(1))


def energy_in_mask(maps, masks):
    """Return, for each map (N, H, W), the share of its positive part that lies on the mask (N, H, W): (N,), 0..1.

    E = sum_mask max(M, 0) / sum max(M, 0), equation (10.9) [wang2020]. A map without a positive value has 0.
    It rewards contrast, too: squaring a map can raise it, equation (10.10). Raises MapError for other shapes, NaN,
    infinity, or no masks.
    """
    maps, masks = _maps_and_masks(maps, masks)
    positive = np.maximum(maps, 0).reshape(len(maps), -1)
    peak = positive.max(1, keepdims=True)
    positive = np.divide(positive, peak, out=np.zeros(positive.shape), where=peak > 0)  # so that no sum overflows
    inside = (positive * masks.reshape(len(masks), -1).astype(bool)).sum(1)
    return np.divide(inside, positive.sum(1), out=np.zeros(len(maps)), where=peak[:, 0] > 0)


def box_masks(boxes, size):
    """Return masks (N, H, W) that are True inside boxes (N, 4); ``size`` is (H, W). Raises MapError."""
    (height, width), boxes = height_width(size, MapError), as_boxes(boxes)
    if boxes.ndim != 2:
        raise MapError(f"expected boxes (N, 4), got {boxes.shape}: write boxes[None] for one")
    y, x = np.mgrid[:height, :width]
    x0, y0, x1, y1 = (side[:, None, None] for side in boxes.T)
    return (x >= x0) & (x < x1) & (y >= y0) & (y < y1)


def box_hits(maps, boxes, threshold, overlap=0.5):
    """Return, for each map (N, H, W), whether its largest region's box overlaps the true one (N, 4) by IoU >= overlap.

    The terms of the sum in equation (10.4), bool (N,); a map without a box misses. Raises MapError for maps and
    boxes that do not belong together, and for what is no fraction.
    """
    check_fraction(overlap, "the overlap is a fraction")
    boxes = as_boxes(boxes)
    if np.ndim(maps) == 0 or boxes.ndim != 2 or len(maps) != len(boxes) or not len(boxes):
        raise MapError(f"as many maps (N, H, W) as boxes (N, 4) are needed, and at least one; got boxes {boxes.shape} "
                       f"and {len(maps) if np.ndim(maps) else 'no'} maps")
    found = [(*bounding_boxes(map, threshold), (0, 0, 0, 0))[0] for map in maps]  # no box: an empty one, which misses
    return intersection_over_union(found, boxes) >= overlap


def box_accuracy(maps, boxes, threshold, overlap=0.5):
    """Return the share of ``box_hits``, equation (10.4), for one threshold. Raises MapError."""
    return float(box_hits(maps, boxes, threshold, overlap).mean())


def max_box_accuracy(maps, boxes, thresholds=np.arange(0.05, 1, 0.05), overlap=0.5):
    """Return (best accuracy, its threshold): one threshold for the whole set, equation (10.5) [choe2020].

    Choose it on other scenes than those you report, or the number flatters the method. Raises MapError.
    """
    thresholds = _numbers(thresholds, "thresholds").ravel()
    if not len(thresholds):
        raise MapError("at least one threshold is needed")
    scores = [box_accuracy(maps, boxes, threshold, overlap) for threshold in thresholds]
    best = int(np.argmax(scores))
    return scores[best], float(thresholds[best])


# -- checks ------------------------------------------------------------------------------------------


def as_boxes(values):
    """``values`` as boxes (..., 4), float64. Raises MapError."""
    boxes = _numbers(values, "boxes").astype(float)
    if not boxes.ndim or boxes.shape[-1] != 4 or not (np.abs(boxes) < 1e9).all():
        raise MapError(f"a box is x0 y0 x1 y1 in pixels, four finite numbers below a billion; got shape {boxes.shape}")
    return boxes


def _numbers(values, wanted):
    """``values`` as an array of numbers. Raises MapError."""
    try:
        array = np.asarray(values)
    except (TypeError, ValueError):
        array = np.empty(0, object)  # rows of different lengths
    if array.dtype.kind not in "buif":
        raise MapError(f"{wanted} must be numbers, in one shape, not {type(values).__name__} of {array.dtype}")
    return array


def _maps_and_masks(maps, masks):
    """``maps`` and ``masks`` as arrays (N, H, W) of one shape, the maps finite, the masks True or False, 0 or 1, or
    0 or 255. Raises MapError."""
    maps, masks = _numbers(maps, "maps (N, H, W)"), _numbers(masks, "masks (N, H, W)")
    if maps.shape != masks.shape or maps.ndim != 3 or not maps.size:
        raise MapError(f"maps {maps.shape} and masks {masks.shape} must both be (N, H, W) and not empty: resize_map "
                       "first, and write map[None] for one map")
    if not np.isfinite(maps).all():
        raise MapError("the maps hold NaN or infinity, so they have no largest value and no sum")
    if not (np.isin(masks, (0, 1)).all() or np.isin(masks, (0, 255)).all()):
        raise MapError("a mask holds True and False, 0 and 1, or 0 and 255; of a heat map or of class numbers make one "
                       "by a comparison: mask = values > 0.5")
    return maps, masks


def _finite(values, wanted):
    array = _numbers(values, wanted)
    if not array.size or not np.isfinite(array).all():
        what = "NaN or infinity in it" if array.size else "empty"
        raise MapError(f"{wanted} is needed, got {array.shape}, {what}")
    return array


def check_fraction(value, what):
    """Raise MapError unless ``value`` is above 0 and at most 1; ``what`` begins the message."""
    if not (isinstance(value, Real) and 0 < value <= 1):
        raise MapError(f"{what}, above 0 and at most 1, not {value}")
