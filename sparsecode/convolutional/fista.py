r"""FISTA with the exact Lipschitz constant and restart, for l1-type penalties.

x' = prox(z - D^T M (D z - s) / L, 1 / L),   z' = x' + (t - 1) / t' * (x' - x),   t' = (1 + sqrt(1 + 4 t^2)) / 2

L is the largest eigenvalue of ``D D^T``, which the transforms of the kernels show. The momentum starts anew where
``<z - x', x' - x> > 0``. The correlations of the residual of z, which each step computes, give a lower bound too. An
iteration costs K transforms, O(K N log N), and memory is that of two arrays of maps and the spectra.

A. Beck and M. Teboulle, "A fast iterative shrinkage-thresholding algorithm", SIAM J. Imaging Sci. 2 (2009); B.
O'Donoghue and E. Candes, "Adaptive restart for accelerated gradient schemes", Found. Comput. Math. 15 (2015); R.
Chalasani, J. C. Principe and N. Ramakrishnan, "A fast proximal method for convolutional sparse coding", IJCNN (2013).
"""

import numpy as np

from ._descent import Descent
from ._duality import lower_bound

DEFAULT_MAX_ITER = 2000

#: Iterations between two measurements of the gap.
CHECK = 10


def solve_fista(problem):
    """Return maps that minimise the objective of an `ImageProblem` with an l1-type penalty."""
    half, max_iter = problem.half_energy, problem.max_iter
    descent = Descent(problem, 1 / (problem.operator.lipschitz or 1.0))
    best, ridge = -np.inf, float(problem.penalty.bound.ridge)
    for n_iter in range(1, max_iter + 1):
        measured = n_iter % CHECK == 0 or n_iter in (1, max_iter)
        back, _, bound = descent.take_step(measured)
        if descent.passes.interrupted():
            return None
        if measured:
            best = max(best, lower_bound(*bound, ridge))
            certificate = max(descent.objective - best, 0.0) / half
            if not problem.tol < certificate < np.inf:
                break
        descent.accelerate(restart=back > 0)
    return descent.result(certificate, n_iter)
