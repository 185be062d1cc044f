"""Quiet and repeatable: the one place that silences TensorFlow and fixes seeds and threads.

Everything in camlib takes Keras from here: ``from .runtime import keras``.
"""

import os
from contextlib import contextmanager

from tqdm import tqdm

# TensorFlow reads these once, when it is imported. Without oneDNN the same program gives the
# same bits on every run of a machine; with either one unset TensorFlow writes notes to stderr.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")


@contextmanager
def _no_stderr():
    """Drop what the process writes to stderr, also from C++; an exception still comes through."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


with _no_stderr():  # TensorFlow's note on missing CUDA obeys no setting
    import keras


def repeatable(seed=0, threads=1):
    """Fix every seed, ask TensorFlow for repeatable operations, and use ``threads`` threads.

    Call it first in a notebook: TensorFlow takes the number of threads only before its first operation.
    Raises CamlibError if it comes too late.
    """
    with _no_stderr():  # it imports TensorFlow, whatever the backend
        keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
        try:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(1)
        except RuntimeError as cause:
            from .errors import CamlibError  # here, because this module must be loaded before all others

            raise CamlibError("TensorFlow has already computed something, so its threads are fixed: restart the "
                              "kernel and call repeatable() first") from cause


def with_progress(steps, doing, shown):
    """Return the ``steps`` to loop over, with a progress bar while ``shown``; it wipes itself out at the end.

    Its width is fixed: otherwise the number of blanks that wipe it out would depend on the machine's speed.
    """
    return tqdm(steps, desc=doing, leave=False, ncols=79, disable=not shown)
