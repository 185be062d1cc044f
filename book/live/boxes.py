"""Threshold, region, box, IoU: equations (7.13), (10.2) and (10.4) to (10.6) for every threshold in steps of 0.01."""

import numpy as np

import camlib
from camlib import plots, scenes
from camlib.localization import bounding_boxes, box_hits, intersection_over_union

from . import palette, picture, rounded

SCENES = 96, 0, 57, 70, 68, 12  # of seed 2: a key, an umbrella, … whose good thresholds lie far apart
THRESHOLDS = [step / 100 for step in range(1, 101)]
PAPER = 0.2


def six():
    """The six scenes of the figure, and their maps at the size of the image."""
    drawn = scenes.Scenes(*map(np.concatenate, zip(*(scenes.make(1, seed=2, first=n) for n in SCENES), strict=True)))
    return drawn, maps(drawn)


def whole_set():
    """The 200 scenes on which one threshold is chosen, and their maps: none of them is one of the six."""
    drawn = scenes.make(200, seed=3)
    return drawn, maps(drawn)


def maps(drawn):
    """The map of each scene's own class, at the size of the image."""
    network = camlib.course_network.load()
    return camlib.resize_map(camlib.class_activation_map(network, drawn.images, drawn.labels), scenes.SIZE)


def percent(map):
    """The pixels in whole per cent of the maximum, rounded down: each is kept at every threshold up to its own."""
    return np.sum([map >= t * map.max() for t in THRESHOLDS], 0).ravel()


def data():
    """Six scenes with their maps, and for 200 others the share of found boxes at every threshold."""
    (drawn, own), (others, of_others) = six(), whole_set()
    hits = np.array([box_hits(of_others, others.boxes, t) for t in THRESHOLDS])
    small = np.round(drawn.images * 31) / 31  # 32 steps a colour halve the file, and the eye sees no difference
    return dict(
        scenes=[dict(name=scenes.CLASSES[c], image=picture(image), truth=box.tolist(), map=percent(map).tolist())
                for image, c, map, box in zip(small, drawn.labels, own, drawn.boxes, strict=True)],
        share=rounded(hits.mean(1), 4), best=int(hits.mean(1).argmax()) + 1, each=float(hits.any(0).mean()),
        paper=round(100 * PAPER), heat=palette("inferno", 100),
    )


def still(data):
    """The six scenes with the set's one threshold above, and each with its own best threshold below."""
    (drawn, own), pictures, titles, boxes = six(), [], [], []
    for choose in (lambda map, truth: data["best"] / 100, best):
        for image, map, truth in zip(drawn.images, own, drawn.boxes, strict=True):
            t = choose(map, truth)
            box = bounding_boxes(map, t)[0]
            overlap = intersection_over_union(box, truth)
            grey = image.mean(2, keepdims=True).repeat(3, 2)
            heat = camlib.overlay(grey, camlib.normalize_map(map, "relu"), alpha=0.65)
            pictures.append(np.where((map >= t * map.max())[..., None], heat, grey))
            titles.append(f"t = {t:.2f}\nIoU {overlap:.2f} {'found' if overlap >= 0.5 else 'missed'}")
            boxes.append([truth, box])
    return plots.show(pictures, titles, columns=len(SCENES), boxes=boxes, size=1.35)


def best(map, truth):
    """The threshold whose box overlaps the true one most: it looks at the truth, so it is no method."""
    overlaps = [intersection_over_union(bounding_boxes(map, t)[0], truth) for t in THRESHOLDS]
    return THRESHOLDS[int(np.argmax(overlaps))]
