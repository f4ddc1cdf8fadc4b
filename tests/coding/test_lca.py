"""`LCA`: potentials in time, equilibria, streams, and what is refused."""

import re
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from sparsecode import Dictionary, SparseCoder
from sparsecode.coding import LCA
from sparsecode.penalties import L0, L1
from sparsecode.solvers import objective

from ..contracts.solvers import planted
from ..reference.circuits import lca

SHAPES = {
    "soft": {},
    "hard": {"hard": True},
    "soft graded": {"steepness": 8.0},
    "hard graded": {"hard": True, "steepness": 20.0},
    "hard annealed": {"hard": True, "cooling": 0.9},
    "soft positive": {"positive": True},
    "hard graded positive": {"hard": True, "steepness": 5.0, "positive": True},
}


def circuit(D, *, hard=False, cooling=None, **options):
    return LCA(D, alpha=0.2, threshold="hard" if hard else "soft", anneal=cooling, **options)


@pytest.mark.nojit
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_trajectory_is_that_of_the_naive_twin(shape, dtype):
    X, D = (A.astype(dtype) for A in planted(n=3, K=10, F=8))
    norms = np.linalg.norm(D.astype(float), axis=1)
    levels = np.full(10, np.sqrt(0.4)) if shape.get("hard") else 0.2 / norms
    net = circuit(D, dt=0.05, duration=2.0, **shape).fit(X)
    codes = net.transform(X)
    assert codes.dtype == dtype
    close = {"rtol": 0, "atol": 2e-5 if dtype == np.float32 else 1e-12}
    for x, w in zip(X, codes, strict=True):
        u, a = lca(x.astype(float), D / norms[:, None], levels, 0.05, 40, **shape)
        path = net.trajectory(x)
        np.testing.assert_allclose(path.time, 0.05 * np.arange(41), rtol=1e-6)
        np.testing.assert_allclose(path.potentials, u, **close)
        np.testing.assert_allclose(path.codes, a / norms, **close)
        assert np.array_equal(path.codes[-1], w)
        pen = L0(0.2) if shape.get("hard") else L1(0.2)
        np.testing.assert_allclose(path.objective, objective(np.repeat(x[None], 41, 0), D, path.codes, pen))


@pytest.mark.parametrize("positive", [False, True])
def test_warns_of_thresholds_that_still_fall(patches, positive, dtype):
    X = patches[:100].astype(dtype)
    net = LCA(patches[1000:1150], alpha=0.2, threshold="hard", positive=positive, anneal=0.99, duration=1.0).fit(X)
    with pytest.warns(ConvergenceWarning, match=r"of \d+ of 100 rows were still falling") as told:
        net.transform(X)
    assert len(told) == 1
    needed = float(re.search(r"`duration` to more than (\S+),", str(told[0].message))[1])
    hottest = float(re.search(r"at up to (\S+) times", str(told[0].message))[1])
    C = X @ (net.components_ / np.linalg.norm(net.components_, axis=1, keepdims=True)).T
    first = 0.5 * (C if positive else np.abs(C)).max(axis=1) / np.sqrt(0.4)
    assert hottest == pytest.approx(first.max() * 0.99 ** np.ceil(1 / net.dt_), rel=1e-2)  # it is rounded
    assert f"of {(first * 0.99 ** np.ceil(1 / net.dt_) > 1).sum()} of" in str(told[0].message)
    strongest = X[first.argmax()]
    with pytest.warns(ConvergenceWarning, match="of 1 of 1 rows"):
        net.set_params(duration=0.97 * needed).trajectory(strongest)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.set_params(duration=1.03 * needed).transform(X)
        net.trajectory(strongest)


@pytest.mark.parametrize("threshold", ["soft", "hard"])
def test_a_long_presentation_ends_at_the_codes_of_the_solver(patches, threshold):
    X = patches[:50]
    net = LCA(patches[1000:1150], alpha=0.3, threshold=threshold, duration=2000.0).fit(X)
    codes = net.transform(X)
    penalty = net.penalty_
    assert penalty == (L1(0.3) if threshold == "soft" else L0(0.3))
    found = objective(X, net.components_, codes, penalty)
    if threshold == "soft":
        best = objective(X, net.components_, net.coder_.transform(X), penalty)
        assert (found / best - 1).max() < 1e-6
    else:  # at rest: no correlation of active atoms is left, none of the others exceeds the level
        norms = np.linalg.norm(net.components_, axis=1)
        left = np.abs((X - codes @ net.components_) @ net.components_.T) / norms
        at_rest = (np.where(codes != 0, left, 0) < 1e-6).all(axis=1)
        assert at_rest.mean() > 0.9
        assert (left * (codes == 0))[at_rest].max() <= np.sqrt(0.6) * (1 + 1e-9)


def test_annealed_hard_thresholds_find_better_codes(patches):
    """Pooled over 200 patches."""
    for seed in range(3):
        atoms = np.random.default_rng(seed).choice(patches[5000:], 200, replace=False)
        net = LCA(atoms, alpha=0.03, threshold="hard", duration=100.0).fit(patches[:200])
        found = []
        for anneal in (None, 0.99):
            codes = net.set_params(anneal=anneal).transform(patches[:200])
            found.append(objective(patches[:200], net.components_, codes, net.penalty_).sum())
        assert found[1] < 0.998 * found[0]  # over seeds 0 to 4 0.975 to 0.995


@pytest.mark.nojit
def test_potentials_carry_on_in_a_stream():
    X, D = planted(n=6, K=8, F=6)
    net = LCA(D, alpha=0.2, stream=True, duration=0.5, dt=0.1).fit(X)
    norms = np.linalg.norm(D, axis=1)
    u, expected = np.zeros(8), []
    for x in X:
        path, codes = lca(x, D / norms[:, None], 0.2 / norms, 0.1, 5, u=u)
        u = path[-1]
        expected.append(codes[-1] / norms)
    np.testing.assert_allclose(net.transform(X), expected, atol=1e-12)
    same = LCA(D, alpha=0.2, stream=True, duration=60.0).fit(X).transform(np.repeat(X[:1], 3, axis=0))
    rest = LCA(D, alpha=0.2, duration=180.0).fit(X).transform(X[:1])
    np.testing.assert_allclose(same[-1:], rest, atol=1e-6)


def test_graded_thresholds_approach_the_others(patches):
    X = patches[1:2]
    for threshold in ("soft", "hard"):
        net = LCA(patches[1000:1100], alpha=0.01, threshold=threshold, duration=3.0).fit(X)
        ideal, distances = net.trajectory(X[0]), []
        assert ideal.codes.any()
        for steepness in (10.0, 100.0, 1e6):
            graded = net.set_params(steepness=steepness).trajectory(X[0])
            distances.append(np.abs(graded.potentials - ideal.potentials).max())
        assert distances[0] > distances[1] > distances[2]
        assert distances[2] < 1e-3 * distances[0]


def test_atoms_are_learned_with_the_penalty_of_the_threshold(patches):
    for threshold, penalty in (("soft", "l1"), ("hard", "l0")):
        net = LCA(n_components=20, threshold=threshold, input_shape=(12, 12), random_state=0).fit(patches[:500])
        coder = SparseCoder(20, penalty=penalty, input_shape=(12, 12), random_state=0).fit(patches[:500])
        assert np.array_equal(net.components_, coder.components_)
        assert net.penalty_ == coder.penalty_
        assert net.dictionary_.atom_shape == (12, 12)
    inhibition = net.inhibition_
    np.testing.assert_allclose(inhibition + np.eye(20), net.components_ @ net.components_.T, atol=1e-12)


@pytest.mark.nojit
def test_degenerate_atoms_and_rows():
    D = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 0.0], [0.0, 0.5]])
    net = LCA(D, alpha=0.1, duration=60.0).fit([[1.0, 2.0]])
    codes = net.transform([[0.0, 0.0], [1.0, 2.0]])
    assert not codes[0].any()
    np.testing.assert_allclose(codes[1], [0, 0.2375, 0.2375, 3.6], atol=1e-6)
    np.testing.assert_allclose(net.transform([[1e-200, 0.0], [1e3, 0.0]])[:, 0], 0)


def test_overflow_is_an_error():
    net = LCA([[1.0, 1.0]], alpha=0.1).fit([[1.0, 2.0]])
    with pytest.raises(ValueError, match="codes of 1 rows overflow float64, first in row 1"):
        net.transform([[1.0, 2.0], [1.7e308, 1.7e308]])


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"dt": 1.3}, r"`dt` must be below 2 / L = 1.23[78] for these atoms, got 1.3"),
        ({"anneal": 0.9, "stream": True}, "`anneal` starts anew with each sample"),
        ({"anneal": 1.0}, "'anneal' parameter of LCA must be"),
        ({"threshold": "firm"}, "'threshold' parameter of LCA must be"),
        ({"duration": 0.0}, "'duration' parameter of LCA must be"),
    ],
    ids=str,
)
def test_bad_parameters(params, message):
    atoms = Dictionary([[1.0, 0.0], [0.6, 0.8]])
    with pytest.raises(ValueError, match=message):
        LCA(atoms, alpha=0.1, **params).fit([[1.0, 2.0]])
    fitted = LCA(atoms, alpha=0.1).fit([[1.0, 2.0]]).set_params(**params)
    with pytest.raises(ValueError, match=message):
        fitted.transform([[1.0, 2.0]])


@pytest.mark.nojit
def test_groups_and_samples_are_checked():
    net = LCA([[1.0, 0.0]], alpha=0.1).fit([[1.0, 2.0]])
    for call in (net.fit, net.transform):
        with pytest.raises(ValueError, match="`groups` are sequences of a stream"):
            call([[1.0, 2.0]], groups=[0])
    for wrong in ([1.0], [[1.0, 2.0]], [np.nan, 1.0]):
        with pytest.raises(ValueError, match="x must be 2 finite numbers"):
            net.trajectory(wrong)


@pytest.mark.nojit
@pytest.mark.parametrize("potentials", [np.zeros(200_000), np.zeros(3), np.full(8, np.nan), np.zeros((2, 8)), 0.0])
def test_a_state_of_another_circuit_is_refused(rng, potentials):
    circuit = LCA(rng.normal(size=(8, 6)), alpha=0.5, stream=True).fit(rng.normal(size=(5, 6)))
    state = circuit.initial_state()._replace(potentials=potentials)
    with pytest.raises(ValueError, match=r"must hold 8 finite potentials.*initial_state"):
        circuit.step(np.ones(6), state)


@pytest.mark.nojit
@pytest.mark.parametrize("change", [{"threshold": "hard"}, {"positive": True}])
def test_choices_that_decide_the_weight_wait_for_fit(rng, change):
    X = rng.normal(size=(5, 6))
    circuit = LCA(rng.normal(size=(8, 6)), alpha=0.5).fit(X).set_params(**change)
    with pytest.raises(ValueError, match="changed since fit"):
        circuit.transform(X)
