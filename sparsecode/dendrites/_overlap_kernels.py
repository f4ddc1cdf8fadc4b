"""Kernels of overlaps: how many synapses of each segment are active, for many rows of activity.

Lists of the segments that each cell is connected to, in blocks of segments whose counts stay in the nearest cache; for
dense activity bits of 64 rows in a word, which are counted by adders made of logical operations.
"""

import numpy as np

from .._core.jit import kernel

#: Segments of a block: their counts of 16 bits fill a cache of 32 kB, and numbers within it have 16 bits.
WIDTH = 16384

#: Segments that are compared with their thresholds before any of them is looked at.
GLANCE = 256

#: Bits of the largest count of `list_active`.
PLANES = 5

ZERO, ONE, ALL = np.uint64(0), np.uint64(1), np.uint64(0xFFFFFFFFFFFFFFFF)


def _count_block(starts, places, active, counts):
    """Count the active synapses of the segments of a block."""
    for j in range(counts.shape[0]):
        counts[j] = 0
    for a in range(active.shape[0]):
        cell = active[a]
        for p in range(starts[cell], starts[cell + 1]):
            counts[places[p]] += np.int16(1)


def _list_block(counts, least, first, n, segments, overlaps):
    """Append the segments with at least so many active synapses, after the first n; return how many there are then.

    Where there are some in a piece, each segment is written down, and the next one in its place if it does not count:
    branches would be taken by chance.
    """
    for start in range(0, counts.shape[0], GLANCE):
        here = counts[start : start + GLANCE]
        need = least[start : start + GLANCE]
        found = np.int16(0)
        for j in range(here.shape[0]):
            found |= np.int16(here[j] >= need[j])
        if found != 0:
            for j in range(here.shape[0]):
                segments[n] = first + start + j
                overlaps[n] = here[j]
                n += here[j] >= need[j]
    return n


def _list_overlaps(starts, places, least, indptr, indices, row, counts, stop, ends, segments, overlaps):
    """List the segments of each row from `row` on, with their overlaps; return the row that has no more room."""
    S, n = least.shape[0], np.int64(0)
    for i in range(row, ends.shape[0]):
        if stop[0] != 0 or n + S >= segments.shape[0]:
            return i
        active = indices[indptr[i] : indptr[i + 1]]
        for b in range(starts.shape[0]):
            first = b * WIDTH
            here = counts[: min(WIDTH, S - first)]
            count_block(starts[b], places, active, here)
            n = list_block(here, least[first : first + here.shape[0]], first, n, segments, overlaps)
        ends[i] = n
    return ends.shape[0]


def _count_votes(starts, places, thresholds, runs, indptr, indices, counts, stop, n_active, excess, largest):
    """Write for each row and owner how many segments are active, by how much they exceed, and the largest overlap.

    Segments are sorted by owner; `runs` (n, 4) are block, owner, first and last segment within the block. An overlap
    that is just the threshold exceeds by one.
    """
    S = thresholds.shape[0]
    for i in range(n_active.shape[0]):
        if stop[0] != 0:
            return
        active = indices[indptr[i] : indptr[i + 1]]
        r = np.int64(0)
        for b in range(starts.shape[0]):
            first = b * WIDTH
            here = counts[: min(WIDTH, S - first)]
            count_block(starts[b], places, active, here)
            while r < runs.shape[0] and runs[r, 0] == b:
                own = here[runs[r, 2] : runs[r, 3]]
                theta = thresholds[first + runs[r, 2] : first + runs[r, 3]]
                number, beyond, most = np.int64(0), np.int64(0), np.int16(0)
                for j in range(own.shape[0]):
                    there = own[j] >= theta[j]
                    number += there
                    beyond += there * (own[j] - theta[j] + 1)
                    most = max(most, own[j])
                c = runs[r, 1]
                n_active[i, c] += number
                excess[i, c] += beyond
                largest[i, c] = max(largest[i, c], most)
                r += 1


def _count_foreign(starts, places, owners, indptr, indices, labels, counts, stop, foreign):
    """Add to `foreign` (segments, counts) how often each overlap occurs in rows that are not the segment's own.

    Own rows have the label that is its owner.
    """
    here = counts[: owners.shape[0]]
    for i in range(labels.shape[0]):
        if stop[0] != 0:
            return
        count_block(starts, places, indices[indptr[i] : indptr[i + 1]], here)
        for j in range(owners.shape[0]):
            foreign[j, here[j]] += owners[j] != labels[i]


def _spread_rows(indptr, indices, words):
    """Write rows as bits: bit i of the words of a cell (cells, words) says whether it is active in row i."""
    words[:] = ZERO
    for i in range(indptr.shape[0] - 1):
        bit = ONE << np.uint64(i % 64)
        for a in range(indptr[i], indptr[i + 1]):
            words[indices[a], i // 64] |= bit


def _add_cells(words, cells, planes):
    """Count, for each bit, in how many of some cells it is set; bit k of the counts lies in planes[k].

    Three cells are first added to a sum and a carry.
    """
    p0, p1, p2, p3, p4 = planes[0], planes[1], planes[2], planes[3], planes[4]
    W = words.shape[1]
    planes[:] = ZERO
    threes = cells.shape[0] // 3 * 3
    for k in range(0, threes, 3):
        x, y, z = words[cells[k]], words[cells[k + 1]], words[cells[k + 2]]
        for w in range(W):
            either = x[w] ^ y[w]
            units, twos = either ^ z[w], (x[w] & y[w]) | (either & z[w])
            carry = p0[w] & units
            p0[w] ^= units
            either = p1[w] ^ twos
            fours = (p1[w] & twos) | (either & carry)
            p1[w] = either ^ carry
            carry = p2[w] & fours
            p2[w] ^= fours
            fours = p3[w] & carry
            p3[w] ^= carry
            p4[w] ^= fours
    for k in range(threes, cells.shape[0]):
        x = words[cells[k]]
        for w in range(W):
            carry = p0[w] & x[w]
            p0[w] ^= x[w]
            twos = p1[w] & carry
            p1[w] ^= carry
            carry = p2[w] & twos
            p2[w] ^= twos
            twos = p3[w] & carry
            p3[w] ^= carry
            p4[w] ^= twos


def _compare(planes, threshold, reached):
    """Write the bits whose count is at least the threshold: subtraction leaves no borrow."""
    reached[:] = ZERO
    for k in range(PLANES):
        plane, bit = planes[k], ALL if (threshold >> k) & 1 else ZERO
        for w in range(reached.shape[0]):
            borrow = reached[w]
            reached[w] = (~plane[w] & (bit | borrow)) | (bit & borrow)
    found = ZERO
    for w in range(reached.shape[0]):
        reached[w] = ~reached[w]
        found |= reached[w]
    return found


def _list_active(indptr, cells, thresholds, words, n_rows, segment, planes, reached, stop, ends, rows):
    """List the rows in which each segment from `segment` on is active; return the segment that has no more room."""
    n = np.int64(0)
    for j in range(segment, ends.shape[0]):
        if stop[0] != 0 or n + n_rows > rows.shape[0]:
            return j
        add_cells(words, cells[indptr[j] : indptr[j + 1]], planes)
        if compare(planes, thresholds[j], reached) != ZERO:
            for w in range(reached.shape[0]):
                if reached[w] != ZERO:
                    for k in range(64 * w, min(64 * w + 64, n_rows)):
                        if (reached[w] >> np.uint64(k - 64 * w)) & ONE != ZERO:
                            rows[n] = k
                            n += 1
        ends[j] = n
    return ends.shape[0]


count_block = kernel(_count_block)
list_block = kernel(_list_block)
list_overlaps = kernel(_list_overlaps)
count_votes = kernel(_count_votes)
count_foreign = kernel(_count_foreign)
spread_rows = kernel(_spread_rows)
add_cells = kernel(_add_cells)
compare = kernel(_compare)
list_active = kernel(_list_active)
