"""Networks on streams: their outputs, errors, counts, and what is refused."""

import itertools
import tracemalloc

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sparsecode import load
from sparsecode.temporal import (
    Activation,
    Conv2D,
    DeltaNetwork,
    Dense,
    Flatten,
    Pool2D,
    Residual,
    SpikingNetwork,
    modelled_energy,
)

from ..reference.layers import delta_outputs, quantized_outputs


def stream(n_rows, shape, *, share=0.1, seed=0, dtype=np.float64):
    """Numbers of which some change from row to row."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=(n_rows, *shape)) * (rng.random((n_rows, *shape)) < share)
    steps[0] = rng.normal(size=shape)
    return np.cumsum(steps, axis=0).reshape(n_rows, -1).astype(dtype)


def dense_layers(sizes, seed=1):
    rng = np.random.default_rng(seed)
    layers = []
    for n_in, n_out in itertools.pairwise(sizes):
        layers += [Dense(rng.normal(size=(n_in, n_out)) / np.sqrt(n_in), rng.normal(size=n_out)), Activation("relu")]
    return layers[:-1]


def image_layers(stride=1, padding="same", kernel=(3, 3), seed=1):
    rng = np.random.default_rng(seed)
    first = Conv2D(rng.normal(size=(*kernel, 2, 5)), rng.normal(size=5), stride, padding)
    inner = Residual([Conv2D(rng.normal(size=(3, 3, 5, 5)) / 7), Activation("tanh")])
    return [first, Activation("relu"), inner, Pool2D(2, "max"), Conv2D(rng.normal(size=(1, 1, 5, 3))), Flatten()]


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
        X = stream(12, shape, share=share, dtype=dtype)
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
    counts = network.count_operations(X)
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


def test_nothing_is_saved_where_nothing_was_measured():
    X = stream(5, (12,))
    network = DeltaNetwork(dense_layers((12, 5))).fit(X)
    assert np.isnan(network.count_operations(X[:1]).attrs["saving"])
    assert np.isnan(network.count_operations(X, groups=np.arange(5)).attrs["saving"])
    assert network.count_operations(np.repeat(X[:1], 3, axis=0)).attrs["saving"] == np.inf


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
    counts = network.count_operations(X)
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


def test_calibrate_meets_the_error_of_outputs():
    """Savings 3.1 to 5.3 for four streams."""
    X = stream(400, (12,), share=0.8)
    network = DeltaNetwork(dense_layers((12, 20, 5)), threshold=7.0).fit(X)
    history = network.history_.copy()
    assert network.calibration_ is None
    told = network.calibrate(X, max_loss=0.01).calibration_
    np.testing.assert_array_equal(network.history_, history)
    counts = network.count_operations(X)
    assert told.dense_score == pytest.approx(1)
    assert told.loss == pytest.approx(1 - told.score)
    assert 0.0095 < counts.attrs["error"] <= 0.01  # 0.0099 to 0.01
    assert told.saving > 2.5
    assert counts.attrs["error"] == pytest.approx(told.loss, rel=1e-6)
    products = counts["first"].sum() + 399 * counts["delta"].sum()
    assert told.saving == pytest.approx(float(400 * counts["dense"].sum() / products))
    again = DeltaNetwork(dense_layers((12, 20, 5))).fit(X).calibrate(X, max_loss=0.01)
    np.testing.assert_array_equal(again.threshold_, network.threshold_)
    assert again.fit(X).calibration_ is None


def test_calibrate_images():
    """Layers within a Residual have thresholds of their own; savings 9.7 to 12.1 for four streams."""
    X = stream(60, (9, 8, 2), share=0.5)
    network = DeltaNetwork(image_layers(), input_shape=(9, 8, 2)).fit(X).calibrate(X, max_loss=0.05)
    assert (network.threshold_ > 0).all()
    assert network.threshold_.shape == (3,)
    assert network.count_operations(X).attrs["error"] <= 0.05
    assert network.calibration_.saving > 7


@pytest.fixture(scope="module")
def digits():
    """A perceptron, films of digits that stand still with noise, and their labels."""
    digits, labels = load_digits(return_X_y=True)
    mlp = MLPClassifier((20, 15), tol=1e-2, random_state=0).fit(digits[:1000] / 16, labels[:1000])
    X = np.repeat(digits[1000:1200] / 16, 5, axis=0)
    return mlp, X + 0.02 * np.random.default_rng(0).normal(size=X.shape), np.repeat(labels[1000:1200], 5)


@pytest.mark.parametrize("scheme", ["level", "quantizer"])
def test_calibrate_keeps_labels_right(digits, scheme, tmp_path):
    """Savings 12.5 and 6.2 with labels, 7.6 and 3.8 without, which count every label that is another."""
    mlp, X, y = digits
    network, savings = DeltaNetwork.from_sklearn(mlp, X, scheme=scheme), []
    for right in (y, None):
        told = network.calibrate(X, right, max_loss=0.02).calibration_
        same = network.predict(X) == (mlp.predict(X) if right is None else y)
        assert told.score == pytest.approx(same.mean())
        assert told.dense_score == (1 if right is None else pytest.approx(mlp.score(X, y)))
        assert 0 <= told.loss <= 0.02
        savings.append(told.saving)
    assert savings[0] > 1.3 * savings[1] > 2
    network.save(tmp_path / "network.npz")
    again = load(tmp_path / "network.npz")
    assert again.calibration_ == network.calibration_
    np.testing.assert_array_equal(again.predict(X), network.predict(X))
    np.testing.assert_array_equal(again.transform(X), network.transform(X))


def test_what_cannot_be_calibrated(digits):
    mlp, X, y = digits
    network = DeltaNetwork.from_sklearn(mlp, X, threshold=0.1)
    numbers = DeltaNetwork(network.layers, threshold=0.1).fit(X)
    thresholds = network.threshold_
    for model, args, max_loss, reason in (
        (network, (X, y), 0, "`max_loss` must be a number > 0"),
        (network, (X, y), np.nan, "`max_loss` must be a number > 0"),
        (network, (X, y + 1), 0.1, "y has labels that are not among `classes`"),
        (network, (X, y[1:]), 0.1, "inconsistent numbers of samples"),
        (numbers, (X, y), 0.1, r"y must be numbers of shape \(1000, 10\)"),
        (numbers, (np.repeat(X[:1] + 0.1, 30, axis=0),), 0.1, "whose outputs, or y, differ"),
        (numbers, (X[:1],), 0.1, "sequences of two rows or more"),
        (network, (X, y, np.arange(len(X))), 0.1, "sequences of two rows or more"),
        (network, (np.repeat(X[:1], 30, axis=0), y[:30]), 0.1, "any threshold leads to a loss of 0.05 at most"),
        (network, (np.full_like(X[:5], 0.1), y[:5]), 0.1, r"all are the same for layer 0, Dense\(64 -> 20\)"),
    ):
        *args, groups = args if len(args) == 3 else (*args, None)
        with pytest.raises(ValueError, match=reason):
            model.calibrate(*args, max_loss=max_loss, groups=groups)
        np.testing.assert_array_equal(model.threshold_, thresholds)
        assert model.calibration_ is None
    with pytest.raises(AttributeError, match="has no attribute 'predict'"):
        numbers.predict(X)
    told = numbers.calibrate(X, np.eye(10)[y], max_loss=0.02).calibration_
    assert told.dense_score < 1
    assert told.loss <= 0.02


def test_labels_of_outputs(digits):
    mlp, X, y = digits
    words = np.array(list("abcdefghij"), dtype=object)
    named = DeltaNetwork(DeltaNetwork.from_sklearn(mlp, X).layers, classes=words).fit(X)
    np.testing.assert_array_equal(named.predict(X), words[mlp.predict(X)])
    two = MLPClassifier((5,), tol=1.0, random_state=0).fit(X, np.where(y > 4, "high", "low"))
    network = DeltaNetwork.from_sklearn(two, X)
    np.testing.assert_array_equal(network.predict(X), two.predict(X))
    np.testing.assert_allclose(network.predict_proba(X), two.predict_proba(X), atol=1e-12)
    softmax = DeltaNetwork.from_sklearn(mlp, X)
    np.testing.assert_allclose(softmax.predict_proba(X), mlp.predict_proba(X), atol=1e-12)
    assert softmax.score(X, y) == mlp.score(X, y)
    assert softmax.score(X, y, sample_weight=y) == mlp.score(X, y, y)
    held = DeltaNetwork.from_sklearn(mlp, X, threshold=0.3)
    groups = np.arange(len(X)) // 5
    assert held.score(X, y, groups=groups) == (held.predict(X, groups) == y).mean()
    np.testing.assert_array_equal(held.predict_proba(X, groups).argmax(axis=1), held.predict(X, groups))
    assert not hasattr(DeltaNetwork(softmax.layers).fit(X), "score")
    late = DeltaNetwork(softmax.layers).fit(X).set_params(classes=words)
    for call in (late.predict, late.predict_proba, late.calibrate, softmax.set_params(classes=words).predict):
        with pytest.raises(ValueError, match="`classes` were .* when the network was fitted; .* fit again"):
            call(X)
    several = MLPClassifier((5,), tol=1.0, random_state=0).fit(X, np.c_[y > 4, y % 2])
    assert DeltaNetwork.from_sklearn(several, X).classes is None
    for layers, classes, reason in (
        (named.layers, [1, 2], "10 different labels"),
        (dense_layers((64, 1)), [1, 2], "a logistic output or several"),
    ):
        with pytest.raises(ValueError, match=reason):
            DeltaNetwork(layers, classes=classes).fit(X)


def test_modelled_energy(digits):
    mlp, X, _ = digits
    counts = DeltaNetwork.from_sklearn(mlp, X, threshold=0.2, refresh_every=7).count_operations(X)
    energy = modelled_energy(counts)
    np.testing.assert_allclose(energy["dense"], 4.6 * counts["dense"])
    looks = 1.8 * np.array([64, 20, 15])
    np.testing.assert_allclose(energy["delta"], 4.6 * (counts["delta"] + counts["refresh"]) + looks)
    assert energy.attrs["saving"] == pytest.approx(float(energy["dense"].sum() / energy["delta"].sum()))
    assert (energy.attrs["kind"], "Horowitz" in energy.attrs["source"]) == ("model", True)
    spikes = SpikingNetwork.from_sklearn(mlp, X).count_operations(X[:50])
    energy = modelled_energy(spikes, multiply=2.0, add=1.0)
    np.testing.assert_allclose(energy["events"], np.array([3, 1, 1]) * spikes["events"])
    assert energy.attrs["source"] == "given by the caller"
    first = modelled_energy(DeltaNetwork.from_sklearn(mlp, X).count_operations(X[:1]))
    assert np.isnan(first["delta"]).all()
    assert np.isnan(first.attrs["saving"])
    prices = {"add": -1}, {"multiply": np.nan}, {"multiply": "a"}, {"add": np.inf}, {"add": None}
    for wrong, options in (*((counts, price) for price in prices), (mlp, {}), (counts[["dense"]], {})):
        with pytest.raises(ValueError, match="`add`|`multiply`|`counts` must be"):
            modelled_energy(wrong, **options)


def test_operations_are_counted_one_by_one():
    """In a convolution fewer at borders, and those of sums computed anew."""
    layers = [Conv2D(np.random.default_rng(1).normal(size=(3, 3, 2, 4)), stride=2, padding=1)]
    X = stream(21, (7, 6, 2))
    groups = np.repeat([0, 1], [11, 10])
    network = DeltaNetwork(layers, refresh_every=4, input_shape=(7, 6, 2)).fit(X)
    counts = network.count_operations(X, groups=groups)
    fan_out = layers[0].fan_out((7, 6, 2)).ravel()
    changed = np.diff(X, axis=0)[np.r_[:10, 11:20]] != 0
    anew = np.isin(np.arange(19), [3, 7, 13, 17])
    np.testing.assert_allclose(counts["delta"], (changed[~anew] @ fan_out).sum() / 19)
    np.testing.assert_allclose(counts["density"], changed.mean())
    np.testing.assert_allclose(counts["dense"], fan_out.sum())
    np.testing.assert_allclose(counts["first"], fan_out.sum())
    np.testing.assert_allclose(counts["refresh"], 4 * fan_out.sum() / 19)
    np.testing.assert_allclose(counts["zero_skip"], fan_out.sum())
    np.testing.assert_allclose(counts.attrs["saving"], fan_out.sum() / (counts["delta"] + counts["refresh"]))


def test_images_of_which_much_has_changed_are_counted_whole():
    layer, X = Conv2D(np.random.default_rng(1).normal(size=(3, 3, 2, 4))), stream(21, (7, 6, 2), share=0.4)
    counts = DeltaNetwork([layer], input_shape=(7, 6, 2)).fit(X).count_operations(X)
    fan_out, changed = layer.fan_out((7, 6, 2)).ravel(), np.diff(X, axis=0) != 0
    much = changed.sum(axis=1) > 33  # of 84
    assert 3 < much.sum() < 17
    np.testing.assert_allclose(counts["refresh"], much.mean() * fan_out.sum())
    np.testing.assert_allclose(counts["delta"], (changed[~much] @ fan_out).sum() / 20)


def test_sums_anew_after_a_large_input_are_counted():
    """A dense layer takes the products of what is not 0."""
    X = np.ones((6, 12))
    X[3:, :4], X[2, 5] = 0, 1e3
    counts = DeltaNetwork(dense_layers((12, 7))).fit(X).count_operations(X)
    assert float(counts["delta"][0]) == 7 / 5  # the large input comes, and with four others it goes
    assert float(counts["refresh"][0]) == 8 * 7 / 5
    np.testing.assert_allclose(counts["zero_skip"], (X != 0).sum() * 7 / 6)


def test_zeros_are_counted_in_the_network_itself():
    """Not in inputs that are rounded: with large steps all of these are 0."""
    layers, X = dense_layers((12, 20, 5)), stream(60, (12,))
    expected = [12 * 20, (X @ layers[0].weights + layers[0].bias > 0).sum() / 60 * 5]
    for scheme in ("level", "quantizer"):
        network = DeltaNetwork(layers, threshold=1e3, scale="absolute", scheme=scheme).fit(X)
        np.testing.assert_allclose(network.count_operations(X)["zero_skip"], expected)


def test_windows_of_all_rows_are_never_there_at_once():
    """16 MB for those of 60 images; 5.6 MB at most are taken, 2.1 MB of them for outputs."""
    shape, rng = (32, 32, 1), np.random.default_rng(0)
    layers = [Conv2D(rng.normal(size=(6, 6, 1, 1)), padding=2), Pool2D(4), Flatten(), Dense(rng.normal(size=(49, 2)))]
    X = stream(60, shape, share=0.05)
    network = DeltaNetwork(layers, threshold=0.1, input_shape=shape).fit(X[:2])
    network.count_operations(X[:2])  # what it imports takes memory, too
    for call in (network.fit, network.dense, network.count_operations, lambda X: network.calibrate(X, max_loss=0.1)):
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


def test_a_stream_needs_a_fitted_network():
    with pytest.raises(NotFittedError):
        DeltaNetwork(dense_layers((12, 5))).stream([])


def test_an_unfitted_network_has_no_dense_outputs():
    with pytest.raises(NotFittedError):
        DeltaNetwork(dense_layers((12, 5))).dense(stream(3, (12,)))


def test_a_stream_ends_when_the_network_is_fitted_again():
    """Its sums are of the weights before."""
    X = stream(6, (12,))
    network = DeltaNetwork(dense_layers((12, 5))).fit(X)
    expected, rows = network.transform(X), network.stream(X)
    np.testing.assert_array_equal(next(rows), expected[0])
    with pytest.raises(ValueError, match="NaN"):
        network.fit(np.full((3, 12), np.nan))
    np.testing.assert_array_equal(next(rows), expected[1])  # the network is as it was
    network.set_params(layers=dense_layers((12, 5), seed=2)).fit(X)
    with pytest.raises(ValueError, match="fitted again since this stream began; begin a new stream"):
        next(rows)
    before = network.stream(X)
    network.fit(X)
    with pytest.raises(ValueError, match="fitted again"):
        next(before)


def test_streams_go_on_from_states():
    X = stream(20, (12,), dtype=np.float32)
    network = DeltaNetwork(dense_layers((12, 20, 5)), threshold=0.3, refresh_every=7).fit(X)
    expected, state = network.transform(X), network.initial_state()
    for x in X[:9]:
        _, state = network.step(x, state)
    kept = [part.copy() for part in state]
    np.testing.assert_array_equal(list(network.stream(X[9:], state)), expected[9:])
    np.testing.assert_array_equal(list(network.stream(X[9:], state=state)), expected[9:])
    for part, before in zip(state, kept, strict=True):
        np.testing.assert_array_equal(part, before)
    with pytest.raises(ValueError, match="`state` must be a NetworkState of this DeltaNetwork"):
        network.stream(X, state=state[:2])


@pytest.mark.parametrize("code", [">f8", ">f4", ">i4"])
def test_streams_take_numbers_of_other_byte_orders(code):
    X = np.rint(stream(6, (12,), share=0.5)).astype(code)
    network = DeltaNetwork(dense_layers((12, 5)), threshold=0.1).fit(X)
    np.testing.assert_array_equal(list(network.stream(X)), network.transform(X))


@pytest.mark.parametrize("n_rows", [-3, 2.7, 1e300, 2**63])
def test_states_have_whole_numbers_of_rows(n_rows):
    X = stream(3, (12,))
    network = DeltaNetwork(dense_layers((12, 5))).fit(X)
    state = network.initial_state()._replace(n_rows=np.array([n_rows]))
    with pytest.raises(ValueError, match="`n_rows` of `state` must be whole numbers >= 0, got"):
        network.step(X[0], state)
    with pytest.raises(ValueError, match="`n_rows` of `state`"):
        network.stream(X, state)


def test_a_stream_rejects_what_it_cannot_take_and_goes_on():
    X = stream(20, (12,))
    network = DeltaNetwork(dense_layers((12, 5)), threshold=0.1).fit(X)
    state = network.initial_state()
    _, state = network.step(X[0], state)
    kept = [part.copy() for part in state]
    for bad, reason in ((np.r_[X[1][:11], np.nan], "12 finite"), (X[1][:11], "12 finite"), (X[1] + 1e308, "scale X")):
        with pytest.raises(ValueError, match=reason):
            network.step(bad, state)
    for part, before in zip(state, kept, strict=True):
        np.testing.assert_array_equal(part, before)
    with pytest.raises(ValueError, match="`state` must be a NetworkState of this DeltaNetwork"):
        network.step(X[1], DeltaNetwork(dense_layers((12, 6))).fit(X).initial_state())


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


def test_calibration_counts_what_is_computed_anew():
    """Images of which half changes in every third row; 2 % for inputs at borders, which take part in fewer products."""
    rng, shape = np.random.default_rng(0), (12, 12, 2)
    steps = rng.normal(size=(30, *shape)) * (
        rng.random((30, *shape)) < np.where(np.arange(30) % 3, 0.1, 0.5)[:, None, None, None]
    )
    X = np.cumsum(steps, axis=0).reshape(30, -1)
    network = (
        DeltaNetwork([Conv2D(rng.normal(size=(3, 3, 2, 4)))], input_shape=shape).fit(X).calibrate(X, max_loss=1e-3)
    )
    counts = network.count_operations(X)
    assert 0.2 * counts["dense"].sum() < counts["refresh"].sum()
    products = counts["first"].sum() + 29 * (counts["delta"] + counts["refresh"]).sum()
    assert network.calibration_.saving == pytest.approx(float(30 * counts["dense"].sum() / products), rel=0.02)


def chain_layers(strides=(1, 1, 1), paddings=("same", "same", "same"), seed=1):
    rng = np.random.default_rng(seed)
    shapes = (3, 3, 2, 16), (5, 5, 16, 33), (3, 3, 33, 4)
    first, second, third = (
        Conv2D(rng.normal(size=s) / np.sqrt(s[2] * 9), rng.normal(size=s[3]), stride, padding)
        for s, stride, padding in zip(shapes, strides, paddings, strict=True)
    )
    return [first, Activation("relu"), second, Activation("identity"), third]


def one_by_one(layers):
    """Layers with pools of one pixel behind activations, which keep convolutions apart."""
    apart = []
    for layer in layers:
        if isinstance(layer, Residual):
            apart.append(Residual(one_by_one(layer.layers)))
        else:
            apart += [layer, Pool2D(1)]
    return apart


def residual_chain():
    """A residual layer of two convolutions behind one."""
    rng = np.random.default_rng(2)
    first, second = (Conv2D(rng.normal(size=(3, 3, 16, 16)) / 12, rng.normal(size=16)) for _ in range(2))
    return [chain_layers()[0], Activation("relu"), Residual([first, Activation("relu"), second])]


@pytest.mark.parametrize("threshold", [0.0, 0.5])
@pytest.mark.parametrize(
    "layers",
    [
        chain_layers(),
        chain_layers((2, 1, 1), (0, 2, 1)),
        chain_layers((1, 2, 3), (4, 5, 3)),  # wider than kernels
        residual_chain(),
    ],
    ids=["same", "strides", "wide padding", "residual"],
)
def test_convolutions_in_a_chain_are_those_one_by_one(layers, threshold, dtype):
    """The same bits, however rows are given, in two sequences."""
    shape, groups = (7, 6, 2), np.repeat([0, 1], 6)
    X = stream(12, shape, share=0.05, dtype=dtype)
    chain, others = (
        DeltaNetwork(each, threshold=threshold, refresh_every=4, input_shape=shape)
        for each in (layers, one_by_one(layers))
    )
    expected = others.fit(X, groups=groups).transform(X, groups=groups)
    np.testing.assert_array_equal(chain.fit(X, groups=groups).transform(X, groups=groups), expected)
    for rows in slice(0, 6), slice(6, 12):
        np.testing.assert_array_equal(list(chain.stream(X[rows])), expected[rows])
        state = chain.initial_state()
        for x, out in zip(X[rows], expected[rows], strict=True):
            found, state = chain.step(x, state)
            np.testing.assert_array_equal(found, out)
    counts, wanted = chain.count_operations(X, groups=groups), others.count_operations(X, groups=groups)
    for name in ("delta", "refresh", "first", "density"):
        np.testing.assert_array_equal(counts[name], wanted[name])


def test_thresholds_that_change_within_a_stream():
    """What was within the old threshold is sent by the new one, also if that is written over the old one."""
    shape = (12, 9, 2)
    layers, X = chain_layers(), stream(40, shape, share=0.02)
    network = DeltaNetwork(layers, threshold=(0.0, 5.0, 5.0), refresh_every=None, input_shape=shape).fit(X)
    rows = network.stream(X)
    for _ in range(30):
        out = next(rows)
    assert np.abs(out - network.dense(X[29:30])[0]).max() > 0.1
    network.threshold_[:] = 0
    np.testing.assert_allclose(next(rows), network.dense(X[30:31])[0], atol=1e-12)
    network.threshold_ = np.full(3, 5.0)
    for _ in range(5):
        out = next(rows)
    assert np.abs(out - network.dense(X[35:36])[0]).max() > 0.1
    network.threshold_ = np.zeros(3)
    np.testing.assert_allclose(next(rows), network.dense(X[36:37])[0], atol=1e-12)


def test_sums_within_a_chain_that_overflow_are_an_error():
    """Rectified, they would be zeros."""
    layers = [Conv2D(np.full((1, 1, 1, 1), 1e3)), Activation("relu"), Conv2D(np.ones((1, 1, 1, 1)))]
    X = np.zeros((3, 16), np.float32)
    X[1, 3] = -8e36
    network = DeltaNetwork(layers, input_shape=(4, 4)).fit(X[:1])
    for call in network.transform, lambda X: list(network.stream(X)), network.fit:
        with pytest.raises(ValueError, match="layers overflow float32, first for row 1"):
            call(X)


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
