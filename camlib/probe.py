"""The only place that looks inside a Keras model.

One mechanism does everything: while the model runs, the ``call`` of a layer is replaced by one that
also hands its output to us (or takes another output from us). The model is never cut up or rebuilt,
so it does not matter how it was put together, and it is afterwards exactly what it was before.
Only the part behind the layer is differentiated, so a gradient costs little more than a forward pass.
"""

import threading
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .backends import compiled
from .errors import CamlibError, HeadError, ImageError, LayerError, MapError, TargetError, WeightsError, near_names
from .images import as_batch
from .runtime import keras

# They pass their input on unchanged in inference mode, once softmax is peeled off.
PASSING = (keras.layers.Dropout, keras.layers.SpatialDropout2D, keras.layers.GaussianNoise,
           keras.layers.GaussianDropout, keras.layers.Identity, keras.layers.Softmax)
PROBABILITIES = ("softmax", "sigmoid")
LOCK = threading.RLock()  # a layer's call is replaced for one run at a time


class Call(NamedTuple):
    """One layer seen at work: its path ("base/conv1" inside a nested model), itself, its output's shape."""

    path: str
    layer: keras.Layer
    shape: tuple


class Probe:
    """Looks into ``model`` at ``layer``: a name, a path "base/layer", a Layer, or None.

    None is the last layer whose output is a stack of maps (N, h, w, K) with more than one cell.
    Images go through in batches of ``batch_size``, so memory does not grow with their number.
    Raises LayerError for an unknown layer or one without maps, CamlibError for what is no keras.Model.
    """

    def __init__(self, model, layer=None, batch_size=32):
        if not isinstance(model, keras.Model):
            raise CamlibError(f"expected a keras.Model, got {type(model).__name__}: load a file with "
                              "keras.models.load_model(path); of a pretrained network give its .model")
        self.model, self.wanted, self.batch_size = model, layer, batch_size
        self.calls, self.layer, self._seen = None, None, None
        self._compiled = {}
        shape = self._input_shape()
        if shape and None not in shape[1:]:
            self._look(np.zeros((1, *shape[1:]), np.float32))

    def forward(self, images):
        """Return the maps A (N, h, w, K) and the logits (N, C) of ``images`` (N, H, W, C)."""
        return self._run("forward", images)

    def gradient(self, images, target=None):
        """Return A (N, h, w, K), logits (N, C) and G = d logit_target / d A (N, h, w, K).

        ``target``: a class, N classes, None for each image's own top class, or a function that
        turns logits (N, C) into one number an image (N,).
        """
        images = self._checked(images)
        score = target if callable(target) else None
        classes = np.full(len(images), -1) if callable(target) or target is None else self.classes(target, len(images))
        return self._run("gradient", images, classes.astype(np.int32), score=score)

    def logits_from(self, images, maps):
        """Return the logits (N, C) when the layer's output is replaced by ``maps`` (N, h, w, K)."""
        if len(maps) != len(images):
            raise MapError(f"{len(images)} images need as many stacks of maps (N, h, w, K), got {len(maps)}")
        return self._run("replaced", images, np.asarray(maps, np.float32))[0]

    def classes(self, target, n, logits=None):
        """Return ``target`` as N class indices (N,); None takes each row's largest of ``logits`` (N, C)."""
        if target is None:
            return np.asarray(logits).argmax(1)
        chosen = np.broadcast_to(np.asarray(target), (n,)) if np.ndim(target) == 0 else np.asarray(target)
        if chosen.shape != (n,) or not np.issubdtype(chosen.dtype, np.integer):
            raise TargetError(f"a target is one class index, {n} of them (one an image), None, or for gradients "
                              f"a function of the logits; got {target!r}")
        count = self.calls[-1].shape[-1]
        for c in chosen:
            if not 0 <= c < count:
                raise TargetError(f"class {c} is out of range: this network has {count} classes, 0 to {count - 1}")
        return chosen

    def head(self):
        """Return the class weights W (K, C) and bias b (C,) of a head that CAM is defined for.

        The head must be global average pooling and one Dense layer, or global average pooling alone
        behind class maps (then W is the identity and b is zero). Raises HeadError otherwise.
        """
        if self.calls is None:
            raise HeadError("this model has not been called, so its head is not known yet: show it an image first "
                            "with forward(images)")
        rest = [call.layer for call in self.behind if not _passes(call.layer)]
        if not rest or not isinstance(rest[0], keras.layers.GlobalAveragePooling2D):
            found = f"{type(rest[0]).__name__} ({rest[0].name!r})" if rest else "nothing"
            raise HeadError(f"CAM needs global average pooling followed by one Dense layer; behind {self.layer.name!r} "
                            f"this head has {found}: use grad_cam, or give the network a new head")
        behind = [layer for layer in rest[1:] if not isinstance(layer, (keras.layers.Flatten, keras.layers.Reshape))]
        dense = [layer for layer in behind if isinstance(layer, keras.layers.Dense)]
        self._check_head(behind, dense)
        if not dense:
            return np.eye(self.channels, dtype=np.float32), np.zeros(self.channels, np.float32)
        kernel, *bias = dense[0].get_weights()
        return kernel, bias[0] if bias else np.zeros_like(kernel[0])

    def _check_head(self, behind, dense):
        """Raise HeadError unless the layers ``behind`` the average are one linear Dense layer, or none at all."""
        classes = self.calls[-1].shape[-1]
        if len(dense) > 1 or behind != dense:
            found = f"{len(dense)} Dense layers" if behind == dense else " and ".join(type(x).__name__ for x in behind)
        elif dense and _activation(dense[0]) not in ("linear", *PROBABILITIES):
            found = f"a Dense layer, {dense[0].name!r}, that is not linear but {_activation(dense[0])}"
        elif not dense and self.channels != classes:
            found = f"{self.channels} averages and, without a Dense layer, {classes} logits"
        else:
            return
        raise HeadError("CAM needs global average pooling followed by one Dense layer; "
                        f"this head has {found}: use grad_cam")

    # -- looking ---------------------------------------------------------------------------------

    def _look(self, image):
        """Run one image through the model, note every layer at work, and find the wanted one."""
        calls, paths = [], dict(_paths(self.model))
        with LOCK, ExitStack() as stack:
            for layer, path in paths.items():
                def note(call, layer=layer, path=path):
                    def noted(*args, **kwargs):
                        output = call(*args, **kwargs)
                        calls.append(Call(path, layer, tuple(getattr(output, "shape", ()))))
                        return output
                    return noted
                stack.enter_context(_replaced(layer, "call", note(layer.call)))
            self.model(image, training=False)
        leaves = [call for call in calls if not call.layer._flatten_layers(include_self=False)]
        found = self._find(calls, leaves)
        last = max(i for i, call in enumerate(calls) if call.layer is found.layer)
        self.layer, self.channels = found.layer, found.shape[-1]
        self.calls, self.behind = leaves, [call for call in calls[last + 1:] if call in leaves]
        self._seen, self._compiled = self._structure(), {}

    def _find(self, calls, leaves):
        spatial = [call for call in calls if len(call.shape) == 4 and call.shape[1] * call.shape[2] > 1]
        if self.wanted is None:
            if not spatial:
                raise LayerError("this model has no layer with spatial maps (N, h, w, K): nothing to look at")
            return [call for call in spatial if call in leaves][-1]
        match = ([call for call in calls if self.wanted is call.layer or self.wanted == call.path]
                 or [call for call in calls if self.wanted == call.layer.name])
        if len({id(call.layer) for call in match}) > 1:
            raise LayerError(f"several layers are called {self.wanted!r}: give the path of one, "
                             f"{' or '.join(repr(call.path) for call in match)}")
        if not match and isinstance(self.wanted, keras.Layer):
            raise LayerError(f"the layer {self.wanted.name!r} belongs to another model: give the name of one of this")
        if not match:
            raise LayerError(f"no layer {self.wanted!r} in this model."
                             f"{near_names(self.wanted, [call.path for call in calls])}")
        if match[-1] not in spatial:
            raise LayerError(f"layer {match[-1].path!r} has no spatial maps (N, h, w, K): its output is "
                             f"{match[-1].shape}.{near_names('', [call.path for call in spatial])}")
        return match[-1]

    # -- running ---------------------------------------------------------------------------------

    def _through(self, x, at):
        """Run the model on ``x``; its layer's output goes through ``at``. Return that and the logits."""
        seen = []

        def tap(call):
            def tapped(*args, **kwargs):
                seen.append(at(call(*args, **kwargs)))
                return seen[-1]
            return tapped

        with _replaced(self.layer, "call", tap(self.layer.call)), _peeled(self.calls):
            logits = self.model(x, training=False)
        return seen[-1], logits

    def _checked(self, images):
        images, shape = as_batch(images), self._input_shape()
        if shape and any(wanted not in (None, got) for wanted, got in zip(shape[1:], images.shape[1:], strict=True)):
            raise ImageError(f"this network takes images {shape[1:]}, got {images.shape[1:]}: resize them first")
        if self._seen != self._structure():  # never looked at, or given another head since
            self._look(images[:1])
        return images

    def _input_shape(self):
        """The shape (None, H, W, C) that the model was built for, or None if it does not say."""
        shape = getattr(self.model, "input_shape", None) if self.model.built else None
        return shape if isinstance(shape, tuple) and len(shape) == 4 else None

    def _structure(self):
        """What the model is made of, to notice when it is changed: each layer and its activation."""
        return [(id(layer), id(getattr(layer, "activation", None))) for layer in self.model._flatten_layers()]

    def _run(self, kind, images, *more, score=None):
        """Run the compiled function ``kind`` over the images, batch by batch; return NumPy arrays."""
        images = self._checked(images)
        if score is not None:  # compiled anew each time: what the function refers to may have changed
            function = compiled(kind, self._through, score)
        else:
            if kind not in self._compiled:
                self._compiled[kind] = compiled(kind, self._through, None)
            function = self._compiled[kind]
        parts = []
        for start in range(0, len(images), self.batch_size):
            batch = [a[start:start + self.batch_size] for a in (images, *more)]
            with LOCK:
                parts.append([keras.ops.convert_to_numpy(a) for a in function(*batch)])
        results = [np.concatenate(part) for part in zip(*parts, strict=True)]
        self._check_finite(results)
        _check_logits(results[0] if kind == "replaced" else results[1])
        return results

    def _check_finite(self, results):
        if all(np.isfinite(a).all() for a in results):
            return
        for weight, values in zip(self.model.weights, self.model.get_weights(), strict=True):
            if not np.isfinite(values).all():
                raise WeightsError(f"the network's output is not finite: weight {weight.path!r} holds NaN or infinity")
        raise WeightsError("the network's output is not finite although its weights are: check the images' range")


@lru_cache(maxsize=4)
def probe(model, layer=None):
    """Return the Probe of (model, layer), made once and reused; a Probe stands for its model, or for itself."""
    if isinstance(model, Probe):
        return model if layer is None else probe(model.model, layer)
    return Probe(model, layer)


@contextmanager
def _replaced(layer, name, value):
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


def _peeled(calls):
    """Take softmax or sigmoid off the end of the model, so that it returns logits."""
    for layer in [call.layer for call in reversed(calls)]:
        if isinstance(layer, keras.layers.Softmax) or (
                isinstance(layer, keras.layers.Activation) and _activation(layer) in PROBABILITIES):
            return _replaced(layer, "call", lambda x, *args, **kwargs: x)
        if _activation(layer) in PROBABILITIES:
            return _replaced(layer, "activation", keras.activations.linear)
        if not (_passes(layer) or isinstance(layer, (keras.layers.Flatten, keras.layers.Reshape))):
            break
    return ExitStack()


def _check_logits(logits):
    """Raise HeadError if ``logits`` (N, C) are probabilities: a softmax that could not be taken off."""
    if logits.ndim == 2 and logits.shape[1] > 1 and logits.min() >= 0 and np.allclose(logits.sum(1), 1, atol=1e-4):
        raise HeadError("this network returns probabilities, and its softmax is not a layer that could be taken off: "
                        "let it return logits, or make softmax its last layer")


def _activation(layer):
    return getattr(getattr(layer, "activation", None), "__name__", "linear")


def _passes(layer):
    """True for a layer that passes its input on unchanged when logits are asked for in inference mode."""
    return isinstance(layer, PASSING) or (
        isinstance(layer, keras.layers.Activation) and _activation(layer) in ("linear", *PROBABILITIES))


def _paths(model, prefix=""):
    """Yield (layer, path) for every layer inside ``model``, nested ones as "base/layer"."""
    for layer in model._layers:
        yield layer, prefix + layer.name
        yield from _paths(layer, f"{prefix}{layer.name}/")
