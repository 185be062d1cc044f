"""Activation maximisation: the picture that a unit likes best, by gradient ascent.

The network gives one thing, the gradient with respect to the picture. How the picture is written, what is held
against it (see ``priors``) and the steps themselves are NumPy around it.
"""

import operator
from contextlib import contextmanager
from numbers import Real
from typing import NamedTuple

import numpy as np

from . import inputs, priors
from .errors import CamlibError, ImageError, LayerError, TargetError, whole
from .images import SLACK, as_image, as_numbers, height_width
from .probe import probe
from .runtime import with_progress


class Ascent(NamedTuple):
    """What ``maximize_activations`` returns."""

    images: np.ndarray   # (N, H, W, C), in low..high
    history: np.ndarray  # (N, steps + 1): the activation before each step, as the network saw it; last: of the images


def maximize_activation(model, layer, channel, **options):
    """Return the image (H, W, C) that gradient ascent finds for one channel: see ``maximize_activations``."""
    return maximize_activations(model, layer, [channel], **options).images[0]


def maximize_activations(model, layer, channels, *, steps=128, rate=0.05, regularizers=(), transforms=(),
                         parametrization="fourier", decorrelate=True, seed=0, start=None, size=None, low=0.0, high=1.0,
                         unit=None, progress=False):
    """Climb f(I) - penalties for each of N ``channels``; return images (N, H, W, C) and f along the way (N, steps + 1).

    I* = argmax f(I), equation (5.1), by steps of Adam [kingma2015] on its parameters [erhan2009, olah2017].
    ``layer``: its maps A; f is the mean of a channel, equation (5.4), or with ``unit=(i, j)`` its value in that cell.
    A channel is an index, or a vector (K,): then f is that weighted sum of channels. ``layer=None``: f is the logit.
    ``regularizers``, ``transforms``: one or several, from ``priors.l2``, ``total_variation``; ``jitter``, ``blur``.
    ``parametrization``: "fourier" or "pixels"; ``decorrelate``: True for the colours of the course's scenes, images
    (n, H, W, C) for theirs, or False. ``start``: an image (H, W, C); otherwise faint noise of ``seed`` on grey.
    ``size``: for networks that take any. Pixels stay in ``low`` .. ``high``, what the network was made for.
    Raises LayerError if the gradient is zero at the start, TargetError for a channel that is not there.
    """
    look, rng, channels = probe(model, layer), np.random.default_rng(seed), _several(channels)
    steps, rate = whole(steps, 1, "steps"), priors.positive(rate, "rate")
    start = None if start is None else as_image(start)
    check_range(low, high, start)
    regularizers, through = _functions(regularizers), priors.chain(*_functions(transforms))
    shape = _shape(look, start, size)
    picture = _parametrization(shape, parametrization, decorrelate, low, high)
    z = np.repeat(_start(picture, shape, start, rng)[None], len(channels), 0)
    with size_explained(shape):
        climb = _objective(look, layer, channels, unit, picture.image(z[:1]))
    moments, history = (np.zeros_like(z), np.zeros_like(z)), np.zeros((len(z), steps + 1))
    for step in with_progress(range(steps), "climbing", progress):
        images, (there, back) = picture.image(z), through(rng)
        history[:, step], R = climb(there(images))
        if step == 0:
            _check_alive(R, layer, channels)
        R = back(R)
        for regularizer in regularizers:
            R = R - regularizer(images)[1]
        z += rate * _adam(picture.pull(R, images), moments, step + 1)
    images = picture.image(z)
    history[:, -1] = climb(images)[0]
    return Ascent(images, history)


def steepest(w, norm=2):
    """Return for each w (N, ...) the x with ||x|| = 1 that has the largest <w, x>.

    norm 2: w / ||w||, equation (5.2); norm np.inf: sign(w), equation (5.15). Where w is zero, so is x.
    """
    w = _vectors(w)
    if norm == np.inf:
        return np.sign(w)
    if norm != 2:
        raise CamlibError(f"norm is 2 or np.inf, not {norm!r}")
    length = np.sqrt((w**2).sum(tuple(range(1, w.ndim)), keepdims=True))
    return np.divide(w, length, out=np.zeros_like(w, dtype=length.dtype), where=length > 0)


def ascend_on_ball(gradient, start, steps=100, rate=0.1):
    """Return where steps x + rate * gradient(x), each brought back to length 1 if it left the unit ball, end.

    Equation (5.3), for vectors ``start`` (N, ...); ``gradient(x)`` has the same shape.
    """
    x = _vectors(start)
    for _ in range(whole(steps, 1, "steps")):
        x = x + rate * gradient(x)
        length = np.sqrt((x**2).sum(tuple(range(1, x.ndim)), keepdims=True))
        x = x / np.maximum(length, 1)
    return x


def perturb(model, images, target, size=0.02, steps=10, low=0.0, high=1.0):
    """Return ``images`` (N, H, W, C) with no pixel changed by more than ``size``, so that they look like ``target``.

    Climbs the logit of ``target`` less that of the image's own top class, by the best step there is for a linear
    function under a bound on each pixel, ``size`` / 4 times sign(gradient), equation (5.15) [goodfellow2015].
    Raises ImageError for images outside ``low`` .. ``high``, the range that the network was made for.
    """
    look, size = probe(model), priors.positive(size, "size")
    images = inputs.checked(look.model, images)
    logits, _ = look.image_gradient(images)
    check_range(low, high, images)
    wanted, own = (look.classes(t, len(images), logits) for t in (target, None))
    x = images
    for _ in range(whole(steps, 1, "steps")):
        uphill = look.image_gradient(x, wanted)[1] - look.image_gradient(x, own)[1]
        x = np.clip(x + size / 4 * steepest(uphill, np.inf), images - size, images + size)
        x = np.clip(x, low, high).astype(np.float32)
    return x


def _vectors(x):
    """``x`` as an array (N, ...) of N vectors; raises CamlibError."""
    x = np.asarray(x)
    if x.ndim < 2:
        raise CamlibError(f"expected vectors (N, ...), got shape {x.shape}: write x[None] for one")
    return x


# -- pieces ------------------------------------------------------------------------------------------


def _objective(look, layer, channels, unit, example):
    """The function images (N, H, W, C) -> (f (N,), df/dI); ``example`` (1, H, W, C) tells the size of the maps."""
    if layer is None:
        if unit is not None:
            raise TargetError("a logit has no cells: give a layer, or leave out unit")
        look.logits(example)
        classes = look.classes(channels, len(channels))

        def climb(images):
            logits, R = look.image_gradient(images, classes)
            return look.scores(logits, classes), R
    else:
        y = np.stack([_signal(look.forward(example)[0].shape[1:], channel, unit) for channel in channels])

        def climb(images):
            A, R = look.project(images, y)
            return np.einsum("nijk,nijk->n", A, y), R
    return climb


def _signal(shape, channel, unit):
    """df/dA (h, w, K) of equation (5.4): 1/Z everywhere on the channel, or 1 in one cell; a vector weights channels."""
    h, w, K = shape
    place = np.full((h, w, 1), 1 / (h * w), np.float32)
    if unit is not None:
        try:
            i, j = map(operator.index, unit)
        except (TypeError, ValueError):
            i = j = -1
        if not (0 <= i < h and 0 <= j < w):
            raise TargetError(f"a unit is a cell (i, j) of {h} rows and {w} columns, not {unit!r}")
        place[:] = 0
        place[i, j] = 1
    return place * channel_weights(channel, K)


def channel_weights(channel, K):
    """``channel`` as a weight for each of the K channels; raises TargetError."""
    if np.isscalar(channel):
        if not isinstance(channel, (int, np.integer)) or not 0 <= channel < K:
            raise TargetError(f"a channel is a whole number, 0 to {K - 1}, or a vector of {K} numbers; not {channel!r}")
        return np.eye(1, K, int(channel), np.float32)[0]
    weights = as_numbers(channel, TargetError, f"a channel, 0 to {K - 1}, or a vector of {K} numbers")
    if weights.shape != (K,):
        raise TargetError(f"this layer has {K} channels: a direction has as many finite numbers, not {weights.shape}")
    return weights


def _adam(gradient, moments, step, decay=(0.9, 0.999)):
    """The next step uphill, about 1 a number; the running ``moments`` are brought up to date in place [kingma2015]."""
    for moment, rate, value in zip(moments, decay, (gradient, gradient**2), strict=True):
        moment += (1 - rate) * (value - moment)
    mean, square = (moment / (1 - rate**step) for moment, rate in zip(moments, decay, strict=True))
    return mean / (np.sqrt(square) + 1e-12)


def _check_alive(R, layer, channels):
    for gradient, channel in zip(R, channels, strict=True):
        if not gradient.any():
            raise LayerError(f"channel {channel} of {layer!r} is silent on the start image and its gradient is zero "
                             "everywhere, so there is no way up: take the layer before its ReLU, another seed, or "
                             "start=an image on which it is active")


def _shape(look, start, size):
    """The shape (H, W, C) of the image, from the network, the start image or ``size``."""
    wanted = (inputs.shapes(look.model) or [(None, None, None, 3)])[0][1:]
    if start is not None:
        return start.shape
    if size is not None:
        return *height_width(size, ImageError), wanted[2]
    if None in wanted:
        raise ImageError("this network takes images of any size: say which with size=")
    return wanted


def _parametrization(shape, kind, decorrelate, low, high):
    if kind not in ("fourier", "pixels"):
        raise CamlibError(f"a parametrization is 'fourier' or 'pixels', not {kind!r}")
    colors = None
    if decorrelate is not False:
        colors = priors.scene_colors() if decorrelate is True else priors.color_matrix(decorrelate)
        if len(colors) != shape[2]:
            raise ImageError(f"these colours have {len(colors)} channels, the image {shape[2]}: decorrelate=False")
    scale = priors.frequency_scale(*shape[:2]).astype(np.float32) if kind == "fourier" else None
    return priors.Parametrization(scale, colors, float(low), float(high))


def _start(picture, shape, start, rng):
    """The parameters (H, W, C) of the start image, or of faint noise on middle grey."""
    if start is None:
        return rng.normal(0, 0.1, shape).astype(np.float32)
    return picture.parameters(start[None])[0].astype(np.float32)


# -- checks ------------------------------------------------------------------------------------------


def _several(channels):
    """``channels`` as a list of at least one; raises TargetError."""
    found = list(channels) if np.iterable(channels) else []
    if not found:
        raise TargetError(f"channels is a list, one image for each, not {channels!r}: for one channel write [channel]")
    return found


def _functions(given):
    """One or several regularizers or transforms as a tuple; raises CamlibError."""
    found = tuple(given) if np.iterable(given) else (given,)
    if not all(map(callable, found)):
        raise CamlibError(f"a regularizer or transform is made by priors, such as priors.jitter(8), not {given!r}")
    return found


def check_range(low, high, images):
    """Raise CamlibError for a range that is none, ImageError for ``images`` outside it; None is no image."""
    if not (isinstance(low, Real) and isinstance(high, Real) and 0 < high - low < np.inf):
        raise CamlibError(f"pixels run from low to high, not from {low!r} to {high!r}")
    slack = SLACK * (high - low)
    if images is not None and (images.min() < low - slack or images.max() > high + slack):
        raise ImageError(f"the image has values {images.min():g}..{images.max():g}, outside low .. high = "
                         f"{low:g} .. {high:g}: say with low= and high= which range the network was made for")


@contextmanager
def size_explained(shape):
    """Say which size of an image a network failed on, which is nearly always too small for it."""
    try:
        yield
    except CamlibError:
        raise
    except Exception as cause:
        raise ImageError(f"the network fails on an image of {shape[0]} × {shape[1]} pixels, is that too small for it? "
                         f"{cause}") from cause
