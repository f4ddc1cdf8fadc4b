"""Checks of the numbers that laws of capacity and rules of selection take."""

import math
from numbers import Real

import numpy as np


def check_size(name, value, *, least=1, whole=False, open_end=False):
    """Return the value, as an int if `whole`, or raise an error.

    It must be a finite number, an integer if `whole`, >= least, or > with `open_end`.
    """
    if not is_number(value):
        raise TypeError(f"`{name}` must be a number, got {value!r:.60}.")
    if not math.isfinite(value) or value < least or (open_end and value == least) or (whole and value != int(value)):
        kind, sign = "an integer" if whole else "a finite number", ">" if open_end else ">="
        raise ValueError(f"`{name}` must be {kind} {sign} {least}, got {value!r}.")
    return int(value) if whole else value


def is_number(value):
    """Return whether the value is a real number, no bool."""
    return isinstance(value, Real) and not isinstance(value, bool)


def check_shares(name, values):
    """Return values as float64 if they lie in [0, 1]."""
    values = np.asarray(values, dtype=np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"`{name}` must lie in [0, 1], got values from {values.min()} to {values.max()}.")
    return values
