"""Grad-CAM: the equations of chapter 8, and what it is on heads that CAM is, and is not, defined for.

Behind it the family: each method by its formula, by its law, and where its formula has nothing to divide by.
"""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from camlib import Probe, class_activation_map, grad_cam, pointing_game, resize_map
from camlib.cam import class_activation_maps
from camlib.errors import ImageError, LayerError, TargetError
from camlib.grad_cam import (
    ablation_cam, eigen_cam, grad_cam_plus_plus, guided_grad_cam, hires_cam, layer_cam, score_cam, weighted_maps,
    xgrad_cam,
)
from camlib.runtime import keras
from camlib.saliency import saliency

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


@pytest.mark.equation("8.1")
def test_weights_are_mean_slopes(flat, pictures):
    """Each channel's weight is the mean over its cells of the logit's slope.

    (8.1) Grad-CAM's weight of a channel is the mean slope over its cells.
    """
    A, _, G = Probe(flat, "maps").gradient(pictures, 2)
    alpha = np.array([[sum(g[:, :, k].ravel().astype(float)) / 48 for k in range(5)] for g in G])
    assert np.ptp(G, (1, 2)).max() > np.abs(alpha).max()  # the slopes differ from cell to cell
    close(grad_cam(flat, pictures, 2, "maps"), [(a * w).sum(2) for a, w in zip(A, alpha, strict=True)], 1e-5)


@pytest.mark.equation("8.2")
def test_map_is_a_weighted_sum():
    """The map is the sum over the channels of weight times map, each image with its own weights.

    (8.2) Grad-CAM's map is the sum of the maps with these weights.
    """
    rng = np.random.default_rng(0)
    A, alpha = rng.normal(size=(3, 4, 5, 6)), rng.normal(size=(3, 6))
    expected = np.zeros((3, 4, 5))
    for n in range(3):
        for k in range(6):
            expected[n] += alpha[n, k] * A[n, :, :, k]
    close(weighted_maps(A, alpha), expected, 1e-14)


@pytest.mark.equation("8.3")
def test_on_average_and_dense_it_is_cam_over_z(network, unseen):
    """Behind the average and one Dense layer Grad-CAM, before its ReLU, is CAM divided by the number of cells.

    (8.3) Behind the average and one Dense layer Grad-CAM is CAM over the number of cells.
    """
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


@pytest.mark.equation("8.4")
def test_softmax_as_target(network, unseen):
    """The map of a probability is (p_c / Z)(M_c - sum_j p_j M_j): where the network is sure, almost nothing is left.

    (8.4) The map of a probability is the class's map less the mean map of all classes, scaled.
    """
    images, c = unseen.images[:100], 2
    A, S = Probe(network).forward(images)
    M, p = class_activation_maps(A, Probe(network).head()[0]), keras.ops.convert_to_numpy(keras.ops.softmax(S))
    expected = p[:, None, None, c] / 144 * (M[..., c] - np.einsum("nijk,nk->nij", M, p))
    found = grad_cam(network, images, lambda logits: keras.ops.softmax(logits)[:, c])
    close(found, expected, 1e-5)
    sure = p[:, c] > 0.9999
    assert sure.any()
    assert np.abs(found[sure]).max() < 0.01 * np.abs(grad_cam(network, images, c)[sure]).max()
    bound = p[:, c] * (1 - p[:, c].astype(float)) / 144 * np.abs(M[..., c:c + 1] - M).max((1, 2, 3))
    assert (np.abs(found).max((1, 2)) <= bound + 1e-6 * np.abs(M).max() / 144).all()


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


# -- the family: what the tests share ------------------------------------------------------------------

BY_GRADIENT = [grad_cam, hires_cam, xgrad_cam, layer_cam, grad_cam_plus_plus]
BY_TRYING = [ablation_cam, score_cam]
FAMILY = [*BY_GRADIENT, *BY_TRYING, eigen_cam]


@pytest.fixture(scope="module")
def pooled(small):
    """A network whose head is the average and one Dense layer."""
    return small(layers.GlobalAveragePooling2D(), layers.Dense(4))


@pytest.fixture(scope="module")
def signed(small):
    """A network with maps that no ReLU follows, ``inner``: in float64, as their sums can be small by chance."""
    double = dict(dtype="float64")
    return small(layers.Conv2D(6, 3, name="inner", **double), layers.Flatten(**double),
                 layers.Dense(7, activation="tanh", **double), layers.Dense(4, **double), **double)


@pytest.fixture(scope="module")
def uneven(small):
    """``pooled`` with a channel that is everywhere zero, and another that is everywhere two."""
    model = small(layers.GlobalAveragePooling2D(), layers.Dense(4))
    kernel, bias = model.get_layer("maps").get_weights()
    kernel[..., 1:3], bias[1:3] = 0, (-1, 2)
    model.get_layer("maps").set_weights([kernel, bias])
    return model


@pytest.fixture(scope="module")
def empty(small):
    """A network whose maps are all zero."""
    model = small(layers.GlobalAveragePooling2D(), layers.Dense(4))
    kernel, bias = model.get_layer("maps").get_weights()
    model.get_layer("maps").set_weights([kernel, bias - 100])
    return model


def two_cells(A, slopes):
    """A network and an image with A as its only channel of two cells, and ``slopes`` as those of class 0."""
    model = keras.Sequential([keras.Input((1, 2, 1)), layers.Conv2D(1, 1, use_bias=False, name="maps"),
                              layers.Flatten(), layers.Dense(2, use_bias=False)])
    model.set_weights([np.ones((1, 1, 1, 1)), np.stack([slopes, np.zeros(2)], 1)])
    return model, np.reshape(A, (1, 1, 2, 1)).astype(np.float32)


def taped(model, images, c, layer):
    """Maps and slopes, in float64, with an ordinary sub-model and an ordinary tape: no part of it is camlib's."""
    parts = keras.Model(model.inputs[0], [model.get_layer(layer).output, model.outputs[0]])
    with tf.GradientTape() as tape:
        A, S = parts(images)
        score = S[:, c]
    return A.numpy().astype(float), tape.gradient(score, A).numpy().astype(float)


def prose():
    """The text cells of the chapter."""
    cells = json.loads((Path(__file__).parents[1] / "notebooks" / "08_grad_cam.ipynb").read_text())["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def correlations(a, b):
    """The correlation of each map of ``a`` (N, h, w) with its partner in ``b``."""
    return np.array([np.corrcoef(x.ravel(), y.ravel())[0, 1] for x, y in zip(a, b, strict=True)])


# -- the family by the gradient ------------------------------------------------------------------------


def loop_hires(A, G):
    h, w, K = A.shape
    return [[sum(G[i, j, k] * A[i, j, k] for k in range(K)) for j in range(w)] for i in range(h)]


def loop_layer(A, G):
    h, w, K = A.shape
    return [[sum(G[i, j, k] * A[i, j, k] for k in range(K) if G[i, j, k] > 0) for j in range(w)] for i in range(h)]


def loop_xgrad(A, G):
    L = np.zeros(A.shape[:2])
    for k in range(A.shape[2]):
        a, g = A[..., k].ravel(), G[..., k].ravel()
        if any(a != 0):
            L += sum(activation / sum(a) * slope for activation, slope in zip(a, g, strict=True)) * A[..., k]
    return L


def loop_plus_plus(A, G):
    L = np.zeros(A.shape[:2])
    for k in range(A.shape[2]):
        total, weight = sum(A[..., k].ravel()), 0
        for g in G[..., k].ravel():
            weight += g * g**2 / (2 * g**2 + total * g**3) if g > 0 else 0
        L += weight * A[..., k]
    return L


@pytest.mark.equation("8.5", "8.7", "8.9")
@pytest.mark.parametrize(("method", "loop"), [(hires_cam, loop_hires), (xgrad_cam, loop_xgrad),
                                              (layer_cam, loop_layer), (grad_cam_plus_plus, loop_plus_plus)])
def test_family_by_hand(flat, signed, pictures, method, loop):
    """Each method is its formula: an ordinary tape and loops, on a head that is not linear, also for negative maps.

    (8.5) HiResCAM: each activation times its own slope, added over the channels.
    (8.7) The weights of XGrad-CAM: the slopes, each weighted by its cell's share of the channel.
    (8.9) LayerCAM: each activation times the positive part of its slope, added over the channels.
    """
    for model, layer in ((flat, "maps"), (flat, "inner"), (signed, "inner")):
        A, G = taped(model, pictures, 2, layer)
        close(method(model, pictures, 2, layer), [loop(a, g) for a, g in zip(A, G, strict=True)], 1e-5)


def test_one_map_on_average_and_dense(network, unseen):
    """Behind the average and one Dense layer HiResCAM and XGrad-CAM are Grad-CAM: the CAM over Z."""
    images, labels = unseen.images[:50], unseen.labels[:50]
    expected = class_activation_map(network, images, labels) / 144
    for method in (grad_cam, hires_cam, xgrad_cam):
        close(method(network, images, labels), expected, 1e-5)


def test_layer_cam_is_the_positive_part_of_cam(network, unseen):
    """There LayerCAM is the CAM over Z without the negative class weights: the evidence for, not that against."""
    A, _ = Probe(network).forward(unseen.images[:50])
    W = Probe(network).head()[0][:, 3]
    close(layer_cam(network, unseen.images[:50], 3), A.astype(float) @ np.maximum(W, 0) / 144, 1e-5)


@pytest.mark.equation("8.6")
def test_hires_cam_is_complete(small, pictures):
    """Behind ReLU, pooling and layers without biases the cells of HiResCAM add up to the logit; with biases not.

    (8.6) Behind layers without biases that keep scale, the cells of HiResCAM add up to the logit.
    """
    def net(bias):
        return small(layers.Conv2D(6, 3, activation="relu", use_bias=bias), layers.MaxPooling2D(), layers.Flatten(),
                     layers.Dense(7, activation="leaky_relu", use_bias=bias), layers.Dense(4, use_bias=bias))

    for c in range(4):
        S = net(False)(pictures).numpy()[:, c]
        close(hires_cam(net(False), pictures, c, "maps").sum((1, 2)), S, 1e-5)
        assert np.abs(grad_cam(net(False), pictures, c, "maps").sum((1, 2)) - S).max() > 0.1 * np.abs(S).max()
    rest = hires_cam(net(True), pictures, 1, "maps").sum((1, 2)) - net(True)(pictures).numpy()[:, 1]
    assert np.abs(rest).min() > 0.01


@pytest.mark.equation("8.8")
def test_xgrad_cam_keeps_the_sum(flat, pictures):
    """The cells of XGrad-CAM have the sum of slope times activation, as those of HiResCAM, and Grad-CAM's not.

    (8.8) The cells of XGrad-CAM add up to all slopes times activations.
    """
    for c in range(4):
        A, G = taped(flat, pictures, c, "maps")
        expected = (A * G).sum((1, 2, 3))
        close(xgrad_cam(flat, pictures, c, "maps").sum((1, 2)), expected, 1e-5)
        close(hires_cam(flat, pictures, c, "maps").sum((1, 2)), expected, 1e-5)
        assert np.abs(grad_cam(flat, pictures, c, "maps").sum((1, 2)) - expected).max() > 0.1 * np.abs(expected).max()


def test_layer_cam_is_hires_cam_where_nothing_falls(small, pictures):
    """LayerCAM is at least HiResCAM, and the same where every slope is positive."""
    model = small(layers.Flatten(), layers.Dense(4))
    A, G = taped(model, pictures, 0, "maps")
    assert (layer_cam(model, pictures, 0) >= hires_cam(model, pictures, 0)).all()
    model.layers[-1].set_weights([np.abs(a) for a in model.layers[-1].get_weights()])
    close(layer_cam(model, pictures, 0), hires_cam(model, pictures, 0), 1e-6)


def test_slopes_scale_with_the_logits(small, pictures):
    """Logits three times as large give maps three times as large; Grad-CAM++ damps them."""
    one, three = (small(layers.Flatten(), layers.Dense(4)) for _ in range(2))
    three.layers[-1].set_weights([3 * a for a in one.layers[-1].get_weights()])
    for method in (grad_cam, hires_cam, xgrad_cam, layer_cam):
        close(method(three, pictures, 1), 3 * method(one, pictures, 1), 1e-5)
    assert grad_cam_plus_plus(three, pictures, 1).sum() < 2 * grad_cam_plus_plus(one, pictures, 1).sum()


# -- Grad-CAM++ ----------------------------------------------------------------------------------------


def derivatives(model, A, c):
    """The first three derivatives of exp(S_c) by each cell of A (h, w, K) alone, from three nested tapes, and S_c."""
    alone = tf.reshape(tf.eye(A.size, dtype="float64"), (-1, *A.shape))
    t = tf.zeros(A.size, "float64")
    with tf.GradientTape() as third, tf.GradientTape() as second, tf.GradientTape() as first:
        for tape in (first, second, third):
            tape.watch(t)
        x = A + t[:, None, None, None] * alone
        for layer in model.layers[1:]:
            x = layer(x)
        Y = tf.exp(x[:, c])
        with first.stop_recording():
            d1 = first.gradient(Y, t)
        d2 = second.gradient(d1, t)
        d3 = third.gradient(d2, t)
    return [d.numpy().reshape(A.shape) for d in (d1, d2, d3)], float(x[0, c])


@pytest.mark.equation("8.10", "8.11", "8.12")
def test_plus_plus_is_the_quotient_of_derivatives(small, pictures):
    """On a ReLU head beta is the paper's quotient of second and third derivatives of exp(S): nested tapes say so.

    With the activations inside the sum, sum_ab A_ab G_ab^3, it is not: half of the cells are wrong by a tenth or more.

    (8.10) The weights of Grad-CAM++: positive slopes of a score Y, each weighted by its beta.
    (8.11) Beta is made of the second and third derivatives of Y.
    (8.12) With Y = exp(S) and a head of ReLU layers the first derivative is enough.
    """
    model = small(layers.Flatten(dtype="float64"), layers.Dense(6, activation="relu", dtype="float64"),
                  layers.Dense(4, dtype="float64"), dtype="float64")
    for image in pictures[:2]:
        A, G = (a[0] for a in taped(model, image[None], 1, "maps"))
        (d1, d2, d3), S = derivatives(model, A, 1)
        bends = d2 != 0
        beta = np.divide(d2, 2 * d2 + A.sum((0, 1)) * d3, out=np.zeros_like(d2), where=bends)
        close(beta[bends], (1 / (2 + G * A.sum((0, 1))))[bends], 1e-10)
        weights = (beta * np.maximum(d1, 0)).sum((0, 1)) / np.exp(S)
        close(grad_cam_plus_plus(model, image[None], 1, "maps")[0], A @ weights, 1e-10)
        inside = (G**2 / (2 * G**2 + (A * G**3).sum((0, 1))))[bends]
        assert np.median(np.abs(inside / beta[bends] - 1)) > 0.1


@pytest.mark.equation("8.13")
def test_plus_plus_on_average_and_dense(network, unseen):
    """There the weight is max(W, 0) / (2 + W F): a channel adds less than 1 to the map's mean, however much it says.

    (8.13) Behind the average and one Dense layer the weight of Grad-CAM++ saturates: it is max(W, 0) / (2 + W F).
    """
    images, labels = unseen.images[:50], unseen.labels[:50]
    A, _ = Probe(network).forward(images)
    A, W = A.astype(float), Probe(network).head()[0].T[labels].astype(float)
    F = A.mean((1, 2))
    L = grad_cam_plus_plus(network, images, labels)
    close(L, np.einsum("nijk,nk->nij", A, np.maximum(W, 0) / (2 + W * F)), 1e-5)
    told = np.maximum(W * F, 0)
    close(L.mean((1, 2)), (told / (2 + told)).sum(1), 1e-5)


def test_plus_plus_elsewhere_on_average_and_dense(network, unseen):
    """There it is the same with the sum inside; with normalised beta it is Grad-CAM without its negative weights."""
    A, _, G = Probe(network).gradient(unseen.images[:20], 3)
    A, G, W = A.astype(float), G.astype(float), Probe(network).head()[0][:, 3]
    inside = (np.maximum(G, 0)**3 / (2 * G**2 + (A * G**3).sum((1, 2), keepdims=True))).sum((1, 2))
    close(grad_cam_plus_plus(network, unseen.images[:20], 3), weighted_maps(A, inside), 1e-5)
    beta = 1 / (2 + G * A.sum((1, 2), keepdims=True))
    normalised = (beta * np.maximum(G, 0)).sum((1, 2)) / beta.sum((1, 2))
    close(normalised, np.broadcast_to(np.maximum(W, 0) / 144, normalised.shape), 1e-5)


def test_plus_plus_in_four_libraries():
    """The chapter's example: two cells 1 and 3 with the slopes 1 and 2. Every number of its table is this one."""
    A, G = np.array([1.0, 3]), np.array([1.0, 2])
    weight = grad_cam_plus_plus(*two_cells(A, G), 0)[0, 0] / A
    np.testing.assert_allclose(weight, 1 / 6 + 2 / 10, rtol=1e-6)
    beta = 1 / (2 + G * A.sum())
    others = {
        "sum outside": (beta * G).sum(),
        "sum inside": (G**3 / (2 * G**2 + (A * G**3).sum())).sum(),
        "not divided": (G**3).sum(),
        "normalised": (beta * G).sum() / beta.sum(),
    }
    page = prose()
    for name, digits in {"sum outside": "0.367", "sum inside": "0.279", "not divided": "9.000",
                         "normalised": "1.375"}.items():
        assert f"{others[name]:.3f}" == digits
        assert f"| {digits} |" in page, name
    small_weight = grad_cam_plus_plus(*two_cells(A, G / 1000), 0)[0, 0, 0]
    with_eps = (G**3 / 1e9 / (2 * G**2 / 1e6 + A.sum() * G**3 / 1e9 + 1e-6)).sum()
    assert (f"{small_weight:.6f}", f"{with_eps:.6f}") == ("0.001495", "0.001219")
    assert "0.001495" in page and "0.001219" in page


def test_plus_plus_is_nearly_the_positive_slopes(network, unseen):
    """What the chapter says of the course's network, two layers before the last: the picture is that of max(G, 0)."""
    A, _, G = Probe(network, "relu2").gradient(unseen.images[:100])
    A, G = A.astype(float), G.astype(float)
    rising, L = np.maximum(G, 0), grad_cam_plus_plus(network, unseen.images[:100], layer="relu2")
    assert correlations(L, weighted_maps(A, rising.sum((1, 2)))).mean() > 0.95
    assert correlations(L, weighted_maps(A, (rising**3).sum((1, 2)))).mean() < 0.9  # not divided
    beta = np.where(G != 0, 1 / (2 + G * A.sum((1, 2), keepdims=True)), 0)
    normalised = (beta * rising).sum((1, 2)) / np.maximum(beta.sum((1, 2)), 1e-9)
    assert correlations(L, weighted_maps(A, normalised)).mean() < 0.9


def test_plus_plus_without_a_denominator():
    """Where a map has negative cells, 2 + G sum(A) can be zero: that cell counts nothing, the others do."""
    np.testing.assert_array_equal(grad_cam_plus_plus(*two_cells([-3, 1], [1, 2]), 0), [[[3, -1]]])
    np.testing.assert_array_equal(grad_cam_plus_plus(*two_cells([-3, 1], [1, 1]), 0), [[[0, 0]]])


def test_plus_plus_does_not_overflow():
    """exp(1000) is no number, but the map is."""
    assert np.isfinite(grad_cam_plus_plus(*two_cells([300, 100], [3, 1]), 0)).all()


# -- the family by trying ------------------------------------------------------------------------------


@pytest.mark.equation("8.14")
@pytest.mark.parametrize("layer", ["maps", "inner"])
def test_ablation_cam_by_hand(flat, pictures, layer):
    """Ablation-CAM is the drop of the logit without the channel, by the network's own layers, times the map.

    (8.14) Ablation-CAM's weight of a channel is what the logit loses without it.
    """
    first = flat.layers.index(flat.get_layer(layer)) + 1
    A, _ = taped(flat, pictures, 0, layer)

    def logit(maps):
        for part in flat.layers[first:]:
            maps = part(maps)
        return maps.numpy()[:, 2]

    expected = np.zeros(A.shape[:3])
    for k in range(A.shape[3]):
        maps = A.copy()
        maps[..., k] = 0
        expected += (logit(A) - logit(maps))[:, None, None] * A[..., k]
    close(ablation_cam(flat, pictures, 2, layer), expected, 1e-5)


@pytest.mark.equation("8.15")
def test_ablation_cam_on_average_and_dense(network, unseen):
    """There the drop is W_k F_k: the weights add up to the logit less its bias.

    (8.15) Behind the average and one Dense layer Ablation-CAM's weight is the channel's part of the logit, W_k F_k.
    """
    images, labels = unseen.images[:3], unseen.labels[:3]
    A, S = Probe(network).forward(images)
    W, b = Probe(network).head()
    drops = W.T[labels] * A.mean((1, 2))
    close(drops.sum(1), S[range(3), labels] - b[labels], 1e-5)
    close(ablation_cam(network, images, labels), np.einsum("nijk,nk->nij", A, drops), 1e-5)


def test_ablation_cam_knows_no_zero_of_the_logit(small, pictures):
    """A bias of the last layer changes nothing; divided by the logit, as in the paper, the map would turn over."""
    above, below = (small(layers.GlobalAveragePooling2D(), layers.Dense(4)) for _ in range(2))
    kernel, bias = above.layers[-1].get_weights()
    above.layers[-1].set_weights([kernel, bias + 20])
    below.layers[-1].set_weights([kernel, bias - 20])
    assert above(pictures).numpy().min() > 0 > below(pictures).numpy().max()
    close(ablation_cam(below, pictures, 1), ablation_cam(above, pictures, 1), 1e-5)


def score_cam_by_hand(model, images, c, layer):
    """Score-CAM one mask at a time, enlarged by Keras, in float64, with the paper's baseline."""
    A, _ = taped(model, images, c, layer)
    expected = []
    for image, maps in zip(images, A, strict=True):
        rises = {}
        for k in range(maps.shape[2]):
            large = keras.ops.convert_to_numpy(keras.ops.image.resize(maps[..., k:k + 1], image.shape[:2], "bilinear"))
            if np.ptp(maps[..., k]) > 0:
                mask = (large - large.min()) / (large.max() - large.min())
                rises[k] = float(model(mask[None] * image)[0, c] - model(0 * image[None])[0, c])
        total = sum(np.exp(rise) for rise in rises.values())
        expected.append(sum(np.exp(rise) / total * maps[..., k] for k, rise in rises.items()))
    return np.stack(expected)


@pytest.mark.equation("8.16", "8.17")
def test_score_cam_by_hand(flat, uneven, signed, pictures):
    """Score-CAM is its formula, also with negative maps, and with an empty and a constant one, which are no mask.

    (8.16) A mask of Score-CAM is the enlarged map, stretched to the range from 0 to 1.
    (8.17) The weights of Score-CAM are the softmax of the logits that the masked pictures get.
    """
    for model, c, layer in ((flat, 2, "maps"), (uneven, 1, "maps"), (signed, 3, "inner")):
        expected = score_cam_by_hand(model, pictures[:3], c, layer)
        close(score_cam(model, pictures[:3], c, layer), expected, 1e-5)


def test_score_cam_is_an_average_of_the_maps(flat, pictures):
    """The weights are positive and add up to 1: no cell leaves the range of its channels, whatever the class."""
    A, _ = Probe(flat, "maps").forward(pictures)
    for c in range(4):
        L = score_cam(flat, pictures, c, "maps")
        assert (L >= A.min(3) - 1e-6).all() and (L <= A.max(3) + 1e-6).all()


def test_score_cam_of_huge_logits(small, pictures):
    """Logits of millions give all the weight to one channel, and no overflow."""
    model = small(layers.GlobalAveragePooling2D(), layers.Dense(4))
    model.layers[-1].set_weights([1e7 * a for a in model.layers[-1].get_weights()])
    A, _ = Probe(model).forward(pictures)
    away = np.abs(A - score_cam(model, pictures, 0)[..., None]).max((1, 2)).min(1)
    np.testing.assert_allclose(away, 0, atol=1e-6)


@pytest.mark.parametrize("method", BY_TRYING)
def test_order_of_channels_is_free(pooled, small, pictures, method):
    """Channels in another order, with their class weights, give the same map."""
    other, order = small(layers.GlobalAveragePooling2D(), layers.Dense(4)), [3, 0, 4, 2, 1]
    kernel, bias, W, b = pooled.get_weights()
    other.set_weights([kernel[..., order], bias[order], W[order], b])
    close(method(other, pictures, 1), method(pooled, pictures, 1), 1e-5)


@pytest.mark.parametrize("method", BY_TRYING)
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_pieces_do_not_matter(flat, pictures, method, size, monkeypatch):
    """In pieces of any size it is the same map, and never more pictures at once than a batch, or all the images."""
    look, most = Probe(flat, "maps", batch_size=size), []
    for name in ("logits", "logits_from"):
        def counted(images, *maps, run=getattr(look, name)):
            most.append(len(images))
            return run(images, *maps)
        monkeypatch.setattr(look, name, counted)
    close(method(look, pictures[:2]), method(flat, pictures[:2], layer="maps"), 1e-5)
    assert max(most) == min(max(size // 2, 1) * 2, 2 * 5)


@pytest.mark.parametrize("method", BY_TRYING)
def test_a_bar_where_the_reader_waits(pooled, pictures, method, capsys):
    """``progress`` counts the channels on the error stream; without it nothing is written."""
    method(pooled, pictures[:1], 0)
    assert capsys.readouterr().err == ""
    method(pooled, pictures[:1], 0, progress=True)
    assert "trying channels" in capsys.readouterr().err


# -- the family by the maps ----------------------------------------------------------------------------


@pytest.mark.equation("8.18")
def test_eigen_cam_by_hand(flat, pictures):
    """Eigen-CAM is the product with the main eigenvector of A^T A, found by multiplying again and again.

    (8.18) Eigen-CAM weights the channels with the main direction of the activations.
    """
    A, _ = taped(flat, pictures, 0, "maps")
    expected = []
    for maps in A:
        flat_maps, q = maps.reshape(-1, 5), np.ones(5)
        for _ in range(500):
            q = flat_maps.T @ (flat_maps @ q)
            q /= np.sqrt(sum(q**2))
        expected.append((flat_maps @ q).reshape(8, 6))
    L = eigen_cam(flat, pictures, layer="maps")
    close(L, expected, 1e-5)
    assert L.min() >= 0  # as the maps are, behind a ReLU


@pytest.mark.parametrize("sign", [1, -1])
def test_eigen_cam_of_one_map(small, pictures, sign):
    """If all channels are multiples of one map, that map is the answer, up to a factor, with a positive sum."""
    model = small(layers.Conv2D(1, 1, name="one"), layers.Conv2D(4, 1, use_bias=False, name="many"),
                  layers.GlobalAveragePooling2D(), layers.Dense(4))
    model.get_layer("one").set_weights([w * sign for w in model.get_layer("one").get_weights()])
    m, q = taped(model, pictures, 0, "one")[0][..., 0], model.get_layer("many").get_weights()[0].ravel()
    expected = m * np.linalg.norm(q) * np.sign(m.sum((1, 2), keepdims=True))
    close(eigen_cam(model, pictures, layer="many"), expected, 1e-5)


def test_eigen_cam_has_no_class(pooled, pictures):
    """A target is refused, not ignored."""
    for target in (0, [0, 1, 2, 3, 0], lambda logits: logits[:, 0]):
        with pytest.raises(TargetError, match="knows no class: leave the target out"):
            eigen_cam(pooled, pictures, target)


def test_a_map_without_a_class_points_as_well(network, unseen):
    """What the chapter says: on scenes with one object it hits, though it knows no class. The middle does not."""
    masks, hits = unseen.masks[:50], []
    for L in (eigen_cam(network, unseen.images[:50]), grad_cam(network, unseen.images[:50], unseen.labels[:50])):
        hits.append(pointing_game(resize_map(L, masks.shape[1:]), masks).mean())
    assert hits[0] > 0.7 and abs(hits[0] - hits[1]) < 0.1
    assert masks[:, 48, 48].mean() < 0.5


# -- the whole family ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", FAMILY)
def test_shape_and_type(small, pooled, pictures, method):
    """One map (h, w) an image in float32, from half precision too."""
    half = small(layers.GlobalAveragePooling2D(), layers.Dense(4), dtype="mixed_float16")
    for model in (pooled, half):
        L = method(model, pictures)
        assert (L.shape, L.dtype) == ((5, 8, 6), np.float32)


@pytest.mark.parametrize("method", [*FAMILY, guided_grad_cam])
def test_alone_and_in_a_batch(flat, pictures, method):
    """An image has the same map alone and among others: nothing is averaged over the images."""
    alone = np.concatenate([method(flat, pictures[[n]], layer="maps") for n in range(3)])
    close(method(flat, pictures[:3], layer="maps"), alone, 1e-5)


@pytest.mark.parametrize("method", [*BY_GRADIENT[1:], *BY_TRYING])
def test_targets_of_the_family(flat, pictures, method):
    """A class, a class an image, None for the top class, and a function that counts on the order of the images."""
    maps = np.stack([method(flat, pictures, c, "maps") for c in range(4)])
    assert all(np.abs(maps[c] - maps[0]).max() > 0.01 * np.abs(maps).max() for c in (1, 2, 3))
    own = np.array([3, 1, 0, 2, 2])
    close(method(flat, pictures, own, "maps"), maps[own, range(5)], 1e-5)
    close(method(flat, pictures, None, "maps"), maps[flat(pictures).numpy().argmax(1), range(5)], 1e-5)
    function = method(flat, pictures, lambda logits: keras.ops.sum(logits * np.eye(4, dtype="float32")[own], 1), "maps")
    close(function, maps[own, range(5)], 1e-5)


@pytest.mark.parametrize("method", [grad_cam, hires_cam, xgrad_cam, ablation_cam])
def test_two_classes_of_one_sigmoid(small, pictures, method):
    """A single logit z speaks for class 1, and -z for class 0: the map turns over."""
    model = small(layers.GlobalAveragePooling2D(), layers.Dense(1, "sigmoid"))
    close(method(model, pictures, 0), -method(model, pictures, 1), 1e-6)


def test_score_cam_of_one_sigmoid(small, pictures):
    """Score-CAM weights by -z for class 0, which does not turn its map over."""
    model = small(layers.GlobalAveragePooling2D(), layers.Dense(1, "sigmoid"))
    close(score_cam(model, pictures, 0), score_cam(model, pictures, lambda logits: -logits[:, 0]), 1e-6)


@pytest.mark.parametrize("method", FAMILY)
def test_maps_of_zeros(empty, pictures, method):
    """Where nothing fires the map is zero: no division by zero, no NaN, no warning."""
    np.testing.assert_array_equal(method(empty, pictures), np.zeros((5, 8, 6)))


def test_an_empty_and_a_constant_channel(uneven, pictures):
    """XGrad-CAM gives an empty channel no weight, and counts a constant one like any other."""
    A, G = taped(uneven, pictures, 1, "maps")
    assert (A[..., 1] == 0).all() and (A[..., 2] == 2).all()
    close(xgrad_cam(uneven, pictures, 1), [loop_xgrad(a, g) for a, g in zip(A, G, strict=True)], 1e-5)


@pytest.mark.parametrize("method", FAMILY)
def test_errors_of_the_family(flat, pictures, method):
    """A wrong layer, a wrong class and wrong images are refused as the probe refuses them."""
    with pytest.raises(LayerError, match="no layer 'iner' in this model. Did you mean 'inner'"):
        method(flat, pictures, layer="iner")
    with pytest.raises(ImageError, match="this network takes images"):
        method(flat, pictures[:, :5])
    with pytest.raises(TargetError, match="knows no class" if method is eigen_cam else "class 4 is out of range"):
        method(flat, pictures, 4)


@pytest.fixture(scope="module")
def two_inputs():
    """A network that takes a picture and three numbers beside it."""
    picture, numbers = keras.Input((16, 12, 3), name="picture"), keras.Input((3,), name="numbers")
    maps = layers.Conv2D(5, 3, 2, "same", activation="relu", name="maps")(picture)
    joined = layers.Concatenate()([layers.GlobalAveragePooling2D()(maps), numbers])
    return keras.Model([picture, numbers], layers.Dense(4)(joined))


def test_a_second_input(two_inputs, pictures):
    """Ablation-CAM hands other inputs on as they are: numbers that only shift the logits change nothing."""
    numbers = np.random.default_rng(1).random((5, 3), np.float32)
    expected = grad_cam(two_inputs, [pictures, numbers], 1)
    assert np.abs(expected).max() > 0
    A, _, G = Probe(two_inputs).gradient([pictures, numbers], 1)
    drops = np.einsum("nijk,nijk->nk", A, G)
    for images in ([pictures, numbers], {"picture": pictures, "numbers": numbers}):
        close(ablation_cam(two_inputs, images, 1), np.einsum("nijk,nk->nij", A, drops), 1e-5)


def test_score_cam_masks_one_picture(two_inputs, pictures):
    """Several inputs have no mask: a dict, a list or a tuple of them is refused."""
    numbers = np.zeros((5, 3), np.float32)
    for images in ([pictures, numbers], (pictures, numbers), {"picture": pictures, "numbers": numbers}):
        with pytest.raises(ImageError, match="Score-CAM masks one picture"):
            score_cam(two_inputs, images)


def test_a_list_of_images_is_a_batch(pooled, pictures):
    """As everywhere in camlib."""
    for method in FAMILY:
        np.testing.assert_array_equal(method(pooled, list(pictures)), method(pooled, pictures))


# -- guided Grad-CAM -----------------------------------------------------------------------------------


@keras.ops.custom_gradient
def guided_relu(x):
    """ReLU whose way back hands on only what is positive, where its input was."""
    def back(*args, upstream=None):
        R = args[-1] if upstream is None else upstream
        return keras.ops.maximum(R, 0) * keras.ops.cast(x > 0, R.dtype)
    return keras.ops.relu(x), back


@pytest.mark.equation("8.19")
@pytest.mark.parametrize("layer", ["maps", "inner"])
def test_guided_grad_cam_by_hand(flat, pictures, layer):
    """Guided backpropagation by a ReLU with its own gradient, times Grad-CAM's positive part, enlarged by Keras.

    (8.19) Guided Grad-CAM is guided backpropagation times the positive part of the map, enlarged.
    """
    copy = keras.models.clone_model(flat)
    copy.set_weights(flat.get_weights())
    for part in copy.layers:
        if getattr(part, "activation", None) is keras.activations.relu:
            part.activation = guided_relu
    with tf.GradientTape() as tape:
        x = tf.convert_to_tensor(pictures)
        tape.watch(x)
        score = copy(x)[:, 2]
    R, L = tape.gradient(score, x).numpy(), by_hand(flat, pictures, 2, layer)
    large = keras.ops.convert_to_numpy(keras.ops.image.resize(L[..., None], (16, 12), "bilinear"))
    assert (large < 0).any() and (R < 0).any()
    found = guided_grad_cam(flat, pictures, 2, layer)
    assert (found.shape, found.dtype) == (pictures.shape, np.float32)
    close(found, R * np.maximum(large, 0), 1e-5)


def test_guided_grad_cam_is_silent_where_the_map_is(network, pairs):
    """Where the enlarged map is not positive nothing is drawn; elsewhere it is guided backpropagation, weighted."""
    images, c = pairs.images[:10], pairs.labels[:10, 0]
    L, R = resize_map(grad_cam(network, images, c), 96), saliency(network, images, c, "guided")
    found = guided_grad_cam(network, images, c)
    assert (found[L <= 0] == 0).all()
    close(found[L > 0] / L[L > 0][:, None], R[L > 0], 1e-4)
    close(guided_grad_cam(network, images), guided_grad_cam(network, images, network(images).numpy().argmax(1)), 1e-6)


def test_guided_grad_cam_of_a_function(flat, pictures):
    """A function of the logits as target goes to both factors: twice the logit gives four times the picture."""
    found = guided_grad_cam(flat, pictures, lambda logits: 2 * logits[:, 1])
    close(found, 4 * guided_grad_cam(flat, pictures, 1), 1e-5)


def test_guided_grad_cam_channels_first(pictures):
    """A model that takes (N, C, H, W) gets the same picture, in its own order."""
    def model(order, shape):
        x = keras.Input(shape)
        y = layers.ReLU()(layers.UpSampling2D(1, data_format=order)(x))
        net = keras.Model(x, layers.Dense(2)(layers.GlobalAveragePooling2D(data_format=order)(y)))
        net.set_weights([np.array([[1, 2], [-1, 0.5], [3, 1]]), np.zeros(2)])
        return net

    x = pictures - 0.5
    expected = guided_grad_cam(model("channels_last", (16, 12, 3)), x, 0)
    found = guided_grad_cam(model("channels_first", (3, 16, 12)), np.moveaxis(x, 3, 1), 0)
    assert expected.any()
    close(np.moveaxis(found, 1, 3), expected, 1e-6)


def test_guided_grad_cam_refuses(two_inputs, flat, pictures):
    """Several inputs, a network without ReLU, a wrong layer, class or size: each its own error."""
    smooth = keras.Sequential([keras.Input((16, 12, 3)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(2)])
    with pytest.raises(ImageError, match="a model with one input"):
        guided_grad_cam(two_inputs, [pictures, np.zeros((5, 3), np.float32)])
    with pytest.raises(LayerError, match="the rule 'guided' changes ReLU"):
        guided_grad_cam(smooth, pictures)
    with pytest.raises(LayerError, match="Did you mean 'inner'"):
        guided_grad_cam(flat, pictures, 0, "iner")
    with pytest.raises(TargetError, match="class 4 is out of range"):
        guided_grad_cam(flat, pictures, 4)
    with pytest.raises(ImageError, match="this network takes images"):
        guided_grad_cam(flat, pictures[:, :5])


# -- PyTorch -------------------------------------------------------------------------------------------


@pytest.mark.equation("8.3")
def test_the_pytorch_code_of_the_chapter(capsys):
    """The block that the notebook prints runs as it stands, and its maps are camlib's for the same weights in Keras."""
    pytest.importorskip("torch")
    block, = re.findall(r"```python\n(import torch\n.*?)```", prose(), re.DOTALL)
    names = {}
    exec(compile(block, "08_grad_cam", "exec"), names)
    assert capsys.readouterr().out == "True\n"
    assert not names["network"][4]._forward_hooks
    x, c, S, L, M = (names[name].detach().numpy() for name in ("x", "c", "S", "L", "M"))
    weights = [part.detach().numpy() for part in names["network"].parameters()]
    assert c[0] != c[1] and L.min() < 0 < L.max()
    close(L, M / 192, 1e-5)
    close(M.mean((1, 2)) + weights[5][c], S[range(2), c], 1e-5)
    model = keras.Sequential([
        keras.Input((32, 24, 3)), layers.Conv2D(8, 5, padding="same", activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(16, 3, padding="same", activation="relu"), layers.GlobalAveragePooling2D(), layers.Dense(8)])
    model.set_weights([part.transpose(2, 3, 1, 0) if part.ndim == 4 else part.T for part in weights])
    pictures = x.transpose(0, 2, 3, 1)
    close(L, grad_cam(model, pictures, c), 1e-5)
    close(M, class_activation_map(model, pictures, c), 1e-5)
