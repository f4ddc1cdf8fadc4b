"""Convolutions that read the sums of each other."""

import numpy as np
import pytest

from sparsecode.temporal import Activation, Conv2D, DeltaNetwork, Pool2D, Residual

from .networks import chain_layers, stream


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
    counts, wanted = chain.ops_report(X, groups=groups), others.ops_report(X, groups=groups)
    for name in ("delta", "refresh", "first", "density"):
        np.testing.assert_array_equal(counts[name], wanted[name])


def test_sums_within_a_chain_that_overflow_are_an_error():
    """Rectified, they would be zeros."""
    layers = [Conv2D(np.full((1, 1, 1, 1), 1e3)), Activation("relu"), Conv2D(np.ones((1, 1, 1, 1)))]
    X = np.zeros((3, 16), np.float32)
    X[1, 3] = -8e36
    network = DeltaNetwork(layers, input_shape=(4, 4)).fit(X[:1])
    for call in network.transform, lambda X: list(network.stream(X)), network.fit:
        with pytest.raises(ValueError, match="layers overflow float32, first for row 1"):
            call(X)
