"""Kernels of layers that are fed with events: send on delta, and sums brought up to date where inputs have changed."""

from typing import NamedTuple

import numpy as np

from .._core.bits import count_bits, first_bit
from .._core.jit import kernel

#: How many times smaller all inputs are when a change that has been is said to dwarf them.
DWARFED = 64.0

#: Bits of a word, and inputs that are looked at between two questions.
WORD, PIECE = 64, 1024
EVERY = np.uint64(2**64 - 1)

#: What an array "rule" holds: how much a change exceeds that is sent, from where on inputs count (0 for those that are
#: rectified), and what their size may be.
THRESHOLD, LOW, LARGEST = range(3)


class Events(NamedTuple):
    """Work arrays: what has changed in one row."""

    deltas: np.ndarray  # (n_inputs,) of the dtype of the input: by how much, one after the other
    places: np.ndarray  # (n_inputs,) int32: where something is sent, in order
    bits: np.ndarray  # (n_words,) uint64: the same
    before: np.ndarray  # (n_words,) int32: how many changes are before those of a word


def _is_due(clock, t):
    """Tell whether a row is the first of its sequence, and whether sums are due to be computed anew.

    The clock has the number of the row 0, and after how many rows they are (0 is never).
    """
    age = clock[0] + t
    return age == 0, age == 0 or (clock[1] > 0 and age % clock[1] == 0)


def _look(x, rule, threshold, seen, received, events):
    """Note as bits of words which inputs differ from what was received by more than the threshold; count them.

    Words that are not `seen` have none. -1 is returned if a number is out of range.
    """
    n, low, largest, wrong = np.int64(0), rule[LOW], rule[LARGEST], np.uint64(0)
    whole = np.uint64(x.shape[0] // WORD)
    for word in range(whole):
        bits = np.uint64(0)
        if seen[word]:
            new, old = x[word * np.uint64(WORD) :], received[word * np.uint64(WORD) :]
            for k in range(WORD):
                a = low if new[k] < low else new[k]
                bits |= np.uint64(abs(a - old[k]) > threshold) << np.uint64(k)
                wrong |= np.uint64(not abs(new[k]) <= largest) << np.uint64(k)
        events.bits[word], events.before[word] = bits, n
        n += np.int64(count_bits(bits))
    if x.shape[0] % WORD:
        bits = np.uint64(0)
        for j in range(whole * np.uint64(WORD), np.uint64(x.shape[0])):
            a = low if x[j] < low else x[j]
            bits |= np.uint64(abs(a - received[j]) > threshold) << (j % np.uint64(WORD))
            wrong |= np.uint64(not abs(x[j]) <= largest)
        events.bits[whole], events.before[whole] = bits, n
        n += np.int64(count_bits(bits))
    return np.int64(-1) if wrong else n


def _receive(x, low, received, events):
    """List by how much inputs have changed, and receive them."""
    n, deltas, places = np.uint64(0), events.deltas, events.places
    for word in range(np.uint64(events.bits.shape[0])):
        bits, start = events.bits[word], word * np.uint64(WORD)
        if bits == EVERY:
            for k in range(np.uint64(WORD)):
                a = low if x[start + k] < low else x[start + k]
                deltas[n + k] = a - received[start + k]
                received[start + k] = a
                places[n + k] = start + k
            n += np.uint64(WORD)
            bits = np.uint64(0)
        while bits:
            j = start + np.uint64(first_bit(bits))
            a = low if x[j] < low else x[j]
            deltas[n] = a - received[j]
            received[j] = a
            places[n] = j
            n += np.uint64(1)
            bits &= bits - np.uint64(1)


def _take(x, low, threshold, received):
    """Receive what differs by more than the threshold, without a list."""
    for j in range(x.shape[0]):
        a = low if x[j] < low else x[j]
        received[j] = a if abs(a - received[j]) > threshold else received[j]


def _send(x, rule, threshold, seen, received, events, most):
    """List what differs from what was received by more than the threshold, and receive it; count.

    Changes are few: they are looked for in whole registers. If there are more than `most`, they are not listed. -1 is
    returned if a number is out of range; nothing is received then.
    """
    n = look(x, rule, threshold, seen, received, events)
    if n > most:
        take(x, rule[LOW], threshold, received)
    elif n > 0:
        receive(x, rule[LOW], received, events)
    return n


def _find(values, events):
    """Write values that are not 0 and their places, in order, and count them."""
    n = np.int64(0)
    for j in range(values.shape[0]):
        events.places[n], events.deltas[n] = j, values[j]
        n += np.int64(values[j] != 0)
    return n


def _outlived(received, events, n, fresh, peak):
    """Keep the largest change since sums were computed anew; tell whether it dwarfs all that is received now.

    What such a change has left of rounding in the sums then counts, so they are due to be computed anew.
    """
    zero, scale = received.dtype.type(0), received.dtype.type(DWARFED)
    if not fresh:
        for m in range(n):
            peak[0] = max(peak[0], abs(events.deltas[m]))
        if n == 0 or peak[0] == zero:
            return False
        for start in range(0, received.shape[0], PIECE):
            near = np.int32(0)
            for j in range(start, min(start + PIECE, received.shape[0])):
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
        v0, v1, v2, v3 = values[m], values[m + 1], values[m + 2], values[m + 3]
        v4, v5, v6, v7 = values[m + 4], values[m + 5], values[m + 6], values[m + 7]
        for i in range(z.shape[0]):
            half = (v0 * r0[i] + v1 * r1[i]) + (v2 * r2[i] + v3 * r3[i])
            z[i] += half + ((v4 * r4[i] + v5 * r5[i]) + (v6 * r6[i] + v7 * r7[i]))
    for m in range(whole, n):
        row, v = W[places[m]], values[m]
        for i in range(z.shape[0]):
            z[i] += v * row[i]


def _copy_sums(z, out):
    """Copy sums, and tell whether all are finite."""
    wrong, largest = np.int32(0), z.dtype.type(np.inf)
    for i in range(z.shape[0]):
        wrong += np.int32(not abs(z[i]) < largest)
        out[i] = z[i]
    return wrong == 0


def _dense_stream(X, W, bias, rule, clock, seen, received, z, peak, deltas, places, bits, before, Z, counts):
    """Write the sums of a dense layer for each row of X, and as rows of `counts` its events and -1.

    Where `is_due` says so, or a large input has gone, sums are computed anew from all that was received: then the
    number of inputs that are not 0 is counted instead of -1. Returned is -1, or twice the number of the first row whose
    input is out of range, and one more if its sums are.
    """
    events = Events(deltas, places, bits, before)  # to hand over a tuple takes 0.8 us longer
    for t in range(X.shape[0]):
        first, due = is_due(clock, t)
        threshold = X.dtype.type(0) if first else rule[THRESHOLD]
        n = send(X[t], rule, threshold, seen, received, events, received.shape[0])
        if n < 0:
            return 2 * t
        counts[t, 0], counts[t, 1] = n, -1
        if outlived(received, events, n, due, peak):
            for i in range(z.shape[0]):
                z[i] = bias[i]
            n = find(received, events)
            counts[t, 1] = n
        add_rows(W, events.places[:n], events.deltas, z)
        if not copy_sums(z, Z[t]):
            return 2 * t + 1
    return -1


is_due = kernel(_is_due)
look = kernel(_look, disjoint=True)
receive = kernel(_receive, disjoint=True)
take = kernel(_take, disjoint=True)
send = kernel(_send)
find = kernel(_find)
outlived = kernel(_outlived)
add_rows = kernel(_add_rows)
copy_sums = kernel(_copy_sums, disjoint=True)
dense_stream = kernel(_dense_stream)
