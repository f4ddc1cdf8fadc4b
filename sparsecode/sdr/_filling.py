"""What a macrocolumn takes in: bounds of a row, when units freeze, and a word when it is full."""

import math
import warnings

import numpy as np

from .._core.validation import Real, callers_level
from ._macrocolumn_kernels import Limits
from ._trace import Rows, recall
from .capacity import largest_fill
from .selection import as_selection

#: Units with more weights than so many times the mean number of active inputs learn no more, with "auto".
AUTO_FREEZE = 1.25

#: All looks known where random rows lack less familiarity than this times what they lack in a memory that is full by
#: the law, and stored items from which on it is asked for.
ALL_KNOWN, ENOUGH_ITEMS = 0.3, 10

#: Random rows that are recalled to tell how familiar they are: their mean has a standard error of a hundredth at most.
PROBES = 64


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


def chance_familiarity(memory, n_features):
    """Return how familiar random rows are whose features are active as often as they have weights."""
    trace, (items, active, _) = memory._trace, memory._trace.totals.tolist()
    shares = trace.weights.mean(axis=1)
    n_active = min(round(active / max(items, 1)), np.count_nonzero(shares))
    if not n_active:
        return 0.0
    uniforms = np.random.default_rng([*memory._seed, PROBES]).random((PROBES, n_features))
    # The largest u^(1 / p) are drawn without replacement, with chances p
    keys = np.log(1 - uniforms) / np.maximum(shares, 1e-300)
    rows = np.zeros(keys.shape, bool)
    np.put_along_axis(rows, np.argpartition(-keys, n_active - 1, axis=1)[:, :n_active], True, axis=1)
    anything = limits(memory, n_features)._replace(low=0, high=n_features)
    return float(recall(trace, Rows(rows), as_selection(memory.selection).bind(), anything, 1)[1].mean())


def warn_if_all_is_known(memory, n_before):
    """Say if all looks familiar to a memory without freezing, once for each doubling of items."""
    doublings = [math.frexp(n / ENOUGH_ITEMS)[1] if n >= ENOUGH_ITEMS else 0 for n in (n_before, memory.n_stored_)]
    if doublings[0] == doublings[1] or memory.freeze_fraction is not None:
        return
    items, active, _ = memory._trace.totals.tolist()
    chance = chance_familiarity(memory, memory.n_features_in_)
    if 1 - chance < ALL_KNOWN * (1 - largest_fill(active / items, memory.code_shape_[1])):
        warnings.warn(
            f"a random row of the same features would have a familiarity of {chance:.2f}: a few units win nearly "
            f"always, new rows keep the codes that they find ({memory.n_stored_} of {memory.n_items_} were stored), "
            "and recall mixes items. Inputs that share features, as natural ones do, need freeze_fraction='auto', or "
            "fewer active features.",
            UserWarning,
            stacklevel=callers_level(),
        )
