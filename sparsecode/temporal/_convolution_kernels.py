"""Kernels of convolutions that are fed with events.

Neighbouring outputs of a row, with all their maps, are a block of sums that is kept in registers. It sees some columns
of the image, and of each row of the image the inputs in these columns lie together, and so do the events among them.
What an input adds to a block is a row of weights. Events of a row of the image are added to the blocks of three rows of
outputs at once. An image of which much has changed is computed anew, four blocks at a time, which share the rows of
weights that they read.
"""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from ._event_kernels import outlived, send

#: Numbers of a block, two registers of the widest kind in float32: with more, weights of blocks have more zeros.
BLOCK = 32

#: Share of the inputs that have changed from which all sums are computed anew.
MOST = 0.4


class Convolution(NamedTuple):
    """A convolution of images of one size."""

    weights: np.ndarray  # (n_parts, kernel_height, n_columns * n_channels, block): more maps than a block are in parts
    bias: np.ndarray  # (n_parts, block)
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
    line: np.ndarray  # what four blocks see of a row of the image


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


def _add_events(W0, W1, W2, places, deltas, first, s0, s1, s2):
    """Add rows of weights times their changes to three blocks, for places counted from `first`."""
    for m in range(places.shape[0]):
        d, k = deltas[m], np.int64(places[m]) - first
        r0, r1, r2 = W0[k], W1[k], W2[k]
        for i in range(BLOCK):
            s0[i] += d * r0[i]
            s1[i] += d * r1[i]
            s2[i] += d * r2[i]


def _add_windows(W, x0, x1, x2, x3, s0, s1, s2, s3):
    """Add rows of W times the inputs of four windows to four blocks."""
    for k in range(W.shape[0]):
        a0, a1, a2, a3, row = x0[k], x1[k], x2[k], x3[k], W[k]
        for i in range(BLOCK):
            s0[i] += a0 * row[i]
            s1[i] += a1 * row[i]
            s2[i] += a2 * row[i]
            s3[i] += a3 * row[i]


def _add_rows_of_blocks(layer, i, tap, part, begins, events, work, z):
    """Add the events of row i of the image to the rows of outputs that see it by `tap` and the two taps after it."""
    width, n_columns, stride, height = layer.width, layer.n_columns, layer.stride, layer.weights.shape[1]
    n_channels, step = layer.weights.shape[2] // n_columns, layer.n_pixels * stride
    whole, zero, left = layer.n_pixels * layer.n_maps, z.dtype.type(0), -layer.left
    taps = tap, min(tap + stride, height - 1), min(tap + 2 * stride, height - 1)
    p = (i + layer.top - tap) // stride
    n_rows = min((height - 1 - tap) // stride + 1, 3)
    W0, W1, W2 = layer.weights[part, taps[0]], layer.weights[part, taps[1]], layer.weights[part, taps[2]]
    for at in range(part * BLOCK, z.shape[1], whole):
        m, end = begins[min(max(left, 0), width)], begins[min(max(left + n_columns, 0), width)]
        if m < end:
            n, first = min(BLOCK, whole - part * BLOCK, z.shape[1] - at), (i * width + left) * n_channels
            places, deltas = events.places[m:end], events.deltas[m:end]
            s0, s1, s2 = work.sums[0], work.sums[1], work.sums[2]
            if n == BLOCK and n_rows == 3 and p - 2 >= 0 and p < z.shape[0]:
                last = at + BLOCK
                s0, s1, s2 = z[p, at:last], z[p - 1, at:last], z[p - 2, at:last]
                add_events(W0, W1, W2, places, deltas, first, s0, s1, s2)
            else:
                work.sums[:3] = zero
                add_events(W0, W1, W2, places, deltas, first, s0, s1, s2)
                for row in range(n_rows):
                    if p - row >= 0 and p - row < z.shape[0]:
                        for k in range(n):
                            z[p - row, at + k] += work.sums[row, k]
        left += step


def _add_changes(layer, begins, events, work, z):
    """Bring sums, as rows of pixels and maps, up to date by events."""
    for part in range(layer.weights.shape[0]):
        for i in range(layer.height):
            if begins[i, 0] < begins[i, layer.width]:
                first = (i + layer.top) % layer.stride
                for tap in range(first, layer.weights.shape[1], 3 * layer.stride):
                    add_rows_of_blocks(layer, i, tap, part, begins[i], events, work, z)


def _add_row(W, x, left, step, n_columns, n_channels, line, sums):
    """Add what a row of the image adds to four blocks, the first of which sees it from column `left` on."""
    width, n, zero = x.shape[0] // n_channels, n_columns * n_channels, x.dtype.type(0)
    last = left + 3 * step + n_columns
    if left < 0 or last > width:  # with zeros around
        line[:] = zero
        for k in range(max(left, 0) * n_channels, min(last, width) * n_channels):
            line[k - left * n_channels] = x[k]
    else:
        line = x[left * n_channels : last * n_channels]
    m = step * n_channels
    windows = line[:n], line[m : m + n], line[2 * m : 2 * m + n], line[3 * m : 3 * m + n]
    add_windows(W, windows[0], windows[1], windows[2], windows[3], sums[0], sums[1], sums[2], sums[3])


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
                        add_row(W, image[i], left, step, layer.n_columns, n_channels, work.line, work.sums)
                for b in range(4):
                    at = four + b * whole
                    for k in range(min(BLOCK, whole - part * BLOCK, z.shape[1] - at)):
                        z[p, at + k] = work.sums[b, k]
                left += 4 * step


def _convolution_stream(X, thresholds, fresh, layer, received, z, peak, events, work, Z, counts):
    """Write the sums of a convolution for each row of X, and as rows of `counts` its events and if it was fresh.

    Where `fresh` is 1, a large input has gone, or much has changed, sums are computed anew from all that was received.
    """
    image, n_out = received.reshape(layer.height, received.shape[0] // layer.height), Z.shape[1]
    sums, most = z.reshape(n_out, z.shape[0] // n_out), np.int64(MOST * received.shape[0])
    n_channels = image.shape[1] // layer.width
    for t in range(X.shape[0]):
        n = send(X[t], thresholds[t], received, events, most)
        counts[0, t], counts[1, t] = n, 0
        if outlived(received, events, n, fresh[t] != 0 or n > most, peak):
            counts[1, t] = 1
            compute_sums(layer, image, work, sums)
        elif n:
            index_events(events.places[:n], n_channels, work.begins)
            add_changes(layer, work.begins, events, work, sums)
        for p in range(n_out):
            for k in range(sums.shape[1]):
                Z[t, p, k] = sums[p, k]


index_events = kernel(_index_events)
add_events = kernel(_add_events, disjoint=True)
add_windows = kernel(_add_windows, disjoint=True)
add_rows_of_blocks = kernel(_add_rows_of_blocks)
add_changes = kernel(_add_changes)
add_row = kernel(_add_row)
compute_sums = kernel(_compute_sums)
convolution_stream = kernel(_convolution_stream)
