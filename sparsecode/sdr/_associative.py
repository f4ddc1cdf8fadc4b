"""What memories that are compared with the macrocolumn share: they store rows and give back whole ones."""

import math
import warnings

import numpy as np
from scipy.stats import binom, norm
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from .._core.arrays import as_dense
from .._core.storing import Storing
from .._core.validation import callers_level, check_binary_rows

#: Rows that are recalled, and stored, at a time.
ROWS, STORED_ROWS = 256, 4096

#: By how much the share of ones may differ from a half where estimates are for rows with as many zeros.
HALF = 0.1

#: Standard deviations that a normal number exceeds with 97 %.
SURE = float(norm.ppf(0.97))


class AssociativeMemory(Storing, BaseEstimator):
    """Base of memories whose state is a dict of arrays; a subclass says what is in it when empty, learns and recalls.

    ``_names`` are those of the arrays, ``_empty(n_features)`` returns the state of nothing, ``_learn(state, X)`` that
    after rows X of bool, which may be sparse, without a change of the one before, and ``_complete(prepared, X)`` the
    recalled rows of some dense ones, with what ``_prepare(state)`` returns, once for all of them.
    """

    def recall(self, X):
        """Return what is stored and resembles each row of X most, as far as the memory is right.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features), bool
            An empty row for an empty one.
        """
        check_is_fitted(self)
        self._validate_params()
        X = check_binary_rows(self, X, reset=False)
        recalled, prepared = np.zeros(X.shape, bool), self._prepare(self._state)
        for start in range(0, X.shape[0], ROWS):
            rows = as_dense(X[start : start + ROWS])
            known = rows.any(axis=1)
            if known.any():
                recalled[start : start + ROWS][known] = self._complete(prepared, rows[known])
        return recalled

    def _warn_unless_half(self):
        """Say that an estimate is one for other rows, if the stored ones are."""
        share = self.mean_active_ / self.n_features_in_
        if self._n_items and abs(share - 0.5) > HALF:
            warnings.warn(
                f"`capacity_estimate_` is for rows half of whose features are active, but {share:.0%} of those of the "
                "stored rows are: far fewer of them are recalled. Use a memory of sparse rows, such as WillshawMemory.",
                UserWarning,
                stacklevel=callers_level(),
            )

    @property
    def n_items_(self):
        """Stored rows."""
        check_is_fitted(self)
        return self._n_items

    @property
    def mean_active_(self):
        """Mean number of ones of the stored rows."""
        check_is_fitted(self)
        return self._n_ones / max(self._n_items, 1)

    def _prepare(self, state):
        return state

    def _start(self, n_features):
        self._state, self._n_items, self._n_ones = self._empty(n_features), 0, 0

    def _store(self, X):
        state = self._state
        for start in range(0, X.shape[0], STORED_ROWS):
            state = self._learn(state, X[start : start + STORED_ROWS])
        self._state = state
        self._n_items, self._n_ones = self._n_items + X.shape[0], self._n_ones + int(X.sum())

    def _fitted(self):
        check_is_fitted(self)
        return self._state

    def _get_fitted_state(self):
        return {"n_items": self._n_items, "n_ones": self._n_ones}, self._state

    def _set_fitted_state(self, scalars, arrays):
        self._n_items, self._n_ones, self._state = scalars["n_items"], scalars["n_ones"], dict(arrays)
        if set(arrays) != set(self._names):
            raise ValueError(f"the arrays {sorted(arrays)} are no state of a {type(self).__name__}.")


def most_items(error, most_errors):
    """Return the largest number of items for which an error, which rises with it above `most_errors`, is that small."""
    too_many = 1
    while error(too_many) <= most_errors:
        too_many *= 2
    low = too_many // 2
    while too_many - low > 1:
        middle = (low + too_many) // 2
        low, too_many = (middle, too_many) if error(middle) <= most_errors else (low, middle)
    return low


def likely_counts(n, share, deviations=8.0):
    """Return all counts that a binomial distribution reaches but for a negligible chance, and their chances."""
    mean, spread = n * share, deviations * math.sqrt(n * share * (1 - share))
    m = np.arange(max(0, int(mean - spread)), min(n, int(mean + spread + 2 * deviations)) + 1)
    return m, binom.pmf(m, n, share)


def as_signs(X):
    """Return zeros and ones as -1.0 and 1.0."""
    return 2.0 * as_dense(X) - 1.0
