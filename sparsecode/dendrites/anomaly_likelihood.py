"""`AnomalyLikelihood`: how unusual recent anomaly scores are, for a stream whose scores are never zero."""

import math
from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator

from .._core.validation import Integral, Interval

#: Least mean and variance of scores that are believed; the tail up to which a likelihood is extreme, and the one that
#: stands for all but the first of a run of such; what is returned while nothing is known.
LEAST_MEAN, LEAST_VARIANCE = 0.03, 3e-4
EXTREME, REPEATED, UNKNOWN = 1e-5, 1e-3, 0.5


class LikelihoodState(NamedTuple):
    """What is known of the scores so far.

    Attributes
    ----------
    scores : ndarray of shape (averaging_window,)
        The last scores, the one of row i at ``i % averaging_window``.
    averages : ndarray of shape (window,)
        The last averages of scores, that of row i at ``i % window``.
    normal : ndarray of shape (2,)
        Mean and standard deviation of these when they were last estimated.
    n_rows : ndarray of shape (1,), int64
    extreme : ndarray of shape (1,), bool
        Whether the last average was extreme.
    """

    scores: np.ndarray
    averages: np.ndarray
    normal: np.ndarray
    n_rows: np.ndarray
    extreme: np.ndarray


class AnomalyLikelihood(BaseEstimator):
    r"""Tell how unusual the average of the last anomaly scores is among those of the stream so far.

    With the mean m_t of the last `averaging_window` scores, and mean mu and standard deviation sigma of the m of rows
    before,

        likelihood_t = 1 - Q((m_t - mu) / sigma),    Q(z) = erfc(z / sqrt(2)) / 2.

    A noisy stream has high scores now and then, which are no anomaly: only more of them than usual are. mu and sigma
    are estimated anew every `reestimation_period` rows, from the last `window` ones without those of the
    `learning_period`; mu is at least 0.03 and sigma^2 at least 0.0003. Before there are `learning_period` +
    `estimation_samples` rows, the likelihood is 0.5. Of consecutive rows with Q <= 1e-5, all but the first get 0.999.

    Parameters
    ----------
    window : int, default=8640
        Rows that count.
    learning_period : int, default=288
        First rows of a stream, whose scores are high since nothing is learned yet, and do not count.
    estimation_samples : int, default=100
        Rows after these for the first estimate.
    reestimation_period : int, default=100
    averaging_window : int, default=10
        Scores that are averaged.
    one_sided : bool, default=True
        Whether only averages above mu are unusual. False takes their distance to either side, so that unusually low
        scores are as likely anomalies as high ones.

    Raises
    ------
    ValueError
        For parameters out of range, and scores that do not lie in [0, 1].

    Notes
    -----
    O(1) a row of a batch, and O(window) for an estimate; `step` copies the window. Rows that come one by one give the
    bits of those that come together. The constants are those of NuPIC, which is two-sided.

    References
    ----------
    S. Ahmad, A. Lavin, S. Purdy and Z. Agha, "Unsupervised real-time anomaly detection for streaming data",
    Neurocomputing 262:134 (2017).

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.dendrites import AnomalyLikelihood
    >>> scores = 0.3 * np.random.default_rng(0).random(1000)
    >>> scores[900:905] = 1
    >>> likelihood = AnomalyLikelihood().score_stream(scores)
    >>> int(likelihood.argmax()), bool(likelihood[900] > 0.95), bool(likelihood[901] > 0.999)
    (901, True, True)
    >>> round(float(AnomalyLikelihood.log_scale(0.9999)), 2)
    0.4
    """

    _parameter_constraints = {  # noqa: RUF012
        "window": [Interval(Integral, 2, None, closed="left")],
        "learning_period": [Interval(Integral, 0, None, closed="left")],
        "estimation_samples": [Interval(Integral, 1, None, closed="left")],
        "reestimation_period": [Interval(Integral, 1, None, closed="left")],
        "averaging_window": [Interval(Integral, 1, None, closed="left")],
        "one_sided": ["boolean"],
    }

    def __init__(
        self,
        window=8640,
        *,
        learning_period=288,
        estimation_samples=100,
        reestimation_period=100,
        averaging_window=10,
        one_sided=True,
    ):
        self.window = window
        self.learning_period = learning_period
        self.estimation_samples = estimation_samples
        self.reestimation_period = reestimation_period
        self.averaging_window = averaging_window
        self.one_sided = one_sided

    def initial_state(self):
        """Return the `LikelihoodState` before any row."""
        self._validate_params()
        if self.window < self.estimation_samples:
            raise ValueError(
                f"`window`={self.window} must be at least `estimation_samples`={self.estimation_samples}: these rows "
                "are estimated from."
            )
        scores, averages = np.zeros(self.averaging_window), np.zeros(self.window)
        return LikelihoodState(scores, averages, np.zeros(2), np.zeros(1, np.int64), np.zeros(1, bool))

    def step(self, score, state):
        """Return the likelihood of an anomaly after one more score, and the state after it.

        Parameters
        ----------
        score : float
            From 0 to 1.
        state : LikelihoodState
            Not changed.

        Returns
        -------
        likelihood : float
        state : LikelihoodState
        """
        likelihood, state = self.advance([score], state)
        return float(likelihood[0]), state

    def score_stream(self, scores):
        """Return the likelihood of an anomaly after each score, from the initial state.

        Parameters
        ----------
        scores : array-like of shape (n_samples,)
            From 0 to 1.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self.advance(scores, self.initial_state())[0]

    def advance(self, scores, state):
        """Return the likelihood of an anomaly after each score, and the state after all of them.

        Parameters
        ----------
        scores : array-like of shape (n_samples,)
            From 0 to 1.
        state : LikelihoodState
            Not changed.

        Returns
        -------
        likelihood : ndarray of shape (n_samples,)
        state : LikelihoodState
        """
        state, scores = self._check_state(state), np.asarray(scores, dtype=np.float64)
        if scores.ndim != 1 or not ((scores >= 0) & (scores <= 1)).all():
            raise ValueError(f"`scores` must be a list of numbers from 0 to 1, got {scores!r:.80}.")
        found = np.empty(len(scores))
        for i, score in enumerate(scores.tolist()):
            found[i] = self._advance_one(score, state)
        return found, state

    @staticmethod
    def log_scale(likelihood):
        """Return ``-log(1 + 1e-10 - likelihood) / 23.02585``: 0 to 1, by the orders of magnitude of its tail.

        Parameters
        ----------
        likelihood : float or array-like
            From 0 to 1.

        Returns
        -------
        ndarray
            0.1 for each factor of ten in ``1 - likelihood``; 0.5 is a tail of 1e-5.

        Raises
        ------
        ValueError
            If a likelihood does not lie in [0, 1].
        """
        likelihood = np.asarray(likelihood, dtype=np.float64)
        if not ((likelihood >= 0) & (likelihood <= 1)).all():
            raise ValueError(f"`likelihood` must lie in [0, 1], got {likelihood!r:.80}.")
        return np.log(1.0000000001 - likelihood) / -23.02585084720009

    def _advance_one(self, score, state):
        """Change a state by one score and return the likelihood."""
        n = int(state.n_rows[0])
        state.scores[n % self.averaging_window] = score
        n_scores = min(n + 1, self.averaging_window)
        average = float(state.scores[:n_scores].sum()) / n_scores
        likelihood = UNKNOWN
        first = self.learning_period + self.estimation_samples
        if n >= first:
            if n == first or n % self.reestimation_period == 0:
                self._estimate(n, state)
            tail = self._tail(average, *state.normal.tolist())
            was_extreme, state.extreme[0] = bool(state.extreme[0]), tail <= EXTREME
            likelihood = 1 - (REPEATED if was_extreme and tail <= EXTREME else tail)
        state.averages[n % self.window] = average
        state.n_rows[0] = n + 1
        return likelihood

    def _estimate(self, n, state):
        """Write mean and standard deviation of the averages of the rows before row n that count."""
        rows = np.arange(max(self.learning_period, n - self.window), n)
        averages = state.averages[rows % self.window]
        state.normal[0] = max(float(averages.mean()), LEAST_MEAN)
        state.normal[1] = math.sqrt(max(float(averages.var()), LEAST_VARIANCE))

    def _tail(self, average, mean, deviation):
        distance = average - mean if self.one_sided else abs(average - mean)
        return 0.5 * math.erfc(distance / deviation / math.sqrt(2))

    def _check_state(self, state):
        """Return a copy of a state that fits the parameters."""
        expected = self.initial_state()
        parts = tuple(np.array(part) for part in state) if isinstance(state, (tuple, list)) else ()
        if [(part.shape, part.dtype) for part in parts] != [(part.shape, part.dtype) for part in expected]:
            raise ValueError("`state` is not one of these parameters; begin with `initial_state()`.")
        return LikelihoodState(*parts)
