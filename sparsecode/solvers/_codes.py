"""Codes as solvers write them, chunk by chunk: dense rows of one array, or rows that are kept sparse."""

import numpy as np
from scipy.sparse import csr_array, issparse, vstack

from .._core.arrays import as_dense
from .._core.products import aligned_empty

#: Rows that a thread takes at a time: their correlations stay in its cache, and the calls between kernels count little.
CHUNK_ROWS = 128


class _DenseCodes:
    """Codes in one array, whose rows a solver writes in place."""

    def __init__(self, n, n_components, dtype, init):
        if init is None:
            self.codes = np.zeros((n, n_components), dtype)
        else:
            self.codes = np.array(as_dense(init), dtype=dtype, order="C")

    def make_work(self):
        """Return nothing to write in, and no room for entries."""
        return None, (np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, self.codes.dtype))

    def open(self, start, end, rows):
        """Return the rows for a solver, with the codes to go on from."""
        return self.codes[start:end]

    def close(self, start, end, entries):
        """Take the rows as the solver left them."""

    def collected(self, dtype):
        """Return the codes of all rows."""
        return self.codes.astype(dtype, copy=False)


class _SparseCodes:
    """Codes in a CSR array; a solver writes dense rows of one chunk, which stay in the cache of its thread."""

    def __init__(self, n, n_components, dtype, init):
        self.shape, self.dtype, self.init = (n, n_components), dtype, init
        self.counts = np.zeros(n, np.int64)
        self.pieces = [None] * -(-n // CHUNK_ROWS)

    def make_work(self):
        """Allocate dense rows, which are zero between chunks, and room for numbers, places and values of entries."""
        rows = aligned_empty((CHUNK_ROWS, self.shape[1]), self.dtype)
        rows[...] = 0
        return rows, (np.empty(CHUNK_ROWS, np.int64), np.empty(rows.size, np.int32), np.empty(rows.size, self.dtype))

    def open(self, start, end, rows):
        """Return dense rows for a solver, with the codes to go on from."""
        rows = rows[: end - start]
        if self.init is not None:
            rows[...] = as_dense(self.init[start:end])
        return rows

    def close(self, start, end, entries):
        """Keep the entries, which have been moved out of the rows."""
        counts, indices, data = entries
        self.counts[start:end] = counts[: end - start]
        size = self.counts[start:end].sum()
        self.pieces[start // CHUNK_ROWS] = indices[:size].copy(), data[:size].copy()

    def collected(self, dtype):
        """Return the codes of all rows."""
        offsets = np.zeros(len(self.counts) + 1, np.int64)
        np.cumsum(self.counts, out=offsets[1:])
        indices, data = np.empty(offsets[-1], np.int32), np.empty(offsets[-1], dtype)
        place = 0
        for number, (part, values) in enumerate(self.pieces):
            indices[place : place + part.size], data[place : place + part.size] = part, values
            place += part.size
            self.pieces[number] = None  # or the codes would be in memory twice
        return as_csr(data, indices, offsets, self.shape)


def make_codes(n, n_components, dtype, init, sparse):
    """Return the store of the codes of n rows; `init` are codes that they go on from, or None."""
    return (_SparseCodes if sparse else _DenseCodes)(n, n_components, dtype, init)


def move_entries(W, entries):
    """Move the entries of dense rows to where sparse codes are collected from, if they are kept sparse."""
    counts, indices, data = entries
    if not data.size:
        return
    places = np.nonzero(W)
    counts[: len(W)] = np.bincount(places[0], minlength=len(W))
    indices[: len(places[1])] = places[1]
    data[: len(places[1])] = W[places]
    W[...] = 0


def canonical(codes):
    """Return a CSR array without duplicates and stored zeros, of the caller's if it is one already."""
    if isinstance(codes, csr_array) and codes.has_canonical_format and codes.data.all():
        return codes
    codes = csr_array(codes, copy=True)
    codes.sum_duplicates()
    codes.eliminate_zeros()
    return codes


def joined(parts, order):
    """Return codes of several groups of rows as one array, whose row i is row ``order[i]`` of them."""
    if issparse(parts[0]):
        return vstack(parts, format="csr")[order]
    return np.concatenate(parts)[order]


def as_csr(data, indices, offsets, shape):
    """Return a canonical CSR array; `indices` are int32, and its offsets too where they can be."""
    if offsets[-1] <= np.iinfo(np.int32).max:
        offsets = offsets.astype(np.int32)
    codes = csr_array((data, indices, offsets), shape=shape)
    codes.has_canonical_format = True
    return codes


def with_rows(codes, rows, others):
    """Return codes in which some rows are others; a dense array is changed in place."""
    if not issparse(codes):
        codes[rows] = others
        return codes
    order = np.arange(codes.shape[0])
    order[rows] = codes.shape[0] + np.arange(len(rows))
    return joined([codes, others], order)
