"""Kernel of the locally competitive algorithm; see `lca` for the mathematics."""

import numpy as np

from .._core.jit import kernel
from ._gram_kernels import square_error
from ._proximal_kernels import certify, find_best, refresh, start_row
from ._rows import conclude

#: Time constants after which a row has stalled, if they lowered neither its objective nor its certificate: potentials
#: have by then come within exp(-40) of where they go.
PATIENCE = 40.0

#: Where threshold jumps, they fall by this factor in a step, from this share of the largest correlation.
COOLING, FIRST_SHARE = 0.98, 0.5


def _start(w, g, pen, gap, norms, inverse_norms, heat, u):
    """Write potentials whose thresholds are the code w: those of silent atoms are as near to g as they may be."""
    zero = type(w[0])(0)
    for j in range(w.shape[0]):
        level = heat * pen.entry[j] * inverse_norms[j]
        if w[j] == zero:
            drive = g[j] * inverse_norms[j]
            u[j] = min(drive, level) if pen.positive else min(max(drive, -level), level)
        else:
            u[j] = norms[j] * w[j]
            if gap.applies:
                slope = pen.entry[j] if w[j] > zero else -pen.entry[j]
                u[j] += (slope + type(w[0])(gap.ridge) * w[j]) * inverse_norms[j]


def _advance(w, g, pen, gap, steps, norms, inverse_norms, rate, heat, u):
    """Take one step of the potentials u, and of the code w that they make.

    Where thresholds jump, those of silent atoms are raised by the factor `heat`, and of the atoms that rise above
    theirs only the strongest becomes active. The others wait at theirs, as they would in a shorter step: the first to
    arrive inhibits them.
    """
    zero = type(w[0])(0)
    first = np.int64(-1)
    most = strongest = winner = zero
    for j in range(w.shape[0]):
        u[j] += rate * (g[j] * inverse_norms[j] + norms[j] * w[j] - u[j])
        raised = heat if w[j] == zero else type(heat)(1)
        target = raised * pen.prox(u[j] * inverse_norms[j] / raised, steps[j], j)
        if gap.applies or w[j] != zero or target == zero:
            w[j] = target
            continue
        level = heat * pen.entry[j] * inverse_norms[j]
        over = abs(u[j]) / level
        if over > most:
            most = over
            strongest = u[j]
            winner = target
            first = j
        u[j] = level if u[j] > zero else -level
    if first >= 0:
        u[first] = strongest
        w[first] = winner


def _lca_rows(
    G, C, square_norms, pen, gap, steps, norms, inverse_norms, rate, tol, max_iter, work, stop,
    W, certificates, costs, n_iters, statuses,
):  # fmt: skip
    """Let the potentials of all rows of C settle, starting from the codes in W."""
    one = type(rate)(1)
    patience = np.int64(PATIENCE / rate)
    for i in range(C.shape[0]):
        c, w, u = C[i], W[i], work.z
        half = 0.5 * square_norms[i]
        largest = start_row(c, w, inverse_norms)
        heat = one
        lowest = least = np.inf
        idle = 0
        n_iter = n_iters[i]
        started = False
        while True:
            k = refresh(G, c, w, work)
            if not started:
                started = True
                if not gap.applies and k == 0:
                    for j in range(w.shape[0]):
                        size = c[j] if pen.positive else abs(c[j])
                        heat = max(heat, type(rate)(FIRST_SHARE) * size / pen.entry[j])
                start(w, work.g, pen, gap, norms, inverse_norms, heat, u)
            error = square_error(c, work.g, work.active, work.weight, k, square_norms[i])
            cost = pen.value_row(w)
            objective = 0.5 * error + cost
            worst, gain, _, _ = find_best(G, w, work.g, pen, steps, inverse_norms)
            certificate = certify(w, work.g, gap, worst, error, largest, half)
            idle = 0 if objective < lowest or certificate < least or heat > one else idle + 1
            lowest = min(lowest, objective)
            least = min(least, certificate)
            # Where a threshold jumps, a coefficient that moves little may still save a whole price
            done = certificate <= tol and (gap.applies or gain <= tol * half)
            stalled = idle > patience
            if done or stalled or n_iter >= max_iter or not objective < np.inf:
                break
            if stop[0] != 0:
                return
            n_iter += 1
            heat = max(one, type(rate)(COOLING) * heat)
            advance(w, work.g, pen, gap, steps, norms, inverse_norms, rate, heat, u)
        certificates[i] = certificate
        costs[i] = cost
        n_iters[i] = n_iter
        statuses[i] = conclude(objective, done, not stalled)


start = kernel(_start)
advance = kernel(_advance)
lca_rows = kernel(_lca_rows)
