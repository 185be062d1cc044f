"""Feature maps: the equations of chapter 3, fields read off and measured, and what channels prefer."""

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

from camlib import normalize_map, scenes
from camlib.convolution import cross_correlation
from camlib.errors import ImageError, LayerError, MapError, TargetError
from camlib.feature_maps import (
    class_share, dead_channels, effective_size, feature_maps, influence, patch, peaks, receptive_field_of,
    top_images, top_patches,
)
from camlib.pooling import max_pool
from camlib.runtime import keras

layers = keras.layers
NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "03_feature_maps.ipynb"
RELUS = ["relu1", "relu2", "relu3", "relu4"]


@pytest.fixture(scope="module")
def drawn():
    """200 scenes that the network was not trained on."""
    return scenes.make(200, seed=2)


@pytest.fixture(scope="module")
def images(drawn):
    """Twelve of them."""
    return drawn.images[:12]


@pytest.fixture(scope="module")
def seen(network, images):
    """The maps of the four ReLU layers, asked in one pass."""
    return feature_maps(network, images, RELUS)


def close(found, expected, tolerance):
    """Assert that two arrays agree within ``tolerance`` times the largest expected value."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def convolved(images, layer, padding="same"):
    """What a Conv2D layer computes, in float64, by the sliding window of chapter 1."""
    kernel, bias = (weights.astype(float) for weights in layer.get_weights())
    return cross_correlation(images.astype(float), kernel, bias, layer.strides[0], padding)


# -- the equations -----------------------------------------------------------------------------------


@pytest.mark.equation("3.1")
def test_maps_are_those_computed_by_hand(network, images, seen):
    """The law: sliding windows, biases, ReLU and max-pooling in NumPy give the maps the probe hands out.

    (3.1) The maps of a layer are the ReLU of a convolution of the maps before.
    """
    A = images
    for number in (1, 2, 3, 4):
        A = np.maximum(convolved(A, network.get_layer(f"conv{number}")), 0)
        print(f"relu{number}: {np.abs(seen[f'relu{number}'] - A).max() / A.max():.1e}")
        close(seen[f"relu{number}"], A, 1e-5)
        A = max_pool(A, 2) if number < 3 else A


@pytest.mark.equation("3.2", "3.3")
def test_normalising_each_map_and_all_together(seen):
    """Each map by its own maximum: every live map reaches 1; by the common one: ratios of maps stay what they were.

    (3.2) Each map is divided by its own maximum.
    (3.3) All maps are divided by the largest value of all, so they can be compared.
    """
    A = seen["relu4"][0]
    own = np.moveaxis(normalize_map(np.moveaxis(A, 2, 0), "relu"), 0, 2)
    close(own.max((0, 1)), A.max((0, 1)) > 0, 1e-6)
    shared = normalize_map(A.reshape(12, -1), "relu").reshape(A.shape)  # all channels side by side: one map
    close(shared * A.max(), A, 1e-6)
    assert shared.max() == 1 and np.median(shared.max((0, 1))) < 0.5
    assert not normalize_map(0 * A[..., 0], "relu").any()


@pytest.mark.equation("3.6")
@pytest.mark.parametrize("layer, margin", [("relu1", 3), ("relu2", 4), ("relu3", 4), ("relu4", 5)])
def test_shifted_image_shifted_maps(network, images, seen, layer, margin):
    """Moving the image by the jump moves every map by one cell, where no field reaches the border or the seam.

    (3.6) A picture shifted by the jump gives maps shifted by one cell, where no field reaches the border.
    """
    jump, inner = receptive_field_of(network, layer)[1], slice(margin, -margin)
    for axis in (1, 2):
        moved = np.roll(feature_maps(network, np.roll(images, jump, axis), layer)[layer], -1, axis)
        close(moved[:, inner, inner], seen[layer][:, inner, inner], 1e-5)
        half = np.roll(images, jump // 2, axis)  # not a whole jump: something else
        assert np.abs(feature_maps(network, half, layer)[layer] - seen[layer])[:, inner, inner].max() > 0.1


@pytest.mark.equation("3.4")
def test_field_of_every_layer(network, images):
    """The course network's fields counted by hand; each, laid on the image, is exactly where the gradient is not 0.

    (3.4) The pixels that a cell sees are those of its receptive field.
    """
    assert [receptive_field_of(network, name) for name in ("conv1", "pool1", "conv2", "pool2", "conv3", "relu4")] == [
        (7, 2, -2), (9, 4, -2), (17, 4, -6), (21, 8, -6), (37, 8, -14), (53, 8, -22)]
    for name, cell in (("relu1", (20, 30)), ("relu2", (11, 12)), ("relu4", (6, 5))):
        size, jump, start = receptive_field_of(network, name)
        found = (influence(network, images, name, cell) > 0).any(0)
        expected = np.zeros((96, 96), bool)
        top, left = (start + i * jump for i in cell)
        expected[top:top + size, left:left + size] = True
        assert (found == expected).all()


@pytest.mark.equation("3.5")
def test_a_patch_gives_its_activation_anywhere(network, images, seen):
    """All that a cell can see, pasted into another image at the same place or one jump on: the same activation.

    (3.5) Two pictures that agree on all that a cell sees give that cell the same activations.
    """
    for name in RELUS:
        size, jump, start = field = receptive_field_of(network, name)
        i = j = seen[name].shape[1] // 2
        cut = patch(images[0], (i, j), field)
        for step in (0, 1):
            other = images[5].copy()
            top, left = start + (i + step) * jump, start + j * jump
            other[top:top + size, left:left + size] = cut
            found = feature_maps(network, other[None], name)[name][0, i + step, j]
            close(found, seen[name][0, i, j], 1e-6)
        other[top, left] += 5  # the corner of the field belongs to it
        assert np.abs(feature_maps(network, other[None], name)[name][0, i + 1, j] - found).max() > 1e-3


@pytest.mark.equation("3.7")
def test_influence_is_the_gradient_and_stays_inside(network, images):
    """Outside the field it is exactly 0; inside it says what a small change of one pixel does.

    (3.7) The influence of a pixel on a cell is the size of the slope, added over the colours.
    """
    k, cell = 7, (6, 6)
    size, jump, start = receptive_field_of(network, "relu4")
    R = influence(network, images, "relu4", cell, k)
    low = start + 6 * jump
    inside = np.s_[:, low:low + size, low:low + size]
    assert R[inside].max() > 0 and np.isclose(R.sum(), R[inside].sum(), rtol=1e-12)
    linear = keras.Sequential([keras.Input((9, 9, 2)), layers.Conv2D(3, 3), layers.Conv2D(4, 3)])
    first, second = (one.get_weights()[0].astype(float) for one in linear.layers)
    row = np.zeros((9, 9, 2))
    for m, n in np.ndindex(3, 3):  # the two kernels, one after the other
        row[2 + m:5 + m, 1 + n:4 + n] += first @ second[m, n, :, 3]
    found = influence(linear, np.ones((2, 9, 9, 2)), linear.layers[1], (2, 1), 3)
    close(found, np.broadcast_to(np.abs(row).sum(-1), (2, 9, 9)), 1e-5)
    every = influence(linear, np.ones((1, 9, 9, 2)), linear.layers[1], (2, 1))
    assert not np.allclose(every[0], found[0]) and ((every > 0) == (found[:1] > 0)).all()


@pytest.mark.equation("3.8")
def test_effective_size_counted_by_hand(network, images):
    """A square around the centre of mass, by counting; the network's is smaller than its field.

    (3.8) The effective field is the smallest square around the centre that holds nine tenths of the influence.
    """
    R = np.zeros((9, 11))
    R[3, 5] = 6
    R[2, 4:7] = R[4, 4:7] = 0.5
    R[1, 5] = R[5, 5] = 0.5
    assert [effective_size(R, share) for share in (0.6, 0.61, 0.9, 0.91, 1)] == [1, 3, 3, 5, 5]
    R[8, 0] = 1e-9
    assert effective_size(R, 1) == 11
    assert effective_size(np.eye(9)[:, ::-1]) == 9 and effective_size(np.eye(5)[[2]]) == 1
    sizes = [effective_size(influence(network, images, name, (i, i)).mean(0), 0.5)
             for name, i in (("relu1", 24), ("relu2", 12), ("relu3", 6), ("relu4", 6))]
    assert sizes == sorted(sizes) and sizes[-1] < 0.6 * 53


@pytest.mark.equation("3.10")
def test_a_channel_dead_on_some_images_changes_nothing_there(network, images, seen):
    """Dead means nowhere above 0; cut out of the network it leaves the logits of these images as they were.

    (3.10) A channel that is nowhere above 0 on some pictures can be cut out, and they get the same logits.
    """
    A = np.zeros((2, 3, 4, 5))
    A[0, ..., 1], A[1, 2, 3, 2], A[0, 0, 0, 4] = -1, 1e-30, 7
    assert dead_channels(A).tolist() == [True, True, False, True, False]
    assert not dead_channels(seen["relu4"]).any()
    silenced = keras.models.clone_model(network)
    silenced.set_weights(network.get_weights())
    kernel, bias = silenced.get_layer("conv2").get_weights()
    bias[[3, 17]] = -100
    silenced.get_layer("conv2").set_weights([kernel, bias])
    assert np.flatnonzero(dead_channels(feature_maps(silenced, images, "relu2")["relu2"])).tolist() == [3, 17]
    before = silenced(images).numpy()
    next_kernel, next_bias = silenced.get_layer("conv3").get_weights()
    next_kernel[:, :, [3, 17]] = 1000  # nobody listens to a dead channel
    silenced.get_layer("conv3").set_weights([next_kernel, next_bias])
    close(silenced(images).numpy(), before, 1e-6)
    assert np.abs(before - network(images).numpy()).max() > 0.1


@pytest.mark.equation("3.9")
def test_class_share_by_counting(network, drawn):
    """Between classes over total, by loops in float64; 1 for a class's own flag, 0 for a constant; the net's grows.

    (3.9) The share of a channel's variance that lies between the classes.
    """
    rng = np.random.default_rng(0)
    A, labels = rng.normal(size=(30, 2, 3, 4)), rng.integers(0, 3, 30)
    A[..., 1], A[..., 2] = 5, labels[:, None, None]
    found, F = class_share(A, labels), A.mean((1, 2))
    for k in (0, 3):
        total = sum((f - F[:, k].mean()) ** 2 for f in F[:, k])
        within = sum((f - F[labels == c, k].mean()) ** 2 for f, c in zip(F[:, k], labels, strict=True))
        assert found[k] == pytest.approx(1 - within / total, rel=1e-12)
    assert found[1] == 0 and found[2] == pytest.approx(1) and class_share(0.1 + 0 * A, labels).tolist() == [0] * 4
    maps = feature_maps(network, drawn.images, RELUS).values()
    shares = [class_share(A, drawn.labels).mean() for A in maps]
    assert shares == sorted(shares) and shares[-1] > 3 * shares[1]


# -- asking for maps ---------------------------------------------------------------------------------


def test_one_layer_several_layers_and_layer_objects(network, images, seen):
    """A name, a Layer or a list of both; the keys are names; the order is the asked one."""
    assert list(feature_maps(network, images[:2], ["relu3", "relu1"])) == ["relu3", "relu1"]
    alone = feature_maps(network, images[:2], network.get_layer("relu2"))
    assert list(alone) == ["relu2"]
    close(alone["relu2"], seen["relu2"][:2], 1e-6)
    assert [A.shape[1:] for A in seen.values()] == [(48, 48, 24), (24, 24, 40), (12, 12, 64), (12, 12, 64)]


@pytest.mark.parametrize("asked, message", [([], "at least one layer"), ("relu9", "Did you mean 'relu"),
                                            ("logits", "no spatial maps"), (7, "a layer is a name"),
                                            ([None, 3.5], "a layer is a name")])
def test_layers_that_have_no_maps(network, images, asked, message):
    """What is no layer with maps is refused, and the nearest names are named."""
    with pytest.raises(LayerError, match=message):
        feature_maps(network, images[:1], asked)


def test_models_that_cannot_be_cut(images):
    """A Sequential that was never called, and a layer inside a nested model: both give their maps."""
    fresh = keras.Sequential([layers.Conv2D(3, 5, activation="relu", name="a"), layers.Conv2D(2, 3, name="b")])
    a, b = feature_maps(fresh, images[:2], ["a", "b"]).values()
    close(a, np.maximum(convolved(images[:2], fresh.layers[0], "valid"), 0), 1e-5)
    outer = keras.Sequential([keras.Input((96, 96, 3)), fresh, layers.GlobalAveragePooling2D(), layers.Dense(2)])
    close(feature_maps(outer, images[:2], f"{fresh.name}/a")[f"{fresh.name}/a"], a, 1e-6)
    assert b.shape == (2, 90, 90, 2)


# -- fields ------------------------------------------------------------------------------------------


CHAINS = {
    "valid": [lambda: layers.Conv2D(2, 3), lambda: layers.AveragePooling2D(2), lambda: layers.Conv2D(2, 3, 2)],
    "same": [lambda: layers.Conv2D(2, 4, 3, "same"), lambda: layers.DepthwiseConv2D(3, padding="same")],
    "even, then odd": [lambda: layers.ZeroPadding2D(((0, 1), (0, 1))), lambda: layers.Conv2D(2, 3, 2, "same"),
                       lambda: layers.Conv2D(2, 3, 2, "same")],
    "dilated": [lambda: layers.Conv2D(2, 3, dilation_rate=2, padding="same"), lambda: layers.MaxPooling2D(3, 2, "same"),
                lambda: layers.Conv2D(2, 2)],
    "padded": [lambda: layers.ZeroPadding2D(((3, 1), (3, 1))), lambda: layers.Conv2D(3, 5, 2),
               layers.BatchNormalization, lambda: layers.LeakyReLU(0.5), lambda: layers.Dropout(0.5),
               lambda: layers.Activation("tanh"), lambda: layers.Conv2D(2, 3)],
}


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("functional", [False, True])
def test_field_is_where_the_gradient_is(chain, functional):
    """Read off any chain, the field of an inner cell is the set of pixels with a gradient, on 30 random images."""
    stack = [make() for make in CHAINS[chain]]
    if functional:
        x = image = keras.Input((33, 33, 2))
        for layer in stack:
            x = layer(x)
        model = keras.Model(image, x)
    else:
        model = keras.Sequential([keras.Input((33, 33, 2)), *stack])
    last = stack[-1]
    size, jump, start = receptive_field_of(model, last)
    rng = np.random.default_rng(0)
    cell = (model.output_shape[1] // 2, model.output_shape[2] // 2 - 1)
    found = (influence(model, rng.normal(size=(30, 33, 33, 2)), last, cell) > 0).any(0)
    for axis, i in ((1, cell[0]), (0, cell[1])):
        used = np.flatnonzero(found.any(axis))
        assert (used[0], used[-1] + 1) == (start + i * jump, start + i * jump + size)


def build(kind):
    """Networks whose field is not to be read off."""
    image = keras.Input((None, None, 3) if kind == "open" else (20, 16, 3))
    a = layers.Conv2D(4, (3, 5) if kind == "oblong" else 3, padding="same", name="a")(image)
    if kind == "joined":
        a = layers.Add(name="join")([a, layers.Conv2D(4, 5, padding="same")(image)])
    if kind == "operation":
        a = a + 1
    if kind == "unknown":
        a = layers.UpSampling2D(2, name="up")(a)
    if kind == "nested":
        a = keras.Sequential([layers.Conv2D(4, 3, name="in")], name="inner")(a)
    return keras.Model(image, layers.Conv2D(4, 3, name="last")(a))


@pytest.mark.parametrize("kind, layer, message", [
    ("joined", "last", "no plain chain .*measure instead"), ("operation", "last", "no plain chain"),
    ("unknown", "last", "'up' is a UpSampling2D, which this formula does not know: measure"),
    ("nested", "last", "'inner' is a Sequential"), ("nested", "inner/in", "no plain chain"),
    ("open", "last", "give it an Input with a height and a width"),
    ("oblong", "a", r"\(3, 1, -1\), along columns \(5, 1, -2\)"),
    ("plain", "last ", "no layer 'last '"),
])
def test_fields_that_cannot_be_read_off(kind, layer, message):
    """Branches, bare operations, unknown layers, open sizes: refused, with the way to measure instead."""
    with pytest.raises(LayerError, match=message):
        receptive_field_of(build(kind), layer)


@pytest.mark.parametrize("make", [lambda: layers.Rescaling(1 / 255), lambda: layers.Normalization(mean=0, variance=1),
                                  lambda: layers.SpatialDropout2D(0.1)])
def test_layers_that_leave_the_field_alone(make):
    """What works on each cell alone does not change the field."""
    model = keras.Sequential([keras.Input((20, 16, 3)), layers.Conv2D(4, 3), make(), layers.Conv2D(4, 3, name="last")])
    assert receptive_field_of(model, "last") == (5, 1, 0)


def test_two_inputs_are_named():
    """The field belongs to one image; with a second input the error says so, not that a size is open."""
    image, number = keras.Input((20, 16, 3)), keras.Input((2,))
    a = layers.Conv2D(4, 3, name="a")(image)
    z = layers.Concatenate()([layers.GlobalAveragePooling2D()(a), number])
    with pytest.raises(LayerError, match="this model has 2 inputs"):
        receptive_field_of(keras.Model([image, number], layers.Dense(2)(z)), "a")


def test_branches_beside_the_way_do_not_matter():
    """Only the way to the layer counts; and what cannot be read off can be measured."""
    model = build("joined")
    assert receptive_field_of(model, "a") == (3, 1, -1)
    R = influence(model, np.random.default_rng(0).normal(size=(5, 20, 16, 3)), "join", (9, 8))
    rows, columns = np.nonzero((R > 0).any(0))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (7, 11, 6, 10)


class Own(keras.Model):
    """A subclassed network."""

    def __init__(self):
        super().__init__()
        self.first = layers.Conv2D(4, 3, name="first")

    def call(self, x):
        return self.first(x)


def test_a_subclassed_model_is_measured(images):
    """Nothing says in which order such a model calls its layers."""
    model = Own()
    with pytest.raises(LayerError, match="leaves it open"):
        receptive_field_of(model, "first")
    assert (influence(model, images[:2], "first", (4, 5)) > 0).any(0).sum() == 9
    with pytest.raises(LayerError, match="measure instead"):
        receptive_field_of(model, "first")
    functional = keras.Model(image := keras.Input((96, 96, 3)), model(image))
    with pytest.raises(LayerError, match="lies inside another model or layer"):
        receptive_field_of(functional, f"{model.name}/first")


@pytest.mark.parametrize("cell, channel, message", [
    ((48, 0), None, "48 × 48 cells, from 0"), ((0, -1), None, "from 0"), (5, None, "a cell is"),
    ((1.0, 2), None, "cell"),
    ((0, 0, 0), None, "cell"), ((0, 0), 24, "0 to 23, not 24"), ((0, 0), -1, "0 to 23"), ((0, 0), "a", "0 to 23")])
def test_cells_and_channels_that_do_not_exist(network, images, cell, channel, message):
    """A cell or channel beyond the maps is refused, negative ones too."""
    with pytest.raises(MapError, match=message):
        influence(network, images[:1], "relu1", cell, channel)


@pytest.mark.parametrize("R, share", [(np.zeros((3, 3)), 0.9), (-np.ones((3, 3)), 0.9), (np.ones((1, 3, 3)), 0.9),
                                      (np.ones((3, 3)), "a"),
                                      (np.full((2, 2), np.nan), 0.9), (np.ones((3, 3)), 0), (np.ones((3, 3)), 1.1)])
def test_influences_without_an_effective_size(R, share):
    """Nothing, negative values, a batch, NaN, a share outside (0, 1]."""
    with pytest.raises(MapError):
        effective_size(R, share)


# -- what a channel prefers --------------------------------------------------------------------------


def test_peaks_and_top_images():
    """Rows, columns and ranking on maps that are not square, counted by hand; equal maxima keep their order."""
    A = np.zeros((4, 2, 3, 2))
    A[3, :, :, 0] = 4  # the largest mean, but not the strongest cell
    A[0, 1, 2, 0], A[1, 0, 1, 0], A[2, 1, 0, 0], A[3, 0, 2, 0] = 5, 7, 5, 4.5
    A[:, :, :, 1] = -2
    A[2, 1, 1, 1] = -1
    assert peaks(A)[:, 0].tolist() == [[1, 2], [0, 1], [1, 0], [0, 2]]
    assert peaks(A)[:, 1].tolist() == [[0, 0], [0, 0], [1, 1], [0, 0]]
    assert top_images(A, 0, 3).tolist() == [1, 0, 2] and top_images(A, 1, 1).tolist() == [2]
    assert top_images(A.tolist(), 0, 3).tolist() == [1, 0, 2]


def test_top_patches_give_their_activation(network, images, seen):
    """Each patch, alone on grey at its place, gives the activation it was chosen for, if it lies inside the image."""
    A, field = seen["relu2"], receptive_field_of(network, "relu2")
    size, jump, start = field
    inside = 0
    for k in range(0, 40, 5):
        found, cells = top_patches(images, A, k, 3, field)
        assert found.shape == (3, 17, 17, 3) and cells[:, 0].tolist() == top_images(A, k, 3).tolist()
        for cut, (m, i, j) in zip(found, cells, strict=True):
            assert A[m, i, j, k] == A[m, :, :, k].max()
            top, left = start + i * jump, start + j * jump
            if 0 <= min(top, left) and max(top, left) + size <= 96:
                alone = np.full((1, 96, 96, 3), 0.5, np.float32)
                alone[0, top:top + size, left:left + size] = cut
                close(feature_maps(network, alone, "relu2")["relu2"][0, i, j, k], A[m, i, j, k], 1e-6)
                inside += 1
    assert inside >= 10


def test_a_patch_at_the_border_is_padded_with_zeros():
    """Beyond the image there is 0, on each side; an inner patch is a slice."""
    image = np.arange(1, 61, dtype=np.float32).reshape(5, 4, 3)
    assert (patch(image, (1, 1), (3, 1, 0)) == image[1:4, 1:4]).all()
    corner = patch(image, (0, 0), (3, 2, -2))
    assert (corner[2, 2] == image[0, 0]).all() and np.count_nonzero(corner) == 3
    corner = patch(image, (2, 1), (3, 2, 0))
    assert (corner[0, :2] == image[4, 2:4]).all() and np.count_nonzero(corner) == 6
    assert not patch(image, (9, 9), (2, 2, 0)).any() and patch(image, (9, 9), (2, 2, 0)).shape == (2, 2, 3)
    whole = patch(image, (0, 0), (9, 1, -2))
    assert (whole[2:7, 2:6] == image).all() and np.count_nonzero(whole) == 60


@pytest.mark.parametrize("call, error, message", [
    (lambda A, x: top_images(A, 0, 0), MapError, "n is 1 to 2"), (lambda A, x: top_images(A, 0, 3), MapError, "1 to 2"),
    (lambda A, x: top_images(A, 0, 2.5), MapError, "1 to 2, not 2.5"),
    (lambda A, x: top_images(A, 5, 1), MapError, "0 to 2, not 5"),
    (lambda A, x: top_images(A, True, 1), MapError, "0 to 2, not True"),
    (lambda A, x: top_images(0 * A, 1, 1), MapError, "channel 1 is 0 in every cell .* prefers nothing"),
    (lambda A, x: top_patches(x[:1], A, 0, 1, (3, 1, 0)), ImageError, "1 images need their own maps"),
    (lambda A, x: top_patches(x, A, 0, 1, None), MapError, "a field is"),
    (lambda A, x: top_patches(x, A, 0, 1, (3, 1)), MapError, "a field is"),
    (lambda A, x: top_patches(x, A, 0, 1, (3, 0.5, 0)), MapError, "a field is"),
    (lambda A, x: patch(x, (0, 0), (3, 1, 0)), ImageError, "images"),
    (lambda A, x: patch(x[0], (0, 0, 0), (3, 1, 0)), MapError, "a cell is"),
    (lambda A, x: patch(x[0], (0, 0.5), (3, 1, 0)), MapError, "a cell is"),
    (lambda A, x: peaks(A[0]), MapError, r"write A\[None\]"), (lambda A, x: dead_channels(A[0]), MapError, "maps"),
    (lambda A, x: dead_channels(A * np.nan), MapError, "NaN"),
    (lambda A, x: class_share(A, [1]), TargetError, "2 images need as many labels"),
    (lambda A, x: class_share(A, [1, np.nan]), TargetError, "a label is NaN"),
])
def test_what_is_refused(call, error, message):
    """Numbers that no set of maps has, and maps of other images."""
    rng = np.random.default_rng(0)
    with pytest.raises(error, match=message):
        call(rng.random((2, 4, 4, 3)), rng.random((2, 6, 6, 3)))


# -- PyTorch -----------------------------------------------------------------------------------------


def test_the_pytorch_code_of_the_chapter():
    """The block that the notebook prints runs as it stands, and its maps are those of chapter 1's formula."""
    torch = pytest.importorskip("torch")
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    block, = re.findall(r"```python\n(import torch\n.*?)```", text, re.DOTALL)
    names = {}
    exec(compile(block, "03_feature_maps", "exec"), names)
    network, x, maps = names["network"], names["x"], names["maps"]
    assert len(maps) == 2 and not network[0]._forward_hooks and not network[1]._forward_hooks
    A = x.numpy().transpose(0, 2, 3, 1).astype(float)
    kernel, bias = (weights.detach().numpy() for weights in network[0].parameters())
    A = np.maximum(cross_correlation(A, kernel.transpose(2, 3, 1, 0), bias, padding="same"), 0)
    close(maps["edges"], A, 1e-5)
    A = max_pool(A, 2)
    kernel, bias = (weights.detach().numpy() for weights in network[3].parameters())
    A = np.maximum(cross_correlation(A, kernel.transpose(2, 3, 1, 0), bias, padding="same"), 0)
    close(maps["parts"], A, 1e-5)
    assert isinstance(x, torch.Tensor)
