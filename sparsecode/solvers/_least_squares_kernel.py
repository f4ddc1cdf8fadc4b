"""Kernels of least squares on a support: `debias`, and `pursuit` of codes that are not negative."""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from .._core.products import aligned_empty
from ._active_set_kernel import project, settle
from ._gram_kernels import correlate, largest_correlation
from ._inverse_factor import MARGIN, append_basis, make_factor, multiply_transposed
from ._pursuit_kernel import ROUNDING, select
from ._rows import conclude, share


class Workspace(NamedTuple):
    """Work arrays of one thread; the first k entries are in use."""

    g: np.ndarray  # correlations of the atoms with the residual
    scale: np.ndarray  # of the correlations that are compared, 0 where an atom cannot enter
    score: np.ndarray
    bits: np.ndarray  # of the same memory as integers
    active: np.ndarray
    before: np.ndarray
    weight: np.ndarray
    sign: np.ndarray
    R: np.ndarray  # inverse Cholesky factor of the active Gram block
    right: np.ndarray  # correlations of the active atoms with the sample
    y: np.ndarray  # R right
    target: np.ndarray
    column: np.ndarray  # of the Gram matrix
    u: np.ndarray  # R column
    coefficients: np.ndarray  # of an atom on the active ones
    turn: np.ndarray


def make_workspace(n_components, max_active, dtype):
    """Allocate the work arrays for at most `max_active` active atoms, and one that turns out to depend on them."""
    size = max_active + MARGIN
    score = aligned_empty(n_components, dtype)
    return Workspace(
        g=aligned_empty(n_components, dtype),
        scale=aligned_empty(n_components, dtype),
        score=score,
        bits=score.view(f"i{score.itemsize}"),
        active=np.empty(max_active, np.int64),
        before=np.empty(max_active, np.int64),
        weight=np.empty(size),
        sign=np.ones(max_active),
        **make_factor(max_active),
    )


def _extend(G, c, work, k, j, dependence):
    """Add atom j to the active ones; return k + 1, or k if it depends on them."""
    pivot = project(G, work, k, j)
    # Rounding may leave a pivot to an atom beyond as many as can be independent
    if not pivot > dependence * G[j, j] or k == work.active.shape[0]:
        return k
    work.active[k] = j
    work.weight[k] = 0.0
    work.right[k] = c[j]
    append_basis(work.R, k, work.coefficients, pivot, work.right, work.y)
    return k + 1


def _refit(G, c, work, k):
    """Solve least squares on the active atoms and compute the correlations of the residual."""
    multiply_transposed(work.R, k, work.y, work.weight)
    correlate(G, c, work.active, work.weight, k, work.g)


def _refit_positive(G, c, work, k, scale):
    """As `refit` with weights kept non-negative, by dropping atoms, which may enter again; return their number."""
    for a in range(k):
        work.before[a] = work.active[a]
    left = settle(work, k)
    for a in range(k - 1):  # but for the last to enter: dropped at once, it would come back for ever
        work.scale[work.before[a]] = scale[work.before[a]]
    for a in range(left):
        work.scale[work.active[a]] = 0
    correlate(G, c, work.active, work.weight, left, work.g)
    return left


def _close_row(c, work, k, inverse_norms, w):
    """Write the code to w; return the relative violation of least squares."""
    worst = 0.0
    for a in range(k):
        j = work.active[a]
        w[j] = work.weight[a]
        worst = max(worst, np.float64(abs(work.g[j]) * inverse_norms[j]))
    return share(worst, largest_correlation(c, inverse_norms))


def _pursue_positive_rows(
    G, C, square_norms, scale, inverse_norms, level, dependence, most, tol, max_iter, work, stop,
    W, certificates, costs, n_iters, statuses,
):  # fmt: skip
    """Code all rows of C without negative coefficients; W must be zero on entry."""
    for i in range(C.shape[0]):
        c = C[i]
        zero = c.dtype.type(0)
        rounding = ROUNDING * np.finfo(G.dtype).eps * np.sqrt(square_norms[i])
        for j in range(c.shape[0]):
            work.scale[j] = scale[j]
        k = np.int64(0)
        n_iter = n_iters[i]
        while True:
            k = refit_positive(G, c, work, k, scale)
            for j in range(c.shape[0]):
                work.score[j] = max(work.g[j], zero) * work.scale[j]
            place = select(work, inverse_norms, level, rounding) if k < most else np.int64(-1)
            ended = place < 0
            if ended or n_iter >= max_iter:
                break
            if stop[0] != 0:
                return
            n_iter += 1
            work.scale[place] = 0
            k = extend(G, c, work, k, place, dependence)
        certificates[i] = close_row(c, work, k, inverse_norms, W[i])
        costs[i] = 0.0
        n_iters[i] = n_iter
        statuses[i] = conclude(square_norms[i] + certificates[i], ended and certificates[i] <= tol, not ended)


def _debias_rows(
    G, C, square_norms, inverse_norms, positive, dependence, tol, work, stop,
    W, certificates, costs, n_iters, statuses,
):  # fmt: skip
    """Replace the codes in W by least squares on their supports, without those that turn negative if positive."""
    for i in range(C.shape[0]):
        c, w = C[i], W[i]
        n_iter = np.int64(0)
        while True:
            k = np.int64(0)
            for j in range(c.shape[0]):
                if w[j] != 0:
                    k = extend(G, c, work, k, j, dependence)
                    w[j] = 0
            if stop[0] != 0:
                return
            refit(G, c, work, k)
            n_iter += 1
            negative = False
            if positive:
                for a in range(k):
                    negative = negative or work.weight[a] < 0.0
            if not negative:
                break
            for a in range(k):
                w[work.active[a]] = max(work.weight[a], 0.0)
        certificates[i] = close_row(c, work, k, inverse_norms, w)
        costs[i] = 0.0
        n_iters[i] = n_iter
        statuses[i] = conclude(square_norms[i] + certificates[i], certificates[i] <= tol, False)


extend = kernel(_extend)
refit = kernel(_refit)
refit_positive = kernel(_refit_positive)
close_row = kernel(_close_row)
pursue_positive_rows = kernel(_pursue_positive_rows)
debias_rows = kernel(_debias_rows)
