"""Bootstrap intervals: they cover as often as they say, shrink as they should, and see pairs."""

import numpy as np
import pytest
from scipy import stats

from camlib.errors import CamlibError
from camlib.intervals import mean_interval


def test_near_the_normal_interval():
    """For many values it is mean plus or minus 1.96 standard errors."""
    values = np.random.default_rng(0).normal(3, 2, 500)
    mean, low, high = mean_interval(values, resamples=20_000)
    error = values.std(ddof=1) / np.sqrt(len(values))
    assert mean == values.mean()
    np.testing.assert_allclose([low, high], mean + np.array([-1.96, 1.96]) * error, atol=0.1 * error)


def test_near_wilson_for_shares():
    """For hits and misses it is near the interval that SciPy calculates for a binomial share."""
    hits = np.arange(400) < 120
    wilson = stats.binomtest(120, 400).proportion_ci(method="wilson")
    np.testing.assert_allclose(mean_interval(hits)[1:], [wilson.low, wilson.high], atol=0.006)


def test_covers_as_often_as_it_says():
    """Of 200 samples of 60 about nine tenths have the true mean in their interval at level 0.9."""
    rng = np.random.default_rng(1)
    covered = [low <= 1 <= high for _, low, high in
               (mean_interval(rng.exponential(1, 60), level=0.9, resamples=400) for _ in range(200))]
    assert 0.82 <= np.mean(covered) <= 0.95


def test_pairs_say_more():
    """Where scenes differ a lot and methods little, the interval of the differences excludes zero."""
    rng = np.random.default_rng(2)
    scene = rng.normal(0, 5, 300)
    a, b = scene + 0.3 + rng.normal(0, 0.5, 300), scene + rng.normal(0, 0.5, 300)
    assert mean_interval(a - b)[1] > 0
    assert mean_interval(a)[1] < mean_interval(b)[2]


def test_same_seed_same_interval():
    """The seed decides the interval; the mean does not depend on it."""
    values = np.random.default_rng(3).random(50)
    assert mean_interval(values, seed=1) == mean_interval(values, seed=1)
    assert mean_interval(values, seed=1)[1:] != mean_interval(values, seed=2)[1:]


def test_all_alike():
    """Values without spread have an interval of width zero, and no warning."""
    assert mean_interval([1, 1, 1]) == (1, 1, 1)


@pytest.mark.parametrize("values, options", [
    ([1.0], {}), ([], {}), ([[1, 2]], {}), ([1, np.nan], {}), (["a", "b"], {}),
    ([1, 2], {"level": 1}), ([1, 2], {"level": 0}), ([1, 2], {"resamples": 0}),
    ([[1], [2, 3]], {}), ([1, 2], {"level": "a"}), ([1, 2], {"level": None}), ([1, 2], {"seed": -1}),
    ([1, 2], {"seed": "a"}),
])
def test_errors(values, options):
    """What has no interval is refused."""
    with pytest.raises(CamlibError):
        mean_interval(values, **options)
