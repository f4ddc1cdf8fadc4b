"""Codes of rows for given atoms, at any scale of the data."""

from typing import NamedTuple

import numpy as np

from .._core.validation import binary_exponent, warn_not_converged
from ..penalties import KSparse
from ..solvers._rows import MAX_ITER, NON_FINITE, STALLED
from ..solvers.debias import debias_codes
from ..solvers.registry import find_solver
from ._sparsity import rescale


class CoderSettings(NamedTuple):
    """What an encoder does with rows and atoms, apart from the penalty."""

    solver: str
    tol: float
    max_iter: int | None
    n_jobs: int | None

    def solve(self, X, D, penalty, gains=None):
        """Return the SolveResult of validated rows."""
        name = self.solver
        if name == "auto" and gains is not None and isinstance(penalty, KSparse) and not penalty.positive:
            name = "omp"  # of the solvers for a fixed number of coefficients, the one whose choice gains can weight
        solver = find_solver(name, penalty)
        return solver.solve(X, D, penalty, tol=self.tol, max_iter=self.max_iter, gains=gains, n_jobs=self.n_jobs)


def solve_scaled(X, D, penalty, settings, *, debias=False):
    """Return the SolveResult of rows of any magnitude; warn where a row did not converge.

    Data of extreme magnitude are scaled by a power of two, exactly.
    """
    exponent = binary_exponent(X)
    if exponent:
        X, penalty = np.ldexp(X, -exponent), rescale(penalty, -exponent, X.dtype)
    result = settings.solve(X, D, penalty)
    check_finite(result, X)
    warn_not_converged(*count_unconverged(result), len(X), result.certificate.max(), settings.max_iter)
    if debias:
        refit = debias_codes(X, D, result.codes, positive=penalty.positive, n_jobs=settings.n_jobs)
        result = result._replace(codes=refit.codes, square_error=refit.square_error)
    return result._replace(codes=np.ldexp(result.codes, exponent)) if exponent else result


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
