"""
How few synapses suffice
========================

A dendritic segment with 20 or 30 synapses sees a tiny part of a population of thousands of cells, and yet recognises a
pattern of them: by accident, half of its synapses are hardly ever active together, if activity is sparse and the
population large. Left: the rate of false positives falls with the power of the threshold as cells are added, at a fixed
number of active ones; with a quarter of the cells active no number of cells helps. Middle: it falls exponentially with
the synapses. Right: the price. The lower the threshold, the more cells of a pattern may be silent before it is missed.

The number to look at: the slope with the population, -12 for a threshold of 12; and the share of a pattern that may be
lost at 1 % misses. Points are shares of 200 000 (right: 20 000) overlaps drawn from their law. Rates are for random
patterns: real activity is not, and they are then a floor.

After figures of S. Ahmad and J. Hawkins, arXiv:1601.00720 (2016). The curve that they call "half of the cells" is
one of a quarter of them, as shown here: with half, the rate is 0.58.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sparsecode.dendrites.theory import false_negative_rate, false_positive_rate, max_noise

COLOURS, TRIALS = ["#0072b2", "#009e73", "#d55e00"], 200_000
rng = np.random.default_rng(0)
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")

cells = np.arange(300, 20_001, 100)
for a, colour in zip((64, 128, 256), COLOURS, strict=True):
    left.semilogy(cells, false_positive_rate(cells, a, 24, 12), color=colour, label=f"{a} active")
    hits = rng.hypergeometric(24, cells[:8, None] - 24, a, (8, TRIALS))
    simulated = (hits >= 12).mean(axis=1)
    left.semilogy(cells[:8][simulated > 0], simulated[simulated > 0], "o", color=colour, markersize=3)
    low, high = false_positive_rate([10_000, 20_000], a, 24, 12, log=True)
    print(f"slope with the population, {a} active: {(high - low) / np.log(2):.2f}")
left.semilogy(cells, false_positive_rate(cells, cells // 4, 24, 12), "k--", label="a quarter active")
print(f"a quarter of 20 000 cells active: {false_positive_rate(20_000, 5000, 24, 12):.4f}; ", end="")
print(f"half of them: {false_positive_rate(20_000, 10_000, 24, 12):.2f}")
left.set(xlabel="cells n", ylabel="rate of false positives", ylim=(1e-26, 3), title="24 synapses, threshold 12")

synapses = np.arange(2, 51, 2)
for (n, a), style in zip(((2000, 32), (4000, 32), (16_000, 256), (16_000, 4000)), ("-", "--", ":", "-."), strict=True):
    middle.semilogy(
        synapses, false_positive_rate(n, a, synapses, synapses // 2), f"k{style}", label=f"{a} of {n} active"
    )
print(f"30 synapses, 32 of 2000 active: {false_positive_rate(2000, 32, 30, 15):.2e}")
middle.set(xlabel="synapses s", ylim=(1e-42, 3), title="threshold s / 2")

silent = np.arange(129)
for theta, colour in zip((8, 12, 16), COLOURS, strict=True):
    right.plot(silent / 128, false_negative_rate(128, 30, theta, silent), color=colour, label=f"threshold {theta}")
    left_over = rng.hypergeometric(30, 98, 128 - silent[::8, None], (17, 20_000))
    right.plot(silent[::8] / 128, (left_over < theta).mean(axis=1), "o", color=colour, markersize=3)
    lost = max_noise(128, 30, theta, 0.01)
    print(f"threshold {theta}: {lost / 128:.0%} of the pattern may be silent at 1 % misses")
right.set(xlabel="silent share of the pattern", ylabel="rate of false negatives", title="30 of 128 cells of a pattern")
for ax in (left, middle, right):
    ax.legend(frameon=False, fontsize=8)

figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_dendrite_scaling.png", dpi=150)
