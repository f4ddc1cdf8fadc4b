"""Rows a second and bytes a synapse of `TemporalMemory`, beside a step in plain NumPy over all synapses.

python benchmarks/temporal_memory.py [--rows 6000] [--timed 500] [--slow-rows 20] [--rounds 5] [--json out.json]

2048 columns of 32 cells, 40 columns active, learn a stream of sequences in random rows (figure 6A of Hawkins and Ahmad
2016), some 17 new segments a row. Then rows are timed in turns, with learning and without: the same stream, where
random rows make all cells of 40 columns active, and its sequences alone, where mostly predicted cells are.
"""

import argparse
import copy
import json
import time

import numpy as np
from scipy.sparse import csr_array

from sparsecode.dendrites import TemporalMemory

COLUMNS, CELLS, ACTIVE = 2048, 32, 40
WORDS = ["XABCDE", "YCBEAF", "GHIJKL", "WABCMN", "ZDBCAE"]
SETTINGS = {"activation_threshold": 15, "min_threshold": 15, "max_new_synapses": 40, "random_state": 0}
SETTINGS["predicted_segment_decrement"] = 0.01


def stream(n_rows, rng, *, noise):
    """Rows of active columns: sequences of letters, with four random rows after each."""
    rows = []
    while len(rows) < n_rows:
        rows += [ACTIVE * (ord(letter) - ord("A")) + np.arange(ACTIVE) for letter in WORDS[rng.integers(len(WORDS))]]
        rows += [np.sort(rng.choice(COLUMNS, ACTIVE, replace=False)) for _ in range(4 if noise else 0)]
    indptr = ACTIVE * np.arange(n_rows + 1)
    return csr_array((np.ones(indptr[-1], bool), np.concatenate(rows[:n_rows]), indptr), shape=(n_rows, COLUMNS))


class PlainMemory:
    """The same in NumPy: padded arrays of synapses, all of which each row looks at."""

    def __init__(self, memory):
        permanences = memory.permanences_
        sizes = np.diff(permanences.indptr)
        self.n_cells, self.new, self.threshold = CELLS, memory.max_new_synapses, memory.activation_threshold
        shape = len(sizes), int(sizes.max()) + self.new
        there = np.arange(shape[1]) < sizes[:, None]
        self.cells, self.permanences = np.full(shape, COLUMNS * CELLS), np.zeros(shape, np.float32)
        self.cells[there], self.permanences[there] = permanences.indices, permanences.data
        self.owner = memory.segment_cells_
        self.on, self.winners = np.zeros(COLUMNS * CELLS + 1, bool), np.zeros(0, np.int64)
        self.rng = np.random.default_rng(0)

    def step(self, columns, learn):
        """Take a row; return how many of its columns were predicted."""
        active = self.on[self.cells]
        overlaps = active.sum(axis=1)
        fires = (active & (self.permanences >= 0.5)).sum(axis=1) >= self.threshold
        depolarized = np.zeros(COLUMNS * CELLS, bool)
        depolarized[self.owner[fires]] = True
        cells = depolarized.reshape(COLUMNS, CELLS)[columns]
        predicted = cells.any(axis=1)
        bursting = columns[~predicted]
        chosen = (columns[:, None] * CELLS + np.arange(CELLS))[cells]
        matching = np.flatnonzero(overlaps >= self.threshold)
        winners, learning = [chosen], [np.flatnonzero(fires & np.isin(self.owner // CELLS, columns[predicted]))]
        created = []
        for column in bursting:
            own = matching[self.owner[matching] // CELLS == column]
            if len(own):
                best = own[overlaps[own].argmax()]
                learning.append([best])
                winners.append([self.owner[best]])
            else:
                counts = np.bincount(self.owner[self.owner // CELLS == column] % CELLS, minlength=CELLS)
                winners.append([column * CELLS + self.rng.choice(np.flatnonzero(counts == counts.min()))])
                created.append(winners[-1][0])
        if learn:
            self.learn(np.concatenate(learning).astype(int), created, active, overlaps)
        self.on[:] = False
        self.on[chosen] = True
        self.on[(bursting[:, None] * CELLS + np.arange(CELLS)).ravel()] = True
        self.winners = np.concatenate(winners).astype(np.int64)
        return int(predicted.sum())

    def learn(self, learning, created, active, overlaps):
        """Change permanences of some segments, and make others."""
        changed = self.permanences[learning] + np.where(active[learning], 0.1, -0.1)
        self.permanences[learning] = np.clip(changed, 0, 1)
        self.cells[learning] = np.where(changed > 0, self.cells[learning], COLUMNS * CELLS)
        for s in learning:
            self.grow(s, self.new - overlaps[s])
        if created and len(self.winners):
            n = len(created)
            self.cells = np.concatenate([self.cells, np.full((n, self.cells.shape[1]), COLUMNS * CELLS)])
            self.permanences = np.concatenate([self.permanences, np.zeros((n, self.cells.shape[1]), np.float32)])
            self.owner = np.concatenate([self.owner, created])
            for s in range(len(self.owner) - n, len(self.owner)):
                self.grow(s, self.new)

    def grow(self, s, wanted):
        """Add synapses from winners to a segment."""
        candidates = np.setdiff1d(self.winners, self.cells[s])
        free = np.flatnonzero(self.cells[s] == COLUMNS * CELLS)
        wanted = max(0, min(wanted, len(candidates), len(free)))
        self.cells[s, free[:wanted]] = self.rng.choice(candidates, wanted, replace=False)
        self.permanences[s, free[:wanted]] = 0.21


def check(memory, plain, rows, listed):
    """Raise if both do not predict the same."""
    expected = memory._read(rows, None).outcomes[: len(listed), 2].tolist()
    plain = copy.copy(plain)
    plain.on = np.zeros_like(plain.on)
    if [plain.step(columns, learn=False) for columns in listed] != expected:
        raise RuntimeError("the two memories do not predict the same columns")


def seconds(run):
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=6000, help="learned before")
    parser.add_argument("--timed", type=int, default=500, help="rows of a turn")
    parser.add_argument("--slow-rows", type=int, default=20, help="of these in NumPy")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json")
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(0)
    X = stream(options.rows, rng, noise=True)
    took = seconds(lambda: TemporalMemory(**SETTINGS).fit(X[:50]))
    print(f"first call, with compilation or loading: {took:.1f} s")
    memory = TemporalMemory(**SETTINGS)
    took = seconds(lambda: memory.fit(X))
    counts = {"segments": memory.n_segments_, "synapses": memory.n_synapses_}
    size = sum(array.nbytes for array in memory._segments) / memory.n_synapses_
    result = counts | {"bytes / synapse": size}
    print(f"{options.rows} rows learned in {took:.2f} s, {options.rows / took:.0f} a second, from nothing")
    print(f"{counts['segments']} segments, {counts['synapses']} synapses, {size:.1f} bytes a synapse")
    copied = np.median([seconds(lambda: copy.deepcopy(memory._segments)) for _ in range(3)])
    print(f"a copy, which each call that learns makes: {1e3 * copied:.0f} ms")
    plain = PlainMemory(memory)
    for kind, noise in (("in noise", True), ("sequences", False)):
        rows = stream(options.timed, rng, noise=noise)
        listed = np.split(rows.indices, rows.indptr[1:-1])[: options.slow_rows]
        check(memory, plain, rows, listed)
        for learn in (False, True):
            times = np.empty((options.rounds, 2))
            for turn in range(options.rounds):
                other, slow = copy.deepcopy(memory), copy.copy(plain)
                slow.on = np.zeros_like(plain.on)
                slow.permanences, slow.cells = plain.permanences.copy(), plain.cells.copy()
                run = other.partial_fit if learn else other.predict_next
                times[turn, 0] = seconds(lambda: run(rows)) / options.timed  # noqa: B023
                times[turn, 1] = seconds(lambda: [slow.step(c, learn) for c in listed]) / len(listed)  # noqa: B023
            ours, theirs = np.median(times, axis=0)
            ratio = np.median(times[:, 1] / times[:, 0])
            name = f"{kind}, {'with' if learn else 'no'} learning"
            result[name] = {"rows / s": 1 / ours, "NumPy rows / s": 1 / theirs, "times faster": ratio}
            print(f"{name:26} {1 / ours:9.0f} rows/s, NumPy {1 / theirs:7.1f} rows/s, {ratio:6.0f} times faster")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(result, file, indent=2)


if __name__ == "__main__":
    main()
