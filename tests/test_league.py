"""The league table: each measure is its own function's, comparisons are paired, and the text says the means."""

import numpy as np
import pytest

from camlib import class_activation_map, league, pointing_game, resize_map, scenes
from camlib.errors import CamlibError, MapError
from camlib.evaluation import center_map, confidence_drop, deletion, insertion, random_map
from camlib.intervals import mean_interval
from camlib.localization import box_accuracy, energy_in_mask


@pytest.fixture(scope="module")
def rows(network):
    """CAM, the centre and a random map on 30 scenes that the network was not trained on."""
    few = list(scenes.make(30, seed=2))
    cam = resize_map(class_activation_map(network, few[0], few[1]), 96)
    maps = {"random": random_map(30, 96), "CAM": cam, "centre": center_map(30, 96)}
    return {name: league.measures(network, *few, map, 0.4, steps=4) for name, map in maps.items()}, few, cam


def test_a_row_holds_every_measure_scene_by_scene(rows, network):
    """Names in order, one value a scene, each what the measure's own function gives."""
    rows, (images, labels, masks, boxes), cam = rows
    row = rows["CAM"]
    assert tuple(row) == league.MEASURES and all(values.shape == (30,) for values in row.values())
    options = dict(steps=4, fill="blur")
    for name, expected in (("pointing", pointing_game(cam, masks)), ("energy", energy_in_mask(cam, masks)),
                           ("deletion", deletion(network, images, cam, labels, **options)),
                           ("insertion", insertion(network, images, cam, labels, **options)),
                           ("drop", confidence_drop(network, images, cam, labels, "blur")[0])):
        np.testing.assert_array_equal(row[name], expected)
    assert row["box"].mean() == pytest.approx(box_accuracy(cam, boxes, 0.4))


def test_better_is_paired_and_knows_which_way_is_up(rows):
    """CAM beats the random map in each measure, the interval above zero; the other way round it is below."""
    rows = rows[0]
    for measure in ("pointing", "energy", "deletion", "insertion", "drop"):
        mean, low, high = league.better(rows["CAM"], rows["random"], measure)
        sign = -1 if measure in ("deletion", "drop") else 1
        assert mean == pytest.approx(sign * (rows["CAM"][measure] - rows["random"][measure]).mean())
        assert 0 < low <= mean <= high and league.better(rows["random"], rows["CAM"], measure)[2] < 0


def test_table_is_sorted_and_says_the_means(rows):
    """Best first by the first column, small first where small is good; the numbers are means and intervals."""
    rows = rows[0]
    lines = league.table(rows).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["CAM", "centre", "random"]
    mean, low, high = mean_interval(rows["CAM"]["pointing"])
    others = [f"{rows['CAM'][name].mean():.2f}" for name in league.MEASURES[1:]]
    assert lines[1].split() == ["CAM", f"{mean:.2f}", f"{low:.2f}", "to", f"{high:.2f}", *others]
    assert len({len(line) for line in lines}) == 1
    by_deletion = league.table(rows, ("deletion", "energy"), digits=3).splitlines()
    means = [float(line.split()[1]) for line in by_deletion[1:]]
    zero = {"a": {"x": np.full(3, -0.001), "y": np.full(3, -0.001)}}
    assert "-" not in league.table(zero, ("x", "y"))
    assert means == sorted(means) and len(by_deletion[1].split()) == 6
    cost = {"a": {"x": np.full(3, 0.5), "passes": np.array([65])}}
    assert league.table(cost, ("x", "passes")).split()[-5:] == ["0.50", "0.50", "to", "0.50", "65"]


def test_league_refuses(rows):
    """An unknown measure, and rows of different scenes."""
    rows = rows[0]
    with pytest.raises(MapError, match="pointing"):
        league.better(rows["CAM"], rows["centre"], "beauty")
    with pytest.raises(MapError, match="same scenes"):
        league.better(rows["CAM"], {"energy": np.zeros(3)}, "energy")


@pytest.mark.parametrize("a, b", [
    (dict(x=[1, 0, 1]), dict(x=[0.5, 0, 0])),
    (dict(x=np.array([True, False, True])), dict(x=np.array([False, False, True]))),
    (dict(x=np.array([3, 0, 1], np.uint8)), dict(x=np.array([4, 0, 0], np.uint8))),
], ids=["lists", "truth values", "bytes"])
def test_better_takes_any_numbers(a, b):
    """Lists, truth values and bytes are numbers, and are subtracted as such."""
    expected = np.mean(np.array(a["x"], float) - np.array(b["x"], float))
    assert league.better(a, b, "x")[0] == pytest.approx(expected, abs=1e-6)
    assert league.table({"a": a, "b": b}, ["x"]).splitlines()[0].split() == ["x", "95", "%", "interval"]


@pytest.mark.parametrize("call, error, message", [
    (lambda: league.table({}), MapError, "needs rows"),
    (lambda: league.table([1, 2], "x"), MapError, "needs rows"),
    (lambda: league.table({"a": {"x": [1, 2]}}, ()), MapError, "and columns"),
    (lambda: league.table({"a": {"x": [1, 2]}}, None), MapError, "and columns"),
    (lambda: league.table({"a": {"x": [1, 2]}}, ("x", "y")), MapError, "no measure 'y': the row has 'x'"),
    (lambda: league.table({"a": [1, 2]}, ("x",)), MapError, "no measure 'x'"),
    (lambda: league.table({"a": {"x": [1, 2], "y": 3}}, ("x", "y")), MapError, "one number a scene"),
    (lambda: league.table({"a": {"x": [[1], [2, 3]]}}, ("x",)), MapError, "different shapes"),
    (lambda: league.table({"a": {"x": [1, 2]}}, ("x",), -1), CamlibError, "digits is a whole number"),
    (lambda: league.better([1, 2], [0, 1], "x"), MapError, "no measure 'x'"),
    (lambda: league.better({"x": "ab"}, {"x": [0, 1]}, "x"), MapError, "of numbers"),
])
def test_what_is_no_league(call, error, message):
    """No rows, no columns, a column that a row lacks, and values that are no numbers."""
    with pytest.raises(error, match=message):
        call()
