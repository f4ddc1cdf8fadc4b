"""Classifiers that are trained in epochs: units of their inputs, sizes of layers, and when to stop."""

import copy
import warnings
from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from .history import NetworkRecord, as_history
from .labels import stream_classes
from .progress import progress_bar
from .saving import SavedMixin
from .validation import Integral, Interval, Real, binary_exponent, callers_level, check_samples, unchanged_on_failure


class Scale(NamedTuple):
    """Mean and standard deviation of all entries of an array, over a power of two."""

    exponent: int
    mean: float
    deviation: float

    @classmethod
    def of(cls, X):
        """Return the scale of an array; one whose entries are all alike is not stretched."""
        exponent = binary_exponent(X)
        X = np.ldexp(X, -exponent) if exponent else X
        mean, deviation = float(X.mean(dtype=np.float64)), float(X.std(dtype=np.float64))
        noise = 16 * np.finfo(X.dtype).eps * abs(mean)
        return cls(exponent, mean, deviation if deviation > noise else 1.0)

    def standardised(self, X, dtype):
        """Return an array in units of the scale; what overflows is infinite."""
        with np.errstate(over="ignore"):
            X = np.ldexp(X, -self.exponent) if self.exponent else X
            return ((X - self.mean) / self.deviation).astype(dtype, copy=False)

    def restored(self, Z):
        """Return the array that `standardised` has given Z for."""
        return np.ldexp(Z * self.deviation + self.mean, self.exponent)


class TrainedClassifier(ClassifierMixin, SavedMixin, BaseEstimator):
    """Base of networks that learn in epochs, by ``_adam``, and append a record of each to ``_records``.

    A subclass has ``_start(X, classes, *given)``, which begins with random weights for checked rows,
    ``_rows_to_learn(X, y, *given)``, what ``_learn(*rows, bar)`` takes, which learns for an epoch and returns the mean
    loss, and ``_copy_weights()``, after which these may be written; `given` is what a call has beside labels.
    """

    _parameter_constraints = {  # noqa: RUF012
        "hidden_layer_sizes": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state", np.random.Generator],
        "verbose": ["verbose"],
    }

    @property
    def history_(self):
        """A record for each epoch."""
        check_is_fitted(self)
        return as_history(self._records, NetworkRecord)

    @property
    def loss_curve_(self):
        """Mean cross-entropy in each epoch."""
        return self.history_["objective"].tolist()

    @property
    def n_iter_(self):
        """Epochs."""
        check_is_fitted(self)
        return len(self._records)

    def _fit(self, X, y, *given):
        """Learn from all rows together, from the beginning, until the loss no longer falls."""
        with unchanged_on_failure(self):
            X, y, _ = check_samples(self, X, y, numeric=False)
            check_classification_targets(y)
            self._begin(X, np.unique(y), *given)
            best, falling = self._learn_until_flat(len(X), *self._rows_to_learn(X, y, *given))
        if falling:
            warnings.warn(
                f"the loss still fell after `max_iter`={self.max_iter} epochs, to {best:.2g}; raise `max_iter` or "
                "`learning_rate_init`.",
                ConvergenceWarning,
                stacklevel=callers_level(),
            )
        return self

    def _partial_fit(self, X, y, classes, *given):
        """Learn from further rows, in one epoch."""
        with unchanged_on_failure(self):
            self._validate_params()  # scikit-learn does it for the first call only
            first = not hasattr(self, "_adam")
            X, y, _ = check_samples(self, X, y, numeric=False, reset=first)
            check_classification_targets(y)
            classes = stream_classes(classes, None if first else self.classes_)
            if first:
                self._begin(X, classes, *given)
            else:
                self._copy_weights()
                self._adam = copy.deepcopy(self._adam)
            self._adam.rates = [self.learning_rate_init] * len(self._adam.means)
            with self._bar(len(X), 1) as bar:
                self._learn(*self._rows_to_learn(X, y, *given), bar)
        return self

    def _begin(self, X, classes, *given):
        if len(classes) < 2:
            raise ValueError(f"y has one class only, {str(classes[0])!r:.60}; a classifier needs two.")
        self._start(X, classes, *given)

    def _layer_sizes(self):
        """Return the sizes of the hidden layers as a list."""
        sizes = np.atleast_1d(np.asarray(self.hidden_layer_sizes))
        if sizes.ndim != 1 or not sizes.size or sizes.dtype.kind not in "iu" or sizes.min() < 1:
            raise ValueError(
                f"`hidden_layer_sizes` must be an int >= 1 or a list of them, got {self.hidden_layer_sizes!r:.60}."
            )
        return sizes.tolist()

    def _bar(self, n_rows, n_epochs):
        """Return the progress bar of so many epochs."""
        return progress_bar(n_epochs * -(-n_rows // self.batch_size), verbose=self.verbose)

    def _learn_until_flat(self, n_rows, *rows):
        """Learn from rows until the loss no longer falls; return the least, and whether it did not."""
        best, waited = np.inf, 0
        with self._bar(n_rows, self.max_iter) as bar:
            while len(self._records) < self.max_iter and waited < self.n_iter_no_change:
                loss = self._learn(*rows, bar)
                waited = waited + 1 if loss > best - self.tol else 0
                best = min(best, loss)
        return best, waited < self.n_iter_no_change
