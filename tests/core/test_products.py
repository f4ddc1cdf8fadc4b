"""Products of rows against NumPy, row by row bit for bit."""

import numpy as np
import pytest

from sparsecode._core.products import CACHE_LINE, THREADED, aligned_copy, aligned_empty, gram, row_products


@pytest.mark.nojit
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 5, 3), (4, 4, 8), (7, 9, 5), (13, 2, 4)])
def test_equals_numpy_and_rows_are_independent(rng, dtype, shape):
    n, K, F = shape
    X, D = rng.normal(size=(n, F)).astype(dtype), rng.normal(size=(K, F)).astype(dtype)
    C = np.full((n, K), np.nan, dtype)
    row_products(X, D, C)
    np.testing.assert_allclose(C, X @ D.T, rtol=0, atol=1e-5 if dtype == np.float32 else 1e-13)
    for i in range(n):
        alone = np.empty((1, K), dtype)
        row_products(X[i : i + 1], D, alone)
        assert np.array_equal(alone[0], C[i])


@pytest.mark.nojit
@pytest.mark.parametrize("shape", [(1, 1), (64, 3), (67, 9), (130, 5)])
def test_gram_is_exactly_symmetric(rng, dtype, shape):
    D = rng.normal(size=shape).astype(dtype)
    G = gram(D)
    assert np.array_equal(G, G.T)
    rows = np.empty_like(G)
    row_products(D, D, rows)
    assert np.array_equal(G, rows)


def test_gram_in_threads(rng, dtype):
    D = rng.normal(size=(200, 450)).astype(dtype)
    assert len(D) ** 2 * D.shape[1] >= THREADED
    G = gram(D, n_jobs=2)
    rows = np.empty_like(G)
    row_products(D, D, rows)
    for found in (G, G.T, gram(D)):
        assert np.array_equal(found, rows)


@pytest.mark.nojit
@pytest.mark.parametrize("shape", [(), 5, (3, 7)])
def test_aligned_arrays_begin_with_a_cache_line(rng, dtype, shape):
    empty = aligned_empty(shape, dtype)
    assert empty.ctypes.data % CACHE_LINE == 0
    assert (empty.dtype, empty.shape) == (dtype, np.empty(shape).shape)
    assert empty.flags.c_contiguous
    assert empty.flags.writeable
    values = rng.normal(size=(40, 3)).astype(dtype)[1:, :]
    values.flags.writeable = False
    copy = aligned_copy(values)
    assert copy.ctypes.data % CACHE_LINE == 0
    assert np.array_equal(copy, values)
    assert copy.flags.writeable
