"""Codes with a count: k atoms by pursuit, and l0 at a price."""

import numpy as np
import peers
from timing import Method, take_turns

from sparsecode.penalties import CEL0, L0, KSparse
from sparsecode.solvers import objective, solve

#: Numbers of atoms of a code, and prices; a quick run takes those in the middle.
COUNTS, PRICES = (5, 10, 20), (0.05, 0.2, 0.45)

#: Solvers of ours for l0; a quick run has the first.
SOLVERS = ("replacement", "greedy")

#: Atoms up to which forward-backward splitting is tried: with 1024, one run takes more than a minute.
SMALL = 288


def run_pursuit(report, X, D, threads, rounds, quick):
    """Compare pursuit for k atoms."""
    for k in COUNTS[1:2] if quick else COUNTS:
        timings = take_turns(list(pursuits(X, D, k, threads)), rounds)
        report.add("pursuit", X, D, threads, f"k = {k}", timings, relative_error(X, D))


def pursuits(X, D, k, threads):
    """Yield what can be had here; ours first."""
    yield Method("sparsecode ormp", ours(X, D, KSparse(k), "ormp", threads), len(X))
    yield Method("sparsecode omp", ours(X, D, KSparse(k), "omp", threads), len(X))
    try:
        for n in range(1, threads + 1):
            yield Method(f"SPAMS omp, threads {n}", peers.spams_omp(X, D, k, n), len(X))
    except ImportError as error:
        print(f"SPAMS is left out: {error}")
    part = X[: max(20, len(X) // 5)]
    for n in range(1, threads + 1):
        run = peers.scikit_learn(part, D, n, "omp", n_nonzero_coefs=k)
        yield Method(f"scikit-learn omp, processes {n}", run, len(part))


def run_l0(report, X, D, threads, rounds, quick):
    """Compare l0 at a price with forward-backward splitting of CEL0 in NumPy."""
    part = X[: max(20, len(X) // (200 if quick else 40))]
    for price in PRICES[1:2] if quick else PRICES:
        penalty = CEL0(price)
        methods = [
            Method(f"sparsecode {name}", ours(X, D, penalty, name, threads), len(X))
            for name in SOLVERS[: 1 if quick else None]
        ]
        if len(D) <= SMALL:
            run = peers.forward_backward_cel0(part, D, price, 1e-3)
            methods.append(Method("NumPy forward-backward", run, len(part)))
        timings = take_turns(methods, rounds)
        report.add("l0", X, D, threads, f"price {price:g}", timings, mean_objective(part, D, L0(price)))


def ours(X, D, penalty, solver, threads):
    """Return what is to be timed of this library: sparse codes, which SPAMS returns too."""
    return lambda: solve(X, D, penalty, solver=solver, n_jobs=threads, sparse_output=True).codes


def mean_objective(X, D, penalty):
    """Return the function that describes codes by their mean objective over the rows that all have coded."""

    def describe(timing):
        codes = timing.codes(X.dtype, len(X))
        return f"objective {objective(X, D, codes, penalty).mean():.4f}, {(codes != 0).mean():.1%} active"

    return describe


def relative_error(X, D):
    """Return the function that describes codes by their relative squared error."""

    def describe(timing):
        rows = X[: timing.method.rows]
        return f"error {np.square(rows - timing.codes(X.dtype) @ D).sum() / np.square(rows).sum():.5f}"

    return describe
