"""How sure a mean is: bootstrap intervals, alone and for pairs."""

from numbers import Real

import numpy as np
from scipy import stats

from .errors import CamlibError, whole
from .images import as_numbers


def mean_interval(values, level=0.95, resamples=2000, seed=0):
    """Return (mean, low, high): the mean of ``values`` (N,) and its bootstrap interval.

    Scenes are drawn again with replacement, ``resamples`` times; the middle ``level`` of their means is the interval
    [efron1993]. Bools count as 0 and 1. For a paired comparison give the differences, one a scene: ``a - b``.
    Values that are all alike give an interval of width zero. Raises CamlibError for fewer than two values, or NaN.
    """
    as_numbers(values, CamlibError, "values (N,)", doubles=True)
    values = np.asarray(values)
    if values.ndim != 1 or len(values) < 2:
        raise CamlibError(f"an interval needs at least two finite numbers (N,), got {values.dtype} {values.shape}")
    if not (isinstance(level, Real) and 0 < level < 1):
        raise CamlibError(f"the level is a share between 0 and 1, not {level!r}")
    values = values.astype(float)
    mean = float(values.mean())
    if np.ptp(values) == 0:
        return mean, mean, mean
    found = stats.bootstrap((values,), np.mean, confidence_level=level, n_resamples=whole(resamples, 1, "resamples"),
                            method="percentile", rng=np.random.default_rng(whole(seed, 0, "seed"))).confidence_interval
    return mean, float(found.low), float(found.high)
