"""Many segments: false alarms of neurons, two classes that compete, and predictions of a temporal memory."""

import numpy as np
from scipy.stats import binom

from ._checks import counts, log_any, logarithms, number, shares
from ._checks import rate as as_rate
from .matches import false_positive_rate

#: Logarithm of a rate of which only the first power counts: with up to 2**53 segments others are 1e-240 of it.
LEADING = -600.0


def any_match_rate(rate, n_segments, *, log=False):
    r"""Return the chance that any of G segments answers, each by itself: ``1 - (1 - p)^G``.

    Parameters
    ----------
    rate : array-like of float
        Chance p that one does, as from `false_positive_rate`; its natural logarithm if `log`.
    n_segments : array-like of int
        Segments G.
    log : bool, default=False
        Take and return natural logarithms, for rates below 1e-308.

    Returns
    -------
    float or ndarray
        At most ``G p``; right to the last digits also where 1 - p is 1 in floating point.

    Raises
    ------
    TypeError
        If a value is not a number.
    ValueError
        If a value is out of range.

    Examples
    --------
    >>> from sparsecode.dendrites.theory import any_match_rate, false_positive_rate
    >>> round(any_match_rate(false_positive_rate(100, 7, 7, 4), 500), 6)
    0.134728
    >>> round(any_match_rate(false_positive_rate(10**6, 200, 100, 100, log=True), 10**6, log=True), 4)
    -868.238
    """
    G = counts("n_segments", n_segments)
    if log:
        return number(log_any(logarithms("rate", rate), G))
    p = shares("rate", rate)
    with np.errstate(divide="ignore", invalid="ignore"):
        return number(np.where(G == 0, 0.0, np.where(p == 1, 1.0, -np.expm1(G * np.log1p(-p)))))


def classification_error(n_cells, n_active, n_synapses, threshold, n_segments, *, log=False):
    r"""Return how often one of two neurons with G segments each answers more strongly to a pattern of the other.

    Each segment has one pattern of its class. Of a stored pattern one segment of the right class is sure to answer,
    the others do by accident, at the rate p of `false_positive_rate`; equal counts are decided by a coin:

        sum_i P[B(G - 1, p) = i] (P[B(G, p) > i + 1] + P[B(G, p) = i + 1] / 2),    B(G, p) binomial.

    Parameters
    ----------
    n_cells, n_active, n_synapses, threshold : array-like of int
        As for `false_positive_rate`.
    n_segments : array-like of int
        Segments G of a class, at least 1.
    log : bool, default=False
        Return natural logarithms, for errors below 1e-308.

    Returns
    -------
    float or ndarray

    Raises
    ------
    TypeError
        If a value is not a number.
    ValueError
        If a value is no whole number, or out of range.

    Notes
    -----
    O(G) for a value; O(1) where p is below 1e-260: a single answer by accident is all that counts then, ``G p / 2``.

    Examples
    --------
    >>> from sparsecode.dendrites.theory import classification_error
    >>> classification_error([300, 700, 1100], 128, 24, 12, 500).round(5)
    array([0.48037, 0.06877, 0.00075])
    """
    log_p = np.asarray(false_positive_rate(n_cells, n_active, n_synapses, threshold, log=True))
    G = counts("n_segments", n_segments)
    if (G < 1).any():
        raise ValueError("`n_segments` must be at least 1, got 0.")
    problems = np.broadcast(log_p, G)
    error = np.empty(problems.shape)
    for problem, (log_chance, n_segments) in enumerate(problems):
        if log_chance < LEADING:
            error.flat[problem] = log_chance + np.log(n_segments / 2)
            continue
        i, chance = np.arange(n_segments), np.exp(log_chance)
        wrong = binom.sf(i + 1, n_segments, chance) + 0.5 * binom.pmf(i + 1, n_segments, chance)
        error.flat[problem] = np.log(binom.pmf(i, n_segments - 1, chance) @ wrong)
    return as_rate(error, log)


def prediction_quality(n_cells, n_active, n_synapses, threshold, n_transitions):
    r"""Return how well a first-order temporal memory predicts, by the overlap of what it predicts and what comes.

    Cells have ``G = T a / n`` segments for T learned transitions, and are predicted by accident with the chance
    ``q = 1 - (1 - FP)^G``; then

        |predicted and active| / |predicted or active| = a / (a + q (n - a)).

    Parameters
    ----------
    n_cells, n_active, n_synapses, threshold : array-like of int
        As for `false_positive_rate`; `n_active` is at least 1.
    n_transitions : array-like of int
        Transitions T between random patterns.

    Returns
    -------
    float or ndarray

    Raises
    ------
    TypeError
        If a value is not a number.
    ValueError
        If a value is no whole number, or out of range.

    Notes
    -----
    For few cells simulations fall below it: segments of a cell are not independent.

    Examples
    --------
    >>> from sparsecode.dendrites.theory import prediction_quality
    >>> prediction_quality([300, 500, 1000], 64, 20, 10, 20_000).round(4)
    array([0.2133, 0.6045, 0.9988])
    """
    p = np.asarray(false_positive_rate(n_cells, n_active, n_synapses, threshold))
    n, a, T = (
        np.asarray(counts(name, value), dtype=np.float64)
        for name, value in (("n_cells", n_cells), ("n_active", n_active), ("n_transitions", n_transitions))
    )
    if (a < 1).any():
        raise ValueError("`n_active` must be at least 1, got 0.")
    with np.errstate(divide="ignore", invalid="ignore"):
        wrong = np.where(T == 0, 0.0, np.where(p == 1, 1.0, -np.expm1(T * a / n * np.log1p(-p))))
    return number(a / (a + wrong * (n - a)))
