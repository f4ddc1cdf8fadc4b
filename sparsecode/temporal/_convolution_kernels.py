"""Kernels of convolutions that are fed with events.

Neighbouring outputs of a row, with all their maps, are a block of `BLOCK` sums that are kept in registers. It sees some
columns of the image, and of each row of the image the inputs in these columns lie together, and so do the events among
them. What an input adds to the block is a row of weights. An image of which much has changed is computed anew, four
blocks at a time, which share the rows of weights that they read.
"""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from ._event_kernels import outlived, send

#: Numbers of a block, four registers of the widest kind in float32.
BLOCK = 64

#: Share of the inputs that have changed from which all sums are computed anew.
MOST = 0.5


class Convolution(NamedTuple):
    """A convolution of images of one size."""

    weights: np.ndarray  # (n_parts, kernel_height, n_columns * n_channels, BLOCK): more maps than BLOCK are in parts
    bias: np.ndarray  # (n_parts, BLOCK)
    height: int  # of the image
    width: int
    n_maps: int
    n_pixels: int  # outputs of a block
    n_columns: int  # of the image that a block sees
    stride: int
    top: int  # zeros above
    left: int


class Work(NamedTuple):
    """Work arrays of a convolution."""

    begins: np.ndarray  # (height, width + 1) int32: the first event at or after each pixel of a row
    sums: np.ndarray  # (4, BLOCK)


def _index_events(places, n_channels, begins):
    """Write where the events of each pixel begin."""
    n, m, place = places.shape[0], np.int64(0), np.int64(0)
    for i in range(begins.shape[0]):
        for j in range(begins.shape[1] - 1):
            while m < n and places[m] < place:
                m += 1
            begins[i, j] = m
            place += n_channels
        while m < n and places[m] < place:
            m += 1
        begins[i, begins.shape[1] - 1] = m


def _add_events(W, places, deltas, first, sums):
    """Add rows of W times their changes to a block, for places counted from `first`."""
    for m in range(places.shape[0]):
        j = np.int64(places[m])
        d, row = deltas[j], W[j - first]
        for i in range(BLOCK):
            sums[i] += d * row[i]


def _add_window(W, x, sums):
    """Add rows of W times their inputs to a block."""
    for k in range(x.shape[0]):
        a, row = x[k], W[k]
        for i in range(BLOCK):
            sums[i] += a * row[i]


def _add_windows(W, x0, x1, x2, x3, s0, s1, s2, s3):
    """Add rows of W times the inputs of four windows to four blocks."""
    for k in range(W.shape[0]):
        a0, a1, a2, a3, row = x0[k], x1[k], x2[k], x3[k], W[k]
        for i in range(BLOCK):
            s0[i] += a0 * row[i]
            s1[i] += a1 * row[i]
            s2[i] += a2 * row[i]
            s3[i] += a3 * row[i]


def _add_changes(layer, begins, events, work, z):
    """Bring sums, as rows of pixels and maps, up to date by events."""
    width, n_columns = layer.width, layer.n_columns
    n_channels, step = layer.weights.shape[2] // n_columns, layer.n_pixels * layer.stride
    whole, zero, scratch = layer.n_pixels * layer.n_maps, z.dtype.type(0), work.sums[0]
    for p in range(z.shape[0]):
        for part in range(layer.weights.shape[0]):
            for tap in range(layer.weights.shape[1]):
                i = p * layer.stride + tap - layer.top
                if i < 0 or i >= layer.height or begins[i, 0] == begins[i, width]:
                    continue
                W, row, left = layer.weights[part, tap], begins[i], -layer.left
                for at in range(part * BLOCK, z.shape[1], whole):
                    m, end = row[min(max(left, 0), width)], row[min(max(left + n_columns, 0), width)]
                    if m < end:
                        places, first = events.places[m:end], (i * width + left) * n_channels
                        n = min(BLOCK, whole - part * BLOCK, z.shape[1] - at)
                        if n == BLOCK:
                            add_events(W, places, events.deltas, first, z[p, at : at + BLOCK])
                        else:
                            for k in range(BLOCK):
                                scratch[k] = zero
                            add_events(W, places, events.deltas, first, scratch)
                            for k in range(n):
                                z[p, at + k] += scratch[k]
                    left += step


def _add_row(W, x, left, step, n_columns, n_channels, sums):
    """Add what a row of the image adds to four blocks, the first of which sees it from column `left` on."""
    width, n = x.shape[0] // n_channels, n_columns * n_channels
    if left >= 0 and left + 3 * step + n_columns <= width:
        k0, k1, k2, k3 = (
            left * n_channels,
            (left + step) * n_channels,
            (left + 2 * step) * n_channels,
            (left + 3 * step) * n_channels,
        )
        windows = x[k0 : k0 + n], x[k1 : k1 + n], x[k2 : k2 + n], x[k3 : k3 + n]
        add_windows(W, windows[0], windows[1], windows[2], windows[3], sums[0], sums[1], sums[2], sums[3])
        return
    for b in range(4):
        start = left + b * step
        first, last = max(start, 0), min(start + n_columns, width)
        if first < last:
            seen = W[(first - start) * n_channels : (last - start) * n_channels]
            add_window(seen, x[first * n_channels : last * n_channels], sums[b])


def _compute_sums(layer, image, work, z):
    """Compute sums, as rows of pixels and maps, from all inputs, given as rows of pixels and channels."""
    n_channels, step = image.shape[1] // layer.width, layer.n_pixels * layer.stride
    whole = layer.n_pixels * layer.n_maps
    for p in range(z.shape[0]):
        for part in range(layer.weights.shape[0]):
            left = -layer.left
            for four in range(part * BLOCK, z.shape[1], 4 * whole):
                for b in range(4):
                    for k in range(BLOCK):
                        work.sums[b, k] = layer.bias[part, k]
                for tap in range(layer.weights.shape[1]):
                    i = p * layer.stride + tap - layer.top
                    if i >= 0 and i < layer.height:
                        W = layer.weights[part, tap]
                        add_row(W, image[i], left, step, layer.n_columns, n_channels, work.sums)
                for b in range(4):
                    at = four + b * whole
                    for k in range(min(BLOCK, whole - part * BLOCK, z.shape[1] - at)):
                        z[p, at + k] = work.sums[b, k]
                left += 4 * step


def _convolution_stream(X, thresholds, fresh, layer, received, z, peak, events, work, Z, counts):
    """Write the sums of a convolution for each row of X, and the number of events of each.

    Where `fresh` is 1, a large input has gone, or much has changed, sums are computed anew from all that was received.
    """
    image, n_out = received.reshape(layer.height, received.shape[0] // layer.height), Z.shape[1]
    sums = z.reshape(n_out, z.shape[0] // n_out)
    n_channels = image.shape[1] // layer.width
    for t in range(X.shape[0]):
        n = send(X[t], thresholds[t], received, events)
        counts[t] = n
        if outlived(received, events, n, fresh[t] != 0, peak) or n > MOST * received.shape[0]:
            compute_sums(layer, image, work, sums)
        elif n:
            index_events(events.places[:n], n_channels, work.begins)
            add_changes(layer, work.begins, events, work, sums)
        for p in range(n_out):
            for k in range(sums.shape[1]):
                Z[t, p, k] = sums[p, k]


index_events = kernel(_index_events)
add_events = kernel(_add_events, disjoint=True)
add_window = kernel(_add_window, disjoint=True)
add_windows = kernel(_add_windows, disjoint=True)
add_changes = kernel(_add_changes)
add_row = kernel(_add_row)
compute_sums = kernel(_compute_sums)
convolution_stream = kernel(_convolution_stream)
