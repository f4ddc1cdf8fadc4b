r"""Tails of the hypergeometric distribution in logarithms: draws that hit marked items, far below what floats can hold.

Of N items K are marked and n are drawn without replacement,

    P[H = h] = C(K, h) C(N - K, n - h) / C(N, n).

The binomial coefficients are compared with binomial probabilities of one chance n / N, of which only deviances and the
errors of Stirling's formula are left (C. Loader, "Fast and accurate computation of binomial probabilities", 2000):
nothing large is subtracted, so the logarithm is right to some units in its last place at any size, in a time that does
not depend on it. The tail that does not hold the mean is summed by the ratio of neighbours, all terms positive, and the
other one is its complement. The number of draws may be any real number, for the mean size of a union.
"""

import math

import numpy as np

from .jit import kernel
from .parallel import run_chunks

#: Below this, errors of Stirling's formula are read from a table or brought above it; the series takes over from here.
SERIES_FROM = 16.0

#: Terms that are this much smaller than the sum so far end it: those that follow are smaller still.
NEGLIGIBLE = 1e-17

_CHUNK = 4096


def _stirling_series(x):
    """Return ``log Gamma(x + 1) - (x + 1/2) log x + x - log(2 pi) / 2`` for large x."""
    y = 1.0 / (x * x)
    return (1 / 12 - y * (1 / 360 - y * (1 / 1260 - y * (1 / 1680 - y / 1188)))) / x


def _shifted_stirling(x):
    """Return the same for small x > 0: each step up takes ``(x + 1/2) log(1 + 1 / x) - 1`` away."""
    total = 0.0
    while x < SERIES_FROM:
        total += (x + 0.5) * math.log1p(1.0 / x) - 1.0
        x += 1.0
    return total + stirling_series(x)


stirling_series = kernel(_stirling_series)
shifted_stirling = kernel(_shifted_stirling)

#: The errors for whole numbers; that of 0 is not used.
_WHOLE = np.array([0.0, *(math.fsum((k + 0.5) * math.log1p(1 / k) - 1 for k in range(x, 16)) for x in range(1, 16))])
_WHOLE[1:] += _stirling_series(SERIES_FROM)
_WHOLE.setflags(write=False)


def _stirling_error(x):
    if x >= SERIES_FROM:
        return stirling_series(x)
    whole = np.int64(x)
    return _WHOLE[whole] if x == whole else shifted_stirling(x)


def _deviance(x, mean):
    """Return ``x log(x / mean) + mean - x``, also for x close to the mean, where its terms nearly cancel."""
    if x == 0.0:
        return mean
    difference = x - mean
    if abs(difference) > 0.1 * (x + mean):
        return x * math.log(x / mean) - difference
    # log(x / mean) = 2 artanh(v): a series in v^2
    v = difference / (x + mean)
    total, power, k = difference * v, 2.0 * x * v, 1
    while True:
        power *= v * v
        k += 2
        larger = total + power / k
        if larger == total:
            return total
        total = larger


def _log_binomial(x, size, chance, rest):
    """Return the logarithm of ``C(size, x) chance^x rest^(size - x)`` for 0 <= x <= size, not all 0."""
    y = size - x
    result = -deviance(x, size * chance) - deviance(y, size * rest)
    if x > 0.0 and y > 0.0:
        result += stirling_error(size) - stirling_error(x) - stirling_error(y)
        result += 0.5 * math.log(size / (2.0 * math.pi * x * y))
    return result


def _log_probability(n_items, n_marked, n_drawn, hits):
    """Return the logarithm of P[H = hits], for hits that are possible."""
    if n_drawn == 0.0 or n_drawn == n_items or n_marked == 0.0 or n_marked == n_items:
        return 0.0
    chance, rest = n_drawn / n_items, (n_items - n_drawn) / n_items
    result = log_binomial(hits, n_marked, chance, rest)
    result += log_binomial(n_drawn - hits, n_items - n_marked, chance, rest)
    return result - log_binomial(n_drawn, n_items, chance, rest)


def _sum_upwards(n_items, n_marked, n_drawn, first, last):
    """Return the sum of the probabilities from `first` to `last` over that of `first`, which is beyond the mean."""
    total, term, h = 1.0, 1.0, first
    while h < last and term > NEGLIGIBLE * total:
        term *= (n_marked - h) * (n_drawn - h) / ((h + 1.0) * (n_items - n_marked - n_drawn + h + 1.0))
        total += term
        h += 1.0
    return total


def _sum_downwards(n_items, n_marked, n_drawn, first, last):
    """Return the sum of the probabilities from `first` down to `last` over that of `first`, which is below the mean."""
    total, term, h = 1.0, 1.0, first
    while h > last and term > NEGLIGIBLE * total:
        term *= h * (n_items - n_marked - n_drawn + h) / ((n_marked - h + 1.0) * (n_drawn - h + 1.0))
        total += term
        h -= 1.0
    return total


def _complement(log_share):
    """Return ``log(1 - exp(log_share))``."""
    if log_share >= 0.0:
        return -np.inf
    return math.log(-math.expm1(log_share)) if log_share > -0.6931471805599453 else math.log1p(-math.exp(log_share))


def _write_log_tails(n_items, n_marked, n_drawn, least, stop, below, from_least):
    """Write the logarithms of P[H < least] and P[H >= least] of each problem."""
    for i in range(least.shape[0]):
        if stop[0] != 0:
            return
        N, K, n, h = n_items[i], n_marked[i], n_drawn[i], least[i]
        low, high = max(0.0, math.ceil(n + K - N)), min(K, math.floor(n))
        if h <= low:
            below[i], from_least[i] = -np.inf, 0.0
        elif h > high:
            below[i], from_least[i] = 0.0, -np.inf
        elif h > n / N * K:
            from_least[i] = log_probability(N, K, n, h) + math.log(sum_upwards(N, K, n, h, high))
            below[i] = complement(from_least[i])
        else:
            below[i] = log_probability(N, K, n, h - 1.0) + math.log(sum_downwards(N, K, n, h - 1.0, low))
            from_least[i] = complement(below[i])


def _write_log_probabilities(n_items, n_marked, n_drawn, hits, stop, result):
    """Write the logarithm of P[H = hits] of each problem."""
    for i in range(hits.shape[0]):
        if stop[0] != 0:
            return
        N, K, n, h = n_items[i], n_marked[i], n_drawn[i], hits[i]
        if h < max(0.0, math.ceil(n + K - N)) or h > min(K, math.floor(n)):
            result[i] = -np.inf
        else:
            result[i] = log_probability(N, K, n, h)


stirling_error = kernel(_stirling_error)
deviance = kernel(_deviance)
log_binomial = kernel(_log_binomial)
log_probability = kernel(_log_probability)
sum_upwards = kernel(_sum_upwards)
sum_downwards = kernel(_sum_downwards)
complement = kernel(_complement)
write_log_tails = kernel(_write_log_tails)
write_log_probabilities = kernel(_write_log_probabilities)


def log_tails(n_items, n_marked, n_drawn, least):
    """Return the logarithms of ``P[H < least]`` and ``P[H >= least]``.

    Parameters
    ----------
    n_items, n_marked, n_drawn, least : array-like of float
        N, K, n and the threshold, which are broadcast; 0 <= K, n <= N. All but n are whole numbers.

    Returns
    -------
    below, from_least : ndarray of float64

    Notes
    -----
    A tail takes as many steps as it has terms above 1e-17 of their sum: some tens, or some standard deviations.
    """
    return _run(write_log_tails, 2, n_items, n_marked, n_drawn, least)


def log_probabilities(n_items, n_marked, n_drawn, hits):
    """Return the logarithm of ``P[H = hits]``; parameters as for `log_tails`."""
    return _run(write_log_probabilities, 1, n_items, n_marked, n_drawn, hits)[0]


def _run(kernel_, n_results, *values):
    """Run a kernel over broadcast values, in blocks between which Ctrl-C is answered."""
    arrays = np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in values))
    flat = [np.ascontiguousarray(array).reshape(-1) for array in arrays]
    results = [np.empty(arrays[0].shape) for _ in range(n_results)]
    outs = [result.reshape(-1) for result in results]

    def task(start, end, stop):
        kernel_(*(array[start:end] for array in flat), stop, *(out[start:end] for out in outs))

    run_chunks(task, flat[0].size, n_jobs=1, chunk_rows=_CHUNK)
    return results
