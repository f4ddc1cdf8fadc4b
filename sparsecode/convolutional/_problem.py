"""One image to be coded, as the solvers of this room take it, and what they return of it."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from .operator import ConvolutionOperator


class BoundPenalty(NamedTuple):
    """A penalty of maps as kernels see it: coefficient i of all maps in a row is atom ``i // span`` of `bound`."""

    bound: tuple
    span: int

    @classmethod
    def of(cls, penalty, operator):
        """Bind a penalty whose parameters are one for all, one for each kernel, or one for each coefficient."""
        n_positions = int(np.prod(operator.map_shape))
        norms, weights = operator.square_norms, penalty.get_params().get("weights")
        each = weights is not None and np.size(weights) == len(norms) * n_positions > len(norms)
        norms = np.repeat(norms, n_positions) if each else norms
        return cls(penalty.bind(norms, operator.dtype), 1 if each else n_positions)


class ImageProblem(NamedTuple):
    """``min_x 0.5 ||M (D x - s)||^2 + pen(x)`` for one image s, of which the pixels M are known."""

    operator: ConvolutionOperator
    image: np.ndarray  # (C, *grid_shape), zero where it is not known
    known: np.ndarray | None  # (1 or C, *grid_shape) bool; None is everywhere
    penalty: BoundPenalty
    tol: float
    max_iter: int | None  # None is the solver's own
    init: csr_array | None = None  # (1, K * positions)
    n_jobs: int | None = 1  # threads for this image
    stop: np.ndarray | None = None  # becomes (1,) when the caller is interrupted


class MapsResult(NamedTuple):
    """Maps of one image; numbers as in `sparsecode.solvers.SolveResult`."""

    codes: csr_array  # (1, K * positions)
    certificate: float
    square_error: float
    penalty: float
    n_iter: int
    status: int
