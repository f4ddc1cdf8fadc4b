"""`SequencePredictor`: a series of numbers, coded and learned by a temporal memory, and what is expected next."""

from copy import copy

import numpy as np
from scipy.sparse import csr_array, hstack
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from .._core.rng import as_generator
from .._core.saving import SavedMixin
from .._core.validation import Integral, Interval, Real, StrOptions, fit_context, unchanged_on_failure
from ..sdr.date import DateEncoder
from ..sdr.random_distributed import RandomDistributedScalarEncoder
from ._forecast import as_dates, as_values, medians, probabilities
from ._series_stream import SeriesStreamMixin
from .anomaly_likelihood import UNKNOWN, AnomalyLikelihood, LikelihoodState
from .temporal_memory import TemporalMemory

#: Share of the range of the training data that "auto" adds on each side.
MARGIN = 0.2

#: Thresholds of the default memory, and synapses that its segments grow, as shares of the active columns.
MATCH, FIRE, NEW = 0.35, 0.5, 0.75


class SequencePredictor(SeriesStreamMixin, SavedMixin, BaseEstimator):
    r"""Learn a series of numbers as it comes, predict the next one, and tell how unexpected each was.

    Values, and dates if there are any, are coded as binary rows (`encoder`, `date_encoder`), which are the columns of a
    `TemporalMemory`. From the cells A that a row makes active, the next value is read as a distribution over
    `n_buckets` equal parts of `bounds`,

        p(bucket b) = exp(z_b) / sum_b' exp(z_b'),    z = mean of the weights of the cells in A,

    whose weights learn online: those of the active cells change by `learning_rate` times the difference between what
    came and p. The anomaly score of a row is that of the memory, the share of its columns that were not predicted;
    `AnomalyLikelihood` tells what is unusual among the scores of the series.

    Parameters
    ----------
    memory : TemporalMemory or None, default=None
        A template. None is one of 8 cells in a column whose segments fire by half of the columns that are active.
    encoder : Encoder of one column or None, default=None
        A template for values, such as `ScalarEncoder`; fitted to the bounds. None is a
        `RandomDistributedScalarEncoder` with 20 ones of 512 and the resolution of the buckets.
    date_encoder : DateEncoder or None, default=None
        A template for dates, if they are given. None codes the time of day and the weekend.
    likelihood : AnomalyLikelihood or None, default=None
        A template. None is one with its defaults.
    n_buckets : int, default=50
        Also the resolution of the default encoder: few see little, many make each value a new one.
    bounds : "auto" or tuple of two floats, default="auto"
        Least and largest value of the distribution. "auto" takes those of the first call, and a fifth of their distance
        more on each side. As targets, values outside count as the next bound; the encoder of inputs has no bounds.
    learning_rate : float, default=2.0
        Of the weights from cells to buckets, > 0.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the encoder and the memory, where these have none.

    Attributes
    ----------
    memory_, encoder_, date_encoder_, likelihood_ : fitted copies of the templates
        `date_encoder_` is None if there were no dates.
    bounds_ : ndarray of shape (2,)
    buckets_ : ndarray of shape (n_buckets,)
        Middles of the buckets.
    outcomes_ : structured ndarray of shape (n_samples,)
        For each row of the last call of `fit` or `partial_fit`, before it was learned: "prediction" of its value (NaN
        for the first row of a series), "anomaly", and "likelihood" of an anomaly (0.5 for the first row, whose score
        does not count). This is how a stream is to be judged.
    state_ : PredictorState
        Where `partial_fit` goes on, and `forecast` begins.
    n_items_ : int
        Rows that were learned.
    n_features_in_ : int
        1.

    Raises
    ------
    ValueError
        For parameters out of range, values that are missing or not finite, dates that are not one for each row or that
        are given in some calls only, and `groups` that are not one label for each row, or whose rows lie apart.

    Notes
    -----
    A row takes O(cells * n_buckets) for the weights, some 50 us, and the time of the memory; a call of `partial_fit`
    some 3 ms more, for copies. Predictions are medians of the distribution, whose expected absolute error is least.

    In streams with noise, ``abs(prediction - value)`` of `outcomes_` tells anomalies better than anomaly scores do: a
    normal value that did not occur in its context before is as unpredicted as an abnormal one. Hourly power of our own
    making, three streams with 54 anomalies, as many false alarms: errors find 47, anomaly scores 21, a Gaussian of
    values 5; the distance to the mean of the same hour in the weeks before, which knows the period, finds all.

    References
    ----------
    Y. Cui, S. Ahmad and J. Hawkins, "Continuous online sequence learning with an unsupervised neural network model",
    Neural Computation 28:2474 (2016).

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.dendrites import SequencePredictor
    >>> series = np.tile([1.0, 5.0, 3.0, 5.0, 9.0, 6.0], 100)
    >>> predictor = SequencePredictor(random_state=0).fit(series)
    >>> predictor.predict(series[:6]).round().tolist()
    [5.0, 3.0, 5.0, 9.0, 6.0, 1.0]
    >>> predictor.forecast(6).round().tolist()
    [1.0, 5.0, 3.0, 5.0, 9.0, 6.0]
    >>> predictor.anomaly_score([1.0, 5.0, 3.0, 9.0]).round(1).tolist()
    [1.0, 0.0, 0.0, 0.9]
    """

    _parameter_constraints = {  # noqa: RUF012
        "memory": [TemporalMemory, None],
        "encoder": [BaseEstimator, None],
        "date_encoder": [DateEncoder, None],
        "likelihood": [AnomalyLikelihood, None],
        "n_buckets": [Interval(Integral, 2, None, closed="left")],
        "bounds": [StrOptions({"auto"}), tuple, list],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(
        self,
        memory=None,
        *,
        encoder=None,
        date_encoder=None,
        likelihood=None,
        n_buckets=50,
        bounds="auto",
        learning_rate=2.0,
        random_state=None,
    ):
        self.memory = memory
        self.encoder = encoder
        self.date_encoder = date_encoder
        self.likelihood = likelihood
        self.n_buckets = n_buckets
        self.bounds = bounds
        self.learning_rate = learning_rate
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, *, dates=None, groups=None):
        """Forget everything and learn a series.

        Parameters
        ----------
        X : array-like of shape (n_samples,) or (n_samples, 1)
        y : Ignored
        dates : array-like of datetime64 of shape (n_samples,) or None, default=None
            When each value was measured.
        groups : array-like of shape (n_samples,) or None, default=None
            The series of each row, as integers or strings. None is one series.

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            values = as_values(X)
            self._begin(values, dates)
            self._learn(values, dates, groups)
        return self

    @fit_context(prefer_skip_nested_validation=False)
    def partial_fit(self, X, y=None, *, dates=None, groups=None):
        """Go on with the series: however it is split over calls, the bits are those of `fit` if `bounds` are given.

        The first call, or `fit`, fixes all parameters but `learning_rate`. A call that fails or is interrupted leaves
        the estimator as it was.

        Parameters
        ----------
        X : array-like of shape (n_samples,) or (n_samples, 1)
        y : Ignored
        dates : array-like of datetime64 of shape (n_samples,) or None, default=None
        groups : array-like of shape (n_samples,) or None, default=None
            The last series goes on if the label of the first row is the same, or if there are no labels.

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            self._validate_params()
            values = as_values(X)
            if not hasattr(self, "_weights"):
                self._begin(values, dates)
            self._learn(values, dates, groups)
        return self

    def predict(self, X, *, dates=None, groups=None):
        """Return what is expected after each value: the median of `predict_proba`. Nothing is learned.

        Parameters
        ----------
        X : array-like of shape (n_samples,) or (n_samples, 1)
        dates : array-like of datetime64 of shape (n_samples,) or None, default=None
        groups : array-like of shape (n_samples,) or None, default=None

        Returns
        -------
        ndarray of shape (n_samples,)
            Entry i is for value i + 1, the last one for the value to come; `forecast` goes further.
        """
        return medians(self.predict_proba(X, dates=dates, groups=groups), self.bounds_)

    def predict_proba(self, X, *, dates=None, groups=None):
        """Return the distribution of what is expected after each value. Nothing is learned.

        Parameters
        ----------
        X : array-like of shape (n_samples,) or (n_samples, 1)
        dates : array-like of datetime64 of shape (n_samples,) or None, default=None
        groups : array-like of shape (n_samples,) or None, default=None

        Returns
        -------
        ndarray of shape (n_samples, n_buckets)
            Row i is for value i + 1; the values of the columns are `buckets_`.
        """
        check_is_fitted(self)
        found = self.memory_._read(self._code(as_values(X), dates), groups)
        return probabilities(self._weights, found.cells, found.ends)

    def anomaly_score(self, X, *, dates=None, groups=None):
        """Return how unexpected each value was: the share of its columns that were not predicted. Nothing is learned.

        Parameters
        ----------
        X : array-like of shape (n_samples,) or (n_samples, 1)
        dates : array-like of datetime64 of shape (n_samples,) or None, default=None
        groups : array-like of shape (n_samples,) or None, default=None

        Returns
        -------
        ndarray of shape (n_samples,)
            From 0 to 1; 1 for the first row of a series.
        """
        check_is_fitted(self)
        return self.memory_.anomaly_score(self._code(as_values(X), dates), groups)

    def score(self, X, y=None, *, dates=None):
        """Return the coefficient of determination R^2 of `predict` for the values from the second on.

        Parameters
        ----------
        X : array-like of shape (n_samples,) or (n_samples, 1)
        y : Ignored
        dates : array-like of datetime64 of shape (n_samples,) or None, default=None

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If the values from the second on do not differ.
        """
        values = as_values(X)
        later = values[1:]
        if not len(later) or not np.ptp(later):
            raise ValueError("`score` needs values that differ, from the second on.")
        residuals = later - self.predict(values, dates=dates)[:-1]
        return float(1 - np.square(residuals).sum() / np.square(later - later.mean()).sum())

    @property
    def buckets_(self):
        """Middles of the buckets."""
        check_is_fitted(self)
        low, high = self.bounds_
        return low + (high - low) * (np.arange(self._weights.shape[1]) + 0.5) / self._weights.shape[1]

    @property
    def n_items_(self):
        """Rows that were learned."""
        check_is_fitted(self)
        return self.memory_.n_items_

    @property
    def outcomes_(self):
        """What was expected of the rows of the last call that learned."""
        check_is_fitted(self)
        fields = [(name, np.float64) for name in ("prediction", "anomaly", "likelihood")]
        return np.array(self._outcomes, order="C").view(fields)[:, 0]

    def _begin(self, values, dates):
        """Begin with fitted encoders, an empty memory and no weights."""
        self.bounds_ = self._find_bounds(values)
        seeds = as_generator(self.random_state).integers(0, 2**31 - 1, size=2).tolist()
        width = float(self.bounds_[1] - self.bounds_[0]) / self.n_buckets
        default = RandomDistributedScalarEncoder(512, 20, resolution=width, sparse_output=True)
        self.encoder_ = seeded(default if self.encoder is None else self.encoder, seeds[0])
        self.encoder_.fit(self.bounds_[:, None])
        self.date_encoder_ = None
        if dates is not None:
            default = DateEncoder(season=0, day_of_week=0, weekend=20, time_of_day=20, sparse_output=True)
            self.date_encoder_ = clone(default if self.date_encoder is None else self.date_encoder).fit(as_dates(dates))
        codes = self._code(values[:1], None if dates is None else dates[:1])
        memory = seeded(default_memory(codes.nnz) if self.memory is None else self.memory, seeds[1])
        memory.set_params(binarize=None, sparse_output=True)._validate_params()
        memory._check_binary_input(codes, reset=True)
        memory._begin(codes.shape[1])
        self.memory_ = memory
        self.likelihood_ = clone(AnomalyLikelihood() if self.likelihood is None else self.likelihood)
        self._likely = self.likelihood_.initial_state()
        self._weights = np.zeros((codes.shape[1] * int(memory.cells_per_column), int(self.n_buckets)))
        self.n_features_in_ = 1

    def _find_bounds(self, values):
        if isinstance(self.bounds, str):
            low, high = float(values.min()), float(values.max())
            margin = MARGIN * (high - low) or 0.5 * max(1.0, abs(low))
            bounds = np.array([low - margin, high + margin])
        else:
            bounds = np.asarray(self.bounds, dtype=np.float64)
        if bounds.shape != (2,) or not np.isfinite(bounds).all() or not bounds[0] < bounds[1]:
            raise ValueError(f"`bounds` must be two finite numbers, the first less than the second, got {bounds}.")
        return bounds

    def _learn(self, values, dates, groups):
        """Predict and learn rows one after the other."""
        codes, memory = self._code(values, dates), copy(self.memory_)  # which learns into new arrays
        before, begins = memory.state_.active_cells, memory._begins(groups, len(values))
        found = memory._learn(memory._check_binary_input(codes, reset=False), groups)
        anomaly, likelihood = found.anomalies(), np.full(len(values), UNKNOWN)
        later = ~begins.astype(bool)  # scores of others say that a series begins, and nothing of it
        likelihood[later], likely = self.likelihood_.advance(anomaly[later], self._likely)
        weights, expected = self._learn_values(values, found, before, begins)
        self.memory_, self._weights, self._likely = memory, weights, likely
        self._outcomes = np.stack([expected, anomaly, likelihood], axis=1)

    def _bucket(self, values):
        """Return the bucket of each value."""
        low, high = self.bounds_
        n_buckets = self._weights.shape[1]
        return np.clip(((values - low) / (high - low) * n_buckets).astype(np.int64), 0, n_buckets - 1)

    def _code(self, values, dates):
        """Return the columns of values and dates as a CSR array."""
        if (dates is None) != (self.date_encoder_ is None):
            now, then = ("no dates", "with") if dates is None else ("dates", "without")
            raise ValueError(f"there are {now}, but the first call was {then} them; give `dates` in all calls or none.")
        codes = csr_array(self.encoder_.transform(values[:, None]))
        if dates is None:
            return codes
        dates = as_dates(dates)
        if len(dates) != len(values):
            raise ValueError(f"`dates` must be one for each of the {len(values)} values, got {len(dates)}.")
        return csr_array(hstack([codes, csr_array(self.date_encoder_.transform(dates))]))

    def _get_fitted_state(self):
        scalars = {name: getattr(self, f"{name}_") for name in ("memory", "encoder", "date_encoder", "likelihood")}
        arrays = {"bounds": self.bounds_, "weights": self._weights, "outcomes": self._outcomes}
        return scalars, arrays | self._likely._asdict()

    def _set_fitted_state(self, scalars, arrays):
        arrays = dict(arrays)
        for name in ("memory", "encoder", "date_encoder", "likelihood"):
            setattr(self, f"{name}_", scalars[name])
        self.bounds_, self._weights, self._outcomes = (arrays.pop(name) for name in ("bounds", "weights", "outcomes"))
        self._likely = self.likelihood_._check_state(LikelihoodState(**arrays))
        fits = self._weights.ndim == 2 and len(self._weights) == len(self.memory_._segments.first)
        fits = fits and self._weights.dtype == self.bounds_.dtype == self._outcomes.dtype == np.float64
        if not fits or self.bounds_.shape != (2,) or self._outcomes.shape[1:] != (3,):
            raise ValueError("the weights and the memory do not go together.")


def default_memory(n_active):
    """Return a memory for rows with so many active columns."""
    match, fire, new = (max(1, round(share * n_active)) for share in (MATCH, FIRE, NEW))
    limits = {"max_segments_per_cell": 128, "max_synapses_per_segment": max(128, new)}
    return TemporalMemory(
        8, min_threshold=match, activation_threshold=fire, max_new_synapses=new, predicted_segment_decrement=0.001,
        **limits,
    )  # fmt: skip


def seeded(template, seed):
    """Return a copy of an estimator, with a seed if it takes one and has none."""
    estimator = clone(template)
    if "random_state" in estimator.get_params() and estimator.random_state is None:
        estimator.set_params(random_state=seed)
    return estimator
