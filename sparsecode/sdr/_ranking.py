"""Which values of each row are the largest."""

import numpy as np

#: Rows that are ranked at a time, so that they stay in the cache.
ROWS = 256


def largest(values, k, least):
    """Return the k largest values of each row that exceed `least`, of equal ones the first."""
    n, K = values.shape
    won = values > least
    if k >= K:
        return won
    for start in range(0, n, ROWS):
        rows = values[start : start + ROWS]
        kth = np.partition(rows, K - k, axis=1)[:, K - k, None]
        above, tied = rows > kth, rows == kth
        room = k - above.sum(axis=1, keepdims=True)
        crowded = np.flatnonzero(tied.sum(axis=1, keepdims=True) > room)
        tied[crowded] &= np.cumsum(tied[crowded], axis=1) <= room[crowded]
        won[start : start + ROWS] &= above | tied
    return won


def _strengths(values, negative, factors):
    """Return what coefficients are ranked by, -1 for those that cannot win."""
    strengths = np.abs(values)
    if factors is not None:
        strengths = strengths * np.where(values < 0, factors[1], factors[0])
    strengths[(values == 0) if negative else (values <= 0)] = -1
    return strengths


def dense_winners(X, k, negative, factors):
    """Return rows and features of the winners, and which of them are negative."""
    rows, features = np.nonzero(largest(_strengths(X, negative, factors), k, -1))
    return rows, features, X[rows, features] < 0


def sparse_winners(X, k, negative, factors):
    """Return the same of a CSR array."""
    rows, features = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr)), X.indices
    factors = None if factors is None else tuple(of_sign[features] for of_sign in factors)
    strengths = _strengths(X.data, negative, factors)
    order = np.lexsort((features, -strengths, rows))
    rank = np.arange(len(order)) - X.indptr[rows]  # `order` keeps rows together, so that ranks begin with each
    won = order[(rank < k) & (strengths[order] > -1)]
    return rows[won], features[won], X.data[won] < 0
