"""Digits as sparse rows: a random projection of which the largest units are active."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def sparse_digits(seed, n_cells=2048, n_active=40, n_inputs=16):
    """Return rows to learn and to test, and their labels; each cell sees some pixels, with normal weights."""
    X, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(seed)
    weights = np.zeros((X.shape[1], n_cells))
    pixels = np.argsort(rng.random((n_cells, X.shape[1])), axis=1)[:, :n_inputs]
    np.put_along_axis(weights, pixels.T, rng.normal(size=(n_inputs, n_cells)), axis=0)
    sums = (X - X.mean(axis=0)) @ weights
    rows = np.zeros(sums.shape, bool)
    np.put_along_axis(rows, np.argsort(-sums, axis=1)[:, :n_active], True, axis=1)
    return train_test_split(rows, y, test_size=0.3, stratify=y, random_state=seed)
