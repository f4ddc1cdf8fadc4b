"""Macrocolumns of several levels, whose rows are moments of time: each row goes up through all levels."""

from typing import NamedTuple

import numpy as np

from ._sequences import (
    Course,
    SequenceState,
    SequenceTrace,
    check_state,
    make_works,
    recall_block,
    store_block,
)
from ._trace import draws

#: Names of the thresholds of backing off in a `Plan`.
STEPS = "three", "two", "alone"


class HierarchyState(NamedTuple):
    """Where the macrocolumns of all levels are, one after the other; see `SequenceState`.

    Attributes
    ----------
    winners : ndarray of int32
        The codes of the row before, -1 for none.
    n_rows, n_active, rivals : ndarray of shape (n_macrocolumns,), int64
        Rows since the sequence began, active inputs of the row before, and stored codes for which its code stands.
    """

    winners: np.ndarray
    n_rows: np.ndarray
    n_active: np.ndarray
    rivals: np.ndarray

    @classmethod
    def start(cls, n_winners, n_columns):
        """Return the state before any row."""
        numbers = (np.full(sum(n_columns), number) for number in (0, 0, 1))
        return cls(np.full(sum(n_winners), -1, np.int32), *numbers)

    def filled(self, state):
        """Return a copy of another state, if its shapes are those of this one."""
        parts = [np.asarray(part) for part in state]
        if [(p.shape, p.dtype.kind) for p in parts] != [(own.shape, "i") for own in self]:
            raise ValueError("`state` is none of this hierarchy; begin with its `initial_state()`.")
        return HierarchyState(*(part.astype(own.dtype) for part, own in zip(parts, self, strict=True)))


class Column(NamedTuple):
    """A macrocolumn and all that a row needs there."""

    trace: SequenceTrace
    context: SequenceState  # views of the state of the hierarchy
    course: Course
    work: tuple
    uniforms: np.ndarray  # (n, Q), of rows that are learned
    places: np.ndarray  # what it sees
    parents: np.ndarray  # macrocolumns above that see it, -1 for none

    @classmethod
    def lay_out(cls, levels, fields, parents, state, steps, n_learned):
        """Return the columns of all levels for memories; traces are copies if rows are learned."""
        columns, winner, number = [], 0, 0
        for level, memories in enumerate(levels):
            (Q, K), row = memories[0].code_shape_, []
            n_above = 0
            if parents[level] is not None:
                n_above = parents[level].shape[1] * levels[level + 1][0].code_shape_[0]
            work = make_works(memories[0]._weights(), K, n_above)
            for m, memory in enumerate(memories):
                course, trace = memory._course(None), memory._weights()
                if steps is not None:
                    course = course._replace(plan=course.plan._replace(**dict(zip(STEPS, steps, strict=True))))
                parts = (part[number : number + 1] for part in state[1:])
                context = SequenceState(state.winners[winner : winner + Q], *parts)
                check_state(context, Q, K)
                uniforms = draws(memory._seed, memory._n_seen, n_learned, Q)
                above = np.empty(0, np.int64) if parents[level] is None else parents[level][m]
                trace = trace.copy() if n_learned else trace
                row.append(cls(trace, context, course, work, uniforms, fields[level].places[m], above))
                winner, number = winner + Q, number + 1
            columns.append(row)
        return columns

    def take(self, i, active, above, begins, found):
        """Store a row if there are draws for it, or recall it; `found` takes its code and familiarity."""
        indptr = np.array([0, len(active)], np.int64)
        block, stop = (indptr, active, above, begins), np.zeros(1, np.int32)
        if len(self.uniforms):
            store_block(self.trace, block, self.course, self.uniforms[i : i + 1], self.context, self.work, stop, found)
        else:
            found = *found, np.empty(1, np.int64)
            recall_block(self.trace, block, self.course, self.context, self.work, stop, found)


def parents_of(places, n_below):
    """Return the macrocolumns of a level, given what they see of the level below, that see each of these; -1 fills."""
    seen = [np.flatnonzero((places == m).any(axis=1)) for m in range(n_below)]
    parents = np.full((n_below, max(map(len, seen))), -1, np.int64)
    for row, found in zip(parents, seen, strict=True):
        row[: len(found)] = found
    return parents


def run_columns(columns, X, begins):
    """Return the winners of the last level, (n, n_macrocolumns, Q), and the mean familiarity of each row."""
    n_units = [row[0].course.limits.n_units for row in columns] + [0]
    winners = np.empty((len(X), len(columns[-1]), len(columns[-1][0].context.winners)), np.int32)
    familiarity, new = np.zeros(len(X)), begins.astype(bool)
    for i, x in enumerate(X):
        # Codes above are those of the row before
        above = [np.stack([np.where(new[i], -1, column.context.winners) for column in row]) for row in columns]
        known, below = [], None
        for level, row in enumerate(columns):
            codes, found = np.empty_like(above[level], dtype=np.int32), np.zeros(1)
            for m, column in enumerate(row):
                if level == 0:
                    active = np.flatnonzero(x[column.places]).astype(np.int32)
                else:
                    active = units_at(column.places, below, n_units[level - 1])
                higher = above[level + 1] if column.parents.size else None
                units = units_above(column.parents, higher, n_units[level + 1])
                column.take(i, active, units, begins[i : i + 1], (codes[m : m + 1], found))
                if codes[m, 0] >= 0:
                    known.append(found[0])
            below = codes
        winners[i] = below
        familiarity[i] = np.mean(known) if known else 0.0
    return winners, familiarity


def units_at(places, codes, n_units):
    """Return the active units of macrocolumns, counted over those that are seen."""
    seen = codes[places]
    units = np.arange(seen.size, dtype=np.int32).reshape(seen.shape) * np.int32(n_units) + seen
    return units[seen >= 0]


def units_above(parents, codes, n_units):
    """Return the active units of the macrocolumns above as a row, -1 behind the last."""
    if codes is None:
        return np.empty((1, 0), np.int32)
    units = np.full((1, parents.size * codes.shape[1]), -1, np.int32)
    there = parents >= 0
    found = units_at(parents[there], codes, n_units)
    units[0, : len(found)] = found
    return units
