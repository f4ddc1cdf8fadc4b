"""Naive twins of solvers: certificates, pursuit, and searches over all supports or all moves of one atom."""

import itertools

import numpy as np
from scipy.optimize import nnls

from .lasso import coordinate_descent


def fixed_point_violation(X, D, W, penalty, step=None):
    """Return ``max_j |w_j - prox(w_j + step_j g_j)| / (step_j ||d_j||)``.

    Without a step it is that of each atom, ``1 / ||d_j||^2``.
    """
    norms = np.square(D).sum(axis=1)
    G = (X - W @ D) @ D.T
    if step is not None:
        moved = np.abs(W - penalty.prox(W + step * G, step, norms))[:, norms > 0]
        return (moved / np.sqrt(norms[norms > 0])).max(axis=1, initial=0.0) / step
    worst = np.zeros(len(X))
    for j in np.flatnonzero(norms):
        moved = penalty.prox(W + G / norms[j], 1 / norms[j], norms)
        worst = np.maximum(worst, np.abs(W - moved)[:, j] * np.sqrt(norms[j]))
    return worst


def least_squares(x, D, support):
    """Return the weights of least squares on a support, and half the squared error."""
    atoms = D[list(support)]
    w = np.linalg.lstsq(atoms.T, x)[0] if len(atoms) else np.zeros(0)
    return w, 0.5 * np.square(x - w @ atoms).sum()


def matching_pursuit(x, D, n_atoms, level):
    """Orthogonal matching pursuit up to `n_atoms`, or until no ``|g_j| / ||d_j||`` exceeds `level`."""
    w, support = np.zeros(len(D)), []
    while len(support) < n_atoms:
        g = np.abs(D @ (x - w @ D)) / np.linalg.norm(D, axis=1)
        g[support] = 0
        if g.max() <= level:
            break
        support.append(int(np.argmax(g)))
        w[support] = least_squares(x, D, support)[0]
    return w


def plain_pursuit(x, D, n_atoms, level, gains=1.0, compare=None, positive=False):
    """Matching pursuit: projections on one atom after the other, until `n_atoms` are active or nothing pays.

    ``compare(sizes)`` returns what decides between the atoms that pay, for ``|g_j| / ||d_j||``.
    """
    norms = np.linalg.norm(D, axis=1)
    w = np.zeros(len(D))
    for _ in range(10_000):
        g = D @ (x - w @ D) / norms
        sizes = np.maximum(g, 0) if positive else np.abs(g)
        pays = (sizes * gains > level) & (sizes > 1e-13 * np.linalg.norm(x))
        if np.count_nonzero(w) == n_atoms or not pays.any():
            return w
        scores = sizes * gains if compare is None else compare(sizes)
        j = np.argmax(np.where(pays, scores, -1))
        w[j] += g[j] / norms[j]


def recursive_pursuit(x, D, n_atoms, price, gains):
    """Order recursive matching pursuit: the atom that lowers the error most, times its gain squared, by trial."""
    w, support = np.zeros(len(D)), []
    while len(support) < n_atoms:
        here = least_squares(x, D, support)[1]
        falls = np.zeros(len(D))
        for j in sorted(set(range(len(D))) - set(support)):
            if np.linalg.matrix_rank(D[[*support, j]], tol=1e-4) > len(support):
                falls[j] = gains[j] ** 2 * (here - least_squares(x, D, [*support, j])[1])
        if falls.max() <= max(price, 1e-15):
            break
        support.append(int(np.argmax(falls)))
        w[support] = least_squares(x, D, support)[0]
    return w


def best_move(x, D, support, price, most):
    """Return by how much the best entry, exit or exchange of one atom lowers the l0 objective."""
    support = set(map(int, support))
    others = set(range(len(D))) - support
    moves = [support - {i} for i in support] + [support - {i} | {j} for i in support for j in others]
    if len(support) < most:
        moves += [support | {j} for j in others]
    here = least_squares(x, D, support)[1] + price * len(support)
    return max(here - least_squares(x, D, move)[1] - price * len(move) for move in moves)


def least_l0_objective(X, D, price):
    """Return the minimum over all supports of ``0.5 ||x - w D||^2 + price * #S`` for each row, by enumeration."""
    G, C, half = D @ D.T, X @ D.T, 0.5 * np.square(X).sum(axis=1)
    least = half.copy()
    for k in range(1, min(D.shape) + 1):
        S = np.array(list(itertools.combinations(range(len(D)), k)))
        W = np.linalg.solve(G[S[:, :, None], S[:, None, :]], C[:, S][..., None])[..., 0]
        least = np.minimum(least, half + price * k - 0.5 * (W * C[:, S]).sum(axis=-1).max(axis=1))
    return least


def largest_k(z, k, norms, positive):
    """Return the k largest ``|z_j| ||d_j||``, the rest zero."""
    z = np.where(z > 0, z, 0) if positive else z
    kept = np.argsort(-np.abs(z) * norms, kind="stable")[:k]
    return np.where(np.isin(np.arange(len(z)), kept), z, 0)


def hard_thresholding(x, D, k, positive, steady, steps=2000):
    """Normalised iterative hard thresholding, with least squares after so many steps on one support."""
    norms, w, count = np.linalg.norm(D, axis=1), np.zeros(len(D)), 0
    unit = D / norms[:, None]

    def error(w):
        return 0.5 * np.square(x - w @ D).sum()

    for _ in range(steps):
        v, g = w * norms, unit @ (x - w @ D)
        settled = np.abs(g[w != 0]).max(initial=0) < 1e-9
        chosen = largest_k(g, k, 1, positive) != 0 if settled else w != 0
        fall, curvature = np.square(g[chosen]).sum(), np.square(g[chosen] @ unit[chosen]).sum()
        if fall < 1e-20:
            return w
        step = fall / curvature
        while True:
            moved = largest_k(v + step * g, k, 1, positive)
            turned = not np.array_equal(moved != 0, v != 0)
            if not turned or error(w) - error(moved / norms) >= 0.005 / step * np.square(moved - v).sum():
                break
            step /= 2
        if settled and not turned:
            return w
        count = 0 if turned else count + 1
        w = moved / norms
        if count == steady:
            support = np.flatnonzero(w)
            solution = nnls(D[support].T, x)[0] if positive else least_squares(x, D, support)[0]
            w = np.zeros(len(D))
            w[support] = solution
    return w


def slope(penalty, m, norm):
    """Return the slope of CEL0, MCP, SCAD or the logarithm at magnitude m, for an atom of that norm."""
    match type(penalty).__name__:
        case "CEL0":
            return max(np.sqrt(2 * penalty.alpha) * norm - norm**2 * m, 0)
        case "MCP":
            return max(penalty.alpha - m / penalty.gamma, 0)
        case "SCAD":
            return min(penalty.alpha, max(penalty.gamma * penalty.alpha - m, 0) / (penalty.gamma - 1))
        case "LogSum":
            return penalty.alpha / (penalty.eps + m)


def reweighted_l1(x, D, penalty, rounds=200):
    """Solve weighted l1 problems by coordinate descent, with the slopes at the last code for weights."""
    w, norms = np.zeros(len(D)), np.linalg.norm(D, axis=1)
    for _ in range(rounds):
        weights = np.array([slope(penalty, abs(u), norm) for u, norm in zip(w, norms, strict=True)])
        before, w = w, coordinate_descent(x, D, weights, penalty.positive)
        if np.abs(w - before).max() < 1e-12:
            break
    return w


def best_flip(x, w, D, alpha, positive=False):
    """Return by how much the best flip lowers ``0.5 ||x - (y * p) D||^2 + alpha #y`` where y are the entries of w."""
    norms = np.square(D).sum(axis=1)
    p = D @ x / np.where(norms > 0, norms, 1)
    p = np.maximum(p, 0) if positive else p

    def energy(y):
        return 0.5 * np.square(x - (y * p) @ D).sum() + alpha * y.sum()

    y = w != 0
    flipped = y ^ np.eye(len(D), dtype=bool)
    return max(0.0, energy(y) - min(energy(z) for z in flipped))


def sparse_set(x, D, alpha, positive=False):
    """Flip the unit that lowers the energy most, from none on, until none does."""
    norms = np.square(D).sum(axis=1)
    p = D @ x / norms
    p = np.maximum(p, 0) if positive else p
    y = np.zeros(len(D), dtype=bool)
    while True:
        falls = []
        for j in range(len(D)):
            z = y.copy()
            z[j] = not z[j]
            before, after = (0.5 * np.square(x - (u * p) @ D).sum() + alpha * u.sum() for u in (y, z))
            falls.append(before - after)
        if max(falls) <= 1e-12:
            return y * p
        y[int(np.argmax(falls))] ^= True


def evidence(x, D, gamma, noise):
    """Return ``log p(x)`` for ``x = w D + e`` with independent Gaussian coefficients and noise."""
    C = noise * np.eye(len(x)) + D.T @ (gamma[:, None] * D)
    return -0.5 * (x @ np.linalg.solve(C, x) + np.linalg.slogdet(C)[1] + len(x) * np.log(2 * np.pi))


def posterior(x, D, gamma, noise):
    """Return the means and variances of the coefficients given x, from those of atoms that are in use."""
    mean, variance, used = np.zeros(len(D)), np.zeros(len(D)), gamma > 0
    S = np.linalg.inv(D[used] @ D[used].T / noise + np.diag(1 / gamma[used]))
    mean[used], variance[used] = S @ (D[used] @ x) / noise, np.diag(S)
    return mean, variance
