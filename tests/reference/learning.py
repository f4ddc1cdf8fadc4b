"""Naive twins of the statistics of a batch."""

import numpy as np


def statistics(X, W, D):
    """Return ``W^T W``, ``W^T X``, how many samples use each atom, squared errors, and the samples, worst first."""
    X, W = X.astype(float), W.astype(float)
    errors = np.square(X - W @ D).sum(axis=1)
    return W.T @ W, W.T @ X, (W != 0).sum(axis=0), errors, np.argsort(-errors, kind="stable")


def gradient_step(X, W, D, rate, positive=False):
    """Return unit atoms after a step along Hebb's rule, per sample, without its part along the atoms."""
    X, W, D = X.astype(float), W.astype(float), D.astype(float)
    change = np.zeros_like(D)
    for x, w in zip(X, W, strict=True):
        change += np.outer(w, x - w @ D)
    change /= len(X) * np.square(W).mean()
    for j, d in enumerate(D):
        new = d + rate * (change[j] - (change[j] @ d) * d)
        new = np.maximum(new, 0) if positive else new
        if new.any():
            D[j] = new / np.linalg.norm(new)
    return D


def improve_atoms(X, W, D, positive=False, positive_atoms=False):
    """Return atoms and codes after a pass of approximate K-SVD that forms each E."""
    X, W, D = X.astype(float), W.astype(float), D.astype(float)
    for j in range(len(D)):
        users = np.flatnonzero(W[:, j])
        g = W[users, j]
        E = X[users] - W[users] @ D + np.outer(g, D[j])
        d = np.maximum(E.T @ g, 0) if positive_atoms else E.T @ g
        if np.linalg.norm(d) > 0:
            D[j] = d / np.linalg.norm(d)
            W[users, j] = np.maximum(E @ D[j], 0) if positive else E @ D[j]
    return D, W


def task_gradient(X, W, D, by_code, ridge):
    """Return the derivative by the atoms of a loss of codes, from the optimality conditions of each code."""
    gradient = np.zeros_like(D)
    for x, w, g in zip(X, W, by_code, strict=True):
        A = np.flatnonzero(w)
        b = np.zeros(len(D))
        b[A] = np.linalg.solve(D[A] @ D[A].T + ridge * np.eye(len(A)), g[A])
        gradient += np.outer(b, x - w @ D) - np.outer(w, b @ D)
    return gradient


def ista_layers(X, D, U, theta, positive=False):
    """Return the codes of unrolled iterations, one sample and one coefficient at a time."""
    codes = np.zeros((len(X), len(D)))
    for x, w in zip(X, codes, strict=True):
        for k in range(len(theta)):
            z = w + (x - w @ D) @ U
            for j in range(len(D)):
                w[j] = np.sign(z[j]) * max(abs(z[j]) - theta[k, j], 0)
                if positive:
                    w[j] = max(z[j] - theta[k, j], 0)
    return codes
