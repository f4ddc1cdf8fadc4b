"""Mistakes that the checks of lab 8 know: each has a fragment of the message that it must get."""

import numpy as np
from scipy.stats import t


def parts(codes, reduce=np.max):
    return reduce(np.maximum(codes, 0), axis=1), reduce(np.maximum(-codes, 0), axis=1)


def best(X, y, n):
    return np.argsort(-np.abs(X[y == 1].mean(axis=0) - X[y == 0].mean(axis=0)))[:n]


def score(X, y, n_features, n_folds, classify, rng, *, inside=True, errors=False, worst=False, some=False, every=False):
    right, all_rows = [], np.arange(len(y))
    n_features = X.shape[1] if every else n_features
    features = best(X, y, n_features)
    for fold in np.array_split(rng.permutation(len(y)), n_folds):
        train = np.setdiff1d(all_rows, fold)
        if inside:
            features = best(X[train], y[train], X.shape[1])
            features = features[-n_features:] if worst else features[:n_features]
        if some:
            train = train[1:]
        right.append(classify(X[train][:, features], y[train], X[fold][:, features]) == y[fold])
    return np.mean(np.concatenate(right)) if not errors else len(y) * np.mean(np.concatenate(right))


def scorer(**options):
    return lambda *arguments: score(*arguments, **options)


def first_fold(X, y, n_features, n_folds, classify, rng):
    test = rng.permutation(len(y))[: len(y) // n_folds]
    train = np.setdiff1d(np.arange(len(y)), test)
    features = best(X[train], y[train], n_features)
    return np.mean(classify(X[train][:, features], y[train], X[test][:, features]) == y[test])


def half(scores, *, ddof=1, factor=None, root=True):
    n = len(scores)
    factor = t.ppf(0.975, n - 1) if factor is None else factor
    return factor * scores.std(ddof=ddof) / (np.sqrt(n) if root else 1)


def mean_and(**options):
    return lambda scores: (scores.mean(), half(scores, **options))


def unpaired(a, b):
    return (b - a).mean(), 2.306 * np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a))


MISTAKES = {
    "8.1": {
        "signs together": (lambda c: np.abs(c).max(axis=1), "put together"),
        "negative first": (lambda c: np.hstack(parts(c)[::-1]), "negative parts come first"),
        "negative numbers": (lambda c: np.hstack([parts(c)[0], -parts(c)[1]]), "below zero"),
        "no zero": (lambda c: np.hstack([c.max(axis=1), (-c).max(axis=1)]), "never positive"),
        "means": (lambda c: np.hstack(parts(c, np.mean)), "these are means"),
        "sums": (lambda c: np.hstack(parts(c, np.sum)), "the positive half"),
        "over atoms": (lambda c: c.max(axis=2), "should have the shape"),
    },
    "8.2": {
        "features from all rows": (scorer(inside=False), "Which step has seen"),
        "counts": (scorer(errors=True), "lies between 0 and 1"),
        "worst features": (scorer(worst=True), "Are the best features"),
        "some rows left out": (scorer(some=True), "every row belongs"),
        "no selection": (scorer(every=True), "should be chosen"),
        "one fold": (first_fold, "once"),
        "upside down": (lambda *a: 1 - score(*a, inside=False), "worse than chance"),
    },
    "8.3": {
        "spread of scores": (mean_and(root=False), "single scores"),
        "normal": (mean_and(factor=1.96), "1.96 is for"),
        "divided by n": (mean_and(ddof=0), "n - 1"),
        "one standard error": (mean_and(factor=1.0), "two of three"),
        "one side": (lambda s: (s.mean(), half(s, factor=t.ppf(0.95, len(s) - 1))), "An interval has two"),
        "n degrees": (lambda s: (s.mean(), half(s, factor=t.ppf(0.975, len(s)))), "n degrees of freedom"),
        "twice the error": (mean_and(factor=2.0), "the half width should be"),
        "median": (lambda s: (np.median(s), half(s)), "the mean is"),
    },
    "8.4": {
        "not in pairs": (unpaired, "counted as doubt"),
        "turned": (lambda a, b: ((a - b).mean(), half(a - b)), "the sign is turned"),
        "standard error": (lambda a, b: ((b - a).mean(), half(b - a, factor=1.0)), "of the paired differences"),
        "one number": (lambda a, b: (b - a).mean(), "return two numbers"),
    },
}
