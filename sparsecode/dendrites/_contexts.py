"""What segments see beside the input: prototypes of named contexts, or vectors that are given."""

import warnings
from typing import NamedTuple

import numpy as np
from sklearn.utils.validation import check_array

from .._core.labels import label_numbers, row_labels
from .._core.products import correlations
from .._core.training import Scale
from .._core.validation import callers_level

#: The context that is to be found from the input.
INFER = "infer"

#: Share of rows that are nearest to their own prototype, below which there is a warning.
LEAST_OWN = 0.5


class Prototypes(NamedTuple):
    """Contexts that have names, each with the mean of its rows."""

    labels: np.ndarray  # sorted
    counts: np.ndarray
    means: np.ndarray  # (n_contexts, n_features)

    def learned(self, context, X):
        """Return the prototypes with further rows, their vectors, and the context of each row."""
        labels = self._labels(context, len(X))
        known = np.unique(labels) if not len(self.labels) else np.union1d(self.labels, labels)
        numbers, before = np.searchsorted(known, labels), np.searchsorted(known, self.labels)
        counts, means = np.zeros(len(known), np.int64), np.zeros((len(known), X.shape[1]))
        counts[before], means[before] = self.counts, self.means
        for k in np.unique(numbers):
            rows = numbers == k
            counts[k] += rows.sum()
            means[k] += (X[rows] - means[k]).sum(axis=0, dtype=np.float64) / counts[k]
        prototypes = Prototypes(known, counts, means)
        prototypes._warn_of_confusion(X, numbers)
        return prototypes, means.astype(X.dtype), numbers

    def of_rows(self, context, X):
        """Return the vectors of the contexts, and the context of each row, the one with the nearest prototype."""
        if isinstance(context, str) and context == INFER:
            numbers = self._nearest(X)
        else:
            numbers = label_numbers(self._labels(context, len(X)), self.labels, of="`context`", among="contexts_")
        return self.means.astype(X.dtype), numbers

    def _labels(self, context, n_rows):
        """Return the labels of rows."""
        if context is None:
            if len(self.labels) > 1:
                raise ValueError(
                    f"`context` must be given, one label for all rows or one for each: there are {len(self.labels)} "
                    f"contexts, {self.labels!s:.100}."
                )
            return np.full(n_rows, self.labels[0] if len(self.labels) else 0)
        labels = row_labels(context)
        if labels is None or labels.shape not in ((), (n_rows,)):
            found = np.asarray(context)
            raise ValueError(
                f"`context` must be an integer or a string, {n_rows} of them, or {n_rows} rows of numbers, got "
                f"{found.dtype} of shape {found.shape}."
            )
        if len(self.labels) and (labels.dtype.kind in "US") != (self.labels.dtype.kind in "US"):
            raise ValueError(f"`context` must have labels of the type of those before, {self.labels!s:.100}.")
        if labels.dtype.kind in "US" and (labels == INFER).any():
            raise ValueError(f"`context` has a label {INFER!r}, which stands for contexts to be found; rename it.")
        labels = labels if labels.dtype.kind in "US" else labels.astype(np.int64)
        return np.broadcast_to(labels, (n_rows,))

    def _warn_of_confusion(self, X, numbers):
        """Warn if most rows are nearer to the prototype of another context."""
        own = 1.0 if len(self.labels) == 1 else np.mean(self._nearest(X) == numbers)
        if own < LEAST_OWN:
            warnings.warn(
                f"only {100 * own:.0f} % of the rows are nearest to the prototype of their own context: contexts can "
                "neither be found from X nor told apart by segments. If columns were standardised over several "
                "contexts, leave that out; if contexts have the same inputs, give vectors as `context`, such as rows "
                "of np.eye(n_contexts).",
                UserWarning,
                stacklevel=callers_level(),
            )

    def _nearest(self, X):
        """Return the number of the nearest prototype of each row; of equally near ones the first."""
        centre = self.means.mean(axis=0)
        means = self.means - centre
        with np.errstate(over="ignore", invalid="ignore"):
            nearness = correlations((X - centre).astype(X.dtype), means.astype(X.dtype))
            nearness -= (0.5 * np.square(means).sum(axis=1)).astype(X.dtype)
        return nearness.argmax(axis=1)


class Vectors(NamedTuple):
    """Contexts that are given as vectors, one for each row."""

    width: int
    scale: Scale

    def learned(self, context, X):
        """Return self, the vectors of rows and their numbers."""
        return self, *self.of_rows(context, X)

    def of_rows(self, context, X):
        """Return the vectors of rows, and their numbers."""
        if context is None or np.ndim(context) != 2:
            raise ValueError(
                f"`context` must be given as vectors, an array of shape ({len(X)}, {self.width}), as in the first call."
            )
        context = as_vectors(context, len(X))
        if context.shape[1] != self.width:
            raise ValueError(f"`context` has {context.shape[1]} columns, but that of the first call had {self.width}.")
        return self.scale.standardised(context, X.dtype), np.arange(len(X))


def as_vectors(context, n_rows):
    """Return context vectors as an array of floats."""
    context = check_array(context, dtype=[np.float64, np.float32], input_name="context")
    if len(context) != n_rows:
        raise ValueError(f"`context` has {len(context)} rows, but X has {n_rows}.")
    return context


def first_contexts(context, X):
    """Return what holds the contexts of a new estimator: `Vectors` for an array of two axes, else `Prototypes`."""
    if context is not None and np.ndim(context) == 2:
        vectors = as_vectors(context, len(X))
        return Vectors(vectors.shape[1], Scale.of(vectors))
    return Prototypes(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, X.shape[1])))
