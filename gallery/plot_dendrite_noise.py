"""
Segments that bear noise
========================

Ten thousand segments, each with 30 synapses onto one pattern of 128 of 2048 active cells, and thresholds of 8, 12 and
16. Left: cells of the patterns are silent and others active in their place; how often do segments miss their own
pattern? Right: how often do they answer to other random patterns, of which there are ten thousand too? Lines are the
exact laws, markers are counts.

The numbers to look at: at a threshold of 12, half of a pattern may be gone and 7 % of the segments miss it. The
simulation of S. Ahmad and J. Hawkins (arXiv:1601.00720, data of the authors' repository, 10^8 trials) has 0.0716827
there, and 7.358e-4 and 0.582524 at thresholds of 8 and 16. False positives go the other way: with 8 one segment in two
thousand answers to what it does not know.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sparsecode.dendrites import DendriticSegmentDetector
from sparsecode.dendrites.theory import false_negative_rate, false_positive_rate
from sparsecode.sdr import add_noise, random_sdrs

N_CELLS, N_ACTIVE, N_SYNAPSES, N_PATTERNS, LEAST = 2048, 128, 30, 10_000, 6
PUBLISHED = {8: 7.358e-4, 12: 0.0716827, 16: 0.582524}
COLOURS = {8: "#0072b2", 12: "#009e73", 16: "#d55e00"}

patterns = random_sdrs(N_PATTERNS, N_CELLS, N_ACTIVE, sparse_output=True, random_state=0)
others = random_sdrs(N_PATTERNS, N_CELLS, N_ACTIVE, sparse_output=True, random_state=1)
detector = DendriticSegmentDetector(N_SYNAPSES, threshold=LEAST, output="graded", sparse_output=True, random_state=0)
synapses = detector.fit(patterns).dictionary_.atoms
silent = np.r_[np.arange(12, 61, 6), 64, np.arange(72, 121, 6)]
own = {}
for n_silent in silent:
    draws = range(2, 12 if n_silent == N_ACTIVE // 2 else 3)
    noisy = [add_noise(patterns, n_silent / N_ACTIVE, random_state=seed) for seed in draws]
    # Each segment is asked about its own pattern alone
    own[n_silent] = np.concatenate([synapses.multiply(rows).sum(axis=1) for rows in noisy])
beyond = np.bincount(detector.transform(others).data.astype(int), minlength=20)  # an overlap of LEAST counts 1
false = {LEAST + k - 1: beyond[k:].sum() / N_PATTERNS**2 for k in range(1, 20)}

print("threshold  missed at half  exact     published  false positives  exact")
for theta, published in PUBLISHED.items():
    missed, exact = (own[64] < theta).mean(), false_negative_rate(N_ACTIVE, N_SYNAPSES, theta, 64)
    by_law = false_positive_rate(N_CELLS, N_ACTIVE, N_SYNAPSES, theta)
    found = f"{false[theta]:.2e}" if false[theta] else "none"
    print(f"{theta:9d}  {missed:.6f}        {exact:.6f}  {published:.6f}   {found:15s}  {by_law:.2e}")

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
cells = np.arange(0, 121)
for theta, colour in COLOURS.items():
    left.plot(cells / N_ACTIVE, false_negative_rate(N_ACTIVE, N_SYNAPSES, theta, cells), color=colour)
    counted = [(own[n_silent] < theta).mean() for n_silent in silent]
    left.plot(silent / N_ACTIVE, counted, "o", color=colour, markersize=5, label=f"threshold {theta}")
left.set(
    xlabel="share of the pattern that is silent", ylabel="share of segments that miss it", title="own pattern, noisy"
)
left.legend(frameon=False)
thetas = np.arange(2, 19)
right.semilogy(thetas, false_positive_rate(N_CELLS, N_ACTIVE, N_SYNAPSES, thetas), color="0.4", label="exact")
shown = {theta: rate for theta, rate in false.items() if rate > 0}
right.plot(list(shown), list(shown.values()), "ko", markersize=5, label="counted in 10^8 pairs")
right.set(xlabel="threshold", ylabel="share of segments that answer", title="other patterns", ylim=(1e-14, 2))
right.legend(frameon=False)

figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_dendrite_noise.png", dpi=120)
