"""The live figures of the site: for each a module with its data and its still picture, and a script.

``NAME.py`` has ``data()``, what camlib computes for the figure, as plain lists and numbers, and ``still(data)``, the
picture for print and for pages without JavaScript. ``NAME.js`` draws the figure from the data and answers the reader.
``live.js`` and ``live.css`` hold what the figures share. In a text, ``:::{live} NAME`` puts the figure there.
"""

import base64
from io import BytesIO

import matplotlib
import numpy as np
from PIL import Image


def rounded(array, digits=3):
    """Nested lists of an array's numbers, to so many digits after the point; whole numbers stay short."""
    return np.round(np.asarray(array, float), digits).tolist()


def palette(name, steps=64):
    """A colour map of matplotlib, from its lowest to its highest value, as #rrggbb."""
    return [matplotlib.colors.to_hex(matplotlib.colormaps[name](x)) for x in np.linspace(0, 1, steps + 1)]


def picture(image):
    """An image (H, W, 3), 0..1, as the address of a picture that lies in the data itself."""
    file = BytesIO()
    Image.fromarray(np.uint8(np.round(np.asarray(image) * 255))).save(file, "webp", lossless=True, method=6)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()
