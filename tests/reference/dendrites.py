"""Naive twin of dendritic segments: lists of dicts of cell -> permanence, row by row."""

import numpy as np


class Segment:
    """Synapses, whose they are, and what is counted."""

    def __init__(self):
        self.synapses, self.owner, self.patterns, self.used, self.foreign = {}, None, 0, 0, {}


class Segments:
    """Segments that learn; uniforms for the choice of synapses come from outside."""

    def __init__(self, n_synapses, *, n_patterns=1, match=0, labelled=False, max_synapses=None, max_segments=10**9,
                 counting=False, connected=0.3, initial=0.5, increment=0.05, decrement=0.05,
                 punishment=0.0):  # fmt: skip
        self.n_synapses, self.n_patterns, self.match, self.labelled = n_synapses, n_patterns, match, labelled
        self.most, self.max_segments, self.counting = max_synapses or n_synapses * n_patterns, max_segments, counting
        self.connected, self.initial, self.up, self.down, self.punishment = map(
            np.float32, (connected, initial, increment, decrement, punishment)
        )
        self.segments, self.n_rows, self.n_replaced = [], 0, 0

    def potential(self, segment, x):
        return sum(bool(x[cell]) for cell in segment.synapses)

    def overlap(self, segment, x):
        return sum(bool(x[cell]) for cell, p in segment.synapses.items() if p >= self.connected)

    def learn(self, x, owner, uniforms):
        """Learn a row; return the number of its segment, -1 for none."""
        self.n_rows += 1
        if not any(x):
            return -1
        own = [s for s in self.segments if not self.labelled or s.owner == owner]
        best = max(own, key=lambda s: self.potential(s, x), default=None)  # the first of equal ones
        matched = best is not None and self.match > 0 and self.potential(best, x) >= self.match
        if self.counting:
            for s in self.segments:
                foreign = s.owner != owner if self.labelled else not (matched and s is best)
                if foreign:
                    s.foreign[self.overlap(s, x)] = s.foreign.get(self.overlap(s, x), 0) + 1
        if self.match > 0 and self.punishment > 0 and self.labelled:
            others = [s for s in self.segments if s.owner != owner]
            strongest = max(others, key=lambda s: self.overlap(s, x), default=None)
            if strongest is not None and self.overlap(strongest, x) >= self.match:
                self.change(strongest, x, -self.punishment, np.float32(0))
        if owner < 0:
            return -1
        n_new = self.n_synapses
        if matched:
            n_new -= self.potential(best, x)
            self.change(best, x, self.up, -self.down)
        else:
            best = self.place(owner)
            best.patterns += 1
        self.grow(best, x, n_new, uniforms)
        best.owner, best.used = owner, self.n_rows
        return self.segments.index(best)

    def change(self, segment, x, up, down):
        for cell in list(segment.synapses):
            p = np.float32(segment.synapses[cell] + (up if x[cell] else down))
            if p > 0:
                segment.synapses[cell] = min(p, np.float32(1))
            else:
                del segment.synapses[cell]

    def grow(self, segment, x, n_new, uniforms):
        free = [cell for cell in np.flatnonzero(x) if cell not in segment.synapses]
        for k in range(max(0, min(n_new, self.most - len(segment.synapses), len(free)))):
            other = k + int(uniforms[k] * (len(free) - k))
            free[k], free[other] = free[other], free[k]
            segment.synapses[free[k]] = self.initial

    def place(self, owner):
        for s in self.segments:
            if s.patterns < self.n_patterns and (not self.labelled or s.owner == owner) and self.n_patterns > 1:
                return s
        if len(self.segments) < self.max_segments:
            self.segments.append(Segment())
            return self.segments[-1]
        oldest = min(self.segments, key=lambda s: s.used)
        oldest.synapses, oldest.patterns, oldest.foreign = {}, 0, {}
        self.n_replaced += 1
        return oldest


def overlaps(synapses, X):
    """Return the overlaps of rows with lists of cells, entry by entry."""
    return np.array([[sum(bool(x[cell]) for cell in cells) for cells in synapses] for x in X])


def thresholds(foreign, sizes, floor, target, prior=0.1):
    """Return calibrated thresholds from lists of overlaps with rows of others."""
    weight, result = prior / target, []
    everything = [q for overlaps in foreign for q in overlaps]
    for overlaps_, size, least in zip(foreign, sizes, floor, strict=True):
        for theta in range(10**6):
            together = sum(q >= theta for q in everything) / max(len(everything), 1)
            rate = (sum(q >= theta for q in overlaps_) + weight * together) / (len(overlaps_) + weight)
            if rate <= target:
                break
        result.append(max(1, min(max(theta, least), size)))
    return np.array(result)
