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
    X, D = patches[:40], patches[1000 : 1000 + n_components]
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


@pytest.mark.nojit
def test_bad_input_is_refused(rng):
    X, D = rng.normal(size=(3, 5)), rng.normal(size=(4, 5))
    with pytest.raises(ValueError, match="`D` has atoms of 4 features, but X has 5"):
        solvers.solve(X, D[:, :4], L1(0.1))
    for name, bad in (("X", (np.full((3, 5), np.nan), D)), ("D", (X, np.full((4, 5), np.inf)))):
        with pytest.raises(ValueError, match=f"Input {name} contains"):
            solvers.solve(*bad, L1(0.1))
    assert solvers.solve(np.eye(3, dtype=int), np.eye(3), L1(0.1)).codes.dtype == np.float64


def test_zero_code_at_alpha_max_and_one_atom_below(rng):
    D = rng.normal(size=(20, 9))
    X = rng.normal(size=(1, 9))
    alpha_max = L1().alpha_max(X @ D.T)[0]
    assert not solve(X, D, alpha_max * (1 + 1e-12)).codes.any()
    assert np.count_nonzero(solve(X, D, alpha_max * (1 - 1e-6)).codes) == 1


def test_orthonormal_atoms_give_soft_thresholding(rng):
    D = np.linalg.qr(rng.normal(size=(12, 12)))[0]
    X = rng.normal(size=(30, 12))
    C = X @ D.T
    expected = np.sign(C) * np.maximum(np.abs(C) - 0.4, 0)
    np.testing.assert_allclose(solve(X, D, 0.4).codes, expected, atol=1e-14)


def test_permuted_flipped_rotated_and_scaled_problems(patches):
    X, D = patches[:50], patches[700:800]
    codes = solve(X, D, 0.3).codes
    rng = np.random.default_rng(0)
    order, signs = rng.permutation(100), rng.choice([-1.0, 1.0], size=100)
    rotation = np.linalg.qr(rng.normal(size=(144, 144)))[0]
    # Codes are unique here; largest differences measured: 3e-14.
    close = {"rtol": 0, "atol": 1e-11}
    np.testing.assert_allclose(solve(X, D[order], 0.3).codes, codes[:, order], **close)
    np.testing.assert_allclose(solve(X, D * signs[:, None], 0.3).codes, codes * signs, **close)
    np.testing.assert_allclose(solve(X @ rotation, D @ rotation, 0.3).codes, codes, **close)
    assert np.array_equal(solve(4 * X, D, 1.2).codes, 4 * codes)


def test_rows_do_not_depend_on_their_neighbours_or_threads(patches, dtype):
    X, D = patches[:333].astype(dtype), patches[700:843].astype(dtype)
    all_rows = solve(X, D, 0.3)
    for n_jobs in (2, -1):
        threaded = solve(X, D, 0.3, n_jobs=n_jobs)
        assert all(np.array_equal(a, b) for a, b in zip(all_rows, threaded, strict=True))
    for rows in (slice(0, 1), slice(5, 6), slice(63, 70), slice(330, 333)):
        assert np.array_equal(solve(X[rows], D, 0.3).codes, all_rows.codes[rows])


def test_max_iter_is_reported_with_an_honest_gap(patches):
    X, D = patches[:100], patches[500:644]
    result = solve(X, D, 0.1, max_iter=2)
    stopped = result.status == 1
    assert stopped.mean() > 0.5
    assert (result.n_iter[stopped] == 2).all()
    half = 0.5 * np.square(X).sum(axis=1)
    gap = duality_gap(X, D, result.codes, L1(0.1))
    np.testing.assert_allclose((result.certificate * half)[stopped], gap[stopped], rtol=1e-9)
    exact = objective(X, D, solve(X, D, 0.1).codes, L1(0.1))
    assert (objective(X, D, result.codes, L1(0.1)) - exact <= gap * (1 + 1e-9) + 1e-12).all()


def test_overflow_is_a_status():
    X = np.full((2, 3), 1e200)
    assert (solve(X, np.eye(3), 1.0).status == 2).all()
    with pytest.raises(ValueError, match="`D` has 3 atoms whose squared norm leaves the range of float64"):
        solve(X, np.eye(3) * 1e200, 1.0)
