"""The live figure of chapter 1: the sums it shows are camlib's, for any kernel that is typed in."""

import numpy as np
import pytest

from book.live import kernel as figure
from camlib import convolution

PICTURES, KERNELS = (list(figure.data()[key].values()) for key in ("pictures", "kernels"))
GRID = "[role=grid] >> nth=1"


@pytest.fixture
def kernel(live):
    return live("kernel", "01_convolution")


def sums(picture, weights, operation=convolution.cross_correlation):
    weights = np.array(weights, float)[:, :, None, None]
    return operation(np.array(picture, float)[None, :, :, None], weights)[0, :, :, 0]


def shown(kernel):
    return np.reshape(kernel.numbers(f"{GRID} >> [role=gridcell]"), (8, 8))


def test_sums_of_every_ready_kernel(kernel):
    """For both pictures and each kernel of the list: all 64 sums."""
    for n, picture in enumerate(PICTURES):
        kernel.press("input[type=radio] >> nth=0", *["ArrowRight"] * n)
        kernel.press("select", "Home")
        for weights in KERNELS:
            np.testing.assert_array_equal(shown(kernel), sums(picture, weights))
            kernel.press("select", "ArrowDown")


def test_typed_weights_and_turning(kernel):
    """Nine weights of one's own, without any symmetry; turned by 180 degrees they convolve."""
    typed = [[3, -1, 4], [1, -5, 9], [2, 6, -5.5]]
    for field, weight in zip(kernel.widget.locator("input[type=number]").all(), np.ravel(typed), strict=True):
        kernel.press(field, "Control+a", *f"{weight:g}")
    np.testing.assert_allclose(shown(kernel), sums(PICTURES[0], typed), rtol=0, atol=1e-9)
    kernel.press("input[type=checkbox]", "Space")
    np.testing.assert_allclose(shown(kernel), sums(PICTURES[0], typed, convolution.convolution), rtol=0, atol=1e-9)


def test_the_sum_is_built_product_by_product(kernel):
    """Arrow keys choose the stop; each press of the button adds one product of the next stop."""
    kernel.press(f"{GRID} >> [tabindex='0']", "ArrowDown", "ArrowDown", "ArrowRight", "End", "Home", "ArrowRight")
    assert kernel.value("sum") == sums(PICTURES[0], KERNELS[0])[2, 1]
    window = np.ravel(KERNELS[0]) * np.array(PICTURES[0])[2:5, 2:5].ravel()
    for count in range(1, 10):
        kernel.press(kernel.widget.get_by_role("button", name="Add one product"), "Enter")
        assert kernel.value("sum") == window[:count].sum()
