"""What encoders of streams have in common: records, states that users hand back, magnitudes, blocks of rows."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from sklearn.utils.validation import check_is_fitted

from .._core.arrays import all_finite, stacked
from .._core.history import as_history
from ..encoder import as_dense

#: Entries that a call of a kernel takes, so that Ctrl-C is answered between them, and work arrays stay in the cache.
BLOCK = 1 << 18


class StreamRecord(NamedTuple):
    """The rows of a fit, with the thresholds that it has fixed."""

    epoch: int
    objective: float  # mean over the rows of half the squared error
    sparsity: float  # share of entries that are events
    seconds: float


class StreamMixin:
    """Encoders that fix what they need in one look at the rows of fit, and note it as ``_record``."""

    @property
    def n_iter_(self):
        """Passes over rows: one."""
        check_is_fitted(self)
        return 1

    @property
    def history_(self):
        """A record of the rows of fit."""
        check_is_fitted(self)
        return as_history([self._record], StreamRecord)

    def _flatten(self, X, reset):
        """Return samples as rows; labelled arrays with a dimension "time" have it first."""
        return super()._flatten(X.transpose("time", ...) if "time" in getattr(X, "dims", ()) else X, reset)

    def _check_stream(self, X, *, reset):
        """Return X as rows whose differences do not overflow."""
        X = self._check_input(X, reset=reset)
        check_magnitude(X)
        return X


def blocks(rows, width, most=BLOCK):
    """Yield the slices of a sequence of rows, `most` entries or one row each, that are taken at a time."""
    height = max(1, most // width)
    for start in range(rows.start, rows.stop, height):
        yield slice(start, min(start + height, rows.stop))


def joined(parts, n_rows, *, sparse):
    """Return arrays of rows as one of so many rows, a CSR array if asked for."""
    if sparse:
        return stacked([csr_array(part) for part in parts])
    whole, filled = None, 0
    for part in parts:
        if part.shape[0] == n_rows:
            return as_dense(part)
        if whole is None:
            whole = np.empty((n_rows, *part.shape[1:]), part.dtype)
        whole[filled : filled + part.shape[0]] = as_dense(part)
        filled += part.shape[0]
    return whole


def check_state(state, expected, owner):
    """Return a copy of a state with the shapes and dtypes of the expected one, or say what is wrong with it."""
    arrays = [np.asarray(part) for part in state] if isinstance(state, tuple) else []
    if [part.shape for part in arrays] != [part.shape for part in expected] or not all(
        part.dtype.kind in "biuf" and all_finite(part) for part in arrays
    ):
        raise ValueError(
            f"`state` must be a {type(expected).__name__} of this {type(owner).__name__}, with arrays of shapes "
            f"{', '.join(str(part.shape) for part in expected)}, got {type(state).__name__}; begin with "
            "`initial_state()`."
        )
    with np.errstate(over="ignore", invalid="ignore"):
        copies = [part.astype(begun.dtype) for part, begun in zip(arrays, expected, strict=True)]
    for name, part, copy in zip(expected._fields, arrays, copies, strict=True):
        if copy.dtype.kind == "i" and not ((part >= 0) & (part == copy)).all():
            raise ValueError(f"`{name}` of `state` must be whole numbers >= 0, got {part!s:.40}.")
        if copy.itemsize < part.itemsize and not all_finite(copy):
            raise ValueError(
                f"`state` has numbers of {part.dtype} beyond {copy.dtype}, the dtype of x: give x as float64."
            )
    return type(expected)(*copies)


def check_magnitude(X):
    """Raise if differences of numbers in X could overflow."""
    with np.errstate(over="ignore"):
        if np.isfinite(np.einsum("ij,ij->", X, X)):  # one look, where squares do not overflow
            return
    limit = np.finfo(X.dtype).max / 4
    largest = max(X.max(initial=0), -X.min(initial=0))
    if largest > limit:
        raise ValueError(f"entries of X must be within +-{limit:.2g} of {X.dtype}, got {largest:.2g}; scale X.")


def as_thresholds(threshold, units, each, *, positive=False, name="threshold"):
    """Return the parameter `threshold`, a number >= 0 (> 0 if `positive`) or one for `each` unit, times the units."""
    given, n = np.asarray(threshold), len(units)
    if (
        given.dtype.kind not in "iuf"
        or given.shape not in ((), (n,))
        or not (given > 0 if positive else given >= 0).all()
    ):
        raise ValueError(
            f"`{name}` must be a number {'>' if positive else '>='} 0, or {n} of them, one for each {each}, got "
            f"{threshold!r:.80}."
        )
    with np.errstate(over="ignore", invalid="ignore"):
        thresholds = given * units
    if not np.isfinite(thresholds).all():
        raise ValueError(f"`{name}` must be finite, and in units of X too, got {threshold!r:.80}.")
    return thresholds
