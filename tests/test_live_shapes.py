"""The live figure on padding, stride and dilation: sizes, zeros and places are camlib's."""

import itertools

from book.live import shapes as figure
from camlib import convolution

KEYS = dict(valid=0, same=1, even=2)


def expected(size, kernel, stride, dilation, padding, cell):
    """(cells, zeros before, zeros after, first pixel, real pixels) by camlib and by counting."""
    reach = dilation * (kernel - 1) + 1
    before, after = {"valid": (0, 0), "same": convolution.same_padding(size, kernel, stride, dilation),
                     "even": (reach // 2, reach // 2)}[padding]
    cells = convolution.output_size(size, kernel, stride, (before, after), dilation)
    _, jump, start = convolution.receptive_field([(kernel, stride, before, dilation)])
    first = start + min(cell, cells - 1) * jump
    return cells, before, after, first, sum(0 <= first + m * dilation < size for m in range(kernel))


def test_sizes_zeros_and_places(live):
    """Kernel, stride, dilation, padding and cell, moved by arrow keys through 72 cases."""
    shapes = live("shapes", "01_convolution")
    size = 11
    shapes.press(shapes.named("pixels H"), *["ArrowRight"] * (size - figure.START["size"]))
    for kernel, stride, dilation in itertools.product((1, 2, 5), (1, 2, 3, 4), (1, 2)):
        shapes.press(shapes.named("kernel"), "Home", *["ArrowRight"] * (kernel - 1))
        shapes.press(shapes.named("stride s"), "Home", *["ArrowRight"] * (stride - 1))
        shapes.press(shapes.named("dilation d"), "Home", *["ArrowRight"] * (dilation - 1))
        for padding in KEYS:
            shapes.press(shapes.named(padding if padding != "even" else "the same at both ends"), "Space")
            cells, *rest = expected(size, kernel, stride, dilation, padding, 2)
            shapes.press(shapes.named("cell i"), "Home", "ArrowRight", "ArrowRight")
            shown = [shapes.value(name) for name in ("cells", "before", "after", "first", "inside")]
            assert shown == [cells, *rest], (kernel, stride, dilation, padding)


def test_a_kernel_that_does_not_fit(live):
    """No cell, and the sentence says why, where camlib raises an error."""
    shapes = live("shapes", "01_convolution")
    shapes.press(shapes.named("valid"), "Space")
    shapes.press(shapes.named("pixels H"), "Home")
    shapes.press(shapes.named("kernel"), "End")
    assert shapes.value("cells") == 0 and "does not fit" in shapes.widget.inner_text()
