"""Kernels of layers that are fed with events: send on delta, and sums brought up to date where inputs have changed."""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel

#: How many times smaller all inputs are when a change that has been is said to dwarf them.
DWARFED = 64.0


class Events(NamedTuple):
    """Work arrays: what has changed in one row."""

    deltas: np.ndarray  # (n_inputs,) of the dtype of the input; only those at `places` count
    places: np.ndarray  # (n_inputs,) int32: where something is sent, in order


class Window(NamedTuple):
    """Shapes of a convolution."""

    height: int  # of the input
    width: int
    stride: int
    top: int  # zeros above
    left: int


def _send(x, threshold, received, events):
    """Write by how much the input differs from what was received, where that exceeds the threshold; count.

    Changes are few: they are looked for in whole registers, and noted as bits of a number.
    """
    n, deltas, places = np.int64(0), events.deltas, events.places
    whole = x.shape[0] - x.shape[0] % 16
    for start in range(0, whole, 16):
        new, old = x[start : start + 16], received[start : start + 16]
        bits = np.int32(0)
        for k in range(16):
            bits |= np.int32(abs(new[k] - old[k]) > threshold) << np.int32(k)
        j = start
        while bits:
            if bits & 1:
                deltas[j] = x[j] - received[j]
                received[j] = x[j]
                places[n] = j
                n += 1
            bits >>= 1
            j += 1
    for j in range(whole, x.shape[0]):
        e = x[j] - received[j]
        if abs(e) > threshold:
            deltas[j] = e
            received[j] = x[j]
            places[n] = j
            n += 1
    return n


def _find(values, places):
    """Write the places of values that are not 0, in order, and count them."""
    n = np.int64(0)
    for j in range(values.shape[0]):
        places[n] = j
        n += np.int64(values[j] != 0)
    return n


def _outlived(received, events, n, fresh, peak):
    """Keep the largest change since sums were computed anew; tell whether it dwarfs all that is received now.

    What such a change has left of rounding in the sums then counts, so they are due to be computed anew.
    """
    zero, scale = received.dtype.type(0), received.dtype.type(DWARFED)
    for m in range(n):
        peak[0] = max(peak[0], abs(events.deltas[events.places[m]]))
    if not fresh:
        if n == 0 or peak[0] == zero:
            return False
        near = np.int32(0)
        for j in range(received.shape[0]):
            near += np.int32(abs(received[j]) * scale > peak[0])
        if near:
            return False
    peak[0] = zero
    for j in range(received.shape[0]):
        peak[0] = max(peak[0], abs(received[j]))
    return True


def _add_rows(W, places, values, z):
    """Add rows of W times their values, eight at a time: sums are loaded and stored once for them."""
    n = places.shape[0]
    whole = n - n % 8
    for m in range(0, whole, 8):
        j0, j1, j2, j3 = places[m], places[m + 1], places[m + 2], places[m + 3]
        j4, j5, j6, j7 = places[m + 4], places[m + 5], places[m + 6], places[m + 7]
        r0, r1, r2, r3, r4, r5, r6, r7 = W[j0], W[j1], W[j2], W[j3], W[j4], W[j5], W[j6], W[j7]
        v0, v1, v2, v3 = values[j0], values[j1], values[j2], values[j3]
        v4, v5, v6, v7 = values[j4], values[j5], values[j6], values[j7]
        for i in range(z.shape[0]):
            half = (v0 * r0[i] + v1 * r1[i]) + (v2 * r2[i] + v3 * r3[i])
            z[i] += half + ((v4 * r4[i] + v5 * r5[i]) + (v6 * r6[i] + v7 * r7[i]))
    for m in range(whole, n):
        row, v = W[places[m]], values[places[m]]
        for i in range(z.shape[0]):
            z[i] += v * row[i]


def _dense_stream(X, W, bias, thresholds, fresh, received, z, peak, events, Z, counts):
    """Write the sums of a dense layer for each row of X, and the number of events of each.

    Where `fresh` is 1, or a large input has gone, sums are computed anew from all that was received.
    """
    for t in range(X.shape[0]):
        n = send(X[t], thresholds[t], received, events)
        counts[t] = n
        values = events.deltas
        if outlived(received, events, n, fresh[t] != 0, peak):
            for i in range(z.shape[0]):
                z[i] = bias[i]
            n = find(received, events.places)
            values = received
        add_rows(W, events.places[:n], values, z)
        for i in range(z.shape[0]):
            Z[t, i] = z[i]


def _add_windows(W, window, events, n, z):
    """Add, for each of n events of an image, its products with the kernels to the sums of the windows that see it.

    The windows of one row that see a pixel follow one another in z, and what is added to them in W[a, phase, channel],
    whose taps are every stride-th of a row of a kernel, the last first.
    """
    n_channels, n_maps, stride = W.shape[2], z.shape[2], window.stride
    n_taps = W.shape[3] // n_maps
    flat = z.reshape(z.shape[0], z.shape[1] * n_maps)
    m = np.int64(0)
    while m < n:
        pixel = np.int64(events.places[m]) // n_channels
        start = pixel * n_channels
        end = m + 1
        while end < n and events.places[end] < start + n_channels:
            end += 1
        i = pixel // window.width
        j = pixel - i * window.width + window.left
        last = j // stride
        phase, first = j - last * stride, last - n_taps + 1
        left, right = max(first, 0), min(last + 1, z.shape[1])
        if left < right:
            cut, end_cut = (left - first) * n_maps, (right - first) * n_maps
            values = events.deltas[start : start + n_channels]
            for a in range(W.shape[0]):
                p = i + window.top - a
                if stride > 1:
                    if p % stride:
                        continue
                    p = p // stride
                if p >= 0 and p < z.shape[0]:
                    sums = flat[p][left * n_maps : right * n_maps]
                    add_channels(W[a, phase], cut, end_cut, start, events.places[m:end], values, sums)
        m = end


def _add_channels(W, cut, end_cut, start, places, values, z):
    """Add parts of rows of W times their values, four or one at a time, for places counted from `start`."""
    n, m = places.shape[0], np.int64(0)
    while m + 4 <= n:
        j0, j1, j2, j3 = places[m] - start, places[m + 1] - start, places[m + 2] - start, places[m + 3] - start
        v0, v1, v2, v3 = values[j0], values[j1], values[j2], values[j3]
        r0, r1, r2, r3 = W[j0][cut:end_cut], W[j1][cut:end_cut], W[j2][cut:end_cut], W[j3][cut:end_cut]
        for i in range(z.shape[0]):
            z[i] += (v0 * r0[i] + v1 * r1[i]) + (v2 * r2[i] + v3 * r3[i])
        m += 4
    if m + 2 <= n:
        j0, j1 = places[m] - start, places[m + 1] - start
        v0, v1, r0, r1 = values[j0], values[j1], W[j0][cut:end_cut], W[j1][cut:end_cut]
        for i in range(z.shape[0]):
            z[i] += v0 * r0[i] + v1 * r1[i]
        m += 2
    if m < n:
        v0, r0 = values[places[m] - start], W[places[m] - start][cut:end_cut]
        for i in range(z.shape[0]):
            z[i] += v0 * r0[i]


def _mark_windows(kernel_shape, n_channels, window, places, event_cost, marked):
    """Mark the windows that see an event and return their number; 0 if events cost less than to compute these anew.

    `event_cost` is what it costs to add a row of kernels, in windows. Up to four events of a pixel are added at once.
    """
    n_pixels, end = np.int64(0), np.int64(0)
    for m in range(places.shape[0]):
        if places[m] >= end:
            end = (places[m] // n_channels + 1) * n_channels
            n_pixels += 1
    cost = event_cost * (n_pixels + 0.25 * places.shape[0])
    if cost * (window.stride * window.stride) < n_pixels:
        return np.int64(0)
    for p in range(marked.shape[0]):
        for q in range(marked.shape[1]):
            marked[p, q] = 0
    total, end, stride = np.int64(0), np.int64(0), window.stride
    for m in range(places.shape[0]):
        if places[m] < end:
            continue
        pixel = np.int64(places[m]) // n_channels
        end = (pixel + 1) * n_channels
        i, j = pixel // window.width + window.top, pixel % window.width + window.left
        for p in range(max(0, (i - kernel_shape[0] + stride) // stride), min(i // stride + 1, marked.shape[0])):
            for q in range(max(0, (j - kernel_shape[1] + stride) // stride), min(j // stride + 1, marked.shape[1])):
                total += 1 - marked[p, q]
                marked[p, q] = 1
    return total if cost >= total else np.int64(0)


send = kernel(_send)
find = kernel(_find)
outlived = kernel(_outlived)
add_rows = kernel(_add_rows)
dense_stream = kernel(_dense_stream)
add_channels = kernel(_add_channels)
add_windows = kernel(_add_windows)
mark_windows = kernel(_mark_windows)
