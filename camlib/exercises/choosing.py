"""Self-checks of chapter 14: a question as weights, a caption, a claim, a budget, and a law that proves little."""

import re
from functools import cache

import numpy as np
from scipy import stats

from .. import course_network, scenes
from ..checks import choice, number, same, within
from ..errors import CamlibError
from ..images import resize_map
from ..localization import pointing_game
from ..probe import Probe
from ..runtime import keras
from . import exercise

SIDE = scenes.SIZE
ANIMALS = ("fish", "butterfly")


@cache
def _chapter(objects=1):
    """The chapter's 300 scenes with one object, or its 200 with two; their last maps A, logits, and the head."""
    seen = scenes.make(300 if objects == 1 else 200, seed=2, objects=objects)
    look = Probe(course_network.load())
    return seen, *look.forward(seen.images), *look.head()


@exercise
def question(u_animal, M_animal, on_animal):
    """``u_animal`` (8,), any size; ``M_animal`` (300, h, w); ``on_animal`` (n,): hits in pairs with one animal."""
    animal = np.array([name in ANIMALS for name in scenes.CLASSES])
    right = np.where(animal, 1 / animal.sum(), -1 / (~animal).sum())
    u = np.asarray(u_animal, float) if np.shape(u_animal) == (8,) else u_animal
    size = u[animal].sum() if np.shape(u) == (8,) and u[animal].sum() > 0 else 1
    same(np.divide(u, size), right, "your weights", wrong={
        "they do not add up to zero: the other classes are missing": right * animal,
        "they do not add up to zero: the others weigh as much as the animals": np.where(animal, 1, -1) / animal.sum(),
        "other classes are the animals": np.roll(right, 1)})
    _, A, S, W, b = _chapter()
    M = A @ (W @ u)
    same(M_animal, M, "your maps", wrong={"the bias is in each cell: it stands beside the map": M + u @ b})
    same(np.mean(M_animal, (1, 2)) + u @ b, S @ u, "mean of your map + u b")
    pairs, A, _, W, _ = _chapter(2)
    mixed = animal[pairs.labels].sum(1) == 1
    masks = pairs.masks[mixed, animal[pairs.labels[mixed]].argmax(1)]
    peaks = resize_map(A[mixed] @ (W @ u), SIDE).reshape(mixed.sum(), -1).argmax(1)
    hit = masks.reshape(len(masks), -1)[np.arange(len(masks)), peaks]
    same(on_animal, hit, "peak on the animal", wrong={
        "the other object was asked": pairs.masks[mixed, animal[pairs.labels[mixed]].argmin(1)].reshape(
            len(masks), -1)[np.arange(len(masks)), peaks]})
    return "Nobody taught the network this word; the weights of the question make it."


@cache
def _another():
    """A network with another layer, cells of 4 pixels, and random weights: what was copied from one caption fails."""
    layers, rng = keras.layers, np.random.default_rng(0)
    model = keras.Sequential([keras.Input((SIDE, SIDE, 3)), layers.Conv2D(12, 5, 4, padding="same", name="coarse"),
                              layers.ReLU(name="rectified"), layers.GlobalAveragePooling2D(), layers.Dense(8)])
    model.set_weights([rng.normal(size=w.shape).astype(np.float32) for w in model.get_weights()])
    return model


@cache
def _captioned():
    """Cases of a caption: the model, a picture, a class, and what must be read: {what: text}, {what: number}."""
    network, pictures, cases = course_network.load(), _chapter()[0], []
    for model, n, c in ((network, 5, pictures.labels[5]), (network, 0, 2), (network, 7, 6), (_another(), 1, 1)):
        image, look = pictures.images[[n]], Probe(model)
        A, S = look.forward(image)
        M = A[0] @ look.head()[0][:, c]
        words = {"the method": "CAM", "the layer": look.path, "the class": scenes.CLASSES[c]}
        numbers = {"the size of a cell": SIDE / A.shape[1], "the smallest value": M.min(), "the largest value": M.max(),
                   "the logit": S[0, c], "the probability": look.probabilities(S)[0, c]}
        cases.append((model, image, int(c), words, numbers))
    return cases


def _shown(text):
    """The numbers in ``text``, each with half of its last digit, by which a rounded one may be off."""
    found = re.finditer(r"(?<![\w.])[-+]?\d+(?:\.(\d+))?(?!\w)", text.replace("\N{MINUS SIGN}", "-"))
    return [(float(number[0]), 0.51 * 10.0 ** -len(number[1] or "")) for number in found]


@exercise
def caption(caption):
    """``caption(model, image, c)`` -> a text: words are looked for, and numbers, to the digits shown; no scale."""
    for model, image, c, words, numbers in _captioned():
        text = caption(model, image, c)
        if not isinstance(text, str):
            raise AssertionError(f"your caption is {type(text).__name__}, and a text is wanted")
        shown = _shown(text.replace(words["the layer"], " "))
        missing = [what for what, word in words.items() if word not in text]
        missing += [what for what, value in numbers.items()
                    if not any(abs(value - v) <= half + 1e-4 * abs(value) for v, half in shown)]
        if missing:
            raise AssertionError(f"missing or wrong, for class {c} at layer {words['the layer']}: {', '.join(missing)}")
    return "Whoever reads this can make the map again, and check it."


@exercise
def own_claim(rho, interval, verdict):
    """``rho``: rank correlation of the peak with the probability; its 95 % interval (2,); true, false, tendency."""
    _, A, S, W, _ = _chapter()
    top = S.argmax(1)
    heat = np.einsum("nijk,kn->nij", A, W[:, top]).max((1, 2))
    sure = Probe(course_network.load()).probabilities(S).max(1)
    ranks = [stats.rankdata(values) for values in (heat, sure)]
    number(rho, float(np.corrcoef(ranks)[0, 1]), "rho", rtol=0.01, wrong={
        "that is Pearson's: rank the scenes first": np.corrcoef(heat, sure)[0, 1],
        "that is Kendall's": stats.kendalltau(heat, sure).statistic})
    rng = np.random.default_rng(1)
    draws = [np.corrcoef(*(stats.rankdata(v[i]) for v in (heat, sure)))[0, 1] for i in rng.integers(0, 300, (500, 300))]
    low, high = np.quantile(draws, [0.025, 0.975])
    same(interval, [low, high], "your interval", rtol=0.03, wrong={
        "the quartiles: 95 % are wanted": np.quantile(draws, [0.25, 0.75])})
    choice(verdict, "tendency", {"tendency": "", "true": "Would the order then have exceptions?",
                                 "false": "Does your interval hold zero?"}, "your verdict")
    return "A hot map can still be a wrong answer's: in a single scene the rule may fail."


@exercise
def budget(a_picture, fits):
    """``a_picture`` {method: passes}, the six of the exercise; ``fits``: the names of those that can be paid."""
    steps = {step: len(range(0, SIDE - 24 + 1, step)) for step in (12, 4)}
    right = {"CAM": (1, {}), "SmoothGrad": (2 * 32, {"the ways back are missing": 32, "one way back for all": 33}),
             "integrated gradients": (2 * 64, {"the ways back are missing": 64, "one way back for all": 65}),
             "Score-CAM": (1 + 64, {"the pass that makes the maps is missing": 64, "it needs no way back": 130})}
    right |= {f"occlusion {step}": (1 + n * n, {
        "the whole picture is missing": n * n, "one axis alone": 1 + n, "the patches overlap": 1 + (SIDE // 24) ** 2})
        for step, n in steps.items()}
    if not isinstance(a_picture, dict) or set(a_picture) != set(right):
        raise AssertionError(f"passes a picture: a dict with the keys {', '.join(right)} is wanted")
    for name, (passes, wrong) in right.items():
        number(a_picture[name], passes, name, wrong=wrong)
    paid = {name for name, (passes, _) in right.items() if passes * 10_000 <= 1_000_000}
    choice(fits, paid, dict.fromkeys(right, "Multiply by the number of scenes."), "what fits")
    return "A method's price is known before the night begins."


@exercise
def worthless(my_network):
    """``my_network``: a network with a CAM that obeys the law, and whose peak does not prefer its own object."""
    pairs, first = _chapter(2)[0], _chapter(2)[0].labels[:, 0]
    try:
        look = Probe(my_network)
        W, b = look.head()
        A, S = look.forward(pairs.images)
        M = A @ W
    except CamlibError as refused:
        raise AssertionError(f"your network: no CAM. {refused}") from refused
    if S.shape[1:] != (len(scenes.CLASSES),):
        raise AssertionError(f"your network: {S.shape[1:]} logits, and one for each of the 8 classes is wanted")
    same(M.mean((1, 2)) + b, S, "mean + bias, for all classes")
    maps = resize_map(M[np.arange(len(first)), :, :, first], SIDE)
    hit, miss = (pointing_game(maps, pairs.masks[:, k]).mean() for k in (0, 1))
    within(hit - miss, -0.25, 0.25, "share of peaks on the class's own object, less on the other")
    return "The law proves the arithmetic, not the knowledge."
