"""`DeltaMLPClassifier` and `DeltaMLPRegressor`: gradients, pairs of rows, networks of changes, copies, bad input."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from sparsecode import groups_from_lengths, load
from sparsecode._core.training import Scale
from sparsecode.temporal import DeltaMLPClassifier, DeltaMLPRegressor
from sparsecode.temporal import _delta_training as training
from sparsecode.temporal._surrogate_gradients import initial_arrays

from ..reference.layers import loss_with_price, quantized_outputs


def moving_digits(n_class, seed=0):
    """Four frames of each digit with noise, of which the last two are a pixel to the right."""
    digits, labels = load_digits(n_class=n_class, return_X_y=True)
    frames = [np.roll(digits.reshape(-1, 8, 8) / 16, t // 2, axis=2) for t in range(4)]
    noise = 0.03 * np.random.default_rng(seed).normal(size=(4 * len(digits), 64))
    X = np.stack(frames, axis=1).reshape(-1, 64) + noise
    return X, np.repeat(labels, 4), np.repeat(np.arange(len(digits)), 4)


QUICK = {"max_iter": 100, "tol": 0.02, "n_iter_no_change": 3, "learning_rate_init": 0.02, "batch_size": 16}


def classifier(sizes=(20, 15), **params):
    return DeltaMLPClassifier(sizes, **QUICK | {"fine_tuning_iter": 4, "random_state": 0} | params)


def regressor(sizes=20, **params):
    return DeltaMLPRegressor(sizes, **QUICK | {"step": 0.1, "penalty": 0.01, "random_state": 0} | params)


def slow_classes(rng, n=120):
    """Two classes by turns, for ten rows each, and noise."""
    y = np.arange(n) // 10 % 2
    return 3 + 0.3 * rng.normal(size=(n, 8)) + 2 * y[:, None] * rng.normal(size=8), y


@pytest.mark.filterwarnings("ignore:the loss still fell")
@parametrize_with_checks([classifier(20, penalty=0.1, step=0.2), regressor(max_iter=200), classifier(learn_step=True)])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.nojit
@pytest.mark.parametrize("learns", [False, True])
@pytest.mark.parametrize("step", [0.0, 0.3])
@pytest.mark.parametrize("sizes", [[6, 9, 3], [6, 9, 7, 3]])
def test_gradients(sizes, step, learns, rng):
    """Finite differences. Behind steps, those of a function that has the derivatives which stand for true ones."""
    arrays = initial_arrays(sizes, rng=rng, dtype=np.float64)
    for array in arrays:
        array += 0.2 * rng.normal(size=array.shape)
    X, targets, later = 5 + 2 * rng.normal(size=(7, 6)), rng.integers(3, size=7), np.array([1, 3, 4, 6])
    n_layers, scale = len(sizes) - 1, Scale(0, 4.0, 2.5)
    begun, factors = step * np.arange(1, n_layers + 1.0), 1 + 0.1 * rng.random(n_layers)
    arrays += [factors.copy()] if learns else []
    rules = training.Rules(True, 1.7, begun, learns, scale)
    outputs, traces = training.forward(arrays, X, rules)
    loss, by_output = training.loss_of(outputs, targets, rules)
    gradients = training.backward(arrays, traces, by_output, later, rules)
    steps = begun * factors if learns else begun
    levels = [np.rint(A / s) if s else 0 * A for (A, _), s in zip(traces, steps, strict=True)]

    def rounded(number, row, a):
        A, Q = traces[number]
        moved = begun[number] * (arrays[-1][number] if learns else 1) - steps[number]
        return a + (Q - A)[row] - levels[number][row] * moved  # straight through; the step goes the wrong way

    def value():
        weights, options = arrays[: 2 * n_layers], {"penalty": 1.7, "scale": (4.0 / 2.5, 2.5)}
        return loss_with_price(weights, X, targets, later, rounded=rounded, **options)

    price = sum(
        1.7 * len(W) * np.abs(np.diff(Q, axis=0)[later - 1]).sum() / (1 if k else 2.5)
        for k, (W, (_, Q)) in enumerate(zip(arrays[: 2 * n_layers : 2], traces, strict=True))
    )
    price /= len(later) * sum(W.size for W in arrays[: 2 * n_layers : 2])
    assert value() == pytest.approx(loss / len(X) + price, rel=1e-12)
    assert len(gradients) == len(arrays)
    h = 1e-6
    for array, gradient in zip(arrays, gradients, strict=True):
        direction = rng.normal(size=array.shape)
        array += h * direction
        above = value()
        array -= 2 * h * direction
        below = value()
        array += h * direction
        # Differences are right to about 1e-15 / h of rounding, and where no kink is crossed
        assert (above - below) / (2 * h) == pytest.approx((gradient * direction).sum(), rel=1e-5, abs=1e-7)


@pytest.mark.nojit
def test_squared_errors_have_their_derivatives(rng):
    outputs, targets = rng.normal(size=(5, 2)), rng.normal(size=(5, 2))
    rules = training.Rules(False, 0.0, np.zeros(1), False, Scale(0, 0.0, 1.0))
    loss, by_output = training.loss_of(outputs, targets, rules)
    assert loss == pytest.approx(0.5 * sum((a - b) ** 2 for a, b in zip(outputs.flat, targets.flat, strict=True)))
    np.testing.assert_allclose(by_output, (outputs - targets) / 5)


@pytest.mark.nojit
def test_rows_stay_behind_the_one_before_them():
    begins = np.zeros(40, bool)
    begins[[0, 1, 8, 23]] = True
    met, seconds = set(), set()
    for seed in range(8):
        order, follows = training.shuffled_pairs(begins, np.random.default_rng(seed))
        assert sorted(order) == list(range(40))
        later = np.flatnonzero(follows)
        assert (order[later] == order[later - 1] + 1).all()
        assert not begins[order[later]].any()
        assert not (follows[1:] & follows[:-1]).any()
        assert not np.array_equal(order, np.arange(40))
        met |= set(order[later].tolist())
        for begin in (1, 8, 23):  # by chance, each sequence by itself
            seconds.add((begin, begin + 1 in order[later]))
    assert len(seconds) == 6
    assert met == set(range(40)) - {0, 1, 8, 23}


@pytest.mark.nojit
@pytest.mark.parametrize("learn_step", [False, True])
def test_networks_of_changes_have_the_same_outputs(learn_step, rng):
    X, y = slow_classes(rng)
    groups = groups_from_lengths([50, 70])
    model = classifier(learn_step=learn_step, step=[0.4, 0.3, 0.2]).fit(X, y, groups=groups)
    network = model.to_network()
    expected, sent = quantized_outputs(X[:50], model.coefs_, model.intercepts_, model.step_)
    expected = np.exp(expected) / np.exp(expected).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(X[:50]), expected, rtol=1e-9)
    np.testing.assert_allclose(network.transform(X, groups=groups), model.predict_proba(X), rtol=1e-9)
    np.testing.assert_array_equal(network.predict(X), model.predict(X))
    counts = network.ops_report(X[:50])
    np.testing.assert_allclose(counts["delta"], sent[1:].mean(axis=0) * [20, 15, 2])
    network.set_params(scheme="level").fit(X)
    np.testing.assert_allclose(network.threshold_, model.step_ / 2)
    assert (network.predict(X) == y).mean() > 0.9


@pytest.mark.nojit
def test_rows_are_predicted_each_by_itself(rng):
    X, y = slow_classes(rng)
    model = classifier().fit(X, y)
    parts = np.concatenate([model.predict_proba(X[i : i + 7]) for i in range(0, 120, 7)])
    np.testing.assert_array_equal(parts, model.predict_proba(X))
    groups = np.repeat(np.arange(12), 10)
    np.testing.assert_array_equal(model.predict_sequences(X, groups), y[::10])
    assert model.predict_sequences(X).shape == (1,)


def test_steps_are_in_standard_deviations(rng):
    X, y = slow_classes(rng)
    plain = classifier(fine_tuning_iter=0, step=0).fit(X, y)
    model = classifier(fine_tuning_iter=0, step=[0.5, 0.25, 0.125]).fit(X, y)
    hidden = [np.maximum(X @ plain.coefs_[0] + plain.intercepts_[0], 0)]
    hidden.append(np.maximum(hidden[0] @ plain.coefs_[1] + plain.intercepts_[1], 0))
    expected = [0.5 * X.std(), 0.25 * hidden[0].std(), 0.125 * hidden[1].std()]
    np.testing.assert_allclose(model.step_, expected, rtol=1e-9)
    np.testing.assert_array_equal(plain.step_, 0)


def test_a_price_makes_changes_few():
    """Moving digits, seeds 0 to 2: 3.33 to 3.36 and 4.50 to 4.56 times fewer products, 0.934 to 0.945 right."""
    X, y, groups = moving_digits(5)
    train, savings = groups < 600, []
    for penalty in (0.0, 10.0):
        options = {"step": (0.5, 0.3, 0.3), "tol": 0.01, "n_iter_no_change": 3, "random_state": 0}
        model = DeltaMLPClassifier((60, 30), penalty=penalty, **options)
        model.fit(X[train], y[train], groups=groups[train])
        assert model.score(X[~train], y[~train]) > 0.92
        network = model.to_network()
        savings.append(network.ops_report(X[~train], groups=groups[~train]).attrs["saving"])
        share = 1 / network.ops_report(X[train], groups=groups[train]).attrs["saving"]
        # Half of the neighbours, with the weights before each step: within 4 % for three seeds
        assert model.history_["changes"][-1] == pytest.approx(share, rel=0.1)
        assert model.history_["changes"][-11] > 0.9  # without steps noise changes all inputs
    assert savings[0] > 3.1
    assert savings[1] > 1.25 * savings[0]


@pytest.mark.nojit
def test_steps_that_are_learned_grow_at_a_price(rng):
    X, y = slow_classes(rng)
    options = {"learn_step": True, "fine_tuning_iter": 3, "learning_rate_init": 0.005}
    fixed = classifier(**options | {"learn_step": False}).fit(X, y)
    grown = classifier(penalty=100.0, **options).fit(X, y)
    assert (grown.step_ > fixed.step_).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("learn_step", [False, True])
def test_copies_are_bit_for_bit(dtype, learn_step, rng, tmp_path):
    X, y = slow_classes(rng)
    X, words = X.astype(dtype), np.array(["no", "yes"], dtype=object)[y]
    model = classifier(learn_step=learn_step).fit(X, words)
    assert {coef.dtype for coef in (*model.coefs_, *model.intercepts_)} == {np.dtype(dtype)}
    other = regressor().fit(X, X[:, :2])
    for fitted in (model, other):
        fitted.save(tmp_path / "model.npz")
        again = clone(fitted).fit(X, words if fitted is model else X[:, :2])
        for copy in (again, pickle.loads(pickle.dumps(fitted)), load(tmp_path / "model.npz")):  # noqa: S301
            assert copy.predict(X).tolist() == fitted.predict(X).tolist()
            assert copy.to_network().transform(X).tobytes() == fitted.to_network().transform(X).tobytes()
            assert copy.loss_curve_ == fitted.loss_curve_
            np.testing.assert_array_equal(copy.history_["changes"], fitted.history_["changes"])
    assert model.n_iter_ == len(model.history_)
    assert not np.allclose(classifier(random_state=1).fit(X, words).coefs_[0], model.coefs_[0])


@pytest.mark.parametrize("scale", [2.0**-7, 2.0**500, 2.0**-600])
def test_units_do_not_matter(scale, rng):
    X, y = slow_classes(rng)
    model, other = classifier().fit(X, y), classifier().fit(X * scale, y)
    # By another power of two, mean and deviation may differ in the last bit
    np.testing.assert_allclose(other.predict_proba(X * scale), model.predict_proba(X), rtol=1e-9)
    np.testing.assert_allclose(other.step_[0], scale * model.step_[0])
    np.testing.assert_allclose(other.to_network().transform(X * scale), model.predict_proba(X), rtol=1e-9)


def test_numbers(rng):
    """Sums and products of slow waves: 0.992 to 0.997 for five seeds, 6.6 times fewer products."""
    X = np.sin(np.linspace(0, 60, 2000)[:, None] * [1.0, 0.7, 0.4])
    Y = np.c_[1e3 * (X[:, 0] + X[:, 1]), 5 + X[:, 1] * X[:, 2]]
    model = regressor(40).fit(X, Y)
    assert model.score(X, Y) > 0.98
    np.testing.assert_allclose(model.to_network().transform(X), model.predict(X), rtol=1e-9, atol=1e-6)
    one = regressor(40).fit(X, Y[:, 1])
    assert one.predict(X).shape == (2000,)
    assert one.to_network().ops_report(X).attrs["saving"] > 5
    assert np.ptp(regressor().fit(X[:50], np.full(50, 3.0)).predict(X[:50])) < 0.2  # 0.06 to 0.13
    with pytest.raises(ValueError, match="variance of y is not finite"):
        one.fit(X, 1e200 * X[:, 0])
    assert one.predict(X).shape == (2000,)


def test_trained_networks_learn_on():
    """Seeds 0 to 2: 3.6 to 3.7, and 4.3 times fewer products after learning on; 0.5 to 0.6 points more are right."""
    X, y, groups = moving_digits(6)
    mlp = MLPClassifier((30, 20), tol=1e-2, n_iter_no_change=3, random_state=0).fit(X, y)
    options, savings = {"step": (0.5, 0.3, 0.3), "penalty": 10.0, "random_state": 0}, []
    for n_epochs in (0, 10):
        model = DeltaMLPClassifier(fine_tuning_iter=n_epochs, **options).fit(X, y, groups=groups, network=mlp)
        savings.append(model.to_network().ops_report(X, groups=groups).attrs["saving"])
    assert savings[1] > 1.1 * savings[0] > 3.5
    assert model.score(X, y) > mlp.score(X, y)


def test_rows_beyond_the_precision_of_weights(rng):
    X, y = slow_classes(rng)
    model = classifier().fit(X.astype(np.float32), y)
    with pytest.raises(ValueError, match="row 0 of X is too far"):
        model.predict(np.full((1, 8), 1e300))


def test_networks_without_hidden_layers_learn_on(rng):
    """No unit of them is active or not."""
    X, y = slow_classes(rng)
    linear = MLPClassifier((), learning_rate_init=0.05, tol=1e-2, random_state=0).fit(X, y)
    model = classifier(step=0.1, penalty=0.1).fit(X, y, network=linear)
    assert model.score(X, y) > 0.9
    assert np.isnan(model.history_["sparsity"]).all()
    outputs = model.to_network().transform(X)
    np.testing.assert_allclose(outputs, model.predict_proba(X), atol=1e-9)


def test_networks_of_scikit_learn_are_taken_as_they_are(tmp_path):
    X, y, _ = moving_digits(6)
    options, unchanged = {"tol": 1.0, "random_state": 0}, {"step": 0, "fine_tuning_iter": 0}
    for labels in (y, y > 4):
        mlp = MLPClassifier((30, 20), **options).fit(X, labels)
        same = classifier(**unchanged).fit(X, labels, network=mlp)
        np.testing.assert_allclose(same.predict_proba(X), mlp.predict_proba(X), rtol=1e-8, atol=1e-12)
        np.testing.assert_array_equal(same.classes_, mlp.classes_)
        same.save(tmp_path / "model.npz")
        assert load(tmp_path / "model.npz").n_iter_ == same.n_iter_ == 0
    Y = np.c_[y, 100 * X[:, 20]]
    numbers = MLPRegressor(hidden_layer_sizes=10, **options).fit(X, Y)
    regression = regressor(**unchanged).fit(X, Y, network=numbers)
    np.testing.assert_allclose(regression.predict(X), numbers.predict(X), rtol=1e-8, atol=1e-8)
    smooth = MLPClassifier(5, activation="tanh", **options).fit(X, y)
    for model, network, target, message in (
        (same, smooth, y, "rectified hidden units and 64 inputs, got activation 'tanh'"),
        (same, numbers, y, "a fitted MLPClassifier with one label"),
        (same, mlp, y, "labels that are not among `classes`"),
        (same, MLPClassifier(), y, "a fitted MLPClassifier or MLPRegressor"),
        (regression, numbers, y, "an MLPRegressor of 1 outputs, got 2 behind 'identity'"),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(X, target, network=network)
    with pytest.raises(ValueError, match="63 inputs, got activation 'relu' and 64"):
        same.fit(X[:, 1:], y > 4, network=mlp)


@pytest.mark.nojit
def test_what_is_wrong_is_said_and_changes_nothing(rng):
    X, y = slow_classes(rng)
    with pytest.raises(NotFittedError):
        classifier().predict(X)
    with pytest.raises(NotFittedError):
        classifier().to_network()
    with pytest.warns(ConvergenceWarning, match="still fell after `max_iter`=2 epochs"):
        model = classifier(max_iter=2).fit(X, y)
    before = pickle.dumps(model)
    for params, message in (
        ({"hidden_layer_sizes": [3, 0]}, "hidden_layer_sizes"),
        ({"step": -1.0}, "step"),
        ({"step": [0.1, 0.2]}, "`step` must be a number >= 0, or 3 of them, one for each layer"),
        ({"step": [0.1, 0.2, np.nan]}, "`step` must be a number >= 0"),
        ({"penalty": -1.0}, "penalty"),
        ({"learning_rate_init": 1e300}, "lower `learning_rate_init`, or scale X"),
    ):
        with pytest.raises(ValueError, match=message):
            clone(model).set_params(**params).fit(X, y)
    for wrong, message in (
        ({"y": np.ones(120, int)}, "one class only, '1'"),
        ({"groups": np.zeros(119, int)}, "`groups` must be 120 integers"),
        ({"groups": np.arange(120) % 2}, "rows of a sequence together"),
        ({"X": np.where(X > 5, np.nan, X)}, "contains NaN"),
        ({"y": rng.normal(size=120)}, "Unknown label type"),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(**{"X": X, "y": y} | wrong)
        assert pickle.dumps(model) == before
    far = X.copy()
    far[3] = 1e308
    small = classifier().fit(X * 1e-20, y)
    with pytest.raises(ValueError, match="row 3 of X is too far from what was learned from"):
        small.predict(far)


@pytest.mark.nojit
def test_degenerate_rows(rng):
    X, y = slow_classes(rng)
    X[3], X[4], X[:, 5] = 0, X[6], 7
    for rows in (X, X * 0, X * 0 + 1.1, X[:2], X[:, :1]):
        model = classifier(max_iter=3, tol=9, n_iter_no_change=2).fit(rows, np.arange(len(rows)) % 2)
        assert np.isfinite(model.predict_proba(rows)).all()
        assert np.isfinite(model.to_network().transform(rows)).all()
    alone = classifier().fit(X, y, groups=np.arange(120))
    assert np.isnan(alone.history_["changes"]).all()
    one = classifier(1).fit(np.asfortranarray(X, np.float32), y)
    assert np.isfinite(one.predict_proba(X)).all()
