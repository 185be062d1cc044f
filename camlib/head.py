"""The head of a network, from its last maps to the logits, written as one average and one set of class weights.

Letters as in chapter 7: maps A (N, h, w, K), features F_k (their averages), class weights W (K, C), bias b (C,).
"""

import numpy as np

from .activations import PROBABILITIES, RESHAPING, activation, passes, squashes_only
from .errors import HeadError
from .runtime import keras

layers = keras.layers
RULE = "CAM needs global average pooling followed by one Dense layer"


def class_weights(maps, calls, classes):
    """Return W (K, C) and b (C,), so that S = F W + b, from the ``calls`` between ``maps`` and the logits.

    ``maps``: the call that made A; ``classes``: C. The head must be an average over all cells and then layers
    that are linear, one behind another: Dense, 1 x 1 convolutions, BatchNormalization (with its stored figures).
    Their product is W. Without any, the maps are class maps: W is the identity and b is zero.
    Raises HeadError for any other head, and says what was found.
    """
    average, *rest = [call for call in calls if not passes(call.layer)] or [None]
    if average is None or not _averages(average, maps):
        found = f"{type(average.layer).__name__} ({average.layer.name!r})" if average else "nothing"
        raise HeadError(f"{RULE}; behind {maps.layer.name!r} this head has {found}: "
                        "use grad_cam, or give the network a new head")
    behind = [call.layer for call in rest if not isinstance(call.layer, RESHAPING)]
    if behind and squashes_only(behind[-1]):  # it is off
        behind.pop()
    steps = [_linear(layer, layer is behind[-1]) for layer in behind]
    channels = average.shape[1 if average.layer.data_format == "channels_first" else -1]
    if None in steps or not steps and channels != classes:
        raise HeadError(f"{RULE}; this head has {_found(behind, channels, classes)}: use grad_cam")
    if not steps:
        return np.eye(channels, dtype=np.float32), np.zeros(channels, np.float32)
    W, b = steps.pop()
    W = np.diag(W) if W.ndim == 1 else W
    for kernel, bias in reversed(steps):  # from the logits back, so that the products stay small
        W, b = (kernel @ W if kernel.ndim == 2 else kernel[:, None] * W), bias @ W + b
    return W, b


def _averages(call, maps):
    """True if ``call`` is the average over all cells of ``maps``."""
    if isinstance(call.layer, layers.AveragePooling2D):
        cells = maps.shape[2:] if call.layer.data_format == "channels_first" else maps.shape[1:3]
        return call.layer.pool_size == tuple(cells) and call.layer.padding == "valid"
    return isinstance(call.layer, layers.GlobalAveragePooling2D)


def _linear(layer, last):
    """The kernel (K, C), or (K,) if each channel has one, and bias of a layer that is linear; None if it is not."""
    if isinstance(layer, layers.BatchNormalization):
        mean, variance = _array(layer.moving_mean), _array(layer.moving_variance)
        scale = (1 if layer.gamma is None else _array(layer.gamma)) / np.sqrt(variance + layer.epsilon)
        return scale, (0 if layer.beta is None else _array(layer.beta)) - mean * scale
    point = isinstance(layer, layers.Conv2D) and layer.kernel_size == (1, 1) and layer.groups == 1
    if not (point or isinstance(layer, layers.Dense)):
        return None
    if activation(layer) != "linear" and not (last and activation(layer) in PROBABILITIES):
        return None
    kernel = _array(layer.kernel).reshape(-1, layer.kernel.shape[-1])
    return kernel, np.zeros_like(kernel[0]) if layer.bias is None else _array(layer.bias)


def _array(variable):
    return variable.numpy() if isinstance(variable, keras.Variable) else keras.ops.convert_to_numpy(variable)


def _found(behind, channels, classes):
    """Say what kind of head this is."""
    if not behind:
        return f"{channels} averages and, without a Dense layer, {classes} logits"
    if len(behind) == 1 and hasattr(behind[0], "activation"):
        layer = behind[0]
        return f"a {type(layer).__name__} layer, {layer.name!r}, that is not linear but {activation(layer)}"
    if all(isinstance(layer, layers.Dense) for layer in behind):
        return f"{len(behind)} Dense layers"
    return " and ".join(type(layer).__name__ for layer in behind)
