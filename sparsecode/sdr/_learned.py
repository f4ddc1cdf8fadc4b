"""What a fitted macrocolumn shows of itself, and what files hold of it."""

import math
import time

import numpy as np
from scipy.sparse import csr_array
from sklearn.utils.validation import check_is_fitted

from .._core.arrays import as_dense
from .._core.history import MemoryRecord, Recorded, as_rows, from_rows
from .._core.rng import as_generator
from ..dictionary import Dictionary
from ._filling import freezing
from ._trace import Trace, evidence, least_evidence
from .capacity import capacity, capacity_until_frozen

#: Items that the adaptive rule holds over those of the law, since its codes follow crosstalk a little: a share, less
#: another one times the share of active inputs.
HELD, HELD_LESS = 0.85, 0.8


class LearnedMixin(Recorded):
    """Attributes of an estimator that keeps its `Trace` in ``_trace``."""

    _record_class = MemoryRecord

    @property
    def weights_(self):
        """The weights from each feature to each unit."""
        return self._fitted().weights.astype(bool).reshape(-1, *self.code_shape_)

    @property
    def unit_fill_(self):
        """Share of the weights of each unit that are set."""
        return (self._fitted().fill / self.n_features_in_).reshape(self.code_shape_)

    @property
    def frozen_(self):
        """Units that learn no more."""
        trace = self._fitted()
        return (trace.fill > self._most_weights()).reshape(self.code_shape_)

    @property
    def n_items_(self):
        """Rows that were given a code."""
        return int(self._fitted().totals[0])

    @property
    def n_stored_(self):
        """Rows that were learned."""
        return int(self._fitted().totals[2])

    @property
    def codes_(self):
        """Winners of the rows that were given a code."""
        self._fitted()
        if self._codes is None:
            raise AttributeError(
                "codes of stored rows are not kept; fit with `store_items=True`. `partial_fit` keeps to the first call."
            )
        return np.concatenate(self._codes) if self._codes else np.empty((0, self._n_modules), np.int32)

    @property
    def capacity_estimate_(self):
        """Random items of this size that can be recalled."""
        items, active, _ = self._fitted().totals.tolist()
        if not items:
            return math.inf
        sizes = self.n_features_in_, active / items, self._n_units
        frozen = min(self._most_weights() / self.n_features_in_, 1.0)
        return min(held_items(*sizes), capacity_until_frozen(frozen, *sizes))

    @property
    def dictionary_(self):
        """The templates of the units as a binary `Dictionary`."""
        return Dictionary(csr_array(self._fitted().weights.T.astype(bool)))

    @property
    def code_shape_(self):
        """Modules, and units of a module."""
        check_is_fitted(self)
        return self._n_modules, self._n_units

    @property
    def code_dims_(self):
        """Names of the axes of `code_shape_`."""
        check_is_fitted(self)
        return "module", "unit"

    def _start(self, n_features):
        """Begin with no weights."""
        stamped = self.lifetime is not None
        self._n_modules, self._n_units = int(self.n_modules), int(self.n_units)
        self._trace = Trace.empty(n_features, self._n_modules * self._n_units, stamped)
        self._seed = as_generator(self.random_state).integers(0, 2**63, size=2).tolist()
        self._n_seen, self._records, self._codes = 0, [], [] if self.store_items else None

    def _note(self, winners):
        """Count rows that were stored, and keep their codes if they are asked for."""
        self._n_seen += len(winners)
        if self._codes is not None:
            self._codes = [*self._codes, winners[winners[:, 0] >= 0]]

    def _record(self, winners, familiarity, n_stored, started):
        """Add a record of a call that began at `started`."""
        coded = winners[:, 0] >= 0
        record = MemoryRecord(
            epoch=len(self._records),
            objective=float(1 - familiarity[coded].mean()) if coded.any() else 0.0,
            sparsity=float(coded.mean() / self._n_units),
            stored=n_stored,
            fill=float(self._trace.fill.mean() / len(self._trace.weights)),
            seconds=time.perf_counter() - started,
        )
        self._records = [*self._records, record]

    def _most_weights(self):
        """Return the number of weights above which a unit is frozen."""
        items, active, _ = self._trace.totals.tolist()
        count, times_mean = freezing(self, len(self._trace.weights))
        return max(count, times_mean * active / max(items, 1))

    def _fitted(self):
        check_is_fitted(self)
        return self._trace

    def _check_rows(self, X, *, reset):
        return self._check_binary_input(X, reset=reset)

    def _check_input(self, X, *, reset):
        """Return the zeros and ones that codes stand for, as numbers: `score` compares with them."""
        return as_dense(self._check_rows(X, reset=reset)).astype(np.float64)

    def _complete(self, winners):
        """Return the features that enough of the winners have weights from."""
        sums = evidence(self._trace, winners, self._n_units, self.n_jobs)
        return (sums >= least_evidence(self._trace, sums, self._n_modules, self.recall_threshold)) & (sums > 0)

    def _get_fitted_state(self):
        trace = self._trace._asdict() | {"records": as_rows(self._records)}
        if self._codes is not None:
            trace["codes"] = self.codes_
        scalars = {
            "seed": [str(number) for number in self._seed],
            "n_seen": self._n_seen,
            "code_shape": self.code_shape_,
        }
        return scalars, trace

    def _set_fitted_state(self, scalars, arrays):
        arrays = dict(arrays)
        codes, records = arrays.pop("codes", None), arrays.pop("records")
        self._n_modules, self._n_units = scalars["code_shape"]
        self._seed, self._n_seen = [int(number) for number in scalars["seed"]], scalars["n_seen"]
        self._trace, self._codes = Trace(**arrays).copy(), None if codes is None else [codes]
        self._records = from_rows(records, MemoryRecord)
        shapes = self._trace.weights.shape, self._trace.totals.shape
        if shapes != ((self.n_features_in_, self._n_modules * self._n_units), (3,)):
            raise ValueError("the weights of the memory do not fit its shape.")


def held_items(n_features, n_active, n_units):
    """Return how many random items a memory recalls with the adaptive rule."""
    return (HELD - HELD_LESS * n_active / n_features) * capacity(n_features, n_active, n_units)
