"""The built site: complete, self-contained, readable by everyone, at every width.

The book is built once a run. A browser opens every page twice: over http, light, on a
desktop; and as a file, dark, on a phone.
"""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup

from .browsing import ROOT

TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
CHAPTERS = [chapter["file"] for part in TOC["parts"] for chapter in part["chapters"]]
PAGES = [TOC["root"], *CHAPTERS, "search"]
NOTEBOOKS = [page for page in CHAPTERS if (ROOT / f"{page}.ipynb").exists()]

LOOK = """async () => {
    await window.MathJax?.startup?.promise;
    const pictures = [...document.querySelectorAll("main img")];
    return {
        formulas: document.querySelectorAll(".math").length,
        drawn: document.querySelectorAll(".math mjx-container").length,
        wrong: [...document.querySelectorAll("mjx-merror, mjx-mtext[style*='color: red']")].map((e) => e.textContent),
        broken: pictures.filter((p) => !p.complete || !p.naturalWidth).map((p) => p.src),
        painted: pictures.filter((p) => getComputedStyle(p).filter !== "none" ||
            getComputedStyle(p).backgroundColor !== "rgba(0, 0, 0, 0)").map((p) => p.src),
        width: document.documentElement.scrollWidth,
    };
}"""


@pytest.fixture(scope="module")
def soups(site):
    """Every page of the site, parsed, by its path."""
    return {page: BeautifulSoup(page.read_text(), "html.parser") for page in sorted(site.rglob("*.html"))
            if "_static" not in page.parts}


@pytest.fixture(scope="module", params=[(page, way) for page in PAGES for way in ("http", "file")],
                ids=lambda param: " ".join(param))
def visit(request, site, address, browser):
    """What a browser saw on one page."""
    from axe_playwright_python.sync_playwright import Axe

    name, way = request.param
    home, scheme, width = (address, "light", 1280) if way == "http" else (site.as_uri(), "dark", 380)
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
    page = context.new_page()
    requests, complaints = [], []
    page.on("request", lambda r: requests.append(r.url))
    page.on("requestfailed", lambda r: complaints.append(f"failed: {r.url}"))
    page.on("response", lambda r: r.status >= 400 and complaints.append(f"{r.status}: {r.url}"))
    page.on("console", lambda m: m.type == "error" and complaints.append(m.text))
    page.on("pageerror", lambda e: complaints.append(str(e)))
    page.goto(f"{home}/{name}.html")
    look = SimpleNamespace(**page.evaluate(LOOK))
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    # Copies, because axe below makes requests of its own.
    seen = SimpleNamespace(home=home, width=width, look=look, requests=list(requests), complaints=list(complaints))
    seen.violations = [f"{v['id']}: {node['html'][:200]}" for v in Axe().run(page).response["violations"]
                       for node in v["nodes"]]
    context.close()
    return seen


def test_nothing_comes_from_outside(visit):
    """A page asks no other host for anything."""
    assert [url for url in visit.requests if not url.startswith((visit.home + "/", "data:", "blob:"))] == []


def test_no_errors(visit):
    """A page loads without an error in the browser's console and without a missing file."""
    assert visit.complaints == []


def test_formulas_are_drawn(visit):
    """MathJax draws every formula and understands each."""
    assert (visit.look.drawn, visit.look.wrong) == (visit.look.formulas, [])


def test_pictures_show(visit):
    """Every picture loads, and the theme paints nothing over or under it, in light and dark."""
    assert (visit.look.broken, visit.look.painted) == ([], [])


def test_accessible(visit):
    """axe finds no barrier, on a light desktop and on a dark phone."""
    assert visit.violations == []


def test_fits_the_screen(visit):
    """No page scrolls sideways, down to a phone 380 pixels wide."""
    assert visit.look.width <= visit.width


def test_search_finds(address, browser):
    """The search finds the word "logit"."""
    page = browser.new_page()
    page.goto(f"{address}/search.html?q=logit")
    page.wait_for_selector("#search-results li a", timeout=10_000)
    page.close()


def test_every_picture_has_its_own_words(soups):
    """Each picture in the text has an alternative text that no other picture has."""
    alts = [(img.get("alt") or "").strip() for soup in soups.values() for img in soup.select("article img")]
    assert alts, "no picture found: the test looks in the wrong place"
    assert [alt for alt in alts if not alt or alts.count(alt) > 1 or re.fullmatch(r"\S*\.(png|svg|jpe?g)", alt)] == []


def test_links_lead_somewhere(site, soups):
    """Every link inside the site leads to a file that exists, and every anchor to a place in it."""
    places = {page: {tag[key] for tag in soup.find_all(True) for key in ("id", "name") if tag.get(key)} | {""}
              for page, soup in soups.items()}
    broken = []
    for page, soup in soups.items():
        links = [tag.get("href") or tag.get("src") for tag in soup.select("[href], [src]")]
        links += [tag["content"].split("url=")[1] for tag in soup.select("meta[http-equiv=Refresh]")]
        for link in filter(None, links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            if not target.is_file() or (target in places and unquote(parts.fragment) not in places[target]):
                broken.append(f"{page.relative_to(site)}: {link}")
    assert broken == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_equations_are_numbered_in_order(name, soups, site):
    """A chapter's equations are numbered 7.1, 7.2, ... in the notebook, and the page shows the same numbers; the museum has none."""
    cells = json.loads((ROOT / f"{name}.ipynb").read_text())["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    written = re.findall(r"\$\$ *\((\d+\.\d+)\)", text)
    chapter = re.match(r"\d+", Path(name).name)
    assert written == [f"{int(chapter[0])}.{i}" for i in range(1, len(written) + 1)] if chapter else not written
    shown = [tag.get_text() for tag in soups[site / f"{name}.html"].select(".eqno")]
    assert [number.strip("()#") for number in shown] == written
