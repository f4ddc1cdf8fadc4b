"""Sparse Bayesian learning: the model by its definition, an evidence that only rises, and ARD of scikit-learn."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.linear_model import ARDRegression

from sparsecode.solvers import sparse_bayes

from ..reference.solvers import evidence, posterior


def problem(seed, K=12, F=30, n=5, noise=0.3):
    rng = np.random.default_rng(seed)
    D = rng.normal(size=(K, F)) * rng.uniform(0.5, 2, (K, 1))
    W = np.zeros((n, K))
    for w in W:
        w[rng.choice(K, 3, replace=False)] = rng.choice([-2, 2], 3)
    return W @ D + noise * rng.normal(size=(n, F)), D, W


@pytest.mark.parametrize("shape", [(12, 30), (30, 12), (12, 12), (1, 5), (5, 1)])
@pytest.mark.parametrize("noise_variance", [None, 0.09])
def test_evidence_and_posterior_are_those_of_the_model(shape, noise_variance):
    F = shape[1]
    rng = np.random.default_rng(0)
    X, D = rng.normal(size=(4, F)), rng.normal(size=shape)
    result = sparse_bayes(X, D, noise_variance=noise_variance, max_iter=20)
    for x, gamma, noise, mean, variance, found in zip(
        X, result.gamma, result.noise_variance, result.mean, result.variance, result.evidence, strict=True
    ):
        np.testing.assert_allclose(found, evidence(x, D, gamma, noise), rtol=1e-6, atol=1e-6)
        expected = posterior(x, D, gamma, noise)
        np.testing.assert_allclose(mean, expected[0], atol=1e-6)
        np.testing.assert_allclose(variance, expected[1], atol=1e-6)
        assert (variance[gamma == 0] == 0).all()


def test_the_evidence_of_the_twin_is_that_of_scipy():
    X, D, _ = problem(0)
    gamma = np.random.default_rng(1).exponential(size=len(D))
    C = 0.2 * np.eye(X.shape[1]) + D.T @ (gamma[:, None] * D)
    np.testing.assert_allclose(evidence(X[0], D, gamma, 0.2), multivariate_normal(cov=C).logpdf(X[0]))


@pytest.mark.parametrize("noise_variance", [None, 0.05])
@pytest.mark.parametrize("shape", [(12, 30), (30, 12)])
def test_evidence_never_falls(noise_variance, shape):
    """Over seeds 0 to 19 the largest fall is 4e-14 of the evidence; 1e-7 where learned noise falls to its bound."""
    for seed in range(3):
        X, D, _ = problem(seed, *shape)
        D[3] = D[2]
        before = np.full(len(X), -np.inf)
        for max_iter in (*range(1, 15), 30, 60, 200, 1000):
            found = sparse_bayes(X, D, noise_variance=noise_variance, tol=0, max_iter=max_iter).evidence
            assert (found >= before - 1e-7 * X.shape[1]).all()
            before = found


@pytest.mark.parametrize("noise_variance", [None, 0.09])
def test_it_ends_where_variances_are_stationary(noise_variance):
    """Derivatives by finite differences of the naive evidence; variances that vanished would not come back."""
    X, D, _ = problem(1)
    result = sparse_bayes(X, D, noise_variance=noise_variance, tol=1e-4, max_iter=10_000)
    assert not result.status.any()
    assert (result.certificate <= 1e-4).all()
    for x, gamma, noise in zip(X, result.gamma, result.noise_variance, strict=True):
        here = evidence(x, D, gamma, noise)
        for j in range(len(D)):
            for factor in (1.01, 0.99):
                moved = gamma.copy()
                moved[j] *= factor
                assert evidence(x, D, moved, noise) - here < 2e-6
            if gamma[j] < 1e-6:
                moved[j] = 1e-4
                assert evidence(x, D, moved, noise) < here + 1e-9
        if noise_variance is None:
            assert max(evidence(x, D, gamma, noise * factor) for factor in (0.99, 1.01)) - here < 2e-6


def test_evidence_is_not_below_that_of_scikit_learn():
    """Over seeds 0 to 7 (20 atoms, 60 features) ours is 0.01 to 0.13 nats higher: ARD drops atoms and has priors."""
    for seed in range(3):
        X, D, _ = problem(seed, K=20, F=60, n=1, noise=0.5)
        ours = sparse_bayes(X, D)
        theirs = ARDRegression(fit_intercept=False, max_iter=1000, tol=1e-6, threshold_lambda=1e8).fit(D.T, X[0])
        gamma = np.where(theirs.coef_ != 0, 1 / theirs.lambda_, 0)
        assert ours.evidence[0] >= evidence(X[0], D, gamma, 1 / theirs.alpha_) - 1e-6
        assert not ours.status.any()


def test_planted_codes_are_found_with_their_noise():
    """Over seeds 0 to 9; the noise, learned from 30 features, is 0.066 to 0.087 instead of 0.09."""
    X, D, W = problem(0, n=30)
    learned, given = sparse_bayes(X, D), sparse_bayes(X, D, noise_variance=0.09)
    used = W != 0
    for result in (learned, given):
        assert np.abs(result.mean - W).max() < 0.4  # 0.18 to 0.31
        assert np.median(result.gamma[used]) > 1e5 * np.median(result.gamma[~used])  # 8e7 and more
    assert 0.055 < np.median(learned.noise_variance) < 0.1
    # The posterior is as wide as errors are: their normalised squares have means of 0.86 to 1.27
    z = (given.mean - W)[used] / np.sqrt(given.variance[used])
    assert 0.7 < np.mean(z**2) < 1.4


def test_equal_atoms_share_and_zero_atoms_and_rows_have_none(dtype):
    X, D, _ = problem(2)
    D[1] = D[0]
    D[4] = 0
    X[0], X[1] = 0, 3 * D[0]
    for noise_variance in (None, 0.1):
        result = sparse_bayes(X.astype(dtype), D.astype(dtype), noise_variance=noise_variance)
        assert result.mean.dtype == dtype
        for name in ("mean", "variance", "gamma", "noise_variance", "certificate"):
            assert np.isfinite(getattr(result, name)).all(), name
        assert not result.mean[0].any()
        assert not result.gamma[:, 4].any()
        np.testing.assert_allclose(result.mean[1, 0], result.mean[1, 1], rtol=1e-5)
        np.testing.assert_allclose(result.mean[1, :2].sum(), 3, rtol=2e-2)


def test_batches_and_scales(monkeypatch):
    X, D, _ = problem(0, n=20)
    expected = sparse_bayes(X, D)
    monkeypatch.setattr("sparsecode.solvers.bayes.BATCH_NUMBERS", 1000)
    for name, whole, part in zip(expected._fields, expected, sparse_bayes(X, D), strict=True):
        np.testing.assert_allclose(part, whole, rtol=1e-8, atol=1e-12, err_msg=name)
    scaled = sparse_bayes(1e-6 * X, 1e3 * D)
    np.testing.assert_allclose(scaled.mean * 1e9, expected.mean, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(scaled.noise_variance * 1e12, expected.noise_variance, rtol=1e-6)


def test_what_is_refused():
    X, D, _ = problem(0)
    for options, message in (
        ({"noise_variance": 0}, "`noise_variance` must be a positive finite number, got 0. None learns it"),
        ({"noise_variance": np.nan}, "`noise_variance` must be a positive finite number, got nan"),
        ({"noise_variance": 1e-20}, "`noise_variance` must be at least .*, 1e-12 of the largest mean square of a row"),
        ({"tol": -1.0}, "`tol` must be a finite number of at least 0"),
        ({"max_iter": 0}, "`max_iter` must be an integer of at least 1"),
    ):
        with pytest.raises(ValueError, match=message):
            sparse_bayes(X, D, **options)
    with pytest.raises(ValueError, match="`D` has atoms of 29 features, but X has 30"):
        sparse_bayes(X, D[:, 1:])
    with pytest.raises(ValueError, match="Row 1 of X is of extreme magnitude: its square leaves float64; scale X"):
        sparse_bayes(X * [[1], [1e200], [1], [1], [1]], D)
    assert not sparse_bayes(X, D, noise_variance=1e-9).status.any()
    assert sparse_bayes(X, D, max_iter=1).status.tolist() == [1] * 5
