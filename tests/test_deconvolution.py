"""Deconvolution: the equations of chapter 4 on the way back, and one backward pass that equals it layer by layer."""

import re
from pathlib import Path

import numpy as np
import pytest

from camlib import Probe, deconvolution, scenes
from camlib.convolution import convolution_matrix, cross_correlation, output_size, same_padding
from camlib.deconvolution import deconvnet, deconvolve, relu_back, switches, transposed_convolution, unpool
from camlib.errors import CamlibError, ImageError, LayerError, MapError
from camlib.pooling import average_pool, max_pool
from camlib.runtime import keras

layers = keras.layers
NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "04_deconvolution.ipynb"
RULES = ("gradient", "deconvnet", "guided")
WAYS = [((7, 6), (3, 3), 1, "valid", 1), ((7, 6), (3, 2), 1, "same", 1), ((8, 9), (3, 3), 2, "same", 1),
        ((9, 8), (2, 3), 3, "valid", 1), ((9, 10), (3, 3), 1, "same", 2), ((9, 10), (2, 2), 2, "valid", 3)]


@pytest.fixture(scope="module", params=WAYS, ids=str)
def way(request):
    """An image's shape, a random kernel of 2 channels to 4, and its options; a random image x and signal y."""
    shape, size, stride, padding, dilation = request.param
    rng = np.random.default_rng(0)
    w, options = rng.normal(size=(*size, 2, 4)), dict(stride=stride, padding=padding, dilation=dilation)
    x = rng.normal(size=(3, *shape, 2))
    return shape, w, options, x, rng.normal(size=cross_correlation(x, w, **options).shape)


@pytest.fixture(scope="module")
def unseen():
    """The first 20 of the scenes that the network was not trained on."""
    return scenes.make(20, seed=2)


def close(found, expected, tolerance):
    """Assert that two arrays agree within ``tolerance`` times the largest expected value."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


# -- the transpose -----------------------------------------------------------------------------------


@pytest.mark.equation("4.1")
def test_transposed_convolution_is_the_transposed_matrix(way):
    """It is T^T times the signal, with stride, padding and dilation, on images that are not square.

    (4.1) The way back through a convolution is the transpose of its matrix.
    """
    shape, w, options, _, y = way
    T = convolution_matrix(w, shape, **options)
    close(transposed_convolution(y, w, shape, **options).reshape(3, -1), y.reshape(3, -1) @ T, 1e-13)


@pytest.mark.equation("4.2")
def test_every_value_lays_the_kernel_down(way):
    """The formula as loops: pixel s i + d m - p gets w_mnck R_ijk from each cell and kernel entry.

    (4.2) Every value lays the kernel down where its window stood, times itself; what overlaps adds up.
    """
    shape, w, options, _, R = way
    s, d = options["stride"], options["dilation"]
    p, q = (same_padding(size, k, s, d)[0] if options["padding"] == "same" else 0
            for size, k in zip(shape, w.shape, strict=False))
    out = np.zeros((3, *shape, 2))
    for i, j, m, n in np.ndindex(*R.shape[1:3], *w.shape[:2]):
        row, column = s * i + d * m - p, s * j + d * n - q
        if 0 <= row < shape[0] and 0 <= column < shape[1]:
            for k, c in np.ndindex(4, 2):
                out[:, row, column, c] += w[m, n, c, k] * R[:, i, j, k]
    close(transposed_convolution(R, w, shape, **options), out, 1e-13)


@pytest.mark.equation("4.3")
def test_adjoint(way):
    """<T x, y> = <x, T^T y> to 1e-12 of its size.

    (4.3) A matrix may change sides in a scalar product, if it is transposed.
    """
    shape, w, options, x, y = way
    left = (cross_correlation(x, w, **options) * y).sum()
    right = (x * transposed_convolution(y, w, shape, **options)).sum()
    print(f"adjoint residual: {abs(left - right) / abs(left):.1e}")
    assert abs(left - right) <= 1e-12 * abs(left)
    assert abs(left - (x * transposed_convolution(y, w[::-1], shape, **options)).sum()) > 1e-3 * abs(left)


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(3, 1, "valid"), (3, 2, "same"), (4, 2, "same"),
                                                           (3, 3, "valid"), (5, 2, "same")])
def test_it_is_keras_conv2d_transpose(kernel, stride, padding):
    """Keras' layer with the same kernel, whose last axes it calls (out, in), gives the same picture."""
    rng = np.random.default_rng(1)
    R, w = rng.normal(size=(2, 5, 4, 3)).astype("f"), rng.normal(size=(kernel, kernel, 2, 3)).astype("f")
    layer = layers.Conv2DTranspose(2, kernel, stride, padding, use_bias=False)
    layer.build(R.shape)
    layer.set_weights([w])
    theirs = keras.ops.convert_to_numpy(layer(R))
    close(transposed_convolution(R, w, theirs.shape[1:3], stride, padding), theirs, 1e-6)


def test_adjoint_not_inverse():
    """T^T T is not 1 for a blur, though that T has an inverse; it is 1 for the one kernel that turns colours."""
    rng = np.random.default_rng(2)
    x, blur = rng.normal(size=(1, 8, 8, 1)), np.array([[1, 2, 1], [2, 5, 2], [1, 2, 1]]).reshape(3, 3, 1, 1) / 17
    A = cross_correlation(x, blur, padding="same")
    back = transposed_convolution(A, blur, (8, 8), padding="same")
    assert np.abs(back - x).max() > 0.5 * np.abs(x).max()
    close(np.linalg.solve(convolution_matrix(blur, (8, 8), padding="same"), A.ravel()), x.ravel(), 1e-10)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    x = rng.normal(size=(2, 4, 5, 3))
    close(transposed_convolution(cross_correlation(x, turn[None, None]), turn[None, None], (4, 5)), x, 1e-13)


def test_float32_stays_and_whole_numbers_become():
    """float64 is kept, anything else is float32, as in the convolution."""
    w = np.ones((2, 2, 1, 1))
    for kind, expected in ((np.float64, np.float64), (np.float32, np.float32), (int, np.float32)):
        assert transposed_convolution(np.ones((1, 2, 2, 1), kind), w.astype(kind), (3, 3)).dtype == expected


@pytest.mark.equation("4.4")
@pytest.mark.parametrize(("k", "s"), [(3, 2), (4, 2), (5, 2), (5, 3), (6, 3), (3, 1)])
def test_coverage(k, s):
    """How many cells reach a pixel: the column sums of T, a count, k / s inside if s divides k, else uneven.

    (4.4) The coverage of a row is the number of cells that reach it; it is even inside if the stride divides the side.
    """
    size = 8 * s + k
    cells, ones = output_size(size, k, s), np.ones((k, 1, 1, 1))
    found = transposed_convolution(np.ones((1, cells, 1, 1)), ones, (size, 1), s)[0, :, 0, 0]
    count = [sum(s * i + m == y for i in range(cells) for m in range(k)) for y in range(size)]
    np.testing.assert_array_equal(found, count)
    np.testing.assert_array_equal(convolution_matrix(ones, (size, 1), s).sum(0), count)
    inside = found[k - 1:s * (cells - 1) + 1]
    assert set(inside) == {k // s} if k % s == 0 else set(inside) == {k // s, k // s + 1}
    np.testing.assert_array_equal(inside[s:], inside[:-s])


# -- switches ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def maps():
    """Random maps (2, 7, 6, 3): one row fills no window of 2."""
    return np.random.default_rng(3).normal(size=(2, 7, 6, 3))


@pytest.mark.equation("4.5")
def test_switches_say_where_the_maximum_is(maps):
    """Cell by cell and window by window; of equal values the first counts, in reading order.

    (4.5) A switch is the place of the maximum in its window; of equal values the first counts.
    """
    for q in (1, 2, 3):
        found = switches(maps, q)
        for n, i, j, k in np.ndindex(found.shape):
            window = maps[n, q * i:q * i + q, q * j:q * j + q, k]
            m, l = divmod(found[n, i, j, k], q)
            assert window[m, l] == window.max()
    grid = np.array([[0, 0, 1, 5], [0, 0, 5, 5], [2, 3, 4, 4], [3, 1, 4, 4]], float)[None, :, :, None]
    assert switches(grid)[0, :, :, 0].tolist() == [[0, 1], [1, 0]]


@pytest.mark.equation("4.6")
def test_unpool_puts_each_value_at_its_switch(maps):
    """By loops: the value stands at row q i + m, column q j + n, and nothing stands anywhere else.

    (4.6) Unpooling puts each value where the maximum was, and 0 elsewhere.
    """
    for q in (2, 3):
        s, R = switches(maps, q), np.random.default_rng(4).normal(size=switches(maps, q).shape)
        expected = np.zeros_like(maps)
        for n, i, j, k in np.ndindex(R.shape):
            m, l = divmod(s[n, i, j, k], q)
            expected[n, q * i + m, q * j + l, k] = R[n, i, j, k]
        np.testing.assert_array_equal(unpool(R, s, (7, 6), q), expected)


@pytest.mark.equation("4.7")
def test_unpool_restores_exactly_the_maxima(maps):
    """unpool(max_pool(A)) is A where a window has its maximum, and 0 elsewhere; pooled again nothing is lost.

    (4.7) What is pooled, unpooled and pooled again is what was pooled once.
    """
    A = np.abs(maps)  # as behind a ReLU
    for q in (2, 3):
        P = max_pool(A, q)
        restored = unpool(P, switches(A, q), A.shape[1:3], q)
        assert ((restored == A) | (restored == 0)).all()
        assert (restored > 0).sum() == P.size
        np.testing.assert_array_equal(max_pool(restored, q), P)
        np.testing.assert_array_equal(switches(restored, q), switches(A, q))


def test_unpool_is_the_adjoint_of_reading_at_the_switches(maps):
    """<A read at s, R> = <A, unpool(R, s)>, also for switches that come from other maps."""
    rng = np.random.default_rng(5)
    s, R = switches(rng.normal(size=maps.shape)), rng.normal(size=(2, 3, 3, 3))
    cells = maps[:, :6].reshape(2, 3, 2, 3, 2, 3).swapaxes(2, 3).reshape(2, 3, 3, 4, 3)
    read = np.take_along_axis(cells, s[:, :, :, None], 3)[:, :, :, 0]
    close((read * R).sum(), (maps * unpool(R, s, (7, 6))).sum(), 1e-12)


@pytest.mark.equation("4.8")
def test_without_switches_the_adjoint_of_the_average(maps):
    """<average_pool(A), R> = <A, unpool(R, None)>, and each window shares its value evenly.

    (4.8) Without switches each window shares its value evenly: the adjoint of average pooling.
    """
    for q in (2, 3):
        R = np.random.default_rng(6).normal(size=average_pool(maps, q).shape)
        spread = unpool(R, None, (7, 6), q)
        close((average_pool(maps, q) * R).sum(), (maps * spread).sum(), 1e-12)
        close(spread[:, :q, :q], np.broadcast_to(R[:, :1, :1] / q**2, (2, q, q, 3)), 1e-15)


@pytest.mark.parametrize("ties", ["random", "zeros", "equal pairs"])
def test_ties_go_where_the_network_sends_them(ties):
    """One backward pass through max-pooling and unpool pick the same cell of equal ones, all-zero windows too."""
    rng = np.random.default_rng(7)
    x = {"random": rng.random((2, 6, 6, 2)), "zeros": np.zeros((2, 6, 6, 2)),
         "equal pairs": rng.integers(0, 3, (2, 6, 6, 2))}[ties].astype("f")
    model = keras.Sequential([keras.Input((6, 6, 2)), layers.MaxPooling2D(2, name="pool"), layers.Flatten(),
                              layers.Dense(2)])
    y = rng.normal(size=(2, 3, 3, 2)).astype("f")
    A, R = Probe(model, "pool").project(x, y)
    np.testing.assert_array_equal(A, max_pool(x))
    np.testing.assert_array_equal(R, unpool(y, switches(x), (6, 6)))


# -- three rules -------------------------------------------------------------------------------------


@pytest.mark.equation("4.9")
def test_three_rules_by_hand_and_in_a_network():
    """Two signs of the signal, two of the input: four cases, and the same from one backward pass through a ReLU.

    (4.9) Three rules at a ReLU: the sign of its input decides, or the sign of the signal, or both.
    """
    R, x = np.array([2, 2, -3, -3.0]), np.array([1, -1, 1, -1.0])
    assert relu_back(R, x).tolist() == [2, 0, -3, 0]
    assert relu_back(R, x, "deconvnet").tolist() == [2, 2, 0, 0]
    assert relu_back(R, x, "guided").tolist() == [2, 0, 0, 0]
    rng = np.random.default_rng(8)
    x, y = (rng.normal(size=(3, 4, 5, 2)).astype("f") for _ in range(2))
    x[0, 0] = 0  # no slope at zero, and the deconvnet does not care
    model = keras.Sequential([keras.Input((4, 5, 2)), layers.ReLU(name="relu"), layers.Flatten(), layers.Dense(2)])
    for rule in RULES:
        np.testing.assert_array_equal(Probe(model, "relu").project(x, y, rule)[1], relu_back(y, x, rule))


def test_guided_is_both_rules_together():
    """Guided lets pass what both others let pass, and for signals that are nowhere negative it is the gradient."""
    R, x = np.random.default_rng(9).normal(size=(2, 1000))
    gradient, deconv, guided = (relu_back(R, x, rule) for rule in RULES)
    np.testing.assert_array_equal(guided != 0, (gradient != 0) & (deconv != 0))
    np.testing.assert_array_equal(relu_back(abs(R), x, "guided"), relu_back(abs(R), x))
    np.testing.assert_array_equal(relu_back(R, abs(x), "deconvnet"), relu_back(R, abs(x), "guided"))


# -- layer by layer ----------------------------------------------------------------------------------


def signal(model, layer, images, seed=0):
    """A random signal in the shape of the maps."""
    A, _ = Probe(model, layer).forward(images)
    return np.random.default_rng(seed).normal(size=A.shape).astype("f")


@pytest.mark.equation("4.10")
@pytest.mark.parametrize("on", [True, False], ids=["switches", "no switches"])
@pytest.mark.parametrize("rule", RULES)
def test_layer_by_layer_is_one_backward_pass(network, unseen, rule, on):
    """NumPy, with its own forward pass, layer and step, against the changed backward pass: equal to 1e-5.

    (4.10) The deconvnet goes back layer by layer: transposed convolutions, the rule, unpooling.
    """
    images = unseen.images[:4]
    for layer in ("pool1", "conv3", "relu4"):
        y = signal(network, layer, images)
        steps = deconvnet(network, images, layer, y, rule, on)
        one_pass = Probe(network, layer).project(images, y, rule, on)[1]
        print(f"{rule}, {layer}: residual {np.abs(steps['image'] - one_pass).max() / np.abs(one_pass).max():.1e}")
        close(steps["image"], one_pass, 1e-5)
        assert np.abs(one_pass).max() > 0


def test_every_station_is_a_backward_pass_of_its_own(network, unseen):
    """The signals are named from the layer down to the image, and each goes on as if it had started there."""
    images, names = unseen.images[:2], ["relu2", "conv2", "pool1", "relu1", "conv1", "image"]
    signals = deconvnet(network, images, "relu2", signal(network, "relu2", images))
    assert list(signals) == names
    for name in names[:-1]:
        again = Probe(network, name).project(images, signals[name], "deconvnet")[1] if name != "conv1" else (
            Probe(network, name).project(images, signals[name])[1])
        close(again, signals["image"], 1e-5)


def test_other_spellings_of_a_chain(pictures, randomized):
    """activation="relu", no bias, dilation, odd sizes, Sequential: still one backward pass."""
    model = randomized(keras.Sequential([
        keras.Input((16, 12, 3)), layers.Conv2D(4, (3, 2), 3, activation="relu", name="a"),
        layers.Conv2D(5, 3, dilation_rate=2, padding="same", use_bias=False, activation="relu", name="b"),
        layers.MaxPooling2D(2, name="c"), layers.Flatten(), layers.Dense(2)]))
    for rule in RULES:
        for on in (True, False):
            y = signal(model, "c", pictures)
            close(deconvnet(model, pictures, "c", y, rule, on)["image"],
                  Probe(model, "c").project(pictures, y, rule, on)[1], 1e-5)


def test_without_relu_deconvnet_is_the_gradient(pictures, randomized):
    """Convolutions and pooling alone: the three rules give one result, and the probe says that there is no ReLU."""
    model = randomized(keras.Sequential([keras.Input((16, 12, 3)), layers.Conv2D(4, 3), layers.MaxPooling2D(2),
                                         layers.Conv2D(5, 3, name="maps"), layers.Flatten(), layers.Dense(2)]))
    y = signal(model, "maps", pictures)
    gradient = Probe(model, "maps").project(pictures, y)[1]
    for rule in RULES:
        close(deconvnet(model, pictures, "maps", y, rule)["image"], gradient, 1e-6)
    with pytest.raises(LayerError, match="no layer of this model is one"):
        Probe(model, "maps").project(pictures, y, "deconvnet")


# -- one unit ----------------------------------------------------------------------------------------


def test_deconvolve_starts_at_the_strongest_unit(network, unseen):
    """All but the strongest unit of the channel set to zero, in each image its own; then layer by layer."""
    images, channel = unseen.images[:5], 10
    A, _ = Probe(network, "pool2").forward(images)
    y = np.zeros_like(A)
    for n in range(5):
        cell = np.unravel_index(A[n, :, :, channel].argmax(), A.shape[1:3])
        y[(n, *cell, channel)] = A[(n, *cell, channel)]
    assert len({tuple(np.argwhere(one)[0]) for one in y}) > 1
    for rule in RULES:
        close(deconvolve(network, images, "pool2", channel, rule),
              deconvnet(network, images, "pool2", y, rule)["image"], 1e-5)
    close(deconvolve(network, images, "pool2", channel, switches=False),
          deconvnet(network, images, "pool2", y, switches=False)["image"], 1e-5)


def test_deconvolve_at_a_chosen_unit(network, unseen):
    """Row and column of the map, its value as the signal; nothing outside its receptive field lights up."""
    images = unseen.images[:3]
    A, _ = Probe(network, "conv1").forward(images)
    found = deconvolve(network, images, "conv1", 3, unit=(20, 31))
    y = np.zeros_like(A)
    y[:, 20, 31, 3] = A[:, 20, 31, 3]
    close(found, deconvnet(network, images, "conv1", y)["image"], 1e-5)
    rows, columns = np.nonzero(found.any((0, 3)))
    assert rows.max() - rows.min() < 7 and columns.max() - columns.min() < 7
    assert abs(rows.mean() - 40.5) < 4 and abs(columns.mean() - 62.5) < 4


def test_a_silent_unit_gives_nothing(network):
    """Where the channel is zero everywhere there is nothing to bring back: zeros, no NaN."""
    black = np.zeros((1, 96, 96, 3), np.float32)
    A, _ = Probe(network, "relu4").forward(black)
    dead = int(np.flatnonzero(A.max((0, 1, 2)) == 0)[0])
    assert not deconvolve(network, black, "relu4", dead).any()


# -- PyTorch -----------------------------------------------------------------------------------------


def test_the_chapters_pytorch_code():
    """The block of PyTorch that the chapter prints, run as it stands, follows the guided rule."""
    torch = pytest.importorskip("torch")
    import nbformat

    text = "\n".join(c.source for c in nbformat.read(NOTEBOOK, 4).cells if c.cell_type == "markdown")
    (block,) = re.findall(r"```python\n(import torch\n.*?)```", text, re.DOTALL)
    names = {}
    exec(block, names)  # noqa: S102
    rng = np.random.default_rng(10)
    x, R = (rng.normal(size=(2, 3, 4, 5)).astype("f") for _ in range(2))
    at = torch.tensor(x, requires_grad=True)
    out = names["GuidedReLU"].apply(at)
    np.testing.assert_array_equal(out.detach().numpy(), np.maximum(x, 0))
    np.testing.assert_array_equal(torch.autograd.grad(out, at, torch.tensor(R))[0].numpy(), relu_back(R, x, "guided"))
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(inplace=True),
                                torch.nn.Sequential(torch.nn.Conv2d(4, 2, 2), torch.nn.ReLU()))
    plain, at = torch.nn.Sequential(model[0], model[2][0]), torch.tensor(rng.normal(size=(1, 3, 6, 6)).astype("f"))
    assert names["guided"](model) == 2
    at.requires_grad_()
    out = model(at)
    start = torch.tensor(rng.normal(size=out.shape).astype("f"))
    found = torch.autograd.grad(out, at, start)[0].numpy()
    w, v = (layer.weight.detach().numpy().transpose(2, 3, 1, 0) for layer in plain)
    b, d = (layer.bias.detach().numpy() for layer in plain)
    x0 = at.detach().numpy().transpose(0, 2, 3, 1)
    x1 = cross_correlation(x0, w, b)
    x2 = cross_correlation(np.maximum(x1, 0), v, d)
    R = transposed_convolution(relu_back(start.numpy().transpose(0, 2, 3, 1), x2, "guided"), v, (4, 4))
    R = transposed_convolution(relu_back(R, x1, "guided"), w, (6, 6))
    close(found.transpose(0, 2, 3, 1), R, 1e-5)


# -- bad input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("change", "error", "message"), [
    (dict(R=np.ones((3, 3, 1))), MapError, r"expected maps \(N, h, w, K\), got shape \(3, 3, 1\)"),
    (dict(R=np.full((1, 3, 3, 1), np.nan)), MapError, "NaN"),
    (dict(R=np.ones((1, 2, 3, 1))), MapError, r"has the shape \(N, 3, 3, 1\), not \(1, 2, 3, 1\)"),
    (dict(kernel=np.ones((3, 3))), CamlibError, r"expected a kernel \(kh, kw, C, K\), got shape \(3, 3\)"),
    (dict(padding="full"), CamlibError, '"valid" or "same", not \'full\''),
    (dict(padding=((1, 1), (1, 1))), CamlibError, '"valid" or "same"'),
    (dict(stride=0), CamlibError, "whole numbers from 1"), (dict(dilation=0), CamlibError, "whole numbers from 1"),
    (dict(shape=(2, 5)), ImageError, "does not fit"), (dict(shape=(5, 5, 1)), MapError, r"\(height, width\)"),
])
def test_transposed_convolution_refuses(change, error, message):
    """Signals, kernels, shapes and options that do not belong together."""
    good = dict(R=np.ones((1, 3, 3, 1)), kernel=np.ones((3, 3, 1, 1)), shape=(5, 5))
    transposed_convolution(**good)
    with pytest.raises(error, match=message):
        transposed_convolution(**{**good, **change})


@pytest.mark.parametrize(("change", "message"), [
    (dict(R=np.ones((1, 2, 3, 1))), r"make 2 × 2 of maps of 5 × 4, not 2 × 3"), (dict(size=0), "at least 1, not 0"),
    (dict(size=2.0), "whole number"), (dict(shape="5"), r"\(height, width\)"), (dict(R=np.ones((2, 2))), "maps"),
    (dict(switches=np.full((1, 2, 2, 1), 4)), "from 0 to 3"), (dict(switches=np.full((1, 2, 2, 1), -1)), "from 0 to 3"),
    (dict(switches=np.zeros((1, 2, 2, 1))), "whole numbers"), (dict(switches=np.zeros((1, 2, 2), int)), "shape"),
])
def test_unpool_refuses(change, message):
    """Switches that are none, and shapes that do not fit the windows."""
    good = dict(R=np.ones((1, 2, 2, 1)), switches=np.zeros((1, 2, 2, 1), int), shape=(5, 4))
    unpool(**good)
    with pytest.raises(MapError, match=message):
        unpool(**{**good, **change})


def test_rules_and_windows_refuse():
    """An unknown rule, two shapes, and no window."""
    with pytest.raises(LayerError, match="no rule 'guide'. Did you mean 'guided'"):
        relu_back(np.ones(3), np.ones(3), "guide")
    for rule in (["x"], None, {}):
        with pytest.raises(LayerError, match="no rule"):
            relu_back(np.ones(3), np.ones(3), rule)
    with pytest.raises(MapError, match="must have one shape"):
        relu_back(np.ones(3), np.ones((3, 1)))
    with pytest.raises(MapError, match="does not fit"):
        switches(np.ones((1, 2, 2, 1)), 3)


def test_deconvolve_refuses(network, unseen):
    """A channel, unit, rule or layer that does not exist."""
    images = unseen.images[:1]
    for channel in (64, -1, 1.5, None, True):
        with pytest.raises(LayerError, match=f"'relu4' has the channels 0 to 63, not {channel}"):
            deconvolve(network, images, "relu4", channel)
    for unit in ((12, 0), (0, 12), (-1, 0), 3, (1, 2, 3)):
        with pytest.raises(MapError, match=r"a unit is \(row, column\).*0 to 11"):
            deconvolve(network, images, "relu4", 0, unit=unit)
    with pytest.raises(LayerError, match="no rule"):
        deconvolve(network, images, "relu4", 0, rule="relu")
    with pytest.raises(LayerError, match="relu9"):
        deconvolve(network, images, "relu9", 0)


def test_deconvnet_refuses(network, unseen, small, randomized):
    """Layers it does not know, what is no chain, and a signal of another shape; it never guesses."""
    images, y = unseen.images[:1], np.ones((1, 12, 12, 64))
    with pytest.raises(MapError, match="has the shape of the maps"):
        deconvnet(network, images, "relu4", y[:, :11])
    with pytest.raises(LayerError, match="no layer 'relu5'.*Did you mean"):
        deconvnet(network, images, "relu5", y)
    with pytest.raises(LayerError, match="no rule 'x'"):
        deconvnet(network, images, "relu4", y, "x")
    with pytest.raises(LayerError, match="'gap' is no plain Conv2D.*Probe.project"):
        deconvnet(network, images, "logits", y)
    with pytest.raises(LayerError, match="no layer 'image'"):
        deconvnet(network, images, "image", y)
    for odd in (layers.Conv2D(6, 3, groups=3), layers.Conv2D(2, 3, (1, 2)), layers.MaxPooling2D(3, 2),
                layers.MaxPooling2D(2, padding="same"), layers.ReLU(6), layers.ReLU(negative_slope=0.1),
                layers.Conv2D(2, 3, activation="tanh"), layers.MaxPooling2D((1, 2)), layers.DepthwiseConv2D(3)):
        model = keras.Sequential([keras.Input((16, 12, 3)), odd])
        with pytest.raises(LayerError, match="is no plain Conv2D, ReLU or MaxPooling2D"):
            deconvnet(model, images, odd.name, y)
    image = keras.Input((16, 12, 3))
    x = layers.Conv2D(3, 3, padding="same", name="conv")(image)
    model = keras.Model(image, layers.ReLU(name="relu")(layers.Add(name="add")([x, image])))
    with pytest.raises(LayerError, match="'add' does not follow the layer before it"):
        deconvnet(model, images, "relu", y)


def test_deconvnet_takes_a_layer(network, unseen):
    """A Layer stands for its name."""
    images, y = unseen.images[:1], np.ones((1, 48, 48, 24))
    by_name, by_layer = (deconvnet(network, images, layer, y) for layer in ("relu1", network.get_layer("relu1")))
    assert list(by_layer) == list(by_name) and (by_layer["image"] == by_name["image"]).all()


def test_deconvnet_needs_the_order_of_the_layers(unseen):
    """A subclassed model has none to read, and what is no model neither."""
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.conv = layers.Conv2D(2, 3, name="conv")

        def call(self, x):
            return self.conv(x)

    model = Own()
    y = np.ones_like(model(unseen.images[:1]))
    for wrong in (model, 3):
        with pytest.raises(LayerError, match="Sequential or Functional"):
            deconvnet(wrong, unseen.images[:1], "conv", y)


def test_the_rules_are_the_probes():
    """Chapter and probe know the same three rules."""
    from camlib.activations import RULES as probes

    assert tuple(deconvolution.RULES) == probes == RULES
