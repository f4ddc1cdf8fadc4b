"""Active-set kernel for l1-type penalties on the Gram problem; see `active_set` for the mathematics."""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from .._core.products import aligned_empty
from ._gram_kernels import correlate, find, largest, square_error
from ._inverse_factor import append_basis, delete_basis, make_factor, multiply, multiply_transposed
from ._rows import conclude, share

#: A row has stalled when so many passes have not lowered its objective by more than one rounding.
IDLE_PASSES = 10

#: As many, where no atom is left to enter and weights are refined.
REFINEMENTS = 2

#: Atoms admitted between two passes over the correlations, and how near (as a share of the largest
#: excess over the threshold) a correlation must come to be admitted with it.
ADMIT_MOST = 32
ADMIT_SHARE = 0.6

#: An atom whose squared distance to the span of the active atoms is below this many roundings of its
#: squared norm counts as linearly dependent on them. With 100, one of 3600 rows with atoms 1e-7 apart ended at a gap of
#: 3e-11 instead of 1e-13.
PIVOT_FLOOR = 200.0

#: Below this share of its squared norm the distance is computed once more, from products that are refined.
PIVOT_REFINED = 1e-6


class Workspace(NamedTuple):
    """Work arrays of one thread; the first k entries of `active`, `weight`, `sign` are the active set."""

    g: np.ndarray  # correlations of the atoms with the residual
    excess: np.ndarray  # |g| / threshold - 1
    bits: np.ndarray  # of the same memory as integers
    near: np.ndarray  # atoms that may be admitted
    active: np.ndarray
    weight: np.ndarray
    sign: np.ndarray
    R: np.ndarray  # inverse Cholesky factor of the active Gram block
    right: np.ndarray  # c - entry * sign
    y: np.ndarray  # coefficients of `right` on the basis, R right
    target: np.ndarray  # minimiser for the present signs
    column: np.ndarray  # of the Gram matrix
    u: np.ndarray  # R column
    coefficients: np.ndarray  # of an atom on the active ones
    turn: np.ndarray


def make_workspace(n_components, max_active, dtype):
    """Allocate the work arrays for problems with at most `max_active` linearly independent atoms."""
    size = max_active + 1
    excess = aligned_empty(n_components, dtype)
    return Workspace(
        g=aligned_empty(n_components, dtype),
        excess=excess,
        bits=excess.view(f"i{excess.itemsize}"),
        near=np.empty(n_components, np.int64),
        active=np.empty(size, np.int64),
        weight=np.empty(size),
        sign=np.empty(size),
        **make_factor(max_active + 1),
    )


def _measure_excess(pen, work, k):
    """Write by how much each correlation exceeds its threshold, -1 where active; return a value and a place.

    The largest value is that over all atoms, as the certificate needs it: active ones exceed it too, by rounding. The
    place is that of the largest of the inactive atoms, which may enter.
    """
    g, excess = work.g, work.excess
    one = type(g[0])(1)
    if pen.positive:
        for j in range(g.shape[0]):
            excess[j] = g[j] * pen.inverse[j] - one
    else:
        for j in range(g.shape[0]):
            excess[j] = abs(g[j]) * pen.inverse[j] - one
    top = -one
    for a in range(k):
        top = max(top, excess[work.active[a]])
        excess[work.active[a]] = -one
    best = find(work.bits, largest(work.bits))
    return max(top, excess[best]), best


def _certify(c, pen, work, k, square_norm, top):
    """Return the duality gap at the residual scaled to be dual feasible, the squared residual and the penalty.

    The gap is a sum of terms none of which is negative.
    """
    scale = 1.0 / (1.0 + max(top, 0.0))
    slack = 0.0
    cost = 0.0
    for a in range(k):
        j = work.active[a]
        price = pen.entry[j] * abs(work.weight[a])
        slack += price - scale * work.weight[a] * work.g[j]
        cost += price
    error = square_error(c, work.g, work.active, work.weight, k, square_norm)
    return 0.5 * (1.0 - scale) ** 2 * error + max(slack, 0.0), error, cost


def _project(G, work, k, j):
    """Write products and coefficients of atom j on the active ones; return its squared distance to their span."""
    for a in range(k):
        work.column[a] = G[j, work.active[a]]
    multiply(work.R, k, work.column, work.u)
    multiply_transposed(work.R, k, work.u, work.coefficients)
    pivot = np.float64(G[j, j])
    for a in range(k):
        pivot -= work.u[a] * work.u[a]
    if pivot > PIVOT_REFINED * G[j, j]:
        return pivot
    for a in range(k):
        left = work.column[a]
        for b in range(k):
            left -= G[work.active[a], work.active[b]] * work.coefficients[b]
        work.turn[a] = left
    multiply(work.R, k, work.turn, work.target)
    pivot = np.float64(G[j, j])
    for a in range(k):
        work.u[a] += work.target[a]
        pivot -= work.u[a] * work.u[a]
    multiply_transposed(work.R, k, work.u, work.coefficients)
    return pivot


def _admit(G, c, pen, work, k, j, sign, weight):
    """Add atom j with its sign and weight; return k + 1, or k if it depends on the active atoms."""
    pivot = project(G, work, k, j)
    if pivot <= PIVOT_FLOOR * np.finfo(G.dtype).eps * G[j, j] or k + 1 == work.active.shape[0]:
        return k
    work.active[k] = j
    work.weight[k] = weight
    work.sign[k] = sign
    work.right[k] = c[j] - pen.entry[j] * sign
    append_basis(work.R, k, work.coefficients, pivot, work.right, work.y)
    return k + 1


def _drop(work, k, p):
    """Remove the active atom at place p; return k - 1."""
    delete_basis(work.R, k, p, work.y, work.turn)
    for a in range(p, k - 1):
        work.active[a] = work.active[a + 1]
        work.weight[a] = work.weight[a + 1]
        work.sign[a] = work.sign[a + 1]
        work.right[a] = work.right[a + 1]
    return k - 1


def _settle(work, k):
    """Move to the minimiser on the active set, dropping each atom whose sign would change on the way."""
    weight = work.weight
    target = work.target
    while k > 0:
        multiply_transposed(work.R, k, work.y, target)
        step = 1.0
        crossing = np.int64(-1)
        for a in range(k):
            if target[a] * work.sign[a] <= 0.0:
                reach = weight[a] / (weight[a] - target[a]) if weight[a] != 0.0 else 0.0
                if reach <= step:
                    step = reach
                    crossing = a
        if crossing < 0:
            for a in range(k):
                weight[a] = target[a]
            return k
        for a in range(k):
            weight[a] += step * (target[a] - weight[a])
        weight[crossing] = 0.0
        # Atoms that were admitted together and turn the wrong way leave together; one of them never does.
        for a in range(k - 1, -1, -1):
            if weight[a] == 0.0 and target[a] * work.sign[a] <= 0.0:
                k = drop(work, k, a)
    return k


def _exchange(G, c, pen, work, k, j, sign):
    """Let atom j, a combination of the active ones, take the place of the one whose weight vanishes first.

    `admit` has left the coefficients of j. Along the null direction the residual is constant and the penalty falls,
    since j violates its bound. Return the new k, or -1 if no weight falls along it, which only rounding can bring
    about.
    """
    step = np.inf
    leaving = np.int64(-1)
    for a in range(k):
        slope = sign * work.coefficients[a] * work.sign[a]
        if slope > 0.0 and abs(work.weight[a]) < step * slope:
            step = abs(work.weight[a]) / slope
            leaving = a
    if leaving < 0:
        return leaving
    for a in range(k):
        work.weight[a] -= step * sign * work.coefficients[a]
    k = drop(work, k, leaving)
    return admit(G, c, pen, work, k, j, sign, step * sign)


def _grow(G, c, pen, work, best, k):
    """Admit the atom that exceeds its threshold most, and others that come near it; return the new k."""
    excess = work.excess
    cut = excess[best] * ADMIT_SHARE
    before = k
    sign = 1.0 if work.g[best] > 0 else -1.0
    k = admit(G, c, pen, work, k, best, sign, 0.0)
    if k == before:
        exchanged = exchange(G, c, pen, work, k, best, sign)
        if exchanged >= 0:
            return exchanged
    excess[best] = -1
    near = np.int64(0)
    for j in range(excess.shape[0]):  # without a branch
        work.near[near] = j
        near += excess[j] > cut
    for m in range(near):
        if k - before < ADMIT_MOST:
            j = work.near[m]
            k = admit(G, c, pen, work, k, j, 1.0 if work.g[j] > 0 else -1.0, 0.0)
    return k


def _refine(pen, work, k):
    """Correct what rounding has left of the conditions for the active atoms, so that `settle` solves them anew."""
    for a in range(k):
        j = work.active[a]
        work.column[a] = work.g[j] - pen.entry[j] * work.sign[a]
    multiply(work.R, k, work.column, work.u)
    for a in range(k):
        work.y[a] += work.u[a]


def _warm_start(G, c, pen, work, w):
    """Take the support, signs and weights of w as the active set, and clear w; return its size."""
    k = np.int64(0)
    for j in range(w.shape[0]):
        if w[j] > 0 or (w[j] < 0 and not pen.positive):
            k = admit(G, c, pen, work, k, j, 1.0 if w[j] > 0 else -1.0, np.float64(w[j]))
        w[j] = 0
    return k


def _encode_rows(G, C, square_norms, pen, warm, tol, max_iter, work, stop, W, gaps, costs, n_iters, statuses):
    """Solve all rows of C, starting from the codes in W if `warm`, which are zero if not.

    The ridge of `pen` is on the diagonal of G already.
    """
    eps = np.finfo(G.dtype).eps
    for i in range(C.shape[0]):
        c = C[i]
        half = 0.5 * square_norms[i]
        n_iter = n_iters[i]
        idle = 0
        lowest = np.inf
        k = warm_start(G, c, pen, work, W[i]) if warm else np.int64(0)
        while True:
            k = settle(work, k)
            correlate(G, c, work.active, work.weight, k, work.g)
            top, best = measure_excess(pen, work, k)
            gap, error, cost = certify(c, pen, work, k, square_norms[i], top)
            objective = 0.5 * error + cost
            idle = 0 if objective < lowest * (1.0 - eps) else idle + 1
            lowest = min(lowest, objective)
            complete = not work.excess[best] > 0
            stalled = idle == (REFINEMENTS if complete else IDLE_PASSES)
            if gap <= tol * half or n_iter >= max_iter or stalled or not gap < np.inf:
                break
            if stop[0] != 0:
                return
            n_iter += 1
            if complete:
                refine(pen, work, k)
            else:
                k = grow(G, c, pen, work, best, k)
        ridge = 0.0
        for a in range(k):
            W[i, work.active[a]] = work.weight[a]
            ridge += pen.ridge * work.weight[a] * work.weight[a]
        gaps[i] = share(gap, half)
        costs[i] = cost + 0.5 * ridge
        n_iters[i] = n_iter
        statuses[i] = conclude(gap, gap <= tol * half, not stalled)


measure_excess = kernel(_measure_excess)
certify = kernel(_certify)
project = kernel(_project)
admit = kernel(_admit)
drop = kernel(_drop)
settle = kernel(_settle)
exchange = kernel(_exchange)
grow = kernel(_grow)
refine = kernel(_refine)
warm_start = kernel(_warm_start)
encode_rows = kernel(_encode_rows)
