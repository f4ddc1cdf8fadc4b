"""Codes as CSR arrays: the bits of dense ones, in canonical form, from every solver."""

import numpy as np
import pytest
from scipy.sparse import coo_array, csr_array

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


def test_stored_zeros_are_no_support():
    codes = csr_array(([2.0, 0.0], [0, 1], [0, 2]), shape=(1, 2))
    assert debias([[3.0, -0.5]], np.eye(2), codes).toarray().tolist() == [[3.0, 0.0]]
    assert codes.nnz == 2  # the user's own is as it was
