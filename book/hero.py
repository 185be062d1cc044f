"""Draws the picture of the start page and the README: one scene, two classes, two maps, one law."""

from pathlib import Path

import camlib
from camlib import plots, scenes

camlib.repeatable()
plots.use_style()
network = camlib.course_network.load()
images, labels, _, boxes = scenes.make(1, seed=113, objects=2, first=37)
probe = camlib.Probe(network)
_, logits = probe.forward(images)
_, bias = probe.head()

pictures, titles, frames = [images[0]], ["What does\nthe network\nsee?"], [list(boxes[0])]
for c in labels[0]:
    map = camlib.class_activation_map(network, images, int(c))[0]
    pictures.append(map)
    titles.append(f"{scenes.CLASSES[c]}\nmean {map.mean():.2f} + bias {bias[c]:.2f}\n= logit {logits[0, c]:.2f}")
    frames.append([])
figure = plots.show(pictures, titles, boxes=frames, size=2.1)
figure.savefig(Path(__file__).parent / "assets" / "hero.png", dpi=180)
