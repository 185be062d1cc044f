# %% setup
import keras
import numpy as np

import camlib
from camlib import Probe, course_network, occlusion, scenes
from camlib.cnn import softmax

network = course_network.load()
probe = Probe(network)
pair = scenes.make(7, seed=21, objects=2)
one, two = pair.labels[3]
images, _, masks, boxes = scenes.make(6, seed=12)
x0, y0, x1, y1 = boxes[0]
move = (94 - y1 if y0 + y1 < 96 else 2 - y0, 94 - x1 if x0 + x1 < 96 else 2 - x0)
twin = np.where(np.roll(masks[0], move, (0, 1))[..., None], np.roll(images[0], move, (0, 1)), images[0])
both = np.stack([images[0], twin]).astype(np.float32)
leaf = probe.logits(images)[0].argmax()
some = scenes.make(20, seed=61)
tops = occlusion.places(96, 16, 16)
touches = np.array([[[m[y:y + 16, x:x + 16].any() for x in tops] for y in tops] for m in some.masks])
rng = np.random.default_rng(0)
u, wide = rng.normal(size=(40, 64, 3)), rng.random((40, 64, 3))
block = np.zeros((40, 64, 3))
block[16:24, 48:56, 1] = 1  # the green at the right


def largest(experiment):
    return [map.max() for map in experiment]


def right_smallest(size, patch, budget):
    return next(s for s in range(1, patch + 1) if occlusion.passes(size, patch, s) <= budget)


# %% budget | right | the cheapest way to say it
def smallest(size, patch, budget):
    return min(s for s in range(1, patch + 1) if occlusion.passes(size, patch, s) <= budget)


stride_1 = occlusion.passes((480, 640), 64, 1)

# %% budget | right | by the formula, stride by stride
def smallest(size, patch, budget):
    s = 1
    while (-(-(size[0] - patch) // s) + 1) * (-(-(size[1] - patch) // s) + 1) + 1 > budget:
        s += 1
    return s


stride_1 = (480 - 64 + 1) * (640 - 64 + 1) + 1

# %% budget | wrong | the uncovered picture forgotten | you forgot the uncovered picture
def smallest(size, patch, budget):
    return min(s for s in range(1, patch + 1) if occlusion.passes(size, patch, s) - 1 <= budget)


stride_1 = occlusion.passes((480, 640), 64, 1) - 1

# %% budget | wrong | the border left out | stride 23 costs 541 passes
def smallest(size, patch, budget):
    return min(s for s in range(1, patch + 1)
               if ((size[0] - patch) // s + 1) * ((size[1] - patch) // s + 1) + 1 <= budget)


stride_1 = occlusion.passes((480, 640), 64, 1)

# %% budget | wrong | the largest stride | smallest((480, 640), 64, 500): too large
def smallest(size, patch, budget):
    return patch


stride_1 = occlusion.passes((480, 640), 64, 1)

# %% budget | wrong | fewer than the budget | smallest((480, 640), 64, 476): too large
def smallest(size, patch, budget):
    return min(s for s in range(1, patch + 1) if occlusion.passes(size, patch, s) < budget)


stride_1 = occlusion.passes((480, 640), 64, 1)

# %% budget | wrong | a patch a pixel | it has to lie inside
smallest, stride_1 = right_smallest, 480 * 640 + 1

# %% budget | wrong | one place too few | one place too few in each direction
smallest, stride_1 = right_smallest, (480 - 64) * (640 - 64) + 1

# %% two_classes | right | a function as target
difference = occlusion.occlusion_map(network, pair.images[[3]], lambda S: S[:, one] - S[:, two]).squeeze()
on_objects = [difference[mask].mean() for mask in pair.masks[3]]

# %% two_classes | right | a difference of maps
mug, house = occlusion.occlusion_map(network, np.stack([pair.images[3]] * 2), pair.labels[3])
difference = (mug - house).astype(np.float32)
on_objects = (pair.masks[3] * difference).sum((1, 2)) / pair.masks[3].sum((1, 2))

# %% two_classes | wrong | the other way round | the house less the mug
difference = occlusion.occlusion_map(network, pair.images[[3]], lambda S: S[:, two] - S[:, one])[0]
on_objects = [difference[mask].mean() for mask in pair.masks[3]]

# %% two_classes | wrong | the mug alone | the map of the mug alone
difference = occlusion.occlusion_map(network, pair.images[[3]], int(one))[0]
on_objects = [difference[mask].mean() for mask in pair.masks[3]]

# %% two_classes | wrong | probabilities | the difference of the probabilities
difference = occlusion.occlusion_map(
    network, pair.images[[3]], lambda S: keras.ops.softmax(S)[:, one] - keras.ops.softmax(S)[:, two])[0]
on_objects = [difference[mask].mean() for mask in pair.masks[3]]

# %% two_classes | wrong | the other order of objects | that of the other object
difference = occlusion.occlusion_map(network, pair.images[[3]], lambda S: S[:, one] - S[:, two])[0]
on_objects = [difference[mask].mean() for mask in pair.masks[3][::-1]]

# %% two_classes | wrong | no sign | on the house: of the absolute values
difference = occlusion.occlusion_map(network, pair.images[[3]], lambda S: S[:, one] - S[:, two])[0]
on_objects = [abs(difference[mask].mean()) for mask in pair.masks[3]]

# %% keep | right | the fill and the picture change places
blurred = occlusion.fill_pictures(both, "blur", patch=32)
fall = occlusion.occlusion_drops(network, both, leaf, patch=32, fill="blur", score="probability")
rise = -occlusion.occlusion_drops(network, blurred, leaf, patch=32, fill=both, score="probability")
change = np.transpose([largest(fall), largest(rise)])
sees = "uncovering"

# %% keep | right | one scene at a time, the smallest drop turned round
change = []
for picture in both:
    blurred = occlusion.fill_pictures(picture[None], "blur", patch=32)
    options = dict(target=int(leaf), patch=32, stride=8, score="probability")
    fall = occlusion.occlusion_drops(network, picture[None], fill=blurred, **options)
    rise = occlusion.occlusion_drops(network, blurred, fill=picture, **options)
    change.append([fall.max(), -rise.min()])
sees = "uncovering"

# %% keep | wrong | the sign of the rise forgotten | the sign forgotten
blurred = occlusion.fill_pictures(both, "blur", patch=32)
options = dict(patch=32, stride=8, score="probability")
fall = occlusion.occlusion_drops(network, both, leaf, fill="blur", **options)
rise = occlusion.occlusion_drops(network, blurred, leaf, fill=both, **options)
change = np.transpose([largest(fall), largest(rise)])
sees = "uncovering"

# %% keep | wrong | the map for the patches | the largest of the map
blurred = occlusion.fill_pictures(both, "blur", patch=32)
options = dict(patch=32, stride=8, score="probability")
fall = occlusion.occlusion_map(network, both, leaf, fill="blur", **options)
rise = -occlusion.occlusion_map(network, blurred, leaf, fill=both, **options)
change = np.transpose([largest(fall), largest(rise)])
sees = "uncovering"

# %% keep | wrong | scenes and experiments exchanged | your change of p, one leaf, uncovering: too small
blurred = occlusion.fill_pictures(both, "blur", patch=32)
options = dict(patch=32, stride=8, score="probability")
fall = occlusion.occlusion_drops(network, both, leaf, fill="blur", **options)
rise = -occlusion.occlusion_drops(network, blurred, leaf, fill=both, **options)
change = [largest(fall), largest(rise)]
sees = "uncovering"

# %% keep | wrong | the rows exchanged | that of the other scene
blurred = occlusion.fill_pictures(both, "blur", patch=32)
options = dict(patch=32, stride=8, score="probability")
fall = occlusion.occlusion_drops(network, both, leaf, fill="blur", **options)
rise = -occlusion.occlusion_drops(network, blurred, leaf, fill=both, **options)
change = np.transpose([largest(fall), largest(rise)])[::-1]
sees = "uncovering"

# %% keep | wrong | logits | one leaf, covering: too large
fall = occlusion.occlusion_drops(network, both, leaf, patch=32, fill="blur")
change, sees = np.transpose([largest(fall)] * 2), "uncovering"

# %% keep | wrong | the blind one | which change is nearly none?
blurred = occlusion.fill_pictures(both, "blur", patch=32)
options = dict(patch=32, stride=8, score="probability")
fall = occlusion.occlusion_drops(network, both, leaf, fill="blur", **options)
rise = -occlusion.occlusion_drops(network, blurred, leaf, fill=both, **options)
change = np.transpose([largest(fall), largest(rise)])
sees = "covering"

# %% background | right | camlib's drops
free = ~(touches[:10] | touches[10:])
false_drops = [
    np.abs(occlusion.occlusion_drops(network, some.images[:10], stride=16, fill=fill))[free].mean()
    for fill in ("mean", some.images[10:])]

# %% background | right | place by place
S = probe.logits(some.images[:10])
sums, count = np.zeros(2), 0
for n in range(10):
    c = S[n].argmax()
    for i, y in enumerate(tops):
        for j, x in enumerate(tops):
            if touches[n, i, j] or touches[n + 10, i, j]:
                continue
            hidden = np.stack([some.images[n]] * 2)
            hidden[0, y:y + 16, x:x + 16] = some.images[n].mean((0, 1))
            hidden[1, y:y + 16, x:x + 16] = some.images[n + 10, y:y + 16, x:x + 16]
            sums += abs(S[n, c] - probe.logits(hidden)[:, c])
            count += 1
false_drops = sums / count

# %% background | wrong | all patches | those on objects too
false_drops = [np.abs(occlusion.occlusion_drops(network, some.images[:10], stride=16, fill=fill)).mean()
               for fill in ("mean", some.images[10:])]

# %% background | wrong | the second object forgotten | but may show the second
false_drops = [
    np.abs(occlusion.occlusion_drops(network, some.images[:10], stride=16, fill=fill))[~touches[:10]].mean()
    for fill in ("mean", some.images[10:])]

# %% background | wrong | drops with their signs | which cancel
free = ~(touches[:10] | touches[10:])
false_drops = [occlusion.occlusion_drops(network, some.images[:10], stride=16, fill=fill)[free].mean()
               for fill in ("mean", some.images[10:])]

# %% background | wrong | a black patch | fill other ground: too large
free = ~(touches[:10] | touches[10:])
false_drops = [np.abs(occlusion.occlusion_drops(network, some.images[:10], stride=16, fill=fill))[free].mean()
               for fill in ("mean", 0)]

# %% turned | right | two lines each
def turns(method):
    return np.allclose(method(u, wide), method(u.transpose(1, 0, 2), wide.transpose(1, 0, 2)).T)


def finds(method):
    return block.any(2).ravel()[method(block, wide).argmax()]


catches = "evidence"

# %% turned | right | another block, exact numbers
def turns(method):
    upright, turned = method(u, wide), method(np.swapaxes(u, 0, 1), np.swapaxes(wide, 0, 1))
    return upright.shape == turned.shape[::-1] and np.abs(upright - turned.T).max() < 1e-6


def finds(method):
    weights = np.zeros((40, 64, 3))
    weights[8:16, 48:64] = 1
    place = np.unravel_index(method(weights, wide).argmax(), (40, 64))
    return weights[place].all()


catches = "evidence"

# %% turned | wrong | a square picture | your check lets through: patches higher than wide
def turns(method):
    square = wide[:, :40]
    return method(u[:, :40], square).shape == method(u[:, :40].swapaxes(0, 1), square.swapaxes(0, 1)).shape


def finds(method):
    return block.any(2).ravel()[method(block, wide).argmax()]


catches = "evidence"

# %% turned | wrong | not turned back | your check stops with ValueError
def turns(method):
    return np.allclose(method(u, wide), method(u.swapaxes(0, 1), wide.swapaxes(0, 1)))


def finds(method):
    return block.any(2).ravel()[method(block, wide).argmax()]


catches = "evidence"

# %% turned | wrong | evidence at the upper left, where the bug looks | your check lets through: swapped axes
def turns(method):
    return np.allclose(method(u, wide), method(u.swapaxes(0, 1), wide.swapaxes(0, 1)).T)


def finds(method):
    weights = np.zeros((40, 64, 3))
    weights[:8, :8] = 1
    return method(weights, wide).argmax() % 64 < 16


catches = "evidence"

# %% turned | wrong | the law of symmetry | Its mistake is the same in both directions.
def turns(method):
    return np.allclose(method(u, wide), method(u.swapaxes(0, 1), wide.swapaxes(0, 1)).T)


def finds(method):
    return block.any(2).ravel()[method(block, wide).argmax()]


catches = "turning"
