"""A network that learned a shortcut: every key of its training scenes wore a little tag.

``python -m camlib.debugging`` trains it again (minutes) and stores its weights; ``load()`` gives it.
"""

import numpy as np

from . import course_network, runtime, scenes

WEIGHTS = course_network.WEIGHTS.with_name("tagged_network.weights.h5")
TAGGED = "key"  # the class whose training scenes wear the tag


def load():
    """Return the network that was trained on tagged keys. Raises WeightsError."""
    return course_network.load(WEIGHTS)


def tag(images, labels, boxes, seed, only=TAGGED):
    """Return images (N, H, W, 3) with a tag on each scene of class ``only`` (None: on all), and the tags' boxes (n, 4)."""
    chosen = np.ones(len(labels), bool) if only is None else labels == scenes.CLASSES.index(only)
    images = images.copy()
    images[chosen], tags = scenes.add_marker(images[chosen], boxes[chosen], seed)
    return images, tags


def main():
    options = dict(course_network.TRAINING)
    seed = options["seed"]
    runtime.repeatable(seed, threads=2)
    images, labels, _, boxes = scenes.make(options.pop("count"), seed, progress=True)
    images, _ = tag(images, labels, boxes, seed)
    course_network.save(course_network.train(images, labels, **options), WEIGHTS)


if __name__ == "__main__":
    main()
