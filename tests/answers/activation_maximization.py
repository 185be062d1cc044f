# %% setup
import keras
import numpy as np

from camlib import Probe, course_network, priors, scenes
from camlib.activation_maximization import maximize_activation

network = course_network.load()
look = Probe(network)
W, b = look.head()
mushroom = scenes.CLASSES.index("mushroom")
conv1 = network.get_layer("conv1").get_weights()[0]
data = scenes.make(100, seed=21)
rng = np.random.default_rng(0)
grey = np.full((4, 4, 3), 0.5)
pictures = np.stack([maximize_activation(network, None, 0, steps=20, parametrization=way)
                     for way in ("pixels", "fourier")])


def noisy(share, same_for_all=False):
    copy = keras.models.clone_model(network)
    copy.set_weights([v + share * (1 if same_for_all else v.std()) * rng.normal(size=v.shape)
                      for v in network.get_weights()])
    return copy


def the_three(model):
    S = Probe(model).logits(np.concatenate([pictures, data.images]))[:, 0]
    return [S[0], S[1], S[2:].max()]


# %% least | right | the class map turned round
picture = maximize_activation(network, "relu4", -W[:, mushroom])
logit = look.logits(picture[None])[:, mushroom]

# %% least | right | bare steps down the logit
x = np.full((1, 96, 96, 3), 0.5, np.float32)
for _ in range(20):
    G = look.image_gradient(x, mushroom)[1]
    x = np.clip(x - 2 * G / np.linalg.norm(G), 0, 1)
picture = x[0]
logit = float(look.head()[1][mushroom] + look.forward(x)[0].mean((0, 1, 2)) @ W[:, mushroom])

# %% least | wrong | climbed instead | and must stay within -inf
picture = maximize_activation(network, "relu4", W[:, mushroom], steps=20)
logit = look.logits(picture[None])[0, mushroom]

# %% least | wrong | another class | the mushroom's logit of your picture: 
picture = maximize_activation(network, "relu4", -W[:, 0], steps=20)
logit = look.logits(picture[None])[0, 0]

# %% least | wrong | the bias forgotten | without the bias
picture = maximize_activation(network, "relu4", -W[:, mushroom], steps=20)
logit = look.forward(picture[None])[0].mean((0, 1, 2)) @ W[:, mushroom]

# %% least | wrong | the logit of the fish | the logit of another class
picture = maximize_activation(network, "relu4", -W[:, mushroom], steps=20)
logit = look.logits(picture[None])[0, 0]

# %% least | wrong | a batch of one | an axis of length 1 is missing, left over or misplaced
picture = maximize_activation(network, "relu4", -W[:, mushroom], steps=20)[None]
logit = look.logits(picture)[0, mushroom]

# %% least | wrong | not clipped | pixels of your picture: 
G = look.image_gradient(np.full((1, 96, 96, 3), 0.5, np.float32), mushroom)[1][0]
picture = 0.5 - 30 * G / np.linalg.norm(G)
logit = look.logits(picture[None])[0, mushroom]

# %% clip | right | a comparison
def best(w):
    return w > 0


maximum = conv1[..., 12][best(conv1[..., 12])].sum()

# %% clip | right | grey and half the sign
def best(w):
    return 0.5 + np.sign(w) / 2


w = conv1[..., 12].astype(float).ravel()
maximum = w @ best(w)

# %% clip | right | pixel by pixel
def best(w):
    return np.reshape([float(value > 0) for value in np.ravel(w)], np.shape(w))


maximum = (np.abs(conv1[..., 12]).sum() + conv1[..., 12].sum()) / 2

# %% clip | wrong | the ball | the best picture of the ball, equation (5.2)
def best(w):
    return w / np.linalg.norm(w)


maximum = np.linalg.norm(conv1[..., 12])

# %% clip | wrong | the box around zero | a box from -1 to 1, equation (5.15)
best = np.sign
maximum = np.abs(conv1[..., 12]).sum()

# %% clip | wrong | the weights cut off | the weights, cut to 0..1
def best(w):
    return np.clip(w, 0, 1)


maximum = conv1[..., 12][conv1[..., 12] > 0].sum()

# %% clip | wrong | the right picture, the rise above grey | without what grey itself gives
def best(w):
    return w > 0


maximum = np.abs(conv1[..., 12]).sum() / 2

# %% clip | wrong | the right picture, the ball's maximum | that of the ball
def best(w):
    return w > 0


maximum = np.linalg.norm(conv1[..., 12])

# %% clip | wrong | one long row of pixels | laid out differently
def best(w):
    return (w > 0).ravel()


maximum = conv1[..., 12][conv1[..., 12] > 0].sum()

# %% scale | right | along one axis only
def exponent(images):
    amplitude = np.abs(np.fft.fft2(images, axes=(1, 2))).mean((0, 3))
    return np.log2(amplitude[3, 0] / amplitude[12, 0]) / 2


# %% scale | right | two rings
def exponent(images):
    amplitude = np.abs(np.fft.fft2(images, axes=(1, 2))).mean((0, 3))
    u = priors.frequencies(96, 96)
    low, high = (amplitude[np.isclose(u, f, rtol=0.1)].mean() for f in (3 / 96, 12 / 96))
    return np.log(low / high) / np.log(12 / 3)


# %% scale | right | the slope of a line through all points between
def exponent(images):
    amplitude = np.abs(np.fft.fft2(images.astype(np.float32), axes=(1, 2))).mean((0, 3))
    u = np.hypot(np.fft.fftfreq(96)[:, None], np.fft.fftfreq(96))
    ring = (u > 0.027) & (u < 0.145)
    return -np.polyfit(np.log(u[ring]), np.log(amplitude[ring]), 1)[0]


# %% scale | wrong | the energy | the energy for the amplitude
def exponent(images):
    energy = (np.abs(np.fft.fft2(images, axes=(1, 2))) ** 2).mean((0, 3))
    return np.log(energy[0, 3] / energy[0, 12]) / np.log(4)


# %% scale | wrong | the slope itself | holds a minus already
def exponent(images):
    amplitude = np.abs(np.fft.fft2(images, axes=(1, 2))).mean((0, 3))
    return np.log(amplitude[0, 12] / amplitude[0, 3]) / np.log(4)


# %% scale | wrong | one logarithm only | what of the frequencies'?
def exponent(images):
    amplitude = np.abs(np.fft.fft2(images, axes=(1, 2))).mean((0, 3))
    return np.log(amplitude[0, 3] / amplitude[0, 12])


# %% scale | wrong | what the text assumes | too
def exponent(images):
    return 1.0


# %% scale | wrong | over pictures and rows | pictures that were made with a known one: too
def exponent(images):
    amplitude = np.abs(np.fft.fft2(images, axes=(0, 1))).mean((2, 3))
    return np.log(amplitude[0, 3] / amplitude[0, 12]) / np.log(4)


# %% ones | right | the sum over the number
spoilt = (1 + sum(image / 10 for image in [grey] * 10)).mean()
looks = "white"


def average(images):
    return sum(images) / len(images)


def passes(average):
    return np.array_equal(average([grey, grey]), grey)


# %% ones | right | a loop that starts at zero
ten = np.full((10, 4, 4, 3), 0.5)
spoilt = (np.ones((4, 4, 3)) + sum(image / 10 for image in ten)).mean()
looks = "white"


def average(images):
    total = np.zeros(images[0].shape)
    for image in images:
        total += image / len(images)
    return total


def passes(average):
    return np.allclose(average(ten), ten[0])


# %% ones | right | the mean, and a test on noise
spoilt, looks, average = 3 / 2, "white", lambda images: np.mean(images, axis=0)


def passes(average):
    noise = rng.normal(size=(10, 2, 2, 3))
    return abs(average(noise) - noise.mean(0)).max() < 1e-6


# %% ones | wrong | what it should be | that is what it should be
spoilt, looks, average, passes = 0.5, "grey", np.mean, bool

# %% ones | wrong | clipped first | that is after clipping
spoilt, looks, average, passes = 1.0, "white", np.mean, bool

# %% ones | wrong | nothing to see | look how far it is above 1
spoilt, looks, average, passes = 1.5, "grey", np.mean, bool

# %% ones | wrong | still ones | the ones are still there
spoilt, looks, passes = 1.5, "white", bool


def average(images):
    return np.ones(images[0].shape) + sum(image / len(images) for image in images)


# %% ones | wrong | always ten | a tenth of the sum, and these are not ten
spoilt, looks, passes = 1.5, "white", bool


def average(images):
    return sum(image / 10 for image in images)


# %% ones | wrong | one number | shape (), and (4, 4, 3) is wanted
spoilt, looks, average, passes = 1.5, "white", np.mean, bool

# %% ones | wrong | a test that never fails | your check lets through: the copied recipe
spoilt, looks, average = 1.5, "white", lambda images: np.mean(images, 0)


def passes(average):
    return average(np.full((10, 4, 4, 3), 0.5)).min() >= 0


# %% ones | wrong | a test of the shape | your check lets through: the copied recipe
spoilt, looks, average = 1.5, "white", lambda images: np.mean(images, 0)


def passes(average):
    return average(np.full((10, 4, 4, 3), 0.5)).shape == (4, 4, 3)


# %% transfer | right | noise around each weight
disturbed = keras.models.clone_model(network)
disturbed.set_weights([rng.normal(v, 0.05 * v.std()) for v in network.get_weights()])
by = Probe(disturbed)
logits = [*by.logits(pictures)[:, 0], max(by.logits(data.images)[:, 0])]

# %% transfer | right | kernels only, one layer at a time
disturbed = keras.models.clone_model(network)
for new, old in zip(disturbed.layers, network.layers):
    if old.get_weights():
        kernel, bias = old.get_weights()
        new.set_weights([kernel + kernel.std() / 20 * rng.standard_normal(kernel.shape), bias])
logits = np.array(the_three(disturbed), np.float32)

# %% transfer | wrong | a bare clone, whose weights are new | noise in 'conv1'
disturbed = keras.models.clone_model(network)
logits = the_three(disturbed)

# %% transfer | wrong | the same noise for every kernel | too large
disturbed = noisy(0.05, same_for_all=True)
logits = the_three(disturbed)

# %% transfer | wrong | no noise | none: these weights are as they were
disturbed = noisy(0)
logits = the_three(disturbed)

# %% transfer | wrong | the old network's logits | that of the network before the noise
disturbed = noisy(0.05)
logits = the_three(network)

# %% transfer | wrong | two numbers | shape (2,), and (3,) is wanted
disturbed = noisy(0.05)
logits = the_three(disturbed)[:2]

# %% transfer | wrong | the quietest scene | fish logit of the loudest scene: too small
disturbed = noisy(0.05)
logits = [*the_three(disturbed)[:2], Probe(disturbed).logits(data.images)[:, 0].min()]
