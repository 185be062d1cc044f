"""Self-checks of chapter 13: measures that can be pleased, chance, and a threshold chosen on the test set.

What would cost a minute is checked on the first scenes only: ``SOME`` of 100.
"""

from functools import cache

import numpy as np
from scipy import stats
from scipy.ndimage import gaussian_filter

from .. import course_network, evaluation, scenes
from ..checks import choice, number, same
from ..images import normalize_map, resize_map
from ..localization import box_hits
from ..occlusion import fill_pictures
from ..probe import Probe
from ..saliency import magnitude, saliency
from . import exercise

COUNT, SIDE, SOME, STEPS = 100, scenes.SIZE, 20, 8


@cache
def _chapter():
    """The probe of the course network, the chapter's 100 scenes, and the pictures blurred."""
    jury = scenes.make(COUNT, seed=2)
    return Probe(course_network.load()), jury, fill_pictures(jury.images, "blur")


def _p(images, labels):
    """The probability (N,) of each picture's class."""
    look = _chapter()[0]
    return look.probabilities(look.logits(images.astype(np.float32)))[np.arange(len(images)), labels]


def _energy(maps):
    """The share (N,) of each map's positive part on the object."""
    positive, masks = np.maximum(maps, 0).astype(float), _chapter()[1].masks
    return (positive * masks).sum((1, 2)) / positive.sum((1, 2))


def _drop(maps, fill):
    """Equation (13.6), word for word."""
    _, jury, _ = _chapter()
    veil = normalize_map(maps, "relu")[..., None]
    p, shown = _p(jury.images, jury.labels), _p(veil * jury.images + (1 - veil) * fill, jury.labels)
    return np.maximum(0, p - shown) / p


@cache
def _blurred():
    """Energy and drop of the gradient and of the blurred gradient; then of one blurred before the magnitude."""
    look, jury, fill = _chapter()
    G = saliency(look.model, jury.images, jury.labels)
    soft = gaussian_filter(magnitude(G), (0, 4, 4), mode="mirror", truncate=4)
    early = magnitude(gaussian_filter(G, (0, 4, 4, 0), mode="mirror", truncate=4))
    return [(_energy(maps), _drop(maps, fill)) for maps in (magnitude(G), soft, early)], _drop(soft, 0.0)


@exercise
def blur(soft_energy, soft_drop, gains):
    """``soft_energy``, ``soft_drop`` (100,): of the blurred magnitudes; ``gains``: the measure that likes them."""
    (sharp, soft, early), black = _blurred()
    for yours, name, k in ((soft_energy, "energy", 0), (soft_drop, "drop", 1)):
        same(yours, soft[k], name, rtol=1e-3, wrong={
            "the map is not blurred": sharp[k], "the gradient was blurred: blur its magnitude": early[k],
            "the fill is black": black, "what is kept, not what is lost": 1 - soft[k]})
    choice(gains, "drop", {"drop": "", "energy": "Compare the two means with those of the sharp map: is large good?"},
           "the measure that gains")
    return "The map knows nothing new; only its display is another."


def _deletion(maps, n=SOME):
    """Equations (13.2) and (13.3) for the first ``n`` scenes, ties by the library's lot of seed 0."""
    _, jury, fill = _chapter()
    lot = np.random.default_rng(0).permutation(SIDE**2)
    flat = np.asarray(maps)[:n].reshape(n, -1)
    order = lot[np.argsort(-flat[:, lot], axis=1, kind="stable")]
    changed, curve, done = jury.images[:n].copy(), [_p(jury.images[:n], jury.labels[:n])], 0
    for t in range(1, STEPS + 1):
        count = round(t * SIDE**2 / STEPS)
        for n_, pixels in enumerate(order[:, done:count]):
            changed[n_].reshape(-1, 3)[pixels] = fill[n_].reshape(-1, 3)[pixels]
        curve.append(_p(changed, jury.labels[:n]))
        done = count
    return (np.sum(curve, 0) - (curve[0] + curve[-1]) / 2) / STEPS


def _one_each(values, name):
    """``values`` as an array with an entry for each of the 100 scenes. Raises AssertionError."""
    if np.shape(values)[:1] != (COUNT,):
        raise AssertionError(f"{name}: shape {np.shape(values)}, and an entry for each of {COUNT} scenes is wanted")
    return np.asarray(values)


@cache
def _cam(seed, count):
    """The CAM of the true class, enlarged, and the boxes of ``count`` scenes."""
    look, jury = _chapter()[0], scenes.make(count, seed)
    M = np.einsum("nijk,kn->nij", look.forward(jury.images)[0], look.head()[0][:, jury.labels])
    return resize_map(M, SIDE), jury.boxes


@cache
def _falls(fill):
    """What hiding each block of the first five scenes costs the class, as maps: of the probability, of the logit."""
    look, jury, _ = _chapter()
    images, at = jury.images[:5], (np.arange(5), jury.labels[:5])
    filled, before, falls = fill_pictures(images, fill), look.logits(images), np.zeros((2, 5, 6, 6))
    for i, j in np.ndindex(6, 6):
        hidden, block = images.copy(), np.s_[:, 16 * i:16 * i + 16, 16 * j:16 * j + 16]
        hidden[block] = filled[block]
        after = look.logits(hidden)
        falls[:, :, i, j] = (look.probabilities(before) - look.probabilities(after))[at], (before - after)[at]
    return falls.repeat(16, 2).repeat(16, 3)


@exercise
def game(made, gain, proves):
    """``made`` (100, 96, 96); ``gain`` (100,): CAM's deletion less that of ``made``; ``proves``: a letter.

    Read are five maps and the gains of the first 20 scenes.
    """
    probability, logit = _falls("blur")
    _, jury, _ = _chapter()
    left = _p(jury.images[:5], jury.labels[:5])[:, None, None] - probability
    same(_one_each(made, "your maps")[:5], probability, "your first five maps", rtol=1e-3, wrong={
        "the fall of the logit: the probability is asked": logit, "the probability that is left, not its fall": left,
        "the fill is the mean colour": _falls("mean")[0], "the fill is black": _falls(0.0)[0]})
    by_cam, by_made = _deletion(_cam(2, COUNT)[0]), _deletion(made)
    same(_one_each(gain, "gain")[:SOME], by_cam - by_made, "your first gains", rtol=0.02, wrong={
        "the deletion of your maps: subtract it from CAM's": by_made, "CAM's deletion alone": by_cam})
    choice(proves, "b", {"a": "Compare the pointing of the two maps.", "b": "",
                         "c": "Deletion sees only the order of the pixels, so it cannot see what adds up to what."},
           "what it proves")
    return "Whoever may ask the measure's own question needs no explanation to answer it well."


@exercise
def chance(lot, gap, interval, differs):
    """``lot`` (100,): deletion by lot; ``gap`` (100,): the smooth map's less ``lot``; its interval (2,); yes or no.

    The first 20 scenes of ``lot`` and ``gap`` are read; the interval is compared with Student's, of the whole gap.
    """
    by_lot, smooth = _deletion(np.zeros((SOME, SIDE, SIDE))), _deletion(evaluation.random_map(COUNT, SIDE, seed=0))
    same(_one_each(lot, "lot")[:SOME], by_lot, "your first deletions", rtol=1e-3, wrong={
        "the smooth random map's": smooth, "CAM's": _deletion(_cam(2, COUNT)[0])})
    same(_one_each(gap, "gap")[:SOME], smooth - by_lot, "your first gaps", rtol=1e-3)
    ends, error = np.array([-1, 1]) * stats.t.ppf(0.975, COUNT - 1), np.std(gap, ddof=1) / np.sqrt(COUNT)
    apart = np.sqrt((np.var(lot, ddof=1) + np.var(np.add(gap, lot), ddof=1)) / COUNT)
    same(interval, np.mean(gap) + ends * error, "your interval", rtol=0.06, wrong={
        "as if the two had other scenes: the differences are paired": np.mean(gap) + ends * apart,
        "where single scenes lie, not their mean": np.mean(gap) + ends * error * np.sqrt(COUNT)})
    choice(differs, "no", {"no": "", "yes": "Does your interval hold zero?"}, "does it differ")
    return "This is the deletion that a method has to beat."


@exercise
def threshold(rise, can_fall):
    """``rise``: CAM's box accuracy with the threshold of the test set, less the honest one; ``can_fall``: yes or no."""
    levels = np.arange(0.05, 1, 0.05)
    test, other = (np.array([box_hits(*_cam(*where), level).mean() for level in levels])
                   for where in ((2, COUNT), (3, 30)))
    best, honest = test.argmax(), other.argmax()
    number(rise, float(test[best] - test[honest]), "rise", wrong={
        "that is an accuracy: subtract the honest one": test[best], "that is the honest accuracy": test[honest],
        "that is how far the threshold moves": levels[best] - levels[honest],
        "each on its own scenes: both accuracies belong to the 100": test[best] - other[honest]})
    choice(can_fall, "no", {"no": "", "yes": "The threshold of seed 3 is among those tried."}, "can it fall")
    return "A gain that cannot be a loss measures the freedom to choose, not the map."
