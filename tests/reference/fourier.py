"""Naive twins of the solvers on maps: dense matrices, two variables, loops."""

import numpy as np


def circular_matrix(kernels, shape):
    """Return D as (channels * pixels, kernels * pixels): a coefficient at p adds its kernel from p on, circularly."""
    K, C, h, w = kernels.shape
    H, W = shape
    D = np.zeros((C, H, W, K, H, W))
    for k in range(K):
        for i in range(H):
            for j in range(W):
                for a in range(h):
                    for b in range(w):
                        D[:, (i + a) % H, (j + b) % W, k, i, j] += kernels[k, :, a, b]
    return D.reshape(C * H * W, K * H * W)


def two_variable_admm(D, s, alpha, rho, relax, n_iter):
    """Return the codes y of the alternating direction method for ``0.5 ||D x - s||^2 + alpha ||y||_1, x = y``."""
    A = D.T @ D + rho * np.eye(D.shape[1])
    y = u = np.zeros(D.shape[1])
    for _ in range(n_iter):
        x = np.linalg.solve(A, D.T @ s + rho * (y - u))
        ahead = relax * x + (1 - relax) * y
        y = np.sign(ahead + u) * np.maximum(np.abs(ahead + u) - alpha / rho, 0)
        u = u + ahead - y
    return y


def dual_objective(s, D, r, weights, ridge, scale):
    """Return the dual objective of ``0.5 ||D x - s||^2 + sum w |x| + 0.5 ridge ||x||^2`` at ``scale * r``."""
    c = np.abs(scale * D.T @ r)
    over = np.maximum(c - weights, 0)
    if ridge == 0 and (over > 1e-12).any():
        return -np.inf
    return scale * (s @ r) - 0.5 * scale**2 * (r @ r) - (0.5 / ridge * (over @ over) if ridge else 0.0)


def proximal_gradient(D, s, prox, x, step, n_iter):
    """Return the codes after plain proximal gradient steps."""
    for _ in range(n_iter):
        x = prox(x + step * (D.T @ (s - D @ x)))
    return x
