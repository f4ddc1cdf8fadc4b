"""
Photographs recognised by dendrites on sparse codes
===================================================

From pixels to dendrites in one Pipeline: the patches of a piece of a photograph (48 x 48 pixels, whitened) are coded by
256 learned atoms, their codes are averaged and spread over 4096 cells by a sparse random projection, the 160 cells that
get most become active, and each piece that is learned gets a segment with synapses onto these, on the neuron of its
photograph. Nine photographs are cut into 3 x 3 squares like a chessboard: pieces to learn from lie in the black ones,
those to be recognised in the white ones.

The numbers to look at: pieces recognised by dendrites and by the nearest piece in the same active cells, and by
logistic regression on active cells, on codes and on pixels; means over three draws of pieces, and standard deviations.
Dendrites, which learn each piece at once, do better than the nearest piece once there are many. Logistic regression
weighs all cells, in hundreds of passes, and is better still: of the 0.05 between dendrites and logistic regression on
codes, 0.03 is lost where codes become active cells. On pixels a linear classifier is little above chance, one in nine.

"4 x 4 places" are the codes, and winners, that `plot_memory_of_photographs.py` stores, unchanged. They say what is
where, so that a piece can be completed; a texture is the same wherever it is, and dendrites on these do much worse.
"""

import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler
from sklearn.random_projection import SparseRandomProjection

from sparsecode import PatchEncoder, SparseCoder, Whitener
from sparsecode.datasets import PHOTOGRAPHS, natural_images
from sparsecode.dendrites import ActiveDendriteClassifier, DendriticSegmentDetector
from sparsecode.sdr import KWinners

warnings.filterwarnings("ignore", message="The number of components is higher")  # as it is meant to be
SIDE, SIZE, NUMBERS, SEEDS = 300, 48, (5, 10, 20, 40, 80), 3
photographs = Whitener().fit_transform(np.array(natural_images(side=SIDE)))


def pieces(rng, n, black):
    """n random pieces of the black or the white squares of each photograph, and the number of the photograph."""
    squares = np.array([(i, j) for i in range(3) for j in range(3) if ((i + j) % 2 == 0) == black])
    X = []
    for _ in range(n):
        for photograph in photographs:
            top, left = SIDE // 3 * squares[rng.integers(len(squares))] + rng.integers(0, SIDE // 3 - SIZE + 1, 2)
            X.append(photograph[top : top + SIZE, left : left + SIZE].ravel())
    return np.array(X), np.tile(np.arange(len(photographs)), n)


def places(seed):
    """Codes that keep what is where, and dendrites on the winners of these."""
    coder = SparseCoder(96, alpha=0.4, max_iter=3, random_state=seed)
    codes = PatchEncoder(coder, patch_size=8, stride=4, grid=(4, 4), input_shape=(SIZE, SIZE), random_state=seed)
    dendrites = ActiveDendriteClassifier(DendriticSegmentDetector(40, false_positive_rate=0.01), random_state=seed)
    return make_pipeline(codes, KWinners(40, sign="positive", sparse_output=True), dendrites)


def pipeline(seed):
    """Codes averaged over the piece, spread over many cells, and dendrites on the most active ones."""
    coder = SparseCoder(256, n_nonzero_coefs=5, max_iter=3, random_state=seed)
    pooled = PatchEncoder(
        coder, patch_size=8, stride=4, pool="mean", grid=1, input_shape=(SIZE, SIZE), random_state=seed
    )
    spread = SparseRandomProjection(4096, density=1 / 16, random_state=seed)
    dendrites = ActiveDendriteClassifier(DendriticSegmentDetector(160, false_positive_rate=0.01), random_state=seed)
    return make_pipeline(pooled, StandardScaler(), spread, KWinners(160, sparse_output=True), dendrites)


def regression(C):
    return make_pipeline(MaxAbsScaler(), LogisticRegression(C=C, max_iter=500))


names = [
    "dendrites",
    "nearest piece",
    "active cells",
    "codes",
    "pixels",
    "dendrites, 4 x 4 places",
    "codes, 4 x 4 places",
]
right = {name: np.zeros((SEEDS, len(NUMBERS))) for name in names}
for seed in range(SEEDS):
    rng = np.random.default_rng(seed)
    (X, y), (X_test, y_test) = pieces(rng, NUMBERS[-1], black=True), pieces(rng, 40, black=False)
    model = pipeline(seed).fit(X, y)
    found = model.predict(X_test)
    codes, codes_test = (model[:1].transform(rows) for rows in (X, X_test))
    active, active_test = (model[1:4].transform(rows) for rows in (codes, codes_test))
    placed = places(seed).fit(X, y)
    placed_codes = [placed[:1].transform(rows) for rows in (X, X_test)]
    placed_active = [placed[1].transform(rows) for rows in placed_codes]
    for column, n in enumerate(NUMBERS):
        here = slice(0, n * len(photographs))
        # The encoder has seen all pieces, without labels
        for name, classifier, (rows, rows_test) in (
            ("dendrites", model[-1], (active, active_test)),
            ("codes", regression(C=10), (codes, codes_test)),
            ("active cells", LogisticRegression(C=0.02, max_iter=500), (active, active_test)),
            ("nearest piece", KNeighborsClassifier(1), (active, active_test)),
            ("pixels", make_pipeline(StandardScaler(), LogisticRegression(C=1e-3, max_iter=200)), (X, X_test)),
            ("dendrites, 4 x 4 places", placed[-1], placed_active),
            ("codes, 4 x 4 places", regression(C=1), placed_codes),
        ):
            right[name][seed, column] = classifier.fit(rows[here], y[here]).score(rows_test, y_test)

print("pieces of each photograph  " + "".join(f"{n:>16d}" for n in NUMBERS))
for name, shares in right.items():
    cells = zip(shares.mean(axis=0), shares.std(axis=0, ddof=min(1, SEEDS - 1)), strict=True)
    print(f"{name:26s} " + "".join(f"{mean:8.3f} +- {spread:.3f}" for mean, spread in cells))

figure, (left, middle) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained", width_ratios=[1.2, 1])
for (name, shares), colour in zip(
    right.items(), ["#0072b2", "#d55e00", "#cc79a7", "#009e73", "0.5", "#0072b2", "#009e73"], strict=True
):
    label = name if name.startswith(("dendrites", "nearest piece")) else f"logistic regression on {name}"
    options = {"color": colour, "marker": "o", "markersize": 4, "capsize": 2, "label": label}
    options["linestyle"] = "--" if "places" in name else "-"
    left.errorbar(NUMBERS, shares.mean(axis=0), shares.std(axis=0, ddof=min(1, SEEDS - 1)), **options)
left.axhline(1 / len(photographs), color="0.7", linewidth=0.8, linestyle=":")
left.set(xlabel="pieces of each photograph to learn from", ylabel="share of other pieces recognised", xscale="log",
         ylim=(0, 1))  # fmt: skip
left.set_xticks(NUMBERS, [str(n) for n in NUMBERS])
left.minorticks_off()
left.legend(frameon=False, fontsize=8)
table = np.zeros((len(PHOTOGRAPHS), len(PHOTOGRAPHS)))
np.add.at(table, (y_test, found), 1 / 40)
middle.imshow(table, cmap="Blues", vmin=0, vmax=1)
middle.set_xticks(range(len(PHOTOGRAPHS)), PHOTOGRAPHS, rotation=60, ha="right")
middle.set_yticks(range(len(PHOTOGRAPHS)), PHOTOGRAPHS)
for (row, column), share in np.ndenumerate(table):
    if share >= 0.1:
        middle.text(
            column, row, f"{share:.1f}", ha="center", va="center", color="w" if share > 0.5 else "k", fontsize=8
        )
middle.set(xlabel="photograph that dendrites name", ylabel="photograph", title="pieces of white squares")

figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_dendrite_patches.png", dpi=120)
