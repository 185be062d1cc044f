"""The networks that are measured: random weights from a seed, so nothing is downloaded."""

import sys

import numpy as np

SEED = 0
MAPS = {"keras": "conv5_block3_out", "torch": "layer4"}  # ResNet50's last maps, (N, 7, 7, 2048) for 224 pixels


def pictures(n, size=224, seed=SEED):
    """Return n random pictures (N, size, size, 3), float32 in 0..1."""
    return np.random.default_rng(seed).random((n, size, size, 3), dtype=np.float32)


def targets(n, classes):
    """Return one class an image, different ones, (N,)."""
    return np.random.default_rng(SEED).integers(0, classes, n)


def keras_resnet50(size=224):
    """Keras' ResNet50 that returns logits, so that every library explains the same number."""
    import keras

    keras.utils.set_random_seed(SEED)
    return keras.applications.ResNet50(weights=None, input_shape=(size, size, 3), classifier_activation=None)


def torch_resnet50():
    """torchvision's ResNet50, ready for inference."""
    import torch

    torch.manual_seed(SEED)
    return torchvision().models.resnet50(weights=None).eval()


def keras_mobilenet(size=96):
    """Keras' MobileNetV2 for small pictures: 1280 maps of (3, 3)."""
    import keras

    keras.utils.set_random_seed(SEED)
    return keras.applications.MobileNetV2(weights=None, input_shape=(size, size, 3), classes=100,
                                          classifier_activation=None)


def torch_mobilenet():
    """torchvision's MobileNetV2 with 100 classes; its maps are the module "features"."""
    import torch

    torch.manual_seed(SEED)
    return torchvision().models.mobilenet_v2(weights=None, num_classes=100).eval()


def keras_channels(channels, size=64):
    """A small network whose last maps are (N, 16, 16, channels)."""
    import keras

    keras.utils.set_random_seed(SEED)
    conv = keras.layers.Conv2D
    return keras.Sequential([
        keras.Input((size, size, 3)), conv(64, 3, 2, "same", activation="relu"),
        conv(64, 3, 2, "same", activation="relu"), conv(channels, 3, 1, "same", activation="relu", name="maps"),
        keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(10)])


def torch_twin(network):
    """The course network rebuilt in PyTorch with the very same weights; its maps are the module "relu4"."""
    import torch
    from torch import nn

    twin = nn.Sequential()
    for layer in network.layers[1:]:
        kind, name = type(layer).__name__, layer.name
        if kind == "Conv2D":
            kernel, bias = layer.get_weights()
            twin.add_module(f"pad_{name}", nn.ZeroPad2d(_same_padding(layer)))
            twin.add_module(name, _filled(nn.Conv2d(kernel.shape[2], kernel.shape[3], layer.kernel_size,
                                                    layer.strides), kernel.transpose(3, 2, 0, 1), bias))
        elif kind == "ReLU":
            twin.add_module(name, nn.ReLU())
        elif kind == "MaxPooling2D":
            twin.add_module(name, nn.MaxPool2d(layer.pool_size))
        elif kind == "GlobalAveragePooling2D":
            twin.add_module(name, nn.AdaptiveAvgPool2d(1))
            twin.add_module("flat", nn.Flatten())
        elif kind == "Dense":
            kernel, bias = layer.get_weights()
            twin.add_module(name, _filled(nn.Linear(*kernel.shape), kernel.T, bias))
        else:
            raise NotImplementedError(f"{kind} has no twin here")
    return twin.eval().requires_grad_(True).to(torch.float32)


def _same_padding(layer):
    """Keras' padding="same" as PyTorch's (left, right, top, bottom): what is left over goes right and down."""
    pads = []
    for size, kernel, stride in zip(layer.input.shape[1:3], layer.kernel_size, layer.strides, strict=True):
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        pads.insert(0, (total // 2, total - total // 2))
    return pads[0] + pads[1]


def _filled(module, weight, bias):
    import torch

    module.weight.data = torch.from_numpy(np.ascontiguousarray(weight))
    module.bias.data = torch.from_numpy(bias)
    return module


def torchvision():
    """Import torchvision, also where its compiled operators do not fit the PyTorch at hand.

    Its wheels are built for CUDA; beside a CPU build of PyTorch the import fails for want of two box operators,
    which no classifier uses. Declaring them is enough.
    """
    import torch

    try:
        import torchvision
    except RuntimeError:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _kept.append(library)  # it takes its operators along when it goes
        import torchvision
    return torchvision


_kept = []
