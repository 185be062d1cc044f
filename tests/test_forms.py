"""Every form of model on every backend: the same maps, logits and slopes as the plain network with these weights.

The plain network on TensorFlow is itself checked against ordinary sub-models and tapes in ``test_probe``.
"""

import importlib.util
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from camlib import Probe, class_activation_map, grad_cam, pretrained
from camlib.errors import CamlibError, HeadError, ImageError, LayerError, TargetError
from camlib.runtime import keras

from . import forms

layers = keras.layers
BACKENDS = ("tensorflow", "jax", "torch")
SEVERAL = ("image and vector", "inputs by name")  # no CAM: the logits are not the average's alone; no Score-CAM
POSITIVE = ("deconvnet", "guided", "projected_guided")  # rules that let only positive signals through a ReLU
IMAGE = ("image_gradient", "top_image", *POSITIVE, "projected", "projected_function")
PROGRAM = Path(forms.__file__)


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What each backend found, by a process of its own: ``answers(backend)`` is {"form: layer quantity": array}."""
    @lru_cache
    def found(backend):
        if not importlib.util.find_spec(backend):
            pytest.skip(f"{backend} is not installed: `make backends` does it")
        file = tmp_path_factory.mktemp(backend) / "found.npz"
        environment = os.environ | {"KERAS_BACKEND": backend}
        command = [sys.executable, "-W", "error::UserWarning", "-m", "tests.forms", str(file)]
        done = subprocess.run(command, env=environment, cwd=PROGRAM.parents[1], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
        with np.load(file) as arrays:
            return dict(arrays)

    return found


@pytest.mark.parametrize("form", forms.FORMS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_form_on_every_backend(answers, backend, form):
    """Maps, logits, slopes, replaced maps, Grad-CAM and CAM are those of the plain form; the model is untouched."""
    plain, found = answers("tensorflow"), answers(backend)
    mine = {name.removeprefix(f"{form}: "): array for name, array in found.items() if name.startswith(f"{form}: ")}
    if (form, backend) == ("channels first", "tensorflow"):
        assert "channels_first, which TensorFlow cannot run without a GPU" in str(mine["failed"])
        return
    assert "failed" not in mine, mine["failed"]
    assert mine.pop("untouched")
    _, ways, tolerance = forms.FORMS[form]
    assert len(mine) == (14 * len(ways) if form in SEVERAL else 16 * len(ways) + len(IMAGE))
    for name, array in mine.items():
        expected = plain[f"functional: None {name.split()[-1]}"]
        if form == "shared layer" and name.split()[-1] in POSITIVE:  # it has one more ReLU, before the maps
            expected = np.maximum(expected, 0)
        assert array.dtype == np.float32
        atol = tolerance * np.abs(expected).max()
        if form.startswith("mixed") and name.split()[-1] in IMAGE:  # half precision opens or shuts a ReLU near zero
            assert (np.abs(array - expected) <= atol).mean() > 0.98, name
        else:
            np.testing.assert_allclose(array, expected, rtol=0, atol=atol, err_msg=name)


def test_nothing_is_compared_with_itself(answers):
    """None of the plain form's quantities is zero, and those that could be mixed up differ: the test above can fail."""
    found = answers("tensorflow").items()
    plain = {name.split()[-1]: array for name, array in found if name.startswith("functional: None")}
    assert len(plain) == 23
    assert all(np.abs(array).max() > 1e-4 for array in plain.values())
    for a, b in (("S", "replaced"), ("G", "top"), ("G", "function"), ("cam", "grad_cam"), ("layer_cam", "grad_cam"),
                 ("image_gradient", "top_image"), ("image_gradient", "guided"), ("deconvnet", "guided"),
                 ("projected", "projected_guided"), ("projected", "projected_function")):
        assert np.abs(plain[a] - plain[b]).max() > 0.05 * np.abs(plain[a]).max()


@pytest.mark.skipif(not pretrained.available("MobileNetV2"), reason="the weights of MobileNetV2 are not on this "
                    'machine: camlib.pretrained.load("MobileNetV2") fetches them')
def test_transfer_learning_gives_the_flat_networks_map():
    """MobileNetV2 with its trained weights as a layer of a new network: the same maps as when it is not nested."""
    network = pretrained.load("MobileNetV2")
    base = keras.applications.MobileNetV2(weights=None, include_top=False, input_shape=(224, 224, 3))
    base.set_weights(network.model.get_weights()[:-2])
    x = network.prepare(list(pretrained.photographs().values())[:2])
    head = [layers.GlobalAveragePooling2D(), layers.Dropout(0.2), layers.Dense(3, "softmax")]

    def grown(image, features):
        for layer in head:
            features = layer(features)
        return keras.Model(image, features)

    image = keras.Input((224, 224, 3))
    flat, functional = grown(base.inputs[0], base.outputs[0]), grown(image, base(image, training=False))
    sequential = keras.Sequential([keras.Input((224, 224, 3)), base, *head])
    expected = [f(flat, x, 1) for f in (class_activation_map, grad_cam)]
    for model in (functional, sequential):
        assert Probe(model).path == f"{base.name}/out_relu"
        for layer in (None, "out_relu", base.name):
            np.testing.assert_allclose(grad_cam(model, x, 1, layer), expected[1], rtol=0,
                                       atol=1e-5 * np.abs(expected[1]).max())
        np.testing.assert_allclose(class_activation_map(model, x, 1), expected[0], rtol=0,
                                   atol=1e-5 * np.abs(expected[0]).max())
    inner = grad_cam(functional, x, 1, f"{base.name}/block_13_expand_relu")
    np.testing.assert_allclose(inner, grad_cam(flat, x, 1, "block_13_expand_relu"), rtol=0,
                               atol=1e-5 * np.abs(inner).max())


# -- several inputs and outputs ----------------------------------------------------------------------


def test_the_vector_counts():
    """With a vector that is not zero the logits are the model's own; a list and a dict give the same."""
    model, x = forms.build("image and vector"), [forms.images(), forms.vectors()]
    A, S, G = Probe(model).gradient(x, 2)
    np.testing.assert_allclose(S, model(x), rtol=1e-5)
    assert np.abs(S - Probe(model).logits([x[0], 0 * x[1]])).max() > 0.1
    by_name = Probe(model).gradient({"vector": x[1], "image": x[0]}, 2)
    for found, expected in zip(by_name, (A, S, G), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_batches_of_several_inputs():
    """Two at a time or all at once: each image keeps its own vector."""
    model, x = forms.build("image and vector"), [forms.images(), forms.vectors()]
    for two, all_ in zip(Probe(model, batch_size=2).gradient(x), Probe(model).gradient(x), strict=True):
        np.testing.assert_allclose(two, all_, rtol=0, atol=1e-6)


@pytest.mark.parametrize("inputs, message", [
    (lambda i, v: i, r"takes 2 inputs.*got 1"),
    (lambda i, v: [i, v[:2]], r"one row an image; these have \[5, 2\]"),
    (lambda i, v: [i, v[:, :2]], r"an input \(None, 3\), got \(5, 2\)"),
    (lambda i, v: [i[:, :8], v], r"takes images \(16, 12, 3\), got \(8, 12, 3\)"),
    (lambda i, v: [i, v * np.nan], "finite numbers"),
    (lambda i, v: [i, v.astype(str)], "finite numbers"),
    (lambda i, v: {"image": i, "vec": v}, r"takes the inputs \['image', 'vector'\], got \['image', 'vec'\]"),
])
def test_wrong_inputs(inputs, message):
    """A missing, short, wrongly shaped or misnamed input is an error that says what the network takes."""
    with pytest.raises(ImageError, match=message):
        Probe(forms.build("image and vector")).forward(inputs(forms.images(), forms.vectors()))


def test_cam_beside_a_vector_is_refused():
    """The logits are not the average's alone: no CAM, and the message says where the ways meet."""
    model, x = forms.build("image and vector"), [forms.images(), forms.vectors()]
    with pytest.raises(HeadError, match="joins or calculates something before 'add.*use grad_cam"):
        class_activation_map(model, x)


@pytest.mark.parametrize("output, classes", [("kind", 4), (0, 4), ("size", 2), (1, 2)])
def test_each_output_is_its_own_network(output, classes):
    """Of several outputs the one that was asked for gives the logits, without its softmax, and the CAM."""
    model, x = forms.build("several outputs"), forms.images()
    look = Probe(model, output=output)
    S = look.logits(x)
    name = output if isinstance(output, str) else ["kind", "size"][output]
    assert S.shape == (5, classes)
    np.testing.assert_allclose(keras.ops.softmax(S), model(x)[name], atol=1e-6)
    M, (_, b) = class_activation_map(look, x, 1), look.head()
    np.testing.assert_allclose(M.mean((1, 2)) + b[1], S[:, 1], atol=1e-5)
    np.testing.assert_allclose(grad_cam(look, x, 1), M / 48, atol=1e-6)


@pytest.mark.parametrize("output", [None, "colour", 2, -1])
def test_several_outputs_are_not_guessed(output):
    """Without a name, or with a wrong one, the error lists the outputs."""
    with pytest.raises(HeadError, match=r"this model has 2 outputs, 'kind' and 'size': say which one, Probe"):
        Probe(forms.build("several outputs"), output=output)


def test_a_list_of_outputs():
    """Outputs in a list go by number; those of a Functional model by the names of their layers, too."""
    image = keras.Input((16, 12, 3))
    x = layers.GlobalAveragePooling2D()(forms.maps()(image))
    model = keras.Model(image, [layers.Dense(4, name="a")(x), layers.Dense(2, name="b")(x)])
    assert [Probe(model, output=o).logits(forms.images()).shape[1] for o in (0, 1, "a", "b")] == [4, 2, 4, 2]


def test_maps_behind_another_output_are_not_taken():
    """The last maps are those on the way to the output that was asked for, not the last that were made."""
    image = keras.Input((16, 12, 3))
    x = forms.maps()(image)
    head = layers.Dense(4, name="kind")(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(image, {"kind": head, "picture": layers.Conv2D(3, 3, name="later")(x)})
    assert Probe(model, output="kind").path == "maps"


def test_an_output_that_is_a_picture():
    """Logits (N, h, w, C): a class is refused, a function of the output gives its slope."""
    image = keras.Input((16, 12, 3))
    model = keras.Model(image, layers.Conv2D(2, 1)(forms.maps()(image)))
    look = Probe(model, "maps")
    for target in (None, 1):
        with pytest.raises(TargetError, match=r"a class needs logits \(N, C\).*give a function"):
            look.gradient(forms.images(), target)
    G = look.gradient(forms.images(), lambda out: keras.ops.sum(out[..., 1], (1, 2)))[2]
    kernel = model.layers[-1].get_weights()[0][0, 0, :, 1]
    np.testing.assert_allclose(G, np.broadcast_to(kernel, G.shape), rtol=1e-5)


# -- layers ------------------------------------------------------------------------------------------


def test_calls_of_a_shared_layer_are_told_apart():
    """A layer used twice has two maps; its bare name, or itself, is not enough."""
    model = forms.build("shared layer")
    first, second = (Probe(model, f"relu#{n}") for n in (1, 2))
    np.testing.assert_allclose(first.forward(forms.images())[0], forms.images())
    assert second.forward(forms.images())[0].shape == (5, 8, 6, 5)
    for layer in ("relu", model.get_layer("relu")):
        with pytest.raises(LayerError, match="this layer is used 2 times in one run: say which, 'relu#1' or 'relu#2'"):
            Probe(model, layer)


def test_slopes_of_the_first_call():
    """The slope at the first use goes through everything behind it: a step along it raises the logit as it says."""
    model, x = forms.build("shared layer"), forms.images()[:1] + 0.5
    look = Probe(model, "relu#1")
    A, S, G = look.gradient(x, 1)
    rise = look.logits_from(x, A + 1e-3 * G)[0, 1] - S[0, 1]
    np.testing.assert_allclose(rise, 1e-3 * (G ** 2).sum(), rtol=0.02)


def test_softmax_elsewhere_stays():
    """A softmax layer that is also used inside the network is taken off only at the end."""
    softmax, image = layers.Softmax(name="squash"), keras.Input((16, 12, 3))
    maps = softmax(forms.maps()(image))
    inner = layers.Dense(4)(layers.GlobalAveragePooling2D()(maps))
    logits, model = keras.Model(image, inner), keras.Model(image, softmax(inner))
    np.testing.assert_allclose(Probe(model).logits(forms.images()), logits(forms.images()), atol=1e-6)
    assert np.abs(Probe(model, "squash#1").forward(forms.images())[0].sum(-1) - 1).max() < 1e-5


def test_a_layer_beside_the_way():
    """A layer that the output does not depend on is refused: its map would be zero and say nothing."""
    image = keras.Input((16, 12, 3))
    x = forms.maps()(image)
    head = layers.Dense(4)(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(image, {"kind": head, "picture": layers.Conv2D(3, 3, name="later")(x)})
    with pytest.raises(LayerError, match="the output does not depend on 'later'"):
        grad_cam(Probe(model, "later", output="kind"), forms.images())


def test_a_dead_channel_is_no_dead_end():
    """Slopes that are zero because every ReLU behind the maps is shut are a result, not an error."""
    model = keras.Sequential([keras.Input((16, 12, 3)), forms.maps(), layers.GlobalAveragePooling2D(),
                              layers.Dense(6, "relu"), layers.Dense(4)])
    forms.randomized(model)
    *first, W, b, V, c = model.get_weights()
    model.set_weights([*first, W, b - 100, V, c])
    assert not grad_cam(model, forms.images()).any()


@pytest.mark.parametrize("form, path", [
    ("functional", "maps"), ("nested in functional", "base/maps"), ("nested twice", "outer/base/maps"),
    ("subclassed with blocks", "block"), ("shared layer", "relu#2"), ("dropout and normalisation", "maps"),
])
def test_the_last_maps_are_named(form, path):
    """Without a name: the innermost layer that made the last maps, not one that hands them on."""
    look = Probe(forms.build(form))
    look.forward(forms.inputs_of(form))
    assert look.path == path


def test_a_layer_that_hands_its_input_on_made_nothing():
    """Dropout behind the very first layer is not taken for what made the maps."""
    model = keras.Sequential([keras.Input((16, 12, 3)), forms.maps(), layers.SpatialDropout2D(0.5),
                              layers.GlobalAveragePooling2D(), layers.Dense(4)])
    assert Probe(model).path == "maps"


class Looping(keras.Model):
    """A network in which a bare operation gives just what the layer behind it gives."""

    def __init__(self):
        super().__init__()
        self.maps, self.relu = layers.Conv2D(5, 3, name="maps"), layers.ReLU(name="relu")
        self.gap, self.scores = layers.GlobalAveragePooling2D(), layers.Dense(4, name="scores")

    def call(self, x):
        return self.scores(self.gap(self.relu(keras.ops.relu(self.maps(x)))))


def test_what_merely_looks_alike_is_not_taken_for_the_maker():
    """A layer does not make its own input, even if both are equal: the search ends, and finds the last maps."""
    model, x = Looping(), forms.images()
    model(x)
    forms.randomized(model)
    look = Probe(model)
    M, (_, S), (_, b) = class_activation_map(look, x, 1), look.forward(x), look.head()
    assert look.path == "relu"
    np.testing.assert_allclose(M.mean((1, 2)) + b[1], S[:, 1], atol=1e-5)
    inner = Probe(model, "maps")
    inner.forward(x)
    with pytest.raises(HeadError, match="between 'maps' and the logits.*before 'relu'"):
        inner.head()


@pytest.mark.parametrize("layer", [3, 1.5, ["maps"], np.zeros(2), b"maps"])
def test_what_is_no_layer(layer):
    """A number or a list is no layer, and the message says what is."""
    with pytest.raises(LayerError, match="a layer is a name, a path"):
        grad_cam(forms.build("functional"), forms.images(), 0, layer)


@pytest.mark.parametrize("batch_size", [0, -1, 2.0, "8", None])
def test_impossible_batch_sizes(batch_size):
    """A batch has at least one image."""
    with pytest.raises(CamlibError, match="batch_size is a whole number"):
        Probe(forms.build("functional"), batch_size=batch_size)


def test_ragged_targets():
    """Targets of different lengths are one clear error."""
    with pytest.raises(TargetError, match="a target is one class index"):
        grad_cam(forms.build("functional"), forms.images(), [[1], [1, 2], 3, 4, 5])


def test_only_two_models_are_kept():
    """The probes of a third model push the first one out of memory; all layers of one model keep theirs."""
    from camlib.probe import probe

    a, b, c = (forms.build("functional") for _ in range(3))
    first = probe(a), probe(a, "maps")
    assert probe(a) is first[0] and probe(a, "maps") is first[1]
    probe(b), probe(c)
    assert probe(a) is not first[0]
