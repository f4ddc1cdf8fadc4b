"""
Patches of photographs, stored once and recalled from a half
============================================================

From pixels to memory in one Pipeline: a dictionary of 8 x 8 patches codes 32 x 32 pieces of whitened photographs, the
largest coefficient of each atom in each of 4 x 4 regions is kept, the 40 largest of these 3072 win, and a macrocolumn
stores the winners in one trial. Winners say what is where. A piece whose right half is blank keeps most of those of its
left half, and the memory adds the others.

The numbers to look at: pieces whose 40 winners are all recalled, and only these, from the half; the overlap (Jaccard)
of cue and stored winners, and of recalled and stored ones; and how well familiarity tells halves of stored pieces from
halves of others. Half of the pixels make a cue of half as many winners: with 40, the second half of them would be
places where little is, and the last number says what that costs. Means of five seeds, each with other pieces and its
own dictionary, with the least and the largest, which are lines on the bars.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline

from sparsecode import PatchEncoder, PatchExtractor, SparseCoder, Whitener
from sparsecode.datasets import natural_images
from sparsecode.sdr import KWinners, MacrocolumnMemory, k_winners

SIDE, WINNERS, STORED, SEEDS = 32, 40, [50, 200, 800], range(5)

images = Whitener().fit_transform(natural_images())


def pieces(seed):
    """Pieces to store and others, without the third whose left half has least contrast: sky shows nothing."""
    X = PatchExtractor(SIDE, n_patches=2400, center=True, random_state=seed).fit_transform(images).astype(np.float32)
    contrast = left_half(X).std(axis=1)
    X = X[contrast > np.quantile(contrast, 1 / 3)]
    return X[:800], X[1000:]


def left_half(X):
    X = X.reshape(-1, SIDE, SIDE).copy()
    X[:, :, SIDE // 2 :] = 0
    return X.reshape(len(X), -1)


def jaccard(a, b):
    return ((a & b).sum(axis=1) / np.maximum((a | b).sum(axis=1), 1)).mean()


def run(seed, n):
    """Store n pieces; return measures of recall and familiarity, and what is needed to draw a piece."""
    X, others = pieces(seed)
    shape = {"patch_size": 8, "stride": 4, "grid": (4, 4), "input_shape": (SIDE, SIDE)}
    encoder = PatchEncoder(SparseCoder(96, alpha=0.4, max_iter=3, random_state=seed), random_state=seed, **shape)
    memory = MacrocolumnMemory(70, 50, random_state=seed)
    pipeline = make_pipeline(encoder, KWinners(WINNERS, sign="positive"), memory).fit(X[:n])
    winners = pipeline[:-1].transform(X[:n])
    halves, other_halves = (encoder.transform(left_half(rows)) for rows in (X[:n], others[:200]))
    cues, novel = (k_winners(codes, WINNERS // 2) for codes in (halves, other_halves))
    recalled, by_all = memory.recall(cues), memory.recall(k_winners(halves, WINNERS))
    known = memory.familiarity(cues), memory.familiarity(novel)
    area = roc_auc_score(np.repeat([1, 0], [len(known[0]), len(known[1])]), np.concatenate(known))
    right, right_by_all = ((found == winners).all(axis=1).mean() for found in (recalled, by_all))
    return np.array([right, jaccard(cues, winners), jaccard(recalled, winners), area, right_by_all]), known


figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
names = ["recalled without an error", "overlap of the cue", "overlap of what is recalled", "area: stored or not",
         f"without an error by {WINNERS} winners"]  # fmt: skip
for i, n in enumerate(STORED):
    runs = [run(seed, n) for seed in SEEDS]
    values = np.array([measures for measures, _ in runs])
    mean, least, most = values.mean(axis=0), values.min(axis=0), values.max(axis=0)
    colour = ["#56b4e9", "#0072b2", "#000000"][i]
    left.bar(
        np.arange(4) + 0.27 * (i - 1),
        mean[:4],
        0.25,
        yerr=np.array([mean - least, most - mean])[:, :4],
        color=colour,
        ecolor="0.5",
        label=f"{n} stored",
    )
    print(f"{n} stored:")
    for name, *value in zip(names, mean, least, most, strict=True):
        print("    {}: {:.3f} ({:.3f} to {:.3f})".format(name, *value))
    if n == 200:
        bins = np.linspace(0, 1, 41)
        for rows, label, shade in zip(runs[0][1], ("stored", "others"), ("#0072b2", "#d55e00"), strict=True):
            right.hist(rows, bins, density=True, color=shade, alpha=0.7, label=f"left halves of {label}")
left.set_xticks(range(4), [name.replace(" ", "\n", 1).replace(" of ", "\nof ") for name in names[:4]], fontsize=8)
left.set(ylabel="share, or overlap", title="recall from the left half")
left.legend(frameon=False, fontsize=8, loc=(0.3, 0.7))
right.set(xlabel="familiarity G", ylabel="density", title="200 stored")
right.legend(frameon=False)

name = "plot_memory_of_photographs.png"
figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else name, dpi=150)
