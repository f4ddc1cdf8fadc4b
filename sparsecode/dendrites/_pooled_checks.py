"""Whether arrays of a file are segments in pools: kernels follow every index in them without a look."""

import numpy as np

from ._pooled_kernels import (
    FREE,
    LISTS,
    LIVE,
    N_FREE,
    NEWEST,
    NEXT,
    OLDEST,
    ONE,
    OTHER_SEED,
    POOL,
    ROWS,
    SEED,
    STAMP,
    SYNAPSES,
)
from ._pooled_segments import BY_CELL, BY_ENTRY, BY_SEGMENT, BY_SYNAPSE, TYPES


def check_segments(store, n_columns):
    """Raise an error if arrays of a file are no `PooledSegments` of the cells of so many columns."""
    if not _fit(store, n_columns):
        raise ValueError("the segments of the memory do not fit its shape.")
    if not (_counted(store) and _in_pools(store) and _listed(store) and _of_cells(store) and _in_order(store)):
        raise ValueError("the segments of the memory are damaged: they do not go together.")


def _fit(store, n_columns):
    """Return whether arrays have types and lengths that go together."""
    if any(array.dtype != kind or array.ndim != 1 for array, kind in zip(store, TYPES, strict=True)):
        return False
    groups = BY_SEGMENT, BY_CELL, BY_SYNAPSE, BY_ENTRY
    alike = all(len({len(getattr(store, name)) for name in names}) == 1 for names in groups)
    return alike and len(store.totals) == 13 and len(store.first) > 0 and len(store.first) % n_columns == 0


def _counted(store):
    """Return whether totals are those of the arrays."""
    totals, n_cells = store.totals, len(store.first)
    if not (0 <= totals[NEXT] <= len(store.owner) and 0 <= totals[POOL] <= len(store.cells)):
        return False
    if not 0 <= totals[LISTS] <= len(store.list_segments) or totals[ROWS] < 0:
        return False
    owner, size = store.owner[: totals[NEXT]], store.size[: totals[NEXT]]
    live = owner >= 0
    seeds = 0 < totals[SEED] < 2147483563 and 0 < totals[OTHER_SEED] < 2147483399
    counted = totals[LIVE] == live.sum() and totals[N_FREE] == (~live).sum()
    counted &= totals[SYNAPSES] == size.sum(dtype=np.int64) == store.list_size.sum(dtype=np.int64)
    return bool(seeds and counted and ((owner >= -1) & (owner < n_cells)).all() and (size[~live] == 0).all())


def _in_pools(store):
    """Return whether rows of both pools have room in them, each its own."""
    n, totals = store.totals[NEXT], store.totals
    rows = (store.start[:n], store.size[:n], store.room[:n], totals[POOL])
    lists = (store.list_start, store.list_size, store.list_room, totals[LISTS])
    for start, size, room, end in (rows, lists):
        room = room.astype(np.int64)
        if (start < 0).any() or (start > end).any() or (size < 0).any() or (size > room).any():
            return False
        order = np.argsort(start[room > 0], kind="stable")
        starts, ends = start[room > 0][order], (start + room)[room > 0][order]
        if (ends > end).any() or (ends[:-1] > starts[1:]).any():
            return False
    return True


def _listed(store):
    """Return whether each synapse is in the list of its cell, and nothing else is."""
    size = store.size[: store.totals[NEXT]].astype(np.int64)
    segment = np.repeat(np.arange(len(size)), size)
    slot = np.arange(len(segment)) - np.repeat(np.cumsum(size) - size, size)
    k = store.start[segment] + slot
    cell, place, permanence = store.cells[k], store.places[k], store.permanences[k]
    if (cell < 0).any() or (cell >= len(store.first)).any() or (permanence < 0).any() or (permanence > ONE).any():
        return False
    if (place < 0).any() or (place >= store.list_size[cell]).any():
        return False
    entry = store.list_start[cell] + place
    return bool((store.list_segments[entry] == segment).all() and (store.list_slots[entry] == slot).all())


def _of_cells(store):
    """Return whether from each cell a chain leads through its segments, and another one through what is free."""
    n, cells = store.totals[NEXT], np.arange(len(store.first))
    here, length = store.first, np.zeros(len(cells), np.int64)
    for _ in range(int(max(store.count.max(), 0)) + 1):
        here, cells = here[here != -1], cells[here != -1]
        if (here < 0).any() or (here >= n).any() or (store.owner[here] != cells).any():
            return False
        length[cells] += 1
        here = store.sibling[here]
    if len(here) or not ((store.count == length) | ((store.count == -1) & (length == 0))).all():
        return False
    sibling, s, seen = store.sibling[:n].tolist(), int(store.totals[FREE]), 0
    while 0 <= s < n and store.owner[s] == -1 and seen <= store.totals[N_FREE]:
        s, seen = sibling[s], seen + 1
    return bool(s == -1 and seen == store.totals[N_FREE] and length.sum() == store.totals[LIVE])


def _in_order(store):
    """Return whether segments are linked by their last use."""
    live = np.flatnonzero(store.owner[: store.totals[NEXT]] >= 0)
    order = live[np.argsort(store.stamp[live], kind="stable")]
    stamp, linked = store.stamp[order], np.concatenate([[-1], order, [-1]])
    if (store.totals[OLDEST], store.totals[NEWEST]) != (linked[1], linked[-2]):
        return False
    if (store.older[order] != linked[:-2]).any() or (store.newer[order] != linked[2:]).any():
        return False
    return bool((np.diff(stamp) > 0).all() and (stamp > 0).all() and (stamp <= store.totals[STAMP]).all())
