"""Does memory grow? ``python -m benchmarks.memory images resnet`` prints what the process holds after every 50 images.

Each case has its own process.
"""

import gc
import json
import sys
import weakref

import numpy as np

from . import networks, peers

MIB = 1024 * 1024
COUNT = 500


def resident():
    """Return the memory of this process in MiB, once the garbage is out."""
    import psutil

    gc.collect()
    return psutil.Process().memory_info().rss / MIB


def watched(step, count, every):
    """Call ``step(i)`` for i from 0 to ``count`` − 1; return the MiB after each ``every`` calls."""
    seen = []
    for i in range(count):
        step(i)
        if (i + 1) % every == 0:
            seen.append(resident())
            print(f"  {i + 1} of {count}: {seen[-1]:.0f} MiB", file=sys.stderr, flush=True)
    return seen


def images(name):
    """500 different images, one call each, through one network and one library; "resnet" is camlib on ResNet50."""
    layer, torch = "out_relu", name in peers.TORCH
    if name == "resnet":
        model, make, size, layer = networks.keras_resnet50(), peers.camlib_grad_cam, 224, None
    elif torch:
        model, make, size, layer = networks.torch_mobilenet(), peers.TORCH[name], 96, "features"
    else:
        model, make, size = networks.keras_mobilenet(), {**peers.TENSORFLOW, "plain": plain}[name], 96
    call = make(model, layer).call

    def step(i):
        image = networks.pictures(1, size, seed=i)
        call(np.ascontiguousarray(image.transpose(0, 3, 1, 2)) if torch else image, np.array([i % 100]))
    return watched(step, COUNT, 50)


def plain(model, layer):
    """The forward pass alone: what the framework itself keeps."""
    forward = peers.plain_tensorflow(model)
    return peers.Peer(lambda images, classes: forward(images), None)


def batch_sizes(name):
    """60 different batch sizes, three times over: every new shape could be compiled, and kept."""
    model, sizes = networks.keras_mobilenet(), np.random.default_rng(0).permutation(60) + 1
    call = {"camlib": peers.camlib_grad_cam, "plain": plain}[name](model, None).call
    return watched(lambda i: call(networks.pictures(sizes[i % 60], 96), np.zeros(sizes[i % 60], int)), 180, 20)


def models(name):
    """20 networks one after another, each dropped before the next; also how many of them are still alive."""
    make, alive = {"camlib": peers.camlib_grad_cam, "plain": plain}[name], []

    def step(i):
        model = networks.keras_mobilenet()
        alive.append(weakref.ref(model))
        make(model, None).call(networks.pictures(1, 96), np.array([0]))
    seen = watched(step, 20, 1)
    return {"mib": seen, "alive": sum(model() is not None for model in alive)}


PARTS = {"images": images, "batch_sizes": batch_sizes, "models": models}

if __name__ == "__main__":
    print(json.dumps(PARTS[sys.argv[1]](*sys.argv[2:])))
