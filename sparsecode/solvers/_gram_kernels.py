"""Small kernels that solvers share. All see the Gram problem: ``G = D D^T``, ``c = D x``, ``g = c - w G``."""

import numpy as np

from .._core.bits import first_bit
from .._core.jit import kernel

#: Values that are looked at together: whether each was meant is a bit of a word.
WORD = 64

# Integers that are passed on start as np.int64(0): a literal 0 would cost a compiled version of its own.


def _collect(w, active, weight):
    """Write the atoms that a code uses, and their weights; return their number."""
    k, whole = np.int64(0), w.shape[0] - w.shape[0] % WORD
    for start in range(0, whole, WORD):
        part, bits = w[start : start + WORD], np.uint64(0)
        for j in range(WORD):
            bits |= np.uint64(part[j] != 0) << np.uint64(j)
        while bits:
            j = start + first_bit(bits)
            active[k] = j
            weight[k] = w[j]
            k += 1
            bits &= bits - np.uint64(1)
    for j in range(whole, w.shape[0]):
        active[k] = j
        weight[k] = w[j]
        k += w[j] != 0
    return k


def _list_above(values, level, places, n):
    """Write the places of values above a level to `places`, from n on, and one more; return where they end."""
    whole = values.shape[0] - values.shape[0] % WORD
    for start in range(0, whole, WORD):
        part, bits = values[start : start + WORD], np.uint64(0)
        for j in range(WORD):
            bits |= np.uint64(part[j] > level) << np.uint64(j)
        while bits:
            places[n] = start + first_bit(bits)
            n += 1
            bits &= bits - np.uint64(1)
    for j in range(whole, values.shape[0]):
        places[n] = j
        n += values[j] > level
    return n


def _correlate(G, c, active, weight, k, g):
    """Write ``g = c - weight G[active]``, four rows of G at a time."""
    K = c.shape[0]
    for j in range(K):
        g[j] = c[j]
    whole = k - k % 4
    for a in range(0, whole, 4):
        i0, i1, i2, i3 = active[a], active[a + 1], active[a + 2], active[a + 3]
        w0, w1 = g.dtype.type(weight[a]), g.dtype.type(weight[a + 1])
        w2, w3 = g.dtype.type(weight[a + 2]), g.dtype.type(weight[a + 3])
        for j in range(K):
            g[j] -= (w0 * G[i0, j] + w1 * G[i1, j]) + (w2 * G[i2, j] + w3 * G[i3, j])
    for a in range(whole, k):
        i0 = active[a]
        w0 = g.dtype.type(weight[a])
        for j in range(K):
            g[j] -= w0 * G[i0, j]


def _square_error(c, g, active, weight, k, square_norm):
    """Return ``||x - w D||^2``."""
    fit = 0.0
    for a in range(k):
        fit += weight[a] * (np.float64(c[active[a]]) + np.float64(g[active[a]]))
    return max(square_norm - fit, 0.0)


def _largest_correlation(c, inverse_norms):
    """Return the largest magnitude of a correlation over the norm of its atom."""
    best = 0.0
    for j in range(c.shape[0]):
        best = max(best, np.float64(abs(c[j]) * inverse_norms[j]))
    return best


def _largest(bits):
    """Return the largest of integers: the bits of numbers, which are in the same order unless all are negative.

    Unlike that of floats, where NaN must be thought of, this maximum is taken of a whole register at a time.
    """
    best = bits[0]
    for j in range(bits.shape[0]):
        best = max(best, bits[j])
    return best


def _find(values, value):
    """Return the first place of a value that is among the values, the last place if it is not."""
    n = values.shape[0]
    whole = n - n % WORD
    for start in range(0, whole, WORD):
        part, bits = values[start : start + WORD], np.uint64(0)
        for k in range(WORD):
            bits |= np.uint64(part[k] == value) << np.uint64(k)
        if bits:
            return start + first_bit(bits)
    place = whole
    while place < n - 1 and values[place] != value:
        place += 1
    return min(place, n - 1)


def _square_of(x):
    """Return ``||x||^2``."""
    total = 0.0
    for f in range(x.shape[0]):
        total += np.float64(x[f]) * np.float64(x[f])
    return total


def _squares_of_rows(X, squares):
    """Write ``||x||^2`` of each row."""
    for i in range(X.shape[0]):
        squares[i] = square_of(X[i])


def _finish_rows(X, D, W, active, weight, residual, errors, counts, indices, data):
    """Write ``||x - w D||^2`` of each row; move its entries to `indices` and `data`, if there is room for them.

    From the residual itself: what `square_error` gives is right to a rounding of ``||x||^2`` only. `active`, `weight`
    and `residual` are work arrays.
    """
    zero = W.dtype.type(0)
    moved = data.shape[0] > 0
    place = np.int64(0)
    for i in range(X.shape[0]):
        k = collect(W[i], active, weight)
        correlate(D, X[i], active, weight, k, residual)
        errors[i] = square_of(residual)
        if moved:
            counts[i] = k
            for a in range(k):
                indices[place + a] = active[a]
                data[place + a] = W[i, active[a]]
                W[i, active[a]] = zero
            place += k


collect = kernel(_collect)
list_above = kernel(_list_above)
correlate = kernel(_correlate)
square_error = kernel(_square_error)
largest_correlation = kernel(_largest_correlation)
largest = kernel(_largest)
find = kernel(_find)
square_of = kernel(_square_of)
squares_of_rows = kernel(_squares_of_rows)
finish_rows = kernel(_finish_rows)
