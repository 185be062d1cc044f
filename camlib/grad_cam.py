"""Grad-CAM: weight the maps by the gradient's mean, for any network and any layer.

Letters as in chapter 7: maps A (N, h, w, K), gradient G = dS_c/dA of the same shape, Z = h w cells.
"""

import numpy as np

from .probe import probe


def grad_cam(model, images, target=None, layer=None):
    """Return the Grad-CAM map of each image (N, h, w), signed, before the paper's ReLU, in logits.

    L_c(i, j) = sum_k alpha_k A_ijk with alpha_k = (1/Z) sum_ij dS_c/dA_ijk, equations (9.3) and (9.4)
    [selvaraju2017]. The paper's ReLU is the next step: ``normalize_map(map, "relu")``.
    ``target``: a class, N classes, None (each image's top class) or a function of the logits;
    ``layer``: a name, a Layer, or None for the last maps. Gradients are of logits, never of softmax.
    Raises LayerError, TargetError.
    """
    A, _, G = probe(model, layer).gradient(images, target)
    return weighted_maps(A, G.mean((1, 2)))


def weighted_maps(A, weights):
    """Return sum_k weights_k A_ijk (N, h, w), equation (9.4), for maps (N, h, w, K) and weights (N, K)."""
    return np.einsum("nijk,nk->nij", A, weights)
