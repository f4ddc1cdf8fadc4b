"""Ctrl-C stops every solver in the middle of a row."""

import signal
import sys
import threading
import time
import traceback

import numpy as np
import pytest

from sparsecode.penalties import CEL0, L0, L1, KSparse
from sparsecode.solvers import SOLVERS, debias, solve, solve_separable

#: Penalties with which a row of the problem below takes each solver more than 10 ms.
LONG = {
    "active-set": L1(1e-4),
    "replacement": CEL0(1e-6),
    "greedy": L1(1e-4),
    "cyclic": L1(1e-4),
    "forward-backward": L1(1e-4),
    "lca": L1(1e-4),
    "omp": KSparse(400),
    "ormp": KSparse(400),
    "mp": L0(1e-12),
    "niht": KSparse(200),
    "irl1": CEL0(1e-6),
    "sparse-set": L0(1e-6),
}


def at_work():
    """Return the number of workers that have rows; others may wait for the next call, if Ctrl-C came between two."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    stacks = [
        traceback.walk_stack(frame)
        for ident, frame in sys._current_frames().items()
        if names.get(ident, "").startswith("sparsecode")
    ]
    return sum(any(frame.f_code.co_qualname == "run_chunks.<locals>.work" for frame, _ in stack) for stack in stacks)


@pytest.fixture
def interruptible():
    """Python's own answer to SIGINT, which a process started in the background of a shell does not have."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT cannot be sent to one thread on Windows")
@pytest.mark.parametrize("name", [*SOLVERS, "debias", "separable"])
def test_ctrl_c_is_answered_and_workers_end(name):
    rng = np.random.default_rng(0)
    X, D = rng.normal(size=(640, 400)), rng.normal(size=(800, 400))
    if name == "sparse-set":  # a row takes 0.15 ms
        X = np.tile(X, (30, 1))

    def call(X, D):
        if name == "debias":
            return debias(X, D, np.ones((len(X), len(D))))
        if name == "separable":
            m = int(X.shape[1] ** 0.5)
            return solve_separable(X[:, : m * m].reshape(-1, m, m), (D[:40, :m], D[:40, :m]), L1(1e-4), tol=0)
        return solve(X, D, LONG[name], solver=name, tol=0)

    call(X[:2, :3], D[:2, :3])  # compiled before the clock runs
    main = threading.main_thread().ident
    sent = []

    def interrupt():
        sent.append(time.monotonic())
        signal.pthread_kill(main, signal.SIGINT)

    timer = threading.Timer(0.2, interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        call(X, D)
    # 0.5 s is promised (measured: 2 to 20 ms); twice that is allowed for a machine busy with other things
    while at_work() and time.monotonic() - sent[0] < 1.0:
        time.sleep(0.001)
    assert time.monotonic() - sent[0] < 1.0
    assert not at_work()
