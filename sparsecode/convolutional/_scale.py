"""The weight from which on codes are zero, and the correlations of an image that it follows from."""

import math
from typing import NamedTuple

import numpy as np

from .._core.validation import row_exponents
from ..penalties import WeightedL1
from ..solvers.certificates import has_gap
from ._checks import check_images, check_operator, check_penalty
from ._maps_kernels import measure_slopes
from ._passes import Passes
from ._problem import BoundPenalty, place_image


class Extremes(NamedTuple):
    """Largest correlations of an image with the kernels, wherever these lie."""

    highest: np.ndarray  # (K,)
    lowest: np.ndarray  # (K,)
    ratio: float  # the largest correlation over its weight, of an l1-type penalty


def find_extremes(operator, image, penalty, n_jobs=1, stop=None):
    """Return the `Extremes` of an image on the grid, (C, *grid_shape); `penalty` is bound."""
    passes, (rows, columns) = Passes(operator, n_jobs, stop), operator.geometry.map_shape
    transform, extremes = passes.transform(image), np.zeros((2, len(operator.kernels)))
    weights = penalty.weights(operator) if penalty.has_weights else None

    def work(block, total, buffers, sums):
        g = passes.correlate(block, transform, buffers)
        inside = g[:, :rows, :columns]
        extremes[:, block] = inside.max(axis=(1, 2)), inside.min(axis=(1, 2))
        if weights is not None:
            measure_slopes(g, weights[block], penalty.bound.positive, rows, buffers.line, sums)

    return Extremes(*extremes, float(passes.run(work, 2)[:, 0].max()))


def fraction_of(penalty, extremes, operator):
    """Return alpha over the least alpha at which no coefficient enters a zero code; `extremes` are of this penalty."""
    if has_gap(penalty):
        return 1 / extremes.ratio if extremes.ratio > 0 else np.inf
    largest = least_alpha(penalty, extremes, operator)
    return penalty.alpha / largest if largest > 0 else np.inf


def largest_correlation(penalty, extremes, operator):
    """Return the largest correlation over the norm of its kernel."""
    sizes = np.maximum(extremes.highest, 0 if penalty.positive else -extremes.lowest)
    norms = np.sqrt(operator.square_norms)
    return float(np.divide(sizes, norms, out=np.zeros_like(norms), where=norms > 0).max())


def least_alpha(penalty, extremes, operator, scale=1.0):
    """Return the least alpha at which no coefficient of an image times `scale` enters a zero code.

    With weights of coefficients, `extremes` are those of the penalty with alpha = 1.
    """
    if isinstance(penalty, WeightedL1):
        return scale * extremes.ratio
    norms = operator.square_norms
    some = norms > 0
    if not some.any():
        return 0.0
    # Of each kernel the largest correlation, with which alpha grows
    largest = scale * np.stack([extremes.highest, extremes.lowest])[:, some]
    return float(penalty.alpha_max(largest, norms[some]).max())


def scaled(penalty, exponent):
    """Return the penalty for images that are multiplied by ``2**-exponent``."""
    return penalty.scaled(math.ldexp(1.0, -exponent)) if exponent else penalty


def alpha_max(X, D, penalty, *, mask=None, n_jobs=None):
    r"""Return, for each image, the least `alpha` at which no coefficient enters a zero code.

    For l1-type penalties this is ``max_{k, p} |(D^T M s)_k(p)| / w_k(p)`` with the weights w of the coefficients at
    alpha = 1, and codes are zero at and above it. For others see `Penalty.alpha_max`.

    Parameters
    ----------
    X : array-like of shape (n_samples, prod(image_shape)) or (n_samples, *image_shape)
    D : ConvolutionOperator
    penalty : Penalty
        From `sparsecode.penalties`; its `alpha` has no part in it.
    mask : array-like of bool, of the shape of X, or None, default=None
        True where a pixel is known.
    n_jobs : int or None, default=None
        Threads; the result does not depend on it.

    Returns
    -------
    ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        If X or `mask` have another shape than `D.image_shape` asks for, X is not finite, or a mask hides an image.

    Notes
    -----
    It costs K transforms an image, half an iteration of a solver.

    Examples
    --------
    >>> from sparsecode.convolutional import ConvolutionOperator, alpha_max
    >>> from sparsecode.penalties import L1
    >>> D = ConvolutionOperator([[1.0, -1.0], [1.0, 1.0]], image_shape=4)
    >>> alpha_max([[0, 0, 3, 0], [0, 2, 2, 0]], D, L1()).round(6).tolist()
    [3.0, 4.0]
    """
    D, penalty = check_operator(D), check_penalty(penalty).replace(alpha=1.0)
    rows, known = check_images(X, D, mask)
    exponents, out = row_exponents(rows), np.empty(len(rows))
    for i, e in enumerate(exponents.tolist()):
        image, _ = place_image(D, rows[i], None if known is None else known[i], e)
        there = penalty if has_gap(penalty) else scaled(penalty, e)
        extremes = find_extremes(D, image, BoundPenalty.of(there.replace(alpha=1.0), D), n_jobs)
        out[i] = np.ldexp(least_alpha(there, extremes, D), round(e * penalty.degree))
    return out
