"""What crosses the wall of the sandbox: data, the same on both sides, and nothing else."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from assignments import worker

NUMBERS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text())
DATA = st.recursive(NUMBERS, lambda part: st.lists(part) | st.tuples(part, part) | st.dictionaries(st.text(), part))
ARRAYS = hnp.arrays(st.sampled_from(["?", "u1", "i4", "i8", "f4", "f8"]), hnp.array_shapes(min_dims=0, max_side=4))


def crossed(value, **functions):
    return worker.decode(json.loads(json.dumps(worker.encode(value))), **functions)


@given(DATA)
def test_data_arrives_as_it_was(value):
    assert crossed(value) == value


@given(ARRAYS)
def test_arrays_arrive_as_they_were(array):
    """Bit by bit, with type and shape; a number of NumPy stays one."""
    arrived = crossed(array)
    assert arrived.dtype == array.dtype and arrived.shape == array.shape and arrived.tobytes() == array.tobytes()
    if array.size:
        single = crossed(array.ravel()[0])
        assert isinstance(single, np.generic) and single.dtype == array.dtype


def test_other_orders_and_sets():
    turned = np.arange(6.0).reshape(2, 3).T
    np.testing.assert_array_equal(crossed(turned), turned)
    assert crossed({1, 2}) == {1, 2} and crossed((1, [2, ()])) == (1, [2, ()])


@pytest.mark.parametrize("value", [object(), print, np.array(["a"]), np.array([{}], object), 1j], ids=lambda value: type(value).__name__)
def test_what_is_no_data_arrives_by_name_only(value):
    """It cannot be called, compared or computed with."""
    assert repr(crossed(value)) == f"<{type(value).__name__}>"


@pytest.mark.parametrize("forged", [{"array": ["O", [1], "AAAA", False]}, {"array": ["f8", [10 ** 9], "AAAA", False]},
                                    {"array": ["f8", [1]]}, {"list": 3}, {}, {"list": [], "set": []}], ids=str)
def test_forged_answers_raise(forged):
    """No object is built from an answer, and no memory is taken for numbers that are not there."""
    with pytest.raises((ValueError, TypeError)):
        worker.decode(forged)


def test_bounded_text():
    """A print of any length takes no more than the first million characters."""
    text = worker.Bounded()
    for _ in range(300):
        print("x" * 10 ** 4, file=text)
    assert worker.MOST <= len(text.getvalue()) < worker.MOST + 20 and text.getvalue().endswith("cut here")
