"""Kernels on bits: ones that rows have in common, and the nearest of many rows.

Rows to be compared with are stored in blocks, word by word: word w of all rows of a block lies together. So the bits of
several rows are counted in one register, and a block stays in the cache while many queries meet it.
"""

import numpy as np

from .._core.bits import count_bits
from .._core.jit import kernel

#: Stored rows of a block.
BLOCK = 256

#: What `nearest_rows` ranks by.
METRICS = {"overlap": np.int64(0), "jaccard": np.int64(1), "hamming": np.int64(2)}


def _count_common(block, query, counts):
    """Write how many ones the query (words,) has in common with each row of a block (words, BLOCK)."""
    n, n_words = counts.shape[0], query.shape[0]
    fours = n_words // 4 * 4
    for i in range(n):
        counts[i] = np.uint64(0)
    for w in range(0, fours, 4):
        b0, b1, b2, b3 = block[w], block[w + 1], block[w + 2], block[w + 3]
        q0, q1, q2, q3 = query[w], query[w + 1], query[w + 2], query[w + 3]
        for i in range(n):
            lower = count_bits(b0[i] & q0) + count_bits(b1[i] & q1)
            counts[i] += lower + count_bits(b2[i] & q2) + count_bits(b3[i] & q3)
    for w in range(fours, n_words):
        b0, q0 = block[w], query[w]
        for i in range(n):
            counts[i] += count_bits(b0[i] & q0)


def _common_rows(blocks, queries, counts, stop, common):
    """Write how many ones each query has in common with each stored row."""
    n_stored = common.shape[1]
    for b in range(blocks.shape[0]):
        if stop[0] != 0:
            return
        first = b * counts.shape[0]
        n = min(counts.shape[0], n_stored - first)
        for i in range(queries.shape[0]):
            count_common(blocks[b], queries[i], counts)
            out = common[i]
            for m in range(n):
                out[first + m] = counts[m]


def _common_lists(indptr, indices, starts, owners, stop, common):
    """Add to `common` (n, stored), for each one of each row, the stored rows that have it too, by their lists."""
    for i in range(common.shape[0]):
        if stop[0] != 0:
            return
        out = common[i]
        for at in range(indptr[i], indptr[i + 1]):
            j = indices[at]
            for p in range(starts[j], starts[j + 1]):
                out[owners[p]] += 1


def _count_nearer(metric, n_active, sizes, counts, limit, scores):
    """Write the distances of a query to the rows of a block, for "overlap" minus the overlap; count those < limit.

    Loops without branches, in which several rows are one register.
    """
    n = sizes.shape[0]
    if metric == 0:
        for m in range(n):
            scores[m] = -np.float64(counts[m])
    elif metric == 1:
        for m in range(n):
            union = n_active + sizes[m] - np.float64(counts[m])
            scores[m] = (union - np.float64(counts[m])) / (union + (union == 0.0))
    else:
        for m in range(n):
            scores[m] = n_active + sizes[m] - 2.0 * np.float64(counts[m])
    nearer = np.int64(0)
    for m in range(n):
        nearer += scores[m] < limit
    return nearer


def _insert(distance, place, distances, places):
    """Put a distance into a sorted list, after those that are equal, instead of the last one."""
    k = distances.shape[0] - 1
    while k > 0 and distances[k - 1] > distance:
        distances[k] = distances[k - 1]
        places[k] = places[k - 1]
        k -= 1
    distances[k] = distance
    places[k] = place


def _nearest_rows(blocks, sizes, queries, n_active, metric, counts, scores, stop, distances, places):
    """Write the nearest stored rows of each query, in one pass; `distances` (n, k) are infinite on entry."""
    n_stored, last = sizes.shape[0], distances.shape[1] - 1
    for b in range(blocks.shape[0]):
        if stop[0] != 0:
            return
        first = b * counts.shape[0]
        here = sizes[first : min(first + counts.shape[0], n_stored)]
        for i in range(queries.shape[0]):
            count_common(blocks[b], queries[i], counts)
            if count_nearer(metric, n_active[i], here, counts, distances[i, last], scores) > 0:
                for m in range(here.shape[0]):
                    if scores[m] < distances[i, last]:
                        insert(scores[m], first + m, distances[i], places[i])


count_common = kernel(_count_common)
common_rows = kernel(_common_rows)
common_lists = kernel(_common_lists)
# Shares with the same value must come out alike, so that ties go to the first row: no reciprocals
count_nearer = kernel(_count_nearer, fastmath=frozenset())
insert = kernel(_insert)
nearest_rows = kernel(_nearest_rows, fastmath=frozenset())
