"""Class activation maps: the last linear step of a network, taken before the average instead of after.

Letters as in chapter 7: maps A (N, h, w, K), class weights W (K, C), bias b (C,), Z = h w cells.
"""

import numpy as np

from .errors import HeadError, TargetError
from .probe import by_class, probe

LAW = 1e-3  # largest residual of the law, equation (7.6), that rounding can explain


def class_activation_map(model, images, target=None):
    """Return the exact class activation map of each image (N, h, w), signed, in logits.

    M_c(i, j) = sum_k W_kc A_ijk, equation (7.5), so that mean(M_c) + b_c = S_c, equation (7.6) [zhou2016].
    ``images`` (N, H, W, C); ``target``: a class, N classes, or None for each image's top class.
    The law is checked on every call, for the map that is returned. Raises HeadError if the head is not
    global average pooling and one Dense layer, TargetError for an impossible class.
    """
    if callable(target):
        raise TargetError("CAM is defined for a class: give a class index or None, or use grad_cam for a function")
    look = probe(model)
    A, logits = look.forward(images)
    W, b = (by_class(values) for values in look.head())
    classes = look.classes(target, len(A), logits)
    M = np.einsum("nijk,kn->nij", A, W[:, classes])
    gap = np.abs(M.mean((1, 2)) + b[classes] - look.scores(logits, classes))
    # Rounding grows with the terms, not with their sum: a logit may be near zero where they are not.
    scale = np.maximum(np.abs(logits).max(1), np.abs(M).mean((1, 2)) + np.abs(b[classes]))
    if not (gap <= max(LAW, 10 * look.rounding) * scale).all():
        raise HeadError("this network does more between its last maps and its logits than average and weight them "
                        "(mean(CAM) + b is not the logit): use grad_cam")
    return M


def class_activation_maps(A, W):
    """Return the maps of all classes (N, h, w, C) from A (N, h, w, K) and W (K, C), equation (7.5)."""
    return np.einsum("nijk,kc->nijc", A, W)


def law_residual(A, W, b, logits):
    """Return the worst image's max |mean(CAM) + b - logits| / max |logits|: how far (7.6) is from holding."""
    gap = np.abs(class_activation_maps(A, W).mean((1, 2)) + b - logits).max(1)
    return float((gap / np.maximum(np.abs(logits).max(1), np.finfo(np.float32).tiny)).max())
