"""Kernels of orthogonal matching pursuit and of least squares on a support; see `pursuit` and `debias`."""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from ._active_set_kernel import PIVOT_FLOOR, correlate
from ._cholesky import append_row, solve_backward, solve_forward
from ._proximal_kernels import conclude

#: Correlations below so many roundings of the largest one are zero.
ROUNDING = 10.0


class Workspace(NamedTuple):
    """Work arrays of one thread; the first k entries are in use."""

    g: np.ndarray
    active: np.ndarray
    weight: np.ndarray
    L: np.ndarray  # packed Cholesky factor of the active Gram block
    right: np.ndarray
    y: np.ndarray
    block: np.ndarray
    taken: np.ndarray


def make_workspace(n_components, max_active, dtype):
    """Allocate the work arrays for at most `max_active` active atoms."""
    size = max_active + 1
    return Workspace(
        g=np.empty(n_components, dtype),
        active=np.empty(size, np.int64),
        weight=np.empty(size),
        L=np.empty(size * (size + 1) // 2),
        right=np.empty(size),
        y=np.empty(size),
        block=np.empty(size),
        taken=np.empty(n_components, np.bool_),
    )


def _extend(G, c, work, k, j):
    """Add atom j to the factor; return k + 1, or k if it depends on the active atoms."""
    for a in range(k):
        work.block[a] = G[j, work.active[a]]
    work.block[k] = G[j, j]
    floor = PIVOT_FLOOR * np.finfo(G.dtype).eps * G[j, j]
    if not append_row(work.L, k, work.block, floor) > floor:
        return k
    work.active[k] = j
    work.right[k] = c[j]
    solve_forward(work.L, k + 1, k, work.right, work.y)
    return k + 1


def _refit(G, c, work, k):
    """Solve least squares on the active atoms and compute the correlations of the residual."""
    solve_backward(work.L, k, work.y, work.weight)
    correlate(G, c, work.active, work.weight, k, work.g)


def _select(work, scale, levels, floor):
    """Return the atom with the largest scaled correlation among those above their level, -1 if there is none."""
    best = 0.0
    place = np.int64(-1)
    for j in range(scale.shape[0]):
        size = np.float64(abs(work.g[j]))
        if size > max(levels[j], floor) and size * scale[j] > best and not work.taken[j]:
            best = size * scale[j]
            place = j
    return place


def _largest_correlation(c):
    largest = 0.0
    for j in range(c.shape[0]):
        largest = max(largest, abs(np.float64(c[j])))
    return largest


def _close_row(c, work, k, square_norm, w):
    """Write the code to w; return the squared residual and the relative violation of least squares."""
    fit = 0.0
    worst = 0.0
    largest = largest_correlation(c)
    for a in range(k):
        j = work.active[a]
        w[j] = work.weight[a]
        fit += work.weight[a] * (np.float64(c[j]) + work.g[j])
        worst = max(worst, abs(np.float64(work.g[j])))
    return max(square_norm - fit, 0.0), worst / largest if largest > 0.0 else 0.0


def _pursue_rows(
    G, C, square_norms, scale, levels, most, tol, work, stop, W, certificates, errors, costs, n_iters, statuses
):
    """Code all rows of C; W must be zero on entry."""
    for i in range(C.shape[0]):
        if stop[0] != 0:
            return
        c = C[i]
        k = np.int64(0)
        passes = 0
        floor = ROUNDING * np.finfo(G.dtype).eps * largest_correlation(c)
        for j in range(c.shape[0]):
            work.taken[j] = False
        refit(G, c, work, k)
        while k < most:
            j = select(work, scale, levels, floor)
            if j < 0:
                break
            work.taken[j] = True
            grown = extend(G, c, work, k, j)
            if grown > k:
                k = grown
                refit(G, c, work, k)
            passes += 1
        errors[i], certificates[i] = close_row(c, work, k, square_norms[i], W[i])
        costs[i] = 0.0
        n_iters[i] = passes
        statuses[i] = conclude(errors[i], certificates[i] <= tol, k < 0)


def _debias_rows(G, C, square_norms, positive, tol, work, stop, W, certificates, errors, costs, n_iters, statuses):
    """Replace the codes in W by least squares on their supports, without those that turn negative if positive."""
    for i in range(C.shape[0]):
        if stop[0] != 0:
            return
        c, w = C[i], W[i]
        passes = 0
        while True:
            k = np.int64(0)
            for j in range(c.shape[0]):
                if w[j] != 0:
                    k = extend(G, c, work, k, j)
                    w[j] = 0
            refit(G, c, work, k)
            passes += 1
            negative = False
            if positive:
                for a in range(k):
                    negative = negative or work.weight[a] < 0.0
            if not negative:
                break
            for a in range(k):
                w[work.active[a]] = max(work.weight[a], 0.0)
        errors[i], certificates[i] = close_row(c, work, k, square_norms[i], w)
        costs[i] = 0.0
        n_iters[i] = passes
        statuses[i] = conclude(errors[i], certificates[i] <= tol, k < 0)


extend = kernel(_extend)
refit = kernel(_refit)
select = kernel(_select)
largest_correlation = kernel(_largest_correlation)
close_row = kernel(_close_row)
pursue_rows = kernel(_pursue_rows)
debias_rows = kernel(_debias_rows)
