"""Penalties: values, proximal operators, thresholds, and their manners as parameter objects."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone

from sparsecode._core.jit import KERNELS, kernel
from sparsecode.penalties import L1


def _prox(penalty, x, step):
    return penalty.prox(x, step, 0)


prox = kernel(_prox)


@pytest.mark.nojit
@pytest.mark.parametrize("positive", [False, True])
def test_prox_is_the_brute_force_minimum(positive):
    bound = L1(0.7, positive=positive).bind(np.float64)
    grid = np.linspace(0 if positive else -4, 4, 80_001)
    values = np.array([bound.value(u, 0) for u in grid[:: len(grid) // 50]])
    np.testing.assert_allclose(values, 0.7 * np.abs(grid[:: len(grid) // 50]))
    for x in (-3.0, -0.71, -0.2, 0.0, 0.3, 0.9, 2.5):
        for step in (0.3, 1.0, 1.7):
            brute = grid[np.argmin(0.5 * (grid - x) ** 2 + step * 0.7 * np.abs(grid))]
            assert abs(bound.prox(x, step, 0) - brute) <= 5.1e-5  # half a grid step


@pytest.mark.nojit
@pytest.mark.parametrize("positive", [False, True])
def test_violation_vanishes_at_fixed_points_only(positive):
    bound = L1(0.5, positive=positive).bind(np.float64)
    for u in (-1.0, 0.0, 2.0):
        for g in (-0.9, -0.5, 0.1, 0.5, 0.8):
            if positive and u < 0:
                continue
            fixed = abs(bound.prox(u + g, 1.0, 0) - u) < 1e-15
            assert (bound.violation(u, g, 0) < 1e-15) == fixed


def test_float32_stays_float32_in_kernels():
    for dtype in (np.float32, np.float64):
        bound = L1(0.5).bind(dtype)
        assert prox(bound, dtype(2), dtype(1)) == dtype(1.5)
    returned = {signature.args[1].name: overload.signature.return_type.name for signature, overload in _overloads()}
    assert returned == {"float32": "float32", "float64": "float64"}


def _overloads():
    compiled = KERNELS.pop(f"{__name__}._prox")
    return [(overload.signature, overload) for overload in compiled.overloads.values()]


@pytest.mark.nojit
def test_threshold_and_alpha_max(rng):
    C = rng.normal(size=(5, 4))
    assert np.array_equal(L1().alpha_max(C), np.abs(C).max(axis=1))
    assert np.array_equal(L1(positive=True).alpha_max(-np.abs(C)), np.zeros(5))
    assert L1(0.3).bind("float32").threshold(2) == np.float32(0.3)


@pytest.mark.nojit
def test_manners_of_a_parameter_object():
    penalty = L1(0.3, positive=True)
    assert repr(penalty) == "L1(alpha=0.3, positive=True)"
    assert clone(penalty) == penalty == pickle.loads(pickle.dumps(penalty))  # noqa: S301
    assert clone(penalty) is not penalty
    assert penalty != L1(0.3)
    assert penalty.set_params(alpha=2.0).alpha == 2.0
    with pytest.raises(ValueError, match=r"`beta` is not a parameter of L1; it has 'alpha', 'positive'"):
        penalty.set_params(beta=1)


@pytest.mark.nojit
@pytest.mark.parametrize("alpha", [0, -1, np.nan, np.inf, "1", None])
def test_bad_alpha(alpha):
    with pytest.raises(ValueError, match="`alpha` must be a positive finite number"):
        L1(alpha).bind("float64")
