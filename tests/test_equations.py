"""Every numbered equation of the course has a test, and nothing speaks of an equation that does not exist.

In the course an equation is ``$$ ... $$ (7.3)``; its test is marked ``@pytest.mark.equation("7.3")``.
"""

import ast
import json
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
LABEL = r"\((\d+\.\d+)\)"


def texts():
    """The prose of the course: the text cells of each notebook, and each page of the book."""
    for path in sorted(ROOT.glob("notebooks/*.ipynb")):
        cells = json.loads(path.read_text())["cells"]
        yield "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    for path in sorted(ROOT.glob("book/*.md")):
        yield path.read_text()


def labels(text):
    """The numbers of a text's equations."""
    return re.findall(r"\$\$[ \t]*" + LABEL, text)


def marks(code):
    """The numbers that the test functions of a module are marked with."""
    functions = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.FunctionDef)]
    return [ast.literal_eval(number) for function in functions if function.name.startswith("test_")
            for mark in function.decorator_list if isinstance(mark, ast.Call)
            and ast.unparse(mark.func) == "pytest.mark.equation" for number in mark.args]


def cited(code):
    """The numbers that a text cites as "equation (7.5)" or "equations (9.3) and (9.4)"."""
    lists = re.findall(rf"[Ee]quations?\s+{LABEL}((?:\s*(?:,|and|to)\s*{LABEL})*)", code)
    return [number for first, more, _ in lists for number in (first, *re.findall(LABEL, more))]


def numbered():
    """All equations of the course."""
    return [label for text in texts() for label in labels(text)]


def marked():
    """All equations that a test is marked with."""
    return {number for path in ROOT.glob("tests/test_*.py") for number in marks(path.read_text())}


def by_number(numbers):
    """Sort "7.2" before "7.10"."""
    return sorted(numbers, key=lambda number: [int(part) for part in number.split(".")])


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
    found = {number for text in (*map(Path.read_text, files), *texts()) for number in cited(text)}
    assert found, "no citation found: the test looks in the wrong place"
    assert by_number(found - set(numbered())) == []


def test_this_file_reads_what_it_should():
    """The readers of labels, marks and citations find what is there, and nothing else."""
    assert labels("$$ a = b $$ (7.3)\n$$\nc\n$$(7.10)\n$x$ (7.4), $$ d $$\n(1.2) and 7.5") == ["7.3", "7.10"]
    code = '@pytest.mark.equation("7.1")\n@other("7.2")\ndef test_it(): pass\n'
    code += '@pytest.mark.equation("7.9")\ndef no_test(): pass\n'
    assert marks(code) == ["7.1"]
    assert cited("by equation (7.5); Equations (9.3),\n    (9.4) and (9.5); see (8.1)") == ["7.5", "9.3", "9.4", "9.5"]
    assert by_number({"7.10", "7.2", "10.1"}) == ["7.2", "7.10", "10.1"]
