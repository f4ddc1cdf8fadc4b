"""Networks of layers at work on streams: all products of a frame, or those with inputs that have changed."""

import math
from typing import NamedTuple

import numpy as np

from ..coding._wiring import Prepared
from ._linear import RUNS
from ._networks import quantized, shapes_of, through
from ._streams import blocks
from .layers import check_layers, follow, linear_layers


class NetworkState(NamedTuple):
    """What the layers of a network have received, and the sums that they keep up to date.

    Attributes
    ----------
    received : ndarray of shape (n_inputs,)
        Inputs of all linear layers, one after the other, as far as they were sent.
    sums : ndarray of shape (n_sums,)
        Their outputs.
    peaks : ndarray of shape (n_linear,)
        The largest change of an input of each since its sums were computed anew.
    n_rows : ndarray of shape (1,), int64
        Rows since the beginning.
    """

    received: np.ndarray
    sums: np.ndarray
    peaks: np.ndarray
    n_rows: np.ndarray


class Inputs(NamedTuple):
    """What a linear layer gets for rows."""

    values: np.ndarray  # (n_rows, ...)
    thresholds: np.ndarray  # (n_rows,), above which changes are sent
    n_sent: np.ndarray  # (n_rows,), how many are


class NetworkRun:
    """Layers, for frames of one shape, and how they are run.

    Parameters
    ----------
    layers : sequence of layers
    frame_shape : tuple
    every : int or None
        Rows after which sums are computed anew.
    quantizes : bool
        Whether inputs of linear layers are rounded to multiples of two thresholds, of which every change is sent.
    """

    def __init__(self, layers, frame_shape, every, quantizes):
        check_layers(layers)
        self.layers, self.frame_shape, self.every, self.quantizes = tuple(layers), frame_shape, every, quantizes
        self.out_shape, self.shapes = shapes_of(self.layers, frame_shape)
        self.linear, self.prepared = linear_layers(self.layers), Prepared()
        self.n_inputs = [math.prod(shape) for shape, _ in self.shapes]

    def frames(self, X):
        """Return rows as frames."""
        return X.reshape(len(X), *self.frame_shape)

    def dense(self, X):
        """Return the outputs of the network itself."""
        check_weights(self.linear, X.dtype)
        A = through(self.layers, self.frames(X))
        check_outputs(A)
        return np.ascontiguousarray(A.reshape(len(A), -1))

    def begin(self, dtype):
        """Return the state before any row, in a dtype."""
        n_sums = sum(math.prod(shape) for _, shape in self.shapes)
        peaks = np.zeros(len(self.shapes), dtype)
        return NetworkState(np.zeros(sum(self.n_inputs), dtype), np.zeros(n_sums, dtype), peaks, np.zeros(1, np.int64))

    def advance(self, X, state, thresholds):
        """Return the outputs for rows and, for each linear layer, its `Inputs`; change the state."""
        dtype, at, found = X.dtype, [0, 0, 0], []
        runs, thresholds = self._runs(dtype), thresholds.astype(dtype)
        age = state.n_rows[0] + np.arange(len(X))
        fresh = (age == 0) | (np.zeros(len(X), bool) if self.every is None else age % self.every == 0)

        def advance(layer, A):
            number, first, start = at
            run, limits = runs[number], np.where(age == 0, dtype.type(0), thresholds[number])
            at[:] = number + 1, first + run.n_inputs, start + run.n_sums
            if self.quantizes:
                A, limits = quantized(A, 2 * thresholds[number]), np.zeros_like(limits)
            received, sums = state.received[first : at[1]], state.sums[start : at[2]]
            peak = state.peaks[number : number + 1]
            out, sent = run.advance(A, limits, fresh.astype(np.int64), received, sums, peak)
            found.append(Inputs(A, limits, sent))
            return out

        A = follow(self.layers, self.frames(X), advance)
        state.n_rows[0] += len(X)
        check_outputs(A)
        return A.reshape(len(A), -1), found

    def blocks(self, X, parts, thresholds):
        """Yield rows, and what `advance` makes of them."""
        widest = max(math.prod(shape) for pair in self.shapes for shape in pair)
        for rows, _ in parts:
            state = self.begin(X.dtype)
            for block in blocks(rows, widest):
                yield block, *self.advance(X[block], state, thresholds)

    def measure(self, X, parts, thresholds):
        """Return the outputs, and how many inputs of each linear layer were sent."""
        outputs, n_sent = [], np.zeros(len(self.linear))
        for _, out, found in self.blocks(X, parts, thresholds):
            outputs.append(out)
            n_sent += [inputs.n_sent.sum() for inputs in found]
        return np.concatenate(outputs), n_sent

    def _runs(self, dtype):
        """Return the linear layers at work in a dtype."""
        if dtype not in self.prepared:
            check_weights(self.linear, dtype)
            self.prepared[dtype] = [
                RUNS[type(layer)](layer, shape, dtype)
                for layer, (shape, _) in zip(self.linear, self.shapes, strict=True)
            ]
        return self.prepared[dtype]


def check_outputs(A):
    """Raise if sums have overflowed."""
    bad = np.flatnonzero(~np.isfinite(A.reshape(len(A), -1)).all(axis=1))
    if bad.size:
        raise ValueError(
            f"the outputs of {bad.size} rows overflow {A.dtype}, first row {bad[0]}: give X as float64, or scale it."
        )


def check_weights(layers, dtype):
    """Raise if weights are beyond a dtype."""
    for layer in layers:
        largest = max(np.abs(layer.weights).max(), np.abs(layer.bias).max())
        if largest > np.finfo(dtype).max:
            raise ValueError(f"{layer!r} has weights up to {largest:.1e}, beyond {dtype}; give X as float64.")
