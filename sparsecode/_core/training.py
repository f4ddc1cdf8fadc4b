"""Networks that are trained in epochs: units of their inputs, sizes of layers, and when to stop."""

import copy
import time
import warnings
from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets

from .history import NetworkRecord, Recorded
from .labels import stream_classes
from .progress import progress_bar
from .saving import SavedMixin
from .validation import Integral, Interval, Real, binary_exponent, callers_level, check_samples, unchanged_on_failure

#: Parameters of estimators that are trained in epochs.
TRAINING = {
    "hidden_layer_sizes": [Interval(Integral, 1, None, closed="left"), "array-like"],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "batch_size": [Interval(Integral, 1, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="left")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
    "random_state": ["random_state", np.random.Generator],
    "verbose": ["verbose"],
}


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

    @property
    def unit(self):
        """The standard deviation itself."""
        return float(np.ldexp(self.deviation, self.exponent))

    def standardised(self, X, dtype):
        """Return an array in units of the scale; what overflows is infinite."""
        with np.errstate(over="ignore"):
            X = np.ldexp(X, -self.exponent) if self.exponent else X
            return ((X - self.mean) / self.deviation).astype(dtype, copy=False)

    def unscaled(self, W, b):
        """Return weights (n_inputs, n_units) and intercepts of standardised inputs for inputs in their own units."""
        intercepts = b - W.sum(axis=0) * (self.mean / self.deviation)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            W, intercepts = (W / self.unit).astype(W.dtype), intercepts.astype(W.dtype)
        if not (np.isfinite(W).all() and np.isfinite(intercepts).all()):
            raise ValueError(f"inputs are so small that weights for them overflow {W.dtype}: fit to X in larger units.")
        return W, intercepts

    def scaled(self, W, b):
        """Return weights and intercepts that `unscaled` gives W and b for."""
        return W * self.unit, b + W.sum(axis=0) * np.ldexp(self.mean, self.exponent)

    def restored(self, Z):
        """Return the array that `standardised` has given Z for."""
        return np.ldexp(Z * self.deviation + self.mean, self.exponent)


class TrainedMixin(Recorded, SavedMixin):
    """Estimators that learn in epochs."""

    _record_class = NetworkRecord

    @property
    def loss_curve_(self):
        """Mean cross-entropy in each epoch."""
        return self.history_["objective"].tolist()

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


class ProbabilitiesMixin:
    """Classifiers that have `predict_log_proba`."""

    def predict_proba(self, X):
        """Return the probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return np.exp(self.predict_log_proba(X))

    def predict(self, X):
        """Return the most probable label of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        best = self.predict_log_proba(X).argmax(axis=1)
        return self.classes_[best]


class TrainedClassifier(ClassifierMixin, TrainedMixin, BaseEstimator):
    """Base of networks that learn in epochs, by ``_adam``.

    A subclass has ``_start(X, classes, *given)``, which begins with random weights for checked rows,
    ``_rows_to_learn(X, y, *given)``, what ``_learn(*rows, bar)`` takes, which learns for an epoch and returns the mean
    loss, and ``_copy_weights()``, after which these may be written; `given` is what a call has beside labels.
    """

    _parameter_constraints = TRAINING

    def _fit(self, X, y, *given):
        """Learn from all rows together, from the beginning, until the loss no longer falls."""
        with unchanged_on_failure(self):
            X, y, _ = check_samples(self, X, y, numeric=False)
            check_classification_targets(y)
            self._begin(X, np.unique(y), *given)
            best, falling = self._learn_until_flat(len(X), *self._rows_to_learn(X, y, *given))
        warn_if_falling(best, falling, self.max_iter)
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
        check_two_classes(classes)
        self._start(X, classes, *given)


def run_epoch(batches, take_step, adam, widths, *, epoch, bar, advice):
    """Learn from batches of rows; return the record of the epoch.

    Parameters
    ----------
    batches : iterable of array-like of int
        Rows.
    take_step : callable
        Changes weights by a batch; returns the sum of the losses before and, for each hidden layer, an array
        (..., n_units) that is not zero where a unit was active.
    adam : Adam
    widths : list of int
        Units of the hidden layers.
    epoch : int
    bar : tqdm.tqdm
    advice : str
        What else may help if derivatives are not finite.
    """
    started, loss, n_rows, n_active, n_seen = time.perf_counter(), 0.0, 0, 0, 0
    used = [np.zeros(width, bool) for width in widths]
    for batch in batches:
        with np.errstate(over="ignore", invalid="ignore"):  # told by `take_step` and after the epoch
            of_batch, layers = take_step(batch)
        loss, n_rows = loss + of_batch, n_rows + len(batch)
        for active, layer_used in zip(layers, used, strict=True):
            n_active, n_seen = n_active + np.count_nonzero(active), n_seen + active.size
            layer_used |= active.reshape(-1, active.shape[-1]).any(axis=0)
        bar.update()
        bar.set_postfix(loss=f"{of_batch / len(batch):.4g}", refresh=False)
    if not np.isfinite(loss) or not all(np.isfinite(square).all() for square in adam.squares):
        raise ValueError(
            f"the loss or its derivatives are not finite in epoch {epoch}: lower `learning_rate_init`, or {advice}."
        )
    dead = sum(int(np.count_nonzero(~layer_used)) for layer_used in used)
    seconds = time.perf_counter() - started
    sparsity = n_active / n_seen if n_seen else np.nan  # without hidden layers
    return NetworkRecord(epoch, float(loss / n_rows), sparsity, dead, seconds)


def check_two_classes(classes):
    """Raise if there is one class only."""
    if len(classes) < 2:
        raise ValueError(f"y has one class only, {str(classes[0])!r:.60}; a classifier needs two.")


def warn_if_falling(best, falling, max_iter):
    """Warn if the loss still fell when the epochs were over."""
    if falling:
        warnings.warn(
            f"the loss still fell after `max_iter`={max_iter} epochs, to {best:.2g}; raise `max_iter` or "
            "`learning_rate_init`.",
            ConvergenceWarning,
            stacklevel=callers_level(),
        )
