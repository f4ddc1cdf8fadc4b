"""What a memory of sequences has learned, what is done with it, and what files hold of it."""

from numbers import Real

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ._filling import freezing, limits
from ._learned import LearnedMixin, held_items
from ._sequence_kernels import Plan
from ._sequences import Course, SequenceState, SequenceTrace, check_state, mark, scan, store_sequences
from ._trace import Rows
from .capacity import capacity_until_frozen, sequence_capacity
from .selection import as_selection

#: Rows that are held over those of the law; and over the items that a memory holds without context, where first rows go
#: wrong, so many times 1 / n more, for n active inputs.
HELD_SHARE, HELD_MORE = 0.7, 5.0

#: Familiarity that is never below its threshold: support by the input alone is not asked for.
NEVER = -1.0


class LearnedSequencesMixin(LearnedMixin):
    """For an estimator that keeps weights between its units in ``_horizontal``, and where it is in ``state_``."""

    @property
    def horizontal_weights_(self):
        """The weights from each unit to those of the next row."""
        check_is_fitted(self)
        return self._horizontal.astype(bool).reshape(2 * self.code_shape_)

    @property
    def capacity_estimate_(self):
        """Rows of random sequences that can be recalled."""
        items, active, _ = self._fitted().totals.tolist()
        if not items:
            return np.inf
        sizes = self.n_features_in_, active / items, self._n_units
        frozen = min(self._most_weights() / self.n_features_in_, 1.0)
        law = sequence_capacity(*sizes[:2], self._n_modules, self._n_units)
        held = min(HELD_SHARE * law, (1 + HELD_MORE / sizes[1]) * held_items(*sizes))
        return min(held, capacity_until_frozen(frozen, *sizes))

    def _check_rows(self, X, *, reset):
        if isinstance(X, list | tuple) and any(np.ndim(rows) == 2 for rows in X if hasattr(rows, "shape")):
            raise ValueError(
                f"X is a list of {len(X)} sequences; give their rows as one array, np.concatenate(X), and mark them by "
                "`groups`=groups_from_lengths([len(rows) for rows in X])."
            )
        return super()._check_rows(X, reset=reset)

    def _begin(self, n_features, n_above=0):
        """Begin with no weights from features, units, and units of a level above, and no context."""
        self._start(n_features)
        U = self._n_modules * self._n_units
        self._horizontal, self._top_down = np.zeros((U, U), np.uint8), np.zeros((n_above, U), np.uint8)
        self.state_, self._group = self.initial_state(), None

    def _learn(self, X, parts, state):
        """Set weights; return winners, familiarity before, and the state after the last row."""
        begins, numbers = mark(parts, X.shape[0]), (self._seed, self._n_seen)
        trace, state, winners, found = store_sequences(
            self._weights(), Rows(X), begins, self._course(self.backoff), numbers, state
        )
        self._trace, self._horizontal, self._top_down = trace
        return winners, found, state

    def _scan(self, X, parts, state, *, backoff):
        """Return winners, familiarity and places of checked rows, and the state after them."""
        return scan(self._weights(), Rows(X), parts, self._course(backoff), state, self.n_jobs)

    def _weights(self):
        """Return all that was learned."""
        return SequenceTrace(self._trace, self._horizontal, self._top_down)

    def _course(self, backoff):
        """Return how rows are stored and recalled, for kernels."""
        steps = 2 * (NEVER,) if backoff is None else thresholds(backoff, 2)
        powers = float(self.input_power), float(self.horizontal_power), 1.0
        plan = Plan(*powers, NEVER, *steps, int(self.persistence), int(self.max_rivals))
        n_features = self.n_features_in_
        freeze = np.array(freezing(self, n_features), np.float64)
        return Course(as_selection(self.selection).bind(), limits(self, n_features), freeze, plan)

    def _check_state(self, state):
        return check_state(state, self._n_modules, self._n_units)

    def _get_fitted_state(self):
        scalars, arrays = super()._get_fitted_state()
        weights = {"horizontal": self._horizontal, "top_down": self._top_down}
        return scalars | {"group": self._group}, arrays | weights | self.state_._asdict()

    def _set_fitted_state(self, scalars, arrays):
        arrays = dict(arrays)
        self._horizontal, self._top_down = arrays.pop("horizontal"), arrays.pop("top_down")
        state = SequenceState(*(arrays.pop(name) for name in SequenceState._fields))
        super()._set_fitted_state(scalars, arrays)
        U = self._n_modules * self._n_units
        if self._horizontal.shape != (U, U) or self._top_down.shape[1:] != (U,):
            raise ValueError("the horizontal weights of the memory do not fit its shape.")
        self.state_, self._group = self._check_state(state), scalars["group"]


def thresholds(backoff, n):
    """Return so many thresholds, checked."""
    if len(backoff) != n or not all(isinstance(share, Real) and 0 <= share <= 1 for share in backoff):
        raise ValueError(f"`backoff` must be None or {n} familiarities in [0, 1], got {backoff!r:.60}.")
    return tuple(float(share) for share in backoff)
