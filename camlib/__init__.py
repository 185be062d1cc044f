"""camlib: the tested code behind the course, one small module a chapter; arrays in, arrays out."""

from . import runtime  # first: TensorFlow reads its settings when it is imported  # isort: skip
from . import course_network, errors, plots, pretrained, scenes
from .cam import class_activation_map
from .grad_cam import (
    ablation_cam, eigen_cam, grad_cam, grad_cam_plus_plus, hires_cam, layer_cam, score_cam, xgrad_cam,
)
from .images import colorize, load_image, normalize_map, overlay, resize_map
from .localization import bounding_boxes, intersection_over_union, max_box_accuracy, pointing_game
from .probe import Probe
from .runtime import repeatable

__all__ = [
    "Probe", "ablation_cam", "bounding_boxes", "class_activation_map", "colorize", "course_network", "eigen_cam",
    "errors", "grad_cam", "grad_cam_plus_plus", "hires_cam", "intersection_over_union", "layer_cam", "load_image",
    "max_box_accuracy", "normalize_map", "overlay", "plots", "pointing_game", "pretrained", "repeatable", "resize_map",
    "runtime", "scenes", "score_cam", "xgrad_cam",
]
