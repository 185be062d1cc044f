"""Self-checks of chapter 8: Grad-CAM and its family."""

from functools import cache

import numpy as np

from .. import course_network, scenes
from ..checks import choice, number, same, within
from ..cnn import softmax
from ..grad_cam import grad_cam, hires_cam, xgrad_cam
from ..probe import Probe
from . import exercise

METHODS = {method.__name__: method for method in (grad_cam, hires_cam, xgrad_cam)}


@cache
def _look():
    return Probe(course_network.load())


@exercise
def difference(maps, fades):
    """``maps`` (4, 12, 12): Grad-CAM of S_c - S_d of the first four pairs; ``fades``: "yes" or "no"."""
    x, labels = (values[:4] for values in scenes.make(4, seed=2, objects=2)[:2])
    (A, S), (W, b) = _look().forward(x), _look().head()
    n, (c, d), Z = np.arange(4), labels.T, A[0, :, :, 0].size
    M, p = np.einsum("nijk,kc->nijc", A, W) / Z, softmax(S.astype(float))
    first, second = M[n, :, :, c], M[n, :, :, d]
    mean = np.einsum("nijc,nc->nij", M, p)
    of_p, of_q = (p[n, k][:, None, None] * (M[n, :, :, k] - mean) for k in (c, d))
    same(maps, first - second, "your maps", wrong={
        "the first class alone": first, "the second class alone": second, "the second less the first": second - first,
        "the sum of the two": first + second, "of the probability of the first class": of_p,
        "of the difference of the probabilities": of_p - of_q,
        "cut off before they are subtracted": np.maximum(first, 0) - np.maximum(second, 0)})
    same(np.sum(maps, (1, 2)), S[n, c] - S[n, d] - b[c] + b[d], "sums of your maps")
    choice(fades, "no", {"no": "", "yes": "Equation (8.4) fades by its factor and its rivals' shares. Which are here?"})
    return "A map of evidence for and against, over Z, that keeps its strength however sure the network is."


@exercise
def flatten_linear(linear, adds_up, exact):
    """``linear``: the network; ``adds_up``: the methods whose sum + bias is the logit; ``exact``: the exact one."""
    images, c = scenes.make(6, seed=12).images, 3
    A, look = _look().forward(images)[0], Probe(linear)
    kernel, bias = linear.layers[-1].get_weights()
    within(np.abs(bias).max(), 1e-9, np.inf, "the largest bias of your last layer")
    within(kernel.std(), 1e-9, np.inf, "the spread of your weights")
    same(np.zeros(kernel.shape), np.zeros((9216, 8)), "your last layer's kernel")
    logits = look.logits(images)
    same(logits, A.reshape(6, -1) @ kernel + bias, "your network's logits", 1e-3, {
        "a ReLU behind the Dense layer": np.maximum(A.reshape(6, -1) @ kernel + bias, 0)})
    maps = {name: method(look, images, c) for name, method in METHODS.items()}
    true = np.einsum("nijk,ijk->nij", A, kernel[:, c].reshape(12, 12, 64))
    size = np.abs(true).sum((1, 2)).max()
    sums = {name for name in METHODS if np.abs(maps[name].sum((1, 2)) + bias[c] - logits[:, c]).max() < 1e-4 * size}
    choice(adds_up, sums, {name: "Take the sum of its map, add the bias, and look at the logit." for name in METHODS},
           "the methods that add up")
    same_map = {name: np.abs(maps[name] - true).max() for name in METHODS}
    choice(exact, min(same_map, key=same_map.get), {
        name: "Compare it, cell by cell, with the sum of weight times activation." for name in METHODS}, "the exact map")
    return "Two have the right sum; one of them also has it in the right cells."


@exercise
def two_say_the_same(twice, score, ablation, gradient):
    """``twice`` (h, w, 2): maps; ``score(maps)``: the head; ``ablation``, ``gradient`` (h, w): their maps."""
    A = np.asarray(twice, float)
    same(np.zeros(A.shape), np.zeros((*A.shape[:2], 2)), "your maps")
    within(np.abs(A).max(), 1e-9, np.inf, "the largest value of your maps")
    same(A[..., 1], A[..., 0], "your second channel")
    logit, channels = float(score(A)), np.eye(2)
    for k in range(2):
        number(score(A * (1 - channels[k])), logit, f"the logit without channel {k}")
    within(logit - score(0 * A), 1e-9, np.inf, "the fall of the logit without both")
    drops = [logit - score(A * (1 - channels[k])) for k in range(2)]
    same(ablation, A @ drops, "your Ablation-CAM", wrong={
        "the drop is that of both channels together": A.sum(2) * (logit - score(0 * A)),
        "the maps themselves": A[..., 0]})
    alphas = []
    for k in range(2):
        step = 1e-6 * np.abs(A).max() * channels[k]
        alphas.append((score(A + step) - score(A - step)) / (2 * step[k]) / A[..., 0].size)
    both = 2 * A[..., 0] * max(alphas)
    same(gradient, A @ alphas, "your Grad-CAM", wrong={
        "both channels get the whole slope, and only one of them may": both * 2 if alphas[0] == alphas[1] else both,
        "the slope of the mean, not of a cell: 1/Z is missing": A @ alphas * A[..., 0].size})
    return "A channel with a double is not missed when it goes: an empty Ablation-CAM does not mean no evidence."


@exercise
def plus_plus_by_hand(grad, xgrad, plus_plus):
    """The weights of one channel with the cells (1, 3) and the slopes (1, 2), by three methods."""
    A, G = np.array([1.0, 3]), np.array([1.0, 2])
    number(grad, G.mean(), "Grad-CAM's weight", wrong={
        "the sum of the slopes, not their mean": G.sum(), "slope times activation": (A * G).sum(),
        "the mean of slope times activation": (A * G).mean(), "weighted by activation: that is XGrad-CAM": A @ G / 4})
    number(xgrad, (A * G).sum() / A.sum(), "XGrad-CAM's weight", wrong={
        "the shares of the cells are missing: divide by the sum of A": A @ G,
        "divided by the number of cells, not by the sum of A": A @ G / 2,
        "weighted by the slopes, not by A": G @ G / G.sum(), "the plain mean": G.mean()})
    number(plus_plus, (G / (2 + G * A.sum())).sum(), "Grad-CAM++'s weight", wrong={
        "the mean over the cells, and (8.10) has a sum": (G / (2 + G * A.sum())).mean(),
        "beta with the cell's own activation, and (8.12) has their sum": (G / (2 + G * A)).sum(),
        "the sum of the betas, without the slopes": (1 / (2 + G * A.sum())).sum(),
        "beta without the 2": (G / (G * A.sum())).sum(),
        "beta without the slope": (G / (2 + A.sum())).sum()})
    return "Three means of the same two slopes: plain, by activation, and damped where the channel says much."
