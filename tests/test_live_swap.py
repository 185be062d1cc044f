"""The live figure of chapter 7: its maps, logits and probabilities are camlib's, whatever weights are dragged."""

import re

import numpy as np
import pytest

from book.live import swap as figure
from camlib import Probe, class_activation_map
from camlib.cnn import softmax
from camlib.runtime import keras

IMAGES, LABELS, BOXES = (np.concatenate(part) for part in zip(*((s.images, s.labels, s.boxes) for s in figure.pairs()),
                                                              strict=True))
SHOWN = dict(rtol=0, atol=0.006)  # two digits after the point, from maps with four


@pytest.fixture
def swap(live):
    return live("swap", "07_cam")


def changed(network, v, classes):
    """A copy of the network with v[k] added to channel k's weights for these classes."""
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    W, b = Probe(network).head()
    W = W.copy()
    for k, x in v.items():
        W[k, classes] += x
    copy.get_layer("logits").set_weights([W, b])
    return copy


def choose(swap, name, key):
    """Turn to this scene or class, from the one before it in the list; before the first is the last."""
    swap.press(swap.widget.get_by_role("group", name=name, exact=True).locator("input").nth(key - 1), "ArrowDown")


def drag(swap, v, x):
    """Add x to the weight of the cell's strongest channel that was not dragged yet, and note it in v."""
    n, k = next((n, k) for n, k in enumerate(numbers(swap, "channels").astype(int)) if k not in v)
    swap.press(f".parts button >> nth={n}", "Enter")
    swap.press("input[type=range]", "End", *["ArrowLeft"] * round(10 * (5 - x)))
    v[k] = x


def numbers(swap, name):
    return np.array(swap.numbers(f"[data-value={name}]"))


def probabilities(swap):
    """As they are written, to the last digit."""
    return swap.widget.locator("[data-value=probabilities]").all_text_contents()


def said(swap):
    return swap.widget.locator("[aria-live]").text_content()


def the_map(swap):
    """All cells as a screen reader hears them."""
    names = swap.widget.get_by_role("gridcell").evaluate_all("cells => cells.map((cell) => cell.ariaLabel)")
    return np.reshape([float(name.split(": ")[1].replace("−", "-")) for name in names], (12, 12))


def agrees(swap, network, n, c):
    """Everything that belongs to class c of scene n is what camlib says of this network."""
    probe = Probe(network)
    A, (logits,) = probe.forward(IMAGES[[n]])
    W, b = probe.head()
    M, = class_activation_map(network, IMAGES[[n]], c)
    np.testing.assert_allclose(numbers(swap, "logits"), logits, **SHOWN)
    np.testing.assert_allclose(numbers(swap, "probabilities"), 100 * softmax(logits), **SHOWN)
    for name, x in dict(mean=M.mean(), weighted=logits[c] - b[c], bias=b[c], logit=logits[c]).items():
        np.testing.assert_allclose(numbers(swap, name), x, **SHOWN, err_msg=name)
    np.testing.assert_allclose(the_map(swap), M, **SHOWN)
    cell = tuple(int(x) - 1 for x in re.search(r"row (\d+), column (\d+):", swap.widget.inner_text()).groups())
    assert swap.value("cell") == pytest.approx(M[cell], abs=0.006)
    contributions(swap, W[:, c] * A[0][cell])


def contributions(swap, terms):
    """The six largest of a cell's 64 terms, and the sum of the rest."""
    channels = numbers(swap, "channels").astype(int)
    assert len(set(channels)) == 6
    assert np.abs(terms[channels]).min() >= np.abs(np.delete(terms, channels)).max() - 0.01
    np.testing.assert_allclose(numbers(swap, "terms"), terms[channels], **SHOWN)
    assert swap.value("rest") == pytest.approx(np.delete(terms, channels).sum(), abs=0.006)


def test_the_law_for_every_scene_and_class(swap, network):
    """Both orders, the bias, all logits and probabilities: 24 maps with the mean that the network's logit asks for."""
    for n in range(3):
        if n:
            choose(swap, "Scene", n)
        for c in range(8):
            choose(swap, "Class", c)
            agrees(swap, network, n, c)
            assert swap.value("network") == pytest.approx(Probe(network).forward(IMAGES[[n]])[1][0, c], abs=0.006)


def test_arrow_keys_walk_the_cells(swap, network):
    """Three corners, a cell of the ground, and back to the peak."""
    fish = LABELS[0, 0]
    (A,), _ = Probe(network).forward(IMAGES[[0]])
    M = class_activation_map(network, IMAGES[[0]], fish)[0]
    i, j = np.unravel_index(M.argmax(), M.shape)
    for keys, cell in ((["Home", "PageUp"], (0, 0)), (["ArrowRight"] * 2 + ["ArrowDown"], (1, 2)), (["End"], (1, 11)),
                       (["PageDown"], (11, 11)), (["PageUp", "Home", *["ArrowDown"] * i, *["ArrowRight"] * j], (i, j))):
        swap.press("[role=gridcell][tabindex='0']", *keys)
        assert f"cell in row {cell[0] + 1}, column {cell[1] + 1}:" in swap.widget.inner_text()
        assert swap.value("cell") == pytest.approx(M[cell], abs=0.006)
        contributions(swap, Probe(network).head()[0][:, fish] * A[cell])


def test_weights_of_one_class_and_of_all(swap, network):
    """The same v, first for the fish alone, then for all classes, set in a copy of the network's head."""
    fish, umbrella = LABELS[0]
    before, v = probabilities(swap), {}
    drag(swap, v, -2.7)
    drag(swap, v, 0.8)
    alone = changed(network, v, [fish])
    agrees(swap, alone, 0, fish)
    assert "fish alone: the logit of fish goes from" in said(swap)
    assert f"probability goes from {before[fish]} to" in said(swap)
    choose(swap, "Class", umbrella)
    agrees(swap, alone, 0, umbrella)
    assert "fish alone: the logit of umbrella stays" in said(swap)
    assert f"probability goes from {before[umbrella]} to" in said(swap)
    choose(swap, "Class", fish)

    swap.press(swap.named("fish alone"), "ArrowRight")
    everyone = changed(network, v, list(range(8)))
    agrees(swap, everyone, 0, fish)
    assert probabilities(swap) == before
    assert f"probability stays {before[fish]}" in said(swap)
    choose(swap, "Scene", 1)
    agrees(swap, everyone, 1, LABELS[1, 0])

    swap.press(swap.widget.get_by_role("button", name="Reset"), "Enter")
    agrees(swap, network, 1, LABELS[1, 0])


def test_the_peak_moves_and_no_probability(swap, network):
    """Three channels of a cell on the umbrella, dragged for all classes, and the fish's map peaks there."""
    fish, (x0, y0, x1, y1) = LABELS[0, 0], BOXES[0, 1]
    before, v = probabilities(swap), {}
    swap.press(swap.named("fish alone"), "ArrowRight")
    swap.press("[role=gridcell][tabindex='0']", "PageUp", "Home", *["ArrowDown"] * 2, *["ArrowRight"] * 7)
    assert "peaks in the box of fish" in said(swap)
    for _ in range(3):
        drag(swap, v, 5)
    M, = class_activation_map(changed(network, v, list(range(8))), IMAGES[[0]], fish)
    i, j = np.unravel_index(M.argmax(), M.shape)
    assert y0 < 8 * i + 4 < y1 and x0 < 8 * j + 4 < x1
    assert "peaks in the box of umbrella" in said(swap)
    np.testing.assert_allclose(the_map(swap), M, **SHOWN)
    assert probabilities(swap) == before
