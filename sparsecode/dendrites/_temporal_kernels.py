"""Kernels of a temporal memory: which segments match, which cells become active, what is learned.

A row takes these steps: overlaps of segments with the cells that are active before it; cells that become active; a plan
of what is to be learned; and learning. Up to the plan nothing is written but work arrays, so that a row can be begun
again where the pools of synapses have no room for it.
"""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from ._pooled_kernels import (
    LISTS,
    LIVE,
    N_FREE,
    NEXT,
    POOL,
    ROWS,
    adapt,
    create,
    destroy,
    draw,
    grow,
    link,
    unlink,
)


class Rule(NamedTuple):
    """Parameters, permanences in ten-thousandths."""

    n_cells: int  # of a column
    fire: int  # connected synapses from active cells with which a segment fires
    match: int  # potential ones with which it can learn
    new: int  # synapses to active cells up to which a segment grows
    most_synapses: int
    most_segments_of_cell: int
    most_segments: int
    threshold: int  # permanence from which synapses are connected
    initial: int
    up: int
    down: int  # not positive, as the next
    punish: int
    learn: int  # 0 or 1


class Activity(NamedTuple):
    """Cells that are active, and those that won; the row before, while a row is taken."""

    on: np.ndarray  # (N,) uint8
    cells: np.ndarray  # (N,) int32: active cells
    winners: np.ndarray  # (N,) int32
    sizes: np.ndarray  # (2,) int64: numbers of both


class TemporalWork(NamedTuple):
    """Work arrays of one thread; `counts`, `depolarized`, `linked` and marks of columns are zero between rows."""

    counts: np.ndarray  # (S,) int16: overlaps
    matching: np.ndarray  # (S,) int32: segments that match
    overlaps: np.ndarray  # (S,) int16: and their overlaps
    owners: np.ndarray  # (S,) int32: and their cells
    fires: np.ndarray  # (S,) uint8: and whether they fire
    learning: np.ndarray  # (S,) int32: places in `matching` of segments that learn
    punished: np.ndarray  # (S,) int32: segments that predicted in vain; later those that are to go
    depolarized: np.ndarray  # (N,) uint8: cells with a segment that fires
    linked: np.ndarray  # (N,) uint8
    candidates: np.ndarray  # (N,) int32
    cells: np.ndarray  # (N,) int32: cells that become active
    winners: np.ndarray  # (N,) int32
    created: np.ndarray  # (C,) int32: cells that get a new segment
    active: np.ndarray  # (C,) uint8
    predicted: np.ndarray  # (C,) uint8
    best: np.ndarray  # (C,) int32: place in `matching` of the best segment, -1 for none
    needs: np.ndarray  # (3,) int64: segments, synapses and entries for which there must be room


def _connected_overlap(store, rule, on, s):
    """Return the number of connected synapses of a segment from active cells."""
    start, total = store.start[s], np.int64(0)
    for k in range(start, start + store.size[s]):
        total += (on[store.cells[k]] != 0) & (store.permanences[k] >= rule.threshold)
    return total


def _match_segments(store, rule, before, work):
    """List segments that match the active cells; return their number, and that of the columns that are predicted."""
    n, entries, n_predicted = np.int64(0), np.int64(0), np.int64(0)
    for a in range(before.sizes[0]):
        first = store.list_start[before.cells[a]]
        size = store.list_size[before.cells[a]]
        entries += size
        for entry in range(first, first + size):
            s = store.list_segments[entry]
            work.counts[s] += 1
            if work.counts[s] == rule.match:
                work.matching[n] = s
                n += 1
    for i in range(n):
        s = work.matching[i]
        work.overlaps[i], work.owners[i] = work.counts[s], store.owner[s]
        fires = connected_overlap(store, rule, before.on, s) >= rule.fire
        work.fires[i] = fires
        if fires:
            column = store.owner[s] // rule.n_cells
            n_predicted += work.predicted[column] == 0
            work.depolarized[store.owner[s]] = work.predicted[column] = 1
    if entries < store.totals[NEXT] // 8:
        for a in range(before.sizes[0]):
            first = store.list_start[before.cells[a]]
            for entry in range(first, first + store.list_size[before.cells[a]]):
                work.counts[store.list_segments[entry]] = 0
    else:
        work.counts[: store.totals[NEXT]] = 0
    return n, n_predicted


def _forget_matches(rule, n_matching, columns, work):
    """Clear the marks of cells and columns."""
    for i in range(n_matching):
        work.depolarized[work.owners[i]] = 0
        work.predicted[work.owners[i] // rule.n_cells] = 0
    for c in range(columns.shape[0]):
        work.active[columns[c]] = 0


def _sort_learning(work, n):
    """Sort what learns by segment (Shell's sort)."""
    gap = n // 2
    while gap > 0:
        for i in range(gap, n):
            value = work.learning[i]
            j = i
            while j >= gap and work.matching[work.learning[j - gap]] > work.matching[value]:
                work.learning[j] = work.learning[j - gap]
                j -= gap
            work.learning[j] = value
        gap //= 2


def _plan_learning(store, rule, columns, n_matching, work):
    """List what learns and what is punished, and find the best segment of each column; return the two numbers."""
    n_learning, n_punished = np.int64(0), np.int64(0)
    for c in range(columns.shape[0]):
        work.active[columns[c]] = 1
        work.best[columns[c]] = -1
    for i in range(n_matching):
        column = work.owners[i] // rule.n_cells
        if work.active[column] == 0:
            if rule.punish < 0:
                work.punished[n_punished] = work.matching[i]
                n_punished += 1
        elif work.predicted[column] == 0:
            best = work.best[column]
            if best < 0 or work.overlaps[i] > work.overlaps[best] or (
                work.overlaps[i] == work.overlaps[best] and work.matching[i] < work.matching[best]
            ):  # fmt: skip
                work.best[column] = i
        elif work.fires[i] != 0:
            work.learning[n_learning] = i
            n_learning += 1
    for c in range(columns.shape[0]):
        column = columns[c]
        if work.predicted[column] == 0 and work.best[column] >= 0:
            work.learning[n_learning] = work.best[column]
            n_learning += 1
    sort_learning(work, n_learning)
    return n_learning, n_punished


def _has_room(store, rule, n_learning, n_created, winners, work):
    """Return whether the pools have room for all that a row may add, and note what is needed."""
    size = np.int64(0)
    for i in range(n_learning):
        size += store.size[work.matching[work.learning[i]]] + rule.new
    entries = np.int64(0)
    for w in range(winners.shape[0]):
        # Rows of lists that double several times leave some of themselves behind
        entries += 6 * (store.list_size[winners[w]] + n_learning + n_created) + 32
    n_new = min(n_created, rule.most_segments - store.totals[LIVE]) - store.totals[N_FREE]
    work.needs[0] = store.totals[NEXT] + max(n_new, 0)
    work.needs[1] = store.totals[POOL] + 2 * (size + n_created * rule.new)
    work.needs[2] = store.totals[LISTS] + entries
    enough = work.needs[0] <= store.owner.shape[0] and work.needs[1] <= store.cells.shape[0]
    return enough and work.needs[2] <= store.list_segments.shape[0]


def _least_used(store, rule, column):
    """Return the cell of a column with the fewest segments, one of several at random if learned; -1 if none lives."""
    least, ties, chosen = np.int64(-1), np.int64(0), np.int64(-1)
    for cell in range(column * rule.n_cells, (column + 1) * rule.n_cells):
        count = store.count[cell]
        if count >= 0 and (least < 0 or count < least):
            least, ties, chosen = np.int64(count), np.int64(0), np.int64(cell)
        ties += count == least and count >= 0
    if rule.learn == 0 or ties < 2:
        return chosen
    left = draw(store.totals, ties)
    while left > 0:
        chosen += 1
        left -= store.count[chosen] == least
    return chosen


def _activate(store, rule, columns, can_create, work):
    """List cells that become active and those that win; return both numbers, and that of segments to be made."""
    n, n_winners, n_created = np.int64(0), np.int64(0), np.int64(0)
    for c in range(columns.shape[0]):
        column = np.int64(columns[c])
        first, predicted = column * rule.n_cells, work.predicted[column] != 0
        for cell in range(first, first + rule.n_cells):
            if (not predicted and store.count[cell] >= 0) or work.depolarized[cell] != 0:
                work.cells[n] = cell
                n += 1
                if predicted:
                    work.winners[n_winners] = cell
                    n_winners += 1
        if predicted:
            continue
        if work.best[column] >= 0:
            winner = np.int64(work.owners[work.best[column]])
        else:
            winner = least_used(store, rule, column)
            if can_create and winner >= 0:
                work.created[n_created] = winner
                n_created += 1
        if winner >= 0:
            work.winners[n_winners] = winner
            n_winners += 1
    return n, n_winners, n_created


def _destroy_weak(store, rule, weak):
    """Take out segments that cannot match any more, in their order; some may have gone already."""
    for i in range(1, weak.shape[0]):
        s, j = weak[i], i
        while j > 0 and weak[j - 1] > s:
            weak[j] = weak[j - 1]
            j -= 1
        weak[j] = s
    for i in range(weak.shape[0]):
        if store.owner[weak[i]] >= 0 and store.size[weak[i]] < rule.match:
            destroy(store, np.int64(weak[i]))


def _learn_row(store, rule, n_punished, n_learning, n_created, before, work):
    """Lower what predicted in vain, reinforce what was right or nearest, and make segments for what is new."""
    winners, n_weak = before.winners[: before.sizes[1]], np.int64(0)
    for i in range(n_punished + n_learning + n_created):
        j = i - n_punished
        up, down, wanted = rule.up, rule.down, rule.new
        if j < 0:
            s = np.int64(work.punished[i])
            up, down, wanted = rule.punish, 0, 0
        elif j < n_learning:
            s = np.int64(work.matching[work.learning[j]])
            wanted -= work.overlaps[work.learning[j]]
            unlink(store, s)
            link(store, s)
        else:
            s = create(store, rule, work.created[j - n_learning])
        if j < n_learning:
            adapt(store, s, before.on, up, down)
        grow(store, rule, s, wanted, winners, work.linked, work.candidates)
        if store.size[s] < rule.match:
            work.punished[n_weak] = s
            n_weak += 1
    destroy_weak(store, rule, work.punished[:n_weak])


def _move_on(n, n_winners, before, work):
    """Make the cells that became active those of the row before."""
    for a in range(before.sizes[0]):
        before.on[before.cells[a]] = 0
    for a in range(n):
        before.on[work.cells[a]] = 1
        before.cells[a] = work.cells[a]
    for w in range(n_winners):
        before.winners[w] = work.winners[w]
    before.sizes[0], before.sizes[1] = n, n_winners


def _take_rows(store, rule, indptr, indices, begins, first, before, work, stop, codes, ends, outcomes, predictions):
    """Take rows from `first` on; return the number that are done, fewer where there is no more room or a stop.

    Active cells of row i become ``codes[ends[i] : ends[i + 1]]``; `outcomes` are the numbers of columns that are
    active, that were predicted, and that both holds for. Row i of `predictions`, which may have none, is what is
    predicted after row i.
    """
    n_rows, none = begins.shape[0], indices[:0]
    for i in range(first, n_rows + 1):
        if stop[0] != 0:
            return i
        n_matching, n_predicted = np.int64(0), np.int64(0)
        asked = predictions.shape[0] > 0
        fresh = i == n_rows or begins[i] != 0
        if asked or not fresh:
            n_matching, n_predicted = match_segments(store, rule, before, work)
        if asked and i > 0:
            for c in range(work.predicted.shape[0]):
                predictions[i - 1, c] = work.predicted[c]
        if fresh:
            forget_matches(rule, n_matching, none, work)
            n_matching, n_predicted = np.int64(0), np.int64(0)
        if i == n_rows:
            break
        if begins[i] != 0:
            move_on(np.int64(0), np.int64(0), before, work)
        columns = indices[indptr[i] : indptr[i + 1]]
        n_learning, n_punished = plan_learning(store, rule, columns, n_matching, work)
        can_create = rule.learn != 0 and before.sizes[1] >= rule.match
        n_new = columns.shape[0] if can_create else 0
        if rule.learn != 0 and not has_room(store, rule, n_learning, n_new, before.winners[: before.sizes[1]], work):
            forget_matches(rule, n_matching, columns, work)
            return i
        hits = np.int64(0)
        for c in range(columns.shape[0]):
            hits += work.predicted[columns[c]]
        n, n_winners, n_created = activate(store, rule, columns, can_create, work)
        if rule.learn != 0:
            learn_row(store, rule, n_punished, n_learning, n_created, before, work)
            store.totals[ROWS] += 1
        forget_matches(rule, n_matching, columns, work)
        move_on(n, n_winners, before, work)
        outcomes[i, 0], outcomes[i, 1], outcomes[i, 2] = columns.shape[0], n_predicted, hits
        for a in range(n):
            codes[ends[i] + a] = work.cells[a]
        ends[i + 1] = ends[i] + n
    return n_rows


connected_overlap = kernel(_connected_overlap)
match_segments = kernel(_match_segments)
forget_matches = kernel(_forget_matches)
sort_learning = kernel(_sort_learning)
plan_learning = kernel(_plan_learning)
has_room = kernel(_has_room)
least_used = kernel(_least_used)
activate = kernel(_activate)
destroy_weak = kernel(_destroy_weak)
learn_row = kernel(_learn_row)
move_on = kernel(_move_on)
take_rows = kernel(_take_rows)
