"""The online update against its naive twin, forgetting, and replacement of dead atoms."""

import itertools

import numpy as np
import pytest

from sparsecode.learning.init import initial_atoms
from sparsecode.learning.online import PATIENCE, OnlineState, decay_at

from ..reference.lasso import update_atoms
from .test_statistics import coded, sparse_codes


def take_in(state, X, W):
    """Update the state with a batch; return the number of atoms that were replaced."""
    return state.update(coded(X, state.D, W))


def square_error(X, W, D):
    return np.square(X - W @ D).sum(axis=1)


@pytest.mark.nojit
@pytest.mark.parametrize("positive", [False, True])
def test_update_equals_the_naive_twin(rng, dtype, positive):
    D = initial_atoms(np.zeros((1, 5), dtype), 7, "random", rng, positive=positive)
    A, B = np.zeros((7, 7)), np.zeros((7, 5))
    state = OnlineState.start(D.copy(), positive=positive)
    for step in range(1, 4):
        X, W = rng.normal(size=(20, 5)).astype(dtype), sparse_codes(rng, 20, 7, dtype)
        decay = (1 - 1 / step) ** np.sqrt(20 * step / 7)
        A, B = decay * A + W.T @ W / 20, decay * B + W.T @ X / 20
        D = update_atoms(D, A, B, positive)
        take_in(state, X, W)
        # Largest differences over 50 seeds: float64 2e-15, float32 6e-7.
        np.testing.assert_allclose(state.D, D, atol=2e-14 if dtype == np.float64 else 6e-6)
        np.testing.assert_allclose(np.linalg.norm(state.D, axis=1), 1, rtol=1e-6)
    assert state.D.dtype == state.A.dtype == state.B.dtype == dtype


def test_the_window_holds_the_last_tenth_of_the_batches_and_enough_samples_at_first():
    assert decay_at(1, 256, 100) == 0
    np.testing.assert_allclose(decay_at(1000, 256, 100), 0.999**10)
    for step in (2, 10, 30):  # a window of sqrt(n t K) samples is one of sqrt(t K / n) batches
        np.testing.assert_allclose(decay_at(step, 256, 900), (1 - 1 / step) ** (step / np.sqrt(step * 900 / 256)))


@pytest.mark.nojit
@pytest.mark.parametrize("positive", [False, True])
def test_an_update_lowers_the_surrogate(rng, positive):
    X, W = rng.normal(size=(200, 6)), sparse_codes(rng, 200, 8)
    state = OnlineState.start(initial_atoms(X, 8, "random", rng, positive=positive), positive=positive)
    before = 0.5 * square_error(X, W, state.D).mean()
    # The same batch again: unit-norm coordinate descent on a fixed problem.
    errors = [before]
    for _ in range(5):
        take_in(state, X, W)
        errors.append(0.5 * square_error(X, W, state.D).mean())
    assert all(b <= a + 1e-12 for a, b in itertools.pairwise(errors))
    assert errors[-1] < before
    assert not positive or state.D.min() == 0


@pytest.mark.parametrize("positive", [False, True])
def test_a_dead_atom_becomes_the_worst_residual(rng, positive):
    X, W = rng.normal(size=(60, 6)), sparse_codes(rng, 60, 8)
    W[:, 3] = 0
    X[17] *= 20
    state = OnlineState.start(initial_atoms(X, 8, "random", rng, positive=positive), positive=positive)
    replaced = 0
    while not replaced:
        assert state.unused[3] < PATIENCE * 8
        replaced = take_in(state, X, W)
    residual = X[17] - W[17] @ state.D  # of the new atoms; its code has none that was replaced
    residual = np.maximum(residual, 0) if positive else residual
    np.testing.assert_allclose(state.D[3], residual / np.linalg.norm(residual), atol=1e-12)
    assert (replaced, state.n_replaced, state.unused[3]) == (1, 1, 0)
    assert not state.A[3].any()
    assert not state.A[:, 3].any()


@pytest.mark.nojit
def test_nothing_is_replaced_by_zero_residuals(rng):
    state = OnlineState.start(initial_atoms(np.ones((1, 4)), 3, "random", rng))
    before = state.D.copy()
    for _ in range(40):
        assert take_in(state, np.zeros((5, 4)), np.zeros((5, 3))) == 0
    assert np.array_equal(state.D, before)


@pytest.mark.nojit
def test_initial_atoms(rng, dtype):
    X = rng.normal(size=(6, 4)).astype(dtype)
    X[2] = 0
    atoms = initial_atoms(X, 9, "data", rng)
    assert atoms.dtype == dtype
    np.testing.assert_allclose(np.linalg.norm(atoms, axis=1), 1, rtol=1e-6)
    unit = X[[0, 1, 3, 4, 5]] / np.linalg.norm(X[[0, 1, 3, 4, 5]], axis=1, keepdims=True)
    np.testing.assert_allclose(sorted(atoms[:5] @ np.ones(4)), sorted(unit @ np.ones(4)), rtol=1e-5)
    positive = initial_atoms(X, 9, "data", rng, positive=True)
    assert positive.min() >= 0
    np.testing.assert_allclose(np.linalg.norm(positive, axis=1), 1, rtol=1e-6)
    given = np.full((2, 4), 1e-300)
    np.testing.assert_allclose(initial_atoms(X.astype(float), 2, given, rng), 0.5)
    assert given[0, 0] == 1e-300
