"""An assignment run without a sandbox: its cells, a student's answers put in, and what its graded cells say."""

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import nbformat

SOURCE = Path(__file__).parents[1] / "assignments" / "source"
NAMES = sorted(path.name for path in SOURCE.iterdir() if path.is_dir())


@dataclass(frozen=True)
class Task:
    """A solution cell and the graded cell behind it; ``setup`` holds the locked cells before them."""

    name: str
    points: int
    solution: str
    test: str
    setup: tuple


def read(assignment):
    return nbformat.read(SOURCE / assignment / f"{assignment}.ipynb", as_version=4)


def tasks(assignment):
    """The autograded tasks of an assignment, {name: Task}, in order."""
    found, setup, solution = {}, [], None
    for cell in read(assignment).cells:
        marks = cell.metadata.get("nbgrader", {})
        if cell.cell_type != "code" or not marks:
            continue
        if marks["solution"]:
            solution = marks["grade_id"], cell.source
        elif marks["grade"]:
            name = marks["grade_id"].removeprefix("test_")
            assert solution and solution[0] == name, f"{assignment}: no solution cell {name} before its test"
            found[name] = Task(name, marks["points"], solution[1], cell.source, tuple(setup))
        elif marks["locked"]:
            setup.append(cell.source)
    return found


def namespace(setup):
    """What the locked cells ``setup`` define; figures are not drawn."""
    matplotlib.use("agg")
    defined = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for source in setup:
            exec(source, defined)
            close_figures()
    return defined


def close_figures():
    import matplotlib.pyplot as plt

    plt.close("all")


def grade(task, source, defined):
    """Run a student's ``source`` and the graded cell; raises what the graded cell raises."""
    student = dict(defined)
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            exec(source, student)
        except Exception as problem:  # as in a notebook: the cell fails, and the next one runs
            student["problem"] = problem
        exec(task.test, student)
        close_figures()
