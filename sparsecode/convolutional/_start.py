"""How a fit of `ConvSparseCoder` begins: the penalty, the shape of kernels, what they keep to, and the first ones."""

from numbers import Integral

import numpy as np

from .._core.rng import as_generator
from .._core.samples import as_shape
from .._core.validation import binary_exponent, check_atoms
from ..coding._sparsity import Target, make_penalty, rescale, take_weight, typical
from ..dictionary import Dictionary
from ..penalties import L1, KSparse, WeightedL1
from ._fit import Fit, alpha_bounds, meet_target, solver_settings, warn_all_zero
from ._kernel_update import Constraint
from ._learn import KernelState, Layout
from ._patches import random_patch, window_energies
from ._problem import map_weights, place_image
from .operator import ConvolutionOperator, box_kernels

N_COMPONENTS, KERNEL_SIDE = 32, 8

#: Correlation at which coefficients enter, as a fraction of the largest one, that no choice of the weight stands for.
ENTRY = 0.1


def start_fit(coder, X, mask):
    """Return the fit before learning, and the generator that goes on shuffling (None if kernels are given)."""
    penalty, target = _chosen_penalty(coder)
    exponent = binary_exponent(X)
    rows = np.ldexp(X, -exponent) if exponent else X
    name = "dictionary" if coder.dictionary is not None else "init"
    bank = None if isinstance(getattr(coder, name), str) else _check_bank(coder, name, X)
    layout, kernel_shape = _check_shapes(coder, X.shape[1], name, bank)
    if coder.dictionary is not None:
        return _start_coding(coder, rows, mask, penalty, target, layout, bank, exponent), None
    if X.min() == X.max():
        raise ValueError(
            f"X has zero variance: every entry is {X.flat[0]:g}. Learning needs images that differ; check how they "
            "were cut and scaled."
        )
    rng = as_generator(coder.random_state)
    constraint = _constraint(coder, kernel_shape, bank)
    kernels = _random_kernels(layout, constraint, rng, X.dtype)
    operator = layout.operator(kernels)
    rows = layout.center(rows, mask) if constraint.zero_mean else rows
    least = map_weights(penalty, operator).min(axis=0)  # of the kernels, at each position of a map
    lengths = np.empty(len(X))  # of the largest patch of each image, over its weight
    for i, row in enumerate(rows):
        grid = place_image(operator, row, None if mask is None else mask[i])[0]
        energies = window_energies(grid, operator.geometry, zero_mean=constraint.zero_mean)
        lengths[i] = (np.sqrt(energies) / least).max()
    if bank is not None:
        kernels = np.stack(
            [_allowed(constraint, k, kernel) for k, kernel in enumerate(box_kernels(bank).astype(X.dtype))]
        )
    elif coder.init == "data" and lengths.any():
        for k in range(len(kernels)):
            i = rng.choice(np.flatnonzero(lengths))
            grid = place_image(operator, rows[i], None if mask is None else mask[i])[0]
            patch = random_patch(grid, operator.geometry, rng, least, zero_mean=constraint.zero_mean)
            kernel = constraint.project(k, patch)
            kernels[k] = kernels[k] if kernel is None else kernel
    if penalty.alpha is None or coder.alpha_scale == "max":
        # A target is approached from the default weight
        penalty = take_weight(penalty, lambda p, scale=1.0: typical(_bounds(p, scale * lengths)), ENTRY)
        penalty = rescale(penalty, exponent)
    state = KernelState.start(kernels, constraint)
    return Fit(penalty, target, layout, None, state, _extents(bank), exponent), rng


def _start_coding(coder, rows, mask, penalty, target, layout, bank, exponent):
    """Return the fit of given kernels."""
    operator = ConvolutionOperator(
        bank, layout.image_shape, boundary=layout.boundary, dtype=rows.dtype, n_jobs=coder.n_jobs
    )
    bounds = alpha_bounds(operator, rows, mask, penalty)
    if penalty.alpha is None or coder.alpha_scale == "max":
        penalty = take_weight(penalty, lambda p, scale=1.0: typical(bounds(p, scale)), ENTRY)
        penalty = rescale(penalty, exponent)
    scaled = rescale(penalty, -exponent)
    if target is not None:
        scaled = meet_target(target, scaled, operator, solver_settings(coder), rows, mask)
        penalty = rescale(scaled, exponent)
    elif scaled.alpha >= bounds(scaled).max():
        warn_all_zero(penalty)
    return Fit(penalty, target, layout, bank.astype(rows.dtype), exponent=exponent)


def _bounds(penalty, lengths):
    """Return the largest alpha_max that images can have with kernels of unit norm, by their largest patches."""
    penalty = L1() if isinstance(penalty, WeightedL1) else penalty  # lengths are over weights already
    return penalty.alpha_max(lengths[:, None])


def _chosen_penalty(coder):
    """Return the penalty that the parameters stand for, and the target that its weight is to meet."""
    if coder.penalty == "k-sparse" or isinstance(coder.penalty, KSparse):
        raise ValueError(
            f"`penalty`={coder.penalty!r} fixes the number of coefficients of an image, which no convolutional solver "
            "does; give a `target_sparsity`."
        )
    choice = {"alpha": coder.alpha, "target_sparsity": coder.target_sparsity, "positive": coder.positive}
    penalty = make_penalty(coder.penalty, n_nonzero_coefs=None, target_snr=None, **choice)
    return penalty, None if coder.target_sparsity is None else Target(sparsity=coder.target_sparsity)


def _check_bank(coder, name, X):
    """Return the kernels that are given, as a `Dictionary`."""
    bank = getattr(coder, name)
    bank = bank if isinstance(bank, Dictionary) else Dictionary.from_array(bank)
    sizes = {"n_features": bank.n_features, "n_components": coder.n_components}
    check_atoms(np.asarray(bank), name, **sizes, dtype=X.dtype)
    return bank


def _check_shapes(coder, n_features, name, bank):
    """Return the layout, and the shape (h, w) of kernels."""
    image_shape = (n_features,) if coder.input_shape is None else as_shape(coder.input_shape)
    shape = coder.kernel_shape
    if bank is not None:
        has_channels = "channel" in bank.dims
        layout = Layout(image_shape, bank.atoms.ndim - 1 - has_channels, has_channels, coder.boundary)
        operator = ConvolutionOperator(bank, image_shape, boundary=coder.boundary)  # raises where they do not fit
        sides = operator.kernels.shape[2:]
        own = sides[2 - layout.n_axes :]
        if shape is not None and (tuple(shape) if isinstance(shape, tuple | list) else (shape,) * len(own)) != own:
            raise ValueError(
                f"`{name}` has kernels of shape {own}, but kernel_shape={shape!r}; leave kernel_shape=None to take it "
                "from the kernels."
            )
        return layout, sides
    sides = tuple(shape) if isinstance(shape, tuple | list) else (shape,) * min(len(image_shape), 2)
    numbers = all(side is None or (isinstance(side, Integral) and side >= 1) for side in sides)
    if not numbers or len(sides) not in (1, 2) or len(image_shape) - len(sides) not in (0, 1):
        raise ValueError(
            "`kernel_shape` must be (height, width) for images (height, width) or (height, width, n_channels), "
            f"(length,) for signals, or an int for both, got {shape!r} for samples of shape {image_shape}."
        )
    layout = Layout(image_shape, len(sides), len(image_shape) > len(sides), coder.boundary)
    sides = [min(KERNEL_SIDE, n) if side is None else int(side) for side, n in zip(sides, image_shape, strict=False)]
    sides = (1, *sides)[-2:]
    try:
        layout.geometry(sides)
    except ValueError as error:
        if layout.n_axes == 2 and isinstance(shape, Integral) and len(image_shape) == 2:
            length, n_channels = image_shape
            raise ValueError(
                f"{error} For signals of {length} positions and {n_channels} channels give kernel_shape=({shape},)."
            ) from None
        raise
    return layout, sides


def _constraint(coder, kernel_shape, bank):
    """Return what kernels that are learned must keep to."""
    if coder.zero_mean and coder.positive_dict:
        raise ValueError("`zero_mean` and `positive_dict` leave only kernels that are zero; give one of the two.")
    n_components = N_COMPONENTS if coder.n_components is None else coder.n_components
    support = np.ones((n_components if bank is None else len(bank), *kernel_shape), bool)
    if bank is not None and bank.shapes is not None:
        inside = np.ones(bank.atoms.shape)
        for axis in range(1, inside.ndim):
            within = np.arange(inside.shape[axis]) < bank.shapes[:, axis - 1, None]
            inside *= within.reshape(len(bank), *(-1 if other == axis else 1 for other in range(1, inside.ndim)))
        support &= box_kernels(Dictionary(inside, shapes=bank.shapes, dims=bank.dims))[:, 0] > 0
    if coder.window == "disc":
        y, x = (((np.arange(side) - (side - 1) / 2) / (side / 2)) ** 2 for side in kernel_shape)
        support &= y[:, None] + x <= 1
    if coder.zero_mean and support.sum(axis=(1, 2)).min() < 2:
        raise ValueError(
            "kernels of one pixel have no shape without their mean, as with n_features = 1; give larger kernels, or "
            "zero_mean=False."
        )
    return Constraint(support, bool(coder.zero_mean), bool(coder.positive_dict))


def _random_kernels(layout, constraint, rng, dtype):
    """Return kernels (K, C, h, w) in Gaussian directions."""
    n_channels = layout.image_shape[-1] if layout.has_channels else 1
    K, *kernel_shape = constraint.support.shape
    kernels = rng.standard_normal((K, n_channels, *kernel_shape)).astype(dtype)
    if constraint.positive:
        np.abs(kernels, out=kernels)
    return np.stack([constraint.project(k, kernel) for k, kernel in enumerate(kernels)])


def _allowed(constraint, k, kernel):
    """Return a given kernel as it may be."""
    projected = constraint.project(k, kernel)
    if projected is None:
        raise ValueError(
            f"`init` has a kernel, number {k}, of which the constraints leave nothing: it is zero, or would be within "
            "the window, without its mean, or without its negative entries."
        )
    return projected


def _extents(bank):
    """Return the extents (K, n_axes) of kernels of several sizes, None if they have one."""
    if bank is None or bank.shapes is None:
        return None
    return np.delete(bank.shapes, bank.dims.index("channel") - 1, axis=1) if "channel" in bank.dims else bank.shapes
