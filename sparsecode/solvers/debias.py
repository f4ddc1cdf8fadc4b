r"""Least squares on the support of codes, which removes the shrinkage of l1-type penalties.

    w_S <- argmin ||x - w_S D_S||^2,    S = {j : w_j != 0}.

Where codes are non-negative, coefficients that would turn negative leave the support and the rest is solved anew.
Atoms that depend linearly on others of the support get no weight. Costs O(K + k^3) a row.
"""

from functools import partial

from scipy.sparse import issparse

from ._least_squares_kernel import debias_rows, make_workspace
from ._rows import DEPENDENCE, VIOLATION_FLOOR, Atoms, Problem


def debias_codes(X, D, codes, *, positive=False, n_jobs=None):
    """Return the result of least squares on the supports of `codes`, for checked arrays."""
    atoms = D if isinstance(D, Atoms) else Atoms.prepare(D, n_jobs)
    problem = Problem(X, atoms, n_jobs, codes, sparse_output=issparse(codes))
    arguments = (atoms.inverse_norms, bool(positive), DEPENDENCE[X.dtype], VIOLATION_FLOOR[X.dtype])
    make_work = partial(make_workspace, len(atoms.D), min(atoms.D.shape), X.dtype)
    return problem.run(debias_rows, arguments, make_work)
