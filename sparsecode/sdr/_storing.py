"""What estimators that store binary rows share: `fit` begins anew, `partial_fit` goes on, a failure changes nothing."""

from sklearn.base import BaseEstimator

from .._core.validation import check_binary_rows, fit_context, unchanged_on_failure


class Storing(BaseEstimator):
    """Base of estimators with the parameter `binarize` and a method ``_store(X, first)`` for checked rows."""

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Forget everything and store the rows of X.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)
        y : Ignored

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            self._store(check_binary_rows(self, X, reset=True), first=True)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        """Store the rows of X too.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)
        y : Ignored

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            self._validate_params()  # scikit-learn does it for the first call only
            first = not hasattr(self, "n_features_in_")
            self._store(check_binary_rows(self, X, reset=first), first)
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
