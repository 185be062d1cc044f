"""The layers of a CNN: their formulas, Keras' numbers, the counts, the first network and its log."""

import itertools

import numpy as np
import pytest

from camlib import class_activation_map, grad_cam, pooling, scenes
from camlib.cnn import (
    binary_cross_entropy, confusion_matrix, cross_entropy, dense, first_network, flatten, forward, parameters, relu,
    sigmoid, softmax,
)
from camlib.errors import CamlibError, HeadError, LayerError, TargetError
from camlib.runtime import keras

layers = keras.layers
LARGE = np.array([-1000.0, -80, -30, -1, 0, 1, 30, 80, 1000])


@pytest.fixture(scope="module")
def S():
    """Random logits (6, 4), float64, and labels (6,)."""
    rng = np.random.default_rng(0)
    return rng.normal(0, 3, (6, 4)), rng.integers(0, 4, 6)


def slopes(loss, S, step=1e-5):
    """d loss_n / d S_nc by central differences, (N, C)."""
    found = np.zeros_like(S)
    for c in range(S.shape[1]):
        move = np.zeros_like(S)
        move[:, c] = step
        found[:, c] = (loss(S + move) - loss(S - move)) / (2 * step)
    return found


# -- layers ------------------------------------------------------------------------------------------


@pytest.mark.equation("2.1")
def test_relu():
    """Positive numbers stay, negative ones become zero; the largest of a window may be taken before or after it.

    (2.1) ReLU keeps what is positive and makes the rest 0.
    """
    x = np.random.default_rng(0).normal(size=(2, 4, 6, 3))
    assert relu(np.array([-2.0, -0.0, 0, 3])).tolist() == [0, 0, 0, 3]
    np.testing.assert_array_equal(relu(x), np.where(x > 0, x, 0))
    np.testing.assert_array_equal(relu(pooling.max_pool(x)), pooling.max_pool(relu(x)))
    assert np.abs(relu(pooling.average_pool(x)) - pooling.average_pool(relu(x))).max() > 0.1


def test_flatten_is_keras():
    """Row, column, channel: the order of Keras' Flatten, in which the weights behind it are stored."""
    A = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    np.testing.assert_array_equal(flatten(A), layers.Flatten(dtype="float64")(A))
    assert flatten(A)[1, (2 * 4 + 1) * 5 + 3] == A[1, 2, 1, 3]


@pytest.mark.equation("2.7")
def test_dense_is_the_sum():
    """Each logit is the weighted sum of the features plus its bias.

    (2.7) Each output of a Dense layer is a weighted sum of its inputs, plus a bias.
    """
    rng = np.random.default_rng(0)
    x, W, b = rng.normal(size=(3, 5)), rng.normal(size=(5, 2)), rng.normal(size=2)
    expected = [[sum(x[n, d] * W[d, c] for d in range(5)) + b[c] for c in range(2)] for n in range(3)]
    np.testing.assert_allclose(dense(x, W, b), expected, atol=1e-14)


# -- probabilities and losses ------------------------------------------------------------------------


@pytest.mark.equation("2.9")
def test_sigmoid():
    """The formula in its own range, Keras' values, symmetric, and 0 or 1 far out, without overflow.

    (2.9) The sigmoid brings any number between 0 and 1.
    """
    z = np.linspace(-20, 20, 41)
    np.testing.assert_allclose(sigmoid(z), 1 / (1 + np.exp(-z)), rtol=1e-14)
    np.testing.assert_allclose(sigmoid(z), keras.ops.sigmoid(z), rtol=1e-12)
    np.testing.assert_allclose(sigmoid(LARGE) + sigmoid(-LARGE), 1, rtol=1e-14)
    assert sigmoid(LARGE)[[0, -1]].tolist() == [0, 1]
    assert sigmoid(-80.0) == pytest.approx(np.exp(-80.0), rel=1e-12)  # small, but not lost


@pytest.mark.equation("2.10")
def test_softmax(S):
    """The formula, Keras' values; rows sum to one; one number added to all logits changes nothing; no overflow.

    (2.10) Softmax turns logits into positive numbers that add up to 1; only differences of logits count.
    """
    p = softmax(S[0])
    np.testing.assert_allclose(p, [[np.exp(s) / sum(np.exp(row)) for s in row] for row in S[0]], rtol=1e-13)
    np.testing.assert_allclose(p, keras.ops.softmax(S[0]), rtol=1e-12)
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-14)
    np.testing.assert_allclose(softmax(S[0] + 1e4), p, rtol=1e-9)
    assert softmax([[1e5, 0, -1e5]]).tolist() == [[1, 0, 0]]


@pytest.mark.equation("2.11")
def test_sigmoid_is_a_softmax_of_two():
    """One logit z is the pair (0, z): the sigmoid is its softmax, and the losses are the same.

    (2.11) The sigmoid of a logit is the softmax of two, one of them 0.
    """
    pair = np.stack([np.zeros_like(LARGE), LARGE], 1)
    np.testing.assert_allclose(softmax(pair)[:, 1], sigmoid(LARGE), rtol=1e-14)
    for y in (0, 1):
        y = np.full(len(LARGE), y)
        np.testing.assert_allclose(cross_entropy(pair, y), binary_cross_entropy(LARGE, y), rtol=1e-14)


@pytest.mark.equation("2.12")
def test_cross_entropy(S):
    """Minus the logarithm of the true class's probability; Keras' value; exact where a probability rounds to 0 or 1.

    (2.12) The loss is minus the logarithm of the true class's probability.
    """
    S, y = S
    loss = cross_entropy(S, y)
    np.testing.assert_allclose(loss, [-np.log(row[c]) for row, c in zip(softmax(S), y, strict=True)], rtol=1e-13)
    theirs = keras.ops.sparse_categorical_crossentropy(y, S, from_logits=True)
    np.testing.assert_allclose(loss, theirs, rtol=1e-12)
    assert cross_entropy([[0.0, 1000]], [0]).tolist() == [1000]
    assert cross_entropy(np.array([[0.0, 50]]), [1])[0] == pytest.approx(np.exp(-50.0), rel=1e-10)
    assert cross_entropy(np.zeros((1, 8)), [3])[0] == pytest.approx(np.log(8))  # knows nothing


@pytest.mark.equation("2.13")
def test_binary_cross_entropy():
    """-y log p - (1 - y) log(1 - p); Keras' value; exact far out.

    (2.13) The loss of a yes or no is minus the logarithm of the probability of what is true.
    """
    z = np.linspace(-6, 6, 13)
    p = 1 / (1 + np.exp(-z))
    for y in (0, 1):
        labels = np.full(13, y)
        loss = binary_cross_entropy(z, labels)
        np.testing.assert_allclose(loss, -y * np.log(p) - (1 - y) * np.log(1 - p), rtol=1e-12)
        theirs = keras.ops.binary_crossentropy(labels.astype(float), z, from_logits=True)
        np.testing.assert_allclose(loss, theirs, rtol=1e-12)
    assert binary_cross_entropy([1000.0, -1000], [0, 1]).tolist() == [1000, 1000]
    assert binary_cross_entropy(np.array([50.0]), [1])[0] == pytest.approx(np.exp(-50.0), rel=1e-10)


@pytest.mark.equation("2.14")
def test_gradient_is_probability_less_truth(S):
    """Finite differences of the loss give p - y, for many classes and for one logit.

    (2.14) The slope of the loss along a logit is probability less truth.
    """
    S, y = S
    np.testing.assert_allclose(slopes(lambda s: cross_entropy(s, y), S), softmax(S) - np.eye(4)[y], atol=1e-9)
    z, truth = S[:, :1], y % 2
    found = slopes(lambda s: binary_cross_entropy(s[:, 0], truth), z)
    np.testing.assert_allclose(found[:, 0], sigmoid(z[:, 0]) - truth, atol=1e-9)


@pytest.mark.equation("2.16")
@pytest.mark.parametrize("classes", [2, 3, 8])
def test_softmax_twice_has_a_floor(classes):
    """Probabilities taken for logits keep the loss at log(1 + (C - 1) / e) or more, and the floor is reached.

    (2.16) A network that feeds probabilities to a loss for logits cannot bring it below this floor.
    """
    floor = np.log(1 + (classes - 1) / np.e)
    rng = np.random.default_rng(0)
    y = rng.integers(0, classes, 500)
    S = rng.normal(0, 10, (500, classes))
    assert cross_entropy(softmax(S), y).min() >= floor - 1e-12
    sure = 100 * np.eye(classes)
    np.testing.assert_allclose(cross_entropy(softmax(sure), np.arange(classes)), floor, rtol=1e-12)
    assert cross_entropy(sure, np.arange(classes)).max() < 1e-12  # once is right


# -- counts and the first network --------------------------------------------------------------------


@pytest.mark.equation("2.15")
def test_parameters_are_kerass(network):
    """The formula gives Keras' count for each kind of layer, for the course network, and for both first networks.

    (2.15) Each output channel of a layer has a weight for every number under its window, and a bias.
    """
    for layer, shape, count in ((layers.Conv2D(7, (5, 3)), (9, 9, 4), parameters(4, 7, (5, 3))),
                                (layers.Dense(6), (11,), parameters(11, 6))):
        layer.build((None, *shape))
        assert layer.count_params() == count
    convolutions = parameters(3, 24, (7, 7)), parameters(24, 40, (3, 3)), parameters(40, 64, (3, 3))
    assert sum(convolutions) + parameters(64, 64, (3, 3)) + parameters(64, 8) == network.count_params()
    maps = parameters(3, 32, (3, 3))
    assert first_network().count_params() == maps + parameters(31 * 31 * 32, 128) + parameters(128, 1) == 3_937_409
    assert first_network("gap").count_params() == maps + parameters(32, 1) == 929


def test_first_network_is_the_one_of_the_text():
    """The layers, shapes, activations, loss and optimizer that the text names, for both heads."""
    model = first_network()
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds == ["Conv2D", "MaxPooling2D", "Flatten", "Dense", "Dense"]
    assert [layer.output.shape[1:] for layer in model.layers] == [(62, 62, 32), (31, 31, 32), (30752,), (128,), (1,)]
    assert [layer.activation.__name__ for layer in model.layers if hasattr(layer, "activation")] == [
        "relu", "relu", "sigmoid"]
    assert (model.input_shape, model.loss) == ((None, 64, 64, 3), "binary_crossentropy")
    assert isinstance(model.optimizer, keras.optimizers.Adam)
    assert model.layers[0].kernel_size == (3, 3) and model.layers[1].pool_size == (2, 2)
    assert [type(layer).__name__ for layer in first_network("gap").layers] == [
        "Conv2D", "MaxPooling2D", "GlobalAveragePooling2D", "Dense"]
    assert first_network("gap", size=16).input_shape == (None, 16, 16, 3)


def test_one_sigmoid_output_has_two_classes(pictures, randomized):
    """Plain CAM refuses the flattening head and takes the other; Grad-CAM takes both; the two classes are opposite."""
    images = pictures[:, :12]
    flat, gap = (randomized(first_network(head, size=12)) for head in ("flatten", "gap"))
    with pytest.raises(HeadError, match="Flatten"):
        class_activation_map(flat, images)
    np.testing.assert_allclose(class_activation_map(gap, images, 0), -class_activation_map(gap, images, 1), atol=1e-5)
    for model in (flat, gap):
        for_0, for_1 = (grad_cam(model, images, c, layer="pool") for c in (0, 1))
        np.testing.assert_allclose(for_0, -for_1, rtol=1e-6)
        assert np.abs(for_1).max() > 0


@pytest.mark.parametrize("head", ["flatten", "gap"])
def test_first_network_learns_a_simple_thing(head):
    """Bright against dark pictures: the loss falls by half in a few steps, so that everything is connected."""
    keras.utils.set_random_seed(0)
    y = np.arange(64) % 2
    x = np.random.default_rng(0).random((64, 8, 8, 3), np.float32) * np.where(y, 1, 0.1)[:, None, None, None]
    model = first_network(head, size=8)
    model.optimizer.learning_rate = 0.02
    losses = model.fit(x.astype(np.float32), y, epochs=25, verbose=0).history["loss"]
    assert losses[-1] < losses[0] / 2


# -- the forward pass --------------------------------------------------------------------------------


def test_forward_is_the_course_network(network):
    """NumPy alone gives the logits of the course network, to 1e-5 of the largest; its maps on the way agree, too."""
    images = scenes.make(4, seed=2).images
    found = forward(network, images)
    logits = network.predict(images, verbose=0)
    residual = np.abs(found["logits"] - logits).max() / np.abs(logits).max()
    print(f"NumPy against Keras: {residual:.1e} of the largest logit")
    assert residual <= 1e-5
    assert list(found) == [layer.name for layer in network.layers[1:]]
    for name in ("pool1", "relu4", "gap"):
        expected = keras.Model(network.inputs[0], network.get_layer(name).output).predict(images, verbose=0)
        np.testing.assert_allclose(found[name], expected, rtol=0, atol=1e-5 * expected.max())


@pytest.mark.parametrize("head", [
    [layers.Flatten, lambda: layers.Dense(4, "softmax")],
    [lambda: layers.AveragePooling2D(3, 2, "same"), layers.GlobalAveragePooling2D, lambda: layers.Dense(1, "sigmoid")],
    [lambda: layers.Conv2D(4, 2, use_bias=False, dilation_rate=2), layers.GlobalAveragePooling2D,
     lambda: layers.Dense(3, "relu", use_bias=False)],
])
def test_forward_is_keras_for_other_chains(small, pictures, head):
    """Activations, paddings, dilation and missing biases come out as Keras computes them."""
    model = small(*(make() for make in head))
    *_, last = forward(model, pictures).values()
    expected = model.predict(pictures, verbose=0)
    np.testing.assert_allclose(last, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("layer, message", [
    (lambda: layers.BatchNormalization(), "is a BatchNormalization: this forward pass knows Conv2D"),
    (lambda: layers.Conv2D(4, 1, activation="tanh"), "has the activation 'tanh': this forward pass knows linear, relu"),
    (lambda: layers.MaxPooling2D((2, 1)), r"treats rows and columns differently, \(2, 1\)"),
    (lambda: layers.Conv2D(5, 1, groups=5), "works in 5 groups"),
    (lambda: layers.ReLU(negative_slope=0.1), "only max"), (lambda: layers.ReLU(max_value=6), "only max"),
    (lambda: layers.ReLU(threshold=1), "only max"),
])
def test_forward_refuses_what_it_does_not_know(small, pictures, layer, message):
    """No layer is guessed."""
    with pytest.raises(LayerError, match=message):
        forward(small(layer()), pictures)


def branches(kind):
    """Networks that only look like a chain in the order of their layers."""
    image = keras.Input((16, 12, 3))
    a = layers.Conv2D(3, 3, padding="same", name="a")(image)
    if kind == "two branches":
        return keras.Model(image, [a, layers.Conv2D(3, 3, name="b")(image)])
    x = {"operation": lambda: keras.ops.relu(a), "skip": lambda: a + image}[kind]()
    return keras.Model(image, layers.GlobalAveragePooling2D(name="b")(x))


@pytest.mark.parametrize("kind", ["operation", "skip", "two branches"])
def test_forward_refuses_what_is_no_chain(pictures, kind):
    """A bare operation, a skip connection or a second branch: refused, not left out."""
    with pytest.raises(LayerError, match="'b' does not follow the layer before it"):
        forward(branches(kind), pictures)


def test_forward_needs_the_order_of_the_layers(pictures):
    """A subclassed model does not say in which order it calls its layers; what is no model has none."""
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.late, self.early = layers.ReLU(), layers.Conv2D(2, 3)

        def call(self, x):
            return self.late(self.early(x))

    model = Own()
    model(pictures)
    for wrong in (model, 3):
        with pytest.raises(LayerError, match="Sequential or Functional"):
            forward(wrong, pictures)


def test_forward_of_layers_added_one_by_one(pictures):
    """A Sequential model is a chain however it was built, also after its layers were shown other tensors."""
    model = keras.Sequential([keras.Input((16, 12, 3))])
    for layer in (layers.Conv2D(4, 3), layers.ReLU(), layers.GlobalAveragePooling2D()):
        model.add(layer)
    *_, last = forward(model, pictures).values()
    np.testing.assert_allclose(last, model.predict(pictures, verbose=0), rtol=0, atol=1e-5)


# -- confusion and log -------------------------------------------------------------------------------


def test_confusion_matrix():
    """Rows are the truth: counted one by one, sums are the classes' numbers, the trace is the right answers."""
    rng = np.random.default_rng(0)
    y, a = rng.integers(0, 4, (2, 50))
    matrix = confusion_matrix(y, a, 5)
    for i, j in itertools.product(range(5), repeat=2):
        assert matrix[i, j] == sum(1 for n in range(50) if y[n] == i and a[n] == j)
    assert matrix.trace() == (y == a).sum() and matrix.sum(1).tolist() == np.bincount(y, minlength=5).tolist()
    assert confusion_matrix([0, 0], [1, 1], 2).tolist() == [[0, 2], [0, 0]]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras' own callback
def test_tensorboard_reads_the_log(tmp_path):
    """TensorBoard's own reader finds every epoch's loss and accuracy in the callback's log, as Keras remembers them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorflow import make_ndarray

    keras.utils.set_random_seed(0)
    x, y = np.random.default_rng(0).random((8, 8, 8, 3), np.float32), np.arange(8) % 2
    callback = keras.callbacks.TensorBoard(tmp_path, write_graph=False)
    history = first_network(size=8).fit(x, y, epochs=2, validation_data=(x, 1 - y), verbose=0,
                                        callbacks=[callback]).history
    for run, prefix in (("train", ""), ("validation", "val_")):
        reader = EventAccumulator(str(tmp_path / run), size_guidance={"tensors": 0})
        reader.Reload()
        for name in ("loss", "accuracy"):
            read = [make_ndarray(event.tensor_proto).item() for event in reader.Tensors(f"epoch_{name}")]
            np.testing.assert_allclose(read, history[prefix + name], rtol=1e-6)


# -- bad input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("error, call, message", [
    (CamlibError, lambda: relu([1, np.nan]), "finite"),
    (CamlibError, lambda: flatten(["a"]), "of numbers"),
    (CamlibError, lambda: dense(np.ones((2, 3)), np.ones((4, 2)), np.ones(2)), r"got \(2, 3\), \(4, 2\) and \(2,\)"),
    (CamlibError, lambda: dense(np.ones((2, 3)), np.ones((3, 2)), np.ones(3)), "flatten or pool the maps first"),
    (CamlibError, lambda: dense(np.ones((2, 2, 3)), np.ones((3, 2)), np.ones(2)), "flatten or pool"),
    (CamlibError, lambda: sigmoid(np.inf), "finite"),
    (CamlibError, lambda: softmax([]), "numbers"),
    (CamlibError, lambda: cross_entropy([1.0, 2], [0]), "take binary_cross_entropy"),
    (CamlibError, lambda: binary_cross_entropy([[1.0]], [0]), r"write z\[:, 0\]"),
    (TargetError, lambda: cross_entropy([[1.0, 2]], [2]), "1 labels, whole numbers from 0 to 1"),
    (TargetError, lambda: cross_entropy([[1.0, 2]], [-1]), "from 0 to 1"),
    (TargetError, lambda: cross_entropy([[1.0, 2]], [0.0]), "whole numbers"),
    (TargetError, lambda: cross_entropy([[1.0, 2]], [0, 1]), r"shape \(2,\)"),
    (TargetError, lambda: binary_cross_entropy([1.0], [2]), "from 0 to 1"),
    (TargetError, lambda: confusion_matrix([0, 1], [0], 2), "2 labels"),
    (TargetError, lambda: confusion_matrix([0, 3], [0, 1], 3), "from 0 to 2"),
    (CamlibError, lambda: confusion_matrix([0, 1], [0, 1], "a"), "classes is a whole number"),
    (CamlibError, lambda: confusion_matrix([0, 1], [0, 1], 2.5), "classes is a whole number"),
    (CamlibError, lambda: parameters(3, 0), "whole numbers from 1, not 3, 0"),
    (CamlibError, lambda: parameters(3, 4, 3), r"not 3, 4 and 3"),
    (CamlibError, lambda: parameters(2.5, 4), "whole numbers"),
    (CamlibError, lambda: first_network("gab"), "no head 'gab'. Did you mean 'gap'"),
])
def test_bad_input(error, call, message):
    """Each function says what is wrong and what to do."""
    with pytest.raises(error, match=message):
        call()
