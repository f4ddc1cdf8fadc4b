r"""Exact l1 coding by an active-set method on the Gram problem.

For each row x of X, with G = D D^T and c = D x, solve

    min_w  0.5 ||x - w D||^2 + sum_j alpha_j |w_j|        (w >= 0 on request).

The active set holds linearly independent atoms with signs s. Each pass computes the correlations
g = c - w G, admits the atom with the largest |g_j| / alpha_j > 1 and those that come near it, and moves
w towards the minimiser G_AA^{-1} (c_A - alpha_A s) for the present signs. An atom whose sign would change
on the way leaves the set where its weight vanishes. The inverse Cholesky factor of G_AA grows by a row and
shrinks by rotations of its rows. Every pass lowers the objective and there are finitely many pairs
of set and signs, so the method ends at an exact solution (Osborne, Presnell and Turlach, IMA J. Numer.
Anal. 20, 2000; Lee, Battle, Raina and Ng, NIPS 2006).

The certificate is the duality gap at theta = r / max(1, max_j |g_j| / alpha_j), with r = x - w D, written
as a sum of non-negative terms, so that it does not cancel:

    gap = 0.5 (1 - s)^2 ||r||^2 + sum_j (alpha_j |w_j| - s w_j g_j),   s = min(1, 1 / max_j (|g_j| / alpha_j)).

The elastic net is the l1 problem of G plus the ridge on its diagonal. A row stops at gap <= tol * 0.5 ||x||^2.
Where rounding in float32 keeps the gap above that (nearly dependent atoms, tiny alpha), the row is solved once more
in float64. A pass costs O(K k) for k active atoms, a change of the set O(k^2); memory is the K x K Gram matrix and
the squared largest k a thread, K^2 for the elastic net.
"""

from functools import partial

import numpy as np

from .._core.products import aligned_copy
from ._active_set_kernel import encode_rows, make_workspace
from ._rows import GAP_FLOOR, in_double_where_stalled

#: Passes over the atoms; a code of k coefficients takes about k / 5.
DEFAULT_MAX_ITER = 1000


def solve_active_set(X, D, penalty, *, tol, max_iter=None, **settings):
    """Solve the rows of X for an l1-type penalty; arguments are those of `solve`, checked."""
    settings |= {"tol": max(tol, GAP_FLOOR[X.dtype]), "max_iter": max_iter or DEFAULT_MAX_ITER}
    return in_double_where_stalled(_solve, X, D, penalty, **settings)


def _solve(problem, penalty, *, tol, max_iter, gains=None):
    D, G, norms = problem.atoms[:3]
    bound = penalty.bind(norms, D.dtype, gains)
    max_active = min(D.shape)
    if bound.ridge > 0:
        ridged = aligned_copy(G)
        ridged[np.diag_indices(len(D))] += bound.ridge
        problem = problem._replace(atoms=problem.atoms._replace(G=ridged))
        max_active = len(D)  # no atom depends on others any more
    arguments = (bound, problem.init is not None, tol, max_iter)
    return problem.run(encode_rows, arguments, partial(make_workspace, len(D), max_active, D.dtype))
