"""Saliency: the gradient at the pixels, its average over noise, its integral, and what they must add up to."""

import numpy as np
import pytest

from camlib import Probe, scenes
from camlib.deconvolution import deconvnet
from camlib.errors import CamlibError, ImageError, LayerError, MapError, TargetError
from camlib.runtime import keras
from camlib.saliency import completeness_residual, integrated_gradients, magnitude, saliency, smooth_grad

layers = keras.layers


@pytest.fixture(scope="module")
def unseen():
    """The first 20 of the scenes that the network was not trained on."""
    return scenes.make(20, seed=2)


def close(found, expected, tolerance):
    """Assert that two arrays agree within ``tolerance`` times the largest expected value."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


@pytest.fixture(scope="module")
def linear(randomized):
    """A linear classifier of ``pictures``; its weights are in its last layer."""
    return randomized(keras.Sequential([keras.Input((16, 12, 3)), layers.Identity(), layers.Flatten(),
                                        layers.Dense(4)]))


@pytest.fixture(scope="module")
def square(randomized):
    """Logits that are quadratic in the image: the gradient on the way is a straight line."""
    image = keras.Input((16, 12, 3))
    return randomized(keras.Model(image, layers.Dense(4)(layers.Flatten()(keras.ops.multiply(image, image)))))


def weights(model):
    """The Dense layer's weights in the shape of the picture (16, 12, 3, 4)."""
    return model.layers[-1].get_weights()[0].reshape(16, 12, 3, 4)


@pytest.mark.equation("4.11")
def test_gradient_of_the_logit(linear, square, pictures):
    """The weights themselves for a linear model; 2 w I for a quadratic one.

    (4.11) The gradient says how the logit answers to a small change of each pixel.
    """
    for c in range(4):
        close(saliency(linear, pictures, c), np.broadcast_to(weights(linear)[..., c], pictures.shape), 1e-6)
        close(saliency(square, pictures, c), 2 * pictures * weights(square)[..., c], 1e-6)
    top = Probe(square).logits(pictures).argmax(1)
    assert len(set(top)) > 1
    np.testing.assert_array_equal(saliency(square, pictures), saliency(square, pictures, top))


@pytest.mark.equation("4.11")
def test_gradient_of_the_course_network(network, unseen):
    """The weights W / Z sent back layer by layer in NumPy are the network's gradient at the pixels."""
    images, c = unseen.images[:3], np.array([0, 3, 7])
    W, _ = network.get_layer("logits").get_weights()
    start = np.broadcast_to(W[:, c].T[:, None, None] / 144, (3, 12, 12, 64))
    for rule in ("gradient", "deconvnet", "guided"):
        close(saliency(network, images, c, rule), deconvnet(network, images, "relu4", start, rule)["image"], 1e-5)


@pytest.mark.equation("4.12")
def test_input_times_gradient_and_the_biases_are_the_logit(network, unseen):
    """S_c = <I, G> + each bias times the signal that arrives at it + b_c, to 1e-5 of the largest logit.

    (4.12) A logit is picture times gradient, plus each bias times the signal that arrives at it.
    """
    images, c = unseen.images[:20], unseen.labels[:20]
    W, b = network.get_layer("logits").get_weights()
    signals = deconvnet(network, images, "relu4", np.repeat(np.repeat(
        W[:, c].T[:, None, None] / 144, 12, 1), 12, 2), "gradient")
    own = (images * signals["image"]).sum((1, 2, 3), dtype=float)
    biases = sum((signals[f"conv{i}"].astype(float) * network.get_layer(f"conv{i}").get_weights()[1]).sum((1, 2, 3))
                 for i in range(1, 5))
    S = Probe(network).logits(images)
    logit = S[np.arange(20), c]
    print(f"residual {np.abs(own + biases + b[c] - logit).max() / np.abs(S).max():.1e}; biases give "
          f"{np.median(np.abs(biases + b[c]) / np.abs(logit)):.2f} of the logit (median)")
    assert np.abs(own + biases + b[c] - logit).max() <= 1e-5 * np.abs(S).max()
    assert np.abs(own - logit).max() > 0.5


@pytest.mark.equation("4.13")
def test_smooth_grad_is_a_mean_over_noisy_copies(network, unseen, linear, pictures):
    """Copy by copy as the formula says; without noise, or for a linear model, the gradient itself.

    (4.13) SmoothGrad is the mean of the gradients at noisy copies of the picture.
    """
    images, c = unseen.images[:3], [1, 4, 2]
    rng, copies = np.random.default_rng(5), []
    for _ in range(4):
        noise = rng.normal(size=images.shape)
        reach = np.stack([image.max() - image.min() for image in images])[:, None, None, None]
        copies.append(saliency(network, (images + 0.2 * reach * noise).astype("f"), c))
    close(smooth_grad(network, images, c, n=4, sigma=0.2, seed=5), np.mean(copies, 0), 1e-4)
    close(smooth_grad(network, images, c, n=2, sigma=0), saliency(network, images, c), 1e-6)
    close(smooth_grad(linear, pictures, 2, n=3, sigma=0.5), saliency(linear, pictures, 2), 1e-6)
    a, b = (smooth_grad(network, images, c, n=2, seed=s) for s in (0, 1))
    assert np.abs(a - b).max() > 1e-3 * np.abs(a).max()
    np.testing.assert_array_equal(a, smooth_grad(network, images, c, n=2, seed=0, progress=True))


def test_the_class_is_that_of_the_clean_image(linear, square, pictures):
    """Noise, or the way from the baseline, would change the top class; the target stays what it was."""
    top = Probe(square).logits(pictures).argmax(1)
    noisy = pictures + np.random.default_rng(0).normal(size=pictures.shape).astype("f")
    assert (Probe(square).logits(noisy).argmax(1) != top).any()
    np.testing.assert_array_equal(smooth_grad(square, pictures, n=3, sigma=1), smooth_grad(square, pictures, top, 3, 1))
    assert (Probe(linear).logits(pictures).argmax(1) != Probe(linear).logits(0 * pictures).argmax(1)).any()
    close(integrated_gradients(linear, pictures, steps=2),
          integrated_gradients(linear, pictures, Probe(linear).logits(pictures).argmax(1), steps=2), 1e-9)
    ours = integrated_gradients(linear, pictures, steps=2)
    assert completeness_residual(linear, pictures, ours).max() <= 1e-4


@pytest.mark.equation("4.14")
def test_integrated_gradients_in_closed_form(linear, square, pictures):
    """w (I - I0) for a linear model and w (I^2 - I0^2) for a quadratic one, whatever the number of steps.

    (4.14) Integrated gradients: what differs from the baseline, times the mean gradient on the way from there.
    """
    start = np.random.default_rng(2).random((16, 12, 3), np.float32)
    for steps in (1, 2, 7):
        for base in (0.0, 0.5, start):
            close(integrated_gradients(linear, pictures, 1, base, steps), (pictures - base) * weights(linear)[..., 1],
                  1e-6)
            close(integrated_gradients(square, pictures, 1, base, steps),
                  (pictures**2 - base**2) * weights(square)[..., 1], 1e-5)


def test_integrated_gradients_use_midpoints(randomized, pictures):
    """For a cubic logit the midpoint rule has a known error: w I^3 (1 - 1 / 4 m^2)."""
    image = keras.Input((16, 12, 3))
    cube = randomized(keras.Model(image, layers.Dense(4)(layers.Flatten()(image * image * image))))
    for m in (1, 2, 5):
        close(integrated_gradients(cube, pictures, 0, steps=m, progress=True),
              weights(cube)[..., 0] * pictures**3 * (1 - 1 / (4 * m * m)), 1e-5)


@pytest.mark.equation("4.15")
def test_completeness(network, unseen):
    """The sum is the logit's difference, up to a residual that falls with the steps and is then below 1 percent.

    (4.15) Integrated gradients add up to the difference of the logits, but for a rest that falls with the steps.
    """
    images, c = unseen.images[:8], unseen.labels[:8]
    left = []
    for steps in (8, 32, 128):
        found = integrated_gradients(network, images, c, baseline=0.5, steps=steps)
        left.append(completeness_residual(network, images, found, c, baseline=0.5))
    S, grey = Probe(network).logits(images), Probe(network).logits(np.full_like(images[:1], 0.5))
    difference = S[np.arange(8), c] - grey[0, c]
    print("completeness residual, mean over 8 scenes, at 8, 32, 128 steps:", [f"{r.mean():.1e}" for r in left])
    assert left[2].mean() < left[1].mean() < left[0].mean() / 3
    assert left[2].max() <= 0.01 * np.abs(difference).max()
    close(left[2], np.abs(found.sum((1, 2, 3), dtype=float) - difference), 1e-4)
    close(completeness_residual(network, images, 0 * images, c, 0.5), np.abs(difference), 1e-5)


def test_a_function_as_target(square, pictures):
    """A difference of logits is a target, too, and its integrated gradients are complete."""
    def target(logits):
        return logits[:, 2] - logits[:, 0]

    found = integrated_gradients(square, pictures, target, steps=1)
    close(found, pictures**2 * (weights(square)[..., 2] - weights(square)[..., 0]), 1e-5)
    assert completeness_residual(square, pictures, found, target).max() <= 1e-4
    close(saliency(square, pictures, target), smooth_grad(square, pictures, target, n=1, sigma=0), 1e-6)


def test_rules_reach_the_probe(network, unseen, linear, pictures):
    """The rule is the probe's; one that would change nothing is refused."""
    images = unseen.images[:2]
    for rule in ("deconvnet", "guided"):
        np.testing.assert_array_equal(saliency(network, images, 3, rule),
                                      Probe(network).image_gradient(images, 3, rule)[1])
        close(smooth_grad(network, images, 3, n=1, sigma=0, rule=rule), saliency(network, images, 3, rule), 1e-6)
        with pytest.raises(LayerError, match="no layer of this model is one"):
            saliency(linear, pictures, 0, rule)


def test_magnitude():
    """The largest of the colours, without its sign."""
    R = np.array([[[[1, -3, 2], [0, 0, 0]]]])
    assert magnitude(R).tolist() == [[[3, 0]]]
    assert magnitude(np.random.default_rng(0).normal(size=(2, 5, 4, 3))).shape == (2, 5, 4)
    with pytest.raises(MapError, match=r"got shape \(5, 4, 3\): write R\[None\]"):
        magnitude(np.ones((5, 4, 3)))


def test_bad_input(linear, pictures):
    """Classes, numbers, baselines and attributions that cannot be."""
    for method in (saliency, smooth_grad, integrated_gradients):
        with pytest.raises(TargetError, match="class 4 is out of range"):
            method(linear, pictures, 4)
        with pytest.raises(ImageError, match="NaN"):
            method(linear, np.full_like(pictures, np.nan), 0)
    for n in (0, -1, 2.5, None):
        with pytest.raises(CamlibError, match="n is a whole number, 1 or more"):
            smooth_grad(linear, pictures, n=n)
        with pytest.raises(CamlibError, match="steps is a whole number, 1 or more"):
            integrated_gradients(linear, pictures, steps=n)
    for sigma in (-0.1, np.nan, np.inf, "0.1"):
        with pytest.raises(CamlibError, match="sigma is a fraction"):
            smooth_grad(linear, pictures, sigma=sigma)
    for bad in (np.zeros((15, 12, 3)), np.zeros((1, 1, 5, 16, 12, 3)), np.nan):
        with pytest.raises(ImageError):
            integrated_gradients(linear, pictures, baseline=bad)
    with pytest.raises(ImageError, match="a baseline is a number or fits"):
        completeness_residual(linear, pictures, pictures, baseline=np.zeros((15, 12, 3)))
    with pytest.raises(MapError, match="attributions have the images' shape"):
        completeness_residual(linear, pictures, pictures[:1])
