"""l1 codes with a certificate: relative duality gaps of 1e-4 and 1e-6."""

import itertools
from functools import partial

import numpy as np
import peers
from problems import evenly, weight_for
from threadpoolctl import ThreadpoolController
from timing import Method, take_turns

from sparsecode.penalties import L1
from sparsecode.solvers import duality_gap, objective, solve

#: Relative gaps that are asked of all; those of ours in the figure.
GAPS, ALL_GAPS = (1e-6, 1e-4), 10.0 ** -np.arange(2, 9)

#: Shares of active coefficients; the one of the figure, and of a quick run.
LEVELS, DRAWN = (0.02, 0.05, 0.1), 0.05

PRODUCT = "X D^T"


def run(report, X, D, threads, rounds, quick):
    """Compare at each share of active coefficients."""
    for active in (DRAWN,) if quick else LEVELS:
        alpha = weight_for(X.astype(float), D.astype(float), active)
        X = evenly(X, D, alpha)  # slow methods do the first few, which are to be like all
        timings = take_turns(list(methods(X, D, alpha, threads, quick)), rounds)
        report.add("l1", X, D, threads, f"{active:.0%} active", timings, quality(X, D, alpha, timings[0]))
        if active == DRAWN:
            ours = take_turns([our_method(X, D, alpha, gap, threads) for gap in ALL_GAPS], rounds)
            report.add_curves("l1", X, len(D), threads, convergence(X, D, alpha, ours + timings[len(GAPS) :]))


def our_method(X, D, alpha, gap, threads):
    """Return this library with a gap as its tolerance."""
    return Method(
        f"sparsecode, gap {gap:.0e}",
        lambda: solve(X, D, L1(alpha), tol=gap, n_jobs=threads, sparse_output=True).codes,
        len(X),
    )


def methods(X, D, alpha, threads, quick):
    """Yield what can be had here; ours first."""
    for gap in GAPS:
        yield our_method(X, D, alpha, gap, threads)
    for n in range(1, threads + 1):
        yield Method(f"{PRODUCT}, threads {n}", product(X, D, n), len(X))
    for name, find in others(X, D, alpha, threads, quick):
        try:
            yield from find()
        except ImportError as error:
            print(f"{name} is left out: {error}")


def others(X, D, alpha, threads, quick):
    """Yield the names of other libraries, and what returns their methods."""
    # To give a second process its rows takes scikit-learn as long as hundreds of them
    part, few, numbers = X[: max(20, len(X) // 5)], X[: max(5, len(X) // 400)], range(1, threads + 1)
    gaps = GAPS[:1] if quick else GAPS
    yield "SPAMS", lambda: [Method(f"SPAMS, threads {n}", peers.spams_lasso(X, D, alpha, n), len(X)) for n in numbers]
    makers = {f"scikit-learn, processes {n}": partial(peers.scikit_learn_lasso, processes=n) for n in numbers}
    yield "scikit-learn", partial(certified, makers, part, D, alpha, gaps)
    if not quick:  # half a minute, with the search for tolerances
        for name, make in {"celer": peers.celer, "skglm": peers.skglm}.items():
            yield name, partial(certified, {name: make}, few, D, alpha, gaps)


def product(X, D, threads):
    """Return the product of BLAS with so many threads, into memory that is there already."""
    blas, out = ThreadpoolController(), np.empty((len(X), len(D)), X.dtype)

    def run():
        with blas.limit(limits=threads, user_api="blas"):
            return np.matmul(X, D.T, out=out)

    return run


def certified(makers, X, D, alpha, gaps):
    """Return methods for each gap: with the largest tolerance that leads there, or the one with the smallest gap."""
    reached, search = {}, next(iter(makers.values()))
    # With less than 1e-6 in float32, celer takes seconds a row and scikit-learn stops far from the minimum
    for tol in 10.0 ** np.arange(-1, -6.1 if X.dtype == np.float32 else -9.1, -0.5):
        reached[tol] = largest_gap(X, D, search(X, D, alpha, tol)(), alpha)
        if reached[tol] <= min(gaps):
            break
    methods = []
    for gap, (name, make) in itertools.product(gaps, makers.items()):
        tol = next((tol for tol in reached if reached[tol] <= gap), min(reached, key=reached.get))
        methods.append(Method(f"{name}, gap {gap:.0e}", make(X, D, alpha, tol), len(X)))
    return methods


def largest_gap(X, D, W, alpha):
    """Return the largest relative duality gap of dense codes."""
    return (duality_gap(X, D, W, L1(alpha)) / (0.5 * np.square(X, dtype=float).sum(axis=1))).max()


def quality(X, D, alpha, best):
    """Return the function that describes codes: how far above ours their objective is, and their largest gap."""

    def describe(timing):
        if timing.method.name.startswith(PRODUCT):
            return f"ours / product = {best.times_slower_than(timing):.2f}"
        rows = X[: timing.method.rows]
        codes = timing.codes(X.dtype)
        found, ours = (objective(rows, D, W, L1(alpha)).sum() for W in (codes, best.codes(X.dtype, len(rows))))
        gap = largest_gap(rows, D, codes, alpha)
        return f"objective {found / ours - 1:+.0e}, gap {gap:.0e}, {np.count_nonzero(codes) / codes.size:.1%} active"

    return describe


def convergence(X, D, alpha, timings):
    """Return points (seconds a row, largest relative gap) by library; products have a time only."""
    points = {}
    for timing in timings:
        library, seconds, gap = timing.method.name.partition(",")[0], float(np.median(timing.seconds)), None
        if library != PRODUCT:
            gap = float(largest_gap(X[: timing.method.rows], D, timing.codes(X.dtype), alpha))
        points.setdefault(library, []).append((seconds, gap))
    return points
