"""Rows of samples: the shape of a sample, its mean, and the sequences that rows belong to."""

import math
from numbers import Integral

import numpy as np

from .labels import row_labels

#: Rows that are centred together.
BATCH = 4096


def flatten_input(X, shape):
    """Return an array (n, *shape) as rows; rows are passed on; a wrong shape is an error."""
    shape = as_shape(shape)
    n_features = math.prod(shape)
    given = np.shape(X)
    if len(given) > 2 and given[1:] == shape:
        return np.asarray(X).reshape(len(X), n_features)
    if len(given) > 2 or (len(given) == 2 and given[1] != n_features):
        raise ValueError(
            f"X has shape {given}, but `input_shape`={shape} asks for (n_samples, {n_features}) or "
            f"(n_samples, {', '.join(map(str, shape))})."
        )
    return X


def as_shape(shape):
    """Return the parameter `input_shape` as a tuple of int."""
    sides = tuple(shape) if isinstance(shape, tuple | list) else (shape,)
    if not sides or not all(isinstance(side, Integral) and side >= 1 for side in sides):
        raise ValueError(
            f"`input_shape` must be the shape of one sample, a tuple of ints >= 1 such as (12, 12), got {shape!r}."
        )
    return tuple(int(side) for side in sides)


def row_means(rows, mask=None):
    """Return the means of rows, or of their known entries, in float64; zero where none is known."""
    if mask is None:
        return rows.mean(axis=1, dtype=np.float64)
    return rows.sum(axis=1, dtype=np.float64, where=mask) / np.maximum(mask.sum(axis=1), 1)


def center(rows, mask=None):
    """Return rows without their means, which are those of known entries; rows that are constant by rounding are zero.

    With a mask, entries that are not known are zero.
    """
    centred = np.empty_like(rows, subok=False)
    for start in range(0, len(rows), BATCH):
        batch = slice(start, start + BATCH)  # one copy is enough
        part, out = rows[batch], centred[batch]
        known = None if mask is None else mask[batch]
        np.subtract(part, row_means(part, known)[:, None], out=out, casting="same_kind")
        if mask is not None:
            out[~known] = 0
        # Largest entries can be told at any scale. Rounding leaves up to 4.4 eps of that of a constant row (measured
        # for 2 to 5000 features)
        noise = 16 * np.finfo(rows.dtype).eps * np.abs(part).max(axis=1)
        out[np.abs(out).max(axis=1) <= noise] = 0
    return centred


def groups_from_lengths(lengths):
    """Return the `groups` of sequences that follow one another: for each row, the number of its sequence.

    Parameters
    ----------
    lengths : array-like of int, shape (n_sequences,)
        Rows of each sequence, >= 1.

    Returns
    -------
    ndarray of int64, shape (sum(lengths),)

    Raises
    ------
    ValueError
        If `lengths` are not a list of ints >= 1.

    Examples
    --------
    >>> from sparsecode import groups_from_lengths
    >>> groups_from_lengths([3, 2])
    array([0, 0, 0, 1, 1])
    """
    lengths = np.asarray(lengths)
    if lengths.ndim != 1 or lengths.dtype.kind not in "iu" or not lengths.size or lengths.min() < 1:
        raise ValueError(
            f"`lengths` must be a list of ints >= 1, the number of rows of each sequence, got {lengths.dtype} of shape "
            f"{lengths.shape}{f', least {lengths.min()}' if lengths.size and lengths.dtype.kind in 'iuf' else ''}."
        )
    return np.repeat(np.arange(len(lengths)), lengths)


def sequences(groups, n_rows, *, previous=None):
    """Return the sequences of rows that `groups` mark, in their order.

    Parameters
    ----------
    groups : array-like of shape (n_rows,) or None
        Integers or strings that differ between sequences; the rows of a sequence follow one another. None is one
        sequence, which goes on from where the last call ended.
    n_rows : int
    previous : int, str or None, default=None
        Group of the last row of the last call.

    Returns
    -------
    list of (slice, bool)
        Rows of each sequence, and whether it begins with them.

    Raises
    ------
    ValueError
        If `groups` are not one label for each row, or those of a sequence lie apart.

    Examples
    --------
    >>> from sparsecode.encoder import sequences
    >>> sequences(["a", "a", "b"], 3, previous="a")
    [(slice(0, 2, None), False), (slice(2, 3, None), True)]
    """
    if groups is None:
        return [(slice(0, n_rows), False)]
    labels = row_labels(groups)
    if labels is None or labels.shape != (n_rows,):
        try:
            found = np.asarray(groups)
        except ValueError:
            found = np.asarray(groups, object)
        raise ValueError(
            f"`groups` must be {n_rows} integers or strings, the sequence of each row of X, got {found.dtype} of "
            f"shape {found.shape}; groups_from_lengths makes them from the lengths of sequences."
        )
    starts = np.flatnonzero(np.r_[True, labels[1:] != labels[:-1]])
    names, first = np.unique(labels[starts], return_index=True)
    if len(names) < len(starts):
        again = np.setdiff1d(np.arange(len(starts)), first)[0]
        raise ValueError(
            f"`groups` must have the rows of a sequence together, but {labels[starts[again]]!s:.40} begins again in "
            f"row {starts[again]}; sort the rows, or give each sequence a label of its own."
        )
    stops = np.r_[starts[1:], n_rows]
    begins = np.ones(len(starts), dtype=bool)
    begins[0] = previous is None or labels[0] != previous
    return [(slice(int(a), int(b)), bool(new)) for a, b, new in zip(starts, stops, begins, strict=True)]
