r"""Least squares on the support of codes, which removes the shrinkage of l1-type penalties.

    w_S <- argmin ||x - w_S D_S||^2,    S = {j : w_j != 0}.

Where codes are non-negative, so are the refitted ones (non-negative least squares on the support). Atoms that depend
linearly on others of the support get no weight; where they only seem to in float32, the row is solved in float64.
Costs O(K + k^3) a row.
"""

from functools import partial

import numpy as np
from scipy.sparse import issparse

from ._least_squares_kernel import debias_rows, make_workspace
from ._rows import DEPENDENCE, VIOLATION_FLOOR, in_double_where_stalled


def debias_codes(X, D, codes, *, positive=False, n_jobs=None):
    """Return the result of least squares on the supports of `codes`, for checked arrays (or prepared `Atoms` D)."""
    options = {"init": codes, "sparse_output": issparse(codes), "n_jobs": n_jobs}
    return in_double_where_stalled(_solve, X, D, bool(positive), **options)


def _solve(problem, positive):
    D, inverse_norms = problem.atoms.D, problem.atoms.inverse_norms
    arguments = (inverse_norms, positive, DEPENDENCE[D.dtype], VIOLATION_FLOOR[D.dtype], D.dtype == np.float32)
    return problem.run(debias_rows, arguments, partial(make_workspace, len(D), min(D.shape), D.dtype))
