# %% setup
from functools import cache
from types import SimpleNamespace

import numpy as np
from scipy.stats import binomtest

import camlib
from camlib import enhancement, scenes

network = camlib.course_network.load()
probe = camlib.Probe(network)
made, rng = scenes.make(50, seed=2), np.random.default_rng(0)
noisy = np.concatenate([np.clip(made.images + rng.normal(0, s, made.images.shape), 0, 1) for s in (0.05, 0.12, 0.08, 0.1)])
at = SimpleNamespace(images=noisy.astype(np.float32), labels=np.tile(made.labels, 4))


def answers(images):
    return probe.probabilities(probe.logits(images))


def look(labels, weight):
    p = rng.dirichlet([0.1] * 8, len(labels))
    return (p + weight * np.eye(8)[labels]) / (1 + weight)


before = answers(at.images).argmax(1) == at.labels
maps = camlib.class_activation_map(network, at.images)
levels = {name: SimpleNamespace(labels=rng.integers(0, 8, 300)) for name in ("3 to 7", "20", "40")}
first = {name: look(s.labels, weight) for (name, s), weight in zip(levels.items(), (0.9, 0.7, 0.5))}
second = {(name, "mask"): look(s.labels, 0.6) for name, s in levels.items()}
rivals = {"mask by CAM": second["40", "mask"], "mask by another scene's CAM": look(levels["40"].labels, 0.2)}


def counted(name, p):
    result = enhancement.paired(first[name].argmax(1) == levels[name].labels, p.argmax(1) == levels[name].labels)
    return [result.repaired, result.broken]


def kept(a, z):
    return np.where((a.max(1) >= 0.9)[:, None], a, z)


def larger(a, z):
    return np.where((a.max(1) >= z.max(1))[:, None], a, z)


@cache  # the dearest part of each answer, and the same in all
def cropped(seed):
    return answers(enhancement.crop(at.images, enhancement.random_windows(np.tile([0, 0, 90, 90], (200, 1)), 96, seed)))


def halves(seed, alone=False):
    p = cropped(seed)
    p = p if alone else (answers(at.images) + p) / 2
    gain = (p.argmax(1) == at.labels) * 1.0 - before
    return gain[:100].mean(), gain[100:].mean()


# %% black | right | by the library
black_look = answers(enhancement.weight(at.images, maps))
black_change = (black_look.argmax(1) == at.labels).mean() - before.mean()

# %% black | right | scene by scene, counted by pairs
black_look = np.zeros((200, 8))
for n, (image, m) in enumerate(zip(at.images, camlib.resize_map(maps, 96))):
    black_look[n] = answers((np.maximum(m, 0) / m.max())[None, :, :, None] * image)[0]
black_change = enhancement.paired(before, black_look.argmax(1) == at.labels).change

# %% black | wrong | the mean colour | the mean colour is the fill
black_look = answers(enhancement.weight(at.images, maps, at.images.mean((1, 2))[:, None, None]))
black_change = 0

# %% black | wrong | the first look | nothing was changed
black_look, black_change = answers(at.images), 0

# %% black | wrong | a mask | black_look, the first 40 scenes: wrong in
black_look, black_change = answers(enhancement.mask(at.images, maps)), 0

# %% black | wrong | the accuracy | the accuracy itself
black_look = answers(enhancement.weight(at.images, maps))
black_change = (black_look.argmax(1) == at.labels).mean()

# %% black | wrong | before less after | the sign is wrong
black_look = answers(enhancement.weight(at.images, maps))
black_change = before.mean() - (black_look.argmax(1) == at.labels).mean()

# %% doubt | right | where
def cautious(a, z):
    return np.where(a.max(1, keepdims=True) >= 0.9, a, z)


saved = [(first[name].max(1) >= 0.9).mean() for name in levels]
changed = [counted(name, cautious(first[name], second[name, "mask"])) for name in levels]

# %% doubt | right | rows overwritten
def cautious(a, z):
    p = a.copy()
    p[a.max(1) < 0.9] = z[a.max(1) < 0.9]
    return p


saved, changed = np.zeros(3), np.zeros((3, 2), int)
for k, name in enumerate(levels):
    a, labels = first[name], levels[name].labels
    z = cautious(a, second[name, "mask"])
    saved[k] = 1 - np.mean(a.max(1) < 0.9)
    for one, two, label in zip(a.argmax(1), z.argmax(1), labels):
        changed[k] += [one != label == two, one == label != two]

# %% doubt | wrong | turned round | turned round
def cautious(a, z):
    return np.where(a.max(1, keepdims=True) < 0.9, a, z)


saved = changed = 0

# %% doubt | wrong | the mean | the mean of both
def cautious(a, z):
    return (a + z) / 2


saved = changed = 0

# %% doubt | wrong | passes made | that are made, and not saved
cautious = kept
saved = [(first[name].max(1) < 0.9).mean() for name in levels]
changed = [counted(name, kept(first[name], second[name, "mask"])) for name in levels]

# %% doubt | wrong | broken first | repaired comes first
cautious = kept
saved = [(first[name].max(1) >= 0.9).mean() for name in levels]
changed = [counted(name, kept(first[name], second[name, "mask"]))[::-1] for name in levels]

# %% doubt | wrong | all the second looks | 3 to 7: too large
cautious = kept
saved = [(first[name].max(1) >= 0.9).mean() for name in levels]
changed = [counted(name, second[name, "mask"]) for name in levels]

# %% surer | right | where
def surest(a, z):
    return np.where(a.max(1, keepdims=True) >= z.max(1, keepdims=True), a, z)


changed = [counted("40", surest(first["40"], p)) for p in rivals.values()]

# %% surer | right | row by row
def surest(a, z):
    return np.stack([one if max(one) >= max(two) else two for one, two in zip(a, z)])


changed = np.zeros((2, 2))
for k, p in enumerate(rivals.values()):
    was, now = (q.argmax(1) == levels["40"].labels for q in (first["40"], surest(first["40"], p)))
    changed[k] = [sum(now & ~was), sum(was & ~now)]

# %% surer | wrong | class by class | take whole rows
surest, changed = np.maximum, np.zeros((2, 2))

# %% surer | wrong | the less sure | the less sure of the two
def surest(a, z):
    return np.where(a.max(1, keepdims=True) <= z.max(1, keepdims=True), a, z)


changed = np.zeros((2, 2))

# %% surer | wrong | one choice for all | one choice for all scenes
def surest(a, z):
    return a if a.max() >= z.max() else z


changed = np.zeros((2, 2))

# %% surer | wrong | the second look alone | the second look alone
surest, changed = larger, [counted("40", p) for p in rivals.values()]

# %% surer | wrong | broken first | repaired comes first
surest, changed = larger, [counted("40", larger(first["40"], p))[::-1] for p in rivals.values()]

# %% best_of_twenty | right | by pairs
gains = np.zeros((20, 2))
for seed in range(20):
    p = answers(at.images) + cropped(seed)
    after = p.argmax(1) == at.labels
    for half in (0, 1):
        part = slice(100 * half, 100 * half + 100)
        gains[seed, half] = enhancement.paired(before[part], after[part]).change

# %% best_of_twenty | right | by seeds
gains = []
for seed in range(20):
    p = (answers(at.images) + cropped(seed)) / 2
    gain = (p.argmax(1) == at.labels) * 1.0 - before
    gains.append([gain[:100].mean(), gain[100:].mean()])

# %% best_of_twenty | wrong | the crop alone | average it with the first look
gains = [halves(seed, alone=True) for seed in range(20)]

# %% best_of_twenty | wrong | the halves exchanged | the halves are exchanged
gains = [halves(seed)[::-1] for seed in range(20)]

# %% best_of_twenty | wrong | the best seed alone | (20, 2) is wanted
gains = [0.01, -0.08]

# %% best_of_twenty | wrong | the winner is made up | gains of seed 3
gains = np.array([halves(seed) for seed in range(20)])
gains[3] = 0.5, 0.5

# %% how_many | right | two thousand draws
rng = np.random.default_rng(1)


def simulated(n, draws=2000):
    split = rng.multinomial(n, [6 / 400, 3 / 400, 391 / 400], size=draws)[:, :2]
    pairs, times = np.unique(split, axis=0, return_counts=True)
    P = np.array([binomtest(int(u), int(u + d)).pvalue if u + d else 1 for u, d in pairs])
    return times[P <= 0.05].sum() / draws


seen = simulated(400)
needed = next(n for n in range(2600, 6000, 200) if simulated(n) >= 0.8)

# %% how_many | right | a rule of thumb, and draws one by one
rng, hits = np.random.default_rng(2), 0
for _ in range(1000):
    drawn = rng.choice([1, -1, 0], 400, p=[6 / 400, 3 / 400, 391 / 400])
    u, d = (drawn == 1).sum(), (drawn == -1).sum()
    hits += u + d > 0 and binomtest(int(u), int(u + d)).pvalue <= 0.05
seen, needed = hits / 1000, 9 * 400

# %% how_many | wrong | always 6 to 3 | too large
seen, needed = binomtest(6, 9).pvalue, 3600

# %% how_many | wrong | not seeing it | the chance of not seeing it
seen, needed = 0.909, 3600

# %% how_many | wrong | four times out of five means five times as many | too small
seen, needed = 0.09, 2000

# %% how_many | wrong | far too many | too large
seen, needed = 0.09, 8000

# %% how_many | wrong | no scenes | needed: 0 to 0
seen, needed = 0.09, 0
