"""Self-checks of chapter 4: deconvolution."""

from functools import cache

import numpy as np

from .. import cnn, course_network, scenes
from ..checks import choice, number, same
from ..convolution import convolution_matrix
from ..probe import Probe
from ..saliency import saliency
from . import exercise

RULES = ("gradient", "deconvnet", "guided")


@cache
def _chapter():
    """The chapter's probe and its six scenes."""
    return Probe(course_network.load()), scenes.make(6, seed=12)


@exercise
def size(sizes, back, output_padding):
    """Two ``sizes`` with one map size; ``back`` (R, w, size) -> (1, size, size, 1); Keras' number for the larger."""
    same(np.shape(sizes), (2,), "how many sizes")
    small, large = sorted(int(n) for n in sizes)
    if small == large or small < 3 or (small - 3) // 2 != (large - 3) // 2:
        raise AssertionError(f"sizes: {small} and {large} are no two sizes from 3 with the same number of stops")
    rng = np.random.default_rng(1)
    for side in (small, large, 10, 11):
        cells = (side - 3) // 2 + 1
        R, w = rng.normal(size=(1, cells, cells, 1)), rng.normal(size=(3, 3, 1, 1))
        T = convolution_matrix(w, (side, side), 2)
        found = back(R, w, side)
        same(found, (T.T @ R.ravel()).reshape(1, side, side, 1), f"back to {side} × {side}", wrong={
            "the kernel is turned by 180°":
            (convolution_matrix(w[::-1, ::-1], (side, side), 2).T @ R.ravel()).reshape(1, side, side, 1),
            "an inverse, where the transpose is wanted": (np.linalg.pinv(T) @ R.ravel()).reshape(1, side, side, 1)})
        x = rng.normal(size=side * side)
        number((x * np.ravel(found)).sum(), (T @ x) @ R.ravel(), "⟨x, back⟩ against ⟨T x, R⟩")
    number(output_padding, large - small, "output_padding", wrong={"that is for the smaller size": 0})
    return "The size is not in the signal: whoever goes back has to be told."


@exercise
def one_rule(differ, positive):
    """Which rules ``differ`` in the network ``positive``, a keras.Model with the absolute weights."""
    gate = "What would have to be negative for its gate to close?"
    choice(differ, "none", {"none": "", "all": gate, "deconvnet": gate, "guided": gate}, "the rules that differ")
    probe, data = _chapter()
    names, trained, found = [w.path for w in probe.model.weights], probe.model.get_weights(), positive.get_weights()
    if len(found) != len(names):
        raise AssertionError(f"positive: {len(found)} arrays of weights, and {len(names)} are wanted")
    for name, theirs, yours in zip(names, trained, found, strict=True):
        same(yours, np.abs(theirs), f"the weights {name}", wrong={
            "these are the course network's, with their signs": theirs,
            "the negative weights are 0, their size is lost": np.maximum(theirs, 0)})
    signals = [saliency(positive, data.images, 0, rule=rule) for rule in RULES]
    for rule, signal in zip(RULES, signals, strict=True):
        same(signal, signals[0], f"{rule} against gradient")
    return "The three rules part only where something is negative: an input, or a signal on its way back."


@exercise
def white(by_white, by_black, complete):
    """Integrated gradients (1, 96, 96, 3) from either baseline, 64 steps; which of them are ``complete``."""
    probe, data = _chapter()
    painted, c = data.images[[0]].copy(), data.labels[:1]
    painted[0, 40:50, 40:50] = 1
    for yours, name, base, other in ((by_white, "white", 1, 0), (by_black, "black", 0, 1)):
        slope, right = _integrated(probe, painted, c, base)
        same(yours, right, f"from {name}", rtol=0.01, wrong={
            "that is from the other baseline": _integrated(probe, painted, c, other)[1],
            "the mean slope, without the factor in front of it": slope,
            "the factor in front is the whole image, not its distance to the baseline": slope * painted,
            "that is the scene without the square": _integrated(probe, data.images[[0]], c, base)[1]})
        rise = np.subtract(*(probe.logits(x)[0, c[0]] for x in (painted, np.full_like(painted, base))))
        number(np.sum(yours), rise, f"the sum from {name} against the rise of the logit", rtol=0.05)
    choice(complete, "both", {
        "white": "Compare the sum from black with the rise from black, too.", "both": "",
        "black": "Pixels that get 0 add nothing, and need not.", "neither": "Compare with the rise of the logit."},
        "complete")
    return "A baseline decides what may count at all: nothing of its own colour ever will."


@exercise
def softmax(of_p, times, handed_out):
    """Gradient ``of_p`` (1, 96, 96, 3), scene 4; how many ``times`` larger the logit's is; what p ``handed_out``."""
    probe, data = _chapter()
    image, c = data.images[[4]], data.labels[4]
    p = cnn.softmax(probe.logits(image).astype(float))[0]
    slopes = np.concatenate([saliency(probe, image, k) for k in range(8)]).astype(float)
    of_logit = slopes[[c]]
    right = p[c] * (of_logit - np.tensordot(p, slopes, 1))  # the slope of the softmax, by hand
    same(of_p, right, "the gradient of p", rtol=0.02, wrong={
        "that is the gradient of the logit": of_logit, "each logit has a slope of its own, not only the class's":
        p[c] * (1 - p[c]) * of_logit, "that is the slope of another class's probability":
        p[1] * (slopes[[1]] - np.tensordot(p, slopes, 1))})
    ratio = np.abs(of_logit).max() / np.abs(right).max()
    number(times, ratio, "times larger", rtol=0.05, wrong={
        "that says how many times smaller, as a share": 1 / ratio,
        "the slope of the softmax alone does not say it": 1 / (p[c] * (1 - p[c]))})
    grey = np.full_like(image, 0.5)
    rises = {base: p[c] - cnn.softmax(probe.logits(x).astype(float))[0, c] for base, x in
             (("grey", grey), ("black", np.zeros_like(image)))}
    number(handed_out, rises["grey"], "handed out", rtol=0.005, wrong={
        "that is from black": rises["black"], "that is what the logit hands out":
        (probe.logits(image) - probe.logits(grey))[0, c], "that is p itself: grey has some, too": p[c]})
    return "A network that is sure has next to no slope left in p: ask for the logit's."


def _integrated(probe, image, target, base, steps=64):
    """The mean gradient at the middles of equal steps from the baseline to the image, and equation (4.14) of it."""
    at = (np.arange(steps) + 0.5) / steps
    way = image - np.float32(base)
    points = np.float32(base + at[:, None, None, None] * way)
    slope = probe.image_gradient(points, np.repeat(target, steps))[1].mean(0, keepdims=True, dtype=float)
    return slope, slope * way
