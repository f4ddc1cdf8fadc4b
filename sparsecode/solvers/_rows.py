"""What solvers share: the result, and rows of a problem handed to a kernel chunk by chunk."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from .._core.jit import kernel
from .._core.panels import make_products, pack, panel_products
from .._core.parallel import run_chunks
from .._core.products import aligned_copy, aligned_empty, gram, kernel_array
from ..penalties import KSparse
from ..penalties._base import value_rows
from ._codes import CHUNK_ROWS, make_codes, with_rows
from ._gram_kernels import finish_rows, squares_of_rows

#: Status of a row. STALLED: rounding keeps the certificate above its bound.
CONVERGED, MAX_ITER, NON_FINITE, STALLED = 0, 1, 2, 3

#: Below these multiples of 0.5 ||x||^2 a gap is rounding. Measured on 20 000 whitened patches (K = 288,
#: sparsity 5 to 20 %), solved until no atom exceeds its threshold: at most 6e-15 and 1.3e-6.
GAP_FLOOR = {np.dtype(np.float64): 1e-13, np.dtype(np.float32): 2e-6}

#: Below these the relative violation is rounding: of correlations, each a sum over the features.
VIOLATION_FLOOR = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-5}


#: An atom whose squared distance to the span of the active atoms is below this share of its squared norm depends on
#: them for least squares: its weight would be right to ``eps / DEPENDENCE`` only, and as large as ``DEPENDENCE**-0.5``.
#: Where weights are solved for again and again it may not bring another atom so near to the span of its others either:
#: 40 of 200 overlapping windows, each far enough from those before it, had weights of 1e15.
DEPENDENCE = {np.dtype(np.float64): 1e-10, np.dtype(np.float32): 1e-5}


class SolveResult(NamedTuple):
    """Codes with their certificates, one row or entry a sample.

    Attributes
    ----------
    codes : ndarray or CSR array of shape (n_samples, n_components)
    certificate : ndarray of shape (n_samples,)
        How far the code is from what the solver ends at; of the code before it is rounded to the dtype of X. For l1,
        weighted l1 and the elastic net the duality gap relative to ``0.5 ||x||^2``, which bounds by how much the
        objective exceeds its minimum. For other penalties the fixed-point violation relative to the largest
        correlation, each over the norm of its atom:
        ``max_j |w_j - prox(w_j + step_j g_j)| / step_j / ||d_j|| / max_j |<x, d_j>| / ||d_j||`` with
        ``g = D (x - w D)``. It vanishes where no single coefficient can improve the code: ``step_j = 1 / ||d_j||^2``,
        but for "forward-backward", whose step is the same for all. For "omp", "ormp" and "niht", and for k-sparse codes
        of "replacement", the largest ``|g_j| / ||d_j||`` of an active atom instead: it vanishes where the weights are
        those of least squares. For "mp" the largest excess of ``|g_j| / ||d_j||`` over what it takes an atom to be
        chosen: it vanishes where the pursuit ends. For "sparse-set" the most by which a change of the set by one atom
        would lower the objective, relative to ``0.5 ||x||^2``.
    square_error : ndarray of shape (n_samples,)
        ``||x - w D||^2``.
    penalty : ndarray of shape (n_samples,)
        ``pen(w)``; the objective is ``0.5 * square_error + penalty``.
    n_iter : ndarray of shape (n_samples,)
        Passes over all atoms.
    status : ndarray of shape (n_samples,)
        0 converged: the certificate is at most `tol`, and for "omp", "ormp", "mp", "niht" and "replacement" no
        atom is left that would enter. 1 stopped at `max_iter`. 2 not finite. 3 stalled: rounding keeps the certificate
        above `tol`.
    """

    codes: np.ndarray
    certificate: np.ndarray
    square_error: np.ndarray
    penalty: np.ndarray
    n_iter: np.ndarray
    status: np.ndarray


class Atoms(NamedTuple):
    """A dictionary with what all solvers need of it."""

    D: np.ndarray
    G: np.ndarray
    norms: np.ndarray  # ||d_j||^2, the diagonal of G
    inverse_norms: np.ndarray  # 1 / ||d_j||, 0 for atoms that are zero
    panels: np.ndarray  # D as `panel_products` takes it

    @classmethod
    def prepare(cls, D, n_jobs=None):
        """Take a checked array."""
        D = aligned_copy(D)
        G = gram(D, n_jobs)
        norms = np.diagonal(G).copy()
        inverse_norms = np.divide(1, np.sqrt(norms), out=np.zeros_like(norms), where=norms > 0)
        return cls(D, G, norms, inverse_norms, pack(D))


class Problem(NamedTuple):
    """Rows to be coded with given atoms, as kernels take them, and how the codes are wanted."""

    X: np.ndarray
    atoms: Atoms
    n_jobs: int | None = None
    init: np.ndarray | csr_array | None = None  # codes that rows go on from
    n_iter: np.ndarray | None = None  # passes that these have taken
    sparse_output: bool = False
    code_dtype: np.dtype | None = None  # to which codes are rounded; None is that of X

    def run(self, solve_rows, arguments, make_work, price=None):
        """Call ``solve_rows(G, C, square_norms, *arguments, work, stop, *outputs)`` for chunks of rows.

        The outputs are the arrays of a `SolveResult` but for the squared errors, where the kernel finds what rows go on
        from. ``price(codes, penalties)``, if given, writes the penalties of a chunk.
        """
        (n, F), D = self.X.shape, self.atoms.D
        K, dtype = len(D), self.X.dtype
        codes = make_codes(n, K, dtype, self.init, self.sparse_output)
        n_iter = np.zeros(n, np.int64) if self.n_iter is None else self.n_iter.copy()
        result = SolveResult(None, np.empty(n), np.empty(n), np.empty(n), n_iter, np.empty(n, np.int8))

        def prepare():
            product_work = *make_products(CHUNK_ROWS, K, dtype), np.empty(CHUNK_ROWS)
            measure_work = np.empty(K, np.int64), np.empty(K), aligned_empty(F, dtype)
            return make_work(), product_work, measure_work, *codes.make_work()

        def solve_chunk(start, end, stop, work, product_work, measure_work, dense_rows, entries):
            rows = slice(start, end)
            X, (C, vector, square_norms) = kernel_array(self.X[rows]), product_work
            C, square_norms = C[: end - start], square_norms[: end - start]
            panel_products(X, self.atoms.panels, C, vector)
            squares_of_rows(X, square_norms)
            certificate, square_error, cost, n_iter, status = (array[rows] for array in result[1:])
            W = codes.open(start, end, dense_rows)
            solve_rows(self.atoms.G, C, square_norms, *arguments, work, stop, W, certificate, cost, n_iter, status)
            if self.code_dtype is not None:
                W[...] = W.astype(self.code_dtype)
            if price is not None:
                price(W, cost)
            finish_rows(X, D, W, *measure_work, square_error, *entries)
            status[~(square_error < np.inf)] = NON_FINITE
            codes.close(start, end, entries)

        run_chunks(solve_chunk, n, n_jobs=self.n_jobs, chunk_rows=CHUNK_ROWS, prepare=prepare)
        return result._replace(codes=codes.collected(self.code_dtype or dtype))


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


def price_of(penalty, bound):
    """Return what writes the prices of codes that count atoms; None for k-sparse codes, which have no price."""
    if isinstance(penalty, KSparse):
        return None
    return lambda W, costs: value_rows(bound, W.astype(np.float64), costs)


def in_double_where_stalled(
    method, X, D, penalty, *, n_jobs=None, init=None, sparse_output=False, **settings
):  # fmt: skip
    """Return ``method(problem, penalty, ...)``; rows that rounding in float32 has stalled go on in float64.

    D is an array, or `Atoms` that were prepared for the dtype of X.
    """
    atoms = D if isinstance(D, Atoms) else Atoms.prepare(D, n_jobs)
    result = method(Problem(X, atoms, n_jobs, init, sparse_output=sparse_output), penalty, **settings)
    rows = np.flatnonzero(result.status == STALLED)
    if rows.size and X.dtype == np.float32:
        doubled = Atoms.prepare(atoms.D.astype(np.float64), n_jobs)
        codes, n_iter = result.codes[rows].astype(np.float64), result.n_iter[rows]
        again = Problem(X[rows].astype(np.float64), doubled, n_jobs, codes, n_iter, sparse_output, X.dtype)
        part = method(again, penalty, **settings)
        for whole, piece in zip(result[1:], part[1:], strict=True):
            whole[rows] = piece
        result = result._replace(codes=with_rows(result.codes, rows, part.codes))
    return result
