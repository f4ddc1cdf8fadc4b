r"""Locally greedy coordinate descent for any separable penalty, by exact one-dimensional minimisation.

Maps are cut into segments of a quarter of a kernel's sides. With r = M (s - D x) the correlation of coefficient i, of
kernel k at p, is ``g_i = <d_k, r(p + .)>``, and with ``n_i = <d_k, M(p + .) d_k>`` the minimiser over it is

    u = prox_i(x_i + g_i / n_i)   at the step 1 / n_i,

which lowers the objective by ``(u - x_i) (g_i - 0.5 n_i (u - x_i)) + pen_i(x_i) - pen_i(u)``. In turn,

* all coefficients are looked at, and the one of each segment that lowers the objective most becomes active;
* those that are active are minimised over in turn, some sweeps.

Only the residual is kept: a step costs ``2 C h w`` multiplications, for the correlation and for its change, whatever the
number of kernels, and masks and boundaries cost nothing. A table of the correlations of shifted kernels, by which all
correlations could be kept instead, has ``K^2 (2 h - 1) (2 w - 1)`` numbers, and a step would change
``K (2 h - 1) (2 w - 1)``. A look at all coefficients costs ``K C h w`` multiplications a position, as a product of patches
and kernels that stays in the cache. Segments rest where no kernel near them has moved, and where violations are small
beside those elsewhere. There are no maps in memory.

Sweeps are extrapolated: of six iterates that combination is tried whose differences cancel best (Anderson), and kept if the
objective after one more sweep is no higher than without. So the objective never rises.

For penalties that are not convex only segments whose violation is at least half of the largest take part, so that
strong coefficients enter first.

T. Moreau, L. Oudre and N. Vayatis, "DICOD: distributed convolutional coordinate descent for convolutional sparse coding",
ICML (2018), on locally greedy descent; Q. Bertrand and M. Massias, "Anderson acceleration of coordinate descent", AISTATS
(2021); M. Massias, A. Gramfort and J. Salmon, "Celer: a fast solver for the lasso with dual extrapolation", ICML (2018), on
working sets.
"""

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.sparse import csr_array

from .._core.parallel import run_chunks
from .._core.products import aligned_copy, kernel_array
from ..penalties.l1 import BoundL1
from ..solvers._rows import CONVERGED, GAP_FLOOR, MAX_ITER, NON_FINITE, STALLED, VIOLATION_FLOOR
from ._greedy_kernels import Residual, price_entries, shift_entries, sweep_entries
from ._problem import MapsResult
from ._segments import SegmentSearch

DEFAULT_MAX_ITER = 1000

#: Sweeps that an extrapolation is made from, and extrapolations between two looks at all coefficients.
DEPTH, ROUNDS = 5, 3

#: Sweeps end when the violation has fallen to this share of that of all coefficients; segments below it rest.
SWEEP_SHARE = 0.1

#: Of the largest violation, what lets a segment take part where the penalty is not convex.
ENTRY_SHARE = 0.5

#: An image has stalled when so many looks have lowered neither its objective nor its certificate.
IDLE_LOOKS = 10


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
    descent = _Descent(problem)
    return descent.run(problem.max_iter or DEFAULT_MAX_ITER)


class _Descent:
    """State of the descent for one image."""

    def __init__(self, problem):
        self.problem, self.operator, self.dtype = problem, problem.operator, problem.operator.dtype
        self.bound, self.span = problem.penalty
        self.has_gap = isinstance(self.bound, BoundL1)
        self.known = self._extend(np.broadcast_to(problem.known, problem.image.shape)) if self._masked else None
        self.search = SegmentSearch(problem, self.known, self.has_gap or not self._masked)
        self.active = self._start()
        self.half = 0.5 * _energy(problem.image)
        self.tol = max(problem.tol, (GAP_FLOOR if self.has_gap else VIOLATION_FLOOR)[self.dtype])
        self.largest = 0 if self.has_gap else self.search.largest_correlation(self._extend(problem.image))
        self.lower_bound = -np.inf

    @property
    def _masked(self):
        return self.problem.known is not None

    def _extend(self, image):
        """Return an image of the grid with the first rows and columns again after the last."""
        h, w = self.operator.kernels.shape[2:]
        return aligned_copy(np.pad(image.astype(self.dtype), ((0, 0), (0, h - 1), (0, w - 1)), mode="wrap"))

    def _start(self):
        """Return the coefficients to start from."""
        init, (rows, columns) = self.problem.init, self.operator.geometry.map_shape
        places, values = np.zeros(0, np.int64), np.zeros(0, self.dtype)
        if init is not None:
            init = csr_array(init)
            places, values = init.indices.astype(np.int64), init.data.astype(self.dtype)
        k, position = np.divmod(places, rows * columns)
        y, x = np.divmod(position, columns)
        squares = np.square(self.operator.kernels)[k]
        if self._masked:
            windows = sliding_window_view(self.known, squares.shape[2:], axis=(1, 2))
            squares = squares * np.moveaxis(windows[:, y, x], 1, 0)
        norms = squares.sum(axis=(1, 2, 3), dtype=np.float64).astype(self.dtype)
        places = np.stack([k, y, x, places // self.span], axis=1)
        active = ActiveSet(places, norms, values, self.search.of(places))
        return active.take((norms > 0) & (values != 0)).ordered()

    def codes(self):
        """Return the coefficients that are not zero as a CSR array."""
        active = self.active.take(self.active.values != 0)
        k, y, x = active.places[:, :3].T
        rows, columns = self.operator.geometry.map_shape
        columns_of_row = (k * rows + y) * columns + x
        order = np.argsort(columns_of_row)
        shape = (1, len(self.operator.kernels) * rows * columns)
        return csr_array((active.values[order], columns_of_row[order], np.array([0, len(order)])), shape=shape)

    def refresh(self):
        """Compute the residual anew, without what rounding has added to it; return its energy."""
        residual = self.problem.image - self.operator.add_kernels(self.codes(), 0)
        if self._masked:
            residual *= self.problem.known
        known = self.known if self._masked else np.empty((0, 0, 0), self.dtype)
        self.residual = Residual(self._extend(residual), known, self._masked, *self.operator.geometry.grid_shape)
        return _energy(residual)

    def run(self, max_iter):
        """Descend until the certificate is at most the tolerance."""
        moved = np.ones(self.search.n_segments, bool)
        lowest = least = np.inf
        n_iter = idle = 0
        while True:
            error = self.refresh()
            self.search.measure(self.residual, self.active, np.flatnonzero(moved))
            cost, gain = self.search.measures.price.sum(), self.search.measures.gain.max()
            objective = 0.5 * error + cost
            certificate = self._certify(error, objective)
            # Where a penalty jumps, a coefficient that moves little may still save a whole price
            done = certificate <= self.tol and (self.has_gap or gain <= self.tol * self.half)
            if done and not moved.all():
                moved[:] = True  # what has rested was measured before the residual was computed anew
                continue
            idle = 0 if objective < lowest or certificate < least else idle + 1
            lowest, least = min(lowest, objective), min(least, certificate)
            stalled = idle == IDLE_LOOKS or not self.search.measures.worst.any()
            if done or stalled or n_iter >= max_iter or not objective < np.inf or self._interrupted():
                break
            n_iter += 1
            moved = self._descend()
        status = CONVERGED if done else NON_FINITE if not objective < np.inf else STALLED if stalled else MAX_ITER
        return MapsResult(self.codes(), certificate, error, cost, n_iter, status)

    def _interrupted(self):
        return self.problem.stop is not None and self.problem.stop[0] != 0

    def _certify(self, error, objective):
        """Return the duality gap relative to half the energy of the image, or the relative violation."""
        measures = self.search.measures
        if not self.has_gap:
            return _share(measures.worst.max(), self.largest)
        ridge, scale = float(self.bound.ridge), 1 / max(1.0, measures.ratio.max())
        gap = 0.5 * (1 - scale) ** 2 * (error + ridge * measures.square.sum())
        gap += max(measures.slack.sum() - scale * measures.fit.sum(), 0.0)
        # A lower bound serves all later codes
        self.lower_bound = max(self.lower_bound, objective - gap)
        return _share(min(gap, max(objective - self.lower_bound, 0.0)), self.half)

    def _descend(self):
        """Admit coefficients and sweep over the active ones; return which segments have to be measured again."""
        measures, search = self.search.measures, self.search
        worst = measures.worst.max()
        before = self.active
        self._admit(worst)
        busy = search.near(measures.worst > SWEEP_SHARE * worst)[self.active.segments]
        part = self.active.take(busy)
        bound = self.dtype.type(SWEEP_SHARE * worst)
        run_chunks(lambda start, end, stop: self._sweep(part, bound, stop), 1)
        self.active.values[busy] = part.values
        moved = np.zeros(search.n_segments, bool)
        moved[part.segments] = True
        moved[before.segments[before.values == 0]] = True
        return search.near(moved)

    def _admit(self, worst):
        """Drop coefficients that are zero, and admit the best of each segment, those that pay most first."""
        measures = self.search.measures
        least = 0 if self.has_gap else ENTRY_SHARE * worst
        chosen = np.flatnonzero((measures.norm > 0) & (measures.worst >= least))
        order = np.argsort(-measures.gain[chosen], kind="stable")
        chosen = chosen[order]
        entering = ActiveSet(
            measures.place[chosen], measures.norm[chosen], np.zeros(len(chosen), self.dtype), chosen
        )  # fmt: skip
        run_chunks(lambda start, end, stop: self._iterate(entering, 1, self.dtype.type(0), stop), 1)
        self.active = self.active.take(self.active.values != 0).joined(entering).ordered()

    def _iterate(self, part, n_sweeps, bound, stop):
        """Sweep over some coefficients; return their values after each sweep, the first ones first, and the violation."""
        iterates = np.empty((n_sweeps + 1, len(part.values)), self.dtype)
        iterates[0] = part.values
        kernels = self.operator.kernels
        worst, done = sweep_entries(self.residual, kernels, self.bound, part.places, part.norms, bound, stop, iterates)
        part.values[...] = iterates[done]
        return iterates[: done + 1], worst

    def _sweep(self, part, bound, stop):
        """Sweep over some coefficients, and extrapolate where that lowers the objective."""
        for _ in range(ROUNDS):
            iterates, worst = self._iterate(part, DEPTH, bound, stop)
            if worst <= bound or stop[0] or self._interrupted():
                return
            objective = self._objective(part)
            kept = self.residual.values.copy(), part.values.copy()
            target = extrapolate(iterates).astype(self.dtype)
            shift_entries(self.residual, self.operator.kernels, part.places, target - part.values)
            part.values[...] = target
            worst = self._iterate(part, 1, bound, stop)[1]
            if not self._objective(part) <= objective:
                self.residual.values[...], part.values[...] = kept
            elif worst <= bound:
                return

    def _objective(self, part):
        """Return the objective, but for the penalty of coefficients that are not among those given."""
        rows, columns = self.operator.geometry.grid_shape
        square = _energy(self.residual.values[:, :rows, :columns])
        return 0.5 * square + price_entries(self.bound, part.places, part.values)


def extrapolate(iterates):
    """Return the combination of iterates after the first, with weights that sum to one, of the least difference."""
    differences = np.diff(iterates.astype(np.float64), axis=0)
    products = np.einsum("ij,kj->ik", differences, differences)
    largest = products.max()
    if not largest > 0:
        return iterates[-1].astype(np.float64)
    weights = np.linalg.solve(products / largest + 1e-10 * np.eye(len(products)), np.ones(len(products)))
    return np.einsum("i,ij->j", weights / weights.sum(), iterates[1:])


def _energy(image):
    return float(np.einsum("cij,cij->", image, image, dtype=np.float64, casting="same_kind"))


def _share(part, whole):
    """Return ``part / whole``, which of a zero image is zero."""
    return part / whole if whole > 0 else 0.0
