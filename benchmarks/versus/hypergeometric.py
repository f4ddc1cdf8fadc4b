"""Rates of false positives of dendritic segments: one tail of the hypergeometric distribution each, against SciPy."""

from fractions import Fraction

import numpy as np
from scipy.stats import hypergeom
from timing import Method, take_turns

from sparsecode.dendrites.theory import false_positive_rate

#: Cells, active ones, synapses. SciPy's way, and its time, depend on the number of cells.
SETTINGS = ((2048, 40, 20), (20_000, 400, 24), (200_000, 2000, 24), (10**6, 10_000, 40))

RATES, PART = 100_000, 2000


def run(report, rounds):
    """Compare rates at a threshold of half of the synapses, and the accuracy of the first of them."""
    for n, a, s in SETTINGS:
        # No two problems in a row are the same, as in a sweep
        cells = n + np.arange(RATES) % 1000
        methods = [
            Method("sparsecode", lambda cells=cells, a=a, s=s: false_positive_rate(cells, a, s, s // 2), RATES),
            Method("SciPy sf", lambda cells=cells, a=a, s=s: hypergeom.sf(s // 2 - 1, cells[:PART], s, a), PART),
            Method("SciPy logsf", scipy_logarithms(cells[:20], a, s), 20),
        ]
        timings = take_turns(methods, rounds)
        exact = exact_rates(cells[:20], a, s)

        def quality(timing, exact=exact):
            values = np.exp(timing.result[:20]) if "log" in timing.method.name else timing.result[:20]
            return f"relative error {np.max(np.abs(values / exact - 1)):.0e}"

        setting = f"n = {n}, {a} active, {s} synapses"
        report.add("hypergeometric", cells[:, None], [s], 1, setting, timings, quality)


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
