"""What ``book/drawings.py`` draws and computes, once and again when camlib, the figures or a notebook they read change.

``:::{drawing} NAME`` puts a picture into a text; ``:::{chapters}`` is the map of the course.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.addnodes import pending_xref
from sphinx.util.docutils import SphinxDirective

from .numbers import chapter_of

BOOK = Path(__file__).parents[1]


def made(app):
    """The folder with all drawings, made if it is missing or old."""
    folder = Path(app.outdir).resolve().parent / "drawings"
    version = folder / "version"
    if not version.is_file() or version.read_text() != digest():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        subprocess.run([sys.executable, "-m", "drawings", folder], cwd=BOOK, check=True,
                       env=os.environ | {"PYTHONPATH": str(BOOK.parent)})
        version.write_text(digest())
    return folder


def digest():
    """What the drawings are made from, in 64 letters."""
    root = BOOK.parent
    files = [BOOK / "drawings.py", *BOOK.glob("live/*.py"), *root.glob("camlib/*.py"), *root.glob("camlib/data/*"),
             root / "notebooks" / "13_evaluation.ipynb"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in sorted(files))).hexdigest()


def drawing(env, name, **attributes):
    """The picture as a node of the page that is being read."""
    picture, page = made(env.app) / f"{name}.png", Path(env.doc2path(env.docname)).parent
    env.note_dependency(str(picture))
    return nodes.image(uri=os.path.relpath(picture, page), **attributes)


class Drawing(SphinxDirective):
    """``:::{drawing} NAME`` with ``:alt:``."""

    required_arguments = 1
    option_spec = {"alt": directives.unchanged_required}

    def run(self):
        return [drawing(self.env, self.arguments[0], alt=self.options["alt"])]


class Chapters(SphinxDirective):
    """The map of the course: a line for each page, ``page | title | what one learns | what its picture shows``.

    A line without bars is the heading of the part that follows; a page without a picture has three fields.
    """

    has_content = True

    def run(self):
        parts = []
        for fields in ([field.strip() for field in line.split("|")] for line in self.content if line.strip()):
            if len(fields) == 1:
                parts += [nodes.paragraph("", *fields, classes=["part"]), nodes.bullet_list(classes=["chapters"])]
            else:
                parts[-1] += self.card(*fields)
        return [nodes.container("", *parts, classes=["course-map"])]

    def card(self, page, title, text, alt=None):
        link = pending_xref("", nodes.inline("", title), refdomain="std", reftype="doc", reftarget=f"/{page}",
                            refdoc=self.env.docname, refexplicit=True, refwarn=True)
        picture = [drawing(self.env, f"chapter_{chapter_of(page)}", alt=alt)] if alt else []
        return nodes.list_item("", *picture, nodes.paragraph("", "", link), nodes.paragraph("", text))


def setup(app):
    app.connect("builder-inited", made)  # before Sphinx asks which pages depend on a drawing that has changed
    app.add_directive("drawing", Drawing)
    app.add_directive("chapters", Chapters)
