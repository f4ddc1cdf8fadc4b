"""Normalised iterative hard thresholding against its naive twin, a fixed step, and pursuit."""

import numpy as np
import pytest

from sparsecode.penalties import KSparse
from sparsecode.solvers import solve
from sparsecode.solvers._hard_thresholding_kernel import STEADY

from ..contracts.solvers import DATA, planted
from ..reference.solvers import hard_thresholding, least_squares


@pytest.mark.nojit
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("name", ["planted", "one sample", "one atom"])
def test_equals_its_naive_twin(name, positive):
    """Atoms of different norms. Over seeds 0 to 19 the largest difference is 3e-9: both end at a violation of 1e-9."""
    for seed in range(3):
        X, D = DATA[name](seed)
        for k in (1, 3):
            k = min(k, len(D))
            codes = solve(X, D, KSparse(k, positive=positive), solver="niht", tol=1e-9).codes
            naive = [hard_thresholding(x, D, k, positive, STEADY) for x in X]
            np.testing.assert_allclose(codes, naive, atol=1e-7)


def test_codes_are_least_squares_on_their_supports(patches, learned):
    X = patches[:100]
    result = solve(X, learned, KSparse(8), solver="niht", tol=1e-10)
    assert not result.status.any()
    for x, w, error in zip(X, result.codes, result.square_error, strict=True):
        expected, half = least_squares(x, learned, np.flatnonzero(w))
        np.testing.assert_allclose(w[w != 0], expected, atol=1e-9)
        np.testing.assert_allclose(error, 2 * half, rtol=1e-9)


def test_errors_on_patches_lie_between_pursuit_and_a_fixed_step(patches, learned):
    """With atoms of seeds 0 to 3 they are 1.024 to 1.038 times those of pursuit, 0.847 to 0.855 of a fixed step's."""
    X = patches[10_000:10_500]
    ours, pursuit, fixed = (
        solve(X, learned, KSparse(5), solver=name).square_error.sum() for name in ("niht", "omp", "forward-backward")
    )
    assert 1.0 < ours / pursuit < 1.1
    assert ours / fixed < 0.92


def test_a_fixed_step_starts_far_below_what_coherent_atoms_allow(rng):
    """All atoms share a large component: the longest fixed step is short, the normalised one is not."""
    D = rng.normal(size=(30, 40)) + 2 * rng.normal(size=40)
    D /= np.linalg.norm(D, axis=1, keepdims=True)
    W = np.zeros((50, 30))
    W[np.arange(50), rng.integers(0, 30, 50)] = 1
    W[np.arange(50), rng.integers(0, 30, 50)] -= 1
    X = W @ D
    ours, fixed = (solve(X, D, KSparse(2), solver=name, tol=1e-4) for name in ("niht", "forward-backward"))
    assert ours.n_iter.mean() < 0.2 * fixed.n_iter.mean()


def test_gains_let_atoms_in_more_easily():
    X, D = planted(n=40)
    gains = np.exp(0.5 * np.random.default_rng(1).normal(size=len(D)))
    result = solve(X, D, KSparse(3), solver="niht", gains=gains)
    plain = solve(X, D, KSparse(3), solver="niht")
    assert not result.status.any()
    high = gains > np.median(gains)
    assert np.count_nonzero(result.codes[:, high]) > np.count_nonzero(plain.codes[:, high])
