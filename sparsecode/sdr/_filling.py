"""What a macrocolumn takes in: bounds of a row, when units freeze, and a word when it is full."""

import math
import warnings

from .._core.validation import Real, callers_level
from ._macrocolumn_kernels import Limits

#: Units with more weights than so many times the mean number of active inputs learn no more, with "auto".
AUTO_FREEZE = 1.25


def limits(memory, n_features):
    """Return the limits in numbers of features, for kernels."""
    bounds = memory.active_bounds
    if len(bounds) != 2 or not all(isinstance(b, Real) for b in bounds) or not 0 <= bounds[0] <= bounds[1] <= 1:
        raise ValueError(f"`active_bounds` must be two shares (low, high), 0 <= low <= high <= 1, got {bounds!r:.60}.")
    low, high = math.ceil(bounds[0] * n_features - 1e-9), math.floor(bounds[1] * n_features + 1e-9)
    return Limits(memory._n_units, low, high, int(memory.on_duplicate == "skip"), int(memory.lifetime or 0))


def freezing(memory, n_features):
    """Return the number of weights above which a unit is frozen, and how many times the mean of active features."""
    if memory.freeze_fraction is None:
        return math.inf, 0.0
    if memory.freeze_fraction == "auto":
        return 0.0, AUTO_FREEZE
    return memory.freeze_fraction * n_features, 0.0


def room(memory):
    """Return whether a memory has room for what it stores, and whether half of its units learn."""
    kept = min(memory.n_stored_, memory.lifetime or math.inf)
    return kept <= memory.capacity_estimate_, memory.frozen_.mean() <= 0.5


def warn_if_full(memory, before):
    """Say once what `room` says and did not say before."""
    has_room, learns = room(memory)
    if before[1] and not learns:
        message = (
            f"{memory.frozen_.mean():.0%} of the units are frozen and learn no more: {memory.n_stored_} of "
            f"{memory.n_items_} items are stored, the others have codes but are not recalled. Raise `n_units` or "
            "`freeze_fraction`."
        )
    elif before[0] and not has_room:
        way = "(for natural inputs) set" if memory.freeze_fraction is None else "freeze later with a larger"
        message = (
            f"{min(memory.n_stored_, memory.lifetime or math.inf)} items are stored, but of random inputs like these "
            f"about {memory.capacity_estimate_:.0f} can be recalled by 97 % of the modules: raise `n_units`, give "
            f"inputs with fewer active features, or {way} `freeze_fraction`."
        )
    else:
        return
    warnings.warn(message, UserWarning, stacklevel=callers_level())
