"""A league table of heat maps: every measure for every method, scene by scene, and the means as text.

A row is one method's measures: a dict from the measure's name to its values (N,), one a scene.
"""

import numpy as np

from .errors import MapError, whole
from .evaluation import area, confidence_drop, deletion_curve, insertion_curve
from .images import as_numbers
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
    a, b = _values(a, measure), _values(b, measure)
    if len(a) != len(b):
        raise MapError("a paired comparison needs the same scenes in both rows")
    difference = np.subtract(a, b, dtype=np.result_type(a, b, np.float32))
    return mean_interval(difference * (-1 if measure in SMALL_IS_GOOD else 1))


def table(rows, columns=MEASURES, digits=2):
    """Return the league as text, one line a method: the mean of each column, best first by the first column.

    Beside the first column stands its 95 % interval. A column of whole numbers, a cost, has no digits behind the
    point. Rows that tie keep their order. Raises MapError without rows or columns, or where a row lacks a column.
    """
    if not (isinstance(rows, dict) and rows and isinstance(columns, (list, tuple)) and columns):
        raise MapError("a league needs rows, {method: its measures}, and columns, a list of their names")
    rows = {str(name): {column: _values(row, column) for column in columns} for name, row in rows.items()}
    digits, (first, *others) = min(whole(digits, 0, "digits"), 17), columns
    width, wide = max(map(len, rows)), [max(4, len(name)) + 1 for name in columns]
    lines = [f"{'':{width}}{first:>{wide[0]}}  {'95 % interval':<13}"
             + "".join(f"{name:>{w}}" for name, w in zip(others, wide[1:], strict=True))]
    for name in sorted(rows, key=lambda name: np.mean(rows[name][first]) * (1 if first in SMALL_IS_GOOD else -1)):
        mean, low, high = (_rounded(value, digits) for value in mean_interval(rows[name][first]))
        means = [_rounded(np.mean(rows[name][other]), 0 if rows[name][other].dtype.kind == "i" else digits)
                 for other in others]
        values = "".join(f"{text:>{w}}" for text, w in zip(means, wide[1:], strict=True))
        lines.append(f"{name:{width}}{mean:>{wide[0]}}  {f'{low} to {high}':<13}{values}")
    return "\n".join(lines)


def _values(row, measure):
    """What ``row`` says of ``measure``, numbers (N,). Raises MapError."""
    if not isinstance(row, dict) or not isinstance(measure, str) or measure not in row:
        names = ", ".join(map(repr, row)) if isinstance(row, dict) else "no names"
        raise MapError(f"no measure {measure!r}: the row has {names}")
    if as_numbers(row[measure], MapError, f"values (N,) of {measure!r}", doubles=True).ndim != 1:
        raise MapError(f"the values of {measure!r} are one number a scene (N,), got {np.shape(row[measure])}")
    return np.asarray(row[measure])


def _rounded(value, digits):
    """``value`` as text, never as minus zero."""
    return f"{round(float(value), digits) + 0.0:.{digits}f}"
