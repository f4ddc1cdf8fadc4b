"""Certificates of optimality in plain NumPy; the kernels compute the same while they solve."""

import numpy as np

from .._core.arrays import as_dense
from ..penalties.l1 import L1Type
from ._proximal_kernels import Gap
from ._rows import GAP_FLOOR, VIOLATION_FLOOR


def objective(X, D, W, penalty):
    """Return ``0.5 ||x - w D||^2 + pen(w)`` for each row, in float64.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
    D : array-like of shape (n_components, n_features)
    W : array-like or CSR array of shape (n_samples, n_components)
    penalty : Penalty

    Returns
    -------
    ndarray of shape (n_samples,)

    Examples
    --------
    >>> from sparsecode.penalties import L1
    >>> from sparsecode.solvers import objective
    >>> objective([[3.0, 4.0]], [[1.0, 0.0], [0.0, 1.0]], [[2.0, 4.0]], L1(0.5)).tolist()
    [3.5]
    """
    X, D, W = (np.asarray(A, dtype=np.float64) for A in (X, D, as_dense(W)))
    return 0.5 * np.square(X - W @ D).sum(axis=1) + penalty.value(W, np.square(D).sum(axis=1))


def duality_gap(X, D, W, penalty):
    r"""Return the duality gap of codes, which bounds how far each objective is from its minimum.

    For l1, weighted l1 and the elastic net, ``sum_j alpha_j |w_j| + 0.5 rho ||w||^2``. With ``r = x - w D``,
    ``g = D r - rho w`` and ``s = min(1, 1 / max_j (|g_j| / alpha_j))`` (g_j itself if positive), the point s r is dual
    feasible and the gap is

        0.5 (1 - s)^2 (||r||^2 + rho ||w||^2) + sum_j (alpha_j |w_j| - s w_j g_j).

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
    D : array-like of shape (n_components, n_features)
    W : array-like or CSR array of shape (n_samples, n_components)
        Codes, non-negative if the penalty is positive.
    penalty : L1, WeightedL1 or ElasticNet

    Returns
    -------
    ndarray of shape (n_samples,)

    Examples
    --------
    >>> from sparsecode.penalties import L1
    >>> from sparsecode.solvers import duality_gap
    >>> duality_gap([[3.0, 0.5]], [[1.0, 0.0], [0.0, 1.0]], [[2.0, 0.0]], L1(1.0)).tolist()
    [0.0]
    """
    if not has_gap(penalty):
        raise ValueError(f"{penalty!r} has no duality gap; l1, weighted l1 and the elastic net have one.")
    X, D, W = (np.asarray(A, dtype=np.float64) for A in (X, D, as_dense(W)))
    bound = penalty.bind(np.square(D).sum(axis=1), np.float64)
    residual = X - W @ D
    g = residual @ D.T - bound.ridge * W
    excess = (g if bound.positive else np.abs(g)) * bound.inverse
    scale = 1 / np.maximum(excess.max(axis=1), 1)
    slack = np.abs(W) @ bound.entry - scale * (W * g).sum(axis=1)
    square = np.square(residual).sum(axis=1) + bound.ridge * np.square(W).sum(axis=1)
    return 0.5 * (1 - scale) ** 2 * square + np.maximum(slack, 0)


def has_gap(penalty):
    """Tell whether `duality_gap` is defined for the penalty."""
    return isinstance(penalty, L1Type)


def raise_tol(tol, penalty, dtype):
    """Return `tol`, or the least that the dtype can certify for the penalty."""
    return max(tol, (GAP_FLOOR if has_gap(penalty) else VIOLATION_FLOOR)[dtype])


def gap_terms(penalty, bound, dtype):
    """Return what kernels need to compute the gap for a bound penalty, if it has one."""
    if has_gap(penalty):
        return Gap(True, bound.entry, float(bound.ridge), bound.positive)
    return Gap(False, np.empty(0, dtype), 0.0, False)
