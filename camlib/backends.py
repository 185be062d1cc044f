"""How a backend of Keras compiles and differentiates what the probe asks for; only the probe calls it."""

from .errors import CamlibError, TargetError
from .runtime import keras


def compiled(kind, through, score):
    """Return a compiled function of arrays for Keras' backend.

    ``through(x, at)`` runs a model on ``x``, hands the maps of its layer to ``at``, goes on with what ``at``
    returns, and gives (maps, logits). ``kind`` is "forward": x to maps, logits; "replaced": x, other maps to logits;
    or "gradient": x, classes (N,) to maps, logits, d score / d maps, with -1 for an image's top class.
    ``score``: None for the logit of the class, or a function of the logits. Raises CamlibError for another backend.
    """
    backend = keras.backend.backend()
    if backend not in COMPILERS:
        raise CamlibError(f"camlib runs on the Keras backend {' or '.join(COMPILERS)}, not on {backend!r}: "
                          "set KERAS_BACKEND before keras is imported")
    return COMPILERS[backend](kind, through, score)


def _scores(logits, classes, score):
    """One number an image (N,): the logit of its class (-1: its top class), or ``score`` of the logits."""
    if score is None:
        classes = keras.ops.where(classes < 0, keras.ops.argmax(logits, 1), classes)
        return keras.ops.sum(logits * keras.ops.one_hot(classes, logits.shape[1], dtype=logits.dtype), 1)
    scores = score(logits)
    if len(getattr(scores, "shape", ())) != 1:
        raise TargetError(f"a target function turns logits (N, {logits.shape[1]}) into one number an image (N,)")
    return scores


def _compile_tensorflow(kind, through, score):
    import tensorflow as tf

    def forward(x):
        return through(x, lambda maps: maps)

    def replaced(x, maps):  # the graph keeps only what the logits need: the part behind the layer
        return through(x, lambda _: maps)[1:]

    def gradient(x, classes):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            # The tape starts at the maps, so only the head is differentiated.
            maps, logits = through(x, lambda maps: (tape.watch(maps), maps)[1])
            total = tf.reduce_sum(_scores(logits, classes, score))
        return maps, logits, tape.gradient(total, maps, unconnected_gradients="zero")

    function = {"forward": forward, "replaced": replaced, "gradient": gradient}[kind]
    compiled = tf.function(function, autograph=False, reduce_retracing=True)
    # Every probe compiles these lines anew, on purpose: TensorFlow would warn of it after five probes.
    compiled._omit_frequent_tracing_warning = True
    return compiled


COMPILERS = {"tensorflow": _compile_tensorflow}
