"""Metrics against their definitions, at their end points, and under the changes that must not matter."""

import numpy as np
import pytest
from scipy.sparse import coo_array, csr_array

from sparsecode import ConvSparseCoder, Dictionary, metrics
from sparsecode.metrics import (
    activation_entropy,
    activation_rates,
    active_fraction,
    dead_fraction,
    explained_variance,
    hoyer,
    l0_statistics,
    match_atoms,
    mean_cosine,
    norm_ratio,
    orientation_histogram,
    psnr,
    reconstruction_bias,
    relative_error,
    resilience_curve,
    snr,
    stability,
    treves_rolls,
)

from .reference.filters import shift_cosine

pytestmark = pytest.mark.nojit

RECONSTRUCTION = [explained_variance, relative_error, snr, reconstruction_bias, mean_cosine, norm_ratio]
ACTIVITY = [l0_statistics, activation_rates, active_fraction, dead_fraction, activation_entropy]
SPARSENESS = [hoyer, treves_rolls]


@pytest.fixture
def pair(rng):
    """Rows with a mean, of very different strengths, and noisy reconstructions that are too small."""
    X = rng.normal(size=(50, 7)) * 10.0 ** rng.uniform(-2, 2, (50, 1)) + 3
    return X, 0.7 * X + rng.normal(size=X.shape)


@pytest.fixture
def codes(rng):
    return rng.normal(size=(200, 12)) * (rng.random((200, 12)) < rng.uniform(0.05, 0.5, 12))


def test_reconstruction_from_the_definitions(pair):
    X, X_hat = pair
    error = total = about_mean = shared = size = 0.0
    mean, cosines, ratios = X.mean(axis=0), [], []
    for x, y in zip(X, X_hat, strict=True):
        error += ((x - y) ** 2).sum()
        total += x @ x
        about_mean += ((x - mean) ** 2).sum()
        shared += x @ y
        size += y @ y
        cosines.append(x @ y / np.linalg.norm(x) / np.linalg.norm(y))
        ratios.append(np.linalg.norm(y) / np.linalg.norm(x))
    assert explained_variance(X, X_hat) == pytest.approx(1 - error / about_mean, rel=1e-12)
    assert relative_error(X, X_hat) == pytest.approx(error / total, rel=1e-12)
    assert snr(X, X_hat) == pytest.approx(10 * np.log10(total / error), rel=1e-12)
    assert reconstruction_bias(X, X_hat) == pytest.approx(size / shared, rel=1e-12)
    assert mean_cosine(X, X_hat) == pytest.approx(np.mean(cosines), rel=1e-12)
    assert norm_ratio(X, X_hat) == pytest.approx(np.mean(ratios), rel=1e-12)


def test_end_points(pair):
    X, _ = pair
    mean = np.broadcast_to(X.mean(axis=0), X.shape)
    expected = [1, 0, np.inf, 1, 1, 1]
    np.testing.assert_allclose([metric(X, X) for metric in RECONSTRUCTION], expected, rtol=1e-14)
    assert explained_variance(X, mean) == pytest.approx(0, abs=1e-14)
    assert relative_error(X, 0 * X) == 1
    assert snr(X, 0 * X) == 0
    assert np.isnan(reconstruction_bias(X, 0 * X))
    assert mean_cosine(X, 0 * X) == norm_ratio(X, 0 * X) == 0
    assert mean_cosine(X, -X) == pytest.approx(-1)


def test_explained_variance_is_pooled_and_about_the_mean(rng):
    # A weak sample that is missed completely hardly counts, unlike in a mean of ratios.
    X = rng.normal(size=(2, 100)) * [[1e-3], [1.0]]
    assert explained_variance(X, X * [[0], [1]]) > 0.999
    # A large mean explains nothing.
    X = rng.normal(size=(100, 3)) + 100
    assert explained_variance(X, np.full_like(X, 100)) < 0.01
    # Features may be constant, and have different means.
    X[:, 0] = 5
    assert explained_variance(X, X) == 1
    assert explained_variance(X, np.broadcast_to(X.mean(axis=0), X.shape)) == pytest.approx(0, abs=1e-12)


def test_bias_of_least_squares_and_of_shrinkage(rng):
    X, atoms = rng.normal(size=(30, 8)), rng.normal(size=(3, 8))
    X_hat = X @ np.linalg.pinv(atoms) @ atoms
    assert reconstruction_bias(X, X_hat) == pytest.approx(1)
    assert reconstruction_bias(X, 0.6 * X_hat) == pytest.approx(0.6)
    assert norm_ratio(X, X_hat) == pytest.approx(mean_cosine(X, X_hat))
    assert mean_cosine(X, 0.6 * X_hat) == pytest.approx(mean_cosine(X, X_hat))
    # 1 / gamma is the best factor.
    gamma = reconstruction_bias(X, 0.6 * X_hat)
    errors = [relative_error(X, factor * 0.6 * X_hat) for factor in (0.99 / gamma, 1 / gamma, 1.01 / gamma)]
    assert min(errors) == errors[1]


@pytest.mark.parametrize("metric", RECONSTRUCTION)
def test_reconstruction_in_any_units_and_type(pair, metric):
    X, X_hat = pair
    expected = metric(X, X_hat)
    assert type(expected) is float
    for factor in (-2.0, 1e-250, 1e250):
        assert metric(factor * X, factor * X_hat) == pytest.approx(expected, rel=1e-12)
    single = X.astype(np.float32), X_hat.astype(np.float32)
    assert metric(*single) == metric(*(A.astype(np.float64) for A in single))  # sums are float64
    assert metric(X.tolist(), np.asfortranarray(X_hat)) == expected
    big = np.float32(3e38) * np.array([[1, 0.5], [0.25, 1]], np.float32)
    assert metric(big, big / 2) == pytest.approx(metric(big / 1e30, big / 2e30))


def test_zero_samples_are_left_out(pair):
    X, X_hat = pair
    more, more_hat = np.vstack([X, np.zeros((3, 7))]), np.vstack([X_hat, np.zeros((3, 7))])
    for metric in (mean_cosine, norm_ratio, relative_error, reconstruction_bias):
        assert metric(more, more_hat) == pytest.approx(metric(X, X_hat))


def test_activity_from_the_definitions(codes):
    active = codes != 0
    statistics = l0_statistics(codes)
    counts = [sum(row) for row in active.tolist()]
    assert statistics == (pytest.approx(np.mean(counts)), min(counts), max(counts))
    assert active_fraction(codes) == pytest.approx(statistics.mean / 12)
    rates = activation_rates(codes)
    np.testing.assert_allclose(rates, active.mean(axis=0))
    shares = rates / rates.sum()
    assert activation_entropy(codes) == pytest.approx(-sum(p * np.log2(p) for p in shares) / np.log2(12))
    codes[:, [2, 5, 7]] = 0
    assert dead_fraction(codes) == 0.25


def test_entropy_is_highest_for_even_use():
    uneven = np.array([[1, 0, 0, 0], [2, 0, 0, 0], [0, 3, 0, 0], [5, 0, 0, 0]])
    assert activation_entropy(np.eye(4)) == 1
    assert activation_entropy(np.eye(4)[[0, 0, 1, 1]]) == pytest.approx(0.5)  # two of four atoms
    assert 0 < activation_entropy(uneven) < 0.5
    assert activation_entropy(uneven[[0, 1]]) == 0
    assert np.isnan(activation_entropy(np.zeros((3, 4))))
    assert activation_entropy(1e-300 * np.eye(4)) == 1  # magnitudes do not enter


@pytest.mark.parametrize("kind", [bool, np.int8, np.float32, np.float64])
def test_activity_of_any_type(codes, kind):
    codes = (np.abs(codes) > 0.5).astype(kind)
    expected = codes.astype(float)
    for metric in (*ACTIVITY, *SPARSENESS):
        np.testing.assert_array_equal(metric(codes), metric(expected))


@pytest.mark.parametrize("metric", SPARSENESS)
def test_sparseness_end_points(rng, metric):
    n = 9
    one, even = np.zeros(n), rng.choice([-2.0, 2.0], n)
    one[4] = -3
    half = np.r_[np.ones(5), np.zeros(4)]
    values = metric(np.stack([one, even, half, 0 * one]))
    np.testing.assert_allclose(values[:2], [1, 0], atol=1e-15)
    assert 0 < values[2] < 1
    assert np.isnan(values[3])


def test_sparseness_from_the_definitions(rng):
    codes = rng.normal(size=(6, 5))
    for w, h, s in zip(codes, hoyer(codes), treves_rolls(codes), strict=True):
        assert h == pytest.approx((5**0.5 - np.abs(w).sum() / np.linalg.norm(w)) / (5**0.5 - 1))
        assert s == pytest.approx((1 - np.abs(w).mean() ** 2 / (w**2).mean()) / (1 - 1 / 5))
    for metric in SPARSENESS:
        np.testing.assert_array_equal(metric(codes, axis=0), metric(codes.T))
        assert metric(codes, axis=0).shape == (5,)
        scales = 10.0 ** rng.integers(-250, 250, (6, 1))
        np.testing.assert_allclose(metric(scales * codes), metric(codes), rtol=1e-12)


def test_match_finds_order_sign_and_norm(rng):
    truth = rng.normal(size=(10, 20))
    order, factors = rng.permutation(10), rng.choice([-3.0, 1e-200, 1e200], 10)
    match = match_atoms((truth * factors[:, None])[order], truth)
    np.testing.assert_allclose(match.cosine, 1)
    np.testing.assert_array_equal(order[match.atom], match.truth)
    np.testing.assert_array_equal(match.truth, np.arange(10))


def test_match_is_the_best_one_to_one():
    truth = np.eye(2)
    # Both atoms are nearest to the first true one; only one of them may have it.
    atoms = [[1.0, 0.1], [1.0, 0.9]]
    match = match_atoms(atoms, truth)
    np.testing.assert_array_equal(match.atom, [0, 1])
    np.testing.assert_allclose(match.cosine, [1 / np.hypot(1, 0.1), 0.9 / np.hypot(1, 0.9)])
    # Greedy would take 0.9 first and be left with 0.
    angles = np.deg2rad([10.0, -80.0 + 4.0])
    a = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert match_atoms(a, truth).cosine.sum() == pytest.approx(np.cos(np.deg2rad(10)) + np.cos(np.deg2rad(14)))


def test_match_of_unequal_numbers_and_zero_atoms(rng):
    truth = rng.normal(size=(6, 8))
    few, many = match_atoms(truth[[4, 1]], truth), match_atoms(np.vstack([rng.normal(size=(5, 8)), truth]), truth)
    np.testing.assert_array_equal(few.truth, [1, 4])
    np.testing.assert_array_equal(few.atom, [1, 0])
    np.testing.assert_array_equal(many.atom, np.arange(5, 11))
    np.testing.assert_allclose(many.cosine, 1)
    atoms = truth.copy()
    atoms[3] = 0
    np.testing.assert_allclose(match_atoms(atoms, truth).cosine, [1, 1, 1, 0, 1, 1], atol=1e-15)
    single = match_atoms(truth.astype(np.float32), truth.astype(np.float32))
    assert single.cosine.dtype == np.float64
    np.testing.assert_allclose(single.cosine, 1, rtol=1e-14)


def test_stability_is_the_mean_over_pairs(rng):
    a, b, c = rng.normal(size=(3, 10, 30))
    pairs = [match_atoms(a, b), match_atoms(a, c), match_atoms(b, c)]
    assert stability([a, b, c]) == pytest.approx(np.mean([pair.cosine.mean() for pair in pairs]))
    assert stability(np.stack([a, -a[::-1]])) == pytest.approx(1)
    assert stability(iter([a, b])) == stability([b, a])
    assert 0.25 < stability([a, b, c]) < 0.38  # chance: over 100 seeds 0.28 to 0.34


BAD = [
    ([1.0, 2.0], r"must have two dimensions and at least one entry, got shape \(2,\)"),
    (np.empty((0, 3)), r"must have two dimensions and at least one entry, got shape \(0, 3\)"),
    ([[1.0, 2.0], [np.nan, 1.0]], "must be finite, but row 1 holds NaN or infinity"),
    ([[np.inf, 2.0]], "must be finite, but row 0"),
    ([[1j, 2.0]], "must be an array of real numbers, got list of complex128"),
    ([["a", "b"]], "must be an array of real numbers"),
    (csr_array(np.full((2, 2), 1j)), "must be an array of real numbers, got csr_array of complex128"),
]


def test_sparse_codes_are_as_good_as_dense_ones(rng):
    codes = rng.normal(size=(20, 6)) * (rng.random((20, 6)) < 0.3)
    for metric in (*ACTIVITY, *SPARSENESS):
        assert np.array_equal(metric(csr_array(codes)), metric(codes))


def test_sparse_codes_with_zeros_and_duplicates_are_counted_right():
    parts = np.array([1.0, 2.0, 3.0, -3.0]), ([0, 0, 1, 1], [1, 1, 2, 2])
    codes = coo_array(parts, shape=(2, 4))
    zero = csr_array((np.array([0.0, 5.0]), np.array([0, 3]), np.array([0, 1, 2])), shape=(2, 4))
    for sparse in (codes, zero):
        before = sparse.nnz
        assert active_fraction(sparse) == 1 / 8
        assert l0_statistics(sparse).max == 1
        assert sparse.nnz == before
    assert activation_rates(zero).tolist() == [0, 0, 0, 0.5]


def test_psnr_from_the_definition(pair):
    X, X_hat = pair
    expected = [10 * np.log10((x.max() - x.min()) ** 2 / np.mean((x - y) ** 2)) for x, y in zip(X, X_hat, strict=True)]
    np.testing.assert_allclose(psnr(X, X_hat), expected, rtol=1e-12)
    expected = [10 * np.log10(4 / np.mean((x - y) ** 2)) for x, y in zip(X, X_hat, strict=True)]
    np.testing.assert_allclose(psnr(X, X_hat, data_range=2), expected, rtol=1e-12)
    for factor in (-2.0, 1e-250, 1e250):
        np.testing.assert_allclose(psnr(factor * X, factor * X_hat), psnr(X, X_hat), rtol=1e-12)
    assert psnr(X, X).tolist() == [np.inf] * len(X)
    assert psnr(0 * X, 0 * X, data_range=1.0).tolist() == [np.inf] * len(X)
    with pytest.raises(ValueError, match="row 1 of X is constant and has no range of its own; give data_range"):
        psnr([[0.0, 1.0], [2.0, 2.0]], [[0.0, 1.0], [2.0, 2.0]])
    for bad in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="data_range must be a positive number"):
            psnr(X, X_hat, data_range=bad)


def test_orientation_histogram_from_the_definition(rng):
    """Kernels at equal angles are added up, whatever their order, and angles that differ by pi are equal."""
    theta = np.repeat(np.arange(4) * np.pi / 4, 3)[rng.permutation(12)]
    maps = rng.normal(size=(5, 12, 10)) * (rng.random((5, 12, 10)) < 0.3)
    rows = maps.reshape(5, -1)
    found = orientation_histogram(rows, theta)
    sums = np.array([np.abs(maps[:, np.isclose(theta, angle)]).sum(axis=(1, 2)) for angle in found.theta]).T
    np.testing.assert_allclose(found.theta, np.arange(4) * np.pi / 4, atol=1e-9)
    np.testing.assert_allclose(found.share, sums / sums.sum(axis=1, keepdims=True), rtol=1e-12)
    turned = theta + np.pi * rng.integers(-3, 4, 12)
    for same in (orientation_histogram(csr_array(rows), theta), orientation_histogram(rows, turned)):
        np.testing.assert_allclose(same.theta, found.theta, atol=1e-9)
        np.testing.assert_allclose(same.share, found.share, rtol=1e-12)
    rows[2] = 0
    for given in (rows, csr_array(rows)):
        assert np.isnan(orientation_histogram(given, theta).share).all(axis=1).tolist() == [0, 0, 1, 0, 0]


@pytest.mark.parametrize("theta", [[0.0, 1.0, 2.0], [[0.0, 1.0]]])
def test_orientations_must_fit_maps(theta):
    with pytest.raises(ValueError, match="one angle for each kernel.* maps have 4 columns"):
        orientation_histogram(np.ones((1, 4)), theta)
    with pytest.raises(ValueError, match="theta must be finite"):
        orientation_histogram(np.ones((1, 4)), [0.0, np.nan])


@pytest.mark.parametrize("sparse", [False, True])
def test_resilience_curve_from_the_definition(rng, sparse):
    images = rng.normal(size=(3, 8, 8))
    coder = ConvSparseCoder(
        dictionary=rng.normal(size=(4, 3, 3)), alpha=0.5, pool=None, sparse_output=sparse, input_shape=(8, 8)
    ).fit(images)
    curve = resilience_curve(images, coder.transform(images), coder.inverse_transform, [0.0, 0.3, 100.0])
    maps = coder.set_params(sparse_output=False).transform(images)
    for cutoff, ratios, sparseness in zip(*curve, strict=True):
        kept = np.where(np.abs(maps) < cutoff, 0, maps)
        expected = psnr(images.reshape(3, -1), coder.inverse_transform(kept))
        np.testing.assert_allclose(ratios, expected, rtol=1e-12)
        np.testing.assert_allclose(sparseness, (kept == 0).mean(axis=1), rtol=1e-12)
    assert (np.diff(curve.sparseness, axis=0) > 0).all()
    assert curve.sparseness[-1].tolist() == [1, 1, 1]


def test_resilience_needs_cutoffs():
    X, codes, atoms = np.eye(3), 0.2 * np.eye(3), Dictionary(np.eye(3))
    assert resilience_curve(X, codes, atoms.decode).cutoffs.round(4).tolist() == [
        0.001,
        0.1008,
        0.2006,
        0.3004,
        0.4002,
        0.5,
    ]
    for bad in (-1.0, [-1.0], [np.nan], [[0.1]]):
        with pytest.raises(ValueError, match="cutoffs must be numbers of at least 0 in one dimension"):
            resilience_curve(X, codes, atoms.decode, bad)


@pytest.mark.parametrize(("bad", "message"), BAD)
def test_bad_arrays(bad, message):
    for metric in (*ACTIVITY, *SPARSENESS):
        with pytest.raises(ValueError, match=f"codes {message}"):
            metric(bad)
    good = np.ones((2, 2))
    for metric in RECONSTRUCTION:
        with pytest.raises(ValueError, match=f"X {message}"):
            metric(bad, good)
        with pytest.raises(ValueError, match=f"X_hat {message}"):
            metric(good, bad)
    with pytest.raises(ValueError, match=f"codes {message}"):
        resilience_curve(good, bad, np.asarray)
    with pytest.raises(ValueError, match=f"maps {message}"):
        orientation_histogram(bad, [0.0])
    with pytest.raises(ValueError, match=f"atoms {message}"):
        match_atoms(bad, good)
    with pytest.raises(ValueError, match=f"truth {message}"):
        match_atoms(good, bad)


def test_bad_values():
    good = np.ones((2, 3))
    for metric in RECONSTRUCTION:
        with pytest.raises(ValueError, match=r"X_hat must have the shape of X, \(2, 3\), got \(3, 2\)"):
            metric(good, good.T)
    for metric in RECONSTRUCTION[1:]:
        with pytest.raises(ValueError, match="X is zero everywhere"):
            metric(0 * good, good)
    with pytest.raises(ValueError, match="rows of X that differ"):
        explained_variance(0.1 * good, good)
    with pytest.raises(ValueError, match="at least two columns, got 1"):
        activation_entropy([[1.0], [2.0]])
    for metric in SPARSENESS:
        with pytest.raises(ValueError, match=r"axis must be 1 \(population sparseness\) or 0 .*, got 2"):
            metric(good, axis=2)
        with pytest.raises(ValueError, match=r"at least two atoms, got codes of \(2, 1\)"):
            metric(good[:, :1])
        with pytest.raises(ValueError, match=r"at least two samples, got codes of \(1, 3\)"):
            metric(good[:1], axis=0)
    with pytest.raises(ValueError, match=r"same number of features, got \(2, 3\) and \(3, 2\)"):
        match_atoms(good, good.T)
    with pytest.raises(ValueError, match="at least two dictionaries, got 1"):
        stability([good])


def test_input_is_not_changed(pair, codes):
    X, X_hat = pair
    for array in (X, X_hat, codes):
        array.flags.writeable = False
    before = X.copy(), codes.copy()
    for metric in RECONSTRUCTION:
        metric(X, X_hat)
    for metric in (*ACTIVITY, *SPARSENESS):
        metric(codes)
    match_atoms(codes, codes)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(codes, before[1])


@pytest.mark.parametrize("shape", [(5, 4, 3), (4, 1, 6), (3, 7, 1)])
def test_shift_cosines_agree_with_their_twin(shape, rng):
    kernels = rng.normal(size=shape) * 1e200
    cosines = metrics.shift_cosines(kernels)
    expected = [
        [shift_cosine(a, b, i == j) for j, b in enumerate(kernels / 1e200)] for i, a in enumerate(kernels / 1e200)
    ]
    np.testing.assert_allclose(cosines, expected, atol=1e-14)
    np.testing.assert_array_equal(cosines, cosines.T)
    assert metrics.shift_coherence(kernels) == cosines.max()


def test_shift_cosines_of_ragged_kernels_channels_and_zeros(rng):
    kernels = [rng.normal(size=(3, 2)), rng.normal(size=(5, 6)), np.zeros((2, 2))]
    cosines = metrics.shift_cosines(Dictionary.from_array(kernels))
    assert cosines[0, 1] == pytest.approx(shift_cosine(kernels[0], kernels[1], False), abs=1e-14)
    np.testing.assert_array_equal(cosines[2], 0)
    dims = ("atom", "y", "x", "channel")
    last = Dictionary(rng.normal(size=(3, 6, 5, 3)), dims=dims)
    first = Dictionary(np.moveaxis(last.atoms, 3, 1))
    np.testing.assert_allclose(metrics.shift_cosines(last), metrics.shift_cosines(first), atol=1e-14)
    grey = Dictionary(np.repeat(last.atoms[..., :1], 3, axis=3), dims=dims)
    np.testing.assert_allclose(metrics.shift_cosines(grey), metrics.shift_cosines(last.atoms[..., 0]), atol=1e-14)
    assert metrics.shift_coherence(np.eye(4)) == 1.0
    single = metrics.shift_cosines([[1.0, 2.0, 3.0]])
    np.testing.assert_allclose(single, [[8 / 14]])


def test_shift_coherence_of_the_published_banks():
    for bank in (Dictionary.log_gabor_bank(), Dictionary.log_gabor_bank(n_orientations=72, B_theta=np.pi / 15)):
        assert metrics.shift_coherence(bank) == pytest.approx(bank.coherence)  # neighbours as they stand


@pytest.mark.parametrize(
    ("kernels", "message"),
    [
        (np.ones(4), "kernels must have two dimensions"),
        (np.ones((2, 3, 4, 5)), r"one or two axes besides channels, got shape \(3, 4, 5\)"),
        (np.full((2, 3), np.nan), "kernels must be finite, but row 0"),
        (np.ones((0, 3)), "at least one entry"),
        (np.ones((2, 3), complex), "real numbers"),
    ],
)
def test_bad_kernels(kernels, message):
    with pytest.raises(ValueError, match=message):
        metrics.shift_cosines(kernels)


def test_public_names():
    assert metrics.__all__ == sorted(metrics.__all__)
    assert {metric.__name__ for metric in (*RECONSTRUCTION, *ACTIVITY, *SPARSENESS)} < set(metrics.__all__)
