"""The reference of camlib: complete, true to the code, and no letter of its docstrings lost.

The pages are made from the source alone; here camlib is imported, and the two are compared.
"""

import importlib
import inspect
import operator
import pkgutil
import re
from collections import Counter
from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup

import camlib

MODULES = [importlib.import_module(found.name) for found in pkgutil.walk_packages(camlib.__path__, "camlib.")
           if not found.name.endswith("__main__")]
SELF_CHECKS = "camlib.exercises."  # what their modules' names start with
CITATION = r"[a-z]+\d{4}[a-z]?"


def public(owner):
    """{full name: object} of the public functions and classes that a module, or a class, defines itself."""
    home = getattr(owner, "__module__", owner.__name__)
    path = owner.__name__ if inspect.ismodule(owner) else f"{home}.{owner.__qualname__}"
    return {f"{path}.{name}": value for name, value in vars(owner).items() if not name.startswith("_")
            and (inspect.isfunction(inspect.unwrap(value)) or inspect.isclass(value)) and value.__module__ == home}


TOP = {name: value for module in MODULES for name, value in public(module).items()}
METHODS = {name: value for owner in TOP.values() if inspect.isclass(owner) for name, value in public(owner).items()}
EVERYTHING = TOP | METHODS


@pytest.fixture(scope="module")
def pages(site):
    """The pages of the reference, parsed."""
    return {name: BeautifulSoup((site / "book" / f"{name}.html").read_text(), "html.parser").select_one("article")
            for name in ("api", "api_inside")}


@pytest.fixture(scope="module")
def entries(pages):
    """{full name: the line with its signature, and the parts of its text}, parsed."""
    found = {}
    for page in pages.values():
        for line in page.select("dl.py:not(.data) > dt"):
            parts = line.find_next_sibling("dd").find_all(["p", "div"], recursive=False)
            found[line["id"]] = SimpleNamespace(line=line, text=parts)
        for item in page.select(f"li[id^='{SELF_CHECKS}']"):
            found[item["id"]] = SimpleNamespace(line=item.code, text=[item.p])
    return found


def test_the_lists_of_this_file_are_not_empty():
    """What the code defines is found: functions, errors, methods, self-checks."""
    assert {"camlib.cam.class_activation_map", "camlib.errors.HeadError", "camlib.probe.Probe.gradient",
            "camlib.priors.scene_colors", "camlib.exercises.cam.shift"} <= set(EVERYTHING)


def test_everything_public_is_listed_once(pages):
    """Each public function, class and method has one entry, and nothing else but constants has any."""
    listed = [tag["id"] for page in pages.values()
              for tag in page.select(f"dl.py:not(.data) > dt, li[id^='{SELF_CHECKS}']")]
    assert Counter(listed) == Counter(list(EVERYTHING))


@pytest.mark.parametrize("name", EVERYTHING)
def test_the_first_line_of_a_docstring_is_a_sentence(name):
    """It starts like one and ends like one."""
    first, *rest = inspect.unwrap(EVERYTHING[name]).__doc__.strip().splitlines()
    assert re.match(r"[A-Z0-9]|``", first) and first[-1] in ".?", first
    assert not rest or not rest[0].strip(), "an empty line stands behind the first sentence"


def signature(value, method=False):
    """The parameters of a function, method or class that takes some of its own, less their types; or None."""
    if inspect.isclass(value) and not {"__init__", "__new__"} & set(vars(value)):
        return None
    taken = list(inspect.signature(value).parameters.values())[method:]
    return [(one.name, one.kind, repr(one.default)) for one in taken]


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_signature_is_that_of_the_code(name, entries):
    """Names, order, kinds and defaults; a default is read in its module."""
    value = EVERYTHING[name]
    shown = re.search(r"\((.*)\)", " ".join(entries[name].line.get_text().split()))
    if shown:
        names = dict(vars(importlib.import_module(value.__module__)))
        exec(f"def shown({shown[1]}): pass", names)
        shown = signature(names["shown"])
    assert shown == signature(value, name in METHODS)


def test_a_name_is_shown_as_a_reader_calls_it(entries):
    """What camlib itself offers starts with ``camlib.``, and nothing else does."""
    offered = {name for name, value in TOP.items() if getattr(camlib, value.__name__, None) is value}
    assert len(offered) > 20
    assert {name for name, entry in entries.items() if entry.line.get_text().split("(")[0].split()[-1].startswith(
        "camlib.")} == offered


def written(docstring):
    """The letters of a docstring, less markup, keys of citations and white space."""
    text = re.sub(rf"\[{CITATION}(, {CITATION})*\]", "", inspect.cleandoc(docstring))
    return re.sub(r"\s", "", re.sub(r"(?<!\w)\*([a-z][a-z ]*)\*", r"\1", text.replace("``", "")))


def shown(part):
    """The letters of a part of a page, less citations and white space."""
    copy = BeautifulSoup(str(part), "html.parser")
    for citation in copy.select(".bibtex-citation"):
        citation.decompose()
    return re.sub(r"\s", "", copy.get_text())


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_docstring_is_shown_word_for_word(name, entries):
    """No letter is lost, added or changed: formulas are no markup."""
    entry, docstring = entries[name], inspect.unwrap(EVERYTHING[name]).__doc__
    before = shown(entry.line) + ":" if entry.line.name == "code" else ""
    assert "".join(map(shown, entry.text)) == before + written(docstring)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_a_module_says_what_it_is_for(module, pages):
    """The docstring of a module stands behind its name; those of the self-checks have no heading of their own."""
    heading = "" if module.__name__.startswith(SELF_CHECKS) else f"{module.__name__}#"
    assert [heading + written(module.__doc__) in shown(page) for page in pages.values()].count(True) == 1


def test_equations_chapters_and_works_are_links(entries, site):
    """Each number of an equation leads to that equation, each chapter to its page, each key to a work of the list."""
    places = {page.name: set(re.findall(r' id="([^"]+)"', page.read_text())) for page in site.rglob("*.html")}
    equations = works = 0
    for name, value in EVERYTHING.items():
        docstring = inspect.unwrap(value).__doc__
        links = [(link.get_text(), *link["href"].rpartition("/")[2].partition("#")[::2])
                 for part in entries[name].text for link in part.select("a.reference")]
        numbers = re.findall(r"\((\d+)\.(\d+)\)", docstring)
        assert Counter((f"({a}.{b})", f"equation-{a}-{b}") for a, b in numbers) == Counter(
            (text, place) for text, page, place in links if place.startswith("equation-"))
        keys = re.findall(CITATION, " ".join(re.findall(rf"\[{CITATION}(?:, {CITATION})*\]", docstring)))
        assert len(keys) == sum(page == "references.html" for _, page, _ in links)
        assert [(page, place) for _, page, place in links if page and place and place not in places[page]] == []
        equations, works = equations + len(numbers), works + len(keys)
    assert equations > 100 and works > 40


def test_chapters_are_links(pages):
    """"chapter 7" leads to chapter 7, in headings, too."""
    found = [(link.get_text(), link["href"]) for page in pages.values() for link in page.select("a[href*=notebooks]")]
    chapters = [(re.match(r"chapter (\d+)$|(\d+)\. ", text), href) for text, href in found]
    numbers = [(int(text[1] or text[2]), int(re.search(r"/(\d+)_", href)[1])) for text, href in chapters if text]
    assert {number for number, _ in numbers} == set(range(1, 15))
    assert [pair for pair in numbers if pair[0] != pair[1]] == []
    for page in pages.values():
        for link in page.select("a[href*=notebooks]"):
            link.decompose()
        assert not re.search(r"chapter \d", page.get_text())


def test_no_markup_shows(pages):
    """Nothing stands on the pages that should have been turned into something else."""
    for page in pages.values():
        assert re.findall(rf"``|:\w+:`|\[{CITATION}|\{{\w+\}}`", page.get_text()) == []


def named(path):
    """What a reader gets who types this path."""
    try:
        return operator.attrgetter(path.removeprefix("camlib."))(camlib)
    except AttributeError:
        return pkgutil.resolve_name(path)


def test_names_in_the_text_lead_to_their_entries(site):
    """Where the course writes ``camlib.`` and a name, the name exists and leads to what the reference says of it."""
    anchors = {id(value): name for name, value in EVERYTHING.items()}
    anchors |= {id(module): f"module-{module.__name__}" for module in MODULES}
    wrong, count = [], 0
    for page in (*site.glob("book/*.html"), *site.glob("notebooks/*.html")):
        for code in BeautifulSoup(page.read_text(), "html.parser").select("article :not(pre, h3) > code"):
            if path := re.match(r"camlib(\.\w+)+", code.get_text()):
                link, count = code.find_parent("a"), count + 1
                if not link or link["href"].partition("#")[2] != anchors.get(id(named(path[0])), path[0]):
                    wrong.append(f"{page.name}: {code.get_text()}")
    assert wrong == []
    assert count > 20
