"""
Natural patches and whitening
=============================

Photographs are dominated by low spatial frequencies: their power falls as about 1 / f^2. The filter of
Olshausen and Field, f exp(-(f / f0)^4) with f0 = 0.4 cycles per pixel, flattens the spectrum up to f0 and cuts
the corners of the Fourier plane, which carry noise. The number to look at: the slope of log power against log
frequency between 0.05 and 0.3 cycles per pixel, -2.6 before and -0.8 after, for the photographs used here.

The filter is that of B. A. Olshausen and D. J. Field, Vision Research 37 (1997).
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.fft import dctn

from sparsecode import PatchExtractor, Whitener
from sparsecode.datasets import natural_images
from sparsecode.plot import mosaic

images = natural_images()
whitened = Whitener().fit_transform(images)


def power_spectrum(images, edges):
    """Mean power in bins of radial frequency, with the images mirrored at their borders (DCT)."""
    power, count = np.zeros(len(edges) - 1), np.zeros(len(edges) - 1)
    for image in images:
        image = (image - image.mean()) / image.std()
        frequency = np.hypot(*np.ix_(*(np.arange(n) / (2 * n) for n in image.shape)))
        square = dctn(image, norm="ortho") ** 2
        power += np.histogram(frequency, edges, weights=square)[0]
        count += np.histogram(frequency, edges)[0]
    return power / count


edges = np.geomspace(0.02, 0.5, 30)
centres = np.sqrt(edges[1:] * edges[:-1])
band = (centres > 0.05) & (centres < 0.3)

figure, axes = plt.subplots(2, 3, figsize=(10, 6.5), layout="constrained")
for row, (title, pictures) in zip(axes, {"photographs": images, "whitened": whitened}.items(), strict=True):
    spectrum = power_spectrum(pictures, edges)
    slope = np.polyfit(np.log(centres[band]), np.log(spectrum[band]), 1)[0]
    print(f"{title}: slope of the power spectrum {slope:.2f}")
    row[0].imshow(pictures[4], cmap="gray", vmin=np.quantile(pictures[4], 0.01), vmax=np.quantile(pictures[4], 0.99))
    row[0].set_axis_off()
    row[0].set_title(title)
    row[1].loglog(centres, spectrum)
    row[1].set(xlabel="spatial frequency [cycles/pixel]", ylabel="power", title=f"slope {slope:.2f}")
    row[1].set_xticks([0.02, 0.05, 0.1, 0.2, 0.5], ["0.02", "0.05", "0.1", "0.2", "0.5"])
    row[1].minorticks_off()
    patches = PatchExtractor(12, n_patches=64, center=True, random_state=0).fit_transform(pictures)
    mosaic(patches, ax=row[2]).set_title("patches of 12 x 12 pixels")

figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_natural_patches.png", dpi=120)
