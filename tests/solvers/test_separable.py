"""Separable dictionaries against the dictionary that is formed."""

import numpy as np
import pytest

from sparsecode.penalties import CEL0, L0, L1, MCP, SCAD, ElasticNet, WeightedL1
from sparsecode.solvers import duality_gap, objective, solve, solve_separable

PENALTIES = [
    L1(1.0),
    L1(1.0, positive=True),
    WeightedL1(1.0, np.linspace(1, 2, 35)),
    ElasticNet(1.0),
    L0(0.5),
    CEL0(0.5),
    CEL0(0.5, positive=True),
    MCP(1.0),
]

pytestmark = pytest.mark.filterwarnings("ignore:codes of .* depend on its step")


def problem(seed=0, n=6):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 4, 6)), (rng.normal(size=(5, 4)), rng.normal(size=(7, 6)))


@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda p: type(p).__name__)
def test_equals_forward_backward_splitting_with_the_formed_dictionary(penalty):
    X, factors = problem()
    D, flat = np.kron(*factors), X.reshape(6, 24)
    settings = {"tol": 1e-13, "max_iter": 100_000}
    found = solve_separable(X, factors, penalty, **settings)
    expected = solve(flat, D, penalty, solver="forward-backward", **settings)
    # Differences over seeds 0 to 9 are at most 2e-13
    np.testing.assert_allclose(found.codes, expected.codes, atol=1e-10)
    np.testing.assert_allclose(found.square_error, np.square(flat - found.codes @ D).sum(axis=1), rtol=1e-10)
    value = 0.5 * found.square_error + found.penalty
    np.testing.assert_allclose(value, objective(flat, D, found.codes, penalty), rtol=1e-10)
    assert not found.status.any()


def test_the_certificate_is_the_gap_of_the_code():
    X, factors = problem()
    flat = X.reshape(6, 24)
    for max_iter in (1, 5, 20):
        result = solve_separable(X, factors, L1(1.0), max_iter=max_iter)
        gap = duality_gap(flat, np.kron(*factors), result.codes, L1(1.0)) / (0.5 * np.square(flat).sum(axis=1))
        np.testing.assert_allclose(result.certificate, gap, atol=1e-12)
    assert (result.n_iter <= 20).all()


def test_rows_do_not_depend_on_their_neighbours_or_threads():
    X, factors = problem(n=150)
    expected = solve_separable(X, factors, L1(1.0))
    for other in (
        solve_separable(X, factors, L1(1.0), n_jobs=2),
        solve_separable(X.reshape(150, 24), factors, L1(1.0)),
        solve_separable(np.asfortranarray(X), [F.tolist() for F in factors], L1(1.0)),
    ):
        assert all(np.array_equal(a, b) for a, b in zip(expected, other, strict=True))
    part = solve_separable(X[140:145], factors, L1(1.0))
    assert all(np.array_equal(a[140:145], b) for a, b in zip(expected, part, strict=True))
    sparse = solve_separable(X, factors, L1(1.0), sparse_output=True)
    assert np.array_equal(sparse.codes.toarray(), expected.codes)
    assert all(np.array_equal(a, b) for a, b in zip(expected[1:], sparse[1:], strict=True))


def test_starts_and_precisions():
    X, factors = problem()
    cold = solve_separable(X, factors, L1(1.0))
    warm = solve_separable(X, factors, L1(1.0), init=cold.codes)
    assert warm.n_iter.max() <= 1
    single = solve_separable(X.astype(np.float32), factors, L1(1.0))
    assert single.codes.dtype == np.float32
    np.testing.assert_allclose(single.codes, cold.codes, atol=1e-3)
    assert not single.status.any()


def test_degenerate_factors_and_rows():
    X, (rows, columns) = problem()
    X[0], rows[1], rows[3], columns[2] = 0, 0, rows[2], -2 * columns[0]
    for penalty in (L1(0.3), CEL0(0.1), L0(0.1)):
        result = solve_separable(X, (rows, columns), penalty, max_iter=100_000)
        assert not result.status.any()
        assert not result.codes[0].any()
        assert not result.codes.reshape(6, 5, 7)[:, 1].any()
    zero = solve_separable(X, (0 * rows, columns), L1(0.3))
    assert not zero.codes.any()
    assert not zero.status.any()
    huge = solve_separable(1e200 * X, (rows, columns), L1(0.3))
    assert huge.status.tolist() == [0, 2, 2, 2, 2, 2]


def test_what_is_refused():
    X, (rows, columns) = problem()
    for call, message in (
        (lambda: solve_separable(X, (rows, columns), SCAD(0.3)), "takes L1, .* not SCAD.*; for other penalties use"),
        (lambda: solve_separable(X, rows, L1(0.3)), "`D` must be a pair of arrays"),
        (lambda: solve_separable(X, (rows[0], columns), L1(0.3)), r"`D\[0\]` must have shape"),
        (lambda: solve_separable(X, (columns, rows), L1(0.3)), r"samples of shape \(6, 4\), .* flat ones of 24 feat"),
        (lambda: solve_separable(X[:, :2], (rows, columns), L1(0.3)), r"got an array of shape \(6, 2, 6\)"),
        (lambda: solve_separable(X[:0], (rows, columns), L1(0.3)), "minimum of 1 is required"),
        (lambda: solve_separable(X + np.nan, (rows, columns), L1(0.3)), "Input X contains NaN"),
        (lambda: solve_separable(X, (rows + np.inf, columns), L1(0.3)), r"Input D\[0\] contains infinity"),
        (lambda: solve_separable(X, (rows, columns), L1(0.3), init=np.ones((6, 3))), "`init` must have shape"),
        (
            lambda: solve_separable(X, (rows, columns), L1(0.3, positive=True), init=-np.ones((6, 35))),
            "`init` has negative coefficients",
        ),
        (lambda: solve_separable(X, (rows, columns), L1(0.3), tol=-1), "`tol` must be a finite number"),
        (lambda: solve_separable(X, (rows, columns), L1()), "`alpha` must be a positive finite number, got None"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.warns(UserWarning, match="depend on its step"):
        solve_separable(X, (rows, columns), L0(0.3), max_iter=2)
