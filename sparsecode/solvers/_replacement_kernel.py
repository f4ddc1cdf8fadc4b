"""Kernel of single best replacement on the Gram problem; see `replacement` for the mathematics."""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from .._core.products import aligned_empty
from ._cholesky import append_row, solve_backward, solve_forward
from ._gram_kernels import correlate, find, largest, largest_correlation
from ._rows import conclude, share

#: A move must lower the objective by this share of ``0.5 ||x||^2``: below, it is rounding.
LEAST_GAIN = 1e-12


class Workspace(NamedTuple):
    """Work arrays of one thread; the first k entries of `active`, `weight` and rows of P, H are in use."""

    g: np.ndarray  # correlations of the atoms with the residual
    fresh: np.ndarray  # the same, computed anew once the support is found
    distance: np.ndarray  # squared distance of each atom to the span of the active ones, infinite for these
    score: np.ndarray
    bits: np.ndarray  # of the same memory as integers
    active: np.ndarray
    weight: np.ndarray
    P: np.ndarray  # inverse of the active Gram block
    H: np.ndarray  # P G[active]: coefficients of every atom on the active ones
    v: np.ndarray
    L: np.ndarray  # Cholesky factor of the active Gram block


def make_workspace(n_components, max_active, dtype):
    """Allocate the work arrays for at most `max_active` active atoms."""
    score = aligned_empty(n_components, np.float64)
    return Workspace(
        g=aligned_empty(n_components, np.float64),
        fresh=aligned_empty(n_components, dtype),
        distance=aligned_empty(n_components, np.float64),
        score=score,
        bits=score.view(np.int64),
        active=np.empty(max_active, np.int64),
        weight=np.empty(max_active),
        P=np.empty((max_active, max_active)),
        H=aligned_empty((max_active, n_components), np.float64),
        v=np.empty(max_active + 1),
        L=np.empty((max_active, max_active)),
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
    work.distance[j] = np.inf
    return k + 1


def _remove(G, work, k, a):
    """Take out the active atom at place a, refit the others; the last one takes its place. Return k - 1."""
    P, H = work.P, work.H
    inverse = 1.0 / P[a, a]
    weight = work.weight[a] * inverse
    row = work.score  # a copy, so that the compiler sees it apart from the rows that change
    for m in range(G.shape[0]):
        part = row[m] = H[a, m]
        work.g[m] += weight * part
        work.distance[m] += part * part * inverse
    work.distance[work.active[a]] = inverse
    for b in range(k):
        if b == a:
            continue
        ratio = P[b, a] * inverse
        work.weight[b] -= ratio * work.weight[a]
        for m in range(G.shape[0]):
            H[b, m] -= ratio * row[m]
        for d in range(k):
            if d != a:
                P[b, d] -= ratio * P[a, d]
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


def _keeps_apart(G, work, k, j, distance, vacated, dependence):
    """Tell whether all active atoms keep away from the span of the others where j enters at a squared distance.

    `vacated` is the place of an atom that leaves for it, -1 for none. The squared distances are ``1 / P_aa``; where one
    is rounding, all that is known of the moves is.
    """
    for a in range(k):
        if a == vacated:
            continue
        own, part, row = work.P[a, a], work.H[a, j], work.active[a]
        if vacated >= 0:
            ratio = work.P[a, vacated] / work.P[vacated, vacated]
            own -= ratio * work.P[a, vacated]
            part -= ratio * work.H[vacated, j]
        if not (own + part * part / distance) * G[row, row] * dependence <= 1.0:
            return False
    return True


def _find_addition(G, work, prices, floors, k, dependence):
    """Return by how much the best addition lowers the objective, a negative number if none does, and its atom."""
    for j in range(prices.shape[0]):
        distance = work.distance[j]
        work.score[j] = 0.5 * work.g[j] * work.g[j] / distance - prices[j] if distance > floors[j] else -np.inf
    while True:
        place = find(work.bits, largest(work.bits))
        gain = work.score[place]
        if not gain > 0.0 or keeps_apart(G, work, k, place, work.distance[place], np.int64(-1), dependence):
            return gain, place
        work.score[place] = -np.inf


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


def _find_exchange(G, work, prices, highest, floors, k, least, dependence):
    """Return the best exchange, if it lowers the objective by more than `least`: a place to vacate, the new atom."""
    best = least
    place = np.int64(-1)
    atom = np.int64(-1)
    for a in range(k):
        inverse = 1.0 / work.P[a, a]
        weight = work.weight[a] * inverse
        loss = work.weight[a] * weight - 2.0 * prices[work.active[a]]
        # The question whether any atom beats the best one so far takes no division
        better = False
        for j in range(prices.shape[0]):
            part = work.H[a, j]
            g = work.g[j] + weight * part
            better |= g * g > (2.0 * (best + prices[j]) + loss) * (work.distance[j] + part * part * inverse)
        if not better:
            continue
        for j in range(prices.shape[0]):
            part = work.H[a, j]
            g = work.g[j] + weight * part
            distance = work.distance[j] + part * part * inverse
            work.score[j] = 0.5 * g * g / distance + (highest - prices[j]) if distance > floors[j] else 0.0
        while True:
            candidate = find(work.bits, largest(work.bits))
            gain = work.score[candidate] - highest - 0.5 * loss
            if not (gain > best and work.distance[candidate] < np.inf):
                break
            part = work.H[a, candidate]
            distance = work.distance[candidate] + part * part * inverse
            if keeps_apart(G, work, k, candidate, distance, a, dependence):
                best = gain
                place = a
                atom = candidate
                break
            work.score[candidate] = 0.0
    return place, atom


def _next_of_start(G, w, first, work, floors, k, dependence):
    """Return the first atom from `first` on that a given code uses and that may enter, -1 if there is none."""
    for j in range(first, w.shape[0]):
        distance = work.distance[j]
        if w[j] != 0 and distance > floors[j] and keeps_apart(G, work, k, j, distance, np.int64(-1), dependence):
            return j
    return np.int64(-1)


def _fresh_violation(G, c, work, k, inverse_norms):
    """Compute the correlations anew; return the largest magnitude for an active atom, over the norm of the atom."""
    correlate(G, c, work.active, work.weight, k, work.fresh)
    worst = 0.0
    for a in range(k):
        j = work.active[a]
        worst = max(worst, np.float64(abs(work.fresh[j]) * inverse_norms[j]))
    return worst


def _refit(G, c, work, k, inverse_norms):
    """Solve for the weights, free of the rounding of many moves, and compute the correlations anew.

    Return the largest magnitude for an active atom, over the norm of the atom.
    """
    worst = fresh_violation(G, c, work, k, inverse_norms)
    for a in range(k):
        for b in range(a + 1):
            work.v[b] = G[work.active[b], work.active[a]]
        if not append_row(work.L, a, work.v, 0.0) > 0.0:
            return worst
    for a in range(k):
        work.v[a] = work.fresh[work.active[a]]
    solve_forward(work.L, k, work.v, work.v)
    solve_backward(work.L, k, work.v, work.v)
    for a in range(k):
        work.weight[a] += work.v[a]
    return fresh_violation(G, c, work, k, inverse_norms)


def _violation(G, work, prices, k, inverse_norms, least):
    """Return the largest violation of a fixed point over the norm of its atom: atoms that would enter or leave.

    Gains up to `least` are rounding. Atoms without a price, of k-sparse codes, are chosen by comparison only.
    """
    worst = 0.0
    for j in range(prices.shape[0]):
        size = abs(np.float64(work.fresh[j]))
        if prices[j] > 0.0 and work.distance[j] < np.inf and 0.5 * size * size > (prices[j] + least) * G[j, j]:
            worst = max(worst, size * inverse_norms[j])
    for a in range(k):
        j = work.active[a]
        if 0.5 * work.weight[a] * work.weight[a] * G[j, j] < prices[j] - least:
            worst = max(worst, abs(work.weight[a]) * G[j, j] * inverse_norms[j])
    return worst


def _replace_rows(
    G, C, square_norms, prices, highest, floors, dependence, inverse_norms, most, tol, max_iter, work, stop,
    W, certificates, costs, n_iters, statuses,
):  # fmt: skip
    """Solve all rows of C, starting from the supports of the codes in W."""
    none = np.int64(-1)
    for i in range(C.shape[0]):
        c = C[i]
        least = LEAST_GAIN * 0.5 * square_norms[i]
        for j in range(c.shape[0]):
            work.g[j] = c[j]
            work.distance[j] = G[j, j]
        k = np.int64(0)
        n_iter = n_iters[i]
        ended = False
        starting = True
        atom = none
        while starting or n_iter < max_iter:
            if stop[0] != 0:
                return
            # A move has an atom to insert, a place among the active ones to vacate, or both
            place = none
            if starting:
                atom = next_of_start(G, W[i], atom + 1, work, floors, k, dependence)
                starting = atom >= 0 and k < most
                if not starting and n_iter >= max_iter:
                    break
            if not starting:
                n_iter += 1
                gain, atom = find_addition(G, work, prices, floors, k, dependence)
                removal, place = find_removal(work, prices, k)
                if k < most and gain > least and gain >= removal:
                    place = none
                elif removal > least:
                    atom = none
                else:
                    place, atom = find_exchange(G, work, prices, highest, floors, k, least, dependence)
                ended = place < 0 and atom < 0
                if ended:
                    break
            if place >= 0:
                k = remove(G, work, k, place)
            if atom >= 0:
                k = insert(G, work, k, atom)
        size = largest_correlation(c, inverse_norms)
        worst = refit(G, c, work, k, inverse_norms)
        worst = max(worst, violation(G, work, prices, k, inverse_norms, least))
        for j in range(c.shape[0]):
            W[i, j] = 0
        for a in range(k):
            W[i, work.active[a]] = work.weight[a]
        costs[i] = 0.0
        certificates[i] = share(worst, size)
        n_iters[i] = n_iter
        statuses[i] = conclude(square_norms[i] + worst, ended and certificates[i] <= tol, not ended)


insert = kernel(_insert)
remove = kernel(_remove)
keeps_apart = kernel(_keeps_apart)
find_addition = kernel(_find_addition)
find_removal = kernel(_find_removal)
find_exchange = kernel(_find_exchange)
next_of_start = kernel(_next_of_start)
fresh_violation = kernel(_fresh_violation)
refit = kernel(_refit)
violation = kernel(_violation)
replace_rows = kernel(_replace_rows)
