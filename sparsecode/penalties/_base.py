"""What penalties share: parameter objects for users, and bound NamedTuples for kernels.

A public penalty holds parameters only, so that ``clone`` and ``GridSearchCV`` treat it as a value. Its `bind`
gives a NamedTuple of arrays and scalars of one float type, whose methods run in Numba and in plain Python
alike. A separable penalty writes two of them and is given the rest by `separable`; others write ``value_row``
and ``prox_row``.
"""

import copy
import inspect
import sys
from numbers import Integral, Real

import numpy as np

from .._core.arrays import real_matrix
from .._core.jit import kernel
from .._core.products import kernel_array


class Penalty:
    """Parameters of a penalty, with the manners of a scikit-learn object and equality by value.

    A penalty of your own derives from this class, keeps the arguments of ``__init__`` as they come, under their
    names, and writes two methods, which take checked arrays in float64:

    * ``_bind(squared_norms, dtype, gains)`` checks the parameters and returns the NamedTuple that kernels see;
    * ``_alpha_max(C, squared_norms)`` returns, for each magnitude of a correlation, the least `alpha` at which the
      atom does not enter.

    `separable` has a whole example.

    Examples
    --------
    >>> from sparsecode.penalties import CEL0, Penalty
    >>> penalty = CEL0(alpha=0.5).replace(positive=True)
    >>> penalty, isinstance(penalty, Penalty), penalty == CEL0(alpha=0.5)
    (CEL0(alpha=0.5, positive=True), True, False)
    """

    #: ``alpha_max`` of ``t C`` is ``t**degree`` times that of C (for `LogSum`, where its eps becomes ``t eps``).
    degree = 1

    #: Whether the threshold jumps, by which fixed points of a proximal method depend on its step.
    step_dependent = False

    #: Whether the penalty is a sum over coefficients.
    separable = True

    #: Whether the penalty is a convex function.
    convex = False

    #: Whether `bind` takes gains other than one.
    takes_gains = True

    positive = False

    def get_params(self, deep=True):
        """Return the parameters as a dict."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **params):
        """Set parameters by name and return self."""
        allowed = self.get_params()
        for name in params:
            if name not in allowed:
                raise ValueError(
                    f"`{name}` is not a parameter of {type(self).__name__}; it has {', '.join(map(repr, allowed))}."
                )
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def replace(self, **params):
        """Return a copy with some parameters changed."""
        return copy.copy(self).set_params(**params)

    def scaled(self, factor):
        """Return the penalty with which ``factor * w`` solves the problem of ``factor * x``, where w solves that of x.

        Its value at ``factor * w`` is ``factor**2`` times that of w, as for the data term.
        """
        factor = check_positive("factor", factor)
        if "alpha" not in self.get_params():
            return self.replace()
        return self.replace(alpha=self._check_alpha() * factor**self.degree)

    def depends_on_step(self, step):
        """Tell whether codes of a proximal method with this step depend on it."""
        return self.step_dependent

    def bind(self, squared_norms, dtype, gains=None):
        """Return the NamedTuple that kernels see.

        Parameters
        ----------
        squared_norms : array-like of shape (n_components,)
            Squared norms of the atoms.
        dtype : float32 or float64
        gains : array-like of shape (n_components,) or None, default=None
            Positive numbers; an atom of gain 2 enters a code at half the correlation.

        Raises
        ------
        ValueError
            If a parameter of the penalty is out of range, or leaves that of `dtype`.
        """
        norms = _checked_norms(np.atleast_1d(squared_norms))
        gains = np.ones_like(norms) if gains is None else np.asarray(gains, dtype=np.float64)
        if gains.shape != norms.shape or not ((gains > 0) & (gains < np.inf)).all():
            raise ValueError(f"`gains` must be {len(norms)} positive finite numbers, one for each atom.")
        with np.errstate(all="ignore"):  # `in_range` sees to it
            return self._bind(norms, np.dtype(dtype), gains)

    def value(self, W, squared_norms=1.0):
        """Return ``pen(w)`` of each row of W.

        Parameters
        ----------
        W : array-like of shape (n_samples, n_components)
        squared_norms : float or array-like of shape (n_components,), default=1.0
            Squared norms of the atoms, on which CEL0 depends.

        Returns
        -------
        ndarray of shape (n_samples,), float64
        """
        W, bound = self._bind_rows(W, squared_norms)
        out = np.empty(len(W))
        value_rows(bound, W, out)
        return out

    def prox(self, Z, step=1.0, squared_norms=1.0):
        """Return ``argmin_u 0.5 ||u - z||^2 + step * pen(u)`` for each row z of Z.

        Parameters
        ----------
        Z : array-like of shape (n_samples, n_components)
        step : float, default=1.0
        squared_norms : float or array-like of shape (n_components,), default=1.0
            Squared norms of the atoms, on which CEL0 depends.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
        """
        step = check_positive("step", step)
        Z, bound = self._bind_rows(Z, squared_norms)
        out = np.empty_like(Z)
        prox_rows(bound, Z, in_range("step", step, Z.dtype)[()], out)
        return out

    def alpha_max(self, correlations, squared_norms=1.0):
        """Return, for each row of ``C = X D^T``, the least `alpha` at which no atom enters a zero code.

        An atom enters where its best step from zero, at ``step = 1 / ||d_j||^2``, is not zero; for convex
        penalties the code is zero at and above alpha_max.

        Parameters
        ----------
        correlations : array-like of shape (n_samples, n_components)
        squared_norms : float or array-like of shape (n_components,), default=1.0
            Squared norms of the atoms.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        C = real_matrix(correlations, "correlations").astype(np.float64, copy=False)
        C = np.maximum(C, 0) if self.positive else np.abs(C)
        return self._alpha_max(C, _checked_norms(squared_norms, C.shape[1:])).max(axis=1)

    def _bind_rows(self, W, squared_norms):
        W = real_matrix(W, "codes")
        W = kernel_array(W.astype(np.float32 if W.dtype == np.float32 else np.float64, copy=False))
        return W, self.bind(_checked_norms(squared_norms, W.shape[1:]), W.dtype)

    def _check_alpha(self):
        return check_positive("alpha", self.alpha, "For least squares without a penalty use numpy.linalg.lstsq.")

    def __eq__(self, other):
        if type(self) is not type(other):
            return NotImplemented
        theirs = other.get_params()
        return all(np.array_equal(value, theirs[name]) for name, value in self.get_params().items())

    __hash__ = None

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.get_params().items())})"


def check_positive(name, value, advice="", *, above=0.0):
    """Return `value` as a float above `above`, or say what is wrong with parameter `name`."""
    number = isinstance(value, Real) and not isinstance(value, bool)
    value = value.item() if isinstance(value, np.generic) else value  # NumPy would cast the limit to float32
    if not (number and above < value <= sys.float_info.max):
        least = f"a finite number above {above:g}" if above else "a positive finite number"
        raise ValueError(f"`{name}` must be {least}, got {value!r}. {advice}".rstrip())
    return float(value)


def check_count(name, value):
    """Return `value` as an int >= 1, or say what is wrong with parameter `name`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"`{name}` must be an integer of at least 1, got {value!r}.")
    return int(value)


def in_range(name, values, dtype):
    """Return positive `values` in `dtype`, or say that they leave its range."""
    limits, values = np.finfo(dtype), np.asarray(values, dtype=np.float64)
    bad = values[~((values >= limits.tiny) & (values <= limits.max))]
    if bad.size:
        raise ValueError(
            f"`{name}` leaves the range of {np.dtype(dtype)}: it comes to {bad.flat[0]:.1e}; scale the data, and it."
        )
    return values.astype(dtype)


def _checked_norms(squared_norms, shape=None):
    """Return squared norms in float64, with 1 for zero atoms: they never enter, whatever their bound."""
    norms = np.asarray(squared_norms, dtype=np.float64)
    if shape is not None and norms.shape in ((), (1,)):
        norms = np.broadcast_to(norms, shape)
    if norms.ndim != 1 or (shape is not None and norms.shape != shape) or not ((norms >= 0) & (norms < np.inf)).all():
        raise ValueError("`squared_norms` must be finite numbers that are not negative, one for each atom.")
    return np.where(norms > 0, norms, 1.0)


#: What a separable penalty writes.
_WRITTEN = {"cost": ["self", "m", "j"], "shrink": ["self", "m", "step", "j"]}


def separable(bound):
    """Give a bound penalty with `cost` and `shrink` the methods that follow from them; a class decorator.

    Parameters
    ----------
    bound : NamedTuple class
        Its fields are arrays and scalars of one float type. Among them are ``positive``, whether coefficients are
        kept non-negative, and ``entry``, an array of the correlations above which the atoms enter a code at the
        step ``1 / ||d_j||^2``. Its methods, for a magnitude m >= 0 of the coefficient of atom j, are

        * ``cost(self, m, j)``: the penalty of the coefficient;
        * ``shrink(self, m, step, j)``: ``argmin_{u >= 0} 0.5 * (u - m)**2 + step * cost(u, j)``.

        They run compiled by Numba. A float32 problem stays in float32 where constants are written as
        ``type(m)(0.5)``. For classes outside this package they are compiled once a process.

    Returns
    -------
    class
        The same class, with the methods ``value``, ``prox``, ``violation``, ``value_row`` and ``prox_row``.

    Raises
    ------
    TypeError
        If a method or field is missing, or has other arguments: Numba matches them by name.

    Examples
    --------
    The reverse Huber norm, the magnitude up to 1 and ``(u**2 + 1) / 2`` beyond:

    >>> from typing import NamedTuple
    >>> import numpy as np
    >>> from sparsecode.penalties import Penalty, separable
    >>> @separable
    ... class BoundBerhu(NamedTuple):
    ...     entry: np.ndarray
    ...     positive: bool
    ...
    ...     def cost(self, m, j):
    ...         one, half = type(m)(1), type(m)(0.5)
    ...         return self.entry[j] * (m if m < one else half * (m * m + one))
    ...
    ...     def shrink(self, m, step, j):
    ...         zero, one = type(m)(0), type(m)(1)
    ...         tau = step * self.entry[j]
    ...         return max(m - tau, zero) if m < one + tau else m / (one + tau)
    >>> class Berhu(Penalty):
    ...     convex = True
    ...
    ...     def __init__(self, alpha=None, *, positive=False):
    ...         self.alpha = alpha
    ...         self.positive = positive
    ...
    ...     def _bind(self, squared_norms, dtype, gains):
    ...         return BoundBerhu((self.alpha / gains).astype(dtype), self.positive)
    ...
    ...     def _alpha_max(self, C, squared_norms):
    ...         return C
    >>> Berhu(0.5).prox([[-0.4, 1.2, 3.0]]).tolist(), Berhu(0.5).value([[-1.0, 3.0]]).tolist()
    ([[0.0, 0.7, 2.0]], [3.0])
    """
    for name, arguments in _WRITTEN.items():
        method = getattr(bound, name, None)
        found = list(inspect.signature(method).parameters) if callable(method) else None
        if found != arguments:
            but = "" if found is None else f"; its arguments are ({', '.join(found)})"
            raise TypeError(f"{bound.__name__} needs a method `{name}({', '.join(arguments)})`{but}.")
    missing = [name for name in ("entry", "positive") if name not in getattr(bound, "_fields", ())]
    if missing:
        raise TypeError(f"{bound.__name__} must be a NamedTuple with a field `{missing[0]}`.")
    bound.value = _value
    bound.prox = _prox
    bound.violation = _violation
    bound.value_row = _value_row
    bound.prox_row = _prox_row
    return bound


def _value(self, u, j):
    """Return the penalty of coefficient u of atom j."""
    return self.cost(abs(u), j)


def _prox(self, x, step, j):
    """Return ``argmin_u 0.5 (u - x)^2 + step value(u, j)``."""
    zero = type(x)(0)
    if not (x > zero or (x < zero and not self.positive)):
        return zero
    u = self.shrink(abs(x), step, j)  # at one place, since kernels take a copy at each
    return -u if x < zero and u > zero else u


def _violation(self, u, g, step, j):
    """Return ``|u - prox(u + step g)| / step``, zero at the fixed points only; g is the correlation of atom j."""
    return abs(u - self.prox(u + step * g, step, j)) / step


def _value_row(self, w):
    """Return the sum of the penalties of the coefficients w."""
    total = 0.0
    for j in range(w.shape[0]):
        total += self.value(w[j], j)
    return total


def _prox_row(self, z, step, w):
    """Write the proximal point of z to w."""
    for j in range(z.shape[0]):
        w[j] = self.prox(z[j], step, j)


def _value_rows(pen, W, out):
    for i in range(W.shape[0]):
        out[i] = pen.value_row(W[i])


def _prox_rows(pen, Z, step, out):
    for i in range(Z.shape[0]):
        pen.prox_row(Z[i], step, out[i])


value_rows = kernel(_value_rows)
prox_rows = kernel(_prox_rows)
