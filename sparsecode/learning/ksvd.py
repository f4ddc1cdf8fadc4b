r"""Approximate K-SVD: atoms and their coefficients improved together, for fixed supports of the codes.

For each atom d_j in turn, with the samples I that use it, their coefficients g (a column of W) and their residuals
``E = X_I - W_I D + g d_j^T`` without the atom, one step of the power method on E in place of its singular vectors:

    d_j <- E^T g / ||E^T g||,    g <- E d_j        (g >= 0 on request),

both the exact minimiser of ``||E - g d_j^T||^2`` with the other fixed. E is not formed:
``E^T g = X_I^T g - D^T (W_I^T g) + d_j ||g||^2``, and likewise ``E d_j``. For N coefficients in all, k a sample, a pass
costs 2 N (F + k) + 2 K^2 F multiplications.

After the pass, atoms that no sample used, and of two that are equal up to a cosine of `COHERENCE` the one used less,
become the residuals of the samples that were reconstructed worst, each of which is taken once.

M. Aharon, M. Elad and A. Bruckstein, IEEE Trans. Signal Process. 54 (2006); R. Rubinstein, M. Zibulevsky and M. Elad,
"Efficient implementation of the K-SVD algorithm using batch orthogonal matching pursuit", Technion CS-2008-08.
"""

import numpy as np

from .._core.jit import kernel
from .._core.products import aligned_empty, gram, kernel_array, row_products
from ..dictionary.algebra import unit_rows
from .atoms import multiply
from .statistics import WORK, sort_entries

#: Cosine from which two atoms are one.
COHERENCE = 0.99


def improve(D, X, codes, square_error, *, positive=False, n_jobs=None):
    """Change atoms D in place by a pass over them, then replace idle ones; return how many were replaced.

    Parameters
    ----------
    D : ndarray of shape (n_components, n_features)
        Atoms of unit norm.
    X : ndarray of shape (n_samples, n_features)
    codes : csr_array of shape (n_samples, n_components)
        Codes of X for these atoms; their coefficients are changed.
    square_error : ndarray of shape (n_samples,)
        ``||x - w D||^2``, which says what was reconstructed worst.
    positive : bool, default=False
        Whether coefficients are kept non-negative.
    n_jobs : int or None
        Threads for the search of equal atoms.
    """
    (K, F), X = D.shape, kernel_array(X)
    by_row, by_atom = sort_entries(codes)
    counts = np.diff(by_atom[0])
    work = aligned_empty((2, F), D.dtype), aligned_empty((2, K), D.dtype)
    ends = np.cumsum(counts * (2 * (F + len(by_row[2]) / len(X))) + 2 * K * F)
    first = 0
    while first < K:  # some 20 ms at a time: Ctrl-C is answered between calls
        last = max(first + 1, int(np.searchsorted(ends, (ends[first - 1] if first else 0) + WORK)))
        improve_atoms(X, *by_row, *by_atom, first, last, positive, D, *work)
        first = last
    codes.data[:] = by_row[2]
    return _replace_idle_atoms(D, X, codes, counts, square_error, n_jobs)


def _replace_idle_atoms(D, X, codes, counts, square_error, n_jobs):
    by_use = np.argsort(-counts, kind="stable")
    alike = np.abs(gram(D[by_use], n_jobs)) > COHERENCE
    idle = counts == 0
    idle[by_use[np.triu(alike, 1).any(axis=0)]] = True
    idle = np.flatnonzero(idle)
    if not idle.size:
        return 0
    worst = np.argsort(-square_error, kind="stable")[: idle.size]
    worst = worst[square_error[worst] > 1e-12 * square_error[worst[0]]]
    residuals = X[worst] - codes[worst] @ D
    residuals = residuals[residuals.any(axis=1)]
    D[idle[: len(residuals)]] = unit_rows(residuals)[0]
    return len(residuals)


def _improve_atoms(X, indptr, indices, data, starts, rows, places, start, end, positive, D, features, atoms):
    """Improve atoms start to end and their coefficients in `data`; the last two are work arrays of two rows."""
    K, F = D.shape
    zero = D.dtype.type(0)
    together, direction, overlap = atoms[0:1], features[0:1], atoms[1:2]
    for j in range(start, end):
        first, last = starts[j], starts[j + 1]
        for m in range(K):
            together[0, m] = zero  # W_I^T g
        direction_of, gathered = direction[0], features[1]
        for f in range(F):
            gathered[f] = zero  # X_I^T g
        for p in range(first, last):
            i, g = rows[p], data[places[p]]
            for q in range(indptr[i], indptr[i + 1]):
                together[0, indices[q]] += g * data[q]
        whole = last - (last - first) % 4
        for p in range(first, whole, 4):
            i0, i1, i2, i3 = rows[p], rows[p + 1], rows[p + 2], rows[p + 3]
            g0, g1 = data[places[p]], data[places[p + 1]]
            g2, g3 = data[places[p + 2]], data[places[p + 3]]
            for f in range(F):
                gathered[f] += (g0 * X[i0, f] + g1 * X[i1, f]) + (g2 * X[i2, f] + g3 * X[i3, f])
        for p in range(whole, last):
            i0, g0 = rows[p], data[places[p]]
            for f in range(F):
                gathered[f] += g0 * X[i0, f]
        square = together[0, j]
        multiply(together, D, direction)
        norm = 0.0
        for f in range(F):
            gathered[f] += square * D[j, f] - direction_of[f]
            norm += gathered[f] * gathered[f]
        if not norm > 0.0:
            continue
        scale = D.dtype.type(1.0 / np.sqrt(norm))
        for f in range(F):
            direction_of[f] = gathered[f] * scale
        row_products(direction, D, overlap)
        overlap[0, j] = zero
        for p in range(first, last):
            i = rows[p]
            product = zero
            for f in range(F):
                product += X[i, f] * direction_of[f]
            for q in range(indptr[i], indptr[i + 1]):
                product -= data[q] * overlap[0, indices[q]]
            data[places[p]] = max(product, zero) if positive else product
        for f in range(F):
            D[j, f] = direction_of[f]


improve_atoms = kernel(_improve_atoms)
