"""
What a bit of synapse holds
===========================

Associative memories that complete a cue, compared by the information that they add to it, over the bits that their
synapses take: one for a binary weight, for counters and counts as many as the largest needs.

Left and middle: sparse items, one of 50 features active in each of 12 modules; the cue has half of the ones. Right:
dense items of 256 random features; a quarter of those of the cue are drawn anew. The macrocolumn has 15 modules of 20
units, so that for the sparse items it takes as many bits as the Willshaw network.

The number to look at: the largest information for each bit. Binary weights between sparse items (Willshaw) hold some 40
times as much as the networks for dense items (Hopfield, Kanerva). Graded weights (BCPNN) complete most items, but take
several bits each. The macrocolumn, which chooses the codes of its items, pays for familiarity and graded similarity: it
holds a third of what the Willshaw network holds, and three fifths of the items that are completed without an error. And
a plain list of the active features, searched from end to end, holds more than any of them: what weights buy is a memory
of fixed size, whose recall takes the same time however much is stored. Kanerva's memory tells nothing about sparse
items, all of which are near the same addresses.

D. J. Willshaw, O. P. Buneman and H. C. Longuet-Higgins, "Non-holographic associative memory", Nature 222:960 (1969).
G. Palm, "On associative memory", Biol. Cybern. 36:19 (1980).
"""

import math
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sparsecode.sdr import (
    BCPNN,
    DenseAssociativeMemory,
    KanervaMemory,
    MacrocolumnMemory,
    WillshawMemory,
    random_codes,
    random_sdrs,
    subsample,
    to_dense,
)

Q, K, DENSE, SEEDS, CUES = 12, 50, 256, (0, 1, 2), 100
F = Q * K
warnings.filterwarnings("ignore", message=".* items are stored")  # more than fit, on purpose


def bits_of(values):
    """Bits of an integer that takes all values from the least to the largest."""
    return math.ceil(math.log2(int(values.max()) - int(values.min()) + 1))


def synapse_bits(memory):
    """Bits of the synapses; of symmetric ones half."""
    if isinstance(memory, MacrocolumnMemory):
        return memory.weights_.size
    if isinstance(memory, KanervaMemory):
        return memory.counters_.size * bits_of(memory.counters_)  # its addresses are random and fixed
    n_pairs = memory.n_features_in_ * (memory.n_features_in_ - 1) / 2
    if isinstance(memory, WillshawMemory):
        return n_pairs
    if isinstance(memory, BCPNN):
        return n_pairs * bits_of(np.triu(memory.counts_, 1))
    signs = 2 * memory.rows_.astype(int) - 1
    return n_pairs * bits_of(np.triu(signs.T @ signs, 1))


def information(X, recalled, unknown):
    """Mean bits that the recalled features tell about the unknown ones of an item."""
    joint = np.array([[((a == X) & (recalled == b))[unknown].mean() for b in (0, 1)] for a in (0, 1)])
    product = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
    occurs = joint > 0
    return (joint[occurs] * np.log2(joint[occurs] / product[occurs])).sum() * unknown.sum() / len(X)


def sparse_items(n, seed):
    """Items, cues for the first of them, and what the cues leave open."""
    codes = random_codes(n, Q, K, random_state=seed)
    cues = to_dense(subsample(codes[:CUES], Q // 2, n_units=K, random_state=seed), n_units=K)
    return to_dense(codes, n_units=K), cues, ~cues


def dense_items(n, seed):
    """The same for dense items; features that are drawn anew are wrong half of the time."""
    X = random_sdrs(n, DENSE, DENSE // 2, random_state=seed)
    unknown = random_sdrs(len(X[:CUES]), DENSE, DENSE // 4, random_state=seed + 100)
    return X, X[:CUES] ^ (unknown & (np.random.default_rng(seed).random(unknown.shape) < 0.5)), unknown


def measure(make, items, n):
    """Share of the items that are completed without an error, and information for each bit of synapses."""
    found = []
    for seed in SEEDS:
        X, cues, unknown = items(n, seed)
        memory = make(seed).fit(X)
        recalled = memory.recall(cues)
        right = (recalled == X[: len(cues)]).all(axis=1).mean()
        found.append([right, n * information(X[: len(cues)], recalled, unknown) / synapse_bits(memory)])
    return np.mean(found, axis=0)


SPARSE = {
    "Willshaw": (lambda seed: WillshawMemory(), "#0072b2"),
    "macrocolumn": (lambda seed: MacrocolumnMemory(15, 20, random_state=seed), "#d55e00"),
    "BCPNN": (lambda seed: BCPNN(K), "#009e73"),
    "Kanerva": (lambda seed: KanervaMemory(300, random_state=seed), "#cc79a7"),
}
DENSE_ONES = {
    "Hopfield": (lambda seed: DenseAssociativeMemory(2), "#e69f00"),
    "Kanerva": (lambda seed: KanervaMemory(300, random_state=seed), "#cc79a7"),
    "Willshaw": (lambda seed: WillshawMemory(), "#0072b2"),
}

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")
for name, (make, colour) in SPARSE.items():
    counts = np.array([100, 200, 300, 400, 500, 600, 800, 1000, 1300, 1600, 2000, 2500, 3000])
    complete, efficiency = np.array([measure(make, sparse_items, n) for n in counts]).T
    left.plot(counts, complete, "o-", color=colour, markersize=3, label=name)
    middle.plot(counts, efficiency, "o-", color=colour, markersize=3, label=name)
    whole = np.interp(-0.9, -complete, counts) if complete.max() > 0.9 else 0
    print(f"sparse items, {name}: {whole:.0f} items of which 90 % are completed without an error")
    print(f"sparse items, {name}: at most {efficiency.max():.3f} bits a bit, {counts[efficiency.argmax()]} items")
X, cues, unknown = sparse_items(CUES, 0)
listed = information(X, X, unknown) / (Q * math.log2(K))
print(f"sparse items, list of active features: {listed:.3f} bits a bit")
for name, (make, colour) in DENSE_ONES.items():
    counts = np.array([5, 10, 15, 20, 30, 40, 60, 80, 110])
    _, efficiency = np.array([measure(make, dense_items, n) for n in counts]).T
    right.plot(counts, efficiency, "o-", color=colour, markersize=3, label=name)
    print(f"dense items, {name}: at most {efficiency.max():.4f} bits a bit, {counts[efficiency.argmax()]} items")
print("dense items, list of all features: 0.25 bits a bit")

left.set(xlabel="stored items", ylabel="items completed without an error", title="sparse items, half of the ones shown")
middle.axhline(listed, color="0.5", linestyle="--", linewidth=0.8)
middle.text(3000, listed, "list", ha="right", va="bottom", fontsize=8, color="0.3")
middle.set(title="information added to the cue", ylim=(0, 1))
right.set(title="dense items (a list: 0.25)", ylim=0)
for axis in (middle, right):
    axis.set(xlabel="stored items", ylabel="bits for each bit of synapses")
for axis in (left, middle, right):
    axis.legend(frameon=False, fontsize=8, loc="upper right")

name = "plot_associative_memories.png"
figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else name, dpi=120)
