r"""Single best replacement for l0, CEL0 and k-sparse codes: moves of one atom, each with a least-squares refit.

For a support S with the least-squares code w, P = G_SS^{-1}, H = P G_S, the correlations g of the residual and
the squared distances s_j = ||d_j||^2 - G_jS P G_Sj of the atoms to the span of the active ones, the objective
``0.5 ||x - w D||^2 + sum of prices`` falls by

    g_j^2 / (2 s_j) - alpha_j                                    when atom j enters,
    alpha_i - w_i^2 / (2 P_ii)                                   when atom i leaves,
    (g_j + w_i H_ij / P_ii)^2 / (2 (s_j + H_ij^2 / P_ii)) - w_i^2 / (2 P_ii) + alpha_i - alpha_j    when j replaces i.

Each step makes the best entry or exit; where none lowers the objective, the best exchange. All are known exactly
from g, s, P and H, which a move changes in O(K k), as much as one look at all exchanges. The method ends after finitely
many moves where no move of one atom helps: a local minimiser of the l0 problem in a far wider neighbourhood than
coordinate descent, or forward-backward splitting, look at. With CEL0 the minimisers are the same. k-sparse codes
have no price: atoms enter up to k, then only exchanges are left.

Of given codes it takes the support alone. With CEL0 it may then end above them, if they have coefficients below the
knee, which cost less than the price there.

Memory is K k numbers a thread. C. Soussen, J. Idier, D. Brie and J. Duan, "From Bernoulli-Gaussian deconvolution
to sparse signal restoration", IEEE Trans. Signal Process. 59 (2011), for the entries and exits; H. Hazimeh and R.
Mazumder, "Fast best subset selection", Oper. Res. 68 (2020), for local search by exchanges.
"""

from functools import partial

import numpy as np

from .._core.arrays import as_dense
from ..penalties import KSparse
from ._replacement_kernel import make_workspace, replace_rows
from ._rows import DEPENDENCE, VIOLATION_FLOOR, in_double_where_stalled, price_of

#: Moves for a row; a code of k coefficients takes a few more than k.
DEFAULT_MAX_ITER = 10_000


def solve_replacement(X, D, penalty, *, tol, max_iter=None, **settings):
    """Solve the rows of X by single best replacement; arguments are those of `solve`, checked."""
    settings |= {"tol": max(tol, VIOLATION_FLOOR[X.dtype]), "max_iter": max_iter or DEFAULT_MAX_ITER}
    return in_double_where_stalled(_solve, X, D, penalty, **settings)


def _solve(problem, penalty, *, tol, max_iter, gains=None):
    D, _, norms, inverse_norms = problem.atoms[:4]
    bound = penalty.bind(norms, np.float64, gains)
    most = min(D.shape)
    if isinstance(penalty, KSparse):
        most = min(most, bound.n_nonzero_coefs)
        prices = np.zeros(len(D))
        if problem.init is not None:  # the largest coefficients of more than k
            problem = problem._replace(init=penalty.prox(as_dense(problem.init)))
    else:
        prices = bound.plateau
    dependence = DEPENDENCE[D.dtype]
    floors = dependence * norms.astype(np.float64)
    arguments = (prices, float(prices.max()), floors, dependence, inverse_norms, most, tol, max_iter)
    make_work = partial(make_workspace, len(D), most, D.dtype)
    return problem.run(replace_rows, arguments, make_work, price_of(penalty, bound))
