"""The notebooks as files: executed, small, described, and built to the chapter contract.

That their outputs are true is checked by nbval, which runs every cell again and compares.
"""

import re
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
CHAPTERS = [path for path in NOTEBOOKS if path.name[:2].isdigit()]  # the error museum is built to a plan of its own
CONTRACT = ("After this chapter you can", "Predict", "Break it", "What this does not show", "Exercises",
            "Hint", "Check yourself", "In three lines", "Further reading")


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.stem)
def chapter(request):
    return nbformat.read(request.param, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_every_cell_was_run_in_order(notebook):
    """Run from top to bottom in a fresh kernel: the counts are 1, 2, 3, ..."""
    assert [cell.execution_count for cell in code(notebook)] == list(range(1, len(code(notebook)) + 1))


def test_no_errors_and_nothing_on_stderr(notebook):
    """A reader sees results: no warning, and an error only where it is meant. (A progress bar wipes itself out.)"""
    for cell in code(notebook):
        errors = [output for output in cell.outputs if output.output_type == "error"]
        assert len(errors) == ("raises-exception" in cell.metadata.get("tags", [])), cell.source
        for output in cell.outputs:
            assert output.get("name") != "stderr" or not output.text.strip(), cell.source


def test_small_enough(notebook):
    """At most 1.5 MB with outputs."""
    assert len(nbformat.writes(notebook).encode()) <= 1_500_000


def test_every_figure_has_a_description(notebook):
    """Alt text of a sentence or more, never the same twice; one figure a cell."""
    texts = []
    for cell in code(notebook):
        figures = [output for output in cell.outputs if "image/png" in output.get("data", {})]
        assert len(figures) <= 1, cell.source
        if figures:
            texts.append(cell.metadata.get("mystnb", {}).get("image", {}).get("alt", ""))
    assert texts and all(len(text) > 40 for text in texts) and len(set(texts)) == len(texts)


def test_every_figure_has_a_checked_number_beside_it(notebook):
    """A printed, compared output stands in the figure's cell or in one of its two neighbours."""
    cells = code(notebook)
    prints = [any(output.output_type == "stream" for output in cell.outputs)
              and "nbval-ignore-output" not in cell.metadata.get("tags", []) for cell in cells]
    for i, cell in enumerate(cells):
        if any("image/png" in output.get("data", {}) for output in cell.outputs):
            assert any(prints[max(0, i - 1):i + 2]), cell.source


def test_chapter_contract(chapter):
    """Goal, predictions, broken case, limits, exercises with hints and solutions, quiz, summary, reading."""
    text = "\n".join(cell.source for cell in chapter.cells if cell.cell_type == "markdown")
    positions = [text.find(part) for part in CONTRACT if part not in ("Predict", "Break it", "Hint")]
    assert -1 not in positions and positions == sorted(positions)
    for part in CONTRACT:
        assert part.lower() in text.lower(), part
    exercises, solutions = (re.findall(rf"{{{kind}[^}}]*}}", text) for kind in ("exercise", "solution-start"))
    assert len(exercises) >= 3 and len(solutions) + len(re.findall(r"{solution} ", text)) == len(exercises)
    assert text.count("{dropdown}") >= 4


def test_code_fits_the_page(notebook):
    """No code line is longer than the site's column: a reader on a wide screen need not scroll sideways."""
    assert [line for cell in code(notebook) for line in cell.source.splitlines() if len(line) > 86] == []
