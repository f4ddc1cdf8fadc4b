"""Penalties on the whole code that bound its number of coefficients: k-sparse, and its convex envelope."""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from ._base import Penalty, check_count, in_range


def _find_share_scale(z, ridge, k):
    """Return the least s with ``sum_j clip(s |z_j| - ridge, 0, 1) = min(k, #{j : z_j != 0})``, by bisection."""
    largest = 0.0
    least = np.inf
    count = 0
    for j in range(z.shape[0]):
        m = np.float64(abs(z[j]))
        if m > 0.0:
            count += 1
            largest = max(largest, m)
            least = min(least, m)
    if count == 0:
        return 0.0
    high = (1.0 + ridge) / least
    if count <= k:
        return high
    low = ridge / largest
    for _ in range(200):
        middle = np.sqrt(low * high) if low > 0.0 and high > 4.0 * low else 0.5 * (low + high)
        if not low < middle < high:
            break
        total = 0.0
        for j in range(z.shape[0]):
            m = np.float64(abs(z[j]))
            total += min(max(middle * m - ridge, 0.0), 1.0)
        if total < k:
            low = middle
        else:
            high = middle
    return high


find_share_scale = kernel(_find_share_scale)


class BoundKSparse(NamedTuple):
    """`KSparse` as kernels see it."""

    gains: np.ndarray
    n_nonzero_coefs: int
    positive: bool

    def value_row(self, w):
        """Return zero if at most `n_nonzero_coefs` of w are not zero, else infinity."""
        count = 0
        for j in range(w.shape[0]):
            count += w[j] != 0
        return 0.0 if count <= self.n_nonzero_coefs else np.inf

    def prox_row(self, z, step, w):
        """Write to w the largest magnitudes of z, the first where they tie."""
        zero = type(z[0])(0)
        for j in range(z.shape[0]):
            w[j] = zero
        for _ in range(min(self.n_nonzero_coefs, z.shape[0])):
            best, place = zero, -1
            for j in range(z.shape[0]):
                size = self.gains[j] * (z[j] if self.positive else abs(z[j]))
                if size > best and w[j] == zero:
                    best, place = size, j
            if place < 0:
                return
            w[place] = z[place]


class BoundSparseEnvelope(NamedTuple):
    """`SparseEnvelope` as kernels see it."""

    alpha: float
    n_nonzero_coefs: int
    positive: bool

    def value_row(self, w):
        """Return ``alpha / 2 * sum_j w_j^2 / u_j`` at the shares u that make it least."""
        scale = find_share_scale(w, 0.0, self.n_nonzero_coefs)
        total = 0.0
        for j in range(w.shape[0]):
            m = np.float64(abs(w[j]))
            if m > 0.0:
                total += m * m / min(scale * m, 1.0)
        return 0.5 * self.alpha * total

    def prox_row(self, z, step, w):
        """Write ``z_j u_j / (u_j + step alpha)`` at the shares u that make the objective least."""
        zero = type(z[0])(0)
        for j in range(z.shape[0]):
            w[j] = zero if self.positive and z[j] < zero else z[j]
        ridge = np.float64(step) * np.float64(self.alpha)
        scale = find_share_scale(w, ridge, self.n_nonzero_coefs)
        for j in range(z.shape[0]):
            share = min(scale * np.float64(abs(w[j])) - ridge, 1.0)
            w[j] = w[j] * type(z[0])(share / (share + ridge)) if share > 0.0 else zero


class KSparse(Penalty):
    r"""At most k coefficients: ``pen(w) = 0`` if ``||w||_0 <= n_nonzero_coefs``, else infinity.

    Its proximal operator keeps the k largest magnitudes (the first ones where they tie).

    Parameters
    ----------
    n_nonzero_coefs : int
        Largest number of coefficients of a code.
    positive : bool, default=False
        Whether coefficients are kept non-negative.

    References
    ----------
    T. Blumensath and M. E. Davies, "Iterative hard thresholding for compressed sensing", Appl. Comput. Harmon.
    Anal. 27 (2009).

    Examples
    --------
    >>> from sparsecode.penalties import KSparse
    >>> KSparse(2).prox([[1.0, -3.0, 2.0]]).tolist()
    [[0.0, -3.0, 2.0]]
    """

    degree = 0
    separable = False

    def __init__(self, n_nonzero_coefs=1, *, positive=False):
        self.n_nonzero_coefs = n_nonzero_coefs
        self.positive = positive

    def _bind(self, squared_norms, dtype, gains):
        count = check_count("n_nonzero_coefs", self.n_nonzero_coefs)
        return BoundKSparse(in_range("gains", gains, dtype), count, bool(self.positive))

    def _alpha_max(self, C, squared_norms):
        raise ValueError("`KSparse` has no weight: choose `n_nonzero_coefs`.")


class SparseEnvelope(Penalty):
    r"""The convex envelope of ``||w||^2 / 2`` on k-sparse codes: half the squared k-support norm, times alpha.

        pen(w) = alpha / 2 * min_u sum_j w_j^2 / u_j,    0 <= u_j <= 1,  sum_j u_j <= k.

    It is ``alpha ||w||^2 / 2`` where w has at most k coefficients. No weight makes the code exactly zero.

    Parameters
    ----------
    alpha : float or None, default=None
        Weight of the penalty, relative to the squared norm of the atoms. None leaves it to the estimator that
        uses the penalty.
    n_nonzero_coefs : int, default=5
        The k of the envelope. Codes may have a few more coefficients.
    positive : bool, default=False
        Whether coefficients are kept non-negative.

    References
    ----------
    A. Argyriou, R. Foygel and N. Srebro, "Sparse prediction with the k-support norm", NIPS (2012).

    A. Beck and Y. Refael, "Sparse regularization via bidualization", J. Glob. Optim. 82 (2022).

    Examples
    --------
    >>> from sparsecode.penalties import SparseEnvelope
    >>> SparseEnvelope(1.0, 1).prox([[3.0, 1.0]]).tolist(), SparseEnvelope(1.0, 1).value([[2.0, 0.0]]).tolist()
    ([[1.5, 0.0]], [2.0])
    """

    degree = 0
    separable = False
    convex = True
    takes_gains = False

    def __init__(self, alpha=None, n_nonzero_coefs=5, *, positive=False):
        self.alpha = alpha
        self.n_nonzero_coefs = n_nonzero_coefs
        self.positive = positive

    def _bind(self, squared_norms, dtype, gains):
        count = check_count("n_nonzero_coefs", self.n_nonzero_coefs)
        if (gains != 1).any():
            raise ValueError("`SparseEnvelope` takes no gains: with it no atom has a correlation at which it enters.")
        alpha = in_range("alpha", self._check_alpha(), dtype)
        return BoundSparseEnvelope(alpha[()], count, bool(self.positive))

    def _alpha_max(self, C, squared_norms):
        raise ValueError(
            "`SparseEnvelope` has no largest weight: it never makes a code exactly zero. Give `alpha`, absolute."
        )
