"""Kernels of a macrocolumn: binary weights from inputs (rows) to units (columns), and codes with a winner a module.

A row of weights is added for each active input, bytes to bytes: for few active inputs this is faster than counting
bits, and storing is a plain write. With one kind of input the support of a unit has n_active + 1 values at the most,
so that its powers and its chances are looked up in tables; other kinds would multiply it.
"""

import math
from typing import NamedTuple

import numpy as np

from .._core.bits import first_bit
from .._core.jit import kernel
from ._selection_kernels import crosstalk_floor, expansivity, likelihoods

#: Rows that are added up in bytes before these might overflow; a multiple of 4.
BYTE_ROWS = 252

#: Of kernels that divide: n times 1 / n is not always 1, and what is known in all parts must have a familiarity of 1.
EXACT = frozenset()


class Limits(NamedTuple):
    """What a macrocolumn accepts and when it stops to learn, in integers."""

    n_units: int  # of a module
    low: int  # active inputs of a row that gets a code
    high: int
    keep_repeats: int  # 0 or 1: a familiar row keeps its code
    lifetime: int  # rows after which a weight is gone, 0 for never


class Work(NamedTuple):
    """Work arrays of one thread."""

    partial: np.ndarray  # (Q * K,) uint8
    sums: np.ndarray  # (Q * K,) int32
    units: np.ndarray  # (Q,) int32
    best: np.ndarray  # (Q,) int32: the units with most support
    levels: np.ndarray  # (F + 1,) float64: support of a unit by its sum
    chances: np.ndarray  # (F + 1,) float64: unnormalised chance to win by its sum
    module: np.ndarray  # (K,) float64


def _list_active(words, indptr, indices):
    """Write the places of the ones of each row of packed bits, as in a CSR array; `indptr` is given."""
    for i in range(words.shape[0]):
        at, one = indptr[i], np.uint64(1)
        for w in range(words.shape[1]):
            rest = words[i, w]
            while rest != 0:
                indices[at] = 64 * w + first_bit(rest)
                rest &= rest - one
                at += 1


def _copy(source, target):
    """Copy an array; an assignment to a slice would allocate one."""
    for i in range(source.shape[0]):
        target[i] = source[i]


def _sum_rows(weights, active, partial, sums):
    """Write the sums of the rows of `weights` that `active` lists."""
    n, U = active.shape[0], sums.shape[0]
    for u in range(U):
        sums[u] = 0
    for start in range(0, n, BYTE_ROWS):
        stop = min(start + BYTE_ROWS, n)
        fours = start + (stop - start) // 4 * 4
        for u in range(U):
            partial[u] = 0
        for a in range(start, fours, 4):
            r0, r1, r2, r3 = weights[active[a]], weights[active[a + 1]], weights[active[a + 2]], weights[active[a + 3]]
            for u in range(U):
                partial[u] += r0[u] + r1[u] + r2[u] + r3[u]
        for a in range(fours, stop):
            row = weights[active[a]]
            for u in range(U):
                partial[u] += row[u]
        for u in range(U):
            sums[u] += partial[u]


def _hard_winners(sums, n_units, levels, winners):
    """Write the unit of each module with the largest sum, the first of equal ones; return the familiarity."""
    Q = winners.shape[0]
    total = 0.0
    for q in range(Q):
        module = sums[q * n_units : (q + 1) * n_units]
        best = module[0]
        for k in range(n_units):
            best = max(best, module[k])
        k = np.int64(0)
        while module[k] != best:
            k += 1
        winners[q] = k
        total += levels[best]
    return total / Q


def _write_levels(power, n_active, levels):
    """Write the support of units by their sums."""
    for s in range(n_active + 1):
        levels[s] = s / n_active
    if power != 1.0:
        for s in range(n_active + 1):
            levels[s] = levels[s] ** power


def _describe_support(sums, n_units, n_active, winners):
    """Return the mean support of all units, and the standard deviation of those of them that are no winners."""
    total, squares = np.int64(0), np.int64(0)
    for u in range(sums.shape[0]):
        total += sums[u]
        squares += np.int64(sums[u]) * np.int64(sums[u])
    mean = total / (float(n_active) * sums.shape[0])
    for q in range(winners.shape[0]):
        largest = np.int64(sums[q * n_units + winners[q]])
        total -= largest
        squares -= largest * largest
    n_others = max(sums.shape[0] - winners.shape[0], 1)
    rest = total / n_others
    return mean, math.sqrt(max(squares / n_others - rest * rest, 0.0)) / n_active


def _draw_unit(chances, uniform):
    """Return a unit drawn with chances that need not add up to 1; they are summed up in place."""
    K = chances.shape[0]
    for k in range(1, K):
        chances[k] += chances[k - 1]
    threshold = uniform * chances[K - 1]
    winner = np.int64(0)
    for k in range(K - 1):
        winner += chances[k] <= threshold
    return winner


def _largest_fill(fill, n_units):
    """Return the number of weights of the unit of each module that has most, mean over modules."""
    total = np.int64(0)
    for start in range(0, fill.shape[0], n_units):
        most = fill[start]
        for u in range(start + 1, start + n_units):
            most = max(most, fill[u])
        total += most
    return total * float(n_units) / fill.shape[0]


def _draw_winners(rule, limits, chance, n_active, familiarity, uniforms, work, winners):
    """Draw a unit of each module with the chances that the rule gives them; `winners` holds the best ones on entry."""
    K, sums, module = limits.n_units, work.sums, work.module
    mean, spread = describe_support(sums, K, n_active, winners)
    floor = crosstalk_floor(rule, mean, spread, chance, float(n_active), float(K))
    height = expansivity(rule, familiarity, floor, float(K))
    chances = work.chances[: n_active + 1]
    likelihoods(rule, work.levels[: n_active + 1], height, floor, chances)
    for q in range(winners.shape[0]):
        for k in range(K):
            module[k] = chances[sums[q * K + k]]
        winners[q] = draw_unit(module, uniforms[q])


def _expire(weights, fill, stamps, j, now, lifetime):
    """Take away the weights of input j that were last used more than `lifetime` rows before row `now`."""
    row, stamp = weights[j], stamps[j]
    for u in range(row.shape[0]):
        if row[u] != 0 and now - stamp[u] > lifetime:
            row[u] = 0
            fill[u] -= 1


def _list_learning(fill, most, best, code, n_units, units):
    """Write the units of a code that are not frozen, and return how many; a frozen one gives way to the best.

    Units that learn will have full support, so that the code is what is recalled later.
    """
    m = np.int64(0)
    for q in range(code.shape[0]):
        u = q * n_units + code[q]
        if fill[u] <= most:
            units[m] = u
            m += 1
        else:
            code[q] = best[q]
    return m


def _set_weights(weights, active, units):
    for a in range(active.shape[0]):
        row = weights[active[a]]
        for m in range(units.shape[0]):
            row[units[m]] = 1


def _set_stamps(stamps, active, units, now):
    """Note when weights were last used; what is permanent stays so."""
    for a in range(active.shape[0]):
        row = stamps[active[a]]
        for m in range(units.shape[0]):
            row[units[m]] = max(row[units[m]], now)


def _learn_rows(weights, fill, stamps, totals, rule, limits, freeze, indptr, indices, uniforms, work, stop, winners,
                familiarity):  # fmt: skip
    """Store rows one after the other.

    `totals` holds the rows with a code, their active inputs, and the rows that were learned, by half of their winners
    at least; they grow. Other rows get the code that they recall. `freeze` holds two numbers: a unit with more weights
    than the first, and the second times the mean number of active inputs, learns no more. `winners` are -1 for rows out
    of bounds.
    """
    K, permanent = limits.n_units, np.int64(np.iinfo(np.int32).max)
    for i in range(winners.shape[0]):
        if stop[0] != 0:
            return
        active, code, units = indices[indptr[i] : indptr[i + 1]], winners[i], work.units
        n_active = active.shape[0]
        familiarity[i] = 0.0
        if n_active == 0 or n_active < limits.low or n_active > limits.high:
            code[:] = -1
            continue
        now = totals[0]
        totals[0] += 1
        totals[1] += n_active
        if limits.lifetime > 0:
            for a in range(n_active):
                expire(weights, fill, stamps, np.int64(active[a]), now, limits.lifetime)
        sum_rows(weights, active, work.partial, work.sums)
        write_levels(rule.support_power, n_active, work.levels)
        familiarity[i] = hard_winners(work.sums, K, work.levels, code)
        repeated = familiarity[i] >= 1.0
        drawn = not (repeated and limits.keep_repeats != 0)
        copy(code, work.best)
        if drawn:
            chance = largest_fill(fill, K) / weights.shape[0] if limits.lifetime == 0 else 0.0  # `fill` lags behind
            draw_winners(rule, limits, chance, n_active, familiarity[i], uniforms[i], work, code)
        most = max(freeze[0], freeze[1] * totals[1] / totals[0])
        m = list_learning(fill, most, work.best, code, K, units)
        for a in range(m):
            fill[units[a]] += n_active - work.sums[units[a]]
        totals[2] += drawn and 2 * m >= code.shape[0]
        set_weights(weights, active, units[:m])
        if limits.lifetime > 0:
            set_stamps(stamps, active, units[:m], permanent if repeated else now)


def _expire_all(weights, fill, stamps, now, lifetime):
    """Take away all weights that are too old."""
    for j in range(weights.shape[0]):
        expire(weights, fill, stamps, j, now, lifetime)


def _recall_rows(weights, rule, limits, indptr, indices, work, stop, winners, familiarity):
    """Write the units with most support, and the familiarity, of each row; -1 and 0 if it has no code."""
    for i in range(winners.shape[0]):
        if stop[0] != 0:
            return
        active = indices[indptr[i] : indptr[i + 1]]
        n_active = active.shape[0]
        if n_active == 0 or n_active < limits.low or n_active > limits.high:
            winners[i, :] = -1
            familiarity[i] = 0.0
            continue
        sum_rows(weights, active, work.partial, work.sums)
        write_levels(rule.support_power, n_active, work.levels)
        familiarity[i] = hard_winners(work.sums, limits.n_units, work.levels, winners[i])


def _sum_templates(templates, units, partial, sums):
    """Write the sums of the templates (rows) of the units that each code lists; none for -1."""
    for i in range(units.shape[0]):
        n = units.shape[1] if units[i, 0] >= 0 else 0
        sum_rows(templates, units[i, :n], partial, sums[i])


list_active = kernel(_list_active)
copy = kernel(_copy)
sum_rows = kernel(_sum_rows)
hard_winners = kernel(_hard_winners, fastmath=EXACT)
write_levels = kernel(_write_levels, fastmath=EXACT)
describe_support = kernel(_describe_support)
draw_unit = kernel(_draw_unit)
largest_fill = kernel(_largest_fill)
draw_winners = kernel(_draw_winners)
expire = kernel(_expire)
list_learning = kernel(_list_learning)
set_weights = kernel(_set_weights)
set_stamps = kernel(_set_stamps)
learn_rows = kernel(_learn_rows)
expire_all = kernel(_expire_all)
recall_rows = kernel(_recall_rows)
sum_templates = kernel(_sum_templates)
