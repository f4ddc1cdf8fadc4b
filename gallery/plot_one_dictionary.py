"""
One dictionary, three coders
============================

The same `Dictionary`, learned from patches of photographs, is used unchanged in three ways on pieces of photographs
that it has not seen: its atoms code patches side by side (`SparseCoder`), they are kernels that lie at any place of the
whole piece (`ConvSparseCoder`), and they are the receptive fields of neurons that spike (`SpikingLCA`).

All three minimise 0.5 ||error||^2 + alpha ||code||_1. Over a range of alpha, curves show the error against the number
of coefficients for each pixel. A kernel lies where it fits best, atoms of patches where the patch does: the convolution
needs fewer coefficients, and the more there are, the more it gains. It leaves no borders of patches either. Rates of
neurons are the codes of patches, found by spikes.

The numbers to look at: relative squared error at 0.05, 0.1 and 0.15 coefficients a pixel, means over three dictionaries
with the least and the largest; and the squared difference of rates and exact codes, relative to these, at the alpha
where it is largest.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sparsecode import PatchExtractor, SparseCoder, Whitener
from sparsecode.convolutional import ConvSparseCoder
from sparsecode.datasets import natural_images
from sparsecode.temporal import SpikingLCA

SIZE, SIDE, ATOMS, DRAWN, BUDGETS, SEEDS = 8, 96, 128, 2, (0.05, 0.1, 0.15), 3
images = Whitener().fit_transform(np.array(natural_images(side=256)))
pieces = images[5:, 80 : 80 + SIDE, 80 : 80 + SIDE].copy()  # of four photographs, which atoms do not see
pieces -= pieces.mean(axis=(1, 2), keepdims=True)
side_by_side = PatchExtractor(SIZE, stride=SIZE).fit(pieces)
patches = side_by_side.transform(pieces)


def learn(seed):
    rows = PatchExtractor(SIZE, n_patches=10_000, center=True, random_state=seed).fit_transform(images[:5])
    return (
        SparseCoder(ATOMS, target_sparsity=0.05, max_iter=4, input_shape=(SIZE, SIZE), random_state=seed)
        .fit(rows)
        .dictionary_
    )


def error(reconstructed, X):
    return np.square(X - reconstructed).sum() / np.square(X).sum()


def measure(coder, X):
    """Return coefficients for each pixel and the relative error, codes and what they stand for."""
    codes = coder.fit(X).transform(X)
    restored = coder.inverse_transform(codes)
    return np.count_nonzero(codes) / pieces.size, error(restored, X.reshape(len(X), -1)), codes, restored


alphas = np.geomspace(0.1, 2.0, 7)
curves, spiking, agreement = {"patches side by side": [], "convolution": []}, [], []
for seed in range(SEEDS):
    dictionary = learn(seed)
    settings = {"input_shape": pieces.shape[1:], "pool": None, "encode_tol": 1e-2}
    for alpha in alphas:
        of_patches = measure(SparseCoder(dictionary=dictionary, alpha=alpha), patches)
        of_neurons = measure(SpikingLCA(dictionary, alpha=alpha, dt=0.02), patches)
        curves["patches side by side"].append(of_patches[:2])
        if alpha > 0.2:  # with less weight than that a convolution has a quarter of its coefficients, and takes long
            of_pieces = measure(ConvSparseCoder(dictionary=dictionary, alpha=alpha, **settings), pieces)
            curves["convolution"].append(of_pieces[:2])
        spiking.append(of_neurons[:2])
        agreement.append(error(of_neurons[2], of_patches[2]))
        if seed == 0 and alpha == alphas[3]:
            drawn = {
                "whitened": pieces[DRAWN],
                "patches side by side": side_by_side.inverse_transform(of_patches[3])[DRAWN],
                "convolution": of_pieces[3][DRAWN].reshape(SIDE, SIDE),
                "rates": side_by_side.inverse_transform(of_neurons[3])[DRAWN],
            }
curves = {name: np.reshape(curve, (SEEDS, -1, 2)) for name, curve in curves.items()}
for name, runs in curves.items():
    for budget in BUDGETS:
        values = [np.exp(np.interp(np.log(budget), *np.log(curve[::-1]).T)) for curve in runs]
        print(f"{name}, {budget} a pixel: error {np.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})")
worst = np.reshape(agreement, (SEEDS, -1)).max(axis=1)
print(f"rates against exact codes: {worst.mean():.4f} ({worst.min():.4f} to {worst.max():.4f})")

figure = plt.figure(figsize=(11, 5), layout="constrained")
grid = figure.add_gridspec(2, 4)
axis = figure.add_subplot(grid[:, :2])
for (name, runs), colour in zip(curves.items(), ["#d55e00", "#0072b2"], strict=True):
    for seed, curve in enumerate(runs):
        axis.loglog(*curve.T, "o-", color=colour, markersize=3, linewidth=1, label=None if seed else name)
axis.loglog(*np.array(spiking).T, "x", color="k", label="rates of spiking neurons")
axis.set(xlabel="coefficients that are not zero, for each pixel", ylabel="squared error, relative")
axis.legend(frameon=False)
limit = np.abs(drawn["whitened"]).max() / 2
for place, (name, image) in enumerate(drawn.items()):
    panel = figure.add_subplot(grid[place // 2, 2 + place % 2])
    panel.imshow(image, cmap="gray", vmin=-limit, vmax=limit)
    panel.set(xticks=[], yticks=[])
    panel.set_title(name, fontsize=9)
figure.suptitle(f"One dictionary of {ATOMS} atoms; pieces at alpha = {alphas[3]:.2f}")
figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_one_dictionary.png", dpi=120)
