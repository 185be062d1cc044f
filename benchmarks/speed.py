"""Time camlib and the peers against the framework's own forward pass; one process a framework.

``python -m benchmarks.speed grad-cam tensorflow`` prints one JSON object; notes of progress go to stderr.
"""

import json
import os
import sys
import time

import numpy as np

from . import networks, peers
from .timing import interleaved, quartiles

ROUNDS = {1: (12, 3), 8: (7, 1), 32: (4, 1)}  # batch: (rounds, calls a measurement)
QUICK = os.environ.get("BENCHMARK_QUICK")  # fewer rounds, to see whether everything runs
FRAMEWORKS = {  # name: (network, its maps, plain forward, peers)
    "tensorflow": (networks.keras_resnet50, networks.MAPS["keras"], peers.plain_tensorflow, peers.TENSORFLOW),
    "torch": (networks.torch_resnet50, networks.MAPS["torch"], peers.plain_torch, peers.TORCH),
    "keras-torch": (networks.keras_resnet50, networks.MAPS["keras"], peers.plain_keras_torch, peers.KERAS_TORCH),
}


def grad_cam(framework):
    """Ratios of Grad-CAM and CAM on ResNet50 at 224 pixels for each batch size."""
    network, layer, plain_of, contenders = FRAMEWORKS[framework]
    model = network()
    reference, tables = closed_form(model, layer, framework), {}
    working, failed = ready(contenders, model, layer, *batch(2, framework), reference)
    for size, (rounds, number) in ROUNDS.items():
        images, classes = batch(size, framework)
        plain = plain_of(model)
        tables[size] = measured(lambda plain=plain, images=images: plain(images),
                                {name: bound(peer.call, images, classes) for name, (peer, _) in working.items()},
                                rounds, number, f"{framework}, batch {size}")
    return {"tables": tables, "failed": failed, "notes": {n: peer.note for n, (peer, _) in working.items()},
            "agreement": {name: gap for name, (_, gap) in working.items()}}


def score_cam(framework):
    """Ratios of Score-CAM against the plain forward passes of its masked images, on a small and a larger network."""
    from camlib import course_network

    cases = {"course network": (course_network.load(), networks.torch_twin, 4, 8, ("relu4", "relu4"), (12, 2)),
             "MobileNetV2": (networks.keras_mobilenet(), lambda _: networks.torch_mobilenet(), 1, 100,
                             ("out_relu", "features"), (5, 1))}
    found = {}
    for title, (model, twin, count, classes, layers, (rounds, number)) in cases.items():
        images, chosen = networks.pictures(count, 96), networks.targets(count, classes)
        masked = masked_images(model, layers[0], images)
        layer, plain_of, contenders = layers[0], peers.plain_tensorflow, peers.SCORE_TENSORFLOW
        if framework == "torch":
            model, layer, plain_of, contenders = twin(model), layers[1], peers.plain_torch, peers.SCORE_TORCH
            images, masked = channels_first(images), channels_first(masked)
        plain, parts = plain_of(model), [masked[i:i + 32] for i in range(0, len(masked), 32)]
        working, failed = ready(contenders, model, layer, images, chosen, None)
        table = measured(lambda plain=plain, parts=parts: [plain(part) for part in parts],
                         {name: bound(peer.call, images, chosen) for name, (peer, _) in working.items()},
                         rounds, number, f"Score-CAM, {framework}, {title}")
        found[title] = {**table, "failed": failed, "masked": len(masked)}
    return found


def first(framework, name):
    """Seconds from the finished model to the first map of one image, in a process that has computed nothing yet."""
    network, layer, plain_of, contenders = FRAMEWORKS[framework]
    model, (images, classes) = network(), batch(1, framework)
    _import(name, framework)
    start = time.perf_counter()
    if name == "plain":
        plain_of(model)(images)
    else:
        contenders[name](model, layer).call(images, classes)
    return {"seconds": time.perf_counter() - start}


def sizes():
    """Grad-CAM on ResNet50 for images of several sizes, 4 at a time."""
    tables = {}
    for size in (96, 160, 224, 320):
        model, images = networks.keras_resnet50(size), networks.pictures(4, size)
        tables[size] = _camlib_alone(model, images, networks.targets(4, 1000), 7, f"{size} pixels")
    return tables


def channels():
    """Grad-CAM on a small network for several numbers of maps (16, 16), 8 images at a time."""
    tables = {}
    for count in (64, 256, 1024, 2048):
        model, images = networks.keras_channels(count), networks.pictures(8, 64)
        tables[count] = _camlib_alone(model, images, networks.targets(8, 10), 15, f"{count} maps")
    return tables


def activation():
    """Activation maximisation against as many compiled forward and backward passes; None until camlib has it.

    A call of n steps makes n + 1 of them, the last one to measure the result, and a forward pass to learn
    the size of the maps.
    """
    import camlib

    if not hasattr(camlib, "maximize_activation"):
        return None
    import keras
    import tensorflow as tf

    model, steps, layer = networks.keras_resnet50(), 8, "conv4_block6_2_bn"  # before its ReLU: never silent
    maps = keras.Model(model.inputs, model.get_layer(layer).output)

    @tf.function
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            score = tf.reduce_mean(maps(x, training=False)[..., 0])
        return tape.gradient(score, x)

    x, forward = tf.constant(networks.pictures(1)), peers.plain_tensorflow(model)
    return measured(lambda: [forward(x), *(gradient(x) for _ in range(steps + 1))],
                    {"camlib": lambda: camlib.maximize_activation(model, layer, 0, steps=steps)}, 10, 1, "activation")


# -- pieces --------------------------------------------------------------------------------------------------------


def measured(plain, contenders, rounds, number, title):
    """Time ``contenders`` against ``plain``; return the plain milliseconds and each one's quartiles of ratios."""
    print(f"{title}: {', '.join(contenders)}", file=sys.stderr, flush=True)
    if QUICK:
        rounds, number = 3, 1
    ratios, plains = interleaved(plain, contenders, rounds, number, slow_rounds=2 if rounds < 10 else 4)
    return {"plain_ms": 1000 * quartiles(plains)[1],
            "ratios": {name: [*quartiles(found), len(found)] for name, found in ratios.items() if found}}


def ready(contenders, model, layer, images, classes, reference):
    """Set up each contender and try it. Return ({name: (peer, distance from ``reference``)}, {name: why it fails}).

    ``reference(images, classes)`` gives signed maps (N, h, w); the distance is the largest difference over the
    largest value, after what the peer cuts off.
    """
    working, failed = {}, {}
    for name, make in contenders.items():
        try:
            peer = make(model, layer)
            peer.call(images, classes)
            gap = None
            if reference is not None:
                same = np.full_like(classes, classes[0]) if name.startswith("tf-explain") else classes
                wanted = reference(images, same)
                gap = distance(peer.raw(images, classes), np.maximum(wanted, 0) if peer.relu else wanted)
            working[name] = peer, gap
        except Exception as cause:  # whatever a peer raises is a result
            failed[name] = f"{type(cause).__name__}: {cause}".split("\n")[0][:150]
            print(f"{name} fails: {failed[name]}", file=sys.stderr, flush=True)
    return working, failed


def closed_form(model, layer, framework):
    """Grad-CAM without any gradient: behind an average and one Dense layer it is sum_k W_kc A_ijk / Z."""
    if framework == "torch":
        import torch

        def reference(images, classes):
            kept = []
            handle = model.get_submodule(layer).register_forward_hook(lambda *seen: kept.append(seen[2]))
            with torch.no_grad():
                model(torch.from_numpy(images))
            handle.remove()
            maps, kernel = kept[0].numpy(), model.fc.weight.detach().numpy()
            return np.einsum("nkij,nk->nij", maps, kernel[classes]) / maps[0, 0].size
        return reference

    import keras

    inner = keras.Model(model.inputs, model.get_layer(layer).output)

    def reference(images, classes):
        maps = inner.predict(images, verbose=0)
        kernel = model.layers[-1].get_weights()[0]
        return np.einsum("nijk,kn->nij", maps, kernel[:, classes]) / maps[0, ..., 0].size
    return reference


def distance(found, wanted):
    """Return max |found − wanted| / max |wanted|."""
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


def masked_images(network, layer, images):
    """Return each image times each of its maps, scaled to 0..1 and resized: what Score-CAM sends through a network."""
    import keras

    from camlib import resize_map

    maps = keras.Model(network.inputs, network.get_layer(layer).output).predict(images, verbose=0)
    low, high = maps.min((1, 2), keepdims=True), maps.max((1, 2), keepdims=True)
    masks = (maps - low) / np.maximum(high - low, 1e-8)
    masks = [resize_map(stack, images.shape[1:3]) for stack in masks.transpose(0, 3, 1, 2)]
    return np.concatenate([image * stack[..., None] for image, stack in zip(images, masks, strict=True)])


def batch(n, framework):
    images = networks.pictures(n)
    return channels_first(images) if framework == "torch" else images, networks.targets(n, 1000)


def channels_first(images):
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))


def bound(call, images, classes):
    return lambda: call(images, classes)


def _camlib_alone(model, images, classes, rounds, title):
    plain = peers.plain_tensorflow(model)
    return measured(lambda: plain(images), {"Grad-CAM": bound(peers.camlib_grad_cam(model).call, images, classes),
                                            "CAM": bound(peers.camlib_cam(model).call, images, classes)},
                    rounds, 2, title)


def _import(name, framework):
    """Import a library before the clock starts; the name of a contender begins with the library's."""
    import importlib

    modules = {"camlib": "camlib", "xplique": "xplique.attributions", "tf-keras-vis": "tf_keras_vis.gradcam",
               "tf-explain": "tf_explain.core.grad_cam", "torchcam": "torchcam.methods", "captum": "captum.attr"}
    if name.startswith("pytorch-grad-cam"):
        networks.torchvision()
        importlib.import_module("pytorch_grad_cam")
    elif (module := modules.get(name.split(",")[0].split(" ")[0])):
        importlib.import_module(module)
    if framework == "tensorflow":
        importlib.import_module("tensorflow")


PARTS = {"grad-cam": grad_cam, "score-cam": score_cam, "first": first, "sizes": sizes, "channels": channels,
         "activation": activation}

if __name__ == "__main__":
    print(json.dumps(PARTS[sys.argv[1]](*sys.argv[2:])))
