"""All convolutional solvers by name, and the front door `solve_convolutional`."""

import numpy as np
from scipy.sparse import vstack

from .._core.samples import flatten_input
from ..solvers._rows import SolveResult
from . import fista, greedy
from ._problem import BoundPenalty, ImageProblem

SOLVERS = {"fista": fista.solve_fista, "greedy": greedy.solve_greedy}


def solve_convolutional(
    X, D, penalty, *, mask=None, solver="auto", tol=1e-3, max_iter=None, init=None, n_jobs=None
):  # fmt: skip
    r"""Solve ``min_x 0.5 ||M (D x - s)||^2 + pen(x)`` for every image s of X, ``D x = sum_k d_k * x_k``.

    Parameters
    ----------
    X : array-like of shape (n_samples, prod(image_shape)) or (n_samples, *image_shape)
    D : ConvolutionOperator
    penalty : Penalty
        From `sparsecode.penalties`; `WeightedL1` may have a weight for each kernel or for each coefficient.
    mask : array-like of bool, of the shape of X, or None, default=None
        True where a pixel is known; the others have no part in the data term M.
    solver : str, default="auto"
    tol : float, default=1e-3
        Largest certificate.
    max_iter : int or None, default=None
    init : array-like or CSR array of shape (n_samples, n_kernels * prod(map_shape)) or None, default=None
    n_jobs : int or None, default=None

    Returns
    -------
    SolveResult
        Its codes are a CSR array of shape (n_samples, n_kernels * prod(map_shape)): column
        ``(k * rows + i) * columns + j`` is the coefficient of kernel k at (i, j).
    """
    rows = np.asarray(flatten_input(X, D.image_shape), dtype=D.dtype)
    known = None if mask is None else np.asarray(flatten_input(mask, D.image_shape), dtype=bool)
    bound = BoundPenalty.of(penalty, D)
    results = []
    for i, row in enumerate(rows):
        M = D.geometry.known(None if known is None else D.as_image(known[i]))
        image = (
            np.where(M, D.geometry.place(D.as_image(row)), 0) if M is not None else D.geometry.place(D.as_image(row))
        )
        start = None if init is None else init[i : i + 1]
        problem = ImageProblem(D, image.astype(D.dtype), M, bound, tol, max_iter or fista.DEFAULT_MAX_ITER, start)
        results.append(SOLVERS["fista" if solver == "auto" else solver](problem))
    codes, *numbers = zip(*results, strict=True)
    return SolveResult(vstack(codes, format="csr"), *map(np.array, numbers))
