"""Time a macrocolumn memory against the same step in NumPy, and against scans of all items, as items come.

python benchmarks/memory_scale.py [--items 100 1000] [--rounds 9] [--figure figure.png] [--json results.json]

A memory of 70 modules of 20 units, rows with 100 of 784 features active, one thread. First, in processor time: a row
recalled (4000 at a time, and 128) and stored, the same step in NumPy, row by row and as a float32 product, and the
nearest of 60 000 items by SDRNearestNeighbors and by the flat binary index of faiss, which is left out if it is not
installed. Methods take turns, and ratios are medians over rounds of those within a round. Then, for more and more
items: a row recalled and stored, and the nearest item by both scans; and how much of stored items is recalled from
cues with a fifth of the ones moved: the overlap (Jaccard) with them of what is recalled, and of the nearest item.
"""

import argparse
import json
import os
import sys
import time
import warnings
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent / "versus"))

import numpy as np
import peers

from sparsecode.sdr import MacrocolumnMemory, SDRNearestNeighbors, add_noise, random_sdrs

FEATURES, ACTIVE, MODULES, UNITS = 784, 100, 70, 20
QUERIES, PART, SCANNED, NOISE = 4000, 200, 60_000, 0.2
ITEMS = [100, 200, 300, 400, 600, 1000, 3000, 10_000, 30_000, 100_000]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, nargs="+", default=ITEMS)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)  # more than the capacity is stored on purpose
    items = random_sdrs(max(*args.items, SCANNED), FEATURES, ACTIVE, random_state=0)
    lines = compare(items, args.rounds)
    curves = grow(items, args.items, args.rounds)
    if args.json:
        methods = {name: {"us / row": us, "over recall": ratio} for name, (us, ratio) in lines.items()}
        stored = {f"{point['items']} items": point for point in curves}
        args.json.write_text(json.dumps(methods | stored, indent=1) + "\n")
    if args.figure:
        draw(curves, args.figure)


def memory_of(X):
    return MacrocolumnMemory(MODULES, UNITS, random_state=0, n_jobs=1).fit(X)


def scans(stored, X):
    """Return the nearest stored row of each row of X, by our scan, and by that of faiss if there is one."""
    ours = SDRNearestNeighbors(1, metric="hamming", n_jobs=1).fit(stored)
    methods = {"SDRNearestNeighbors": (lambda: ours.kneighbors(X), len(X))}
    try:
        methods["faiss"] = peers.faiss_nearest(X, stored, 1), len(X)
    except ImportError:
        print("faiss is left out: it is not installed (pip install faiss-cpu)")
    return methods


def compare(items, rounds):
    """Print and return microseconds a row, and how many times as long as recall each takes."""
    memory, X = memory_of(items[:300]), items[:QUERIES]
    methods = {
        "recall, 4000 rows": (lambda: memory.familiarity(X), QUERIES),
        "recall, 128 rows": (lambda: memory.familiarity(X[:128]), 128),
        "store": (lambda: memory_of(X), QUERIES),
        "NumPy, row by row": (peers.numpy_recall(X[:PART], memory.weights_), PART),
        "NumPy, float32 product": (peers.blas_recall(X[:PART], memory.weights_), PART),
    }
    methods |= scans(items[:SCANNED], X[:PART])
    seconds = take_turns(methods, rounds)
    first = seconds["recall, 4000 rows"]
    lines = {name: (1e6 * float(np.median(s)), float(np.median(s / first))) for name, s in seconds.items()}
    print(f"{'':<24} us / row   over recall")
    for name, (microseconds, ratio) in lines.items():
        print(f"{name:<24} {microseconds:8.2f} {ratio:10.1f}")
    faiss = seconds.get("faiss")
    if faiss is not None:
        print(f"faiss over SDRNearestNeighbors: {np.median(faiss / seconds['SDRNearestNeighbors']):.1f}")
    return lines


def grow(items, sizes, rounds):
    """Print and return microseconds a row for more and more items, and how much of them is recalled."""
    X, curves = items[:PART], []
    print("   items   recall    store      scan     faiss   recalled   nearest")
    for n in sizes:
        memory = memory_of(items[:n])
        methods = {"recall": (lambda memory=memory: memory.familiarity(items[:QUERIES]), QUERIES)}
        methods["store"] = lambda memory=memory: twin_of(memory).partial_fit(items[:1000]), 1000
        seconds = take_turns(methods | scans(items[:n], X), rounds)
        cues = add_noise(items[: min(n, PART)], NOISE, random_state=0)
        stored = SDRNearestNeighbors(1, metric="jaccard").fit(items[:n])
        nearest = items[stored.kneighbors(cues, return_distance=False)[:, 0]]
        point = {"items": n} | {k: 1e6 * float(np.median(s)) for k, s in seconds.items()}
        for name, found in (("recalled", memory.recall(cues)), ("nearest", nearest)):
            point[name] = float(np.mean(jaccard(found, items[: len(cues)])))
        curves.append(point)
        print(f"{n:8d} {point['recall']:8.2f} {point['store']:8.2f} {point['SDRNearestNeighbors']:9.2f} "
              f"{point.get('faiss', np.nan):9.2f} {point['recalled']:10.2f} {point['nearest']:9.2f}")  # fmt: skip
    return curves


def jaccard(X, Y):
    """Return the overlap of rows of two arrays."""
    return (X & Y).sum(axis=1) / (X | Y).sum(axis=1)


def twin_of(memory):
    """Return a memory with the same weights, of which a partial_fit writes its own copy."""
    other = MacrocolumnMemory(**memory.get_params())
    vars(other).update(vars(memory))
    return other


def take_turns(methods, rounds):
    """Return the seconds of processor time a row of each method in each round."""
    seconds = {name: [] for name in methods}
    for turn in range(rounds + 1):  # the first compiles, and warms caches
        for name, (run, n) in methods.items():
            started = time.process_time()
            run()
            if turn:
                seconds[name].append((time.process_time() - started) / n)
    return {name: np.array(s) for name, s in seconds.items()}


def draw(curves, path):
    """Draw the curves."""
    import matplotlib.pyplot as plt

    items = [point["items"] for point in curves]
    styles = {
        "recall": ("#0072b2", "o-", "memory, recall"),
        "store": ("#009e73", "s-", "memory, store"),
        "SDRNearestNeighbors": ("#d55e00", "^-", "scan, SDRNearestNeighbors"),
        "faiss": ("#000000", "v:", "scan, faiss"),
    }
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for name, (colour, style, label) in styles.items():
        if name in curves[0]:
            left.loglog(items, [point[name] for point in curves], style, color=colour, label=label, ms=4)
    left.set(xlabel="items stored", ylabel="processor time (us / row)", title="Cost")
    left.legend(fontsize=8)
    right.semilogx(items, [point["recalled"] for point in curves], "o-", color="#0072b2", ms=4, label="memory")
    right.semilogx(items, [point["nearest"] for point in curves], "^-", color="#d55e00", ms=4, label="scan")
    right.set(xlabel="items stored", ylabel="overlap with the item (Jaccard)", ylim=(-0.03, 1.03),
              title="Quality, a fifth of the ones moved")  # fmt: skip
    right.legend(fontsize=8)
    fig.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
