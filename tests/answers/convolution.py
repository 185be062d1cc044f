# %% setup
import cv2
import numpy as np
from scipy import signal

from camlib import convolution as conv

LINE = np.array([1, 4, 6, 4, 1])


def four(kernel):
    return np.asarray(kernel)[:, :, None, None]


def full(slide):
    def combined(v, w):
        return slide(v[None, ..., None], four(w), padding=((2, 2), (2, 2)))[0, ..., 0]

    return combined


# %% separable | right | counted by camlib, the kernels of equal sums
column = LINE[:, None] / 16
row = column.T
saved = sum(sign * conv.multiplications((64, 64), (*sides, 1, 1), 1, "same")
            for sign, sides in ((1, (5, 5)), (-1, (5, 1)), (-1, (1, 5))))
split = "Sobel"

# %% separable | right | all of the scale in one kernel, products counted by hand
column, row = (LINE / 256).reshape(5, 1).astype("float32"), LINE.reshape(1, 5)
saved = 25 * 64**2 - 2 * 5 * 64**2
split = {"Sobel"}

# %% separable | right | found by the singular values
u, s, vt = np.linalg.svd(np.outer(LINE, LINE) / 256)
column, row, saved, split = u[:, :1] * s[0], vt[:1], 61440.0, ["Sobel"]

# %% separable | wrong | nothing divided | your column times your row: 256 times too large
column, row, saved, split = LINE[:, None], LINE[None], 61440, "Sobel"

# %% separable | wrong | two rows | your column: shape (1, 5), and (5, 1) is wanted
column = row = LINE[None] / 16
saved, split = 61440, "Sobel"

# %% separable | wrong | two flat lists | your column: shape (5,), and (5, 1) is wanted: an axis of length 1 is missing
column = row = LINE / 16
saved, split = 61440, "Sobel"

# %% separable | wrong | the cost for the saving | that is what the two thin kernels cost
column, row = LINE[:, None] / 16, LINE[None] / 16
saved, split = 64 * 64 * 10, "Sobel"

# %% separable | wrong | one of two kernels | only one of the two thin kernels is counted
column, row = LINE[:, None] / 16, LINE[None] / 16
saved, split = 64 * 64 * 20, "Sobel"

# %% separable | wrong | no padding | "same" has a cell for each pixel
column, row = LINE[:, None] / 16, LINE[None] / 16
saved, split = 60 * 60 * 25 - 60 * 64 * 5 - 60 * 60 * 5, "Sobel"

# %% separable | wrong | all can be split | Laplacian is wrong. In a column times a row
column, row = LINE[:, None] / 16, LINE[None] / 16
saved, split = 61440, {"Sobel", "Laplacian"}

# %% border | right | zeros as a border
differ = 24 * 30 - 22 * 28
outside = "mirror"


def equal(picture, kernel):
    return cv2.filter2D(picture, cv2.CV_64F, kernel, borderType=cv2.BORDER_CONSTANT)


# %% border | right | zeros put there by hand, then the middle
differ, outside = 2 * (24 + 30) - 4, "mirror"


def equal(picture, kernel):
    (h, w), (kh, kw) = picture.shape, kernel.shape
    answer = cv2.filter2D(np.pad(picture, ((kh, kh), (kw, kw))), -1, kernel)
    return answer[kh:kh + h, kw:kw + w]


# %% border | wrong | the default border | equal(picture (9, 7), kernel (3, 3)): OpenCV's own border
differ, outside = 104, "mirror"


def equal(picture, kernel):
    return cv2.filter2D(picture, cv2.CV_64F, kernel)


# %% border | wrong | SciPy's flip | the kernel is turned by 180°
differ, outside = 104, "mirror"


def equal(picture, kernel):
    return signal.convolve2d(picture, kernel, mode="same")


# %% border | wrong | whole numbers | wrong in
differ, outside = 104, "mirror"


def equal(picture, kernel):
    return np.round(cv2.filter2D(picture, cv2.CV_64F, kernel, borderType=cv2.BORDER_CONSTANT))


# %% border | wrong | corners twice | count it once
differ, outside, equal = 2 * (24 + 30), "mirror", None

# %% border | wrong | the cells that agree | that is how many agree
differ, outside, equal = 22 * 28, "mirror", None

# %% border | wrong | zeros outside | Then it would agree with our "same"
differ, outside, equal = 104, "zeros", None

# %% border | wrong | no return | None, and numbers are wanted
differ, outside = 104, "mirror"


def equal(picture, kernel):
    pass


# %% bytes | right | floats first
by_numpy, by_opencv = (10 - 20) % 256, 0


def difference(picture):
    picture = picture.astype(float)
    return picture[:, 1:] - picture[:, :-1]


# %% bytes | right | measured, and floats by OpenCV
step = np.array([[20, 10]], np.uint8)
by_numpy = step[:, 1:] - step[:, :-1]
by_opencv = cv2.filter2D(step, -1, np.array([[-1.0, 1, 0]]))[0, 1]


def difference(picture):
    return cv2.filter2D(picture, cv2.CV_32F, np.array([[-1.0, 1, 0]]))[:, 1:]


# %% bytes | wrong | NumPy cuts off | by NumPy: NumPy does not stop at 0
by_numpy, by_opencv, difference = 0, 0, None

# %% bytes | wrong | the true step | by NumPy: that is the true difference
by_numpy, by_opencv, difference = -10, 0, None

# %% bytes | wrong | OpenCV wraps | by OpenCV: OpenCV does not begin again
by_numpy, by_opencv, difference = 256 - 10, 256 - 10, None

# %% bytes | wrong | still in bytes | difference of bytes (1, 4): bytes that begin again at the other end
by_numpy, by_opencv = 256 - 10, 0


def difference(picture):
    return picture[:, 1:] - picture[:, :-1]


# %% bytes | wrong | made floats too late | bytes that begin again at the other end
by_numpy, by_opencv = 256 - 10, 0


def difference(picture):
    return np.diff(picture).astype(float)


# %% bytes | wrong | OpenCV in bytes | cut off at 0
by_numpy, by_opencv = 256 - 10, 0


def difference(picture):
    return cv2.filter2D(picture, -1, np.array([[-1.0, 1, 0]]))[:, 1:]


# %% bytes | wrong | the order of the two | left neighbour minus pixel
by_numpy, by_opencv = 256 - 10, 0


def difference(picture):
    return picture[:, :-1].astype(int) - picture[:, 1:]


# %% bytes | wrong | a signed byte | difference of bytes (1, 4): wrong in
by_numpy, by_opencv = 256 - 10, 0


def difference(picture):
    return np.diff(picture.astype(np.int8).astype(int))


# %% bytes | wrong | the upper neighbour | difference of bytes (5, 7): shape (4, 7), and (5, 6) is wanted
by_numpy, by_opencv = 256 - 10, 0


def difference(picture):
    return np.diff(picture.astype(int), axis=0 if len(picture) > 1 else 1)


# %% associative | right | stamps, and SciPy
def for_convolution(v, w):
    both = np.zeros((5, 5))
    for m, n in np.ndindex(3, 3):
        both[m:m + 3, n:n + 3] += v[m, n] * w
    return both


def for_correlation(v, w):
    return signal.correlate2d(v, w[::-1, ::-1]).astype("float32")


# %% associative | right | padded by two, for both
def for_convolution(v, w):
    return conv.convolution(v[None, ..., None], w[..., None, None], padding=((2, 2), (2, 2)))[0, ..., 0]


for_correlation = for_convolution

# %% associative | wrong | combined as the layers work | cross-correlation: one kernel was slid over the other
for_convolution, for_correlation = full(conv.convolution), full(conv.cross_correlation)

# %% associative | wrong | the other one slid | by cross-correlation, and the result turned
for_convolution = signal.convolve2d


def for_correlation(v, w):
    return signal.correlate2d(w, v)


# %% associative | wrong | turned as a whole | for layers of cross-correlation: the whole is turned by 180°
for_convolution = full(conv.convolution)


def for_correlation(v, w):
    return for_convolution(v, w)[::-1, ::-1]


# %% associative | wrong | not in full | shape (3, 3), and (5, 5) is wanted
def for_convolution(v, w):
    return signal.convolve2d(v, w, mode="same")


for_correlation = for_convolution

# %% associative | wrong | the sum of the kernels | the kernel for layers of convolution: wrong in
def for_convolution(v, w):
    return np.pad(v + w, 1)


for_correlation = for_convolution

# %% dilated | right | the sum, three shifted copies
def field(dilations):
    return 1 + 2 * sum(dilations)


x = np.eye(63)
for d in (1, 2, 4, 8):
    padded = np.pad(x, ((0, 0), (d, d)))
    x = padded[:, d + d:] + x + padded[:, :-d - d]
seen = x[:, 31] > 0

# %% dilated | right | the course's formula and layers, how often each is seen
def field(dilations):
    return conv.receptive_field([(3, 1, 0, d) for d in dilations])[0]


x = np.eye(63).reshape(63, 1, 63, 1)
for d in (1, 2, 4, 8):
    x = conv.cross_correlation(x, np.ones((1, 3, 1, 1)), None, 1, "same", d)
seen = x[:, 0, 31, 0]

# %% dilated | wrong | for four layers only | field([3]): too large
def field(dilations):
    return 9 if dilations[-1] == 1 else 31


seen = None

# %% dilated | wrong | one side | one side only
def field(dilations):
    return 1 + sum(dilations)


seen = None

# %% dilated | wrong | reaches added | neighbouring windows overlap
def field(dilations):
    return sum(2 * d + 1 for d in dilations)


seen = None

# %% dilated | wrong | no dilation in the experiment | these are what layers without dilation see
def field(dilations):
    return 1 + 2 * sum(dilations)


seen = abs(np.arange(63) - 31) <= 4

# %% dilated | wrong | the last layer alone | sees in its own input
def field(dilations):
    return 1 + 2 * sum(dilations)


seen = np.isin(np.arange(63), (23, 31, 39))

# %% dilated | wrong | how many, for which | seen: shape (), and (63,) is wanted
def field(dilations):
    return 1 + 2 * sum(dilations)


seen = 31

# %% dilated | wrong | the cell beside the middle | seen: shifted by one
def field(dilations):
    return 1 + 2 * sum(dilations)


seen = abs(np.arange(63) - 32) <= 15
