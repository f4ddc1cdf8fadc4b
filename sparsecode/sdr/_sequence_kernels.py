"""Kernels of a memory of sequences: the code of the row before supports units too, through horizontal weights.

Support has as many values as pairs of sums by then, so that it is computed unit by unit. A row that begins a sequence
has its input alone, and goes through the kernels of a memory without context.
"""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from ._macrocolumn_kernels import (
    copy,
    draw_unit,
    draw_winners,
    hard_winners,
    largest_fill,
    list_learning,
    set_weights,
    sum_rows,
    write_levels,
)
from ._selection_kernels import crosstalk_floor, expansivity, likelihoods


class Plan(NamedTuple):
    """How the row before takes part."""

    input_power: float  # exponents of the two kinds of support
    horizontal_power: float
    both: float  # familiarity below which support by the input alone is asked for
    alone: float  # and from which it is then believed
    persistence: int  # rows that keep a code


class Links(NamedTuple):
    """Work arrays of one thread, for support by the row before."""

    sums: np.ndarray  # (Q * K,) int32
    units: np.ndarray  # (Q,) int32: units of the code before
    other: np.ndarray  # (Q,) int32: winners by the input alone
    levels: np.ndarray  # (Q,) float64: support of a unit by its sum
    support: np.ndarray  # (Q * K,) float64
    chances: np.ndarray  # (Q * K,) float64


def _list_units(code, n_units, units):
    """Write the units of a code, counted over all modules."""
    for q in range(code.shape[0]):
        units[q] = q * n_units + code[q]


def _multiply_support(n_units, plan, n_active, work, links, winners):
    """Write the support of units by input and context, and the best of each module; return the familiarity."""
    Q = winners.shape[0]
    write_levels(plan.input_power, n_active, work.levels)
    write_levels(plan.horizontal_power, Q - 1, links.levels)
    total = 0.0
    for q in range(Q):
        best, winner = -1.0, np.int64(0)
        for k in range(n_units):
            u = q * n_units + k
            support = work.levels[work.sums[u]] * links.levels[links.sums[u]]
            links.support[u] = support
            if support > best:
                best, winner = support, np.int64(k)
        winners[q] = winner
        total += best
    return total / Q


def _describe_product(support, n_units, winners):
    """Return the mean support, and the standard deviation of that of units that are no winners."""
    total, squares = 0.0, 0.0
    for u in range(support.shape[0]):
        total += support[u]
        squares += support[u] * support[u]
    mean = total / support.shape[0]
    for q in range(winners.shape[0]):
        largest = support[q * n_units + winners[q]]
        total -= largest
        squares -= largest * largest
    n_others = max(support.shape[0] - winners.shape[0], 1)
    rest = total / n_others
    return mean, np.sqrt(max(squares / n_others - rest * rest, 0.0))


def _draw_in_context(rule, n_units, n_active, familiarity, uniforms, links, winners):
    """Draw a unit of each module by its support; `winners` holds the best ones on entry."""
    mean, spread = describe_product(links.support, n_units, winners)
    floor = crosstalk_floor(rule, mean, spread, 0.0, float(n_active), float(n_units))
    height = expansivity(rule, familiarity, floor, float(n_units))
    likelihoods(rule, links.support, height, floor, links.chances)
    for q in range(winners.shape[0]):
        winners[q] = draw_unit(links.chances[q * n_units : (q + 1) * n_units], uniforms[q])


def _support_of(sums, n_units, n_active, code):
    """Return the mean support of the units of a code by the input."""
    total = np.int64(0)
    for q in range(code.shape[0]):
        total += sums[q * n_units + code[q]]
    return total / (float(n_active) * code.shape[0])


def _set_links(horizontal, before, units, n_units):
    """Set the weights from units of the code before to units of other modules."""
    for a in range(before.shape[0]):
        row, module = horizontal[before[a]], before[a] // n_units
        for m in range(units.shape[0]):
            if units[m] // n_units != module:
                row[units[m]] = 1


def _learn_sequences(weights, fill, totals, horizontal, rule, later, limits, freeze, plan, indptr, indices, begins,
                     uniforms, code, place, work, links, stop, winners, familiarity):  # fmt: skip
    """Store rows one after the other; `begins` marks those that begin a sequence.

    `rule` is for rows without context, `later` for others. `code` holds the winners of the row before and `place` how
    many rows since the beginning have one; they change. Others are as in `learn_rows`.
    """
    K = limits.n_units
    for i in range(winners.shape[0]):
        if stop[0] != 0:
            return
        if begins[i] != 0:
            place[0] = 0
        active, new, units = indices[indptr[i] : indptr[i + 1]], winners[i], work.units
        n_active = active.shape[0]
        familiarity[i] = 0.0
        if n_active == 0 or n_active < limits.low or n_active > limits.high:
            new[:] = -1
            code[:] = -1
            place[0] = 0
            continue
        totals[0] += 1
        totals[1] += n_active
        sum_rows(weights, active, work.partial, work.sums)
        held = place[0] % plan.persistence != 0
        if held:
            copy(code, new)
            familiarity[i] = support_of(work.sums, K, n_active, new)
        elif place[0] > 0:
            list_units(code, K, links.units)
            sum_rows(horizontal, links.units, work.partial, links.sums)
            familiarity[i] = multiply_support(K, plan, n_active, work, links, new)
        else:
            write_levels(rule.support_power, n_active, work.levels)
            familiarity[i] = hard_winners(work.sums, K, work.levels, new)
        known = familiarity[i] >= 1.0
        drawn = not (held or (known and limits.keep_repeats != 0))
        copy(new, work.best)
        if drawn:
            if place[0] > 0:
                draw_in_context(later, K, n_active, familiarity[i], uniforms[i], links, new)
            else:
                chance = largest_fill(fill, K) / weights.shape[0]
                draw_winners(rule, limits, chance, n_active, familiarity[i], uniforms[i], work, new)
        most = max(freeze[0], freeze[1] * totals[1] / totals[0])
        m = list_learning(fill, most, work.best, new, K, units)
        for a in range(m):
            fill[units[a]] += n_active - work.sums[units[a]]
        totals[2] += (drawn or not known) and 2 * m >= new.shape[0]
        set_weights(weights, active, units[:m])
        if place[0] > 0 and not held:
            set_links(horizontal, links.units, units[:m], K)
        copy(new, code)
        place[0] += 1


def _recall_sequences(weights, horizontal, rule, limits, plan, indptr, indices, begins, code, place, work, links, stop,
                      winners, familiarity):  # fmt: skip
    """Write the units with most support, and the familiarity, of each row; -1 and 0 if it has no code."""
    K = limits.n_units
    for i in range(winners.shape[0]):
        if stop[0] != 0:
            return
        if begins[i] != 0:
            place[0] = 0
        active, new = indices[indptr[i] : indptr[i + 1]], winners[i]
        n_active = active.shape[0]
        familiarity[i] = 0.0
        if n_active == 0 or n_active < limits.low or n_active > limits.high:
            new[:] = -1
            code[:] = -1
            place[0] = 0
            continue
        sum_rows(weights, active, work.partial, work.sums)
        if place[0] % plan.persistence != 0:
            copy(code, new)
            familiarity[i] = support_of(work.sums, K, n_active, new)
        else:
            asked = place[0] == 0
            if not asked:
                list_units(code, K, links.units)
                sum_rows(horizontal, links.units, work.partial, links.sums)
                familiarity[i] = multiply_support(K, plan, n_active, work, links, new)
                asked = familiarity[i] < plan.both
            if asked:
                write_levels(rule.support_power, n_active, work.levels)
                alone = hard_winners(work.sums, K, work.levels, links.other)
                if place[0] == 0 or alone >= plan.alone:
                    copy(links.other, new)
                    familiarity[i] = alone
        copy(new, code)
        place[0] += 1


def _follow_codes(horizontal, limits, codes, work, links, stop, winners, familiarity):
    """Write the units with most support by each code alone, and the familiarity; -1 and 0 after none."""
    K = limits.n_units
    for i in range(winners.shape[0]):
        if stop[0] != 0:
            return
        winners[i, :] = -1
        familiarity[i] = 0.0
        if codes[i, 0] < 0:
            continue
        list_units(codes[i], K, links.units)
        sum_rows(horizontal, links.units, work.partial, links.sums)
        write_levels(1.0, winners.shape[1] - 1, links.levels)
        familiarity[i] = hard_winners(links.sums, K, links.levels, winners[i])


list_units = kernel(_list_units)
multiply_support = kernel(_multiply_support)
describe_product = kernel(_describe_product)
draw_in_context = kernel(_draw_in_context)
support_of = kernel(_support_of)
set_links = kernel(_set_links)
learn_sequences = kernel(_learn_sequences)
recall_sequences = kernel(_recall_sequences)
follow_codes = kernel(_follow_codes)
