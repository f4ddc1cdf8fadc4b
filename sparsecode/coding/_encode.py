"""Codes of rows for given atoms, at any scale of the data."""

import numpy as np

from .._core.validation import binary_exponent, scale_alpha, warn_not_converged
from ..penalties import L1
from ..solvers.active_set import MAX_ITER, NON_FINITE, STALLED, solve_rows


def encode_rows(X, D, alpha, *, positive, tol, max_iter, n_jobs):
    """Return the l1 codes of the validated rows X for atoms D; warn where a row did not converge.

    The problem is homogeneous, so data of extreme magnitude are scaled by a power of two, exactly.
    """
    exponent = binary_exponent(X)
    if exponent:
        X = np.ldexp(X, -exponent)
        alpha = scale_alpha(alpha, exponent, X.dtype)
    result = solve_rows(X, D, L1(alpha, positive=positive), tol=tol, max_iter=max_iter, n_jobs=n_jobs)
    check_finite(result, X)
    warn_not_converged(*count_unconverged(result), len(X), relative_gap(result, X).max(), max_iter)
    return np.ldexp(result.codes, exponent) if exponent else result.codes


def check_finite(result, X):
    """Raise for rows whose codes overflow."""
    overflowed = np.flatnonzero(result.status == NON_FINITE)
    if overflowed.size:
        raise ValueError(
            f"The codes of {overflowed.size} rows overflow {X.dtype}, first in row {overflowed[0]}; "
            "scale `dictionary` to unit norm, or X to unit variance."
        )


def count_unconverged(result):
    """Return how many rows stopped at the largest number of passes, and how many were stalled by rounding."""
    return np.count_nonzero(result.status == MAX_ITER), np.count_nonzero(result.status == STALLED)


def relative_gap(result, X):
    """Return the duality gap of each row relative to ``0.5 ||x||^2`` (0 for a zero row)."""
    energy = 0.5 * np.einsum("ij,ij->i", X, X, dtype=np.float64)
    return np.divide(result.gap, energy, out=np.zeros_like(energy), where=energy > 0)
