"""How to choose thresholds and synapses for an error rate, and how much noise and how many patterns it bears."""

import numpy as np

from ._checks import counts, number, shares
from .matches import false_negative_rate, false_positive_rate
from .populations import any_match_rate
from .unions import union_false_positive_rate

#: Patterns beyond which nothing is looked for.
MOST_PATTERNS = 2**40


def min_threshold(n_cells, n_active, n_synapses, target, n_segments=1):
    r"""Return the smallest threshold at which random activity sets off any of G segments at most so often.

    Parameters
    ----------
    n_cells, n_active, n_synapses : array-like of int
        As for `false_positive_rate`.
    target : array-like of float
        Rate that `any_match_rate` may have, in (0, 1].
    n_segments : array-like of int, default=1
        Segments G.

    Returns
    -------
    int or ndarray
        s + 1, which is never reached, if even s is too low.

    Raises
    ------
    TypeError
        If a value is not a number.
    ValueError
        If a value is out of range.

    Examples
    --------
    >>> from sparsecode.dendrites.theory import min_threshold
    >>> min_threshold(2048, 40, 20, 1e-3, [1, 100, 10_000, 1_000_000])
    array([4, 6, 7, 9])
    """
    shares("target", target, open_low=True)

    def smallest(n, a, s, target, G):
        rates = any_match_rate(false_positive_rate(n, a, s, np.arange(s + 2)), G)
        return int(np.argmax(rates <= target))

    return _each(smallest, n_cells, n_active, n_synapses, target, n_segments)


def min_synapses(n_cells, n_active, ratio, target):
    r"""Return the fewest synapses for a rate of false positives, with a threshold that is a share of them.

    The threshold is ``ceil(ratio s)``. With tau for the share and rho = a / n < tau Hoeffding's bound
    ``FP <= exp(-s (tau log(tau / rho) + (1 - tau) log((1 - tau) / (1 - rho))))`` says about how many it takes.

    Parameters
    ----------
    n_cells, n_active : array-like of int
        As for `false_positive_rate`.
    ratio : array-like of float
        Share tau of the synapses that must be active, in (0, 1].
    target : array-like of float
        Rate of false positives, in (0, 1].

    Returns
    -------
    int or ndarray
        0 where no number of synapses up to `n_active` will do.

    Raises
    ------
    TypeError
        If a value is not a number.
    ValueError
        If a value is out of range.

    Notes
    -----
    O(a) rates for a value.

    Examples
    --------
    >>> from sparsecode.dendrites.theory import min_synapses
    >>> min_synapses(200_000, 4000, 0.5, [1e-6, 1e-9])
    array([ 9, 15])
    """
    shares("target", target, open_low=True)
    shares("ratio", ratio, open_low=True)

    def fewest(n, a, ratio, target):
        s = np.arange(1, int(a) + 1)
        enough = np.asarray(false_positive_rate(n, a, s, np.ceil(ratio * s * (1 - 1e-12)))) <= target
        return int(np.argmax(enough)) + 1 if enough.any() else 0

    return _each(fewest, n_cells, n_active, ratio, target)


def max_noise(n_active, n_synapses, threshold, target):
    r"""Return how many cells of a pattern may be silent for a rate of `false_negative_rate`.

    Parameters
    ----------
    n_active, n_synapses, threshold : array-like of int
        As for `false_negative_rate`, with a threshold of at most s.
    target : array-like of float
        Rate of false negatives, in (0, 1].

    Returns
    -------
    int or ndarray

    Raises
    ------
    TypeError
        If a value is not a number.
    ValueError
        If a value is out of range.

    Examples
    --------
    >>> from sparsecode.dendrites.theory import max_noise
    >>> max_noise(128, 30, [8, 12, 16], 0.01)
    array([72, 55, 39])
    """
    shares("target", target, open_low=True)

    def most(a, s, theta, target):
        if theta > s:
            raise ValueError(
                f"`threshold` must be at most `n_synapses` ({s:g}), or nothing is detected, got {theta:g}."
            )
        rates = np.asarray(false_negative_rate(a, s, theta, np.arange(int(a) + 1)))
        return int(np.flatnonzero(rates <= target)[-1])

    return _each(most, n_active, n_synapses, threshold, target)


def max_union(n_cells, n_active, n_synapses, threshold, target, *, union="activity", method="exact"):
    r"""Return how many patterns may be united for a rate of `union_false_positive_rate`.

    Parameters
    ----------
    n_cells, n_active, n_synapses, threshold : array-like of int
        As for `false_positive_rate`.
    target : array-like of float
        Rate of false positives, in (0, 1).
    union : {"activity", "synapses"}, default="activity"
    method : {"exact", "mean", "bound"}, default="exact"
        As for `union_false_positive_rate`, of which the exact one is refused for the largest problems.

    Returns
    -------
    int or ndarray
        At most 2**40.

    Raises
    ------
    TypeError
        If a value is not a number.
    ValueError
        If a value is out of range.

    Examples
    --------
    >>> from sparsecode.dendrites.theory import max_union
    >>> max_union(8000, 30, 20, 10, [1e-9, 1e-6])
    array([10, 22])
    """
    shares("target", target, open_low=True, open_high=True)

    def most(n, a, s, theta, target):
        def fits(M, method):
            return union_false_positive_rate(n, a, s, theta, M, union=union, method=method) <= target

        # Unions of mean size are close, and take no time
        guess = _last(lambda M: fits(M, "mean" if method == "exact" else method), 0)
        if method != "exact" or guess == MOST_PATTERNS:
            return guess
        return _last(lambda M: fits(M, method), guess)

    return _each(most, n_cells, n_active, n_synapses, threshold, target)


def threshold_curve(
    thresholds=range(3, 25),
    n_cells=(1000, 5000, 9000, 13000, 17000),
    sparsity=(0.005, 0.01, 0.015, 0.02, 0.025, 0.03),
    n_synapses=(20, 25, 30, 35, 40, 45, 50),
):
    r"""Return the typical rate of false positives by threshold: the median over a grid of populations and segments.

    The published argument for why dendrites spike at about eight to twenty active synapses: from eight on the typical
    rate is below 1e-7, whatever the population.

    Parameters
    ----------
    thresholds : sequence of int
        Thresholds theta.
    n_cells : sequence of int
        Cells n.
    sparsity : sequence of float
        Shares of active cells, a / n, in [0, 1]; a is rounded.
    n_synapses : sequence of int
        Synapses s.

    Returns
    -------
    ndarray of shape (n_thresholds,)

    Raises
    ------
    TypeError
        If a value is not a number.
    ValueError
        If a value is out of range.

    References
    ----------
    S. Ahmad and J. Hawkins, arXiv:1601.00720 (2016).

    Examples
    --------
    >>> from sparsecode.dendrites.theory import threshold_curve
    >>> threshold_curve([7, 8, 9])
    array([6.57244630e-07, 3.33350096e-08, 1.35351425e-09])
    """
    theta = counts("thresholds", list(thresholds))[:, None, None, None]
    n = counts("n_cells", list(n_cells))[:, None, None]
    a = np.round(shares("sparsity", list(sparsity))[:, None] * n)
    rates = false_positive_rate(n, a, counts("n_synapses", list(n_synapses)), theta)
    return np.median(rates.reshape(len(theta), -1), axis=1)


def _last(fits, guess):
    """Return the last number of patterns that fits; all before it do. It is looked for around a guess."""
    low, high, step = guess, guess + 1, 1
    if guess > 0 and not fits(guess):
        low, high = guess - 1, guess
        while low > 0 and not fits(low):
            step *= 2
            low, high = max(low - step, 0), low
    else:
        while low < MOST_PATTERNS and fits(high):
            step *= 2
            low, high = high, min(high + step, MOST_PATTERNS)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _each(function, *values):
    """Return what a function of numbers says of broadcast values."""
    problems = np.broadcast(*map(np.asarray, values))
    result = np.empty(problems.shape, dtype=np.int64)
    for i, problem in enumerate(problems):
        result.flat[i] = function(*problem)
    return number(result)
