"""How good is a heat map? Measures that need no truth, checks that a map must pass, and maps it must beat.

Letters as in chapter 13: image I (N, H, W, C), heat map L (N, H, W), fill f, T steps, p_c the probability of the class.
Measures that need the truth are in ``localization``: pointing_game, energy_in_mask, box_accuracy.
"""

from numbers import Real

import cv2
import numpy as np
from scipy import stats

from .errors import CamlibError, LayerError, MapError, TargetError, near_names, whole
from .images import as_batch, as_numbers, height_width, normalize_map, resize_map
from .occlusion import fill_pictures
from .probe import by_class, probe
from .runtime import keras, with_progress

# -- without truth: take the picture apart, and ask the network ----------------------------------------


def removal_order(maps, seed=0):
    """Return the pixels of each map (N, H, W), hottest first: (N, H W), each 0..H W - 1.

    Equal values come in a random order, so that no corner of the picture is preferred. Raises MapError.
    """
    flat = _maps(maps).reshape(len(maps), -1)
    shuffled = np.random.default_rng(whole(seed, 0, "seed")).permutation(flat.shape[1])
    return shuffled[np.argsort(-flat[:, shuffled], axis=1, kind="stable")]


def deletion_curve(model, images, maps, target=None, *, steps=16, fill="mean", seed=0, progress=False):
    """Return the score (N, T + 1) while the hottest t/T of the pixels show the fill, equation (13.2).

    ``maps`` (N, H, W) have the size of ``images`` (N, H, W, C): resize_map first. ``target``: a class, N classes or
    None (each image's top class), whose probability is the score; or a function of the logits, which is the score
    itself. ``fill``: see ``occlusion.fill_pictures``. Costs T + 1 forward passes [samek2017, petsiuk2018].
    Raises ImageError, MapError, TargetError, CamlibError.
    """
    look, images, maps, T = probe(model), as_batch(images), _maps(maps), whole(steps, 1, "steps")
    _check_sizes(images, maps)
    score_of = _score(look, images, target)
    shown = fill_pictures(images, fill)
    rank = np.argsort(removal_order(maps, seed), axis=1).reshape(*maps.shape, 1)
    counts = np.rint(np.arange(T + 1) * maps[0].size / T)
    curve = [score_of(look.logits(np.where(rank < count, shown, images)))
             for count in with_progress(counts, "removing pixels", progress)]
    return np.stack(curve, 1)


def insertion_curve(model, images, maps, target=None, **options):
    """Return the target's score (N, T + 1) while the hottest t/T of the pixels appear on the fill.

    It is the deletion curve of -L, read from its end, equation (13.4). Arguments as for ``deletion_curve``.
    """
    return deletion_curve(model, images, -_maps(maps), target, **options)[:, ::-1]


def area(curves):
    """Return the area (N,) under curves (N, T + 1) over 0..1, trapezoid rule, equation (13.3). Raises MapError."""
    curves = as_numbers(curves, MapError, "curves (N, T + 1)", doubles=True)
    if curves.ndim != 2 or curves.shape[1] < 2:
        raise MapError(f"curves (N, T + 1) have at least two points each, got {curves.shape}")
    return np.trapezoid(curves, dx=1 / (curves.shape[1] - 1), axis=1)


def deletion(model, images, maps, target=None, **options):
    """Return the area under each deletion curve (N,): small if the hot pixels were needed. See ``deletion_curve``."""
    return area(deletion_curve(model, images, maps, target, **options))


def insertion(model, images, maps, target=None, **options):
    """Return the area under each insertion curve (N,): large if the hot pixels suffice. See ``insertion_curve``."""
    return area(insertion_curve(model, images, maps, target, **options))


def confidence_drop(model, images, maps, target=None, fill=0.0):
    """Return the drop (N,) when the map alone decides what is seen, and whether the class rose (N,): equation (13.6).

    The picture is L' I + (1 - L') f with L' the map, its positive part stretched to 0..1 [chattopadhay2018]. The drop
    is max(0, p - p') / p, 0..1. ``target``: a class, N classes or None. Raises ImageError, MapError, TargetError.
    """
    if callable(target):
        raise TargetError("a drop is a share of the class's probability: give a class index, N of them, or None")
    look, images, maps = probe(model), as_batch(images), _maps(maps)
    _check_sizes(images, maps)
    score_of = _score(look, images, target)
    veil = normalize_map(maps, "relu")[..., None].astype(np.float32)
    before = score_of(look.logits(images))
    after = score_of(look.logits(veil * images + (1 - veil) * fill_pictures(images, fill)))
    lost = np.maximum(before - after, 0)
    return np.divide(lost, before, out=np.zeros_like(lost), where=before > 0), after > before


# -- what every method must beat -----------------------------------------------------------------------


def center_map(n, size):
    """Return ``n`` equal maps (n, H, W): a Gaussian hill in the middle, its sigma a sixth of each side."""
    height, width = height_width(size, MapError)
    y, x = ((np.arange(side) + 0.5) / side - 0.5 for side in (height, width))
    hill = np.exp(-18 * (y[:, None] ** 2 + x**2))
    return np.repeat(hill[None], whole(n, 1, "n"), 0)


def edge_map(images):
    """Return the edges of each image (N, H, W): length of the Sobel gradient of its grey value. No network is asked."""
    grey = as_batch(images).mean(3)
    return np.stack([np.hypot(*(cv2.Sobel(g, cv2.CV_32F, *axis) for axis in ((1, 0), (0, 1)))) for g in grey])


def random_map(n, size, seed=0, cells=12):
    """Return ``n`` smooth random maps (n, H, W): noise on ``cells`` x ``cells`` cells, enlarged."""
    shape = whole(n, 1, "n"), whole(cells, 1, "cells"), cells
    return resize_map(np.random.default_rng(whole(seed, 0, "seed")).normal(size=shape), size)


# -- checks that a map must pass -----------------------------------------------------------------------


def rank_correlation(a, b):
    """Return Spearman's correlation (N,) of each map of ``a`` (N, H, W) with its partner in ``b``, equation (13.7).

    1 if both put the cells in the same order, 0 if one order says nothing about the other [spearman1904]. A constant
    map puts nothing in order: 0. Raises MapError for different shapes.
    """
    a, b = _maps(a), _maps(b)
    if a.shape != b.shape:
        raise MapError(f"maps {a.shape} and {b.shape} cannot be compared: resize_map brings them to one size")
    flat = [(x.ravel(), y.ravel()) for x, y in zip(a, b, strict=True)]
    return np.array([stats.spearmanr(x, y).statistic if np.ptp(x) and np.ptp(y) else 0.0 for x, y in flat])


def randomized(model, layers, seed=0):
    """Return a copy of ``model`` whose ``layers`` (names) forgot what they learned: their weights are shuffled.

    Each array of weights keeps its values and loses their places, so that the signals stay of the same size; a map
    that explains the network must change [adebayo2018]. Raises LayerError, CamlibError.
    """
    if not isinstance(model, keras.Sequential) and not hasattr(model, "operations"):
        raise CamlibError(f"expected a Functional or Sequential keras.Model, which can be copied layer by layer, not "
                          f"{type(model).__name__}")
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    rng, names = np.random.default_rng(whole(seed, 0, "seed")), [layer.name for layer in copy.layers]
    for name in [layers] if isinstance(layers, str) or not np.iterable(layers) else layers:
        if name not in names:
            raise LayerError(f"no layer {name!r}.{near_names(name, names)}")
        layer = copy.get_layer(name)
        layer.set_weights([rng.permutation(w.ravel()).reshape(w.shape) for w in layer.get_weights()])
    return copy


def stability(explain, images, sigma=0.05, seed=0):
    """Return the rank correlation (N,) of the maps before and after noise of size ``sigma``, in the images' units.

    ``explain`` turns images (N, H, W, C) into maps (N, H, W); let it name the class, or the class may change with the
    noise. Raises CamlibError, ImageError, MapError.
    """
    if not (isinstance(sigma, Real) and 0 <= sigma < np.inf):
        raise CamlibError(f"sigma is the size of the noise, 0 or more, not {sigma!r}")
    if not callable(explain):
        raise CamlibError(f"explain is a function that turns images into maps, not {explain!r}")
    images = as_batch(images)
    noise = np.random.default_rng(whole(seed, 0, "seed")).normal(0, sigma, images.shape).astype(np.float32)
    return rank_correlation(explain(images), explain(images + noise))


def mislead(model, images, region, target=None, *, eps=8 / 255, steps=40, hold=1.0, sharp=0.1, limits=(0, 1),
            progress=False):
    """Return images (N, H, W, C) that differ by at most ``eps`` a value and whose CAM peaks in ``region``, if it can.

    Sign steps uphill on f = (soft peak of M_c in the region) - (soft peak outside) - (hold/2) sum_d (S_d - S_d(I))^2,
    equation (13.8); the last term holds the logits [ghorbani2019, dombrowski2019]. ``region``: bool, (h, w) cells of
    the last maps or one such mask an image; ``sharp``: how soft a peak is, as a share of the map's range; ``limits``:
    the range of the model's own units. CAM is linear in A, so f needs first derivatives only.
    Raises HeadError, TargetError, MapError, CamlibError.
    """
    look, start, limits = probe(model), as_batch(images), as_numbers(limits, CamlibError, "limits (low, high)")
    if limits.shape != (2,) or limits[0] >= limits[1]:
        raise CamlibError(f"limits are the lowest value of an image and the highest, not {limits}")
    for value, name in ((eps, "eps"), (hold, "hold"), (sharp, "sharp")):
        if not (isinstance(value, Real) and (0 < value < np.inf or value == hold == 0)):
            raise CamlibError(f"{name} is a number above 0 (hold may be 0), not {value!r}")
    A, S = look.forward(start)
    W, S, classes = by_class(look.head()[0]), by_class(S), look.classes(target, len(A), S)
    region, moved = _region(region, A.shape[:3]), start
    low, high = (np.clip(start + np.float32(side), *limits) for side in (-eps, eps))
    for step in with_progress(range(whole(steps, 1, "steps")), "moving the map", progress):
        A, logits = look.forward(moved)
        M = np.einsum("nijk,kn->nij", A, W[:, classes])
        pull = _soft_peak(M, region, sharp) - _soft_peak(M, ~region, sharp)
        push = hold / M[0].size * (by_class(logits) - S) @ W.T  # the same in each cell, for S is a mean over cells
        y = pull[..., None] * W[:, classes].T[:, None, None] - push[:, None, None]
        _, uphill = look.project(moved, y)
        stride = eps / 4 * (1 - step / steps)  # smaller and smaller, so that it settles
        moved = np.clip(moved + np.float32(stride) * np.sign(uphill), low, high)
    return moved


# -- parts ---------------------------------------------------------------------------------------------


def _score(look, images, target):
    """Return a function from logits (N, C) to the score (N,): a class's probability, or what ``target`` makes of them.

    Without a target the class is the top class of ``images`` as they are, whatever is done to them later.
    """
    if callable(target):
        return lambda logits: look.scores(logits, target)
    classes = look.classes(target, len(images), look.logits(images) if target is None else None)
    return lambda logits: look.probabilities(logits)[np.arange(len(images)), classes]


def _maps(maps):
    """``maps`` as finite numbers (N, H, W). Raises MapError."""
    maps = as_numbers(maps, MapError, "maps (N, H, W)", doubles=True)
    if maps.ndim != 3:
        raise MapError(f"expected maps (N, H, W), got shape {maps.shape}: write map[None] for one")
    return maps


def _check_sizes(images, maps):
    if maps.shape != images.shape[:3]:
        raise MapError(f"maps {maps.shape} do not lie on images {images.shape}: resize_map(maps, (H, W)) first")


def _soft_peak(M, where, sharp):
    """Return the weights (N, h, w), sum 1, of a mean over the cells ``where``: largest at the peak of M (N, h, w)."""
    heat = np.where(where, M / np.maximum(sharp * np.ptp(M, axis=(1, 2), keepdims=True), 1e-12), -np.inf)
    weights = np.exp(heat - heat.max((1, 2), keepdims=True))
    return weights / weights.sum((1, 2), keepdims=True)


def _region(region, shape):
    """``region`` as bool (N, h, w), each with cells inside and outside. Raises MapError."""
    region = np.asarray(region)
    if region.dtype == bool and region.shape in (shape, shape[1:]):
        region = np.broadcast_to(region, shape)
        if (region.any((1, 2)) & ~region.all((1, 2))).all():
            return region
    raise MapError(f"a region is True on some cells of the maps {shape[1:]} and False on others, one for all images "
                   f"or {shape[0]}; got {region.dtype} {region.shape}")
