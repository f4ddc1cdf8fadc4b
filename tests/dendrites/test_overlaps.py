"""Overlaps of segments with rows: by lists, by bits, votes and counts, against products and plain sums."""

import signal
import sys
import threading
import time

import numpy as np
import pytest
from scipy.sparse import csr_array

from sparsecode.dendrites import _overlaps
from sparsecode.dendrites._overlap_kernels import WIDTH
from sparsecode.dendrites._overlaps import (
    active_by_bits,
    active_segments,
    foreign_overlaps,
    make_wiring,
    overlaps_of,
    votes_of,
)

from ..reference.dendrites import overlaps


def problem(rng, n_rows=70, n_cells=50, n_segments=30, density=0.2, most=12):
    """Rows, one of them empty, one full; segments of different sizes, one without a synapse."""
    X = rng.random((n_rows, n_cells)) < density
    X[3], X[4] = False, True
    synapses = np.zeros((n_segments, n_cells), bool)
    for segment in synapses:
        segment[rng.permutation(n_cells)[: rng.integers(1, most + 1)]] = True
    synapses[2] = False
    return X, synapses


def canonical(codes):
    assert isinstance(codes, csr_array)
    assert codes.has_canonical_format
    assert codes.indices.dtype == np.int32
    return codes.toarray()


@pytest.mark.nojit
def test_overlaps_are_the_sums(rng):
    X, synapses = problem(rng)
    wiring = make_wiring(csr_array(synapses))
    expected = overlaps([np.flatnonzero(segment) for segment in synapses], X)
    for least in (1, 2, 40):
        found = canonical(overlaps_of(wiring, X, np.full(30, least, np.int16)))
        assert found.dtype == np.int16
        np.testing.assert_array_equal(found, expected * (expected >= least))
    each = rng.integers(1, 5, 30).astype(np.int16)
    for codes in (active_by_bits(wiring, X, each), active_segments(wiring, csr_array(X), each)):
        assert codes.dtype == bool
        np.testing.assert_array_equal(canonical(codes), expected >= each)
    owners = np.sort(rng.integers(0, 4, 30)).astype(np.int32)
    owners[owners == 2] = 1  # one that has none
    votes = votes_of(wiring, X, each, owners, 4)
    for c in range(4):
        own = expected[:, owners == c]
        theta = each[owners == c]
        np.testing.assert_array_equal(votes.n_active[:, c], (own >= theta).sum(axis=1))
        np.testing.assert_array_equal(votes.excess[:, c], np.maximum(own - theta + 1, 0).sum(axis=1))
        np.testing.assert_array_equal(votes.largest[:, c], own.max(axis=1, initial=0))
    labels = rng.integers(-1, 4, len(X)).astype(np.int32)
    foreign = foreign_overlaps(wiring, X, owners, labels, 12)
    for j, counts in enumerate(foreign):
        np.testing.assert_array_equal(counts, np.bincount(expected[labels != owners[j], j], minlength=13))


@pytest.mark.parametrize("shape", [(300, 400, 2 * WIDTH + 77, 0.02), (1100, 60, 900, 0.3), (520, 3000, 500, 0.05)])
def test_all_ways_equal_the_sparse_product(rng, shape, monkeypatch):
    """Several blocks of segments and of rows, threads, and room for a few rows only."""
    monkeypatch.setattr(_overlaps, "ROOM", 50)
    n_rows, n_cells, S, density = shape
    X, synapses = problem(rng, n_rows, n_cells, S, density, most=31)
    wiring, X = make_wiring(csr_array(synapses)), csr_array(X)
    product = csr_array(X.astype(np.int16) @ csr_array(synapses.T).astype(np.int16))
    product.sort_indices()
    each = rng.integers(1, 9, S).astype(np.int16)
    for n_jobs in (1, 2):
        found = overlaps_of(wiring, X, np.ones(S, np.int16), n_jobs)
        for part in ("data", "indices", "indptr"):
            np.testing.assert_array_equal(getattr(found, part), getattr(product, part))
        expected = product.toarray() >= each
        np.testing.assert_array_equal(canonical(active_by_bits(wiring, X, each, n_jobs)), expected)
        np.testing.assert_array_equal(canonical(active_segments(wiring, X, each, n_jobs)), expected)
        owners = np.arange(S, dtype=np.int32) * 7 // S
        votes = votes_of(wiring, X, each, owners, 7, n_jobs)
        np.testing.assert_array_equal(votes.n_active, expected @ np.eye(7, dtype=int)[owners])
        foreign = foreign_overlaps(wiring, X, owners, np.zeros(n_rows, np.int32), 31, n_jobs)
        others = np.flatnonzero(owners)
        of_one = np.apply_along_axis(np.bincount, 0, product.toarray()[:, others[:50]], minlength=32)
        np.testing.assert_array_equal(foreign[others[:50]], of_one.T)
        assert not foreign[owners == 0].any()


def test_bits_are_for_dense_rows_of_short_segments(rng, monkeypatch):
    calls = []
    monkeypatch.setattr(_overlaps, "active_by_bits", lambda *args: calls.append("bits"))
    X, synapses = problem(rng, 600, 200, 20, 0.1)
    long = synapses.copy()
    long[0, :32] = True
    each = np.full(20, 3, np.int16)
    for rows, cells in ((X, synapses), (X[:500], synapses), (X & (rng.random(X.shape) < 0.1), synapses), (X, long)):
        active_segments(make_wiring(csr_array(cells)), rows, each)
    assert calls == ["bits"]


@pytest.mark.nojit
def test_no_segments(rng):
    wiring = make_wiring(csr_array((0, 50), dtype=bool))
    X, none = rng.random((5, 50)) < 0.3, np.zeros(0, np.int16)
    assert overlaps_of(wiring, X, none).shape == (5, 0)
    assert active_by_bits(wiring, X, none).shape == (5, 0)
    assert not votes_of(wiring, X, none, np.zeros(0, np.int32), 2).largest.any()


@pytest.fixture
def interruptible():
    """Python's own answer to SIGINT, which a process started in the background of a shell does not have."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT cannot be sent to one thread on Windows")
def test_calls_are_interrupted(rng):
    """Some seconds of overlaps end within half a second of an interrupt, by lists and by bits."""
    X = csr_array(rng.random((20_000, 500)) < 0.02)
    dense = csr_array(rng.random((20_000, 500)) < 0.3)
    synapses = np.zeros((200_000, 500), bool)
    np.put_along_axis(synapses, rng.integers(0, 500, (200_000, 20)), True, axis=1)
    wiring, each = make_wiring(csr_array(synapses)), np.full(200_000, 19, np.int16)
    for call in (overlaps_of, active_by_bits):
        rows = X if call is overlaps_of else dense
        call(wiring, rows[:1], each)
        main = threading.main_thread().ident
        threading.Timer(0.3, lambda main=main: signal.pthread_kill(main, signal.SIGINT)).start()
        started = time.perf_counter()
        with pytest.raises(KeyboardInterrupt):
            call(wiring, rows, each)
        assert time.perf_counter() - started < 1.3  # on a machine that others use too
