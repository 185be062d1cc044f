"""The graders, graded: right solutions pass however they are written, wrong ones fail and are told why."""

import re

import pytest

from . import answers, assignments

TASKS = [(name, task) for name in assignments.NAMES for task in assignments.tasks(name).values()]
ANSWERS = [(name, answer) for name in assignments.NAMES for answer in answers.load(f"assignment_{name}")[1]]
STUB = "raise NotImplementedError"


@pytest.fixture(scope="module")
def defined():
    """What the locked cells before a task define, run once for each."""
    known = {}

    def of(task):
        if task.setup not in known:
            known[task.setup] = assignments.namespace(task.setup)
        return known[task.setup]

    return of


def label(part):
    return part if isinstance(part, str) else f"{part.task}-{part.name}" if hasattr(part, "task") else part.name


@pytest.mark.parametrize("assignment, task", TASKS, ids=label)
def test_the_reference_passes(assignment, task, defined):
    assignments.grade(task, task.solution, defined(task))


@pytest.mark.parametrize("assignment, task", TASKS, ids=label)
def test_the_stub_earns_nothing(assignment, task, defined):
    """Neither the stub that students start from, nor an empty cell, nor a function that does nothing."""
    stub = re.sub(r"( *)### BEGIN SOLUTION.*?### END SOLUTION", rf"\1{STUB}", task.solution, flags=re.S)
    assert STUB in stub
    for source in (stub, "", stub.replace(STUB, "pass")):
        with pytest.raises((AssertionError, NotImplementedError, NameError)):
            assignments.grade(task, source, defined(task))


@pytest.mark.parametrize("assignment, answer", ANSWERS, ids=label)
def test_answer(assignment, answer, defined):
    """An alternative passes; a wrong solution fails, and a piece of the message says what is wrong with it."""
    task = assignments.tasks(assignment)[answer.task]
    if answer.kind == "right":
        assignments.grade(task, answer.source, defined(task))
        return
    with pytest.raises(AssertionError, match=re.escape(answer.says)):
        assignments.grade(task, answer.source, defined(task))


@pytest.mark.parametrize("assignment", assignments.NAMES)
def test_every_task_is_tried(assignment):
    """8 to 12 graded tasks, one of them read by a person; two alternatives and two wrong solutions to each other one."""
    tried = [(answer.task, answer.kind) for answer in answers.load(f"assignment_{assignment}")[1]]
    tasks = assignments.tasks(assignment)
    manual = [cell for cell in assignments.read(assignment).cells if cell.cell_type == "markdown"
              and cell.metadata.get("nbgrader", {}).get("grade")]
    assert len(manual) == 1 and 8 <= len(tasks) + 1 <= 12
    assert {task for task, _ in tried} == set(tasks)
    for name in tasks:
        assert min(tried.count((name, "right")), tried.count((name, "wrong"))) >= 2, name


@pytest.mark.parametrize("assignment", assignments.NAMES)
def test_another_student_has_other_numbers(assignment):
    """With another name the references still pass; what was written down for the first student does not."""
    tasks = assignments.tasks(assignment)
    theirs = [source.replace('"everyone"', '"another"') for source in list(tasks.values())[-1].setup]
    defined, own = assignments.namespace(theirs), []
    assert any('"another"' in source for source in theirs)
    for task in tasks.values():
        assignments.grade(task, task.solution, defined)
    for answer in answers.load(f"assignment_{assignment}")[1]:
        if answer.name == "copied from another student":
            own.append(answer.task)
            with pytest.raises(AssertionError):
                assignments.grade(tasks[answer.task], answer.source, defined)
    assert own
