"""What a picture is taken to be before any network is asked: how it is written, and what is held against it.

A parametrisation turns numbers z into an image; a regularizer turns images into (penalty, its gradient);
a transform stands between the picture and the network, and its adjoint brings the gradient back.
Images I (N, H, W, C) in low..high; unbounded pixels x and parameters z have the same shape. Float64 stays so.
"""

from functools import lru_cache, reduce
from numbers import Real
from typing import NamedTuple

import cv2
import numpy as np
import scipy.fft
from scipy.special import expit

from . import scenes
from .errors import CamlibError, ImageError, whole
from .images import as_numbers

EDGE = 1e-3  # an image to start from keeps this distance, as a share of the range, from its ends


class Parametrization(NamedTuple):
    """An image by its parameters z: x = C H(s z) and I = low + (high - low) sigmoid(x), equations (5.6) and (5.11)."""

    scale: np.ndarray | None   # s (H, W, 1), or None for plain pixels
    colors: np.ndarray | None  # C (C, C), symmetric, or None
    low: float = 0.0
    high: float = 1.0

    def linear(self, z):
        """Return x = C H(s z), equation (5.11)."""
        x = z if self.scale is None else hartley(self.scale.astype(z.dtype, copy=False) * z)
        return mix(x, self.colors)

    def adjoint(self, y):
        """Return s H(C y), the adjoint of ``linear``: <linear(z), y> = <z, adjoint(y)>, since C and H are symmetric."""
        y = mix(y, self.colors)
        return y if self.scale is None else self.scale.astype(y.dtype, copy=False) * hartley(y)

    def inverse(self, x):
        """Return the z with linear(z) = x: H is its own inverse, s and C are inverted."""
        x = mix(x, None if self.colors is None else np.linalg.inv(self.colors))
        return x if self.scale is None else hartley(x) / self.scale.astype(x.dtype)

    def image(self, z):
        """Return the image of ``z``, strictly between low and high, equation (5.6)."""
        return self.low + (self.high - self.low) * expit(self.linear(z))

    def pull(self, R, images):
        """Return the gradient with respect to z, given the one with respect to ``images``: R sigmoid', then adjoint."""
        return self.adjoint(R * (images - self.low) * (self.high - images) / (self.high - self.low))

    def parameters(self, images):
        """Return the z of ``images``; values closer than ``EDGE`` to an end of the range are moved away from it."""
        share = np.clip((images - self.low) / (self.high - self.low), EDGE, 1 - EDGE)
        return self.inverse(np.log(share / (1 - share)))


def hartley(x):
    """Return the Hartley transform Re F - Im F of x over its rows and columns; F is the orthonormal Fourier transform.

    Real numbers in, as many real numbers out; it is symmetric and its own inverse, equation (5.11) [bracewell1983].
    """
    F = scipy.fft.fft2(x, axes=(1, 2), norm="ortho")
    return F.real - F.imag


def frequencies(height, width):
    """Return the frequency |f| of each Fourier coefficient in cycles a pixel (H, W)."""
    return np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width))


def frequency_scale(height, width):
    """Return s = 1 / max(|f|, 1/max(H, W)) as (H, W, 1), scaled to mean(s^2) = 1, equation (5.12)."""
    s = 1 / np.maximum(frequencies(height, width), 1 / max(height, width))
    return (s / np.sqrt((s**2).mean()))[..., None]


def color_matrix(images):
    """Return the symmetric root C of the colours' covariance, C C = cov / mean variance, equation (5.13).

    ``images`` (N, H, W, C). White noise times C has the colours of ``images``. Raises ImageError for fewer
    independent colours than channels, as in a grey picture.
    """
    pixels = as_numbers(images, ImageError, "images (N, H, W, C)", doubles=True)
    if pixels.ndim != 4 or pixels.shape[3] > 4:  # OpenCV mixes up to 4 channels
        raise ImageError(f"colours are taken from images (N, H, W, C) with at most 4 channels, got {pixels.shape}")
    covariance = np.cov(pixels.reshape(-1, pixels.shape[3]).T.astype(float)).reshape((pixels.shape[3],) * 2)
    values, vectors = np.linalg.eigh(covariance)
    if values[0] <= 1e-6 * values[-1]:
        raise ImageError("these images have fewer independent colours than channels (are they grey?), so their "
                         "colours cannot be told apart: give coloured ones, or decorrelate=False")
    return (vectors * np.sqrt(values / values.mean())) @ vectors.T


@lru_cache(maxsize=1)
def scene_colors():
    """Return the colour matrix of 16 scenes of the course."""
    return color_matrix(scenes.make(16, seed=5).images)


def mix(x, colors):
    """Return x with its channels multiplied by the symmetric matrix ``colors``; None changes nothing."""
    if colors is None:
        return x
    return cv2.transform(np.ascontiguousarray(x).reshape(-1, *x.shape[2:]), colors).reshape(x.shape)


# -- regularizers: images -> (penalty (N,), its gradient (N, H, W, C)) ----------------------------------


def l2(weight, middle=0.5):
    """Return the penalty weight * mean((I - middle)^2), equation (5.7) [simonyan2014]."""
    weight = positive(weight, "weight")

    def penalty(images):
        away = images - images.dtype.type(middle)
        return weight * (away**2).mean((1, 2, 3)), away * (2 * weight / away[0].size)

    return penalty


def total_variation(weight, softness=0.01):
    """Return the penalty weight * mean(sqrt(dy^2 + dx^2 + softness^2)), equation (5.8) [mahendran2016b].

    dy, dx: the step to the pixel below and to the right, 0 at the border. Few edges are cheap, also sharp ones.
    """
    weight, softness = positive(weight, "weight"), positive(softness, "softness")

    def penalty(images):
        dy, dx = (np.diff(images, axis=a, append=images.take([-1], a)) for a in (1, 2))
        length = np.sqrt(dy**2 + dx**2 + softness**2)
        gradient = sum(-np.diff(d / length, axis=a, prepend=0) for a, d in ((1, dy), (2, dx)))
        return weight * length.mean((1, 2, 3)), gradient * (weight / length[0].size)

    return penalty


# -- transforms: random numbers -> (there, back), the change and its adjoint -----------------------------


def jitter(pixels):
    """Return the transform that rolls the picture by up to ``pixels`` each way, anew each step, equation (5.10)."""
    pixels = whole(pixels, 0, "jitter")

    def draw(rng):
        y, x = rng.integers(-pixels, pixels + 1, 2)
        return lambda images: np.roll(images, (y, x), (1, 2)), lambda R: np.roll(R, (-y, -x), (1, 2))

    return draw


def blur(sigma):
    """Return the transform that shows the network a Gaussian blur of the picture, equation (5.9).

    The picture is mirrored at its border, which makes the blur symmetric: it is its own adjoint.
    """
    sigma = positive(sigma, "sigma")

    def soften(images):
        return np.stack([cv2.GaussianBlur(i, (0, 0), sigma, borderType=cv2.BORDER_REFLECT).reshape(i.shape)
                         for i in images])

    return lambda rng: (soften, soften)


def chain(*transforms):
    """Return the transform that applies ``transforms`` one after the other, and their adjoints in reverse order."""
    def draw(rng):
        drawn = [transform(rng) for transform in transforms]
        return (lambda images: reduce(lambda x, pair: pair[0](x), drawn, images),
                lambda R: reduce(lambda x, pair: pair[1](x), drawn[::-1], R))

    return draw


# -- measures --------------------------------------------------------------------------------------------


def high_frequency_share(images, above=0.25):
    """Return for each image the share of its energy, the mean aside, above ``above`` cycles a pixel, equation (5.5)."""
    images = as_numbers(images, ImageError, "images (N, H, W, C)", doubles=True)
    if images.ndim != 4:
        raise ImageError(f"expected images (N, H, W, C), got shape {images.shape}: write images[None] for one")
    energy = (np.abs(np.fft.fft2(images, axes=(1, 2)))**2).sum(3)
    energy[:, 0, 0] = 0
    total = energy.sum((1, 2))
    high = energy[:, frequencies(*images.shape[1:3]) > above].sum(1)
    return np.divide(high, total, out=np.zeros_like(total), where=total > 0)


def positive(value, name):
    """``value`` as a number above 0; raises CamlibError."""
    if not (isinstance(value, Real) and 0 < value < np.inf):
        raise CamlibError(f"{name} is a number above 0, not {value!r}")
    return float(value)
