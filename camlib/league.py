"""A league table of heat maps: every measure for every method, scene by scene, and the means as text.

A row is one method's measures: a dict from the measure's name to its values (N,), one a scene.
"""

import numpy as np

from .errors import MapError
from .evaluation import area, confidence_drop, deletion_curve, insertion_curve
from .intervals import mean_interval
from .localization import box_hits, energy_in_mask, pointing_game
from .occlusion import fill_pictures

MEASURES = ("pointing", "energy", "box", "deletion", "insertion", "drop")
SMALL_IS_GOOD = ("deletion", "drop")


def measures(model, images, labels, masks, boxes, maps, threshold, *, steps=8, fill="blur"):
    """Return one method's row: each of MEASURES by name, (N,) values for the maps (N, H, W) of N scenes.

    ``threshold``: of the box, chosen on other scenes; ``steps``, ``fill``: see ``evaluation.deletion_curve``.
    Costs 2 T + 6 forward passes a scene. Raises MapError, ImageError, TargetError.
    """
    shown = fill_pictures(images, fill)  # once for all measures
    options = dict(steps=steps, fill=shown)
    return {
        "pointing": pointing_game(maps, masks).astype(float),
        "energy": energy_in_mask(maps, masks),
        "box": box_hits(maps, boxes, threshold).astype(float),
        "deletion": area(deletion_curve(model, images, maps, labels, **options)),
        "insertion": area(insertion_curve(model, images, maps, labels, **options)),
        "drop": confidence_drop(model, images, maps, labels, shown)[0],
    }


def better(a, b, measure):
    """Return (mean, low, high) of how much better row ``a`` is than row ``b``: the paired difference, scene by scene.

    Above zero is better, whichever way the measure points; "better" needs low > 0. Raises MapError.
    """
    for row in (a, b):
        if measure not in row:
            raise MapError(f"no measure {measure!r}: the row has {', '.join(map(repr, row))}")
    if len(a[measure]) != len(b[measure]):
        raise MapError("a paired comparison needs the same scenes in both rows")
    return mean_interval((a[measure] - b[measure]) * (-1 if measure in SMALL_IS_GOOD else 1))


def table(rows, columns=MEASURES, digits=2):
    """Return the league as text, one line a method: the mean of each column, best first by the first column.

    Beside the first column stands its 95 % interval. A column of whole numbers, a cost, has no digits behind the
    point. Rows that tie keep their order.
    """
    first, *others = columns
    width, wide = max(map(len, rows)), [max(5, len(name)) + 2 for name in columns]
    lines = [f"{'':{width}}{first:>{wide[0]}}   {'95 % interval':<15}"
             + "".join(f"{name:>{w}}" for name, w in zip(others, wide[1:], strict=True))]
    for name in sorted(rows, key=lambda name: np.mean(rows[name][first]) * (1 if first in SMALL_IS_GOOD else -1)):
        mean, low, high = (_rounded(value, digits) for value in mean_interval(rows[name][first]))
        means = [_rounded(np.mean(rows[name][other]), 0 if rows[name][other].dtype.kind == "i" else digits)
                 for other in others]
        values = "".join(f"{text:>{w}}" for text, w in zip(means, wide[1:], strict=True))
        lines.append(f"{name:{width}}{mean:>{wide[0]}}   {f'{low} to {high}':<15}{values}")
    return "\n".join(lines)


def _rounded(value, digits):
    """``value`` as text, never as minus zero."""
    return f"{round(float(value), digits) + 0.0:.{digits}f}"
