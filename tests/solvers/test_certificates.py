"""The duality gap bounds suboptimality and vanishes at the solution."""

import numpy as np
import pytest

from sparsecode.penalties import L1
from sparsecode.solvers import duality_gap, objective, solve_fista


@pytest.mark.nojit
@pytest.mark.parametrize("positive", [False, True])
def test_gap_bounds_suboptimality(rng, positive):
    X, D = rng.normal(size=(20, 6)), rng.normal(size=(9, 6))
    penalty = L1(0.3, positive=positive)
    best = objective(X, D, solve_fista(X, D, penalty, tol=1e-13).codes, penalty)
    for size in (0.0, 1e-3, 1.0):
        W = size * np.abs(rng.normal(size=(20, 9)))
        gap = duality_gap(X, D, W, penalty)
        assert (gap >= 0).all()
        assert (objective(X, D, W, penalty) - best <= gap + 1e-12).all()


@pytest.mark.nojit
def test_gap_of_fista_falls_below_its_tolerance(rng):
    X, D = rng.normal(size=(5, 6)), rng.normal(size=(9, 6))
    result = solve_fista(X, D, L1(0.3), tol=1e-10)
    assert (result.status == 0).all()
    assert (result.certificate <= 1e-10).all()
    assert (solve_fista(X, D, L1(0.3), tol=1e-10, max_iter=3).status == 1).all()
