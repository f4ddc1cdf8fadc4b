"""
A film through a convolutional network that computes what has changed
=====================================================================

Three discs move before a photograph, in front of a camera that stands still, and of one that drifts by a pixel a frame;
both see noise. A network of two convolutions, oriented filters with rectified outputs and sums over these, gets only
the changes of its inputs beyond a threshold.

Numbers to look at: the share of all products that are left, and the error of outputs that this costs, the root of the
squared errors over the squared differences to the mean over time. Where the camera stands still, a threshold above the
noise leaves the products about the discs. Where it drifts, all that has contrast changes, and there is nothing to save
but at thresholds far above the noise: an image is computed anew when more than 40 % of it have changed.
`benchmarks/delta_video.py` does the same with real clips, and measures time.
"""

import matplotlib.pyplot as plt
import numpy as np

from sparsecode.datasets import drifting_images
from sparsecode.dictionary import Dictionary
from sparsecode.temporal import Activation, Conv2D, DeltaEncoder, DeltaNetwork

SHAPE, N_FRAMES, NOISE, SHOWN = (72, 108), 30, 0.005, 20

rng = np.random.default_rng(0)
theta, phase = np.repeat(np.arange(4) * np.pi / 4, 2), np.tile([0, np.pi / 2], 4)
gabors = Dictionary.gabor((5, 5), theta=theta, frequency=0.2, sigma_x=1.5, sigma_y=1.5, phase=phase).atoms
filters = (gabors - gabors.mean(axis=(1, 2), keepdims=True)).transpose(1, 2, 0)[:, :, None].astype(np.float32)
sums = (rng.normal(size=(3, 3, 8, 16)) / 8).astype(np.float32)
layers = [Conv2D(filters), Activation("relu"), Conv2D(sums)]

films = {
    name: drifting_images(N_FRAMES, SHAPE, speed=speed, n_objects=3, noise=NOISE, random_state=1)
    for name, speed in (("still camera", 0.0), ("drifting camera", 1.0))
}

# %%
# Thresholds of pixels in units of the noise; those of rectified units are the same multiple of what noise makes there.
multiples = [0, 2, 4, 6, 10]
gain = np.linalg.norm(filters.reshape(-1, 8), axis=0).mean()
results = {}
for name, film in films.items():
    X = film.reshape(N_FRAMES, -1)
    for multiple in multiples:
        limits = (multiple * NOISE, multiple * NOISE * gain)
        network = DeltaNetwork(layers, threshold=limits, scale="absolute", refresh_every=None, input_shape=SHAPE).fit(
            X[:2]
        )
        counts = network.count_operations(X)
        share, error = 1 / counts.attrs["saving"], np.sqrt(counts.attrs["error"])
        results[name, multiple] = share, error
        sent = ", ".join(f"{density:.1%}" for density in counts["density"].values)
        print(f"{name}, {multiple} times the noise: {share:.1%} of the products, error {error:.3f}, inputs sent {sent}")

# %%
figure, axes = plt.subplots(2, 3, figsize=(11, 5.2), layout="constrained", width_ratios=(1, 1, 1.1))
for (name, film), row in zip(films.items(), axes, strict=True):
    row[0].imshow(film[SHOWN], cmap="gray", vmin=0, vmax=1)
    row[0].set_title(f"{name}, frame {SHOWN}", fontsize=10)
    rows = film.reshape(N_FRAMES, -1)
    events = DeltaEncoder(6 * NOISE).fit(rows).transform(rows)[SHOWN].reshape(SHAPE)
    row[1].imshow(events, cmap="RdBu_r", vmin=-0.3, vmax=0.3)
    row[1].set_title(f"what is sent, {(events != 0).mean():.0%} of the pixels", fontsize=10)
    for axis in row[:2]:
        axis.set_axis_off()
for axis, index, label in ((axes[0, 2], 0, "share of the products"), (axes[1, 2], 1, "error of outputs")):
    for name in films:
        axis.plot(multiples, [results[name, multiple][index] for multiple in multiples], "o-", label=name)
    axis.set(xlabel="threshold, in units of the noise", ylabel=label, ylim=(0, None))
axes[0, 2].legend(frameon=False)
figure.savefig("plot_delta_video.png", dpi=150)
