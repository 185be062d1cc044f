"""Makes the students' versions: solutions and hidden tests taken out, zipped, with checksums."""

import argparse
import hashlib
import re
import shutil
import sys
import zipfile
from pathlib import Path

import nbformat
from nbgrader.apps.api import NbGraderAPI

from .judge import for_student
from .settings import settings

SOURCE = Path(__file__).with_name("source")
CONFIG = """# For nbgrader's own commands and pages, started in this folder.
import os

from assignments.settings import settings

c = get_config()
c.merge(settings(os.path.dirname(os.path.abspath(__file__))))
"""
STUDENT = re.compile(r"\w[\w.@-]*")  # names that are the same as a folder, in the gradebook and in a spreadsheet
NAMES = sorted(path.name for path in SOURCE.iterdir() if path.is_dir())


def release(root, names=NAMES, source=SOURCE):
    """Write ``root/release/<name>/<name>.ipynb`` for each assignment, and its cells into the gradebook."""
    shutil.copytree(source, Path(root, "source"), dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*"))
    Path(root, "nbgrader_config.py").write_text(CONFIG)
    api = NbGraderAPI(config=settings(root))
    for name in names:
        made = api.generate_assignment(name, force=True, create=True)
        if not made["success"]:
            sys.exit(f"{name} cannot be released: {made['error'] or made['log']}")
    return [Path(root, "release", name, f"{name}.ipynb") for name in names]


def pack(notebooks, target, students=()):
    """One zip an assignment, or one a student with numbers of their own; SHA256SUMS beside them."""
    if wrong := [name for name in students if not STUDENT.fullmatch(name)]:
        sys.exit(f"{ascii(wrong[0])}: a student's name may hold letters, digits, and . _ @ -")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for notebook in () if students else notebooks:
        write_zip(target / f"{notebook.stem}.zip", {notebook.name: notebook.read_text()})
    for student in students:
        write_zip(target / f"{student}.zip", {n.name: personal(n.read_text(), student) for n in notebooks})
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(target.glob("*.zip"))]
    (target / "SHA256SUMS").write_text("".join(sums))
    return sorted(target.glob("*.zip"))


def personal(text, student):
    """A student version, as text, with ``student`` where the variants are drawn from."""
    notebook = nbformat.reads(text, as_version=4)
    for cell in notebook.cells:
        cell.source = for_student(cell.source, student)
    return nbformat.writes(notebook)


def write_zip(path, files):
    """The same files give the same bytes: no dates."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grades", type=Path, default=Path("grades"), help="folder of the gradebook")
    parser.add_argument("--target", type=Path, default=Path("_build/assignments"), help="where the zips go")
    parser.add_argument("--students", type=Path, help="a file with one name a line: each gets other numbers")
    asked = parser.parse_args()
    students = asked.students.read_text().split("\n") if asked.students else []
    for path in pack(release(asked.grades), asked.target, [name.strip() for name in students if name.strip()]):
        print(path)


if __name__ == "__main__":
    main()
