# %% setup
import numpy as np

from camlib import Probe, cnn, course_network, pooling, scenes
from camlib.convolution import cross_correlation

network = course_network.load()
images = scenes.make(6, seed=12).images
A, _ = Probe(network, "conv1").forward(images)
logits = Probe(network).logits(images)
CHANNELS = [3, 64, 64, 128, 128, *[256] * 3, *[512] * 6]
PAIRS = list(zip(CHANNELS, CHANNELS[1:]))
SIGNS = np.array([[4, 0], [0, -4]])
FIVE = [[[5, 0], [0, 0]], [[0, 0], [0, 5]]]


def tiled(q, K):
    return np.tile(np.eye(K) / q**2, (q, q, 1, 1))


def cubed(p):
    return p**3 / (p**3).sum(-1, keepdims=True)


# %% relu_and_pool | right | one window, the numbers counted
matters = "mean"
window = SIGNS
times = A.size / pooling.max_pool(A).size

# %% relu_and_pool | right | a window of the maps
found = pooling.windows(A, 2)
n, i, j, k = np.argwhere((found.max((3, 4)) > 0.5) & (found.min((3, 4)) < -0.5))[0]
matters, window, times = ["mean"], found[n, i, j, :, :, k].tolist(), 2 * 2

# %% relu_and_pool | wrong | the maximum | maximum is wrong. ReLU never falls
matters, window, times = "maximum", np.eye(2), 4

# %% relu_and_pool | wrong | nowhere | neither is wrong. Try windows with numbers of both signs
matters, window, times = "neither", np.eye(2), 4

# %% relu_and_pool | wrong | one sign | the order does not show, both give a mean of 0.5
matters, window, times = "mean", np.eye(2), 4

# %% relu_and_pool | wrong | no window | your window: shape (4,), and (2, 2) is wanted
matters, window, times = "mean", [4, 0, 0, -4], 4

# %% relu_and_pool | wrong | one axis | that is along one axis
matters, window, times = "mean", [[4, 0], [0, -4]], 2

# %% relu_and_pool | wrong | a share | times fewer numbers: the other way round
matters, window, times = "mean", [[4, 0], [0, -4]], 1 / 4

# %% count_vgg | right | counted by camlib
convolutions = sum(cnn.parameters(C, K, (3, 3)) for C, K in PAIRS)
sides = [7 * 7 * 512, 4096, 4096, 1000]
dense = [cnn.parameters(C, K) for C, K in zip(sides, sides[1:])]
whole = convolutions + sum(dense)
share = dense[0] / whole
small = convolutions + cnn.parameters(512, 1000)

# %% count_vgg | right | weights and biases apart
weights = 9 * sum(C * K for C, K in PAIRS)
biases = sum(K for _, K in PAIRS)
first, other = 7 * 7 * 512 * 4096 + 4096, 4096 * 4096 + 4096 + 4096 * 1000 + 1000
whole, small = weights + biases + first + other, weights + biases + 513 * 1000
share = np.float32(first / whole)

# %% count_vgg | wrong | no biases | all parameters: the biases are missing
whole = 9 * sum(C * K for C, K in PAIRS) + 7 * 7 * 512 * 4096 + 4096 * 4096 + 4096 * 1000
share = small = 1

# %% count_vgg | wrong | the convolutions | those are the convolutions alone
whole, share, small = sum(cnn.parameters(C, K, (3, 3)) for C, K in PAIRS), 0, 0

# %% count_vgg | wrong | rounded | all parameters: too small
whole, share, small = 138_000_000, 0.74, 15_000_000

# %% count_vgg | wrong | no flatten | 7 × 7 cells go into the first Dense layer
sides = [512, 4096, 4096, 1000]
whole = sum(cnn.parameters(C, K, (3, 3)) for C, K in PAIRS)
whole += sum(cnn.parameters(C, K) for C, K in zip(sides, sides[1:]))
share = small = 1

# %% count_vgg | wrong | percent | a share is between 0 and 1
convolutions = sum(cnn.parameters(C, K, (3, 3)) for C, K in PAIRS)
first = cnn.parameters(7 * 7 * 512, 4096)
whole = convolutions + first + cnn.parameters(4096, 4096) + cnn.parameters(4096, 1000)
share, small = 100 * first / whole, 1

# %% count_vgg | wrong | flatten is still there | one number a channel, not 7 × 7
convolutions = sum(cnn.parameters(C, K, (3, 3)) for C, K in PAIRS)
first = cnn.parameters(7 * 7 * 512, 4096)
whole = convolutions + first + cnn.parameters(4096, 4096) + cnn.parameters(4096, 1000)
share, small = first / whole, convolutions + cnn.parameters(7 * 7 * 512, 1000)

# %% mean_is_a_convolution | right | the identity at each place
def kernel(q, K):
    return np.tile(np.eye(K) / q**2, (q, q, 1, 1))


stride = 2
windows = np.array(FIVE)

# %% mean_is_a_convolution | right | loops, and windows that cancel
def kernel(q, K):
    w = np.zeros((q, q, K, K), "float32")
    for m in range(q):
        for n in range(q):
            for k in range(K):
                w[m, n, k, k] = 1 / (q * q)
    return w


a = np.random.default_rng(0).normal(size=(2, 2))
stride, windows = 2.0, [a, -a]

# %% mean_is_a_convolution | wrong | a sum | a sum: it is divided by nothing
def kernel(q, K):
    return tiled(q, K) * q * q


stride, windows = 2, FIVE

# %% mean_is_a_convolution | wrong | a quarter, for every window | kernel(q = 3, K = 2)
def kernel(q, K):
    return tiled(q, K) * q**2 / 4


stride, windows = 2, FIVE

# %% mean_is_a_convolution | wrong | all channels | every channel looks at all channels
def kernel(q, K):
    return np.full((q, q, K, K), 1 / q**2)


stride, windows = 2, FIVE

# %% mean_is_a_convolution | wrong | the mean of all | the mean of all channels
def kernel(q, K):
    return np.full((q, q, K, K), 1 / q**2 / K)


stride, windows = 2, FIVE

# %% mean_is_a_convolution | wrong | one channel | shape (2, 2), and (2, 2, 24, 24) is wanted
def kernel(q, K):
    return np.full((q, q), 1 / q**2)


stride, windows = 2, FIVE

# %% mean_is_a_convolution | wrong | every cell | stride: then the windows overlap
kernel, stride, windows = tiled, 1, FIVE

# %% mean_is_a_convolution | wrong | windows with one peak | their maxima add up here
kernel, stride, windows = tiled, 2, [FIVE[0], FIVE[0]]

# %% temperature | right | the third power
by_adding = "nothing"
by_multiplying = {"probabilities", "losses"}


def sharper(p):
    return p**3 / (p**3).sum(1, keepdims=True)


last = logits.argmin(1)
factor = (cnn.cross_entropy(3 * logits, last) / cnn.cross_entropy(logits, last)).mean()

# %% temperature | right | back to logits, one scene after the other
by_adding, by_multiplying, factor = {"nothing"}, ["losses", "probabilities"], 3


def sharper(p):
    return np.stack([cnn.softmax(3 * (np.log(row) - np.log(row[0]))) for row in p]).astype("float32")


# %% temperature | wrong | adding raises the probabilities | Above and below the line
by_adding, by_multiplying, sharper, factor = "probabilities", {"probabilities", "losses"}, cubed, 3

# %% temperature | wrong | adding raises the loss | only what the probabilities say
by_adding, by_multiplying, sharper, factor = {"losses"}, {"probabilities", "losses"}, cubed, 3

# %% temperature | wrong | half of it | by multiplying: what you chose is right, and 1 more
by_adding, by_multiplying, sharper, factor = "nothing", "probabilities", cubed, 3

# %% temperature | wrong | other answers | The largest logit stays the largest
by_adding, by_multiplying, sharper, factor = "nothing", {"answers", "probabilities"}, cubed, 3

# %% temperature | wrong | not normalised | these do not add up to 1
by_adding, by_multiplying, factor = "nothing", {"probabilities", "losses"}, 3


def sharper(p):
    return p**3


# %% temperature | wrong | over the scenes | not over the scenes
by_adding, by_multiplying, factor = "nothing", {"probabilities", "losses"}, 3


def sharper(p):
    return p**3 / (p**3).sum(0)


# %% temperature | wrong | taken for logits | p are no logits
by_adding, by_multiplying, factor = "nothing", {"probabilities", "losses"}, 3


def sharper(p):
    return cnn.softmax(3 * p)


# %% temperature | wrong | three times the probability | 3 times too large
by_adding, by_multiplying, factor = "nothing", {"probabilities", "losses"}, 3


def sharper(p):
    return 3 * cubed(p)


# %% temperature | wrong | the ratio of probabilities | that is a ratio of probabilities
by_adding, by_multiplying, sharper, factor = "nothing", {"probabilities", "losses"}, cubed, np.e**3
