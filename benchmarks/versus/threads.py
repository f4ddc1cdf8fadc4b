"""Two threads of one process against two processes of one thread, which share nothing and so wait for nothing."""

import multiprocessing

import numpy as np
from problems import weight_for
from timing import Method, take_turns

from sparsecode.penalties import L1, KSparse
from sparsecode.solvers import solve

#: Rows of a call as it is made while learning; share of active coefficients of l1, and number of those of pursuit.
BATCH, ACTIVE, COUNT = 256, 0.05, 10


def run(report, X, D, threads, rounds, quick):
    """Compare l1 and pursuit of many rows, and l1 of a batch at a time; quickly in float64 alone."""
    if threads == 1 or (quick and X.dtype == np.float32):
        return
    l1 = L1(weight_for(X.astype(float), D.astype(float), ACTIVE))
    settings = {
        f"l1, {ACTIVE:.0%} active": (l1, "auto", len(X)),
        f"omp, k = {COUNT}": (KSparse(COUNT), "omp", len(X)),
        f"l1, {ACTIVE:.0%} active, {BATCH} rows a call": (l1, "auto", BATCH),
    }
    with Team(X, D, threads) as team:
        for setting, work in settings.items():
            methods = [
                Method(f"sparsecode, threads {threads}", lambda work=work: code(X, D, *work, threads), len(X)),
                Method(f"sparsecode, processes {threads}", lambda work=work: team.run(work), len(X)),
            ]
            timings = take_turns(methods, max(5, rounds))
            report.add("threads", X, D, threads, setting, timings, lambda timing: f"{timing.result} coefficients")


def code(X, D, penalty, solver, size, n_jobs):
    """Return the number of coefficients of all rows, coded `size` at a time."""
    total = 0
    for start in range(0, len(X), size):
        rows = X[start : start + size]
        total += solve(rows, D, penalty, solver=solver, n_jobs=n_jobs, sparse_output=True).codes.nnz
    return total


class Team:
    """Processes that each keep an equal part of the rows, and code it on a signal."""

    def __init__(self, X, D, n_processes):
        # Started anew: forked ones would begin with memory of this one
        context = multiprocessing.get_context("spawn")
        self.members = []
        for i in range(n_processes):
            part = X[i * len(X) // n_processes : (i + 1) * len(X) // n_processes]
            connection, other = context.Pipe()
            process = context.Process(target=serve, args=(other, part, D), daemon=True)
            process.start()
            other.close()
            self.members.append((process, connection))

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for process, connection in self.members:
            connection.close()
            process.join()

    def run(self, work):
        """Return the number of coefficients of all parts, when all are coded."""
        for _, connection in self.members:
            connection.send(work)
        return sum(connection.recv() for _, connection in self.members)


def serve(connection, X, D):
    """Code the rows whenever told to, until nobody is there to tell."""
    try:
        while True:
            connection.send(code(X, D, *connection.recv(), 1))
    except (EOFError, KeyboardInterrupt):
        return
