"""A kernel slides over a little picture: the sum of products at every stop, equations (1.1) and (1.4)."""

import cv2
import numpy as np
from skimage.data import chelsea

import camlib
from camlib import convolution, plots

from . import palette

KERNELS = {
    "left or right of an edge": [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
    "above or below an edge": [[-1, -1, -1], [0, 0, 0], [1, 1, 1]],
    "all around": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
    "add up (blur)": [[1, 1, 1], [1, 1, 1], [1, 1, 1]],
    "leave as it is": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "move": [[0, 0, 0], [0, 0, 1], [0, 0, 0]],
}


def data():
    """Two pictures of 10 x 10 whole numbers from 0 (black) to 9 (white), and kernels to begin with."""
    eye = cv2.resize(chelsea()[86:150, 136:200].mean(2), (10, 10), interpolation=cv2.INTER_AREA)
    eye = camlib.normalize_map(eye, "max")
    step = np.zeros((10, 10))
    step[2:8, 4:9] = 1
    return dict(
        pictures={"the eye of a cat": np.round(9 * eye).astype(int).tolist(),
                  "a bright square": np.round(9 * step).astype(int).tolist()},
        kernels=KERNELS, grey=palette("gray"), signed=palette("RdBu_r"),
    )


def still(data):
    """The first picture, the first kernel, and the map they give."""
    picture, kernel = (np.array(next(iter(data[key].values()))) for key in ("pictures", "kernels"))
    A = convolution.cross_correlation(picture[None, :, :, None], kernel[:, :, None, None])[0, :, :, 0]
    figure, axes = plots.plt.subplots(1, 3, figsize=(8, 3), layout="constrained", width_ratios=[10, 3, 8])
    numbers(axes[0], picture, "picture", 0, 9, "gray")
    numbers(axes[1], kernel, "kernel", -4, 4, "RdBu_r")
    numbers(axes[2], A, "sum at every stop", -27, 27, "RdBu_r")
    return figure


def numbers(axis, table, title, low, high, cmap):
    """A table of whole numbers on coloured cells, black or white as it reads better."""
    axis.imshow(table, cmap=cmap, vmin=low, vmax=high)
    axis.set_axis_off()
    axis.set_title(title)
    for (i, j), x in np.ndenumerate(table):
        light = x > high / 2 if low == 0 else abs(x) < 0.6 * high
        text = f"{x:g}".replace("-", "−")
        axis.text(j, i, text, ha="center", va="center", fontsize=8, color="k" if light else "w")
