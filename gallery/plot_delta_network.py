"""
A network that computes what has changed
========================================

A network looks at films of digits that stand still for three frames and move by a pixel in the fourth, with noise.
Computing every frame anew takes all products of weights and inputs. Skipping the zeros behind rectified units saves
little. Feeding each layer with the changes of its inputs saves most, if what noise changes is not sent: inputs are
rounded to steps, of which every change is sent ("quantizer"), or sent when they are half a step off ("level").

The network is scikit-learn's `MLPClassifier`, trained on single frames. It is run as it is, and after it has learned on
for ten epochs with rounded inputs and a price of changes, as delta activation layers do. Films follow one another as
one stream, cuts included. Numbers to look at: how many times fewer products each takes at an accuracy that is at most a
percent below that of the network. With the price it is right more often as well. Steps that are learned are no better
than fixed ones.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from sparsecode import groups_from_lengths
from sparsecode.temporal import DeltaMLPClassifier, DeltaNetwork

SIDE, N_FRAMES, NOISE, N_COUNTED = 12, 16, 0.03, 3200
rng = np.random.default_rng(0)


def films(digits, labels):
    """Return frames, their labels and the film of each."""
    frames = NOISE * rng.standard_normal((len(digits), N_FRAMES, SIDE, SIDE))
    for film, digit in zip(frames, digits, strict=True):
        y, x = rng.integers(0, SIDE - 8 + 1, 2)
        for t, frame in enumerate(film):
            if t % 4 == 3:
                y, x = np.clip(np.array((y, x)) + rng.integers(-1, 2, 2), 0, SIDE - 8)
            frame[y : y + 8, x : x + 8] += digit.reshape(8, 8) / 16
    X = frames.reshape(-1, SIDE * SIDE).astype(np.float32)
    return X, np.repeat(labels, N_FRAMES), groups_from_lengths([N_FRAMES] * len(digits))


digits, labels = load_digits(return_X_y=True)
split = train_test_split(digits, labels, test_size=0.3, stratify=labels, random_state=0)
X, y, groups = films(split[0], split[2])
X_test, y_test, _ = films(split[1], split[3])

# %%
# Three networks
# --------------
# Steps are in standard deviations of the inputs of each layer; the first is seven times the noise of pixels.
options = {"alpha": 1e-3, "early_stopping": True, "tol": 2e-3, "n_iter_no_change": 3, "random_state": 0}
mlp = MLPClassifier((128, 64), **options).fit(X, y)
options = {"step": (0.8, 0.3, 0.3), "penalty": 20.0, "random_state": 0}
tuned = DeltaMLPClassifier(**options).fit(X, y, groups=groups, network=mlp)
learned = DeltaMLPClassifier(learn_step=True, **options).fit(X, y, groups=groups, network=mlp)


# %%
# Products and accuracy
# ---------------------
def measure(network):
    """Return how many times fewer products a network takes, and its accuracy."""
    right = network.predict(X_test) == y_test
    return network.ops_report(X_test[:N_COUNTED]).attrs["saving"], right.mean()


def curve(name, network, scheme):
    """Return what steps save that are those above, half as large, or larger."""
    shared = {"scale": "absolute", "scheme": scheme, "classes": mlp.classes_, "refresh_every": None}
    found = []
    for size in (0.5, 1, 1.5):
        run = DeltaNetwork(network.layers, threshold=size * tuned.step_ / 2, **shared)
        found.append(measure(run.fit(X[:1])))
    best = max((row for row in found if row[1] >= accuracy - 0.01), default=(1.0, accuracy))
    print(f"{name}, {scheme}: {best[0]:.1f} times fewer products, accuracy {best[1]:.4f}")
    return np.array(found)


accuracy, plain = mlp.score(X_test, y_test), DeltaNetwork.from_sklearn(mlp, X[:1])
counts = plain.ops_report(X_test[:N_COUNTED])
zero_skip = float(counts["dense"].sum() / counts["zero_skip"].sum())
print(f"all products: accuracy {accuracy:.4f}")
print(f"zeros skipped: {zero_skip:.2f} times fewer products")
networks = {"trained without": plain, "learned on": tuned.to_network()}
curves = {(name, scheme): curve(name, networks[name], scheme) for name in networks for scheme in ("quantizer", "level")}
of_learned = measure(learned.to_network())
print(f"learned steps, quantizer: {of_learned[0]:.1f} times fewer products, accuracy {of_learned[1]:.4f}")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained", width_ratios=(1, 1.6))
pictures = X_test[:N_FRAMES].reshape(4, 4, SIDE, SIDE)
left.imshow(np.block([list(row) for row in pictures]), cmap="gray")
left.set_title("16 frames of a film", fontsize=10)
left.set_axis_off()
for (name, scheme), found in curves.items():
    style = {"color": "C0" if name == "trained without" else "C1", "linestyle": "-" if scheme == "level" else "--"}
    right.semilogx(found[:, 0], found[:, 1], "o", label=f"{name}, {scheme}", **style)
right.plot(of_learned[0], of_learned[1], "^", color="C2", label="learned steps, quantizer")
right.axhline(accuracy, color="0.6", linewidth=1)
right.plot(zero_skip, accuracy, "s", color="C3", label="zeros skipped")
right.plot(1, accuracy, "D", color="0.3", label="all products")
right.set(xlabel="times fewer products", ylabel="accuracy")
right.legend(frameon=False, loc="lower left", fontsize=8)
figure.savefig("plot_delta_network.png", dpi=150)
