"""The pictures that are drawn while the site is built: ``python -m drawings FOLDER`` in ``book/``.

The start page's picture (one scene, two classes, two maps, one law), the same scene as each chapter sees it for the
map of the course, and all that the live figures need.
"""

import importlib
import json
import pkgutil
import sys
from pathlib import Path

import cv2
import live
import numpy as np
from matplotlib.colors import to_rgb
from PIL import Image
from skimage.data import chelsea

import camlib
from camlib import debugging, enhancement, evaluation, plots, priors, scenes

SCENE = dict(seed=113, objects=2, first=37)  # a mug and a house
SIDE = 288  # pixels of a chapter's picture
METHODS = (camlib.class_activation_map, camlib.layer_cam, camlib.score_cam, camlib.occlusion_map)


def hero(network, scene):
    """The scene and the maps of its two classes; above each map, that its mean and the bias are the logit."""
    probe = camlib.Probe(network)
    _, logits = probe.forward(scene.images)
    _, bias = probe.head()
    figure, (first, *axes) = plots.plt.subplots(1, 3, figsize=(7.6, 3.1), layout="constrained")
    first.imshow(scene.images[0])
    first.set_title("What does\nthe network see?", fontsize=12)
    maps = [camlib.class_activation_map(network, scene.images, int(c))[0] for c in scene.labels[0]]
    limit = np.abs(maps).max()
    for axis, map, c, box, color in zip(axes, maps, scene.labels[0], scene.boxes[0], plots.BOX_COLORS, strict=False):
        axis.imshow(map, cmap="RdBu_r", vmin=-limit, vmax=limit)
        law = f"{scenes.CLASSES[c]}: mean {map.mean():.2f}\n+ bias {bias[c]:.2f} = logit {logits[0, c]:.2f}"
        axis.set_title(law.replace("-", "−"), fontsize=12)
        plots.draw_box(first, box, color)
    for axis in (first, *axes):
        axis.set_axis_off()
    return figure


def views(network, scene):
    """The scene as each chapter sees it: chapter -> (SIDE, SIDE, 3)."""
    images, c = scene.images, int(scene.labels[0, 0])
    image, A = images[0], camlib.feature_maps(network, images, ["relu1", "relu4"])
    grey = images.mean(3, keepdims=True)
    edges = camlib.cross_correlation(grey, np.float32([[-1, 0, 1]] * 3)[:, :, None, None])[0, :, :, 0]
    strongest = np.argsort(-A["relu1"][0].max((0, 1)))[:9].reshape(3, 3)
    tiles = np.block([[camlib.normalize_map(A["relu1"][0, :, :, k], "relu") for k in row] for row in strongest])
    W, _ = camlib.Probe(network).head()
    favourite = int((W[:, c] * A["relu4"][0].mean((0, 1))).argmax())
    back = camlib.deconvolve(network, images, "relu4", favourite)[0]
    maps = [method(network, images, c)[0] for method in METHODS]
    large = camlib.resize_map(maps[0], scenes.SIZE)
    box = camlib.bounding_boxes(large, 0.4)[:1]
    tagged, _ = debugging.tag(images, scene.labels[:, 0], scene.boxes[:, 0], seed=0, only=None)
    caught = camlib.class_activation_map(debugging.load(), tagged, scenes.CLASSES.index(debugging.TAGGED))[0]
    kept = np.ones(large.size)
    kept[evaluation.removal_order(large[None])[0, :large.size // 8]] = 0
    four = [signed(camlib.resize_map(map, scenes.SIZE)) for map in maps]
    return {
        1: signed(edges),
        2: image[4::8, 4::8],
        3: camlib.colorize(tiles),
        4: 0.5 + back / (2 * np.abs(back).max()),
        5: camlib.maximize_activation(network, None, c, transforms=priors.jitter(8)),
        6: signed(camlib.occlusion_map(network, images, c)[0]),
        7: signed(maps[0]),
        8: over(image, camlib.grad_cam(network, images, c, layer="relu3")[0]),
        9: chelsea()[:300, 75:375] / np.float32(255),
        10: framed(image, scene.boxes[0, 0], box[0]),
        11: enhancement.crop(images, enhancement.windows_around(box, scenes.SIZE))[0],
        12: over(tagged[0], caught),
        13: image * kept.reshape(*large.shape, 1),
        14: np.vstack([np.hstack(four[:2]), np.hstack(four[2:])]),
    }


def signed(map):
    """A map in red and blue, zero white."""
    return camlib.colorize(camlib.normalize_map(map, "symmetric"), signed=True)


def over(image, map):
    """A map's positive part over its image."""
    return camlib.overlay(image, camlib.normalize_map(camlib.resize_map(map, image.shape[:2]), "relu"), alpha=0.6)


def framed(image, *boxes):
    """The image, three times as large, with boxes in the course's colours."""
    large = np.ascontiguousarray(image.repeat(3, 0).repeat(3, 1))
    for box, color in zip(boxes, plots.BOX_COLORS, strict=False):
        corners = [[int(3 * x) for x in box[:2]], [int(3 * x) - 1 for x in box[2:]]]
        cv2.rectangle(large, *corners, (0, 0, 0), 7)
        cv2.rectangle(large, *corners, to_rgb(color), 4)
    return large


def square(picture):
    """The picture at SIDE by SIDE pixels: cells stay cells, larger pictures are averaged."""
    way = cv2.INTER_NEAREST if len(picture) < SIDE else cv2.INTER_AREA
    bytes = np.uint8(np.round(np.clip(picture, 0, 1) * 255))
    return Image.fromarray(cv2.resize(bytes, (SIDE, SIDE), interpolation=way))


def main(folder):
    camlib.repeatable()
    plots.use_style()
    network, scene = camlib.course_network.load(), scenes.make(1, **SCENE)
    hero(network, scene).savefig(folder / "hero.png", dpi=180, bbox_inches="tight")
    for chapter, picture in views(network, scene).items():
        square(picture).save(folder / f"chapter_{chapter}.png")
    for _, name, _ in pkgutil.iter_modules(live.__path__):
        figure = importlib.import_module(f"live.{name}")
        data = figure.data()
        figure.still(data).savefig(folder / f"{name}.png", dpi=110, bbox_inches="tight")
        (folder / f"{name}.json").write_text(json.dumps(data, separators=(",", ":"), allow_nan=False))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
