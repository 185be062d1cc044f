"""How a backend of Keras compiles and differentiates what the probe asks for; only the probe calls it."""

from .errors import CamlibError, TargetError
from .runtime import keras


def compiled(kind, through, score, model):
    """Return a compiled function of arrays for Keras' backend, which returns a flat sequence of arrays.

    ``through(x, at)`` runs ``model`` on ``x``, hands the maps of its layer to ``at``, goes on with what ``at``
    returns, and gives (maps, logits). ``kind`` is "forward": x to maps, logits; "logits": x to logits;
    "replaced": x, other maps to logits;
    "gradient": x, classes (N,) to maps, logits, d score / d maps, with -1 for an image's top class;
    "image gradient": x, classes to logits, d score / d x; or "projected": x, y to maps, d <maps, y> / d x.
    ``score``: None for the logit of the class, or a function of the logits (projected: of the maps, in place of y).
    Raises CamlibError for another backend.
    """
    backend = keras.backend.backend()
    if backend not in COMPILERS:
        raise CamlibError(f"camlib runs on the Keras backend {' or '.join(COMPILERS)}, not on {backend!r}: "
                          "set KERAS_BACKEND before keras is imported")
    plain = {
        "forward": lambda x: through(x, _same),
        "logits": lambda x: through(x, _same)[1:],
        "replaced": lambda x, maps: through(x, lambda _: maps)[1:],
    }

    def image_gradient(x, classes):
        logits = through(x, _same)[-1]
        return _total(logits, classes, score), logits

    def projected(x, *y):
        maps = through(x, _same)[0]
        if score is not None:
            return _sum_of(score, maps), maps
        return keras.ops.sum(maps * keras.ops.cast(y[0], maps.dtype)), maps

    of_image = {"image gradient": image_gradient, "projected": projected}
    return COMPILERS[backend](plain.get(kind), of_image.get(kind), through, score, model)


def _same(maps):
    return maps


def _total(logits, classes, score):
    """The sum over the images of the logit of its class (-1: its top class), or of ``score`` of the logits.

    A single logit z is the score of class 1, and -z that of class 0.
    """
    ops = keras.ops
    if score is not None:
        return _sum_of(score, logits)
    top = ops.argmax(logits, 1) if logits.shape[1] > 1 else ops.cast(logits[:, 0] > 0, "int32")
    classes = ops.where(classes < 0, ops.cast(top, "int32"), classes)
    if logits.shape[1] == 1:
        return ops.sum(logits[:, 0] * ops.cast(2 * classes - 1, logits.dtype))
    return ops.sum(logits * ops.one_hot(classes, logits.shape[1], dtype=logits.dtype))


def _sum_of(score, values):
    """The sum over the images of ``score`` of ``values``, (N, C) or (N, h, w, K)."""
    scores = score(values)
    if len(getattr(scores, "shape", ())) != 1:
        what = "logits" if len(values.shape) == 2 else "maps"
        raise TargetError(f"a target function turns {what} {('N', *values.shape[1:])} into one number an image (N,)"
                          .replace("'", ""))
    return keras.ops.sum(scores)


def _compile_tensorflow(plain, of_image, through, score, model):
    import tensorflow as tf

    def gradient(x, classes):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            # The tape starts at the maps, so only the head is differentiated.
            maps, logits = through(x, lambda maps: (tape.watch(maps), maps)[1])
            total = _total(logits, classes, score)
        return maps, logits, tape.gradient(total, maps, unconnected_gradients="zero")

    def to_image(x, *more):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            total, values = of_image(x, *more)
        return values, tape.gradient(total, x, unconnected_gradients="zero")

    compiled = tf.function(plain or (to_image if of_image else gradient), autograph=False, reduce_retracing=True)
    # Every probe compiles these lines anew, on purpose: TensorFlow would warn of it after five probes.
    compiled._omit_frequent_tracing_warning = True
    return compiled


def _compile_jax(plain, of_image, through, score, model):
    import jax

    def gradient(x, classes):
        maps, _ = jax.eval_shape(lambda x: through(x, _same), x)

        def total(change):  # added to the maps, so only the head is differentiated
            maps, logits = through(x, lambda maps: maps + change)
            return _total(logits, classes, score), (maps, logits)

        G, (maps, logits) = jax.grad(total, has_aux=True)(jax.numpy.zeros(maps.shape, maps.dtype))
        return maps, logits, G

    def to_image(x, *more):
        G, values = jax.grad(of_image, has_aux=True)(x, *more)
        return values, G

    @jax.jit
    def run(weights, *arrays):  # weights as arguments: what a compiled function merely sees is a constant to it
        with keras.StatelessScope(state_mapping=list(zip(model.variables, weights, strict=True))):
            return (plain or (to_image if of_image else gradient))(*arrays)

    return lambda *arrays: run([variable.value for variable in model.variables], *arrays)


def _compile_torch(plain, of_image, through, score, model):
    import torch

    def gradient(x, classes):
        def start(maps):  # until here nothing is recorded, so only the head is differentiated
            torch.set_grad_enabled(True)
            return maps.detach().requires_grad_()

        maps, logits = through(x, start)
        return maps, logits, slope(_total(logits, classes, score), maps)

    def to_image(x, *more):
        torch.set_grad_enabled(True)
        x = x.detach().requires_grad_()
        total, values = of_image(x, *more)
        return values, slope(total, x)

    def slope(total, at):
        G = torch.autograd.grad(total, at, allow_unused=True)[0] if total.requires_grad else None
        return torch.zeros_like(at) if G is None else G

    def run(*arrays):
        with torch.no_grad():
            tensors = keras.tree.map_structure(keras.ops.convert_to_tensor, arrays)
            return (plain or (to_image if of_image else gradient))(*tensors)

    return run


COMPILERS = {"tensorflow": _compile_tensorflow, "jax": _compile_jax, "torch": _compile_torch}
