"""Linear layers on streams: sums that are brought up to date where inputs have changed, or computed anew."""

import math

import numpy as np

from .._core.products import aligned_copy, aligned_empty
from ._convolution_kernels import BLOCK, Convolution, Work, convolution_stream
from ._event_kernels import WORD, Events, dense_stream
from .layers import Conv2D, Dense

#: Outputs of a block of a convolution at most: with few maps, more would be a large table for little.
MOST_PIXELS = 16


class DenseRun:
    """A `Dense` layer at work in one dtype."""

    def __init__(self, layer, shape, dtype, is_read):
        self.W, self.bias = aligned_copy(layer.weights.astype(dtype)), aligned_copy(layer.bias.astype(dtype))
        self.n_inputs, self.out_shape = shape[0], layer.out_shape(shape)
        self.n_sums, self.all = self.out_shape[0], all_words(self.n_inputs)

    def anew(self, A):
        """Return which of the inputs received, rows, take part in sums that are computed anew."""
        return A != 0

    def make_work(self, dtype):
        """Return work arrays, for one call at a time."""
        return make_events(self.n_inputs, dtype)

    def advance(self, part, X, seen, clock, Z, counts):
        """Write the sums for rows of a stream, and how many inputs of each were sent, and used for new ones."""
        _, rule, received, sums, peak, work = part
        return dense_stream(X, self.W, self.bias, rule, clock, seen, received, sums, peak, *work, Z, counts)


class ConvRun:
    """A `Conv2D` layer at work in one dtype and for images of one size; another one may read its sums (`Chain`)."""

    def __init__(self, layer, shape, dtype, is_read):
        self.shape, self.out_shape, self.is_read = shape, layer.out_shape(shape), is_read
        self.n_inputs, self.n_sums = math.prod(shape), math.prod(self.out_shape)
        self.layer, self.all = as_blocks(layer, shape, dtype), all_words(self.n_inputs)

    def anew(self, A):
        """Return which of the inputs received, rows, take part in sums that are computed anew."""
        return np.ones(A.shape, bool)

    def make_work(self, dtype):
        """Return work arrays, for one call at a time."""
        layer = self.layer
        length, step = math.prod(self.out_shape[1:]), layer.n_pixels * layer.stride
        n_blocks = -(-length // (layer.n_pixels * layer.n_maps))
        work = Work(
            begins=np.empty((layer.height, (n_blocks - 1) * step + layer.n_columns + 1), np.int32),
            sums=aligned_empty((5, BLOCK), dtype),
            spare=np.zeros((5, length), dtype),
            line=aligned_empty((3 * step + layer.n_columns) * self.shape[2], dtype),
            touched=all_words(self.n_sums if self.is_read else 0),
        )
        return make_events(self.n_inputs, dtype), work

    def advance(self, part, X, seen, clock, Z, counts):
        """Write the sums for images of a stream, and how many inputs of each were sent, and used for new ones."""
        _, rule, received, sums, peak, (events, work) = part
        return convolution_stream(X, self.layer, rule, clock, seen, received, sums, peak, events, work, Z, counts)


def as_blocks(layer, shape, dtype):
    """Return a convolution as its kernels take it, in blocks of sums."""
    height, width, n_channels, n_maps = layer.weights.shape
    n_pixels = max(1, min(BLOCK // n_maps, MOST_PIXELS))
    n_parts, n_columns = -(-n_maps // BLOCK), width + (n_pixels - 1) * layer.stride
    weights = np.zeros((height, n_columns, n_channels, max(n_pixels * n_maps, n_parts * BLOCK)), dtype)
    bias = np.zeros(weights.shape[-1], dtype)
    for pixel in range(n_pixels):
        first, maps = pixel * layer.stride, slice(pixel * n_maps, (pixel + 1) * n_maps)
        weights[:, first : first + width, :, maps] = layer.weights
        bias[maps] = layer.bias
    weights = weights.reshape(height, n_columns * n_channels, n_parts, BLOCK).transpose(2, 0, 1, 3)
    return Convolution(
        weights=aligned_copy(weights),
        bias=aligned_copy(bias.reshape(n_parts, BLOCK)),
        height=shape[0],
        width=shape[1],
        n_maps=n_maps,
        n_pixels=n_pixels,
        n_columns=n_columns,
        stride=int(layer.stride),
        top=layer.margins[0],
        left=layer.margins[1],
        n_rows=layer.out_shape(shape)[0],
    )


def make_events(n_inputs, dtype):
    n_words = -(-n_inputs // WORD)
    return Events(
        deltas=np.empty(n_inputs + 1, dtype),
        places=np.empty(n_inputs + 1, np.int32),
        bits=np.zeros(n_words, np.uint64),
        before=np.zeros(n_words, np.int32),
    )


def all_words(n):
    """Return the mask of all words of so many numbers."""
    return np.ones(-(-n // WORD), np.uint8)


RUNS = {Dense: DenseRun, Conv2D: ConvRun}
