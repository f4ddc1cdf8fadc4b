"""Naive twin of a memory of sequences: a macrocolumn whose units are supported by other codes, too."""

import numpy as np

from .memory import Macrocolumn, adaptive_floor, chances


class Sequences(Macrocolumn):
    """Links in a set of ((module, unit) before, (module, unit) after), and of (unit above, (module, unit))."""

    def __init__(self, *args, powers=(1, 1, 1), steps=None, persistence=1, most=3, **settings):
        super().__init__(*args, **settings)
        self.powers, self.steps, self.persistence, self.most = powers, steps, persistence, most
        self.links, self.links_above = set(), set()

    def evidence(self, x, before, above, rivals):
        """Return the support of units by each kind of source, None for those without any."""
        _, Q, K = self.shape
        inputs, units = np.flatnonzero(x), [[(q, k) for k in range(K)] for q in range(Q)]
        by_before = by_above = None
        if before is not None:
            sums = [[sum(((p, c), u) in self.links for p, c in enumerate(before)) for u in module] for module in units]
            by_before = np.minimum(1, rivals * np.array(sums) / (Q - 1))
        if len(above):
            sums = [[sum((a, u) in self.links_above for a in above) for u in module] for module in units]
            by_above = np.array(sums) / len(above)
        return self.support(inputs), by_before, by_above

    def product(self, kinds):
        """Return the support by all kinds that are there."""
        if kinds[1] is None and kinds[2] is None:
            return kinds[0] ** self.rule.support_power
        there = [kind**power for kind, power in zip(kinds, self.powers, strict=True) if kind is not None]
        return np.prod(there, axis=0)

    def held(self, x, code):
        return np.mean([self.support(np.flatnonzero(x))[q, k] for q, k in enumerate(code)])

    def same(self, x, before):
        """Return whether a row is the one before: as many inputs, and its code stands for all of them."""
        return np.sum(x) == np.sum(before[1]) and self.held(x, before[0]) == 1

    def recall_rows(self, X, begins, aboves=None):
        """Return the code and familiarity of each row; -1 and 0 without one."""
        found, n, rivals = [], 0, 1
        for i, (x, new) in enumerate(zip(X, begins, strict=True)):
            n = 0 if new else n
            code, G = self.recall(x)
            before = (found[-1][0], X[i - 1]) if n else None
            if code[0] < 0:
                n = 0
            elif n % self.persistence:
                code, n = before[0], n + 1
                G = self.held(x, code)
            elif n and self.same(x, before):
                code, G = before[0], 1.0
            else:
                asked = before[0] if n and rivals <= self.most else None
                V = self.decide(self.evidence(x, asked, [] if aboves is None else aboves[i], rivals))
                code, G, n = V.argmax(axis=1).tolist(), V.max(axis=1).mean(), n + 1
                near = (np.maximum(0.95 * V.max(axis=1, keepdims=True), 0.5) <= V).sum()
                rivals = max(1, int(near / len(V) + 0.5))
            found.append((code, G))
        return found

    def decide(self, kinds):
        """Return the support by all kinds, or by fewer of them where these hardly know the row."""
        U, H, D = kinds
        V = self.product(kinds)
        there = (H is not None) + (D is not None)

        def known(V):
            return V.max(axis=1).mean()

        if not there or self.steps is None or known(V) >= self.steps[2 - there]:
            return V
        if there == 2:
            pair = max((self.product((U, H, None)), self.product((U, None, D))), key=known)
            if known(pair) >= self.steps[1]:
                return pair
        alone = self.product((U, None, None))
        return alone if known(alone) >= self.steps[2] else V

    def store_rows(self, X, begins, uniforms, aboves=None):
        """Store rows; return the code of each and how familiar it was."""
        found, n, (_, Q, K) = [], 0, self.shape
        for i, (x, new, draws) in enumerate(zip(X, begins, uniforms, strict=True)):
            n = 0 if new else n
            above = [] if aboves is None else aboves[i]
            if self.recall(x)[0][0] < 0 or (n == 0 and not len(above)):
                found.append(self.store(x, draws))
                n = int(found[-1][0][0] >= 0)
                continue
            inputs, before = np.flatnonzero(x), found[-1][0] if n else None
            self.items, self.active = self.items + 1, self.active + len(inputs)
            held = n % self.persistence != 0
            still = not held and n and self.same(x, (before, X[i - 1]))
            if held or still:
                code, G = list(before), self.held(x, before)
                best = code
            else:
                V = self.product(self.evidence(x, before, above, 1))
                code, G = V.argmax(axis=1).tolist(), V.max(axis=1).mean()
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
                    if not held and not still:
                        self.links |= {((p, b), (q, k)) for p, b in enumerate(before or ()) if p != q}
                        self.links_above |= {(a, (q, k)) for a in above}
            found.append(([c if learns[q] else best[q] for q, c in enumerate(code)], G))
            n += not still
        return found
