"""Checks of counts and shares, and the form of results."""

import numpy as np

#: Whole numbers beyond this are not all floats.
LARGEST = 2.0**53

#: Types of single numbers, which are checked without arrays: these take microseconds.
NUMBERS = (int, float, np.int64, np.float64)


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


def log_any(log_rate, n_trials):
    """Return the logarithm of ``1 - (1 - p)^G`` for that of p; G is any number from 0 on."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        # -log(1 - p), of which p itself is left where it is tiny
        log_loss = np.where(log_rate < -40.0, log_rate, np.log(-np.log1p(-np.exp(log_rate))))
        log_expected = np.where(np.equal(n_trials, 0), -np.inf, log_loss + np.log(n_trials))
        return np.where(log_expected < -40.0, log_expected, log_complement(-np.exp(log_expected))) + 0.0


def log_complement(log_share):
    """Return ``log(1 - exp(log_share))`` for logarithms up to 0."""
    with np.errstate(divide="ignore"):
        return np.where(log_share > -np.log(2), np.log(-np.expm1(log_share)), np.log1p(-np.exp(log_share)))


def logarithms(name, value):
    """Return logarithms of rates as float64; they are at most 0."""
    array = _numbers(name, value)
    if not (array <= 0).all():
        raise ValueError(
            f"`{name}` must be logarithms of rates, at most 0, with log=True, got {array[~(array <= 0)][0]:g}."
        )
    return array
