"""Familiarity under the names that scikit-learn's novelty detectors have for it."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ._filling import chance_familiarity


class NoveltyMixin:
    """For estimators with a method `familiarity` and a parameter `familiarity_threshold`."""

    def score_samples(self, X):
        """Return the familiarity of each row, under the name that novelty detectors have for it.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self.familiarity(X)

    def decision_function(self, X):
        """Return ``familiarity(X) - offset_``: negative for novel rows.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self.familiarity(X) - self.offset_

    def predict(self, X):
        """Return 1 for familiar rows and -1 for novel ones.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,), int
        """
        return np.where(self.decision_function(X) >= 0, 1, -1)

    @property
    def offset_(self):
        """What `decision_function` subtracts."""
        if self.familiarity_threshold == "auto":
            return (1 + self.chance_familiarity_) / 2
        check_is_fitted(self)
        return self.familiarity_threshold

    @property
    def chance_familiarity_(self):
        """Familiarity of random rows."""
        check_is_fitted(self)
        return chance_familiarity(self, self.n_features_in_)
