"""Rows of a problem over threads that run Numba kernels; the caller can always be interrupted."""

import functools
import itertools
import os
import threading
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

import joblib
import numpy as np

#: The flag that stops the work of a worker, while it has some.
_of_thread = threading.local()

_PATIENCE = 0.2  # seconds granted to workers after Ctrl-C; kernels poll `stop` far more often


def run_chunks(task, n_rows, *, n_jobs=None, chunk_rows=64, prepare=None):
    """Call ``task(start, end, stop, *prepare())`` for consecutive chunks of rows, on up to `n_jobs` threads.

    Chunks have a constant size, so results cannot depend on `n_jobs`. Workers run kernels without the
    GIL and must call no BLAS. The calling thread only waits: on Ctrl-C (or any exception) ``stop[0]``
    becomes 1, which kernels poll, and the exception is raised. A task may itself call it: its chunks then run in its
    own thread.

    Parameters
    ----------
    task : callable
        Writes its rows ``start:end`` into arrays of its own; `stop` is an int32 array of one element.
    n_rows : int
        Number of rows in all.
    n_jobs : int or None
        Threads, as in scikit-learn: None is 1 unless in a `joblib.parallel_config`, -1 is all cores.
    chunk_rows : int
        Rows a call.
    prepare : callable or None
        Makes what a thread needs for its chunks, such as work arrays; called once in each thread.
    """
    if n_rows == 0:
        return
    outer = getattr(_of_thread, "stop", None)
    if outer is not None:
        # A worker that waits for others of its pool may wait for ever
        prepared = () if prepare is None else prepare()
        for start in range(0, n_rows, chunk_rows):
            if outer[0]:
                return
            task(start, min(start + chunk_rows, n_rows), outer, *prepared)
        return
    stop = np.zeros(1, dtype=np.int32)
    starts = itertools.count(0, chunk_rows)
    turn = threading.Lock()

    def work():
        _of_thread.stop = stop
        try:
            prepared = () if prepare is None else prepare()
            while not stop[0]:
                with turn:
                    start = next(starts)
                if start >= n_rows:
                    return
                task(start, min(start + chunk_rows, n_rows), stop, *prepared)
        finally:
            _of_thread.stop = None

    n_threads = min(count_threads(n_jobs), -(-n_rows // chunk_rows))
    futures = []
    try:
        futures += [_threads().submit(work) for _ in range(n_threads)]
        wait(futures, return_when=FIRST_EXCEPTION)
        for future in futures:
            if future.done():
                future.result()
        wait(futures)
    except BaseException:
        stop[0] = 1
        # A worker that is compiling cannot be stopped; it must not hold the user's prompt, nor the next call.
        wait(futures, timeout=_PATIENCE)
        _threads.cache_clear()
        raise


@functools.lru_cache(maxsize=1)
def _threads():
    """Return threads that wait for work between calls; new ones start where all are at work, up to a bound."""
    return ThreadPoolExecutor(16 * (os.cpu_count() or 1), thread_name_prefix="sparsecode")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_threads.cache_clear)  # the child has none of them


def count_threads(n_jobs):
    """Return the number of threads that `n_jobs` stands for here, at most the number of cores."""
    return max(1, min(joblib.effective_n_jobs(n_jobs), os.cpu_count() or 1))
