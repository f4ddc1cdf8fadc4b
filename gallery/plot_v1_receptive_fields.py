"""
Receptive fields of V1
======================

Sparse codes of whitened photographs are made of localised, oriented, band-pass atoms, like the receptive fields
of simple cells in primary visual cortex: B. A. Olshausen and D. J. Field, Nature 381 (1996). The numbers to look
at: the share of atoms that a Gabor function explains (fraction of variance unexplained below 0.3), against the
same share for raw patches.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sparsecode import PatchExtractor, SparseCoder, Whitener
from sparsecode.datasets import natural_images
from sparsecode.plot import mosaic
from sparsecode.receptive_fields import fit_gabor

N_PATCHES = 60_000

images = Whitener().fit_transform(natural_images())
patches = PatchExtractor(12, n_patches=N_PATCHES, center=True, random_state=0).fit_transform(images)
coder = SparseCoder(144, alpha=0.5, n_jobs=-1, random_state=0).fit(patches)

fit = fit_gabor(coder.components_, shape=(12, 12), n_jobs=-1)
raw = fit_gabor(patches[:144], shape=(12, 12), n_jobs=-1)
print(f"atoms with Gabor FVU < 0.3: {(fit.fvu < 0.3).mean():.2f} (raw patches: {(raw.fvu < 0.3).mean():.2f})")
print(f"explained variance {coder.score(patches):.3f} at {(coder.transform(patches) != 0).mean():.1%} active")

figure, axes = plt.subplots(1, 2, figsize=(10, 5), layout="constrained", width_ratios=[1, 1])
mosaic(coder.components_[fit.fvu.argsort()], ax=axes[0]).set_title("atoms, best Gabor fits first")
bins = np.linspace(0, 1, 41)
axes[1].hist(fit.fvu, bins, label="learned atoms")
axes[1].hist(raw.fvu, bins, label="raw patches", alpha=0.6)
axes[1].axvline(0.3, color="k", linestyle=":")
axes[1].set(xlabel="variance that the best Gabor leaves unexplained", ylabel="atoms")
axes[1].legend()
name = "plot_v1_receptive_fields.png"
figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else name, dpi=120)
