"""Thresholds that are chosen by what they cost."""

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from sparsecode import load
from sparsecode.temporal import Conv2D, DeltaNetwork

from .networks import dense_layers, image_layers, stream


def test_calibrate_meets_the_error_of_outputs():
    """Savings 3.1 to 5.3 for four streams."""
    X = stream(400, (12,), share=0.8)
    network = DeltaNetwork(dense_layers((12, 20, 5)), threshold=7.0).fit(X)
    history = network.history_.copy()
    assert network.calibration_ is None
    told = network.calibrate(X, max_loss=0.01).calibration_
    np.testing.assert_array_equal(network.history_, history)
    counts = network.ops_report(X)
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
    assert network.ops_report(X).attrs["error"] <= 0.05
    assert network.calibration_.saving > 7


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
    counts = network.ops_report(X)
    assert 0.2 * counts["dense"].sum() < counts["refresh"].sum()
    products = counts["first"].sum() + 29 * (counts["delta"] + counts["refresh"]).sum()
    assert network.calibration_.saving == pytest.approx(float(30 * counts["dense"].sum() / products), rel=0.02)


def test_nothing_is_saved_where_nothing_was_measured():
    X = stream(5, (12,))
    network = DeltaNetwork(dense_layers((12, 5))).fit(X)
    assert np.isnan(network.ops_report(X[:1]).attrs["saving"])
    assert np.isnan(network.ops_report(X, groups=np.arange(5)).attrs["saving"])
    assert network.ops_report(np.repeat(X[:1], 3, axis=0)).attrs["saving"] == np.inf
