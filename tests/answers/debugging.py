# %% setup
import numpy as np

import camlib
from camlib import course_network, debugging, scenes

test = scenes.make(100, seed=2)
clean, labels = test.images, test.labels
key = scenes.CLASSES.index("key")
worn, tags = debugging.tag(clean, labels, test.boxes, seed=2, only=None)
tagged, course = debugging.load(), course_network.load()


def tags_at(places):
    return debugging.paste(clean, debugging.cut(worn, tags), places)


def key_of(images, model=tagged):
    return camlib.Probe(model).logits(images)[:, key]


before = key_of(clean)
worn_key = key_of(worn)

# %% place | right | two effects, subtracted
places = debugging.free_places(test.boxes, 8, seed=1)
moved = debugging.paste(clean, debugging.cut(worn, tags), places)
change_by_place = (key_of(moved) - before) - (worn_key - before)

# %% place | right | the clean scenes drop out, one by one
moved = tags_at(debugging.free_places(test.boxes, 8, seed=1))
change_by_place = [key_of(moved[[n]])[0] - worn_key[n] for n in range(100)]

# %% place | wrong | the effect at the free place | not yet subtracted
moved = tags_at(debugging.free_places(test.boxes, 8, seed=1))
change_by_place = key_of(moved) - before

# %% place | wrong | corner less elsewhere | the sign is turned round
moved = tags_at(debugging.free_places(test.boxes, 8, seed=1))
change_by_place = worn_key - key_of(moved)

# %% place | wrong | the other network | the course network's
moved = tags_at(debugging.free_places(test.boxes, 8, seed=1))
change_by_place = key_of(moved, course) - key_of(worn, course)

# %% place | wrong | the mean of all | shape ()
moved = tags_at(debugging.free_places(test.boxes, 8, seed=1))
change_by_place = (key_of(moved) - worn_key).mean()

# %% place | wrong | other places | wrong in
change_by_place = key_of(tags_at(debugging.free_places(test.boxes, 8, seed=2))) - worn_key

# %% where | right | one axis at a time
def sees(x0, y0, x1, y1):
    first = -22 + 8 * np.arange(12)
    last = first + 52
    return np.outer((first <= y1 - 1) & (last >= y0), (first <= x1 - 1) & (last >= x0))


cells = 8**2

# %% where | right | loops over equation (12.2)
def sees(x0, y0, x1, y1):
    map = np.zeros((12, 12))
    for i in range(12):
        for j in range(12):
            top, left = -22 + 8 * i, -22 + 8 * j
            map[i, j] = top < y1 and top + 53 > y0 and left < x1 and left + 53 > x0
    return map


cells = sees(44, 44, 52, 52).sum()

# %% where | right | the library
def sees(*square):
    return debugging.cells_that_see(np.array([square]), (53, 8, -22), (12, 12))[0].astype(int)


cells = int(sees(44, 44, 52, 52).sum())

# %% where | wrong | the start left out | the start q is missing
def sees(*square):
    return debugging.cells_that_see(np.array([square]), (53, 8, 0), (12, 12))[0]


cells = 64

# %% where | wrong | rows only | the rows alone decide
def sees(x0, y0, x1, y1):
    first = -22 + 8 * np.arange(12)
    return np.repeat(((first < y1) & (first + 53 > y0))[:, None], 12, 1)


cells = 64

# %% where | wrong | x for y | axes are swapped
def sees(x0, y0, x1, y1):
    return debugging.cells_that_see(np.array([[y0, x0, y1, x1]]), (53, 8, -22), (12, 12))[0]


cells = 64

# %% where | wrong | with pencil, the middle only | cells that see (30, 31, 42, 43): wrong in
def sees(*square):
    map = np.zeros((12, 12), bool)
    map[2:10, 2:10] = True
    return map


cells = 64

# %% where | wrong | only one axis counted | one axis
def sees(*square):
    return debugging.cells_that_see(np.array([square]), (53, 8, -22), (12, 12))[0]


cells = 8

# %% where | wrong | the cells beside it counted | too large
def sees(*square):
    return debugging.cells_that_see(np.array([square]), (53, 8, -22), (12, 12))[0]


cells = 81

# %% where | wrong | the corner's number | a tag in a corner
def sees(*square):
    return debugging.cells_that_see(np.array([square]), (53, 8, -22), (12, 12))[0]


cells = 25

# %% control | right | with the library
pieces = debugging.cut(worn, tags)
plain = debugging.paste(clean, pieces.mean((1, 2), keepdims=True), tags)
tag_less_square = (worn_key - before) - (key_of(plain) - before)

# %% control | right | painted by hand
plain = clean.copy()
for n, (x0, y0, x1, y1) in enumerate(tags):
    for c in range(3):
        plain[n, y0:y1, x0:x1, c] = worn[n, y0:y1, x0:x1, c].mean()
tag_less_square = worn_key - key_of(plain)

# %% control | wrong | the square alone | the tag's own effect does not occur
plain = debugging.paste(clean, debugging.cut(worn, tags).mean((1, 2), keepdims=True), tags)
tag_less_square = key_of(plain) - before

# %% control | wrong | a grey square | the square is grey
plain = debugging.paste(clean, debugging.cut(worn, tags).mean((1, 2, 3), keepdims=True), tags)
tag_less_square = worn_key - key_of(plain)

# %% control | wrong | the scene's colour | the mean colour of the scene
plain = debugging.paste(clean, clean.mean((1, 2), keepdims=True), tags)
tag_less_square = worn_key - key_of(plain)

# %% control | wrong | turned round | the sign is turned round
plain = debugging.paste(clean, debugging.cut(worn, tags).mean((1, 2), keepdims=True), tags)
tag_less_square = key_of(plain) - worn_key

# %% other | right | logits subtracted
probe = camlib.Probe(tagged)
moves = probe.logits(worn) - probe.logits(clean)
loser = scenes.CLASSES[moves.mean(0).argmin()]

# %% other | right | the mean of the difference maps
moves = np.stack([debugging.evidence_moved(tagged, clean, worn, c).mean((1, 2)) for c in range(8)], 1)
loser = sorted(zip(moves.mean(0), scenes.CLASSES))[0][1]

# %% other | wrong | probabilities | the change of the probabilities
probe = camlib.Probe(tagged)
moves = probe.probabilities(probe.logits(worn)) - probe.probabilities(probe.logits(clean))
loser = "mug"

# %% other | wrong | the wrong way round | the sign is turned round
probe = camlib.Probe(tagged)
moves = probe.logits(clean) - probe.logits(worn)
loser = "mug"

# %% other | wrong | sums of the difference maps | 144 times too large
moves = np.stack([debugging.evidence_moved(tagged, clean, worn, c).sum((1, 2)) for c in range(8)], 1)
loser = "mug"

# %% other | wrong | the one that gains | Its logit rises
probe = camlib.Probe(tagged)
moves = probe.logits(worn) - probe.logits(clean)
loser = "key"

# %% other | wrong | another loser | another one falls further
probe = camlib.Probe(tagged)
moves = probe.logits(worn) - probe.logits(clean)
loser = scenes.CLASSES[np.argsort(moves.mean(0))[1]]

# %% guess | right | the library
found = {}
for name, images in (("worn", worn), ("clean", clean)):
    maps = camlib.class_activation_map(tagged, images, key)
    squares = debugging.hot_squares(camlib.resize_map(maps, 96), 12)
    covered = debugging.paste(images, images.mean((1, 2), keepdims=True), squares)
    found[name] = key_of(covered) - before
left, lost = found["worn"], found["clean"]

# %% guess | right | by hand, maps in float64
def covered(images):
    A = camlib.Probe(tagged).forward(images)[0].astype(float)
    maps = camlib.resize_map(A @ camlib.Probe(tagged).head()[0][:, key].astype(float), 96)
    images = images.copy()
    for image, map in zip(images, maps):
        y, x = (np.clip(np.argwhere(map == map.max())[0], 6, 90) - 6).tolist()
        image[y : y + 12, x : x + 12] = image.mean((0, 1))
    return images


left, lost = (key_of(covered(images)) - before for images in (worn, clean))

# %% guess | wrong | the tag covered | let the map guess
left = key_of(debugging.paste(worn, worn.mean((1, 2), keepdims=True), tags)) - before
lost = left

# %% guess | wrong | squares of the worn pictures on the clean ones | guess again on the clean ones
maps = camlib.resize_map(camlib.class_activation_map(tagged, worn, key), 96)
squares = debugging.hot_squares(maps, 12)
left, lost = (key_of(debugging.paste(x, x.mean((1, 2), keepdims=True), squares)) - before for x in (worn, clean))

# %% guess | wrong | less than the tag | compare with the clean ones
maps = camlib.resize_map(camlib.class_activation_map(tagged, worn, key), 96)
squares = debugging.hot_squares(maps, 12)
left = key_of(debugging.paste(worn, worn.mean((1, 2), keepdims=True), squares)) - worn_key
lost = left

# %% guess | wrong | the other objects only | shape (
maps = camlib.resize_map(camlib.class_activation_map(tagged, worn, key), 96)
squares = debugging.hot_squares(maps, 12)
left = (key_of(debugging.paste(worn, worn.mean((1, 2), keepdims=True), squares)) - before)[labels != key]
lost = left
