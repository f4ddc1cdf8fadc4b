"""
Beyond l1: coders at matched sparsity
=====================================

How much of a patch do codes explain, if all methods may use the same mean number of units? Each method codes the same
test patches with weights that make 1.5, 3 and 5 per cent of 288 units active: with atoms that all share, learned with
CEL0; with atoms that each learns for itself, in three epochs over the same patches, from those that l1 has learned in
three (half and MCP, which take longest, share only); and with atoms learned from noise by the method alone (given
first atoms, `SparseCoder` does not begin with l1). Debiased codes keep the support of a code and take its weights from
least squares: what they gain was shrinkage, and what is left between methods is which units they choose.

The numbers to look at: the pooled error of soft thresholding (l1) over that of CEL0, 2.6, 3.5 and 4.4 with shared
atoms and with own ones; over that of its own debiased codes it is 1.7 to 2.2, so that 0.7 of the difference is
shrinkage. From noise CEL0 learns slowly, and the ratios are 2.3, 2.8 and 3.4. Rentzeperis, Calatroni, Perrinet and
Prandi, "Beyond l1 sparse coding in V1", PLoS Comput. Biol. 19(9) (2023), report about five for 16 x 16 patches and
500 units, with inference that stops early and without debiasing; benchmarks/beyond_l1.py has that size.

Hard thresholding as in the study (forward-backward splitting from zero) admits units by its step, see
plot_step_dependence.py; minimising the same objective by single best replacement is CEL0 here. Test patches are
others of the same photographs; from parts of them that were held out the ratios with own atoms are 2.6, 3.4 and 4.2.
Bars and bands: least and largest over seeds, each with patches of its own. The ratios above were measured with three
seeds, 6000 patches to learn from and 1000 to measure (each seed within 3.5 per cent of the mean), which takes four
times as long as the one seed here, whose ratios are up to 5 per cent smaller.
"""

import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from sparsecode import PatchExtractor, SparseCoder, Whitener
from sparsecode.coding import compare_coders
from sparsecode.datasets import natural_images

LEVELS, N_ATOMS, EPOCHS = [0.015, 0.03, 0.05], 288, 3
N_TRAIN, N_TEST, SEEDS = 5000, 800, 1  # 6000, 1000 and 3 for the numbers in the text

warnings.filterwarnings("ignore", "codes of L0")  # their step: see above
images = Whitener().fit_transform(natural_images())
common = {"max_iter": EPOCHS, "tol": 0, "n_jobs": -1}
METHODS = {
    "soft": SparseCoder(penalty="l1", **common),
    "half": SparseCoder(penalty="l1/2", encode_tol=1e-2, **common),
    "hard, splitting": SparseCoder(penalty="l0", solver="forward-backward", encode_tol=1e-2, **common),
    "MCP": SparseCoder(penalty="mcp", encode_tol=1e-2, **common),
    "OMP, fixed number": SparseCoder(n_nonzero_coefs=1, solver="omp", **common),
    "OMP, while it pays": SparseCoder(penalty="l0", solver="omp", **common),
    "CEL0": SparseCoder(penalty="cel0", **common),
}
COLOURS = dict(zip(METHODS, ["#d55e00", "#cc79a7", "#999999", "#56b4e9", "#e69f00", "#0072b2", "#000000"], strict=True))


def compare(names, seed, **how):
    """Compare some methods on the patches of one seed."""
    cutter = PatchExtractor(12, n_patches=N_TRAIN + N_TEST, center=True, random_state=seed)
    train, test = np.split(cutter.fit_transform(images), [N_TRAIN])
    settings = {"target_sparsity": LEVELS, "n_components": N_ATOMS, "seeds": seed}
    return compare_coders({name: METHODS[name] for name in names}, train, test, **settings, **how)


noise = np.random.default_rng(0).standard_normal((N_ATOMS, 144))
start = SparseCoder(penalty="l1", target_sparsity=0.03, **common)
learner = SparseCoder(penalty="cel0", target_sparsity=0.03, **common)
quick = [name for name in METHODS if name not in ("half", "MCP")]
kinds = {
    "shared atoms": (list(METHODS), {"dictionary": learner, "init": start}),
    "own atoms, from those of l1": (quick, {"init": start}),
    "own atoms, from noise": (["soft", "CEL0"], {"init": noise}),
}
tables = {
    kind: xr.concat([compare(names, seed, **how) for seed in range(SEEDS)], "seed")
    for kind, (names, how) in kinds.items()
}


def spread(values):
    """Return the mean over seeds with the least and the largest, in words."""
    return f"{values.mean():.2f} ({values.min():.2f} to {values.max():.2f})"


figure, axes = plt.subplots(2, 2, figsize=(10, 8), layout="constrained")
bars = axes[1, 1]
for ax, (kind, table) in zip(axes.flat, tables.items(), strict=False):
    print(f"{kind}:")
    for name in table.coder.values:
        part, colour = table.sel(coder=name), COLOURS[name]
        x, y = 100 * part.active_fraction.mean("seed"), part.relative_error
        ax.plot(x, y.mean("seed"), "o-", color=colour, markersize=4, label=name)
        ax.fill_between(x, y.min("seed"), y.max("seed"), color=colour, alpha=0.2, linewidth=0)
        errors = ", ".join(f"{error:.3f}" for error in y.mean("seed").values)
        print(f"  {name}: error {errors}; debiased "
              + ", ".join(f"{error:.3f}" for error in part.debiased_error.mean("seed").values))  # fmt: skip
    soft = table.sel(coder="soft")
    ax.plot(100 * soft.active_fraction.mean("seed"), soft.debiased_error.mean("seed"), "s--",
            color=COLOURS["soft"], markersize=4, label="soft, debiased")  # fmt: skip
    ax.set(xlabel="active units [%]", ylabel="relative error, pooled", title=kind, yscale="log", ylim=(0.03, 0.7))
    ax.set_yticks([0.05, 0.1, 0.2, 0.5], ["0.05", "0.1", "0.2", "0.5"])
    ax.minorticks_off()
    ax.spines[["top", "right"]].set_visible(False)
axes[0, 0].legend(frameon=False, fontsize=8, loc="lower left", borderpad=0)

hatches = dict(zip(tables, [None, "//", ".."], strict=True))
for number, (kind, table) in enumerate(tables.items()):
    soft, best = table.sel(coder="soft"), table.sel(coder="CEL0").relative_error
    ratios = {"soft": soft.relative_error / best, "soft, debiased": soft.debiased_error / best}
    shrinkage = (soft.relative_error - soft.debiased_error) / (soft.relative_error - best)
    for (name, ratio), colour in zip(ratios.items(), ["#d55e00", "#f0b48c"], strict=True):
        middle = ratio.mean("seed")
        reach = np.abs(np.stack([ratio.min("seed") - middle, ratio.max("seed") - middle]))
        look = {"color": colour, "hatch": hatches[kind], "edgecolor": "k", "label": f"{name}, {kind}"}
        bars.bar(np.arange(len(LEVELS)) + 0.27 * (number - 1), middle, 0.25, yerr=reach, **look)
        for level in LEVELS:
            print(f"{kind}, {100 * level:g} % active, {name} over CEL0: {spread(ratio.sel(level=level))}")
    print(f"{kind}, share of shrinkage in the difference: {spread(shrinkage)}")
bars.axhline(1, color="k", linewidth=0.8)
bars.axhline(5, color="0.5", linestyle=":")
bars.text(-0.45, 5.05, "published, 500 units, 16 x 16", fontsize=8, color="0.3")
bars.set_xticks(range(len(LEVELS)), [f"{100 * level:g}" for level in LEVELS])
bars.set(xlabel="active units [%]", ylabel="error of l1 / error of CEL0", ylim=(0, 8.4))
bars.legend(frameon=False, fontsize=7, loc="upper left", ncols=1)
bars.spines[["top", "right"]].set_visible(False)
figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_beyond_l1.png", dpi=120)
