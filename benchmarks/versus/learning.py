"""Atoms for l1 codes: time until the mean objective of other patches, coded exactly, is that of SPAMS."""

import numpy as np
import peers
from curves import trace
from problems import patches

from sparsecode import SparseCoder
from sparsecode.penalties import L1
from sparsecode.solvers import objective, solve

FEATURES, ATOMS = 144, (144, 288)
ALPHA = 0.5

#: Passes of SPAMS over the patches; how many times as long as its longest run others may take; both for a quick run.
EPOCHS, PATIENCE = (1, 3, 10), 10
QUICK = (3,), 2

#: Rows after which the objective is looked at, rows that it is measured on, rows of a batch here and in SPAMS, and rows
#: of a batch of scikit-learn, its default.
PIECE, HELD_OUT, BATCH, STEP = 2560, 5000, 512, 256


def run(report, dtype, threads, rounds, quick):
    """Compare numbers of atoms."""
    other, training = (rows.astype(dtype) for rows in patches(FEATURES))
    measure = mean_objective_of(other[:HELD_OUT])
    for n_components in ATOMS[1:] if quick else ATOMS:
        for learner in ours(training[:512], n_components, threads, 0).values():
            next(learner)  # what is compiled or loaded is, before the clock runs
        compare(report, training, n_components, threads, rounds, measure, quick)


def compare(report, X, n_components, threads, rounds, measure, quick):
    """Report the time that each learner takes to the objectives of SPAMS after some passes."""
    passes, patience = QUICK if quick else (EPOCHS, PATIENCE)
    times = {}  # by passes of SPAMS and by name, one for each round
    for turn in range(rounds):
        goals = {epochs: peers_goal(X, n_components, threads, epochs, measure) for epochs in passes}
        limits = {"until": min(goal for _, goal in goals.values()),
                  "cap": patience * max(seconds for seconds, _ in goals.values())}  # fmt: skip
        learners = ours(X, n_components, threads, turn)
        if turn == 0 and not quick:  # minutes
            learners["scikit-learn"] = peers.scikit_learn_atoms(X, n_components, ALPHA, STEP, PIECE // STEP)
        curves = [trace(name, atoms, measure, **limits) for name, atoms in learners.items()]
        for epochs, (seconds, goal) in goals.items():
            times.setdefault(epochs, {}).setdefault("SPAMS", []).append(seconds)
            for curve in curves:
                times[epochs].setdefault(curve.name, []).append(curve.seconds_to(goal))
        if turn == 0:
            first = goals, curves
    goals, curves = first
    spams = [(seconds, goal) for seconds, goal in goals.values()]
    report.add_curves("learning", X, n_components, threads, {"SPAMS": spams, **{c.name: c.points for c in curves}})
    for epochs, by_name in times.items():
        fastest = by_name["sparsecode"]
        for name, seconds in by_name.items():
            ratio = np.median([s / ours for s, ours in zip(seconds, fastest, strict=False)])
            setting = f"objective {goals[epochs][1]:.4f}, of SPAMS after {epochs}"
            report.add_time("learning", X, n_components, threads, setting, name, np.median(seconds), ratio)


def ours(X, n_components, threads, seed):
    """Return iterators over atoms of this library by name, one step for `PIECE` rows; the first is the default."""

    def learn(homeostasis):
        rng = np.random.default_rng(seed)
        settings = {"homeostasis": homeostasis, "batch_size": BATCH, "n_jobs": threads, "random_state": seed}
        coder = SparseCoder(n_components, alpha=ALPHA, **settings)
        while True:
            rows = X[rng.permutation(len(X))]
            for start in range(0, len(X), PIECE):
                yield coder.partial_fit(rows[start : start + PIECE]).components_

    return {"sparsecode": learn(None), "sparsecode, homeostasis": learn("hap")}


def peers_goal(X, n_components, threads, epochs, measure):
    """Return the seconds and the objective of SPAMS, with the number of threads that is fastest."""
    runs = [peers.spams_atoms(X, n_components, ALPHA, BATCH, epochs, n) for n in range(1, threads + 1)]
    curves = [trace("SPAMS", iter_once(run), measure, until=-np.inf, cap=np.inf) for run in runs]
    return min(curve.points[0] for curve in curves)


def iter_once(run):
    """Yield the result of one call."""
    yield run()


def mean_objective_of(X):
    """Return the function of atoms that is the mean objective of exact l1 codes of X."""

    def measure(D):
        D = np.ascontiguousarray(D, X.dtype)
        D = D / np.linalg.norm(D, axis=1, keepdims=True)
        return float(objective(X, D, solve(X, D, L1(ALPHA), n_jobs=-1).codes, L1(ALPHA)).mean())

    return measure
