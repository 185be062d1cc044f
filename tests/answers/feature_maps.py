# %% setup
import numpy as np

from camlib import Probe, course_network, scenes
from camlib.feature_maps import class_share, dead_channels, feature_maps, receptive_field_of, top_images
from camlib.runtime import keras

network = course_network.load()
images, labels, masks, boxes = scenes.make(400, seed=33)
relu1 = feature_maps(network, images, "relu1")["relu1"]
relu4 = feature_maps(network, images, "relu4")["relu4"]
W, b = network.get_layer("logits").get_weights()
F = relu4.mean((1, 2))
terms = (F[:100] * W[:, labels[:100]].T).mean(0)
ranked = np.argsort(-class_share(relu4, labels), kind="stable")
butterflies = np.flatnonzero(labels == scenes.CLASSES.index("butterfly"))
n = butterflies[masks[butterflies].sum((1, 2)).argmax()]
colour = images.mean((1, 2))
peak = relu1.max((1, 2))
TIES = np.flatnonzero((peak <= 0).sum(1) == (peak <= 0).sum(1).max())
widths = boxes[:, 2] - boxes[:, 0]
layers = keras.layers


def capped(one):
    return np.minimum(one / np.percentile(one, 99), 1)


def colours_of(scene):
    channels = np.flatnonzero(peak[scene] <= 0)
    return channels, np.array([images[top_images(relu1, k, 20)].mean((0, 1, 2)) for k in channels]) - colour[scene]


def network_without(*sizes, strides=2, padding="same", channels=(24, 40, 64, 64)):
    first = layers.Conv2D(channels[0], 7, strides, padding)
    return keras.Sequential([keras.Input((96, 96, 3)), first, *[
        layers.Conv2D(K, size, 1, padding) for K, size in zip(channels[1:], sizes)]])


# %% percentile | right | NumPy's percentile
def stretched(one):
    return np.minimum(one / np.percentile(one, 99), 1)


cut_off = 2 / 144
no_longer = "b"

# %% percentile | right | by the quantile, with clip
def stretched(one):
    limit = np.quantile(one.ravel(), 0.99)
    return (one.clip(max=limit) / limit).astype("float32")


cut_off, no_longer = np.float32(1 / 72), {"b"}

# %% percentile | wrong | not cut off | stretched and not cut off
def stretched(one):
    return one / np.percentile(one, 99)


cut_off, no_longer = 2 / 144, "b"

# %% percentile | wrong | not stretched | cut off and not stretched
def stretched(one):
    return np.minimum(one, np.percentile(one, 99))


cut_off, no_longer = 2 / 144, "b"

# %% percentile | wrong | the maximum | stretched to its maximum
def stretched(one):
    return one / one.max()


cut_off, no_longer = 2 / 144, "b"

# %% percentile | wrong | another percentile | wrong in
def stretched(one):
    return np.minimum(one / np.percentile(one, 95), 1)


cut_off, no_longer = 2 / 144, "b"

# %% percentile | wrong | the rule for the count | that is the rule; count what it does
stretched, cut_off, no_longer = capped, 0.01, "b"

# %% percentile | wrong | a count | a share is wanted, not a count
stretched, cut_off, no_longer = capped, 2, "b"

# %% percentile | wrong | places lost | a is wrong. The cut cells are the bright ones
stretched, cut_off, no_longer = capped, 2 / 144, "a"

# %% wake | right | the first of the scenes
scene = (relu1.max((1, 2)) <= 0).sum(1).argmax()
channels = np.flatnonzero(dead_channels(relu1[[scene]]))
woken = [images[top_images(relu1, k, 20)].mean((0, 1, 2)) for k in channels]
missing = np.array(woken) - images[scene].mean((0, 1))
lacks = "red"

# %% wake | right | another one of them, the channels as a list
scene = int(TIES[1])
channels = [k for k in range(24) if not relu1[scene, :, :, k].any()][::-1]
missing = [colour[np.argsort(-peak[:, k])[:20]].mean(0) - colour[scene] for k in channels]
lacks = ("red", "green", "blue")[np.mean(missing, 0).argmax()]

# %% wake | right | the last of them
scene = int(TIES[-1])
channels, missing = colours_of(scene)
lacks = ("red", "green", "blue")[missing.sum(0).argmax()]

# %% wake | wrong | the liveliest scene | 0 channels are silent on it, and on others there are more
scene, channels, missing, lacks = (peak <= 0).sum(1).argmin(), [], [], "red"

# %% wake | wrong | no scene | scene: 400 to 400, and must stay within 0 to 399
scene, channels, missing, lacks = 400, [], [], "red"

# %% wake | wrong | one channel too many | channels: 1 is wrong. It lights a cell
scene, lacks = TIES[0], "red"
channels, missing = [*colours_of(scene)[0], 1], colours_of(scene)[1]

# %% wake | wrong | one channel too few | what you chose is right, and 1 more
scene, lacks = TIES[0], "red"
channels, missing = colours_of(scene)[0][:-1], colours_of(scene)[1]

# %% wake | wrong | the wrong way round | this scene minus the wakers
scene, lacks = TIES[0], "red"
channels, missing = colours_of(scene)[0], -colours_of(scene)[1]

# %% wake | wrong | the wakers alone | the wakers' own colours
scene, lacks = TIES[0], "red"
channels, missing = colours_of(scene)
missing = missing + colour[scene]

# %% wake | wrong | the colour that it has | green is wrong. Of another colour more is missing
scene, lacks = TIES[0], "green"
channels, missing = colours_of(scene)

# %% selective | right | each channel switched off
probe = Probe(network, "relu4")
A4, S = probe.forward(images[:100])
lost = np.full(64, np.nan)
for k in range(64):
    off = A4.copy()
    off[..., k] = 0
    lost[k] = (S - probe.logits_from(images[:100], off))[np.arange(100), labels[:100]].mean()
most, least = lost[ranked[:16]].mean(), lost[ranked[-16:]].mean()

# %% selective | right | by the weights, in float32
lost = np.einsum("nk,kn->k", F[:100], W[:, labels[:100]]) / 100
most, least = np.mean([lost[k] for k in ranked[:16]]), lost[ranked[::-1][:16]].sum() / 16

# %% selective | wrong | after minus before | the sign is turned round
lost, most, least = -terms, 0, 0

# %% selective | wrong | all scenes | over all 400 scenes
lost, most, least = (F * W[:, labels].T).mean(0), 0, 0

# %% selective | wrong | all classes | of all classes together
lost, most, least = F[:100].mean(0) * W.sum(1), 0, 0

# %% selective | wrong | summed over the scenes | 100 times too large
lost, most, least = 100 * terms, 0, 0

# %% selective | wrong | ends exchanged | the 16 most selective: the other end of the ranking
lost, most, least = terms, terms[ranked[-16:]].mean(), terms[ranked[:16]].mean()

# %% selective | wrong | ranked by 100 scenes | rank by all 400 scenes
few = np.argsort(-class_share(relu4[:100], labels[:100]), kind="stable")
lost, most, least = terms, terms[few[:16]].mean(), terms[few[-16:]].mean()

# %% too_small | right | measured on the network
unpooled = keras.Sequential([
    keras.Input((96, 96, 3)), layers.Conv2D(24, 7, 2, "same"),
    *[layers.Conv2D(K, 3, 1, "same") for K in (40, 64, 64)]])
field, _, _ = receptive_field_of(unpooled, unpooled.layers[-1])
wider = (widths > field).sum()

# %% too_small | right | by hand, with the rest of the network
x = image = keras.Input((96, 96, 3))
for number in range(1, 5):
    old = network.get_layer(f"conv{number}")
    x = layers.ReLU()(layers.Conv2D(old.filters, old.kernel_size, old.strides, "same")(x))
unpooled = keras.Model(image, layers.Dense(8)(layers.GlobalAveragePooling2D()(x)))
field, wider = 7 + 2 * 2 + 2 * 2 + 2 * 2, len(boxes)

# %% too_small | wrong | as it was | that is with both poolings
field, wider, unpooled = 53, 400, network

# %% too_small | wrong | no jump | the stride of the first layer counts
field, wider, unpooled = 7 + 2 + 2 + 2, 400, network_without(3, 3, 3)

# %% too_small | wrong | a jump that doubles | it does not double without a pooling
field, wider, unpooled = 7 + 4 + 8 + 16, 400, network_without(3, 3, 3)

# %% too_small | wrong | a share | a count is wanted, not a share
field, wider, unpooled = 19, 1.0, network_without(3, 3, 3)

# %% too_small | wrong | the poolings still in it | a pooling is still in it
field, wider, unpooled = 19, 400, network

# %% too_small | wrong | a layer too few | are wanted
field, wider, unpooled = 19, 400, network_without(3, 3)

# %% too_small | wrong | a stride too many | unpooled: jump
other = network_without(3, 3, 3)
other = keras.Sequential([keras.Input((96, 96, 3)), *other.layers[:-1], layers.Conv2D(64, 3, 2, "same")])
field, wider, unpooled = 19, 400, other

# %% too_small | wrong | no padding | nothing is padded
field, wider, unpooled = 19, 400, network_without(3, 3, 3, padding="valid")

# %% before_relu | right | asked for
before = feature_maps(network, images[[n]], "conv4")["conv4"].squeeze()
negative = (before < 0).mean()
colours = "diverging"

# %% before_relu | right | by the formula, from relu3
x = np.pad(feature_maps(network, images[[n]], "relu3")["relu3"][0].astype(float), ((1, 1), (1, 1), (0, 0)))
w, bias = network.get_layer("conv4").get_weights()
before = bias + sum(x[i:i + 12, j:j + 12] @ w[i, j] for i in range(3) for j in range(3))
negative, colours = 1 - np.count_nonzero(before > 0) / before.size, {"diverging"}

# %% before_relu | wrong | relu4 | that is behind the ReLU
before, negative, colours = relu4[n], 0, "diverging"

# %% before_relu | wrong | one layer too early | that is conv3
before, negative, colours = feature_maps(network, images[[n]], "conv3")["conv3"][0], 0, "diverging"

# %% before_relu | wrong | another scene | wrong in
before, negative, colours = feature_maps(network, images[[0]], "conv4")["conv4"][0], 0, "diverging"

# %% before_relu | wrong | the positive ones | those are the positive ones
before = feature_maps(network, images[[n]], "conv4")["conv4"][0]
negative, colours = (before > 0).mean(), "diverging"

# %% before_relu | wrong | percent | this is in percent
before = feature_maps(network, images[[n]], "conv4")["conv4"][0]
negative, colours = 100 * (before < 0).mean(), "diverging"

# %% before_relu | wrong | colours for a share | you cannot see where zero lies
before = feature_maps(network, images[[n]], "conv4")["conv4"][0]
negative, colours = (before < 0).mean(), "sequential"
