"""What is done with rows in time: stored and recalled with the code before, and codes that follow codes."""

from typing import NamedTuple

import numpy as np

from .._core.parallel import run_chunks
from .._core.products import aligned_copy, aligned_empty
from ._macrocolumn_kernels import Limits
from ._selection_kernels import Rule
from ._sequence_kernels import Links, Plan, follow_codes, learn_sequences, recall_sequences
from ._trace import CHUNK_ROWS, STORED_ROWS, draws, make_work


class SequenceState(NamedTuple):
    """Where a memory of sequences is.

    Attributes
    ----------
    winners : ndarray of shape (n_modules,), int32
        The code of the row before, -1 for none.
    n_rows : ndarray of shape (1,), int64
        Rows since the sequence began, or since a row without a code.
    """

    winners: np.ndarray
    n_rows: np.ndarray

    @classmethod
    def start(cls, n_modules):
        """Return the state before any row."""
        return cls(np.full(n_modules, -1, np.int32), np.zeros(1, np.int64))

    def copy(self):
        """Return a state that can be written without a change of this one."""
        return SequenceState(*map(np.array, self))


def make_links(n_modules, n_units):
    """Return the work arrays of a thread, for support by the row before."""
    U = n_modules * n_units
    return Links(
        aligned_empty(U, np.int32),
        *(np.empty(n_modules, np.int32) for _ in range(2)),
        np.empty(n_modules),
        aligned_empty(U, np.float64),
        aligned_empty(U, np.float64),
    )


def mark(parts, n_rows):
    """Return, for each row, whether a sequence begins with it."""
    begins = np.zeros(n_rows, np.uint8)
    begins[[rows.start for rows, new in parts if new]] = 1
    return begins


class Course(NamedTuple):
    """How rows are stored and recalled."""

    rule: Rule  # for rows without context
    limits: Limits
    freeze: tuple  # see `freezing`
    plan: Plan


def store_sequences(trace, horizontal, rows, begins, course, numbers, state):
    """Return trace, horizontal weights and state after the rows, their winners and how familiar each was before.

    `numbers` are the seed of the draws and the number of rows before.
    """
    trace, horizontal, state = trace.copy(), aligned_copy(horizontal), state.copy()
    (seed, first), (rule, limits, freeze, plan) = numbers, course
    n_modules, later = len(state.winners), rule._replace(support_power=1.0)
    work, links = make_work(len(trace.weights), n_modules, limits.n_units), make_links(n_modules, limits.n_units)
    winners, familiarity = np.empty((rows.n_rows, n_modules), np.int32), np.empty(rows.n_rows)
    freeze = np.array(freeze, np.float64)

    def learn(start, end, stop):
        uniforms = draws(seed, first + start, end - start, n_modules)
        learn_sequences(trace.weights, trace.fill, trace.totals, horizontal, rule, later, limits, freeze, plan,
                        *rows.block(start, end), begins[start:end], uniforms, *state, work, links, stop,
                        winners[start:end], familiarity[start:end])  # fmt: skip

    run_chunks(learn, rows.n_rows, n_jobs=1, chunk_rows=STORED_ROWS)
    return trace, horizontal, state, winners, familiarity


def scan(trace, horizontal, rows, parts, course, state, n_jobs):
    """Return the winners and the familiarity of each row, and the state after the last; sequences run in threads."""
    rule, limits, _, plan = course
    n_modules, U = len(state.winners), trace.weights.shape[1]
    winners, familiarity = np.empty((rows.n_rows, n_modules), np.int32), np.empty(rows.n_rows)
    begins, last = mark(parts, rows.n_rows), state.copy()
    borders = [part.start for part, _ in parts] + [rows.n_rows]
    whole = max(1, CHUNK_ROWS * len(parts) // max(rows.n_rows, 1))  # sequences that a thread takes at a time

    def prepare():
        return make_work(len(trace.weights), n_modules, U // n_modules), make_links(n_modules, U // n_modules)

    def read(first, end, stop, work, links):
        here = state.copy()
        for start in range(borders[first], borders[end], STORED_ROWS):
            part = slice(start, min(start + STORED_ROWS, borders[end]))
            recall_sequences(trace.weights, horizontal, rule, limits, plan, *rows.block(part.start, part.stop),
                             begins[part], *here, work, links, stop, winners[part], familiarity[part])  # fmt: skip
        if end == len(parts):
            last.winners[:], last.n_rows[:] = here

    run_chunks(read, len(parts), n_jobs=n_jobs, chunk_rows=whole, prepare=prepare)
    return winners, familiarity, last


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
