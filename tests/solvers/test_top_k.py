"""The statistical top-k against its formula, and how far its counts are from k."""

import numpy as np
import pytest
from scipy.stats import norm

from sparsecode.solvers import statistical_top_k


def naive(values, k, hard):
    out = np.zeros(values.shape)
    for row, v in zip(out, values.astype(float), strict=True):
        t = v.mean() + np.sqrt(np.mean((v - v.mean()) ** 2)) * norm.ppf(1 - k / len(v))
        row[v > t] = v[v > t] if hard else v[v > t] - t
    return out


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("k", [1, 7, 39])
def test_equals_its_formula(rng, dtype, k, hard):
    values = (rng.normal(size=(20, 40)) * np.geomspace(1e-3, 1e3, 20)[:, None] + 2).astype(dtype)
    found = statistical_top_k(values, k, hard=hard)
    assert found.dtype == dtype
    close = {"rtol": 1e-4, "atol": 2e-6} if dtype == np.float32 else {"rtol": 1e-10, "atol": 1e-12}
    expected = naive(values, k, hard)
    np.testing.assert_allclose(found, expected, atol=close["atol"] * np.abs(values).max(), rtol=close["rtol"])
    scaled = statistical_top_k(values.astype(float) * 2.0**700, k, hard=hard)  # whose squares overflow
    np.testing.assert_allclose(scaled / 2.0**700, expected, atol=1e-4 if dtype == np.float32 else 1e-9)


def test_counts_of_gaussian_values(rng):
    """Means of 2000 rows are within 0.4 of k over seeds 0 to 9, spreads are at most 0.88 sqrt(k)."""
    values = rng.normal(size=(2000, 500))
    for k in (5, 25, 100, 250):
        counts = np.count_nonzero(statistical_top_k(values, k), axis=1)
        assert abs(counts.mean() - k) < 0.6
        assert counts.std() < np.sqrt(k)


def test_counts_of_correlations_of_patches(patches, learned):
    """Tails are heavier than Gaussian, so small k are exceeded and large ones missed: see the docstring."""
    C = patches[:5000] @ learned.T
    counts = {k: np.count_nonzero(statistical_top_k(C, k), axis=1).mean() for k in (2, 10, 20, 40)}
    assert counts[2] > 1.3 * 2
    assert 0.9 * 10 < counts[10] < 1.1 * 10
    assert 0.75 * 20 < counts[20] < 0.95 * 20
    assert 0.7 * 40 < counts[40] < 0.95 * 40


def test_rows_of_equal_values_are_empty():
    values = np.array([[0.0, 0.0, 0.0], [0.1, 0.1, 0.1], [1e300, 1e300, 1e300]])
    assert not statistical_top_k(values, 1).any()
    assert not statistical_top_k(values, 1, hard=True).any()
    assert not statistical_top_k([[0.1] * 6], 2, hard=True).any()  # the mean of these is rounded down


@pytest.mark.parametrize("k", [0, 5, -1, 2.0, True, None])
def test_bad_k(k):
    with pytest.raises(ValueError, match="`k` must be an integer of at least 1 and less than the 5 values of a row"):
        statistical_top_k(np.ones((2, 5)), k)


def test_bad_values():
    for values, message in (
        ([1.0, 2.0], "two dimensions"),
        ([[1.0, np.nan]], "must be finite"),
        ([["a", "b"]], "real"),
    ):
        with pytest.raises(ValueError, match=message):
            statistical_top_k(values, 1)
