"""Overlap, Jaccard index and Hamming distance against sets, whichever way ones are counted."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.stats import binom

from sparsecode.sdr import _similarity, code_overlap, hamming, jaccard, overlap, random_codes, random_sdrs

from ..reference import sdr as naive

nojit = pytest.mark.nojit


@pytest.fixture(params=["bits", "lists"])
def way(request, monkeypatch):
    """Count in one way whatever is less work."""
    monkeypatch.setattr(_similarity, "WORDS_PER_ENTRY", {"bits": np.inf, "lists": 0}[request.param])


def some_rows(rng, n, n_features):
    X = rng.random((n, n_features)) < rng.random((n, 1)) ** 3
    X[1], X[2] = False, True
    return X


@nojit
@pytest.mark.parametrize("n_features", [1, 64, 300])
def test_every_pair_is_that_of_sets(rng, way, n_features):
    A, B = some_rows(rng, 5, n_features), some_rows(rng, 9, n_features)
    expected = np.array([[naive.similarities(a, b) for b in B] for a in A])
    for X, Y in ((A, B), (csr_array(A), B), (A.astype(float), csr_array(B)), (csr_array(A), csr_array(B))):
        for function, values, dtype in zip(
            (overlap, jaccard, hamming), np.moveaxis(expected, 2, 0), (np.int32, np.float64, np.int64), strict=True
        ):
            found = function(X, Y)
            assert found.dtype == dtype
            np.testing.assert_array_equal(found, values)
            np.testing.assert_array_equal(function(X, Y, n_jobs=2), values)
    np.testing.assert_array_equal(overlap(A), overlap(A, A))


@nojit
def test_more_rows_than_a_block(rng, way):
    A, B = some_rows(rng, 70, 40), some_rows(rng, 600, 40)
    np.testing.assert_array_equal(overlap(A, B), A.astype(int) @ B.T.astype(int))


@nojit
def test_modules_that_agree(rng, way):
    A, B = random_codes(4, 6, 3, random_state=0), random_codes(5, 6, 3, random_state=1)
    A[1], B[2, :3] = -1, -1
    expected = ((A[:, None] == B[None]) & (A[:, None] >= 0)).sum(axis=2)
    np.testing.assert_array_equal(overlap(A, B, n_units=3), expected)
    np.testing.assert_array_equal(code_overlap(A, B, n_units=3), expected / 6)
    np.testing.assert_array_equal(hamming(A, n_units=3).diagonal(), 0)


def test_random_codes_agree_by_chance():
    """Binomial: 70 modules of 20 units, 3.5 agree on average; 250 000 pairs of 1000 codes."""
    codes = random_codes(1000, 70, 20, random_state=0)
    agree = overlap(codes[:500], codes[500:], n_units=20)
    assert agree.mean() == pytest.approx(3.5, abs=0.03)
    assert agree.var() == pytest.approx(70 * 0.05 * 0.95, rel=0.03)
    assert (agree >= 10).mean() == pytest.approx(binom.sf(9, 70, 0.05), rel=0.25)


@nojit
def test_nothing_in_common_with_nothing():
    none, X = np.zeros((0, 8), bool), np.ones((3, 8), bool)
    assert overlap(none, X).shape == (0, 3)
    assert jaccard(X, none).shape == (3, 0)
    assert jaccard(np.zeros((1, 8)), np.zeros((1, 8))).tolist() == [[1]]
    assert jaccard(np.zeros((1, 8)), X).tolist() == [[0, 0, 0]]


@nojit
def test_wide_sparse_rows_are_compared_by_lists(monkeypatch):
    """A million features take 16 000 words; nothing dense is made of them."""
    X = random_sdrs(300, 1_000_000, 50, sparse_output=True, random_state=0)
    monkeypatch.setattr(_similarity, "_by_bits", None)
    found = overlap(X)
    assert (found.diagonal() == 50).all()
    np.testing.assert_array_equal(found, (X.astype(int) @ X.T.astype(int)).toarray())


@nojit
def test_widths_must_fit():
    with pytest.raises(ValueError, match="A has 3 features, but B has 4"):
        overlap([[1, 0, 0]], [[1, 0, 0, 0]])
    with pytest.raises(ValueError, match="B must hold zeros and ones only"):
        jaccard([[1, 0, 0]], [[1, 0, 3]])
    with pytest.raises(ValueError, match="A must be winners of modules"):
        code_overlap([[0.5]], n_units=3)
