"""Self-checks of chapter 11: second looks. Scenes and answers that take long to make come from the notebook."""

from functools import cache
from math import comb

import numpy as np

from .. import course_network
from .. import enhancement as changes
from ..cam import class_activation_map
from ..checks import number, numbers, same, within
from ..images import resize_map
from ..probe import Probe
from . import exercise


@cache
def _network():
    network = course_network.load()
    return network, Probe(network)


def _answers(images):
    return _network()[1].probabilities(_network()[1].logits(images))


def _counts(before, p, labels):
    """[repaired, broken] of probabilities ``p`` against which answers were right ``before``."""
    after = p.argmax(1) == labels
    return [int((after & ~before).sum()), int((before & ~after).sum())]


@exercise
def black(black_look, black_change, at):
    """``black_look`` (N, 8): probabilities, weighted with a black fill; the change of accuracy; ``at``: the scenes."""
    network, _ = _network()
    some = at.images[:40]
    m = np.maximum(resize_map(class_activation_map(network, some), some.shape[1:3]), 0)
    m = (m / m.max((1, 2), keepdims=True))[..., None]
    right = _answers((m * some).astype(np.float32))
    colour = some.mean((1, 2), keepdims=True)
    if np.shape(black_look) != (len(at.labels), 8):
        raise AssertionError(f"black_look: shape {np.shape(black_look)}, and ({len(at.labels)}, 8) is wanted")
    same(black_look[:40], right, "black_look, the first 40 scenes", 1e-3, {
        "the first look: nothing was changed": _answers(some),
        "the mean colour is the fill": _answers((m * some + (1 - m) * colour).astype(np.float32)),
        "the mean of both looks: take the second alone": (right + _answers(some)) / 2,
        "white is the fill": _answers((m * some + 1 - m).astype(np.float32))})
    before, after = (_answers(at.images).argmax(1) == at.labels).mean(), (np.argmax(black_look, 1) == at.labels).mean()
    number(black_change, after - before, "black_change", wrong={
        "the accuracy itself, and not its change": after, "in points: give a share": 100 * (after - before),
        "answers, and not a share of them": (after - before) * len(at.labels)})
    return "Black is a colour, too, and no training scene fades into it."


@exercise
def doubt(cautious, saved, changed, first, second, levels):
    """``cautious(a, z)`` (N, 8): a where its top is 0.9 or more, else z; passes saved (3,); repaired, broken (3, 2)."""
    for n in (5, 64):
        rng = np.random.default_rng(n)
        a, z = (rng.dirichlet([0.05] * 8, n) for _ in range(2))
        a[0] = [0.9, *[0.1 / 7] * 7]
        sure = (a.max(1) >= 0.9)[:, None]
        same(cautious(a, z), np.where(sure, a, z), "your cautious(a, z)", 1e-9, {
            "turned round: the second look where the first is sure": np.where(sure, z, a),
            "0.9 is less than 0.9? Keep the first look there": np.where(a.max(1)[:, None] > 0.9, a, z),
            "the second look decides whether there is doubt": np.where(z.max(1)[:, None] >= 0.9, a, z),
            "the first look": a, "the second look": z, "the mean of both": (a + z) / 2})
    shares, counts = [], []
    for name, scenes in levels.items():
        sure = first[name].max(1) >= 0.9
        p = np.where(sure[:, None], first[name], second[name, "mask"])
        shares.append(sure.mean())
        counts += _counts(first[name].argmax(1) == scenes.labels, p, scenes.labels)
    numbers(saved, shares, [f"saved, {name}" for name in levels], {
        "the passes that are made, and not saved": 1 - np.array(shares), "passes: give a share": np.array(
            [share * len(scenes.labels) for share, scenes in zip(shares, levels.values(), strict=True)])})
    numbers(np.ravel(changed), counts, [f"{what}, {name}" for name in levels for what in ("repaired", "broken")],
               {"repaired comes first, then broken": np.reshape(counts, (-1, 2))[:, ::-1].ravel()})
    return "It saves passes, and what was sure cannot break."


@exercise
def surer(surest, changed, first, rivals, levels):
    """``surest(a, z)`` (N, 8): the look with the larger top; repaired, broken (2, 2) of CAM's and the other's mask."""
    for n in (5, 64):
        rng = np.random.default_rng(n)
        a, z = (rng.dirichlet([0.3] * 8, n) for _ in range(2))
        more = (a.max(1) >= z.max(1))[:, None]
        same(surest(a, z), np.where(more, a, z), "your surest(a, z)", 1e-9, {
            "the less sure of the two": np.where(more, z, a), "the mean of both": (a + z) / 2,
            "class by class: take whole rows": np.maximum(a, z),
            "one choice for all scenes": a if a.max() >= z.max() else z})
    one, labels, counts = first["40"], levels["40"].labels, []
    names = ("mask by CAM", "mask by another scene's CAM")
    for two in (rivals[name] for name in names):
        p = np.where((one.max(1) >= two.max(1))[:, None], one, two)
        counts += _counts(one.argmax(1) == labels, p, labels)
    numbers(np.ravel(changed), counts, [f"{what}, {name}" for name in names for what in ("repaired", "broken")], {
        "repaired comes first, then broken": np.reshape(counts, (2, 2))[:, ::-1].ravel(),
        "the second look alone": np.ravel([_counts(one.argmax(1) == labels, rivals[name], labels) for name in names])})
    return "CAM's mask breaks nothing here, and the gain is that of the average."


@exercise
def best_of_twenty(gains, at):
    """``gains`` (20, 2): the change of accuracy of each seed, on the first 100 scenes ``at`` and on the next 100."""
    if np.shape(gains) != (20, 2):
        raise AssertionError(f"gains: shape {np.shape(gains)}, and (20, 2) is wanted: seeds, halves")
    images, labels = at.images[:200], at.labels[:200]
    one = _answers(images)
    before = one.argmax(1) == labels
    for seed in sorted({0, 7, 13, 19, int(np.argmax(np.array(gains)[:, 0]))}):  # a sample: each costs 200 passes
        spot = changes.random_windows(np.tile([0, 0, 90, 90], (200, 1)), 96, seed)
        two = _answers(changes.crop(images, spot))
        looks = {"": (one + two) / 2, "the crop alone: average it with the first look": two}
        rise = {what: (1.0 * (p.argmax(1) == labels) - before).reshape(2, 100).mean(1) for what, p in looks.items()}
        right = rise.pop("")
        numbers(gains[seed], right, [f"gains of seed {seed}, {half} 100" for half in ("first", "next")], {
            **rise, "scenes: give a share": 100 * right, "the halves are exchanged": right[::-1]})
    return "The best of many is lucky, and luck does not come along to new scenes."


@exercise
def how_many(seen, needed):
    """``seen``: the chance of P <= 0.05 with 400 scenes; ``needed``: scenes to see it four times out of five."""
    number(seen, _power(400), "seen", 0.27, {"the chance of not seeing it": 1 - _power(400)})
    within(needed, 1, 20_000, "needed")
    number(_power(int(needed)), 0.8, "the chance to see it with as many as needed", 0.06)
    return "Few answers change, so many scenes are needed."


def _power(n, up=6 / 400, down=3 / 400):
    """The exact chance of P <= 0.05 by (11.7) with ``n`` scenes: over the changed ones, and over those repaired."""
    changed, total = np.arange(n + 1), 0.0
    steps = np.log(np.arange(n, 0, -1) / changed[1:] * (up + down) / (1 - up - down))
    chances = np.exp(np.concatenate([[0], np.cumsum(steps)]) + n * np.log1p(-up - down))
    for k in np.flatnonzero(chances > 1e-9):
        rows = [comb(int(k), j) for j in range(k + 1)]
        tail, j = 0, -1  # the largest j such that 0..j and their mirror images have at most one chance in twenty
        while 2 * (tail + rows[j + 1]) * 20 <= 2**int(k) and 2 * (j + 1) < k:
            j += 1
            tail += rows[j]
        share = up / (up + down)
        total += chances[k] * sum(rows[i] * (share**i * (1 - share)**(k - i) + share**(k - i) * (1 - share)**i)
                                  for i in range(j + 1))
    return total
