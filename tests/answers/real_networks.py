# %% setup
from itertools import combinations

import keras
import numpy as np

import camlib
from camlib import pretrained

network = pretrained.load("MobileNetV2")
model = network.model
photos = pretrained.photographs()
names = list(photos)
probe = camlib.Probe(model)
x = network.prepare(list(photos.values()))
A, S = probe.forward(x)
p = camlib.cnn.softmax(S)
W, b = probe.head()
c = S.argmax(1)
every = np.tensordot(A, W, 1)
library = camlib.class_activation_map(model, x)
L = camlib.grad_cam(model, x)
boxes = {"chelsea": (35, 0, 400, 300), "coffee": (75, 15, 480, 390),
         "rocket": (303, 125, 342, 418), "motorcycle": (92, 78, 690, 452)}
iou = camlib.intersection_over_union
two = [pretrained.class_index(label) for label in ("Egyptian_cat", "espresso")]
scooter, moped, missile = (pretrained.class_index(label) for label in ("motor_scooter", "moped", "missile"))

# %% pile | right | by the library, one class after the other
turned = pretrained.above(photos["coffee"], photos["chelsea"])
turned_x = network.prepare([turned])
turned_maps = np.concatenate([camlib.class_activation_map(model, turned_x, number) for number in two])
cat_half, coffee_half = "lower", "upper"

# %% pile | right | channel by channel, float64
turned_A = probe.forward(network.prepare([pretrained.above(photos["coffee"], photos["chelsea"])]))[0][0].astype(float)
turned_maps = np.zeros((2, 7, 7))
for k in range(turned_A.shape[2]):
    for i in range(2):
        turned_maps[i] += W[k, two[i]] * turned_A[:, :, k]
cat_half, coffee_half = ("upper" if m.argmax() < 24 else "lower" for m in turned_maps)

# %% pile | right | Grad-CAM times 49, as lists
turned_x = network.prepare([pretrained.above(photos["coffee"], photos["chelsea"])])
turned_maps = [(49 * camlib.grad_cam(model, turned_x, number)[0]).tolist() for number in two]
cat_half, coffee_half = "lower", "upper"

# %% pile | wrong | the pile of round 5 | with the cat on top
old_x = network.prepare([pretrained.above(photos["chelsea"], photos["coffee"])])
turned_maps = np.stack([camlib.class_activation_map(model, old_x, number)[0] for number in two])
cat_half, coffee_half = "upper", "lower"

# %% pile | wrong | the other order | the cat comes first
turned_x = network.prepare([pretrained.above(photos["coffee"], photos["chelsea"])])
turned_maps = [camlib.class_activation_map(model, turned_x, number)[0] for number in two[::-1]]
cat_half, coffee_half = "lower", "upper"

# %% pile | wrong | the things keep their halves | cat_half: upper is wrong
turned_x = network.prepare([pretrained.above(photos["coffee"], photos["chelsea"])])
turned_maps = np.stack([camlib.class_activation_map(model, turned_x, number)[0] for number in two])
cat_half, coffee_half = "upper", "lower"

# %% pile | wrong | Grad-CAM as it is | 1/49 of the right one
turned_x = network.prepare([pretrained.above(photos["coffee"], photos["chelsea"])])
turned_maps = np.stack([camlib.grad_cam(model, turned_x, number)[0] for number in two])
cat_half, coffee_half = "lower", "upper"

# %% mirror | right | slices
mirrored_back = camlib.class_activation_map(model, x[:, :, ::-1].copy(), c)[:, :, ::-1]
moved_peaks = {name for name, m, n in zip(names, library, mirrored_back) if m.argmax() != n.argmax()}

# %% mirror | right | one photograph at a time, a list of names
mirrored_back, moved_peaks = [], []
for n, name in enumerate(names):
    m = np.fliplr(camlib.class_activation_map(model, np.fliplr(x[n])[None], int(c[n]))[0])
    if np.unravel_index(m.argmax(), (7, 7)) != np.unravel_index(library[n].argmax(), (7, 7)):
        moved_peaks.append(name)
    mirrored_back.append(m)

# %% mirror | wrong | not mirrored back | not mirrored back
mirrored_back = camlib.class_activation_map(model, x[:, :, ::-1].copy(), c)
moved_peaks = set(names)

# %% mirror | wrong | top and bottom exchanged | top and bottom
mirrored_back = camlib.class_activation_map(model, x[:, ::-1].copy(), c)[:, ::-1]
moved_peaks = set()

# %% mirror | wrong | the old maps | as they were
mirrored_back, moved_peaks = library, set()

# %% mirror | wrong | all peaks | rocket is wrong. Its peak is in the same cell.
mirrored_back = camlib.class_activation_map(model, x[:, :, ::-1].copy(), c)[:, :, ::-1]
moved_peaks = names

# %% mirror | wrong | one is missing | 1 more belong to it
mirrored_back = camlib.class_activation_map(model, x[:, :, ::-1].copy(), c)[:, :, ::-1]
moved_peaks = {"chelsea", "coffee"}

# %% difference | right | from the maps of all classes
votes = every[3, :, :, scooter] - every[3, :, :, moped]
scooter_cells = int((votes > 0).sum())
log_odds = np.log(p[3, scooter] / p[3, moped])

# %% difference | right | the difference of the weights, and of the logits
votes = A[3] @ (W[:, scooter] - W[:, moped])
scooter_cells = sum(vote > 0 for row in votes for vote in row)
log_odds = S[3, scooter] - S[3, moped]

# %% difference | right | by the law
votes = np.subtract(*(camlib.class_activation_map(model, x[3:], number)[0] for number in (scooter, moped)))
scooter_cells = np.count_nonzero(votes > 0)
log_odds = votes.mean() + b[scooter] - b[moped]

# %% difference | wrong | moped less scooter | the sign is turned round
votes = every[3, :, :, moped] - every[3, :, :, scooter]
scooter_cells, log_odds = int((votes > 0).sum()), np.log(p[3, moped] / p[3, scooter])

# %% difference | wrong | an overlay's difference | lost their negative part
votes = np.maximum(every[3, :, :, scooter], 0) - np.maximum(every[3, :, :, moped], 0)
scooter_cells, log_odds = int((votes > 0).sum()), np.log(p[3, scooter] / p[3, moped])

# %% difference | wrong | the other side's cells | vote for the moped
votes = every[3, :, :, scooter] - every[3, :, :, moped]
scooter_cells, log_odds = int((votes < 0).sum()), np.log(p[3, scooter] / p[3, moped])

# %% difference | wrong | no biases | the biases are missing
votes = every[3, :, :, scooter] - every[3, :, :, moped]
scooter_cells, log_odds = int((votes > 0).sum()), votes.mean()

# %% difference | wrong | no logarithm | the ratio itself
votes = every[3, :, :, scooter] - every[3, :, :, moped]
scooter_cells, log_odds = int((votes > 0).sum()), p[3, scooter] / p[3, moped]

# %% absent | right | by the library
m, = camlib.class_activation_map(model, x[:1], missile)
scaled_missile = camlib.normalize_map(m, "relu")
missile_share = m.max() / library[0].max()

# %% absent | right | clipped
m = every[0, :, :, missile].astype(float)
scaled_missile = np.clip(m / m.max(), 0, 1)
missile_share = float(m.max()) / float(library[0].max())

# %% absent | wrong | stretched | stretched
m = every[0, :, :, missile]
scaled_missile = (m - m.min()) / (m.max() - m.min())
missile_share = m.max() / library[0].max()

# %% absent | wrong | the cat's scale | on the scale of the cat's own map
m = every[0, :, :, missile]
scaled_missile = np.maximum(m, 0) / library[0].max()
missile_share = scaled_missile.max()

# %% absent | wrong | signed | cut off the negative part
m = every[0, :, :, missile]
scaled_missile, missile_share = m / m.max(), m.max() / library[0].max()

# %% absent | wrong | the share of what is already scaled | too large
scaled_missile = camlib.normalize_map(every[0, :, :, missile], "relu")
missile_share = scaled_missile.max() / camlib.normalize_map(library[0], "relu").max()

# %% absent | wrong | logits | no share
m = every[0, :, :, missile]
scaled_missile, missile_share = camlib.normalize_map(m, "relu"), m.max()

# %% softmax | right | equation (8.4)
average = np.einsum("nijc,nc->nij", every, p)
predicted = p[np.arange(4), c][:, None, None] / 49 * (library - average)
of_p = camlib.grad_cam(model, x, target=lambda logits: keras.ops.max(keras.ops.softmax(logits), axis=1))
same_picture = {name for n, name in enumerate(names)
                if np.corrcoef(of_p[n].ravel(), library[n].ravel())[0, 1] > 0.99}
paler = [abs(L[n]).max() / abs(of_p[n]).max() for n in range(4)]

# %% softmax | right | loops over photographs, the weights averaged first
predicted, same_picture = np.zeros((4, 7, 7)), []
for n in range(4):
    predicted[n] = p[n, c[n]] * (A[n] @ (W[:, c[n]] - W @ p[n])) / 49
    if np.corrcoef(predicted[n].flat, library[n].flat)[0, 1] > 0.99:
        same_picture.append(names[n])
paler = np.abs(library).max((1, 2)) / 49 / np.abs(predicted).max((1, 2))

# %% softmax | wrong | only the top map | the average map is not taken away
predicted = p[np.arange(4), c][:, None, None] / 49 * library
same_picture, paler = set(names), np.ones(4)

# %% softmax | wrong | the logit's map | no probability in them
predicted, same_picture, paler = L, set(names), np.ones(4)

# %% softmax | wrong | a plain average | all words count alike
predicted = p[np.arange(4), c][:, None, None] / 49 * (library - every.mean(-1))
same_picture, paler = set(names), np.ones(4)

# %% softmax | wrong | p forgotten | the factor p is missing
predicted = (library - np.einsum("nijc,nc->nij", every, p)) / 49
same_picture, paler = set(names), np.ones(4)

# %% softmax | wrong | Z forgotten | 49 times too large
predicted = p[np.arange(4), c][:, None, None] * (library - np.einsum("nijc,nc->nij", every, p))
same_picture, paler = set(names), np.ones(4)

# %% softmax | wrong | all are the same picture | chelsea is wrong
predicted = p[np.arange(4), c][:, None, None] / 49 * (library - np.einsum("nijc,nc->nij", every, p))
same_picture, paler = set(names), np.ones(4)

# %% softmax | wrong | compared with the CAM | paler, chelsea: compared with the CAM
predicted = p[np.arange(4), c][:, None, None] / 49 * (library - np.einsum("nijc,nc->nij", every, p))
same_picture, paler = "coffee", np.abs(library).max((1, 2)) / np.abs(predicted).max((1, 2))

# %% softmax | wrong | the factor turned over | turned over
predicted = p[np.arange(4), c][:, None, None] / 49 * (library - np.einsum("nijc,nc->nij", every, p))
same_picture, paler = ["coffee"], np.abs(predicted).max((1, 2)) / np.abs(L).max((1, 2))

# %% softmax | wrong | one number for all | shape (), and 4 numbers are wanted
predicted = p[np.arange(4), c][:, None, None] / 49 * (library - np.einsum("nijc,nc->nij", every, p))
same_picture, paler = ["coffee"], 8

# %% cells | right | all boxes at once
lines = list(combinations(np.linspace(0, 1, 8), 2))
units = np.array([(a, top, z, end) for a, z in lines for top, end in lines])
best_iou = [iou(units * (photo.shape[1::-1] * 2), boxes[name]).max() for name, photo in photos.items()]
reached = {name for name, value in zip(photos, best_iou) if value >= 0.5}

# %% cells | right | counting pixels of a fine grid of lines, four loops
best_iou = np.zeros(4)
for n, (name, photo) in enumerate(photos.items()):
    height, width = photo.shape[:2]
    for x0 in range(7):
        for x1 in range(x0 + 1, 8):
            for y0 in range(7):
                for y1 in range(y0 + 1, 8):
                    box = (x0 * width / 7, y0 * height / 7, x1 * width / 7, y1 * height / 7)
                    best_iou[n] = max(best_iou[n], iou(box, boxes[name]))
reached = list(np.array(names)[best_iou >= 0.5])

# %% cells | wrong | boxes of at most six cells a side | too small
lines = [(a, z) for a in range(7) for z in range(a + 1, 7)]
units = np.array([(a, top, z, end) for a, z in lines for top, end in lines]) / 7
best_iou = [iou(units * (photo.shape[1::-1] * 2), boxes[name]).max() for name, photo in photos.items()]
reached = {"chelsea", "coffee", "motorcycle"}

# %% cells | wrong | height and width exchanged | rows for columns
lines = [(a, z) for a in range(8) for z in range(a + 1, 8)]
units = np.array([(a, top, z, end) for a, z in lines for top, end in lines]) / 7
best_iou = [iou(units * (photo.shape[:2] * 2), boxes[name]).max() for name, photo in photos.items()]
reached = {"chelsea", "coffee", "motorcycle"}

# %% cells | wrong | the rocket, too | rocket is wrong. Its best box stays below 0.5.
lines = [(a, z) for a in range(8) for z in range(a + 1, 8)]
units = np.array([(a, top, z, end) for a, z in lines for top, end in lines]) / 7
best_iou = [iou(units * (photo.shape[1::-1] * 2), boxes[name]).max() for name, photo in photos.items()]
reached = set(names)

# %% cells | wrong | one number for all | and 4 numbers are wanted
best_iou, reached = 0.88, {"chelsea", "coffee", "motorcycle"}
