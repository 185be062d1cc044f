"""Numbers that start with the chapter.

An equation's label is its number: ``$$ ... $$ (7.3)`` shows "(7.3)", and so does ``{eq}`7.3```.
The number is in the source, so that code, tests and text can name the same equation.
Figures and exercises of ``notebooks/07_cam.ipynb`` are numbered 7.1, 7.2, ... in their order.
"""

import re

from sphinx.domains.math import MathDomain
from sphinx.util import logging


def chapter_of(docname):
    """The chapter number in a page's file name, or None: ``notebooks/07_cam`` is chapter 7."""
    found = re.match(r"notebooks/(\d+)_", docname)
    return int(found[1]) if found else None


class NumberedByLabel(MathDomain):
    """Equations whose label is their number."""

    def note_equation(self, docname, labelid, location=None):
        super().note_equation(docname, labelid, location)
        if not re.fullmatch(rf"{chapter_of(docname)}\.[1-9]\d*", labelid):
            logging.getLogger(__name__).warning(
                "the label of an equation is its number, chapter first, such as (7.3): %r", labelid, location=location)
        self.equations[labelid] = (docname, labelid)


def number_by_chapter(app, env):
    """Number figures and exercises within their chapter."""
    for docname, kinds in env.toc_fignumbers.items():
        for kind, numbers in kinds.items() if chapter_of(docname) else ():
            kinds[kind] = {name: (chapter_of(docname), i) for i, name in enumerate(numbers, 1)}
    return []


def setup(app):
    app.add_domain(NumberedByLabel, override=True)
    app.connect("env-get-updated", number_by_chapter, priority=900)  # after Sphinx has numbered them
