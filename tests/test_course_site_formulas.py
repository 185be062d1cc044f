"""Formulas and pictures of a little site: drawn for HTML, left alone elsewhere; what is wrong is reported."""

import io

import numpy as np
import pytest
from bs4 import BeautifulSoup
from PIL import Image
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from book.course_site import formulas


@pytest.fixture
def build(tmp_path):
    """Build a page of reStructuredText; return the written page and Sphinx's warnings."""
    def build(text, extension, builder="html"):
        (tmp_path / "index.rst").write_text(f"A page\n======\n\n{text}\n")
        warnings = io.StringIO()
        config = {"extensions": [f"book.course_site.{extension}"], "html_theme": "basic"}
        with docutils_namespace(), patch_docutils(tmp_path):
            Sphinx(tmp_path, None, tmp_path / builder, tmp_path / "doctrees", builder, confoverrides=config,
                   status=None, warning=warnings, freshenv=True).build(force_all=True)
        return next((tmp_path / builder).glob("index.*")), warnings.getvalue()

    return build


@pytest.mark.parametrize("tex", [r"\frac{a", r"\nonsense{a}", r"\begin{split} a", r"a_b_c", r"\left( a"])
def test_what_mathjax_cannot_read_is_reported(tex, build):
    """A warning, which fails the build of the book, names the page, the line and the formula."""
    page, warnings = build(f"Wrong: :math:`{tex}`.", "formulas")
    assert "index.rst:4: WARNING: MathJax cannot read" in warnings and repr(tex) in warnings


def test_formulas_become_html(build):
    """Inline, display, numbered and in lines: letters, fractions and MathML, and the number leads somewhere."""
    page, warnings = build(":math:`x^2` and :eq:`one`\n\n.. math:: \\frac{a}{b}\n   :label: one\n\n"
                           ".. math::\n\n   a &= b \\\\\n   c &= d\n\n   e &= f\n", "formulas")
    soup = BeautifulSoup(page.read_text(), "html.parser")
    assert not warnings and not soup.select("script[src*=athjax]")
    assert [tag.name for tag in soup.select(".math math > *")] == ["msup", "mfrac", "mtable"]
    assert len(soup.select(".math")[2].select("mjx-mtable mjx-mtable mjx-mtr")) == 2
    assert soup.select_one("div.math .eqno").get_text().startswith("(1)")
    assert soup.select_one(soup.select_one("p a[href*=equation]")["href"])["id"] == "equation-one"
    styles = (page.parent / "_static" / "formulas" / "formulas.css").read_text()
    letters = {name for tag in soup.select("mjx-c") for name in tag["class"] if name.startswith("mjx-c")}
    assert letters and all(f".{letter}" in styles for letter in letters)


def test_other_builders_keep_the_tex(build):
    page, warnings = build(r":math:`\frac{a`", "formulas", "text")
    assert r"\frac{a" in page.read_text() and not warnings


def test_a_formula_is_drawn_once():
    """The same formula costs nothing the second time."""
    formulas.draw("a+b=c", False)
    before = formulas.draw.cache_info().hits
    assert formulas.draw("a+b=c", False) is formulas.draw("a+b=c", False)
    assert formulas.draw.cache_info().hits == before + 2


def test_pictures_keep_every_dot(build, tmp_path):
    """Lossless; as large as a fine screen shows; with their place on the page; the first at once, the others later."""
    dots = np.random.default_rng(0).integers(0, 256, (40, 60, 4), np.uint8)
    dots[..., 3] |= 1  # a dot that cannot be seen has no colour to keep
    Image.fromarray(dots).save(tmp_path / "small.png")
    Image.fromarray(dots).resize((3000, 2000)).save(tmp_path / "large.png")
    original = (tmp_path / "small.png").read_bytes()
    page, warnings = build(".. image:: small.png\n\n.. image:: large.png\n", "pictures")
    small, large = BeautifulSoup(page.read_text(), "html.parser").select("img")
    shown = [Image.open(io.BytesIO((page.parent / tag["src"]).read_bytes())) for tag in (small, large)]
    assert not warnings and [picture.format for picture in shown] == ["WEBP", "WEBP"]
    np.testing.assert_array_equal(np.asarray(shown[0]), dots)
    assert shown[1].size == (1472, 981)
    assert [(tag["width"], tag["height"], tag.get("loading")) for tag in (small, large)] \
        == [("60", "40", None), ("3000", "2000", "lazy")]
    assert (tmp_path / "small.png").read_bytes() == original
    assert [file.suffix for file in (page.parent / "_images").iterdir()] == [".webp", ".webp"]
