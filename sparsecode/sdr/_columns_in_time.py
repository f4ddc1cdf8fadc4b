"""Macrocolumns of several levels, whose rows are moments of time: each row goes up through all levels."""

from typing import NamedTuple

import numpy as np

from .._core.products import aligned_empty, kernel_array
from ._sequence_kernels import list_above, list_inputs
from ._sequences import (
    Course,
    SequenceState,
    SequenceTrace,
    check_state,
    make_works,
    recall_block,
    store_block,
)
from ._trace import STORED_ROWS, Trace, draws

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


class Level(NamedTuple):
    """The macrocolumns of a level and all that a row needs there; arrays have an axis more, one entry for each."""

    trace: SequenceTrace
    context: SequenceState  # views of the state of the hierarchy
    course: Course
    work: tuple
    numbers: list  # for each, the seed of its draws and the number of rows before
    places: np.ndarray  # (n_macrocolumns, n_places): what each sees
    parents: np.ndarray  # (n_macrocolumns, n_parents): those above that see it, -1 for none
    indptr: np.ndarray  # active units below, as a CSR array
    indices: np.ndarray
    above: np.ndarray  # active units above, -1 behind the last

    @classmethod
    def lay_out(cls, levels, fields, parents, state, steps):
        """Return the levels of a hierarchy for memories, with copies of their traces."""
        laid_out, winner, number, n_below = [], 0, 0, 1
        for level, memories in enumerate(levels):
            (Q, K), M, places = memories[0].code_shape_, len(memories), fields[level].places
            above = np.empty((M, 0), np.int64) if parents[level] is None else parents[level]
            n_above = above.shape[1] * levels[level + 1][0].code_shape_[0] if above.size else 0
            course = memories[0]._course(None)
            if steps is not None:
                course = course._replace(plan=course.plan._replace(**dict(zip(STEPS, steps, strict=True))))
            numbers = (part[number : number + M] for part in state[1:])
            context = SequenceState(state.winners[winner : winner + M * Q].reshape(M, Q), *numbers)
            for m in range(M):
                check_state(SequenceState(context.winners[m], *(part[m : m + 1] for part in context[1:])), Q, K)
            trace = stacked([memory._weights() for memory in memories])
            work = make_works(memories[0]._weights(), K, n_above)
            seeds = [(memory._seed, memory._n_seen) for memory in memories]
            lists = (
                np.empty(M + 1, np.int64),
                np.empty(places.size * n_below, np.int32),
                np.empty((M, n_above), np.int32),
            )
            laid_out.append(cls(trace, context, course, work, seeds, kernel_array(places), above, *lists))
            winner, number, n_below = winner + M * Q, number + M, Q
        return laid_out

    def uniforms(self, start, end):
        """Return the draws for rows that come, (rows, n_macrocolumns, Q)."""
        n_modules = self.context.winners.shape[1]
        return np.stack([draws(seed, seen + start, end - start, n_modules) for seed, seen in self.numbers], axis=1)

    def take(self, below, n_units, higher, begins, uniforms, found):
        """Store a row if there are draws for it, or recall it; `found` takes its codes and how familiar it is.

        `below` are codes of the level below, with so many units a module, `higher` the level above.
        """
        list_inputs(self.places, below, n_units, self.indptr, self.indices)
        if higher is not None and not begins[0]:
            K = np.int64(higher.course.limits.n_units)
            list_above(self.parents, higher.context.winners, K, self.above)
        else:
            self.above[:] = -1
        block, stop = (self.indptr, self.indices, self.above, begins), np.zeros(1, np.int32)
        if uniforms is not None:
            store_block(self.trace, block, self.course, uniforms, self.context, self.work, stop, found)
        else:
            found = *found, np.empty(len(self.places), np.int64)
            recall_block(self.trace, block, self.course, self.context, self.work, stop, found)

    def trace_of(self, m):
        """Return what macrocolumn m has learned, as views."""
        inputs, horizontal, top_down = self.trace
        return SequenceTrace(Trace(*(part[m] for part in inputs)), horizontal[m], top_down[m])


def stacked(traces):
    """Return a copy of traces as one, with an axis more."""

    def stack(parts):
        return np.stack(parts, out=aligned_empty((len(parts), *parts[0].shape), parts[0].dtype))

    inputs, *codes = zip(*traces, strict=True)
    return SequenceTrace(Trace(*map(stack, zip(*inputs, strict=True))), *map(stack, codes))


def parents_of(places, n_below):
    """Return the macrocolumns of a level, given what they see of the level below, that see each of these; -1 fills."""
    seen = [np.flatnonzero((places == m).any(axis=1)) for m in range(n_below)]
    parents = np.full((n_below, max(map(len, seen))), -1, np.int64)
    for row, found in zip(parents, seen, strict=True):
        row[: len(found)] = found
    return parents


def run_levels(levels, X, begins, learn):
    """Return the winners of the last level, (n, n_macrocolumns, Q), and the mean familiarity of each row."""
    winners, familiarity = np.empty((len(X), *levels[-1].context.winners.shape), np.int32), np.zeros(len(X))
    found = [(np.empty_like(level.context.winners), np.empty(len(level.places))) for level in levels]
    n_units = [np.int64(level.course.limits.n_units) for level in levels]
    for first in range(0, len(X), STORED_ROWS):
        block = range(first, min(first + STORED_ROWS, len(X)))
        uniforms = [level.uniforms(first, block.stop) if learn else None for level in levels]
        # Pixels are modules of one unit
        pixels = X[first : block.stop, :, None].astype(np.int32) - np.int32(1)
        for i in block:
            below, units = pixels[i - first], np.int64(1)
            for number, level in enumerate(levels):
                # Codes above are those of the row before
                higher = levels[number + 1] if level.parents.size else None
                drawn = uniforms[number][i - first] if learn else None
                level.take(below, units, higher, begins[i : i + 1], drawn, found[number])
                below, units = found[number][0], n_units[number]
            winners[i] = below
            known = np.concatenate([G[codes[:, 0] >= 0] for codes, G in found])
            familiarity[i] = known.mean() if known.size else 0.0
    return winners, familiarity
