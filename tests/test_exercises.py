"""Every exercise checks itself: right answers pass, however they are written; wrong ones are told why."""

import importlib
import inspect
import re
from pathlib import Path

import nbformat
import pytest

from . import answers
from .test_pretrained import with_weights

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("[0-9]*.ipynb"))
NEED_WEIGHTS = {"real_networks"}  # chapters whose answers ask MobileNetV2
EVERY = [pytest.param(chapter, answer, marks=[with_weights] if chapter in NEED_WEIGHTS else [])
         for chapter in (path.stem[3:] for path in NOTEBOOKS) for answer in answers.load(chapter)[1]]


def check_of(chapter, exercise):
    return getattr(importlib.import_module(f"camlib.exercises.{chapter}"), exercise)


@pytest.fixture(scope="module")
def setups():
    """What each chapter's answers start from, run once."""
    return {}


@pytest.mark.parametrize("chapter, answer", EVERY, ids=lambda part: part if isinstance(part, str) else
                         f"{part.task}-{part.name}")
def test_answer(chapter, answer, setups, capsys):
    """A right answer reads "Right." and what it shows; a wrong one "Not yet." and a piece of what is wrong with it."""
    if chapter not in setups:
        setups[chapter] = {}
        exec(answers.load(chapter)[0], setups[chapter])
    namespace = dict(setups[chapter])
    exec(answer.source, namespace)
    check = check_of(chapter, answer.task)
    capsys.readouterr()
    check(*(namespace[name] for name in inspect.signature(check).parameters))
    said = capsys.readouterr().out
    assert said.startswith("Right. " if answer.kind == "right" else "Not yet. ") and said[8:].strip(), said
    assert answer.says in said


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_exercise_has_a_check(path, capsys):
    """Each is called twice: with dots in a cell for the learner's answer, then by the solution, which is right.

    At least two right answers and two wrong ones are on file, and dots are no answer.
    """
    notebook = nbformat.read(path, as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    labels = re.findall(r"\{exercise\}[^\n]*\n:label: \w+?-([\w-]+)", text)
    exercises = [label.replace("-", "_") for label in labels]
    printed = {name: [] for name in exercises}
    for cell in notebook.cells:
        for name in re.findall(r"\bcheck\.(\w+)\(", cell.source) if cell.cell_type == "code" else ():
            printed[name].append("".join(output.get("text", "") for output in cell.outputs))
    for name, (dots, solution) in printed.items():
        assert dots.startswith("Not answered yet"), name
        assert "Right. " in solution and "Not yet" not in solution, name
    kinds = [(answer.task, answer.kind) for answer in answers.load(path.stem[3:])[1]]
    assert {task for task, _ in kinds} == set(exercises)
    for name in exercises:
        assert min(kinds.count((name, "right")), kinds.count((name, "wrong"))) >= 2, name
        check = check_of(path.stem[3:], name)
        check(*[...] * len(inspect.signature(check).parameters))
        assert capsys.readouterr().out.startswith("Not answered yet"), name
