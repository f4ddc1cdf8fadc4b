"""Kernels of convolutions that are fed with events.

Neighbouring outputs of a row, with all their maps, are a block of sums that is kept in registers. It sees some columns
of the image, and of each row of the image the inputs in these columns lie together, and so do the events among them.
What an input adds to a block is a row of weights. Events of a row of the image are added to the blocks of three rows of
outputs at once. An image of which much has changed is computed anew, four blocks at a time, which share the rows of
weights that they read.
"""

from typing import NamedTuple

import numpy as np

from .._core.bits import count_bits
from .._core.jit import kernel
from ._event_kernels import THRESHOLD, WORD, copy_sums, is_due, outlived, send

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
    n_rows: int  # of outputs


class Work(NamedTuple):
    """Work arrays of a convolution."""

    begins: np.ndarray  # (height, n_seen + 1) int32: the first event at or after each pixel that blocks of a row see
    sums: np.ndarray  # (4, BLOCK)
    spare: np.ndarray  # (3, length of a row of sums)
    line: np.ndarray  # what four blocks see of a row of the image
    touched: np.ndarray  # uint8: which words of sums, 64 numbers, may have changed with the last row


def _index_events(events, n, n_channels, n_left, width, begins):
    """Write where the n events of each pixel begin: of rows with columns on both sides, which have none."""
    n_words = np.uint64(events.bits.shape[0])
    for i in range(begins.shape[0]):
        for column in range(begins.shape[1]):
            place = np.uint64((i * width + min(max(column - n_left, 0), width)) * n_channels)
            word, below = place // np.uint64(WORD), (np.uint64(1) << place % np.uint64(WORD)) - np.uint64(1)
            inside = word < n_words
            word = word if inside else np.uint64(0)
            m = events.before[word] + np.int64(count_bits(events.bits[word] & below))
            begins[i, column] = m if inside else n


def _add_events(W0, W1, W2, events, m, end, first, s0, s1, s2):
    """Add rows of weights times changes m to end to three blocks, for places counted from `first`."""
    for event in range(np.uint64(m), np.uint64(end)):
        d, k = events.deltas[event], np.uint64(events.places[event] - first)
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


def _touch(touched, start, n):
    """Note that sums have changed, a block at most: they are in one word or two."""
    touched[np.uint64(start) // np.uint64(WORD)] = np.uint8(1)
    touched[np.uint64(start + n - 1) // np.uint64(WORD)] = np.uint8(1)


def _add_rows_of_blocks(layer, i, tap, part, begins, events, work, z):
    """Add the events of row i of the image to the rows of outputs that see it by `tap` and the two taps after it.

    What there is no row of outputs for is added to a spare one.
    """
    stride, height, length = layer.stride, layer.weights.shape[1], z.shape[1]
    p, n_rows = (i + layer.top - tap) // stride, min((height - 1 - tap) // stride + 1, 3)
    in0, in1, in2 = p >= 0 and p < z.shape[0], p >= 1 and p <= z.shape[0], p >= 2 and p <= z.shape[0] + 1
    in1, in2 = in1 and n_rows > 1, in2 and n_rows > 2
    if not (in0 or in1 or in2):
        return
    z0, z1, z2 = z[p] if in0 else work.spare[0], z[p - 1] if in1 else work.spare[1], z[p - 2] if in2 else work.spare[2]
    beyond = z.shape[0] * length
    at0, at1, at2 = p * length if in0 else beyond, (p - 1) * length if in1 else beyond, (p - 2) * length if in2 else beyond
    W = layer.weights[part]
    W0, W1, W2 = W[tap], W[min(tap + stride, height - 1)], W[min(tap + 2 * stride, height - 1)]
    n_columns, step, whole = layer.n_columns, layer.n_pixels * stride, layer.n_pixels * layer.n_maps
    n_channels = W.shape[1] // n_columns
    column, first, zero = np.int64(0), (i * layer.width - layer.left) * n_channels, z.dtype.type(0)
    for at in range(part * BLOCK, length, whole):
        m, end = np.int64(begins[column]), np.int64(begins[column + n_columns])
        if m < end:
            n, last = min(BLOCK, whole - part * BLOCK, length - at), at + BLOCK
            s0, s1, s2 = work.sums[0], work.sums[1], work.sums[2]
            if n == BLOCK:
                s0, s1, s2 = z0[at:last], z1[at:last], z2[at:last]
            else:
                work.sums[:3] = zero
            add_events(W0, W1, W2, events, m, end, first, s0, s1, s2)
            if n < BLOCK:
                for k in range(n):
                    z0[at + k] += work.sums[0, k]
                    z1[at + k] += work.sums[1, k]
                    z2[at + k] += work.sums[2, k]
            if work.touched.shape[0]:
                touch(work.touched, at0 + at, n)
                touch(work.touched, at1 + at, n)
                touch(work.touched, at2 + at, n)
        column += step
        first += step * n_channels


def _add_changes(layer, begins, events, work, z, Z):
    """Bring sums, as rows of pixels and maps, up to date by events; copy each row to Z, which may have none.

    Returns whether all that is copied is finite.
    """
    done, stride, finite = np.int64(0), layer.stride, True
    for i in range(layer.height):
        if begins[i, 0] < begins[i, begins.shape[1] - 1]:
            for part in range(layer.weights.shape[0]):
                for tap in range((i + layer.top) % stride, layer.weights.shape[1], 3 * stride):
                    add_rows_of_blocks(layer, i, tap, part, begins[i], events, work, z)
        last = (i + layer.top - layer.weights.shape[1] + 1) // stride  # of the rows of sums that no later row adds to
        while done < Z.shape[0] and (done <= last or i == layer.height - 1):
            finite &= copy_sums(z[done], Z[done])
            done += 1
    return finite


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


def _convolution_stream(X, layer, rule, clock, seen, received, z, peak, events, work, Z, counts):
    """Write the sums of a convolution for each row of X, and as rows of `counts` its events and if it was fresh.

    Where `is_due` says so, a large input has gone, or much has changed, sums are computed anew from all that was
    received. Of an input only words that are `seen` may have changed. Z may have no rows. Returned is what
    `dense_stream` returns.
    """
    image, n_out = received.reshape(layer.height, received.shape[0] // layer.height), layer.n_rows
    sums, most = z.reshape(n_out, z.shape[0] // n_out), np.int64(MOST * received.shape[0])
    n_channels = image.shape[1] // layer.width
    for t in range(X.shape[0]):
        first, due = is_due(clock, t)
        threshold = X.dtype.type(0) if first else rule[THRESHOLD]
        n = send(X[t], rule, threshold, seen, received, events, most)
        if n < 0:
            return 2 * t
        counts[t, 0], counts[t, 1] = n, 0
        work.touched[:] = np.uint8(0)
        if outlived(received, events, n, due or n > most, peak):
            counts[t, 1] = 1
            compute_sums(layer, image, work, sums)
            work.touched[:] = np.uint8(1)
            n = 0
        if n:
            index_events(events, n, n_channels, layer.left, layer.width, work.begins)
        else:
            work.begins[:] = np.int32(0)
        out = Z[t].reshape(n_out, sums.shape[1]) if Z.shape[0] else sums[:0]
        if not add_changes(layer, work.begins, events, work, sums, out):
            return 2 * t + 1
    return -1


index_events = kernel(_index_events)
add_events = kernel(_add_events, disjoint=True)
add_windows = kernel(_add_windows, disjoint=True)
touch = kernel(_touch)
add_rows_of_blocks = kernel(_add_rows_of_blocks)
add_changes = kernel(_add_changes)
add_row = kernel(_add_row)
compute_sums = kernel(_compute_sums)
convolution_stream = kernel(_convolution_stream)
