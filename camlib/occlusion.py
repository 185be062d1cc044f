"""Occlusion: hide a part of the image, and see how far the score falls.

Letters as in chapter 6: image I (H, W, C), patch P of a rows and columns moved by stride s, fill f (H, W, C), which
the patch shows in place of I, score S, drop D. Everything is in the units that the model takes.
"""

import operator

import numpy as np
from cv2 import GaussianBlur

from . import inputs
from .errors import ImageError, MapError, TargetError
from .images import as_batch, as_numbers, height_width
from .probe import probe
from .runtime import with_progress

SCORES = ("logit", "probability")


def occlusion_map(model, images, target=None, *, patch=16, stride=8, fill="mean", score="logit", progress=False):
    """Return the occlusion map of each image (N, H, W), signed, in the score's unit: red is missed when hidden.

    O(y, x) is the mean drop of all patches that cover the pixel, equation (6.2) [zeiler2014].
    Arguments, cost and errors are those of ``occlusion_drops``.
    """
    look = probe(model)
    drops = occlusion_drops(look, images, target, patch=patch, stride=stride, fill=fill, score=score,
                            progress=progress)
    return drops_to_pixels(drops, _size(look, np.shape(images)), patch, stride)


def occlusion_drops(model, images, target=None, *, patch=16, stride=8, fill="mean", score="logit", progress=False):
    """Return the drop at each place of the patch (N, rows, columns): D(P) = S(I) - S(I with P filled), equation (6.1).

    ``target``: a class, N classes, None (each image's top class) or a function of the logits. ``score``: "logit" or
    "probability". ``patch``, ``stride``: pixels, a number or (height, width); ``fill``: see ``fill_pictures``.
    The places are those of ``places``. Costs ``passes`` forward passes an image [zeiler2014]; as many pictures as a
    Probe's ``batch_size`` are held at once, or N if that is more. Raises ImageError, TargetError.
    """
    look, images = probe(model), _pictures(images)
    logits = look.logits(images)
    score_of = _score(look, logits, target, score)
    whole = score_of(logits)[:, None]
    patch, tops, lefts = _grid(_size(look, images.shape), patch, stride)
    pictures = np.moveaxis(images, 1, 3) if look.channels_first else images
    shown = fill_pictures(pictures, fill, patch)
    corners, step = [(y, x) for y in tops for x in lefts], max(1, look.batch_size // len(images))
    scores = []
    for start in with_progress(range(0, len(corners), step), "hiding patches", progress):
        hidden = np.concatenate([_hide(pictures, shown, corner, patch) for corner in corners[start:start + step]])
        found = look.logits(np.moveaxis(hidden, 3, 1) if look.channels_first else hidden)
        scores += [score_of(part) for part in np.split(found, len(hidden) // len(images))]
    drops = whole - np.stack(scores, 1)
    return drops.reshape(len(images), len(tops), len(lefts))


def drops_to_pixels(drops, size, patch=16, stride=8):
    """Return the map (N, H, W) of drops (N, rows, columns): each pixel the mean of the patches over it, equation (6.2).

    ``size`` is (H, W), ``patch`` and ``stride`` as for ``occlusion_drops``. Raises MapError, ImageError.
    """
    patch, tops, lefts = _grid(size, patch, stride)
    drops = as_numbers(drops, MapError, "drops (N, rows, columns)", doubles=True)
    height_and_width = height_width(size, ImageError)
    if drops.ndim != 3 or drops.shape[1:] != (len(tops), len(lefts)):
        raise MapError(f"this size, patch and stride make drops (N, {len(tops)}, {len(lefts)}), got {drops.shape}")
    rows, columns = (_shares(*of) for of in zip((tops, lefts), patch, height_and_width, strict=True))
    return np.einsum("nrc,rh,cw->nhw", drops, rows, columns, optimize=True)


def places(length, patch, stride):
    """Return the first pixel of the patch at each place along an axis: 0, s, 2s, ..., and the last one at the border.

    ceil((length - patch) / stride) + 1 places, so that every pixel is covered. Raises ImageError.
    """
    try:
        length, patch, stride = map(operator.index, (length, patch, stride))
    except TypeError as cause:
        raise ImageError(f"length, patch and stride are whole numbers of pixels, not {length!r}, {patch!r} and "
                         f"{stride!r}") from cause
    if not 1 <= patch <= length:
        raise ImageError(f"a patch of {patch} pixels does not fit into {length}: choose 1 to {length}")
    if not 1 <= stride <= patch:
        raise ImageError(f"a stride of {stride} leaves pixels between patches of {patch} uncovered, or does not move: "
                         f"choose 1 to {patch}")
    return np.minimum(np.arange(-(-(length - patch) // stride) + 1) * stride, length - patch)


def passes(size, patch=16, stride=8):
    """Return the forward passes an occlusion map of an image of ``size`` costs, equation (6.3). Raises ImageError."""
    _, tops, lefts = _grid(size, patch, stride)
    return len(tops) * len(lefts) + 1


def fill_pictures(images, fill, patch=16):
    """Return what the patch shows (N, H, W, C) in place of ``images`` (N, H, W, C), in the images' own units.

    "mean": each image's own mean colour. "blur": the image, blurred by a Gaussian of half a patch, so that what is
    smaller than the patch is gone. Or a number, a colour (C,), an image (H, W, C) or N images, taken as they are:
    middle grey is 0.5 for a network fed with 0..1, and 0 for one fed with -1..1. Raises ImageError.
    """
    images = as_batch(images)
    if isinstance(fill, str) and fill == "mean":
        return np.broadcast_to(images.mean((1, 2), keepdims=True), images.shape)
    if isinstance(fill, str) and fill == "blur":
        down, across = _pair("patch", patch)
        return np.stack([GaussianBlur(image, (0, 0), across / 2, sigmaY=down / 2).reshape(image.shape)
                         for image in images])
    if isinstance(fill, str):
        raise ImageError(f"a fill is 'mean', 'blur', a number, a colour or an image, not {fill!r}; grey is a number in "
                         "the units of your images: 0.5 for 0..1, 0 for -1..1")
    values = as_numbers(fill, ImageError, "a fill: a number, a colour (C,), an image (H, W, C) or one for each image")
    if values.shape not in ((), images.shape[3:], images.shape[1:], images.shape):
        raise ImageError(f"a fill for images {images.shape} is a number, or of shape {images.shape[3:]}, "
                         f"{images.shape[1:]} or {images.shape}; got {values.shape}")
    return np.broadcast_to(values, images.shape)


# -- parts -------------------------------------------------------------------------------------------


def _hide(images, shown, corner, patch):
    """``images`` with the patch at ``corner`` (row, column) replaced by what is ``shown`` there."""
    (y, x), (height, width) = corner, patch
    hidden = images.copy()
    hidden[:, y:y + height, x:x + width] = shown[:, y:y + height, x:x + width]
    return hidden


def _score(look, logits, target, score):
    """Return a function from logits (N, C) to the target's score (N,). Raises TargetError."""
    if score not in SCORES:
        raise TargetError(f"a score is one of {', '.join(map(repr, SCORES))}, not {score!r}")
    if callable(target):
        if score == "probability":
            raise TargetError("a function as target is the score itself: leave out score='probability'")
        return lambda of: look.scores(of, target)
    classes = look.classes(target, len(logits), logits)
    if score == "logit":
        return lambda of: look.scores(of, classes)
    return lambda of: look.probabilities(of)[np.arange(len(of)), classes]


def _shares(first, side, length):
    """(places, length): for each pixel of an axis, the share of each of the patches that cover it."""
    pixel = np.arange(length)
    covers = (pixel >= first[:, None]) & (pixel < first[:, None] + side)
    return covers / covers.sum(0)


def _grid(size, patch, stride):
    """``patch`` as (height, width), and the first row and first column of each place. Raises ImageError."""
    sides = [_pair(*named) for named in (("size", size), ("patch", patch), ("stride", stride))]
    return sides[1], *(places(*axis) for axis in zip(*sides, strict=True))


def _pair(name, value):
    """``value`` as (height, width). Raises ImageError that says whose ``name`` it is."""
    try:
        return height_width(value, ImageError)
    except ImageError as cause:
        raise ImageError(f"{name}: {cause}") from cause


def _pictures(images):
    """``images`` as a batch (N, H, W, C). Raises ImageError for several inputs."""
    if inputs.several(images):
        raise ImageError("occlusion hides parts of one picture, and this is what a model with several inputs takes: "
                         "give one batch of images (N, H, W, C)")
    return as_batch(images)


def _size(look, shape):
    """(H, W) of a batch of this shape, in whichever order the model takes it."""
    return shape[2:] if look.channels_first else shape[1:3]
