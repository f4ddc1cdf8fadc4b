"""Configured problems: penalties of every kind, data of every kind, and all pairs of solver and penalty."""

import numpy as np

from sparsecode.penalties import (
    CEL0,
    L0,
    L1,
    MCP,
    SCAD,
    ElasticNet,
    KSparse,
    LHalf,
    LogSum,
    LTwoThirds,
    SparseEnvelope,
    WeightedL1,
)
from sparsecode.solvers import SOLVERS

#: Penalties by name, made for K atoms; on the data below they leave some 10 to 60 % of the coefficients.
PENALTIES = {
    "l1": lambda K: L1(0.3),
    "l1-positive": lambda K: L1(0.3, positive=True),
    "weighted-l1": lambda K: WeightedL1(0.2, np.linspace(1, 2, K)),
    "elastic-net": lambda K: ElasticNet(0.3, 0.8),
    "elastic-net-positive": lambda K: ElasticNet(0.3, 0.5, positive=True),
    "l0": lambda K: L0(0.05),
    "l0-positive": lambda K: L0(0.05, positive=True),
    "cel0": lambda K: CEL0(0.05),
    "cel0-positive": lambda K: CEL0(0.05, positive=True),
    "mcp": lambda K: MCP(0.3, 3.0),
    "mcp-hard": lambda K: MCP(0.5, 0.3),
    "scad": lambda K: SCAD(0.2, 3.7),
    "l1/2": lambda K: LHalf(0.15),
    "l1/2-positive": lambda K: LHalf(0.15, positive=True),
    "l2/3": lambda K: LTwoThirds(0.15),
    "log-sum": lambda K: LogSum(0.1, 0.5),
    "log-sum-jumps": lambda K: LogSum(0.03, 0.05),
    "k-sparse": lambda K: KSparse(3),
    "k-sparse-positive": lambda K: KSparse(3, positive=True),
    "sparse-envelope": lambda K: SparseEnvelope(0.5, 3),
    "sparse-envelope-positive": lambda K: SparseEnvelope(0.5, 3, positive=True),
}

#: Every solver with every penalty that it takes.
PAIRS = {
    f"{solver}-{name}": (solver, make)
    for solver in SOLVERS
    for name, make in PENALTIES.items()
    if SOLVERS[solver].takes(make(1))
}


def planted(seed=0, n=8, K=20, F=12):
    """Rows of three atoms with noise; the norms of the atoms differ."""
    rng = np.random.default_rng(seed)
    D = rng.normal(size=(K, F))
    D *= rng.uniform(0.7, 1.3, size=(K, 1)) / np.linalg.norm(D, axis=1, keepdims=True)
    W = np.zeros((n, K))
    for w in W:
        w[rng.choice(K, min(3, K), replace=False)] = rng.uniform(1, 2, min(3, K)) * rng.choice([-1, 1], min(3, K))
    return W @ D + 0.05 * rng.normal(size=(n, F)), D


def degenerate(seed=0):
    """A zero row, equal rows, a row that is an atom; atoms that are zero, equal, collinear, sums and nearly so."""
    X, D = planted(seed, n=7, K=16, F=6)
    X[0] = 0
    X[1] = X[2]
    X[3] = D[2]
    D[1] = 0
    D[3] = D[2]
    D[4] = -2 * D[2]
    D[6] = D[5] + 1e-4 * D[7]
    D[8] = D[9] + D[10]
    return X, D


#: Data by name, made for a seed.
DATA = {
    "planted": planted,
    "degenerate": degenerate,
    "more atoms than features": lambda seed=0: planted(seed, K=30, F=4),
    "one sample": lambda seed=0: planted(seed, n=1),
    "one atom": lambda seed=0: planted(seed, K=1),
    "one feature": lambda seed=0: planted(seed, K=5, F=1),
}
