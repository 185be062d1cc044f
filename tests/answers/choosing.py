# %% setup
import numpy as np
from scipy import stats

import camlib
from camlib import cnn, scenes
from camlib.cam import class_activation_maps
from camlib.intervals import mean_interval
from camlib.runtime import keras

network = camlib.course_network.load()
probe = camlib.Probe(network)
W, b = probe.head()
many, pairs = scenes.make(300, seed=2), scenes.make(200, seed=2, objects=2)
A, S_many = probe.forward(many.images)
every, cams = (class_activation_maps(maps, W) for maps in (A, probe.forward(pairs.images)[0]))
top = S_many.argmax(1)
p = probe.probabilities(S_many)
own = every[np.arange(300), :, :, top]
animals = [scenes.CLASSES.index(name) for name in ("fish", "butterfly")]
is_animal = np.isin(pairs.labels, animals)
mixed = np.flatnonzero(is_animal.sum(1) == 1)


def asked(u, which=None):
    """The maps of the question, and whether the peak lies on the animal."""
    which = is_animal[mixed].argmax(1) if which is None else which
    found = camlib.resize_map(cams[mixed] @ u, 96)
    return every @ u, camlib.pointing_game(found, pairs.masks[mixed, which])


def half(plus, minus):
    u = np.full(8, float(minus))
    u[animals] = plus
    return u


def spearman(i=slice(None)):
    return stats.spearmanr(own.max((1, 2))[i], p.max(1)[i]).statistic


def bootstrap(seed, count=1000):
    rng = np.random.default_rng(seed)
    return [spearman(rng.integers(0, 300, 300)) for _ in range(count)]


passes = {"CAM": 1, "SmoothGrad": 64, "integrated gradients": 128, "Score-CAM": 65, "occlusion 12": 50,
          "occlusion 4": 362}
paid = {"CAM", "SmoothGrad", "Score-CAM", "occlusion 12"}


def random_network(*head):
    keras.utils.set_random_seed(1)
    layers = keras.layers
    return keras.Sequential([keras.Input((96, 96, 3)), layers.Conv2D(16, 3, 2), layers.ReLU(), *head, layers.Dense(8)])

# %% question | right | halves and sixths
u_animal = np.full(8, -1 / 6)
u_animal[animals] = 1 / 2
M_animal = every @ u_animal
found = camlib.resize_map(cams[mixed] @ u_animal, 96)
on_animal = camlib.pointing_game(found, pairs.masks[mixed, is_animal[mixed].argmax(1)])

# %% question | right | whole numbers, by a loop
u_animal = [3 if name in ("fish", "butterfly") else -1 for name in scenes.CLASSES]
M_animal = sum(u * every[..., c] for c, u in enumerate(u_animal))
on_animal = []
for n in mixed:
    map = camlib.resize_map((cams[n] @ np.array(u_animal))[None], 96)[0]
    y, x = np.unravel_index(map.argmax(), map.shape)
    on_animal.append(bool(pairs.masks[n, int(is_animal[n, 1]), y, x]))

# %% question | wrong | no other classes | the other classes are missing
u_animal = half(1 / 2, 0)
M_animal, on_animal = asked(u_animal)

# %% question | wrong | plus and minus one half | weigh as much
u_animal = half(1 / 2, -1 / 2)
M_animal, on_animal = asked(u_animal)

# %% question | wrong | turned round | the sign is turned round
u_animal = half(-1 / 2, 1 / 6)
M_animal, on_animal = asked(u_animal)

# %% question | wrong | the bias in each cell | it stands beside the map
u_animal = half(1 / 2, -1 / 6)
M_animal, on_animal = asked(u_animal)
M_animal = M_animal + u_animal @ b

# %% question | wrong | the logits for the maps | shape (300,)
u_animal = half(1 / 2, -1 / 6)
M_animal, on_animal = S_many @ u_animal, asked(u_animal)[1]

# %% question | wrong | the other object | the other object was asked
u_animal = half(1 / 2, -1 / 6)
M_animal, on_animal = asked(u_animal, is_animal[mixed].argmin(1))

# %% caption | right | one digit and two
def caption(model, image, c):
    look = camlib.Probe(model)
    A, S = look.forward(image)
    M = camlib.class_activation_map(model, image, c)[0]
    cell = image.shape[1] // A.shape[1]
    return (
        f"CAM at {look.path} (cells of {cell} pixels) of {scenes.CLASSES[c]}:\n"
        f"logit {S[0, c]:.1f}, p = {look.probabilities(S)[0, c]:.2f}, "
        f"map from {M.min():.0f} to {M.max():.0f} logits, red-blue, zero is white"
    )

# %% caption | right | a list, all digits
def caption(model, image, c):
    look = camlib.Probe(model)
    A, S = look.forward(image)
    e = np.exp(S[0].astype(float) - S.max())
    M = (A[0].astype(float) * look.head()[0][:, c]).sum(2)
    facts = dict(method="Grad-CAM (= CAM)", layer=look.path, cell=96 / A.shape[1], name=scenes.CLASSES[c], S=S[0, c])
    facts |= dict(probability=f"{(e / e.sum())[c]:.9f}", low=M.min(), high=M.max(), scale="-100 to 100 logits")
    return "; ".join(f"{key} {value}" for key, value in facts.items())

# %% caption | wrong | without its scale in logits | missing or wrong, for class
def caption(model, image, c):
    look = camlib.Probe(model)
    A, S = look.forward(image)
    return f"CAM at {look.path}, cells of {96 // A.shape[1]} pixels, {scenes.CLASSES[c]}: logit {S[0, c]:.1f}, 0 to 1"

# %% caption | wrong | one caption for all | class 2 at layer relu4
def caption(model, image, c):
    look = camlib.Probe(network)
    picture = many.images[[5]]
    A, S = look.forward(picture)
    M = class_activation_maps(A, W)[0, :, :, many.labels[5]]
    c = many.labels[5]
    return (f"CAM at relu4, cells of 8 pixels, {scenes.CLASSES[c]}: logit {S[0, c]:.1f}, p "
            f"{look.probabilities(S)[0, c]:.2f}, {M.min():.0f} to {M.max():.0f}")

# %% caption | wrong | the top class's logit | the logit
def caption(model, image, c):
    look = camlib.Probe(model)
    A, S = look.forward(image)
    M = camlib.class_activation_map(model, image, c)[0]
    return (f"CAM at {look.path}, cells of {96 // A.shape[1]} pixels, {scenes.CLASSES[c]}: logit {S.max():.1f}, p "
            f"{look.probabilities(S)[0, c]:.2f}, {M.min():.0f} to {M.max():.0f}")

# %% caption | wrong | always the course network's layer | missing or wrong, for class 1 at layer rectified: the layer
def caption(model, image, c):
    look = camlib.Probe(model)
    A, S = look.forward(image)
    M = camlib.class_activation_map(model, image, c)[0]
    return (f"CAM at relu4, cells of {96 // A.shape[1]} pixels, {scenes.CLASSES[c]}: logit {S[0, c]:.1f}, p "
            f"{look.probabilities(S)[0, c]:.2f}, {M.min():.0f} to {M.max():.0f}")

# %% caption | wrong | nothing is returned | your caption is NoneType
def caption(model, image, c):
    text = f"CAM of {scenes.CLASSES[c]}"

# %% own_claim | right | SciPy and a bootstrap
rho = spearman()
interval = np.quantile(bootstrap(0), [0.025, 0.975])
verdict = "tendency"

# %% own_claim | right | ranks by hand, another draw
heat_rank, sure_rank = (stats.rankdata(values) for values in (own.max((1, 2)), p.max(1)))
rho = np.corrcoef(heat_rank, sure_rank)[0, 1]
rng = np.random.default_rng(9)
draws = [stats.spearmanr(heat_rank[i], sure_rank[i]).statistic for i in rng.integers(0, 300, (2000, 300))]
interval = (np.percentile(draws, 2.5), np.percentile(draws, 97.5))
verdict = "tendency"

# %% own_claim | wrong | Pearson | rank the scenes first
rho = np.corrcoef(own.max((1, 2)), p.max(1))[0, 1]
interval, verdict = np.quantile(bootstrap(0, 200), [0.025, 0.975]), "tendency"

# %% own_claim | wrong | Kendall | Kendall's
rho = stats.kendalltau(own.max((1, 2)), p.max(1)).statistic
interval, verdict = np.quantile(bootstrap(0, 200), [0.025, 0.975]), "tendency"

# %% own_claim | wrong | the quartiles | 95 % are wanted
rho, interval, verdict = spearman(), np.quantile(bootstrap(0), [0.25, 0.75]), "tendency"

# %% own_claim | wrong | the upper end first | axis 0 runs backwards
rho, interval, verdict = spearman(), np.quantile(bootstrap(0), [0.975, 0.025]), "tendency"

# %% own_claim | wrong | a law | exceptions
rho, interval, verdict = spearman(), np.quantile(bootstrap(0), [0.025, 0.975]), "true"

# %% own_claim | wrong | nothing in it | hold zero
rho, interval, verdict = spearman(), np.quantile(bootstrap(0), [0.025, 0.975]), "false"

# %% budget | right | by pencil, as a list
a_picture = dict(zip(passes, (1, 64, 128, 65, 7 * 7 + 1, 19 * 19 + 1)))
fits = ["Score-CAM", "occlusion 12", "CAM", "SmoothGrad"]

# %% budget | right | counted
a_picture = {
    "CAM": 1,
    "SmoothGrad": 32 * 2,
    "integrated gradients": 64 * 2,
    "Score-CAM": 1 + 64,
    "occlusion 12": camlib.occlusion.passes((96, 96), 24, 12),
    "occlusion 4": camlib.occlusion.passes((96, 96), 24, 4),
}
fits = {name for name, each in a_picture.items() if each * 10_000 <= 1_000_000}

# %% budget | wrong | the ways back forgotten | SmoothGrad: the ways back are missing
a_picture = passes | {"SmoothGrad": 32}
fits = paid

# %% budget | wrong | the picture itself forgotten | the whole picture is missing
a_picture = passes | {"occlusion 12": 49}
fits = paid

# %% budget | wrong | patches side by side | the patches overlap
a_picture = passes | {"occlusion 4": 17}
fits = paid

# %% budget | wrong | for all scenes | CAM: too large
a_picture = {name: 10_000 * each for name, each in passes.items()}
fits = paid

# %% budget | wrong | a list | a dict with the keys CAM
a_picture = list(passes.values())
fits = paid

# %% budget | wrong | one too many | integrated gradients is wrong
a_picture = passes
fits = paid | {"integrated gradients"}

# %% budget | wrong | one is missing | 1 more belong
a_picture = passes
fits = paid - {"Score-CAM"}

# %% worthless | right | never trained
keras.utils.set_random_seed(7)
my_network = camlib.course_network.build()

# %% worthless | right | a head of zeros
my_network = camlib.course_network.load()
*rest, weights, bias = my_network.get_weights()
my_network.set_weights([*rest, 0 * weights, bias])

# %% worthless | wrong | the trained network | and must stay within
my_network = camlib.course_network.load()

# %% worthless | wrong | trained, and turned round | and must stay within
my_network = camlib.course_network.load()
*rest, weights, bias = my_network.get_weights()
my_network.set_weights([*rest, -weights, bias])

# %% worthless | wrong | a head with Flatten | no CAM
my_network = random_network(keras.layers.Flatten())

# %% worthless | wrong | the first network | one for each of the 8 classes
my_network = cnn.first_network("gap", size=96)
