"""Quiet and repeatable: the one place that silences TensorFlow and fixes seeds and threads.

Importing camlib imports this first, because TensorFlow reads these settings only once.
"""

import os

# Both are needed: the first stops TensorFlow's notes on start, the second its oneDNN note;
# without oneDNN the same program also gives the same bits on every run.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")


def repeatable(seed=0, threads=1):
    """Fix every seed, ask TensorFlow for repeatable operations, and use ``threads`` threads.

    Call it first in a notebook: TensorFlow takes the number of threads only before its first operation.
    """
    import keras

    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
