"""Union, parts, noise, dead features and random rows, in each layout."""

import numpy as np
import pytest
from scipy.sparse import csr_array, issparse
from scipy.stats import chisquare

from sparsecode.sdr import (
    add_noise,
    concat,
    drop_features,
    hamming,
    overlap,
    random_codes,
    random_sdrs,
    subsample,
    to_dense,
    union,
)


def both(X):
    """A batch as an array and as CSR."""
    return np.asarray(X), csr_array(np.asarray(X))


def same_layout(result, X):
    assert issparse(result) == issparse(X)
    assert result.dtype == bool
    return result.toarray() if issparse(result) else result


def test_union(rng):
    X = rng.random((6, 20)) < 0.2
    for given in both(X):
        np.testing.assert_array_equal(same_layout(union(given), given), X.any(axis=0)[None])
        grouped = same_layout(union(given, groups=[3, 3, 1, 1, 1, 2]), given)
        np.testing.assert_array_equal(grouped, [X[:2].any(axis=0), X[2:5].any(axis=0), X[5]])
    for given in both(np.zeros((0, 4), bool)):
        assert same_layout(union(given), given).tolist() == [[False] * 4]
    with pytest.raises(ValueError, match="rows of a sequence together"):
        union(X, groups=[1, 2, 1, 2, 1, 2])


def test_density_of_unions():
    """1 - (1 - w / n)^M; of 200 unions of 20 rows, each with a standard deviation of 0.006."""
    X = random_sdrs(4000, 2048, 40, random_state=0)
    unions = union(X, groups=np.repeat(np.arange(200), 20))
    assert unions.mean() == pytest.approx(1 - (1 - 40 / 2048) ** 20, abs=0.002)


def test_concat(rng):
    A, B = rng.random((3, 5)) < 0.5, rng.random((3, 2)) < 0.5
    expected = np.hstack([A, B])
    np.testing.assert_array_equal(concat([A, B]), expected)
    for pair in ((csr_array(A), B), (A, csr_array(B))):
        assert isinstance(concat(pair), csr_array)
        np.testing.assert_array_equal(concat(pair).toarray(), expected)
    for wrong in ([A, B[:2]], []):
        with pytest.raises(ValueError, match="`batches` must have equally many rows, got"):
            concat(wrong)


def test_subsamples_are_random_parts():
    X = np.zeros((600, 12), bool)
    X[:, 3:9] = True
    X[0], X[1] = False, np.arange(12) == 5
    for given in both(X):
        part = same_layout(subsample(given, 2, random_state=0), given)
        assert not (part & ~X).any()
        assert part.sum(axis=1).tolist() == [0, 1] + [2] * 598
        assert chisquare(part[2:, 3:9].sum(axis=0)).pvalue > 0.01
        assert not subsample(given, 0).sum()
    codes = random_codes(50, 6, 4, random_state=0)
    codes[0] = -1
    part = subsample(codes, 2, n_units=4, random_state=0)
    assert ((part >= 0).sum(axis=1) == [0] + [2] * 49).all()
    np.testing.assert_array_equal(part[part >= 0], codes[part >= 0])


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_noise_moves_ones(share):
    X = random_sdrs(300, 30, 8, random_state=0)
    for given in both(X):
        noisy = same_layout(add_noise(given, share, random_state=0), given)
        assert (noisy.sum(axis=1) == 8).all()
        assert (hamming(X, noisy).diagonal() == 2 * 8 * share).all()


def test_noise_has_only_the_room_that_there_is():
    X = np.array([[0, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 0], [0, 1, 0, 0]], bool)
    for given in both(X):
        noisy = same_layout(add_noise(given, 1.0, random_state=0), given)
        assert noisy.sum(axis=1).tolist() == [0, 4, 3, 1]
        assert hamming(X, noisy).diagonal().tolist() == [0, 0, 2, 2]


def test_noise_goes_anywhere():
    X = np.zeros((4000, 9), bool)
    X[:, [0, 4, 5]] = True
    noisy = add_noise(X, 1 / 3, random_state=0)
    assert chisquare(noisy[:, [1, 2, 3, 6, 7, 8]].sum(axis=0)).pvalue > 0.01
    assert chisquare(noisy[:, [0, 4, 5]].sum(axis=0)).pvalue > 0.01


def test_noise_of_codes_changes_winners():
    codes = random_codes(400, 10, 5, random_state=0)
    codes[0] = -1
    noisy = add_noise(codes, 0.3, n_units=5, random_state=0)
    assert ((noisy != codes).sum(axis=1) == [0] + [3] * 399).all()
    assert (noisy[0] == -1).all()
    moved = (noisy - codes)[noisy != codes] % 5
    assert chisquare(np.bincount(moved, minlength=5)[1:]).pvalue > 0.01
    np.testing.assert_array_equal(add_noise(codes % 1, 1.0, n_units=1), codes % 1)  # there are no other units


def test_dead_features_are_the_same_in_all_rows(rng):
    X = rng.random((20, 10)) < 0.5
    for given in both(X):
        left = same_layout(drop_features(given, 0.3, random_state=0), given)
        dead = ~left.any(axis=0)
        assert dead.sum() == 3
        np.testing.assert_array_equal(left, X & ~dead)
        np.testing.assert_array_equal(same_layout(drop_features(given, 0, random_state=0), given), X)
        assert not drop_features(given, 1).sum()


def test_random_rows():
    """Overlap of random rows is hypergeometric: mean w^2 / n, here 0.39."""
    X = random_sdrs(1000, 1024, 20, random_state=0)
    assert (X.sum(axis=1) == 20).all()
    assert overlap(X[:500], X[500:]).mean() == pytest.approx(400 / 1024, rel=0.02)
    csr = random_sdrs(1000, 1024, 20, sparse_output=True, random_state=0)
    assert csr.has_canonical_format
    np.testing.assert_array_equal(csr.toarray(), X)
    assert random_sdrs(0, 5, 5).shape == (0, 5)
    assert random_sdrs(2, 5, 0).sum() == 0
    assert random_sdrs(2, 5, 5).all()
    assert random_codes(0, 3, 4).shape == (0, 3)
    assert not random_codes(3, 3, 1).any()


def test_one_seed_means_other_numbers_in_other_functions():
    """Moved ones go anywhere: their mean distance from the nearest one before is as with another seed, 25 and not 2."""
    X = random_sdrs(300, 1024, 20, random_state=0)

    def distance(seed):
        moved = add_noise(X, 1.0, random_state=seed)
        pairs = [
            np.abs(np.flatnonzero(a)[:, None] - np.flatnonzero(b)).min(axis=1) for a, b in zip(X, moved, strict=True)
        ]
        return np.mean(pairs)

    assert distance(0) == pytest.approx(distance(1), rel=0.1)
    kept = subsample(X, 1, random_state=0).argmax(axis=1)
    assert abs(np.corrcoef(kept, random_codes(300, 1, 1024, random_state=0)[:, 0])[0, 1]) < 0.2
    dead = [np.flatnonzero(~drop_features(np.ones((1, 1024), bool), 20 / 1024, random_state=s)[0]) for s in range(50)]
    rows = [np.flatnonzero(random_sdrs(1, 1024, 20, random_state=s)[0]) for s in range(50)]
    assert (
        np.mean([np.isin(d, r).mean() for d, r in zip(dead, rows, strict=True)]) < 0.05
    )  # 0.02 by chance, 1 with one stream


def test_whole_floats_are_integers():
    calls = [
        (random_sdrs, (2, 3, 1)),
        (random_codes, (2, 3, 4)),
        (lambda n, **seed: subsample([[1, 1, 1]], n, **seed), (2,)),
    ]
    for call, numbers in calls:
        np.testing.assert_array_equal(call(*map(float, numbers), random_state=0), call(*numbers, random_state=0))


def test_seeds():
    X = random_sdrs(20, 50, 10, random_state=3)
    codes = random_codes(20, 5, 4, random_state=3)
    calls = [
        lambda seed: random_sdrs(20, 50, 10, random_state=seed),
        lambda seed: random_codes(20, 5, 4, random_state=seed),
        lambda seed: add_noise(X, 0.5, random_state=seed),
        lambda seed: add_noise(codes, 0.5, n_units=4, random_state=seed),
        lambda seed: subsample(X, 3, random_state=seed),
        lambda seed: drop_features(X, 0.5, random_state=seed),
    ]
    for call in calls:
        np.testing.assert_array_equal(call(0), call(0))
        np.testing.assert_array_equal(call(np.random.default_rng(1)), call(np.random.default_rng(1)))
        assert (call(0) != call(1)).any()
    np.testing.assert_array_equal(add_noise(csr_array(X), 0.5, random_state=0).toarray(), calls[2](0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: add_noise([[0, 1]], 1.5), r"`share` must lie in \[0, 1\]"),
        (lambda: drop_features([[0, 1]], float("nan")), r"`share` must lie in \[0, 1\]"),
        (lambda: subsample([[0, 1]], 1.5), "`n_active` must be an integer >= 0, got 1.5"),
        (lambda: random_sdrs(3, 4, 5), r"`n_active` must lie in \[0, 4\], the number of features, got 5"),
        (lambda: random_codes(3, 4, 0), "`n_units` must be an integer >= 1"),
        (lambda: add_noise([[0, 2]], 0.5), "X must hold zeros and ones only"),
        (lambda: union([[0, 0.5]]), "X must hold zeros and ones only"),
    ],
)
def test_wrong_values_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_dense_and_winners_lose_the_same_kind_of_bits():
    codes = random_codes(30, 20, 10, random_state=0)
    noisy = add_noise(codes, 0.5, n_units=10, random_state=0)
    assert (overlap(to_dense(codes, n_units=10), to_dense(noisy, n_units=10)).diagonal() == 10).all()
