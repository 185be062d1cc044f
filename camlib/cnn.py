"""The other layers of a CNN in NumPy, their parameters counted, and the first network.

Letters as in chapter 2: images I (N, H, W, C), maps A (N, h, w, K), features x (N, D), class weights W (D, C),
bias b (C,), logits S (N, C), a single logit z (N,), probabilities p, labels y.
"""

import operator

import numpy as np

from . import pooling
from .convolution import cross_correlation
from .errors import CamlibError, LayerError, TargetError, near_names, whole
from .images import as_numbers
from .runtime import keras

HEADS = ("flatten", "gap")


def relu(x):
    """Return max(0, x) of every number, equation (2.1) [fukushima1980]."""
    return np.maximum(_numbers(x, "activations"), 0)


def flatten(A):
    """Return the maps (N, h, w, K) as one row of numbers an image (N, h w K): row, column, channel."""
    A = _numbers(A, "maps (N, h, w, K)")
    return A.reshape(len(A) if A.ndim else 1, -1)


def dense(x, W, b):
    """Return S = x W + b, equation (2.7): features (N, D), weights (D, C), bias (C,). Raises CamlibError."""
    x, W, b = (_numbers(a, name) for a, name in ((x, "features (N, D)"), (W, "weights (D, C)"), (b, "a bias (C,)")))
    if (x.ndim, W.ndim, b.ndim) != (2, 2, 1) or x.shape[1] != W.shape[0] or W.shape[1] != len(b):
        raise CamlibError(f"features (N, D), weights (D, C) and a bias (C,) are needed, got {x.shape}, {W.shape} "
                          f"and {b.shape}: flatten or pool the maps first")
    return x @ W + b


def sigmoid(z):
    """Return 1 / (1 + exp(-z)) of every number, equation (2.9); it never overflows."""
    return np.exp(-np.logaddexp(0, -_numbers(z, "logits")))


def softmax(S):
    """Return p_c = exp(S_c) / sum_d exp(S_d) along the last axis, equation (2.10); it never overflows."""
    S = _numbers(S, "logits (..., C)")
    e = np.exp(S - S.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def cross_entropy(S, y):
    """Return each image's loss -log p_y (N,), equation (2.12), from logits (N, C) and labels (N,).

    Raises CamlibError for what are no logits, TargetError for labels that are no classes.
    """
    S = _numbers(S, "logits (N, C)")
    if S.ndim != 2:
        raise CamlibError(f"expected logits (N, C), got shape {S.shape}: for one logit an image "
                          "take binary_cross_entropy")
    y = _labels(y, len(S), S.shape[1])
    return np.logaddexp.reduce(S - S[np.arange(len(S)), y][:, None], axis=1)


def binary_cross_entropy(z, y):
    """Return each image's loss -y log p - (1 - y) log(1 - p), p = sigmoid(z), equation (2.13).

    One logit z (N,) and one label 0 or 1 an image. Raises CamlibError and TargetError.
    """
    z = _numbers(z, "logits (N,)")
    if z.ndim != 1:
        raise CamlibError(f"expected one logit an image (N,), got shape {z.shape}: write z[:, 0] for (N, 1)")
    return np.logaddexp(0, np.where(_labels(y, len(z), 2), -z, z))


def parameters(inputs, outputs, kernel=(1, 1)):
    """Return the number of parameters (kh kw C + 1) K of a layer with a bias, equation (2.15).

    A convolution has ``inputs`` C channels, ``outputs`` K channels and a ``kernel`` (kh, kw); a Dense layer has
    as many inputs and outputs as numbers, and no kernel. Raises CamlibError for what are no whole numbers.
    """
    try:
        kh, kw = kernel
        counts = [operator.index(n) for n in (inputs, outputs, kh, kw)]
    except (TypeError, ValueError):
        counts = [0]
    if min(counts) < 1:
        raise CamlibError(f"inputs, outputs and both sides of the kernel are whole numbers from 1, not {inputs!r}, "
                          f"{outputs!r} and {kernel!r}")
    C, K, kh, kw = counts
    return (kh * kw * C + 1) * K


def first_network(head="flatten", size=64):
    """Return the first network, compiled: images (N, size, size, 3) to one probability (N, 1), of class 1.

    Conv2D 32, 3 × 3, ReLU; MaxPooling2D 2; Flatten; Dense 128, ReLU; Dense 1, sigmoid. With the head "gap"
    the average of each map takes the place of Flatten and Dense 128. Raises CamlibError.
    """
    if head not in HEADS:
        raise CamlibError(f"no head {head!r}.{near_names(head, HEADS)}")
    layers = keras.layers
    middle = [layers.Flatten(name="flatten"), layers.Dense(128, activation="relu", name="hidden")]
    model = keras.Sequential([
        keras.Input((size, size, 3), name="image"),
        layers.Conv2D(32, 3, activation="relu", name="conv"),
        layers.MaxPooling2D(2, name="pool"),
        *(middle if head == "flatten" else [layers.GlobalAveragePooling2D(name="gap")]),
        layers.Dense(1, activation="sigmoid", name="answer"),
    ], name=f"first_network_{head}")
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    return model


def forward(model, images):
    """Return what each layer of a plain chain of layers gives out, {name: array}, computed in NumPy alone.

    ``model`` is a chain of Conv2D, ReLU, MaxPooling2D, AveragePooling2D, GlobalAveragePooling2D, Flatten and
    Dense layers, read for its weights and never run. Raises LayerError for another layer, and for no chain.
    """
    outputs, x = {}, images
    for layer in plain_chain(model):
        kind = type(layer).__name__
        if kind not in LAYERS:
            raise LayerError(f"layer {layer.name!r} is a {kind}: this forward pass knows {', '.join(LAYERS)}")
        x = _activated(layer, LAYERS[kind](layer, x))
        outputs[layer.name] = x
    return outputs


def confusion_matrix(labels, answers, classes):
    """Return the counts (classes, classes): row = true class, column = the network's answer.

    The diagonal holds the right answers. Raises TargetError for labels or answers that are no classes.
    """
    classes = whole(classes, 1, "classes")
    labels = _labels(labels, np.size(labels), classes)
    matrix = np.zeros((classes, classes), int)
    np.add.at(matrix, (labels, _labels(answers, len(labels), classes)), 1)
    return matrix


# -- layers of the forward pass ----------------------------------------------------------------------


def layers_of(model):
    """The layers of ``model`` behind its input. Raises LayerError where the order of the layers is not known."""
    if not getattr(model, "inputs", None):
        raise LayerError("the layers are read off a Sequential or Functional keras.Model that knows its Input, and "
                         f"this {type(model).__name__} is none: Probe takes any model")
    return [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]


def plain_chain(model):
    """Yield the layers of ``model`` from the image on. Raises LayerError at one that does not follow the last."""
    layers = layers_of(model)
    at = model.inputs[0]
    for layer in layers:
        if not isinstance(model, keras.Sequential) and layer.input is not at:
            raise LayerError(f"{layer.name!r} does not follow the layer before it, and only a plain chain is known "
                             "here: Probe takes any model")
        at = layer.output
        yield layer


def _conv(layer, x):
    kernel, *bias = layer.get_weights()
    if layer.groups != 1:
        raise LayerError(f"layer {layer.name!r} works in {layer.groups} groups, which this forward pass does not know")
    return cross_correlation(x, kernel, *bias or [None], stride=_one(layer, layer.strides), padding=layer.padding,
                             dilation=_one(layer, layer.dilation_rate))


def _relu(layer, x):
    if layer.negative_slope or layer.threshold or layer.max_value is not None:
        raise LayerError(f"layer {layer.name!r} is a ReLU with a slope, threshold or maximum: only max(0, x) is known")
    return relu(x)


def _pool(function):
    return lambda layer, x: function(x, _one(layer, layer.pool_size), _one(layer, layer.strides), layer.padding)


def _dense(layer, x):
    W, *bias = layer.get_weights()
    return dense(x, W, *bias or [np.zeros(W.shape[1], W.dtype)])


LAYERS = {
    "Conv2D": _conv, "ReLU": _relu, "MaxPooling2D": _pool(pooling.max_pool), "Dense": _dense,
    "AveragePooling2D": _pool(pooling.average_pool), "Flatten": lambda _, x: flatten(x),
    "GlobalAveragePooling2D": lambda _, x: pooling.global_average_pool(x),
}
ACTIVATIONS = {"linear": lambda x: x, "relu": relu, "sigmoid": sigmoid, "softmax": softmax}


def _activated(layer, x):
    """``x`` behind the activation that the layer carries with it, if any. Raises LayerError."""
    name = getattr(getattr(layer, "activation", None), "__name__", "linear")
    if name not in ACTIVATIONS:
        raise LayerError(f"layer {layer.name!r} has the activation {name!r}: this forward pass knows "
                         f"{', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name](x)


def _one(layer, both):
    """The one number that holds for rows and columns. Raises LayerError."""
    if len(set(both)) != 1:
        raise LayerError(f"layer {layer.name!r} treats rows and columns differently, {both}: only squares are known")
    return both[0]


# -- checks ------------------------------------------------------------------------------------------


def _numbers(values, what):
    """``values`` as finite numbers, float64 if they were. Raises CamlibError."""
    return as_numbers(values, CamlibError, what, doubles=True)


def _labels(y, n, classes):
    """``y`` as N class indices (N,). Raises TargetError."""
    y = np.asarray(y)
    if y.shape != (n,) or y.dtype.kind not in "biu" or not ((y >= 0) & (y < classes)).all():
        raise TargetError(f"{n} labels, whole numbers from 0 to {classes - 1}, are needed; got {y.dtype} of shape "
                          f"{y.shape}")
    return y.astype(int)
