"""
From pixels to a neuron that knows a digit
==========================================

Dendrites count synapses, and that works where few cells are active. Pixels of a digit above a threshold are not few:
`ImageThreshold` makes a third of them ones, and what two digits have in common sets off each other's segments. A
`SpatialPooler` codes the same bits by the 20 of 1024 columns that see most of them; these are few, and learn what
occurs together. One `DendriticNeuron` for each digit then learns from its images, one segment for each, and calibrates
its thresholds on images of other digits.

The numbers to look at: how many images of its digit that it has not seen set off a neuron, and how many of others. From
bits it is 44 and 1.6 per cent, from columns 78 and 0.8; the columns are worth as much before they have learned (75 and
1.0), so that it is the sparseness that counts. (Of two other halves of the data 48 and 50, and 73 and 74 per cent.) A
neuron is no classifier: the nearest of all stored images by
`SDRNearestNeighbors`, which forgets nothing, is of the right digit for 93 per cent with bits and 91 with columns. What
the pooler costs is robustness: with a fifth of the bits moved the nearest neighbour by bits is right for 77 per cent,
by columns for 61.

Columns as in Y. Cui, S. Ahmad and J. Hawkins, "The HTM spatial pooler: a neocortical algorithm for online sparse
distributed coding", Front. Comput. Neurosci. 11:111 (2017).
"""

import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sparsecode.dendrites import DendriticNeuron, DendriticSegmentDetector
from sparsecode.sdr import ImageThreshold, SDRNearestNeighbors, SpatialPooler, add_noise

NOISE = [0.0, 0.1, 0.2, 0.3, 0.4]
COLOURS = {"bits": "#999999", "columns, random": "#e69f00", "columns, learned": "#0072b2"}

X, y = load_digits(return_X_y=True)
train, test, y_train, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)
to_bits = ImageThreshold().fit(train)
stored, seen = to_bits.transform(train), to_bits.transform(test)


def pooler(rate):
    """Columns whose permanences change at a rate; without it only how often they may win is learned."""
    rates = {"permanence_increment": 0.05 * rate, "permanence_decrement": 0.008 * rate}
    return SpatialPooler(1024, n_winners=20, max_iter=5, random_state=0, **rates).fit(stored)


coders = {"bits": lambda rows: rows, "columns, random": pooler(0).transform, "columns, learned": pooler(1).transform}

# %%
# A neuron for each digit, and the nearest of all stored images for comparison.
warnings.filterwarnings("ignore", ".* segments answer")  # to some others, whose digits are alike
answers, nearest = {}, {}
for name, code in coders.items():
    rows, queries = code(stored), code(seen)
    rates = []
    for digit in range(10):
        detector = DendriticSegmentDetector(20, false_positive_rate=1e-4, random_state=0)
        fires = DendriticNeuron(detector).fit(rows, y_train == digit).predict(queries)
        rates.append([fires[y_test == digit].mean(), fires[y_test != digit].mean()])
    answers[name] = 100 * np.array(rates)
    search = SDRNearestNeighbors(1).fit(rows)
    noisy = [code(add_noise(seen, share, random_state=0)) for share in NOISE]
    found = [y_train[search.kneighbors(q, return_distance=False)[:, 0]] for q in noisy]
    nearest[name] = [100 * np.mean(labels == y_test) for labels in found]
    hits, false = answers[name].mean(axis=0)
    print(
        f"{name}: {100 * rows.mean():.1f} % active; neurons answer to {hits:.1f} % of their digits, {false:.2f} % of "
        f"others; nearest neighbour right {nearest[name][0]:.1f} %, with noise {nearest[name][2]:.1f} %"
    )

# %%
figure = plt.figure(figsize=(13, 4.2), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=(1, 2.6))
pictures = {"image": (test[0].reshape(8, 8), "gray"), "bits": (seen[0].reshape(8, 8), "gray")}
pictures["columns, learned"] = (coders["columns, learned"](seen[:1]).reshape(32, 32), "gray_r")
grid = left.subplot_mosaic([["image", "bits"], ["columns, learned", "columns, learned"]], height_ratios=[1, 1.6])
for name, (picture, colours) in pictures.items():
    grid[name].imshow(picture, cmap=colours, interpolation="nearest")
    grid[name].set(xticks=[], yticks=[])
    grid[name].set_title(name, fontsize=10)

ax, lines = right.subplots(1, 2)
for (name, rates), marker in zip(answers.items(), "sov", strict=True):
    ax.plot(rates[:, 1], rates[:, 0], marker, color=COLOURS[name], label=name, alpha=0.8)
    lines.plot([100 * share for share in NOISE], nearest[name], marker + "-", color=COLOURS[name], label=name)
ax.set(xlabel="answers to other digits (%)", ylabel="answers to its digit (%)", title="ten neurons", ylim=(0, 101))
lines.set(xlabel="ones that were moved (%)", ylabel="right (%)", title="nearest stored image", ylim=(0, 101))
for axis in (ax, lines):
    axis.legend(frameon=False)
    axis.spines[["top", "right"]].set_visible(False)
figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_pixels_to_neuron.png", dpi=120)
