"""Naive twin of a macrocolumn: the code selection algorithm, unit by unit."""

import numpy as np


def chances(V, G, K, rule, floor):
    """Return the unnormalised chances of units with supports V, from a `Selection`."""
    excess = max(G - floor, 0) / (1 - floor)
    eta = rule.baseline + rule.expansion * (K if rule.per_unit else 1) * excess**rule.expansion_power
    slope = rule.slope / (1 - floor) if rule.relative else rule.slope
    centre = floor + rule.centre * (1 - floor) if rule.relative else rule.centre
    sigmoid = 1 / (1 + np.exp(-slope * (V - centre)))
    if rule.rectified:
        return np.where(V >= 0.999, eta, np.maximum(eta * sigmoid, rule.baseline))
    return (eta - rule.baseline) * sigmoid + rule.baseline


def adaptive_floor(U, n, power, p=0.0):
    """Return the familiarity that crosstalk alone would give, from the shares U (Q, K) of n active inputs.

    `p` is the share of weights that are set of the unit of a module with most, mean over modules.
    """
    others = np.concatenate([np.delete(module, module.argmax()) for module in U])
    v, K = U.mean(), U.shape[1]
    deviation = max(np.sqrt(v * (1 - v) / n), 0.9 * others.std())
    floor = max(v + np.sqrt(2 * np.log(K)) * deviation + 0.02, p + np.sqrt(p * (1 - p) / n))
    return min(floor, max(0.97, 1 - 1 / n)) ** power


class Macrocolumn:
    """Weights in a dict of (input, module, unit) -> [row of the last coincidence, permanent]."""

    def __init__(self, n_features, n_modules, n_units, rule, *, low=0, high=None, freeze=None, auto=None, keep=True,
                 lifetime=None):  # fmt: skip
        self.shape, self.rule = (n_features, n_modules, n_units), rule
        self.low, self.high = low, n_features if high is None else high
        self.freeze, self.auto, self.keep, self.lifetime = freeze, auto, keep, lifetime
        self.weights, self.items, self.active, self.learned = {}, 0, 0, 0

    def support(self, inputs):
        _, Q, K = self.shape
        return np.array([[np.mean([(j, q, k) in self.weights for j in inputs]) for k in range(K)] for q in range(Q)])

    def recall(self, x):
        """Return winners and familiarity."""
        inputs = np.flatnonzero(x)
        if not len(inputs) or not self.low <= len(inputs) <= self.high:
            return [-1] * self.shape[1], 0.0
        V = self.support(inputs) ** self.rule.support_power
        return V.argmax(axis=1).tolist(), V.max(axis=1).mean()

    def store(self, x, uniforms):
        """Store a row; return its code and how familiar it was."""
        inputs, (_, Q, K) = np.flatnonzero(x), self.shape
        code, G = self.recall(x)
        if code[0] < 0:
            return code, G
        now, self.items, self.active = self.items, self.items + 1, self.active + len(inputs)
        best, drawn = list(code), not (self.keep and G >= 1)
        if drawn:
            U = self.support(inputs)
            floor = self.rule.floor
            if floor == "adaptive":
                fill = np.zeros((Q, K))
                for _, q, k in self.weights if self.lifetime is None else ():
                    fill[q, k] += 1 / self.shape[0]
                floor = adaptive_floor(U, len(inputs), self.rule.support_power, fill.max(axis=1).mean())
            mu = chances(U**self.rule.support_power, G, K, self.rule, floor)
            for q in range(Q):
                code[q] = int(np.searchsorted(np.cumsum(mu[q]), uniforms[q] * mu[q].sum(), side="right"))
        most = np.inf if self.freeze is None else self.freeze * self.shape[0]
        if self.auto is not None:
            most = self.auto * self.active / self.items
        learns = [sum((j, q, k) in self.weights for j in range(self.shape[0])) <= most for q, k in enumerate(code)]
        self.learned += np.mean(learns) >= 0.5 and drawn
        for q in range(Q):
            if learns[q]:
                for j in inputs:
                    _, permanent = self.weights.get((j, q, code[q]), (0, False))
                    self.weights[j, q, code[q]] = (now, permanent or G >= 1)
        if self.lifetime is not None:
            alive = {w: s for w, s in self.weights.items() if s[1] or self.items - s[0] <= self.lifetime}
            self.weights = alive
        return [c if learns[q] else best[q] for q, c in enumerate(code)], G
