"""Random inputs, and the family of bars."""

import numpy as np


def random_items(rng, n, n_features, n_active):
    """Rows with equally many ones."""
    X = np.zeros((n, n_features), bool)
    np.put_along_axis(X, np.argsort(rng.random(X.shape), axis=1)[:, :n_active], True, axis=1)
    return X


def noisy(rng, X, share):
    """Rows of which a share of the ones has moved to other places."""
    Y = X.copy()
    for row in Y:
        ones, zeros = np.flatnonzero(row), np.flatnonzero(~row)
        n = round(share * len(ones))
        row[rng.choice(ones, n, replace=False)] = False
        row[rng.choice(zeros, n, replace=False)] = True
    return Y


def bars():
    """Pattern k is a bar of 12 pixels whose k upper ones have moved by a column: it shares 12 - k with pattern 0."""
    X = np.zeros((13, 12, 12), bool)
    for k in range(13):
        X[k, :k, 4] = X[k, k:, 5] = True
    return X.reshape(13, -1)
