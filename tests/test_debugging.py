"""Debugging: what an intervention moves in the map, what a repair changes, and the network with the shortcut."""

import numpy as np
import pytest

from camlib import Probe, class_activation_map, course_network, debugging, resize_map, scenes
from camlib.errors import CamlibError, ImageError, MapError, TargetError, WeightsError
from camlib.feature_maps import receptive_field_of
from camlib.localization import box_masks, energy_in_mask

KEY = scenes.CLASSES.index("key")


@pytest.fixture(scope="module")
def tagged():
    """The network that was trained on tagged keys."""
    return debugging.load()


@pytest.fixture(scope="module")
def few():
    """160 unseen scenes."""
    return scenes.make(160, seed=2)


@pytest.fixture(scope="module")
def worn(few):
    """The same scenes, all with a tag: images and the tags' boxes."""
    return debugging.tag(few.images, few.labels, few.boxes, 2, only=None)


def answers(model, images):
    return Probe(model).forward(images)[1].argmax(1)


# -- the equations -----------------------------------------------------------------------------------


@pytest.mark.equation("12.1")
def test_the_mean_of_what_moved_is_the_change_of_the_logit(tagged, few, worn):
    """mean(M' - M) = S' - S for every class, with the logits taken from the network.

    (12.1) The mean of what moved in the map is the change of the logit.
    """
    before, after = (Probe(tagged).forward(images[:40])[1] for images in (few.images, worn[0]))
    scale = np.abs(after).max()
    for c in range(8):
        D = debugging.evidence_moved(tagged, few.images[:40], worn[0][:40], c)
        assert D.shape == (40, 12, 12)
        gap = np.abs(D.mean((1, 2)) - (after - before)[:, c]).max() / scale
        assert gap <= 1e-5
    print(f"(12.1) residual {gap:.1e}")
    assert np.abs(after - before)[:, KEY].min() > 0.1
    each = debugging.evidence_moved(tagged, few.images[:40], worn[0][:40], few.labels[:40])
    np.testing.assert_allclose(each.mean((1, 2)), (after - before)[np.arange(40), few.labels[:40]], atol=1e-5 * scale)


@pytest.mark.equation("12.2")
def test_cells_that_do_not_see_the_square_do_not_move(network, few):
    """Noise in a square moves no cell whose receptive field misses it, and some of the others, at any place.

    (12.2) A cell whose receptive field misses the changed square does not move.
    """
    field, rng = receptive_field_of(network, "relu4"), np.random.default_rng(0)
    squares = debugging.free_places(few.boxes[:40], 8, seed=0)
    squares[:4] = [[0, 0, 8, 8], [88, 0, 96, 8], [0, 88, 8, 96], [88, 88, 96, 96]]
    noisy = debugging.paste(few.images[:40], rng.random((40, 8, 8, 3)), squares)
    D = debugging.evidence_moved(network, few.images[:40], noisy, KEY)
    sees = debugging.cells_that_see(squares, field, (12, 12))
    assert sees.shape == (40, 12, 12) and not sees.all((1, 2)).any()
    assert np.abs(D[~sees]).max() <= 1e-6 * np.abs(D).max()
    assert (np.abs(D * sees).max((1, 2)) > 0).all()


def test_cells_that_see_by_the_pixels_of_each_cell():
    """The rule by its definition, pixel by pixel, for rows and columns apart."""
    field, shape = (5, 3, -2), (4, 6)
    squares = np.array([[0, 0, 1, 1], [4, 2, 6, 4], [3, 9, 4, 10], [14, 0, 16, 2], [16, 0, 17, 2]])
    found = debugging.cells_that_see(squares, field, shape)
    for n, (x0, y0, x1, y1) in enumerate(squares):
        for i in range(4):
            for j in range(6):
                rows, columns = (set(range(-2 + 3 * k, 3 + 3 * k)) for k in (i, j))
                assert found[n, i, j] == bool(rows & set(range(y0, y1)) and columns & set(range(x0, x1)))


@pytest.fixture(scope="module")
def hidden(few, worn):
    """The same scenes without and with a tag, the object's box painted in the scene's mean colour."""
    boxes, colour = box_masks(few.boxes, (96, 96))[..., None], few.images.mean((1, 2), keepdims=True)
    return [np.where(boxes, colour, images).astype(np.float32) for images in (few.images, worn[0])]


@pytest.mark.equation("12.3")
def test_the_effect_counts_who_became_less_who_left(tagged, few, hidden):
    """The paired effect of the tag on the answer is those it won less those it lost; large with nothing else to see.

    (12.3) The effect of the tag: answers won less answers lost, as a share.
    """
    before, after = (answers(tagged, images) == KEY for images in hidden)
    effect = np.mean(after.astype(int) - before)
    assert effect == pytest.approx(((after & ~before).sum() - (before & ~after).sum()) / len(few.labels), abs=1e-12)
    assert effect == pytest.approx(after.mean() - before.mean(), abs=1e-12)
    assert effect > 0.6


@pytest.mark.equation("12.6")
def test_why_this_and_not_that(network, few):
    """The mean of the difference of two classes' maps is the difference of their logits without the biases.

    (12.6) Why this class and not that one: the mean difference of the maps is that of the logits without biases.
    """
    S, b = Probe(network).forward(few.images[:40])[1], Probe(network).head()[1]
    first, second = np.argsort(S, 1)[:, [-1, -2]].T
    M, other = (class_activation_map(network, few.images[:40], c) for c in (first, second))
    n = np.arange(40)
    margin = S[n, first] - S[n, second] - (b[first] - b[second])
    np.testing.assert_allclose((M - other).mean((1, 2)), margin, atol=1e-5 * np.abs(S).max())


@pytest.fixture(scope="module")
def fitted():
    """Random features (300, 5), labels of 4 classes and the head fitted to them."""
    rng = np.random.default_rng(0)
    F, labels = rng.normal(3, (1, 2, 3, 0.1, 0), (300, 5)), rng.integers(0, 4, 300)
    F[:, 0] += labels
    return F, labels, *debugging.retrain_head(F, labels, classes=4, decay=0.01)


def head_loss(F, labels, W, b, decay=0.01):
    """Equation (12.4) as it is written, scene by scene."""
    total = 0
    for features, y in zip(F, labels, strict=True):
        z = features @ W + b
        total -= np.log(np.exp(z[y]) / np.exp(z).sum())
    return total / len(F) + decay * ((W * F.std(0)[:, None]) ** 2).sum()


@pytest.mark.equation("12.4")
def test_no_other_head_has_less_loss(fitted):
    """Every small step away from the fitted weights and biases raises the loss, and a zero head has more.

    (12.4) The new head has the least loss: every small step away from it has more.
    """
    F, labels, W, b = fitted
    least, rng = head_loss(F, labels, W, b), np.random.default_rng(1)
    for size in (1e-3, 0.1):
        for _ in range(10):
            step, shift = rng.normal(0, size, W.shape), rng.normal(0, size, b.shape)
            assert head_loss(F, labels, W + step, b + shift) > least
    assert head_loss(F, labels, 0 * W, 0 * b) > least + 0.1
    loose = debugging.retrain_head(F, labels, classes=4, decay=1e-4)
    assert np.abs(loose[0] * F.std(0)[:, None]).sum() > np.abs(W * F.std(0)[:, None]).sum()


@pytest.mark.equation("12.5")
def test_the_mean_probability_is_the_share_of_the_class(fitted):
    """At the optimum each class's mean probability on the training scenes is its share of them.

    (12.5) With that head each class's mean probability is its share of the training scenes.
    """
    F, labels, W, b = fitted
    z = F @ W + b
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    gap = np.abs(p.mean(0) - np.bincount(labels, minlength=4) / 300).max()
    print(f"(12.5) residual {gap:.1e}")
    assert gap <= 1e-5


# -- interventions -----------------------------------------------------------------------------------


def test_tag_changes_the_tag_and_nothing_else(few, worn):
    """Only pixels in the tag's box change; it is 8 x 8, touches no object, and the input is left alone."""
    images, tags = worn
    y, x = np.mgrid[:96, :96]
    for n, (x0, y0, x1, y1) in enumerate(tags):
        changed = (images[n] != few.images[n]).any(-1)
        assert not changed[(y < y0) | (y >= y1) | (x < x0) | (x >= x1)].any() and changed.sum() > 50
        assert (x1 - x0, y1 - y0) == (8, 8) and not few.masks[n, y0:y1, x0:x1].any()
    again, _ = debugging.tag(few.images, few.labels, few.boxes, 2, only=None)
    np.testing.assert_array_equal(again, images)


def test_tag_only_one_class(few):
    """By default the keys are tagged, a box each; no scene of the class: no box; no such class: an error."""
    for name, only in (("key", {}), ("mug", dict(only="mug"))):
        images, tags = debugging.tag(few.images, few.labels, few.boxes, 2, **only)
        changed = (images != few.images).any((1, 2, 3))
        assert (changed == (few.labels == scenes.CLASSES.index(name))).all() and tags.shape == (changed.sum(), 4)
    fish = few.labels == 0
    images, tags = debugging.tag(few.images[fish], few.labels[fish], few.boxes[fish], 2)
    assert (images == few.images[fish]).all() and tags.shape == (0, 4)
    with pytest.raises(TargetError, match="no class 'keys'.*Did you mean 'key'"):
        debugging.tag(few.images, few.labels, few.boxes, 2, only="keys")


def test_free_places(few):
    """Squares lie inside, touch no object's box, reach every side of the picture, and follow the seed."""
    squares = debugging.free_places(np.repeat(few.boxes, 8, 0), 12, seed=0)
    boxes = np.repeat(few.boxes, 8, 0)
    apart = ((squares[:, 0] >= boxes[:, 2]) | (squares[:, 2] <= boxes[:, 0])
             | (squares[:, 1] >= boxes[:, 3]) | (squares[:, 3] <= boxes[:, 1]))
    assert apart.all() and (squares[:, 2:] - squares[:, :2] == 12).all()
    assert (squares.min(0) == [0, 0, 12, 12]).all() and (squares.max(0) == [84, 84, 96, 96]).all()
    assert (debugging.free_places(few.boxes, 12, seed=0) == debugging.free_places(few.boxes, 12, seed=0)).all()
    assert (debugging.free_places(few.boxes, 12, seed=1) != debugging.free_places(few.boxes, 12, seed=0)).any()
    assert debugging.free_places([[0, 0, 96, 88]], 8, seed=0)[0, [1, 3]].tolist() == [88, 96]
    with pytest.raises(MapError, match="leaves no room for 9 x 9 pixels"):
        debugging.free_places([[0, 0, 96, 88]], 9, seed=0)


def test_cut_and_paste(few, worn):
    """The cut piece is what lies there; pasted back nothing changes; pasted on the clean scene it is the tag."""
    images, tags = worn
    pieces = debugging.cut(images, tags)
    assert pieces.shape == (160, 8, 8, 3)
    np.testing.assert_array_equal(pieces[7], images[7, tags[7, 1]:tags[7, 3], tags[7, 0]:tags[7, 2]])
    np.testing.assert_array_equal(debugging.paste(images, pieces, tags), images)
    before = few.images.copy()
    np.testing.assert_array_equal(debugging.paste(few.images, pieces, tags), images)
    np.testing.assert_array_equal(few.images, before)
    grey = debugging.paste(few.images, 0.5, tags)
    assert (debugging.cut(grey, tags) == 0.5).all() and (grey != few.images).any(-1).sum((1, 2)).max() <= 64
    own = debugging.paste(few.images[:2], few.images[:2].mean((1, 2), keepdims=True), tags[:2])
    np.testing.assert_allclose(own[1, tags[1, 1], tags[1, 0]], few.images[1].mean((0, 1)), rtol=1e-6)


def test_a_mask_leaves_nothing_of_the_tag_and_no_square_elsewhere_does(tagged, few, worn):
    """Covered in one colour, scenes with and without a tag are the same; a cover that misses leaves the whole tag."""
    images, tags = worn
    n, colour = slice(40), few.images[:40].mean((1, 2), keepdims=True)
    covered, bare = (debugging.paste(x[n], colour, tags[n]) for x in (images, few.images))
    np.testing.assert_array_equal(covered, bare)
    clean, before = (Probe(tagged).forward(x[n])[1][:, KEY] for x in (few.images, images))
    left = Probe(tagged).forward(covered)[1][:, KEY] - clean
    assert np.abs(left).mean() <= 0.1 * np.abs(before - clean).mean()
    x0, y0, x1, y1 = tags[n].T
    missed = np.stack([96 - x1, 96 - y1, 96 - x0, 96 - y0], 1)
    piece = debugging.cut(debugging.paste(images[n], colour, missed), tags[n])
    np.testing.assert_array_equal(piece, debugging.cut(images[n], tags[n]))


@pytest.mark.parametrize("squares, message", [
    ([[0, 0, 8, 8]], r"2 squares \(N, 4\) of one size"), ([[0, 0, 8, 8], [0, 0, 9, 9]], "of one size"),
    ([[0, 0, 8, 7], [0, 0, 8, 7]], "of one size"), ([[0.5, 0, 8.5, 8], [0, 0, 8, 8]], "whole pixels"),
    ([[4, 4, 4, 4], [4, 4, 4, 4]], "of one size"), ([[0, 0, 8, 8], [89, 0, 97, 8]], "leaves the 96 x 96 pixels"),
    ([[0, 0, 8, 8], [0, 89, 8, 97]], "leaves the 96"), ([[-1, 0, 7, 8], [0, 0, 8, 8]], "leaves the 96"),
    (np.zeros((0, 4)), "2 squares"),
], ids=str)
def test_squares_that_cannot_be_cut(few, squares, message):
    """Other sizes, broken pixels, and what leaves the picture: cut and paste both refuse."""
    for use in (lambda: debugging.cut(few.images[:2], squares), lambda: debugging.paste(few.images[:2], 0, squares)):
        with pytest.raises(MapError, match=message):
            use()


def test_pieces_that_do_not_fit(few):
    """A piece of another size, and a picture instead of a batch."""
    with pytest.raises(MapError, match=r"pieces \(2, 7, 7, 3\) do not fit 2 squares of 8"):
        debugging.paste(few.images[:2], np.zeros((2, 7, 7, 3)), [[0, 0, 8, 8]] * 2)
    with pytest.raises(ImageError, match="images\\[None\\]"):
        debugging.cut(few.images[0], [[0, 0, 8, 8]])


def test_hot_squares():
    """The square is centred on the peak, and moved inside where the peak is near the border."""
    maps = np.zeros((3, 20, 30))
    maps[0, 10, 17], maps[1, 0, 29], maps[2, 19, 0] = 1, 1, 1
    assert debugging.hot_squares(maps, 6).tolist() == [[14, 7, 20, 13], [24, 0, 30, 6], [0, 14, 6, 20]]
    for wrong in (maps[0], maps[:, :5], maps * np.nan):
        with pytest.raises(MapError):
            debugging.hot_squares(wrong, 6)


def test_pairs_that_are_no_pairs(network, few):
    """evidence_moved needs images in pairs and a class that is the same before and after."""
    with pytest.raises(ImageError, match="pairs of images are needed"):
        debugging.evidence_moved(network, few.images[:3], few.images[:2], KEY)
    with pytest.raises(TargetError, match="None could mean another class before and after"):
        debugging.evidence_moved(network, few.images[:2], few.images[:2], None)
    with pytest.raises(MapError, match=r"write squares\[None\]"):
        debugging.cells_that_see([0, 0, 8, 8], (53, 8, -21), (12, 12))


# -- heads and networks ------------------------------------------------------------------------------


def test_features_without_spread_get_no_weight(fitted):
    """A feature that never varies can tell nothing: its weight is 0, and nothing is divided by zero."""
    assert np.abs(fitted[2][4]).max() <= 1e-6 and np.isfinite(fitted[2]).all()


def test_heads_that_cannot_be_fitted():
    """Labels that do not belong to the features, labels that are no class, features that are no numbers."""
    F = np.random.default_rng(0).random((6, 5))
    for labels in (np.zeros(5, int), np.full(6, 8), np.full(6, -1), np.full(6, 0.5)):
        with pytest.raises(TargetError, match="labels .* from 0 to 7 are needed"):
            debugging.retrain_head(F, labels)
    with pytest.raises(MapError, match="NaN"):
        debugging.retrain_head(F * np.nan, np.zeros(6, int))


def test_with_head(network, few):
    """The copy answers with the new head on the same features; the first network keeps its own."""
    W, b = np.random.default_rng(0).normal(size=(64, 8)), np.arange(8)
    A, before = Probe(network).forward(few.images[:4])
    S = Probe(debugging.with_head(network, W, b)).forward(few.images[:4])[1]
    np.testing.assert_allclose(S, A.mean((1, 2)) @ W + b, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(Probe(network).forward(few.images[:4])[1], before)


def test_what_is_no_tag_square_or_head(network, few):
    """Whatever does not belong together is refused in words, and so is what is no number."""
    images, labels, boxes = few.images[:4], few.labels[:4], few.boxes[:4]
    F, good = np.random.default_rng(0).random((4, 5)), np.arange(4)
    W, b = np.zeros((64, 8)), np.zeros(8)
    for call, error, words in (
            (lambda: debugging.tag(images, labels[:3], boxes, 0), ImageError, r"labels \(N,\)"),
            (lambda: debugging.tag(images, 3, boxes, 0), ImageError, r"labels \(N,\)"),
            (lambda: debugging.tag(images[..., :1], labels, boxes, 0), ImageError, "96, 3"),
            (lambda: debugging.tag(images, labels, boxes, None, only=None), CamlibError, "seed"),
            (lambda: debugging.free_places([0, 0, 8, 8], 8, 0), MapError, r"boxes\[None\]"),
            (lambda: debugging.paste(images, "a", [[0, 0, 8, 8]] * 4), MapError, "pieces"),
            (lambda: debugging.cells_that_see(boxes, None, 12), MapError, "a field is"),
            (lambda: debugging.cells_that_see(boxes, (5, 3), 12), MapError, "a field is"),
            (lambda: debugging.retrain_head(F, good.astype(float)), TargetError, "float64"),
            (lambda: debugging.retrain_head(F, good > 1), TargetError, "bool"),
            (lambda: debugging.retrain_head(F, good, classes=None), CamlibError, "classes"),
            (lambda: debugging.retrain_head(F, good, decay="a"), CamlibError, "decay"),
            (lambda: debugging.retrain_head(F, good, decay=0), CamlibError, "decay"),
            (lambda: debugging.with_head(network, W.T, b), WeightsError, r"\(64, 8\)"),
            (lambda: debugging.with_head(network, W, None), WeightsError, "bias"),
            (lambda: debugging.with_head(network, W * np.nan, b), WeightsError, "NaN")):
        with pytest.raises(error, match=words):
            call()
    with_lists = debugging.tag(images, list(labels), boxes.tolist(), 0, only=None)
    np.testing.assert_array_equal(with_lists[0], debugging.tag(images, labels, boxes, 0, only=None)[0])


def test_weights_that_are_missing(tmp_path, monkeypatch):
    """A missing file is named."""
    monkeypatch.setattr(debugging, "WEIGHTS", tmp_path / "none.weights.h5")
    with pytest.raises(WeightsError, match="none.weights.h5 is missing"):
        debugging.load()


def test_the_tagged_network_learned_the_tag(tagged, network, few, worn, hidden):
    """It is as often right as the course network, and calls most tagged scenes a key when there is nothing to see."""
    keys = few.labels == KEY
    collected = np.where(keys[:, None, None, None], worn[0], few.images)
    for model, least, most in ((tagged, 0.6, 1), (network, 0, 0.15)):
        assert course_network.accuracy(model, collected, few.labels) >= 0.95
        assert course_network.accuracy(model, few.images, few.labels) >= 0.95
        bare, with_tag = ((answers(model, images) == KEY).mean() for images in hidden)
        assert bare <= 0.15 and least <= with_tag <= most


def test_the_tagged_network_looks_at_the_tag(tagged, network, few, worn):
    """On tagged keys its map has many times the energy near the tag that the course network's map has."""
    keys = few.labels == KEY
    near = box_masks(np.clip(worn[1] + [-8, -8, 8, 8], 0, 96), (96, 96))[keys]
    found = [energy_in_mask(resize_map(class_activation_map(model, worn[0][keys], KEY), 96), near).mean()
             for model in (tagged, network)]
    assert found[0] >= 0.15 and found[1] <= 0.03
