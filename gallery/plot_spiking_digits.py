"""
Digits by spikes
================

A perceptron of rectified units becomes a network of neurons that integrate and fire: thresholds take the place of the
scale of each layer, and the rate of spikes that of an activation, in steps of one over the time that an image is shown.
A network that was trained with spikes needs fewer: neurons leak, gradients pass a spike by a surrogate, and a spike has
a price.

Left: images that are right against the number of steps. Right: the same against the weights that spikes add to
potentials, in parts of the products of a perceptron; the first layer, whose input is constant, takes the same products
in all. Numbers to look at: the perceptron, and what spikes lose in 8 steps; means of three seeds.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from sparsecode.temporal import SpikingMLPClassifier, SpikingNetwork

warnings.simplefilter("ignore", ConvergenceWarning)
STEPS = (1, 2, 3, 4, 6, 8, 16)
SEEDS = range(3)
X, y = load_digits(return_X_y=True)
X /= 16


# %%
# Three networks
# --------------
def networks(train, labels, seed):
    """Return a perceptron, and the networks of neurons by name."""
    mlp = MLPClassifier((128, 64), max_iter=60, random_state=seed).fit(train, labels)
    options = {"hidden_layer_sizes": (128, 64), "max_iter": 15, "random_state": seed, "n_steps": 8}
    trained = SpikingMLPClassifier(**options).fit(train, labels)
    sparing = SpikingMLPClassifier(surrogate="atan", rate_penalty=1.0, **options).fit(train, labels)
    return mlp, {
        "converted": SpikingNetwork.from_sklearn(mlp, train),
        "trained": trained.to_network(),
        "trained, spikes at a price": sparing.to_network(),
    }


def measure(network, test, labels):
    """Return shares of images that are right, and weights that spikes add, for all numbers of steps."""
    right, added = [], []
    for n_steps in STEPS:
        network.set_params(n_steps=n_steps)
        counts = network.ops_report(test[:100])
        right.append(network.score(test, labels))
        added.append(float(counts["events"][1:].sum() / counts["dense"][1:].sum()))
    return right, added


perceptron, curves = [], {}
for seed in SEEDS:
    train, test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=seed, stratify=y)
    mlp, spiking = networks(train, y_train, seed)
    perceptron.append(mlp.score(test, y_test))
    for name, network in spiking.items():
        curves.setdefault(name, []).append(measure(network, test, y_test))

# %%
# Shares that are right
# ---------------------
dense = 100 * np.mean(perceptron)
print(f"perceptron: {dense:.1f} % right")
means = {name: np.mean(parts, axis=0) for name, parts in curves.items()}
for name, (right, added) in means.items():
    shown = ", ".join(f"{100 * right[STEPS.index(n)]:.1f} % in {n}" for n in (2, 4, 8, 16))
    print(f"{name}: {shown} steps; weights added in 8 steps: {added[STEPS.index(8)]:.2f} of the products")
print(f"converted in 8 steps, points below the perceptron: {dense - 100 * means['converted'][0][STEPS.index(8)]:.2f}")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
styles = zip(("#0072b2", "#d55e00", "#009e73"), ("o-", "s--", "^:"), strict=True)
for (name, (share, added)), (colour, style) in zip(means.items(), styles, strict=True):
    left.semilogx(STEPS, 100 * share, style, color=colour, base=2, label=name)
    right.semilogx(added, 100 * share, style, color=colour, label=name)
for axes in (left, right):
    axes.axhline(dense, color="0.6", linewidth=1, label="perceptron")
left.set(xlabel="steps for which an image is shown", ylabel="right, %", ylim=(60, 100))
left.xaxis.set_major_formatter("{x:g}")
right.set(xlabel="weights added for spikes over products after the first layer")
left.legend(frameon=False, loc="lower right")
figure.savefig("plot_spiking_digits.png", dpi=150)
