"""Recall by bits: sums of weights as planes of binary digits, 32 units in a word.

A full adder of words adds three rows of bits to one of sums and one of carries, so that eight rows go into planes of
ones, twos and fours with seven adders, whatever the number of units in a word. The largest sums of a module are those
units that are left when the planes are asked for their bits one after the other, the highest first.
"""

from typing import NamedTuple

import numpy as np

from .._core.bits import first_bit
from .._core.jit import kernel
from ._macrocolumn_kernels import copy, write_levels

#: Units of a lane.
LANE = 32


class BitWork(NamedTuple):
    """Work arrays of one thread: words of 64 units, of which lanes see 32."""

    planes: np.ndarray  # (P, words) uint64: binary digits of the sums
    carries: np.ndarray  # (2, words) uint64
    lanes: np.ndarray  # (P, 2 * words) uint32: the planes
    candidates: np.ndarray  # (Q * lanes of a module,) uint32: units that may have the largest sum
    found: np.ndarray  # (Q,) uint32
    sums: np.ndarray  # (Q,) int32
    levels: np.ndarray  # (F + 1,) float64: support of a unit by its sum


def _cut_lanes(streams, n_units, n_modules, lanes):
    """Write the bits of each row's units as lanes, the first lanes of all modules before the second ones.

    `streams` are the bits of all units of a row one after the other, with a word more behind them.
    """
    for j in range(streams.shape[0]):
        stream, out = streams[j], lanes[j]
        for first in range(0, n_units, LANE):
            mask = (np.uint64(1) << np.uint64(min(LANE, n_units - first))) - np.uint64(1)
            for q in range(n_modules):
                at = q * n_units + first
                word, shift = at >> 6, np.uint64(at & 63)
                # Twice, since a shift by 64 is none
                above = (stream[word + 1] << (np.uint64(63) - shift)) << np.uint64(1)
                out[first // LANE * n_modules + q] = ((stream[word] >> shift) | above) & mask


def _add_eight(rows, active, a, planes, carries):
    """Add eight rows to the planes of ones, twos and fours, and write what is carried to the eights."""
    ones, twos, fours = planes[0], planes[1], planes[2]
    r0, r1, r2, r3 = rows[active[a]], rows[active[a + 1]], rows[active[a + 2]], rows[active[a + 3]]
    r4, r5, r6, r7 = rows[active[a + 4]], rows[active[a + 5]], rows[active[a + 6]], rows[active[a + 7]]
    for w in range(carries.shape[0]):
        one, two, four = ones[w], twos[w], fours[w]
        # Full adders: sums by xor, carries by majority
        c1 = (one & r0[w]) | (one & r1[w]) | (r0[w] & r1[w])
        one = one ^ r0[w] ^ r1[w]
        c2 = (one & r2[w]) | (one & r3[w]) | (r2[w] & r3[w])
        one = one ^ r2[w] ^ r3[w]
        c3 = (one & r4[w]) | (one & r5[w]) | (r4[w] & r5[w])
        one = one ^ r4[w] ^ r5[w]
        c4 = (one & r6[w]) | (one & r7[w]) | (r6[w] & r7[w])
        one = one ^ r6[w] ^ r7[w]
        d1 = (two & c1) | (two & c2) | (c1 & c2)
        two = two ^ c1 ^ c2
        d2 = (two & c3) | (two & c4) | (c3 & c4)
        two = two ^ c3 ^ c4
        carries[w] = (four & d1) | (four & d2) | (d1 & d2)
        ones[w], twos[w], fours[w] = one, two, four ^ d1 ^ d2


def _add_carries(planes, carries, first, n_planes):
    """Add words of carries to the planes from one on."""
    for p in range(first, n_planes):
        plane = planes[p]
        for w in range(carries.shape[0]):
            here = plane[w]
            plane[w] = here ^ carries[w]
            carries[w] = here & carries[w]


def _sum_bits(rows, active, planes, carries, n_planes):
    """Write the sums of the rows that `active` lists as planes of binary digits."""
    n, words = active.shape[0], carries.shape[1]
    for p in range(n_planes):
        plane = planes[p]
        for w in range(words):
            plane[w] = 0
    once, twice, eights = carries[0], carries[1], planes[3]
    whole, reached = n // 8 * 8, np.int64(4)
    for a in range(0, whole, 8):
        odd = a % 16 == 8
        add_eight(rows, active, a, planes, twice if odd else once)
        if odd:  # two carries at a time to the eights
            for w in range(words):
                here, first, second = eights[w], once[w], twice[w]
                eights[w] = here ^ first ^ second
                once[w] = (here & first) | (here & second) | (first & second)
        while a + 8 >> reached != 0:
            reached += 1
        if odd or a + 8 == whole:
            add_carries(planes, once, 4 if odd else 3, reached)
    for a in range(whole, n):
        row = rows[active[a]]
        for w in range(words):
            once[w] = row[w]
        add_carries(planes, once, 0, n_planes)


def _find_largest(lanes, n_planes, candidates, found, sums):
    """Write the largest sum of each module, and which of its candidates have it.

    Lane l of module q is at ``l * Q + q``, so that loops go over modules.
    """
    Q = sums.shape[0]
    for q in range(Q):
        sums[q] = 0
    for p in range(n_planes - 1, -1, -1):
        plane = lanes[p]
        for q in range(Q):
            found[q] = 0
        for first in range(0, candidates.shape[0], Q):
            for q in range(Q):
                found[q] |= candidates[first + q] & plane[first + q]
        for q in range(Q):
            sums[q] = 2 * sums[q] + (found[q] != 0)
            found[q] = 0 if found[q] != 0 else 0xFFFFFFFF  # units without this digit stay where all lack it
        for first in range(0, candidates.shape[0], Q):
            for q in range(Q):
                candidates[first + q] &= plane[first + q] | found[q]


def _recall_bits(rows, rule, limits, all_units, indptr, indices, work, stop, winners, familiarity):
    """Write the units with most support, and the familiarity, of each row; -1 and 0 if it has no code.

    `rows` are the weights of each input as words, and `all_units` the units of each lane.
    """
    Q, before = winners.shape[1], np.int64(0)
    for i in range(winners.shape[0]):
        if stop[0] != 0:
            return
        active, code = indices[indptr[i] : indptr[i + 1]], winners[i]
        n_active = active.shape[0]
        familiarity[i] = 0.0
        if n_active == 0 or n_active < limits.low or n_active > limits.high:
            code[:] = -1
            continue
        n_planes = np.int64(4)
        while n_active >> n_planes != 0:
            n_planes += 1
        sum_bits(rows, active, work.planes, work.carries, n_planes)
        copy(all_units, work.candidates)
        find_largest(work.lanes, n_planes, work.candidates, work.found, work.sums)
        if n_active != before:
            write_levels(rule.support_power, n_active, work.levels)
            before = n_active
        total = 0.0
        for q in range(Q):
            lane = np.int64(0)
            while work.candidates[lane * Q + q] == 0:
                lane += 1
            code[q] = first_bit(np.uint64(work.candidates[lane * Q + q])) + LANE * lane
            total += work.levels[work.sums[q]]
        familiarity[i] = total / Q


cut_lanes = kernel(_cut_lanes)
add_eight = kernel(_add_eight)
add_carries = kernel(_add_carries)
sum_bits = kernel(_sum_bits)
find_largest = kernel(_find_largest)
recall_bits = kernel(_recall_bits)
