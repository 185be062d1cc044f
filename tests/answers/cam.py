# %% setup
import keras
import numpy as np

import camlib
from camlib import Probe, course_network, scenes

network = course_network.load()
probe = Probe(network)
images = scenes.make(6, seed=12).images
A, logits = probe.forward(images)
W, b = probe.head()
top, Z = logits.argmax(1), 144
lowest, n = logits.argmin(1), np.arange(6)
every = camlib.cam.class_activation_maps(A, W)
cut = np.maximum(every, 0).mean((1, 2))
pair = scenes.make(4, seed=21, objects=2)
A2 = probe.forward(pair.images)[0]
first, second = (np.einsum("nijk,kn->nij", A2, W[:, classes]) for classes in pair.labels.T)
layers = keras.layers


def means_on_objects(maps):
    return [[picture[mask].mean() for mask in two] for picture, two in zip(camlib.resize_map(maps, 96), pair.masks)]


def with_head(*head, weights=(W[None, None], b)):
    out = network.get_layer("relu4").output
    for layer in head:
        out = layer(out)
    nin = keras.Model(network.input, out)
    next(layer for layer in head if layer.weights).set_weights(weights)
    return nin

# %% mean_or_sum | right | the weights divided
summed = np.einsum("nijk,kn->nij", A, W[:, top] / Z)

# %% mean_or_sum | right | loops over scenes, float64
summed = np.stack([A[n].astype(float) @ W[:, top[n]] / (A.shape[1] * A.shape[2]) for n in range(6)])

# %% mean_or_sum | wrong | the map of equation (7.5) | 144 times too large: a sum where a mean belongs?
summed = np.einsum("nijk,kn->nij", A, W[:, top])

# %% mean_or_sum | wrong | divided by the number of channels | times 2.25
summed = np.einsum("nijk,kn->nij", A, W[:, top]) / 64

# %% mean_or_sum | wrong | one map for all | shape (12, 12), and (6, 12, 12) is wanted
summed = np.einsum("ijk,k->ij", A[0], W[:, top[0]]) / Z

# %% relu_between | right | the negative part
def lost(M):
    return -M.clip(max=0).mean()


gaps = [cut[n, top] + b[top] - logits[n, top], cut[n, lowest] + b[lowest] - logits[n, lowest]]
suffers = "lowest"

# %% relu_between | right | left less all, and the gaps from the maps
def lost(M):
    return np.mean((np.abs(M) - M) / 2)


gaps = np.array([[lost(every[i, :, :, c[i]]) for i in range(6)] for c in (top, lowest)], np.float32)
suffers = "lowest"

# %% relu_between | wrong | a sum | another unit
def lost(M):
    return -np.minimum(M, 0).sum()


gaps = suffers = None

# %% relu_between | wrong | turned round | its sign: without the negative part
def lost(M):
    return np.minimum(M, 0).mean()


gaps = suffers = None

# %% relu_between | wrong | what is left | the mean of what is left
def lost(M):
    return np.maximum(M, 0).mean()


gaps = suffers = None

# %% relu_between | wrong | over the cells that were cut | not over all
def lost(M):
    return -M[M < 0].mean() if (M < 0).any() else 0.0


gaps = suffers = None

# %% relu_between | wrong | no bias in the gap | your gaps: without the bias
def lost(M):
    return -np.minimum(M, 0).mean()


gaps = [cut[n, top] - logits[n, top], cut[n, lowest] - logits[n, lowest]]
suffers = "lowest"

# %% relu_between | wrong | the other one suffers | Compare the two rows of your gaps.
def lost(M):
    return -np.minimum(M, 0).mean()


gaps = [cut[n, top] + b[top] - logits[n, top], cut[n, lowest] + b[lowest] - logits[n, lowest]]
suffers = "top"

# %% difference | right | the weights subtracted
c, d = pair.labels.T
maps = np.einsum("nijk,kn->nij", A2, W[:, c] - W[:, d])
on_objects = means_on_objects(maps)

# %% difference | right | camlib's maps, the means by weighting
maps = np.subtract(*(camlib.class_activation_map(network, pair.images, c) for c in pair.labels.T))
on_objects = (camlib.resize_map(maps, 96)[:, None] * pair.masks).sum((2, 3)) / pair.masks.sum((2, 3))

# %% difference | wrong | the other way round | the second class less the first
maps = second - first
on_objects = means_on_objects(maps)

# %% difference | wrong | ReLU first | a ReLU too early?
maps = np.maximum(first, 0) - np.maximum(second, 0)
on_objects = means_on_objects(maps)

# %% difference | wrong | top class of each scene for the first object | correlation with the right answer
S2 = probe.logits(pair.images)
maps = np.einsum("nijk,kn->nij", A2, W[:, S2.argmax(1)] - W[:, S2.argmin(1)])
on_objects = means_on_objects(maps)

# %% difference | wrong | the objects exchanged | the two objects are exchanged
maps = first - second
on_objects = np.array(means_on_objects(maps))[:, ::-1]

# %% difference | wrong | the mean of the product | with zeros off the object
maps = first - second
on_objects = (camlib.resize_map(maps, 96)[:, None] * pair.masks).mean((2, 3))

# %% shift | right | camlib's map of rolled scenes
moved = camlib.class_activation_map(network, np.roll(images, 8, axis=2), top)
cells, columns = 1, {4, 5, 6, 7, 8}

# %% shift | right | by hand, and the columns measured
right = np.concatenate([images[:, :, -8:], images[:, :, :-8]], 2)
moved = np.stack([probe.forward(right[[i]])[0][0] @ W[:, top[i]] for i in range(6)])
gap = np.abs(moved[:, :, 1:] - every[n, :, :, top][:, :, :-1]).max((0, 1))
cells, columns = 1.0, [j + 1 for j in range(11) if gap[j] < 1e-3]

# %% shift | wrong | the map rolled, not the scene | not what the network says at the border
moved = np.roll(every[n, :, :, top], 1, axis=2)
cells, columns = 1, {4, 5, 6, 7, 8}

# %% shift | wrong | rows for columns | of scenes shifted down
moved = camlib.class_activation_map(network, np.roll(images, 8, axis=1), top)
cells, columns = 1, {4, 5, 6, 7, 8}

# %% shift | wrong | eight cells | that is the shift in pixels
moved = camlib.class_activation_map(network, np.roll(images, 8, axis=2), top)
cells, columns = 8, {4, 5, 6, 7, 8}

# %% shift | wrong | the seam forgotten | seam of the roll
moved = camlib.class_activation_map(network, np.roll(images, 8, axis=2), top)
cells, columns = 1, {3, 4, 5, 6, 7, 8}

# %% shift | wrong | nothing but the outermost cells left out | over the left border
moved = camlib.class_activation_map(network, np.roll(images, 8, axis=2), top)
cells, columns = 1, set(range(1, 11))

# %% shift | wrong | too careful | what you chose is right, and 2 more belong to it
moved = camlib.class_activation_map(network, np.roll(images, 8, axis=2), top)
cells, columns = 1, {5, 6, 7}

# %% conv_head | right | the functional way
conv = layers.Conv2D(8, 1)
nin = keras.Model(network.input, layers.GlobalAveragePooling2D()(conv(network.get_layer("relu4").output)))
conv.set_weights([W.reshape(1, 1, 64, 8), b])

# %% conv_head | right | a base, and an average over all cells
base = keras.Model(network.input, network.get_layer("relu4").output)
nin = keras.Sequential([base, layers.Conv2D(8, (1, 1)), layers.AveragePooling2D(12), layers.Reshape((8,))])
nin.layers[1].set_weights([W[None, None], b])

# %% conv_head | wrong | the network itself | layers Dense or Flatten
nin = network

# %% conv_head | wrong | a ReLU | a ReLU behind the convolution?
nin = with_head(layers.Conv2D(8, 1, activation="relu"), layers.GlobalAveragePooling2D())

# %% conv_head | wrong | no bias | the biases are missing
nin = with_head(layers.Conv2D(8, 1, use_bias=False), layers.GlobalAveragePooling2D(), weights=[W[None, None]])

# %% conv_head | wrong | the largest cell | max-pooling?
nin = with_head(layers.Conv2D(8, 1), layers.GlobalMaxPooling2D())

# %% conv_head | wrong | random weights | your network's class maps: wrong in
nin = with_head(layers.Conv2D(8, 1), layers.GlobalAveragePooling2D(),
                weights=[np.random.default_rng(0).normal(size=(1, 1, 64, 8)), b])

# %% flatten_linear | right | one einsum
def exact(A, kernel):
    return np.einsum("ijk,ijkc->ijc", A, kernel.reshape(*A.shape, kernel.shape[1]))


law = "sum"

# %% flatten_linear | right | cell by cell
def exact(A, kernel):
    h, w, K = A.shape
    rows = kernel.reshape(h * w, K, -1)
    return np.array([[A[i, j] @ rows[i * w + j] for j in range(w)] for i in range(h)], np.float32)


law = "sum"

# %% flatten_linear | wrong | channels first | Flatten runs through rows, columns, channels
def exact(A, kernel):
    h, w, K = A.shape
    return np.einsum("ijk,kijc->ijc", A, kernel.reshape(K, h, w, -1))


law = "sum"

# %% flatten_linear | wrong | one weight a channel | the mean of its cells
def exact(A, kernel):
    return A @ kernel.reshape(*A.shape, -1).mean((0, 1))


law = "mean"

# %% flatten_linear | wrong | a mean over channels | a mean where a sum belongs?
def exact(A, kernel):
    return (A[..., None] * kernel.reshape(*A.shape, -1)).mean(2)


law = "mean"

# %% flatten_linear | wrong | columns before rows | rows come before columns
def exact(A, kernel):
    h, w, K = A.shape
    return np.einsum("ijk,jikc->ijc", A, kernel.reshape(w, h, K, -1))


law = "sum"

# %% flatten_linear | wrong | the law of the CAM | what happens to the logit?
def exact(A, kernel):
    return np.einsum("ijk,ijkc->ijc", A, kernel.reshape(*A.shape, -1))


law = "mean"
