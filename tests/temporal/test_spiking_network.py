"""`SpikingNetwork`: values and counts against loops, rates and rounding, networks of scikit-learn, bad input."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sparsecode import load
from sparsecode.temporal import Activation, Conv2D, Dense, Flatten, Pool2D, SpikingNetwork

from ..reference.spiking import spiking_outputs


def trained(network, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return network.fit(X, y)


def some_network(rng, sizes=(6, 9, 7, 3)):
    weights = [rng.normal(size=pair) for pair in pairwise(sizes)]
    bias = [0.3 * rng.normal(size=n) for n in sizes[1:]]
    layers = [part for W, b in zip(weights, bias, strict=True) for part in (Dense(W, b), Activation("relu"))]
    return weights, bias, layers[:-1]


@pytest.mark.nojit
@pytest.mark.parametrize("tau", [None, 3.0])
@pytest.mark.parametrize("initial", ["half", "rest"])
def test_outputs_and_counts_are_those_of_loops(tau, initial, rng):
    weights, bias, layers = some_network(rng)
    X = rng.normal(size=(5, 6))
    network = SpikingNetwork(layers, n_steps=7, tau=tau, initial=initial, percentile=90).fit(X)
    options = {"n_steps": 7, "kept": 1.0 if tau is None else np.exp(-1 / tau), "begin": 0.5 * (initial == "half")}
    found = [spiking_outputs(x, weights, bias, network.threshold_, **options) for x in X]
    np.testing.assert_allclose(network.transform(X), [out for out, _ in found], rtol=1e-10)
    counts = network.ops_report(X)
    np.testing.assert_array_equal(counts["dense"], [54, 63, 21])
    n_spikes = [sum(spikes[layer].sum() for _, spikes in found) / len(X) for layer in (0, 1)]
    np.testing.assert_allclose(counts["spikes"], [0, *n_spikes])
    np.testing.assert_allclose(counts["events"], [54, 7 * n_spikes[0], 3 * n_spikes[1]])
    A, active = X, []
    for W, b in zip(weights, bias, strict=True):
        active.append(np.count_nonzero(A) * W.shape[1] / len(X))
        A = np.maximum(A @ W + b, 0)
    np.testing.assert_allclose(counts["zero_skip"], active)
    assert counts.attrs["saving"] == pytest.approx(138 / counts["events"].sum().item())
    np.testing.assert_allclose(network.history_["sparsity"], sum(n_spikes) / (7 * 16))


@pytest.mark.nojit
def test_thresholds_are_percentiles_of_activations(rng):
    weights, bias, layers = some_network(rng)
    X = rng.normal(size=(50, 6))
    first = np.maximum(X @ weights[0] + bias[0], 0)
    second = np.maximum(first @ weights[1] + bias[1], 0)
    expected = [np.percentile(A, 95) for A in (first, second)]
    network = SpikingNetwork(layers, percentile=95).fit(X)
    np.testing.assert_allclose(network.threshold_, expected)
    given = SpikingNetwork(layers, threshold=expected).fit(X)
    np.testing.assert_allclose(given.transform(X), network.transform(X), rtol=1e-9)
    np.testing.assert_array_equal(SpikingNetwork(layers, threshold=2).fit(X).threshold_, [2, 2])
    silent = SpikingNetwork([Dense(-np.eye(6)), Activation("relu"), Dense(np.eye(6))]).fit(np.abs(X))
    assert silent.threshold_.tolist() == [1]
    assert not silent.transform(np.abs(X)).any()


@pytest.mark.nojit
@pytest.mark.parametrize("n_steps", [1, 4, 50])
def test_rates_are_activations_in_steps(n_steps, rng):
    """One layer, from half the threshold: rounded to levels, and cut at the threshold."""
    X = rng.uniform(-0.5, 1.5, (40, 5))
    network = SpikingNetwork([Dense(np.eye(5)), Activation("relu"), Dense(np.eye(5))], threshold=1.0, n_steps=n_steps)
    rates = network.fit(X).transform(X)
    expected = np.clip(X, 0, 1)
    np.testing.assert_allclose(rates * n_steps, np.round(rates * n_steps), atol=1e-9)
    assert np.abs(rates - expected).max() <= 0.5 / n_steps + 1e-9
    floor = network.set_params(initial="rest").transform(X)
    assert (floor <= expected + 1e-9).all()
    assert np.abs(floor - expected).max() < 1 / n_steps + 1e-9


@pytest.mark.nojit
def test_images_pass_convolutions_and_pools(rng):
    """Where thresholds cut nothing, 100 times as many steps have errors of 0.006 to 0.016 times as large (4 seeds)."""
    layers = [
        Conv2D(rng.normal(size=(3, 3, 1, 4)), rng.normal(size=4)),
        Activation("relu"),
        Pool2D(2, "mean"),
        Conv2D(rng.normal(size=(3, 3, 4, 3))),
        Activation("relu"),
        Flatten(),
        Dense(rng.normal(size=(27, 2))),
    ]
    X = rng.normal(size=(4, 6, 6))
    network = SpikingNetwork(layers, n_steps=10, percentile=100, input_shape=(6, 6)).fit(X)
    errors = [
        np.abs(network.set_params(n_steps=n_steps).transform(X) - network.dense(X)).max() for n_steps in (10, 1000)
    ]
    assert errors[1] < 0.03 * errors[0]
    counts = network.set_params(n_steps=2).ops_report(X)
    assert counts["dense"][2] == 54
    assert counts["dense"][0] == 4 * (3 * 6 - 2) ** 2  # taps within the image
    assert (counts["zero_skip"] <= counts["dense"]).all()


def test_digits_of_scikit_learn():
    """Seeds 0 to 4, spikes against the network: 0, -0.7, 0.2, -0.2 and -0.4 points, mean -0.2."""
    X, y = load_digits(return_X_y=True)
    dense, spiking = [], []
    for seed in range(3):
        train, test, y_train, y_test = train_test_split(X / 16, y, test_size=0.3, random_state=seed, stratify=y)
        mlp = trained(MLPClassifier((128, 64), max_iter=60, random_state=seed), train, y_train)
        network = SpikingNetwork.from_sklearn(mlp, train)
        np.testing.assert_allclose(network.dense(test), mlp.predict_proba(test), atol=1e-12)
        dense.append(mlp.score(test, y_test))
        spiking.append(network.score(test, y_test))
        np.testing.assert_allclose(network.predict_proba(test).sum(axis=1), 1)
    assert np.mean(spiking) > np.mean(dense) - 0.005


def test_two_classes_and_numbers(rng, tmp_path):
    X = rng.normal(size=(200, 4))
    words = np.where(X[:, 0] + X[:, 1] ** 2 > 0.5, "yes", "no").astype(object)
    mlp = trained(MLPClassifier((30,), max_iter=100, random_state=0), X, words)
    network = SpikingNetwork.from_sklearn(mlp, X, n_steps=64, percentile=100)
    assert network.classes_.tolist() == ["no", "yes"]
    assert np.abs(network.predict_proba(X) - mlp.predict_proba(X)).max() < 0.1
    assert np.mean(network.predict(X) == mlp.predict(X)) > 0.95
    network.save(tmp_path / "network.npz")
    np.testing.assert_array_equal(load(tmp_path / "network.npz").predict(X), network.predict(X))
    plain = SpikingNetwork(network.layers[:-1], threshold=network.threshold_).fit(X)
    assert not hasattr(plain, "predict")
    assert not hasattr(plain, "score")
    with pytest.raises(ValueError, match="after changing them, fit again"):
        network.set_params(classes=["a", "b"]).predict(X)
    regressor = trained(MLPRegressor(hidden_layer_sizes=(30,), max_iter=100, random_state=0), X, X[:, :2])
    outputs = SpikingNetwork.from_sklearn(regressor, X, n_steps=256, percentile=100).transform(X)
    assert np.abs(outputs - regressor.predict(X)).max() < 0.1


@pytest.mark.nojit
def test_what_cannot_be_run_is_said(rng):
    X = rng.normal(size=(20, 4))
    y = np.arange(20) % 3
    for activation in ("tanh", "logistic", "identity"):
        mlp = trained(MLPClassifier((5,), activation=activation, max_iter=2, random_state=0), X, y)
        if activation != "identity":
            with pytest.raises(
                ValueError, match=f"{activation}.* has no counterpart in spikes: units must be rectified"
            ):
                SpikingNetwork.from_sklearn(mlp, X)
        else:  # linear all the way: nothing spikes
            np.testing.assert_allclose(SpikingNetwork.from_sklearn(mlp, X).transform(X), mlp.predict_proba(X))
    with pytest.raises(ValueError, match="must be a fitted MLPClassifier or MLPRegressor"):
        SpikingNetwork.from_sklearn(MLPClassifier(), X)
    several = trained(MLPClassifier((5,), max_iter=2, random_state=0), X, np.eye(3, dtype=int)[y] | 1)
    with pytest.raises(ValueError, match="several labels for each row; give its weights as `layers`"):
        SpikingNetwork.from_sklearn(several, X)
    layers = [Dense(np.eye(4)), Activation("relu"), Dense(np.eye(4))]
    for params, message in (
        ({"layers": [layers[0], Activation("relu"), Activation("relu"), layers[2]]}, "a Dense or Conv2D layer before"),
        ({"layers": [Conv2D(np.ones((1, 1, 1, 1))), Pool2D(2), Flatten()], "input_shape": (2, 2)}, "mean Pool2D"),
        ({"threshold": [1.0, 2.0]}, "`threshold` must be a number > 0, or 1 of them"),
        ({"threshold": [-1.0]}, "`threshold` must be a number > 0"),
        ({"classes": [1, 2]}, "`classes` must be 4 different labels for 4 outputs"),
        ({"layers": [*layers, Activation("logistic")], "classes": [1, 2, 3, 4]}, "need a logistic output or several"),
    ):
        with pytest.raises(ValueError, match=message):
            SpikingNetwork(**{"layers": layers} | params).fit(X)


@pytest.mark.nojit
def test_probabilities_of_scores(rng):
    X = rng.normal(size=(9, 4))
    layers = [Dense(rng.normal(size=(4, 8))), Activation("relu"), Dense(rng.normal(size=(8, 3)))]
    network = SpikingNetwork(layers, classes=["a", "b", "c"]).fit(X)
    np.testing.assert_allclose(network.predict_proba(X), softmax(network.transform(X), axis=1))
    assert network.predict(X).tolist() == network.classes_[network.transform(X).argmax(axis=1)].tolist()


def test_what_overflows_is_said(rng):
    """Such numbers would have no spikes, or all, and outputs that look well."""
    X = rng.normal(size=(9, 4))
    large = [Dense(1e200 * np.eye(4)), Activation("relu"), Dense(1e200 * np.eye(4))]
    with pytest.raises(ValueError, match="currents, outputs or thresholds of the network are not finite"):
        SpikingNetwork(large).fit(X)
    network = SpikingNetwork([Dense(rng.normal(size=(4, 4))), Activation("relu"), Dense(np.eye(4))]).fit(X)
    with pytest.raises(ValueError, match="currents, outputs or thresholds of the network are not finite"):
        network.transform(np.full((1, 4), 1.7e308))
