"""The locally competitive algorithm: its steps, its descent, and where hard thresholds come to rest."""

import numpy as np
import pytest

from sparsecode.penalties import CEL0, L0, L1, ElasticNet, WeightedL1
from sparsecode.solvers import objective, solve
from sparsecode.solvers.lca import longest_rate

from ..contracts.solvers import planted
from ..reference.circuits import settle


def rate_of(D):
    return longest_rate(D / np.linalg.norm(D, axis=1, keepdims=True))


STEPPED = {"l1": L1(0.3), "weighted": WeightedL1(0.2, np.linspace(1, 2, 20)), "l0": L0(0.05), "cel0": CEL0(0.05)}


@pytest.mark.nojit
@pytest.mark.parametrize("penalty", STEPPED.values(), ids=STEPPED)
@pytest.mark.parametrize("n_steps", [1, 4, 25])
def test_steps_are_those_of_the_naive_twin(penalty, n_steps, dtype):
    X, D = (A.astype(dtype).astype(float) for A in planted(n=5))
    norms = np.linalg.norm(D, axis=1)
    hard = isinstance(penalty, L0)
    levels = np.full(20, np.sqrt(2 * penalty.alpha)) if hard else penalty.bind(norms**2, float).entry / norms
    expected = [settle(x, D, levels, rate_of(D), n_steps, hard=hard) for x in X]
    found = solve(X.astype(dtype), D.astype(dtype), penalty, solver="lca", tol=0, max_iter=n_steps).codes
    np.testing.assert_allclose(found, expected, atol=1e-5 if dtype == np.float32 else 1e-12)


SOFT = [L1(0.2), L1(0.2, positive=True), ElasticNet(0.3, 0.6), WeightedL1(0.1, np.linspace(1, 3, 200))]


@pytest.mark.parametrize("penalty", SOFT, ids=["l1", "positive", "elastic net", "weighted"])
def test_soft_thresholds_are_mirror_descent(patches, learned, penalty):
    """The objective falls in every step, and exceeds its minimum by ``D_h(w*, 0) / (rate steps)`` at the most.

    The mirror map h is half the squared norm of the code of unit atoms, and the penalty; the first potentials are the
    subgradient at zero from which its distance D_h is taken.
    """
    X, D = patches[:20], learned * np.linspace(0.5, 2, 200)[:, None]
    exact = solve(X, D, penalty, tol=1e-12).codes
    least = objective(X, D, exact, penalty)
    norms = np.linalg.norm(D, axis=1)
    levels = penalty.bind(norms**2, float).entry / norms
    first = np.clip(X @ (D / norms[:, None]).T, -np.inf if penalty.positive else -levels, levels)
    distance = 0.5 * np.square(exact * norms).sum(axis=1) + penalty.value(exact, norms**2)
    distance -= (first * exact * norms).sum(axis=1)
    before = 0.5 * np.square(X).sum(axis=1)
    for n_steps in range(1, 40):
        found = objective(X, D, solve(X, D, penalty, solver="lca", tol=0, max_iter=n_steps).codes, penalty)
        assert (found <= before * (1 + 1e-14)).all()
        assert (found - least <= distance / (rate_of(D) * n_steps)).all()
        before = found


@pytest.mark.parametrize("positive", [False, True])
def test_hard_thresholds_rest_at_minima_of_l0(patches, learned, positive):
    """Active atoms have no correlation left and coefficients of at least lam; that of others is at most lam."""
    X, D = patches[:200], learned * np.linspace(0.5, 2, 200)[:, None]
    norms = np.linalg.norm(D, axis=1)
    result = solve(X, D, L0(0.1, positive=positive), solver="lca", tol=1e-9)
    assert not result.status.any()
    active, size = result.codes != 0, np.abs(result.codes) * norms
    left = (X - result.codes @ D) @ D.T / norms
    left = left if positive else np.abs(left)
    level = np.sqrt(2 * 0.1)
    assert active.any(axis=1).mean() > 0.5  # 0.60 and 0.59
    assert (size[active] >= level).all()
    assert np.abs(left[active]).max() < 1e-7
    assert left[~active].max() <= level * (1 + 1e-9)


def test_equal_atoms_do_not_take_turns():
    """Two equal neurons would cross a hard threshold together, fall below it together, and so on."""
    D = np.array([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])
    result = solve([[1.3, 0.2], [5.0, 5.0]], D, L0(0.5), solver="lca")
    assert not result.status.any()
    np.testing.assert_allclose(result.codes, [[1.3, 0, 0, 0], [5, 0, 0, 5]], atol=1e-5)
