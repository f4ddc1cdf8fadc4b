"""`ScalarEncoder`: a number as a block of ones, which moves with it."""

import numpy as np

from .._core.validation import Integral, Interval, StrOptions
from ._columns import (
    SHARED_CONSTRAINTS,
    ColumnEncoder,
    best_bucket,
    block_ones,
    block_starts,
    by_blocks,
    check_steps,
)


class ScalarEncoder(ColumnEncoder):
    r"""Code each number as a block of ones among its bits: the nearer two numbers, the more of them they share.

    The range of a column is cut into equal buckets. Bucket i of a column with n bits, w of them active, has ones at
    i, ..., i + w - 1, so that codes of buckets i and j share

        max(0, w - |i - j|)

    ones. There are n - w + 1 buckets; n if values are periodic, where the block goes on at the first bit behind the
    last and distances are those around the circle; n must be at least 2 w there. The buckets are, up to rounding at
    their edges, those of scikit-learn's KBinsDiscretizer with ``strategy="uniform"``, whose one-hot codes are the case
    w = 1.

    Parameters
    ----------
    n_bits : int, default=128
        Bits n of a column.
    n_active : int, default=16
        Ones w of a code, less than `n_bits`; of periodic values at most half of them.
    bounds : "auto" or array-like of shape (2,) or (n_features, 2), default="auto"
        Least and largest value, of all columns or of each. "auto" takes those of the training data.
    periodic : bool, default=False
        Whether the largest value is the least one again, as for angles or hours. It needs `bounds` that are one period
        apart, such as (0, 24); values outside are taken into them.
    clip : bool, default=True
        Whether values outside of the bounds have the code of the next bound; else they are an error.
    handle_missing : {"error", "ignore"}, default="error"
        Whether NaN is an error, or has no ones.
    sparse_output : bool, default=False
        Whether codes are a CSR array.

    Attributes
    ----------
    bounds_ : ndarray of shape (n_features, 2)
    code_shape_ : tuple
        ``(n_features, n_bits)``.
    dictionary_ : None
    n_iter_ : int
        1.
    history_ : structured ndarray of shape (0,)
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, bounds that are not increasing, values outside of them without `clip`, infinity,
        and NaN unless it is ignored.

    Notes
    -----
    O(w) a value. `inverse_transform` gives the middle of the bucket whose block holds most of the ones, in O(n): it
    errs by half a bucket at most, ``(high - low) / n_buckets / 2``. A column that is constant in the training data has
    two codes, for values up to the constant and for larger ones. Columns with a few large values waste buckets:
    `sklearn.preprocessing.QuantileTransformer` before this one evens them out.

    References
    ----------
    S. Purdy, "Encoding data for HTM systems", arXiv:1602.05925 (2016).

    Examples
    --------
    >>> from sparsecode.sdr import ScalarEncoder
    >>> encoder = ScalarEncoder(n_bits=8, n_active=3)
    >>> codes = encoder.fit_transform([[0.0], [1.0], [5.0]])
    >>> codes.astype(int)
    array([[1, 1, 1, 0, 0, 0, 0, 0],
           [0, 1, 1, 1, 0, 0, 0, 0],
           [0, 0, 0, 0, 0, 1, 1, 1]])
    >>> encoder.inverse_transform(codes).ravel().round(2).tolist()
    [0.42, 1.25, 4.58]
    >>> hours = ScalarEncoder(n_bits=24, n_active=6, bounds=(0, 24), periodic=True).fit([[0.0]])
    >>> codes = hours.transform([[23.0], [1.0]])
    >>> int((codes[0] & codes[1]).sum())
    4
    """

    _parameter_constraints = {  # noqa: RUF012
        "n_bits": [Interval(Integral, 2, None, closed="left")],
        "n_active": [Interval(Integral, 1, None, closed="left")],
        "bounds": ["array-like", StrOptions({"auto"})],
        "periodic": ["boolean"],
        "clip": ["boolean"],
        **SHARED_CONSTRAINTS,
    }

    _scalars = ("code_shape_", "_n_active", "_periodic")
    _arrays = ("bounds_",)

    def __init__(
        self,
        n_bits=128,
        n_active=16,
        *,
        bounds="auto",
        periodic=False,
        clip=True,
        handle_missing="error",
        sparse_output=False,
    ):
        self.n_bits = n_bits
        self.n_active = n_active
        self.bounds = bounds
        self.periodic = periodic
        self.clip = clip
        self.handle_missing = handle_missing
        self.sparse_output = sparse_output

    def capabilities(self):
        """Return what codes are: binary, and invertible up to half a bucket."""
        return super().capabilities()._replace(invertible=True)

    def inverse_transform(self, X):
        """Return the values that codes stand for: the middle of the bucket that shares most ones with each.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features * n_bits)
            Codes, maybe with errors; other numbers than 0 and 1 weigh.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Of buckets next to each other that share equally many ones, the one in the middle. NaN where there are none.
        """
        codes = self._check_codes(X)
        n_bits, w = self.code_shape_[1], self._n_active
        bucket = by_blocks(codes, self.code_shape_, self._best_buckets)
        share = (bucket + 0.5) / (n_bits if self._periodic else n_bits - w + 1)
        low, high = self.bounds_.T
        values = low * (1 - share) + high * share
        return np.where(bucket >= 0, values, np.nan)

    def _best_buckets(self, blocks):
        """Return the bucket whose block holds most of the ones, for codes of shape (n, n_features, n_bits)."""
        w = self._n_active
        if self._periodic:
            blocks = np.concatenate([blocks, blocks[..., : w - 1]], axis=2)
        sums = np.cumsum(np.pad(blocks, ((0, 0), (0, 0), (1, 0))), axis=2)
        return best_bucket(sums[..., w:] - sums[..., :-w], self._periodic)

    def _learn(self, X):
        if self.n_active >= self.n_bits:
            raise ValueError(f"`n_active`={self.n_active} must be less than `n_bits`={self.n_bits}.")
        if self.periodic and 2 * self.n_active > self.n_bits:
            raise ValueError(
                f"`n_bits`={self.n_bits} must be at least twice `n_active`={self.n_active} for periodic values, or "
                "opposite ones share some of theirs."
            )
        self.bounds_ = self._find_bounds(X)
        self._n_active, self._periodic = int(self.n_active), bool(self.periodic)
        self.code_shape_ = X.shape[1], int(self.n_bits)

    def _find_bounds(self, X):
        if isinstance(self.bounds, str):
            if self.periodic:
                raise ValueError(
                    "`bounds` of periodic values must be given, one period apart, such as (0, 24) for hours: the range "
                    "of data is less than that."
                )
            bounds = np.stack([np.fmin.reduce(X, axis=0), np.fmax.reduce(X, axis=0)], axis=1)
            return np.nan_to_num(bounds)  # of columns without any value
        bounds = np.asarray(self.bounds, dtype=np.float64)
        if bounds.shape not in ((2,), (X.shape[1], 2)):
            raise ValueError(
                f"`bounds` must be a pair, or an array of shape ({X.shape[1]}, 2), got shape {bounds.shape}."
            )
        bounds = np.broadcast_to(bounds, (X.shape[1], 2)).copy()
        if not (np.isfinite(bounds).all() and (bounds[:, 0] < bounds[:, 1]).all()):
            raise ValueError(f"`bounds` must be finite, the first less than the second, got {self.bounds!r:.100}.")
        return bounds

    def _ones(self, X):
        there = ~np.isnan(X)
        n_features, n_bits = self.code_shape_
        shares = self._shares(np.where(there, X, self.bounds_[:, 0]))
        starts = block_starts(shares, n_bits, self._n_active, self._periodic)
        columns = np.arange(n_features, dtype=np.int64)[:, None] * n_bits
        return block_ones(starts, n_bits, self._n_active) + columns, there

    def _shares(self, X):
        """Return where values lie in the bounds, from 0 to 1."""
        shares = shares_of_range(X, self.bounds_)
        if self._periodic:
            check_steps(X, shares, "periods away from `bounds`")
            return shares - np.floor(shares)
        outside = np.argwhere((shares < 0) | (shares > 1))
        if len(outside) and not self.clip:
            row, column = outside[0]
            low, high = self.bounds_[column]
            raise ValueError(
                f"X holds {len(outside)} values out of bounds, the first of them {X[row, column]:.6g} in column "
                f"{column}, outside of [{low:.6g}, {high:.6g}]; widen `bounds`, or set clip=True, which takes the next "
                "bound."
            )
        return np.clip(shares, 0, 1)


def shares_of_range(X, bounds):
    """Return ``(X - low) / (high - low)``; where both bounds are equal 0, or 1 for larger values."""
    low, high = bounds.T
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        half = np.where(np.isfinite(high - low), 1.0, 0.5)
        width = high * half - low * half
        return np.where(width > 0, (X * half - low * half) / width, np.greater(X, low))
