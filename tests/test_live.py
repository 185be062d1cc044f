"""What holds for every live figure: on one page, small, readable without JavaScript and on paper, usable by keys."""

import gzip
import json

import pytest

from .browsing import ROOT

NAMES = sorted(path.stem for path in (ROOT / "book" / "live").glob("*.js") if path.stem != "live")
PAGES = {name: path.stem for path in ROOT.glob("notebooks/*.ipynb") for name in NAMES
         if f":::{{live}} {name}\\n" in path.read_text()}


def test_there_are_figures():
    """Each figure has data, a script, tests of its numbers, and a place in one chapter."""
    assert len(NAMES) >= 7
    assert sorted(PAGES) == NAMES
    for name in NAMES:
        assert (ROOT / "book" / "live" / f"{name}.py").is_file() and (ROOT / "tests" / f"test_live_{name}.py").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_small(name, site):
    """A figure's data and script weigh at most 150 kB, gzipped."""
    folder = site.parent / "drawings"
    script = (ROOT / "book" / "live" / f"{name}.js").read_bytes()
    assert len(gzip.compress((folder / f"{name}.json").read_bytes() + script)) <= 150_000
    json.loads((folder / f"{name}.json").read_text(), parse_constant=pytest.fail)


@pytest.fixture
def opened(browser, address):
    """Open a figure's page in a new context: ``opened(name, **context)`` is (page, figure)."""
    contexts = []

    def open_page(name, **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.goto(f"{address}/notebooks/{PAGES[name]}.html")
        return page, page.locator(f"#live-{name}")

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("name", NAMES)
def test_without_javascript_and_on_paper(name, opened):
    """The still picture stands in for the widget, with words for those who cannot see it."""
    _, figure = opened(name, java_script_enabled=False)
    still = figure.locator("img.still")
    assert still.is_visible() and len(still.get_attribute("alt")) > 60 and figure.locator("figcaption").is_visible()
    page, figure = opened(name)
    assert figure.locator(".widget").is_visible() and not figure.locator("img.still").is_visible()
    page.emulate_media(media="print")
    assert figure.locator("img.still").is_visible() and not figure.locator(".widget").is_visible()


@pytest.mark.parametrize("name", NAMES)
def test_keys_reach_every_control(name, opened):
    """The tab key visits each control once, a group of radio buttons or a table of cells as one, and leaves again."""
    page, figure = opened(name, viewport={"width": 390, "height": 800})
    wanted = figure.evaluate("""(figure) => {
        const able = [...figure.querySelectorAll(".widget :is(a, button, input, select, summary, [tabindex='0'])")]
            .filter((e) => !e.disabled && e.tabIndex >= 0 && e.checkVisibility());
        const key = (e) => (e.type === "radio" ? "radio " + e.name : e.closest("[role=grid]") ?? e);
        return new Set(able.map(key)).size;
    }""")
    figure.evaluate("(figure) => { figure.tabIndex = -1; figure.focus(); }")
    visited = 0
    while True:
        page.keyboard.press("Tab")
        if not figure.evaluate("(figure) => figure.querySelector('.widget').contains(document.activeElement)"):
            break
        visited += 1
        assert visited <= wanted
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", page.evaluate("document.activeElement.outerHTML")
    assert visited == wanted > 0


@pytest.mark.parametrize("name", NAMES)
def test_fits_a_phone(name, opened):
    """Nothing in the figure is wider than a phone."""
    _, figure = opened(name, viewport={"width": 360, "height": 800})
    wide = figure.evaluate("""(figure) => [...figure.querySelectorAll(".widget, .widget *")]
        .filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 200))""")
    assert wide == []
