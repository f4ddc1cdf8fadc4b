"""Penalties on codes: what is added to ``0.5 ||x - w D||^2`` to make a code sparse."""

from ._base import Penalty, separable
from .concave import LHalf, LogSum, LTwoThirds
from .counts import KSparse, SparseEnvelope
from .firm import CEL0, L0, MCP
from .l1 import L1, ElasticNet, WeightedL1
from .scad import SCAD

#: All penalties by the name that `SparseCoder` takes for them.
PENALTIES = {
    "l1": L1,
    "weighted-l1": WeightedL1,
    "elastic-net": ElasticNet,
    "l0": L0,
    "cel0": CEL0,
    "mcp": MCP,
    "scad": SCAD,
    "l1/2": LHalf,
    "l2/3": LTwoThirds,
    "log-sum": LogSum,
    "k-sparse": KSparse,
    "sparse-envelope": SparseEnvelope,
}

__all__ = [
    "CEL0",
    "L0",
    "L1",
    "MCP",
    "PENALTIES",
    "SCAD",
    "ElasticNet",
    "KSparse",
    "LHalf",
    "LTwoThirds",
    "LogSum",
    "Penalty",
    "SparseEnvelope",
    "WeightedL1",
    "separable",
]
