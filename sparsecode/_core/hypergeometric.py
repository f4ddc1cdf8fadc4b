r"""Tails of the hypergeometric distribution in logarithms: draws that hit marked items, far below what floats can hold.

Of N items K are marked and n are drawn without replacement,

    P[H = h] = C(K, h) C(N - K, n - h) / C(N, n).

The binomial coefficients are compared with binomial probabilities of one chance n / N, of which only deviances and the
errors of Stirling's formula are left (C. Loader, "Fast and accurate computation of binomial probabilities", 2000):
nothing large is subtracted, so the logarithm is right to some units in its last place at any size, in a time that does
not depend on it. With few marked items the probability is the product of as many ratios, which takes half of the time:

    P[H = h] = prod_{i < h} (n - i) (K - i) / ((N - i) (i + 1)) * prod_{i < K - h} (N - n - i) / (N - h - i).

The tail that does not hold the mean is summed by the ratio of neighbours, all terms positive, and the
other one is its complement. The number of draws may be any real number, for the mean size of a union.
"""

import math

import numpy as np

from .jit import kernel
from .parallel import run_chunks

#: Below this, errors of Stirling's formula are read from a table or brought above it; the series takes over from here.
SERIES_FROM = 16.0

#: Up to so many marked items, factors are multiplied.
FEW = 64

#: Below this, a product goes on as a logarithm: four more ratios are 1e-72 at least, and 1e-308 is not reached.
SMALL = 1e-150

#: Terms that are this much smaller than the sum so far end it: those that follow are smaller still.
NEGLIGIBLE = 1e-17

_CHUNK = 4096

#: Up to so many problems, of so many terms, the calling thread solves them: it takes some milliseconds at most.
_FEW_PROBLEMS, _FEW_TERMS = 1024, 1e6


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


def _falling(x):
    """Return ``x (x - 1) (x - 2) (x - 3)``."""
    return x * (x - 1.0) * ((x - 2.0) * (x - 3.0))


def _log_product(n_items, n_marked, n_drawn, hits, times):
    """Return the logarithm of P[H = hits] times a number by a product of `n_marked` ratios, one division for four."""
    result, ratio, k = 0.0, times, 0.0
    while k < hits:
        if hits - k >= 4.0:
            ratio *= falling(n_drawn - k) * falling(n_marked - k) / (falling(n_items - k) * falling(k + 4.0))
            k += 4.0
        else:
            ratio *= (n_drawn - k) * (n_marked - k) / ((n_items - k) * (k + 1.0))
            k += 1.0
        if ratio < SMALL:
            result, ratio = result + math.log(ratio), 1.0
    n_others, n_missed, k = n_items - n_drawn, n_marked - hits, 0.0
    while k < n_missed:
        if n_missed - k >= 4.0:
            ratio *= falling(n_others - k) / falling(n_items - hits - k)
            k += 4.0
        else:
            ratio *= (n_others - k) / (n_items - hits - k)
            k += 1.0
        if ratio < SMALL:
            result, ratio = result + math.log(ratio), 1.0
    return result + math.log(ratio)


def _log_probability(n_items, n_marked, n_drawn, hits, times):
    """Return the logarithm of P[H = hits], for hits that are possible, times a number."""
    if n_drawn == 0.0 or n_drawn == n_items or n_marked == 0.0 or n_marked == n_items:
        return math.log(times)
    if n_marked <= FEW:
        return log_product(n_items, n_marked, n_drawn, hits, times)
    if n_drawn <= FEW and n_drawn == math.floor(n_drawn):
        return log_product(n_items, n_drawn, n_marked, hits, times)
    chance, rest = n_drawn / n_items, (n_items - n_drawn) / n_items
    result = log_binomial(hits, n_marked, chance, rest)
    result += log_binomial(n_drawn - hits, n_items - n_marked, chance, rest)
    return result - log_binomial(n_drawn, n_items, chance, rest) + math.log(times)


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
    """Write the logarithms of P[H < least] and P[H >= least] of each problem; those without room are left out."""
    for i in range(least.shape[0]):
        if stop[0] != 0:
            return
        N, K, n, h = n_items[i], n_marked[i], n_drawn[i], least[i]
        low, high = max(0.0, math.ceil(n + K - N)), min(K, math.floor(n))
        is_upper = True
        if h <= low:
            tail, rest = 0.0, -np.inf
        elif h > high:
            tail, rest = -np.inf, 0.0
        else:
            is_upper = h > n / N * K
            if is_upper:
                tail = log_probability(N, K, n, h, sum_upwards(N, K, n, h, high))
            else:
                tail = log_probability(N, K, n, h - 1.0, sum_downwards(N, K, n, h - 1.0, low))
            asked = below if is_upper else from_least
            rest = complement(tail) if asked.shape[0] > 0 else 0.0
        if below.shape[0] > 0:
            below[i] = rest if is_upper else tail
        if from_least.shape[0] > 0:
            from_least[i] = tail if is_upper else rest


def _write_log_probabilities(n_items, n_marked, n_drawn, hits, stop, result):
    """Write the logarithm of P[H = hits] of each problem."""
    for i in range(hits.shape[0]):
        if stop[0] != 0:
            return
        N, K, n, h = n_items[i], n_marked[i], n_drawn[i], hits[i]
        if h < max(0.0, math.ceil(n + K - N)) or h > min(K, math.floor(n)):
            result[i] = -np.inf
        else:
            result[i] = log_probability(N, K, n, h, 1.0)


stirling_error = kernel(_stirling_error)
deviance = kernel(_deviance)
log_binomial = kernel(_log_binomial)
falling = kernel(_falling)
log_product = kernel(_log_product)
log_probability = kernel(_log_probability)
sum_upwards = kernel(_sum_upwards)
sum_downwards = kernel(_sum_downwards)
complement = kernel(_complement)
write_log_tails = kernel(_write_log_tails)
write_log_probabilities = kernel(_write_log_probabilities)


def log_tails(n_items, n_marked, n_drawn, least, *, below=True, from_least=True):
    """Return the logarithms of ``P[H < least]`` and ``P[H >= least]``.

    Parameters
    ----------
    n_items, n_marked, n_drawn, least : array-like of float
        N, K, n and the threshold, which are broadcast; 0 <= K, n <= N. All but n are whole numbers.
    below, from_least : bool, default=True
        Which of the two are asked for; the other one is None.

    Returns
    -------
    below, from_least : ndarray of float64

    Notes
    -----
    A tail takes as many steps as it has terms above 1e-17 of their sum: some tens, or some standard deviations.
    """
    return _run(write_log_tails, (below, from_least), n_items, n_marked, n_drawn, least)


def log_probabilities(n_items, n_marked, n_drawn, hits):
    """Return the logarithm of ``P[H = hits]``; parameters as for `log_tails`."""
    return _run(write_log_probabilities, (True,), n_items, n_marked, n_drawn, hits)[0]


def _run(kernel_, asked, *values):
    """Run a kernel over broadcast values, in blocks between which Ctrl-C is answered."""
    shape = np.broadcast(*values).shape
    arrays = [np.empty(shape) for _ in values]
    for array, value in zip(arrays, values, strict=True):
        array[...] = value
    flat = [array.reshape(-1) for array in arrays]
    n = len(flat[0])
    outs = [np.empty(n if wanted else 0) for wanted in asked]

    def task(start, end, stop):
        kernel_(*(array[start:end] for array in flat), stop, *(out[start:end] for out in outs))

    if n <= _FEW_PROBLEMS and np.minimum(flat[1], flat[2]).sum() < _FEW_TERMS:
        task(0, n, np.zeros(1, np.int32))  # to start a thread would take longer
    else:
        run_chunks(task, n, n_jobs=1, chunk_rows=_CHUNK)
    return [out.reshape(shape) if wanted else None for out, wanted in zip(outs, asked, strict=True)]
