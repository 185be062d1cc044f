"""Ratios that a busy or throttled machine cannot bend much: everything is timed beside the plain forward pass."""

import gc
import random
import statistics
import time


def interleaved(plain, contenders, rounds, number=1, slow_rounds=4, clock=time.perf_counter, seed=0):
    """Time each of ``contenders`` {name: call} between two plain calls, in a new random order each round.

    Return ({name: [its ratio in each round]}, [seconds of each plain call]). A ratio is the contender's time over the
    mean of the plain calls right before and right after it. Everything runs once beforehand, untimed. A contender
    that takes more than twice the plain call is not needed to a per cent: it stops after ``slow_rounds`` rounds.
    """
    order, ratios, plains = random.Random(seed), {name: [] for name in contenders}, []
    for call in (plain, *contenders.values(), plain):
        call()
    gc.freeze()  # what is here now stays, so it need not be searched for garbage before every measurement
    for done in range(rounds):
        names = [name for name, found in ratios.items()
                 if done < slow_rounds or statistics.median(found) < 2]
        before = seconds(plain, number, clock)
        for name in order.sample(names, len(names)):
            spent = seconds(contenders[name], number, clock)
            after = seconds(plain, number, clock)
            ratios[name].append(2 * spent / (before + after))
            plains.append(after)
            before = after
    gc.unfreeze()
    return ratios, plains


def seconds(call, number=1, clock=time.perf_counter):
    """Return the seconds of one ``call()``, the mean of ``number``, with the garbage of others out of the way."""
    gc.collect()
    gc.disable()
    try:
        start = clock()
        for _ in range(number):
            call()
        return (clock() - start) / number
    finally:
        gc.enable()


def quartiles(values):
    """Return (lower quartile, median, upper quartile); with fewer than two values they are all the same."""
    if len(values) < 2:
        return (values[0],) * 3
    return tuple(statistics.quantiles(values, n=4, method="inclusive"))
