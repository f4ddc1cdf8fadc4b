"""Inverse Cholesky factor of a growing and shrinking Gram block, float64, for use inside kernels.

For ``A = G[active, active]`` of order k, R is lower triangular with ``R A R^T = I``: its rows are the coefficients of
an orthonormal basis of the span of the active atoms. All work is products with R, whose loops have no chain of results
that wait for each other, as triangular solves have.
R is kept by rows in a square array with three columns of zeros behind the diagonal, since loops take four rows at once.
float64 whatever the problem's type: k is small beside K, and a float32 factor would lose the active set.
"""

import numpy as np

from .._core.jit import kernel
from .._core.products import aligned_empty

#: Columns, and entries of vectors, beyond the order that loops over four rows may touch.
MARGIN = 4


def make_factor(order):
    """Allocate the factor of up to `order` atoms, and what its functions and those that use them work on, by name."""
    vectors = ("right", "y", "target", "column", "u", "coefficients", "turn")
    size = order + MARGIN
    factor = {"R": aligned_empty((size, -(-size // 8) * 8), np.float64)}
    return factor | {name: aligned_empty(size, np.float64) for name in vectors}


def _multiply(R, k, v, out):
    """Write ``out = R v``; the entries of v that follow the k first are made zero."""
    for b in range(k, k + MARGIN - 1):
        v[b] = 0.0
    whole = k - k % 4
    for a in range(0, whole, 4):
        s0 = s1 = s2 = s3 = 0.0
        for b in range(a + 4):
            x = v[b]
            s0 += x * R[a, b]
            s1 += x * R[a + 1, b]
            s2 += x * R[a + 2, b]
            s3 += x * R[a + 3, b]
        out[a], out[a + 1], out[a + 2], out[a + 3] = s0, s1, s2, s3
    for a in range(whole, k):
        s0 = 0.0
        for b in range(a + 1):
            s0 += v[b] * R[a, b]
        out[a] = s0


def _multiply_transposed(R, k, u, out):
    """Write ``out = R^T u``; the three entries of out that follow the k first are touched too."""
    for b in range(k + MARGIN - 1):
        out[b] = 0.0
    whole = k - k % 4
    for a in range(0, whole, 4):
        u0, u1, u2, u3 = u[a], u[a + 1], u[a + 2], u[a + 3]
        for b in range(a + 4):
            out[b] += (u0 * R[a, b] + u1 * R[a + 1, b]) + (u2 * R[a + 2, b] + u3 * R[a + 3, b])
    for a in range(whole, k):
        u0 = u[a]
        for b in range(a + 1):
            out[b] += u0 * R[a, b]


def _append_basis(R, k, coefficients, pivot, right, y):
    """Append an atom by its coefficients on the active ones and its squared distance to their span; extend y."""
    inverse = 1.0 / np.sqrt(pivot)
    for b in range(k):
        R[k, b] = -inverse * coefficients[b]
    R[k, k] = inverse
    for b in range(k + 1, k + MARGIN):
        R[k, b] = 0.0
    total = 0.0
    for b in range(k + 1):
        total += R[k, b] * right[b]
    y[k] = total


def _delete_basis(R, k, p, y, carry):
    """Delete the atom at place p; y are coefficients on the basis, which turn with it.

    Rotations of neighbouring rows collect column p in the last row, which is then left out with it.
    """
    for b in range(p + 1):
        carry[b] = R[p, b]
    share = carry[p]
    kept = y[p]
    for i in range(p + 1, k):
        other = R[i, p]
        both = np.sqrt(share * share + other * other)
        cosine, sine = other / both, share / both
        for b in range(p):
            below, value = carry[b], R[i, b]
            R[i - 1, b] = cosine * below - sine * value
            carry[b] = sine * below + cosine * value
        carry[i] = 0.0
        for b in range(p + 1, i + 1):
            below, value = carry[b], R[i, b]
            R[i - 1, b - 1] = cosine * below - sine * value
            carry[b] = sine * below + cosine * value
        R[i - 1, i] = 0.0
        y[i - 1], kept = cosine * kept - sine * y[i], sine * kept + cosine * y[i]
        share = both


multiply = kernel(_multiply)
multiply_transposed = kernel(_multiply_transposed)
append_basis = kernel(_append_basis)
delete_basis = kernel(_delete_basis)
