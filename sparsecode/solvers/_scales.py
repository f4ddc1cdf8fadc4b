"""Rows of extreme magnitude, whose squares would leave the range of their type: scaled by powers of two, exactly."""

import math

import numpy as np
from scipy.sparse import csr_array, issparse

from ..penalties import L1, KSparse, WeightedL1
from ._codes import joined
from ._rows import SolveResult


def rescale(penalty, exponent, dtype=None):
    """Return the penalty for data that are multiplied by ``2**exponent``, within the range of `dtype` if given."""
    if exponent == 0 or isinstance(penalty, KSparse):
        return penalty
    if not isinstance(penalty, L1 | WeightedL1):
        try:
            return penalty.scaled(math.ldexp(1.0, exponent))
        except (OverflowError, ValueError) as error:
            raise ValueError(
                f"X is of extreme magnitude, about 2**{abs(exponent)}, to which {penalty!r} cannot be scaled; scale X."
            ) from error
    # Their weights may be beyond the range of the penalty's own checks on either side
    try:
        alpha = math.ldexp(penalty.alpha, exponent)
    except OverflowError:
        alpha = math.inf
    if dtype is not None:
        limits = np.finfo(dtype)
        alpha = min(max(alpha, 1e3 * float(limits.tiny)), 1e-3 * float(limits.max))
    return penalty.replace(alpha=alpha)


def rescale_bound(penalty, exponent, D, dtype):
    """Return the penalty for data that are divided by ``2**exponent``; raise ValueError if `dtype` does not hold it."""
    penalty = rescale(penalty, -exponent, dtype)
    penalty.bind(np.square(D, dtype=np.float64).sum(axis=1), dtype)
    return penalty


def by_group(labels, solve_group):
    """Return the SolveResult of rows that are solved in groups of one label, ``solve_group(label, rows)``."""
    distinct, group = np.unique(labels, return_inverse=True)
    order = np.argsort(group, kind="stable")
    groups = np.split(order, np.cumsum(np.bincount(group))[:-1])
    parts = [solve_group(label, rows) for label, rows in zip(distinct.tolist(), groups, strict=True)]
    back = np.argsort(order)
    codes, *others = zip(*parts, strict=True)
    return SolveResult(joined(codes, back), *(np.concatenate(arrays)[back] for arrays in others))


def zero_codes(X, n_components, sparse):
    """Return the result of rows whose codes are zero."""
    shape = len(X), n_components
    codes = csr_array(shape, dtype=X.dtype) if sparse else np.zeros(shape, X.dtype)
    zeros, square_norms = np.zeros(len(X)), np.square(X, dtype=np.float64).sum(axis=1)
    return SolveResult(codes, zeros, square_norms, zeros, np.zeros(len(X), np.int64), np.zeros(len(X), np.int8))


def in_units_of_data(result, exponent):
    """Return the result of rows that were divided by ``2**exponent``; its codes are changed in place."""
    if not exponent:
        return result
    entries = result.codes.data if issparse(result.codes) else result.codes
    with np.errstate(over="ignore", under="ignore"):
        np.ldexp(entries, exponent, out=entries)
        energies = (np.ldexp(values, 2 * exponent) for values in (result.square_error, result.penalty))
        return SolveResult(result.codes, result.certificate, *energies, result.n_iter, result.status)
