"""
A photograph of which most pixels are missing
=============================================

Where pixels are missing, codes can still be computed from those that are there: ``transform(X, mask=...)`` minimises
the objective over the known pixels of each patch, and the reconstruction fills in the others. Atoms were learned from
other photographs. Patches overlap, and what they say of a pixel is averaged; their means are coded by a constant atom
without a price (`fit_dc`), from the known pixels too.

The numbers to look at: peak signal-to-noise ratios (PSNR) over the missing pixels alone, beside biharmonic inpainting,
scikit-image's own method, which knows nothing of photographs but that they are smooth. With half of the pixels missing
l0 is 0.4 dB better than that; with four fifths, where 13 pixels of a patch are left, it is 0.25 dB worse. Averages of
l0 codes with 6 and 3 atoms a patch are better than those of l1 with 17 and 7. Weights are small, since nothing is
noise here. A price for the number of atoms
(l0) says nothing of their weights: where few pixels are known, an atom of which hardly anything is seen may get a
huge one, which has to be clipped to the range of pixels.

M. Elad, J.-L. Starck, P. Querre and D. L. Donoho, Appl. Comput. Harmon. Anal. 19 (2005), and J. Mairal, M. Elad and
G. Sapiro, IEEE Trans. Image Process. 17 (2008), inpaint so; the latter learn from the damaged photograph too.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from skimage.metrics import peak_signal_noise_ratio
from skimage.restoration import inpaint_biharmonic

from sparsecode import PatchExtractor, SparseCoder
from sparsecode.datasets import natural_images

SIZE, ATOMS, N_PATCHES, SIDE, MISSING = 8, 256, 20_000, 160, (0.5, 0.8)
PENALTIES = {"l1": {"penalty": "l1", "alpha": 0.02}, "l0": {"penalty": "cel0", "alpha": 0.001}}

photographs = natural_images()
image = photographs.pop(4)[:SIDE, 80 : 80 + SIDE]
patches = PatchExtractor(SIZE, n_patches=N_PATCHES, center=True, random_state=0).fit_transform(photographs)
learned = SparseCoder(ATOMS, target_sparsity=0.05, max_iter=4, tol=0, n_jobs=-1, random_state=0).fit(patches)

cutter = PatchExtractor(SIZE).fit([image])
settings = {"dictionary": learned.dictionary_, "fit_dc": True, "encode_tol": 1e-4, "n_jobs": -1}


def restored(known, **penalty):
    """Return the photograph that codes of its known pixels make."""
    X, mask = cutter.transform([np.where(known, image, 0)]), cutter.transform([known.astype(float)]) > 0
    seen = mask.any(axis=1)  # a patch of which nothing is known is left to its neighbours
    coder = SparseCoder(**penalty, **settings).fit(X)
    codes = coder.transform(X[seen], mask=mask[seen])
    X[seen] = coder.inverse_transform(codes).clip(0, 1)
    return np.where(known, image, cutter.inverse_transform(X)[0]), np.count_nonzero(codes, axis=1).mean() - 1


figure, axes = plt.subplots(2, 5, figsize=(13, 5.6), layout="constrained")
for row, share in zip(axes, MISSING, strict=True):
    known = np.random.default_rng(0).random(image.shape) > share
    pictures = {"photograph": image, "known pixels": np.where(known, image, 0)}
    pictures["biharmonic"] = inpaint_biharmonic(image * known, ~known)
    for name, penalty in PENALTIES.items():
        pictures[f"learned atoms, {name}"], n_active = restored(known, **penalty)
        print(f"{100 * share:.0f} % missing, {name}: {n_active:.1f} atoms a patch")
    for ax, (name, picture) in zip(row, pictures.items(), strict=True):
        ax.imshow(picture, cmap="gray", vmin=0, vmax=1)
        ax.set_axis_off()
        title = f"{100 * share:.0f} % missing" if name == "known pixels" else name
        if name not in ("photograph", "known pixels"):
            score = peak_signal_noise_ratio(image[~known], picture[~known], data_range=1)
            print(f"{100 * share:.0f} % missing, {name}: PSNR {score:.2f} dB")
            title += f": {score:.2f} dB"
        ax.set_title(title, fontsize=11)

figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_inpainting.png", dpi=120)
