"""What solvers share: the result, and rows of a problem handed to a kernel chunk by chunk."""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from .._core.parallel import run_chunks
from .._core.products import aligned_copy, aligned_empty, gram, kernel_array, row_products
from ._gram_kernels import square_errors

#: Status of a row. STALLED: rounding keeps the certificate above its bound.
CONVERGED, MAX_ITER, NON_FINITE, STALLED = 0, 1, 2, 3

#: Rows that a thread takes at a time: their correlations stay in its cache, and the calls between kernels count little.
CHUNK_ROWS = 64

#: Below these multiples of 0.5 ||x||^2 a gap is rounding. Measured on 20 000 whitened patches (K = 288,
#: sparsity 5 to 20 %), solved until no atom exceeds its threshold: at most 6e-15 and 1.3e-6.
GAP_FLOOR = {np.dtype(np.float64): 1e-13, np.dtype(np.float32): 2e-6}

#: Below these the relative violation is rounding: of correlations, each a sum over the features.
VIOLATION_FLOOR = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-5}


#: An atom whose squared distance to the span of the active atoms is below this share of its squared norm depends on
#: them for least squares: its weight would be right to ``eps / DEPENDENCE`` only, and as large as ``DEPENDENCE**-0.5``.
DEPENDENCE = {np.dtype(np.float64): 1e-10, np.dtype(np.float32): 1e-5}


class SolveResult(NamedTuple):
    """Codes with their certificates, one row or entry a sample.

    Attributes
    ----------
    codes : ndarray of shape (n_samples, n_components)
    certificate : ndarray of shape (n_samples,)
        How far the code is from what the solver ends at; of the code before it is rounded to the dtype of X. For l1,
        weighted l1 and the elastic net the duality gap relative to ``0.5 ||x||^2``, which bounds by how much the
        objective exceeds its minimum. For other penalties the fixed-point violation relative to the largest
        correlation, each over the norm of its atom:
        ``max_j |w_j - prox(w_j + step_j g_j)| / step_j / ||d_j|| / max_j |<x, d_j>| / ||d_j||`` with
        ``g = D (x - w D)``. It vanishes where no single coefficient can improve the code: ``step_j = 1 / ||d_j||^2``,
        but for "forward-backward", whose step is the same for all. For "omp" and "ormp", and for k-sparse codes of
        "replacement", the largest ``|g_j| / ||d_j||`` of an active atom instead: it vanishes where the weights are
        those of least squares.
    square_error : ndarray of shape (n_samples,)
        ``||x - w D||^2``.
    penalty : ndarray of shape (n_samples,)
        ``pen(w)``; the objective is ``0.5 * square_error + penalty``.
    n_iter : ndarray of shape (n_samples,)
        Passes over all atoms.
    status : ndarray of shape (n_samples,)
        0 converged: the certificate is at most `tol`, and for "omp", "ormp" and "replacement" no atom is left
        that would enter. 1 stopped at `max_iter`. 2 not finite. 3 stalled: rounding keeps the certificate above `tol`.
    """

    codes: np.ndarray
    certificate: np.ndarray
    square_error: np.ndarray
    penalty: np.ndarray
    n_iter: np.ndarray
    status: np.ndarray


class Problem(NamedTuple):
    """Rows to be coded, as kernels take them."""

    X: np.ndarray
    D: np.ndarray
    G: np.ndarray
    norms: np.ndarray  # ||d_j||^2, the diagonal of G
    inverse_norms: np.ndarray  # 1 / ||d_j||, 0 for atoms that are zero
    n_jobs: int | None

    @classmethod
    def build(cls, X, D, n_jobs):
        """Take checked arrays of one dtype."""
        D = aligned_copy(D)
        G = gram(D, n_jobs)
        norms = np.diagonal(G).copy()
        inverse_norms = np.divide(1, np.sqrt(norms), out=np.zeros_like(norms), where=norms > 0)
        return cls(X, D, G, norms, inverse_norms, n_jobs)

    def run(self, solve_rows, arguments, make_work, init=None, n_iter=None):
        """Call ``solve_rows(G, C, square_norms, *arguments, work, stop, *outputs)`` for chunks of rows.

        The outputs are the arrays of a `SolveResult` but for the squared errors. Rows go on from the codes `init` and
        the numbers of passes `n_iter`, both of which the kernel finds there.
        """
        n, K = self.X.shape[0], self.D.shape[0]
        codes = np.zeros((n, K), self.X.dtype) if init is None else np.array(init, dtype=self.X.dtype, order="C")
        n_iter = np.zeros(n, np.int64) if n_iter is None else n_iter.copy()
        result = SolveResult(codes, np.empty(n), np.empty(n), np.empty(n), n_iter, np.empty(n, np.int8))
        square_norms = np.einsum("ij,ij->i", self.X, self.X, dtype=np.float64)

        def prepare():
            return make_work(), aligned_empty((CHUNK_ROWS, K), self.X.dtype), make_measure_work(self.D)

        def solve_chunk(start, end, stop, work, C, measure_work):
            rows = slice(start, end)
            X, C = kernel_array(self.X[rows]), C[: end - start]
            row_products(X, self.D, C)
            part = SolveResult(*(array[rows] for array in result))
            outputs = part.codes, part.certificate, part.penalty, part.n_iter, part.status
            solve_rows(self.G, C, square_norms[rows], *arguments, work, stop, *outputs)
            square_errors(X, self.D, part.codes, *measure_work, part.square_error)
            part.status[~(part.square_error < np.inf)] = NON_FINITE

        run_chunks(solve_chunk, n, n_jobs=self.n_jobs, chunk_rows=CHUNK_ROWS, prepare=prepare)
        return result


def make_measure_work(D):
    """Allocate the work arrays of `square_errors`."""
    K, F = D.shape
    return np.empty(K, np.int64), np.empty(K), aligned_empty(F, D.dtype)


def _conclude(objective, done, exhausted):
    """Return the status of a row; what is neither done nor exhausted has stalled."""
    if not objective < np.inf:
        return NON_FINITE
    if done:
        return CONVERGED
    return MAX_ITER if exhausted else STALLED


def _share(part, whole):
    """Return ``part / whole``, which of a zero sample is infinite, or zero where there is no part either."""
    if whole > 0.0:
        return part / whole
    return np.inf if part > 0.0 else 0.0


conclude = kernel(_conclude)
share = kernel(_share)


def merge(result, rows, part):
    """Write the result of some rows into that of all."""
    for whole, piece in zip(result, part, strict=True):
        whole[rows] = piece


def in_double_where_stalled(solve, X, D, penalty, **settings):
    """Return ``solve(X, D, penalty, ...)``; rows that rounding in float32 has stalled go on in float64."""
    result = solve(X, D, penalty, **settings)
    rows = np.flatnonzero(result.status == STALLED)
    if rows.size and X.dtype == np.float32:
        settings |= {"init": result.codes[rows], "n_iter": result.n_iter[rows]}
        merge(result, rows, solve(X[rows].astype(np.float64), D.astype(np.float64), penalty, **settings))
        errors = np.empty(len(rows))  # of the codes as they are rounded now
        square_errors(kernel_array(X[rows]), kernel_array(D), result.codes[rows], *make_measure_work(D), errors)
        result.square_error[rows] = errors
    return result
