"""The pass over atoms by blocks against the plain loop."""

import numpy as np
import pytest

from sparsecode.learning import atoms
from sparsecode.learning.atoms import update_atoms

from ..reference import lasso as naive
from .test_statistics import sparse_codes


def problem(rng, K, F, dtype=np.float64):
    """Atoms, and the sums of 200 samples with sparse codes."""
    D = rng.normal(size=(K, F))
    D /= np.linalg.norm(D, axis=1, keepdims=True)
    W, X = sparse_codes(rng, 200, K), rng.normal(size=(200, F))
    return [array.astype(dtype) for array in (D, W.T @ W / 200, W.T @ X / 200)]


@pytest.mark.nojit
@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (8, 3), (16, 4), (37, 21)])
def test_equal_to_the_naive_twin(rng, dtype, shape):
    D, A, B = problem(rng, *shape, dtype)
    expected = naive.update_atoms(D, A, B)
    update_atoms(D, A, B)
    # Largest differences over 100 seeds: float64 5e-15, float32 3e-6
    np.testing.assert_allclose(D, expected, rtol=0, atol=3e-14 if dtype == np.float64 else 2e-5)
    assert D.dtype == dtype


def test_many_atoms_in_several_pieces(rng, monkeypatch):
    D, A, B = problem(rng, 1050, 6)
    expected = naive.update_atoms(D, A, B)
    monkeypatch.setattr(atoms, "WORK", 300_000)
    update_atoms(D, A, B)
    np.testing.assert_allclose(D, expected, rtol=0, atol=1e-12)


@pytest.mark.nojit
def test_atoms_that_no_sample_has_used_stay_as_they_are(rng):
    D, A, B = problem(rng, 20, 6)
    A[3], A[:, 3], B[3] = 0, 0, 0
    before = D.copy()
    update_atoms(D, A, B)
    assert np.array_equal(D[3], before[3])
    assert not np.array_equal(D[4], before[4])


@pytest.mark.nojit
def test_an_atom_whose_minimiser_vanishes_stays_as_it_is():
    D, A = np.eye(2), np.eye(2)
    update_atoms(D, A, np.array([[0.0, 0.0], [0.0, 3.0]]))
    assert np.array_equal(D, np.eye(2))
