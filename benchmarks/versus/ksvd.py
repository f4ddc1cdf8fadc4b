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

#: Solvers of ours, and epochs of dictlearn after which its error is a goal; a quick run has the first of both.
SOLVERS, EPOCHS = ("omp", "replacement"), (5, 20)

#: Epochs that are tried, each time from the first atoms; then those between the first that will do and the one before.
TRIED = (1, 2, 4, 6, 9, 12, 15, 20, 30)

#: Errors of all have the same digits but for rounding, which must not cost an epoch.
ROUNDING = 1e-6


def run(report, dtype, threads, rounds, quick):
    """Compare numbers of atoms; all begin with the same patches as atoms."""
    other, training = (rows.astype(dtype) for rows in patches(FEATURES))
    training, measure = training[: TRAINING // (2 if quick else 1)], relative_error_of(other[:HELD_OUT])
    solvers, epochs = (values[: 1 if quick else None] for values in (SOLVERS, EPOCHS))
    for n_components in ATOMS[1:] if quick else ATOMS:
        init = training[np.linspace(0, len(training) - 1, n_components).astype(int)]
        init = init / np.linalg.norm(init, axis=1, keepdims=True)
        peers.dictlearn_atoms(training[:500], init, ACTIVE, 1)()  # compiled before the clock runs
        for solver in solvers:
            fit(training[:500], init, solver, threads, 1, measure)
        compare(report, training, init, solvers, epochs, threads, rounds, measure)


def compare(report, X, init, solvers, goals_after, threads, rounds, measure):
    """Report the time to the errors of dictlearn after some epochs.

    The epochs that it takes are found before the clock runs: each fit of so many gives the same atoms.
    """
    fits = {f"sparsecode {solver}": partial(fit, X, init, solver, threads, measure=measure) for solver in solvers}
    fits["dictlearn"] = partial(fit_dictlearn, X, init, measure=measure)
    curves = {name: {} for name in fits}
    curves["dictlearn"] = {epochs: fits["dictlearn"](epochs) for epochs in goals_after}
    goals = {epochs: error for epochs, (_, error) in curves["dictlearn"].items()}
    for epochs, goal in goals.items():
        needed = {name: find_epochs(fits[name], curves[name], goal) for name in fits}
        seconds = {name: [] for name in fits}
        for _ in range(rounds):
            for name, least in needed.items():
                seconds[name].append(fits[name](least)[0] if least else np.inf)
        for name, taken in seconds.items():
            setting = f"k = {ACTIVE}, error {goal:.4f}, of dictlearn after {epochs}"
            ratio = np.median(np.array(taken) / seconds[f"sparsecode {solvers[0]}"])
            report.add_time("ksvd", X, len(init), threads, setting, name, np.median(taken), ratio)
    points = {name: [curve[epochs] for epochs in sorted(curve)] for name, curve in curves.items()}
    report.add_curves("ksvd", X, len(init), threads, points)


def find_epochs(learn, curve, goal):
    """Return a small number of epochs with an error not above the goal, or None.

    `curve` has the seconds and error of each number of epochs that has been tried, and gets others.
    """

    def reached(epochs):
        if epochs not in curve:
            curve[epochs] = learn(epochs)
        return curve[epochs][1] <= goal * (1 + ROUNDING)

    candidates = sorted({*TRIED, *curve})
    last = next((epochs for epochs in candidates if reached(epochs)), None)
    if last is None:
        return None
    before = max((epochs for epochs in candidates if epochs < last), default=0)
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
