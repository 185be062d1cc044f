"""Deconvolution: how a signal travels from a map back to the image, layer by layer.

Letters as in chapter 4: kernel w (kh, kw, C, K), stride s, dilation d, padding p, window of q × q cells.
R is a signal on its way back: it arrives with the shape of a layer's output and goes on with that of its input.
Nothing here undoes a layer: a transpose is not an inverse.
"""

import operator
from itertools import islice

import numpy as np

from .cnn import layers_of, plain_chain
from .convolution import cross_correlation, output_size, same_padding
from .errors import CamlibError, LayerError, MapError, near_names
from .images import as_numbers, height_width
from .pooling import as_maps, max_pool, windows
from .probe import probe
from .runtime import keras

RULES = {
    "gradient": lambda R, x: R * (x > 0),
    "deconvnet": lambda R, x: np.maximum(R, 0),
    "guided": lambda R, x: np.maximum(R, 0) * (x > 0),
}


def deconvolve(model, images, layer, channel, rule="deconvnet", switches=True, unit=None):
    """Return what brings a channel's strongest unit back to the pixels: R (N, H, W, C), equation (4.10) [zeiler2014].

    In each image the unit with the largest value of ``channel`` at ``layer`` keeps its value, all others are set
    to zero, and that signal goes back; ``unit`` (row, column) chooses another place. The result is linear in the
    value of the unit, so a silent one gives zeros. ``rule``: see ``relu_back``; ``switches``: see ``unpool``.
    One backward pass, for any network. Raises LayerError, ImageError, and MapError for a unit outside the map.
    """
    look = probe(model, layer)
    A, _ = look.forward(images)
    _, h, w, K = A.shape
    channel = _index(channel, K, LayerError, f"{look.path!r} has the channels")
    maps = A[..., channel]
    if unit is None:
        cells = maps.reshape(len(A), -1).argmax(1)
    else:
        row, column = unit if np.shape(unit) == (2,) else (None, None)
        cells = np.full(len(A), _index(row, h, MapError, "a unit is (row, column); its row is one of")
                        * w + _index(column, w, MapError, "a unit is (row, column); its column is one of"))
    y = np.zeros_like(A)
    at = np.arange(len(A)), cells // w, cells % w
    y[(*at, channel)] = maps[at]
    return look.project(images, y, rule, switches)[1]


def deconvnet(model, images, layer, y, rule="deconvnet", switches=True):
    """Return the signal at every station of its way back, in NumPy alone: a dict from ``layer`` to "image".

    R^l = back_l(R^(l+1)), equation (4.10): ``y`` (N, h, w, K) starts at the output of ``layer``; under each further
    name stands what arrives at that layer's output, under "image" the result (N, H, W, C).
    For a chain of Conv2D, ReLU and MaxPooling2D, which goes forward here, too. Raises LayerError for other layers
    (``Probe.project`` takes them all), MapError for a signal that does not fit.
    """
    steps, x, seen = _chain(model, layer, rule, switches), as_numbers(images, MapError, "images"), []
    for _, forward, _ in steps:
        seen.append(x)
        x = forward(x)
    R, signals = as_numbers(y, MapError, "a signal (N, h, w, K)"), {}
    if R.shape != x.shape:
        raise MapError(f"a signal has the shape of the maps, {x.shape}, not {R.shape}")
    for (name, _, back), x in zip(reversed(steps), reversed(seen), strict=True):
        signals.setdefault(name, R)
        R = back(R, x)
    return {**signals, "image": R}


def transposed_convolution(R, kernel, shape, stride=1, padding="valid", dilation=1):
    """Return T^T R (N, H, W, C), T being ``cross_correlation`` with this kernel: equations (4.1) and (4.2).

    Every value of ``R`` (N, h, w, K) lays the kernel (kh, kw, C, K), times itself, down where it was read: overlaps
    add up. ``shape`` (H, W) is the image's: with a stride, several sizes give the same h and w. ``padding`` is
    "valid" or "same". Also Keras' Conv2DTranspose, where the kernel's last axes are called (out, in) [dumoulin2016].
    Raises MapError for a signal that does not fit the shape, CamlibError for a kernel or padding that is none.
    """
    R, kernel = as_maps(R), as_numbers(kernel, CamlibError, "a kernel (kh, kw, C, K)", doubles=True)
    if kernel.ndim != 4:
        raise CamlibError(f"expected a kernel (kh, kw, C, K), got shape {kernel.shape}")
    if padding not in ("valid", "same"):
        raise CamlibError(f'padding is "valid" or "same", not {padding!r}')
    shape, reach = height_width(shape, MapError), kernel.shape[:2]
    cells = [output_size(size, k, stride, padding, dilation) for size, k in zip(shape, reach, strict=True)]
    if R.shape[1:] != (*cells, kernel.shape[3]):
        raise MapError(f"a signal back to {shape[0]} × {shape[1]} pixels has the shape (N, {cells[0]}, {cells[1]}, "
                       f"{kernel.shape[3]}), not {R.shape}")
    around = [same_padding(size, k, stride, dilation) if padding == "same" else (0, 0)
              for size, k in zip(shape, reach, strict=True)]
    out = np.zeros((len(R), *(size + sum(p) for size, p in zip(shape, around, strict=True)), kernel.shape[2]),
                   np.result_type(R, kernel))
    for m, n in np.ndindex(*reach):
        rows, columns = (slice(dilation * k, dilation * k + stride * (h - 1) + 1, stride)
                         for k, h in zip((m, n), cells, strict=True))
        out[:, rows, columns] += R @ kernel[m, n].T
    (top, _), (left, _) = around
    return out[:, top:top + shape[0], left:left + shape[1]]


def switches(A, size=2):
    """Return where each window's maximum is, (N, h', w', K): q m + n for row m, column n of it, equation (4.5).

    Of equal values the first counts, as in the networks' own gradient on TensorFlow, PyTorch and JAX (all three tested
    on the processor). ``A`` (N, h, w, K). Raises MapError.
    """
    found = windows(A, size)
    return found.reshape(*found.shape[:3], -1, found.shape[5]).argmax(3)


def unpool(R, switches, shape, size=2):
    """Return the signal (N, h', w', K) behind max-pooling: each value at its switch, zeros elsewhere, equation (4.6).

    ``switches``: those of ``switches(A, size)``; None spreads each value evenly over its window, equation (4.8).
    ``shape`` (h, w) is the pooled maps': a border that filled no window gets zeros. Raises MapError.
    """
    R, (h, w) = as_maps(R), height_width(shape, MapError)
    (N, rows, columns, K), q = R.shape, size
    if not isinstance(q, (int, np.integer)) or q < 1:
        raise MapError(f"size is a whole number of cells, at least 1, not {size!r}")
    if (rows, columns) != (h // q, w // q):
        raise MapError(f"windows of {q} × {q} cells make {h // q} × {w // q} of maps of {h} × {w}, not "
                       f"{rows} × {columns}")
    cells = np.zeros((N, rows, columns, q * q, K), R.dtype)
    if switches is None:
        cells[:] = R[:, :, :, None] / (q * q)
    else:
        np.put_along_axis(cells, _switches(switches, R.shape, q)[:, :, :, None], R[:, :, :, None], axis=3)
    cells = cells.reshape(N, rows, columns, q, q, K).swapaxes(2, 3).reshape(N, rows * q, columns * q, K)
    return np.pad(cells, ((0, 0), (0, h - rows * q), (0, w - columns * q), (0, 0)))


def relu_back(R, x, rule="gradient"):
    """Return the signal R behind a ReLU whose input was x (same shape), by one of three rules, equation (4.9).

    "gradient"  R 1[x > 0]          the chain rule
    "deconvnet" max(R, 0)           [zeiler2014]
    "guided"    max(R, 0) 1[x > 0]  both [springenberg2015]
    Raises LayerError for another rule, MapError for different shapes.
    """
    if not isinstance(rule, str) or rule not in RULES:
        raise LayerError(f"no rule {rule!r}.{near_names(rule, RULES)}")
    R, x = (as_numbers(values, MapError, "a signal and the ReLU's input", doubles=True) for values in (R, x))
    if R.shape != x.shape:
        raise MapError(f"the signal {R.shape} and the ReLU's input {x.shape} must have one shape")
    return RULES[rule](R, x)


# -- the chain ---------------------------------------------------------------------------------------


def _chain(model, layer, rule, on):
    """From the image to ``layer``: for each step its layer's name, forward(x) and back(R, x). Raises LayerError."""
    layer, names = getattr(layer, "name", layer), [each.name for each in layers_of(model)]
    if layer not in names:
        raise LayerError(f"no layer {layer!r}.{near_names(layer, names)}")
    return [(each.name, *step) for each in islice(plain_chain(model), names.index(layer) + 1)
            for step in _steps(each, rule, on)]


def _steps(layer, rule, on):
    """The steps of one Keras layer, each as forward(x) and back(R, x)."""
    relu = (lambda x: np.maximum(x, 0), lambda R, x: relu_back(R, x, rule))
    activation = getattr(layer, "activation", None)
    if type(layer) is keras.layers.Conv2D and layer.groups == 1 and len(set(layer.strides)) == 1:
        if activation in (keras.activations.linear, keras.activations.relu):
            return [_convolution(layer), relu][:1 + (activation is keras.activations.relu)]
    if type(layer) is keras.layers.ReLU and not layer.negative_slope and layer.max_value is None:
        return [relu]
    if isinstance(layer, keras.layers.MaxPooling2D) and layer.padding == "valid":
        if len({*layer.pool_size, *layer.strides}) == 1:
            return [_pooling(layer.pool_size[0], on)]
    raise LayerError(f"{layer.name!r} is no plain Conv2D, ReLU or MaxPooling2D: take Probe.project")


def _convolution(layer):
    w, *b = layer.get_weights()
    options = dict(stride=layer.strides[0], padding=layer.padding, dilation=layer.dilation_rate[0])
    return (lambda x: cross_correlation(x, w, *b, **options),
            lambda R, x: transposed_convolution(R, w, x.shape[1:3], **options))


def _pooling(q, on):
    return (lambda x: max_pool(x, q),
            lambda R, x: unpool(R, switches(x, q) if on else None, x.shape[1:3], q))


# -- checks ------------------------------------------------------------------------------------------


def _switches(values, shape, q):
    """Switches of this shape, each the number of a cell of a window of q × q. Raises MapError."""
    values = np.asarray(values)
    if values.shape != shape or values.dtype.kind not in "iu" or values.min() < 0 or values.max() >= q * q:
        raise MapError(f"switches are whole numbers from 0 to {q * q - 1} of the signal's shape {shape}: "
                       "write switches(A, size)")
    return values


def _index(value, count, error, what):
    """``value`` as an int in 0..count - 1; raises ``error``."""
    try:
        number = -1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = -1
    if not 0 <= number < count:
        raise error(f"{what} 0 to {count - 1}, not {value!r}")
    return number
