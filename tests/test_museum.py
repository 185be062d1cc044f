"""The error museum: each exhibit fails as exhibited, and passes when it is repaired.

The cells carry what they are, {"museum": {"exhibit": 7, "part": "broken"}}; they are taken out and run here.
"""

import ast
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

from camlib.errors import CamlibError

MUSEUM = nbformat.read(Path(__file__).parents[1] / "notebooks" / "error_museum.ipynb", as_version=4)
PARTS = [(cell.metadata["museum"], cell) for cell in MUSEUM.cells if "museum" in cell.metadata]
TEXT = "\n\n".join(cell.source for cell in MUSEUM.cells if cell.cell_type == "markdown")
TITLES = dict(re.findall(r"^### Exhibit (\d+)\. (.+)$", TEXT, re.M))
NUMBERS = sorted({at["exhibit"] for at, _ in PARTS if "exhibit" in at})


def part(number, name):
    """The one cell that is this part of the exhibit."""
    (cell,) = (cell for at, cell in PARTS if at.get("exhibit") == number and at["part"] == name)
    return cell


def functions(code):
    """The names of the functions that a cell defines."""
    return [node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]


@pytest.fixture(scope="module")
def hall():
    """What the set-up cells define; a magic is for the reader's screen alone."""
    import matplotlib.pyplot as plt

    names = {}
    with plt.rc_context():
        for at, cell in PARTS:
            if at["part"] == "set-up" and not cell.source.startswith("%"):
                exec(cell.source, names)
    return names


def without_numbers(message):
    """A message up to its numbers, whose last digits belong to the machine."""
    return re.sub(r"-?\d+(\.\d+)?(e[-+]\d+)?", "#", message.splitlines()[0])


@pytest.mark.parametrize("number", NUMBERS)
def test_exhibit(number, hall, capsys):
    """Broken, the check fails with the message that is shown; repaired, it passes and prints one line."""
    names = dict(hall)
    exec(part(number, "broken").source, names)
    with pytest.raises(Exception) as caught:
        exec(part(number, "check").source, names)
    (shown,) = part(number, "check").outputs
    assert type(caught.value).__name__ == shown.ename
    assert without_numbers(str(caught.value)) == without_numbers(shown.evalue)
    assert capsys.readouterr().out == ""

    exec(part(number, "repair").source, names)
    exec(part(number, "check").source, names)
    first, second = capsys.readouterr().out.splitlines()
    assert first == second and first.startswith("repaired: ")


@pytest.mark.parametrize("number", NUMBERS)
def test_doing_nothing_repairs_nothing(number, hall):
    """An answer of the right shape that is all zero (or False) fails the check, too."""
    names = dict(hall)
    exec(part(number, "check").source.rsplit("\n", 1)[0], names)  # defined, not called
    exec(part(number, "repair").source, names)
    for name in functions(part(number, "broken").source):
        names[name] = idle(names[name])
    with pytest.raises((AssertionError, CamlibError)):
        names[f"exhibit_{number}"]()


WRONG_REPAIRS = {  # number: what a learner may write, that must not pass
    "a zero map forgotten": (6, "def safely_stretched(M):\n    return M / M.max()"),
    "a smaller number below the line": (6, "def safely_stretched(M):\n    return M / (M.max() + 1e-20)"),
    "a minus sign": (8, "def layer_by_scipy(x, w):\n    return -scipy.signal.convolve2d(x, w, mode='valid')"),
    "mirrored, not turned": (8, "def layer_by_scipy(x, w):\n"
                                "    return scipy.signal.convolve2d(x, w[:, ::-1], 'valid')"),
    "patches beyond the border": (34, "def places(h, w, a, s):\n"
                                      "    return [(y, x) for y in range(0, 96, s) for x in range(0, 96, s)]"),
    "the first of all largest values": (44, "def points_at(M, mask):\n    return bool(mask.ravel()[M.argmax()])"),
}

OTHER_REPAIRS = {  # number: not the repair that is shown, and right as well
    "correlation": (8, "def layer_by_scipy(x, w):\n    return scipy.signal.correlate2d(x, w, mode='valid')"),
    "a Sequential called once": (11, "def inner_maps(model, images, name):\n    model(images)\n"
                                     "    inner = model.get_layer(name).output\n"
                                     "    return keras.Model(model.inputs[0], inner)(images)"),
    "places of the maxima by comparison": (15, "def unpooled(R, A):\n    large = np.kron(R, np.ones((2, 2)))\n"
                                               "    return large * (A == large)"),
    "a middle grey": (35, "def hidden(image, y, x, a=16):\n    image = image.copy()\n"
                          "    image[y:y + a, x:x + a] = 0.5\n    return image"),
    "a copy first": (36, "def prepared(batch):\n    batch = batch.copy()\n    batch /= 127.5\n    batch -= 1\n"
                         "    return batch"),
}


@pytest.mark.parametrize("what", WRONG_REPAIRS | OTHER_REPAIRS)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_other_repairs(what, hall):
    """A check lets no half repair through, and takes a right one that is not the author's."""
    number, code = (WRONG_REPAIRS | OTHER_REPAIRS)[what]
    names = dict(hall)
    exec(part(number, "check").source.rsplit("\n", 1)[0], names)
    exec(code, names)
    if what in OTHER_REPAIRS:
        names[f"exhibit_{number}"]()
    else:
        with pytest.raises(AssertionError):
            names[f"exhibit_{number}"]()


def idle(function):
    """The function, with zeros in place of every number that it returns."""
    return lambda *args, **options: np.zeros_like(np.asarray(function(*args, **options)))


def test_the_rooms_are_complete():
    """Numbers run from 1; each exhibit has a title, a hint and its parts in order, and nothing else."""
    assert NUMBERS == list(range(1, len(NUMBERS) + 1)) and len(NUMBERS) >= 24
    assert [int(number) for number in TITLES] == NUMBERS and len(set(TITLES.values())) == len(TITLES)
    parts = [(at["exhibit"], at["part"]) for at, _ in PARTS if at.get("part") not in ("set-up", "picture")]
    assert parts == [(number, name) for number in NUMBERS for name in ("broken", "check", "repair")]
    assert len(re.findall(r"^:class: tip dropdown$", TEXT, re.M)) == len(NUMBERS)


@pytest.mark.parametrize("number", NUMBERS)
def test_form_of_an_exhibit(number):
    """One short function, a check named after the exhibit that may raise, a folded repair of the same function."""
    broken, check, repair = (part(number, name) for name in ("broken", "check", "repair"))
    assert len(functions(broken.source)) == 1
    assert len([line for line in broken.source.splitlines() if line.strip()]) <= 10
    assert check.source.endswith(f"\n\n\nexhibit_{number}()") and repair.source.endswith(f"\n\n\nexhibit_{number}()")
    assert functions(repair.source) == functions(broken.source)
    assert ast.dump(ast.parse(repair.source).body[0]) != ast.dump(ast.parse(broken.source).body[0])
    assert check.metadata.tags == ["raises-exception"]
    assert repair.metadata.tags == ["hide-input"] and repair.metadata.jupyter.source_hidden


@pytest.mark.parametrize("number", NUMBERS)
def test_each_exhibit_names_its_chapter(number):
    """Its text ends with a link to the chapter that treats it."""
    text = re.search(rf"^### Exhibit {number}\. .+\n\n(.+)", TEXT, re.M)[1]
    assert re.search(r" \(\[chapter (\d+)\]\(0?\1_\w+\.ipynb\)\)$", text), text


def test_the_list_is_complete():
    """The collector's list links each exhibit once, at its heading, in alphabetical order of what one sees."""
    rows = re.findall(r"^\| (.+) \| \[(\d+)\]\(#(\S+)\) \|$", TEXT, re.M)
    assert sorted(int(number) for _, number, _ in rows) == NUMBERS
    symptoms = [symptom.lower() for symptom, _, _ in rows]
    assert symptoms == sorted(symptoms) and len(set(symptoms)) == len(rows)
    for _, number, anchor in rows:
        heading = f"exhibit {number}. {TITLES[number]}".lower()
        assert anchor == re.sub(r"[^\w\- ]", "", heading).replace(" ", "-")


def test_no_function_is_used_twice():
    """Exhibits do not overwrite one another, nor what the hall provides."""
    defined = [name for number in NUMBERS for name in
               functions(part(number, "broken").source) + functions(part(number, "check").source)]
    assert len(set(defined)) == len(defined)
    used = set(re.findall(r"\w+", " ".join(cell.source for at, cell in PARTS if at["part"] == "set-up")))
    assert not used & set(defined)


def test_the_number_of_exhibits_is_told():
    """The page says how many there are."""
    assert re.search(rf"^{len(NUMBERS)} classic bugs", TEXT, re.M)
