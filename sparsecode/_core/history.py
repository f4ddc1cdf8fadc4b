"""History of a fit: one record an epoch, kept as a NumPy structured array."""

from typing import NamedTuple

import numpy as np
from sklearn.utils.validation import check_is_fitted


class EpochRecord(NamedTuple):
    """Means over the samples of an epoch, each coded with the atoms of its time."""

    epoch: int  # counted from the first of the fit
    objective: float  # 0.5 ||x - w D||^2 + pen(w)
    data_term: float  # 0.5 ||x - w D||^2
    penalty: float  # pen(w), with the gains of homeostasis
    violation: float  # largest certificate of a code: see `sparsecode.solvers.SolveResult`
    sparsity: float  # share of coefficients that are not zero
    alpha: float  # weight of the penalty after the epoch, NaN where there is none
    stopped: int  # rows that stopped at `encode_max_iter`
    stalled: int  # rows whose certificate rounding kept too large
    dead: int  # atoms that no sample of the epoch used
    replaced: int  # atoms unused for long that were replaced
    seconds: float

    def scaled(self, exponent, degree):
        """Return the record for data times ``2**exponent``, of a penalty of some degree; what overflows is infinite."""
        if not exponent:
            return self
        with np.errstate(over="ignore", under="ignore"):
            energies = ("objective", "data_term", "penalty")
            values = {name: float(np.ldexp(getattr(self, name), 2 * exponent)) for name in energies}
            return self._replace(**values, alpha=float(self.alpha * np.exp2(exponent * degree)))


class TaskRecord(NamedTuple):
    """Means over the samples of an epoch of task-driven learning, each with the atoms and predictor of its time."""

    epoch: int
    objective: float  # loss of the predictor, and the price of its coefficients
    violation: float  # largest certificate of a code
    sparsity: float  # share of coefficients that are not zero
    dead: int  # atoms that no sample of the epoch used
    seconds: float


class LayerRecord(NamedTuple):
    """An epoch of the training of an unrolled encoder."""

    epoch: int
    objective: float  # half the squared error of the codes over their mean squared norm, mean over the samples
    error: float  # squared error of codes over their squared norm, on held-out samples after the epoch
    sparsity: float  # share of coefficients that are not zero, on held-out samples
    seconds: float


class MemoryRecord(NamedTuple):
    """A call that stored rows in a memory."""

    epoch: int
    objective: float  # mean novelty of the rows that were stored, 1 - familiarity before each was
    sparsity: float  # share of units that are active in a code, mean over all rows
    stored: int  # rows that were learned
    fill: float  # share of weights that are set, after the call
    seconds: float


class WinnerRecord(NamedTuple):
    """A call that learned how often units win."""

    epoch: int
    objective: float  # 1 - H(p) / log n, entropy H of the shares p of the n units in all wins: 0 if all win alike
    sparsity: float  # share of units that win, mean over the rows of the call
    dead: int  # units with a duty cycle of zero
    seconds: float


class PoolerRecord(NamedTuple):
    """A pass of a spatial pooler over rows."""

    epoch: int
    objective: float  # share of the ones of a row that its winners do not see, mean over winners and rows
    sparsity: float  # share of columns that win, mean over all rows
    used: float  # share of columns that won a row
    connected: float  # share of potential synapses that are connected, after the pass
    seconds: float


class NetworkRecord(NamedTuple):
    """A pass of a network over rows, each with the weights of its time."""

    epoch: int
    objective: float  # mean cross-entropy of the labels, in nats
    sparsity: float  # share of hidden units that are active, mean over rows
    dead: int  # hidden units that no row made active
    seconds: float


class ChangesRecord(NamedTuple):
    """A pass of a network over rows, each with the weights of its time."""

    epoch: int
    objective: float  # mean loss of the outputs
    sparsity: float  # share of hidden units that are active, mean over rows
    dead: int  # hidden units that no row made active
    seconds: float
    changes: float  # share of products that inputs take which differ from those of the row before, NaN without such


class TemporalRecord(NamedTuple):
    """A call that a temporal memory learned from."""

    epoch: int
    objective: float  # share of the active columns of a row that were not predicted, mean over the rows
    precision: float  # share of the columns that were predicted that became active
    sparsity: float  # share of cells that are active, mean over the rows
    segments: int  # after the call
    synapses: int
    seconds: float


class SegmentRecord(NamedTuple):
    """A call in which dendritic segments learned rows."""

    epoch: int
    objective: float  # share of the rows with ones that got a segment of their own
    sparsity: float  # share of the segments that are active for a row of others, as measured; NaN if it was not
    segments: int  # after the call
    synapses: int  # connected ones, after the call
    seconds: float


def as_rows(records):
    """Return the records as an array of float64, one row each, for a file."""
    return np.array([tuple(map(float, record)) for record in records])


def from_rows(rows, record=EpochRecord):
    """Return the records that `as_rows` has made an array of."""
    kinds = record.__annotations__.values()
    return [record(*(kind(value) for kind, value in zip(kinds, row, strict=True))) for row in rows.tolist()]


def as_history(records, record=EpochRecord):
    """Return the records as a structured array, whose columns are read as ``history["objective"]``."""
    dtype = [(name, np.int64 if kind is int else np.float64) for name, kind in record.__annotations__.items()]
    return np.array([tuple(record) for record in records], dtype=dtype)


class Recorded:
    """For estimators that keep a record of each call or epoch in ``_records``, of the class ``_record_class``."""

    @property
    def n_iter_(self):
        """Calls, passes over the rows of a call, or epochs that are recorded."""
        check_is_fitted(self)
        return len(self._records)

    @property
    def history_(self):
        """A record for each of them."""
        check_is_fitted(self)
        return as_history(self._records, self._record_class)
