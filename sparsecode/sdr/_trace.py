"""What a macrocolumn has learned, and what is done with it: store, recall, and back to inputs."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array, issparse

from .._core.parallel import run_chunks
from .._core.products import aligned_copy, aligned_empty, kernel_array
from .._core.rng import draws
from ._macrocolumn_kernels import Work, expire_all, learn_rows, list_active, recall_rows, sum_templates
from ._recall_kernels import LANE, BitWork, Lanes, cut_lanes, recall_bits
from .layouts import packed, units_of, winners_of

#: Recall with "auto": share of the winners of the most connected feature at least, and standard deviations over chance.
LEAST_SHARE, DEVIATIONS = 0.9, 3.0

#: Rows from which on recall by bits is faster, though weights must be packed for it.
MANY_ROWS = 256

#: Rows that a thread takes at a time, and rows that are stored at a time.
CHUNK_ROWS, STORED_ROWS = 128, 512


class Trace(NamedTuple):
    """Binary weights of a macrocolumn with Q modules of K units and F inputs, and what goes with them."""

    weights: np.ndarray  # (F, Q * K) uint8
    fill: np.ndarray  # (Q * K,) int32: weights of each unit
    stamps: np.ndarray  # (F, Q * K) int32: row of the last coincidence; (0, 0) if weights last for ever
    totals: np.ndarray  # (3,) int64: rows with a code, active inputs in them, and rows that were learned

    @classmethod
    def empty(cls, n_features, n_units, stamped):
        """Return the trace of nothing."""
        weights = aligned_empty((n_features, n_units), np.uint8)
        weights[:] = 0
        stamps = np.zeros((n_features, n_units) if stamped else (0, 0), np.int32)
        return cls(weights, np.zeros(n_units, np.int32), stamps, np.zeros(3, np.int64))

    def copy(self):
        """Return a trace that can be written without a change of this one."""
        return Trace(*map(aligned_copy, self))


class Rows:
    """Rows of bool, a C-contiguous ndarray or a canonical CSR array, whose active inputs are listed block by block.

    Lists of all rows at once would be fresh memory, which costs as much as recall.
    """

    def __init__(self, X):
        self.n_rows, self.dense = X.shape[0], None
        if issparse(X):
            self.indptr, self.indices = X.indptr.astype(np.int64), kernel_array(X.indices.astype(np.int32, copy=False))
        else:
            self.dense = X

    def block(self, start, end):
        """Return `indptr` and `indices` of some rows, as those of a CSR array."""
        if self.dense is None:
            return self.indptr[start : end + 1], self.indices
        words = packed(self.dense[start:end])
        indptr = np.zeros(len(words) + 1, np.int64)
        np.cumsum(np.bitwise_count(words).sum(axis=1, dtype=np.int64), out=indptr[1:])
        indices = np.empty(indptr[-1], np.int32)
        list_active(words, indptr, indices)
        return indptr, indices


def store(trace, rows, rule, limits, freeze, seed, first):
    """Return the trace after the rows, with the winners of each (-1: no code) and its familiarity before."""
    trace, n_features = trace.copy(), len(trace.weights)
    n_modules = trace.weights.shape[1] // limits.n_units
    work = make_work(n_features, n_modules, limits.n_units)
    winners, familiarity = np.empty((rows.n_rows, n_modules), np.int32), np.empty(rows.n_rows)
    freeze = np.array(freeze, np.float64)

    def learn(start, end, stop):
        uniforms = draws(seed, first + start, end - start, n_modules)
        here = winners[start:end], familiarity[start:end]
        learn_rows(*trace, rule, limits, freeze, *rows.block(start, end), uniforms, work, stop, *here)

    run_chunks(learn, rows.n_rows, n_jobs=1, chunk_rows=STORED_ROWS)  # one thread takes them in their order
    if limits.lifetime:
        expire_all(trace.weights, trace.fill, trace.stamps, trace.totals[0], limits.lifetime)
    return trace, winners, familiarity


def recall(trace, rows, rule, limits, n_jobs):
    """Return the winners of each row (-1: no code) and its familiarity."""
    if rows.n_rows >= MANY_ROWS:
        return recall_by_bits(trace, rows, rule, limits, n_jobs)
    n_features, U = trace.weights.shape
    n_modules = U // limits.n_units
    winners, familiarity = np.empty((rows.n_rows, n_modules), np.int32), np.empty(rows.n_rows)

    def prepare():
        return (make_work(n_features, n_modules, limits.n_units),)

    def read(start, end, stop, work):
        here = winners[start:end], familiarity[start:end]
        recall_rows(trace.weights, rule, limits, *rows.block(start, end), work, stop, *here)

    run_chunks(read, rows.n_rows, n_jobs=n_jobs, chunk_rows=CHUNK_ROWS, prepare=prepare)
    return winners, familiarity


def recall_by_bits(trace, rows, rule, limits, n_jobs):
    """Return what `recall` does, to the last bit, after some time that goes into packing the weights."""
    (n_features, U), K = trace.weights.shape, limits.n_units
    Q = U // K
    lanes = Lanes.of(Q, K, n_features)
    n_words = -(-K // LANE) * lanes.n_words
    # The last row are the bits of all units
    streams = np.pad(packed(trace.weights.view(bool)), ((0, 1), (0, 1)))
    streams[-1] = ~np.uint64(0)
    bits = aligned_empty((n_features + 1, n_words), np.uint64)
    bits[:] = 0
    cut_lanes(streams, np.int64(K), np.int64(Q), lanes, bits)
    bits, all_units = bits[:-1], bits[-1]
    winners, familiarity = np.empty((rows.n_rows, Q), np.int32), np.empty(rows.n_rows)

    def prepare():
        planes = aligned_empty((max(n_features.bit_length(), 4), n_words), np.uint64)
        carries, candidates = aligned_empty((2, n_words), np.uint64), aligned_empty(n_words, np.uint64)
        parts = (aligned_empty(lanes.n_words, np.uint64) for _ in range(2))
        return (BitWork(planes, carries, candidates, *parts, np.empty(Q, np.int32), np.empty(n_features + 1)),)

    def read(start, end, stop, work):
        here = winners[start:end], familiarity[start:end]
        recall_bits(bits, rule, limits, lanes, all_units, *rows.block(start, end), work, stop, *here)

    run_chunks(read, rows.n_rows, n_jobs=n_jobs, chunk_rows=CHUNK_ROWS, prepare=prepare)
    return winners, familiarity


def evidence(trace, winners, n_units, n_jobs):
    """Return, for each code and each input, how many winners have a weight from the input; (n, F) int32."""
    templates = np.ascontiguousarray(trace.weights.T)
    sums = np.empty((len(winners), len(trace.weights)), np.int32)
    units = units_of(winners, n_units)

    def prepare():
        return (aligned_empty(templates.shape[1], np.uint8),)

    def add(start, end, stop, partial):
        sum_templates(templates, units[start:end], partial, sums[start:end])

    run_chunks(add, len(winners), n_jobs=n_jobs, chunk_rows=CHUNK_ROWS, prepare=prepare)
    return sums


def least_evidence(trace, sums, n_modules, threshold):
    """Return how many winners must have a weight from each feature for it to be recalled."""
    most = sums.max(axis=1, keepdims=True)
    if threshold != "auto":
        return threshold * most
    share = trace.weights.mean(axis=1)
    chance = n_modules * share + DEVIATIONS * np.sqrt(n_modules * share * (1 - share))
    return np.minimum(most, np.maximum(LEAST_SHARE * most, chance))


def make_work(n_features, n_modules, n_units):
    """Return the work arrays of a thread."""
    U = n_modules * n_units
    sizes = {"partial": (U, np.uint8), "sums": (U, np.int32), "units": (n_modules, np.int32)}
    sizes["best"] = n_modules, np.int32
    sizes |= {name: (n_features + 1, np.float64) for name in ("levels", "chances")}
    return Work(**{name: aligned_empty(*size) for name, size in sizes.items()}, module=np.empty(n_units))


def as_winners(codes, n_modules, n_units):
    """Return the winners of codes, which are checked: 0 and 1 only, one unit of each module or none at all."""
    codes = csr_array(codes, copy=True)
    codes.sum_duplicates()
    entries = np.repeat(np.arange(codes.shape[0]), np.diff(codes.indptr))
    strange = [entries[(codes.data != 0) & (codes.data != 1)]]
    codes.eliminate_zeros()
    winners, (several, _) = winners_of(codes, n_units)
    active = np.count_nonzero(winners >= 0, axis=1)
    strange = np.unique(np.concatenate([*strange, several, np.flatnonzero((active != 0) & (active != n_modules))]))
    if strange.size:
        raise ValueError(
            f"{strange.size} rows of X are no codes of this memory, the first of them row {strange[0]}: a code has one "
            f"of the {n_units} units of each of {n_modules} modules active, or nothing at all. Codes of another memory "
            "mean nothing to this one."
        )
    return winners
