"""Boxes and scores: counted by hand, and the same as scikit-image finds."""

import numpy as np
import pytest
from skimage import measure

from camlib import bounding_boxes, intersection_over_union, max_box_accuracy, pointing_game
from camlib.errors import MapError
from camlib.localization import box_accuracy, box_masks

TEN_BY_TWENTY = [5, 5, 15, 25]


@pytest.fixture(scope="module")
def maps():
    """Forty random smooth maps (40, 30, 44), float64, positive and negative."""
    rough = np.random.default_rng(0).normal(size=(40, 34, 48))
    return sum(rough[:, i:i + 30, j:j + 44] for i in range(4) for j in range(4))


@pytest.mark.parametrize("other, expected", [
    ([5, 5, 15, 25], 1), ([5, 15, 15, 35], 100 / 300), ([10, 15, 20, 35], 50 / 350), ([6, 6, 14, 24], 144 / 200),
    ([15, 5, 25, 25], 0), ([100, 100, 110, 110], 0), ([16, 26, 20, 30], 0), ([7, 7, 7, 7], 0), ([15, 25, 5, 5], 0),
], ids=["itself", "half", "a quarter", "inside", "side by side", "far", "past the corner", "empty", "inside out"])
def test_overlap_counted_by_hand(other, expected):
    """A 10 x 20 box has 200 pixels: x1 and y1 lie just outside. The order of the two boxes does not matter."""
    assert intersection_over_union(TEN_BY_TWENTY, other) == pytest.approx(expected, abs=1e-15)
    assert intersection_over_union(other, TEN_BY_TWENTY) == pytest.approx(expected, abs=1e-15)


def test_overlap_is_pixels_shared_by_pixels_covered():
    """On random boxes it is what counting the pixels of their masks gives; many boxes go at once."""
    corners = np.sort(np.random.default_rng(0).integers(0, 20, (2, 200, 2, 2)), axis=2)
    a, b = corners.reshape(2, 200, 4)
    inside, other = box_masks(a, (20, 20)), box_masks(b, (20, 20))
    shared, covered = (inside & other).sum((1, 2)), (inside | other).sum((1, 2))
    expected = np.divide(shared, covered, out=np.zeros(200), where=covered > 0)
    np.testing.assert_allclose(intersection_over_union(a, b), expected, rtol=1e-15)
    np.testing.assert_allclose(intersection_over_union(a[:, None], b)[3, 5], intersection_over_union(a[3], b[5]))


def test_nothing_overlaps_nothing():
    """Two empty boxes: 0, not a division by zero."""
    assert intersection_over_union([3, 3, 3, 9], [3, 3, 3, 9]) == 0


def test_masks_of_boxes():
    """A box's mask holds its area in pixels, rows first."""
    mask, = box_masks([TEN_BY_TWENTY], (40, 30))
    assert mask.shape == (40, 30) and mask.sum() == 200
    assert mask[5:25, 5:15].all()


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.8, 1])
def test_boxes_are_those_of_scikit_image(maps, threshold):
    """The same boxes as scikit-image's labelled regions, the largest region first."""
    for map in maps:
        regions = measure.regionprops(measure.label(map >= threshold * map.max(), connectivity=2))
        found = bounding_boxes(map, threshold)
        expected = [(r.bbox[1], r.bbox[0], r.bbox[3], r.bbox[2]) for r in regions]
        assert sorted(expected) == sorted(tuple(int(x) for x in box) for box in found)
        areas = {}
        for box, r in zip(expected, regions, strict=True):
            areas.setdefault(box, []).append(r.area)
        sizes = [max(areas[tuple(int(x) for x in box)]) for box in found]
        assert sizes[0] == max(r.area for r in regions)
        if len(areas) == len(regions):  # no two regions share a box
            assert sizes == sorted(sizes, reverse=True)


def test_a_fraction_of_the_maximum_not_of_the_pixels():
    """One high cell among a hundred: 20 % of the maximum is that one cell, not the top 20 cells."""
    map = np.linspace(0, 1, 100).reshape(10, 10)
    map[3, 4] = 100
    assert bounding_boxes(map).tolist() == [[4, 3, 5, 4]]
    np.testing.assert_array_equal(bounding_boxes(7 * map), bounding_boxes(map))


@pytest.mark.parametrize("map", [np.zeros((4, 5)), -np.ones((4, 5)), np.full((4, 5), -0.0)])
def test_no_evidence_no_box(map):
    """A map that is nowhere positive has no box; in a set it counts as a miss."""
    assert bounding_boxes(map).shape == (0, 4)
    assert box_accuracy(map[None], [[0, 0, 5, 4]], 0.2) == 0


@pytest.mark.parametrize("map, threshold, message", [
    (np.array([[1, np.nan]]), 0.2, "one finite map"), (np.ones((2, 3, 4)), 0.2, r"one finite map.*\(2, 3, 4\)"),
    (np.ones((2, 3)), 0, "above 0 and at most 1, not 0"), (np.ones((2, 3)), 1.1, "not 1.1"),
    (np.ones((2, 3)), np.nan, "not nan"),
])
def test_impossible_maps_and_thresholds(map, threshold, message):
    """NaN, a batch for a map, or a threshold that is no fraction: an error that says what is needed."""
    with pytest.raises(MapError, match=message):
        bounding_boxes(map, threshold)


def test_boxes_move_with_the_map(maps):
    """A map shifted by 3 columns and 5 rows on empty ground has its boxes shifted by as much."""
    for map in maps[:10]:
        ground = np.full((50, 60), map.min())
        here, there = ground.copy(), ground.copy()
        here[:30, :44], there[5:35, 3:47] = map, map
        np.testing.assert_array_equal(bounding_boxes(there, 0.4), bounding_boxes(here, 0.4) + [3, 5, 3, 5])


def test_pointing_game_by_hand():
    """A hit is a largest value on the mask; signs and scale do not matter."""
    maps = np.zeros((3, 4, 5))
    maps[0, 1, 2], maps[1, 3, 0], maps[2] = 5, 0.1, -np.arange(20).reshape(4, 5)
    masks = np.zeros((3, 4, 5), bool)
    masks[0, 1, 2] = masks[1, 3, 1] = masks[2, 0, 0] = True
    assert pointing_game(maps, masks).tolist() == [True, False, True]
    assert pointing_game(-maps[2:], masks[2:]).tolist() == [False]
    with pytest.raises(MapError, match="resize_map first"):
        pointing_game(maps[:, :2], masks)


def test_one_threshold_for_the_whole_set():
    """Two maps that would each like another threshold: the set gets one of them right, not both."""
    low, high = np.full((2, 20, 20), 0.01)
    low[5:15, 5:15], low[10, 10] = 0.3, 1     # its object is found at thresholds up to 0.3
    high[2:18, 2:18], high[5:15, 5:15] = 0.72, 1  # its object only at thresholds above 0.72
    boxes = np.array([[5, 5, 15, 15]] * 2)
    assert max_box_accuracy([low], boxes[:1])[0] == max_box_accuracy([high], boxes[1:])[0] == 1
    assert max_box_accuracy([low, high], boxes) == (0.5, pytest.approx(0.05))
    assert box_accuracy([low, high], boxes, 0.75) == 0.5
    assert max_box_accuracy([high, high], boxes) == (1, pytest.approx(0.75))


def test_accuracy_counts_the_largest_region():
    """The box of the largest region is judged; IoU of exactly the demanded overlap is a hit."""
    map = np.zeros((20, 20))
    map[0:2, 0:2], map[10:20, 0:10] = 5, 4
    assert box_accuracy([map], [[0, 10, 10, 20]], 0.5) == 1
    assert box_accuracy([map], [[0, 0, 2, 2]], 0.5) == 0
    assert box_accuracy([map], [[0, 10, 10, 15]], 0.5, overlap=0.5) == 1
    assert box_accuracy([map], [[0, 10, 10, 15]], 0.5, overlap=0.51) == 0


def test_a_map_with_nan_points_nowhere():
    """A map that holds NaN has no largest value: an error, not the first pixel."""
    broken = np.ones((2, 3, 3))
    broken[1, 0, 2] = np.nan
    with pytest.raises(MapError, match="NaN"):
        pointing_game(broken, np.ones((2, 3, 3), bool))


def test_a_constant_map_points_nowhere():
    """A map without a largest value misses, wherever the mask lies."""
    assert not pointing_game(np.zeros((2, 3, 3)), np.ones((2, 3, 3), bool)).any()


def test_pointing_takes_stacks():
    """One map without its first axis is refused: its rows are no maps."""
    with pytest.raises(MapError, match=r"map\[None\]"):
        pointing_game(np.eye(3), np.eye(3))
