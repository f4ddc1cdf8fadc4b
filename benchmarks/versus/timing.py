"""Methods that do the same work, timed in turns."""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Method(NamedTuple):
    """A way to do the work; `rows` of it, since slow methods do a part only."""

    name: str
    run: Callable
    rows: int


class Timing(NamedTuple):
    """What a method took, seconds a row in each round, and what the last call gave."""

    method: Method
    seconds: np.ndarray
    result: object

    def times_slower_than(self, other):
        """Return the median ratio of the times of one round."""
        return float(np.median(self.seconds / other.seconds))

    def codes(self, dtype, n_rows=None):
        """Return the result, if it is codes, sparse or not, as a dense array; or its first rows."""
        codes = self.result[:n_rows]
        return np.ascontiguousarray(codes.toarray() if hasattr(codes, "toarray") else codes, dtype=dtype)


#: Seconds up to which a method is called once more, before its turn is timed: threads of the one before may still spin
#: (those of OpenBLAS for 25 ms), and a core that has slept is slow to wake.
SHORT = 0.3


def take_turns(methods, rounds):
    """Time the methods one after the other, round by round, so that a machine that slows down slows all of them.

    Each is called once before, which compiles what there is to compile.
    """
    last = [seconds_of(method.run)[0] for method in methods]
    seconds, results = np.empty((len(methods), rounds)), [None] * len(methods)
    for turn in range(rounds):
        for i, method in enumerate(methods):
            if last[i] < SHORT:
                method.run()
            last[i], results[i] = seconds_of(method.run)
        seconds[:, turn] = last
    seconds /= np.array([[method.rows] for method in methods])
    return [Timing(*parts) for parts in zip(methods, seconds, results, strict=True)]


def seconds_of(run):
    """Return how many seconds a function takes, and what it returns."""
    started = time.perf_counter()
    result = run()
    return time.perf_counter() - started, result
