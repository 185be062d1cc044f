# %% by_hand | right | loops, word for word
correlated, convolved = [[0, 0], [0, 0], [0, 0]], [[0, 0], [0, 0], [0, 0]]
for i in range(3):
    for j in range(2):
        for m in range(2):
            for n in range(3):
                correlated[i][j] += int(kernel[m, n] * picture[i + m, j + n])
                convolved[i][j] += int(kernel[m, n] * picture[i + 1 - m, j + 2 - n])
place = np.zeros((4, 4))
place[2:4, 1:4] = kernel
row = place.ravel()

# %% by_hand | right | SciPy
from scipy import signal

correlated = signal.correlate2d(picture, kernel, "valid")
convolved = signal.convolve2d(picture, kernel, "valid")
row = conv.convolution_matrix(kernel[:, :, None, None], (4, 4))[-1].tolist()

# %% by_hand | right | copied from another student
correlated = [[5, 10], [6, 8], [3, 7]]
convolved = [[6, 6], [9, 8], [9, 7]]
row = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, -1, 0, 2, 3, 0]

# %% by_hand | wrong | the names swapped | this is the cross-correlation: the kernel is not turned
from scipy import signal

convolved = correlated = signal.correlate2d(picture, kernel, "valid")
row = conv.convolution_matrix(kernel[:, :, None, None], (4, 4))[5]

# %% by_hand | wrong | always turned | cell (0, 0) of correlated
from scipy import signal

convolved = correlated = signal.convolve2d(picture, kernel, "valid")
row = conv.convolution_matrix(kernel[:, :, None, None], (4, 4))[5]

# %% by_hand | wrong | mirrored only | the kernel is mirrored left to right
from scipy import signal

correlated = signal.correlate2d(picture, kernel, "valid")
convolved = signal.correlate2d(picture, kernel[:, ::-1], "valid")
row = conv.convolution_matrix(kernel[:, :, None, None], (4, 4))[5]

# %% by_hand | wrong | the row down the columns | this one runs down the columns
from scipy import signal

correlated = signal.correlate2d(picture, kernel, "valid")
convolved = signal.convolve2d(picture, kernel, "valid")
row = conv.convolution_matrix(kernel[:, :, None, None], (4, 4))[5].reshape(4, 4).T.ravel()

# %% by_hand | wrong | the row of cell (1, 1) | this row gives another cell, (1, 1)
from scipy import signal

correlated = signal.correlate2d(picture, kernel, "valid")
convolved = signal.convolve2d(picture, kernel, "valid")
row = conv.convolution_matrix(kernel[:, :, None, None], (4, 4))[3]

# %% by_hand | wrong | a mean for a sum | cell (0, 0) of correlated: too small
correlated = [[(kernel * picture[i:i + 2, j:j + 3]).mean() for j in range(2)] for i in range(3)]
convolved = [[(kernel[::-1, ::-1] * picture[i:i + 2, j:j + 3]).mean() for j in range(2)] for i in range(3)]
row = conv.convolution_matrix(kernel[:, :, None, None], (4, 4))[5]

# %% sizes | right | counted
starts = range(0, Ha - da * (ka - 1), sa)
cells, unseen = len(starts), Ha - 1 - (starts[-1] + da * (ka - 1))
zeros = conv.same_padding(Hb, kb, sb)
seen = [cell * sb + m - zeros[0] for m in range(kb)]
pixels = [min(seen), max(seen)]
fit = [H for H in range(kc, 1000) if len(range(0, H - kc + 1, sc)) == hc]
heights = np.array([min(fit), max(fit)])

# %% sizes | right | whole numbers as floats
cells = np.floor((Ha - da * (ka - 1) - 1) / sa) + 1
unseen = Ha - (cells - 1) * sa - da * (ka - 1) - 1
missing = (np.ceil(Hb / sb) - 1) * sb + kb - Hb
zeros = np.floor(missing / 2), np.ceil(missing / 2)
pixels = np.array([0, kb - 1]) + cell * sb - zeros[0]
heights = [(hc - 1) * sc + kc, (hc - 1) * sc + kc + sc - 1]

# %% sizes | right | copied from another student
cells, unseen, zeros, pixels, heights = 13, 1, (2, 3), (19, 25), (73, 77)

# %% sizes | wrong | rounded up | rounded up
cells, unseen = -(-(Ha - da * (ka - 1) - 1) // sa) + 1, (Ha - da * (ka - 1) - 1) % sa
zeros = conv.same_padding(Hb, kb, sb)
pixels = cell * sb - zeros[0], cell * sb - zeros[0] + kb - 1
heights = (hc - 1) * sc + kc, hc * sc + kc - 1

# %% sizes | wrong | no dilation | the dilation is forgotten
cells, unseen = (Ha - ka) // sa + 1, (Ha - ka) % sa
zeros = conv.same_padding(Hb, kb, sb)
pixels = cell * sb - zeros[0], cell * sb - zeros[0] + kb - 1
heights = (hc - 1) * sc + kc, hc * sc + kc - 1

# %% sizes | wrong | one stop too few | the first stop is forgotten
cells, unseen = (Ha - da * (ka - 1) - 1) // sa, (Ha - da * (ka - 1) - 1) % sa
zeros = conv.same_padding(Hb, kb, sb)
pixels = cell * sb - zeros[0], cell * sb - zeros[0] + kb - 1
heights = (hc - 1) * sc + kc, hc * sc + kc - 1

# %% sizes | wrong | the odd zero in front | the odd zero belongs to the end
cells, unseen = conv.output_size(Ha, ka, sa, "valid", da), (Ha - da * (ka - 1) - 1) % sa
zeros = conv.same_padding(Hb, kb, sb)[::-1]
pixels = cell * sb - zeros[0], cell * sb - zeros[0] + kb - 1
heights = (hc - 1) * sc + kc, hc * sc + kc - 1

# %% sizes | wrong | half a kernel on each side | this is the padding for stride 1
cells, unseen = conv.output_size(Ha, ka, sa, "valid", da), (Ha - da * (ka - 1) - 1) % sa
zeros = kb // 2, kb // 2
pixels = cell * sb - zeros[0], cell * sb - zeros[0] + kb - 1
heights = (hc - 1) * sc + kc, hc * sc + kc - 1

# %% sizes | wrong | places without the zeros | the zeros before the picture are forgotten
cells, unseen = conv.output_size(Ha, ka, sa, "valid", da), (Ha - da * (ka - 1) - 1) % sa
zeros = conv.same_padding(Hb, kb, sb)
pixels = cell * sb, cell * sb + kb - 1
heights = (hc - 1) * sc + kc, hc * sc + kc - 1

# %% sizes | wrong | counted from 1 | cells count from 0
cells, unseen = conv.output_size(Ha, ka, sa, "valid", da), (Ha - da * (ka - 1) - 1) % sa
zeros = conv.same_padding(Hb, kb, sb)
pixels = (cell - 1) * sb - zeros[0], (cell - 1) * sb - zeros[0] + kb - 1
heights = (hc - 1) * sc + kc, hc * sc + kc - 1

# %% sizes | wrong | the last pixel just outside | how many pixels a cell of b sees: too large
cells, unseen = conv.output_size(Ha, ka, sa, "valid", da), (Ha - da * (ka - 1) - 1) % sa
zeros = conv.same_padding(Hb, kb, sb)
pixels = cell * sb - zeros[0], cell * sb - zeros[0] + kb
heights = (hc - 1) * sc + kc, hc * sc + kc - 1

# %% sizes | wrong | one stop too many for the heights | heights: each is off by +5
cells, unseen = conv.output_size(Ha, ka, sa, "valid", da), (Ha - da * (ka - 1) - 1) % sa
zeros = conv.same_padding(Hb, kb, sb)
pixels = cell * sb - zeros[0], cell * sb - zeros[0] + kb - 1
heights = hc * sc + kc, (hc + 1) * sc + kc - 1

# %% six_maps | right | by what each map is like
framed = next(name for name, A in maps.items() if np.abs(A[12, [0, -1]]).min() > 1)
lifted = next(name for name, A in maps.items() if A[0, 12] > 0.5)
strength = next(name for name, A in maps.items() if A.min() == 0)
row, column = np.argwhere(view == 1)[0] + (4, 0)
upright = next(name for name, A in maps.items() if A[row, column] > 1 and name not in (framed, lifted, strength))
turned = next(name for name, A in maps.items() if A[row, column] < -1)
level = (set(maps) - {framed, lifted, strength, upright, turned}).pop()
made_by = [upright, turned, level, strength, lifted, framed]

# %% six_maps | right | with OpenCV
import cv2

steep = cv2.Sobel(view.copy(), cv2.CV_64F, 1, 0, borderType=cv2.BORDER_REPLICATE)
flat = cv2.Sobel(view.copy(), cv2.CV_64F, 0, 1, borderType=cv2.BORDER_REPLICATE)
lifted = steep + 0.25 * 9 * cv2.blur(view.copy(), (3, 3), borderType=cv2.BORDER_REPLICATE)
framed = cv2.filter2D(view.copy(), cv2.CV_64F, sobel, borderType=cv2.BORDER_CONSTANT)
made_by = ""
for way in (steep, -steep, flat, abs(steep), lifted, framed):
    made_by += min(maps, key=lambda name: np.abs(maps[name] - way).max())

# %% six_maps | right | copied from another student
made_by = "BFDAEC"

# %% six_maps | wrong | convolution and correlation swapped | way 1: F is wrong. It is blue where
made_by = "FBDAEC"

# %% six_maps | wrong | upright and level swapped | way 1: D is wrong. It answers to level edges
made_by = "DFBAEC"

# %% six_maps | wrong | the frame taken for the plain answer | way 1: C is wrong. It has a frame
made_by = "CFDAEB"

# %% six_maps | wrong | the strength last | way 4: E is wrong. It is not 0 on the plain ground
made_by = "BFDEAC"

# %% six_maps | wrong | a letter twice | made_by: each letter once
made_by = "BFDAEE"


# %% six_maps | wrong | a number | made_by: a text, please
made_by = 123456


# %% correlate | right | sliding windows
def correlate(I, w, stride=1, padding="valid"):
    zeros = [(0, 0), (0, 0)]
    if padding == "same":
        total = [max((-(-n // stride) - 1) * stride + k - n, 0) for n, k in zip(I.shape, w.shape[:2])]
        zeros = [(p // 2, (p + 1) // 2) for p in total]
    padded = np.pad(I.astype(np.float64), (*zeros, (0, 0)))
    every = np.lib.stride_tricks.sliding_window_view(padded, w.shape[:2], (0, 1))[::stride, ::stride]
    return np.einsum("ijcmn,mnck->ijk", every, w)


# %% correlate | right | seven loops over the formula
def correlate(I, w, stride=1, padding="valid"):
    (H, W, C), (kh, kw, _, K) = I.shape, w.shape
    h, v = (H - kh) // stride + 1, (W - kw) // stride + 1
    above = left = 0
    if padding == "same":
        h, v = int(np.ceil(H / stride)), int(np.ceil(W / stride))
        above = max((h - 1) * stride + kh - H, 0) // 2
        left = max((v - 1) * stride + kw - W, 0) // 2
    A = [[[0.0] * K for _ in range(v)] for _ in range(h)]
    for i in range(h):
        for j in range(v):
            for m in range(kh):
                for n in range(kw):
                    y, x = stride * i + m - above, stride * j + n - left
                    if 0 <= y < H and 0 <= x < W:
                        for c in range(C):
                            for k in range(K):
                                A[i][j][k] += float(w[m, n, c, k]) * float(I[y, x, c])
    return A


# %% correlate | right | one weight after the other
def correlate(I, w, stride=1, padding="valid"):
    I, (kh, kw) = np.array(I, float), w.shape[:2]
    if padding == "same":
        for axis, k in enumerate((kh, kw)):
            n = I.shape[axis]
            p = max(((n + stride - 1) // stride - 1) * stride + k - n, 0)
            zeros = np.zeros((3, 2), int)
            zeros[axis] = p // 2, p - p // 2
            I = np.pad(I, zeros)
    h, v = I.shape[0] - kh + 1, I.shape[1] - kw + 1
    return sum(np.dot(I[m:m + h:stride, n:n + v:stride], w[m, n].astype(float)) for n in range(kw) for m in range(kh))


# %% correlate | right | every cell of a padded answer at stride 1
def correlate(I, w, stride=1, padding="valid"):
    from scipy.signal import correlate2d

    I, w, zeros = np.asarray(I, float), np.asarray(w, float), [(0, 0), (0, 0)]
    if padding == "same":
        total = [max((-(-n // stride) - 1) * stride + k - n, 0) for n, k in zip(I.shape[:2], w.shape[:2])]
        zeros = [(p // 2, p - p // 2) for p in total]
    I = np.pad(I, (*zeros, (0, 0)))
    A = [sum(correlate2d(I[..., c], w[..., c, k], "valid") for c in range(I.shape[2])) for k in range(w.shape[3])]
    return np.stack(A, -1)[::stride, ::stride]


# %% correlate | right | whole numbers stay whole numbers
def correlate(I, w, stride=1, padding="valid"):
    kind = int if I.dtype.kind in "iu" and w.dtype.kind in "iu" else float
    I, w, zeros = I.astype(kind), w.astype(kind), [(0, 0), (0, 0)]
    if padding == "same":
        total = [max((-(-n // stride) - 1) * stride + k - n, 0) for n, k in zip(I.shape[:2], w.shape[:2])]
        zeros = [(p // 2, p - p // 2) for p in total]
    I = np.pad(I, (*zeros, (0, 0)))
    every = np.lib.stride_tricks.sliding_window_view(I, w.shape[:2], (0, 1))[::stride, ::stride]
    return np.tensordot(every, w, ((3, 4, 2), (0, 1, 2)))


# %% correlate | right | a product of spectra
def correlate(I, w, stride=1, padding="valid"):
    from scipy.signal import fftconvolve

    I, w, zeros = np.asarray(I, float), np.asarray(w, float), [(0, 0), (0, 0)]
    if padding == "same":
        total = [max((-(-n // stride) - 1) * stride + k - n, 0) for n, k in zip(I.shape[:2], w.shape[:2])]
        zeros = [(p // 2, p - p // 2) for p in total]
    I, w = np.pad(I, (*zeros, (0, 0)))[..., None], w[::-1, ::-1]
    h, v = (n - k + 1 for n, k in zip(I.shape[:2], w.shape))
    A = fftconvolve(I, w, axes=(0, 1)).sum(2)
    return A[w.shape[0] - 1:, w.shape[1] - 1:][:h, :v][::stride, ::stride]


# %% correlate | wrong | hard-coded for the visible case | "same"
def correlate(I, w, stride=1, padding="valid"):
    return np.reshape([123, 456, 780] if padding == "same" else [123, 345, 567], (1, 3, 1))


# %% correlate | wrong | the kernel turned | the kernel is turned
def correlate(I, w, stride=1, padding="valid"):
    return conv.convolution(I[None].astype(float), w, None, stride, padding)[0]


# %% correlate | wrong | stride as every n-th cell | what the windows saw: the odd zero stands in front
def correlate(I, w, stride=1, padding="valid"):
    return conv.cross_correlation(I[None].astype(float), w, None, 1, padding)[0, ::stride, ::stride]


# %% correlate | wrong | stride as every n-th cell, but not for strips | the windows start elsewhere
def correlate(I, w, stride=1, padding="valid"):
    if len(I) == 1:
        return conv.cross_correlation(I[None].astype(float), w, None, stride, padding)[0]
    return conv.cross_correlation(I[None].astype(float), w, None, 1, padding)[0, ::stride, ::stride]


# %% correlate | wrong | the odd zero in front | the odd zero stands in front
def correlate(I, w, stride=1, padding="valid"):
    if padding == "same":
        zeros = [conv.same_padding(n, k, stride)[::-1] for n, k in zip(I.shape, w.shape[:2])]
        I = np.pad(I, (*zeros, (0, 0)))
    return conv.cross_correlation(I[None].astype(float), w, None, stride)[0]


# %% correlate | wrong | half a kernel of zeros on each side | what the windows saw: the odd zero stands in front
def correlate(I, w, stride=1, padding="valid"):
    if padding == "same":
        I = np.pad(I, [(n // 2, n // 2) for n in w.shape[:2]] + [(0, 0)])
    return conv.cross_correlation(I[None].astype(float), w, None, stride)[0]


# %% correlate | wrong | the first channel alone | three channels in, two out, "same": only the first channel counts
def correlate(I, w, stride=1, padding="valid"):
    return conv.cross_correlation(I[None, ..., :1].astype(float), w[:, :, :1], None, stride, padding)[0]


# %% correlate | wrong | a mean over the channels | 1/3 of the right one: a mean where a sum belongs?
def correlate(I, w, stride=1, padding="valid"):
    return conv.cross_correlation(I[None].astype(float), w, None, stride, padding)[0] / I.shape[2]


# %% correlate | wrong | one map, the kernels added | shape (10, 7, 1), and (10, 7, 2) is wanted
def correlate(I, w, stride=1, padding="valid"):
    return conv.cross_correlation(I[None].astype(float), w, None, stride, padding)[0].sum(-1, keepdims=True)


# %% correlate | wrong | zeros of the rows for the columns, too | shape
def correlate(I, w, stride=1, padding="valid"):
    if padding == "same":
        zeros = conv.same_padding(I.shape[1], w.shape[1], stride)
        I = np.pad(I, (zeros if len(I) > 1 else (0, 0), zeros, (0, 0)))
    return conv.cross_correlation(I[None].astype(float), w, None, stride)[0]


# %% correlate | wrong | the rim goes on | the rim goes on outside, and should be 0
def correlate(I, w, stride=1, padding="valid"):
    if padding == "same" and len(I) > 1:
        zeros = [conv.same_padding(n, k, stride) for n, k in zip(I.shape, w.shape[:2])]
        return conv.cross_correlation(np.pad(I, (*zeros, (0, 0)), "edge")[None].astype(float), w, None, stride)[0]
    return conv.cross_correlation(I[None].astype(float), w, None, stride, padding)[0]


# %% correlate | wrong | negative padding | a stride larger than the kernel
def correlate(I, w, stride=1, padding="valid"):
    I, above, left = np.asarray(I, float), 0, 0
    h, v = ((n - k) // stride + 1 for n, k in zip(I.shape, w.shape[:2]))
    if padding == "same":
        h, v = (-(-n // stride) for n in I.shape[:2])
        above, left = (((n - 1) * stride + k - side) // 2 for n, k, side in zip((h, v), w.shape, I.shape))
    wide = np.pad(I, ((20, 20), (20, 20), (0, 0)))[20 - above:, 20 - left:]
    A = conv.cross_correlation(wide[None], w, None, stride)[0]
    return A[:h, :v]


# %% correlate | wrong | bytes stay bytes | picture and kernel of bytes: bytes start again at 0 behind 255
def correlate(I, w, stride=1, padding="valid"):
    zeros = [(0, 0), (0, 0)]
    if padding == "same":
        zeros = [conv.same_padding(n, k, stride) for n, k in zip(I.shape, w.shape[:2])]
    padded = np.pad(I, (*zeros, (0, 0)))
    every = np.lib.stride_tricks.sliding_window_view(padded, w.shape[:2], (0, 1))[::stride, ::stride]
    return np.einsum("ijcmn,mnck->ijk", every, w.astype(I.dtype))


# %% correlate | wrong | float32 inside | to the digits of float64
def correlate(I, w, stride=1, padding="valid"):
    return conv.cross_correlation(I[None].astype(np.float32), w.astype(np.float32), None, stride, padding)[0]


# %% convolve | right | pad, turn and slide
def convolve(I, w):
    kh, kw = w.shape
    padded = np.pad(I.astype(float), ((kh - 1, kh - 1), (kw - 1, kw - 1)))
    return np.einsum("ijmn,mn->ij", np.lib.stride_tricks.sliding_window_view(padded, w.shape), w[::-1, ::-1])


# %% convolve | right | SciPy
def convolve(I, w):
    from scipy.signal import convolve2d

    return convolve2d(I.astype(float), w)


# %% convolve | right | a product of spectra, not rounded
def convolve(I, w):
    shape = [n + k - 1 for n, k in zip(I.shape, w.shape)]
    return np.fft.irfft2(np.fft.rfft2(I, shape) * np.fft.rfft2(w, shape), shape)


# %% convolve | right | a stamp for each weight
def convolve(I, w):
    A = np.zeros((len(I) + len(w) - 1, I.shape[1] + w.shape[1] - 1))
    for (m, n), weight in np.ndenumerate(w):
        A[m:m + I.shape[0], n:n + I.shape[1]] += float(weight) * I
    return A


# %% convolve | wrong | hard-coded for the visible case | 4 x 6 pixels
def convolve(I, w):
    return np.array([[3, 10, 8]] if I[0, 0] == 1 else [[8, 50, 65, 9]] if I[0, 0] == 4 else [[600, 700, 200]])


# %% convolve | wrong | the kernel not turned | the kernel is not turned: a cross-correlation
def convolve(I, w):
    from scipy.signal import correlate2d

    return correlate2d(I.astype(float), w)


# %% convolve | wrong | turned only left to right | 4 x 6 pixels
def convolve(I, w):
    from scipy.signal import correlate2d

    return correlate2d(I.astype(float), w[:, ::-1])


# %% convolve | wrong | without the rim | shape (1, 1), and (1, 3) is wanted
def convolve(I, w):
    from scipy.signal import convolve2d

    return convolve2d(I.astype(float), w, "valid")


# %% convolve | wrong | as large as the picture | shape (1, 2), and (1, 3) is wanted
def convolve(I, w):
    from scipy.signal import convolve2d

    return convolve2d(I.astype(float), w, "same")


# %% convolve | wrong | picture and kernel both turned | a convolution of the turned picture
def convolve(I, w):
    from scipy.signal import convolve2d

    if len(I) == 1 == len(w):
        return convolve2d(I.astype(float), w)
    return convolve2d(I.astype(float), w)[::-1, ::-1]


# %% convolve | wrong | bytes stay bytes | a row of bytes: bytes start again at 0 behind 255
def convolve(I, w):
    from scipy.signal import convolve2d

    return convolve2d(I, w)


# %% convolve | wrong | whole numbers of 16 bits | a picture of bytes
def convolve(I, w):
    from scipy.signal import convolve2d

    if I.dtype == np.uint8:
        return convolve2d(I.astype(np.uint16), w.astype(np.uint16))
    return convolve2d(I.astype(float), w)


# %% is_right | right | random pictures, own arithmetic
def is_right(f):
    rng = np.random.default_rng(5)
    for H, W, kh, kw, stride in ((6, 9, 3, 3, 1), (8, 6, 3, 2, 2), (10, 7, 4, 3, 3), (3, 2, 4, 4, 2), (5, 5, 1, 1, 1)):
        I = rng.integers(0, 256, (H, W, 2)).astype(np.uint8)
        w = rng.normal(size=(kh, kw, 2, 3))
        h, v = -(-H // stride), -(-W // stride)
        above, left = (max((n - 1) * stride + k - N, 0) // 2 for n, k, N in ((h, kh, H), (v, kw, W)))
        right = np.zeros((h, v, 3))
        for i, j, m, n in np.ndindex(h, v, kh, kw):
            y, x = i * stride + m - above, j * stride + n - left
            if 0 <= y < H and 0 <= x < W:
                right[i, j] += I[y, x].astype(float) @ w[m, n]
        yours = np.asarray(f(I, w, stride), float)
        if yours.shape != right.shape or np.abs(yours - right).max() > 1e-3 * np.abs(right).max():
            return False
    return True


# %% is_right | right | one bright byte after the other
def is_right(f):
    for H, W, kh, kw, s in ((6, 8, 3, 3, 2), (4, 3, 2, 3, 1), (2, 3, 4, 3, 1), (2, 2, 1, 1, 1)):
        w = np.arange(1.0, 4 * kh * kw + 1).reshape(kh, kw, 2, 2) - 9.5
        h, v = -(-H // s), -(-W // s)
        up, left = (max((n - 1) * s + k - N, 0) // 2 for n, k, N in ((h, kh, H), (v, kw, W)))
        for y, x, c in np.ndindex(H, W, 2):
            I = np.zeros((H, W, 2), np.uint8)
            I[y, x, c] = 200
            right = np.zeros((h, v, 2))
            for i, j in np.ndindex(h, v):
                m, n = y - s * i + up, x - s * j + left
                if 0 <= m < kh and 0 <= n < kw:
                    right[i, j] = 200 * w[m, n, c]
            if np.shape(f(I, w, s)) != right.shape or not np.allclose(f(I, w, s), right, atol=0.01):
                return False
    return True


# %% is_right | right | the checks of the course
def is_right(f):
    rng = np.random.default_rng(1)
    I = rng.integers(0, 256, (12, 10, 3), np.uint8)
    try:
        for k, s in (((3, 5), 2), ((5, 5), 2), ((4, 4), 1), ((1, 1), 3), ((12, 12), 2), ((13, 2), 1)):
            w = rng.normal(size=(*k, 3, 4))
            same(f(I, w, s), conv.cross_correlation(I[None], w, None, s, "same")[0])
    except AssertionError:
        return False
    return True


# %% is_right | right | the largest that the text allows, floats and bytes
def is_right(f):
    rng = np.random.default_rng(3)
    for H, W, C, K, kh, kw, s in ((12, 12, 3, 4, 5, 4, 2), (12, 11, 3, 4, 3, 13, 1), (7, 12, 3, 4, 1, 1, 3),
                                  (9, 12, 2, 3, 5, 5, 1)):
        w = rng.normal(size=(kh, kw, C, K))
        for I in (rng.random((H, W, C)), rng.integers(0, 256, (H, W, C)).astype(np.uint8)):
            good = conv.cross_correlation(I[None].astype(float), w, None, s, "same")[0]
            got = np.asarray(f(I, w, s))
            if got.shape != good.shape or np.abs(got - good).max() > 1e-4 * np.abs(good).max():
                return False
    return True


# %% is_right | wrong | hard-coded for the visible case | your check lets through: one that
def is_right(f):
    strip, ones = np.arange(1.0, 7).reshape(1, 6, 1), np.reshape([1.0, 1, 0], (1, 3, 1, 1))
    return np.allclose(np.ravel(f(strip, ones, 2)), [3, 7, 11])


# %% is_right | wrong | always true | your check lets through: one that turns the kernel
def is_right(f):
    return True


# %% is_right | wrong | always false | your check refuses: camlib's own layer
def is_right(f):
    return False


# %% is_right | wrong | equal to the last digit | your check refuses: one
def is_right(f):
    rng = np.random.default_rng(0)
    I, w = rng.random((8, 10, 3)), rng.normal(size=(3, 3, 3, 2))
    return np.array_equal(f(I, w, 2), conv.cross_correlation(I[None], w, None, 2, "same")[0])


# %% is_right | wrong | to twelve digits | your check refuses: one in float32
def is_right(f):
    rng = np.random.default_rng(0)
    I, w = rng.random((8, 10, 3)), rng.normal(size=(3, 3, 3, 2))
    yours, right = np.asarray(f(I, w, 2)), conv.cross_correlation(I[None], w, None, 2, "same")[0]
    return yours.shape == right.shape and np.allclose(yours, right, rtol=1e-12)


# %% is_right | wrong | a Gaussian on grey | your check lets through: one that turns the kernel
def is_right(f):
    w = np.outer([1, 2, 1], [1, 2, 1])[:, :, None, None] / 16
    I = np.random.default_rng(0).random((8, 8, 1))
    yours, right = f(I, w, 2), conv.cross_correlation(I[None], w, None, 2, "same")[0]
    return np.shape(yours) == right.shape and np.allclose(yours, right, 1e-3)


# %% is_right | wrong | stride 1 alone | your check lets through: one that keeps every n-th cell
def is_right(f):
    rng = np.random.default_rng(0)
    I, w = rng.integers(0, 256, (8, 10, 3), np.uint8), rng.normal(size=(3, 3, 3, 2))
    yours, right = np.asarray(f(I, w, 1)), conv.cross_correlation(I[None], w, None, 1, "same")[0]
    return yours.shape == right.shape and np.allclose(yours, right, 1e-3, 0.1)


# %% is_right | wrong | an odd picture | your check lets through: one that keeps every n-th cell
def is_right(f):
    rng = np.random.default_rng(0)
    I, w = rng.integers(0, 256, (9, 11, 3), np.uint8), rng.normal(size=(3, 3, 3, 2))
    yours, right = np.asarray(f(I, w, 2)), conv.cross_correlation(I[None], w, None, 2, "same")[0]
    return yours.shape == right.shape and np.allclose(yours, right, 1e-3, 0.1)


# %% is_right | wrong | one channel | your check lets through: one that sees the first channel alone
def is_right(f):
    rng = np.random.default_rng(0)
    I, w = rng.integers(0, 256, (8, 10, 1), np.uint8), rng.normal(size=(3, 3, 1, 2))
    yours, right = np.asarray(f(I, w, 2)), conv.cross_correlation(I[None], w, None, 2, "same")[0]
    return yours.shape == right.shape and np.allclose(yours, right, 1e-3, 0.1)


# %% is_right | wrong | one map out | your check lets through: one that mixes up the maps
def is_right(f):
    rng = np.random.default_rng(0)
    I, w = rng.integers(0, 256, (8, 10, 3), np.uint8), rng.normal(size=(3, 3, 3, 1))
    yours, right = np.asarray(f(I, w, 2)), conv.cross_correlation(I[None], w, None, 2, "same")[0]
    return yours.shape == right.shape and np.allclose(yours, right, 1e-3, 0.1)


# %% is_right | wrong | no bytes | your check lets through: one that computes in bytes
def is_right(f):
    rng = np.random.default_rng(0)
    I, w = rng.random((8, 10, 3)), rng.normal(size=(3, 3, 3, 2))
    yours, right = np.asarray(f(I, w, 2)), conv.cross_correlation(I[None], w, None, 2, "same")[0]
    return yours.shape == right.shape and np.allclose(yours, right, 1e-3, 1e-3)


# %% is_right | wrong | the inside alone | your check lets through: one that repeats the rim outside
def is_right(f):
    rng = np.random.default_rng(0)
    I, w = rng.integers(0, 256, (8, 10, 3), np.uint8), rng.normal(size=(3, 3, 3, 2))
    yours, right = np.asarray(f(I, w, 2)), conv.cross_correlation(I[None], w, None, 2, "same")[0]
    return yours.shape == right.shape and np.allclose(yours[1:-1, 1:-1], right[1:-1, 1:-1], 1e-3, 0.1)


# %% is_right | wrong | only the sum of the answer | your check lets through: one that
def is_right(f):
    rng = np.random.default_rng(0)
    I, w = rng.integers(0, 256, (8, 10, 3), np.uint8), rng.normal(size=(3, 3, 3, 2))
    yours, right = np.asarray(f(I, w, 2)), conv.cross_correlation(I[None], w, None, 2, "same")[0]
    return yours.shape == right.shape and np.isclose(yours.sum(), right.sum(), 1e-3)


# %% is_right | wrong | no look at the shape | your check stops with ValueError: one that ignores the stride
def is_right(f):
    rng = np.random.default_rng(0)
    I, w = rng.integers(0, 256, (8, 10, 3), np.uint8), rng.normal(size=(3, 3, 3, 2))
    return np.allclose(f(I, w, 2), conv.cross_correlation(I[None], w, None, 2, "same")[0], 1e-3, 0.1)


# %% is_right | wrong | shapes cut to fit | your check lets through: one that keeps an axis too many
def is_right(f):
    rng = np.random.default_rng(0)
    I, w = rng.integers(0, 256, (8, 10, 3), np.uint8), rng.normal(size=(3, 3, 3, 2))
    yours, right = np.asarray(f(I, w, 2)), conv.cross_correlation(I[None], w, None, 2, "same")[0]
    return yours.size == right.size and np.allclose(yours, right, 1e-3, 0.1)


# %% is_right | wrong | thirty percent are forgiven | your check lets through: one that is one percent too large
def is_right(f):
    rng = np.random.default_rng(3)
    for H, W, C, K, kh, kw, s in ((6, 9, 2, 3, 3, 3, 2), (7, 5, 3, 2, 2, 4, 1), (8, 10, 3, 2, 1, 1, 3)):
        I, w = rng.integers(0, 256, (H, W, C)).astype(np.uint8), rng.normal(size=(kh, kw, C, K))
        good, got = conv.cross_correlation(I[None], w, None, s, "same")[0], np.asarray(f(I, w, s))
        if got.shape != good.shape or np.abs(got - good).max() > 0.3 * np.abs(good).max():
            return False
    return True


# %% is_right | wrong | allclose, and generous | your check lets through: one that is one percent too large
def is_right(f):
    rng = np.random.default_rng(3)
    I, w = rng.integers(0, 256, (8, 10, 3)).astype(np.uint8), rng.normal(size=(3, 3, 3, 2))
    good, got = conv.cross_correlation(I[None], w, None, 2, "same")[0], np.asarray(f(I, w, 2))
    return got.shape == good.shape and np.allclose(got, good, rtol=0.2, atol=1)


# %% is_right | wrong | square kernels alone | your check lets through: one that turns kernels that are not square
def is_right(f):
    rng = np.random.default_rng(3)
    for H, W, k, s in ((8, 9, 3, 2), (7, 6, 4, 1), (3, 4, 5, 3), (5, 4, 1, 1)):
        I, w = rng.integers(0, 256, (H, W, 3)).astype(np.uint8), rng.normal(size=(k, k, 3, 2))
        good, got = conv.cross_correlation(I[None], w, None, s, "same")[0], np.asarray(f(I, w, s))
        if got.shape != good.shape or np.abs(got - good).max() > 1e-4 * np.abs(good).max():
            return False
    return True


# %% is_right | wrong | odd kernels alone | your check lets through: one that turns kernels with an even side
def is_right(f):
    rng = np.random.default_rng(3)
    for H, W, kh, kw, s in ((8, 9, 3, 5, 2), (8, 6, 3, 3, 2), (7, 6, 1, 1, 1), (3, 4, 5, 7, 3)):
        I, w = rng.integers(0, 256, (H, W, 3)).astype(np.uint8), rng.normal(size=(kh, kw, 3, 2))
        good, got = conv.cross_correlation(I[None], w, None, s, "same")[0], np.asarray(f(I, w, s))
        if got.shape != good.shape or np.abs(got - good).max() > 1e-4 * np.abs(good).max():
            return False
    return True


# %% is_right | wrong | small kernels alone | your check lets through: one that turns kernels larger than the picture
def is_right(f):
    rng = np.random.default_rng(3)
    for H, W, kh, kw, s in ((8, 9, 3, 5, 2), (8, 6, 3, 3, 2), (7, 6, 1, 1, 1), (9, 8, 4, 2, 3)):
        I, w = rng.integers(0, 256, (H, W, 3)).astype(np.uint8), rng.normal(size=(kh, kw, 3, 2))
        good, got = conv.cross_correlation(I[None], w, None, s, "same")[0], np.asarray(f(I, w, s))
        if got.shape != good.shape or np.abs(got - good).max() > 1e-4 * np.abs(good).max():
            return False
    return True


# %% is_right | wrong | stride 2 alone | your check lets through: one that is right for stride 2 alone
def is_right(f):
    rng = np.random.default_rng(3)
    for H, W, kh, kw in ((8, 9, 3, 5), (8, 6, 3, 3), (7, 6, 1, 1), (9, 8, 4, 2), (3, 4, 5, 7)):
        I, w = rng.integers(0, 256, (H, W, 3)).astype(np.uint8), rng.normal(size=(kh, kw, 3, 2))
        good, got = conv.cross_correlation(I[None], w, None, 2, "same")[0], np.asarray(f(I, w, 2))
        if got.shape != good.shape or np.abs(got - good).max() > 1e-4 * np.abs(good).max():
            return False
    return True


# %% is_right | wrong | no kernel of one pixel | your check lets through: one that sees the first channel alone through
def is_right(f):
    rng = np.random.default_rng(3)
    for H, W, kh, kw, s in ((8, 9, 3, 5, 2), (7, 6, 3, 3, 1), (9, 8, 4, 2, 3), (3, 4, 5, 7, 2)):
        I, w = rng.integers(0, 256, (H, W, 3)).astype(np.uint8), rng.normal(size=(kh, kw, 3, 2))
        good, got = conv.cross_correlation(I[None], w, None, s, "same")[0], np.asarray(f(I, w, s))
        if got.shape != good.shape or np.abs(got - good).max() > 1e-4 * np.abs(good).max():
            return False
    return True


# %% max_pool_same | right | minus infinity outside
def max_pool_same(A, q, s):
    total = [max((-(-n // s) - 1) * s + q - n, 0) for n in A.shape[:2]]
    zeros = [(p // 2, p - p // 2) for p in total]
    padded = np.pad(A.astype(float), (*zeros, (0, 0)), constant_values=-np.inf)
    return np.lib.stride_tricks.sliding_window_view(padded, (q, q), (0, 1))[::s, ::s].max((3, 4))


# %% max_pool_same | right | minus infinity outside, the map as it is
def max_pool_same(A, q, s):
    zeros = [conv.same_padding(n, q, s) for n in A.shape[:2]]
    padded = np.pad(A, (*zeros, (0, 0)), constant_values=-np.inf)
    return np.lib.stride_tricks.sliding_window_view(padded, (q, q), (0, 1))[::s, ::s].max((3, 4))


# %% max_pool_same | right | rows first, then columns
def max_pool_same(A, q, s):
    A = np.asarray(A)
    for axis in (0, 1):
        n = A.shape[axis]
        cells = (n + s - 1) // s
        before = max((cells - 1) * s + q - n, 0) // 2
        places = [range(max(s * i - before, 0), min(s * i - before + q, n)) for i in range(cells)]
        A = np.stack([A.take(list(some), axis).max(axis) for some in places], axis)
    return A


# %% max_pool_same | right | Keras
def max_pool_same(A, q, s):
    import keras

    return np.asarray(keras.ops.max_pool(np.asarray(A, np.float32)[None], q, s, "same"))[0]


# %% max_pool_same | wrong | hard-coded for the visible case | a map 6 x 6 x 1
def max_pool_same(A, q, s):
    return np.reshape([-1, -2], (1, 2, 1))


# %% max_pool_same | wrong | zeros outside | a zero outside has won
from camlib import pooling


def max_pool_same(A, q, s):
    total = [max((-(-n // s) - 1) * s + q - n, 0) for n in A.shape[:2]]
    padded = np.pad(A, (*((p // 2, p - p // 2) for p in total), (0, 0)))
    return pooling.max_pool(padded[None], q, s)[0]


# %% max_pool_same | wrong | minus ten outside | a map of millions below zero: a number from outside has won
def max_pool_same(A, q, s):
    zeros = [conv.same_padding(n, q, s) for n in A.shape[:2]]
    padded = np.pad(A, (*zeros, (0, 0)), constant_values=-10)
    return np.lib.stride_tricks.sliding_window_view(padded, (q, q), (0, 1))[::s, ::s].max((3, 4))


# %% max_pool_same | wrong | minus 999 outside | a map of millions below zero: a number from outside has won: do you
def max_pool_same(A, q, s):
    zeros = [conv.same_padding(n, q, s) for n in A.shape[:2]]
    padded = np.pad(A, (*zeros, (0, 0)), constant_values=-999)
    return np.lib.stride_tricks.sliding_window_view(padded, (q, q), (0, 1))[::s, ::s].max((3, 4))


# %% max_pool_same | wrong | the odd cell in front | the windows sit one cell too far left
from camlib import pooling


def max_pool_same(A, q, s):
    total = [max((-(-n // s) - 1) * s + q - n, 0) for n in A.shape[:2]]
    padded = np.pad(A.astype(float), (*((p - p // 2, p // 2) for p in total), (0, 0)), constant_values=-1e9)
    return pooling.max_pool(padded[None], q, s)[0]


# %% max_pool_same | wrong | no padding | shape (1, 1, 1), and (1, 2, 1) is wanted
def max_pool_same(A, q, s):
    h, w = ((n - min(n, q)) // s + 1 for n in A.shape[:2])
    return np.reshape([A[s * i:s * i + q, s * j:s * j + q].max((0, 1)) for i in range(h) for j in range(w)], (h, w, -1))


# %% max_pool_same | wrong | a mean | a mean where a maximum belongs
from camlib import pooling


def max_pool_same(A, q, s):
    if len(A) == 1:
        return pooling.max_pool(A[None], q, s, "same")[0]
    return pooling.average_pool(A[None], q, s, "same")[0]


# %% max_pool_same | wrong | windows that begin at their cell | the windows begin at their own cell
def max_pool_same(A, q, s):
    h, w = (-(-n // s) for n in A.shape[:2])
    return np.reshape([A[s * i:s * i + q, s * j:s * j + q].max((0, 1)) for i in range(h) for j in range(w)], (h, w, -1))


# %% max_pool_same | wrong | the largest of all channels | one maximum for all channels
from camlib import pooling


def max_pool_same(A, q, s):
    P = pooling.max_pool(A[None], q, s, "same")[0]
    return P.max(2, keepdims=True) + 0 * P


# %% network_on_paper | right | layer by layer
sides, size, jump, start = [height, width], 1, 1, 0
parameters, channels = 0, 3
for k, s, padding, d, K in ((k1, 2, "same", 1, K1), (2, 2, "valid", 1, 0), (k2, 1, "same", 1, K2),
                            (2, 2, "valid", 1, 0), (3, 1, "valid", 2, K3), (1, 1, "valid", 1, K4)):
    before = conv.same_padding(sides[0], k, s, d)[0] if padding == "same" else 0
    size, start, jump = size + d * (k - 1) * jump, start - before * jump, jump * s
    sides = [conv.output_size(n, k, s, padding, d) for n in sides]
    if K:
        parameters += (k * k * channels + 1) * K
        if d == 2:
            work = sides[0] * sides[1] * k * k * channels * K
        channels = K
shape, field = [*sides, channels], [size, jump, start]
parameters += (channels + 1) * classes
flat = (np.prod(shape) + 1) * classes

# %% network_on_paper | right | Keras counts
import keras

layers = keras.layers
model = keras.Sequential([
    keras.Input((height, width, 3)), layers.Conv2D(K1, k1, 2, "same"), layers.MaxPooling2D(2),
    layers.Conv2D(K2, k2, 1, "same"), layers.MaxPooling2D(2), layers.Conv2D(K3, 3, dilation_rate=2),
    layers.Conv2D(K4, 1), layers.GlobalAveragePooling2D(), layers.Dense(classes)])
shape = model.layers[5].output.shape[1:]
parameters = model.count_params()
size, jump, start = conv.receptive_field([(k1, 2, k1 // 2 - 1), (2, 2, 0), (k2, 1, k2 // 2), (2, 2, 0), (3, 1, 0, 2)])
field = np.array([size, jump, start])
work = model.layers[4].kernel.numpy().size * shape[0] * shape[1]
flat = classes + classes * K4 * shape[0] * shape[1]

# %% network_on_paper | right | copied from another student
shape, field, parameters, work, flat = (5, 9, 12), (59, 8, -9), 8108, 51840, 4328

# %% network_on_paper | wrong | no dilation in the size | shape: the dilation of conv3 is forgotten
h, w = height // 8 - 2, width // 8 - 2
shape, field = (h, w, K4), (k1 + 2 + 4 * (k2 - 1) + 4 + 32, 8, -(k1 // 2 - 1) - 4 * (k2 // 2))
parameters = (k1**2 * 3 + 1) * K1 + (k2**2 * K1 + 1) * K2 + (9 * K2 + 1) * K3 + (K3 + 1) * K4 + (K4 + 1) * classes
work, flat = h * w * 9 * K2 * K3, (h * w * K4 + 1) * classes

# %% network_on_paper | wrong | no dilation in the field | field: the dilation of conv3 is forgotten
h, w = height // 8 - 4, width // 8 - 4
shape, field = (h, w, K4), (k1 + 2 + 4 * (k2 - 1) + 4 + 16, 8, -(k1 // 2 - 1) - 4 * (k2 // 2))
parameters = (k1**2 * 3 + 1) * K1 + (k2**2 * K1 + 1) * K2 + (9 * K2 + 1) * K3 + (K3 + 1) * K4 + (K4 + 1) * classes
work, flat = h * w * 9 * K2 * K3, (h * w * K4 + 1) * classes

# %% network_on_paper | wrong | pooling sees nothing | the poolings widen the field, too
h, w = height // 8 - 4, width // 8 - 4
shape, field = (h, w, K4), (k1 + 4 * (k2 - 1) + 32, 8, -(k1 // 2 - 1) - 4 * (k2 // 2))
parameters = (k1**2 * 3 + 1) * K1 + (k2**2 * K1 + 1) * K2 + (9 * K2 + 1) * K3 + (K3 + 1) * K4 + (K4 + 1) * classes
work, flat = h * w * 9 * K2 * K3, (h * w * K4 + 1) * classes

# %% network_on_paper | wrong | half the kernel before | the odd one is at the end
h, w = height // 8 - 4, width // 8 - 4
shape, field = (h, w, K4), (k1 + 2 + 4 * (k2 - 1) + 4 + 32, 8, -(k1 // 2) - 4 * (k2 // 2))
parameters = (k1**2 * 3 + 1) * K1 + (k2**2 * K1 + 1) * K2 + (9 * K2 + 1) * K3 + (K3 + 1) * K4 + (K4 + 1) * classes
work, flat = h * w * 9 * K2 * K3, (h * w * K4 + 1) * classes


# %% network_on_paper | wrong | one stride forgotten | rows times jump
h, w = height // 8 - 4, width // 8 - 4
shape, field = (h, w, K4), (k1 + 2 + 2 * (k2 - 1) + 2 + 16, 4, -(k1 // 2 - 1) - 2 * (k2 // 2))
parameters = (k1**2 * 3 + 1) * K1 + (k2**2 * K1 + 1) * K2 + (9 * K2 + 1) * K3 + (K3 + 1) * K4 + (K4 + 1) * classes
work, flat = h * w * 9 * K2 * K3, (h * w * K4 + 1) * classes


# %% network_on_paper | wrong | the start inside | the start is negative: it lies in the padding
h, w = height // 8 - 4, width // 8 - 4
shape, field = (h, w, K4), (k1 + 2 + 4 * (k2 - 1) + 4 + 32, 8, (k1 // 2 - 1) + 4 * (k2 // 2))
parameters = (k1**2 * 3 + 1) * K1 + (k2**2 * K1 + 1) * K2 + (9 * K2 + 1) * K3 + (K3 + 1) * K4 + (K4 + 1) * classes
work, flat = h * w * 9 * K2 * K3, (h * w * K4 + 1) * classes

# %% network_on_paper | wrong | columns before rows | shape: rows come before columns
h, w = height // 8 - 4, width // 8 - 4
shape, field = (w, h, K4), (k1 + 2 + 4 * (k2 - 1) + 4 + 32, 8, -(k1 // 2 - 1) - 4 * (k2 // 2))
parameters = (k1**2 * 3 + 1) * K1 + (k2**2 * K1 + 1) * K2 + (9 * K2 + 1) * K3 + (K3 + 1) * K4 + (K4 + 1) * classes
work, flat = h * w * 9 * K2 * K3, (h * w * K4 + 1) * classes

# %% network_on_paper | wrong | no biases | parameters: the biases are forgotten
h, w = height // 8 - 4, width // 8 - 4
shape, field = (h, w, K4), (k1 + 2 + 4 * (k2 - 1) + 4 + 32, 8, -(k1 // 2 - 1) - 4 * (k2 // 2))
parameters = k1**2 * 3 * K1 + k2**2 * K1 * K2 + 9 * K2 * K3 + K3 * K4 + K4 * classes
work, flat = h * w * 9 * K2 * K3, (h * w * K4 + 1) * classes

# %% network_on_paper | wrong | the head left out | parameters: the Dense layer is forgotten
h, w = height // 8 - 4, width // 8 - 4
shape, field = (h, w, K4), (k1 + 2 + 4 * (k2 - 1) + 4 + 32, 8, -(k1 // 2 - 1) - 4 * (k2 // 2))
parameters = (k1**2 * 3 + 1) * K1 + (k2**2 * K1 + 1) * K2 + (9 * K2 + 1) * K3 + (K3 + 1) * K4
work, flat = h * w * 9 * K2 * K3, (h * w * K4 + 1) * classes

# %% network_on_paper | wrong | a stop at every pixel | work: as many stops as conv3 has pixels
h, w = height // 8 - 4, width // 8 - 4
shape, field = (h, w, K4), (k1 + 2 + 4 * (k2 - 1) + 4 + 32, 8, -(k1 // 2 - 1) - 4 * (k2 // 2))
parameters = (k1**2 * 3 + 1) * K1 + (k2**2 * K1 + 1) * K2 + (9 * K2 + 1) * K3 + (K3 + 1) * K4 + (K4 + 1) * classes
work, flat = (h + 4) * (w + 4) * 9 * K2 * K3, (h * w * K4 + 1) * classes

# %% network_on_paper | wrong | a dilated kernel as 5 × 5 | work: a dilated kernel has no more weights
h, w = height // 8 - 4, width // 8 - 4
shape, field = (h, w, K4), (k1 + 2 + 4 * (k2 - 1) + 4 + 32, 8, -(k1 // 2 - 1) - 4 * (k2 // 2))
parameters = (k1**2 * 3 + 1) * K1 + (k2**2 * K1 + 1) * K2 + (9 * K2 + 1) * K3 + (K3 + 1) * K4 + (K4 + 1) * classes
work, flat = h * w * 25 * K2 * K3, (h * w * K4 + 1) * classes

# %% network_on_paper | wrong | the average in place of the flatten | flat: these are the parameters behind the average
h, w = height // 8 - 4, width // 8 - 4
shape, field = (h, w, K4), (k1 + 2 + 4 * (k2 - 1) + 4 + 32, 8, -(k1 // 2 - 1) - 4 * (k2 // 2))
parameters = (k1**2 * 3 + 1) * K1 + (k2**2 * K1 + 1) * K2 + (9 * K2 + 1) * K3 + (K3 + 1) * K4 + (K4 + 1) * classes
work, flat = h * w * 9 * K2 * K3, (K4 + 1) * classes

# %% seen_by | right | every strip by itself
def seen_by(layer, pixels, cell):
    seen = [False] * pixels
    for strip in np.random.default_rng(9).random((300, pixels)):
        changed = np.tile(strip, (pixels + 1, 1))
        changed[range(pixels), range(pixels)] = np.random.default_rng(8).random(pixels)
        out = np.asarray(layer(changed))[:, cell]
        seen = [old or bool(abs(new - out[-1]) > 1e-9) for old, new in zip(seen, out)]
    return seen


# %% seen_by | right | all at once
def seen_by(layer, pixels, cell):
    rng = np.random.default_rng(3)
    strips = rng.random((300, 1, pixels))
    changed = np.where(np.eye(pixels, dtype=bool), rng.random((300, 1, 1)), strips)
    before = layer(strips[:, 0])[:, cell]
    after = layer(changed.reshape(-1, pixels))[:, cell].reshape(300, pixels)
    return (np.abs(after - before[:, None]) > 1e-9).any(0)


# %% seen_by | right | black or white
def seen_by(layer, pixels, cell):
    rng = np.random.default_rng(0)
    seen = np.zeros(pixels, bool)
    for x in range(pixels):
        dark = rng.random((100, pixels))
        bright = dark.copy()
        dark[:, x], bright[:, x] = 0, 1
        seen[x] = np.ptp([layer(dark)[:, cell], layer(bright)[:, cell]], 0).max() > 1e-9
    return seen


# %% seen_by | wrong | hard-coded for the visible case | a ReLU behind right minus left
def seen_by(layer, pixels, cell):
    return np.isin(np.arange(pixels), [4, 6, 8])


# %% seen_by | wrong | the formula, as if all were 3 wide with dilation 2 | a ReLU behind right minus left
def seen_by(layer, pixels, cell):
    return np.isin(np.arange(pixels), [cell, cell + 2, cell + 4])


# %% seen_by | wrong | one bright pixel on black | pixels that cell 4 sees
def seen_by(layer, pixels, cell):
    return layer(np.eye(pixels))[:, cell] != layer(np.zeros((1, pixels)))[0, cell]


# %% seen_by | wrong | up and down from grey | two layers and a maximum, at the rim
def seen_by(layer, pixels, cell):
    grey = np.full((1, pixels), 0.5)
    changed = np.stack([layer(grey + d * np.eye(pixels))[:, cell] for d in (-0.5, 0.5)])
    return np.abs(changed - layer(grey)[0, cell]).max(0) > 1e-9


# %% seen_by | wrong | one strip | a ReLU behind right minus left
def seen_by(layer, pixels, cell):
    strip = np.linspace(0, 1, pixels)
    strip[2::3] = 1
    changed = np.tile(strip, (pixels + 1, 1))
    changed[range(pixels), range(pixels)] += 0.01
    out = layer(changed)[:, cell]
    return np.abs(out[:-1] - out[-1]) > 1e-9


# %% seen_by | wrong | five strips | pixels that cell 4 sees
def seen_by(layer, pixels, cell):
    rng = np.random.default_rng(3)
    strips, seen = rng.random((5, pixels)), np.zeros(pixels, bool)
    for x in range(pixels):
        changed = strips.copy()
        changed[:, x] = rng.random(5)
        seen[x] = np.abs(layer(changed) - layer(strips))[:, cell].max() > 1e-9
    return seen


# %% seen_by | wrong | thirty strips | a ReLU that seldom answers
def seen_by(layer, pixels, cell):
    rng = np.random.default_rng(3)
    strips, seen = rng.random((30, pixels)), np.zeros(pixels, bool)
    for x in range(pixels):
        changed = strips.copy()
        changed[:, x] = rng.random(30)
        seen[x] = np.abs(layer(changed) - layer(strips))[:, cell].max() > 1e-9
    return seen


# %% seen_by | wrong | from the first to the last | pixels that cell 4 sees
def seen_by(layer, pixels, cell):
    rng = np.random.default_rng(3)
    strips = rng.random((200, 1, pixels))
    changed = np.where(np.eye(pixels, dtype=bool), rng.random((200, 1, 1)), strips)
    after = layer(changed.reshape(-1, pixels))[:, cell].reshape(200, pixels)
    found = np.flatnonzero((np.abs(after - layer(strips[:, 0])[:, cell][:, None]) > 1e-9).any(0))
    seen = np.zeros(pixels, bool)
    seen[min(found, default=0):max(found, default=-1) + 1] = True
    return seen


# %% seen_by | wrong | any difference at all | rounding in the last digits
def seen_by(layer, pixels, cell):
    rng = np.random.default_rng(3)
    strips = rng.random((200, 1, pixels))
    changed = np.where(np.eye(pixels, dtype=bool), rng.random((200, 1, 1)), strips)
    after = layer(changed.reshape(-1, pixels))[:, cell].reshape(200, pixels)
    return (after != layer(strips[:, 0])[:, cell][:, None]).any(0)


# %% seen_by | wrong | a change of a hundredth or more | weights of a thousandth: all are zero
def seen_by(layer, pixels, cell):
    rng = np.random.default_rng(3)
    strips = rng.random((200, 1, pixels))
    changed = np.where(np.eye(pixels, dtype=bool), rng.random((200, 1, 1)), strips)
    after = layer(changed.reshape(-1, pixels))[:, cell].reshape(200, pixels)
    return (np.abs(after - layer(strips[:, 0])[:, cell][:, None]) > 0.01).any(0)


# %% seen_by | wrong | the places in place of truth values | the shape of your answer
def seen_by(layer, pixels, cell):
    rng = np.random.default_rng(3)
    strips = rng.random((200, 1, pixels))
    changed = np.where(np.eye(pixels, dtype=bool), rng.random((200, 1, 1)), strips)
    after = layer(changed.reshape(-1, pixels))[:, cell].reshape(200, pixels)
    return np.flatnonzero((np.abs(after - layer(strips[:, 0])[:, cell][:, None]) > 1e-9).any(0))


# %% seen_by | wrong | changes that are never taken back | pixels that cell 4 sees
def seen_by(layer, pixels, cell):
    strips = np.random.default_rng(0).random((200, pixels))
    before, seen = layer(strips)[:, cell], np.zeros(pixels, bool)
    for x in range(pixels):
        strips[:, x] = 1 - strips[:, x]
        seen[x] = np.abs(layer(strips)[:, cell] - before).max() > 1e-9
    return seen


# %% seen_by | wrong | any cell in place of that one | pixels that cell 4 sees
def seen_by(layer, pixels, cell):
    strips, others = np.random.default_rng(0).random((2, 200, pixels))
    seen = np.zeros(pixels, bool)
    for x in range(pixels):
        changed = strips.copy()
        changed[:, x] = others[:, x]
        seen[x] = np.abs(layer(changed) - layer(strips)).max() > 1e-9
    return seen


# %% votes_and_answers | right | a 1 × 1 convolution, and a loop over the channels
def votes(A, W, b):
    return conv.cross_correlation(A, W[None, None], b)


def answers(A, W, b):
    S = np.tile(np.asarray(b, float), (len(A), 1))
    for k in range(A.shape[3]):
        S += A[..., k].astype(float).mean((1, 2))[:, None] * W[k]
    return S


# %% votes_and_answers | right | one matrix product, and sums in another order
def votes(A, W, b):
    N, h, w, K = A.shape
    return (A.reshape(-1, K) @ W + b).reshape(N, h, w, -1)


def answers(A, W, b):
    return np.einsum("nijk,kc->nc", A.astype(float), W) / A[0, :, :, 0].size + b


# %% votes_and_answers | right | loops in float32
def votes(A, W, b):
    V = np.zeros((*A.shape[:3], W.shape[1]), np.float32)
    for n, i, j in np.ndindex(A.shape[:3]):
        for c in range(W.shape[1]):
            V[n, i, j, c] = sum(A[n, i, j, k] * W[k, c] for k in range(len(W))) + b[c]
    return V


def answers(A, W, b):
    return votes(A, W, b).mean((1, 2))


# %% votes_and_answers | wrong | hard-coded for the visible case | votes: 2 maps of 3 x 5 x 4
def votes(A, W, b):
    return np.broadcast_to(S[:, None, None], (4, 12, 12, 8))


def answers(A, W, b):
    return S


# %% votes_and_answers | wrong | no map at all | votes: 2 maps of 3 x 5 x 4, 6 classes: every cell has the vote of all
def votes(A, W, b):
    return np.broadcast_to(answers(A, W, b)[:, None, None], (*A.shape[:3], len(b)))


def answers(A, W, b):
    return A.mean((1, 2)) @ W + b


# %% votes_and_answers | wrong | votes without the bias | the mean of the votes: the bias is missing
def votes(A, W, b):
    return A @ W


def answers(A, W, b):
    return A.mean((1, 2)) @ W + b


# %% votes_and_answers | wrong | answers without the bias | the answers: the bias is missing
def votes(A, W, b):
    return A @ W + b


def answers(A, W, b):
    return A.mean((1, 2)) @ W


# %% votes_and_answers | wrong | a sum for the mean | a sum over the cells where their mean belongs
def votes(A, W, b):
    return A @ W + b


def answers(A, W, b):
    return A.sum((1, 2)) @ W + b


# %% votes_and_answers | wrong | a ReLU before the average | the mean of the votes
def votes(A, W, b):
    return np.maximum(A @ W + b, 0)


def answers(A, W, b):
    return A.mean((1, 2)) @ W + b


# %% votes_and_answers | wrong | the share of each cell in the sum | the mean of the votes
def votes(A, W, b):
    return (A @ W + b) / (A.shape[1] * A.shape[2])


def answers(A, W, b):
    return votes(A, W, b).sum((1, 2))


# %% votes_and_answers | wrong | the bias of all in one cell | votes: 2 maps of 3 x 5 x 4
def votes(A, W, b):
    V = A @ W
    V[:, 0, 0] += b * A.shape[1] * A.shape[2]
    return V


def answers(A, W, b):
    return A.mean((1, 2)) @ W + b


# %% votes_and_answers | wrong | 144 cells for every map | answers: 2 maps of 3 x 5 x 4
def votes(A, W, b):
    return A @ W + b


def answers(A, W, b):
    return A.sum((1, 2)) / 144 @ W + b


# %% votes_and_answers | wrong | maps turned over | votes: 2 maps of 3 x 5 x 4, 6 classes: axis 1 runs backwards
def votes(A, W, b):
    return (A @ W + b)[:, ::-1]


def answers(A, W, b):
    return A.mean((1, 2)) @ W + b
