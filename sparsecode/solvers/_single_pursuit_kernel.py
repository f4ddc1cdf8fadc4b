"""Kernel of pursuit that looks for atoms in float32, of problems in either precision; see `pursuit`.

Rows and atoms have unit norm here. In float64 an atom is taken only where it is the best one whatever errors float32
has made; where that cannot be told the row is `UNSURE`. Weights are those of the problem's own numbers.
"""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from .._core.products import aligned_empty
from ._cholesky import solve_backward, solve_forward
from ._gram_kernels import find, largest
from ._pursuit_kernel import ROUNDING, subtract_fit
from ._rows import conclude, share

#: Status of a row whose atoms float32 cannot tell apart.
UNSURE = 4

#: Bound of the errors of correlations and of squared distances of unit rows and atoms, in roundings times the root of
#: the number of terms over the smallest squared distance of an atom that entered. The largest found was 4.0, with 200
#: atoms of 60 features near a space of 30; on whitened patches 2.5.
ERROR = 8.0

#: Norms of rows from which squares are exact enough.
LEAST_NORM = 1e-140

#: Times that weights are refined at most.
REFINEMENTS = 3


class Workspace(NamedTuple):
    """Work arrays of one thread; the first k entries of `active` and those that follow it are in use."""

    distance: np.ndarray  # squared distances of the atoms to the span of the active ones
    scale: np.ndarray  # of the scores, 0 where an atom cannot enter
    score: np.ndarray  # not negative; where choices are to be sure, not below what exact numbers would give
    bits: np.ndarray  # of the same memory as integers
    Q: np.ndarray  # correlations of all atoms with an orthonormal basis of that span
    sums: np.ndarray  # two rows
    part: np.ndarray  # of an atom on the basis, then zeros
    active: np.ndarray
    c: np.ndarray
    weight: np.ndarray
    y: np.ndarray  # coefficients of the sample on the basis
    L: np.ndarray  # Cholesky factor of the active Gram block; its diagonal holds reciprocals
    block: np.ndarray  # lower half of the active Gram block
    right: np.ndarray
    error: np.ndarray


def make_workspace(n_padded, most):
    """Allocate the work arrays for at most `most` active atoms, for atoms padded with zeros."""
    score = aligned_empty(n_padded, np.float32)
    return Workspace(
        distance=aligned_empty(n_padded, np.float32),
        scale=aligned_empty(n_padded, np.float32),
        score=score,
        bits=score.view(np.int32),
        Q=aligned_empty((most, n_padded), np.float32),
        sums=aligned_empty((2, n_padded), np.float32),
        part=np.zeros(most + 4, np.float32),
        active=np.empty(most, np.int64),
        c=np.empty(most),
        weight=np.empty(most),
        y=np.empty(most),
        L=np.empty((most, most)),
        block=np.empty((most, most)),
        right=np.empty(most),
        error=np.empty(most),
    )


def _unit_rows(X, square_norms, rows):
    """Write the squared norms of the rows, and the rows in float32 and of unit norm."""
    for i in range(X.shape[0]):
        x, row = X[i], rows[i]
        total = 0.0
        for f in range(x.shape[0]):
            total += np.float64(x[f]) * np.float64(x[f])
        square_norms[i] = total
        inverse = 1.0 / np.sqrt(total) if total > 0.0 else 0.0
        for f in range(x.shape[0]):
            row[f] = np.float32(x[f] * inverse)


def _begin(g, scale, error, distance, score):
    """Begin a row, where nothing is active."""
    one = np.float32(1)
    for j in range(g.shape[0]):
        distance[j] = one
        upper = abs(g[j]) + error
        score[j] = upper * upper * scale[j]


def _subtract(start, r0, r1, r2, r3, p, out):
    """Write what four rows leave of `start`."""
    p0, p1, p2, p3 = p[0], p[1], p[2], p[3]
    for m in range(out.shape[0]):
        out[m] = start[m] - ((p0 * r0[m] + p1 * r1[m]) + (p2 * r2[m] + p3 * r3[m]))


def _advance(start, r0, r1, r2, r3, p, shrink, step, error, floor, turn, scale, q, g, distance, score):
    """Write the correlations of a new member of the basis, and bring correlations, distances and scores up to date."""
    p0, p1, p2, p3 = p[0], p[1], p[2], p[3]
    for m in range(q.shape[0]):
        v = shrink * (start[m] - ((p0 * r0[m] + p1 * r1[m]) + (p2 * r2[m] + p3 * r3[m])))
        left = g[m] - step * v
        near = distance[m] - turn * v * v
        q[m] = v
        g[m] = left
        distance[m] = near
        upper = abs(left) + error
        score[m] = upper * upper * scale[m] / max(near - error, floor)


def _enter(unit, g, work, k, j, pivot, error, floor, turn):
    """Add atom j to the active ones: extend the basis, project the sample on it, score the atoms."""
    Q, part, inverse = work.Q, work.part, 1.0 / np.sqrt(pivot)
    work.L[k, k] = inverse
    work.active[k] = j
    work.y[k] = g[j] * inverse
    shrink, step = np.float32(inverse), np.float32(work.y[k])
    start, last, a = unit[j], max(k - 1, 0), np.int64(0)
    while k - a > 4:
        out = work.sums[(a // 4) % 2]
        subtract(start, Q[a], Q[a + 1], Q[a + 2], Q[a + 3], part[a : a + 4], out)
        start = out
        a += 4
    four, q = part[a : a + 4], Q[k]
    r0, r1, r2, r3 = start, start, start, start
    if k > 0:
        r0, r1, r2, r3 = Q[a], Q[min(a + 1, last)], Q[min(a + 2, last)], Q[min(a + 3, last)]
    advance(start, r0, r1, r2, r3, four, shrink, step, error, floor, turn, work.scale, q, g, work.distance, work.score)


def _choose(g, work, level, rounding, error, sure):
    """Return the atom with the largest score, -1 if none is to enter, -2 if float32 does not tell which."""
    score = work.score
    place = find(work.bits, largest(work.bits))
    if not score[place] > level:
        return np.int64(-1)
    size = abs(g[place])
    if not sure:
        return place if size > rounding else np.int64(-1)
    lower = max(size - error, np.float32(0))
    lower *= lower * work.scale[place] / (work.distance[place] + error)
    rivals = np.int32(0)
    for j in range(score.shape[0]):
        rivals += np.int32(score[j] >= lower)
    return place if lower > level and rivals == 1 else np.int64(-2)


def _solve_weights(G, shorts, x, D, work, k, inverses, inverse, bound):
    """Solve for the weights of the active atoms, and refine them; return the largest error of a correlation."""
    for a in range(k):
        j = work.active[a]
        row, of_row, total = D[j], G[j], x.dtype.type(0)
        for f in range(x.shape[0]):
            total += x[f] * row[f]
        work.c[a] = np.float64(total) * inverses[j] * inverse
        for b in range(a + 1):
            i = work.active[b]
            work.block[a, b] = np.float64(of_row[i]) * shorts[i] * shorts[j]
        work.weight[a] = 0.0
        work.right[a] = work.y[a]
    worst = np.inf
    for _ in range(REFINEMENTS + 1):
        solve_backward(work.L, k, work.right, work.error)
        for a in range(k):
            work.weight[a] += work.error[a]
            work.error[a] = work.c[a]
        subtract_fit(work.block, work.weight, k, work.error)
        worst = 0.0
        for a in range(k):
            worst = max(worst, abs(work.error[a]))
        if worst <= bound:
            break
        solve_forward(work.L, k, work.error, work.right)
    return worst


def _pursue_single_rows(
    G, shorts, X, D, unit, C, square_norms, scale, inverses, level, dependence, sure, recursive, most, tol, max_iter,
    work, stop, W, certificates, costs, n_iters, statuses,
):  # fmt: skip
    """Code all rows of C, which become correlations with residuals; W must be zero on entry.

    `G` and `shorts` give the Gram matrix of unit atoms in the problem's precision, as ``G[i, j] shorts[i] shorts[j]``.
    """
    eps, rounding = np.finfo(D.dtype).eps, np.float32(ROUNDING) * np.finfo(np.float32).eps
    roundings, terms = ERROR * 0.5 * np.float64(np.finfo(np.float32).eps), X.shape[1] / 16.0
    bound = eps if sure else 4.0 * eps
    zero, turn, floor = np.float32(0), np.float32(1 if recursive else 0), np.float32(dependence)
    passed = True
    for i in range(C.shape[0]):
        if passed:
            for j in range(scale.shape[0]):
                work.scale[j] = scale[j]
        g, norm = C[i], np.sqrt(square_norms[i])
        inverse = 1.0 / norm if norm > 0.0 else 0.0
        high, least = level * inverse, 1.0
        error = np.float32(roundings * np.sqrt(terms)) if sure else zero
        for j in range(g.shape[0]):
            work.score[j] = abs(g[j])
        size = np.float64(work.score[find(work.bits, largest(work.bits))])
        begin(g, work.scale, error, work.distance, work.score)
        k, passed = np.int64(0), False
        n_iter = n_iters[i]
        while True:
            place = choose(g, work, np.float32(high * high), rounding, error, sure) if k < most else np.int64(-1)
            ended = place < 0
            if ended or n_iter >= max_iter:
                break
            if stop[0] != 0:
                return
            n_iter += 1
            pivot = 1.0
            for a in range(k):
                part = work.Q[a, place]
                work.part[a] = part
                work.L[k, a] = part
                pivot -= np.float64(part) * np.float64(part)
            work.scale[place] = work.score[place] = zero
            if pivot - error > dependence:
                for a in range(k, k + 4):
                    work.part[a] = zero
                least = min(least, pivot)
                if sure:
                    error = np.float32(roundings * np.sqrt(terms + k + 1) / least)
                enter(unit, g, work, k, place, pivot, error, floor, turn)
                k += 1
            elif sure:
                place = np.int64(-2)
                break
            else:
                passed = True
        violation = solve_weights(G, shorts, X[i], D, work, k, inverses, inverse, bound * size)
        certificates[i] = share(violation, size)
        for a in range(k):
            j = work.active[a]
            W[i, j] = work.weight[a] * norm * inverses[j]
            work.scale[j] = scale[j]
        costs[i] = 0.0
        n_iters[i] = n_iter
        statuses[i] = conclude(square_norms[i] + certificates[i], ended and certificates[i] <= tol, not ended)
        if sure and (place == -2 or violation > bound * size or norm < LEAST_NORM):
            statuses[i] = UNSURE


unit_rows = kernel(_unit_rows)
begin = kernel(_begin, disjoint=True)
subtract = kernel(_subtract, disjoint=True)
advance = kernel(_advance, disjoint=True)
enter = kernel(_enter)
choose = kernel(_choose)
solve_weights = kernel(_solve_weights)
pursue_single_rows = kernel(_pursue_single_rows)
