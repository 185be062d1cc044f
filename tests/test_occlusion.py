"""Occlusion: the equations of chapter 6, its fills in any units, and what it refuses."""

from math import ceil

import cv2
import numpy as np
import pytest

from camlib import Probe, class_activation_map, pointing_game, resize_map, scenes
from camlib.errors import CamlibError, ImageError, MapError, TargetError
from camlib.occlusion import drops_to_pixels, fill_pictures, occlusion_drops, occlusion_map, passes, places
from camlib.runtime import keras

layers = keras.layers
PATCH, STRIDE = (6, 5), (4, 3)  # of pictures (16, 12, 3): rows 0 4 8 10, columns 0 3 6 7
TOPS, LEFTS = (0, 4, 8, 10), (0, 3, 6, 7)


def close(found, expected, tolerance=1e-5):
    """Assert that two arrays agree within ``tolerance`` times the largest expected value."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


@pytest.fixture(scope="module")
def bent(small):
    """A network that is not linear, pictures (N, 16, 12, 3) to 4 logits; like all here it gets random weights."""
    return small(layers.Conv2D(6, 3, activation="relu"), layers.Flatten(), layers.Dense(7, "tanh"), layers.Dense(4))


@pytest.fixture(scope="module")
def linear(randomized):
    """A linear model of pictures (N, 16, 12, 3) with 4 scores, and its weights u (16, 12, 3, 4)."""
    model = randomized(keras.Sequential([keras.Input((16, 12, 3)), layers.Identity(), layers.Flatten(),
                                         layers.Dense(4)]))
    return model, model.get_weights()[0].reshape(16, 12, 3, 4).astype(float)


def gate(kind):
    """Two pixels (1, 2, 1) into a single logit: OR is min(1, x + y), AND is max(0, x + y - 1)."""
    x = layers.Input((1, 2, 1))
    total = layers.Conv2D(1, (1, 2), kernel_initializer="ones")(layers.Identity()(x))
    above = layers.Lambda(lambda t: keras.ops.relu(t - 1))(total)
    score = layers.Flatten()(layers.Subtract()([total, above]) if kind == "or" else above)
    return keras.Model(x, score)


class Counted(Probe):
    """A Probe that notes how many pictures each compiled forward pass was given."""

    seen = ()

    def logits(self, images):
        self.seen = [*self.seen, len(images)]
        return super().logits(images)


# -- the equations -----------------------------------------------------------------------------------


@pytest.mark.equation("6.1")
@pytest.mark.parametrize("fill", ["mean", "blur", 0.3, (0.1, 0.9, 0.4)])
def test_drop_is_what_plain_loops_find(bent, pictures, fill):
    """Each place, each image: paste the fill by hand, ask the bare Keras model, subtract.

    (6.1) The drop is the score of the picture less its score with the patch filled.
    """
    classes = np.array([0, 3, 2, 1, 3])
    shown = fill_pictures(pictures, fill, PATCH)
    found = occlusion_drops(bent, pictures, classes, patch=PATCH, stride=STRIDE, fill=fill)
    assert found.shape == (5, 4, 4)
    for n, c in enumerate(classes):
        for row, y in enumerate(TOPS):
            for column, x in enumerate(LEFTS):
                hidden = pictures[n].copy()
                hidden[y:y + 6, x:x + 5] = shown[n, y:y + 6, x:x + 5]
                before, after = bent(np.stack([pictures[n], hidden])).numpy()[:, c]
                assert found[n, row, column] == pytest.approx(before - after, abs=1e-4)


@pytest.mark.equation("6.2")
def test_map_is_the_mean_of_the_patches_over_each_pixel(bent, pictures):
    """Pixel by pixel: collect the drops of all patches that cover it, and average; none is left out.

    (6.2) The occlusion map at a pixel is the mean drop of all patches that cover it.
    """
    drops = np.random.default_rng(0).normal(size=(2, 4, 4))
    expected = np.zeros((2, 16, 12))
    for y in range(16):
        for x in range(12):
            over = [drops[:, i, j] for i, top in enumerate(TOPS) for j, left in enumerate(LEFTS)
                    if top <= y < top + 6 and left <= x < left + 5]
            expected[:, y, x] = np.mean(over, 0)
    close(drops_to_pixels(drops, (16, 12), PATCH, STRIDE), expected, 1e-14)
    found = occlusion_map(bent, pictures, 2, patch=PATCH, stride=STRIDE)
    drops = occlusion_drops(bent, pictures, 2, patch=PATCH, stride=STRIDE)
    close(found, drops_to_pixels(drops, (16, 12), PATCH, STRIDE))
    close(drops_to_pixels(np.full((1, 4, 4), 2.5), (16, 12), PATCH, STRIDE), np.full((1, 16, 12), 2.5), 1e-14)


@pytest.mark.equation("6.3")
@pytest.mark.parametrize("patch, stride", [(PATCH, STRIDE), (5, 5), (1, 1), ((16, 12), 1), (7, 2)])
def test_cost_is_counted(bent, pictures, patch, stride):
    """The pictures that really go through the network, an image: (ceil((H-a)/s)+1)(ceil((W-b)/t)+1) + 1.

    (6.3) The passes through the network: one for each place of the patch, and one for the picture.
    """
    (a, b), (s, t) = np.broadcast_to(patch, 2), np.broadcast_to(stride, 2)
    wanted = (ceil((16 - a) / s) + 1) * (ceil((12 - b) / t) + 1) + 1
    assert passes((16, 12), patch, stride) == wanted
    look = Counted(bent)
    drops = occlusion_drops(look, pictures, patch=patch, stride=stride)
    assert sum(look.seen) == 5 * wanted and drops[0].size == wanted - 1
    assert max(look.seen) <= 32 and len(look.seen) == 1 + ceil((wanted - 1) / 6)  # 6 places of 5 images fill a batch


@pytest.mark.equation("6.4")
@pytest.mark.parametrize("fill", [0, 0.7, (0.2, 0.5, 0.9), "image", "mean", "blur"])
def test_linear_drop_is_the_box_filtered_contribution(linear, pictures, fill):
    """For a linear model the drops at stride 1 are OpenCV's box filter of u (I - f), whatever the fill.

    (6.4) For a linear model a drop is the sum, over the patch, of the weights times what differs from the fill.
    """
    model, u = linear
    fill = np.random.default_rng(5).random((16, 12, 3)) if fill == "image" else fill
    drops = occlusion_drops(model, pictures, 2, patch=(5, 3), stride=1, fill=fill)
    contributions = (u[..., 2] * (pictures - fill_pictures(pictures, fill, (5, 3)).astype(float))).sum(3)
    for found, one in zip(drops, contributions, strict=True):
        box = cv2.boxFilter(one, -1, (3, 5), normalize=False)  # (width, height), centred
        close(found, box[2:-2, 1:-1])


@pytest.mark.equation("6.5")
def test_tiles_of_a_linear_model_add_up(linear, bent, pictures):
    """Patches that tile the image: drops add up to S(I) - S(f) if the model is linear, and not if it is bent.

    (6.5) For a linear model the drops of patches that tile the picture add up to the whole difference.
    """
    for model, adds_up in ((linear[0], True), (bent, False)):
        tiles = occlusion_drops(model, pictures, 1, patch=(4, 3), stride=(4, 3), fill=0.5).sum((1, 2))
        nothing_left = (model(pictures) - model(np.full_like(pictures, 0.5))).numpy()[:, 1]
        assert np.allclose(tiles, nothing_left, atol=1e-4) == adds_up
        whole = occlusion_drops(model, pictures, 1, patch=(16, 12), stride=1, fill=0.5)
        close(whole[:, 0, 0], nothing_left)  # one patch over everything: any model


@pytest.mark.equation("6.6")
def test_probability_mixes_own_fall_and_rivals(bent, pictures):
    """The log-odds fall by the class's own drop, less the drop of the rivals' log-sum-exp; p follows the log-odds.

    (6.6) The log-odds of a class are its logit less the log-sum-exp of its rivals.
    """
    classes = np.arange(5) % 4
    options = dict(patch=PATCH, stride=STRIDE)

    def rivals(logits):
        others = np.where(np.arange(4) == classes[:, None], -np.inf, keras.ops.convert_to_numpy(logits))
        return keras.ops.convert_to_tensor(np.log(np.exp(others.astype(float)).sum(1)).astype(np.float32))

    p = np.exp(bent(pictures).numpy().astype(float))
    p = (p / p.sum(1, keepdims=True))[np.arange(5), classes][:, None, None]
    after = p - occlusion_drops(bent, pictures, classes, score="probability", **options)
    log_odds = np.log(p / (1 - p)) - np.log(after / (1 - after))
    close(log_odds, occlusion_drops(bent, pictures, classes, **options)
          - occlusion_drops(bent, pictures, rivals, **options), 1e-3)


@pytest.mark.equation("6.7")
def test_interaction_of_two_patches(linear, bent, pictures):
    """E = D(P and Q) - D(P) - D(Q): OR has D = 0, 0, both 1, AND has 1, 1, both 1; 0 if linear, and not if bent.

    (6.7) The interaction of two patches: the drop of both less the drops of each; 0 for a linear model.
    """
    for kind, alone, together in (("or", 0, 1), ("and", 1, 1)):
        both, model = np.ones((1, 1, 2, 1), np.float32), gate(kind)
        np.testing.assert_array_equal(occlusion_drops(model, both, 1, patch=1, stride=1, fill=0), [[[alone] * 2]])
        np.testing.assert_array_equal(occlusion_drops(model, both, 1, patch=(1, 2), stride=1, fill=0), [[[together]]])
    for model, adds_up in ((linear[0], True), (bent, False)):
        halves = occlusion_drops(model, pictures, 1, patch=(16, 6), stride=6, fill=0)
        whole = occlusion_drops(model, pictures, 1, patch=(16, 12), stride=1, fill=0)
        E = whole[:, 0, 0] - halves.sum((1, 2))
        assert halves.shape == (5, 1, 2) and (np.abs(E).max() <= 1e-5 * np.abs(whole).max()) == adds_up


@pytest.mark.equation("6.8")
def test_gradient_times_difference(linear, bent, pictures):
    """To first order a drop is the sum of G (I - f) over the patch: exactly if linear; if bent, for fills near I.

    (6.8) To first order a drop is the gradient times what differs from the fill, added over the patch.
    """
    for model, fill, holds in ((linear[0], 0 * pictures, True), (bent, 0.997 * pictures, True),
                               (bent, 0 * pictures, False)):
        _, G = Probe(model).image_gradient(pictures, 3)
        terms = (G.astype(float) * (pictures - fill)).sum(3)
        tiles = terms.reshape(5, 4, 4, 4, 3).sum((2, 4))
        drops = occlusion_drops(model, pictures, 3, patch=(4, 3), stride=(4, 3), fill=fill)
        gap = np.abs(drops - tiles).max() / np.abs(tiles).max()
        assert (gap <= (1e-5 if model is linear[0] else 0.03)) == holds, gap


# -- laws --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length, patch, stride, expected", [
    (10, 4, 3, [0, 3, 6]), (10, 4, 4, [0, 4, 6]), (10, 10, 1, [0]), (11, 4, 3, [0, 3, 6, 7]), (3, 1, 1, [0, 1, 2])])
def test_places_reach_the_border(length, patch, stride, expected):
    """The last patch is flush with the border, and no pixel is skipped."""
    assert places(length, patch, stride).tolist() == expected


@pytest.mark.parametrize("fill", ["mean", "blur", 0.3])
def test_turned_picture_turned_map(randomized, fill):
    """Rows for columns in picture, model and patch: rows for columns in the map."""
    shape, u = (16, 12, 3), np.random.default_rng(0).normal(size=(16, 12, 3, 2))
    pictures = np.random.default_rng(1).random((2, *shape), np.float32)

    def model(u):
        built = keras.Sequential([keras.Input(u.shape[:3]), layers.Identity(), layers.Flatten(), layers.Dense(2),
                                  layers.Activation("tanh"), layers.Dense(2)])
        rng = np.random.default_rng(2)
        built.set_weights([u.reshape(-1, 2) / 9, np.zeros(2), rng.normal(size=(2, 2)), np.zeros(2)])
        return built

    upright = occlusion_map(model(u), pictures, 1, patch=PATCH, stride=STRIDE, fill=fill)
    turned = occlusion_map(model(u.swapaxes(0, 1)), pictures.swapaxes(1, 2), 1, patch=PATCH[::-1],
                           stride=STRIDE[::-1], fill=fill)
    assert upright.shape == (2, 16, 12)
    close(turned.swapaxes(1, 2), upright)


@pytest.mark.parametrize("fill, rescaled", [("mean", "mean"), ("blur", "blur"), (0.5, 0), ((0, 0.5, 1), (-1, 0, 1))])
def test_units_of_the_fill_are_the_models(bent, pictures, fill, rescaled):
    """The same network fed with -1..1: the map is the same if the fill is given in -1..1, too."""
    x = keras.Input((16, 12, 3))
    other = keras.Model(x, bent(layers.Rescaling(0.5, 0.5)(x)))
    maps = occlusion_map(bent, pictures, 0, patch=PATCH, stride=STRIDE, fill=fill)
    close(occlusion_map(other, 2 * pictures - 1, 0, patch=PATCH, stride=STRIDE, fill=rescaled), maps, 1e-4)
    if fill == 0.5:
        wrong = occlusion_map(other, 2 * pictures - 1, 0, patch=PATCH, stride=STRIDE, fill=0.5)
        assert np.abs(wrong - maps).max() > 0.05 * np.abs(maps).max()


def test_fills_are_what_they_say(pictures):
    """Mean: one colour an image, its own. Blur: same mean, less contrast, each image and channel on its own."""
    mean = fill_pictures(pictures, "mean")
    close(mean[:, 3, 4], pictures.astype(float).mean((1, 2)))
    assert mean.shape == pictures.shape and np.ptp(mean, (1, 2)).max() == 0
    blur = fill_pictures(pictures, "blur", (6, 4))
    vertical = cv2.getGaussianKernel(25, 3)  # half of 6; then half of 4
    spot = np.zeros((1, 41, 31, 1), np.float32)
    spot[0, 20, 15] = 1
    close(fill_pictures(spot, "blur", (6, 4))[0, 8:33, 7:24, 0], vertical @ cv2.getGaussianKernel(17, 2).T, 1e-3)
    assert blur.std((1, 2)).max() < 0.5 * pictures.std((1, 2)).min()
    close(fill_pictures(pictures[1:2, :, :, 1:2], "blur", (6, 4)), blur[1:2, :, :, 1:2])
    images = pictures[::-1]
    np.testing.assert_array_equal(fill_pictures(pictures, images), images)
    np.testing.assert_array_equal(fill_pictures(pictures, pictures[2])[4], pictures[2])


def test_filling_with_itself_hides_nothing(bent, pictures):
    """A patch that shows the image itself drops nothing; and the images given are left as they were."""
    before = pictures.copy()
    assert np.abs(occlusion_map(bent, pictures, patch=4, stride=3, fill=pictures)).max() <= 1e-5
    np.testing.assert_array_equal(pictures, before)


def test_one_by_one_or_together(bent, pictures):
    """Neither the batch nor its size changes a map; a Probe's batch size is the most pictures held at once."""
    together = occlusion_map(bent, pictures, patch=PATCH, stride=STRIDE)
    alone = [occlusion_map(bent, pictures[[n]], patch=PATCH, stride=STRIDE)[0] for n in range(5)]
    close(together, alone)
    for size in (1, 7, 64):
        look = Counted(bent, batch_size=size)
        close(occlusion_map(look, pictures, patch=PATCH, stride=STRIDE), together)
        assert max(look.seen) <= max(size, 5)


def test_targets(bent, pictures):
    """None is each image's own top class as it was *before* hiding; a function sees the images in their order."""
    options = dict(patch=PATCH, stride=STRIDE)
    classes = bent(pictures).numpy().argmax(1)
    assert len(set(classes)) > 1
    close(occlusion_drops(bent, pictures, **options), occlusion_drops(bent, pictures, classes, **options))
    weights = np.arange(5, dtype=np.float32)
    found = occlusion_drops(bent, pictures, lambda S: weights * (S[:, 0] - S[:, 2]), **options)
    first, third = (occlusion_drops(bent, pictures, c, **options) for c in (0, 2))
    close(found, weights[:, None, None] * (first - third))


def test_probabilities_of_each_kind_of_output(small, pictures):
    """Softmax, one sigmoid with its two classes, several sigmoids: as the model's own last layer says."""
    for last, units in (("softmax", 4), ("sigmoid", 1), ("sigmoid", 3)):
        model = small(layers.Flatten(), layers.Dense(units, last))
        drops = occlusion_drops(model, pictures / 4, 0, patch=(16, 12), stride=1, fill=0, score="probability")
        change = (model(pictures / 4) - model(0 * pictures)).numpy()[:, 0]
        assert np.abs(change).max() > 0.005
        close(drops[:, 0, 0], -change if units == 1 else change)
        if units == 1:
            close(occlusion_drops(model, pictures / 4, 1, patch=(16, 12), stride=1, fill=0,
                                  score="probability")[:, 0, 0], change)


def test_a_model_that_was_never_called(pictures):
    """A Sequential model without an input is looked at on its first images."""
    model = keras.Sequential([layers.Conv2D(2, 3), layers.GlobalAveragePooling2D(), layers.Dense(2)])
    assert occlusion_map(model, pictures, 1, patch=6, stride=6).shape == (5, 16, 12)


def test_channels_first(pictures):
    """A model that takes (N, C, H, W) gets its patches in rows and columns, not in channels."""
    x = keras.Input((3, 16, 12))
    y = layers.GlobalAveragePooling2D(data_format="channels_first")(
        layers.UpSampling2D(1, data_format="channels_first")(x))
    model = keras.Model(x, layers.Dense(2, kernel_initializer="ones")(y))
    found = occlusion_drops(model, np.moveaxis(pictures, 3, 1), 1, patch=(4, 3), stride=(4, 3), fill=0)
    close(found, pictures.sum(3).reshape(5, 4, 4, 4, 3).sum((2, 4)) / 192)
    assert occlusion_map(model, np.moveaxis(pictures, 3, 1), 1, patch=(4, 3), stride=3).shape == (5, 16, 12)


def test_progress_is_shown_on_request(bent, pictures, capsys):
    """Silent unless asked; with ``progress`` a bar on stderr."""
    for progress in (False, True):
        occlusion_map(bent, pictures[:1], patch=8, stride=8, progress=progress)
        assert ("hiding patches" in capsys.readouterr().err) == progress


# -- measured ----------------------------------------------------------------------------------------


def test_points_at_the_object(network):
    """On 40 unseen scenes the peak lies on the object's pixels as often as CAM's, and far more than the centre."""
    images, _, masks, _ = scenes.make(40, seed=2)
    maps = occlusion_map(network, images, patch=16, stride=12)
    cams = resize_map(class_activation_map(network, images), scenes.SIZE)
    hits, by_cam = pointing_game(maps, masks).mean(), pointing_game(cams, masks).mean()
    print(f"peak on the object, 40 unseen scenes: occlusion {hits:.2f}, CAM {by_cam:.2f}, "
          f"centre {masks[:, 48, 48].mean():.2f}")
    assert hits >= 0.75 and hits >= masks[:, 48, 48].mean() + 0.3


# -- what is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong, error, words", [
    (dict(patch=17), ImageError, "does not fit"),
    (dict(patch=(4, 13)), ImageError, "does not fit"),
    (dict(patch=4, stride=5), ImageError, "uncovered"),
    (dict(patch=0), ImageError, "patch: "),
    (dict(patch=2.5), ImageError, "patch: "),
    (dict(stride=(1, 2, 3)), ImageError, "stride: "),
    (dict(stride=0), ImageError, "stride: "),
    (dict(fill="grey"), ImageError, "0.5 for 0..1, 0 for -1..1"),
    (dict(fill=np.zeros((12, 16, 3))), ImageError, r"\(16, 12, 3\)"),
    (dict(fill=np.zeros(4)), ImageError, "a number, or of shape"),
    (dict(fill=np.nan), ImageError, "finite"),
    (dict(fill=None), ImageError, "a fill"),
    (dict(score="softmax"), TargetError, "'logit', 'probability'"),
    (dict(score="probability", target=lambda S: S[:, 0]), TargetError, "score itself"),
    (dict(target=4), TargetError, "out of range"),
    (dict(target=lambda S: S), TargetError, r"one number an image \(5,\), not into \(5, 4\)"),
    (dict(target=lambda S: keras.ops.sum(S)), TargetError, r"one number an image .* not into \(\)"),
    (dict(target=[1, 2]), TargetError, "one an image")])
def test_bad_arguments(bent, pictures, wrong, error, words):
    """Every wrong argument is named, with what to do."""
    for function in (occlusion_drops, occlusion_map):
        with pytest.raises(error, match=words):
            function(bent, pictures, **{"patch": 6, "stride": 2, **wrong})


@pytest.mark.parametrize("images", [np.zeros((16, 12, 3)), np.zeros((1, 12, 16, 3)), [], "picture", None,
                                    np.full((1, 16, 12, 3), np.nan), {"a": np.zeros((1, 16, 12, 3))},
                                    [np.zeros((1, 16, 12, 3)), np.zeros((1, 3))]])
def test_bad_images(bent, images):
    """What is no batch of such pictures is refused with an ImageError."""
    for function in (occlusion_drops, occlusion_map):
        with pytest.raises(ImageError):
            function(bent, images, patch=6, stride=2)


def test_bad_parts(pictures):
    """The parts refuse what does not fit, too."""
    with pytest.raises(MapError, match=r"\(N, 4, 4\), got \(1, 4, 3\)"):
        drops_to_pixels(np.zeros((1, 4, 3)), (16, 12), PATCH, STRIDE)
    with pytest.raises(MapError):
        drops_to_pixels(np.zeros((4, 4)), (16, 12), PATCH, STRIDE)
    with pytest.raises(MapError, match="finite"):
        drops_to_pixels(np.full((1, 4, 4), np.nan), (16, 12), PATCH, STRIDE)
    with pytest.raises(MapError, match="drops"):
        drops_to_pixels("a", (16, 12), PATCH, STRIDE)
    for wrong in (("a", 2, 1), (10, 2.5, 1), (10, 2, None)):
        with pytest.raises(ImageError, match="whole numbers of pixels"):
            places(*wrong)
    for size in (0, None, (16,), "a"):
        with pytest.raises(ImageError, match="size: "):
            passes(size)
    with pytest.raises(ImageError, match="patch: "):
        fill_pictures(pictures, "blur", "a")
    with pytest.raises(CamlibError, match="keras.Model"):
        occlusion_map("a model", pictures)
