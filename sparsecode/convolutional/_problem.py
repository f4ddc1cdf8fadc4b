"""One image to be coded, as the solvers of this room take it, and what they return of it."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from ..penalties import WeightedL1
from ..penalties.l1 import BoundL1
from ..solvers._rows import CONVERGED, MAX_ITER, NON_FINITE, STALLED
from .operator import ConvolutionOperator

#: Share of the squared norm of a kernel that must lie at known pixels, for penalties that are not of l1 type.
SEEN = 0.01


class BoundPenalty(NamedTuple):
    """A penalty of maps as kernels see it: coefficient i of all maps in a row is atom ``i // span`` of `bound`."""

    bound: tuple
    span: int

    @classmethod
    def of(cls, penalty, operator):
        """Bind a penalty whose parameters are one for all, one for each kernel, or one for each coefficient."""
        n_positions, norms = int(np.prod(operator.map_shape)), operator.square_norms
        span = len(norms) * n_positions // n_weights(penalty, operator)
        return cls(penalty.bind(np.repeat(norms, n_positions // span), operator.dtype), span)

    @property
    def has_weights(self):
        """Whether it is of l1 type."""
        return isinstance(self.bound, BoundL1)

    def weights(self, operator):
        """Return the slopes at zero as (K, 1, 1), or (K, rows, columns) where each coefficient has its own."""
        shape = (1, 1) if self.span > 1 else operator.geometry.map_shape
        return self.bound.entry.reshape(len(operator.kernels), *shape)

    def price_l1(self, places, values):
        """Return the price of entries for an l1-type penalty, in float64."""
        sizes = np.abs(values, dtype=np.float64)
        return float(sizes @ self.bound.entry[places // self.span] + 0.5 * self.bound.ridge * (sizes @ sizes))

    def for_lines(self, operator):
        """Return a bound penalty for each kernel, whose atoms are the coefficients of a line of its map."""
        columns = operator.geometry.map_shape[1]

        def of_kernel(k):
            fields = (np.full(columns, f[k]) if isinstance(f, np.ndarray) else f for f in self.bound)
            return type(self.bound)(*fields)

        return [of_kernel(k) for k in range(len(operator.kernels))]


def n_weights(penalty, operator):
    """Return the number of weights that a penalty has: one for each kernel, or one for each coefficient."""
    K, n_coefficients = len(operator.kernels), int(np.prod(operator.code_shape))
    weights = penalty.get_params().get("weights")
    if weights is None or np.shape(weights) == (K,):
        return K
    if np.shape(weights) == (n_coefficients,):
        return n_coefficients
    raise ValueError(
        f"`weights` must be {K} positive finite numbers, one for each kernel, or {n_coefficients}, one for each "
        f"coefficient in the order of the codes, {operator.code_shape} in a row; got an array of shape "
        f"{np.shape(weights)}."
    )


def map_weights(penalty, operator):
    """Return the weights of a penalty as (K, 1, 1), or (K, *map_shape) where each coefficient has its own."""
    K, n = len(operator.kernels), n_weights(penalty, operator)
    if not isinstance(penalty, WeightedL1):
        return np.ones((K, 1, 1))
    return penalty.check_weights(n).reshape(K, *(1, 1) if n == K else operator.geometry.map_shape)


class ImageProblem(NamedTuple):
    """``min_x 0.5 ||M (D x - s)||^2 + pen(x)`` for one image s, of which the pixels M are known."""

    operator: ConvolutionOperator
    image: np.ndarray  # (C, *grid_shape), zero where it is not known
    known: np.ndarray | None  # (1 or C, *grid_shape) bool; None is everywhere
    penalty: BoundPenalty
    tol: float
    max_iter: int
    init: csr_array | None = None  # (1, K * positions)
    n_jobs: int | None = 1  # threads for this image
    stop: np.ndarray | None = None  # its element is not zero when the caller is interrupted
    fraction: float = 0.1  # alpha over the least alpha at which the code is zero
    largest: float = 1.0  # largest correlation of the image over the norm of its kernel

    def residual(self, image):
        """Return ``M (s - image)`` for an image on the grid."""
        residual = self.image - image
        if self.known is not None:
            residual *= self.known
        return residual

    @property
    def half_energy(self):
        """``0.5 ||M s||^2``, to which gaps are relative."""
        return 0.5 * energy(self.image)


def place_image(operator, row, mask=None, exponent=0):
    """Return a row as an image on the grid, times ``2**-exponent``, and which of its pixels are known (None: all).

    The image is (C, *grid_shape), and zero where it is not known.
    """
    geometry = operator.geometry
    row = np.ldexp(row, -exponent) if exponent else row
    image = geometry.place(operator.as_image(row.astype(operator.dtype, copy=False)))
    known = geometry.known(None if mask is None else operator.as_image(mask))
    if known is not None:
        image = np.where(known, image, operator.dtype.type(0))
    return np.ascontiguousarray(image), known


class MapsResult(NamedTuple):
    """Maps of one image; numbers as in `sparsecode.solvers.SolveResult`."""

    codes: csr_array  # (1, K * positions)
    certificate: float
    square_error: float
    penalty: float
    n_iter: int
    status: int


def least_norms(problem):
    """Return the squared norm (K,) at known pixels that a kernel must exceed where its coefficient is not zero.

    Coefficients of kernels that are hardly seen are held by the price alone. That of l1 grows with them; a bounded one
    leaves them as large as makes the little that is seen of the kernel fit.
    """
    norms = problem.operator.square_norms.astype(problem.operator.dtype)
    barred = problem.known is not None and not problem.penalty.has_weights
    return norms * norms.dtype.type(SEEN) if barred else np.zeros_like(norms)


def energy(image):
    """Return ``||s||^2`` in float64."""
    return float(np.einsum("cij,cij->", image, image, dtype=np.float64, casting="same_kind"))


def inner(a, b):
    """Return ``<a, b>`` of two images in float64."""
    return float(np.einsum("cij,cij->", a, b, dtype=np.float64, casting="same_kind"))


def status_of(certificate, tol, objective, stalled=False):
    """Return the status of a code."""
    if not objective < np.inf:
        return NON_FINITE
    if certificate <= tol:
        return CONVERGED
    return STALLED if stalled else MAX_ITER
