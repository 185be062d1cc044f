"""The page on every architecture of Keras: complete, and true for one small network of each family."""

import pytest

from . import architectures

# One network of each family, the cheap ones, and every kind of refusal. The rest takes minutes: `make architectures`.
SMALL = ("MobileNet", "MobileNetV3Small", "EfficientNetB0", "ResNet50", "VGG16", "Xception", "ConvNeXtTiny")


@pytest.fixture(scope="module")
def text():
    """The page as it is committed."""
    return architectures.PAGE.read_text()


@pytest.fixture(scope="module")
def found(text):
    """The rows of the small networks, made again by a process of their own: {constructor: row}."""
    sizes = [int(architectures.table(text)[name]["Input"].split()[0]) for name in SMALL]
    return {row["name"]: row for row in architectures.answers(SMALL, sizes)}


def test_every_constructor_is_listed(text):
    """The table has the constructors of the installed Keras, all of them and no other."""
    listed, there = list(architectures.table(text)), list(architectures.constructors())
    assert len(there) > 30
    assert listed == there, "another Keras than the page's: run `make architectures`"


def test_the_numbers_above_the_table(text):
    """The page counts its own rows."""
    rows = list(architectures.table(text).values())
    works, exact = sum(r["Grad-CAM"] == "✓" for r in rows), sum(r["CAM"] == "exact" for r in rows)
    assert f"Grad-CAM works in {works} of {len(rows)}," in text
    assert f"CAM is exact in {exact} of these." in text
    assert f"In the other {works - exact} of these" in text


@pytest.mark.parametrize("name", SMALL)
def test_the_row_is_what_camlib_finds(text, found, name):
    """Layer, maps, and exact CAM or the reason against it are those of the page."""
    exact = len(architectures.COLUMNS) - 2  # behind it the digits, which another machine may round otherwise
    there = list(architectures.table(text)[name].values())
    assert architectures.line(found[name])[:exact] == there[:exact], "run `make architectures`"


@pytest.mark.equation("7.6")
@pytest.mark.equation("8.3")
@pytest.mark.parametrize("name", SMALL)
def test_cam_is_exact_where_the_head_is_affine(found, name):
    """The head is affine in the maps, or CAM is refused; where it is exact, both laws hold, with a bias that counts."""
    row = found[name]
    assert (row["bend"] < 1e-4) == (row["cam"] == "exact")
    if row["cam"] != "exact":
        assert row["bend"] > 0.01
        return
    assert max(row["law"], row["gap"]) <= 1e-4
    assert min(row["bias"], row["spread"]) > 0.01


def test_the_page_is_written_from_its_rows(found):
    """What the page says of a row can be read back from its table."""
    rows = list(found.values())
    table = architectures.table(architectures.page(rows))
    assert [list(cells.values()) for cells in table.values()] == [architectures.line(row) for row in rows]
