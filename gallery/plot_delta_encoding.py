"""
What a receiver of changes believes
===================================

A channel that sends changes only can be off by what it did not send. If it compares each input with the one before,
what is below the threshold is lost for ever, and the receiver drifts away. If it compares with what the receiver has,
errors never exceed the threshold: the feedback is all that matters, whether changes are sent as they are, in steps, or
as spikes of one size.

Left: a random walk (steps of standard deviation 0.02) and what receivers have, with a threshold of 0.1. Right: error
and share of events against the threshold; lines are the theory for small steps, threshold / sqrt(6) and (0.02 /
threshold)^2. Numbers to look at: the largest errors.
"""

import matplotlib.pyplot as plt
import numpy as np

from sparsecode.temporal import DeltaEncoder

STEP, THRESHOLD = 0.02, 0.1

rng = np.random.default_rng(0)
X = np.cumsum(STEP * rng.standard_normal((20_000, 20)), axis=0)

# %%
# The schemes
# -----------
SCHEMES = {
    "difference": "differences to the input before",
    "level": "send on delta",
    "integral": "also when errors add up",
    "unary": "spikes of one size",
    "quantizer": "nearest level",
}

received = {}
for scheme, name in SCHEMES.items():
    encoder = DeltaEncoder(THRESHOLD, scheme=scheme).fit(X)
    events = encoder.transform(X)
    received[name] = encoder.inverse_transform(events)
    error = X - received[name]
    print(
        f"{name}: largest error {np.abs(error).max():.3f}, root mean square {np.sqrt(np.square(error).mean()):.4f}, "
        f"events in {(events != 0).mean():.2%} of the entries"
    )

# %%
# Error and events against the threshold
# --------------------------------------
thresholds = np.geomspace(0.01, 1.0, 13)
errors, shares = [], []
for threshold in thresholds:
    encoder = DeltaEncoder(threshold).fit(X)
    events = encoder.transform(X)
    errors.append(np.sqrt(np.square(X - encoder.inverse_transform(events)).mean()))
    shares.append((events != 0).mean())

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
shown = slice(0, 1500)
left.plot(X[shown, 0], color="0.7", linewidth=3, label="input")
for name in ("differences to the input before", "send on delta"):
    left.plot(received[name][shown, 0], linewidth=1, label=name)
left.set(xlabel="row", ylabel="value")
left.legend(frameon=False)

right.loglog(thresholds, errors, "o", color="C0", label="root mean square error")
right.loglog(thresholds, thresholds / np.sqrt(6), color="C0", linewidth=1)
right.loglog(thresholds, shares, "s", color="C1", label="share of events")
right.loglog(thresholds, np.minimum(1, (STEP / thresholds) ** 2), color="C1", linewidth=1)
right.set(xlabel="threshold")
right.legend(frameon=False)
figure.savefig("plot_delta_encoding.png", dpi=150)
