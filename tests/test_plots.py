"""Figures show what they are given: one scale for all maps, zero in the middle, boxes where they are."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

from camlib import plots


@pytest.fixture(autouse=True)
def style():
    """The course's style for one test, on no screen; every figure is closed."""
    matplotlib.use("Agg")
    with matplotlib.rc_context():
        plots.use_style()
        yield
    plt.close("all")


@pytest.fixture
def pictures():
    """An image, a small map and a strong one."""
    rng = np.random.default_rng(0)
    return [rng.random((8, 10, 3)), rng.normal(size=(4, 5)), np.array([[1.0, -7.0], [2.0, 3.0]])]


def test_the_style_reads_on_any_page(pictures):
    """The figure's ground is transparent: drawn to pixels, its corners let the page through."""
    figure = plots.show(pictures)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())
    assert (pixels[[0, 0, -1, -1], [0, -1, 0, -1], 3] == 0).all()
    assert (pixels[..., 3] == 255).any()


def test_all_maps_share_one_symmetric_scale(pictures):
    """Every map runs from minus to plus the largest magnitude of all, or the limit that is asked for."""
    for limit, expected in ((None, 7), (2.5, 2.5)):
        axes = plots.show(pictures, limit=limit).axes
        assert [axes[i].images[0].get_clim() for i in (1, 2)] == [(-expected, expected)] * 2
        np.testing.assert_array_equal(axes[2].images[0].get_array(), pictures[2])


def test_pictures_titles_and_unit(pictures):
    """Each picture has its title; images are shown as they are; the colour bar names the unit."""
    figure = plots.show(pictures, ["image", "map", "strong"], unit="logit per cell")
    assert [axis.get_title() for axis in figure.axes[:3]] == ["image", "map", "strong"]
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), pictures[0])
    assert figure.axes[3].get_ylabel() == "logit per cell"


def test_images_alone_have_no_colour_bar(pictures):
    """Without a map there is no scale to name; a map of zeros has one all the same."""
    assert len(plots.show(pictures[:1]).axes) == 1
    assert plots.show([np.zeros((3, 3))]).axes[0].images[0].get_clim() == (-1, 1)


def test_rows_and_columns(pictures):
    """Three pictures in two columns fill two rows; the empty place stays empty."""
    axes = plots.show(pictures, columns=2).axes
    assert [len(axis.images) for axis in axes[:4]] == [1, 1, 1, 0]
    assert not any(axis.axison for axis in axes[:4])


def test_boxes_outline_their_pixels(pictures):
    """A box x0 y0 x1 y1 is drawn along the edges of its pixels, whose centres are whole numbers; colours differ."""
    axis = plots.show(pictures[:1], boxes=[[(2, 1, 5, 7), (0, 0, 1, 1)]]).axes[0]
    assert [patch.get_bbox().extents.tolist() for patch in axis.patches[1::2]] == [[1.5, 0.5, 4.5, 6.5],
                                                                                   [-0.5, -0.5, 0.5, 0.5]]
    assert axis.patches[1].get_edgecolor() != axis.patches[3].get_edgecolor()
