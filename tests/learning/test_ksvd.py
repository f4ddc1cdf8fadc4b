"""The K-SVD pass against its naive twin, falling errors, and replacement of idle atoms."""

import itertools

import numpy as np
import pytest
from scipy.sparse import csr_array

from sparsecode.learning import ksvd
from sparsecode.learning.ksvd import improve

from ..reference import learning as naive
from .test_statistics import sparse_codes


def problem(rng, n, K, F, dtype=np.float64, positive=False):
    """Samples, unit atoms, and codes that every atom takes part in."""
    D = rng.normal(size=(K, F))
    D /= np.linalg.norm(D, axis=1, keepdims=True)
    W = sparse_codes(rng, n, K)
    W = np.abs(W) if positive else W
    X = W @ D + 0.3 * rng.normal(size=(n, F))
    return X.astype(dtype), W.astype(dtype), D.astype(dtype)


def errors_of(X, W, D):
    return np.square(X - W @ D).sum(axis=1)


@pytest.mark.nojit
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("positive_atoms", [False, True])
@pytest.mark.parametrize("shape", [(30, 1, 5), (40, 7, 5), (90, 21, 10)])
def test_equal_to_the_naive_twin(rng, dtype, shape, positive, positive_atoms):
    X, W, D = problem(rng, *shape, dtype, positive)
    atoms, weights = naive.improve_atoms(X, W, D, positive, positive_atoms)
    codes, signs = csr_array(W), {"positive": positive, "positive_atoms": positive_atoms}
    assert improve(D, X, codes, errors_of(X, W, D), **signs) == 0
    # Largest differences over 50 seeds: float64 3e-15, float32 1.3e-6
    atol = 3e-14 if dtype == np.float64 else 1.3e-5
    np.testing.assert_allclose(D, atoms, rtol=0, atol=atol)
    np.testing.assert_allclose(codes.toarray(), weights, rtol=0, atol=atol)
    assert D.dtype == codes.dtype == dtype


@pytest.mark.nojit
def test_errors_fall_for_fixed_supports(rng):
    X, W, D = problem(rng, 200, 12, 8)
    codes = csr_array(W)
    errors = [errors_of(X, W, D).sum()]
    for _ in range(5):
        improve(D, X, codes, errors_of(X, codes.toarray(), D))
        errors.append(errors_of(X, codes.toarray(), D).sum())
    assert all(b <= a * (1 + 1e-12) for a, b in itertools.pairwise(errors))
    assert errors[-1] < 0.95 * errors[0]
    np.testing.assert_allclose(np.linalg.norm(D, axis=1), 1, rtol=1e-12)


@pytest.mark.nojit
def test_idle_atoms_become_the_worst_residuals_each_once(rng):
    X, W, D = problem(rng, 60, 8, 12)
    W[:, [3, 6]] = 0
    X = W @ D
    X[29] -= 4 * rng.normal(size=12)
    X[11] += 2 * rng.normal(size=12)
    codes = csr_array(W)
    assert improve(D, X, codes, errors_of(X, W, D)) == 2
    residuals = (X - codes @ D)[[29, 11]]  # the codes have none of the atoms that were replaced
    np.testing.assert_allclose(D[[3, 6]], residuals / np.linalg.norm(residuals, axis=1, keepdims=True), atol=1e-12)


@pytest.mark.nojit
def test_of_two_equal_atoms_the_one_used_less_is_replaced(rng):
    D = np.eye(6)[:3].copy()
    W = np.repeat(np.eye(3), [10, 15, 5], axis=0)
    X = W @ np.eye(6)[[0, 1, 0]] + 1e-3 * rng.normal(size=(30, 6))  # atom 2 is to become atom 0
    X[15, 5] += 3
    assert improve(D, X, csr_array(W), errors_of(X, W, D)) == 1
    assert abs(D[0, 0]) > 0.99
    assert abs(D[2, 5]) > 0.9


@pytest.mark.nojit
def test_nothing_is_replaced_by_zero_residuals(rng):
    D = np.eye(4)
    before = D.copy()
    assert improve(D, np.zeros((5, 4)), csr_array((5, 4)), np.zeros(5)) == 0
    assert np.array_equal(D, before)


def test_pieces_of_any_length_give_the_same_bits(rng, dtype, monkeypatch):
    X, W, D = problem(rng, 90, 21, 10, dtype)
    results = []
    for work in (1, 5000, 10**9):
        monkeypatch.setattr(ksvd, "WORK", work)
        atoms, codes = D.copy(), csr_array(W)
        improve(atoms, X, codes, errors_of(X, W, D))
        results.append((atoms, codes.data))
    for atoms, data in results[1:]:
        assert np.array_equal(atoms, results[0][0])
        assert np.array_equal(data, results[0][1])
