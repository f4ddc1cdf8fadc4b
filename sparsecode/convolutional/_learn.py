"""Learning of kernels: code a batch of images, add their statistics to those of earlier ones, update the kernels."""

import time
from dataclasses import dataclass, field, replace
from typing import ClassVar, NamedTuple

import numpy as np

from .._core.progress import progress_bar
from .._core.samples import center, row_means
from ..coding._encode import check_finite
from ..coding._learn import has_settled, make_record
from ..coding._sparsity import Amounts, Target
from ..learning.online import decay_at
from ..learning.statistics import Totals, merge_totals
from ..penalties import Penalty
from ..solvers._rows import MAX_ITER, NON_FINITE, STALLED
from ._geometry import Geometry
from ._kernel_update import Constraint, update_kernels
from ._patches import worst_patches
from ._problem import map_weights, n_weights, place_image
from ._statistics import add_statistics, residual_of
from .operator import ConvolutionOperator, as_dictionary
from .registry import solve_images

#: A kernel is replaced once it has not been used for so many coefficients for each kernel. With 10, there were
#: 41 replacements of 32 kernels in 11 epochs over 27 photographs, and the objective went up and down. One whose least
#: weight is above that of others is meant to be rare: it stays once it was used, and else for as many times as long.
PATIENCE = 50


class Layout(NamedTuple):
    """What images and kernels are, and how one lies on the other."""

    image_shape: tuple
    n_axes: int  # 1 for signals, 2 for images
    has_channels: bool
    boundary: str

    def operator(self, kernels, n_jobs=None):
        """Return the operator of kernels (K, C, h, w)."""
        dictionary = as_dictionary(kernels, self.n_axes, has_channels=self.has_channels)
        return ConvolutionOperator(dictionary, self.image_shape, boundary=self.boundary, n_jobs=n_jobs)

    @property
    def sample_shape(self):
        """Shape in which samples may come besides rows, None for signals."""
        return self.image_shape if len(self.image_shape) > 1 else None

    def center(self, X, mask=None):
        """Return rows without the means of their channels, which are those of known pixels."""
        if not self.has_channels:
            return center(X, mask)
        centred = center(self._channels(X), None if mask is None else self._channels(mask))
        return np.moveaxis(centred.reshape(len(X), self.image_shape[-1], -1), 1, 2).reshape(X.shape)

    def means(self, X, mask=None):
        """Return what `center` takes away from rows, also where they are not known."""
        n_channels = self.image_shape[-1] if self.has_channels else 1
        means = row_means(self._channels(X), None if mask is None else self._channels(mask))
        return np.tile(means.reshape(len(X), n_channels), X.shape[1] // n_channels)

    def _channels(self, rows):
        """Return the pixels of each channel of each row as a row."""
        if not self.has_channels:
            return rows
        channels = np.moveaxis(rows.reshape(len(rows), -1, self.image_shape[-1]), 2, 1)
        return channels.reshape(-1, channels.shape[2])

    def geometry(self, kernel_shape):
        """Return where kernels of a shape (h, w) lie."""
        sides = self.image_shape[: self.n_axes]
        return Geometry.of((1, *sides)[-2:], kernel_shape, self.boundary)


class SolverSettings(NamedTuple):
    """What the coder does with images and kernels, apart from the penalty."""

    solver: str
    tol: float
    max_iter: int | None
    n_jobs: int | None

    def solve(self, X, operator, penalty, mask=None):
        """Return the SolveResult of checked rows."""
        return solve_images(X, operator, penalty, mask=mask, **self._asdict())[0]


@dataclass
class KernelState:
    """Kernels, and the decayed statistics that the next update goes on from; arrays are changed in place."""

    ARRAYS: ClassVar = ("kernels", "phi", "psi", "unused")

    kernels: np.ndarray  # (K, C, h, w)
    constraint: Constraint
    phi: np.ndarray  # (K, K, 2h - 1, 2w - 1)
    psi: np.ndarray  # (K, C, h, w)
    unused: np.ndarray  # (K,), coefficients of all kernels since each was last active
    n_steps: int = 0

    @classmethod
    def start(cls, kernels, constraint):
        """Return the state before the first batch, for kernels that become the state's own."""
        shape = phi_shape(kernels.shape)
        unused = np.zeros(len(kernels), np.int64)
        return cls(kernels, constraint, np.zeros(shape, kernels.dtype), np.zeros_like(kernels), unused)

    def copy(self):
        """Return a state that can go on without changing this one."""
        return replace(self, **{name: getattr(self, name).copy() for name in self.ARRAYS})

    @property
    def own_energies(self):
        """Decayed sums of squares of the coefficients of each kernel, (K,)."""
        height, width = self.kernels.shape[2:]
        return self.phi[..., height - 1, width - 1].diagonal()

    def update(self, operator, X, mask, result, penalty):
        """Take in images coded with the kernels of the state and a penalty; return how many kernels were replaced."""
        n, K = len(X), len(self.kernels)
        self.n_steps += 1
        n_patches = n * np.prod(operator.map_shape) / np.prod(self.kernels.shape[2:])
        decay = self.kernels.dtype.type(decay_at(self.n_steps, n_patches, K))
        residuals = []
        with np.errstate(over="ignore", invalid="ignore"):  # told by `check_magnitude`
            self.phi *= decay
            self.psi *= decay
            for i, row in enumerate(X):
                placed = place_image(operator, row, None if mask is None else mask[i])
                residual, filled = residual_of(operator, *placed, result.codes, i)
                add_statistics(operator, result.codes, i, filled, 1.0 / n, self.phi, self.psi)
                residuals.append(residual)
            # No entry of phi exceeds the largest of these
            check_magnitude(self.own_energies, self.psi)
        update_kernels(self.kernels, self.phi, self.psi, self.constraint)
        counts = kernel_counts(result.codes, K)
        self.unused += counts.sum()
        self.unused[counts > 0] = 0
        return self._replace_dead(operator.geometry, residuals, map_weights(penalty, operator))

    def _replace_dead(self, geometry, residuals, weights):
        each = weights.min(axis=(1, 2))
        ratios, was_used = each / each.min(), self.own_energies > 0
        dead = np.flatnonzero((self.unused >= PATIENCE * len(self.kernels) * ratios) & ~(was_used & (ratios > 1)))
        if not dead.size:
            return 0
        least, zero_mean = weights.min(axis=0), self.constraint.zero_mean
        fresh = worst_patches(residuals, geometry, len(dead), least, zero_mean=zero_mean)
        n_replaced = 0
        for k, patch in zip(dead, fresh, strict=False):
            kernel = self.constraint.project(k, patch)
            if kernel is None:
                continue
            self.kernels[k] = kernel
            self.phi[k] = self.phi[:, k] = self.psi[k] = 0
            self.unused[k] = 0
            n_replaced += 1
        return n_replaced


def check_magnitude(*arrays):
    """Raise where images have made something overflow."""
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError(
            f"X is so much larger than the images that learning began with that it overflows {arrays[0].dtype}; give "
            "all images in one unit, or begin anew with fit."
        )


def phi_shape(shape):
    """Return the shape of phi for kernels of shape (K, C, h, w)."""
    K, _, height, width = shape
    return K, K, 2 * height - 1, 2 * width - 1


def kernel_counts(codes, n_kernels):
    """Return how many coefficients of each kernel are not zero."""
    return np.bincount(codes.indices // (codes.shape[1] // n_kernels), minlength=n_kernels)


@dataclass
class Progress:
    """How far learning has come."""

    state: KernelState
    penalty: Penalty  # its weight moves, if there is a target
    n_before: int = 0  # epochs of earlier calls
    records: list = field(default_factory=list)
    totals: Totals | None = None  # of the last epoch


def learn(progress, X, mask, layout, settings, *, target: Target | None, epochs, batch_size, tol, rng, verbose):
    """Run epochs over checked rows, changing `progress`; rows are shuffled if there is a generator.

    It stops when `has_settled`; with tol=0 it runs all epochs.
    """
    state, n_batches = progress.state, -(-len(X) // batch_size)
    for _ in range(epochs):
        epoch = progress.n_before + len(progress.records)
        order = np.arange(len(X)) if rng is None else rng.permutation(len(X))
        started, replaced, totals = time.perf_counter(), 0, Totals.none(len(state.kernels))
        with progress_bar(n_batches, verbose=verbose) as bar:
            bar.set_description(f"learning, epoch {epoch + 1}", refresh=False)
            for start in range(0, len(X), batch_size):
                chosen = order[start : start + batch_size]
                rows, known = X[chosen], None if mask is None else mask[chosen]
                operator = layout.operator(state.kernels, settings.n_jobs)
                result = settings.solve(rows, operator, progress.penalty, known)
                check_finite(result.status != NON_FINITE, X.dtype)
                replaced += state.update(operator, rows, known, result, progress.penalty)
                totals = merge_totals(totals, totals_of(result, len(state.kernels)))
                if target is not None:
                    amounts = Amounts.of(rows, result.codes, result.square_error)
                    n_atoms = n_weights(progress.penalty, operator)
                    progress.penalty = target.follow(progress.penalty, amounts, n_atoms)
                bar.update()
                bar.set_postfix(
                    objective=f"{(0.5 * totals.square_error + totals.penalty) / totals.n:.4g}", refresh=False
                )
        seconds = time.perf_counter() - started
        n_coefficients = int(np.prod(operator.code_shape))
        record = make_record(epoch, totals, progress.penalty, replaced, seconds, n_coefficients=n_coefficients)
        progress.records.append(record)
        progress.totals = totals
        if tol > 0 and has_settled(progress.records, tol):
            break


def totals_of(result, n_kernels):
    """Return the totals of a SolveResult."""
    return Totals(
        len(result.status),
        float(len(result.status)),
        float(result.square_error.sum()),
        float(result.penalty.sum()),
        float(result.certificate.max()),
        int(np.count_nonzero(result.status == MAX_ITER)),
        int(np.count_nonzero(result.status == STALLED)),
        kernel_counts(result.codes, n_kernels),
    )
