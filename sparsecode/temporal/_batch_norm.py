"""Normalisation of batches with fixed statistics, as part of the layer before it."""

import dataclasses

import numpy as np

from .layers import Conv2D, Dense, as_bias


def fold_batch_norm(layer, *, gamma, beta, mean, variance, epsilon=1e-3):
    """Return a layer that also does the batch normalisation after it, with fixed statistics.

    ``gamma (y - mean) / sqrt(variance + epsilon) + beta`` of the outputs y.

    Parameters
    ----------
    layer : Dense or Conv2D
    gamma, beta, mean, variance : array-like of shape (n_outputs,)
    epsilon : float, default=1e-3

    Returns
    -------
    Dense or Conv2D

    Raises
    ------
    ValueError
        If an array has another shape, or ``variance + epsilon`` is not > 0.

    Examples
    --------
    >>> from sparsecode.temporal import Dense, fold_batch_norm
    >>> layer = fold_batch_norm(Dense([[2.0]]), gamma=[3], beta=[1], mean=[4], variance=[1], epsilon=0)
    >>> layer.dense(layer.weights[:0].reshape(0, 1)).shape, layer.weights.tolist(), layer.bias.tolist()
    ((0, 1), [[6.0]], [-11.0])
    """
    if not isinstance(layer, Dense | Conv2D):
        raise ValueError(f"`layer` must be a Dense or Conv2D, got {layer!r:.60}.")
    gamma, beta, mean, variance = (as_bias(values, layer.weights) for values in (gamma, beta, mean, variance))
    if not (variance + epsilon > 0).all():
        raise ValueError(f"`variance` + `epsilon` must be > 0, got {(variance + epsilon).min()}.")
    gain = gamma / np.sqrt(variance + epsilon)
    return dataclasses.replace(layer, weights=layer.weights * gain, bias=(layer.bias - mean) * gain + beta)
