"""Pursuit in float64 that looks for atoms in float32 takes the atoms that float64 takes."""

import numpy as np
import pytest

import sparsecode.solvers._search as search
from sparsecode.penalties import L0, KSparse
from sparsecode.solvers import solve
from sparsecode.solvers._gram_kernels import collect, find

from ..reference.solvers import matching_pursuit, recursive_pursuit


def code_in_float64(X, D, penalty, solver, monkeypatch):
    """Return the result where no row is sure, and so all go to the kernel that works in float64."""

    def give_up(*arguments):
        arguments[-1][:] = search.UNSURE

    with monkeypatch.context() as patch:
        patch.setattr(search, "pursue_single_rows", give_up)
        return solve(X, D, penalty, solver=solver)


@pytest.fixture
def n_unsure(monkeypatch):
    """Return the numbers of rows, chunk by chunk, that are coded in float64."""
    counts, exact = [], search.pursue_rows

    def count(G, C, *arguments):
        counts.append(len(C))
        exact(G, C, *arguments)

    monkeypatch.setattr(search, "pursue_rows", count)
    return counts


@pytest.mark.parametrize("solver", ["omp", "ormp"])
@pytest.mark.parametrize("penalty", [KSparse(5), KSparse(20), L0(0.1)], ids=repr)
def test_atoms_are_those_of_float64(patches, learned, solver, penalty, n_unsure, monkeypatch):
    X = patches[10_000:12_000]
    found = solve(X, learned, penalty, solver=solver)
    assert sum(n_unsure) < 0.1 * len(X)  # 0.0005 to 0.04
    exact = code_in_float64(X, learned, penalty, solver, monkeypatch)
    assert np.array_equal(found.codes != 0, exact.codes != 0)
    np.testing.assert_allclose(found.codes, exact.codes, rtol=0, atol=1e-12)  # 2e-13
    assert found.certificate.max() < 1e-15  # 4e-16
    assert np.array_equal(found.n_iter, exact.n_iter)
    assert not found.status.any()


@pytest.mark.nojit
@pytest.mark.parametrize("solver", ["omp", "ormp"])
def test_atoms_that_float32_cannot_tell_apart(solver, n_unsure):
    """Pairs of atoms 1e-6 apart: float64 tells which is better, and rows go on there."""
    rng = np.random.default_rng(0)
    D = np.repeat(rng.normal(size=(12, 20)), 2, axis=0)
    D[1::2] += 1e-6 * rng.normal(size=(12, 20))
    X = rng.normal(size=(15, 20))
    codes = solve(X, D, KSparse(3), solver=solver).codes
    if solver == "omp":
        naive = [matching_pursuit(x, D, 3, 1e-9) for x in X]
    else:
        naive = [recursive_pursuit(x, D, 3, 0.0, np.ones(len(D))) for x in X]
    assert np.array_equal(codes != 0, np.array(naive) != 0)
    assert sum(n_unsure) == len(X)


def test_of_equal_atoms_the_first_is_taken(dtype):
    rng = np.random.default_rng(1)
    atoms = rng.normal(size=(40, 30))
    X, D = rng.normal(size=(50, 30)).astype(dtype), np.concatenate([atoms, -atoms, atoms]).astype(dtype)
    for solver in ("omp", "ormp"):
        codes = solve(X, D, KSparse(4), solver=solver).codes
        assert not codes[:, 40:].any()
        assert (np.count_nonzero(codes, axis=1) == 4).all()


@pytest.mark.parametrize("scale", [1e-150, 1e-100, 1e100])
def test_rows_of_any_size(patches, learned, scale):
    X = patches[10_000:10_050]
    expected = solve(X, learned, KSparse(5), solver="ormp").codes * scale
    found = solve(X * scale, learned, KSparse(5), solver="ormp").codes
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12 * scale)


@pytest.mark.nojit
@pytest.mark.parametrize("size", [1, 63, 64, 65, 200])
def test_places_of_values(size):
    rng = np.random.default_rng(size)
    values = rng.permutation(size).astype(np.int64)
    assert [find(values, value) for value in values] == list(range(size))
    assert find(values, np.int64(-1)) == size - 1
    w = np.where(rng.random(size) < 0.2, rng.normal(size=size), 0)
    active, weight = np.empty(size, np.int64), np.empty(size)
    k = collect(w, active, weight)
    assert np.array_equal(active[:k], np.flatnonzero(w))
    assert np.array_equal(weight[:k], w[w != 0])
