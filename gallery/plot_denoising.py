"""
A photograph without its noise
==============================

Noise has no sparse code: patches of a noisy photograph are coded with as few atoms as pay for more than noise would,
and the codes of all patches that overlap at a pixel are averaged. Atoms are learned from the noisy photograph itself.
An atom of unit norm takes up noise of variance sigma^2, and the largest of K such numbers is about
sigma sqrt(2 log K): with a price of ``sigma^2 log K`` for each atom (l0) hardly any enters for noise alone, as in
wavelet shrinkage by the universal threshold. The price of l1, 1.5 sigma, was chosen on two other photographs.

The numbers to look at: peak signal-to-noise ratios (PSNR) of codes with learned atoms and with cosines, by l0 and l1,
and of scikit-image's own methods, which are told the same sigma. M. Elad and M. Aharon, "Image denoising via sparse
and redundant representations over learned dictionaries", IEEE Trans. Image Process. 15(12) (2006), whose constants were
not used; non-local means and wavelets as scikit-image's documentation recommends them.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from skimage.metrics import peak_signal_noise_ratio
from skimage.restoration import denoise_bilateral, denoise_nl_means, denoise_tv_chambolle

from sparsecode import Dictionary, PatchExtractor, SparseCoder
from sparsecode.datasets import natural_images

SIGMA, SIZE, ATOMS, SIDE = 0.1, 8, 256, 256

image = natural_images()[4][:SIDE, :SIDE]
noisy = image + SIGMA * np.random.default_rng(0).standard_normal(image.shape)

cutter = PatchExtractor(SIZE, center=True).fit([noisy])
patches, means = cutter.transform([noisy]), cutter.patch_means([noisy])

prices = {"l0": SIGMA**2 * np.log(ATOMS), "l1": 1.5 * SIGMA}
learner = SparseCoder(
    ATOMS, penalty="l0", alpha=prices["l0"], init="data", max_iter=6, tol=0, n_jobs=-1, random_state=0
)
learned = learner.fit(patches).dictionary_
cosines = Dictionary.dct((SIZE, SIZE), 16)


def coded(atoms, penalty, **options):
    """Return the photograph that codes of its patches make."""
    coder = SparseCoder(dictionary=atoms, penalty=penalty, alpha=prices[penalty], n_jobs=-1, **options).fit(patches)
    return cutter.inverse_transform(coder.inverse_transform(coder.transform(patches)), means)[0]


pictures = {
    "noisy": noisy,
    "total variation": denoise_tv_chambolle(noisy, weight=SIGMA),
    "bilateral filter": denoise_bilateral(noisy, sigma_color=2 * SIGMA, sigma_spatial=2),
    "non-local means": denoise_nl_means(noisy, 5, 6, h=0.8 * SIGMA, sigma=SIGMA, fast_mode=True),
    "cosines, l0": coded(cosines, "l0"),
    "learned atoms, l1": coded(learned, "l1"),
    "learned atoms, l0": coded(learned, "l0"),
}
scores = {name: peak_signal_noise_ratio(image, picture, data_range=1) for name, picture in pictures.items()}
for name, score in scores.items():
    print(f"{name}: PSNR {score:.2f} dB")

figure, axes = plt.subplots(2, 4, figsize=(13, 6.8), layout="constrained")
pictures = {"photograph": image, **pictures}
for ax, (name, picture) in zip(axes.flat, pictures.items(), strict=True):
    ax.imshow(picture[64:192, 64:192], cmap="gray", vmin=0, vmax=1)
    ax.set_title(f"{name}: {scores[name]:.2f} dB" if name in scores else name, fontsize=11)
    ax.set_axis_off()

figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_denoising.png", dpi=120)
