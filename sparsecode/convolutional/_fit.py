"""What a fit of `ConvSparseCoder` leaves behind: the choices it fixed, and the state that learning goes on from."""

import math
import warnings
from dataclasses import dataclass, field, replace

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import gen_batches

from .._core.history import as_history, as_rows, from_rows
from .._core.validation import callers_level, joined_warnings, warn_not_converged
from ..coding._encode import check_finite, count_unconverged
from ..coding._sparsity import Amounts, Target, rescale
from ..dictionary import Dictionary
from ..penalties import Penalty
from ..solvers._rows import NON_FINITE
from ._kernel_update import Constraint
from ._learn import KernelState, Layout, Progress, SolverSettings, check_magnitude, learn, phi_shape
from ._pools import CodeForm
from ._problem import BoundPenalty, place_image
from ._scale import find_extremes, least_alpha
from .operator import ConvolutionOperator, as_dictionary, box_kernels
from .registry import solve_images, warn_of_zeros

#: Coefficients of images that are coded together.
BLOCK = 2**22

#: Positions of maps on which a target is met, at the most.
POSITIONS = 2**18


@dataclass
class Fit:
    """Choices and state of one fit; methods return a new one."""

    penalty: Penalty  # with its weight, in units of the data
    target: Target | None
    layout: Layout
    given: Dictionary | None  # None if kernels are learned
    state: KernelState | None = None
    shapes: np.ndarray | None = None  # extents of learned kernels that differ
    exponent: int = 0  # learning sees the data times 2**-exponent
    records: list = field(default_factory=list)
    prepared: dict = field(default_factory=dict, init=False, repr=False, compare=False)  # operators by dtype

    def __getstate__(self):
        """Leave out what is computed again when it is needed."""
        return self.__dict__ | {"prepared": {}}

    def __len__(self):
        """Return the number of kernels."""
        return len(self.given if self.state is None else self.state.kernels)

    @property
    def geometry(self):
        """Where kernels lie on images."""
        kernels = box_kernels(self.given) if self.state is None else self.state.kernels
        return self.layout.geometry(kernels.shape[2:])

    @property
    def dictionary(self):
        """The kernels as a value."""
        if self.given is not None:
            return self.given
        layout = self.layout
        return as_dictionary(
            self.state.kernels, layout.n_axes, has_channels=layout.has_channels, shapes=self.shapes
        )  # fmt: skip

    def operator(self, dtype, n_jobs=None):
        """Return the operator of the kernels, which is kept for the next call."""
        operator = self.prepared.get(dtype)
        if operator is None:
            layout = self.layout
            operator = ConvolutionOperator(
                self.dictionary, layout.image_shape, boundary=layout.boundary, dtype=dtype, n_jobs=n_jobs
            )
            self.prepared[dtype] = operator
        operator.n_jobs = n_jobs
        return operator

    def code_form(self, pool, grid):
        """Return the `CodeForm` of codes, by the parameters of the coder."""
        return CodeForm.of(self.geometry, self.layout.n_axes, len(self), pool, grid, signed=not self.penalty.positive)

    @property
    def without_means(self):
        """Whether images are coded without the means of their channels, as kernels were learned."""
        return self.state is not None and self.state.constraint.zero_mean

    def prepare(self, X, mask=None):
        """Return rows as they are coded: without their means, if kernels were learned without."""
        return self.layout.center(X, mask) if self.without_means else X

    def with_means(self, images, reference, mask):
        """Return decoded images with the means of others, if images were coded without theirs."""
        if len(reference) != len(images):
            raise ValueError(f"`reference` must have {len(images)} images, one for each code, got {len(reference)}.")
        return images + self.layout.means(reference, mask).astype(images.dtype) if self.without_means else images

    def learn(self, coder, X, mask, *, epochs, rng):
        """Return the fit after epochs over checked rows, shuffled if there is a generator."""
        with np.errstate(over="ignore", invalid="ignore"):
            X = self.prepare(np.ldexp(X, -self.exponent) if self.exponent else X, mask)
            X = X.astype(self.state.kernels.dtype, copy=False)
        check_magnitude(X)
        penalty = rescale(self.penalty, -self.exponent, X.dtype)
        progress, settings = Progress(self.state.copy(), penalty, n_before=len(self.records)), solver_settings(coder)
        options = {"target": self.target, "epochs": epochs, "batch_size": coder.batch_size, "tol": coder.tol}
        learn(progress, X, mask, self.layout, settings, **options, rng=rng, verbose=coder.verbose)
        last = progress.totals
        warn_not_converged(last.stopped, last.stalled, last.n, last.violation, coder.encode_max_iter)
        if not last.counts.any():
            warn_all_zero(rescale(progress.penalty, self.exponent))
        penalty = progress.penalty
        if self.target is not None:
            operator = self.layout.operator(progress.state.kernels, coder.n_jobs)
            penalty = meet_target(self.target, penalty, operator, settings, X, mask)
        penalty = self.penalty if self.target is None else rescale(penalty, self.exponent)
        records = [record.scaled(self.exponent, penalty.degree) for record in progress.records]
        return replace(self, penalty=penalty, state=progress.state, records=self.records + records)

    def publish(self, coder):
        """Set the fitted attributes of the estimator."""
        coder.penalty_ = self.penalty
        coder.n_iter_ = max(1, len(self.records))
        coder.n_resampled_ = sum(record.replaced for record in self.records)
        coder.history_ = as_history(self.records)


def solver_settings(coder):
    """Return the settings of the coder that are read at each call."""
    return SolverSettings(coder.solver, coder.encode_tol, coder.encode_max_iter, coder.n_jobs)


def alpha_bounds(operator, X, mask, penalty):
    """Return a function of a penalty, and of a scale of the images, whose values are the `least_alpha` of each image.

    The correlations are computed once; weights are those of `penalty`.
    """
    bound = BoundPenalty.of(penalty.replace(alpha=1.0), operator)
    images = (place_image(operator, row, None if mask is None else mask[i])[0] for i, row in enumerate(X))
    extremes = [find_extremes(operator, image, bound, operator.n_jobs) for image in images]
    return lambda penalty, scale=1.0: np.array([least_alpha(penalty, e, operator, scale) for e in extremes])


def meet_target(target, penalty, operator, settings, X, mask):
    """Return the penalty whose codes of images meet the target."""
    n_images = max(1, POSITIONS // int(np.prod(operator.map_shape)))
    if n_images < len(X):
        chosen = np.sort(np.random.default_rng(0).choice(len(X), n_images, replace=False))
        X, mask = X[chosen], None if mask is None else mask[chosen]
    highest = alpha_bounds(operator, X, mask, penalty)(penalty).max()

    def encode(penalty):
        result = settings.solve(X, operator, penalty, mask)
        return Amounts.of(X, result.codes, result.square_error)

    return target.search(penalty, float(highest), encode)


def warn_all_zero(penalty):
    """Warn that no image of the training set has a code other than zero."""
    warnings.warn(
        f"all codes are zero: the weight of {penalty!r} is at or above alpha_max for every image, the largest "
        'correlation with a kernel. Lower `alpha`, or give a fraction with alpha_scale="max".',
        ConvergenceWarning,
        stacklevel=callers_level(),
    )


def encode(fit, coder, X, mask):
    """Return the codes of checked rows, in blocks of images; warn if some did not converge or all are zero."""
    X, operator = fit.prepare(X, mask), fit.operator(X.dtype, coder.n_jobs)
    form, settings = fit.code_form(coder.pool, coder.grid), solver_settings(coder)
    blocks, zeros = [], []
    with joined_warnings():
        for rows in gen_batches(len(X), max(4, BLOCK // math.prod(operator.code_shape))):
            known = None if mask is None else mask[rows]
            result, zero = solve_images(X[rows], operator, fit.penalty, mask=known, **settings._asdict())
            check_finite(result.status != NON_FINITE, X.dtype)
            warn_not_converged(*count_unconverged(result), len(zero), result.certificate.max(), coder.encode_max_iter)
            blocks.append(form.of_maps(result.codes, sparse=coder.sparse_output))
            zeros.append(zero)
    zero = np.concatenate(zeros)
    if zero[X.any(axis=1)].all():  # of some images only it is nothing unusual
        warn_of_zeros(zero, fit.penalty)
    return blocks


def fitted_state(fit):
    """Return all that a file needs to restore a fit: scalars and arrays by name."""
    scalars = {
        "penalty": fit.penalty,
        "target_sparsity": fit.target and fit.target.sparsity,
        "layout": fit.layout._asdict(),
        "given": fit.given,
        "exponent": fit.exponent,
    }
    arrays = {"history": as_rows(fit.records)}
    if fit.state is not None:
        state = fit.state
        scalars["n_steps"] = state.n_steps
        scalars |= {name: getattr(state.constraint, name) for name in ("zero_mean", "positive")}
        arrays |= {name: getattr(state, name) for name in state.ARRAYS} | {"support": state.constraint.support}
        arrays |= {} if fit.shapes is None else {"shapes": fit.shapes}
    return scalars, arrays


def restored(coder, scalars, arrays):
    """Return the fit of a coder that `fitted_state` has described; raise ValueError if it is none."""
    layout, penalty, given = Layout(**scalars["layout"]), scalars["penalty"], scalars["given"]
    if not isinstance(penalty, Penalty) or (given is None) != ("kernels" in arrays):
        raise ValueError("the penalty or the kernels are missing.")
    if math.prod(layout.image_shape) != coder.n_features_in_:
        raise ValueError("the shape of images and the number of features do not go together.")
    state = None
    if given is None:
        kernels = arrays["kernels"]
        K, _, *sides = kernels.shape
        shapes = {"phi": phi_shape(kernels.shape), "psi": kernels.shape, "unused": (K,), "support": (K, *sides)}
        for name, shape in shapes.items():
            if arrays[name].shape != shape or not np.isfinite(arrays[name]).all():
                raise ValueError(f"the learning state {name!r} is not a finite array of shape {shape}.")
        constraint = Constraint(arrays["support"], scalars["zero_mean"], scalars["positive"])
        kept = {name: arrays[name] for name in KernelState.ARRAYS}
        state = KernelState(constraint=constraint, n_steps=scalars["n_steps"], **kept)
    elif not isinstance(given, Dictionary):
        raise ValueError("the kernels are not a dictionary.")
    target = scalars["target_sparsity"]
    target = None if target is None else Target(sparsity=target)
    records = from_rows(arrays["history"])
    fit = Fit(penalty, target, layout, given, state, arrays.get("shapes"), scalars["exponent"], records)
    fit.operator(np.dtype(np.float64))  # raises where kernels and images do not fit
    fit.code_form(coder.pool, coder.grid)
    return fit
