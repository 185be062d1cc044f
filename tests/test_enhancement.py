"""The second look: its pictures follow the chapter's equations, and its counting is the textbook's."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from scipy import ndimage

from camlib import Probe, class_activation_map, resize_map, scenes
from camlib.enhancement import (
    center_windows, crop, map_boxes, mask, paired, random_windows, second_look, weight, windows_around,
)
from camlib.errors import CamlibError, ImageError, MapError
from camlib.runtime import keras

layers = keras.layers


@pytest.fixture(scope="module")
def seen():
    """Four images (4, 20, 30, 3) in 0..1 and signed maps of the same size (4, 20, 30), each with a positive value."""
    rng = np.random.default_rng(0)
    return rng.random((4, 20, 30, 3), np.float32), ndimage.gaussian_filter(rng.normal(size=(4, 20, 30)), (0, 2, 2))


@pytest.fixture(scope="module")
def classifier(small):
    """A little network, (N, 16, 12, 3) to four logits."""
    return small(layers.GlobalAveragePooling2D(), layers.Dense(4))


def by_pixel(image, map, fill, rule):
    """Equation (11.1), pixel by pixel: ``rule`` turns a value over its maximum into the weight m."""
    changed = np.zeros(image.shape)
    for y, x in np.ndindex(map.shape):
        m = rule(map[y, x] / map.max())
        changed[y, x] = m * image[y, x].astype(float) + (1 - m) * np.asarray(fill, float)
    return changed


# -- the equations -----------------------------------------------------------------------------------


@pytest.mark.equation("11.1", "11.2")
@pytest.mark.parametrize("fill", [0, 0.4, (0.1, 0.9, 0.5)])
def test_weighting_is_the_formula(seen, fill):
    """Each pixel fades to the fill by the positive part of its value over the map's maximum.

    (11.1) Each pixel is mixed with the fill, by its weight.
    (11.2) The weight is the positive part of the map over the map's maximum.
    """
    images, maps = seen
    expected = [by_pixel(i, m, fill, lambda ratio: max(ratio, 0)) for i, m in zip(images, maps, strict=True)]
    np.testing.assert_allclose(weight(images, maps, fill), expected, atol=1e-6)


@pytest.mark.equation("11.1", "11.3")
@pytest.mark.parametrize("threshold", [0.05, 0.2, 0.7, 1])
def test_masking_is_the_formula(seen, threshold):
    """A pixel stays where its value is at or above the threshold times the maximum; elsewhere the fill shows.

    (11.3) The weight is 1 where the map is at or above the threshold times its maximum, and 0 elsewhere.
    """
    images, maps = seen
    expected = [by_pixel(i, m, 0.3, lambda ratio: float(ratio >= threshold)) for i, m in zip(images, maps, strict=True)]
    np.testing.assert_allclose(mask(images, maps, threshold, 0.3), expected, atol=1e-6)


@pytest.mark.equation("11.4")
def test_a_crop_is_a_linear_change_of_coordinates(seen):
    """Enlarging a window reads the picture where the formula says, as SciPy's interpolation does.

    (11.4) A crop, enlarged, is a linear change of coordinates from pixel centre to pixel centre.
    """
    images, _ = seen
    windows = np.array([[0, 0, 10, 10], [3, 5, 14, 19], [29, 19, 30, 20], [0, 0, 30, 20]])
    for image, (x0, y0, x1, y1), found in zip(images, windows, crop(images, windows, (40, 60)), strict=True):
        y = y0 + (np.arange(40) + 0.5) * (y1 - y0) / 40 - 0.5
        x = x0 + (np.arange(60) + 0.5) * (x1 - x0) / 60 - 0.5
        at = np.meshgrid(np.clip(y, y0, y1 - 1), np.clip(x, x0, x1 - 1), indexing="ij")  # nothing from outside it
        for colour in range(3):
            expected = ndimage.map_coordinates(image[..., colour].astype(float), at, order=1)
            np.testing.assert_allclose(found[..., colour], expected, atol=2e-6)


@pytest.mark.equation("11.5")
def test_average_of_two_answers(classifier, pictures):
    """Both looks are the softmax of the network's own logits; the third is their mean.

    (11.5) Two looks answer with the mean of their probabilities.
    """
    looks = second_look(classifier, pictures, pictures[:, ::-1])
    for p, images in zip(looks, (pictures, pictures[:, ::-1]), strict=False):
        e = np.exp(classifier(images.copy()).numpy().astype(float))
        np.testing.assert_allclose(p, e / e.sum(1, keepdims=True), atol=1e-6)
    np.testing.assert_allclose(looks.both, [[(a + b) / 2 for a, b in zip(*rows, strict=True)]
                                            for rows in zip(looks.first, looks.second, strict=True)], atol=1e-15)
    np.testing.assert_allclose(looks.both.sum(1), 1, atol=1e-12)
    assert np.abs(looks.first - looks.second).max() > 0.01


@pytest.mark.equation("11.6")
def test_change_is_repaired_less_broken(seen):
    """The change of the accuracy is (repaired - broken) / n, counted picture by picture.

    (11.6) The accuracy changes by the repaired answers less the broken ones, over all.
    """
    rng = np.random.default_rng(1)
    for n in (2, 10, 300):
        before, after = rng.random(n) < 0.6, rng.random(n) < 0.7
        found = paired(before, after)
        repaired = sum(not b and a for b, a in zip(before, after, strict=True))
        broken = sum(b and not a for b, a in zip(before, after, strict=True))
        assert found[:3] == (n, repaired, broken)
        assert found.change == pytest.approx(after.mean() - before.mean(), abs=1e-12)
        assert found.change == pytest.approx((repaired - broken) / n, abs=1e-12)
        assert found.low <= found.change <= found.high


@pytest.mark.equation("11.7")
@pytest.mark.parametrize("repaired, broken", [(0, 1), (5, 5), (1, 9), (12, 3), (0, 40), (7, 8)])
def test_chance_is_counted_coins(repaired, broken):
    """P is the share of coin rows of that length, counted in whole numbers, that split at least as unevenly.

    (11.7) By chance: the share of the coin rows that split at least as unevenly as repaired and broken did.
    """
    before = np.array([False] * repaired + [True] * broken + [True] * 7 + [False] * 4)
    after = np.array([True] * repaired + [False] * broken + [True] * 7 + [False] * 4)
    m = repaired + broken
    uneven = sum(comb(m, heads) for heads in range(m + 1) if abs(2 * heads - m) >= abs(repaired - broken))
    assert paired(before, after).chance == pytest.approx(float(Fraction(uneven, 2 ** m)), rel=1e-12)


@pytest.mark.equation("11.8")
def test_a_map_confirms_its_own_class(network):
    """Erasing the cells where a class's map is negative raises its logit by their sum over Z: for every class.

    (11.8) Without the cells where its map is negative, a class's logit rises by what they took from it.
    """
    images = scenes.make(8, seed=2).images
    look = Probe(network)
    A, S = look.forward(images)
    for c in range(8):
        M = class_activation_map(network, images, c)
        kept = look.logits_from(images, A * (M > 0)[..., None])[:, c]
        gain = [sum(-value for value in map.ravel().astype(float) if value < 0) / 144 for map in M]
        np.testing.assert_allclose(kept - S[:, c], gain, atol=1e-5 * np.abs(S).max())
        assert (kept >= S[:, c] - 1e-4).all() and max(gain) > 0.1


# -- what must hold ----------------------------------------------------------------------------------


def test_a_map_of_ones_changes_nothing(seen):
    """Where the map is the same everywhere nothing is faded, whatever the fill, threshold and height of the map."""
    images, maps = seen
    for value in (1, 1e-6, 3e5):
        assert np.array_equal(weight(images, np.full_like(maps, value), 0.5), images)
        for threshold in (0.01, 0.5, 1):
            assert np.array_equal(mask(images, np.full_like(maps, value), threshold, 0.5), images)


def test_a_silent_map_changes_nothing(seen):
    """A map without a positive value points nowhere: the image stays, and the box is the whole image."""
    images, maps = seen
    maps = np.stack([maps[0], -np.abs(maps[1]), 0 * maps[2], maps[3]])
    for changed in (weight(images, maps), mask(images, maps)):
        assert np.array_equal(changed[1:3], images[1:3])
        assert not np.array_equal(changed[0], images[0]) and not np.array_equal(changed[3], images[3])
    assert map_boxes(maps)[1:3].tolist() == [[0, 0, 30, 20]] * 2


def test_units_of_the_map_do_not_matter(seen):
    """Maps times a positive number give the same pictures: only the places count."""
    images, maps = seen
    for change in (weight, mask):
        np.testing.assert_allclose(change(images, 37 * maps), change(images, maps), atol=1e-6)
    assert np.array_equal(map_boxes(37 * maps), map_boxes(maps))


def test_each_image_by_its_own_map(seen):
    """A batch gives what its images give one by one: the maximum is each map's own."""
    images, maps = seen
    scaled = maps * np.array([1, 10, 0.1, 5])[:, None, None]
    for change in (weight, mask):
        one_by_one = [change(images[[n]], maps[[n]])[0] for n in range(4)]
        np.testing.assert_allclose(change(images, scaled), one_by_one, atol=1e-6)


def test_fading_to_black_is_linear_in_the_image(seen):
    """The weights come from the map alone: weighted sums of images give weighted sums of pictures."""
    images, maps = seen
    other = images[::-1].copy()
    for change in (weight, mask):
        mixed = change(0.3 * images + 0.6 * other, maps)
        np.testing.assert_allclose(mixed, 0.3 * change(images, maps) + 0.6 * change(other, maps), atol=1e-6)


def test_what_is_masked_does_not_matter(seen):
    """Other pixels behind the mask give the same picture, so no network can tell them apart."""
    images, maps = seen
    hidden = maps < 0.2 * maps.max((1, 2), keepdims=True)
    repainted = np.where(hidden[..., None], 1 - images, images)
    assert 0.2 < hidden.mean() < 0.95
    assert np.array_equal(mask(repainted, maps, 0.2, 0.5), mask(images, maps, 0.2, 0.5))


def test_masking_twice_is_masking_once(seen):
    """A second mask by the same map finds nothing left to hide."""
    images, maps = seen
    once = mask(images, maps, 0.3, 0.7)
    assert np.array_equal(mask(once, maps, 0.3, 0.7), once)


def test_small_maps_are_enlarged_as_numbers(seen):
    """A map of 5 x 6 cells is resized first and compared with its maximum after; pictures as fill are mixed in."""
    images, maps = seen
    small = maps[:, ::4, ::5]
    large = resize_map(small, (20, 30))
    fill = images[::-1].copy()
    for change in (weight, mask):
        assert np.array_equal(change(images, small, fill=fill), change(images, large, fill=fill))
    m = (np.maximum(large, 0) / large.max((1, 2), keepdims=True))[..., None]
    np.testing.assert_allclose(weight(images, small, fill), m * images + (1 - m) * fill, atol=1e-6)


def test_the_whole_window_is_the_image(seen):
    """A window of the image's size is the image itself; a larger size only enlarges it. Grey images stay grey."""
    images, _ = seen
    whole = np.tile([0, 0, 30, 20], (4, 1))
    assert np.array_equal(crop(images, whole), images)
    assert crop(images, whole, 7).shape == (4, 7, 7, 3)
    assert np.array_equal(crop(images[..., :1], whole), images[..., :1])


def test_a_crop_at_its_own_size_is_a_slice(seen):
    """Without resizing a crop is rows y0 to y1 and columns x0 to x1."""
    images, _ = seen
    windows = np.array([[x, y, x + 8, y + 6] for x, y in ((0, 0), (22, 14), (5, 9), (17, 2))])
    expected = [image[y0:y1, x0:x1] for image, (x0, y0, x1, y1) in zip(images, windows, strict=True)]
    assert np.array_equal(crop(images, windows, (6, 8)), expected)


def test_boxes_of_maps():
    """The box of the largest region, not of the highest or the first one."""
    map = np.zeros((12, 16))
    map[1, 1], map[6:9, 4:10] = 10, 6
    assert map_boxes(map[None], 0.5).tolist() == [[4, 6, 10, 9]]
    assert map_boxes(map[None], 0.7).tolist() == [[1, 1, 2, 2]]
    assert map_boxes(np.stack([map, map.max() - map]), 0.5).shape == (2, 4)


def test_windows_by_hand():
    """Square, as long as the longer side and its margins, in the middle of the box, moved into the image."""
    boxes = [[40, 40, 60, 50], [0, 0, 20, 10], [88, 90, 96, 96], [10, 10, 80, 90], [30, 30, 30, 30]]
    found = windows_around(boxes, (96, 120), margin=0.5)
    assert found.tolist() == [[30, 25, 70, 65], [0, 0, 40, 40], [84, 80, 100, 96], [0, 0, 96, 96], [30, 30, 31, 31]]
    assert windows_around(boxes[0], (96, 120), margin=0).tolist() == [[40, 35, 60, 55]]
    assert windows_around(boxes, (96, 120), side=20).tolist() == [
        [40, 35, 60, 55], [0, 0, 20, 20], [82, 76, 102, 96], [35, 40, 55, 60], [20, 20, 40, 40]]
    assert windows_around(boxes[0], (96, 120), side=500).tolist() == [[2, 0, 98, 96]]
    assert windows_around(boxes[0], (96, 120), margin=0.25).tolist() == [[35, 30, 65, 60]]


def test_windows_hold_their_boxes():
    """Random boxes: the window is a square inside the image that holds the box, wherever it fits."""
    corners = np.sort(np.random.default_rng(0).integers(0, 60, (300, 2, 2)), axis=1).reshape(300, 4)
    corners[:, 2:] += 1
    for margin in (0, 0.3, 2):
        x0, y0, x1, y1 = windows_around(corners, (70, 90), margin).T
        assert (x1 - x0 == y1 - y0).all() and (x0 >= 0).all() and (y0 >= 0).all()
        assert (x1 <= 90).all() and (y1 <= 70).all()
        bx0, by0, bx1, by1 = corners.T
        assert ((x0 <= bx0) & (y0 <= by0) & (x1 >= bx1) & (y1 >= by1)).all()


def test_baseline_windows_have_the_same_sizes():
    """Centre and random windows: the same sizes, inside; each place as likely as any other; a seed repeats them."""
    windows = np.tile([0, 0, 4, 2], (6000, 1))
    middle, anywhere = center_windows(windows, (5, 6)), random_windows(windows, (5, 6), seed=1)
    assert np.unique(middle, axis=0).tolist() == [[1, 1, 5, 3]]
    assert (anywhere[:, 2:] - anywhere[:, :2] == [4, 2]).all()
    places, counts = np.unique(anywhere[:, :2], axis=0, return_counts=True)
    assert places.tolist() == [[x, y] for x in range(3) for y in range(4)]
    assert (np.abs(counts - 500) < 100).all()
    assert np.array_equal(anywhere, random_windows(windows, (5, 6), seed=1))
    assert not np.array_equal(anywhere, random_windows(windows, (5, 6), seed=2))


def test_the_same_picture_twice_changes_no_answer(classifier, pictures):
    """The average of two equal answers is the answer."""
    looks = second_look(classifier, pictures, pictures.copy())
    assert np.array_equal(looks.first, looks.second) and np.array_equal(looks.first, looks.both)


def test_one_logit_gives_two_classes(small, pictures):
    """A network with a single sigmoid output answers for both classes, and the average is one of sigmoids."""
    model = small(layers.GlobalAveragePooling2D(), layers.Dense(1, "sigmoid"))
    looks = second_look(model, pictures, pictures[::-1])
    p = model(pictures).numpy()[:, 0].astype(float)
    np.testing.assert_allclose(looks.both, np.stack([1 - (p + p[::-1]) / 2, (p + p[::-1]) / 2], 1), atol=1e-6)


def test_nothing_changed():
    """No answer repaired or broken: no change, no width, P = 1."""
    right = np.array([True, False, True])
    assert paired(right, right) == (3, 0, 0, 0, 0, 0, 1)


def test_level_of_the_interval():
    """A higher level gives a wider interval around the same change."""
    rng = np.random.default_rng(0)
    before, after = rng.random(200) < 0.5, rng.random(200) < 0.6
    narrow, wide = paired(before, after, 0.5), paired(before, after, 0.99)
    assert wide.low < narrow.low < narrow.change == wide.change < narrow.high < wide.high


# -- bad input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("call, error, message", [
    (lambda i, m: weight(i[0], m), ImageError, r"expected a batch \(N, H, W, C\), got one image .*images\[None\]"),
    (lambda i, m: weight(i, m[:2]), MapError, r"images \(4, 20, 30, 3\) need as many maps .*got 2"),
    (lambda i, m: mask(i, m[0]), MapError, "need as many maps"),
    (lambda i, m: weight(i, np.full_like(m, np.nan)), MapError, "finite"),
    (lambda i, m: weight(i, m, fill=np.zeros(5)), ImageError, r"the fill \(5,\) does not fit .*a number, a colour"),
    (lambda i, m: mask(i, m, fill=np.nan), ImageError, "finite"),
    (lambda i, m: mask(i, m, 0), MapError, "fraction of the maximum, above 0 and at most 1, not 0"),
    (lambda i, m: mask(i, m, 1.01), MapError, "fraction of the maximum"),
    (lambda i, m: mask(i, m, "a"), MapError, "fraction of the maximum"),
    (lambda i, m: crop(i, [[0, 0, 31, 20]] * 4), MapError, r"4 images 20 × 30 need .*4 of them not inside"),
    (lambda i, m: crop(i, [[0, 0, 30, 21]] * 4), MapError, "not inside"),
    (lambda i, m: crop(i, [[0, -1, 30, 20]] * 4), MapError, "not inside"),
    (lambda i, m: crop(i, [[-1, 0, 30, 20]] * 4), MapError, "not inside"),
    (lambda i, m: crop(i, [[5, 5, 5, 9]] * 4), MapError, "not inside"),
    (lambda i, m: crop(i, [[5, 9, 9, 9]] * 4), MapError, "not inside"),
    (lambda i, m: crop(i, [[0, 0, 9, 9]] * 3), MapError, "need as many windows"),
    (lambda i, m: crop(i, [[0, 0, 9.5, 9]] * 4), MapError, r"whole numbers \(N, 4\)"),
    (lambda i, m: crop(i, [0, 0, 9, 9]), MapError, r"whole numbers \(N, 4\)"),
    (lambda i, m: crop(i, [[0, 0, 9, 9]] * 4, 0), ImageError, "at least 1 pixel"),
    (lambda i, m: crop(2 * i - 1, [[0, 0, 9, 9]] * 4), ImageError, r"images in 0..1, got -.*crop first, prepare last"),
    (lambda i, m: crop(255 * i, [[0, 0, 9, 9]] * 4), ImageError, "images in 0..1"),
    (lambda i, m: map_boxes(m[0]), MapError, r"expected maps \(N, H, W\), got shape .*map\[None\]"),
    (lambda i, m: map_boxes(m, 0), MapError, "threshold"),
    (lambda i, m: windows_around([[0, 0, 9, 9]], 20, -0.1), MapError, "margin is a share"),
    (lambda i, m: windows_around([[0, 0, 9, 9]], 20, np.inf), MapError, "margin is a share"),
    (lambda i, m: windows_around([[0, 0, 9, 9]], 20, side=0), CamlibError, "side is a whole number"),
    (lambda i, m: windows_around([[0, 0, 9]], 20), MapError, "a box is"),
    (lambda i, m: windows_around([[0, 0, 9, 9]], 0), MapError, "at least 1 pixel"),
    (lambda i, m: center_windows([[0, 0, 9, 9]], 8), MapError, "larger than the image 8 × 8"),
    (lambda i, m: random_windows([[0, 0, 9, 9]], 8, 0), MapError, "larger than the image 8 × 8"),
    (lambda i, m: random_windows([[0, 0, 9, 9]], 12, -1), CamlibError, "seed is a whole number"),
    (lambda i, m: paired([True, False], [True]), CamlibError, "the same pictures in the same order"),
    (lambda i, m: paired([1, 0], [1, 1]), CamlibError, "True and False"),
    (lambda i, m: paired([True], [False]), CamlibError, "at least two"),
    (lambda i, m: paired([True, False], [True, True], level=95), CamlibError, "level"),
    (lambda i, m: paired([True, False], [True, True], level="a"), CamlibError, "level"),
    (lambda i, m: paired([[True], [False, True]], [True, True]), CamlibError, "different shapes"),
])
def test_bad_input_is_explained(seen, call, error, message):
    """What cannot be used is refused, and the message says what is needed."""
    with pytest.raises(error, match=message):
        call(*seen)


def test_second_look_needs_pairs(classifier, pictures):
    """Another number of changed images is refused."""
    with pytest.raises(ImageError, match="5 images need as many changed ones, got 4"):
        second_look(classifier, pictures, pictures[:4])
    for images, changed in ((None, pictures), (pictures, None)):
        with pytest.raises(ImageError, match="a batch"):
            second_look(classifier, images, changed)
