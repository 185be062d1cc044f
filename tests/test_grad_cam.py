"""Grad-CAM: the equations of chapter 9, and what it is on heads that CAM is, and is not, defined for."""

import numpy as np
import pytest
import tensorflow as tf

from camlib import Probe, class_activation_map, grad_cam
from camlib.cam import class_activation_maps
from camlib.errors import LayerError, TargetError
from camlib.grad_cam import weighted_maps
from camlib.runtime import keras

layers = keras.layers


def close(found, expected, tolerance):
    """Assert that two arrays agree within ``tolerance`` times the largest expected value."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def by_hand(model, images, c, layer):
    """Grad-CAM with an ordinary sub-model, an ordinary tape and loops: the independent way."""
    parts = keras.Model(model.inputs[0], [model.get_layer(layer).output, model.outputs[0]])
    result = []
    for image in images:
        with tf.GradientTape() as tape:
            A, S = parts(image[None])
            score = S[0, c]
        G = tape.gradient(score, A).numpy()[0]
        result.append(sum(G[:, :, k].astype(float).sum() / G[:, :, k].size * A[0, :, :, k].numpy()
                          for k in range(G.shape[2])))
    return np.stack(result)


@pytest.fixture(scope="module")
def flat(small):
    """A network whose head is a Flatten, a hidden layer and softmax: no CAM, but Grad-CAM."""
    return small(layers.Conv2D(6, 3, activation="relu", name="inner"), layers.Flatten(),
                 layers.Dense(7, activation="tanh"), layers.Dense(4))


@pytest.mark.equation("9.3")
def test_weights_are_mean_slopes(flat, pictures):
    """Each channel's weight is the mean over its cells of the logit's slope."""
    A, _, G = Probe(flat, "maps").gradient(pictures, 2)
    alpha = np.array([[sum(g[:, :, k].ravel().astype(float)) / 48 for k in range(5)] for g in G])
    assert np.ptp(G, (1, 2)).max() > np.abs(alpha).max()  # the slopes differ from cell to cell
    close(grad_cam(flat, pictures, 2, "maps"), [(a * w).sum(2) for a, w in zip(A, alpha, strict=True)], 1e-5)


@pytest.mark.equation("9.4")
def test_map_is_a_weighted_sum():
    """The map is the sum over the channels of weight times map, each image with its own weights."""
    rng = np.random.default_rng(0)
    A, alpha = rng.normal(size=(3, 4, 5, 6)), rng.normal(size=(3, 6))
    expected = np.zeros((3, 4, 5))
    for n in range(3):
        for k in range(6):
            expected[n] += alpha[n, k] * A[n, :, :, k]
    close(weighted_maps(A, alpha), expected, 1e-14)


@pytest.mark.equation("9.5")
def test_on_average_and_dense_it_is_cam_over_z(network, unseen):
    """Behind the average and one Dense layer Grad-CAM, before its ReLU, is CAM divided by the number of cells."""
    images = unseen.images[:100]
    for target in (None, 3, unseen.labels[:100]):
        M = class_activation_map(network, images, target)
        L = grad_cam(network, images, target)
        close(L, M / 144, 1e-5)
        assert L.min() < 0 < L.max()  # signed: the ReLU is a later step


@pytest.mark.parametrize("layer", ["maps", "inner"])
def test_any_head_any_layer(flat, pictures, layer):
    """On a Flatten head, at the last maps and at inner ones, it is what an ordinary tape and loops give."""
    for c in range(4):
        close(grad_cam(flat, pictures, c, layer), by_hand(flat, pictures, c, layer), 1e-5)
    if layer == "inner":
        close(grad_cam(flat, pictures, 1), by_hand(flat, pictures, 1, layer), 1e-5)  # None: the last maps


def test_an_inner_layer_of_the_course_network(network, unseen):
    """So it is on the course network, two convolutions before the last."""
    close(grad_cam(network, unseen.images[:3], 5, "relu2"), by_hand(network, unseen.images[:3], 5, "relu2"), 1e-5)


def test_each_image_its_own_class(flat, pictures):
    """N classes give each image the map of its own; None gives the map of the top class."""
    maps = np.stack([grad_cam(flat, pictures, c) for c in range(4)])
    np.testing.assert_allclose(grad_cam(flat, pictures, [3, 1, 0, 2, 2]), maps[[3, 1, 0, 2, 2], range(5)], rtol=1e-5)
    top = flat(pictures).numpy().argmax(1)
    np.testing.assert_allclose(grad_cam(flat, pictures), maps[top, range(5)], rtol=1e-5)


def test_softmax_as_target(network, unseen):
    """The map of a probability is (p_c / Z)(M_c - sum_j p_j M_j): where the network is sure, almost nothing is left."""
    images, c = unseen.images[:100], 2
    A, S = Probe(network).forward(images)
    M, p = class_activation_maps(A, Probe(network).head()[0]), keras.ops.convert_to_numpy(keras.ops.softmax(S))
    expected = p[:, None, None, c] / 144 * (M[..., c] - np.einsum("nijk,nk->nij", M, p))
    found = grad_cam(network, images, lambda logits: keras.ops.softmax(logits)[:, c])
    close(found, expected, 1e-5)
    sure = p[:, c] > 0.9999
    assert sure.any()
    assert np.abs(found[sure]).max() < 0.01 * np.abs(grad_cam(network, images, c)[sure]).max()


def test_logits_not_softmax(small, pictures):
    """A softmax at the end of the network changes nothing: the slope is the logit's."""
    heads = [[layers.GlobalAveragePooling2D(), layers.Dense(4, last)] for last in (None, "softmax")]
    logits, probabilities = (grad_cam(small(*head), pictures, 1) for head in heads)
    close(probabilities, logits, 1e-6)


def test_errors_come_through(flat, pictures):
    """A wrong layer and a wrong class are refused as the probe refuses them."""
    with pytest.raises(LayerError, match="no layer 'iner' in this model. Did you mean 'inner'"):
        grad_cam(flat, pictures, 0, "iner")
    with pytest.raises(TargetError, match="class 4 is out of range"):
        grad_cam(flat, pictures, 4)
