"""What is done with rows in time: stored and recalled with the code before, and codes that follow codes."""

from typing import NamedTuple

import numpy as np

from .._core.parallel import run_chunks
from .._core.products import aligned_copy, aligned_empty
from ._macrocolumn_kernels import Limits
from ._selection_kernels import Rule
from ._sequence_kernels import Links, Plan, follow_codes, learn_sequences, recall_sequences
from ._trace import CHUNK_ROWS, STORED_ROWS, Trace, draws, make_work


class SequenceState(NamedTuple):
    """Where a memory of sequences is.

    Attributes
    ----------
    winners : ndarray of shape (n_modules,), int32
        The code of the row before, -1 for none.
    n_rows : ndarray of shape (1,), int64
        Rows since the sequence began, or since a row without a code; rows that stand still count once.
    n_active : ndarray of shape (1,), int64
        Active features of the row before.
    rivals : ndarray of shape (1,), int64
        Stored codes for which its code stands about equally.
    """

    winners: np.ndarray
    n_rows: np.ndarray
    n_active: np.ndarray
    rivals: np.ndarray

    @classmethod
    def start(cls, n_modules):
        """Return the state before any row."""
        return cls(np.full(n_modules, -1, np.int32), *(np.array([number]) for number in (0, 0, 1)))

    def copy(self):
        """Return a state that can be written without a change of this one."""
        return SequenceState(*map(np.array, self))

    def of_one(self):
        """Return views, as of the macrocolumns of a level of which there is one."""
        return self._replace(winners=self.winners[None])


def check_state(state, n_modules, n_units):
    """Return a state that a user gave, checked."""
    parts = [np.asarray(part) for part in state]
    shapes = [(n_modules,), (1,), (1,), (1,)]
    sane = [part.shape for part in parts] == shapes and all(part.dtype.kind in "iu" for part in parts)
    if sane:
        winners, n_rows, n_active, rivals = parts
        least = 0 if n_rows[0] else -1
        sane = least <= winners.min() <= winners.max() < n_units and min(n_rows[0], n_active[0]) >= 0 < rivals[0]
    if not sane:
        raise ValueError(
            f"`state` must hold {n_modules} winners below {n_units}, and numbers of rows, active features and rivals; "
            "begin with `initial_state()` of this memory."
        )
    return SequenceState(winners.astype(np.int32), *(part.astype(np.int64) for part in parts[1:]))


class SequenceTrace(NamedTuple):
    """All that a memory of sequences has learned."""

    inputs: Trace
    horizontal: np.ndarray  # (Q * K, Q * K) uint8: weights from units to those of the next row
    top_down: np.ndarray  # (units above, Q * K) uint8: weights from units of the level above to those of the next row

    @classmethod
    def empty(cls, n_features, n_units, n_above=0):
        """Return the trace of nothing."""
        weights = (aligned_copy(np.zeros((n, n_units), np.uint8)) for n in (n_units, n_above))
        return cls(Trace.empty(n_features, n_units, stamped=False), *weights)

    def copy(self):
        """Return a trace that can be written without a change of this one."""
        return SequenceTrace(self.inputs.copy(), aligned_copy(self.horizontal), aligned_copy(self.top_down))

    def of_one(self):
        """Return views, as of the macrocolumns of a level of which there is one."""
        return SequenceTrace(Trace(*(part[None] for part in self.inputs)), self.horizontal[None], self.top_down[None])


class Course(NamedTuple):
    """How rows are stored and recalled."""

    rule: Rule  # for rows without context
    limits: Limits
    freeze: np.ndarray  # see `freezing`
    plan: Plan


def make_links(n_modules, n_units, n_above=0):
    """Return the work arrays of a thread, for support by the row before and by a code of so many modules above."""
    U = n_modules * n_units
    return Links(
        aligned_empty(U, np.int32),
        aligned_empty(U, np.int32),
        *(np.empty(n_modules, np.int32) for _ in range(3)),
        np.empty(n_modules),
        np.empty(n_above + 1),
        aligned_empty(U, np.float64),
        aligned_empty(U, np.float64),
    )


def mark(parts, n_rows):
    """Return, for each row, whether a sequence begins with it."""
    begins = np.zeros(n_rows, np.uint8)
    begins[[rows.start for rows, new in parts if new]] = 1
    return begins


def store_block(trace, block, course, uniforms, state, work, stop, out):
    """Store some rows in traces and states of all macrocolumns of a level, which change.

    `block` is lists of rows, units above, and where sequences begin.
    """
    (rule, limits, freeze, plan), (indptr, indices, above, begins) = course, block
    learn_sequences((trace.inputs.weights, trace.inputs.fill, trace.inputs.totals), (trace.horizontal, trace.top_down),
                    rule, rule._replace(support_power=1.0), limits, freeze, plan, indptr, indices, above, begins,
                    uniforms, state, *work, stop, *out)  # fmt: skip


def recall_block(trace, block, course, state, work, stop, out):
    """Recall some rows, with states that change."""
    (rule, limits, _, plan), (indptr, indices, above, begins) = course, block
    recall_sequences(trace.inputs.weights, (trace.horizontal, trace.top_down), rule, limits, plan, indptr, indices,
                     above, begins, state, *work, stop, *out)  # fmt: skip


def make_works(trace, n_units, n_above=0):
    """Return the work arrays of a thread."""
    n_features, U = trace.inputs.weights.shape
    return make_work(n_features, U // n_units, n_units), make_links(U // n_units, n_units, n_above)


def store_sequences(trace, rows, begins, course, numbers, state):
    """Return trace and state after the rows, their winners and how familiar each was before.

    `numbers` are the seed of the draws and the number of rows before.
    """
    trace, state, (seed, first), n_modules = trace.copy(), state.copy(), numbers, len(state.winners)
    work, above = make_works(trace, course.limits.n_units), np.empty((rows.n_rows, 0), np.int32)
    winners, familiarity = np.empty((rows.n_rows, n_modules), np.int32), np.empty(rows.n_rows)
    all_weights, context = trace.of_one(), state.of_one()

    def learn(start, end, stop):
        uniforms, part = draws(seed, first + start, end - start, n_modules), slice(start, end)
        block = *rows.block(start, end), above[part], begins[part]
        store_block(all_weights, block, course, uniforms, context, work, stop, (winners[part], familiarity[part]))

    run_chunks(learn, rows.n_rows, n_jobs=1, chunk_rows=STORED_ROWS)
    return trace, state, winners, familiarity


def scan(trace, rows, parts, course, state, n_jobs):
    """Return winners, familiarity and place of each row, and the state after the last; sequences run in threads."""
    winners, familiarity = np.empty((rows.n_rows, len(state.winners)), np.int32), np.empty(rows.n_rows)
    places, above = np.empty(rows.n_rows, np.int64), np.empty((rows.n_rows, 0), np.int32)
    begins, last = mark(parts, rows.n_rows), state.copy()
    borders = [part.start for part, _ in parts] + [rows.n_rows]
    all_weights = trace.of_one()
    whole = max(1, CHUNK_ROWS * len(parts) // max(rows.n_rows, 1))  # sequences that a thread takes at a time

    def prepare():
        return (make_works(trace, course.limits.n_units),)

    def read(first, end, stop, work):
        here = state.copy()
        context = here.of_one()
        for start in range(borders[first], borders[end], STORED_ROWS):
            part = slice(start, min(start + STORED_ROWS, borders[end]))
            block = *rows.block(part.start, part.stop), above[part], begins[part]
            found = winners[part], familiarity[part], places[part]
            recall_block(all_weights, block, course, context, work, stop, found)
        if end == len(parts):
            for array, value in zip(last, here, strict=True):
                array[:] = value

    run_chunks(read, len(parts), n_jobs=n_jobs, chunk_rows=whole, prepare=prepare)
    return winners, familiarity, places, last


def follow(horizontal, limits, codes, n_jobs):
    """Return the winners that each code leads to by itself (-1: no code), and how familiar that is."""
    n, n_modules = codes.shape
    winners, familiarity = np.empty((n, n_modules), np.int32), np.empty(n)

    def prepare():
        return make_work(0, n_modules, limits.n_units), make_links(n_modules, limits.n_units)

    def read(start, end, stop, work, links):
        here = winners[start:end], familiarity[start:end]
        follow_codes(horizontal, limits, codes[start:end], work, links, stop, *here)

    run_chunks(read, n, n_jobs=n_jobs, chunk_rows=CHUNK_ROWS, prepare=prepare)
    return winners, familiarity
