"""Checks of counts and shares, and the form of results."""

import numpy as np

#: Whole numbers beyond this are not all floats.
LARGEST = 2.0**53

#: Types of single numbers, which are checked without arrays: these take microseconds.
NUMBERS = (int, float, np.float64)


def counts(name, value, *, most=LARGEST, of="", whole=True):
    """Return numbers of things as float64; they lie in ``[0, most]``."""
    if type(value) in NUMBERS and type(most) in NUMBERS and 0 <= value <= most:
        result = np.float64(value)
        if not whole or result.is_integer():
            return result
    array = _numbers(name, value)
    good = (array >= 0) & (array <= most)
    if whole:
        good &= array == np.floor(array)
    if not good.all():
        kind = "whole numbers" if whole else "numbers"
        most = np.broadcast_to(most, good.shape)[~good][0]
        limit = f"up to {of} ({most:g})" if of else "up to 2**53"
        raise ValueError(
            f"`{name}` must be {kind} from 0 {limit}, got {np.broadcast_to(array, good.shape)[~good][0]:g}."
        )
    return array


def shares(name, value, *, open_low=False, open_high=False):
    """Return probabilities as float64; they lie in [0, 1]."""
    array = _numbers(name, value)
    good = ((array > 0) if open_low else (array >= 0)) & ((array < 1) if open_high else (array <= 1))
    if not good.all():
        interval = f"{'(' if open_low else '['}0, 1{')' if open_high else ']'}"
        raise ValueError(f"`{name}` must lie in {interval}, got {array[~good][0]:g}.")
    return array


def _numbers(name, value):
    """Return numbers as float64."""
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"`{name}` must be a number or an array of numbers, got {value!r:.60}.")
    return array.astype(np.float64, copy=False)


def rate(log_rate, log):
    """Return a rate, or its logarithm; a number where it is one."""
    result = np.asarray(log_rate if log else np.exp(log_rate))
    return float(result) if result.ndim == 0 else result


def number(array):
    """Return an array, as a number where it is one."""
    array = np.asarray(array)
    return array.item() if array.ndim == 0 else array
