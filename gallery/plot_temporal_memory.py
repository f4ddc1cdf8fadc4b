"""
Sequences in a noisy stream, many cells for one input, and cells that die
==========================================================================

Figure 6 of Hawkins and Ahmad (2016), at full size: 2048 columns, 40 of them active at a time. The stream has sequences
of six letters, one of five drawn at random, with four random inputs after each. Of ten elements five can be predicted:
the letters after the first. So an accuracy of 0.50, the share of the predicted columns that do come, is the most there
can be. X A B C D E and W A B C M N share A B C: to predict D or M one has to remember the letter before A, three
elements back. With 32 cells in a column, a letter has other cells in each context; with one cell, what follows is told
by the letter before alone.

After 3000 elements the ends are exchanged: X C B E A F and Y A B C D E instead of X A B C D E and Y C B E A F, and so
on. The memory learns throughout, an element at a time, and is never told of the change. Below, cells die instead: a
share of all cells falls silent for good, with their segments.

The numbers to look at: mean accuracy from 2000 to 3000 (in the paper it is highest from about 2500 on), after the
switch, and in the end; and just after 40 % of the cells have died, which had almost no effect in the paper.
"""

import copy
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.sparse import csr_array

from sparsecode.dendrites import TemporalMemory

COLUMNS, ACTIVE, SWITCH = 2048, 40, 3000
BEFORE = ["XABCDE", "YCBEAF", "GHIJKL", "WABCMN", "ZDBCAE"]
AFTER = ["XCBEAF", "YABCDE", "GABCMN", "WHIJKL", "ZDHICF"]


def stream(words, n_elements, rng):
    """Rows of active columns: sequences of letters, each of 40 columns, and random columns in between."""
    rows = []
    while len(rows) < n_elements:
        rows += [ACTIVE * (ord(letter) - ord("A")) + np.arange(ACTIVE) for letter in words[rng.integers(len(words))]]
        rows += [np.sort(rng.choice(COLUMNS, ACTIVE, replace=False)) for _ in range(4)]
    indptr = ACTIVE * np.arange(n_elements + 1)
    ones = np.ones(indptr[-1], bool)
    return csr_array((ones, np.concatenate(rows[:n_elements]), indptr), shape=(n_elements, COLUMNS))


def accuracy(memory):
    """Share of the predicted columns that became active, for each element just learned; 0 without a prediction."""
    outcomes = memory.outcomes_
    return outcomes["correct"] / np.maximum(outcomes["predicted"], 1)


def smooth(values, n=100):
    """Means of the last n elements: ten sequences, each with what is random after it."""
    sums = np.concatenate([np.zeros(n), np.cumsum(values)])
    return (sums[n:] - sums[:-n]) / n


rng = np.random.default_rng(0)
first, second, same = (stream(words, SWITCH, rng) for words in (BEFORE, AFTER, BEFORE))
settings = {"activation_threshold": 15, "min_threshold": 15, "max_new_synapses": 40}
settings |= {"predicted_segment_decrement": 0.01, "random_state": 0}

curves, learned = {}, {}
for n_cells in (32, 1):
    memory = learned[n_cells] = TemporalMemory(n_cells, **settings).partial_fit(first)
    before, changed = accuracy(memory), copy.deepcopy(memory).partial_fit(second)
    curves[n_cells] = np.concatenate([before, accuracy(changed)])
    means = [curves[n_cells][part].mean() for part in (slice(2000, 3000), slice(3000, 3500), slice(5500, 6000))]
    name = f"{n_cells} cells in a column" if n_cells > 1 else "1 cell in a column"
    print(f"{name}: {means[0]:.3f} from 2000 to 3000, {means[1]:.3f} after the switch, {means[2]:.3f} in the end;")
    print(f"    {changed.n_segments_} segments, {changed.n_synapses_} synapses")

deaths = {}
for share in (0.0, 0.4, 0.6, 0.75):
    memory = copy.deepcopy(learned[32])
    dead = np.random.default_rng(1).choice(COLUMNS * 32, round(share * COLUMNS * 32), replace=False)
    after = accuracy(memory.silence_cells(dead).partial_fit(same[:1500]))
    deaths[share] = np.concatenate([curves[32][:SWITCH], after])
    means = after[:250].mean(), after[-500:].mean()
    print(f"{share:.0%} of the cells die: {means[0]:.3f} in the next 250, {means[1]:.3f} in the last 500 elements")

figure, (top, bottom) = plt.subplots(2, 1, figsize=(10, 7.5), layout="constrained")
for (n_cells, values), colour in zip(curves.items(), ["#0072b2", "#d55e00"], strict=True):
    top.plot(smooth(values), color=colour, label=f"{n_cells} cell{'s' * (n_cells > 1)} in a column")
top.set(title="other sequences from element 3000 on")
for (share, values), colour in zip(deaths.items(), ["#0072b2", "#56b4e9", "#e69f00", "#d55e00"], strict=True):
    bottom.plot(np.arange(2700, len(values)), smooth(values)[2700:], color=colour, label=f"{share:.0%}")
bottom.set(title="cells die at element 3000, sequences stay", xlabel="elements of the stream")
for ax in (top, bottom):
    ax.axhline(0.5, color="0.6", linewidth=1)
    ax.axvline(SWITCH, color="0.6", linewidth=1, linestyle="--")
    ax.set(ylabel="accuracy (mean of the last 100)", ylim=(0, 0.55))
    ax.legend(frameon=False, loc="lower right", title="" if ax is top else "share of cells that die")

figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_temporal_memory.png", dpi=120)
