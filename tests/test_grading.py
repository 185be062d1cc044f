"""Grading: marks that no submission can raise, a host that none can harm, and a run that none can stop.

The submissions below are hostile or broken, each in one way. They run in the real sandbox, through the real nbgrader.
"""

import csv
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from fractions import Fraction

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.utils import determine_grade, is_grade

from assignments import grade, judge, sandbox, settings

from . import assignments as course_assignments

LIMITS = {"memory": 400 << 20, "disk": 16 << 20, "answer": 4 << 20, "cell": 4, "call": 3, "total": 41}

OURS = f"RLIMIT_CPU={LIMITS['total'] + 60} "  # other runs on this machine have other limits

pytestmark = pytest.mark.skipif(bool(sandbox.missing()), reason=f"no isolation here: {sandbox.missing()}")


def marked(cell, name, points=None, locked=True, solution=False):
    cell.metadata.nbgrader = {"schema_version": 3, "grade_id": name, "locked": locked, "solution": solution,
                              "grade": points is not None, "task": False} | ({"points": points} if points else {})
    return cell


def source():
    """An assignment that needs no TensorFlow: two functions and a text, 3 + 4 + 3 points."""
    return new_notebook(cells=[
        marked(new_code_cell('import numpy as np\n\nSTUDENT = "everyone"\n'
                             "rng = np.random.default_rng(list(STUDENT.encode()))\nn = int(rng.integers(1000))"), "setup"),
        marked(new_code_cell("def twice(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"),
               "twice", locked=False, solution=True),
        marked(new_code_cell('assert twice(1) == 2, "twice of 1"\n### BEGIN HIDDEN TESTS\n'
                             'assert (twice(np.arange(7.0)) == 2 * np.arange(7.0)).all(), "secret: twice of an array"\n'
                             "### END HIDDEN TESTS"), "test_twice", 3),
        marked(new_code_cell("### BEGIN SOLUTION\nsquare = n ** 2\n### END SOLUTION"), "square", locked=False,
               solution=True),
        marked(new_code_cell('assert square == n * n, "the square of your n"'), "test_square", 4),
        marked(new_markdown_cell("### BEGIN SOLUTION\nBecause.\n### END SOLUTION"), "why", 3, locked=False, solution=True),
    ])


RIGHT = {"twice": "def twice(x):\n    return 2 * x", "square": "square = n ** 2", "why": "Because I say so."}
SERVER = "import socket\nsocket.create_connection(('127.0.0.1', {port}), 2).send(b'hello')"

# What each does beside answering nothing; none may get a point.
HOSTILE = {
    "infinite loop": {"twice": "def twice(x):\n    while True:\n        pass"},
    "infinite loop that cannot be interrupted": {
        "twice": "import signal\ndef twice(x):\n    signal.signal(signal.SIGALRM, signal.SIG_IGN)\n    while True:\n        pass"},
    "memory bomb": {"twice": "import numpy as np\nkept = []\nwhile True:\n    kept.append(np.ones(10 ** 6))"},
    "memory bomb of many processes": {
        "twice": "import os, time\nfor _ in range(12):\n    if not os.fork():\n        kept = bytearray(b'1') * (100 << 20)\n"
                 "        time.sleep(60)\ntime.sleep(3)"},
    "fork bomb": {"twice": "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass"},
    "10 GB of output": {"twice": "for _ in range(10 ** 6):\n    print('x' * 10 ** 4)"},
    "10 GB of output past Python": {
        "twice": "import os\nfor n in range(3, 20):\n    try:\n        while os.write(n, b'x' * 10 ** 6):\n            pass\n"
                 "    except OSError:\n        pass"},
    "a full disk": {"twice": "with open('/tmp/full', 'wb') as file:\n    while True:\n        file.write(bytes(10 ** 6))"},
    "deletes the grader's files": {
        "twice": "import shutil\nfor folder in ({root!r}, {python!r}, '/usr', '/tmp'):\n"
                 "    shutil.rmtree(folder, ignore_errors=True)"},
    "reads the hidden tests and others' work": {
        "twice": "import os\nfound = [os.path.join(d, f) for d, _, names in os.walk('/') for f in names "
                 "if not d.startswith(('/proc', '/sys'))]\nwanted = [f for f in found if f.endswith(('.ipynb', 'gradebook.db'))]\n"
                 "print('FOUND', [f for f in wanted if 'site-packages' not in f])\n"
                 "print('TESTS', [k for k, v in list(globals().items()) if isinstance(v, str) and 'secret:' in v])"},
    "edits the locked cells": {"test_twice": "pass", "test_square": "square = n * n", "setup": "n = 0"},
    "deletes the locked cells": {"test_twice": None, "test_square": None, "setup": None},
    "patches what the tests use": {
        "twice": "import builtins, numpy as np, sys\nclass Yes:\n    def __getattr__(self, _):\n        return lambda *a: self\n"
                 "    def __eq__(self, _):\n        return True\n    __bool__ = lambda self: True\n"
                 "builtins.AssertionError = Warning\nnp.ndarray = Yes\nsys.modules['pytest'] = Yes()\n"
                 "get_ipython().run_cell = lambda *a, **k: None\ndef twice(x):\n    return Yes()",
        "square": "square = Yes()"},
    "prints forged marks": {
        "twice": "import os, sys\nprint('10 / 10')\nprint({{'output_type': 'execute_result'}})\n"
                 "def twice(x):\n    raise SystemExit(0)",
        "square": "10.0"},
    "forges the worker's answers": {
        "twice": "import os\nfor n in range(3, 20):\n    try:\n        os.write(n, b'{{\"outputs\": []}}\\n' * 3)\n"
                 "    except OSError:\n        pass"},
    "answers with another form": {
        "twice": "import os\nfor n in range(3, 20):\n    try:\n        os.write(n, b'[[[[' * 10 ** 5 + b'\\n')\n"
                 "    except OSError:\n        pass"},
    "opens a connection": {"twice": SERVER},
    "a process that never ends": {
        "twice": "import subprocess\nsubprocess.Popen(['sleep', '86399'], start_new_session=True)"},
    "files in memory": {
        "twice": "import os, time\nheld = [os.memfd_create(str(n)) for n in range(40)]\n"
                 "for file in held:\n    os.write(file, bytes(15 << 20))\ntime.sleep(3)"},
    "a flood of shared memory": {"twice": "open('/dev/shm/full', 'wb').write(bytes(20 << 20))"},
    "writes outside of its folder": {"twice": "for folder in ('/', '/dev', '/usr', '/etc'):\n    try:\n"
                                     "        open(folder + '/mine', 'w')\n    except OSError as problem:\n"
                                     "        print(folder, problem.strerror)"},
    "a number of ten thousand digits": {"twice": "def twice(x):\n    return 10 ** 10_000"},
    "ends the test's loop": {"twice": "def twice(x):\n    raise StopIteration"},
    "kills every process it can": {"twice": "import os, signal\nos.kill(-1, signal.SIGKILL)"},
}

SAYS = {  # a piece of what the student reads: that each did what it is named after
    "infinite loop": "stopped after 3 seconds",
    "infinite loop that cannot be interrupted": "it took too long",
    "memory bomb": "MemoryError",
    "memory bomb of many processes": "it used more than 400 MiB of memory",
    "fork bomb": "your notebook was stopped in this cell",
    "10 GB of output": "... cut here",
    "10 GB of output past Python": "it answered with too much",
    "a full disk": "No space left on device",
    "deletes the grader's files": "name 'twice' is not defined",
    "reads the hidden tests and others' work": 'FOUND []\\nTESTS []',
    "edits the locked cells": "name 'square' is not defined",
    "deletes the locked cells": "name 'square' is not defined",
    "patches what the tests use": "twice of 1",
    "prints forged marks": "10 / 10",
    "forges the worker's answers": 'cannot be read',
    "answers with another form": "it answered in no known form",
    "opens a connection": "Connection refused",
    "a process that never ends": "86399",
    "files in memory": "it used more than 400 MiB of memory",
    "a flood of shared memory": "File too large",
    "writes outside of its folder": "/ Read-only file system\\n/dev Read-only file system\\n/usr Read-only",
    "a number of ten thousand digits": "Exceeds the limit",
    "ends the test's loop": "RuntimeError: StopIteration",
    "kills every process it can": "No such process",
}


FORMATTED = ("deletes the grader's files", "prints forged marks", "forges the worker's answers", "opens a connection")


def submission(answers):
    """The source with ``answers`` in its cells; None deletes a cell."""
    notebook = source()
    for cell in notebook.cells:
        name = settings.grade_id(cell)
        cell.source = answers.get(name, "" if cell.metadata.nbgrader["solution"] else cell.source)
    notebook.cells = [cell for cell in notebook.cells if cell.source is not None]
    return notebook


def judged(answers, limits=LIMITS, isolated=True):
    """(points of each task, all that the student's cells and the graded ones put out)."""
    notebook = submission(answers)
    notebook.cells = settings.restored(notebook.cells, source().cells)
    with judge.Student(sandbox.Limits(**limits), isolated) as student:
        judge.judge(notebook, student)
    points = {settings.grade_id(cell): determine_grade(cell)[0] for cell in notebook.cells
              if is_grade(cell) and cell.cell_type == "code"}
    return points, json.dumps([cell.outputs for cell in notebook.cells if cell.cell_type == "code"])


def processes(*columns):
    return subprocess.run(["ps", "-ww", "-eo", ",".join(columns)], capture_output=True, text=True, check=True).stdout.split("\n")


@pytest.fixture(scope="module")
def server():
    """A server of this machine that a submission might reach, and what its address is."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        yield listening


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(name, server, tmp_path):
    """No mark is raised, nothing of the host is reached, and nothing is left running."""
    precious = tmp_path / "hidden.ipynb"
    precious.write_text("secret: tests")
    words = {"port": server.getsockname()[1], "root": str(tmp_path), "python": sys.prefix}
    answers = {cell: text and text.format(**words) if name in FORMATTED else text for cell, text in HOSTILE[name].items()}
    points, said = judged(answers)
    assert points == {"test_twice": 0, "test_square": 0} and SAYS[name] in said
    assert precious.read_text() == "secret: tests"
    assert "secret:" not in said and len(said) < 2 * 10 ** 6
    with pytest.raises(TimeoutError):
        server.accept()
    until = time.monotonic() + 10  # a process that was killed may still be on its way out
    while left := [line for line in processes("args") if OURS in line or "86399" in line]:
        assert time.monotonic() < until, left


HONEST = {
    "a magic": "%matplotlib inline\ndef twice(x):\n    return 2 * x",
    "a figure that cannot be drawn": "import matplotlib.pyplot as plt\nplt.title('$\\\\frac{$')\n"
                                     "def twice(x):\n    return 2 * x",
    "a figure, prints and help": "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nprint('here')\nhelp(len)\n"
                                 "def twice(x):\n    print(x)\n    return 2 * x",
    "a shell command": "!ls\ndef twice(x):\n    return x + x",
    "waiting": "import asyncio\nawait asyncio.sleep(0)\ntwice = lambda x: 2 * x",
    "a name of the locked cells taken": "np_ = np\nimport math as np\ndef twice(x):\n    return 2 * x",
    "an argument changed in place": "def twice(x):\n    if np.ndim(x):\n        x *= 2\n        return x\n    return 2 * x",
    "an exit": "def twice(x):\n    return 2 * x\nexit()",
    "processes of its own": "import multiprocessing\nwith multiprocessing.Pool(2) as pool:\n    three = pool.map(abs, [-3])[0]\n"
                            "def twice(x):\n    return 2 * x",
}


@pytest.mark.parametrize("name", HONEST)
def test_honest(name):
    """What students do in notebooks costs no mark."""
    points, said = judged(RIGHT | {"twice": HONEST[name]}, LIMITS | {"memory": 1 << 30})
    assert points == {"test_twice": 3, "test_square": 4}, said


def test_callbacks_that_never_end():
    """A function that was handed over is called for ever: the time is over all the same."""
    with judge.Student(sandbox.Limits(**LIMITS)) as student:
        student.run("def flood(f):\n    import signal\n    signal.signal(signal.SIGALRM, signal.SIG_IGN)\n"
                    "    while True:\n        f(1)")
        started = time.monotonic()
        with pytest.raises(AssertionError, match="it took too long"):
            student.call("flood", (lambda x: x,), {})
        assert time.monotonic() - started < LIMITS["call"] + 10


def test_what_is_handed_over():
    """Functions are called back, arrays go by value, other objects of the locked cells by their names."""
    with judge.Student(sandbox.Limits(**LIMITS)) as student:
        student.run("import fractions\nnumber = fractions.Fraction(1, 3)\nphoto = [0.0]\n"
                    "def use(f, photo, number, scale=None):\n    return f(photo), str(number), scale(2)")
        photo, number = np.ones(3), Fraction(1, 3)
        student.objects = {id(photo): "photo", id(number): "number"}
        assert student.call("use", (np.sum, photo, number), {"scale": lambda x: 3 * x}) == (3.0, "1/3", 6)
        with pytest.raises(ZeroDivisionError):
            student.call("use", (lambda x: 1 / 0, photo, number), {})


def test_outputs_have_an_end():
    """Many cells with much text each: what is kept of one submission is bounded."""
    with judge.Student(sandbox.Limits(**LIMITS)) as student:
        kept = sum(len(str(student.run("print('x' * 900_000)"))) for _ in range(30))
    assert kept <= judge.SHOWN + 30 * 200


def test_pages_without_scripts():
    """A student's text keeps its words, tables and own pictures, and loses what would run or call home."""
    made = settings.harmless("**bold** $x^2$ <script>alert(1)</script> ![a](https://example.org/a.png) "
                             "![b](data:image/png;base64,AAAA) <a href='javascript:x'>j</a> <img src=x onerror=y>\n\n"
                             "| a |\n|--|\n| 1 |")
    assert "<strong>bold</strong>" in made and "$x^2$" in made and "<td" in made and "data:image/png;base64,AAAA" in made
    assert "<script" not in made and "example.org" not in made and "javascript:" not in made and "onerror" not in made


def test_attached_pictures():
    """A pasted picture stays, in the page itself; one whose data is missing is no reason to stop."""
    cell = new_markdown_cell("![a](attachment:a.png) ![b](attachment:b.png)")
    cell.attachments = {"a.png": {"image/png": "AAAA"}}
    kept = settings.restored([cell], source().cells)[0]
    assert kept.source == "![a](data:image/png;base64,AAAA) ![b](data:,missing)" and "attachments" not in kept


def test_without_walls_they_would_reach(server):
    """The probes are sharp: without isolation the same connection arrives."""
    judged({"twice": SERVER.format(port=server.getsockname()[1])}, isolated=False)
    server.accept()[0].close()


def test_one_bad_task_costs_that_task_alone():
    """A loop that has to be killed, and the answers before and behind it count."""
    answers = RIGHT | HOSTILE["infinite loop that cannot be interrupted"]
    points, said = judged(answers)
    assert points == {"test_twice": 0, "test_square": 4} and "it took too long" in said


@pytest.mark.parametrize("name", course_assignments.NAMES)
def test_the_references_pass_through_the_walls(name):
    """Each assignment as its authors solved it: what the graded cells ask for crosses the wall, and has all points.
    """
    notebook = course_assignments.read(name)
    for cell in notebook.cells:
        cell.source = judge.for_student(cell.source, "anna")
    with judge.Student() as student:
        judge.judge(notebook, student)
    for cell in notebook.cells:
        if is_grade(cell) and cell.cell_type == "code":
            assert determine_grade(cell) == (cell.metadata.nbgrader.points,) * 2, cell.outputs


# -- a whole run -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course with one small assignment, in place of the real ones, and submissions good and bad."""
    folder = tmp_path_factory.mktemp("course")
    (folder / "source" / "small").mkdir(parents=True)
    nbformat.write(source(), folder / "source" / "small" / "small.ipynb")
    students = {"anna": submission(RIGHT), "dora": submission(HOSTILE["memory bomb"]),
                "zoe": submission(RIGHT | {"square": "square = 0"})}
    for student, notebook in students.items():
        (folder / "in" / student / "week 3").mkdir(parents=True)
        nbformat.write(notebook, folder / "in" / student / "week 3" / "small.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grade, "NAMES", ["small"])
        patch.setattr(grade, "SOURCE", folder / "source")
        yield folder


BROKEN = {
    "cut": (lambda path: path.write_text('{"cells": ['), "no notebook"),
    "empty": (lambda path: path.write_text(""), "no notebook"),
    "nothing": (lambda path: None, "not handed in"),
    "linked": (lambda path: path.symlink_to("/etc/hostname"), "a link, and no file"),
    "folder": (lambda path: path.mkdir(), "a link, and no file"),
    "twice": (lambda path: [(path.parent / name).mkdir() or shutil.copy(path.parents[1] / "anna" / "week 3" / path.name,
                            path.parent / name) for name in "ab"], "2 notebooks of this name"),
    "unmarked": (lambda path: nbformat.write(new_notebook(cells=[new_code_cell("1")]), path), "lost their marks"),
    "large": (lambda path: path.write_bytes(b" " * (grade.LARGEST + 1)), "larger than 20 MiB"),
    "a*b": (lambda path: path.write_text("{}"), "the folder's name may hold"),
    "=1+1": (lambda path: path.write_text("{}"), "the folder's name may hold"),
    os.fsdecode(b"b\xe9a"): (lambda path: path.write_text("{}"), "the folder's name may hold"),
    "surrogate": (lambda path: path.write_text('{"cells":[],"metadata":{},"nbformat":"\\ud800","nbformat_minor":5}'), "no note"),
}


def marks(root, name="marks"):
    with open(root / f"{name}.csv") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


OPTIONS = {"isolated": True, "variants": False, "limits": LIMITS}


def test_a_whole_run(course):
    """One broken submission never stops the rest; each gets a line that says what is wrong; the secrets stay secret."""
    for name, (make, _) in BROKEN.items():
        (course / "in" / name).mkdir()
        make(course / "in" / name / "small.ipynb")
    root = course / "grades"
    root.mkdir()
    grade.grade_all(course / "in", root, **OPTIONS)
    rows = marks(root)
    assert {name: (float(rows[name]["points"]), float(rows[name]["of"]), float(rows[name]["to_read"]), rows[name]["problem"])
            for name in ("anna", "dora", "zoe")} == {"anna": (7, 10, 3, ""), "dora": (0, 10, 3, ""), "zoe": (3, 10, 3, "")}
    for name, (_, says) in BROKEN.items():
        row = rows[name] if name in rows else rows[ascii(name)]
        assert says in row["problem"] and float(row["points"]) == 0
    page = (root / "feedback" / "zoe" / "small" / "small.html").read_text()
    assert "the square of your n" in page and "twice of 1" in page and "secret: twice" not in page


def test_nothing_is_graded_twice(course, monkeypatch):
    """The second run takes the records; a submission that changed is graded again, and no other."""
    path = course / "in" / "zoe" / "week 3" / "small.ipynb"
    nbformat.write(submission(RIGHT), path)
    graded, real = [], grade.run
    monkeypatch.setattr(grade, "run", lambda submission, *rest: graded.append(submission.student) or real(submission, *rest))
    grade.grade_all(course / "in", course / "grades", **OPTIONS)
    assert graded == ["zoe"] and float(marks(course / "grades")["zoe"]["points"]) == 7


def test_what_was_lost_is_graded_again(course):
    """Without a gradebook no record counts; a notebook that was replaced by a broken one loses its marks and pages."""
    root = course / "grades"
    for name in ("gradebook.db", "submitted", "autograded", "feedback"):
        path = root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for student in ("dora", "zoe"):
        (course / "in" / student / "week 3" / "small.ipynb").write_text("{")
    grade.grade_all(course / "in", root, **OPTIONS)
    assert float(marks(root)["anna"]["points"]) == 7 and (root / "feedback" / "anna" / "small" / "small.html").exists()
    assert "no notebook" in marks(root)["zoe"]["problem"]
    (course / "in" / "anna" / "week 3" / "small.ipynb").write_text("{")
    grade.grade_all(course / "in", root, **OPTIONS)
    assert float(marks(root)["anna"]["points"]) == 0 and not (root / "feedback" / "anna" / "small").exists()


def test_no_isolation_no_grading(course, monkeypatch, capsys):
    """Where the system cannot isolate, nothing is run, and the message names the words that would."""
    monkeypatch.setattr(sandbox, "missing", lambda: "no walls")
    monkeypatch.setattr(sys, "argv", ["grade", str(course / "in"), "--grades", str(course / "other")])
    with pytest.raises(SystemExit, match="cannot isolate it: no walls.*\n.*ISOLATION=none"):
        grade.main()
    assert not (course / "other").exists()
    with pytest.raises(RuntimeError, match="cannot be isolated"):
        judge.Judge().preprocess(source(), {"nbgrader": {"student": "anna"}})
