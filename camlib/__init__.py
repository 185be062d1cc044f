"""camlib: the tested code behind the course, one small module a chapter; arrays in, arrays out."""

from . import runtime  # first: TensorFlow reads its settings when it is imported  # isort: skip
from . import (
    checks, cnn, course_network, debugging, enhancement, errors, evaluation, league, plots, pooling, pretrained,
    scenes,
)
from .activation_maximization import maximize_activation
from .cam import class_activation_map
from .convolution import cross_correlation
from .deconvolution import deconvolve
from .deep_dream import deep_dream
from .feature_maps import feature_maps
from .grad_cam import (
    ablation_cam, eigen_cam, grad_cam, grad_cam_plus_plus, guided_grad_cam, hires_cam, layer_cam, score_cam,
    xgrad_cam,
)
from .images import colorize, load_image, normalize_map, overlay, resize_map
from .localization import (
    bounding_boxes, energy_in_mask, intersection_over_union, max_box_accuracy, pointing_game,
)
from .occlusion import occlusion_map
from .probe import Probe
from .runtime import repeatable
from .saliency import integrated_gradients, saliency, smooth_grad

__all__ = [
    "Probe", "ablation_cam", "bounding_boxes", "checks", "class_activation_map", "cnn", "colorize",
    "course_network", "cross_correlation", "debugging", "deconvolve", "deep_dream", "eigen_cam", "energy_in_mask",
    "enhancement", "errors", "evaluation", "feature_maps", "grad_cam", "grad_cam_plus_plus", "guided_grad_cam",
    "hires_cam", "integrated_gradients", "intersection_over_union", "layer_cam", "league", "load_image",
    "max_box_accuracy", "maximize_activation", "normalize_map", "occlusion_map", "overlay", "plots",
    "pointing_game", "pooling", "pretrained", "repeatable", "resize_map", "runtime", "saliency", "scenes",
    "score_cam", "smooth_grad", "xgrad_cam",
]
