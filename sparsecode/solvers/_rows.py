"""What solvers share: the result, and rows of a problem handed to a kernel chunk by chunk."""

from typing import NamedTuple

import numpy as np

from .._core.parallel import run_chunks
from .._core.products import gram, kernel_array, row_products

#: Status of a row. STALLED: rounding keeps the certificate above its bound.
CONVERGED, MAX_ITER, NON_FINITE, STALLED = 0, 1, 2, 3

#: Below these multiples of 0.5 ||x||^2 a gap is rounding. Measured on 20 000 whitened patches (K = 288,
#: sparsity 5 to 20 %), solved until no atom exceeds its threshold: at most 6e-15 and 1.3e-6.
GAP_FLOOR = {np.dtype(np.float64): 1e-13, np.dtype(np.float32): 2e-6}

#: Below these the relative violation is rounding: of correlations, each a sum over the features.
VIOLATION_FLOOR = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-5}


class SolveResult(NamedTuple):
    """Codes with their certificates, one row or entry a sample.

    Attributes
    ----------
    codes : ndarray of shape (n_samples, n_components)
    certificate : ndarray of shape (n_samples,)
        For l1, weighted l1 and the elastic net the duality gap relative to ``0.5 ||x||^2``, which bounds by how much
        the objective exceeds its minimum. For other penalties the fixed-point violation relative to the largest
        correlation, ``max_j |w_j - prox(w_j + step_j g_j)| / step_j / max_j |<x, d_j>|``, which vanishes where no
        single coefficient, or step of a proximal method, can improve the code. Of codes before they are rounded to
        the dtype of X.
    square_error : ndarray of shape (n_samples,)
        ``||x - w D||^2``.
    penalty : ndarray of shape (n_samples,)
        ``pen(w)``; the objective is ``0.5 * square_error + penalty``.
    n_iter : ndarray of shape (n_samples,)
        Passes over all atoms.
    status : ndarray of shape (n_samples,)
        0 converged, 1 stopped at `max_iter`, 2 not finite, 3 stalled by rounding.
    """

    codes: np.ndarray
    certificate: np.ndarray
    square_error: np.ndarray
    penalty: np.ndarray
    n_iter: np.ndarray
    status: np.ndarray

    @classmethod
    def allocate(cls, init, shape, dtype):
        """Return a result for codes of `shape` that start at `init`, at zero if it is None."""
        n = shape[0]
        codes = np.zeros(shape, dtype) if init is None else np.array(init, dtype=dtype, order="C")
        return cls(codes, np.empty(n), np.empty(n), np.empty(n), np.empty(n, np.int64), np.empty(n, np.int8))


class Problem(NamedTuple):
    """Rows to be coded, as kernels take them."""

    X: np.ndarray
    D: np.ndarray
    G: np.ndarray
    norms: np.ndarray  # ||d_j||^2, the diagonal of G
    n_jobs: int | None

    @classmethod
    def build(cls, X, D, n_jobs):
        """Take checked arrays of one dtype."""
        D = kernel_array(D)
        G = gram(D, n_jobs)
        return cls(X, D, G, np.diagonal(G).copy(), n_jobs)

    def run(self, kernel, arguments, make_work, init=None):
        """Call ``kernel(G, C, square_norms, *arguments, work, stop, *result)`` for chunks of rows."""
        n, K = self.X.shape[0], self.D.shape[0]
        result = SolveResult.allocate(init, (n, K), self.X.dtype)
        square_norms = np.einsum("ij,ij->i", self.X, self.X, dtype=np.float64)

        def solve_chunk(start, end, stop):
            rows = slice(start, end)
            C = np.empty((end - start, K), self.X.dtype)
            row_products(kernel_array(self.X[rows]), self.D, C)
            outputs = (array[rows] for array in result)
            kernel(self.G, C, square_norms[rows], *arguments, make_work(), stop, *outputs)

        run_chunks(solve_chunk, n, n_jobs=self.n_jobs)
        return result


def merge(result, rows, part):
    """Write the result of some rows into that of all."""
    for whole, piece in zip(result, part, strict=True):
        whole[rows] = piece


def in_double_where_stalled(solve, X, D, penalty, *, init=None, **settings):
    """Return ``solve(X, D, penalty, ...)``, with rows that rounding in float32 has stalled solved in float64."""
    result = solve(X, D, penalty, init=init, **settings)
    stalled = np.flatnonzero(result.status == STALLED)
    if stalled.size and X.dtype == np.float32:
        start = result.codes[stalled].astype(np.float64)
        again = solve(X[stalled].astype(np.float64), D.astype(np.float64), penalty, init=start, **settings)
        merge(result, stalled, again)
    return result
