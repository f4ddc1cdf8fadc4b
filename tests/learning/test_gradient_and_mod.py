"""The rules "gradient" and "mod" against naive twins, and what both do with atoms that nobody uses."""

import itertools

import numpy as np
import pytest

from sparsecode import SparseCoder
from sparsecode.learning.gradient import RATE, GradientState
from sparsecode.learning.init import initial_atoms
from sparsecode.learning.mod import ModState

from ..reference import learning as naive
from .test_statistics import coded, sparse_codes


def problem(rng, n=200, K=8, F=6, dtype=np.float64, positive=False):
    """Samples, codes and atoms that did not make the samples."""
    D = initial_atoms(np.zeros((1, F), dtype), K, "random", rng, positive=positive)
    W = sparse_codes(rng, n, K, dtype)
    return (W @ D[::-1] + 0.1 * rng.normal(size=(n, F))).astype(dtype), W, D


def mean_error(X, W, D):
    return np.square(X - W @ D).sum(axis=1).mean()


@pytest.mark.nojit
@pytest.mark.parametrize("positive", [False, True])
def test_a_step_is_that_of_the_naive_twin(rng, dtype, positive):
    X, W, D = problem(rng, dtype=dtype, positive=positive)
    state = GradientState.start(D.copy(), positive=positive, rate=0.3)
    assert state.update(coded(X, D, W)) == 0
    # Largest differences over 50 seeds: 3e-16 and 1.4e-7
    expected = naive.gradient_step(X, W, D, 0.3, positive)
    np.testing.assert_allclose(state.D, expected, atol=1e-14 if dtype == np.float64 else 1.5e-6)
    assert state.D.dtype == dtype
    assert state.energy == pytest.approx(np.square(W, dtype=float).mean(), rel=1e-5)


@pytest.mark.nojit
def test_steps_have_no_unit(rng):
    """Samples and codes in another unit move the atoms alike, also where the unit changes nothing but the past."""
    X, W, D = problem(rng)
    states = [GradientState.start(D.copy()) for _ in range(3)]
    for state, factor in zip(states, (1.0, 2.0**40, 2.0**-40), strict=True):
        for _ in range(3):
            state.update(coded(factor * X, state.D, factor * W))
    for state in states[1:]:
        np.testing.assert_allclose(state.D, states[0].D, rtol=1e-12)


@pytest.mark.nojit
def test_the_energy_is_a_mean_first_and_a_moving_one_later(rng):
    X, W, D = problem(rng)
    state = GradientState.start(D.copy())
    squares = np.square(W).mean()
    for factor in (1.0, 3.0):
        state.update(coded(factor * X, state.D, factor * W))
    assert state.energy == pytest.approx(5 * squares)
    state.n_steps = 1000
    state.update(coded(X, state.D, W))
    assert state.energy == pytest.approx(5 * squares + RATE * (squares - 5 * squares))


@pytest.mark.nojit
@pytest.mark.parametrize("positive", [False, True])
def test_steps_lower_the_error_of_a_fixed_batch(rng, positive):
    X, W, D = problem(rng, positive=positive)
    state = GradientState.start(D.copy(), positive=positive)
    errors = [mean_error(X, W, state.D)]
    for _ in range(100):
        state.update(coded(X, state.D, W))
        errors.append(mean_error(X, W, state.D))
    assert all(b <= a * (1 + 1e-12) for a, b in itertools.pairwise(errors))
    assert errors[-1] < 0.25 * errors[0]
    np.testing.assert_allclose(np.linalg.norm(state.D, axis=1), 1, rtol=1e-12)
    assert not positive or state.D.min() >= 0


@pytest.mark.nojit
def test_idle_atoms_stay_where_they_are(rng):
    X, W, D = problem(rng)
    W[:, 2] = 0
    for zeros in (False, True):
        state = GradientState.start(D.copy())
        for _ in range(50):
            assert state.update(coded(X, state.D, 0 * W if zeros else W)) == 0
        assert np.array_equal(state.D[2], D[2])
        assert np.array_equal(state.D, D) == zeros
        assert state.n_replaced == 0


@pytest.mark.nojit
def test_mod_solves_least_squares_and_normalises(rng, dtype):
    X, W, D = problem(rng, dtype=dtype)
    state = ModState.start(D.copy())
    assert state.update(coded(X, D, W)) == 0
    expected = np.linalg.lstsq(W.astype(float), X.astype(float))[0]
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    # The ridge of 1e-6 moves atoms by up to 4e-7 (50 seeds), also in float32
    np.testing.assert_allclose(state.D, expected, atol=4e-6)
    assert state.D.dtype == dtype


@pytest.mark.nojit
def test_mod_replaces_idle_and_equal_atoms_by_the_worst_residuals(rng):
    X, W, D = problem(rng, F=12)
    W[:, 3] = 0
    X[17] *= 20
    state = ModState.start(D.copy())
    assert state.update(coded(X, D, W)) == 1
    residual = X[17] - W[17] @ state.D
    np.testing.assert_allclose(state.D[3], residual / np.linalg.norm(residual), atol=1e-12)
    assert state.n_replaced == 1
    codes = np.repeat(np.eye(3), [10, 15, 5], axis=0)
    samples = codes @ np.eye(6)[[0, 1, 0]] + 1e-3 * rng.normal(size=(30, 6))  # atom 2 becomes atom 0
    state = ModState.start(np.eye(6)[:3].copy())
    assert state.update(coded(samples, state.D, codes)) == 1
    assert abs(state.D[0] @ state.D[2]) < 0.9


@pytest.mark.nojit
def test_mod_of_codes_of_zeros_keeps_the_atoms(rng):
    X, W, D = problem(rng)
    state = ModState.start(D.copy())
    state.update(coded(0 * X, D, 0 * W))
    assert np.array_equal(state.D, D)
    state = ModState.start(D.copy())
    state.update(coded(X, D, 0 * W))  # all are idle: samples take their place
    assert np.isfinite(state.D).all()
    np.testing.assert_allclose(np.linalg.norm(state.D, axis=1), 1, rtol=1e-12)


def test_mod_takes_sums_that_rounding_has_left_indefinite():
    """More atoms than samples in float32: without a ridge for each atom 9 of 10 such fits had no Cholesky factor."""
    for seed in range(4):
        X = np.random.default_rng(seed).normal(size=(100, 30)).astype(np.float32)
        X[0] *= 1e4
        coder = SparseCoder(120, n_nonzero_coefs=5, learning="mod", max_iter=3, random_state=0).fit(X)
        np.testing.assert_allclose(np.linalg.norm(coder.components_, axis=1), 1, rtol=1e-5)
        assert coder.score(X) > 0.9
