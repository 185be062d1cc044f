"""Self-checks of chapter 1: convolution."""

import numpy as np
from scipy import signal

from ..checks import choice, number, same, shaped
from . import exercise

STEP = np.array([[20, 10]], np.uint8)


@exercise
def separable(column, row, saved, split):
    """``column`` (5, 1) times ``row`` (1, 5) is the Gaussian; the products ``saved``; what else can be ``split``."""
    shaped(column, (5, 1), "your column")
    shaped(row, (1, 5), "your row")
    line = np.array([1, 4, 6, 4, 1])
    same(np.multiply(column, row), np.outer(line, line) / 256, "your column times your row")
    number(saved, 64 * 64 * (25 - 10), "products saved", wrong={
        "that is what the 5 × 5 kernel costs": 64 * 64 * 25,
        "that is what the two thin kernels cost": 64 * 64 * 10,
        "only one of the two thin kernels is counted": 64 * 64 * (25 - 5),
        'that is without padding; "same" has a cell for each pixel': 60 * 60 * 25 - 60 * (64 + 60) * 5})
    choice(split, {"Sobel"}, {
        "Sobel": "", "Laplacian": "In a column times a row, every row is a multiple of one row."}, "what can be split")
    return "The wider the kernel, the more it saves: large blurs are computed as two thin ones."


@exercise
def border(differ, outside, equal):
    """Cells that ``differ`` of 24 × 30; what OpenCV puts ``outside``; ``equal`` (picture, kernel) -> "same"."""
    number(differ, 24 * 30 - 22 * 28, "cells that differ", wrong={
        "that is how many agree": 22 * 28, "each corner lies in a row and in a column; count it once": 2 * (24 + 30),
        "that is all there are": 24 * 30})
    choice(outside, "mirror", {
        "zeros": 'Then it would agree with our "same".', "mirror": "",
        "copies": "That repeats the outermost pixel. Try it on one row of numbers."}, "outside")
    rng = np.random.default_rng(1)
    for size, sides in (((9, 7), (3, 3)), ((6, 11), (5, 3)), ((8, 8), (1, 5))):
        picture, kernel = rng.normal(size=size), rng.normal(size=sides)
        same(equal(picture, kernel), signal.correlate2d(picture, kernel, "same"),
             f"equal(picture {size}, kernel {sides})", wrong={
                 "OpenCV's own border": signal.correlate2d(_mirrored(picture, sides), kernel, "valid"),
                 "the kernel is turned by 180°": signal.convolve2d(picture, kernel, "same")})
    return "Only the rim tells the two libraries apart, and a network of many layers carries it inwards."


@exercise
def bytes(by_numpy, by_opencv, difference):
    """What each makes of the step from 20 to 10 in bytes; ``difference`` (H, W) bytes -> (H, W - 1), signed."""
    step = {"that is the true difference": -10, "a byte has no sign, but the size of the step is lost, too": 10}
    wraps, clips = int((STEP[0, 1:] - STEP[0, :1])[0]), 0
    number(by_numpy, wraps, "by NumPy", wrong=step | {"NumPy does not stop at 0": clips})
    number(by_opencv, clips, "by OpenCV", wrong=step | {"OpenCV does not begin again at the other end": wraps})
    for size in ((1, 4), (5, 7), (8, 3)):
        picture = np.random.default_rng(2).integers(0, 256, size, dtype=np.uint8)
        picture[0, :2] = 255, 0
        same(difference(picture), np.diff(picture.astype(int)), f"difference of bytes {size}", wrong={
            "bytes that begin again at the other end": np.diff(picture),
            "cut off at 0, as OpenCV does": np.maximum(np.diff(picture.astype(int)), 0),
            "left neighbour minus pixel": -np.diff(picture.astype(int))})
    return "In bytes an edge from bright to dark is lost or becomes a bright one: make floats first."


@exercise
def associative(for_convolution, for_correlation):
    """Functions of kernels v, w (3, 3) -> the one kernel (5, 5) of both layers, for either kind of layer."""
    rng = np.random.default_rng(3)
    for v, w in rng.normal(size=(3, 2, 3, 3)):
        wrong = {"one kernel was slid over the other by cross-correlation": signal.correlate2d(v, w),
                 "one kernel was slid over the other by cross-correlation, and the result turned":
                 signal.correlate2d(w, v), "the whole is turned by 180°": signal.convolve2d(v, w)[::-1, ::-1]}
        for kernel, layer, name in ((for_convolution, signal.convolve2d, "convolution"),
                                    (for_correlation, signal.correlate2d, "cross-correlation")):
            found = kernel(v, w)
            same(found, signal.convolve2d(v, w), f"the kernel for layers of {name}", wrong=wrong)
            picture = rng.normal(size=(9, 8))
            same(layer(picture, found, "valid"), layer(layer(picture, v, "valid"), w, "valid"), "one layer")
    return "Without something bent between them, any stack of layers is a single convolution."


@exercise
def dilated(field, seen):
    """``field`` (dilations) -> pixels that a cell sees behind layers of kernel 3; the strips ``seen`` (63,)."""
    for dilations in ((1, 2, 4, 8), (1, 1, 1, 1), (3,), (2, 1, 5)):
        number(field(dilations), len(_reached(dilations)), f"field({list(dilations)})", wrong={
            "the number of weights, not of pixels between first and last": 3 * len(dilations),
            "each layer's reach in full: neighbouring windows overlap": sum(2 * d + 1 for d in dilations),
            "what the last layer sees in its own input": 2 * dilations[-1] + 1,
            "one side only: the window reaches to both": 1 + sum(dilations)})
    strips = np.arange(63) - 31
    same(np.not_equal(seen, 0), np.isin(strips, list(_reached((1, 2, 4, 8)))), "seen", wrong={
        "these are what layers without dilation see": np.isin(strips, list(_reached((1, 1, 1, 1)))),
        "these are what the last layer sees in its own input": np.isin(strips, (-8, 0, 8))})
    return "The field doubles with each layer, and not one weight more is needed."


def _reached(dilations):
    """The places, relative to the cell, that a stack of kernels of 3 weights can read: found by walking."""
    places = {0}
    for d in dilations:
        places = {place + step for place in places for step in (-d, 0, d)}
    return range(min(places), max(places) + 1)


def _mirrored(picture, sides):
    return np.pad(picture, [(side // 2, side // 2) for side in sides], "reflect")
