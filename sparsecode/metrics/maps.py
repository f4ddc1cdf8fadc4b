"""What is asked of maps of convolutional codes: which orientations they hold, and what is left of them when pruned."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse

from .._core.arrays import as_dense, real_codes, real_matrix
from .activity import active_fraction
from .reconstruction import psnr


class OrientationHistogram(NamedTuple):
    """How much of the codes of each sample is at each orientation.

    Attributes
    ----------
    theta : ndarray of shape (n_orientations,)
        Orientations in radians, ascending, from 0 up to but not including pi.
    share : ndarray of shape (n_samples, n_orientations)
        Shares of the sum of all magnitudes: each row adds up to 1, or is nan where a code is zero.
    """

    theta: np.ndarray
    share: np.ndarray


class ResilienceCurve(NamedTuple):
    """What is left of reconstructions when small coefficients are taken away.

    Attributes
    ----------
    cutoffs : ndarray of shape (n_cutoffs,)
        Magnitudes below which coefficients became zero.
    psnr : ndarray of shape (n_cutoffs, n_samples)
        Peak signal-to-noise ratio of each sample in dB.
    sparseness : ndarray of shape (n_cutoffs, n_samples)
        Share of coefficients that are zero.
    """

    cutoffs: np.ndarray
    psnr: np.ndarray
    sparseness: np.ndarray


def orientation_histogram(maps, theta):
    r"""Return the distribution of the magnitudes of maps over the orientations of their kernels.

    With the maps x_k of kernels of orientation theta_k,

        share(theta) = sum_{k: theta_k = theta} sum_p |x_k(p)| / sum_k sum_p |x_k(p)|,

    over all positions p: kernels that share an orientation, of several phases or bandwidths, are added up.

    Parameters
    ----------
    maps : array_like or CSR array of shape (n_samples, n_kernels * n_positions)
        Codes of all positions of the first kernel, then of the next, as `ConvSparseCoder` with pool=None returns them.
    theta : array_like of shape (n_kernels,)
        Orientations of the kernels in radians, such as ``dictionary.coords["theta"]``; those that differ by pi are one.

    Returns
    -------
    OrientationHistogram
        A NamedTuple ``theta, share``.

    Raises
    ------
    ValueError
        If `maps` or `theta` are empty, not real or not finite, or the width of `maps` is no multiple of the number of
        kernels.

    Notes
    -----
    O(number of coefficients that are not zero) for sparse codes. What a histogram says of an image depends on the bank:
    orientations that lie closer together share what is there, and with bandwidths wider than their distance neighbours
    take part in it.

    References
    ----------
    .. [1] H. J. Ladret, C. Casanova and L. U. Perrinet, "Kernel heterogeneity improves sparseness of natural images
       representations", Neuromorph. Comput. Eng. 4(3), 034004 (2024).

    Examples
    --------
    Two kernels of one orientation and one of another, with two positions each:

    >>> import numpy as np
    >>> from sparsecode.metrics import orientation_histogram
    >>> found = orientation_histogram([[1.0, 0.0, -2.0, 0.0, 0.0, 1.0]], [0.0, np.pi, np.pi / 2])
    >>> found.theta.round(2), found.share
    (array([0.  , 1.57]), array([[0.75, 0.25]]))
    """
    maps = real_codes(maps, "maps")
    angles = real_matrix(np.atleast_2d(theta), "theta")[0].astype(np.float64)
    if np.ndim(theta) != 1 or maps.shape[1] % len(angles):
        raise ValueError(
            f"theta must have one angle for each kernel, in one dimension, but it has shape {np.shape(theta)}, and "
            f"maps have {maps.shape[1]} columns, which is no multiple of that"
        )
    # Angles that rounding has left on the two sides of a multiple of pi are the same
    angles, group = np.unique(np.round(np.mod(angles, np.pi), 9) % np.round(np.pi, 9), return_inverse=True)
    sums = _sums(maps, group.repeat(maps.shape[1] // len(group)), len(angles))
    totals = sums.sum(axis=1, keepdims=True)
    return OrientationHistogram(angles, np.divide(sums, totals, out=np.full(sums.shape, np.nan), where=totals > 0))


def resilience_curve(X, codes, decode, cutoffs=None):
    r"""Return how reconstructions suffer when coefficients below growing cutoffs are set to zero.

    For each cutoff c the codes w of samples are pruned, ``w_i = 0 where |w_i| < c``, and decoded again.

    Parameters
    ----------
    X : array_like of shape (n_samples, n_features) or (n_samples, *input_shape)
        Samples.
    codes : array_like or CSR array of shape (n_samples, n_atoms)
        Their codes; sparse ones stay sparse.
    decode : callable
        Takes codes, in the form in which they are given, to samples as rows: the `inverse_transform` of an encoder, or
        the `decode` of a `Dictionary` or a `ConvolutionOperator`.
    cutoffs : array_like of shape (n_cutoffs,) or None, default=None
        In the units of the codes, at least 0; None is ``numpy.linspace(0.001, 0.5, 6)``, as published for images after
        local contrast normalisation and kernels whose largest value is 1.

    Returns
    -------
    ResilienceCurve
        A NamedTuple ``cutoffs, psnr, sparseness``; the data range of `psnr` is that of each sample.

    Raises
    ------
    ValueError
        If cutoffs are negative, not finite or not in one dimension, codes are empty, not real or not finite, or a
        sample is constant.

    Notes
    -----
    Codes are decoded once for each cutoff. Coefficients are compared as they are: kernels of unequal norms are pruned
    unequally.

    References
    ----------
    .. [1] H. J. Ladret, C. Casanova and L. U. Perrinet, "Kernel heterogeneity improves sparseness of natural images
       representations", Neuromorph. Comput. Eng. 4(3), 034004 (2024).

    Examples
    --------
    >>> from sparsecode import SparseCoder
    >>> from sparsecode.metrics import resilience_curve
    >>> coder = SparseCoder(dictionary=[[1.0, 0.0], [0.0, 1.0]], alpha=0.01).fit([[4.0, 1.0]])
    >>> codes = coder.transform([[4.0, 1.0]])
    >>> curve = resilience_curve([[4.0, 1.0]], codes, coder.inverse_transform, cutoffs=[0.1, 2.0])
    >>> curve.sparseness.tolist(), curve.psnr.round(1).tolist()
    ([[0.0], [0.5]], [[49.5], [12.6]])
    """
    cutoffs = np.linspace(0.001, 0.5, 6) if cutoffs is None else np.asarray(cutoffs, dtype=np.float64)
    if cutoffs.ndim != 1 or not (np.isfinite(cutoffs) & (cutoffs >= 0)).all():
        raise ValueError(f"cutoffs must be numbers of at least 0 in one dimension, got {cutoffs!r:.80}")
    rows, codes = np.reshape(X, (len(X), -1)), real_codes(codes, "codes")
    ratios, shares = np.empty((2, len(cutoffs), len(rows)))
    for place, cutoff in enumerate(cutoffs):
        kept = _pruned(codes, cutoff)
        ratios[place] = psnr(rows, as_dense(decode(kept)))
        shares[place] = [1.0 - active_fraction(kept[[row]]) for row in range(len(rows))]
    return ResilienceCurve(cutoffs, ratios, shares)


def _sums(maps, group, n_groups):
    """Return sums of magnitudes of the columns of each group, for each row."""
    if not issparse(maps):
        return np.array([np.bincount(group, np.abs(row, dtype=np.float64), n_groups) for row in maps])
    sums = np.empty((maps.shape[0], n_groups))
    for row, (start, end) in enumerate(zip(maps.indptr[:-1], maps.indptr[1:], strict=True)):
        entries = slice(start, end)
        sums[row] = np.bincount(group[maps.indices[entries]], np.abs(maps.data[entries], dtype=np.float64), n_groups)
    return sums


def _pruned(codes, cutoff):
    """Return codes without coefficients below a cutoff."""
    if not issparse(codes):
        return np.where(np.abs(codes) < cutoff, codes.dtype.type(0), codes)
    kept = codes.copy()
    kept.data[np.abs(kept.data) < cutoff] = 0
    kept.eliminate_zeros()
    return kept
