"""The prose pages say what is so: their code runs, what they print is what is printed, their tables are complete."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from . import forms

BOOK = Path(__file__).parents[1] / "book"


def blocks(page):
    """The Python code of a page, block by block."""
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), re.M | re.S)


@pytest.mark.parametrize("page", [p for p in sorted(BOOK.glob("*.md")) if blocks(p)], ids=lambda page: page.stem)
def test_the_code_of_a_page_runs(page):
    """One block after the other, as a reader would type them."""
    names = {}
    for block in blocks(page):
        exec(compile(block, str(page), "exec"), names)


def test_the_error_that_the_page_quotes():
    """A comment behind print() is what is printed."""
    names = {}
    for block in blocks(BOOK / "own_model.md"):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(block, names)
        quoted = re.findall(r"print\(error\)\n *# (.*)", block)
        assert not quoted or out.getvalue().strip() == quoted[0]
    assert quoted  # the last block has one


def test_every_form_has_its_row():
    """The table of model forms lists what is tested, and nothing else."""
    rows = re.findall(r"^\| ([^|]+?) \|", (BOOK / "own_model.md").read_text(), re.M)
    assert [row for row in rows if row not in ("Form", ":--")] == list(forms.FORMS)
