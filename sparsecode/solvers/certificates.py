"""Certificates of optimality in plain NumPy; the kernels compute the same while they solve."""

import numpy as np


def objective(X, D, W, alpha):
    """Return ``0.5 ||x - w D||^2 + alpha ||w||_1`` for each row, in float64.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    D : ndarray of shape (n_components, n_features)
    W : ndarray of shape (n_samples, n_components)
    alpha : float

    Returns
    -------
    ndarray of shape (n_samples,)

    Examples
    --------
    >>> from sparsecode.solvers import objective
    >>> objective([[3.0, 4.0]], [[1.0, 0.0], [0.0, 1.0]], [[2.0, 4.0]], alpha=0.5).tolist()
    [3.5]
    """
    X, D, W = (np.asarray(A, dtype=np.float64) for A in (X, D, W))
    return 0.5 * np.square(X - W @ D).sum(axis=1) + alpha * np.abs(W).sum(axis=1)


def duality_gap(X, D, W, alpha, *, positive=False):
    r"""Return the duality gap of l1 codes, which bounds how far each objective is from its minimum.

    With ``r = x - w D``, ``g = D r`` and ``s = min(1, alpha / max_j |g_j|)`` (max g_j if `positive`), the
    residual ``s r`` is dual feasible and the gap is

        0.5 (1 - s)^2 ||r||^2 + sum_j (alpha |w_j| - s w_j g_j).

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    D : ndarray of shape (n_components, n_features)
    W : ndarray of shape (n_samples, n_components)
        Codes; non-negative if `positive`.
    alpha : float
        Penalty weight, > 0.
    positive : bool, default=False

    Returns
    -------
    ndarray of shape (n_samples,)
        float64, >= 0. Divide by ``0.5 ||x||^2`` for the relative gap on which coders stop.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.solvers import duality_gap
    >>> X = D = np.eye(2)
    >>> duality_gap(X, D, 0.9 * np.eye(2), alpha=0.1).round(12).tolist()
    [0.0, 0.0]
    """
    X, D, W = (np.asarray(A, dtype=np.float64) for A in (X, D, W))
    residual = X - W @ D
    g = residual @ D.T
    largest = np.maximum((g if positive else np.abs(g)).max(axis=1), 0)
    scale = np.ones(len(X))
    np.divide(alpha, largest, out=scale, where=largest > alpha)
    slack = alpha * np.abs(W).sum(axis=1) - scale * (W * g).sum(axis=1)
    return 0.5 * (1 - scale) ** 2 * np.square(residual).sum(axis=1) + np.maximum(slack, 0)
