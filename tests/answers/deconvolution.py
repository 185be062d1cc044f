# %% setup
import numpy as np

from camlib import Probe, cnn, course_network, scenes
from camlib.convolution import convolution_matrix
from camlib.deconvolution import transposed_convolution
from camlib.runtime import keras
from camlib.saliency import integrated_gradients, saliency

network = course_network.load()
probe = Probe(network)
images, labels, _, _ = scenes.make(6, seed=12)
painted = images[[0]].copy()
painted[0, 40:50, 40:50] = 1
four, c = images[[4]], int(labels[4])
grey = np.full_like(four, 0.5)


def p(S):
    return keras.ops.softmax(S)[:, c]


def by_camlib(R, w, size):
    return transposed_convolution(R, w, (size, size), stride=2)


def changed(change):
    copy = course_network.build()
    copy.set_weights([change(a) for a in network.get_weights()])
    return copy


def integrated(image, base, steps=64):
    return integrated_gradients(network, image, labels[:1], base, steps)


of_logit, slope = saliency(network, four, c), saliency(network, four, p)
ratio = np.abs(of_logit).max() / np.abs(slope).max()

# %% size | right | other sizes, the transposed matrix
sizes, output_padding = [12, 11], 1.0


def back(R, w, size):
    return (convolution_matrix(w, (size, size), 2).T @ np.ravel(R)).reshape(1, size, size, 1)


# %% size | right | stamps, two pixels apart
sizes = (7, 8)


def back(R, w, size):
    out = np.zeros((1, size, size, 1))
    for i, j in np.ndindex(R.shape[1:3]):
        y, x = 2 * i, 2 * j
        out[0, y:y + 3, x:x + 3] += R[0, i, j] * w[..., 0]
    return out


output_padding = 1

# %% size | right | by camlib
sizes, back, output_padding = np.array([3, 4]), by_camlib, 1

# %% size | wrong | one stop apart | 7 and 9 are no two sizes
sizes, back, output_padding = (7, 9), by_camlib, 1

# %% size | wrong | neighbours that differ | 8 and 9 are no two sizes
sizes, back, output_padding = (8, 9), by_camlib, 1

# %% size | wrong | the same twice | 7 and 7 are no two sizes
sizes, back, output_padding = (7, 7), by_camlib, 1

# %% size | wrong | turned | back to 7 × 7: the kernel is turned by 180°
sizes, output_padding = (7, 8), 1


def back(R, w, size):
    return by_camlib(R, w[::-1, ::-1], size)


# %% size | wrong | one size for both | back to 8 × 8: shape (1, 7, 7, 1), and (1, 8, 8, 1) is wanted
sizes, output_padding = (7, 8), 1


def back(R, w, size):
    return by_camlib(R, w, 7 if size == 8 else size)


# %% size | wrong | an inverse | an inverse, where the transpose is wanted
sizes, output_padding = (7, 8), 1


def back(R, w, size):
    return (np.linalg.pinv(convolution_matrix(w, (size, size), 2)) @ R.ravel()).reshape(1, size, size, 1)


# %% size | wrong | the smaller one | that is for the smaller size
sizes, back, output_padding = (7, 8), by_camlib, 0

# %% one_rule | right | the roots of the squares
differ = {"none"}
positive = changed(lambda a: np.sqrt(a.astype(float)**2))

# %% one_rule | right | with a little more than nothing
differ = "none"
positive = changed(lambda a: np.abs(a) + 1e-6)

# %% one_rule | wrong | the network as it is | with their signs
differ, positive = "none", network

# %% one_rule | wrong | negative weights cut off | their size is lost
differ, positive = "none", changed(lambda a: np.maximum(a, 0))

# %% one_rule | wrong | kernels alone | /bias
differ, positive = "none", changed(lambda a: np.abs(a) if a.ndim > 1 else a)

# %% one_rule | wrong | another network | 0 arrays of weights
differ, positive = "none", keras.Sequential([keras.Input((96, 96, 3)), keras.layers.GlobalAveragePooling2D()])

# %% one_rule | wrong | deconvnet differs | What would have to be negative
differ, positive = "deconvnet", changed(np.abs)

# %% one_rule | wrong | all differ | all is wrong. What would have to be negative
differ, positive = "all", changed(np.abs)

# %% white | right | step by step
by_white, by_black = (sum(
    saliency(network, base + np.float32((t + 0.5) / 64) * (painted - base), int(labels[0])) / 64
    for t in range(64)) * (painted - base) for base in np.float32([1, 0]))
complete = "both"

# %% white | right | by camlib
by_white, by_black, complete = integrated(painted, 1.0), integrated(painted, 0.0), "both"

# %% white | right | twice as many steps
by_white, by_black = (integrated(painted, base, 128) for base in (1.0, 0.0))
complete = {"both"}

# %% white | wrong | one for the other | from white: that is from the other baseline
by_white, by_black, complete = integrated(painted, 0.0), integrated(painted, 1.0), "both"

# %% white | wrong | no square | the scene without the square
by_white, by_black, complete = integrated(images[[0]], 1.0), integrated(images[[0]], 0.0), "both"

# %% white | wrong | no factor | without the factor in front of it
by_white = sum(saliency(
    network, 1 + np.float32((t + 0.5) / 64) * (painted - 1), int(labels[0])) / 64 for t in range(64))
by_black, complete = by_white, "both"

# %% white | wrong | gradient times input | from white: wrong in
by_white = by_black = saliency(network, painted, int(labels[0])) * painted
complete = "both"

# %% white | wrong | white is not complete | black is wrong. Pixels that get 0 add nothing
by_white, by_black, complete = integrated(painted, 1.0), integrated(painted, 0.0), "black"

# %% softmax | right | a function as target
of_p = saliency(network, four, p)
times = np.abs(of_logit).max() / np.abs(of_p).max()
handed_out = integrated_gradients(network, four, p, 0.5, 128).sum()

# %% softmax | right | the slope of the softmax by hand, and the sum by its law
q = cnn.softmax(probe.logits(four).astype(float))[0]
of_p = q[c] * sum(((k == c) - q[k]) * saliency(network, four, k).astype(float) for k in range(8))
times = np.abs(of_logit).max() / np.abs(of_p).max()
handed_out = q[c] - cnn.softmax(probe.logits(grey))[0, c]

# %% softmax | wrong | the logit's | that is the gradient of the logit
of_p, times, handed_out = of_logit, 1, 1

# %% softmax | wrong | the hint alone | each logit has a slope of its own
q = cnn.softmax(probe.logits(four).astype(float))[0, c]
of_p, times, handed_out = q * (1 - q) * of_logit, 1, 1

# %% softmax | wrong | the loss | the sign is turned round
of_p, times, handed_out = -slope, 1, 1

# %% softmax | wrong | a share | how many times smaller, as a share
of_p, times, handed_out = slope, 1 / ratio, 1

# %% softmax | wrong | the logit's sum | that is what the logit hands out
of_p, times, handed_out = slope, ratio, (probe.logits(four) - probe.logits(grey))[0, c]

# %% softmax | wrong | all of p | grey has some, too
of_p, times, handed_out = slope, ratio, cnn.softmax(probe.logits(four))[0, c]
