"""Networks on one sequence of rows: its state, and arrays that are taken once."""

import dataclasses
from typing import NamedTuple

import numpy as np

from .._core.arrays import all_finite
from .._core.products import kernel_array
from ._networks import quantized
from ._streams import check_magnitude
from .layers import Activation, Conv2D, Layer, Residual, follow


class Part(NamedTuple):
    """A linear layer at work on a sequence."""

    run: object  # DenseRun or ConvRun
    rule: np.ndarray  # see `_event_kernels`
    received: np.ndarray
    sums: np.ndarray
    peak: np.ndarray
    work: tuple


class Inputs(NamedTuple):
    """What a linear layer gets for rows."""

    values: np.ndarray  # (n_rows, ...)
    thresholds: np.ndarray  # (n_rows,), above which changes are sent
    n_sent: np.ndarray  # (n_rows,), how many are
    anew: np.ndarray  # (n_rows,) bool, whether all sums were computed anew


@dataclasses.dataclass(frozen=True, eq=False)
class Chain(Layer):
    """Convolutions one after the other, between which numbers are rectified at most.

    Each reads the sums of the one before where they may have changed, and nothing in between is ever written.
    """

    has_weights = True

    convolutions: tuple
    rectified: tuple  # bool, of the inputs of each but the first


def chained(layers):
    """Return layers with convolutions that follow each other as one `Chain`, those within a `Residual` too."""
    found, between = [], []
    for layer in layers:
        if isinstance(layer, Activation) and layer.name in ("identity", "relu"):
            between.append(layer)
            continue
        head = found[-1] if found else None
        if isinstance(layer, Conv2D) and isinstance(head, Conv2D | Chain):
            rectified = any(activation.name == "relu" for activation in between)
            convolutions = (head,) if isinstance(head, Conv2D) else head.convolutions
            already = () if isinstance(head, Conv2D) else head.rectified
            found[-1] = Chain((*convolutions, layer), (*already, rectified))
        else:
            found += [*between, Residual(chained(layer.layers)) if isinstance(layer, Residual) else layer]
        between = []
    return (*found, *between)


def links(layers):
    """Yield for each linear layer, as part of a `Chain`, whether it rectifies its inputs, and if the next reads it."""
    for layer in layers:
        if isinstance(layer, Residual):
            yield from links(layer.layers)
        elif isinstance(layer, Chain):
            last = len(layer.rectified)
            yield from ((number > 0 and layer.rectified[number - 1], number < last) for number in range(last + 1))
        elif layer.has_weights:
            yield False, False


class SequenceRun:
    """A network at work on a sequence of rows, of which it is given some at a time.

    Parameters
    ----------
    run : NetworkRun
    state : NetworkState
        Before the first row; it is written over.
    thresholds : ndarray of shape (n_linear,)
    memory : dict or None
        Arrays to work with, which another sequence has used.
    """

    def __init__(self, run, state, thresholds, memory=None):
        self.run, self.state, self.given = run, state, thresholds.tobytes()
        self.memory = {} if memory is None else memory
        dtype = self.dtype = state.received.dtype
        age, self.new = int(state.n_rows[0]), True
        self.clock = np.array([age, run.every or 0])
        with np.errstate(over="ignore"):
            self.steps = 2 * thresholds
            limits = np.zeros(len(thresholds), dtype) if run.quantizes else thresholds.astype(dtype)
        largest, self.parts, first, start = np.finfo(dtype).max / 4, [], 0, 0
        for number, linear in enumerate(run.at_work(dtype)):
            low = 0 if run.links[number][0] and not run.quantizes else -np.inf
            rule = np.array([limits[number], low, largest if number == 0 else np.finfo(dtype).max], dtype)
            received = state.received[first : first + linear.n_inputs]
            sums = state.sums[start : start + linear.n_sums]
            if (number, "work") not in self.memory:
                self.memory[number, "work"] = linear.make_work(dtype)
            work = self.memory[number, "work"]
            self.parts.append(Part(linear, rule, received, sums, state.peaks[number : number + 1], work))
            first, start = first + linear.n_inputs, start + linear.n_sums

    def has_thresholds(self, thresholds):
        """Tell whether thresholds, which may have been written over since, are still those that this began with."""
        return thresholds.tobytes() == self.given  # in a tenth of the time of np.array_equal

    def advance(self, X, outputs=None, first=None, look=None):
        """Return the outputs for rows, and what kernels count, which the next call may write over.

        Counts have the shape (n_linear, n_rows, 2): for each linear layer and row, how many inputs were sent, and how
        many took part in sums that were computed anew, -1 where they were not.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features)
            Of the dtype of the state. Numbers that are not finite, or too large, are refused.
        outputs : ndarray of shape (n_rows, n_outputs) or None
            Where to write them.
        first : int or None
            Number of the first row, for messages; None is the number in the sequence.
        look : callable or None
            Is given the `Inputs` of each linear layer.
        """
        run, n_rows, done = self.run, len(X), 0
        if outputs is None:
            outputs = np.empty((n_rows, run.n_outputs), self.dtype)
        first = int(self.clock[0]) if first is None else first
        counts = self._counts_of(n_rows)
        if not run.checks_inputs:
            check_inputs(X, first)

        def advance(layer, A):
            nonlocal done
            number, n = done, len(layer.convolutions) if isinstance(layer, Chain) else 1
            done += n
            if run.quantizes:
                A = quantized(A, self.steps[number])
            out = self._outputs_of(done - 1, n_rows, outputs)
            rows, Z = (A, out) if A.ndim == out.ndim == 2 else (A.reshape(n_rows, -1), out.reshape(n_rows, -1))
            if n > 1:
                at, bad = self._follow_chain(number, kernel_array(rows), Z, counts[number:done])
            else:
                part, at = self.parts[number], number
                bad = part.run.advance(part, kernel_array(rows), part.run.all, self.clock, Z, counts[number])
            if bad >= 0:
                self._refuse(X, bad, at, first)
            if look is not None:
                look(Inputs(A, self._limits(number, n_rows), counts[number, :, 0], counts[number, :, 1] >= 0))
            return out

        A = follow(run.layers if look is not None or run.quantizes else run.chained, run.frames(X), advance)
        self.state.n_rows[0] += n_rows
        self.clock[0] += n_rows
        self.new = False
        if A is not outputs and not np.may_share_memory(A, outputs):
            check_outputs(A, first)
            outputs[:] = A.reshape(n_rows, -1)
        return outputs, counts

    def _follow_chain(self, number, A, Z, counts):
        """Write the outputs of the last of several convolutions for inputs A of the first, row by row, to Z.

        Parameters
        ----------
        number : int
            Of the first convolution among the linear layers.
        A, Z : ndarray of shape (n_rows, ...)
        counts : ndarray of shape (n_convolutions, n_rows, 2)
            Written over with what `advance` returns.

        Returns
        -------
        at : int
            Number of the layer where something is out of range; of the last if nothing is.
        bad : int
            Twice the row, plus 1 if its sums are out of range, or -1 if nothing is.
        """
        age = self.clock[0]
        last = number + len(counts) - 1
        for t in range(len(A)):
            self.clock[0] = age + t
            x, seen = A[t : t + 1], self.parts[number].run.all
            for at, found in enumerate(counts, number):
                part = self.parts[at]
                bad = part.run.advance(
                    part, x, seen, self.clock, Z[t : t + 1] if at == last else Z[:0], found[t : t + 1]
                )
                if bad >= 0:
                    self.clock[0] = age
                    return at, bad + 2 * t
                if at < last:
                    x, seen = part.sums[None], part.work[1].touched
                    if self.new and t == 0:
                        seen = self.parts[at + 1].run.all  # thresholds may have been others so far
        self.clock[0] = age
        return last, -1

    def _outputs_of(self, number, n_rows, outputs):
        """Return where to write the outputs of a layer for rows."""
        linear, memory = self.parts[number].run, self.memory
        if number == len(self.parts) - 1 and linear.n_sums == outputs.shape[1]:
            return outputs.reshape(n_rows, *linear.out_shape) if len(linear.out_shape) > 1 else outputs
        if len(memory.get(number, ())) < n_rows:
            memory[number] = np.empty((n_rows, *linear.out_shape), self.dtype)
        return memory[number][:n_rows]

    def _counts_of(self, n_rows):
        """Return where to count what changes in each layer and row."""
        counts = self.memory.get("counts")
        if counts is None or counts.shape[1] != n_rows:
            counts = self.memory["counts"] = np.empty((len(self.parts), n_rows, 2), np.int64)
        return counts

    def _limits(self, number, n_rows):
        """Return above which changes of the inputs of a layer were sent, row by row: a first row is sent whole."""
        limits = np.full(n_rows, self.parts[number].rule[0])
        limits[: int(self.clock[0] == 0)] = 0
        return limits

    def _refuse(self, X, bad, number, first):
        """Raise for the first row whose inputs or sums a kernel has found out of range."""
        row, of_sums = divmod(bad, 2)
        if number == 0 and not of_sums:
            check_inputs(X[row : row + 1], first + row)
        raise_overflow(X.dtype, first + row)


def check_inputs(X, first):
    """Raise if rows, which are counted from `first`, are not finite, or differences of their numbers could overflow."""
    if not all_finite(X):
        row = first + np.flatnonzero(~np.isfinite(X).all(axis=1))[0]
        raise ValueError(f"x must be {X.shape[1]} finite numbers, got NaN or infinity in row {row}.")
    check_magnitude(X)


def check_outputs(A, first=0):
    """Raise if sums for rows, which are counted from `first`, have overflowed: those that did would stay so."""
    if all_finite(A):
        return
    raise_overflow(A.dtype, first + np.flatnonzero(~np.isfinite(A.reshape(len(A), -1)).all(axis=1))[0])


def raise_overflow(dtype, row):
    """Say that outputs overflow."""
    raise ValueError(f"outputs of layers overflow {dtype}, first for row {row}: give X as float64, or scale it.")
