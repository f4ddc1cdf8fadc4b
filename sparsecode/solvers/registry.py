"""All solvers by name, which penalties each of them takes, and the front door `solve`."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_array

from .._core.arrays import as_dense
from .._core.validation import check_atoms, known_entries, row_exponents
from ..penalties import CEL0, L0, MCP, SCAD, KSparse, LogSum, Penalty
from . import (
    active_set,
    coordinate_descent,
    forward_backward,
    hard_thresholding,
    lca,
    matching_pursuit,
    pursuit,
    replacement,
    reweighted,
    sparse_set,
)
from ._codes import canonical
from ._scales import by_group, in_units_of_data, rescale_bound, zero_codes
from .certificates import has_gap
from .debias import debias_codes
from .masked import solve_masked


class Solver(NamedTuple):
    """An algorithm for the coding problem."""

    solve: Callable  # (X, D, penalty, *, tol, max_iter, init, gains, n_jobs) -> SolveResult
    takes: Callable  # penalty -> whether it applies
    scope: str  # the penalties it takes, in words
    warm_start: bool = True


def _counts(penalty):
    return isinstance(penalty, L0 | KSparse)


def _signed_counts(penalty):
    return _counts(penalty) and not penalty.positive


def _separable(penalty):
    return penalty.separable


def _soft_or_hard(penalty):
    return has_gap(penalty) or isinstance(penalty, L0)


def _concave_with_slope(penalty):
    return isinstance(penalty, CEL0 | MCP | SCAD | LogSum)


def _plain_count(penalty):
    return isinstance(penalty, L0) and not isinstance(penalty, CEL0)


SOLVERS = {
    "active-set": Solver(active_set.solve_active_set, has_gap, "l1-type penalties"),
    "replacement": Solver(replacement.solve_replacement, _signed_counts, "L0, CEL0 and KSparse without `positive`"),
    "irl1": Solver(reweighted.solve_reweighted, _concave_with_slope, "CEL0, MCP, SCAD and LogSum"),
    "greedy": Solver(coordinate_descent.solve_greedy, _separable, "separable penalties"),
    "cyclic": Solver(coordinate_descent.solve_cyclic, _separable, "separable penalties"),
    "omp": Solver(pursuit.solve_pursuit, _counts, "L0, CEL0 and KSparse", warm_start=False),
    "ormp": Solver(pursuit.solve_recursive_pursuit, _signed_counts, "L0, CEL0 and KSparse without `positive`", False),
    "forward-backward": Solver(forward_backward.solve_forward_backward, lambda p: True, "all penalties"),
    "mp": Solver(matching_pursuit.solve_matching_pursuit, _counts, "L0, CEL0 and KSparse", warm_start=False),
    "lca": Solver(lca.solve_lca, _soft_or_hard, "l1-type penalties, L0 and CEL0"),
    "niht": Solver(hard_thresholding.solve_hard_thresholding, lambda p: isinstance(p, KSparse), "KSparse"),
    "sparse-set": Solver(sparse_set.solve_sparse_set, _plain_count, "L0", warm_start=False),
}


def choose_solver(penalty):
    """Return the name of the solver that "auto" stands for: the first of `SOLVERS` that takes the penalty."""
    return next(name for name, solver in SOLVERS.items() if solver.takes(penalty))


def find_solver(name, penalty):
    """Return the solver of that name, or say why it cannot be had for the penalty."""
    if name == "auto":
        name = choose_solver(penalty)
    if name not in SOLVERS:
        raise ValueError(f"`solver` must be 'auto' or one of {', '.join(map(repr, SOLVERS))}, got {name!r}.")
    if not SOLVERS[name].takes(penalty):
        others = ", ".join(repr(other) for other, solver in SOLVERS.items() if solver.takes(penalty))
        raise ValueError(f"solver {name!r} takes {SOLVERS[name].scope}, not {penalty!r}; for that use {others}.")
    return SOLVERS[name]


def solve(
    X, D, penalty, *, mask=None, solver="auto", tol=1e-6, max_iter=None, init=None, gains=None, n_jobs=None, step=None,
    sparse_output=False,
):  # fmt: skip
    r"""Solve the coding problem ``min_w 0.5 ||x - w D||^2 + pen(w)`` for every row x of X.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        float32 is kept, everything else becomes float64.
    D : array-like of shape (n_components, n_features)
        Atoms, of any norm.
    penalty : Penalty
        From `sparsecode.penalties`.
    mask : array-like of bool of shape (n_samples, n_features) or None, default=None
        True where an entry of X is known. Codes then minimise the squared error over the known entries of each row;
        the others may be NaN. None: all are known.
    solver : str, default="auto"
        A name of `SOLVERS`. "auto" takes the first that applies of: "active-set" (exact) for l1-type penalties,
        "replacement" (single best replacement) for l0, CEL0 and k-sparse codes, "irl1" (iteratively reweighted l1) for
        MCP, SCAD, log-sum and non-negative CEL0, "greedy" (coordinate descent) for other separable penalties and for
        non-negative l0, "omp" for non-negative k-sparse codes, "forward-backward" for the rest. By name only: "cyclic"
        coordinate descent; "ormp" (order recursive pursuit) and "mp" (plain matching pursuit); and, for study, "niht"
        (normalised iterative hard thresholding: KSparse), "lca" (locally competitive algorithm: l1-type penalties, L0,
        CEL0) and "sparse-set" (L0 with coefficients that are projections). With a `mask`, "auto" takes a greedy
        coordinate descent of its own for l1-type penalties, L0 and CEL0, but for rows that are complete; a name, and
        other penalties, compute a Gram matrix for each mask that is different.
    tol : float, default=1e-6
        Largest certificate of a converged row: see `SolveResult`. Values below what the dtype can certify are
        raised to it.
    max_iter : int or None, default=None
        Largest number of passes over the atoms for one row; None takes the solver's own (1000 or 10000).
    init : array-like or CSR array of shape (n_samples, n_components) or None, default=None
        Codes to start from; None starts from zero, and so does "irl1" where a code has
        more coefficients than there are features.
    gains : array-like of shape (n_components,) or None, default=None
        An atom of gain 2 enters a code at half the correlation. For learning with homeostasis.
    n_jobs : int or None, default=None
        Threads; the result does not depend on it.
    step : float or None, default=None
        Step of "forward-backward", up to ``1 / ||D||_2^2``; None takes 0.99 of that.
    sparse_output : bool, default=False
        Whether codes are a CSR array, which takes no memory, and no time, for what is zero.

    Returns
    -------
    SolveResult
        Codes with the dtype of X, certificates, squared errors, penalties, iterations and status.

    Raises
    ------
    ValueError
        If X or D is not a finite 2-D array, their widths differ, atoms are too large to be squared, a parameter is
        out of range, a row has no known entry, or the solver does not take the penalty (the message names those that
        do).

    Notes
    -----
    With a `mask`, a row of k atoms costs O(K F k) by default, and O(K^2 F) for each different mask with a named solver:
    name one ("active-set" for l1, "replacement" for l0 and CEL0) where many rows have the same entries missing.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.penalties import CEL0, L1
    >>> from sparsecode.solvers import solve
    >>> result = solve([[3.0, -0.5]], np.eye(2), L1(1.0))
    >>> result.codes.tolist(), result.certificate.tolist()
    ([[2.0, 0.0]], [0.0])
    >>> solve([[3.0, -0.5]], np.eye(2), CEL0(0.5)).codes.tolist()
    [[3.0, 0.0]]

    A feature that is not known:

    >>> solve([[np.nan, -0.5]], [[1.0, 1.0]], L1(0.1), mask=[[False, True]]).codes.tolist()
    [[-0.4]]
    """
    if mask is not None:
        X, mask = known_entries(X, mask)
    X, D = check_problem(X, D)
    if not isinstance(penalty, Penalty):
        raise TypeError(f"`penalty` must be a penalty such as L1(alpha=0.5), got {penalty!r}.")
    chosen = find_solver(solver, penalty)
    options = {"tol": check_tol(tol), "max_iter": check_max_iter(max_iter), "n_jobs": n_jobs}
    options["sparse_output"] = bool(sparse_output)
    if gains is not None:
        if chosen is SOLVERS["replacement"] and isinstance(penalty, KSparse):
            raise ValueError(
                "solver 'replacement' compares codes of k atoms by their errors, where `gains` have no part; use "
                "'omp', 'ormp', 'forward-backward' or 'mp', or leave `gains` out."
            )
        options["gains"] = gains
    if init is not None:
        if not chosen.warm_start:
            raise ValueError(f"solver {solver!r} starts from nothing: leave `init` out, or use another solver.")
        options["init"] = check_init(init, penalty, (len(X), len(D)), X.dtype)
    if step is not None:
        if chosen is not SOLVERS["forward-backward"]:
            raise ValueError(f"`step` belongs to solver 'forward-backward', not to {solver!r}; leave it out.")
        options["step"] = step

    def run(samples, penalty, rows=slice(None), **options):
        if mask is None:
            return chosen.solve(samples, D, penalty, **options)
        return solve_masked(samples, D, penalty, mask[rows], chosen, named=solver != "auto", **options)

    return _at_any_scale(run, X, D, penalty, options)


def _at_any_scale(run, X, D, penalty, options):
    """Return the result of checked rows; tiny ones, whose squares would be zero, are scaled each by its own power."""
    exponents = np.minimum(row_exponents(X), 0)
    if not exponents.any():
        return run(X, penalty, **options)
    norms = np.square(D, dtype=np.float64).sum(axis=1)

    def solve_group(exponent, rows):
        samples, given = np.ldexp(X[rows], -exponent), dict(options)
        if "init" in given:
            start = as_dense(given["init"][rows])
            with np.errstate(over="ignore"):
                given["init"] = np.nan_to_num(np.ldexp(start, -exponent))
        try:
            scaled = rescale_bound(penalty, exponent, D, X.dtype) if exponent else penalty
        except (TypeError, ValueError):
            penalty.bind(norms, np.float64, options.get("gains"))  # raises for what is wrong at any scale
            # Scaling has taken the penalty beyond all bounds
            result = zero_codes(samples, len(D), options["sparse_output"])
        else:
            result = run(samples, scaled, rows, **given)
        return in_units_of_data(result, exponent)

    return by_group(exponents, solve_group)


def debias(X, D, codes, *, positive=False, n_jobs=None):
    """Return codes of least squares on the support of each code, which removes the shrinkage of l1-type penalties.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
    D : array-like of shape (n_components, n_features)
    codes : array-like or CSR array of shape (n_samples, n_components)
        Their non-zero entries are the supports.
    positive : bool, default=False
        Whether coefficients that least squares would make negative are left out instead.
    n_jobs : int or None, default=None

    Returns
    -------
    ndarray, or CSR array for CSR codes, of shape (n_samples, n_components)
        Atoms that depend linearly on others of the support have weight zero.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.solvers import debias
    >>> debias([[3.0, -0.5]], np.eye(2), [[2.0, 0.0]]).tolist()
    [[3.0, 0.0]]
    """
    X, D = check_problem(X, D)
    codes = check_codes(codes, "codes", (len(X), len(D)), X.dtype)
    return debias_codes(X, D, codes, positive=positive, n_jobs=n_jobs).codes


def check_problem(X, D):
    """Return X and D as finite arrays of one float dtype and one width."""
    X = check_array(X, dtype=[np.float64, np.float32], input_name="X")
    D = check_atoms(D, "D", n_features=X.shape[1], dtype=X.dtype)
    return X, D


def check_codes(codes, name, shape, dtype):
    """Return codes of the shape that the problem asks for, an ndarray or a canonical CSR array."""
    codes = check_array(codes, dtype=dtype, input_name=name, accept_sparse="csr")
    if codes.shape != shape:
        raise ValueError(f"`{name}` must have shape {shape}, one row a sample, one column an atom, got {codes.shape}.")
    return canonical(codes) if issparse(codes) else codes


def check_init(init, penalty, shape, dtype):
    """Return codes to start from, as `check_codes`, with signs that the penalty allows."""
    init = check_codes(init, "init", shape, dtype)
    if penalty.positive and init.min() < 0:
        raise ValueError(f"`init` has negative coefficients, which {penalty!r} forbids; use numpy.maximum(init, 0).")
    return init


def check_tol(tol):
    """Return a tolerance as a float, or say what is wrong with it."""
    if not isinstance(tol, Real) or not 0 <= tol < np.inf:
        raise ValueError(f"`tol` must be a finite number of at least 0, got {tol!r}.")
    return float(tol)


def check_max_iter(max_iter, name="max_iter"):
    """Return a largest number, None for the solver's own, or say what is wrong with it."""
    if max_iter is None:
        return None
    if isinstance(max_iter, bool) or not isinstance(max_iter, Integral) or max_iter < 1:
        raise ValueError(f"`{name}` must be an integer of at least 1, or None, got {max_iter!r}.")
    return int(max_iter)
