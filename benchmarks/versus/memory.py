"""An associative memory: a row stored and recalled, against the same step in NumPy and a scan of all items by faiss."""

import warnings

import numpy as np
import peers
from timing import Method, take_turns

from sparsecode.sdr import MacrocolumnMemory, capacity

FEATURES, ACTIVE, MODULES, UNITS = 784, 100, 70, 20

#: Items of the scan; rows to recall, of which slow methods do a part; and memories of more and more items.
SCANNED, QUERIES, PART, STORED = 60_000, 4000, 200, (100, 1000, 10_000, 100_000)


def run(report, dtype, threads, rounds, quick):
    """Compare recall, storing, and the time of both as items come."""
    X = items(QUERIES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # more than its capacity is stored on purpose
        memory = MacrocolumnMemory(MODULES, UNITS, random_state=0, n_jobs=threads).fit(X[:400])
        compare(report, memory, X, threads, rounds)
        grow(report, X, threads, rounds, STORED[:3] if quick else STORED)


def compare(report, memory, X, threads, rounds):
    """Report a row recalled and stored; ours first."""
    methods = [
        Method("sparsecode recall", lambda: memory.familiarity(X), len(X)),
        Method("sparsecode codes (CSR)", recall_sparse(memory, X), len(X)),
        Method("sparsecode store", lambda: empty(memory).fit(X), len(X)),
        Method("NumPy recall, row by row", peers.numpy_recall(X[:PART], memory.weights_), PART),
        Method("NumPy recall, float32 product", peers.blas_recall(X, memory.weights_), len(X)),
    ]
    try:
        methods.append(Method(f"faiss, {SCANNED} items", peers.faiss_nearest(X[:PART], items(SCANNED), threads), PART))
    except ImportError as error:
        print(f"faiss is left out: {error}")
    timings = take_turns(methods, rounds)
    setting = f"Q = {MODULES}, K = {UNITS}, {ACTIVE} active, capacity {capacity(FEATURES, ACTIVE, UNITS):.0f}"
    report.add("memory", X, np.empty(MODULES * UNITS), threads, setting, timings, lambda timing: "")


def grow(report, X, threads, rounds, sizes):
    """Report recall by memories of more and more items, the smallest first."""
    memories = [MacrocolumnMemory(MODULES, UNITS, random_state=0, n_jobs=threads).fit(items(n)) for n in sizes]
    methods = [
        Method(f"sparsecode, {n} items", lambda memory=memory: memory.familiarity(X), len(X))
        for n, memory in zip(sizes, memories, strict=True)
    ]
    timings = take_turns(methods, rounds)

    def quality(timing):
        n = sizes[methods.index(timing.method)]
        memory = memories[methods.index(timing.method)]
        recalled = (memory.recall(items(min(n, 200))) == items(min(n, 200))).all(axis=1).mean()
        return f"{recalled:.0%} of its first items recalled exactly"

    report.add("memory", X, np.empty(MODULES * UNITS), threads, "recall as items come", timings, quality)


def recall_sparse(memory, X):
    """Return what is to be timed: codes as winners in a CSR array."""
    memory.set_params(sparse_output=True)
    return lambda: memory.transform(X)


def empty(memory):
    """Return a memory with the same parameters."""
    return MacrocolumnMemory(**memory.get_params())


def items(n):
    """Return random rows of zeros and ones with equally many ones; the first are the same for any n."""
    rng = np.random.default_rng(0)
    X = np.zeros((n, FEATURES), bool)
    for start in range(0, n, 1000):
        ones = np.argpartition(rng.random((1000, FEATURES)), ACTIVE, axis=1)[: n - start, :ACTIVE]
        np.put_along_axis(X[start : start + 1000], ones, True, axis=1)
    return X
