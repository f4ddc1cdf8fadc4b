"""Naive twins of what is done with binary rows: one row, one feature, one unit at a time."""

import numpy as np


def dense(winners, n_units):
    """Return winners of modules as zeros and ones."""
    X = np.zeros((len(winners), len(winners[0]) * n_units), bool)
    for row, code in zip(X, winners, strict=True):
        for q, k in enumerate(code):
            if k >= 0:
                row[q * n_units + k] = True
    return X


def bits(row):
    """Return a row as a list of integers of 64 bits."""
    ones = np.flatnonzero(row).tolist()
    return [sum(1 << (f % 64) for f in ones if f // 64 == w) for w in range(-(-len(row) // 64))]


def similarities(a, b):
    """Return overlap, Jaccard index and Hamming distance of two rows, by sets."""
    a, b = set(np.flatnonzero(a).tolist()), set(np.flatnonzero(b).tolist())
    return len(a & b), len(a & b) / len(a | b) if a | b else 1.0, len(a ^ b)


def nearest(query, stored, k, metric):
    """Return distances (overlaps for "overlap") and places of the k nearest rows, of equal ones the first."""
    found = [similarities(query, row) for row in stored]
    values = {"overlap": [-o for o, _, _ in found], "jaccard": [1 - j for _, j, _ in found],
              "hamming": [h for _, _, h in found]}[metric]  # fmt: skip
    places = sorted(range(len(stored)), key=lambda i: (round(values[i], 12), i))[:k]
    return [abs(values[i]) for i in places], places


def winners(row, k, least=0.0):
    """Return the places of the k largest values above `least`, of equal ones the first."""
    order = sorted(range(len(row)), key=lambda j: (-row[j], j))
    return sorted(j for j in order[:k] if row[j] > least)


class Winners:
    """k winners with duty cycles, row by row; units are features, those of negative coefficients after them."""

    def __init__(self, n_features, k, *, sign, boost, period):
        self.k, self.sign, self.boost, self.period, self.seen = k, sign, boost, period, 0
        self.duty = [0.0] * (n_features * (2 if sign == "split" else 1))
        self.values = [[] for _ in self.duty]

    def code(self, x):
        """Return the units that win."""
        ranked = []
        for j, value in enumerate(x):
            unit = j + len(x) * (self.sign == "split" and value < 0)
            if value > 0 or (value < 0 and self.sign != "positive"):
                ranked.append((-abs(value) * np.exp(-self.boost * self.duty[unit]), j, unit))
        return sorted(unit for _, _, unit in sorted(ranked)[: self.k])

    def learn(self, x):
        won = self.code(x)
        for unit in won:
            self.values[unit].append(x[unit % len(x)])
        self.seen += 1
        n = min(self.seen, self.period)
        self.duty = [d + ((unit in won) - d) / n for unit, d in enumerate(self.duty)]


def willshaw(rows, cue):
    """Return what a memory with binary weights recalls from a cue: the features with the largest sum."""
    F = len(cue)
    sums = [sum(any(x[i] and x[j] for x in rows) for i in range(F) if cue[i]) for j in range(F)]
    return [s == max(sums) and s > 0 for s in sums]


def bcpnn(rows, cue, n_units, prior):
    """Return the evidence for each unit from a cue, one step; (n_modules, n_units)."""
    F, n = len(cue), len(rows)

    def share(*units):
        return (sum(all(x[i] for i in units) for x in rows) + prior / n_units ** len(units)) / (n + prior)

    evidence = [
        np.log(share(j))
        + sum(np.log(share(i, j) / (share(i) * share(j))) for i in range(F) if cue[i] and i // n_units != j // n_units)
        for j in range(F)
    ]
    return np.reshape(evidence, (-1, n_units))


def kanerva(addresses, radius, rows, cue):
    """Return the features whose counters, over the locations near the cue, are positive."""
    sums = [0] * len(cue)
    for address in addresses:
        if np.count_nonzero(address != cue) <= radius:
            for x in rows:
                if np.count_nonzero(address != x) <= radius:
                    sums = [s + (1 if value else -1) for s, value in zip(sums, x, strict=True)]
    return [s > 0 for s in sums]


def hopfield(rows, cue, degree):
    """Return each feature as the sign of lower energy ``-sum_m (s_m x)^n``, the others as in the cue."""
    S, x = 2 * np.asarray(rows, int) - 1, 2 * np.asarray(cue, int) - 1
    out = []
    for i in range(len(x)):
        on, off = x.copy(), x.copy()
        on[i], off[i] = 1, -1
        gain = ((S @ on) ** degree).sum() - ((S @ off) ** degree).sum()
        out.append(bool(x[i] > 0) if gain == 0 else bool(gain > 0))
    return out
