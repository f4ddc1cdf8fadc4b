"""What segments have learned: their synapses, whose they are, and what they overlap with by accident."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from .._core.parallel import run_chunks
from .._core.rng import draws
from ._growth_kernels import GrowthWork, learn_rows
from ._overlaps import as_lists

#: Rows that are learned at a time.
LEARNED_ROWS = 256

#: Numbers of `PaddedSegments.totals`.
ROWS, SEGMENTS, CODED, ONES, REPLACED = range(5)


class PaddedSegments(NamedTuple):
    """S segments of up to L synapses; their number is ``totals[1]``, and there may be room for more."""

    cells: np.ndarray  # (S, L) int32: presynaptic cells, -1 where there is no synapse
    permanences: np.ndarray  # (S, L) float32
    sizes: np.ndarray  # (S,) int32: synapses
    owners: np.ndarray  # (S,) int32
    patterns: np.ndarray  # (S,) int32: patterns that were sampled
    used: np.ndarray  # (S,) int64: row that was last learned
    foreign: np.ndarray  # (S, L + 1) int32: how often each overlap occurred in rows of others
    totals: np.ndarray  # (5,) int64: rows, segments, rows with ones, ones, segments that were replaced

    @classmethod
    def empty(cls, n_slots, n_synapses):
        """Return room for so many segments."""
        of_segment = (np.zeros(n_slots, kind) for kind in (np.int32, np.int32, np.int32, np.int64))
        cells = np.full((n_slots, n_synapses), -1, np.int32)
        foreign = np.zeros((n_slots, n_synapses + 1), np.int32)
        return cls(cells, np.zeros(cells.shape, np.float32), *of_segment, foreign, np.zeros(5, np.int64))

    def with_room(self, n_more):
        """Return a copy with room for more segments."""
        n, L = int(self.totals[SEGMENTS]), self.cells.shape[1]
        larger = PaddedSegments.empty(n + n_more, L)
        for new, old in zip(larger[:-1], self[:-1], strict=True):
            new[:n] = old[:n]
        larger.totals[:] = self.totals
        return larger

    def trimmed(self):
        """Return the store without room."""
        n = int(self.totals[SEGMENTS])
        return PaddedSegments(*(array[:n].copy() for array in self[:-1]), self.totals)

    def check(self, n_cells, n_owners):
        """Raise an error if these are no arrays of segments: kernels trust them."""
        like = PaddedSegments.empty(*self.cells.shape) if self.cells.ndim == 2 else PaddedSegments.empty(0, 0)
        fits = all(a.dtype == b.dtype and a.shape == b.shape for a, b in zip(self, like, strict=True))
        if not fits or self.totals[SEGMENTS] != len(self.cells) or not self._sound(n_cells, n_owners):
            raise ValueError("the arrays are no segments.")

    def _sound(self, n_cells, n_owners):
        """Return whether each segment has its synapses first, to cells that there are, and an owner that there is."""
        L = self.cells.shape[1]
        there = np.arange(L) < self.sizes[:, None]
        packed = np.array_equal(there, self.cells >= 0) and ((self.sizes >= 0) & (self.sizes <= L)).all()
        in_order = np.sort(self.cells, axis=1)
        different = (np.diff(in_order, axis=1) > 0) | (in_order[:, 1:] < 0)
        linked = (self.cells >= -1).all() and (self.cells < n_cells).all() and different.all()
        strong = ((self.permanences >= 0) & (self.permanences <= 1)).all()
        owned = ((self.owners >= 0) & (self.owners < n_owners)).all() and (self.patterns >= 0).all()
        counted = (self.foreign >= 0).all() and (self.totals >= 0).all()
        return bool(packed and linked and strong and owned and counted and (self.used <= self.totals[ROWS]).all())


def learn(store, rule, owners, X, seed):
    """Return the store after rows of bool, and the segment that has each, -1 for none that is there.

    Parameters
    ----------
    store : PaddedSegments
    rule : GrowthRule
    owners : ndarray of shape (n_rows,), int32
        Whose the rows are; -1 for rows that get no segment.
    X : ndarray or CSR array of shape (n_rows, n_cells), bool
    seed : int
        Of the choice of synapses.
    """
    n, n_cells = X.shape
    indptr, indices = as_lists(X)
    first = int(store.totals[ROWS])
    store = store.with_room(max(0, min(n, rule.n_segments - int(store.totals[SEGMENTS]))))
    since = np.zeros(len(store.cells), np.int64)
    work = GrowthWork(np.zeros(n_cells, np.uint8), np.empty(n_cells, np.int32), since)
    placed = np.full(n, -1, np.int32)

    def take(start, end, stop):
        uniforms = draws(seed, first + start, end - start, rule.n_new)
        lists = indptr[start : end + 1], indices
        learn_rows(store, rule, owners[start:end], *lists, uniforms, work, stop, placed[start:end])

    run_chunks(take, n, n_jobs=1, chunk_rows=LEARNED_ROWS)  # one thread takes them in their order
    there = np.flatnonzero(placed >= 0)
    placed[there[first + there + 1 < since[placed[there]]]] = -1  # another pattern has replaced theirs
    return store.trimmed(), placed


def synapses_of(store, n_cells, least=None):
    """Return the permanences of synapses as a canonical CSR array (n_segments, n_cells) of float32.

    With `least` only those whose permanence is at least that.
    """
    there = store.cells >= 0
    if least is not None:
        there &= store.permanences >= np.float32(least)
    indptr = np.r_[0, np.cumsum(there.sum(axis=1))].astype(np.int32)
    synapses = csr_array((store.permanences[there], store.cells[there], indptr), shape=(len(store.cells), n_cells))
    synapses.sort_indices()
    return synapses
