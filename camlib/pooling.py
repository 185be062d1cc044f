"""Pooling: what a window keeps of a feature map, as its maximum or its mean.

Letters as in chapter 2: maps A (N, h, w, K), a window of q × q cells that moves s cells at a time.
"""

import operator

import numpy as np

from .convolution import same_padding
from .errors import MapError
from .images import as_numbers

PADDINGS = ("valid", "same")


def windows(A, size=2, stride=None):
    """Return every window that lies wholly inside the maps: (N, h', w', size, size, K), a view that copies nothing.

    ``A`` (N, h, w, K); ``stride`` is by default ``size``, so that the windows do not overlap.
    h' = floor((h - q) / s) + 1, equation (2.4). The view is read-only. Raises MapError for maps smaller than a window.
    """
    return _windows(as_maps(A), *_window(size, stride))


def max_pool(A, size=2, stride=None, padding="valid"):
    """Return the largest value of each window, (N, h', w', K): P_ijk = max_mn A_(si+m)(sj+n)k, equation (2.2).

    ``padding``: "valid" drops a border that fills no window; "same" widens the maps so that none is lost
    and h' = ceil(h / s), as in Keras; the added cells never win. Raises MapError.
    """
    q, s = _window(size, stride)
    return _windows(_padded(as_maps(A), q, s, padding, -np.inf), q, s).max((3, 4))


def average_pool(A, size=2, stride=None, padding="valid"):
    """Return the mean of each window, (N, h', w', K), equation (2.3).

    With padding "same" the mean is over the cells of the window that exist, as in Keras. Raises MapError.
    """
    (q, s), A = _window(size, stride), as_maps(A)
    sums, cells = (_windows(_padded(a, q, s, padding, 0), q, s).sum((3, 4)) for a in (A, np.ones_like(A[:1, ..., :1])))
    return sums / cells


def global_average_pool(A):
    """Return the mean of each channel over all cells, (N, K): F_k = 1/Z sum_ij A_ijk, equation (2.6) [lin2014].

    One window as large as the map. ``A`` (N, h, w, K). Raises MapError.
    """
    return as_maps(A).mean((1, 2))


def _windows(A, q, s):
    """The windows of checked maps, which may hold the -inf of a padding."""
    if min(A.shape[1:3]) < q:
        raise MapError(f"a window of {q} × {q} does not fit into maps of {A.shape[1]} × {A.shape[2]} cells: "
                       "take a smaller size, or padding=\"same\"")
    every = np.lib.stride_tricks.sliding_window_view(A, (q, q), axis=(1, 2))  # N, h, w, K, q, q
    return every[:, ::s, ::s].transpose(0, 1, 2, 4, 5, 3)


def _padded(A, q, s, padding, fill):
    """The maps as they are, or widened by ``fill`` for the padding "same"."""
    if padding not in PADDINGS:
        raise MapError(f"no padding {padding!r}: choose one of {', '.join(PADDINGS)}")
    if padding == "valid":
        return A
    return np.pad(A, [(0, 0), *(same_padding(cells, q, s) for cells in A.shape[1:3]), (0, 0)], constant_values=fill)


# -- checks ------------------------------------------------------------------------------------------


def as_maps(A):
    """Check maps (N, h, w, K) and return them as finite numbers; float64 stays so. Raises MapError."""
    A = as_numbers(A, MapError, "maps (N, h, w, K)", doubles=True)
    if A.ndim != 4:
        one = ": write A[None] for the maps of one image" if A.ndim == 3 else ""
        raise MapError(f"expected maps (N, h, w, K), got shape {A.shape}{one}")
    return A


def _window(size, stride):
    """The side of the window and its step as whole numbers of at least 1. Raises MapError."""
    try:
        q, s = operator.index(size), operator.index(size if stride is None else stride)
    except TypeError:
        q = s = 0
    if q < 1 or s < 1:
        raise MapError(f"size and stride are whole numbers of cells, at least 1; got {size!r} and {stride!r}")
    return q, s
