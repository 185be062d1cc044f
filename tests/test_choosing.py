"""Chapter 14: what its equations say holds, for any numbers; and the FAQ's links lead to running code."""

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from myst_parser.mdit_to_docutils.base import default_slugify

import camlib
from camlib.cam import class_activation_maps
from camlib.cnn import softmax
from camlib.runtime import keras

BOOK = Path(__file__).parents[1] / "book"
CHAPTER = BOOK.parent / "notebooks" / "14_choosing.ipynb"
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#([^)\s]+))?\)")
DECIMAL = re.compile(r"\d\.\d{2,3}\b")
FENCE = re.compile(r"^(`{3,}|:{3,}).*?^\1\s*$", re.M | re.S)


# -- the equations -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(small):
    """A little network with an average and one Dense layer, random biases included."""
    return small(keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(4))


@pytest.fixture(scope="module")
def asked(model, pictures):
    """Maps A, logits, W and b of the little network, and the weights u of a question."""
    look = camlib.Probe(model)
    return *look.forward(pictures), *look.head(), np.array([0.5, -1.0, 2.0, -1.5])


def weighted(u):
    """The target S_u, equation (14.1), as a function of the logits."""
    return lambda logits: keras.ops.sum(logits * u.astype("float32"), axis=1)


@pytest.mark.equation("14.1")
def test_a_question_is_a_weighted_sum_of_logits(model, asked, pictures):
    """The score that the probe differentiates is the sum, written as a loop; a class is a row with a single 1.

    (14.1) A question is a weighted sum of logits.
    """
    A, logits, W, b, u = asked
    loop = [sum(u[c] * row[c] for c in range(4)) for row in logits]
    np.testing.assert_allclose(camlib.Probe(model).scores(logits, weighted(u)), loop, rtol=1e-4, atol=1e-5)
    one = np.eye(4)[2]
    np.testing.assert_allclose(camlib.grad_cam(model, pictures, weighted(one)),
                               camlib.grad_cam(model, pictures, 2), atol=1e-6)


@pytest.mark.equation("14.2")
def test_maps_mix_as_logits_do(model, asked, pictures):
    """Grad-CAM of S_u, times Z, is the same mixture of CAMs; its mean and the mixed biases give S_u.

    (14.2) The map of a question is the same weighted sum of the classes' maps, and its law holds.
    """
    A, logits, W, b, u = asked
    Z = A.shape[1] * A.shape[2]
    mixed = sum(u[c] * camlib.class_activation_map(model, pictures, c) for c in range(4))
    library = Z * camlib.grad_cam(model, pictures, weighted(u))
    np.testing.assert_allclose(library, mixed, atol=1e-4 * np.abs(mixed).max())
    np.testing.assert_allclose(mixed.mean((1, 2)) + u @ b, logits @ u, atol=1e-4)


@pytest.mark.equation("14.2")
def test_a_cell_of_the_mixture_is_worth_what_it_says(model, asked, pictures):
    """Independent of gradients and of W: erase one cell, and S_u falls by M_u / Z."""
    A, logits, W, b, u = asked
    M = class_activation_maps(A, W) @ u
    for i, j in ((0, 0), (3, 2), (7, 5)):
        erased = A.copy()
        erased[:, i, j] = 0
        fall = logits @ u - camlib.Probe(model).logits_from(pictures, erased) @ u
        np.testing.assert_allclose(fall, M[:, i, j] / M[0].size, atol=1e-4)


@pytest.mark.equation("14.3")
@pytest.mark.parametrize("scale", [1e-3, 0.5, 7.0, 1e4])
def test_a_stretched_map_has_lost_its_size(scale):
    """N(sM) = N(M), and N is max(M, 0) over the maximum, cell by cell; a map without a positive value is zero.

    (14.3) A map stretched to its own maximum has lost its size.
    """
    M = np.random.default_rng(0).normal(size=(3, 5, 4))
    by_hand = [[[max(v, 0) / one.max() for v in row] for row in one] for one in M]
    np.testing.assert_allclose(camlib.normalize_map(M, "relu"), by_hand, rtol=1e-5)
    np.testing.assert_allclose(camlib.normalize_map(scale * M, "relu"), camlib.normalize_map(M, "relu"), rtol=1e-5)
    assert not camlib.normalize_map(-np.abs(M) * scale, "relu").any()


@pytest.mark.equation("14.4")
def test_the_average_map_can_be_anything(asked):
    """With v = -mean of W the maps of all classes add up to zero, no probability changes, comparisons stay.

    (14.4) With a suitable common vector the maps of all classes add up to zero, and no answer changes.
    """
    A, logits, W, b, u = asked
    v = -W.mean(1)
    before, after = class_activation_maps(A, W), class_activation_maps(A, W + v[:, None])
    scale = np.abs(before).max()
    assert np.abs(before.sum(3)).max() > 0.1 * scale  # otherwise there is nothing to lose
    np.testing.assert_allclose(after.sum(3), 0, atol=1e-5 * scale)
    np.testing.assert_allclose(softmax(after.mean((1, 2)) + b), softmax(before.mean((1, 2)) + b), atol=1e-5)
    assert abs(u.sum()) < 1e-12
    np.testing.assert_allclose(after @ u, before @ u, atol=1e-4 * scale)


# -- the FAQ -----------------------------------------------------------------------------------------


def slugs(text):
    """(slug, level, start, end) of each heading of a Markdown text, code and directives aside."""
    hidden = FENCE.sub(lambda found: re.sub(r"[^\n]", "x", found[0]), text)
    found = []
    for heading in re.finditer(r"^(#{1,6}) +(.+?) *$", hidden, re.M):
        slug, n, taken = default_slugify(heading[2].replace("`", "")), 1, [s for s, *_ in found]
        while slug in taken:
            slug, n = f"{slug}-{n}", n + 1
        found.append((slug, len(heading[1]), heading.start(), heading.end()))
    return found


def as_text(path):
    """A page as text; of a notebook the text cells, with each code cell as a fenced block."""
    if path.suffix == ".md":
        return path.read_text()
    cells = nbformat.read(path, as_version=4).cells
    return "\n\n".join(c.source if c.cell_type == "markdown" else f"```python\n{c.source}\n```" for c in cells)


def problem(page, target, anchor=None, code=True):
    """Why a link on a page leads nowhere or, if ``code`` is asked for, to none; None if all is well."""
    path = (page.parent / target).resolve()
    if not path.is_file():
        return f"{target}: no such file"
    if anchor is None:
        return None
    text = as_text(path)
    headings = [h for h in slugs(text) if h[1] <= 3]  # myst_heading_anchors
    here = [h for h in headings if h[0] == anchor]
    if not here:
        return f"{target}: no heading #{anchor}"
    if not code:
        return None
    _, level, _, start = here[0]
    end = min((h[2] for h in headings if h[2] >= start and h[1] <= level), default=len(text))
    return None if "```python" in text[start:end] else f"{target}#{anchor}: no code below it"


def entries():
    """The questions of the FAQ, each with its answer."""
    parts = re.split(r"^### (.+)$", (BOOK / "faq.md").read_text(), flags=re.M)
    return [(question, re.split(r"^## ", answer, flags=re.M)[0])
            for question, answer in zip(parts[1::2], parts[2::2], strict=True)]


def test_enough_questions_each_once():
    """At least 25 questions, no two alike."""
    questions = [question for question, _ in entries()]
    assert len(questions) >= 25 and len(set(questions)) == len(questions)


@pytest.mark.parametrize("question, answer", entries(), ids=[question for question, _ in entries()])
def test_each_answer_leads_to_running_code(question, answer):
    """One to four sentences or so, and links: all lead somewhere, at least one to a section with code."""
    links = LINK.findall(answer)
    assert links and any(anchor for _, anchor in links), "an answer without a link to a section"
    assert [found for target, anchor in links if (found := problem(BOOK / "faq.md", target, anchor or None))] == []
    assert len(answer.split()) <= 110


def printed(path):
    """All that the code cells of a notebook have printed, as one text."""
    cells = nbformat.read(path, as_version=4).cells
    return "".join(out.get("text", "") for cell in cells for out in cell.get("outputs", []))


def not_printed(text, *paths):
    """The numbers with two or three decimals in a text that none of the notebooks prints."""
    there = set(DECIMAL.findall("".join(map(printed, paths))))
    return [number for number in DECIMAL.findall(text) if number not in there]


def test_the_numbers_of_an_answer_are_printed_where_it_leads():
    """Some answers hold decimals; each of them is in the output of a notebook that the answer links to."""
    texts = {text: [BOOK / target for target, _ in LINK.findall(text) if target.endswith(".ipynb")]
             for _, text in entries() if DECIMAL.search(text)}
    assert texts and [wrong for text, paths in texts.items() for wrong in not_printed(text, *paths)] == []


def test_the_verdict_on_guided_backpropagation_says_what_the_cell_prints():
    """Claim 7 gives both sides: how alike the two pictures are, and where their peaks lie."""
    cells = nbformat.read(CHAPTER, as_version=4).cells
    n = next(i for i, cell in enumerate(cells) if "### Claim 8" in cell.source)
    verdict, lines = cells[n].source.split("### Claim 8")[0], cells[n - 1].outputs[0].text.splitlines()
    said = DECIMAL.findall(verdict)
    assert [said[0], *said[1:3], said[-1]] == [DECIMAL.search(line)[0] for line in lines[:4]]


def test_every_link_of_the_chapter_leads_somewhere():
    """The headings and files that chapter 14 links to exist, in the chapter and in others."""
    chapter = as_text(CHAPTER)
    own = {slug for slug, level, *_ in slugs(chapter) if level <= 3}
    assert set(re.findall(r"\]\(#([^)\s]+)\)", chapter)) <= own
    links = [link for link in LINK.findall(chapter) if link[0].endswith((".ipynb", ".md"))]
    assert len(links) > 10
    assert [found for target, anchor in links if (found := problem(CHAPTER, target, anchor or None, code=False))] == []


def test_the_reader_of_links_finds_what_is_wrong(tmp_path):
    """A missing file, a missing heading, a section without code, and a heading inside code are all noticed."""
    page, good = tmp_path / "page.md", "# One\n\n## Two: `x`, and more\n\n```python\n# Four\n```\n\n## Three\n\ntext\n"
    (tmp_path / "good.md").write_text(good)
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A\n\n## B\n\ntext\n\n## C"),
                                         nbformat.v4.new_code_cell("1 + 1")])
    nbformat.write(nb, tmp_path / "good.ipynb")
    right = [("good.md", "one"), ("good.md", "two-x-and-more"), ("good.md", None), ("good.ipynb", "a"),
             ("good.ipynb", "c")]
    assert [problem(page, *link) for link in right] == [None] * 5
    assert problem(page, "good.md", "three", code=False) is None
    for link, why in ((("gone.md", None), "no such file"), (("good.md", "four"), "no heading"),
                      (("good.md", "Two"), "no heading"), (("good.md", "three"), "no code"),
                      (("good.ipynb", "b"), "no code"), (("good.ipynb", "d"), "no heading")):
        assert why in problem(page, *link)
