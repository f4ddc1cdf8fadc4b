"""All convolutional solvers by name, and the front door `solve_convolutional`."""

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array, vstack

from .._core.parallel import count_threads, run_chunks
from .._core.validation import callers_level, row_exponents
from ..solvers._rows import CONVERGED, GAP_FLOOR, NON_FINITE, VIOLATION_FLOOR, SolveResult
from ..solvers.certificates import has_gap
from ..solvers.forward_backward import warn_of_step
from ..solvers.registry import check_max_iter, check_tol
from . import admm, fista, forward_backward, greedy
from ._checks import check_images, check_mask, check_operator, check_penalty, check_start
from ._problem import BoundPenalty, ImageProblem, MapsResult, energy
from ._scale import fraction_of, largest_correlation, look, place_image, scaled


class Solver(NamedTuple):
    """An algorithm for the maps of one image."""

    solve: Callable  # ImageProblem -> MapsResult, or None if interrupted
    takes: Callable  # penalty -> whether it applies
    scope: str  # the penalties it takes, in words
    max_iter: int  # iterations of an image, where the user gives none


def _any(penalty):
    return True


SOLVERS = {
    "admm": Solver(admm.solve_admm, has_gap, "l1-type penalties", admm.DEFAULT_MAX_ITER),
    "fista": Solver(fista.solve_fista, has_gap, "l1-type penalties", fista.DEFAULT_MAX_ITER),
    "greedy": Solver(greedy.solve_greedy, _any, "separable penalties", greedy.DEFAULT_MAX_ITER),
    "forward-backward": Solver(
        forward_backward.solve_forward_backward, _any, "separable penalties", forward_backward.DEFAULT_MAX_ITER
    ),
}

#: Fraction of the largest alpha up to which "auto" takes "admm" for l1-type penalties, and beyond it "fista".
ADMM_FRACTION = 0.5


def find_solver(name, penalty):
    """Return the name of the solver, or None to choose it by the image, or say why it cannot be had for the penalty."""
    if name == "auto":
        return None if has_gap(penalty) else "forward-backward"
    if name not in SOLVERS:
        raise ValueError(f"`solver` must be 'auto' or one of {', '.join(map(repr, SOLVERS))}, got {name!r}.")
    if not SOLVERS[name].takes(penalty):
        others = ", ".join(repr(other) for other, solver in SOLVERS.items() if solver.takes(penalty))
        raise ValueError(f"solver {name!r} takes {SOLVERS[name].scope}, not {penalty!r}; for that use {others}.")
    return name


def solve_convolutional(
    X, D, penalty, *, mask=None, solver="auto", tol=1e-3, max_iter=None, init=None, n_jobs=None
):  # fmt: skip
    """(docstring)"""
    D, penalty, name = check_operator(D), check_penalty(penalty), find_solver(solver, penalty)
    rows = check_images(X, D)
    known, init = check_mask(mask, D, len(rows)), check_start(init, D, penalty, len(rows))
    settings = _Settings(D, penalty, name, _raise_tol(check_tol(tol), penalty, D), check_max_iter(max_iter))
    exponents = row_exponents(rows)
    scaled_penalties = {e: _scaled(penalty, e, D) for e in np.unique(exponents).tolist()}
    if name == "forward-backward" and init is None:
        warn_of_step(penalty, forward_backward.STEP_SHARE / (D.lipschitz or 1.0))
    D.spectrum, D.power  # noqa: B018  computed before threads ask for them
    inner = max(1, count_threads(n_jobs) // max(len(rows), 1))
    results = [None] * len(rows)

    def solve_rows(start, end, stop):
        for i in range(start, end):
            e = int(exponents[i])
            begin = None if init is None else init[[i]] * D.dtype.type(np.ldexp(1.0, -e))
            image = place_image(D, rows[i], None if known is None else known[i], e)
            result = _solve_image(settings, image, scaled_penalties[e], begin, inner, stop)
            results[i] = result and _in_units_of_data(result, e)

    run_chunks(solve_rows, len(rows), n_jobs=n_jobs, chunk_rows=1)
    _warn_of_zeros(results, rows if known is None else rows * known, penalty)
    if not results:
        none = np.empty(0)
        return SolveResult(csr_array((0, int(np.prod(D.code_shape))), dtype=D.dtype), *[none] * 3, none, none)
    codes, *numbers = zip(*results, strict=True)
    return SolveResult(vstack(codes, format="csr"), *map(np.array, numbers))


class _Settings(NamedTuple):
    operator: object
    penalty: object
    solver: str | None
    tol: float
    max_iter: int | None


def _raise_tol(tol, penalty, D):
    return max(tol, (GAP_FLOOR if has_gap(penalty) else VIOLATION_FLOOR)[D.dtype])


def _scaled(penalty, exponent, D):
    """Return the penalty, and as it is bound, for images times ``2**-exponent``; None for what is beyond all weights."""
    try:
        penalty = scaled(penalty, exponent)
        return penalty, BoundPenalty.of(penalty, D)
    except (ValueError, OverflowError) as error:
        if exponent == 0:
            raise
        if exponent > 0:
            raise ValueError(
                f"X has images of extreme magnitude, about 2**{exponent}, beside which {penalty!r} is nothing to "
                f"{D.dtype}; scale X, or leave such images out."
            ) from error
        return None


def _solve_image(settings, image, penalties, init, n_jobs, stop):
    """Return the MapsResult of an image in units in which it can be squared."""
    D, (image, known) = settings.operator, image
    if penalties is None or not image.any():
        return _zeros(D, image)
    penalty, bound = penalties
    seen = look(D, image, bound, n_jobs, stop)
    fraction = fraction_of(penalty, seen, D)
    if fraction >= 1 and (penalty.convex or init is None):
        return _zeros(D, image)
    solver = SOLVERS[settings.solver or ("admm" if fraction <= ADMM_FRACTION else "fista")]
    max_iter = settings.max_iter or solver.max_iter
    problem = ImageProblem(D, image, known, bound, settings.tol, max_iter, init, n_jobs, stop)
    problem = problem._replace(fraction=min(fraction, 1.0), largest=largest_correlation(penalty, seen, D))
    return solver.solve(problem)


def _zeros(D, image):
    codes = csr_array((1, int(np.prod(D.code_shape))), dtype=D.dtype)
    return MapsResult(codes, 0.0, energy(image), 0.0, 0, CONVERGED)


def _in_units_of_data(result, exponent):
    """Return the result of an image that was scaled by ``2**-exponent``."""
    if exponent == 0:
        return result
    with np.errstate(over="ignore", under="ignore"):
        codes = result.codes.copy()
        codes.data = np.ldexp(codes.data, exponent).astype(codes.dtype)
        square_error, penalty = (float(np.ldexp(v, 2 * exponent)) for v in (result.square_error, result.penalty))
    status = result.status if np.isfinite(codes.data).all() else NON_FINITE
    return result._replace(codes=codes, square_error=square_error, penalty=penalty, status=status)


def _warn_of_zeros(results, rows, penalty):
    """Warn once about images that have something to code, but no code."""
    zero = [
        result.codes.nnz == 0 and result.n_iter == 0 and row.any() for result, row in zip(results, rows, strict=True)
    ]
    if any(zero):
        warnings.warn(
            f"the codes of {sum(zero)} of {len(zero)} images are zero, first of image {np.argmax(zero)}: {penalty!r} has an "
            "`alpha` of at least alpha_max, from which on no coefficient enters; lower it below "
            "sparsecode.convolutional.alpha_max(X, D, penalty).",
            UserWarning,
            stacklevel=callers_level(),
        )
