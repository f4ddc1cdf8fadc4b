r"""Monotone proximal gradient for separable penalties that are not convex: l0, CEL0, MCP, SCAD, l_q, the logarithm.

    x' = prox(z + D^T M (s - D z) / L, step),    z = x + m (x - x_before),    step < 1 / L.

Momentum is taken while it lowers the objective: a step that does not is taken back and done again from x itself, from
where a step below 1 / L cannot raise it. So the objective never rises, to rounding.

The least that is reached depends on where it starts. Without codes to start from, these are of the weighted l1 problem
whose weights are the correlations at which the penalty admits its atoms (``sqrt(2 alpha) ||d_k||`` for CEL0).

H. Attouch, J. Bolte and B. F. Svaiter, "Convergence of descent methods for semi-algebraic and tame problems", Math.
Program. 137 (2013); H. Li and Z. Lin, "Accelerated proximal gradient methods for nonconvex programming", NIPS (2015).
"""

import numpy as np

from ..solvers.forward_backward import STEP_SHARE
from ._descent import Descent
from ._relaxation import l1_problem
from .greedy import solve_greedy

DEFAULT_MAX_ITER = 2000

#: Roundings of the energy of the image by which the objective may seem to rise, and steps without progress that pass.
ROUNDING, IDLE = 4, 400


def solve_forward_backward(problem):
    """Return maps that are a fixed point of the objective of an `ImageProblem`, for any separable penalty."""
    n_before, max_iter = 0, problem.max_iter
    if problem.init is None and max_iter > 1:
        start = solve_greedy(l1_problem(problem))
        if start is None:
            return None
        n_before = start.n_iter
        problem = problem._replace(init=start.codes)
    step = STEP_SHARE / (problem.operator.lipschitz or 1.0)
    descent = Descent(problem, step)
    rounding = ROUNDING * np.finfo(problem.operator.dtype).eps * problem.half_energy
    objective, idle, least = descent.objective, 0, np.inf
    for n_iter in range(n_before + 1, max_iter + 1):
        before = descent.entries, descent.price
        back, moved, _ = descent.take_step()
        if descent.passes.interrupted():
            return None
        fallen = descent.objective
        if descent.momentum > 0 and not fallen <= objective + rounding:
            descent.take_back(*before)
            continue
        objective = fallen
        violation = moved / (step * problem.largest)
        idle = 0 if violation < least else idle + 1
        least = min(least, violation)
        # A step from a point ahead certifies that point
        if (violation <= problem.tol and descent.momentum == 0) or idle == IDLE or not objective < np.inf:
            break
        descent.accelerate(restart=back > 0 or violation <= problem.tol or n_iter == max_iter - 1)
    return descent.result(violation, n_iter, stalled=idle == IDLE)
