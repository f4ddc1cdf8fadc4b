"""One segment and one pattern: how often it answers what it should not, and misses what it should not."""

import math

import numpy as np
from scipy.special import betaln
from scipy.stats import binom

from ..._core.hypergeometric import log_tails
from ._checks import counts, number, rate, shares

#: Rates below this may have lost digits.
TINY = 1e-290


def false_positive_rate(n_cells, n_active, n_synapses, threshold, *, log=False):
    r"""Return the chance that random activity reaches the threshold of a segment.

    At least theta of the s synapses lie among the a active ones of n cells,

        FP = sum_{b = theta}^{min(s, a)} C(s, b) C(n - s, a - b) / C(n, a).

    Parameters
    ----------
    n_cells : array-like of int
        Cells n of the population, up to 2**53.
    n_active : array-like of int
        Active cells a, up to n.
    n_synapses : array-like of int
        Synapses s of the segment, up to n, each onto another cell.
    threshold : array-like of int
        Active synapses theta that the segment needs. 0 is always reached, more than s or a never.
    log : bool, default=False
        Return natural logarithms, for rates below 1e-308.

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
    Symmetric in s and a. At a fixed number of active cells it falls with ``n^-theta``; at a fixed share of active
    cells it rises with n to the binomial tail: more cells pay by letting more of them be active. At a fixed share
    theta / s above a / n it falls exponentially with s.

    The logarithm has a relative error of some 1e-15, so that of a rate of 1e-300 is about 1e-12. A rate takes 0.1 us in
    an array, 10 us alone.

    References
    ----------
    S. Ahmad and J. Hawkins, "How do neurons operate on sparse distributed representations? A mathematical theory of
    sparsity, neurons and active dendrites", arXiv:1601.00720 (2016).

    Examples
    --------
    >>> from sparsecode.dendrites.theory import false_positive_rate
    >>> print(f"{false_positive_rate(200_000, 2000, 20, 10):.4e}")
    1.6499e-15
    >>> false_positive_rate(2000, 40, [10, 20], [5, 10], log=True).round(2)
    array([-14.36, -28.34])
    """
    n = counts("n_cells", n_cells)
    a = counts("n_active", n_active, most=n, of="`n_cells`")
    s = counts("n_synapses", n_synapses, most=n, of="`n_cells`")
    theta = counts("threshold", threshold)
    return rate(log_tails(n, s, a, theta, below=False)[1], log)


def false_negative_rate(n_active, n_synapses, threshold, n_noisy, *, log=False):
    r"""Return the chance that a segment misses its own pattern, some cells of which are silent.

    Of the a cells of the pattern, onto s of which the segment has synapses, v are silent, whichever,

        FN = P[fewer than theta of the s synapses are left]
           = sum_{b = s - theta + 1}^{min(s, v)} C(s, b) C(a - s, v - b) / C(a, v).

    Parameters
    ----------
    n_active : array-like of int
        Cells a of the pattern.
    n_synapses : array-like of int
        Synapses s, up to a.
    threshold : array-like of int
        Active synapses theta that the segment needs.
    n_noisy : array-like of int
        Silent cells v of the pattern, up to a. Others may be active in their place: with one pattern to a segment they
        do not matter, and with several this is an upper bound.
    log : bool, default=False
        Return natural logarithms.

    Returns
    -------
    float or ndarray
        0 if v <= s - theta.

    Raises
    ------
    TypeError
        If a value is not a number.
    ValueError
        If a value is no whole number, or out of range.

    References
    ----------
    S. Ahmad and J. Hawkins, arXiv:1601.00720 (2016).

    Examples
    --------
    >>> from sparsecode.dendrites.theory import false_negative_rate
    >>> round(false_negative_rate(128, 30, 12, 64), 6)
    0.071699
    """
    a = counts("n_active", n_active)
    s = counts("n_synapses", n_synapses, most=a, of="`n_active`")
    v = counts("n_noisy", n_noisy, most=a, of="`n_active`")
    theta = counts("threshold", threshold)
    return rate(log_tails(a, s, a - v, theta, from_least=False)[0], log)


def spontaneous_loss_rate(n_synapses, threshold, loss, *, log=False):
    r"""Return the chance that a segment misses its pattern when each synapse may fail: ``P[Bin(s, 1 - d) < theta]``.

    Parameters
    ----------
    n_synapses, threshold : array-like of int
    loss : array-like of float
        Chance d that a synapse, or the cell before it, is silent.
    log : bool, default=False
        Return natural logarithms, for rates below 1e-308.

    Returns
    -------
    float or ndarray
        Larger than `false_negative_rate` at the same mean: the number of silent cells varies too.

    Raises
    ------
    TypeError
        If a value is not a number.
    ValueError
        If a count is no whole number, or a value is out of range.

    Examples
    --------
    >>> from sparsecode.dendrites.theory import spontaneous_loss_rate
    >>> print(f"{spontaneous_loss_rate(30, 12, 0.25):.3g}")
    1.02e-05
    """
    s, theta = counts("n_synapses", n_synapses), counts("threshold", threshold)
    d = shares("loss", loss)
    rates = binom.sf(s - theta, s, d)  # of losses, which does not cancel where they are rare
    if not log:
        return number(rates)
    with np.errstate(divide="ignore"):
        logs = np.array(np.log(rates))
    problems = np.broadcast_arrays(s, s - theta + 1, d)
    for i in np.flatnonzero((rates < TINY) & (theta > 0) & (d > 0)):
        logs.flat[i] = _log_many_losses(*(float(values.flat[i]) for values in problems))
    return number(logs)


def _log_many_losses(s, h, d):
    """Return the logarithm of ``P[Bin(s, d) >= h]`` for h beyond the mean: the first term, times a sum of ratios."""
    total = term = 1.0
    k = h
    while k < s and term > 1e-17 * total:
        term *= (s - k) / (k + 1) * (d / (1 - d))
        total += term
        k += 1
    log_choices = -betaln(h + 1, s - h + 1) - math.log1p(s)
    return log_choices + h * math.log(d) + (s - h) * math.log1p(-d) + math.log(total)


def overlap_set_size(n_cells, n_active, n_synapses, overlap):
    r"""Return how many patterns share exactly b cells with a segment: ``C(s, b) C(n - s, a - b)``, exactly.

    Parameters
    ----------
    n_cells, n_active, n_synapses, overlap : int
        n, a, s and b.

    Returns
    -------
    int

    Raises
    ------
    TypeError
        If a value is no int.
    ValueError
        If a value is negative, or larger than `n_cells`.

    Examples
    --------
    >>> from sparsecode.dendrites.theory import overlap_set_size
    >>> overlap_set_size(1024, 2, 2, 2), overlap_set_size(20, 5, 4, 3)
    (1, 480)
    """
    for name, value in (("n_active", n_active), ("n_synapses", n_synapses), ("overlap", overlap)):
        if not 0 <= value <= n_cells:
            raise ValueError(f"`{name}` must lie within 0 and `n_cells` ({n_cells}), got {value}.")
    if overlap > n_active:
        return 0
    return math.comb(n_synapses, overlap) * math.comb(n_cells - n_synapses, n_active - overlap)
