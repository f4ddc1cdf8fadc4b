"""Networks on streams: their outputs, errors, counts, and what is refused."""

import tracemalloc

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sparsecode import load
from sparsecode.temporal import Activation, Conv2D, DeltaNetwork, Dense, Flatten, Pool2D, Residual

from ..reference.layers import delta_outputs, quantized_outputs
from .networks import dense_layers, image_layers, stream

#: Largest difference to dense outputs over the largest output: 7e-7 and 1.4e-15 at most, seeds 0 to 4.
CLOSE = {np.float32: 2e-6, np.float64: 1e-14}


@pytest.mark.nojit
@pytest.mark.parametrize("kind", ["dense", "same", "valid", "strided"])
def test_without_threshold_outputs_are_those_of_the_network(kind, dtype):
    if kind == "dense":
        layers, shape = [*dense_layers((17, 30, 9)), Residual(dense_layers((9, 4, 9)))], (17,)
    else:
        options = {"same": {}, "valid": {"padding": 0, "kernel": (2, 4)}, "strided": {"stride": 2, "padding": 1}}[kind]
        layers, shape = image_layers(**options), (9, 8, 2)
    for share in (0.02, 0.3, 1.0):
        X = stream(6, shape, share=share, dtype=dtype)
        network = DeltaNetwork(layers, refresh_every=None, input_shape=shape).fit(X)
        expected = network.dense(X)
        assert expected.dtype == dtype
        assert np.abs(network.transform(X) - expected).max() <= CLOSE[dtype] * np.abs(expected).max()


@pytest.mark.parametrize(
    ("kernel", "maps", "options"),
    [
        ((4, 5), 6, {"stride": 2, "padding": 2}),
        ((4, 5), 6, {"stride": 3, "padding": 2}),
        ((3, 3), 1, {}),
        ((3, 3), 32, {}),
        ((5, 3), 64, {"padding": 0}),
        ((1, 1), 70, {"padding": 0}),
        ((2, 3), 130, {"stride": 2, "padding": 3}),
        ((3, 2), 10, {"stride": 4, "padding": 4}),
    ],
)
def test_convolutions_of_many_shapes(kernel, maps, options, dtype):
    """Blocks of sums that are full and not, that see borders and nothing, of several pixels and of a part of the maps.

    Largest difference over the largest output 5e-7 and 9e-16, five seeds.
    """
    rng = np.random.default_rng(1)
    layer = Conv2D(rng.normal(size=(*kernel, 3, maps)), rng.normal(size=maps), **options)
    for share in (0.01, 0.2, 0.9):  # of these the last is computed anew
        X = stream(8, (11, 17, 3), share=share, dtype=dtype)
        network = DeltaNetwork([layer], refresh_every=None, input_shape=(11, 17, 3)).fit(X)
        expected = network.dense(X)
        assert np.abs(network.transform(X) - expected).max() <= CLOSE[dtype] * np.abs(expected).max()


def test_a_residual_may_have_no_weights():
    layers, X = [Residual([Activation("relu")]), *dense_layers((12, 5))], stream(10, (12,))
    expected = (X + np.maximum(X, 0)) @ layers[1].weights + layers[1].bias
    np.testing.assert_allclose(DeltaNetwork(layers).fit(X).transform(X), expected, atol=1e-12)


def test_thresholds_act_layer_by_layer():
    layers, X = dense_layers((12, 20, 15, 5)), stream(60, (12,))
    thresholds = (0.3, 0.2, 0.5)
    network = DeltaNetwork(layers, threshold=thresholds, scale="absolute").fit(X)
    weights, bias = [layer.weights for layer in layers[::2]], [layer.bias for layer in layers[::2]]
    expected, sent = delta_outputs(X, weights, bias, thresholds)
    np.testing.assert_allclose(network.transform(X), expected, atol=1e-12)
    counts = network.ops_report(X)
    np.testing.assert_allclose(counts["density"], sent[1:].mean(axis=0) / [12, 20, 15])
    np.testing.assert_allclose(counts["delta"], sent[1:].mean(axis=0) * [20, 15, 5])
    np.testing.assert_allclose(counts["first"], sent[0] * [20, 15, 5])
    np.testing.assert_array_equal(counts["dense"], [12 * 20, 20 * 15, 15 * 5])


def test_errors_obey_their_bound():
    """E_(l+1) <= ||W_l|| (E_l + t_l), with largest sums of |weights|."""
    layers, X = dense_layers((12, 20, 15, 5)), stream(500, (12,), share=0.5)
    network = DeltaNetwork(layers, threshold=(0.3, 0.2, 0.1), scale="absolute").fit(X)
    bound = 0.0
    for layer, threshold in zip(layers[::2], (0.3, 0.2, 0.1), strict=True):
        bound = np.abs(layer.weights).sum(axis=0).max() * (bound + threshold)
    error = np.abs(network.transform(X) - network.dense(X)).max()
    assert 0.005 * bound < error <= bound  # 0.0097 to 0.0128 of it for five streams


def test_thresholds_in_standard_deviations_of_inputs():
    layers, X = dense_layers((12, 20, 5)), stream(100, (12,))
    network = DeltaNetwork(layers, threshold=(0.5, 0.25)).fit(X)
    hidden = np.maximum(X @ layers[0].weights + layers[0].bias, 0)
    np.testing.assert_allclose(network.threshold_, [0.5 * X.std(), 0.25 * hidden.std()])


@pytest.mark.slow
def test_rounding_does_not_add_up():
    """float32 over 10^5 rows: relative error 2.4e-6 with refreshing every 1000 rows, 7e-6 to 1.3e-5 without."""
    X = stream(100_000, (32,), share=0.1, dtype=np.float32)
    X = (X - 2 * np.floor(X / 2)).astype(np.float32)  # folded, so that numbers stay small
    for every, most in ((1000, 5e-6), (None, 3e-5)):
        network = DeltaNetwork(dense_layers((32, 16)), refresh_every=every).fit(X[:10])
        expected = network.dense(X)
        assert np.abs(network.transform(X) - expected).max() < most * np.abs(expected).max()


def test_large_inputs_leave_no_rounding_behind(dtype):
    """A saturated frame among others: 4e-2 with float32 without computing sums anew."""
    X = np.random.default_rng(0).random((60, 12)).astype(dtype)
    X[30] = 65535
    X[40, 3] = 1e6
    for layers, shape in ((dense_layers((12, 20, 5)), None), (image_layers()[:1], (3, 2, 2))):
        network = DeltaNetwork(layers, refresh_every=None, input_shape=shape).fit(X)
        error = np.abs(network.transform(X) - network.dense(X)).max(axis=1)
        scale = np.abs(network.dense(X)).max(axis=1)
        assert (error <= 30 * CLOSE[dtype] * scale).all()


def test_sums_that_overflow_are_an_error():
    X, huge = stream(20, (12,), dtype=np.float32), np.full((1, 12), 8e37, np.float32)
    network = DeltaNetwork([Dense(np.full((12, 2), 5.0))]).fit(X)
    _, state = network.step(X[0], network.initial_state())
    kept = [part.copy() for part in state]
    for call in (network.transform, network.dense, lambda rows: network.step(rows[0], state)):
        with pytest.raises(ValueError, match="overflow float32"), np.errstate(all="ignore"):
            call(huge)
    for part, before in zip(state, kept, strict=True):
        np.testing.assert_array_equal(part, before)
    with pytest.raises(ValueError, match=r"weights up to 1.0e\+200, beyond float32"):
        DeltaNetwork([Dense(np.full((12, 2), 1e200))]).fit(X)


def test_hidden_sums_that_overflow_are_an_error():
    """Behind a rectifier nothing shows, but sums of infinity stay."""
    X = np.array([[0, 1e36], [-8e36, 1e36], [0, 1e36]], np.float32)
    network = DeltaNetwork([Dense([[1e3], [1.0]]), Activation("relu"), Dense([[1.0]])]).fit(X[:1])
    _, state = network.step(X[0], network.initial_state())
    calls = network.transform, network.fit, lambda X: list(network.stream(X)), lambda X: network.step(X[1], state)
    for call in calls:
        with pytest.raises(ValueError, match="layers overflow float32, first for row [01]"):
            call(X)
    np.testing.assert_allclose(network.transform(X.astype(np.float64)).ravel(), [1e36, 0, 1e36], rtol=1e-6)


def test_sums_are_computed_anew_when_it_is_time():
    X = stream(50, (12,))
    network = DeltaNetwork(dense_layers((12, 6)), refresh_every=7).fit(X)
    state = network.initial_state()
    for row, x in enumerate(X[:21]):
        spoilt = state._replace(sums=state.sums + (row == 10))
        out, state = network.step(x, spoilt if row == 10 else state)
        wrong = 10 <= row < 14
        assert np.allclose(out, network.dense(x[None])[0]) != wrong


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
def test_networks_of_scikit_learn(activation):
    X, y = load_digits(return_X_y=True)
    X = X / 16
    options = {"hidden_layer_sizes": (20, 15), "activation": activation, "tol": 1.0, "random_state": 0}
    classifier = MLPClassifier(**options).fit(X[:300], y[:300])
    network = DeltaNetwork.from_sklearn(classifier, X[:300])
    np.testing.assert_allclose(network.transform(X[:50]), classifier.predict_proba(X[:50]), atol=1e-12)
    two = MLPClassifier(**options).fit(X[:300], y[:300] > 4)
    outputs = DeltaNetwork.from_sklearn(two, X[:300]).transform(X[:50])
    np.testing.assert_allclose(outputs[:, 0], two.predict_proba(X[:50])[:, 1], atol=1e-12)
    regressor = MLPRegressor(**options).fit(X[:300], np.c_[y, -y][:300])
    outputs = DeltaNetwork.from_sklearn(regressor, X[:300]).transform(X[:50])
    np.testing.assert_allclose(outputs, regressor.predict(X[:50]), atol=1e-12)
    with pytest.raises(ValueError, match="a fitted MLPClassifier or MLPRegressor"):
        DeltaNetwork.from_sklearn(MLPClassifier(), X)
    regressor.out_activation_ = "poisson"
    with pytest.raises(ValueError, match="output activation 'poisson' is not one of"):
        DeltaNetwork.from_sklearn(regressor, X)


@pytest.mark.nojit
def test_quantized_inputs():
    layers, X = dense_layers((12, 20, 15, 5)), stream(60, (12,), share=0.8)
    thresholds = (0.3, 0.2, 0.5)
    network = DeltaNetwork(layers, threshold=thresholds, scale="absolute", scheme="quantizer").fit(X)
    weights, bias = [layer.weights for layer in layers[::2]], [layer.bias for layer in layers[::2]]
    expected, sent = quantized_outputs(X, weights, bias, 2 * np.array(thresholds))
    outputs = network.transform(X)
    np.testing.assert_allclose(outputs, expected, atol=1e-12)
    np.testing.assert_allclose(network.transform(X[40:]), expected[40:], atol=1e-12)  # whatever was before
    counts = network.ops_report(X)
    np.testing.assert_allclose(counts["delta"], sent[1:].mean(axis=0) * [20, 15, 5])
    np.testing.assert_allclose(counts["first"], sent[0] * [20, 15, 5])
    np.testing.assert_allclose(np.square(outputs - network.dense(X)).sum() / 120, network.history_["objective"])
    exact = DeltaNetwork(layers, scheme="quantizer").fit(X)
    np.testing.assert_allclose(exact.transform(X), exact.dense(X), atol=1e-12)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("threshold", "precision"), [(3e38, np.float32), (1e300, np.float32), (1e300, np.float64), (1.5e308, np.float64)]
)
def test_inputs_within_enormous_steps_are_zeros(threshold, precision):
    layers, X = dense_layers((12, 20, 5)), stream(10, (12,), share=0.8, dtype=precision)
    network = DeltaNetwork(layers, threshold=threshold, scale="absolute", scheme="quantizer").fit(X)
    expected = np.tile(layers[-1].bias.astype(precision), (10, 1))
    np.testing.assert_array_equal(network.transform(X), expected)
    np.testing.assert_array_equal(list(network.stream(X)), expected)


def test_windows_of_all_rows_are_never_there_at_once():
    """16 MB for those of 60 images; 5.6 MB at most are taken, 2.1 MB of them for outputs."""
    shape, rng = (32, 32, 1), np.random.default_rng(0)
    layers = [Conv2D(rng.normal(size=(6, 6, 1, 1)), padding=2), Pool2D(4), Flatten(), Dense(rng.normal(size=(49, 2)))]
    X = stream(60, shape, share=0.05)
    network = DeltaNetwork(layers, threshold=0.1, input_shape=shape).fit(X[:2])
    network.ops_report(X[:2])  # what it imports takes memory, too
    for call in (network.fit, network.dense, network.ops_report, lambda X: network.calibrate(X, max_loss=0.1)):
        tracemalloc.start()
        call(X)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 8e6


def test_files_hold_layers(tmp_path):
    X = stream(20, (9, 8, 2), dtype=np.float32)
    network = DeltaNetwork(image_layers(), threshold=0.2, input_shape=(9, 8, 2)).fit(X)
    network.save(tmp_path / "network.npz")
    again = load(tmp_path / "network.npz")
    assert again.layers == network.layers
    np.testing.assert_array_equal(again.transform(X), network.transform(X))


@pytest.mark.parametrize(
    ("layers", "params", "reason"),
    [
        ([], {}, "one at least"),
        ([Activation("relu")], {}, "must have a Dense or Conv2D"),
        ([Dense(np.ones((11, 3)))], {}, "takes 11 inputs"),
        ([Conv2D(np.ones((3, 3, 1, 2)))], {}, "takes images"),
        ([Dense(np.ones((12, 3)))], {"threshold": -0.1}, "threshold"),
        ([Dense(np.ones((12, 3)))], {"threshold": [0.1, 0.2]}, "or 1 of them"),
        ([Dense(np.ones((12, 3)))], {"threshold": [np.nan]}, "must be a number >= 0"),
        ([Dense(np.ones((12, 3)))], {"refresh_every": 0}, "refresh_every"),
    ],
)
def test_parameters_that_do_not_fit(layers, params, reason):
    with pytest.raises(ValueError, match=reason):
        DeltaNetwork(layers, **params).fit(stream(5, (12,)))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 2e38])
def test_what_is_out_of_range_is_refused_wherever_it_is(wrong):
    """By kernels, behind a rectifier that would hide it, and behind thresholds that are larger."""
    X = np.zeros((5, 70), np.float32)
    for column in (0, 69):
        bad = X.copy()
        bad[3, column] = wrong
        for layers in (dense_layers((70, 3)), [Activation("relu"), *dense_layers((70, 3))]):
            for threshold in (0.0, 1e300):
                network = DeltaNetwork(layers, threshold=threshold, scale="absolute").fit(X)
                for call in (network.transform, network.fit, lambda X, n=network: list(n.stream(X))):
                    with pytest.raises(ValueError, match="70 finite numbers|NaN|infinity|scale X"):
                        call(bad)
