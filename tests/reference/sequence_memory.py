"""Naive twin of a memory of sequences: a macrocolumn whose units are supported by the code before, too."""

import numpy as np

from .memory import Macrocolumn, adaptive_floor, chances


class Sequences(Macrocolumn):
    """Links in a set of ((module, unit) before, (module, unit) after)."""

    def __init__(self, *args, powers=(1, 1), backoff=None, persistence=1, **settings):
        super().__init__(*args, **settings)
        self.powers, self.backoff, self.persistence, self.links = powers, backoff, persistence, set()

    def context(self, code):
        """Share of the units of the code in other modules that have a link to each unit."""
        _, Q, K = self.shape
        before = list(enumerate(code))
        return np.array([[sum((b, (q, k)) in self.links for b in before) for k in range(K)] for q in range(Q)]) / (
            Q - 1
        )

    def in_context(self, x, code):
        """Return winners, familiarity, and the support."""
        V = self.support(np.flatnonzero(x)) ** self.powers[0] * self.context(code) ** self.powers[1]
        return V.argmax(axis=1).tolist(), V.max(axis=1).mean(), V

    def held(self, x, code):
        return np.mean([self.support(np.flatnonzero(x))[q, k] for q, k in enumerate(code)])

    def recall_rows(self, X, begins):
        """Return the code and familiarity of each row; -1 and 0 without one."""
        found, n = [], 0
        for x, new in zip(X, begins, strict=True):
            n = 0 if new else n
            code, G = self.recall(x)
            if code[0] < 0:
                n = 0
            elif n % self.persistence:
                code = found[-1][0]
                G, n = self.held(x, code), n + 1
            else:
                if n:
                    both, known, _ = self.in_context(x, found[-1][0])
                    if self.backoff is None or known >= self.backoff[0] or self.backoff[1] > G:
                        code, G = both, known
                n += 1
            found.append((code, G))
        return found

    def store_rows(self, X, begins, uniforms):
        """Store rows; return the code of each and how familiar it was."""
        found, n, (_, Q, K) = [], 0, self.shape
        for x, new, draws in zip(X, begins, uniforms, strict=True):
            n = 0 if new else n
            if n == 0 or self.recall(x)[0][0] < 0:
                found.append(self.store(x, draws))
                n = int(found[-1][0][0] >= 0)
                continue
            inputs, before = np.flatnonzero(x), found[-1][0]
            self.items, self.active = self.items + 1, self.active + len(inputs)
            held = n % self.persistence != 0
            if held:
                code, G = list(before), self.held(x, before)
                best = code
            else:
                code, G, V = self.in_context(x, before)
                best = list(code)
                if G < 1:
                    floor = self.rule.floor
                    floor = adaptive_floor(V, len(inputs), 1) if floor == "adaptive" else floor
                    mu = chances(V, G, K, self.rule, floor)
                    for q in range(Q):
                        code[q] = int(np.searchsorted(np.cumsum(mu[q]), draws[q] * mu[q].sum(), side="right"))
            most = np.inf if self.freeze is None else self.freeze * self.shape[0]
            learns = [sum((j, q, k) in self.weights for j in range(self.shape[0])) <= most for q, k in enumerate(code)]
            self.learned += np.mean(learns) >= 0.5 and G < 1
            for q, k in enumerate(code):
                if learns[q]:
                    self.weights |= {(j, q, k): (0, False) for j in inputs}
                    if not held:
                        self.links |= {((p, b), (q, k)) for p, b in enumerate(before) if p != q}
            found.append(([c if learns[q] else best[q] for q, c in enumerate(code)], G))
            n += 1
        return found
