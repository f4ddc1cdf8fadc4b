"""
Layer by layer: where a network has nothing to do
=================================================

A network of all kinds of layers that `DeltaNetwork` runs looks at a film, two discs before a photograph and a camera
that stands still: a convolution (`Conv2D`), squares of pixels (`Pool2D`), a block with a way around it (`Residual`),
rows (`Flatten`) and a layer of all to all (`Dense`). Each layer with weights gets only those changes of its inputs
that exceed a threshold, here a fifth of their standard deviation. What stands between them is computed from their sums.

The numbers to look at: the share of its products that is left to each layer. Where nothing moves, noise costs nothing.
What moves spreads: an input of a convolution reaches 3 x 3 outputs, so that 5 per cent of the products are left to the
first layer, and 12 to 13 per cent to the last. Means of squares send a little less than their maxima, and the outputs,
which stay within 0.29 of their deviations (root of the mean square), are nearer to those of the network itself: 0.37
for maxima, which pass on what averages out in means. Films differ: in one of low contrast noise exceeds a fifth of a
deviation, and the first layer has the most to do (10, 3, 5 and 5 per cent).

Weights are random: what is measured is how changes spread, not what a network knows.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sparsecode.datasets import drifting_images
from sparsecode.temporal import Activation, Conv2D, DeltaNetwork, Dense, Flatten, Pool2D, Residual

SHAPE, N_FRAMES, NOISE, THRESHOLD = (48, 72), 40, 0.005, 0.2


def network(kind):
    """Return layers with random weights whose outputs are about as large as their inputs."""
    rng = np.random.default_rng(0)

    def convolution(n_in, n_out):
        weights = rng.standard_normal((3, 3, n_in, n_out)) * np.sqrt(2 / (9 * n_in))
        return Conv2D((weights - weights.mean(axis=(0, 1))).astype(np.float32))

    relu, n_rows = Activation("relu"), (SHAPE[0] // 4) * (SHAPE[1] // 4) * 16
    around = Residual([convolution(16, 16), relu, convolution(16, 16)])
    last = Dense((rng.standard_normal((n_rows, 10)) / np.sqrt(n_rows)).astype(np.float32))
    return [convolution(1, 16), relu, Pool2D(2, kind), around, relu, Pool2D(2, kind), Flatten(), last]


still, film = (
    drifting_images(N_FRAMES, SHAPE, speed=0.0, n_objects=n, noise=NOISE, random_state=1).reshape(N_FRAMES, -1)
    for n in (0, 2)
)

# %%
NAMES = ["convolution", "first of the block", "second of the block", "dense"]
shares = {}
for kind in ("max", "mean"):
    model = DeltaNetwork(network(kind), threshold=THRESHOLD, refresh_every=None, input_shape=SHAPE).fit(film)
    for name, frames in (("discs", film), ("nothing moves", still)):
        counts = model.ops_report(frames)
        shares[kind, name] = 100 * (counts["delta"] / counts["dense"]).values
        error = f", error of outputs {np.sqrt(counts.attrs['error']):.2f}" if frames is film else ""
        print(f"{kind}, {name}: {', '.join(f'{share:.1f}' for share in shares[kind, name])} % of the products{error}")

# %%
# What changes from one frame to the next, layer by layer: sums of the network itself before the second pooling.
t, layers = 20, network("mean")
change = np.abs(film[t] - film[t - 1])
pooled = [DeltaNetwork(layers[:3], input_shape=SHAPE).fit(film).dense(film[t - 1 : t + 1])]
pooled += [DeltaNetwork(layers[:5], input_shape=SHAPE).fit(film).dense(film[t - 1 : t + 1])]

figure = plt.figure(figsize=(11, 6), layout="constrained")
top, bottom = figure.subfigures(2, 1, height_ratios=[1, 1.2])
axes = top.subplots(1, 4)
axes[0].imshow(film[t].reshape(SHAPE), cmap="gray", vmin=0, vmax=1)
axes[0].set_title("a frame", fontsize=10)
axes[1].imshow(np.where(change > 4 * NOISE, change, 0).reshape(SHAPE), cmap="gray_r")
axes[1].set_title("change of pixels", fontsize=10)
for ax, rows, name in zip(axes[2:], pooled, ("after the first pooling", "after the block"), strict=True):
    maps = rows.reshape(2, SHAPE[0] // 2, SHAPE[1] // 2, 16)
    ax.imshow(np.abs(np.diff(maps, axis=0)[0]).mean(axis=-1), cmap="gray_r")
    ax.set_title(f"change {name}", fontsize=10)
for ax in axes:
    ax.set(xticks=[], yticks=[])

ax = bottom.subplots()
places = np.arange(len(NAMES))
for shift, kind, colour, hatch in ((-0.2, "max", "#d55e00", None), (0.2, "mean", "#0072b2", "//")):
    bars = ax.bar(
        places + shift,
        shares[kind, "discs"],
        0.38,
        color=colour,
        hatch=hatch,
        edgecolor="w",
        label=f"{kind} of squares",
    )
    ax.bar_label(bars, fmt="%.1f")
ax.set_xticks(places, NAMES)
ax.set(ylabel="products left (%)", ylim=(0, 15), title=f"thresholds of {THRESHOLD} standard deviations")
ax.legend(frameon=False, loc="upper left")
ax.spines[["top", "right"]].set_visible(False)
figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_delta_layers.png", dpi=120)
