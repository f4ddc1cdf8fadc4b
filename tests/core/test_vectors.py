"""Vectors in kernels against NumPy."""

import numba
import numpy as np
import pytest

from sparsecode._core.jit import kernel
from sparsecode._core.vectors import (
    VECTOR_BYTES,
    fill,
    greatest,
    lanes,
    least,
    load,
    magnitude,
    maximum,
    padded,
    prefetch,
    prefetch_row,
    store,
    total,
    where,
)


def _combine(a, b, scalar, out, extremes):
    """Write a row for each thing that can be done with vectors."""
    for j in range(0, a.shape[0], VECTOR_BYTES // a.itemsize):
        v, w, s = load(a, j), load(b, j), fill(scalar)
        store(out[0], j, v + w * s)
        store(out[1], j, (v - s) / w)
        store(out[2], j, magnitude(v))
        store(out[3], j, maximum(v, w))
        store(out[4], j, where(v > w, s, w))
        store(out[5], j, where(v == fill(a[0]), w, v))
        top, bottom = greatest(w), least(w)
        extremes[0] = max(extremes[0], top)
        extremes[1] = min(extremes[1], bottom)
        extremes[2] += total(v)


def _weighted_rows(Q, c, w, start, out):
    """Write ``c - w Q`` from place `start` on: sums that stay in registers."""
    for j in range(start, c.shape[0], VECTOR_BYTES // c.itemsize):
        q = load(c, j)
        for a in range(w.shape[0]):
            q = q - fill(w[a]) * load(Q[a], j)
        store(out, j, q)


def _sum_of_rows(X, rows, out):
    """Write the sum of rows, each of which is asked for while the one before is added."""
    for p in range(rows.shape[0]):
        prefetch_row(X, rows[min(p + 1, rows.shape[0] - 1)])
        prefetch(out, 0)
        for f in range(X.shape[1]):
            out[f] += X[rows[p], f]


sum_of_rows = kernel(_sum_of_rows)
combine, weighted_rows = kernel(_combine), kernel(_weighted_rows)


@pytest.mark.nojit
def test_lengths(dtype):
    count = lanes(dtype)
    assert count * np.dtype(dtype).itemsize == VECTOR_BYTES
    assert [padded(n, dtype) for n in (0, 1, count, count + 1)] == [0, count, count, 2 * count]


@pytest.mark.nojit
def test_all_that_vectors_can_do(rng, dtype):
    a, b = rng.normal(size=(2, 3 * lanes(dtype))).astype(dtype)
    scalar, out, extremes = dtype(0.75), np.empty((6, a.size), dtype), np.zeros(3, dtype)
    combine(a, b, scalar, out, extremes)
    close = 4 * np.finfo(dtype).eps  # products may be added unrounded
    np.testing.assert_allclose(out[0], a + b * scalar, rtol=0, atol=close * np.abs([a, b]).max())
    np.testing.assert_allclose(out[1], (a - scalar) / b, rtol=close)
    np.testing.assert_array_equal(out[2], np.abs(a))
    np.testing.assert_array_equal(out[3], np.maximum(a, b))
    np.testing.assert_array_equal(out[4], np.where(a > b, scalar, b))
    np.testing.assert_array_equal(out[5], np.where(a == a[0], b, a))
    assert extremes[:2].tolist() == [b.max(), b.min()]
    np.testing.assert_allclose(extremes[2], a.sum(dtype=np.float64), rtol=0, atol=a.size * close * np.abs(a).max())


@pytest.mark.nojit
def test_what_is_not_a_number_is_not_larger(dtype):
    a, b = np.ones((2, lanes(dtype)), dtype)
    a[3], b[5] = np.nan, -np.inf
    out = np.empty((6, a.size), dtype)
    combine(a, b, dtype(2), out, np.zeros(3, dtype))
    assert out[3].tolist() == [1.0] * a.size  # the other number stands where the first is none
    assert not (out[4] == 2)[3]
    assert (out[4] == 2)[5]
    assert np.isnan(out[2, 3])


@pytest.mark.nojit
@pytest.mark.parametrize("start", [0, 1, 5])
def test_rows_at_any_place(rng, dtype, start):
    count = lanes(dtype)
    Q, c, w = (rng.normal(size=s).astype(dtype) for s in ((7, start + 2 * count), start + 2 * count, 7))
    out = np.full(c.size, 9, dtype)
    weighted_rows(Q, c, w, start, out)
    expected = np.append(np.full(start, 9), (c - w @ Q)[start:])
    np.testing.assert_allclose(out, expected, rtol=0, atol=20 * np.finfo(dtype).eps)


@pytest.mark.nojit
@pytest.mark.parametrize("n_features", [1, 3, 17, 144])
def test_asking_memory_for_rows_changes_nothing(rng, dtype, n_features):
    X = rng.integers(-9, 10, size=(5, n_features)).astype(dtype)
    before, out = X.copy(), np.zeros(n_features, dtype)
    sum_of_rows(X, np.arange(5, dtype=np.int32), out)
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(out, X.sum(axis=0))


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="is about compiled code")
def test_memory_is_asked_in_compiled_code(dtype):
    ask = numba.njit(lambda values: prefetch(values, 0))  # noqa: TID251 - nothing is loaded from disk
    ask(np.ones(3, dtype))
    assert all("llvm.prefetch" in code for code in ask.inspect_llvm().values())
