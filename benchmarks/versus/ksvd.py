"""K-SVD: time until the pooled relative error of other patches, coded by pursuit of k atoms, is that of dictlearn."""

from functools import partial

import numpy as np
import peers
from problems import patches
from timing import seconds_of

from sparsecode import SparseCoder
from sparsecode.penalties import KSparse
from sparsecode.solvers import solve

FEATURES, ATOMS, ACTIVE = 144, (144, 288), 8
TRAINING, HELD_OUT = 20_000, 2000

#: Epochs of dictlearn whose error is the goal, and epochs that are tried here, each from the first atoms, before those
#: between the last two.
EPOCHS, TRIED = (5, 20), (1, 2, 4, 6, 9, 12, 15, 20, 30)


def run(report, dtype, threads, rounds, quick):
    """Compare numbers of atoms; all begin with the same patches as atoms."""
    other, training = (rows.astype(dtype) for rows in patches(FEATURES))
    training, measure = training[:TRAINING], relative_error_of(other[:HELD_OUT])
    for n_components in ATOMS[1:] if quick else ATOMS:
        init = training[np.linspace(0, TRAINING - 1, n_components).astype(int)]
        init = init / np.linalg.norm(init, axis=1, keepdims=True)
        peers.dictlearn_atoms(training[:500], init, ACTIVE, 1)()  # compiled before the clock runs
        for solver in ("omp", "replacement"):
            fit(training[:500], init, solver, threads, 1, measure)
        compare(report, training, init, threads, rounds, measure, EPOCHS[:1] if quick else EPOCHS)


def compare(report, X, init, threads, rounds, measure, goal_epochs):
    """Report the time to the errors of dictlearn after some epochs.

    Each round gives the same atoms, so that the first one tells how many epochs it takes.
    """
    peer = partial(fit_dictlearn, X, init, measure=measure)
    goals = {epochs: peer(epochs) for epochs in goal_epochs}
    fits = {
        f"sparsecode {solver}": partial(fit, X, init, solver, threads, measure=measure)
        for solver in ("omp", "replacement")
    }
    curves = {name: {} for name in fits}
    needed = {
        (name, epochs): least_epochs(fits[name], curves[name], goal)
        for name in fits
        for epochs, (_, goal) in goals.items()
    }
    report.add_curves(
        "ksvd",
        X,
        len(init),
        threads,
        {"dictlearn": list(goals.values())} | {name: sorted(curve.values()) for name, curve in curves.items()},
    )
    times = {epochs: {name: [] for name in ("dictlearn", *fits)} for epochs in goal_epochs}
    for _ in range(rounds):
        for epochs, by_name in times.items():
            by_name["dictlearn"].append(peer(epochs)[0])
            for name in fits:
                ours = needed[name, epochs]
                by_name[name].append(fits[name](ours)[0] if ours else np.inf)
    for epochs, by_name in times.items():
        setting = f"k = {ACTIVE}, error {goals[epochs][1]:.4f}, of dictlearn after {epochs}"
        for name, seconds in by_name.items():
            ratio = np.median(np.array(seconds) / by_name["sparsecode omp"])
            report.add_time("ksvd", X, len(init), threads, setting, name, np.median(seconds), ratio)


def least_epochs(fit, curve, goal):
    """Return the least number of epochs with an error not above the goal, or None.

    `curve` has the seconds and error of each number of epochs that has been tried, and gets others.
    """

    def reached(epochs):
        if epochs not in curve:
            curve[epochs] = fit(epochs)
        return curve[epochs][1] <= goal

    last = next((epochs for epochs in TRIED if reached(epochs)), None)
    if last is None:
        return None
    before = max((epochs for epochs in TRIED if epochs < last), default=0)
    return next(epochs for epochs in range(before + 1, last + 1) if reached(epochs))


def fit(X, init, solver, threads, epochs, measure):
    """Return the seconds and the error of a whole fit."""
    settings = {"n_nonzero_coefs": ACTIVE, "solver": solver, "max_iter": epochs, "tol": 0, "n_jobs": threads}
    coder = SparseCoder(init=init, learning="k-svd", **settings)
    return only_point(lambda: coder.fit(X).components_, measure)


def fit_dictlearn(X, init, epochs, measure):
    """Return the seconds and the error of dictlearn."""
    return only_point(peers.dictlearn_atoms(X, init, ACTIVE, epochs), measure)


def only_point(learn, measure):
    """Return how many seconds it takes to learn atoms, and what they are worth, measured outside the clock."""
    seconds, D = seconds_of(learn)
    return seconds, measure(D)


def relative_error_of(X):
    """Return the function of atoms that is the relative error of X coded by `ACTIVE` of them, by orthogonal pursuit."""

    def measure(D):
        D = np.ascontiguousarray(D, X.dtype)
        result = solve(X, D, KSparse(ACTIVE), solver="omp", n_jobs=-1)
        return float(result.square_error.sum() / np.square(X, dtype=np.float64).sum())

    return measure
