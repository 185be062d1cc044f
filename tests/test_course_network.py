"""The course network: the published bytes, a plain architecture, and it knows the scenes."""

import re
import shutil

import numpy as np
import pytest

from camlib import Probe, course_network, scenes
from camlib.errors import WeightsError
from camlib.runtime import keras


@pytest.fixture
def copied(tmp_path):
    """A copy of the shipped weights and their digest."""
    for file in (course_network.WEIGHTS, course_network.WEIGHTS.with_suffix(".sha256")):
        shutil.copy(file, tmp_path)
    return tmp_path / course_network.WEIGHTS.name


def test_a_whole_copy_is_accepted(copied, network):
    """The same bytes give the same weights, wherever they lie."""
    for ours, theirs in zip(course_network.load(copied).get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_one_flipped_bit_is_noticed(copied):
    """Weights that are not the published ones are refused; the message shows both digests."""
    published = copied.with_suffix(".sha256").read_text()[:12]
    content = bytearray(copied.read_bytes())
    content[len(content) // 2] ^= 1
    copied.write_bytes(content)
    with pytest.raises(WeightsError, match="is damaged.*restore the file, or train it") as caught:
        course_network.load(copied)
    found, expected = re.findall(r"\b[0-9a-f]{12}\b", str(caught.value))
    assert expected == published != found


def test_missing_weights(tmp_path):
    """Without the file the message names it and the command that makes it."""
    with pytest.raises(WeightsError, match="nothing.h5 is missing: .*make network"):
        course_network.load(tmp_path / "nothing.h5")


def test_small_enough_to_ship():
    """The weights take at most 500 kB."""
    assert course_network.WEIGHTS.stat().st_size <= 500_000


def test_accuracy(network, unseen, linear_accuracy):
    """It names at least 97 % of scenes it has never seen; a linear classifier is near chance on the same ones."""
    found = course_network.accuracy(network, unseen.images, unseen.labels)
    print(f"accuracy on 2000 unseen scenes: {found:.4f}; linear classifier {linear_accuracy:.3f}")
    assert found >= 0.97
    assert linear_accuracy <= 0.20


def test_plain_and_fine(network, unseen):
    """Only convolutions, ReLU, max-pooling, one average and one Dense layer; the last maps are at least 12 x 12."""
    kinds = {type(layer).__name__ for layer in network.layers}
    assert kinds == {"InputLayer", "Conv2D", "ReLU", "MaxPooling2D", "GlobalAveragePooling2D", "Dense"}
    A, logits = Probe(network).forward(unseen.images[:2])
    assert A.shape == (2, 12, 12, 64) and logits.shape == (2, 8)


def test_folding_changes_no_logit(unseen):
    """A network with batch normalisation and its folded copy give the same logits."""
    rng = np.random.default_rng(0)
    trained = course_network.build(batch_norm=True)
    trained.set_weights([rng.uniform(0.5, 1.5, w.shape) if "norm" in v.path else rng.normal(0, 0.1, w.shape)
                         for v, w in zip(trained.weights, trained.get_weights(), strict=True)])
    folded = course_network.fold(trained)
    assert not any("norm" in layer.name for layer in folded.layers)
    expected = trained(unseen.images[:8], training=False).numpy()
    np.testing.assert_allclose(folded(unseen.images[:8]).numpy(), expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_training_pictures_vary(unseen):
    """Training sees flips, shifts of up to 6 pixels and permuted colours, and every scene once an epoch."""
    batches = course_network.Batches(unseen.images[:64], np.arange(64), batch=16, seed=0)
    seen = [batches[i] for i in range(len(batches))]
    assert sorted(np.concatenate([labels for _, labels in seen])) == list(range(64))
    assert all(images.shape == (16, 96, 96, 3) for images, _ in seen)
    spot = np.zeros((96, 96, 3), np.float32)
    spot[40, 20, 1] = 1
    where = np.array([np.argwhere(batches.vary(spot))[0] for _ in range(300)])
    assert set(where[:, 0]) == set(range(34, 47))
    assert set(where[:, 1]) == set(range(14, 27)) | set(range(95 - 26, 95 - 13))
    assert set(where[:, 2]) == {0, 1, 2}


def test_training_makes_what_ships():
    """The training command goes through from drawing to folding, here with a handful of scenes."""
    images, labels, _, _ = scenes.make(16, seed=5)
    model = course_network.train(images, labels, epochs=1, seed=5, batch=8, rate=1e-3)
    assert [w.shape for w in model.get_weights()] == [w.shape for w in course_network.build().get_weights()]
    assert all(np.isfinite(w).all() for w in model.get_weights())


def test_training_goes_on_from_a_model(network):
    """A model that is given is left alone; a copy learns: the loss on its few scenes falls."""
    def loss(model):
        logits = model.predict(images, verbose=0)
        return float(keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True).numpy().mean())

    images, labels, _, _ = scenes.make(16, seed=5)
    labels = (labels + 1) % 8  # something it does not know yet
    before = network.get_weights()
    model = course_network.train(images, labels, epochs=4, seed=5, batch=8, rate=1e-3, model=network, verbose=0)
    assert loss(model) < loss(network)
    for kept, now in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, now)


def test_first_filters_are_readable(network):
    """Most energy of the 7 x 7 filters lies below half the Nyquist frequency: edges and blobs, where noise has 19 %."""
    def low(filters):
        energy = np.abs(np.fft.fft2(filters, (32, 32), axes=(0, 1))) ** 2
        frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(32), np.fft.fftfreq(32)))
        return energy[frequency < 0.25].sum((0, 1)) / energy.sum((0, 1, 2))

    kernel = network.get_layer("conv1").get_weights()[0]
    noise, found = low(np.random.default_rng(0).normal(size=(7, 7, 3, 1000))), low(kernel)
    print(f"energy below half Nyquist, median filter: {np.median(found):.2f}; white noise {np.median(noise):.2f}, "
          f"at most {noise.max():.2f}; filters above all noise: {(found > noise.max()).mean():.2f}")
    assert np.median(found) >= 0.6
    assert (found > noise.max()).mean() >= 0.8


def test_weights_without_their_digest(tmp_path):
    """Weights that nothing vouches for are refused: the file with the digest is missing, or empty."""
    copy = tmp_path / course_network.WEIGHTS.name
    copy.write_bytes(course_network.WEIGHTS.read_bytes())
    for _ in range(2):
        with pytest.raises(WeightsError, match="missing or empty"):
            course_network.load(copy)
        copy.with_suffix(".sha256").write_text("")
