# %% setup
import keras
import numpy as np

import camlib
from camlib import Probe, course_network, scenes

network = course_network.load()
probe = Probe(network)
images = scenes.make(6, seed=12).images
A6, logits = probe.forward(images)
W, b = probe.head()
x4, labels, *_ = scenes.make(4, seed=2, objects=2)
c4, d4 = labels.T
A4 = probe.forward(x4)[0]
layers = keras.layers
rng = np.random.default_rng(0)
spot = rng.random((4, 5))
spot[2] = 0
all_two = {"hires_cam", "xgrad_cam"}


def pick(logits, classes):
    return keras.ops.take_along_axis(logits, classes[:, None], 1)[:, 0]


def flat_network(seed=0, bias=True, activation=None, bias_scale=1.0):
    kernel, shift = np.random.default_rng(seed).normal(size=(9216, 8)) / 96, bias_scale * np.arange(8.0)
    dense = layers.Dense(8, activation=activation)
    model = keras.Model(network.input, dense(layers.Flatten()(network.get_layer("relu4").output)))
    dense.set_weights([kernel, shift])
    return model


# %% difference | right | a function as target
maps = camlib.grad_cam(network, x4, lambda S: pick(S, c4) - pick(S, d4))
fades = "no"

# %% difference | right | two maps
maps = np.subtract(*(camlib.grad_cam(network, x4, target=classes) for classes in (c4, d4)))
fades = "no"

# %% difference | right | the weights
maps, fades = np.einsum("nijk,kn->nij", A4, W[:, c4] - W[:, d4]) / 144, "no"

# %% difference | wrong | chapter 7's map | 144 times too large
maps, fades = np.einsum("nijk,kn->nij", A4, W[:, c4] - W[:, d4]), "no"

# %% difference | wrong | softmax | of the difference of the probabilities
maps = camlib.grad_cam(network, x4, lambda S: pick(keras.ops.softmax(S), c4) - pick(keras.ops.softmax(S), d4))
fades = "no"

# %% difference | wrong | the first class alone | the first class alone
maps, fades = camlib.grad_cam(network, x4, c4), "no"

# %% difference | wrong | the other way round | the second less the first
maps, fades = camlib.grad_cam(network, x4, lambda S: pick(S, d4) - pick(S, c4)), "no"

# %% difference | wrong | the log-odds fade | Which are here?
maps, fades = camlib.grad_cam(network, x4, lambda S: pick(S, c4) - pick(S, d4)), "yes"

# %% flatten_linear | right | the functional way
dense = layers.Dense(8, bias_initializer="normal")
linear = keras.Model(network.input, dense(layers.Flatten()(network.get_layer("relu4").output)))
adds_up, exact = {"hires_cam", "xgrad_cam"}, "hires_cam"

# %% flatten_linear | right | a base, and weights that are set
base = keras.Model(network.input, network.get_layer("relu4").output)
linear = keras.Sequential([base, layers.Flatten(), layers.Dense(8)])
linear.layers[-1].set_weights([rng.normal(size=(9216, 8)), rng.normal(size=8)])
adds_up, exact = ["xgrad_cam", "hires_cam"], "hires_cam"

# %% flatten_linear | wrong | no bias | the largest bias of your last layer
linear = flat_network(bias_scale=0)
adds_up, exact = all_two, "hires_cam"

# %% flatten_linear | wrong | an average first | your last layer's kernel
dense = layers.Dense(8, bias_initializer="normal")
linear = keras.Model(network.input, dense(layers.GlobalAveragePooling2D()(network.get_layer("relu4").output)))
adds_up, exact = all_two, "hires_cam"

# %% flatten_linear | wrong | a ReLU behind it | a ReLU behind the Dense layer
linear = flat_network(activation="relu")
adds_up, exact = all_two, "hires_cam"

# %% flatten_linear | wrong | all three | grad_cam is wrong. Take the sum of its map
linear = flat_network()
adds_up, exact = {"grad_cam", "hires_cam", "xgrad_cam"}, "hires_cam"

# %% flatten_linear | wrong | only one | and 1 more belong to it
linear = flat_network()
adds_up, exact = {"hires_cam"}, "hires_cam"

# %% flatten_linear | wrong | the other exact one | xgrad_cam is wrong. Compare it, cell by cell
linear = flat_network()
adds_up, exact = all_two, "xgrad_cam"

# %% two_say_the_same | right | the larger mean
twice = np.stack([spot, spot], 2)


def score(A):
    return max(A.mean((0, 1)))


ablation, gradient = np.zeros_like(spot), spot / spot.size

# %% two_say_the_same | right | a score that is full
twice = np.stack([spot, spot], 2)


def score(A):
    return min(1.0, A[..., 0].mean() / spot.mean() + A[..., 1].mean() / spot.mean())


ablation, gradient = np.zeros((4, 5)), np.zeros((4, 5), np.float32)

# %% two_say_the_same | right | half of the slope for each
twice = np.zeros((4, 4, 2), int)
twice[1, 2] = 16


def score(A):
    return A.mean((0, 1)).max()


drops = [score(twice) - score(twice * keep) for keep in ([0, 1], [1, 0])]
ablation = twice @ drops
gradient = twice @ [1 / 32, 1 / 32]

# %% two_say_the_same | wrong | a sum | the logit without channel 0: too small
twice = np.stack([spot, spot], 2)


def score(A):
    return A.mean((0, 1)).sum()


ablation = gradient = np.zeros((4, 5))

# %% two_say_the_same | wrong | two different channels | your second channel
twice = np.stack([spot, spot[::-1]], 2)


def score(A):
    return A.mean((0, 1)).max()


ablation = gradient = np.zeros((4, 5))

# %% two_say_the_same | wrong | no evidence at all | the fall of the logit without both
twice = np.stack([spot, spot], 2)


def score(A):
    return 1.0


ablation = gradient = np.zeros((4, 5))

# %% two_say_the_same | wrong | both removed | the drop is that of both channels together
twice = np.stack([spot, spot], 2)


def score(A):
    return A.mean((0, 1)).max()


ablation = twice.sum(2) * score(twice)
gradient = spot / 20

# %% two_say_the_same | wrong | the whole slope twice | only one of them may
twice = np.stack([spot, spot], 2)


def score(A):
    return A.mean((0, 1)).max()


ablation, gradient = np.zeros((4, 5)), spot / 20 * 2

# %% two_say_the_same | wrong | without 1/Z | 1/Z is missing
twice = np.stack([spot, spot], 2)


def score(A):
    return A.mean((0, 1)).max()


ablation, gradient = np.zeros((4, 5)), spot

# %% two_say_the_same | wrong | Grad-CAM is empty, too | all are zero
twice = np.stack([spot, spot], 2)


def score(A):
    return A.mean((0, 1)).max()


ablation, gradient = np.zeros((4, 5)), np.zeros((4, 5))

# %% plus_plus_by_hand | right | on paper
grad = (1 + 2) / 2
xgrad = (1 + 3 * 2) / (1 + 3)
plus_plus = 1 / (2 + 1 * 4) + 2 / (2 + 2 * 4)

# %% plus_plus_by_hand | right | a network of two pixels
net = keras.Sequential([keras.Input((1, 2, 1)), layers.Conv2D(1, 1, use_bias=False), layers.Flatten(),
                        layers.Dense(2, use_bias=False)])
net.set_weights([np.ones((1, 1, 1, 1)), np.array([[1.0, 0], [2, 0]])])
cells = np.array([[[[1.0], [3.0]]]])
grad, xgrad, plus_plus = (f(net, cells, 0)[0, 0, 0] for f in (
    camlib.grad_cam, camlib.xgrad_cam, camlib.grad_cam_plus_plus))

# %% plus_plus_by_hand | right | one kind of sum
A, G = np.array([1, 3]), np.array([1, 2])
grad, xgrad, plus_plus = G @ [1, 1] / 2, G @ A / sum(A), G @ (1 / (2 + G * sum(A)))

# %% plus_plus_by_hand | wrong | a sum | the sum of the slopes, not their mean
grad, xgrad, plus_plus = 3, 7 / 4, 11 / 30

# %% plus_plus_by_hand | wrong | not divided | the shares of the cells are missing
grad, xgrad, plus_plus = 1.5, 7, 11 / 30

# %% plus_plus_by_hand | wrong | divided by the cells | by the number of cells
grad, xgrad, plus_plus = 1.5, 3.5, 11 / 30

# %% plus_plus_by_hand | wrong | the cell's own activation | and (8.12) has their sum
grad, xgrad, plus_plus = 1.5, 1.75, 1 / 3 + 2 / 8

# %% plus_plus_by_hand | wrong | a mean | and (8.10) has a sum
grad, xgrad, plus_plus = 1.5, 1.75, 11 / 60

# %% plus_plus_by_hand | wrong | a slip | Grad-CAM++'s weight: too large
grad, xgrad, plus_plus = 1.5, 1.75, 0.4
