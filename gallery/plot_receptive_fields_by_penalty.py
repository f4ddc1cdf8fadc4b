"""
Receptive fields by penalty
===========================

Atoms that four penalties learn from the same patches in the same number of epochs, at 3 per cent of 288 units active,
and what kinds of receptive fields they are: blobs, oriented Gabor functions, gratings with many bars, learned fields
that no Gabor function describes, and unlearned noise (thresholds in `classify_receptive_fields`, which are ours and
no standard).

The numbers to look at: the share of each class, the medians of nx and ny (size of a receptive field in periods, along
and across its modulation), and the median circular variance of orientation tuning, of the atoms alone and of the
whole coder, whose units compete. D. L. Ringach, J. Neurophysiol. 88 (2002) found that simple cells of macaques are
well described by Gabor functions and that codes learned from images have more subfields than cells and miss broadly
tuned, low-pass ones; only this qualitative statement is compared: an l0-type penalty moves atoms towards the origin
of the nx-ny plane. That such penalties make receptive fields of more kinds is the statement of Rentzeperis,
Calatroni, Perrinet and Prandi, "Beyond l1 sparse coding in V1", PLoS Comput. Biol. 19(9) (2023), and of M. Rehn and
F. T. Sommer, J. Comput. Neurosci. 22 (2007).
"""

import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sparsecode import PatchExtractor, SparseCoder, Whitener
from sparsecode.datasets import natural_images
from sparsecode.plot import mosaic
from sparsecode.receptive_fields import describe_receptive_fields
from sparsecode.receptive_fields.classes import CLASSES

SIZE, N_ATOMS, ACTIVE, EPOCHS = 12, 288, 0.03, 4

warnings.filterwarnings("ignore", "codes of L0")  # of hard thresholding the step decides what enters
images = Whitener().fit_transform(natural_images())
X = PatchExtractor(SIZE, n_patches=12_000, center=True, random_state=0).fit_transform(images)
penalties = {
    "soft (l1)": {"penalty": "l1"},
    "half (l1/2)": {"penalty": "l1/2", "encode_tol": 1e-2},
    "hard (l0), by splitting": {"penalty": "l0", "solver": "forward-backward", "encode_tol": 1e-2},
    "CEL0": {"penalty": "cel0"},
}
COLOURS = dict(zip(penalties, ["#d55e00", "#cc79a7", "#999999", "#000000"], strict=True))
GREYS = dict(zip(CLASSES, ["#0072b2", "#009e73", "#f0e442", "#cccccc", "#d55e00"], strict=True))

figure = plt.figure(figsize=(13, 7.2), layout="constrained")
top, bottom = figure.subfigures(2, 1, height_ratios=[1.25, 1])
mosaics = top.subplots(1, len(penalties))
shares_ax, plane, variance = bottom.subplots(1, 3, width_ratios=[1.3, 1, 1.2])
for row, (name, settings) in enumerate(penalties.items()):
    coder = SparseCoder(N_ATOMS, target_sparsity=ACTIVE, max_iter=EPOCHS, tol=0, n_jobs=-1, random_state=0, **settings)
    atoms = coder.fit(X).components_
    table = describe_receptive_fields(atoms, (SIZE, SIZE), coder=coder, contrast=np.sqrt(2 * X.var()), n_jobs=-1)
    classes = table.receptive_field_class.values
    shares = {kind: (classes == kind).mean() for kind in CLASSES}
    well = table.isel(atom=((table.fvu < 0.3) & table.in_nx_ny_plane).values)
    tuned = table.circular_variance.median("atom")
    silent = table.circular_variance.sel(response="coder").isnull().mean().item()
    print(f"{name}: " + ", ".join(f"{kind} {100 * share:.1f} %" for kind, share in shares.items()))
    print(f"{name}: median nx {well.nx.median():.3f}, ny {well.ny.median():.3f}; circular variance of atoms "
          f"{tuned.sel(response='linear'):.3f}, of the coder {tuned.sel(response='coder'):.3f}, "
          f"silent to gratings {100 * silent:.1f} %")  # fmt: skip
    order = np.lexsort((table.fvu, [CLASSES.index(kind) for kind in classes]))
    mosaic(atoms[order[:: len(order) // 96]][:96], (SIZE, SIZE), n_columns=10, ax=mosaics[row]).set_title(
        name, fontsize=10
    )
    left = 0.0
    for kind, share in shares.items():
        shares_ax.barh(row, 100 * share, left=left, color=GREYS[kind], edgecolor="w", label=kind if row == 0 else None)
        left += 100 * share
    plane.scatter(well.nx, well.ny, s=6, color=COLOURS[name], alpha=0.35, linewidth=0)
    plane.plot(well.nx.median(), well.ny.median(), "X", color=COLOURS[name], markeredgecolor="w", markersize=10)
    for response, dash in (("linear", ":"), ("coder", "-")):
        values = np.sort(table.circular_variance.sel(response=response).dropna("atom"))
        label = name if response == "coder" else None
        variance.plot(values, np.linspace(0, 100, len(values)), dash, color=COLOURS[name], label=label)
shares_ax.set_yticks(range(len(penalties)), list(penalties))
shares_ax.invert_yaxis()
shares_ax.set(xlabel="share of units [%]", xlim=(0, 100))
shares_ax.legend(frameon=False, fontsize=8, ncols=5, loc="lower center", bbox_to_anchor=(0.5, 1.0), columnspacing=0.8)
plane.axline((0, 0), slope=1, color="0.8", linewidth=1, zorder=0)
plane.set(xlabel="nx, along the modulation [periods]", ylabel="ny, across it [periods]", xlim=(0, 0.8), ylim=(0, 1.2))
variance.set(xlabel="circular variance (dotted: atoms alone)", ylabel="units below [%]", xlim=(0, 1), ylim=(0, 100))
variance.legend(frameon=False, fontsize=8, loc="lower right")
for ax in (shares_ax, plane, variance):
    ax.spines[["top", "right"]].set_visible(False)
name = "plot_receptive_fields_by_penalty.png"
figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else name, dpi=120)
