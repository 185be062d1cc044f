"""What leaves the house: the PDF of the book, the bundle, the links to elsewhere, the workflows, how to cite."""

import json
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup
from pypdf import PdfReader

from book import bundle, pdf

from .browsing import ROOT

CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
PAGES = [TOC["root"], *(chapter["file"] for part in TOC["parts"] for chapter in part["chapters"])]
NOTEBOOKS = [page for page in PAGES if (ROOT / f"{page}.ipynb").exists()]
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))
ELSEWHERE = "https://github.com/jane/maps"


@pytest.fixture(scope="module")
def soups(site):
    return {page: BeautifulSoup((site / f"{page}.html").read_text(), "html.parser") for page in PAGES}


# A book of two pages, built with the course's own settings.

EXTENSIONS = ["sphinx_copybutton", "myst_nb", "jupyter_book", "sphinx_external_toc", "sphinx_book_theme",
              "sphinx_comments", "sphinxcontrib.bibtex", "course_site.citation", "course_site.repository"]


def build(folder, builder="html", citation=CITATION, page="", repository="", hub="", **sphinx):
    """Build the page on citing, with ``page`` behind it, and one small notebook."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    config["sphinx"]["local_extensions"]["course_site"] = str(ROOT / "book")
    assets = ROOT / "book" / "assets"
    config["sphinx"]["config"] |= dict(extensions=EXTENSIONS, html_static_path=[str(assets)]) | sphinx
    config["html"]["favicon"] = str(assets / "favicon.svg")
    config["bibtex_bibfiles"] = [str(ROOT / "book" / "references.bib")]
    theme = config["sphinx"]["config"]["html_theme_options"]
    theme["repository_url"], theme["launch_buttons"]["jupyterhub_url"] = repository, hub
    notebook = dict(cells=[dict(cell_type="markdown", id="a", metadata={}, source="# A map")], nbformat=4,
                    nbformat_minor=5, metadata=dict(kernelspec=dict(name="python3", display_name="Python 3")))
    files = {"_config.yml": yaml.safe_dump(config), "CITATION.cff": yaml.safe_dump(citation),
             "_toc.yml": "{format: jb-book, root: book/cite, chapters: [{file: notebooks/07_cam}]}",
             "book/cite.md": (ROOT / "book" / "cite.md").read_text().replace("{doc}`references`", "") + page,
             "notebooks/07_cam.ipynb": json.dumps(notebook)}
    for name, text in files.items():
        folder.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
        folder.joinpath(name).write_text(text)
    return subprocess.run([Path(sys.executable).with_name("jupyter-book"), "build", "-W", "-n", "--keep-going",
                           "--builder", builder, folder], capture_output=True, text=True)


def built(folder, **options):
    """The two pages of such a book."""
    run = build(folder, **options)
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    return [BeautifulSoup((folder / "_build" / "html" / f"{name}.html").read_text(), "html.parser")
            for name in ("book/cite", "notebooks/07_cam")]


def outside(soup):
    """The links to the outside in the bar above a page: what they say, and where they lead."""
    return {link.get_text(strip=True): link["href"] for link in soup.select(".article-header-buttons a[href^=http]")}


# How to cite

def test_cited_as_the_file_says(soups):
    """The page on citing shows the fields of CITATION.cff, and nothing is left unfilled."""
    page = soups["book/cite"].article.get_text()
    names = [author.get("name") or author["family-names"] for author in CITATION["authors"]]
    for field in (*names, CITATION["title"], CITATION["version"], CITATION["message"]):
        assert field in page
    assert "$" not in page
    assert soups[NOTEBOOKS[6]].h1.get_text().removesuffix("#") in page  # chapter 7


def test_cited_as_another_file_says(tmp_path):
    """Persons and groups, a date of its own, the address: each in its place, for people and for BibTeX."""
    authors = [{"family-names": "Doe", "given-names": "Jane"}, {"name": "The Map Group"}]
    citation = CITATION | {"authors": authors, "date-released": "2031-05-06", "version": "9.8", "title": "Of maps"}
    page, _ = built(tmp_path, citation=citation, repository=ELSEWHERE)
    assert f"Doe, Jane; The Map Group (2031). Of maps (version 9.8) [Software and course]. {ELSEWHERE}" \
        in page.article.get_text()
    bibtex = page.select_one("pre:-soup-contains('@misc')").get_text()
    fields = dict(re.findall(r"^ *(\w+) *= \{(.*)\},?$", bibtex, re.M))
    assert fields == {"author": "Doe, Jane and {The Map Group}", "title": "{Of maps}", "year": "2031",
                      "version": "9.8", "url": ELSEWHERE, "note": "Software and course"}


def test_a_field_that_there_is_not(tmp_path):
    """A page that names a field which CITATION.cff has not is not built."""
    run = build(tmp_path, page="\n```{from-citation}\n$isbn\n```\n")
    assert run.returncode != 0 and "'isbn'" in run.stdout + run.stderr


# The repository

def test_no_address_no_buttons(tmp_path):
    """Without an address nothing above a page leads outside, and no place is left for it."""
    for soup in built(tmp_path):
        assert outside(soup) == {}
        assert soup.select(".dropdown-launch-buttons, .dropdown-source-buttons") == []


def test_the_address_leads_everywhere(tmp_path):
    """With an address a notebook starts on Binder, Colab and a hub; each page leads to its source and to the issues."""
    page, notebook = built(tmp_path, repository=ELSEWHERE, hub="https://hub.org")
    path = "notebooks/07_cam.ipynb"
    assert outside(notebook) == {
        "Binder": f"https://mybinder.org/v2/gh/jane/maps/main?urlpath=lab/tree/{path}",
        "Colab": f"https://colab.research.google.com/github/jane/maps/blob/main/{path}",
        "JupyterHub": "https://hub.org/hub/user-redirect/git-pull?repo=https%3A//github.com/jane/maps"
                      f"&urlpath=lab/tree/maps/{path}&branch=main",
        "Repository": ELSEWHERE,
        "Show source": f"{ELSEWHERE}/blob/main/{path}?plain=1",
        "Open issue": outside(notebook)["Open issue"],
    }
    assert outside(notebook)["Open issue"].startswith(f"{ELSEWHERE}/issues/new?")
    assert set(outside(page)) == {"Repository", "Show source", "Open issue"}
    assert f"git+{ELSEWHERE} " in page.article.get_text()


def test_binder_gets_what_make_installs():
    """Binder's Python is one that the project takes, and its steps are those of the Makefile, less the environment."""
    project = (ROOT / "pyproject.toml").read_text()
    lower, upper = map(int, re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', project).groups())
    assert lower <= int((ROOT / "binder" / "runtime.txt").read_text().removeprefix("python-3.")) < upper
    steps = (ROOT / "binder" / "postBuild").read_text()
    for options in ("--require-hashes -r requirements.txt", "--no-deps --no-build-isolation --editable ."):
        assert options in steps and options in (ROOT / "Makefile").read_text()
    assert (ROOT / "binder" / "postBuild").stat().st_mode & 0o111  # Binder runs it as it is


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_can_be_downloaded(name, site, soups):
    """Each notebook's page gives the committed notebook, byte for byte."""
    links = soups[name].select(".dropdown-download-buttons a")
    link, = (link["href"] for link in links if link.get_text(strip=True) == ".ipynb")
    assert (site / f"{name}.html").parent.joinpath(link).read_bytes() == (ROOT / f"{name}.ipynb").read_bytes()


# Links to the outside

def test_a_broken_link_is_reported(tmp_path):
    """The link check passes a page that is there and fails for one that is not."""
    class Pages(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/good" else 404)
            self.end_headers()

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        home = f"http://127.0.0.1:{server.server_port}"
        runs = [build(tmp_path / str(i), "linkcheck", page=f"\n[A link]({home}/{end})\n",
                      linkcheck_ignore=[f"(?!{home})"])
                for i, end in enumerate(("good", "bad"))]
        server.shutdown()
    assert [run.returncode == 0 for run in runs] == [True, False], runs[0].stdout[-2000:]
    assert "/bad" in runs[1].stdout + runs[1].stderr


# The workflows

def commands(path):
    """What a workflow runs, line by line."""
    jobs = yaml.safe_load(path.read_text())["jobs"].values()
    return [line.strip() for job in jobs for step in job.get("steps", ()) for line in step.get("run", "").splitlines()]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows(path):
    """A workflow is well formed, and what it makes the Makefile can make."""
    checked = subprocess.run([Path(sys.executable).with_name("check-jsonschema"), "--builtin-schema",
                              "vendor.github-workflows", path], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))
    asked = {line.split()[1] for line in commands(path) if line.startswith("make ")}
    assert asked and asked <= targets


def test_nothing_is_published_untested():
    """What is published comes from a job that waits for the tests, and these are the project's own."""
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "publish.yml").read_text())["jobs"]

    def before(name):
        return {name}.union(*(before(need) for need in [jobs[name].get("needs")] if need))

    assert all("test" in before(name) for name in jobs)
    assert jobs["test"]["uses"] == "./.github/workflows/test.yml"
    made = {line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line.startswith("make ")}
    assert made and made <= set(commands(ROOT / ".github" / "workflows" / "test.yml"))


# The bundle

def test_the_same_files_give_the_same_bytes(site, tmp_path):
    """Packed twice, the second time from a copy with other dates, the bundle is the same."""
    first = bundle.write(tmp_path / "a.zip", site)
    shutil.copytree(site, tmp_path / "copy", copy_function=shutil.copyfile)
    assert bundle.write(tmp_path / "b.zip", tmp_path / "copy") == first


def test_the_bundle_opens_from_a_folder(site, tmp_path, browser):
    """Unpacked, it leads from START-HERE to a chapter; every file is there, and everyone may read it."""
    (tmp_path / "book.pdf").write_bytes(b"%PDF-1.4")
    bundle.write(tmp_path / "course.zip", site, tmp_path / "book.pdf")
    with zipfile.ZipFile(tmp_path / "course.zip") as archive:
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o644}
        archive.extractall(tmp_path)
    assert (tmp_path / "course" / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    page, wrong = browser.new_page(), []
    # Leaving a page stops what it still loads: that is no failure.
    page.on("requestfailed", lambda request: "ABORTED" in request.failure or wrong.append(request.url))
    page.on("request", lambda request: request.url.startswith(("file:", "data:")) or wrong.append(request.url))
    page.goto((tmp_path / "course" / "START-HERE.html").as_uri())
    for link in page.locator("a").evaluate_all("links => links.map(link => link.href)"):
        assert Path(urlsplit(link).path).is_file()
    page.click("text=Read the course")
    page.wait_for_url("**/site/book/index.html")
    page.click(".start a")
    page.wait_for_url(f"**/site/{NOTEBOOKS[0]}.html", wait_until="load")
    assert page.locator(".bd-article h1").is_visible() and wrong == []
    page.close()


# The PDF

@pytest.fixture(scope="module")
def book(site):
    return pdf.Book(site)


@pytest.fixture(scope="module")
def printed(site, tmp_path_factory, browser):
    """The whole book, printed."""
    path = tmp_path_factory.mktemp("pdf") / "course.pdf"
    pdf.write(site, path, browser)
    return PdfReader(path)


def test_nothing_is_lost(book, soups):
    """What each page says, the book says; only the marks to click on are gone, and the solutions stand behind."""
    def words(article):
        for tag in article.select("script, .headerlink, .toctree-wrapper, .hide > summary"):
            tag.decompose()
        for tag in article.select("pre"):
            tag.string = tag.get_text()  # its colours are not words
        return sorted(article.get_text(" ").split())

    whole = BeautifulSoup(book.html({}), "html.parser")
    for page in PAGES[1:]:
        article = whole.find("article", id=pdf.place(page))
        if heading := article.find(id=pdf.place(page, "all-solutions")):
            assert not article.select("div.solution ~ :not(div.solution)")
            heading.decompose()
        assert words(article) == words(BeautifulSoup(str(soups[page].article), "html.parser"))


def test_places_in_the_book(book):
    """Each link inside leads to one place, and to one only; none leads to a file of this machine."""
    whole = BeautifulSoup(book.html({}), "html.parser")
    names = Counter(tag["id"] for tag in whole.select("[id]"))
    links = [tag["href"] for tag in whole.select("a[href]")]
    assert [link for link in links if link.startswith("#") and names[link[1:]] != 1] == []
    assert [link for link in links if not link.startswith(("#", "https://", "http://"))] == []


def test_the_book_fits_the_paper(book, tmp_path, browser):
    """On paper nothing is wider than the page, nothing hides or scrolls; all loads, and nothing from outside."""
    page, wrong = browser.new_page(viewport={"width": pdf.WIDTH, "height": 1000}), []
    page.on("requestfailed", lambda request: wrong.append(request.url))
    page.on("request", lambda request: request.url.startswith(("file:", "data:")) or wrong.append(request.url))
    page.emulate_media(media="print")
    (tmp_path / "book.html").write_text(book.html({}))
    page.goto((tmp_path / "book.html").as_uri())
    assert wrong == []
    assert page.evaluate("""() => {
        const shown = (e) => !e.closest("svg, mjx-container") && e.getClientRects().length;
        const all = [...document.querySelectorAll("body *")];
        return all.filter((e) => shown(e) && (e.getBoundingClientRect().right > innerWidth + 1 ||
            e.matches("pre, table, div, p, figure") && e.scrollWidth > e.clientWidth + 2 &&
            getComputedStyle(e).overflowX !== "visible") || e.matches("img") && !e.naturalWidth
            || e.matches("p, pre, img, li, td, figure") && !e.getClientRects().length
        ).map((e) => e.outerHTML.slice(0, 200));
    }""") == []
    page.close()


def test_the_outline_is_the_table_of_contents(printed, book):
    """Each chapter stands in the outline, in order, and begins where the table of contents says."""
    outline = [(entry.title, printed.get_destination_page_number(entry) + 1) for entry in printed.outline
               if not isinstance(entry, list)]
    titles = [" ".join(book.titles[page].split()) for page in PAGES[1:]]
    assert [title for title, _ in outline] == [book.titles[PAGES[0]], "Contents", "About this course", *titles]
    numbers = [number for _, number in outline]
    assert numbers == sorted(set(numbers)) and len(PAGES) * 3 < len(printed.pages) < len(PAGES) * 40
    contents = "\n".join(printed.pages[number].extract_text() for number in range(numbers[1] - 1, numbers[2] - 1))
    for title, number in outline[3:]:
        assert re.search(rf"{re.escape(title)}\s*{number}\b", contents), (title, number)


def test_links_in_the_pdf(printed):
    """Each link inside the PDF leads to a place in it; no link leads to a file of this machine."""
    links = [note.get_object() for page in printed.pages for note in page.get("/Annots", ())]
    inside = [str(link["/Dest"]) for link in links if "/Dest" in link]
    assert len(inside) > 1000 and set(inside) <= set(printed.named_destinations)
    assert all(link["/A"]["/URI"].startswith("http") for link in links if "/Dest" not in link)
    assert printed.trailer["/Root"]["/MarkInfo"]["/Marked"]  # readable by a screen reader
