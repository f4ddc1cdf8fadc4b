"""The contract of penalties, for every instance in the registry.

Tolerances are those of rounding; the spreads in the comments were measured over seeds 0 to 19.
"""

import itertools
import pickle
from typing import NamedTuple

import numba
import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.base import clone

from sparsecode._core.jit import KERNELS, kernel
from sparsecode.penalties import (
    CEL0,
    L0,
    L1,
    MCP,
    PENALTIES,
    SCAD,
    ElasticNet,
    KSparse,
    LHalf,
    LogSum,
    SparseEnvelope,
    WeightedL1,
    separable,
)

from ..contracts.penalties import CASES, GAINS, NORMS
from ..reference.penalties import half_threshold, value
from .berhu import Berhu, BoundBerhu

jit_only = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="is about compiled kernels")

K = len(NORMS)
EPS = {np.float32: 2.0**-23, np.float64: 2.0**-52}
SEPARABLE = {name: case for name, case in CASES.items() if case.penalty.separable}

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
separable_case = pytest.mark.parametrize("case", SEPARABLE.values(), ids=SEPARABLE)
every_class = pytest.mark.parametrize("cls", PENALTIES.values(), ids=PENALTIES)


def test_every_penalty_is_in_the_registry():
    assert {type(case.penalty) for case in CASES.values()} == set(PENALTIES.values())


def codes(rng, n=10):
    """Rows of several magnitudes, among them a zero row, ties, and rows with few coefficients."""
    Z = rng.normal(size=(n, K)) * np.geomspace(0.2, 4, n)[:, None]
    Z[0], Z[1, 1:], Z[2, :2] = 0, 0, 0
    Z[3] = [1.0, -1.0, 1.0, 1.0]
    Z[4] = [2.0, -2.0, 0.5, 0.5]
    return Z


def around_threshold(penalty, step):
    """Rows close to the largest magnitudes that become zero, which are found by bisection."""
    low, high = np.zeros((1, K)), np.full((1, K), 20.0)
    for _ in range(60):
        middle = 0.5 * (low + high)
        zero = penalty.prox(middle, step, NORMS) == 0
        low, high = np.where(zero, middle, low), np.where(zero, high, middle)
    return high * np.array([1 - 1e-2, 1 - 1e-5, 1 - 1e-9, 1, 1 + 1e-9, 1 + 1e-5, 1 + 1e-2])[:, None]


# Proximal operators


def least_of_an_atom(penalty, x, step, j):
    """Least objective over the coefficient of atom j: a grid over [0, x], where the minimum is, and finer ones."""
    if x == 0 or (x < 0 and penalty.positive):
        return 0.5 * x * x
    centre, width = 0.5 * x, 0.5 * abs(x)
    for _ in range(5):
        u = np.zeros((402, K))  # the first one stays zero
        u[1:, j] = np.linspace(centre - width, centre + width, 401)
        values = 0.5 * (u[:, j] - x) ** 2 + step * value(penalty, u, NORMS)
        best = np.argmin(np.where(u[:, j] * x > 0, values, np.inf))
        centre, width = u[best, j], width / 50
    return min(values[0], values[best])


def least_over_supports(penalty, z, step):
    kept = np.maximum(z, 0) if penalty.positive else z
    supports = itertools.combinations(range(K), min(penalty.n_nonzero_coefs, K))
    return min(0.5 * ((z**2).sum() - (kept[list(support)] ** 2).sum()) for support in supports)


def least_over_shares(penalty, z, step):
    """For shares u the best code is ``z u / (u + step alpha)``: minimise over 0 <= u <= 1, sum u <= k."""
    ridge, k = step * penalty.alpha, penalty.n_nonzero_coefs
    squares = (np.maximum(z, 0) if penalty.positive else z) ** 2
    result = minimize(
        lambda u: 0.5 * (squares * ridge / (u + ridge)).sum(), np.full(K, min(k / K, 1.0)),
        jac=lambda u: -0.5 * squares * ridge / (u + ridge) ** 2, bounds=[(0, 1)] * K, method="SLSQP",
        constraints={"type": "ineq", "fun": lambda u: k - u.sum(), "jac": lambda u: -np.ones(K)},
        options={"ftol": 1e-15, "maxiter": 500},
    )  # fmt: skip
    return result.fun + 0.5 * (z**2 - squares).sum()


def excess(penalty, Z, step):
    """By how much the objectives of proximal points exceed the least ones found."""
    U, Z = (A.astype(np.float64) for A in (penalty.prox(Z, step, NORMS), Z))
    found = 0.5 * ((U - Z) ** 2).sum(-1) + step * value(penalty, U, NORMS)
    if penalty.separable:
        least = [sum(least_of_an_atom(penalty, x, step, j) for j, x in enumerate(z)) for z in Z]
    else:
        search = least_over_supports if isinstance(penalty, KSparse) else least_over_shares
        least = [search(penalty, z, step) for z in Z]
    return (found - least) / (1 + np.array(least))


EXCESS = {np.float32: 1e-12, np.float64: 1e-14}  # at the most 8e-14 and 3e-15
EXCESS_AT_THRESHOLD = {np.float32: 2e-7, np.float64: 1e-14}  # 5e-8, since parameters are rounded, and 7e-16
EXCESS_OVER_SLSQP = 1e-10  # 2e-11


@pytest.mark.nojit
@every_case
def test_prox_is_the_brute_force_minimum(case, dtype, rng):
    largest = EXCESS_OVER_SLSQP if isinstance(case.penalty, SparseEnvelope) else EXCESS[dtype]
    for step in case.steps:
        assert np.abs(excess(case.penalty, codes(rng).astype(dtype), step)).max() <= largest
        if case.penalty.separable:
            error = np.abs(excess(case.penalty, around_threshold(case.penalty, step).astype(dtype), step))
            assert error.max() <= EXCESS_AT_THRESHOLD[dtype]


@pytest.mark.nojit
@every_case
def test_prox_is_odd_and_monotone_and_shrinks(case, dtype, rng):
    penalty, Z = case.penalty, codes(rng, 30).astype(dtype)
    for step in case.steps:
        U = penalty.prox(Z, step, NORMS)
        assert U.dtype == dtype
        assert (U[0] == 0).all()
        assert not np.signbit(U[U == 0]).any()
        assert (np.abs(U) <= np.abs(Z)).all()
        if penalty.positive:
            assert (U >= 0).all()
            assert (U[Z <= 0] == 0).all()
        else:
            np.testing.assert_allclose(penalty.prox(-Z, step, NORMS), -U, rtol=4 * EPS[dtype])  # 1 EPS
        if penalty.separable:
            assert (np.diff(penalty.prox(np.sort(Z, axis=0), step, NORMS), axis=0) >= 0).all()
        dZ, dU = ((A[:, None] - A[None]).reshape(-1, K).astype(np.float64) for A in (Z, U))
        squares = (dZ**2).sum(-1)
        rounding = 10 * EPS[dtype] * (1 + squares)  # 2.2 EPS
        assert ((dU * dZ).sum(-1) >= -rounding).all()
        if penalty.convex:
            assert ((dU**2).sum(-1) <= squares + rounding).all()


@pytest.mark.nojit
def test_k_sparse_keeps_the_first_of_equals_and_no_zeros(dtype):
    Z = np.array([[1.0, -1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 3.0], [0.0, 2.0, -3.0, 2.0]], dtype)
    kept = [[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 3.0], [0.0, 2.0, -3.0, 0.0]]
    assert KSparse(2).prox(Z).tolist() == kept
    out = np.empty(K, dtype)
    bound = KSparse(2).bind(NORMS, dtype, [2.0, 1.0, 0.5, 1.3])
    bound.prox_row(np.array([1.0, -1.75, 3.0, 0.0], dtype), dtype(1), out)
    assert out.tolist() == [1.0, -1.75, 0.0, 0.0]


@pytest.mark.nojit
def test_envelope_has_no_rounding_dust_next_to_saturated_shares():
    assert SparseEnvelope(1.0, 1).prox([[3.0, 1.0]]).tolist() == [[1.5, 0.0]]


@pytest.mark.nojit
def test_l_half_is_the_published_threshold_at_half_the_weight(rng):
    x = np.append(rng.normal(size=100) * 2, 54 ** (1 / 3) / 4 * np.array([1 - 1e-12, 1 + 1e-12]))
    published = [half_threshold(entry, 1.0) for entry in x]
    np.testing.assert_allclose(LHalf(0.5).prox(x[:, None])[:, 0], published, rtol=5e-15)  # 5e-16


@pytest.mark.nojit
@pytest.mark.parametrize("cls", [LHalf, PENALTIES["l2/3"], LogSum])
def test_roots_are_exact_at_weights_of_any_size(cls):
    """Small weights cancel in the textbook formulas: compared with their series to second order."""
    x = 1.7
    for tau in np.geomspace(1e-5, 1e-300, 60):
        slope, bend = {  # first and second derivative of the penalty at x
            "LHalf": (0.5 * x**-0.5, -0.25 * x**-1.5),
            "LTwoThirds": (2 / 3 * x ** (-1 / 3), -2 / 9 * x ** (-4 / 3)),
            "LogSum": (1 / (x + 0.1), -1 / (x + 0.1) ** 2),
        }[cls.__name__]
        expected = x - tau * slope / (1 + tau * bend)
        assert cls(tau).prox([[x]])[0, 0] == pytest.approx(expected, rel=5e-15)


@pytest.mark.nojit
@pytest.mark.parametrize("step", [0.1, 1 / 2.25, 1.0, 2.0])
def test_cel0_is_an_mcp(rng, step):
    W = rng.normal(size=(20, K))
    for j, square in enumerate(NORMS):
        twin = MCP(np.sqrt(2 * 0.4 * square), 1 / square)
        w = np.zeros_like(W)
        w[:, j] = W[:, j]
        np.testing.assert_allclose(CEL0(0.4).value(w, NORMS), twin.value(w), rtol=1e-14)
        np.testing.assert_allclose(CEL0(0.4).prox(w, step, NORMS), twin.prox(w, step), rtol=1e-12)
        least = CEL0().alpha_max(w, square)
        np.testing.assert_allclose(twin.alpha_max(w, square) ** 2 / (2 * square), least, rtol=1e-14)


# Values and violations


@pytest.mark.nojit
@every_case
def test_value_is_the_published_formula(case, dtype, rng):
    penalty, W = case.penalty, codes(rng, 30).astype(dtype)
    found = penalty.value(W, NORMS)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, value(penalty, W, NORMS), rtol=4 * EPS[dtype], atol=2e-15)  # 1 EPS
    assert found[0] == 0
    assert (found >= 0).all()
    assert np.array_equal(penalty.value(-W, NORMS), found)
    for j in range(K):
        larger = W.copy()
        larger[:, j] *= dtype(1.1)
        assert (penalty.value(larger, NORMS) >= found * (1 - 2 * EPS[dtype])).all()


@pytest.mark.nojit
@separable_case
def test_violation_vanishes_at_fixed_points_only(case, rng):
    bound = case.penalty.bind(NORMS, np.float64)
    for step in case.steps:
        for z in codes(rng, 8):
            for j in range(K):
                u = bound.prox(z[j], step, j)
                g = (z[j] - u) / step
                again = bound.prox(u + step * g, step, j)  # off z by rounding, which the threshold may amplify
                assert abs(again - u) < 1e-12
                assert bound.violation(u, g, step, j) == abs(again - u) / step
                for w in (u + 0.1, u - 0.1, 0.0):
                    moved = abs(bound.prox(w + step * g, step, j) - w)
                    assert bound.violation(w, g, step, j) == moved / step


# Entry


def enters(bound, C, norms=NORMS):
    """Whether each atom leaves zero by its own proximal step of ``1 / ||d_j||^2``."""
    dtype = bound.entry.dtype.type
    steps = (1 / norms).astype(dtype)
    return np.array([[bound.prox(dtype(row[j] * steps[j]), steps[j], j) != 0 for j in range(K)] for row in C])


@pytest.mark.nojit
@separable_case
@pytest.mark.parametrize("gains", [None, GAINS], ids=["equal", "gains"])
def test_entry_is_the_correlation_above_which_an_atom_enters(case, dtype, gains):
    bound = case.penalty.bind(NORMS, dtype, gains)
    near = 4 * EPS[dtype]  # 1 EPS
    assert not enters(bound, bound.entry * np.array([[1 - near], [0.5], [-0.5], [-1 + near]])).any()
    assert enters(bound, bound.entry * np.array([[1 + near], [2]])).all()
    assert (enters(bound, bound.entry * np.array([[-1 - near], [-2]])) != case.penalty.positive).all()


@pytest.mark.nojit
@separable_case
def test_gains_divide_the_entry(case, dtype):
    plain, gained = (case.penalty.bind(NORMS, dtype, gains).entry for gains in (None, GAINS))
    np.testing.assert_allclose(gained * GAINS, plain, rtol=4 * EPS[dtype])


@pytest.mark.nojit
@separable_case
def test_alpha_max_is_where_the_first_atom_enters(case, rng):
    C = rng.normal(size=(10, K)) * np.geomspace(0.1, 10, 10)[:, None]
    C[:, 0] = np.abs(C[:, 0])
    alpha_max = case.penalty.alpha_max(C, NORMS)
    assert alpha_max.shape == (10,)
    for row, alpha in zip(C, alpha_max, strict=True):
        counts = [
            np.count_nonzero(enters(case.penalty.replace(alpha=factor * alpha).bind(NORMS, np.float64), row[None]))
            for factor in (1 - 4e-15, 1 + 4e-15)  # 5e-16
        ]
        assert counts == [1, 0]
    assert np.array_equal(case.penalty.replace(alpha=None).alpha_max(C, NORMS), alpha_max)
    assert case.penalty.alpha_max(np.zeros((1, K)), NORMS).tolist() == [0.0]
    if case.penalty.positive:
        assert case.penalty.alpha_max(-np.abs(C), NORMS).tolist() == [0.0] * 10


@pytest.mark.nojit
def test_alpha_max_of_the_l1_norm_is_the_largest_correlation(rng):
    C = rng.normal(size=(5, K))
    assert np.array_equal(L1().alpha_max(C), np.abs(C).max(axis=1))
    assert np.array_equal(WeightedL1(weights=[1, 2, 4, 8]).alpha_max(C), np.abs(C / [1, 2, 4, 8]).max(axis=1))


@pytest.mark.nojit
@pytest.mark.parametrize("eps", [1e-30, 1e-3, 1e30])
def test_entry_of_the_log_sum_at_any_scale(eps):
    """`alpha_max` inverts `entry`, from a jump that is just there to one of 60 orders of magnitude."""
    over = np.append(np.geomspace(1e-9, 1e60, 40), [-0.5, 0])
    norms = np.geomspace(1e-3, 1e3, len(over))
    entry = norms * eps * (1 + over)
    alpha = LogSum(eps=eps)._alpha_max(entry, norms)
    np.testing.assert_allclose(LogSum(eps=eps)._entry(alpha, norms), entry, rtol=5e-15)


@pytest.mark.nojit
@every_case
def test_degree_is_that_of_alpha_max(case, rng):
    penalty, C = case.penalty, rng.normal(size=(5, K))
    if not penalty.separable:
        assert penalty.degree == 0
        with pytest.raises(ValueError, match=type(penalty).__name__):
            penalty.alpha_max(C)
    else:
        scaled = penalty.replace(eps=3 * penalty.eps) if isinstance(penalty, LogSum) else penalty
        expected = 3**penalty.degree * penalty.alpha_max(C, NORMS)
        np.testing.assert_allclose(scaled.alpha_max(3 * C, NORMS), expected, rtol=1e-14)


@pytest.mark.nojit
@every_case
def test_scaled_problems_have_scaled_solutions(case, rng):
    penalty, Z = case.penalty, codes(rng)
    for factor in (3.0, 2.0**-20):
        scaled = penalty.scaled(factor)
        np.testing.assert_allclose(
            scaled.value(factor * Z, NORMS), factor**2 * penalty.value(Z, NORMS), rtol=1e-14
        )  # 2e-15
        for step in case.steps:
            expected = factor * penalty.prox(Z, step, NORMS)
            found = scaled.prox(factor * Z, step, NORMS)
            np.testing.assert_allclose(found, expected, rtol=0, atol=2e-13 * factor)  # 4e-14, where the slope is 60
        if penalty.separable:
            entry = penalty.bind(NORMS, np.float64).entry
            np.testing.assert_allclose(scaled.bind(NORMS, np.float64).entry, factor * entry, rtol=1e-14)


@pytest.mark.nojit
@every_class
def test_step_dependence_is_declared(cls):
    """The least correlation with which a coefficient leaves zero, at two steps."""
    if not cls.separable:
        return
    bound, levels = cls(0.5).bind([1.0], np.float64), []
    for step in (0.3, 0.9):
        grid = np.linspace(0, 4, 801)
        levels.append(next(g for g in grid if bound.prox(step * g, step, 0) != 0))
    assert (abs(levels[0] - levels[1]) > 0.02) == cls.step_dependent


# Compiled


def _probe(bound, x, u, step, j):
    return bound.prox(x, step, j), bound.value(u, j), bound.violation(u, x, step, j)


probe = kernel(_probe)


@separable_case
def test_compiled_methods_agree_with_python_and_keep_the_type(case, dtype, rng):
    bound = case.penalty.bind(NORMS, dtype, GAINS)
    for step in map(dtype, case.steps):
        for z in codes(rng).astype(dtype):
            for j in range(K):
                arguments = bound, z[j], z[(j + 1) % K], step, j
                compiled, plain = probe(*arguments), _probe(*arguments)
                assert [type(number) for number in plain] == [dtype] * 3
                np.testing.assert_allclose(compiled, plain, rtol=50 * EPS[dtype], atol=50 * EPS[dtype])  # 11 EPS


@jit_only
def test_compiled_results_have_the_type_of_the_problem():
    for case in SEPARABLE.values():
        for dtype in EPS:
            probe(case.penalty.bind(NORMS, dtype), dtype(1), dtype(1), dtype(1), 0)
    kinds = set()
    for arguments, overload in KERNELS[f"{__name__}._probe"].overloads.items():
        assert [kind.name for kind in overload.signature.return_type] == [arguments[1].name] * 3
        kinds.add((arguments[0].instance_class, arguments[1].name))
    assert len(kinds) == 2 * len({type(case.penalty.bind(NORMS, np.float64)) for case in SEPARABLE.values()})


@every_case
def test_compiled_rows_agree_with_python(case, dtype, rng):
    penalty, Z = case.penalty, codes(rng).astype(dtype)
    bound = penalty.bind(NORMS, dtype)
    for step in map(dtype, case.steps):
        plain = np.empty_like(Z)
        for z, out in zip(Z, plain, strict=True):
            bound.prox_row(z, step, out)
        found = penalty.prox(Z, float(step), NORMS)
        np.testing.assert_allclose(found, plain, rtol=50 * EPS[dtype], atol=50 * EPS[dtype])  # 13 EPS
    np.testing.assert_allclose(penalty.value(Z, NORMS), [bound.value_row(z) for z in Z], rtol=4 * EPS[dtype])


@jit_only
@every_case
def test_extreme_magnitudes_give_no_nan(case, dtype):
    end = 15 if dtype == np.float32 else 30
    powers = 10.0 ** np.arange(-end, end + 1, 3)
    Z = np.array([[-x, x, 0.0, 2 * x] for x in powers] + [[1.0, x, -1.0, 1 / x] for x in powers], dtype)
    Z[-1, 0] = np.finfo(dtype).smallest_subnormal
    for alpha in 10.0 ** np.arange(-end, end + 1, 5):
        penalty = case.penalty.replace(alpha=alpha) if "alpha" in case.penalty.get_params() else case.penalty
        for norms in (NORMS, 1e-4 * NORMS, 1e4 * NORMS):
            for step in (1e-6, 0.4, 1e6):
                U = penalty.prox(Z, step, norms)
                assert np.isfinite(U).all()
                assert (np.abs(U) <= np.abs(Z)).all()
            assert not np.isnan(penalty.value(Z, norms)).any()


@pytest.mark.nojit
@every_class
@pytest.mark.parametrize("alpha", [1e-310, 1e-60, 1e60, 1.7e308])
def test_weights_out_of_the_range_of_the_type_are_refused(cls, alpha, dtype):
    if cls is KSparse:
        return
    if dtype == np.float32 or alpha == 1e-310 or (alpha == 1.7e308 and cls is not SparseEnvelope):
        with pytest.raises(ValueError, match="`alpha` leaves the range of float"):
            cls(alpha).bind(NORMS, dtype, None if cls is SparseEnvelope else GAINS / 4)
    else:
        cls(alpha).bind(NORMS, dtype)


@pytest.mark.nojit
@every_class
def test_zero_atoms_are_bound_as_unit_atoms(cls, dtype):
    penalty = cls() if cls is KSparse else cls(0.5)
    zero, one = (penalty.bind([square, 2.0], dtype) for square in (0.0, 1.0))
    for a, b in zip(zero, one, strict=True):
        assert np.array_equal(a, b)
    if cls.separable:
        C = np.array([[0.0, 1.0]])
        assert penalty.alpha_max(C, [0.0, 2.0]) == penalty.alpha_max(C, [1.0, 2.0])


# Parameter objects


@pytest.mark.nojit
@every_case
def test_manners_of_a_parameter_object(case):
    penalty = case.penalty
    assert clone(penalty) == penalty == pickle.loads(pickle.dumps(penalty))  # noqa: S301
    assert clone(penalty) is not penalty
    assert type(penalty)(**penalty.get_params()) == penalty
    changed = penalty.replace(positive=not penalty.positive)
    assert changed != penalty
    assert changed.replace(positive=penalty.positive) == penalty
    assert penalty != "l1"
    assert penalty.set_params() is penalty
    before = penalty.get_params()
    with pytest.raises(ValueError, match=f"`beta` is not a parameter of {type(penalty).__name__}; it has '"):
        penalty.set_params(positive=not penalty.positive, beta=1)
    assert all(penalty.get_params()[name] is value for name, value in before.items())
    if not isinstance(getattr(penalty, "weights", None), np.ndarray):
        names = {cls.__name__: cls for cls in PENALTIES.values()}
        assert eval(repr(penalty), names) == penalty  # noqa: S307


@pytest.mark.nojit
def test_equality_is_by_class_and_value():
    weights = np.array([1.0, 2.0])
    assert L1(0.3) == L1(0.3)
    assert L1(0.3) != L1(0.3, positive=True)
    assert L0(0.3) != CEL0(0.3)
    assert WeightedL1(0.3, weights) == WeightedL1(0.3, [1, 2])
    assert WeightedL1(0.3, weights) != WeightedL1(0.3, [1, 3])
    assert WeightedL1(0.3, weights) != WeightedL1(0.3, [1, 2, 3])
    assert WeightedL1(0.3, weights) != WeightedL1(0.3)
    assert repr(L1(0.3, positive=True)) == "L1(alpha=0.3, positive=True)"
    copy = clone(WeightedL1(0.3, weights))
    weights[0] = 5
    assert copy == WeightedL1(0.3, [1, 2])
    with pytest.raises(TypeError, match="unhashable"):
        hash(L1(0.3))


@pytest.mark.nojit
@pytest.mark.parametrize("alpha", [None, 0, -1, np.nan, np.inf, -np.inf, "1", True, 1j, [1.0], 10**400], ids=repr)
@every_class
def test_bad_alpha(cls, alpha):
    if cls is KSparse:
        return
    for use in (lambda p: p.bind([1.0], np.float64), lambda p: p.value([[1.0]]), lambda p: p.scaled(2.0)):
        with pytest.raises(ValueError, match="`alpha` must be a positive finite number, got .*lstsq"):
            use(cls(alpha))


@pytest.mark.nojit
@pytest.mark.parametrize("number", [2, 0.5, np.float32(0.5), np.int64(3)])
def test_alpha_may_be_any_real_number(number):
    assert L1(number).bind([1.0], np.float64).entry.tolist() == [float(number)]


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("penalty", "message"),
    [
        (MCP(1.0, 0), "`gamma` must be a positive finite number, got 0."),
        (MCP(1.0, None), "`gamma` must be a positive finite number, got None."),
        (SCAD(1.0, 2.0), "`gamma` must be a finite number above 2, got 2.0."),
        (SCAD(1.0, np.inf), "`gamma` must be a finite number above 2, got inf."),
        (LogSum(1.0, -0.1), "`eps` must be a positive finite number, got -0.1."),
        (LogSum(1.0, np.nan), "`eps` must be a positive finite number, got nan."),
        (ElasticNet(1.0, 0.0), "`l1_ratio` must be a positive finite number, got 0.0. It is the share"),
        (ElasticNet(1.0, 1.1), r"`l1_ratio` must be in \(0, 1\], got 1.1."),
        (WeightedL1(1.0, [1.0]), r"`weights` must be 2 positive finite numbers.*shape \(1,\)"),
        (WeightedL1(1.0, [1.0, 2.0, 3.0]), r"`weights` must be 2 positive finite numbers.*shape \(3,\)"),
        (WeightedL1(1.0, [[1.0, 2.0]]), r"`weights` must be 2 positive finite numbers.*shape \(1, 2\)"),
        (WeightedL1(1.0, []), r"`weights` must be 2 positive finite numbers.*shape \(0,\)"),
        (WeightedL1(1.0, [1.0, 0.0]), "`weights` must be 2 positive finite numbers.*least value 0"),
        (WeightedL1(1.0, [1.0, -1.0]), "`weights` must be 2 positive finite numbers.*least value -1"),
        (WeightedL1(1.0, [1.0, np.nan]), "`weights` must be 2 positive finite numbers"),
        (KSparse(0), "`n_nonzero_coefs` must be an integer of at least 1, got 0."),
        (KSparse(1.5), "`n_nonzero_coefs` must be an integer of at least 1, got 1.5."),
        (KSparse(True), "`n_nonzero_coefs` must be an integer of at least 1, got True."),
        (SparseEnvelope(1.0, None), "`n_nonzero_coefs` must be an integer of at least 1, got None."),
    ],
    ids=lambda parameter: repr(parameter)[:50],
)
def test_bad_parameters(penalty, message):
    with pytest.raises(ValueError, match=message):
        penalty.prox([[1.0, 2.0]])
    if not isinstance(penalty, KSparse | SparseEnvelope):
        with pytest.raises(ValueError, match=message):
            penalty.alpha_max([[1.0, 2.0]])


@pytest.mark.nojit
def test_bad_arguments():
    for step in (0, -1.0, np.nan, np.inf, "1", None):
        with pytest.raises(ValueError, match="`step` must be a positive finite number"):
            L1(1.0).prox([[1.0]], step=step)
    with pytest.raises(ValueError, match="`step` leaves the range of float32"):
        L1(1.0).prox(np.ones((1, 1), np.float32), step=1e-50)
    for method in (L1(1.0).value, L1(1.0).prox, L1(1.0).alpha_max):
        for bad in ([[np.nan]], [[1.0, np.inf]], [1.0, 2.0], 1.0, np.zeros((2, 0)), [["a"]], [[1j]]):
            with pytest.raises(ValueError, match="codes|correlations"):
                method(bad)
        for norms in (-1.0, np.nan, np.inf, [1.0, 1.0, 1.0], [[1.0, 1.0]]):
            with pytest.raises(ValueError, match="`squared_norms` must be finite numbers"):
                method([[1.0, 2.0]], squared_norms=norms)
    for gains in ([1.0], [1.0, 0.0], [1.0, np.nan], [-1.0, 1.0]):
        with pytest.raises(ValueError, match="`gains` must be 2 positive finite numbers"):
            L1(1.0).bind([1.0, 1.0], np.float64, gains)
    with pytest.raises(ValueError, match="`SparseEnvelope` takes no gains"):
        SparseEnvelope(1.0).bind(NORMS, np.float64, GAINS)
    with pytest.raises(ValueError, match="`factor` must be a positive finite number"):
        L1(1.0).scaled(0)


@pytest.mark.nojit
def test_codes_may_be_of_any_real_type_and_layout():
    expected = [[0.5, 0.0], [1.5, 2.5]]
    integers = np.array([[1, 0], [2, 3]])
    fortran = np.asfortranarray(integers.astype(np.float64))
    fortran.flags.writeable = False
    for Z in (integers, integers.tolist(), fortran, integers.astype(np.float64)[:, ::1], integers.astype(np.float16)):
        out = L1(0.5).prox(Z)
        assert out.tolist() == expected
        assert out.dtype == np.float64


# Penalties of users


@pytest.mark.nojit
def test_a_penalty_from_outside_the_package(dtype):
    x = np.linspace(-4, 4, 41)
    for step in (0.4, 1.0, 3.0):
        found = Berhu(0.6).prox(x[:, None].astype(dtype), step)
        assert found.dtype == dtype
        u = np.linspace(-4, 4, 80_001)
        cost = 0.6 * np.where(np.abs(u) < 1, np.abs(u), (u * u + 1) / 2)
        brute = [u[np.argmin(0.5 * (u - z) ** 2 + step * cost)] for z in x]
        np.testing.assert_allclose(found[:, 0], brute, atol=6e-5)  # half a grid step
    np.testing.assert_allclose(Berhu(0.6).value(np.array([[-3.0, 0.5]], dtype)), 0.6 * 5.5, rtol=1e-6)
    assert not enters(Berhu(0.6).bind(NORMS, dtype), np.full((1, K), 0.59)).any()
    assert clone(Berhu(0.6)) == Berhu(0.6)


def without(*names, **changes):
    """The class of the user again, with some members missing or replaced."""
    members = {name: getattr(BoundBerhu, name) for name in ("cost", "shrink") if name not in names}
    fields = {name: kind for name, kind in BoundBerhu.__annotations__.items() if name not in names}
    bound = NamedTuple("BoundBerhu", fields.items())
    for name, member in (members | changes).items():
        setattr(bound, name, member)
    return bound


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("bound", "message"),
    [
        (without("cost"), r"BoundBerhu needs a method `cost\(self, m, j\)`\."),
        (without("shrink"), r"BoundBerhu needs a method `shrink\(self, m, step, j\)`\."),
        (
            without(cost=lambda self, u, j: u),
            r"a method `cost\(self, m, j\)`; its arguments are \(self, u, j\)\.",
        ),
        (without(shrink=lambda self, m, j: m), r"`shrink\(self, m, step, j\)`; its arguments are \(self, m, j\)\."),
        (without(cost=1.0), r"BoundBerhu needs a method `cost\(self, m, j\)`\."),
        (without("entry"), "BoundBerhu must be a NamedTuple with a field `entry`."),
        (without("positive"), "BoundBerhu must be a NamedTuple with a field `positive`."),
    ],
    ids=["no cost", "no shrink", "cost of u", "shrink without step", "cost is a number", "no entry", "no positive"],
)
def test_an_incomplete_class_is_refused_in_plain_words(bound, message):
    with pytest.raises(TypeError, match=message):
        separable(bound)
    with pytest.raises(TypeError, match="must be a NamedTuple with a field `entry`"):
        separable(type("Plain", (), {"cost": BoundBerhu.cost, "shrink": BoundBerhu.shrink}))


def test_parameters_of_single_precision_are_numbers_as_others(recwarn):
    codes = L1(np.float32(0.5)).prox([[2.0]], step=np.float32(0.5))
    assert codes.tolist() == [[1.75]]
    assert not recwarn
    with pytest.raises(ValueError, match="`alpha` must be a positive finite number, got inf"):
        L1(np.float32(np.inf)).value([[1.0]])
