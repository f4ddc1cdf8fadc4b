"""Codes of rows for given atoms, at any scale of the data."""

import numpy as np

from .._core.products import gram
from .._core.validation import binary_exponent, scale_alpha, warn_not_converged
from ..penalties import L1
from ..solvers.active_set import MAX_ITER, NON_FINITE, solve_active_set


def encode_rows(X, D, alpha, *, positive, tol, max_iter, n_jobs):
    """Return the l1 codes of the validated rows X for atoms D; warn where a row did not converge.

    The problem is homogeneous, so data of extreme magnitude are scaled by a power of two, exactly.
    """
    exponent = binary_exponent(X)
    if exponent:
        X = np.ldexp(X, -exponent)
        alpha = scale_alpha(alpha, exponent, X.dtype)
    result = solve(X, D, L1(alpha, positive=positive), tol=tol, max_iter=max_iter, n_jobs=n_jobs)
    check_finite(result, X)
    stopped = np.count_nonzero(result.status == MAX_ITER)
    if stopped:
        warn_not_converged(stopped, len(X), relative_gap(result, X).max(), max_iter, tol)
    return np.ldexp(result.codes, exponent) if exponent else result.codes


def solve(X, D, penalty, *, tol, max_iter, n_jobs):
    """Solve the coding problem of the rows of X, which have a safe magnitude."""
    return solve_active_set(X, D, gram(D, n_jobs), square_norms(X), penalty, tol=tol, max_iter=max_iter, n_jobs=n_jobs)


def square_norms(X):
    """Return ``||x||^2`` of each row in float64."""
    return np.einsum("ij,ij->i", X, X, dtype=np.float64)


def check_finite(result, X):
    """Raise for rows whose codes overflow."""
    overflowed = np.flatnonzero(result.status == NON_FINITE)
    if overflowed.size:
        raise ValueError(
            f"The codes of {overflowed.size} rows overflow {X.dtype}, first in row {overflowed[0]}; "
            "scale `dictionary` to unit norm, or X to unit variance."
        )


def relative_gap(result, X):
    """Return the duality gap of each row relative to ``0.5 ||x||^2`` (0 for a zero row)."""
    energy = 0.5 * square_norms(X)
    return np.divide(result.gap, energy, out=np.zeros_like(energy), where=energy > 0)
