r"""Douglas-Rachford splitting in the Fourier domain, for l1-type penalties (the alternating direction method).

One array t is kept. With the proximal point ``y = prox(t, 1 / rho)``, which is the code, and ``v = 2 y - t``,

    q = (s - D v) / (rho + D D^T),    x = v + D^T q,    t <- t + a (x - y),

where division is by frequency: ``D D^T`` multiplies the transform of an image by ``sum_k |d_k|^2``, or by a matrix of
channels. The multiplier of the alternating direction method is ``u = t - y``. Each kernel is transformed back, worked
on, and transformed again while its map is in the cache; an iteration costs 2 K transforms, O(K N log N), and memory is
that of the maps t and of the spectra.

``rho q`` is the residual of x, and ``rho D^T q`` its correlations: a lower bound of the objective costs nothing.

Of pixels that are not known, the image is what x made of it (``s <- D x`` there), which adds the semi-proximal term
``0.5 ||(1 - M) (D x - D x_before)||^2`` to the step.

S. Boyd, N. Parikh, E. Chu, B. Peleato and J. Eckstein, "Distributed optimization and statistical learning via the
alternating direction method of multipliers", Found. Trends Mach. Learn. 3 (2011); B. Wohlberg, "Efficient algorithms
for convolutional sparse representations", IEEE Trans. Image Process. 25 (2016); M. Fazel, T. K. Pong, D. Sun and P.
Tseng, "Hankel matrix rank minimization with applications to system identification and realization", SIAM J. Matrix
Anal. Appl. 34 (2013), on the semi-proximal term.
"""

import numpy as np

from ._duality import lower_bound
from ._entries import Entries
from ._maps_kernels import advance_maps, measure_slopes, restart_maps, shrink_maps, start_maps
from ._passes import Passes
from ._problem import MapsResult, energy, status_of

DEFAULT_MAX_ITER = 1000

#: Over-relaxation a of the splitting, and iterations between two measurements of the gap.
RELAXATION, CHECK = 1.8, 10

#: ``rho = WEIGHT f^POWER mean_k ||d_k||^2`` at the fraction f of the largest alpha.
WEIGHT, POWER = 15.0, 0.7

#: Iterations after which rho falls, and the factor.
FALLS, FALL = (60, 120, 240), 0.5


def solve_admm(problem):
    """Return maps that minimise the objective of an `ImageProblem` with an l1-type penalty."""
    half, splitting = problem.half_energy, _Splitting(problem)
    splitting.begin()
    n_iter, max_iter = 0, problem.max_iter
    while True:
        n_iter += 1
        sums = splitting.step()
        if splitting.passes.interrupted():
            return None
        if n_iter % CHECK and n_iter < max_iter:
            continue
        splitting.raise_bound(sums)
        entries = splitting.entries()
        square_error = energy(problem.residual(splitting.passes.decode(entries)))
        price = problem.penalty.price_l1(entries.places, entries.values)
        certificate = max(0.5 * square_error + price - splitting.best, 0.0) / half
        if not problem.tol < certificate < np.inf or n_iter >= max_iter:
            status = status_of(certificate, problem.tol, square_error)
            return MapsResult(entries.to_row(problem.operator), certificate, square_error, price, n_iter, status)
        if n_iter in FALLS:
            splitting.change_rho(FALL)


class _Splitting:
    """State of the iteration for one image."""

    def __init__(self, problem):
        self.problem, self.operator = problem, problem.operator
        self.passes = Passes(self.operator, problem.n_jobs, problem.stop)
        self.real = self.operator.dtype.type
        self.weights = problem.penalty.weights(self.operator)
        self.ridge, self.positive = problem.penalty.bound.ridge, problem.penalty.bound.positive
        self.rows = self.operator.geometry.map_shape[0]
        self.t = np.zeros((len(self.operator.kernels), *self.operator.geometry.grid_shape), self.operator.dtype)
        self.target = problem.image  # what D x is drawn to: the image, and of unknown pixels the last D x
        self.best = -np.inf  # the largest lower bound
        self.residual = self.total = self.inverse = None
        self.rho = WEIGHT * problem.fraction**POWER * (self.operator.square_norms.mean() or 1.0)

    def begin(self):
        """Choose the first state, of the codes to start from if there are any."""
        if self.problem.init is not None:
            self._start_from(Entries.of_row(self.problem.init, self.operator.dtype))
        self.change_rho(1.0)

    def change_rho(self, factor):
        """Multiply rho, keep codes and multipliers, and prepare the next step."""
        scale = self.real(1 / factor)

        def work(block, total, buffers, sums):
            v = buffers.maps[: block.stop - block.start]
            start_maps(self.t[block], self.weights[block], *self._prox(), scale, self.rows, buffers.line, v)
            self.passes.add_image(block, v, total)

        self.passes.run(work)
        self.total = self.passes.total()
        self.rho *= factor
        power = self.operator.power
        if power.ndim == 2:
            self.inverse = 1 / (self.real(self.rho) + power.reshape(1, -1))
        else:
            n_channels = power.shape[-1]
            matrices = power.conj().reshape(-1, n_channels, n_channels) + self.rho * np.eye(n_channels)
            self.inverse = np.linalg.inv(matrices).astype(self.total.dtype)

    def _start_from(self, entries):
        residual = self.problem.residual(self.passes.decode(entries))
        scale = self.real(1 / max(self._measure(residual)[0], 1.0))
        transform, codes = self.passes.transform(residual), entries.to_row(self.operator)

        def work(block, total, buffers, sums):
            y = buffers.codes[: block.stop - block.start]
            row = codes[:, block.start * y[0].size : block.stop * y[0].size]
            y[...] = row.toarray().reshape(y.shape)
            slopes = self.passes.correlate(block, transform, buffers)
            restart_maps(y, slopes, self.weights[block], *self._prox(), scale, buffers.line, self.t[block])

        self.passes.run(work)

    def step(self):
        """Take a step; return the sums of `advance_maps` over all kernels."""
        q = self._divide(self.passes.transform(self.target) - self.total)

        def work(block, total, buffers, sums):
            v = buffers.maps[: block.stop - block.start]
            g = self.passes.correlate(block, q, buffers)
            arguments = *self._prox(), self.real(RELAXATION), self.rows, buffers.line, v, sums
            advance_maps(self.t[block], g, self.weights[block], *arguments)
            self.passes.add_image(block, v, total)

        sums = self.passes.run(work, 2)
        self.total = self.passes.total()
        self.residual = self.passes.image(q)
        self.residual *= self.real(self.rho)
        if self.problem.known is not None:
            self.target = np.where(self.problem.known, self.problem.image, self.target - self.residual)
        return sums[:, 0].max(), sums[:, 1].sum()

    def raise_bound(self, sums):
        """Take the residual of x for a lower bound of the objective."""
        if self.problem.known is None:
            r, top, beyond = self.residual, sums[0], self.rho**2 * sums[1]
        else:
            r = self.residual * self.problem.known
            top, beyond = self._measure(r)
        self.best = max(self.best, lower_bound(self.problem.image, r, top, beyond, float(self.ridge)))

    def entries(self):
        """Return the entries of the code y."""
        parts = [None] * len(self.t)

        def work(block, total, buffers, sums):
            y = buffers.codes[: block.stop - block.start]
            shrink_maps(self.t[block], self.weights[block], *self._prox(), buffers.line, y)
            parts[block] = self.passes.gather(block, y, buffers)

        self.passes.run(work)
        return Entries.joined(parts)

    def _measure(self, image):
        return measure(self.passes, image, self.weights, self.positive)

    def _prox(self):
        return self.real(1 / self.rho), self.ridge, self.positive

    def _divide(self, transform):
        """Return the transform (C, P) of an image, divided by ``rho + D D^T``."""
        if self.inverse.ndim == 2:
            return transform * self.inverse
        return np.einsum("pcd,dp->cp", self.inverse, transform)


def measure(passes, image, weights, positive):
    """Return ``max_i |c_i| / w_i`` and ``sum_i max(|c_i| - w_i, 0)^2`` for the correlations c of an image."""
    transform, rows = passes.transform(image), passes.operator.geometry.map_shape[0]

    def work(block, total, buffers, sums):
        g = passes.correlate(block, transform, buffers)
        measure_slopes(g, weights[block], positive, rows, buffers.line, sums)

    sums = passes.run(work, 2)
    return sums[:, 0].max(), sums[:, 1].sum()
