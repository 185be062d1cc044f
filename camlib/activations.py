"""Activations: which layer squashes or rectifies, and how to change that for the length of one run.

``peeled`` takes off the softmax or sigmoid at the end. ``ruled`` changes how a signal travels back through ReLU
and max-pooling (chapter 4). Only ``probe`` and ``head`` call this module.
"""

from contextlib import ExitStack, contextmanager

import numpy as np

from .errors import LayerError, near_names
from .runtime import keras
from .surgery import before, hooked, maker, paths, replaced

# They pass their input on unchanged in inference mode.
PASSING = (keras.layers.Dropout, keras.layers.SpatialDropout2D, keras.layers.GaussianNoise,
           keras.layers.GaussianDropout, keras.layers.Identity)
RESHAPING = (keras.layers.Flatten, keras.layers.Reshape)
PROBABILITIES = ("softmax", "sigmoid")
RECTIFIERS = ("relu", "relu6")
RULES = ("gradient", "deconvnet", "guided")


def activation(layer):
    """The name of a layer's activation; "linear" if it has none."""
    function = getattr(layer, "activation", None)
    return getattr(function, "__name__", None) or type(function).__name__.lower() if function else "linear"


def passes(layer):
    """True for a layer whose output is its input, in inference mode."""
    return isinstance(layer, PASSING) or isinstance(layer, keras.layers.Activation) and activation(layer) == "linear"


def squashing(calls, output):
    """Return the call that turns logits into the probabilities ``output``, or None: a softmax or sigmoid at the end."""
    while (call := maker(calls, output)) is not None:
        if squashes_only(call.layer) or activation(call.layer) in PROBABILITIES:
            return call
        if not (passes(call.layer) or isinstance(call.layer, RESHAPING)):
            return None
        calls, output = before(calls, call), call.inputs[0]
    return None


def squashes_only(layer):
    """True for softmax or sigmoid as a layer or an operation of its own, not as the activation of another."""
    if isinstance(layer, keras.Layer):
        return isinstance(layer, keras.layers.Softmax) or (
            isinstance(layer, keras.layers.Activation) and activation(layer) in PROBABILITIES)
    return type(layer).__name__.lower() in PROBABILITIES


def squash(call):
    """The name of what ``call`` squashes logits with, "softmax" or "sigmoid"; None for no call."""
    if call is None:
        return None
    layer = call.layer
    if isinstance(layer, keras.layers.Softmax) or not isinstance(layer, keras.Layer):
        return type(layer).__name__.lower()
    return activation(layer)


@contextmanager
def peeled(call):
    """While open, the softmax or sigmoid of ``call`` is off, and the model returns logits."""
    if call is None:
        yield
        return

    def without(nth, run, x, *args, **kwargs):
        if nth != call.nth:
            return run(x, *args, **kwargs)
        if squashes_only(call.layer):
            return x
        with replaced(call.layer, "activation", keras.activations.linear):
            return run(x, *args, **kwargs)

    with hooked(call.layer, without):
        yield


# -- the way back ------------------------------------------------------------------------------------


def way_back(rule, switches):
    """Return (rule, switches) for ``ruled``. Raises LayerError for another rule, or what is not True or False."""
    if not isinstance(rule, str) or rule not in RULES:
        raise LayerError(f"no rule {rule!r}.{near_names(rule, RULES)}")
    if not isinstance(switches, (bool, np.bool_)):
        raise LayerError(f"switches is True or False, not {switches!r}")
    return rule, bool(switches)


@contextmanager
def ruled(model, rule, switches=True):
    """While open, signals travel back through the ReLUs of ``model`` by ``rule``; forward nothing changes.

    Seen are ReLU layers, layers with a ReLU as activation, and operations of Functional models. What a model or
    layer of your own calculates in its ``call`` cannot be seen, so there the plain gradient stays.

    A signal R that arrives at a ReLU with input x goes on as R 1[x > 0] ("gradient", equation (4.9)),
    max(R, 0) ("deconvnet") or max(R, 0) 1[x > 0] ("guided"). Without ``switches`` max-pooling spreads
    its signal evenly over the window, as the average would, and not to the place of the maximum.
    Raises LayerError for a model that has nothing to change.
    """
    layers = list(dict(paths(model)))
    rectifiers = [layer for layer in layers if rectifies(layer)] if rule != "gradient" else []
    pools = [layer for layer in layers if isinstance(layer, keras.layers.MaxPooling2D)] if not switches else []
    if rule != "gradient" and not rectifiers:
        raise LayerError(f"the rule {rule!r} changes ReLU, and no layer of this model is one: its signals travel back "
                         "as the plain gradient, so ask for rule='gradient'")
    if not switches and not pools:
        raise LayerError("this model has no MaxPooling2D, so there are no switches to leave out")
    with ExitStack() as stack:
        for layer in rectifiers:
            if rectifies_only(layer):
                stack.enter_context(hooked(layer, lambda nth, run, x: _backward_by(rule, run)(x)))
            else:
                stack.enter_context(replaced(layer, "activation", _backward_by(rule, layer.activation)))
        for layer in pools:
            stack.enter_context(hooked(layer, lambda nth, run, x, layer=layer: _spread(layer, run, x)))
        yield


def rectifies(layer):
    """True for a ReLU, up to 6 or without end: a layer, a bare operation, or what another layer ends with."""
    if isinstance(getattr(layer, "activation", None), keras.Layer):
        return False  # that layer is seen on its own
    return rectifies_only(layer) or activation(layer) in RECTIFIERS


def rectifies_only(layer):
    """True for a ReLU as a layer or an operation of its own; one with a slope below zero is none."""
    if isinstance(layer, keras.layers.ReLU):
        return not layer.negative_slope
    if isinstance(layer, keras.layers.Activation):
        return activation(layer) in RECTIFIERS
    return not isinstance(layer, keras.Layer) and type(layer).__name__.lower() in RECTIFIERS


def _backward_by(rule, rectify):
    """The function ``rectify``, whose gradient goes by ``rule``."""
    ops = keras.ops

    @ops.custom_gradient
    def rectified(x):
        out = rectify(x)

        def back(*args, upstream=None):
            R = args[-1] if upstream is None else upstream  # the backends pass it in different ways
            gate = ops.cast(ops.logical_and(x > 0, out == x), R.dtype)
            return ops.maximum(R, 0) * (gate if rule == "guided" else 1)

        return out, back

    return rectified


def _spread(pool, run, x):
    """The maximum, whose gradient is that of the average."""
    ops = keras.ops
    average = ops.average_pool(x, pool.pool_size, pool.strides, pool.padding, pool.data_format)
    return average + ops.stop_gradient(run(x) - average)
