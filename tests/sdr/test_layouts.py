"""Layouts of binary rows, one into the other."""

import numpy as np
import pytest
from scipy.sparse import coo_matrix, csr_array

from sparsecode.sdr import (
    MacrocolumnMemory,
    WillshawMemory,
    layouts,
    overlap,
    pack_bits,
    random_codes,
    random_sdrs,
    to_csr,
    to_dense,
    to_winners,
    unpack_bits,
)

from ..reference import sdr as naive


def rows_of(rng, n=7, n_features=70):
    """Few ones, none in one row and all in another."""
    X = rng.random((n, n_features)) < 0.1
    X[2], X[4] = False, True
    return X


@pytest.mark.parametrize("n_features", [1, 63, 64, 65, 200])
def test_dense_csr_and_bits_hold_the_same(rng, n_features):
    X = rows_of(rng, n_features=n_features)
    csr = to_csr(X)
    assert csr.dtype == bool
    assert csr.has_canonical_format
    wide = csr.copy()
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    assert to_csr(wide).indices.dtype == to_csr(wide).indptr.dtype == csr.indices.dtype == np.int32
    np.testing.assert_array_equal(to_dense(csr), X)
    for given in (X, csr, X.tolist(), X.astype(np.int8), coo_matrix(X), csr.astype(float)):
        words = pack_bits(given)
        assert words.dtype == np.uint64
        assert words.tolist() == [naive.bits(row) for row in X]
        np.testing.assert_array_equal(unpack_bits(words, n_features), X)
        np.testing.assert_array_equal(to_dense(given), X)


def test_winners_hold_the_same(rng):
    codes = random_codes(6, 5, 4, random_state=0)
    codes[1], codes[2, 3] = -1, -1
    X = naive.dense(codes, 4)
    np.testing.assert_array_equal(to_dense(codes, n_units=4), X)
    assert to_csr(codes, n_units=4).has_canonical_format
    np.testing.assert_array_equal(to_csr(codes, n_units=4).toarray(), X)
    np.testing.assert_array_equal(pack_bits(codes, n_units=4), pack_bits(X))
    for given in (X, csr_array(X)):
        winners = to_winners(given, 4)
        assert winners.dtype == np.int32
        np.testing.assert_array_equal(winners, codes)


def test_more_rows_than_are_packed_at_a_time(rng):
    X = rng.random((2500, 30)) < 0.2
    np.testing.assert_array_equal(unpack_bits(pack_bits(csr_array(X)), 30), X)


def test_wide_rows_are_packed_few_at_a_time(monkeypatch):
    """No more entries are dense at a time than for narrow rows."""
    X = random_sdrs(40, 300_000, 30, sparse_output=True, random_state=0)
    sizes = []
    monkeypatch.setattr(layouts, "as_dense", lambda rows: sizes.append(rows.shape) or rows.toarray())
    np.testing.assert_array_equal(np.bitwise_count(pack_bits(X)).sum(axis=1), 30)
    assert max(n * n_features for n, n_features in sizes) <= layouts.ENTRIES


def test_rows_beyond_32_bits_are_refused():
    wide = csr_array((np.ones(1), ([0], [2**31])), shape=(1, 2**31 + 1))
    calls = [
        lambda: to_csr(wide),
        lambda: overlap(wide),
        lambda: to_csr([[1, 0]], n_units=2**31 - 1),
        lambda: MacrocolumnMemory().fit(wide),
        lambda: random_sdrs(1, 2**31, 1, sparse_output=True),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="than indices of 32 bits can tell apart: give at most 2147483647"):
            call()


@pytest.mark.parametrize("layout", [csr_array, coo_matrix])
def test_duplicates_do_not_wrap(layout):
    X = csr_array((np.array([200, 57], np.uint8), [1, 1], [0, 2]), shape=(1, 3))  # 1, modulo 256
    if layout is coo_matrix:
        X = coo_matrix((X.data, ([0, 0], [1, 1])), shape=X.shape)
    for call in (to_csr, WillshawMemory().fit):
        with pytest.raises(ValueError, match="such as 257"):
            call(X)
    assert to_csr(csr_array((np.array([1, -1, 1], np.int8), [1, 1, 1], [0, 3]), shape=(1, 3))).indices.tolist() == [1]


def test_whole_floats_are_integers():
    np.testing.assert_array_equal(to_winners([[0, 1]], 2.0), to_winners([[0, 1]], 2))
    np.testing.assert_array_equal(to_dense([[1, 0]], n_units=2.0), to_dense([[1, 0]], n_units=2))
    np.testing.assert_array_equal(unpack_bits(pack_bits([[0, 1]]), 2.0), [[False, True]])


def test_no_rows():
    none = np.zeros((0, 70), bool)
    assert pack_bits(none).shape == (0, 2)
    assert unpack_bits(pack_bits(none), 70).shape == (0, 70)
    assert to_csr(none).shape == to_dense(csr_array(none)).shape == (0, 70)
    assert to_winners(none, 7).shape == (0, 10)
    assert to_dense(np.zeros((0, 3), int), n_units=4).shape == (0, 12)


def test_what_is_given_is_not_changed(rng):
    csr = csr_array((np.array([1.0, 0.0, 1.0]), np.array([2, 1, 0]), np.array([0, 3])), shape=(1, 3))
    before = [part.copy() for part in (csr.data, csr.indices)]
    assert to_csr(csr).nnz == 2
    for part, was in zip((csr.data, csr.indices), before, strict=True):
        np.testing.assert_array_equal(part, was)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: to_dense([[0, 2]]), "X must hold zeros and ones only, got 1 other entries such as 2; compare with"),
        (lambda: to_dense([[0, np.nan]]), "NaN"),
        (lambda: to_dense([1, 0]), "1D array"),
        (lambda: to_dense([[0, 4]], n_units=4), "X must hold winners from 0 to 3, or -1 where .* from 0 to 4"),
        (lambda: to_dense([[-2, 0]], n_units=4), "from -2 to 0"),
        (lambda: to_csr([[0.0, 1.0]], n_units=4), "X must be winners of modules, integers .* leave `n_units` out"),
        (lambda: to_csr([[0]], n_units=0), "`n_units` must be an integer >= 1, got 0"),
        (lambda: to_winners([[0, 1, 0]], 2), "X has 3 columns, which are no modules of 2 units"),
        (lambda: to_winners([[0, 1, 0, 0], [0, 0, 1, 1]], 2), "the first of them row 1: its module 1 of 2 units"),
        (lambda: unpack_bits([[1]], 3), "`words` must be an array of uint64 of shape .* got int64"),
        (lambda: unpack_bits(np.array([[8]], np.uint64), 3), "`words` have bits beyond feature 2"),
        (lambda: unpack_bits(np.array([[8, 0]], np.uint64), 3), r"of shape \(n_samples, 1\) for 3 features"),
    ],
)
def test_wrong_rows_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
