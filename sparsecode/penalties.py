"""Penalties on codes: public parameter objects, and the bound forms that kernels see.

A public penalty holds parameters only, so that ``clone`` and ``GridSearchCV`` treat it as a value.
Its `bind` gives a NamedTuple whose scalars have one float type and whose methods run in Numba and in
plain Python alike:

* ``value(u, j)``: the penalty of coefficient `u` of atom `j`;
* ``prox(x, step, j)``: ``argmin_u 0.5 * (u - x)**2 + step * value(u, j)``;
* ``threshold(j)``: the slope at zero, which a correlation must exceed for atom `j` to enter the code;
* ``violation(u, g, j)``: the distance of the correlation `g` to the subdifferential at `u`.
"""

import inspect
from typing import NamedTuple

import numpy as np

from ._core import jit as _jit  # noqa: F401  (kernel sources are found by this import)


class _Penalty:
    """Parameters of a penalty, with the manners of a scikit-learn object and equality by value."""

    def get_params(self, deep=True):
        """Return the parameters as a dict."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **params):
        """Set parameters by name and return self."""
        allowed = self.get_params()
        for name, value in params.items():
            if name not in allowed:
                raise ValueError(
                    f"`{name}` is not a parameter of {type(self).__name__}; it has {', '.join(map(repr, allowed))}."
                )
            setattr(self, name, value)
        return self

    def __eq__(self, other):
        return type(self) is type(other) and self.get_params() == other.get_params()

    __hash__ = None

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.get_params().items())})"


class L1(_Penalty):
    r"""The l1 norm: ``pen(w) = alpha * sum_j |w_j|``, with ``w_j >= 0`` if `positive`.

    Parameters
    ----------
    alpha : float
        Weight of the penalty, in units of the correlation of a sample with an atom. At or above
        ``max_j |<x, d_j>|`` the code of `x` is zero.
    positive : bool, default=False
        Whether coefficients are kept non-negative.

    References
    ----------
    R. Tibshirani, "Regression shrinkage and selection via the lasso", J. R. Stat. Soc. B 58 (1996).

    Examples
    --------
    >>> from sparsecode.penalties import L1
    >>> bound = L1(alpha=0.5).bind("float64")
    >>> float(bound.prox(2.0, 1.0, 0)), float(bound.value(-2.0, 0))
    (1.5, 1.0)
    """

    def __init__(self, alpha=1.0, *, positive=False):
        self.alpha = alpha
        self.positive = positive

    def bind(self, dtype):
        """Return the NamedTuple that kernels see, with its scalars of type `dtype`.

        Raises
        ------
        ValueError
            If `alpha` is not a positive finite number.
        """
        if not (np.isscalar(self.alpha) and np.isreal(self.alpha) and np.isfinite(self.alpha) and self.alpha > 0):
            raise ValueError(
                f"`alpha` must be a positive finite number, got {self.alpha!r}. For least squares without "
                "a penalty use numpy.linalg.lstsq."
            )
        return BoundL1(np.dtype(dtype).type(self.alpha), bool(self.positive))

    def alpha_max(self, correlations):
        """Return, for each row of ``C = X D^T``, the least `alpha` whose code is zero.

        Parameters
        ----------
        correlations : ndarray of shape (n_samples, n_components)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        C = np.asarray(correlations)
        return np.maximum(C.max(axis=1), 0) if self.positive else np.abs(C).max(axis=1)


class BoundL1(NamedTuple):
    """`L1` as kernels see it."""

    alpha: float
    positive: bool

    def value(self, u, j):
        """Return ``alpha |u|``."""
        return self.alpha * abs(u)

    def prox(self, x, step, j):
        """Return the soft threshold of x at ``step * alpha``, one-sided if positive."""
        level = self.alpha * step
        if x > level:
            return x - level
        if x < -level and not self.positive:
            return x + level
        return type(x)(0)

    def threshold(self, j):
        """Return the slope at zero, alpha."""
        return self.alpha

    def violation(self, u, g, j):
        """Return the distance of the correlation g to the subdifferential at u."""
        if u > type(u)(0):
            return abs(g - self.alpha)
        if u < type(u)(0):
            return abs(g + self.alpha)
        excess = (g if self.positive else abs(g)) - self.alpha
        return excess if excess > type(g)(0) else type(g)(0)
