"""Formulas without the internet: MathJax comes from a package."""

import importlib.util
import shutil
from pathlib import Path


def copy_mathjax(app, error):
    """Copy the files of MathJax that a page loads; the site then needs nothing from outside."""
    source = Path(importlib.util.find_spec("sphinx-mathjax-offline").origin).parent / "static" / "mathjax"
    target = Path(app.outdir) / "_static" / "mathjax"
    fonts = "output/chtml/fonts/woff-v2"
    shutil.copytree(source / fonts, target / fonts, dirs_exist_ok=True)
    shutil.copy(source / "tex-mml-chtml.js", target)


def setup(app):
    app.connect("build-finished", copy_mathjax)
