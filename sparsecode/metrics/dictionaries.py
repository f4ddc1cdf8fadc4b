"""Agreement of dictionaries: with the atoms that made the data, and between runs of learning."""

from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy.fft import irfftn, next_fast_len, rfftn
from scipy.optimize import linear_sum_assignment

from .._core.arrays import real_matrix, shaped_atoms


class AtomMatch(NamedTuple):
    """Pairs of atoms of two dictionaries, as many as the smaller one has, in the order of the true atoms.

    Attributes
    ----------
    cosine : ndarray
        Absolute cosine of each pair, float64 in [0, 1].
    atom : ndarray
        Row of `atoms` of each pair.
    truth : ndarray
        Row of `truth` of each pair.
    """

    cosine: np.ndarray
    atom: np.ndarray
    truth: np.ndarray


def match_atoms(atoms, truth):
    r"""Match the atoms of two dictionaries one to one, so that the sum of ``|cos(atom, truth)|`` is largest.

    ``match.cosine.mean()`` is the mean matched cosine (MCC), ``(match.cosine > 0.99).sum() / len(truth)`` the
    share of true atoms that were recovered. Without the demand for one-to-one pairs, an atom that resembles
    two true ones would count twice.

    Parameters
    ----------
    atoms : array_like of shape (n_atoms, n_features)
        Atoms that were learned, of any norm and sign.
    truth : array_like of shape (n_true, n_features)
        Atoms that they should be, of any norm and sign.

    Returns
    -------
    AtomMatch
        Of ``min(n_atoms, n_true)`` pairs. Atoms that are zero have cosine 0 with all others.

    Raises
    ------
    ValueError
        If the numbers of features differ, or an array is empty, not 2-D, or holds NaN or infinity.

    Notes
    -----
    The linear assignment problem, O(n^3) for n atoms, on a matrix of n_atoms * n_true float64.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.metrics import match_atoms
    >>> match = match_atoms([[0.0, -2.0], [3.0, 3.0]], np.eye(2))
    >>> match.cosine.round(3), match.atom
    (array([0.707, 1.   ]), array([1, 0]))
    """
    atoms, truth = real_matrix(atoms, "atoms"), real_matrix(truth, "truth")
    if atoms.shape[1] != truth.shape[1]:
        raise ValueError(f"atoms and truth must have the same number of features, got {atoms.shape} and {truth.shape}")
    cosines = np.minimum(np.abs(_unit_rows(truth) @ _unit_rows(atoms).T), 1.0)
    rows, columns = linear_sum_assignment(cosines, maximize=True)
    return AtomMatch(cosines[rows, columns], columns, rows)


def stability(dictionaries):
    r"""Return how well dictionaries from several seeds agree, the mean over pairs of the mean matched cosine.

    The pairwise MCC: 1 if all runs found the same atoms up to order, sign and norm. Unrelated dictionaries do
    not give 0 but the cosine of chance matches, which grows with the number of atoms: compare with
    random atoms.

    Parameters
    ----------
    dictionaries : sequence of array_like of shape (n_atoms, n_features)
        At least two; the numbers of atoms may differ.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        If there are fewer than two dictionaries, or as for `match_atoms`.

    See Also
    --------
    match_atoms : The match of two dictionaries.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.metrics import stability
    >>> stability([np.eye(3), -np.eye(3)[::-1], 2 * np.eye(3)])
    1.0
    """
    dictionaries = list(dictionaries)
    if len(dictionaries) < 2:
        raise ValueError(f"stability compares at least two dictionaries, got {len(dictionaries)}")
    return float(np.mean([match_atoms(a, b).cosine.mean() for a, b in combinations(dictionaries, 2)]))


def shift_cosines(kernels):
    r"""Return the largest ``|cos|`` of each pair of kernels over all shifts of one against the other.

        c_jk = max_u |sum_p d_j(p) d_k(p + u)| / (||d_j|| ||d_k||)

    with kernels that are zero outside of their extent. ``c_kk`` leaves out the shift u = 0: it is how much a kernel
    resembles its own shifted copies.

    Parameters
    ----------
    kernels : Dictionary, or array_like of shape (n_atoms, length) or (n_atoms, height, width)
        The axis "channel" of a Dictionary is summed over, not shifted.

    Returns
    -------
    ndarray of shape (n_atoms, n_atoms)
        Symmetric, float64 in [0, 1]; 0 for kernels that are zero.

    Raises
    ------
    ValueError
        If `kernels` are empty or not real, hold NaN or infinity, or have more axes.

    See Also
    --------
    shift_coherence : The largest of all.

    Notes
    -----
    By fast Fourier transforms of twice the size of a kernel, O(n_atoms^2 n_features log n_features): 0.06 s for
    144 kernels of 12 by 12.

    Examples
    --------
    >>> from sparsecode.metrics import shift_cosines
    >>> shift_cosines([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]).round(3)
    array([[0.5  , 0.707],
           [0.707, 0.   ]])
    """
    unit, n_spatial = _unit_kernels(kernels)
    sides = [2 * side - 1 for side in unit.shape[-n_spatial:]]
    padded, axes = [next_fast_len(side, real=True) for side in sides], tuple(range(-n_spatial, 0))
    spectra = rfftn(unit, padded, axes=axes)
    cosines = np.empty((len(unit), len(unit)))
    for k, spectrum in enumerate(spectra):
        products = np.abs(irfftn((spectrum.conj() * spectra[k:]).sum(axis=1), padded, axes=axes))
        products[(0,) * (1 + n_spatial)] = 0.0
        cosines[k, k:] = cosines[k:, k] = np.minimum(products.reshape(len(products), -1).max(axis=1), 1.0)
    return cosines


def shift_coherence(kernels):
    r"""Return the mutual coherence of a convolutional dictionary: of all kernels at all places.

    The largest ``|cos|`` of two of its atoms, which are shifted copies of two kernels or of one. It is at least the
    coherence of the kernels as they stand.

    Parameters
    ----------
    kernels : Dictionary, or array_like of shape (n_atoms, length) or (n_atoms, height, width)
        The axis "channel" of a Dictionary is summed over, not shifted.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        As `shift_cosines`.

    See Also
    --------
    shift_cosines : The cosines of each pair of kernels, with the cost.
    sparsecode.Dictionary.coherence : Of the kernels as they stand.

    References
    ----------
    .. [1] V. Papyan, J. Sulam and M. Elad, "Working locally thinking globally: theoretical guarantees for
       convolutional sparse coding", IEEE Trans. Signal Process. 65(21), 5687-5701, 2017.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.metrics import shift_coherence
    >>> pixels = Dictionary([[1.0, 0.0], [0.0, 1.0]])
    >>> pixels.coherence, shift_coherence(pixels)
    (0.0, 1.0)
    """
    return float(shift_cosines(kernels).max())


def _unit_kernels(kernels):
    """Return kernels of norm 1 as (n_atoms, n_channels, *sides), and the number of their sides."""
    array = shaped_atoms(kernels)
    rows = real_matrix(array.reshape(len(array), -1) if array.size and array.ndim > 1 else array, "kernels")
    unit = _unit_rows(rows).reshape(array.shape)
    dims = getattr(kernels, "dims", ())
    unit = np.moveaxis(unit, dims.index("channel"), 1) if "channel" in dims else unit[:, None]
    n_spatial = unit.ndim - 2
    if n_spatial not in (1, 2):
        raise ValueError(
            f"kernels must have one or two axes besides channels, got shape {array.shape[1:]}; the axis of channels of "
            'a Dictionary is called "channel".'
        )
    return unit, n_spatial


def _unit_rows(atoms):
    """Return the atoms in float64 with norm 1, zero ones as they are."""
    # Dividing by the largest entry first lets the norm neither overflow nor vanish.
    atoms = _divide_rows(atoms.astype(np.float64), np.abs(atoms).max(axis=1))
    return _divide_rows(atoms, np.sqrt(np.square(atoms).sum(axis=1)))


def _divide_rows(rows, sizes):
    return np.divide(rows, sizes[:, None], out=np.zeros_like(rows), where=sizes[:, None] > 0)
