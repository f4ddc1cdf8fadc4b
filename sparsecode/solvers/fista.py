r"""FISTA for l1-type coding in plain NumPy: the oracle of the compiled solvers, readable in a lesson.

    z = v + step * (x - v D) D^T
    w' = sign(z) max(|z| - step alpha, 0) / (1 + step ridge)        (max(z - step alpha, 0) for non-negative codes)
    v' = w' + (t - 1) / t' * (w' - w),   t' = (1 + sqrt(1 + 4 t^2)) / 2,   step = 1 / ||D||_2^2

The momentum of a row restarts when it points uphill (O'Donoghue and Candes, Found. Comput. Math. 15,
2015). The objective converges as O(1 / n_iter^2) (Beck and Teboulle, SIAM J. Imaging Sci. 2, 2009).
"""

import numpy as np

from ._rows import CONVERGED, MAX_ITER, NON_FINITE, SolveResult
from .certificates import duality_gap
from .registry import check_max_iter, check_problem, check_tol


@np.errstate(over="ignore", invalid="ignore")  # rows that overflow have a status of their own
def solve_fista(X, D, penalty, *, tol=1e-6, max_iter=10_000):
    """Solve the l1-type problem of every row of X by accelerated proximal gradient, in float64.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
    D : array-like of shape (n_components, n_features)
        Atoms, of any norm.
    penalty : L1, WeightedL1 or ElasticNet
    tol : float, default=1e-6
        A row stops when its duality gap is at most ``tol * 0.5 ||x||^2``; tested every tenth iteration.
    max_iter : int, default=10000

    Returns
    -------
    SolveResult
        Codes, relative duality gaps, iterations and status (0 converged, 1 stopped at `max_iter`) by row.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.penalties import L1
    >>> from sparsecode.solvers import solve_fista
    >>> solve_fista(np.array([[3.0, -0.5]]), np.eye(2), L1(1.0)).codes.tolist()
    [[2.0, 0.0]]
    """
    X, D = (A.astype(np.float64, copy=False) for A in check_problem(X, D))
    tol, max_iter = check_tol(tol), check_max_iter(max_iter)
    step = 1.0 / (np.linalg.norm(D, 2) ** 2 or 1.0)
    codes = np.zeros((len(X), len(D)))
    gap = duality_gap(X, D, codes, penalty)
    bound = penalty.bind(np.ones(len(D)), np.float64)
    n_iter = np.zeros(len(X), np.int64)
    half = 0.5 * np.square(X).sum(axis=1)
    allowed = tol * half
    running = np.flatnonzero((gap > allowed) & (gap < np.inf))
    W = V = codes[running]
    t = np.ones((len(running), 1))
    for iteration in range(1, max_iter + 1):
        if not running.size:
            break
        Z = V + step * ((X[running] - V @ D) @ D.T)
        W_new = _shrink(Z, step * bound.entry, bound.positive) / (1 + step * bound.ridge)
        uphill = ((V - W_new) * (W_new - W)).sum(axis=1, keepdims=True) > 0
        t = np.where(uphill, 1.0, t)
        t_new = (1 + np.sqrt(1 + 4 * t * t)) / 2
        V = W_new + np.where(uphill, 0.0, (t - 1) / t_new) * (W_new - W)
        W, t = W_new, t_new
        if iteration % 10 == 0 or iteration == max_iter:
            codes[running] = W
            gap[running] = duality_gap(X[running], D, W, penalty)
            n_iter[running] = iteration
            left = gap[running] > allowed[running]
            running, W, V, t = running[left], W[left], V[left], t[left]
    square_error = np.square(X - codes @ D).sum(axis=1)
    certificate = np.divide(gap, half, out=np.zeros_like(half), where=half > 0)
    status = np.where(gap > allowed, MAX_ITER, CONVERGED).astype(np.int8)
    status[~(gap + half < np.inf)] = NON_FINITE
    return SolveResult(codes, certificate, square_error, penalty.value(codes), n_iter, status)


def _shrink(Z, level, positive):
    if positive:
        return np.maximum(Z - level, 0)
    return np.maximum(Z - level, 0) + np.minimum(Z + level, 0)
