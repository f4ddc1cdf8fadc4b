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

import numpy as np

from ._proximal_kernels import descend_rows, make_workspace
from ._rows import GAP_FLOOR, VIOLATION_FLOOR, Problem, in_double_where_stalled
from .certificates import certify_by_gap, has_gap

DEFAULT_MAX_ITER = 10_000


def solve_greedy(X, D, penalty, *, tol, **settings):
    """Solve the rows of X by greedy coordinate descent; arguments are those of `solve`, checked."""
    tol = raise_tol(tol, penalty, X.dtype)
    return in_double_where_stalled(_solve, X, D, penalty, greedy=True, tol=tol, **settings)


def solve_cyclic(X, D, penalty, *, tol, **settings):
    """Solve the rows of X by cyclic coordinate descent; arguments are those of `solve`, checked."""
    tol = raise_tol(tol, penalty, X.dtype)
    return in_double_where_stalled(_solve, X, D, penalty, greedy=False, tol=tol, **settings)


def raise_tol(tol, penalty, dtype):
    """Return `tol`, or the least that the dtype can certify for the penalty."""
    return max(float(tol), (GAP_FLOOR if has_gap(penalty) else VIOLATION_FLOOR)[dtype])


def _solve(X, D, penalty, *, greedy, tol, max_iter=None, init=None, gains=None, n_jobs=None):
    problem = Problem.build(X, D, n_jobs)
    bound = penalty.bind(problem.norms, X.dtype, gains)
    steps = np.divide(1, problem.norms, out=np.zeros_like(problem.norms), where=problem.norms > 0)

    def descend(rows, tol, start):
        arguments = (bound, steps, greedy, tol, max_iter or DEFAULT_MAX_ITER)
        return problem._replace(X=X[rows]).run(descend_rows, arguments, lambda: make_workspace(len(D), X.dtype), start)

    if has_gap(penalty):
        return certify_by_gap(descend, X, D, bound, tol, init)
    return descend(slice(None), tol, init)
