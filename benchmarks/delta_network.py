"""A layer on a stream, row by row, against NumPy's products of each row: microseconds, and ratios within a round.

`python benchmarks/delta_network.py [--rounds 9] [--rows 100]`, processor time of one thread. The time of NumPy is that
of ``x @ W + b`` for a dense layer; for a convolution that of the faster of two ways with memory that is allocated once,
windows that are copied and one product of matrices, or a product for each tap. `transform` returns the outputs of all
rows, `stream` those of one after the other.
"""

import argparse
import os
import time

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


def measure(name, layer, shape, in_numpy, args, rng, clustered=False):
    """Print a line for each density."""
    for density in DENSITIES:
        rows = changing(args.rows, shape, density, rng, clustered)
        network = DeltaNetwork([layer], refresh_every=None, input_shape=shape if len(shape) > 1 else None)
        flat = rows.reshape(args.rows, -1)
        network.fit(flat[:2])
        times = {"NumPy": [], "transform": [], "stream": []}
        for _ in range(args.rounds):
            started = time.thread_time()
            for x in rows:
                last = in_numpy(x)
            times["NumPy"].append(time.thread_time() - started)
            started = time.thread_time()
            outputs = network.transform(flat)
            times["transform"].append(time.thread_time() - started)
            started = time.thread_time()
            for _ in network.stream(flat):
                pass
            times["stream"].append(time.thread_time() - started)
        error = np.abs(outputs[-1] - last.ravel()).max() / np.abs(outputs[-1]).max()
        micro = {key: 1e6 * np.median(value) / args.rows for key, value in times.items()}
        ratios = [np.median(np.divide(times["NumPy"], times[key])) for key in ("transform", "stream")]
        where = "clustered" if clustered else "scattered"
        print(
            f"| {name} | {where} {density:.0%} | {micro['NumPy']:.0f} | {micro['transform']:.0f} | {ratios[0]:.1f} | "
            f"{micro['stream']:.0f} | {ratios[1]:.1f} | {error:.0e} |",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--rows", type=int, default=100)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    print("| layer, float32 | changed | NumPy, us a row | transform, us | ratio | stream, us | ratio | error |")
    print("|---|---|---|---|---|---|---|---|")
    for n in (512, 1024, 2048):
        layer = Dense(rng.normal(size=(n, n)).astype(np.float32))
        measure(f"dense {n} -> {n}", layer, (n,), dense_in_numpy(layer), args, rng)
    for side, n_channels, n_maps, kernel in ((64, 1, 32, 5), (64, 32, 32, 3), (32, 64, 64, 3)):
        layer = Conv2D(rng.normal(size=(kernel, kernel, n_channels, n_maps)).astype(np.float32))
        name = f"{kernel} x {kernel}, {n_channels} -> {n_maps}, {side} x {side}"
        shape = side, side, n_channels
        for clustered in (False, True):
            measure(name, layer, shape, fastest_in_numpy(layer, shape), args, rng, clustered)


if __name__ == "__main__":
    main()
