"""Naive twin of the temporal memory: segment by segment, synapse by synapse, permanences in ten-thousandths."""


class Temporal:
    """Segments as a dict of identifier -> (cell, {cell that a synapse comes from: permanence})."""

    def __init__(self, n_columns, n_cells, seeds, *, fire, match, new, most_synapses=255, most_of_cell=255, most=10**6,
                 threshold=5000, initial=2100, up=1000, down=1000, punish=0):  # fmt: skip
        self.K, self.seeds = n_cells, list(seeds)
        self.fire, self.match, self.new = fire, match, new
        self.most_synapses, self.most_of_cell, self.most = most_synapses, most_of_cell, most
        self.threshold, self.initial, self.up, self.down, self.punish = threshold, initial, up, down, punish
        self.segments, self.order, self.free, self.next = {}, [], [], 0
        self.silent = set()
        self.reset()

    def reset(self):
        self.active, self.winners = [], []

    def draw(self, n):
        self.seeds = [self.seeds[0] * 40014 % 2147483563, self.seeds[1] * 40692 % 2147483399]
        return (self.seeds[0] - self.seeds[1]) % 2147483562 % n

    def overlaps(self):
        """Return the overlaps of segments that match, and which of them fire."""
        active, matching, firing = set(self.active), {}, set()
        for s, (_, synapses) in self.segments.items():
            overlap = sum(cell in active for cell in synapses)
            if overlap >= self.match:
                matching[s] = overlap
                if sum(cell in active and p >= self.threshold for cell, p in synapses.items()) >= self.fire:
                    firing.add(s)
        return matching, firing

    def predicted(self):
        """Return the columns that are predicted."""
        return {self.segments[s][0] // self.K for s in self.overlaps()[1]}

    def of_cell(self, cell):
        return [s for s, (owner, _) in self.segments.items() if owner == cell]

    def least_used(self, column, learn):
        living = [c for c in range(column * self.K, (column + 1) * self.K) if c not in self.silent]
        if not living:
            return None
        counts = [len(self.of_cell(cell)) for cell in living]
        ties = [cell for cell, count in zip(living, counts, strict=True) if count == min(counts)]
        return ties[self.draw(len(ties))] if learn and len(ties) > 1 else ties[0]

    def step(self, columns, learn=True):
        """Take a row, the sorted list of its active columns; return the sorted active cells."""
        matching, firing = self.overlaps()
        depolarized = {self.segments[s][0] for s in firing}
        active, winners, learning, created = [], [], [], []
        for column in columns:
            cells = range(column * self.K, (column + 1) * self.K)
            chosen = [cell for cell in cells if cell in depolarized]
            if chosen:
                active += chosen
                winners += chosen
                learning += [s for s in firing if self.segments[s][0] in cells]
                continue
            active += [cell for cell in cells if cell not in self.silent]
            found = [s for s in matching if self.segments[s][0] in cells]
            if found:
                best = min(found, key=lambda s: (-matching[s], s))
                winners.append(self.segments[best][0])
                learning.append(best)
            else:
                winner = self.least_used(column, learn)
                if winner is not None:
                    winners.append(winner)
                    created.append(winner)
        if learn:
            if self.punish:
                for s in matching:
                    if self.segments[s][0] // self.K not in columns:
                        self.adapt(s, -self.punish, 0)
            for s in sorted(learning):
                self.order.remove(s)
                self.order.append(s)
                self.adapt(s, self.up, -self.down)
                self.grow(s, self.new - matching[s])
            for cell in created if len(self.winners) >= self.match else []:
                self.grow(self.create(cell), self.new)
            for s in sorted(s for s, (_, synapses) in self.segments.items() if len(synapses) < self.match):
                self.destroy(s)
        self.active, self.winners = active, winners
        return active

    def adapt(self, s, up, down):
        synapses = self.segments[s][1]
        for cell in list(synapses):
            synapses[cell] = min(synapses[cell] + (up if cell in set(self.active) else down), 10000)
            if synapses[cell] <= 0:
                del synapses[cell]

    def destroy(self, s):
        del self.segments[s]
        self.order.remove(s)
        self.free.append(s)

    def create(self, cell):
        while len(self.of_cell(cell)) >= self.most_of_cell:
            self.destroy(min(self.of_cell(cell), key=self.order.index))
        while len(self.segments) >= self.most:
            self.destroy(self.order[0])
        if self.free:
            s = self.free.pop()
        else:
            s = self.next
            self.next += 1
        self.segments[s] = cell, {}
        self.order.append(s)
        return s

    def grow(self, s, wanted):
        synapses = self.segments[s][1]
        candidates = [cell for cell in self.winners if cell not in synapses]
        wanted = min(wanted, len(candidates))
        if wanted <= 0:
            return
        excess = len(synapses) + wanted - self.most_synapses
        while excess > 0:
            weak = [cell for cell in synapses if cell not in self.winners]
            del synapses[min(weak, key=lambda cell: (synapses[cell], cell))]
            excess -= 1
        for k in range(wanted):
            if wanted < len(candidates):
                other = k + self.draw(len(candidates) - k)
                candidates[k], candidates[other] = candidates[other], candidates[k]
            synapses[candidates[k]] = self.initial

    def permanences(self):
        """Return the segments by cell and identifier: pairs of the cell and the permanences."""
        return [(cell, dict(synapses)) for _, (cell, synapses) in
                sorted(self.segments.items(), key=lambda item: (item[1][0], item[0]))]  # fmt: skip
