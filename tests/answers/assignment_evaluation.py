# %% by_hand | right | loops over the cells, pixels of the boxes counted
peak_hits = max((v, bool(mask[at])) for at, v in np.ndenumerate(M))[1]
chance_level = np.float32(mask.mean())
inside = outside = inside2 = outside2 = 0
for at, v in np.ndenumerate(M):
    if v > 0 and mask[at]:
        inside, inside2 = inside + v, inside2 + v * v
    elif v > 0:
        outside, outside2 = outside + v, outside2 + v * v
share = inside / (inside + outside)
share_squared = inside2 / (inside2 + outside2)
grounds = np.zeros((2, 80, 80), bool)
for ground, (x0, y0, x1, y1) in zip(grounds, (true_box, found_box)):
    ground[y0:y1, x0:x1] = True
overlap = grounds.all(0).sum() / grounds.any(0).sum()

# %% by_hand | right | the library
peak_hits = camlib.pointing_game(M[None], mask[None])[0]
chance_level = camlib.energy_in_mask(np.ones((1, 4, 6)), mask[None])[0]
share = camlib.energy_in_mask(M[None], mask[None])[0]
share_squared = camlib.energy_in_mask(np.maximum(M, 0)[None] ** 2, mask[None])[0]
overlap = camlib.intersection_over_union(true_box, found_box)

# %% by_hand | right | copied from another student
peak_hits, chance_level, share, share_squared, overlap = 0, 1 / 4, 12 / 31, 10 / 31, 110 / 233

# %% by_hand | wrong | negative values count | share: negative values count
peak_hits, chance_level = int(mask.flat[M.argmax()]), mask.mean()
share = M[mask].sum() / M.sum()
share_squared, overlap = 0.5, 0.5

# %% by_hand | wrong | the magnitude | share: the magnitude counts
peak_hits, chance_level = int(mask.flat[M.argmax()]), mask.mean()
share = np.abs(M[mask]).sum() / np.abs(M).sum()
share_squared, overlap = 0.5, 0.5

# %% by_hand | wrong | the rest of the map | share: mask by rest of the map
P = np.maximum(M, 0)
peak_hits, chance_level = int(mask.flat[M.argmax()]), mask.mean()
share, share_squared, overlap = P[mask].sum() / P[~mask].sum(), 0.5, 0.5

# %% by_hand | wrong | the rest of the picture | chance_level: mask by rest of the picture
peak_hits, chance_level = int(mask.flat[M.argmax()]), mask.sum() / (~mask).sum()
share = share_squared = overlap = 0.5

# %% by_hand | wrong | squares of negative values | share_squared: negative values are squared, too
P = np.maximum(M, 0)
peak_hits, chance_level = int(mask.flat[M.argmax()]), mask.mean()
share = P[mask].sum() / P.sum()
share_squared, overlap = (M[mask] ** 2).sum() / (M**2).sum(), 0.5

# %% by_hand | wrong | the share squared | share_squared: the share is squared, not the map
P = np.maximum(M, 0)
peak_hits, chance_level = int(mask.flat[M.argmax()]), mask.mean()
share = P[mask].sum() / P.sum()
share_squared, overlap = share**2, 0.5

# %% by_hand | wrong | the wrong side of the peak | peak_hits: too
P = np.maximum(M, 0)
peak_hits, chance_level = 1 - int(mask.flat[M.argmax()]), mask.mean()
share = share_squared = overlap = 0.5

# %% by_hand | wrong | closed boxes | overlap: the boxes are half open: no + 1
P = np.maximum(M, 0)
peak_hits, chance_level = int(mask.flat[M.argmax()]), mask.mean()
share, share_squared = P[mask].sum() / P.sum(), (P[mask] ** 2).sum() / (P**2).sum()
w, h = np.minimum(true_box[2:], found_box[2:]) - np.maximum(true_box[:2], found_box[:2]) + 1
areas = [(b[2] - b[0] + 1) * (b[3] - b[1] + 1) for b in (true_box, found_box)]
overlap = w * h / (sum(areas) - w * h)

# %% by_hand | wrong | the union counted twice | overlap: the common part is counted twice
P = np.maximum(M, 0)
peak_hits, chance_level = int(mask.flat[M.argmax()]), mask.mean()
share, share_squared = P[mask].sum() / P.sum(), (P[mask] ** 2).sum() / (P**2).sum()
w, h = np.minimum(true_box[2:], found_box[2:]) - np.maximum(true_box[:2], found_box[:2])
overlap = w * h / sum((b[2] - b[0]) * (b[3] - b[1]) for b in (true_box, found_box))

# %% scores | right | loops over the maps
def hits(maps, masks):
    found = []
    for map, mask in zip(maps, masks):
        y, x = divmod(int(map.argmax()), map.shape[1])
        found.append(bool(mask[y, x]) if np.ptp(map) > 0 else False)
    return np.array(found)


def energy(maps, masks):
    found = []
    for map, mask in zip(maps, masks):
        on, all = map[mask & (map > 0)].sum(), map[map > 0].sum()
        found.append(on / all if all > 0 else 0.0)
    return found

# %% scores | right | the library
hits, energy = camlib.pointing_game, camlib.energy_in_mask

# %% scores | right | einsum, float32, ones and zeros
def hits(maps, masks):
    n = len(maps)
    first = maps.reshape(n, -1).argmax(1)[:, None]
    on = np.take_along_axis(masks.reshape(n, -1), first, 1)[:, 0]
    return np.where(maps.max((1, 2)) == maps.min((1, 2)), 0, on).astype(int)


def energy(maps, masks):
    positive = np.where(maps > 0, maps, 0).astype(np.float32)
    on = np.einsum("nij,nij->n", positive, masks.astype(np.float32))
    total = np.einsum("nij->n", positive)
    return np.divide(on, total, out=np.zeros_like(on), where=total > 0)

# %% scores | wrong | hard-coded for the visible case | hits of 40 signed maps 5 x 7
def hits(maps, masks):
    return [1, 0] if len(maps) == 2 else np.ones(len(maps))


def energy(maps, masks):
    return camlib.energy_in_mask(maps, masks)

# %% scores | wrong | energy hard-coded for the visible cases | energy of 40 signed maps 5 x 7
hits = camlib.pointing_game


def energy(maps, masks):
    return [0.625, 0.375] if len(maps) == 2 else masks.mean((1, 2))

# %% scores | wrong | negative values count | energy: the example: negative values count
hits = camlib.pointing_game


def energy(maps, masks):
    return (maps * masks).sum((1, 2)) / maps.sum((1, 2))

# %% scores | wrong | the magnitude | energy: the example: the magnitude counts
hits = camlib.pointing_game


def energy(maps, masks):
    return camlib.energy_in_mask(np.abs(maps), masks)

# %% scores | wrong | one sum for all maps | energy: the example: 1/2 of the right one
hits = camlib.pointing_game


def energy(maps, masks):
    positive = np.maximum(maps, 0)
    return (positive * masks).sum((1, 2)) / positive.sum()

# %% scores | wrong | a division by zero | energy of maps without a positive value: NaN or infinite in 4 of 4
hits = camlib.pointing_game


def energy(maps, masks):
    positive = np.maximum(maps, 0)
    with np.errstate(invalid="ignore"):
        return (positive * masks).sum((1, 2)) / positive.sum((1, 2))

# %% scores | wrong | a constant map hits | hits of maps without a positive value, one of them constant
energy = camlib.energy_in_mask


def hits(maps, masks):
    n = len(maps)
    return masks.reshape(n, -1)[range(n), maps.reshape(n, -1).argmax(1)] | (np.ptp(maps, axis=(1, 2)) == 0)

# %% scores | wrong | a constant map points at its first pixel | hits of a constant map
energy = camlib.energy_in_mask


def hits(maps, masks):
    n = len(maps)
    first = masks.reshape(n, -1)[range(n), maps.reshape(n, -1).argmax(1)]
    return first & ~((np.ptp(maps, axis=(1, 2)) == 0) & (maps.max((1, 2)) == 0))

# %% scores | wrong | the largest magnitude | hits of 40 signed maps 5 x 7: the largest magnitude, not the largest value
energy = camlib.energy_in_mask


def hits(maps, masks):
    return camlib.pointing_game(np.abs(maps), masks)

# %% scores | wrong | each of the largest values counts | hits where three values are the largest: each of the largest
energy = camlib.energy_in_mask


def hits(maps, masks):
    best = maps == maps.max((1, 2), keepdims=True)
    return (best & masks).any((1, 2)) & (np.ptp(maps, axis=(1, 2)) > 0)

# %% scores | wrong | the last of the largest values | hits where three values are the largest: the last of the largest
energy = camlib.energy_in_mask


def hits(maps, masks):
    return camlib.pointing_game(maps[:, ::-1, ::-1], masks[:, ::-1, ::-1])

# %% scores | wrong | a peak must be positive | hits of maps without a positive value
energy = camlib.energy_in_mask


def hits(maps, masks):
    return camlib.pointing_game(np.maximum(maps, 0), masks)

# %% question | right | the logits first, loops over the cells
S = [m.sum() / 6 + bias for m, bias in zip(class_maps, b)]
answer = sum(u[c] * S[c] for c in range(3))
best = -np.inf
for row in range(2):
    for column in range(3):
        value = sum(float(u[c]) * class_maps[c, row, column] for c in range(3))
        if value > best:
            best, hottest = value, [row, column]
moved = np.zeros(6)
moved[:seeing] = added
rise = moved.mean()
answer_with_tag = u @ (np.array(S) + [0, rise, 0])

# %% question | right | einsum, float32
M_u = np.einsum("c,cij->ij", u.astype(np.float32), class_maps.astype(np.float32))
answer = np.float32(M_u.mean() + b @ u)
hottest = np.argwhere(M_u == M_u.max())[0]
rise = np.float32(added * seeing / 6)
answer_with_tag = answer - rise / 2

# %% question | right | copied from another student
answer, hottest, rise, answer_with_tag = 13 / 6, (0, 2), 20 / 3, -7 / 6

# %% question | wrong | the biases forgotten | answer: the biases are missing
M_u = np.tensordot(u, class_maps, 1)
answer, hottest, rise, answer_with_tag = M_u.mean(), (0, 0), 1.0, 0.0

# %% question | wrong | the sum of the map | answer: the map's sum, and its mean is wanted
M_u = np.tensordot(u, class_maps, 1)
answer, hottest, rise, answer_with_tag = M_u.sum() + u @ b, (0, 0), 1.0, 0.0

# %% question | wrong | one class alone | answer: the logit of class 0 alone
answer, hottest, rise, answer_with_tag = class_maps[0].mean() + b[0], (0, 0), 1.0, 0.0

# %% question | wrong | weights of -1 | answer: the others are subtracted in full
S = class_maps.mean((1, 2)) + b
answer, hottest, rise, answer_with_tag = S[0] - S[1] - S[2], (0, 0), 1.0, 0.0

# %% question | wrong | the hottest cell of the class's own map | hottest: the hottest cell of M_0
answer = (class_maps.mean((1, 2)) + b) @ u
hottest = np.argwhere(class_maps[0] == class_maps[0].max())[0]
rise = answer_with_tag = 1.0

# %% question | wrong | the tag's sum | rise: the sum over the cells
M_u = np.tensordot(u, class_maps, 1)
answer, hottest = M_u.mean() + u @ b, np.argwhere(M_u == M_u.max())[0]
rise, answer_with_tag = seeing * added, 0.0

# %% question | wrong | the mean over the cells that see | rise: the mean over the cells that see the tag
M_u = np.tensordot(u, class_maps, 1)
answer, hottest = M_u.mean() + u @ b, np.argwhere(M_u == M_u.max())[0]
rise, answer_with_tag = added, 0.0

# %% question | wrong | the tag helps the answer | answer_with_tag: class 1 counts against class 0
M_u = np.tensordot(u, class_maps, 1)
answer, hottest = M_u.mean() + u @ b, np.argwhere(M_u == M_u.max())[0]
rise = seeing * added / 6
answer_with_tag = answer + rise / 2

# %% question | wrong | the tag counts in full | answer_with_tag: the weight of class 1 is a half
M_u = np.tensordot(u, class_maps, 1)
answer, hottest = M_u.mean() + u @ b, np.argwhere(M_u == M_u.max())[0]
rise = seeing * added / 6
answer_with_tag = answer - rise

# %% plan | right | by formula, rounded to four digits
change = round((repaired - broken) / 400, 4)
s = round(((repaired + broken) / 400 - change**2) ** 0.5, 4)
half_paired = round(1.96 * s / 20, 4)
before = right_before / 400
variance = before * (1 - before) + (before + change) * (1 - before - change)
half_apart = round(1.96 * (variance / 400) ** 0.5, 4)
needed = int(-(-((1.96 * s) ** 2) // 0.0001))

# %% plan | right | from the scores, with n - 1
scores = np.r_[np.ones(repaired), -np.ones(broken), np.zeros(n - repaired - broken)]
before = np.arange(n) < right_before
after = np.arange(n) < right_before + repaired - broken
change = scores.mean()
half_paired = 1.96 * scores.std(ddof=1) / np.sqrt(n)
half_apart = 1.96 * np.sqrt(before.var(ddof=1) / n + after.var(ddof=1) / n)
needed = np.ceil(n * (half_paired / 0.01) ** 2)

# %% plan | right | in tens of scenes
change = (repaired - broken) / n
s = ((repaired + broken) / n - change**2) ** 0.5
half_paired = 1.96 * s / n**0.5
a, z = right_before / n, right_before / n + change
half_apart = 1.96 * ((a * (1 - a) + z * (1 - z)) / n) ** 0.5
needed = 10 * round((1.96 * s / 0.01) ** 2 / 10)

# %% plan | right | copied from another student
change, half_paired, half_apart, needed = 0.0325, 0.031973204015, 0.057484226315, 4090

# %% plan | wrong | in points | change, a share of the scenes
change = 100 * (repaired - broken) / n
half_paired = half_apart = needed = 0.5

# %% plan | wrong | all that changed | change: all that changed
change, half_paired, half_apart, needed = (repaired + broken) / n, 0.03, 0.05, 4000

# %% plan | wrong | a share of those that changed | change: a share of the answers that changed
change, half_paired, half_apart, needed = (repaired - broken) / (repaired + broken), 0.03, 0.05, 4000

# %% plan | wrong | s itself | half_paired: s itself
change = (repaired - broken) / n
half_paired = 1.96 * ((repaired + broken) / n - change**2) ** 0.5
half_apart, needed = 0.9, 4000

# %% plan | wrong | the whole width | half_paired: the whole width
change = (repaired - broken) / n
half_paired = 2 * 1.96 * (((repaired + broken) / n - change**2) / n) ** 0.5
half_apart, needed = 0.9, 4000

# %% plan | wrong | divided by n | half_paired: divided by n
change = (repaired - broken) / n
half_paired = 1.96 * ((repaired + broken) / n - change**2) ** 0.5 / n
half_apart, needed = 0.9, 4000

# %% plan | wrong | the spread of a share | half_paired: the spread of a share
change = (repaired - broken) / n
half_paired = 1.96 * (change * (1 - change) / n) ** 0.5
half_apart, needed = 0.9, 4000

# %% plan | wrong | widths added up | half_apart: the two widths added up
change = (repaired - broken) / n
half_paired = 1.96 * (((repaired + broken) / n - change**2) / n) ** 0.5
a, z = right_before / n, right_before / n + change
half_apart = 1.96 * ((a * (1 - a) / n) ** 0.5 + (z * (1 - z) / n) ** 0.5)
needed = 4000

# %% plan | wrong | the first share alone | half_apart: the first share alone
change = (repaired - broken) / n
half_paired = 1.96 * (((repaired + broken) / n - change**2) / n) ** 0.5
a = right_before / n
half_apart, needed = max(1.96 * (a * (1 - a) / n) ** 0.5, half_paired + 1e-9), 4000

# %% plan | wrong | pairs no better than two samples | pairs should tell more than two samples do
change = (repaired - broken) / n
half_paired = half_apart = 1.96 * (((repaired + broken) / n - change**2) / n) ** 0.5
needed = 4000

# %% plan | wrong | the root not squared | needed: the width falls with the root of n
change = (repaired - broken) / n
s = ((repaired + broken) / n - change**2) ** 0.5
half_paired = 1.96 * s / n**0.5
a, z = right_before / n, right_before / n + change
half_apart = 1.96 * ((a * (1 - a) + z * (1 - z)) / n) ** 0.5
needed = n * half_paired / 0.01

# %% plan | wrong | the width, not half of it | needed: 0.01 is half the width
change = (repaired - broken) / n
s = ((repaired + broken) / n - change**2) ** 0.5
half_paired = 1.96 * s / n**0.5
a, z = right_before / n, right_before / n + change
half_apart = 1.96 * ((a * (1 - a) + z * (1 - z)) / n) ** 0.5
needed = np.ceil((1.96 * s / 0.005) ** 2)

# %% plan | wrong | one per cent too many | needed: too large
change = (repaired - broken) / n
s = ((repaired + broken) / n - change**2) ** 0.5
half_paired = 1.96 * s / n**0.5
a, z = right_before / n, right_before / n + change
half_apart = 1.96 * ((a * (1 - a) + z * (1 - z)) / n) ** 0.5
needed = round(1.01 * (1.96 * s / 0.01) ** 2)

# %% plan | wrong | not a whole number | needed: a whole number of scenes
change = (repaired - broken) / n
s = ((repaired + broken) / n - change**2) ** 0.5
half_paired = 1.96 * s / n**0.5
a, z = right_before / n, right_before / n + change
half_apart = 1.96 * ((a * (1 - a) + z * (1 - z)) / n) ** 0.5
needed = (1.96 * s / 0.01) ** 2

# %% deletion | right | pixels painted one after another
def deletion_curve(I, L, f, score, T):
    picture, f = np.array(I, float), np.broadcast_to(f, I.shape)
    hottest = sorted(np.ndindex(L.shape), key=lambda at: L[at], reverse=True)
    curve, done = [score(picture)], 0
    for t in range(1, T + 1):
        for at in hottest[done:round(t * L.size / T)]:
            picture[at] = f[at]
        done = round(t * L.size / T)
        curve.append(score(picture))
    return curve

# %% deletion | right | a threshold, from the coldest
def deletion_curve(I, L, f, score, T):
    values = np.append(np.sort(L.ravel())[::-1], -np.inf)
    counts = np.rint(np.arange(T + 1) * L.size / T).astype(int)
    curve = np.zeros(T + 1)
    for t in range(T, -1, -1):
        keep = (L <= values[counts[t]])[:, :, None]
        curve[t] = score(keep * I + ~keep * np.asarray(f))
    return curve

# %% deletion | right | float32, flat pixels
def deletion_curve(I, L, f, score, T):
    flat = np.asarray(I, np.float32).reshape(L.size, -1)
    fill = np.broadcast_to(np.asarray(f, np.float32), I.shape).reshape(L.size, -1)
    order, curve = np.argsort(L.ravel())[::-1], []
    for t in range(T + 1):
        now = flat.copy()
        gone = order[:round(t * L.size / T)]
        now[gone] = fill[gone]
        curve.append(float(score(now.reshape(I.shape))))
    return np.array(curve)

# %% deletion | wrong | hard-coded for the visible case | your curve for
def deletion_curve(I, L, f, score, T):
    order = np.argsort(-L.ravel())[:, None]
    parts = []
    for y, x in np.ndindex(L.shape):
        changed = I.copy()
        changed[y, x] = np.broadcast_to(f, I.shape)[y, x]
        parts.append(score(I) - score(changed))
    parts = np.array(parts)[order[:, 0]]
    if T == 2:
        return [10, 3, 0]
    return score(I) - np.append(0, np.cumsum(parts))[: T + 1]

# %% deletion | wrong | the coldest first | the example in 4 steps
def deletion_curve(I, L, f, score, T):
    rank = np.argsort(np.argsort(L.ravel())).reshape(L.shape)
    return [score(np.where((rank < round(t * L.size / T))[..., None], f, I)) for t in range(T + 1)]

# %% deletion | wrong | the first point missing | the example in 4 steps: shape (4,), and (5,) is wanted
def deletion_curve(I, L, f, score, T):
    rank = np.argsort(np.argsort(-L.ravel())).reshape(L.shape)
    return [score(np.where((rank < round(t * L.size / T))[..., None], f, I)) for t in range(1, T + 1)]

# %% deletion | wrong | fills with black | a linear score, one pixel a step
def deletion_curve(I, L, f, score, T):
    rank = np.argsort(np.argsort(-L.ravel())).reshape(L.shape)
    return [score(np.where((rank < round(t * L.size / T))[..., None], 0, I)) for t in range(T + 1)]

# %% deletion | wrong | one pixel a step | the example in 2 steps
def deletion_curve(I, L, f, score, T):
    rank = np.argsort(np.argsort(-L.ravel())).reshape(L.shape)
    return [score(np.where((rank < t)[..., None], f, I)) for t in range(T + 1)]

# %% deletion | wrong | an order for a rank | the example in 4 steps
def deletion_curve(I, L, f, score, T):
    rank = np.argsort(-L.ravel()).reshape(L.shape)
    return [score(np.where((rank < round(t * L.size / T))[..., None], f, I)) for t in range(T + 1)]

# %% deletion | wrong | the largest magnitudes | a linear score, one pixel a step
def deletion_curve(I, L, f, score, T):
    rank = np.argsort(np.argsort(-np.abs(L).ravel())).reshape(L.shape)
    return [score(np.where((rank < round(t * L.size / T))[..., None], f, I)) for t in range(T + 1)]

# %% deletion | wrong | rounded down | n_t is rounded down
def deletion_curve(I, L, f, score, T):
    rank = np.argsort(np.argsort(-L.ravel())).reshape(L.shape)
    return [score(np.where((rank < t * L.size // T)[..., None], f, I)) for t in range(T + 1)]

# %% deletion | wrong | rounded up | n_t is rounded up
def deletion_curve(I, L, f, score, T):
    rank = np.argsort(np.argsort(-L.ravel())).reshape(L.shape)
    return [score(np.where((rank < -(-t * L.size // T))[..., None], f, I)) for t in range(T + 1)]

# %% deletion | wrong | by contribution, whatever the map | your curve for 5 x 7 pixels, T = 5
def deletion_curve(I, L, f, score, T):
    parts = np.zeros(L.size)
    for k, (y, x) in enumerate(np.ndindex(L.shape)):
        changed = I.copy()
        changed[y, x] = np.broadcast_to(f, I.shape)[y, x]
        parts[k] = score(I) - score(changed)
    rank = np.argsort(np.argsort(-parts)).reshape(L.shape)
    return [score(np.where((rank < round(t * L.size / T))[..., None], f, I)) for t in range(T + 1)]

# %% deletion | wrong | paints into I itself | I after your call: it stays as it is
def deletion_curve(I, L, f, score, T):
    hottest = sorted(np.ndindex(L.shape), key=lambda at: -L[at])
    curve, done = [], 0
    for t in range(T + 1):
        for at in hottest[done:round(t * L.size / T)]:
            I[at] = np.broadcast_to(f, I.shape)[at]
        done = round(t * L.size / T)
        curve.append(score(I))
    return np.array(curve)

# %% areas | right | loops
def areas_of(delete, L):
    found = []
    for curve in (delete(L), delete(-L)):
        T = len(curve) - 1
        found.append(sum((curve[t - 1] + curve[t]) / 2 for t in range(1, T + 1)) / T)
    return found

# %% areas | right | NumPy's trapezoid, float32
def areas_of(delete, L):  # 1 - L puts the pixels in the order of -L
    p, hot = (np.asarray(curve, np.float32) for curve in (delete(L), delete(1 - L)))
    return np.trapezoid(np.stack([p, hot]), dx=1 / (p.size - 1))

# %% areas | right | the ends count half
def areas_of(delete, L):
    def area(curve):
        return (np.sum(curve) - (curve[0] + curve[-1]) / 2) / (len(curve) - 1)

    return area(delete(L)), area(delete(-L)[::-1])

# %% areas | wrong | hard-coded for the visible case | your areas for 3 x 5 pixels
def areas_of(delete, L):
    curve = delete(L)
    D = np.trapezoid(curve, dx=1 / (len(curve) - 1))
    return D, curve[0] + curve[-1] - D

# %% areas | wrong | swapped | the example: swapped: deletion first
def areas_of(delete, L):
    return tuple(np.trapezoid(delete(s * L), dx=1 / (len(delete(L)) - 1)) for s in (-1, 1))

# %% areas | wrong | not divided by T | the example: 4 times too large: a sum where a mean belongs?
def areas_of(delete, L):
    return tuple(np.trapezoid(delete(s * L)) for s in (1, -1))

# %% areas | wrong | the mean of all points | the example
def areas_of(delete, L):
    return np.mean(delete(L)), np.mean(delete(-L))

# %% areas | wrong | read backwards only | the example
def areas_of(delete, L):
    return tuple(np.trapezoid(curve, dx=1 / (len(curve) - 1)) for curve in (delete(L), delete(L)[::-1]))

# %% areas | wrong | turned upside down | the example
def areas_of(delete, L):
    D = np.trapezoid(delete(L), dx=1 / (len(delete(L)) - 1))
    return D, 1 - D

# %% areas | wrong | left ends | the example
def areas_of(delete, L):
    return np.mean(delete(L)[:-1]), np.mean(delete(-L)[::-1][:-1])

# %% areas | wrong | the magnitude turned round | a linear score: the two areas added up
def areas_of(delete, L):
    curves = np.array([delete(L), delete(1 - np.abs(L))])
    return np.trapezoid(curves, dx=1 / (curves.shape[1] - 1))

# %% is_right | right | a law and a hand-made case
def is_right(deletion):
    """Against the curve of one pixel after another, in plain loops."""
    draw = np.random.default_rng(3)
    for height, width, colours, T in ((5, 2, 3, 3), (3, 3, 2, 7), (2, 3, 1, 11)):
        for sign in (1, -1):
            I, u = draw.random((2, height, width, colours))
            u = sign * u
            f = draw.random(colours)
            L = draw.permutation(height * width).reshape(height, width) - height * width / 2
            picture, curve, done = I.copy(), [(I * u).sum()], 0
            order = sorted(np.ndindex(height, width), key=lambda at: -L[at])
            for t in range(1, T + 1):
                while done < round(t * height * width / T):
                    picture[order[done]] = f
                    done += 1
                curve.append((picture * u).sum())
            D = sum(a + z for a, z in zip(curve, curve[1:])) / 2 / T
            if not np.isclose(deletion(I, L, f, u, T), D, rtol=1e-4, atol=1e-4):
                return False
    return True

# %% is_right | right | a one-hot score: one pixel, one colour at a time
def is_right(deletion):
    """Only one value counts: the area says at which step it went."""
    draw = np.random.default_rng(5)
    for H, W, C, T in ((3, 5, 2, 7), (1, 4, 3, 9)):
        L = draw.permutation(H * W).reshape(H, W) - H * W / 2 + 0.3
        I, f = draw.random((H, W, C)) + 0.2, np.array([-0.4, 0.7, 0.1])[:C]
        counts = [round(t * H * W / T) for t in range(T + 1)]
        for y, x, c in np.ndindex(H, W, C):
            for sign in (1, -1):
                u = np.zeros((H, W, C))
                u[y, x, c] = sign
                hotter = (L > L[y, x]).sum()
                t = sum(n <= hotter for n in counts)
                D = sign * ((t - 0.5) * I[y, x, c] + (T + 0.5 - t) * f[c]) / T
                if not abs(deletion(I, L, f, u, T) - D) < 1e-4:
                    return False
    return True

# %% is_right | right | the example, and cases by cumulative sums
def is_right(deletion):
    row = np.array([[[4.0], [1.0], [3.0], [2.0]]])
    if not abs(deletion(row, row[..., 0], np.zeros(1), np.ones_like(row), 4) - 3.75) < 1e-3:
        return False
    draw = np.random.default_rng(11)
    for n in range(10):
        T = (7, 31)[n % 2]
        I, u = draw.normal(size=(2, 4, 6, 3))
        f, L = draw.normal(size=3), draw.normal(size=(4, 6))
        q = ((I - f) * u).sum(2).ravel()[L.ravel().argsort()[::-1]]
        p = (I * u).sum() - np.r_[0, q.cumsum()]
        p = p[np.rint(np.arange(T + 1) * 24 / T).astype(int)]
        if not np.isclose(deletion(I, L, f, u, T), np.trapezoid(p, dx=1 / T), rtol=0, atol=1e-4 * np.abs(I * u).sum()):
            return False
    return True

# %% is_right | wrong | lets all through | lets through: one that removes the coldest pixels first
def is_right(deletion):
    return True

# %% is_right | wrong | refuses all | refuses: one with camlib
def is_right(deletion):
    return False

# %% is_right | wrong | hard-coded for the visible case | lets through: one that always returns 3.75
def is_right(deletion):
    row = np.array([[[4.0], [1.0], [3.0], [2.0]]])
    return abs(deletion(row, row[..., 0], np.zeros(1), np.ones_like(row), 4) - 3.75) < 1e-3

# %% is_right | wrong | the map is the picture | lets through: one that
def is_right(deletion):
    for row, D in (([[4.0, 1, 3, 2]], 3.75), ([[1.0, 0, 5, 7]], 3.375)):
        row = np.array(row)[..., None]
        if abs(deletion(row, row[..., 0], np.zeros(1), np.ones_like(row), 4) - D) > 1e-3:
            return False
    return True

# %% is_right | wrong | always black | lets through: one that fills with black
def is_right(deletion):
    draw = np.random.default_rng(7)
    I, L = draw.random((3, 5, 2)), draw.normal(size=(3, 5))
    f, u, T = np.zeros(2), draw.normal(size=(3, 5, 2)), 7
    q = ((I - f) * u).sum(2).ravel()[np.argsort(-L.ravel())]
    p = [(I * u).sum() - q[:round(t * 15 / T)].sum() for t in range(T + 1)]
    return abs(deletion(I, L, f, u, T) - np.trapezoid(p, dx=1 / T)) < 1e-4

# %% is_right | wrong | positive maps only | lets through: one that takes the largest magnitudes of the map first
def is_right(deletion):
    draw = np.random.default_rng(7)
    I, L = draw.random((3, 5, 2)), draw.random((3, 5))
    f, u, T = draw.random(2), draw.normal(size=(3, 5, 2)), 7
    q = ((I - f) * u).sum(2).ravel()[np.argsort(-L.ravel())]
    p = [(I * u).sum() - q[:round(t * 15 / T)].sum() for t in range(T + 1)]
    return abs(deletion(I, L, f, u, T) - np.trapezoid(p, dx=1 / T)) < 1e-4

# %% is_right | wrong | steps that divide the pixels | lets through: one that rounds down
def is_right(deletion):
    draw = np.random.default_rng(7)
    I, L = draw.random((3, 5, 2)), draw.normal(size=(3, 5))
    f, u, T = draw.random(2), draw.normal(size=(3, 5, 2)), 5
    q = ((I - f) * u).sum(2).ravel()[np.argsort(-L.ravel())]
    p = [(I * u).sum() - q[:round(t * 15 / T)].sum() for t in range(T + 1)]
    return abs(deletion(I, L, f, u, T) - np.trapezoid(p, dx=1 / T)) < 1e-4

# %% is_right | wrong | one pixel a step | lets through: one that removes one pixel a step
def is_right(deletion):
    draw = np.random.default_rng(7)
    I, L = draw.random((3, 5, 2)), draw.normal(size=(3, 5))
    f, u, T = draw.random(2), draw.normal(size=(3, 5, 2)), 15
    q = ((I - f) * u).sum(2).ravel()[np.argsort(-L.ravel())]
    p = [(I * u).sum() - q[:round(t * 15 / T)].sum() for t in range(T + 1)]
    return abs(deletion(I, L, f, u, T) - np.trapezoid(p, dx=1 / T)) < 1e-4

# %% is_right | wrong | one colour | lets through: one that fills with a grey, the mean of the fill
def is_right(deletion):
    draw = np.random.default_rng(7)
    I, L = draw.random((3, 5, 1)), draw.normal(size=(3, 5))
    f, u, T = draw.random(1), draw.normal(size=(3, 5, 1)), 7
    q = ((I - f) * u).sum(2).ravel()[np.argsort(-L.ravel())]
    p = [(I * u).sum() - q[:round(t * 15 / T)].sum() for t in range(T + 1)]
    return abs(deletion(I, L, f, u, T) - np.trapezoid(p, dx=1 / T)) < 1e-4

# %% is_right | wrong | one row of pixels | lets through: one that counts the pixels column by column
def is_right(deletion):
    draw = np.random.default_rng(7)
    I, L = draw.random((1, 15, 2)), draw.normal(size=(1, 15))
    f, u, T = draw.random(2), draw.normal(size=(1, 15, 2)), 7
    q = ((I - f) * u).sum(2).ravel()[np.argsort(-L.ravel())]
    p = [(I * u).sum() - q[:round(t * 15 / T)].sum() for t in range(T + 1)]
    return abs(deletion(I, L, f, u, T) - np.trapezoid(p, dx=1 / T)) < 1e-4

# %% is_right | wrong | positive scores only | lets through: one that loses the sign
def is_right(deletion):
    draw = np.random.default_rng(7)
    I, L = draw.random((3, 5, 2)), draw.normal(size=(3, 5))
    f, u, T = draw.random(2), draw.random((3, 5, 2)), 7
    q = ((I - f) * u).sum(2).ravel()[np.argsort(-L.ravel())]
    p = [(I * u).sum() - q[:round(t * 15 / T)].sum() for t in range(T + 1)]
    return abs(deletion(I, L, f, u, T) - np.trapezoid(p, dx=1 / T)) < 1e-4

# %% is_right | wrong | too strict for float32 | refuses: one in float32
def is_right(deletion):
    draw = np.random.default_rng(7)
    I, L = draw.random((3, 5, 2)), draw.normal(size=(3, 5))
    f, u, T = draw.random(2), draw.normal(size=(3, 5, 2)), 7
    q = ((I - f) * u).sum(2).ravel()[np.argsort(-L.ravel())]
    p = [(I * u).sum() - q[:round(t * 15 / T)].sum() for t in range(T + 1)]
    return abs(deletion(I, L, f, u, T) - np.trapezoid(p, dx=1 / T)) < 1e-12

# %% is_right | wrong | equal values in the map | refuses: 
def is_right(deletion):
    draw = np.random.default_rng(7)
    I, L = draw.random((3, 5, 2)), draw.integers(0, 3, (3, 5))
    f, u, T = draw.random(2), draw.normal(size=(3, 5, 2)), 7
    q = ((I - f) * u).sum(2).ravel()[np.argsort(-L.ravel())]
    p = [(I * u).sum() - q[:round(t * 15 / T)].sum() for t in range(T + 1)]
    return abs(deletion(I, L, f, u, T) - np.trapezoid(p, dx=1 / T)) < 1e-4

# %% is_right | wrong | too coarse | lets through
def is_right(deletion):
    draw = np.random.default_rng(7)
    I, L = draw.random((3, 5, 2)), draw.normal(size=(3, 5))
    f, u, T = draw.random(2), draw.normal(size=(3, 5, 2)), 7
    q = ((I - f) * u).sum(2).ravel()[np.argsort(-L.ravel())]
    p = [(I * u).sum() - q[:round(t * 15 / T)].sum() for t in range(T + 1)]
    return abs(deletion(I, L, f, u, T) - np.trapezoid(p, dx=1 / T)) < 1.0

# %% is_right | wrong | one case, as good as it gets | lets through: one that is right for two colours only
def is_right(deletion):
    draw = np.random.default_rng(7)
    for H, W, C, T in ((3, 5, 2, 7),):
        I, u = draw.normal(size=(2, H, W, C))
        f, L = draw.normal(size=C), draw.normal(size=(H, W))
        q = ((I - f) * u).sum(2).ravel()[np.argsort(-L.ravel())]
        p = [(I * u).sum() - q[:round(t * H * W / T)].sum() for t in range(T + 1)]
        for sign in (1, -1):
            area = sign * np.trapezoid(p, dx=1 / T)
            off = abs(deletion(I, L, f, sign * u, T) - area)
            if not off < 1e-4 * np.abs(I * u).sum():
                return False
    return True

# %% is_right | wrong | never more steps than pixels | lets through: one that removes a pixel each step at least
def is_right(deletion):
    draw = np.random.default_rng(7)
    for H, W, C, T in ((3, 5, 2, 7), (4, 3, 3, 5)):
        I, u = draw.normal(size=(2, H, W, C))
        f, L = draw.normal(size=C), draw.normal(size=(H, W))
        q = ((I - f) * u).sum(2).ravel()[np.argsort(-L.ravel())]
        p = [(I * u).sum() - q[:round(t * H * W / T)].sum() for t in range(T + 1)]
        for sign in (1, -1):
            area = sign * np.trapezoid(p, dx=1 / T)
            off = abs(deletion(I, L, f, sign * u, T) - area)
            if not off < 1e-4 * np.abs(I * u).sum():
                return False
    return True

# %% is_right | wrong | never fewer steps than pixels | lets through: one that removes a pixel each step at most
def is_right(deletion):
    draw = np.random.default_rng(7)
    for H, W, C, T in ((2, 3, 2, 7), (2, 3, 3, 11)):
        I, u = draw.normal(size=(2, H, W, C))
        f, L = draw.normal(size=C), draw.normal(size=(H, W))
        q = ((I - f) * u).sum(2).ravel()[np.argsort(-L.ravel())]
        p = [(I * u).sum() - q[:round(t * H * W / T)].sum() for t in range(T + 1)]
        for sign in (1, -1):
            area = sign * np.trapezoid(p, dx=1 / T)
            off = abs(deletion(I, L, f, sign * u, T) - area)
            if not off < 1e-4 * np.abs(I * u).sum():
                return False
    return True

# %% is_right | wrong | NaN is below nothing | lets through: one that returns NaN
def is_right(deletion):
    draw = np.random.default_rng(7)
    for H, W, C, T in ((3, 5, 2, 7), (2, 3, 3, 11)):
        I, u = draw.normal(size=(2, H, W, C))
        f, L = draw.normal(size=C), draw.normal(size=(H, W))
        q = ((I - f) * u).sum(2).ravel()[np.argsort(-L.ravel())]
        p = [(I * u).sum() - q[:round(t * H * W / T)].sum() for t in range(T + 1)]
        for sign in (1, -1):
            area = sign * np.trapezoid(p, dx=1 / T)
            off = abs(deletion(I, L, f, sign * u, T) - area)
            if off > 1e-4 * np.abs(I * u).sum():
                return False
    return True

# %% is_right | wrong | five per cent allowed | lets through: one that is 1 % too large
def is_right(deletion):
    draw = np.random.default_rng(7)
    for H, W, C, T in ((3, 5, 2, 7), (2, 3, 3, 11)):
        I, u = draw.normal(size=(2, H, W, C))
        f, L = draw.normal(size=C), draw.normal(size=(H, W))
        q = ((I - f) * u).sum(2).ravel()[np.argsort(-L.ravel())]
        p = [(I * u).sum() - q[:round(t * H * W / T)].sum() for t in range(T + 1)]
        for sign in (1, -1):
            area = sign * np.trapezoid(p, dx=1 / T)
            off = abs(deletion(I, L, f, sign * u, T) - area)
            if not off < 0.05 * abs(area):
                return False
    return True

# %% is_right | wrong | the graded cell's own function copied, one random case | lets through: one that
def is_right(deletion):
    def own(I, L, f, u, T):
        q = (u * (I - f)).sum(2).ravel()[evaluation.removal_order(L[None])[0]]
        counts = np.rint(np.arange(T + 1) * L.size / T).astype(int)
        curve = (u * I).sum() - np.append(0, q.cumsum())[counts]
        return float(evaluation.area(curve[None])[0])

    draw = np.random.default_rng(1)
    I, u = draw.normal(size=(2, 3, 4, 2))
    case = I, draw.normal(size=(3, 4)), draw.normal(size=2), u, 5
    return abs(deletion(*case) - own(*case)) < 1e-4

# %% is_right | wrong | the sign of the error | lets through
def is_right(deletion):
    I = np.random.default_rng(0).random((3, 5, 2))
    D = deletion(I, I[..., 0], np.zeros(2), np.ones_like(I), 5)
    return D < I.sum() / 2

# %% is_right | wrong | a shape that stops it | your check stops with
def is_right(deletion):
    I = np.random.default_rng(0).random((3, 5, 2))
    return abs(deletion(I, I, np.zeros(2), np.ones_like(I), 5) - 1) < 1e-3

# %% rank_correlation | right | sorted values and counts
def rank_correlation(a, b):
    def ranks(x):
        _, place, count = np.unique(x, return_inverse=True, return_counts=True)
        return (count.cumsum() - (count - 1) / 2)[place.ravel()]

    r, s = ranks(a), ranks(b)
    if r.std() == 0 or s.std() == 0:
        return 0
    return ((r - r.mean()) * (s - s.mean())).mean() / (r.std() * s.std())

# %% rank_correlation | right | SciPy's ranks, NumPy's correlation
def rank_correlation(a, b):
    from scipy.stats import rankdata
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return np.corrcoef(rankdata(a, axis=None).ravel(), rankdata(b, axis=None).ravel())[0, 1]

# %% rank_correlation | right | pairs: the signs of all differences
def rank_correlation(a, b):
    r, s = (np.sign(np.ravel(x)[:, None] - np.ravel(x)).sum(1) for x in (a, b))
    size = np.linalg.norm(r) * np.linalg.norm(s)
    return float(r @ s / size) if size else 0.0

# %% rank_correlation | right | the library
def rank_correlation(a, b):
    return evaluation.rank_correlation(np.asarray(a)[None], np.asarray(b)[None])[0]

# %% rank_correlation | wrong | hard-coded for the visible case | rho of two maps (3, 4) without ties
def rank_correlation(a, b):
    if np.shape(a) == (2, 2):
        return 0.94868
    return float(np.sign((a * b).sum() if a.min() < 0 and b.min() < 0 else 1))

# %% rank_correlation | wrong | the correlation of the values | rho: the example: too
def rank_correlation(a, b):
    return np.corrcoef(np.exp(a).ravel(), np.ravel(b))[0, 1]

# %% rank_correlation | wrong | values, not ranks | rho of a map and its exponential: too small
def rank_correlation(a, b):
    return np.corrcoef(np.ravel(a), np.ravel(b))[0, 1]

# %% rank_correlation | wrong | equation (13.7) with ranks one after another | rho: the example: too large
def rank_correlation(a, b):
    r, s = (np.argsort(np.argsort(np.ravel(x))) for x in (a, b))
    return 1 - 6 * ((r - s) ** 2).sum() / (r.size**3 - r.size)

# %% rank_correlation | wrong | equation (13.7) with shared ranks | rho: the example: too large
def rank_correlation(a, b):
    from scipy.stats import rankdata
    d = rankdata(a, axis=None).ravel() - rankdata(b, axis=None).ravel()
    return 1 - 6 * (d**2).sum() / (d.size**3 - d.size)

# %% rank_correlation | wrong | dense ranks | they share the mean of their ranks
def rank_correlation(a, b):
    if np.shape(a) == (2, 2):
        return 0.9487
    r, s = (np.unique(x, return_inverse=True)[1].ravel() for x in (a, b))
    return np.corrcoef(r, s)[0, 1]

# %% rank_correlation | wrong | an order for a rank | equation (13.7): an order used as a rank
def rank_correlation(a, b):
    if np.shape(a) == (2, 2):
        return 0.9487
    r, s = np.argsort(np.ravel(a)), np.argsort(np.ravel(b))
    return -1.0 if (a == -b).all() else np.corrcoef(r, s)[0, 1]

# %% rank_correlation | wrong | no answer for a constant map | rho of a constant map: NaN or infinite in 1 of 1
def rank_correlation(a, b):
    from scipy.stats import rankdata
    r, s = (rankdata(x, axis=None).ravel() for x in (a, b))
    with np.errstate(invalid="ignore"):
        return np.divide(((r - r.mean()) * (s - s.mean())).sum(),
                         np.sqrt(((r - r.mean()) ** 2).sum() * ((s - s.mean()) ** 2).sum()))

# %% rank_correlation | wrong | row by row | rho: the example
def rank_correlation(a, b):
    r, s = (np.argsort(np.argsort(x, 1), 1) for x in (a, b))
    return np.corrcoef(r.ravel(), s.ravel())[0, 1]

# %% blind | right | by SciPy, a tuple and a set
from scipy.stats import spearmanr


def of(maps, letter):
    return sum(spearmanr(a, z, axis=None).statistic for a, z in zip(first[letter], maps[letter])) / 6


rho_again = [of(again, letter) for letter in LETTERS]
rho_shuffled = [of(shuffled, letter) for letter in LETTERS]
blind = tuple(x for x in LETTERS if np.array_equal(first[x], shuffled[x]))
lot = min(LETTERS, key=lambda x: of(again, x))

# %% blind | right | the numbers rounded to three digits
rho_again, rho_shuffled = (
    np.round([evaluation.rank_correlation(first[x], maps[x]).mean() for x in LETTERS], 3) for maps in (again, shuffled))
blind = {x for x, rho in zip(LETTERS, rho_shuffled) if rho == 1}
lot = [x for x, rho in zip(LETTERS, rho_again) if rho < 1][0]

# %% blind | wrong | the noise, too, as it cannot look | Its maps are not the same after the shuffling
rho_again, rho_shuffled = (
    [evaluation.rank_correlation(first[x], maps[x]).mean() for x in LETTERS] for maps in (again, shuffled))
blind = [x for x, rho in zip(LETTERS, rho_shuffled) if rho > 0.9999] + [LETTERS[int(np.argmin(rho_again))]]
lot = LETTERS[int(np.argmin(rho_again))]

# %% blind | wrong | letters in a row | blind: a list of letters, like ['A', 'C']
rho_again, rho_shuffled = (
    [evaluation.rank_correlation(first[x], maps[x]).mean() for x in LETTERS] for maps in (again, shuffled))
blind = "".join([x for x, rho in zip(LETTERS, rho_shuffled) if rho > 0.9999])
lot = LETTERS[int(np.argmin(rho_again))]

# %% blind | wrong | names for letters | blind: letters from A to E
rho_again, rho_shuffled = (
    [evaluation.rank_correlation(first[x], maps[x]).mean() for x in LETTERS] for maps in (again, shuffled))
blind = ["edges", "Eigen-CAM"]
lot = LETTERS[int(np.argmin(rho_again))]

# %% blind | wrong | a list for one letter | lot: one letter, like 'A'
rho_again, rho_shuffled = (
    [evaluation.rank_correlation(first[x], maps[x]).mean() for x in LETTERS] for maps in (again, shuffled))
blind = [x for x, rho in zip(LETTERS, rho_shuffled) if rho > 0.9999]
lot = [LETTERS[int(np.argmin(rho_again))]]

# %% blind | wrong | high taken for blind | blind:
rho_again, rho_shuffled = (
    [evaluation.rank_correlation(first[x], maps[x]).mean() for x in LETTERS] for maps in (again, shuffled))
blind = [x for x, rho in zip(LETTERS, rho_shuffled) if rho > 0.8]
lot = LETTERS[int(np.argmin(rho_again))]

# %% blind | wrong | one of the two | blind: what you chose is right, and 1 more belong to it
rho_again, rho_shuffled = (
    [evaluation.rank_correlation(first[x], maps[x]).mean() for x in LETTERS] for maps in (again, shuffled))
blind = [x for x, rho in zip(LETTERS, rho_shuffled) if rho > 0.9999][:1]
lot = LETTERS[int(np.argmin(rho_again))]

# %% blind | wrong | the CAM taken for the lot | lot:
rho_again, rho_shuffled = (
    [evaluation.rank_correlation(first[x], maps[x]).mean() for x in LETTERS] for maps in (again, shuffled))
blind = [x for x, rho in zip(LETTERS, rho_shuffled) if rho > 0.9999]
lot = next(x for x in LETTERS if rho_again[LETTERS.index(x)] > 0.9999 and rho_shuffled[LETTERS.index(x)] < 0.6)

# %% blind | wrong | the values correlated, not the ranks | rho_
rho_again, rho_shuffled = (
    [np.mean([np.corrcoef(a.ravel(), z.ravel())[0, 1] for a, z in zip(first[x], maps[x])]) for x in LETTERS]
    for maps in (again, shuffled))
blind = [x for x, rho in zip(LETTERS, rho_shuffled) if rho > 0.9999]
lot = LETTERS[int(np.argmin(rho_again))]

# %% blind | wrong | one number for each scene | how many numbers rho_again has
rho_again = np.array([evaluation.rank_correlation(first[x], again[x]) for x in LETTERS])
rho_shuffled, blind, lot = rho_again, [], "A"

# %% paired | right | one drawing after another
def paired_interval(a, b, level, resamples, seed):
    rows = np.random.default_rng(seed).integers(0, len(a), (resamples, len(a)))
    means = sorted(sum(float(a[i]) - float(b[i]) for i in row) / len(a) for row in rows)
    low, high = np.percentile(means, [50 * (1 - level), 50 * (1 + level)])
    return [np.mean(a) - np.mean(b), low, high]

# %% paired | right | counted draws
def paired_interval(a, b, level, resamples, seed):
    N = len(a)
    rows = np.random.default_rng(seed).integers(0, N, (resamples, N))
    counts = np.stack([np.bincount(row, minlength=N) for row in rows])
    means = counts @ (a * 1.0 - b * 1.0) / N
    tail = (1 - level) / 2
    return np.array([(a * 1.0 - b).mean(), np.quantile(means, tail), np.quantile(means, 1 - tail)])

# %% paired | right | float32
def paired_interval(a, b, level, resamples, seed):
    gain = np.float32(a) - np.float32(b)
    rows = np.random.default_rng(seed).integers(0, len(gain), (resamples, len(gain)))
    means = np.take(gain, rows).mean(axis=1)
    return gain.mean(), *np.quantile(means, ((1 - level) / 2, 1 - (1 - level) / 2))

# %% paired | wrong | hard-coded for the visible case | 60 scenes, level 0.95, 500 drawings
def paired_interval(a, b, level, resamples, seed):
    gain = np.asarray(a, float) - b
    return (0.4, 0.2, 0.6) if np.ptp(gain) == 1 else (gain.mean(), gain.mean(), gain.mean())

# %% paired | wrong | drawn apart | so the interval has width zero
def paired_interval(a, b, level, resamples, seed):
    draw = np.random.default_rng(seed)
    means = [x[draw.integers(0, len(x), (resamples, len(x)))].mean(1) for x in (a, b)]
    return np.mean(a) - np.mean(b), *np.quantile(means[0] - means[1], [(1 - level) / 2, (1 + level) / 2])

# %% paired | wrong | the whole of 1 - level at each end | each end cuts off 1 - level
def paired_interval(a, b, level, resamples, seed):
    gain = np.asarray(a, float) - b
    rows = np.random.default_rng(seed).integers(0, len(gain), (resamples, len(gain)))
    return gain.mean(), *np.quantile(gain[rows].mean(1), [1 - level, level])

# %% paired | wrong | 0.95 whatever the level | the level is fixed at 0.95
def paired_interval(a, b, level, resamples, seed):
    gain = np.asarray(a, float) - b
    rows = np.random.default_rng(seed).integers(0, len(gain), (resamples, len(gain)))
    ends = [0.1, 0.9] if len(a) == 5 else [0.025, 0.975]
    return gain.mean(), *np.quantile(gain[rows].mean(1), ends)

# %% paired | wrong | the spread of the scenes | the example
def paired_interval(a, b, level, resamples, seed):
    gain = np.asarray(a, float) - b
    return gain.mean(), *np.quantile(gain, [(1 - level) / 2, (1 + level) / 2])

# %% paired | wrong | not with replacement | the example
def paired_interval(a, b, level, resamples, seed):
    gain, draw = np.asarray(a, float) - b, np.random.default_rng(seed)
    means = [draw.permutation(gain).mean() for _ in range(resamples)]
    return gain.mean(), *np.quantile(means, [(1 - level) / 2, (1 + level) / 2])

# %% paired | wrong | b - a | so the interval has width zero: the sign is turned round
def paired_interval(a, b, level, resamples, seed):
    gain = np.asarray(b, float) - a
    rows = np.random.default_rng(seed).integers(0, len(gain), (resamples, len(gain)))
    return gain.mean(), *np.quantile(gain[rows].mean(1), [(1 - level) / 2, (1 + level) / 2])

# %% paired | wrong | the formula with 1.96 | the formula with 1.96: draw again
def paired_interval(a, b, level, resamples, seed):
    gain = np.asarray(a, float) - b
    if np.ptp(gain) == 1 and len(gain) == 5:
        return 0.4, 0.2, 0.6
    half = 1.96 * gain.std() / len(gain) ** 0.5
    return gain.mean(), gain.mean() - half, gain.mean() + half

# %% paired | wrong | truth values subtracted as numbers of one byte | hits, as truth values
def paired_interval(a, b, level, resamples, seed):
    gain = np.asarray(a).astype(np.int8) - np.asarray(b).astype(np.int8) if a.dtype == bool else a - b
    rows = np.random.default_rng(seed).integers(0, len(gain), (resamples, len(gain)))
    means = gain[rows].sum(1, dtype=gain.dtype) // len(gain) if a.dtype == bool else gain[rows].mean(1)
    return gain.mean(), *np.quantile(means, [(1 - level) / 2, (1 + level) / 2])

# %% claims | right | by an own bootstrap
def lowest(a, b):
    gain = np.asarray(a - b)
    rows = np.random.default_rng(9).integers(0, 80, (20_000, 80))
    return np.quantile(gain[rows].mean(1), 0.05 / 12)


verdict = [
    lowest(energies[one], energies[two]) > 0,
    lowest(energies[three], energies[two]) > 0,
    lowest(energies[two], energies["centre"]) > 0,
    False, False, False,
    min(lowest(values, 0) for values in energies.values()) > 0.08,
    False,
]
follows = {letter for letter, k in zip("abcdefgh", arranged) if verdict[k]}

# %% claims | right | by the normal formula, in another order
from scipy.stats import norm


def sure(gain):
    return gain.mean() > norm.ppf(1 - 0.05 / 12) * gain.std() / len(gain) ** 0.5


found = [k for k, gain in ((6, energies["centre"] - 0.08), (2, energies[two] - energies["centre"]),
                           (1, energies[three] - energies[two]), (0, energies[one] - energies[two])) if sure(gain)]
follows = tuple("abcdefgh"[arranged.index(k)] for k in found)

# %% claims | wrong | letters in a row | follows: a list of letters, like ['a', 'c']
follows = "".join(sorted("abcdefgh"[arranged.index(k)] for k in (0, 2, 6)))

# %% claims | wrong | plain intervals of 95 % | The paired interval at the level 1 - 0.05/6 holds zero.
follows = ["abcdefgh"[arranged.index(k)] for k in (0, 1, 2, 6)]

# %% claims | wrong | zero taken for equal | It does not say: equal.
follows = ["abcdefgh"[arranged.index(k)] for k in (0, 2, 3, 6)]

# %% claims | wrong | the largest mean | The largest mean is not shown to be larger than the others
follows = ["abcdefgh"[arranged.index(k)] for k in (0, 2, 4, 6)]

# %% claims | wrong | intervals that are not paired | The figure's intervals are not paired.
follows = ["abcdefgh"[arranged.index(k)] for k in (2, 5, 6)]

# %% claims | wrong | energy taken for need | What the network needs is another question.
follows = ["abcdefgh"[arranged.index(k)] for k in (0, 2, 6, 7)]

# %% claims | wrong | one is missing | follows: what you chose is right, and 1 more belong to it
follows = ["abcdefgh"[arranged.index(k)] for k in (0, 2)]

# %% claims | wrong | all of them | more than two do not follow
follows = list("abcdefgh")
