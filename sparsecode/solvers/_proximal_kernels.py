"""Kernels of the proximal methods; see `coordinate_descent` and `forward_backward` for the mathematics."""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from ._active_set_kernel import correlate
from ._rows import CONVERGED, MAX_ITER, NON_FINITE, STALLED

#: Sweeps over the coefficients that are not zero between two looks at all atoms.
INNER_SWEEPS = 50

#: A row has stalled when so many looks at all atoms have not found its objective lower.
IDLE_PASSES = 10


class Workspace(NamedTuple):
    """Work arrays of one thread."""

    g: np.ndarray  # correlations of the atoms with the residual
    active: np.ndarray
    weight: np.ndarray
    z: np.ndarray
    moved: np.ndarray


def make_workspace(n_components, dtype):
    """Allocate the work arrays."""
    return Workspace(
        g=np.empty(n_components, dtype),
        active=np.empty(n_components, np.int64),
        weight=np.empty(n_components),
        z=np.empty(n_components, dtype),
        moved=np.empty(n_components, dtype),
    )


def _refresh(G, c, w, work):
    """Compute the correlations of the residual from w anew; return the number of coefficients not zero."""
    k = np.int64(0)
    for j in range(w.shape[0]):
        if w[j] != 0:
            work.active[k] = j
            work.weight[k] = w[j]
            k += 1
    correlate(G, c, work.active, work.weight, k, work.g)
    return k


def _measure(c, w, g, square_norm):
    """Return ``||x - w D||^2`` and the largest correlation of x, that of the zero code."""
    fit = 0.0
    largest = 0.0
    for j in range(c.shape[0]):
        fit += np.float64(w[j]) * (np.float64(c[j]) + g[j])
        largest = max(largest, abs(c[j]))
    return max(square_norm - fit, 0.0), largest


def _find_best(G, w, g, pen, steps):
    """Return the largest violation, the coordinate whose exact minimisation lowers the objective most, its minimiser.

    The coordinate is -1 if none lowers the objective.
    """
    worst = type(g[0])(0)
    best = type(g[0])(0)
    target = type(g[0])(0)
    place = np.int64(-1)
    for j in range(w.shape[0]):
        step = steps[j]
        size = g[j] if pen.positive else abs(g[j])
        if step == 0 or (w[j] == 0 and size <= pen.entry[j]):
            continue
        u = pen.prox(w[j] + step * g[j], step, j)
        change = u - w[j]
        worst = max(worst, abs(change) / step)
        gain = change * (g[j] - type(u)(0.5) * G[j, j] * change) + (pen.value(w[j], j) - pen.value(u, j))
        if gain > best:
            best = gain
            place = j
            target = u
    return worst, place, target


def _sweep(G, w, pen, steps, work, k, bound, sweeps):
    """Minimise over the k active coefficients one after the other until they violate optimality by at most bound."""
    for _ in range(sweeps):
        worst = type(w[0])(0)
        for a in range(k):
            j = work.active[a]
            step = steps[j]
            u = pen.prox(w[j] + step * work.g[j], step, j)
            change = u - w[j]
            if change != 0:
                worst = max(worst, abs(change) / step)
                w[j] = u
                for b in range(k):
                    work.g[work.active[b]] -= change * G[j, work.active[b]]
        if not worst > bound:
            return


def _take(G, w, work, k, place, u):
    """Set coefficient `place` to u and make it active; return the number of active coefficients."""
    if w[place] == 0:
        work.active[k] = place
        k += 1
    change = u - w[place]
    w[place] = u
    for a in range(k):
        work.g[work.active[a]] -= change * G[place, work.active[a]]
    return k


def _take_all(steps, work):
    """Make all atoms active that are not zero; return their number."""
    k = np.int64(0)
    for j in range(steps.shape[0]):
        if steps[j] > 0:
            work.active[k] = j
            k += 1
    return k


def _conclude(objective, done, exhausted):
    """Return the status of a row; what is neither done nor exhausted has stalled."""
    if not objective < np.inf:
        return NON_FINITE
    if done:
        return CONVERGED
    return MAX_ITER if exhausted else STALLED


def _descend_rows(
    G, C, square_norms, pen, steps, greedy, tol, max_iter, work, stop,
    W, certificates, errors, costs, n_iters, statuses,
):  # fmt: skip
    """Solve all rows of C, starting from the codes in W."""
    for i in range(C.shape[0]):
        c, w = C[i], W[i]
        n_iter = 0
        lowest = np.inf
        idle = 0
        while True:
            k = refresh(G, c, w, work)
            error, largest = measure(c, w, work.g, square_norms[i])
            worst, place, u = find_best(G, w, work.g, pen, steps)
            cost = pen.value_row(w)
            objective = 0.5 * error + cost
            idle = 0 if objective < lowest else idle + 1
            lowest = min(lowest, objective)
            bound = type(w[0])(tol * largest)
            done = worst <= bound
            stalled = place < 0 or idle == IDLE_PASSES
            if done or stalled or n_iter == max_iter or not objective < np.inf:
                break
            if stop[0] != 0:
                return
            n_iter += 1
            k = take(G, w, work, k, place, u) if greedy else take_all(steps, work)
            sweep(G, w, pen, steps, work, k, bound * type(w[0])(0.3), INNER_SWEEPS if greedy else 1)
        certificates[i] = worst / largest if largest > 0 else 0.0
        errors[i] = error
        costs[i] = cost
        n_iters[i] = n_iter
        statuses[i] = conclude(objective, done, not stalled)


def _forward_backward_rows(
    G, C, square_norms, pen, step, tol, max_iter, work, stop, W, certificates, errors, costs, n_iters, statuses
):
    """Solve all rows of C by proximal gradient steps, starting from the codes in W."""
    for i in range(C.shape[0]):
        c, w = C[i], W[i]
        z, moved = work.z, work.moved
        n_iter = 0
        while True:
            refresh(G, c, w, work)
            error, largest = measure(c, w, work.g, square_norms[i])
            for j in range(w.shape[0]):
                z[j] = w[j] + step * work.g[j]
            pen.prox_row(z, step, moved)
            worst = type(w[0])(0)
            for j in range(w.shape[0]):
                worst = max(worst, abs(moved[j] - w[j]))
            worst /= step
            done = worst <= tol * largest
            if done or n_iter == max_iter or not error < np.inf:
                break
            if stop[0] != 0:
                return
            n_iter += 1
            for j in range(w.shape[0]):
                w[j] = moved[j]
        certificates[i] = worst / largest if largest > 0 else 0.0
        errors[i] = error
        costs[i] = pen.value_row(w)
        n_iters[i] = n_iter
        statuses[i] = conclude(error, done, n_iter == max_iter)


refresh = kernel(_refresh)
measure = kernel(_measure)
find_best = kernel(_find_best)
sweep = kernel(_sweep)
take = kernel(_take)
take_all = kernel(_take_all)
conclude = kernel(_conclude)
descend_rows = kernel(_descend_rows)
forward_backward_rows = kernel(_forward_backward_rows)
