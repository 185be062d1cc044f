"""Activation maximisation: the equations of chapter 5, what each prior does to a picture, and what is refused."""

import re
from pathlib import Path

import cv2
import nbformat
import numpy as np
import pytest

from camlib import Probe, priors, scenes
from camlib.activation_maximization import (
    ascend_on_ball, maximize_activation, maximize_activations, perturb, steepest,
)
from camlib.deep_dream import deep_dream
from camlib.errors import CamlibError, ImageError, LayerError, TargetError
from camlib.runtime import keras

layers = keras.layers
NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "05_activation_maximization.ipynb"
PLAIN = dict(parametrization="pixels", decorrelate=False)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def scene_images():
    """16 scenes that the course network was not trained on."""
    return scenes.make(16, seed=2).images


@pytest.fixture(scope="module")
def linear():
    """A network of linear units on images (6, 5, 3), and the w (6, 5, 3) of the unit in its first cell."""
    model = keras.Sequential([keras.Input((6, 5, 3)), layers.Conv2D(1, (5, 4), name="unit"),
                              layers.GlobalAveragePooling2D()])
    kernel = np.random.default_rng(1).normal(size=(5, 4, 3, 1)).astype(np.float32)
    model.set_weights([kernel, np.array([0.3])])
    return model, np.pad(kernel[..., 0], ((0, 1), (0, 1), (0, 0)))


@pytest.fixture(scope="module")
def net(small):
    """A network of two convolutions with random weights: pre-ReLU maps "before", maps "after", 4 logits."""
    return small(layers.Conv2D(4, 3, name="before"), layers.ReLU(name="after"), layers.GlobalAveragePooling2D(),
                 layers.Dense(4, name="logits"))


def close(found, expected, tolerance):
    """Assert that two arrays agree within ``tolerance`` times the largest expected value."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def slopes(function, x, step=1e-5):
    """The gradient of ``function``: (N, ...) to (N,), number by number, by central differences in float64."""
    found = np.zeros_like(x)
    for place in np.ndindex(x.shape[1:]):
        change = np.zeros_like(x)
        change[:, *place] = step
        found[:, *place] = (function(x + change) - function(x - change)) / (2 * step)
    return found


# -- the objective and the way up --------------------------------------------------------------------


@pytest.mark.equation("5.1")
@pytest.mark.parametrize("options", [PLAIN, {"decorrelate": False}, {}], ids=["pixels", "fourier", "colours"])
def test_the_maximiser_of_a_linear_unit_under_l2(linear, options):
    """argmax <w, I> - v mean((I - 1/2)^2) is 1/2 + n w / (2 v), in any parametrisation: all reach the same picture.

    (5.1) The picture that a unit likes best is the one where f is largest; for a linear unit it is known.
    """
    model, w = linear
    weight = 1.5 * w.size * np.abs(w).max()  # the largest step from grey is 1/3
    found = maximize_activation(model, "unit", 0, unit=(0, 0), steps=600, regularizers=[priors.l2(weight)], **options)
    print(f"largest distance from the closed form: {np.abs(found - 0.5 - w * w.size / (2 * weight)).max():.1e}")
    close(found - 0.5, w * w.size / (2 * weight), 1e-4)


@pytest.mark.equation("5.2")
def test_the_best_direction_is_w(rng):
    """<w, w/||w||> = ||w||, and no other vector of the ball reaches it; a zero gradient has no direction.

    (5.2) Of all pictures in the ball a linear unit likes best the one along its weights.
    """
    w = rng.normal(size=(3, 4, 5))
    best = steepest(w)
    lengths = np.sqrt((w**2).sum((1, 2)))
    close((best**2).sum((1, 2)), np.ones(3), 1e-14)
    close((w * best).sum((1, 2)), lengths, 1e-14)
    others = rng.normal(size=(1000, 3, 4, 5))
    others /= np.sqrt((others**2).sum((2, 3), keepdims=True))
    assert ((w * others).sum((2, 3)) < lengths).all()
    assert not steepest(np.zeros((2, 3))).any()


@pytest.mark.equation("5.3")
def test_ascent_on_the_ball_converges_to_w(rng):
    """The law: from any start, steps along w brought back to the ball end at w / ||w||, to 1e-4; one step by hand.

    (5.3) Steps along the gradient, each brought back to the ball, end at that picture.
    """
    w = rng.normal(size=(4, 6))
    start = 0.5 * steepest(rng.normal(size=(4, 6)))
    end = ascend_on_ball(lambda x: w, start, steps=500, rate=0.1)
    print(f"ascent on the ball, distance from w/||w||: {np.abs(end - steepest(w)).max():.1e}")
    close(end, steepest(w), 1e-4)
    inside = ascend_on_ball(lambda x: w, 0 * w, steps=1, rate=1e-3)
    close(inside, 1e-3 * w, 1e-14)  # what has not left the ball is not touched
    curved = ascend_on_ball(lambda x: 0.3 * w / np.abs(w).max() - x, start, steps=200, rate=0.5)
    close(curved, 0.3 * w / np.abs(w).max(), 1e-8)  # a maximum inside is found, too


@pytest.mark.equation("5.4")
def test_the_objective(net, pictures):
    """f is the mean of a channel, one cell of it, a weighted sum, or a logit; its path starts at the start.

    (5.4) What is climbed: the mean of a channel, or any other weighted sum of the maps.
    """
    A, logits = Probe(net, "before").forward(pictures[:1])
    v = np.array([0.5, -1, 0, 2], np.float32)
    for layer, channel, unit, wanted in (("before", 2, None, A[0, :, :, 2].mean()),
                                         ("before", 1, (4, 1), A[0, 4, 1, 1]),
                                         ("before", v, None, A[0].mean((0, 1)) @ v), (None, 3, None, logits[0, 3])):
        found = maximize_activations(net, layer, [channel], unit=unit, steps=20, start=pictures[0], **PLAIN)
        off = 2e-3 * float(np.abs(A).max())  # the start keeps off the ends of the range
        assert found.history[0, 0] == pytest.approx(wanted, abs=off)
        A2, logits2 = Probe(net, "before").forward(found.images)
        last = {None: logits2[0, 3]}.get(layer, None)
        if layer:
            last = A2[0, :, :, 2].mean() if channel is not v and unit is None else (
                A2[0, 4, 1, 1] if unit else A2[0].mean((0, 1)) @ v)
        assert found.history[0, -1] == pytest.approx(last, rel=1e-5)
        assert found.history.shape == (1, 21) and found.history[0, -1] > found.history[0, 0]


def test_the_objective_rises(network):
    """For every class, logit and class map centre of the course network, and for channels before their ReLU."""
    W, _ = network.get_layer("logits").get_weights()
    for layer, channels, unit in ((None, range(8), None), ("relu4", list(W.T), (6, 6)), ("conv2", range(8), None)):
        history = maximize_activations(network, layer, list(channels), steps=10, unit=unit).history
        assert (history[:, -1] > history[:, 0] + 0.1).all(), layer


def test_the_steps_are_adams(linear):
    """Six large steps, with turns, end where Keras' own Adam ends on the same hill, each of them from the first on."""
    model, w = linear
    weight, grey = 1.5 * w.size * np.abs(w).max(), np.full(w.shape, 0.5, np.float32)
    x, adam = keras.Variable(0 * w), keras.optimizers.Adam(1.0, epsilon=1e-12)
    turned = False
    for steps in range(1, 7):
        I = keras.ops.convert_to_numpy(keras.ops.sigmoid(x + 0))
        slope = (w - 2 * weight / w.size * (I - 0.5)) * I * (1 - I)
        turned |= (slope * w < 0).any()
        adam.apply([keras.ops.convert_to_tensor(-slope)], [x])
        found = maximize_activation(model, "unit", 0, unit=(0, 0), steps=steps, rate=1.0, start=grey,
                                    regularizers=[priors.l2(weight)], **PLAIN)
        close(found, keras.ops.convert_to_numpy(keras.ops.sigmoid(x + 0)), 1e-4)
    assert turned


def test_several_at_once_are_as_one_by_one(net):
    """A channel's picture does not depend on its companions; the same seed gives the same, another one another."""
    together = maximize_activations(net, "before", [1, 3], steps=15, transforms=[priors.jitter(2)])
    alone = maximize_activation(net, "before", 3, steps=15, transforms=[priors.jitter(2)])
    assert np.abs(together.images[1] - alone).max() < 1e-2 < np.abs(together.images[0] - alone).max()
    again = maximize_activation(net, "before", 3, steps=15, transforms=[priors.jitter(2)])
    np.testing.assert_array_equal(again, alone)
    other = maximize_activation(net, "before", 3, steps=15, transforms=[priors.jitter(2)], seed=1)
    assert np.abs(other - alone).max() > 0.1


# -- the picture: range, frequencies, colours --------------------------------------------------------


@pytest.mark.equation("5.6")
def test_pixels_stay_in_range(net, rng):
    """I = low + (high - low) sigmoid(x): strictly inside for any x, undone by ``parameters``; so is every result.

    (5.6) A sigmoid keeps each pixel in its range, whatever its parameter is.
    """
    p = priors.Parametrization(None, None, -1, 3)
    x = rng.normal(0, 2, (2, 4, 4, 3))
    close(p.image(x), -1 + 4 / (1 + np.exp(-x)), 1e-14)
    close(p.parameters(p.image(x)), x, 1e-9)
    ends = priors.Parametrization(None, None, 0, 1)
    assert np.isfinite(ends.parameters(np.array([0., 1, 0.5]).reshape(1, 1, 1, 3))).all()
    assert np.isfinite(ends.image(np.full((1, 1, 1, 1), -1e9))).all()
    found = maximize_activation(net, "before", 0, steps=200, rate=1.0, low=-1, high=1)
    assert -1 <= found.min() < -0.8 and 0.8 < found.max() <= 1


def test_the_gradient_through_the_parametrisation(rng):
    """``pull`` is the gradient of <R, image(z)> with respect to z, by finite differences."""
    p = priors.Parametrization(priors.frequency_scale(4, 5), priors.scene_colors(), -1, 1)
    z, R = rng.normal(size=(2, 2, 4, 5, 3))
    close(p.pull(R, p.image(z)), slopes(lambda z: (R * p.image(z)).sum((1, 2, 3)), z), 1e-7)


@pytest.mark.equation("5.11")
def test_the_parametrisation_is_linear_invertible_and_has_its_adjoint(rng):
    """P(az + u) = aPz + Pu, P inverse P z = z, and <P z, y> = <z, P^T y>; the Hartley transform by its cosines.

    (5.11) The picture comes from its waves and colours by a linear map with a known adjoint.
    """
    for scale, colors in ((None, None), (priors.frequency_scale(6, 5), None),
                          (priors.frequency_scale(6, 5), priors.scene_colors()), (None, priors.scene_colors())):
        p = priors.Parametrization(scale, colors)
        z, u, y = rng.normal(size=(3, 2, 6, 5, 3))
        close(p.linear(2.5 * z + u), 2.5 * p.linear(z) + p.linear(u), 1e-13)
        close(p.inverse(p.linear(z)), z, 1e-12)
        assert (p.linear(z) * y).sum() == pytest.approx((z * p.adjoint(y)).sum(), rel=1e-12)
    single = z.astype(np.float32)
    assert p.linear(single).dtype == np.float32
    close(p.inverse(p.linear(single)), single, 1e-6)
    H, W = 6, 5
    a, b = np.arange(H), np.arange(W)
    angle = 2 * np.pi * (a[:, None, None, None] * a[:, None] / H + b[:, None, None] * b / W)
    cas = (np.cos(angle) + np.sin(angle)) / np.sqrt(H * W)  # (H, W, H, W)
    close(priors.hartley(z), np.einsum("abuv,nuvc->nabc", cas, z), 1e-13)


@pytest.mark.equation("5.12")
def test_the_scale_falls_with_frequency():
    """s |f| is one number for all f above the lowest, mean(s^2) = 1, and doubling f halves s.

    (5.12) The scale of a wave falls with its frequency, as in photographs.
    """
    s, f = priors.frequency_scale(16, 24)[..., 0], priors.frequencies(16, 24)
    product = (s * f)[f >= 1 / 24]
    close(product, np.full(product.shape, product[0]), 1e-13)
    assert (s**2).mean() == pytest.approx(1) and s[0, 0] == s.max() == pytest.approx(s[0, 1])
    assert s[0, 2] == pytest.approx(s[0, 1] / 2) and f[0, 2] == pytest.approx(2 / 24) and f[8, 0] == 0.5


@pytest.mark.equation("5.13")
def test_the_colour_matrix(rng):
    """C C is the covariance over its mean variance, C is symmetric, and white noise times C has these colours.

    (5.13) The colour matrix gives the channels the covariance that colours have in pictures.
    """
    images = rng.normal(size=(3, 9, 8, 3)) @ np.array([[1, 0.9, 0.8], [0, 0.4, 0.5], [0, 0, 0.3]]) + 5
    C, covariance = priors.color_matrix(images), np.cov(images.reshape(-1, 3).T)
    close(C @ C, covariance / np.trace(covariance) * 3, 1e-12)
    close(C, C.T, 1e-14)
    noise = priors.mix(rng.normal(size=(1, 200, 200, 3)), C)
    close(np.cov(noise.reshape(-1, 3).T), C @ C, 0.03)
    close(priors.scene_colors(), priors.color_matrix(scenes.make(16, seed=5).images), 1e-14)
    close(priors.mix(images, C), np.einsum("nijc,cd->nijd", images, C), 1e-13)


# -- what is held against the picture ----------------------------------------------------------------


@pytest.mark.equation("5.7")
def test_l2(rng, net):
    """Its value is the formula, its gradient the finite differences; more weight, less distance from grey.

    (5.7) This penalty is the mean squared distance from grey, times its weight.
    """
    x = rng.random((2, 4, 5, 3))
    value, gradient = priors.l2(3, middle=0.4)(x)
    close(value, [3 * sum((v - 0.4)**2 for v in image.ravel()) / 60 for image in x], 1e-13)
    close(gradient, slopes(lambda x: priors.l2(3, middle=0.4)(x)[0], x), 1e-7)
    found = [maximize_activation(net, "before", 0, steps=60, regularizers=[priors.l2(v)]) for v in (1e-6, 30, 300)]
    assert np.all(np.diff([((image - 0.5)**2).mean() for image in found]) < -1e-3)


@pytest.mark.equation("5.8")
def test_total_variation(rng, net):
    """Its value is the sum over pixels, its gradient the finite differences; more weight, less variation.

    (5.8) This penalty is the mean size of the steps from pixel to pixel, times its weight.
    """
    x = rng.random((2, 4, 5, 3))
    value, gradient = priors.total_variation(2, softness=0.1)(x)

    def by_loops(I):
        total = 0
        for i, j, c in np.ndindex(I.shape):
            dy = I[i + 1, j, c] - I[i, j, c] if i + 1 < I.shape[0] else 0
            dx = I[i, j + 1, c] - I[i, j, c] if j + 1 < I.shape[1] else 0
            total += np.sqrt(dy**2 + dx**2 + 0.1**2)
        return 2 * total / I.size

    close(value, [by_loops(image) for image in x], 1e-13)
    close(gradient, slopes(lambda x: priors.total_variation(2, softness=0.1)(x)[0], x), 1e-7)
    found = np.stack([maximize_activation(net, "before", 0, steps=60, regularizers=[priors.total_variation(v)])
                      for v in (1e-6, 3, 30)])
    assert np.all(np.diff(priors.total_variation(1)(found)[0]) < -1e-3)


@pytest.mark.equation("5.9")
def test_blur(rng):
    """It is the Gaussian sum over the mirrored picture, its own adjoint, and keeps the mean; fine detail goes.

    (5.9) The gradient through a blur is the gradient, blurred: a blur is its own adjoint.
    """
    there, back = priors.blur(0.8)(rng)
    x, y = rng.random((2, 2, 12, 9, 3))
    assert (there(x) * y).sum() == pytest.approx((x * back(y)).sum(), rel=1e-12)
    assert there(x).sum() == pytest.approx(x.sum(), rel=1e-12)
    spot = np.zeros((1, 21, 21, 1))
    spot[0, 10, 10] = 1
    g = np.exp(-np.arange(-10, 11)**2 / (2 * 0.8**2))
    close(there(spot)[0, ..., 0], np.outer(g, g) / g.sum()**2, 2e-3)
    assert (priors.high_frequency_share(there(x)) < 0.7 * priors.high_frequency_share(x)).all()


@pytest.mark.equation("5.10")
def test_jitter_is_undone_exactly_by_its_adjoint(rng):
    """Back after there is the identity to the last bit, it is the adjoint, and the shifts fill their range.

    (5.10) The gradient through a shift is the gradient, shifted back: the adjoint of a shift is its inverse.
    """
    x, y = rng.random((2, 2, 12, 9, 3))
    shifts = set()
    for _ in range(200):
        there, back = priors.jitter(2)(rng)
        np.testing.assert_array_equal(back(there(x)), x)
        assert (there(x) * y).sum() == pytest.approx((x * back(y)).sum(), rel=1e-12)
        spot = np.zeros((1, 9, 9, 1))
        spot[0, 4, 4] = 1
        shifts.add(tuple(np.argwhere(there(spot)[0, ..., 0])[0] - 4))
    assert shifts == {(a, b) for a in range(-2, 3) for b in range(-2, 3)}


def test_transforms_stand_between_picture_and_network(linear, rng):
    """The network sees blur(roll(I)): what the first step records, and a chain's adjoint is the adjoints in reverse."""
    model, w = linear
    transforms, x = [priors.jitter(2), priors.blur(0.7)], rng.uniform(0.1, 0.9, (6, 5, 3)).astype(np.float32)
    ascent = maximize_activations(model, "unit", [0], unit=(0, 0), steps=1, start=x, seed=7, transforms=transforms,
                                  **PLAIN)
    same = np.random.default_rng(7)
    roll, soft = (transform(same) for transform in transforms)
    assert ascent.history[0, 0] == pytest.approx((w * soft[0](roll[0](x[None]))).sum() + 0.3, rel=1e-4)  # 0.3: its bias
    R = roll[1](soft[1](w[None]))[0]  # one step of Adam goes by the sign of the gradient
    clear = np.abs(R) > 1e-3 * np.abs(R).max()
    np.testing.assert_array_equal(np.sign(ascent.images[0] - x)[clear], np.sign(R)[clear])
    there, back = priors.chain(*transforms)(np.random.default_rng(7))
    y, z = rng.random((2, 1, 6, 5, 3))
    np.testing.assert_array_equal(there(y), soft[0](roll[0](y)))
    assert (there(y) * z).sum() == pytest.approx((y * back(z)).sum(), rel=1e-12)


@pytest.mark.equation("5.5")
def test_high_frequency_share():
    """A wave of a frequency has all its energy there, half and half is one half; a flat picture has none.

    (5.5) The share of a picture's energy in its fast waves, those with a frequency above 1/4.
    """
    column = np.arange(16)
    slow, fast = (np.broadcast_to(np.cos(2 * np.pi * f * column)[:, None], (16, 16, 3)) for f in (1 / 8, 3 / 8))
    images = np.stack([slow, 5 + fast.transpose(1, 0, 2), slow + fast, 2 * slow + fast, np.ones((16, 16, 3))])
    np.testing.assert_allclose(priors.high_frequency_share(images), [0, 1, 0.5, 0.2, 0], atol=1e-12)
    np.testing.assert_allclose(priors.high_frequency_share(images, above=0.1)[:2], 1, atol=1e-12)


def test_each_prior_takes_fine_detail_away(network):
    """The fish's logit: blur, jitter, total variation, and frequencies with jitter leave less energy above 1/4."""
    def share(**options):
        return priors.high_frequency_share(maximize_activation(network, None, 0, steps=60, **options)[None])[0]

    plain = share(**PLAIN)
    assert share(**PLAIN, transforms=[priors.blur(1.5)]) < plain / 2
    assert share(**PLAIN, transforms=[priors.jitter(8)]) < 0.8 * plain
    assert share(**PLAIN, regularizers=[priors.total_variation(100)]) < 0.9 * plain
    assert share(decorrelate=False) < 0.9 * plain
    assert share(transforms=[priors.jitter(8)]) < plain / 2


# -- softmax, little pushes, dreams ------------------------------------------------------------------


@pytest.mark.equation("5.14")
def test_the_gradient_of_softmax(net, pictures):
    """dp_c/dI = p_c (dS_c/dI - sum_j p_j dS_j/dI), by the probe's own gradient of softmax.

    (5.14) The gradient of a probability is that of its logit less the mean gradient of all logits, times p.
    """
    look, x = Probe(net), pictures[:1]
    logits, G = look.image_gradient(np.repeat(x, 4, 0), np.arange(4))
    p = np.exp(logits[0] - logits[0].max())
    p /= p.sum()
    for c in range(4):
        found = look.image_gradient(x, lambda S, c=c: keras.ops.softmax(S)[:, c])[1]
        close(found[0], p[c] * (G[c] - np.einsum("j,jabc->abc", p, G)), 1e-4)


@pytest.mark.equation("5.15")
def test_the_best_push_under_a_bound_on_each_pixel(rng):
    """<w, sign(w)> = ||w||_1, and no other push of the cube reaches it.

    (5.15) Of all changes that are small in every pixel the signs of the weights raise a linear unit most.
    """
    w = rng.normal(size=(3, 20))
    best = steepest(w, np.inf)
    close((w * best).sum(1), np.abs(w).sum(1), 1e-14)
    assert np.abs(best).max() == 1
    assert ((w * rng.uniform(-1, 1, (1000, 3, 20))).sum(2) < np.abs(w).sum(1)).all()


def test_a_push_changes_the_class_and_no_pixel_much(network, scene_images):
    """Every pixel stays within ``size`` and in range; most of 16 scenes turn into their target."""
    images = scene_images
    before = Probe(network).logits(images)
    target = (before.argmax(1) + 1) % 8
    pushed = perturb(network, images, target, size=0.02)
    assert np.abs(pushed - images).max() <= 0.02 + 1e-6 and pushed.min() >= 0 and pushed.max() <= 1
    after = Probe(network).logits(pushed)
    assert (after.argmax(1) == target).mean() > 0.6
    rows = np.arange(16)
    assert (after[rows, target] - before[rows, target] > 0).all()


def test_a_push_on_a_linear_network_is_the_sign():
    """There the best push is known: ``size`` times the sign of the difference of the two classes' gradients."""
    model = keras.Sequential([keras.Input((4, 4, 3)), layers.Conv2D(2, 3), layers.GlobalAveragePooling2D()])
    model.set_weights([np.random.default_rng(0).normal(size=(3, 3, 3, 2)), np.array([0, 90])])
    grey = np.full((1, 4, 4, 3), 0.5, np.float32)
    G = Probe(model).image_gradient(np.repeat(grey, 2, 0), [0, 1])[1]
    pushed = perturb(model, grey, 0, size=0.1, steps=6)[0]
    np.testing.assert_allclose(pushed, 0.5 + 0.1 * np.sign(G[0] - G[1]), atol=1e-6)


@pytest.mark.equation("5.16")
def test_a_dream_climbs_the_energy(network, scene_images):
    """A brought back to the image is the gradient of sum(A^2)/2 (one linear step shows it), and the energy rises.

    (5.16) A dream climbs the energy of the maps: its signal on the way back is the maps themselves.
    """
    conv = keras.Sequential([keras.Input((6, 5, 3)), layers.Conv2D(4, 3, name="maps"), layers.GlobalAveragePooling2D()])
    conv.set_weights([np.random.default_rng(0).normal(size=w.shape) for w in conv.get_weights()])
    look, x = Probe(conv, "maps"), np.random.default_rng(1).uniform(0.4, 0.6, (1, 6, 5, 3)).astype(np.float32)
    for channel in (None, 2):
        kept = slice(None) if channel is None else [channel]
        exact = look.project(x, lambda A, kept=kept: keras.ops.sum(keras.ops.take(
            A, np.arange(4)[kept], -1)**2, (1, 2, 3)) / 2)[1]
        found = deep_dream(conv, "maps", x[0], channel=channel, steps=1, octaves=1, rate=0.01, shift=0)
        close(found - x[0], 0.01 * exact[0] / np.sqrt((exact**2).mean()), 1e-4)
    image = scene_images[0]
    dream = deep_dream(network, "relu3", image, octaves=1, steps=5)
    before, after = ((Probe(network, "relu3").forward(i[None])[0]**2).sum() for i in (image, dream))
    assert after > 2 * before and dream.shape == image.shape and 0 <= dream.min() and dream.max() <= 1


def test_octaves_need_a_network_for_any_size(network, scene_images):
    """With a clone that takes any size, the dream grows from small to large; the fixed one says what is wrong."""
    free = keras.models.clone_model(network, input_tensors=keras.Input((None, None, 3)))
    free.set_weights(network.get_weights())
    image = scene_images[0, :90]
    dream = deep_dream(free, "relu2", image, octaves=2, steps=2, ratio=1.5)
    assert dream.shape == image.shape
    assert np.abs(dream - deep_dream(free, "relu2", image, octaves=1, steps=2)).max() > 0.05
    still = dict(steps=2, shift=0)  # without jitter two octaves are one after the other, detail carried along
    small = cv2.resize(image, (64, 60), interpolation=cv2.INTER_AREA)
    detail = deep_dream(free, "relu2", small, octaves=1, **still) - small
    second = np.clip(image + cv2.resize(detail, (96, 90)), 0, 1)
    close(deep_dream(free, "relu2", image, octaves=2, ratio=1.5, **still),
          deep_dream(free, "relu2", second, octaves=1, **still), 1e-3)
    with pytest.raises(ImageError, match="octaves=1"):
        deep_dream(network, "relu2", scene_images[0], octaves=2)
    found = maximize_activation(free, "conv2", 1, size=(64, 48), steps=2)
    assert found.shape == (64, 48, 3)
    with pytest.raises(ImageError, match="size="):
        maximize_activation(free, "conv2", 1, steps=2)


# -- silence, and other bad input --------------------------------------------------------------------


def test_a_silent_unit_is_named(net):
    """A ReLU unit whose gradient is zero everywhere raises; before the ReLU the same channel climbs."""
    kernel, bias = net.get_layer("before").get_weights()
    try:
        net.get_layer("before").set_weights([kernel, bias - 1000])
        with pytest.raises(LayerError, match="channel 2 of 'after' is silent.*before its ReLU"):
            maximize_activation(net, "after", 2, steps=3)
        history = maximize_activations(net, "before", [2], steps=30).history[0]
        assert history[-1] > history[0]
    finally:
        net.get_layer("before").set_weights([kernel, bias])


@pytest.mark.parametrize(("error", "match", "arguments", "options"), [
    (TargetError, "0 to 3", ("before", 4), {}), (TargetError, "0 to 3", ("before", 1.5), {}),
    (TargetError, "4 channels", ("before", [1, 2]), {}), (TargetError, "range", (None, 9), {}),
    (TargetError, "no cells", (None, 1), {"unit": (0, 0)}), (TargetError, "6 rows", ("before", 1), {"unit": (6, 0)}),
    (TargetError, "cell", ("before", 1), {"unit": 3}), (TargetError, "cell", ("before", 1), {"unit": (1.5, 1)}),
    (TargetError, "cell", ("before", 1), {"unit": ("a", "b")}), (TargetError, "numbers", ("before", ["a"] * 4), {}),
    (CamlibError, "made by priors", ("before", 1), {"regularizers": 3}),
    (CamlibError, "made by priors", ("before", 1), {"transforms": [3]}),
    (CamlibError, "low to high", ("before", 1), {"low": "a"}), (LayerError, "nothing", ("nothing", 1), {}),
    (CamlibError, "steps", ("before", 1), {"steps": 0}), (CamlibError, "rate", ("before", 1), {"rate": -1}),
    (CamlibError, "fourier", ("before", 1), {"parametrization": "wavelet"}),
    (CamlibError, "low to high", ("before", 1), {"low": 1, "high": 1}),
    (ImageError, "outside", ("before", 1), {"start": np.full((16, 12, 3), 2.0)}),
    (ImageError, "grey", ("before", 1), {"decorrelate": np.ones((1, 4, 4, 3)) * np.arange(4)[:, None, None]}),
    (ImageError, "takes images", ("before", 1), {"size": 20}),
    (ImageError, "one image", ("before", 1), {"start": np.zeros((1, 16, 12, 3))}),
    (ImageError, "channels, the image", ("before", 1), {"decorrelate": np.random.default_rng(0).random((1, 9, 9, 2))}),
])
def test_what_cannot_be_climbed(net, error, match, arguments, options):
    """Each impossible wish is answered by an error that names it."""
    with pytest.raises(error, match=match):
        maximize_activation(net, *arguments, **{"steps": 2, **options})


@pytest.mark.parametrize("channels", [1, [], np.int64(1), None])
def test_channels_are_a_list(net, channels):
    """One channel, or none, is no list of channels: the error says what to write."""
    with pytest.raises(TargetError, match=r"write \[channel\]"):
        maximize_activations(net, "before", channels, steps=2)


def test_one_prior_needs_no_list(net):
    """A single regularizer or transform is that of a list with it alone."""
    penalty, roll = priors.l2(1.0), priors.jitter(1)
    alone, listed = (maximize_activation(net, "before", 1, steps=2, **options) for options in (
        dict(regularizers=penalty, transforms=roll), dict(regularizers=[penalty], transforms=[roll])))
    np.testing.assert_array_equal(alone, listed)


def test_a_picture_too_small_for_the_network():
    """A size or an octave that the network cannot take is named, with the network's own words."""
    free = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2, 7, name="maps"),
                             layers.GlobalAveragePooling2D()])
    for size in (1, (20, 6)):
        with pytest.raises(ImageError, match=f"fails on an image of .* × {np.ravel(size)[-1]} pixels"):
            maximize_activation(free, "maps", 0, size=size, steps=1)
    image = np.full((20, 20, 3), 0.5)
    with pytest.raises(ImageError, match="fails on an image of 5 × 5 pixels"):
        deep_dream(free, "maps", image, octaves=3, ratio=2, steps=1)
    with pytest.raises(ImageError, match="at this ratio, 3 at most"):
        deep_dream(free, "maps", image, octaves=4, ratio=2, steps=1)
    for ratio in (0, 1, -2, np.nan, "a"):
        with pytest.raises(CamlibError, match="ratio is a number above 1"):
            deep_dream(free, "maps", image, ratio=ratio)
    with pytest.raises(CamlibError, match="rate"):
        deep_dream(free, "maps", image, octaves=1, rate="a")


@pytest.mark.parametrize("change", [
    lambda net, images, **range: perturb(net, images[None], 0, size=0.02, steps=2, **range),
    lambda net, images, **range: deep_dream(net, "before", images, octaves=1, steps=1, shift=0, **range)])
def test_no_image_is_clipped_silently(net, pictures, change):
    """An image outside low .. high is refused, as is a range that is none; inside its own range it is taken."""
    x = pictures[0]
    for images in (2 * x - 1, 255 * x, x + 0.5):
        with pytest.raises(ImageError, match=r"outside low .. high = 0 .. 1"):
            change(net, images)
    for ends in (dict(low=1, high=0), dict(low="a"), dict(high=np.nan)):
        with pytest.raises(CamlibError, match="low to high"):
            change(net, x, **ends)
    signed = change(net, 2 * x - 1, low=-1, high=1)
    assert 0 < np.abs(signed - (2 * x - 1)).max() < 0.5 and signed.min() < -0.9


@pytest.mark.parametrize("call", [
    lambda: priors.l2(0), lambda: priors.l2("much"), lambda: priors.total_variation(-1), lambda: priors.blur(np.nan),
    lambda: priors.total_variation(1, softness=0), lambda: priors.jitter(-1), lambda: priors.jitter(1.5),
    lambda: priors.color_matrix(np.zeros((4, 4, 3))), lambda: priors.high_frequency_share(np.zeros((4, 4, 3))),
    lambda: priors.color_matrix(np.random.default_rng(0).random((1, 4, 4, 5))),
    lambda: steepest(np.ones((1, 3)), 1), lambda: steepest(np.ones(3)), lambda: ascend_on_ball(np.sign, np.ones(3)),
    lambda: ascend_on_ball(lambda x: x, np.ones((1, 2)), steps=0),
    lambda: priors.high_frequency_share(np.full((1, 4, 4, 3), np.nan)),
])
def test_bad_numbers(call):
    """A weight, width, shift, picture or norm that makes no sense raises a camlib error."""
    with pytest.raises(CamlibError):
        call()


def test_bad_dreams_and_pushes(net, pictures):
    """A dream of a channel that is not there, a push of no size or to no class."""
    for call in (lambda: deep_dream(net, "before", pictures[0], channel=4), lambda: perturb(net, pictures, 0, size=0),
                 lambda: deep_dream(net, "before", pictures[0], octaves=0), lambda: perturb(net, pictures, 7),
                 lambda: deep_dream(net, "before", pictures)):
        with pytest.raises(CamlibError):
            call()


# -- the same in PyTorch -----------------------------------------------------------------------------


def test_the_chapters_pytorch_code():
    """The block that the chapter prints runs, and finds w / ||w||."""
    pytest.importorskip("torch")
    text = "\n".join(cell.source for cell in nbformat.read(NOTEBOOK, 4).cells if cell.cell_type == "markdown")
    (block,) = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    names = {}
    exec(compile(block, str(NOTEBOOK), "exec"), names)
    w = names["w"].numpy()
    close(names["x"].detach().numpy(), w / np.sqrt((w**2).sum()), 1e-4)
