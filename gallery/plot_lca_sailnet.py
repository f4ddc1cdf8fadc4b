"""
Circuits that compute sparse codes: LCA and SAILnet
===================================================

In the locally competitive algorithm neurons are driven by a patch and inhibit each other while their potentials are
above a threshold. A soft threshold leads to the code of l1, a hard one to a minimum of the l0 objective. The upper row
shows potentials over time, for one patch, and the objective falling to that of `SparseCoder`. The number to look at: by
how much the soft circuit is above it after 40 time constants (nothing). Hard thresholds end at local minima, 6 per cent
above those that exchanges of atoms find, and 4 per cent with thresholds that fall from a high start (`anneal`).

SAILnet learns: spiking neurons, whose weights change by rules that see only what is at a synapse. The lower row shows
what natural patches make of it. Receptive fields are like those of simple cells, neurons fire at the rate that they
should, and their counts lose their correlations. The numbers to look at: the share of receptive fields that a Gabor
function explains (fraction of variance unexplained below 0.3), and the relative error of a reconstruction from spike
counts, beside that of non-negative codes with as many active units.

C. J. Rozell, D. H. Johnson, R. G. Baraniuk and B. A. Olshausen, Neural Comput. 20 (2008), who show such potentials and
the error over time; J. Zylberberg, J. T. Murphy and M. R. DeWeese, PLoS Comput. Biol. 7(10):e1002250 (2011), whose
networks were larger and saw each patch at unit variance.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sparsecode import PatchExtractor, SparseCoder, Whitener
from sparsecode.coding import LCA, SAILnet
from sparsecode.datasets import natural_images
from sparsecode.metrics import relative_error
from sparsecode.plot import mosaic
from sparsecode.receptive_fields import fit_gabor
from sparsecode.solvers import objective

N_TRAIN, N_TEST, EPOCHS = 35_000, 5000, 10

images = Whitener().fit_transform(natural_images())
patches = PatchExtractor(12, n_patches=N_TRAIN + N_TEST, center=True, random_state=0).fit_transform(images)
train, test = patches[:N_TRAIN], patches[N_TRAIN:]

# Circuits with the same atoms, and one patch of high contrast
atoms = SparseCoder(144, alpha=0.5, max_iter=3, n_jobs=-1, random_state=0).fit(train).components_
x = test[np.argsort(test.var(axis=1))[-300]]
circuits = {
    "soft threshold": LCA(atoms, alpha=0.6, duration=40),
    "hard threshold": LCA(atoms, alpha=0.18, threshold="hard", duration=40),
    "hard threshold, annealed": LCA(atoms, alpha=0.18, threshold="hard", duration=40, anneal=0.99),
}
paths, bests = {}, {}
for name, circuit in circuits.items():
    paths[name] = [circuit.fit(test).trajectory(row) for row in (x, *test[:100])]
    codes = circuit.coder_.transform(test[:100])
    bests[name] = objective(test[:100], atoms, codes, circuit.penalty_).mean()
    ends = np.mean([path.objective[-1] for path in paths[name][1:]])
    print(f"{name}: objective above that of the coder by {100 * (ends / bests[name] - 1):.2f} %")

# Spiking neurons that learn, and what their counts say of other patches
net = SAILnet(144, max_iter=EPOCHS, n_jobs=-1, random_state=0).fit(train)
history, counts = net.history_, net.transform(test)
active = float((counts != 0).mean())
gabor = fit_gabor(net.components_, shape=(12, 12), n_jobs=-1)
errors = {"spike counts": relative_error(test, net.inverse_transform(counts))}
for name, settings in {"l1": {}, "l1, debiased": {"debias": True}, "CEL0": {"penalty": "cel0"}}.items():
    coder = SparseCoder(dictionary=net.components_, positive=True, target_sparsity=active, n_jobs=-1, **settings)
    errors[name] = relative_error(test, coder.fit(test).inverse_transform(coder.transform(test)))
print(f"receptive fields with Gabor FVU < 0.3: {(gabor.fvu < 0.3).mean():.2f}")
print(f"mean rate {history['rate'][-1]:.4f}, correlation {history['correlation'][-1]:.4f}")
print(f"error at {100 * active:.2f} % active:", ", ".join(f"{name} {error:.3f}" for name, error in errors.items()))

figure = plt.figure(figsize=(13, 7.5), layout="constrained")
top, bottom = figure.subfigures(2, 1)
colours = {"soft threshold": "#d55e00", "hard threshold": "#0072b2", "hard threshold, annealed": "#009e73"}
axes = top.subplots(1, 3, width_ratios=[1, 1, 1.1])
for ax, name in zip(axes, ("soft threshold", "hard threshold"), strict=False):
    path, penalty = paths[name][0], circuits[name].penalty_
    level = penalty.alpha if name.startswith("soft") else np.sqrt(2 * penalty.alpha)
    active_last = path.codes[-1] != 0
    ax.plot(path.time, path.potentials[:, ~active_last], color="0.75", linewidth=0.5)
    ax.plot(path.time, path.potentials[:, active_last], color=colours[name], linewidth=1.2)
    ax.axhspan(-level, level, color="#f0e442", alpha=0.3, linewidth=0, label="below threshold")
    ax.legend(frameon=False, fontsize=8, loc="upper left")
    ax.set(xlabel="time [time constants]", ylabel="membrane potential", title=name, xscale="symlog")
    ax.set(xlim=(0, 40), xticks=[0, 1, 10, 40], xticklabels=["0", "1", "10", "40"])
for name, of_patches in paths.items():
    mean = np.mean([path.objective for path in of_patches[1:]], axis=0)
    axes[2].semilogy(path.time, mean, color=colours[name], label=name)
    axes[2].axhline(bests[name], color=colours[name].replace("#009e73", "#0072b2"), linestyle="--", linewidth=0.8)
axes[2].set(xlabel="time [time constants]", ylabel="objective", xlim=(0, 40))
axes[2].set_title("mean of 100 patches (dashed: SparseCoder)")
axes[2].yaxis.set_major_formatter("{x:g}")
axes[2].yaxis.set_minor_formatter("{x:g}")
axes[2].legend(frameon=False, fontsize=8)

fields, learning, rates, bars = bottom.subplots(1, 4, width_ratios=[1.1, 1, 1, 0.9])
mosaic(net.components_[gabor.fvu.argsort()], ax=fields).set_title("SAILnet, best Gabor fits first")
epochs = 1 + history["epoch"]
learning.semilogy(epochs, history["rate"], "o-", markersize=4, color="#0072b2", label="spikes a neuron and patch")
learning.semilogy(epochs, history["correlation"], "s-", markersize=4, color="#d55e00", label="|correlation| of counts")
learning.axhline(net.target_rate, color="0.5", linestyle=":", label="target rate")
learning.set_yticks([0.005, 0.01, 0.02, 0.05], ["0.005", "0.01", "0.02", "0.05"])
learning.minorticks_off()
learning.set(xlabel="epoch", ylabel="mean over neurons", title="learning")
learning.legend(frameon=False, fontsize=8)
rates.hist(counts.mean(axis=0), np.linspace(0, 0.12, 25), color="#0072b2")
rates.axvline(net.target_rate, color="k", linestyle=":")
rates.set(xlabel="spikes for a patch, on average", ylabel="neurons", title="rates on other patches")
bars.barh(list(errors), list(errors.values()), color=["#0072b2", "#d55e00", "#e69f00", "#009e73"])
bars.invert_yaxis()
bars.set(xlabel="relative error, pooled", title=f"{100 * active:.1f} % active")

figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_lca_sailnet.png", dpi=120)
