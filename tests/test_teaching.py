"""The teacher's guide says what is so: its tables are those of the notebooks, answers, limits and targets they name."""

import inspect
import re
from pathlib import Path

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_markdown_cell, new_notebook
from nbgrader.exchange.default.exchange import Exchange
from nbgrader.server_extensions.formgrader import handlers
from traitlets.config import Config

from assignments import grade, judge, sandbox
from assignments.settings import COURSE, settings

from . import answers, assignments

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "book" / "teaching.md").read_text()
CHAPTERS = {int(path.stem[:2]): path for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))}
CELL = {"by hand": "code", "judge": "code", "code": "code", "check": "code", "text": "markdown"}  # of each kind of task


def section(title):
    """What stands below the heading ``title``, as far as the next of its level."""
    found = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^\1 |\Z)", PAGE, re.M | re.S)
    assert found, title
    return found[2]


def rows(text, columns):
    """The rows of the tables in ``text`` with so many columns, without their heads."""
    lines = [[cell.strip() for cell in line.strip()[1:-1].split("|")] for line in text.split("\n")
             if line.strip().startswith("|")]
    rules = [n for n, cells in enumerate(lines) if set(cells[0]) <= {":", "-"} and cells[0]]
    return [cells for n, cells in enumerate(lines) if len(cells) == columns and n not in rules and n + 1 not in rules]


def markdown(path):
    cells = nbformat.read(path, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def marked():
    """(assignment, cell, nbgrader's marks) of every cell that has some."""
    return [(name, cell, cell.metadata.nbgrader) for name in assignments.NAMES for cell in assignments.read(name).cells
            if "nbgrader" in cell.metadata]


def exercises(chapter):
    """{title: name of its check} of a chapter."""
    found = re.findall(r"\{exercise\} ([^\n]+)\n:label: \w+?-([\w-]+)", markdown(CHAPTERS[chapter]))
    return {title: label.replace("-", "_") for title, label in found}


def test_tasks():
    """Each graded task has its row, in order, with its points and a kind that fits its cell."""
    said, name = [], ""
    for assignment, task, kind, points, asks in rows(section("The four assignments"), 5):
        name = assignment.strip("*") or name
        said.append((name, task.strip("`"), int(points), CELL[kind]))
        assert asks
    graded = [(name, marks.grade_id.removeprefix("test_"), marks.points, cell.cell_type)
              for name, cell, marks in marked() if marks.grade]
    assert [row for name in assignments.NAMES for row in said if row[0] == name] == graded and len(said) == len(graded)
    for name in assignments.NAMES:
        assert f"Each has {sum(row[2] for row in said if row[0] == name)} points." in PAGE


def test_wrong_answers():
    """Each wrong answer is on file for its exercise, and the page quotes its message; two to four a chapter."""
    told = rows(section("Typical wrong answers"), 5)
    for chapter, exercise, name, says, ask in told:
        every = answers.load(CHAPTERS[int(chapter)].stem[3:])[1]
        task = exercises(int(chapter))[exercise]
        on_file = [answer.says for answer in every if (answer.task, answer.kind, answer.name) == (task, "wrong", name)]
        assert on_file == [says.strip('"')], (chapter, exercise, name)
        assert ask.endswith(("?", "."))
    count = [row[0] for row in told].count
    assert all(2 <= count(str(chapter)) <= 4 for chapter in CHAPTERS)


def test_schedule():
    """Each chapter once, in order, with its own minutes, at most 90, and one of its own exercises."""
    table = rows(section("Seven weeks, two sessions of 90 minutes"), 5)
    sessions = [re.fullmatch(r"\[(\d+)\]\(\.\./notebooks/(\S+)\), (\d+) \+ (\d+): \*(.+)\*", cell).groups()
                for row in table for cell in row[1:3]]
    assert [int(chapter) for chapter, *_ in sessions] == list(CHAPTERS)
    for chapter, file, text, more, together in sessions:
        path = CHAPTERS[int(chapter)]
        assert file == path.name and together in exercises(int(chapter))
        time = re.search(r"\*\*Time\*\*.*", markdown(path))[0]
        assert re.findall(r"\d+(?= minutes| for the exercises)", time) == [text, more]
        assert int(text) + int(more) <= 90


def test_museum():
    """No room comes before a chapter that one of its exhibits needs; every room comes."""
    museum = markdown(ROOT / "notebooks" / "error_museum.ipynb")
    needs = {room: {int(n) for n in re.findall(r"\(\[chapter (\d+)\]", text)}
             for room, text in re.findall(r"^## Room (\d):(.*?)(?=^## )", museum, re.M | re.S)}
    assert all(needs.values())
    seen = []
    for week, _, second, museum, _ in rows(section("Seven weeks, two sessions of 90 minutes"), 5):
        for room in re.findall(r"\d", museum):
            seen.append(room)
            assert max(needs[room]) <= int(second[1:].split("]")[0]), room
    assert sorted(seen) == sorted(needs)
    days = section("Two days")
    taught = {int(n) for n in re.findall(r"\d+", re.search(r"one chapter each: (.*)\.", days)[1])}
    assert len(taught) == 8 and all(needs[room] <= taught for room in re.search(r"Rooms (\d) and (\d)", days).groups())


def test_assignments_come_when_their_chapters_are_done():
    """An assignment goes out in the week of its last chapter, and in a week later."""
    weeks = [row[4] for row in rows(section("Seven weeks, two sessions of 90 minutes"), 5)]
    last = {"convolution": 2, "looking_inside": 6, "cam": 10, "evaluation": 14}
    for name, chapter in last.items():
        assert weeks[(chapter - 1) // 2] == f"`{name}` out"
        assert name == "evaluation" or weeks[(chapter + 1) // 2] == f"`{name}` in"
    assert set(last) == set(assignments.NAMES)


def test_limits():
    """The table is ``sandbox.Limits``."""
    units = {"GiB": 1 << 30, "MiB": 1 << 20, "processes": 1, "seconds": 1}
    said = {}
    for name, limit, _ in rows(section("Hostile code"), 3):
        number, unit = limit.replace(",", "").split()[:2]
        said[name.strip("`")] = int(number) * units[unit]
    assert said == vars(sandbox.Limits())
    assert judge.RESTARTS == 3 and "up to three times" in PAGE


def test_commands():
    """Each target, option and module of the page exists; each option is one of the Makefile's for that target."""
    makefile = (ROOT / "Makefile").read_text()
    recipes = dict(re.findall(r"^([a-z]+):.*?##.*\n((?:\t.*\n)*)", makefile, re.M))
    for target, words in re.findall(r"make ([a-z]+)((?: [A-Z]+=\w+)*)", PAGE):
        assert target in recipes, target
        for option in re.findall(r"[A-Z]+(?==)", words):
            assert f"$({option})" in recipes[target], (target, option)
    for option, target, _ in rows(section("In three commands"), 3):
        name = option.strip("`").split("=")[0]
        for target in re.findall(r"make (\w+)", target) or ("assignments", "grade", "gradebook"):
            assert re.search(rf"\$\((?:filter none,\$\()?{name}\)", recipes[target]), (name, target)
    for path in re.findall(r"(?:tests|assignments|camlib)/\w+(?:\.py)?\b", PAGE):
        assert (ROOT / path).exists(), path
    for module in re.findall(r"python -m ([\w.]+)", PAGE):
        assert module == "pytest" or (ROOT / (module.replace(".", "/") + ".py")).exists(), module
    for name, value in re.findall(r"--limit (\w+=\d+)()", PAGE):
        assert grade.limit(name)[0] in vars(sandbox.Limits())


def test_files():
    """The columns of both tables and the names of the files are those that grading writes."""
    source = inspect.getsource(grade.report)
    for row in rows(section("In three commands"), 2)[:2]:
        for column in re.findall(r"`(\w+)`", row[1]):
            assert f'"{column}"' in source, column


def test_configurations():
    """The files for nbgrader and the hub are Python, and name this course; the exchange is where nbgrader looks."""
    hub, teacher, student = (read_configuration(block) for block in
                             re.findall(r"^ *```py\n(.*?)^ *```", PAGE, re.M | re.S))
    assert set(hub.JupyterHub.load_groups) == {f"formgrade-{COURSE}", f"nbgrader-{COURSE}"}
    assert teacher == settings("/home/teacher/cam")
    assert teacher.CourseDirectory.course_id == student.CourseDirectory.course_id == COURSE
    assert f"`mkdir -p {Exchange().root}`" in PAGE


def read_configuration(source):
    c = Config()
    exec(inspect.cleandoc(source), {"get_config": lambda: c})
    return c


def test_cells_that_ask_the_course_network():
    """The page names the locked cells that load it, and no other."""
    asked = {(name, marks.grade_id) for name, cell, marks in marked()
             if cell.cell_type == "code" and marks.locked and "course_network" in cell.source}
    assert asked == set(re.findall(r"`(\w+)` in `(\w+)`", section("Swap the data or the network")))


def test_oral_questions():
    """Three an assignment."""
    asked = [row[0].strip("`") for row in rows(section("Academic honesty"), 3)]
    assert sorted(asked) == sorted(assignments.NAMES * 3)


@pytest.mark.parametrize("template", ["feedback", "formgrade"])
def test_no_script_of_a_submission_reaches_a_page(template, tmp_path):
    """Neither the student's page nor the teacher's, where a script could do what the teacher can; the text stays."""
    static = Path(handlers.static_path, "node_modules", "bootstrap", "dist", "css")
    c = settings(tmp_path)
    c.HTMLExporter.template_name = template
    c.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    c.HTMLExporter.extra_template_paths = [str(static)]
    text = new_markdown_cell("A **word** <script>alert(1)</script> <b onclick='alert(2)'>b</b> [c](javascript:alert(3))")
    text.metadata.nbgrader = {"schema_version": 3, "grade_id": "why", "locked": False, "solution": True, "grade": True,
                              "task": False, "points": 3, "score": 1, "max_score": 3, "comment": ""}
    marks = dict.fromkeys(("score", "max_score", "code_score", "max_code_score", "written_score", "max_written_score",
                           "task_score", "max_task_score", "late_penalty"), 1) | {"notebook": "small"}
    resources = {"nbgrader": marks, "index": 0, "total": 1}
    page, _ = HTMLExporter(config=c).from_notebook_node(new_notebook(cells=[text]), resources)
    assert "<strong>word</strong>" in page
    assert not re.search(r"<script>alert\(|<[^>]*onclick=.alert|<[^>]*javascript:alert", page)
