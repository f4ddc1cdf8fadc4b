"""
Spikes that solve the LASSO
===========================

Integrate-and-fire neurons are driven by a patch through their receptive fields, and inhibit each other with spikes by
how much these overlap. Their rates settle at the code with the least 0.5 ||x - w D||^2 + alpha ||w||_1, which is found
exactly by an active set. A rate is a whole number over the time that spikes are counted, so errors of rates fall like
one over that time, and the objective, which is flat at its minimum, like one over its square.

Left: rates against exact codes of natural patches after 100 time constants of the synapses. Right: how far the
objective is above its minimum. Number to look at: that excess after 100 time constants.
"""

import matplotlib.pyplot as plt
import numpy as np

from sparsecode import PatchExtractor, SparseCoder, Whitener
from sparsecode.datasets import natural_images
from sparsecode.solvers import objective
from sparsecode.temporal import SpikingLCA

images = Whitener().fit_transform(natural_images())
patches = PatchExtractor(8, n_patches=10_000, center=True, random_state=0).fit_transform(images)
coder = SparseCoder(128, target_sparsity=0.05, max_iter=3, random_state=0).fit(patches)
shown = patches[:200]

# %%
exact = SparseCoder(dictionary=coder.dictionary_, alpha=coder.alpha_, encode_tol=1e-8).fit(shown)
codes = exact.transform(shown)
least = objective(shown, coder.components_, codes, exact.penalty_).sum()
durations = [5, 10, 20, 50, 100, 200]
excess, rates = [], {}
for duration in durations:
    neurons = SpikingLCA(coder.dictionary_, alpha=coder.alpha_, duration=duration, dt=0.02, n_jobs=-1).fit(shown)
    rates[duration] = neurons.transform(shown)
    excess.append(objective(shown, coder.components_, rates[duration], exact.penalty_).sum() / least - 1)
    error = np.square(rates[duration] - codes).sum() / np.square(codes).sum()
    print(f"{duration} time constants: objective above its minimum by {excess[-1]:.4f}, error of codes {error:.4f}")
print(f"active coefficients of exact codes: {(codes != 0).mean():.3f}")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
left.plot(codes.ravel(), rates[100].ravel(), ".", markersize=2)
left.axline((0, 0), slope=1, color="0.6", linewidth=1)
left.set(xlabel="exact code", ylabel="rate after 100 time constants")
right.loglog(durations, excess, "o-")
right.loglog(durations, excess[-1] * (durations[-1] / np.array(durations)) ** 2, "--", color="0.6", label="1 / time^2")
right.set(xlabel="time constants", ylabel="objective above its minimum, relative")
right.legend(frameon=False)
figure.savefig("plot_spiking_lca.png", dpi=150)
