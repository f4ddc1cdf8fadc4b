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
    sums: np.ndarray  # (5, BLOCK)
    spare: np.ndarray  # (5, length of a row of sums)
    line: np.ndarray  # what four blocks see of a row of the image
    touched: np.ndarray  # uint8: which words of sums, 64 numbers, may have changed with the last row


def _index_events(events, n, n_channels, n_left, width, begins):
    """Write where the n events of each pixel begin: of rows with columns on both sides, which have none."""
    n_words, place = np.uint64(events.bits.shape[0]), np.uint64(0)
    for i in range(begins.shape[0]):
        for column in range(begins.shape[1]):
            word, below = place // np.uint64(WORD), (np.uint64(1) << place % np.uint64(WORD)) - np.uint64(1)
            inside = word < n_words
            word = word if inside else np.uint64(0)
            m = events.before[word] + np.int64(count_bits(events.bits[word] & below))
            begins[i, column] = m if inside else n
            place += np.uint64(n_channels if column >= n_left and column < n_left + width else 0)
        place = np.uint64((i + 1) * width * n_channels)


def _add_three(W, tap, stride, events, m, end, first, s0, s1, s2):
    """Add rows of weights times changes m to end to three blocks, for places counted from `first`."""
    last = W.shape[0] - 1
    W0, W1, W2 = W[tap], W[min(tap + stride, last)], W[min(tap + 2 * stride, last)]
    for event in range(np.uint64(m), np.uint64(end)):
        d, k = events.deltas[event], np.uint64(events.places[event] - first)
        r0, r1, r2 = W0[k], W1[k], W2[k]
        for i in range(BLOCK):
            s0[i] += d * r0[i]
            s1[i] += d * r1[i]
            s2[i] += d * r2[i]


def _add_five(W, tap, stride, events, m, end, first, s0, s1, s2, s3, s4):
    """Do the same for five blocks."""
    last = W.shape[0] - 1
    W0, W1, W2 = W[tap], W[min(tap + stride, last)], W[min(tap + 2 * stride, last)]
    W3, W4 = W[min(tap + 3 * stride, last)], W[min(tap + 4 * stride, last)]
    for event in range(np.uint64(m), np.uint64(end)):
        d, k = events.deltas[event], np.uint64(events.places[event] - first)
        r0, r1, r2, r3, r4 = W0[k], W1[k], W2[k], W3[k], W4[k]
        for i in range(BLOCK):
            s0[i] += d * r0[i]
            s1[i] += d * r1[i]
            s2[i] += d * r2[i]
            s3[i] += d * r3[i]
            s4[i] += d * r4[i]


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


def _add_rows_of_blocks(layer, i, tap, part, n_rows, begins, events, work, z):
    """Add the events of row i of the image to the rows of outputs that see it by `tap` and those after it.

    These are three or five at a time; what there is no row of outputs for is added to a spare one.
    """
    stride, length, spare, W = layer.stride, z.shape[1], work.spare, layer.weights[part]
    p = (i + layer.top - tap) // stride
    if p < 0 or p - n_rows >= z.shape[0]:
        return
    low, high = max(p - n_rows + 1, 0), min(p, z.shape[0] - 1)
    z0 = z[p] if p <= high else spare[0]
    z1 = z[p - 1] if p - 1 >= low and p - 1 <= high else spare[1]
    z2 = z[p - 2] if p - 2 >= low and p - 2 <= high else spare[2]
    z3 = z[p - 3] if p - 3 >= low and p - 3 <= high else spare[3]
    z4 = z[p - 4] if p - 4 >= low and p - 4 <= high else spare[4]
    n_columns, step, whole = layer.n_columns, layer.n_pixels * stride, layer.n_pixels * layer.n_maps
    n_channels = W.shape[1] // n_columns
    column, first, zero = np.int64(0), (i * layer.width - layer.left) * n_channels, z.dtype.type(0)
    for at in range(part * BLOCK, length, whole):
        m, end = np.int64(begins[column]), np.int64(begins[column + n_columns])
        if m < end:
            n, last = min(BLOCK, whole - part * BLOCK, length - at), at + BLOCK
            s0, s1, s2, s3, s4 = work.sums[0], work.sums[1], work.sums[2], work.sums[3], work.sums[4]
            if n == BLOCK:
                s0, s1, s2, s3, s4 = z0[at:last], z1[at:last], z2[at:last], z3[at:last], z4[at:last]
            else:
                work.sums[:] = zero
            if n_rows > 3:
                add_five(W, tap, stride, events, m, end, first, s0, s1, s2, s3, s4)
            else:
                add_three(W, tap, stride, events, m, end, first, s0, s1, s2)
            if n < BLOCK:
                for k in range(n):
                    z0[at + k] += s0[k]
                    z1[at + k] += s1[k]
                    z2[at + k] += s2[k]
                    z3[at + k] += s3[k]
                    z4[at + k] += s4[k]
            if work.touched.shape[0]:
                for row in range(low, high + 1):
                    touch(work.touched, row * length + at, n)
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
                tap, height = (i + layer.top) % stride, layer.weights.shape[1]
                while tap < height:
                    n_taps = (height - 1 - tap) // stride + 1
                    n_rows = min(n_taps, 5 if n_taps > 3 else 3)
                    add_rows_of_blocks(layer, i, tap, part, n_rows, begins[i], events, work, z)
                    tap += n_rows * stride
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
    """Write the sums of a convolution for each row of X, and as rows of `counts` its events and -1.

    Where `is_due` says so, a large input has gone, or much has changed, sums are computed anew from all that was
    received: then all inputs are counted instead of -1. Of an input only words that are `seen` may have changed. Z may
    have no rows. Returned is what `dense_stream` returns.
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
        counts[t, 0], counts[t, 1] = n, -1
        work.touched[:] = np.uint8(0)
        if outlived(received, events, n, due or n > most, peak):
            counts[t, 1] = received.shape[0]
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
add_three = kernel(_add_three, disjoint=True)
add_five = kernel(_add_five, disjoint=True)
add_windows = kernel(_add_windows, disjoint=True)
touch = kernel(_touch)
add_rows_of_blocks = kernel(_add_rows_of_blocks)
add_changes = kernel(_add_changes)
add_row = kernel(_add_row)
compute_sums = kernel(_compute_sums)
convolution_stream = kernel(_convolution_stream)
