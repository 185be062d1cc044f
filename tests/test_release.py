"""The students' versions: nothing that they should find out is in them, and they are the same whenever they are made."""

import hashlib
import re
import zipfile

import nbformat
import pytest

from assignments import release

from . import assignments


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """All assignments, released into an empty gradebook."""
    root = tmp_path_factory.mktemp("grades")
    return release.release(root)


def test_no_secrets(released):
    """No solution, no hidden test, no model answer; every locked cell, every task and its points are there."""
    assert [path.stem for path in released] == assignments.NAMES
    for path in released:
        given, source = nbformat.read(path, as_version=4), assignments.read(path.stem)
        text = "\n".join(cell.source for cell in given.cells)
        assert "SOLUTION" not in text and "HIDDEN" not in text and "Rubric" not in text
        for cell in source.cells:
            for secret in re.findall(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)### END", cell.source, flags=re.S):
                assert secret.strip() not in text
        assert [c.metadata.nbgrader.grade_id for c in given.cells if "nbgrader" in c.metadata] == \
            [c.metadata.nbgrader.grade_id for c in source.cells if "nbgrader" in c.metadata]
        assert not any(cell.get("outputs") for cell in given.cells)


def test_zips(released, tmp_path):
    """The same bytes whenever they are packed, and checksums that ``sha256sum -c`` reads."""
    first = {path.name: path.read_bytes() for path in release.pack(released, tmp_path / "zips")}
    assert first == {path.name: path.read_bytes() for path in release.pack(released, tmp_path / "zips")}
    assert sorted(first) == [f"{name}.zip" for name in assignments.NAMES]
    for line in (tmp_path / "zips" / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256(first[name]).hexdigest() == digest
    for name in assignments.NAMES:
        with zipfile.ZipFile(tmp_path / "zips" / f"{name}.zip") as archive:
            assert archive.namelist() == [f"{name}.ipynb"]


def test_a_variant_for_each_student(released, tmp_path):
    """One zip a student with all assignments; the name stands where the numbers are drawn from, and nowhere else."""
    made = release.pack(released, tmp_path / "zips", ["anna", "zoë.b@x"])
    assert [path.name for path in made] == ["anna.zip", "zoë.b@x.zip"]
    for path, name in zip(made, ("'anna'", "'zoë.b@x'"), strict=True):
        with zipfile.ZipFile(path) as archive:
            assert archive.namelist() == [f"{name}.ipynb" for name in assignments.NAMES]
            for file in archive.namelist():
                text = "\n".join(c.source for c in nbformat.reads(archive.read(file).decode(), as_version=4).cells)
                assert f"STUDENT = {name}" in text and '"everyone"' not in text


@pytest.mark.parametrize("name", ["o'neil", "=1+1", "-x", "@sum", "a/b", "..", ""])
def test_a_name_that_grading_would_refuse(released, tmp_path, name):
    with pytest.raises(SystemExit, match="may hold letters"):
        release.pack(released, tmp_path / "zips", ["anna", name])
