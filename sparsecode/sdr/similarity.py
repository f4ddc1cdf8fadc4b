"""How alike binary rows are, each row of A and each of B: overlap, Jaccard index, Hamming distance, equal modules."""

import numpy as np

from ._similarity import common_ones, row_sizes
from .layouts import as_rows, check_winners

__all__ = ["code_overlap", "hamming", "jaccard", "overlap"]


def overlap(A, B=None, *, n_units=None, n_jobs=None):
    r"""Return the number of ones that rows have in common, ``|a & b|``.

    Parameters
    ----------
    A : array-like or sparse matrix of shape (n_a, n_features), or (n_a, n_modules) with `n_units`
        Zeros and ones, or winners of modules, -1 where a module has none.
    B : array-like or sparse matrix of shape (n_b, n_features) or None, default=None
        As A; None is A itself.
    n_units : int or None, default=None
        Units of a module, if rows are winners.
    n_jobs : int or None, default=None
        Threads.

    Returns
    -------
    ndarray of shape (n_a, n_b), int32

    Raises
    ------
    ValueError
        For other entries than zeros and ones, winners out of range, or rows of different widths.

    Notes
    -----
    Bits are counted in O(n_a n_b n_features / 64), or, where rows have so few ones that this is less work, each one is
    looked up in the list of the rows that have it: O(n_a n_b w^2 / n_features) for w ones in random places.

    Examples
    --------
    >>> from sparsecode.sdr import overlap
    >>> overlap([[1, 1, 0, 0], [0, 0, 0, 0]], [[1, 1, 1, 0], [0, 1, 0, 1]])
    array([[2, 1],
           [0, 0]], dtype=int32)
    """
    return _common(A, B, n_units, n_jobs)[0]


def jaccard(A, B=None, *, n_units=None, n_jobs=None):
    r"""Return the Jaccard index of rows, ``|a & b| / |a | b|``: 1 for equal rows, 0 for those with nothing in common.

    Parameters
    ----------
    A : array-like or sparse matrix of shape (n_a, n_features), or (n_a, n_modules) with `n_units`
        Zeros and ones, or winners of modules, -1 where a module has none.
    B : array-like or sparse matrix of shape (n_b, n_features) or None, default=None
        As A; None is A itself.
    n_units : int or None, default=None
        Units of a module, if rows are winners.
    n_jobs : int or None, default=None
        Threads.

    Returns
    -------
    ndarray of shape (n_a, n_b), float64
        Two empty rows are equal: 1.

    Raises
    ------
    ValueError
        For other entries than zeros and ones, winners out of range, or rows of different widths.

    Notes
    -----
    Cost as of `overlap`.

    Examples
    --------
    >>> from sparsecode.sdr import jaccard
    >>> jaccard([[1, 1, 0, 0]], [[1, 1, 1, 0], [0, 1, 0, 1]]).round(3)
    array([[0.667, 0.333]])
    """
    common, a, b = _common(A, B, n_units, n_jobs)
    union = a[:, None] + b - common
    return np.divide(common, union, out=np.ones(common.shape), where=union > 0)


def hamming(A, B=None, *, n_units=None, n_jobs=None):
    r"""Return the number of features in which rows differ, ``|a| + |b| - 2 |a & b|``.

    Parameters
    ----------
    A : array-like or sparse matrix of shape (n_a, n_features), or (n_a, n_modules) with `n_units`
        Zeros and ones, or winners of modules, -1 where a module has none.
    B : array-like or sparse matrix of shape (n_b, n_features) or None, default=None
        As A; None is A itself.
    n_units : int or None, default=None
        Units of a module, if rows are winners.
    n_jobs : int or None, default=None
        Threads.

    Returns
    -------
    ndarray of shape (n_a, n_b), int64
        A number of features, not their share.

    Raises
    ------
    ValueError
        For other entries than zeros and ones, winners out of range, or rows of different widths.

    Notes
    -----
    Cost as of `overlap`.

    Examples
    --------
    >>> from sparsecode.sdr import hamming
    >>> hamming([[1, 1, 0, 0]], [[1, 1, 1, 0], [0, 1, 0, 1]])
    array([[1, 2]])
    """
    common, a, b = _common(A, B, n_units, n_jobs)
    return a[:, None] + b - 2 * common


def code_overlap(A, B=None, *, n_units, n_jobs=None):
    r"""Return the share of the modules in which codes have the same winner.

    The codes of `MacrocolumnMemory`, say. Two random codes of Q modules of K units agree in ``1 / K`` of them, with a
    standard deviation of ``sqrt((1 / K) (1 - 1 / K) / Q)``.

    Parameters
    ----------
    A : array-like of shape (n_a, n_modules)
        Winners from 0 to ``n_units - 1``, or -1 where a module has none, which agrees with nothing.
    B : array-like of shape (n_b, n_modules) or None, default=None
        As A; None is A itself.
    n_units : int
        Units K of a module.
    n_jobs : int or None, default=None
        Threads.

    Returns
    -------
    ndarray of shape (n_a, n_b), float64

    Raises
    ------
    ValueError
        For winners out of range, or codes with different numbers of modules.

    Notes
    -----
    O(n_a n_b Q / K).

    Examples
    --------
    >>> from sparsecode.sdr import code_overlap
    >>> code_overlap([[0, 2, 1, 0]], [[0, 2, 1, 1], [0, 1, -1, -1]], n_units=3)
    array([[0.75, 0.25]])
    """
    n_modules = check_winners(A, "A", n_units).shape[1]
    return overlap(A, B, n_units=n_units, n_jobs=n_jobs) / n_modules


def _common(A, B, n_units, n_jobs):
    """Return the ones in common, and the numbers of ones of the rows of both."""
    A = as_rows(A, "A", n_units)
    B = A if B is None else as_rows(B, "B", n_units)
    if A.shape[1] != B.shape[1]:
        raise ValueError(f"A has {A.shape[1]} features, but B has {B.shape[1]}.")
    return common_ones(A, B, n_jobs), row_sizes(A), row_sizes(B)
