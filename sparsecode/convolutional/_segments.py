"""Segments of maps for `greedy`: what each has to gain, and which others feel it when it changes."""

import math

import numpy as np
from scipy.ndimage import maximum_filter

from .._core.parallel import run_chunks
from .._core.products import aligned_copy, aligned_empty
from ._greedy_kernels import Measures, Segments, correlate_segments, measure_segments
from ._problem import least_norms

#: Sides of segments, relative to those of kernels.
SIDE = 1 / 4

#: Positions that are correlated together, so that their correlations stay in the cache.
POSITIONS = 256


class SegmentSearch:
    """Measures segments of maps by the correlations of a residual with all kernels, in blocks on some threads.

    Parameters
    ----------
    problem : ImageProblem
    known : ndarray or None
        Known pixels as `Residual` has them.
    """

    def __init__(self, problem, known):
        self.problem, self.known = problem, known
        # Of a kernel that is known in part, a correlation below that counts if the level depends on its norm
        self.exact_level = known is None or problem.penalty.has_weights
        D, dtype = problem.operator, problem.operator.dtype
        self.shape, K = D.kernels.shape[1:], len(D.kernels)
        rows, columns = D.geometry.map_shape
        sides = [max(1, math.ceil(SIDE * side)) for side in self.shape[1:]]
        self.grid = -(-rows // sides[0]), -(-columns // sides[1])
        self.segments = Segments(rows, columns, *sides, self.grid[1])
        self.n_segments = self.grid[0] * self.grid[1]
        self.block = max(1, POSITIONS // (sides[0] * sides[1]))
        self.flat = aligned_copy(D.kernels.reshape(K, -1))
        self.norms = D.square_norms.astype(dtype)
        self.least_norms = least_norms(problem)
        self.ridge = dtype.type(getattr(problem.penalty.bound, "ridge", 0))
        n = self.n_segments
        numbers = (np.zeros(n) for _ in range(7))
        self.measures = Measures(*numbers, np.zeros((n, 4), np.int64), np.zeros(n, dtype))

    def _run(self, work, n):
        """Call ``work(first, last, patches, correlations, local_norms, level)`` for blocks of n segments."""
        K, dtype = len(self.flat), self.problem.operator.dtype
        positions = self.segments.height * self.segments.width

        def make_buffers():
            correlations = aligned_empty((self.block, positions, K), dtype)
            local_norms = np.empty_like(correlations if self.known is not None else correlations[:0])
            return aligned_empty((positions, self.flat.shape[1]), dtype), correlations, local_norms, np.empty(K, dtype)

        def work_on_block(first, last, stop, *buffers):
            work(first, last, *buffers)

        run_chunks(work_on_block, n, n_jobs=self.problem.n_jobs, chunk_rows=self.block, prepare=make_buffers)

    def measure(self, residual, active, chosen):
        """Measure the chosen segments again."""
        bound, span = self.problem.penalty
        chosen, masked = np.ascontiguousarray(chosen), self.known is not None
        starts = np.searchsorted(active.segments, np.arange(self.n_segments + 1))
        squares = self.flat * self.flat

        def work(first, last, patches, correlations, local_norms, level):
            part = chosen[first:last]
            correlate_segments(residual.values, self.flat, self.shape, part, self.segments, patches, correlations)
            if masked:
                correlate_segments(self.known, squares, self.shape, part, self.segments, patches, local_norms)
            measure_segments(
                correlations, local_norms, masked, self.norms, self.least_norms, part, self.segments, bound, span == 1,
                self.exact_level, self.ridge, active.places, active.norms, active.values, starts, level, self.measures,
            )  # fmt: skip

        self._run(work, len(chosen))

    def of(self, places):
        """Return the segments of places."""
        return places[:, 1] // self.segments.height * self.segments.across + places[:, 2] // self.segments.width

    def near(self, chosen):
        """Return which segments kernels of the chosen ones overlap; both are arrays of bool."""
        # One more than a kernel reaches, since the last segments may be short
        sides = (self.segments.height, self.segments.width)
        reach = [2 * (-(-(side - 1) // size) + 1) + 1 for side, size in zip(self.shape[1:], sides, strict=True)]
        return maximum_filter(chosen.reshape(self.grid), reach, mode="wrap").ravel()
