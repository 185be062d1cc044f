"""The laws of camlib.pretrained: preprocessing is a formula, CAM adds up on real networks, maps tell objects apart.

What needs the trained network runs where its weights lie in Keras' folder and is skipped elsewhere;
nothing here touches the network.
"""

import socket
import warnings

import numpy as np
import pytest

import camlib
from camlib import pretrained
from camlib.errors import CamlibError, ImageError, TargetError, WeightsError
from camlib.pretrained import INDEX, NETWORKS
from camlib.runtime import keras

with_weights = pytest.mark.skipif(
    not pretrained.available("MobileNetV2"),
    reason='the weights of MobileNetV2 are not on this machine: camlib.pretrained.load("MobileNetV2") fetches them')

# Drawn by hand in pixels of the photographs, x0 y0 x1 y1: the cat's head, the cup with its saucer.
BOXES = {"chelsea": (35, 0, 400, 300), "coffee": (75, 15, 480, 390)}
CLASSES = {"chelsea": "Egyptian_cat", "coffee": "espresso"}


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """No test reaches the network."""
    def refuse(*_, **__):
        raise OSError("this test runs without internet")
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(scope="module")
def photos():
    return pretrained.photographs()


@pytest.fixture(scope="module")
def network():
    return pretrained.load("MobileNetV2")


@pytest.fixture(scope="module")
def untrained():
    """The two networks with random weights: their structure and their preprocessing are the real ones."""
    keras.utils.set_random_seed(0)
    return {name: pretrained.load(name, weights=None) for name in NETWORKS}


@pytest.fixture(scope="module")
def seen(network, photos):
    """The network's input for the four photographs, its maps and its logits."""
    x = network.prepare(list(photos.values()))
    return x, *camlib.Probe(network.model).forward(x)


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """An empty folder in place of Keras' own, and no class names remembered from before."""
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path))
    monkeypatch.setattr("keras.src.applications.imagenet_utils.CLASS_INDEX", None)
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


@pytest.fixture
def named(monkeypatch):
    """A thousand class names, two of them alike, where ImageNet's own are not needed."""
    names = ["Egyptian_cat", "crane", "espresso", "crane", *(f"thing_{i}" for i in range(996))]
    index = {str(i): [f"n{i:08d}", name] for i, name in enumerate(names)}
    monkeypatch.setattr("keras.src.applications.imagenet_utils.CLASS_INDEX", index)
    return names


def softmax(logits):
    e = np.exp(logits - logits.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def peak(map, size):
    """The row and column of the largest value of a map at the size (height, width) of its picture."""
    return np.unravel_index(camlib.resize_map(map, size).argmax(), size)


# -- what goes in ------------------------------------------------------------------------------------


@pytest.mark.equation("9.1")
def test_prepare_is_the_formula(untrained):
    """MobileNetV2 is fed 255 I / 127.5 - 1, by hand and by Keras; black, grey, white become -1, 0, 1.

    (9.1) MobileNetV2 is fed values from -1 to 1.
    """
    images = np.random.default_rng(0).random((2, 224, 224, 3), np.float32)
    x = untrained["MobileNetV2"].prepare(images)
    np.testing.assert_allclose(x, 255 * images / 127.5 - 1, atol=1e-6)
    np.testing.assert_allclose(x, keras.applications.mobilenet_v2.preprocess_input(255 * images), atol=1e-6)
    flat = np.stack([np.full((10, 10, 3), value, np.float32) for value in (0, 0.5, 1)])
    np.testing.assert_allclose(untrained["MobileNetV2"].prepare(flat)[:, 0, 0, 0], [-1, 0, 1], atol=1e-6)


def test_resnet_is_fed_blue_green_red_minus_means(untrained):
    """Red goes in first and comes out last, less ImageNet's mean red."""
    image = np.random.default_rng(0).random((1, 224, 224, 3), np.float32)
    expected = 255 * image[..., ::-1] - np.array([103.939, 116.779, 123.68])
    np.testing.assert_allclose(untrained["ResNet50"].prepare(image), expected, atol=1e-4)


def test_prepare_takes_any_sizes_and_changes_nothing(untrained, photos):
    """Photographs of four sizes become one batch, each as if it were alone; the photographs stay what they were."""
    network, before = untrained["MobileNetV2"], {name: photo.copy() for name, photo in photos.items()}
    x = network.prepare(list(photos.values()))
    assert x.shape == (4, 224, 224, 3) and x.dtype == np.float32
    np.testing.assert_array_equal(x[1:2], network.prepare(photos["coffee"][None]))
    assert all((photos[name] == before[name]).all() for name in photos)


def test_prepare_refuses_what_is_no_picture(untrained):
    """Prepared twice, bytes, one image for a batch, grey: each is refused in words."""
    network, image = untrained["MobileNetV2"], np.random.default_rng(0).random((1, 8, 8, 3), np.float32)
    with pytest.raises(ImageError, match="prepare each image once"):
        network.prepare(network.prepare(image))
    with pytest.raises(ImageError, match="divide bytes by 255"):
        network.prepare(np.uint8(255 * image))
    with pytest.raises(ImageError, match=r"write images\[None\]"):
        network.prepare(image[0])
    with pytest.raises(ImageError, match="3 channels"):
        network.prepare(image[..., :1])
    with pytest.raises(ImageError, match="at least one"):
        network.prepare([])


def test_photographs(photos):
    """Four RGB photographs in 0..1, none of them square, the coffee brown and not blue."""
    assert {name: photo.shape for name, photo in photos.items()} == {
        "chelsea": (300, 451, 3), "coffee": (400, 600, 3), "rocket": (427, 640, 3), "motorcycle": (500, 741, 3)}
    assert all(p.dtype == np.float32 and p.min() >= 0 and 0.9 < p.max() <= 1 for p in photos.values())
    red, _, blue = photos["coffee"].mean((0, 1))
    assert red > 2 * blue


def test_above(photos):
    """The first picture stays as it is, the second keeps its proportions below it."""
    pile = pretrained.above(photos["chelsea"], photos["coffee"])
    assert pile.shape == (300 + round(400 * 451 / 600), 451, 3)
    np.testing.assert_array_equal(pile[:300], photos["chelsea"])
    np.testing.assert_allclose(pile[300:].mean((0, 1)), photos["coffee"].mean((0, 1)), atol=0.01)


# -- what comes out ----------------------------------------------------------------------------------


def test_top(named):
    """The labels of the largest logits with their softmax; a shift of all logits changes nothing."""
    logits = np.random.default_rng(0).normal(0, 3, (2, 1000))
    for row, found in zip(range(2), pretrained.top(logits + 500, k=4), strict=True):
        best = np.argsort(-logits[row])[:4]
        assert [label for label, _ in found] == [named[c] for c in best]
        np.testing.assert_allclose([p for _, p in found], softmax(logits)[row, best])


def test_top_refuses_probabilities(named):
    """Softmax of a softmax is nearly even: what is a probability already is not taken for a logit."""
    with pytest.raises(CamlibError, match="these are probabilities"):
        pretrained.top(softmax(np.random.default_rng(0).normal(0, 3, (2, 1000))))
    with pytest.raises(CamlibError, match=r"expected logits \(N, 1000\), got shape \(1000,\)"):
        pretrained.top(np.zeros(1000))
    with pytest.raises(CamlibError, match="1000 that are NaN"):
        pretrained.top(np.full((1, 1000), np.nan))


def test_class_index(named):
    """A name gives its number; a slip gets near names; a name of two classes gets both numbers."""
    assert pretrained.class_index("espresso") == 2
    with pytest.raises(TargetError, match="Did you mean 'Egyptian_cat'"):
        pretrained.class_index("Egyptian cat")
    with pytest.raises(TargetError, match="2 classes 'crane': write the number, 1 or 3"):
        pretrained.class_index("crane")


@with_weights
def test_class_index_of_imagenet():
    """Keras' own list: the cat is 285, and exactly two names stand for two classes each."""
    names = pretrained.labels()
    assert (len(names), pretrained.class_index("Egyptian_cat"), names[207]) == (1000, 285, "golden_retriever")
    assert {name for name in names if names.count(name) > 1} == {"crane", "maillot"}
    with pytest.raises(TargetError, match="Did you mean 'espresso'"):
        pretrained.class_index("expresso")


@with_weights
def test_top_is_keras_decoded(network, seen):
    """Labels and probabilities are those that Keras decodes from the model's own softmax."""
    x, _, logits = seen
    theirs = keras.applications.mobilenet_v2.decode_predictions(network.model.predict(x, verbose=0), top=2)
    for ours, keras_says in zip(pretrained.top(logits, k=2), theirs, strict=True):
        assert [label for label, _ in ours] == [label for _, label, _ in keras_says]
        np.testing.assert_allclose([p for _, p in ours], [p for *_, p in keras_says], atol=1e-5)


@with_weights
def test_answers(seen, photos):
    """The four photographs get the words that fit best among the thousand."""
    labels = dict(zip(photos, (best[0][0] for best in pretrained.top(seen[2])), strict=True))
    assert labels == {"chelsea": "Egyptian_cat", "coffee": "espresso",
                      "rocket": "missile", "motorcycle": "motor_scooter"}


# -- maps --------------------------------------------------------------------------------------------


@with_weights
@pytest.mark.equation("9.2")
def test_law_on_photographs(network, seen):
    """mean(M_c) + b_c = S_c for each photograph and every one of the thousand classes.

    (9.2) The law holds for photographs and a thousand classes.
    """
    _, A, logits = seen
    W, b = camlib.Probe(network.model).head()
    M = camlib.cam.class_activation_maps(A, W)
    assert np.abs(M.mean((1, 2)) + b - logits).max() <= 1e-5


@with_weights
@pytest.mark.equation("8.1", "8.2", "8.3")
def test_grad_cam_is_cam_over_z(network, seen):
    """On this head Grad-CAM of the logit is M / Z, and the 49 values with the bias add up to the logit."""
    x, A, logits = seen
    L, M = camlib.grad_cam(network.model, x), camlib.class_activation_map(network.model, x)
    alpha = camlib.Probe(network.model).gradient(x)[2].mean((1, 2))
    weighted = [sum(a[k] * maps[..., k] for k in range(1280)) for a, maps in zip(alpha, A, strict=True)]
    np.testing.assert_allclose(L, weighted, atol=1e-5)
    np.testing.assert_allclose(L, M / 49, atol=1e-6)
    b = camlib.Probe(network.model).head()[1][logits.argmax(1)]
    np.testing.assert_allclose(L.sum((1, 2)) + b, logits.max(1), atol=1e-5)


@with_weights
@pytest.mark.parametrize("name", BOXES)
def test_peaks_on_cat_and_cup(network, photos, name):
    """The map of the right class peaks inside the box that was drawn by hand."""
    photo = photos[name]
    m = camlib.class_activation_map(network.model, network.prepare([photo]), pretrained.class_index(CLASSES[name]))[0]
    y, x = peak(m, photo.shape[:2])
    x0, y0, x1, y1 = BOXES[name]
    assert x0 <= x < x1 and y0 <= y < y1


@with_weights
@pytest.mark.parametrize("upper, lower", [("chelsea", "coffee"), ("coffee", "chelsea")])
def test_each_class_in_its_own_half(network, photos, upper, lower):
    """Of two photographs, one above the other, each class's map peaks on its own, whichever is above."""
    pile = pretrained.above(photos[upper], photos[lower])
    x, seam = network.prepare([pile]), len(photos[upper])
    for name, is_above in ((upper, True), (lower, False)):
        m = camlib.class_activation_map(network.model, x, pretrained.class_index(CLASSES[name]))[0]
        assert (peak(m, pile.shape[:2])[0] < seam) == is_above


@with_weights
@pytest.mark.equation("8.4")
def test_the_map_of_a_probability(network, seen):
    """Grad-CAM of p_c is (p_c / Z) (M_c - sum_d p_d M_d): predicted from the maps of all words, without a gradient."""
    x, A, logits = seen
    every = camlib.cam.class_activation_maps(A, camlib.Probe(network.model).head()[0])
    p, n, c = softmax(logits), np.arange(4), logits.argmax(1)
    expected = (p[n, c] / 49)[:, None, None] * (every[n, :, :, c] - np.einsum("nijd,nd->nij", every, p))
    found = camlib.grad_cam(network.model, x, lambda logits: keras.ops.max(keras.ops.softmax(logits), 1))
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


@with_weights
def test_boxes_are_no_better_than_the_middle(network, seen, photos):
    """The map's box covers cat and cup well and the slim rocket not at all, as a box in the middle does."""
    drawn = np.array([BOXES["chelsea"], BOXES["coffee"], (303, 125, 342, 418), (92, 78, 690, 452)])
    maps = camlib.class_activation_map(network.model, seen[0])
    found, middle = [], []
    for m, photo in zip(maps, photos.values(), strict=True):
        height, width = photo.shape[:2]
        found.append(camlib.bounding_boxes(camlib.resize_map(m, (height, width)))[0])
        middle.append([0.1 * width, 0.1 * height, 0.9 * width, 0.9 * height])
    by_map, by_middle = (camlib.intersection_over_union(boxes, drawn) for boxes in (found, middle))
    assert (by_map[[0, 1, 3]] >= 0.6).all() and by_map[2] <= 0.1
    assert by_map.mean() <= by_middle.mean()


def test_a_head_of_your_own(untrained, photos):
    """Nested in a model with three words of its own: maps are found inside, both laws hold, trained or not."""
    network = untrained["MobileNetV2"]
    base = keras.Model(network.model.input, network.model.get_layer("out_relu").output, name="mobilenet")
    inputs, average = keras.Input((224, 224, 3)), keras.layers.GlobalAveragePooling2D()
    mine = keras.Model(inputs, keras.layers.Dense(3, name="words")(average(base(inputs))))
    x = network.prepare([photos["rocket"], photos["coffee"]])
    with pytest.raises(ValueError, match="No such layer: out_relu"):
        mine.get_layer("out_relu")
    with pytest.raises(ValueError, match="not connected to `inputs`"):
        keras.Model(mine.input, base.output)
    look = camlib.Probe(mine)
    assert look.path == "mobilenet/out_relu"
    for W, b in (look.head(), (np.random.default_rng(0).normal(size=(1280, 3)), np.array([1.0, -2.0, 3.0]))):
        mine.get_layer("words").set_weights([W, b])
        A, logits = look.forward(x)
        np.testing.assert_allclose(logits, A.mean((1, 2)) @ W + b, atol=1e-4)
        assert camlib.cam.law_residual(A, W, b, logits) <= 1e-5
        np.testing.assert_allclose(camlib.grad_cam(mine, x, 2), camlib.class_activation_map(mine, x, 2) / 49, atol=1e-5)


@pytest.mark.parametrize("name, layer, channels", [("MobileNetV2", "out_relu", 1280),
                                                   ("ResNet50", "conv5_block3_out", 2048)])
@pytest.mark.equation("9.2")
def test_structure_and_law_with_random_weights(untrained, photos, name, layer, channels):
    """The probe finds the last maps by itself, and the law needs no training."""
    network = untrained[name]
    probe = camlib.Probe(network.model)
    assert probe.layer is network.model.get_layer(layer)
    A, logits = probe.forward(network.prepare([photos["chelsea"]]))
    assert A.shape == (1, 7, 7, channels) and logits.shape == (1, 1000)
    assert camlib.cam.law_residual(A, *probe.head(), logits) <= 1e-5


# -- files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_missing_weights_say_what_to_do(folder, name):
    """The message names the file, the folder and two ways out; Keras was asked for that very file."""
    assert not pretrained.available(name)
    with pytest.raises(WeightsError, match="once with internet") as error:
        pretrained.load(name)
    file = NETWORKS[name][1]
    assert file in str(error.value) and str(folder) in str(error.value) and "KERAS_HOME" in str(error.value)
    assert f"/{file}:" in str(error.value.__cause__), "Keras looks for another file than the table says"


def test_missing_class_names_say_what_to_do(folder):
    """The list of names is a download, too."""
    with pytest.raises(WeightsError, match=f"{INDEX} is missing: Keras looks for it in") as error:
        pretrained.labels()
    assert str(folder) in str(error.value)


def test_damaged_weights_say_what_to_do(folder):
    """A download that broke off is named, with its path."""
    file = folder / NETWORKS["MobileNetV2"][1]
    file.write_bytes(b"half a file")
    with pytest.raises(WeightsError, match="delete it and run again") as error:
        pretrained.load("MobileNetV2")
    assert str(file) in str(error.value)


def test_available_needs_both_files(folder):
    """Weights without names are not enough; looking changes nothing."""
    for file in (NETWORKS["ResNet50"][1], INDEX):
        assert not pretrained.available("ResNet50")
        (folder / file).touch()
    assert pretrained.available("ResNet50") and not pretrained.available("MobileNetV2")


def test_a_folder_that_keras_may_not_write_to(folder, monkeypatch):
    """Keras then looks and writes elsewhere, and the message says where it really looked."""
    monkeypatch.setattr("os.access", lambda *_: False)
    try:
        keras.utils.get_file("camlib-has-no-such-file", "file:///nowhere", cache_subdir="models")
    except Exception:
        pass
    assert str(pretrained.folder()) == "/tmp/.keras/models" and pretrained.folder().is_dir()


def test_unknown_network():
    """A slip in the name gets the right one."""
    for call in (pretrained.load, pretrained.available):
        with pytest.raises(CamlibError, match="Did you mean 'MobileNetV2'"):
            call("MobilenetV2")


@with_weights
def test_quiet(network, photos, recwarn, capfd):
    """From photograph to label: no warning, nothing printed."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pretrained.top(camlib.Probe(network.model).forward(network.prepare([photos["coffee"]]))[1])
    assert capfd.readouterr() == ("", "")
