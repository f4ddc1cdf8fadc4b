"""Kernels of delta encoding: what each channel sends, by what its receiver has added up so far.

Sender and receiver do the same sums. No reordering is allowed here: ``h + (x - h)`` folded to ``x`` would let a sender
believe what its receiver, which rounds, does not have.
"""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel

LEVEL, INTEGRAL, UNARY, QUANTIZER, DIFFERENCE = range(5)


class DeltaRule(NamedTuple):
    """How channels decide, as the kernel sees it; numbers of the dtype of the input."""

    scheme: int
    whole: bool  # whether a first row is sent whole
    grid: float  # step of what is sent, 0 for none
    whole_numbers: float  # magnitude from which all numbers of the dtype are whole
    most: float  # events of a channel in one row, for unary modulation
    up: float  # by what a threshold is multiplied after an event, 1 where thresholds are fixed
    down: float  # and after none
    least: float  # gain of a threshold
    largest: float
    base: np.ndarray  # (F,): thresholds
    threshold: np.ndarray  # (F,): those in use, written where they adapt


class DeltaState(NamedTuple):
    """Where the channels of a delta encoder are.

    Attributes
    ----------
    received : ndarray of shape (n_features,)
        Sum of what has been sent, as the receiver has it.
    memory : ndarray of shape (n_features,)
        Sum of the errors since the last event (``scheme="integral"``), the last input (``scheme="difference"``).
    gain : ndarray of shape (n_features,)
        What thresholds are multiplied by, where they adapt.
    n_rows : ndarray of shape (1,), int64
        Rows since the beginning.
    """

    received: np.ndarray
    memory: np.ndarray
    gain: np.ndarray
    n_rows: np.ndarray


def _round_to(e, grid, whole_numbers):
    """Return the multiple of the grid nearest to e, or e where it is a whole number of steps by rounding."""
    n = e / grid
    if abs(n) < whole_numbers:
        return grid * np.rint(n)
    return e


def _steps_in(e, threshold, most, whole_numbers):
    """Return the largest multiple of the threshold within e, of no more than so many steps."""
    n = min(max(np.trunc(e / threshold), -most), most)
    return threshold * n if abs(n) < whole_numbers else e


def _send_whole(x, rule, state, out):
    """Send a first row: all of it, as far as the grid allows."""
    for j in range(x.shape[0]):
        out[j] = x[j] - state.received[j]
    if rule.scheme == UNARY:
        most = x.dtype.type(np.inf)
        for j in range(x.shape[0]):
            out[j] = steps_in(out[j], rule.threshold[j], most, rule.whole_numbers)
    elif rule.scheme == QUANTIZER:
        for j in range(x.shape[0]):
            out[j] = round_to(x[j], rule.threshold[j] + rule.threshold[j], rule.whole_numbers) - state.received[j]
    elif rule.grid > 0:
        for j in range(x.shape[0]):
            out[j] = round_to(out[j], rule.grid, rule.whole_numbers)


def _send_errors(x, rule, state, out):
    """Send the error of what the receiver has where it, or its sum since the last event, exceeds the threshold."""
    zero = x.dtype.type(0)
    received, memory, threshold = state.received, state.memory, rule.threshold
    if rule.scheme == INTEGRAL:
        for j in range(x.shape[0]):
            e = x[j] - received[j]
            memory[j] += e
            out[j] = e if abs(e) > threshold[j] or abs(memory[j]) > threshold[j] else zero
    else:
        for j in range(x.shape[0]):
            e = x[j] - received[j]
            out[j] = e if abs(e) > threshold[j] else zero
    if rule.grid > 0:
        for j in range(x.shape[0]):
            if out[j] != zero:
                out[j] = round_to(out[j], rule.grid, rule.whole_numbers)
    if rule.scheme == INTEGRAL:
        for j in range(x.shape[0]):
            memory[j] = memory[j] if out[j] == zero else zero


def _send_steps(x, rule, state, out):
    """Send thresholds, as many as fit into the error."""
    for j in range(x.shape[0]):
        out[j] = steps_in(x[j] - state.received[j], rule.threshold[j], rule.most, rule.whole_numbers)


def _send_levels(x, rule, state, out):
    """Send the way to the nearest multiple of two thresholds, unless the receiver is there but for rounding."""
    for j in range(x.shape[0]):
        d = round_to(x[j], rule.threshold[j] + rule.threshold[j], rule.whole_numbers) - state.received[j]
        out[j] = d if abs(d) > rule.threshold[j] else x.dtype.type(0)


def _send_differences(x, rule, state, out):
    """Send the difference to the input before where it exceeds the threshold, whatever the receiver has."""
    for j in range(x.shape[0]):
        d = x[j] - state.memory[j]
        out[j] = d if abs(d) > rule.threshold[j] else x.dtype.type(0)


def _adapt(rule, state, out):
    """Raise the thresholds of channels that have sent, lower the others."""
    for j in range(out.shape[0]):
        gain = state.gain[j] * (rule.up if out[j] != 0 else rule.down)
        state.gain[j] = min(max(gain, rule.least), rule.largest)
        rule.threshold[j] = rule.base[j] * state.gain[j]


def _scan(X, rule, state, deltas):
    """Write what is sent for each row of X, in their order, and bring the state up to date."""
    for t in range(X.shape[0]):
        x, out = X[t], deltas[t]
        if rule.whole and state.n_rows[0] == 0:
            send_whole(x, rule, state, out)
        elif rule.scheme <= INTEGRAL:
            send_errors(x, rule, state, out)
        elif rule.scheme == UNARY:
            send_steps(x, rule, state, out)
        elif rule.scheme == QUANTIZER:
            send_levels(x, rule, state, out)
        else:
            send_differences(x, rule, state, out)
        for j in range(out.shape[0]):
            state.received[j] += out[j]
        if rule.scheme == DIFFERENCE:
            for j in range(out.shape[0]):
                state.memory[j] = x[j]
        if rule.up != 1:
            adapt(rule, state, out)
        state.n_rows[0] += 1


EXACT = frozenset()
round_to = kernel(_round_to, fastmath=EXACT)
steps_in = kernel(_steps_in, fastmath=EXACT)
send_whole = kernel(_send_whole, fastmath=EXACT)
send_errors = kernel(_send_errors, fastmath=EXACT)
send_steps = kernel(_send_steps, fastmath=EXACT)
send_levels = kernel(_send_levels, fastmath=EXACT)
send_differences = kernel(_send_differences, fastmath=EXACT)
adapt = kernel(_adapt, fastmath=EXACT)
scan = kernel(_scan, fastmath=EXACT)
