r"""Forward-backward splitting (proximal gradient) for any penalty.

    w <- prox(w + step * g),    g = D (x - w D),    step < 1 / ||D||_2^2,

for each row, with the proximal operator of the whole code where the penalty is not separable. Iterative soft
thresholding for l1, iterative hard thresholding for l0 and k-sparse codes. The objective never rises. The fixed
points of penalties whose threshold jumps (l0, l_{1/2}, l_{2/3}) depend on the step: an atom enters where its
correlation exceeds ``sqrt(2 alpha / step)`` for l0, so that from a zero code a short step leaves out atoms
that pay. CEL0 admits at ``sqrt(2 alpha) ||d_j||`` for any step.

An iteration costs O(K k) for k active atoms. P. L. Combettes and V. R. Wajs, "Signal recovery by proximal
forward-backward splitting", Multiscale Model. Simul. 4 (2005); H. Attouch, J. Bolte and B. F. Svaiter,
"Convergence of descent methods for semi-algebraic and tame problems", Math. Program. 137 (2013).
"""

import warnings

import numpy as np
import scipy.linalg
import scipy.sparse.linalg

from .._core.validation import callers_level
from ._proximal_kernels import forward_backward_rows, make_workspace
from ._rows import Problem, in_double_where_stalled
from .certificates import certify_by_gap, has_gap
from .coordinate_descent import raise_tol

DEFAULT_MAX_ITER = 10_000

#: Share of the longest step for which the objective is known to fall.
STEP_SHARE = 0.99


def solve_forward_backward(X, D, penalty, *, tol, init=None, **settings):
    """Solve the rows of X by proximal gradient steps; arguments are those of `solve`, checked."""
    if penalty.step_dependent and init is None:
        warnings.warn(
            f"codes of {penalty!r} by forward-backward splitting depend on its step: started from zero, atoms that "
            "would lower the objective may never enter. CEL0 has the minimisers of L0 without that defect, and "
            "coordinate descent has no step to choose.",
            UserWarning,
            stacklevel=callers_level(),
        )
    tol = raise_tol(tol, penalty, X.dtype)
    return in_double_where_stalled(_solve, X, D, penalty, tol=tol, init=init, **settings)


def _solve(X, D, penalty, *, tol, step=None, max_iter=None, init=None, gains=None, n_jobs=None):
    problem = Problem.build(X, D, n_jobs)
    bound = penalty.bind(problem.norms, X.dtype, gains)
    longest = 1 / max(largest_eigenvalue(problem.G), np.finfo(X.dtype).tiny)
    if step is None:
        step = STEP_SHARE * longest
    elif not 0 < step <= longest:
        raise ValueError(
            f"`step` must be in (0, 1 / ||D||_2^2] = (0, {longest:.4g}] for the objective to fall, got {step!r}."
        )

    def descend(rows, tol, start):
        arguments = (bound, X.dtype.type(step), tol, max_iter or DEFAULT_MAX_ITER)
        make_work = lambda: make_workspace(len(D), X.dtype)  # noqa: E731
        return problem._replace(X=X[rows]).run(forward_backward_rows, arguments, make_work, start)

    if has_gap(penalty):
        return certify_by_gap(descend, X, D, bound, tol, init)
    return descend(slice(None), tol, init)


def largest_eigenvalue(G):
    """Return an upper estimate of the largest eigenvalue of a Gram matrix."""
    G = G.astype(np.float64, copy=False)
    K = len(G)
    if K <= 256:
        return float(scipy.linalg.eigvalsh(G, subset_by_index=[K - 1, K - 1])[0])
    start = np.random.default_rng(0).standard_normal(K)
    # Lanczos approaches from below
    return 1.001 * float(scipy.sparse.linalg.eigsh(G, k=1, v0=start, tol=1e-4, return_eigenvectors=False)[0])
