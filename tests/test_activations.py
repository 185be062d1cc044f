"""The way back: each form of ReLU by each rule, max-pooling with and without switches, and nothing else changed.

The formulas are written out in NumPy here; that every backend agrees is in ``test_forms``.
"""

import keras
import numpy as np
import pytest

from camlib import Probe
from camlib.errors import ImageError, LayerError, MapError, TargetError
from camlib.probe import maps_of

layers, ops = keras.layers, keras.ops
RELUS = {  # how a ReLU comes about: (what stands behind a linear convolution, its upper end)
    "layer": (layers.ReLU, np.inf),
    "layer up to 6": (lambda: layers.ReLU(max_value=0.5), 0.5),
    "activation layer": (lambda: layers.Activation("relu"), np.inf),
    "operation": (lambda: ops.relu, np.inf),
    "relu6": (lambda: ops.relu6, 6),
}
RULES = {
    "gradient": lambda R, gate: R * gate,
    "deconvnet": lambda R, gate: np.maximum(R, 0),
    "guided": lambda R, gate: np.maximum(R, 0) * gate,
}


@pytest.fixture
def x():
    """Three images (3, 6, 4, 3), negative numbers among them."""
    return np.random.default_rng(0).normal(0, 2, (3, 6, 4, 3)).astype(np.float32)


def pointwise(*behind, options=None):
    """A 1 x 1 convolution "conv" to 4 channels, the layers ``behind`` it, and a head; random weights."""
    out = image = keras.Input((6, 4, 3))
    for layer in (layers.Conv2D(4, 1, name="conv", **(options or {})), *behind):
        out = layer(out)
    model = keras.Model(image, layers.Dense(2)(layers.GlobalAveragePooling2D()(out)))
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(0, 1, w.shape) for w in model.weights])
    return model


def by_formula(model, x, R, rule, top=np.inf):
    """A signal R (N, h, w, 4) through one ReLU by the rule, and through the 1 x 1 convolution."""
    kernel, bias = (np.array(w) for w in model.get_layer("conv").get_weights())
    z = x @ kernel[0, 0] + bias
    return RULES[rule](R, (z > 0) & (z < top)) @ kernel[0, 0].T


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("form", [*RELUS, "activation of a layer"])
def test_the_rule_reaches_every_form_of_relu(x, form, rule):
    """ReLU as a layer, an activation or a bare operation: a signal comes back as the formula says."""
    if form == "activation of a layer":
        model, top = pointwise(options={"activation": "relu"}), np.inf
    else:
        model, top = pointwise(RELUS[form][0]()), RELUS[form][1]
    R = np.random.default_rng(2).normal(size=(3, 6, 4, 4))
    last = model.operations[-3]
    found = Probe(model, last).project(x, R, rule)[1]
    np.testing.assert_allclose(found, by_formula(model, x, R, rule, top), atol=1e-5)


def test_forward_nothing_changes(x):
    """Maps and logits are those of the plain run, whatever the rule; and afterwards slopes are true again."""
    model = pointwise(layers.ReLU(), layers.MaxPooling2D(2))
    look = Probe(model)
    A, S = look.forward(x)
    before = look.image_gradient(x, 1)[1]
    for rule in RULES:
        for switches in (True, False):
            np.testing.assert_allclose(look.project(x, np.ones_like(A), rule, switches)[0], A, atol=1e-6)
            np.testing.assert_allclose(look.image_gradient(x, 1, rule, switches)[0], S, atol=1e-6)
    np.testing.assert_array_equal(Probe(model).image_gradient(x, 1)[1], before)


def test_the_slope_of_a_logit_is_a_difference_quotient(x):
    """Equal weights on a step: the logit rises by slope times step; each image's own class is differentiated."""
    look, classes = Probe(pointwise(options={"activation": "softplus"})), [0, 1, 1]
    step = np.random.default_rng(3).normal(size=x.shape).astype(np.float32)
    S, G = look.image_gradient(x, classes)
    up, down = (look.logits(x + sign * 1e-2 * step)[range(3), classes] for sign in (1, -1))
    np.testing.assert_allclose((up - down) / 2e-2, (G * step).sum((1, 2, 3)), rtol=1e-2, atol=1e-3)
    np.testing.assert_allclose(look.image_gradient(x)[1], look.image_gradient(x, S.argmax(1))[1], atol=1e-7)


def test_a_signal_from_the_maps_is_the_slope_of_the_logit(x):
    """The gradient of the logit at the maps, brought back to the image, is its gradient at the image."""
    look = Probe(pointwise(layers.ReLU(), layers.MaxPooling2D(2)), "conv")
    _, _, G = look.gradient(x, 1)
    np.testing.assert_allclose(look.project(x, G)[1], look.image_gradient(x, 1)[1], atol=1e-6)


def test_a_function_of_the_maps(x):
    """A function in place of a signal is differentiated: of sum(A^2) the signal is 2 A."""
    look = Probe(pointwise(), "conv")
    A, R = look.project(x, lambda A: ops.sum(A**2, (1, 2, 3)))
    np.testing.assert_allclose(R, look.project(x, 2 * A)[1], rtol=1e-5, atol=1e-5)
    with pytest.raises(TargetError, match=r"turns maps \('?N'?, 6, 4, 4\) into one number an image"):
        look.project(x, lambda A: A)


def test_switches(x):
    """With switches a signal goes to the place of each maximum; without, evenly over its window."""
    model = pointwise(layers.MaxPooling2D(2, name="pool"))
    kernel, bias = model.get_layer("conv").get_weights()
    z = (x @ kernel[0, 0] + bias).reshape(3, 3, 2, 2, 2, 4)
    R = np.random.default_rng(2).normal(size=(3, 3, 2, 4))
    first = z == z.max((2, 4), keepdims=True)
    for switches, share in ((True, first), (False, 0.25)):
        back = (R[:, :, None, :, None] * share * np.ones_like(z)).reshape(3, 6, 4, 4) @ kernel[0, 0].T
        np.testing.assert_allclose(Probe(model, "pool").project(x, R, switches=switches)[1], back, atol=1e-5)


@pytest.mark.parametrize(("slope", "guided"), [(0.0, True), (0.3, False)])
def test_a_relu_layer_as_activation(x, slope, guided):
    """A ReLU layer given as another layer's activation is a ReLU, too, unless it has a slope below zero."""
    model = pointwise(layers.ReLU(name="other"), options={"activation": layers.ReLU(negative_slope=slope)})
    look, R = Probe(model, "conv"), np.random.default_rng(2).normal(size=(3, 6, 4, 4))
    found, plain = (look.project(x, R, rule)[1] for rule in ("guided", "gradient"))
    if guided:
        np.testing.assert_allclose(found, by_formula(model, x, R, "guided"), atol=1e-5)
    else:
        np.testing.assert_array_equal(found, plain)


def test_a_function_is_compiled_once_for_all_batches(x):
    """Batch by batch the gradients are those of single calls; the function of the logits is traced once."""
    look, traced = Probe(pointwise(layers.ReLU())), []

    def difference(logits):
        traced.append(1)
        return logits[:, 1] - logits[:, 0]

    several = list(look.image_gradients((x * scale for scale in (1, 2, 3)), difference, "guided"))
    assert len(traced) == 1
    for scale, (S, G) in zip((1, 2, 3), several, strict=True):
        expected = look.image_gradient(x * scale, difference, "guided")
        np.testing.assert_allclose(S, expected[0], atol=1e-6)
        np.testing.assert_allclose(G, expected[1], atol=1e-6)


@pytest.mark.parametrize("layer", [layers.LeakyReLU, lambda: layers.ReLU(negative_slope=0.1), lambda: ops.silu])
def test_no_relu_no_rule(x, layer):
    """Where no layer is a ReLU the rules would change nothing without a word: an error says so."""
    look = Probe(pointwise(layer()))
    assert look.image_gradient(x, 0)[1].any()
    with pytest.raises(LayerError, match="the rule 'guided' changes ReLU, and no layer of this model is one"):
        look.image_gradient(x, 0, "guided")


def test_wrong_rules(x):
    """Unknown rules, missing pools and several inputs are errors that name what there is."""
    look = Probe(pointwise(layers.ReLU()))
    with pytest.raises(LayerError, match="no rule 'guide'. Did you mean 'guided'"):
        look.image_gradient(x, 0, "guide")
    for rule in (["guided"], None, np.zeros(2)):
        with pytest.raises(LayerError, match="no rule"):
            look.project(x, np.zeros((3, 6, 4, 4)), rule)
    with pytest.raises(LayerError, match="switches is True or False, not"):
        look.image_gradient(x, 0, switches=np.zeros(2))
    with pytest.raises(LayerError, match="no MaxPooling2D"):
        look.image_gradient(x, 0, switches=False)
    for several in ([x, x], {"image": x}):
        with pytest.raises(ImageError, match="a model with one input"):
            look.project(several, np.zeros((3, 6, 4, 4)))


@pytest.mark.parametrize("shape", [(3, 6, 4, 5), (2, 6, 4, 4), (3, 4, 6, 4), (6, 4, 4), (3, 1, 1, 4)])
def test_a_signal_has_the_shape_of_the_maps(x, shape):
    """Nothing is broadcast without being asked for."""
    with pytest.raises(MapError, match=r"a signal has the shape of the maps, \(3, 6, 4, 4\), not"):
        Probe(pointwise(), "conv").project(x, np.zeros(shape))


def test_a_model_of_any_size(x):
    """Where the model takes images of any size, a signal does, too; only its channels are fixed."""
    model = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(4, 3, name="conv"),
                              layers.GlobalAveragePooling2D(), layers.Dense(2)])
    look = Probe(model)
    for height in (6, 5):
        assert look.project(x[:, :height], np.ones((3, height - 2, 2, 4)))[1].shape == (3, height, 4, 3)
    with pytest.raises(MapError, match=r"the shape of the maps, \(3, None, None, 4\)"):
        look.project(x, np.ones((3, 4, 2, 5)))


def test_several_layers_in_one_pass(network, unseen):
    """The maps of three layers are each layer's own, by the name that was asked for."""
    images, names = unseen.images[:40], ["relu1", "conv3", "relu4"]
    found = maps_of(network, images, names)
    assert list(found) == names
    for name in names:
        np.testing.assert_allclose(found[name], Probe(network, name).forward(images)[0], atol=1e-5)
    by_layer = maps_of(network, images[:2], [network.get_layer("conv2")])
    assert list(by_layer) == ["conv2"]
    with pytest.raises(LayerError, match="name at least one layer"):
        maps_of(network, images, [])
    with pytest.raises(LayerError, match="no layer 'relu9'"):
        maps_of(network, images, ["relu9"])
