"""Validation of parameters and data; the only file that imports private names of scikit-learn."""

import contextlib
import contextvars
import math
import sys
import warnings
from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse
from sklearn.base import _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, RealNotInt, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_array, validate_data

from .arrays import all_finite, as_binary, summable

__all__ = [
    "Integral",
    "Interval",
    "Real",
    "RealNotInt",
    "StrOptions",
    "as_matrix",
    "as_weights",
    "binary_exponent",
    "callers_level",
    "check_atoms",
    "check_binary_rows",
    "check_mask",
    "check_mask_columns",
    "check_rows",
    "check_sample_weight",
    "check_samples",
    "fit_context",
    "joined_warnings",
    "known_entries",
    "row_exponents",
    "unchanged_on_failure",
    "warn_not_converged",
]

#: Decorator of `fit` methods that checks `_parameter_constraints`.
fit_context = _fit_context

#: Magnitudes within which squares and products neither overflow nor lose digits, with room to spare.
_SAFE = {np.dtype(np.float32): (1e-12, 1e12), np.dtype(np.float64): (1e-120, 1e120)}


def as_matrix(X, dtype, name, order=None):
    """Return X as a finite matrix with at least one entry, of a dtype that is allowed, the first if X has another.

    scikit-learn's check of an array that needs nothing takes as long as coding ten rows.
    """
    dtypes = dtype if isinstance(dtype, list) else [dtype]
    plain = type(X) is np.ndarray and X.dtype in dtypes and X.ndim == 2 and X.size
    if plain and (order is None or X.flags.c_contiguous) and all_finite(X):
        return X
    return check_array(X, dtype=dtype, order=order, input_name=name)


def check_rows(estimator, X, *, reset, finite=True, accept_sparse=False):
    """Return X as a C-contiguous float32 or float64 array of rows, and keep scikit-learn's attributes.

    Rows that are not to be checked to be `finite` may hold anything where they are not known.
    """
    options = {"accept_sparse": accept_sparse, "ensure_all_finite": finite}
    return validate_data(estimator, X, dtype=[np.float64, np.float32], order="C", reset=reset, **options)


def check_binary_rows(estimator, X, *, reset):
    """Return X as rows of bool, an ndarray or a canonical CSR array, and keep scikit-learn's attributes.

    The parameter `binarize` of the estimator is None, and X holds zeros and ones only, or a threshold, above which
    entries are ones (as in scikit-learn's BernoulliNB).
    """
    X = validate_data(estimator, summable(X), accept_sparse="csr", dtype="numeric", order="C", reset=reset)
    return as_binary(X, estimator.binarize)


def check_mask_columns(estimator, mask, X):
    """Raise if the columns of a mask have other names than those of the rows, or another order.

    The names are those of a fitted estimator, or of X if that is None or has none.
    """
    names = getattr(mask, "columns", None)
    expected = getattr(estimator, "feature_names_in_", getattr(X, "columns", None))
    if names is not None and expected is not None and list(names) != list(expected):
        raise ValueError(
            f"`mask` has columns {list(names)!r:.100}, but X has {list(expected)!r:.100}; give them in the same order, "
            "as mask[list(X.columns)]."
        )


def check_mask(mask, shape, sample_shape=()):
    """Return a mask as an array of bool of the shape of rows X, or say what is wrong with it.

    It may also have the shape (n_samples, *sample_shape) of the samples that X holds.
    """
    array, native = np.asarray(mask), (shape[0], *sample_shape)
    if array.shape not in (shape, native) or not (
        array.dtype == bool or (array.dtype.kind in "iu" and np.isin(array, (0, 1)).all())
    ):
        either = f" or {native}" if sample_shape and native != shape else ""
        raise ValueError(
            f"`mask` must be an array of bool of shape {shape}{either}, True where an entry of X is known, got one of "
            f"{array.dtype} and shape {array.shape}."
        )
    array = np.ascontiguousarray(array.reshape(shape), dtype=bool)
    empty = np.flatnonzero(~array.any(axis=1))
    if empty.size:
        raise ValueError(f"{empty.size} rows of `mask` have no known entry, first row {empty[0]}; leave such rows out.")
    return array


def known_entries(X, mask, sample_shape=()):
    """Return rows X with zeros where they are not known, whatever is there, and the checked mask.

    X is to be checked again: only what is known must be finite, and only arrays of two axes get this far unchecked.
    """
    if issparse(X):
        check_array(X, input_name="X")  # raises, and says how to make it dense
    X = np.asarray(X)
    if X.ndim != 2:
        check_array(X, input_name="X", ensure_all_finite=False)  # raises, and says what to do
    mask = check_mask(mask, X.shape, sample_shape)
    return np.where(mask, X, 0), mask


def check_samples(estimator, X, y, sample_weight=None, *, numeric, reset=True):
    """Return rows as `check_rows`, their targets, and the weights of the samples (ones by default).

    Parameters
    ----------
    numeric : bool
        Whether targets are numbers, in one column or more, not labels.
    """
    options = {"y_numeric": True, "multi_output": True} if numeric else {}
    X, y = validate_data(estimator, X, y, dtype=[np.float64, np.float32], order="C", reset=reset, **options)
    return X, y, as_weights(sample_weight, X)


def as_weights(sample_weight, X):
    """Return weights of rows as float64, ones for None; not negative, and not all zero."""
    weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if not weights.any():  # which older versions of scikit-learn let pass
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weights


def check_sample_weight(sample_weight, X, *, mean_one=False):
    """Return the rows that have a weight, and their weights as float64, None for ones.

    With `mean_one` the weights are divided by their mean, for those who see all of them, and what is then below 1e-12
    counts as zero. Others must keep near one.
    """
    if sample_weight is None:
        return X, None
    weights = as_weights(sample_weight, X)
    counts = weights > 0
    if mean_one:
        weights = np.ldexp(weights, -binary_exponent(weights))
        weights = weights / weights[counts].mean()
        counts = weights >= 1e-12
    if not counts.all():
        X, weights = X[counts], weights[counts]
    if not mean_one and not 1e-12 <= weights.min() <= weights.max() <= 1e12:
        raise ValueError(
            f"`sample_weight` of partial_fit must be 0 or lie within 1e-12 and 1e12, got {weights.min():.1e} to "
            f"{weights.max():.1e}; divide the weights of all calls by one number."
        )
    return X, None if (weights == 1).all() else weights


def check_atoms(atoms, name, *, n_features, n_components=None, dtype):
    """Return `atoms` as an array of shape (n_components, n_features), or say what is wrong with `name`."""
    if np.ndim(atoms) != 2:
        raise ValueError(f"`{name}` must have shape (n_components, {n_features}), got {np.ndim(atoms)} dimensions.")
    atoms = as_matrix(atoms, dtype, name, order="C")
    if atoms.shape[1] != n_features:
        raise ValueError(
            f"`{name}` has atoms of {atoms.shape[1]} features, but X has {n_features} features; "
            f"give atoms of shape (n_components, {n_features})."
        )
    if n_components is not None and len(atoms) != n_components:
        raise ValueError(
            f"`{name}` has {len(atoms)} atoms, but n_components={n_components}; leave n_components=None to take "
            "the number from the atoms."
        )
    if _are_safe(atoms):
        return atoms
    low, high = _SAFE[atoms.dtype]
    norms = np.abs(atoms).max(axis=1)
    extreme = np.flatnonzero((norms > high) | ((norms > 0) & (norms < low)))
    if extreme.size:
        raise ValueError(
            f"`{name}` has {extreme.size} atoms whose squared norm leaves the range of {atoms.dtype}, first atom "
            f"{extreme[0]} with largest entry {norms[extreme[0]]:.1e}; scale `{name}` to unit norm."
        )
    return atoms


def _are_safe(X):
    """Tell from sums of squares, which is fast, whether the largest entry of each row is of a safe magnitude."""
    low, high = _SAFE[X.dtype]
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        squares = np.einsum("ij,ij->i", X, X)
        return squares.size > 0 and squares.min() > X.shape[1] * low**2 and squares.max() < high**2


def row_exponents(X):
    """Return `binary_exponent` for each row, rounded up to a multiple of 16, so that there are few of them."""
    if _are_safe(X):
        return np.zeros(len(X), np.int64)
    largest = np.maximum(X.max(axis=1, initial=0.0), -X.min(axis=1, initial=0.0))  # np.abs would copy X
    low, high = _SAFE[X.dtype]
    extreme = (largest > 0) & ((largest < low) | (largest > high))
    exponents = np.zeros(len(X), np.int64)
    exponents[extreme] = -(-np.frexp(largest[extreme])[1].astype(np.int64) // 16) * 16
    return exponents


def binary_exponent(X):
    """Return e such that ``X * 2**-e`` has a safe magnitude: 0 for all but extreme data."""
    largest = max(float(X.max(initial=0.0)), -float(X.min(initial=0.0)))  # np.abs would copy X
    low, high = _SAFE[X.dtype]
    if largest == 0.0 or low <= largest <= high:
        return 0
    return math.frexp(largest)[1]


@contextlib.contextmanager
def unchanged_on_failure(estimator):
    """Give `estimator` back all attributes that it had, if the block raises (or is interrupted)."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


#: What `warn_not_converged` was told in a block of `joined_warnings`.
_told = contextvars.ContextVar("told", default=None)


@contextlib.contextmanager
def joined_warnings():
    """Join what `warn_not_converged` has to say in the block into one warning after it."""
    told = []
    token = _told.set(told)
    try:
        yield
    finally:
        _told.reset(token)
    if told:
        stopped, stalled, total, largest, max_iter = zip(*told, strict=True)
        warn_not_converged(sum(stopped), sum(stalled), sum(total), max(largest), max_iter[0])


def warn_not_converged(n_stopped, n_stalled, n_total, largest, max_iter):
    """Warn once a call about rows whose certificate is not small enough, if there are any."""
    if _told.get() is not None:
        _told.get().append((n_stopped, n_stalled, n_total, largest, max_iter))
        return
    reasons = []
    if n_stopped:
        limit = "the solver's largest number of passes" if max_iter is None else f"`encode_max_iter`={max_iter}"
        reasons.append(f"{n_stopped} of {n_total} rows stopped at {limit}; `encode_max_iter` can be raised")
    if n_stalled:
        reasons.append(
            f"{n_stalled} of {n_total} rows were stopped by rounding: some atoms of the dictionary depend on "
            "others almost linearly, or `alpha` is tiny; drop such atoms, or raise `alpha` or `encode_tol`"
        )
    if reasons:
        warnings.warn(
            f"{'; '.join(reasons)}. The largest certificate is {largest:.1e} (see sparsecode.solvers.SolveResult).",
            ConvergenceWarning,
            stacklevel=callers_level(),
        )


def callers_level():
    """Return the `stacklevel` of the user's line, outside this package and scikit-learn's wrappers."""
    frame, level = sys._getframe(1), 1
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in ("sparsecode", "sklearn"):
        frame, level = frame.f_back, level + 1
    return level
