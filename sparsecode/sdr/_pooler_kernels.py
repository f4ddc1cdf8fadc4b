"""Kernels of the spatial pooler: overlaps with the connected synapses of columns, winners, and the permanence rule.

Connections are bytes, a row for each input, and the rows of the active inputs are added, as in a macrocolumn;
permanences are kept for the potential synapses of each column only, since none but those of winners change.
"""

import math
from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from ._macrocolumn_kernels import sum_rows

#: Exponent of boosts below which they would no longer tell overlaps apart in float32.
LEAST_EXPONENT = -80.0


class PoolerRule(NamedTuple):
    """Parameters of a pooler as kernels see them."""

    n_winners: int  # of a block, at most
    n_blocks: int
    least: int  # overlap of a winner, at least
    period: int  # rows over which duty cycles are averaged
    boost: float  # strength of boosting
    least_duty: float  # share of the largest overlap duty cycle below which a column gets stronger
    threshold: float  # permanence from which a synapse is connected
    increment: float
    decrement: float
    raise_by: float  # what a permanence of a weak column grows by


class PoolerWork(NamedTuple):
    """Work arrays of one thread."""

    partial: np.ndarray  # (C,) uint8
    sums: np.ndarray  # (C,) int32: overlaps
    scores: np.ndarray  # (C,) float32: overlaps times boosts, 0 for those that are too small
    boosts: np.ndarray  # (C,) float32
    crossed: np.ndarray  # (P,) uint8: synapses that were connected or ceased to be
    changes: np.ndarray  # (F,) float32: of permanences to each input, minus the decrement between rows


def _write_boosts(rule, duty, boosts):
    """Write by what the overlaps of each column are multiplied, up to a common factor."""
    one = np.float32(1)
    for c in range(boosts.shape[0]):
        boosts[c] = one
    if rule.boost > 0.0:
        for c in range(boosts.shape[0]):
            boosts[c] = math.exp(max(-rule.boost * duty[c], LEAST_EXPONENT))


def _kth_largest(scores, k):
    """Return the k-th largest of more than k positive scores, by bisection down to neighbouring numbers."""
    low, high = np.float32(0), np.float32(0)
    for c in range(scores.shape[0]):
        high = max(high, scores[c])
    high = np.float32(2) * high
    while True:
        middle = np.float32(0.5) * (low + high)
        if middle <= low or middle >= high:
            return low
        count = np.int32(0)
        for c in range(scores.shape[0]):
            count += np.int32(scores[c] >= middle)
        if count >= k:
            low = middle
        else:
            high = middle


def _find_winners(rule, connected, active, work, winners):
    """Write the columns of each block with the largest boosted overlaps, of equal ones the first, in order.

    Return their number; what is left of `winners` becomes -1.
    """
    C, n = work.sums.shape[0], np.int64(0)
    sum_rows(connected, active, work.partial, work.sums)
    for c in range(C):
        there = work.sums[c] >= rule.least
        work.scores[c] = work.boosts[c] * np.float32(work.sums[c] * there)
    for first in range(0, C, C // rule.n_blocks):
        scores = work.scores[first : first + C // rule.n_blocks]
        eligible, above, kth = np.int64(0), np.int64(0), np.float32(0)
        for c in range(scores.shape[0]):
            eligible += scores[c] > 0
        if eligible > rule.n_winners:
            kth = kth_largest(scores, rule.n_winners)
        for c in range(scores.shape[0]):
            above += scores[c] > kth
        room = rule.n_winners - above
        for c in range(scores.shape[0]):
            score = scores[c]
            if score > kth:
                winners[n] = first + c
                n += 1
            elif score == kth and score > 0 and room > 0:
                winners[n] = first + c
                n += 1
                room -= 1
    for m in range(n, winners.shape[0]):
        winners[m] = -1
    return n


def _adapt(rule, changes, pool, permanences, connected, crossed, c):
    """Change the permanences of a column to each input.

    Few of them cross the threshold; these are noted first, so that the loop over all has no branches.
    """
    zero, one = np.float32(0), np.float32(1)
    for p in range(pool.shape[0]):
        old = permanences[p]
        new = min(max(old + changes[pool[p]], zero), one)
        permanences[p] = new
        crossed[p] = (old >= rule.threshold) != (new >= rule.threshold)
    for p in range(pool.shape[0]):
        if crossed[p] != 0:
            connected[pool[p], c] = permanences[p] >= rule.threshold


def _raise_all(rule, pool, permanences, connected, c):
    """Raise all permanences of a column."""
    for p in range(pool.shape[0]):
        permanences[p] = min(permanences[p] + rule.raise_by, np.float32(1))
        connected[pool[p], c] = permanences[p] >= rule.threshold


def _count_duties(rule, n_rows, sums, winners, duty, overlap_duty):
    """Average in who won, and whose overlap was large enough; return the largest duty cycle of overlaps."""
    C = sums.shape[0]
    share = 1.0 / min(rule.period, n_rows)
    for c in range(C):
        duty[c] -= share * duty[c]
        overlap_duty[c] += share * (np.float64(sums[c] >= rule.least) - overlap_duty[c])
    for m in range(winners.shape[0]):
        duty[winners[m]] += share
    largest = 0.0
    for c in range(C):
        largest = max(largest, overlap_duty[c])
    return largest


def _pool_rows(pools, permanences, connected, duty, overlap_duty, totals, rule, indptr, indices, work, stop, winners,
               explained):  # fmt: skip
    """Learn from rows one after the other; write the winners of each, and the share of its ones that they see."""
    C = connected.shape[1]
    for i in range(winners.shape[0]):
        if stop[0] != 0:
            return
        active = indices[indptr[i] : indptr[i + 1]]
        explained[i] = 0.0
        if active.shape[0] == 0:
            winners[i, :] = -1
            continue
        totals[0] += 1
        write_boosts(rule, duty, work.boosts)
        n = find_winners(rule, connected, active, work, winners[i])
        for a in range(active.shape[0]):
            work.changes[active[a]] = rule.increment
        seen = np.int64(0)
        for m in range(n):
            c = np.int64(winners[i, m])
            seen += work.sums[c]
            adapt(rule, work.changes, pools[c], permanences[c], connected, work.crossed, c)
        for a in range(active.shape[0]):
            work.changes[active[a]] = -rule.decrement
        explained[i] = seen / (max(n, 1) * active.shape[0])
        largest = count_duties(rule, totals[0], work.sums, winners[i, :n], duty, overlap_duty)
        for c in range(C):
            if overlap_duty[c] < rule.least_duty * largest:
                raise_all(rule, pools[c], permanences[c], connected, c)


def _code_rows(connected, rule, duty, indptr, indices, work, stop, winners):
    """Write the winners of each row."""
    write_boosts(rule, duty, work.boosts)
    for i in range(winners.shape[0]):
        if stop[0] != 0:
            return
        find_winners(rule, connected, indices[indptr[i] : indptr[i + 1]], work, winners[i])


write_boosts = kernel(_write_boosts)
kth_largest = kernel(_kth_largest)
find_winners = kernel(_find_winners)
adapt = kernel(_adapt)
raise_all = kernel(_raise_all)
count_duties = kernel(_count_duties)
pool_rows = kernel(_pool_rows)
code_rows = kernel(_code_rows)
