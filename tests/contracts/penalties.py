"""Configured penalties: every member of `PENALTIES`, in every regime in which it has a branch."""

from typing import NamedTuple

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
    Penalty,
    SparseEnvelope,
    WeightedL1,
)

#: Squared norms of the atoms of all cases; the second one makes the threshold of SCAD a hard one.
NORMS = np.array([1.0, 0.2, 2.25, 1.21])

#: Gains that differ; 1 is among them.
GAINS = np.array([2.0, 1.0, 0.5, 1.3])


class Case(NamedTuple):
    """A penalty, and the steps of its proximal operator that reach all its branches."""

    penalty: Penalty
    steps: tuple = (0.3, 1.0, 1.7)


CASES = {
    "l1": Case(L1(0.7)),
    "l1-positive": Case(L1(0.7, positive=True)),
    "weighted-l1": Case(WeightedL1(0.7, [0.5, 1.0, 2.0, 3.0])),
    "weighted-l1-ones": Case(WeightedL1(0.7)),
    "weighted-l1-array-positive": Case(WeightedL1(0.7, np.array([0.5, 1.0, 2.0, 3.0]), positive=True)),
    "elastic-net": Case(ElasticNet(0.7, 0.3)),
    "elastic-net-all-l1": Case(ElasticNet(0.7, 1.0)),
    "elastic-net-positive": Case(ElasticNet(0.7, 0.9, positive=True)),
    "l0": Case(L0(0.4)),
    "l0-positive": Case(L0(0.4, positive=True)),
    # step * ||d||^2 below, at and above 1: 1 / 2.25, 1 / 1.21, 1 and 1 / 0.2 are where the threshold gets hard
    "cel0": Case(CEL0(0.4), (0.3, 1 / 2.25, 0.6, 1 / 1.21, 1.0, 1.7, 5.0, 6.0)),
    "cel0-positive": Case(CEL0(0.4, positive=True)),
    "mcp": Case(MCP(0.7, 3.0), (0.3, 1.0, 2.9, 3.0, 4.0)),  # firm, and hard from gamma on
    "mcp-hard-on-some-atoms": Case(MCP(0.7, 0.6), (0.3, 0.6, 1.0)),
    "mcp-hard-on-all-atoms": Case(MCP(0.7, 0.25), (0.2, 0.25, 1.0)),
    "mcp-positive": Case(MCP(0.7, 1.5, positive=True), (0.3, 1.0, 2.0)),
    "scad": Case(SCAD(0.7, 3.7), (0.3, 1.0, 2.6, 2.7, 3.0, 4.7, 5.0)),  # bends at gamma - 1 and gamma + 1
    "scad-steep": Case(SCAD(0.7, 2.1), (0.3, 1.09, 1.1, 2.0, 3.1, 4.0)),
    "scad-positive": Case(SCAD(0.7, 2.5, positive=True), (0.3, 2.0, 4.0)),
    "l1/2": Case(LHalf(0.7)),
    "l1/2-positive": Case(LHalf(0.7, positive=True)),
    "l2/3": Case(LTwoThirds(0.7)),
    "l2/3-positive": Case(LTwoThirds(0.7, positive=True)),
    # continuous for sqrt(step * alpha) <= eps, with a jump above
    "log-sum-continuous": Case(LogSum(0.5, 2.0), (0.3, 1.0, 7.0)),
    "log-sum-at-the-border": Case(LogSum(0.25, 0.5), (0.9, 1.0, 1.1)),
    "log-sum-jumps": Case(LogSum(0.5, 0.1)),
    "log-sum-positive": Case(LogSum(0.5, 0.5, positive=True)),
    "k-sparse": Case(KSparse(2)),
    "k-sparse-all": Case(KSparse(6)),
    "k-sparse-positive": Case(KSparse(2, positive=True)),
    "sparse-envelope": Case(SparseEnvelope(0.7, 2)),
    "sparse-envelope-one": Case(SparseEnvelope(1.3, 1)),
    "sparse-envelope-all": Case(SparseEnvelope(0.7, 6)),
    "sparse-envelope-positive": Case(SparseEnvelope(0.7, 2, positive=True)),
}
