"""The shape of an answer, checked by itself."""

import numpy as np

from ..checks import same


def shaped(array, shape, name):
    """Raise AssertionError, with a reason, unless ``array`` has this shape."""
    same(np.zeros(np.shape(array)), np.zeros(shape), name)
