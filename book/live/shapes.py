"""Padding, stride, dilation along one axis: how many cells there are, and what each sees, (1.5), (1.6) and (1.10)."""

from camlib import convolution, plots

START = dict(size=6, kernel=3, stride=2, dilation=1)


def data():
    """Where the reader begins: the case in which "same" and the padding of other libraries part."""
    return START


def still(data):
    """The windows of each cell under the three paddings, for six pixels, a kernel of 3 and stride 2."""
    H, k, s, d = (data[name] for name in ("size", "kernel", "stride", "dilation"))
    cases = {"valid": (0, 0), "same": convolution.same_padding(H, k, s, d), "1 at both ends": (1, 1)}
    figure, axes = plots.plt.subplots(3, 1, figsize=(6, 4.2), layout="constrained", sharex=True)
    for axis, (name, (before, after)) in zip(axes, cases.items(), strict=True):
        cells = convolution.output_size(H, k, s, (before, after), d)
        for pixel in range(-before, H + after):
            square(axis, pixel, 1, 1, str(pixel) if 0 <= pixel < H else None)
        for i in range(cells):
            first, reach = i * s - before, d * (k - 1) + 1
            middle = first + reach / 2
            axis.plot([first + 0.05, middle, first + reach - 0.05], [0.95, 0.55, 0.95], color="#E69F00", linewidth=1.2)
            square(axis, middle - 0.35, -0.2, 0.7, str(i), "#E69F00")
        axis.set(xlim=(-1.2, H + 1.2), ylim=(-0.4, 2.2))
        axis.set_axis_off()
        axis.set_title(f"{name}: {cells} cells, zeros ({before}, {after})", loc="left")
    return figure


def square(axis, x, y, side, text, color="#56B4E9"):
    """A numbered square; without a text it is a padded zero, dashed."""
    look = dict(facecolor=color) if text else dict(facecolor="none", linestyle="--")
    axis.add_patch(plots.Rectangle((x, y), side, side, edgecolor="#7d7d7d", **look))
    axis.text(x + side / 2, y + side / 2, text or "0", ha="center", va="center", color="k" if text else "#7d7d7d")
