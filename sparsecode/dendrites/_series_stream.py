"""A series that is predicted value by value, and beyond its end."""

from copy import copy
from typing import NamedTuple

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._core.validation import Integral, unchanged_on_failure
from ._forecast import as_dates, as_values, learn_forecasts, medians, probabilities
from ._temporal import TemporalState
from .anomaly_likelihood import UNKNOWN, LikelihoodState


class PredictorState(NamedTuple):
    """Where a `SequencePredictor` is in a series.

    Attributes
    ----------
    memory : TemporalState
    likelihood : LikelihoodState
    """

    memory: TemporalState
    likelihood: LikelihoodState


class Outcome(NamedTuple):
    """What a `SequencePredictor` says of a value that has come.

    Attributes
    ----------
    prediction : float
        What was expected; NaN for the first value of a series.
    anomaly : float
        Share of its columns that were not predicted; 1 for the first value of a series.
    likelihood : float
        Of an anomaly; 0.5 for the first value of a series, and while too few are known.
    """

    prediction: float
    anomaly: float
    likelihood: float


class SeriesStreamMixin:
    """What a fitted `SequencePredictor` does from a state."""

    @property
    def state_(self):
        """Where `partial_fit` goes on."""
        check_is_fitted(self)
        return PredictorState(self.memory_.state_, self._likely)

    def initial_state(self):
        """Return the `PredictorState` before any value."""
        check_is_fitted(self)
        return PredictorState(self.memory_.initial_state(), self.likelihood_.initial_state())

    def step(self, x, state, learn=False, *, date=None):
        """Tell what was expected of one value and how unexpected it is, and where that leads.

        Parameters
        ----------
        x : float
        state : PredictorState
            Not changed: `initial_state()` for a new series, or `state_` to go on where learning has ended.
        learn : bool, default=False
            Whether the value is learned. All that was learned is copied for it: `partial_fit` is for many values.
        date : datetime64 or None, default=None
            When the value was measured.

        Returns
        -------
        outcome : Outcome
        state : PredictorState
        """
        check_is_fitted(self)
        self._validate_params()
        if np.ndim(x):
            raise ValueError(f"x must be a number, got an array of shape {np.shape(x)}; `partial_fit` takes series.")
        values, memory, (before, likely) = as_values([x]), self.memory_, self._check_state(state)
        codes, parts = self._code(values, None if date is None else [date]), [(slice(0, 1), False)]
        begins = np.array([not len(before.active_cells)])
        if learn:
            with unchanged_on_failure(self):
                memory = copy(memory)  # which learns into new arrays
                found, after = memory._take(codes, parts, before)
                self._weights, expected = self._learn_values(values, found, before.active_cells, begins)
                self.memory_ = memory
            expected = float(expected[0])
        else:
            found, after = memory._scan(codes, parts, before)
            expected = float("nan") if begins[0] else float(medians(self._expect(before), self.bounds_)[0])
        anomaly, likelihood = found.anomalies(), np.full(1, UNKNOWN)
        if not begins[0]:
            likelihood, likely = self.likelihood_.advance(anomaly, likely)
        return Outcome(expected, float(anomaly[0]), float(likelihood[0])), PredictorState(after, likely)

    def forecast(self, n_steps=1, *, state=None, dates=None):
        """Return what is expected of the next values: the medians of `forecast_proba`.

        Parameters
        ----------
        n_steps : int, default=1
        state : PredictorState or None, default=None
        dates : array-like of datetime64 of shape (n_steps,) or None, default=None

        Returns
        -------
        ndarray of shape (n_steps,)
        """
        return medians(self.forecast_proba(n_steps, state=state, dates=dates), self.bounds_)

    def forecast_proba(self, n_steps=1, *, state=None, dates=None):
        """Return the distributions that are expected of the next values. Nothing is learned.

        Of the first by the cells that are active; then its median is taken for what has come, and so on: the
        distributions of later ones do not tell how uncertain those before are.

        Parameters
        ----------
        n_steps : int, default=1
            Values, at least 1.
        state : PredictorState or None, default=None
            Where to begin, as from `step`. None is where `partial_fit` has ended.
        dates : array-like of datetime64 of shape (n_steps,) or None, default=None
            When they will be measured; needed for more than one, if dates were learned.

        Returns
        -------
        ndarray of shape (n_steps, n_buckets)
            The values of the columns are `buckets_`.

        Raises
        ------
        ValueError
            If `n_steps` is no whole number from 1 on, and for dates that are missing or not as many.
        """
        check_is_fitted(self)
        if not isinstance(n_steps, Integral) or isinstance(n_steps, bool) or n_steps < 1:
            raise ValueError(f"`n_steps` must be a whole number, at least 1, got {n_steps!r:.60}.")
        dates = None if dates is None else as_dates(dates)
        if dates is not None and len(dates) != n_steps:
            raise ValueError(f"`dates` must be one for each of the {n_steps} values to come, got {len(dates)}.")
        now = self._check_state(self.state_ if state is None else state).memory
        expected = [self._expect(now)]
        for step in range(n_steps - 1):
            codes = self._code(medians(expected[-1], self.bounds_), None if dates is None else dates[step : step + 1])
            _, now = self.memory_._scan(codes, [(slice(0, 1), False)], now)
            expected.append(self._expect(now))
        return np.concatenate(expected)

    def _expect(self, state):
        """Return the distribution of the next value, (1, n_buckets)."""
        cells = state.active_cells
        return probabilities(self._weights, cells, np.array([0, len(cells)]))

    def _learn_values(self, values, found, before, begins):
        """Return the weights after rows, and the value that was expected of each."""
        buckets = self._bucket(values)
        return learn_forecasts(self._weights, found, before, begins, buckets, self.learning_rate, self.bounds_)

    def _check_state(self, state):
        """Return a state whose parts fit."""
        if not isinstance(state, (tuple, list)) or len(state) != len(PredictorState._fields):
            raise ValueError("`state` must be a PredictorState; begin with `initial_state()`, or `state_`.")
        return PredictorState(self.memory_._check_state(state[0]), self.likelihood_._check_state(state[1]))
