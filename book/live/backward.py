"""The way back through max-pooling and ReLU: three rules, with switches or without, equations (4.6), (4.8), (4.9).

In numbers on a map of 4 x 4 cells, and on the course network: what one unit draws by each of the six choices.
"""

import numpy as np

import camlib
from camlib import deconvolution, plots, scenes
from camlib.feature_maps import receptive_field_of
from camlib.saliency import magnitude

from . import palette, picture, rounded

RULES = tuple(deconvolution.RULES)
LAYER = "relu4"
UNITS = ((3, 50), (1, 49), (2, 29))  # scene and channel, the chapter's
X = [[1, -2, -1, 2], [-3, 3, -2, 1], [-2, -4, 5, 5], [-1, -3, 4, 5]]  # behind ReLU it is the map of round 4
R = [[8, -4], [4, 8]]


def data():
    """The numbers to begin with, and for three scenes the six pictures of a unit and their shares on the object."""
    network, some = camlib.course_network.load(), scenes.make(6, seed=12)
    return dict(x=X, R=R, units=[unit(network, some, n, channel) for n, channel in UNITS],
                signed=palette("RdBu_r"), heat=palette("inferno"))


def unit(network, some, n, channel):
    """What ``channel`` can see of scene ``n`` and draws of it, by each rule and switch; shares on the object."""
    image, mask, field = some.images[[n]], some.masks[n], seen(network, some.images[[n]], channel)
    pictures, shares = {}, {}
    for rule in RULES:
        for on in (True, False):
            signal = deconvolution.deconvolve(network, image, LAYER, channel, rule, on)
            m = magnitude(signal)[0]
            pictures[f"{rule} {on}".lower()] = picture(in_colour(signal[0])[field])
            shares[f"{rule} {on}".lower()] = float(rounded((m * mask).sum() / m.sum(), 2))
    return dict(name=scenes.CLASSES[some.labels[n]], channel=channel, scene=picture(image[0][field]),
                area=float(rounded(mask[field].mean(), 2)), pictures=pictures, shares=shares)


def seen(network, image, channel):
    """Rows and columns of the receptive field of the channel's strongest unit, moved into the image."""
    A, _ = camlib.Probe(network, LAYER).forward(image)
    cell = np.unravel_index(A[0, :, :, channel].argmax(), A.shape[1:3])
    size, jump, start = receptive_field_of(network, LAYER)
    return tuple(slice(first, first + size) for first in np.clip(start + jump * np.array(cell), 0, scenes.SIZE - size))


def in_colour(signal):
    """The chapter's display: grey is zero; the 50 strongest values are cut off, and few levels keep the file small."""
    limit = np.sort(np.abs(signal).ravel())[-50]
    return np.clip(0.5 + 0.5 * np.round(16 * signal / limit) / 16, 0, 1)


def back(x, signal, rule, on):
    """What goes on (4, 4) of ``signal`` (2, 2), and what came out of unpooling, by camlib."""
    x, signal = (np.array(values, float)[None, :, :, None] for values in (x, signal))
    A = np.maximum(x, 0)
    unpooled = deconvolution.unpool(signal, deconvolution.switches(A) if on else None, A.shape[1:3])
    return (deconvolution.relu_back(unpooled, x, rule) + 0)[0, :, :, 0], unpooled[0, :, :, 0]


def still(data):
    """The input and the signal, and what goes on by all six choices; a stopped cell tells its reason."""
    x, signal = np.array(data["x"]), np.array(data["R"])
    figure, axes = plots.plt.subplots(2, 4, figsize=(7.6, 4.1), layout="constrained")
    table(axes[0, 0], x, 5, "input x, maxima ringed")
    table(axes[1, 0], signal, 8, "signal R from above")
    places = deconvolution.switches(np.maximum(x, 0)[None, :, :, None])[0, :, :, 0]
    for (i, j), place in np.ndenumerate(places):
        axes[0, 0].add_patch(plots.plt.Circle((2 * j + place % 2, 2 * i + place // 2), 0.36, fill=False, color="k"))
    for row, on in zip(axes[:, 1:], (True, False), strict=True):
        for axis, rule in zip(row, RULES, strict=True):
            passed, unpooled = back(x, signal, rule, on)
            why = np.where(unpooled != passed, reasons(x, unpooled, rule), "")
            table(axis, passed, 8, f"{rule}, {'on' if on else 'off'}", why)
    return figure


def reasons(x, unpooled, rule):
    """Why a signal stops, in every cell, whether one arrives or not."""
    shut = np.where((x <= 0) & (rule != "deconvnet"), "x ≤ 0", "")
    negative = np.where((unpooled < 0) & (rule != "gradient"), "R < 0", "")
    return np.char.strip(np.char.add(np.char.add(shut, "\n"), negative))


def table(axis, values, limit, title, words=None):
    """Signed numbers with zero in the middle; instead of some of them words."""
    axis.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit)
    axis.set_title(title)
    axis.set_axis_off()
    half = len(values) // 2 - 0.5
    axis.axvline(half, color="0.5", lw=1)
    axis.axhline(half, color="0.5", lw=1)
    for (i, j), number in np.ndenumerate(values):
        word = words[i, j] if words is not None else ""
        axis.text(j, i, word or f"{number:g}".replace("-", "−"), ha="center", va="center", fontsize=6 if word else 8,
                  color="w" if abs(number) > 0.6 * limit else "k")
