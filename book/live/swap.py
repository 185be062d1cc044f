"""The sums swapped: weights times maps are a map, its mean plus the bias is the logit, equations (7.1) to (7.12)."""

import numpy as np

import camlib
from camlib import plots, scenes

from . import palette, picture, rounded

SEED, NUMBERS = 22, (3, 11, 14)  # good examples: both maps of each peak in the box of their own object


def pairs():
    """Three scenes with two objects each, one after the other."""
    return [scenes.make(1, SEED, objects=2, first=n) for n in NUMBERS]


def data():
    """The head of the course network, and of three scenes the picture, the last maps and the logits."""
    probe = camlib.Probe(camlib.course_network.load())
    W, b = probe.head()
    shown = []
    for scene in pairs():
        A, logits = probe.forward(scene.images)
        shown.append(dict(picture=picture(scene.images[0]), labels=scene.labels[0].tolist(),
                          boxes=scene.boxes[0].tolist(), maps=rounded(A[0], 4), logits=rounded(logits[0], 4)))
    return dict(classes=scenes.CLASSES, W=rounded(W, 5), b=rounded(b, 5), scenes=shown,
                signed=palette("RdBu_r"), colours=plots.BOX_COLORS)


def still(data):
    """One scene, the maps of its two classes, and the law below each."""
    scene, image = data["scenes"][0], pairs()[0].images[0]
    M = camlib.cam.class_activation_maps(np.array(scene["maps"])[None], np.array(data["W"]))[0]
    both = [M[:, :, c] for c in scene["labels"]]
    names = [data["classes"][c] for c in scene["labels"]]
    figure = plots.show([image, *both], [f"{names[0]} and {names[1]}", *[f"map of {name}" for name in names]],
                        boxes=[scene["boxes"], [], []], size=2.6)
    for axis, map, c in zip(figure.axes[1:3], both, scene["labels"], strict=True):
        law = f"mean {map.mean():.2f}  + bias {data['b'][c]:.2f}\n= logit {scene['logits'][c]:.2f}"
        axis.text(0.5, -0.06, law.replace("-", "−"), transform=axis.transAxes, ha="center", va="top")
    return figure
