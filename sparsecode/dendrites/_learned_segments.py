"""What a temporal memory has learned, what is done with it, and what files hold of it."""

import time
import warnings

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._core.arrays import check_index
from .._core.history import Recorded, TemporalRecord, as_rows, from_rows
from .._core.rng import as_generator
from .._core.validation import callers_level
from ..dictionary import Dictionary
from ..encoder import sequences
from ..sdr._sequences import mark
from ..sdr._trace import Rows
from ._pooled_checks import check_segments
from ._pooled_kernels import LIVE, ONE, ROWS, SYNAPSES, PooledSegments
from ._pooled_segments import live_segments, make_segments, permanences_of
from ._temporal import TemporalState, learn, scan
from ._temporal_kernels import Rule


class LearnedSegmentsMixin(Recorded):
    """For an estimator that keeps its segments in ``_segments``, and where it is in ``state_``."""

    _record_class = TemporalRecord

    @property
    def permanences_(self):
        """Permanences of all synapses, a row for each segment."""
        return permanences_of(self._fitted())

    @property
    def segment_cells_(self):
        """The cell that each segment belongs to."""
        store = self._fitted()
        return store.owner[live_segments(store)].astype(np.int64)

    @property
    def dictionary_(self):
        """Connected synapses as a binary `Dictionary`, made on demand; None without segments."""
        permanences = self.permanences_
        if not permanences.shape[0]:
            return None
        connected = permanences >= np.float32((permanence(self, "permanence_threshold") - 0.5) / ONE)
        cells = self.segment_cells_
        thresholds = np.full(len(cells), self.activation_threshold)
        columns = cells // self.code_shape_[1]
        return Dictionary(connected, coords={"cell": cells, "column": columns, "threshold": thresholds})

    @property
    def n_segments_(self):
        """Number of segments."""
        return int(self._fitted().totals[LIVE])

    @property
    def n_synapses_(self):
        """Number of synapses, connected or not."""
        return int(self._fitted().totals[SYNAPSES])

    @property
    def n_items_(self):
        """Rows that were learned."""
        return int(self._fitted().totals[ROWS])

    @property
    def outcomes_(self):
        """What was predicted of the rows of the last call that learned."""
        self._fitted()
        fields = [(name, np.int64) for name in ("active", "predicted", "correct")]
        return np.array(self._outcomes, order="C").view(fields)[:, 0]

    @property
    def code_shape_(self):
        """Columns, and cells of each."""
        return self.n_features_in_, len(self._fitted().first) // self.n_features_in_

    def _fitted(self):
        check_is_fitted(self)
        return self._segments

    def _begin(self, n_columns):
        """Begin without segments and without context."""
        check_index((1, n_columns * int(self.cells_per_column)), 0)
        self._segments = make_segments(n_columns * int(self.cells_per_column), as_generator(self.random_state))
        self.state_, self._group, self._records = TemporalState.start(), None, []
        self._outcomes = np.zeros((0, 3), np.int64)

    def _store(self, X, groups):
        """Learn from checked rows."""
        self._learn(X, groups)

    def _learn(self, X, groups, *, asked=False):
        """Learn from checked rows; return what became of them."""
        started = time.perf_counter()
        parts = sequences(groups, X.shape[0], previous=self._group)
        found, self.state_ = self._take(X, parts, self.state_, asked=asked)
        self._group = None if groups is None else np.asarray(groups)[-1:].tolist()[0]
        active, predicted, correct = found.outcomes.sum(axis=0).tolist()
        record = TemporalRecord(
            epoch=len(self._records),
            objective=float(found.anomalies().mean()),
            precision=correct / max(predicted, 1),
            sparsity=len(found.cells) / (X.shape[0] * len(self._segments.first)),
            segments=self.n_segments_,
            synapses=self.n_synapses_,
            seconds=time.perf_counter() - started,
        )
        self._records, self._outcomes = [*self._records, record], found.outcomes
        self._warn_if_few(active)
        return found

    def _begins(self, groups, n_rows):
        """Return, for each row to come, whether a sequence begins with it."""
        return mark(sequences(groups, n_rows, previous=self._group), n_rows)

    def _take(self, X, parts, state, *, asked=False):
        """Learn from checked rows; return what became of them, and the state after the last."""
        rule, begins = self._rule(learn=True), mark(parts, X.shape[0])
        self._segments, state, found = learn(self._segments, rule, Rows(X), begins, X.shape[1], state, asked=asked)
        return found, state

    def _scan(self, X, parts, state, *, asked=False):
        """Return what becomes of checked rows, and the state after the last."""
        rule, begins = self._rule(learn=False), mark(parts, X.shape[0])
        return scan(self._segments, rule, Rows(X), parts, begins, X.shape[1], state, self.n_jobs, asked=asked)

    def _read(self, X, groups, *, asked=False):
        """Return what becomes of rows, from the initial state."""
        check_is_fitted(self)
        self._validate_params()
        X = self._check_binary_input(X, reset=False)
        return self._scan(X, sequences(groups, X.shape[0]), self.initial_state(), asked=asked)[0]

    def _rule(self, *, learn):
        """Return the parameters as kernels take them."""
        fire, match, new = (int(n) for n in (self.activation_threshold, self.min_threshold, self.max_new_synapses))
        most = int(self.max_synapses_per_segment)
        if not match <= fire <= new <= most:
            raise ValueError(
                f"`min_threshold`={match}, `activation_threshold`={fire}, `max_new_synapses`={new} and "
                f"`max_synapses_per_segment`={most} must not decrease in this order: a segment fires by synapses that "
                "it has grown."
            )
        threshold, initial = permanence(self, "permanence_threshold"), permanence(self, "initial_permanence")
        changes = (
            permanence(self, name, sign)
            for name, sign in (
                ("permanence_increment", 1),
                ("permanence_decrement", -1),
                ("predicted_segment_decrement", -1),
            )
        )
        limits = most, int(self.max_segments_per_cell), int(self.max_segments)
        n_cells = len(self._segments.first) // self.n_features_in_
        return Rule(n_cells, fire, match, new, *limits, threshold, initial, *changes, int(learn))

    def _warn_if_few(self, active):
        """Warn if no row that was learned so far has as many active columns as a segment needs to fire."""
        most = int(self._outcomes[:, 0].max())
        if active and most < self.activation_threshold and not self.n_segments_:
            warnings.warn(
                f"rows have at most {most} active columns, but segments fire by `activation_threshold`="
                f"{self.activation_threshold} synapses to winners, one of each column: nothing can be predicted. Lower "
                "`min_threshold` and `activation_threshold`, to about half of the active columns.",
                stacklevel=callers_level(),
            )

    def _as_output(self, matrix):
        return matrix if self.sparse_output else matrix.toarray()

    def _check_state(self, state):
        n_cells = len(self._segments.first)
        parts = [np.asarray(part) for part in state] if isinstance(state, (tuple, list)) else []
        if len(parts) != len(TemporalState._fields) or not all(are_cells(part, n_cells) for part in parts):
            raise ValueError(
                f"`state` must hold active cells and winners, each in increasing order and below {n_cells}; begin "
                "with `initial_state()` of this memory."
            )
        if not np.isin(parts[1], parts[0]).all():
            raise ValueError("`state` must have winners that are active; begin with `initial_state()` of this memory.")
        return TemporalState(*(part.astype(np.int32) for part in parts))

    def _get_fitted_state(self):
        store = self._segments._asdict() | self.state_._asdict()
        return {"group": self._group}, store | {"outcomes": self._outcomes, "records": as_rows(self._records)}

    def _set_fitted_state(self, scalars, arrays):
        arrays = dict(arrays)
        self._group, self._outcomes = scalars["group"], arrays.pop("outcomes")
        self._records = from_rows(arrays.pop("records"), TemporalRecord)
        state = TemporalState(*(arrays.pop(name) for name in TemporalState._fields))
        self._segments = PooledSegments(**arrays)
        check_segments(self._segments, self.n_features_in_)
        self.state_ = self._check_state(state)


def are_cells(part, n_cells):
    """Return whether an array lists cells in increasing order."""
    if part.ndim != 1 or not (part.dtype.kind in "iu" or not part.size):
        return False
    return not part.size or bool(part[0] >= 0 and part[-1] < n_cells and (np.diff(part.astype(np.int64)) > 0).all())


def permanence(memory, name, sign=1):
    """Return a parameter in whole ten-thousandths; what is not zero may not become zero."""
    value = getattr(memory, name)
    units = round(value * ONE)
    if value and not units:
        raise ValueError(
            f"`{name}`={value:.3g} is less than 0.0001, the unit of permanences; give 0 or more than that."
        )
    return sign * units
