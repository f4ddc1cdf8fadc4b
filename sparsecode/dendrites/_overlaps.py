"""Overlaps of segments with rows of activity, by the way that is fastest."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from .._core.arrays import MOST
from .._core.parallel import run_chunks
from .._core.products import aligned_empty, kernel_array
from ._overlap_kernels import (
    PLANES,
    WIDTH,
    count_foreign,
    count_votes,
    list_active,
    list_overlaps,
    spread_rows,
)

#: Rows that a thread takes at a time, by lists and by bits.
LISTED_ROWS, BIT_ROWS = 64, 1024

#: From this share of active cells on, and from so many rows, bits are faster than lists.
DENSE, MANY_ROWS = 1 / 40, 512

#: Entries for which a thread has room, beyond those of one row.
ROOM = 2**17


class Wiring(NamedTuple):
    """Connected synapses of S segments, by segment and by cell."""

    indptr: np.ndarray  # (S + 1,) int64
    cells: np.ndarray  # (nnz,) int32: of segment after segment
    starts: np.ndarray  # (blocks of segments, n_cells + 1) int64
    places: np.ndarray  # (nnz,) uint16: segments within the block, by cell

    @property
    def n_segments(self):
        """Number of segments."""
        return len(self.indptr) - 1

    def sizes(self):
        """Return the number of synapses of each segment."""
        return np.diff(self.indptr)


def make_wiring(synapses):
    """Return a CSR array (n_segments, n_cells) of synapses, in the forms in which kernels take it."""
    S, n_cells = synapses.shape
    starts = np.zeros((-(-S // WIDTH), n_cells + 1), np.int64)
    places, before = np.empty(synapses.nnz, np.uint16), 0
    for b in range(len(starts)):
        block = synapses[b * WIDTH : (b + 1) * WIDTH].tocsc()
        starts[b] = before + block.indptr.astype(np.int64)
        places[before : before + block.nnz] = block.indices
        before += block.nnz
    indptr, cells = synapses.indptr.astype(np.int64), synapses.indices.astype(np.int32)
    return Wiring(indptr, kernel_array(cells), starts, places)


def as_lists(X):
    """Return rows of bool, dense or CSR, as `indptr` and `indices` of a CSR array."""
    X = csr_array(X)
    return X.indptr.astype(np.int64), kernel_array(X.indices.astype(np.int32, copy=False))


def overlaps_of(wiring, X, least, n_jobs=None):
    """Return the overlaps of segments with rows of bool that reach `least`, (n_rows, n_segments) CSR of int16.

    Parameters
    ----------
    wiring : Wiring
    X : ndarray or CSR array of shape (n_rows, n_cells), bool
    least : ndarray of shape (n_segments,), int16
        At least 1.
    n_jobs : int or None
    """
    indptr, indices = as_lists(X)
    n, S = len(indptr) - 1, wiring.n_segments
    blocks = {}

    def prepare():
        room = S + ROOM
        return np.empty(WIDTH, np.int16), np.empty(room, np.int32), np.empty(room, np.int16)

    def find(start, end, stop, counts, segments, overlaps):
        row, ends, parts = 0, np.zeros(end - start, np.int64), []
        lists = indptr[start : end + 1], indices
        while row < end - start and not stop[0]:
            before = row
            row = list_overlaps(
                wiring.starts, wiring.places, least, *lists, row, counts, stop, ends, segments, overlaps
            )
            n_found = ends[row - 1] if row > before else 0
            ends[before:row] += sum(len(part[0]) for part in parts)
            parts.append((segments[:n_found].copy(), overlaps[:n_found].copy()))
        blocks[start] = ends, parts

    run_chunks(find, n, n_jobs=n_jobs, chunk_rows=LISTED_ROWS, prepare=prepare)
    found = [blocks[start] for start in sorted(blocks)]
    pointers, n_before = [np.zeros(1, np.int64)], 0
    for ends, _ in found:
        pointers.append(ends + n_before)
        n_before += ends[-1]
    parts = [part for _, parts in found for part in parts]
    columns, values = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
    return _as_csr(values, columns, np.concatenate(pointers), S)


def active_segments(wiring, X, thresholds, n_jobs=None):
    """Return which segments reach their thresholds, (n_rows, n_segments) CSR of bool; arguments as `overlaps_of`."""
    n, n_cells = X.shape
    n_ones = X.nnz if hasattr(X, "nnz") else np.count_nonzero(X)
    countable = wiring.sizes().max(initial=0) < 2**PLANES
    if n >= MANY_ROWS and countable and n_ones >= DENSE * n * n_cells:
        return active_by_bits(wiring, X, thresholds, n_jobs)
    found = overlaps_of(wiring, X, thresholds, n_jobs)
    return csr_array((np.ones(found.nnz, bool), found.indices, found.indptr), shape=found.shape)


def active_by_bits(wiring, X, thresholds, n_jobs=None):
    """Return the same for segments of less than 32 synapses, by counting 64 rows at once."""
    indptr, indices = as_lists(X)
    n, n_cells = X.shape
    S, blocks = wiring.n_segments, {}
    n_words = -(-min(n, BIT_ROWS) // 64)

    def prepare():
        words, planes = aligned_empty((n_cells, n_words), np.uint64), aligned_empty((PLANES, n_words), np.uint64)
        return words, planes, aligned_empty(n_words, np.uint64), np.empty(ROOM + BIT_ROWS, np.int32)

    def find(start, end, stop, words, planes, reached, rows):
        spread_rows(indptr[start : end + 1], indices, words)
        segment, ends, parts = 0, np.zeros(S, np.int64), []
        synapses = wiring.indptr, wiring.cells, thresholds
        while segment < S and not stop[0]:
            before = segment
            segment = list_active(*synapses, words, end - start, segment, planes, reached, stop, ends, rows)
            n_found = ends[segment - 1] if segment > before else 0
            ends[before:segment] += sum(map(len, parts))
            parts.append(rows[:n_found].copy())
        rows = np.concatenate(parts) if parts else rows[:0]
        blocks[start] = csr_array(_as_csr(np.ones(len(rows), bool), rows, np.r_[0, ends], end - start).T)

    run_chunks(find, n, n_jobs=n_jobs, chunk_rows=BIT_ROWS, prepare=prepare)
    found = [blocks[start] for start in sorted(blocks)]
    counts = np.concatenate([np.diff(block.indptr) for block in found])
    columns = np.concatenate([block.indices for block in found]).astype(np.int32, copy=False)
    return _as_csr(np.ones(len(columns), bool), columns, np.r_[0, np.cumsum(counts)], S)


def _as_csr(values, columns, indptr, n_columns):
    """Return a CSR array; its indices have 32 bits where they can, or SciPy would copy them to 64."""
    if indptr[-1] <= MOST:
        indptr = indptr.astype(np.int32)
    return csr_array((values, columns, indptr), shape=(len(indptr) - 1, n_columns))


class Votes(NamedTuple):
    """What the segments of each owner say of each row; arrays (n_rows, n_owners) of int32."""

    n_active: np.ndarray
    excess: np.ndarray  # sum of overlaps beyond thresholds, an overlap that just reaches one counts 1
    largest: np.ndarray  # overlap of a segment


def votes_of(wiring, X, thresholds, owners, n_owners, n_jobs=None):
    """Return the `Votes` of segments that are sorted by owner; other arguments as `overlaps_of`."""
    indptr, indices = as_lists(X)
    runs = runs_of(owners)
    votes = Votes(*(np.zeros((len(indptr) - 1, n_owners), np.int32) for _ in Votes._fields))

    def prepare():
        return (np.empty(WIDTH, np.int16),)

    def count(start, end, stop, counts):
        lists = indptr[start : end + 1], indices
        here = (votes.n_active[start:end], votes.excess[start:end], votes.largest[start:end])
        count_votes(wiring.starts, wiring.places, thresholds, runs, *lists, counts, stop, *here)

    run_chunks(count, len(votes.n_active), n_jobs=n_jobs, chunk_rows=LISTED_ROWS, prepare=prepare)
    return votes


def runs_of(owners):
    """Return block, owner, first and last segment (within the block) of runs of one owner in blocks of segments."""
    number = np.arange(len(owners))
    new = np.r_[True, (owners[1:] != owners[:-1]) | (number[1:] % WIDTH == 0)] if len(owners) else np.zeros(0, bool)
    first = np.flatnonzero(new)
    last = np.r_[first[1:], len(owners)] if len(owners) else first
    return np.stack([first // WIDTH, owners[first], first % WIDTH, last - first // WIDTH * WIDTH], axis=1).astype(
        np.int64
    )


def foreign_overlaps(wiring, X, owners, labels, most, n_jobs=None):
    """Return how often each overlap from 0 to `most` occurs in rows of another label, (n_segments, most + 1) int32.

    Parameters
    ----------
    wiring : Wiring
    X : ndarray or CSR array of shape (n_rows, n_cells), bool
    owners : ndarray of shape (n_segments,), int32
    labels : ndarray of shape (n_rows,), int32
    most : int
        Synapses of a segment at most.
    n_jobs : int or None
    """
    lists, foreign = as_lists(X), np.zeros((wiring.n_segments, most + 1), np.int32)

    def prepare():
        return (np.empty(WIDTH, np.int16),)

    def count(b, _, stop, counts):
        here = slice(b * WIDTH, (b + 1) * WIDTH)
        count_foreign(wiring.starts[b], wiring.places, owners[here], *lists, labels, counts, stop, foreign[here])

    run_chunks(count, len(wiring.starts), n_jobs=n_jobs, chunk_rows=1, prepare=prepare)
    return foreign
