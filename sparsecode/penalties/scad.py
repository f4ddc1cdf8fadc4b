"""The smoothly clipped absolute deviation."""

from typing import NamedTuple

import numpy as np

from ._base import Penalty, check_positive, in_range, separable


class BoundSCAD(NamedTuple):
    """`SCAD` as kernels see it."""

    entry: np.ndarray
    alpha: np.ndarray
    gamma: float
    positive: bool

    def cost(self, m, j):
        """Return the line up to alpha, the parabola up to ``gamma alpha``, the plateau beyond."""
        alpha, gamma, half = self.alpha[j], self.gamma, type(m)(0.5)
        if m <= alpha:
            return alpha * m
        if m >= gamma * alpha:
            return half * alpha * alpha * (gamma + type(m)(1))
        over = m - alpha
        return alpha * m - half * over * over / (gamma - type(m)(1))

    def shrink(self, m, step, j):
        """Return the minimiser among those of the line, of the parabola and of the plateau."""
        zero, one = type(m)(0), type(m)(1)
        alpha, gamma = self.alpha[j], self.gamma
        soft = max(m - step * alpha, zero)
        if step >= gamma - one:  # concave between line and plateau
            if step <= gamma + one:
                return soft if m <= type(m)(0.5) * alpha * (gamma + one + step) else m
            return m if m * m > alpha * alpha * step * (gamma + one) else zero
        if soft <= alpha:
            return soft
        if m >= gamma * alpha:
            return m
        return min(m, soft + step * (soft - alpha) / (gamma - one - step))


separable(BoundSCAD)


class SCAD(Penalty):
    r"""The smoothly clipped absolute deviation: a line up to ``alpha``, a bend, a constant from ``gamma alpha`` on.

        pen(u) = alpha |u|                                                      for |u| <= alpha,
                 alpha |u| - (|u| - alpha)^2 / (2 (gamma - 1))                  for |u| <= gamma alpha,
                 alpha^2 (gamma + 1) / 2                                        beyond.

    Parameters
    ----------
    alpha : float or None, default=None
        Slope at zero, in units of the correlation of a sample with an atom. None leaves it to the estimator
        that uses the penalty.
    gamma : float, default=3.7
        Above 2. The problem is convex in each coefficient if ``gamma > 1 + 1 / ||d_j||^2``.
    positive : bool, default=False
        Whether coefficients are kept non-negative.

    References
    ----------
    J. Fan and R. Li, "Variable selection via nonconcave penalized likelihood and its oracle properties",
    J. Am. Stat. Assoc. 96 (2001).

    Examples
    --------
    >>> from sparsecode.penalties import SCAD
    >>> SCAD(alpha=1.0).prox([[0.5, 1.5, 4.0]]).tolist()
    [[0.0, 0.5, 4.0]]
    """

    def __init__(self, alpha=None, gamma=3.7, *, positive=False):
        self.alpha = alpha
        self.gamma = gamma
        self.positive = positive

    def _bind(self, squared_norms, dtype, gains):
        alpha = self._check_alpha() / gains
        entry = alpha * self._entry(squared_norms)
        arrays = (in_range("alpha", values, dtype) for values in (entry, alpha))
        return BoundSCAD(*arrays, in_range("gamma", self.gamma, dtype)[()], bool(self.positive))

    def _entry(self, squared_norms):
        """Return the entering correlation at ``alpha = 1``; the threshold is a hard one where the step is long."""
        gamma = check_positive("gamma", self.gamma, above=2.0)
        return np.sqrt(np.minimum(1.0, (gamma + 1) * squared_norms))

    def _alpha_max(self, C, squared_norms):
        return C / self._entry(squared_norms)

    def depends_on_step(self, step):
        """Tell whether the threshold jumps."""
        return step >= self.gamma - 1
