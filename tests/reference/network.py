"""A network with active dendrites, unit by unit."""

import math

import numpy as np


def probabilities(x, context, coefs, intercepts, segments, n_winners):
    """Return the probabilities of the classes for one row and one context, both as the network sees them."""
    for W, b, U, k in zip(coefs, intercepts, segments, n_winners, strict=False):
        values = []
        for i in range(len(b)):
            value = b[i] + sum(W[f, i] * x[f] for f in range(len(x)))
            if len(U[i]):
                answers = [float(u @ context) for u in U[i]]
                strongest = max(answers, key=abs)
                value *= 1 / (1 + math.exp(-strongest))
            values.append(value)
        if k == len(b):
            x = [max(value, 0.0) for value in values]
        else:
            winners = sorted(range(len(b)), key=lambda i: -values[i])[:k]
            x = [values[i] if i in winners else 0.0 for i in range(len(b))]
    scores = np.array([intercepts[-1][c] + coefs[-1][:, c] @ x for c in range(len(intercepts[-1]))])
    shares = np.exp(scores - scores.max())
    return shares / shares.sum()
