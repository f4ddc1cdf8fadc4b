r"""Coordinate descent for any separable penalty, by exact one-dimensional minimisation.

With g = D (x - w D) kept up to date through G = D D^T, the minimiser over coefficient j is

    u = prox_j(w_j + g_j / ||d_j||^2)   at the step 1 / ||d_j||^2,

and lowers the objective by ``(u - w_j) (g_j - 0.5 ||d_j||^2 (u - w_j)) + pen_j(w_j) - pen_j(u)``.

* Greedy: each pass over the atoms takes the coefficient that lowers the objective most, then minimises over
  those that are not zero in turn, which costs O(k^2) a sweep. For penalties that are not convex it ends at better
  codes than the cyclic rule, since strong atoms enter first.
* Cyclic: each pass minimises over all coefficients in turn.

A pass costs O(K k) for k active atoms. Both descend monotonically and end where no single coefficient can improve
the code, up to the certificate; for l1-type penalties, the duality gap is computed there, and the descent goes on if
it is too large.

J. Nutini, I. Laradji and M. Schmidt, "Let's make block coordinate descent converge faster", J. Mach. Learn. Res.
23 (2022), on rules of selection. P. Breheny and J. Huang, "Coordinate descent algorithms for nonconvex penalized
regression", Ann. Appl. Stat. 5 (2011), on descent for MCP and SCAD.
"""

from functools import partial

import numpy as np

from ._proximal_kernels import DenseGram, descend_rows, make_workspace
from ._rows import in_double_where_stalled
from .certificates import gap_terms, raise_tol

DEFAULT_MAX_ITER = 10_000


def solve_greedy(X, D, penalty, **settings):
    """Solve the rows of X by greedy coordinate descent; arguments are those of `solve`, checked."""
    return _solve_checked(X, D, penalty, greedy=True, **settings)


def solve_cyclic(X, D, penalty, **settings):
    """Solve the rows of X by cyclic coordinate descent; arguments are those of `solve`, checked."""
    return _solve_checked(X, D, penalty, greedy=False, **settings)


def _solve_checked(X, D, penalty, *, tol, max_iter=None, **settings):
    settings |= {"tol": raise_tol(tol, penalty, X.dtype), "max_iter": max_iter or DEFAULT_MAX_ITER}
    return in_double_where_stalled(_solve, X, D, penalty, **settings)


def _solve(problem, penalty, *, greedy, tol, max_iter, gains=None):
    _, G, norms, inverse_norms = problem.atoms[:4]
    bound = penalty.bind(norms, G.dtype, gains)
    steps = np.divide(1, norms, out=np.zeros_like(norms), where=norms > 0)
    arguments = (bound, gap_terms(penalty, bound, G.dtype), steps, inverse_norms, greedy, tol, max_iter)

    def solve_rows(G, *rest):
        descend_rows(DenseGram(G), *rest)

    return problem.run(solve_rows, arguments, partial(make_workspace, len(G), G.dtype))
