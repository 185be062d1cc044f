"""DeepDream: more of whatever a layer sees in a picture already, from small to full size.

Letters as in chapter 5: image I (H, W, C) in low..high, maps A (N, h, w, K), R the signal A brought back to the image.
"""

from numbers import Real

import cv2
import numpy as np

from . import inputs, priors
from .activation_maximization import channel_weights, check_range, size_explained, steepest
from .errors import CamlibError, ImageError, whole
from .images import as_image
from .probe import probe
from .runtime import with_progress

SMALLEST = 4  # pixels: a smaller side of an octave shows nothing


def deep_dream(model, layer, image, *, channel=None, steps=10, octaves=3, ratio=1.4, rate=0.02, shift=8, seed=0,
               low=0.0, high=1.0, progress=False):
    """Return ``image`` (H, W, C) with more of whatever ``layer`` sees in it already: it climbs sum(A^2) / 2.

    The gradient is A itself brought back to the image, equation (5.16) [mordvintsev2015]; one ``channel``, or all.
    From small to full size in ``octaves``, each ``ratio`` times the last. The network must take any size if there
    are several. A step moves pixels by ``rate`` times the range on average (root mean square).
    Raises ImageError for an image outside ``low`` .. ``high``, and for octaves that the network cannot take.
    """
    look, image, rng = probe(model, layer), as_image(image), np.random.default_rng(seed)
    octaves, steps = whole(octaves, 1, "octaves"), whole(steps, 1, "steps")
    check_range(low, high, image)
    _check_octaves(look, image, octaves, ratio)
    dream, roll = priors.jitter(shift), priors.positive(rate, "rate") * (high - low)
    detail = np.zeros_like(image)
    for octave in with_progress(range(octaves), "dreaming", progress):
        shape = [round(side / ratio**(octaves - 1 - octave)) for side in image.shape[:2]]
        base = _resized(image, shape)
        x = np.clip(base + _resized(detail, shape), low, high)[None]
        for _ in range(steps):
            there, back = dream(rng)
            seen = there(x)
            with size_explained(shape):
                A = look.forward(seen)[0]
            R = back(look.project(seen, A if channel is None else A * channel_weights(channel, A.shape[3]))[1])
            x = np.clip(x + roll * np.sqrt(x.size) * steepest(R), low, high).astype(np.float32)
        detail = x[0] - base
    return x[0]


def _resized(image, shape):
    smaller = shape[0] < len(image)
    resized = cv2.resize(image, tuple(shape)[::-1], interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    return resized.reshape(*shape, image.shape[2])


def _check_octaves(look, image, octaves, ratio):
    """Raise an error for octaves that are no smaller, too small, or of no size that the network takes."""
    if not (isinstance(ratio, Real) and 1 < ratio < np.inf):
        raise CamlibError(f"ratio is a number above 1, how much larger the next octave is, not {ratio!r}")
    (wanted, *_) = inputs.shapes(look.model) or [(None,) * 4]
    if octaves > 1 and None not in wanted[1:]:
        raise ImageError(f"this network takes images {wanted[1:]} alone, and octaves have several sizes: octaves=1")
    most = max(1, 1 + int(np.log(min(image.shape[:2]) / SMALLEST) / np.log(ratio)))
    if octaves > most:
        raise ImageError(f"{octaves} octaves make a picture of {image.shape[0]} × {image.shape[1]} pixels smaller than "
                         f"{SMALLEST} pixels: at this ratio, {most} at most")
