"""Kernel of sparse-set coding; see `sparse_set` for the mathematics."""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from .._core.products import aligned_empty
from ._gram_kernels import find, largest
from ._rows import conclude, share

#: A flip must lower the energy by this share of ``0.5 ||x||^2``: below, it is rounding.
LEAST_FALL = 1e-12


class Workspace(NamedTuple):
    """Work arrays of one thread, in float64: a row needs few of them, and rounding must not undo flips."""

    g: np.ndarray  # correlations of the atoms with the residual
    projection: np.ndarray
    half: np.ndarray  # half the squared norms of the projections
    sign: np.ndarray  # -1 for atoms of the set, 1 for others
    fall: np.ndarray  # by which a flip lowers the energy
    bits: np.ndarray  # of the same memory as integers


def make_workspace(n_components):
    """Allocate the work arrays."""
    arrays = [aligned_empty(n_components, np.float64) for _ in range(5)]
    return Workspace(*arrays, arrays[-1].view(np.int64))


def _project(G, c, positive, work):
    """Begin a row with the empty set."""
    for j in range(c.shape[0]):
        square = np.float64(G[j, j])
        projection = np.float64(c[j]) / square if square > 0.0 else 0.0
        projection = max(projection, 0.0) if positive else projection
        work.projection[j] = projection
        work.half[j] = 0.5 * square * projection * projection
        work.g[j] = c[j]
        work.sign[j] = 1.0


def _best_flip(prices, work):
    """Return by how much the best flip lowers the energy, a negative number if none does, and its atom."""
    for j in range(prices.shape[0]):
        work.fall[j] = work.sign[j] * (work.projection[j] * work.g[j] - prices[j]) - work.half[j]
    place = find(work.bits, largest(work.bits))
    return work.fall[place], place


def _flip(G, work, place):
    """Let an atom enter or leave the set."""
    change = work.sign[place] * work.projection[place]
    work.sign[place] = -work.sign[place]
    for j in range(G.shape[0]):
        work.g[j] -= change * G[place, j]


def _choose_rows(
    G, C, square_norms, prices, positive, tol, max_iter, work, stop,
    W, certificates, costs, n_iters, statuses,
):  # fmt: skip
    """Code all rows of C."""
    zero = W.dtype.type(0)
    for i in range(C.shape[0]):
        c, w = C[i], W[i]
        half = 0.5 * square_norms[i]
        project(G, c, positive, work)
        n_iter = n_iters[i]
        while True:
            fall, place = best_flip(prices, work)
            ended = not fall > LEAST_FALL * half
            if ended or n_iter >= max_iter:
                break
            if stop[0] != 0:
                return
            n_iter += 1
            flip(G, work, place)
        for j in range(c.shape[0]):
            w[j] = work.projection[j] if work.sign[j] < 0.0 else zero
        certificates[i] = share(max(fall, 0.0), half)
        costs[i] = 0.0
        n_iters[i] = n_iter
        statuses[i] = conclude(half, certificates[i] <= tol, not ended)


project = kernel(_project)
best_flip = kernel(_best_flip)
flip = kernel(_flip)
choose_rows = kernel(_choose_rows)
