"""Self-checks of chapter 2: from convolution to a CNN."""

import numpy as np

from ..checks import choice, number, same, shaped
from ..cnn import softmax
from ..convolution import cross_correlation
from . import exercise


@exercise
def relu_and_pool(matters, window, times):
    """For which pooling the order ``matters``; a ``window`` (2, 2) that shows it; ``times`` fewer numbers for ReLU."""
    largest = "ReLU never falls, so the largest of a window stays the largest."
    choice(matters, "mean", {
        "maximum": largest, "mean": "", "both": largest, "neither": "Try windows with numbers of both signs."},
        "where the order matters")
    shaped(window, (2, 2), "your window")
    pooled, rectified = max(np.mean(window), 0), np.maximum(window, 0).mean()
    if np.isclose(pooled, rectified):
        raise AssertionError(f"your window: the order does not show, both give a mean of {pooled:.3g}")
    number(times, 4, "times fewer numbers", wrong={
        "that is along one axis, and a window has two": 2, "the other way round": 0.25})
    return "Networks put ReLU first all the same: with the maximum it costs a little time and changes no number."


@exercise
def count_vgg(whole, share, small):
    """Parameters of the ``whole`` network; ``share`` of the first Dense layer; what the ``small`` one would have."""
    channels = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    weights = [9 * a * b for a, b in zip(channels, channels[1:])]
    convolutions = sum(weights) + sum(channels[1:])
    sides = [7 * 7 * 512, 4096, 4096, 1000]
    dense = [(a + 1) * b for a, b in zip(sides, sides[1:])]
    everything, head = convolutions + sum(dense), 512 * 1000 + 1000
    number(whole, everything, "all parameters", wrong={
        "the biases are missing": sum(weights) + sum(dense) - sum(sides[1:]), "those are the convolutions alone":
        convolutions, "those are the Dense layers alone": sum(dense),
        "an average or six poolings too many: 7 × 7 cells go into the first Dense layer":
        everything - 48 * 512 * 4096})
    number(share, dense[0] / everything, "share in the first Dense layer", wrong={
        "a share is between 0 and 1, this is in percent": 100 * dense[0] / everything,
        "that is the share of all three Dense layers": sum(dense) / everything,
        "that is the share of the convolutions": convolutions / everything})
    number(small, convolutions + head, "with an average and one Dense layer", wrong={
        "the biases are missing": sum(weights) + head - 1000, "that is the head alone": head,
        "the average leaves one number a channel, not 7 × 7": convolutions + (7 * 7 * 512 + 1) * 1000,
        "three Dense layers are left: one is wanted": convolutions + (512 + 1) * 4096 + sum(dense[1:])})
    return "An average in place of Flatten saves nearly nine tenths of this network, and later ones end that way."


@exercise
def mean_is_a_convolution(kernel, stride, windows):
    """``kernel`` (q, K) -> (q, q, K, K); the ``stride`` for q = 2; two ``windows`` (2, 2, 2) for the maximum."""
    rng = np.random.default_rng(1)
    for q, K in ((2, 24), (3, 2), (4, 5)):
        found, one = kernel(q, K), np.tile(np.eye(K), (q, q, 1, 1))
        same(found, one / q**2, f"kernel(q = {q}, K = {K})", wrong={
            "a sum: it is divided by nothing": one, f"divided by {q}, and a window has {q} × {q} cells": one / q,
            "every channel looks at all channels": np.ones_like(one) / q**2,
            "every channel is the mean of all channels": np.ones_like(one) / (q**2 * K)})
        maps = rng.normal(size=(2, 2 * q, 3 * q, K))
        same(cross_correlation(maps, found, stride=q), maps.reshape(2, 2, q, 3, q, K).mean((2, 4)), "the convolution")
    number(stride, 2, "stride", wrong={"then the windows overlap": 1})
    shaped(windows, (2, 2, 2), "your windows")
    a, b = np.asarray(windows)
    if np.isclose(np.max(a + b), np.max(a) + np.max(b)):
        raise AssertionError("your windows: their maxima add up here, as those of two windows with one peak do")
    return "What is linear is a convolution or a Dense layer, and the maximum is neither."


@exercise
def temperature(by_adding, by_multiplying, sharper, factor):
    """What changes ``by_adding``, ``by_multiplying``; ``sharper`` (p) -> p of 3 S; the ``factor`` of a far-off loss."""
    order = "The largest logit stays the largest."
    choice(by_adding, "nothing", {
        "answers": order, "probabilities": "Above and below the line of the softmax stands the same factor.",
        "losses": "They know of the logits only what the probabilities say.", "nothing": ""}, "by adding")
    choice(by_multiplying, {"probabilities", "losses"}, {
        "answers": order, "probabilities": "", "losses": "", "nothing": "Compare the largest probabilities."},
        "by multiplying")
    for shape in ((6, 8), (3, 2)):
        p = softmax(2 * np.random.default_rng(1).normal(size=shape))
        same(sharper(p), softmax(3 * np.log(p)), f"sharper(p {shape})", wrong={
            "these do not add up to 1": p**3, "these are less sure than p": softmax(np.log(p) / 3),
            "they must add up to 1 in each scene, not over the scenes": p**3 / (p**3).sum(0),
            "p are no logits": softmax(3 * p), "p are no logits, and 3 is missing": softmax(p)})
    number(factor, 3.0, "factor of a far-off loss", rtol=0.05, wrong={
        "that is a ratio of probabilities, not of losses": np.exp(3), "that is a ratio of ratios, not of losses": 27})
    return "A factor on the logits is called temperature: it says how sure, and never which."
