r"""Orthogonal matching pursuit on the Gram problem (Batch-OMP), and its order recursive variant.

Starting from nothing, the atom with the largest ``|g_j| / ||d_j||`` enters (times its gain, while a dictionary is
learned), and the weights of all active atoms are solved for anew by a Cholesky factor of their Gram block that
grows by a row. It stops at k atoms (`KSparse`), or where no atom pays by itself: where ``|g_j| <= sqrt(2 alpha)
||d_j||`` for all j (`L0`, `CEL0`). Atoms that depend on the active ones are passed over. With `positive`, g_j counts
instead of its magnitude and weights are those of non-negative least squares: atoms whose weights would turn negative
leave, as in the method of Lawson and Hanson.

"ormp" takes the atom whose entry lowers the error most once all weights are solved for anew, that with the largest
``g_j^2 / s_j``, where s_j is the squared distance of atom j to the span of the active ones (orthogonal least squares,
optimised orthogonal matching pursuit). It stops at k atoms, or where ``g_j^2 / s_j <= 2 alpha`` for all j.

Both keep the correlations q_a of all atoms with an orthonormal basis of the span, K numbers for each active atom.
When j enters, ``q = (G_j - sum_a q_aj q_a) / sqrt(s_j)``; then g falls by ``g_j q / sqrt(s_j)`` and s by ``q^2``, and
the q_aj are the new row of the Cholesky factor. A step costs O(K k), a code O(K k^2) and the solution of its weights
O(k^2).

R. Rubinstein, M. Zibulevsky and M. Elad, "Efficient
implementation of the K-SVD algorithm using batch orthogonal matching pursuit", Technion CS-2008-08; Y. C. Pati, R.
Rezaiifar and P. S. Krishnaprasad, "Orthogonal matching pursuit", Asilomar Conf. (1993); A. M. Bruckstein, M. Elad and
M. Zibulevsky, "On the uniqueness of nonnegative sparse solutions to underdetermined systems of equations", IEEE Trans.
Inf. Theory 54 (2008); M. Gharavi-Alkhansari and T. S. Huang, "A fast orthogonal matching pursuit algorithm", ICASSP
(1998); S. F. Cotter, J. Adler, B. D. Rao and K. Kreutz-Delgado, "Forward sequential algorithms for best basis
selection", IEE Proc. Vis. Image Signal Process. 146 (1999).
"""

from functools import partial

import numpy as np

from ..penalties import KSparse
from ._least_squares_kernel import make_workspace as make_positive_workspace
from ._least_squares_kernel import pursue_positive_rows
from ._pursuit_kernel import make_workspace, pursue_rows
from ._rows import DEPENDENCE, VIOLATION_FLOOR, in_double_where_stalled, price_of


def solve_pursuit(X, D, penalty, *, tol, **settings):
    """Code the rows of X by orthogonal matching pursuit; arguments are those of `solve`, checked."""
    return in_double_where_stalled(_solve, X, D, penalty, tol=max(tol, VIOLATION_FLOOR[X.dtype]), **settings)


def solve_recursive_pursuit(X, D, penalty, **settings):
    """Code the rows of X by order recursive matching pursuit; arguments are those of `solve`, checked."""
    return solve_pursuit(X, D, penalty, recursive=True, **settings)


def _solve(problem, penalty, *, tol, recursive=False, max_iter=None, gains=None):
    problem = problem._replace(init=None, n_iter=None)  # it starts from nothing, also where it is called again
    D, _, norms, inverse_norms = problem.atoms[:4]
    bound = penalty.bind(norms, np.float64, gains)
    gains = np.where(norms > 0, 1.0 if gains is None else gains, 0.0)
    scale, most, dependence = inverse_norms * gains, min(D.shape), DEPENDENCE[D.dtype]
    if isinstance(penalty, KSparse):
        most, level = min(most, bound.n_nonzero_coefs), 0.0
    else:
        level = float((bound.entry * scale).max())  # sqrt(2 alpha) for every atom that is not zero
    if penalty.positive:
        arguments = scale.astype(D.dtype), inverse_norms, level, dependence, most, tol
        solve_rows, make_work = pursue_positive_rows, partial(make_positive_workspace, len(D), most, D.dtype)
    else:
        scale, level = (gains, level**2) if recursive else (scale, level)
        arguments = scale.astype(D.dtype), level, recursive, most, tol
        solve_rows, make_work = pursue_rows, partial(make_workspace, norms, inverse_norms, dependence, most)
    return problem.run(solve_rows, (*arguments, max_iter or len(D)), make_work, price_of(penalty, bound))
