"""What the parameters of `ConvSparseCoder` may be, in scikit-learn's way to declare it."""

from .._core.validation import Integral, Interval, StrOptions
from ..coding._parameters import CONSTRAINTS as of_rows
from ._geometry import BOUNDARIES
from .registry import SOLVERS

#: Parameters that mean what they mean to `SparseCoder`.
SHARED = (
    "n_components",
    "penalty",
    "alpha",
    "alpha_scale",
    "target_sparsity",
    "positive",
    "dictionary",
    "init",
    "positive_dict",
    "sparse_output",
    "input_shape",
    "max_iter",
    "batch_size",
    "encode_max_iter",
    "encode_tol",
    "tol",
    "n_jobs",
    "random_state",
    "verbose",
)

CONSTRAINTS = {name: of_rows[name] for name in SHARED} | {
    "kernel_shape": [Interval(Integral, 1, None, closed="left"), tuple, list, None],
    "solver": [StrOptions({"auto", *SOLVERS})],
    "boundary": [StrOptions(set(BOUNDARIES))],
    "zero_mean": ["boolean"],
    "window": [StrOptions({"disc"}), None],
    "pool": [StrOptions({"max", "mean"}), None],
    "grid": [Interval(Integral, 1, None, closed="left"), tuple, list],
}
