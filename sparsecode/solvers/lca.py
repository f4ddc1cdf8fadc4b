r"""The locally competitive algorithm: a circuit of leaky integrators whose threshold is the code.

With atoms of unit norm, G = D D^T and c = D x, the membrane potentials u and the code w follow

    tau du/dt = c - u - (G - I) w,    w = T(u),

where T is the proximal operator of the penalty at step 1: the soft threshold for l1, the hard one for l0 and CEL0 (for
a threshold lam the price of a coefficient is ``lam^2 / 2``). At rest ``u = w + g`` with ``g = c - w G``, so that
``w = T(w + g)``: the fixed points are those of coordinate descent. Atoms of other norms are scaled to one, and
coefficients back. Time goes by Euler steps ``u <- u + eta (w + g - u)``, eta being dt / tau, for which only the active
atoms enter products.

* Convex penalties: ``p = u - w`` is a subgradient of the penalty at w, and a step of the potentials is one of mirror
  descent of ``0.5 ||x - w D||^2 + pen(w)`` with the mirror map ``0.5 ||w||^2 + pen(w)``, relative to which the
  objective is smooth with constant ``L = ||D||_2^2`` (at least 1 for unit atoms). So for eta = 1 / L, which is taken
  here (0.99 of it), the objective falls in every step and approaches its minimum as O(1 / number of steps).
* Hard thresholds: the objective falls along the flow in continuous time. From a zero code the thresholds of silent
  atoms start at half of the largest correlation and fall by 2 percent a step. A step that took several similar atoms
  above them at once would overshoot, and equal atoms would do so for ever: only the strongest enters. What is left of
  overshooting raised the objective in 0.1 to 0.25 percent of the steps on natural patches.

Potentials start at their drive g, or at their threshold where an atom must be silent for the code that is given.
A step costs O(K k) for k active atoms, and steps settle as slowly as the slowest mode of the active atoms. The solver
is here to study the circuit, since others are better everywhere: for 500 patches (144 features, 288 atoms, 2 to 8 %
active) it took 50 to 150 times as long as the active set to a duality gap of 1e-6 (230 to 1130 steps a patch), and with
hard thresholds 20 to 40 times as long as single best replacement for objectives 2 to 11 % higher.

C. J. Rozell, D. H. Johnson, R. G. Baraniuk and B. A. Olshausen, "Sparse coding via thresholding and local competition
in neural circuits", Neural Comput. 20 (2008); A. Balavoine, J. Romberg and C. J. Rozell, "Convergence and rate
analysis of neural networks for sparse approximation", IEEE Trans. Neural Netw. Learn. Syst. 23 (2012); H. Lu, R. M.
Freund and Y. Nesterov, "Relatively smooth convex optimization by first-order methods, and applications", SIAM J. Optim.
28 (2018).
"""

from functools import partial

import numpy as np

from ._lca_kernel import lca_rows
from ._proximal_kernels import make_workspace
from ._rows import in_double_where_stalled
from .certificates import gap_terms, raise_tol
from .forward_backward import STEP_SHARE, largest_eigenvalue

DEFAULT_MAX_ITER = 10_000


def solve_lca(X, D, penalty, *, tol, max_iter=None, **settings):
    """Solve the rows of X by the locally competitive algorithm; arguments are those of `solve`, checked."""
    settings |= {"tol": raise_tol(tol, penalty, X.dtype), "max_iter": max_iter or DEFAULT_MAX_ITER}
    return in_double_where_stalled(_solve, X, D, penalty, **settings)


def _solve(problem, penalty, *, tol, max_iter, gains=None):
    D, _, square_norms, inverse_norms = problem.atoms[:4]
    bound = penalty.bind(square_norms, D.dtype, gains)
    steps, norms = inverse_norms**2, np.sqrt(square_norms)
    rate = D.dtype.type(longest_rate(D * inverse_norms[:, None]))
    arguments = (bound, gap_terms(penalty, bound, D.dtype), steps, norms, inverse_norms, rate, tol, max_iter)
    return problem.run(lca_rows, arguments, partial(make_workspace, len(D), D.dtype))


def longest_rate(unit_atoms):
    """Return the Euler step, in time constants, up to which potentials with soft thresholds settle monotonically."""
    return STEP_SHARE / max(largest_eigenvalue(unit_atoms), 1.0)
