"""Checks of plain arrays, for functions that need no scikit-learn."""

import math
from numbers import Integral

import numpy as np
from scipy.sparse import csr_array, issparse, vstack

#: Largest index of 32 bits.
MOST = 2**31 - 1


def as_dense(codes):
    """Return codes as a plain array, whatever the encoder is set to put out.

    Parameters
    ----------
    codes : ndarray, CSR array or data frame

    Returns
    -------
    ndarray

    Examples
    --------
    >>> from sparsecode import SparseCoder
    >>> from sparsecode.encoder import as_dense
    >>> coder = SparseCoder(dictionary=[[1.0, 0.0]], alpha=0.5).set_output(transform="pandas")
    >>> as_dense(coder.fit_transform([[2.0, 3.0]]))
    array([[1.5]])
    """
    return codes.toarray() if issparse(codes) else np.asarray(codes)


def real_matrix(values, name):
    """Return `values` as a finite array of shape (n, m) with at least one entry, in its own type; sparse ones too."""
    array = as_dense(values)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be an array of real numbers, got {type(values).__name__} of {array.dtype}")
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"{name} must have two dimensions and at least one entry, got shape {array.shape}")
    if not np.isfinite(array).all():
        bad = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise ValueError(f"{name} must be finite, but row {bad} holds NaN or infinity")
    return array


#: What to do with numbers that are no zeros and ones.
BINARIZE = (
    "give a threshold as `binarize`, above which entries are ones, or code numbers first by an encoder of "
    "sparsecode.sdr, such as KWinners, ScalarEncoder or ImageThreshold"
)


def as_binary(X, binarize=None, *, name="X", advice=BINARIZE):
    """Return a checked ndarray or CSR array of numbers as rows of bool, an ndarray or a canonical CSR array.

    With `binarize` None X holds zeros and ones only; `advice` is for who gives others. A threshold makes ones of larger
    entries.
    """
    if issparse(X):
        check_index(X.shape, X.nnz)
        X = csr_array(summable(X), copy=True)
        X.sum_duplicates()
    entries = X.data if issparse(X) else X
    if binarize is None and entries.dtype != bool:
        bad = np.flatnonzero((entries != 0) & (entries != 1))
        if bad.size:
            raise ValueError(
                f"{name} must hold zeros and ones only, got {bad.size} other entries such as "
                f"{entries.flat[bad[0]]:.3g}; {advice}."
            )
    if not issparse(X):
        return X.astype(bool) if binarize is None else np.greater(X, binarize)
    if binarize is not None and binarize < 0:
        raise ValueError(
            f"`binarize`={binarize!r} would make ones of all zeros of a sparse X; give a threshold >= 0, or "
            "X as a dense array."
        )
    X.data = entries > (binarize or 0)
    X.eliminate_zeros()
    return X


def real_codes(values, name):
    """Return codes as `real_matrix` does, but sparse ones as a CSR array without entries that are zero."""
    if not issparse(values):
        return real_matrix(values, name)
    if values.ndim != 2 or 0 in values.shape or values.dtype.kind not in "biuf":
        return real_matrix(values, name)  # which says what is wrong
    codes = csr_array(values, copy=True)
    codes.sum_duplicates()
    codes.eliminate_zeros()
    if not np.isfinite(codes.data).all():
        bad = int(np.flatnonzero(~np.isfinite(codes.data))[0])
        row = np.searchsorted(codes.indptr, bad, side="right") - 1
        raise ValueError(f"{name} must be finite, but row {row} holds NaN or infinity")
    return codes


def summable(X):
    """Return X; if it is a sparse matrix of small integers, of larger ones, so that sums of duplicates do not wrap."""
    return X.astype(np.int64) if issparse(X) and X.dtype.kind in "iu" else X


def check_index(shape, n_ones):
    """Raise an error if columns, or places of ones, are no int32."""
    if max(shape[1], n_ones) > MOST:
        raise ValueError(
            f"{shape[0]} rows of {shape[1]} features with {n_ones} ones are more than indices of 32 bits can tell "
            f"apart: give at most {MOST} features, and rows in blocks of at most {MOST} ones."
        )


def shaped_atoms(atoms):
    """Return atoms as an array; those of a Dictionary in the shape that it knows."""
    array = np.asarray(atoms)
    return array.reshape(len(array), *atoms.atom_shape) if hasattr(atoms, "atom_shape") else array


def is_count(number, least=1):
    """Say whether something is an int, and large enough."""
    return isinstance(number, Integral) and not isinstance(number, bool) and number >= least


def stacked(arrays):
    """Return dense or CSR arrays of rows as one."""
    if issparse(arrays[0]):
        return csr_array(vstack(arrays, format="csr"))
    return np.concatenate(arrays)


def all_finite(A):
    """Tell whether all numbers are finite: if their sum is, they are, and one look is enough."""
    with np.errstate(over="ignore", invalid="ignore"):
        return math.isfinite(np.add.reduce(A, axis=None)) or bool(np.isfinite(A).all())
