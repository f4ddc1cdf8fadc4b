"""LISTA: forward pass, gradients, what training keeps, certificates."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone

from sparsecode import SparseCoder, load
from sparsecode.coding import LISTA
from sparsecode.coding._unrolled import Layers, backward, forward, relative_error, run_layers, train
from sparsecode.penalties import L1, ElasticNet, WeightedL1
from sparsecode.solvers import duality_gap, objective, solve

from ..reference.learning import ista_layers

pytestmark = pytest.mark.nojit


def network(rng, *, positive=False, n_layers=3, K=9, F=6):
    D, U = rng.normal(size=(K, F)), 0.2 * rng.normal(size=(F, K))
    return Layers(D, U, 0.8 * rng.random((n_layers, K)), positive)


@pytest.mark.parametrize("positive", [False, True])
def test_layers_equal_their_naive_twin(positive, rng):
    layers, X = network(rng, positive=positive), rng.normal(size=(300, 6))
    X[5] = 0
    expected = ista_layers(X, layers.D, layers.U, layers.theta, positive)
    assert 0.1 < np.mean(expected != 0) < 0.9
    np.testing.assert_allclose(forward(layers, X)[1][-1], expected, atol=1e-12)
    for n_jobs in (1, 2):
        np.testing.assert_allclose(run_layers(layers, X, n_jobs), expected, atol=1e-12)
    single = run_layers(layers.astype(np.float32), X.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, atol=1e-5)


@pytest.mark.parametrize("positive", [False, True])
def test_gradients_are_those_of_finite_differences(positive, rng):
    layers, X = network(rng, positive=positive), rng.normal(size=(20, 6))
    goal = rng.normal(size=(20, 9))
    residuals, codes = forward(layers, X)
    gradients = backward(layers, residuals, codes, codes[-1] - goal)
    for array, gradient in zip((layers.U, layers.theta), gradients, strict=True):
        for _ in range(3):
            direction, start, h = rng.normal(size=array.shape), array.copy(), 1e-6
            losses, supports = [], []
            for sign in (1, -1):
                array[...] = start + sign * h * direction
                outputs = forward(layers, X)[1]
                losses.append(0.5 * np.square(outputs[-1] - goal).sum())
                supports.append([output != 0 for output in outputs])
            array[...] = start
            assert np.array_equal(*supports), "supports change: another seed"
            # Rounding of differences: up to 1e-8 was seen
            assert (losses[0] - losses[1]) / (2 * h) == pytest.approx((gradient * direction).sum(), abs=1e-6)


@pytest.mark.parametrize("penalty", [L1(0.4), L1(0.4, positive=True), WeightedL1(0.4, np.linspace(0.5, 2, 12))])
def test_before_training_layers_are_ista(penalty, rng):
    D, X = rng.normal(size=(12, 8)), rng.normal(size=(30, 8))
    step = 1 / np.linalg.norm(D, 2) ** 2
    entry = penalty.bind(np.ones(12), np.float64).entry
    for n_layers in (1, 5, 300):
        layers = Layers.of_ista(D, entry, step, n_layers, positive=penalty.positive)
        W = np.zeros((30, 12))
        for _ in range(n_layers):
            W = penalty.prox(W + step * (X - W @ D) @ D.T, step=step)
        np.testing.assert_allclose(run_layers(layers, X), W, atol=1e-12)
    exact = solve(X, D, penalty, tol=1e-12).codes
    np.testing.assert_allclose(objective(X, D, W, penalty), objective(X, D, exact, penalty), rtol=1e-2)


def test_training_keeps_the_best_layers(rng):
    D, X = rng.normal(size=(12, 8)), rng.normal(size=(200, 8))
    codes = csr_array(solve(X, D, L1(0.5)).codes)
    layers = Layers.of_ista(D, np.full(12, 0.5), 1 / np.linalg.norm(D, 2) ** 2, 3, positive=False)
    before = [layers.U.copy(), layers.theta.copy()]
    options = {"batch_size": 50, "rng": np.random.default_rng(0)}
    data = X[:150], codes[:150], (X[150:], codes[150:])
    best, error, first, records = train(layers, *data, epochs=20, learning_rate=0.02, **options)
    np.testing.assert_array_equal(layers.U, before[0])
    np.testing.assert_array_equal(layers.theta, before[1])
    assert error == min([first, *(record.error for record in records)]) < 0.7 * first
    assert relative_error(best, *data[2])[0] == error
    assert best.theta.min() >= 0
    best, error, first, _ = train(layers, *data, epochs=1, learning_rate=1e3, **options)
    assert best is layers
    assert error == first


@pytest.fixture
def coder(rng):
    D = rng.normal(size=(20, 12))
    return SparseCoder(dictionary=D / np.linalg.norm(D, axis=1, keepdims=True), alpha=0.8)


def test_certificate_bounds_the_excess(coder, rng):
    X = rng.normal(size=(400, 12))
    X[7] = 0
    lista = LISTA(coder, n_layers=4, max_iter=10, random_state=0).fit(X)
    codes, penalty = lista.transform(X), lista.encoder_.penalty_
    half = 0.5 * np.square(X).sum(axis=1)
    assert lista.certificate(X)[7] == 0
    rows = half > 0
    gap = duality_gap(X, lista.components_, codes, penalty)
    np.testing.assert_allclose(lista.certificate(X)[rows], (gap / np.where(rows, half, 1))[rows], rtol=1e-9)
    exact = coder.fit(X).transform(X)
    excess = objective(X, lista.components_, codes, penalty) - objective(X, lista.components_, exact, penalty)
    assert (excess[rows] <= (lista.certificate(X) * half)[rows] + 1e-9).all()
    assert (excess > 1e-4).any()
    far = np.ldexp(X, np.resize([0, 560, -560], len(X))[:, None])  # whose squares leave the range of float64
    shares = lista.certificate(far)
    assert np.isfinite(shares).all()
    np.testing.assert_allclose(shares[::3], lista.certificate(X)[::3], rtol=1e-9)
    assert (shares[1::3] < 1).all()  # as ISTA with no threshold


def test_fitted_attributes(coder, rng):
    X = rng.normal(size=(300, 12))
    lista = LISTA(coder, n_layers=3, max_iter=5, random_state=0).fit(X)
    assert lista.layer_weights_.shape == (12, 20)
    assert lista.thresholds_.shape == (3, 20)
    assert lista.error_ < 0.8 * lista.ista_error_
    assert len(lista.history_) == lista.n_iter_ == 5
    expected = ista_layers(X, lista.components_, lista.layer_weights_, lista.thresholds_)
    np.testing.assert_allclose(lista.transform(X), expected, atol=1e-12)
    single = clone(lista).fit(X.astype(np.float32))
    assert single.error_ == pytest.approx(lista.error_, rel=0.05)


@pytest.mark.parametrize("exponent", [-700, 700])
def test_data_of_any_size(rng, exponent, tmp_path):
    X = rng.normal(size=(100, 12))
    lista = LISTA(SparseCoder(20, alpha=0.5, alpha_scale="max", max_iter=3), max_iter=5, random_state=0)
    codes = clone(lista).fit(X).transform(X)
    lista.fit(np.ldexp(X, exponent))
    found = lista.transform(np.ldexp(X, exponent))
    np.testing.assert_allclose(np.ldexp(found, -exponent), codes, atol=1e-6)
    assert lista.certificate(np.ldexp(X, exponent)).max() < 1
    lista.save(tmp_path / "lista.npz")
    np.testing.assert_array_equal(load(tmp_path / "lista.npz").transform(np.ldexp(X, exponent)), found)


def test_degenerate_rows_and_atoms(rng):
    D = rng.normal(size=(6, 4))
    D[1], D[2] = D[0], 0
    coder = SparseCoder(dictionary=D, alpha=0.1)
    for X in (np.zeros((5, 4)), rng.normal(size=(1, 4)), rng.normal(size=(2, 4))):
        lista = LISTA(coder, n_layers=2, max_iter=2, random_state=0).fit(X)
        assert np.isfinite(lista.transform(X)).all()
        assert np.isfinite(lista.error_)
    lista.fit(rng.normal(size=(50, 4)).astype(np.float32))
    with pytest.raises(ValueError, match="codes of 1 rows overflow float32, first in row 1"):
        lista.transform(np.array([[1, 1, 1, 1], [3e38, 3e38, -3e38, 3e38]], np.float32) * np.float32(1.1))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"penalty": "cel0"}, "layers are iterations for 'l1' and 'weighted-l1'"),
        ({"penalty": ElasticNet(1.0)}, "layers are iterations"),
        ({"fit_dc": True}, "fit_dc=True"),
        ({"debias": True}, "debias=True"),
        ({"max_iter": 0}, "'max_iter' parameter of SparseCoder"),
    ],
)
def test_encoders_that_cannot_be_had(params, message, rng):
    with pytest.raises(ValueError, match=message):
        LISTA(SparseCoder(**params)).fit(rng.normal(size=(20, 4)))
