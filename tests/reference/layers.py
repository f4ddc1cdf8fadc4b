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


def quantized_outputs(X, weights, bias, steps):
    """Outputs of the same network with inputs of layers rounded to steps; and how many differ from the row before."""
    before = [np.zeros(len(W)) for W in weights]
    out, sent = [], []
    for a in X:
        n_sent = []
        for number, (W, b, step) in enumerate(zip(weights, bias, steps, strict=True)):
            q = np.array([step * round(number / step) for number in a])
            n_sent.append(sum(q != before[number]))
            before[number] = q
            z = q @ W + b
            a = np.maximum(z, 0)
        out.append(z)
        sent.append(n_sent)
    return np.array(out), np.array(sent)


def loss_with_price(arrays, X, targets, later, *, rounded, penalty, scale):
    """Mean cross-entropy of rows, and the price of changes of the inputs of layers, layer by layer and row by row.

    `rounded` is what is done with the inputs of each layer, by its number; the first are then ``q / scale[1] -
    scale[0]``. Weights are (n_units, n_inputs).
    """
    weights, bias, loss, seen = arrays[::2], arrays[1::2], 0.0, []
    for a, target in zip(X, targets, strict=True):
        seen.append([])
        for number, (W, b) in enumerate(zip(weights, bias, strict=True)):
            q = rounded(number, len(seen) - 1, a)
            q = q if number else q / scale[1] - scale[0]
            seen[-1].append(q)
            z = W @ q + b
            a = np.maximum(z, 0)
        loss -= (z[target] - np.log(np.exp(z).sum())) / len(X)
    products = sum(W.size for W in weights)
    for t in later:
        for W, q, last in zip(weights, seen[t], seen[t - 1], strict=True):
            loss += penalty * len(W) * np.abs(q - last).sum() / products / len(later)
    return loss
