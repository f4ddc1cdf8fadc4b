"""
Digits completed from a fifth of them
=====================================

A macrocolumn stores each image in one trial, and recalls it from a part. Its inputs must be sparse, and differ where
images differ: here an input says which of 15 patterns (all but empty) the 2 x 2 pixels at a place have. A digit has 31
of these 735 inputs on average. One hundred digits are stored, once; cues are a fifth of the active inputs of each, at
random. Recall sets the winners of each module, and reads the inputs from which most of them have weights.

A familiarity G tells what was stored from what was not. It asks how much of what is there is known, so that a cue is as
familiar as the whole image. Other digits share strokes with stored ones and are less familiar, more so if inputs are
shuffled over the image.

The numbers to look at: overlap (Jaccard) of completed and stored inputs, of cues 0.2; how many of the stored digits are
more familiar than how many of the others. Digits resemble each other, so that a rule with a high floor of familiarity
(0.9), which takes most of them for novel, keeps their codes apart: with the default it is 0.63.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

from sparsecode.sdr import MacrocolumnMemory, Selection

N_STORED, SHARE, SHOWN = 100, 0.2, range(10)
rng = np.random.default_rng(0)
images = load_digits().images > 7


def patterns(images):
    """One input for each place and each of the 15 patterns of 2 x 2 pixels."""
    windows = np.lib.stride_tricks.sliding_window_view(images, (2, 2), axis=(1, 2)).reshape(len(images), 49, 4)
    return ((windows @ [1, 2, 4, 8])[..., None] == np.arange(1, 16)).reshape(len(images), -1)


def pixels(inputs):
    """Share of the patterns over each pixel that have it on, of those that are active there."""
    bits = np.arange(1, 16)[:, None] >> np.arange(4) & 1
    votes = (inputs.reshape(-1, 49, 15) @ bits).reshape(-1, 7, 7, 2, 2)
    asked = inputs.reshape(-1, 7, 7, 15).any(axis=-1)
    on, counts = np.zeros((len(inputs), 8, 8)), np.zeros((len(inputs), 8, 8))
    for dy in range(2):
        for dx in range(2):
            on[:, dy : dy + 7, dx : dx + 7] += votes[..., dy, dx]
            counts[:, dy : dy + 7, dx : dx + 7] += asked
    return on / np.maximum(counts, 1)


def jaccard(a, b):
    return ((a & b).sum(axis=1) / (a | b).sum(axis=1)).mean()


X, others = np.split(patterns(images), [N_STORED])
cues = X & (rng.random(X.shape) < SHARE)
cues[~cues.any(axis=1)] = X[~cues.any(axis=1)]
memory = MacrocolumnMemory(n_units=100, selection=Selection(floor=0.9), random_state=0).fit(X)
completed = memory.recall(cues)
default = MacrocolumnMemory(n_units=100, random_state=0).fit(X).recall(cues)
print(f"active inputs {X.sum(axis=1).mean():.1f} of {X.shape[1]}")
print(f"overlap with the stored digit: cue {jaccard(cues, X):.2f}, completed {jaccard(completed, X):.2f}")
print(f"default rule: completed {jaccard(default, X):.2f}")

groups = {"stored digits": X, "a fifth of them": cues, "other digits": others,
          "shuffled digits": rng.permuted(others, axis=1)}  # fmt: skip
familiarity = {name: memory.familiarity(rows) for name, rows in groups.items()}
for name, values in familiarity.items():
    print(f"{name}: familiarity {values.mean():.2f}")
for name in ("other digits", "shuffled digits"):
    truth = np.repeat([1, 0], [len(X), len(groups[name])])
    area = roc_auc_score(truth, np.concatenate([familiarity["stored digits"], familiarity[name]]))
    print(f"stored against {name}: area under the curve {area:.3f}")

figure, (left, right) = plt.subplots(1, 2, figsize=(13, 4.2), layout="constrained", width_ratios=[1.5, 1])
rows = {"stored": X, "cue": cues, "completed": completed}
height, width = 9, 9
canvas = np.full((height * len(rows), width * len(SHOWN)), 0.5)
for r, inputs in enumerate(rows.values()):
    for c, image in enumerate(pixels(inputs[SHOWN])):
        canvas[height * r : height * r + 8, width * c : width * c + 8] = image
left.imshow(canvas, cmap="gray", interpolation="nearest", vmin=0, vmax=1)
left.set_yticks([height * r + 3.5 for r in range(len(rows))], list(rows))
left.set_xticks([])
left.set_title(f"{N_STORED} digits stored once, recalled from {100 * SHARE:.0f} % of their inputs")
for (name, values), colour in zip(familiarity.items(), ["#0072b2", "#56b4e9", "#e69f00", "#d55e00"], strict=True):
    weights = np.full(len(values), 1 / len(values))
    right.hist(values, np.linspace(0, 1.0001, 41), weights=weights, histtype="step", linewidth=1.5, color=colour,
               label=name)  # fmt: skip
right.set(xlabel="familiarity G", ylabel="share of the images", title="novelty")
right.legend(frameon=False, fontsize=8, loc="upper left")

figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_memory_completion.png", dpi=120)
