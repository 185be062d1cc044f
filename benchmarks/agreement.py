"""Do camlib's maps equal those of other libraries on identical weights? ``python -m benchmarks.agreement``.

The course network is rebuilt in PyTorch with the same weights. Compared are raw maps: before scaling and resizing,
after the ReLU where a library cannot leave it out.
"""

import functools
import json

import numpy as np

from . import networks, peers
from .speed import distance

LAYER = "relu4"
# camlib's function: the libraries' names of the same method
METHODS = {
    "class_activation_map": {"torchcam": "CAM"},
    "grad_cam": {"torchcam": "GradCAM", "captum": "LayerGradCam", "pytorch-grad-cam": "GradCAM"},
    "hires_cam": {"pytorch-grad-cam": "HiResCAM"},
    "layer_cam": {"torchcam": "LayerCAM", "pytorch-grad-cam": "LayerCAM"},
    "xgrad_cam": {"torchcam": "XGradCAM", "pytorch-grad-cam": "XGradCAM"},
    "grad_cam_plus_plus": {"torchcam": "GradCAMpp", "pytorch-grad-cam": "GradCAMPlusPlus"},
    "score_cam": {"torchcam": "ScoreCAM", "pytorch-grad-cam": "ScoreCAM"},
    "ablation_cam": {"pytorch-grad-cam": "AblationCAM"},
    "eigen_cam": {"pytorch-grad-cam": "EigenCAM"},
}


def main():
    import camlib
    from camlib import course_network, scenes

    network = course_network.load()
    images, labels, _, _ = scenes.make(8, seed=2)
    twin, chw = networks.torch_twin(network), np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    logits = network.predict(images, verbose=0), peers.plain_torch(twin)(chw)
    rows, found = [["logits", "PyTorch twin", *compared(*logits, relu=False)]], {}
    for function, names in METHODS.items():
        ours = peers.of_camlib(function)
        ours = ours and ours(network, images, None if function == "eigen_cam" else labels)  # it knows no class
        for library, method in names.items():
            try:
                theirs, relu = other(library, method, twin, chw, labels)
                found[function, library] = theirs, relu
                row = compared(ours, theirs, relu) if ours is not None else ["not yet in camlib"]
            except Exception as cause:  # what fails is a result, too
                row = [f"fails: {type(cause).__name__}: {cause}".split("\n")[0][:150]]
            rows.append([function, f"{library} {method}", *row])
    for library, make in {"tf-keras-vis": peers.tf_keras_vis, "xplique": peers.xplique,
                          "tf-explain": peers.tf_explain}.items():
        peer = make(network, LAYER)
        chosen = np.full_like(labels, labels[0]) if library == "tf-explain" else labels
        rows.append(["grad_cam", library, *compared(camlib.grad_cam(network, images, chosen),
                                                    peer.raw(images, chosen), peer.relu)])
    reasons = [[function, library, why, *compared(maps, *found[function, library])]
               for (function, library), (why, maps) in variants(network, images, labels).items()
               if (function, library) in found]
    print(json.dumps({"maps": rows, "reasons": reasons, "resize": resize()}))


def variants(network, images, classes):
    """What the libraries that differ compute instead, written anew: {(function, library): (in words, maps)}.

    If a sentence is right, its maps equal those of the library.
    """
    import camlib

    A, logits, G = camlib.Probe(network).gradient(images, classes)
    sums, rising = A.sum((1, 2), keepdims=True), np.maximum(G, 0)

    def weighted(weights):
        return np.einsum("nijk,nk->nij", A, weights)

    small = np.where(G != 0, G ** 2 / (2 * G ** 2 + sums * G ** 3 + 1e-6), 0)
    S = logits[np.arange(len(A)), classes][:, None]
    ablation, score_cam = peers.of_camlib("ablation_cam"), functools.partial(_score_cam, network, images, classes, A)
    found = {
        ("grad_cam_plus_plus", "torchcam"): (
            "its division acts on a copy and is lost: the weights are the sums of G^2 max(G, 0)",
            weighted((G ** 2 * rising).sum((1, 2)))),
        ("grad_cam_plus_plus", "pytorch-grad-cam"): (
            "it adds 1e-6 to a denominator that is of about that size", weighted((small * rising).sum((1, 2)))),
        ("score_cam", "torchcam"): ("it stretches the maps to 0..1 before they are enlarged, not after",
                                    score_cam(corners=False, stretch_first=True)),
        ("score_cam", "pytorch-grad-cam"): ("it enlarges the maps on a grid aligned at the corners",
                                            score_cam(corners=True, stretch_first=False)),
        ("eigen_cam", "pytorch-grad-cam"): ("it takes each channel's mean off, and leaves the sign as it falls",
                                            _centred(A)),
    }
    if ablation is not None:
        found["ablation_cam", "pytorch-grad-cam"] = (
            "it divides by the logit", ablation(network, images, classes) / S[..., None])
    return found


def _score_cam(network, images, classes, A, corners, stretch_first):
    """Score-CAM with other masks: resized on another grid, or stretched to 0..1 before they are resized."""
    import torch

    def stretched(maps):
        low, high = maps.amin((2, 3), keepdim=True), maps.amax((2, 3), keepdim=True)
        return (maps - low) / (high - low + 1e-8)

    masks = torch.from_numpy(np.ascontiguousarray(A.transpose(0, 3, 1, 2)))
    masks = stretched(masks) if stretch_first else masks
    masks = torch.nn.functional.interpolate(masks, images.shape[1:3], mode="bilinear", align_corners=corners)
    masks = (masks if stretch_first else stretched(masks)).numpy()
    scores = [network.predict(image * stack[..., None], verbose=0)[:, c]
              for image, stack, c in zip(images, masks, classes, strict=True)]
    weights = np.exp(scores - np.max(scores, 1, keepdims=True))
    return np.einsum("nijk,nk->nij", A, weights / weights.sum(1, keepdims=True))


def _centred(A):
    """The maps along the main direction of the channels less their means, with LAPACK's sign."""
    maps = A.reshape(len(A), -1, A.shape[3])
    maps = maps - maps.mean(1, keepdims=True)
    directions = np.linalg.svd(maps)[2][:, 0]
    return np.einsum("npk,nk->np", maps, directions).reshape(A.shape[:3])


def other(library, method, twin, images, classes):
    """Return the raw maps of another library, and whether their negative values are cut off."""
    if library == "captum":
        return peers.captum(twin, LAYER).raw(images, classes), False
    if library == "pytorch-grad-cam":
        return peers.pytorch_grad_cam(twin, LAYER, method).raw(images, classes), False
    if method == "CAM":
        import torch
        from torchcam.methods import CAM

        extractor = CAM(twin, target_layer=LAYER, fc_layer="logits")
        with torch.no_grad():
            twin(torch.from_numpy(images))
            return extractor([int(c) for c in classes], normalized=False)[0].numpy(), False
    if method == "ScoreCAM":
        return peers.torchcam_score_cam(twin, LAYER).raw(images, classes), True
    return peers.torchcam(twin, LAYER, method).raw(images, classes), True


def compared(ours, theirs, relu):
    """Return [largest relative difference, correlation, the difference once each map is scaled by its maximum]."""
    ours = np.maximum(ours, 0) if relu else ours
    one, two = (a / np.abs(a).reshape(len(a), -1).max(1).reshape(-1, *[1] * (a.ndim - 1)) for a in (ours, theirs))
    correlation = np.corrcoef(ours.ravel(), theirs.ravel())[0, 1]
    return [distance(theirs, ours), float(correlation), float(np.abs(one - two).max())]


def resize():
    """Compare ``camlib.resize_map`` with the half-pixel resizing of others, and with two that differ on purpose."""
    import cv2
    import tensorflow as tf
    import torch
    from scipy.ndimage import zoom

    from camlib import resize_map

    map, rows = np.random.default_rng(0).normal(size=(7, 7)).astype(np.float32), {}
    for size in ((224, 224), (96, 130)):
        ours = resize_map(map, size)
        tensor = torch.from_numpy(map)[None, None]
        found = {"cv2.resize, INTER_LINEAR": cv2.resize(map, size[::-1], interpolation=cv2.INTER_LINEAR),
                 "tf.image.resize": tf.image.resize(map[..., None], size)[..., 0].numpy(),
                 "torch interpolate, align_corners=False": torch.nn.functional.interpolate(
                     tensor, size, mode="bilinear", align_corners=False)[0, 0].numpy(),
                 "torch interpolate, align_corners=True": torch.nn.functional.interpolate(
                     tensor, size, mode="bilinear", align_corners=True)[0, 0].numpy(),
                 "scipy zoom, order 1 (tf-keras-vis)": zoom(map, (size[0] / 7, size[1] / 7), order=1)}
        for name, other in found.items():
            rows.setdefault(name, []).append(distance(other, ours))
    return rows


if __name__ == "__main__":
    main()
