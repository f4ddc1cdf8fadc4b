"""Starts from given codes, and atoms of very different norms: where a row may not yet be called converged."""

import numpy as np
import pytest
from scipy.optimize import nnls

from sparsecode.penalties import CEL0, L0, L1, MCP, SCAD, ElasticNet, KSparse, LHalf, LogSum, SparseEnvelope
from sparsecode.solvers import SOLVERS, objective, solve, solve_fista

JUMPS = [L0(0.1), CEL0(0.1), LHalf(0.1), MCP(0.3, 3.0), SCAD(0.3), LogSum(0.05, 0.1)]
ALL = [*JUMPS, L1(0.1), ElasticNet(0.1), KSparse(2), SparseEnvelope(0.1, 2)]


def pairs(penalties, *, warm):
    return [
        pytest.param(name, penalty, id=f"{name}-{type(penalty).__name__}")
        for penalty in penalties
        for name, solver in SOLVERS.items()
        if solver.takes(penalty) and (solver.warm_start or not warm)
    ]


@pytest.mark.filterwarnings("ignore:codes of .* depend on its step")
@pytest.mark.parametrize(("solver", "penalty"), pairs(JUMPS, warm=False))
@pytest.mark.parametrize("ratio", [1e2, 1e3])
def test_short_atoms_enter_where_they_pay(solver, penalty, ratio):
    """A violation is one of correlations with unit atoms: a sum over pixels is small for a short atom."""
    D = np.diag([ratio, 1 / ratio])
    with_unit_atoms = solve(np.ones((1, 2)), np.eye(2), CEL0(0.1), solver="greedy").codes
    assert with_unit_atoms.all()
    if isinstance(penalty, L0):  # the price is of a coefficient, whatever its atom
        result = solve([[1.0, 1.0]], D, penalty, solver=solver, max_iter=10**7)
        if solver != "forward-backward":  # whose one step is that of the longest atom
            assert result.codes.all()
            assert result.status[0] == 0
    for w in solve(np.ones((1, 2)), D, penalty, solver=solver).codes:
        assert np.isfinite(w).all()


@pytest.mark.parametrize("solver", ["greedy", "cyclic", "replacement", "omp"])
@pytest.mark.parametrize("spread", [1.0, 3.0])
def test_what_has_converged_cannot_be_improved_by_one_coefficient(solver, spread):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        D = rng.normal(size=(12, 8))
        D /= np.linalg.norm(D, axis=1, keepdims=True)
        X = rng.normal(size=(20, 8))
        longer = D * 10 ** rng.uniform(-spread, spread, (12, 1))
        for A in (D, longer):
            result = solve(X, A, L0(0.05), solver=solver, tol=1e-3)
            assert not result.status.any()
            norms = np.square(A).sum(axis=1)
            gains = 0.5 * ((X - result.codes @ A) @ A.T) ** 2 / norms - 0.05
            # A violation of 1e-3 of the largest correlation is worth 1e-3 of half the squared norm at the most
            assert ((gains * (result.codes == 0)).max(axis=1) <= 1e-3 * 0.5 * np.square(X).sum(axis=1)).all()


@pytest.mark.filterwarnings("ignore:codes of .* depend on its step")
@pytest.mark.parametrize(("solver", "penalty"), pairs([L0(0.3), LHalf(0.3)], warm=True))
def test_a_tiny_coefficient_that_costs_a_whole_price_is_dropped(solver, penalty):
    result = solve([[3.0, 0.0]], np.eye(2), penalty, solver=solver, init=[[3.0, 2e-6]])
    assert result.codes[0, 1] == 0
    assert result.status[0] == 0


@pytest.mark.filterwarnings("ignore:codes of .* depend on its step")
@pytest.mark.parametrize(("solver", "penalty"), pairs(ALL, warm=True))
def test_zero_atoms_and_zero_rows_have_no_coefficients(solver, penalty):
    result = solve([[2.0, 1.0]], [[1.0, 0.0], [0.0, 0.0]], penalty, solver=solver, init=[[1.0, 5.0]])
    assert result.codes[0, 1] == 0
    assert result.status[0] == 0
    D = [[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]
    result = solve([[0.0, 0.0]], D, penalty, solver=solver, init=[[1.0, 5.0, 2.0]])
    assert not result.codes.any()
    assert (result.status[0], result.certificate[0]) == (0, 0.0)
    assert result.n_iter[0] <= 20


def test_the_largest_coefficients_of_a_start_with_too_many_are_kept():
    start = [[0.1, 0.1, 2.0, 3.0]]
    result = solve([[0.1, 0.1, 2.0, 3.0]], np.eye(4), KSparse(2), init=start, max_iter=1)
    assert result.codes.tolist() == [[0.0, 0.0, 2.0, 3.0]]


@pytest.mark.parametrize("spread", [1e-2, 1e-3, 1e-4])
def test_replacement_solves_for_the_weights_where_many_moves_have_spoiled_them(spread):
    """Six groups of four nearly equal atoms, with coefficients of up to 1e6: the inverse that moves update is lost."""
    rng = np.random.default_rng(0)
    D = np.repeat(rng.normal(size=(6, 12)), 4, axis=0) + spread * rng.normal(size=(24, 12))
    D /= np.linalg.norm(D, axis=1, keepdims=True)
    result = solve(rng.normal(size=(50, 12)), D, CEL0(1e-4), solver="replacement")
    assert not result.status.any()  # without: 2, 11 and 18 of 50
    assert result.certificate.max() < 1e-7  # measured: 6e-10, 4e-9, 5e-9


def test_replacement_keeps_the_code_of_a_row_that_stalls_in_float32_at_its_last_pass():
    rng = np.random.default_rng(0)
    base = rng.normal(size=(6, 12))
    D = (base[rng.integers(0, 6, 30)] + 10.0 ** rng.uniform(-3, -1.5) * rng.normal(size=(30, 12))).astype("f")
    X = rng.normal(size=(20, 12)).astype("f")
    before = np.inf
    for n in range(8, 17):
        result = solve(X, D, KSparse(8), solver="replacement", max_iter=n)
        assert result.codes.any(axis=1).all()
        assert (result.square_error <= 1.001 * before).all()
        before = result.square_error
    assert not result.status.any()


@pytest.mark.parametrize(("penalty", "tol"), [(L1(0.1), 1e-10), (ElasticNet(0.01), 1e-10)])
def test_momentum_is_not_taken_for_rounding(penalty, tol):
    rng = np.random.default_rng(5)
    D, X = rng.normal(size=(20, 10)), rng.normal(size=(30, 10))
    result = solve(X, 0.2 * D + rng.normal(size=10), penalty, solver="forward-backward", tol=tol, max_iter=100_000)
    assert not result.status.any()


def test_a_huge_start_is_forgotten():
    assert solve([[2.0]], [[1.0]], L1(1.0), solver="active-set", init=[[1e17]]).codes.tolist() == [[1.0]]


@pytest.mark.parametrize("gain", [1e-5, 1.0, 1e3])
def test_equal_gains_change_nothing_for_pursuit(rng, dtype, gain):
    D = rng.normal(size=(8, 20)).astype(dtype)
    X = (2 * D[:1] + D[1:2]).astype(dtype)
    plain = solve(X, D, KSparse(6), solver="omp").codes
    assert np.array_equal(solve(X, D, KSparse(6), solver="omp", gains=[gain] * 8).codes, plain)
    assert np.flatnonzero(plain[0]).tolist() == [0, 1], "what is left after two atoms is rounding"


@pytest.mark.parametrize("n_nonzero", [1, 3, 6])
def test_non_negative_pursuit_is_that_of_loops(rng, dtype, n_nonzero):
    D = rng.normal(size=(30, 20)).astype(dtype)
    X = (np.abs(rng.normal(size=(40, 30))) * (rng.random((40, 30)) < 0.15)) @ D + 0.1 * rng.normal(size=(40, 20))
    result = solve(X.astype(dtype), D, KSparse(n_nonzero, positive=True))
    assert not result.status.any()
    norms = np.linalg.norm(D, axis=1)
    for x, w in zip(X, result.codes, strict=True):
        expected, left = np.zeros(30), None
        while np.count_nonzero(expected) < n_nonzero:
            scores = (D @ (x - expected @ D) / norms) * (expected == 0)
            scores[left] = 0 if left is not None else scores[left]
            j = int(np.argmax(scores))
            if scores[j] < 1e-9:
                break
            support = [*np.flatnonzero(expected), j]
            expected[:] = 0
            expected[support] = nnls(D[support].T.astype(float), x)[0]
            left = j if expected[j] == 0 else None
        np.testing.assert_allclose(w, expected, atol=1e-10 if dtype == np.float64 else 1e-4)


def test_fista_checks_what_it_is_given():
    with pytest.raises(ValueError, match="`tol` must be a finite number of at least 0, got nan"):
        solve_fista(np.eye(2), np.eye(2), L1(0.1), tol=np.nan)
    with pytest.raises(ValueError, match="`max_iter` must be an integer of at least 1"):
        solve_fista(np.eye(2), np.eye(2), L1(0.1), max_iter=0)
    assert solve_fista([[1e200, 1e200]], np.eye(2), L1(0.1)).status.tolist() == [2]


def test_momentum_reaches_the_minimum_of_the_sparse_envelope_sooner(patches, learned):
    """Proximal gradient steps alone took 10 000 passes for two thirds of these patches."""
    X, penalty = patches[:60], SparseEnvelope(0.05, 15)
    result = solve(X, learned, penalty, tol=1e-8)
    assert not result.status.any()
    assert result.n_iter.max() < 2000  # measured: 1025
    value = objective(X, learned, result.codes, penalty)
    for seed in range(3):  # the penalty is convex: no point near has a lower objective
        other = result.codes + 1e-3 * np.random.default_rng(seed).normal(size=result.codes.shape)
        assert (objective(X, learned, other, penalty) >= value * (1 - 1e-12)).all()
