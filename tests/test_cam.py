"""CAM: the equations of chapter 7, the heads it refuses, and how well the maps point at what is there."""

import numpy as np
import pytest

from camlib import Probe, bounding_boxes, class_activation_map, course_network, intersection_over_union, resize_map
from camlib.cam import class_activation_maps, law_residual
from camlib.errors import HeadError, ImageError, TargetError, WeightsError
from camlib.localization import box_accuracy, box_masks, max_box_accuracy, pointing_game
from camlib.runtime import keras

layers = keras.layers
GAP = layers.GlobalAveragePooling2D


@pytest.fixture(scope="module")
def random():
    """Random maps A (2, 3, 4, 5), class weights W (5, 6) and bias b (6,), float64."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(5, 6)), rng.normal(size=6)


@pytest.fixture(scope="module")
def seen(network, unseen):
    """What the course network computes for 100 unseen scenes: A, features F, logits S; its own W and b."""
    F = keras.Model(network.inputs[0], network.get_layer("gap").output)(unseen.images[:100]).numpy()
    A, S = Probe(network).forward(unseen.images[:100])
    return A, F, S, *network.get_layer("logits").get_weights()


def close(found, expected, tolerance):
    """Assert that two arrays agree within ``tolerance`` times the largest expected value."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def loops(A, W):
    """Equation (7.5) for one image, as it is written: a sum over k for each cell and class."""
    h, w, K = A.shape
    M = np.zeros((h, w, W.shape[1]))
    for i in range(h):
        for j in range(w):
            for c in range(W.shape[1]):
                for k in range(K):
                    M[i, j, c] += W[k, c] * A[i, j, k]
    return M


# -- the equations -----------------------------------------------------------------------------------


@pytest.mark.equation("7.1")
def test_feature_is_the_mean_of_its_map(seen):
    """The network's features are its maps summed over the cells and divided by their number.

    (7.1) A feature is the mean of its map.
    """
    A, F, *_ = seen
    close(F, [[sum(A[n, :, :, k].ravel().astype(float)) / 144 for k in range(64)] for n in range(100)], 1e-6)


@pytest.mark.equation("7.2")
def test_logit_is_weighted_features(seen):
    """The network's logits are its features weighted by the class's weights, plus the bias.

    (7.2) A logit is a weighted sum of the features, plus a bias.
    """
    _, F, S, W, b = seen
    close(S, [[sum(W[:, c].astype(float) * features) + b[c] for c in range(8)] for features in F], 1e-6)


@pytest.mark.equation("7.3")
def test_logit_from_the_maps(seen):
    """Averaging each map, then weighting: the logits from maps, weights and bias alone.

    (7.3) So the logit comes from the maps: average each, then weight.
    """
    A, _, S, W, b = seen
    close(S, np.stack([sum(A[:, :, :, k].astype(float).sum((1, 2)) / 144 * W[k, c] for k in range(64)) + b[c]
                       for c in range(8)], 1), 1e-6)


@pytest.mark.equation("7.4")
def test_the_sums_may_be_swapped(random):
    """Weighting in each cell, then averaging, gives the same number: the sums over k and over cells commute.

    (7.4) The sums may be swapped: weight in each cell first, then average.
    """
    A, W, b = random
    for c in range(6):
        cell_by_cell = sum((W[:, c] * A[:, i, j]).sum(1) for i in range(3) for j in range(4)) / 12 + b[c]
        map_by_map = sum(W[k, c] * A[:, :, :, k].sum((1, 2)) / 12 for k in range(5)) + b[c]
        close(cell_by_cell, map_by_map, 1e-14)
        close(class_activation_maps(A, W)[..., c].sum((1, 2)) / 12 + b[c], map_by_map, 1e-14)


@pytest.mark.equation("7.5")
def test_map_is_a_weighted_sum_of_maps(random, network, unseen, seen):
    """CAM is the triple loop, for random numbers in float64 and for the network's own maps of chosen classes.

    (7.5) The class activation map: in each cell, the maps weighted with the weights of the class.
    """
    A, W, _ = random
    close(class_activation_maps(A, W), [loops(a, W) for a in A], 1e-14)
    A, _, S, W, _ = seen
    classes = np.arange(6) % 5
    found = class_activation_map(network, unseen.images[:6], classes)
    close(found, [loops(a, W[:, [c]])[..., 0] for a, c in zip(A[:6].astype(float), classes, strict=True)], 1e-6)
    close(class_activation_map(network, unseen.images[:6], 3), class_activation_maps(A[:6], W)[..., 3], 1e-6)
    close(class_activation_map(network, unseen.images[:6]),
          [class_activation_maps(A[[n]], W)[0, :, :, S[n].argmax()] for n in range(6)], 1e-6)


@pytest.mark.equation("7.6")
def test_mean_of_the_map_plus_bias_is_the_logit(network, unseen, seen):
    """The law: on 100 unseen scenes mean(M_c) + b_c is the logit of every class, to 1e-5 of the largest.

    (7.6) The law: the mean of a class's map plus its bias is its logit.
    """
    A, _, S, W, b = seen
    for c in range(8):
        close(class_activation_map(network, unseen.images[:100], c).mean((1, 2)) + b[c], S[:, c], 1e-5)
    print(f"law residual on 100 unseen scenes: {law_residual(A, W, b, S):.1e}")
    assert law_residual(A, W, b, S) <= 1e-5
    assert law_residual(A[:1], W, b + 0.1 * np.abs(S[0]).max(), S[:1]) == pytest.approx(0.1, rel=1e-4)
    loud = S * np.where(np.arange(len(S)) == 5, 1e6, 1)[:, None]  # a large image must not hide what a small one breaks
    assert law_residual(A, W, b, loud) > 0.9
    assert law_residual(0 * A, W, 0 * b, 0 * S) == 0


@pytest.mark.equation("7.7")
def test_occluding_a_cell_costs_its_share(network, unseen, seen):
    """Zeroing all channels of one cell lowers the logit by M_c / Z, at every cell of a scene.

    (7.7) A cell is worth what the map says: erased, it takes its share from the logit.
    """
    A, _, S, W, _ = seen
    covered = np.repeat(A[:1], 144, 0)
    for n in range(144):
        covered[n, n // 12, n % 12] = 0
    lost = S[:1] - Probe(network).logits_from(np.repeat(unseen.images[:1], 144, 0), covered)
    close(lost.reshape(12, 12, 8), class_activation_maps(A[:1], W)[0] / 144, 1e-4)


@pytest.mark.equation("7.8")
def test_every_cell_has_the_same_slope(network, unseen, seen):
    """The slope of the logit is W_kc / Z in every cell: the probe's gradient, and finite differences of the head.

    (7.8) The logit has the same slope in every cell of a map: the class weight over the number of cells.
    """
    A, _, _, W, _ = seen
    image, look = unseen.images[:1], Probe(network)
    for c in (0, 5):
        G = look.gradient(image, c)[2]
        close(G, np.broadcast_to(W[:, c] / 144, G.shape), 1e-6)
    step = np.zeros((64, 12, 12, 64), np.float32)  # the head is linear: a long step has no error but rounding
    for k in range(64):
        step[k, k % 12, k // 12, k] = 500
    images = np.repeat(image, 64, 0)
    rise = look.logits_from(images, A[:1] + step) - look.logits_from(images, A[:1] - step)
    close(rise / 1000, W / 144, 1e-4)


@pytest.mark.equation("7.9")
def test_upsampling_and_weighting_commute(random):
    """Enlarging the weighted sum, or weighting the enlarged maps: the same picture.

    (7.9) Enlarging the weighted sum of the maps is weighting the enlarged maps.
    """
    A, W, _ = random
    enlarged = np.stack([resize_map(A[..., k], (21, 40)) for k in range(5)], 3)
    for c in range(6):
        close(resize_map(class_activation_maps(A, W)[..., c], (21, 40)), enlarged @ W[:, c], 1e-14)


@pytest.fixture(scope="module")
def twin(network):
    """The course network with one vector v added to the weights of all classes; and v (64,)."""
    copy, v = course_network.build(), np.random.default_rng(0).normal(0, 0.3, 64).astype(np.float32)
    *rest, W, b = network.get_weights()
    copy.set_weights([*rest, W + v[:, None], b])
    return copy, v


@pytest.mark.equation("7.10")
def test_a_common_vector_changes_every_map_alike(network, twin, unseen, seen):
    """With v added to all class weights every class's map changes, by the same amount: the maps weighted by v.

    (7.10) A vector added to the weights of all classes adds the same picture to all their maps.
    """
    (other, v), A = twin, seen[0]
    for c in range(8):
        change = class_activation_map(other, unseen.images[:8], c) - class_activation_map(network, unseen.images[:8], c)
        close(change, A[:8] @ v, 1e-5)
    assert np.abs(change).max() > 1


@pytest.mark.equation("7.11")
def test_a_common_vector_changes_no_probability(network, twin, unseen, seen):
    """All logits rise by the same amount, so no probability changes.

    (7.11) That vector changes no probability.
    """
    (other, v), (_, F, S, *_) = twin, seen
    logits = other(unseen.images[:100]).numpy()
    close(logits - S, np.repeat((F @ v)[:, None], 8, 1), 1e-5)
    assert np.abs(logits - S).max() > 0.1
    softmax = keras.ops.softmax
    np.testing.assert_allclose(softmax(logits), softmax(S), rtol=0, atol=1e-5)


@pytest.mark.equation("7.12")
def test_only_differences_of_maps_are_identified(random, network, twin, unseen):
    """The difference of two classes' maps is the same with and without v, in float64 and on the network.

    (7.12) That vector cancels in the difference of two maps, so differences can be believed.
    """
    A, W, _ = random
    M, shifted = class_activation_maps(A, W), class_activation_maps(A, W + np.arange(5)[:, None])
    close(shifted - shifted[..., :1], M - M[..., :1], 1e-14)
    pairs = [[class_activation_map(model, unseen.images[:8], c) for c in (0, 5)] for model in (network, twin[0])]
    close(pairs[1][1] - pairs[1][0], pairs[0][1] - pairs[0][0], 1e-5)


@pytest.mark.equation("7.13")
def test_box_rule(random):
    """The box holds the cells at or above t times the map's maximum, and no smaller box does.

    (7.13) The box is drawn around the cells at or above a fraction of the map's maximum.
    """
    M = np.array([[0, 1, 2, 0, 0], [0, 4, 10, 5, 0], [-9, 0, 4.99, 5.01, -20], [0, 0, 0, 0, 0]])
    assert bounding_boxes(M, 0.5).tolist() == [[2, 1, 4, 3]]
    assert bounding_boxes(M, 0.4).tolist() == [[1, 1, 4, 3]]
    for c in range(6):
        M = resize_map(class_activation_maps(random[0], random[1])[0, ..., c], (60, 80))
        for t in (0.2, 0.5, 0.9):
            rows, columns = np.nonzero(t * M.max() <= M)
            boxes = bounding_boxes(M, t)
            assert (*boxes[:, :2].min(0), *boxes[:, 2:].max(0)) == (
                columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def test_claims_that_are_not_cam(random):
    """Maps times probability, or times responses and probability, break the law and are one picture for all classes."""
    A, W, b = random
    F = A.mean((1, 2))
    S = F @ W + b
    p = np.exp(S) / np.exp(S).sum(1, keepdims=True)
    told = {"maps": np.einsum("nijk,nc->nijc", A, p), "responses": np.einsum("nijk,nk,nc->nijc", A, F, p),
            "CAM": class_activation_maps(A, W)}
    for claim, maps in told.items():
        alike = np.corrcoef(maps[0].reshape(12, 6).T)
        assert (np.abs(maps.mean((1, 2)) + b - S).max() < 1e-12) == (claim == "CAM")
        assert (alike.min() > 1 - 1e-12) == (claim != "CAM")


def test_cutting_off_loses_the_evidence_against(random):
    """max(M, 0) averages to the logit plus what was cut off: pooling may not change places with a ReLU."""
    A, W, b = random
    M = class_activation_maps(A, W)
    gap = np.maximum(M, 0).mean((1, 2)) + b - (A.mean((1, 2)) @ W + b)
    close(gap, -np.minimum(M, 0).mean((1, 2)), 1e-13)
    assert gap.min() > 0.01


# -- heads -------------------------------------------------------------------------------------------


class Doubled(keras.Model):
    """A network that does more than its layers tell: the features are doubled on their way."""

    def __init__(self):
        super().__init__()
        self.maps, self.gap = layers.Conv2D(5, 3, name="maps"), GAP()
        self.scores = layers.Dense(4, name="scores")

    def call(self, x):
        return self.scores(2 * self.gap(self.maps(x)))


@pytest.mark.parametrize("head, message", [
    ([layers.Flatten, lambda: layers.Dense(4)], r"behind 'maps' this head has Flatten \('.*'\): use grad_cam"),
    ([layers.GlobalMaxPooling2D, lambda: layers.Dense(4)], "this head has GlobalMaxPooling2D .*use grad_cam"),
    ([GAP, lambda: layers.Dense(6, "relu"), lambda: layers.Dense(4)],
     "^CAM needs global average pooling followed by one Dense layer; this head has 2 Dense layers: use grad_cam$"),
    ([GAP, lambda: layers.Dense(6), lambda: layers.Dense(6, "tanh"), lambda: layers.Dense(4)],
     "this head has 3 Dense layers: use grad"),
    ([GAP, layers.Softmax, lambda: layers.Dense(4)], "this head has Softmax and Dense: use grad"),
    ([GAP, layers.LayerNormalization, lambda: layers.Dense(4)], "this head has LayerNormalization and Dense: use grad"),
    ([lambda: layers.AveragePooling2D((8, 3)), layers.Flatten, lambda: layers.Dense(4)],
     r"behind 'average_pooling2d.*' this head has Flatten \('flatten.*'\): use grad_cam"),
    ([GAP, lambda: layers.Dense(4, "relu")], "has a Dense layer, 'dense.*', that is not linear but relu: use grad_cam"),
    ([GAP, lambda: layers.Reshape((5, 1))], "has 5 averages and, without a Dense layer, 1 logits: use grad"),
], ids=["flatten", "max", "two", "three", "softmax", "norm", "part", "relu", "none"])
def test_heads_that_cam_is_not_defined_for(small, pictures, head, message):
    """Other heads are refused, and the message says what the head has and what to use instead."""
    with pytest.raises(HeadError, match=message):
        class_activation_map(small(*(make() for make in head)), pictures)


def test_hidden_arithmetic_is_noticed(small, pictures, randomized):
    """A forward pass that doubles the features between its layers is refused: what is no layer is not guessed."""
    image = keras.Input((16, 12, 3))
    doubled = keras.Model(image, layers.Dense(4, name="scores")(2 * GAP()(layers.Conv2D(5, 3, name="maps")(image))))
    subclassed = Doubled()
    subclassed(pictures)
    for model, message in ((doubled, "this head has Multiply and Dense: use grad_cam"),
                           (subclassed, "between 'maps' and the logits.* calculates something before 'scores': use")):
        with pytest.raises(HeadError, match=message):
            class_activation_map(randomized(model), pictures)


def test_heads_without_layers(pictures):
    """An average that is no layer is not guessed to be one: the head is refused, seen or not."""
    image = keras.Input((16, 12, 3))
    features = keras.ops.mean(layers.Conv2D(4, 3, name="maps")(image), (1, 2))
    for output in (features, layers.Dense(4, name="scores")(features)):
        with pytest.raises(HeadError, match="behind 'maps' this head has Mean .*: use grad_cam"):
            class_activation_map(keras.Model(image, output), pictures)

    class Averaged(keras.Model):
        def __init__(self):
            super().__init__()
            self.maps = layers.Conv2D(4, 3, name="maps")

        def call(self, x):
            return keras.ops.mean(self.maps(x), (1, 2))

    with pytest.raises(HeadError, match="between 'maps' and the logits.*joins or calculates something: use grad_cam"):
        class_activation_map(Averaged(), pictures)


class Doubling(GAP):
    """An average that is twice the average."""

    def call(self, x):
        return 2 * super().call(x)


def test_layers_that_are_not_what_they_are_called(small, pictures):
    """A layer that does more than its class says breaks the law, and is refused by number."""
    with pytest.raises(HeadError, match="does more between its last maps and its logits.*use grad_cam"):
        class_activation_map(small(Doubling(), layers.Dense(4)), pictures)


class Raised(GAP):
    """An average that is one too high."""

    def call(self, x):
        return 1 + super().call(x)


def test_a_loud_image_hides_no_broken_law(small, pictures):
    """The law is checked image by image: what is rounding beside a loud image is none in a quiet one."""
    model = small(Raised(), layers.Dense(4))
    loud = 1e6 * pictures[1:2]
    assert class_activation_map(model, loud).shape == (1, 8, 6)
    with pytest.raises(HeadError, match="does more between its last maps and its logits"):
        class_activation_map(model, np.concatenate([pictures[:1], loud]))


@pytest.mark.parametrize("head", [
    [lambda: layers.Conv2D(4, 1), GAP], [lambda: layers.Conv2D(4, 1), GAP, layers.Softmax],
    [lambda: layers.Conv2D(4, 1), GAP, lambda: layers.Activation("softmax")],
], ids=["logits", "Softmax", "softmax"])
def test_class_maps_are_their_own_cam(small, pictures, head):
    """A 1 x 1 convolution to the classes and an average is the same head, written the other way round."""
    model = small(*(make() for make in head))
    A = Probe(model, "maps").forward(pictures)[0].astype(float)
    kernel, bias = model.layers[1].get_weights()
    for c in range(4):
        close(class_activation_map(model, pictures, c), A @ kernel[0, 0, :, c] + bias[c], 1e-6)


@pytest.mark.parametrize("head", [
    [GAP, lambda: layers.Dense(4, "softmax")],
    [GAP, layers.Flatten, lambda: layers.Dropout(0.5), lambda: layers.Dense(4)],
    [lambda: GAP(keepdims=True), layers.Flatten, lambda: layers.Dense(4), layers.Softmax],
    [GAP, lambda: layers.Dense(4, use_bias=False)], [GAP, lambda: layers.Dense(4, layers.Softmax())],
    [lambda: layers.AveragePooling2D((8, 6)), layers.Flatten, lambda: layers.Dense(4)],
    [lambda: GAP(keepdims=True), lambda: layers.Conv2D(4, 1), layers.Flatten],
    [lambda: GAP(keepdims=True), lambda: layers.Conv2D(4, 1), lambda: layers.Reshape((4,)), layers.Softmax],
    [GAP, layers.BatchNormalization, lambda: layers.Dense(4)],
    [GAP, lambda: layers.Dense(3), layers.BatchNormalization, lambda: layers.Dense(4, "softmax")],
    [GAP, lambda: layers.Dense(4), lambda: layers.BatchNormalization(scale=False, center=False)],
], ids=["softmax", "dropout", "keepdims", "no bias", "inside", "pooling", "convolution", "MobileNet", "norm", "two",
        "norm last"])
def test_heads_written_in_other_ways(small, pictures, head):
    """A head that is linear behind the average, however it is written: the law holds for the logits, and W is exact."""
    model = small(*(make() for make in head))
    look = Probe(model)
    A, S = look.forward(pictures)
    W, b = look.head()
    close(A.mean((1, 2)) @ W + b, S, 1e-5)
    assert W.shape == (5, 4)
    for c in range(4):
        M = class_activation_map(look, pictures, c)
        assert M.shape == (5, 8, 6)
        close(M.mean((1, 2)) + b[c], S[:, c], 1e-5)


@pytest.mark.parametrize("head", [
    [GAP, lambda: layers.Dense(1, "sigmoid")], [GAP, lambda: layers.Dense(1), lambda: layers.Activation("sigmoid")],
    [GAP, lambda: layers.Dense(1)],
], ids=["sigmoid", "sigmoid layer", "logit"])
def test_one_output_two_classes(small, pictures, head):
    """A single logit z: class 1 has the score z and the map M, class 0 the score -z and the map -M."""
    model = small(*(make() for make in head))
    look = Probe(model)
    *weights, b = model.get_weights()
    b -= np.median(look.logits(pictures[:4]))
    model.set_weights([*weights, b])
    S = look.logits(pictures)
    no, yes = (class_activation_map(look, pictures, c) for c in (0, 1))
    close(yes.mean((1, 2)) + b, S[:, 0], 1e-5)
    np.testing.assert_array_equal(no, -yes)
    assert (S > 0).any() and (S < 0).any()
    np.testing.assert_array_equal(class_activation_map(look, pictures), np.where(S[:, :1, None] > 0, yes, no))
    with pytest.raises(TargetError, match="class 2 is out of range: this network has 2 classes"):
        class_activation_map(look, pictures, 2)


def test_a_logit_near_zero(small, pictures):
    """Where mean and bias cancel, rounding is measured against them and not against the little that is left."""
    model = small(keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1))
    M = class_activation_map(model, pictures, 1).mean((1, 2), dtype=np.float64)
    for mean in M:
        *others, _ = model.get_weights()
        model.set_weights([*others, np.array([-mean])])
        logits = Probe(model).logits(pictures)
        assert np.abs(logits).min() < 1e-5 * np.abs(M).min()
        close(class_activation_map(model, pictures, 1).mean((1, 2)) - mean, logits[:, 0], 1e-5)


def test_errors_come_through(small, pictures):
    """NaN in an image or a weight, a function as target and an impossible class: each its own error."""
    model = small(GAP(), layers.Dense(4))
    with pytest.raises(TargetError, match="CAM is defined for a class.*use grad_cam for a function"):
        class_activation_map(model, pictures, lambda logits: logits[:, 0])
    with pytest.raises(TargetError, match="class 4 is out of range"):
        class_activation_map(model, pictures, 4)
    with pytest.raises(ImageError, match="NaN"):
        class_activation_map(model, np.full_like(pictures, np.nan))
    model.set_weights([w * np.nan for w in model.get_weights()])
    with pytest.raises(WeightsError, match="holds NaN"):
        class_activation_map(model, pictures)


# -- what the maps are worth -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def heat(network, unseen):
    """The true class's map of 1000 unseen scenes, at the scenes' size (1000, 96, 96)."""
    return resize_map(class_activation_map(network, unseen.images[:1000], unseen.labels[:1000]), 96)


def test_the_peak_lies_on_the_object(heat, unseen):
    """On 1000 unseen scenes the map's peak is inside the object's box, and mostly on its very pixels."""
    masks, boxes = unseen.masks[:1000], box_masks(unseen.boxes[:1000], (96, 96))
    in_box, in_mask = pointing_game(heat, boxes).mean(), pointing_game(heat, masks).mean()
    print(f"peak in the box {in_box:.3f} (centre point {boxes[:, 48, 48].mean():.3f}), "
          f"on the object {in_mask:.3f} (centre point {masks[:, 48, 48].mean():.3f})")
    assert in_box >= 0.98
    assert in_mask >= 0.88


def test_boxes_from_maps(heat, network, unseen, others):
    """One threshold, chosen on other scenes, gives IoU >= 0.5 for three scenes in four; no centred box comes near."""
    chosen = others.images[:500], others.labels[:500]
    _, threshold = max_box_accuracy(resize_map(class_activation_map(network, *chosen), 96), others.boxes[:500])
    found, papers = (box_accuracy(heat, unseen.boxes[:1000], t) for t in (threshold, 0.2))

    def centred(size, boxes):
        box = np.array([48 - size / 2, 48 - size / 2, 48 + size / 2, 48 + size / 2])
        return (intersection_over_union(box, boxes) >= 0.5).mean()

    size = max(range(10, 97, 2), key=lambda size: centred(size, others.boxes[:500]))
    baseline = centred(size, unseen.boxes[:1000])
    print(f"IoU >= 0.5: {found:.3f} at {threshold:.2f} of the maximum, {papers:.3f} at the paper's 0.20; "
          f"best centred box ({size} pixels) {baseline:.3f}")
    assert found >= 0.75
    assert baseline <= 0.2


def test_each_class_points_at_its_own_object(network, pairs):
    """With two objects in view, the map of either class peaks in the box of its own object."""
    hits = []
    for own in (0, 1):
        maps = resize_map(class_activation_map(network, pairs.images, pairs.labels[:, own]), 96)
        boxes = [box_masks(pairs.boxes[:, which], (96, 96)) for which in (own, 1 - own)]
        hits.append([pointing_game(maps, box).mean() for box in boxes])
    print(f"two objects, peak in the own box: {hits[0][0]:.3f}, {hits[1][0]:.3f}; "
          f"in the other's: {hits[0][1]:.3f}, {hits[1][1]:.3f}")
    assert min(hit[0] for hit in hits) >= 0.97
    assert max(hit[1] for hit in hits) <= 0.03
