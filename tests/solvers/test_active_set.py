"""The active-set solver against its naive twin, FISTA, its certificate, and degenerate problems."""

import numpy as np
import pytest

from sparsecode import solvers
from sparsecode.penalties import L1
from sparsecode.solvers import duality_gap, objective, solve_fista

from ..reference.lasso import coordinate_descent


def solve(X, D, alpha, *, positive=False, **settings):
    return solvers.solve(X, D, L1(alpha, positive=positive), **{"solver": "active-set", "tol": 1e-12, **settings})


def degenerate_dictionary(rng, n_components, n_features):
    """Atoms with a zero, a duplicate, a negative, a collinear and a nearly dependent one, of several norms."""
    D = rng.normal(size=(n_components, n_features))
    D[1] = 0
    D[3] = D[2]
    D[4] = -2 * D[2]
    D[6] = D[5] + 1e-7 * D[7]
    D[8] = D[9] + D[10]
    return D


@pytest.mark.nojit
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("alpha", [0.05, 1.0])
def test_equals_naive_coordinate_descent(rng, alpha, positive):
    D = rng.normal(size=(7, 5))
    X = rng.normal(size=(4, 5))
    codes = solve(X, D, alpha, positive=positive).codes
    naive = np.array([coordinate_descent(x, D, alpha, positive) for x in X])
    # Largest relative excess of either over 20 seeds: 4e-15.
    np.testing.assert_allclose(objective(X, D, codes, L1(alpha)), objective(X, D, naive, L1(alpha)), rtol=1e-12)


@pytest.mark.nojit
@pytest.mark.parametrize("positive", [False, True])
def test_degenerate_rows_and_atoms(rng, dtype, positive):
    D = degenerate_dictionary(rng, 14, 6).astype(dtype)
    X = rng.normal(size=(6, 6)).astype(dtype)
    X[0] = 0
    X[1] = X[2]
    X[3] = D[2]
    result = solve(X, D, 0.1, positive=positive)
    assert result.status.max() == 0
    assert result.codes.dtype == dtype
    assert not result.codes[0].any()
    assert not result.codes[:, 1].any()
    assert np.array_equal(result.codes[1], result.codes[2])
    gap = duality_gap(X, D, result.codes, L1(0.1, positive=positive))
    # Largest over 50 seeds: float64 4e-14, float32 3e-6 (codes are rounded to the dtype after solving).
    assert (gap <= {"float32": 3e-5, "float64": 1e-12}[result.codes.dtype.name] * np.square(X).sum(axis=1)).all()
    if positive:
        assert result.codes.min() >= 0


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("alpha", [0.02, 0.2, 0.5])
@pytest.mark.parametrize("n_components", [40, 300])
def test_equals_fista_on_patches(patches, n_components, alpha, positive):
    X, D = patches[:20], patches[1000 : 1000 + n_components]
    result = solve(X, D, alpha, positive=positive)
    fista = solve_fista(X, D, L1(alpha, positive=positive), tol=1e-7, max_iter=4000)
    exact, oracle = objective(X, D, result.codes, L1(alpha)), objective(X, D, fista.codes, L1(alpha))
    assert (exact <= oracle * (1 + 1e-12)).all()
    assert (oracle - exact <= fista.certificate * 0.5 * np.square(X).sum(axis=1) + 1e-12 * oracle).all()


@pytest.mark.parametrize("positive", [False, True])
def test_certificate_is_the_gap_of_the_codes(patches, dtype, positive):
    X, D = patches[:200].astype(dtype), patches[500:644].astype(dtype)
    for tol in (1e-2, 1e-5):
        result = solve(X, D, 0.3, positive=positive, tol=tol)
        gap = duality_gap(X, D, result.codes, L1(0.3, positive=positive))
        bound = 0.5 * np.square(X, dtype=np.float64).sum(axis=1)
        assert (result.certificate <= tol).all()
        # Largest difference relative to 0.5 ||x||^2: float64 2e-15, float32 2e-7.
        np.testing.assert_allclose(result.certificate, gap / bound, atol=1e-13 if dtype == np.float64 else 2e-6)
        np.testing.assert_allclose(
            result.square_error / bound,
            np.square(X - result.codes @ D).sum(axis=1, dtype=np.float64) / bound,
            atol=1e-13 if dtype == np.float64 else 5e-6,
        )


@pytest.mark.parametrize("alpha", [1e-4, 1e-2])
def test_nearly_equal_atoms_in_float32_are_solved_in_float64(rng, alpha):
    D = rng.normal(size=(30, 16))
    D = D[0] + 0.01 * D
    X = rng.normal(size=(50, 16))
    D[20:] = D[:10]
    single = solve(X.astype(np.float32), D.astype(np.float32), alpha)
    double = solve(X.astype(np.float32).astype(float), D.astype(np.float32).astype(float), alpha)
    assert (single.status == 0).all()
    assert (single.certificate <= 2e-6).all()
    excess = objective(X, D, single.codes, L1(alpha)) / objective(X, D, double.codes, L1(alpha)) - 1
    # Over 20 seeds at the most 6e-7.
    assert np.abs(excess).max() < 1e-5


def test_orthonormal_atoms_give_soft_thresholding(rng):
    D = np.linalg.qr(rng.normal(size=(12, 12)))[0]
    X = rng.normal(size=(30, 12))
    C = X @ D.T
    expected = np.sign(C) * np.maximum(np.abs(C) - 0.4, 0)
    np.testing.assert_allclose(solve(X, D, 0.4).codes, expected, atol=1e-14)
