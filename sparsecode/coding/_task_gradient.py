r"""How a loss of codes changes with the atoms.

Codes ``w = argmin 0.5 ||x - w D||^2 + alpha ||w||_1 + (ridge / 2) ||w||^2`` satisfy, on their support A with signs s,
``(G_AA + ridge I) w_A = D_A x - alpha s``. Where support and signs stay, differentiating that by D gives, for a loss
with derivative g by the code,

    b_A = (G_AA + ridge I)^{-1} g_A,  b = 0 elsewhere,      d loss / d D = b^T r - w^T (b D),    r = x - w D.
"""

import numpy as np
from scipy.sparse import csr_array

from .._core.parallel import run_chunks
from .._core.products import aligned_copy, kernel_array
from ..solvers._codes import CHUNK_ROWS
from ..solvers._least_squares_kernel import debias_rows, make_workspace
from ..solvers._rows import DEPENDENCE, VIOLATION_FLOOR


def solve_on_supports(atoms, ridge, C, codes, n_jobs=None):
    """Return b of each row, with ``(G_AA + ridge I) b_A = c_A`` on the support A of its code, in the places of `codes`.

    Parameters
    ----------
    atoms : Atoms
        In float64.
    ridge : float
    C : ndarray of shape (n_samples, n_components)
    codes : csr_array of shape (n_samples, n_components)
    n_jobs : int or None

    Returns
    -------
    csr_array of shape (n_samples, n_components)

    Notes
    -----
    This is least squares on a support, for correlations C that come from elsewhere: the kernel of `debias`, O(k^3) a
    row. Atoms that depend linearly on others of the support get zero, as there.
    """
    n, K = C.shape
    G, most = atoms.G, min(atoms.D.shape)
    if ridge > 0:
        G, most = aligned_copy(G), K
        G[np.diag_indices(K)] += ridge
    C = kernel_array(np.asarray(C, np.float64))
    B = kernel_array(codes.toarray().astype(np.float64, copy=False))
    outputs = np.empty(n), np.empty(n), np.zeros(n, np.int64), np.empty(n, np.int8)
    ones, dtype = np.ones(n), np.dtype(np.float64)

    def solve_chunk(start, end, stop, work):
        rows = slice(start, end)
        debias_rows(
            G, C[rows], ones[rows], atoms.inverse_norms, False, DEPENDENCE[dtype], VIOLATION_FLOOR[dtype], False,
            work, stop, B[rows], *(array[rows] for array in outputs),
        )  # fmt: skip

    run_chunks(solve_chunk, n, n_jobs=n_jobs, chunk_rows=CHUNK_ROWS, prepare=lambda: (make_workspace(K, most, dtype),))
    rows = np.repeat(np.arange(n), np.diff(codes.indptr))
    return csr_array((B[rows, codes.indices], codes.indices, codes.indptr), shape=(n, K))


def atom_gradient(X, atoms, codes, by_code, ridge, n_jobs=None):
    """Return the derivative by the atoms of a sum of losses, for their derivatives by the codes.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    atoms : Atoms
        In float64.
    codes : csr_array of shape (n_samples, n_components)
        Minimisers for these atoms.
    by_code : ndarray of shape (n_samples, n_components)
        Derivatives of the losses by the codes; those off a support have no part.
    ridge : float
    n_jobs : int or None

    Returns
    -------
    ndarray of shape (n_components, n_features)
    """
    B = solve_on_supports(atoms, ridge, by_code, codes, n_jobs)
    return B.T @ (X - codes @ atoms.D) - codes.T @ (B @ atoms.D)
