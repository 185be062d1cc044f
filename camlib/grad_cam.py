"""Grad-CAM and its family: the same maps, weighted in eight ways, and guided Grad-CAM, for any network and layer.

Letters as in chapter 7: maps A (N, h, w, K), class c, its logit S_c, gradient G = dS_c/dA, Z = h w cells.
Every function takes (model, images, target, layer) as ``grad_cam`` does. Every map is (N, h, w) float32 and
signed, before a paper's final ReLU: that is the next step, ``normalize_map(map, "relu")``. Only guided Grad-CAM
has the shape of the images.
(A model in float64 gives maps in float64.)
"""

import numpy as np

from . import inputs
from .errors import ImageError, MapError, TargetError
from .images import as_batch, as_numbers, resize_map
from .probe import probe
from .runtime import with_progress
from .saliency import saliency


def grad_cam(model, images, target=None, layer=None):
    """Return the Grad-CAM map of each image (N, h, w), signed, before the paper's ReLU, in logits.

    L_c(i, j) = sum_k alpha_k A_ijk with alpha_k = (1/Z) sum_ij dS_c/dA_ijk, equations (8.1) and (8.2)
    [selvaraju2017]. Behind the last maps of a network with a CAM it is CAM / Z, equation (8.3).
    The paper's ReLU is the next step: ``normalize_map(map, "relu")``.
    ``target``: a class, N classes, None (each image's top class) or a function of the logits;
    ``layer``: a name, a Layer, or None for the last maps. Gradients are of logits, never of softmax.
    Raises LayerError, TargetError.
    """
    A, _, G = probe(model, layer).gradient(images, target)
    return weighted_maps(A, G.mean((1, 2)))


def weighted_maps(A, weights):
    """Return sum_k weights_k A_ijk (N, h, w), equation (8.2), for maps (N, h, w, K) and weights (N, K).

    Raises MapError for other shapes.
    """
    A, weights = (as_numbers(values, MapError, what, doubles=True)
                  for values, what in ((A, "maps (N, h, w, K)"), (weights, "weights (N, K)")))
    if A.ndim != 4 or weights.shape != (len(A), A.shape[3]):
        raise MapError(f"maps (N, h, w, K) need weights (N, K), got {A.shape} and {weights.shape}")
    return np.einsum("nijk,nk->nij", A, weights)


# -- by the gradient: one pass forward, and one back through the head ---------------------------------


def hires_cam(model, images, target=None, layer=None):
    """Return the HiResCAM map of each image (N, h, w), signed, in logits: slope times activation, cell by cell.

    L_c(i, j) = sum_k G_ijk A_ijk, equation (8.5) [draelos2020]. If everything behind the layer is piecewise
    linear and has no bias, the cells add up to the logit, equation (8.6). Raises LayerError, TargetError.
    """
    A, _, G = probe(model, layer).gradient(images, target)
    return (G * A).sum(3)


def xgrad_cam(model, images, target=None, layer=None):
    """Return the XGrad-CAM map of each image (N, h, w), signed, in logits: slopes averaged by activation.

    Equation (8.2) with alpha_k = sum_ij (A_ijk / sum_ab A_abk) G_ijk, equation (8.7) [fu2020]. Its cells have the
    same sum as those of HiResCAM, equation (8.8). A channel whose sum is zero gets the weight zero; behind a ReLU
    only an empty one does, elsewhere a sum can be near zero by chance. Raises LayerError, TargetError.
    """
    A, _, G = probe(model, layer).gradient(images, target)
    sums = A.sum((1, 2))
    weights = np.divide((G * A).sum((1, 2)), sums, out=np.zeros_like(sums), where=sums != 0)
    return weighted_maps(A, weights)


def layer_cam(model, images, target=None, layer=None):
    """Return the LayerCAM map of each image (N, h, w), in logits: HiResCAM with the rising slopes only.

    L_c(i, j) = sum_k max(G_ijk, 0) A_ijk, equation (8.9) [jiang2021]. Behind a ReLU no cell is negative.
    Raises LayerError, TargetError.
    """
    A, _, G = probe(model, layer).gradient(images, target)
    return (np.maximum(G, 0) * A).sum(3)


def grad_cam_plus_plus(model, images, target=None, layer=None):
    """Return the Grad-CAM++ map of each image (N, h, w): rising slopes, added up, damped where a channel says much.

    Equation (8.2) with alpha_k = sum_ij beta_ijk max(G_ijk, 0), equation (8.10), and
    beta_ijk = 1 / (2 + G_ijk sum_ab A_abk), equation (8.12) [chattopadhay2018]. That is the paper's quotient (8.11)
    for Y = exp(S_c) and a piecewise linear head; all heads get it. The factor exp(S_c), which all weights share and
    which overflows, is left out, so the map has no unit. Behind a ReLU a rising slope has a denominator of at least 2
    and no cell is negative; elsewhere beta is 0 where its denominator is. Raises LayerError, TargetError.
    """
    A, _, G = probe(model, layer).gradient(images, target)
    rising, below = np.maximum(G, 0), 2 + G * A.sum((1, 2), keepdims=True)
    weights = np.divide(rising, below, out=np.zeros_like(rising), where=below != 0).sum((1, 2))
    return weighted_maps(A, weights)


# -- by trying: one pass for each channel --------------------------------------------------------------


def ablation_cam(model, images, target=None, layer=None, progress=False):
    """Return the Ablation-CAM map of each image (N, h, w), signed, in logit x activation: remove a channel and see.

    Equation (8.2) with alpha_k = S_c - (S_c with channel k set to zero), equation (8.14) [desai2020].
    The paper divides by S_c: that turns the map over where the logit is negative and means nothing where it is
    near zero, so the drop stays in logits. Costs K passes through the head; ``progress`` shows them.
    Raises LayerError, TargetError.
    """
    look = probe(model, layer)
    A, logits = look.forward(images)
    target = target if callable(target) else look.classes(target, len(A), logits)

    def without(channels):
        maps = np.repeat(A[None], len(channels), 0)
        maps[np.arange(len(channels)), ..., channels] = 0
        return look.logits_from(_again(images, len(channels)), maps.reshape(-1, *A.shape[1:]))

    scores = _score_of_each_channel(look, A, target, without, progress)
    return weighted_maps(A, look.scores(logits, target)[:, None] - scores)


def score_cam(model, images, target=None, layer=None, progress=False):
    """Return the Score-CAM map of each image (N, h, w), in activation: the maps are tried as masks and averaged.

    Mask m_k is map k, enlarged to the image and stretched to 0..1, equation (8.16). Equation (8.2) with
    alpha = softmax over the channels of the logits of the masked images, equation (8.17) [wang2020]; the paper's
    baseline is one number for all channels and cancels there. A constant map makes no mask and gets weight zero.
    What a mask hides becomes 0 in the network's own units. Costs K forward passes; ``progress`` shows them.
    Raises ImageError for anything but one batch of images, LayerError, TargetError.
    """
    look, images = probe(model, layer), _pictures(images)
    A, logits = look.forward(images)
    target = target if callable(target) else look.classes(target, len(A), logits)
    images = np.moveaxis(images, 1, 3) if look.channels_first else images

    def masked(channels):
        masks = resize_map(np.moveaxis(A[..., channels], 3, 0).reshape(-1, *A.shape[1:3]), images.shape[1:3])
        masks -= masks.min((1, 2), keepdims=True)
        masks /= np.maximum(masks.max((1, 2), keepdims=True), np.finfo(np.float32).tiny)
        pictures = np.empty((len(channels), *images.shape), np.float32)
        for color in range(images.shape[3]):  # one at a time: twice as fast as a product over (N, H, W, C)
            np.multiply(masks.reshape(-1, *images.shape[:3]), images[..., color], out=pictures[..., color])
        pictures = pictures.reshape(-1, *images.shape[1:])
        return look.logits(np.moveaxis(pictures, 3, 1) if look.channels_first else pictures)

    scores = _score_of_each_channel(look, A, target, masked, progress)
    scores[A.min((1, 2)) == A.max((1, 2))] = -np.inf
    weights = np.exp(scores - np.maximum(scores.max(1, keepdims=True), np.finfo(np.float32).min))
    return weighted_maps(A, weights / np.maximum(weights.sum(1, keepdims=True), 1))


def _score_of_each_channel(look, A, target, logits_of, progress):
    """Return the target's score (N, K) for each channel of A (N, h, w, K), a batch of the probe's size at a time.

    ``logits_of(channels)`` gives logits (len(channels) * N, C): those of all images for the first channel, then
    for the next. So a target that is a function always sees the N images in their order.
    """
    count, step = A.shape[3], max(1, look.batch_size // len(A))
    scores = []
    for start in with_progress(range(0, count, step), "trying channels", progress):
        channels = np.arange(start, min(start + step, count))
        scores += [look.scores(part, target) for part in np.split(logits_of(channels), len(channels))]
    return np.stack(scores, 1)


def _pictures(images):
    """Return ``images`` as a batch (N, H, W, C). Raises ImageError for several inputs."""
    if inputs.several(images):
        raise ImageError("Score-CAM masks one picture, and this is what a model with several inputs takes: give one "
                         "batch of images (N, H, W, C), or use a method that works on the maps, like grad_cam")
    return as_batch(images)


def _again(images, times):
    """Return the images so many times, one batch behind the other; of several inputs, each."""
    def repeated(rows):
        return np.broadcast_to(rows, (times, *np.shape(rows))).reshape(-1, *np.shape(rows)[1:])

    if isinstance(images, dict):
        return {name: repeated(rows) for name, rows in images.items()}
    return [repeated(rows) for rows in images] if inputs.several(images) else repeated(images)


# -- by the maps alone ---------------------------------------------------------------------------------


def eigen_cam(model, images, target=None, layer=None):
    """Return the Eigen-CAM map of each image (N, h, w), in activation: the maps along their main direction.

    L(i, j) = sum_k q_k A_ijk, where q of length 1 makes sum_ij L(i, j)^2 largest, equation (8.18) [muhammad2020]: the
    first singular vector, of the maps as they are, not less their mean. Its sign is free; here the sum of the map
    is not negative. One map for all classes, so a ``target`` is refused. Raises LayerError, TargetError.
    """
    if target is not None:
        raise TargetError("Eigen-CAM looks at the maps alone and knows no class: leave the target out, "
                          "or use grad_cam for the map of a class")
    A, _ = probe(model, layer).forward(images)
    u, s, _ = np.linalg.svd(A.reshape(len(A), -1, A.shape[3]), full_matrices=False)
    L = (u[..., 0] * s[:, :1]).reshape(A.shape[:3])
    return np.where(L.sum((1, 2), keepdims=True) < 0, -L, L)


# -- back to the pixels: one more pass, back through the whole network ---------------------------------


def guided_grad_cam(model, images, target=None, layer=None):
    """Return guided Grad-CAM (N, H, W, C): guided backpropagation R, weighted by the enlarged Grad-CAM, signed.

    R_yx max(U L_c, 0)_yx, all colours alike, equation (8.19) [selvaraju2017]. ``saliency.magnitude`` shows it.
    Raises ImageError for several inputs, LayerError for an unknown layer or without a ReLU to guide, TargetError.
    """
    look = probe(model, layer)
    R, L = saliency(look, images, target, "guided"), grad_cam(look, images, target)
    axes = (2, 3) if look.channels_first else (1, 2)
    heat = np.maximum(resize_map(L, tuple(R.shape[axis] for axis in axes)), 0)
    return R * np.expand_dims(heat, 1 if look.channels_first else 3)
