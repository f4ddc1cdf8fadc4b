"""Layouts of binary rows: dense, CSR, winners of modules, and bits packed into words.

Functions of this module take rows as an ndarray of zeros and ones, as a sparse matrix of them, or, with `n_units`, as
the winners of modules of so many units: integers of shape (n, n_modules), with -1 where a module has no winner.
"""

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.utils.validation import check_array

from .._core.arrays import as_binary, as_dense, check_index, summable
from ._checks import check_size

__all__ = ["pack_bits", "to_csr", "to_dense", "to_winners", "unpack_bits"]

#: Bits of a word.
WORD = 64

#: Entries of a CSR array that are made dense at a time.
ENTRIES = 2**22


def to_dense(X, *, n_units=None):
    """Return rows as an array of bool.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features), or (n_samples, n_modules) with `n_units`
        Zeros and ones, or winners of modules, -1 where a module has none.
    n_units : int or None, default=None
        Units of a module, if rows are winners.

    Returns
    -------
    ndarray of shape (n_samples, n_features), bool
        With winners ``n_features = n_modules * n_units``.

    Raises
    ------
    ValueError
        For other entries than zeros and ones, or winners out of range.

    Examples
    --------
    >>> from sparsecode.sdr import to_dense
    >>> to_dense([[2, 0]], n_units=3).astype(int)
    array([[0, 0, 1, 1, 0, 0]])
    """
    return as_dense(as_rows(X, "X", n_units))


def to_csr(X, *, n_units=None):
    """Return rows as a canonical CSR array of bool.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features), or (n_samples, n_modules) with `n_units`
        Zeros and ones, or winners of modules, -1 where a module has none.
    n_units : int or None, default=None
        Units of a module, if rows are winners.

    Returns
    -------
    CSR array of shape (n_samples, n_features), bool

    Raises
    ------
    ValueError
        For other entries than zeros and ones, or winners out of range.

    Examples
    --------
    >>> from sparsecode.sdr import to_csr
    >>> to_csr([[2, 0]], n_units=3).indices
    array([2, 3], dtype=int32)
    """
    X = as_rows(X, "X", n_units)
    if not issparse(X):
        check_index(X.shape, np.count_nonzero(X))
        X = csr_array(X)
    X.indices, X.indptr = X.indices.astype(np.int32, copy=False), X.indptr.astype(np.int32, copy=False)
    return X


def to_winners(X, n_units):
    """Return the winners of modules, of rows in which no module has more than one active unit.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_modules * n_units)
        Zeros and ones.
    n_units : int
        Units of a module.

    Returns
    -------
    ndarray of shape (n_samples, n_modules), int32
        -1 where a module has no active unit.

    Raises
    ------
    ValueError
        If the number of features is no multiple of `n_units`, or a module has several active units.

    Examples
    --------
    >>> from sparsecode.sdr import to_winners
    >>> to_winners([[0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 0]], n_units=3)
    array([[ 2,  0],
           [-1,  1]], dtype=int32)
    """
    n_units = check_size("n_units", n_units, whole=True)
    X = to_csr(X)
    if X.shape[1] % n_units:
        raise ValueError(f"X has {X.shape[1]} columns, which are no modules of {n_units} units; `n_units` must divide.")
    winners, (rows, modules) = winners_of(X, n_units)
    if rows.size:
        raise ValueError(
            f"X holds rows that are no codes, the first of them row {rows[0]}: its module "
            f"{modules[0]} of {n_units} units has more than one that is active."
        )
    return winners


def pack_bits(X, *, n_units=None):
    """Return rows as bits of 64-bit words: feature f is bit ``f % 64`` of word ``f // 64``.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features), or (n_samples, n_modules) with `n_units`
        Zeros and ones, or winners of modules, -1 where a module has none.
    n_units : int or None, default=None
        Units of a module, if rows are winners.

    Returns
    -------
    ndarray of shape (n_samples, ceil(n_features / 64)), uint64
        An eighth of the memory of dense rows, to be kept or sent: other functions take rows that are not packed. Bits
        beyond the last feature are zero.

    Raises
    ------
    ValueError
        For other entries than zeros and ones, or winners out of range.

    Examples
    --------
    >>> from sparsecode.sdr import pack_bits
    >>> pack_bits([[1, 0, 1] + 61 * [0] + [1]])
    array([[5, 1]], dtype=uint64)
    """
    return packed(as_rows(X, "X", n_units))


def unpack_bits(words, n_features):
    """Return the rows that `pack_bits` has packed.

    Parameters
    ----------
    words : array-like of shape (n_samples, n_words), uint64
    n_features : int
        Features of a row, more than ``64 (n_words - 1)`` and at most ``64 n_words``.

    Returns
    -------
    ndarray of shape (n_samples, n_features), bool

    Raises
    ------
    ValueError
        If words are no array of uint64, have another number of features, or bits beyond the last one.

    Examples
    --------
    >>> from sparsecode.sdr import pack_bits, unpack_bits
    >>> unpack_bits(pack_bits([[1, 0, 1]]), 3)
    array([[ True, False,  True]])
    """
    n_features = check_size("n_features", n_features, whole=True)
    words = np.asarray(words)
    if words.ndim != 2 or words.dtype != np.uint64 or words.shape[1] != _n_words(n_features):
        raise ValueError(
            f"`words` must be an array of uint64 of shape (n_samples, {_n_words(n_features)}) for {n_features} "
            f"features, got {words.dtype} of shape {words.shape}."
        )
    octets = np.ascontiguousarray(words.astype("<u8", copy=False)).view(np.uint8)
    bits = np.unpackbits(octets, axis=1, bitorder="little").view(bool)
    if bits[:, n_features:].any():
        raise ValueError(f"`words` have bits beyond feature {n_features - 1}: they were packed from wider rows.")
    return np.ascontiguousarray(bits[:, :n_features])


def packed(X):
    """Return checked rows as words."""
    n, n_features = X.shape
    octets = np.zeros((n, _n_words(n_features) * WORD // 8), np.uint8)
    rows = max(1, ENTRIES // n_features)
    for start in range(0, n, rows):
        bits = np.packbits(as_dense(X[start : start + rows]), axis=1, bitorder="little")
        octets[start : start + rows, : bits.shape[1]] = bits
    return octets.view("<u8").astype(np.uint64, copy=False)


def _n_words(n_features):
    return -(-n_features // WORD)


def as_rows(X, name, n_units=None):
    """Return rows in any layout as an array of bool or as a canonical CSR array; there may be none."""
    if n_units is not None:
        return winners_to_csr(check_winners(X, name, n_units), n_units)
    X = check_array(
        summable(X),
        accept_sparse="csr",
        dtype="numeric",
        order="C",
        input_name=name,
        ensure_min_samples=0,
        ensure_min_features=1,
    )
    return as_binary(X, name=name, advice="compare with a threshold first, as in X > 0.5")


def check_winners(winners, name, n_units):
    """Return winners as int32 if they lie in -1, ..., n_units - 1."""
    n_units = check_size("n_units", n_units, whole=True)
    winners = np.asarray(winners)
    if winners.ndim != 2 or winners.dtype.kind not in "iu" or not winners.shape[1]:
        raise ValueError(
            f"{name} must be winners of modules, integers of shape (n_samples, n_modules), got {winners.dtype} of "
            f"shape {winners.shape}; leave `n_units` out for rows of zeros and ones."
        )
    if winners.size and not -1 <= winners.min() <= winners.max() < n_units:
        raise ValueError(
            f"{name} must hold winners from 0 to {n_units - 1}, or -1 where a module has none, got values from "
            f"{winners.min()} to {winners.max()}."
        )
    return winners.astype(np.int32, copy=False)


def winners_to_csr(winners, n_units):
    """Return checked winners as a CSR array of bool, with one column for each unit."""
    n_columns = winners.shape[1] * int(n_units)
    check_index((len(winners), n_columns), winners.size)
    return csr_of_columns(units_of(winners, n_units), n_columns)


def winners_of(X, n_units):
    """Return the winners of canonical CSR rows, -1 for none, and rows and modules where another one was active."""
    rows = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    modules, units = np.divmod(X.indices, np.int32(n_units))
    winners = np.full((X.shape[0], X.shape[1] // n_units), -1, np.int32)
    winners[rows, modules] = units
    again = np.flatnonzero((rows[1:] == rows[:-1]) & (modules[1:] == modules[:-1]))
    return winners, (rows[again], modules[again])


def units_of(winners, n_units):
    """Return winners as columns of codes, -1 where there is none."""
    first = np.arange(winners.shape[1], dtype=np.int32) * np.int32(n_units)
    return np.where(winners >= 0, winners + first, np.int32(-1))


def csr_of_columns(columns, n_columns):
    """Return the CSR array of bool with ones in these columns of each row, in their order; -1 is none."""
    there = columns >= 0
    return csr_of_ones(there.sum(axis=1), columns[there], n_columns)


def csr_of_ones(counts, columns, n_columns):
    """Return the CSR array of bool with so many ones in each row, in these columns one row after the other."""
    indptr = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    check_index((len(counts), n_columns), int(indptr[-1]))
    indices = np.asarray(columns).astype(np.int32, copy=False)
    return csr_array((np.ones(len(indices), bool), indices, indptr.astype(np.int32)), shape=(len(counts), n_columns))
