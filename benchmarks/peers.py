"""One short function a library: the call that its own documentation shows, on a batch of NumPy images.

Each function takes (model, layer) and returns a ``Peer``: ``call(images, classes)`` is what is timed; ``raw(images,
classes)`` gives the map (N, h, w) before scaling and resizing, to be compared. Setting up is not timed.
PyTorch's images are (N, C, H, W), as its users have them.
"""

import importlib
from typing import Callable, NamedTuple

import numpy as np


class Peer(NamedTuple):
    call: Callable
    raw: Callable
    relu: bool = True  # the raw map has its negative values cut off
    note: str = ""


# -- the frameworks' own forward pass ----------------------------------------------------------------------------


def plain_tensorflow(model):
    """NumPy images to NumPy logits through one compiled function: the fastest plain forward pass of Keras."""
    import tensorflow as tf

    function = tf.function(lambda x: model(x, training=False), autograph=False, reduce_retracing=True)
    return lambda images: function(images).numpy()


def plain_torch(model):
    import torch

    def forward(images):
        with torch.no_grad():
            return model(torch.from_numpy(images)).numpy()
    return forward


def plain_keras_torch(model):
    """NumPy images to NumPy logits through a Keras model on PyTorch."""
    import torch

    def forward(images):
        with torch.no_grad():
            return model(torch.from_numpy(images), training=False).numpy()
    return forward


# -- camlib --------------------------------------------------------------------------------------------------------


def of_camlib(name):
    """Return camlib's function of this name, or None if it has none (yet)."""
    import camlib

    return getattr(camlib, name, None) or getattr(importlib.import_module("camlib.grad_cam"), name, None)


def camlib_grad_cam(model, layer=None):
    import camlib

    def call(images, classes):
        return camlib.grad_cam(model, images, classes)
    return Peer(call, call, relu=False)


def camlib_grad_cam_resized(model, layer=None):
    """Maps as large as the images, which is what xplique and pytorch-grad-cam return."""
    import camlib

    def raw(images, classes):
        return camlib.grad_cam(model, images, classes)
    return Peer(lambda images, classes: camlib.resize_map(raw(images, classes), images.shape[1:3]), raw, relu=False,
                note="resized to the image")


def camlib_cam(model, layer=None):
    import camlib

    def call(images, classes):
        return camlib.class_activation_map(model, images, classes)

    def raw(images, classes):  # behind average and Dense layer, Grad-CAM is CAM / Z
        maps = call(images, classes)
        return maps / maps[0].size
    return Peer(call, raw, relu=False)


# -- TensorFlow ----------------------------------------------------------------------------------------------------


def tf_keras_vis(model, layer):
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.utils.model_modifiers import ReplaceToLinear
    from tf_keras_vis.utils.scores import CategoricalScore

    gradcam = Gradcam(model, model_modifier=ReplaceToLinear(), clone=True)

    def call(images, classes):
        return np.asarray(gradcam(CategoricalScore([int(c) for c in classes]), images, penultimate_layer=layer,
                                  seek_penultimate_conv_layer=False, expand_cam=False, normalize_cam=False))
    return Peer(call, call)


def tf_explain_default(model, layer):
    from tf_explain.core.grad_cam import GradCAM

    def call(images, classes):
        return GradCAM().explain((images, None), model, class_index=int(classes[0]))
    return Peer(call, call, note="as its documentation calls it")


def tf_explain(model, layer):
    """Its two static methods, layer named and guided gradients off; one class for the whole batch, it takes no more."""
    from tf_explain.core.grad_cam import GradCAM

    def call(images, classes):
        outputs, gradients = GradCAM.get_gradients_and_filters(model, images, layer, int(classes[0]), False)
        return np.stack([cam.numpy() for cam in GradCAM.generate_ponderated_output(outputs, gradients)])
    return Peer(call, call, relu=False, note="layer named, guided gradients off, one class a batch")


def xplique(model, layer):
    from xplique.attributions import GradCAM

    explainer = GradCAM(model, conv_layer=layer)

    def one_hot(classes):
        return np.eye(model.output_shape[-1], dtype=np.float32)[classes]

    def raw(images, classes):
        maps, gradients = explainer._gradient(images, one_hot(classes))
        return explainer._apply_weights(explainer._compute_weights(gradients, maps), maps).numpy()
    return Peer(lambda images, classes: explainer.explain(images, one_hot(classes)).numpy(), raw,
                note="resized to the image; it cannot be left out")


def keras_recipe(model, layer):
    """The recipe of the Keras documentation, as people copy it, with the class given an image."""
    import keras
    import tensorflow as tf

    grad_model = keras.Model(model.inputs, [model.get_layer(layer).output, model.output])

    def call(images, classes):
        with tf.GradientTape() as tape:
            maps, logits = grad_model(images)
            scores = tf.gather(logits, classes, batch_dims=1)
        gradients = tape.gradient(scores, maps)
        return tf.einsum("nijk,nk->nij", maps, tf.reduce_mean(gradients, (1, 2))).numpy()
    return Peer(call, call, relu=False, note="eager, without a library")


# -- PyTorch -------------------------------------------------------------------------------------------------------


def torchcam(model, layer, method="GradCAM"):
    import torch
    from torchcam import methods

    extractor = getattr(methods, method)(model, target_layer=layer)

    def call(images, classes):
        scores = model(torch.from_numpy(images))
        return extractor([int(c) for c in classes], scores, normalized=False)[0].numpy()
    return Peer(call, call, relu=method != "CAM")


def torchcam_cam(model, layer):
    import torch
    from torchcam.methods import CAM

    extractor = CAM(model, target_layer=layer, fc_layer="fc")

    def call(images, classes):
        with torch.no_grad():
            model(torch.from_numpy(images))
            return extractor([int(c) for c in classes], normalized=False)[0].numpy()

    def raw(images, classes):
        maps = call(images, classes)
        return maps / maps[0].size
    return Peer(call, raw, relu=False)


def captum(model, layer):
    import torch
    from captum.attr import LayerGradCam

    explainer = LayerGradCam(model, model.get_submodule(layer))

    def call(images, classes):
        return explainer.attribute(torch.from_numpy(images), torch.from_numpy(classes))[:, 0].detach().numpy()
    return Peer(call, call, relu=False)


def pytorch_grad_cam(model, layer, method="GradCAM"):
    from .networks import torchvision

    torchvision()
    import pytorch_grad_cam as library
    import torch
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    module = model.get_submodule(layer)
    extractor = getattr(library, method)(model, [module])
    extractor.batch_size = 32  # for Score-CAM, as its documentation sets it

    def chosen(classes):
        return [ClassifierOutputTarget(int(c)) for c in classes]

    def call(images, classes):
        return extractor(torch.from_numpy(images), chosen(classes))

    def raw(images, classes):
        call(images, classes)
        store = extractor.activations_and_grads
        gradients = store.gradients[0].numpy() if store.gradients else None
        return np.asarray(extractor.get_cam_image(torch.from_numpy(images), module, chosen(classes),
                                                  store.activations[0].numpy(), gradients, False))
    return Peer(call, raw, relu=False, note="scaled and resized to the image; it cannot be left out")


# -- Score-CAM -----------------------------------------------------------------------------------------------------


def camlib_score_cam(model, layer=None):
    score_cam = of_camlib("score_cam")

    def call(images, classes):
        return score_cam(model, images, classes)
    return Peer(call, call, relu=False)


def tf_keras_vis_score_cam(model, layer):
    from tf_keras_vis.scorecam import Scorecam
    from tf_keras_vis.utils.scores import CategoricalScore

    scorecam = Scorecam(model)

    def call(images, classes):
        return np.asarray(scorecam(CategoricalScore([int(c) for c in classes]), images, penultimate_layer=layer,
                                   seek_penultimate_conv_layer=False, expand_cam=False, normalize_cam=False))
    return Peer(call, call)


def torchcam_score_cam(model, layer):
    import torch
    from torchcam.methods import ScoreCAM

    extractor = ScoreCAM(model, target_layer=layer, batch_size=32)

    def call(images, classes):
        with torch.no_grad():
            model(torch.from_numpy(images))
            return extractor([int(c) for c in classes], normalized=False)[0].numpy()
    return Peer(call, call)


def pytorch_score_cam(model, layer):
    return pytorch_grad_cam(model, layer, "ScoreCAM")


TENSORFLOW = {"camlib Grad-CAM": camlib_grad_cam, "camlib Grad-CAM, resized": camlib_grad_cam_resized,
              "camlib CAM": camlib_cam, "xplique": xplique, "tf-keras-vis": tf_keras_vis,
              "tf-explain, default": tf_explain_default, "tf-explain": tf_explain, "Keras recipe": keras_recipe}
TORCH = {"torchcam": torchcam, "torchcam CAM": torchcam_cam, "captum": captum, "pytorch-grad-cam": pytorch_grad_cam}
KERAS_TORCH = {"camlib Grad-CAM (PyTorch)": camlib_grad_cam, "camlib CAM (PyTorch)": camlib_cam}
SCORE_TENSORFLOW = {"camlib": camlib_score_cam, "tf-keras-vis": tf_keras_vis_score_cam}
SCORE_TORCH = {"torchcam": torchcam_score_cam, "pytorch-grad-cam": pytorch_score_cam}
