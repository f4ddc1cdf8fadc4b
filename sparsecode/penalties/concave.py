"""Penalties that are concave in the magnitude: l_{1/2}, l_{2/3} and the logarithm."""

from typing import NamedTuple

import numpy as np

from ._base import Penalty, check_positive, in_range, separable

# Roots are found in float64 whatever the type of the problem, in forms that do not cancel: they are right to rounding
# for the smallest weights too.


class BoundLHalf(NamedTuple):
    """`LHalf` as kernels see it."""

    entry: np.ndarray
    alpha: np.ndarray
    positive: bool

    def cost(self, m, j):
        """Return ``alpha sqrt(m)``."""
        return self.alpha[j] * type(m)(np.sqrt(m))

    def shrink(self, m, step, j):
        """Return the largest root of ``u - m + step alpha / (2 sqrt(u))`` above the threshold, zero below."""
        tau, x = np.float64(step) * np.float64(self.alpha[j]), np.float64(m)
        if x <= 1.5 * tau ** (2.0 / 3.0):
            return type(m)(0)
        angle = np.arcsin(0.25 * 3.0**1.5 * (tau / x) / np.sqrt(x))
        return type(m)(2.0 / 3.0 * x * (1.0 + np.cos(np.pi / 3.0 + 2.0 / 3.0 * angle)))


class BoundLTwoThirds(NamedTuple):
    """`LTwoThirds` as kernels see it."""

    entry: np.ndarray
    alpha: np.ndarray
    positive: bool

    def cost(self, m, j):
        """Return ``alpha m^(2/3)``."""
        return self.alpha[j] * type(m)(np.cbrt(m) ** 2)

    def shrink(self, m, step, j):
        """Return ``v^3`` for the largest root of ``v^4 - m v + 2 step alpha / 3`` above the threshold, zero below.

        With ``v = y cbrt(m)`` the quartic is ``y^4 - y + 2 t / 3``, ``t = step alpha / m^(4/3)``.
        """
        tau, x = np.float64(step) * np.float64(self.alpha[j]), np.float64(m)
        if x <= 2.0 * (2.0 / 3.0 * tau) ** 0.75:
            return type(m)(0)
        t = tau / x / np.cbrt(x)
        part = 2048.0 / 729.0 * t * t * t  # at most 16/27
        sum_ = 1.0 + np.sqrt(1.0 - part)
        s = 2.0 * (np.cbrt(sum_ / 16.0) + np.cbrt(part / sum_ / 16.0))
        slope = np.sqrt(s)
        return type(m)(0.125 * x * (slope + np.sqrt(2.0 / slope - s)) ** 3)


class BoundLogSum(NamedTuple):
    """`LogSum` as kernels see it."""

    entry: np.ndarray
    alpha: np.ndarray
    eps: float
    positive: bool

    def cost(self, m, j):
        """Return ``alpha log(1 + m / eps)``."""
        return self.alpha[j] * type(m)(np.log1p(m / self.eps))

    def shrink(self, m, step, j):
        """Return the larger root of ``(u - m)(u + eps) + step alpha`` if it beats zero."""
        tau, eps, x = np.float64(step) * np.float64(self.alpha[j]), np.float64(self.eps), np.float64(m)
        square = (x + eps) * (x + eps) - 4.0 * tau
        if square < 0.0:
            return type(m)(0)
        if x > eps:
            u = 0.5 * (x - eps + np.sqrt(square))
        else:
            u = 2.0 * (x * eps - tau) / max(eps - x + np.sqrt(square), np.finfo(np.float64).tiny)
        # 0.5 (u - x)^2 + tau log(1 + u / eps) < 0.5 x^2, without the cancelling x^2; convex for tau <= eps^2
        if u <= 0.0 or (tau > eps * eps and tau * np.log1p(u / eps) >= u * (x - 0.5 * u)):
            return type(m)(0)
        return type(m)(u)


for _bound in (BoundLHalf, BoundLTwoThirds, BoundLogSum):
    separable(_bound)


class LHalf(Penalty):
    r"""The l_{1/2} quasi-norm: ``pen(w) = alpha * sum_j |w_j|^(1/2)``.

    Its threshold has a closed form, ``u = 2/3 x (1 + cos(2/3 (pi - arccos(tau/4 (|x|/3)^(-3/2)))))`` for
    ``|x| > 3/2 tau^(2/3)`` with ``tau = step * alpha``, and jumps there to ``tau^(2/3)``. Fixed points of
    forward-backward splitting depend on the step.

    Parameters
    ----------
    alpha : float or None, default=None
        Weight of the penalty. None leaves it to the estimator that uses the penalty.
    positive : bool, default=False
        Whether coefficients are kept non-negative.

    References
    ----------
    Z. Xu, X. Chang, F. Xu and H. Zhang, "L1/2 regularization: a thresholding representation theory and a fast
    solver", IEEE Trans. Neural Netw. Learn. Syst. 23 (2012); their weight is twice ours.

    Examples
    --------
    >>> from sparsecode.penalties import LHalf
    >>> LHalf(alpha=1.0).prox([[1.4, 1.6]]).round(3).tolist()
    [[0.0, 1.13]]
    """

    degree = 1.5
    step_dependent = True

    def __init__(self, alpha=None, *, positive=False):
        self.alpha = alpha
        self.positive = positive

    def _bind(self, squared_norms, dtype, gains):
        alpha = self._check_alpha() / gains**self.degree
        entry = 1.5 * alpha ** (2 / 3) * squared_norms ** (1 / 3)
        return BoundLHalf(in_range("alpha", entry, dtype), in_range("alpha", alpha, dtype), bool(self.positive))

    def _alpha_max(self, C, squared_norms):
        return (2 / 3 * C) ** 1.5 / np.sqrt(squared_norms)


class LTwoThirds(Penalty):
    r"""The l_{2/3} quasi-norm: ``pen(w) = alpha * sum_j |w_j|^(2/3)``.

    The proximal point of x is ``v^3`` for the largest root of the quartic ``v^4 - |x| v + 2/3 tau`` where
    ``|x| > 2 (2/3 tau)^(3/4)``, ``tau = step * alpha``, and zero below. Fixed points of forward-backward
    splitting depend on the step.

    Parameters
    ----------
    alpha : float or None, default=None
        Weight of the penalty. None leaves it to the estimator that uses the penalty.
    positive : bool, default=False
        Whether coefficients are kept non-negative.

    References
    ----------
    W. Cao, J. Sun and Z. Xu, "Fast image deconvolution using closed-form thresholding formulas of Lq (q = 1/2,
    2/3) regularization", J. Vis. Commun. Image Represent. 24 (2013).

    Examples
    --------
    >>> from sparsecode.penalties import LTwoThirds
    >>> LTwoThirds(alpha=1.0).prox([[1.4, 1.6]]).round(3).tolist()
    [[0.0, 0.913]]
    """

    degree = 4 / 3
    step_dependent = True

    def __init__(self, alpha=None, *, positive=False):
        self.alpha = alpha
        self.positive = positive

    def _bind(self, squared_norms, dtype, gains):
        alpha = self._check_alpha() / gains**self.degree
        entry = 2 * (2 / 3 * alpha) ** 0.75 * squared_norms**0.25
        return BoundLTwoThirds(in_range("alpha", entry, dtype), in_range("alpha", alpha, dtype), bool(self.positive))

    def _alpha_max(self, C, squared_norms):
        return 1.5 * (C / 2) ** (4 / 3) / squared_norms ** (1 / 3)


class LogSum(Penalty):
    r"""The logarithmic penalty: ``pen(w) = alpha * sum_j log(1 + |w_j| / eps)``.

    Its threshold is continuous for ``sqrt(step * alpha) <= eps`` and jumps otherwise, and then fixed points of
    forward-backward splitting depend on the step.

    Parameters
    ----------
    alpha : float or None, default=None
        Weight of the penalty; its slope at zero is ``alpha / eps``. None leaves it to the estimator that uses the
        penalty.
    eps : float, default=0.1
        Magnitude, in units of the coefficients, below which the penalty is about linear.
    positive : bool, default=False
        Whether coefficients are kept non-negative.

    References
    ----------
    E. J. Candes, M. B. Wakin and S. P. Boyd, "Enhancing sparsity by reweighted l1 minimization", J. Fourier
    Anal. Appl. 14 (2008).

    Examples
    --------
    >>> from sparsecode.penalties import LogSum
    >>> LogSum(alpha=0.5, eps=1.0).prox([[0.4, 2.0]]).round(3).tolist()
    [[0.0, 1.823]]
    """

    degree = 2
    step_dependent = True

    def __init__(self, alpha=None, eps=0.1, *, positive=False):
        self.alpha = alpha
        self.eps = eps
        self.positive = positive

    def scaled(self, factor):
        """Return the penalty with which ``factor * w`` solves the problem of ``factor * x``: `eps` scales too."""
        factor = check_positive("factor", factor)
        eps = check_positive("eps", self.eps)
        return self.replace(alpha=self._check_alpha() * factor**2, eps=eps * factor)

    def depends_on_step(self, step):
        """Tell whether the threshold jumps."""
        return step * self.alpha > self.eps**2

    def _bind(self, squared_norms, dtype, gains):
        alpha, eps = self._check_alpha(), check_positive("eps", self.eps)
        alpha, eps = in_range("alpha", np.full_like(squared_norms, alpha), dtype), in_range("eps", eps, dtype)[()]
        entry = in_range("alpha", self._entry(alpha.astype(np.float64), squared_norms) / gains, dtype)
        if (gains != 1).any():
            alpha = in_range("alpha", self._alpha_max(entry.astype(np.float64), squared_norms), dtype)
        return BoundLogSum(entry, alpha, eps, bool(self.positive))

    def _entry(self, alpha, squared_norms):
        """Return the entering correlation, the least ``(alpha log(1 + u / eps) + 0.5 ||d||^2 u^2) / u``.

        It is the slope at zero, ``alpha / eps``, where the objective is convex. Elsewhere each u gives a bound from
        above, and the best u for that bound a better one: these are steps of Newton's method.
        """
        eps = self.eps
        over = np.maximum(alpha / squared_norms / eps / eps - 1, _NO_JUMP)
        u = eps * over / (4 / 3 + over / np.sqrt(2 * (1 + over)))  # right to leading order at both ends
        for _ in range(_NEWTON_STEPS):
            c = alpha * (np.log1p(u / eps) / u) + 0.5 * squared_norms * u
            u = _log_sum_root(c, alpha, eps, squared_norms)
        return np.where(over > _NO_JUMP, c, alpha / eps)

    def _alpha_max(self, C, squared_norms):
        """Return the largest ``(c u - 0.5 ||d||^2 u^2) / log(1 + u / eps)``, as in `_entry`."""
        eps = check_positive("eps", self.eps)
        over = np.maximum(C / squared_norms / eps - 1, _NO_JUMP)
        u = eps * over * ((over + 0.75) / (over + 1))
        for _ in range(_NEWTON_STEPS):
            alpha = (u / np.log1p(u / eps)) * (C - 0.5 * squared_norms * u)
            u = _log_sum_root(C, alpha, eps, squared_norms)
        return np.where(over > _NO_JUMP, alpha, C * eps)


#: The part by which a weight or correlation exceeds that where the threshold begins to jump; its square is rounding.
_NO_JUMP = 1e-9

#: Enough for any parameters: more steps change the last digits only.
_NEWTON_STEPS = 8


def _log_sum_root(c, alpha, eps, squared_norms):
    """Return the larger root of ``(||d||^2 u - c)(u + eps) + alpha``."""
    x, tau = c / squared_norms, alpha / squared_norms
    return np.maximum(0.5 * (x - eps + np.sqrt(np.maximum((x + eps) ** 2 - 4 * tau, 0))), 0.1 * _NO_JUMP * eps)
