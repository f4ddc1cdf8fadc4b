"""All convolutional solvers by name, and the front door `solve_convolutional`."""

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array, vstack
from sklearn.exceptions import ConvergenceWarning

from .._core.parallel import count_threads, run_chunks
from .._core.validation import callers_level, row_exponents
from ..solvers._rows import CONVERGED, GAP_FLOOR, MAX_ITER, NON_FINITE, STALLED, VIOLATION_FLOOR, SolveResult
from ..solvers.certificates import has_gap
from ..solvers.forward_backward import STEP_SHARE, warn_of_step
from ..solvers.registry import check_max_iter, check_tol
from . import admm, fista, forward_backward, greedy
from ._checks import check_images, check_operator, check_penalty, check_start
from ._problem import BoundPenalty, ImageProblem, MapsResult, energy, place_image
from ._scale import find_extremes, fraction_of, largest_correlation, scaled


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

#: Fraction of the largest alpha below which "auto" takes "admm" for l1-type penalties, and from which on "greedy".
ADMM_FRACTION = 0.02


def find_solver(name, penalty):
    """Return the name of the solver, or None to choose it by the image, or say why it cannot be had for the penalty."""
    if name == "auto":
        return None if has_gap(penalty) else "greedy"
    if name not in SOLVERS:
        raise ValueError(f"`solver` must be 'auto' or one of {', '.join(map(repr, SOLVERS))}, got {name!r}.")
    if not SOLVERS[name].takes(penalty):
        others = ", ".join(repr(other) for other, solver in SOLVERS.items() if solver.takes(penalty))
        raise ValueError(f"solver {name!r} takes {SOLVERS[name].scope}, not {penalty!r}; for that use {others}.")
    return name


def solve_convolutional(
    X, D, penalty, *, mask=None, solver="auto", tol=1e-3, max_iter=None, init=None, n_jobs=None
):  # fmt: skip
    r"""Solve ``min_x 0.5 ||M (D x - s)||^2 + pen(x)`` for every image s of X, ``D x = sum_k d_k * x_k``.

    Parameters
    ----------
    X : array-like of shape (n_samples, prod(image_shape)) or (n_samples, *image_shape)
        Images or signals. Computed in the dtype of D.
    D : ConvolutionOperator
        Kernels and what lies beyond the border of an image: "circular", "valid", "symmetric" (the enlarged image is
        coded, and its square error counts the reflections too) or "mask" (nothing is known there).
    penalty : Penalty
        From `sparsecode.penalties`, separable; `WeightedL1` may have a weight for each kernel or for each coefficient,
        in the order of the codes.
    mask : array-like of bool, of the shape of X, or None, default=None
        True where a pixel is known; the others have no part in the data term M, and may be NaN. With channels, each has
        its own. Where less than a hundredth of the squared norm of a kernel lies at known pixels, its coefficient is
        zero if the penalty is not of l1 type: it would be huge to fit a few faint pixels, and so would be what it
        makes of unknown ones.
    solver : str, default="auto"
        A name of `SOLVERS`. "greedy" (locally greedy coordinate descent) and "forward-backward" (monotone proximal
        gradient) take all separable penalties, "admm" (Douglas-Rachford splitting in the Fourier domain) and "fista"
        (accelerated proximal gradient) those of l1 type. "auto" is "greedy", but "admm" for l1-type penalties and
        images of which `alpha` is less than 0.02 of `alpha_max`, about where their times cross: by photographs and
        kernels one takes 0.6 to 3 times as long as the other there.
    tol : float, default=1e-3
        Largest certificate of a converged image. Values below what the dtype can certify are raised to it.
    max_iter : int or None, default=None
        Largest number of iterations for an image, those of the easier problems that it begins with included; None is
        1000 ("admm", and "greedy", which scans all coefficients once an iteration) or 2000.
    init : array-like or CSR array of shape (n_samples, n_kernels * prod(map_shape)) or None, default=None
        Codes to start from. None starts from zero or, where a penalty is not convex, from codes of easier problems:
        l1 with the same thresholds and then, with "greedy" and firm thresholds (L0, CEL0, MCP), MCP ever closer to the
        penalty.
    n_jobs : int or None, default=None
        Threads: over images, or over kernels where there are more threads than images. The result does not depend on
        it, bit for bit.

    Returns
    -------
    SolveResult
        Its codes are a CSR array of shape (n_samples, n_kernels * prod(map_shape)): column
        ``(k * rows + i) * columns + j`` is the coefficient of kernel k at (i, j). Its certificates are, for l1-type
        penalties, the duality gap relative to ``0.5 ||M s||^2``, which bounds by how much the objective exceeds its
        minimum; for others the fixed-point violation relative to the largest correlation of the image over the norm of
        its kernel: with the correlations g of the residual, the largest ``|x_i - prox(x_i + g_i / n_i)| sqrt(n_i)`` of
        "greedy", where n_i is the squared norm of the kernel, and ``|x - prox(x + g / L)| L`` of "forward-backward",
        where L is the largest eigenvalue of ``D D^T``. Status as there.

    Raises
    ------
    TypeError
        If D is no `ConvolutionOperator`, or `penalty` no penalty.
    ValueError
        If X, `mask` or `init` have a wrong shape or are not finite, a mask hides a whole image, a parameter is out of
        range, or the solver does not take the penalty; the message names those that do.

    Warns
    -----
    ConvergenceWarning
        If images stopped with a certificate above `tol`, how many and how far.
    UserWarning
        If `alpha` is at least `alpha_max` of an image, whose code is then zero, or if codes depend on the step, as
        those of L0 do: CEL0 has the same minimisers without that defect.

    Notes
    -----
    For K kernels of h x w on a grid of N pixels a scan of all coefficients costs "greedy" O(K h w N), a step along one
    of them O(h w); it keeps the residual only, no maps. An iteration of "admm" takes 2 K real transforms, of "fista"
    and "forward-backward" K and one addition of a kernel for each coefficient (2 K where codes are dense), O(K N log N)
    each. Beside the spectra of the kernels, K N numbers that all threads share, each image at work takes K N numbers
    with "admm" and twice that with the others; codes are sparse at once. The gap is measured every tenth iteration,
    at the cost of a fraction of one, since the iteration has the correlations of a residual at hand; with a mask
    "admm" computes them anew. Objectives are within a gap much earlier than gaps can show: see there for coherent
    kernels, whose gaps shrink slowly for small `alpha`. Images of extreme magnitude are scaled by powers of two.

    References
    ----------
    B. Wohlberg, "Efficient algorithms for convolutional sparse representations", IEEE Trans. Image Process. 25 (2016).

    A. Beck and M. Teboulle, "A fast iterative shrinkage-thresholding algorithm", SIAM J. Imaging Sci. 2 (2009).

    E. Soubies, L. Blanc-Feraud and G. Aubert, "A continuous exact l0 penalty (CEL0) for least squares regularized
    problem", SIAM J. Imaging Sci. 8 (2015).

    Examples
    --------
    >>> from sparsecode.convolutional import ConvolutionOperator, solve_convolutional
    >>> from sparsecode.penalties import L1
    >>> D = ConvolutionOperator([[1.0, -1.0], [1.0, 1.0]], image_shape=4)
    >>> result = solve_convolutional([[0, 3, -3, 0]], D, L1(1.0), tol=1e-9)
    >>> result.codes.toarray().round(2).tolist(), float(result.square_error[0].round(2))
    ([[0.0, 2.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]], 0.5)
    """
    result, beyond = solve_images(
        X, D, penalty, mask=mask, solver=solver, tol=tol, max_iter=max_iter, init=init, n_jobs=n_jobs
    )
    warn_of_zeros(beyond, penalty)
    _warn_not_converged(result, penalty, tol)
    return result


def solve_images(X, D, penalty, *, mask=None, solver="auto", tol=1e-3, max_iter=None, init=None, n_jobs=None):
    """Return the result of `solve_convolutional`, and for which images `alpha` is too large for any coefficient."""
    D, penalty, name = check_operator(D), check_penalty(penalty), find_solver(solver, penalty)
    rows, known = check_images(X, D, mask)
    init = check_start(init, D, penalty, len(rows))
    settings = _Settings(D, penalty, name, _raise_tol(check_tol(tol), penalty, D), check_max_iter(max_iter))
    exponents = row_exponents(rows)
    scaled_penalties = {e: _scaled(penalty, e, D) for e in np.unique(exponents).tolist()}
    if name == "forward-backward" and init is None:
        warn_of_step(penalty, STEP_SHARE / (D.lipschitz or 1.0))
    D.spectrum, D.power  # noqa: B018  computed before threads ask for them
    inner = max(1, count_threads(n_jobs) // max(len(rows), 1))
    results, beyond = [None] * len(rows), np.zeros(len(rows), bool)

    def solve_rows(start, end, stop):
        for i in range(start, end):
            e = int(exponents[i])
            begin = None if init is None else init[[i]] * D.dtype.type(np.ldexp(1.0, -e))
            image = place_image(D, rows[i], None if known is None else known[i], e)
            result, beyond[i] = _solve_image(settings, image, scaled_penalties[e], begin, inner, stop)
            results[i] = result and _in_units_of_data(result, e)

    run_chunks(solve_rows, len(rows), n_jobs=n_jobs, chunk_rows=1)
    if not results:
        none = np.empty(0)
        return SolveResult(csr_array((0, int(np.prod(D.code_shape))), dtype=D.dtype), *[none] * 3, none, none), beyond
    codes, *numbers = zip(*results, strict=True)
    return SolveResult(vstack(codes, format="csr"), *map(np.array, numbers)), beyond


class _Settings(NamedTuple):
    operator: object
    penalty: object
    solver: str | None
    tol: float
    max_iter: int | None


def _raise_tol(tol, penalty, D):
    return max(tol, (GAP_FLOOR if has_gap(penalty) else VIOLATION_FLOOR)[D.dtype])


def _scaled(penalty, exponent, D):
    """Return the penalty for images times ``2**-exponent``, and its bound form; None where it exceeds all numbers."""
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
    """Return the MapsResult of an image in units in which it can be squared, and whether no coefficient can enter."""
    D, (image, known) = settings.operator, image
    if penalties is None or not image.any():
        return _zeros(D, image), bool(image.any())
    penalty, bound = penalties
    extremes = find_extremes(D, image, bound, n_jobs, stop)
    fraction = fraction_of(penalty, extremes, D)
    if fraction >= 1 and (penalty.convex or init is None):
        return _zeros(D, image), True
    solver = SOLVERS[settings.solver or ("admm" if fraction < ADMM_FRACTION else "greedy")]
    max_iter = settings.max_iter or solver.max_iter
    problem = ImageProblem(D, image, known, bound, settings.tol, max_iter, init, n_jobs, stop)
    problem = problem._replace(fraction=min(fraction, 1.0), largest=largest_correlation(penalty, extremes, D))
    return solver.solve(problem), False


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


def _warn_not_converged(result, penalty, tol):
    """Warn once about images whose certificate is above the tolerance, and say how far."""
    reasons = []
    stopped, stalled = (np.count_nonzero(result.status == status) for status in (MAX_ITER, STALLED))
    if stopped:
        most = result.n_iter[result.status == MAX_ITER].max()
        reasons.append(f"{stopped} of {len(result.status)} images stopped at `max_iter`={most}")
    if stalled:
        reasons.append(f"{stalled} of {len(result.status)} images were stopped by rounding")
    if reasons:
        kind = "relative duality gap" if has_gap(penalty) else "relative fixed-point violation"
        largest = result.certificate[result.status != NON_FINITE].max()
        warnings.warn(
            f"{' and '.join(reasons)} with a certificate above `tol`={tol:g}: the largest {kind} is {largest:.1e}. "
            "Raise `max_iter` or `tol`.",
            ConvergenceWarning,
            stacklevel=callers_level(),
        )


def warn_of_zeros(zero, penalty):
    """Warn once about images that have something to code, but no code."""
    if zero.any():
        warnings.warn(
            f"the codes of {zero.sum()} of {len(zero)} images are zero, first of image {np.argmax(zero)}: the "
            f"{type(penalty).__name__} penalty has an `alpha` of at least alpha_max, from where on no coefficient "
            "enters; lower it below sparsecode.convolutional.alpha_max(X, D, penalty).",
            UserWarning,
            stacklevel=callers_level(),
        )
