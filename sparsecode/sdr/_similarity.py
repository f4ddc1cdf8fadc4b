"""Ones that rows have in common, counted by bits or by lists of rows, whichever is less work."""

import numpy as np
from scipy.sparse import csr_array, issparse

from .._core.arrays import as_dense
from .._core.parallel import run_chunks
from .._core.products import aligned_empty
from ._bits_kernels import BLOCK, common_lists, common_rows
from .layouts import packed

#: Words whose bits are counted in the time in which an entry of a list is followed.
WORDS_PER_ENTRY = 8

#: Queries that a thread takes at a time.
CHUNK_ROWS = 64


def common_ones(A, B, n_jobs=None):
    """Return how many ones each row of A has in common with each row of B, int32; both are checked."""
    common = np.zeros((A.shape[0], B.shape[0]), np.int32)
    if not common.size:
        return common
    counts = [_column_counts(X) for X in (A, B)]
    n_words = -(-A.shape[1] // 64)
    if float(counts[0] @ counts[1]) * WORDS_PER_ENTRY < float(common.size) * n_words:
        _by_lists(csr_array(A), csr_array(B), common, n_jobs)
    else:
        _by_bits(packed(A), packed(B), common, n_jobs)
    return common


def _by_lists(A, B, common, n_jobs):
    lists = B.tocsc()
    rows, columns = ((X.indptr.astype(np.int64), X.indices.astype(np.int32)) for X in (A, lists))

    def count(start, end, stop):
        common_lists(rows[0][start : end + 1], rows[1], *columns, stop, common[start:end])

    run_chunks(count, len(common), n_jobs=n_jobs, chunk_rows=CHUNK_ROWS)


def _by_bits(queries, stored, common, n_jobs):
    blocks = in_blocks(stored)

    def prepare():
        return (aligned_empty(BLOCK, np.uint64),)

    def count(start, end, stop, counts):
        common_rows(blocks, queries[start:end], counts, stop, common[start:end])

    run_chunks(count, len(common), n_jobs=n_jobs, chunk_rows=CHUNK_ROWS, prepare=prepare)


def in_blocks(words):
    """Return packed rows (n, words) as blocks (n_blocks, words, BLOCK), the last one filled with empty rows."""
    n, n_words = words.shape
    blocks = aligned_empty((-(-n // BLOCK), n_words, BLOCK), np.uint64)
    full = n // BLOCK
    blocks[:full] = words[: full * BLOCK].reshape(full, BLOCK, n_words).swapaxes(1, 2)
    if n % BLOCK:
        blocks[full] = 0
        blocks[full, :, : n % BLOCK] = words[full * BLOCK :].T
    return blocks


def from_blocks(blocks, n):
    """Return the n packed rows that `in_blocks` has put into blocks."""
    return np.ascontiguousarray(blocks.swapaxes(1, 2)).reshape(-1, blocks.shape[1])[:n]


def row_sizes(X):
    """Return the number of ones of each checked row."""
    return np.diff(X.indptr).astype(np.int64) if issparse(X) else X.sum(axis=1, dtype=np.int64)


def _column_counts(X):
    """Return the number of ones of each column, as float64."""
    if issparse(X):
        return np.bincount(X.indices, minlength=X.shape[1]).astype(np.float64)
    return as_dense(X).sum(axis=0, dtype=np.float64)
