"""What a spatial pooler has learned, and what is done with it: from nothing, learn, code."""

import math
from typing import NamedTuple

import numpy as np

from .._core.parallel import run_chunks
from .._core.products import aligned_copy, aligned_empty
from .._core.samples import as_shape
from ._pooler_kernels import PoolerWork, code_rows, pool_rows

#: Rows that a thread codes at a time, and rows that are learned at a time.
CODED_ROWS, LEARNED_ROWS = 64, 256


class Pool(NamedTuple):
    """Synapses of C columns to F inputs, P potential ones each, and what columns have done."""

    pools: np.ndarray  # (C, P) int32: inputs of the potential synapses, in order
    permanences: np.ndarray  # (C, P) float32
    connected: np.ndarray  # (F, C) uint8
    duty: np.ndarray  # (C,) float64: share of rows that each won
    overlap_duty: np.ndarray  # (C,) float64: share of rows that it overlapped with
    totals: np.ndarray  # (1,) int64: rows that were learned from

    def copy(self):
        """Return a pool that can be written without a change of this one."""
        return Pool(*map(aligned_copy, self))


def make_pool(rng, n_columns, n_blocks, shape, radius, share, threshold):
    """Return columns with random potential synapses, about half of which are connected.

    Parameters
    ----------
    rng : numpy.random.Generator
    n_columns, n_blocks : int
        Columns, and blocks of them whose windows lie around one place each; one block is columns with their own.
    shape : tuple of int
        Of the input.
    radius : int or None
        Potential synapses lie in a window of ``2 * radius + 1`` along each axis, around a random place; None for all.
    share : float
        Of the inputs in the window that are potential synapses.
    threshold : float
        Permanence from which a synapse is connected.
    """
    windows = input_windows(rng, n_columns if n_blocks == 1 else n_blocks, shape, radius)
    if len(windows) == n_blocks > 1:
        windows = np.repeat(windows, n_columns // n_blocks, axis=0)
    n_potential = max(1, round(share * windows.shape[1]))
    # Sorted, so that each column reads its inputs in their order
    chosen = np.stack([np.sort(rng.permutation(windows.shape[1])[:n_potential]) for _ in range(n_columns)])
    pools = np.take_along_axis(windows, chosen, axis=1) if len(windows) > 1 else windows[0][chosen]
    height = rng.random(pools.shape, dtype=np.float32)
    threshold = np.float32(threshold)
    linked = rng.random(pools.shape, dtype=np.float32) < 0.5
    permanences = np.where(linked, threshold + height * (1 - threshold), height * threshold).astype(np.float32)
    connected = aligned_empty((math.prod(shape), n_columns), np.uint8)
    connected[:] = 0
    np.put_along_axis(connected, pools.T, (permanences >= threshold).T, axis=0)
    pools = pools.astype(np.int32)
    duties = np.zeros(n_columns), np.zeros(n_columns)
    return Pool(pools, permanences, connected, *duties, np.zeros(1, np.int64)).copy()


def input_windows(rng, n_columns, shape, radius):
    """Return the inputs around a random place for each column, (n_columns, size); (1, size) for all inputs."""
    if radius is None:
        return np.arange(math.prod(shape))[None]
    places = np.zeros((n_columns, 1), np.int64)
    for side in shape:
        width = min(2 * radius + 1, side)
        # Windows at the border are moved inwards, so that all have one size
        first = np.clip(rng.integers(0, side, n_columns) - radius, 0, side - width)
        along = first[:, None] + np.arange(width)
        places = (places[:, :, None] * side + along[:, None, :]).reshape(n_columns, -1)
    return places


def learn(pool, rows, rule):
    """Return the pool after the rows, with the winners of each (-1: none) and the share of its ones that they see."""
    pool = pool.copy()
    winners = np.empty((rows.n_rows, rule.n_winners * rule.n_blocks), np.int32)
    explained = np.empty(rows.n_rows)
    work = make_work(pool)
    work.changes[:] = -rule.decrement

    def take(start, end, stop):
        here = winners[start:end], explained[start:end]
        pool_rows(*pool, rule, *rows.block(start, end), work, stop, *here)

    run_chunks(take, rows.n_rows, n_jobs=1, chunk_rows=LEARNED_ROWS)  # one thread takes them in their order
    return pool, winners, explained


def code(pool, rows, rule, n_jobs):
    """Return the winners of each row, -1 where there are no more."""
    winners = np.empty((rows.n_rows, rule.n_winners * rule.n_blocks), np.int32)

    def prepare():
        return (make_work(pool),)

    def read(start, end, stop, work):
        code_rows(pool.connected, rule, pool.duty, *rows.block(start, end), work, stop, winners[start:end])

    run_chunks(read, rows.n_rows, n_jobs=n_jobs, chunk_rows=CODED_ROWS, prepare=prepare)
    return winners


def make_work(pool):
    """Return the work arrays of a thread."""
    n_features, C = pool.connected.shape
    inputs = {"changes": aligned_empty(n_features, np.float32), "crossed": aligned_empty(pool.pools.shape[1], np.uint8)}
    kinds = {"partial": np.uint8, "sums": np.int32, "scores": np.float32, "boosts": np.float32}
    return PoolerWork(**{name: aligned_empty(C, kind) for name, kind in kinds.items()}, **inputs)


def shape_of_input(input_shape, n_features):
    """Return the shape of a row."""
    return (n_features,) if input_shape is None else as_shape(input_shape)
