"""
Levels of time: codes above persist, and tell those below where they are
========================================================================

A memory of sequences forgets what was two frames ago. On a grid, level upon level, codes persist twice as long on each
level (1, 2, 4 frames): a code above stands for all codes below it in that time, and supports them from above.

Three scenes are stored in one pass. In the left window a square crosses the image, each time in another direction; it
is hidden for one frame, and then appears in the middle, as in the other two scenes. Its own window has no past then:
the blank frame has no code. In the right window something else moves. Macrocolumns that see a window each, and nothing
more, cannot know where the square goes. With a macrocolumn above, which sees both windows, they can: what is on the
right tells, through the code above, which scene it is.

Top: scenes replayed from a cue that ends where the square appears, by one level, which mixes them on the left, and by
three. Below: how many winners of a level are still those of some frames before; and what the code at the top recalls,
level by level down to the pixels: all frames for which it persists.

The numbers to look at: frames after the cue that are right in all pixels, with one level and with three; frames after
which codes of each level change; recall from the top, precision and recall of the pixels of the frames it stands for.
G. J. Rinkus, "Sparsey: event recognition via deep hierarchical sparse distributed codes", Front. Comput. Neurosci.
8:160 (2014), has persistence that doubles with the level.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sparsecode import groups_from_lengths
from sparsecode.sdr import SequenceHierarchy, SequenceMemory

SIDE, LENGTH, HIDDEN = 15, 12, 4
y, x = np.mgrid[:SIDE, :SIDE] - SIDE // 2


def square(centre_y, centre_x):
    return np.maximum(abs(y - centre_y), abs(x - centre_x)) == 2


def bar(angle):
    return (abs(x * np.sin(angle) - y * np.cos(angle)) < 0.6) & (np.hypot(x, y) < 7)


steps = np.arange(LENGTH) - HIDDEN - 1
left = [[square(0, s) for s in steps], [square(s, 0) for s in steps], [square(s, s) for s in steps]]
right = [
    [abs(np.hypot(x, y) - (1 + t / 2)) < 0.5 for t in range(LENGTH)],
    [bar(np.pi * t / LENGTH) for t in range(LENGTH)],
    [abs(x + y + 12 - 2 * t) < 1 for t in range(LENGTH)],
]
scenes = np.concatenate([left, right], axis=3)
scenes[:, HIDDEN, :, :SIDE] = False
shape, n_scenes = scenes.shape[2:], len(scenes)
X = scenes.reshape(-1, SIDE * 2 * SIDE)
groups = groups_from_lengths([LENGTH] * n_scenes)

replayed = {}
for name, windows in (("one level", (SIDE,)), ("three levels", (SIDE, 2, 1))):
    hierarchy = SequenceHierarchy(
        windows, strides=SIDE, memories=SequenceMemory(40, 20), input_shape=shape, random_state=0
    ).fit(X, groups=groups)
    cues = [scene.reshape(LENGTH, -1)[: HIDDEN + 2] for scene in scenes]
    replayed[name] = np.array([hierarchy.recall_sequence(cue, LENGTH - len(cue)) for cue in cues])
    truth = X.reshape(n_scenes, LENGTH, -1)[:, HIDDEN + 2 :]
    print(f"{name}: frames after the cue right in all pixels {(replayed[name] == truth).all(axis=2).mean():.2f}")

# Codes of all levels while the first scene is seen: where winners of each level are in the state
sizes = [len(level) * level[0].code_shape_[0] for level in hierarchy.memories_]
state, states = hierarchy.initial_state(), []
for frame in X[:LENGTH]:
    state = hierarchy.step(frame, state)[1]
    states.append(np.split(state.winners, np.cumsum(sizes)[:-1]))
kept = np.array([
    [np.mean([(states[t][level] == states[t - lag][level]).mean() for t in range(lag, LENGTH)]) for lag in range(6)]
    for level in range(3)
])  # fmt: skip
for level in range(3):
    changes = [t for t in range(1, LENGTH) if (states[t][level] != states[t - 1][level]).mean() > 0.5]
    print(f"level {level + 1}: codes change every {np.diff([0, *changes]).mean():.0f} frames")

codes = hierarchy.transform(X, groups=groups)
persistence = hierarchy.memories_[-1][0].persistence
union = np.repeat(X.reshape(-1, persistence, X.shape[1]).any(axis=1), persistence, axis=0)
recalled = hierarchy.inverse_transform(codes)
precision, recall = (recalled & union).sum() / recalled.sum(), (recalled & union).sum() / union.sum()
print(f"recalled from the top: precision {precision:.2f}, recall {recall:.2f}")

figure = plt.figure(figsize=(13, 5.8), layout="constrained")
parts = figure.subfigures(2, 1, height_ratios=[1, 1])
for ax, (name, frames) in zip(parts[0].subplots(1, 2), replayed.items(), strict=True):
    shown = range(4)
    canvas = np.full(((SIDE + 1) * n_scenes, (2 * SIDE + 2) * (len(shown) + 1)), 0.4)
    for row in range(n_scenes):
        for place, frame in enumerate([cues[row][-1], *frames[row][: len(shown)]]):
            top, edge = (SIDE + 1) * row, (2 * SIDE + 2) * place
            canvas[top : top + SIDE, edge : edge + 2 * SIDE] = frame.reshape(shape)
    ax.imshow(canvas, cmap="gray", interpolation="nearest")
    ax.axvline(2 * SIDE + 0.5, color="#e69f00", linewidth=2)
    ax.set_xticks((2 * SIDE + 2) * np.arange(len(shown) + 1) + SIDE, ["cue", *(t + 1 for t in shown)])
    ax.set_yticks([])
    ax.set(title=f"replayed by {name}", xlabel="frame after the cue")
curve, *pictures = parts[1].subplots(1, 4, width_ratios=[1.6, 1, 1, 1])
for values, colour, level in zip(kept, ["#0072b2", "#d55e00", "#009e73"], range(3), strict=True):
    curve.plot(values, "o-", color=colour, label=f"level {level + 1}")
curve.set(xlabel="frames later", ylabel="winners that are the same", title="codes above persist")
curve.legend(frameon=False)
for row, ax in enumerate(pictures):
    ax.imshow(recalled[row * LENGTH].reshape(shape), cmap="gray", interpolation="nearest")
    ax.set(xticks=[], yticks=[], title=f"scene {row + 1}, from the top")

figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "levels_in_time.png", dpi=120)
