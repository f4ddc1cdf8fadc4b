"""Naive twins of convolutional solvers, by loops over pixels and coefficients."""

import numpy as np


def dense_atoms(operator):
    """Return all kernels at all positions on the grid, as rows."""
    K, (rows, columns) = len(operator.kernels), operator.geometry.map_shape
    h, w = operator.kernels.shape[2:]
    grid = operator.geometry.grid_shape
    atoms = np.zeros((K, rows, columns, operator.kernels.shape[1], *grid))
    for k, y, x, a, b in np.ndindex(K, rows, columns, h, w):
        atoms[k, y, x, :, (y + a) % grid[0], (x + b) % grid[1]] += operator.kernels[k, :, a, b]
    return atoms.reshape(K * rows * columns, -1)


def dense_problem(problem):
    """Return sample and atoms of the coding problem that an image poses: the rows of known pixels only."""
    known = np.ones(problem.image.shape) if problem.known is None else problem.known * np.ones(problem.image.shape)
    kept = known.ravel() > 0
    return problem.image.ravel()[kept].astype(np.float64), dense_atoms(problem.operator)[:, kept]


def sweep(x, atoms, code, chosen, penalty, reference_norms):
    """Minimise over the chosen coefficients in turn; return the code, and the objective after each step."""
    code, objectives = code.copy(), []
    for i in chosen:
        norm = np.square(atoms[i]).sum()
        point = code.copy()
        point[i] += atoms[i] @ (x - code @ atoms) / norm
        code[i] = penalty.prox(point[None], 1 / norm, reference_norms)[0, i]
        price = penalty.value(code[None], reference_norms)[0]
        objectives.append(0.5 * np.square(x - code @ atoms).sum() + price)
    return code, objectives


def best_move(x, atoms, code, i, penalty, reference_norms):
    """Return violation and gain of coefficient i, moved alone to where the objective is least."""
    norm = np.square(atoms[i]).sum()
    if norm == 0:
        return 0.0, 0.0
    before = 0.5 * np.square(x - code @ atoms).sum() + penalty.value(code[None], reference_norms)[0]
    moved, objectives = sweep(x, atoms, code, [i], penalty, reference_norms)
    return abs(moved[i] - code[i]) * np.sqrt(norm), before - objectives[0]


def balanced_admm(D, s, alpha, n_steps):
    """Return the iterates y of the alternating direction method with balanced residuals, D (pixels, coefficients)."""
    rho, xi = 50 * alpha + 1, 1 + 18.3 ** (np.log10(alpha) + 1)
    y, u, steps = np.zeros(D.shape[1]), np.zeros(D.shape[1]), []
    for _ in range(n_steps):
        x = np.linalg.solve(D.T @ D + rho * np.eye(D.shape[1]), D.T @ s + rho * (y - u))
        relaxed = 1.8 * x + (1 - 1.8) * y
        before = y
        y = np.sign(relaxed + u) * np.maximum(np.abs(relaxed + u) - alpha / rho, 0)
        u = u + relaxed - y
        steps.append(y)
        if not y.any():
            continue
        primal = np.linalg.norm(x - y) / max(np.linalg.norm(x), np.linalg.norm(y))
        dual = np.linalg.norm(y - before) / np.linalg.norm(u)
        factor = min(np.sqrt(max(primal / (xi * dual), xi * dual / primal)), 1000)
        if primal > 1.2 * xi * dual:
            rho, u = rho * factor, u / factor
        elif dual > 1.2 / xi * primal:
            rho, u = rho / factor, u * factor
    return steps
