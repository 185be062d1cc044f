"""Every numbered equation of the course has a test, a measured residual, and a place on the page of equations.

In the course an equation is ``$$ ... $$ (7.3)``; its test is marked ``@pytest.mark.equation("7.3")``.
"""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from book.course_site import equations
from book.course_site.equations import LABEL, by_number, formulas, marks

ROOT = Path(__file__).parents[1]
TESTS = equations.proofs(ROOT)
RECORDS = equations.residuals(ROOT)["tests"]


def cited(code):
    """The numbers that a text cites as "equation (7.5)" or "equations (9.3) and (9.4)"."""
    lists = re.findall(rf"[Ee]quations?\s+{LABEL}((?:\s*(?:,|and|to)\s*{LABEL})*)", code)
    return [number for first, more, _ in lists for number in (first, *re.findall(LABEL, more))]


def numbered():
    """All equations of the course."""
    return [number for text in equations.texts(ROOT).values() for number, _ in formulas(text)]


def marked():
    """All equations that a test is marked with."""
    return {number for proof in TESTS for number in proof.numbers}


def test_every_equation_has_a_test():
    """Each equation's number is the mark of at least one test."""
    assert numbered(), "no equation found: the test looks in the wrong place"
    assert by_number(set(numbered()) - marked()) == []


def test_every_mark_is_an_equation():
    """No test is marked with an equation that the course does not have."""
    assert by_number(marked() - set(numbered())) == []


def test_a_number_is_used_once():
    """No two equations have the same number."""
    assert [number for number, times in Counter(numbered()).items() if times > 1] == []


def test_code_and_prose_cite_equations_that_exist():
    """What camlib, the tests and the text call "equation (x.y)" is one of the course's."""
    files = [*ROOT.glob("camlib/*.py"), *(path for path in ROOT.glob("tests/*.py") if path != Path(__file__))]
    sources = (*map(Path.read_text, files), *equations.texts(ROOT).values())
    found = {number for text in sources for number in cited(text)}
    assert found, "no citation found: the test looks in the wrong place"
    assert by_number(found - set(numbered())) == []


def test_the_readers_read_what_they_should():
    """The readers of formulas, marks and citations find what is there, and nothing else."""
    text = "$$ a = b $$ (7.3)\n$$\nc\n$$\n$$\nd\n$$(7.10)\n$x$ (7.4), $$ e $$\n(1.2) and 7.5"
    assert formulas(text) == [("7.3", "a = b"), ("7.10", "d")]
    code = '@pytest.mark.equation("7.1", "7.2")\n@other("7.3")\ndef test_it():\n    """Words."""\n'
    code += '@pytest.mark.equation("7.9")\ndef no_test(): pass\n'
    assert marks(code) == [("test_it", ["7.1", "7.2"], "Words.")]
    assert cited("by equation (7.5); Equations (9.3),\n    (9.4) and (9.5); see (8.1)") == ["7.5", "9.3", "9.4", "9.5"]
    assert by_number({"7.10", "7.2", "10.1"}) == ["7.2", "7.10", "10.1"]


# -- residuals -----------------------------------------------------------------------------------------------

def test_no_gap_between_equations_tests_and_records():
    """Each equation has a test with a residual on record, and each record's test exists."""
    assert list(equations.gaps(numbered(), TESTS, RECORDS)) == []


def test_each_kind_of_gap_is_found():
    """An equation without a test, one without a record, and a record without a test are told apart."""
    tests = [equations.Proof("test_a", ["1.1"], ""), equations.Proof("test_b", ["1.2"], "")]
    found = equations.gaps(["1.1", "1.2", "1.3"], tests, {"test_a": {}, "test_gone": {}})
    assert [re.search(r"\(1.2\) has no residual|\(1.3\) has no test|names test_gone|$", gap)[0] for gap in found] == [
        "(1.2) has no residual", "(1.3) has no test", "names test_gone"]


@pytest.mark.parametrize("name", RECORDS)
def test_a_residual_is_within_its_tolerance(name):
    """What was measured passed."""
    record = RECORDS[name]
    assert 0 <= record.get("residual", 0) <= record.get("tolerance", 0)


def test_every_equation_was_measured():
    """Some test of each equation compares numbers, or at least their order."""
    seen = {n for proof in TESTS for n in proof.numbers if {"numbers", "held"} & RECORDS.get(proof.test, {}).keys()}
    assert by_number(set(numbered()) - seen) == []


def test_what_an_equation_says_is_its_own_line():
    """The line "(7.3) ..." of a docstring comes before its first line, and its test before others."""
    both = equations.Proof("both", ["1.1", "1.2"], "Two at once.\n\n(1.1) The first.")
    alone = equations.Proof("alone", ["1.2"], "The second.")
    assert (both.says("1.1"), both.says("1.2"), alone.says("1.2")) == ("The first.", "Two at once.", "The second.")
    tests, every = [both, alone], dict.fromkeys(["both", "alone"])
    assert equations.proven_by("1.1", tests, every) == [both]
    assert equations.proven_by("1.2", tests, every) == [alone, both]
    assert equations.proven_by("1.2", tests, {"both": {}}) == [both, alone]  # what was measured comes first


TOY = '''
import numpy as np
import pytest
pytestmark = pytest.mark.equation("1.1")

def close(a, b): np.testing.assert_allclose(a, b, rtol=0, atol=0.1)

@pytest.mark.parametrize("off", [0.04, 0.02])
def test_arrays(off): close([1, 4 + off], [1, 4])
def test_approx():
    for x, off in ((1e-9, 1e-9), (2, 2e-6)):
        assert x + off == pytest.approx(x, abs=1e-5)
def test_difference():
    a, b = np.array([8, 4.0]), np.array([8, 4.0625])
    assert np.abs(b - a).max() <= 0.5
def test_gap(): assert 3e-4 <= 1e-3 and 2 * 3e-4 <= 1e-3 * 2
def test_flag():
    for gap, holds in ((0.001, True), (5, False)): assert (gap <= 0.01) == holds
def test_truth(): assert np.allclose([1, 2.001], [1, 2], atol=0.01) and not np.allclose(1, 2)
def test_equal():
    assert sum(range(4)) == 6 == 2 * 3
    np.testing.assert_array_equal(np.eye(2), np.eye(2))
def test_order():
    assert (np.arange(5) < 5).all() and 3 > 2
def test_refused():
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(1, 2)
    assert np.zeros(2).shape == (2,)
def test_wrong(): assert 1.5 == pytest.approx(1)
def test_skipped(): pytest.skip("not here")
def test_all(): assert 2 * np.arange(3) == pytest.approx(np.array([0, 2, 4.0]))
'''


def test_the_plugin_measures_what_is_known(tmp_path):
    """Differences put in by hand come out, relative to the largest expected number, beside what is allowed."""
    (tmp_path / "test_toy.py").write_text(TOY)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = equation(number)\nfilterwarnings = error\n")
    file = tmp_path / "found.json"
    run = subprocess.run([sys.executable, "-m", "pytest", "-p", "tests.residuals", "--residuals", file, "--rootdir",
                          tmp_path, tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 1 and "1 failed, 11 passed, 1 skipped" in run.stdout, run.stdout + run.stderr
    found = json.loads(file.read_text())["tests"]
    assert {name.split("::test_")[1]: tuple(record.get(key) for key in ("residual", "tolerance", "numbers", "held"))
            for name, record in found.items()} == {
        "arrays": (0.01, 0.025, 4, None), "approx": (1e-6, 5e-6, 2, None), "difference": (0.0078, 0.062, 2, None),
        "gap": (3e-4, 1e-3, 2, None), "flag": (0.001, 0.01, 1, None), "truth": (5e-4, 0.005, 2, None),
        "equal": (0, 0, 5, None), "order": (None, None, None, 6), "refused": (None,) * 4,
        "all": (0, 1e-6, 3, None)}


# -- the page ------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def page(site):
    """The page of the equations, parsed."""
    return BeautifulSoup((site / "book/equations.html").read_text(), "html.parser")


def test_the_page_has_every_equation(page):
    """Each equation once, in the order of the chapters, with a link, its formula, its words and a test."""
    entries = page.select("dl.equations dt")
    assert [entry.a.get_text() for entry in entries] == [f"({number})" for number in numbered()]
    for entry in entries:
        body = entry.find_next_sibling("dd")
        assert entry.get_text().removeprefix(entry.a.get_text()).strip() and body.select_one(".math")
        assert body.select_one(".proof code").get_text() in RECORDS


def test_the_page_counts(page):
    """As many proven as there are."""
    assert f"{len(numbered())} equations, {len(numbered())} proven." in page.article.get_text()


CONF = """
extensions = ["myst_nb", "course_site.numbers", "course_site.equations"]
myst_enable_extensions = ["dollarmath"]
nb_execution_mode = "off"
"""


@pytest.mark.parametrize(("number", "complaint"), [("1.1", ""), ("1.2", "equation (1.1) has no test")])
def test_a_course_with_an_unproven_equation_does_not_build(tmp_path, number, complaint):
    """A course of one equation: it builds if its test is marked with that number, and not with another."""
    cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# 1. One\n\n$$ a = b $$ (1.1)"}
    notebook = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    test = f'@pytest.mark.equation("{number}")\ndef test_a(): """Both are one."""\n'
    records = {"measured": {}, "tests": {"tests/test_a.py::test_a": {"residual": 0, "tolerance": 0, "numbers": 1}}}
    for name, text in {"conf.py": f"import sys\nsys.path.insert(0, {str(ROOT / 'book')!r})\n" + CONF,
                       "index.md": "# All\n\n```{toctree}\nnotebooks/01_one\n```\n\n```{equation-index}\n```",
                       "notebooks/01_one.ipynb": notebook, "tests/test_a.py": test,
                       "book/residuals.json": json.dumps(records)}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    run = subprocess.run([sys.executable, "-m", "sphinx", "-W", "-q", tmp_path, tmp_path / "_site"],
                         capture_output=True, text=True)
    assert bool(run.returncode) == bool(complaint) and complaint in run.stderr, run.stderr
