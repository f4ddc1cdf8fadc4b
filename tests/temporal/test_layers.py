"""Layers: shapes, dense computation, what is refused."""

import numpy as np
import pytest

from sparsecode.temporal import Activation, Conv2D, Dense, Flatten, Pool2D, Residual, fold_batch_norm

from ..reference.layers import conv2d


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("kernel", "stride", "padding"),
    [((3, 3), 1, "same"), ((5, 3), 1, "same"), ((2, 4), 1, 0), ((3, 3), 2, 1), ((2, 2), 3, 2), ((1, 1), 2, 0)],
)
def test_convolution_by_loops(kernel, stride, padding, rng):
    layer = Conv2D(rng.normal(size=(*kernel, 2, 3)), rng.normal(size=3), stride, padding)
    A = rng.normal(size=(4, 7, 6, 2))
    for a, out in zip(A, layer.dense(A), strict=True):
        expected, n_products = conv2d(a, layer.weights, layer.bias, stride, layer.margins)
        np.testing.assert_allclose(out, expected, atol=1e-12)
        assert layer.out_shape(a.shape) == expected.shape
        np.testing.assert_array_equal(layer.fan_out(a.shape), n_products)


def test_batch_normalisation_is_folded(rng):
    layer = Conv2D(rng.normal(size=(3, 3, 2, 4)), rng.normal(size=4), stride=2)
    gamma, beta, mean, variance = rng.normal(size=(4, 4)) ** 2
    A = rng.normal(size=(3, 8, 8, 2))
    expected = gamma * (layer.dense(A) - mean) / np.sqrt(variance + 1e-3) + beta
    folded = fold_batch_norm(layer, gamma=gamma, beta=beta, mean=mean, variance=variance)
    assert folded.stride == 2
    np.testing.assert_allclose(folded.dense(A), expected, atol=1e-12)
    with pytest.raises(ValueError, match="4 finite numbers"):
        fold_batch_norm(layer, gamma=gamma[:3], beta=beta, mean=mean, variance=variance)
    with pytest.raises(ValueError, match="must be > 0"):
        fold_batch_norm(layer, gamma=gamma, beta=beta, mean=mean, variance=-variance)
    with pytest.raises(ValueError, match="a Dense or Conv2D"):
        fold_batch_norm(Flatten(), gamma=gamma, beta=beta, mean=mean, variance=variance)


def test_pooling_leaves_borders_out(rng):
    A = rng.normal(size=(2, 5, 7, 3))
    largest, mean = Pool2D(2).dense(A), Pool2D(2, "mean").dense(A)
    assert largest.shape == mean.shape == (2, 2, 3, 3)
    np.testing.assert_array_equal(largest[1, 1, 2], A[1, 2:4, 4:6].max(axis=(0, 1)))
    np.testing.assert_allclose(mean[1, 1, 2], A[1, 2:4, 4:6].mean(axis=(0, 1)))


def test_activations(rng):
    A = rng.normal(size=(5, 3))
    np.testing.assert_allclose(Activation("softmax").dense(1e4 * A).sum(axis=1), 1)
    np.testing.assert_allclose(Activation("logistic").dense(A), 1 / (1 + np.exp(-A)))
    np.testing.assert_array_equal(Activation("tanh").dense(A), np.tanh(A))
    assert Activation("identity").dense(A) is A


def test_layers_are_values(rng):
    W = rng.normal(size=(3, 2))
    layer = Dense(W)
    W[0] = 7
    assert layer != Dense(W)
    assert layer == Dense(layer.weights.copy())
    assert Residual([layer, Activation("relu")]) == Residual((Dense(layer.weights), Activation("relu")))
    assert Flatten() == Flatten() != Pool2D()
    with pytest.raises(ValueError, match="read-only"):
        layer.weights[0] = 1
    assert repr(Residual([Conv2D(np.ones((3, 3, 2, 2)))])) == "Residual(layers=(Conv2D(3 x 3, 2 -> 2),))"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: Dense([1.0, 2.0]), r"shape \(n_inputs, n_outputs\)"),
        (lambda: Dense([[np.nan]]), "finite"),
        (lambda: Dense([[1.0, 2.0]], [1.0]), "2 finite numbers"),
        (lambda: Conv2D(np.ones((3, 3))), "kernel_height"),
        (lambda: Conv2D(np.ones((3, 2, 1, 1))), "odd sides"),
        (lambda: Conv2D(np.ones((3, 3, 1, 1)), stride=0), "`stride` must be an int >= 1"),
        (lambda: Conv2D(np.ones((3, 3, 1, 1)), padding="valid"), "'same' or an int >= 0"),
        (lambda: Conv2D(np.ones((3, 3, 1, 1)), stride=True), "`stride` must be an int >= 1, got True"),
        (lambda: Conv2D(np.ones((3, 3, 1, 1)), padding=True), "'same' or an int >= 0, got True"),
        (lambda: Pool2D(True), "`size` must be an int >= 1, got True"),
        (lambda: Activation("gelu"), "must be one of identity, relu"),
        (lambda: Pool2D(0), "`size` must be an int"),
        (lambda: Pool2D(2, "min"), "'max' or 'mean'"),
        (lambda: Residual([]), "one at least"),
        (lambda: Residual([Dense([[1.0]]), "relu"]), "must be layers"),
        (lambda: Dense(np.ones((3, 2))).out_shape((4, 4, 3)), "a Flatten may be missing"),
        (lambda: Conv2D(np.ones((3, 3, 2, 1))).out_shape((5, 5, 1)), r"images \(height, width, 2\)"),
        (lambda: Conv2D(np.ones((7, 7, 1, 1)), padding=0).out_shape((5, 5, 1)), "larger than its input"),
        (lambda: Pool2D(4).out_shape((3, 9, 1)), "of that size at least"),
        (lambda: Residual([Dense(np.ones((3, 2)))]).out_shape((3,)), "must keep the shape"),
    ],
)
def test_what_does_not_fit_is_refused(make, reason):
    with pytest.raises(ValueError, match=reason):
        make()
