r"""How much a macrocolumn holds: laws for random inputs and random codes.

Inputs have n of F features active, codes one winner among the K units of each module. The number of modules does not
matter: more of them average the errors and make codes finer, but each has to remember all inputs by itself.
"""

import math

from scipy.optimize import brentq
from scipy.special import gammainc, gammaincc

from ._checks import check_size, is_number

__all__ = ["capacity", "expected_fill", "items_until_frozen", "largest_fill", "recall_accuracy", "sequence_capacity"]


def expected_fill(n_items, n_features, n_active, n_units):
    r"""Return the share of the weights of a unit that are set after some items: ``p = 1 - (1 - n / F)^(M / K)``.

    Parameters
    ----------
    n_items : float
        Stored items M, >= 0.
    n_features, n_active : float
        Inputs F and how many of them are active in an item, in (0, F].
    n_units : int
        Units K of a module.

    Returns
    -------
    float

    Raises
    ------
    TypeError
        If a value is not a number.
    ValueError
        If a value is out of range.

    Examples
    --------
    >>> from sparsecode.sdr import expected_fill
    >>> round(expected_fill(400, 784, 100, 20), 3)
    0.935
    """
    check_size("n_items", n_items, least=0)
    check_size("n_units", n_units, whole=True)
    unset = _log_unset(n_features, n_active)
    return -math.expm1(n_items / n_units * unset) if n_items else 0.0


def recall_accuracy(n_items, n_features, n_active, n_units):
    r"""Return the share of modules that give the right winner for a stored item, in expectation.

    The stored winner has full support. Each of the other K - 1 units has it by chance with probability ``pi = p^n`` at
    the fill p (`expected_fill`), and ties are split evenly,

        accuracy = (1 - (1 - pi)^K) / (K pi).

    Parameters
    ----------
    n_items : float
    n_features, n_active : float
    n_units : int
        As for `expected_fill`.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        As for `expected_fill`.

    Examples
    --------
    >>> from sparsecode.sdr import recall_accuracy
    >>> round(recall_accuracy(423, 784, 100, 20), 3)
    0.97
    """
    chance = expected_fill(n_items, n_features, n_active, n_units) ** n_active
    if n_units * chance < 1e-12:
        return 1.0
    if chance >= 1:
        return 1 / n_units
    return -math.expm1(n_units * math.log1p(-chance)) / (n_units * chance)


def largest_fill(n_active, n_units, accuracy=0.97):
    r"""Return the fill at which recall has an accuracy: ``p* = (2 (1 - accuracy) / (K - 1))^(1 / n)``.

    Parameters
    ----------
    n_active : float
        Active features of an item, > 0.
    n_units : int
        Units K of a module.
    accuracy : float, default=0.97
        Mean share of modules with the right winner, between 1 / K, which is chance, and 1; the formula is for small
        errors. With one unit any share in (0, 1).

    Returns
    -------
    float
        At most 1.

    Raises
    ------
    TypeError
        If a value is not a number.
    ValueError
        If a value is out of range.

    Examples
    --------
    >>> from sparsecode.sdr import largest_fill
    >>> round(largest_fill(100, 20), 3)
    0.944
    """
    check_size("n_active", n_active, least=0, open_end=True)
    check_size("n_units", n_units, whole=True)
    chance = 1 / n_units if n_units > 1 else 0.0
    if not is_number(accuracy) or not chance < accuracy < 1:
        raise ValueError(
            f"`accuracy` must lie between {chance:.3g}, that of chance with {n_units} units, and 1, "
            f"got {accuracy!r:.60}."
        )
    if n_units == 1:
        return 1.0
    return (2 * (1 - accuracy) / (n_units - 1)) ** (1 / n_active)


def capacity(n_features, n_active, n_units, accuracy=0.97):
    r"""Return how many items a macrocolumn recalls with an accuracy: ``M* = K ln(1 - p*) / ln(1 - n / F)``.

    Linear in the number K of units of a module, about inverse to the share n / F of active features, and independent of
    the number of modules. Items and codes are taken as random. The adaptive rule, whose codes follow crosstalk a
    little, holds 0.87 times as many with 5 % of the features active, 0.7 with 20, and 0.46 with 50 %; natural inputs
    share features, and fewer of them fit.

    Parameters
    ----------
    n_features, n_active : float
        Inputs F and how many of them are active in an item, > 0.
    n_units : int
        Units K of a module.
    accuracy : float, default=0.97
        Mean share of modules that give the right winner, between 1 / K and 1.

    Returns
    -------
    float
        Infinite where one unit is all there is.

    Raises
    ------
    TypeError
        If a value is not a number.
    ValueError
        If a value is out of range.

    Examples
    --------
    >>> from sparsecode.sdr import capacity
    >>> round(capacity(784, 100, 20)), round(capacity(1024, 20, 20))
    (423, 1405)
    """
    fill, unset = largest_fill(n_active, n_units, accuracy), _log_unset(n_features, n_active)
    if fill == 1:
        return math.inf
    return n_units * math.log1p(-fill) / unset


def sequence_capacity(n_features, n_active, n_modules, n_units, accuracy=0.97):
    r"""Return how many rows of sequences a macrocolumn recalls, each in the context of the row before.

    With M rows stored a unit has the share ``p = 1 - (1 - n / F)^(M / K)`` of its weights from inputs, and
    ``r = 1 - (1 - 1 / K^2)^M`` of those from units of other modules. It supports a row by chance with probability
    ``p^n r^(Q - 1)``; M* is where this is ``2 (1 - accuracy) / (K - 1)``.

    Parameters
    ----------
    n_features, n_active : float
        Inputs F and how many of them are active in a row, > 0.
    n_modules : int
        Modules Q, at least 2: here they matter, since each takes part in the context of the others.
    n_units : int
        Units K of a module.
    accuracy : float, default=0.97
        Mean share of modules that give the right winner, between 1 / K and 1.

    Returns
    -------
    float
        Infinite where one unit is all there is.

    Raises
    ------
    TypeError
        If a value is not a number.
    ValueError
        If a value is out of range.

    Notes
    -----
    Rows and codes are taken as random and the code before as right. Errors make errors, and the first row of a sequence
    has no context, so that less is held: `SequenceMemory` says how much.

    Examples
    --------
    >>> from sparsecode.sdr import sequence_capacity
    >>> round(sequence_capacity(144, 12, 9, 16))
    302
    """
    check_size("n_modules", n_modules, least=2, whole=True)
    unset, least = _log_unset(n_features, n_active), math.log(largest_fill(1, n_units, accuracy))
    if n_units == 1:
        return math.inf

    def excess(log_items):
        items = math.exp(log_items)
        fills = -math.expm1(items / n_units * unset), -math.expm1(items * math.log1p(-1 / n_units**2))
        return n_active * math.log(fills[0]) + (n_modules - 1) * math.log(fills[1]) - least

    return math.exp(brentq(excess, math.log(1e-6), math.log(1e12)))


def items_until_frozen(freeze_fraction, n_features, n_active, n_units):
    r"""Return after how many items a unit has a share of its weights: ``M = K ln(1 - share) / ln(1 - n / F)``.

    Parameters
    ----------
    freeze_fraction : float
        Share of the weights of a unit from which on it learns no more, in [0, 1).
    n_features, n_active : float
    n_units : int
        As for `expected_fill`.

    Returns
    -------
    float

    Raises
    ------
    TypeError
        If a value is not a number.
    ValueError
        If a value is out of range.

    Examples
    --------
    >>> from sparsecode.sdr import items_until_frozen
    >>> round(items_until_frozen(0.5, 784, 100, 20))
    102
    """
    if not is_number(freeze_fraction) or not 0 <= freeze_fraction < 1:
        raise ValueError(f"`freeze_fraction` must lie in [0, 1), got {freeze_fraction!r:.60}.")
    check_size("n_units", n_units, whole=True)
    return n_units * math.log1p(-freeze_fraction) / _log_unset(n_features, n_active)


def capacity_until_frozen(freeze_fraction, n_features, n_active, n_units, accuracy=0.97):
    """Return how many items a macrocolumn whose units freeze stores with a share of winners that still learn.

    A unit learns m items, the last of which takes its weights over the share. With X items for each unit it has won
    fewer, in expectation over all of them, with probability ``Q(m, X) + (m / X) P(m + 1, X)``, with the regularised
    incomplete gamma functions P and Q, since it wins a Poisson number of times.
    """
    if freeze_fraction >= 1:
        return math.inf
    m = math.floor(math.log1p(-freeze_fraction) / _log_unset(n_features, n_active)) + 1

    def excess(x):
        return gammaincc(m, x) + m / x * gammainc(m + 1, x) - accuracy

    return n_units * brentq(excess, 1e-6 * m, m / accuracy)


def _log_unset(n_features, n_active):
    """Return the logarithm of the chance that an input is not active in an item."""
    check_size("n_features", n_features, least=0, open_end=True)
    check_size("n_active", n_active, least=0, open_end=True)
    if n_active > n_features:
        raise ValueError(f"`n_active` must lie in (0, {n_features}], the number of features, got {n_active!r}.")
    return math.log1p(-n_active / n_features) if n_active < n_features else -math.inf
