"""What the parameters of `SparseCoder` may be, in scikit-learn's way to declare it."""

import numpy as np

from .._core.validation import Integral, Interval, Real, StrOptions
from ..dictionary import Dictionary
from ..learning import homeostasis as balance
from ..learning.rules import RULES
from ..penalties import PENALTIES, Penalty
from ..solvers.registry import SOLVERS

CONSTRAINTS = {
    "n_components": [Interval(Integral, 1, None, closed="left"), None],
    "penalty": [StrOptions(set(PENALTIES)), Penalty, None],
    "alpha": [Interval(Real, 0, None, closed="neither"), None],
    "alpha_scale": [StrOptions({"absolute", "max"})],
    "n_nonzero_coefs": [Interval(Integral, 1, None, closed="left"), None],
    "target_sparsity": [Interval(Real, 0, 1, closed="neither"), None],
    "target_snr": [Interval(Real, 0, None, closed="neither"), None],
    "positive": ["boolean"],
    "solver": [StrOptions({"auto", *SOLVERS})],
    "debias": ["boolean"],
    "sparse_output": ["boolean"],
    "fit_dc": ["boolean"],
    "dictionary": [Dictionary, "array-like", None],
    "learning": [StrOptions({*RULES, "k-svd"})],
    "learning_rate": [Interval(Real, 0, None, closed="neither"), None],
    "positive_dict": ["boolean"],
    "init": [StrOptions({"random", "data"}), Dictionary, "array-like"],
    "homeostasis": [StrOptions({"auto", *balance.RULES}), None],
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
