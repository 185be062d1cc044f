"""A picture climbs a unit's activation, step by step, with and without each remedy, equations (5.4) to (5.13)."""

import base64
from io import BytesIO

import numpy as np
from PIL import Image

import camlib
from camlib import plots, priors, scenes
from camlib.activation_maximization import maximize_activations
from camlib.probe import probe

from . import rounded

STEPS = [0, 3, 6, 10, 16, 25, 40, 65, 100]  # the pictures that are kept
PIXELS = dict(parametrization="pixels", decorrelate=False)
UNITS = {"the fish: its logit": (None, 0, 1),  # layer, channel, and what share of the fish's λ it bears
         "channel 3 of conv4: its mean": ("conv4", 3, 1 / 5)}
NONE = "nothing"
OWN = {"L2": "distance from grey", "total variation": "total variation", "blur": "grain", "jitter": "grain",
       "waves, colours, jitter": "grain"}  # what each remedy is held against


def remedies(share):
    return {
        NONE: PIXELS,
        "L2": PIXELS | dict(regularizers=[priors.l2(3000 * share)]),
        "total variation": PIXELS | dict(regularizers=[priors.total_variation(300 * share)]),
        "blur": PIXELS | dict(transforms=[priors.blur(1.5)]),
        "jitter": PIXELS | dict(transforms=[priors.jitter(8)]),
        "waves, colours, jitter": dict(transforms=[priors.jitter(8)]),
    }


def data():
    """Per unit: the loudest of 500 scenes, and per remedy the pictures on the way and what camlib measures."""
    network, shown = camlib.course_network.load(), scenes.make(500, seed=21).images
    units = {}
    for name, (layer, channel, share) in UNITS.items():
        f = activations(network, layer, channel, shown)
        best = shown[[f.argmax()]]
        runs = {key: run(network, layer, channel, **remedy) for key, remedy in remedies(share).items()}
        units[name] = dict(scene=strip(best, 75), f=rounded(f.max()), measures=measured(best), runs=runs)
    return dict(steps=STEPS, none=NONE, own=OWN, units=units)


def run(network, layer, channel, **remedy):
    images = climb(network, layer, channel, **remedy)
    kept = images[STEPS]
    f = activations(network, layer, channel, images)
    return dict(pictures=strip(kept), f=rounded(f, 2), measures=measured(kept))


def climb(network, layer, channel, regularizers=(), **options):
    """The pictures (steps + 1, H, W, C) on the way: a penalty of nothing looks at each."""
    path = []

    def watch(images):
        path.append(images[0])
        return 0, 0 * images

    regularizers = [*regularizers, watch]
    last = maximize_activations(network, layer, [channel], steps=STEPS[-1], regularizers=regularizers, **options)
    return np.stack([*path, last.images[0]])


def activations(network, layer, channel, images):
    """f(I) of each picture as it is, without any transform: a logit, or equation (5.4)."""
    look = probe(network, layer)
    return look.logits(images)[:, channel] if layer is None else look.forward(images)[0][..., channel].mean((1, 2))


def measured(images):
    """The roots of (5.7) and the values of (5.8), both for λ = 1, and (5.5)."""
    return {
        "distance from grey": rounded(np.sqrt(priors.l2(1)(images)[0])),
        "total variation": rounded(priors.total_variation(1)(images)[0]),
        "grain": rounded(priors.high_frequency_share(images)),
    }


def strip(images, quality=33):
    """Pictures one below the other, as AVIF: lossy WebP would halve the resolution of colour, and grain is colour."""
    file = BytesIO()
    Image.fromarray(np.uint8(np.round(np.concatenate(images) * 255))).save(
        file, "avif", quality=quality, subsampling="4:4:4", speed=4, advanced={"tune": "psnr"})
    return "data:image/avif;base64," + base64.b64encode(file.getvalue()).decode()


def opened(strip):
    """The pictures (n, 96, 96, 3) in such an address."""
    pixels = np.asarray(Image.open(BytesIO(base64.b64decode(strip.split(",")[1]))).convert("RGB"))
    return pixels.reshape(-1, pixels.shape[1], pixels.shape[1], 3)


def still(data):
    """The fish's pictures after a quarter of the steps and after all, by remedy; below, how loud each climb is."""
    unit = next(iter(data["units"].values()))
    figure = plots.plt.figure(figsize=(8, 5), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=[3, 2.6])
    axes, chart = above.subplots(2, len(unit["runs"])), below.subplots()
    for i, (name, run) in enumerate(unit["runs"].items()):
        axes[0, i].set_title(name.replace(", colours,", ",\ncolours,"), fontsize=9)
        for axis, k in zip(axes[:, i], (5, -1), strict=True):
            axis.imshow(opened(run["pictures"])[k], interpolation="nearest")
            axis.set(xticks=[], yticks=[], ylabel="" if i else f"{data['steps'][k]} steps")
        chart.plot(run["f"])
    chart.axhline(unit["f"], color="#7d7d7d", linestyle="--", linewidth=1)
    chart.set(xlabel="steps", ylabel="logit", xlim=(0, 1.22 * STEPS[-1]), xticks=range(0, STEPS[-1] + 1, 20))
    chart.annotate("loudest of 500 scenes", (1.22 * STEPS[-1], unit["f"]), ha="right", va="bottom", fontsize=8)
    louder = sorted(unit["runs"].items(), key=lambda item: item[1]["f"][-1])
    for i, (name, run) in enumerate(louder):  # neighbours at the end write away from each other
        chart.annotate(f" {name}", (STEPS[-1], run["f"][-1]), va=("bottom", "top")[i % 2], fontsize=8)
    return figure
