"""Sparse-set coding against its naive twin, and what its fixed coefficients cost."""

import numpy as np
import pytest

from sparsecode import SparseCoder
from sparsecode.penalties import CEL0, L0
from sparsecode.solvers import solve

from ..contracts.solvers import DATA, planted
from ..reference.solvers import best_flip, sparse_set


@pytest.mark.nojit
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("name", ["planted", "more atoms than features", "one sample", "one atom"])
def test_equals_its_naive_twin(name, positive):
    X, D = DATA[name]()
    for alpha in (0.02, 0.3):
        codes = solve(X, D, L0(alpha, positive=positive), solver="sparse-set").codes
        naive = [sparse_set(x, D, alpha, positive) for x in X]
        np.testing.assert_allclose(codes, naive, atol=1e-12)


def test_no_flip_lowers_the_energy_and_coefficients_are_projections(dtype):
    for name in DATA:
        X, D = (A.astype(dtype) for A in DATA[name]())
        result = solve(X, D, L0(0.05), solver="sparse-set")
        assert not result.status.any()
        norms = np.square(D).sum(axis=1)
        projections = X @ D.T / np.where(norms > 0, norms, 1)
        chosen = result.codes != 0
        np.testing.assert_allclose(
            result.codes[chosen], projections[chosen], rtol=1e-5 if dtype == np.float32 else 1e-12
        )
        falls = [best_flip(*row, D, 0.05) for row in zip(X, result.codes, strict=True)]
        assert np.max(falls) <= (1e-5 if dtype == np.float32 else 1e-11) * np.square(X).sum(axis=1).max()


def test_atoms_leave_where_others_explain_them(patches, learned):
    """A flip out and the flip in that it takes back: there were more flips than atoms in 8 % of the patches."""
    result = solve(patches[:500], learned, L0(0.05), solver="sparse-set")
    back = result.n_iter - np.count_nonzero(result.codes, axis=1)
    assert (back % 2 == 0).all()
    assert (back > 0).mean() > 0.02


@pytest.mark.parametrize(("alpha", "least", "most"), [(0.05, 2.6, 2.9), (0.2, 1.55, 1.75), (0.45, 1.28, 1.38)])
def test_errors_on_patches_against_cel0(patches, learned, alpha, least, most):
    """Squared errors over those of CEL0 at the same price, atoms of seeds 0 to 3: 2.73 to 2.76, 1.62 to 1.65, 1.32."""
    X = patches[10_000:10_500]
    ours = solve(X, learned, L0(alpha), solver="sparse-set").square_error.sum()
    assert least < ours / solve(X, learned, CEL0(alpha)).square_error.sum() < most


def test_a_dictionary_is_learned_with_it():
    X, _ = planted(n=400, K=10, F=8)
    coder = SparseCoder(10, penalty="l0", alpha=0.1, solver="sparse-set", random_state=0, max_iter=20).fit(X)
    assert coder.history_["objective"][-1] < 0.8 * coder.history_["objective"][0]
    refitted = coder.set_params(debias=True)
    assert refitted.score(X) > 0.5
