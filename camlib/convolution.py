"""Convolution: a small window of weights, moved over an image; a sum of products at every stop.

Letters as in chapter 1: images I (N, H, W, C), kernel w (kh, kw, C, K), bias b (K,), output maps A (N, h, w, K),
stride s, dilation d, padding p. The kernel reaches d (kh - 1) + 1 pixels along an axis.
What deep learning calls convolution is cross-correlation: the kernel is not flipped [goodfellow2016].
"""

import math
import operator

import numpy as np

from .errors import CamlibError, ImageError
from .images import as_numbers, height_width

MOST_ENTRIES = 50_000_000  # of a matrix: 400 MB
PADDING = 'padding is "valid", "same" or two whole numbers from 0 (before, after)'


def cross_correlation(images, kernel, bias=None, stride=1, padding="valid", dilation=1):
    """Return A (N, h, w, K), what Keras' Conv2D computes from ``images`` (N, H, W, C) and ``kernel`` (kh, kw, C, K).

    A_ijk = sum_mnc w_mnck I_(si+dm-above)(sj+dn-left)c + b_k, equation (1.7); I is 0 outside the image.
    ``padding`` is "valid" (none), "same" (h = ceil(H / s), equation (1.6)) or ((above, below), (left, right)).
    Whole numbers become float32; float64 stays. Raises ImageError for images that do not fit, else CamlibError.
    """
    images, kernel = _images(images), _kernel(kernel)
    _same_channels(images.shape[3], kernel.shape)
    bias = _bias(bias, kernel)
    around = _paddings(images.shape[1:3], kernel.shape, stride, padding, dilation)
    padded = np.pad(images, ((0, 0), *around, (0, 0)))
    reach = [_reach(k, dilation) for k in kernel.shape[:2]]
    windows = np.lib.stride_tricks.sliding_window_view(padded, reach, axis=(1, 2))
    windows = windows[:, ::stride, ::stride, :, ::dilation, ::dilation]
    A = np.einsum("nijcab,abck->nijk", windows, kernel, optimize=True)
    return A if bias is None else A + bias


def convolution(images, kernel, bias=None, stride=1, padding="valid", dilation=1):
    """Return ``cross_correlation`` with the kernel turned by 180 degrees, equations (1.3) and (1.4)."""
    return cross_correlation(images, flip(kernel), bias, stride, padding, dilation)


def flip(kernel):
    """Return the kernel (kh, kw, C, K) turned by 180 degrees: w_mn becomes w_(kh-1-m)(kw-1-n), equation (1.4)."""
    return _kernel(kernel)[::-1, ::-1]


def same_padding(size, kernel, stride=1, dilation=1):
    """Return Keras' "same" padding (before, after) along one axis, equation (1.6).

    An odd number of zeros cannot be halved: the end gets one more [dumoulin2016].
    """
    size, kernel, stride, dilation = _positive(size=size, kernel=kernel, stride=stride, dilation=dilation)
    cells = -(-size // stride)
    total = max((cells - 1) * stride + _reach(kernel, dilation) - size, 0)
    return total // 2, total - total // 2


def output_size(size, kernel, stride=1, padding="valid", dilation=1):
    """Return the number of cells along one axis: floor((H + p - d (kh - 1) - 1) / s) + 1, equation (1.5).

    p counts the zeros at both ends; ``padding`` is "valid", "same" or (before, after).
    Raises ImageError if the kernel does not fit into the padded image.
    """
    size, kernel, stride, dilation = _positive(size=size, kernel=kernel, stride=stride, dilation=dilation)
    reach = _reach(kernel, dilation)
    room = size + sum(_pair(size, kernel, stride, padding, dilation)) - reach
    if room < 0:
        raise ImageError(f"a kernel that reaches {reach} pixels does not fit into {size} pixels with padding "
                         f"{padding!r}: take a larger image, a smaller kernel, or padding='same'")
    return room // stride + 1


def convolution_matrix(kernel, shape, stride=1, padding="valid", dilation=1):
    """Return T (h w K, H W C) with vec(A) = T vec(I), equation (1.2), for an image of ``shape`` (H, W) or (H, W, C).

    Each row is the kernel laid over the image at one stop; vec is ``ravel``: row, column, channel.
    Raises CamlibError if T would be huge: it has as many entries as the image has values, times the outputs.
    """
    kernel = _kernel(kernel)
    shape = _shape(shape, kernel.shape)
    (H, W, C), (kh, kw, _, K) = shape, kernel.shape
    h, w = _cells(shape, kernel.shape, stride, padding, dilation)
    if h * w * K * H * W * C > MOST_ENTRIES:
        raise CamlibError(f"the matrix would be {h * w * K} × {H * W * C}, more than {MOST_ENTRIES:,} entries: take a "
                          "smaller image; the convolution itself needs no matrix")
    (above, _), (left, _) = _paddings((H, W), kernel.shape, stride, padding, dilation)
    T = np.zeros((h, w, K, H, W, C), kernel.dtype)
    i, j = (cell.ravel() for cell in np.indices((h, w)))
    for m, n in np.ndindex(kh, kw):
        row, column = stride * i + dilation * m - above, stride * j + dilation * n - left
        on = (row >= 0) & (row < H) & (column >= 0) & (column < W)  # a padded zero has no column in T
        T[i[on], j[on], :, row[on], column[on]] = kernel[m, n].T
    return T.reshape(h * w * K, H * W * C)


def receptive_field(steps):
    """Return (size, jump, start): cell i sees the pixels start + i jump up to, not including, that plus size.

    ``steps`` lead from the image to the layer, along one axis: (kernel, stride, padding before[, dilation]) each,
    pooling too. size += d (kh - 1) jump, start -= p jump, jump *= s, equation (1.10) [araujo2019].
    """
    size, jump, start = 1, 1, 0
    for kernel, stride, before, dilation in _steps(steps):
        size += (_reach(kernel, dilation) - 1) * jump
        start -= before * jump
        jump *= stride
    return size, jump, start


def multiplications(shape, kernel, stride=1, padding="valid", dilation=1):
    """Return how often one image of ``shape`` (H, W) or (H, W, C) costs a product: Z kh kw C K, equation (1.11).

    ``kernel`` is the kernel's shape (kh, kw, C, K). Products with padded zeros count: they are computed, too.
    """
    try:
        kernel = _positive(**dict(zip(("kh", "kw", "C", "K"), kernel, strict=True)))
    except (TypeError, ValueError) as cause:
        raise CamlibError(f"the kernel's shape (kh, kw, C, K) is needed, not {kernel!r}") from cause
    return math.prod([*_cells(_shape(shape, kernel), kernel, stride, padding, dilation), *kernel])


# -- checks ------------------------------------------------------------------------------------------


def _reach(kernel, dilation):
    """How many pixels lie between the first and the last that the kernel touches, both counted."""
    return dilation * (kernel - 1) + 1


def _pair(size, kernel, stride, padding, dilation):
    """``padding`` along one axis as (before, after); raises CamlibError."""
    if isinstance(padding, str) and padding in ("valid", "same"):
        return same_padding(size, kernel, stride, dilation) if padding == "same" else (0, 0)
    try:
        before, after = (operator.index(n) for n in padding)
    except (TypeError, ValueError) as cause:
        raise CamlibError(f"{PADDING}, not {padding!r}") from cause
    if min(before, after) < 0:
        raise CamlibError(f"{PADDING}, not {padding!r}: crop the image instead")
    return before, after


def _by_axis(padding):
    """``padding`` of an image as that of its rows and that of its columns; raises CamlibError."""
    if isinstance(padding, str):
        return padding, padding
    if np.iterable(padding) and len(padding := list(padding)) == 2:
        return padding
    raise CamlibError(f'padding is "valid", "same" or ((above, below), (left, right)), not {padding!r}')


def _cells(shape, kernel, stride, padding, dilation):
    """The rows and columns (h, w) of the output."""
    return [output_size(size, k, stride, p, dilation)
            for size, k, p in zip(shape[:2], kernel[:2], _by_axis(padding), strict=True)]


def _paddings(shape, kernel, stride, padding, dilation):
    """((above, below), (left, right)); raises if the kernel does not fit, or the padded image fills the memory."""
    _cells(shape, kernel, stride, padding, dilation)
    pairs = [_pair(size, k, stride, p, dilation)
             for size, k, p in zip(shape, kernel[:2], _by_axis(padding), strict=True)]
    height_width([size + sum(pair) for size, pair in zip(shape, pairs, strict=True)], ImageError)
    return pairs


def _positive(**numbers):
    """The named numbers as ints from 1 to a billion; raises CamlibError."""
    try:
        found = [operator.index(number) for number in numbers.values()]
    except TypeError:
        found = [0]
    if not 1 <= min(found) <= max(found) <= 10**9:
        given = ", ".join(f"{name} = {number!r}" for name, number in numbers.items())
        raise CamlibError(f"{' and '.join(numbers)} are whole numbers from 1 to a billion, not {given}")
    return found


def _images(images):
    """A batch (N, H, W, C); float64 stays so. Raises ImageError."""
    images = as_numbers(images, ImageError, "a batch (N, H, W, C)", doubles=True)
    if images.ndim != 4:
        raise ImageError(f"expected a batch (N, H, W, C), got shape {images.shape}: "
                         "write I[None] for one image (H, W, C), I[None, ..., None] for a grey one (H, W)")
    return images


def _kernel(kernel):
    """A kernel (kh, kw, C, K); float64 stays so. Raises CamlibError."""
    kernel = as_numbers(kernel, CamlibError, "a kernel (kh, kw, C, K)", doubles=True)
    if kernel.ndim != 4:
        raise CamlibError(f"expected a kernel (kh, kw, C, K), got shape {kernel.shape}: "
                          "write w[:, :, None, None] for one channel in and one out")
    return kernel


def _bias(bias, kernel):
    """A bias (K,), or None; raises CamlibError."""
    if bias is None:
        return None
    bias = as_numbers(bias, CamlibError, "a bias (K,)", doubles=True)
    if bias.shape != kernel.shape[3:]:
        raise CamlibError(f"one bias for each of the kernel's {kernel.shape[3]} outputs is needed, got {bias.shape}")
    return bias


def _same_channels(channels, kernel):
    """Raise ImageError unless the image has the channels that the kernel's shape (kh, kw, C, K) asks for."""
    if channels != kernel[2]:
        raise ImageError(f"the image has {channels} channels and the kernel {tuple(kernel)} looks at {kernel[2]}: "
                         "they must be the same")


def _shape(shape, kernel):
    """An image's shape (H, W, C); the kernel knows C. Raises ImageError."""
    try:
        H, W, C = _positive(**dict(zip("HWC", shape if len(shape) == 3 else (*shape, kernel[2]), strict=True)))
    except (TypeError, ValueError, CamlibError) as cause:
        raise ImageError(f"an image's shape is (H, W) or (H, W, C), whole numbers from 1, not {shape!r}") from cause
    _same_channels(C, kernel)
    return H, W, C


def _steps(steps):
    """Each step as (kernel, stride, padding before, dilation); raises CamlibError."""
    wanted = "each step is (kernel, stride, padding before) or (kernel, stride, padding before, dilation)"
    found = []
    for step in steps if np.iterable(steps) else [steps]:
        try:
            kernel, stride, before, dilation = step if len(step) == 4 else (*step, 1)
            before, _ = _pair(1, 1, 1, (before, 0), 1)
            kernel, stride, dilation = _positive(kernel=kernel, stride=stride, dilation=dilation)
        except (TypeError, ValueError, CamlibError) as cause:
            raise CamlibError(f"{wanted}, not {step!r}") from cause
        found.append((kernel, stride, before, dilation))
    return found
