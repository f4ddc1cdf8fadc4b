"""Linear layers on streams: sums that are brought up to date where inputs have changed, or computed anew."""

import math

import numpy as np

from .._core.products import aligned_copy, aligned_empty, kernel_array, row_products
from ._event_kernels import Events, Window, add_windows, dense_stream, mark_windows, outlived, send
from .layers import Conv2D, Dense

#: Share of the windows from which all are computed: those of some must be gathered.
MOST = 0.7


class DenseRun:
    """A `Dense` layer at work in one dtype."""

    def __init__(self, layer, shape, dtype):
        self.W, self.bias = aligned_copy(layer.weights.astype(dtype)), aligned_copy(layer.bias.astype(dtype))
        self.n_inputs, self.out_shape = shape[0], layer.out_shape(shape)
        self.n_sums = self.out_shape[0]

    def advance(self, A, thresholds, fresh, received, sums, peak):
        """Return the outputs for rows of a stream, and how many inputs of each were sent."""
        out, counts = np.empty((len(A), self.n_sums), A.dtype), np.empty(len(A), np.int64)
        A, events = kernel_array(A), make_events(self.n_inputs, A.dtype)
        dense_stream(A, self.W, self.bias, thresholds, fresh, received, sums, peak, events, out, counts)
        return out, counts


class ConvRun:
    """A `Conv2D` layer at work in one dtype and for images of one size."""

    def __init__(self, layer, shape, dtype):
        self.W, self.bias = layer.weights.astype(dtype), layer.bias.astype(dtype)
        self.layer, self.shape, self.out_shape = layer, shape, layer.out_shape(shape)
        self.n_inputs, self.n_sums = math.prod(shape), math.prod(self.out_shape)
        self.rows = by_phase(self.W, int(layer.stride))
        self.kernels = aligned_copy(self.W.reshape(-1, self.W.shape[3]).T)
        self.window = Window(shape[0], shape[1], int(layer.stride), *layer.margins)
        self.event_cost = event_cost(self.W.shape)

    def advance(self, A, thresholds, fresh, received, sums, peak):
        """Return the outputs for images of a stream, and how many inputs of each were sent."""
        out, counts = np.empty((len(A), *self.out_shape), A.dtype), np.empty(len(A), np.int64)
        rows, z = kernel_array(A.reshape(len(A), -1)), sums.reshape(self.out_shape)
        events, marked = make_events(self.n_inputs, A.dtype), np.empty(self.out_shape[:2], np.uint8)
        for t in range(len(A)):
            counts[t] = n = send(rows[t], thresholds[t], received, events)
            self._update(events, n, marked, outlived(received, events, n, bool(fresh[t]), peak), received, z)
            out[t] = z
        return out, counts

    def _update(self, events, n, marked, fresh, received, z):
        """Bring the sums up to date by events or by windows, whichever costs less."""
        places = events.places[:n]
        if fresh:
            self._compute(None, received, z)
            return
        if not n:
            return
        n_windows = mark_windows(self.W.shape[:2], self.shape[2], self.window, places, self.event_cost, marked)
        if n_windows:
            self._compute(None if n_windows > MOST * marked.size else marked, received, z)
        else:
            add_windows(self.rows, self.window, events, n, z)

    def _compute(self, marked, received, z):
        """Compute the sums of marked windows, or of all, from what was received."""
        windows = self.layer.windows(received.reshape(1, *self.shape))[0]
        chosen = windows.reshape(-1, self.kernels.shape[1]) if marked is None else gather(windows, marked)
        values = aligned_empty((len(chosen), len(self.kernels)), z.dtype)
        row_products(kernel_array(chosen), self.kernels, values)
        values += self.bias
        if marked is None:
            z[...] = values.reshape(z.shape)
        else:
            z[marked.view(bool)] = values


def event_cost(shape):
    """Return what it costs to add the rows of kernels for an event, in windows that are computed anew.

    Nanoseconds of both by measurement, with 1 to 64 channels, 32 and 64 maps, kernels of 3 x 3 and 5 x 5.
    """
    height, width, n_channels, n_maps = shape
    inputs = height * width * n_channels
    return height * (8 + 0.09 * width * n_maps) / (100 + 0.3 * inputs + 0.022 * inputs * n_maps)


def by_phase(W, stride):
    """Return kernels (height, phase, n_channels, taps * n_maps) with every stride-th tap of a row, the last first."""
    height, width, n_channels, n_maps = W.shape
    n_taps = -(-width // stride)
    rows = aligned_copy(np.zeros((height, stride, n_channels, n_taps, n_maps), W.dtype))
    for tap in range(width):
        rows[:, tap % stride, :, n_taps - 1 - tap // stride] = W[:, tap]
    return rows.reshape(height, stride, n_channels, n_taps * n_maps)


def gather(windows, marked):
    """Return marked windows as rows."""
    i, j = np.nonzero(marked)
    return windows[i, j].reshape(len(i), -1)


def make_events(n_inputs, dtype):
    return Events(aligned_empty(n_inputs, dtype), np.empty(n_inputs + 1, np.int32))


RUNS = {Dense: DenseRun, Conv2D: ConvRun}
