"""Compute the data and draw the still picture of every live figure: ``python -m live FOLDER`` in ``book/``."""

import importlib
import json
import pkgutil
import sys
from pathlib import Path

import camlib
from camlib import plots

camlib.repeatable()
plots.use_style()
folder = Path(sys.argv[1])
for _, name, _ in pkgutil.iter_modules([Path(__file__).parent]):
    if name != "__main__":
        figure = importlib.import_module(f"{__package__}.{name}")
        data = figure.data()
        figure.still(data).savefig(folder / f"{name}.png", dpi=144, bbox_inches="tight")
        (folder / f"{name}.json").write_text(json.dumps(data, separators=(",", ":"), allow_nan=False))
