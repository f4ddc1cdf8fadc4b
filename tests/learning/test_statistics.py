"""Statistics of a batch against their naive twin, and what holds for any way to split the samples."""

import functools
import itertools

import numpy as np
import pytest
from scipy.sparse import csr_array

from sparsecode.learning.init import initial_atoms
from sparsecode.learning.statistics import WORST, Totals, gather, merge, merge_totals
from sparsecode.solvers import SolveResult

from ..reference import learning as naive


def sparse_codes(rng, n, K, dtype=np.float64):
    return (rng.normal(size=(n, K)) * (rng.random((n, K)) < 0.3)).astype(dtype)


def coded(X, D, W, status=0):
    """Return the statistics of samples with codes W; the penalty is the number of coefficients."""
    n = len(X)
    errors = np.square(X - W @ D, dtype=np.float64).sum(axis=1)
    cost, certificate, status = (W != 0).sum(axis=1), np.arange(n) / n, np.broadcast_to(status, n)
    return gather(X, SolveResult(csr_array(W), certificate, errors, cost, None, status))


@pytest.fixture
def batch(rng, dtype):
    D = initial_atoms(np.zeros((1, 5), dtype), 7, "random", rng)
    return rng.normal(size=(50, 5)).astype(dtype), D, sparse_codes(rng, 50, 7, dtype)


@pytest.mark.nojit
def test_equal_to_the_naive_twin(batch):
    X, D, W = batch
    A, B, counts, errors, order = naive.statistics(X, W, D)
    found = coded(X, D, W)
    # Largest differences over 200 seeds: float64 4e-15, float32 6e-6
    atol = 4e-14 if X.dtype == np.float64 else 5e-5
    np.testing.assert_allclose(found.A, A, atol=atol)
    np.testing.assert_allclose(found.B, B, atol=atol)
    assert np.array_equal(found.worst.X, X[order[:WORST]])
    assert np.array_equal(found.worst.codes, W[order[:WORST]])
    np.testing.assert_allclose(found.worst.square_error, errors[order[:WORST]], rtol=1e-5)
    assert np.array_equal(found.totals.counts, counts)
    assert found.A.dtype == found.B.dtype == found.worst.codes.dtype == X.dtype
    assert np.array_equal(found.A, found.A.T)


@pytest.mark.nojit
def test_totals_are_sums_over_samples(batch):
    X, D, W = batch
    status = np.array([0] * 40 + [1] * 7 + [3] * 3)
    totals = coded(X, D, W, status).totals
    assert (totals.n, totals.stopped, totals.stalled, totals.violation) == (50, 7, 3, 0.98)
    assert totals.penalty == totals.counts.sum() == np.count_nonzero(W)
    np.testing.assert_allclose(totals.square_error, np.square(X - W @ D).sum(), rtol=1e-5)


@pytest.mark.nojit
def test_merged_parts_are_the_whole(batch):
    X, D, W = batch
    whole = coded(X, D, W)
    for cuts in ([0, 50], [0, 1, 50], [0, 20, 30, 50], range(51)):
        parts = [coded(X[a:b], D, W[a:b]) for a, b in itertools.pairwise(cuts)]
        merged = functools.reduce(merge, parts)
        atol = 4e-14 if X.dtype == np.float64 else 5e-5
        np.testing.assert_allclose(merged.A, whole.A, atol=atol)
        np.testing.assert_allclose(merged.B, whole.B, atol=atol)
        assert np.array_equal(merged.worst.X, whole.worst.X)
        assert np.array_equal(merged.worst.codes, whole.worst.codes)
        assert np.array_equal(merged.totals.counts, whole.totals.counts)
        assert merged.totals.n == 50
        np.testing.assert_allclose(merged.totals.square_error, whole.totals.square_error)


@pytest.mark.nojit
def test_merging_changes_neither_part_and_totals_begin_with_none(batch):
    X, D, W = batch
    first, second = coded(X[:25], D, W[:25]), coded(X[25:], D, W[25:])
    before = first.A.copy(), second.totals.counts.copy()
    merge(first, second)
    assert np.array_equal(first.A, before[0])
    assert np.array_equal(second.totals.counts, before[1])
    for found, expected in zip(merge_totals(Totals.none(7), first.totals), first.totals, strict=True):
        assert np.array_equal(found, expected)


@pytest.mark.nojit
def test_equal_errors_keep_the_order_of_samples(rng):
    X = np.ones((40, 3)) * np.sign(rng.normal(size=(40, 3)))  # all of one norm
    statistics = coded(X, np.eye(3), np.zeros((40, 3)))
    assert np.array_equal(statistics.worst.X, X[:WORST])
    assert np.array_equal(merge(statistics, statistics).worst.X, X[:WORST])


@pytest.mark.nojit
def test_codes_without_coefficients(rng):
    statistics = coded(rng.normal(size=(4, 3)), np.eye(3), np.zeros((4, 3)))
    assert not statistics.A.any()
    assert not statistics.B.any()
    assert len(statistics.worst.X) == 4
