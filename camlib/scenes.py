"""Scenes: colour images whose truth is known, drawn from a seed.

A scene is one or two little objects on textured, cluttered ground. Each comes with its
class, its pixel mask and its box, so that a heat map can be measured instead of admired.
Scene ``i`` of a seed is always the same picture, however many are drawn with it.
"""

from typing import NamedTuple

import cv2
import numpy as np

from .errors import CamlibError, near_names, whole
from .figures import FIGURES, Pen, fragment
from .runtime import with_progress

SIZE = 96  # side of a scene in pixels
CLASSES = tuple(FIGURES)


class Scenes(NamedTuple):
    """What ``make`` returns; unpacks as ``images, labels, masks, boxes``.

    With ``objects=2`` the last three get one more axis: (N, 2), (N, 2, H, W), (N, 2, 4).
    """

    images: np.ndarray  # (N, H, W, 3) float32, RGB, 0..1
    labels: np.ndarray  # (N,) int, index into CLASSES
    masks: np.ndarray   # (N, H, W) bool, True on the object's pixels
    boxes: np.ndarray   # (N, 4) int, x0 y0 x1 y1; x1 and y1 lie just outside the object


def make(n, seed, *, objects=1, classes=CLASSES, clutter=(3, 8), first=0, progress=False):
    """Draw ``n`` scenes: number ``first`` to ``first + n - 1`` of this seed.

    ``objects`` is 1, or 2 objects of different classes that do not touch; ``classes`` are the
    names to draw from; ``clutter`` is the least number of distractor fragments, and one more than the most.
    Returns ``Scenes``. Raises CamlibError for an unknown class, and for numbers that no scene can have.
    """
    n, seed, first = whole(n, 1, "n"), whole(seed, 0, "seed"), whole(first, 0, "first")
    classes = _known(classes)
    if whole(objects, 1, "objects") > 2:
        raise CamlibError(f"a scene holds 1 or 2 objects, not {objects!r}")
    least, end = clutter if np.shape(clutter) == (2,) else (0, 0)
    if not 0 <= whole(least, 0, "clutter") < whole(end, 0, "clutter") <= 1000:
        raise CamlibError(f"clutter is two whole numbers, the least and one more than the most, at most 1000; "
                          f"not {clutter!r}")
    if objects > len(classes):
        raise CamlibError("two objects of different classes need two class names")
    numbers = with_progress(range(first, first + n), "drawing scenes", progress)
    drawn = [draw_scene(np.random.default_rng([seed, i]), objects, classes, clutter) for i in numbers]
    columns = [np.stack([scene[part] for scene in drawn]) for part in range(4)]
    if objects == 1:
        columns[1:] = [column[:, 0] for column in columns[1:]]
    return Scenes(*columns)


def _known(classes):
    """The names ``classes``, each once; raises CamlibError for others."""
    try:
        names = tuple(dict.fromkeys(classes))
    except TypeError as cause:
        raise CamlibError(f"classes is a list of names such as {CLASSES[:2]}, not {classes!r}") from cause
    for name in names:
        if name not in FIGURES:
            raise CamlibError(f"no class {name!r} among the scenes.{near_names(name, CLASSES)}")
    return names


def draw_scene(rng, objects, classes, clutter):
    """Draw one scene; return its image, labels (objects,), masks (objects, H, W) and boxes (objects, 4)."""
    image = ground(rng)
    light = 1 + 0.35 * noise(rng, (24, 48)) + 0.15 * noise(rng, (2, 4))
    scatter(image, light, rng, rng.integers(*clutter))
    names = rng.choice(classes, objects, replace=False)
    masks = []
    for name, (center, radius) in zip(names, places(rng, objects), strict=True):
        masks.append(draw_figure(image, FIGURES[name], center, radius, light, rng))
    image += rng.normal(0, 0.02, image.shape)
    boxes = np.stack([box_of(mask) for mask in masks])
    labels = np.array([CLASSES.index(name) for name in names])
    return np.clip(image, 0, 1).astype(np.float32), labels, np.stack(masks), boxes


def places(rng, objects):
    """Choose centers and radii (pixels): whole objects (a wing tip may leave the picture), two never touch."""
    radii = SIZE * rng.uniform(0.17, 0.27 if objects == 1 else 0.22, objects)
    while True:
        centers = [rng.uniform(r + 1, SIZE - r - 1, 2) for r in radii]
        if objects == 1 or np.hypot(*(centers[0] - centers[1])) > radii.sum() + 3:
            return list(zip(centers, radii, strict=True))


def draw_figure(image, figure, center, radius, light, rng):
    """Draw ``figure`` into ``image`` (changed in place) under ``light`` (H, W); return its mask (H, W)."""
    pen = Pen(center, radius, rng)
    figure(pen, rng, *palette(rng, image.mean((0, 1))))
    color, cover = pen.averaged()
    (x, y), side = pen.corner, len(cover)
    inside = np.s_[max(0, -y):SIZE - y, max(0, -x):SIZE - x]
    place = np.s_[max(0, y):min(SIZE, y + side), max(0, x):min(SIZE, x + side)]
    image[place] = image[place] * (1 - cover[inside]) + color[inside] * light[place][..., None]
    mask = np.zeros((SIZE, SIZE), bool)
    mask[place] = cover[inside][..., 0] >= 0.5
    return mask


def palette(rng, background):
    """Two colours that stand out from the background and from each other, and a dark or a light one."""
    while True:
        a, b = rng.uniform(0.05, 1, (2, 3))
        if np.abs(a - background).sum() > 0.75 and np.abs(a - b).sum() > 0.7:
            return a, b, rng.uniform(0, 0.2, 3) if rng.random() < 0.7 else rng.uniform(0.8, 1, 3)


def noise(rng, scales):
    """Smooth noise (H, W), about -1..1: one octave for each grain size in pixels."""
    total = np.zeros((SIZE, SIZE), np.float32)
    for scale in scales:
        cells = rng.normal(0, 1, (SIZE // scale + 2,) * 2).astype(np.float32)
        total += cv2.resize(cells, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    return total / (2 * np.sqrt(len(scales)))


def ground(rng):
    """A textured ground (H, W, 3): two colours mixed by noise, sometimes with stripes, and grain."""
    a = rng.uniform(0.15, 0.85) + rng.uniform(-0.25, 0.25, 3)
    b = np.clip(a + rng.normal(0, 0.18, 3), 0, 1)
    mix = 0.5 + 0.5 * noise(rng, (12, 24, 48))
    if rng.random() < 0.35:
        y, x = np.mgrid[:SIZE, :SIZE]
        angle, step = rng.uniform(0, np.pi), rng.uniform(4, 12)
        wave = 2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / step
        mix = 0.5 * mix + 0.5 * (0.5 + 0.5 * np.sin(wave + 3 * noise(rng, (24,))))
    image = a + (b - a) * np.clip(mix, 0, 1)[..., None]
    return image + 0.12 * noise(rng, (2, 4, 8))[..., None] * rng.uniform(0.4, 1.2)


def scatter(image, light, rng, count):
    """Draw ``count`` small distractors: fragments that belong to no class."""
    for _ in range(count):
        radius = rng.uniform(4, 8)
        draw_figure(image, fragment, rng.uniform(radius, SIZE - radius, 2), radius, light, rng)


def box_of(mask):
    """The smallest box (x0, y0, x1, y1) around a mask (H, W); x1 and y1 lie just outside."""
    ys, xs = np.nonzero(mask)
    return np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])


def add_marker(images, boxes, seed):
    """Put a small checkered tag into a corner that the object leaves free.

    ``images`` (N, H, W, 3) and ``boxes`` (N, 4) as ``make`` returns them, one object a scene.
    Returns new images and the tags' boxes (N, 4). It is the spurious cue of the debugging chapter.
    """
    marked, tags, side = images.copy(), [], 8
    tile = np.kron(np.indices((2, 2)).sum(0) % 2, np.ones((side // 2,) * 2)).astype(bool)
    for i, box in enumerate(boxes):
        corners = [(x, y) for x in (3, SIZE - side - 3) for y in (3, SIZE - side - 3)]
        free = [(x, y) for x, y in corners
                if x >= box[2] or x + side <= box[0] or y >= box[3] or y + side <= box[1]]
        x, y = free[np.random.default_rng([seed, i]).integers(len(free))]
        marked[i, y:y + side, x:x + side] = np.where(tile[..., None], (1, 0.85, 0), (0.45, 0, 0.5))
        tags.append((x, y, x + side, y + side))
    return marked, np.array(tags)
