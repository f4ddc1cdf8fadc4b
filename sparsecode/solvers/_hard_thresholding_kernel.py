"""Kernel of normalised iterative hard thresholding; see `hard_thresholding` for the mathematics."""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from .._core.products import aligned_empty
from ._gram_kernels import collect, correlate, square_error
from ._least_squares_kernel import Workspace as LeastSquares
from ._least_squares_kernel import make_workspace as make_least_squares
from ._least_squares_kernel import pursue_positive, refit_support
from ._proximal_kernels import start_row
from ._pursuit_kernel import ROUNDING
from ._rows import conclude, share

#: Least share of the fall that a step promises.
SUFFICIENT = 0.01

#: Steps that leave the support as it is before weights are solved for. Errors of 1000 patches (K = 288) for 3, 5, 10
#: and 20 atoms: after 1 step 6.10, 4.50, 2.65, 1.27; after 4 5.98, 4.36, 2.48, 1.22; after 11 5.93, 4.31, 2.43, 1.17;
#: after 31 5.92, 4.30, 2.42, 1.15. Without 5.92, 4.30, 2.41, 1.15, for 1.4 to 6 times as many steps as after 11.
STEADY = 11

#: How often a step is halved at most: then it changes no support any more.
HALVINGS = 60


class Workspace(NamedTuple):
    """Work arrays of one thread."""

    least: LeastSquares  # of refits
    g: np.ndarray  # correlations of the atoms with the residual
    p: np.ndarray  # g over the squared norms of the atoms
    z: np.ndarray
    moved: np.ndarray
    active: np.ndarray
    weight: np.ndarray


def make_workspace(n_components, most, dtype):
    """Allocate the work arrays for at most `most` active atoms."""
    vectors = (aligned_empty(n_components, dtype) for _ in range(4))
    least = make_least_squares(n_components, most, dtype)
    return Workspace(least, *vectors, np.empty(n_components, np.int64), aligned_empty(n_components, np.float64))


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


def _refit(G, c, positive, inverse_norms, rounding, dependence, work, stop, w):
    """Replace w by least squares on its support, without negative coefficients if `positive`."""
    least, zero = work.least, w.dtype.type(0)
    if positive:
        size = np.int64(0)
        for j in range(w.shape[0]):
            least.allowed[j] = inverse_norms[j] if w[j] != 0 else zero
            size += w[j] != 0
        most = np.int64(least.active.shape[0])
        k, _, _ = pursue_positive(
            G, c, least, least.allowed, inverse_norms, 0.0, rounding, dependence, most, 10 * size, stop, np.int64(0)
        )
    else:
        k = refit_support(G, c, least, dependence, w)
    for j in range(w.shape[0]):
        w[j] = zero
    for a in range(k):
        w[least.active[a]] = least.weight[a]


def _threshold_rows(
    G, C, square_norms, pen, inverse_norms, dependence, tol, max_iter, work, stop,
    W, certificates, costs, n_iters, statuses,
):  # fmt: skip
    """Code all rows of C, starting from the codes in W; `pen` compares coefficients times the norms of their atoms."""
    eps = np.finfo(G.dtype).eps
    zero = G.dtype.type(0)
    for i in range(C.shape[0]):
        c, w = C[i], W[i]
        rounding = ROUNDING * eps * np.sqrt(square_norms[i])
        size = start_row(c, w, inverse_norms)
        lowest = np.inf
        steady = 0
        refitted = ended = False
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
            idle = settled and not error < lowest - eps * square_norms[i]
            step = 0.0 if idle else best_step(G, pen, work, k, w, settled)
            turned = step > 0.0 and turn(G, pen, work, w, step)
            if settled:
                lowest = error
                ended = not turned
            if ended or (refitted and not turned) or n_iter >= max_iter or not error < np.inf:
                break
            if stop[0] != 0:
                return
            n_iter += 1
            steady = 0 if turned else steady + 1
            refitted = steady == STEADY or step == 0.0
            if not refitted:
                for j in range(c.shape[0]):
                    w[j] = work.moved[j]
            else:
                refit(G, c, pen.positive, inverse_norms, rounding, dependence, work, stop, w)
        certificates[i] = share(worst, size)
        costs[i] = 0.0
        n_iters[i] = n_iter
        statuses[i] = conclude(error + size, ended, not refitted)


quadratic_form = kernel(_quadratic_form)
best_step = kernel(_best_step)
turn = kernel(_turn)
refit = kernel(_refit)
threshold_rows = kernel(_threshold_rows)
