"""What encoders of values share: checks of columns, codes from the places of their ones, the way back, files."""

import math

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from .._core.arrays import as_dense
from .._core.history import as_history
from .._core.validation import Real, StrOptions, fit_context, unchanged_on_failure
from ..encoder import Capabilities, Encoder
from .layouts import csr_of_ones

#: Constraints of the parameters that all of them have.
SHARED_CONSTRAINTS = {
    "handle_missing": [StrOptions({"error", "ignore"})],
    "sparse_output": ["boolean"],
}

#: Entries of codes that are made dense at a time.
ENTRIES = 2**22

#: Periods and buckets from the origin beyond which the digits of a float64 do not tell neighbours apart.
MOST_STEPS = 2.0**44


class ColumnEncoder(Encoder):
    """Base of encoders that make binary codes of columns of values.

    A subclass has ``_learn(X)``, which sets `code_shape_` and the attributes that `_scalars` and `_arrays` name, and
    ``_ones(X)``, which returns the places of the ones of each row, (n, groups, ones), and which groups have any.
    """

    _scalars = ()
    _arrays = ()

    def capabilities(self):
        """Return what codes are: binary."""
        return Capabilities("binary", invertible=False, stateful=False, online=False, signed=False)

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn what codes depend on.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : Ignored

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            self._learn(self._check_values(X, reset=True))
            self.n_iter_, self.history_ = 1, as_history([])
        return self

    def transform(self, X):
        """Return the codes of the rows of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray or CSR array of shape (n_samples, prod(code_shape_)), bool
        """
        check_is_fitted(self)
        self._validate_params()
        codes = codes_of(*self._ones(self._check_values(X, reset=False)), self._n_features_out)
        return codes if self.sparse_output else codes.toarray()

    def _check_values(self, X, *, reset):
        """Return X as float64 without infinities; NaN stands for what is missing, if that is allowed."""
        refuse_rounding(X)
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=reset)
        refuse_missing(self, np.isnan(X))
        return X

    def _get_fitted_state(self):
        scalars = {name: getattr(self, name) for name in self._scalars}
        return scalars, {name: getattr(self, name) for name in self._arrays}

    def _set_fitted_state(self, scalars, arrays):
        values = {name: scalars[name] for name in self._scalars} | {name: arrays[name] for name in self._arrays}
        if len(values) != len(scalars) + len(arrays):
            raise ValueError(f"the file holds more than a {type(self).__name__} has.")
        vars(self).update(values, n_iter_=1, history_=as_history([]))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.handle_missing == "ignore"
        return tags


def refuse_rounding(X):
    """Raise an error if integers are so large that float64 would make others of them."""
    X = np.asarray(X)
    if X.ndim == 2 and rounds(X):
        raise ValueError(
            "X holds integers beyond 2**53, which float64 does not tell from their neighbours; subtract an offset from "
            "X first."
        )


def rounds(X):
    """Return whether some of the numbers are integers that float64 does not hold exactly."""
    if X.dtype.kind not in "iu":
        return False
    with np.errstate(invalid="ignore"):
        return bool((X.astype(np.float64).astype(X.dtype) != X).any())


def refuse_missing(encoder, missing):
    """Raise an error if values are missing, unless they are to be ignored."""
    if encoder.handle_missing == "ignore" or not missing.any():
        return
    column = int(np.flatnonzero(missing.any(axis=0))[0])
    names = getattr(encoder, "feature_names_in_", None)
    name = "" if names is None else f" ({names[column]!r:.60})"
    raise ValueError(
        f"X contains NaN: {missing[:, column].sum()} values of column {column}{name} are missing. Fill them in, by "
        "sklearn.impute.SimpleImputer say, or set handle_missing='ignore', which codes them by no bits at all."
    )


def is_missing(value):
    """Return whether an object stands for no value."""
    is_nan = isinstance(value, Real) and value != value
    return bool(value is None or type(value).__name__ in ("NAType", "NaTType") or is_nan)


def codes_of(ones, there, n_columns):
    """Return the CSR array with ones at some places of each row.

    Parameters
    ----------
    ones : ndarray of shape (n, groups, ones)
        Columns, which differ in a row.
    there : ndarray of shape (n, groups)
        Groups that have any.
    n_columns : int
    """
    codes = csr_of_ones(there.sum(axis=1) * ones.shape[2], ones[there].ravel(), n_columns)
    codes.sort_indices()
    return codes


def best_run(scores):
    """Return the largest score of each row, and the first and last place of the first run of it."""
    best = scores.max(axis=-1, keepdims=True)
    largest = scores == best
    first = largest.argmax(axis=-1)
    after = ~largest & (np.arange(scores.shape[-1]) > first[..., None])
    last = np.where(after.any(axis=-1), after.argmax(axis=-1), scores.shape[-1]) - 1
    return best[..., 0], first, last


def best_bucket(scores, periodic=False):
    """Return the place of the largest score of each row, the middle of neighbours that share it; -1 if none is > 0.

    If buckets are periodic, the first is a neighbour of the last.
    """
    best, first, last = best_run(scores)
    if periodic:
        _, before, length = best_run(scores[..., ::-1])  # from the end on
        seam = (first == 0) & (before == 0) & (last < scores.shape[-1] - 1)
        first = np.where(seam, -1 - length, first)
    return np.where(best > 0, (first + last) // 2 % scores.shape[-1], -1)


def by_blocks(codes, shape, take):
    """Return what `take` makes of codes as float64 of a shape (n, *shape), some rows at a time."""
    step = max(1, ENTRIES // math.prod(shape))
    return np.concatenate([take(blocks_of(codes[i : i + step], shape)) for i in range(0, codes.shape[0], step)])


def blocks_of(codes, shape):
    """Return codes as float64 of a shape (n, *shape)."""
    return as_dense(codes).astype(np.float64).reshape(-1, *shape)


def block_starts(shares, n_bits, n_active, periodic):
    """Return the first bit of the block that stands for shares in [0, 1] of a range or of a period."""
    n_buckets = n_bits if periodic else n_bits - n_active + 1
    return np.minimum((shares * n_buckets).astype(np.int32), n_buckets - 1)


def block_ones(starts, n_bits, n_active):
    """Return the places of blocks of ones, which go on at the first bit behind the last; one more axis."""
    return (starts[..., None] + np.arange(n_active, dtype=np.int32)) % n_bits


def check_steps(X, steps, remedy):
    """Raise an error where values are so many steps away that steps cannot be told apart."""
    far = np.argwhere(np.abs(steps) > MOST_STEPS)
    if len(far):
        row, column = far[0][0], min(far[0][1], X.shape[1] - 1)
        raise ValueError(
            f"X holds {X[row, column]:.3g} in column {column}, which is more than 2**44 {remedy}: neighbours could not "
            "be told apart."
        )
