"""l1 codes with a certificate: relative duality gaps of 1e-4 and 1e-6."""

import numpy as np
import peers
from problems import weight_for
from timing import Method, take_turns

from sparsecode.penalties import L1
from sparsecode.solvers import duality_gap, objective, solve

#: Libraries that code row by row come in from so many atoms on.
LARGE = 1024


def run(report, X, D, threads, rounds, levels):
    """Compare at each share of active coefficients."""
    for active in levels:
        alpha = weight_for(X.astype(float), D.astype(float), active)
        timings = take_turns(list(methods(X, D, alpha, threads)), rounds)
        report.add("l1", X, D, threads, f"{active:.0%} active", timings, quality(X, D, alpha, timings[0]))


def methods(X, D, alpha, threads):
    """Yield what can be had here; ours first."""

    def ours(tol):
        return lambda: solve(X, D, L1(alpha), tol=tol, n_jobs=threads, sparse_output=True).codes

    yield Method("sparsecode 1e-6", ours(1e-6), len(X))
    yield Method("sparsecode 1e-4", ours(1e-4), len(X))
    yield Method("X D^T", lambda: X @ D.T, len(X))
    few, fewer = X[: max(20, len(X) // 40)], X[: max(5, len(X) // 400)]
    others = [
        *[(f"SPAMS, {n} threads", X, lambda X, n=n: peers.spams_lasso(X, D, alpha, n)) for n in range(1, threads + 1)],
        ("scikit-learn", few, lambda X: peers.scikit_learn(X, D, threads, "lasso_cd", alpha=alpha, max_iter=10_000)),
    ]
    if len(D) >= LARGE:
        others.append(("celer", fewer, lambda X: peers.celer(X, D, alpha, 1e-6)))
        others.append(("skglm", fewer, lambda X: peers.skglm(X, D, alpha, 1e-4)))
    for name, rows, make in others:
        try:
            yield Method(name, make(rows), len(rows))
        except ImportError as error:
            print(f"{name} is left out: {error}")


def quality(X, D, alpha, best):
    """Return the function that describes codes: how far above ours their objective is, and their largest gap."""

    def describe(timing):
        if timing.method.name == "X D^T":
            return ""
        codes = timing.result.toarray() if hasattr(timing.result, "toarray") else timing.result
        rows = X[: timing.method.rows]
        codes = np.ascontiguousarray(codes, dtype=X.dtype)
        found, ours = (objective(rows, D, W, L1(alpha)).sum() for W in (codes, best.result[: len(rows)]))
        gap = duality_gap(rows, D, codes, L1(alpha)) / (0.5 * np.square(rows, dtype=float).sum(axis=1))
        return (
            f"objective {found / ours - 1:+.0e}, gap {gap.max():.0e}, {np.count_nonzero(codes) / codes.size:.1%} active"
        )

    return describe
