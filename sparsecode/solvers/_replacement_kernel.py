"""Kernel of single best replacement on the Gram problem; see `replacement` for the mathematics."""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from ._active_set_kernel import PIVOT_FLOOR, correlate, largest
from ._proximal_kernels import conclude
from ._pursuit_kernel import largest_correlation

#: A move must lower the objective by this share of ``0.5 ||x||^2``: below, it is rounding.
LEAST_GAIN = 1e-12


class Workspace(NamedTuple):
    """Work arrays of one thread; the first k entries of `active`, `weight` and rows of P, H are in use."""

    g: np.ndarray  # correlations of the atoms with the residual
    fresh: np.ndarray  # the same, computed anew once the support is found
    distance: np.ndarray  # squared distance of each atom to the span of the active ones
    free: np.ndarray  # the same, infinite for atoms that may not enter
    score: np.ndarray
    active: np.ndarray
    weight: np.ndarray
    P: np.ndarray  # inverse of the active Gram block
    H: np.ndarray  # P G[active]: coefficients of every atom on the active ones
    v: np.ndarray


def make_workspace(n_components, max_active, dtype):
    """Allocate the work arrays for at most `max_active` active atoms."""
    return Workspace(
        g=np.empty(n_components),
        fresh=np.empty(n_components, dtype),
        distance=np.empty(n_components),
        free=np.empty(n_components),
        score=np.empty(n_components),
        active=np.empty(max_active + 1, np.int64),
        weight=np.empty(max_active + 1),
        P=np.empty((max_active + 1, max_active + 1)),
        H=np.empty((max_active + 1, n_components)),
        v=np.empty(max_active + 1),
    )


def _insert(G, work, k, j):
    """Add atom j with its least-squares refit; return k + 1."""
    P, H, v = work.P, work.H, work.v
    inverse = 1.0 / work.distance[j]
    weight = work.g[j] * inverse
    for m in range(G.shape[0]):
        H[k, m] = G[j, m]
    for b in range(k):
        v[b] = H[b, j]
        row = work.active[b]
        for m in range(G.shape[0]):
            H[k, m] -= v[b] * G[row, m]
    for m in range(G.shape[0]):
        part = H[k, m]
        work.g[m] -= weight * part
        work.distance[m] -= part * part * inverse
        H[k, m] = part * inverse
    for b in range(k):
        work.weight[b] -= v[b] * weight
        for m in range(G.shape[0]):
            H[b, m] -= v[b] * H[k, m]
        for d in range(k):
            P[b, d] += v[b] * v[d] * inverse
        P[b, k] = P[k, b] = -v[b] * inverse
    P[k, k] = inverse
    work.active[k] = j
    work.weight[k] = weight
    return k + 1


def _remove(G, work, k, a):
    """Take out the active atom at place a, refit the others; the last one takes its place. Return k - 1."""
    P, H = work.P, work.H
    inverse = 1.0 / P[a, a]
    weight = work.weight[a] * inverse
    for m in range(G.shape[0]):
        part = H[a, m]
        work.g[m] += weight * part
        work.distance[m] += part * part * inverse
    for b in range(k):
        if b == a:
            continue
        share = P[b, a] * inverse
        work.weight[b] -= share * work.weight[a]
        for m in range(G.shape[0]):
            H[b, m] -= share * H[a, m]
        for d in range(k):
            if d != a:
                P[b, d] -= share * P[a, d]
    last = k - 1
    if a != last:
        work.active[a] = work.active[last]
        work.weight[a] = work.weight[last]
        for m in range(G.shape[0]):
            H[a, m] = H[last, m]
        for d in range(last):
            P[a, d] = P[last, d]
        for d in range(last):
            P[d, a] = P[d, last]
        P[a, a] = P[last, last]
    return last


def _find_addition(work, prices):
    """Return by how much the best addition lowers the objective, and its atom."""
    for j in range(prices.shape[0]):
        work.score[j] = 0.5 * work.g[j] * work.g[j] / work.free[j] - prices[j]
    best = largest(work.score)
    return best, find(work.score, best)


def _find(values, value):
    """Return the first place of a value that is among the values."""
    place = np.int64(0)
    while place < values.shape[0] - 1 and values[place] != value:
        place += 1
    return place


def _find_removal(work, prices, k):
    """Return by how much the best removal lowers the objective, and its place among the active atoms."""
    best = -np.inf
    place = np.int64(-1)
    for a in range(k):
        gain = prices[work.active[a]] - 0.5 * work.weight[a] * work.weight[a] / work.P[a, a]
        if gain > best:
            best = gain
            place = a
    return best, place


def _find_exchange(work, prices, k):
    """Return by how much the best exchange of an active atom lowers the objective, its place, and the new atom."""
    best = 0.0
    place = np.int64(-1)
    atom = np.int64(-1)
    for a in range(k):
        inverse = 1.0 / work.P[a, a]
        weight = work.weight[a] * inverse
        for j in range(prices.shape[0]):
            part = work.H[a, j]
            g = work.g[j] + weight * part
            work.score[j] = 0.5 * g * g / (work.free[j] + part * part * inverse) - prices[j]
        top = largest(work.score)
        gain = top - 0.5 * work.weight[a] * weight + prices[work.active[a]]
        if gain > best:
            best = gain
            place = a
            atom = find(work.score, top)
    return best, place, atom


def _renew(G, work, k, floor):
    """Mark the atoms that may enter: those that do not depend on the active ones."""
    for j in range(G.shape[0]):
        work.free[j] = work.distance[j] if work.distance[j] > floor * G[j, j] else np.inf
    for a in range(k):
        work.free[work.active[a]] = np.inf


def _begin(G, c, work):
    """Set up a row without active atoms."""
    for j in range(c.shape[0]):
        work.g[j] = c[j]
        work.distance[j] = G[j, j]


def _next_of_start(w, first, work, G, floor):
    """Return the first atom from `first` on that a given code uses and that may enter, -1 if there is none."""
    for j in range(first, w.shape[0]):
        if w[j] != 0 and work.distance[j] > floor * G[j, j]:
            return j
    return np.int64(-1)


def _choose_move(G, work, prices, k, most, floor, least):
    """Return the move that lowers the objective most: a place among the active atoms to vacate, an atom to insert.

    Either is -1 where it has no part in the move; both are if no move lowers the objective by `least`.
    """
    none = np.int64(-1)
    renew(G, work, k, floor)
    gain, atom = find_addition(work, prices)
    if k == most:
        gain = -np.inf
    removal, place = find_removal(work, prices, k)
    if gain > least and gain >= removal:
        return none, atom
    if removal > least:
        return place, none
    exchange, place, atom = find_exchange(work, prices, k)
    if exchange > least:
        return place, atom
    return none, none


def _certify(G, c, work, k, square_norm):
    """Refine the weights once; return the squared residual and the largest correlation of an active atom."""
    correlate(G, c, work.active, work.weight, k, work.fresh)
    for a in range(k):
        for b in range(k):
            work.weight[a] += work.P[a, b] * work.fresh[work.active[b]]
    correlate(G, c, work.active, work.weight, k, work.fresh)
    fit = 0.0
    worst = 0.0
    for a in range(k):
        j = work.active[a]
        fit += work.weight[a] * (np.float64(c[j]) + work.fresh[j])
        worst = max(worst, abs(np.float64(work.fresh[j])))
    return max(square_norm - fit, 0.0), worst


def _replace_rows(
    G, C, square_norms, prices, most, tol, max_iter, work, stop, W, certificates, errors, costs, n_iters, statuses
):
    """Solve all rows of C, starting from the supports of the codes in W."""
    floor = PIVOT_FLOOR * np.finfo(G.dtype).eps
    for i in range(C.shape[0]):
        c = C[i]
        least = LEAST_GAIN * 0.5 * square_norms[i]
        begin(G, c, work)
        k = np.int64(0)
        n_iter = 0
        ended = False
        starting = True
        atom = np.int64(-1)
        while n_iter < max_iter:
            if stop[0] != 0:
                return
            place = np.int64(-1)
            if starting:
                atom = next_of_start(W[i], atom + 1, work, G, floor)
                starting = atom >= 0 and k < most
            if not starting:
                place, atom = choose_move(G, work, prices, k, most, floor, least)
                n_iter += 1
            ended = place < 0 and atom < 0
            if ended:
                break
            if place >= 0:
                k = remove(G, work, k, place)
            if atom >= 0:
                k = insert(G, work, k, atom)
        errors[i], worst = certify(G, c, work, k, square_norms[i])
        size = largest_correlation(c)
        cost = 0.0
        for j in range(c.shape[0]):
            W[i, j] = 0
        for a in range(k):
            W[i, work.active[a]] = work.weight[a]
            cost += prices[work.active[a]]
        costs[i] = cost
        certificates[i] = worst / size if size > 0.0 else 0.0
        n_iters[i] = n_iter
        done = certificates[i] <= tol
        statuses[i] = conclude(errors[i] + worst, done and ended, not ended)


find = kernel(_find)
insert = kernel(_insert)
remove = kernel(_remove)
renew = kernel(_renew)
find_addition = kernel(_find_addition)
find_removal = kernel(_find_removal)
find_exchange = kernel(_find_exchange)
begin = kernel(_begin)
next_of_start = kernel(_next_of_start)
choose_move = kernel(_choose_move)
certify = kernel(_certify)
replace_rows = kernel(_replace_rows)
