"""Solvers of the coding problem for a given dictionary, one algorithm a file; `solve` is the front door."""

from ._rows import SolveResult
from .certificates import duality_gap, objective
from .fista import solve_fista
from .homotopy import L1Path, l1_path
from .registry import SOLVERS, debias, solve

__all__ = [
    "SOLVERS",
    "L1Path",
    "SolveResult",
    "debias",
    "duality_gap",
    "l1_path",
    "objective",
    "solve",
    "solve_fista",
]
