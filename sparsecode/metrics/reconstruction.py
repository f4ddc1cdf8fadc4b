"""How well rows are reconstructed: pooled errors, and how l1 codes shrink what they reconstruct.

All are ratios in which a common factor of X and X_hat cancels (of `psnr` only if it takes the range from X); sums are
float64.
"""

import numpy as np

from .._core.arrays import real_matrix


def explained_variance(X, X_hat):
    r"""Return the pooled explained variance ``1 - sum ||x - x_hat||^2 / sum ||x - mean||^2``.

    1 for a perfect reconstruction, 0 for predicting the mean row, negative for worse. Pooled over samples
    and features: a mean of ratios of single samples (or features) is dominated by those with little variance,
    and a variance about zero or about one scalar mean flatters whatever gets the mean right.

    Parameters
    ----------
    X, X_hat : array_like of shape (n_samples, n_features)
        Rows and their reconstructions, float32 or float64.

    Returns
    -------
    float
        Without unit. Comparable at equal sparsity only, since more active atoms explain more.

    Raises
    ------
    ValueError
        If the shapes differ, an entry is NaN or infinite, or all rows of X are equal.

    Notes
    -----
    O(n_samples * n_features), with two float64 copies.

    Examples
    --------
    >>> from sparsecode.metrics import explained_variance
    >>> explained_variance([[1.0, 0.0], [3.0, 0.0]], [[2.0, 0.0], [2.0, 0.0]])
    0.0
    """
    X, X_hat, _ = _check_pair(X, X_hat)
    if np.ptp(X, axis=0).max() == 0:
        raise ValueError("explained_variance needs rows of X that differ: their variance is zero")
    return float(1.0 - np.square(X - X_hat).sum() / np.square(X - X.mean(axis=0)).sum())


def relative_error(X, X_hat):
    r"""Return the pooled relative error ``sum ||x - x_hat||^2 / sum ||x||^2``.

    0 for a perfect reconstruction, 1 for reconstructing nothing. It is about zero, `explained_variance`
    about the mean: for patches without their means both say nearly the same.

    Parameters
    ----------
    X, X_hat : array_like of shape (n_samples, n_features)
        Rows and their reconstructions, float32 or float64.

    Returns
    -------
    float
        Without unit.

    Raises
    ------
    ValueError
        If the shapes differ, an entry is NaN or infinite, or X is zero everywhere.

    See Also
    --------
    snr : The same in decibels.

    Examples
    --------
    >>> from sparsecode.metrics import relative_error
    >>> relative_error([[3.0, 4.0]], [[3.0, 3.0]])
    0.04
    """
    X, X_hat, _ = _check_pair(X, X_hat)
    return float(np.square(X - X_hat).sum() / _energy(X).sum())


def snr(X, X_hat):
    r"""Return the pooled signal-to-noise ratio ``10 log10(sum ||x||^2 / sum ||x - x_hat||^2)`` in decibels.

    Parameters
    ----------
    X, X_hat : array_like of shape (n_samples, n_features)
        Rows and their reconstructions, float32 or float64.

    Returns
    -------
    float
        In dB; inf for a perfect reconstruction, 0 for reconstructing nothing.

    Raises
    ------
    ValueError
        As `relative_error`.

    Examples
    --------
    >>> from sparsecode.metrics import snr
    >>> round(snr([[3.0, 4.0]], [[3.0, 3.0]]), 6)
    13.9794
    """
    error = relative_error(X, X_hat)
    return float(-10.0 * np.log10(error)) if error > 0 else float("inf")


def psnr(X, X_hat, data_range=None):
    r"""Return the peak signal-to-noise ratio ``10 log10(range^2 / mean (x - x_hat)^2)`` of each row in decibels.

    The other numbers here are pooled over rows; this one is about images, each in a row, as studies give it.

    Parameters
    ----------
    X, X_hat : array_like of shape (n_samples, n_features)
        Images as rows and their reconstructions, float32 or float64.
    data_range : float or None, default=None
        Difference of the largest and the least value that are possible, > 0: 1 or 255 for images as they are stored.
        None takes ``max x - min x`` of each row, for images without fixed limits, such as filtered ones.

    Returns
    -------
    ndarray of shape (n_samples,)
        float64, in dB; inf where a reconstruction is perfect.

    Raises
    ------
    ValueError
        If the shapes differ, an entry is NaN or infinite, `data_range` is not positive, or it is None and a row of X
        is constant.

    See Also
    --------
    snr : Pooled, and relative to the energy of X.

    Notes
    -----
    O(n_samples * n_features), with two float64 copies.

    Examples
    --------
    >>> from sparsecode.metrics import psnr
    >>> psnr([[0.0, 1.0], [0.0, 4.0]], [[0.1, 0.9], [0.4, 4.4]]).round(6)
    array([20., 20.])
    >>> psnr([[0.0, 0.5]], [[0.1, 0.4]], data_range=1.0).round(6)
    array([20.])
    """
    if data_range is not None and not 0 < data_range < np.inf:
        raise ValueError(f"data_range must be a positive number, or None for the range of each row, got {data_range!r}")
    X, X_hat, exponent = _check_pair(X, X_hat)
    span = np.ptp(X, axis=1) if data_range is None else np.full(len(X), np.ldexp(float(data_range), -exponent))
    if data_range is None and not span.all():
        row = int(np.flatnonzero(span == 0)[0])
        raise ValueError(f"row {row} of X is constant and has no range of its own; give data_range")
    error = np.sqrt(np.square(X - X_hat).mean(axis=1))
    return 20.0 * np.log10(np.divide(span, error, out=np.full(len(X), np.inf), where=error > 0))


def reconstruction_bias(X, X_hat):
    r"""Return the relative reconstruction bias ``gamma = sum ||x_hat||^2 / sum <x, x_hat>``.

    1 without bias, as for least squares on any support; below 1 where codes are shrunk, as by an l1 penalty,
    and reconstructions would come closer to X if they were longer: by the factor ``1 / gamma``.

    Parameters
    ----------
    X, X_hat : array_like of shape (n_samples, n_features)
        Rows and their reconstructions, float32 or float64.

    Returns
    -------
    float
        Without unit; nan where X_hat is zero everywhere or orthogonal to X.

    Raises
    ------
    ValueError
        If the shapes differ, an entry is NaN or infinite, or X is zero everywhere.

    Examples
    --------
    >>> from sparsecode.metrics import reconstruction_bias
    >>> reconstruction_bias([[3.0, 4.0]], [[1.5, 2.0]])
    0.5
    """
    X, X_hat, _ = _check_pair(X, X_hat)
    _energy(X)
    shared = (X * X_hat).sum()
    return float(np.square(X_hat).sum() / shared) if shared != 0 else float("nan")


def mean_cosine(X, X_hat):
    r"""Return the mean over samples of the cosine ``<x, x_hat> / (||x|| ||x_hat||)``.

    It does not see a shrinkage of whole reconstructions, which `norm_ratio` does. Every sample counts the
    same, however weak. The cosine of a reconstruction that is zero counts as 0; samples that are zero are
    left out.

    Parameters
    ----------
    X, X_hat : array_like of shape (n_samples, n_features)
        Rows and their reconstructions, float32 or float64.

    Returns
    -------
    float
        In [-1, 1].

    Raises
    ------
    ValueError
        If the shapes differ, an entry is NaN or infinite, or X is zero everywhere.

    Examples
    --------
    >>> from sparsecode.metrics import mean_cosine
    >>> mean_cosine([[3.0, 4.0], [1.0, 0.0]], [[1.5, 2.0], [0.0, 0.0]])
    0.5
    """
    X, X_hat, _ = _check_pair(X, X_hat)
    energy = _energy(X)
    norms = np.sqrt(energy) * np.sqrt(np.square(X_hat).sum(axis=1))
    cosines = np.divide((X * X_hat).sum(axis=1), norms, out=np.zeros(len(X)), where=norms > 0)
    return float(np.clip(cosines, -1.0, 1.0)[energy > 0].mean())


def norm_ratio(X, X_hat):
    r"""Return the mean over samples of ``||x_hat|| / ||x||``; samples that are zero are left out.

    Below 1 because codes are shrunk, but also because what is not reconstructed is missing: even for
    least squares it is the cosine. `reconstruction_bias` tells the two apart.

    Parameters
    ----------
    X, X_hat : array_like of shape (n_samples, n_features)
        Rows and their reconstructions, float32 or float64.

    Returns
    -------
    float
        Without unit.

    Raises
    ------
    ValueError
        If the shapes differ, an entry is NaN or infinite, or X is zero everywhere.

    Examples
    --------
    >>> from sparsecode.metrics import norm_ratio
    >>> norm_ratio([[3.0, 4.0], [1.0, 0.0]], [[1.5, 2.0], [0.0, 1.0]])
    0.75
    """
    X, X_hat, _ = _check_pair(X, X_hat)
    norms = np.sqrt(_energy(X))
    used = norms > 0
    return float((np.sqrt(np.square(X_hat).sum(axis=1))[used] / norms[used]).mean())


def _check_pair(X, X_hat):
    """Return both as float64 times ``2**-exponent``, so small that squares do not overflow, and the exponent."""
    X, X_hat = real_matrix(X, "X"), real_matrix(X_hat, "X_hat")
    if X.shape != X_hat.shape:
        raise ValueError(f"X_hat must have the shape of X, {X.shape}, got {X_hat.shape}")
    X, X_hat = X.astype(np.float64, order="C"), X_hat.astype(np.float64, order="C")
    peak = max(np.abs(X).max(), np.abs(X_hat).max())
    exponent = int(np.frexp(peak)[1])
    if peak > 0:
        # A power of two changes no digit.
        X, X_hat = np.ldexp(X, -exponent), np.ldexp(X_hat, -exponent)
    return X, X_hat, exponent


def _energy(X):
    """Return ``||x||^2`` of each row, unless all are 0."""
    energy = np.square(X).sum(axis=1)
    if not energy.any():
        raise ValueError("X is zero everywhere: errors relative to it are not defined")
    return energy
