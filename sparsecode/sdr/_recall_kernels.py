"""Recall by bits: sums of weights as planes of binary digits, the units of several modules in a word.

A full adder of words adds three rows of bits to one of sums and one of carries, so that eight rows go into planes of
ones, twos and fours with seven adders, whatever the number of units in a word. The largest sums of a module are those
units that are left when the planes are asked for their bits one after the other, the highest first. Additions of words
tell for all modules of a word at once whether any of their units has a bit.
"""

from typing import NamedTuple

import numpy as np

from .._core.bits import count_bits
from .._core.jit import kernel
from ._macrocolumn_kernels import EXACT, copy, write_levels

#: Units of a lane at most, those of a word.
LANE = 64


class Lanes(NamedTuple):
    """How modules lie in words: field i of word w is module ``i * n_words + w``, whose units have a bit each.

    Modules of more than 64 units have a word of their own in each of several lanes, one lane behind the other.
    """

    n_words: int  # of a lane
    fields: int  # of a word
    width: int  # bits of a field
    low: int  # words as uint64: all bits of the fields but the highest
    top: int  # the highest bits

    @classmethod
    def of(cls, n_modules, n_units, n_features):
        """Return the layout with most modules in a word; fields are as wide as sums of weights, which go there too."""
        width = min(max(n_units, n_features.bit_length()), LANE)
        fields = LANE // width
        n_words = -(-n_modules // (8 * fields)) * 8  # whole registers
        top = sum(1 << (i * width + width - 1) for i in range(fields))
        return cls(n_words, fields, width, np.uint64(top - (top >> (width - 1))), np.uint64(top))


class BitWork(NamedTuple):
    """Work arrays of one thread, for words of all lanes, or of one."""

    planes: np.ndarray  # (P, words) uint64: binary digits of the sums
    carries: np.ndarray  # (2, words) uint64
    candidates: np.ndarray  # (words,) uint64: units that may have the largest sum
    found: np.ndarray  # (words of a lane,) uint64
    largest: np.ndarray  # (words of a lane,) uint64: the largest sum of each module, in its field
    sums: np.ndarray  # (Q,) int32
    levels: np.ndarray  # (F + 1,) float64: support of a unit by its sum


def _cut_lanes(streams, n_units, n_modules, lanes, words):
    """Write the bits of each row's units as words.

    `streams` are the bits of all units of a row one after the other, with a word more behind them.
    """
    for j in range(streams.shape[0]):
        stream, out = streams[j], words[j]
        for first in range(0, n_units, LANE):
            top = np.uint64(1) << np.uint64(min(LANE, n_units - first) - 1)
            mask = top | (top - np.uint64(1))
            for q in range(n_modules):
                at, field = q * n_units + first, q // lanes.n_words
                word, shift = at >> 6, np.uint64(at & 63)
                # Twice, since a shift by 64 is none
                above = (stream[word + 1] << (np.uint64(63) - shift)) << np.uint64(1)
                bits = ((stream[word] >> shift) | above) & mask
                out[first // LANE * lanes.n_words + q - field * lanes.n_words] |= bits << np.uint64(field * lanes.width)


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


def _find_largest(planes, n_planes, lanes, work):
    """Write the largest sum of each module, and leave those of its candidates that have it."""
    n_words, shift = lanes.n_words, np.uint64(lanes.width - 1)
    low, top, candidates, found, largest = lanes.low, lanes.top, work.candidates, work.found, work.largest
    for w in range(n_words):
        largest[w] = 0
    for p in range(n_planes - 1, -1, -1):
        plane = planes[p]
        for w in range(n_words):
            found[w] = candidates[w] & plane[w]
        for first in range(n_words, candidates.shape[0], n_words):
            for w in range(n_words):
                found[w] |= candidates[first + w] & plane[first + w]
        for w in range(n_words):
            # The highest bit of each field in which there is any
            some = (((found[w] & low) + low) | found[w]) & top
            largest[w] = (largest[w] << np.uint64(1)) | (some >> shift)
            found[w] = ~(some | (some - (some >> shift)))  # units without this digit stay where all lack it
        for first in range(0, candidates.shape[0], n_words):
            for w in range(n_words):
                candidates[first + w] &= plane[first + w] | found[w]


def _read_winners(lanes, work, code):
    """Write the first candidate of each module as the winner, and the largest sums."""
    n_words, one = lanes.n_words, np.uint64(1)
    top = one << np.uint64(lanes.width - 1)
    mask = top | (top - one)
    for field in range(lanes.fields):
        start, shift = field * n_words, np.uint64(field * lanes.width)
        here, sums = code[start : start + n_words], work.sums[start : start + n_words]
        for w in range(here.shape[0]):
            sums[w] = (work.largest[w] >> shift) & mask
        for first in range(work.candidates.shape[0] - n_words, -1, -n_words):
            for w in range(here.shape[0]):
                bits = (work.candidates[first + w] >> shift) & mask
                if bits != 0:
                    below = (bits ^ (bits - one)) >> one  # ones in place of the zeros below the first one
                    here[w] = np.int64(count_bits(below)) + first // n_words * LANE


def _mean_level(levels, sums):
    """Return the mean support of the winners, added up in their order as by `hard_winners`."""
    total = 0.0
    for q in range(sums.shape[0]):
        total += levels[sums[q]]
    return total / sums.shape[0]


def _recall_bits(rows, rule, limits, lanes, all_units, indptr, indices, work, stop, winners, familiarity):
    """Write the units with most support, and the familiarity, of each row; -1 and 0 if it has no code.

    `rows` are the weights of each input as words, and `all_units` are ones for all units.
    """
    before = np.int64(0)
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
        find_largest(work.planes, n_planes, lanes, work)
        read_winners(lanes, work, code)
        if n_active != before:
            write_levels(rule.support_power, n_active, work.levels)
            before = n_active
        familiarity[i] = mean_level(work.levels, work.sums)


cut_lanes = kernel(_cut_lanes)
add_eight = kernel(_add_eight)
add_carries = kernel(_add_carries)
sum_bits = kernel(_sum_bits)
find_largest = kernel(_find_largest)
read_winners = kernel(_read_winners)
mean_level = kernel(_mean_level, fastmath=EXACT)
recall_bits = kernel(_recall_bits)
