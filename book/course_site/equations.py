"""The page of all equations: each with what it says, the test that proves it, and how exactly it holds.

Nothing is typed twice. The formulas come from the chapters, ``$$ ... $$ (7.3)``; the tests are those marked
``@pytest.mark.equation("7.3")``, and their docstrings say what an equation says; ``book/residuals.json`` is what
``tests/residuals.py`` measured. A gap between the three is a warning, so it fails the build.
"""

import ast
import json
import re
from pathlib import Path
from typing import NamedTuple

from docutils import nodes
from sphinx import addnodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

LABEL = r"\((\d+\.\d+)\)"
ROUNDING = 1e-5  # what rounding in float32 explains: the course's own bound for a law
BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}


# -- reading the course --------------------------------------------------------------------------------------

class Proof(NamedTuple):
    """A test function, the equations it is marked with, and its docstring."""

    test: str
    numbers: list
    words: str

    def line(self, number):
        """The docstring's line "(7.3) ...", or None."""
        found = re.search(rf"^\({re.escape(number)}\) (.+)", self.words, re.M)
        return found and found[1]

    def says(self, number):
        """What an equation says: its own line of the docstring, or else the first."""
        return self.line(number) or self.words.split("\n")[0]


def texts(root):
    """The prose of the course by page: the text cells of each notebook, and each page of the book."""
    found = {}
    for path in sorted(root.glob("notebooks/*.ipynb")):
        cells = json.loads(path.read_text())["cells"]
        prose = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        found[f"notebooks/{path.stem}"] = "\n\n".join(prose)
    return found | {f"book/{path.stem}": path.read_text() for path in sorted(root.glob("book/*.md"))}


def formulas(text):
    """The numbered formulas of a text, ``$$ formula $$ (7.3)``, as pairs of number and formula."""
    displayed = re.findall(rf"\$\$(.+?)\$\$(?:[ \t]*{LABEL})?", text, re.S)
    return [(number, formula.strip()) for formula, number in displayed if number]


def marks(code):
    """The test functions of a module that are marked with equations: (name, numbers, docstring) of each."""
    functions = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.FunctionDef)]
    found = [(function.name, [ast.literal_eval(number) for mark in function.decorator_list
                              if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.equation"
                              for number in mark.args], ast.get_docstring(function) or "")
             for function in functions if function.name.startswith("test_")]
    return [test for test in found if test[1]]


def proofs(root):
    """Every test that is marked with an equation."""
    return [Proof(f"tests/{path.name}::{name}", numbers, words) for path in sorted(root.glob("tests/test_*.py"))
            for name, numbers, words in marks(path.read_text())]


def residuals(root):
    """What was measured, and when and on what; nothing, if nothing was measured yet."""
    path = root / "book/residuals.json"
    return json.loads(path.read_text()) if path.exists() else {"measured": {}, "tests": {}}


def by_number(numbers):
    """Sort "7.2" before "7.10"."""
    return sorted(numbers, key=lambda number: [int(part) for part in number.split(".")])


# -- what is proven ------------------------------------------------------------------------------------------

def proven_by(number, tests, records):
    """The tests of an equation: first the one that was measured and is about the fewest equations."""
    def rank(proof):
        return proof.test not in records, 1 if proof.line(number) else len(proof.numbers)

    return sorted((proof for proof in tests if number in proof.numbers), key=rank)


def gaps(numbers, tests, records):
    """What is missing between equations, tests and records, in words."""
    for number in numbers:
        names = [proof.test for proof in proven_by(number, tests, records)]
        if not names:
            yield f'equation ({number}) has no test: mark one with @pytest.mark.equation("{number}")'
        elif not any(name in records for name in names):
            yield f"equation ({number}) has no residual on record: run make residuals"
    for name in records.keys() - {proof.test for proof in tests}:
        yield f"book/residuals.json names {name}, which is no test of an equation: run make residuals"


def residual(number, tests, records):
    """The largest difference that any test of an equation saw; None where none compares numbers."""
    seen = [records[proof.test].get("residual") for proof in proven_by(number, tests, records) if proof.test in records]
    return max((value for value in seen if value is not None), default=None)


def shown(value):
    """A residual as the course prints it: 3.1e-8."""
    return re.sub(r"\.0(?=e)|(?<=e-)0", "", f"{value:.1e}") if value < 0.001 else f"{value:.2g}"


def outcome(record):
    """A test's record as (how exactly, the rest)."""
    if record is None:
        return "not measured", ""
    if "residual" not in record:
        held = record.get("held")
        return "an inequality" if held else "checked", f"held in all {held:,} comparisons" if held else "no residual"
    count = f"{record['numbers']:,} number{'s' * (record['numbers'] != 1)} compared"
    if record["residual"] == 0:
        return "exact", count
    return shown(record["residual"]), f"where {shown(record['tolerance'])} is allowed, {count}"


# -- the page ------------------------------------------------------------------------------------------------

class EquationIndex(SphinxDirective):
    """``{equation-index}``: the counts, and every equation by chapter."""

    def run(self):
        root = Path(self.env.srcdir)
        for path in (*root.glob("notebooks/*.ipynb"), *root.glob("tests/test_*.py"), root / "book/residuals.json"):
            self.env.note_dependency(str(path))
        self.tests, found = proofs(root), residuals(root)
        self.records = found["tests"]
        chapters = {page: formulas(text) for page, text in texts(root).items() if formulas(text)}
        numbers = [number for pairs in chapters.values() for number, _ in pairs]
        for gap in gaps(numbers, self.tests, self.records):
            logging.getLogger(__name__).warning(gap, location=self.get_location())
        return [*self.summary(numbers, found["measured"]),
                *(self.chapter(page, texts(root)[page], pairs) for page, pairs in chapters.items())]

    def link(self, number):
        return addnodes.pending_xref("", nodes.inline("", f"({number})"), refdomain="math", reftype="eq",
                                     reftarget=number, refdoc=self.env.docname)

    def listed(self, numbers):
        """Links, with commas."""
        return [part for number in numbers for part in (nodes.Text(", "), self.link(number))][1:]

    def summary(self, numbers, measured):
        proven = sum(bool(proven_by(number, self.tests, self.records)) for number in numbers)
        sizes = {number: residual(number, self.tests, self.records) for number in numbers}
        kinds = {"exact": [n for n in numbers if sizes[n] == 0],
                 f"equal to {shown(ROUNDING)} or better": [n for n in numbers if sizes[n] and sizes[n] <= ROUNDING],
                 "approximate": [n for n in numbers if sizes[n] and sizes[n] > ROUNDING],
                 "by inequalities alone": [n for n in numbers if sizes[n] is None]}
        head = nodes.paragraph("", "", nodes.strong("", f"{len(numbers)} equations, {proven} proven."))
        head += nodes.Text(" " + ", ".join(f"{len(some)} {kind}" for kind, some in kinds.items() if some) + ". ")
        if coarse := sorted(kinds["approximate"], key=sizes.get, reverse=True):
            head += [nodes.Text(f"The largest residual is {shown(sizes[coarse[0]])}, of "), self.link(coarse[0]),
                     nodes.Text("; approximate are "), *self.listed(by_number(coarse)), nodes.Text(".")]
        if not measured:
            return [head]
        when = "Measured on {date} with Python {python} and Keras {keras} ({backend}), on {machine}."
        return [head, nodes.paragraph("", when.format_map(measured | {"backend": BACKENDS[measured["backend"]]}))]

    def chapter(self, page, text, pairs):
        title = re.search(r"^# (.+)", text, re.M)[1]
        section = nodes.section("", nodes.title("", title), ids=[nodes.make_id(f"chapter {title.split('.')[0]}")])
        self.state.document.note_implicit_target(section, section)
        section += nodes.definition_list("", *(self.entry(*pair) for pair in pairs), classes=["equations"])
        return section

    def entry(self, number, formula):
        first, *more = proven_by(number, self.tests, self.records) or [Proof("no test", [], "")]
        term = nodes.term("", "", self.link(number), nodes.Text(" "), *words(first.says(number)))
        body = nodes.definition("", nodes.math_block(formula, formula, nowrap=False, number=None), self.proof(first))
        if more:
            summary = f"{len(more)} further test{'s' * (len(more) > 1)}"
            body += [nodes.raw("", f"<details><summary>{summary}</summary>", format="html"),
                     *(self.proof(proof) for proof in more), nodes.raw("", "</details>", format="html")]
        return nodes.definition_list_item("", term, body)

    def proof(self, proof):
        size, rest = outcome(self.records.get(proof.test))
        return nodes.paragraph("", "", nodes.strong("", size), nodes.Text(f", {rest}: " if rest else ": "),
                               nodes.literal("", proof.test), classes=["proof"])


def words(line):
    """A docstring's line as text, with its ``code``."""
    return [nodes.literal("", part) if i % 2 else nodes.Text(part) for i, part in enumerate(line.split("``"))]


def setup(app):
    app.add_directive("equation-index", EquationIndex)
    return {"parallel_read_safe": True}
