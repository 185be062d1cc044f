"""Every form in which people hand over a model, all with the same weights: one network, many wrappings.

Run as a program it writes what the probe finds in each form to a file: ``python tests/forms.py found.npz``.
The Keras backend is that of KERAS_BACKEND, so that one process a backend answers the same questions.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

import camlib
from camlib import Probe
from camlib.runtime import keras

layers = keras.layers
FAMILY = (camlib.grad_cam, camlib.hires_cam, camlib.xgrad_cam, camlib.layer_cam, camlib.grad_cam_plus_plus,
          camlib.ablation_cam)
N, H, W, K, C = 5, 16, 12, 5, 4


def images():
    """Five little images, not square."""
    return np.random.default_rng(0).random((N, H, W, 3), np.float32)


def vectors():
    """A row of three numbers an image."""
    return np.random.default_rng(3).random((N, 3), np.float32)


def randomized(model):
    """Give ``model`` random weights, biases too, the same for the same shapes."""
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.weights])
    return model


def maps(**options):
    """The convolution that makes the last maps (N, 8, 6, 5)."""
    return layers.Conv2D(K, 3, 2, "same", activation="relu", name="maps", **options)


def functional(last=None):
    """The plain form that all others are compared with."""
    x = image = keras.Input((H, W, 3))
    x = layers.GlobalAveragePooling2D()(maps()(x))
    return keras.Model(image, layers.Dense(C, last, name="scores")(x))


def sequential(*head, shape=(H, W, 3)):
    """A Sequential model: the maps, the average, Dense."""
    first = [keras.Input(shape)] if shape else []
    return keras.Sequential([*first, maps(), layers.GlobalAveragePooling2D(), *(head or [layers.Dense(C)])])


def loaded():
    """A Sequential model that comes from a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        randomized(sequential()).save(path)
        return keras.models.load_model(path)


def base():
    """A model to be part of another."""
    return keras.Sequential([keras.Input((H, W, 3)), maps()], name="base")


def nested():
    """Transfer learning, the Functional way."""
    image = keras.Input((H, W, 3))
    return keras.Model(image, layers.Dense(C)(layers.GlobalAveragePooling2D()(base()(image, training=False))))


def nested_sequential():
    """Transfer learning, the Sequential way."""
    return keras.Sequential([keras.Input((H, W, 3)), base(), layers.GlobalAveragePooling2D(), layers.Dense(C)])


def nested_twice():
    """A model in a model in a model."""
    inner = keras.Sequential([keras.Input((H, W, 3)), base()], name="outer")
    return keras.Sequential([inner, layers.GlobalAveragePooling2D(), layers.Dense(C)])


class Subclassed(keras.Model):
    """A network whose forward pass is a method."""

    def __init__(self):
        super().__init__()
        self.maps, self.gap, self.scores = maps(), layers.GlobalAveragePooling2D(), layers.Dense(C)

    def call(self, x):
        return self.scores(self.gap(self.maps(x)))


class Block(layers.Layer):
    """A layer made of layers and of arithmetic that is no layer: a residual block."""

    def __init__(self, **options):
        super().__init__(**options)
        self.inner = layers.Conv2D(K, 3, padding="same", kernel_initializer="zeros", name="inner")

    def call(self, x):
        return x + 0 * self.inner(x)


class Blocks(keras.Model):
    """A subclassed network whose last maps come from a block, called with a training argument, in inference mode."""

    def __init__(self):
        super().__init__()
        self.steps = [maps(), Block(name="block")]
        self.rest = {"gap": layers.GlobalAveragePooling2D(), "drop": layers.Dropout(0.5), "scores": layers.Dense(C)}

    def call(self, x, training=False):
        for step in self.steps:
            x = step(x)
        return self.rest["scores"](self.rest["drop"](self.rest["gap"](x), training=training))


def shared():
    """One layer used twice on the way: a ReLU before the maps (the images are not negative) and behind them."""
    relu, image = layers.ReLU(name="relu"), keras.Input((H, W, 3))
    x = relu(layers.Conv2D(K, 3, 2, "same", name="maps")(relu(image)))
    return keras.Model(image, layers.Dense(C)(layers.GlobalAveragePooling2D()(x)))


def with_vector():
    """An image and a vector; the vector's part of the head has weights that are zero for a vector of zeros."""
    image, vector = keras.Input((H, W, 3), name="image"), keras.Input((3,), name="vector")
    x = layers.GlobalAveragePooling2D()(maps()(image))
    return keras.Model([image, vector], layers.Add()([layers.Dense(C)(x), layers.Dense(C, use_bias=False)(vector)]))


def named_inputs():
    """The same with inputs by name."""
    image, vector = keras.Input((H, W, 3), name="image"), keras.Input((3,), name="a_vector")
    x = layers.GlobalAveragePooling2D()(maps()(image))
    scores = layers.Add()([layers.Dense(C)(x), layers.Dense(C, use_bias=False)(vector)])
    return keras.Model({"image": image, "a_vector": vector}, scores)


def two_outputs():
    """Two heads on the same maps; the second comes last, and ends in softmax."""
    image = keras.Input((H, W, 3))
    x = layers.GlobalAveragePooling2D()(maps()(image))
    one = layers.Dense(C, "softmax", name="kind")(x)
    return keras.Model(image, {"kind": one, "size": layers.Dense(2, "softmax", name="size")(x)})


def frozen():
    """A base that is not to be trained."""
    model = functional()
    model.get_layer("maps").trainable = False
    return model


def quiet():
    """Dropout and batch normalisation that must be in inference mode; its stored figures change nothing."""
    image = keras.Input((H, W, 3))
    x = layers.Dropout(0.5)(layers.BatchNormalization(epsilon=0, scale=False, center=False)(image))
    x = layers.SpatialDropout2D(0.5)(maps()(x))
    x = layers.Dropout(0.5)(layers.GaussianNoise(1.0)(layers.GlobalAveragePooling2D()(x)))
    return keras.Model(image, layers.Dense(C)(x))


def mixed(dtype):
    """Half-precision arithmetic with full-precision weights, and a softmax in full precision."""
    image = keras.Input((H, W, 3))
    x = layers.GlobalAveragePooling2D(dtype=dtype)(maps(dtype=dtype)(image))
    return keras.Model(image, layers.Activation("softmax", dtype="float32")(layers.Dense(C, dtype=dtype)(x)))


def channels_first():
    """Images (N, 3, H, W) and maps (N, K, h, w), as PyTorch has them."""
    image = keras.Input((3, H, W))
    x = layers.GlobalAveragePooling2D(data_format="channels_first")(maps(data_format="channels_first")(image))
    return keras.Model(image, layers.Dense(C)(x))


# form: (how to make it, the layers to ask for, tolerance); all have the plain form's weights
FORMS = {
    "functional": (functional, [None, "maps"], 1e-5),
    "sequential": (sequential, [None, "maps"], 1e-5),
    "sequential without Input": (lambda: sequential(shape=None), [None, "maps"], 1e-5),
    "sequential from a file": (loaded, [None, "maps"], 1e-5),
    "nested in functional": (nested, [None, "base/maps", "maps", "base"], 1e-5),
    "nested in sequential": (nested_sequential, [None, "base/maps", "base"], 1e-5),
    "nested twice": (nested_twice, [None, "outer/base/maps", "outer/base", "outer"], 1e-5),
    "subclassed": (Subclassed, [None, "maps"], 1e-5),
    "subclassed with blocks": (Blocks, [None, "block"], 1e-5),
    "shared layer": (shared, [None, "relu#2"], 1e-5),
    "image and vector": (with_vector, [None, "maps"], 1e-5),
    "inputs by name": (named_inputs, [None, "maps"], 1e-5),
    "several outputs": (two_outputs, [None, "maps"], 1e-5),
    "softmax activation": (lambda: functional("softmax"), [None], 1e-5),
    "sigmoid activation": (lambda: functional("sigmoid"), [None], 1e-5),
    "softmax layer": (lambda: sequential(layers.Dense(C), layers.Softmax()), [None], 1e-5),
    "activation layer": (lambda: sequential(layers.Dense(C), layers.Activation("softmax")), [None], 1e-5),
    "frozen": (frozen, [None], 1e-5),
    "dropout and normalisation": (quiet, [None, "maps"], 1e-5),
    "variable size": (lambda: sequential(shape=(None, None, 3)), [None], 1e-5),
    "mixed bfloat16": (lambda: mixed("mixed_bfloat16"), [None], 2e-2),
    "mixed float16": (lambda: mixed("mixed_float16"), [None], 4e-3),
    "channels first": (channels_first, [None, "maps"], 1e-5),
}


def inputs_of(form):
    """What the form takes; its vector is zero, so that the plain form's logits come out."""
    if form == "image and vector":
        return [images(), np.zeros((N, 3), np.float32)]
    if form == "inputs by name":
        return {"image": images(), "a_vector": np.zeros((N, 3), np.float32)}
    return images().transpose(0, 3, 1, 2) if form == "channels first" else images()


def output_of(form):
    """The output to look at, where there are several."""
    return "kind" if form == "several outputs" else None


def build(form):
    """The model of a form, with the plain form's weights."""
    model, plain = FORMS[form][0](), iter(randomized(functional()).get_weights())
    x = inputs_of(form)
    if not model.built:
        model(x)
    rng = np.random.default_rng(2)
    extra = {(3, C): "vector", (2,): "size", (K, 2): "size", (1, 1, 3): "stats"}
    values = []
    for weight in model.weights:
        if "inner" in weight.path or tuple(weight.shape) in extra:
            values.append(rng.normal(0, 0.5, weight.shape))
        elif "moving" in weight.path:
            values.append(np.ones(weight.shape) if "variance" in weight.path else np.zeros(weight.shape))
        elif "seed" in weight.path:
            values.append(weight.numpy())
        else:
            values.append(next(plain))
    model.set_weights(values)
    return model


def state(model):
    """All that the probe could leave behind: attributes, weights, flags, configuration."""
    attributes = [{name: id(value) for name, value in layer.__dict__.items()} for layer in model._flatten_layers()]
    flags = [(layer.name, layer.trainable) for layer in model._flatten_layers()]
    config = type(model) is not keras.Model and str(model.get_config())
    return attributes, flags, config, [w.tobytes() for w in model.get_weights()]


def leaves_no_trace(model, x, output):
    """True if the model is the same after a run, and after one that breaks off in its middle."""
    Probe(model, output=output).logits(x)  # the first call of a model may make its weights
    before, look = state(model), Probe(model, output=output)
    look.gradient(x, 2)
    try:
        look.gradient(x, lambda logits: 1 / 0)
    except ZeroDivisionError:
        return state(model) == before
    return False


def results(form):
    """{name: array}: maps, logits and slopes, Grad-CAM, and CAM where it is defined, for each way to name the layer."""
    model, x = build(form), inputs_of(form)
    found = {"untouched": np.array(leaves_no_trace(model, x, output_of(form)))}
    for layer in FORMS[form][1]:
        look = Probe(model, layer, output=output_of(form))
        A, S, G = look.gradient(x, [0, 1, 2, 3, 1])
        found |= {f"{layer} A": A, f"{layer} S": S, f"{layer} G": G, f"{layer} top": look.gradient(x)[2],
                  f"{layer} function": look.gradient(x, lambda logits: logits[:, 2] - logits[:, 0])[2],
                  f"{layer} replaced": look.logits_from(x, A[::-1]), f"{layer} logits": look.logits(x),
                  **{f"{layer} {method.__name__}": method(look, x, 2) for method in FAMILY},
                  f"{layer} eigen_cam": camlib.eigen_cam(look, x)}
        if not isinstance(x, (list, dict)):
            found[f"{layer} score_cam"] = camlib.score_cam(look, x, 2)
        if not isinstance(x, (list, dict)) and layer == FORMS[form][1][0]:
            found |= {f"{layer} {name}": back.transpose(0, 2, 3, 1) if form == "channels first" else back
                      for name, back in to_the_image(look, x).items()}
        if form not in ("image and vector", "inputs by name"):
            found[f"{layer} cam"] = camlib.class_activation_map(look, x, 3)
    return found


def to_the_image(look, x):
    """{name: array}: slopes with respect to the image by each rule, and a signal brought back from the maps."""
    y = np.random.default_rng(4).normal(size=look.forward(x)[0].shape)
    return {**{rule: look.image_gradient(x, [0, 1, 2, 3, 1], rule)[1] for rule in ("deconvnet", "guided")},
            "image_gradient": look.image_gradient(x, [0, 1, 2, 3, 1])[1], "top_image": look.image_gradient(x)[1],
            "projected": look.project(x, y)[1], "projected_guided": look.project(x, y, "guided")[1],
            "projected_function": look.project(x, lambda A: keras.ops.sum(A ** 2, (1, 2, 3)))[1]}


if __name__ == "__main__":
    everything = {}
    for form in FORMS:
        try:
            everything |= {f"{form}: {name}": array for name, array in results(form).items()}
        except Exception as cause:
            everything[f"{form}: failed"] = np.array(f"{type(cause).__name__}: {cause}")
    np.savez(sys.argv[1], **everything)
