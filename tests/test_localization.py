"""Boxes and scores: counted by hand, and the same as scikit-image finds."""

import numpy as np
import pytest
from skimage import measure

from camlib import bounding_boxes, intersection_over_union, max_box_accuracy, pointing_game
from camlib.errors import MapError
from camlib.localization import box_accuracy, box_hits, box_masks, energy_in_mask

TEN_BY_TWENTY = [5, 5, 15, 25]


@pytest.fixture(scope="module")
def maps():
    """Forty random smooth maps (40, 30, 44), float64, positive and negative."""
    rough = np.random.default_rng(0).normal(size=(40, 34, 48))
    return sum(rough[:, i:i + 30, j:j + 44] for i in range(4) for j in range(4))


@pytest.mark.equation("10.2")
@pytest.mark.parametrize("other, expected", [
    ([5, 5, 15, 25], 1), ([5, 15, 15, 35], 100 / 300), ([10, 15, 20, 35], 50 / 350), ([6, 6, 14, 24], 144 / 200),
    ([15, 5, 25, 25], 0), ([100, 100, 110, 110], 0), ([16, 26, 20, 30], 0), ([7, 7, 7, 7], 0), ([15, 25, 5, 5], 0),
], ids=["itself", "half", "a quarter", "inside", "side by side", "far", "past the corner", "empty", "inside out"])
def test_overlap_counted_by_hand(other, expected):
    """A 10 x 20 box has 200 pixels: x1 and y1 lie just outside. The order of the two boxes does not matter.

    (10.2) The overlap is the pixels that two boxes share over the pixels that they cover together.
    """
    assert intersection_over_union(TEN_BY_TWENTY, other) == pytest.approx(expected, abs=1e-15)
    assert intersection_over_union(other, TEN_BY_TWENTY) == pytest.approx(expected, abs=1e-15)


@pytest.mark.equation("10.1")
@pytest.mark.equation("10.2")
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


@pytest.mark.equation("10.1")
def test_masks_of_boxes():
    """A box's mask holds its area in pixels, rows first.

    (10.1) A box covers width times height pixels, with no "+ 1".
    """
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


@pytest.mark.equation("10.8")
def test_pointing_game_by_hand():
    """A hit is a largest value on the mask; signs and scale do not matter.

    (10.8) The pointing game is won where the largest value of the map lies on the mask.
    """
    maps = np.zeros((3, 4, 5))
    maps[0, 1, 2], maps[1, 3, 0], maps[2] = 5, 0.1, -np.arange(20).reshape(4, 5)
    masks = np.zeros((3, 4, 5), bool)
    masks[0, 1, 2] = masks[1, 3, 1] = masks[2, 0, 0] = True
    assert pointing_game(maps, masks).tolist() == [True, False, True]
    assert pointing_game(-maps[2:], masks[2:]).tolist() == [False]
    with pytest.raises(MapError, match="resize_map first"):
        pointing_game(maps[:, :2], masks)


@pytest.mark.equation("10.5")
def test_one_threshold_for_the_whole_set():
    """Two maps that would each like another threshold: the set gets one of them right, not both.

    (10.5) The best accuracy that one threshold reaches on the whole set.
    """
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


def test_a_constant_map_points_nowhere():
    """A map without a largest value misses, wherever the mask lies."""
    assert not pointing_game(np.zeros((2, 3, 3)), np.ones((2, 3, 3), bool)).any()


def test_the_first_of_equal_maxima_counts():
    """Two largest values, on the mask and beside it: the first one, row by row, decides."""
    maps = np.array([[[0, 5], [5, 0]]])
    masks = np.array([[[0, 1], [0, 0]]], bool)
    assert pointing_game(maps, masks).all() and not pointing_game(maps, masks[:, ::-1, ::-1]).any()


@pytest.mark.equation("10.9")
def test_energy_by_hand():
    """The positive part on the mask over the whole positive part; negatives count nowhere.

    (10.9) Energy: the share of the map's positive part that lies on the mask.
    """
    maps = np.array([[[3, 1], [-8, 4]], [[-1, -2], [0, -3]], [[2, 0], [0, 0]]])
    masks = np.array([[[1, 0], [1, 0]], [[1, 1], [1, 1]], [[0, 1], [1, 1]]], bool)
    np.testing.assert_allclose(energy_in_mask(maps, masks), [3 / 8, 0, 0], rtol=1e-15)
    np.testing.assert_allclose(energy_in_mask(maps, np.uint8(255) * masks), [3 / 8, 0, 0], rtol=1e-15)  # from a file


def test_energy_of_a_constant_map_is_the_masks_share(maps):
    """A map that knows nothing has the mask's share of the picture; its size does not matter, even a huge one."""
    masks = maps > 1
    for size in (1e-300, 1, 1e308):
        np.testing.assert_allclose(energy_in_mask(np.full(maps.shape, size), masks), masks.mean((1, 2)), rtol=1e-12)


@pytest.mark.equation("10.9")
def test_energy_of_mask_and_rest_is_all(maps):
    """On the mask and beside it add up to 1; a positive factor changes nothing."""
    masks = np.random.default_rng(1).random(maps.shape) < 0.3
    inside = energy_in_mask(maps, masks)
    np.testing.assert_allclose(inside + energy_in_mask(maps, ~masks), 1, rtol=1e-12)
    np.testing.assert_allclose(energy_in_mask(1e-9 * maps, masks), inside, rtol=1e-12)


@pytest.mark.parametrize("score", [pointing_game, energy_in_mask])
@pytest.mark.parametrize("maps, masks, message", [
    (np.eye(3), np.eye(3), r"map\[None\]"), (np.ones((2, 3, 3)), np.ones((2, 4, 4)), "resize_map first"),
    (np.ones((0, 3, 3)), np.ones((0, 3, 3)), "not empty"), (np.array([[[1, np.nan]]]), np.ones((1, 1, 2)), "NaN"),
    (np.array([[[1, np.inf]]]), np.ones((1, 1, 2)), "infinity"), ([["a"]], [[1]], "must be numbers"),
    (np.ones((1, 1, 2)), [[[0.2, 0.9]]], "0 and 1"), (np.ones((1, 1, 2)), [[[1, np.nan]]], "0 and 1"),
    (np.ones((1, 1, 2)), [[[0, -1]]], "0 and 1"), (np.ones((1, 1, 3)), [[[0, 1, 255]]], "0 and 255"),
])
def test_what_has_no_score(score, maps, masks, message):
    """One map for a stack, other sizes, nothing, NaN, infinity, text, no mask: an error that says what is needed."""
    with pytest.raises(MapError, match=message):
        score(maps, masks)


@pytest.mark.equation("10.3")
@pytest.mark.parametrize("width", [6.0, 11.0, 17.5])
@pytest.mark.parametrize("threshold", [0.2, 0.45, 0.8])
def test_box_of_a_round_blob(width, threshold):
    """A Gaussian blob's box has the side 2 s sqrt(2 ln 1/t), to a pixel, whatever the blob's height.

    (10.3) The radius of a round blob's box depends on its width and the threshold, not on its height.
    """
    y, x = np.mgrid[:120, :140]
    blob = np.exp(-((x - 70) ** 2 + (y - 55) ** 2) / (2 * width ** 2))
    (x0, y0, x1, y1), = bounding_boxes(37 * blob, threshold)
    radius = width * np.sqrt(2 * np.log(1 / threshold))
    assert abs(x1 - x0 - 2 * radius) <= 1 and abs(y1 - y0 - 2 * radius) <= 1
    assert (x0 + x1 - 1, y0 + y1 - 1) == (140, 110)  # its middle is the blob's


@pytest.mark.equation("10.7")
def test_percent_of_the_pixels_is_the_rule_on_ranks(maps):
    """On a map's ranks the rule keeps the same share of the pixels of every map; on its values it does not.

    (10.7) Another rule for boxes keeps the same share of the pixels of every map.
    """
    shares = {"ranks": set(), "values": set()}
    for map in maps:
        ranks = map.ravel().argsort().argsort().reshape(map.shape)
        top = map >= np.quantile(map, 0.8)
        regions = measure.regionprops(measure.label(top, connectivity=2))
        y0, x0, y1, x1 = max(regions, key=lambda r: r.area).bbox
        assert bounding_boxes(ranks, 0.8)[0].tolist() == [x0, y0, x1, y1]
        shares["ranks"].add(int((ranks >= 0.8 * ranks.max()).sum()))
        shares["values"].add(int((map >= 0.2 * map.max()).sum()))
    assert shares["ranks"] == {int(0.2 * maps[0].size)} and len(shares["values"]) > 20


@pytest.fixture(scope="module")
def truth(maps):
    """For each random map a box (40, 4) near its own: wrong for some thresholds, right for others."""
    rng = np.random.default_rng(2)
    found = np.array([bounding_boxes(map, rng.uniform(0.2, 0.8))[0] for map in maps])
    return found + rng.integers(-1, 2, found.shape)


@pytest.mark.equation("10.4")
def test_accuracy_is_the_share_of_hits(maps, truth):
    """Every hit is the overlap of its own map's first box; the accuracy is their mean.

    (10.4) The accuracy at a threshold is the share of the maps whose box overlaps the true one enough.
    """
    for threshold, overlap in ((0.3, 0.5), (0.6, 0.5), (0.6, 0.2)):
        first = np.array([bounding_boxes(map, threshold)[0] for map in maps])
        expected = np.diag(intersection_over_union(first[:, None], truth)) >= overlap
        hits = box_hits(maps, truth, threshold, overlap)
        assert hits.dtype == bool and 0 < hits.sum() < len(maps)
        np.testing.assert_array_equal(hits, expected)
        assert box_accuracy(maps, truth, threshold, overlap) == expected.mean()


@pytest.mark.equation("10.5")
@pytest.mark.equation("10.6")
def test_a_threshold_for_each_map_flatters(maps, truth):
    """The best threshold for all is the largest mean; the best for each is never below it, and here above.

    (10.6) A threshold chosen for each map never scores less than the best threshold for all.
    """
    thresholds = np.array([0.2, 0.4, 0.6, 0.8])
    hits = np.stack([box_hits(maps, truth, t) for t in thresholds])
    strict = max(box_hits(maps, truth, t, 0.7).mean() for t in thresholds)
    assert 0 < max_box_accuracy(maps, truth, thresholds, overlap=0.7)[0] == strict < hits.mean(1).max()
    best, threshold = max_box_accuracy(maps, truth, thresholds)
    assert best == hits.mean(1).max() and threshold == thresholds[hits.mean(1).argmax()]
    assert hits.any(0).mean() > best
    for hit, map, box in zip(hits.any(0), maps, truth, strict=True):
        assert max_box_accuracy(map[None], box[None], thresholds)[0] == hit


@pytest.mark.equation("10.8")
def test_a_mask_points_at_itself(maps):
    """A map that is a mask hits that mask and misses the rest; so does any rising function of a map."""
    masks = maps > 1
    assert pointing_game(masks, masks).all() and not pointing_game(masks, ~masks).any()
    np.testing.assert_array_equal(pointing_game(np.exp(maps), masks), pointing_game(maps, masks))


@pytest.mark.equation("10.10")
@pytest.mark.parametrize("power", [0.5, 2, 3])
def test_powers_change_the_energy_and_nothing_else(maps, power):
    """The positive part to a power: the same boxes at the power of t, the same hits, more energy for more power.

    (10.10) A power of the map keeps the box, if the threshold is raised to the same power.
    """
    positive = np.maximum(maps, 0)
    masks = maps >= 0.3 * maps.max((1, 2), keepdims=True)
    for map, raised in zip(maps, positive ** power, strict=True):
        np.testing.assert_array_equal(bounding_boxes(raised, 0.37 ** power), bounding_boxes(map, 0.37))
    np.testing.assert_array_equal(pointing_game(positive ** power, masks), pointing_game(maps, masks))
    gain = energy_in_mask(positive ** power, masks) - energy_in_mask(maps, masks)
    assert (gain > 0.01).all() if power > 1 else (gain < -0.01).all()


@pytest.mark.parametrize("maps, boxes, options, message", [
    (np.ones((2, 3, 3)), [[0, 0, 3, 3]], {}, "as many maps"),
    (np.ones((0, 3, 3)), np.zeros((0, 4)), {}, "at least one"),
    (3, [[0, 0, 3, 3]], {}, "no maps"), (np.ones((1, 3, 3)), [0, 0, 3, 3], {}, "as many maps"),
    (np.ones((1, 3, 3)), [[0, 0, 3, 3]], {"overlap": 0}, "overlap is a fraction"),
    (np.ones((1, 3, 3)), [[0, 0, 3, 3]], {"threshold": 2}, "threshold is a fraction"),
    (np.ones((1, 3, 3)), [[0, 0, 3]], {}, "x0 y0 x1 y1"),
])
def test_what_cannot_be_judged(maps, boxes, options, message):
    """Maps without their boxes, and fractions that are none: an error that says what is needed."""
    with pytest.raises(MapError, match=message):
        box_hits(maps, boxes, **{"threshold": 0.5, **options})


@pytest.mark.parametrize("thresholds, message", [([], "at least one threshold"), (["a"], "must be numbers")])
def test_no_threshold_to_choose_from(maps, truth, thresholds, message):
    """Nothing to choose the threshold from is an error."""
    with pytest.raises(MapError, match=message):
        max_box_accuracy(maps, truth, thresholds)


@pytest.mark.parametrize("boxes, size, message", [
    ([0, 0, 3, 3], 9, r"boxes\[None\]"), ([[0, 0, 3, np.nan]], 9, "finite"), ([[0, 0, 3, 3]], 0, "at least 1"),
])
def test_masks_of_no_boxes(boxes, size, message):
    """One box for many, NaN, and a picture of no pixels: an error that says what is needed."""
    with pytest.raises(MapError, match=message):
        box_masks(boxes, size)


def test_overlap_of_boxes_that_do_not_fit():
    """Three boxes against two: say how to compare all with all."""
    with pytest.raises(MapError, match=r"a\[:, None\]"):
        intersection_over_union(np.zeros((3, 4)), np.zeros((2, 4)))
