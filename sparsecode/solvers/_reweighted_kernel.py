"""Kernel of iteratively reweighted l1; see `reweighted` for the mathematics."""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from ._active_set_kernel import (
    ADMIT_MOST,
    IDLE_PASSES,
    admit_listed,
    certify,
    list_near,
    list_start,
    measure_excess,
    settle,
)
from ._gram_kernels import correlate
from ._inverse_factor import multiply
from ._proximal_kernels import start_row


class Slopes(NamedTuple):
    """``min(slope, max(top - curvature m, 0)) / (1 + rate m)``, the slopes of a penalty at magnitudes m, by atom."""

    slope: np.ndarray
    top: np.ndarray
    curvature: np.ndarray
    rate: float
    floor: float  # share of the slope at zero that stands for none: weights are divided by


def _weigh(slopes, m, j):
    """Return the slope at magnitude m of the coefficient of atom j, or a rounding of that at zero if it is less."""
    slope = min(slopes.slope[j], max(slopes.top[j] - slopes.curvature[j] * m, 0.0))
    return max(slope / (1.0 + slopes.rate * m), slopes.floor * slopes.slope[j])


def _start_weights(slopes, pen, w):
    """Write the weights for a code that is given."""
    for j in range(w.shape[0]):
        pen.entry[j] = weigh(slopes, np.float64(abs(w[j])), j)
        pen.inverse[j] = pen.entry.dtype.type(1) / pen.entry[j]


def _reweigh(slopes, c, pen, inverse_norms, work, k):
    """Write the weights for the present code; return the largest change of one over the norm of its atom."""
    change = 0.0
    for a in range(k):
        j = work.active[a]
        weight = weigh(slopes, abs(work.weight[a]), j)
        change = max(change, abs(weight - pen.entry[j]) * inverse_norms[j])
        work.column[a] = weight
    one = pen.entry.dtype.type(1)
    for j in range(c.shape[0]):
        pen.entry[j] = slopes.slope[j]
    for a in range(k):
        pen.entry[work.active[a]] = work.column[a]
    for j in range(c.shape[0]):
        pen.inverse[j] = one / pen.entry[j]
    for a in range(k):
        j = work.active[a]
        work.right[a] = c[j] - pen.entry[j] * work.sign[a]
    multiply(work.R, k, work.right, work.y)
    return change


def _reweighted_rows(G, C, square_norms, pen, slopes, inverse_norms, most, tol, max_iter, work, stop, W, n_iters):
    """Code all rows of C with up to `most` weightings, starting from W; `pen` has room for the weights of a row."""
    eps = np.finfo(G.dtype).eps
    for i in range(C.shape[0]):
        c, w = C[i], W[i]
        size = start_row(c, w, inverse_norms)
        start_weights(slopes, pen, w)
        k = np.int64(0)
        n, at_once = list_start(pen, work, w), w.shape[0]
        n_iter = n_iters[i]
        lowest = np.inf
        idle = weightings = 0
        while True:
            k = admit_listed(G, c, pen, work, k, n, at_once, w)
            k = settle(work, k)
            correlate(G, c, work.active, work.weight, k, work.g)
            top, best = measure_excess(pen, work, k)
            _, error, cost = certify(c, pen, work, k, square_norms[i], top)
            objective = 0.5 * error + cost  # of the weighted problem
            idle = 0 if objective < lowest * (1.0 - eps) else idle + 1
            lowest = min(lowest, objective)
            if not work.excess[best] > 0 or idle == IDLE_PASSES:
                weightings += 1
                if weightings == most or reweigh(slopes, c, pen, inverse_norms, work, k) <= tol * size:
                    break
                lowest = np.inf
                idle = 0
                n = np.int64(0)
                continue
            if n_iter >= max_iter or not objective < np.inf:
                break
            if stop[0] != 0:
                return
            n_iter += 1
            n, at_once = list_near(work, best), ADMIT_MOST
        for a in range(k):
            w[work.active[a]] = work.weight[a]
        n_iters[i] = n_iter


weigh = kernel(_weigh)
start_weights = kernel(_start_weights)
reweigh = kernel(_reweigh)
reweighted_rows = kernel(_reweighted_rows)
