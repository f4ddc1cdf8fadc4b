"""Penalties with a plateau after a parabola: MCP, CEL0 and the l0 norm share the firm threshold.

    cost(m) = slope m - curvature m^2 / 2    below the knee slope / curvature,    slope^2 / (2 curvature) above.

MCP has ``slope = alpha``, ``curvature = 1 / gamma``; CEL0 has ``slope = sqrt(2 alpha) ||d_j||``, ``curvature =
||d_j||^2``, so that its plateau is alpha; the l0 norm is the limit of infinite curvature at that plateau.
"""

from typing import NamedTuple

import numpy as np

from ._base import Penalty, check_positive, in_range, separable


class BoundFirm(NamedTuple):
    """`L0`, `CEL0` and `MCP` as kernels see them."""

    entry: np.ndarray
    slope: np.ndarray
    curvature: np.ndarray
    knee: np.ndarray
    plateau: np.ndarray
    positive: bool

    def cost(self, m, j):
        """Return the parabola below the knee, the plateau above it."""
        if m == type(m)(0):
            return m
        if m >= self.knee[j]:
            return self.plateau[j]
        return m * (self.slope[j] - type(m)(0.5) * self.curvature[j] * m)

    def shrink(self, m, step, j):
        """Return the firm threshold of m, which is a hard one where ``step * curvature >= 1``."""
        zero = type(m)(0)
        bend = step * self.curvature[j]
        if not bend < type(m)(1):
            return m if m * m > step * (self.plateau[j] + self.plateau[j]) else zero
        if m >= self.knee[j]:
            return m
        over = m - step * self.slope[j]
        if over <= zero:
            return zero
        return min(m, over / (type(m)(1) - bend))


separable(BoundFirm)


class _FirmType(Penalty):
    def _bind(self, squared_norms, dtype, gains):
        slope, curvature, plateau = self._parabola(squared_norms, gains)
        hard = curvature >= squared_norms * (1 - 1e-12)
        entry = np.where(hard, np.sqrt(2 * plateau * squared_norms), slope)
        knee = np.divide(slope, curvature, out=np.zeros_like(slope), where=np.isfinite(curvature))
        in_range("alpha", self._check_alpha() / gains**self.degree, dtype)
        arrays = (np.array(a, dtype=dtype) for a in (slope, curvature, knee, plateau))
        return BoundFirm(in_range("alpha", entry, dtype), *arrays, bool(self.positive))


class L0(_FirmType):
    r"""The number of coefficients: ``pen(w) = alpha * #{j : w_j != 0}``.

    Its proximal operator is the hard threshold ``x if |x| > sqrt(2 step alpha) else 0``. Fixed points of
    forward-backward splitting depend on the step; `CEL0` has the same minimisers without that defect.

    Parameters
    ----------
    alpha : float or None, default=None
        Price of a coefficient, in units of the squared sample: at or above ``max_j <x, d_j>^2 / (2 ||d_j||^2)``
        no single atom pays. None leaves it to the estimator that uses the penalty.
    positive : bool, default=False
        Whether coefficients are kept non-negative.

    References
    ----------
    T. Blumensath and M. E. Davies, "Iterative thresholding for sparse approximations", J. Fourier Anal. Appl.
    14 (2008).

    Examples
    --------
    >>> from sparsecode.penalties import L0
    >>> L0(alpha=0.5).prox([[1.1, 0.9]]).tolist(), L0(alpha=0.5).value([[1.1, 0.0]]).tolist()
    ([[1.1, 0.0]], [0.5])
    """

    degree = 2
    step_dependent = True

    def __init__(self, alpha=None, *, positive=False):
        self.alpha = alpha
        self.positive = positive

    def _parabola(self, squared_norms, gains):
        plateau = self._check_alpha() / gains**2
        return np.zeros_like(plateau), np.full_like(plateau, np.inf), plateau

    def _alpha_max(self, C, squared_norms):
        return C**2 / (2 * squared_norms)


class CEL0(L0):
    r"""The continuous exact relaxation of the l0 norm for a least-squares data term.

    With the norm a of the atom,

        pen(u) = alpha - a^2 / 2 * (|u| - sqrt(2 alpha) / a)^2    for |u| <= sqrt(2 alpha) / a,    alpha beyond.

    Global minimisers of the l0 problem are global minimisers with it, and each of its local minimisers has
    the objective of a local minimiser of the l0 problem; some of those are gone. Its proximal operator is the
    firm threshold for ``step * a^2 < 1`` and the hard threshold otherwise. An atom enters where its correlation
    exceeds ``sqrt(2 alpha) a``, at any step.

    Parameters
    ----------
    alpha : float or None, default=None
        Price of a coefficient, in units of the squared sample, as in `L0`. None leaves it to the estimator that
        uses the penalty.
    positive : bool, default=False
        Whether coefficients are kept non-negative.

    References
    ----------
    E. Soubies, L. Blanc-Feraud and G. Aubert, "A continuous exact l0 penalty (CEL0) for least squares
    regularized problem", SIAM J. Imaging Sci. 8(3) (2015).

    Examples
    --------
    >>> from sparsecode.penalties import CEL0
    >>> CEL0(alpha=0.5).prox([[0.4, 0.8, 2.0]], step=0.5).tolist()
    [[0.0, 0.6000000000000001, 2.0]]
    """

    step_dependent = False

    def _parabola(self, squared_norms, gains):
        plateau = self._check_alpha() / gains**2
        return np.sqrt(2 * plateau * squared_norms), squared_norms, plateau


class MCP(_FirmType):
    r"""The minimax concave penalty: ``alpha |u| - u^2 / (2 gamma)`` for ``|u| <= alpha gamma``, then constant.

    Its proximal operator is the firm threshold for ``step < gamma`` and the hard threshold at
    ``alpha sqrt(gamma step)`` otherwise.

    Parameters
    ----------
    alpha : float or None, default=None
        Slope at zero, in units of the correlation of a sample with an atom. None leaves it to the estimator
        that uses the penalty.
    gamma : float, default=3.0
        The penalty is constant beyond ``alpha * gamma``. The problem is convex in each coefficient if
        ``gamma > 1 / ||d_j||^2``.
    positive : bool, default=False
        Whether coefficients are kept non-negative.

    References
    ----------
    C.-H. Zhang, "Nearly unbiased variable selection under minimax concave penalty", Ann. Stat. 38 (2010).

    Examples
    --------
    >>> from sparsecode.penalties import MCP
    >>> MCP(alpha=1.0, gamma=2.0).prox([[0.5, 1.5, 3.0]]).tolist()
    [[0.0, 1.0, 3.0]]
    """

    def __init__(self, alpha=None, gamma=3.0, *, positive=False):
        self.alpha = alpha
        self.gamma = gamma
        self.positive = positive

    def _parabola(self, squared_norms, gains):
        slope = self._check_alpha() / gains
        gamma = check_positive("gamma", self.gamma)
        return slope, np.full_like(slope, 1 / gamma), 0.5 * gamma * slope**2

    def _alpha_max(self, C, squared_norms):
        return C / np.sqrt(np.minimum(1.0, check_positive("gamma", self.gamma) * squared_norms))

    def depends_on_step(self, step):
        """Tell whether the threshold is a hard one."""
        return step >= self.gamma
