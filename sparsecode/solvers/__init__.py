"""Solvers of the coding problem for a given dictionary, one algorithm a file."""

from .active_set import SolveResult, solve_active_set
from .certificates import duality_gap, objective
from .fista import solve_fista

__all__ = ["SolveResult", "duality_gap", "objective", "solve_active_set", "solve_fista"]
