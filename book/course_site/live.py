"""The live figures: ``:::{live} NAME`` puts the figure of ``book/live/NAME.py`` and ``NAME.js`` into a text.

The page holds the still picture, the caption and the data; the script makes the rest, so that print and readers
without JavaScript lose the motion and nothing else. The data are computed when the site is built, and again when
camlib, the figures or the notebook they read from change.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

BOOK = Path(__file__).parents[1]
FIGURES = BOOK / "live"


class live_figure(nodes.General, nodes.Element):
    """A still picture and a caption; ``name`` and ``data``."""


class live_caption(nodes.General, nodes.Element):
    """The text below a live figure."""


class Live(SphinxDirective):
    """``:::{live} NAME`` with ``:alt:``, what the still picture shows, and the caption."""

    required_arguments = 1
    option_spec = {"alt": directives.unchanged_required}
    has_content = True

    def run(self):
        name, = self.arguments
        folder = made(self.env.app)
        if not (folder / f"{name}.json").is_file():
            raise self.error(f"there is no live figure {name!r} in {FIGURES}")
        still = nodes.image(uri=os.path.relpath(folder / f"{name}.png", Path(self.env.doc2path(self.env.docname)).parent),
                            alt=self.options["alt"], classes=["still"])
        caption = live_caption("", *self.parse_content_to_nodes())
        self.env.note_dependency(str(folder / f"{name}.json"))
        data = (folder / f"{name}.json").read_text().replace("</", "<\\/")
        return [live_figure("", still, caption, name=name, data=data, ids=[f"live-{name}"])]


def made(app):
    """The folder with the data and still pictures of all figures, made if it is missing or old."""
    folder = Path(app.outdir).resolve().parent / "live"
    version = digest()
    if not (folder / "version").is_file() or (folder / "version").read_text() != version:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        subprocess.run([sys.executable, "-m", FIGURES.name, folder], cwd=BOOK, check=True,
                       env=os.environ | {"PYTHONPATH": str(BOOK.parent)})
        (folder / "version").write_text(version)
    return folder


def digest():
    """What the figures are made from, in 64 letters."""
    root = BOOK.parent
    files = [*FIGURES.glob("*.py"), *root.glob("camlib/*.py"), *root.glob("camlib/data/*"),
             root / "notebooks" / "13_evaluation.ipynb"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in sorted(files) if file.is_file())).hexdigest()


def open_figure(self, node):
    self.body.append(self.starttag(node, "figure", CLASS="live"))


def close_figure(self, node):
    self.body.append(f'<script type="application/json">{node["data"]}</script>\n</figure>\n')


def open_caption(self, node):
    self.body.append("<figcaption>")


def close_caption(self, node):
    self.body.append("</figcaption>\n")


def load_scripts(app, page, template, context, doctree):
    """A page loads the scripts of its own figures, and no others."""
    figures = list(doctree.findall(live_figure)) if doctree else []
    if figures:
        app.add_css_file("live/live.css")
        for name in ("live", *(figure["name"] for figure in figures)):
            app.add_js_file(f"live/{name}.js", loading_method="defer")


def copy_scripts(app, error):
    target = Path(app.outdir) / "_static" / "live"
    target.mkdir(parents=True, exist_ok=True)
    for file in (*FIGURES.glob("*.js"), *FIGURES.glob("*.css")):
        shutil.copy(file, target)


def nothing(self, node):
    pass


def setup(app):
    app.add_directive("live", Live)
    app.add_node(live_figure, html=(open_figure, close_figure), latex=(nothing, nothing), text=(nothing, nothing))
    app.add_node(live_caption, html=(open_caption, close_caption), latex=(nothing, nothing), text=(nothing, nothing))
    app.connect("html-page-context", load_scripts)
    app.connect("build-finished", copy_scripts)
