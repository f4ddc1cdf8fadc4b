"""Products from packed atoms against NumPy, row by row bit for bit."""

import numpy as np
import pytest

from sparsecode._core.panels import BLOCK, pack, panel_products
from sparsecode._core.products import aligned_empty
from sparsecode._core.vectors import lanes


def _products(X, D):
    """Return the products, after a check that nothing is written beyond them."""
    C = np.full((len(X) + 1, len(D)), np.nan, X.dtype)
    panel_products(X, pack(D), C[:-1], aligned_empty(lanes(D.dtype), D.dtype))
    assert np.isnan(C[-1]).all()
    return C[:-1]


@pytest.mark.nojit
@pytest.mark.parametrize("n_features", [1, BLOCK - 1, BLOCK, 2 * BLOCK + 3])
@pytest.mark.parametrize("n_components", [1, 15, 16, 17, 31, 32, 33, 70])
def test_equals_numpy_and_rows_are_independent(rng, dtype, n_components, n_features):
    for n in (1, 2, 3, 7):
        X = rng.normal(size=(n, n_features)).astype(dtype)
        D = rng.normal(size=(n_components, n_features)).astype(dtype)
        C = _products(X, D)
        np.testing.assert_allclose(C, X @ D.T, rtol=0, atol=2e-5 if dtype == np.float32 else 3e-14)
        for i in range(n):
            assert np.array_equal(_products(X[i : i + 1], D)[0], C[i])


def test_is_more_accurate_than_one_chain(rng, dtype):
    X, D = (rng.normal(size=(n, 1024)).astype(dtype) for n in (60, 200))
    exact = X.astype(np.longdouble) @ D.T.astype(np.longdouble)
    error = np.sqrt(np.square(_products(X, D) - exact).mean() / np.square(exact).mean())
    # 1.36 to 1.41 with ten seeds; a chain of 1024 products has 4.8
    assert error < 1.6 * np.finfo(dtype).eps


@pytest.mark.nojit
def test_numbers_that_are_not_finite_stay_in_their_rows_and_atoms(dtype):
    X, D = np.ones((4, 3), dtype), np.ones((5, 3), dtype)
    X[1, 0], D[4, 2] = np.inf, np.nan
    expected = np.full((4, 5), 3.0)
    expected[1], expected[:, 4] = np.inf, np.nan
    with np.errstate(invalid="ignore"):  # behind the last atom, in plain Python
        np.testing.assert_array_equal(_products(X, D), expected)
