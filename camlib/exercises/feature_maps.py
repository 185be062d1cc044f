"""Self-checks of chapter 3: feature maps."""

from functools import cache

import numpy as np

from .. import course_network, scenes
from ..checks import choice, number, same, shaped, within
from ..feature_maps import feature_maps, receptive_field_of
from . import exercise


@cache
def _scenes():
    """The chapter's 400 scenes."""
    return scenes.make(400, seed=33)


@cache
def _maps(layer):
    """Maps of a layer for the 400 scenes (400, h, w, K)."""
    return feature_maps(course_network.load(), _scenes().images, layer)[layer]


@exercise
def percentile(stretched, cut_off, no_longer):
    """``stretched`` (map) -> the map, cut and stretched; the share ``cut_off`` of 144 cells; what is lost."""
    rng = np.random.default_rng(1)
    for shape in ((12, 12), (7, 9), (20, 31)):
        one = rng.gamma(1, 5, shape)
        ranked = np.sort(one, None)
        limit = np.interp(0.99 * (one.size - 1), np.arange(one.size), ranked)
        same(stretched(one), np.minimum(one / limit, 1), f"your map {shape}", wrong={
            "stretched to its maximum": one / one.max(), "stretched and not cut off": one / limit,
            "cut off and not stretched": np.minimum(one, limit),
            "cut off first, then stretched by the old maximum": np.minimum(one, limit) / one.max()})
    number(cut_off, 2 / 144, "share of the cells that are cut off", wrong={
        "a share is wanted, not a count": 2, "that is in percent": 200 / 144,
        "that is the rule; count what it does to 144 cells": 0.01, "those are the cells that are not": 142 / 144})
    choice(no_longer, "b", {"a": "The cut cells are the bright ones.", "b": "",
                            "c": "Below the limit all are divided by one number."}, "no longer")
    return "One hot cell darkens the others no more, and how hot it was is gone."


@exercise
def wake(scene, channels, missing, lacks):
    """A ``scene`` with most silent ``channels`` of relu1; colours ``missing`` (K, 3) to those that wake them."""
    peak = _maps("relu1").max((1, 2))  # (400, 24)
    silent = (peak <= 0).sum(1)
    within(scene, 0, 399, "scene")
    shaped(scene, (), "scene")
    if silent[int(scene)] < silent.max():
        raise AssertionError(f"scene: {silent[int(scene)]} channels are silent on it, and on others there are more")
    channels = np.ravel(channels)
    choice(set(channels), set(np.flatnonzero(peak[int(scene)] <= 0)),
           {str(k): "It lights a cell of this scene." for k in range(24)}, "channels")
    colour = _scenes().images.mean((1, 2))  # (400, 3)
    wakers = colour[np.argsort(-peak[:, channels.astype(int)], axis=0, kind="stable")[:20]].mean(0)
    right = wakers - colour[int(scene)]
    same(missing, right, "missing colours", rtol=1e-3, wrong={
        "this scene minus the wakers": -right, "the wakers' own colours": wakers,
        "of the one scene that wakes each most": colour[peak[:, channels.astype(int)].argmax(0)] - colour[int(scene)],
        "the wakers against all scenes": wakers - colour.mean(0)})
    least = ("red", "green", "blue")[right.mean(0).argmax()]
    choice(lacks, least, dict.fromkeys(("red", "green", "blue"), "Of another colour more is missing."), "lacks")
    return "These channels are not dead: scenes in another light wake them."


@exercise
def selective(lost, most, least):
    """Logit ``lost`` (64,) without each channel of relu4, its means over the 16 ``most`` and ``least`` selective."""
    labels = _scenes().labels
    features = _maps("relu4").mean((1, 2), dtype=float)  # (400, 64)
    weights = course_network.load().get_layer("logits").get_weights()[0]
    terms = features[:100] * weights[:, labels[:100]].T  # the average and the Dense layer are sums
    right = terms.mean(0)
    same(lost, right, "logit lost", rtol=1e-3, wrong={
        "the sign is turned round: lost is before minus after": -right,
        "over all 400 scenes": (features * weights[:, labels].T).mean(0),
        "in the first scene alone": terms[0], "of all classes together": features[:100].mean(0) * weights.sum(1),
        "with the channel's share of the map, not of the logit": features[:100].mean(0)})
    ends = [right[ranked].mean() for ranked in _ends(features, labels)]
    few = [right[ranked].mean() for ranked in _ends(features[:100], labels[:100])]
    for yours, which, name in ((most, 0, "most selective"), (least, 1, "least selective")):
        number(yours, ends[which], f"the 16 {name}", wrong={
            "the other end of the ranking": ends[1 - which], "rank by all 400 scenes, as the chapter did": few[which],
            "that is the mean over all channels": right.mean()}, rtol=1e-4)
    return "Selectivity says what a channel tells; its weights say what the network makes of that."


@exercise
def too_small(field, wider, unpooled):
    """``field`` and number of objects ``wider``, without poolings; the network ``unpooled``, a keras.Model."""
    number(field, 7 + 3 * 2 * 2, "field", wrong={
        "that is with both poolings": 53, "the stride of the first layer counts in all later ones": 7 + 3 * 2,
        "the jump stays 2: it does not double without a pooling": 7 + 2 * (2 + 4 + 8),
        "the first kernel is missing": 1 + 3 * 2 * 2})
    boxes = _scenes().boxes
    widths = boxes[:, 2] - boxes[:, 0]
    number(wider, int((widths > 19).sum()), "objects wider than the field", wrong={
        "a count is wanted, not a share": 1.0, "those are wider than the field with the poolings": (widths > 53).sum()})
    theirs, yours = (_kernels(model) for model in (course_network.load(), unpooled))
    if theirs != yours:
        raise AssertionError(f"unpooled: kernels of the shapes {yours}, and {theirs} are wanted")
    last = next(layer for layer in reversed(unpooled.layers) if len(getattr(layer, "kernel", np.empty(0)).shape) == 4)
    size, jump, start = receptive_field_of(unpooled, last)
    number(size, 19, "unpooled: size of the field", wrong={"a pooling is still in it, or a stride": 53})
    number(jump, 2, "unpooled: jump")
    number(start, -8, "unpooled: start of the field", wrong={'nothing is padded, and "same" is wanted': 0})
    return "A cell that sees less than an object can only vote on parts of it, whatever it learns."


@exercise
def before_relu(before, negative, colours):
    """``before`` (12, 12, 64): conv4 of the chapter's butterfly; the share that is ``negative``; its ``colours``."""
    data = _scenes()
    n = (data.masks.sum((1, 2)) * (data.labels == scenes.CLASSES.index("butterfly"))).argmax()
    maps = {name: found[0] for name, found in feature_maps(
        course_network.load(), data.images[n:n + 1], ["conv3", "conv4", "relu4"]).items()}
    same(before, maps["conv4"], "conv4", wrong={
        "that is behind the ReLU": maps["relu4"], "that is conv3": maps["conv3"]})
    share = (maps["conv4"] < 0).mean()
    number(negative, share, "negative share", wrong={
        "a share is between 0 and 1, this is in percent": 100 * share, "those are the positive ones": 1 - share,
        "a share is wanted, not a count": share * maps["conv4"].size})
    same(np.maximum(before, 0), maps["relu4"], "max(0, conv4) against relu4")
    choice(colours, "diverging", {
        "diverging": "", "sequential": "It has no middle, so you cannot see where zero lies."}, "colours")
    return "Cell by cell relu4 = max(0, conv4): the ReLU keeps where a channel answers, and forgets how far off it was."


def _ends(features, labels, n=16):
    """The channels with the largest and with the smallest share of variance between classes, equation (3.9)."""
    means = np.stack([features[labels == c].mean(0) for c in np.unique(labels)])
    of_class = means[np.searchsorted(np.unique(labels), labels)]
    ranked = np.argsort(-(of_class.var(0) / features.var(0)), kind="stable")
    return ranked[:n], ranked[-n:]


def _kernels(model):
    return [tuple(w.shape) for w in model.weights if len(w.shape) == 4]
