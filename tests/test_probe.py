"""The probe: it sees what an ordinary sub-model sees, in every kind of model, and leaves no trace."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tensorflow as tf

from camlib import Probe, class_activation_map, grad_cam
from camlib.errors import CamlibError, HeadError, ImageError, LayerError, MapError, TargetError, WeightsError
from camlib.probe import probe
from camlib.runtime import keras

layers = keras.layers


def parts(model, layer="maps"):
    """The independent way: an ordinary Keras sub-model from the images to the maps and the output."""
    return keras.Model(model.inputs[0], [model.get_layer(layer).output, model.outputs[0]])


def curved(small):
    """A little network whose head is anything but linear."""
    double = dict(dtype="float64")
    return small(layers.Conv2D(4, 3, activation="tanh", **double), layers.Flatten(**double),
                 layers.Dense(6, activation="tanh", **double), layers.Dense(4, **double), **double)


@pytest.fixture(scope="module")
def model(small):
    """Maps (N, 8, 6, 5), average, 4 logits."""
    return small(layers.GlobalAveragePooling2D(), layers.Dense(4))


# -- what it sees ------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", [None, "relu4", "conv2"])
def test_maps_and_logits_are_the_models_own(network, unseen, layer):
    """Maps and logits are those of an ordinary sub-model; without a name the last maps are taken."""
    images = unseen.images[:4]
    A, logits = Probe(network, layer).forward(images)
    expected, scores = parts(network, layer or "relu4")(images)
    np.testing.assert_allclose(A, expected, rtol=0, atol=1e-6 * np.abs(expected).max())
    np.testing.assert_allclose(logits, scores, rtol=0, atol=1e-6 * np.abs(scores).max())


def test_gradient_is_the_slope(small, pictures):
    """G is the slope of the logit: central finite differences at every cell and channel of a curved head agree."""
    look = Probe(curved(small), "maps")
    A, _, G = look.gradient(pictures[:1], 2)
    steps = 1e-3 * np.eye(A.size).reshape(-1, *A.shape[1:])
    above, below = ((A + sign * steps).astype(np.float32) for sign in (1, -1))
    image = np.repeat(pictures[:1], len(steps), 0)
    rise = (look.logits_from(image, above) - look.logits_from(image, below))[:, 2]
    run = (above.astype(float) - below).reshape(len(steps), -1).sum(1)
    np.testing.assert_allclose(G[0].ravel(), rise / run, rtol=0, atol=2e-6 * np.abs(G).max())


def test_gradient_is_the_tapes(small, pictures):
    """G is what an ordinary GradientTape finds on a model cut in two."""
    whole = curved(small)
    maps = parts(whole)(pictures)[0]
    with tf.GradientTape() as tape:
        tape.watch(maps)
        x = maps
        for layer in whole.layers[1:]:
            x = layer(x)
        score = tf.reduce_sum(x[:, 3])
    A, logits, G = Probe(whole, "maps").gradient(pictures, 3)
    np.testing.assert_allclose(A, maps, rtol=1e-6)
    np.testing.assert_allclose(logits, x, rtol=1e-6)
    np.testing.assert_allclose(G, tape.gradient(score, maps), rtol=0, atol=1e-7 * np.abs(G).max())


def test_replaced_maps_reach_the_logits(model, pictures):
    """Its own maps put back give its own logits; the maps of other images give the logits of those."""
    look = Probe(model)
    A, logits = look.forward(pictures)
    np.testing.assert_allclose(look.logits_from(pictures, A), logits, rtol=1e-6)
    np.testing.assert_allclose(look.logits_from(pictures, A[::-1]), logits[::-1], rtol=1e-6)


def test_batches_change_nothing(model, pictures):
    """Five images two at a time, all at once, or each alone: the same maps, logits and gradients."""
    together = Probe(model).gradient(pictures, [0, 1, 2, 3, 0])
    by_two = Probe(model, batch_size=2).gradient(pictures, [0, 1, 2, 3, 0])
    look = Probe(model)
    alone = [np.concatenate(a) for a in zip(*(look.gradient(pictures[[i]], i % 4) for i in range(5)), strict=True)]
    for expected, two, one in zip(together, by_two, alone, strict=True):
        np.testing.assert_allclose(two, expected, rtol=0, atol=1e-6 * np.abs(expected).max())
        np.testing.assert_allclose(one, expected, rtol=0, atol=1e-6 * np.abs(expected).max())


# -- softmax and sigmoid come off --------------------------------------------------------------------


@pytest.mark.parametrize("last", [
    lambda: [layers.Dense(4, activation="softmax")],
    lambda: [layers.Dense(4), layers.Softmax()],
    lambda: [layers.Dense(4), layers.Activation("softmax")],
    lambda: [layers.Dense(4, activation=layers.Softmax())],
    lambda: [layers.Dense(4, activation="sigmoid")],
    lambda: [layers.Dense(4), layers.Activation("sigmoid")],
], ids=["softmax", "Softmax layer", "softmax layer", "Softmax inside", "sigmoid", "sigmoid layer"])
def test_logits_come_before_the_probabilities(small, model, pictures, last):
    """However softmax or sigmoid is written, maps, logits and gradients are those of the network without it."""
    squashed = small(layers.GlobalAveragePooling2D(), *last())
    assert np.abs(squashed(pictures).numpy() - model(pictures).numpy()).max() > 0.1
    for found, expected in zip(Probe(squashed).gradient(pictures), Probe(model).gradient(pictures), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * np.abs(expected).max())


# -- targets -----------------------------------------------------------------------------------------


def test_targets(model, pictures):
    """A class, a list, NumPy integers, None and a function of the logits all pick the slope they name."""
    look = Probe(model)
    _, logits, every = look.gradient(pictures, [0, 1, 2, 3, 1])
    top = logits.argmax(1)
    for target, classes in [(2, [2] * 5), (np.int64(2), [2] * 5), (np.array(2), [2] * 5), (None, top), (list(top), top),
                            (np.array([3, 1, 0, 2, 2], np.uint8), [3, 1, 0, 2, 2]), (range(4, -1, -1), None)]:
        if classes is None:
            with pytest.raises(TargetError, match="class 4 is out of range"):
                look.gradient(pictures, target)
            continue
        G = look.gradient(pictures, target)[2]
        one_by_one = [look.gradient(pictures[[i]], int(c))[2][0] for i, c in enumerate(classes)]
        np.testing.assert_allclose(G, one_by_one, rtol=1e-6)
    one, zero = (look.gradient(pictures, c)[2] for c in (1, 0))
    for a in (2, 3):
        by_function = look.gradient(pictures, lambda logits, a=a: a * logits[:, 1] - logits[:, 0])[2]
        np.testing.assert_allclose(by_function, a * one - zero, rtol=1e-5)
    np.testing.assert_allclose(every[4], one[4], rtol=1e-6)


@pytest.mark.parametrize("target, message", [
    (4, "class 4 is out of range: this network has 4 classes, 0 to 3"),
    (-1, "class -1 is out of range"),
    ([0, 1, 2, 3, 4], "class 4 is out of range"),
    (1.0, "a target is one class index, 5 of them"),
    (True, "a target is one class index"),
    ("cat", "a target is one class index"),
    ([0, 1], r"5 of them .*got \[0, 1\]"),
    ([[0]] * 5, "5 of them"),
    (lambda logits: logits, r"turns logits \(N, 4\) into one number an image"),
    (lambda logits: 3.0, "one number an image"),
])
def test_impossible_targets(model, pictures, target, message):
    """What is no class of this network is refused, and the message says what a target can be."""
    with pytest.raises(TargetError, match=message):
        Probe(model).gradient(pictures, target)


# -- every kind of model -----------------------------------------------------------------------------


class Subclassed(keras.Model):
    """A network whose forward pass is a method."""

    def __init__(self):
        super().__init__()
        self.maps = layers.Conv2D(5, 3, 2, "same", activation="relu", name="maps")
        self.gap, self.scores = layers.GlobalAveragePooling2D(), layers.Dense(4, activation="softmax")

    def call(self, x):
        return self.scores(self.gap(self.maps(x)))


def nested(small):
    """Transfer learning: a model as the first layer of another."""
    base = keras.Sequential([keras.Input((16, 12, 3)), layers.Conv2D(5, 3, 2, "same", activation="relu", name="maps")],
                            name="base")
    image = keras.Input((16, 12, 3))
    x = layers.GlobalAveragePooling2D()(base(image))
    return keras.Model(image, layers.Dense(4)(x))


def never_called(small):
    """A Sequential that does not know its input's shape yet."""
    return keras.Sequential([layers.Conv2D(5, 3, 2, "same", activation="relu", name="maps"),
                             layers.GlobalAveragePooling2D(), layers.Dense(4)])


def any_size(small):
    """A network for images of any height and width."""
    return keras.Sequential([keras.Input((None, None, 3)),
                             layers.Conv2D(5, 3, 2, "same", activation="relu", name="maps"),
                             layers.GlobalAveragePooling2D(), layers.Dense(4)])


@pytest.mark.parametrize("make, layer", [
    (nested, None), (nested, "base/maps"), (nested, "maps"), (nested, "base"), (never_called, None),
    (never_called, "maps"), (any_size, None), (lambda small: Subclassed(), None), (lambda small: Subclassed(), "maps"),
], ids=["nested", "path", "inner name", "the inner model", "never called", "never called by name", "any size",
        "subclassed", "subclassed by name"])
def test_every_kind_of_model(small, model, pictures, make, layer):
    """Nested, subclassed or never called: with equal weights the same maps, logits, gradients and head."""
    other = make(small)
    look = Probe(other, layer)
    look.forward(pictures)  # it may have had no weights before
    other.set_weights(model.get_weights())
    for found, expected in zip(look.gradient(pictures, 1), Probe(model).gradient(pictures, 1), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * np.abs(expected).max())
    for found, expected in zip(look.head(), Probe(model).head(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_layer_object_is_a_name(model, pictures):
    """A Layer may be given instead of its name."""
    np.testing.assert_array_equal(Probe(model, model.get_layer("maps")).forward(pictures)[0],
                                  Probe(model, "maps").forward(pictures)[0])


def test_inference_mode(small, pictures):
    """Dropout is off and batch normalisation uses its stored figures: twice the same, and the model's own output."""
    noisy = small(layers.BatchNormalization(), layers.Dropout(0.5), layers.GlobalAveragePooling2D(),
                  layers.Dropout(0.5), layers.Dense(4))
    noisy.layers[1].set_weights([np.full(5, v) for v in (1.5, 0.2, 0.3, 2.0)])
    before = noisy.get_weights()
    look = Probe(noisy)
    for _ in range(2):
        np.testing.assert_allclose(look.gradient(pictures)[1], noisy(pictures, training=False), rtol=1e-5)
    for weight, kept in zip(noisy.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, kept)


def test_default_is_the_last_maps_with_cells(small, pictures):
    """None skips maps of a single cell: behind a 1 x 1 output there is nothing to localise."""
    look = Probe(small(layers.MaxPooling2D((8, 6), name="one_cell"), layers.Flatten(), layers.Dense(4)))
    assert look.layer.name == "maps"


# -- it leaves no trace ------------------------------------------------------------------------------

BROKEN_OFF = (ValueError, tf.errors.InvalidArgumentError)


def attributes(model):
    """The attributes of every layer."""
    return [{name: id(value) for name, value in layer.__dict__.items()} for layer in model._flatten_layers()]


def state(model):
    """All that the probe could leave behind: attributes, weights, configuration."""
    return attributes(model), [w.tobytes() for w in model.get_weights()], model.get_config()


@pytest.mark.parametrize("last", [lambda: [layers.Dense(4, activation="softmax")],
                                  lambda: [layers.Dense(4), layers.Activation("softmax")]])
def test_the_model_is_left_as_it_was(small, pictures, last):
    """After a run, and after a run that broke off, the model is what it was: attributes, weights, configuration."""
    whole = small(layers.Dropout(0.5), layers.GlobalAveragePooling2D(), *last())
    whole(pictures)
    before = state(whole)
    look = Probe(whole)
    look.gradient(pictures)
    look.logits_from(pictures, look.forward(pictures)[0])
    assert state(whole) == before
    with pytest.raises(ZeroDivisionError):
        look.gradient(pictures, lambda logits: 1 / 0)
    with pytest.raises(BROKEN_OFF):
        look.forward(pictures[..., :2])  # the first layer breaks off
    with pytest.raises(BROKEN_OFF):
        look.logits_from(pictures, np.zeros((5, 8, 6, 7)))  # a layer behind the maps breaks off
    assert state(whole) == before


class Breaking(Subclassed):
    """A network that breaks off at the end of its forward pass."""

    broken = False

    def call(self, x):
        scores = super().call(x)
        if self.broken:
            raise ArithmeticError("broken off")
        return scores


@pytest.mark.parametrize("looked_at", [False, True])
def test_a_broken_forward_pass_leaves_no_trace(pictures, monkeypatch, looked_at):
    """Nor does a model that fails in its own forward pass, when it is first looked at or later."""
    model = Breaking()
    model(pictures)
    look, before = Probe(model), attributes(model)
    if looked_at:
        look.forward(pictures)
    monkeypatch.setattr(Breaking, "broken", True)
    with pytest.raises(ArithmeticError):
        look.gradient(pictures)
    assert attributes(model) == before


def test_new_weights_count_at_once(small, pictures):
    """Nothing is remembered of the weights: after training goes on, the same probe sees the new ones."""
    whole = small(layers.GlobalAveragePooling2D(), layers.Dense(4))
    look = Probe(whole)
    look.forward(pictures)
    whole.set_weights([w * 0.5 for w in whole.get_weights()])
    np.testing.assert_allclose(look.forward(pictures)[1], whole(pictures), rtol=1e-6)


def test_one_probe_a_model(model):
    """The probe of a model and layer is made once; a Probe may stand for its model."""
    assert probe(model) is probe(model)
    assert probe(model, "maps") is not probe(model)
    look = Probe(model)
    assert probe(look) is look


# -- errors that teach -------------------------------------------------------------------------------


@pytest.mark.parametrize("layer, message", [
    ("relu5", "no layer 'relu5' in this model. Did you mean 'relu[1-4]'"),
    ("xyz", "no layer 'xyz' in this model. The last ones are: .*'gap', 'logits'"),
    (layers.ReLU(name="relu4"), "the layer 'relu4' belongs to another model"),
    ("gap", r"'gap' has no spatial maps \(N, h, w, K\): its output is \(1, 64\)\..*'relu4'"),
    ("logits", r"'logits' has no spatial maps"),
])
def test_wrong_layers(network, layer, message):
    """An unknown layer gets near names; one without maps is told from one that does not exist."""
    with pytest.raises(LayerError, match=message):
        Probe(network, layer)


def test_a_wrong_layer_stays_wrong(small, pictures):
    """A model that is looked at with its first images gives the same error for the second ones."""
    look = Probe(never_called(small), "nowhere")
    for _ in range(2):
        with pytest.raises(LayerError, match="no layer 'nowhere'"):
            look.forward(pictures)


def test_no_maps_at_all():
    """A network of Dense layers has nothing to look at."""
    flat = keras.Sequential([keras.Input((16, 12, 3)), layers.Flatten(), layers.Dense(4)])
    with pytest.raises(LayerError, match="no layer with spatial maps"):
        Probe(flat)


def test_weights_that_are_not_numbers(small, pictures):
    """NaN in a weight is found, and the message names the weight."""
    broken = small(layers.GlobalAveragePooling2D(), layers.Dense(4, name="scores"))
    kernel, bias = broken.get_layer("scores").get_weights()
    kernel[2, 1] = np.nan
    broken.get_layer("scores").set_weights([kernel, bias])
    for call in (Probe(broken).forward, Probe(broken).gradient):
        with pytest.raises(WeightsError, match="scores/kernel' holds NaN or infinity"):
            call(pictures)


def test_numbers_that_overflow(model, pictures):
    """Finite weights and an infinite output: the images are to blame."""
    with pytest.raises(WeightsError, match="although its weights are: check the images' range"):
        Probe(model).forward(np.full_like(pictures, 3e38))


def test_one_image_instead_of_a_batch(model, pictures):
    """The classic slip gets its remedy."""
    with pytest.raises(ImageError, match=r"write images\[None\]"):
        Probe(model).forward(pictures[0])


def test_head_before_the_first_image(small):
    """A model that was never called has no head yet: the message says to show it an image."""
    with pytest.raises(HeadError, match="show it an image first"):
        Probe(never_called(small)).head()


def test_unknown_backend(model, pictures, monkeypatch):
    """On a Keras backend that camlib does not know the message names those it does."""
    monkeypatch.setattr(keras.backend, "backend", lambda: "abacus")
    with pytest.raises(Exception, match="camlib runs on the Keras backend tensorflow.*not on 'abacus'"):
        Probe(model).forward(pictures)


def test_one_stack_of_maps_an_image(model, pictures):
    """Maps for another number of images are refused, not cut or repeated."""
    look = Probe(model)
    with pytest.raises(MapError, match=f"{len(pictures)} images"):
        look.logits_from(pictures, look.forward(pictures)[0][:-1])


def test_a_backend_without_a_compiler_says_so(monkeypatch, model, pictures):
    """Another backend of Keras is a clear error, not a strange one later."""
    monkeypatch.setattr("camlib.backends.COMPILERS", {"another": None})
    with pytest.raises(CamlibError, match="KERAS_BACKEND"):
        Probe(model).forward(pictures)


def test_one_function_two_answers(model, pictures):
    """The same function object, after what it refers to has changed, is not answered from memory."""
    look, chosen = Probe(model), [0]

    def score(logits):
        return logits[:, chosen[0]]

    first = look.gradient(pictures, score)[2]
    chosen[0] = 3
    assert not np.allclose(first, look.gradient(pictures, score)[2])


def test_another_head_is_noticed(pictures):
    """A model whose layers or activations change is looked at again, not answered from memory."""
    model = keras.Sequential([keras.Input(pictures.shape[1:]), layers.Conv2D(5, 3),
                              layers.GlobalAveragePooling2D(), layers.Dense(4)])
    look = Probe(model)
    look.forward(pictures)
    model.pop()
    model.add(layers.Dense(7))
    np.testing.assert_allclose(look.forward(pictures)[1], model(pictures), rtol=1e-5)
    model.layers[-1].activation = keras.activations.tanh
    np.testing.assert_allclose(look.forward(pictures)[1], model(pictures), rtol=1e-5)


@pytest.mark.parametrize("after", [layers.Identity, lambda: layers.Activation("linear"), lambda: layers.Dropout(0.5),
                                   lambda: layers.Reshape((4,))])
def test_softmax_is_found_behind_layers_that_do_nothing(small, pictures, after):
    """A layer behind the softmax that passes its input on does not hide it."""
    model = small(layers.GlobalAveragePooling2D(), layers.Dense(4), layers.Softmax(), after())
    logits = Probe(model).forward(pictures)[1]
    np.testing.assert_allclose(keras.ops.softmax(logits), model(pictures), atol=1e-6)
    assert np.abs(logits.sum(1) - 1).max() > 1e-3


def test_probabilities_are_refused(small, pictures):
    """A softmax that nobody sees cannot be taken off: an error, never a gradient of probabilities."""
    class Hidden(Subclassed):
        def call(self, x):
            return keras.ops.softmax(super().call(x))

    with pytest.raises(HeadError, match="returns probabilities"):
        Probe(Hidden()).gradient(pictures)


@pytest.mark.parametrize("squash", [keras.ops.softmax, keras.ops.sigmoid])
def test_a_bare_softmax_comes_off(small, pictures, squash):
    """In a Functional model a bare softmax is seen, and taken off like a layer."""
    inner = small(layers.GlobalAveragePooling2D(), layers.Dense(4))
    model = keras.Model(inner.inputs[0], squash(inner.outputs[0]))
    for found, expected in zip(Probe(model).gradient(pictures), Probe(inner).gradient(pictures), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(Probe(model).head()[0], Probe(inner).head()[0])


def test_a_sum_of_maps_is_a_layer(pictures):
    """The sum at the end of a residual block is the last maps, not the branch that runs last before it."""
    image = keras.Input((16, 12, 3))
    x = layers.Conv2D(5, 3, 2, "same")(image)
    total = x + layers.Conv2D(5, 3, padding="same", name="branch")(x)
    model = keras.Model(image, layers.Dense(4)(layers.GlobalAveragePooling2D()(total)))
    look, plain = Probe(model), keras.Model(image, [total, model.outputs[0]])
    A, S = look.forward(pictures)
    assert look.path == model.operations[-3].name
    np.testing.assert_allclose(A, plain(pictures)[0], rtol=1e-5)
    M, b = class_activation_map(look, pictures, 1), look.head()[1]
    np.testing.assert_allclose(M.mean((1, 2)) + b[1], S[:, 1], atol=1e-5)


def test_a_probe_stands_for_its_model(network, unseen):
    """Asked for another layer than its own, a probe gives that layer's map."""
    images = unseen.images[:2]
    found = grad_cam(Probe(network), images, 0, "relu2")
    assert found.shape == (2, 24, 24)
    np.testing.assert_array_equal(found, grad_cam(network, images, 0, "relu2"))


def test_a_name_that_two_layers_share():
    """A path finds its own layer; a bare name that fits several is an error that lists them."""
    def block(name):
        return keras.Sequential([keras.Input((12, 12, 3)), layers.Conv2D(3, 3, padding="same", name="conv")], name=name)

    model = keras.Sequential([keras.Input((12, 12, 3)), block("a"), block("b"), layers.GlobalAveragePooling2D()])
    with pytest.raises(LayerError, match="'a/conv' or 'b/conv'"):
        Probe(model, "conv")
    assert Probe(model, "a/conv").layer is model.layers[0].layers[0]


def test_images_of_another_size(network):
    """Images that the network was not built for are refused, whatever was shown to it before."""
    look = Probe(network)
    for _ in range(2):
        with pytest.raises(ImageError, match=r"takes images \(96, 96, 3\), got \(64, 64, 3\)"):
            look.forward(np.zeros((1, 64, 64, 3)))
        look.forward(np.zeros((1, 96, 96, 3)))


@pytest.mark.parametrize("thing", ["model.keras", None, print])
def test_no_model(thing):
    """A path, nothing or a function is no model: the error says what to give."""
    with pytest.raises(CamlibError, match="expected a keras.Model"):
        Probe(thing)


def test_threads_share_a_model(model, pictures):
    """Several threads may look at one model: each gets its own answer, and nothing stays behind."""
    names = [layer.name for layer in model.layers if len(layer.output.shape) == 4]
    alone = [Probe(model, name).gradient(pictures)[2] for name in names]
    before = attributes(model)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda name: Probe(model, name).gradient(pictures)[2], names * 3))
    for found, expected in zip(together, alone * 3, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert attributes(model) == before


def test_probabilities_of_every_ending(small, pictures):
    """However a network ends in a sigmoid or a softmax, the probabilities are its own."""
    pool, out = keras.layers.GlobalAveragePooling2D, keras.layers
    inner = keras.Sequential([keras.Input((5,)), out.Dense(4, "sigmoid")])
    endings = [
        [out.Dense(4, "sigmoid")], [out.Dense(4), out.Activation("sigmoid")], [inner],
        [out.Dense(4, "sigmoid"), out.Dropout(0.5)], [out.Dense(4, "softmax")], [out.Dense(4), out.Softmax()],
        [out.Dense(4), out.Activation("softmax"), out.Identity()],
    ]
    for ending in endings:
        model = small(pool(), *ending)
        look = Probe(model)
        np.testing.assert_allclose(look.probabilities(look.logits(pictures)), model(pictures), atol=1e-6)
    for operation in (keras.ops.sigmoid, keras.ops.softmax):
        plain = small(pool(), out.Dense(4))
        model = keras.Model(plain.inputs[0], operation(plain.outputs[0]))
        look = Probe(model)
        np.testing.assert_allclose(look.probabilities(look.logits(pictures)), model(pictures), atol=1e-6)
    single = small(pool(), out.Dense(1, "sigmoid"))
    p = Probe(single).probabilities(Probe(single).logits(pictures))
    np.testing.assert_allclose(p[:, [1]], single(pictures), atol=1e-6)
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-6)


def test_a_probe_keeps_its_sisters(small, pictures):
    """A probe in place of a model, with another layer, is looked up and not made again."""
    model = small(keras.layers.ReLU(name="later"), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2))
    look = Probe(model, batch_size=3)
    sister = probe(look, "later")
    assert sister is probe(look, "later") and sister.path == "later" and sister.batch_size == 3
    assert probe(look) is look


def test_a_function_of_the_logits_gives_a_number_an_image(small, pictures):
    """What a target function returns is checked, also where nothing is differentiated."""
    look = Probe(small(keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3)))
    logits = look.logits(pictures)
    np.testing.assert_allclose(look.scores(logits, lambda S: S[:, 1]), logits[:, 1])
    for wrong in (lambda S: S, lambda S: keras.ops.sum(S), lambda S: S[:2, 0]):
        with pytest.raises(TargetError, match=r"turns logits \(5, 3\) into one number an image \(5,\)"):
            look.scores(logits, wrong)
