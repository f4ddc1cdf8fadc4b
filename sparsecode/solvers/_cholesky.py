"""Cholesky factor of a growing Gram block, float64, for use inside kernels.

The lower factor L is kept by rows in a square array, so that every inner loop runs over a row from its start: an index
that is a sum, as into packed rows, might be negative for all that the compiler knows, and it would gather.
The diagonal holds reciprocals, since solving divides by it far more often than it changes.
float64 whatever the problem's type: k is small beside K, and a float32 factor would lose the active set.
"""

import numpy as np

from .._core.jit import kernel


def _append_row(L, k, block, pivot_floor):
    """Append the row for ``block = G[active, j]`` (length k, then G[j, j]); return its squared pivot.

    The row is written to L in any case; with a pivot at or below `pivot_floor` (the atom depends
    linearly on the active ones) the diagonal is left unset and the caller must not count the row.
    """
    pivot = block[k]
    for i in range(k):
        total = block[i]
        for m in range(i):
            total -= L[i, m] * L[k, m]
        total *= L[i, i]
        L[k, i] = total
        pivot -= total * total
    if pivot > pivot_floor:
        L[k, k] = 1.0 / np.sqrt(pivot)
    return pivot


def _solve_forward(L, k, right, y):
    """Solve L y = right."""
    for i in range(k):
        total = right[i]
        for m in range(i):
            total -= L[i, m] * y[m]
        y[i] = total * L[i, i]


def _solve_backward(L, k, y, x):
    """Solve L^T x = y."""
    for i in range(k):
        x[i] = y[i]
    for i in range(k - 1, -1, -1):
        value = x[i] * L[i, i]
        x[i] = value
        for m in range(i):
            x[m] -= value * L[i, m]


append_row = kernel(_append_row)
solve_forward = kernel(_solve_forward)
solve_backward = kernel(_solve_backward)
