"""
Digits seen through windows: memories on a grid, level upon level
=================================================================

One macrocolumn that sees a whole image gives it one code, in one trial. On a grid each macrocolumn sees a window, and
the code of an image is that of all of them; on a second level each macrocolumn sees a window of the first, whose units
are its inputs. No labels and no errors take part in learning: units that won keep the weights from what was active, and
freeze once they have enough. Without that the units that win most become those that win always, and a warning says so.

What do codes tell of the class? They are read by naive Bayes, which counts winners with classes, as a Hebbian field of
classes would, and by logistic regression. For one memory and naive Bayes this is `MacrocolumnClassifier`. Windows help.
Levels above see more, but each of their codes is one of few, and classes are told apart less. Recall is another matter:
one macrocolumn recalls shapes that it has stored, windows what is typical at each place, and levels above even less.

The numbers to look at: digits that were not seen in learning and are classified right, means of three draws of 1000 to
learn from; pixels by the same readers; without freezing.
"""

import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import BernoulliNB

from sparsecode.sdr import MacrocolumnHierarchy, MacrocolumnMemory

N_SEEN, SHOWN = 1000, 8
X, y = load_digits(return_X_y=True)
X = X > 7
large = MacrocolumnMemory(70, 20, freeze_fraction="auto")
setups = {
    "one macrocolumn": {"windows": (8,), "memories": large},
    "windows of 3 x 3": {"windows": (3,)},
    "two levels": {"windows": (3, 2)},
    "three levels": {"windows": (3, 2, 2)},
    "two levels, no freezing": {"windows": (3, 2), "memories": MacrocolumnMemory(10, 20)},
}
readers = {"naive Bayes": BernoulliNB(alpha=0.1), "logistic regression": LogisticRegression(C=0.1, max_iter=300)}


def read(codes, labels, others, other_labels):
    """Percent of the others that each reader has right."""
    return [100 * reader.fit(codes, labels).score(others, other_labels) for reader in readers.values()]


right, recalled = {"pixels": []} | {name: [] for name in setups}, {}
for draw in range(3):
    order = np.random.default_rng(draw).permutation(len(X))
    seen, others = order[:N_SEEN], order[N_SEEN:]
    right["pixels"].append(read(X[seen], y[seen], X[others], y[others]))
    for name, params in setups.items():
        hierarchy = MacrocolumnHierarchy(**params, input_shape=(8, 8), sparse_output=True, random_state=draw)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            hierarchy.fit(X[seen])
        codes, other_codes = hierarchy.transform(X[seen]), hierarchy.transform(X[others])
        right[name].append(read(codes, y[seen], other_codes, y[others]))
        if draw == 0:
            recalled[name] = hierarchy.inverse_transform(other_codes[:SHOWN])
            words = f", {len(told)} warnings" if told else ""
            print(
                f"{name}: grids {hierarchy.grids_}, {codes.sum() / N_SEEN:.0f} of {codes.shape[1]} units active{words}"
            )
            recalled["digits"] = X[others[:SHOWN]]

means = {name: np.mean(shares, axis=0) for name, shares in right.items()}
for name, shares in means.items():
    print(f"{name}: " + ", ".join(f"{reader} {share:.1f} %" for reader, share in zip(readers, shares, strict=True)))

figure, (left, end) = plt.subplots(1, 2, figsize=(13, 4.6), layout="constrained", width_ratios=[1, 1.3])
rows = {"digits": recalled.pop("digits")} | recalled
canvas = np.full((9 * len(rows), 9 * SHOWN), 0.4)
for r, images in enumerate(rows.values()):
    for c, image in enumerate(images):
        canvas[9 * r : 9 * r + 8, 9 * c : 9 * c + 8] = image.reshape(8, 8)
left.imshow(canvas, cmap="gray", interpolation="nearest")
left.set_yticks(9 * np.arange(len(rows)) + 3.5, list(rows))
left.set_xticks([])
left.set_title("what codes recall, of digits that were not seen")
for place, (reader, colour) in enumerate(zip(readers, ["#56b4e9", "#0072b2"], strict=True)):
    heights = [shares[place] for shares in means.values()]
    bars = end.bar(np.arange(len(means)) + 0.4 * (place - 0.5), heights, 0.38, color=colour, label=reader)
    end.bar_label(bars, fmt="%.0f", fontsize=8)
end.set_xticks(range(len(means)), [name.replace(", ", ",\n") for name in means], rotation=20)
end.set(ylabel="digits classified right (%)", ylim=(0, 110))
end.legend(frameon=False, ncols=2, loc="upper center")

figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_memory_hierarchy.png", dpi=120)
