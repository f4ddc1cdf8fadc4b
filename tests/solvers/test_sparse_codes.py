"""Codes as CSR arrays: the bits of dense ones, in canonical form, from every solver."""

import numpy as np
import pytest
from scipy.optimize import nnls
from scipy.sparse import coo_array, csr_array

from sparsecode.encoder import as_dense
from sparsecode.penalties import CEL0, L1, KSparse
from sparsecode.solvers import _rows, debias, solve
from sparsecode.solvers._codes import CHUNK_ROWS, with_rows

from ..contracts.solvers import PAIRS, planted


def assert_equal(sparse, dense):
    codes = sparse.codes
    assert isinstance(codes, csr_array)
    assert codes.indices.dtype == codes.indptr.dtype == np.int32
    assert codes.data.all()
    assert all((np.diff(codes.indices[a:b]) > 0).all() for a, b in zip(codes.indptr, codes.indptr[1:], strict=False))
    assert codes.dtype == dense.codes.dtype
    assert np.array_equal(codes.toarray(), dense.codes)
    for one, other in zip(sparse[1:], dense[1:], strict=True):
        assert np.array_equal(one, other)


@pytest.mark.nojit
@pytest.mark.filterwarnings("ignore:codes of")
@pytest.mark.parametrize("pair", PAIRS)
def test_sparse_codes_are_the_dense_ones(pair, dtype):
    solver, make = PAIRS[pair]
    X, D = (array.astype(dtype) for array in planted(n=7, K=12, F=6))
    X[2] = 0
    dense = solve(X, D, make(12), solver=solver, max_iter=20)
    assert_equal(solve(X, D, make(12), solver=solver, max_iter=20, sparse_output=True), dense)


@pytest.mark.parametrize("penalty", [L1(0.3), CEL0(0.05), KSparse(3)])
def test_many_chunks_and_threads(penalty):
    X, D = planted(n=3 * CHUNK_ROWS + 5, K=20, F=12)
    X[CHUNK_ROWS : 2 * CHUNK_ROWS + 9] = 0  # a chunk without an entry
    assert_equal(solve(X, D, penalty, sparse_output=True, n_jobs=2), solve(X, D, penalty))


def test_rows_that_go_on_in_float64(monkeypatch):
    X, D = planted(n=30, K=40)
    X, D = X.astype(np.float32), (D[0] + 0.01 * D).astype(np.float32)
    again = []

    def count(codes, rows, others):
        again.append(len(rows))
        return with_rows(codes, rows, others)

    monkeypatch.setattr(_rows, "with_rows", count)
    dense = solve(X, D, L1(0.01), tol=0)
    assert_equal(solve(X, D, L1(0.01), tol=0, sparse_output=True), dense)
    assert again[0] == again[1] > 0


@pytest.mark.parametrize("solver", ["active-set", "greedy"])
def test_sparse_codes_to_start_from(solver):
    X, D = planted(n=CHUNK_ROWS + 20)
    start = solve(X[::-1], D, L1(0.4)).codes
    unsorted = coo_array(start)
    for init in (start, csr_array(start), unsorted):
        again = solve(X, D, L1(0.3), solver=solver, init=init, sparse_output=True)
        assert_equal(again, solve(X, D, L1(0.3), solver=solver, init=start))


def test_debias_of_sparse_codes():
    X, D = planted(n=50)
    codes = solve(X, D, L1(0.3)).codes
    refit = debias(X, D, csr_array(codes))
    assert isinstance(refit, csr_array)
    assert np.array_equal(refit.toarray(), debias(X, D, codes))


@pytest.mark.parametrize("shape", [(40, 20), (144, 64)])
def test_debias_of_non_negative_codes_is_the_best_on_the_support(shape):
    K, F = shape
    rng = np.random.default_rng(0)
    D, X = rng.normal(size=(K, F)), rng.normal(size=(60, F))
    codes = solve(X, D, L1(0.05 * np.median((X @ D.T).max(axis=1)), positive=True)).codes
    refit = debias(X, D, codes, positive=True)
    assert refit.min() >= 0
    assert not refit[codes == 0].any()
    for x, w, found in zip(X, codes, refit, strict=True):
        best = nnls(D[w > 0].T, x)[1]
        np.testing.assert_allclose(np.linalg.norm(x - found @ D), best, atol=1e-9 * np.linalg.norm(x))


def test_debias_of_nearly_equal_atoms_in_float32(rng):
    """Where float32 takes atoms for dependent, the row is solved in float64."""
    D = (rng.normal(size=12) + 3e-3 * rng.normal(size=(20, 12))).astype(np.float32)
    codes = (rng.random((30, 20)) < 0.2).astype(np.float32)
    X = codes @ D
    double = debias(X.astype(float), D.astype(float), codes)
    size = np.linalg.norm(X, axis=1)
    for start in (codes, csr_array(codes)):
        error = np.linalg.norm(X - as_dense(debias(X, D, start)).astype(float) @ D.astype(float), axis=1)
        assert (error <= np.linalg.norm(X - double @ D, axis=1) + 1e-4 * size).all()


def test_stored_zeros_are_no_support():
    codes = csr_array(([2.0, 0.0], [0, 1], [0, 2]), shape=(1, 2))
    assert debias([[3.0, -0.5]], np.eye(2), codes).toarray().tolist() == [[3.0, 0.0]]
    assert codes.nnz == 2  # the user's own is as it was
