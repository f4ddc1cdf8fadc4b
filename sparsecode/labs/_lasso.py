"""The lasso: problems, and solvers that the checks of lab 1 compare with."""

import numpy as np


def problem(rng, n_atoms=32, n_features=16):
    """A sample and atoms of random norms, of which a handful made it."""
    D = rng.standard_normal((n_atoms, n_features)) * rng.uniform(0.5, 2, (n_atoms, 1))
    w = np.zeros(n_atoms)
    w[rng.choice(n_atoms, 4, replace=False)] = rng.choice([-1, 1], 4) * rng.uniform(1, 2, 4)
    return w @ D + 0.1 * rng.standard_normal(n_features), D


def objective(w, x, D, alpha):
    """``0.5 ||x - w D||^2 + alpha ||w||_1``."""
    return 0.5 * np.square(x - w @ D).sum() + alpha * np.abs(w).sum()


def largest_penalty(x, D):
    return np.abs(D @ x).max()


def curvature(D):
    return np.linalg.norm(D, 2) ** 2


def shrink(z, t):
    """The soft threshold."""
    return z - np.clip(z, -t, t)


def descend(x, D, alpha, n_iter, w=None, step=None):
    """Proximal gradient steps without momentum, with the step that is just safe unless another is given."""
    w, step = np.zeros(len(D)) if w is None else w, step or 1 / curvature(D)
    for _ in range(n_iter):
        w = shrink(w + step * (D @ (x - w @ D)), step * alpha)
    return w


def accelerate(x, D, alpha, n_iter, step):
    """Proximal gradient steps with the momentum of Beck and Teboulle, from zero."""
    w = v = np.zeros(len(D))
    t = 1.0
    for _ in range(n_iter):
        old, w = w, descend(x, D, alpha, 1, v, step)
        t_old, t = t, 0.5 + np.sqrt(0.25 + t * t)
        v = w + (t_old - 1) / t * (w - old)
    return w


def solve_exactly(x, D, alpha):
    """The minimiser to rounding: the active atoms from a long descent, then their linear equations."""
    w = descend(x, D, alpha, 3000)
    for _ in range(20):
        active = np.flatnonzero(w)
        A = D[active]
        exact = np.linalg.solve(A @ A.T, A @ x - alpha * np.sign(w[active]))
        if (np.sign(exact) == np.sign(w[active])).all():
            break
        w = descend(x, D, alpha, 3000, w)
    w = np.zeros(len(D))
    w[active] = exact
    return w


def violation(w, x, D, alpha):
    """The largest violation of the rules of a minimum."""
    g = D @ (x - w @ D)
    return np.where(w != 0, np.abs(g - alpha * np.sign(w)), np.abs(g) - alpha).max()
