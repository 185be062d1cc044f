"""The live figure of chapter 5: every number it shows is of a picture that camlib climbs to afresh."""

import functools

import numpy as np
import pytest

import camlib
from book.live import ascent as figure
from camlib import priors, scenes
from camlib.activation_maximization import maximize_activation

REMEDIES = list(figure.remedies(1))
MEASURES = ("distance", "total", "grain")
DIGITS = [0.056, 0.0056, 0.0056, 0.0056]  # half of the last one shown, of a number that was rounded before
LAST = len(figure.STEPS) - 1
look = functools.cache(camlib.Probe)


@pytest.fixture
def ascent(live):
    return live("ascent", "05_activation_maximization")


def choose(ascent, unit, remedy, k):
    """Choose the number of a kept picture, the unit and the remedy, each by keys."""
    ascent.press("input[type=range]", "Home", *["ArrowRight"] * k)
    for group, wanted in enumerate((unit, remedy)):
        buttons = ascent.widget.locator(f"fieldset >> nth={group} >> input").all()
        now = [button.is_checked() for button in buttons].index(True)
        ascent.press(buttons[now], *["ArrowDown"] * (wanted - now), *["ArrowUp"] * (now - wanted))


def numbers(network, unit, picture):
    """f and the three measures, each by its formula and not by the figure's functions."""
    layer, channel, _ = list(figure.UNITS.values())[unit]
    probe = look(network, layer)
    f = probe.logits(picture)[0, channel] if layer is None else probe.forward(picture)[0][0, ..., channel].mean()
    far = np.sqrt(np.square(picture - 0.5).mean())
    return [f, far, priors.total_variation(1)(picture)[0][0], priors.high_frequency_share(picture)[0]]


@functools.cache
def climbed(network, unit, remedy, steps):
    """The picture (1, H, W, C) of a fresh climb of so many steps; for none, of a climb that goes nowhere."""
    layer, channel, share = list(figure.UNITS.values())[unit]
    options = figure.remedies(share)[REMEDIES[remedy]]
    rate = {} if steps else {"rate": 1e-12}
    return maximize_activation(network, layer, channel, steps=max(steps, 1), **rate, **options)[None]


def shown(ascent, column):
    return [ascent.value(f"{name}-{column}") for name in ("activation", *MEASURES)]


def agree(shown, expected):
    assert (np.abs(np.subtract(shown, expected)) <= DIGITS).all(), (shown, expected)


@pytest.mark.parametrize("unit", range(len(figure.UNITS)))
def test_numbers_are_of_a_fresh_climb(unit, ascent, network):
    """Activation and the three measures, with every remedy, after no, few, many and all steps."""
    for remedy in range(len(REMEDIES)):
        for k in ((0, 3, LAST) if remedy % 2 else (4, LAST - 1)):
            choose(ascent, unit, remedy, k)
            for column, what in (("run", remedy), ("bare", 0)):
                agree(shown(ascent, column), numbers(network, unit, climbed(network, unit, what, figure.STEPS[k])))


def test_each_remedy_lowers_its_measure_and_costs_activation(ascent):
    """The chapter's law at the last step, in the numbers that the reader sees."""
    for unit in range(len(figure.UNITS)):
        for remedy, name in enumerate(REMEDIES[1:], 1):
            choose(ascent, unit, remedy, LAST)
            run, bare, _ = ascent.numbers("tr.own strong")
            assert run < 0.95 * bare, (unit, name)
            assert ascent.value("activation-run") < ascent.value("activation-bare"), (unit, name)


def test_the_picture_beats_every_scene(ascent, network):
    """The reference is the largest of 500 scenes; the step at which it is passed is the climb's own."""
    images = scenes.make(500, seed=21).images
    for unit, (layer, channel, _) in enumerate(figure.UNITS.values()):
        probe = look(network, layer)
        f = probe.logits(images)[:, channel] if layer is None else probe.forward(images)[0][..., channel].mean((1, 2))
        choose(ascent, unit, 0, LAST)
        agree(shown(ascent, "scene"), numbers(network, unit, images[[f.argmax()]]))
        passed = int(ascent.value("passed"))
        before, after = (numbers(network, unit, climbed(network, unit, 0, steps))[0] for steps in (passed - 1, passed))
        assert before <= f.max() < after < ascent.value("activation-run")


def test_the_picture_is_of_that_step_and_remedy(ascent, network):
    """Of the pictures that camlib climbs to, the one drawn is nearest to that of its own step and remedy."""
    for unit, remedy, k in ((0, 1, 6), (1, 4, 7), (0, 5, 5)):
        choose(ascent, unit, remedy, k)
        ascent.page.wait_for_timeout(300)  # for a strip of pictures to be opened
        pixels = ascent.widget.locator("canvas").first.evaluate(
            "canvas => [...canvas.getContext('2d').getImageData(0, 0, 96, 96).data]")
        drawn = np.reshape(pixels, (96, 96, 4))[..., :3] / 255
        far = {(r, j): np.square(climbed(network, unit, r, figure.STEPS[j])[0] - drawn).mean()
               for r in (0, remedy) for j in (k - 1, k, k + 1)}
        assert min(far, key=far.get) == (remedy, k), far


def test_play_runs_to_the_end_and_stops(ascent):
    """Play walks through the kept pictures; pressed again it stays where it is, and starts anew from the end."""
    button = ascent.widget.locator("button")
    choose(ascent, 0, 0, LAST - 2)
    ascent.press(button, "Enter")
    ascent.page.wait_for_function("document.querySelector('#live-ascent button').textContent === 'Play'")
    assert ascent.numbers("output") == [figure.STEPS[-1]]
    ascent.press(button, "Enter", "Enter")
    ascent.page.wait_for_timeout(1500)
    assert ascent.numbers("output") == [0] and button.text_content() == "Play"
