"""Sparseness of codes as a graded property, for codes without exact zeros too."""

import numpy as np

from .._core.arrays import real_matrix


def hoyer(codes, *, axis=1):
    r"""Return Hoyer's sparseness ``(sqrt(n) - ||w||_1 / ||w||_2) / (sqrt(n) - 1)`` of each row or column.

    Parameters
    ----------
    codes : array_like of shape (n_samples, n_atoms)
    axis : {1, 0}, default=1
        1 gives the population sparseness of each sample, over its n atoms; 0 the lifetime sparseness of
        each atom, over the n samples.

    Returns
    -------
    ndarray of shape (n_samples,) or (n_atoms,)
        float64: 1 where one coefficient is not zero, 0 where all have the same magnitude, nan where all
        are zero. The scale does not matter.

    Raises
    ------
    ValueError
        If `axis` is neither 0 nor 1, n is 1, or `codes` is empty, not 2-D, or holds NaN or infinity.

    References
    ----------
    .. [1] P. O. Hoyer, "Non-negative matrix factorization with sparseness constraints", J. Mach. Learn.
       Res. 5, 1457-1469, 2004.

    Examples
    --------
    >>> from sparsecode.metrics import hoyer
    >>> hoyer([[0.0, -2.0, 0.0, 0.0], [1.0, 1.0, -1.0, 1.0], [1.0, 1.0, 0.0, 0.0]]).round(3)
    array([1.   , 0.   , 0.586])
    """
    magnitudes, n = _magnitudes(codes, axis)
    flat = magnitudes.sum(axis=axis) / np.sqrt(np.square(magnitudes).sum(axis=axis))
    return np.clip((np.sqrt(n) - flat) / (np.sqrt(n) - 1.0), 0.0, 1.0)


def treves_rolls(codes, *, axis=1):
    r"""Return the Treves-Rolls sparseness of each row or column, in the scaling of Vinje and Gallant.

    With ``a = (mean |w|)^2 / mean(w^2)``, Treves and Rolls' activity ratio of the magnitudes,

        S = (1 - a) / (1 - 1 / n).

    The measure of selectivity in physiology; for non-negative codes |w| is the firing rate.

    Parameters
    ----------
    codes : array_like of shape (n_samples, n_atoms)
    axis : {1, 0}, default=1
        1 gives the population sparseness of each sample, over its n atoms; 0 the lifetime sparseness of
        each atom, over the n samples.

    Returns
    -------
    ndarray of shape (n_samples,) or (n_atoms,)
        float64: 1 where one coefficient is not zero, 0 where all have the same magnitude, nan where all
        are zero. The scale does not matter.

    Raises
    ------
    ValueError
        If `axis` is neither 0 nor 1, n is 1, or `codes` is empty, not 2-D, or holds NaN or infinity.

    References
    ----------
    .. [1] A. Treves and E. T. Rolls, "What determines the capacity of autoassociative memories in the
       brain?", Network 2(4), 371-397, 1991.
    .. [2] W. E. Vinje and J. L. Gallant, "Sparse coding and decorrelation in primary visual cortex during
       natural vision", Science 287, 1273-1276, 2000.

    Examples
    --------
    >>> from sparsecode.metrics import treves_rolls
    >>> treves_rolls([[0.0, 2.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 0.0, 0.0]]).round(3)
    array([1.   , 0.   , 0.667])
    """
    magnitudes, n = _magnitudes(codes, axis)
    ratio = np.square(magnitudes.mean(axis=axis)) / np.square(magnitudes).mean(axis=axis)
    return np.clip((1.0 - ratio) / (1.0 - 1.0 / n), 0.0, 1.0)


def _magnitudes(codes, axis):
    """Return |codes| scaled to a largest entry of 1 along `axis`, nan where all are zero, and the length n."""
    if axis not in (0, 1):
        raise ValueError(f"axis must be 1 (population sparseness) or 0 (lifetime sparseness), got {axis!r}")
    codes = real_matrix(codes, "codes")
    n = codes.shape[axis]
    if n < 2:
        raise ValueError(f"sparseness needs at least two {('samples', 'atoms')[axis]}, got codes of {codes.shape}")
    magnitudes = np.abs(codes.astype(np.float64))
    largest = magnitudes.max(axis=axis, keepdims=True)
    return np.divide(magnitudes, largest, out=np.full(codes.shape, np.nan), where=largest > 0), n
