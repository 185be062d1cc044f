"""Pictures and heat maps: load, normalize, resize and colorize are four steps and four functions.

A map keeps its sign and its units until you normalize it; it is resized as numbers, and
coloured last. ``overlay`` does the last two steps in that order and lays the colours on the image.
"""

import operator
import os
import threading
from contextlib import contextmanager
from numbers import Real

import cv2
import numpy as np
from matplotlib import colormaps
from PIL import Image, ImageOps, UnidentifiedImageError

from .errors import ImageError, MapError, near_names

# JPEG 2000 is left out: cut off right behind its header, such a file loads as black without an error.
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "AVIF", "PPM")
MODES = ("relu", "symmetric", "max", "none")
RAINBOWS = ("jet", "turbo", "rainbow", "gist_rainbow", "hsv", "nipy_spectral", "gist_ncar", "prism", "flag")
MOST = 100_000_000  # pixels: more would fill the memory of most machines
SLACK = 1e-6  # how far rounding may carry a value out of its range

_one_at_a_time = threading.Lock()


def load_image(path, size=None, max_pixels=MOST):
    """Read an image file, "~/cat.jpg" too; return its pixels (H, W, 3) float32, RGB, 0..1, upright.

    ``size`` is a number (a square: the picture is squashed, not cropped) or (height, width).
    Transparent parts show white; EXIF orientation is applied; 16-bit grey keeps its 16 bits, colour
    has 8; of an animation you get the first frame. Colour profiles are ignored.
    The header is read first: a picture of more than ``max_pixels`` is refused before it is decoded.
    Raises ImageError if the file is missing, too big, damaged or no picture.
    """
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise ImageError(f"a path is text or a pathlib.Path, not {path!r}")
    path, shape = os.path.expanduser(os.fspath(path)), None if size is None else height_width(size, ImageError)
    with _explained(path), open(path, "rb") as file, _without_pillows_limit():
        picture = Image.open(file, formats=FORMATS)
        width, height = picture.size
        if width * height > max_pixels:
            raise ImageError(f"{path} has {width} × {height} = {width * height:,} pixels, more than max_pixels = "
                             f"{max_pixels:,}: shrink it with an image editor, or raise max_pixels")
        ImageOps.exif_transpose(picture, in_place=True)  # decodes it, too
        pixels = _pixels(picture)
    return pixels if shape is None else resize_image(pixels, shape)


def as_batch(images):
    """Check a batch of images (N, H, W, C) and return it as float32; the values are kept, 255 stays 255.

    Raises ImageError unless there are four axes, no empty one, and every value is a finite number.
    """
    return _checked(images, 4, "a batch (N, H, W, C)", "one image", "write images[None]")


def as_image(image):
    """Check one image (H, W, C) and return it as float32: the reverse of ``as_batch``."""
    return _checked(image, 3, "one image (H, W, C)", "a batch", "write images[0]")


def normalize_map(map, mode):
    """Bring a map (h, w), or each map of a batch (N, h, w) on its own, to a common scale.

    "relu"       max(x, 0) / max(x)   0..1: evidence for the class; the rest is cut off
    "symmetric"  x / max|x|           −1..1: both signs
    "max"        x / max(x)           fractions of the maximum; negatives are kept
    "none"       x                    a copy, in the map's own units

    A map that has nothing to divide by (all zero; for relu and max no positive value) becomes all zero.
    """
    map = _as_map(map)
    if not isinstance(mode, str) or mode not in MODES:
        raise MapError(f"no mode {mode!r}: choose one of {', '.join(MODES)}")
    if mode == "none":
        return map.copy()
    values = np.maximum(map, 0) if mode == "relu" else map
    peak = (np.abs(map) if mode == "symmetric" else map).max((-2, -1), keepdims=True)
    with np.errstate(over="ignore"):  # a huge negative over a tiny maximum: stop at the lowest number
        scaled = np.divide(values, peak, out=np.zeros_like(map), where=peak > 0)
    return np.maximum(scaled, np.finfo(map.dtype).min)


def resize_map(map, size):
    """Resize a map (h, w) or a batch (N, h, w), as numbers, to ``size``: a number or (height, width).

    Bilinear with half-pixel centres: cell i of h is centred at (i + ½) / h of the height, so the map lies
    on the image as the cells lie on the pixels. Linear in the map; the sign and the units stay.
    """
    map = _as_map(map)
    height, width = height_width(size, MapError)
    if map.ndim == 3:
        return np.stack([resize_map(one, (height, width)) for one in map])
    return cv2.resize(np.ascontiguousarray(map), (width, height), interpolation=cv2.INTER_LINEAR)


def resize_image(pixels, shape):
    """Resize (H, W, 3) to ``shape``: averaging when both axes shrink, so that nothing is skipped; else bilinear."""
    shrinks = shape[0] <= pixels.shape[0] and shape[1] <= pixels.shape[1]
    resized = cv2.resize(pixels, shape[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.clip(resized, 0, 1)


def colorize(map, cmap=None, signed=False):
    """Colour a normalized map (h, w); return (h, w, 3) float32, RGB, 0..1.

    A map in 0..1 gets "inferno"; with ``signed`` a map in −1..1 gets "RdBu_r", zero in the middle.
    ``cmap`` is another matplotlib name. Raises MapError for values out of range, and for rainbows.
    """
    map = _as_normalized(map, signed)
    name = ("RdBu_r" if signed else "inferno") if cmap is None else cmap
    if not isinstance(name, str) or name not in list(colormaps):
        raise MapError(f"matplotlib has no colour map {name!r}.{near_names(name, list(colormaps))}")
    if name.removesuffix("_r") in RAINBOWS:
        raise MapError(f"{name!r} is not used here: its lightness goes up and down, so it draws edges that are not in "
                       f"the map. Take 'inferno', 'viridis' or 'cividis', or 'RdBu_r' with signed=True")
    return colormaps[name]((map + 1) / 2 if signed else map)[..., :3].astype(np.float32)


def overlay(image, map, alpha=0.5, cmap=None, signed=False):
    """Lay a normalized map (h, w) on an image (H, W, 3) in 0..1; return (H, W, 3) float32 in 0..1.

    ``(1 − alpha) · image + alpha · colours``. The map is resized as numbers and then coloured: the
    other way round mixes colours, and the mixture stands for no value.
    """
    image = as_image(image)
    if image.shape[2] not in (1, 3):
        raise ImageError(f"expected 3 channels (or 1 of grey), got an image {image.shape}")
    if image.min() < -SLACK or image.max() > 1 + SLACK:
        raise ImageError(f"expected an image in 0..1, got {image.min():g}..{image.max():g}: "
                         f"show the image from before the network's preprocessing; divide bytes by 255")
    if not (isinstance(alpha, Real) and 0 <= alpha <= 1):
        raise ImageError(f"alpha is between 0 (the image alone) and 1 (the colours alone), not {alpha!r}")
    alpha = np.float32(alpha)
    colors = colorize(resize_map(_as_normalized(map, signed), image.shape[:2]), cmap, signed)
    return np.clip((1 - alpha) * image + alpha * colors, 0, 1)


# -- files -------------------------------------------------------------------------------------------


@contextmanager
def _explained(path):
    """Turn whatever opening or decoding ``path`` raises (a damaged file can raise anything) into an ImageError."""
    try:
        yield
    except ImageError:
        raise
    except Exception as cause:
        raise ImageError(f"{path} {_what_is_wrong(path, cause)}") from cause


def _what_is_wrong(path, cause):
    """Say in words why ``path`` could not be read, and what to do."""
    if isinstance(cause, FileNotFoundError):
        return f"does not exist; a name without a leading folder is looked up in {os.getcwd()}"
    if os.path.isdir(path):
        return "is a folder; name a file in it"
    if getattr(cause, "errno", None):
        return f"cannot be opened: {cause.strerror}"
    if os.path.isfile(path) and os.path.getsize(path) == 0:
        return "is empty (0 bytes): copy or download it again"
    if isinstance(cause, UnidentifiedImageError):
        return f"is not an image file, whatever its name says; camlib reads {', '.join(FORMATS)}"
    return f"is cut short or damaged ({cause}): copy or download it again"


@contextmanager
def _without_pillows_limit():
    """Lift Pillow's own limit on pixels for a while (ours decides); the lock keeps threads from losing it."""
    with _one_at_a_time:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _pixels(picture):
    """A decoded Pillow image of any mode as (H, W, 3) float32 RGB in 0..1, on white."""
    if picture.mode.startswith("I;16") or (picture.mode, picture.format) == ("I", "PPM"):
        grey = np.asarray(picture).astype(np.float32) / 65535
        return np.repeat(grey[..., None], 3, axis=2)
    if picture.mode in ("I", "F"):
        raise ImageError("the image holds 32-bit numbers, and nothing says which of them is white: "
                         "scale them and save the image with 8 or 16 bits")
    if not picture.has_transparency_data:
        return np.asarray(picture.convert("RGB")) / np.float32(255)
    rgba = np.asarray(picture.convert("RGBA")) / np.float32(255)
    color, opacity = rgba[..., :3], rgba[..., 3:]
    return opacity * color + (1 - opacity)


# -- checks ------------------------------------------------------------------------------------------


def height_width(size, error):
    """``size``, a number or (height, width), as two positive ints; raises ``error``."""
    try:
        height, width = (operator.index(n) for n in (size if np.ndim(size) else (size, size)))
    except (TypeError, ValueError) as cause:
        raise error(f"size is a whole number or (height, width), not {size!r}") from cause
    if height < 1 or width < 1:
        raise error(f"size is at least 1 pixel each way, not {size!r}")
    if height * width > MOST:
        raise error(f"size is at most {MOST:,} pixels in all, not {height} × {width}")
    return height, width


def as_numbers(values, error, what, doubles=False):
    """``values`` as finite float32 numbers (float64 may stay so with ``doubles``), none empty; raises ``error``."""
    try:
        values = np.asarray(values)
    except ValueError as cause:
        raise error(f"expected {what}, got arrays of different shapes: resize them to one size") from cause
    if values.dtype.kind not in "buif" or values.size == 0:
        raise error(f"expected {what} of numbers, got shape {values.shape} of dtype {values.dtype}")
    if not (doubles and values.dtype == np.float64):
        with np.errstate(over="ignore"):  # too big for float32: infinite, and reported below
            values = values.astype(np.float32, copy=False)
    bad = ~np.isfinite(values)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        raise error(f"expected finite numbers, got {bad.sum()} that are NaN or infinite, the first at {first}")
    return values


def _checked(images, axes, wanted, other, remedy):
    """``images`` with so many ``axes``; ImageError says what they are instead and what to write."""
    images = as_numbers(images, ImageError, wanted)
    if images.ndim != axes:
        swapped = images.ndim == 7 - axes  # a batch for an image, or an image for a batch
        got = f"{other} {images.shape}: {remedy}" if swapped else f"shape {images.shape}"
        raise ImageError(f"expected {wanted}, got {got}")
    return images


def _as_map(map, axes=(2, 3)):
    """``map`` as an array with one of the numbers of ``axes``; float64 stays float64."""
    wanted = "a map (h, w) or a batch (N, h, w)" if 3 in axes else "one map (h, w)"
    map = as_numbers(map, MapError, wanted, doubles=True)
    if map.ndim not in axes:
        raise MapError(f"expected {wanted}, got shape {map.shape}")
    return map


def _as_normalized(map, signed):
    """One map (h, w) whose values lie in 0..1, or −1..1 if ``signed``; rounding is clipped."""
    map, low = _as_map(map, (2,)), -1 if signed else 0
    if map.min() < low - SLACK or map.max() > 1 + SLACK:
        mode = "symmetric" if signed else "relu"
        raise MapError(f"normalize first: expected values in {low}..1, got {map.min():g}..{map.max():g}; "
                       f"write normalize_map(map, {mode!r})")
    return np.clip(map, low, 1)
