"""Encoders of numbers: laws of overlap, the way back, and odd values."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.preprocessing import KBinsDiscretizer

from sparsecode import load
from sparsecode.sdr import GridCellEncoder, RandomDistributedScalarEncoder, ScalarEncoder
from sparsecode.sdr.random_distributed import collision_probability

from ..reference import encoders as naive

pytestmark = pytest.mark.nojit


def ones(codes):
    """Places of the ones of each row."""
    return [set(np.flatnonzero(code).tolist()) for code in codes]


def column(*values):
    return np.array(values, dtype=float)[:, None]


def bucket(encoder, i):
    """Values in the middle of buckets."""
    return encoder.origin_ + (np.reshape(i, (-1, 1)) + 0.5) * encoder.resolution_


BOTH = [ScalarEncoder(60, 8), RandomDistributedScalarEncoder(512, 8, random_state=0)]
both = pytest.mark.parametrize("encoder", BOTH, ids=lambda encoder: type(encoder).__name__)


# ---------------------------------------------------------------- blocks


@pytest.mark.parametrize("periodic", [False, True])
def test_blocks_are_those_of_the_naive_twin(periodic, rng):
    X = rng.normal(size=(200, 2)) * [1, 30]
    bounds = [(-1.0, 1.5), (-40.0, 0.0)]
    encoder = ScalarEncoder(21, 4, bounds=bounds, periodic=periodic).fit(X)
    codes = encoder.transform(X).reshape(-1, 2, 21)
    for feature, (low, high) in enumerate(bounds):
        expected = [naive.scalar(x, low, high, 21, 4, periodic) for x in X[:, feature]]
        assert ones(codes[:, feature]) == expected


def test_overlap_falls_by_one_with_each_bucket():
    encoder = ScalarEncoder(25, 6, bounds=(0, 20)).fit([[0.0]])
    codes = encoder.transform(np.arange(20)[:, None] + 0.5).astype(int)
    i = np.arange(20)
    np.testing.assert_array_equal(codes @ codes.T, np.maximum(0, 6 - np.abs(i - i[:, None])))
    encoder = ScalarEncoder(24, 6, bounds=(0, 24), periodic=True).fit([[0.0]])
    codes = encoder.transform(np.arange(24)[:, None] + 0.5).astype(int)
    distance = np.abs(np.arange(24) - np.arange(24)[:, None])
    np.testing.assert_array_equal(codes @ codes.T, np.maximum(0, 6 - np.minimum(distance, 24 - distance)))


def test_one_active_bit_gives_the_bins_of_scikit_learn(rng):
    X = rng.normal(size=(100, 3))
    bins = KBinsDiscretizer(7, encode="onehot-dense", strategy="uniform").fit_transform(X)
    np.testing.assert_array_equal(ScalarEncoder(7, 1).fit_transform(X), bins)


def test_a_period_later_is_the_same():
    hours = ScalarEncoder(48, 8, bounds=(0, 24), periodic=True).fit(column(0))
    codes = hours.transform(column(1.25, 25.25, -22.75, 24.0, 0.0))
    assert len({code.tobytes() for code in codes[:3]}) == 1
    np.testing.assert_array_equal(codes[3], codes[4])
    assert hours.inverse_transform(codes)[:3].ravel().tolist() == [1.25] * 3
    with pytest.raises(ValueError, match="more than 2\\*\\*44 periods away from `bounds`"):
        hours.transform(column(1e30))
    with pytest.raises(ValueError, match=r"`bounds` of periodic values must be given, .* \(0, 24\) for hours"):
        ScalarEncoder(periodic=True).fit(column(0, 23))


@pytest.mark.parametrize("periodic", [False, True])
def test_values_come_back_within_half_a_bucket(periodic, rng):
    X = rng.uniform(-2, 5, (300, 2))
    encoder = ScalarEncoder(64, 9, bounds=(-2, 5), periodic=periodic).fit(X)
    half = 7 / (64 if periodic else 56) / 2
    assert np.abs(encoder.inverse_transform(encoder.transform(X)) - X).max() <= half * (1 + 1e-9)


def test_codes_with_errors_come_back(rng):
    """Of 16 ones 4 are lost, and 6 others come: the value is right within 2 buckets for 99 of 100."""
    x = column(*rng.random(400))
    encoder = ScalarEncoder(bounds=(0, 1)).fit(x)
    codes = encoder.transform(x)
    for code in codes:
        code[rng.choice(np.flatnonzero(code), 4, replace=False)] = False
        code[rng.choice(np.flatnonzero(~code), 6, replace=False)] = True
    error = np.abs(encoder.inverse_transform(codes) - x) * 113
    assert error.mean() < 0.7  # 0.43; 0.43 to 0.57 over 30 seeds
    assert (error > 2.5).mean() < 0.03  # 0.023 at most over 30 seeds


def test_values_out_of_bounds():
    encoder = ScalarEncoder(10, 3, bounds=(0, 5)).fit(column(0))
    codes = encoder.transform(column(-1e308, 0, 5, 7.5, 1.7e308))
    np.testing.assert_array_equal(codes[[0, 3, 4]], codes[[1, 2, 2]])
    with pytest.raises(
        ValueError, match=r"2 values out of bounds, the first of them 7.5 in column 0, outside of \[0, 5\]"
    ):
        encoder.set_params(clip=False).transform(column(0, 7.5, -1))


@pytest.mark.parametrize(
    "bounds", [(1, 1), (2, 1), (0, np.inf), (np.nan, 1), (0, 1, 2), [(0, 1)] * 3, [[1, 2], [3, 3]]]
)
def test_bad_bounds(bounds):
    with pytest.raises(ValueError, match="`bounds` must be"):
        ScalarEncoder(bounds=bounds).fit([[0.0, 1.0]])


def test_more_ones_than_bits():
    with pytest.raises(ValueError, match="`n_active`=16 must be less than `n_bits`=16"):
        ScalarEncoder(16).fit(column(1))
    with pytest.raises(ValueError, match=r"`n_bits`=31 must be at least 2 \* `n_active`=32"):
        RandomDistributedScalarEncoder(31).fit(column(1))


# ---------------------------------------------------------------- random distributed


def test_hashed_ones_are_those_of_the_naive_twin(rng):
    X = rng.normal(size=(100, 2)) * [1, 1e6]
    encoder = RandomDistributedScalarEncoder(201, 7, resolution=[0.3, 1e5], random_state=1).fit(X)
    codes = encoder.transform(X).reshape(-1, 2, 201)
    for feature, seed in enumerate(encoder._seeds.tolist()):
        width = encoder.resolution_[feature]
        expected = [naive.random_distributed(x, 0.0, width, 201, 7, seed) for x in X[:, feature]]
        assert ones(codes[:, feature]) == expected


@pytest.mark.parametrize(("n", "w"), [(512, 16), (101, 7), (64, 1), (2048, 40)])
@pytest.mark.filterwarnings("ignore:codes of far values collide")
def test_near_codes_overlap_by_the_law_exactly(n, w):
    encoder = RandomDistributedScalarEncoder(n, w, resolution=1.0, random_state=0).fit(column(0))
    codes = encoder.transform(bucket(encoder, np.arange(-500, 500))).astype(int)
    assert (codes.sum(axis=1) == w).all()
    for d in range(w + 1):
        overlap = (codes[d:] * codes[: len(codes) - d]).sum(axis=1)
        assert (overlap == w - d).all()
        assert encoder.expected_overlap(-d) == w - d


def test_far_codes_overlap_by_chance():
    """Means over 4000 pairs and 20 seeds, at distances from w to 5 w; standard error 0.015 at the most."""
    n, w, i = 512, 16, np.arange(4000)
    distances = np.array([17, 20, 24, 31, 32, 33, 40, 48, 64, 80])
    found = np.zeros(len(distances))
    for seed in range(20):
        encoder = RandomDistributedScalarEncoder(n, w, resolution=1.0, random_state=seed).fit(column(0))
        codes = encoder.transform(bucket(encoder, np.arange(4000 + 80)))
        found += [(codes[i] & codes[i + d]).sum(axis=1).mean() / 20 for d in distances]
    expected = encoder.expected_overlap(distances)
    assert (expected[[4, 8]], expected[7]) == (pytest.approx([1.0, 1.0]), 0)
    np.testing.assert_allclose(found, expected, atol=0.06)  # 0.004, and 0.020 with the next 20 seeds
    everywhere = encoder.expected_overlap(np.arange(32, 64))
    assert everywhere.mean() == pytest.approx(w * w / n), "the law of random codes, in the mean"


def test_codes_of_different_buckets_differ():
    """Guaranteed but for distances of 2 w, where codes are equal with probability (2 w / n)^w: here 1e-10."""
    encoder = RandomDistributedScalarEncoder(200, 10, resolution=1.0, random_state=0).fit(column(0))
    codes = encoder.transform(bucket(encoder, np.arange(20_000)))
    assert len(np.unique(np.packbits(codes, axis=1), axis=0)) == len(codes)


def test_collisions_are_counted(rng):
    """Share of pairs of far codes with half of their ones in common or more, against the probability."""
    for n, w in ((40, 6), (64, 8), (96, 5)):
        found = []
        for seed in range(20):
            encoder = RandomDistributedScalarEncoder(n, w, resolution=1.0, random_state=seed)
            with pytest.warns(UserWarning, match="codes of far values collide: .* probability"):
                encoder.fit(column(0))
            codes = encoder.transform(bucket(encoder, rng.integers(-(10**9), 10**9, 4000))).astype(np.int8)
            found.append(((codes[::2] & codes[1::2]).sum(axis=1) >= w / 2).mean())
        expected = encoder.collision_probability_
        # 0.0679, 0.0220 and 0.0022; standard error of the mean of 40 000 pairs at the most 0.0013
        assert np.mean(found) == pytest.approx(expected, abs=4 * np.sqrt(expected / 40_000))
    assert collision_probability(512, 16) < 1e-6
    assert collision_probability(32, 16) == pytest.approx(0.53125), "one bit in each class: all is decided by classes"


@pytest.mark.parametrize(("n", "w"), [(40, 6), (62, 16), (96, 5), (13, 3)])
def test_the_probability_of_collisions_is_exact(n, w):
    """Over all pairs of classes in which codes may begin, a class at a time."""
    sizes = (n - 1 - np.arange(2 * w)) // (2 * w) + 1
    total = 0.0
    for i in range(2 * w):
        for j in range(2 * w):
            law = np.ones(1)  # of the number of ones in common
            for c in {(i + k) % (2 * w) for k in range(w)} & {(j + k) % (2 * w) for k in range(w)}:
                law = np.convolve(law, [1 - 1 / sizes[c], 1 / sizes[c]])
            total += law[-(-w // 2) :].sum()
    assert collision_probability(n, w) == pytest.approx(total / (2 * w) ** 2, rel=1e-10)


def test_codes_do_not_depend_on_the_training_data_with_a_resolution():
    encoders = [RandomDistributedScalarEncoder(resolution=0.1, random_state=3).fit(column(*v)) for v in ((0,), (5, 9))]
    X = column(-3, 0.05, 7)
    np.testing.assert_array_equal(*(encoder.transform(X) for encoder in encoders))
    assert not (
        encoders[0].transform(X) == RandomDistributedScalarEncoder(resolution=0.1, random_state=4).fit_transform(X)
    ).all()


def test_hashed_values_come_back(rng):
    X = rng.normal(size=(300, 2)) * [1, 1e-9]
    encoder = RandomDistributedScalarEncoder(random_state=0).fit(X)
    assert (np.abs(encoder.inverse_transform(encoder.transform(X)) - X) <= encoder.resolution_ * 0.501).all()
    np.testing.assert_allclose(encoder.resolution_, np.ptp(X, axis=0) / 100)
    codes = encoder.transform(X)
    for code in codes:
        code[rng.choice(np.flatnonzero(code), 8, replace=False)] = False
    assert (
        np.abs((encoder.inverse_transform(codes) - X) / encoder.resolution_).max() < 4.5
    )  # 2.9; 2.3 to 3.3 over 20 seeds
    wide = clone(encoder).set_params(resolution=1e-9).fit(X)
    with pytest.raises(ValueError, match=r"\d+ buckets in column 0, too many to try .* raise `resolution`"):
        wide.inverse_transform(wide.transform(X[:2]))


def test_values_too_far_away():
    encoder = RandomDistributedScalarEncoder(resolution=1e-3, random_state=0).fit(column(0))
    encoder.transform(column(1e10))
    with pytest.raises(
        ValueError, match=r"X holds 1e\+308 in column 0, which is more than 2\*\*44 times its `resolution`"
    ):
        encoder.transform(column(0, 1e308))
    for resolution in ([1.0, 2.0], [[1.0]], np.nan, np.inf, [-1.0], [np.nan]):
        with pytest.raises(ValueError, match="resolution"):
            RandomDistributedScalarEncoder(resolution=resolution).fit(column(0))


# ---------------------------------------------------------------- both


@both
@pytest.mark.parametrize(
    "values",
    [(3.0, 3.0), (0.0,), (1e300, 1e300), (-1.7e308, 1.7e308), (5e-324, 0.0), (1e-310, 3e-310), (1e17, 1e17 + 64)],
    ids=str,
)
def test_odd_ranges(encoder, values):
    X = column(*values)
    encoder = clone(encoder).fit(X)
    codes = encoder.transform(X)
    assert (codes.sum(axis=1) == 8).all()
    back = encoder.inverse_transform(codes)
    assert np.isfinite(back).all()
    width = max(values) / 50 - min(values) / 50
    assert (np.abs(back / 4 - X / 4) <= max(width, 1.0)).all()
    if values[0] == -1.7e308:
        assert not (codes[0] & codes[1]).any()


@both
def test_missing_values(encoder):
    X = np.array([[1.0, np.nan], [2.0, 5.0], [np.nan, np.nan]])
    with pytest.raises(
        ValueError, match=r"X contains NaN: 1 values of column 0 are missing. .* handle_missing='ignore'"
    ):
        clone(encoder).fit(X)
    frame = pd.DataFrame(X, columns=["age", "size"])
    with pytest.raises(ValueError, match="2 values of column 1 \\('size'\\)"):
        clone(encoder).fit(frame.fillna({"age": 0}))
    encoder = clone(encoder).set_params(handle_missing="ignore").fit(X)
    codes = encoder.transform(X)
    blocks = codes.reshape(3, *encoder.code_shape_)
    np.testing.assert_array_equal(blocks.any(axis=2), ~np.isnan(X))
    np.testing.assert_array_equal(np.isnan(encoder.inverse_transform(codes)), np.isnan(X))
    known = clone(encoder).fit(X[1:2]).transform(X[1:2])
    assert known.sum() == 16
    with pytest.raises(ValueError, match="infinity"):
        encoder.transform(np.full((1, 2), np.inf))
    nothing = clone(encoder).fit(np.full((2, 1), np.nan))
    assert not nothing.transform(np.full((2, 1), np.nan)).any()


@both
def test_sparse_codes_are_the_same(encoder, rng):
    X = rng.normal(size=(50, 3))
    X[4, 1] = np.nan
    dense, sparse = (
        clone(encoder).set_params(sparse_output=kind, handle_missing="ignore").fit(X).transform(X)
        for kind in (False, True)
    )
    assert sparse.has_canonical_format
    assert sparse.indices.dtype == sparse.indptr.dtype == np.int32  # scikit-learn takes no others in many places
    np.testing.assert_array_equal(sparse.toarray(), dense)


@both
def test_a_frame_of_whole_numbers(encoder, tmp_path):
    frame = pd.DataFrame(
        {"age": [30, 41, 60], "size": np.array([1.5, 1.8, 1.6], np.float32), "old": [False, False, True]}
    )
    encoder = clone(encoder).fit(frame)
    assert list(encoder.feature_names_in_) == ["age", "size", "old"]
    encoder.save(tmp_path / "encoder.npz")
    again = load(tmp_path / "encoder.npz")
    np.testing.assert_array_equal(again.transform(frame), encoder.transform(frame))
    assert list(again.feature_names_in_) == list(encoder.feature_names_in_)
    np.testing.assert_array_equal(
        again.inverse_transform(again.transform(frame)), encoder.inverse_transform(encoder.transform(frame))
    )
    codes = encoder.set_output(transform="pandas").transform(frame)
    assert codes.dtypes.unique().tolist() == [np.dtype(bool)]


@pytest.mark.parametrize("lost", [1, 2, 3, 5])
def test_the_seam_of_a_period_is_no_place_of_its_own(lost):
    """Codes that have lost their last ones are decoded a bit to the left of their value, wherever it is."""
    encoder = ScalarEncoder(24, 6, bounds=(0, 24), periodic=True).fit([[0.0]])
    values = np.arange(24) + 0.5
    codes = encoder.transform(values[:, None])
    for bucket, code in enumerate(codes):
        code[(bucket + 6 - lost + np.arange(lost)) % 24] = False
    shift = (values - encoder.inverse_transform(codes)[:, 0]) % 24
    assert (shift == (lost + 1) // 2).all()


def test_integers_that_would_be_rounded_are_refused():
    X = np.array([[2**60], [2**60 + 1]])
    for encoder in (ScalarEncoder(), RandomDistributedScalarEncoder(random_state=0), GridCellEncoder(random_state=0)):
        for rows in (X, X.tolist()):
            with pytest.raises(ValueError, match=r"X holds integers beyond 2\*\*53, which float64 does not tell from"):
                encoder.fit(rows)
        encoder.fit(X - 2**60)


def test_many_buckets_are_tried_in_parts(monkeypatch, rng):
    """Best buckets are the same however many are tried at a time, also where equal neighbours are parted."""
    X = rng.uniform(0, 50, size=(40, 2))
    encoder = RandomDistributedScalarEncoder(64, 4, resolution=0.5, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        encoder.fit(X)
    codes = encoder.transform(X) & (rng.random((40, 128)) < 0.8)
    codes[3] = False
    expected = encoder.inverse_transform(codes)
    assert np.isnan(expected[3]).all()
    assert np.abs(expected - X)[np.r_[:3, 4:40]].max() < 50
    for buckets, scores in ((1, 64), (7, 700), (64, 10**6)):
        monkeypatch.setattr("sparsecode.sdr.random_distributed.BUCKETS", buckets)
        monkeypatch.setattr("sparsecode.sdr.random_distributed.SCORES", scores)
        np.testing.assert_array_equal(encoder.inverse_transform(codes), expected)
        np.testing.assert_array_equal(encoder.inverse_transform(csr_array(codes)), expected)
    scalars = ScalarEncoder(50, 7).fit(X)
    codes = scalars.transform(X)
    expected = scalars.inverse_transform(codes)
    monkeypatch.setattr("sparsecode.sdr._columns.ENTRIES", 300)
    np.testing.assert_array_equal(scalars.inverse_transform(codes), expected)
