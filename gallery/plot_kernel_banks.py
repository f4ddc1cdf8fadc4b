"""
Kernel banks and their parameters
=================================

Two banks of 144 log-Gabor kernels of 12 x 12 pixels for convolutional codes: 72 orientations with one orientation
bandwidth of 12 degrees (homogeneous), and 12 orientations with six bandwidths of 5 to 30 degrees each (heterogeneous),
both in two phases. They are those of Ladret, Casanova and Perrinet, "Kernel heterogeneity improves sparseness of
natural images representations", Neuromorph. Comput. Eng. 4(3) (2024), here with unit norms.

Left, the kernels; each row of the heterogeneous bank is an orientation, its bandwidths grow to the right. Then where
even kernels have half of their largest amplitude in the frequency plane, and the sum of all power spectra, which is
the eigenvalue of the convolutional dictionary at each frequency: both banks share one ring of spatial frequencies and
reach little beyond.

The numbers to look at: how many dimensions hold 99.9 per cent of the energy of the kernels, 23 of the heterogeneous
bank and 19 of the homogeneous one, so that different bandwidths make the same number of kernels less redundant; and
the largest cosine of two kernels over all shifts, 0.993 and 0.992. Broad kernels of different orientations overlap:
the median over pairs is 0.25 and 0.07. But 3.4 and 4.6 per cent of pairs are above 0.9 (orientations of the
homogeneous bank are 2.5 degrees apart). Such a dictionary is slow going for solvers that follow gradients; the largest
sum of power spectra, 384 and 386, is the Lipschitz constant that they need.

Below: a bank of three spatial frequencies, whose kernels have sizes of their own, and the bandwidths that
`fit_log_gabor` finds again in the heterogeneous bank, as planted and with noise of a tenth of the energy.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sparsecode import Dictionary
from sparsecode.metrics import shift_cosines
from sparsecode.plot import mosaic
from sparsecode.receptive_fields import describe_log_gabor

GRID = 128
banks = {
    "heterogeneous": Dictionary.log_gabor_bank(normalization="l2"),
    "homogeneous": Dictionary.log_gabor_bank(n_orientations=72, B_theta=np.pi / 15, normalization="l2"),
}
COLOURS = {"heterogeneous": "#000000", "homogeneous": "#d55e00"}

figure = plt.figure(figsize=(14, 10), layout="constrained")
grid = figure.add_gridspec(3, 4, width_ratios=[1.3, 1, 1.2, 1.2], height_ratios=[1.2, 1.2, 0.8])
frequencies = np.fft.fftshift(np.fft.fftfreq(GRID))
shifts_ax, energy_ax, fit_ax = (figure.add_subplot(grid[row, 3]) for row in range(3))
PLACES = {"heterogeneous": 0, "homogeneous": 1}
bottom = [figure.add_subplot(grid[2, column]) for column in range(3)]

for name, bank in banks.items():
    row, colour = PLACES[name], COLOURS[name]
    kernels_ax, spectra_ax, power_ax = (figure.add_subplot(grid[row, column]) for column in range(3))
    mosaic(bank, n_columns=12, ax=kernels_ax)
    kernels_ax.set_title(f"{name}: {len(bank)} kernels")

    spectra = np.abs(np.fft.fftshift(np.fft.fft2(bank.atoms, (GRID, GRID)), axes=(1, 2)))
    shown = range(0, 144, 2) if name == "homogeneous" else range(48, 60, 2)
    for place in shown:
        style = {"linewidths": 0.5, "colors": colour} if row else {"colors": [plt.cm.viridis((place - 48) / 12)]}
        spectra_ax.contour(frequencies, frequencies, spectra[place], [0.5 * spectra[place].max()], **style)
    titles = ("half amplitude: one orientation", "half amplitude: all orientations")
    spectra_ax.set(aspect="equal", title=titles[row], ylabel="cycles/pixel, down")
    spectra_ax.invert_yaxis()

    power = np.square(spectra).sum(axis=0)
    image = power_ax.imshow(power, extent=(-0.5, 0.5, 0.5, -0.5), cmap="magma", vmin=0)
    power_ax.set_title("sum of power spectra")
    figure.colorbar(image, ax=power_ax, shrink=0.8)

    cosines = shift_cosines(bank)
    pairs = cosines[np.triu_indices(len(bank), 1)]
    shifts_ax.hist(pairs, np.linspace(0, 1, 51), histtype="step", color=colour, label=name, linewidth=1.5)
    values = np.linalg.svd(bank.matrix, compute_uv=False)
    missing = 1 - np.cumsum(values**2) / np.sum(values**2)
    n_dimensions = 1 + np.argmax(missing < 1e-3)
    energy_ax.semilogy(np.arange(1, 41), missing[:40], color=colour, label=f"{name}: {n_dimensions}")
    print(f"{name}: dimensions with 99.9 % of the energy {n_dimensions}; largest cosine {cosines.max():.4f}; "
          f"median of pairs {np.median(pairs):.3f}; pairs above 0.9: {np.mean(pairs > 0.9):.4f}; "
          f"Lipschitz constant {power.max():.1f}; least {power.min():.5f}")  # fmt: skip

shifts_ax.set(xlabel="largest |cosine| of two kernels over shifts", ylabel="pairs", title="similarity of kernels")
shifts_ax.legend(frameon=False)
energy_ax.axhline(1e-3, color="0.5", linewidth=0.8)
energy_ax.set(xlabel="dimensions", ylabel="energy left", ylim=(1e-6, 1), title="99.9 % of the energy")
energy_ax.legend(frameon=False)

pyramid = Dictionary.log_gabor_bank(None, n_orientations=4, B_theta=0.3, sf_0=[0.4, 0.2, 0.1], normalization="l2")
for ax, sf_0 in zip(bottom, (0.4, 0.2, 0.1), strict=True):
    part = pyramid.select(pyramid.coords["sf_0"] == sf_0).cropped()
    mosaic(part, n_columns=4, ax=ax)
    ax.set_title(f"sf_0 = {sf_0}: {part.atom_shape[0]} x {part.atom_shape[1]} pixels")

bank = banks["heterogeneous"]
noise = np.random.default_rng(0).standard_normal(bank.atoms.shape)
noise *= np.sqrt(0.1 / np.square(noise).sum(axis=(1, 2), keepdims=True))
truth = np.rad2deg(bank.coords["B_theta"])
for label, atoms, colour in (("planted", bank.atoms, "#000000"), ("with noise", bank.atoms + noise, "#0072b2")):
    table = describe_log_gabor(atoms)
    error = np.abs(table.orientation_bandwidth.values - truth)
    turned = np.abs(np.rad2deg(table.theta.values - bank.coords["theta"]) + 90) % 180 - 90
    bins = np.arange(0.5, 56, 1)
    fit_ax.hist(table.orientation_bandwidth, bins, histtype="step", color=colour, label=label, linewidth=1.5)
    print(f"{label}: largest FVU {table.fvu.max().item():.3f}; orientation off by {np.abs(turned).max():.2f} degrees "
          f"at most; bandwidth by {np.median(error):.2f} in the median")  # fmt: skip
fit_ax.set(xlabel="orientation bandwidth, fitted [degrees]", ylabel="kernels", title="fits of the heterogeneous bank")
fit_ax.legend(frameon=False, loc="upper right")
name = "plot_kernel_banks.png"
figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else name, dpi=100)
