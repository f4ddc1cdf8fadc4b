"""Rows one after the other: states, and what ends a stream."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from sparsecode.temporal import DeltaNetwork

from .networks import chain_layers, dense_layers, stream


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
