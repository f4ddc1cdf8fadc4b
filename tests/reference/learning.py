"""Naive twins of the statistics of a batch."""

import numpy as np


def statistics(X, W, D):
    """Return ``W^T W``, ``W^T X``, how many samples use each atom, squared errors, and the samples, worst first."""
    X, W = X.astype(float), W.astype(float)
    errors = np.square(X - W @ D).sum(axis=1)
    return W.T @ W, W.T @ X, (W != 0).sum(axis=0), errors, np.argsort(-errors, kind="stable")
