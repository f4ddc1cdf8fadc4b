"""
Where is it? Numbers read from a film
=====================================

A spot of light wanders over 12 x 12 pixels, rests and wanders on, while the light changes; where it is, is to be read
from each frame. No sum of pixels gives that, since a brighter spot is no other place. Codes of atoms that rebuild
frames (`SparseCoder`) are no better for it than pixels. `TaskDrivenRegressor` moves the same atoms so that a ridge
regression of their codes errs less. `DeltaMLPRegressor` is a small network with one hidden layer, whose inputs are
rounded to steps beyond the noise, so that it gets little to do while the spot rests.

The numbers to look at: the error of the place in another film, the root of the mean square in pixels: 0.75 by pixels,
0.78 by codes of 36 atoms that rebuild, 0.50 by atoms that know what is asked. The network comes to 0.20, with 9 times
fewer products than it would take frame by frame.

The method of the atoms is that of J. Mairal, F. Bach and J. Ponce, "Task-driven dictionary learning", IEEE Trans.
Pattern Anal. Mach. Intell. 34(4) (2012); that of the network follows P. O'Connor and M. Welling, "Sigma delta
quantized networks", ICLR (2017). Films are made here; there are no published numbers for them.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline

from sparsecode import SparseCoder
from sparsecode.coding import TaskDrivenRegressor
from sparsecode.plot import mosaic
from sparsecode.temporal import DeltaMLPRegressor

SIDE, N_ATOMS, NOISE, SHOWN = 12, 36, 0.03, slice(200, 320)
rng = np.random.default_rng(0)


def film(n_frames):
    """Return frames as rows, and the place of the spot in each."""
    places, place = np.empty((n_frames, 2)), np.array([5.0, 5.0])
    goal = place.copy()
    for t in range(n_frames):
        if rng.random() < 0.1:
            goal = rng.uniform(1.5, SIDE - 2.5, 2)
        place = place + np.clip(goal - place, -0.7, 0.7)
        places[t] = place
    y, x = (np.exp(-0.5 * np.square((np.arange(SIDE) - places[:, [axis]]) / 1.2)) for axis in (0, 1))
    light = np.repeat(rng.uniform(0.4, 1.6, n_frames // 20 + 1), 20)[:n_frames]
    frames = light[:, None, None] * y[:, :, None] * x[:, None, :]
    return (frames + NOISE * rng.standard_normal(frames.shape)).reshape(n_frames, -1), places


X, y = film(3000)
X_test, y_test = film(1500)

# %%
coder = SparseCoder(
    N_ATOMS, target_sparsity=0.1, positive=True, max_iter=10, random_state=0, input_shape=(SIDE, SIDE)
).fit(X)
ridge = RidgeCV(np.logspace(-5, 3, 9))
models = {
    "pixels": ridge.fit(X, y),
    "atoms that rebuild": make_pipeline(coder, RidgeCV(ridge.alphas)).fit(X, y),
    "atoms that know": TaskDrivenRegressor(coder, max_iter=30, random_state=0).fit(X, y),
    "network": DeltaMLPRegressor(48, step=(1.0, 0.3), max_iter=60, tol=1e-3, random_state=0).fit(X, y),
}
found = {name: model.predict(X_test) for name, model in models.items()}
errors = {name: np.sqrt(np.square(places - y_test).mean()) for name, places in found.items()}
for name, error in errors.items():
    print(f"{name}: error {error:.2f} pixels")
counts = models["network"].to_network().ops_report(X_test)
print(f"network on changes: {counts.attrs['saving']:.1f} times fewer products")

# %%
figure = plt.figure(figsize=(13, 6), layout="constrained")
top, bottom = figure.subfigures(2, 1, height_ratios=[1, 1.1])
axes = top.subplots(1, 4, width_ratios=[1, 1, 1, 1.6])
axes[0].imshow(X_test[SHOWN.start].reshape(SIDE, SIDE), cmap="gray", interpolation="nearest")
axes[0].plot(*y_test[SHOWN][0, ::-1], "+", color="#d55e00", markersize=12)
axes[0].set_title("a frame, and where it is", fontsize=10)
axes[0].set_axis_off()
for ax, model, name in zip(
    axes[1:3], (coder, models["atoms that know"]), ("atoms that rebuild", "atoms that know"), strict=True
):
    mosaic(model.dictionary_, ax=ax)
    ax.set_title(name, fontsize=10)
colours = dict(zip(errors, ["0.6", "#e69f00", "#009e73", "#0072b2"], strict=True))
bars = axes[3].barh(list(errors), list(errors.values()), color=list(colours.values()))
axes[3].bar_label(bars, fmt=" %.2f")
axes[3].invert_yaxis()
axes[3].set(xlabel="error (pixels)", xlim=(0, 1.05 * max(errors.values()) + 0.1))
ax = bottom.subplots()
time = np.arange(SHOWN.start, SHOWN.stop)
ax.plot(time, y_test[SHOWN, 1], "k", linewidth=1.5, label="where it is")
for name, style in (("atoms that rebuild", ":"), ("atoms that know", "--"), ("network", "-")):
    ax.plot(time, found[name][SHOWN, 1], style, color=colours[name], label=name)
ax.set(xlabel="frame", ylabel="column (pixels)", xlim=(time[0], time[-1]))
ax.legend(frameon=False, ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1))
for axis in (axes[3], ax):
    axis.spines[["top", "right"]].set_visible(False)
figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_where_it_is.png", dpi=120)
