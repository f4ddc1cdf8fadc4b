"""What is done with a temporal memory: rows are taken one after the other, with learning or without."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from .._core.arrays import check_index
from .._core.parallel import run_chunks
from .._core.products import kernel_array
from ._pooled_kernels import PooledSegments
from ._pooled_segments import copy_segments, make_room
from ._temporal_kernels import Activity, TemporalWork, take_rows

#: Rows that are taken at a time.
BLOCK_ROWS = 64


class TemporalState(NamedTuple):
    """Where a temporal memory is.

    Attributes
    ----------
    active_cells : ndarray of int32
        Cells that are active, in order; cell k of column c is ``c * cells_per_column + k``.
    winner_cells : ndarray of int32
        Those to which segments of the next row grow synapses.
    """

    active_cells: np.ndarray
    winner_cells: np.ndarray

    @classmethod
    def start(cls):
        """Return the state before any row."""
        return cls(np.zeros(0, np.int32), np.zeros(0, np.int32))


class Scan(NamedTuple):
    """What became of rows."""

    cells: np.ndarray  # active cells of all rows, one row after the other
    ends: np.ndarray  # (n + 1,) where each row begins and ends in these
    outcomes: np.ndarray  # (n, 3) columns that were active, that were predicted, and both
    predictions: csr_array | None  # (n, C) columns that are predicted after each row

    def anomalies(self):
        """Return the share of the active columns that had not been predicted, for each row; 0 without any."""
        active, _, correct = self.outcomes.T
        return np.where(active > 0, 1 - correct / np.maximum(active, 1), 0.0)


class Taker:
    """Takes rows of one sequence after another, and keeps what it needs for it; one for each thread."""

    def __init__(self, store, rule, n_columns):
        self.rule, self.n_columns = rule, n_columns
        self.store, n_cells = store, len(store.first)
        self.before = Activity(np.zeros(n_cells, np.uint8), *(np.zeros(n_cells, np.int32) for _ in range(2)),
                               np.zeros(2, np.int64))  # fmt: skip
        self._make_work()

    def _make_work(self):
        S, N, C = len(self.store.owner), len(self.store.first), self.n_columns
        by_segment = (np.int16, np.int32, np.int16, np.int32, np.uint8, np.int32, np.int32)
        by_cell, by_column = (np.uint8, np.uint8, *(np.int32,) * 3), (np.int32, np.uint8, np.uint8, np.int32)
        sizes = [(S, kind) for kind in by_segment] + [(N, kind) for kind in by_cell] + [(C, k) for k in by_column]
        self.work = TemporalWork(*(np.zeros(size, kind) for size, kind in sizes), np.zeros(3, np.int64))

    def set_state(self, state):
        """Begin after some cells."""
        before = self.before
        before.on[:] = 0
        before.on[state.active_cells] = 1
        for number, (array, cells) in enumerate(zip(before[1:3], state, strict=True)):
            array[: len(cells)] = cells
            before.sizes[number] = len(cells)

    def state(self):
        """Return the cells after the last row."""
        _, cells, winners, (n, n_winners) = self.before
        return TemporalState(cells[:n].copy(), winners[:n_winners].copy())

    def take(self, rows, begins, start, end, stop, asked):
        """Take some rows; return active cells, their ends, outcomes, and predicted columns as CSR parts."""
        indptr, indices = rows.block(start, end)
        indptr, n = np.ascontiguousarray(indptr), end - start
        codes = np.empty((indptr[-1] - indptr[0]) * self.rule.n_cells, np.int32)
        ends, outcomes = np.zeros(n + 1, np.int64), np.empty((n, 3), np.int64)
        predictions = np.zeros((n if asked else 0, self.n_columns), np.uint8)
        done = 0
        while True:
            done = take_rows(self.store, self.rule, indptr, indices, begins[start:end], np.int64(done), self.before,
                             self.work, stop, codes, ends, outcomes, predictions)  # fmt: skip
            if done == n or stop[0]:
                break
            self.store = make_room(self.store, self.work.needs)
            self._make_work()
        row, column = np.nonzero(predictions)
        return codes[: ends[-1]], ends, outcomes, np.bincount(row, minlength=n), column.astype(np.int32)


def learn(store, rule, rows, begins, n_columns, state, *, asked=False):
    """Return the store and the state after the rows, and what became of them."""
    taker = Taker(copy_segments(store), rule, n_columns)
    taker.set_state(state)
    found = []

    def take(start, end, stop):
        found.append(taker.take(rows, begins, start, end, stop, asked))

    run_chunks(take, rows.n_rows, n_jobs=1, chunk_rows=BLOCK_ROWS)  # one thread takes them in their order
    return taker.store, taker.state(), join(found, n_columns, asked)


def scan(store, rule, rows, parts, begins, n_columns, state, n_jobs, *, asked=False):
    """Return what becomes of rows without learning, and the state after the last; sequences run in threads."""
    borders = [part.start for part, _ in parts] + [rows.n_rows]
    whole = max(1, BLOCK_ROWS * len(parts) // max(rows.n_rows, 1))
    found, last, store = [None] * len(parts), [state], PooledSegments(*map(kernel_array, store))

    def prepare():
        return (Taker(store, rule, n_columns),)

    def read(first, end, stop, taker):
        taker.set_state(state)
        for number in range(first, end):
            blocks = range(borders[number], borders[number + 1], BLOCK_ROWS)
            found[number] = [
                taker.take(rows, begins, start, min(start + BLOCK_ROWS, borders[number + 1]), stop, asked)
                for start in blocks
            ]
        if end == len(parts):
            last[0] = taker.state()

    run_chunks(read, len(parts), n_jobs=n_jobs, chunk_rows=whole, prepare=prepare)
    return join([block for blocks in found for block in blocks], n_columns, asked), last[0]


def join(found, n_columns, asked):
    """Return what became of all rows, from that of blocks."""
    cells, ends, outcomes, counts, columns = zip(*found, strict=True)
    sizes = np.concatenate([np.diff(end) for end in ends])
    predictions = None
    if asked:
        predictions = as_csr(np.concatenate(columns), np.concatenate(counts), n_columns)
    return Scan(np.concatenate(cells), np.r_[0, np.cumsum(sizes)], np.concatenate(outcomes), predictions)


def as_csr(indices, sizes, n_columns):
    """Return a CSR array of bool with ones in some columns of each row."""
    check_index((len(sizes), n_columns), len(indices))
    indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    return csr_array((np.ones(len(indices), bool), indices, indptr), shape=(len(sizes), n_columns))
