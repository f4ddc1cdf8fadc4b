r"""Sparse-set coding: which atoms represent a sample, with coefficients that are the projections on them.

    E(y) = 0.5 ||x - (y * p) D||^2 + alpha * sum_j y_j,    y_j in {0, 1},    p_j = <x, d_j> / ||d_j||^2,

the l0 problem with every coefficient fixed at what a feed-forward projection makes it, so that coding is to choose a
set, in a network of binary units with thresholds and pairwise weights ``-p_i p_j G_ij`` (Hopfield's). From the empty
set, each step makes the flip that lowers the energy most, by

    p_j g_j - 0.5 ||p_j d_j||^2 - alpha    where atom j enters,    g = D (x - (y * p) D),
    alpha - p_j g_j - 0.5 ||p_j d_j||^2    where it leaves,

until none does. That takes finitely many flips, each in O(K). The certificate is the most by which a flip would still
lower the energy, relative to ``0.5 ||x||^2``.

Projections on coherent atoms add up to more than the sample, so errors are far above those of codes whose coefficients
are solved for: on whitened patches (K = 288) 2.7, 1.66 and 1.35 times those of CEL0 at prices of 0.05, 0.2 and 0.45,
with 0.94, 0.89 and 0.88 times as many atoms, in a quarter to two thirds of the time. Solved for afterwards (`debias`)
they leave 2.0, 1.44 and 1.25 times the errors: much of the difference is which atoms are chosen.
Its place is the comparison of
receptive fields. M. Rehn and F. T. Sommer, "A network that uses few active neurones to code visual input predicts the
diverse shapes of cortical receptive fields", J. Comput. Neurosci. 22 (2007).
"""

from functools import partial

import numpy as np

from ._rows import VIOLATION_FLOOR, in_double_where_stalled, price_of
from ._sparse_set_kernel import choose_rows, make_workspace

#: Flips for a row; a set of k atoms takes little more than k.
DEFAULT_MAX_ITER = 10_000


def solve_sparse_set(X, D, penalty, *, tol, max_iter=None, **settings):
    """Code the rows of X by sparse sets; arguments are those of `solve`, checked."""
    settings |= {"tol": max(tol, VIOLATION_FLOOR[X.dtype]), "max_iter": max_iter or DEFAULT_MAX_ITER}
    return in_double_where_stalled(_solve, X, D, penalty, **settings)


def _solve(problem, penalty, *, tol, max_iter, gains=None):
    problem = problem._replace(init=None, n_iter=None)  # it starts from nothing, also where it is called again
    bound = penalty.bind(problem.atoms.norms, np.float64, gains)
    arguments = (bound.plateau, bound.positive, tol, max_iter)
    return problem.run(choose_rows, arguments, partial(make_workspace, len(problem.atoms.D)), price_of(penalty, bound))
