"""The benchmark's own tools, without the libraries that it measures: nothing here is timed."""

import numpy as np
import pytest

from benchmarks import memory, report
from benchmarks.timing import interleaved, quartiles, seconds


class Clock:
    """A clock that moves only when told to, at a speed that drifts."""

    def __init__(self):
        self.now, self.drift = 0.0, 1.0

    def __call__(self):
        return self.now

    def spend(self, time):
        self.now += time * self.drift


def test_ratios_are_exact_on_a_steady_clock():
    clock = Clock()
    contenders = {"same": lambda: clock.spend(2), "half": lambda: clock.spend(1)}
    ratios, plains = interleaved(lambda: clock.spend(2), contenders, rounds=6, clock=clock)
    assert ratios == {"same": [1] * 6, "half": [0.5] * 6}
    assert plains == [2] * 12


def test_a_machine_that_slows_down_does_not_bend_a_ratio():
    clock = Clock()

    def call(time):
        clock.spend(time)
        clock.drift *= 1.02  # after 30 rounds it is three times slower, and more

    ratios, plains = interleaved(lambda: call(1), {"a": lambda: call(1.05)}, rounds=30, clock=clock)
    assert plains[-1] > 3 * plains[0]
    assert ratios["a"] == pytest.approx([1.05] * 30, rel=1e-3)


def test_a_slow_contender_stops_early_and_a_fast_one_goes_on():
    clock = Clock()
    ratios, _ = interleaved(lambda: clock.spend(1), {"slow": lambda: clock.spend(9), "fast": lambda: clock.spend(1)},
                            rounds=10, slow_rounds=3, clock=clock)
    assert ratios == {"slow": [9] * 3, "fast": [1] * 10}


def test_a_call_is_the_mean_of_several():
    clock = Clock()
    assert seconds(lambda: clock.spend(3), number=4, clock=clock) == 3


def test_quartiles():
    assert quartiles([4, 1, 3, 2, 5]) == (2, 3, 4)
    assert quartiles([7]) == (7, 7, 7)


def test_memory_that_is_kept_is_seen():
    pytest.importorskip("psutil")
    kept = []
    # Arrays of more than 32 MiB never come out of memory that the process had already.
    seen = memory.watched(lambda i: kept.append(np.ones(40 * memory.MIB // 8)), count=4, every=2)
    assert len(seen) == 2
    assert 60 < seen[1] - seen[0] < 120


FOUND = {
    "grad-cam tensorflow": {
        "tables": {n: {"plain_ms": 50.0, "ratios": {"camlib Grad-CAM": [1.0, 1.01, 1.02, 9], "peer": [1.1, 1.2, 1.3, 9],
                                                    "camlib CAM": [1.1, 1.2, 1.3, 9]}} for n in report.BATCHES},
        "agreement": {"camlib Grad-CAM": 1e-7, "camlib CAM": 2e-7, "peer": 3e-7}, "notes": dict.fromkeys(
            ("camlib Grad-CAM", "camlib CAM", "peer"), ""), "failed": {"other": "ValueError: a | b"}},
    "memory images resnet": [800.0, 801.0],
    "grad-cam torch": {"error": "not finished after 600 s"},
}


def row(text, start):
    """The cells of the one table row that begins with ``start``."""
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {start}")]
    return [cell.strip() for cell in line.strip("| ").split(" | ")]


def test_the_report_says_what_is_met_and_what_is_not():
    text = report.render({"machine": {"processor": "a machine"}, **FOUND})
    assert row(text, "camlib Grad-CAM, batch 8")[-2:] == ["**1.01** (1.00–1.02)", "yes"]
    assert row(text, "camlib CAM, batch 8")[-1] == "**no**"
    assert row(text, "Grad-CAM, batch 1: ahead")[-2:] == ["next: peer 1.20", "yes"]
    assert row(text, "500 images")[-2:] == ["800 → 801 MiB", "yes"]
    assert row(text, "half-pixel")[-1] == "–"


def test_the_report_keeps_what_failed_or_is_missing():
    text = report.render({"machine": {"processor": "a machine", "quick": True}, **FOUND})
    assert row(text, "other")[1:] == ["fails", "", "", "", "`ValueError: a \\| b`"]
    assert "Missing: not finished after 600 s" in text
    assert "too few rounds" in text
