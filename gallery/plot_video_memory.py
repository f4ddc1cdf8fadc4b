"""
A moving scene: coded where it changes, remembered as a sequence, replayed
==========================================================================

From frames to predictions in one Pipeline. A still camera, with noise, sees pieces of photographs move through a scene.
Frames are whitened; a channel for each pixel sends what has changed; only patches that have changed are coded again, by
192 learned atoms; the 60 coefficients that stand out most of what is usual win; and a memory stores the winners, frame
by frame, in one pass. The same road leads back: winners stand for coefficients, these for patches and pixels, so that
what the memory expects can be looked at.

`KWinners` boosts what wins seldom: without that, most winners would show the background, which tells nothing about what
comes next.

The numbers to look at: patches that are coded again, and the time for codes, as shares of those for all patches;
agreement (Jaccard) of the winners that are expected with those of the next frame, in a second take with other noise,
against winners that stay as they are; and replay of whole clips from their first frame. Means of three scenes, with the
least and the largest.
"""

import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import sklearn
from sklearn.pipeline import make_pipeline

from sparsecode import PatchEncoder, SparseCoder, Whitener, groups_from_lengths
from sparsecode.datasets import natural_images
from sparsecode.sdr import KWinners, SequenceMemory
from sparsecode.temporal import DeltaEncoder

SIDE, LENGTH, NOISE, THRESHOLD, SEEDS = 64, 24, 0.004, 0.15, range(3)
PATHS = {"right": (32, 9, 0, 2), "down": (9, 32, 2, 0), "diagonal": (9, 9, 2, 2), "left": (32, 55, 0, -2),
         "up": (55, 32, -2, 0)}  # fmt: skip
sklearn.set_config(enable_metadata_routing=True)  # lets a Pipeline pass on which frames belong together
photographs = natural_images(side=256)
groups = groups_from_lengths([LENGTH] * len(PATHS))
y, x = np.mgrid[:SIDE, :SIDE]


def scene(rng):
    """A clip for each path, without noise: discs of 18 pixels, cut from photographs, over another photograph."""
    ground, *things = (photographs[i] for i in rng.permutation(len(photographs))[:4])
    frames = np.tile(ground[96 : 96 + SIDE, 96 : 96 + SIDE], (len(groups), 1, 1))
    for clip, (top, left, down, right) in enumerate(PATHS.values()):
        for t in range(LENGTH):
            dy, dx = y - top - down * t, x - left - right * t
            inside = np.hypot(dy, dx) < 9
            frames[clip * LENGTH + t][inside] = things[clip % 3][116 + dy[inside], 136 + dx[inside]]
    return frames


def road(seed):
    """Whitener, codes of what changes, winners, memory."""
    coder = SparseCoder(192, target_sparsity=0.05, max_iter=3, random_state=seed)
    patches = PatchEncoder(coder, 8, stride=4, pool=None, n_patches=4000, random_state=seed)
    changes = DeltaEncoder(THRESHOLD, encoder=patches, input_shape=(SIDE, SIDE))
    memory = SequenceMemory(70, 40, random_state=seed)
    changes.set_fit_request(groups=True).set_transform_request(groups=True)
    memory.set_fit_request(groups=True).set_transform_request(groups=True)
    return make_pipeline(Whitener(), changes, KWinners(60, boost_strength=5.0, duty_period=len(groups)), memory)


def seconds(code):
    """Least processor time of three runs."""
    times = []
    for _ in range(3):
        started = time.process_time()
        code()
        times.append(time.process_time() - started)
    return min(times)


def jaccard(a, b):
    return ((a & b).sum(axis=1) / np.maximum((a | b).sum(axis=1), 1)).mean()


def run(seed):
    """Store a first take, and measure on a second one; return measures and what is drawn."""
    rng = np.random.default_rng(seed)
    frames = scene(rng)
    first, second = ((frames + NOISE * rng.standard_normal(frames.shape)).astype(np.float32) for _ in range(2))
    pipeline = road(seed).fit(first, groups=groups)
    whitener, changes, winners, memory = (step for _, step in pipeline.steps)
    white = whitener.transform(second)

    received = DeltaEncoder(THRESHOLD).fit(white.reshape(len(white), -1))
    sent = received.transform(white.reshape(len(white), -1), groups=groups).reshape(white.shape) != 0
    again = np.lib.stride_tricks.sliding_window_view(sent, (8, 8), axis=(1, 2))[:, ::4, ::4].any(axis=(3, 4)).mean()
    cost = seconds(lambda: changes.transform(white, groups=groups)) / seconds(lambda: changes.encoder_.transform(white))

    active = winners.transform(changes.transform(white, groups=groups))
    expected, then = memory.predict_next(active, groups=groups), np.flatnonzero(np.diff(groups, prepend=-1) == 0)
    replayed = [memory.recall_sequence(active[i : i + 1], LENGTH - 1) for i in range(0, len(active), LENGTH)]
    measures = {
        "patches coded again": again, "time for codes": cost,
        "agreement, expected": jaccard(expected[then - 1], active[then]),
        "agreement, as it is": jaccard(active[then - 1], active[then]),
        "agreement, replayed": jaccard(np.concatenate(replayed), active[then]),
    }  # fmt: skip
    return measures, (second, white, pipeline[1:3].inverse_transform(active), pipeline[1:3].inverse_transform(expected))


runs = [run(seed) for seed in SEEDS]
table = {name: np.array([measures[name] for measures, _ in runs]) for name in runs[0][0]}
for name, values in table.items():
    print(f"{name}: {values.mean():.3f} ({values.min():.3f} to {values.max():.3f})")

second, white, shown, expected = runs[0][1]
figure, axes = plt.subplots(4, 6, figsize=(11, 7.4), layout="constrained")
for column, t in enumerate(range(2, LENGTH - 1, 4)):
    frame = 2 * LENGTH + t
    for axis, image in zip(
        axes[:, column], (second[frame], white[frame], shown[frame], expected[frame - 1]), strict=True
    ):
        limit = np.abs(image).max()
        axis.imshow(image.reshape(SIDE, SIDE), cmap="gray", vmin=0 if image is second[frame] else -limit, vmax=limit)
        axis.set(xticks=[], yticks=[])
    axes[0, column].set_title(f"frame {t}", fontsize=9)
for axis, name in zip(
    axes[:, 0], ("frame", "whitened", "its winners", "winners expected\none frame before"), strict=True
):
    axis.set_ylabel(name)
figure.suptitle("A clip that is seen the second time")
figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_video_memory.png", dpi=120)
