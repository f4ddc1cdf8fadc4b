"""
How many units does l1 need for the error of CEL0?
==================================================

More units make codes better at the same sparsity. Soft thresholding (l1) and CEL0 learn dictionaries of half to eight
times as many units as there are pixels, from the same atoms (of l1), with the same patches and epochs, and code the
same test patches. "The same sparsity" can mean two things, and the answer depends on it: the same share of units, so
that a patch may use eight times as many coefficients where there are eight times as many units, or the same number of
coefficients in a patch.

The numbers to look at: how many times as many units l1 has where it reaches the error of CEL0. At 3 per cent active
it is 2.5 to 2.7, and l1 then uses as many times more coefficients. At 4.3 coefficients a patch there is no such
number: the error of l1 stays at 0.47 to 0.48 from 72 to 1152 units. The more the atoms resemble each other, the
larger the weight that keeps all but 4.3 of them out, and the more it shrinks those; what more units gain (the debiased
error falls from 0.33 to 0.26) is lost again. Lines are means over seeds, each with patches of its own, bands the
least and the largest. Three seeds with 4000 patches to learn from, in four times the time, had factors of 2.53 to 2.69,
and errors of 0.45 to 0.49 at 4.3 coefficients; with 10 000 (one seed) errors are lower, and the factors 2.5, 2.6 and
2.6.

Rentzeperis, Calatroni, Perrinet and Prandi, "Beyond l1 sparse coding in V1", PLoS Comput. Biol. 19(9) (2023), report
about ten at the same sparsity, for 16 x 16 patches of other photographs: between the two. Their inference also ends
early, which makes codes of one weight denser than they are at the optimum.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from sparsecode import PatchExtractor, SparseCoder, Whitener
from sparsecode.coding import compare_coders
from sparsecode.datasets import natural_images

SIZES, EPOCHS = [72, 144, 288, 576, 1152], 3
N_TRAIN, N_TEST, SEEDS = 3000, 800, 1  # 4000, 800 and 3: see above

images = Whitener().fit_transform(natural_images())
settings = {"max_iter": EPOCHS, "tol": 0, "encode_tol": 1e-4, "n_jobs": -1}
methods = {"l1": SparseCoder(penalty="l1", **settings), "CEL0": SparseCoder(penalty="cel0", **settings)}
start = SparseCoder(penalty="l1", alpha=0.7, **settings)
levels = {"3 % of the units active": {"target_sparsity": 0.03}, "4.3 units active in a patch": {"mean_l0": 4.3}}
curves = {"l1": ("l1", "relative_error", "#d55e00", "o-"), "l1, debiased": ("l1", "debiased_error", "#d55e00", "s--"),
          "CEL0": ("CEL0", "relative_error", "#000000", "o-")}  # fmt: skip


def compare(seed, **level):
    """Compare both, for all numbers of units, on the patches of one seed."""
    cutter = PatchExtractor(12, n_patches=N_TRAIN + N_TEST, center=True, random_state=seed)
    train, test = np.split(cutter.fit_transform(images).astype(np.float32), [N_TRAIN])
    return compare_coders(methods, train, test, n_components=SIZES, init=start, seeds=seed, **level).isel(level=0)


def units_for(error, curve):
    """Return the number of units at which a curve of errors falls to `error`; nan beyond its ends."""
    return np.exp(np.interp(-np.log(error), -np.log(curve), np.log(SIZES), left=np.nan, right=np.nan))


def draw(ax, values, name, label=None):
    """Draw means over seeds, and a band from the least to the largest."""
    _, _, colour, style = curves[name]
    ax.plot(SIZES, values.mean(axis=0), style, color=colour, label=label or name, markersize=4)
    ax.fill_between(SIZES, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.25, linewidth=0)


def spread(values, digits):
    """Return means over seeds with the least and the largest, in words."""
    return ", ".join(f"{v.mean():.{digits}f} ({v.min():.{digits}f} to {v.max():.{digits}f})" for v in values.T)


figure, axes = plt.subplots(1, 3, figsize=(13, 4.3), layout="constrained", width_ratios=[1, 1, 0.9])
for ax, (kind, level) in zip(axes, levels.items(), strict=False):
    table = xr.concat([compare(seed, **level) for seed in range(SEEDS)], "seed").transpose("coder", "seed", ...)
    errors = {name: table[measure].sel(coder=method).values for name, (method, measure, *_) in curves.items()}
    for name in curves:
        draw(ax, errors[name], name)
        print(f"{kind}, {name}: error {spread(errors[name], 3)}")
    ax.set(xlabel="units", title=kind, ylim=(0, 0.9))
    for name in ("l1", "l1, debiased"):
        pairs = zip(errors["CEL0"], errors[name], strict=True)
        factors = np.array([units_for(*pair) for pair in pairs]) / SIZES
        reached, bounds = np.isfinite(factors).all(axis=0), SIZES[-1] / np.array(SIZES)
        words = zip(reached, bounds, spread(factors, 2).split(", "), strict=True)
        print(f"{kind}, units of {name} over units of CEL0: "
              + ", ".join([text if known else f"> {bound:g}" for known, bound, text in words][:-1]))  # fmt: skip
        if reached.any() and "patch" not in kind:
            draw(axes[2], np.where(reached, factors, np.nan), name, f"{name}, {kind}")
    if "patch" in kind:
        print(f"{kind}, weights of l1: {spread(table.alpha.sel(coder='l1').values, 2)}")
axes[2].fill_between(SIZES, SIZES[-1] / np.array(SIZES), 24, color="0.92", linewidth=0)
axes[2].text(560, 14, "more than 1152 units:\n4.3 units active in a patch", fontsize=9, ha="center", va="center")
axes[2].axhline(10, color="0.5", linestyle="--", linewidth=0.8)
axes[2].text(SIZES[0], 8.6, "published,\n16 x 16", fontsize=8, color="0.3", va="center")
axes[2].set(
    xlabel="units of CEL0", ylabel="units of l1 for the same error / units of CEL0", yscale="log", ylim=(0.9, 24)
)
axes[2].set_yticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
axes[0].set_ylabel("relative error, pooled")
axes[0].legend(frameon=False)
axes[2].legend(frameon=False, fontsize=9, loc="center", bbox_to_anchor=(0.4, 0.45))
for ax in axes:
    ax.set_xscale("log")
    ax.set_xticks(SIZES, [f"{size}\n{size / 144:g}x" for size in SIZES])
    ax.minorticks_off()
    ax.spines[["top", "right"]].set_visible(False)
figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_units_needed.png", dpi=120)
