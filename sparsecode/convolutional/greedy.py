r"""Locally greedy coordinate descent for any separable penalty, by exact one-dimensional minimisation.

With r = M (s - D x) the correlation of coefficient i, of kernel k at p, is ``g_i = <d_k, r(p + .)>``, and with ``n_i =
<d_k, M(p + .) d_k>`` the minimiser over it is

    u = prox_i(x_i + g_i / n_i)   at the step 1 / n_i,

which lowers the objective by ``(u - x_i) (g_i - 0.5 n_i (u - x_i)) + pen_i(x_i) - pen_i(u)``. Maps are cut into
segments of a quarter of a kernel's sides. In turn,

* all coefficients are scanned, and the one of each segment that lowers the objective most becomes active, those
  first that lower it most;
* those that are active are minimised over in turn, some sweeps.

Only the residual is kept: a step costs ``2 C h w`` multiplications, for the correlation and for its change, whatever
the number of kernels, and masks and boundaries cost nothing. With a table of the correlations of shifted kernels,
``K^2 (2 h - 1) (2 w - 1)`` numbers, correlations of all kernels could be kept instead, and a step would change
``K (2 h - 1) (2 w - 1)`` of them. A scan costs ``K C h w`` multiplications a position, as a
product of patches and kernels that stays in the cache; there are no maps in memory. Segments rest where no kernel near
them has moved, and where violations are small beside those elsewhere.

Sweeps are extrapolated: of six iterates that combination is tried whose differences cancel best (Anderson), and kept
if one more sweep leads to an objective that is no higher than without. So the objective never rises.

T. Moreau, L. Oudre and N. Vayatis, "DICOD: distributed convolutional coordinate descent for convolutional sparse
coding", ICML (2018), on locally greedy descent; Q. Bertrand and M. Massias, "Anderson acceleration of coordinate
descent", AISTATS (2021); M. Massias, A. Gramfort and J. Salmon, "Celer: a fast solver for the lasso with dual
extrapolation", ICML (2018), on working sets.
"""

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .._core.parallel import run_chunks
from .._core.products import aligned_empty, kernel_array
from ._entries import Entries
from ._greedy_kernels import Residual, shift_entries, sweep_entries
from ._problem import MapsResult, energy, status_of
from ._relaxation import easier_problems
from ._segments import SegmentSearch

DEFAULT_MAX_ITER = 1000

#: Sweeps that an extrapolation is made from, and extrapolations between two scans.
DEPTH, ROUNDS = 5, 3

#: Sweeps end when the violation has fallen to this fraction of that of all coefficients; segments below it rest.
SWEEP_FRACTION = 0.1

#: An image has stalled when so many scans have lowered neither its objective nor its certificate.
IDLE_SCANS = 10


class ActiveSet(NamedTuple):
    """Coefficients that are worked on, in the order of their segments."""

    places: np.ndarray  # (n, 4): kernel, row, column, atom of the penalty
    norms: np.ndarray
    values: np.ndarray
    segments: np.ndarray

    def ordered(self):
        """Return them by segment, then by row, column and kernel."""
        order = np.lexsort((self.places[:, 0], self.places[:, 2], self.places[:, 1], self.segments))
        return self.take(order)

    def take(self, which):
        """Return some of them."""
        return ActiveSet(*(kernel_array(array[which]) for array in self))

    def joined(self, other):
        """Return those of both."""
        return ActiveSet(*map(np.concatenate, zip(self, other, strict=True)))


def solve_greedy(problem):
    """Return maps that no single coefficient can improve, for an `ImageProblem` with a separable penalty."""
    n_iter = 0
    for easier in easier_problems(problem):
        max_iter = min(easier.max_iter, problem.max_iter - n_iter)
        result = _Descent(easier._replace(init=problem.init, max_iter=max_iter)).run()
        if result is None:
            return None
        n_iter += result.n_iter
        problem = problem._replace(init=result.codes)
    result = _Descent(problem._replace(max_iter=problem.max_iter - n_iter)).run()
    return result and result._replace(n_iter=n_iter + result.n_iter)


class _Descent:
    """State of the descent for one image."""

    def __init__(self, problem):
        self.problem, self.operator, self.dtype = problem, problem.operator, problem.operator.dtype
        self.bound, self.has_gap = problem.penalty.bound, problem.penalty.has_weights
        self.masked = problem.known is not None
        self.known = self._extend(np.broadcast_to(problem.known, problem.image.shape)) if self.masked else None
        self.search = SegmentSearch(problem, self.known)
        self.active = self._start()
        self.lower_bound = -np.inf

    def _extend(self, image):
        """Return an image of the grid with the first rows and columns again after the last."""
        (C, rows, columns), (h, w) = image.shape, self.operator.kernels.shape[2:]
        extended = aligned_empty((C, rows + h - 1, columns + w - 1), self.dtype)
        extended[:, :rows, :columns] = image
        extended[:, :rows, columns:] = image[:, :, : w - 1]
        extended[:, rows:] = extended[:, : h - 1]
        return extended

    def _start(self):
        """Return the coefficients to start from."""
        init = self.problem.init
        entries = Entries.none(self.dtype) if init is None else Entries.of_row(init, self.dtype)
        k, y, x = np.unravel_index(entries.places, (len(self.operator.kernels), *self.operator.geometry.map_shape))
        squares = np.square(self.operator.kernels)[k]
        if self.masked:
            windows = sliding_window_view(self.known, squares.shape[2:], axis=(1, 2))
            squares = squares * np.moveaxis(windows[:, y, x], 1, 0)
        norms = squares.sum(axis=(1, 2, 3), dtype=np.float64).astype(self.dtype)
        places = np.stack([k, y, x, entries.places // self.problem.penalty.span], axis=1)
        active = ActiveSet(places, norms, entries.values, self.search.of(places))
        return active.take((norms > self.search.least_norms[k]) & (entries.values != 0)).ordered()

    def entries(self):
        """Return the coefficients that are not zero."""
        active = self.active.take(self.active.values != 0)
        shape = len(self.operator.kernels), *self.operator.geometry.map_shape
        places = np.ravel_multi_index(tuple(active.places[:, :3].T), shape)
        order = np.argsort(places)
        return Entries(places[order], active.values[order])

    def refresh(self):
        """Compute the residual anew, without what rounding has added to it; return its energy."""
        residual = self.problem.residual(self.operator.add_entries(self.entries()))
        known = self.known if self.masked else np.empty((0, 0, 0), self.dtype)
        self.residual = Residual(self._extend(residual), known, self.masked, *self.operator.geometry.grid_shape)
        return energy(residual)

    def run(self):
        """Descend until the certificate is at most the tolerance; return the result, None if interrupted."""
        tol, half, measures = self.problem.tol, self.problem.half_energy, self.search.measures
        moved = np.ones(self.search.n_segments, bool)
        lowest = least = np.inf
        n_iter = idle = 0
        while not self._interrupted():
            error = self.refresh()
            self.search.measure(self.residual, self.active, np.flatnonzero(moved))
            objective = 0.5 * error + measures.price.sum()
            certificate = self._certify(error, objective)
            # Where a penalty jumps, a coefficient that moves little may still save a whole price
            done = certificate <= tol and (self.has_gap or measures.gain.max() <= tol * half)
            if done and not moved.all():
                moved[:] = True  # what has rested was measured before the residual was computed anew
                continue
            idle = 0 if objective < lowest or certificate < least else idle + 1
            lowest, least = min(lowest, objective), min(least, certificate)
            stalled = not done and (idle == IDLE_SCANS or not measures.worst.any())
            if done or stalled or n_iter >= self.problem.max_iter or not objective < np.inf:
                status = status_of(certificate if done else np.inf, tol, objective, stalled)
                codes = self.entries().to_row(self.operator)
                return MapsResult(codes, certificate, error, measures.price.sum(), n_iter, status)
            n_iter += 1
            moved = self._descend()

    def _interrupted(self):
        return self.problem.stop is not None and self.problem.stop[0] != 0

    def _certify(self, error, objective):
        """Return the duality gap relative to half the energy of the image, or the relative violation."""
        measures = self.search.measures
        if not self.has_gap:
            return _relative(measures.worst.max(), self.problem.largest)
        ridge, scale = float(self.bound.ridge), 1 / max(1.0, measures.ratio.max())
        gap = 0.5 * (1 - scale) ** 2 * (error + ridge * measures.square.sum())
        gap += max(measures.slack.sum() - scale * measures.fit.sum(), 0.0)
        # A lower bound serves all later codes
        self.lower_bound = max(self.lower_bound, objective - gap)
        return _relative(min(gap, max(objective - self.lower_bound, 0.0)), self.problem.half_energy)

    def _descend(self):
        """Admit coefficients and sweep over the active ones; return which segments have to be measured again."""
        worst = self.search.measures.worst
        level = SWEEP_FRACTION * worst.max()
        moved = np.zeros(self.search.n_segments, bool)
        moved[self._admit()] = True
        busy = self.search.near(worst > level)[self.active.segments]
        part = self.active.take(busy)
        run_chunks(lambda start, end, stop: self._sweep(part, self.dtype.type(level), stop), 1)
        self.active.values[busy] = part.values
        moved[part.segments] = True
        return self.search.near(moved)

    def _admit(self):
        """Drop coefficients that are zero, and admit the best of each segment; return the segments that change."""
        measures = self.search.measures
        chosen = np.flatnonzero(measures.norm > 0)
        chosen = chosen[np.argsort(-measures.gain[chosen], kind="stable")]
        zeros = np.zeros(len(chosen), self.dtype)
        entering = ActiveSet(measures.place[chosen], measures.norm[chosen], zeros, chosen)
        run_chunks(lambda start, end, stop: self._iterate(entering, 1, self.dtype.type(0), stop), 1)
        kept = self.active.values != 0
        changed = np.concatenate([self.active.segments[~kept], chosen])
        self.active = self.active.take(kept).joined(entering).ordered()
        return changed

    def _iterate(self, part, n_sweeps, level, stop):
        """Sweep over some coefficients; return their values, the first and after each sweep, violation and objective.

        The objective is that but for the penalty of other coefficients.
        """
        iterates = np.empty((n_sweeps + 1, len(part.values)), self.dtype)
        iterates[0] = part.values
        worst, done, price = sweep_entries(
            self.residual, self.operator.kernels, self.bound, part.places, part.norms, level, stop, iterates
        )
        part.values[...] = iterates[done]
        rows, columns = self.operator.geometry.grid_shape
        return iterates[: done + 1], worst, 0.5 * energy(self.residual.values[:, :rows, :columns]) + price

    def _sweep(self, part, level, stop):
        """Sweep over some coefficients, and extrapolate where that lowers the objective."""
        for _ in range(ROUNDS):
            iterates, worst, objective = self._iterate(part, DEPTH, level, stop)
            if worst <= level or stop[0] or self._interrupted():
                return
            kept = self.residual.values.copy(), part.values.copy()
            target = extrapolate(iterates).astype(self.dtype)
            shift_entries(self.residual, self.operator.kernels, part.places, target - part.values)
            part.values[...] = target
            _, worst, reached = self._iterate(part, 1, level, stop)
            if not reached <= objective:
                self.residual.values[...], part.values[...] = kept
            elif worst <= level:
                return


def extrapolate(iterates):
    """Return the combination of iterates after the first, with weights that sum to one, of the least difference."""
    differences = np.diff(iterates.astype(np.float64), axis=0)
    products = np.einsum("ij,kj->ik", differences, differences)
    largest = products.max()
    if not largest > 0:
        return iterates[-1].astype(np.float64)
    weights = np.linalg.solve(products / largest + 1e-10 * np.eye(len(products)), np.ones(len(products)))
    return np.einsum("i,ij->j", weights / weights.sum(), iterates[1:])


def _relative(part, whole):
    """Return ``part / whole``, which of a zero image is zero."""
    return float(part / whole) if whole > 0 else 0.0
