"""Naive twins of l1 coding and of the dictionary update."""

import numpy as np


def coordinate_descent(x, D, alpha, positive=False, sweeps=20_000, tol=1e-14):
    """Minimise 0.5 ||x - w D||^2 + sum_j alpha_j |w_j| one coordinate after the other."""
    w, alphas = np.zeros(len(D)), np.broadcast_to(alpha, len(D))
    for _ in range(sweeps):
        moved = 0.0
        for j, d in enumerate(D):
            square = d @ d
            if square == 0:
                continue
            alpha = alphas[j]
            z = d @ (x - w @ D) + square * w[j]
            new = (max(z - alpha, 0) if positive else np.sign(z) * max(abs(z) - alpha, 0)) / square
            moved = max(moved, abs(new - w[j]))
            w[j] = new
        if moved <= tol * max(1.0, np.abs(w).max()):
            break
    return w


def update_atoms(D, A, B, positive=False):
    """Give each atom in turn its minimiser of 0.5 tr(D^T A D) - tr(D^T B), scaled to unit norm."""
    D = D.astype(float)
    for j in range(len(D)):
        if A[j, j] > 0:
            d = D[j] + (B[j] - A[j] @ D) / A[j, j]
            d = np.maximum(d, 0) if positive else d
            if d.any():
                D[j] = d / np.linalg.norm(d)
    return D
