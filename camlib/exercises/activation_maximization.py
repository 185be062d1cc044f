"""Self-checks of chapter 5: activation maximisation."""

from functools import cache

import numpy as np

from .. import course_network, priors, scenes
from ..checks import choice, fair, number, same, within
from ..probe import Probe
from . import exercise


@cache
def _chapter():
    """The course network's probe and the first 100 scenes of the chapter."""
    return Probe(course_network.load()), scenes.make(100, seed=21).images


@exercise
def least(picture, logit):
    """``picture`` (96, 96, 3): what the mushroom likes least; ``logit``: the mushroom's, for this picture."""
    look, data = _chapter()
    mushroom = scenes.CLASSES.index("mushroom")
    same(np.zeros(np.shape(picture)), np.zeros((96, 96, 3)), "your picture")
    within(picture, 0, 1, "pixels of your picture")
    S = look.logits(np.asarray(picture)[None])[0].astype(float)
    within(S[mushroom], -np.inf, look.logits(data)[:, mushroom].min(), "the mushroom's logit of your picture")
    number(logit, S[mushroom], "your logit", wrong={
        "the mean of the class map, without the bias": S[mushroom] - look.head()[1][mushroom],
        "the logit of another class": np.delete(S, mushroom)[np.abs(np.delete(S, mushroom) - logit).argmin()],
        "the logit of the climb in the other direction": -S[mushroom]})
    return "None of 100 scenes is so little of a mushroom: the scale has no floor, as it has no ceiling."


@exercise
def clip(best, maximum):
    """``best(w)``: the best picture of a linear unit, pixels 0..1; ``maximum``: its value for the chapter's w."""
    for seed, shape in enumerate(((147,), (5, 4, 3), (2, 3))):
        w = np.random.default_rng(seed).normal(size=shape)
        same(best(w), (w > 0).astype(float), f"best(w) for w {shape}", wrong={
            "the best picture of the ball, equation (5.2)": w / np.linalg.norm(w),
            "the best picture of a box from -1 to 1, equation (5.15)": np.sign(w),
            "the best step from grey, equation (5.15), without the grey": np.sign(w) / 2,
            "the weights, cut to 0..1": np.clip(w, 0, 1),
            "the weights, stretched to 0..1": (w - w.min()) / np.ptp(w),
            "the worst picture": (w < 0).astype(float),
            "all white: some of it costs you": np.ones(shape)})
    w = _chapter()[0].model.get_layer("conv1").get_weights()[0][..., 12].astype(float)
    number(maximum, w[w > 0].sum(), "your maximum", wrong={
        "that of the ball, ||w||": np.linalg.norm(w),
        "that of a box from -1 to 1": np.abs(w).sum(),
        "the rise above middle grey, without what grey itself gives": np.abs(w).sum() / 2,
        "that of a white picture": w.sum()})
    return "A range is a box: middle grey plus half the sign of w, equation (5.15) with size 1/2."


def _power_law(a):
    """Four images (4, 96, 96, 3) of random phases whose amplitudes are |u|^-a."""
    u = np.maximum(priors.frequencies(96, 96), 1 / 96)[..., None]
    F = np.fft.fft2(np.random.default_rng(0).normal(size=(4, 96, 96, 3)), axes=(1, 2))
    return 0.5 + np.fft.ifft2(F / np.abs(F) * u**-a, axes=(1, 2)).real / 1000


@exercise
def scale(exponent):
    """``exponent(images)``: the a of |u|^-a, from the mean amplitudes of (N, 96, 96, 3) near 1/32 and near 1/8."""
    for a in (0.8, 1.4, 2.0):
        number(exponent(_power_law(a)), a, "your exponent, for pictures that were made with a known one", 0.03, {
            "the sign: |u|^-a holds a minus already": -a,
            "twice as large: the energy for the amplitude, or log 2 for log 4?": 2 * a,
            "half as large: log 16 for log 4?": a / 2,
            "the ratio of the amplitudes, without a logarithm": 4**a,
            "the logarithm of the amplitudes' ratio; what of the frequencies'?": a * np.log(4)})
    a = float(exponent(_chapter()[1]))
    return f"That of our scenes is {a:.1f}, close to the 1 that equation (5.12) assumes."


@exercise
def ones(spoilt, looks, average, passes):
    """``spoilt``: the mean; ``looks``: a word; ``average(images)``: repaired; ``passes(average)``: a test of it."""
    number(spoilt, 1.5, "the mean of the copied recipe's average", wrong={
        "that is what it should be": 0.5, "that is after clipping": 1, "the start alone, or the last picture?": 1.05})
    choice(looks, "white", {"white": "", "black": "The start is too large, not too small.",
                            "grey": "Every pixel is off by the same amount; look how far it is above 1."})
    for seed, shape in enumerate(((10, 4, 4, 3), (3, 5, 6, 1), (1, 2, 3, 3))):
        images = np.random.default_rng(seed).normal(size=shape)
        same(average(images), images.mean(0), f"the average of {shape[0]} images", wrong={
            "the ones are still there": images.mean(0) + 1,
            "a sum": images.sum(0),
            "a tenth of the sum, and these are not ten": images.sum(0) / 10,
            "a running mean: the last images count more": _running(images)})
    fair(passes, {"a right average": lambda images: np.mean(images, 0)},
         {"the copied recipe": lambda images: 1 + np.mean(images, 0),
          "a sum without a division": lambda images: np.sum(images, 0),
          "zeros, whatever comes in": lambda images: np.zeros(np.shape(images)[1:])})
    return "One picture, given ten times, is a test that anybody can write: its average is known."


def _running(images):
    mean = images[0]
    for image in images[1:]:
        mean = (mean + image) / 2
    return mean


@exercise
def transfer(disturbed, logits, pictures):
    """``disturbed``: the copy; ``logits`` (3,): the fish's, of ``pictures`` (2, 96, 96, 3) and of the loudest scene."""
    look, data = _chapter()
    for layer in look.model.layers:
        if weights := layer.get_weights():
            noise = disturbed.get_layer(layer.name).get_weights()[0] - weights[0]
            number(noise.std() / weights[0].std(), 0.05, f"noise in {layer.name!r}, as a share of its kernel's spread",
                   0.15, {"none: these weights are as they were": 0})
    same(np.zeros(np.shape(logits)), np.zeros(3), "your logits")
    by, before = (Probe(model).logits(np.concatenate([pictures, data]))[:, 0] for model in (disturbed, look.model))
    for yours, right, old, what in zip(
            logits, (*by[:2], by[2:].max()), (*before[:2], before[2:].max()),
            ("the bare result", "the jittered result", "the loudest scene"), strict=True):
        number(yours, right, f"fish logit of {what}", wrong={"that of the network before the noise": old})
    louder = [what for what, logit in zip(("bare", "jittered"), by[:2], strict=True) if logit > by[2:].max()]
    return f"Louder than every scene, for the disturbed network too: {' and '.join(louder) or 'neither'}."
