"""Kernel of orthogonal matching pursuit and of its recursive variant; see `pursuit` for the mathematics."""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from .._core.products import aligned_empty
from ._cholesky import solve_backward, solve_forward
from ._gram_kernels import correlate, find, largest
from ._rows import conclude, share

#: Correlations below so many roundings of the norm of the sample are zero.
ROUNDING = 10.0

#: Atoms whose squared distance to the span of the active ones is a larger share of their squared norm are far from it.
FAR = 1e-2

#: Roundings of the square of what a combination of atoms adds up, below which its squared distance to an atom is noise.
NOISE = 4.0


class Workspace(NamedTuple):
    """Work arrays of one thread; the first k entries of `active` and those that follow it are in use."""

    g: np.ndarray  # correlations of the atoms with the residual
    distance: np.ndarray  # squared distances of the atoms to the span of the active ones
    scale: np.ndarray  # of the correlations that are compared, 0 where an atom cannot enter
    score: np.ndarray  # not negative
    bits: np.ndarray  # of the same memory as integers
    Q: np.ndarray  # correlations of all atoms with an orthonormal basis of that span
    active: np.ndarray
    order: np.ndarray  # 0, 1, 2, ...
    weight: np.ndarray
    y: np.ndarray  # coefficients of the sample on the basis
    L: np.ndarray  # Cholesky factor of the active Gram block; its diagonal holds reciprocals
    block: np.ndarray  # lower half of the active Gram block
    right: np.ndarray
    error: np.ndarray


def make_workspace(n_components, most, dtype):
    """Allocate the work arrays for at most `most` active atoms."""
    score = aligned_empty(n_components, dtype)
    return Workspace(
        g=aligned_empty(n_components, dtype),
        distance=aligned_empty(n_components, dtype),
        scale=aligned_empty(n_components, dtype),
        score=score,
        bits=score.view(f"i{score.itemsize}"),
        Q=aligned_empty((most, n_components), dtype),
        active=np.empty(most, np.int64),
        order=np.arange(most),
        weight=np.empty(most),
        y=np.empty(most),
        L=np.empty((most, most)),
        block=np.empty((most, most)),
        right=np.empty(most),
        error=np.empty(most),
    )


def _start(c, norms, inverse_norms, floors, scale, recursive, work):
    """Begin a row, where nothing is active; return the largest correlation over the norm of its atom."""
    for j in range(c.shape[0]):
        work.g[j] = c[j]
        work.scale[j] = scale[j]
        work.score[j] = abs(c[j]) * inverse_norms[j]
    size = np.float64(work.score[find(work.bits, largest(work.bits))])
    if recursive:
        for j in range(c.shape[0]):
            work.distance[j] = norms[j]
            work.score[j] = c[j] * c[j] * scale[j] / max(norms[j], floors[j])
    else:
        for j in range(c.shape[0]):
            work.score[j] = abs(c[j]) * scale[j]
    return size


def _select(work, inverse_norms, level, rounding):
    """Return the atom with the largest score, -1 if it does not exceed its level or is rounding."""
    place = find(work.bits, largest(work.bits))
    enters = work.score[place] > level and abs(work.g[place]) * inverse_norms[place] > rounding
    return place if enters else np.int64(-1)


def _measure_pivot(G, work, k, j):
    """Write the coefficients of atom j on the basis to row k of L; return its squared distance to the span."""
    pivot = np.float64(G[j, j])
    for a in range(k):
        part = np.float64(work.Q[a, j])
        work.L[k, a] = part
        pivot -= part * part
    return pivot


def _is_noise(work, k, pivot, norms, j, eps):
    """Tell whether the squared distance of atom j to the span may be rounding of the sum that comes nearest to it.

    Among atoms that are nearly dependent weights of that sum are large, and so are errors of the distance.
    """
    if pivot > FAR * norms[j]:
        return False
    for a in range(k):
        work.right[a] = work.L[k, a]
    solve_backward(work.L, k, work.right, work.error)
    total = np.sqrt(np.float64(norms[j]))
    for a in range(k):
        total += abs(work.error[a]) * np.sqrt(np.float64(norms[work.active[a]]))
    return pivot <= NOISE * eps * total * total


def _enter(G, floors, work, k, j, pivot, recursive):
    """Add atom j to the active ones: extend the basis, project the sample on it, score the atoms."""
    row, inverse = work.Q[k], 1.0 / np.sqrt(pivot)
    for a in range(k):
        work.right[a] = work.L[k, a]
        work.block[k, a] = G[j, work.active[a]]
    work.block[k, k] = G[j, j]
    work.L[k, k] = inverse
    work.active[k] = j
    work.y[k] = work.g[j] * inverse
    correlate(work.Q, G[j], work.order, work.right, k, row)
    shrink, step = row.dtype.type(inverse), row.dtype.type(work.y[k])
    if recursive:
        for m in range(row.shape[0]):
            q = row[m] * shrink
            row[m] = q
            g = work.g[m] - step * q
            distance = work.distance[m] - q * q
            work.g[m] = g
            work.distance[m] = distance
            work.score[m] = g * g * work.scale[m] / max(distance, floors[m])
    else:
        for m in range(row.shape[0]):
            q = row[m] * shrink
            row[m] = q
            g = work.g[m] - step * q
            work.g[m] = g
            work.score[m] = abs(g) * work.scale[m]


def _measure_error(c, work, k, inverse_norms):
    """Write the correlations of the active atoms with the residual; return the largest over the norm of its atom."""
    for a in range(k):
        work.error[a] = c[work.active[a]]
    for a in range(k):
        total = 0.0
        for b in range(a):
            total += work.block[a, b] * work.weight[b]
            work.error[b] -= work.block[a, b] * work.weight[a]
        work.error[a] -= total + work.block[a, a] * work.weight[a]
    worst = 0.0
    for a in range(k):
        worst = max(worst, abs(work.error[a]) * inverse_norms[work.active[a]])
    return worst


def _solve_weights(c, work, k, inverse_norms, bound):
    """Solve for the weights on the basis, once more where rounding leaves more than `bound`; return the violation."""
    solve_backward(work.L, k, work.y, work.weight)
    worst = measure_error(c, work, k, inverse_norms)
    if worst <= bound:
        return worst
    solve_forward(work.L, k, work.error, work.right)
    solve_backward(work.L, k, work.right, work.error)
    for a in range(k):
        work.weight[a] += work.error[a]
    return measure_error(c, work, k, inverse_norms)


def _pursue_rows(
    G, C, square_norms, scale, inverse_norms, level, floors, norms, recursive, most, tol, max_iter, work, stop,
    W, certificates, costs, n_iters, statuses,
):  # fmt: skip
    """Code all rows of C; W must be zero on entry."""
    eps = np.finfo(G.dtype).eps
    for i in range(C.shape[0]):
        c = C[i]
        rounding = ROUNDING * eps * np.sqrt(square_norms[i])
        size = start(c, norms, inverse_norms, floors, scale, recursive, work)
        k = np.int64(0)
        n_iter = n_iters[i]
        while True:
            place = select(work, inverse_norms, level, rounding) if k < most else np.int64(-1)
            ended = place < 0
            if ended or n_iter >= max_iter:
                break
            if stop[0] != 0:
                return
            n_iter += 1
            work.scale[place] = work.score[place] = 0
            pivot = measure_pivot(G, work, k, place)
            if pivot > floors[place] and not is_noise(work, k, pivot, norms, place, eps):
                enter(G, floors, work, k, place, pivot, recursive)
                k += 1
        certificates[i] = share(solve_weights(c, work, k, inverse_norms, eps * size), size)
        for a in range(k):
            W[i, work.active[a]] = work.weight[a]
        costs[i] = 0.0
        n_iters[i] = n_iter
        statuses[i] = conclude(square_norms[i] + certificates[i], ended and certificates[i] <= tol, not ended)


start = kernel(_start)
select = kernel(_select)
measure_pivot = kernel(_measure_pivot)
is_noise = kernel(_is_noise)
enter = kernel(_enter)
measure_error = kernel(_measure_error)
solve_weights = kernel(_solve_weights)
pursue_rows = kernel(_pursue_rows)
