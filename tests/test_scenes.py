"""The scenes: their truth is true, a seed fixes them, and no shortcut gives the class away."""

import cv2
import numpy as np
import pytest

from camlib import scenes
from camlib.errors import CamlibError

CHANCE = 1 / len(scenes.CLASSES)


def test_a_seed_fixes_every_picture():
    """The same seed draws the same scenes; another seed draws others."""
    first, again, other = scenes.make(5, seed=7), scenes.make(5, seed=7), scenes.make(5, seed=8)
    for part, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(part, same)
    assert not np.array_equal(first.images, other.images)


@pytest.mark.parametrize("objects", [1, 2])
def test_a_scene_depends_on_its_number_alone(objects):
    """Scene 3 of a seed is the same picture drawn alone, or as one of five."""
    five, one = scenes.make(5, 7, objects=objects), scenes.make(1, 7, objects=objects, first=3)
    for part, alone in zip(five, one, strict=True):
        np.testing.assert_array_equal(part[3], alone[0])


def test_shapes_and_ranges():
    """Images are float32 RGB in 0..1; with two objects the truth has one more axis."""
    one, two = scenes.make(4, seed=0), scenes.make(4, seed=0, objects=2)
    assert one.images.shape == two.images.shape == (4, 96, 96, 3)
    assert one.images.dtype == np.float32
    assert 0 <= one.images.min() < 0.2 and 0.8 < one.images.max() <= 1
    assert [part.shape for part in one[1:]] == [(4,), (4, 96, 96), (4, 4)]
    assert [part.shape for part in two[1:]] == [(4, 2), (4, 2, 96, 96), (4, 2, 4)]
    assert one.masks.dtype == bool and one.labels.dtype.kind == one.boxes.dtype.kind == "i"


def _tight(mask, box):
    """True if ``mask`` touches all four sides of the half-open ``box`` and has nothing outside."""
    x0, y0, x1, y1 = box
    inside = mask[y0:y1, x0:x1]
    sides = inside[0], inside[-1], inside[:, 0], inside[:, -1]
    return inside.sum() == mask.sum() and all(side.any() for side in sides)


def test_boxes_are_tight(unseen):
    """Each mask fills its box to all four sides and stays inside."""
    assert all(_tight(mask, box) for mask, box in zip(unseen.masks, unseen.boxes, strict=True))


def test_masks_lie_on_the_object():
    """The mask covers what the figure changed: on plain ground, drawn pixels and mask are the same but for the rim."""
    rng = np.random.default_rng(0)
    for figure in scenes.FIGURES.values():
        image = np.full((96, 96, 3), -1.0)
        mask = scenes.draw_figure(image, figure, np.array([40.0, 55.0]), 22, np.ones((96, 96)), rng)
        drawn = (image != -1).any(2)
        assert not (mask & ~drawn).any()
        rim = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3))).astype(bool)
        assert not (drawn & ~rim).any()


def test_two_objects_are_apart(pairs):
    """Two objects are of different classes and do not even touch; each has its own mask and box."""
    assert (pairs.labels[:, 0] != pairs.labels[:, 1]).all()
    for masks, boxes in zip(pairs.masks, pairs.boxes, strict=True):
        grown = cv2.dilate(masks[0].astype(np.uint8), np.ones((3, 3))).astype(bool)
        assert not (grown & masks[1]).any()
        assert _tight(masks[0], boxes[0]) and _tight(masks[1], boxes[1])


def test_classes_are_equally_frequent(unseen):
    """In 2000 scenes each of the 8 classes appears 250 times, within four standard deviations (60)."""
    assert np.abs(np.bincount(unseen.labels, minlength=8) - 250).max() < 60


def test_classes_to_draw_from():
    """Only the named classes are drawn; labels still count through all classes."""
    labels = scenes.make(20, seed=0, classes=("key", "fish")).labels
    assert set(labels) == {scenes.CLASSES.index("key"), scenes.CLASSES.index("fish")}


@pytest.mark.parametrize("options, message", [
    (dict(classes=("fihs",)), "no class 'fihs'.*Did you mean 'fish'"),
    (dict(objects=3), "1 or 2 objects, not 3"),
    (dict(objects=2, classes=("key", "key")), "need two class names"),
])
def test_errors_say_what_to_do(options, message):
    """A misspelt class gets the near name; impossible numbers of objects are refused."""
    with pytest.raises(CamlibError, match=message):
        scenes.make(1, seed=0, **options)


def test_marker_changes_nothing_else(unseen):
    """The marker lies outside the object's box, all else stays as it was, and the input is left alone."""
    images, boxes = unseen.images[:300].copy(), unseen.boxes[:300]
    marked, tags = scenes.add_marker(images, boxes, seed=0)
    np.testing.assert_array_equal(images, unseen.images[:300])
    y, x = np.mgrid[:96, :96]
    for before, after, box, tag in zip(images, marked, boxes, tags, strict=True):
        in_tag, in_box = ((x >= b[0]) & (x < b[2]) & (y >= b[1]) & (y < b[3]) for b in (tag, box))
        assert in_tag.sum() == 64 and not (in_tag & in_box).any()
        np.testing.assert_array_equal((before != after).any(2), in_tag)
    assert len(np.unique(tags, axis=0)) == 4
    np.testing.assert_array_equal(marked, scenes.add_marker(images, boxes, seed=0)[0])


def test_pixels_do_not_give_the_class_away(linear_accuracy):
    """A linear classifier on 24 x 24 pixels stays near chance."""
    print(f"linear classifier on pixels: {linear_accuracy:.3f} (chance {CHANCE})")
    assert linear_accuracy <= 0.20


def test_colours_do_not_give_the_class_away(ridge, others, unseen):
    """Nor does a linear classifier on the scene's colour histogram: 4 x 4 x 4 colours, counts or their roots."""
    def histograms(images):
        r, g, b = np.moveaxis(np.minimum(images * 4, 3).astype(int), 3, 0)
        return np.stack([np.bincount(code.ravel(), minlength=64) for code in r * 16 + g * 4 + b])

    found = max(ridge(f(histograms(others.images)), others.labels, f(histograms(unseen.images)), unseen.labels)
                for f in (np.asarray, np.sqrt))
    print(f"linear classifier on colour histograms: {found:.3f} (chance {CHANCE})")
    assert found <= 0.20


def test_the_objects_colour_does_not_give_the_class_away(ridge, others, unseen):
    """Nor the mean colour inside the true mask, with its squares and products: colours are random, shapes decide."""
    def means(scene):
        mean = np.stack([image[mask].mean(0) for image, mask in zip(scene.images, scene.masks, strict=True)])
        return np.concatenate([mean, *(mean[:, [i]] * mean[:, i:] for i in range(3))], 1)

    found = ridge(means(others), others.labels, means(unseen), unseen.labels)
    print(f"mean colour inside the true mask: {found:.3f} (chance {CHANCE})")
    assert found <= 0.25


def test_a_class_named_twice_counts_once():
    """Two objects have different classes also when a name stands twice in the list."""
    labels = scenes.make(30, 1, objects=2, classes=["fish", "fish", "leaf"]).labels
    assert (labels[:, 0] != labels[:, 1]).all()
