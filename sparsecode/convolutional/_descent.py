r"""Proximal gradient steps on maps, which FISTA and forward-backward splitting share.

    z = x + m (x - x_before),    x' = prox(z + D^T M (s - D z) / L, 1 / L)

``D z`` follows from ``D x`` and ``D x_before``, and ``D x`` of sparse maps is a sum of few kernels, so that a step
costs K transforms.
"""

import numpy as np
import scipy.fft

from ..penalties._base import prox_rows, value_rows
from ._entries import Entries
from ._maps_kernels import gradient_step, measure_slopes, settle, shrink_maps
from ._passes import Passes
from ._problem import MapsResult, energy, least_norms, status_of


class Descent:
    """Maps x of one image, those before, and what is known of both."""

    def __init__(self, problem, step):
        self.problem, self.operator = problem, problem.operator
        self.passes = Passes(self.operator, problem.n_jobs, problem.stop)
        self.step, self.penalty = self.operator.dtype.type(step), problem.penalty
        self.shape = (len(self.operator.kernels), *self.operator.geometry.map_shape)
        self.x, self.past = np.zeros(self.shape, self.operator.dtype), np.zeros(self.shape, self.operator.dtype)
        self.image = self.past_image = np.zeros_like(problem.image)
        self.entries, self.price = Entries.none(self.operator.dtype), 0.0
        self.time, self.momentum = 1.0, 0.0
        self.barred = barred_positions(problem)
        self.lines = None if self.penalty.has_weights else self.penalty.for_lines(self.operator)
        if problem.init is not None:
            self._start_from(Entries.of_row(problem.init, self.operator.dtype))

    @property
    def square_error(self):
        """``||M (D x - s)||^2``."""
        return energy(self.problem.residual(self.image))

    @property
    def objective(self):
        """Objective of x."""
        return 0.5 * self.square_error + self.price

    def result(self, certificate, n_iter, *, stalled=False):
        """Return x as a `MapsResult`."""
        square_error, codes = self.square_error, self.entries.to_row(self.operator)
        status = status_of(certificate, self.problem.tol, 0.5 * square_error + self.price, stalled)
        return MapsResult(codes, certificate, square_error, self.price, n_iter, status)

    def _start_from(self, entries):
        if self.barred is not None:
            kept = ~self.barred.reshape(-1)[entries.places]
            entries = Entries(entries.places[kept], entries.values[kept])
        self.x.reshape(-1)[entries.places] = entries.values
        self.past[...] = self.x
        self.entries, self.image = entries, self.passes.decode(entries)
        self.past_image = self.image
        self.price = self._price(entries)

    def accelerate(self, *, restart):
        """Set the next momentum, ``(t - 1) / t'`` with ``t' = (1 + sqrt(1 + 4 t^2)) / 2``, t = 1 at first."""
        last = 1.0 if restart else self.time
        self.time = 0.5 * (1 + np.sqrt(1 + 4 * last * last))
        self.momentum = (last - 1) / self.time

    def take_step(self, measured=False):
        """Take a step from ``x + m (x - x_before)`` with the momentum m; return what is known of it.

        Returns
        -------
        back : float
            Positive where the momentum points back.
        moved : float
            Largest ``|x' - z|``.
        bound : tuple or None
            If `measured`, the arguments of `lower_bound` that belong to z.
        """
        m, problem = self.operator.dtype.type(self.momentum), self.problem
        residual = problem.residual(self.image + m * (self.image - self.past_image))
        transform, parts = self.passes.transform(residual), [None] * len(self.x)
        rows, columns = self.shape[1:]
        # Of the first step nothing is known yet
        dense = not self.entries.places.size or self.passes.is_dense(len(self.entries.places))

        def work(block, total, buffers, sums):
            new, g = buffers.codes[: block.stop - block.start], self.passes.correlate(block, transform, buffers)
            if measured:
                weights, positive = self.penalty.weights(self.operator), self.penalty.bound.positive
                measure_slopes(g, weights[block], positive, self.shape[1], buffers.line, sums[2:])
            x, past = self.x[block], self.past[block]
            gradient_step(x, past, m, g, self.step, new)
            self._prox(block, new, buffers)
            settle(x, past, m, new, buffers.line, sums)
            parts[block] = self.passes.gather(block, new, buffers)
            if dense:
                maps = buffers.maps[: block.stop - block.start]
                maps[:, :rows, :columns] = new
                self.passes.add_image(block, maps, total)

        sums = self.passes.run(work, 4)
        self.entries = Entries.joined(parts)
        self.price = self._price(self.entries)
        self.past_image = self.image
        self.image = self.passes.image(self.passes.total()) if dense else self.passes.decode(self.entries)
        bound = (problem.image, residual, sums[:, 2].max(), sums[:, 3].sum()) if measured else None
        return sums[:, 0].sum(), sums[:, 1].max(), bound

    def take_back(self, entries, price):
        """Return to the maps before the last step, with these entries and this price, and without momentum."""
        self.x[...] = self.past
        self.entries, self.price, self.image = entries, price, self.past_image
        self.time, self.momentum = 1.0, 0.0

    def _prox(self, block, z, buffers):
        if self.lines is None:
            bound = self.penalty.bound
            weights = self.penalty.weights(self.operator)[block]
            shrink_maps(z, weights, self.step, bound.ridge, bound.positive, buffers.line, z)
            return
        for k, code in enumerate(z, block.start):
            prox_rows(self.lines[k], code, self.step, code)
            if self.barred is not None:
                code[self.barred[k]] = 0

    def _price(self, entries):
        """Return the price of entries."""
        if self.lines is None:
            return self.penalty.price_l1(entries.places, entries.values)
        columns, ends = self.shape[2], np.cumsum(np.full(self.shape[0], self.shape[1] * self.shape[2]))
        parts = np.split(entries.values, np.searchsorted(entries.places, ends[:-1]))
        total = 0.0
        for line, values in zip(self.lines, parts, strict=True):
            if len(values):
                rows = np.zeros((-(-len(values) // columns), columns), values.dtype)
                rows.reshape(-1)[: len(values)] = values
                prices = np.empty(len(rows))
                value_rows(line, rows, prices)
                total += float(prices.sum())
        return total


def barred_positions(problem):
    """Return where coefficients are held at zero, (K, *map_shape): see `least_norms`; None if nowhere."""
    least, D = least_norms(problem), problem.operator
    if not least.any():
        return None
    rows, columns = D.geometry.map_shape
    grid = D.geometry.grid_shape
    known = scipy.fft.rfft2(np.broadcast_to(problem.known, problem.image.shape).astype(D.dtype))
    barred = np.empty((len(least), rows, columns), bool)
    for k, kernel in enumerate(D.kernels):
        squares = scipy.fft.rfft2(np.square(kernel), s=grid)
        seen = scipy.fft.irfft2((squares.conj() * known).sum(axis=0), s=grid)[:rows, :columns]
        barred[k] = seen <= least[k]
    return barred
