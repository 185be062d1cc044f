"""What the tests share: the course network, scenes it has never seen, and little networks with random weights."""

import os
import sys

import cv2
import numpy as np
import pytest

from . import browsing

# A test module that imports Keras or TensorFlow before camlib would settle on a chattier level, for commands, too.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(scope="session", autouse=True)
def repeatable():
    """The same bits on every run; modules that do not use camlib do not wait for TensorFlow."""
    if "camlib" in sys.modules:
        sys.modules["camlib"].repeatable(0)


@pytest.fixture(scope="session")
def site(tmp_path_factory, worker_id):
    """The folder of the freshly built book, one for all processes of this run."""
    folder = tmp_path_factory.getbasetemp()
    return browsing.build_once((folder if worker_id == "master" else folder.parent) / "site")


@pytest.fixture(scope="session")
def address(site):
    """The http address of the site."""
    with browsing.served(site) as address:
        yield address


@pytest.fixture(scope="module")  # no longer: its event loop is in the way of tests that run notebooks
def browser():
    """A Chromium that can reach nothing but this machine."""
    if not browsing.CHROMIUM:
        pytest.skip("no Chromium on this machine: install the package 'chromium'")
    with browsing.chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def network(repeatable):
    """The course network as it ships."""
    from camlib import course_network

    return course_network.load()


@pytest.fixture(scope="session")
def unseen():
    """2000 scenes of a seed that the network was not trained on: every reported figure is measured here."""
    return _scenes(2000, seed=2)


@pytest.fixture(scope="session")
def others():
    """2000 further scenes: what has to be chosen or fitted is chosen here, never on ``unseen``."""
    return _scenes(2000, seed=3)


@pytest.fixture(scope="session")
def pairs():
    """500 unseen scenes with two objects each."""
    return _scenes(500, seed=2, objects=2)


def _scenes(n, seed, **options):
    from camlib import course_network, scenes

    assert seed != course_network.TRAINING["seed"]
    return scenes.make(n, seed, **options)


@pytest.fixture(scope="session")
def ridge():
    """A linear classifier: ``ridge(x, labels, new_x, new_labels)`` is the share of ``new_x`` it gets right.

    It is the best of four strengths on the very scenes it is judged by, so that the figure flatters the shortcut.
    """
    def accuracy(x, labels, new_x, new_labels):
        mean, spread = x.mean(0), x.std(0) + 1e-9
        x, new_x = (np.insert((a - mean) / spread, 0, 1, axis=1) for a in (x, new_x))
        squares, products = x.T @ x, x.T @ np.eye(8)[labels]
        weights = [np.linalg.solve(squares + s * len(x) * np.eye(len(squares)), products) for s in (0.01, 0.1, 1, 10)]
        return max(((new_x @ w).argmax(1) == new_labels).mean() for w in weights)

    return accuracy


@pytest.fixture(scope="session")
def linear_accuracy(ridge, others, unseen):
    """What the linear classifier reaches from 24 x 24 pixels: fitted on ``others``, judged on ``unseen``."""
    def pixels(images):
        return np.stack([cv2.resize(i, (24, 24), interpolation=cv2.INTER_AREA).ravel() for i in images])

    return ridge(pixels(others.images), others.labels, pixels(unseen.images), unseen.labels)


@pytest.fixture(scope="session")
def pictures():
    """Five little images (5, 16, 12, 3): not square, so that swapped axes show."""
    return np.random.default_rng(0).random((5, 16, 12, 3), np.float32)


@pytest.fixture(scope="session")
def small():
    """Build little networks: ``small(*head)`` is a convolution ``maps`` (N, 8, 6, 5) and the layers of its head.

    All weights, biases too, are random and the same for the same shapes. ``pictures`` fit in.
    """
    from camlib.runtime import keras

    def build(*head, dtype="float32"):
        first = keras.layers.Conv2D(5, 3, 2, "same", activation="relu", name="maps", dtype=dtype)
        return randomized(keras.Sequential([keras.Input((16, 12, 3)), first, *head]))

    return build


def randomized(model):
    """Give ``model`` random weights, biases too, and return it."""
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.5, 1.5, w.shape) if "variance" in w.path else rng.normal(0, 0.5, w.shape)
                       for w in model.weights])
    return model


@pytest.fixture(scope="session", name="randomized")
def _randomized():
    return randomized


@pytest.fixture
def live(browser, address):
    """Open a live figure: ``live("kernel", "01_convolution")``. An error in the browser fails the test."""
    context, complaints = browser.new_context(), []

    def open_figure(name, page):
        tab = context.new_page()
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        tab.goto(f"{address}/notebooks/{page}.html")
        return browsing.LiveFigure(tab, name)

    yield open_figure
    context.close()
    assert complaints == []
