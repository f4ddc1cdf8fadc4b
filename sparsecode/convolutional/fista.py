r"""FISTA with the exact Lipschitz constant and restart.

x' = prox(z - D^T M (D z - s) / L, 1 / L),   z' = x' + (t - 1) / t' * (x' - x),   t' = (1 + sqrt(1 + 4 t^2)) / 2
"""

import numpy as np
from scipy.sparse import csr_array

from ..penalties._base import prox_rows, value_rows
from ..solvers._rows import CONVERGED, MAX_ITER
from ._problem import MapsResult

DEFAULT_MAX_ITER = 1000


def solve_fista(problem):
    """Return maps that minimise the objective of an `ImageProblem` (to be made fast)."""
    D, s, known, (bound, span), tol, max_iter, init = problem[:7]
    step = 1 / D.lipschitz
    shape = (len(D.kernels), *D.geometry.map_shape)
    x = np.zeros(shape, D.dtype) if init is None else init.toarray().reshape(shape)
    z, t = x.copy(), 1.0
    largest = np.abs(D.correlate_grid(s)).max()
    for n_iter in range(1, max_iter + 1):
        residual = D.decode_maps(z) - s
        if known is not None:
            residual *= known
        v = z - step * D.correlate_grid(residual)
        rows = v.reshape(len(v), -1).T.copy() if span > 1 else v.reshape(1, -1)
        out = np.empty_like(rows)
        prox_rows(bound, rows, D.dtype.type(step), out)
        new = out.T.reshape(shape).copy()
        violation = np.abs(new - z).max() / step / largest
        if np.vdot(z - new, new - x) > 0:
            t = 1.0
        t_next = (1 + np.sqrt(1 + 4 * t * t)) / 2
        z, x, t = new + (t - 1) / t_next * (new - x), new, t_next
        if violation <= tol:
            break
    residual = D.decode_maps(x) - s
    if known is not None:
        residual *= known
    rows = x.reshape(len(x), -1).T.copy() if span > 1 else x.reshape(1, -1)
    price = np.empty(len(rows))
    value_rows(bound, rows, price)
    status = CONVERGED if violation <= tol else MAX_ITER
    return MapsResult(csr_array(x.reshape(1, -1)), violation, np.square(residual).sum(), price.sum(), n_iter, status)
