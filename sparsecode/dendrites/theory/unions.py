"""Several patterns on one segment, or active at once."""

import numpy as np

from ..._core.hypergeometric import log_probabilities, log_tails
from ._checks import counts, log_any, number, rate

KINDS = ("activity", "synapses")
METHODS = ("exact", "mean", "bound")


def union_size(n_cells, n_active, n_patterns):
    r"""Return the mean number of cells in the union of random patterns: ``n (1 - (1 - a / n)^M)``.

    Parameters
    ----------
    n_cells, n_active : array-like of int
        Cells n, and those of a pattern, a.
    n_patterns : array-like of int
        Patterns M.

    Returns
    -------
    float or ndarray

    Raises
    ------
    TypeError
        If a value is not a number.
    ValueError
        If a value is no whole number, or out of range.

    Examples
    --------
    >>> from sparsecode.dendrites.theory import union_size
    >>> round(union_size(1000, 20, 5), 4)
    96.0792
    """
    n = counts("n_cells", n_cells)
    a = counts("n_active", n_active, most=n, of="`n_cells`")
    return number(_mean_size(n, a, counts("n_patterns", n_patterns)))


#: Numbers that the law of the size of a union may take.
LARGEST_LAW = 10**8


def union_size_distribution(n_cells, n_active, n_patterns):
    r"""Return the probability of each size of a union of random patterns.

    A pattern adds those of its cells that are new: ``u' = u + a - H`` with H hypergeometric (n, u, a).

    Parameters
    ----------
    n_cells, n_active, n_patterns : int
        n, a and M.

    Returns
    -------
    ndarray of shape (min(n, M a) + 1,)

    Raises
    ------
    TypeError
        If a value is not a number.
    ValueError
        If a value is no whole number, or out of range.

    Notes
    -----
    O(n a M) at most, and as many floats as the result times a.

    Examples
    --------
    >>> from sparsecode.dendrites.theory import union_size_distribution
    >>> union_size_distribution(5, 2, 2)  # two patterns share two, one or no cells
    array([0. , 0. , 0.1, 0.6, 0.3])
    """
    n, a, M = (
        int(counts(name, value))
        for name, value in (("n_cells", n_cells), ("n_active", n_active), ("n_patterns", n_patterns))
    )
    counts("n_active", a, most=n, of="`n_cells`")
    largest = min(n, M * a)
    sizes = np.arange(largest + 1)
    law = np.zeros(largest + 1)
    law[0] = 1.0
    if a == 0:
        return law
    shared = np.exp(log_probabilities(n, a, sizes, np.arange(a + 1)[:, None]))  # of a union of each size
    for _ in range(M):
        after = np.zeros_like(law)
        for new in range(a + 1):  # of which a - new were there
            after[new:] += (law * shared[a - new])[: largest + 1 - new]
        law = after
    return law


def union_false_positive_rate(
    n_cells, n_active, n_synapses, threshold, n_patterns, *, union="activity", method="exact", log=False
):
    r"""Return the chance that random activity reaches a threshold when M patterns are united.

    Parameters
    ----------
    n_cells, n_active, n_synapses, threshold : array-like of int
        n, a, s and theta, as for `false_positive_rate`.
    n_patterns : array-like of int
        Patterns M of the union.
    union : {"activity", "synapses"}, default="activity"
        Whether M random patterns are active at once, or the segment has s synapses for each of M patterns.
    method : {"exact", "mean", "bound"}, default="exact"
        Over all sizes of the union (`union_size_distribution`, a problem at a time); for its mean, which needs not be
        whole; or for M a (or M s) cells, as if patterns shared none, which is an upper bound.
    log : bool, default=False
        Return natural logarithms.

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
    The rate for the mean size is some per cent below the exact one, which larger unions dominate, and far below it
    where the threshold is near all of the synapses: by a quarter at 40 of 40, and without bound beyond the mean size.
    The exact one takes O(M^2 a^2) time and O(M a^2) memory for each problem; beyond 10^8 numbers it is refused.

    References
    ----------
    S. Ahmad and J. Hawkins, arXiv:1601.00720 (2016).

    Examples
    --------
    >>> from sparsecode.dendrites.theory import union_false_positive_rate
    >>> rates = [union_false_positive_rate(2000, 40, 20, 10, 5, union="synapses", method=m) for m in ("exact", "mean")]
    >>> [f"{rate:.3e}" for rate in rates]
    ['1.266e-05', '1.257e-05']
    """
    for name, value, allowed in (("union", union, KINDS), ("method", method, METHODS)):
        if value not in allowed:
            raise ValueError(f"`{name}` must be one of {', '.join(map(repr, allowed))}, got {value!r:.60}.")
    n = counts("n_cells", n_cells)
    a = counts("n_active", n_active, most=n, of="`n_cells`")
    s = counts("n_synapses", n_synapses, most=n, of="`n_cells`")
    theta, M = counts("threshold", threshold), counts("n_patterns", n_patterns)
    united, other = (a, s) if union == "activity" else (s, a)
    if method == "exact":
        return rate(_exact_rate(n, united, other, theta, M), log)
    size = _mean_size(n, united, M) if method == "mean" else np.minimum(united * M, n)
    return rate(log_tails(n, other, size, theta, below=False)[1], log)


def union_containment_rate(n_cells, n_active, n_patterns, n_synapses, *, log=False):
    r"""Return the chance that all of some cells are in a union by accident, about: ``(1 - (1 - a / n)^M)^s``.

    As in a Bloom filter: with s = a the chance that a pattern that is not in the union seems to be.

    Parameters
    ----------
    n_cells, n_active, n_patterns, n_synapses : array-like of int
        n, a, M and s.
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

    Examples
    --------
    >>> from sparsecode.dendrites.theory import union_containment_rate
    >>> print(f"{union_containment_rate(1024, 20, 20, 20):.4e}")
    1.8354e-10
    """
    n = counts("n_cells", n_cells)
    a = counts("n_active", n_active, most=n, of="`n_cells`")
    s = counts("n_synapses", n_synapses, most=n, of="`n_cells`")
    with np.errstate(divide="ignore", invalid="ignore"):
        log_share = log_any(np.log(a / n), counts("n_patterns", n_patterns))
        return rate(np.where(s == 0, 0.0, s * log_share) + 0.0, log)


def _share(n, a, M):
    """Return the share of all cells that a union has in the mean."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(M == 0, 0.0, np.where(a == n, 1.0, -np.expm1(M * np.log1p(-a / n))))


def _mean_size(n, a, M):
    """Return the mean size of a union; where rounding leaves it beside a whole number, that number."""
    size = n * _share(n, a, M)
    whole = np.rint(size)
    return np.where(np.abs(size - whole) <= 1e-12 * M * whole, whole, size)


def _exact_rate(n, united, other, theta, M):
    """Return the logarithm of the rate in the mean over all sizes of the union."""
    problems = np.broadcast(n, united, other, theta, M)
    result = np.empty(problems.shape)
    for i, (n_, united_, other_, theta_, M_) in enumerate(problems):
        if (united_ + 1) * min(n_ + 1, M_ * united_ + 1) > LARGEST_LAW:
            raise ValueError(
                f"the law of unions of {M_:.0f} patterns of {united_:.0f} of {n_:.0f} cells takes too much memory; use "
                "method='mean' or 'bound'."
            )
        law = union_size_distribution(n_, united_, M_)
        with np.errstate(divide="ignore"):
            terms = np.log(law) + log_tails(n_, other_, np.arange(len(law)), theta_, below=False)[1]
        result.flat[i] = np.logaddexp.reduce(terms)
    return np.minimum(result, 0.0)
