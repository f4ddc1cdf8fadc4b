"""Naive twin of the spatial pooler: column by column, synapse by synapse."""

import numpy as np


class Pooler:
    """Permanences in a list of dicts of input -> float32, one for each column."""

    def __init__(self, permanences, *, n_winners, threshold=0.1, increment=0.05, decrement=0.008, least=1, boost=0.0,
                 period=1000, least_duty=0.001, n_blocks=1):  # fmt: skip
        self.synapses = permanences
        self.n_winners, self.least, self.boost, self.period, self.least_duty = (
            n_winners, least, boost, period, least_duty)  # fmt: skip
        self.threshold, self.up, self.down = np.float32(threshold), np.float32(increment), np.float32(decrement)
        self.n_blocks = n_blocks
        self.raise_by = np.float32(0.1 * threshold)
        self.duty, self.overlap_duty = np.zeros(len(permanences)), np.zeros(len(permanences))
        self.n_rows = 0

    def overlaps(self, x):
        return [sum(x[j] and p >= self.threshold for j, p in column.items()) for column in self.synapses]

    def code(self, x):
        """Return the winners in order."""
        overlaps = self.overlaps(x)
        scores = [overlap * np.exp(-self.boost * duty) for overlap, duty in zip(overlaps, self.duty, strict=True)]
        size, winners = len(scores) // self.n_blocks, []
        for first in range(0, len(scores), size):
            able = [c for c in range(first, first + size) if overlaps[c] >= self.least]
            winners += sorted(able, key=lambda c: (-np.float32(scores[c]), c))[: self.n_winners]
        return sorted(winners)

    def learn(self, x):
        """Learn from a row; return its winners."""
        if not any(x):
            return []
        self.n_rows += 1
        overlaps, winners = self.overlaps(x), self.code(x)
        for c in winners:
            for j in self.synapses[c]:
                self.move(c, j, self.up if x[j] else -self.down)
        share = 1 / min(self.period, self.n_rows)
        for c, overlap in enumerate(overlaps):
            self.duty[c] += share * ((c in winners) - self.duty[c])
            self.overlap_duty[c] += share * ((overlap >= self.least) - self.overlap_duty[c])
        for c in np.flatnonzero(self.overlap_duty < self.least_duty * self.overlap_duty.max()):
            for j in self.synapses[c]:
                self.move(c, j, self.raise_by)
        return winners

    def move(self, c, j, change):
        self.synapses[c][j] = min(max(self.synapses[c][j] + change, np.float32(0)), np.float32(1))
