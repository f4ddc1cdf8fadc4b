"""Naive twins of solvers: certificates, pursuit, and searches over all supports or all moves of one atom."""

import itertools

import numpy as np


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
