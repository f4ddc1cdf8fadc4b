"""The law of recall by Bayesian weights: how often a wrong unit gets more evidence than the right one."""

import math

import numpy as np
from scipy.stats import binom

from ._associative import likely_counts

#: Points of the distribution of evidence, numbers of items of a unit that are averaged over, standard deviations.
POINTS, COUNTS, DEVIATIONS = 4096, 64, 6.0


def wrong_winners(n_items, n_modules, n_units, prior):
    """Return the share of wrong winners that whole cues of random codes recall in one step.

    The evidence for a unit of m items is a constant of m and the sum over the other modules of log(n + a), where n,
    how often it was seen with the winner there, is binomial; of the right unit one more than by chance. Sums are
    convolved by their characteristic function, with a little noise, so that ties are split evenly.
    """
    others = n_modules - 1
    m, chances = likely_counts(n_items - 1, 1 / n_units, DEVIATIONS)
    step = math.ceil(len(m) / COUNTS)
    m, chances = m[::step], chances[::step] / chances[::step].sum()
    n = np.arange(likely_counts(int(m[-1]), 1 / n_units, DEVIATIONS)[0][-1] + 1)
    shares = binom.pmf(n, m[:, None], 1 / n_units)
    terms = [np.log(n + own + prior / n_units**2) for own in (0, 1)]
    alone = [(1 - others) * np.log(m + own + prior / n_units) for own in (0, 1)]
    low, high = _range(shares, terms, alone, others)
    frequencies = 2 * np.pi * np.arange(POINTS // 2 + 1) / (high - low)
    noise = np.exp(-((1.5 * (high - low) / POINTS * frequencies) ** 2) / 2)

    def density(term, first):
        sums = (shares @ np.exp(-1j * np.outer(term, frequencies))) ** others
        shifted = np.exp(-1j * np.outer(first - low, frequencies))
        return np.fft.irfft((chances @ (sums * shifted)) * noise, POINTS)

    wrong, right = map(density, terms, alone)
    below = np.clip(np.cumsum(wrong) - wrong / 2, 0, 1)
    return 1 - float(right @ below ** (n_units - 1))


def _range(shares, terms, alone, others):
    """Return between which values all evidence lies, but for a negligible chance."""
    ends = []
    for term, first in zip(terms, alone, strict=True):
        mean = shares @ term
        spread = 1.5 * DEVIATIONS * np.sqrt(others * np.maximum(shares @ term**2 - mean**2, 0))
        ends += [first + others * mean - spread, first + others * mean + spread]
    return np.min(ends) - 1, np.max(ends) + 1
