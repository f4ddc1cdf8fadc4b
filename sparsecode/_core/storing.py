"""What estimators that learn row by row share: `fit` begins anew, `partial_fit` goes on, a failure changes nothing."""

from .validation import check_binary_rows, fit_context, unchanged_on_failure


class Storing:
    """For estimators with a method ``_start(n_features)`` that begins with nothing, and ``_store(X)`` for checked rows.

    Rows are zeros and ones, or what ``_check_rows`` makes of them; `fit` takes them ``_n_passes`` times.
    """

    _n_passes = 1

    @fit_context(prefer_skip_nested_validation=False)  # what is nested is the user's
    def fit(self, X, y=None):
        """Forget everything and store the rows of X, in their order.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)
        y : Ignored

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            X = self._check_rows(X, reset=True)
            self._start(X.shape[1])
            for _ in range(self._n_passes):
                self._store(X)
        return self

    @fit_context(prefer_skip_nested_validation=False)
    def partial_fit(self, X, y=None):
        """Store the rows of X too, in their order: however rows are split over calls, the result is the same.

        A call that fails or is interrupted leaves the estimator as it was.

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
            X = self._check_rows(X, reset=first)
            if first:
                self._start(X.shape[1])
            self._store(X)
        return self

    def _check_rows(self, X, *, reset):
        return check_binary_rows(self, X, reset=reset)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class StoringSequences(Storing):
    """The same for rows in time: ``_begin(n_features)`` begins with nothing, ``_store(X, groups)`` learns."""

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, groups=None):
        """Forget everything and learn the rows of X, in their order.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)
        y : Ignored
        groups : array-like of shape (n_samples,) or None, default=None
            The sequence of each row, as integers or strings (`groups_from_lengths`). None is one sequence.

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            X = self._check_rows(X, reset=True)
            self._begin(X.shape[1])
            self._store(X, groups)
        return self

    @fit_context(prefer_skip_nested_validation=False)
    def partial_fit(self, X, y=None, groups=None):
        """Learn the rows of X too, in their order: however rows are split over calls, the bits are the same.

        A call that fails or is interrupted leaves the estimator as it was.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)
        y : Ignored
        groups : array-like of shape (n_samples,) or None, default=None
            The sequence of each row. The last one of the call before goes on if the label of the first row is the
            same, or if there are no labels.

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            self._validate_params()  # scikit-learn does it for the first call only
            first = not hasattr(self, "n_features_in_")
            X = self._check_rows(X, reset=first)
            if first:
                self._begin(X.shape[1])
            self._store(X, groups)
        return self
