"""`solve` from outside: what it chooses, what it refuses and why, scales of data, and statuses."""

import numpy as np
import pytest

from sparsecode._core.arrays import as_dense
from sparsecode.penalties import CEL0, L0, L1, MCP, SCAD, ElasticNet, KSparse, LHalf, LogSum, SparseEnvelope, WeightedL1
from sparsecode.solvers import SOLVERS, SolveResult, debias, duality_gap, solve, solve_fista
from sparsecode.solvers._rows import CONVERGED, MAX_ITER, NON_FINITE, STALLED, conclude, share

from ..contracts.solvers import PAIRS, PENALTIES, planted

pytestmark = pytest.mark.filterwarnings("ignore:codes of .* depend on its step")

X, D = planted(n=3, K=4, F=5)


# What is chosen


@pytest.mark.parametrize(
    ("penalty", "expected"),
    [
        (L1(0.3), "active-set"),
        (ElasticNet(0.3, positive=True), "active-set"),
        (L0(0.1), "replacement"),
        (CEL0(0.1), "replacement"),
        (KSparse(2), "replacement"),
        (CEL0(0.1, positive=True), "irl1"),
        (L0(0.1, positive=True), "greedy"),
        (MCP(0.3), "irl1"),
        (SCAD(0.3), "irl1"),
        (LogSum(0.3), "irl1"),
        (LHalf(0.3), "greedy"),
        (KSparse(2, positive=True), "omp"),
        (SparseEnvelope(0.3, 2), "forward-backward"),
    ],
    ids=repr,
)
def test_auto_takes_the_first_solver_that_takes_the_penalty(penalty, expected):
    chosen, named = (solve(X, D, penalty, solver=name) for name in ("auto", expected))
    assert isinstance(chosen, SolveResult)
    assert all(np.array_equal(a, b) for a, b in zip(chosen, named, strict=True))


def test_lists_and_integers_become_float64():
    result = solve([[3, 0], [0, 1]], [[1, 0], [0, 2]], L1(1))
    assert result.codes.tolist() == [[2.0, 0.0], [0.0, 0.25]]
    assert result.square_error.tolist() == [1.0, 0.25]
    assert result.penalty.tolist() == [2.0, 0.25]
    assert solve(np.eye(2, dtype=np.float16), np.eye(2), L1(0.5)).codes.dtype == np.float64
    assert solve(np.eye(2, dtype=np.float32), np.eye(2), L1(0.5)).codes.dtype == np.float32


def test_numbers_of_any_type_do_as_options():
    plain = solve(X, D, L1(0.1), solver="forward-backward", tol=0.125, max_iter=5, step=0.25)
    typed = solve(
        X, D, L1(0.1), solver="forward-backward", tol=np.float32(0.125), max_iter=np.int16(5), step=np.float32(0.25)
    )
    assert all(np.array_equal(a, b) for a, b in zip(plain, typed, strict=True))


# What is refused


IMPOSSIBLE = [(solver, name) for solver in SOLVERS for name in PENALTIES if f"{solver}-{name}" not in PAIRS]


@pytest.mark.nojit
@pytest.mark.parametrize(("solver", "name"), IMPOSSIBLE)
def test_impossible_pairs_name_what_would_work(solver, name):
    penalty = PENALTIES[name](4)
    with pytest.raises(ValueError, match=f"solver '{solver}' takes .*, not {type(penalty).__name__}") as error:
        solve(X, D, penalty, solver=solver)
    named = [other for other in SOLVERS if repr(other) in str(error.value).partition("for that use")[2]]
    assert named == [other for other in SOLVERS if f"{other}-{name}" in PAIRS]


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"solver": "newton"}, "`solver` must be 'auto' or one of 'active-set', .*'forward-backward'.*, got 'newton'"),
        ({"tol": -1e-9}, "`tol` must be a finite number of at least 0, got -1e-09"),
        ({"tol": np.nan}, "`tol` must be a finite number of at least 0, got nan"),
        ({"tol": np.inf}, "`tol` must be a finite number of at least 0, got inf"),
        ({"tol": None}, "`tol` must be a finite number of at least 0, got None"),
        ({"tol": "1e-3"}, "`tol` must be a finite number of at least 0, got '1e-3'"),
        ({"tol": [1e-3]}, r"`tol` must be a finite number of at least 0, got \[0.001\]"),
        ({"max_iter": 0}, "`max_iter` must be an integer of at least 1, or None, got 0"),
        ({"max_iter": 2.5}, "`max_iter` must be an integer of at least 1, or None, got 2.5"),
        ({"max_iter": "many"}, "`max_iter` must be an integer of at least 1, or None, got 'many'"),
        ({"max_iter": True}, "`max_iter` must be an integer of at least 1, or None, got True"),
        ({"max_iter": np.inf}, "`max_iter` must be an integer of at least 1, or None, got inf"),
        ({"gains": [1, 2, 3]}, "`gains` must be 4 positive finite numbers, one for each atom"),
        ({"gains": [1, 2, 3, 0]}, "`gains` must be 4 positive finite numbers, one for each atom"),
        ({"gains": [1, 2, 3, np.nan]}, "`gains` must be 4 positive finite numbers, one for each atom"),
        ({"init": np.ones((4, 3))}, r"`init` must have shape \(3, 4\), one row a sample.*, got \(4, 3\)"),
        ({"init": np.full((3, 4), np.nan)}, "Input init contains NaN"),
        ({"init": np.ones((3, 4)), "solver": "omp"}, "solver 'omp' starts from nothing: leave `init` out"),
        ({"step": 0.1}, "`step` belongs to solver 'forward-backward', not to 'auto'"),
        ({"step": 0.1, "solver": "greedy"}, "`step` belongs to solver 'forward-backward', not to 'greedy'"),
        ({"step": 9.0, "solver": "forward-backward"}, r"`step` must be in \(0, 1 / .*\] = \(0, 0\.\d+\].*, got 9.0"),
        ({"step": 0, "solver": "forward-backward"}, "`step` must be in .*, got 0"),
        ({"step": np.nan, "solver": "forward-backward"}, "`step` must be in .*, got nan"),
        ({"step": "0.1", "solver": "forward-backward"}, "`step` must be in .*, got '0.1'"),
    ],
    ids=str,
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        solve(X, D, CEL0(0.1), **options)


@pytest.mark.nojit
def test_bad_problems():
    for samples, atoms, message in (
        (X[0], D, "Expected 2D array, got 1D"),
        (X[:0], D, "Found array with 0 sample"),
        (np.where(X > 0, X, np.nan), D, "Input X contains NaN"),
        (X, np.where(D > 0, D, np.inf), "Input D contains infinity"),
        (X, D[:, :4], "`D` has atoms of 4 features, but X has 5 features"),
        (X, D[0], r"`D` must have shape \(n_components, 5\), got 1 dimensions"),
        (X, D * 1e150, "`D` has 4 atoms whose squared norm leaves the range of float64"),
    ):
        for call in (solve, solve_fista, lambda X, D, penalty: debias(X, D, np.ones((3, 4)))):
            with pytest.raises(ValueError, match=message):
                call(samples, atoms, L1(0.1))
    with pytest.raises(TypeError, match=r"`penalty` must be a penalty such as L1\(alpha=0.5\), got 0.5"):
        solve(X, D, 0.5)
    with pytest.raises(ValueError, match="`alpha` must be a positive finite number, got None"):
        solve(X, D, L1())
    with pytest.raises(ValueError, match=r"`init` has negative coefficients, which L1\(.*\) forbids; use numpy"):
        solve(X, D, L1(0.1, positive=True), init=-np.ones((3, 4)))
    with pytest.raises(ValueError, match=r"`codes` must have shape \(3, 4\)"):
        debias(X, D, np.ones((3, 5)))
    for call in (duality_gap, lambda X, D, W, penalty: solve_fista(X, D, penalty)):
        with pytest.raises(ValueError, match=r"CEL0\(.*\) has no duality gap; l1, weighted l1 and the elastic net"):
            call(X, D, np.zeros((3, 4)), CEL0(0.1))


# Scales


@pytest.mark.parametrize(("solver", "make"), PAIRS.values(), ids=PAIRS)
def test_data_of_any_scale(solver, make, dtype):
    """Squares of the data stay in range: 1e+-100 in float64, 1e+-15 in float32."""
    samples, atoms = (A.astype(dtype) for A in planted(n=6, K=10, F=8))
    expected = solve(samples, atoms, make(10), solver=solver).codes
    power = 50 if dtype == np.float32 else 332
    if isinstance(make(10), ElasticNet):
        power = 20  # its parameters are the sum and the ratio of a weight that scales and one that does not
    for factor in (2.0**-power, 2.0**power):
        result = solve(samples * dtype(factor), atoms, make(10).scaled(factor), solver=solver)
        assert not result.status.any()
        # Over seeds 0 to 19 differences are at most 3e-5 and 4e-7: passes end at slightly different places
        np.testing.assert_allclose(result.codes / dtype(factor), expected, atol=3e-4 if dtype == np.float32 else 3e-6)


@pytest.mark.parametrize("solver", SOLVERS)
def test_overflow_is_a_status(solver, dtype):
    penalty = next(p for p in (L1(1.0), CEL0(1.0), KSparse(3), L0(1.0)) if SOLVERS[solver].takes(p))
    huge = 1e200 if dtype == np.float64 else 2e38
    samples = np.array([[huge, huge, huge], [3.0, 0.0, 0.0]], dtype)
    atoms = np.array([[1, 1, 1], [1, -1, 0], [0, 1, -1]], dtype)
    with np.errstate(all="ignore"):
        result = solve(samples, atoms, penalty, solver=solver)
    assert result.status[1] == CONVERGED
    assert np.isfinite(result.codes[1]).all()
    if dtype == np.float64 or result.status[0] != CONVERGED:
        assert result.status[0] == NON_FINITE
    else:  # solved in float64 after all
        np.testing.assert_allclose(result.codes[0] / huge, [1, 0, 0], atol=1e-3)  # a gap of 1e-6 is that of 1e-3


def test_a_row_that_overflows_changes_no_other(dtype):
    """With codes to start from: all atoms of a code enter, and what was computed with them is left behind."""
    norm, huge = (1e4, 1e36) if dtype == np.float32 else (1e60, 1e290)
    samples, atoms = np.array([[huge] * 4, [3 * norm] * 4], dtype), norm * np.eye(4, dtype=dtype)
    codes = np.array([[1, 1, 1, 1], [1, 1, 0, 0]], dtype)
    with np.errstate(all="ignore"):
        fitted = debias(samples, atoms, codes, n_jobs=1)
        shrunk = solve(samples, atoms, L1(norm**2), init=codes, n_jobs=1)
    np.testing.assert_allclose(fitted[1], [3, 3, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(shrunk.codes[1], [2, 2, 2, 2], rtol=1e-6)
    assert shrunk.status.tolist() == [NON_FINITE, CONVERGED]


# Tolerances and statuses


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_tolerance_of_zero_is_the_least_that_can_be_certified(solver, dtype):
    samples, atoms = (A.astype(dtype) for A in planted())
    for penalty in (L1(0.3), CEL0(0.05)):
        if SOLVERS[solver].takes(penalty):
            result = solve(samples, atoms, penalty, solver=solver, tol=0)
            assert not result.status.any()
            assert (result.certificate <= (1e-5 if dtype == np.float32 else 1e-12)).all()


@pytest.mark.parametrize("solver", ["active-set", "greedy", "cyclic", "forward-backward"])
def test_rows_that_float32_stalls_go_on_in_float64(solver):
    """Nearly equal atoms and a tiny weight: rounding of float32 correlations hides the gap."""
    samples, atoms = planted(n=10, K=4, F=8)
    atoms = (atoms[0] + (0.02 if solver in {"active-set", "greedy"} else 0.1) * atoms).astype(np.float32)
    samples = samples.astype(np.float32)
    single = solve(samples, atoms, L1(1e-3), solver=solver, max_iter=100_000)
    double = solve(samples.astype(float), atoms.astype(float), L1(1e-3), solver=solver, max_iter=100_000)
    assert not single.status.any()
    assert (single.certificate <= 2e-6).all()
    assert single.codes.dtype == np.float32
    found, exact = (0.5 * result.square_error + result.penalty for result in (single, double))
    assert np.abs(found / exact - 1).max() < 1e-4


def test_rows_that_take_a_thousand_passes_are_waited_for():
    """Nearly equal atoms, float64: a pass lowers the objective by about a rounding, and 23 rows stalled after 10."""
    for seed in (0, 3, 5, 10):
        samples, atoms = planted(n=40, K=4, F=8, seed=seed)
        result = solve(samples, atoms[0] + 0.02 * atoms, L1(1e-3), solver="greedy", max_iter=100_000)
        assert not result.status.any()
        assert result.n_iter.max() > 500


@pytest.mark.parametrize(
    ("penalty", "gains", "match"),
    [
        (WeightedL1(1e-201, weights=np.ones(3)), None, "`weights` must be 10 positive finite numbers"),
        (L1(None), None, "`alpha` must be a positive finite number, got None"),
        (CEL0(1e-3), np.ones(3), "`gains` must be 10 positive finite numbers"),
    ],
    ids=str,
)
def test_tiny_rows_do_not_hide_a_wrong_penalty(penalty, gains, match):
    samples, atoms = planted(n=6, K=10, F=8)
    with pytest.raises(ValueError, match=match):
        solve(1e-200 * samples, atoms, penalty, gains=gains)


@pytest.mark.nojit
@pytest.mark.parametrize("make_plain", [lambda kernel: kernel, lambda kernel: getattr(kernel, "py_func", kernel)])
def test_statuses_and_shares(make_plain):
    status, part = make_plain(conclude), make_plain(share)
    assert [status(1.0, True, False), status(1.0, False, True), status(1.0, False, False)] == [
        CONVERGED,
        MAX_ITER,
        STALLED,
    ]
    for bad in (np.inf, np.nan):
        assert status(bad, True, True) == NON_FINITE
    assert [part(1.0, 4.0), part(0.0, 0.0), part(1.0, 0.0)] == [0.25, 0.0, np.inf]


@pytest.mark.parametrize(
    ("solver", "penalty"),
    [
        *((name, KSparse(3)) for name in ("replacement", "omp", "ormp", "mp", "niht", "forward-backward")),
        ("active-set", L1(0.1)),
        ("irl1", MCP(0.1)),
    ],
    ids=str,
)
@pytest.mark.parametrize("sparse_output", [False, True])
def test_tiny_rows_are_coded_beside_others(solver, penalty, sparse_output):
    """Their squares are zero in float64."""
    samples, atoms = planted(n=6, K=10, F=8)
    tiny = 2.0**-576
    mixed = samples * np.array([[1.0], [tiny]] * 3)
    options = {"solver": solver, "sparse_output": sparse_output}
    expected, found = (solve(rows, atoms, penalty, **options) for rows in (samples, mixed))
    codes, exact = (as_dense(result.codes) for result in (found, expected))
    assert not found.status.any()
    assert np.array_equal(codes[::2], exact[::2])
    if isinstance(penalty, KSparse):
        assert np.array_equal(codes[1::2] / tiny, exact[1::2])
        again = solve(mixed, atoms, penalty, init=found.codes, **options) if SOLVERS[solver].warm_start else found
        assert np.array_equal(as_dense(again.codes) != 0, codes != 0)
    else:  # which is beyond all bounds for them
        assert not codes[1::2].any()
        scaled = solve(tiny * samples, atoms, penalty.scaled(tiny), **options).codes
        assert np.array_equal(as_dense(scaled) / tiny, exact)
