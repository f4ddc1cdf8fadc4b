"""
Rates of spikes, rectified units and changes
============================================

A neuron without a leak that integrates a current, and loses a threshold with each spike, fires at a rate that is the
current, rectified, in steps of one over the time it is watched. A delta encoder that quantizes to the same levels has
the same value at its receiver. But the neuron goes on to send spikes for as long as the current lasts, and the encoder
sends once, when something changes.

Left: rates of neurons in 8 steps against the current, and the rectified unit. Right: events that both send of a signal
that stands still between jumps, added up. Numbers to look at: the largest error, which is 1/16, and the events.
"""

import matplotlib.pyplot as plt
import numpy as np

from sparsecode.temporal import DeltaEncoder, IntegrateAndFire

N_STEPS = 8

# %%
# A rectified unit in steps
# -------------------------
currents = np.linspace(-0.5, 1.0, 601)
X = np.repeat(currents[None], N_STEPS, axis=0)
rates = IntegrateAndFire(None, dt=1.0, initial="half").fit_transform(X).mean(axis=0)
error = np.abs(rates - np.maximum(currents, 0)).max()
print(f"largest error of rates in {N_STEPS} steps: {error:.4f}")

# %%
# What a signal costs that stands still
# -------------------------------------
rng = np.random.default_rng(0)
signal = np.repeat(rng.random((20, 50)), 16, axis=0)
spikes = IntegrateAndFire(None, dt=1.0, initial="half").fit_transform(signal)
deltas = DeltaEncoder(0.5 / N_STEPS, scheme="quantizer").fit_transform(signal)
steps = np.abs(deltas) * N_STEPS
print(f"spikes a channel and frame: {spikes.mean():.3f}")
print(f"changes a channel and frame: {(deltas != 0).mean():.3f}, in steps of 1/{N_STEPS}: {steps.mean():.3f}")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
left.plot(currents, rates, label=f"rate in {N_STEPS} steps")
left.plot(currents, np.maximum(currents, 0), color="0.6", linewidth=1, label="rectified unit")
left.set(xlabel="current, thresholds a step", ylabel="spikes a step")
left.legend(frameon=False)
right.plot(np.cumsum(spikes.mean(axis=1)), color="#0072b2", label="spikes")
right.plot(np.cumsum(steps.mean(axis=1)), "--", color="#d55e00", label=f"steps of 1/{N_STEPS} that are sent")
right.plot(np.cumsum((deltas != 0).mean(axis=1)), ":", color="#009e73", label="changes that are sent")
right.set(xlabel="frame", ylabel="events of a channel, added up")
right.legend(frameon=False)
figure.savefig("plot_rates_and_deltas.png", dpi=150)
