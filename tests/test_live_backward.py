"""The live figure of chapter 4: its numbers go back as camlib's do, and its pictures are camlib's."""

import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

import camlib
from book.live import backward as figure
from camlib import deconvolution, pooling, scenes
from camlib.feature_maps import receptive_field_of
from camlib.saliency import magnitude

RULES = ("gradient", "deconvnet", "guided")
SIX = [(rule, on) for rule in RULES for on in (True, False)]


@pytest.fixture
def backward(live):
    return live("backward", "04_deconvolution")


def grid(backward, name):
    return backward.widget.get_by_role("grid", name=name)


def texts(backward, name):
    """What stands in the cells, (h, w), with a true minus."""
    found = np.array(grid(backward, name).locator("[role=gridcell]").all_text_contents())
    return np.char.replace(found, "−", "-").reshape(2 * [round(found.size ** 0.5)])


def choose(backward, rule, on):
    backward.press(backward.named(rule), "Space")
    if backward.named("with switches").is_checked() != on:
        backward.press(backward.named("with switches"), "Space")


def by_camlib(x, R, rule, on):
    """The map, the pooled map, the unpooled signal and what goes on, each (h, w)."""
    x, R = (np.array(values, float)[None, :, :, None] for values in (x, R))
    A = np.maximum(x, 0)
    U = deconvolution.unpool(R, deconvolution.switches(A) if on else None, (4, 4))
    return [a[0, :, :, 0] for a in (A, pooling.max_pool(A), U, deconvolution.relu_back(U, x, rule))]


def reason(x, u, rule):
    """The words in a cell that a signal u reaches and does not leave."""
    shut, negative = x <= 0 and rule != "deconvnet", u < 0 and rule != "gradient"
    return "\n".join(word for word, holds in (("x≤0", shut), ("R<0", negative)) if holds)


def compare(backward, x, R, rule, on):
    """All five tables of one state against camlib; a stopped cell must name its reason, and only such a cell."""
    A, P, U, out = by_camlib(x, R, rule, on)
    shown = texts(backward, "Signal that goes on")
    for name, expected in (("Input x of the ReLU", x), ("Signal R from above", R), ("Map A behind the ReLU", A),
                           ("Pooled map P", P), ("Unpooled signal", U)):
        np.testing.assert_array_equal(texts(backward, name).astype(float), expected, err_msg=f"{name}: {rule}, {on}")
    for cell in np.ndindex(4, 4):
        stopped = U[cell] != 0 and out[cell] == 0
        expected = reason(np.array(x)[cell], U[cell], rule) if stopped else f"{out[cell] + 0:g}"
        assert shown[cell] == expected, (rule, on, cell)


def test_the_six_ways_back(backward):
    """Every table of every choice; and the rings stand on the switches."""
    for rule, on in SIX:
        choose(backward, rule, on)
        compare(backward, figure.X, figure.R, rule, on)
    rings = grid(backward, "Map A behind the ReLU").locator("[role=gridcell]").evaluate_all(
        "cells => cells.map((cell) => cell.classList.contains('place'))")
    s = deconvolution.switches(np.maximum(figure.X, 0)[None, :, :, None])[0, :, :, 0]
    expected = [(2 * i + n // 2, 2 * j + n % 2) for (i, j), n in np.ndenumerate(s)]
    assert sorted(expected) == list(zip(*np.nonzero(np.reshape(rings, (4, 4))), strict=True))


def test_changed_numbers(backward):
    """Another maximum, a 0 at the gate, a window switched off, a signal turned round and one silenced."""
    x, R = np.array(figure.X), np.array(figure.R)
    cells, now = grid(backward, "Input x of the ReLU").locator("[tabindex='0']"), np.array([1, 1])
    for cell, value in (((0, 1), 5), ((1, 1), 0), ((0, 3), -2), ((1, 3), -5), ((3, 0), 1)):
        down, right = np.array(cell) - now
        now = np.array(cell)
        backward.press(cells, *["ArrowDown" if down > 0 else "ArrowUp"] * abs(down),
                       *["ArrowRight" if right > 0 else "ArrowLeft"] * abs(right))
        backward.press(backward.named("its input x"), "Home", *["ArrowRight"] * (value + 5))
        x[cell] = value
    backward.press(backward.named("its window's R"), "Home")
    R[1, 0] = -8
    backward.press(cells, "End")
    backward.press(backward.named("its window's R"), "End", "ArrowLeft", "ArrowLeft")
    R[1, 1] = 0
    for rule, on in SIX:
        choose(backward, rule, on)
        compare(backward, x, R, rule, on)


def test_each_cell_tells_why(backward):
    """Arrow keys walk through all 16 cells: the number that goes on, and why it passed, stopped or never came."""
    for rule, on in (("deconvnet", True), ("guided", False)):
        choose(backward, rule, on)
        _, _, U, out = by_camlib(figure.X, figure.R, rule, on)
        cells = grid(backward, "Signal that goes on").locator("[tabindex='0']")
        backward.press(cells, "PageUp", "Home")
        for i, j in np.ndindex(4, 4):
            assert backward.value("cell") == out[i, j]
            said = backward.widget.locator(".says").first.text_content()
            assert said.startswith(f"Row {i + 1}, column {j + 1}: ")
            word = "passes because" if out[i, j] else "stopped because" if U[i, j] else "nothing arrives"
            assert word in said, said
            why = reason(figure.X[i][j], U[i, j], rule).split("\n") if word.startswith("stopped") else []
            assert [text for text in ("x≤0", "R<0") if f"{text[0]} {text[1]} 0" in said.split("because")[-1]] == why
            backward.press(cells, *["ArrowRight"] if j < 3 else ["ArrowDown", "Home"])


def test_what_the_units_draw(backward):
    """The share on the object, large and small, the area, and every pixel of the large picture."""
    network, some = camlib.course_network.load(), scenes.make(6, seed=12)
    size, jump, start = receptive_field_of(network, "relu4")
    for n, channel, name in ((3, 50, "umbrella"), (1, 49, "house"), (2, 29, "fish")):
        backward.press(backward.named(f"{name}, channel {channel}"), "Space")
        A, _ = camlib.Probe(network, "relu4").forward(some.images[[n]])
        cell = np.unravel_index(A[0, :, :, channel].argmax(), (12, 12))
        first = [int(np.clip(start + jump * at, 0, 96 - size)) for at in cell]
        field = tuple(slice(at, at + size) for at in first)
        assert backward.value("area") == pytest.approx(some.masks[n][field].mean(), abs=0.0051)
        small = dict(zip([(rule, on) for on in (True, False) for rule in RULES],
                         backward.numbers(".thumb > span:last-child"), strict=True))
        for rule, on in SIX:
            choose(backward, rule, on)
            R = deconvolution.deconvolve(network, some.images[[n]], "relu4", channel, rule, on)
            m = magnitude(R)[0]
            assert np.isclose(m[field].sum(), m.sum())
            share = (m * some.masks[n]).sum() / m.sum()
            assert backward.value("share") == small[rule, on] == pytest.approx(share, abs=0.0051)
            expected = np.clip(0.5 + 0.5 * R[0] / np.sort(np.abs(R).ravel())[-50], 0, 1)[field]
            picture = backward.widget.get_by_alt_text("What the unit draws").get_attribute("src")
            pixels = np.array(Image.open(BytesIO(base64.b64decode(picture.split(",")[1])))) / 255
            np.testing.assert_allclose(pixels, expected, rtol=0, atol=1 / 64 + 1 / 255)
