"""What a memory of sequences expects: the rows that follow, and how familiar an order is."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._core.validation import Integral
from ..encoder import sequences
from ._filling import limits
from ._sequences import follow


class ReplayMixin:
    """For an estimator whose ``_recall(X, groups)`` returns winners, familiarity and places in the sequence."""

    def predict_next(self, X, groups=None):
        """Return, for each row, the input that is expected after it.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)
        groups : array-like of shape (n_samples,) or None, default=None

        Returns
        -------
        ndarray of shape (n_samples, n_features), bool
            Row i is what row i + 1 should be; empty where nothing is known to follow.
        """
        winners, _, places = self._recall(X, groups)
        return self._complete(self._next(winners, places))

    def recall_sequence(self, X, n_steps):
        """Return the inputs that follow a cue: codes lead to codes, without input.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_cues, n_features)
            The cue: first rows of one sequence, or some rows from within one.
        n_steps : int
            Rows to recall after the cue.

        Returns
        -------
        ndarray of shape (n_steps, n_features), bool
            Empty rows after the end of what is known.

        Raises
        ------
        ValueError
            If `n_steps` is not an integer >= 1.
        """
        if not isinstance(n_steps, Integral) or n_steps < 1:
            raise ValueError(f"`n_steps` must be an integer >= 1, got {n_steps!r:.60}.")
        check_is_fitted(self)
        self._validate_params()
        X = self._check_binary_input(X, reset=False)
        state = self._scan(X, sequences(None, X.shape[0]), self.initial_state(), backoff=self.backoff)[3]
        winners, found = state.winners, np.full((n_steps, self._n_modules), -1, np.int32)
        for step in range(n_steps):
            winners = found[step] = self._next(winners[None], state.n_rows + step)[0]
            if winners[0] < 0:
                break
        return self._complete(found)

    def score_sequences(self, X, groups=None):
        """Return how familiar each sequence is: the mean `familiarity` of its rows that have a code.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)
        groups : array-like of shape (n_samples,) or None, default=None

        Returns
        -------
        ndarray of shape (n_sequences,)
            In their order; 0 for sequences without a code.
        """
        winners, found, _ = self._recall(X, groups, backoff=None)
        coded = winners[:, 0] >= 0
        starts = [rows.start for rows, _ in sequences(groups, len(found))]
        return np.add.reduceat(found, starts) / np.maximum(np.add.reduceat(coded.astype(np.int64), starts), 1)

    def _next(self, winners, n_rows):
        """Return the winners that follow codes, each after so many rows of its sequence."""
        after, found = follow(self._horizontal, limits(self, self.n_features_in_), winners, self.n_jobs)
        after[found < self.familiarity_threshold] = -1
        return np.where((n_rows % self.persistence != 0)[:, None], winners, after)
