"""What classifiers of sparse binary rows share that learn them one after the other."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from .arrays import summable
from .labels import stream_classes
from .saving import SavedMixin
from .validation import fit_context, unchanged_on_failure


class OnlineClassifier(ClassifierMixin, SavedMixin, BaseEstimator):
    """Base of classifiers with methods ``_start(classes)``, ``_learn(X, y, first, whole)`` and ``_check_learned()``.

    They begin with nothing and keep ``classes_``; learn checked rows, the first ones or others, and all that there will
    be or not; and raise an error if `fit` has learned nothing.
    """

    @fit_context(prefer_skip_nested_validation=False)  # what is nested is the user's
    def fit(self, X, y):
        """Forget everything and learn the rows of X, in their order.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels.

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            X, y = self._check_samples(X, y, reset=True)
            self._start(np.unique(y))
            self._learn(X, y, first=True, whole=True)
            self._check_learned()
        return self

    @fit_context(prefer_skip_nested_validation=False)
    def partial_fit(self, X, y, classes=None):
        """Learn the rows of X too, in their order: however rows are split over calls, the bits are the same.

        A call that fails or is interrupted leaves the estimator as it was.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        classes : array-like of shape (n_classes,) or None, default=None
            All labels that there will be; needed in the first call.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Without `classes` in the first call, or with others later.
        """
        with unchanged_on_failure(self):
            self._validate_params()  # scikit-learn does it for the first call only
            first = not hasattr(self, "classes_")
            X, y = self._check_samples(X, y, reset=first)
            classes = stream_classes(classes, None if first else self.classes_)
            if first:
                self._start(classes)
            self._learn(X, y, first=first, whole=False)
        return self

    def _check_samples(self, X, y, *, reset):
        """Return checked rows and labels."""
        X, y = validate_data(self, summable(X), y, accept_sparse="csr", dtype="numeric", order="C", reset=reset)
        check_classification_targets(y)
        return X, y

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.poor_score = True  # zeros and ones only
        return tags
