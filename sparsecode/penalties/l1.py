"""l1 norms: plain, weighted, and with a ridge; one bound form serves the three."""

import sys
from typing import NamedTuple

import numpy as np

from ._base import Penalty, check_positive, in_range, separable

#: A ridge that would be rounded by more than this, in units of squared norms of atoms, is refused.
RIDGE_ERROR = 0.01


class L1Type(Penalty):
    """Penalties ``sum_j alpha_j |w_j| + 0.5 ridge w_j^2``."""

    convex = True

    def _bind(self, squared_norms, dtype, gains):
        weights, ridge = self._weights_and_ridge(len(squared_norms))
        weights = in_range("alpha", weights / gains, dtype)
        return BoundL1(weights, 1 / weights, dtype.type(ridge), bool(self.positive))

    def _alpha_max(self, C, squared_norms):
        return C / self.replace(alpha=1.0)._weights_and_ridge(C.shape[1])[0]


class BoundL1(NamedTuple):
    """`L1`, `WeightedL1` and `ElasticNet` as kernels see them."""

    entry: np.ndarray  # slope at zero
    inverse: np.ndarray  # 1 / entry
    ridge: float
    positive: bool

    def cost(self, m, j):
        """Return ``entry m + 0.5 ridge m^2``."""
        return self.entry[j] * m + type(m)(0.5) * self.ridge * m * m

    def shrink(self, m, step, j):
        """Return the soft threshold of m, divided by ``1 + step * ridge``."""
        over = m - step * self.entry[j]
        return over / (type(m)(1) + step * self.ridge) if over > type(m)(0) else type(m)(0)


separable(BoundL1)


class L1(L1Type):
    r"""The l1 norm: ``pen(w) = alpha * sum_j |w_j|``.

    Parameters
    ----------
    alpha : float or None, default=None
        Weight of the penalty, in units of the correlation of a sample with an atom. At or above
        ``max_j |<x, d_j>|`` the code of x is zero. None leaves it to the estimator that uses the penalty.
    positive : bool, default=False
        Whether coefficients are kept non-negative.

    References
    ----------
    R. Tibshirani, "Regression shrinkage and selection via the lasso", J. R. Stat. Soc. B 58 (1996).

    Examples
    --------
    >>> from sparsecode.penalties import L1
    >>> L1(alpha=0.5).prox([[2.0, -0.1]]).tolist(), L1(alpha=0.5).value([[2.0, -1.0]]).tolist()
    ([[1.5, 0.0]], [1.5])
    """

    def __init__(self, alpha=None, *, positive=False):
        self.alpha = alpha
        self.positive = positive

    def _weights_and_ridge(self, n_components):
        return np.full(n_components, self._check_alpha()), 0.0


class WeightedL1(L1Type):
    r"""The weighted l1 norm: ``pen(w) = alpha * sum_j weights_j |w_j|``.

    Parameters
    ----------
    alpha : float or None, default=None
        Weight of the penalty, in units of the correlation of a sample with an atom. None leaves it to the
        estimator that uses the penalty.
    weights : array-like of shape (n_components,)
        Positive weights of the atoms; None stands for ones.
    positive : bool, default=False
        Whether coefficients are kept non-negative.

    References
    ----------
    H. Zou, "The adaptive lasso and its oracle properties", J. Am. Stat. Assoc. 101 (2006).

    Examples
    --------
    >>> from sparsecode.penalties import WeightedL1
    >>> WeightedL1(0.5, [1, 2]).prox([[2.0, 2.0]]).tolist()
    [[1.5, 1.0]]
    """

    def __init__(self, alpha=None, weights=None, *, positive=False):
        self.alpha = alpha
        self.weights = weights
        self.positive = positive

    def check_weights(self, n_components):
        """Return the weights as an array, or say what is wrong with them."""
        weights = np.ones(n_components) if self.weights is None else np.asarray(self.weights, dtype=np.float64)
        if weights.shape != (n_components,) or not ((weights > 0) & np.isfinite(weights)).all():
            raise ValueError(
                f"`weights` must be {n_components} positive finite numbers, one for each atom, got an array of shape "
                f"{weights.shape}{f' with least value {weights.min():g}' if weights.size else ''}."
            )
        return weights

    def _weights_and_ridge(self, n_components):
        return self._check_alpha() * self.check_weights(n_components), 0.0


class ElasticNet(L1Type):
    r"""The elastic net: ``pen(w) = alpha * (l1_ratio * sum_j |w_j| + 0.5 * (1 - l1_ratio) * ||w||^2)``.

    Parameters
    ----------
    alpha : float or None, default=None
        Weight of the penalty. None leaves it to the estimator that uses the penalty.
    l1_ratio : float, default=0.5
        Share of the l1 norm, in (0, 1].
    positive : bool, default=False
        Whether coefficients are kept non-negative.

    References
    ----------
    H. Zou and T. Hastie, "Regularization and variable selection via the elastic net", J. R. Stat. Soc. B
    67 (2005).

    Examples
    --------
    >>> from sparsecode.penalties import ElasticNet
    >>> ElasticNet(1.0, l1_ratio=0.5).prox([[2.0, 0.4]]).tolist()
    [[1.0, 0.0]]
    """

    def __init__(self, alpha=None, l1_ratio=0.5, *, positive=False):
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.positive = positive

    def scaled(self, factor):
        """Return the penalty with which ``factor * w`` solves the problem of ``factor * x``: the ridge stays."""
        (lasso,), ridge = self._weights_and_ridge(1)
        lasso *= check_positive("factor", factor)
        return self._with_ratio(float(lasso), ridge).replace(alpha=float(lasso + ridge))

    def for_correlations_of(self, size):
        """Return the penalty with the ridge that `l1_ratio` stands for where correlations are 1, not `size`.

        The share of the l1 norm is one of magnitudes that grow with the data, the ridge is one of numbers that do
        not; a weight that is taken from the data moves both.
        """
        ratio = self._check_ratio()
        return self._with_ratio(ratio * size, 1 - ratio)

    def _with_ratio(self, lasso, ridge):
        """Return the penalty with an `l1_ratio` that stands for two weights."""
        if ridge > 0 and sys.float_info.epsilon * lasso > RIDGE_ERROR * (1 + ridge):
            raise ValueError("The data are so large that `l1_ratio` would round the ridge away; scale them.")
        return self.replace(l1_ratio=lasso / (lasso + ridge))

    def _check_ratio(self):
        ratio = check_positive("l1_ratio", self.l1_ratio, "It is the share of the l1 norm, up to 1.")
        if ratio > 1:
            raise ValueError(f"`l1_ratio` must be in (0, 1], got {self.l1_ratio!r}.")
        return ratio

    def _weights_and_ridge(self, n_components):
        alpha, ratio = self._check_alpha(), self._check_ratio()
        return np.full(n_components, alpha * ratio), alpha * (1 - ratio)
