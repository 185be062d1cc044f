"""The live figure of chapter 13: order and numbers are the notebook's; three rows and the maps are measured anew."""

import base64
import json
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

import camlib
from book.live import league as figure
from camlib import evaluation, scenes
from camlib.league import SMALL_IS_GOOD

from .browsing import ROOT

CHEAP = {  # written here once more, by hand
    "CAM": lambda net, x, y: camlib.resize_map(camlib.class_activation_map(net, x, y), 96),
    "gradient": lambda net, x, y: np.abs(camlib.saliency(net, x, y)).max(3),
    "edges": lambda net, x, y: evaluation.edge_map(x),
}


@pytest.fixture
def league(live):
    return live("league", "13_evaluation")


def stored(cell, columns):
    """The notebook's printed table, by fixed places: the name, then the numbers without the interval."""
    cells = json.loads((ROOT / "notebooks" / "13_evaluation.ipynb").read_text())["cells"]
    text = "".join(next(c for c in cells if c["id"] == cell)["outputs"][0]["text"])
    head, *lines = text[text.index("  " + columns[0]) - 20:].lstrip("\n").splitlines()
    found = {}
    for line in filter(None, lines):
        words = line.split()
        to = words.index("to")
        found[" ".join(words[:to - 2])] = dict(zip(columns, map(float, [words[to - 2], *words[to + 2:]]), strict=True))
    return found


ROWS = stored("c13-048", ("pointing", "energy", "box", "deletion", "insertion", "drop", "passes"))
CHECKS = stored("c13-056", ("top shuffled", "all shuffled", "stable"))


def shown(league, column):
    names = league.widget.locator("tbody .name").all_text_contents()
    return dict(zip(names, league.numbers(f"tbody [data-column='{column}']"), strict=True))


def test_every_column_sorts(league):
    """Each head, pressed by key: the notebook's numbers, best first, and aria-sort says which way."""
    assert len(ROWS) == len(CHECKS) == 20
    for n, group in enumerate((["pointing", "energy", "box"], ["deletion", "insertion", "drop", "passes"],
                               ["top shuffled", "all shuffled", "stable"])):
        league.press("fieldset >> nth=0 >> input:checked", *["ArrowRight"] * min(n, 1))
        for column in group:
            small = column in (*SMALL_IS_GOOD, "top shuffled", "all shuffled", "passes")
            league.press(f"thead button:text-is({column!r})", "Enter")
            seen = shown(league, column)
            assert seen == {name: (ROWS | CHECKS if column in CHECKS["CAM"] else ROWS)[name][column] for name in seen}
            assert list(seen.values()) == sorted(seen.values(), reverse=not small) and len(seen) == 20
            told = league.widget.locator("th[aria-sort]").get_attribute("aria-sort")
            assert told == ("ascending" if small else "descending")
            assert league.page.evaluate("document.activeElement.textContent") == column


def test_no_method_wins_everywhere(league):
    """The sentence: who is first in a measure, and where the same method is worst, by the notebook's numbers."""
    assert league.widget.locator("[data-name=winner]").text_content() == "guided Grad-CAM"
    worst = league.widget.locator("[data-name=worst]").text_content()
    rank = {}
    for column in [*ROWS["CAM"], *CHECKS["CAM"]]:
        table = ROWS if column in ROWS["CAM"] else CHECKS
        sign = 1 if column in (*SMALL_IS_GOOD, "top shuffled", "all shuffled", "passes") else -1
        values = [sign * row[column] for name, row in table.items() if name not in ("centre", "edges", "random")]
        rank[column] = 1 + sum(value < sign * table["guided Grad-CAM"][column] for value in values)
    del rank["passes"]
    assert league.value("rank") == rank[worst] == max(rank.values()) > 1


def test_numbers_measured_anew(league, network):
    """CAM, the gradient and the edges on the chapter's 100 scenes: pointing and energy, to the digits shown."""
    images, labels, masks, _ = scenes.make(100, seed=2)
    for name, method in CHEAP.items():
        maps = method(network, images, labels)
        assert shown(league, "pointing")[name] == pytest.approx(camlib.pointing_game(maps, masks).mean(), abs=0.0051)
        assert shown(league, "energy")[name] == pytest.approx(camlib.energy_in_mask(maps, masks).mean(), abs=0.0051)


def test_pictures_are_the_methods_maps(network):
    """For three methods and all scenes: the picture is as bright as the map is large, and of no other scene."""
    data = figure.data()
    for name, (objects, index) in {name: choice.values() for name, choice in figure.SCENES.items()}.items():
        x, labels, _, _ = (part[index:] for part in scenes.make(index + 1, seed=2, objects=objects))
        asked = scenes.CLASSES[labels.reshape(-1)[0]]
        assert name.split()[1] == asked == data["scenes"][name]["asked"]
        for method, maps in CHEAP.items():
            map = maps(network, x, labels.reshape(-1)[:1])[0]
            bytes = base64.b64decode(data["rows"][method]["maps"][name].split(",")[1])
            bright = np.asarray(Image.open(BytesIO(bytes)).convert("L"), float)
            here = camlib.resize_map(camlib.normalize_map(map, "relu"), bright.shape)
            assert np.corrcoef(bright.ravel(), here.ravel())[0, 1] > 0.9
