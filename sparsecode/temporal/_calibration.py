"""How far thresholds can be raised."""

import math
from numbers import Real

#: Halvings of the interval in which a factor is looked for.
HALVINGS = 24

#: Factors that are considered.
LEAST, LARGEST = 1e-6, 1e6


def largest_factor(squares, error, variance, thresholds):
    """Return the largest factor of thresholds, near enough, with which an error is not exceeded.

    Parameters
    ----------
    squares : callable
        Sum of squared errors by the factor. It need not rise with the factor everywhere: the factor that is returned
        meets the error, but there may be larger ones.
    error : float
        Pooled relative error, in units of `variance`.
    variance : float
        Sum of squared differences to the mean.
    thresholds : ndarray

    Raises
    ------
    ValueError
        If `error` is not a number > 0, nothing differs, all thresholds are zero, or no factor meets the error.
    """
    if not isinstance(error, Real) or not 0 < error < math.inf:
        raise ValueError(f"`error` must be a number > 0, such as 0.01, got {error!r:.60}.")
    if variance == 0 or not thresholds.any():
        raise ValueError("`calibrate` needs rows of X that differ, and thresholds that are not all zero.")
    low, high = math.log(LEAST), math.log(LARGEST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if squares(math.exp(middle)) <= error * variance:
            low = middle
        else:
            high = middle
    if low == math.log(LEAST):
        raise ValueError(f"no threshold leads to an error of {error:g}; another scheme, or a finer grid, may.")
    return math.exp(low)
