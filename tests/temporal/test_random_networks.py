"""Delta networks of all kinds of layers, drawn at random: without thresholds exact, with them within a bound."""

import numpy as np
import pytest

from sparsecode.temporal import Activation, Conv2D, DeltaNetwork, Dense, Flatten, Pool2D, Residual, fold_batch_norm
from sparsecode.temporal.layers import linear_layers

#: Largest difference to dense outputs over the largest one, if that is more than 1, 60 networks: 8e-7 and 1.7e-15.
CLOSE = {np.float32: 4e-6, np.float64: 1e-14}


def random_layer(rng, shape):
    """A layer that takes frames of a shape, or None where the one that was drawn does not fit."""
    kind = rng.choice(["dense", "conv", "pool", "residual", "activation", "norm", "flatten"])
    if kind == "activation":
        return Activation(rng.choice(["identity", "relu", "tanh", "logistic"]))
    if kind == "flatten":
        return Flatten()
    if kind == "pool":
        return Pool2D(int(rng.integers(1, 4)), rng.choice(["max", "mean"]))
    if kind == "residual":
        inner = (
            random_conv(rng, shape, n_maps=shape[2], same=True)
            if len(shape) == 3
            else random_dense(rng, shape, shape[0])
        )
        return Residual([inner, Activation(rng.choice(["relu", "tanh"]))])
    layer = random_conv(rng, shape) if len(shape) == 3 else random_dense(rng, shape, int(rng.integers(1, 40)))
    if kind != "norm":
        return layer
    n = layer.weights.shape[-1]
    gamma, beta, mean = rng.normal(size=(3, n))
    return fold_batch_norm(layer, gamma=gamma, beta=beta, mean=mean, variance=rng.random(n))


def random_dense(rng, shape, n_outputs):
    return Dense(rng.normal(size=(shape[0], n_outputs)) / np.sqrt(shape[0]), rng.normal(size=n_outputs))


def random_conv(rng, shape, n_maps=None, same=False):
    n_maps = n_maps or int(rng.choice([1, 3, 8, 33]))
    sides = 2 * rng.integers(0, 3, 2) + 1 if same else rng.integers(1, 5, 2)
    options = {} if same else {"stride": int(rng.integers(1, 4)), "padding": int(rng.integers(0, 4))}
    W = rng.normal(size=(*sides, shape[2], n_maps)) / np.sqrt(shape[2] * np.prod(sides))
    return Conv2D(W, rng.normal(size=n_maps), **options)


def random_network(seed):
    """Layers and the shape of frames."""
    rng = np.random.default_rng(seed)
    shape = frame = (int(rng.integers(6, 14)), int(rng.integers(6, 14)), int(rng.integers(1, 4)))
    if rng.random() < 0.3:
        shape = frame = (int(rng.integers(1, 50)),)
    layers = []
    while len(layers) < 6:
        layer = random_layer(rng, shape)
        try:
            after = layer.out_shape(shape)
        except ValueError:
            continue
        if np.prod(after) > (300 if len(after) == 1 else 5000):
            continue
        shape = after
        layers.append(layer)
        if len(layers) == 5 and len(shape) == 1 and rng.random() < 0.5:
            layers.append(Activation("softmax"))
    return (
        layers if linear_layers(layers) else [*layers, Flatten(), random_dense(rng, (int(np.prod(shape)),), 3)]
    ), frame


def stream_of(shape, seed, dtype, n_rows=12):
    """Numbers of which from none to all change from row to row."""
    rng = np.random.default_rng(seed)
    shares = rng.choice([0, 0.02, 0.2, 1], size=n_rows)
    steps = rng.normal(size=(n_rows, *shape)) * (rng.random((n_rows, *shape)) < shares.reshape(-1, *[1] * len(shape)))
    steps[0] = rng.normal(size=shape)
    return np.cumsum(steps, axis=0).reshape(n_rows, -1).astype(dtype)


def test_outputs_without_thresholds_are_those_of_the_network(dtype):
    kinds = set()
    for seed in range(20):
        layers, shape = random_network(seed)
        kinds |= {(type(layer).__name__, getattr(layer, "kind", getattr(layer, "name", ""))) for layer in layers}
        X = stream_of(shape, seed, dtype)
        network = DeltaNetwork(layers, refresh_every=None, input_shape=shape).fit(X)
        outputs, expected = network.transform(X), network.dense(X)
        assert np.abs(outputs - expected).max() <= CLOSE[dtype] * max(np.abs(expected).max(), 1), seed
        state = network.initial_state()
        for x, y, also in zip(X, outputs, list(network.stream(iter(X))), strict=True):
            out, state = network.step(x, state)
            np.testing.assert_array_equal(out, y)
            np.testing.assert_array_equal(also, y)
    names = ("identity", "relu", "tanh", "logistic", "softmax")
    wanted = {("Activation", name) for name in names} | {("Pool2D", "max"), ("Pool2D", "mean")}
    assert kinds >= wanted | {(name, "") for name in ("Dense", "Conv2D", "Flatten", "Residual")}


def test_errors_with_thresholds_are_within_their_bound():
    """Largest sums of |weights| of an output times what inputs are off; no other layer here makes errors larger."""
    shares = []
    for seed in range(30):
        layers, shape = random_network(seed)
        X, rng = stream_of(shape, seed, np.float64), np.random.default_rng(seed)
        limits = rng.choice([0, 0.01, 0.1, 0.5], size=len(linear_layers(layers)))
        network = DeltaNetwork(layers, threshold=limits, scale="absolute", input_shape=shape).fit(X)
        error = np.abs(network.transform(X) - network.dense(X)).max()
        bound = error_bound(layers, 0.0, iter(limits))
        assert error <= bound + 1e-9, seed
        shares.append(error / max(bound, 1e-9))
    assert max(shares) > 0.1  # 0.18; 0.41 for one of 60 networks


def error_bound(layers, error, limits):
    for layer in layers:
        if isinstance(layer, Residual):
            error += error_bound(layer.layers, error, limits)
        elif isinstance(layer, Dense | Conv2D):
            n_outputs = layer.weights.shape[-1]
            error = np.abs(layer.weights).reshape(-1, n_outputs).sum(axis=0).max() * (error + next(limits))
    return error


@pytest.mark.nojit
@pytest.mark.parametrize("seed", [2, 5])
def test_small_ones_as_plain_python(seed, dtype):
    layers, shape = random_network(seed)
    X = stream_of(shape, seed, dtype, n_rows=3)
    network = DeltaNetwork(layers, input_shape=shape).fit(X[:1])
    expected = network.dense(X)
    assert np.abs(network.transform(X) - expected).max() <= CLOSE[dtype] * max(np.abs(expected).max(), 1)


def test_streams_end_with_a_row_that_is_refused():
    layers, shape = random_network(5)
    X = stream_of(shape, 5, np.float64)
    network = DeltaNetwork(layers, threshold=0.1, input_shape=shape).fit(X)
    rows = [*X[:3], X[3].astype(np.float32), X[4], np.full_like(X[0], np.nan), X[5]]
    stream = network.stream(rows)
    found = [next(stream) for _ in range(5)]
    with pytest.raises(ValueError, match="finite numbers"):
        next(stream)
    np.testing.assert_allclose(found, network.transform(X)[:5], atol=1e-5)
