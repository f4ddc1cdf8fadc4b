"""About the k largest values of each row, by a threshold that takes two moments and no sorting."""

import numpy as np
from scipy.special import ndtri

from .._core.arrays import real_matrix
from .._core.validation import Integral, row_exponents


def statistical_top_k(values, k, *, hard=False):
    r"""Return what of each row exceeds the threshold that k of K values would exceed if they were Gaussian.

        t = mean(v) + std(v) * Phi^-1(1 - k / K),    v_j <- max(v_j - t, 0),

    with the quantile function Phi^-1 of the normal distribution and the standard deviation of the K values (not of a
    sample of them).

    Parameters
    ----------
    values : array-like of shape (n_samples, n_components)
        Such as correlations ``X D^T``. float32 is kept, everything else becomes float64.
    k : int
        How many values of a row are meant to stay, at least 1 and less than n_components.
    hard : bool, default=False
        Whether values that exceed the threshold are kept as they are instead of reduced by it.

    Returns
    -------
    ndarray of shape (n_samples, n_components)
        Zero elsewhere; rows whose values are all equal are zero.

    Raises
    ------
    ValueError
        If `k` is out of range, or the values are not a finite 2-D array.

    Notes
    -----
    O(K) a row. The number of values that stay has some spread about k, and its mean is k for Gaussian values only. Of
    the correlations of whitened patches with 288 learned atoms, whose tails are heavier (mean, standard deviation):

    ======  ==============  ==============  ==============
    k       correlations    magnitudes      positive parts
    ======  ==============  ==============  ==============
    3       4.8, 2.2        10.3, 2.3       11.9, 2.1
    6       7.6, 2.3        13.9, 2.3       15.4, 2.6
    14      13.8, 2.7       20.7, 2.8       21.9, 3.9
    29      24.9, 4.8       30.8, 4.3       30.8, 5.8
    58      47.5, 9.8       48.2, 7.6       45.1, 8.6
    ======  ==============  ==============  ==============

    So take correlations as they are, with their signs, and where exactly k winners are needed, sort.

    References
    ----------
    C. You et al., "Spark Transformer: reactivating sparsity in FFN and attention", NeurIPS (2025).

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.solvers import statistical_top_k
    >>> statistical_top_k([[3.0, 1.0, 1.0, -1.0, 1.0]], 1).round(3).tolist()
    [[0.935, 0.0, 0.0, 0.0, 0.0]]
    >>> values = np.random.default_rng(0).normal(size=(200, 1000))
    >>> float(np.count_nonzero(statistical_top_k(values, 50), axis=1).mean().round(1))
    49.7
    """
    values = real_matrix(values, "values")
    values = values.astype(np.float32 if values.dtype == np.float32 else np.float64, copy=False)
    K = values.shape[1]
    if isinstance(k, bool) or not isinstance(k, Integral) or not 1 <= k < K:
        raise ValueError(f"`k` must be an integer of at least 1 and less than the {K} values of a row, got {k!r}.")
    exponents = row_exponents(values)[:, None]
    scaled = np.ldexp(values, -exponents) if exponents.any() else values  # or squares would overflow
    mean = scaled.mean(axis=1, keepdims=True, dtype=np.float64)
    std = scaled.std(axis=1, keepdims=True, dtype=np.float64, mean=mean)
    over = scaled - (mean + std * ndtri(1 - k / K)).astype(values.dtype)
    over[(values == values[:, :1]).all(axis=1)] = 0  # by rounding their mean may lie below
    if hard:
        return np.where(over > 0, values, 0)
    over = np.maximum(over, 0, out=over)
    return np.ldexp(over, exponents) if exponents.any() else over
