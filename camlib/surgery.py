"""Model surgery: see what a Keras model does while it runs, and change it for the length of one run.

One trick does everything: the ``call`` of a layer is replaced by one of ours and put back at the end.
The model is never cut up or rebuilt, so it does not matter how it was put together, and it is
afterwards exactly what it was before. Only ``probe`` and ``activations`` call this module.
"""

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np

from .errors import HeadError, LayerError, near_names
from .runtime import keras


@dataclass(eq=False)
class Call:
    """One call of a layer, seen at work: "base/conv1" inside a nested model, "conv#2" a layer's second call."""

    path: str
    layer: keras.Operation  # a layer, or a bare operation of a Functional model
    nth: int        # 0 for the first call of this layer in a run
    inputs: list    # its tensors, as the layer got them
    output: object  # a tensor, or whatever else the layer returns
    shape: tuple

    def forget(self):
        """Let go of the tensors."""
        self.inputs, self.output = [], None


def observed(model, x):
    """Run ``model`` on ``x``; return the calls of its layers in the order in which they ended, and its output."""
    if not model.built:
        model(x, training=False)  # it may make its layers now
    calls, layers = [], dict(paths(model))
    with ExitStack() as stack:
        for layer, path in layers.items():
            def note(nth, call, *args, layer=layer, path=path, **kwargs):
                output = call(*args, **kwargs)
                inputs = [a for a in keras.tree.flatten((args, kwargs)) if keras.ops.is_tensor(a)]
                calls.append(Call(path, layer, nth, inputs, output, tuple(getattr(output, "shape", ()))))
                return output
            stack.enter_context(hooked(layer, note))
        output = model(x, training=False)
    often = {call.layer for call in calls if call.nth}
    for call in calls:
        call.path += f"#{call.nth + 1}" if call.layer in often else ""
    return calls, output


def chosen(model, output, wanted):
    """Return the ``output`` of ``model`` called ``wanted``, a name or a number; None is the only one.

    Raises HeadError if there are several, and names them.
    """
    if not isinstance(output, dict):
        output = list(output) if isinstance(output, (list, tuple)) else [output]
        names = getattr(model, "output_names", None) or ()
        output = dict(zip(names if len(names) == len(output) else range(len(output)), output, strict=True))
    names = list(output)
    if wanted is None and len(names) == 1:
        return output[names[0]]
    if isinstance(wanted, str) and wanted in names:
        return output[wanted]
    if isinstance(wanted, int) and 0 <= wanted < len(names):
        return output[names[wanted]]
    raise HeadError(f"this model has {len(names)} outputs, {' and '.join(map(repr, names))}: say which one, "
                    f"Probe(model, output={names[0]!r}), and give that probe for the model")


def paths(model, prefix=""):
    """Yield (layer, path) for every layer inside ``model``, nested ones as "base/layer".

    A Functional model also knows its bare operations, such as the sum of two tensors: they count as layers.
    """
    for layer in dict.fromkeys([*getattr(model, "operations", ()), *model._layers]):
        yield layer, prefix + layer.name
        if isinstance(layer, keras.Layer):
            yield from paths(layer, f"{prefix}{layer.name}/")


@contextmanager
def hooked(layer, hook):
    """While open, every call of ``layer`` becomes ``hook(n, call, *args)``: n counts from 0, ``call`` is its own."""
    call, count = layer.call, iter(range(10**9))
    with replaced(layer, "call", lambda *args, **kwargs: hook(next(count), call, *args, **kwargs)):
        yield


@contextmanager
def replaced(layer, name, value):
    """Give ``layer`` another attribute for a while, past Keras' own bookkeeping; always put it back."""
    absent = object()
    before = layer.__dict__.get(name, absent)
    layer.__dict__[name] = value
    try:
        yield
    finally:
        if before is absent:
            del layer.__dict__[name]
        else:
            layer.__dict__[name] = before


# -- the way of a tensor -----------------------------------------------------------------------------


def maker(calls, tensor):
    """Return the call that made ``tensor``, or None if no layer did: it was an input or a bare operation.

    Layers that pass a tensor on as it is are passed over. Of a layer and the model around it the inner one is
    named, unless its own inputs come from nowhere. A copy, cast to another precision on its way from layer to
    layer, is recognised by its values.
    """
    makers = [call for call in calls if not any(call.output is a for a in call.inputs)]
    same = [call for call in makers if call.output is tensor]
    if same:
        around = [call for call in calls if getattr(call.layer, "_layers", ())]
        known = {id(call.output) for call in calls} | {id(a) for call in around for a in call.inputs}
        return next((call for call in same if all(id(a) in known for a in call.inputs)), same[-1])
    alike = [call for call in makers if call.shape == tuple(tensor.shape)]
    for call in reversed(alike):
        if np.array_equal(_numbers(keras.ops.cast(call.output, tensor.dtype)), _numbers(tensor)):
            return call
    return None


def _numbers(tensor):
    return keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32"))


def chain(calls, tensor, start):
    """Return (the calls one behind another that lead to ``tensor``, True if they begin at tensor ``start``)."""
    way = []
    while tensor is not start:
        call = maker(calls, tensor)
        if call is None:
            return way, False
        way.insert(0, call)
        if len(call.inputs) != 1:
            return way, False
        calls, tensor = before(calls, call), call.inputs[0]
    return way, True


def ancestors(calls, tensor):
    """Return the set of calls that ``tensor`` was made by, as far as layers tell."""
    found, waiting = set(), [(calls, tensor)]
    while waiting:
        call = maker(*waiting.pop())
        if call is not None and call not in found:
            found.add(call)
            waiting += [(before(calls, call), made) for made in call.inputs]
    return found


def before(calls, call):
    """The calls that ended before ``call``: what made its inputs is among them, what merely looks like it is not."""
    return calls[:calls.index(call)]


def channels_first(calls, call):
    """True if the output of ``call`` is (N, K, h, w): the order that the nearest layer up to it works in."""
    orders = (getattr(c.layer, "data_format", None) for c in reversed(calls[:calls.index(call) + 1]))
    return next((order for order in orders if order), keras.config.image_data_format()) == "channels_first"


def cells(calls, call):
    """The height and width (h, w) of the maps that ``call`` returns."""
    return call.shape[2:] if channels_first(calls, call) else call.shape[1:3]


def find(calls, wanted, on_the_way):
    """Return the call of the layer ``wanted``: a name, a path, a Layer, or None for the last with maps ``on_the_way``.

    Raises LayerError for an unknown or ambiguous layer, and for one without maps.
    """
    spatial = [c for c in calls if len(c.shape) == 4 and np.prod(cells(calls, c)) > 1]
    if not spatial:
        raise LayerError("this model has no layer with spatial maps (N, h, w, K): nothing to look at")
    if wanted is None:
        return ([call for call in spatial if call in on_the_way] or spatial)[-1]
    if not isinstance(wanted, (str, keras.Operation)):
        raise LayerError(f"a layer is a name, a path \"base/layer\", a Layer or None, not {wanted!r}")
    match = ([c for c in calls if wanted in (c.layer, c.path, c.path.split("#")[0])]
             or [c for c in calls if wanted == c.layer.name])
    names = " or ".join(repr(call.path) for call in match)
    if len({id(call.layer) for call in match}) > 1:
        raise LayerError(f"several layers are called {wanted!r}: give the path of one, {names}")
    if len(match) > 1:
        raise LayerError(f"this layer is used {len(match)} times in one run: say which, {names}")
    if not match and isinstance(wanted, keras.Operation):
        raise LayerError(f"the layer {wanted.name!r} belongs to another model: give the name of one of this")
    if not match:
        raise LayerError(f"no layer {wanted!r} in this model."
                         f"{near_names(wanted, [call.path for call in calls])}")
    if match[0] not in spatial:
        raise LayerError(f"layer {match[0].path!r} has no spatial maps (N, h, w, K): its output is "
                         f"{match[0].shape}.{near_names('', [call.path for call in spatial])}")
    return match[0]
