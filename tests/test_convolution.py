"""Convolution: six ways to one result, the flip, where the kernel starts, what a cell sees, and what it costs."""

import itertools

import cv2
import numpy as np
import pytest
from scipy import ndimage, signal

from camlib import Probe, scenes
from camlib.convolution import (
    convolution, convolution_matrix, cross_correlation, flip, multiplications, output_size, receptive_field,
    same_padding,
)
from camlib.errors import CamlibError, ImageError
from camlib.runtime import keras

# (stride, padding, dilation): Keras refuses a stride and a dilation in one layer, our loops do not
KERAS_STEPS = [(1, "valid", 1), (1, "same", 1), (2, "valid", 1), (2, "same", 1), (3, "same", 1), (1, "valid", 2),
               (1, "same", 3)]
STEPS = [*KERAS_STEPS, (2, "same", 2), (3, "valid", 2), (1, ((1, 0), (2, 3)), 1), (2, [(0, 3), (1, 1)], 2)]
# images are not square, kernels neither, and "same" at stride 2 meets even and odd sizes
SHAPES = [((9, 11), (3, 3)), ((8, 12), (3, 2)), ((7, 10), (2, 3)), ((10, 9), (1, 4)), ((6, 7), (1, 1))]


def case(shape, kernel, C=3, K=2):
    """Random images (2, H, W, C), kernel (kh, kw, C, K) and bias (K,), float64."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(2, *shape, C)), rng.normal(size=(*kernel, C, K)), rng.normal(size=K)


def loops(images, w, b, s, padding, d):
    """Equation (1.7) as it is written; outside the image I is 0. Padding is counted here by trying, not by formula."""
    (N, H, W, C), (kh, kw, _, K) = images.shape, w.shape
    (rows, top), (columns, left) = (stops(*a) for a in zip((H, W), (kh, kw), [s] * 2, by_axis(padding), [d] * 2))
    A = np.zeros((N, rows, columns, K)) + b
    for n, i, j, m, q in itertools.product(range(N), range(rows), range(columns), range(kh), range(kw)):
        y, x = s * i + d * m - top, s * j + d * q - left
        if 0 <= y < H and 0 <= x < W:
            A[n, i, j] += images[n, y, x] @ w[m, q]
    return A


def by_axis(padding):
    return [padding, padding] if isinstance(padding, str) else padding


def stops(size, k, s, padding, d):
    """How many stops the window makes along an axis, and the zeros before it: counted one by one."""
    if padding != "same":
        before, after = (0, 0) if padding == "valid" else padding
        return sum(1 for first in range(-before, size + after, s) if first + d * (k - 1) < size + after), before
    cells, zeros = len(range(0, size, s)), 0
    while stops(size, k, s, (zeros // 2, zeros - zeros // 2), d)[0] < cells:
        zeros += 1
    return cells, zeros // 2


def close(found, expected, tolerance=1e-12):
    """Assert the same shape, and values within ``tolerance`` times the largest expected one."""
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


# -- six ways to one result --------------------------------------------------------------------------


@pytest.mark.equation("1.1")
def test_by_hand():
    """Five by five, a step from 0 to 1; the window takes its right column minus its left one.

    (1.1) Each cell is the sum of the pixels under the window, weighted by the kernel.
    """
    image = np.repeat([[0, 0, 0, 1, 1]], 5, axis=0)[None, ..., None]
    w = np.array([[-1, 0, 1]] * 3)[:, :, None, None]
    A = cross_correlation(image, w)
    assert A[0, ..., 0].tolist() == [[0, 3, 3]] * 3
    for i, j in np.ndindex(3, 3):
        assert A[0, i, j, 0] == sum(w[m, n, 0, 0] * image[0, i + m, j + n, 0] for m in range(3) for n in range(3))


@pytest.mark.equation("1.7")
@pytest.mark.parametrize("stride, padding, dilation", STEPS)
@pytest.mark.parametrize("shape, kernel", SHAPES)
def test_windows_are_the_loops(shape, kernel, stride, padding, dilation):
    """Channels, bias, stride, padding and dilation: the same as the sum, written out.

    (1.7) The same sum with channels, bias, stride, padding and dilation.
    """
    images, w, b = case(shape, kernel)
    close(cross_correlation(images, w, b, stride, padding, dilation), loops(images, w, b, stride, padding, dilation))


@pytest.mark.parametrize("stride, padding, dilation", KERAS_STEPS)
@pytest.mark.parametrize("shape, kernel", SHAPES)
def test_keras_computes_the_same(shape, kernel, stride, padding, dilation):
    """Keras' Conv2D layer is cross-correlation, and its "same" is ours."""
    images, w, b = case(shape, kernel)
    layer = keras.layers.Conv2D(2, kernel, stride, padding, dilation_rate=dilation, dtype="float64")
    layer.build(images.shape)
    layer.set_weights([w, b])
    close(cross_correlation(images, w, b, stride, padding, dilation), np.asarray(layer(images)))


@pytest.mark.equation("1.2")
@pytest.mark.parametrize("stride, padding, dilation", STEPS)
@pytest.mark.parametrize("shape, kernel", SHAPES)
def test_matrix_times_image(shape, kernel, stride, padding, dilation):
    """vec(A) = T vec(I), and each row of T holds kernel weights and nothing else.

    (1.2) A convolution is a matrix, made of the kernel's weights, times the picture written as a column.
    """
    images, w, _ = case(shape, kernel)
    T = convolution_matrix(w, images.shape[1:], stride, padding, dilation)
    A = cross_correlation(images, w, None, stride, padding, dilation)
    close((T @ images.reshape(2, -1).T).T, A.reshape(2, -1))
    assert set(T[T != 0]) <= set(w.ravel())


def test_matrix_of_one_axis_is_toeplitz():
    """Along one axis at stride 1 every diagonal is constant; without a channel count it is the kernel's."""
    T = convolution_matrix(np.arange(1, 4)[:, None, None, None], (7, 1), padding="same")
    assert all(len(set(np.diagonal(T, k))) == 1 for k in range(-6, 7))
    assert np.array_equal(T[3], [0, 0, 1, 2, 3, 0, 0])
    assert convolution_matrix(np.ones((2, 2, 3, 4)), (5, 4)).shape == (4 * 3 * 4, 5 * 4 * 3)


@pytest.mark.parametrize("kernel", [(3, 3), (5, 3), (2, 4), (1, 1)])
def test_opencv_and_scipy_compute_the_same(kernel):
    """Cross-correlation by OpenCV and twice by SciPy, away from the borders, which they treat differently."""
    images, w, _ = case((9, 12), kernel, C=1, K=1)
    I, w2 = images[0, ..., 0], w[..., 0, 0]
    A = cross_correlation(images[:1], w)[0, ..., 0]
    h, width = A.shape
    close(cv2.filter2D(I, cv2.CV_64F, w2, anchor=(0, 0))[:h, :width], A)
    close(signal.correlate2d(I, w2, "valid"), A)
    y, x = (k // 2 for k in kernel)
    close(ndimage.correlate(I, w2)[y:y + h, x:x + width], A)


@pytest.mark.parametrize("kernel", [(3, 3), (5, 7)])
def test_same_is_a_border_of_zeros_in_scipy(kernel):
    """For odd kernels at stride 1 "same" is SciPy's "same", and its constant border."""
    images, w, _ = case((9, 12), kernel, C=1, K=1)
    A = cross_correlation(images[:1], w, padding="same")[0, ..., 0]
    close(signal.correlate2d(images[0, ..., 0], w[..., 0, 0], "same"), A)
    close(ndimage.correlate(images[0, ..., 0], w[..., 0, 0], mode="constant"), A)


# -- the flip ----------------------------------------------------------------------------------------


@pytest.mark.equation("1.3")
@pytest.mark.parametrize("kernel", [(3, 3), (2, 5), (4, 1)])
def test_convolution_is_scipys(kernel):
    """Convolution counts the image backwards; SciPy's convolve2d does so, too.

    (1.3) Convolution counts the picture backwards under the window.
    """
    images, w, _ = case((7, 8), kernel, C=1, K=1)
    I, (kh, kw) = images[0, ..., 0], kernel
    A = convolution(images[:1], w)[0, ..., 0]
    for i, j in np.ndindex(A.shape):
        assert A[i, j] == pytest.approx(sum(w[m, n, 0, 0] * I[i + kh - 1 - m, j + kw - 1 - n]
                                            for m in range(kh) for n in range(kw)), abs=1e-12)
    close(signal.convolve2d(I, w[..., 0, 0], "valid"), A)


@pytest.mark.equation("1.4")
@pytest.mark.parametrize("stride, padding, dilation", STEPS)
def test_convolution_is_correlation_with_the_flipped_kernel(stride, padding, dilation):
    """With the kernel turned by 180 degrees, channels kept in place; turned twice it is the first one.

    (1.4) Convolution is cross-correlation with the kernel turned by 180 degrees.
    """
    images, w, b = case((9, 11), (3, 2))
    turned = np.array([[w[2 - m, 1 - n] for n in range(2)] for m in range(3)])
    close(convolution(images, w, b, stride, padding, dilation), loops(images, turned, b, stride, padding, dilation))
    assert np.array_equal(flip(w), turned) and np.array_equal(flip(flip(w)), w)


def test_an_impulse_shows_the_flip():
    """Convolution stamps the kernel on a bright pixel, cross-correlation its turned copy."""
    impulse = np.zeros((1, 5, 5, 1))
    impulse[0, 2, 2] = 1
    w = np.arange(9.0).reshape(3, 3, 1, 1)
    assert np.array_equal(convolution(impulse, w)[0, ..., 0], w[..., 0, 0])
    assert np.array_equal(cross_correlation(impulse, w)[0, ..., 0], w[::-1, ::-1, 0, 0])


def test_only_convolution_is_associative():
    """(I * v) * w = I * (v * w), the kernels convolved in full; with cross-correlation that fails."""
    rng = np.random.default_rng(0)
    I, v, w = (rng.normal(size=(1, k, k, 1)) for k in (9, 3, 3))
    v, w = v[0, :, :, :, None], w[0, :, :, :, None]
    full = ((2, 2), (2, 2))
    for operation, holds in ((convolution, True), (cross_correlation, False)):
        both = operation(v[None, ..., 0], w, padding=full)[0][..., None]
        assert np.allclose(operation(operation(I, v), w), operation(I, both)) == holds


# -- sizes -------------------------------------------------------------------------------------------


@pytest.mark.equation("1.5")
@pytest.mark.equation("1.6")
def test_sizes_and_padding_counted():
    """For thousands of axes: as many cells as the window makes stops, and no zero too many for "same".

    (1.5) A map has as many cells as the window makes stops.
    (1.6) Padding "same" adds the fewest zeros that give one cell a stride, the smaller half of them before.
    """
    for size, k, s, d in itertools.product(range(1, 12), range(1, 6), range(1, 5), range(1, 4)):
        before, after = same_padding(size, k, s, d)
        assert stops(size, k, s, "same", d) == (output_size(size, k, s, "same", d), before)
        assert output_size(size, k, s, "same", d) == -(-size // s) and after - before in (0, 1)
        for padding in ("valid", (0, 2), (3, 1), (before, after)):
            cells, _ = stops(size, k, s, padding, d)
            if cells:
                assert output_size(size, k, s, padding, d) == cells
            else:
                with pytest.raises(ImageError, match="does not fit"):
                    output_size(size, k, s, padding, d)


def test_same_is_lopsided_at_stride_2():
    """An even image, an odd kernel, stride 2: one zero, behind. So the cells are the odd ones of stride 1."""
    assert same_padding(96, 7, 2) == (2, 3) and same_padding(6, 3, 2) == (0, 1) and same_padding(7, 3, 2) == (1, 1)
    images, w, b = case((8, 7), (3, 3))
    every, second = (cross_correlation(images, w, b, s, "same") for s in (1, 2))
    close(second, every[:, 1::2, ::2])


@pytest.mark.parametrize("stride", [2, 3])
def test_stride_is_sampling(stride):
    """Without padding a strided convolution is the plain one, every s-th cell."""
    images, w, b = case((9, 12), (3, 4))
    close(cross_correlation(images, w, b, stride), cross_correlation(images, w, b)[:, ::stride, ::stride])


def test_dilation_is_a_kernel_with_holes():
    """Zeros between the weights, and no others: the same cells."""
    images, w, b = case((9, 12), (3, 3))
    holes = np.zeros((7, 7, 3, 2))
    holes[::3, ::3] = w
    close(cross_correlation(images, w, b, dilation=3), cross_correlation(images, holes, b))


# -- laws --------------------------------------------------------------------------------------------


@pytest.mark.equation("1.8")
def test_one_by_one_is_a_dense_layer_at_every_pixel():
    """A 1 x 1 convolution is Keras' Dense layer on the channels of each pixel.

    (1.8) A 1 x 1 convolution is a Dense layer on the channels of each pixel.
    """
    images, w, b = case((4, 5), (1, 1), C=3, K=6)
    dense = keras.layers.Dense(6, dtype="float64")
    dense.build((None, 3))
    dense.set_weights([w[0, 0], b])
    close(cross_correlation(images, w, b), np.asarray(dense(images)))


@pytest.mark.equation("1.9")
@pytest.mark.parametrize("stride, dilation", [(1, 1), (2, 1), (1, 2), (3, 2)])
@pytest.mark.parametrize("rows, columns", [(1, 0), (0, 2), (2, 1)])
def test_shift_in_is_shift_out(rows, columns, stride, dilation):
    """Moved by so many strides, the image moves the map by so many cells, where no window meets the border.

    (1.9) A picture shifted by whole strides gives a map shifted by as many cells, away from the border.
    """
    images, w, b = case((24, 26), (3, 3))
    moved = np.roll(images, (rows * stride, columns * stride), (1, 2))
    before, after = (cross_correlation(x, w, b, stride, dilation=dilation) for x in (images, moved))
    close(after[:, rows:, columns:], before[:, :before.shape[1] - rows, :before.shape[2] - columns])


def test_a_border_of_zeros_breaks_the_shift():
    """With "same" padding the law holds inside and fails in the cells that saw the padded zeros."""
    images, w, _ = case((8, 8), (3, 3))
    before, after = (cross_correlation(x, w, padding="same") for x in (images, np.roll(images, 1, 2)))
    broken = ~np.isclose(after, np.roll(before, 1, 2)).all((0, 3))
    assert broken.any(0).tolist() == [True, True, False, False, False, False, False, True]


def test_linear_in_image_and_in_kernel():
    """Sums and multiples come through, of images and of kernels alike."""
    images, w, _ = case((6, 7), (3, 2))
    x, y = images[:1], images[1:]
    close(cross_correlation(2 * x - 3 * y, w), 2 * cross_correlation(x, w) - 3 * cross_correlation(y, w))
    close(cross_correlation(x, 2 * w - 3 * w[::-1]),
          2 * cross_correlation(x, w) - 3 * cross_correlation(x, w[::-1]))


def test_precision_is_kept_and_bytes_do_not_wrap():
    """float32 stays, float64 stays; bytes become float32, so that 0 - 255 is -255."""
    for dtype in (np.float32, np.float64):
        found = cross_correlation(np.ones((1, 2, 2, 1), dtype), np.ones((1, 1, 1, 1), dtype), np.ones(1, dtype))
        assert found.dtype == dtype
    step = np.array([255, 0], np.uint8)[None, None, :, None]
    edge = cross_correlation(step, np.array([-1, 1])[None, :, None, None])
    assert edge.item() == -255 and edge.dtype == np.float32


# -- what a cell sees, and what it costs -------------------------------------------------------------


@pytest.mark.equation("1.10")
@pytest.mark.parametrize("steps", [
    [(3, 1, 0)], [(3, 2, 1), (2, 2, 0), (3, 1, 1)], [(2, 3, 0), (3, 1, 2, 2), (4, 2, 1)], [(5, 2, 2, 2), (1, 1, 0)]])
def test_receptive_field_is_where_the_product_of_matrices_is_not_zero(steps):
    """Chain the matrices of kernels of ones: a row's nonzeros are the pixels that its cell sees.

    (1.10) With each layer the field grows by the reach of the window in jumps, and the jump by the stride.
    """
    size, chain = 61, np.eye(61)
    for step in steps:
        k, s, p, d = (*step, 1)[:4]
        chain = convolution_matrix(np.ones((k, 1, 1, 1)), (len(chain), 1), s, ((p, k * d), (0, 0)), d) @ chain
    field, jump, start = receptive_field(steps)
    whole = [i for i in range(len(chain)) if 0 <= start + i * jump and start + i * jump + field <= size]
    assert len(whole) > 3
    for i in whole:
        first, last = np.flatnonzero(chain[i])[[0, -1]]
        assert (first, last + 1) == (start + i * jump, start + i * jump + field)


def test_receptive_field_of_the_course_network(network):
    """53 pixels, 8 apart: what lies outside changes no bit of a cell of relu4; its outermost rows do change it."""
    steps = []
    for layer in network.layers:
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.MaxPooling2D)):
            k = getattr(layer, "kernel_size", getattr(layer, "pool_size", None))[0]
            s = layer.strides[0]
            steps.append((k, s, same_padding(layer.input.shape[1], k, s)[0] if layer.padding == "same" else 0))
    size, jump, start = receptive_field(steps)
    assert (size, jump, start) == (53, 8, -22)
    i = 5
    first = start + i * jump
    image, noise = np.split(scenes.make(40, seed=2).images, 2)
    outside, edges = noise.copy(), [image.copy(), image.copy()]
    outside[:, first:first + size] = image[:, first:first + size]
    edges[0][:, first], edges[1][:, first + size - 1] = noise[:, first], noise[:, first + size - 1]
    look = Probe(network, "relu4")
    A, same, *changed = (look.forward(x)[0][:, i] for x in (image, outside, *edges))
    assert np.array_equal(A, same)
    assert all(np.abs(other - A).max() > 1e-3 for other in changed)


@pytest.mark.equation("1.11")
def test_multiplications_counted():
    """One for each stop, kernel weight and output; without padding T has an entry for each.

    (1.11) One multiplication for each stop of the window, each weight of a kernel and each kernel.
    """
    assert multiplications((9, 11, 3), (3, 2, 3, 4)) == (convolution_matrix(np.ones((3, 2, 3, 4)), (9, 11)) != 0).sum()
    assert multiplications((9, 11), (3, 2, 3, 4), 2, "same") == 5 * 6 * 3 * 2 * 3 * 4
    assert multiplications((96, 96), (7, 7, 3, 24), 2, "same") == 48 * 48 * 7 * 7 * 3 * 24
    assert multiplications((9, 11), (3, 2, 1, 1), padding=((1, 1), (0, 0)), dilation=2) == 7 * 9 * 6


# -- bad input ---------------------------------------------------------------------------------------

IMAGE, KERNEL = np.ones((1, 5, 5, 2)), np.ones((3, 3, 2, 4))


@pytest.mark.parametrize("arguments, error, text", [
    ((IMAGE[0], KERNEL), ImageError, r"write I\[None\]"),
    ((IMAGE * np.nan, KERNEL), ImageError, "NaN"),
    (("cat", KERNEL), ImageError, "numbers"),
    ((IMAGE[:0], KERNEL), ImageError, "numbers"),
    ((IMAGE, KERNEL[..., 0, 0]), CamlibError, "None, None"),
    ((IMAGE, KERNEL * np.inf), CamlibError, "infinite"),
    ((IMAGE, KERNEL[:, :, :1]), ImageError, "2 channels .* 1: they must"),
    ((IMAGE, KERNEL, np.ones(3)), CamlibError, "one bias for each of the kernel's 4"),
    ((IMAGE, KERNEL, 1.0), CamlibError, "one bias"),
    ((IMAGE, KERNEL, None, 0), CamlibError, "stride = 0"),
    ((IMAGE, KERNEL, None, 1.5), CamlibError, "stride = 1.5"),
    ((IMAGE, KERNEL, None, (2, 2)), CamlibError, "whole numbers from 1"),
    ((IMAGE, KERNEL, None, 1, "full"), CamlibError, "padding is .*'full'"),
    ((IMAGE, KERNEL, None, 1, 1), CamlibError, "above, below"),
    ((IMAGE, KERNEL, None, 1, (1, 1)), CamlibError, "before, after"),
    ((IMAGE, KERNEL, None, 1, ((0, 1), (-1, 0))), CamlibError, "crop"),
    ((IMAGE, KERNEL, None, 1, ((0, 1), (0, 1, 2))), CamlibError, "before, after"),
    ((IMAGE, KERNEL, None, 1, ((0, 10**9), (0, 0))), ImageError, "at most"),
    ((IMAGE, KERNEL, None, 1, "same", 10**9), ImageError, "at most"),
    ((IMAGE, KERNEL, None, 1, "valid", 3), ImageError, "reaches 7 pixels does not fit into 5"),
    ((IMAGE, KERNEL, None, 1, "valid", -1), CamlibError, "dilation = -1"),
])
def test_cross_correlation_refuses(arguments, error, text):
    """What makes no sense is refused in words; convolution refuses the same."""
    for operation in (cross_correlation, convolution):
        with pytest.raises(CamlibError, match=text) as caught:
            operation(*arguments)
        assert isinstance(caught.value, error)


@pytest.mark.parametrize("call, error, text", [
    (lambda: convolution_matrix(KERNEL, (5,)), ImageError, "shape is"),
    (lambda: convolution_matrix(KERNEL, 5), ImageError, "shape is"),
    (lambda: convolution_matrix(KERNEL, (5, 5, 2, 1)), ImageError, "shape is"),
    (lambda: convolution_matrix(KERNEL, (5, 0)), ImageError, "shape is"),
    (lambda: convolution_matrix(KERNEL, (5, 5, 3)), ImageError, "3 channels"),
    (lambda: convolution_matrix(KERNEL, (300, 451)), CamlibError, "needs no matrix"),
    (lambda: convolution_matrix([1, 2], (5, 5)), CamlibError, "kernel"),
    (lambda: convolution_matrix(KERNEL, (5, 5), 2**63), CamlibError, "a billion"),
    (lambda: flip(np.ones(3)), CamlibError, "kernel"),
    (lambda: same_padding(0, 3), CamlibError, "size = 0"),
    (lambda: same_padding(5, None), CamlibError, "kernel = None"),
    (lambda: output_size(5, 3, padding=(1, 0.5)), CamlibError, "before, after"),
    (lambda: output_size(5, 3, padding=(0, -1)), CamlibError, "crop"),
    (lambda: output_size(2, 3), ImageError, "does not fit"),
    (lambda: receptive_field([(3, 1)]), CamlibError, "each step"),
    (lambda: receptive_field([(3, 1, -1)]), CamlibError, "each step"),
    (lambda: receptive_field([(3, 0, 1)]), CamlibError, "each step"),
    (lambda: receptive_field([(3, 1, 0, 1, 1)]), CamlibError, "each step"),
    (lambda: receptive_field(3), CamlibError, "each step"),
    (lambda: multiplications((5, 5), (3, 3)), CamlibError, "shape"),
    (lambda: multiplications((5, 5), KERNEL), CamlibError, "shape"),
    (lambda: multiplications((5, 5, 1), (3, 3, 2, 4)), ImageError, "1 channels"),
    (lambda: multiplications((2, 5), (3, 3, 2, 4)), ImageError, "does not fit"),
])
def test_the_others_refuse(call, error, text):
    """Each other function says what it needs."""
    with pytest.raises(CamlibError, match=text) as caught:
        call()
    assert isinstance(caught.value, error)


def test_no_steps_see_one_pixel():
    """The image itself: a pixel sees itself."""
    assert receptive_field([]) == (1, 1, 0)
