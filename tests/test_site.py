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

from benchmarks.site import packed

from .browsing import ROOT

TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
CHAPTERS = [chapter["file"] for part in TOC["parts"] for chapter in part["chapters"]]
PAGES = [TOC["root"], *CHAPTERS, "search"]
NOTEBOOKS = [page for page in CHAPTERS if (ROOT / f"{page}.ipynb").exists()]

LOOK = """async () => {
    const pictures = [...document.querySelectorAll("main img")];
    await Promise.all(pictures.map((p) => { p.loading = "eager"; return p.decode().catch(() => {}); }));
    await document.fonts.ready;
    const letters = [...document.querySelectorAll(".math mjx-c")];
    const fonts = [...document.fonts].filter((font) => font.family.includes("MJX"));
    return {
        formulas: document.querySelectorAll(".math").length,
        drawn: document.querySelectorAll(".math mjx-math[aria-hidden] + mjx-assistive-mml math").length,
        empty: letters.filter((e) => !/^"./.test(getComputedStyle(e, "::before").content)).map((e) => e.className),
        fonts: fonts.filter((font) => font.status === "loaded").length,
        raw: [...document.querySelectorAll("main :is(p, li, td)")].map((e) => e.innerText)
            .filter((text) => /\\\\[([]|\\$\\$|\\\\(frac|sum|begin)\\b/.test(text)),
        text: document.querySelector("main").innerText,
        broken: pictures.filter((p) => !p.complete || !p.naturalWidth).map((p) => p.src),
        painted: pictures.filter((p) => !p.closest(".widget") && (getComputedStyle(p).filter !== "none" ||
            getComputedStyle(p).backgroundColor !== "rgba(0, 0, 0, 0)")).map((p) => p.src),
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
    """Every formula is drawn, each letter of it from a font that loads, and again in MathML for screen readers."""
    assert_formulas_are_drawn(visit.look)


def assert_formulas_are_drawn(look):
    assert (look.drawn, look.empty, look.raw) == (look.formulas, [], [])
    assert look.fonts or not look.formulas


def test_pictures_show(visit):
    """Every picture loads, and the theme paints nothing over or under it, in light and dark."""
    assert (visit.look.broken, visit.look.painted) == ([], [])


def test_accessible(visit):
    """axe finds no barrier, on a light desktop and on a dark phone."""
    assert visit.violations == []


def test_fits_the_screen(visit):
    """No page scrolls sideways, down to a phone 380 pixels wide."""
    assert visit.look.width <= visit.width


@pytest.mark.parametrize("name", PAGES)
def test_readable_without_scripts(name, visit_without_scripts):
    """With JavaScript switched off a page shows its text, formulas and pictures, in the course's colours."""
    look = visit_without_scripts(name)
    assert_formulas_are_drawn(look)
    assert (look.broken, look.painted, look.theme) == ([], [], "light")
    assert name == "search" or len(look.text) > 500


@pytest.fixture
def visit_without_scripts(address, browser):
    """What a browser without JavaScript sees on a page."""
    context = browser.new_context(java_script_enabled=False)

    def visit(name):
        page = context.new_page()
        page.goto(f"{address}/{name}.html")
        return SimpleNamespace(**page.evaluate(LOOK), theme=page.evaluate("document.documentElement.dataset.theme"))

    yield visit
    context.close()


def test_light(visit, site):
    """A page and everything that it loads down to its end is 1.5 MB at most, gzipped."""
    files = {unquote(urlsplit(url).path.removeprefix(urlsplit(visit.home).path)).lstrip("/") for url in visit.requests
             if url.startswith(visit.home)}
    assert len(files) > 10, "the test counts too little"
    assert sum(len(packed(site / file)) for file in files) <= 1.5e6


def test_icons_come_from_the_small_font(visit):
    """Every icon on a page is in the font that was cut out for the site: the large one is not loaded."""
    assert [url for url in visit.requests if "fa-solid" in url] == []


USES = {"copybutton": "div.highlight", "togglebutton": ".dropdown, .toggle", "sphinx-design": "[class*='sd-']",
        "formulas": ".math"}


def test_pages_load_what_they_use(soups):
    """A page loads the scripts and styles of copy buttons, folded parts, tabs and formulas if it has such, else not."""
    wrong = [(page.name, file) for page, soup in soups.items() if soup.select("main") for file, things in USES.items()
             if bool(soup.select(f"script[src*={file}], link[href*={file}]"))
             != any(soup.select(f".bd-article {thing}") for thing in things.split(", "))]
    assert wrong == []


def test_nothing_is_carried_along(site):
    """The site has no source maps, no large script of icons and no MathJax."""
    assert [path.name for path in site.rglob("*") if re.search(r"\.map$|fontawesome\.js$|tex-.*\.js$", path.name)] == []


def test_colours_do_not_wait_for_the_theme(address, browser):
    """A page is dark from its first moment for a reader who likes it dark: the theme's own script comes too late."""
    page = browser.new_page(color_scheme="dark")
    page.route("**/pydata-sphinx-theme.js*", lambda route: route.abort())
    page.goto(f"{address}/book/index.html")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.close()


def test_buttons_work(address, browser):
    """Theme switch, search dialog, copy button and folded solutions do what they did."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, permissions=["clipboard-read"])
    page = context.new_page()
    page.goto(f"{address}/notebooks/07_cam.html")
    themes = set()
    for _ in range(3):
        page.click(".theme-switch-button:visible")
        themes.add(page.evaluate("document.documentElement.dataset.mode"))
    assert themes == {"auto", "dark", "light"}
    page.keyboard.press("Control+k")
    assert page.locator("#pst-search-dialog").is_visible()
    page.keyboard.press("Escape")
    cell = page.locator("div.highlight:has(.copybtn)").first
    cell.hover()
    cell.locator(".copybtn").click()
    assert page.evaluate("navigator.clipboard.readText()").strip() == cell.locator("pre").inner_text().strip()
    folded = page.locator(".admonition.dropdown").first
    before = folded.bounding_box()["height"]
    folded.locator("button").click()
    assert folded.bounding_box()["height"] > before
    context.close()


def test_keys_alone_reach_the_text(address, browser):
    """The first Tab shows the way past the menus, Enter takes it, and the next Tab is in the text."""
    page = browser.new_page()
    page.goto(f"{address}/notebooks/07_cam.html")
    page.keyboard.press("Tab")
    assert page.locator(":focus").text_content().strip() == "Skip to main content"
    assert page.locator(":focus").bounding_box()["y"] >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")
    page.close()


def test_nothing_moves_for_those_who_ask(address, browser):
    """With reduced motion no part of a page is animated and no change takes time."""
    moving = """[...document.querySelectorAll("*")].filter((e) => {
        const style = getComputedStyle(e);
        return style.animationName !== "none" || style.scrollBehavior === "smooth" ||
            style.transitionDuration.split(", ").some((time) => parseFloat(time) > 0);
    }).length"""
    still, lively = (browser.new_page(reduced_motion=wish) for wish in ("reduce", "no-preference"))
    for page in (still, lively):
        page.goto(f"{address}/notebooks/07_cam.html")
    assert still.evaluate(moving) == 0 < lively.evaluate(moving)
    still.close()
    lively.close()


@pytest.mark.parametrize("way", ["http", "file"])
def test_search_finds(way, site, address, browser):
    """The search finds the word "logit", on a server and in a folder, without an error."""
    page = browser.new_page()
    complaints = []
    page.on("console", lambda m: m.type == "error" and complaints.append(m.text))
    page.on("pageerror", lambda e: complaints.append(str(e)))
    page.goto(f"{address if way == 'http' else site.as_uri()}/search.html?q=logit")
    page.wait_for_function("document.querySelectorAll('#search-results li a').length > 5", timeout=10_000)
    page.wait_for_timeout(500)  # excerpts come later than links
    assert complaints == []
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
    """A chapter's equations are numbered 7.1, 7.2, ... in notebook and page; the museum has none."""
    cells = json.loads((ROOT / f"{name}.ipynb").read_text())["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    written = re.findall(r"\$\$ *\((\d+\.\d+)\)", text)
    chapter = re.match(r"\d+", Path(name).name)
    assert written == [f"{int(chapter[0])}.{i}" for i in range(1, len(written) + 1)] if chapter else not written
    shown = [tag.get_text() for tag in soups[site / f"{name}.html"].select(".eqno")]
    assert [number.strip("()#") for number in shown] == written
