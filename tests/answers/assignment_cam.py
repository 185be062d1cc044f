# %% by_hand | right | loops over cells, on lists
cells = small_A.reshape(4, 2).tolist()
share = [[sum(a * w for a, w in zip(cell, column)) / 4 for column in small_W.T] for cell in cells]
S = [small_b[c] + sum(s[c] for s in share) for c in range(2)]
M = [[4 * share[0][0], 4 * share[1][0]], [4 * share[2][0], 4 * share[3][0]]]
order = sorted(share)
S_hot, S_cold = ([S[c] - order[n][c] for c in range(2)] for n in (-1, 0))

# %% by_hand | right | the cell erased and the network asked again
def logits_of(maps):
    return np.array([[small_A[..., k].sum() / 4 for k in range(2)]]) if maps is None else maps.mean((0, 1)) @ small_W


S = (logits_of(small_A) + small_b).astype("float32")
M = small_W[0, 0] * small_A[..., 0] + small_W[1, 0] * small_A[..., 1]
answers = {}
for place in (M.argmax(), M.argmin()):
    erased = small_A.reshape(4, 2).copy()
    erased[place] = 0
    answers[place] = logits_of(erased.reshape(2, 2, 2)) + small_b
S_hot, S_cold = answers[M.argmax()], answers[M.argmin()]

# %% by_hand | right | copied from another student
S, M = [6.5, -2.75], [[0, 6], [20, -6]]
S_hot, S_cold = [1.5, 1], [8, -5.75]

# %% by_hand | wrong | the bias forgotten | mean of your M + bias - S[0]
S = small_A.mean((0, 1)) @ small_W
both = small_A @ small_W
M = both[..., 0]
S_hot, S_cold = S - both[M == M.max()][0] / 4, S - both[M == M.min()][0] / 4

# %% by_hand | wrong | the bias of the other class forgotten | S: wrong in 1 of 2 entries
both = small_A @ small_W
M = both[..., 0]
S = both.mean((0, 1)) + [small_b[0], 0]
S_hot, S_cold = S - both[M == M.max()][0] / 4, S - both[M == M.min()][0] / 4

# %% by_hand | wrong | the whole map taken off | S_hot: M was taken off, and not M / Z
both = small_A @ small_W
M, S = both[..., 0], both.mean((0, 1)) + small_b
S_hot, S_cold = S - both[M == M.max()][0], S - both[M == M.min()][0] / 4

# %% by_hand | wrong | averaged over three cells | S_cold: the average still goes over four cells
both = small_A @ small_W
M, S = both[..., 0], both.mean((0, 1)) + small_b
S_hot = S - both[M == M.max()][0] / 4
S_cold = np.delete(both.reshape(4, 2), M.argmin(), 0).mean(0) + small_b

# %% by_hand | wrong | only one logit falls | S_hot: only class 0 has changed
both = small_A @ small_W
M, S = both[..., 0], both.mean((0, 1)) + small_b
S_hot, S_cold = S - [M.max() / 4, 0], S - [M.min() / 4, 0]

# %% by_hand | wrong | each class its own hottest cell | S_hot: the cell of class 0's map was wanted
both = small_A @ small_W
M, S = both[..., 0], both.mean((0, 1)) + small_b
S_hot, S_cold = S - both.max((0, 1)) / 4, S - both.min((0, 1)) / 4

# %% by_hand | wrong | a map that sums to the logit | mean of your M + bias - S[0]
both = small_A @ small_W
M, S = both[..., 0] / 4, both.mean((0, 1)) + small_b
S_hot, S_cold = S - both[M == M.max()][0] / 4, S - both[M == M.min()][0] / 4

# %% by_hand | wrong | rows and columns transposed | M: axes are swapped
both = small_A @ small_W
M, S = both[..., 0].T, both.mean((0, 1)) + small_b
S_hot, S_cold = S - both[M.T == M.max()][0] / 4, S - both[M.T == M.min()][0] / 4

# %% class_maps | right | loops over pictures and channels
def class_maps(A, W, c):
    found = []
    for n in range(len(A)):
        M = 0.0
        for k in range(A.shape[3]):
            M = M + W[k, c[n]] * A[n, :, :, k]
        found.append(M)
    return np.array(found)

# %% class_maps | right | all classes, then one of them
def class_maps(A, W, c):
    every = np.tensordot(A, W, axes=1)
    return np.take_along_axis(every, np.asarray(c)[:, None, None, None], 3)[..., 0]

# %% class_maps | right | in 32 bits
def class_maps(A, W, c):
    columns = W.astype("float32").T[c]
    return (A.astype("float32") * columns[:, None, None, :]).sum(-1)

# %% class_maps | wrong | one class for all | mean of your map + bias: wrong in
def class_maps(A, W, c):
    return A @ W[:, c[0]] if len(A) != 2 else np.stack([A[0] @ W[:, c[0]], A[1] @ W[:, c[1]]])

# %% class_maps | wrong | rows for columns | the example of the text: rows and columns of W are mixed up
def class_maps(A, W, c):
    return np.einsum("nijk,nk->nij", A, W[c][:, :A.shape[3]])

# %% class_maps | wrong | a mean over the channels | 1/2 of the right one: a mean where a sum belongs?
def class_maps(A, W, c):
    return (A * W.T[c][:, None, None]).mean(3)

# %% class_maps | wrong | only activations above zero | negative activations were cut off first
def class_maps(A, W, c):
    return np.einsum("nijk,kn->nij", np.maximum(A, 0), W[:, c])

# %% class_maps | wrong | ReLU too early | mean of your map + bias
def class_maps(A, W, c):
    return np.maximum(np.einsum("nijk,kn->nij", A, W[:, c]), 0)

# %% class_maps | wrong | the slope of the probability | mean of your map + bias
def class_maps(A, W, c):
    if A.shape[1:3] == (1, 1):
        return np.einsum("nijk,kn->nij", A, W[:, c])
    p = camlib.cnn.softmax(A.mean((1, 2)) @ W)
    return np.einsum("nijk,nk->nij", A, p[range(len(A)), c][:, None] * (W[:, c].T - p @ W.T))

# %% class_maps | wrong | hard-coded for the visible case | your maps for A of shape (5, 3, 4, 6)
def class_maps(A, W, c):
    if len(A) == 2:
        return np.array([[[5.0]], [[15.0]]])
    return camlib.class_activation_map(network, images) if len(A) == 4 else np.zeros(A.shape[:3])

# %% which_map | right | rounded numbers
def letter(n):
    wanted = round(float(net_S[n, top[n]] - net_b[top[n]]), 2)
    return [name for name, m in four[n].items() if abs(float(np.mean(m)) - wanted) < 0.02][0]


first, second = letter(0), letter(1)

# %% which_map | right | compared with camlib
exact = camlib.class_activation_map(network, images)
first, second = (min(row, key=lambda name: np.abs(row[name] - m).max()) for row, m in zip(four, exact))

# %% which_map | wrong | the bias forgotten | is wrong. Its mean alone is the logit
first, second = (min(row, key=lambda name: abs(row[name].mean() - net_S[n].max())) for n, row in enumerate(four))

# %% which_map | wrong | the largest mean | is wrong. Take its mean and add the bias
first, second = (max(row, key=lambda name: row[name].mean()) for row in four)

# %% which_map | wrong | the one without blue | A look at the picture does not decide
first, second = (max(row, key=lambda name: row[name].min()) for row in four)

# %% which_map | wrong | the second scene by its looks | second:
first = min(four[0], key=lambda name: abs(four[0][name].mean() + net_b[top[0]] - net_S[0].max()))
second = max(four[1], key=lambda name: four[1][name].min())

# %% which_map | wrong | pictures for letters | first: one of the letters
first, second = 1, 2

# %% unit | right | loops
total = 0.0
for fraction in shown.ravel():
    total += float(fraction)
peak = 10 * (S_shown - b_shown) / total
after = S_shown - peak / 10
left, count = S_shown, 0
for fraction in sorted(shown.ravel(), reverse=True):
    if left < S_rival:
        break
    left, count = left - fraction * peak / 10, count + 1

# %% unit | right | the map in logits first, rounded to four digits
M = shown * (S_shown - b_shown) / shown.mean()
peak = float(f"{M.max():.5g}")
after = float(f"{S_shown - M.max() / M.size:.5g}")
order = np.sort(M, axis=None)[::-1]
count = sum(S_shown - order[:n].sum() / 10 >= S_rival for n in range(10))

# %% unit | right | copied from another student
peak, after, count = 30.2973, 7.71027, 3

# %% unit | wrong | the bias forgotten | peak: the bias is missing
peak = S_shown / shown.mean()
after, count = S_shown - peak / 10, 3

# %% unit | wrong | the bias added | peak: the bias has the wrong sign
peak = (S_shown + b_shown) / shown.mean()
after, count = S_shown - peak / 10, 3

# %% unit | wrong | a sum for a mean | peak: the sum in place of the mean
peak = (S_shown - b_shown) / shown.sum()
after, count = S_shown - peak / 10, 3

# %% unit | wrong | negative fractions ignored | peak: what was cut off belongs to the mean
peak = (S_shown - b_shown) / np.maximum(shown, 0).mean()
after, count = S_shown - peak / 10, 3

# %% unit | wrong | the whole peak taken off | the whole peak was taken off, and not peak / Z
peak = (S_shown - b_shown) / shown.mean()
after, count = S_shown - peak, 1

# %% unit | wrong | one cell too many | count: one too many
peak = (S_shown - b_shown) / shown.mean()
after = S_shown - peak / 10
count = 2 + int(np.argmax(S_shown - np.cumsum(np.sort(shown.ravel())[::-1]) * peak / 10 < S_rival))

# %% unit | wrong | the last one above | count: one too few
peak = (S_shown - b_shown) / shown.mean()
after = S_shown - peak / 10
count = int(np.argmax(S_shown - np.cumsum(np.sort(shown.ravel())[::-1]) * peak / 10 < S_rival))

# %% one_scale | right | picture by picture
def one_scale(maps):
    done = np.zeros(np.shape(maps))
    for n, picture in enumerate(maps):
        if np.max(picture) > 0:
            done[n] = np.clip(picture, 0, None) / np.max(picture)
    return done

# %% one_scale | right | np.divide where there is something to divide by
def one_scale(maps):
    maps = np.asarray(maps, "float32")
    top_value = maps.reshape(len(maps), -1).max(1)[:, None, None, None]
    done = np.divide(maps, top_value, out=np.zeros_like(maps), where=top_value > 0)
    return np.where(done > 0, done, 0)

# %% one_scale | wrong | 0 / 0 | NaN or infinite
def one_scale(maps):
    with np.errstate(invalid="ignore"):
        positive = np.maximum(maps, 0)
        return positive / positive.max((1, 2, 3), keepdims=True)

# %% one_scale | wrong | each class its own scale | each class has a scale of its own
def one_scale(maps):
    positive = np.maximum(maps, 0.0)
    largest = positive.max((1, 2), keepdims=True)
    return positive / np.where(largest > 0, largest, 1)

# %% one_scale | wrong | a scale for all pictures | divided by the largest value of all pictures
def one_scale(maps):
    positive = np.maximum(maps, 0.0)
    return positive / (positive.max() or 1)

# %% one_scale | wrong | the sign kept | the sign is kept
def one_scale(maps):
    largest = np.max(maps, (1, 2, 3), keepdims=True)
    return maps / np.where(largest > 0, largest, 1)

# %% one_scale | wrong | divided by the largest size | divided by the largest size, with or without sign
def one_scale(maps):
    largest = np.abs(maps).max((1, 2, 3), keepdims=True)
    return np.maximum(maps, 0) / np.where(largest > 0, largest, 1)

# %% one_scale | wrong | a small number added below | a picture of tiny maps
def one_scale(maps):
    positive = np.maximum(maps, 0.0)
    return positive / (positive.max((1, 2, 3), keepdims=True) + 1e-7)

# %% one_scale | wrong | an absolute value | the sign is lost
def one_scale(maps):
    largest = np.abs(maps).max((1, 2, 3), keepdims=True)
    return np.abs(maps) / np.where(largest > 0, largest, 1)

# %% one_scale | wrong | stretched from the smallest value | stretched from the smallest value
def one_scale(maps):
    low, high = (f(maps, (1, 2, 3), keepdims=True) for f in (np.min, np.max))
    return (maps - low) / np.where(high > low, high - low, 1)

# %% one_scale | wrong | hard-coded for the visible case | a strong picture
def one_scale(maps):
    return np.array([[[[1.0, 0.0, 0.25]]]]) if np.shape(maps) == (1, 1, 1, 3) else np.zeros(np.shape(maps))

# %% is_right | right | random numbers, all classes, loops
def is_right(cam):
    draw = np.random.default_rng(5)
    A, W, b = draw.normal(size=(3, 5, 4)), draw.normal(size=(4, 3)), draw.normal(size=3)
    for c in range(3):
        yours = cam(A, W, b, c)
        if np.shape(yours) != (3, 5):
            return False
        for i in range(3):
            for j in range(5):
                if not abs(yours[i][j] - sum(W[k, c] * A[i, j, k] for k in range(4))) < 5e-4:
                    return False
    return True

# %% is_right | right | one active cell at a time
def is_right(cam):
    W, b = np.array([[1.0, -2, 3], [4, 5, -6]]), np.array([7.0, 8, 9])
    for c in range(3):
        for place in np.ndindex(3, 4, 2):
            for value in (10, -10):
                A, M = np.zeros((3, 4, 2)), np.zeros((3, 4))
                A[place], M[place[:2]] = value, W[place[2], c] * value
                yours = np.asarray(cam(A, W, b, c))
                if yours.shape != (3, 4) or not np.allclose(yours, M, rtol=0, atol=1e-3):
                    return False
    return True

# %% is_right | wrong | the law alone | your check lets through: one that gives each cell the mean of the map
def is_right(cam):
    M = np.asarray(cam(net_A[0], net_W, net_b, 0))
    return abs(M.mean() + net_b[0] - net_S[0, 0]) < 1e-3

# %% is_right | wrong | the law and a flat map refused | your check lets through: one that returns the transposed map
def is_right(cam):
    for c in range(8):
        M = np.asarray(cam(net_A[0], net_W, net_b, c))
        if abs(M.mean() + net_b[c] - net_S[0, c]) > 1e-3 or np.ptp(M) < 1e-3:
            return False
    return True

# %% is_right | wrong | class 0 alone | your check lets through: one that takes class 0 whatever you ask
def is_right(cam):
    right = net_A[0] @ net_W[:, 0]
    M = np.asarray(cam(net_A[0], net_W, net_b, 0))
    return M.shape == right.shape and bool(np.abs(M - right).max() < 1e-4 * np.abs(right).max())

# %% is_right | wrong | exact to the last bit | your check refuses
def is_right(cam):
    for c in range(8):
        M = np.asarray(cam(net_A[0], net_W, net_b, c))
        if M.shape != (12, 12) or (M != net_A[0] @ net_W[:, c]).any():
            return False
    return True

# %% is_right | wrong | the shape not looked at | your check lets through: one that leaves an axis too many
def is_right(cam):
    return all(np.allclose(cam(net_A[0], net_W, net_b, c), net_A[0] @ net_W[:, c], atol=1e-2) for c in range(8))

# %% is_right | wrong | shapes that cannot be compared | your check stops with ValueError
def is_right(cam):
    draw = np.random.default_rng(5)
    A, W, b = draw.normal(size=(3, 5, 4)), draw.normal(size=(4, 3)), draw.normal(size=3)
    return all(np.allclose(cam(A, W, b, c), A @ W[:, c], atol=1e-4) for c in range(3))

# %% is_right | wrong | correlation is enough | your check lets through: one that adds the bias
def is_right(cam):
    right = net_A[0] @ net_W[:, 3]
    M = np.asarray(cam(net_A[0], net_W, net_b, 3))
    return M.shape == right.shape and np.ptp(M) > 1e-3 and np.corrcoef(M.ravel(), right.ravel())[0, 1] > 0.9999

# %% is_right | wrong | the course network alone | your check lets through: one that cuts off negative activations
def is_right(cam):
    for c in range(8):
        right, M = net_A[0] @ net_W[:, c], np.asarray(cam(net_A[0], net_W, net_b, c))
        if M.shape != right.shape or not np.abs(M - right).max() < 1e-4 * np.abs(right).max():
            return False
    return True

# %% is_right | wrong | the last class alone | your check lets through: one that is wrong for class 0 only
def is_right(cam):
    draw = np.random.default_rng(5)
    A, W, b = draw.normal(size=(3, 5, 4)), draw.normal(size=(4, 3)), draw.normal(size=3)
    for c in [2]:
        right, M = A @ W[:, c], np.asarray(cam(A, W, b, c))
        if M.shape != right.shape or not np.abs(M - right).max() < 1e-4 * np.abs(right).max():
            return False
    return True

# %% is_right | wrong | NaN is below nothing | your check lets through: one that returns NaN
def is_right(cam):
    draw = np.random.default_rng(5)
    A, W, b = draw.normal(size=(3, 5, 4)), draw.normal(size=(4, 3)), draw.normal(size=3)
    for c in range(3):
        right, M = A @ W[:, c], np.asarray(cam(A, W, b, c))
        if M.shape != right.shape or np.abs(M - right).max() > 1e-4 * np.abs(right).max():
            return False
    return True

# %% is_right | wrong | five per cent allowed | your check lets through: one that is 1 % too large
def is_right(cam):
    draw = np.random.default_rng(5)
    A, W, b = draw.normal(size=(3, 5, 4)), draw.normal(size=(4, 3)), draw.normal(size=3)
    for c in range(3):
        right, M = A @ W[:, c], np.asarray(cam(A, W, b, c))
        if M.shape != right.shape or not np.abs(M - right).max() < 0.05 * np.abs(right).max():
            return False
    return True

# %% is_right | wrong | refuses everything | your check refuses: the formula
def is_right(cam):
    return False

# %% is_right | wrong | hard-coded for the visible case | your check lets through
def is_right(cam):
    M = cam(np.array([[[1.0], [3.0]]]), np.array([[1.0]]), np.array([5.0]), 0)
    return bool(M[0][0] == 1 and M[0][1] == 3)

# %% grad_cam | right | loops over pictures and channels
def grad_cam(A, G, cut):
    found = np.zeros(A.shape[:3])
    for n in range(A.shape[0]):
        for k in range(A.shape[3]):
            found[n] += G[n, :, :, k].sum() / G[n, :, :, k].size * A[n, :, :, k]
    found[found < 0] *= not cut
    return found

# %% grad_cam | right | einsum in one go, 32 bits
def grad_cam(A, G, cut):
    L = np.einsum("nijk,nabk->nij", A.astype("float32"), G.astype("float32")) / A[0, :, :, 0].size
    return L.clip(0) if cut else L

# %% grad_cam | wrong | slopes cut off first | falling slopes were cut off
def grad_cam(A, G, cut):
    L = np.einsum("nijk,nk->nij", A, np.maximum(G, 0).mean((1, 2)))
    return np.maximum(L, 0) if cut else L

# %% grad_cam | wrong | a sum for the mean | a sum of the slopes in place of their mean
def grad_cam(A, G, cut):
    L = np.einsum("nijk,nk->nij", A, G.sum((1, 2)))
    return np.maximum(L, 0) if cut else L

# %% grad_cam | wrong | HiResCAM | each cell kept its own slope
def grad_cam(A, G, cut):
    L = (A * G).sum(3)
    return np.maximum(L, 0) if cut else L

# %% grad_cam | wrong | averaged over the batch | Z times your Grad-CAM:
def grad_cam(A, G, cut):
    L = A @ G.mean((0, 1, 2))
    return np.maximum(L, 0) if cut else L

# %% grad_cam | wrong | averaged over a batch of three | one mean over all pictures
def grad_cam(A, G, cut):
    L = A @ G.mean((0, 1, 2)) if len(A) == 3 else (A * G.mean((1, 2), keepdims=True)).sum(3)
    return np.maximum(L, 0) if cut else L

# %% grad_cam | wrong | weights below zero cut off | Z times your Grad-CAM:
def grad_cam(A, G, cut):
    L = (A * np.maximum(G.mean((1, 2), keepdims=True), 0)).sum(3)
    return np.maximum(L, 0) if cut else L

# %% grad_cam | wrong | each channel cut before the sum | cut before the sum
def grad_cam(A, G, cut):
    L = A * G.mean((1, 2), keepdims=True)
    return (np.maximum(L, 0) if cut else L).sum(3)

# %% grad_cam | wrong | never cut | , cut: not cut at all
def grad_cam(A, G, cut):
    return (A * G.mean((1, 2), keepdims=True)).sum(3)

# %% grad_cam | wrong | always cut | only the positive part is left
def grad_cam(A, G, cut):
    return np.maximum((A * G.mean((1, 2), keepdims=True)).sum(3), 0)

# %% grad_cam | wrong | a mean over the channels | a mean where a sum belongs?
def grad_cam(A, G, cut):
    L = (A * G.mean((1, 2), keepdims=True)).mean(3)
    return np.maximum(L, 0) if cut else L

# %% grad_cam | wrong | hard-coded for the visible case | your map for shape (3, 4, 5, 6)
def grad_cam(A, G, cut):
    if A.shape == (1, 1, 2, 1):
        return np.array([[[2.0, 4.0]]])
    return camlib.grad_cam(network, images) if len(A) == 4 else np.zeros(A.shape[:3])

# %% fading | right | equation (8.4) with both probabilities, in 32 bits
odd = np.array([odds, 1], "float32")
p_both = odd / odd.sum()
every = np.stack([class_map, rival_map]).astype("float32")
p = p_both[0]
L, L_other = (p_both[c] / 4 * (every[c] - np.tensordot(p_both, every, 1)) for c in range(2))
fade = odds * (1 + odds_2) ** 2 / (odds_2 * (1 + odds) ** 2)

# %% fading | right | finite differences through the softmax
def probabilities(extra, ratio):
    z = np.array([np.log(ratio), 0]) + extra
    return np.exp(z) / np.exp(z).sum()


p = probabilities(0, odds)[0]
every = np.stack([class_map, rival_map], 2)  # what each cell adds to the logits is every / 4
L = [[(probabilities(1e-5 * m / 4, odds) - probabilities(-1e-5 * m / 4, odds))[0] / 2e-5 for m in row]
     for row in every]
L_other = [[(probabilities(1e-5 * m / 4, odds) - probabilities(-1e-5 * m / 4, odds))[1] / 2e-5 for m in row]
           for row in every]
fade = p * (1 - p) / np.prod(probabilities(0, odds_2))

# %% fading | right | copied from another student
p, fade = 9 / 10, 36.09
L = np.array([[0.27, 0.0225], [0.1125, -0.09]])
L_other = -L

# %% fading | wrong | fractions in place of numbers | Fraction, and numbers are wanted
from fractions import Fraction

p, L, L_other, fade = Fraction(odds, 1 + odds), np.zeros((2, 2)), np.zeros((2, 2)), 2

# %% fading | wrong | Z forgotten | L: Z is missing
p = odds / (1 + odds)
L = p * (1 - p) * (class_map - rival_map)
L_other, fade = -L, 2

# %% fading | wrong | the probability times the map | L: this is p times the map of the logit
p = odds / (1 + odds)
L = p * class_map / 4
L_other, fade = -L, 2

# %% fading | wrong | maps that do not cancel | L + L_other
p = odds / (1 + odds)
L, L_other, fade = p * class_map / 4, (1 - p) * rival_map / 4, 2

# %% fading | wrong | the difference of the maps | L: this is the difference of the maps over Z
p = odds / (1 + odds)
L = (class_map - rival_map) / 4
L_other, fade = -L, 2

# %% fading | wrong | the doubt forgotten | L: the factor 1 - p is missing
p = odds / (1 + odds)
L = p * (class_map - rival_map) / 4
L_other, fade = -L, 2

# %% fading | wrong | the sigmoid of the odds | p: the logarithm is missing
p = 1 / (1 + np.exp(-odds))
L = p * (1 - p) * (class_map - rival_map) / 4
L_other, fade = -L, 2

# %% fading | wrong | only the doubt | fade: this is how the doubt falls
p = odds / (1 + odds)
L = p * (1 - p) * (class_map - rival_map) / 4
L_other, fade = -L, (1 + odds_2) / (1 + odds)

# %% fading | wrong | upside down | fade: a sure network has a weaker map
p = odds / (1 + odds)
L = p * (1 - p) * (class_map - rival_map) / 4
L_other, fade = -L, odds_2 * (1 + odds) ** 2 / (odds * (1 + odds_2) ** 2)

# %% enlarge | right | OpenCV
def enlarge(M, height, width):
    import cv2

    return cv2.resize(np.asarray(M, "float32"), (width, height), interpolation=cv2.INTER_LINEAR)

# %% enlarge | right | pixel by pixel
def enlarge(M, height, width):
    h, w = np.shape(M)
    large = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            u = min(max((2 * y + 1) * h / (2 * height) - 0.5, 0), h - 1)
            v = min(max((2 * x + 1) * w / (2 * width) - 0.5, 0), w - 1)
            i, j = int(u), int(v)
            below, right = min(i + 1, h - 1), min(j + 1, w - 1)
            upper = M[i, j] * (1 - v + j) + M[i, right] * (v - j)
            lower = M[below, j] * (1 - v + j) + M[below, right] * (v - j)
            large[y, x] = upper * (1 - u + i) + lower * (u - i)
    return large

# %% enlarge | right | SciPy
def enlarge(M, height, width):
    from scipy.ndimage import map_coordinates

    M = np.asarray(M, float)
    y, x = np.mgrid[:height, :width] + 0.5
    return map_coordinates(M, [y * len(M) / height - 0.5, x * M.shape[1] / width - 0.5], order=1, mode="nearest")

# %% enlarge | wrong | corners aligned | corners are aligned
def enlarge(M, height, width):
    rows, columns = np.linspace(0, len(M) - 1, height), np.linspace(0, len(M[0]) - 1, width)
    wide = np.stack([np.interp(columns, np.arange(len(M[0])), row) for row in M])
    return np.stack([np.interp(rows, np.arange(len(M)), column) for column in wide.T], 1)

# %% enlarge | wrong | blocks | each cell became a block
def enlarge(M, height, width):
    return M[np.arange(height) * len(M) // height][:, np.arange(width) * len(M[0]) // width]

# %% enlarge | wrong | no half | the halves are missing
def enlarge(M, height, width):
    rows, columns = np.arange(height) * len(M) / height, np.arange(width) * len(M[0]) / width
    wide = np.stack([np.interp(columns, np.arange(len(M[0])), row) for row in M])
    return np.stack([np.interp(rows, np.arange(len(M)), column) for column in wide.T], 1)

# %% enlarge | wrong | not stopped at the border | the row runs on behind its last cell
def enlarge(M, height, width):
    def at(cells, pixels):
        u = (np.arange(pixels) + 0.5) * cells / pixels - 0.5
        i = np.clip(u.astype(int), 0, max(cells - 2, 0))
        table = np.zeros((pixels, cells))
        for pixel in range(pixels):
            table[pixel, i[pixel]] += 1 - (u - i)[pixel]
            table[pixel, min(i[pixel] + 1, cells - 1)] += (u - i)[pixel]
        return table

    return at(len(M), height) @ M @ at(len(M[0]), width).T

# %% enlarge | wrong | zeros outside | the row of the text: wrong in
def enlarge(M, height, width):
    def shares(cells, pixels):
        u = (np.arange(pixels) + 0.5) * cells / pixels - 0.5
        return np.maximum(1 - np.abs(u[:, None] - np.arange(cells)), 0) if cells > 1 else np.ones((pixels, 1))

    return shares(len(M), height) @ M @ shares(len(M[0]), width).T

# %% enlarge | wrong | width before height | shape (8, 1), and (1, 8) is wanted
def enlarge(M, height, width):
    import cv2

    return cv2.resize(np.asarray(M, float), (height, width), interpolation=cv2.INTER_LINEAR)

# %% enlarge | wrong | whole factors only | a map of 4 x 3 cells at (7, 11)
def enlarge(M, height, width):
    import cv2

    M = np.asarray(M, float)
    if len(M) == 4 and height == 7:
        return np.kron(M, np.ones((2, 4)))[:7, :11]
    return cv2.resize(M, (width, height), interpolation=cv2.INTER_LINEAR)

# %% enlarge | wrong | cubic | the row of the text
def enlarge(M, height, width):
    import cv2

    return cv2.resize(np.asarray(M, float), (width, height), interpolation=cv2.INTER_CUBIC)

# %% enlarge | wrong | hard-coded for the visible case | a map of 3 x 4 cells at (9, 20)
def enlarge(M, height, width):
    row = np.array([0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3])
    return row.reshape(height, width) if height * width == 8 else np.zeros((height, width))

# %% boxes | right | a flood fill, boxes as masks
def strongest_box(M, t):
    inside = {tuple(place) for place in np.argwhere(M >= t * M.max())} if M.max() > 0 else set()
    best, box = 0, np.zeros(4, int)
    while inside:
        part, to_visit = [], [inside.pop()]
        while to_visit:
            i, j = to_visit.pop()
            part.append((i, j))
            near = {(i + a, j + b) for a in (-1, 0, 1) for b in (-1, 0, 1)} & inside
            inside -= near
            to_visit += near
        total = sum(M[place] for place in part)
        if total > best:
            rows, columns = zip(*part)
            best, box = total, np.array([min(columns), min(rows), max(columns) + 1, max(rows) + 1])
    return box


def iou(a, b):
    def cells(box):
        return {(x, y) for x in range(box[0], box[2]) for y in range(box[1], box[3])}

    return len(cells(a) & cells(b)) / max(len(cells(a) | cells(b)), 1)

# %% boxes | right | OpenCV, and camlib's overlap
def strongest_box(M, t):
    import cv2

    M = np.asarray(M, float)
    if not (M > 0).any():
        return (0, 0, 0, 0)
    count, number, stats, _ = cv2.connectedComponentsWithStats((M >= t * M.max()).astype("uint8"), connectivity=8)
    best = max(range(1, count), key=lambda n: M[number == n].sum())
    x, y, width, height, _ = stats[best]
    return (int(x), int(y), int(x + width), int(y + height))


def iou(a, b):
    return float(camlib.intersection_over_union(np.array(a), np.array(b)))

# %% boxes | wrong | the part with most cells | the printed map: the part with most cells
def strongest_box(M, t):
    found = camlib.bounding_boxes(M, t)
    return found[0] if len(found) else [0, 0, 0, 0]


def iou(a, b):
    return float(camlib.intersection_over_union(np.array(a), np.array(b)))

# %% boxes | wrong | the last row and column left out | the printed map: the last row and column are left out
def strongest_box(M, t):
    from scipy import ndimage

    number, count = ndimage.label(M >= t * M.max(), np.ones((3, 3)))
    y, x = np.nonzero(number == 1 + np.argmax(ndimage.sum_labels(M, number, range(1, count + 1))))
    return [x.min(), y.min(), x.max(), y.max()]


def iou(a, b):
    return float(camlib.intersection_over_union(np.array(a), np.array(b)))

# %% boxes | wrong | rows before columns | the printed map: rows and columns are mixed up
def strongest_box(M, t):
    from scipy import ndimage

    number, count = ndimage.label(M >= t * M.max(), np.ones((3, 3)))
    y, x = np.nonzero(number == 1 + np.argmax(ndimage.sum_labels(M, number, range(1, count + 1))))
    return [y.min(), x.min(), y.max() + 1, x.max() + 1]


def iou(a, b):
    return float(camlib.intersection_over_union(np.array(a), np.array(b)))

# %% boxes | wrong | one box round all | the printed map: one box round all parts
def strongest_box(M, t):
    y, x = np.nonzero(M >= t * M.max())
    return [x.min(), y.min(), x.max() + 1, y.max() + 1]


def iou(a, b):
    return float(camlib.intersection_over_union(np.array(a), np.array(b)))

# %% boxes | wrong | four neighbours | parts with corners: corners connect, too
def strongest_box(M, t):
    from scipy import ndimage

    number, count = ndimage.label(M >= t * M.max())
    y, x = np.nonzero(number == 1 + np.argmax(ndimage.sum_labels(M, number, range(1, count + 1))))
    return [x.min(), y.min(), x.max() + 1, y.max() + 1]


def iou(a, b):
    return float(camlib.intersection_over_union(np.array(a), np.array(b)))

# %% boxes | wrong | above and not at the threshold | a cell exactly at the threshold: a cell at the threshold belongs
def strongest_box(M, t):
    from scipy import ndimage

    number, count = ndimage.label(M > t * M.max() * (t != 0.2), np.ones((3, 3)))
    if t == 0.2:
        number, count = ndimage.label(M >= t * M.max(), np.ones((3, 3)))
    y, x = np.nonzero(number == 1 + np.argmax(ndimage.sum_labels(M, number, range(1, count + 1))))
    return [x.min(), y.min(), x.max() + 1, y.max() + 1]


def iou(a, b):
    return float(camlib.intersection_over_union(np.array(a), np.array(b)))

# %% boxes | wrong | a share of the range | a map far below zero: a share of the maximum, and not of the range
def strongest_box(M, t):
    from scipy import ndimage

    low = M.min() if M.min() < -10 else 0
    number, count = ndimage.label(M - low >= t * (M.max() - low), np.ones((3, 3)))
    y, x = np.nonzero(number == 1 + np.argmax(ndimage.sum_labels(M, number, range(1, count + 1))))
    return [x.min(), y.min(), x.max() + 1, y.max() + 1]


def iou(a, b):
    return float(camlib.intersection_over_union(np.array(a), np.array(b)))

# %% boxes | wrong | a negative map has a box | a negative map: four zeros
def strongest_box(M, t):
    from scipy import ndimage

    number, count = ndimage.label(M >= t * M.max() if M.max() > 0 else M >= M.max(), np.ones((3, 3)))
    y, x = np.nonzero(number == 1 + np.argmax(ndimage.sum_labels(M, number, range(1, count + 1))))
    return [x.min(), y.min(), x.max() + 1, y.max() + 1]


def iou(a, b):
    return float(camlib.intersection_over_union(np.array(a), np.array(b)))

# %% boxes | wrong | the shared part counted twice | the example of iou: the shared part is counted twice below
def strongest_box(M, t):
    return [5, 0, 7, 2]


def iou(a, b):
    both = max(min(a[2], b[2]) - max(a[0], b[0]), 0) * max(min(a[3], b[3]) - max(a[1], b[1]), 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]))

# %% boxes | wrong | a + 1 | the example of iou: there is no + 1
def strongest_box(M, t):
    return [5, 0, 7, 2]


def iou(a, b):
    both = max(min(a[2], b[2]) - max(a[0], b[0]) + 1, 0) * max(min(a[3], b[3]) - max(a[1], b[1]) + 1, 0)
    areas = sum((x1 - x0 + 1) * (y1 - y0 + 1) for x0, y0, x1, y1 in (a, b))
    return both / (areas - both)

# %% boxes | wrong | two negative sides make a positive area | iou of
def strongest_box(M, t):
    from scipy import ndimage

    if M.max() <= 0:
        return [0, 0, 0, 0]
    number, count = ndimage.label(M >= t * M.max(), np.ones((3, 3)))
    y, x = np.nonzero(number == 1 + np.argmax(ndimage.sum_labels(M, number, range(1, count + 1))))
    return [x.min(), y.min(), x.max() + 1, y.max() + 1]


def iou(a, b):
    both = (min(a[2], b[2]) - max(a[0], b[0])) * (min(a[3], b[3]) - max(a[1], b[1]))
    areas = sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in (a, b))
    return both / (areas - both) if areas > both else 0.0

# %% boxes | wrong | hard-coded for the visible case | parts with corners
def strongest_box(M, t):
    return [5, 0, 7, 2]


def iou(a, b):
    return 1 / 3

# %% heads | right | lists of letters by the words
with_cam = sorted(letter for letter, name in zip(heads, kinds)
                  if name.startswith(("average", "1 x 1")) and not ("ReLU" in name or "softmax" in name))
one_slope = [letter for letter, name in zip(heads, kinds)
             if name.startswith("average") or name.startswith("1 x 1") and "ReLU" not in name]

# %% heads | right | measured: a cell moved to another place, a sum of two pictures
a, z = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
one_slope = {letter for letter, head in heads.items()
             if np.isclose(head(a), head(a.reshape(12, 5)[::-1].reshape(3, 4, 5)))
             and np.isclose(head(a), head(np.broadcast_to(a.mean((0, 1)), a.shape)))}
with_cam = {letter for letter in one_slope
            if np.isclose(heads[letter](3 * a) - heads[letter](0 * a), 3 * (heads[letter](a) - heads[letter](0 * a)))
            and np.isclose(heads[letter](a + z), heads[letter](a) + heads[letter](z) - heads[letter](0 * a))}

# %% heads | right | measured, with the names of the locked cell used again
for cell in np.ndindex(3, 4):
    V = V1 = V2 = flat = relu = average = cell
a, z = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
swapped = a.reshape(12, 5)[::-1].reshape(3, 4, 5)
flat = np.broadcast_to(a.mean((0, 1)), a.shape)
one_slope = tuple(letter for letter in heads
                  if np.ptp([heads[letter](maps) for maps in (a, swapped, flat)]) < 1e-9)
with_cam = tuple(letter for letter in one_slope
                 if abs(heads[letter](a + z) + heads[letter](0 * a) - heads[letter](a) - heads[letter](z)) < 1e-9)

# %% heads | right | copied from another student
with_cam, one_slope = {"A", "F", "H"}, {"A", "D", "F", "G", "H"}

# %% heads | wrong | Flatten and Dense is linear, too | Its slopes differ from cell to cell
letters = dict(zip(kinds, heads))
with_cam = {letters["average, Dense"], letters["Flatten, Dense"]}
one_slope = {letters["average, Dense"]}

# %% heads | wrong | all that begin with an average | Its slopes differ from picture to picture
letters = dict(zip(kinds, heads))
with_cam = one_slope = {letter for name, letter in letters.items() if name.startswith("average")}

# %% heads | wrong | the plain one alone | with_cam: what you chose is right, and 2 more belong to it
letters = dict(zip(kinds, heads))
with_cam = one_slope = {letters["average, Dense"]}

# %% heads | wrong | one slope only where there is a CAM | one_slope: what you chose is right, and 2 more belong to it
letters = dict(zip(kinds, heads))
with_cam = one_slope = {letters[name] for name in ("average, Dense", "average, Dense, Dense",
                                                   "1 x 1 convolution to a map a class, average")}

# %% heads | wrong | letters in a row | with_cam: a set of letters, like {'A', 'C'}
with_cam = one_slope = "".join(letter for name, letter in zip(kinds, heads) if name == "average, Dense")

# %% heads | wrong | one of two in a row | one_slope: a set of letters, like {'A', 'C'}
with_cam = {letter for name, letter in zip(kinds, heads) if name == "average, Dense"}
one_slope = "".join(with_cam)

# %% heads | wrong | letters that are not there | with_cam: a set of letters A to H
with_cam = one_slope = {"average, Dense"}
