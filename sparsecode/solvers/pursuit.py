r"""Orthogonal matching pursuit on the Gram problem (Batch-OMP).

Starting from nothing, the atom with the largest ``|g_j| / ||d_j||`` enters (times its gain, while a dictionary is
learned), and the weights of all active atoms are solved for anew by a Cholesky factor of their Gram block that
grows by a row. It stops at k atoms (`KSparse`), or where no atom pays by itself: where ``|g_j| <= sqrt(2 alpha)
||d_j||`` for all j (`L0`, `CEL0`). Atoms that depend on the active ones are passed over. With `positive`, g_j counts
instead of its magnitude and weights are those of non-negative least squares: atoms whose weights would turn negative
leave, as in the method of Lawson and Hanson.

A step costs O(K k + k^2); the whole code O(K k^2). R. Rubinstein, M. Zibulevsky and M. Elad, "Efficient
implementation of the K-SVD algorithm using batch orthogonal matching pursuit", Technion CS-2008-08; Y. C. Pati, R.
Rezaiifar and P. S. Krishnaprasad, "Orthogonal matching pursuit", Asilomar Conf. (1993); A. M. Bruckstein, M. Elad and
M. Zibulevsky, "On the uniqueness of nonnegative sparse solutions to underdetermined systems of equations", IEEE Trans.
Inf. Theory 54 (2008).
"""

from functools import partial

import numpy as np

from ..penalties import KSparse
from ..penalties._base import value_rows
from ._pursuit_kernel import make_workspace, pursue_rows
from ._rows import DEPENDENCE, VIOLATION_FLOOR, Problem, in_double_where_stalled


def solve_pursuit(X, D, penalty, *, tol, **settings):
    """Code the rows of X by orthogonal matching pursuit; arguments are those of `solve`, checked."""
    return in_double_where_stalled(_solve, X, D, penalty, tol=max(tol, VIOLATION_FLOOR[X.dtype]), **settings)


def _solve(X, D, penalty, *, tol, max_iter=None, init=None, n_iter=None, gains=None, n_jobs=None):
    # It starts from nothing, also where it is called again: neither `init` nor `n_iter` have a part in it
    problem = Problem.build(X, D, n_jobs)
    bound = penalty.bind(problem.norms, np.float64, gains)
    most = min(D.shape)
    scale = problem.inverse_norms * np.asarray(1.0 if gains is None else gains)
    if isinstance(penalty, KSparse):
        most, level = min(most, bound.n_nonzero_coefs), 0.0
    else:
        level = float((bound.entry * scale).max())  # sqrt(2 alpha) for every atom that is not zero
    limits = DEPENDENCE[X.dtype], most, tol, max_iter or len(D)
    arguments = (scale.astype(X.dtype), problem.inverse_norms, level, bool(penalty.positive), *limits)
    result = problem.run(pursue_rows, arguments, partial(make_workspace, len(D), most, X.dtype))
    value_rows(bound, result.codes.astype(np.float64), result.penalty)
    return result
