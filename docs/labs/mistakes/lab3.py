"""Mistakes that the checks of lab 3 know: each has a fragment of the message that it must get."""

import numpy as np


def hard(level):
    """Return a threshold that keeps what is larger than a level of step and alpha."""
    return lambda u, step, alpha: np.where(np.abs(u) > level(step, alpha), u, 0)


def firm(u, step, alpha, slope=None):
    knee = np.sqrt(2 * alpha)
    ramp = np.sign(u) * np.maximum(np.abs(u) - step * knee, 0) / (1 - step if slope is None else slope)
    return np.where(np.abs(u) > knee, u, ramp)


def no_shrink(u, step, alpha):
    return np.where(np.abs(u) > step * np.sqrt(2 * alpha), u, 0)


def refit(w, x, D, active=None, small=0.0):
    active = np.flatnonzero(np.abs(w) > small) if active is None else active
    new = np.zeros(len(D))
    if len(active):
        new[active] = np.linalg.lstsq(D[active].T, x, rcond=None)[0]
    return new


def scaled(w, x, D):
    y = w @ D
    return w * (x @ y) / max(y @ y, 1e-12)


def halfway(w, x, D):
    return (w + refit(w, x, D)) / 2


def projections(w, x, D):
    return np.where(w != 0, D @ x, 0)


def pursue(x, D, limit, *, anew=True, signed=False, most=None):
    active, w = [], np.zeros(len(D))
    for _ in range(most or 60):
        g = D @ (x - w @ D)
        best = int(np.argmax(g if signed else np.abs(g)))
        if np.abs(g[best]) <= limit or len(active) >= 16:
            break
        active.append(best)
        if anew:
            w[active] = np.linalg.lstsq(D[active].T, x, rcond=None)[0]
        else:
            w[best] += g[best]
    return w


def by_gain(x, D, alpha, half=0.5):
    """Pursuit that stops by what the error falls by when all weights are found anew."""
    w = np.zeros(len(D))
    for _ in range(16):
        active = np.union1d(np.flatnonzero(w), np.argmax(np.abs(D @ (x - w @ D))))
        new = refit(w, x, D, active)
        if half * (np.sum((x - w @ D) ** 2) - np.sum((x - new @ D) ** 2)) <= alpha:
            break
        w = new
    return w


def bisect(active_at, target, low=1e-4, high=1e3, rounds=50, up=True):
    for _ in range(rounds):
        middle = np.sqrt(low * high)
        if (active_at(middle) > target) == up:
            low = middle
        else:
            high = middle
    return middle


def grid(active_at, target):
    trials = np.geomspace(1e-4, 1e3, 8)
    return min(trials, key=lambda alpha: abs(active_at(alpha) - target))


MISTAKES = {
    "3.1": {
        "soft": (lambda u, s, a: np.sign(u) * np.maximum(np.abs(u) - s * a, 0), "should not shrink"),
        "at the price": (hard(lambda s, a: s * a), "the price itself"),
        "without the step": (hard(lambda s, a: np.sqrt(2 * a)), "part of the price"),
        "half the price": (hard(lambda s, a: np.sqrt(s * a)), "can be had"),
        "positive only": (lambda u, s, a: np.where(u > np.sqrt(2 * s * a), u, 0), "not treated alike"),
        "keeps all": (lambda u, s, a: u + 0, "nothing becomes zero"),
    },
    "3.2": {
        "hard": (hard(lambda s, a: np.sqrt(2 * a)), "the hard threshold"),
        "soft": (
            lambda u, s, a: np.sign(u) * np.maximum(np.abs(u) - s * np.sqrt(2 * a), 0),
            "large numbers shrink",
        ),
        "soft ramp": (lambda u, s, a: firm(u, s, a, slope=1), "slope of the soft"),
        "steep ramp": (lambda u, s, a: firm(u, s, a, slope=(1 - s) / 1.1), "can be had"),
        "no shrinkage": (no_shrink, "do not shrink there"),
        "keeps all": (lambda u, s, a: u + 0, "small numbers"),
    },
    "3.3": {
        "all atoms": (lambda w, x, D: refit(w, x, D, np.arange(len(D))), "were not active"),
        "all atoms, others zeroed": (
            lambda w, x, D: np.linalg.lstsq((D * (w != 0)[:, None]).T, x, rcond=None)[0],
            "right but for rounding",
        ),
        "unchanged": (lambda w, x, D: w + 0, "what it was"),
        "scaled": (scaled, "scaled alike"),
        "halfway": (halfway, "more can be had"),
        "drops small": (lambda w, x, D: refit(w, x, D, small=0.31), "are gone"),
        "projections": (projections, "as if its atom were alone"),
    },
    "3.4": {
        "matching pursuit": (lambda x, D, a: pursue(x, D, np.sqrt(2 * a), anew=False), "correlated with atoms"),
        "signed": (lambda x, D, a: pursue(x, D, np.sqrt(2 * a), signed=True), "in size"),
        "fixed number": (lambda x, D, a: pursue(x, D, 0, most=2), "stops too soon"),
        "half forgotten": (lambda x, D, a: pursue(x, D, np.sqrt(a)), "does the objective count"),
        "refitted gain": (by_gain, "about the atom alone"),
        "refitted gain, half forgotten": (lambda x, D, a: by_gain(x, D, a, 1), "all that the squared error falls by"),
        "stops late": (lambda x, D, a: pursue(x, D, np.sqrt(a) / 3), "no other saves its price"),
        "at alpha": (lambda x, D, a: pursue(x, D, a), "size of alpha"),
        "nothing": (lambda x, D, a: np.zeros(len(D)), "no atom enters"),
    },
    "3.5": {
        "coarse": (grid, "Search more finely"),
        "wrong half": (lambda f, target: bisect(f, target, up=False), "ran to its end"),
        "the number": (lambda f, target: f(target) * 0 + target, "not the alpha for it"),
        "never asked": (lambda f, target: 1.0 / target, "never asked"),
        "too many trials": (lambda f, target: bisect(f, target, rounds=3000), "may take a minute"),
    },
}
