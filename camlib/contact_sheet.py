"""Contact sheets: pages of little pictures, each photo beside its overlay, with its name and the network's answer."""

import re
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .errors import ImageError
from .images import load_image, resize_image

NAME = re.compile(r"contact_sheet(_\d+)?\.png")
TILES, COLUMNS = 60, 4
THUMB, GAP, TEXT = 160, 14, 42  # pixels: side of a thumbnail, between tiles, height of two lines below
FONT = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")  # Pillow's own font has no letter ë
INK, FADED, ALERT = "#1a1a1a", "#6b6b6b", "#a11212"


def page_names(count):
    """The names of the pages that ``count`` photos need."""
    pages = -(-count // TILES)
    return ["contact_sheet.png"] if pages == 1 else [f"contact_sheet_{i + 1}.png" for i in range(pages)]


def draw_page(tiles, title):
    """Return a Pillow image with ``tiles``, each (path of the photo, path of the overlay, line of results)."""
    columns = min(COLUMNS, len(tiles))
    wide, high = 2 * THUMB + GAP, THUMB + TEXT
    page = Image.new("RGB", (GAP + columns * wide, 40 + -(-len(tiles) // columns) * high), "white")
    pen = ImageDraw.Draw(page)
    _write(pen, (GAP, 12), title, 16, columns * wide - GAP, INK)
    for i, (photo, overlay, line) in enumerate(tiles):
        x, y = GAP + i % columns * wide, 40 + i // columns * high
        for side, path in enumerate((photo, overlay)):
            _paste(page, path if "error" not in line else None, x + side * THUMB, y)
        _write(pen, (x, y + THUMB + 3), line["file"], 13, 2 * THUMB, INK)
        _write(pen, (x, y + THUMB + 20), *_answer(line))
    return page


def printable(text):
    """``text`` on one line: what a screen could stumble over, as in odd file names, is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in str(text))


def called(one):
    """What to call a class {"index", "name"}: one without a name is "class 3"."""
    return f"class {one['index']}" if one["name"] == str(one["index"]) else one["name"]


def _answer(line):
    """The second line of a tile, as the last arguments of ``_write``."""
    if "error" in line:
        return "not explained: see results.jsonl", 13, 2 * THUMB, ALERT
    best, shown = line["top"][0], line["class"]
    text = f"{called(best)} {best['probability']:.0%}"
    if shown and shown["index"] != best["index"]:
        text += f"; map of {called(shown)}"
    return text + (": nowhere positive" if line["box"] is None else ""), 13, 2 * THUMB, FADED


def _paste(page, path, x, y):
    """Fit the picture at ``path`` into the square at (x, y); without one the square is grey."""
    try:
        pixels = np.full((1, 1, 3), 0.9, np.float32) if path is None else load_image(path)
    except ImageError:  # it was there a moment ago
        pixels = np.full((1, 1, 3), 0.9, np.float32)
    height, width = pixels.shape[:2]
    scale = (THUMB - 2) / max(height, width)
    shape = max(1, round(height * scale)), max(1, round(width * scale))
    small = Image.fromarray(np.rint(255 * resize_image(pixels, shape)).astype(np.uint8))
    page.paste(small, (x + (THUMB - shape[1]) // 2, y + (THUMB - shape[0]) // 2))


def _write(pen, place, text, size, width, color):
    """Write one line of text; if it is wider than ``width`` its middle gives way to dots."""
    font, text, kept = ImageFont.truetype(FONT, size), printable(text), len(text)
    shown = text
    while font.getlength(shown) > width and kept > 2:
        kept -= 1
        shown = text[:kept // 2] + "…" + text[len(text) - (kept - kept // 2):]
    pen.text(place, shown, color, font)
