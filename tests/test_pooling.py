"""Pooling: loops, Keras and our windows agree; what a shift does to it; where the average and a linear layer swap."""

import numpy as np
import pytest

from camlib.cnn import dense
from camlib.convolution import output_size
from camlib.errors import MapError
from camlib.pooling import average_pool, global_average_pool, max_pool, windows
from camlib.runtime import keras

layers = keras.layers
SHAPES = [(2, None), (3, None), (3, 2), (2, 1), (1, 2), (4, 3)]  # size and stride


@pytest.fixture(scope="module")
def A():
    """Random maps (2, 9, 6, 3) of both signs, float64: not square, so that swapped axes show."""
    return np.random.default_rng(0).normal(-1, 1, (2, 9, 6, 3))


def loops(A, reduce, q, s):
    """Equations (2.2) and (2.3) as they are written: one window after the other."""
    n, h, w, K = A.shape
    return np.array([[[[reduce([A[i, s * row + m, s * column + n, k] for m in range(q) for n in range(q)])
                        for k in range(K)] for column in range((w - q) // s + 1)] for row in range((h - q) // s + 1)]
                     for i in range(n)])


@pytest.mark.equation("2.2")
@pytest.mark.parametrize("q, s", SHAPES)
def test_max_pool_is_the_loops(A, q, s):
    """The largest value of each window, to the last bit.

    (2.2) Max pooling keeps the largest value of each window.
    """
    np.testing.assert_array_equal(max_pool(A, q, s), loops(A, max, q, s or q))


@pytest.mark.equation("2.3")
@pytest.mark.parametrize("q, s", SHAPES)
def test_average_pool_is_the_loops(A, q, s):
    """The mean of each window.

    (2.3) Average pooling keeps the mean of each window.
    """
    expected = loops(A, lambda values: sum(values) / q**2, q, s or q)
    np.testing.assert_allclose(average_pool(A, q, s), expected, atol=1e-14)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("q, s", [*SHAPES, (5, 2), (5, 3)])
def test_pooling_is_keras(A, q, s, padding):
    """Maximum and mean are Keras', odd sizes and both paddings included."""
    for ours, theirs in ((max_pool, layers.MaxPooling2D), (average_pool, layers.AveragePooling2D)):
        expected = keras.ops.convert_to_numpy(theirs(q, s, padding, dtype="float64")(A))
        np.testing.assert_allclose(ours(A, q, s, padding), expected, rtol=0, atol=1e-14)
    assert max_pool(A, 2).dtype == np.float64 and max_pool(A.astype(np.float32), 2).dtype == np.float32
    assert average_pool(A.astype(np.float32), 2).dtype == np.float32


@pytest.mark.equation("2.4")
@pytest.mark.parametrize("cells", range(4, 12))
@pytest.mark.parametrize("q, s", [(2, 2), (3, 2), (2, 1), (4, 3)])
def test_output_size(cells, q, s):
    """floor((h - q) / s) + 1 cells without padding, ceil(h / s) with "same": ours, the formula of chapter 1, Keras.

    (2.4) A pooled map has as many cells as the window makes stops, without padding and with it.
    """
    A = np.zeros((1, cells, 13, 1))
    for padding, expected in (("valid", (cells - q) // s + 1), ("same", -(-cells // s))):
        assert max_pool(A, q, s, padding).shape[1] == average_pool(A, q, s, padding).shape[1] == expected
        assert output_size(cells, q, s, padding) == expected
        assert layers.MaxPooling2D(q, s, padding).compute_output_shape(A.shape)[1] == expected


@pytest.mark.equation("2.5")
@pytest.mark.parametrize("pool", [max_pool, average_pool])
def test_shift_by_the_stride_shifts_the_output(A, pool):
    """A shift by t strides is a shift of the output by t cells; a shift by less is not.

    (2.5) A shift by whole strides before pooling is a shift by as many cells after it.
    """
    shifted = np.zeros((2, 15, 12, 3))
    for t in (0, 1, 2):
        shifted[:] = 0
        shifted[:, 3 * t:3 * t + 9, 3 * t:3 * t + 6] = A
        np.testing.assert_array_equal(pool(shifted, 3)[:, t:t + 3, t:t + 2], pool(A, 3))
    shifted[:] = 0
    shifted[:, 1:10, 1:7] = A
    assert np.abs(pool(shifted, 3)[:, :3, :2] - pool(A, 3)).max() > 0.1


@pytest.mark.equation("2.6")
def test_global_average_pool(A):
    """The sum over the cells divided by their number; one window as large as the map; Keras' layer.

    (2.6) Global average pooling makes one number of each map, its mean.
    """
    F = global_average_pool(A)
    np.testing.assert_allclose(F, [[sum(A[n, :, :, k].ravel()) / 54 for k in range(3)] for n in range(2)], atol=1e-14)
    np.testing.assert_allclose(F, layers.GlobalAveragePooling2D(dtype="float64")(A), atol=1e-14)
    square = A[:, :6]
    np.testing.assert_allclose(global_average_pool(square), average_pool(square, 6)[:, 0, 0], atol=1e-14)


@pytest.mark.equation("2.8")
def test_average_and_linear_layer_change_places(A):
    """The mean of W x + b over the cells is W (the mean of x) + b: the door to CAM. With a ReLU between it is not.

    (2.8) Average and Dense layer may change places: the door to CAM.
    """
    rng = np.random.default_rng(1)
    W, b = rng.normal(size=(3, 5)), rng.normal(size=5)
    in_each_cell = dense(A.reshape(-1, 3), W, b).reshape(2, 9, 6, 5)
    np.testing.assert_allclose(global_average_pool(in_each_cell), dense(global_average_pool(A), W, b), atol=1e-14)
    rectified = np.maximum(in_each_cell, 0)
    assert np.abs(global_average_pool(rectified) - np.maximum(dense(global_average_pool(A), W, b), 0)).max() > 0.1


def test_windows_are_a_view(A):
    """Each window is what it covers; nothing is copied, and nothing can be written by mistake."""
    found = windows(A, 3, 2)
    assert found.shape == (2, 4, 2, 3, 3, 3) and np.shares_memory(found, A) and not found.flags.writeable
    for i, j in np.ndindex(4, 2):
        np.testing.assert_array_equal(found[:, i, j], A[:, 2 * i:2 * i + 3, 2 * j:2 * j + 3])
    assert windows(A, 3).shape == (2, 3, 2, 3, 3, 3)


def test_padding_never_wins():
    """Padding takes no part: the maximum of negative maps stays negative, and the mean counts only cells that exist."""
    A = np.full((1, 3, 3, 1), -7.0)
    np.testing.assert_array_equal(max_pool(A, 2, padding="same"), np.full((1, 2, 2, 1), -7))
    np.testing.assert_array_equal(average_pool(A, 2, padding="same"), np.full((1, 2, 2, 1), -7))


@pytest.mark.parametrize("call, message", [
    (lambda A: max_pool(A[0]), r"expected maps \(N, h, w, K\), got shape \(9, 6, 3\): write A\[None\]"),
    (lambda A: global_average_pool(A[0, 0]), r"expected maps \(N, h, w, K\), got shape \(6, 3\)$"),
    (lambda A: average_pool(A * np.nan), "finite numbers"),
    (lambda A: windows(A, 7), "7 × 7 does not fit into maps of 9 × 6 cells"),
    (lambda A: max_pool(A, 7), "does not fit"),
    (lambda A: max_pool(A, 0), "whole numbers of cells, at least 1; got 0"),
    (lambda A: max_pool(A, 2, 0), "at least 1; got 2 and 0"),
    (lambda A: average_pool(A, 2.5), "whole numbers of cells"),
    (lambda A: windows(A, (2, 2)), "whole numbers of cells"),
    (lambda A: average_pool(A, padding="full"), "no padding 'full': choose one of valid, same"),
    (lambda A: windows("maps"), "of numbers"),
    (lambda A: global_average_pool(A[:0]), "shape"),
])
def test_what_cannot_be_pooled(A, call, message):
    """Other shapes, sizes and paddings are refused with a hint."""
    with pytest.raises(MapError, match=message):
        call(A)
