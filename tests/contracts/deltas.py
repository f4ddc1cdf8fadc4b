"""The least encoder of events: a channel speaks when it has changed enough since it last spoke."""

from typing import NamedTuple

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sparsecode import Capabilities, Encoder
from sparsecode._core.history import as_history
from sparsecode._core.validation import Interval, Real, fit_context, unchanged_on_failure
from sparsecode.encoder import as_dense, available_if_capable, sequences


class Held(NamedTuple):
    """What each channel has sent so far."""

    sent: np.ndarray


class SendOnDelta(Encoder):
    """Changes above a share of the largest magnitude that was seen, which is learned."""

    _parameter_constraints = {  # noqa: RUF012
        "threshold": [Interval(Real, 0, None, closed="neither")],
        "frozen": ["boolean"],
    }

    def __init__(self, threshold=0.2, *, frozen=False):
        self.threshold = threshold
        self.frozen = frozen

    def capabilities(self):
        return Capabilities("event", invertible=True, stateful=True, online=not self.frozen)

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, groups=None):
        with unchanged_on_failure(self):
            X = self._check_input(X, reset=True)
            self._start(X)
            self._learn(X, groups)
        return self

    @available_if_capable("online")
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, groups=None):
        with unchanged_on_failure(self):
            self._validate_params()
            first = not hasattr(self, "state_")
            X = self._check_input(X, reset=first)
            if first:
                self._start(X)
            self._learn(X, groups)
        return self

    def initial_state(self):
        check_is_fitted(self)
        return Held(np.zeros(self.n_features_in_))

    def step(self, x, state, learn=False):
        if learn:
            self.scale_ = np.maximum(self.scale_, np.abs(x).max())
        sent = state.sent.astype(x.dtype)
        change = x - sent
        y = np.where(np.abs(change) > self.threshold * self.scale_.astype(x.dtype), change, x.dtype.type(0))
        return y, Held(np.where(y != 0, x, sent))

    def transform(self, X, groups=None):
        X = self._check_input(X, reset=False)
        return self._scan(X, groups, self.initial_state())[0]

    def inverse_transform(self, X, groups=None):
        codes = as_dense(self._check_codes(X))
        samples = np.empty_like(codes)
        for rows, _ in sequences(groups, len(codes)):
            samples[rows] = np.cumsum(codes[rows], axis=0)
        return samples

    def _start(self, X):
        self.scale_ = np.zeros(1, X.dtype)
        self.code_shape_ = (X.shape[1],)
        self.n_iter_, self.history_ = 1, as_history([])
        self.state_ = self.initial_state()
        self._group = None

    def _learn(self, X, groups):
        _, self.state_ = self._scan(X, groups, self.state_, previous=self._group, learn=True)
        self._group = None if groups is None else np.asarray(groups)[-1].item()

    def _scan(self, X, groups, state, *, previous=None, learn=False):
        codes = np.empty_like(X)
        for rows, begins in sequences(groups, len(X), previous=previous):
            if begins:
                state = self.initial_state()
            for i in range(rows.start, rows.stop):
                codes[i], state = self.step(X[i], state, learn=learn)
        return codes, state

    def _get_fitted_state(self):
        return {"group": self._group}, {"scale": self.scale_, "sent": self.state_.sent}

    def _set_fitted_state(self, scalars, arrays):
        self._start(np.zeros((1, self.n_features_in_), arrays["scale"].dtype))
        self.scale_, self.state_, self._group = arrays["scale"], Held(arrays["sent"]), scalars["group"]
