"""Solvers against each other, against scikit-learn and against naive twins."""

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet as ScikitElasticNet
from sklearn.linear_model import orthogonal_mp

from sparsecode.penalties import CEL0, L0, L1, ElasticNet, KSparse, SparseEnvelope, WeightedL1
from sparsecode.solvers import SOLVERS, debias, duality_gap, objective, solve, solve_fista
from sparsecode.solvers.matching_pursuit import Equaliser, solve_matching_pursuit

from ..contracts.solvers import DATA, PAIRS, planted
from ..penalties.berhu import Berhu
from ..reference.penalties import value
from ..reference.solvers import least_squares, matching_pursuit, plain_pursuit, recursive_pursuit

L1_SOLVERS = [name for name, solver in SOLVERS.items() if solver.takes(L1(1.0))]


# Convex penalties


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("kind", ["l1", "weighted", "elastic net"])
@pytest.mark.parametrize("alpha", [0.1, 0.4])
def test_l1_type_solvers_agree(patches, learned, alpha, kind, positive):
    X, D = patches[:20], learned[:60]
    penalty = {
        "l1": L1(alpha, positive=positive),
        "weighted": WeightedL1(alpha, np.linspace(0.5, 2, 60), positive=positive),
        "elastic net": ElasticNet(alpha, 0.7, positive=positive),
    }[kind]
    half = 0.5 * np.square(X).sum(axis=1)
    exact = objective(X, D, solve(X, D, penalty, solver="active-set", tol=1e-12).codes, penalty)
    for solver in L1_SOLVERS:
        result = solve(X, D, penalty, solver=solver, tol=1e-7)
        assert not result.status.any()
        excess = objective(X, D, result.codes, penalty) - exact
        assert (excess >= -1e-12 * half).all()
        assert (excess <= 1.01e-7 * half).all()
    oracle = solve_fista(X, D, penalty, tol=1e-7)
    assert not oracle.status.any()
    assert (np.abs(objective(X, D, oracle.codes, penalty) - exact) <= 1.01e-7 * half).all()


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("l1_ratio", [0.2, 0.9, 1.0])
def test_elastic_net_is_that_of_scikit_learn(patches, learned, l1_ratio, positive):
    X, D = patches[:10], learned[:60]
    n_features = X.shape[1]  # scikit-learn divides the squared error by it
    theirs = [
        ScikitElasticNet(
            0.3 / n_features, l1_ratio=l1_ratio, positive=positive, fit_intercept=False, tol=1e-12, max_iter=100_000
        ).fit(D.T, x).coef_
        for x in X
    ]  # fmt: skip
    penalty = ElasticNet(0.3, l1_ratio, positive=positive)
    for solver in L1_SOLVERS:
        codes = solve(X, D, penalty, solver=solver, tol=1e-12).codes
        np.testing.assert_allclose(codes, theirs, atol=1e-5)  # at most 4e-7, which a gap of 1e-12 allows


def test_a_penalty_from_outside_the_package():
    """Convex, so that all solvers that take it end at one objective, which moves of a coefficient do not lower."""
    X, D = planted(n=4, K=8, F=6)
    penalty = Berhu(0.3)
    found = []
    for solver in ("auto", "cyclic", "forward-backward"):
        result = solve(X, D, penalty, solver=solver, tol=1e-10)
        assert not result.status.any()
        found.append(objective(X, D, result.codes, penalty))
        np.testing.assert_allclose(0.5 * result.square_error + result.penalty, found[-1], rtol=1e-12)
    np.testing.assert_allclose(found[1:], [found[0]] * 2, rtol=1e-12)
    with pytest.raises(ValueError, match="l1-type penalties, not .*; for that use 'greedy', 'cyclic'"):
        solve(X, D, penalty, solver="active-set")


def test_envelope_by_forward_backward_is_least_squares_with_shares():
    """At a solution with shares u, ``w_j = u_j g_j / alpha``; the envelope lies below the k-sparse objective."""
    X, D = planted(n=6, K=10, F=12)
    penalty = SparseEnvelope(0.5, 3)
    codes = solve(X, D, penalty, tol=1e-10).codes
    shares = 0.5 * codes / ((X - codes @ D) @ D.T)
    assert shares.min() >= -1e-6
    assert shares.max() <= 1 + 1e-6
    np.testing.assert_allclose(shares.sum(axis=1), 3, atol=1e-5)
    sparse = solve(X, D, KSparse(3)).codes
    assert (objective(X, D, codes, penalty) <= objective(X, D, sparse, penalty)).all()


# Separable penalties


def single_moves(penalty, W, norms, j):
    """Codes with coefficient j replaced by values on a grid, finer around zero and around its value."""
    grid = np.concatenate([np.linspace(-4, 4, 401), [0.0]])
    near = np.concatenate([W[:, [j]] + np.geomspace(1e-4, 0.1, 20) * s for s in (-1, 1)], axis=1)
    for u in np.concatenate([np.tile(grid, (len(W), 1)), near], axis=1).T:
        moved = W.copy()
        moved[:, j] = np.maximum(u, 0) if penalty.positive else u
        yield moved


@pytest.mark.parametrize(
    ("solver", "make"),
    [pair for pair in PAIRS.values() if pair[0] in {"greedy", "cyclic"}],
    ids=[name for name, pair in PAIRS.items() if pair[0] in {"greedy", "cyclic"}],
)
def test_no_single_coefficient_improves_what_coordinate_descent_ends_at(solver, make):
    X, D = planted(n=3, K=6, F=5)
    penalty, norms = make(6), np.square(D).sum(axis=1)

    def naive(W):
        return 0.5 * np.square(X - W @ D).sum(axis=1) + value(penalty, W, norms)

    codes = solve(X, D, penalty, solver=solver, tol=1e-10).codes
    here = naive(codes)
    for j in range(6):
        for moved in single_moves(penalty, codes, norms, j):
            assert (naive(moved) >= here - 1e-12).all()


@pytest.mark.nojit
@pytest.mark.parametrize("name", [name for name, pair in PAIRS.items() if pair[0] in {"greedy", "cyclic"}])
def test_orthonormal_atoms_make_codes_proximal_points(name):
    solver, make = PAIRS[name]
    rng = np.random.default_rng(0)
    D = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    X = rng.normal(size=(4, 6))
    expected = make(6).prox(X @ D.T)
    np.testing.assert_allclose(solve(X, D, make(6), solver=solver).codes, expected, atol=1e-12)  # 7e-16


# Pursuit


@pytest.mark.parametrize("data", ["patches", "random"])
@pytest.mark.parametrize("k", [1, 5, 20])
def test_pursuit_is_that_of_scikit_learn(patches, learned, data, k):
    if data == "patches":
        X, D = patches[:200], learned
    else:
        rng = np.random.default_rng(0)
        X, D = rng.normal(size=(50, 40)), rng.normal(size=(90, 40))
        D /= np.linalg.norm(D, axis=1, keepdims=True)
    codes = solve(X, D, KSparse(k), solver="omp").codes
    theirs = orthogonal_mp(D.T, X.T, n_nonzero_coefs=k).T
    assert np.array_equal(codes != 0, theirs != 0)
    np.testing.assert_allclose(codes, theirs, rtol=0, atol=1e-12)  # at most 3e-14


@pytest.mark.nojit
@pytest.mark.parametrize("name", ["planted", "more atoms than features", "one sample", "one atom"])
def test_pursuit_equals_its_naive_twin(name, dtype):
    X, D = (A.astype(dtype) for A in DATA[name]())
    norms = np.linalg.norm(D.astype(float), axis=1)
    for k in (1, 3):
        naive = [matching_pursuit(x, D.astype(float), min(k, *D.shape), 1e-9) for x in X.astype(float)]
        codes = solve(X, D, KSparse(k), solver="omp").codes
        np.testing.assert_allclose(codes, naive, atol=1e-4 if dtype == np.float32 else 1e-9)
    for penalty in (L0(0.02), CEL0(0.02)):
        # An atom enters where it lowers the objective by more than its price: |g_j| > sqrt(2 alpha) ||d_j||
        naive = [matching_pursuit(x, D.astype(float), min(D.shape), np.sqrt(0.04)) for x in X.astype(float)]
        result = solve(X, D, penalty, solver="omp")
        np.testing.assert_allclose(result.codes, naive, atol=1e-4 if dtype == np.float32 else 1e-9)
        left = np.abs((X - result.codes @ D) @ D.T) / norms
        assert (left <= np.sqrt(0.04) * (1 + 1e-5)).all()


@pytest.mark.nojit
@pytest.mark.parametrize("name", ["planted", "more atoms than features", "one sample", "one atom", "degenerate"])
@pytest.mark.parametrize("gained", [False, True])
def test_recursive_pursuit_equals_its_naive_twin(name, gained, dtype):
    X, D = (A.astype(dtype) for A in DATA[name]())
    gains = np.exp(0.5 * np.random.default_rng(1).normal(size=len(D))) if gained else np.ones(len(D))
    settings = {"solver": "ormp", "gains": gains} if gained else {"solver": "ormp"}
    for penalty in (KSparse(1), KSparse(3), L0(0.02), CEL0(0.02)):
        most, price = (penalty.n_nonzero_coefs, 0) if isinstance(penalty, KSparse) else (len(D), 0.02)
        most = min(most, *D.shape)
        result = solve(X, D, penalty, **settings)
        assert not result.status.any()
        naive = [recursive_pursuit(x, D.astype(float), most, price, gains) for x in X.astype(float)]
        # Atoms that are equal, or opposite, do equally well
        expected = objective(X, D, np.array(naive), KSparse(len(D)))
        found = objective(X, D, result.codes, KSparse(len(D)))
        np.testing.assert_allclose(found, expected, atol=1e-5 if dtype == np.float32 else 1e-10)
        if name != "degenerate":
            np.testing.assert_allclose(result.codes, naive, atol=1e-4 if dtype == np.float32 else 1e-9)


@pytest.mark.nojit
@pytest.mark.parametrize("exponent", [-60, 60, 69])
def test_recursive_pursuit_of_short_atoms_with_small_gains(rng, exponent):
    """In float32 2^138 is out of range, not so the scores that gains make small."""
    X, D, gains = rng.normal(size=(6, 24)), rng.normal(size=(50, 24)), 2.0 ** rng.uniform(-13, -10, size=50)
    expected = solve(X, D, KSparse(5), solver="ormp", gains=gains).codes
    single = np.ldexp(X, exponent).astype(np.float32), np.ldexp(D, -20).astype(np.float32)
    codes = solve(*single, KSparse(5), solver="ormp", gains=gains).codes
    np.testing.assert_allclose(np.ldexp(codes.astype(float), -exponent - 20), expected, rtol=0, atol=1e-4)


@pytest.mark.nojit
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("name", ["planted", "more atoms than features", "one sample", "one atom"])
def test_plain_pursuit_equals_its_naive_twin(name, positive, dtype):
    X, D = (A.astype(dtype) for A in DATA[name]())
    gains = np.exp(0.5 * np.random.default_rng(1).normal(size=len(D)))
    for penalty in (KSparse(1), KSparse(3), L0(0.02), CEL0(0.02)):
        penalty = penalty.replace(positive=positive)
        counts = isinstance(penalty, KSparse)
        stop = (penalty.n_nonzero_coefs, 0.0) if counts else (np.inf, np.sqrt(0.04))
        for given in (None, gains):
            result = solve(X, D, penalty, solver="mp", gains=given)
            assert not result.status.any()
            weights = 1.0 if given is None else gains
            naive = [plain_pursuit(x, D.astype(float), *stop, weights, positive=positive) for x in X.astype(float)]
            # At most 5e-7 and 1.4e-15
            np.testing.assert_allclose(result.codes, naive, atol=5e-6 if dtype == np.float32 else 2e-14)


@pytest.mark.nojit
@pytest.mark.parametrize("positive", [False, True])
def test_plain_pursuit_through_tables(positive, dtype):
    """Tables decide between atoms that pay; those of the identity change nothing."""
    rng = np.random.default_rng(2)
    X, D = (A.astype(dtype) for A in planted(n=20))
    bins, half = 16, 0.7
    ends = np.linspace(0, 1, bins + 1)
    tables = np.cumsum(np.pad(rng.random((len(D), bins)), ((0, 0), (1, 0))), axis=1)

    def compare(sizes):
        return [np.interp(size / (size + half), ends, table) for size, table in zip(sizes, tables, strict=True)]

    settings = {"tol": 1e-6}
    for penalty in (KSparse(3), L0(0.02)):
        penalty = penalty.replace(positive=positive)
        stop = (3, 0.0) if isinstance(penalty, KSparse) else (np.inf, np.sqrt(0.04))
        found = solve_matching_pursuit(X, D, penalty, gains=Equaliser(tables, half), **settings)
        naive = [plain_pursuit(x, D.astype(float), *stop, 1.0, compare, positive) for x in X.astype(float)]
        np.testing.assert_allclose(found.codes, naive, atol=1e-4 if dtype == np.float32 else 1e-9)
        same = solve_matching_pursuit(X, D, penalty, gains=Equaliser(np.tile(ends, (len(D), 1)), half), **settings)
        plain = solve(X, D, penalty, solver="mp")
        assert np.array_equal(same.codes, plain.codes)
        assert not np.array_equal(found.codes, plain.codes)


def test_plain_pursuit_adds_up_and_ends_above_orthogonal_pursuit(patches, learned):
    """Reselected atoms keep what they had; coefficients are no least squares."""
    x, atoms = np.array([[1.0, 1.0]]), np.array([[1.0, 0.0], [0.8, 0.6]])
    found = solve(x, atoms, L0(1e-12), solver="mp")
    assert found.n_iter[0] > 10
    np.testing.assert_allclose(found.codes @ atoms, x, atol=1e-5)
    X = patches[10_000:12_000]
    for k, shares in ((5, (1.02, 1.07)), (20, (1.15, 1.35))):  # 1.04 and 1.27 with 288 atoms
        plain, orthogonal = (solve(X, learned, KSparse(k), solver=name).square_error.sum() for name in ("mp", "omp"))
        assert shares[0] < plain / orthogonal < shares[1]


def test_recursive_pursuit_leaves_a_smaller_error_on_patches(patches, learned):
    X = patches[10_000:14_000]
    # With atoms of ten seeds: 0.994 to 0.996, 0.985 to 0.990, 0.965 to 0.975
    for k, share in ((5, 0.997), (10, 0.992), (20, 0.98)):
        omp, ormp = (solve(X, learned, KSparse(k), solver=s).square_error.sum() for s in ("omp", "ormp"))
        assert ormp < share * omp


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("solver", ["omp", "ormp", "replacement", "niht"])
def test_least_squares_stay_among_atoms_that_are_told_apart(solver, dtype):
    """Windows that overlap: what is left of an atom may be rounding, of which weights of 1e24 were made."""
    times = np.arange(64)
    D = np.exp(-0.5 * ((times - np.linspace(0, 63, 200)[:, None]) / 2) ** 2).astype(dtype)
    X = np.random.default_rng(0).normal(size=(60, 64)).astype(dtype)
    # Of five seeds 0.89 (0.84 by replacement) and 0.61 (0.53 by replacement, 0.78 by niht), weights up to 4e7 and 2.2e5
    for k, share in ((10, 0.95), (40, 0.9 if solver == "niht" else 0.7)):
        result = solve(X, D, KSparse(k), solver=solver)
        assert not result.status.any()
        assert abs(result.codes).max() < (1e8 if solver in ("omp", "ormp") else 1e6)
        errors = np.square(X - result.codes.astype(float) @ D).sum(axis=1)
        assert (errors < share * (X**2).sum(axis=1)).all()


def test_pursuit_prefers_atoms_of_high_gain():
    """Each step takes the largest ``gain_j |g_j| / ||d_j||``, and the price of an atom falls as its gain squared."""
    X, D = planted(n=20)
    norms = np.linalg.norm(D, axis=1)
    gains = np.exp(np.random.default_rng(1).normal(size=len(D)))
    first = solve(X, D, KSparse(1), solver="omp", gains=gains).codes != 0
    assert np.array_equal(first.argmax(axis=1), (np.abs(X @ D.T) * gains / norms).argmax(axis=1))
    left = np.abs((X - solve(X, D, L0(0.02), solver="omp", gains=gains).codes @ D) @ D.T)
    assert (left <= np.sqrt(0.04) * norms / gains * (1 + 1e-9)).all()


def test_atoms_much_smaller_than_others_are_pursued_too(dtype):
    rng = np.random.default_rng(0)
    D = np.linalg.qr(rng.normal(size=(4, 4)))[0] * [[1.0], [1.0], [1e-7], [1e-7]]
    X = np.array([[1.0, 0.5, 2e7, 0.3e7]]) @ D
    codes = solve(X.astype(dtype), D.astype(dtype), KSparse(4), solver="omp").codes
    np.testing.assert_allclose(codes, [[1.0, 0.5, 2e7, 0.3e7]], rtol=1e-5)


# Least squares on supports


@pytest.mark.nojit
def test_debiased_codes_are_least_squares_on_their_supports(dtype):
    X, D = (A.astype(dtype) for A in planted())
    codes = solve(X, D, L1(0.3)).codes
    refit = debias(X, D, codes)
    assert refit.dtype == dtype
    assert np.array_equal(refit != 0, codes != 0)
    for x, w, given in zip(X.astype(float), refit, codes, strict=True):
        support = np.flatnonzero(given)
        expected = least_squares(x, D.astype(float), support)[0]
        np.testing.assert_allclose(w[support], expected, atol=1e-4 if dtype == np.float32 else 1e-12)


@pytest.mark.nojit
def test_debiased_codes_without_negative_coefficients(rng):
    """The negative ones leave until none is left, so that the rest is least squares on what remains."""
    X, D = planted(n=20, K=12, F=8)
    refit = debias(X, D, np.ones((20, 12)) * (rng.random((20, 12)) < 0.6), positive=True)
    assert refit.min() >= 0
    assert refit.any()
    for x, w in zip(X, refit, strict=True):
        support = np.flatnonzero(w)
        np.testing.assert_allclose(w[support], least_squares(x, D, support)[0], atol=1e-11)
    one = debias([[1.0, -1.0]], np.eye(2), [[1.0, 1.0]], positive=True)
    assert one.tolist() == [[1.0, 0.0]]


@pytest.mark.nojit
def test_debiasing_survives_more_and_nearly_equal_atoms(rng, dtype):
    """Rounding may make more atoms seem independent than there are features."""
    for seed in range(200):
        rng = np.random.default_rng(seed)
        F, K = rng.integers(1, 4), 11
        D = (rng.normal(size=F) + 10.0 ** rng.integers(-4, 1) * rng.normal(size=(K, F))).astype(dtype)
        X = rng.normal(size=(2, F)).astype(dtype)
        refit = debias(X, D, np.ones((2, K)))
        assert (np.count_nonzero(refit, axis=1) <= F).all()
        # No worse than the best single atom
        errors = np.square(X - refit @ D).sum(axis=1)
        single = np.square(X).sum(axis=1) - (np.square(X @ D.T) / np.square(D).sum(axis=1)).max(axis=1)
        assert (errors <= single + 1e-2 * np.square(X).sum(axis=1)).all()


def test_debiasing_leaves_zero_codes_and_dependent_atoms_alone():
    D = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [0.0, 2.0]])
    assert debias([[3.0, 4.0]], D, np.zeros((1, 4))).tolist() == [[0.0] * 4]
    assert debias([[3.0, 4.0]], D, np.ones((1, 4))).tolist() == [[3.0, 0.0, 0.0, 2.0]]


def test_the_gap_is_that_of_the_oracle():
    X, D = planted()
    result = solve_fista(X, D, ElasticNet(0.3, 0.7), max_iter=7)
    half = 0.5 * np.square(X).sum(axis=1)
    np.testing.assert_allclose(result.certificate * half, duality_gap(X, D, result.codes, ElasticNet(0.3, 0.7)))
