"""The contract of solvers, for every pair of solver and penalty that go together.

Tolerances are those of rounding; the spreads in the comments were measured over seeds 0 to 19 of the data.
"""

import itertools

import numpy as np
import pytest

from sparsecode import penalties
from sparsecode.penalties import L1, KSparse
from sparsecode.solvers import SOLVERS, duality_gap, objective, solve

from ..contracts.solvers import DATA, PAIRS, PENALTIES, planted
from ..reference.solvers import best_flip, fixed_point_violation


def pairs(names):
    return pytest.mark.parametrize(("solver", "make"), [PAIRS[name] for name in names], ids=names)


every_pair = pairs(list(PAIRS))
warm_pair = pairs([name for name, (solver, _) in PAIRS.items() if SOLVERS[solver].warm_start])

#: One of every way through the solvers: enough for what has to do with rows and arrays and not with penalties.
BRANCHES = [
    "active-set-l1",
    "replacement-l0",
    "replacement-k-sparse",
    "greedy-l0",
    "cyclic-l1",
    "omp-l0",
    "omp-k-sparse",
    "omp-k-sparse-positive",
    "ormp-l0",
    "ormp-k-sparse",
    "forward-backward-l1",
    "forward-backward-k-sparse",
    "forward-backward-sparse-envelope",
    "mp-l0",
    "mp-k-sparse",
    "mp-k-sparse-positive",
    "lca-l1",
    "lca-cel0",
    "niht-k-sparse",
    "niht-k-sparse-positive",
    "irl1-cel0",
    "irl1-scad",
    "sparse-set-l0",
]
every_branch = pairs(BRANCHES)

#: Solvers that take atoms one by one, whatever the penalty.
PURSUITS = {"omp", "ormp", "mp"}

pytestmark = pytest.mark.filterwarnings("ignore:codes of .* depend on its step")

EPS = {np.float32: 2.0**-23, np.float64: 2.0**-52}

#: Least certificates that can be asked for.
FLOOR = {np.float32: 1e-5, np.float64: 1e-6}

#: Solvers that may need more passes than they are given, and where.
FIRST_ORDER, SLOW = {"cyclic", "forward-backward", "lca"}, {"degenerate", "more atoms than features"}


def problem(name, make, dtype=np.float64, seed=0):
    X, D = (A.astype(dtype) for A in DATA[name](seed))
    return X, D, make(len(D))


def longest_step(D):
    return 0.99 / np.linalg.norm(D.astype(float), 2) ** 2


def naive_certificate(solver, X, D, W, penalty):
    """The certificate of codes as `SolveResult` defines it."""
    X, D, W = (A.astype(np.float64) for A in (X, D, W))
    if hasattr(penalty.bind([1.0] * len(D), float), "ridge"):
        return duality_gap(X, D, W, penalty) / np.maximum(0.5 * np.square(X).sum(axis=1), 1e-300)
    norms = np.linalg.norm(D, axis=1)
    unit = D / np.where(norms > 0, norms, 1)[:, None]
    largest = np.maximum(np.abs(X @ unit.T).max(axis=1), 1e-300)
    if solver == "mp":
        G = (X - W @ D) @ unit.T
        sizes = (G if penalty.positive else np.abs(G)).max(axis=1)
        if isinstance(penalty, KSparse):
            return np.where((W != 0).sum(axis=1) == penalty.n_nonzero_coefs, 0, np.maximum(sizes, 0)) / largest
        return np.maximum(sizes - np.sqrt(2 * penalty.alpha), 0) / largest
    if solver == "sparse-set":
        falls = [best_flip(*row, D, penalty.alpha, penalty.positive) for row in zip(X, W, strict=True)]
        return np.array(falls) / np.maximum(0.5 * np.square(X).sum(axis=1), 1e-300)
    if solver in PURSUITS or (solver in {"replacement", "niht"} and isinstance(penalty, KSparse)):
        return np.abs((X - W @ D) @ unit.T * (W != 0)).max(axis=1) / largest
    step = longest_step(D) if solver == "forward-backward" else None
    return fixed_point_violation(X, D, W, penalty, step) / largest


def test_every_solver_and_penalty_is_in_the_registry():
    assert {solver for solver, _ in PAIRS.values()} == {PAIRS[name][0] for name in BRANCHES} == set(SOLVERS)
    assert {type(make(1)) for make in PENALTIES.values()} == set(penalties.PENALTIES.values())


OBJECTIVE = {np.float32: 4e-7, np.float64: 2e-12}  # 4e-8; 2e-13, with weights of 1e4 by least squares
CERTIFICATE = {np.float32: 2e-5, np.float64: 3e-11}  # 2e-6 and 3e-12


def deviations(solver, X, D, penalty, result):
    """By how much what is reported differs from the objective and the certificate of the codes, relatively."""
    half = np.maximum(0.5 * np.square(X, dtype=np.float64).sum(axis=1), 1e-300)
    found = 0.5 * result.square_error + result.penalty
    certificate = naive_certificate(solver, X, D, result.codes, penalty)
    return (
        np.abs(found - objective(X, D, result.codes, penalty)).max() / half.max(),
        np.abs(result.certificate - certificate).max(),
    )


@every_pair
def test_results_are_in_order(solver, make, dtype):
    """What is reported is that of the codes, statuses mean what they say, degenerate rows and atoms get their due."""
    for name, max_iter in itertools.product(DATA, (1, 2, None)):
        X, D, penalty = problem(name, make, dtype)
        result = solve(X, D, penalty, solver=solver, max_iter=max_iter)
        codes, certificate, _, cost, n_iter, status = result
        where = name, max_iter
        assert codes.dtype == dtype
        assert codes.shape == (len(X), len(D))
        assert np.isfinite(codes).all()
        assert np.isfinite(cost).all()
        assert (certificate >= 0).all()
        of_objective, of_certificate = deviations(solver, X, D, penalty, result)
        assert of_objective <= OBJECTIVE[dtype], where
        assert of_certificate <= CERTIFICATE[dtype], where
        assert (certificate[status == 0] <= FLOOR[dtype]).all(), where
        assert (n_iter <= (max_iter or 10_000)).all(), where
        assert (n_iter[status == 1] == (max_iter or 10_000)).all(), where
        if solver not in {*PURSUITS, "replacement", "niht"}:
            assert (certificate[status != 0] > 1e-6).all(), where
        slow = SLOW | {"one feature"} if solver == "lca" else SLOW
        if max_iter is None and (solver not in FIRST_ORDER or name not in slow):
            assert not status.any(), where
        if penalty.positive:
            assert codes.min() >= 0
        if isinstance(penalty, KSparse):
            assert np.count_nonzero(codes, axis=1).max() <= penalty.n_nonzero_coefs
        if name == "degenerate":
            assert not codes[0].any()
            assert not codes[:, 1].any()
            assert np.array_equal(codes[1], codes[2])


def test_passes_are_counted_and_bounded_in_all():
    """Also where the gap takes several descents, or a row goes on in float64."""
    X, D = planted(n=30, K=40)
    D = (D[0] + 0.01 * D).astype(np.float32)
    for solver in ("active-set", "greedy", "cyclic", "forward-backward"):
        needed = solve(X.astype(np.float32), D, L1(0.01), solver=solver, tol=0).n_iter
        for max_iter in (2, needed.max() // 2):
            result = solve(X.astype(np.float32), D, L1(0.01), solver=solver, tol=0, max_iter=max_iter)
            assert result.n_iter.max() == max_iter
            late = result.certificate > 2e-6
            assert np.array_equal(result.status == 1, late)
            assert (needed[late] > max_iter).all()
            assert late.any()


@every_pair
def test_objectives_fall_from_pass_to_pass(solver, make, dtype):
    for name in ("planted", "degenerate"):
        X, D, penalty = problem(name, make, dtype)
        half = 0.5 * np.square(X, dtype=np.float64).sum(axis=1)
        before = half
        for max_iter in (1, 2, 3, 5, 8):
            codes = solve(X, D, penalty, solver=solver, max_iter=max_iter).codes
            found = objective(X, D, codes, KSparse(len(D)) if solver in PURSUITS else penalty)
            # Largest rise over the seeds, of half the squared norm: 1e-7 and 2e-16
            assert (found - before <= 8 * EPS[dtype] * half.max()).all()
            # Within a weighted problem of IRL1 it is the bound of the objective that falls
            before = half if solver == "irl1" else found
        assert (found < half).mean() > 0.5


@every_pair
def test_zero_code_at_alpha_max_and_one_atom_below(solver, make):
    X, D, penalty = problem("planted", make)
    if not penalty.separable:
        with pytest.raises(ValueError, match="`KSparse` has no weight|`SparseEnvelope` has no largest"):
            penalty.alpha_max(X @ D.T)
        return
    for x, alpha in zip(X, penalty.alpha_max(X @ D.T, np.square(D).sum(axis=1)), strict=True):
        counts = [
            np.count_nonzero(solve(x[None], D, penalty.replace(alpha=factor * alpha), solver=solver, tol=0).codes)
            for factor in (1 + 1e-12, 1 - 1e-6)
        ]
        # The short step of forward-backward splitting takes more to leave zero where the threshold jumps
        late = solver == "forward-backward" and (penalty.step_dependent or getattr(penalty, "gamma", 1) < 1)
        assert counts == [0, 0 if late else 1]


@warm_pair
def test_warm_starts(solver, make, dtype):
    """From the solution there is next to nothing to do; from any code the objective does not rise."""
    for name in ("planted", "degenerate"):
        X, D, penalty = problem(name, make, dtype)
        cold = solve(X, D, penalty, solver=solver)
        again = solve(X, D, penalty, solver=solver, init=cold.codes)
        done = cold.status == 0
        assert (again.n_iter[done] <= 1).mean() >= 0.8
        if name == "planted":
            assert again.n_iter.sum() <= 0.1 * cold.n_iter.sum() + len(X)
        others = solve(X[::-1], D, penalty, solver=solver).codes
        for start in (cold.codes, others, np.roll(others, 1, axis=1)):
            given = objective(X, D, start, penalty)
            found = objective(X, D, solve(X, D, penalty, solver=solver, init=start).codes, penalty)
            # Largest rise over the seeds, of the squared norm: 2e-7 and 5e-16
            assert (found - given <= 16 * EPS[dtype] * np.square(X).sum(axis=1).max()).all()


@every_pair
def test_permuted_flipped_rotated_and_scaled_problems(solver, make):
    X, D, penalty = problem("planted", make)
    rng = np.random.default_rng(0)
    order, signs = rng.permutation(len(D)), rng.choice([-1.0, 1.0], size=len(D))
    rotation = np.linalg.qr(rng.normal(size=(X.shape[1], X.shape[1])))[0]
    if getattr(penalty, "weights", None) is not None:
        order = np.arange(len(D))

    def codes(X, D, penalty=penalty):
        return solve(X, D, penalty, solver=solver, tol=1e-11).codes

    expected = codes(X, D)
    # Differences over the seeds are at most 2e-9, along directions in which the objective is flat
    close = {"rtol": 0, "atol": 1e-7}
    np.testing.assert_allclose(codes(X @ rotation, D @ rotation), expected, **close)
    np.testing.assert_allclose(codes(4 * X, D, penalty.scaled(4.0)), 4 * expected, **close)
    if solver != "cyclic" or penalty.convex:
        np.testing.assert_allclose(codes(X, D[order]), expected[:, order], **close)
    if not penalty.positive:
        np.testing.assert_allclose(codes(X, D * signs[:, None]), expected * signs, **close)
        np.testing.assert_allclose(codes(-X, D), -expected, **close)


@every_branch
def test_rows_do_not_depend_on_their_neighbours_or_threads(solver, make, dtype):
    X, D = (A.astype(dtype) for A in planted(n=150))
    expected = solve(X, D, make(len(D)), solver=solver)
    threaded = solve(X, D, make(len(D)), solver=solver, n_jobs=2)
    assert all(np.array_equal(a, b) for a, b in zip(expected, threaded, strict=True))
    for rows in (slice(0, 1), slice(61, 70), slice(149, 150)):
        part = solve(X[rows], D, make(len(D)), solver=solver)
        assert all(np.array_equal(a[rows], b) for a, b in zip(expected, part, strict=True))


@every_branch
def test_arrays_may_lie_in_memory_in_any_way(solver, make, dtype, tmp_path):
    X, D, penalty = problem("planted", make, dtype)
    settings = {"solver": solver}
    if SOLVERS[solver].warm_start:
        settings["init"] = np.abs(np.roll(solve(X, D, penalty, solver=solver).codes, 1, axis=1))
    expected = solve(X, D, penalty, **settings).codes

    def layouts(A):
        mapped = np.memmap(tmp_path / str(A.shape), dtype, "w+", shape=A.shape)
        mapped[:] = A
        wide = np.zeros((len(A), 2 * A.shape[1]), dtype)
        wide[:, ::2] = A
        locked = A.copy()
        locked.flags.writeable = False
        return np.asfortranarray(A), mapped, wide[:, ::2], locked

    for x, d in zip(layouts(X), layouts(D), strict=True):
        before = x.copy(), d.copy()
        assert np.array_equal(solve(x, d, penalty, **settings).codes, expected)
        assert np.array_equal(x, before[0])
        assert np.array_equal(d, before[1])
    if "init" in settings:
        given = settings["init"].copy()
        for start in layouts(given):
            assert np.array_equal(solve(X, D, penalty, solver=solver, init=start).codes, expected)
        assert np.array_equal(settings["init"], given)
    if dtype == np.float64:
        assert np.array_equal(solve(X.tolist(), D.tolist(), penalty, **settings).codes, expected)


@every_pair
def test_gains(solver, make):
    """A gain of 2 lets an atom in at half the correlation; gains of one are none."""
    X, D, penalty = problem("planted", make)
    if not penalty.takes_gains:
        with pytest.raises(ValueError, match="takes no gains"):
            solve(X, D, penalty, solver=solver, gains=np.full(len(D), 2.0))
        return
    if solver == "replacement" and isinstance(penalty, KSparse):
        with pytest.raises(ValueError, match="`gains` have no part; use 'omp', 'ormp', 'forward-backward' or 'mp'"):
            solve(X, D, penalty, solver=solver, gains=np.ones(len(D)))
        return
    for dtype in EPS:
        X, D, penalty = problem("planted", make, dtype)
        plain = solve(X, D, penalty, solver=solver)
        ones = solve(X, D, penalty, solver=solver, gains=[1] * len(D))
        assert all(np.array_equal(a, b) for a, b in zip(plain, ones, strict=True))
        atoms, penalty = np.eye(4, dtype=dtype), make(4)
        if isinstance(penalty, KSparse):
            penalty = penalty.replace(n_nonzero_coefs=1)
            x = np.array([[0.0, 1.0, 0.7, 0.0]], dtype)
            assert np.flatnonzero(solve(x, atoms, penalty, solver=solver).codes).tolist() == [1]
        else:
            x = 0.6 * penalty.bind(np.ones(4), dtype).entry[None] * np.array([0, 0, 1, 0.9], dtype)
            assert not solve(x, atoms, penalty, solver=solver).codes.any()
        assert np.flatnonzero(solve(x, atoms, penalty, solver=solver, gains=[1, 1, 2, 1]).codes).tolist() == [2]
