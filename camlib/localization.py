"""From a heat map to a box, and how good the box is.

Boxes are x0 y0 x1 y1 in pixels, x1 and y1 just outside: the area is (x1 - x0)(y1 - y0).
Maps and masks are at image resolution.
"""

import cv2
import numpy as np

from .errors import MapError


def bounding_boxes(map, threshold=0.2):
    """Return the boxes (n, 4) of the map's regions at or above ``threshold`` times its maximum, largest first.

    The rule of the CAM paper, equation (7.13): a fraction of the *maximum*, not of the pixels [zhou2016].
    ``map`` (H, W), signed. A map without a positive value has no box. Raises MapError for a bad threshold.
    """
    if not 0 < threshold <= 1:
        raise MapError(f"the threshold is a fraction of the maximum, above 0 and at most 1, not {threshold}")
    map = np.asarray(map)
    if map.ndim != 2 or not np.isfinite(map).all():
        raise MapError(f"one finite map (H, W) is needed, got {map.shape}")
    if map.max() <= 0:
        return np.zeros((0, 4), int)
    region = (map >= threshold * map.max()).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(region, connectivity=8)
    x, y, width, height, area = stats[1:].T
    order = np.lexsort((x, y, -area))  # OpenCV's own order depends on where the map lies in the picture
    return np.stack([x, y, x + width, y + height], 1)[order].astype(int)


def intersection_over_union(a, b):
    """Return the overlap of boxes (..., 4) as intersection area over union area, 0..1; 0 if both are empty."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    both = np.prod(np.maximum(sides, 0), -1)
    areas = [np.prod(np.maximum(box[..., 2:] - box[..., :2], 0), -1) for box in (a, b)]
    union = areas[0] + areas[1] - both
    return np.divide(both, union, out=np.zeros_like(union), where=union > 0)


def pointing_game(maps, masks):
    """Return, for each map (N, H, W), whether its largest value lies on the mask (N, H, W): bool (N,).

    A constant map points nowhere and misses. Raises MapError for other shapes, NaN or infinity.
    """
    maps, masks = np.asarray(maps), np.asarray(masks)
    if maps.shape != masks.shape or maps.ndim != 3:
        raise MapError(f"maps {maps.shape} and masks {masks.shape} must both be (N, H, W): resize_map first, "
                       "and write map[None] for one map")
    if not np.isfinite(maps).all():
        raise MapError("the maps hold NaN or infinity, so they have no largest value")
    flat = maps.reshape(len(maps), -1)
    hits = masks.reshape(len(masks), -1)[np.arange(len(maps)), flat.argmax(1)].astype(bool)
    return hits & (flat.max(1) > flat.min(1))


def box_masks(boxes, size):
    """Return masks (N, H, W) that are True inside boxes (N, 4); ``size`` is (H, W)."""
    y, x = np.mgrid[:size[0], :size[1]]
    x0, y0, x1, y1 = (side[:, None, None] for side in np.asarray(boxes).T)
    return (x >= x0) & (x < x1) & (y >= y0) & (y < y1)


def box_accuracy(maps, boxes, threshold, overlap=0.5):
    """Return the share of maps (N, H, W) whose largest region's box overlaps the true one (N, 4) by IoU >= overlap."""
    hits = []
    for map, true in zip(maps, boxes, strict=True):
        found = bounding_boxes(map, threshold)
        hits.append(len(found) > 0 and intersection_over_union(found[0], true) >= overlap)
    return float(np.mean(hits))


def max_box_accuracy(maps, boxes, thresholds=np.arange(0.05, 1, 0.05), overlap=0.5):
    """Return (best accuracy, its threshold): one threshold for the whole set [choe2020].

    Choose it on other scenes than those you report, or the number flatters the method.
    """
    scores = [box_accuracy(maps, boxes, threshold, overlap) for threshold in thresholds]
    best = int(np.argmax(scores))
    return scores[best], float(thresholds[best])
