"""Products of rows, ``X D^T``, as a kernel.

Worker threads must not call BLAS, and after each product OpenBLAS keeps its threads spinning for some
25 ms, which takes a core from the kernels that follow. This kernel is about as fast for the sizes met here; that of
`panels` is faster where many rows meet the same atoms (docs/developer/design.md has the measurements).
"""

import math

import numpy as np

from .jit import kernel
from .parallel import count_threads, run_chunks

#: Bytes of a cache line, and of the widest registers.
CACHE_LINE = 64

#: Rows of a Gram matrix that are computed at a time, and the number of multiplications that take milliseconds; two
#: threads pay from half of them.
GRAM_ROWS, THREADED = 64, 2**24


def _row_products(X, D, C):
    """Write ``C = X D^T``, four rows by four rows.

    At the borders the last row stands in for the missing ones, so that each entry is computed alike
    wherever its row stands: a row's result does not depend on its neighbours, bit for bit.
    """
    n, K, F = X.shape[0], D.shape[0], X.shape[1]
    zero = X.dtype.type(0)
    for j0 in range(0, K, 4):
        j1, j2, j3 = min(j0 + 1, K - 1), min(j0 + 2, K - 1), min(j0 + 3, K - 1)
        for i0 in range(0, n, 4):
            i1, i2, i3 = min(i0 + 1, n - 1), min(i0 + 2, n - 1), min(i0 + 3, n - 1)
            s00 = s01 = s02 = s03 = zero
            s10 = s11 = s12 = s13 = zero
            s20 = s21 = s22 = s23 = zero
            s30 = s31 = s32 = s33 = zero
            for f in range(F):
                x0, x1, x2, x3 = X[i0, f], X[i1, f], X[i2, f], X[i3, f]
                d0, d1, d2, d3 = D[j0, f], D[j1, f], D[j2, f], D[j3, f]
                s00 += x0 * d0
                s01 += x0 * d1
                s02 += x0 * d2
                s03 += x0 * d3
                s10 += x1 * d0
                s11 += x1 * d1
                s12 += x1 * d2
                s13 += x1 * d3
                s20 += x2 * d0
                s21 += x2 * d1
                s22 += x2 * d2
                s23 += x2 * d3
                s30 += x3 * d0
                s31 += x3 * d1
                s32 += x3 * d2
                s33 += x3 * d3
            C[i0, j0], C[i0, j1], C[i0, j2], C[i0, j3] = s00, s01, s02, s03
            C[i1, j0], C[i1, j1], C[i1, j2], C[i1, j3] = s10, s11, s12, s13
            C[i2, j0], C[i2, j1], C[i2, j2], C[i2, j3] = s20, s21, s22, s23
            C[i3, j0], C[i3, j1], C[i3, j2], C[i3, j3] = s30, s31, s32, s33


def _gram_rows(D, start, end, block, G):
    """Write rows start to end of ``G = D D^T`` from the diagonal on, and the same entries below it."""
    K, size = D.shape[0], end - start
    for first in range(start, K, size):
        last = min(first + size, K)
        row_products(D[start:end], D[first:last], block)
        for i in range(size):
            for j in range(last - first):
                G[start + i, first + j] = block[i, j]
        for j in range(last - first):
            for i in range(size):
                G[first + j, start + i] = block[i, j]


row_products = kernel(_row_products)
gram_rows = kernel(_gram_rows)


def kernel_array(array):
    """Return the array if kernels can take it as it is, else a copy.

    A read-only, strided or memory-mapped array is another type to Numba and would be compiled for anew.
    """
    if type(array) is np.ndarray and array.flags.carray:
        return array
    return np.require(array, requirements=["C", "ALIGNED", "WRITEABLE", "ENSUREARRAY"])


def aligned_empty(shape, dtype):
    """Return an array that begins with a cache line: a register that straddles two of them takes twice as long."""
    dtype, size = np.dtype(dtype), math.prod(shape) if isinstance(shape, tuple) else int(shape)
    memory = np.empty(size * dtype.itemsize + CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % CACHE_LINE
    return memory[start : start + size * dtype.itemsize].view(dtype).reshape(shape)


def aligned_copy(array):
    """Return a copy of the array that kernels can take, and that begins with a cache line."""
    copy = aligned_empty(array.shape, array.dtype)
    copy[...] = array
    return copy


def product(X, D):
    """Return ``X D^T`` with the same bits as `correlations`, by the calling thread where that takes milliseconds."""
    if len(X) * D.size >= THREADED:
        return correlations(X, D)
    C = aligned_empty((len(X), len(D)), X.dtype)
    row_products(kernel_array(X), kernel_array(D), C)
    return C


def correlations(X, D, n_jobs=None):
    """Return ``C = X D^T`` for arrays of one dtype; unlike those of BLAS, its bits depend on no number of threads."""
    D = kernel_array(D)
    C = aligned_empty((len(X), len(D)), D.dtype)

    def write_rows(start, end, stop):
        row_products(kernel_array(X[start:end]), D, C[start:end])

    run_chunks(write_rows, len(X), n_jobs=n_jobs)
    return C


def gram(D, n_jobs=None):
    """Return ``G = D D^T`` for atoms D of shape (n_components, n_features), symmetric bit for bit."""
    D = kernel_array(D)
    K, F = D.shape
    G = aligned_empty((K, K), D.dtype)

    def prepare():
        return (aligned_empty((GRAM_ROWS, GRAM_ROWS), D.dtype),)

    def write_rows(start, end, stop, block):
        gram_rows(D, start, end, block, G)

    size = K * K * F * (1 if count_threads(n_jobs) == 1 else 2)
    if size >= THREADED:
        run_chunks(write_rows, K, n_jobs=n_jobs, chunk_rows=GRAM_ROWS, prepare=prepare)
    else:
        for start in range(0, K, GRAM_ROWS):
            write_rows(start, min(start + GRAM_ROWS, K), None, *prepare())
    return G
