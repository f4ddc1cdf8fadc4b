"""
Orientations in photographs
===========================

What is upright and what is level are more common in photographs than what is oblique. Nine photographs (their middle,
at 128 x 128 pixels, after local contrast normalisation) are coded by maps of 72 orientations in two phases, the
homogeneous bank of Ladret, Casanova and Perrinet. `labeled.encode` gives maps, here pooled over the whole photograph,
that know the parameters of their kernels, so that ``codes.groupby("theta").sum()`` is the histogram of orientations:
theta is the direction across an edge, 0 for upright ones and 90 degrees for level ones.

Left, the mean histogram and two von Mises functions; they have their peaks at 179.7 and 89.4 degrees and explain 0.93
of the variance. Published, for 1145 photographs: 181.8 and 90.4 degrees, 0.91. The peaks are those of four photographs
with things that were built (brick, rocket, camera, china); the other five have none (right).

Is this the photograph, or the pixel grid? Middle, the same photographs turned by 45 degrees before they are sampled:
the sharp peak is at 134 degrees, and little is left of those at 0 and 90. Of the other a low bump is left, between
two that do not turn: these, at 27, 63, 117 and 153 degrees, are of the pixel grid (tangents of 1/2 and 2). Kernels do
not cross borders here (``boundary="valid"``): with a circular boundary opposite sides meet, and make edges that are
upright and level.

The numbers to look at: where the peaks are. H. J. Ladret, C. Casanova and L. U. Perrinet, "Kernel heterogeneity
improves sparseness of natural images representations", Neuromorph. Comput. Eng. 4(3), 034004 (2024).
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.colors import PowerNorm
from scipy.optimize import curve_fit
from skimage.transform import resize, rotate

from sparsecode import ConvSparseCoder, Dictionary, labeled
from sparsecode.datasets import PHOTOGRAPHS, natural_images
from sparsecode.preprocessing import LocalContrastNormalizer

SIDE, TURN = 128, 45
photographs = natural_images()


def middle(image, angle):
    """Return the middle of a photograph that is turned by an angle; corners that turning leaves empty are not in it."""
    n = int(min(image.shape) / np.sqrt(2))
    top, left = ((side - n) // 2 for side in image.shape)
    turned = rotate(image, angle) if angle else image
    return resize(turned[top : top + n, left : left + n], (SIDE, SIDE), anti_aliasing=True)


def two_bumps(theta, a, b, kappa, lam, mu, nu, floor):
    """Return two von Mises functions of period 180 degrees and a constant."""
    first, second = (np.exp(k * (np.cos(2 * (theta - m)) - 1)) for k, m in ((kappa, mu), (lam, nu)))
    return a * first + b * second + floor


# Kernels do not cross the border of an image: opposite sides that meet would be edges, upright and level ones
bank = Dictionary.log_gabor_bank(n_orientations=72, B_theta=np.pi / 15, normalization="l2")
coder = ConvSparseCoder(
    dictionary=bank, alpha=0.1, alpha_scale="max", boundary="valid", pool="mean", grid=1, encode_tol=1e-2, n_jobs=2,
    input_shape=(SIDE, SIDE),
)  # fmt: skip


def shares(angle):
    """Return how much of the code of each photograph is at each orientation."""
    images = np.array([middle(image, angle) for image in photographs], np.float32)
    data = xr.DataArray(LocalContrastNormalizer().fit_transform(images), dims=("photograph", "y", "x"))
    codes = labeled.encode(labeled.fit(coder, data, dim=("y", "x")), data, dim=("y", "x"))
    sums = codes.sum(["sign", "region_y", "region_x"]).groupby("theta").sum()
    return sums / sums.sum("theta")


figure, axes = plt.subplots(1, 3, figsize=(14, 4.4), layout="constrained")
for ax, angle in zip(axes, (0, TURN), strict=False):
    found = shares(angle)
    theta, mean = found.theta.values, found.mean("photograph").values
    centre = np.deg2rad(180 - angle)
    start = (0.05, 0.03, 20, 20, centre, centre - np.pi / 2, 0.01)
    values, _ = curve_fit(two_bumps, theta, mean, start, maxfev=20_000)
    fitted = two_bumps(theta, *values)
    explained = 1 - np.square(mean - fitted).sum() / np.square(mean - mean.mean()).sum()
    first, second = np.rad2deg(values[4:6])
    print(f"turned by {angle} degrees: peaks at {first:.1f} and {second:.1f} degrees, "
          f"explained {explained:.3f}, share at 0 degrees {mean[0]:.3f}, at 45 {mean[18]:.3f}")  # fmt: skip
    ax.bar(np.rad2deg(theta), mean, width=2.2, color="#56b4e9", label="mean of nine photographs")
    ax.plot(np.rad2deg(theta), fitted, color="#000000", linewidth=1.5, label="two von Mises functions")
    ax.set(title=f"turned by {angle} degrees" if angle else "photographs as they are", ylim=(0, 0.085))
    ax.set(xlabel="direction across an edge (degrees)", ylabel="share of the code", xticks=range(0, 181, 45))
    if angle == 0:
        upright = found
        ax.legend(frameon=False, loc="upper center")

order = np.argsort(upright.values[:, 0])
extent = (-1.25, 178.75, len(order), 0)
picture = axes[2].imshow(upright.values[order], aspect="auto", cmap="magma", norm=PowerNorm(0.5, 0), extent=extent)
axes[2].set_yticks(np.arange(len(order)) + 0.5, [PHOTOGRAPHS[place] for place in order])
axes[2].set(title="each photograph", xlabel="direction across an edge (degrees)", xticks=range(0, 180, 45))
figure.colorbar(picture, ax=axes[2], label="share of the code")
name = "plot_orientation_statistics.png"
figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else name, dpi=110)
