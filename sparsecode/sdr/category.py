"""`CategoryEncoder`: categories as disjoint blocks of ones."""

import numpy as np
from sklearn.utils.validation import check_array, validate_data

from .._core.validation import Integral, Interval, StrOptions
from ._columns import SHARED_CONSTRAINTS, ColumnEncoder, by_blocks, is_missing, refuse_missing, rounds

#: Integers up to which all are float64 exactly.
EXACT = 2**53


class CategoryEncoder(ColumnEncoder):
    r"""Code each category as a block of ones of its own, so that codes of different categories share nothing.

    Category i of a column with K of them has ones at i w, ..., (i + 1) w - 1 of the K w bits of the column. For
    ``n_active=1`` these are the codes of scikit-learn's OneHotEncoder, whose parameters these are.

    Parameters
    ----------
    n_active : int, default=16
        Ones w of a category.
    categories : "auto" or list of n_features array-likes, default="auto"
        Categories of each column, in the order of their blocks. "auto" takes those of the training data, sorted.
    handle_unknown : {"error", "ignore"}, default="error"
        Whether a value that is none of the categories is an error, or has no ones.
    handle_missing : {"error", "ignore"}, default="error"
        Whether NaN, None and the like are an error, or have no ones.
    sparse_output : bool, default=False
        Whether codes are a CSR array.

    Attributes
    ----------
    categories_ : list of ndarray
        Those of each column.
    code_shape_ : tuple
        ``(n_active * n_categories,)``, of all columns together.
    dictionary_ : None
    n_iter_ : int
        1.
    history_ : structured ndarray of shape (0,)
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, categories that occur twice, a column without any value; for infinity, and for
        values that are unknown or missing, unless these are ignored.
    TypeError
        If a column has values that cannot be sorted, such as strings and numbers, with ``categories="auto"``.

    Notes
    -----
    O(w) a value and a look-up. `inverse_transform` gives the category whose block has most ones. Categories that are
    alike in some way are better given by the numbers that make them so, to a `ScalarEncoder`.

    References
    ----------
    S. Purdy, "Encoding data for HTM systems", arXiv:1602.05925 (2016).

    Examples
    --------
    >>> from sparsecode.sdr import CategoryEncoder
    >>> encoder = CategoryEncoder(n_active=2, handle_unknown="ignore").fit([["cat"], ["dog"], ["cat"]])
    >>> codes = encoder.transform([["dog"], ["cat"], ["cow"]])
    >>> codes.astype(int).tolist()
    [[0, 0, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]]
    >>> encoder.inverse_transform(codes).ravel().tolist()
    ['dog', 'cat', None]
    """

    _parameter_constraints = {  # noqa: RUF012
        "n_active": [Interval(Integral, 1, None, closed="left")],
        "categories": ["array-like", StrOptions({"auto"})],
        "handle_unknown": [StrOptions({"error", "ignore"})],
        **SHARED_CONSTRAINTS,
    }

    def __init__(
        self, n_active=16, *, categories="auto", handle_unknown="error", handle_missing="error", sparse_output=False
    ):
        self.n_active = n_active
        self.categories = categories
        self.handle_unknown = handle_unknown
        self.handle_missing = handle_missing
        self.sparse_output = sparse_output

    def capabilities(self):
        """Return what codes are: binary, and invertible."""
        return super().capabilities()._replace(invertible=True)

    def inverse_transform(self, X):
        """Return the categories that codes stand for: of each column the one with most ones.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_active * n_categories)
            Codes, maybe with errors.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            float64 if all categories are numbers that it holds exactly, NaN where a column has no ones; else object,
            and None there.
        """
        n_categories = self._n_features_out // self._n_active
        shape = n_categories, self._n_active
        codes = by_blocks(self._check_codes(X), shape, lambda blocks: blocks.sum(axis=2))
        numeric = all(categories.dtype.kind in "biuf" and not rounds(categories) for categories in self.categories_)
        values = np.empty((len(codes), len(self.categories_)), np.float64 if numeric else object)
        ends = np.cumsum([len(categories) for categories in self.categories_])
        for column, (end, categories) in enumerate(zip(ends, self.categories_, strict=True)):
            ones = codes[:, end - len(categories) : end]
            values[:, column] = categories[ones.argmax(axis=1)]
            values[ones.max(axis=1) <= 0, column] = np.nan if numeric else None
        return values

    def _check_values(self, X, *, reset):
        """Return X as an array of one kind of value, or of objects."""
        if hasattr(X, "columns"):
            validate_data(self, X, skip_check_array=True, reset=reset)
            X = check_array(as_objects(X), dtype=None, ensure_all_finite="allow-nan")
            refuse_missing(self, missing_values(X))
            return X
        refuse_dates(np.asarray(X), "X")
        if not hasattr(X, "dtype"):
            # Of lists NumPy would make strings of numbers next to strings, and floats of large integers
            kind = check_array(X, dtype=None, ensure_all_finite="allow-nan").dtype.kind
            large = kind == "f" and any(isinstance(value, int) and abs(value) > EXACT for row in X for value in row)
            X = check_array(X, dtype=object if kind == "U" or large else None, ensure_all_finite="allow-nan")
        elif X.dtype.kind == "T":
            X = X.astype(object)
        X = validate_data(self, X, dtype=None, ensure_all_finite="allow-nan", reset=reset)
        refuse_missing(self, missing_values(X))
        return X

    def _learn(self, X):
        known = ~missing_values(X)
        columns = [X[known[:, column], column].tolist() for column in range(X.shape[1])]
        if isinstance(self.categories, str):
            self.categories_ = [sorted_categories(values, column) for column, values in enumerate(columns)]
        else:
            self.categories_ = given_categories(self.categories, X.shape[1])
        self._n_active = int(self.n_active)
        self._number()
        if self.handle_unknown == "error":
            self._ones(X)

    def _number(self):
        """Number the categories of all columns."""
        firsts = np.cumsum([0, *map(len, self.categories_)])
        self._numbers = [
            {value: first + i for i, value in enumerate(categories.tolist())}
            for first, categories in zip(firsts[:-1].tolist(), self.categories_, strict=True)
        ]
        self.code_shape_ = (int(firsts[-1]) * self._n_active,)

    def _ones(self, X):
        found = [[numbers.get(value, -1) for value in X[:, j].tolist()] for j, numbers in enumerate(self._numbers)]
        numbers = np.array(found, dtype=np.int64).T
        unknown = (numbers < 0) & ~missing_values(X)
        if unknown.any() and self.handle_unknown == "error":
            row, column = np.argwhere(unknown)[0]
            raise ValueError(
                f"X holds {unknown.sum()} values that are none of the categories, the first of them "
                f"{X[row, column]!r:.60} in column {column}; give all `categories`, or set handle_unknown='ignore', "
                "which codes them by no bits at all."
            )
        return numbers[..., None] * self._n_active + np.arange(self._n_active), numbers >= 0

    def _get_fitted_state(self):
        categories = [values if values.dtype != object else values.tolist() for values in self.categories_]
        return {"categories": categories, "n_active": self._n_active}, {}

    def _set_fitted_state(self, scalars, arrays):
        self.categories_ = [as_category_array(values) for values in scalars["categories"]]
        self._n_active = scalars["n_active"]
        super()._set_fitted_state({}, arrays)
        self._number()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


def as_objects(frame):
    """Return a data frame, whose columns have types of their own, as an array of objects."""
    objects = np.empty(frame.shape, dtype=object)
    for j, name in enumerate(frame.columns):
        column = np.asarray(frame[name])
        refuse_dates(column, f"column {j} ({name!r:.60}) of X")
        if column.dtype.kind == "f" and np.isinf(column).any():
            raise ValueError(f"Input X contains infinity, in column {j} ({name!r:.60}).")
        objects[:, j] = column
    return objects


def refuse_dates(values, name):
    """Raise an error for dates and durations, which NumPy would turn into numbers on the way."""
    if values.dtype.kind in "mM":
        raise ValueError(
            f"{name} holds {values.dtype}: give dates to a DateEncoder, or as strings, and durations as numbers to a "
            "ScalarEncoder."
        )


def missing_values(X):
    """Return where NaN, None, pandas' NA or NaT are."""
    if X.dtype.kind == "f":
        return np.isnan(X)
    if X.dtype != object:
        return np.zeros(X.shape, bool)
    return np.array([[is_missing(value) for value in row] for row in X.tolist()], dtype=bool).reshape(X.shape)


def sorted_categories(values, column):
    """Return the values that occur in a column."""
    if not values:
        raise ValueError(f"column {column} of X has no values to take categories from; give `categories`.")
    try:
        return as_category_array(sorted(set(values)))
    except TypeError as error:
        kinds = sorted({type(value).__name__ for value in values})
        raise TypeError(
            f"column {column} of X holds values of types {', '.join(kinds)}, which cannot be sorted; make them all "
            "strings, or give `categories`."
        ) from error


def given_categories(categories, n_features):
    """Return the categories of each column as arrays."""
    if len(categories) != n_features:
        raise ValueError(f"`categories` must be {n_features} lists, one for each column, got {len(categories)}.")
    found = []
    for column, values in enumerate(categories):
        values = list(np.asarray(values, dtype=object).tolist())
        if not values or len(set(values)) < len(values) or any(map(is_missing, values)):
            raise ValueError(f"`categories` of column {column} must be different values, got {values!r:.100}.")
        found.append(as_category_array(values))
    return found


def as_category_array(values):
    """Return categories as an array: of numbers, of strings, or of objects."""
    array = np.asarray(values)
    if array.dtype.kind == "U" and not all(isinstance(value, str) for value in values):
        array = np.array(values, dtype=object)
    if array.dtype.kind == "f" and any(isinstance(value, int) and abs(value) > EXACT for value in values):
        array = np.array(values, dtype=object)
    if array.dtype.kind == "U":
        array = array.astype(object)
    return array
