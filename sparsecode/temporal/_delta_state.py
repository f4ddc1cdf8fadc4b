"""What delta encoders and networks have in common: records, states that users hand back, magnitudes."""

from typing import NamedTuple

import numpy as np


class StreamRecord(NamedTuple):
    """The rows of a fit, with the thresholds that it has fixed."""

    epoch: int
    objective: float  # mean over the rows of half the squared error
    sparsity: float  # share of entries that are events
    seconds: float


def check_state(state, expected, kind, owner):
    """Return a copy of a state with the shapes and dtypes of the expected one, or say what is wrong with it."""
    arrays = [np.array(part) for part in state] if isinstance(state, tuple) else []
    if [part.shape for part in arrays] != [part.shape for part in expected] or not all(
        part.dtype.kind in "iuf" and np.isfinite(part).all() for part in arrays
    ):
        raise ValueError(
            f"`state` must be a {kind} of this {owner}, with arrays of shapes "
            f"{', '.join(str(part.shape) for part in expected)}, got {type(state).__name__}; begin with "
            "`initial_state()`."
        )
    return type(expected)(*(part.astype(begun.dtype) for part, begun in zip(arrays, expected, strict=True)))


def check_magnitude(X):
    """Raise if differences of numbers in X could overflow."""
    limit = np.finfo(X.dtype).max / 4
    largest = max(X.max(initial=0), -X.min(initial=0))
    if largest > limit:
        raise ValueError(f"entries of X must be within +-{limit:.2g} of {X.dtype}, got {largest:.2g}; scale X.")
