"""The problems of ../../versus, kept for all suites of a run."""

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[2] / "versus"))

SIZES = {"64 x 128": (64, 128), "144 x 288": (144, 288)}
DTYPES = ("float64", "float32")
N_ROWS = 10_000


def make_problems():
    """Return rows and learned atoms by size, float64."""
    from problems import problem

    found = {name: problem(*size) for name, size in SIZES.items()}
    return {name: (np.ascontiguousarray(X[:N_ROWS]), D) for name, (X, D) in found.items()}


class WithProblems:
    """Suites whose methods get the problems first."""

    def setup_cache(self):
        return make_problems()
