"""Figures in the course's one style: they read on light and dark pages alike."""

from numbers import Real
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from .errors import CamlibError, ImageError
from .images import as_numbers
from .localization import as_boxes

STYLE = Path(__file__).parent / "data" / "course.mplstyle"
BOX_COLORS = ("#ffd400", "#00e5ff", "#ff7be0")  # bright on any picture, told apart by the colour-blind


def use_style():
    """Switch matplotlib to the course's style sheet."""
    plt.style.use(STYLE)


def show(pictures, titles=None, *, columns=None, boxes=None, limit=None, unit="logit", size=1.75, signed=True):
    """Show pictures side by side: images (H, W, 3) as they are, signed maps (h, w) with zero in the middle.

    All maps share one scale, -limit to limit (by default their largest magnitude), so that they can be
    compared; a colour bar names their ``unit``. With ``signed=False`` the scale runs from 0 to limit, for maps
    that are nowhere negative. ``boxes``: for each picture a list of boxes x0 y0 x1 y1.
    Returns the figure. Raises ImageError for what is no picture, CamlibError for titles or boxes that do not fit.
    """
    pictures = [_picture(picture) for picture in pictures] if np.iterable(pictures) else []
    if not pictures:
        raise ImageError("a list of pictures is needed, with at least one: write show([picture])")
    titles, boxes = (_one_each(pictures, values, name) for values, name in ((titles, "titles"), (boxes, "boxes")))
    boxes = None if boxes is None else [_boxes(some) for some in boxes]
    columns = int(_positive(len(pictures) if columns is None else columns, "columns", 100))
    size = _positive(size, "size", 100)
    limit = None if limit is None else _positive(limit, "limit")
    rows = -(-len(pictures) // columns)
    maps = [p for p in pictures if p.ndim == 2]
    if limit is None:
        limit = max((float(np.abs(m).max()) for m in maps), default=0) or 1.0
    figure, axes = plt.subplots(rows, columns, figsize=(size * columns + 0.6 * bool(maps), (size + 0.35) * rows),
                                squeeze=False, layout="constrained")
    for axis in axes.flat:
        axis.set_axis_off()
    for i, (axis, picture) in enumerate(zip(axes.flat, pictures, strict=False)):
        drawn = axis.imshow(picture, cmap="RdBu_r" if signed else "inferno", vmin=-limit if signed else 0, vmax=limit,
                           interpolation="nearest")
        if picture.ndim == 2:
            heat = drawn
        axis.set_title("" if titles is None else titles[i])
        for box, color in zip(() if boxes is None else boxes[i], BOX_COLORS, strict=False):
            draw_box(axis, box, color)
    if maps:
        figure.colorbar(heat, ax=axes, label=unit, shrink=0.85, aspect=25)
    return figure


def draw_box(axis, box, color=BOX_COLORS[0]):
    """Outline the box x0 y0 x1 y1 (x1, y1 just outside) on ``axis``; pixel centres are whole numbers."""
    x0, y0, x1, y1 = box
    axis.add_patch(Rectangle((x0 - 0.5, y0 - 0.5), x1 - x0, y1 - y0, fill=False, edgecolor="black", linewidth=3))
    axis.add_patch(Rectangle((x0 - 0.5, y0 - 0.5), x1 - x0, y1 - y0, fill=False, edgecolor=color, linewidth=1.6))


# -- checks ------------------------------------------------------------------------------------------


def _picture(picture):
    """A map (h, w) or an image (H, W, 3) as an array; raises ImageError."""
    as_numbers(picture, ImageError, "a map (h, w) or an image (H, W, 3)")
    array = np.asarray(picture)  # as it came: bytes are shown as bytes
    if array.ndim != 2 and (array.ndim != 3 or array.shape[2] != 3):
        raise ImageError(f"expected a map (h, w) or an image (H, W, 3), got shape {array.shape}")
    return array


def _boxes(some):
    """The boxes of one picture (n, 4), maybe none; raises MapError."""
    return as_boxes(some).reshape(-1, 4) if not isinstance(some, (list, tuple)) or some else ()


def _one_each(pictures, values, name):
    """``values`` as a list with one for each picture, or None; raises CamlibError."""
    if values is None:
        return None
    values = list(values) if np.iterable(values) else []
    if len(values) != len(pictures):
        raise CamlibError(f"{name} is a list with one entry for each of the {len(pictures)} pictures, "
                          f"not of {len(values)}")
    return values


def _positive(value, name, most=np.finfo(float).max):
    """A number above 0, at most ``most``; raises CamlibError."""
    if not (isinstance(value, Real) and 0 < value <= most):
        raise CamlibError(f"{name} is a number above 0, at most {most:g}, not {value!r}")
    return value
