"""Pictures as light as they can be without losing a dot: lossless WebP, made while the site is built.

The page keeps a place for each, and loads those further down when the reader gets there.
Notebooks keep their own pictures, so a downloaded one is untouched.
"""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from docutils import nodes
from PIL import Image
from sphinx.transforms.post_transforms import SphinxPostTransform

WIDEST = 2 * 46 * 16  # the column is 46rem, and a fine screen has two dots for each


class Lighter(SphinxPostTransform):
    """Show WebP in place of PNG, and note each picture's size and how soon it is wanted."""

    default_priority = 200  # an output's pictures are chosen by now
    formats = ("html",)

    def run(self, **kwargs):
        pictures = [node for node in self.document.findall(nodes.image)
                    if node["uri"].endswith(".png") and "?" not in node["candidates"]]  # "?": it lies elsewhere
        with ThreadPoolExecutor() as pool:  # Pillow encodes on all cores
            made = list(pool.map(self.lighter, (Path(self.app.srcdir, node["uri"]) for node in pictures)))
        for i, (node, (path, (width, height))) in enumerate(zip(pictures, made, strict=True)):
            self.env.images.add_file(self.env.docname, str(path))
            node["uri"] = str(path)
            first = 'fetchpriority="high"' if i == 0 else 'loading="lazy"'
            node["attributes"] = f'width="{width}" height="{height}" decoding="async" {first}'

    def lighter(self, path):
        """The picture's new file, made anew only when the picture changes, and the size (w, h) to show it in."""
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:20]
        target = Path(self.app.doctreedir) / "pictures" / f"{digest}.webp"
        with Image.open(path) as picture:
            size = picture.size
            if not target.is_file():
                target.parent.mkdir(exist_ok=True)
                light = picture.convert("RGBA")
                light.thumbnail((WIDEST, 100 * WIDEST))
                light.save(target, lossless=True, method=2, quality=75)
        return target, size


def visit_image(self, node):
    """The theme's own tag, with what it leaves out."""
    type(self).visit_image(self, node)
    if "attributes" in node:
        self.body[-1] = self.body[-1].replace("<img ", f"<img {node['attributes']} ", 1)


def depart_image(self, node):
    type(self).depart_image(self, node)


def setup(app):
    app.add_post_transform(Lighter)
    app.add_node(nodes.image, override=True, html=(visit_image, depart_image))
