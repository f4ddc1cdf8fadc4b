"""Streams and networks that tests of delta networks share."""

import itertools

import numpy as np

from sparsecode.temporal import Activation, Conv2D, Dense, Flatten, Pool2D, Residual


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


def chain_layers(strides=(1, 1, 1), paddings=("same", "same", "same"), seed=1):
    rng = np.random.default_rng(seed)
    shapes = (3, 3, 2, 16), (5, 5, 16, 33), (3, 3, 33, 4)
    first, second, third = (
        Conv2D(rng.normal(size=s) / np.sqrt(s[2] * 9), rng.normal(size=s[3]), stride, padding)
        for s, stride, padding in zip(shapes, strides, paddings, strict=True)
    )
    return [first, Activation("relu"), second, Activation("identity"), third]
