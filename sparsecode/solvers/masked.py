r"""Codes of rows of which only some features are known.

    min_w  0.5 sum_{f known} (x_f - (w D)_f)^2 + pen(w)

is the coding problem of the known features, with the atoms cut to them; each row has its own Gram matrix.

* For l1-type penalties, l0 and CEL0: greedy coordinate descent (see `coordinate_descent`), for which a row of the
  matrix is computed when its atom enters, at a cost of O(K F). So a code of k atoms costs O(K F k) beside the descent,
  where the whole matrix would cost O(K^2 F). For l0 and CEL0 atoms are scaled to unit norm over the known features.
  Work is done in float64. Memory is O(K^2) a thread, of which only rows of atoms that entered are touched.
* Rows of which all is known: the solver of rows without a mask, so that a mask of ones changes nothing. For l0 and CEL0
  that ends at better minima than the descent.
* For other penalties, and for a solver that is named: rows with equal masks together, with their whole matrix.

With `centered`, the mean of the known features of a row, and of each atom, is taken away first: a constant atom without
a price.
"""

import numpy as np
from scipy.sparse import csr_array

from .._core.parallel import run_chunks
from .._core.products import aligned_copy, aligned_empty, kernel_array, row_products
from .._core.samples import center
from ..penalties import L0
from ._codes import CHUNK_ROWS, make_codes, move_entries
from ._masked_kernel import KnownGram
from ._proximal_kernels import descend_rows, make_workspace
from ._rows import NON_FINITE, SolveResult
from ._scales import by_group
from .certificates import gap_terms, has_gap, raise_tol
from .coordinate_descent import DEFAULT_MAX_ITER
from .debias import debias_codes

#: An atom whose squared norm over the known features, without its mean, is below this share of what it is with it, is
#: constant there: rounding leaves some 1e-15.
CONSTANT = 1e-13

#: Rows whose residuals are computed at a time.
BLOCK_ROWS = 4096


def solve_masked(X, D, penalty, mask, solver, *, named, centered=False, **settings):
    """Return the SolveResult of rows with known entries; arguments are those of `solve`, checked.

    D are atoms, or `Atoms` prepared for the dtype of X; `solver` is an entry of `SOLVERS` for whole rows. If it is not
    `named` by the user, rows that are not complete are given to the descent where that takes the penalty.
    """
    atoms = getattr(D, "D", D)

    def own(rows):
        init = settings.get("init")
        return settings | ({} if init is None else {"init": init[rows]})

    def solve_rows(x, atoms, rows):
        return solver.solve(x, atoms, penalty, **own(rows))

    def solve_group(complete, rows):
        if not complete:
            return _descend(X[rows], atoms, penalty, mask[rows], centered, **own(rows))
        return solve_rows(center(X[rows], mask[rows]) if centered else X[rows], D, rows)

    if named or not takes_descent(penalty):
        return _by_mask(solve_rows, X, atoms, mask, centered)
    return by_group(mask.all(axis=1), solve_group)


def takes_descent(penalty):
    """Tell whether the descent with known entries takes a penalty."""
    return has_gap(penalty) or isinstance(penalty, L0)


def debias_masked(X, D, codes, mask, *, centered=False, positive=False, n_jobs=None):
    """Return the result of least squares over known entries on the support of each code."""

    def refit_rows(X, D, rows):
        return debias_codes(X, D, codes[rows], positive=positive, n_jobs=n_jobs)

    return _by_mask(refit_rows, X, D, mask, centered)


def _by_mask(solve_rows, X, D, mask, centered):
    """Return the results of ``solve_rows(X, D, rows)`` for known entries, rows with equal masks at a time."""
    _, labels = np.unique(np.packbits(mask, axis=1), axis=0, return_inverse=True)

    def solve_group(label, rows):
        known = mask[rows[0]]
        x, atoms = X[rows][:, known], np.ascontiguousarray(D[:, known])
        if centered:
            x, atoms = center(x), center(atoms)
        return solve_rows(x, atoms, rows)

    return by_group(labels.ravel(), solve_group)


def _descend(
    X, D, penalty, mask, centered, *, tol, max_iter=None, init=None, gains=None, n_jobs=None, sparse_output=False
):
    (n, F), K, dtype = X.shape, len(D), np.dtype(np.float64)
    D = aligned_copy(D.astype(dtype))
    transposed, squares = aligned_copy(D.T), aligned_copy(np.square(D))
    bound = penalty.bind(np.ones(K), dtype, gains)
    limits = True, raise_tol(tol, penalty, dtype), max_iter or DEFAULT_MAX_ITER
    codes = make_codes(n, K, dtype, init, sparse_output)
    result = SolveResult(None, np.empty(n), np.empty(n), np.empty(n), np.zeros(n, np.int64), np.empty(n, np.int8))

    def prepare():
        arrays = aligned_empty((K, K), dtype), np.zeros(K, np.int64), np.empty(F + 1, np.int64), np.empty(2, np.int64)
        shared = aligned_empty(K, dtype), aligned_empty(K, dtype)
        work = make_workspace(K, dtype)
        return (*arrays, aligned_empty(F, dtype), *shared), work, *codes.make_work()

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # rows that overflow have a status of their own
    def solve_chunk(start, end, stop, arrays, work, dense_rows, entries):
        rows = slice(start, end)
        x, known = np.array(X[rows], dtype, order="C"), mask[rows]
        x = center(x, known) if centered else x
        norms, C = aligned_empty((len(x), K), dtype), aligned_empty((len(x), K), dtype)
        mean, seen = np.zeros_like(norms), known.astype(dtype)
        row_products(x, D, C)
        row_products(seen, squares, norms)
        if centered:
            row_products(seen, D, mean)
            mean /= np.sqrt(known.sum(axis=1))[:, None]
            whole = norms.copy()
            norms -= np.square(mean)
            norms[norms <= CONSTANT * whole] = 0
        W = codes.open(start, end, dense_rows)
        scale = np.ones_like(norms)
        if isinstance(penalty, L0):
            scale = np.where(norms > 0, 1 / np.sqrt(norms), 0)
            W *= np.where(norms > 0, np.sqrt(norms), 0)
            C, mean, norms = C * scale, mean * scale, (norms > 0).astype(dtype)
        gram = KnownGram(kernel_array(known.view(np.uint8)), scale, mean, norms, D, transposed, np.zeros(K), *arrays)
        square_norms = np.einsum("ij,ij->i", x, x)
        certificate, _, cost, n_iter, status = (array[rows] for array in result[1:])
        descend_rows(
            gram, C, square_norms, bound, gap_terms(penalty, bound, dtype), gram.steps, gram.inverse_norms, *limits,
            work, stop, W, certificate, cost, n_iter, status,
        )  # fmt: skip
        W *= scale
        W[...] = W.astype(X.dtype)
        move_entries(W, entries)
        codes.close(start, end, entries)

    run_chunks(solve_chunk, n, n_jobs=n_jobs, chunk_rows=CHUNK_ROWS, prepare=prepare)
    result = result._replace(codes=codes.collected(X.dtype))
    _measure(X, D, mask, centered, result)
    return result


def _measure(X, D, mask, centered, result):
    """Write the squared errors of codes over known entries, and which are not finite."""
    for start in range(0, len(X), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        codes = result.codes[rows]
        with np.errstate(over="ignore", invalid="ignore"):
            residual = np.where(mask[rows], X[rows] - csr_array(codes).astype(np.float64) @ D, 0)
            residual = center(residual, mask[rows]) if centered else residual
            result.square_error[rows] = np.square(residual).sum(axis=1)
    result.status[~(result.square_error < np.inf)] = NON_FINITE
