"""Kernel of normalised iterative hard thresholding; see `hard_thresholding` for the mathematics."""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from .._core.products import aligned_empty
from ._gram_kernels import collect, correlate, square_error
from ._proximal_kernels import start_row
from ._pursuit_kernel import ROUNDING
from ._rows import conclude, share

#: Least share of the fall that a step promises.
SUFFICIENT = 0.01

#: Steps that leave the support as it is before weights are solved for. Errors of 1000 patches (K = 288) for 3, 5, 10
#: and 20 atoms: after 1 step 6.10, 4.50, 2.65, 1.27; after 4 5.98, 4.36, 2.48, 1.22; after 11 5.93, 4.31, 2.43, 1.17;
#: after 31 5.92, 4.30, 2.42, 1.15. Without 5.92, 4.30, 2.41, 1.15, for 1.4 to 6 times as many steps as after 11.
STEADY = 11

#: Statuses of rows that have not ended: at the beginning, and where least squares on the support is due.
BEGUN, REFITTED = -1, -2

#: How often a step is halved at most: then it changes no support any more.
HALVINGS = 60


class Workspace(NamedTuple):
    """Work arrays of one thread."""

    g: np.ndarray  # correlations of the atoms with the residual
    p: np.ndarray  # g over the squared norms of the atoms
    z: np.ndarray
    moved: np.ndarray
    active: np.ndarray
    weight: np.ndarray


def make_workspace(n_components, dtype):
    """Allocate the work arrays."""
    vectors = (aligned_empty(n_components, dtype) for _ in range(4))
    return Workspace(*vectors, np.empty(n_components, np.int64), aligned_empty(n_components, np.float64))


def _quadratic_form(G, active, weight, k):
    """Return ``||weight D[active]||^2``."""
    total = 0.0
    for a in range(k):
        row = 0.0
        for b in range(a):
            row += weight[b] * G[active[a], active[b]]
        total += weight[a] * (row + row + weight[a] * G[active[a], active[a]])
    return total


def _best_step(G, pen, work, k, w, free):
    """Return the exact step along p for the atoms of w, or, if `free`, for those that p would let in; 0 for none."""
    if free:
        pen.prox_row(work.p, work.p.dtype.type(1), work.moved)
        k = collect(work.moved, work.active, work.weight)
    fall = 0.0
    for a in range(k):
        j = work.active[a]
        work.weight[a] = work.p[j]
        fall += np.float64(work.g[j]) * work.weight[a]
    curvature = quadratic_form(G, work.active, work.weight, k)
    return fall / curvature if fall > 0.0 and curvature > 0.0 else 0.0


def _turn(G, pen, work, w, step):
    """Write the step to `moved`, halved until the objective falls enough; tell whether the support changes."""
    for _ in range(HALVINGS):
        length = w.dtype.type(step)
        for j in range(w.shape[0]):
            work.z[j] = w[j] + length * work.p[j]
        pen.prox_row(work.z, length, work.moved)
        turned = False
        for j in range(w.shape[0]):
            turned |= (work.moved[j] == 0) != (w[j] == 0)
            work.z[j] = work.moved[j] - w[j]
        if not turned:
            return False
        m = collect(work.z, work.active, work.weight)
        fall = -0.5 * quadratic_form(G, work.active, work.weight, m)
        square = 0.0
        for a in range(m):
            j = work.active[a]
            fall += work.weight[a] * work.g[j]
            square += work.weight[a] * work.weight[a] * G[j, j]
        if 2.0 * step * fall >= SUFFICIENT * square:
            return True
        step *= 0.5
    return False


def _threshold_rows(
    G, C, square_norms, pen, inverse_norms, tol, max_iter, work, stop, W, certificates, lowest, n_iters, statuses
):  # fmt: skip
    """Go on with the rows of C that are `BEGUN` or `REFITTED`, until they end or are to be refitted.

    `pen` compares coefficients times the norms of their atoms; `lowest` are the errors that refits have reached.
    """
    eps = np.finfo(G.dtype).eps
    zero = G.dtype.type(0)
    for i in range(C.shape[0]):
        if statuses[i] != BEGUN and statuses[i] != REFITTED:
            continue
        c, w = C[i], W[i]
        rounding = ROUNDING * eps * np.sqrt(square_norms[i])
        size = start_row(c, w, inverse_norms)
        refitted = statuses[i] == REFITTED
        steady = 0
        n_iter = n_iters[i]
        while True:
            k = collect(w, work.active, work.weight)
            correlate(G, c, work.active, work.weight, k, work.g)
            error = square_error(c, work.g, work.active, work.weight, k, square_norms[i])
            worst = 0.0
            for a in range(k):
                j = work.active[a]
                worst = max(worst, np.float64(abs(work.g[j]) * inverse_norms[j]))
            settled = worst <= tol * size
            for j in range(c.shape[0]):
                p = work.g[j] * inverse_norms[j]
                work.p[j] = p * inverse_norms[j] if abs(p) > rounding else zero
            # From least squares only other atoms can lower the error, and not by less than a rounding
            idle = settled and not error < lowest[i] - eps * square_norms[i]
            step = 0.0 if idle else best_step(G, pen, work, k, w, settled)
            turned = step > 0.0 and turn(G, pen, work, w, step)
            if settled:
                lowest[i] = error
            ended = settled and not turned
            stuck = refitted and not turned
            if ended or stuck or n_iter >= max_iter or not error < np.inf:
                certificates[i] = share(worst, size)
                statuses[i] = conclude(error + size, ended, not stuck)
                break
            if stop[0] != 0:
                return
            n_iter += 1
            steady = 0 if turned else steady + 1
            refitted = False
            if steady == STEADY or step == 0.0:
                statuses[i] = REFITTED
                break
            for j in range(c.shape[0]):
                w[j] = work.moved[j]
        n_iters[i] = n_iter


quadratic_form = kernel(_quadratic_form)
best_step = kernel(_best_step)
turn = kernel(_turn)
threshold_rows = kernel(_threshold_rows)
