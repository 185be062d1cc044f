"""Prints the whole book into one PDF: ``python -m book.pdf _build/html _build/course.pdf``.

The built pages are laid one behind the other and a browser prints them, so that the PDF holds what the site holds.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml
from bs4 import BeautifulSoup
from pypdf import PdfReader

from tests.browsing import CHROMIUM, chromium

ROOT = Path(__file__).parents[1]
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())
FOOTER = """<div style="width: 100%; padding: 0 20mm; font: 8px sans-serif; color: #4a5563; display: flex">
<span class="title" style="flex: 1"></span><span class="pageNumber"></span></div>"""
WIDTH = 803  # CSS pixels in a line: A4, less the margins, divided by the scale
PAPER = dict(format="A4", print_background=True, outline=True, tagged=True, display_header_footer=True,
             header_template="<span></span>", footer_template=FOOTER, scale=0.8,
             margin=dict(top="16mm", bottom="18mm", left="20mm", right="20mm"))


def place(page, anchor=""):
    """The name of a place in the one long page: ids of different pages must not meet."""
    return page.replace("/", "-") + (f"--{anchor}" if anchor else "")


class Book:
    """The pages of a built site as one page of HTML."""

    def __init__(self, site):
        self.site = site.resolve()
        self.parts = [(part["caption"], [chapter["file"] for chapter in part["chapters"]]) for part in TOC["parts"]]
        self.pages = [TOC["root"], *(page for _, pages in self.parts for page in pages)]
        self.soups = {page: BeautifulSoup((self.site / f"{page}.html").read_text(), "html.parser")
                      for page in self.pages}
        self.articles = {page: self.article(page) for page in self.pages}
        self.titles = {page: article.h1.get_text() for page, article in self.articles.items()}
        self.front = self.cover()

    def article(self, page):
        """The text of one page: nothing folded, nothing to click but links, names that no other page has."""
        article = self.soups[page].select_one("article.bd-article")
        for tag in article.select("script, .headerlink, .toctree-wrapper, .hide > summary, .sd-summary-state-marker"):
            tag.decompose()
        for tag in article.select("details.hide"):
            tag.unwrap()
        for tag in article.select("details"):
            tag.name = "div"
        for tag in article.select("summary"):
            tag.name = "p"
        for tag in article.select("pre"):
            tag.string = tag.get_text()  # prints in one colour, and each coloured word would be an object of the PDF
        for tag in article.select("[id]"):
            tag["id"] = place(page, tag["id"])
        for tag in article.select("img"):
            tag["src"] = self.address(page, tag["src"])
            del tag["loading"], tag["srcset"]
        for tag in article.select("a[href]"):
            self.relink(page, tag)
        article["id"] = place(page)
        self.solutions_last(page, article)
        return article

    def address(self, page, link):
        """The full address of a file that a page uses."""
        return (self.site / page).parent.joinpath(unquote(urlsplit(link).path)).resolve().as_uri()

    def relink(self, page, tag):
        """Lead a link to its place in the book; one to a file of the site has none and becomes plain text."""
        parts = urlsplit(tag["href"])
        if parts.scheme:
            return
        target = (self.site / page).parent.joinpath(unquote(parts.path)).resolve() if parts.path else None
        names = {self.site / f"{name}.html": name for name in self.pages} | {None: page}
        if target in names:
            tag["href"] = f"#{place(names[target], unquote(parts.fragment))}"
        else:
            tag.unwrap()

    def solutions_last(self, page, article):
        """Move the solutions behind the chapter, so that nobody reads one by accident."""
        if solutions := article.select("div.solution"):
            heading = BeautifulSoup(f'<h2 id="{place(page, "all-solutions")}">Solutions</h2>', "html.parser")
            article.extend([heading, *(solution.extract() for solution in solutions)])

    def stylesheets(self):
        """Every stylesheet of every page, once."""
        links = dict.fromkeys(self.address(page, tag["href"]) for page, soup in self.soups.items()
                              for tag in soup.select("link[rel=stylesheet]"))
        return "".join(f'<link rel="stylesheet" href="{link}">' for link in links)

    def cover(self):
        """The title page, from the start page's own title, lead and picture."""
        start = self.articles[TOC["root"]]
        title, lead, picture = (start.select_one(name).extract() for name in ("h1", ".lead", "img"))
        start.insert(0, BeautifulSoup("<h1>About this course</h1>", "html.parser"))
        by = f"<p>{', '.join(author['name'] for author in CITATION['authors'])}<br>Version {CITATION['version']}</p>"
        return f'<section class="cover">{title}{lead}{picture}{by}</section>'

    def contents(self, numbers):
        """The table of contents; ``numbers`` are the page numbers, once they are known."""
        def line(page):
            return (f'<li><a href="#{place(page)}">{self.titles[page]}</a>'
                    f'<span>{numbers.get(place(page), "")}</span></li>')

        parts = "".join(f"<p>{caption}</p><ul>{''.join(map(line, pages))}</ul>" for caption, pages in self.parts)
        return f'<section class="contents"><h1>Contents</h1>{parts}</section>'

    def html(self, numbers):
        """The whole book."""
        title = self.titles[TOC["root"]]
        return (f'<!DOCTYPE html><html lang="en" data-theme="light" data-mode="light"><head><meta charset="utf-8">'
                f'<title>{title}</title>{self.stylesheets()}</head><body class="book">'
                f'<main class="bd-main"><div class="bd-content"><div class="bd-article-container">'
                f'{self.front}{self.contents(numbers)}{"".join(map(str, self.articles.values()))}'
                f'</div></div></main></body></html>')


def numbers_in(pdf):
    """On which page, counted from 1, each named place of a PDF is."""
    reader = PdfReader(pdf)
    return {name.removeprefix("/"): reader.get_destination_page_number(there) + 1
            for name, there in reader.named_destinations.items()}


def write(site, target, browser):
    """Print the book twice: the first print tells the page numbers for the table of contents."""
    book, page, numbers = Book(site), browser.new_page(), {}
    page.set_default_timeout(600_000)
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(2):
            Path(folder, "book.html").write_text(book.html(numbers))
            page.goto(Path(folder, "book.html").as_uri())
            page.pdf(path=target, **PAPER)
            numbers = numbers_in(target)
    page.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", type=Path, help="the folder of the built site")
    parser.add_argument("target", type=Path, help="the PDF to write")
    asked = parser.parse_args()
    if not CHROMIUM:
        sys.exit("The PDF is printed by Chromium, and there is none: install the package 'chromium'.")
    with chromium() as browser:
        write(asked.site, asked.target, browser)
    print(f"{asked.target}: {len(PdfReader(asked.target).pages)} pages, {asked.target.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
