r"""Forward-backward splitting (proximal gradient) for any penalty.

    w <- prox(w + step * g),    g = D (x - w D),    step < 1 / ||D||_2^2,

for each row, with the proximal operator of the whole code where the penalty is not separable. Iterative soft
thresholding for l1, iterative hard thresholding for l0 and k-sparse codes. The objective never rises. For convex
penalties the step is taken from a point ahead, ``w + b (w - w_before)`` with the growing b of Nesterov, which starts
anew where the step points back; then the objective may rise on the way.

The fixed points of penalties whose threshold jumps (l0, l_{1/2}, l_{2/3}, the logarithm; MCP and SCAD whose gamma is
small) depend on the step: for l0 an atom enters where its correlation exceeds ``sqrt(2 alpha / step)``, so that from a
zero code a short step leaves out atoms that pay. CEL0 admits at ``sqrt(2 alpha) ||d_j||`` for any step.

An iteration costs O(K k) for k active atoms. P. L. Combettes and V. R. Wajs, "Signal recovery by proximal
forward-backward splitting", Multiscale Model. Simul. 4 (2005); H. Attouch, J. Bolte and B. F. Svaiter,
"Convergence of descent methods for semi-algebraic and tame problems", Math. Program. 137 (2013); A. Beck and M.
Teboulle, "A fast iterative shrinkage-thresholding algorithm", SIAM J. Imaging Sci. 2 (2009); B. O'Donoghue and E.
Candes, "Adaptive restart for accelerated gradient schemes", Found. Comput. Math. 15 (2015).
"""

import warnings
from functools import partial
from numbers import Real

import numpy as np
import scipy.linalg
import scipy.sparse.linalg

from .._core.validation import callers_level
from ._proximal_kernels import DenseGram, forward_backward_rows, make_workspace
from ._rows import in_double_where_stalled
from .certificates import gap_terms, raise_tol

DEFAULT_MAX_ITER = 10_000

#: Share of the longest step for which the objective is known to fall.
STEP_SHARE = 0.99

#: The least number of atoms and of features from which on the largest eigenvalue is approached by iteration.
LARGE = 512


def solve_forward_backward(X, D, penalty, *, tol, max_iter=None, **settings):
    """Solve the rows of X by proximal gradient steps; arguments are those of `solve`, checked."""
    settings |= {"tol": raise_tol(tol, penalty, X.dtype), "max_iter": max_iter or DEFAULT_MAX_ITER}
    return in_double_where_stalled(_solve, X, D, penalty, **settings)


def warn_of_step(penalty, step):
    """Warn where codes that start from zero depend on the step."""
    if not penalty.depends_on_step(step):
        return
    warnings.warn(
        f"codes of {penalty!r} by forward-backward splitting depend on its step: started from zero, atoms that "
        "would lower the objective may never enter. CEL0 has the minimisers of L0 without that defect, and "
        "coordinate descent has no step to choose.",
        UserWarning,
        stacklevel=callers_level(),
    )


def _solve(problem, penalty, *, step=None, **settings):
    D, _, norms, inverse_norms = problem.atoms[:4]
    longest = 1 / (largest_eigenvalue(D) or 1.0)
    step = _check_step(step, longest)
    arguments = splitting_arguments(penalty, norms, inverse_norms, step, **settings)
    if problem.init is None:
        warn_of_step(penalty, step)

    def solve_rows(G, *rest):
        forward_backward_rows(DenseGram(G), *rest)

    return problem.run(solve_rows, arguments, partial(make_workspace, len(D), D.dtype))


def _check_step(step, longest):
    if step is None:
        return STEP_SHARE * longest
    if not isinstance(step, Real) or not 0 < step <= longest:
        raise ValueError(
            f"`step` must be in (0, 1 / ||D||_2^2] = (0, {longest:.6g}], where the objective falls, got {step!r}."
        )
    return step


def splitting_arguments(penalty, norms, inverse_norms, step, *, tol, max_iter, gains=None):
    """Return what `forward_backward_rows` takes between the squared norms of rows and its work arrays."""
    dtype = norms.dtype
    bound = penalty.bind(norms, dtype, gains)
    gap = gap_terms(penalty, bound, dtype)
    return bound, gap, dtype.type(step), inverse_norms, penalty.convex, tol, max_iter


def largest_eigenvalue(D):
    """Return ``||D||_2^2``, or little more."""
    if not D.any():
        return 0.0
    D = D.astype(np.float64, copy=False)
    if min(D.shape) < LARGE:
        G = D @ D.T if D.shape[0] <= D.shape[1] else D.T @ D
        return float(scipy.linalg.eigvalsh(G, subset_by_index=[len(G) - 1, len(G) - 1])[0])
    start = np.random.default_rng(0).standard_normal(min(D.shape))
    # Lanczos approaches from below
    return 1.001 * float(scipy.sparse.linalg.svds(D, k=1, v0=start, tol=1e-4, return_singular_vectors=False)[0]) ** 2
