"""Mistakes that the checks of lab 1 know: each has a fragment of the message that it must get."""

import numpy as np


def soft(u, t):
    return np.sign(u) * np.maximum(np.abs(u) - t, 0)


def safe_step(D):
    return 1 / np.linalg.norm(D, 2) ** 2


def with_momentum(x, D, alpha, n_iter, *, grow=True, sign=1, at_v=True, factor=1.0, first=0.0, length=1.0):
    w = before = v = np.zeros(len(D))
    t, step = 1.0, safe_step(D)
    w, step = w + first, step * length
    for _ in range(n_iter):
        here = v if at_v else w
        before, w = w, soft(v + step * (D @ (x - here @ D)), step * alpha)
        new_t = (1 + np.sqrt(1 + 4 * t**2)) / 2
        v = w + sign * factor * (t - 1) / new_t * (w - before)
        t = new_t if grow else t
    return w


def uses_x(w, x, D, alpha):
    g = D @ x
    return np.where(w != 0, np.abs(g - alpha * np.sign(w)), np.maximum(np.abs(g) - alpha, 0)).max()


def only_inactive(w, x, D, alpha):
    g = D @ (x - w @ D)
    return (np.abs(g) - alpha)[w == 0].max()


def sign_blind(w, x, D, alpha):
    g = D @ (x - w @ D)
    return np.where(w != 0, np.abs(np.abs(g) - alpha), np.maximum(np.abs(g) - alpha, 0)).max()


def sums(w, x, D, alpha):
    g = D @ (x - w @ D)
    v = np.where(w != 0, np.abs(g - alpha * np.sign(w)), np.maximum(np.abs(g) - alpha, 0))
    return v.max() if not w.any() else v.sum()


MISTAKES = {
    "1.1": {
        "hard threshold": (lambda u, t: u * (np.abs(u) > t), "each unit of size costs t"),
        "one-sided": (lambda u, t: np.maximum(u - t, 0), "keep its sign"),
        "no number at zero": (lambda u, t: u / np.abs(u) * np.maximum(np.abs(u) - t, 0), "finite everywhere"),
        "a condition": (lambda u, t: 0 if abs(u) < t else u - t * np.sign(u), "may be an array"),
        "no zero": (lambda u, t: u - t * np.sign(u), "exactly zero"),
        "some are not zero": (lambda u, t: np.sign(u) * np.maximum(np.abs(u) - t / 2, 0), "do not become zero"),
        "twice the threshold": (lambda u, t: soft(u, 2 * t), "beyond t become zero"),
        "threshold squared": (lambda u, t: soft(u, t * t), "a price of a unit"),
        "shrinks twice": (lambda u, t: np.sign(u) * np.maximum(np.abs(u) - t, 0) / 2, "another w costs less"),
        "a list": (lambda u, t: soft(u, t).tolist(), "should be a NumPy array"),
        "rows only": (lambda u, t: soft(u, t) if u.ndim == 1 else np.zeros(u.shape), "than its rows"),
        "nothing returned": (lambda u, t: print(end=""), "Is a `return` missing"),
        "one number": (lambda u, t: 0.0 * t, "should have the shape"),
    },
    "1.2": {
        "trace": (lambda D: np.square(D).sum(), "the stretch in all directions"),
        "forgot the square": (lambda D: np.linalg.norm(D, 2), "contains D twice"),
        "longest atom": (lambda D: np.square(D).sum(axis=1).max(), "looks at each atom alone"),
        "two parts in a thousand less": (lambda D: 0.998 * np.linalg.norm(D, 2) ** 2, "1.0020 times as fast"),
        "two parts in a thousand more": (lambda D: 1.002 * np.linalg.norm(D, 2) ** 2, "1.0020 times what is needed"),
        "half of it": (lambda D: np.linalg.norm(D, 2) ** 2 / 2, "can diverge"),
        "twice of it": (lambda D: 2 * np.linalg.norm(D, 2) ** 2, "that much slower"),
        "not a number": (lambda D: D, "should be one number"),
    },
    "1.3": {
        "gradient sign": (lambda w, x, D, a, s: soft(w - s * (D @ (x - w @ D)), s * a), "goes uphill"),
        "long step": (
            lambda w, x, D, a, s: soft(w + 2.5 * s * (D @ (x - w @ D)), 2.5 * s * a),
            "farther than you were",
        ),
        "no threshold": (lambda w, x, D, a, s: w + s * (D @ (x - w @ D)), "Where is the threshold"),
        "threshold without step": (lambda w, x, D, a, s: soft(w + s * (D @ (x - w @ D)), a), "Check by how much"),
        "slope doubled": (lambda w, x, D, a, s: soft(w + 2 * s * (D @ (x - w @ D)), s * a), "goes 2 times as far"),
        "old code dropped": (lambda w, x, D, a, s: soft(s * (D @ (x - w @ D)), s * a), "forgets where it was"),
        "slope at zero": (lambda w, x, D, a, s: soft(w + s * (D @ x), s * a), "slope is still that at zero"),
        "threshold of the old code": (
            lambda w, x, D, a, s: soft(w, s * a) + soft(s * (D @ (x - w @ D)), s * a),
            "Does each half-step",
        ),
        "short step": (lambda w, x, D, a, s: soft(w + s / 2 * (D @ (x - w @ D)), s / 2 * a), "less than a full step"),
        "wrong order": (
            lambda w, x, D, a, s: soft(w, s * a) + s * (D @ (x - w @ D)) @ D,
            "your code raised ValueError",
        ),
    },
    "1.4": {
        "ISTA": (lambda x, D, a, n: with_momentum(x, D, a, n, grow=False), "this is ISTA"),
        "momentum backwards": (lambda x, D, a, n: with_momentum(x, D, a, n, sign=-1), "slower than ISTA"),
        "gradient at w": (
            lambda x, D, a, n: with_momentum(x, D, a, n, at_v=False),
            "At which point is the gradient taken",
        ),
        "weak momentum": (lambda x, D, a, n: with_momentum(x, D, a, n, factor=0.1), "too weak"),
        "long step": (lambda x, D, a, n: with_momentum(x, D, a, n, length=2.0), "the longest that is safe"),
        "does not start at zero": (lambda x, D, a, n: with_momentum(x, D, a, n) + 0.1, "one step of ISTA"),
    },
    "1.5": {
        "correlations with x": (uses_x, "at the minimum you find"),
        "only inactive atoms": (only_inactive, "a violation below zero"),
        "sign-blind": (sign_blind, "sign of the weight enter"),
        "inactive rule for all": (
            lambda w, x, D, a: max(0.0, (np.abs(D @ (x - w @ D)) - a).max()),
            "not only stay below",
        ),
        "only active atoms": (
            lambda w, x, D, a: np.abs(D @ (x - w @ D) - a * np.sign(w))[w != 0].max(initial=0),
            "exceeds its limit by",
        ),
        "sum of violations": (sums, "is it the largest"),
    },
    "1.6": {
        "no absolute value": (lambda x, D: (D @ x).max(), "points away from x"),
        "unit atoms": (
            lambda x, D: np.abs(D @ x).max() / np.linalg.norm(D[np.argmax(np.abs(D @ x))]),
            "not unit vectors",
        ),
        "smallest": (lambda x, D: np.abs(D @ x).min(), "there should be none"),
        "sum": (lambda x, D: np.abs(D @ x).sum(), "more than needed"),
    },
}
