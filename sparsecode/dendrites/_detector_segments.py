"""What the segments of a detector learn, and what they show of it."""

import time
import warnings
from copy import copy

import numpy as np
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted, column_or_1d

from .._core.arrays import MOST
from .._core.history import Recorded, SegmentRecord, as_rows, from_rows
from .._core.rng import as_generator
from .._core.validation import Integral, callers_level
from ..dictionary import Dictionary
from ._calibration import automatic, estimated_rate, expected_rate
from ._growth_kernels import GrowthRule
from ._overlaps import foreign_overlaps, make_wiring
from ._padded_segments import CODED, ONES, REPLACED, ROWS, SEGMENTS, PaddedSegments, learn, synapses_of

#: Rows of others on which `fit` measures, at most, and synapses of a segment at most.
FOREIGN_ROWS, MOST_SYNAPSES = 4096, 2**14


class SegmentsMixin(Recorded):
    """Segments of an estimator with the parameters of `DendriticSegmentDetector`, and its fitted attributes."""

    _record_class = SegmentRecord

    @property
    def dictionary_(self):
        """The connected synapses as a binary `Dictionary`."""
        synapses = self._synapses(connected=True)
        if not synapses.shape[0]:
            return None
        coords = {"owner": self.owners_, "threshold": self.thresholds_, "patterns": self._store.patterns}
        return Dictionary(synapses.astype(bool), coords=coords)

    @property
    def permanences_(self):
        """Permanences of all synapses."""
        return self._synapses(connected=False)

    @property
    def thresholds_(self):
        """The threshold of each segment."""
        check_is_fitted(self)
        return self._thresholds.copy()

    @property
    def owners_(self):
        """The label of each segment, or its number."""
        check_is_fitted(self)
        owners = self._store.owners
        return np.arange(len(owners)) if self._labels is None else np.array(self._labels)[owners]

    @property
    def estimated_false_positive_rate_(self):
        """Share of the segments that answer to a row of others."""
        check_is_fitted(self)
        return self._estimated_rate

    @property
    def expected_false_positive_rate_(self):
        """The same for random rows."""
        sizes = self._sizes()
        return expected_rate(self.n_features_in_, round(self.mean_active_), sizes, self._thresholds)

    @property
    def mean_active_(self):
        """Mean number of ones of rows that have any."""
        totals = self._totals()
        return float(totals[ONES] / max(totals[CODED], 1))

    @property
    def n_items_(self):
        """Rows that were seen."""
        return int(self._totals()[ROWS])

    @property
    def n_replaced_(self):
        """Segments that were replaced."""
        return int(self._totals()[REPLACED])

    @property
    def code_shape_(self):
        """The number of segments."""
        return (int(self._totals()[SEGMENTS]),)

    def _learn_labelled(self, X, y, *, first, whole):
        """Learn checked rows with their labels, if these are any."""
        if y is not None:
            y = column_or_1d(y, dtype=None)
            if len(y) != X.shape[0]:
                raise ValueError(f"y has {len(y)} labels for the {X.shape[0]} rows of X; give one for each.")
            y = None if y.dtype.kind == "f" and type_of_target(y) == "continuous" else y.tolist()
        if not first and (y is None) != (self._labels is None):
            raise ValueError(
                f"y must be {'left out' if self._labels is None else 'given'}, as in the first call; to change that, "
                "begin anew with `fit`."
            )
        known = {} if first or y is None else {label: c for c, label in enumerate(self._labels)}
        owners = np.array([known.setdefault(label, len(known)) for label in y or ()], np.int32)
        self._learn(X, None if y is None else owners, None if y is None else list(known), first=first, whole=whole)

    def _after(self, X, owners, labels, *, first, whole):
        """Return the detector after rows; see `_learn`. This one does not change, unless it is at its first ones."""
        detector = self if first else copy(self)
        detector._validate_params()
        X = detector._check_binary_input(X, reset=first)
        detector._learn(X, owners, labels, first=first, whole=whole, of_theory=False)
        return detector

    def _learn(self, X, owners, labels, *, first, whole, of_theory=True):
        """Learn checked rows.

        Parameters
        ----------
        X : ndarray or CSR array of bool
        owners : ndarray of int32 or None
            Places among `labels`, -1 for rows that get no segment; None without labels.
        labels : list or None
        first : bool
            Whether to begin anew.
        whole : bool
            Whether X is all there will be, so that overlaps with others are counted when all segments are there.
        of_theory : bool
            Whether to say so if the theory does not hold, on which classifiers do not depend.
        """
        started = time.perf_counter()
        self._check_parameters(first)
        if owners is None and self.permanence_punishment:
            raise ValueError(
                f"`permanence_punishment`={self.permanence_punishment} has no effect without labels, which say whose "
                "segments are wrong; give `y`, or leave out the punishment."
            )
        if first:
            self._seed = int(as_generator(self.random_state).integers(2**62))
            self._store, self._records = PaddedSegments.empty(0, self._most_synapses()), []
        before = self._store.totals
        rule = self._rule(owners is not None, counting=self.threshold == "auto" and not whole)
        everyone = np.zeros(X.shape[0], np.int32) if owners is None else owners
        self._store, placed = learn(self._store, rule, everyone, X, self._seed)
        self._labels, self._connected_from = labels, float(self.permanence_threshold)
        self._connect()
        if whole:
            self._measure(X, placed, owners)
        self._set_thresholds(of_theory)
        self._estimated_rate = estimated_rate(self._store.foreign, self._thresholds, float(self.false_positive_rate))
        _, n_segments, n_coded, _, n_replaced = (self._store.totals - before).tolist()
        if whole and n_replaced:
            warnings.warn(
                f"{n_replaced} segments were replaced by those of later rows, {self.max_segments} being all that "
                "`max_segments` allows; raise it, or `patterns_per_segment`, or set `match_threshold`.",
                UserWarning,
                stacklevel=callers_level(),
            )
        record = SegmentRecord(
            epoch=len(self._records),
            objective=(n_segments + n_replaced) / max(n_coded, 1),
            sparsity=self._estimated_rate,
            segments=self.code_shape_[0],
            synapses=len(self._wiring.cells),
            seconds=time.perf_counter() - started,
        )
        self._records = [*self._records, record]

    def _check_parameters(self, first):
        """Raise an error if parameters are at odds, or with segments that there are."""
        for name in ("threshold", "match_threshold"):
            value = getattr(self, name)
            if isinstance(value, Integral) and value > self.n_synapses:
                raise ValueError(
                    f"`{name}`={value} is more than the `n_synapses`={self.n_synapses} of a pattern, which it could "
                    "never reach; lower it, or raise `n_synapses`."
                )
        if self.max_synapses is not None and self.max_synapses < self.n_synapses:
            raise ValueError(
                f"`max_synapses`={self.max_synapses} is less than `n_synapses`={self.n_synapses}; raise it."
            )
        if self._most_synapses() > MOST_SYNAPSES:
            raise ValueError(
                f"`n_synapses` times `patterns_per_segment` is {self._most_synapses()}, but a segment has room for "
                f"{MOST_SYNAPSES} synapses; lower one of them, or set `max_synapses`."
            )
        if not first and self._most_synapses() != self._store.cells.shape[1]:
            raise ValueError(
                f"segments have room for {self._store.cells.shape[1]} synapses, `max_synapses` (by default "
                f"`n_synapses` times `patterns_per_segment`) of the first call, but it is {self._most_synapses()} now; "
                "set it to what it was, or begin anew with `fit`."
            )
        if self.match_threshold is None and self.permanence_punishment:
            raise ValueError(
                f"`permanence_punishment`={self.permanence_punishment} has no effect without `match_threshold`, which "
                "says from how many active synapses on a segment of another owner is punished; set it, or leave out "
                "the punishment."
            )
        if self.match_threshold is None and self.initial_permanence < self.permanence_threshold:
            raise ValueError(
                f"`initial_permanence`={self.initial_permanence} is below `permanence_threshold`="
                f"{self.permanence_threshold}, and without `match_threshold` no permanence ever grows: nothing would "
                "be connected."
            )

    def _most_synapses(self):
        return int(self.max_synapses or self.n_synapses * self.patterns_per_segment)

    def _rule(self, labelled, counting):
        """Return the parameters as kernels take them."""
        return GrowthRule(
            n_new=int(self.n_synapses),
            n_patterns=int(self.patterns_per_segment),
            match=int(self.match_threshold or 0),
            by_owner=int(labelled),
            n_segments=MOST if self.max_segments is None else int(self.max_segments),
            counting=int(counting),
            connected=np.float32(self.permanence_threshold),
            initial=np.float32(self.initial_permanence),
            increment=np.float32(self.permanence_increment),
            decrement=np.float32(self.permanence_decrement),
            punishment=np.float32(self.permanence_punishment),
        )

    def _connect(self):
        """List the connected synapses."""
        self._wiring = make_wiring(self._synapses(connected=True))

    def _measure(self, X, placed, owners):
        """Count overlaps of all segments with rows of others."""
        S = len(self._store.cells)
        if not S:
            return
        rows = np.flatnonzero(X.any(axis=1) if not hasattr(X, "indptr") else np.diff(X.indptr))
        rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), FOREIGN_ROWS)).astype(np.int64)]
        of_segments = np.arange(S, dtype=np.int32) if owners is None else self._store.owners
        labels = (placed if owners is None else owners)[rows]
        most = self._store.cells.shape[1]
        foreign = foreign_overlaps(self._wiring, X[rows], of_segments, labels, most, self.n_jobs)
        self._store = self._store._replace(foreign=foreign)

    def _set_thresholds(self, of_theory):
        """Set thresholds, and say if some cannot be reached."""
        sizes = self._sizes()
        if self.threshold == "auto":
            self._thresholds = np.zeros(0, np.int64)
            if len(sizes):
                rate, n_active = float(self.false_positive_rate), round(self.mean_active_)
                self._thresholds = automatic(self._store.foreign, self.n_features_in_, n_active, sizes, rate, of_theory)
            return
        self._thresholds = np.full(len(sizes), self.threshold, np.int64)
        short = np.count_nonzero(sizes < self.threshold)
        if short:
            warnings.warn(
                f"{short} of {len(sizes)} segments have fewer connected synapses than `threshold`={self.threshold} and "
                "are not active: their patterns have too few ones, or `initial_permanence` is below "
                "`permanence_threshold` and they have not learned enough. Lower `threshold`, or use 'auto'.",
                UserWarning,
                stacklevel=callers_level(),
            )

    def _sizes(self):
        """Return the number of connected synapses of each segment."""
        check_is_fitted(self)
        return self._wiring.sizes()

    def _synapses(self, connected):
        """Return permanences of all or the connected synapses as a CSR array."""
        check_is_fitted(self)
        return synapses_of(self._store, self.n_features_in_, self._connected_from if connected else None)

    def _totals(self):
        check_is_fitted(self)
        return self._store.totals

    def _get_fitted_state(self):
        scalars = {"seed": self._seed, "labels": self._labels, "connected_from": self._connected_from}
        scalars["estimated_rate"] = self._estimated_rate
        arrays = self._store._asdict() | {"thresholds": self._thresholds, "records": as_rows(self._records)}
        return scalars, arrays

    def _set_fitted_state(self, scalars, arrays):
        arrays = dict(arrays)
        self._seed, self._labels = scalars["seed"], scalars["labels"]
        self._connected_from, self._thresholds = scalars["connected_from"], arrays.pop("thresholds")
        self._estimated_rate = scalars["estimated_rate"]
        self._records = from_rows(arrays.pop("records"), SegmentRecord)
        self._store = PaddedSegments(**arrays)
        self._store.check(self.n_features_in_, 1 if self._labels is None else len(self._labels))
        thresholds = self._thresholds
        fits = thresholds.shape == (len(self._store.cells),) and thresholds.dtype == np.int64
        if not fits or (thresholds < 1).any() or (thresholds > MOST_SYNAPSES).any():
            raise ValueError("the synapses and thresholds of the segments do not go together.")
        self._connect()
