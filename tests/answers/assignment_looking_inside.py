"""Right and wrong answers to the tasks of assignments/source/looking_inside; the form is that of ``answers``."""

# %% field | right | measured: which pixels can reach a cell
def sees(cells, steps):
    "All pixel rows that reach one of these cells of the last layer."
    for kernel, stride, before, dilation in steps[::-1]:
        cells = {stride * c - before + dilation * m for c in cells for m in range(kernel)}
    return cells


rows = sees({i}, steps)
first, last = min(rows), max(rows)
r = len(range(first, last + 1))
g = min(sees({i + 1}, steps)) - first
q = min(sees({0}, steps))
near = [range(min(s), max(s) + 1) for s in (sees({n}, steps) for n in range(99))]
watchers = sum(y in s for s in near)
earliest = [y in s for s in near].index(True)

# %% field | right | from the last layer to the first, as floats
import math

r, q, g = 1.0, 0.0, 1.0
for kernel, stride, before, dilation in reversed(steps):
    r = stride * (r - 1) + dilation * (kernel - 1) + 1
    q = stride * q - before
    g *= stride
first, last = q + g * i, q + g * i + r - 1
watchers = math.floor((y - q) / g) - math.floor((y - q - r) / g)
earliest = math.ceil((y - q - r + 1) / g)

# %% field | right | copied from another student
r, g, q, first, last, watchers, earliest = 39, 4, -14, 26, 64, 10, 27

# %% field | wrong | strides widen nothing | r: the strides before a layer widen its kernel
r = 1 + sum(d * (k - 1) for k, s, p, d in steps)
g = int(np.prod([s for k, s, p, d in steps]))
q = -sum(p for k, s, p, d in steps)
first = q + i * g
last, watchers = first + r - 1, -(-r // g)
earliest = (y - q) // g - watchers + 1

# %% field | wrong | no dilation | r: the dilation spreads a kernel, too
from camlib.convolution import receptive_field

r, g, q = receptive_field([(k, s, p) for k, s, p, d in steps])
first = q + i * g
last, watchers = first + r - 1, -(-r // g)
earliest = (y - q) // g - watchers + 1

# %% field | wrong | own stride counted | r: a layer's own stride does not widen its kernel
r, g, q = 1, 1, 0
for k, s, p, d in steps:
    q -= p * g
    g *= s
    r += d * (k - 1) * g
first = q + i * g
last, watchers = first + r - 1, r // g
earliest = (y - q) // g - watchers + 1

# %% field | wrong | the field of cell 0 starts at 0 | q: padding lets a field begin before the picture
from camlib.convolution import receptive_field

r, g, q = receptive_field(steps)
q, first = 0, i * g
last, watchers = first + r - 1, r // g
earliest = (y - q) // g - watchers + 1

# %% field | wrong | start by counting the pads | q: paddings count in the jumps of their own layer
from camlib.convolution import receptive_field

r, g, q = receptive_field(steps)
q = -sum(p for k, s, p, d in steps)
first = q + i * g
last, watchers = first + r - 1, r // g
earliest = (y - q) // g - watchers + 1

# %% field | wrong | strides added | g: the strides multiply
from camlib.convolution import receptive_field

r, g, q = receptive_field(steps)
first = q + i * g
last = first + r - 1
g, watchers = sum(s for k, s, p, d in steps), 1
earliest = (y - q) // g - watchers + 1

# %% field | wrong | last is left out | rows from first to last
from camlib.convolution import receptive_field

r, g, q = receptive_field(steps)
first = q + i * g
last, watchers = first + r, r // g
earliest = (y - q) // g - watchers + 1

# %% field | wrong | both ends moved | first: cells are counted from 0
from camlib.convolution import receptive_field

r, g, q = receptive_field(steps)
first = q + (i - 1) * g
last, watchers = first + r - 1, r // g
earliest = (y - q) // g - watchers + 1

# %% field | wrong | rounded without counting | watchers: near r / g, but count them
from camlib.convolution import receptive_field

r, g, q = receptive_field(steps)
first = q + i * g
last = first + r - 1
count = sum(q + n * g <= y < q + n * g + r for n in range(99))
watchers = count + 1 if count == r // g else count - 1
earliest = 30

# %% field | wrong | about right, and no cell named | earliest: that is the last row of cells that sees y
from camlib.convolution import receptive_field

r, g, q = receptive_field(steps)
first = q + i * g
last = first + r - 1
earliest = (y - q) // g
watchers = sum(q + n * g <= y < q + n * g + r for n in range(99))

# %% field | wrong | one row too early | earliest: this row of cells ends before y
from camlib.convolution import receptive_field

r, g, q = receptive_field(steps)
first = q + i * g
last = first + r - 1
see = [n for n in range(99) if q + n * g <= y < q + n * g + r]
earliest, watchers = see[0] - 1, len(see)

# %% dead | right | all corners of the cube, by loops
import itertools

corners = list(itertools.product((0, 1), repeat=3))
silent, never = [], []
for k in range(7):
    if not any(pixel @ weights[:, k] + biases[k] > 0 for row in picture for pixel in row):
        silent.append(k)
    if not any(sum(c * w for c, w in zip(corner, weights[:, k])) + biases[k] > 0 for corner in corners):
        never.append(k)
before = 7 * 4 + (9 * 7 + 1) * behind
after = (7 - len(never)) * 4 + (9 * (7 - len(never)) + 1) * behind
fewer = before - after

# %% dead | right | a convolution, and text
z = cross_correlation(picture[None].astype("float32"), weights[None, None].astype("float32"), biases.astype("float32"))
silent = {str(k) for k in np.flatnonzero(~(z > 0).any((0, 1, 2)))}
never = {str(k) for k in np.flatnonzero(weights.clip(0).sum(axis=0) <= -biases)}
fewer = float(len(never) * 4 + len(never) * 9 * behind)

# %% dead | right | copied from another student
silent, never, fewer = {0, 1, 3, 5}, {1, 3}, 278

# %% dead | wrong | the others, exchanged | silent: 2 is wrong. One of the four pixels wakes it
silent, never, fewer = set(range(7)), set(), 0

# %% dead | wrong | every sleeper is dead | There is a colour that wakes it
silent = {k for k in range(7) if (picture @ weights + biases)[..., k].max() <= 0}
never = silent
fewer = len(never) * (4 + 9 * behind)

# %% dead | wrong | never: bias below zero | in never is not in silent
silent = {k for k in range(7) if (picture @ weights + biases)[..., k].max() <= 0}
never = {k for k in range(7) if biases[k] < 0}
fewer = len(never) * (4 + 9 * behind)

# %% dead | wrong | zero counts as awake | what you chose is right, and 1 more belong to it
silent = {k for k in range(7) if (picture @ weights + biases)[..., k].max() <= 0}
never = {k for k in range(7) if np.maximum(weights, 0).sum(0)[k] + biases[k] < 0}
fewer = len(never) * (4 + 9 * behind)

# %% dead | wrong | only the layer itself | fewer: the weights that listened to them go, too
silent = {k for k in range(7) if (picture @ weights + biases)[..., k].max() <= 0}
never = {k for k in range(7) if np.maximum(weights, 0).sum(0)[k] + biases[k] <= 0}
fewer = len(never) * 4

# %% dead | wrong | no biases | fewer: the biases of the cut channels go, too
silent = {k for k in range(7) if (picture @ weights + biases)[..., k].max() <= 0}
never = {k for k in range(7) if np.maximum(weights, 0).sum(0)[k] + biases[k] <= 0}
fewer = len(never) * (3 + 9 * behind)

# %% dead | wrong | the sleepers are cut, too | fewer: cut only those that nothing can wake
silent = {k for k in range(7) if (picture @ weights + biases)[..., k].max() <= 0}
never = {k for k in range(7) if np.maximum(weights, 0).sum(0)[k] + biases[k] <= 0}
fewer = len(silent) * (4 + 9 * behind)

# %% dead | wrong | one weight a kernel | fewer: a 3 x 3 kernel has nine weights
silent = {k for k in range(7) if (picture @ weights + biases)[..., k].max() <= 0}
never = {k for k in range(7) if np.maximum(weights, 0).sum(0)[k] + biases[k] <= 0}
fewer = len(never) * (4 + behind)

# %% dead | wrong | never one bias fewer behind | what is left
silent = {k for k in range(7) if (picture @ weights + biases)[..., k].max() <= 0}
never = {k for k in range(7) if np.maximum(weights, 0).sum(0)[k] + biases[k] <= 0}
fewer = len(never) * (4 + 9 * behind) + 1

# %% dead | wrong | a text for a set | silent: a set of channel numbers
silent = "".join(str(k) for k in range(7) if (picture @ weights + biases)[..., k].max() <= 0)
never = {k for k in range(7) if np.maximum(weights, 0).sum(0)[k] + biases[k] <= 0}
fewer = len(never) * (4 + 9 * behind)

# %% dead | wrong | an array for a set | never: a set of channel numbers
silent = {k for k in range(7) if (picture @ weights + biases)[..., k].max() <= 0}
never = np.flatnonzero(np.maximum(weights, 0).sum(0) + biases <= 0)
fewer = len(never) * (4 + 9 * behind)

# %% unpool | right | plain loops, strictly larger
def unpool(R, A, q=2):
    back = [[[0.0] * A.shape[2] for _ in range(A.shape[1])] for _ in range(A.shape[0])]
    for k in range(A.shape[2]):
        for i in range(A.shape[0] // q):
            for j in range(A.shape[1] // q):
                best = (q * i, q * j)
                for m in range(q):
                    for n in range(q):
                        if A[q * i + m, q * j + n, k] > A[best][k]:
                            best = (q * i + m, q * j + n)
                back[best[0]][best[1]][k] = float(R[i, j, k])
    return back

# %% unpool | right | windows as an axis
def unpool(R, A, q=2):
    h, w, K = R.shape
    cut = A[: h * q, : w * q].reshape(h, q, w, q, K).transpose(0, 2, 1, 3, 4).reshape(h, w, q * q, K)
    onehot = np.arange(q * q)[:, None] == cut.argmax(2)[:, :, None]
    back = (onehot * R[:, :, None]).reshape(h, w, q, q, K).transpose(0, 2, 1, 3, 4)
    return np.pad(back.reshape(h * q, w * q, K), ((0, A.shape[0] - h * q), (0, A.shape[1] - w * q), (0, 0)))

# %% unpool | right | in float32
def unpool(R, A, q=2):
    back = np.zeros(A.shape, np.float32)
    for (i, j, k), value in np.ndenumerate(R):
        m, n = divmod(A[q * i:q * (i + 1), q * j:q * (j + 1), k].ravel().argmax(), q)
        back[q * i + m, q * j + n, k] = value
    return back

# %% unpool | right | the arguments are used up
def unpool(R, A, q=2):
    back = np.zeros(A.shape)
    for i, j, k in np.ndindex(R.shape):
        window = A[q * i : q * i + q, q * j : q * j + q, k]
        m, n = np.unravel_index(window.argmax(), (q, q))
        back[q * i + m, q * j + n, k] = R[i, j, k]
    A[:] = 0
    R[:] = 0
    return back

# %% unpool | wrong | every maximum | equal values: only the first place counts
def unpool(R, A, q=2):
    back = np.zeros(A.shape)
    for i, j, k in np.ndindex(R.shape):
        here = np.s_[q * i : q * i + q, q * j : q * j + q, k]
        back[here] = R[i, j, k] * (A[here] == A[here].max())
    return back

# %% unpool | wrong | the last of equals | the first place counts, in reading order
def unpool(R, A, q=2):
    back = np.zeros(A.shape)
    for i, j, k in np.ndindex(R.shape):
        window = A[q * i : q * i + q, q * j : q * j + q, k]
        m, n = np.argwhere(window == window.max())[-1]
        back[q * i + m, q * j + n, k] = R[i, j, k]
    return back

# %% unpool | wrong | spread | the example in the text
def unpool(R, A, q=2):
    back = np.zeros(A.shape)
    for i, j, k in np.ndindex(R.shape):
        back[q * i : q * i + q, q * j : q * j + q, k] = R[i, j, k] / q**2
    return back

# %% unpool | wrong | one switch for all channels | each channel has switches of its own
def unpool(R, A, q=2):
    back = np.zeros(A.shape)
    for i, j, k in np.ndindex(R.shape):
        window = A[q * i : q * i + q, q * j : q * j + q].sum(2)
        m, n = np.unravel_index(window.argmax(), (q, q))
        back[q * i + m, q * j + n, k] = R[i, j, k]
    return back

# %% unpool | wrong | the activation goes back | the example in the text
def unpool(R, A, q=2):
    back = np.zeros(A.shape)
    for i, j, k in np.ndindex(R.shape):
        window = A[q * i : q * i + q, q * j : q * j + q, k]
        m, n = np.unravel_index(window.argmax(), (q, q))
        back[q * i + m, q * j + n, k] = window.max()
    return back

# %% unpool | wrong | largest magnitude | maps of 5 x 7 x 3, q = 2
def unpool(R, A, q=2):
    back = np.zeros(A.shape)
    for i, j, k in np.ndindex(R.shape):
        window = np.abs(A[q * i : q * i + q, q * j : q * j + q, k])
        m, n = np.unravel_index(window.argmax(), (q, q))
        back[q * i + m, q * j + n, k] = R[i, j, k]
    return back

# %% unpool | wrong | windows of two, always | maps of 6 x 9 x 1, q = 3
def unpool(R, A, q=2):
    back = np.zeros(A.shape)
    for i, j, k in np.ndindex(R.shape):
        window = A[2 * i : 2 * i + 2, 2 * j : 2 * j + 2, k]
        m, n = np.unravel_index(window.argmax(), window.shape)
        back[2 * i + m, 2 * j + n, k] = R[i, j, k]
    return back

# %% unpool | wrong | the border is lost | shape (4, 6, 3), and (5, 7, 3) is wanted
def unpool(R, A, q=2):
    h, w, K = R.shape
    back = np.zeros((h * q, w * q, K))
    for i, j, k in np.ndindex(R.shape):
        window = A[q * i : q * i + q, q * j : q * j + q, k]
        m, n = np.unravel_index(window.argmax(), (q, q))
        back[q * i + m, q * j + n, k] = R[i, j, k]
    return back

# %% unpool | wrong | rows and columns of the switch exchanged | the example in the text
def unpool(R, A, q=2):
    back = np.zeros(A.shape)
    for i, j, k in np.ndindex(R.shape):
        window = A[q * i : q * i + q, q * j : q * j + q, k]
        n, m = np.unravel_index(window.argmax(), (q, q))
        back[q * i + m, q * j + n, k] = R[i, j, k]
    return back

# %% unpool | wrong | hard-coded for the visible case | maps of 5 x 7 x 3
def unpool(R, A, q=2):
    if R.shape == (1, 2, 1):
        return np.array([[0.0, 5, -6, 0], [0, 0, 0, 0]])[..., None]
    return R.repeat(2, 0).repeat(2, 1)

# %% back | right | one diagonal matrix after the other
def back(x, layers, y, rule):
    if not layers:
        return y
    (w, b), *above = layers
    z = w @ x + b
    R = back(np.where(z > 0, z, 0), above, y, rule)
    gate = {"gradient": z > 0, "deconvnet": R > 0, "guided": (z > 0) & (R > 0)}[rule]
    return np.einsum("kd,k,k->d", w, gate, R)

# %% back | right | loops over the units, in float32
def back(x, layers, y, rule):
    stack, a = [], [float(v) for v in x]
    for w, b in layers:
        z = [sum(float(w[k, d]) * a[d] for d in range(len(a))) + float(b[k]) for k in range(len(b))]
        a = [max(v, 0) for v in z]
        stack.append((w.astype(np.float32), z))
    R = np.asarray(y, np.float32)
    for w, z in reversed(stack):
        new = np.zeros(w.shape[1], np.float32)
        for k in range(len(z)):
            on = z[k] > 0 or rule == "deconvnet"
            up = R[k] > 0 or rule == "gradient"
            if on and up:
                new += w[k] * R[k]
        R = new
    return R

# %% back | right | the signal is changed in place
def back(x, layers, y, rule):
    z = []
    for w, b in layers:
        z.append(w @ x + b)
        x = z[-1].clip(0)
    for (w, b), at in zip(layers[::-1], z[::-1]):
        if rule != "gradient":
            y[y < 0] = 0
        if rule != "deconvnet":
            y *= at > 0
        y = w.T @ y
    return y

# %% back | wrong | no biases on the way forward | as if every unit were on
def back(x, layers, y, rule):
    z = []
    for w, b in layers:
        z.append(w @ x)
        x = np.maximum(z[-1], 0)
    R = y
    for (w, b), at in zip(layers[::-1], z[::-1]):
        R = R if rule == "gradient" else np.maximum(R, 0)
        R = w.T @ (R if rule == "deconvnet" else R * (at > 0))
    return R

# %% back | wrong | the rule once | the rule holds at every ReLU
def back(x, layers, y, rule):
    z = []
    for w, b in layers:
        z.append(w @ x + b)
        x = np.maximum(z[-1], 0)
    R = y
    for (w, b), at in zip(layers[::-1], z[::-1]):
        R = R if rule == "gradient" else np.maximum(R, 0)
        R = w.T @ (R if rule == "deconvnet" else R * (at > 0))
        rule = "gradient"
    return R

# %% back | wrong | rectified behind the weights | first the rule, then the transposed weights
def back(x, layers, y, rule):
    z = []
    for w, b in layers:
        z.append(w @ x + b)
        x = np.maximum(z[-1], 0)
    R = y
    for (w, b), at in zip(layers[::-1], z[::-1]):
        R = w.T @ (R if rule == "deconvnet" else R * (at > 0))
        R = R if rule == "gradient" else np.maximum(R, 0)
    return R

# %% back | wrong | zero counts as on | a unit with z = 0 is off
def back(x, layers, y, rule):
    z = []
    for w, b in layers:
        z.append(w @ x + b)
        x = np.maximum(z[-1], 0)
    R = y
    for (w, b), at in zip(layers[::-1], z[::-1]):
        R = R if rule == "gradient" else np.maximum(R, 0)
        R = w.T @ (R if rule == "deconvnet" else R * (at >= 0))
    return R

# %% back | wrong | deconvnet and guided exchanged | this is guided, and the rule was another
def back(x, layers, y, rule):
    z = []
    for w, b in layers:
        z.append(w @ x + b)
        x = np.maximum(z[-1], 0)
    R = y
    for (w, b), at in zip(layers[::-1], z[::-1]):
        R = R if rule == "gradient" else np.maximum(R, 0)
        R = w.T @ (R if rule == "guided" else R * (at > 0))
    return R

# %% back | wrong | the gradient, whatever the rule | the example in the text, deconvnet
def back(x, layers, y, rule):
    z = []
    for w, b in layers:
        z.append(w @ x + b)
        x = np.maximum(z[-1], 0)
    R = y
    for (w, b), at in zip(layers[::-1], z[::-1]):
        R = w.T @ (R * (at > 0))
    return R

# %% back | wrong | no ReLU on the way forward | layers of (5, 7, 4)
def back(x, layers, y, rule):
    z = []
    for w, b in layers:
        x = w @ x + b
        z.append(x)
    R = y
    for (w, b), at in zip(layers[::-1], z[::-1]):
        R = R if rule == "gradient" else np.maximum(R, 0)
        R = w.T @ (R if rule == "deconvnet" else R * (at > 0))
    return R

# %% back | wrong | hard-coded for the visible case | layers of (6, 5), gradient: shape (2,)
def back(x, layers, y, rule):
    return np.array({"gradient": [2, -1], "deconvnet": [6, 1], "guided": [3, 1]}[rule], float)

# %% which | right | by the sum of the classes and the smallest value
score = {}
for letter, (one, two) in shown.items():
    score[letter] = (np.abs(one + two).max() < 1e-9, len(np.unique(one)) <= 37, one[0, 0] + two[0, 0] == 0)
gradient_map = [k for k, (opposite, few, dark) in score.items() if opposite and not few][0]
occlusion_map = [k for k, (opposite, few, dark) in score.items() if opposite and few][0]
guided_map = [k for k, (opposite, few, dark) in score.items() if not opposite and dark][0]
deconvnet_map = [k for k, (opposite, few, dark) in score.items() if not dark][0]

# %% which | right | by the number of pixels touched
by_size = sorted(shown, key=lambda k: -(shown[k] != 0).mean())
deconvnet_map, rest = by_size[0], by_size[1:]
occlusion_map = max(rest, key=lambda k: (np.diff(shown[k][0], axis=0) == 0).mean()
                    + (np.diff(shown[k][0], axis=1) == 0).mean()
                    - 9 * (len(np.unique(shown[k])) > 99))
gradient_map, guided_map = sorted(set(rest) - {occlusion_map}, key=lambda k: shown[k].min())

# %% which | right | copied from another student
gradient_map, deconvnet_map, guided_map, occlusion_map = "A", "D", "B", "C"

# %% which | wrong | in the order of the text | occlusion_map:
occlusion_map = next(k for k in shown if len(np.unique(shown[k])) > 99)
gradient_map, deconvnet_map, guided_map = [k for k in shown if k != occlusion_map]

# %% which | wrong | guided and deconvnet exchanged | deconvnet_map: B is wrong. It is nowhere negative, and zero
positive = [k for k in shown if shown[k].min() >= 0]
deconvnet_map, guided_map = sorted(positive, key=lambda k: (shown[k] != 0).mean())
gradient_map, occlusion_map = sorted(set(shown) - set(positive), key=lambda k: -len(np.unique(shown[k])))

# %% which | wrong | gradient and guided exchanged | nowhere negative, and zero in the black corner: count its gates
positive = [k for k in shown if shown[k].min() >= 0]
gradient_map, deconvnet_map = sorted(positive, key=lambda k: (shown[k] != 0).mean())
guided_map, occlusion_map = sorted(set(shown) - set(positive), key=lambda k: -len(np.unique(shown[k])))

# %% which | wrong | one letter four times | each letter once
gradient_map = deconvnet_map = guided_map = occlusion_map = "A"

# %% adjoint | right | many random cases, and isclose
def is_adjoint(transposed):
    for seed in range(6):
        draw = np.random.default_rng(seed)
        kh, kw, C, K = draw.integers(2, 4, 4)
        H, W, s = draw.integers(6, 9), draw.integers(9, 12), 1 + seed % 3
        x, w = draw.normal(size=(H, W, C)), draw.normal(size=(kh, kw, C, K))
        Tx = there(x, w, s)
        y = draw.normal(size=Tx.shape)
        if not np.isclose(np.vdot(Tx, y), np.vdot(x, transposed(y, w, (H, W), s)), rtol=1e-3, atol=1e-3):
            return False
    return True

# %% adjoint | right | column by column, against the whole matrix
def is_adjoint(transposed):
    w = np.arange(1, 25.0).reshape(3, 2, 2, 2) ** 0.7 * (-1) ** np.arange(24).reshape(3, 2, 2, 2)
    worst = 0
    for s in (1, 2):
        H, W = 6, 5
        T = np.stack([there(e.reshape(H, W, 2), w, s).ravel() for e in np.eye(H * W * 2)], 1)
        h, v = (H - 3) // s + 1, (W - 2) // s + 1
        for sign in (1, -1):
            for n in range(len(T)):
                R = np.zeros(len(T))
                R[n] = sign
                R[(n + 7) % len(T)] += 2 * sign
                back = transposed(R.reshape(h, v, 2), w, (H, W), s)
                worst = max(worst, np.abs(np.ravel(back) - T.T @ R).max() / np.abs(T).max())
    return worst < 1e-4

# %% adjoint | right | against stamps of its own
def is_adjoint(transposed):
    ok = True
    for s, shape in ((1, (5, 8)), (2, (8, 5)), (3, (9, 7))):
        draw = np.random.default_rng(s)
        w = draw.normal(size=(2, 3, 3, 2)).astype("float32")
        R = draw.normal(size=there(np.zeros((*shape, 3)), w, s).shape)
        wanted = np.zeros((*shape, 3))
        for i, j in np.ndindex(R.shape[:2]):
            wanted[s * i : s * i + 2, s * j : s * j + 3] += w @ R[i, j]
        ok = ok and np.allclose(transposed(R, w, shape, s), wanted, atol=1e-4)
    return ok

# %% adjoint | right | the largest that the text allows
def is_adjoint(transposed):
    draw = np.random.default_rng(1)
    for shape, s in (((12, 12), 1), ((11, 12), 2), ((12, 10), 3)):
        w, I = draw.normal(size=(3, 2, 3, 4)), draw.normal(size=(*shape, 3))
        A = there(I, w, s)
        R = draw.normal(size=A.shape)
        if abs((A * R).sum() - (I * transposed(R, w, shape, s)).sum()) > 1e-4 * np.abs(A * R).sum():
            return False
    return True

# %% adjoint | wrong | shapes only | lets through: one that turns the kernel round
def is_adjoint(transposed):
    w = np.ones((3, 2, 3, 2))
    return np.shape(transposed(np.ones((6, 6, 2)), w, (8, 7), 1)) == (8, 7, 3)

# %% adjoint | wrong | a symmetric kernel | lets through: one that turns the kernel round
def is_adjoint(transposed):
    x, y = np.random.default_rng(0).normal(size=(2, 9, 8, 2))
    w = np.ones((3, 3, 2, 2))
    y = y[:7, :6]
    return np.isclose((there(x, w, 1) * y).sum(), (x * transposed(y, w, (9, 8), 1)).sum())

# %% adjoint | wrong | stride 1 only | lets through: one that knows no stride
def is_adjoint(transposed):
    draw = np.random.default_rng(0)
    x, w, y = draw.normal(size=(8, 7, 3)), draw.normal(size=(3, 2, 3, 2)), draw.normal(size=(6, 6, 2))
    return abs((there(x, w, 1) * y).sum() - (x * transposed(y, w, (8, 7), 1)).sum()) < 1e-3

# %% adjoint | wrong | too strict for float32 | refuses: one that computes in float32
def is_adjoint(transposed):
    draw = np.random.default_rng(0)
    w = draw.normal(size=(3, 2, 3, 2))
    for s in (1, 2):
        x = draw.normal(size=(8, 7, 3))
        Tx = there(x, w, s)
        y = draw.normal(size=Tx.shape)
        if abs((Tx * y).sum() - (x * transposed(y, w, (8, 7), s)).sum()) > 1e-9:
            return False
    return True

# %% adjoint | wrong | five percent are forgiven | lets through: one that is one percent too large
def is_adjoint(transposed):
    draw = np.random.default_rng(0)
    w = draw.normal(size=(3, 2, 3, 2))
    for s in (1, 2, 1, 2, 1, 2):
        x = draw.normal(size=(8, 7, 3))
        Tx = there(x, w, s)
        y = draw.normal(size=Tx.shape)
        if not np.isclose((Tx * y).sum(), (x * transposed(y, w, (8, 7), s)).sum(), rtol=0.05):
            return False
    return True

# %% adjoint | wrong | positive signals | lets through: one that rectifies the signal
def is_adjoint(transposed):
    draw = np.random.default_rng(0)
    w = draw.normal(size=(3, 2, 3, 2))
    for s in (1, 2):
        x = draw.normal(size=(8, 7, 3))
        y = draw.random(size=there(x, w, s).shape)
        left, right = (there(x, w, s) * y).sum(), (x * transposed(y, w, (8, 7), s)).sum()
        if abs(left - right) > 1e-3:
            return False
    return True

# %% adjoint | wrong | nothing left over | lets through: one that puts the rows left over before the stamps
def is_adjoint(transposed):
    draw = np.random.default_rng(0)
    w = draw.normal(size=(3, 2, 3, 2))
    for s in (1, 2):
        x = draw.normal(size=(9, 8, 3))
        y = draw.normal(size=there(x, w, s).shape)
        left, right = (there(x, w, s) * y).sum(), (x * transposed(y, w, (9, 8), s)).sum()
        if abs(left - right) > 1e-3:
            return False
    return True

# %% adjoint | wrong | one channel | lets through: one that hears the first channel only
def is_adjoint(transposed):
    draw = np.random.default_rng(0)
    w = draw.normal(size=(3, 2, 3, 1))
    for s in (1, 2):
        x = draw.normal(size=(8, 7, 3))
        y = draw.normal(size=there(x, w, s).shape)
        left, right = (there(x, w, s) * y).sum(), (x * transposed(y, w, (8, 7), s)).sum()
        if abs(left - right) > 1e-3:
            return False
    return True

# %% adjoint | wrong | an identity is asked for | refuses: stamps
def is_adjoint(transposed):
    x, w = np.random.default_rng(0).normal(size=(8, 7, 3)), np.ones((3, 2, 3, 2))
    return np.allclose(transposed(there(x, w, 1), w, (8, 7), 1), x)

# %% adjoint | wrong | never satisfied | refuses: stamps
def is_adjoint(transposed):
    return False

# %% adjoint | wrong | hard-coded for the visible case | lets through: one that turns the kernel over its diagonal
def is_adjoint(transposed):
    w = np.zeros((3, 3, 1, 1))
    w[0, 0] = 1
    back = transposed(np.ones((2, 2, 1)), w, (5, 5), 2)
    return bool(np.abs(back).sum() == 4 and back[0, 0, 0] == 1 and back[2, 2, 0] == 1)

# %% integrated | right | all points at once, by tensordot
def integrated(slope, I, baseline, steps):
    t = np.linspace(0, 1, steps, endpoint=False) + 1 / (2 * steps)
    slopes = np.array([slope((1 - u) * baseline + u * I) for u in t])
    return np.tensordot(np.full(steps, 1 / steps), slopes, 1) * (I - baseline)

# %% integrated | right | step by step along the way, backwards
def integrated(slope, I, baseline, steps):
    step = (I - baseline) / steps
    at, phi = I - step / 2, 0
    for _ in range(steps):
        phi = phi + step * slope(at)
        at = at - step
    return phi

# %% integrated | right | in float32
def integrated(slope, I, baseline, steps):
    I, baseline = np.float32(I), np.float32(baseline)
    slopes = [slope(baseline + np.float32((t + 0.5) / steps) * (I - baseline)) for t in range(steps)]
    return ((I - baseline) * np.mean(slopes, axis=0)).astype("float32")

# %% integrated | right | the picture is changed in place
def integrated(slope, I, baseline, steps):
    I -= baseline
    total = slope(baseline + 0.5 / steps * I)
    for t in range(1, steps):
        total += slope(baseline + (t + 0.5) / steps * I)
    I *= total / steps
    return I

# %% integrated | wrong | left ends | the slope at the start of the step
def integrated(slope, I, baseline, steps):
    return (I - baseline) * sum(slope(baseline + t / steps * (I - baseline)) for t in range(steps)) / steps

# %% integrated | wrong | right ends | the slope at the end of the step
def integrated(slope, I, baseline, steps):
    return (I - baseline) * sum(slope(baseline + (t + 1) / steps * (I - baseline)) for t in range(steps)) / steps

# %% integrated | wrong | from end to end | m + 1 points from end to end
def integrated(slope, I, baseline, steps):
    t = np.linspace(0, 1, steps + 1)
    return (I - baseline) * np.mean([slope(baseline + u * (I - baseline)) for u in t], 0)

# %% integrated | wrong | input times gradient | the slope at the end of the step
def integrated(slope, I, baseline, steps):
    return (I - baseline) * slope(I)

# %% integrated | wrong | the baseline is forgotten | the sum, from a grey baseline
def integrated(slope, I, baseline, steps):
    return I * sum(slope((t + 0.5) / steps * I) for t in range(steps)) / steps

# %% integrated | wrong | the way starts at zero | the sum, from a grey baseline
def integrated(slope, I, baseline, steps):
    return (I - baseline) * sum(slope((t + 0.5) / steps * I) for t in range(steps)) / steps

# %% integrated | wrong | times the picture | the sum, from a grey baseline
def integrated(slope, I, baseline, steps):
    return I * sum(slope(baseline + (t + 0.5) / steps * (I - baseline)) for t in range(steps)) / steps

# %% integrated | wrong | a sum of slopes | the score sum(I ** 2), steps = 4: 4 times too large
def integrated(slope, I, baseline, steps):
    return (I - baseline) * sum(slope(baseline + (t + 0.5) / steps * (I - baseline)) for t in range(steps))

# %% integrated | wrong | only the mean of the slopes | not yet times I - baseline
def integrated(slope, I, baseline, steps):
    return sum(slope(baseline + (t + 0.5) / steps * (I - baseline)) for t in range(steps)) / steps

# %% integrated | wrong | one midpoint, always | a picture of (3, 5, 2), 3 steps
def integrated(slope, I, baseline, steps):
    return (I - baseline) * slope((I + baseline) / 2)

# %% integrated | wrong | hard-coded for the visible case | a picture of (4, 3), 1 steps
def integrated(slope, I, baseline, steps):
    return I**2 - baseline**2

# %% steps | right | counted with fractions
from fractions import Fraction

T = Fraction(_part, _whole)


def ig(m, t):
    return Fraction(w, m) * sum(Fraction(2 * k + 1, 2 * m) < t for k in range(m))


by_gradient = 0
drop = float(w * T)
phi_1, phi_3 = float(ig(1, T)), float(ig(3, T))
exact = [m for m in range(1, 30) if ig(m, T) == w * T][0]
many = [Fraction(n, 2520) + Fraction(1, 10**9) for n in range(2520)]
enough = [m for m in range(2, 20)
          if all(abs(ig(m, t) - w * t) <= Fraction(w, share) for t in many)][0]

# %% steps | right | by the rounding of m t
by_gradient = 0.0
drop = np.float32(w * t)
phi_1 = w * round(t)
phi_3 = w * round(3 * t) / 3
exact = min(m for m in range(1, 20) if abs(m * t - round(m * t)) < 1e-9)
enough = int(np.ceil(share / 2))

# %% steps | right | copied from another student
by_gradient, drop, phi_1, phi_3, exact, enough = 0, 18, 0, 15, 5, 13

# %% steps | wrong | a slope that never ends | by_gradient: is the score still rising at x = 1?
by_gradient, drop, phi_1, phi_3 = w, w * t, w * round(t), w * round(3 * t) / 3
exact, enough = _whole, share // 2

# %% steps | wrong | the drop everywhere | phi_1: that is the exact integral, and one step has one midpoint
by_gradient = 0
drop = phi_1 = phi_3 = w * t
exact, enough = 1, 1

# %% steps | wrong | the other half | phi_1: the one midpoint is 0.5: does it lie below t?
by_gradient, drop, phi_1, phi_3 = 0, w * t, w * (1 - round(t)), w * round(3 * t) / 3
exact, enough = _whole, share // 2

# %% steps | wrong | no saturation | drop: the score stops rising at t
by_gradient, drop, phi_1, phi_3 = 0, w, w, w
exact, enough = _whole, share // 2

# %% steps | wrong | a sum of three | phi_3 - drop
by_gradient, drop, phi_1, phi_3 = 0, w * t, w * round(t), w * round(3 * t)
exact, enough = _whole, share // 2

# %% steps | wrong | twice as many steps | exact: that works, and fewer steps do, too
by_gradient, drop, phi_1, phi_3 = 0, w * t, w * round(t), w * round(3 * t) / 3
exact, enough = 2 * _whole, share // 2

# %% steps | wrong | a whole step of error | enough: the worst t lies in the middle of a step
by_gradient, drop, phi_1, phi_3 = 0, w * t, w * round(t), w * round(3 * t) / 3
exact, enough = _whole, share

# %% steps | wrong | one step more | enough: at or below: one step fewer will do
by_gradient, drop, phi_1, phi_3 = 0, w * t, w * round(t), w * round(3 * t) / 3
exact, enough = _whole, share // 2 + 1

# %% climb | right | the shift as the variable
def climb(slope, start, centre, radius, length, steps):
    d = np.array(start, float) - centre
    for _ in range(steps):
        G = np.asarray(slope(centre + d))
        d = d + length * G / max((G**2).sum() ** 0.5, 1e-300)
        d = d * min(1, radius / max((d**2).sum() ** 0.5, 1e-300))
    return centre + d

# %% climb | right | flat vectors, in float32
def climb(slope, start, centre, radius, length, steps):
    shape, c, x = start.shape, centre.ravel(), start.ravel().astype("float32")
    for n in range(steps):
        g = np.ravel(slope(x.reshape(shape)))
        size = np.sqrt(g @ g)
        x = x if size == 0 else x + length / size * g
        far = np.sqrt((x - c) @ (x - c))
        x = c + (x - c) / max(1, far / radius)
    return x.reshape(shape)

# %% climb | right | the picture and the gradient are changed in place
def climb(slope, start, centre, radius, length, steps):
    I = start
    for _ in range(steps):
        G = slope(I)
        norm = np.linalg.norm(G)
        if norm > 0:
            G /= norm
            I += length * G
        I -= centre
        far = np.linalg.norm(I)
        I *= radius / far if far > radius else 1
        I += centre
    return I

# %% climb | wrong | the gradient as it is | the gradient is not divided by its length
def climb(slope, start, centre, radius, length, steps):
    I = start
    for _ in range(steps):
        I = I + length * slope(I)
        far = np.linalg.norm(I - centre)
        I = centre + radius * (I - centre) / far if far > radius else I
    return I

# %% climb | wrong | downhill | the sign of the step
def climb(slope, start, centre, radius, length, steps):
    I = start
    for _ in range(steps):
        I = I - length * slope(I) / np.linalg.norm(slope(I))
        far = np.linalg.norm(I - centre)
        I = centre + radius * (I - centre) / far if far > radius else I
    return I

# %% climb | wrong | a ball around zero | the example in the text
def climb(slope, start, centre, radius, length, steps):
    I = start
    for _ in range(steps):
        I = I + length * slope(I) / np.linalg.norm(slope(I))
        far = np.linalg.norm(I)
        I = radius * I / far if far > radius else I
    return I

# %% climb | wrong | no way back | never back to the ball
def climb(slope, start, centre, radius, length, steps):
    I = start
    for _ in range(steps):
        I = I + length * slope(I) / np.linalg.norm(slope(I))
    return I

# %% climb | wrong | always on the sphere | pushed out to the sphere
def climb(slope, start, centre, radius, length, steps):
    I = start
    for _ in range(steps):
        I = I + length * slope(I) / np.linalg.norm(slope(I))
        I = centre + radius * (I - centre) / np.linalg.norm(I - centre)
    return I

# %% climb | wrong | a box | each number is limited by itself
def climb(slope, start, centre, radius, length, steps):
    I = start
    for _ in range(steps):
        I = I + length * slope(I) / np.linalg.norm(slope(I))
        I = np.clip(I, centre - radius, centre + radius)
    return I

# %% climb | wrong | the largest entry for the length | divided by the largest entry
def climb(slope, start, centre, radius, length, steps):
    I = start
    for _ in range(steps):
        I = I + length * slope(I) / np.abs(slope(I)).max()
        far = np.linalg.norm(I - centre)
        I = centre + radius * (I - centre) / far if far > radius else I
    return I

# %% climb | wrong | back only at the end | steps, radius
def climb(slope, start, centre, radius, length, steps):
    I = start
    for _ in range(steps):
        I = I + length * slope(I) / np.linalg.norm(slope(I))
    far = np.linalg.norm(I - centre)
    return centre + radius * (I - centre) / far if far > radius else I

# %% climb | wrong | zero divided by zero | a gradient of zeros: NaN
def climb(slope, start, centre, radius, length, steps):
    I = start
    for _ in range(steps):
        with np.errstate(invalid="ignore"):
            I = I + length * slope(I) / np.linalg.norm(slope(I))
        far = np.linalg.norm(I - centre)
        I = centre + radius * (I - centre) / far if far > radius else I
    return I

# %% climb | wrong | hard-coded for the visible case | steps, radius
def climb(slope, start, centre, radius, length, steps):
    w = slope(start)
    return centre + radius * w / np.linalg.norm(w)

# %% occlude | right | pixel by pixel
def occlude(score, I, a, s, fill):
    H, W, C = I.shape
    tops = list(range(0, H - a, s)) + [H - a]
    lefts = list(range(0, W - a, s)) + [W - a]
    full, drops = score(I), {}
    for t in tops:
        for l in lefts:
            inside = np.zeros((H, W, 1), bool)
            inside[t : t + a, l : l + a] = True
            drops[t, l] = full - score(np.where(inside, fill, I))
    return [[np.mean([d for (t, l), d in drops.items() if t <= y < t + a and l <= x < l + a])
             for x in range(W)] for y in range(H)]

# %% occlude | right | drops first, then a product of two matrices
def occlude(score, I, a, s, fill):
    def covers(n):
        starts = np.minimum(np.arange(-(-(n - a) // s) + 1) * s, n - a)
        return starts, (starts[:, None] <= np.arange(n)) & (np.arange(n) < starts[:, None] + a)

    (tops, rows), (lefts, columns) = covers(I.shape[0]), covers(I.shape[1])
    D = np.empty((len(tops), len(lefts)))
    for i, y in enumerate(tops):
        for j, x in enumerate(lefts):
            hidden = np.array(I, float)
            hidden[y : y + a, x : x + a, :] = np.asarray(fill)
            D[i, j] = score(I) - score(hidden)
    return (rows.T @ D @ columns) / np.outer(rows.sum(0), columns.sum(0))

# %% occlude | wrong | the border is left out | NaN or infinite
def occlude(score, I, a, s, fill):
    H, W = I.shape[:2]
    total, count = np.zeros((2, H, W))
    for y in range(0, H - a + 1, s):
        for x in range(0, W - a + 1, s):
            hidden = I.copy()
            hidden[y : y + a, x : x + a] = fill
            total[y : y + a, x : x + a] += score(I) - score(hidden)
            count[y : y + a, x : x + a] += 1
    with np.errstate(invalid="ignore"):
        return total / count

# %% occlude | wrong | patches hang over the border | the example in the text
def occlude(score, I, a, s, fill):
    H, W = I.shape[:2]
    total, count = np.zeros((2, H, W))
    for y in range(0, H, s):
        for x in range(0, W, s):
            hidden = I.copy()
            hidden[y : y + a, x : x + a] = fill
            total[y : y + a, x : x + a] += score(I) - score(hidden)
            count[y : y + a, x : x + a] += 1
    return total / count

# %% occlude | wrong | the patches stay | the example in the text
def occlude(score, I, a, s, fill):
    H, W = I.shape[:2]
    total, count = np.zeros((2, H, W))
    full, hidden = score(I), I.copy()
    for y in [*range(0, H - a, s), H - a]:
        for x in [*range(0, W - a, s), W - a]:
            hidden[y : y + a, x : x + a] = fill
            total[y : y + a, x : x + a] += full - score(hidden)
            count[y : y + a, x : x + a] += 1
    return total / count

# %% occlude | wrong | a sum over the patches | the example in the text
def occlude(score, I, a, s, fill):
    H, W = I.shape[:2]
    total = np.zeros((H, W))
    for y in [*range(0, H - a, s), H - a]:
        for x in [*range(0, W - a, s), W - a]:
            hidden = I.copy()
            hidden[y : y + a, x : x + a] = fill
            total[y : y + a, x : x + a] += score(I) - score(hidden)
    return total

# %% occlude | wrong | always black | sum of the tiles
def occlude(score, I, a, s, fill):
    H, W = I.shape[:2]
    total, count = np.zeros((2, H, W))
    for y in [*range(0, H - a, s), H - a]:
        for x in [*range(0, W - a, s), W - a]:
            hidden = I.copy()
            hidden[y : y + a, x : x + a] = 0
            total[y : y + a, x : x + a] += score(I) - score(hidden)
            count[y : y + a, x : x + a] += 1
    return total / count

# %% occlude | wrong | a rise for a drop | the example in the text: the sign is turned round
def occlude(score, I, a, s, fill):
    H, W = I.shape[:2]
    total, count = np.zeros((2, H, W))
    for y in [*range(0, H - a, s), H - a]:
        for x in [*range(0, W - a, s), W - a]:
            hidden = I.copy()
            hidden[y : y + a, x : x + a] = fill
            total[y : y + a, x : x + a] += score(hidden) - score(I)
            count[y : y + a, x : x + a] += 1
    return total / count

# %% occlude | wrong | rows and columns exchanged | the example in the text
def occlude(score, I, a, s, fill):
    H, W = I.shape[:2]
    total, count = np.zeros((2, H, W))
    for y in [*range(0, H - a, s), H - a]:
        for x in [*range(0, W - a, s), W - a]:
            hidden = I.copy()
            hidden[x : x + a, y : y + a] = fill
            total[y : y + a, x : x + a] += score(I) - score(hidden)
            count[y : y + a, x : x + a] += 1
    return total / count

# %% occlude | wrong | the first channel only | sum of the tiles
def occlude(score, I, a, s, fill):
    H, W = I.shape[:2]
    total, count = np.zeros((2, H, W))
    for y in [*range(0, H - a, s), H - a]:
        for x in [*range(0, W - a, s), W - a]:
            hidden = I.copy()
            hidden[y : y + a, x : x + a, 0] = fill[0]
            total[y : y + a, x : x + a] += score(I) - score(hidden)
            count[y : y + a, x : x + a] += 1
    return total / count

# %% occlude | wrong | one grey for all colours | the worst
def occlude(score, I, a, s, fill):
    H, W = I.shape[:2]
    total, count = np.zeros((2, H, W))
    for y in [*range(0, H - a, s), H - a]:
        for x in [*range(0, W - a, s), W - a]:
            hidden = I.copy()
            hidden[y : y + a, x : x + a] = np.mean(fill)
            total[y : y + a, x : x + a] += score(I) - score(hidden)
            count[y : y + a, x : x + a] += 1
    return total / count

# %% occlude | wrong | hard-coded for the visible case | (5, 8, 3), patch 3, step 2
def occlude(score, I, a, s, fill):
    if I.shape == (3, 4, 1):
        return np.array([[1, 1, 0, 0], [0.5, 0.5, 1, 1], [0, 0, 2, 2.0]])
    black = np.broadcast_to(np.asarray(fill, float), I.shape)
    return np.full(I.shape[:2], (score(I) - score(black)) * 4 / (I.shape[0] * I.shape[1]))

# %% claims | right | read off by a loop, as a list
follows = []
for n, row in enumerate(table.tolist()):
    together, apart = row[3], row[1] + row[2]
    if together != apart:
        follows.append("abc"[n])
    if together > apart and n + 1 == _asked:
        follows.append("e")

# %% claims | right | with a tolerance
apart = table[:, 1:3].sum(1).astype("float32")
far = ~np.isclose(apart, table[:, 3])
follows = {"abc"[k] for k in np.flatnonzero(far)}
follows = follows | {"e"} if table[_asked - 1, 3] - 0.1 > apart[_asked - 1] else follows

# %% claims | right | copied from another student
follows = {"b", "c", "e"}

# %% claims | wrong | all of them | is wrong
follows = set("abcdefg")

# %% claims | wrong | adding up proves linear | One pair of patches that adds up proves nothing
apart = table[:, 1] + table[:, 2]
follows = {"abc"[k] for k in range(3) if table[k, 3] != apart[k]} | {"d"}
follows |= {"e"} if table[_asked - 1, 3] > apart[_asked - 1] else set()

# %% claims | wrong | a logit for a probability | A probability depends on the rivals
apart = table[:, 1] + table[:, 2]
follows = {"abc"[k] for k in range(3) if table[k, 3] != apart[k]} | {"f"}
follows |= {"e"} if table[_asked - 1, 3] > apart[_asked - 1] else set()

# %% claims | wrong | one reading of a negative drop | A negative drop has two readings
apart = table[:, 1] + table[:, 2]
follows = {"abc"[k] for k in range(3) if table[k, 3] != apart[k]} | {"g"}
follows |= {"e"} if table[_asked - 1, 3] > apart[_asked - 1] else set()

# %% claims | wrong | only more than the sum is not linear | what you chose is right, and
apart = table[:, 1] + table[:, 2]
follows = {"abc"[k] for k in range(3) if table[k, 3] > apart[k]}

# %% claims | wrong | signs dropped | is wrong
apart = np.abs(table[:, 1]) + np.abs(table[:, 2])
follows = {"abc"[k] for k in range(3) if table[k, 3] != apart[k]}

# %% claims | wrong | a text for a set | follows: a set of letters
apart = table[:, 1] + table[:, 2]
follows = "".join("abc"[k] for k in range(3) if table[k, 3] != apart[k])
follows += "e" if table[_asked - 1, 3] > apart[_asked - 1] else ""

# %% claims | wrong | an array for a set | follows: a set of letters
apart = table[:, 1] + table[:, 2]
follows = np.array([letter for letter, one in zip("abc", table[:, 3] != apart) if one])
