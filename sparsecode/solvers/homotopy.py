r"""Homotopy for l1: the codes for all prices at once.

The minimiser of ``0.5 ||x - w D||^2 + alpha ||w||_1`` is a piecewise linear function of alpha. With the active atoms A,
their signs s and ``g = D (x - w D)``, all |g_j| of active atoms equal alpha, and as alpha falls by t

    w_A <- w_A + t v,    v = G_AA^{-1} s,    g <- g - t G_{.A} v,

until the next knot: where |g_j| of another atom reaches alpha, which then enters, or a weight vanishes, whose atom
leaves. The path starts with w = 0 at ``alpha_max = max_j |g_j|`` and ends at a given price.

Each knot costs O(K k) for k active atoms. M. R. Osborne, B. Presnell and B. A. Turlach, "A new approach to variable
selection in least squares problems", IMA J. Numer. Anal. 20 (2000); B. Efron, T. Hastie, I. Johnstone and R.
Tibshirani, "Least angle regression", Ann. Statist. 32 (2004); D. L. Donoho and Y. Tsaig, "Fast solution of l1-norm
minimization problems when the solution may be sparse", IEEE Trans. Inf. Theory 54 (2008).
"""

from dataclasses import dataclass
from numbers import Real

import numpy as np
from scipy.sparse import csr_array, vstack

from .._core.panels import make_products, panel_products
from .._core.parallel import run_chunks
from .._core.products import aligned_empty
from ..penalties import L1
from ._active_set_kernel import make_workspace
from ._homotopy_kernel import follow_path
from ._rows import MAX_ITER, Atoms
from .registry import check_max_iter, check_problem

#: Rows that a thread takes at a time.
CHUNK_ROWS = 8

#: Relative gap at the end of a path that counts as converged.
TOL = 1e-10


@dataclass(frozen=True, eq=False)
class L1Path:
    """Minimisers of ``0.5 ||x - w D||^2 + alpha ||w||_1`` for a range of alpha, one path a sample.

    Attributes
    ----------
    alphas : list of ndarray of shape (n_knots,)
        Prices at which atoms enter or leave, from ``alpha_max`` of the sample down to `alpha_min`, for each sample.
    codes : list of CSR array of shape (n_knots, n_components)
        Codes at these prices; between two of them codes are linear in alpha.
    certificate : ndarray of shape (n_samples,)
        Duality gap of the last code at `alpha_min`, relative to ``0.5 ||x||^2``: large for a path that was stopped.
    status : ndarray of shape (n_samples,)
        0 converged, 1 stopped at `max_knots`, 2 not finite, 3 the gap at the end exceeds 1e-10.
    alpha_min : float
        Where paths end that were not stopped.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.solvers import l1_path
    >>> path = l1_path([[3.0, -1.0], [0.0, 0.0]], np.eye(2), alpha_min=0.1)
    >>> [len(alphas) for alphas in path.alphas], path.at(0.25).toarray().tolist()
    ([3, 1], [[2.75, -0.75], [0.0, 0.0]])
    """

    alphas: list
    codes: list
    certificate: np.ndarray
    status: np.ndarray
    alpha_min: float

    def at(self, alpha):
        """Return the codes at one price.

        Parameters
        ----------
        alpha : float
            At least `alpha_min`.

        Returns
        -------
        CSR array of shape (n_samples, n_components)

        Raises
        ------
        ValueError
            If a path ends before.
        """
        if not alpha >= self.alpha_min:
            raise ValueError(f"paths end at alpha_min={self.alpha_min:.6g}, got alpha={alpha!r}; follow them further.")
        rows = []
        for alphas, codes, status in zip(self.alphas, self.codes, self.status, strict=True):
            if status == MAX_ITER and alpha < alphas[-1]:
                raise ValueError(
                    f"the path of sample {len(rows)} was stopped at alpha={alphas[-1]:.6g}, above {alpha!r}; raise "
                    "`max_knots`."
                )
            after = int(np.searchsorted(-alphas, -alpha))
            if after == 0:
                rows.append(codes[:1] * 0.0)
            elif after == len(alphas):
                rows.append(codes[-1:])
            else:
                share = (alphas[after - 1] - alpha) / (alphas[after - 1] - alphas[after])
                rows.append((1 - share) * codes[after - 1 : after] + share * codes[after : after + 1])
        codes = csr_array(vstack(rows, format="csr"))
        codes.eliminate_zeros()
        return codes


def l1_path(X, D, *, alpha_min, positive=False, max_knots=None, n_jobs=None):
    r"""Return the codes ``argmin_w 0.5 ||x - w D||^2 + alpha ||w||_1`` of every row x of X for all alpha >= alpha_min.

    One path answers what grids of weights are for: how error and number of coefficients depend on alpha.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
    D : array-like of shape (n_components, n_features)
        Atoms, of any norm.
    alpha_min : float
        Price at which paths end, > 0.
    positive : bool, default=False
        Whether codes are kept non-negative.
    max_knots : int or None, default=None
        Largest number of knots of a path; None is eight times the smaller side of D, and at least 100.
    n_jobs : int or None, default=None
        Threads; the result does not depend on it.

    Returns
    -------
    L1Path
        In float64.

    Raises
    ------
    ValueError
        If X or D is not a finite 2-D array, their widths differ, or a parameter is out of range.

    See Also
    --------
    solve : codes for one weight, faster.

    Notes
    -----
    O(K k) a knot for k active atoms, O(K^2 F) to begin with. Atoms that depend linearly on the active ones stay out, by
    which the minimiser is one of several where it is not unique.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.solvers import l1_path
    >>> path = l1_path([[3.0, -1.0]], np.eye(2), alpha_min=0.5)
    >>> path.alphas[0].tolist(), path.codes[0].toarray().tolist()
    ([3.0, 1.0, 0.5], [[0.0, 0.0], [2.0, 0.0], [2.5, -0.5]])
    >>> path.at(2.0).toarray().tolist()
    [[1.0, 0.0]]
    """
    X, D = check_problem(np.asarray(X, dtype=np.float64), D)
    if not isinstance(alpha_min, Real) or not 0 < alpha_min < np.inf:
        raise ValueError(f"`alpha_min` must be a finite number above 0, got {alpha_min!r}.")
    most = min(D.shape)
    max_knots = check_max_iter(max_knots, "max_knots") or max(100, 8 * most)
    atoms = Atoms.prepare(D, n_jobs)
    penalty = L1(float(alpha_min), positive=bool(positive)).bind(atoms.norms, np.float64)
    n, K = len(X), len(D)
    paths, certificate, status = [None] * n, np.empty(n), np.empty(n, np.int8)
    square_norms = np.einsum("ij,ij->i", X, X)

    def prepare():
        knots = np.empty(max_knots), np.empty(max_knots, np.int64)
        entries = np.empty(max_knots * most, np.int32), np.empty(max_knots * most)
        vectors = np.zeros(K), make_workspace(K, most, X.dtype), np.empty(K, np.bool_), aligned_empty(K, X.dtype)
        return make_products(CHUNK_ROWS, K, X.dtype), vectors, knots, entries

    def follow_rows(start, end, stop, products, vectors, knots, entries):
        C, vector = products
        panel_products(X[start:end], atoms.panels, C[: end - start], vector)
        for i in range(start, end):
            parts = C[i - start], square_norms[i], penalty, TOL, float(alpha_min)
            n_knots, certificate[i], status[i] = follow_path(atoms.G, *parts, *vectors, stop, *knots, *entries)
            paths[i] = _as_path(n_knots, knots, entries, K)

    run_chunks(follow_rows, n, n_jobs=n_jobs, chunk_rows=CHUNK_ROWS, prepare=prepare)
    return L1Path([path[0] for path in paths], [path[1] for path in paths], certificate, status, float(alpha_min))


def _as_path(n_knots, knots, entries, n_components):
    """Return prices and codes, copied from work arrays, with atoms in order."""
    alphas, ends = (array[:n_knots].copy() for array in knots)
    places, values = (array[: ends[-1]].copy() for array in entries)
    codes = csr_array((values, places, np.append(0, ends).astype(np.int32)), shape=(n_knots, n_components))
    codes.sort_indices()
    return alphas, codes
