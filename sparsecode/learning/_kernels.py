"""Kernels of online dictionary learning; see `online` for the mathematics."""

import numpy as np

from .._core.jit import kernel


def _accumulate(X, W, share, A, B, active):
    """Add the statistics of samples: ``A += share * W^T W``, ``B += share * W^T X``, W being sparse."""
    n, K = W.shape
    share = X.dtype.type(share)
    for i in range(n):
        k = 0
        for j in range(K):
            if W[i, j] != 0:
                active[k] = j
                k += 1
        for a in range(k):
            j = active[a]
            weight = W[i, j] * share
            for b in range(k):
                A[j, active[b]] += weight * W[i, active[b]]
            for f in range(X.shape[1]):
                B[j, f] += weight * X[i, f]


def _update_atoms(D, A, B, start, end, change):
    """Minimise ``0.5 tr(D^T A D) - tr(D^T B)`` over unit-norm atoms start to end, one after the other, once."""
    K, F = D.shape
    zero = D.dtype.type(0)
    for j in range(start, end):
        if A[j, j] <= zero:
            continue
        for f in range(F):
            change[f] = B[j, f]
        for m0 in range(0, K - K % 4, 4):
            a0, a1, a2, a3 = A[j, m0], A[j, m0 + 1], A[j, m0 + 2], A[j, m0 + 3]
            for f in range(F):
                change[f] -= (a0 * D[m0, f] + a1 * D[m0 + 1, f]) + (a2 * D[m0 + 2, f] + a3 * D[m0 + 3, f])
        for m in range(K - K % 4, K):
            a0 = A[j, m]
            for f in range(F):
                change[f] -= a0 * D[m, f]
        inverse = D.dtype.type(1.0 / A[j, j])
        square = 0.0
        for f in range(F):
            change[f] = D[j, f] + change[f] * inverse
            square += change[f] * change[f]
        if square > 0.0:
            scale = D.dtype.type(1.0 / np.sqrt(square))
            for f in range(F):
                D[j, f] = change[f] * scale


accumulate = kernel(_accumulate)
update_atoms = kernel(_update_atoms)
