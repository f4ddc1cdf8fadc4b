"""A layer on a stream, row by row, against NumPy's products of each row: microseconds, and how many times as fast.

python benchmarks/delta_network.py [--rounds 15] [--rows 100] [--only dense] [--json results.json]

float32, one thread. The time of NumPy is that of ``x @ W + b`` for a dense layer; for a convolution that of the faster
of two ways with memory that is allocated once, windows that are copied and one product of matrices, or a product for
each tap. `stream` returns the outputs of rows as they come, `transform` those of all rows together, for which it takes
fresh memory.

Two figures for each. "median": processor time of all rows, in turns with NumPy; the median over rounds, of ratios those
within a round. "least": each row takes the least time of all rounds, which is near to that of a machine with nothing
else to do, and first rows, which are computed whole, are left out; deltas wait for memory and caches, which other
programs share, where products of matrices compute.
"""

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from _dense_convolutions import fastest_in_numpy

from sparsecode.temporal import Conv2D, DeltaNetwork, Dense

DENSITIES = (0.01, 0.05, 0.1, 0.2, 0.5, 1.0)


def changing(n_rows, shape, density, rng, clustered=False):
    """Return rows of which a share of the numbers differs from the row before; clustered are squares of pixels."""
    rows = np.empty((n_rows, *shape), np.float32)
    rows[0] = rng.normal(size=shape)
    side = max(1, round(shape[0] * density**0.5))
    for t in range(1, n_rows):
        mask = np.zeros(shape, bool)
        if clustered:
            i, j = rng.integers(0, shape[0] - side + 1, 2)
            mask[i : i + side, j : j + side] = True
        else:
            mask = rng.random(shape) < density
        rows[t] = np.where(mask, rng.normal(size=shape), rows[t - 1])
    return rows


def dense_in_numpy(layer):
    W, b = np.array(layer.weights), np.array(layer.bias)
    return lambda x: x @ W + b


def measure(layer, shape, in_numpy, args, rng, density, clustered):
    """Return times and ratios for rows of which a share changes."""
    n_rows = args.rows if len(shape) > 1 else 4 * args.rows
    rows = changing(n_rows, shape, density, rng, clustered)
    network = DeltaNetwork([layer], refresh_every=None, input_shape=shape if len(shape) > 1 else None)
    flat = rows.reshape(n_rows, -1)
    network.fit(flat[:2])
    names = "NumPy", "stream", "transform"
    spent, each = {name: [] for name in names}, {name: [] for name in names}
    for _ in range(args.rounds):
        for name, outputs in (("NumPy", map(in_numpy, rows)), ("stream", network.stream(flat))):
            times, started = [time.perf_counter()], time.thread_time()
            for row in outputs:
                times.append(time.perf_counter())
                out = row
            spent[name].append(time.thread_time() - started)
            each[name].append(np.diff(times))
            if name == "NumPy":
                last = np.ravel(out).copy()
        started = time.thread_time()
        outputs = network.transform(flat)
        spent["transform"].append(time.thread_time() - started)
        each["transform"].append([spent["transform"][-1] / n_rows])
    least = {name: 1e6 * float(np.min(each[name], axis=0)[-(n_rows - 1) :].mean()) for name in names}
    median = {name: 1e6 * float(np.median(spent[name])) / n_rows for name in names}
    found = {
        "median us": median,
        "least us": least,
        "error": float(np.abs(outputs[-1] - last).max() / np.abs(last).max()),
    }
    for name in names[1:]:
        ratio = float(np.median(np.divide(spent["NumPy"], spent[name])))
        found[f"{name}, times as fast"] = {"median": ratio, "least": least["NumPy"] / least[name]}
    return found


def report(name, layer, shape, in_numpy, args, rng, results):
    """Print a line for each density, and keep what was measured."""
    for clustered in (False, True)[: 1 + (len(shape) > 1)]:
        for density in DENSITIES:
            found = measure(layer, shape, in_numpy, args, rng, density, clustered)
            what = f"{'clustered' if clustered else 'scattered'} {density:.0%}"
            results[f"{name}, {what}"] = found
            us, stream, whole = found["least us"], found["stream, times as fast"], found["transform, times as fast"]
            print(
                f"| {name} | {what} | {us['NumPy']:.0f} | {us['stream']:.0f} | {stream['least']:.1f} | "
                f"{stream['median']:.1f} | {us['transform']:.0f} | {whole['least']:.1f} | {whole['median']:.1f} | "
                f"{found['error']:.0e} |",
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--rows", type=int, default=100, help="of images; four times as many of vectors")
    parser.add_argument("--only", default="", help="part of the names of layers")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    rng, results = np.random.default_rng(0), {}
    print(
        "| float32, least times | changed | NumPy, us | stream | ratio | median | transform | ratio | median | error |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for n in (512, 1024, 2048):
        layer, name = Dense(rng.normal(size=(n, n)).astype(np.float32)), f"dense {n} -> {n}"
        if args.only in name:
            report(name, layer, (n,), dense_in_numpy(layer), args, rng, results)
    for side, n_channels, n_maps, kernel in ((64, 1, 32, 5), (64, 32, 32, 3), (32, 64, 64, 3)):
        layer = Conv2D(rng.normal(size=(kernel, kernel, n_channels, n_maps)).astype(np.float32))
        name, shape = f"{kernel} x {kernel}, {n_channels} -> {n_maps}, {side} x {side}", (side, side, n_channels)
        if args.only in name:
            report(name, layer, shape, fastest_in_numpy(layer, shape), args, rng, results)
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
