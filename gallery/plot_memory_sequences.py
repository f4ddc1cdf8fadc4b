"""
Moving shapes stored once, and replayed from their first frame
==============================================================

A memory of sequences stores each frame in the context of the one before: its units are supported by the pixels, and by
the units that were active last. So a frame has a code for each way to it, and each code leads to the one after. Here a
square crosses the image from left to right, from top to bottom, and along a diagonal: the three meet in one frame, and
each has to go on in its own direction. A ring grows, and a bar turns.

All are stored in one pass. Then each is replayed from its first frame alone: no pixel is shown from then on. The
familiarity of a sequence, the mean over its frames, tells the order of frames: the same frames backwards, or shuffled,
are less familiar in time, though the memory knows each of them by itself.

The numbers to look at: replayed frames that are right in all pixels; agreement of the codes of the frame that three
sequences share (chance is 1 / 20 of the modules); familiarity forwards, backwards, shuffled, and without context.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sparsecode import groups_from_lengths
from sparsecode.sdr import SequenceMemory

SIDE, LENGTH, MEETING = 21, 9, 4
y, x = np.mgrid[:SIDE, :SIDE] - SIDE // 2


def outline(centre_y, centre_x):
    """A square of 5 x 5 pixels without what is within."""
    distance = np.maximum(abs(y - centre_y), abs(x - centre_x))
    return distance == 2


def bar(angle):
    return (abs(x * np.sin(angle) - y * np.cos(angle)) < 0.6) & (np.hypot(x, y) < 9)


steps = 2 * (np.arange(LENGTH) - MEETING)
movies = {
    "to the right": [outline(0, s) for s in steps],
    "downwards": [outline(s, 0) for s in steps],
    "diagonally": [outline(s, s) for s in steps],
    "a ring grows": [abs(np.hypot(x, y) - (2 + t)) < 0.5 for t in range(LENGTH)],
    "a bar turns": [bar(np.pi * t / LENGTH) for t in range(LENGTH)],
}
X = np.array(list(movies.values())).reshape(-1, SIDE * SIDE)
groups = groups_from_lengths([LENGTH] * len(movies))
memory = SequenceMemory(random_state=0).fit(X, groups=groups)
active = X.sum(axis=1).mean()
print(f"{len(X)} frames, {active:.0f} of {X.shape[1]} pixels active; room for {memory.capacity_estimate_:.0f}")

starts = LENGTH * np.arange(len(movies))
replayed = np.array([memory.recall_sequence(X[start : start + 1], LENGTH - 1) for start in starts])
truth = X.reshape(len(movies), LENGTH, -1)[:, 1:]
print(f"replayed frames right in all pixels: {(replayed == truth).all(axis=2).mean():.2f}")

codes = memory.transform(X, groups=groups)[starts[:3] + MEETING]
agreement = [(codes[a] & codes[b]).sum() / memory.n_modules for a, b in ((0, 1), (0, 2), (1, 2))]
print(f"the frame where squares meet: its codes agree in {np.mean(agreement):.2f} of the modules")

rng = np.random.default_rng(0)
orders = {
    "forwards": np.arange(len(X)),
    "backwards": np.concatenate([np.arange(s, s + LENGTH)[::-1] for s in starts]),
    "shuffled": np.concatenate([s + rng.permutation(LENGTH) for s in starts]),
}
familiarity = {name: memory.score_sequences(X[order], groups=groups) for name, order in orders.items()}
familiarity["each frame alone"] = memory.familiarity(X, groups=np.arange(len(X))).reshape(len(movies), -1).mean(axis=1)
for name, values in familiarity.items():
    print(f"{name}: familiarity {values.mean():.2f}")

figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5.4), layout="constrained", width_ratios=[2.2, 1])
canvas = np.full(((SIDE + 1) * len(movies), (SIDE + 1) * LENGTH), 0.4)
for row, start in enumerate(starts):
    for column, frame in enumerate([X[start], *replayed[row]]):
        top, edge = (SIDE + 1) * row, (SIDE + 1) * column
        canvas[top : top + SIDE, edge : edge + SIDE] = frame.reshape(SIDE, SIDE)
left.imshow(canvas, cmap="gray", interpolation="nearest")
left.axvline(SIDE, color="#e69f00", linewidth=2)
left.set_yticks((SIDE + 1) * np.arange(len(movies)) + SIDE // 2, list(movies))
left.set_xticks((SIDE + 1) * np.arange(LENGTH) + SIDE // 2, ["cue", *range(1, LENGTH)])
left.set(xlabel="frame", title="replayed from the first frame")
colours = ["#0072b2", "#d55e00", "#e69f00", "#999999"]
for place, (values, colour) in enumerate(zip(familiarity.values(), colours, strict=True)):
    right.bar(np.arange(len(movies)) + 0.2 * (place - 1.5), values, 0.18, color=colour)
right.set_xticks(range(len(movies)), list(movies), rotation=30, ha="right")
right.set(ylabel="familiarity G, mean over frames", ylim=(0, 1.3), title="order is told by context")
right.legend(list(familiarity), frameon=False, fontsize=8, ncols=2, loc="upper center")

figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_memory_sequences.png", dpi=120)
