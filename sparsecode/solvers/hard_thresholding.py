r"""Normalised iterative hard thresholding for k-sparse codes, with least squares on the supports it settles on.

    w <- H_k(w + mu p),    p_j = g_j / ||d_j||^2,    g = D (x - w D),

where H_k keeps the k largest ``|w_j| ||d_j||``. The step is the exact one for the atoms of the code (for the k atoms of
largest ``|g_j| / ||d_j||`` where their weights are those of least squares already, as those of a zero code are),

    mu = sum_j g_j p_j / ||p D||^2,

and is halved while the support changes and the objective does not fall by 0.01 of ``||(w' - w)||^2 / (2 mu)``, in
coordinates of unit atoms, which no step below ``0.99 / L`` fails. So it needs no norm of the dictionary, and a coherent
one does not make all steps short. With a fixed step this is solver "forward-backward" with `KSparse` (and with `L0`,
where a threshold takes the place of k).

Where 11 steps have left the support as it is, plain iterations would creep on towards least squares on it; here the
weights are solved for (O(k^3)), and the next step starts from there. That is no other method, only an exact end of this
one: earlier refits settle on worse supports. It ends where no step from such a point changes the support. Each refit
has a lower error than the one before, so it does so after finitely many.

An iteration costs O(K k). It is here for comparison with the literature: on whitened patches (K = 288) its errors for
3, 5, 10 and 20 atoms are 3, 4, 8 and 21 % above those of orthogonal matching pursuit, for 5 to 12 times the time, and
12, 21 and 28 % below those of a fixed step (3, 5 and 10 atoms), in a tenth of its time.

T. Blumensath and M. E. Davies, "Normalized iterative hard thresholding: guaranteed stability and performance", IEEE J.
Sel. Top. Signal Process. 4 (2010); S. Foucart, "Hard thresholding pursuit: an algorithm for compressive sensing", SIAM
J. Numer. Anal. 49 (2011), for least squares on the way.
"""

import numpy as np

from .._core.arrays import as_dense
from .._core.products import kernel_array
from ..penalties._base import prox_rows
from ._hard_thresholding_kernel import BEGUN, REFITTED, make_workspace, threshold_rows
from ._least_squares_kernel import debias_rows
from ._least_squares_kernel import make_workspace as make_least_squares
from ._rows import DEPENDENCE, VIOLATION_FLOOR, in_double_where_stalled

DEFAULT_MAX_ITER = 1000


def solve_hard_thresholding(X, D, penalty, *, tol, max_iter=None, **settings):
    """Code the rows of X by normalised iterative hard thresholding; arguments are those of `solve`, checked."""
    settings |= {"tol": max(tol, VIOLATION_FLOOR[X.dtype]), "max_iter": max_iter or DEFAULT_MAX_ITER}
    return in_double_where_stalled(_solve, X, D, penalty, **settings)


def _solve(problem, penalty, *, tol, max_iter, gains=None):
    D, _, norms, inverse_norms = problem.atoms[:4]
    bound = penalty.bind(norms, D.dtype, gains)
    bound = bound._replace(gains=bound.gains * np.sqrt(norms))  # atoms are compared as if they were of unit norm
    if problem.init is not None:  # the largest coefficients of more than k
        problem = problem._replace(init=_largest(problem.init, bound))
    most = min(*D.shape, bound.n_nonzero_coefs)
    single = D.dtype == np.float32
    refit = inverse_norms, bound.positive, DEPENDENCE[D.dtype], VIOLATION_FLOOR[D.dtype], single

    def make_work():
        return make_workspace(len(D), D.dtype), make_least_squares(len(D), most, D.dtype)

    # The arguments with which `Problem.run` calls kernels
    def solve_rows(G, C, square_norms, work, stop, W, certificates, costs, n_iters, statuses):
        steps, least_squares = work
        costs[:], statuses[:], lowest = 0.0, BEGUN, np.full(len(C), np.inf)
        arguments = (bound, inverse_norms, tol, max_iter, steps, stop, W, certificates, lowest, n_iters, statuses)
        while not stop[0]:
            threshold_rows(G, C, square_norms, *arguments)
            due = np.flatnonzero(statuses == REFITTED)
            if not due.size:
                return
            codes, unused = W[due], (np.empty(len(due)), np.empty(len(due)), np.empty(len(due), np.int64))
            debias_rows(
                G, C[due], square_norms[due], *refit, least_squares, stop, codes, *unused, np.empty(len(due), np.int8)
            )
            W[due] = codes

    return problem.run(solve_rows, (), make_work)


def _largest(codes, bound):
    codes = kernel_array(as_dense(codes))
    kept = np.empty_like(codes)
    prox_rows(bound, codes, codes.dtype.type(1), kept)
    return kept
