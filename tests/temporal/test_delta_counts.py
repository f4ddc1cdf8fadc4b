"""Products that are counted, and what they are said to cost."""

import numpy as np
import pytest

from sparsecode.temporal import Conv2D, DeltaNetwork, SpikingNetwork, modelled_energy

from .networks import dense_layers, stream


def test_modelled_energy(digits):
    mlp, X, _ = digits
    counts = DeltaNetwork.from_sklearn(mlp, X, threshold=0.2, refresh_every=7).ops_report(X)
    energy = modelled_energy(counts)
    np.testing.assert_allclose(energy["dense"], 4.6 * counts["dense"])
    looks = 1.8 * np.array([64, 20, 15])
    np.testing.assert_allclose(energy["delta"], 4.6 * (counts["delta"] + counts["refresh"]) + looks)
    assert energy.attrs["saving"] == pytest.approx(float(energy["dense"].sum() / energy["delta"].sum()))
    assert (energy.attrs["kind"], "Horowitz" in energy.attrs["source"]) == ("model", True)
    spikes = SpikingNetwork.from_sklearn(mlp, X).ops_report(X[:50])
    energy = modelled_energy(spikes, multiply=2.0, add=1.0)
    np.testing.assert_allclose(energy["events"], np.array([3, 1, 1]) * spikes["events"])
    assert energy.attrs["source"] == "given by the caller"
    first = modelled_energy(DeltaNetwork.from_sklearn(mlp, X).ops_report(X[:1]))
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
    counts = network.ops_report(X, groups=groups)
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
    counts = DeltaNetwork([layer], input_shape=(7, 6, 2)).fit(X).ops_report(X)
    fan_out, changed = layer.fan_out((7, 6, 2)).ravel(), np.diff(X, axis=0) != 0
    much = changed.sum(axis=1) > 33  # of 84
    assert 3 < much.sum() < 17
    np.testing.assert_allclose(counts["refresh"], much.mean() * fan_out.sum())
    np.testing.assert_allclose(counts["delta"], (changed[~much] @ fan_out).sum() / 20)


def test_sums_anew_after_a_large_input_are_counted():
    """A dense layer takes the products of what is not 0."""
    X = np.ones((6, 12))
    X[3:, :4], X[2, 5] = 0, 1e3
    counts = DeltaNetwork(dense_layers((12, 7))).fit(X).ops_report(X)
    assert float(counts["delta"][0]) == 7 / 5  # the large input comes, and with four others it goes
    assert float(counts["refresh"][0]) == 8 * 7 / 5
    np.testing.assert_allclose(counts["zero_skip"], (X != 0).sum() * 7 / 6)


def test_zeros_are_counted_in_the_network_itself():
    """Not in inputs that are rounded: with large steps all of these are 0."""
    layers, X = dense_layers((12, 20, 5)), stream(60, (12,))
    expected = [12 * 20, (X @ layers[0].weights + layers[0].bias > 0).sum() / 60 * 5]
    for scheme in ("level", "quantizer"):
        network = DeltaNetwork(layers, threshold=1e3, scale="absolute", scheme=scheme).fit(X)
        np.testing.assert_allclose(network.ops_report(X)["zero_skip"], expected)
