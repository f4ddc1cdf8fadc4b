"""Kernels by which segments come to be and change: synapses sampled from rows, permanences, pruning.

A segment is a row of cells and permanences, its synapses first, then -1. Rows are learned one after the other, and the
synapses of all segments are read for each, where there is no list of them that would have to be kept up.
"""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel


class GrowthRule(NamedTuple):
    """How segments learn, as kernels see it."""

    n_new: int  # synapses that a pattern is sampled by, at most
    n_patterns: int  # patterns that share a segment
    match: int  # potential synapses that must be active for a segment to learn a row; 0: none learns
    by_owner: int  # whether segments learn rows of their owner only; or else of anyone
    n_segments: int  # at most
    counting: int  # whether overlaps with the rows of others are counted
    connected: float  # permanence from which a synapse is connected
    initial: float
    increment: float
    decrement: float
    punishment: float


class GrowthWork(NamedTuple):
    """Work arrays."""

    on: np.ndarray  # (n_cells,) uint8: 1 for active cells, 2 for those with a synapse on a segment; 0 between rows
    free: np.ndarray  # (n_cells,) int32: active cells without one
    since: np.ndarray  # (S,) int64: row of the first pattern of each segment, if it is among those that are learned


def _overlap(cells, permanences, size, on, connected):
    """Return how many synapses of a segment are active, and how many of these are connected."""
    potential, linked = np.int64(0), np.int64(0)
    for k in range(size):
        there = np.int64(on[cells[k]])
        potential += there
        linked += there * (permanences[k] >= connected)
    return potential, linked


def _remove(cells, permanences, k, size):
    """Remove synapse k of a segment; the last one takes its place."""
    cells[k], permanences[k] = cells[size - 1], permanences[size - 1]
    cells[size - 1], permanences[size - 1] = -1, np.float32(0)


def _change(cells, permanences, size, on, up, down):
    """Add to the permanences of active synapses and of the others; return how many synapses are left.

    Those whose permanence is no longer positive are removed.
    """
    k = np.int64(0)
    while k < size:
        new = permanences[k] + (up if on[cells[k]] else down)
        if new > 0:
            permanences[k] = min(new, np.float32(1))
            k += 1
        else:
            remove(cells, permanences, k, size)
            size -= 1
    return size


def _grow(cells, permanences, size, active, n_new, initial, uniforms, work):
    """Add synapses to active cells that have none on the segment, at random; return how many there are then."""
    n_new = min(n_new, cells.shape[0] - size)
    if n_new <= 0:
        return size
    for k in range(size):
        work.on[cells[k]] |= np.uint8(2)
    n = np.int64(0)
    for a in range(active.shape[0]):
        if work.on[active[a]] == 1:
            work.free[n] = active[a]
            n += 1
    for k in range(size):
        work.on[cells[k]] &= np.uint8(1)
    for k in range(min(n_new, n)):
        other = min(k + np.int64(uniforms[k] * (n - k)), n - 1)
        work.free[k], work.free[other] = work.free[other], work.free[k]
        cells[size], permanences[size] = work.free[k], initial
        size += 1
    return size


def _search(store, rule, owner, work):
    """Return the segment that matches a row best, the strongest of others, and their overlaps; count those of others.

    The best one has most potential synapses, the strongest of others most connected ones; -1 where there is none.
    """
    best, best_potential, best_linked = np.int64(-1), np.int64(0), np.int64(0)
    wrong, wrong_linked = np.int64(-1), np.int64(0)
    for j in range(store.totals[1]):
        potential, linked = overlap(store.cells[j], store.permanences[j], store.sizes[j], work.on, rule.connected)
        if rule.by_owner == 0 or store.owners[j] == owner:
            if potential > best_potential:
                best, best_potential, best_linked = j, potential, linked
        elif linked > wrong_linked:
            wrong, wrong_linked = j, linked
        if rule.counting != 0 and (rule.by_owner == 0 or store.owners[j] != owner):
            store.foreign[j, linked] += 1
    if rule.counting != 0 and rule.by_owner == 0 and rule.match > 0 and best_potential >= rule.match:
        store.foreign[best, best_linked] -= 1  # the row is its own
    return best, best_potential, wrong, wrong_linked


def _place(store, rule, owner):
    """Return the segment that takes a new pattern: an open one of the owner, a new one, or the one longest unused."""
    n = store.totals[1]
    if rule.n_patterns > 1:
        for j in range(n):
            if store.patterns[j] < rule.n_patterns and (rule.by_owner == 0 or store.owners[j] == owner):
                return j
    if n < rule.n_segments:
        store.totals[1] = n + 1
        return n
    oldest = np.int64(0)
    for j in range(n):
        if store.used[j] < store.used[oldest]:
            oldest = j
    store.cells[oldest, :] = -1
    store.permanences[oldest, :] = np.float32(0)
    store.foreign[oldest, :] = 0
    store.sizes[oldest] = store.patterns[oldest] = 0
    store.totals[4] += 1
    return oldest


def _learn_row(store, rule, owner, active, uniforms, work):
    """Learn a row with active cells; return the segment that has it, -1 for none."""
    best, potential, wrong, linked = np.int64(-1), np.int64(0), np.int64(-1), np.int64(0)
    if rule.match > 0 or rule.counting != 0:
        best, potential, wrong, linked = search(store, rule, owner, work)
    if rule.match > 0 and rule.punishment > 0 and linked >= rule.match:
        cells, permanences = store.cells[wrong], store.permanences[wrong]
        size = np.int64(store.sizes[wrong])
        store.sizes[wrong] = change(cells, permanences, size, work.on, -rule.punishment, np.float32(0))
    if owner < 0:
        return np.int64(-1)
    n_new, j = np.int64(rule.n_new), best
    if rule.match > 0 and potential >= rule.match:
        size = np.int64(store.sizes[j])
        size = change(store.cells[j], store.permanences[j], size, work.on, rule.increment, -rule.decrement)
        n_new -= potential
    else:
        j = place(store, rule, owner)
        if store.patterns[j] == 0:
            work.since[j] = store.totals[0]
        store.patterns[j] += 1
        size = np.int64(store.sizes[j])
    size = grow(store.cells[j], store.permanences[j], size, active, n_new, rule.initial, uniforms, work)
    store.sizes[j] = size
    store.owners[j], store.used[j] = owner, store.totals[0]
    return j


def _learn_rows(store, rule, owners, indptr, indices, uniforms, work, stop, placed):
    """Learn rows one after the other; write the segment that has each, -1 for none."""
    for i in range(placed.shape[0]):
        if stop[0] != 0:
            return
        active = indices[indptr[i] : indptr[i + 1]]
        store.totals[0] += 1
        placed[i] = -1
        if active.shape[0] == 0:
            continue
        store.totals[2] += 1
        store.totals[3] += active.shape[0]
        for a in range(active.shape[0]):
            work.on[active[a]] = 1
        placed[i] = learn_row(store, rule, np.int64(owners[i]), active, uniforms[i], work)
        for a in range(active.shape[0]):
            work.on[active[a]] = 0


overlap = kernel(_overlap)
remove = kernel(_remove)
change = kernel(_change)
grow = kernel(_grow)
search = kernel(_search)
place = kernel(_place)
learn_row = kernel(_learn_row)
learn_rows = kernel(_learn_rows)
