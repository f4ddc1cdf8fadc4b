"""Paths of l1 codes: the minimiser at every price, the knots of scikit-learn, degenerate problems."""

import numpy as np
import pytest
from sklearn.linear_model import lars_path

from sparsecode.penalties import L1
from sparsecode.solvers import duality_gap, l1_path, solve

from ..contracts.solvers import DATA, planted


@pytest.mark.nojit
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("name", DATA)
def test_is_optimal_at_knots_and_between(name, positive):
    X, D = DATA[name]()
    path = l1_path(X, D, alpha_min=0.02, positive=positive)
    assert not path.status.any()
    half = np.maximum(0.5 * np.square(X).sum(axis=1), 1e-300)
    for alpha in (5.0, 1.0, 0.3, 0.1, 0.05, 0.02):
        codes = path.at(alpha)
        # At most 4e-14, here and at knots, over 50 seeds of all these data
        assert (duality_gap(X, D, codes.toarray(), L1(alpha, positive=positive)) / half).max() < 1e-12
        assert codes.data.all()
    for x, alphas, codes in zip(X, path.alphas, path.codes, strict=True):
        assert (np.diff(alphas) < 0).all()
        assert alphas[-1] == 0.02 or not codes.nnz
        correlations = D @ x if positive else np.abs(D @ x)
        np.testing.assert_allclose(alphas[0], max(correlations.max(), 0), rtol=1e-13)
        assert not codes[:1].nnz
        for alpha, w in zip(alphas[1:], codes.toarray()[1:], strict=True):
            gap = duality_gap(x[None], D, w[None], L1(alpha, positive=positive))[0]
            assert gap < 1e-12 * 0.5 * (x @ x)


def test_equals_the_solver_and_scikit_learn(patches):
    X, D = patches[:40], patches[500:644] / np.linalg.norm(patches[500:644], axis=1, keepdims=True)
    X = X[np.abs(X @ D.T).max(axis=1) > 0.2]
    assert len(X) > 10
    path = l1_path(X, D, alpha_min=0.2)
    for alpha in (0.2, 0.37, 0.8):
        exact = solve(X, D, L1(alpha), tol=1e-13).codes
        np.testing.assert_allclose(path.at(alpha).toarray(), exact, atol=1e-11)  # 1e-13
    for x, alphas, codes in zip(X, path.alphas, path.codes, strict=True):
        of_scikit_learn, _, coefs = lars_path(D.T, x, method="lasso", alpha_min=0.2 / 144)
        np.testing.assert_allclose(alphas, 144 * of_scikit_learn, rtol=1e-11)
        np.testing.assert_allclose(codes.toarray(), coefs.T, atol=1e-11)


def test_a_stopped_path_says_so(patches):
    X, D = patches[:6], patches[500:644]
    whole, path = l1_path(X, D, alpha_min=0.1), l1_path(X, D, alpha_min=0.1, max_knots=4)
    for part, alphas, codes, all_codes in zip(path.alphas, whole.alphas, path.codes, whole.codes, strict=True):
        assert np.array_equal(part, alphas[:4])
        assert np.array_equal(codes.toarray(), all_codes[:4].toarray())
    stopped = np.array([len(alphas) > 4 for alphas in whole.alphas])
    assert stopped.any()
    assert np.array_equal(path.status == 1, stopped)
    with pytest.raises(ValueError, match=r"was stopped at alpha=.*raise `max_knots`"):
        path.at(0.1)


def test_threads_and_types():
    X, D = planted(n=50)
    path, other = l1_path(X, D, alpha_min=0.1), l1_path(X.astype(np.float32), D, alpha_min=0.1, n_jobs=2)
    assert other.codes[0].dtype == np.float64
    other = l1_path(X.tolist(), D, alpha_min=0.1, n_jobs=2)
    for one, two in zip(path.codes, other.codes, strict=True):
        assert np.array_equal(one.toarray(), two.toarray())
        assert one.has_sorted_indices


def test_bad_input():
    X, D = planted()
    for settings, message in (
        ({"alpha_min": 0}, "`alpha_min` must be a finite number above 0, got 0"),
        ({"alpha_min": np.nan}, "`alpha_min` must be a finite"),
        ({"alpha_min": 0.1, "max_knots": 0}, "`max_knots` must be an integer of at least 1, or None, got 0"),
    ):
        with pytest.raises(ValueError, match=message):
            l1_path(X, D, **settings)
    with pytest.raises(ValueError, match="NaN"):
        l1_path(np.full_like(X, np.nan), D, alpha_min=0.1)
    path = l1_path(X, D, alpha_min=1e3)
    assert not path.at(1e3).nnz
    with pytest.raises(ValueError, match=r"paths end at alpha_min=1000, got alpha=0\.5; follow them further"):
        path.at(0.5)
