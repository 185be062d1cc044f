"""Saliency: the gradient of a logit with respect to the pixels, and what is made of it.

Letters as in chapter 4: images I (N, H, W, C), logit S_c, gradient G = d S_c / d I, baseline I^0, n copies, m steps.
Every result is signed and has the shape of the images; ``magnitude`` is the display step.
"""

from numbers import Real

import numpy as np

from .errors import CamlibError, ImageError, MapError, whole
from .images import as_batch, as_numbers
from .probe import probe
from .runtime import with_progress


def saliency(model, images, target=None, rule="gradient"):
    """Return G = d S_c / d I (N, H, W, C), equation (4.11): what a small change of each value does to the logit.

    ``target``: a class, N classes, None (each image's top class) or a function of the logits. With another ``rule``,
    "deconvnet" or "guided", it is no gradient: see ``relu_back``. [simonyan2014]. Raises ImageError, TargetError.
    """
    return probe(model).image_gradient(images, target, rule)[1]


def smooth_grad(model, images, target=None, n=32, sigma=0.1, seed=0, rule="gradient", progress=False):
    """Return the mean of G over ``n`` noisy copies of each image (N, H, W, C), equation (4.13) [smilkov2017].

    ``sigma``: the noise, as a fraction of each image's own range (largest value less smallest). Without a target the
    class is the top class of the clean image. The noise is drawn for the whole batch: alone, an image meets other
    noise. Raises ImageError, TargetError, CamlibError for an impossible n or sigma.
    """
    look, images, n = probe(model), as_batch(images), whole(n, 1, "n")
    if not (isinstance(sigma, Real) and 0 <= sigma < np.inf):
        raise CamlibError(f"sigma is a fraction of the image's range, 0 or more, not {sigma!r}")
    target, rng = _fixed(look, images, target), np.random.default_rng(seed)
    spread = np.float32(sigma) * (images.max((1, 2, 3), keepdims=True) - images.min((1, 2, 3), keepdims=True))
    total = np.zeros(images.shape)
    noisy = (images + spread * rng.normal(size=images.shape).astype(np.float32)
             for _ in with_progress(range(n), "noisy copies", progress))
    for _, G in look.image_gradients(noisy, target, rule):
        total += G
    return (total / n).astype(np.float32)


def integrated_gradients(model, images, target=None, baseline=0.0, steps=64, progress=False):
    """Return (I - I^0) times the mean of G on the way from I^0 to I, (N, H, W, C), equation (4.14) [sundararajan2017].

    ``baseline`` I^0 is in the model's own units: a number, or an array that fits the images. The integral is the
    midpoint rule with ``steps`` points: its sum is S_c(I) - S_c(I^0), equation (4.15), up to ``completeness_residual``.
    Without a target the class is the top class of I. Raises ImageError, TargetError, CamlibError.
    """
    look, images, steps = probe(model), as_batch(images), whole(steps, 1, "steps")
    start, target = _baseline(baseline, images), _fixed(look, images, target)
    total = np.zeros(images.shape)
    points = (start + np.float32((t + 0.5) / steps) * (images - start)
              for t in with_progress(range(steps), "on the way", progress))
    for _, G in look.image_gradients(points, target):
        total += G
    return ((images - start) * (total / steps)).astype(np.float32)


def completeness_residual(model, images, attributions, target=None, baseline=0.0):
    """Return |sum of attributions - (S_c(I) - S_c(I^0))| for each image (N,), in logits: the gap in equation (4.15).

    ``attributions`` (N, H, W, C). Raises MapError if they have not the images' shape.
    """
    look, images = probe(model), as_batch(images)
    attributions = as_numbers(attributions, MapError, "attributions (N, H, W, C)", doubles=True)
    if attributions.shape != images.shape:
        raise MapError(f"attributions have the images' shape {images.shape}, not {attributions.shape}")
    start, target = _baseline(baseline, images), _fixed(look, images, target)
    there, here = (look.scores(look.logits(x), target) for x in (images, start))
    return np.abs(attributions.sum((1, 2, 3), dtype=np.float64) - (there - here))


def magnitude(R):
    """Return the largest magnitude over the colours, max_c |R_yxc|, (N, H, W): one picture of a signal [simonyan2014].

    A display step: the sign is lost. Raises MapError unless R is (N, H, W, C).
    """
    R = as_numbers(R, MapError, "signals (N, H, W, C)", doubles=True)
    if R.ndim != 4:
        raise MapError(f"expected signals (N, H, W, C), got shape {R.shape}: write R[None] for one")
    return np.abs(R).max(3)


def _fixed(look, images, target):
    """The target; None becomes each image's top class now, so that noise or a way cannot change it."""
    return look.classes(None, len(images), look.logits(images)) if target is None else target


def _baseline(baseline, images):
    """The baseline as images of the same shape. Raises ImageError."""
    baseline = as_numbers(baseline, ImageError, "a baseline")
    try:
        return np.broadcast_to(baseline, images.shape)
    except ValueError as cause:
        raise ImageError(f"a baseline is a number or fits the images {images.shape}, not {baseline.shape}") from cause
