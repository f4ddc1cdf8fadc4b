"""Inverse Cholesky factor of a growing and shrinking Gram block, float64, for use inside kernels.

For ``A = G[active, active]`` of order k, R is lower triangular with ``R A R^T = I``: its rows are the coefficients of
an orthonormal basis of the span of the active atoms. All work is products with R, whose loops have no chain of results
that wait for each other, as triangular solves have.
It is float64 whatever the problem's type: k is small beside K, and a float32 factor would lose the active set.

Blocks of `LANES` numbers are loaded and stored at a time. What a row of R has behind its diagonal, up to the end of the
block and one number further, is zero, and nothing beyond is read. Vectors have room for a block behind their k numbers.
"""

import numpy as np

from .._core.jit import kernel
from .._core.products import aligned_empty
from .._core.vectors import fill, lanes, load, store, total, where

LANES = lanes(np.float64)


def length(order):
    """Return the length of rows and vectors of a factor of up to `order` atoms."""
    return -(-order // LANES) * LANES + LANES


def make_factor(order):
    """Allocate the factor of up to `order` atoms, and what its functions and those that use them work on, by name."""
    factor = {"R": aligned_empty((order, length(order)), np.float64), "places": np.arange(LANES, dtype=np.float64)}
    for name in ("right", "y", "target", "column", "u", "coefficients", "turn"):
        factor[name] = aligned_empty(length(order), np.float64)
        factor[name][:] = 0
    return factor


def _multiply(R, k, v, out):
    """Write ``out = R v``."""
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
    """Write ``out = R^T u``, and zeros up to the end of the block."""
    for b in range(0, k, LANES):
        even = odd = fill(0.0)
        for a in range(b, k - 1, 2):
            even = even + fill(u[a]) * load(R[a], b)
            odd = odd + fill(u[a + 1]) * load(R[a + 1], b)
        if (k - b) % 2:
            even = even + fill(u[k - 1]) * load(R[k - 1], b)
        store(out, b, even + odd)


def _append_basis(R, k, coefficients, pivot, right, y):
    """Append an atom by its coefficients on the active ones and its squared distance to their span; extend y.

    The coefficients come from `multiply_transposed`, with zeros up to the end of the block. Where a block begins, what
    an earlier sample, which may have overflowed, left behind ``right[k]`` is made zero.
    """
    inverse = 1.0 / np.sqrt(pivot)
    products, row = fill(0.0), R[k]
    if k % LANES == 0:
        own = right[k]
        store(right, k, fill(0.0))
        right[k] = own
        store(row, k, fill(0.0))
    for b in range(0, k, LANES):
        part = load(coefficients, b)
        store(row, b, part * fill(-inverse))
        products = products + part * load(right, b)
    row[k] = inverse
    row[k - k % LANES + LANES] = 0.0
    y[k] = inverse * (right[k] - total(products))


def _delete_basis(R, k, p, y, carry, places):
    """Delete the atom at place p; y are coefficients on the basis, which turn with it.

    Rotations of neighbouring rows collect column p in the last row, which is then left out with it.
    """
    here = fill(np.float64(p))
    for b in range(0, k, LANES):
        before = fill(np.float64(b)) + load(places, 0)
        store(carry, b, where(here > before, load(R[p], b), fill(0.0)) if b <= p else fill(0.0))
    share, kept = R[p, p], y[p]
    square = share * share
    for i in range(p + 1, k):
        other = R[i, p]
        square += other * other
        both = np.sqrt(square)
        cosine, sine = other / both, share / both
        share = both
        turn, mix = fill(cosine), fill(sine)
        for b in range(0, i, LANES):  # without column p
            above = here > fill(np.float64(b)) + load(places, 0)
            value, below = where(above, load(R[i], b), load(R[i], b + 1)), load(carry, b)
            store(R[i - 1], b, turn * below - mix * value)
            store(carry, b, mix * below + turn * value)
        y[i - 1], kept = cosine * kept - sine * y[i], sine * kept + cosine * y[i]


multiply = kernel(_multiply)
multiply_transposed = kernel(_multiply_transposed)
append_basis = kernel(_append_basis)
delete_basis = kernel(_delete_basis)
