"""Self-checks of chapter 7: class activation maps."""

from functools import cache

import numpy as np

from .. import course_network, scenes
from ..cam import class_activation_maps
from ..checks import cam_law, choice, number, same
from ..cnn import softmax
from ..feature_maps import receptive_field_of
from ..images import resize_map
from ..probe import Probe
from . import exercise


@cache
def _chapter():
    """The chapter's six scenes: last maps A (6, h, w, K), logits (6, C), weights W (K, C), bias b (C,)."""
    probe = Probe(course_network.load())
    return *probe.forward(scenes.make(6, seed=12).images), *probe.head()


@exercise
def mean_or_sum(summed):
    """``summed`` (6, h, w): the top class's map of each scene, in the unit in which sum + bias = logit."""
    A, logits, W, b = _chapter()
    top = logits.argmax(1)
    same(summed, np.tensordot(A, W, 1)[np.arange(6), :, :, top] / A[0, :, :, 0].size, "your map")
    cam_law(np.multiply(summed, 144), b[top], logits.max(1), "sum of your map + bias")
    return "The map has another unit; every picture of it is the same."


@exercise
def relu_between(lost, gaps, suffers):
    """``lost(M)``: the gap, from a map M (h, w) alone; ``gaps`` (2, 6): of top and lowest class; ``suffers``."""
    for seed, shape in enumerate(((12, 12), (3, 5))):
        M = np.random.default_rng(seed).normal(size=shape)
        for what, kind in (("", M), (" without a negative cell", np.abs(M)), (" without a positive cell", -np.abs(M))):
            left, cut = np.maximum(kind, 0), np.minimum(kind, 0)
            number(lost(kind), -cut.mean(), f"lost(M) for a map {shape}{what}", wrong={
                "the sum of what was cut off: another unit": -cut.sum(), "the mean of what is left": left.mean(),
                "its sign: without the negative part the mean is larger": cut.mean(),
                "the mean over the cells that were cut, not over all": -kind[kind < 0].mean() if cut.any() else 0})
    A, logits, W, b = _chapter()
    n, classes = np.arange(6), np.stack([logits.argmax(1), logits.argmin(1)])
    M = class_activation_maps(A, W)[n, :, :, classes]
    kept = np.maximum(M, 0).mean((2, 3))
    same(gaps, kept + b[classes] - logits[n, classes], "your gaps", wrong={
        "without the bias": kept - logits[n, classes], "the mean of what is left": kept,
        "the two rows are exchanged": (kept + b[classes] - logits[n, classes])[::-1],
        "logits for gaps": kept + b[classes]})
    choice(suffers, "lowest", {"top": "Compare the two rows of your gaps.", "lowest": ""})
    return "Where the network rejects a class, the part that ReLU cuts off is the larger one in all six pictures."


@exercise
def difference(maps, on_objects):
    """``maps`` (4, 12, 12): M_c - M_d of each scene's classes; ``on_objects`` (4, 2): enlarged, their means."""
    pair = scenes.make(4, seed=21, objects=2)
    A, logits = Probe(course_network.load()).forward(pair.images)
    W, b = _chapter()[2:]
    n, (c, d) = np.arange(4), pair.labels.T
    first, second = (np.einsum("nijk,kn->nij", A, W[:, classes]) for classes in (c, d))
    same(maps, first - second, "your maps", wrong={
        "the second class less the first": second - first, "the map of the first class alone": first,
        "the map of the second class alone": second, "the sum of the two maps": first + second,
        "of the absolute values": np.abs(first) - np.abs(second),
        "cut off before they are subtracted: a ReLU too early?": np.maximum(first, 0) - np.maximum(second, 0)})
    cam_law(maps, b[c] - b[d], logits[n, c] - logits[n, d], "mean of your difference + difference of the biases")
    large = resize_map(first - second, 96)
    means = np.array([[picture[mask].mean() for mask in two] for picture, two in zip(large, pair.masks, strict=True)])
    same(on_objects, means, "your means on the objects", 1e-3, {
        "the two objects are exchanged": means[:, ::-1],
        "the mean over the whole map, with zeros off the object": (large[:, None] * pair.masks).mean((2, 3))})
    return "Positive on the first object and negative on the second, in all four: the answer to why this and not that."


@exercise
def shift(moved, cells, columns):
    """``moved`` (6, 12, 12): maps of the shifted scenes; ``cells``: how far; ``columns``: those the border spares."""
    images = scenes.make(6, seed=12).images
    logits, W = _chapter()[1:3]
    top, look = logits.argmax(1), Probe(course_network.load())

    def maps_of(pictures):
        return np.einsum("nijk,kn->nij", look.forward(pictures)[0], W[:, top])

    right = maps_of(np.roll(images, 8, 2))
    same(moved, right, "your maps", 1e-3, {
        "the maps of the scenes before the shift": maps_of(images),
        "the old maps, rolled: not what the network says at the border": np.roll(maps_of(images), 1, 2),
        "of scenes shifted to the left": maps_of(np.roll(images, -8, 2)),
        "of scenes shifted down": maps_of(np.roll(images, 8, 1)),
        "of scenes shifted by one pixel": maps_of(np.roll(images, 1, 2))})
    number(cells, 1, "your cells", wrong={"that is the shift in pixels": 8, "to the right is positive": -1})
    field, jump, start = receptive_field_of(look, None)
    first = {j: start + jump * j for j in range(12)}
    choice(columns, {str(j) for j in first if first[j] >= 8 and first[j] + field <= 96}, {
        str(j): "Its receptive field reaches over the " + (
            "right border." if first[j] + field > 96 else "left border." if first[j] < 0 else "seam of the roll.")
        for j in first}, "your columns")
    return "A shift by the stride is a shift by one cell, for every cell whose receptive field holds no border."


@exercise
def conv_head(nin):
    """``nin``: the network that ends with a 1 x 1 convolution and the average."""
    W, b = _chapter()[2:]
    look, old = Probe(nin), Probe(course_network.load())
    dense = [layer.name for layer in nin.layers if type(layer).__name__ in ("Dense", "Flatten")]
    number(len(dense), 0, "layers Dense or Flatten in your network")
    images = scenes.make(6, seed=13).images  # not those of the chapter
    (A, S), (maps, yours) = old.forward(images), look.forward(images)
    every = class_activation_maps(A, W)
    same(maps, every + b, "your network's class maps", 1e-3, {
        "the biases are missing": every,
        "cut off: a ReLU behind the convolution?": np.maximum(every + b, 0),
        "a softmax in every cell, over the classes": softmax(every + b),
        "the maps before the convolution": A})
    same(yours, S, "your network's logits", 1e-3, {
        "the largest cell of each map: max-pooling?": (every + b).max((1, 2)), "probabilities": softmax(S)})
    return "The sums are swapped in the network itself: it shows its class maps, less the bias, in its last layer."


@exercise
def flatten_linear(exact, law):
    """``exact(A, kernel)``: the maps (h, w, C) behind Flatten and Dense; ``law``: is the logit their mean or sum?"""
    for seed, (h, w, K, C) in enumerate(((12, 12, 64, 8), (3, 5, 4, 2), (2, 2, 3, 3))):
        rng = np.random.default_rng(seed)
        A, kernel, bias = rng.normal(size=(h, w, K)), rng.normal(size=(h * w * K, C)), rng.normal(size=C)
        right = np.stack([(A.ravel() * column).reshape(h, w, K).sum(2) for column in kernel.T], 2)
        yours, name = exact(A, kernel), f"your map for A {h} × {w} × {K} and {C} classes"
        same(yours, right, name, wrong={
            "the kernel in another order: Flatten runs through rows, columns, channels": np.einsum(
                "ijk,kijc->ijc", A, kernel.reshape(K, h, w, C)),
            "the kernel in another order: rows come before columns": np.einsum(
                "ijk,jikc->ijc", A, kernel.reshape(w, h, K, C)),
            "one weight a channel, the mean of its cells": np.einsum(
                "ijk,kc->ijc", A, kernel.reshape(h, w, K, C).mean((0, 1))),
            "the bias in every cell: the map has none": right + bias})
        same(np.sum(yours, (0, 1)) + bias, A.ravel() @ kernel + bias, "sum of your map + bias")
    choice(law, "sum", {"mean": "Take maps of one cell more: what happens to the logit?", "sum": ""})
    return "Each cell has weights of its own: an exact map, and no CAM: a channel's weight is not one number."
