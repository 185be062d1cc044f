"""Quiet and repeatable, in a fresh interpreter with none of TensorFlow's settings made."""

import os
import subprocess
import sys

import pytest

from camlib import errors, runtime

TRAIN_AND_LOOK = """
import camlib
import numpy as np
from camlib.runtime import keras

def train(seed):
    camlib.repeatable(seed)
    model = keras.Sequential([keras.Input((12, 12, 3)), keras.layers.Conv2D(4, 3), keras.layers.Dropout(0.5),
                              keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)])
    model.compile("adam", "mse")
    model.fit(np.random.random((32, 12, 12, 3)), np.random.random((32, 2)), epochs=2, verbose=0)
    return b"".join(w.tobytes() for w in model.get_weights())

first, other, again = train(3), train(4), train(3)
print(first == again, first == other)

head = keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)
model = keras.Sequential([keras.Input((12, 12, 3)), keras.layers.Conv2D(4, 3), *head])
for a in range(8):  # each target is compiled anew
    camlib.grad_cam(model, np.zeros((1, 12, 12, 3)), lambda logits, a=a: a * logits[:, 0])
"""


def python(code, **settings):
    """Run ``code`` in a fresh interpreter; return what it did."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "KERAS_"))}
    return subprocess.run([sys.executable, "-c", code], env=kept | settings, capture_output=True, text=True)


@pytest.fixture(scope="module")
def trained():
    """What an interpreter did that imported camlib, trained a network three times and drew eight kinds of maps."""
    return python(TRAIN_AND_LOOK)


def test_importing_camlib_is_quiet(trained):
    """Importing camlib, and computing with it, writes nothing to the error stream."""
    assert (trained.returncode, trained.stderr) == (0, "")


def test_the_same_seed_gives_the_same_bits(trained):
    """Training again after repeatable(3) gives the same weights to the last bit; another seed gives others."""
    assert trained.stdout.split() == ["True", "False"]


@pytest.fixture
def pretend(tmp_path):
    """Run camlib/runtime.py with a file that pretends to be Keras: ``pretend(its_code, code)``."""
    def run(keras, code, **settings):
        (tmp_path / "keras.py").write_text(keras)
        return python(f"import runpy\nruntime = runpy.run_path({runtime.__file__!r})\n{code}",
                      PYTHONPATH=os.pathsep.join([str(tmp_path), *sys.path]), **settings)

    return run


def test_an_error_while_importing_comes_through(pretend):
    """Only notes are silenced: where Keras cannot be imported its error is shown in full."""
    failed = pretend("raise ImportError('no keras in this house')", "")
    assert failed.returncode != 0
    assert "ImportError: no keras in this house" in failed.stderr


def test_only_the_import_is_silenced(pretend):
    """Afterwards the error stream is the caller's again, also for what is written past Python."""
    assert pretend("import os\nos.write(2, b'lost')", "import os\nos.write(2, b'kept')").stderr == "kept"


@pytest.mark.parametrize("given, found", [
    ({}, "3 0"), (dict(TF_CPP_MIN_LOG_LEVEL="0", TF_ENABLE_ONEDNN_OPTS="1"), "0 1"),
])
def test_settings_that_were_made_are_kept(pretend, given, found):
    """TensorFlow's two settings are made where they are missing, and left alone where you made them."""
    read = "import os\nprint(os.environ['TF_CPP_MIN_LOG_LEVEL'], os.environ['TF_ENABLE_ONEDNN_OPTS'])"
    assert pretend("", read, **given).stdout.strip() == found


def test_too_late_is_said(monkeypatch):
    """Once TensorFlow has computed, its threads are fixed: the error says to restart the kernel."""
    def refuse(threads):
        raise RuntimeError("cannot be modified after initialization")

    monkeypatch.setattr("tensorflow.config.threading.set_intra_op_parallelism_threads", refuse)
    with pytest.raises(errors.CamlibError, match="restart the kernel"):
        runtime.repeatable()
