r"""The mean of a sample as an unpenalised coefficient of a constant atom u = (1, ..., 1) / sqrt(F).

    min_{m, w}  0.5 ||x - m u - w D||^2 + pen(w)

is the problem of the centred sample with centred atoms; then ``m = <x - w D, u>``.
"""

import numpy as np
from scipy.sparse import csr_array, hstack, issparse


def constant_atom(n_features, dtype):
    """Return u as an array of shape (1, n_features)."""
    return np.full((1, n_features), 1 / np.sqrt(n_features), dtype)


def with_constant(X, D, codes, mask=None):
    """Return codes with the coefficient of the constant atom before them, by the entries that are known."""
    root = np.sqrt(X.shape[1])
    # A sparse product: in a dense one the bits of a row depend on its place.
    if mask is None:
        means = X.mean(axis=1, dtype=np.float64) - csr_array(codes) @ D.mean(axis=1, dtype=np.float64)
    else:
        residual = X - csr_array(codes).astype(np.float64) @ D.astype(np.float64)
        means = residual.mean(axis=1, where=mask)
    means = (root * means)[:, None].astype(codes.dtype)
    if issparse(codes):
        return hstack([csr_array(means), codes], format="csr")
    return np.concatenate([means, codes], axis=1)
