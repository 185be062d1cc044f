"""The league of chapter 13: numbers from the notebook's stored tables, methods from the notebook's own cells."""

import ast
import base64
import json
import re
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

import camlib
from camlib import league, plots, scenes

from . import picture

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "13_evaluation.ipynb"
TABLES = {"c13-048": (*league.MEASURES, "passes"), "c13-056": ("top shuffled", "all shuffled", "stable")}
SMALL_IS_GOOD = (*league.SMALL_IS_GOOD, "top shuffled", "all shuffled", "passes")
SCENES = {"a mushroom": dict(objects=1, index=8), "a fish": dict(objects=1, index=5),
          "a house beside an umbrella": dict(objects=2, index=1)}
SIDE = 64  # pixels of a map


def data():
    """The columns, for each method its numbers and its map of each scene, and the scenes."""
    cells = {cell["id"]: cell for cell in json.loads(NOTEBOOK.read_text())["cells"]}
    rows = {}
    for id, columns in TABLES.items():
        for name, values in table(cells[id], columns).items():
            rows.setdefault(name, {}).update(values)
    names, network = definitions(cells), camlib.course_network.load()
    if set(rows) != set(names["METHODS"]) or any(len(row) != 11 for row in rows.values()):
        raise ValueError(f"{NOTEBOOK.name}: its two tables and METHODS do not name the same methods")
    shown = {}
    for name, (objects, index) in {name: choice.values() for name, choice in SCENES.items()}.items():
        x, labels, _, boxes = (part[index:index + 1] for part in scenes.make(index + 1, seed=2, objects=objects))
        c = labels.reshape(-1)[:1]
        shown[name] = dict(image=picture(x[0]), box=boxes.reshape(-1, 4)[0].tolist(), asked=scenes.CLASSES[c[0]])
        for method, (maps, _) in names["METHODS"].items():
            rows[method].setdefault("maps", {})[name] = small(maps(network, x, c)[0])
    return dict(rows=rows, scenes=shown, baselines=names["BASELINES"], small=SMALL_IS_GOOD, size=scenes.SIZE,
                groups={"with truth": league.MEASURES[:3], "without truth": league.MEASURES[3:],
                        "three checks": TABLES["c13-056"]})


def table(cell, columns):
    """The stored table of a cell: method -> column -> number; of the first column its interval, too."""
    found = {}
    for line in "".join(cell["outputs"][0]["text"]).splitlines():
        row = re.fullmatch(r"(\S.*?)\s+(-?[\d.]+)\s+(-?[\d.]+) to (-?[\d.]+)((?:\s+-?[\d.]+)+)", line)
        if row:
            values = [float(value) for value in (row[2], *row[5].split())]
            found[row[1]] = dict(zip(columns, values, strict=True))
            if columns[0] == "pointing":
                found[row[1]]["interval"] = [float(row[3]), float(row[4])]
    return found


def definitions(cells):
    """The names of the chapter's METHODS cell, with the imports and little functions it needs; nothing else runs."""
    names = {"tried": {"Eigen-CAM": lambda net, x, y: camlib.resize_map(camlib.eigen_cam(net, x), scenes.SIZE)}}
    cells_used = {"c13-001": (ast.Import, ast.ImportFrom), "c13-028": ast.FunctionDef, "c13-043": ast.Assign}
    for id, wanted in cells_used.items():
        tree = ast.parse("".join(cells[id]["source"]))
        tree.body = [node for node in tree.body if isinstance(node, wanted)]
        exec(compile(tree, f"{NOTEBOOK.name}, {id}", "exec"), names)
    return names


def small(map):
    """A map's positive part, its maximum white, as the address of a small picture."""
    heat = camlib.colorize(camlib.normalize_map(map, "relu"))
    pixels = cv2.resize(np.uint8(np.round(255 * heat)), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    file = BytesIO()
    Image.fromarray(pixels).save(file, "webp", quality=70, method=6)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()


def still(data):
    """The ranks of the methods in six measures, a line each; four lines stand out."""
    columns, rows = league.MEASURES, data["rows"]
    players = [name for name in rows if name not in data["baselines"]]
    ranks = {name: [1 + sum(better(rows[other], rows[name], column) for other in players) for column in columns]
             for name in players}
    winners = [min(players, key=lambda name, i=i: ranks[name][i]) for i in (0, -1)]
    bold = dict.fromkeys([*winners, "CAM", "deconvnet"])
    figure, axis = plots.plt.subplots(figsize=(7, 4.6), layout="constrained")
    for name in players:
        if name not in bold:
            axis.plot(ranks[name], "o-", color="#7d7d7d", linewidth=0.7, markersize=2, alpha=0.6)
    for name in bold:
        line, = axis.plot(ranks[name], "o-", linewidth=2.5, markersize=5)
        axis.annotate(name, (len(columns) - 1, ranks[name][-1]), xytext=(8, 0), textcoords="offset points",
                      va="center", color=line.get_color())
    axis.set(xticks=range(len(columns)), xticklabels=columns)
    axis.set(ylabel="rank among the methods", ylim=(len(players) + 0.5, 0.5))
    return figure


def better(a, b, column):
    return a[column] < b[column] if column in SMALL_IS_GOOD else a[column] > b[column]
