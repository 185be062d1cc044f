"""The live figures: ``:::{live} NAME`` puts the figure of ``book/live/NAME.py`` and ``NAME.js`` into a text.

The page holds the still picture, the caption and the data; the script makes the rest, so that print and readers
without JavaScript lose the motion and nothing else.
"""

import shutil
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from . import drawings

FIGURES = drawings.BOOK / "live"


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
        folder = drawings.made(self.env.app)
        if not (folder / f"{name}.json").is_file():
            raise self.error(f"there is no live figure {name!r} in {FIGURES}")
        still = drawings.drawing(self.env, name, alt=self.options["alt"], classes=["still"])
        caption = live_caption("", *self.parse_content_to_nodes())
        self.env.note_dependency(str(folder / f"{name}.json"))
        data = (folder / f"{name}.json").read_text().replace("</", "<\\/")
        return [live_figure("", still, caption, name=name, data=data, ids=[f"live-{name}"])]


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
