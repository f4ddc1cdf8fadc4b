"""
Why dendrites spike at about ten active synapses
================================================

A dendrite needs 8 to 20 inputs close together, at about the same time, for an NMDA spike. Errors say why: over
populations of 1000 to 17 000 cells, 0.5 to 3 per cent of them active, and segments of 20 to 50 synapses, a threshold
below eight answers to random activity too often in the median (at seven 36 of 100 settings have rates below 1e-7,
at eight 58); one far above makes the segment miss patterns of which some cells are silent.

The number to look at: the median rate over all 210 settings at a threshold of 8, and the first threshold at which it is
below 1e-7. The band holds half of the settings. The other curve is the rate at which a segment of 30 synapses
misses a pattern of 128 cells, 40 per cent of which are silent.

After a figure of S. Ahmad and J. Hawkins, arXiv:1601.00720 (2016), whose values these are.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sparsecode.dendrites.theory import false_negative_rate, false_positive_rate, threshold_curve

thresholds = np.arange(3, 25)
median = threshold_curve(thresholds)
n = np.array([1000, 5000, 9000, 13_000, 17_000])[:, None, None]
a = np.round(np.array([0.005, 0.01, 0.015, 0.02, 0.025, 0.03])[:, None] * n)
rates = false_positive_rate(n, a, np.arange(20, 51, 5), thresholds[:, None, None, None]).reshape(len(thresholds), -1)
missed = false_negative_rate(128, 30, thresholds, 51)

figure, ax = plt.subplots(figsize=(7, 4.8), layout="constrained")
quartiles = np.maximum(np.quantile(rates, [0.25, 0.75], axis=1), 1e-60)  # some thresholds are never reached
ax.axvspan(8, 20, color="0.92", zorder=0)
ax.fill_between(thresholds, *quartiles, color="#0072b2", alpha=0.25, linewidth=0, label="half of the settings")
ax.semilogy(thresholds, rates.max(axis=1), ":", color="#0072b2", label="worst setting")
ax.semilogy(thresholds, median, color="#0072b2", label="false positives, median")
ax.semilogy(thresholds, missed, "--", color="#d55e00", label="false negatives, 40 % silent")
ax.text(14, 1.5, "observed thresholds", ha="center", fontsize=8)
ax.set(
    xlabel="threshold (active synapses)",
    ylabel="rate of errors",
    ylim=(1e-40, 30),
    xlim=(3, 24),
    xticks=range(4, 25, 2),
)
ax.legend(frameon=False, loc="lower left", fontsize=8)

print(f"median rate at a threshold of 8: {median[5]:.2e}")
print(f"first threshold with a median below 1e-7: {thresholds[np.argmax(median < 1e-7)]}")
print(f"misses with 40 % silent: threshold 8 {missed[5]:.1e}, 12 {missed[9]:.4f}, 16 {missed[13]:.3f}")

figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_nmda_threshold.png", dpi=150)
