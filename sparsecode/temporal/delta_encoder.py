"""`DeltaEncoder`: what has changed since it was last sent, channel by channel."""

import time

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._core.products import kernel_array
from .._core.validation import (
    Integral,
    Interval,
    Real,
    StrOptions,
    binary_exponent,
    fit_context,
    unchanged_on_failure,
)
from ..encoder import Capabilities, Encoder, as_dense, available_if_capable, sequences
from ._calibration import check_later, largest_factor
from ._delta_kernels import DeltaState, scan
from ._delta_rules import SCHEMES, RulesMixin
from ._held_codes import CODED, HeldCodesMixin, received_of
from ._streams import BLOCK, StreamMixin, StreamRecord, blocks, check_magnitude, check_state, joined


class DeltaEncoder(RulesMixin, HeldCodesMixin, StreamMixin, Encoder):
    r"""Send what has changed: zeros, and now and then by how much a channel differs from what its receiver has.

    Rows are moments of time. With the receiver's value h of a channel, and its error e = x - h,

        d_t = e_t  if |e_t| > threshold, else 0;    h_t = h_(t-1) + d_t,

    so that |x_t - h_t| <= threshold at all times, however long the stream ("send on delta"). Codes are the d_t;
    `inverse_transform` adds them up, as the receiver does.

    Parameters
    ----------
    threshold : float or array-like of shape (n_features,), default=0.1
        Largest error of a channel that is not sent, >= 0, in units of `scale`. At 0 every change is sent.
    scale : {"absolute", "std"}, default="absolute"
        Units of `threshold`: those of X, or the standard deviation of each channel in the rows of fit (1 where that
        is zero).
    scheme : {"level", "integral", "unary", "quantizer", "difference"}, default="level"
        When and what a channel sends.

        - "level": as above.
        - "integral": also if the sum of its errors since it last sent exceeds the threshold in size, so that small
          errors that last are sent too.
        - "unary": as many thresholds, up or down, as fit into the error: delta modulation.
        - "quantizer": the way to the multiple of two thresholds that is nearest to x. There is no hysteresis: noise
          about the middle of two levels is sent for ever. This is the delta activation layer, with a step of two
          thresholds.
        - "difference": x_t - x_(t-1), if that exceeds the threshold; what does not is lost for ever, and **errors
          grow without bound**. For comparison.
    grid : float or None, default=None
        Step to whose multiples "level" and "integral" round what they send, > 0; the rest stays in the error, and is
        sent some time. None does not round.
    max_events : int or None, default=None
        Thresholds that "unary" sends in one row of a channel at most. A signal that is steeper is followed late. None
        is no limit.
    initial : {"whole", "zero"}, default="whole"
        Whether the first row of a sequence is sent whole, whatever the threshold, or like others to a receiver that
        begins with zeros.
    target_rate : float or None, default=None
        Share of rows in which a channel should send, in (0, 1). Its threshold is then multiplied by
        ``exp(adaptation (1 - target_rate))`` after each event and by ``exp(-adaptation target_rate)`` after each row
        without, within a factor of 64 of what it was. None keeps it.
    adaptation : float, default=0.02
        Speed of that, > 0.
    encoder : Encoder or None, default=None
        With an encoder of rows, such as `SparseCoder`, or of images, such as ``PatchEncoder(..., pool=None)``, codes
        are those of what receivers have: ``encoder_.transform`` of it, bit for bit. What has not changed, rows or
        patches, is not coded again.
    input_shape : tuple of int or None, default=None
        Shape of a frame, such as (height, width); X may then also be (n_samples, *input_shape).
    sparse_output : bool, default=False
        Whether codes are a CSR array.

    Attributes
    ----------
    threshold_ : ndarray of shape (n_features,)
        In units of X.
    error_bound_ : ndarray of shape (n_features,)
        Largest error of the receiver, up to rounding: the threshold, or half a step of the `grid` if that is more, 64
        times that with `target_rate` (128 times for "quantizer", whose levels move); infinite where nothing is
        promised: for "difference", and with `max_events`.
    encoder_ : Encoder
        A clone of `encoder`, fitted to the rows of fit; or None.
    dictionary_ : Dictionary or None
        Of `encoder_`.
    code_shape_ : tuple
        ``(n_features,)``, or `input_shape`, or that of `encoder_`.
    n_iter_ : int
        1.
    history_ : structured ndarray of shape (1,)
        Mean of half the squared error, share of events and seconds for the rows of fit.
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, thresholds that are no numbers >= 0 (> 0 for "unary"), X that is empty, not
        finite, or beyond a quarter of the largest number of its dtype, where differences could overflow.

    Notes
    -----
    A row takes O(n_features): about a nanosecond a channel. With float32 input all is computed in float32. Sender and
    receiver add the same rounded numbers in the same order, so that the bound holds to two units in the last place of
    the largest number involved, for streams of any length.

    For a smooth signal the share of events of "level" is the mean of |dx/dt| dt / threshold, for a random walk with
    steps of standard deviation s about (s / threshold)^2 while that is small; its error is then theta / sqrt(6) in the
    root mean square.

    References
    ----------
    M. Miskowicz, "Send-on-delta concept: an event-based data reporting strategy", Sensors 6:49-63 (2006).
    P. O'Connor and M. Welling, "Sigma delta quantized networks", ICLR (2017). A. Yousefzadeh and M. Sifalakis,
    "Training for temporal sparsity in deep neural networks, application in video processing", arXiv:2107.07305 (2021).

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.temporal import DeltaEncoder
    >>> encoder = DeltaEncoder(1.0).fit([[0.0], [4.0]])
    >>> X = np.array([[1], [2], [2.9], [3], [3.9]])
    >>> encoder.transform(X).ravel().tolist()
    [1.0, 0.0, 1.9, 0.0, 0.0]
    >>> np.abs(X - encoder.inverse_transform(encoder.transform(X))).max().round(3)
    np.float64(1.0)
    """

    _parameter_constraints = {  # noqa: RUF012
        "threshold": [Interval(Real, 0, None, closed="left"), "array-like"],
        "scale": [StrOptions({"absolute", "std"})],
        "scheme": [StrOptions(set(SCHEMES))],
        "grid": [Interval(Real, 0, None, closed="neither"), None],
        "max_events": [Interval(Integral, 1, None, closed="left"), None],
        "initial": [StrOptions({"whole", "zero"})],
        "target_rate": [Interval(Real, 0, 1, closed="neither"), None],
        "adaptation": [Interval(Real, 0, None, closed="neither")],
        "encoder": [Encoder, None],
        "input_shape": [tuple, list, Integral, None],
        "sparse_output": ["boolean"],
    }

    def __init__(
        self,
        threshold=0.1,
        *,
        scale="absolute",
        scheme="level",
        grid=None,
        max_events=None,
        initial="whole",
        target_rate=None,
        adaptation=0.02,
        encoder=None,
        input_shape=None,
        sparse_output=False,
    ):
        self.threshold = threshold
        self.scale = scale
        self.scheme = scheme
        self.grid = grid
        self.max_events = max_events
        self.initial = initial
        self.target_rate = target_rate
        self.adaptation = adaptation
        self.encoder = encoder
        self.input_shape = input_shape
        self.sparse_output = sparse_output

    def capabilities(self):
        """Return what codes are: events of rows that are moments of time, or codes of what receivers have."""
        if not isinstance(self.encoder, Encoder):
            return Capabilities("event", invertible=True, stateful=True, online=False)
        return self.encoder.capabilities()._replace(stateful=True, online=False)

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, groups=None):
        """Fix the thresholds.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : Ignored
        groups : array-like of shape (n_samples,) or None, default=None
            The sequence of each row, as integers or strings (`groups_from_lengths`). None is one sequence.

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            X = self._check_stream(X, reset=True)
            parts = sequences(groups, len(X))
            self.threshold_ = self._thresholds(X)
            started, exponent = time.perf_counter(), binary_exponent(X)
            squares, n_events = self._measure(X, parts, exponent)
            with np.errstate(over="ignore", under="ignore"):
                objective = float(np.ldexp(squares / (2 * len(X)), 2 * exponent))
            seconds = time.perf_counter() - started
            self._record = StreamRecord(0, objective, n_events / X.size, seconds)
            self.encoder_ = None if self.encoder is None else self._fit_encoder(X)
        return self

    def calibrate(self, X, error, groups=None):
        """Multiply all thresholds by the largest factor, near enough, with which a stream has no larger error.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        error : float
            Pooled relative error, ``sum ||x - x_hat||^2 / sum ||x - mean||^2``, > 0: the `score` is one minus it.
        groups : array-like of shape (n_samples,) or None, default=None

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If `error` is not a number > 0, no row follows another one, the rows of X do not differ, thresholds are
            zero, or no factor from 1e-6 to 1e6 leads to that error, as with "difference", or all do.

        Notes
        -----
        24 encodings of X. The error need not rise with the thresholds everywhere, so there may be larger factors.
        """
        check_is_fitted(self)
        self._validate_params()
        X = self._check_stream(X, reset=False)
        parts, exponent, thresholds = sequences(groups, len(X)), binary_exponent(X), self.threshold_
        scaled = np.ldexp(X, -exponent)
        check_later(parts)
        scaled = scaled - scaled[0]  # rows that are the same then have no variance, by rounding of their mean
        variance = np.square(scaled - scaled.mean(axis=0, dtype=np.float64)).sum()

        def squares(factor):
            self.threshold_ = thresholds * factor
            return self._measure(X, parts, exponent)[0]

        with unchanged_on_failure(self):
            factor = largest_factor(squares, error, variance, thresholds)
            self.threshold_ = thresholds * factor
        return self

    def transform(self, X, groups=None):
        """Return what is sent for each row of X, or its code, by channels that begin anew with each sequence.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        groups : array-like of shape (n_samples,) or None, default=None
            The sequence of each row. None is one sequence.

        Returns
        -------
        ndarray or CSR array of shape (n_samples, prod(code_shape_))
            With the dtype of X (float64 unless X is float32), or that of `encoder_`.
        """
        check_is_fitted(self)
        self._validate_params()
        X = self._check_stream(X, reset=False)
        parts = self._blocks(X, sequences(groups, len(X)), BLOCK if self.encoder_ is None else CODED)
        made = (deltas for _, deltas, _ in parts) if self.encoder_ is None else self._codes(parts)
        return joined(made, len(X), sparse=self.sparse_output)

    @available_if_capable("invertible")
    def inverse_transform(self, X, groups=None):
        """Return what receivers have: the sums of codes, from the beginning of each sequence; or what codes stand for.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, prod(code_shape_))
        groups : array-like of shape (n_samples,) or None, default=None
            The sequence of each row, as in `transform`.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        codes = as_dense(self._check_codes(X))
        if self.encoder_ is not None:
            sequences(groups, len(codes))
            return self.encoder_.inverse_transform(codes)
        samples = np.empty_like(codes)
        for rows, _ in sequences(groups, len(codes)):
            np.add.accumulate(codes[rows], axis=0, out=samples[rows])  # row by row, as the sender has added
        return samples

    def initial_state(self):
        """Return the `DeltaState` before any row; with an `encoder`, a `CodedState`."""
        check_is_fitted(self)
        return self._with_code(self._begin(np.float64), None)

    def step(self, x, state, learn=False):
        """Return what is sent for one row, or its code, and the state after it.

        Parameters
        ----------
        x : array-like of shape (n_features,)
        state : DeltaState or CodedState
            Not changed.
        learn : bool, default=False
            Has no effect: what adapts is part of the state.

        Returns
        -------
        code : ndarray of shape (prod(code_shape_),)
        state : DeltaState or CodedState
        """
        x = self._check_sample(x)
        self._validate_params()
        check_magnitude(x)
        state = check_state(state, self._with_code(self._begin(x.dtype), None), self)
        channels, deltas = DeltaState(*state[:4]), np.empty_like(x)
        fresh = channels.n_rows[0] == 0
        scan(kernel_array(x), self._rule(channels), channels, deltas)
        if self.encoder_ is None:
            return deltas[0], channels
        code = self.encoder_._update(channels.received, (deltas[0] != 0) | fresh, state.code)
        return code, self._with_code(channels, code.copy())

    @property
    def code_shape_(self):
        """Shape of a code: that of a frame, or of `encoder_`."""
        check_is_fitted(self)
        if self.encoder_ is not None:
            return self.encoder_.code_shape_
        return (self.n_features_in_,) if self.input_shape is None else self._sample_shape(False)

    def _begin(self, dtype):
        """Return the state before any row, in a dtype."""
        n = self.n_features_in_
        return DeltaState(np.zeros(n, dtype), np.zeros(n, dtype), np.ones(n, dtype), np.zeros(1, np.int64))

    def _blocks(self, X, parts, most=BLOCK):
        """Yield some rows, what is sent for them, and the state after them."""
        for rows, _ in parts:
            state = self._begin(X.dtype)
            rule = self._rule(state)
            for part in blocks(rows, X.shape[1], most):
                block = kernel_array(X[part])
                deltas = np.empty_like(block)
                scan(block, rule, state, deltas)
                yield block, deltas, state

    def _measure(self, X, parts, exponent):
        """Return the sum of squared errors of receivers of ``X 2^-exponent``, and the number of events."""
        squares, n_events = 0.0, 0
        for block, sent, received, _ in received_of(self._blocks(X, parts)):
            n_events += np.count_nonzero(sent)
            squares += np.square(np.ldexp(block - received, -exponent), dtype=np.float64).sum()
        return squares, n_events

    def _get_fitted_state(self):
        return {"record": list(self._record), "encoder": self.encoder_}, {"threshold": self.threshold_}

    def _set_fitted_state(self, scalars, arrays):
        self.threshold_, self._record = arrays["threshold"], StreamRecord(*scalars["record"])
        self.encoder_ = scalars["encoder"]
        if self.threshold_.shape != (self.n_features_in_,):
            raise ValueError("the thresholds of the encoder do not fit its input.")
