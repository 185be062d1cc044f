"""Grades a folder of submissions: one folder a student, notebooks under the names they were handed out with.

Each submission is graded by a process of its own, its code in a sandbox. What was graded is not graded again unless
the submission, the assignment or an option changed: stop at any time, and start again. Marks, feedback and the
gradebook lie in the folder of grades.
"""

import argparse
import contextlib
import csv
import fcntl
import hashlib
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps.api import NbGraderAPI
from tqdm import tqdm

from . import sandbox
from .judge import MEMORY
from .release import NAMES, SOURCE, STUDENT, release
from .settings import COURSE, grade_id, settings

LARGEST = 20 << 20  # bytes of a notebook
LONGEST = 900  # seconds for one submission: what the sandbox allows, and what the rest takes
NO_PAGE = 3  # exit status: graded, and no feedback page


@dataclass(frozen=True)
class Submission:
    """A student's notebook for one assignment; ``problem`` says why it cannot be graded."""

    student: str
    assignment: str
    path: Path | None
    problem: str = ""


def submissions(folder, names):
    """Every student of ``folder`` with every assignment that anybody handed in."""
    students = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    found = [find(student, name) for student in students for name in names]
    handed_in = {s.assignment for s in found if s.path}
    return [s for s in found if s.assignment in handed_in]


def find(student, assignment):
    """A student's submission of one assignment, wherever it lies in the student's folder."""
    paths = sorted(path for path in student.rglob(f"{assignment}.ipynb") if ".ipynb_checkpoints" not in path.parts)
    path, problem = paths[0] if paths else None, ""
    name = unicodedata.normalize("NFC", student.name)  # as a Mac packs it, or not
    if not STUDENT.fullmatch(name):
        name, problem = ascii(name), "the folder's name may hold letters, digits, and . _ @ -"
    elif not path:
        problem = "not handed in"
    elif len(paths) > 1:
        problem = f"{len(paths)} notebooks of this name"
    return Submission(name, assignment, path, problem or unreadable(path))


def unreadable(path):
    """Why ``path`` is no notebook with the marks of nbgrader, or nothing."""
    if path.is_symlink() or not path.is_file():
        return "a link, and no file"
    if path.stat().st_size > LARGEST:
        return f"larger than {LARGEST >> 20} MiB: clear the outputs before handing in"
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        marked = any(grade_id(cell) for cell in notebook.cells)
    except Exception as problem:
        return f"no notebook: {ascii(' '.join(str(problem).split()))[1:100]}"
    return "" if marked else "the cells have lost their marks: the answers must be in the notebook that was handed out"


def fingerprint(submission, options):
    """Changes with whatever a mark depends on: the submission, the assignment, the options."""
    handed_in = submission.problem.encode() if submission.problem else submission.path.read_bytes()
    source = SOURCE / submission.assignment / f"{submission.assignment}.ipynb"
    parts = [handed_in, source.read_bytes(), repr(options).encode()]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def grade_all(folder, root, **options):
    """Grade what is not graded yet; returns the records, one a submission."""
    every, records = submissions(folder, NAMES), []
    if not every:
        sys.exit(f"{folder} holds no folder of a student with {', '.join(name + '.ipynb' for name in NAMES[:-1])} "
                 f"or {NAMES[-1]}.ipynb")
    release(root, sorted({s.assignment for s in every}), SOURCE)
    with tqdm(every, unit="submission", disable=None) as bar:
        for submission in bar:
            bar.set_postfix_str(f"{submission.student} {submission.assignment}")
            records.append(grade(submission, root, options))
            report(root, records)
    return records


def grade(submission, root, options):
    """Grade one submission in a process of its own, or take the record of the last time. Never raises."""
    path = root / "records" / submission.assignment / f"{hashlib.sha256(submission.student.encode()).hexdigest()}.json"
    key, started = fingerprint(submission, options), time.monotonic()
    if path.exists() and (record := json.loads(path.read_text()))["key"] == key:
        if record["problem"] or in_gradebook(root, submission):
            return record
    problem = submission.problem or run(submission, root, options)
    if submission.problem:
        forget(root, submission)
    record = {"key": key, "student": submission.student, "assignment": submission.assignment, "problem": problem,
              "seconds": round(time.monotonic() - started, 1)}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".part").write_text(json.dumps(record))
    os.replace(path.with_suffix(".part"), path)  # a record is whole or not there
    return record


def gradebook_of(root):
    return Gradebook(f"sqlite:///{root / 'gradebook.db'}", COURSE)


def in_gradebook(root, submission):
    with gradebook_of(root) as gradebook:
        return bool(graded(gradebook, submission.assignment, submission.student))


def forget(root, submission):
    """Take an earlier version's marks and pages away: what lies there now has none."""
    for folder in folders(root, submission):
        shutil.rmtree(folder, ignore_errors=True)
    with gradebook_of(root) as gradebook, contextlib.suppress(MissingEntry):
        gradebook.remove_submission(submission.assignment, submission.student)


def folders(root, submission):
    return [Path(root, step, submission.student, submission.assignment)
            for step in ("submitted", "autograded", "feedback")]


def run(submission, root, options):
    """Copy the submission, grade it and write its feedback; returns what went wrong, or nothing."""
    for folder in folders(root, submission):
        shutil.rmtree(folder, ignore_errors=True)
    there = folders(root, submission)[0]
    there.mkdir(parents=True)
    shutil.copyfile(submission.path, there / f"{submission.assignment}.ipynb")
    command = [sys.executable, "-m", "assignments.grade", "--one", submission.student, submission.assignment,
               str(root), json.dumps(options)]
    here, nowhere = Path(__file__).parents[1], subprocess.DEVNULL
    with tempfile.TemporaryFile("w+") as said, \
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=nowhere, stderr=said, cwd=here) as process:
        try:
            code = process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            process.kill()
            code = -1
        said.seek(0)
        cause = ascii(said.read()[-300:].strip())[1:-1] if code > 0 else f"ended after {LONGEST} seconds or killed"
    if code not in (0, NO_PAGE):
        forget(root, submission)
    return "" if code == 0 else f"{'graded, but no feedback page' if code == NO_PAGE else 'grading failed'}: {cause}"


def one(student, assignment, root, options):
    """What the process of one submission does. It ends when the process that started it does."""
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(1)), daemon=True).start()
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    api = NbGraderAPI(config=settings(root, **options))
    for step, code in ((api.autograde, 1), (api.generate_feedback, NO_PAGE)):
        done = step(assignment, student, force=True)
        if not done["success"]:
            lines = [line.strip() for line in f"{done.get('log')}\n{done.get('error')}".splitlines()]
            causes = [line for line in lines if re.match(r"[\w.]*(Error|Exception|Notebook): ", line)]
            print((causes or lines)[0][:300], file=sys.stderr)
            sys.exit(code)


def report(root, records):
    """Write ``marks.csv``, a line a submission, and ``tasks.csv``, a line a task."""
    marks, tasks = [], []
    with gradebook_of(root) as gradebook:
        for record in records:
            student, name = record["student"], record["assignment"]
            row = {"student": student, "assignment": name, "points": 0.0,
                   "of": gradebook.find_assignment(name).max_score, "to_read": 0.0, "problem": record["problem"],
                   "seconds": record["seconds"]}
            for grade in graded(gradebook, name, student):
                row["points"] += grade.score
                row["to_read"] += grade.max_score if grade.needs_manual_grade else 0
                tasks.append({"student": student, "assignment": name, "task": grade.name.removeprefix("test_"),
                              "points": grade.score, "of": grade.max_score, "to_read": bool(grade.needs_manual_grade)})
            marks.append(row)
    for name, rows in (("marks", marks), ("tasks", tasks)):
        if rows:
            part = root / f"{name}.part"
            with open(part, "w", newline="") as file:
                writer = csv.DictWriter(file, rows[0])
                writer.writeheader()
                writer.writerows(rows)
            os.replace(part, root / f"{name}.csv")


def graded(gradebook, assignment, student):
    """The grades of one submission, in the order of their names."""
    try:
        notebooks = gradebook.find_submission(assignment, student).notebooks
    except MissingEntry:
        return []
    return sorted((grade for notebook in notebooks for grade in notebook.grades), key=lambda grade: grade.name)


def limit(text):
    """One limit of the sandbox, as NAME=NUMBER."""
    name, number = text.split("=")
    return name, type(getattr(sandbox.Limits, name))(number)


def main():
    if sys.argv[1:2] == ["--one"]:
        student, assignment, root, options = sys.argv[2:]
        return one(student, assignment, root, json.loads(options))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("submissions", type=Path, help="a folder with a folder for each student")
    parser.add_argument("--grades", type=Path, default=Path("grades"), help="where marks, feedback and gradebook go")
    parser.add_argument("--variants", action="store_true", help="each student had numbers of their own")
    parser.add_argument("--without-isolation", action="store_true",
                        help="run submissions as you, with your files and your network")
    parser.add_argument("--limit", action="append", default=[], metavar="NAME=NUMBER", type=limit,
                        help="memory, disk, answer (bytes), processes, cell, call, total (seconds)")
    asked = parser.parse_args()
    if not asked.submissions.is_dir():
        sys.exit(f"{asked.submissions} is no folder: make grade SUBMISSIONS=folder")
    if sandbox.missing() and not asked.without_isolation:
        sys.exit(f"Submissions are code that strangers wrote, and this system cannot isolate it: {sandbox.missing()}.\n"
                 "To run it all the same as you, with your files and your network: make grade ... ISOLATION=none")
    asked.grades.mkdir(parents=True, exist_ok=True)
    with open(asked.grades / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"{asked.grades} is being graded by another run")
        records = grade_all(asked.submissions.resolve(), asked.grades.resolve(), isolated=not asked.without_isolation,
                            variants=asked.variants, limits=dict(asked.limit))
    problems = [record for record in records if record["problem"]]
    print(f"{len(records) - len(problems)} submissions graded, {len(problems)} not: {asked.grades / 'marks.csv'}")
    for record in problems:
        print(f"  {record['student']}, {record['assignment']}: {record['problem']}")


if __name__ == "__main__":
    main()
