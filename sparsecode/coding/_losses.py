r"""Losses of a linear predictor of targets, and the predictor that is best for given codes.

Scores of a sample with features f are ``f P[:-1] + P[-1]``; the objective is

    sum_i s_i loss(y_i, scores_i) / sum_i s_i + (price / 2) ||P[:-1]||^2

with weights s_i of the samples: convex in P, so that L-BFGS ends at its minimum.
"""

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logsumexp

#: L-BFGS stops where no entry of the gradient is larger, for features of mean squared norm 1; and its iterations.
GRADIENT, ITERATIONS = 1e-7, 2000


def squared(scores, Y):
    """Return ``0.5 ||y - score||^2`` of each sample, and its derivative by the scores."""
    residual = scores - Y
    return 0.5 * np.square(residual).sum(axis=1), residual


def logistic(scores, Y):
    """Return the log loss of each sample for labels 0 and 1 in one column, and its derivative."""
    return (np.logaddexp(0, scores) - Y * scores).sum(axis=1), expit(scores) - Y


def softmax(scores, Y):
    """Return the log loss of each sample for labels as unit vectors, and its derivative."""
    total = logsumexp(scores, axis=1)
    return total - (Y * scores).sum(axis=1), np.exp(scores - total[:, None]) - Y


class Features:
    """Codes over a scale, then covariates, as the features of a predictor."""

    def __init__(self, codes, scale, Z):
        self.codes, self.scale, self.Z = codes, scale, Z

    def scores(self, P):
        """Return the scores of all samples."""
        K = self.codes.shape[1]
        return self.codes @ (P[:K] / self.scale) + self.Z @ P[K:-1] + P[-1]

    def mean_square(self, weights):
        """Return the weighted mean of squared norms, with the intercept: no loss has a larger curvature."""
        of_codes = self.codes.multiply(self.codes).sum(axis=1) / self.scale**2
        return float(1 + weights @ (np.ravel(of_codes) + np.square(self.Z).sum(axis=1)) / weights.sum())

    def gradient(self, residual):
        """Return the derivative of a sum of losses by P, for their derivatives by the scores."""
        by_code = (self.codes.T @ residual) / self.scale
        return np.concatenate([by_code, self.Z.T @ residual, residual.sum(axis=0)[None]])


def evaluate(features, P, Y, weights, loss, price):
    """Return the objective, its gradient by P, and the weighted derivatives by the scores."""
    losses, residual = loss(features.scores(P), Y)
    residual *= (weights / weights.sum())[:, None]
    value = float(losses @ weights / weights.sum()) + 0.5 * price * np.square(P[:-1]).sum()
    gradient = features.gradient(residual)
    gradient[:-1] += price * P[:-1]
    return value, gradient, residual


def best_predictor(features, start, Y, weights, loss, price):
    """Return P with the lowest objective, and that objective, by L-BFGS from `start`."""

    def function(flat):
        value, gradient, _ = evaluate(features, flat.reshape(start.shape), Y, weights, loss, price)
        return value, gradient.ravel()

    options = {"maxiter": ITERATIONS, "maxfun": 2 * ITERATIONS, "gtol": GRADIENT, "ftol": 0.0}
    found = minimize(function, start.ravel(), jac=True, method="L-BFGS-B", options=options)
    return found.x.reshape(start.shape), float(found.fun)
