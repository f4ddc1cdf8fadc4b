"""
Thresholds for real activity
============================

Laws of error rates take activity as random. Digits are not: here each of scikit-learn's becomes 40 active of 2048
cells, by a random projection of its pixels, and each of 1257 gets a segment of 30 synapses. Left: overlaps of segments
with digits of other classes, and what the law of random activity makes of them. Right: how often segments answer to
other digits of other classes, for what was asked for: with the threshold that the law gives, and with those that
`DendriticSegmentDetector` finds for each segment on the digits it learns from.

The numbers to look at: at a threshold of 10 the law says 5.6e-11, and it happens some forty million times as often.
With calibrated thresholds 0.7 to 1.1 of what was asked for happens, with that of the law 10 to 180 times as much. Soft
votes of the calibrated segments are right for 94 to 97 % of the digits.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sparsecode.dendrites import ActiveDendriteClassifier, DendriticSegmentDetector
from sparsecode.dendrites.theory import false_positive_rate, min_threshold
from sparsecode.sdr import k_winners

N_CELLS, N_ACTIVE, N_SYNAPSES = 2048, 40, 30
rng = np.random.default_rng(0)
X, y = load_digits(return_X_y=True)
seen = rng.permuted(np.arange(X.shape[1])[:, None] < np.full(N_CELLS, 16), axis=0)  # pixels of each cell
weights = rng.normal(size=seen.shape) * seen
rows = k_winners((X - X.mean(axis=0)) @ weights, N_ACTIVE)
train, test, y_train, y_test = train_test_split(rows, y, test_size=0.3, stratify=y, random_state=0)


def answers(detector):
    """Share of the segments that answer to test digits of other classes, and of their own."""
    active, same = detector.transform(test), y_test[:, None] == detector.owners_
    return active[~same].mean(), active[same].mean()


results = {}
print("asked   law: threshold, happens, own class   calibrated: threshold, happens, own class   votes right")
for rate in (1e-2, 3e-3, 1e-3, 3e-4):
    theta = min_threshold(N_CELLS, N_ACTIVE, N_SYNAPSES, rate)
    by_law = answers(DendriticSegmentDetector(N_SYNAPSES, threshold=theta, random_state=0).fit(train, y_train))
    classifier = ActiveDendriteClassifier(DendriticSegmentDetector(false_positive_rate=rate), random_state=0)
    detector = classifier.fit(train, y_train).detector_
    measured, votes, mean = answers(detector), classifier.score(test, y_test), detector.thresholds_.mean()
    results[rate] = by_law[0], measured[0]
    print(f"{rate:6.4f}  law: {theta}, {by_law[0]:.5f}, {by_law[1]:.3f}  calibrated: {mean:.1f}, "
          f"{measured[0]:.5f}, {measured[1]:.3f}   votes right: {votes:.3f}")  # fmt: skip

overlaps = detector.set_params(output="overlap").transform(test)
foreign = overlaps[y_test[:, None] != detector.owners_].astype(int)
counts = np.arange(N_SYNAPSES + 1)
happens = np.bincount(foreign, minlength=N_SYNAPSES + 1)[::-1].cumsum()[::-1] / len(foreign)
law = false_positive_rate(N_CELLS, N_ACTIVE, N_SYNAPSES, counts)
print(f"threshold of 10: the law {law[10]:.1e}, measured {happens[10]:.1e}")

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
left.semilogy(counts, law, color="0.5", label="random activity, by the law")
left.semilogy(counts[happens > 0], happens[happens > 0], "o-", color="#d55e00", markersize=4, label="other digits")
left.set(xlabel="threshold", ylabel="share of segments that answer", ylim=(1e-12, 2), title="digits of other classes")
left.legend(frameon=False)
asked = list(results)
right.loglog(asked, asked, color="0.5", label="what was asked for")
for column, name, colour, marker in ((0, "thresholds of the law", "#d55e00", "s"), (1, "calibrated", "#0072b2", "o")):
    right.loglog(asked, [result[column] for result in results.values()], marker, color=colour, label=name)
right.set(xlabel="rate of false positives asked for", ylabel="measured on other digits", title="asked for and got")
right.legend(frameon=False)

name = Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_dendrite_calibration.png"
figure.savefig(name, dpi=120)
