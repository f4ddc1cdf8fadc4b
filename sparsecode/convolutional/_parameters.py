"""What the parameters of `ConvSparseCoder` may be, in scikit-learn's way to declare it."""

import numpy as np

from .._core.validation import Integral, Interval, Real, StrOptions
from ..dictionary import Dictionary
from ..penalties import PENALTIES, Penalty
from ._geometry import BOUNDARIES
from .registry import SOLVERS

CONSTRAINTS = {
    "n_components": [Interval(Integral, 1, None, closed="left"), None],
    "kernel_shape": [Interval(Integral, 1, None, closed="left"), tuple, list, None],
    "penalty": [StrOptions(set(PENALTIES)), Penalty, None],
    "alpha": [Interval(Real, 0, None, closed="neither"), None],
    "alpha_scale": [StrOptions({"absolute", "max"})],
    "target_sparsity": [Interval(Real, 0, 1, closed="neither"), None],
    "positive": ["boolean"],
    "solver": [StrOptions({"auto", *SOLVERS})],
    "dictionary": [Dictionary, "array-like", None],
    "boundary": [StrOptions(set(BOUNDARIES))],
    "init": [StrOptions({"random", "data"}), Dictionary, "array-like"],
    "zero_mean": ["boolean"],
    "positive_dict": ["boolean"],
    "window": [StrOptions({"disc"}), None],
    "pool": [StrOptions({"max", "mean"}), None],
    "grid": [Interval(Integral, 1, None, closed="left"), tuple, list],
    "sparse_output": ["boolean"],
    "input_shape": [tuple, list, Integral, None],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "batch_size": [Interval(Integral, 1, None, closed="left")],
    "encode_max_iter": [Interval(Integral, 1, None, closed="left"), None],
    "encode_tol": [Interval(Real, 0, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="left")],
    "n_jobs": [Interval(Integral, None, -1, closed="right"), Interval(Integral, 1, None, closed="left"), None],
    "random_state": ["random_state", np.random.Generator],
    "verbose": ["verbose"],
}
