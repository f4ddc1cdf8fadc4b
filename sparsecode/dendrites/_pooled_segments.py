"""The store of segments from Python: an empty one, room for more, what it holds as matrices, checks of files."""

import numpy as np
from scipy.sparse import csr_array

from .._core.products import aligned_copy
from ._pooled_kernels import (
    FREE,
    LISTS,
    NEWEST,
    NEXT,
    OLDEST,
    ONE,
    OTHER_SEED,
    POOL,
    SEED,
    PooledSegments,
    destroy,
)

#: Room for segments, synapses and entries of lists to begin with.
SMALLEST = 256, 4096, 4096

#: Share of what is there by which pools grow.
GROWTH = 0.5

#: Fields of `PooledSegments` with one number for each segment, for each cell, and those of the two pools.
BY_SEGMENT = ("owner", "start", "size", "room", "stamp", "older", "newer", "sibling")
BY_CELL = ("first", "count", "list_start", "list_size", "list_room")
BY_SYNAPSE, BY_ENTRY = ("cells", "permanences", "places"), ("list_segments", "list_slots")


def make_segments(n_cells, rng):
    """Return a store of cells without segments, with seeds from a generator."""
    kinds = {
        name: array_type for name, array_type in zip(PooledSegments._fields, TYPES, strict=True) if name != "totals"
    }
    sizes = (
        dict.fromkeys(BY_SEGMENT, SMALLEST[0])
        | dict.fromkeys(BY_SYNAPSE, SMALLEST[1])
        | dict.fromkeys(BY_ENTRY, SMALLEST[2])
        | dict.fromkeys(BY_CELL, n_cells)
    )
    arrays = {name: np.zeros(sizes[name], kind) for name, kind in kinds.items()}
    arrays["owner"][:] = arrays["first"][:] = -1
    totals = np.zeros(13, np.int64)
    totals[[FREE, OLDEST, NEWEST]] = -1
    totals[SEED], totals[OTHER_SEED] = rng.integers(1, 2147483398, size=2)
    return PooledSegments(**arrays, totals=totals)


#: Types of the fields of `PooledSegments`.
TYPES = (
    np.int32, np.int64, np.int32, np.int32, np.int64, np.int32, np.int32, np.int32, np.int32, np.int16, np.int32,
    np.int32, np.int32, np.int64, np.int32, np.int32, np.int32, np.int16, np.int64,
)  # fmt: skip


def copy_segments(store):
    """Return a store that can be written without a change of this one."""
    return PooledSegments(*map(aligned_copy, store))


def make_room(store, needs):
    """Return the store with room for so many segments, synapses and entries at least; what it holds is the same."""
    arrays, totals = store._asdict(), store.totals.copy()
    n_segments, n_synapses, n_entries = needs.tolist()
    if n_segments > len(store.owner):
        arrays |= {name: _longer(arrays[name], n_segments) for name in BY_SEGMENT}
    if n_synapses > len(store.cells):
        ends = slice(0, int(totals[NEXT]))
        room = np.zeros_like(store.room)
        room[ends] = np.where(store.owner[ends] >= 0, store.size[ends], 0)
        needed = n_synapses - int(totals[POOL])
        packed, arrays["start"], totals[POOL] = _pack(
            [store.cells, store.permanences, store.places], store.start, store.size, room, needed
        )
        arrays |= dict(zip(BY_SYNAPSE, packed, strict=True))
        arrays["start"], arrays["room"] = _like(arrays["start"], arrays["owner"]), _like(room, arrays["owner"])
    if n_entries > len(store.list_segments):
        room = np.where(store.list_size > 0, store.list_size + store.list_size // 4 + 4, 0).astype(np.int32)
        needed = n_entries - int(totals[LISTS])
        packed, arrays["list_start"], totals[LISTS] = _pack(
            [store.list_segments, store.list_slots], store.list_start, store.list_size, room, needed
        )
        arrays |= dict(zip(BY_ENTRY, packed, strict=True)) | {"list_room": room}
    return PooledSegments(**arrays | {"totals": totals})


def _longer(array, n):
    """Return an array of n entries and half as many again."""
    longer = np.zeros(int(n * (1 + GROWTH)), array.dtype)
    longer[: len(array)] = array
    return longer


def _like(array, other):
    """Return an array with zeros up to the length of another one."""
    longer = np.zeros(len(other), array.dtype)
    longer[: len(array)] = array
    return longer


def _pack(pools, start, size, room, needed):
    """Return pools with rows one after the other, each with its room, where the rows start, and where they end."""
    new = np.concatenate([[0], np.cumsum(room[:-1], dtype=np.int64)])
    end = int(room.sum(dtype=np.int64))
    size = np.minimum(size, room)
    total, before = int(size.sum(dtype=np.int64)), np.cumsum(size, dtype=np.int64) - size
    # Synapses of all rows, in their order: where each was, and where it goes
    within = np.arange(total) - np.repeat(before, size)
    old, here = np.repeat(start, size) + within, np.repeat(new, size) + within
    packed = []
    for pool in pools:
        fresh = np.zeros(int(end * (1 + GROWTH)) + needed, pool.dtype)
        fresh[here] = pool[old]
        packed.append(fresh)
    return packed, new, end


def live_segments(store):
    """Return the segments that there are, by cell and then by age."""
    ends = int(store.totals[NEXT])
    there = np.flatnonzero(store.owner[:ends] >= 0)
    return there[np.lexsort((there, store.owner[there]))]


def permanences_of(store):
    """Return permanences as a CSR array, a row for each segment of `live_segments`, a column for each cell."""
    chosen = live_segments(store)
    size = store.size[chosen]
    indptr = np.concatenate([[0], np.cumsum(size)]).astype(np.int32)
    places = np.repeat(store.start[chosen] - indptr[:-1], size) + np.arange(indptr[-1])
    values = store.permanences[places] / np.float32(ONE)
    matrix = csr_array((values, store.cells[places], indptr), shape=(len(chosen), len(store.first)))
    matrix.sort_indices()
    return matrix


def silence(store, cells):
    """Return a store in which cells have no segments, and get none."""
    store = copy_segments(store)
    silent = np.zeros(len(store.first), bool)
    silent[cells] = True
    ends = int(store.totals[NEXT])
    for s in np.flatnonzero((store.owner[:ends] >= 0) & silent[store.owner[:ends]]):
        destroy(store, s)
    store.count[silent] = -1
    return store
