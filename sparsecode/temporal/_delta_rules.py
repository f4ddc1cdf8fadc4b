"""Rules by which a delta encoder sends: thresholds, grids, what adapts, and the errors that they allow."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._core.validation import binary_exponent
from ._delta_kernels import DIFFERENCE, INTEGRAL, LEVEL, QUANTIZER, UNARY, DeltaRule
from ._streams import as_thresholds

SCHEMES = {"level": LEVEL, "integral": INTEGRAL, "unary": UNARY, "quantizer": QUANTIZER, "difference": DIFFERENCE}

#: Adaptive thresholds stay within this factor of those of fit.
RANGE = 64.0


class RulesMixin:
    """What the parameters of a delta encoder mean for a channel."""

    @property
    def error_bound_(self):
        """Largest error of the receiver of each channel, up to rounding."""
        check_is_fitted(self)
        if self.scheme == "difference" or (self.scheme == "unary" and self.max_events is not None):
            return np.full_like(self.threshold_, np.inf)
        adaptive = RANGE * (2 if self.scheme == "quantizer" else 1)  # levels move with their threshold
        bound = self.threshold_ * (1 if self.target_rate is None else adaptive)
        return np.maximum(bound, self._grid() / 2)

    def _thresholds(self, X):
        """Return the thresholds in units of X."""
        units = np.ones(X.shape[1])
        if self.scale == "std":
            exponent = binary_exponent(X)
            units = np.ldexp(np.ldexp(X, -exponent).std(axis=0, dtype=np.float64), exponent)
            units[units == 0] = 1
        thresholds = as_thresholds(self.threshold, units, "feature")
        if self.scheme == "unary" and not (thresholds > 0).all():
            raise ValueError('`threshold` must be > 0 for scheme="unary", which sends thresholds.')
        return thresholds

    def _grid(self):
        return float(self.grid or 0) if self.scheme in ("level", "integral") else 0.0

    def _rule(self, state):
        """Return the parameters as the kernel takes them to go on from a state."""
        dtype, rate = state.gain.dtype, self.target_rate
        number = dtype.type
        most_of_all = np.finfo(dtype).max / (4 * RANGE)  # two thresholds, and adaptive ones, are finite
        base = np.minimum(self.threshold_, most_of_all).astype(dtype)
        return DeltaRule(
            scheme=SCHEMES[self.scheme],
            whole=self.initial == "whole",
            grid=number(self._grid()),
            whole_numbers=number(2 / np.finfo(dtype).eps),
            most=number(self.max_events or np.inf),
            up=number(1 if rate is None else np.exp(self.adaptation * (1 - rate))),
            down=number(1 if rate is None else np.exp(-self.adaptation * rate)),
            least=number(1 / RANGE),
            largest=number(RANGE),
            base=base,
            threshold=base * state.gain,
        )
