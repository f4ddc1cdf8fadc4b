"""
A network that computes what has changed
========================================

A network looks at films of digits that stand still for three frames and move by a pixel in the fourth, with noise.
Computing every frame anew takes all products of weights and inputs. Skipping the zeros behind rectified units saves
little. Feeding each layer with the changes of its inputs beyond a threshold, in standard deviations of these, saves
most.

The network is scikit-learn's `MLPClassifier`, trained on single frames, and run by `DeltaNetwork` as it is. Numbers to
look at: how many times fewer products at an accuracy that is less than a percent below that of the network. First
frames, which are sent whole, are left out of savings but for the last number.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from sparsecode import groups_from_lengths
from sparsecode.temporal import DeltaNetwork

SIDE, N_FRAMES, NOISE = 12, 16, 0.03

rng = np.random.default_rng(0)


def films(digits, labels):
    """Return frames, their labels and the number of frames of each film."""
    frames = NOISE * rng.standard_normal((len(digits), N_FRAMES, SIDE, SIDE))
    for film, digit in zip(frames, digits, strict=True):
        y, x = rng.integers(0, SIDE - 8 + 1, 2)
        for t, frame in enumerate(film):
            if t % 4 == 3:
                y, x = np.clip(np.array((y, x)) + rng.integers(-1, 2, 2), 0, SIDE - 8)
            frame[y : y + 8, x : x + 8] += digit.reshape(8, 8) / 16
    return frames.reshape(-1, SIDE * SIDE), np.repeat(labels, N_FRAMES), [N_FRAMES] * len(digits)


digits, labels = load_digits(return_X_y=True)
split = train_test_split(digits, labels, test_size=0.3, stratify=labels, random_state=0)
X, y, lengths = films(split[0], split[2])
X_test, y_test, test_lengths = films(split[1][:200], split[3][:200])
groups = groups_from_lengths(test_lengths)

mlp = MLPClassifier((128, 64), alpha=1e-3, early_stopping=True, tol=2e-3, n_iter_no_change=3, random_state=0)
mlp.fit(X, y)
accuracy = mlp.score(X_test, y_test)

# %%
thresholds = [0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8]
savings, accuracies, counted = [], [], []
for threshold in thresholds:
    network = DeltaNetwork.from_sklearn(mlp, X[:2000], threshold=threshold, refresh_every=None)
    right = network.transform(X_test, groups=groups).argmax(axis=1) == y_test
    counts = network.count_operations(X_test, groups=groups)
    savings.append(counts.attrs["saving"])
    accuracies.append(right.mean())
    counted.append(counts)
    print(
        f"threshold {threshold}: {savings[-1]:.1f} times fewer products, accuracy {accuracies[-1]:.4f}, inputs sent "
        f"{', '.join(f'{share:.1%}' for share in counts['density'].values)}"
    )
zero_skip = float(counted[0]["dense"].sum() / counted[0]["zero_skip"].sum())
print(f"all products: accuracy {accuracy:.4f}")
print(f"zeros skipped: {zero_skip:.2f} times fewer products")
good = [number for number, right in enumerate(accuracies) if right >= accuracy - 0.01]
best = max(good, key=lambda number: savings[number])
later, first = counted[best]["delta"].sum(), counted[best]["first"].sum()
whole = float(counted[best]["dense"].sum() / (later + (first - later) / N_FRAMES))
print(f"at most a percent below: {savings[best]:.1f} times fewer products, {whole:.1f} with first frames of films")

# %%
figure, (left, middle) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained", width_ratios=(1, 1.6))
left.imshow(
    np.block([[X_test[t].reshape(SIDE, SIDE) for t in row] for row in np.arange(16).reshape(4, 4)]), cmap="gray"
)
left.set_title("16 frames of a film", fontsize=10)
left.set_axis_off()
middle.semilogx(savings, accuracies, "o-", label="changes beyond a threshold")
for threshold, saving, value in zip(thresholds, savings, accuracies, strict=True):
    middle.annotate(f"{threshold}", (saving, value), xytext=(4, 5), textcoords="offset points", fontsize=8)
middle.axhline(accuracy, color="0.6", linewidth=1)
middle.plot(zero_skip, accuracy, "s", color="C1", label="zeros skipped")
middle.plot(1, accuracy, "D", color="0.3", label="all products")
middle.set(xlabel="times fewer products", ylabel="accuracy")
middle.legend(frameon=False, loc="lower left")
figure.savefig("plot_delta_network.png", dpi=150)
