"""What nbgrader needs to know: where things lie, and that our judge runs the notebooks."""

import copy
import os
import re
import sys
from pathlib import Path

import bleach
import nbformat
from nbconvert.filters import markdown2html
from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.preprocessors import (AssignLatePenalties, CheckCellMetadata, ClearHiddenTests, ClearOutput, GetGrades,
                                    LimitOutput, NbGraderPreprocessor, OverwriteCells, OverwriteKernelspec,
                                    SaveAutoGrades)
from traitlets import Unicode
from traitlets.config import Config

from .judge import Judge

COURSE = "cam"

TAGS = bleach.ALLOWED_TAGS | {"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "div", "span", "br", "hr", "img", "del",
                              "sub", "sup", "table", "thead", "tbody", "tr", "th", "td"}

# A new gradebook is set up by the command alembic, which nbgrader looks for on the path.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.prefix, "bin")), os.environ.get("PATH", "")])


def settings(root, isolated=True, variants=False, limits=None):
    """nbgrader's configuration for a course whose sources, submissions and gradebook lie in ``root``."""
    c = Config()
    c.CourseDirectory.root = os.path.abspath(root)
    c.CourseDirectory.course_id = COURSE
    c.ClearSolutions.code_stub = {"python": "raise NotImplementedError  # your code here"}
    c.ClearSolutions.text_stub = "*Your answer here.*"
    c.Judge.isolated, c.Judge.variants, c.Judge.limits = isolated, variants, limits or {}
    c.Autograde.sanitize_preprocessors = [ClearOutput, Restore, OverwriteKernelspec, OverwriteCells, CheckCellMetadata]
    c.Autograde.autograde_preprocessors = [Judge, LimitOutput, SaveAutoGrades, AssignLatePenalties, CheckCellMetadata]
    c.GenerateFeedback.preprocessors = [GetGrades, ClearHiddenTests, CSSHTMLHeaderPreprocessor]
    c.HTMLExporter.filters = {"markdown2html": harmless}
    return c


def harmless(source):
    """Markdown as HTML without scripts: a submission may hold one, and the teacher opens the page."""
    return bleach.clean(markdown2html(source), TAGS, allowed, bleach.ALLOWED_PROTOCOLS | {"data"})


def allowed(tag, name, value):
    """May this attribute stay? A picture must lie in the page itself, so that nobody sees when it is opened."""
    if (tag, name) == ("img", "src"):
        return value.startswith(("data:image/png;", "data:image/jpeg;"))
    return name in ("class", "id", "alt") or (tag, name) == ("a", "href") and not value.startswith("data:")


def with_pictures(cell):
    """Put a cell's attached pictures into its text; without them nbconvert stops at the cell."""
    attached = cell.pop("attachments", {})

    def data(match):
        for kind, content in attached.get(match[1], {}).items():
            if kind in ("image/png", "image/jpeg"):
                return f"data:{kind};base64,{content}"
        return "data:,missing"

    if cell.cell_type == "markdown":
        cell.source = re.sub(r"attachment:([^\s)\"']+)", data, cell.source)
    return cell


class Restore(NbGraderPreprocessor):
    """Put a submission back into the form of its source: every locked cell as it was, deleted ones too."""

    source = Unicode("source", help="The folder of the source notebooks, seen from the course's own.").tag(config=True)

    def preprocess(self, nb, resources):
        marks = resources["nbgrader"]
        path = Path(self.source) / marks["assignment"] / f"{marks['notebook']}.ipynb"
        nb.cells = restored(nb.cells, nbformat.read(path, as_version=4).cells)
        return nb, resources


def restored(submitted, source):
    """The cells of ``source`` in their order, with the student's answers and further cells in their places."""
    answers, further, last = {}, {}, None
    known = {grade_id(cell) for cell in source}
    for cell in map(with_pictures, submitted):
        if grade_id(cell) in known - set(answers):
            last = grade_id(cell)
            answers[last] = cell
        elif cell.cell_type in ("code", "markdown"):
            cell.metadata.pop("nbgrader", None)
            further.setdefault(last, []).append(cell)
    cells = further.pop(None, [])
    for cell in copy.deepcopy(source):
        name = grade_id(cell)
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = answers[name].source if name in answers else ""
        cells += [cell, *further.get(name, [])]
    return cells


def grade_id(cell):
    """nbgrader's name of a cell, or None."""
    marks = cell.metadata.get("nbgrader")
    return marks.get("grade_id") if isinstance(marks, dict) else None
