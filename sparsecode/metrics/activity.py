"""How often atoms are active, counted over all coefficients that are not exactly zero.

Coders of this package return exact zeros. Set the small coefficients of other coders to zero first. Sparse codes stay
sparse: maps of convolutional codes are counted as they are.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse

from .._core.arrays import real_codes


class L0Statistics(NamedTuple):
    """Number of active atoms a sample.

    Attributes
    ----------
    mean : float
    min, max : int
    """

    mean: float
    min: int
    max: int


def l0_statistics(codes):
    """Return the mean, the smallest and the largest number of active atoms a sample, ``#{k: w_k != 0}``.

    Parameters
    ----------
    codes : array_like of shape (n_samples, n_atoms)

    Returns
    -------
    L0Statistics

    Raises
    ------
    ValueError
        If `codes` is empty, not 2-D, or holds NaN or infinity.

    Examples
    --------
    >>> from sparsecode.metrics import l0_statistics
    >>> l0_statistics([[0.0, 2.0, -1.0], [0.0, 0.5, 0.0]])
    L0Statistics(mean=1.5, min=1, max=2)
    """
    counts = _count(real_codes(codes, "codes"), axis=1)
    return L0Statistics(float(counts.mean()), int(counts.min()), int(counts.max()))


def active_fraction(codes):
    """Return the share of coefficients that are not zero, the mean L0 divided by the number of atoms.

    One minus it is what studies of convolutional codes call sparseness; there an "atom" is a kernel at a place.

    Parameters
    ----------
    codes : array_like of shape (n_samples, n_atoms)

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        If `codes` is empty, not 2-D, or holds NaN or infinity.

    Examples
    --------
    >>> from sparsecode.metrics import active_fraction
    >>> active_fraction([[0.0, 2.0, -1.0, 0.0], [0.0, 0.5, 0.0, 0.0]])
    0.375
    """
    return float(activation_rates(codes).mean())


def activation_rates(codes):
    """Return the activation frequency of each atom, the share of samples whose coefficient is not zero.

    Parameters
    ----------
    codes : array_like of shape (n_samples, n_atoms)

    Returns
    -------
    ndarray of shape (n_atoms,)
        float64 in [0, 1].

    Raises
    ------
    ValueError
        If `codes` is empty, not 2-D, or holds NaN or infinity.

    Examples
    --------
    >>> from sparsecode.metrics import activation_rates
    >>> activation_rates([[0.0, 2.0, -1.0], [0.0, 0.5, 0.0]])
    array([0. , 1. , 0.5])
    """
    codes = real_codes(codes, "codes")
    return _count(codes, axis=0) / codes.shape[0]


def dead_fraction(codes):
    """Return the share of atoms that no sample uses.

    A statement about these samples: an atom of rate r is silent in n of them with probability (1 - r)^n.
    Evaluate some 50 samples for each atom and active atom a sample, ``50 * n_atoms / mean L0``, or more.

    Parameters
    ----------
    codes : array_like of shape (n_samples, n_atoms)

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        If `codes` is empty, not 2-D, or holds NaN or infinity.

    Examples
    --------
    >>> from sparsecode.metrics import dead_fraction
    >>> dead_fraction([[0.0, 2.0, -1.0, 0.0], [0.0, 0.5, 0.0, 0.0]])
    0.5
    """
    return float((activation_rates(codes) == 0).mean())


def activation_entropy(codes):
    r"""Return how evenly activations are spread over the atoms, as an entropy between 0 and 1.

    With the share ``p_k = rate_k / sum_j rate_j`` of atom k in all activations,

        H = -sum_k p_k log(p_k) / log(n_atoms).

    1 if all atoms are active equally often, which is what homeostasis aims at, 0 if one atom has all
    activations. ``n_atoms ** H`` is the effective number of atoms in use. Magnitudes do not enter.

    Parameters
    ----------
    codes : array_like of shape (n_samples, n_atoms)
        Of at least two atoms.

    Returns
    -------
    float
        In [0, 1]; nan if all codes are zero.

    Raises
    ------
    ValueError
        If `codes` has fewer than two atoms, is empty, not 2-D, or holds NaN or infinity.

    Examples
    --------
    >>> from sparsecode.metrics import activation_entropy
    >>> activation_entropy([[1.0, 0.0, 0.0, 0.0], [0.0, -3.0, 0.0, 0.0]])
    0.5
    """
    rates = activation_rates(codes)
    if len(rates) < 2:
        raise ValueError("activation_entropy compares atoms: codes must have at least two columns, got 1")
    used = rates[rates > 0]
    if not used.size:
        return float("nan")
    shares = used / used.sum()
    entropy = -(shares * np.log(shares)).sum() / np.log(len(rates))
    return float(min(max(entropy, 0.0), 1.0))  # by rounding it may leave [0, 1]


def _count(codes, axis):
    """Return the number of coefficients that are not zero of each sample (axis 1) or atom (axis 0)."""
    if not issparse(codes):
        return np.count_nonzero(codes, axis=axis)
    return np.diff(codes.indptr) if axis else np.bincount(codes.indices, minlength=codes.shape[1])
