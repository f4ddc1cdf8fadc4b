"""K-SVD: time until the pooled relative error of other patches, coded by pursuit of k atoms, is that of dictlearn."""

import numpy as np
import peers
from curves import trace
from problems import patches

from sparsecode import SparseCoder
from sparsecode.penalties import KSparse
from sparsecode.solvers import solve

FEATURES, ATOMS, ACTIVE = 144, (144, 288), 8
TRAINING, HELD_OUT = 20_000, 2000

#: Epochs of dictlearn whose error is the goal, and epochs that are tried here, each from the first atoms.
EPOCHS, TRIED = (5, 20), (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30)


def run(report, dtype, threads, rounds, quick):
    """Compare numbers of atoms; all begin with the same patches as atoms."""
    other, training = (rows.astype(dtype) for rows in patches(FEATURES))
    training, measure = training[:TRAINING], relative_error_of(other[:HELD_OUT])
    for n_components in ATOMS[1:] if quick else ATOMS:
        init = training[np.linspace(0, TRAINING - 1, n_components).astype(int)]
        init = init / np.linalg.norm(init, axis=1, keepdims=True)
        peers.dictlearn_atoms(training[:500], init, ACTIVE, 1)()  # compiled before the clock runs
        for solver in ("omp", "replacement"):
            ours(training[:500], init, solver, threads, measure, np.inf)
        compare(report, training, init, threads, rounds, measure, EPOCHS[:1] if quick else EPOCHS)


def compare(report, X, init, threads, rounds, measure, goal_epochs):
    """Report the time to the errors of dictlearn after some epochs."""
    times = {epochs: {} for epochs in goal_epochs}
    for turn in range(rounds):
        goals = {}
        for epochs in goal_epochs:
            once = (run() for run in [peers.dictlearn_atoms(X, init, ACTIVE, epochs)])
            goals[epochs] = trace("dictlearn", once, measure, until=-np.inf, cap=np.inf).points[0]
        lowest = min(error for _, error in goals.values())
        curves = {
            f"sparsecode {name}": ours(X, init, name, threads, measure, lowest) for name in ("omp", "replacement")
        }
        for epochs, (seconds, goal) in goals.items():
            times[epochs].setdefault("dictlearn", []).append(seconds)
            for name, points in curves.items():
                reached = next((seconds for seconds, error in points if error <= goal), np.inf)
                times[epochs].setdefault(name, []).append(reached)
        if turn == 0:
            report.add_curves("ksvd", X, len(init), threads, {"dictlearn": list(goals.values()), **curves})
    for epochs, by_name in times.items():
        setting = f"k = {ACTIVE}, error {goals[epochs][1]:.4f}, of dictlearn after {epochs}"
        for name, seconds in by_name.items():
            ratio = np.median(np.array(seconds) / by_name["sparsecode omp"])
            report.add_time("ksvd", X, len(init), threads, setting, name, np.median(seconds), ratio)


def ours(X, init, solver, threads, measure, goal):
    """Return points of (seconds, error) for whole fits of more and more epochs, until the goal is reached."""
    points = []
    for epochs in TRIED:
        settings = {"n_nonzero_coefs": ACTIVE, "solver": solver, "max_iter": epochs, "tol": 0, "n_jobs": threads}
        coder = SparseCoder(init=init, learning="k-svd", **settings)
        once = (c.fit(X).components_ for c in [coder])
        points += trace(solver, once, measure, until=-np.inf, cap=np.inf).points
        if points[-1][1] <= goal:
            break
    return points


def relative_error_of(X):
    """Return the function of atoms that is the relative error of X coded by `ACTIVE` of them, by orthogonal pursuit."""

    def measure(D):
        D = np.ascontiguousarray(D, X.dtype)
        result = solve(X, D, KSparse(ACTIVE), solver="omp", n_jobs=-1)
        return float(result.square_error.sum() / np.square(X, dtype=np.float64).sum())

    return measure
