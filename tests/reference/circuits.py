"""Naive twins of circuits: Euler steps of membrane potentials, spikes, and local rules, neuron by neuron."""

import numpy as np


def threshold(u, level, *, hard=False, steepness=None, positive=False):
    """Rozell's thresholding function."""
    size = u if positive else abs(u)
    above = max(size if hard else size - level, 0.0)
    if steepness is None:
        above = above if size > level else 0.0
    else:
        above /= 1 + np.exp(-steepness * (size / level - 1))
    return np.copysign(above, u)


def lca(x, D, levels, dt, n_steps, *, cooling=1.0, u=None, **shape):
    """Return potentials and codes of unit atoms after each step, from rest or from potentials u."""
    K = len(D)
    drive, G = D @ x, D @ D.T - np.eye(K)
    heat = 1.0
    if cooling < 1:
        heat = max(1.0, (0.5 * (drive if shape.get("positive") else np.abs(drive)) / levels).max())
    u = np.zeros(K) if u is None else u
    path = [(u, np.array([threshold(u[j], heat * levels[j], **shape) for j in range(K)]))]
    for _ in range(n_steps):
        u, a = path[-1]
        u = u + dt * (drive - u - G @ a)
        heat = max(1.0, cooling * heat)
        path.append((u, np.array([threshold(u[j], heat * levels[j], **shape) for j in range(K)])))
    return map(np.array, zip(*path, strict=True))


def spike_counts(x, Q, W, theta, dt, n_steps):
    """Return the counts of leaky integrate-and-fire neurons, which inhibit each other a step after they fire."""
    v, fired, counts = np.zeros(len(Q)), np.zeros(len(Q)), np.zeros(len(Q))
    for _ in range(n_steps):
        v = (1 - dt) * v + dt * (Q @ x - W @ fired)
        fired = (v >= theta).astype(float)
        v[fired == 1] = 0
        counts += fired
    return counts


def local_rules(X, Y, Q, W, theta, p, rates):
    """Return weights and thresholds after a batch, synapse by synapse."""
    alpha, beta, gamma = rates
    Q, W, theta = Q.copy(), W.copy(), theta.copy()
    square = np.square(Y).mean(axis=0)
    for i in range(len(Q)):
        for j in range(len(Q)):
            W[i, j] = 0 if i == j else max(W[i, j] + alpha * ((Y[:, i] * Y[:, j]).mean() - p**2), 0)
        Q[i] += min(beta, 1 / max(square[i], 1e-300)) * ((Y[:, i, None] * X).mean(axis=0) - square[i] * Q[i])
        theta[i] = max(theta[i] + gamma * (Y[:, i].mean() - p), 1e-3)
    return Q, W, theta


def settle(x, D, levels, rate, n_steps, *, hard=False):
    """Return the code of atoms of any norm after so many steps of the solver "lca" from zero.

    Potentials start at their drive, or at their threshold. Hard thresholds fall from half of the largest correlation by
    2 percent a step for neurons that are silent, and of those that rise above theirs in a step only the strongest
    becomes active.
    """
    norms = np.linalg.norm(D, axis=1)
    A = D / norms[:, None]
    heat = max(1.0, (0.5 * np.abs(A @ x) / levels).max()) if hard else 1.0
    u, a = np.clip(A @ x, -heat * levels, heat * levels), np.zeros(len(D))
    for _ in range(n_steps):
        u = u + rate * (A @ (x - a @ A) + a - u)
        heat = max(1.0, 0.98 * heat)
        if not hard:
            a = np.sign(u) * np.maximum(np.abs(u) - levels, 0)
            continue
        rising = np.flatnonzero((a == 0) & (np.abs(u) > heat * levels))
        strongest = max(rising, key=lambda j: abs(u[j]) / levels[j], default=None)
        for j in rising:
            if j != strongest:
                u[j] = np.sign(u[j]) * heat * levels[j]
        stays = np.abs(u) > np.where(a != 0, 1.0, heat) * levels
        a = np.where(stays, u, 0)
    return a / norms
