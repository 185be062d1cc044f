# %% setup
import cv2
import numpy as np
from scipy import stats

import camlib
from camlib import evaluation, occlusion, scenes
from camlib.intervals import mean_interval
from camlib.localization import box_accuracy, energy_in_mask, max_box_accuracy
from camlib.saliency import magnitude, saliency

network = camlib.course_network.load()
images, labels, masks, boxes = scenes.make(100, seed=2)
others = scenes.make(30, seed=3)
blurred = occlusion.fill_pictures(images, "blur")
cam = camlib.resize_map(camlib.class_activation_map(network, images, labels), 96)
fine = magnitude(saliency(network, images, labels))
options = dict(steps=8, fill="blur")
by_cam = evaluation.deletion(network, images, cam, labels, **options)
smooth = evaluation.deletion(network, images, evaluation.random_map(100, 96), labels, **options)
by_lot = evaluation.deletion(network, images, np.zeros((100, 96, 96)), labels, **options)
made_once = occlusion.occlusion_map(network, images, labels, patch=16, stride=16, fill="blur", score="probability")
gain_once = by_cam - evaluation.deletion(network, images, made_once, labels, **options)


def measure(maps, fill="blur"):
    return energy_in_mask(maps, masks), evaluation.confidence_drop(network, images, maps, labels, fill=fill)[0]


soft_once = measure(np.stack([cv2.GaussianBlur(map, (0, 0), 4) for map in fine]))

# %% blur | right | by OpenCV
soft = np.stack([cv2.GaussianBlur(map, (0, 0), 4) for map in fine])
soft_energy = energy_in_mask(soft, masks)
soft_drop, _ = evaluation.confidence_drop(network, images, soft, labels, fill="blur")
gains = "drop"

# %% blur | right | rows, then columns, in float64
x = np.arange(-16, 17)
weights = np.exp(-(x**2) / 32)
soft = np.pad(fine.astype(float), ((0, 0), (16, 16), (16, 16)), mode="reflect")
for axis in (1, 2):
    soft = np.apply_along_axis(np.convolve, axis, soft, weights / weights.sum(), "valid")
soft_energy = [(map * mask).sum() / map.sum() for map, mask in zip(soft, masks)]
veil = (soft / soft.max((1, 2), keepdims=True))[..., None]
look = camlib.Probe(network)
p, after = (
    look.probabilities(look.logits(pictures.astype(np.float32)))[np.arange(100), labels]
    for pictures in (images, veil * images + (1 - veil) * blurred)
)
soft_drop = np.maximum(p - after, 0) / p
gains = "drop"

# %% blur | wrong | not blurred | the map is not blurred
soft_energy, soft_drop = measure(fine)
gains = "drop"

# %% blur | wrong | blurred before the magnitude | blur its magnitude
G = saliency(network, images, labels)
soft_energy, soft_drop = measure(magnitude(np.stack([cv2.GaussianBlur(g, (0, 0), 4) for g in G])))
gains = "drop"

# %% blur | wrong | a black fill | the fill is black
soft_energy, soft_drop = soft_once[0], measure(np.stack([cv2.GaussianBlur(map, (0, 0), 4) for map in fine]), 0.0)[1]
gains = "drop"

# %% blur | wrong | the mean of all | shape ()
soft_energy, soft_drop = soft_once[0].mean(), soft_once[1].mean()
gains = "drop"

# %% blur | wrong | the other measure | is large good
soft_energy, soft_drop = soft_once
gains = "energy"

# %% game | right | by the library
made = occlusion.occlusion_map(network, images, labels, patch=16, stride=16, fill="blur", score="probability")
gain = by_cam - evaluation.deletion(network, images, made, labels, **options)
proves = "b"

# %% game | right | block by block
look = camlib.Probe(network)
heat = np.zeros((100, 6, 6))
before = look.probabilities(look.logits(images))[np.arange(100), labels]
for i in range(6):
    for j in range(6):
        inside = np.zeros((96, 96, 1), bool)
        inside[16 * i : 16 * i + 16, 16 * j : 16 * j + 16] = True
        p = look.probabilities(look.logits(np.where(inside, blurred, images)))
        heat[:, i, j] = before - p[np.arange(100), labels]
made = np.kron(heat, np.ones((1, 16, 16)))
gain = by_cam - evaluation.area(evaluation.deletion_curve(network, images, made, labels, **options))
proves = "b"

# %% game | wrong | the logit's fall | the probability is asked
made = occlusion.occlusion_map(network, images, labels, patch=16, stride=16, fill="blur")
gain, proves = gain_once, "b"

# %% game | wrong | another fill | the fill is the mean colour
made = occlusion.occlusion_map(network, images, labels, patch=16, stride=16, fill="mean", score="probability")
gain, proves = gain_once, "b"

# %% game | wrong | six by six cells | shape (5, 6, 6)
made = made_once[:, ::16, ::16]
gain, proves = gain_once, "b"

# %% game | wrong | its deletion, not the gain | subtract it from CAM's
made = made_once
gain, proves = evaluation.deletion(network, images, made, labels, **options), "b"

# %% game | wrong | the gain's sign | the sign is turned round
made, gain, proves = made_once, -gain_once, "b"

# %% game | wrong | the mean gain | an entry for each of 100 scenes
made, gain, proves = made_once, gain_once.mean(), "b"

# %% game | wrong | it proves pointing | Compare the pointing
made, gain, proves = made_once, gain_once, "a"

# %% game | wrong | it proves the sum | only the order
made, gain, proves = made_once, gain_once, "c"

# %% chance | right | a constant map
flat = np.zeros((100, 96, 96))
lot = evaluation.deletion(network, images, flat, labels, steps=8, fill="blur")
gap = smooth - lot
interval = mean_interval(gap)[1:]
differs = "no"

# %% chance | right | ones, and a bootstrap by hand
curves = evaluation.deletion_curve(network, images, np.ones((100, 96, 96)), labels, steps=8, fill=blurred)
lot = ((curves[:, 1:] + curves[:, :-1]) / 2).mean(1)
gap = [a - b for a, b in zip(smooth, lot)]
draws = np.random.default_rng(3).choice(gap, (4000, 100)).mean(1)
interval = np.quantile(draws, [0.025, 0.975])
differs = "no"

# %% chance | wrong | the smooth map itself | the smooth random map's
lot, gap, interval, differs = smooth, smooth - by_lot, mean_interval(smooth - by_lot)[1:], "no"

# %% chance | wrong | the gap's sign | the sign is turned round
lot, gap, interval, differs = by_lot, by_lot - smooth, mean_interval(by_lot - smooth)[1:], "no"

# %% chance | wrong | the spread of the scenes | where single scenes lie
lot, gap = by_lot, smooth - by_lot
interval, differs = gap.mean() + np.array([-1.98, 1.98]) * gap.std(), "no"

# %% chance | wrong | not paired | the differences are paired
lot, gap = by_lot, smooth - by_lot
width = 1.98 * np.sqrt((lot.var() + smooth.var()) / 100)
interval, differs = (gap.mean() - width, gap.mean() + width), "no"

# %% chance | wrong | the mean as well | shape (3,)
lot, gap = by_lot, smooth - by_lot
interval, differs = mean_interval(gap), "no"

# %% chance | wrong | a difference seen | Does your interval hold zero
lot, gap = by_lot, smooth - by_lot
interval, differs = mean_interval(gap)[1:], "yes"

# %% threshold | right | by the library
best, own_threshold = max_box_accuracy(cam, boxes)
cam_3 = camlib.resize_map(camlib.class_activation_map(network, others.images, others.labels), 96)
honest = box_accuracy(cam, boxes, max_box_accuracy(cam_3, others.boxes)[1])
rise, can_fall = best - honest, "no"

# %% threshold | right | all thresholds by hand
cam_3 = camlib.resize_map(camlib.class_activation_map(network, others.images, others.labels), 96)
levels = [k / 20 for k in range(1, 20)]
at_3 = [box_accuracy(cam_3, others.boxes, level) for level in levels]
at_2 = [box_accuracy(cam, boxes, level) for level in levels]
rise, can_fall = np.float32(max(at_2) - at_2[at_3.index(max(at_3))]), "no"

# %% threshold | wrong | the flattered accuracy | that is an accuracy
rise, can_fall = max_box_accuracy(cam, boxes)[0], "no"

# %% threshold | wrong | two sets of scenes | each on its own scenes
cam_3 = camlib.resize_map(camlib.class_activation_map(network, others.images, others.labels), 96)
rise, can_fall = max_box_accuracy(cam, boxes)[0] - max_box_accuracy(cam_3, others.boxes)[0], "no"

# %% threshold | wrong | the thresholds' difference | how far the threshold moves
cam_3 = camlib.resize_map(camlib.class_activation_map(network, others.images, others.labels), 96)
rise, can_fall = max_box_accuracy(cam, boxes)[1] - max_box_accuracy(cam_3, others.boxes)[1], "no"

# %% threshold | wrong | it may fall | is among those tried
cam_3 = camlib.resize_map(camlib.class_activation_map(network, others.images, others.labels), 96)
rise = max_box_accuracy(cam, boxes)[0] - box_accuracy(cam, boxes, max_box_accuracy(cam_3, others.boxes)[1])
can_fall = "yes"
