"""Checks: is an answer right, and if not, what is it instead? For exercises, for the error museum and for graders.

A check returns nothing if the answer is right. Otherwise it raises AssertionError, and says what the answer looks like:
the right one transposed, a mean where a sum belongs, a map without its sign. The reason is a guess; the verdict is not.
"""

from itertools import chain, combinations, permutations, product
from math import prod
from numbers import Real
from random import SystemRandom

import numpy as np

from .cnn import softmax
from .errors import CamlibError


def same(yours, right, name="your answer", rtol=1e-4, wrong=None):
    """Pass if ``yours`` has the shape of ``right`` and no entry is further off than ``rtol`` times the largest |right|.

    Float16 is too coarse; whole numbers, truth values and a ``right`` of zeros must be met exactly. All entries share
    one tolerance: compare maps of very different size one by one. ``wrong`` names wrong answers that you expect, as
    {"the gradient of the softmax": array}. AssertionError gives a diagnosis; CamlibError: no ``right`` or no tolerance.
    """
    right = _reference(right)
    if not (isinstance(rtol, Real) and 0 <= rtol < 1):
        raise CamlibError(f"rtol is a share of the largest value, 0 or more and below 1, not {rtol!r}")
    array = _answer(yours, name)
    problem = _shape_problem(array.shape, right.shape) or _not_finite(array)
    if not problem and not _close(array, right, rtol).all():
        problem = _values_problem(array, right, rtol, wrong or {})
    if problem:
        raise AssertionError(f"{name}: {problem}")


def number(yours, right, name="your number", rtol=1e-3, wrong=None):
    """Pass if ``yours`` is the one number ``right``, to ``rtol`` of it, or exactly if ``right`` is whole.

    The message does not show the right number. ``wrong`` is that of ``same``: {"you counted the border": 12}.
    Raises AssertionError, and CamlibError if ``right`` is no single number.
    """
    array, right = _answer(yours, name), _reference(right)
    if right.size != 1:
        raise CamlibError(f"the right number is one number, not {right.size}: use same")
    if array.size != 1:
        raise AssertionError(f"{name}: {array.size} numbers, and one is wanted")
    problem = _not_finite(array)
    y, r = array.reshape(()), right.reshape(())
    rtol = 0 if right.dtype.kind in "bui" else rtol
    if not (problem or _close(y, r, rtol)):
        expected = (what for what, value in (wrong or {}).items() if _close(y, np.asarray(value), rtol))
        problem = next(expected, "the sign is wrong" if y == -r else "too large" if y > r else "too small")
    if problem:
        raise AssertionError(f"{name}: {problem}")


def numbers(yours, right, names, wrong=None, rtol=1e-3):
    """Pass if each of ``yours``, one a name, is the ``number`` in ``right``; ``wrong`` is {what it is: as many numbers}.

    Raises AssertionError with the name of the first that is not.
    """
    if np.shape(_answer(yours, "your numbers")) != (len(names),):
        raise AssertionError(f"shape {np.shape(yours)}, and {len(names)} numbers are wanted: {', '.join(names)}")
    for i, name in enumerate(names):
        number(yours[i], right[i], name, rtol, {what: values[i] for what, values in (wrong or {}).items()})


def shaped(yours, shape, name="your answer"):
    """Pass if ``yours`` are numbers of this shape. Raises AssertionError, with a reason."""
    if problem := _shape_problem(_answer(yours, name).shape, tuple(shape)):
        raise AssertionError(f"{name}: {problem}")


def choice(yours, right, options, name="your choice"):
    """Pass if ``yours`` is ``right``, a letter or a word; or a set of them, if ``right`` is one.

    ``options`` are {letter: why it is wrong, a hint}. Raises AssertionError, and CamlibError if ``right`` is no option.
    """
    right, chosen = _as_set(right), _as_set(yours)
    if not right <= set(options):
        raise CamlibError(f"the right choice {sorted(right)} is not among {', '.join(options)}")
    if not chosen <= set(options):
        raise AssertionError(f"{name}: {yours!r}, and only {', '.join(options)} can be chosen")
    if extra := sorted(chosen - right):
        raise AssertionError(f"{name}: {extra[0]} is wrong. {options[extra[0]]}")
    if missing := len(right - chosen):
        raise AssertionError(f"{name}: what you chose is right, and {missing} more belong to it")


def within(values, low, high, name="your answer"):
    """Pass if there are values, and each is a finite number from ``low`` to ``high``.

    Raises AssertionError, and CamlibError if the ends are no range.
    """
    if not (isinstance(low, Real) and isinstance(high, Real) and low <= high):
        raise CamlibError(f"a range is two numbers, the lower one first, not {low!r} and {high!r}")
    array = _answer(values, name)
    problem = _not_finite(array) if array.size else "no values"
    if not (problem or ((array >= low) & (array <= high)).all()):
        problem = f"{array.min():.3g} to {array.max():.3g}, and must stay within {low:g} to {high:g}"
    if problem:
        raise AssertionError(f"{name}: {problem}")


def cam_law(maps, bias, logits, name="mean of your map + bias", rtol=1e-4):
    """Pass if mean(M) + b = S, equation (7.6): maps (N, h, w), bias of each map's class, logits (N,).

    Raises AssertionError, and CamlibError if the logits are none; the tolerance is that of ``same``.
    """
    maps, bias, logits = _answer(maps, "your maps"), _answer(bias, "your bias"), _reference(logits)
    if maps.ndim != 3 or len(maps) != logits.size or not maps.size:
        raise AssertionError(f"your maps: shape {maps.shape}, and ({logits.size}, h, w) is wanted")
    if bias.shape not in ((), (1,), (len(maps),)):
        raise AssertionError(f"your bias: shape {bias.shape}, and one number is wanted, or ({len(maps)},)")
    same(maps.mean((1, 2), dtype=float) + bias, logits.astype(float), name, rtol)


def fair(checker, accepts, rejects):
    """Pass if ``checker(answer)`` is true of each answer in ``accepts`` and false of each in ``rejects``.

    They are tried in an order of chance, and the first that fails, in the order given, is told. Both are dicts {what
    it is: answer}; anything else, or an empty one, is a CamlibError. Raises AssertionError, also for a checker that
    raises an error of its own.
    """
    if not all(isinstance(answers, dict) and answers for answers in (accepts, rejects)):
        raise CamlibError("try a checker on at least one right answer and one wrong one, each as {what it is: answer}")
    every = [(what, answer, wanted) for answers, wanted in ((accepts, True), (rejects, False))
             for what, answer in answers.items()]
    said = {}
    for n in SystemRandom().sample(range(len(every)), len(every)):  # no order to count on: a checker has to look
        try:
            said[n] = bool(checker(every[n][1]))
        except Exception as cause:
            said[n] = cause
    for n, (what, _, wanted) in enumerate(every):
        if isinstance(said[n], Exception):
            raise AssertionError(f"your check stops with {type(said[n]).__name__}: {what} ({said[n]})") from said[n]
        if said[n] != wanted:
            raise AssertionError(f"your check {'refuses' if wanted else 'lets through'}: {what}")


# -- what is wrong -----------------------------------------------------------------------------------


def _shape_problem(got, wanted):
    """Say how the shape ``got`` differs from the one that is ``wanted``, or nothing."""
    if got == wanted:
        return ""
    hint = "a map of another size?"
    if [n for n in got if n != 1] == [n for n in wanted if n != 1]:
        hint = "an axis of length 1 is missing, left over or misplaced: write [None] or [0]"
    elif sorted(got) == sorted(wanted):
        hint = "the axes are in another order: transpose, do not reshape; or (width, height) for (height, width)"
    elif prod(got) == prod(wanted):
        hint = "as many numbers, laid out differently: a reshape?"
    elif got in combinations(wanted, len(got)):
        hint = "an axis is gone: a sum or a mean over one too many?"
    elif wanted in combinations(got, len(wanted)):
        hint = "an axis is left over: is a sum or a mean missing?"
    return f"shape {got}, and {wanted} is wanted: {hint}"


def _not_finite(array):
    bad = int((~np.isfinite(array)).sum())
    return f"NaN or infinite in {bad} of {array.size} entries: a division by zero?" if bad else ""


@np.errstate(all="ignore")  # numbers too large or too small to be compared fit nothing
def _values_problem(yours, right, rtol, wrong):
    """Say what the answer looks like, or else how many entries are wrong."""
    y, r = yours.astype(float), right.astype(float)
    if y.size == 1:
        return "{}, and should be {}".format(*_told_apart(y.item(), r.item()))
    rtol = 1e-12 if right.dtype.kind in "bui" else rtol
    for what, candidate in chain(wrong.items(), _lookalikes(r)):
        candidate = np.asarray(candidate)
        if candidate.shape == y.shape and not (candidate == r).all() and _close(y, candidate, rtol).all():
            return what
    if fitted := _fitted(y, r, rtol):
        return fitted
    bad = ~_close(yours, right, rtol)
    worst = np.unravel_index(np.abs(y - r).argmax(), y.shape)
    text = "wrong in {} of {} entries: the worst, at {}, is {} and should be {}".format(
        bad.sum(), bad.size, tuple(map(int, worst)), *_told_apart(y[worst], r[worst]))
    if min(np.ptp(y), np.ptp(r)) > 0 and y.size > 2:
        text += f"; correlation with the right answer {np.corrcoef(y.ravel(), r.ravel())[0, 1]:.2f}"
    return text


def _lookalikes(right):
    """Yield (what it is, the wrong answer) for the ways to get ``right`` wrong that keep its shape and scale."""
    yield "all are zero", np.zeros_like(right)
    yield "the sign is turned round", -right
    yield "only the positive part is left: a ReLU too early?", np.maximum(right, 0)
    yield "only the negative part is left", np.minimum(right, 0)
    yield "the sign is lost: an absolute value?", np.abs(right)
    yield "cut to whole numbers: an integer type?", np.trunc(right)
    yield "bytes that start again at 0 behind 255", np.trunc(right) % 256
    for axis in range(right.ndim):
        colours = ": BGR where RGB belongs" if axis == right.ndim - 1 and right.shape[-1] == 3 else ""
        yield f"axis {axis} runs backwards{colours}", np.flip(right, axis)
    for order in permutations(range(right.ndim)):
        turned = right.transpose(order)
        what = "axes are swapped: rows for columns?" if turned.shape == right.shape else "a reshape for a transpose"
        yield what, turned.reshape(right.shape)
    for axis, step in product(range(right.ndim), (1, -1)):
        yield f"shifted by one along axis {axis}", np.roll(right, step, axis)
    yield "a softmax was applied: probabilities for logits", softmax(right)


def _fitted(y, r, rtol):
    """Say which factor, or which factor and constant, turn ``r`` into ``y``, if any do."""
    for start, basis in (("", r), ("the positive part alone, and ", np.maximum(r, 0))):
        factor = float((y * basis).sum() / (basis * basis).sum()) if basis.any() else 0
        if factor and _close(y, factor * basis, rtol).all():
            return start + _factor(factor)
    constant = (y - r).mean()
    if _close(y, r + constant, rtol).all():
        return f"each is off by {constant:+.3g}: a bias, or a sum that does not start at zero?"
    if len(np.unique(r)) > 2:  # two points lie on a line, whatever they are
        slope = float(((y - y.mean()) * (r - r.mean())).mean() / r.var())
        if slope and _close(y, slope * r + (y.mean() - slope * r.mean()), rtol).all():
            what = "another scale and another zero: stretched?" if slope > 0 else "inverted, as 1 - map is?"
            return f"the right one times {slope:.3g}, plus {y.mean() - slope * r.mean():.3g}: {what}"
    if r.ndim > 2 and all(_fitted(*pair, rtol) for pair in zip(y, r, strict=True)):
        return "each image has a factor or a constant of its own: normalised one by one?"
    return ""


def _factor(factor):
    """Say what the factor between two answers may mean."""
    n = round(max(abs(factor), 1 / abs(factor))) if 1e-9 < abs(factor) < 1e9 else 0
    if n < 2 or min(abs(factor / n - 1), abs(factor * n - 1)) > 1e-3:
        return f"the right one times {factor:.3g}: another unit, or normalised?"
    if n == 255:
        return "0..255 and 0..1 are mixed up"
    return f"{n} times too large: a sum where a mean belongs?" if factor > 1 else \
        f"1/{n} of the right one: a mean where a sum belongs?"


def _told_apart(y, r):
    """Two numbers as text, with three digits or as many as it takes to see that they differ."""
    texts = ((f"{y:.{digits}g}", f"{r:.{digits}g}") for digits in range(3, 18))
    return next((pair for pair in texts if pair[0] != pair[1]), (y, r))


def _close(y, r, rtol):
    """Where ``y`` is within the tolerance of ``r``; whole numbers and truth values must be met exactly."""
    if r.dtype.kind in "bui":
        return y == r
    with np.errstate(over="ignore", invalid="ignore"):
        y, r = y.astype(float), r.astype(float)
        return np.isfinite(r) & (np.abs(y - r) <= rtol * np.abs(r).max())


def _answer(values, name):
    """``values`` as an array of numbers. Raises AssertionError."""
    if values is None:
        raise AssertionError(f"{name}: None, and numbers are wanted: no return, or nothing depends on this?")
    array = _array(values)
    if array.dtype.kind not in "buif":
        what = f"an array of {array.dtype}" if isinstance(values, np.ndarray) else type(values).__name__
        raise AssertionError(f"{name}: {what}, and numbers are wanted")
    return array


def _as_set(value):
    """One choice, or several in a set, list or tuple, as a set of texts."""
    return {str(part) for part in value} if isinstance(value, (set, frozenset, list, tuple)) else {str(value)}


def _array(values):
    try:
        return np.asarray(values)
    except (TypeError, ValueError, RuntimeError):
        return np.empty(0, object)  # rows of different lengths, or a tensor that cannot leave its framework


def _reference(right):
    """The right answer as an array. Raises CamlibError."""
    array = _array(right)
    if array.dtype.kind not in "buif" or not array.size or not np.isfinite(array).all():
        raise CamlibError(f"the right answer must be finite numbers, and at least one; got {array.dtype} {array.shape}")
    return array
