"""Debugging: a network that learned a shortcut, the interventions that prove it, and attempts to repair it.

Letters as in chapter 12: I' is an image after an intervention, D = M' - M what it did to a class's map.
``python -m camlib.debugging`` trains the tagged network again (minutes); ``load()`` gives it.
"""

from numbers import Real

import numpy as np
from scipy.optimize import minimize

from . import course_network, runtime, scenes
from .cam import class_activation_map
from .errors import CamlibError, ImageError, MapError, TargetError, WeightsError, near_names, whole
from .images import as_batch, as_numbers, height_width
from .localization import as_boxes
from .runtime import keras

WEIGHTS = course_network.WEIGHTS.with_name("tagged_network.weights.h5")
TAGGED = "key"  # the class whose training scenes wear the tag


def load():
    """Return the network that was trained on tagged keys. Raises WeightsError."""
    return course_network.load(WEIGHTS)


# -- interventions -----------------------------------------------------------------------------------


def tag(images, labels, boxes, seed, only=TAGGED):
    """Return images (N, 96, 96, 3) with a tag on each scene of class ``only``, and the tags' boxes (n, 4).

    None tags all. The tag lies in a corner that the object leaves free. Raises TargetError for an unknown class.
    """
    if only is not None and only not in scenes.CLASSES:
        raise TargetError(f"no class {only!r} among the scenes.{near_names(only, scenes.CLASSES)}")
    images, labels, boxes = as_batch(images).copy(), np.asarray(labels), as_boxes(boxes)
    shapes, n, side = (images.shape, labels.shape, boxes.shape), len(images), scenes.SIZE
    if shapes != ((n, side, side, 3), (n,), (n, 4)):
        raise ImageError(f"images (N, {side}, {side}, 3), labels (N,) and boxes (N, 4) are needed, got {shapes}")
    chosen = np.ones(n, bool) if only is None else labels == scenes.CLASSES.index(only)
    tags = np.zeros((0, 4), int)
    if chosen.any():
        images[chosen], tags = scenes.add_marker(images[chosen], boxes[chosen], whole(seed, 0, "seed"))
    return images, tags


def free_places(boxes, side, seed, size=scenes.SIZE):
    """Return for each box (N, 4) a random square (N, 4) of ``side`` pixels inside the picture that does not touch it.

    Raises MapError if a box leaves no room for the square.
    """
    boxes, side, rng = as_boxes(boxes), whole(side, 1, "side"), np.random.default_rng(whole(seed, 0, "seed"))
    if boxes.ndim != 2:
        raise MapError(f"expected boxes (N, 4), got {boxes.shape}: write boxes[None] for one")
    y, x = np.mgrid[:size - side + 1, :size - side + 1]
    chosen = []
    for x0, y0, x1, y1 in boxes:
        corners = np.argwhere((x >= x1) | (x + side <= x0) | (y >= y1) | (y + side <= y0))
        if not len(corners):
            raise MapError(f"the box {[x0, y0, x1, y1]} leaves no room for {side} x {side} pixels: take a smaller side")
        top, left = rng.choice(corners)
        chosen.append((left, top, left + side, top + side))
    return np.array(chosen, int).reshape(-1, 4)


def cut(images, squares):
    """Return the pieces (N, s, s, C) of images (N, H, W, C) inside squares (N, 4) of one size. Raises MapError."""
    images, squares = _squares_in(images, squares)
    return np.stack([image[y0:y1, x0:x1] for image, (x0, y0, x1, y1) in zip(images, squares, strict=True)])


def paste(images, pieces, squares):
    """Return images (N, H, W, C) with ``pieces``, (N, s, s, C) or one value for all pixels, at squares (N, 4).

    Raises MapError for squares that are not inside, or pieces of another size.
    """
    images, squares = _squares_in(images, squares)
    images, side = images.copy(), squares[0, 2] - squares[0, 0]
    pieces = as_numbers(pieces, MapError, "pieces (N, s, s, C)", doubles=True)
    try:
        pieces = np.broadcast_to(pieces, (len(images), side, side, images.shape[-1]))
    except ValueError as cause:
        raise MapError(f"pieces {np.shape(pieces)} do not fit {len(images)} squares of {side} pixels") from cause
    for image, piece, (x0, y0, x1, y1) in zip(images, pieces, squares, strict=True):
        image[y0:y1, x0:x1] = piece
    return images


def hot_squares(maps, side):
    """Return the square (N, 4) of ``side`` pixels around the largest value of each map (N, H, W), moved inside."""
    maps, side = as_numbers(maps, MapError, "maps (N, H, W)"), whole(side, 1, "side")
    if maps.ndim != 3 or side > min(maps.shape[1:]):
        raise MapError(f"maps (N, H, W) of at least {side} pixels are needed, got {maps.shape}: resize_map first")
    peak = np.stack(np.unravel_index(maps.reshape(len(maps), -1).argmax(1), maps.shape[1:]), 1)
    corner = np.clip(peak - side // 2, 0, np.array(maps.shape[1:]) - side)[:, ::-1]
    return np.concatenate([corner, corner + side], 1)


# -- what an intervention did ------------------------------------------------------------------------


def evidence_moved(model, before, after, target):
    """Return D = M' - M (N, h, w): what an intervention changed in the CAM of ``target``, and in which cell.

    mean(D) = S' - S, equation (12.1). ``before``, ``after``: images (N, H, W, C). Raises ImageError, TargetError.
    """
    if np.shape(before) != np.shape(after):
        raise ImageError(f"pairs of images are needed, got {np.shape(before)} and {np.shape(after)}")
    if target is None:
        raise TargetError("None could mean another class before and after: name one class, or one an image")
    return class_activation_map(model, after, target) - class_activation_map(model, before, target)


def cells_that_see(squares, field, shape):
    """Return (N, h, w), True for the cells of a layer (h, w) = ``shape`` whose receptive field meets the square (N, 4).

    ``field`` = (size, jump, start) by equation (3.4). The other cells cannot notice what happens there, equation
    (12.2). Raises MapError.
    """
    if np.ndim(field) != 1 or len(field) != 3:
        raise MapError(f"a field is (size, jump, start), as receptive_field_of gives it, not {field!r}")
    (size, jump, start), (h, w), squares = field, height_width(shape, MapError), as_boxes(squares)
    if squares.ndim != 2:
        raise MapError(f"expected squares (N, 4), got {squares.shape}: write squares[None] for one")
    x0, y0, x1, y1 = (side[:, None] for side in squares.T)
    rows, columns = start + jump * np.arange(h), start + jump * np.arange(w)
    return ((rows < y1) & (rows + size > y0))[:, :, None] & ((columns < x1) & (columns + size > x0))[:, None]


# -- repairs -----------------------------------------------------------------------------------------


def retrain_head(F, labels, classes=len(scenes.CLASSES), decay=1e-3):
    """Return class weights W (K, C) and bias b (C,) fitted to features F (N, K) and labels (N,) [kirichenko2023].

    They minimise mean(-log p_y) + decay · |W s|², s the features' spread, equation (12.4): a convex problem, so
    there is one answer. At it the mean probability of a class is its share, equation (12.5).
    Raises CamlibError, MapError, TargetError.
    """
    if not (isinstance(decay, Real) and 0 < decay < np.inf):
        raise CamlibError(f"decay is a number above 0, not {decay!r}: without one there may be no best head")
    classes = whole(classes, 1, "classes")
    F, labels = as_numbers(F, MapError, "features (N, K)", doubles=True).astype(float), np.asarray(labels)
    fit = F.ndim == 2 and labels.dtype.kind in "iu" and labels.shape == (len(F),)
    if not (fit and np.isin(labels, np.arange(classes)).all()):
        raise TargetError(f"features (N, K) and labels (N,) from 0 to {classes - 1} are needed, got {F.shape} and "
                          f"{labels.dtype} {labels.shape}")
    mean, spread = F.mean(0), F.std(0) + 1e-6
    X, Y = (F - mean) / spread, np.eye(classes)[labels]

    def loss(parameters):
        W = parameters.reshape(-1, classes)[:-1]
        z = X @ W + parameters[-classes:]
        log_p = z - np.logaddexp.reduce(z, 1, keepdims=True)
        error = (np.exp(log_p) - Y) / len(X)
        slope = np.vstack([X.T @ error + 2 * decay * W, error.sum(0)])
        return decay * (W ** 2).sum() - (Y * log_p).sum() / len(X), slope.ravel()

    found = minimize(loss, np.zeros((F.shape[1] + 1) * classes), jac=True, method="L-BFGS-B",
                     options=dict(maxiter=2000, maxfun=4000, ftol=1e-13, gtol=1e-7)).x.reshape(-1, classes)
    W = found[:-1] / spread[:, None]
    return W, found[-1] - mean @ W


def with_head(model, W, b):
    """Return a copy of ``model`` whose last layer, a Dense one, has the weights W (K, C) and the bias b (C,).

    Raises WeightsError for other shapes, NaN or infinity.
    """
    *rest, weights, bias = model.get_weights()
    for new, old, what in ((W, weights, "class weights (K, C)"), (b, bias, "a bias (C,)")):
        if as_numbers(new, WeightsError, what).shape != old.shape:
            raise WeightsError(f"{what} of shape {old.shape} are needed, got {np.shape(new)}")
    copy = keras.models.clone_model(model)
    copy.set_weights([*rest, W, b])
    return copy


# -- checks ------------------------------------------------------------------------------------------


def _squares_in(images, squares):
    """Images (N, H, W, C), and squares (N, 4) of one size inside them. Raises MapError."""
    images, squares = as_batch(images), as_boxes(squares)
    sides = squares[..., 2:] - squares[..., :2]
    height, width = images.shape[1:3]
    if squares.shape != (len(images), 4) or (squares % 1).any() or (sides != sides[0, 0]).any() or sides.min() < 1:
        raise MapError(f"{len(images)} squares (N, 4) of one size in whole pixels are needed, got {squares.shape}")
    if squares.min() < 0 or (squares[:, 2] > width).any() or (squares[:, 3] > height).any():
        raise MapError(f"a square leaves the {height} x {width} pixels of the image")
    return images, squares.astype(int)


def main():
    """Train the tagged network again, from nothing, and write its weights."""
    options = dict(course_network.TRAINING)
    seed = options["seed"]
    runtime.repeatable(seed, threads=2)
    images, labels, _, boxes = scenes.make(options.pop("count"), seed, progress=True)
    images, _ = tag(images, labels, boxes, seed)
    course_network.save(course_network.train(images, labels, **options), WEIGHTS)


if __name__ == "__main__":
    main()
