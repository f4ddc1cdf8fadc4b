"""Where descent with a penalty that is not convex begins: codes of easier problems, from l1 on.

The code that a descent ends at depends on where it starts. The first problem is that of l1, whose weights are the
correlations at which the penalty admits its atoms (``sqrt(2 alpha) ||d_k||`` for l0 and CEL0). For penalties with a
firm threshold problems with MCP follow, whose gamma falls until MCP has the shape of the penalty, each code being the
start of the next (R. Mazumder, J. H. Friedman and T. Hastie, "SparseNet: coordinate descent with nonconvex penalties",
J. Am. Stat. Assoc. 106, 2011).
"""

import numpy as np

from ..penalties.firm import BoundFirm
from ..penalties.l1 import BoundL1

#: Gap or violation to which easier problems are solved, and iterations for each at the most. Those of all count.
START_TOL, START_ITER = 1e-2, 100

#: The gamma of MCP, for kernels of unit norm, from problem to problem; above 1 a problem is convex in each coefficient.
GAMMAS = (16.0, 8.0, 4.0, 2.0, 1.3)


def l1_problem(problem):
    """Return the problem with the l1-type penalty that admits the same atoms."""
    entry = problem.penalty.bound.entry
    return _easier(problem, BoundL1(entry, 1 / entry, entry.dtype.type(0), problem.penalty.bound.positive))


def easier_problems(problem):
    """Return the problems whose codes are to be starts, in turn; none for l1-type penalties and warm starts."""
    if problem.init is not None or problem.penalty.has_weights:
        return []
    return [l1_problem(problem)] + [_easier(problem, bound) for bound in _mcp_path(problem)]


def _mcp_path(problem):
    """Return MCP with falling gamma, as long as it is less concave than the penalty; none for other penalties."""
    bound = problem.penalty.bound
    if not isinstance(bound, BoundFirm):
        return
    norms = problem.operator.square_norms
    norms = np.where(norms > 0, norms, 1.0).repeat(len(bound.entry) // len(norms))
    slope = bound.entry.astype(np.float64)
    for gamma in GAMMAS:
        curvature = norms / gamma
        if (curvature < 0.9 * bound.curvature).all():
            arrays = slope, slope, curvature, slope / curvature, slope**2 / (2 * curvature)
            yield BoundFirm(*(array.astype(bound.entry.dtype) for array in arrays), bound.positive)


def _easier(problem, bound):
    penalty = problem.penalty._replace(bound=bound)
    return problem._replace(penalty=penalty, tol=START_TOL, max_iter=min(START_ITER, problem.max_iter - 1))
