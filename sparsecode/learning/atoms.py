r"""Block coordinate descent on atoms of unit norm, from the statistics of codes.

One pass minimises ``0.5 tr(D^T A D) - tr(D^T B)`` over each atom in turn, with the others fixed:

    d_j <- d_j + (B_j - A_j D) / A_jj,    d_j <- d_j / ||d_j||.

With `positive`, negative entries become zero before the norm is made one: of the non-negative unit vectors that has
the largest product with the direction, and so it is the exact minimiser over d_j too. Where no entry is positive, the
atom stays.

Atom by atom, each product ``A_j D`` would read all atoms anew. So ``A_J D`` is computed for a block J of atoms at
once, and as each of them changes, what that does to the products of the later ones is added: the atoms are those of
the plain loop up to rounding. A pass costs K^2 F multiplications for K atoms of F features.
"""

import numpy as np

from .._core.jit import kernel
from .._core.products import aligned_empty

#: Multiplications in one call of a kernel, some 20 ms: Ctrl-C is answered between calls.
WORK = 500_000_000


def update_atoms(D, A, B, *, positive=False):
    """Change atoms D by one pass, in place; atoms with ``A_jj = 0`` stay as they are.

    Parameters
    ----------
    D : ndarray of shape (n_components, n_features)
        Atoms of unit norm.
    A : ndarray of shape (n_components, n_components)
        Symmetric, positive semidefinite.
    B : ndarray of shape (n_components, n_features)
    positive : bool, default=False
        Whether atoms are kept non-negative.
    """
    K, F = D.shape
    block = 16 if K < 1024 else 32  # the more, the less often all atoms are read, and the more there is to correct
    products = aligned_empty((block, F), D.dtype)
    piece = max(1, WORK // (K * F * block)) * block
    for start in range(0, K, piece):
        pass_over(D, A, B, start, min(start + piece, K), positive, products)


def products_with(A, D):
    """Return ``A D``, in pieces of some 20 ms."""
    K, F = D.shape
    products = aligned_empty((len(A), F), D.dtype)
    piece = max(1, WORK // (K * F))
    for start in range(0, len(A), piece):
        multiply(A[start : start + piece], D, products[start : start + piece])
    return products


def _multiply(A, D, products):
    """Write ``A D``, from eight atoms at a time."""
    K, F = D.shape
    zero = D.dtype.type(0)
    for i in range(A.shape[0]):
        for f in range(F):
            products[i, f] = zero
    whole = K - K % 8
    for m0 in range(0, whole, 8):
        m1, m2, m3, m4, m5, m6, m7 = m0 + 1, m0 + 2, m0 + 3, m0 + 4, m0 + 5, m0 + 6, m0 + 7
        for i in range(A.shape[0]):
            a0, a1, a2, a3 = A[i, m0], A[i, m1], A[i, m2], A[i, m3]
            a4, a5, a6, a7 = A[i, m4], A[i, m5], A[i, m6], A[i, m7]
            for f in range(F):
                products[i, f] += ((a0 * D[m0, f] + a1 * D[m1, f]) + (a2 * D[m2, f] + a3 * D[m3, f])) + (
                    (a4 * D[m4, f] + a5 * D[m5, f]) + (a6 * D[m6, f] + a7 * D[m7, f])
                )
    for m0 in range(whole, K):
        for i in range(A.shape[0]):
            a0 = A[i, m0]
            for f in range(F):
                products[i, f] += a0 * D[m0, f]


def _settle(D, A, B, start, end, positive, products):
    """Update atoms start to end, given their ``A_j D``, which is changed."""
    F = D.shape[1]
    zero = D.dtype.type(0)
    for j in range(start, end):
        if A[j, j] <= zero:
            continue
        atom, target, change = D[j], B[j], products[j - start]
        inverse = D.dtype.type(1.0 / A[j, j])
        square = zero
        for f in range(F):
            change[f] = atom[f] + (target[f] - change[f]) * inverse
            if positive:
                change[f] = max(change[f], zero)
            square += change[f] * change[f]
        if not square > zero:
            continue
        scale = D.dtype.type(1.0 / np.sqrt(square))
        for f in range(F):
            new = change[f] * scale
            change[f] = new - atom[f]
            atom[f] = new
        for m in range(j + 1, end):
            later = products[m - start]
            for f in range(F):
                later[f] += A[m, j] * change[f]


def _pass_over(D, A, B, start, end, positive, products):
    """Update atoms start to end, block by block."""
    size = products.shape[0]
    for first in range(start, end, size):
        last = min(first + size, end)
        multiply(A[first:last], D, products)
        settle(D, A, B, first, last, positive, products)


multiply = kernel(_multiply)
settle = kernel(_settle)
pass_over = kernel(_pass_over)
