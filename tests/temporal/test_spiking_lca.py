"""Spiking neurons that solve the LASSO: against loops, against the exact codes, at extreme scales."""

import numpy as np
import pytest

from sparsecode import Dictionary, SparseCoder
from sparsecode.solvers import objective
from sparsecode.temporal import SpikingLCA

from ..reference.spiking import lca_rates


def problem(rng, n_rows=20):
    """Rows of 8 of 128 atoms of 64 features, with noise."""
    D = rng.standard_normal((128, 64))
    D /= np.linalg.norm(D, axis=1, keepdims=True)
    W = np.zeros((n_rows, 128))
    for w in W:
        w[rng.choice(128, 8, replace=False)] = rng.standard_normal(8)
    return W @ D + 0.05 * rng.standard_normal((n_rows, 64)), D


@pytest.mark.nojit
def test_rates_by_loops(rng):
    D = rng.standard_normal((6, 4))
    D /= np.linalg.norm(D, axis=1, keepdims=True)
    X = rng.standard_normal((5, 4))
    neurons = SpikingLCA(D, alpha=0.2, positive=True, duration=20.0, dt=0.05, settling=0.25).fit(X)
    for x, code in zip(X, neurons.transform(X), strict=True):
        np.testing.assert_allclose(code, lca_rates(D @ x, D @ D.T, 0.2, 0.05, 400, 100), atol=1e-12)


@pytest.mark.parametrize("positive", [False, True])
def test_rates_approach_the_lasso(positive, rng):
    """Objective above the optimum by 0.0017 (signed) and 0.0009 after 100 time constants, mean of 40 rows."""
    X, D = problem(rng)
    best = SparseCoder(dictionary=D, alpha=0.1, positive=positive, encode_tol=1e-8).fit(X)
    least = objective(X, D, best.transform(X), best.penalty_).sum()
    excess = []
    for duration in (25, 50, 100, 200):
        codes = SpikingLCA(D, alpha=0.1, positive=positive, duration=duration).fit(X).transform(X)
        assert (codes >= 0).all() or not positive
        excess.append(objective(X, D, codes, best.penalty_).sum() / least - 1)
    assert min(excess) > 0
    assert excess == sorted(excess, reverse=True)
    assert excess[2] < 4e-3
    assert excess[3] < 1.2e-3


def test_published_example():
    """Three neurons; the exact code is (0.6830, 0, 1.2178)."""
    D = np.array([[0.3313, 0.8148, 0.4364], [0.8835, 0.3621, 0.2182], [0.3313, 0.4527, 0.8729]]).T
    X = np.array([[0.5, 1.0, 1.5]])
    neurons = SpikingLCA(D, alpha=0.1, positive=True, duration=1000.0, dt=1e-3).fit(X)
    code = neurons.transform(X)[0]
    assert code[1] == 0
    np.testing.assert_allclose(code, [0.6830, 0, 1.2178], atol=3e-3)  # 0.6813, 0, 1.2178


def test_codes_scale_with_their_input(rng):
    X, D = problem(rng, 3)
    codes = SpikingLCA(D, alpha=0.1, duration=20.0).fit(X).transform(X)
    doubled = SpikingLCA(D, alpha=0.2, duration=20.0).fit(X).transform(2 * X)
    np.testing.assert_array_equal(doubled, 2 * codes)
    longer = SpikingLCA(4 * D, alpha=0.4, duration=20.0).fit(X).transform(X)
    np.testing.assert_array_equal(longer, codes / 4)
    huge = SpikingLCA(D, alpha=1e199, duration=20.0).fit(1e200 * X).transform(1e200 * X)
    np.testing.assert_allclose(huge, 1e200 * codes, rtol=1e-9, atol=1e198)


def test_weak_rows_and_zero_atoms_are_silent(rng):
    X, D = problem(rng, 3)
    neurons = SpikingLCA(np.r_[D, np.zeros((1, 64))], alpha=0.1, duration=5.0).fit(X)
    codes = neurons.transform(np.r_[X, 1e-3 * X, np.zeros((1, 64))])
    assert not codes[3:].any()
    assert not codes[:, -1].any()
    assert codes[:3].any(axis=1).all()


def test_atoms_learned_elsewhere_serve(rng):
    X, _ = problem(rng)
    coder = SparseCoder(10, alpha=0.3, max_iter=2, random_state=0).fit(X)
    neurons = SpikingLCA(coder.dictionary_, alpha=0.3).fit(X)
    assert isinstance(neurons.dictionary_, Dictionary)
    np.testing.assert_array_equal(neurons.components_, coder.components_)
    np.testing.assert_allclose(neurons.transform(X), coder.transform(X), atol=0.25)


@pytest.mark.parametrize("params", [{"dt": 0}, {"dt": 1.5}, {"duration": 0}, {"settling": 1.0}, {"alpha": -1}])
def test_parameters_out_of_range(params, rng):
    X, D = problem(rng, 2)
    with pytest.raises(ValueError, match=next(iter(params))):
        SpikingLCA(D, **{"alpha": 0.1} | params).fit(X)
