"""Solvers of the coding problem for a given dictionary, one algorithm a file; `solve` is the front door."""

from ._rows import SolveResult
from .bayes import SparseBayesResult, sparse_bayes
from .certificates import duality_gap, objective
from .fista import solve_fista
from .homotopy import L1Path, l1_path
from .registry import SOLVERS, debias, solve
from .separable import solve_separable
from .top_k import statistical_top_k

__all__ = [
    "SOLVERS",
    "L1Path",
    "SolveResult",
    "SparseBayesResult",
    "debias",
    "duality_gap",
    "l1_path",
    "objective",
    "solve",
    "solve_fista",
    "solve_separable",
    "sparse_bayes",
    "statistical_top_k",
]
