r"""Approximate K-SVD: atoms and their coefficients improved together, for fixed supports of the codes.

For each atom d_j in turn, with the samples I that use it, their coefficients g (a column of W) and their residuals
``E = X_I - W_I D + g d_j^T`` without the atom, one step of the power method on E in place of its singular vectors:

    d_j <- E^T g / ||E^T g||,    g <- E d_j        (g >= 0 on request),

both the exact minimiser of ``||E - g d_j^T||^2`` with the other fixed. With non-negative atoms, negative entries of
``E^T g`` become zero first, which is exact too; where no entry is positive, the atom stays. E is not formed:
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
from ._kernels import add_up, prefetch_entry
from .atoms import multiply
from .statistics import WORK, Worst, sort_entries, unit_residuals

#: Cosine from which two atoms are one.
COHERENCE = 0.99


def improve(D, X, codes, square_error, *, positive=False, positive_atoms=False, n_jobs=None):
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
    positive_atoms : bool, default=False
        Whether atoms are.
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
        improve_atoms(X, *by_row, *by_atom, first, last, positive, positive_atoms, D, *work)
        first = last
    codes.data[:] = by_row[2]
    idle = idle_atoms(D, counts, n_jobs)
    if not idle.size:
        return 0
    worst = np.argsort(-square_error, kind="stable")[: idle.size]
    fresh = unit_residuals(Worst(X[worst], codes[worst], square_error[worst]), D, positive=positive_atoms)
    D[idle[: len(fresh)]] = fresh
    return len(fresh)


def idle_atoms(D, counts, n_jobs=None):
    """Return the atoms that no sample used, and of two that are equal up to `COHERENCE` the one used less."""
    by_use = np.argsort(-counts, kind="stable")
    alike = np.abs(gram(D[by_use], n_jobs)) > COHERENCE
    idle = counts == 0
    idle[by_use[np.triu(alike, 1).any(axis=0)]] = True
    return np.flatnonzero(idle)


def _improve_atoms(
    X, indptr, indices, data, starts, rows, places, start, end, positive, positive_atoms, D, features, atoms
):  # fmt: skip
    """Improve atoms start to end and their coefficients in `data`; the last two are work arrays of two rows."""
    F = D.shape[1]
    zero = D.dtype.type(0)
    together, direction, overlap = atoms[0:1], features[0:1], atoms[1:2]
    for j in range(start, end):
        first, last = starts[j], starts[j + 1]
        direction_of, gathered = direction[0], features[1]
        # W_I^T g and X_I^T g
        add_up(X, indptr, indices, data, starts, rows, places, j, together[0], gathered)
        square = together[0, j]
        multiply(together, D, direction)
        norm = 0.0
        for f in range(F):
            gathered[f] += square * D[j, f] - direction_of[f]
            if positive_atoms:
                gathered[f] = max(gathered[f], zero)
            norm += gathered[f] * gathered[f]
        if not norm > 0.0:
            continue
        scale = D.dtype.type(1.0 / np.sqrt(norm))
        for f in range(F):
            direction_of[f] = gathered[f] * scale
        row_products(direction, D, overlap)
        overlap[0, j] = zero
        for p in range(first, last):
            prefetch_entry(X, indptr, indices, data, rows, p, last)
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
