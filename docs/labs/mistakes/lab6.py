"""Mistakes that the checks of lab 6 know: each has a fragment of the message that it must get."""

from math import comb, exp

import numpy as np


def tail(n, a, s, theta):
    return sum(comb(s, b) * comb(n - s, a - b) for b in range(theta, min(s, a) + 1)) / comb(n, a)


def below(n, a, s, theta):
    return sum(comb(s, b) * comb(n - s, a - b) / comb(n, a) for b in range(max(0, a - n + s), theta))


def binomial(n, a, s, theta):
    return sum(comb(s, b) * (a / n) ** b * (1 - a / n) ** (s - b) for b in range(theta, s + 1))


def drawn(n, a, s, theta, draws, rng, *, twice=False):
    if twice:
        return (rng.binomial(s, a / n, size=draws) >= theta).mean()
    return (rng.hypergeometric(s, n - s, a, size=draws) >= theta).mean()


def with_error(change, **options):
    """Return an estimate with a standard error that is changed."""

    def estimate(n, a, s, theta, draws, rng):
        rate = drawn(n, a, s, theta, draws, rng, **options)
        return rate, change(rate, draws)

    return estimate


def right_error(p, m):
    return np.sqrt(p * (1 - p) / m)


def own_generator(n, a, s, theta, draws, rng):
    return with_error(right_error)(n, a, s, theta, draws, np.random.default_rng(0))


def above(n, a, s, theta, draws, rng):
    return with_error(right_error)(n, a, s, theta + 1, draws, rng)[0], with_error(right_error)(
        n, a, s, theta, draws, rng
    )[1]


def fewer_draws(n, a, s, theta, draws, rng):
    rate = drawn(n, a, s, theta, draws // 10, rng)
    return rate, right_error(rate, draws)


def exact_with_noise(n, a, s, theta, draws, rng):
    rate = (round(tail(n, a, s, theta) * draws) + rng.integers(2)) / draws
    return rate, right_error(rate, draws)


def lowest(n, a, s, target):
    return next(theta for theta in range(s + 2) if tail(n, a, s, theta) <= target)


MISTAKES = {
    "6.1": {
        "Boolean product": (lambda X, S: X @ S.T, "not how many"),
        "silent cells": (lambda X, S: (X[:, None] == S).sum(axis=2), "does not see them"),
        "union": (lambda X, S: (X[:, None] | S).sum(axis=2), "union"),
        "share": (lambda X, S: (X[:, None] & S).sum(axis=2) / S.sum(axis=1), "a number of them"),
        "transposed": (lambda X, S: (S[:, None] & X).sum(axis=2), "should have the shape"),
        "a list": (lambda X, S: [[int((x & s).sum()) for s in S] for x in X], "should be a NumPy array"),
        "at most one row": (lambda X, S: (X[:, None] & S).sum(axis=2) + 1, "share"),
    },
    "6.2": {
        "exactly theta": (lambda n, a, s, t: comb(s, t) * comb(n - s, a - t) / comb(n, a), "exactly theta"),
        "more than theta": (lambda n, a, s, t: tail(n, a, s, t + 1), "more than theta"),
        "silence": (lambda n, a, s, t: 1 - tail(n, a, s, t), "does not answer"),
        "binomial": (binomial, "each synapse by itself"),
        "one minus": (lambda n, a, s, t: max(1 - below(n, a, s, t), 0), "keeps no digits"),
        "one term short": (
            lambda n, a, s, t: sum(comb(s, b) * comb(n - s, a - b) for b in range(t, min(s, a))) / comb(n, a),
            "ends too early",
        ),
        "not divided": (lambda n, a, s, t: tail(n, a, s, t) * comb(n, a), "not a probability"),
        "half": (lambda n, a, s, t: tail(n, a, s, t) / 2, "times as large"),
    },
    "6.3": {
        "spread of one": (with_error(lambda p, m: np.sqrt(p * (1 - p))), "a single draw"),
        "variance": (with_error(lambda p, m: p * (1 - p) / m), "square root"),
        "error of something else": (with_error(lambda p, m: 1 / np.sqrt(m)), "have a standard error of"),
        "own generator": (own_generator, "of your own"),
        "cells twice": (with_error(right_error, twice=True), "choose a cell twice"),
        "more than theta": (above, "too low by"),
        "a tenth of the draws": (fewer_draws, "not a share of"),
        "exact, with noise": (exact_with_noise, "closer together than chance"),
        "swapped": (lambda *arguments: with_error(right_error)(*arguments)[::-1], "are swapped"),
        "no error": (drawn, "return two numbers"),
    },
    "6.4": {
        "naive": (lambda p, g: 1 - (1 - p) ** g, "lost on the way"),
        "rounds to zero": (
            lambda p, g: -np.expm1(g * np.log1p(-p)) if p > 1e-16 else 1 - (1 - p) ** g,
            "all digits are gone",
        ),
        "all at once": (lambda p, g: p**g, "all of them answer"),
        "sum": (lambda p, g: g * p, "out of the question"),
        "as if at any moment": (lambda p, g: -np.expm1(-g * p), "at any moment"),
        "twice": (lambda p, g: -2 * np.expm1(g * np.log1p(-p)) / 2.2, "instead of"),
        "none": (lambda p, g: exp(g * np.log1p(-p)), "none answers"),
    },
    "6.5": {
        "one more": (lambda n, a, s, r: lowest(n, a, s, r) + 1, "one more than needed"),
        "starts at one": (lambda n, a, s, r: max(lowest(n, a, s, r), 1), "Do you try 0"),
        "one less": (lambda n, a, s, r: lowest(n, a, s, r) - 1, "too much"),
        "never more than s": (lambda n, a, s, r: min(lowest(n, a, s, r), s), "no threshold up to s"),
        "all synapses": (lambda n, a, s, r: s, "lower ones do as well"),
        "a share": (lambda n, a, s, r: lowest(n, a, s, r) / s, "number of synapses"),
    },
    "6.6": {
        "not clipped": (lambda p, a, up, down: p + np.where(a, up, -down), "stay between"),
        "signs swapped": (lambda p, a, up, down: np.clip(p + np.where(a, -up, down), 0, 1), "wires together"),
        "all grow": (lambda p, a, up, down: np.clip(p + np.where(a, up, down), 0, 1), "grow as well"),
        "active only": (lambda p, a, up, down: np.clip(p + up * a, 0, 1), "ever forgotten"),
        "at once": (lambda p, a, up, down: a.astype(float), "decide for ever"),
        "one rate": (lambda p, a, up, down: np.clip(p + np.where(a, up, -up), 0, 1), "by the decrement"),
        "shares": (lambda p, a, up, down: np.clip(p * np.where(a, 1 + up, 1 - down), 0, 1), "by the increment"),
    },
}
