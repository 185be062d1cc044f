"""The only place that looks inside a Keras model.

While the model runs, the output of a layer is handed over to us, or replaced by what we give (see ``surgery``),
so every kind of model will do, and it is afterwards exactly what it was before.
``gradient`` differentiates only the part behind the layer, so it costs little more than a forward pass;
``image_gradient`` and ``project`` go back to the pixels, which costs about one more pass.
"""

import threading
from contextlib import ExitStack, contextmanager
from functools import lru_cache, partial

import numpy as np

from . import activations, inputs, surgery
from .backends import compiled
from .cnn import sigmoid, softmax
from .errors import CamlibError, HeadError, ImageError, LayerError, MapError, TargetError, WeightsError
from .head import class_weights
from .runtime import keras

ROUNDING = {"float16": 2**-11, "bfloat16": 2**-8}  # relative size of a rounding error; full precision counts as none
LOCK = threading.RLock()  # a layer's call is replaced for one run at a time


class Probe:
    """Looks into ``model`` at ``layer``: a name, a path "base/layer", a call "layer#2", a Layer, or None.

    None is the last layer on the way to the output that gives maps (N, h, w, K) with more than one cell.
    ``output``: a name or a number, needed only if the model has several outputs.
    Images go in as the model takes them, a batch or a list or dict of several inputs, ``batch_size`` at a
    time, so memory does not grow with their number; maps come out as (N, h, w, K), whatever the model's order.
    Raises LayerError for an unknown layer or one without maps, CamlibError for what is no keras.Model.
    """

    def __init__(self, model, layer=None, batch_size=32, output=None):
        if not isinstance(model, keras.Model):
            raise CamlibError(f"expected a keras.Model, got {type(model).__name__}: load a file with "
                              "keras.models.load_model(path); of a pretrained network give its .model")
        if not isinstance(batch_size, int) or batch_size < 1:
            raise CamlibError(f"batch_size is a whole number of images, at least 1, not {batch_size!r}")
        self.model, self.wanted, self.output, self.batch_size = model, layer, output, batch_size
        self.layer, self._seen, self._compiled = None, None, {}
        self.sisters = {}  # probes of other layers of this model, by layer
        example = inputs.example(model)
        if example is not None:
            self._look(example)

    def forward(self, images):
        """Return the maps A (N, h, w, K) and the logits (N, C) of ``images`` (N, H, W, C)."""
        return self._run("forward", self._checked(images))

    def logits(self, images):
        """Return the logits (N, C) alone, which is cheaper than ``forward`` for many images."""
        return self._run("logits", self._checked(images))[0]

    def gradient(self, images, target=None):
        """Return A (N, h, w, K), logits (N, C) and G = d logit_target / d A (N, h, w, K).

        ``target``: a class, N classes, None for each image's own top class, or a function that
        turns logits (N, C) into one number an image (N,). A single logit z has two classes: 1 with the
        score z and 0 with the score -z.
        """
        images = self._checked(images)
        n, score = inputs.count(images), target if callable(target) else None
        if target is None:
            self._count_classes()
        classes = np.full(n, -1) if score or target is None else self.classes(target, n)
        A, logits, G = self._run("gradient", images, classes.astype(np.int32), score=score)
        if not (self._on_the_way or G.any()):
            self._check_connected(inputs.rows(images, slice(1)), A[:1], logits[:1])
        return A, logits, G

    def logits_from(self, images, maps):
        """Return the logits (N, C) when the layer's output is replaced by ``maps`` (N, h, w, K)."""
        images = self._checked(images)
        if len(maps) != inputs.count(images):
            raise MapError(f"{inputs.count(images)} images need as many stacks of maps (N, h, w, K), got {len(maps)}")
        return self._run("replaced", images, np.asarray(maps, np.float32))[0]

    def image_gradient(self, images, target=None, rule="gradient", switches=True):
        """Return the logits (N, C) and G = d logit_target / d I (N, H, W, C), as far as the image is concerned.

        ``target`` as in ``gradient``; ``rule`` and ``switches`` say how signals travel back through ReLU and
        max-pooling (see ``activations.ruled``): "gradient" is the true one, "deconvnet" and "guided" are not.
        """
        return next(self.image_gradients([images], target, rule, switches))

    def image_gradients(self, batches, target=None, rule="gradient", switches=True):
        """Yield ``image_gradient`` of each of ``batches``; a function as target is compiled once for all of them."""
        back, function = activations.way_back(rule, switches), None
        score = target if callable(target) else None
        for images in batches:
            images = self._one_batch(images)
            n = inputs.count(images)
            if target is None:
                self._count_classes()
            classes = np.full(n, -1) if score or target is None else self.classes(target, n)
            function = function or self._function("image gradient", score, back)
            yield self._run("image gradient", images, classes.astype(np.int32), function=function)

    def project(self, images, y, rule="gradient", switches=True):
        """Return the maps A (N, h, w, K) and the signal y brought back to the image: R = d <A, y> / d I (N, H, W, C).

        ``y``: an array (N, h, w, K), or a function that turns maps (N, h, w, K) into one number an image (N,),
        which is differentiated instead. ``rule``, ``switches``: as in ``image_gradient``.
        """
        back, images = activations.way_back(rule, switches), self._one_batch(images)
        if callable(y):
            return self._run("projected", images, score=y, back=back)
        y = np.asarray(y, np.float32)
        shape = (inputs.count(images), *self._maps_shape)
        if y.ndim != 4 or any(size not in (None, got) for size, got in zip(shape, y.shape, strict=True)):
            raise MapError(f"a signal has the shape of the maps, {shape}, not {y.shape}")
        return self._run("projected", images, y, back=back)

    def classes(self, target, n, logits=None):
        """Return ``target`` as N class indices (N,); None takes each row's largest of ``logits`` (N, C)."""
        count = self._count_classes()
        if target is None:
            return by_class(logits).argmax(1)
        try:
            chosen = np.broadcast_to(np.asarray(target), (n,)) if np.ndim(target) == 0 else np.asarray(target)
        except ValueError:
            chosen = np.empty(0)
        if chosen.shape != (n,) or not np.issubdtype(chosen.dtype, np.integer):
            raise TargetError(f"a target is one class index, {n} of them (one an image), None, or for gradients "
                              f"a function of the logits; got {target!r}")
        for c in chosen:
            if not 0 <= c < count:
                raise TargetError(f"class {c} is out of range: this network has {count} classes, 0 to {count - 1}")
        return chosen

    def probabilities(self, logits):
        """Return p (N, C): the sigmoid if the model ends in one, else the softmax. One logit z gives two classes."""
        logits = np.asarray(logits, np.float64)
        if logits.shape[1] == 1:
            return sigmoid(by_class(logits))
        return sigmoid(logits) if activations.squash(self._peel) == "sigmoid" else softmax(logits)

    def scores(self, logits, target=None):
        """Return the number that ``target`` stands for, one an image (N,), as ``gradient`` differentiates it."""
        if callable(target):
            scores = keras.ops.convert_to_numpy(target(keras.ops.convert_to_tensor(logits)))
            if scores.shape != (len(logits),):
                raise TargetError(f"a target function turns logits {np.shape(logits)} into one number an image "
                                  f"({len(logits)},), not into {scores.shape}")
            return scores
        return by_class(logits)[np.arange(len(logits)), self.classes(target, len(logits), logits)]

    def head(self):
        """Return the class weights W (K, C) and bias b (C,) of a head that CAM is defined for.

        The head must be global average pooling and one Dense layer, or what comes to the same: see
        ``head.class_weights``. Raises HeadError otherwise.
        """
        if self.layer is None:
            raise HeadError("this model has not been called, so its head is not known yet: show it an image first "
                            "with forward(images)")
        if not self._whole:
            before = f" before {self._behind[0].path!r}" if self._behind else ""
            raise HeadError(f"CAM needs global average pooling followed by one Dense layer; between {self.path!r} and "
                            f"the logits this network joins or calculates something{before}: use grad_cam")
        return class_weights(self._found, self._behind, self._logits_shape[-1])

    # -- looking ---------------------------------------------------------------------------------

    def _look(self, x):
        """Run the model on one image, note every layer at work, and find the wanted one."""
        with LOCK, _order_explained():
            calls, output = surgery.observed(self.model, x)
            output = surgery.chosen(self.model, output, self.output)
            self._peel = activations.squashing(calls, output)
            ancestors = surgery.ancestors(calls, output)
            found = surgery.find(calls, self.wanted, ancestors)
            self._on_the_way = any(call.output is found.output for call in ancestors)
            self._behind, self._whole = surgery.chain(calls, output, found.output)
        self._found, self.layer, self.path = found, found.layer, found.path
        self.channels_first = surgery.channels_first(calls, found)
        self._maps_shape = found.shape[2:] + found.shape[1:2] if self.channels_first else found.shape[1:]
        if any(None in shape for shape in (s[1:] for s in inputs.shapes(self.model) or [(0, None)])):
            self._maps_shape = (None, None, self._maps_shape[2])  # another image may be larger
        self._logits_shape = tuple(output.shape)
        self.rounding = ROUNDING.get(keras.backend.standardize_dtype(found.output.dtype), 0)
        for call in calls:
            call.forget()
        self._seen, self._compiled = self._structure(), {}

    def _count_classes(self):
        if len(self._logits_shape) != 2:
            raise TargetError(f"a class needs logits (N, C), and this output has the shape {self._logits_shape}: give "
                              "a function as target, which turns the output into one number an image")
        return max(2, self._logits_shape[1])

    def _structure(self):
        """What the model is made of, to notice when it is changed: each layer and its activation."""
        return [(id(layer), id(getattr(layer, "activation", None))) for layer in self.model._flatten_layers()]

    # -- what goes in ----------------------------------------------------------------------------

    def _checked(self, images):
        """The inputs as the model takes them, checked; the model is looked at if that is still to be done."""
        x = inputs.checked(self.model, images)
        if self._seen != self._structure():  # never looked at, or given another head since
            self._look(inputs.rows(x, slice(1)))
        return x

    def _one_batch(self, images):
        """The images as the model takes them; raises ImageError for several inputs."""
        if inputs.several(images):
            raise ImageError("a gradient with respect to the image needs a model with one input, a batch of images")
        return self._checked(images)

    # -- running ---------------------------------------------------------------------------------

    def _through(self, x, at, back=("gradient", True), beside=()):
        """Run the model on ``x``; its layer's output goes through ``at``. Return that and the logits.

        Between them stand the outputs of the layers of the probes ``beside`` it.
        """
        with activations.ruled(self.model, *back), activations.peeled(self._peel), ExitStack() as stack:
            seen = [stack.enter_context(probe._tapped(at)) for probe in (self, *beside)]
            output = surgery.chosen(self.model, self.model(x, training=False), self.output)
        return *(maps[-1] for maps in seen), output

    @contextmanager
    def _tapped(self, at):
        """While open, the layer's output goes through ``at``, and what that returns is noted in the list we yield."""
        seen = []

        def tap(nth, run, *args, **kwargs):
            output = run(*args, **kwargs)
            if nth != self._found.nth:
                return output
            seen.append(at(keras.ops.transpose(output, (0, 2, 3, 1)) if self.channels_first else output))
            maps = keras.ops.cast(seen[-1], output.dtype)
            return keras.ops.transpose(maps, (0, 3, 1, 2)) if self.channels_first else maps

        with surgery.hooked(self.layer, tap):
            yield seen

    def _function(self, kind, score=None, back=("gradient", True), beside=()):
        """Return the compiled function ``kind``, made once unless it is for a ``score`` of the user's."""
        key = (kind, back, *beside)
        function = self._compiled.get(key)
        if score is not None or function is None:
            function = compiled(kind, partial(self._through, back=back, beside=beside), score, self.model)
        if score is None:  # otherwise compiled anew each time: what the function refers to may have changed
            self._compiled[key] = function
        return function

    def _run(self, kind, x, *more, function=None, **options):
        """Run the compiled function ``kind`` over the images, batch by batch; return NumPy arrays."""
        function, parts = function or self._function(kind, **options), []
        for start in range(0, inputs.count(x), self.batch_size):
            rows = slice(start, start + self.batch_size)
            with LOCK:
                parts.append([_numbers(a) for a in function(inputs.rows(x, rows), *(a[rows] for a in more))])
        results = [part[0] if len(part) == 1 else np.concatenate(part) for part in zip(*parts, strict=True)]
        self._check_finite(results)
        if kind != "projected":
            _check_logits(results[{"forward": -1, "gradient": 1}.get(kind, 0)])
        return results

    def _check_finite(self, results):
        if all(np.isfinite(a).all() for a in results):
            return
        for weight, values in zip(self.model.weights, self.model.get_weights(), strict=True):
            if not np.isfinite(values).all():
                raise WeightsError(f"the network's output is not finite: weight {weight.path!r} holds NaN or infinity")
        raise WeightsError("the network's output is not finite although its weights are: check the images' range")

    def _check_connected(self, x, A, logits):
        """Raise LayerError if the logits stay the same whatever the maps are."""
        noise = np.random.default_rng(0).normal(0, 1 + np.abs(A).max(), A.shape)
        if np.allclose(self._run("replaced", x, (A + noise).astype(np.float32))[0], logits, rtol=1e-5):
            raise LayerError(f"the output does not depend on {self.path!r}: choose a layer on the way to it")


@lru_cache(maxsize=2)
def _probes(model):
    """The probes of a model by layer. Only two models are kept: a third one pushes the first out of memory."""
    return {}


def probe(model, layer=None):
    """Return the Probe of (model, layer), made once and reused; a Probe stands for its model, or for itself."""
    if isinstance(model, Probe) and layer is None:
        return model
    if not isinstance(model, (keras.Model, Probe)) or not isinstance(layer, (str, keras.Operation, type(None))):
        return Probe(model, layer)  # which says what is wrong
    if isinstance(model, Probe):
        known, made = model.sisters, partial(Probe, model.model, layer, model.batch_size, model.output)
    else:
        known, made = _probes(model), partial(Probe, model, layer)
    if layer not in known:
        known[layer] = made()
    return known[layer]


def maps_of(model, images, layers):
    """Return the maps (N, h, w, K) of several ``layers`` in one pass, as a dict by name (of a Layer, by its path)."""
    probes = {}
    for layer in layers:
        one = probe(model, layer)
        checked = one._checked(images)
        probes[layer if isinstance(layer, str) else one.path] = one
    if not probes:
        raise LayerError("name at least one layer")
    first, *others = probes.values()
    return dict(zip(probes, first._run("forward", checked, beside=tuple(others)), strict=False))


def by_class(values):
    """Return ``values`` (..., C) with a column a class: a single column v becomes (-v, v), for the classes 0 and 1."""
    values = np.asarray(values)
    return np.concatenate([-values, values], -1) if values.shape[-1] == 1 else values


@contextmanager
def _order_explained():
    """Say what to do where TensorFlow only says that it cannot."""
    try:
        yield
    except Exception as cause:
        if "only supports the NHWC" not in str(cause):
            raise
        raise CamlibError("this model is channels_first, which TensorFlow cannot run without a GPU: set KERAS_BACKEND "
                          "to jax or torch before Python starts, or build the model channels_last") from cause


def _check_logits(logits):
    """Raise HeadError if ``logits`` (N, C) are probabilities: a softmax that could not be taken off."""
    if logits.ndim == 2 and logits.shape[1] > 1 and logits.min() >= 0 and np.allclose(logits.sum(1), 1, atol=1e-4):
        raise HeadError("this network returns probabilities, and its softmax is not a layer that could be taken off: "
                        "let it return logits, or make softmax its last layer")


def _numbers(tensor):
    """A tensor of any precision as NumPy numbers, float32 or float64."""
    array = keras.ops.convert_to_numpy(tensor)
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float32)
