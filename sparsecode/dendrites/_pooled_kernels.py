"""Kernels of a store of dendritic segments: synapses by segment, and by the cell that they come from.

Both are ragged rows in a pool: a row that is full moves to the end of the pool with more room, and the pool is packed
in Python once it is used up (`_pooled_segments.py`). A synapse knows its place in the list of its cell, and an entry of
a list its place in the segment, so that both are taken out in one step. Segments are linked in the order of their use.
"""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel

#: Places in `PooledSegments.totals`: identifiers given so far, the first that is free again and the number of these,
#: segments and synapses that there are, ends of the pools, last stamp, least and most recently used segment, seeds,
#: rows learned.
NEXT, FREE, N_FREE, LIVE, SYNAPSES, POOL, LISTS, STAMP, OLDEST, NEWEST, SEED, OTHER_SEED, ROWS = range(13)

#: Permanence 1: they are kept as whole ten-thousandths.
ONE = 10_000


class PooledSegments(NamedTuple):
    """Segments of N cells with their synapses; S segments, pools of P synapses and L entries have room."""

    owner: np.ndarray  # (S,) int32: cell of each segment, -1 if there is none
    start: np.ndarray  # (S,) int64: its first synapse in the pool
    size: np.ndarray  # (S,) int32: number of its synapses
    room: np.ndarray  # (S,) int32: number for which there is room
    stamp: np.ndarray  # (S,) int64: order of last use
    older: np.ndarray  # (S,) int32: segment that was used before, -1 for none
    newer: np.ndarray  # (S,) int32: and after
    sibling: np.ndarray  # (S,) int32: next segment of the same cell, or next free identifier
    cells: np.ndarray  # (P,) int32: cell that each synapse comes from
    permanences: np.ndarray  # (P,) int16
    places: np.ndarray  # (P,) int32: place of its entry in the list of that cell
    first: np.ndarray  # (N,) int32: a segment of each cell, -1 for none
    count: np.ndarray  # (N,) int32: number of its segments, -1 for cells that are silenced
    list_start: np.ndarray  # (N,) int64: its first outgoing synapse in the lists
    list_size: np.ndarray  # (N,) int32
    list_room: np.ndarray  # (N,) int32
    list_segments: np.ndarray  # (L,) int32: segment that each entry leads to
    list_slots: np.ndarray  # (L,) int16: place of the synapse in that segment
    totals: np.ndarray  # (13,) int64


def _draw(totals, n):
    """Return a random whole number below n, by two multiplicative generators (L'Ecuyer 1988)."""
    a = totals[SEED] * 40014 % 2147483563
    b = totals[OTHER_SEED] * 40692 % 2147483399
    totals[SEED], totals[OTHER_SEED] = a, b
    return (a - b) % 2147483562 % n


def _unlink(store, s):
    """Take a segment out of the order of use."""
    older, newer = store.older[s], store.newer[s]
    if older >= 0:
        store.newer[older] = newer
    else:
        store.totals[OLDEST] = newer
    if newer >= 0:
        store.older[newer] = older
    else:
        store.totals[NEWEST] = older


def _link(store, s):
    """Make a segment the one that was used last."""
    newest = store.totals[NEWEST]
    store.older[s], store.newer[s] = newest, -1
    if newest >= 0:
        store.newer[newest] = s
    else:
        store.totals[OLDEST] = s
    store.totals[NEWEST] = s
    store.totals[STAMP] += 1
    store.stamp[s] = store.totals[STAMP]


def _reserve(store, s, n, most):
    """Make room for n more synapses of a segment."""
    size = store.size[s]
    if size + n <= store.room[s]:
        return
    old, new = store.start[s], store.totals[POOL]
    room = min(size + n + (size + n) // 4, most)
    for k in range(size):
        store.cells[new + k] = store.cells[old + k]
        store.permanences[new + k] = store.permanences[old + k]
        store.places[new + k] = store.places[old + k]
    store.start[s], store.room[s] = new, room
    store.totals[POOL] = new + room


def _reserve_entry(store, cell):
    """Make room for one more outgoing synapse of a cell."""
    size = store.list_size[cell]
    if size < store.list_room[cell]:
        return
    old, new = store.list_start[cell], store.totals[LISTS]
    room = size + size // 2 + 4
    for k in range(size):
        store.list_segments[new + k] = store.list_segments[old + k]
        store.list_slots[new + k] = store.list_slots[old + k]
    store.list_start[cell], store.list_room[cell] = new, room
    store.totals[LISTS] = new + room


def _add_synapse(store, s, cell, permanence):
    """Add a synapse to a segment that has room."""
    reserve_entry(store, cell)
    slot, place = store.size[s], store.list_size[cell]
    k, entry = store.start[s] + slot, store.list_start[cell] + place
    store.cells[k], store.permanences[k], store.places[k] = cell, permanence, place
    store.list_segments[entry], store.list_slots[entry] = s, slot
    store.size[s] = slot + 1
    store.list_size[cell] = place + 1
    store.totals[SYNAPSES] += 1


def _drop_synapse(store, s, slot):
    """Take a synapse out of its segment and of the list of its cell; the last ones take its places."""
    k = store.start[s] + slot
    cell, place = store.cells[k], store.places[k]
    first, end = store.list_start[cell], store.list_size[cell] - 1
    segment, its_slot = store.list_segments[first + end], store.list_slots[first + end]
    store.list_segments[first + place], store.list_slots[first + place] = segment, its_slot
    store.places[store.start[segment] + its_slot] = place
    store.list_size[cell] = end
    last = store.size[s] - 1
    if slot != last:
        other = store.start[s] + last
        store.cells[k], store.permanences[k] = store.cells[other], store.permanences[other]
        store.places[k] = store.places[other]
        store.list_slots[store.list_start[store.cells[k]] + store.places[k]] = slot
    store.size[s] = last
    store.totals[SYNAPSES] -= 1


def _destroy(store, s):
    """Take a segment with all its synapses out."""
    while store.size[s] > 0:
        drop_synapse(store, s, np.int64(store.size[s] - 1))
    cell = store.owner[s]
    if store.first[cell] == s:
        store.first[cell] = store.sibling[s]
    else:
        before = store.first[cell]
        while store.sibling[before] != s:
            before = store.sibling[before]
        store.sibling[before] = store.sibling[s]
    store.count[cell] -= 1
    unlink(store, s)
    store.owner[s], store.sibling[s] = -1, store.totals[FREE]
    store.totals[FREE] = s
    store.totals[N_FREE] += 1
    store.totals[LIVE] -= 1


def _least_recent(store, rule, cell):
    """Return the segment that has to go before a cell gets another one, -1 for none."""
    if store.count[cell] >= rule.most_segments_of_cell:
        s = store.first[cell]
        victim = s
        while s >= 0:
            if store.stamp[s] < store.stamp[victim]:
                victim = s
            s = store.sibling[s]
        return np.int64(victim)
    if store.totals[LIVE] >= rule.most_segments:
        return np.int64(store.totals[OLDEST])
    return np.int64(-1)


def _create(store, rule, cell):
    """Return a new segment of a cell, without synapses; least recently used ones go where there are too many."""
    victim = least_recent(store, rule, cell)
    while victim >= 0:
        destroy(store, victim)
        victim = least_recent(store, rule, cell)
    if store.totals[FREE] >= 0:
        s = store.totals[FREE]
        store.totals[FREE] = store.sibling[s]
        store.totals[N_FREE] -= 1
    else:
        s = store.totals[NEXT]
        store.totals[NEXT] += 1
        store.start[s], store.room[s], store.size[s] = store.totals[POOL], 0, 0
    store.owner[s], store.sibling[s] = cell, store.first[cell]
    store.first[cell] = s
    store.count[cell] += 1
    store.totals[LIVE] += 1
    link(store, s)
    return s


def _adapt(store, s, on, up, down):
    """Change the permanences of synapses from active cells, and of the others; those that fall to zero are gone."""
    start = store.start[s]
    for slot in range(store.size[s] - 1, -1, -1):
        k = start + slot
        permanence = min(store.permanences[k] + (up if on[store.cells[k]] != 0 else down), ONE)
        store.permanences[k] = max(permanence, 0)
        if permanence <= 0:
            drop_synapse(store, s, np.int64(slot))


def _drop_weakest(store, s, keep):
    """Drop the weakest synapse from a cell that is not to be kept, of equal ones that of the first cell; say if any."""
    start = store.start[s]
    least, slot = np.int64(ONE + 1), np.int64(-1)
    for k in range(store.size[s]):
        permanence, cell = store.permanences[start + k], store.cells[start + k]
        if keep[cell] == 0 and (permanence < least or (permanence == least and cell < store.cells[start + slot])):
            least, slot = np.int64(permanence), np.int64(k)
    if slot < 0:
        return False
    drop_synapse(store, s, slot)
    return True


def _grow(store, rule, s, wanted, winners, linked, candidates):
    """Grow synapses from some of the cells that won before, drawn at random, where there is none yet.

    `linked` is zero, and is so again; it marks winners, then those with a synapse.
    """
    if wanted <= 0:
        return
    n, start = np.int64(0), store.start[s]
    for k in range(store.size[s]):
        linked[store.cells[start + k]] = 1
    for w in range(winners.shape[0]):
        if linked[winners[w]] == 0:
            candidates[n] = winners[w]
            n += 1
    for k in range(store.size[s]):
        linked[store.cells[start + k]] = 0
    wanted = min(wanted, n)
    excess = store.size[s] + wanted - rule.most_synapses
    if excess > 0:
        for w in range(winners.shape[0]):
            linked[winners[w]] = 1
        # There are as many: with those from active cells, which winners are, a segment has room for what is wanted
        while excess > 0 and drop_weakest(store, s, linked):
            excess -= 1
        for w in range(winners.shape[0]):
            linked[winners[w]] = 0
    reserve(store, s, wanted, rule.most_synapses)
    for k in range(wanted):
        if wanted < n:
            other = k + draw(store.totals, n - k)
            candidates[k], candidates[other] = candidates[other], candidates[k]
        add_synapse(store, s, candidates[k], rule.initial)


draw = kernel(_draw)
unlink = kernel(_unlink)
link = kernel(_link)
reserve = kernel(_reserve)
reserve_entry = kernel(_reserve_entry)
add_synapse = kernel(_add_synapse)
drop_synapse = kernel(_drop_synapse)
destroy = kernel(_destroy)
least_recent = kernel(_least_recent)
create = kernel(_create)
adapt = kernel(_adapt)
drop_weakest = kernel(_drop_weakest)
grow = kernel(_grow)
