"""
Homeostasis on and off
======================

Sparse Hebbian learning: matching pursuit codes each patch with four atoms, and each atom that was used moves towards
what the others leave unexplained. Atoms that are used learn, and learned atoms are used more: without homeostasis some
of an overcomplete dictionary stay the noise they began as. Homeostasis gives rarely used atoms an advantage while the
dictionary is learned: by gains ("ols" by variance, "hap" by probability), by a gate ("emp"), or by equalised histograms
("heh"). It does not act when codes are compared here: those are plain matching pursuit.

The number to look at: the share of atoms that are still noise (spectrally flat, and no Gabor function: class
"unlearned"), 15 % without homeostasis, below 1 % with it. The rule "online" moves atoms that nobody uses to what is
explained worst, so that it does without: homeostasis is for rules that are local to an atom. Perrinet finds the order
none < ols ~ emp < hap <= heh (Vision 3(3), 2019; larger patches and 4096 epochs). Here errors of held-out patches are
0.386 without homeostasis, 0.379 with "ols", and 0.372 or 0.373 with the three others.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sparsecode import PatchExtractor, SparseCoder, Whitener
from sparsecode.datasets import natural_images
from sparsecode.metrics import relative_error
from sparsecode.plot import mosaic
from sparsecode.receptive_fields import classify_receptive_fields, fit_gabor

N_ATOMS, ACTIVE, SIZE, N_TRAIN, N_TEST = 400, 4, 12, 20_000, 4000
# A step each; "online" has statistics of all before. With 256 for both, "ols" leaves 2.8 % unlearned there, not 4.8
BATCHES = {"gradient": 256, "online": 1024}
RULES = {None: "#000000", "ols": "#999999", "emp": "#e69f00", "hap": "#0072b2", "heh": "#d55e00"}

images = Whitener().fit_transform(natural_images())
extractor = PatchExtractor(SIZE, n_patches=N_TRAIN + N_TEST, center=True, random_state=0)
patches = extractor.fit_transform(images)
X, held_out = patches[:N_TRAIN], patches[N_TRAIN:]

atoms, rates, unlearned = {}, {}, {}
for rule in RULES:
    shares = []
    for learning in ("gradient", "online"):
        coder = SparseCoder(
            N_ATOMS, n_nonzero_coefs=ACTIVE, solver="mp", learning=learning, homeostasis=rule,
            max_iter=5, batch_size=BATCHES[learning], tol=0, n_jobs=-1, random_state=0,
        ).fit(X)  # fmt: skip
        fit = fit_gabor(coder.components_, shape=(SIZE, SIZE), n_jobs=-1)
        classes = classify_receptive_fields(fit, coder.components_, (SIZE, SIZE))
        shares.append(100 * (classes == "unlearned").mean())
        if learning == "gradient":
            codes = coder.transform(held_out)
            atoms[rule], rates[rule] = coder.components_, 100 * (codes != 0).mean(axis=0)
            error = relative_error(held_out, coder.inverse_transform(codes))
    unlearned[rule] = shares
    rare = 100 * (rates[rule] < 0.1 * rates[rule].mean()).mean()
    print(f"{rule}: unlearned {shares[0]:.1f} %, rarely used {rare:.1f} %, error {error:.3f}; online {shares[1]:.1f} %")

figure = plt.figure(figsize=(13, 7.5), layout="constrained")
top, bottom = figure.subfigures(2, 1, height_ratios=(1, 1.05))
for ax, rule in zip(top.subplots(1, 4), (None, "emp", "hap", "heh"), strict=True):
    least = np.argsort(rates[rule], kind="stable")[:100]
    mosaic(atoms[rule][least].reshape(-1, SIZE, SIZE), ax=ax)
    ax.set_title(f"{rule or 'no homeostasis'}: the 100 atoms used least", fontsize=11)

use, spread, noise = bottom.subplots(1, 3)
for rule, colour in RULES.items():
    use.plot(np.sort(rates[rule])[::-1], color=colour, label=rule or "none")
    spread.hist(rates[rule], np.linspace(0, 4, 33), histtype="step", color=colour, linewidth=1.5)
use.axhline(100 * ACTIVE / N_ATOMS, color="k", linestyle=":", linewidth=1)
use.set(xlabel="atoms, most used first", ylabel="held-out patches that use the atom [%]", ylim=(0, 5))
use.legend(title="homeostasis")
spread.axvline(100 * ACTIVE / N_ATOMS, color="k", linestyle=":", linewidth=1)
spread.set(xlabel="held-out patches that use the atom [%] (dotted: even use)", ylabel="atoms")
places = np.arange(len(RULES))
for shift, learning, colour, hatch in ((-0.2, 0, "#0072b2", None), (0.2, 1, "#56b4e9", "//")):
    heights = [shares[learning] for shares in unlearned.values()]
    label = ("gradient (Hebbian)", "online")[learning]
    bars = noise.bar(places + shift, heights, 0.4, color=colour, hatch=hatch, label=label)
    noise.bar_label(bars, fmt="%.1f", fontsize=9)
noise.axhline(2, color="k", linestyle=":", linewidth=1)
noise.set_xticks(places, [rule or "none" for rule in RULES])
noise.set(xlabel="homeostasis", ylabel="unlearned atoms [%] (dotted: 2 %)")
noise.legend(title="learning")

figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_homeostasis.png", dpi=120)
