"""Active-set kernel for l1-type penalties on the Gram problem; see `active_set` for the mathematics."""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from .._core.products import aligned_empty
from ._gram_kernels import correlate, find, largest, list_above, square_error
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
    places: np.ndarray  # 0, 1, 2, ... of a vector


def make_workspace(n_components, max_active, dtype):
    """Allocate the work arrays for problems with at most `max_active` linearly independent atoms."""
    size = max_active + 1
    excess = aligned_empty(n_components, dtype)
    return Workspace(
        g=aligned_empty(n_components, dtype),
        excess=excess,
        bits=excess.view(f"i{excess.itemsize}"),
        near=np.empty(n_components + 1, np.int64),
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


def _square(u, k):
    """Return the sum of squares of the first k numbers."""
    total = 0.0
    for a in range(k):
        total += u[a] * u[a]
    return total


def _project(G, work, k, j):
    """Write products and coefficients of atom j on the active ones; return its squared distance to their span."""
    for a in range(k):
        work.column[a] = G[j, work.active[a]]
    multiply(work.R, k, work.column, work.u)
    multiply_transposed(work.R, k, work.u, work.coefficients)
    pivot = G[j, j] - square(work.u, k)
    if pivot > PIVOT_REFINED * G[j, j]:
        return pivot
    for a in range(k):
        left = work.column[a]
        for b in range(k):
            left -= G[work.active[a], work.active[b]] * work.coefficients[b]
        work.turn[a] = left
    multiply(work.R, k, work.turn, work.target)
    for a in range(k):
        work.u[a] += work.target[a]
    multiply_transposed(work.R, k, work.u, work.coefficients)
    return G[j, j] - square(work.u, k)


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
    delete_basis(work.R, k, p, work.y, work.turn, work.places)
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


def _make_room(work, k, sign):
    """Remove the active atom whose weight vanishes first where an atom that depends on them comes in.

    `admit` has left the coefficients of that atom. Along the null direction the residual is constant and the penalty
    falls, since the atom violates its bound. Return the new k, which is the old one if no weight falls along it, as
    only rounding can bring about, and the weight of that atom.
    """
    step = np.inf
    leaving = np.int64(-1)
    for a in range(k):
        slope = sign * work.coefficients[a] * work.sign[a]
        if slope > 0.0 and abs(work.weight[a]) < step * slope:
            step = abs(work.weight[a]) / slope
            leaving = a
    if leaving < 0:
        return k, 0.0
    for a in range(k):
        work.weight[a] -= step * sign * work.coefficients[a]
    return drop(work, k, leaving), step * sign


def _admit_listed(G, c, pen, work, k, n, most, w):
    """Admit up to `most` of the n atoms in `near`, those of a start with their weights in w; return the new k.

    The first of the others takes the place of an active atom if it depends on them.
    """
    before = k
    leave, weight = False, 0.0
    m = 0
    while m < n and k - before < most:
        j = work.near[m]
        start = np.float64(w[j])
        sign = 1.0 if start > 0.0 or (start == 0.0 and work.g[j] > 0) else -1.0
        had = k
        k = admit(G, c, pen, work, k, j, sign, weight if leave else start)
        if leave:
            return k
        if k == had and m == 0 and start == 0.0:
            k, weight = make_room(work, k, sign)
            leave = k < had
        w[j] = 0
        m += 0 if leave else 1
    return k


def _list_near(work, best):
    """List the atom that exceeds its threshold most, then others that come near it; return how many."""
    excess = work.excess
    cut = excess[best] * ADMIT_SHARE
    excess[best] = -1
    work.near[0] = best
    return list_above(excess, cut, work.near, np.int64(1))


def _refine(pen, work, k):
    """Correct what rounding has left of the conditions for the active atoms, so that `settle` solves them anew."""
    for a in range(k):
        j = work.active[a]
        work.column[a] = work.g[j] - pen.entry[j] * work.sign[a]
    multiply(work.R, k, work.column, work.u)
    for a in range(k):
        work.y[a] += work.u[a]


def _list_start(pen, work, w):
    """List the support of w without coefficients of a sign that is not allowed, which become zero; return its size."""
    n = np.int64(0)
    for j in range(w.shape[0]):
        if pen.positive:
            w[j] = max(w[j], type(w[j])(0))
        work.near[n] = j
        n += w[j] != 0
    return n


def _encode_rows(G, C, square_norms, pen, warm, tol, max_iter, work, stop, W, gaps, costs, n_iters, statuses):
    """Solve all rows of C, starting from the codes in W if `warm`, which are zero if not.

    The ridge of `pen` is on the diagonal of G already.
    """
    eps = np.finfo(G.dtype).eps
    for i in range(C.shape[0]):
        c, w = C[i], W[i]
        half = 0.5 * square_norms[i]
        n_iter = n_iters[i]
        idle = 0
        lowest = np.inf
        k = np.int64(0)
        n, most = list_start(pen, work, w) if warm else np.int64(0), w.shape[0]
        while True:
            k = admit_listed(G, c, pen, work, k, n, most, w)
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
                n = np.int64(0)
            else:
                n, most = list_near(work, best), ADMIT_MOST
        ridge = 0.0
        for a in range(k):
            w[work.active[a]] = work.weight[a]
            ridge += pen.ridge * work.weight[a] * work.weight[a]
        gaps[i] = share(gap, half)
        costs[i] = cost + 0.5 * ridge
        n_iters[i] = n_iter
        statuses[i] = conclude(gap, gap <= tol * half, not stalled)


measure_excess = kernel(_measure_excess)
certify = kernel(_certify)
square = kernel(_square)
project = kernel(_project)
admit = kernel(_admit)
drop = kernel(_drop)
settle = kernel(_settle)
make_room = kernel(_make_room)
admit_listed = kernel(_admit_listed)
list_near = kernel(_list_near)
refine = kernel(_refine)
list_start = kernel(_list_start)
encode_rows = kernel(_encode_rows)
