"""The inverse Cholesky factor that the active set is solved with."""

import numpy as np
import pytest

from sparsecode.solvers._inverse_factor import (
    LANES,
    append_basis,
    delete_basis,
    make_factor,
    multiply,
    multiply_transposed,
)


def append(work, A, b, active, atom):
    """Append an atom of the Gram matrix A, with its entry of the right side b; return the squared distance."""
    k = len(active)
    work["column"][:k] = A[atom, active]
    multiply(work["R"], k, work["column"], work["u"])
    multiply_transposed(work["R"], k, work["u"], work["coefficients"])
    pivot = A[atom, atom] - np.square(work["u"][:k]).sum()
    work["right"][k] = b[atom]
    append_basis(work["R"], k, work["coefficients"], pivot, work["right"], work["y"])
    active.append(atom)
    return pivot


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("seed", "n"), [*((seed, 24) for seed in range(5)), (0, LANES), (0, LANES + 1), (0, 3 * LANES)]
)
def test_factor_through_entries_and_exits(seed, n):
    """Errors are at most 7e-16 times the condition of the block over 200 seeds, those of the distances 2e-14."""
    rng = np.random.default_rng(seed)
    D = rng.normal(size=(n, n + 6))
    A, b = D @ D.T, rng.normal(size=n)
    work, active = make_factor(n), []
    for name in ("R", "right", "turn", "u", "coefficients"):
        work[name][...] = np.nan  # what is not written is not read
    for _ in range(3 * n):
        out = [atom for atom in range(n) if atom not in active]
        if out and (len(active) < 3 or rng.random() < 0.65):
            atom = rng.choice(out)
            pivot = append(work, A, b, active, int(atom))
            before = A[np.ix_(active[:-1], active[:-1])]
            left = A[atom, atom] - A[atom, active[:-1]] @ np.linalg.solve(before, A[active[:-1], atom])
            np.testing.assert_allclose(pivot, left, rtol=1e-12)
        else:
            place = int(rng.integers(len(active)))
            delete_basis(work["R"], len(active), place, work["y"], work["turn"], work["places"])
            del active[place]
            work["right"][: len(active)] = b[active]
        k = len(active)
        R, block = np.tril(work["R"][:k, :k]), A[np.ix_(active, active)]
        tolerance = 1e-14 * np.linalg.cond(block)
        np.testing.assert_allclose(R @ block @ R.T, np.eye(k), atol=tolerance)
        multiply_transposed(work["R"], k, work["y"], work["target"])
        solution = np.linalg.solve(block, b[active])
        np.testing.assert_allclose(work["target"][:k], solution, atol=tolerance * np.abs(solution).max(initial=0))
