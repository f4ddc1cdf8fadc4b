"""Kernels of a memory of sequences: the code of the row before supports units too, through horizontal weights.

Support has as many values as pairs of sums by then, so that it is computed unit by unit. A row that begins a sequence
has its input alone, and goes through the kernels of a memory without context.
"""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from ._macrocolumn_kernels import (
    EXACT,
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
    """How codes of the row before take part: the own one, by horizontal weights, and that of the level above."""

    input_power: float  # exponents of the kinds of support
    horizontal_power: float
    above_power: float
    three: float  # familiarity by all three kinds below which fewer of them are asked
    two: float  # by the input and one other kind
    alone: float  # by the input alone from which it is then believed
    persistence: int  # rows that keep a code
    most_rivals: int  # codes that the row before may have stood for, if it is to be asked


class Links(NamedTuple):
    """Work arrays of one thread, for support by other codes."""

    sums: np.ndarray  # (Q * K,) int32: by the row before
    above: np.ndarray  # (Q * K,) int32: by the level above
    units: np.ndarray  # (Q,) int32: units of the code before
    other: np.ndarray  # (Q,) int32: winners by fewer kinds of support
    pair: np.ndarray  # (Q,) int32: the best of those by two kinds
    levels: np.ndarray  # (Q,) float64: support of a unit by its sum
    above_levels: np.ndarray  # (n + 1,) float64: the same for n active units above
    support: np.ndarray  # (Q * K,) float64
    chances: np.ndarray  # (Q * K,) float64


#: Share of the largest support of a module from which another unit is its rival, if that is no less than LEAST.
RIVAL, LEAST = 0.95, 0.5


def _list_units(code, n_units, units):
    """Write the units of a code, counted over all modules."""
    for q in range(code.shape[0]):
        units[q] = q * n_units + code[q]


def _fill_levels(power, n_sources, gain, levels):
    """Write the support of units by their sums, which are multiplied by a gain; ones without sources."""
    if n_sources == 0:
        levels[:] = 1.0
        return
    for s in range(n_sources + 1):
        levels[s] = min(gain * s / n_sources, 1.0)
    if power != 1.0:
        for s in range(n_sources + 1):
            levels[s] = levels[s] ** power


def _multiply_support(n_units, work, links, winners):
    """Write the support of units, and the best of each module; return the familiarity and the number of rivals."""
    Q, total, near = winners.shape[0], 0.0, np.int64(0)
    for q in range(Q):
        best, winner = -1.0, np.int64(0)
        for k in range(n_units):
            u = q * n_units + k
            support = work.levels[work.sums[u]] * links.levels[links.sums[u]] * links.above_levels[links.above[u]]
            links.support[u] = support
            if support > best:
                best, winner = support, np.int64(k)
        for k in range(n_units):
            near += links.support[q * n_units + k] >= max(RIVAL * best, LEAST)
        winners[q] = winner
        total += best
    return total / Q, max((2 * near + Q) // (2 * Q), 1)


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


def _sum_context(horizontal, top_down, code, above, n_units, place, work, links):
    """Write the sums of units by the code before and by that of the level above; return how many sources they have."""
    n_before, n_above = np.int64(0), np.int64(0)
    if place > 0:
        list_units(code, n_units, links.units)
        n_before = np.int64(code.shape[0])
    while n_above < above.shape[0] and above[n_above] >= 0:
        n_above += 1
    for step in range(2):  # one call of a large kernel
        if step == 0:
            sum_rows(horizontal, links.units[:n_before], work.partial, links.sums)
        else:
            sum_rows(top_down, above[:n_above], work.partial, links.above)
    return max(n_before - 1, np.int64(0)), n_above  # no unit has weights from its own module


def _is_still(context, m, sums, n_units, n_active):
    """Return whether a row of macrocolumn m is the one before: as many inputs, for all of which its code stands."""
    same = context.n_rows[m] > 0 and context.n_active[m] == n_active
    return same and support_of(sums, n_units, n_active, context.winners[m]) >= 1.0


def _note_context(context, m, code, n_active, rivals, advances):
    """Write where macrocolumn m is after a row."""
    copy(code, context.winners[m])
    context.n_active[m] = n_active
    context.rivals[m] = rivals
    context.n_rows[m] += advances


def _forget_context(context, m):
    """Note that macrocolumn m had no code."""
    context.winners[m, :] = -1
    context.n_rows[m] = 0


def _learn_sequences(trace, weights, rule, later, limits, freeze, plan, indptr, indices, above, begins, uniforms,
                     context, work, links, stop, winners, familiarity):  # fmt: skip
    """Store moments one after the other in all of M macrocolumns; `begins` marks those that begin a sequence.

    What macrocolumn m gets at moment t is row ``t * M + m``. `trace` is the weights from inputs, their number for each
    unit, and the totals of `learn_rows`; `weights` are those from units to units, and from units above: for each
    macrocolumn, as `context`, a `SequenceState`, which changes. `rule` is for rows without context, `later` for others.
    `above` are the active units of the level above for each row, -1 for none. Others are as in `learn_rows`.
    """
    K = limits.n_units
    for i in range(winners.shape[0]):
        if stop[0] != 0:
            return
        m = i % context.n_rows.shape[0]
        inputs, fill, totals, horizontal, top_down = trace[0][m], trace[1][m], trace[2][m], weights[0][m], weights[1][m]
        if begins[i // context.n_rows.shape[0]] != 0:
            context.n_rows[m] = 0
        active, new, units, units_above = indices[indptr[i] : indptr[i + 1]], winners[i], work.units, above[i]
        n_active = active.shape[0]
        familiarity[i] = 0.0
        if n_active == 0 or n_active < limits.low or n_active > limits.high:
            new[:] = -1
            forget_context(context, m)
            continue
        totals[0] += 1
        totals[1] += n_active
        sum_rows(inputs, active, work.partial, work.sums)
        place, before = context.n_rows[m], context.winners[m]
        held = place % plan.persistence != 0
        still = not held and is_still(context, m, work.sums, K, n_active)
        n_before, n_above = sum_context(horizontal, top_down, before, units_above, K, place, work, links)
        if held or still:
            copy(before, new)
            familiarity[i] = support_of(work.sums, K, n_active, new)
        elif n_before + n_above > 0:
            fill_levels(plan.input_power, n_active, 1.0, work.levels)
            fill_levels(plan.horizontal_power, n_before, 1.0, links.levels)
            fill_levels(plan.above_power, n_above, 1.0, links.above_levels)
            familiarity[i] = multiply_support(K, work, links, new)[0]
        else:
            write_levels(rule.support_power, n_active, work.levels)
            familiarity[i] = hard_winners(work.sums, K, work.levels, new)
        known = familiarity[i] >= 1.0
        drawn = not (held or still or (known and limits.keep_repeats != 0))
        copy(new, work.best)
        if drawn:
            if n_before + n_above > 0:
                draw_in_context(later, K, n_active, familiarity[i], uniforms[i], links, new)
            else:
                chance = largest_fill(fill, K) / inputs.shape[0]
                draw_winners(rule, limits, chance, n_active, familiarity[i], uniforms[i], work, new)
        most = max(freeze[0], freeze[1] * totals[1] / totals[0])
        n = list_learning(fill, most, work.best, new, K, units)
        for a in range(n):
            fill[units[a]] += n_active - work.sums[units[a]]
        totals[2] += (drawn or not known) and 2 * n >= new.shape[0]
        set_weights(inputs, active, units[:n])
        if not (held or still):
            set_weights(top_down, units_above[:n_above], units[:n])
            if place > 0:
                set_links(horizontal, links.units, units[:n], K)
        note_context(context, m, new, n_active, np.int64(1), not still)


def _ask_fewer(rule, n_units, plan, n_active, sources, gain, work, links, winners):
    """Write the winners by input and context, or by fewer of them if these hardly know the row.

    Kinds of support that have sources: first all, then the input with each of the others, then the input alone. Return
    the familiarity and the number of rivals.
    """
    n_before, n_above = sources
    known, rivals, pair, pair_rivals = -1.0, np.int64(1), -1.0, np.int64(1)
    both, any_at_all = n_before > 0 and n_above > 0, n_before + n_above > 0
    for step in range(4):
        if (step in (1, 2) and not both) or (step == 3 and not any_at_all):
            continue
        with_before = n_before if step < 2 else np.int64(0)
        with_above = n_above if step in (0, 2) else np.int64(0)
        power = plan.input_power if with_before + with_above > 0 else rule.support_power
        fill_levels(power, n_active, 1.0, work.levels)
        fill_levels(plan.horizontal_power, with_before, gain, links.levels)
        fill_levels(plan.above_power, with_above, 1.0, links.above_levels)
        found, near = multiply_support(n_units, work, links, links.other)
        if step == 0:
            known, rivals = found, near
            copy(links.other, winners)
            if not any_at_all or known >= (plan.three if both else plan.two):
                break
        elif step < 3:
            if found > pair:
                pair, pair_rivals = found, near
                copy(links.other, links.pair)
            if step == 2 and pair >= plan.two:
                known, rivals = pair, pair_rivals
                copy(links.pair, winners)
                break
        elif found >= plan.alone:
            known, rivals = found, near
            copy(links.other, winners)
    return known, rivals


def _recall_sequences(inputs, weights, rule, limits, plan, indptr, indices, above, begins, context, work, links, stop,
                      winners, familiarity, places):  # fmt: skip
    """Write the units with most support, and the familiarity, of each row, and its place in the sequence.

    Rows without a code have -1, 0 and 0. Others are as in `learn_sequences`.
    """
    K = limits.n_units
    for i in range(winners.shape[0]):
        if stop[0] != 0:
            return
        m = i % context.n_rows.shape[0]
        if begins[i // context.n_rows.shape[0]] != 0:
            context.n_rows[m] = 0
        active, new = indices[indptr[i] : indptr[i + 1]], winners[i]
        n_active = active.shape[0]
        familiarity[i] = 0.0
        places[i] = 0
        if n_active == 0 or n_active < limits.low or n_active > limits.high:
            new[:] = -1
            forget_context(context, m)
            continue
        sum_rows(inputs[m], active, work.partial, work.sums)
        place, rivals, before = context.n_rows[m], context.rivals[m], context.winners[m]
        held = place % plan.persistence != 0
        still = not held and is_still(context, m, work.sums, K, n_active)
        if held or still:
            copy(before, new)
            familiarity[i] = support_of(work.sums, K, n_active, new)
        else:
            asked = place if rivals <= plan.most_rivals else np.int64(0)
            sources = sum_context(weights[0][m], weights[1][m], before, above[i], K, asked, work, links)
            familiarity[i], rivals = ask_fewer(rule, K, plan, n_active, sources, float(rivals), work, links, new)
        note_context(context, m, new, n_active, rivals, not still)
        places[i] = context.n_rows[m]


def _list_inputs(places, codes, n_units, indptr, indices):
    """Write the active units of the places that each macrocolumn sees, counted over these, as in a CSR array."""
    at, n_modules = np.int64(0), codes.shape[1]
    indptr[0] = 0
    for m in range(places.shape[0]):
        for p in range(places.shape[1]):
            code = codes[places[m, p]]
            if code[0] >= 0:
                for q in range(n_modules):
                    indices[at + q] = (p * n_modules + q) * n_units + code[q]
                at += n_modules
        indptr[m + 1] = at


def _list_above(parents, codes, n_units, above):
    """Write the active units of the parents of each macrocolumn, counted over these, -1 behind the last."""
    n_modules = codes.shape[1]
    for m in range(parents.shape[0]):
        units, at = above[m], np.int64(0)
        for p in range(parents.shape[1]):
            if parents[m, p] >= 0 and codes[parents[m, p], 0] >= 0:
                code = codes[parents[m, p]]
                for q in range(n_modules):
                    units[at + q] = (p * n_modules + q) * n_units + code[q]
                at += n_modules
        units[at:] = -1


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
        fill_levels(1.0, np.int64(winners.shape[1] - 1), 1.0, links.levels)
        familiarity[i] = hard_winners(links.sums, K, links.levels, winners[i])


list_units = kernel(_list_units)
fill_levels = kernel(_fill_levels, fastmath=EXACT)
multiply_support = kernel(_multiply_support, fastmath=EXACT)
describe_product = kernel(_describe_product)
draw_in_context = kernel(_draw_in_context)
support_of = kernel(_support_of, fastmath=EXACT)
set_links = kernel(_set_links)
sum_context = kernel(_sum_context)
is_still = kernel(_is_still)
note_context = kernel(_note_context)
forget_context = kernel(_forget_context)
ask_fewer = kernel(_ask_fewer)
learn_sequences = kernel(_learn_sequences)
recall_sequences = kernel(_recall_sequences)
list_inputs = kernel(_list_inputs)
list_above = kernel(_list_above)
follow_codes = kernel(_follow_codes)
