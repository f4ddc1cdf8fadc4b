"""Kernels of least squares on a support: `debias`, and `pursuit` of codes that are not negative."""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from .._core.products import aligned_empty
from ._active_set_kernel import project, settle
from ._gram_kernels import correlate, find, largest, largest_correlation
from ._inverse_factor import append_basis, length, make_factor, multiply_transposed
from ._pursuit_kernel import ROUNDING
from ._rows import STALLED, conclude, share


class Workspace(NamedTuple):
    """Work arrays of one thread; the first k entries are in use."""

    g: np.ndarray  # correlations of the atoms with the residual
    scale: np.ndarray  # of the correlations that are compared, 0 where an atom cannot enter
    score: np.ndarray
    bits: np.ndarray  # of the same memory as integers
    allowed: np.ndarray  # scale of the atoms of a support, 0 for others
    given: np.ndarray  # a code before it is changed
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
    places: np.ndarray  # 0, 1, 2, ... of a vector


def make_workspace(n_components, max_active, dtype):
    """Allocate the work arrays for at most `max_active` active atoms, and one that turns out to depend on them."""
    score = aligned_empty(n_components, dtype)
    return Workspace(
        g=aligned_empty(n_components, dtype),
        scale=aligned_empty(n_components, dtype),
        score=score,
        bits=score.view(f"i{score.itemsize}"),
        allowed=aligned_empty(n_components, dtype),
        given=aligned_empty(n_components, dtype),
        active=np.empty(max_active, np.int64),
        before=np.empty(max_active, np.int64),
        weight=np.empty(length(max_active)),
        sign=np.ones(max_active),
        **make_factor(max_active),
    )


def _keeps_apart(G, work, k, pivot, dependence):
    """Tell whether all active atoms keep away from the span of the others and of the atom that has been projected."""
    for b in range(k):
        work.turn[b] = work.coefficients[b] * work.coefficients[b] / pivot
    for a in range(k):
        for b in range(a + 1):
            work.turn[b] += work.R[a, b] * work.R[a, b]
    nearest = 0.0
    for b in range(k):  # the reciprocal of a squared distance
        nearest = max(nearest, work.turn[b] * G[work.active[b], work.active[b]])
    return nearest * dependence <= 1.0


def _extend(G, c, work, k, j, dependence):
    """Add atom j to the active ones; return k + 1, or k if it depends on them."""
    pivot = project(G, work, k, j)
    # Rounding may leave a pivot to an atom beyond as many as can be independent
    if not pivot > dependence * G[j, j] or k == work.active.shape[0]:
        return k
    if not keeps_apart(G, work, k, pivot, dependence):
        return k
    work.active[k] = j
    work.weight[k] = 0.0
    work.right[k] = c[j]
    append_basis(work.R, k, work.coefficients, pivot, work.right, work.y)
    return k + 1


def _refit_positive(G, c, work, k, scale):
    """Solve for non-negative weights of the active atoms, by dropping some, which may enter again.

    Return their number; compute the correlations of the residual.
    """
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


def _select(work, inverse_norms, level, rounding):
    """Return the atom with the largest score, -1 if it does not exceed its level or is rounding."""
    place = find(work.bits, largest(work.bits))
    enters = work.score[place] > level and abs(work.g[place]) * inverse_norms[place] > rounding
    return place if enters else np.int64(-1)


def _pursue_positive(G, c, work, allowed, inverse_norms, level, rounding, dependence, most, max_iter, stop, n_iter):
    """Let atoms enter by their scaled correlations, with weights kept non-negative.

    Return the number of active atoms, the number of steps with those before, and whether no atom is left to enter.
    """
    for j in range(c.shape[0]):
        work.scale[j] = allowed[j]
    zero = c.dtype.type(0)
    k = np.int64(0)
    while True:
        k = refit_positive(G, c, work, k, allowed)
        for j in range(c.shape[0]):
            work.score[j] = max(work.g[j], zero) * work.scale[j]
        place = select(work, inverse_norms, level, rounding) if k < most else np.int64(-1)
        if place < 0 or n_iter >= max_iter or stop[0] != 0:
            return k, n_iter, place < 0
        n_iter += 1
        work.scale[place] = 0
        k = extend(G, c, work, k, place, dependence)


def _pursue_positive_rows(
    G, C, square_norms, scale, inverse_norms, level, dependence, most, tol, max_iter, work, stop,
    W, certificates, costs, n_iters, statuses,
):  # fmt: skip
    """Code all rows of C without negative coefficients; W must be zero on entry."""
    for i in range(C.shape[0]):
        c = C[i]
        rounding = ROUNDING * np.finfo(G.dtype).eps * np.sqrt(square_norms[i])
        k, n_iter, ended = pursue_positive(
            G, c, work, scale, inverse_norms, level, rounding, dependence, most, max_iter, stop, n_iters[i]
        )
        if stop[0] != 0:
            return
        certificates[i] = close_row(c, work, k, inverse_norms, W[i])
        costs[i] = 0.0
        n_iters[i] = n_iter
        statuses[i] = conclude(square_norms[i] + certificates[i], ended and certificates[i] <= tol, not ended)


def _refit_support(G, c, work, dependence, w):
    """Solve least squares on the support of w and compute the correlations of the residual.

    Return the number of atoms that do not depend on others of the support.
    """
    k = np.int64(0)
    for j in range(c.shape[0]):
        if w[j] != 0:
            k = extend(G, c, work, k, j, dependence)
    multiply_transposed(work.R, k, work.y, work.weight)
    correlate(G, c, work.active, work.weight, k, work.g)
    return k


def _debias_rows(
    G, C, square_norms, inverse_norms, positive, dependence, tol, single, work, stop,
    W, certificates, costs, n_iters, statuses,
):  # fmt: skip
    """Replace the codes in W by least squares on their supports, non-negative if `positive`.

    In float32 (`single`) a code that has lost atoms, or is not solved for, stays as it was and has stalled.
    """
    zero = C.dtype.type(0)
    for i in range(C.shape[0]):
        c, w, given = C[i], W[i], work.given
        if stop[0] != 0:
            return
        size = 0
        for j in range(c.shape[0]):
            given[j] = w[j]
            work.allowed[j] = inverse_norms[j] if w[j] != 0 else zero
            size += w[j] != 0
        if positive:
            rounding = ROUNDING * np.finfo(G.dtype).eps * np.sqrt(square_norms[i])
            most, max_iter = np.int64(work.active.shape[0]), np.int64(10 * size)
            k, n_iter, ended = pursue_positive(
                G, c, work, work.allowed, inverse_norms, 0.0, rounding, dependence, most, max_iter, stop, np.int64(0)
            )
        else:
            k, n_iter = refit_support(G, c, work, dependence, w), np.int64(1)
            ended = k == size or not single
        for j in range(c.shape[0]):
            w[j] = zero
        certificates[i] = close_row(c, work, k, inverse_norms, w)
        costs[i] = 0.0
        n_iters[i] = n_iter
        statuses[i] = conclude(square_norms[i] + certificates[i], ended and certificates[i] <= tol, False)
        if single and statuses[i] == STALLED:
            for j in range(c.shape[0]):
                w[j] = given[j]


keeps_apart = kernel(_keeps_apart)
extend = kernel(_extend)
refit_positive = kernel(_refit_positive)
close_row = kernel(_close_row)
select = kernel(_select)
pursue_positive = kernel(_pursue_positive)
refit_support = kernel(_refit_support)
pursue_positive_rows = kernel(_pursue_positive_rows)
debias_rows = kernel(_debias_rows)
