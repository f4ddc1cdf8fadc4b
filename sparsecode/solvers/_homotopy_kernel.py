"""Kernel of the homotopy method for l1; see `homotopy` for the mathematics."""

import numpy as np

from .._core.jit import kernel
from ._active_set_kernel import admit, certify, drop, measure_excess
from ._gram_kernels import correlate
from ._inverse_factor import multiply, multiply_transposed
from ._rows import MAX_ITER, conclude, share

#: Rates at which a correlation and the weight approach each other that are as good as zero.
PARALLEL = 1e-12

#: Steps between two computations of the correlations from the weights, by which rounding does not add up.
FRESH = 32


def _find_direction(G, zeros, work, k, slopes):
    """Write by how much weights (to `target`) and correlations (negative) change while the price falls by one."""
    for a in range(k):
        work.column[a] = work.sign[a]
    multiply(work.R, k, work.column, work.u)
    multiply_transposed(work.R, k, work.u, work.target)
    correlate(G, zeros, work.active, work.target, k, slopes)


def _find_entry(g, slopes, closed, alpha, step, positive, left, left_sign):
    """Return the first atom that reaches the price within the step, its sign, and how far that is."""
    entering = np.int64(-1)
    sign = 0.0
    for j in range(g.shape[0]):
        if closed[j]:
            continue
        rate = 1.0 + slopes[j]
        if rate > PARALLEL and not (j == left and left_sign > 0):
            reach = max(alpha - g[j], 0.0)
            if reach < step * rate:
                step, entering, sign = reach / rate, j, 1.0
        rate = 1.0 - slopes[j]
        if not positive and rate > PARALLEL and not (j == left and left_sign < 0):
            reach = max(alpha + g[j], 0.0)
            if reach < step * rate:
                step, entering, sign = reach / rate, j, -1.0
    return entering, sign, step


def _find_exit(work, k, step):
    """Return the place of the first active atom whose weight vanishes within the step, and how far that is."""
    leaving = np.int64(-1)
    for a in range(k):
        rate = -work.target[a] * work.sign[a]
        if rate > 0.0 and work.weight[a] * work.sign[a] <= step * rate:
            step, leaving = max(work.weight[a] * work.sign[a], 0.0) / rate, a
    return leaving, step


def _note(alpha, work, k, knot, alphas, ends, places, values):
    """Write the price of a knot and the weights that are not zero; return whether there was room for them."""
    place = ends[knot - 1] if knot > 0 else np.int64(0)
    if knot == alphas.shape[0] or place + k > places.shape[0]:
        return False
    alphas[knot] = alpha
    for a in range(k):
        places[place] = work.active[a]
        values[place] = work.weight[a]
        place += work.weight[a] != 0.0
    ends[knot] = place
    return True


def _follow_path(
    G, c, square_norm, pen, tol, alpha_min, zeros, work, closed, slopes, stop, alphas, ends, places, values
):  # fmt: skip
    """Follow the minimiser from the price at which it leaves zero; return knots, relative gap and status."""
    K = c.shape[0]
    alpha = 0.0
    for j in range(K):
        work.g[j] = c[j]
        closed[j] = not G[j, j] > 0.0
        if not closed[j]:
            alpha = max(alpha, c[j] if pen.positive else abs(c[j]))
    k = np.int64(0)
    knot = np.int64(0)
    left = np.int64(-1)
    left_sign = 0.0
    slopes[:] = 0.0
    room = note(alpha, work, k, knot, alphas, ends, places, values)
    event = 0  # rounding must not turn steps of length zero into a circle
    while alpha > alpha_min and stop[0] == 0 and room:
        event += 1
        find_direction(G, zeros, work, k, slopes)
        step = alpha - alpha_min
        leaving, step = find_exit(work, k, step)
        entering, sign, step = find_entry(work.g, slopes, closed, alpha, step, pen.positive, left, left_sign)
        left = np.int64(-1)
        alpha = alpha_min if leaving < 0 and entering < 0 else alpha - step
        for a in range(k):
            work.weight[a] += step * work.target[a]
        if knot % FRESH == FRESH - 1:
            correlate(G, c, work.active, work.weight, k, work.g)
        else:
            for j in range(K):
                work.g[j] += step * slopes[j]
        if entering >= 0:
            before = k
            k = admit(G, c, pen, work, k, entering, sign, 0.0)
            closed[entering] = True  # also if it depends on the active atoms, until one of them leaves
            if k == before:
                continue
        elif leaving >= 0:
            left, left_sign = work.active[leaving], work.sign[leaving]
            k = drop(work, k, leaving)
            for j in range(K):
                closed[j] = not G[j, j] > 0.0
            for a in range(k):
                closed[work.active[a]] = True
        if step > 0.0:
            knot += 1
        room = event < 4 * alphas.shape[0] and note(alpha, work, k, knot, alphas, ends, places, values)
    correlate(G, c, work.active, work.weight, k, work.g)
    top, _ = measure_excess(pen, work, k)
    gap, _, _ = certify(c, pen, work, k, square_norm, top)
    gap = share(gap, 0.5 * square_norm)
    status = conclude(gap, gap <= tol, False) if room else np.int64(MAX_ITER)
    return min(knot + 1, alphas.shape[0]), gap, status


find_direction = kernel(_find_direction)
find_entry = kernel(_find_entry)
find_exit = kernel(_find_exit)
note = kernel(_note)
follow_path = kernel(_follow_path)
