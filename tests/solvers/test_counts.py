"""Codes with a price for each coefficient, or at most k of them: local and global minima, CEL0 and the l0 norm."""

import numpy as np
import pytest

from sparsecode.penalties import CEL0, L0, MCP, SCAD, KSparse, LHalf, LogSum, LTwoThirds
from sparsecode.solvers import objective, solve
from sparsecode.solvers.forward_backward import largest_eigenvalue

from ..contracts.solvers import DATA, planted
from ..reference.solvers import best_move, least_l0_objective

#: Prices at which the patches below take about 7, 4 and 2.5 coefficients.
PRICES = [0.05, 0.2, 0.45]


# Minima


@pytest.mark.nojit
@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("penalty", [CEL0(0.02), L0(0.3), KSparse(2), KSparse(40)], ids=repr)
def test_no_move_of_one_atom_improves_what_replacement_ends_at(name, penalty):
    for seed in range(3):
        X, D = DATA[name](seed)
        price, most = getattr(penalty, "alpha", 0.0), getattr(penalty, "n_nonzero_coefs", len(D))
        result = solve(X, D, penalty, solver="replacement")
        assert not result.status.any()
        for x, w in zip(X, result.codes, strict=True):
            # The largest gain left over seeds 0 to 19 is 2e-14 of ||x||^2; gains below 5e-13 are not taken
            assert best_move(x, D, np.flatnonzero(w), price, min(most, *D.shape)) <= 1e-12 * x @ x


def test_atoms_of_different_price_are_exchanged_if_one_depends_on_the_other():
    """Two equal atoms, the second one cheaper: only an exchange for an atom at no distance to the others helps."""
    rng = np.random.default_rng(0)
    D = rng.normal(size=(5, 8))
    D[3] = D[1]
    x = 2 * D[1:2] + D[2]
    start = np.array([[0.0, 2.0, 1.0, 0.0, 0.0]])
    result = solve(x, D, L0(0.5), init=start, gains=[1, 1, 1, 1.2, 1])
    np.testing.assert_allclose(result.codes, [[0, 0, 1, 2, 0]], atol=1e-12)


def one_to_three_unit_atoms(seed, n_features):
    rng = np.random.default_rng(seed)
    D = rng.normal(size=(12, n_features))
    D /= np.linalg.norm(D, axis=1, keepdims=True)
    W = np.zeros((100, 12))
    for w in W:
        support = rng.choice(12, rng.integers(1, 4), replace=False)
        w[support] = rng.uniform(1, 2, len(support)) * rng.choice([-1, 1], len(support))
    return W @ D + 0.05 * rng.normal(size=(100, n_features)), D


@pytest.mark.parametrize(
    ("solver", "n_features", "least", "mean"),
    [
        ("replacement", 16, 0.95, 0.985),
        ("greedy", 16, 0.95, 0.97),
        ("replacement", 8, 0.75, 0.82),
        ("greedy", 8, 0.6, 0.7),
    ],
)
def test_share_of_global_minima(solver, n_features, least, mean):
    """12 random unit atoms, 1 to 3 of them in each sample: the minimum by enumeration.

    Over seeds 0 to 19 with 16 features 0.97 to 1 with mean 0.995, and 0.96 to 1 with mean 0.987; over seeds 0 to 9
    with 8 features, fewer than atoms, 0.78 to 0.9 with mean 0.85, and 0.63 to 0.8 with mean 0.74, where cyclic descent
    has 0.62.
    """
    shares = []
    for seed in range(5):
        X, D = one_to_three_unit_atoms(seed, n_features)
        found = objective(X, D, solve(X, D, CEL0(0.1), solver=solver).codes, L0(0.1))
        minimum = least_l0_objective(X, D, 0.1)
        assert (found >= minimum - 1e-9).all()
        shares.append((found <= minimum + 1e-9).mean())
    assert min(shares) >= least, shares
    assert np.mean(shares) >= mean, shares


# Patches


@pytest.fixture(scope="module")
def forward(patches, learned):
    """CEL0 codes of patches by forward-backward splitting from zero, one for each price."""
    return {price: solve(patches[:500], learned, CEL0(price), solver="forward-backward") for price in PRICES}


@pytest.mark.parametrize("price", PRICES)
@pytest.mark.parametrize(("solver", "pooled", "share"), [("replacement", -0.01, 0.1), ("greedy", 1e-2, 0.2)])
def test_objectives_on_patches_against_forward_backward(patches, learned, forward, solver, pooled, share, price):
    """Pooled over patches they are lower; of single patches some end above.

    Measured, prices in order: pooled -11, -6, -3.6 % and -5, -2.6, -1.7 %; patches that end more than 1 % above 5.8,
    6.2, 4.0 % and 14, 13, 9 %. Sweeps over the few active atoms are not counted as passes.
    """
    X, there = patches[:500], forward[price]
    result = solve(X, learned, CEL0(price), solver=solver)
    here, other = (objective(X, learned, r.codes, L0(price)) for r in (result, there))
    assert here.sum() / other.sum() - 1 <= pooled
    assert (here > 1.01 * other).mean() <= share
    assert result.n_iter.mean() <= 0.1 * there.n_iter.mean()
    assert not result.status.any()


@pytest.mark.parametrize("price", PRICES)
def test_replacement_from_codes_of_forward_backward_is_never_above_them(patches, learned, forward, price):
    X, start = patches[:500], forward[price].codes
    result = solve(X, learned, CEL0(price), init=start)
    before, after = (objective(X, learned, codes, L0(price)) for codes in (start, result.codes))
    assert (after <= before + 1e-12 * before).all()
    assert (after < before - 1e-3).mean() > 0.1


# CEL0 and penalties whose threshold depends on the step


@pytest.mark.parametrize("price", PRICES)
def test_coefficients_of_cel0_codes_are_zero_or_past_the_knee(patches, learned, forward, price):
    codes, knee = np.abs(forward[price].codes), np.sqrt(2 * price) / np.linalg.norm(learned, axis=1)
    done = forward[price].status == 0
    assert done.mean() > 0.99
    assert not ((codes > 1e-9) & (codes < 0.999 * knee))[done].any()
    np.testing.assert_allclose(
        objective(patches[:500], learned, forward[price].codes, CEL0(price))[done],
        objective(patches[:500], learned, forward[price].codes, L0(price))[done],
        rtol=1e-6,
    )


def test_steps_of_forward_backward_splitting(patches, learned):
    """The step hardly matters for CEL0; where the threshold jumps, a short one leaves out atoms that pay.

    Measured for CEL0, prices in order: numbers of coefficients within 0.3 %, objectives within 0.14, 0.18 and 0.11 %;
    79, 94 and 98 % of the patches have the same support.
    """
    X, step = patches[:200], 1 / np.linalg.norm(learned, 2) ** 2

    def code(penalty, share):
        result = solve(X, learned, penalty, solver="forward-backward", step=share * step, tol=1e-5, max_iter=100_000)
        return np.count_nonzero(result.codes) / len(X), objective(X, learned, result.codes, penalty).sum()

    for price in PRICES:
        np.testing.assert_allclose(code(CEL0(price), 0.1), code(CEL0(price), 0.99), rtol=0.01)
    for penalty in (L0(0.2), LHalf(0.3), LTwoThirds(0.3), LogSum(0.1, 0.05), MCP(0.9, 0.02)):
        with pytest.warns(UserWarning, match="codes of .* by forward-backward splitting depend on its step"):
            (long, _), (short, _) = code(penalty, 0.99), code(penalty, 0.1)
        assert short < 0.9 * long
        if isinstance(penalty, L0 | LHalf):
            assert np.count_nonzero(solve(X, learned, penalty, solver="greedy").codes) > long * len(X)


@pytest.mark.nojit
def test_only_penalties_that_depend_on_the_step_warn_and_only_from_zero():
    X, D = planted(n=2, K=4, F=3)
    for penalty in (CEL0(0.1), KSparse(2), MCP(0.1, 3.0), SCAD(0.1), LogSum(1e-4, 1.0)):
        solve(X, D, penalty, solver="forward-backward", max_iter=5)
    solve(X, D, L0(0.1), solver="forward-backward", max_iter=5, init=np.ones((2, 4)))
    with pytest.warns(UserWarning, match="CEL0 has the minimisers of L0 without that defect") as caught:
        solve(X, D, L0(0.1), solver="forward-backward", max_iter=5)
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize("shape", [(3, 5), (40, 30), (1, 1), (530, 600), (700, 513)])
def test_largest_eigenvalue_is_not_too_small(shape, dtype):
    """The objective falls for steps up to its inverse only."""
    D = np.random.default_rng(0).normal(size=shape).astype(dtype)
    exact = np.linalg.norm(D.astype(float), 2) ** 2
    assert exact * (1 - 1e-12) <= largest_eigenvalue(D) <= 1.0011 * exact
    assert largest_eigenvalue(np.zeros(shape)) == 0
