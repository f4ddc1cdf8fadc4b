"""Mistakes that the checks of lab 5 know: each has a fragment of the message that it must get."""

import numpy as np


def changed(change):
    """Return a way to store that makes a mistake."""

    def store(weights, x, winners):
        new = weights.copy()
        change(new, x, winners)
        return new

    return store


def all_units(new, x, winners):
    new[x] = True


def forgets(new, x, winners):
    new[:] = False
    new[x] |= np.arange(new.shape[2]) == winners[:, None]


def silent_too(new, x, winners):
    new |= np.arange(new.shape[2]) == winners[:, None]


def not_in_pairs(new, x, winners):
    for j in np.flatnonzero(x):
        new[j][:, winners] = True


def one_module(new, x, winners):
    new[x, 0, winners[0]] = True


def support(weights, x):
    return weights[x].sum(axis=0)


def uneven(weights, x, rng):
    s = support(weights, x)
    return np.argmax(s + 0.5 * rng.random(s.shape) * (1 + 0.8 * (np.arange(s.shape[1]) == 3)), axis=1)


def noise_up_to_two(weights, x, rng):
    return np.argmax(support(weights, x) + 2 * rng.random(weights.shape[1:]), axis=1)


def same_draw(weights, x, rng):
    s = support(weights, x)
    return np.argmax(s + 0.5 * rng.random(s.shape[1]), axis=1)


def fill(f, s, k, odds, root=True):
    p = odds ** (1 / s) if root else odds
    return k * np.log(1 - p) / np.log(1 - s / f)


MISTAKES = {
    "5.1": {
        "units": (lambda q, k: (q * k, q / k), "how many units there are"),
        "swapped": (lambda q, k: (q**k, q / k), "swapped"),
        "half of them": (lambda q, k: (k**q / 2, q / k), "you count"),
        "one module": (lambda q, k: (k**q, 1 / k), "for a single module"),
        "upside down": (lambda q, k: (k**q, k / q + q), "do not agree in"),
        "one number": (lambda q, k: k**q, "return two numbers"),
    },
    "5.2": {
        "all units": (changed(all_units), "to all units"),
        "forgets": (changed(forgets), "are gone"),
        "silent features too": (changed(silent_too), "not active got weights"),
        "not in pairs": (changed(not_in_pairs), "go in pairs"),
        "one module only": (changed(one_module), "are missing"),
        "in place": (lambda w, x, k: np.logical_or(w, True, out=w), "changes the array"),
    },
    "5.3": {
        "first of ties": (lambda w, x, rng: support(w, x).argmax(axis=1), "Break ties"),
        "least support": (lambda w, x, rng: support(w, x).argmin(axis=1), "least support"),
        "pattern ignored": (lambda w, x, rng: w.sum(axis=0).argmax(axis=1), "Does the pattern enter"),
        "noise up to two": (noise_up_to_two, "less support than another"),
        "uneven": (uneven, "not evenly"),
        "same draw": (same_draw, "draw for each"),
        "support returned": (lambda w, x, rng: support(w, x), "should have the shape"),
    },
    "5.4": {
        "not relative": (lambda w, x: support(w, x).max(axis=1).mean(), "Relative to"),
        "all features": (lambda w, x: support(w, x).max(axis=1).mean() / len(x), "most are"),
        "all units": (lambda w, x: support(w, x).mean() / x.sum(), "the average unit"),
        "best module": (lambda w, x: support(w, x).max() / x.sum(), "lucky"),
        "worst module": (lambda w, x: support(w, x).max(axis=1).min() / x.sum(), "decides alone"),
        "one size": (lambda w, x: support(w, x).max(axis=1).mean() / 8, "the active ones of each"),
        "sum of modules": (lambda w, x: support(w, x).max(axis=1).sum() / x.sum(), "above 1"),
    },
    "5.5": {
        "wins always": (lambda m, f, s, k: 1 - (1 - s / f) ** m, "won every time"),
        "unset": (lambda m, f, s, k: (1 - s / f) ** (m / k), "not set"),
        "no overlap": (lambda m, f, s, k: min(1, m / k * s / f), "set already"),
        "more than one": (lambda m, f, s, k: m * s / f, "is not a share"),
        "one share": (lambda m, f, s, k: 1 - 0.9 ** (m / k), "a tenth of the features"),
        "features swapped": (lambda m, f, s, k: 1 - (s / f) ** (m / k), "a simulation has"),
    },
    "5.6": {
        "one weight": (lambda f, s, k, a: fill(f, s, k, 2 * (1 - a) / (k - 1), root=False), "takes S of them"),
        "ties lost": (lambda f, s, k, a: fill(f, s, k, (1 - a) / (k - 1)), "every second time"),
        "one other unit": (lambda f, s, k, a: fill(f, s, k, 2 * (1 - a)), "but K - 1"),
        "one module fills": (lambda f, s, k, a: fill(f, s, k, 2 * (1 - a) / (k - 1)) / k, "every K-th"),
        "sign": (lambda f, s, k, a: -fill(f, s, k, 2 * (1 - a) / (k - 1)), "Both logarithms"),
        "accuracy for error": (lambda f, s, k, a: fill(f, s, k, 2 * a / (k - 1)), "the law has"),
    },
}
