"""
One image coded by l1, CEL0 and matching pursuit
================================================

At the same number of coefficients, how well can a photograph be rebuilt from the same atoms? Codes are matched in the
mean share of active units, 3 per cent. l1 shrinks every coefficient: least squares on its support (debiasing)
takes most of its disadvantage away, and what is left is the choice of the support. Orthogonal matching pursuit does
nearly as well as CEL0 if it stops where no atom pays any more, and worse with a fixed number of atoms for every patch,
since patches of sky and of edges need different numbers.

The number to look at: the relative error of l1 over that of CEL0, 3 to 4 here. Rentzeperis, Calatroni, Perrinet and
Prandi, "Beyond l1 sparse coding in V1", PLoS Comput. Biol. 19(9) (2023), report about five at fixed sparsity, with a
dictionary of its own for each penalty and from another set of photographs; the debiased codes are not in their
comparison.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sparsecode import PatchExtractor, SparseCoder, Whitener
from sparsecode.datasets import natural_images
from sparsecode.metrics import relative_error

SIZE, ACTIVE, N_PATCHES = 12, 0.03, 40_000

# Atoms from all photographs but the one that will be coded, learned with the codes that l0 prefers.
images = Whitener().fit_transform(natural_images())
image = images.pop(4)
patches = PatchExtractor(SIZE, n_patches=N_PATCHES, center=True, random_state=0).fit_transform(images)
learner = SparseCoder(288, penalty="cel0", target_sparsity=ACTIVE, max_iter=4, n_jobs=-1, random_state=0)
atoms = learner.fit(patches).components_

# The photograph in patches that do not overlap; means are kept apart.
height, width = (side - side % SIZE for side in image.shape)
image = image[:height, :width]
cutter = PatchExtractor(SIZE, stride=SIZE, center=True).fit([image])
X, means = cutter.transform([image]), cutter.patch_means([image])

methods = {
    "l1": {"penalty": "l1"},
    "l1, debiased": {"penalty": "l1", "debias": True},
    "OMP, fixed number": {"n_nonzero_coefs": round(ACTIVE * len(atoms)), "solver": "omp"},
    "OMP, while it pays": {"penalty": "l0", "solver": "omp"},
    "CEL0": {"penalty": "cel0"},
}
errors, active, pictures = {}, {}, {}
for name, settings in methods.items():
    target = {} if "n_nonzero_coefs" in settings else {"target_sparsity": ACTIVE}
    coder = SparseCoder(dictionary=atoms, n_jobs=-1, **target, **settings).fit(X)
    codes = coder.transform(X)
    rebuilt = coder.inverse_transform(codes)
    errors[name] = relative_error(X, rebuilt)
    active[name] = np.count_nonzero(codes, axis=1)
    pictures[name] = cutter.inverse_transform(rebuilt, means)[0]
    print(f"{name}: error {errors[name]:.3f} at {100 * active[name].mean() / len(atoms):.2f} % active")
print(f"l1 over CEL0: {errors['l1'] / errors['CEL0']:.2f}, debiased: {errors['l1, debiased'] / errors['CEL0']:.2f}")

figure = plt.figure(figsize=(13, 5), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=(2.1, 1))
limits = dict(zip(("vmin", "vmax"), np.quantile(image, [0.01, 0.99]), strict=True))
shown = {"whitened photograph": image, **pictures}
for ax, (name, picture) in zip(left.subplots(2, 3).flat, shown.items(), strict=True):
    ax.imshow(picture[: 18 * SIZE, 3 * SIZE : 30 * SIZE], cmap="gray", **limits)
    ax.set_title(f"{name}: {errors[name]:.3f}" if name in errors else name, fontsize=11)
    ax.set_axis_off()

bars, counts = right.subplots(2, 1)
colours = ["#d55e00", "#e69f00", "#999999", "#0072b2", "#009e73"]
bars.barh(list(errors), list(errors.values()), color=colours)
bars.invert_yaxis()
bars.set(xlabel="relative error, pooled", title=f"{100 * ACTIVE:g} % of {len(atoms)} atoms active")
for (name, count), colour in zip(active.items(), colours, strict=True):
    if "debiased" not in name:  # same support
        counts.hist(count, np.arange(0, 41, 2), histtype="step", color=colour, linewidth=1.5)
counts.set(xlabel="active atoms in a patch", ylabel="patches", yscale="log")

figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_l1_cel0_omp.png", dpi=120)
