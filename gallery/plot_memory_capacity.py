"""
How much a macrocolumn holds
============================

All items are stored in the same binary weights. An item is lost when other units of its modules have, by chance,
weights from all of its active features too. For random items and codes that gives a law: the number of items of which
97 % of the modules recall the right winner is linear in the units of a module, grows with the share of features that
are not active, and does not depend on the number of modules (`capacity`).

The number to look at: items that are recalled at 97 %, over those of the law; means of five seeds. Codes are not quite
random, since they follow crosstalk a little, which costs a fifth.

Right: superposition. The active code is not only the best match: it overlaps with the codes of all items that the
input resembles. An input made of halves of two items shows both of them among 40 (`likelihoods`).
G. J. Rinkus and J. Leveille, "Superposed episodic and semantic memory via sparse distributed representation",
arXiv:1710.07829 (2017).
"""

import itertools
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sparsecode.sdr import MacrocolumnMemory, capacity, recall_accuracy

SIZES = [(144, 12, 25, 9), (144, 12, 9, 16), (144, 12, 70, 16), (256, 24, 12, 16)]  # features, active, modules, units
COLOURS, SEEDS, POINTS = ["#009e73", "#0072b2", "#56b4e9", "#d55e00"], 5, 24
warnings.filterwarnings("ignore", message=".* items are stored")  # more than fit, on purpose


def random_items(rng, n, n_features, n_active):
    """Rows with equally many ones."""
    X = np.zeros((n, n_features), bool)
    np.put_along_axis(X, rng.permuted(np.tile(np.arange(n_features), (n, 1)), axis=1)[:, :n_active], True, axis=1)
    return X


def accuracy_as_items_come(size, seed):
    """Numbers of items, and the share of modules that give the right winner for all of them."""
    F, n, Q, K = size
    counts = np.linspace(0, 1.6 * capacity(F, n, K), POINTS + 1).astype(int)
    X = random_items(np.random.default_rng(seed), counts[-1], F, n)
    memory, right = MacrocolumnMemory(Q, K, store_items=True, random_state=seed), []
    for start, stop in itertools.pairwise(counts):
        memory.partial_fit(X[start:stop])
        winners = memory.transform(X[:stop]).reshape(stop, Q, K).argmax(axis=2)
        right.append((winners == memory.codes_).mean())
    return counts[1:], np.array(right)


figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")
for size, colour in zip(SIZES, COLOURS, strict=True):
    F, n, Q, K = size
    runs = [accuracy_as_items_come(size, seed) for seed in range(SEEDS)]
    items, accuracy = runs[0][0], np.mean([run[1] for run in runs], axis=0)
    held = np.interp(-0.97, -accuracy, items)
    label = f"F = {F}, {n} active, Q = {Q}, K = {K}"
    left.plot(items, accuracy, "o", markersize=3, color=colour, label=label)
    left.plot(items, [recall_accuracy(m, F, n, K) for m in items], color=colour, linewidth=1)
    print(f"{label}: {held:.0f} items at 97 %, law {capacity(F, n, K):.0f}, ratio {held / capacity(F, n, K):.2f}")
left.axhline(0.97, color="0.6", linewidth=0.8, linestyle="--")
left.set(xlabel="stored items", ylabel="modules with the right winner", title="recall (lines: law of random codes)")
left.legend(frameon=False, fontsize=8)

F, n, Q, K = 256, 24, 70, 16
rng = np.random.default_rng(0)
X, novel = random_items(rng, 400, F, n), random_items(rng, 400, F, n)
memory, known, strange = MacrocolumnMemory(Q, K, random_state=0), [], []
counts = np.arange(25, 401, 25)
for stop in counts:
    memory.partial_fit(X[stop - 25 : stop])
    known.append(memory.familiarity(X[:stop]).mean())
    strange.append(memory.familiarity(novel).mean())
middle.plot(counts, known, color="#0072b2", label="stored items")
middle.plot(counts, strange, color="#d55e00", label="novel items")
middle.axvline(capacity(F, n, K), color="0.6", linestyle="--", linewidth=0.8)
middle.text(capacity(F, n, K) - 5, 0.1, "capacity", rotation=90, ha="right", fontsize=8)
middle.set(xlabel="stored items", ylabel="familiarity G", title=f"familiarity (K = {K})", ylim=(0, 1.03))
middle.legend(frameon=False, fontsize=8, loc="lower right")

memory = MacrocolumnMemory(Q, K, store_items=True, random_state=0).fit(X[:40])
blend = np.zeros((1, F), bool)
for item in (10, 30):
    blend[0, rng.choice(np.flatnonzero(X[item]), n // 2, replace=False)] = True
belief = memory.likelihoods(blend)[0]
print(f"blend of items 10 and 30: most likely {', '.join(map(str, np.argsort(-belief)[:2]))}")
print(f"agreement with them {belief[10]:.2f} and {belief[30]:.2f}, largest of others "
      f"{np.delete(belief, [10, 30]).max():.2f}")  # fmt: skip
right.bar(np.arange(40), belief, color="0.7", width=1)
right.bar([10, 30], belief[[10, 30]], color="#0072b2", width=1)
right.axhline(1 / K, color="0.3", linestyle="--", linewidth=0.8, label="chance")
right.set(xlabel="stored item", ylabel="modules that agree", title="halves of items 10 and 30")
right.legend(frameon=False, fontsize=8)

figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_memory_capacity.png", dpi=120)
