"""Rates of false positives of dendritic segments: one tail of the hypergeometric distribution each, against SciPy."""

from fractions import Fraction

import numpy as np
from scipy.stats import hypergeom
from timing import Method, take_turns

from sparsecode.dendrites.theory import false_positive_rate

#: Cells, active ones, synapses. SciPy's way, and its time, depend on the number of cells.
SETTINGS = ((2048, 40, 20), (20_000, 400, 24), (200_000, 2000, 24), (10**6, 10_000, 40))

#: Rates in an array, those of them that SciPy computes, and those that are asked for one by one.
RATES, PART, ALONE = 100_000, 2000, 200


def run(report, rounds):
    """Compare rates at a threshold of half of the synapses, and the accuracy of the first of them."""
    for n, a, s in SETTINGS:
        # No two problems in a row are the same, as in a sweep
        cells = n + np.arange(RATES) % 1000
        methods = [
            Method("sparsecode", lambda cells=cells, a=a, s=s: ours(cells, a, s), RATES),
            Method("SciPy sf", lambda cells=cells, a=a, s=s: scipys(cells[:PART], a, s), PART),
            Method("SciPy logsf", scipy_logarithms(cells[:20], a, s), 20),
            Method("sparsecode, one by one", one_by_one(ours, cells, a, s), ALONE),
            Method("SciPy sf, one by one", one_by_one(scipys, cells, a, s), ALONE),
        ]
        timings = take_turns(methods, rounds)
        exact = exact_rates(cells[:20], a, s)

        def quality(timing, exact=exact):
            values = np.exp(timing.result[:20]) if "log" in timing.method.name else timing.result[:20]
            return f"relative error {np.max(np.abs(values / exact - 1)):.0e}"

        setting = f"n = {n}, {a} active, {s} synapses"
        report.add("hypergeometric", cells[:, None], [s], 1, setting, timings, quality)


def ours(n, a, s):
    """Return a rate."""
    return false_positive_rate(n, a, s, s // 2)


def scipys(n, a, s):
    """Return a rate."""
    return hypergeom.sf(s // 2 - 1, n, s, a)


def one_by_one(function, cells, a, s):
    """Return a call of a function for single numbers of cells."""
    numbers = cells[:ALONE].tolist()
    return lambda: np.array([function(n, a, s) for n in numbers])


def scipy_logarithms(cells, a, s):
    """Return a call of `logsf`, which sums tails in Python."""
    return lambda: hypergeom.logsf(s // 2 - 1, cells, s, a)


def exact_rates(cells, a, s):
    """Return rates from rational numbers: no hit, and from there the ratio of neighbours."""
    rates = []
    for n in map(int, cells):
        term, total = Fraction(1), Fraction(0)
        for i in range(s):
            term *= Fraction(n - a - i, n - i)
        for h in range(s + 1):
            total += term if h >= s // 2 else 0
            term *= Fraction((s - h) * (a - h), (h + 1) * (n - s - a + h + 1))
        rates.append(float(total))
    return np.array(rates)
