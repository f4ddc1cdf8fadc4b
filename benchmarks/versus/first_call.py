"""What is waited for once: import and first l1 codes in a new process, with kernels compiled, or loaded from disk."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import peers

SHAPE, ALPHA = (20, 144, 288), 0.5  # rows, features, atoms

SETTINGS = "nothing on disk", "kernels on disk"

CHILD = "import sys; sys.path.insert(0, sys.argv[1]); import first_call; first_call.measure(sys.argv[2])"


def ours(X, D, alpha):
    """Return l1 codes by this library."""
    from sparsecode.penalties import L1
    from sparsecode.solvers import solve

    return lambda: solve(X, D, L1(alpha)).codes


METHODS = {
    "sparsecode": ours,
    "SPAMS": lambda X, D, alpha: peers.spams_lasso(X, D, alpha, 1),
    "scikit-learn": lambda X, D, alpha: peers.scikit_learn_lasso(X, D, alpha, 1e-6, 1),
    "celer": lambda X, D, alpha: peers.celer(X, D, alpha, 1e-6),
    "skglm": lambda X, D, alpha: peers.skglm(X, D, alpha, 1e-4),
}


def run(report):
    """Report seconds of the first call, with an empty folder of compiled kernels, and then with what it holds."""
    X, D = problem()
    ours = None
    for name in METHODS:
        with tempfile.TemporaryDirectory() as folder:
            seconds = [in_new_process(name, folder) for _ in SETTINGS]
        if None in seconds:
            print(f"{name} is left out")
            continue
        ours = ours or seconds
        for setting, mine, theirs in zip(SETTINGS, ours, seconds, strict=True):
            report.add_time("first-call", X, len(D), 1, setting, name, theirs, theirs / mine)


def problem():
    """Return rows and unit atoms of random numbers."""
    n, F, K = SHAPE
    rng = np.random.default_rng(0)
    D = rng.standard_normal((K, F))
    return rng.standard_normal((n, F)), D / np.linalg.norm(D, axis=1, keepdims=True)


def in_new_process(name, folder):
    """Return the seconds that a new process has measured, None if the library is not there."""
    environment = os.environ | {"NUMBA_CACHE_DIR": folder}
    command = [sys.executable, "-c", CHILD, str(Path(__file__).parent), name]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    return float(done.stdout) if done.returncode == 0 else None


def measure(name):
    """Print the seconds of import and first call."""
    X, D = problem()
    started = time.perf_counter()
    METHODS[name](X, D, ALPHA)()
    print(time.perf_counter() - started)
