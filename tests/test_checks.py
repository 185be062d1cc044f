"""The checks, checked: a right answer passes in any dress, a wrong one never does, and its diagnosis is true."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from camlib import checks
from camlib.cnn import softmax
from camlib.errors import CamlibError

RNG = np.random.default_rng(0)
M = RNG.normal(size=(6, 4)) * 3
MAPS = RNG.normal(size=(3, 5, 4)) + 1
IMAGE = RNG.random((6, 4, 3))
SQUARE = RNG.normal(size=(5, 5))

WRONG = {
    "nothing returned": (None, M, "None, and numbers are wanted"),
    "text": ("M", M, "str, and numbers"),
    "complex numbers": (M + 0j, M, "an array of complex128, and numbers"),
    "rows of different lengths": ([[1.0], [1.0, 2.0]], M, "list, and numbers"),
    "no batch axis": (M, M[None], r"shape \(6, 4\), and \(1, 6, 4\) is wanted: an axis of length 1"),
    "a batch axis too many": (M[None], M, "an axis of length 1"),
    "transposed": (M.T, M, "the axes are in another order"),
    "flattened": (M.ravel(), M, "laid out differently"),
    "summed over an axis": (M.sum(1), M, "an axis is gone"),
    "not summed": (MAPS, MAPS.sum(2), "an axis is left over"),
    "another size": (M[:5], M, "a map of another size"),
    "NaN": (np.where(M > 3, np.nan, M), M, f"NaN or infinite in {(M > 3).sum()} of 24 entries"),
    "infinite": (np.full_like(M, np.inf), M, "infinite in 24 of 24"),
    "zeros": (0 * M, M, "^it: all are zero$"),
    "sign": (-M, M, "the sign is turned round"),
    "ReLU": (np.maximum(M, 0), M, "only the positive part"),
    "only what is against": (np.minimum(M, 0), M, "only the negative part"),
    "magnitude": (np.abs(M), M, "the sign is lost"),
    "integers": (M.astype(int), M, "cut to whole numbers"),
    "bytes that ran over": ((100 * IMAGE + 200).astype(int) % 256, 100 * IMAGE + 200, "start again at 0 behind 255"),
    "BGR": (IMAGE[..., ::-1], IMAGE, "axis 2 runs backwards: BGR where RGB belongs"),
    "upside down": (M[::-1], M, "axis 0 runs backwards$"),
    "mirrored": (M[:, ::-1], M, "axis 1 runs backwards$"),
    "turned, square": (SQUARE.T, SQUARE, "axes are swapped"),
    "reshaped": (M.T.reshape(6, 4), M, "a reshape for a transpose"),
    "shifted down": (np.roll(M, 1, 0), M, "shifted by one along axis 0"),
    "shifted left": (np.roll(M, -1, 1), M, "shifted by one along axis 1"),
    "softmax": (softmax(M), M, "a softmax was applied"),
    "mean for sum": (M / 64, M, "1/64 of the right one: a mean where a sum belongs"),
    "sum for mean": (M * 144, M, "144 times too large: a sum where a mean belongs"),
    "bytes for shares": (255 * IMAGE, IMAGE, "0..255 and 0..1 are mixed up"),
    "shares for bytes": (IMAGE, 255 * IMAGE, "0..255 and 0..1 are mixed up"),
    "another unit": (0.37 * M, M, "the right one times 0.37: another unit"),
    "sign and unit": (-2 * M, M, "the right one times -2: another unit"),
    "ReLU and maximum": (np.maximum(M, 0) / M.max(), M, "the positive part alone, and the right one times"),
    "an accumulator of ones": (M + 1, M, r"each is off by \+1: a bias"),
    "stretched": ((M - M.min()) / np.ptp(M), M, "another scale and another zero"),
    "inverted": (1 - M, M, "times -1, plus 1: inverted"),
    "each normalised": (MAPS / MAPS.max((1, 2), keepdims=True), MAPS, "each image has a factor"),
    "one image left alone": (np.stack([MAPS[0], MAPS[1] / 7.7, MAPS[2]]), MAPS, "each image has a factor"),
    "a number": (3.0, 2.0, "^it: 3, and should be 2$"),
    "an index off by one": (np.array([20001, 7]), np.array([20000, 7]), "wrong in 1 of 2 entries"),
    "false for true": (np.array([True, True]), np.array([True, False]), "1 of 2"),
}


@pytest.mark.parametrize("case", WRONG)
def test_each_wrong_answer_is_named(case):
    """Every way to be wrong gets its own diagnosis, behind the name of what was asked for."""
    yours, right, said = WRONG[case]
    with pytest.raises(AssertionError, match=said) as caught:
        checks.same(yours, right, "it")
    assert str(caught.value).startswith("it: ")


def test_no_diagnosis_without_a_reason():
    """An answer that only resembles the right one is told where it is worst, and how alike it is."""
    yours = M.copy()
    yours[3, 1] += 5
    with pytest.raises(AssertionError) as caught:
        checks.same(yours, M)
    r = np.corrcoef(yours.ravel(), M.ravel())[0, 1]
    assert str(caught.value) == (f"your answer: wrong in 1 of 24 entries: the worst, at (3, 1), is {yours[3, 1]:.3g} "
                                 f"and should be {M[3, 1]:.3g}; correlation with the right answer {r:.2f}")
    with pytest.raises(AssertionError, match="should be 4$"):  # a constant has no correlation
        checks.same(np.array([4.0, 4, 5]), np.full(3, 4.0))


def test_a_difference_is_never_told_as_none():
    """Two numbers that differ are shown with as many digits as it takes to see it."""
    with pytest.raises(AssertionError, match=r"^it: 1\.0004, and should be 1$"):
        checks.same(1.0004, 1.0, "it")
    with pytest.raises(AssertionError, match=r"is 2\.0004 and should be 2$"):
        checks.same(np.array([2.0004, 1]), np.array([2, 1]))


def test_two_points_prove_no_line():
    """Any two numbers lie on a line through any two others: no factor and constant is claimed."""
    with pytest.raises(AssertionError, match="the worst, at"):
        checks.same(np.array([1.0, 5.0]), np.array([2.0, 3.0]))


def test_each_image_means_each():
    """One image with a factor of its own, and another that is plainly wrong: that is not normalised one by one."""
    with pytest.raises(AssertionError, match="the worst, at"):
        checks.same(np.stack([MAPS[0] / 7.7, MAPS[1] ** 3, MAPS[2]]), MAPS)


def test_known_wrong_answers_come_first():
    """What the author of a check expects is named, whatever else it looks like; another shape is passed over."""
    with pytest.raises(AssertionError, match="^your answer: the gradient of the softmax$"):
        checks.same(-M, M, wrong={"of another shape": M[0], "another": M + 1, "the gradient of the softmax": -M})


@pytest.mark.parametrize("dress", [
    lambda a: a.astype(np.float32), lambda a: a.astype(np.longdouble), np.asfortranarray, lambda a: a.tolist(),
    lambda a: np.ascontiguousarray(a.T).T, lambda a: a * (1 + 5e-5), lambda a: a[::-1][::-1]])
def test_a_right_answer_passes_in_any_dress(dress):
    """Precision, order in memory, lists, rounding: all the same answer."""
    checks.same(dress(M), M)
    checks.same(M, np.asarray(dress(M)))


def test_whole_numbers_and_truth_values():
    """They are met exactly, whatever type yours has; a tolerance does not soften them."""
    checks.same(np.array([3.0, 7.0]), np.array([3, 7]))
    checks.same(np.array([1, 0], np.uint8), np.array([True, False]))
    checks.same(5, 5)
    with pytest.raises(AssertionError):
        checks.same(np.array([3.0001, 7.0]), np.array([3, 7]), rtol=0.5)


def test_tensors_are_answers():
    """A tensor of the network's framework is taken as it is."""
    from camlib.runtime import keras

    checks.same(keras.ops.convert_to_tensor(M.astype(np.float32)), M)


ARRAYS = hnp.arrays(float, hnp.array_shapes(min_dims=1, max_dims=3, max_side=5),
                    elements=st.floats(-1e6, 1e6, allow_subnormal=False))


@given(ARRAYS, st.data(), st.floats(1.01, 1e6), st.sampled_from([-1, 1]))
def test_one_entry_beyond_the_tolerance_fails(right, data, times, sign):
    """However many entries are right: one that is off by more than the tolerance is enough."""
    place = tuple(data.draw(st.integers(0, n - 1)) for n in right.shape)
    yours = right.copy()
    yours[place] += sign * times * max(1e-4 * np.abs(right).max(), 1e-3)
    with pytest.raises(AssertionError):
        checks.same(yours, right)


@given(ARRAYS, st.floats(-0.99, 0.99))
def test_rounding_within_the_tolerance_passes(right, share):
    """The right answer passes, and so does one that is off by less than the tolerance everywhere."""
    checks.same(right, right)
    checks.same(right + share * 1e-4 * np.abs(right).max(), right)


@given(ARRAYS, ARRAYS)
def test_different_arrays_never_pass(a, b):
    """Two arrays pass only if they are alike; where they are not, there is a message and never another error."""
    if a.shape == b.shape and (np.abs(a - b) <= 1e-4 * np.abs(b).max()).all():
        checks.same(a, b)
    else:
        with pytest.raises(AssertionError):
            checks.same(a, b)


@pytest.mark.parametrize("huge", [1e308, 1e-308, 5e-324])
def test_extreme_numbers_raise_nothing_else(huge):
    """Overflow is no excuse, and no warning."""
    right = np.array([[1.0, -1.0], [0.5, 0.25]]) * huge
    checks.same(right, right)
    with pytest.raises(AssertionError):
        checks.same(-right + np.eye(2) * huge / 2, right)
    with pytest.raises(AssertionError):
        checks.same(right.astype(np.longdouble) * 1e10, right)


@pytest.mark.parametrize("right", [[], [np.nan], [np.inf], None, "text", [[1], [1, 2]]])
def test_a_right_answer_must_be_one(right):
    """An empty or broken reference would let everything or nothing through."""
    with pytest.raises(CamlibError, match="the right answer must be finite numbers"):
        checks.same(np.zeros(1), right)


@pytest.mark.parametrize("rtol", [-0.1, 1, 2.0, np.nan, "a", None])
def test_a_tolerance_must_be_one(rtol):
    """A tolerance of 100 % or of NaN tests nothing."""
    with pytest.raises(CamlibError, match="rtol"):
        checks.same(M, M, rtol=rtol)


def test_what_is_no_mistake_is_not_named():
    """A known wrong answer that equals the right one, or is not finite, says nothing about yours."""
    for right, wrong in ((np.array([3, 4]), {}), (np.array([3.0, 4.0]), {"not finite": [np.inf, np.inf], "right": [3, 4]})):
        with pytest.raises(AssertionError, match="^it: wrong in 2 of 2 entries"):
            checks.same(right + [1e-3, -2e-3], right, "it", wrong=wrong)
    with pytest.raises(AssertionError, match="^it: too large$"):
        checks.number(3, 2.0, "it", wrong={"not finite": np.inf})


def test_number():
    """One number, whole ones exactly; the message says which way it is off, and never shows the right one."""
    for yours, right in ((0.5, 0.5), (np.float32(1 / 3), 1 / 3), ([7], 7), (7.0, 7), (0, 0.0), (0.50049, 0.5)):
        checks.number(yours, right)
    for yours, right, said in ((0.5006, 0.5, "too large$"), (0.4994, 0.5, "too small$"), (-2, 2, "the sign is wrong$"),
                               (np.nan, 2, "NaN"), ([2, 2], 2, "2 numbers"), (None, 2, "None"), ("2", 2, "str"),
                               (7.001, 7, "too large$"), (1e-9, 0.0, "too large$")):
        with pytest.raises(AssertionError, match=f"^it: {said}"):
            checks.number(yours, right, "it")
    with pytest.raises(AssertionError, match="^it: you counted the border$"):
        checks.number(16, 9, "it", wrong={"another one": 12, "you counted the border": 16})
    for right in ([1, 2], None, np.nan):
        with pytest.raises(CamlibError):
            checks.number(1, right)


def test_numbers():
    """Several numbers, the first wrong one by its name; a mistake that is known is known for each."""
    checks.numbers([1, 2.0], (1, 2), ("rows", "columns"))
    for yours, said in (([1, 3], "^columns: too large$"), ([2, 1], "^rows: exchanged$"), ([1], r"shape \(1,\), and 2 numb"),
                        (None, "None"), ([1, np.nan], "^columns: NaN")):
        with pytest.raises(AssertionError, match=said):
            checks.numbers(yours, (1, 2), ("rows", "columns"), {"exchanged": (2, 1)})


def test_shaped():
    """Numbers of a shape, whatever they are."""
    checks.shaped(M, M.shape)
    for yours, said in ((M.T, "the axes are in another order"), (M[None], "an axis of length 1"), ("M", "str"), (None, "None")):
        with pytest.raises(AssertionError, match=f"^it: .*{said}"):
            checks.shaped(yours, M.shape, "it")


def test_choice():
    """A letter or a set of them; what is wrong is answered by its hint, what is missing by how many."""
    options = {"a": "It moves.", "b": "It is signed.", "c": "It is small."}
    checks.choice("b", "b", options)
    for several in ({"a", "c"}, ["c", "a"], ("a", "c", "a"), np.array(["a", "c"]).tolist()):
        checks.choice(several, {"a", "c"}, options)
    for yours, right, said in (("a", "b", "a is wrong. It moves.$"), ("d", "b", "'d', and only a, b, c can"),
                               (None, "b", "None, and only"), ([["b"]], "b", "only a, b, c"),
                               ("a", {"a", "c"}, "right, and 1 more"), ({"a", "b"}, {"a", "c"}, "b is wrong. It is s")):
        with pytest.raises(AssertionError, match=f"^it: .*{said}"):
            checks.choice(yours, right, options, "it")
    with pytest.raises(CamlibError, match="not among a, b, c"):
        checks.choice("a", "d", options)


def test_within():
    """The ends belong to the range; what is outside, NaN, empty or no number is refused."""
    checks.within([0, 0.5, 1], 0, 1)
    for values, said in (([0, 1.5], "it: 0 to 1.5, and must stay within 0 to 1"), ([-0.25, 1], "-0.25 to 1"),
                         ([np.nan, 0], "NaN or infinite in 1 of 2"), ([], "no values"), (None, "None")):
        with pytest.raises(AssertionError, match=said):
            checks.within(values, 0, 1, "it")
    for low, high in (("a", 1), (0, None), (1, 0), (np.nan, 1), ([0], 1)):
        with pytest.raises(CamlibError, match="the lower one first"):
            checks.within([0.5], low, high)


@pytest.mark.equation("7.6")
def test_cam_law():
    """mean(M) + b = S passes for a linear head, and fails for a mean over channels and for a forgotten bias."""
    A, W, b = RNG.random((3, 4, 5, 6)), RNG.normal(size=(6, 2)), np.array([0.5, -1.5])
    S, c = A.mean((1, 2)) @ W + b, np.array([0, 1, 1])
    maps = (A @ W)[np.arange(3), ..., c]
    chosen = S[np.arange(3), c]
    checks.cam_law(maps, b[c], chosen)
    checks.cam_law(maps[:1], b[0], chosen[:1])
    for wrong, bias in ((maps / 6, b[c]), (maps, 0 * b[c]), (np.maximum(maps, 0), b[c]), (0 * maps, b[c])):
        with pytest.raises(AssertionError, match="mean of your map"):
            checks.cam_law(wrong, bias, chosen)
    for wrong in (maps[0], maps[:2], maps[:, :0]):
        with pytest.raises(AssertionError, match=r"your maps: shape .*\(3, h, w\) is wanted"):
            checks.cam_law(wrong, b[c], chosen)
    checks.cam_law(maps[1:], b[[1]], chosen[1:])
    for bias, said in ((b, r"your bias: shape \(2,\)"), (b[c][:, None], r"\(3, 1\)"), (None, "your bias: None"),
                       ("b", "your bias: str"), ([[1], [2, 3]], "your bias: list")):
        with pytest.raises(AssertionError, match=said):
            checks.cam_law(maps, bias, chosen)
    with pytest.raises(CamlibError):
        checks.cam_law(maps, b[c], chosen * np.nan)


def test_fair():
    """A checker is judged by right answers and by wrong ones; without either it is not judged at all."""
    right, wrong = {"two": 2, "two in floats": 2.0}, {"three": 3}
    checks.fair(lambda x: x == 2, right, wrong)
    with pytest.raises(AssertionError, match="your check refuses: two in floats"):
        checks.fair(lambda x: x == 2 and isinstance(x, int), right, wrong)
    with pytest.raises(AssertionError, match="your check lets through: three"):
        checks.fair(lambda x: True, right, wrong)
    with pytest.raises(AssertionError, match="your check stops with ZeroDivisionError: three"):
        checks.fair(lambda x: x == 2 or 1 / 0, right, wrong)
    for accepts, rejects in ((right, {}), ({}, wrong), ([2], [3]), (right, None), (np.ones(2), wrong)):
        with pytest.raises(CamlibError, match="at least one"):
            checks.fair(bool, accepts, rejects)


def test_a_checker_that_counts_its_calls():
    """Right and wrong answers come in no order to count on; what is told is the first in the order given."""
    calls = []
    answers = {f"right {n}": n for n in range(20)}, {f"wrong {n}": n for n in range(20)}
    with pytest.raises(AssertionError, match="your check (refuses|lets through)"):
        checks.fair(lambda _: calls.append(0) or len(calls) <= 20, *answers)
    assert len(calls) == 40
    with pytest.raises(AssertionError, match="your check refuses: right 0"):
        checks.fair(lambda _: False, *answers)


def test_the_trap_that_it_replaces():
    """``(a != b).all()`` lets 23 of 24 wrong entries through; ``same`` does not."""
    yours = M + 1
    yours[0, 0] = M[0, 0]
    assert not (yours != M).all()
    with pytest.raises(AssertionError, match="23 of 24"):
        checks.same(yours, M)
