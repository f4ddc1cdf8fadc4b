"""Codes of rows for given atoms, at any scale of the data."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array, issparse

from .._core.validation import joined_warnings, row_exponents, warn_not_converged
from ..penalties import KSparse
from ..solvers._rows import MAX_ITER, NON_FINITE, STALLED
from ..solvers._scales import by_group, in_units_of_data, rescale_bound, zero_codes
from ..solvers.debias import debias_codes
from ..solvers.masked import debias_masked, solve_masked
from ..solvers.matching_pursuit import Equaliser
from ..solvers.registry import find_solver


class CoderSettings(NamedTuple):
    """What an encoder does with rows and atoms, apart from the penalty."""

    solver: str
    tol: float
    max_iter: int | None
    n_jobs: int | None
    sparse_output: bool = True

    def solve(self, X, D, penalty, gains=None, init=None, known=None):
        """Return the SolveResult of validated rows; D are atoms, or `Atoms` prepared for the dtype of X."""
        settings = self._asdict() | {"gains": gains, "init": init}
        name = settings.pop("solver")
        if name == "auto" and gains is not None and isinstance(penalty, KSparse):
            name = "omp"  # of the solvers for a fixed number of coefficients, the one whose choice gains can weight
        if isinstance(gains, Equaliser) and name != "mp":
            raise ValueError(
                "homeostasis='heh' changes how matching pursuit chooses atoms: it goes with solver='mp', and with "
                f"penalties that this takes, not with solver={name!r}. For other solvers take 'hap', 'emp' or 'ols'."
            )
        solver = find_solver(name, penalty)
        if known is None:
            return solver.solve(X, D, penalty, **settings)
        options = {"named": name != "auto", "centered": known.centered}
        return solve_masked(X, D, penalty, known.mask, solver, **options, **settings)


class Known(NamedTuple):
    """Which entries of rows are known."""

    mask: np.ndarray
    centered: bool  # whether their means, and those of the atoms over them, are taken away


def encode_rows(X, atoms, penalty, settings, *, debias=False, known=None):
    """Return the SolveResult of rows of any magnitudes with prepared atoms; warn where a row did not converge.

    Rows of extreme magnitude are scaled by powers of two, exactly, each by its own: no row depends on the others.
    """
    exponents = row_exponents(X)
    if not exponents.any():
        return _encode_scaled(X, atoms, penalty, settings, 0, debias, known=known)
    with joined_warnings():
        return by_group(
            exponents,
            lambda exponent, rows: _encode_scaled(X[rows], atoms, penalty, settings, exponent, debias, rows, known),
        )


def _encode_scaled(X, atoms, penalty, settings, exponent, debias, rows=None, known=None):
    if known is not None and rows is not None:
        known = known._replace(mask=known.mask[rows])
    if exponent:
        X = np.ldexp(X, -exponent)
        try:
            penalty = rescale_bound(penalty, exponent, atoms.D, X.dtype)
        except ValueError as error:
            if exponent > 0:
                raise ValueError(
                    f"Row {rows[0]} of X is of extreme magnitude, about 2**{exponent}, beside which {penalty!r} is "
                    f"nothing to {X.dtype}; scale X, or leave such rows out."
                ) from error
            # Tiny rows, for which the penalty is beyond all bounds
            warn_not_converged(0, 0, len(X), 0.0, settings.max_iter)
            return in_units_of_data(zero_codes(X, len(atoms.D), settings.sparse_output), exponent)
    result = settings.solve(X, atoms, penalty, known=known)
    check_finite(result.status != NON_FINITE, X.dtype, rows)
    warn_not_converged(*count_unconverged(result), len(X), result.certificate.max(), settings.max_iter)
    if debias:
        options = {"positive": penalty.positive, "n_jobs": settings.n_jobs}
        if known is None:
            refit = debias_codes(X, atoms, result.codes, **options)
        else:
            refit = debias_masked(X, atoms.D, result.codes, known.mask, centered=known.centered, **options)
        result = result._replace(codes=refit.codes, square_error=refit.square_error)
    if exponent:
        result = in_units_of_data(result, exponent)
        check_finite(_finite_rows(result.codes), X.dtype, rows)
    return result


def _finite_rows(codes):
    if not issparse(codes):
        return np.isfinite(codes).all(axis=1)
    finite = np.ones(codes.shape[0], bool)
    finite[np.repeat(np.arange(len(finite)), np.diff(codes.indptr))[~np.isfinite(codes.data)]] = False
    return finite


def check_finite(finite, dtype, rows=None):
    """Raise for codes that are not all finite; `rows` are their places, if they are some of the rows only."""
    overflowed = np.flatnonzero(~finite)
    if overflowed.size:
        first = overflowed[0] if rows is None else rows[overflowed[0]]
        raise ValueError(
            f"The codes of {overflowed.size} rows overflow {dtype}, first in row {first}; "
            "scale `dictionary` to unit norm, or X to unit variance."
        )


def count_unconverged(result):
    """Return how many rows stopped at the largest number of passes, and how many were stalled by rounding."""
    return np.count_nonzero(result.status == MAX_ITER), np.count_nonzero(result.status == STALLED)


def decode(codes, atoms):
    """Return the reconstructions ``W D`` of codes."""
    # A sparse product: in a dense one the bits of a row depend on the others
    return csr_array(codes) @ atoms.astype(codes.dtype, copy=False)
