"""Figures in the course's one style: they read on light and dark pages alike."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

STYLE = Path(__file__).parent / "data" / "course.mplstyle"
BOX_COLORS = ("#ffd400", "#00e5ff", "#ff7be0")  # bright on any picture, told apart by the colour-blind


def use_style():
    """Switch matplotlib to the course's style sheet."""
    plt.style.use(STYLE)


def show(pictures, titles=None, *, columns=None, boxes=None, limit=None, unit="logit", size=1.75):
    """Show pictures side by side: images (H, W, 3) as they are, signed maps (h, w) with zero in the middle.

    All maps share one scale, -limit to limit (by default their largest magnitude), so that they can be
    compared; a colour bar names their ``unit``. ``boxes``: for each picture a list of boxes x0 y0 x1 y1.
    Returns the figure.
    """
    pictures = [np.asarray(p) for p in pictures]
    columns = columns or len(pictures)
    rows = -(-len(pictures) // columns)
    maps = [p for p in pictures if p.ndim == 2]
    limit = limit or max((float(np.abs(m).max()) for m in maps), default=0) or 1.0
    figure, axes = plt.subplots(rows, columns, figsize=(size * columns + 0.6 * bool(maps), (size + 0.35) * rows),
                                squeeze=False, layout="constrained")
    for axis in axes.flat:
        axis.set_axis_off()
    for i, (axis, picture) in enumerate(zip(axes.flat, pictures, strict=False)):
        drawn = axis.imshow(picture, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
        if picture.ndim == 2:
            heat = drawn
        axis.set_title(titles[i] if titles is not None else "")
        for box, color in zip(boxes[i] if boxes is not None else (), BOX_COLORS, strict=False):
            draw_box(axis, box, color)
    if maps:
        figure.colorbar(heat, ax=axes, label=unit, shrink=0.85, aspect=25)
    return figure


def draw_box(axis, box, color=BOX_COLORS[0]):
    """Outline the box x0 y0 x1 y1 (x1, y1 just outside) on ``axis``; pixel centres are whole numbers."""
    x0, y0, x1, y1 = box
    axis.add_patch(Rectangle((x0 - 0.5, y0 - 0.5), x1 - x0, y1 - y0, fill=False, edgecolor="black", linewidth=3))
    axis.add_patch(Rectangle((x0 - 0.5, y0 - 0.5), x1 - x0, y1 - y0, fill=False, edgecolor=color, linewidth=1.6))
