"""Small convolutional problems, and their dense twins."""

import numpy as np

from sparsecode import Dictionary
from sparsecode.convolutional import ConvolutionOperator
from sparsecode.convolutional._geometry import BOUNDARIES
from sparsecode.penalties import L1, ElasticNet, WeightedL1
from sparsecode.solvers import solve

#: Shapes of an image and of a bank of kernels: an image, a colour image, a signal, a signal with channels.
KINDS = {
    "image": ((9, 8), (3, 3, 2)),
    "colour": ((7, 6, 2), (3, 3, 2, 2)),
    "signal": ((15,), (3, 4)),
    "channels": ((12, 3), (2, 4, 3)),
}

DIMS = {"image": ("atom", "y", "x"), "colour": ("atom", "y", "x", "channel")}
DIMS |= {"signal": ("atom", "x"), "channels": ("atom", "x", "channel")}

__all__ = ["BOUNDARIES", "KINDS", "dense_objectives", "make_operator", "make_penalties"]


def make_operator(kind, boundary="circular", dtype=np.float64, seed=0):
    """Return an operator with random kernels."""
    image_shape, kernels = KINDS[kind]
    atoms = np.random.default_rng(seed).standard_normal(kernels).astype(dtype)
    return ConvolutionOperator(Dictionary.from_array(atoms, dims=DIMS[kind]), image_shape, boundary=boundary)


def make_penalties(operator):
    """Return l1-type penalties, with the ones that have a weight for each coefficient in place of each kernel."""
    rng, n_positions = np.random.default_rng(1), int(np.prod(operator.map_shape))
    weights = rng.uniform(0.5, 2, len(operator.kernels))
    each = rng.uniform(0.5, 2, len(operator.kernels) * n_positions)
    same = [L1(0.7), L1(0.7, positive=True), ElasticNet(0.7, 0.6)]
    return [(p, p) for p in same] + [
        (WeightedL1(0.7, weights), WeightedL1(0.7, np.repeat(weights, n_positions))),
        (WeightedL1(0.7, each), WeightedL1(0.7, each)),
    ]


def dense_matrix(operator):
    """Return ``D`` as (pixels of the grid, coefficients)."""
    shape = (len(operator.kernels), *operator.geometry.map_shape)
    units = np.eye(int(np.prod(shape)))
    return np.array([operator.decode_maps(unit.reshape(shape)).ravel() for unit in units]).T


def dense_objectives(operator, X, penalty, mask=None, **settings):
    """Return the least objective of each image, by the solver of dense dictionaries on the pixels that are known."""
    D, geometry, objectives = dense_matrix(operator), operator.geometry, []
    for i, row in enumerate(X):
        image = geometry.place(operator.as_image(row))
        known = geometry.known(None if mask is None else operator.as_image(mask[i]))
        pixels = np.ones(image.size, bool) if known is None else np.broadcast_to(known, image.shape).ravel()
        atoms = np.ascontiguousarray(D[pixels].T)
        result = solve(image.ravel()[None, pixels], atoms, penalty, **{"tol": 1e-12, **settings})
        objectives.append(0.5 * result.square_error[0] + result.penalty[0])
    return np.array(objectives)
