"""Layers by loops over single numbers."""

import numpy as np


def conv2d(a, weights, bias, stride, margins):
    """Sums over windows of one image."""
    height, width, _, n_maps = weights.shape
    rows = (a.shape[0] + 2 * margins[0] - height) // stride + 1
    columns = (a.shape[1] + 2 * margins[1] - width) // stride + 1
    out = np.zeros((rows, columns, n_maps))
    n_products = np.zeros(a.shape, int)
    for p, q in np.ndindex(rows, columns):
        out[p, q] = bias
        for tap_row, tap_column in np.ndindex(height, width):
            i, j = p * stride + tap_row - margins[0], q * stride + tap_column - margins[1]
            if 0 <= i < a.shape[0] and 0 <= j < a.shape[1]:
                out[p, q] += a[i, j] @ weights[tap_row, tap_column]
                n_products[i, j] += n_maps
    return out, n_products


def delta_outputs(X, weights, bias, thresholds):
    """Outputs of a network of dense layers with ReLU between them, each fed with changes; and what was sent."""
    received = [np.zeros(len(W)) for W in weights]
    out, sent = [], []
    for t, x in enumerate(X):
        a, n_sent = x, []
        for number, (W, b) in enumerate(zip(weights, bias, strict=True)):
            change = a - received[number]
            sends = np.abs(change) > (0 if t == 0 else thresholds[number])
            received[number] = np.where(sends, a, received[number])
            n_sent.append(sends.sum())
            z = received[number] @ W + b
            a = np.maximum(z, 0)
        out.append(z)
        sent.append(n_sent)
    return np.array(out), np.array(sent)
