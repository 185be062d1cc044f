"""A second look: change the picture by its map, ask the network again, and count what that repairs and breaks.

Letters as in chapter 11: images I, maps M, enlarged by U; weights m and fill f of the pixels; windows x0 y0 x1 y1.
Pictures are RGB in 0..1, from before the network's own preprocessing: change first, prepare last.
"""

from numbers import Real
from typing import NamedTuple

import numpy as np
from scipy import stats

from .errors import CamlibError, ImageError, MapError, whole
from .images import SLACK, as_batch, as_numbers, height_width, normalize_map, resize_image, resize_map
from .intervals import mean_interval
from .localization import as_boxes, bounding_boxes, check_fraction
from .probe import probe


class Looks(NamedTuple):
    """Probabilities (N, C): of the first look, of the second, and the mean of the two, equation (11.5)."""

    first: np.ndarray
    second: np.ndarray
    both: np.ndarray


class Paired(NamedTuple):
    """The same pictures judged in two ways: what the second way repairs and breaks."""

    n: int
    repaired: int   # wrong before, right after
    broken: int     # right before, wrong after
    change: float   # of the accuracy: (repaired - broken) / n, equation (11.6)
    low: float      # ends of its bootstrap interval
    high: float
    chance: float   # that fair coins split as unevenly as repaired and broken, equation (11.7)


# -- the picture, changed by its map -----------------------------------------------------------------


def weight(images, maps, fill=0.0):
    """Return images (N, H, W, C) faded by their maps: I' = m I + (1 - m) f, equation (11.1).

    m = max(U M, 0) / max U M, equation (11.2): 1 where the enlarged map is largest, 0 where it is not positive.
    ``maps`` (N, h, w), signed; ``fill``: a number, a colour (C,) or pictures (N, H, W, C).
    A map without a positive value says nothing, and its image stays as it is. Raises ImageError, MapError.
    """
    return _faded(images, maps, lambda m: m, fill)


def mask(images, maps, threshold=0.2, fill=0.0):
    """Return images (N, H, W, C) whose pixels stay where U M >= threshold * max U M, and show ``fill`` elsewhere.

    I' = m I + (1 - m) f, equation (11.1), with m = 0 or 1, equation (11.3); all else as in ``weight``.
    """
    check_fraction(threshold, "the threshold is a fraction of the maximum")
    return _faded(images, maps, lambda m: m >= threshold, fill)


def crop(images, windows, size=None):
    """Return what each window (N, 4) shows of its image (N, H, W, C), resized to ``size`` (by default H, W).

    Pixel y of the result, counted from its middle, shows row y0 + (y + 1/2) (y1 - y0) / H - 1/2, equation (11.4).
    Windows are whole numbers, inside the image. Images are in 0..1. Raises ImageError, MapError.
    """
    images, windows = as_batch(images), _windows(windows)
    if images.min() < -SLACK or images.max() > 1 + SLACK:
        raise ImageError(f"expected images in 0..1, got {images.min():g}..{images.max():g}: crop first, prepare last")
    height, width = images.shape[1:3]
    x0, y0, x1, y1 = windows.T
    inside = (x0 >= 0) & (y0 >= 0) & (x1 > x0) & (y1 > y0) & (x1 <= width) & (y1 <= height)
    if len(windows) != len(images) or not inside.all():
        raise MapError(f"{len(images)} images {height} × {width} need as many windows (N, 4), 0 <= x0 < x1 <= {width} "
                       f"and 0 <= y0 < y1 <= {height}; got {len(windows)}, {int((~inside).sum())} of them not inside")
    shape = height_width((height, width) if size is None else size, ImageError)
    return np.stack([resize_image(image[top:bottom, left:right], shape).reshape(*shape, -1)
                     for image, (left, top, right, bottom) in zip(images, windows, strict=True)])


# -- where to look -----------------------------------------------------------------------------------


def map_boxes(maps, threshold=0.5):
    """Return the box (N, 4) of each map's largest region, equation (7.13); the whole map where nothing is positive.

    ``maps`` (N, H, W) at image resolution. Raises MapError for what are no maps, or no threshold.
    """
    maps = as_numbers(maps, MapError, "maps (N, H, W)", doubles=True)
    if maps.ndim != 3:
        raise MapError(f"expected maps (N, H, W), got shape {maps.shape}: write map[None] for one")
    everything = np.array([[0, 0, maps.shape[2], maps.shape[1]]])
    return np.stack([np.concatenate([bounding_boxes(map, threshold), everything])[0] for map in maps])


def windows_around(boxes, size, margin=0.5, side=None):
    """Return square windows (N, 4) around boxes (N, 4), moved until they lie inside an image of ``size``.

    Side: the box's longer side times 1 + 2 ``margin``, or ``side`` pixels for all; never more than the image's shorter
    side. Raises MapError.
    """
    boxes, (height, width) = as_boxes(boxes).reshape(-1, 4), height_width(size, MapError)
    if not (isinstance(margin, Real) and 0 <= margin < np.inf):
        raise MapError(f"the margin is a share of the box's side, 0 or more, not {margin!r}")
    wanted = (boxes[:, 2:] - boxes[:, :2]).max(1) * (1 + 2 * margin) if side is None else whole(side, 1, "side")
    sides = np.clip(np.rint(np.broadcast_to(wanted, len(boxes))), 1, min(height, width))[:, None]
    corner = np.rint((boxes[:, :2] + boxes[:, 2:] - sides) / 2)
    corner = np.clip(corner, 0, np.array([width, height]) - sides)
    return np.concatenate([corner, corner + sides], 1).astype(int)


def center_windows(windows, size):
    """Return windows (N, 4) of the same sizes in the middle of an image of ``size``. Raises MapError."""
    sides, room = _sides_and_room(windows, size)
    return np.concatenate([room // 2, room // 2 + sides], 1)


def random_windows(windows, size, seed):
    """Return windows (N, 4) of the same sizes at random places, each place as likely as any other. Raises MapError."""
    sides, room = _sides_and_room(windows, size)
    corner = np.random.default_rng(whole(seed, 0, "seed")).integers(0, room + 1)
    return np.concatenate([corner, corner + sides], 1)


# -- the second answer -------------------------------------------------------------------------------


def second_look(model, images, changed):
    """Return the ``Looks`` at ``images`` and at the ``changed`` ones, both as the model takes them (N, ...).

    p = (p1 + p2) / 2, equation (11.5). Raises ImageError for another number of changed images.
    """
    look = probe(model)
    first, second = (look.probabilities(look.logits(x)) for x in (images, changed))
    if len(first) != len(second):
        raise ImageError(f"{len(first)} images need as many changed ones, got {len(second)}")
    return Looks(first, second, (first + second) / 2)


def paired(before, after, level=0.95):
    """Compare two ways to judge the same pictures: ``before`` and ``after`` (N,) say which answers are right.

    Returns ``Paired``: change = (repaired - broken) / n, equation (11.6), its bootstrap interval, and the chance P that
    fair coins split repaired + broken at least as unevenly, equation (11.7) [mcnemar1947]. Raises CamlibError.
    """
    for answers in (before, after):
        as_numbers(answers, CamlibError, "answers (N,), right or not")
    before, after = np.asarray(before), np.asarray(after)
    if before.shape != after.shape or {before.dtype, after.dtype} != {np.dtype(bool)}:
        raise CamlibError(f"two arrays (N,) of True and False are needed, the same pictures in the same order; got "
                          f"{before.dtype} {before.shape} and {after.dtype} {after.shape}")
    repaired, broken = int((after & ~before).sum()), int((before & ~after).sum())
    interval = mean_interval(after.astype(int) - before, level)
    chance = stats.binomtest(repaired, repaired + broken).pvalue if repaired + broken else 1.0
    return Paired(len(before), repaired, broken, *interval, float(chance))


# -- checks ------------------------------------------------------------------------------------------


def _faded(images, maps, weights, fill):
    """Equation (11.1): m is ``weights`` of the enlarged maps, each over its maximum; 1 where no value is positive."""
    images = as_batch(images)
    maps = resize_map(maps, images.shape[1:3])
    if maps.shape != images.shape[:3]:
        raise MapError(f"images {images.shape} need as many maps (N, h, w), got {len(maps)}")
    silent = (maps <= 0).all((1, 2))[:, None, None]
    m = np.where(silent, 1, weights(normalize_map(maps, "relu")))[..., None].astype(np.float32)
    fill = as_numbers(fill, ImageError, "a fill")
    try:
        fill = np.broadcast_to(fill, images.shape)
    except ValueError as cause:
        raise ImageError(f"the fill {fill.shape} does not fit images {images.shape}: give a number, a colour (C,) or "
                         "pictures of the same shape") from cause
    return m * images + (1 - m) * fill


def _windows(values):
    """``values`` as windows (N, 4) of whole numbers; raises MapError."""
    windows = as_boxes(values)
    if windows.ndim != 2 or (windows != np.rint(windows)).any():
        raise MapError(f"windows are whole numbers (N, 4), as windows_around gives them; got {windows.shape}")
    return windows.astype(int)


def _sides_and_room(windows, size):
    """The sides (N, 2) of the windows, across and down, and the room they leave in an image of ``size``."""
    (height, width), windows = height_width(size, MapError), _windows(windows)
    sides = windows[:, 2:] - windows[:, :2]
    room = np.array([width, height]) - sides
    if (sides < 0).any() or (room < 0).any():
        raise MapError(f"a window is inside out, or larger than the image {height} × {width}")
    return sides, room
