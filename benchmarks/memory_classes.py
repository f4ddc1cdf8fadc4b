"""Tell digits and pieces of clothing apart by codes of macrocolumns, which learn in one pass.

python benchmarks/memory_classes.py [--data digits fashion] [--per-class 100 200] [--seeds 3] [--json results.json]

Digits are those of scikit-learn (8 x 8 pixels), clothing Fashion-MNIST, from the Debian package dataset-fashion-mnist
(28 x 28; skipped if it is not installed). Images are made binary. Of each class some are learned from, others, up to
2000 of the digits and of the test set, are told apart: by the nearest neighbour in grey pixels and in binary ones
(Jaccard), by logistic regression on binary pixels, by one macrocolumn of 70 modules of 20 units with and without
freezing, and by macrocolumns of 10 modules of 20 units with windows, on one level and two. Codes are read by naive
Bayes on their units, which counts winners with classes as a Hebbian field of classes does, by the nearest code, and by
logistic regression. Shares of right ones are means over seeds; seconds are those to learn and read all codes, on one
thread, without the readers.
"""

import argparse
import gzip
import json
import os
import time
import warnings
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import BernoulliNB
from sklearn.neighbors import KNeighborsClassifier

from sparsecode.sdr import MacrocolumnHierarchy, MacrocolumnMemory, SDRNearestNeighbors

FASHION = Path("/usr/share/datasets/fashion-mnist")
TESTED = 2000

#: Sides of the windows of each level, and places between them.
WINDOWS = {"digits": ((3, 2), (1, 1)), "fashion": ((5, 2), (2, 1))}


def digits():
    """Return images and classes, and how many may be learned from."""
    X, y = load_digits(return_X_y=True)
    return X, X > 7, y, len(X)


def fashion():
    """Return those of the training set and then of the test set."""

    def read(name, start, shape):
        with gzip.open(FASHION / f"{name}-ubyte.gz") as file:
            return np.frombuffer(file.read(), np.uint8, offset=start).reshape(shape)

    parts = [("train", 60_000), ("t10k", 10_000)]
    X = np.concatenate([read(f"{part}-images-idx3", 16, (n, 784)) for part, n in parts])
    y = np.concatenate([read(f"{part}-labels-idx1", 8, (n,)) for part, n in parts])
    return X.astype(np.float64), X > 127, y.astype(np.int64), 60_000


def split(y, n_for_learning, per_class, seed):
    """Return rows to learn from, equally many of each class in random order, and others."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(n_for_learning)
    seen = np.concatenate([order[y[order] == label][:per_class] for label in np.unique(y)])
    others = np.arange(n_for_learning, len(y)) if n_for_learning < len(y) else np.setdiff1d(order, seen)
    return rng.permutation(seen), rng.permutation(others)[:TESTED]


def encoders(name, side, seed):
    """Return encoders by macrocolumns."""
    windows, strides = WINDOWS[name]
    large, shape = MacrocolumnMemory(70, 20, freeze_fraction="auto"), (side, side)
    rest = {"input_shape": shape, "sparse_output": True, "random_state": seed}
    return {
        "one macrocolumn": MacrocolumnHierarchy((side,), memories=large, **rest),
        "no freezing": MacrocolumnHierarchy((side,), memories=MacrocolumnMemory(70, 20), **rest),
        "windows": MacrocolumnHierarchy(windows[:1], strides=strides[:1], **rest),
        "two levels": MacrocolumnHierarchy(windows, strides=strides, **rest),
    }


def nearest(stored, y, X):
    """Return the classes of the nearest stored rows."""
    return y[SDRNearestNeighbors(1, metric="jaccard").fit(stored).kneighbors(X, return_distance=False)[:, 0]]


def measure(name, data, per_class, seed):
    """Return the share of right classes by each method, and seconds."""
    grey, binary, y, n_for_learning = data
    seen, others = split(y, n_for_learning, per_class, seed)
    found = {
        "1-NN, grey pixels": KNeighborsClassifier(1).fit(grey[seen], y[seen]).score(grey[others], y[others]),
        "1-NN, binary pixels": np.mean(nearest(binary[seen], y[seen], binary[others]) == y[others]),
        "logistic, binary pixels": regress(binary[seen], y[seen], binary[others], y[others]),
    }
    seconds = {}
    for kind, encoder in encoders(name, int(grey.shape[1] ** 0.5), seed).items():
        started = time.perf_counter()
        codes = encoder.fit(binary[seen]).transform(binary[seen])
        seconds[f"{kind}: learn"] = time.perf_counter() - started
        started = time.perf_counter()
        tested = encoder.transform(binary[others])
        seconds[f"{kind}: read {len(others)}"] = time.perf_counter() - started
        found[f"{kind}, naive Bayes"] = BernoulliNB().fit(codes, y[seen]).score(tested, y[others])
        found[f"{kind}, nearest code"] = np.mean(nearest(codes, y[seen], tested) == y[others])
        found[f"{kind}, logistic"] = regress(codes, y[seen], tested, y[others])
    return {n: float(share) for n, share in found.items()}, seconds


def regress(X, y, tested, expected):
    return LogisticRegression(C=0.1, max_iter=200).fit(X, y).score(tested, expected)


def run(name, data, per_class, seeds):
    """Print and return means over seeds."""
    results = [measure(name, data, per_class, seed) for seed in seeds]
    shares = {n: float(np.mean([found[n] for found, _ in results])) for n in results[0][0]}
    seconds = {n: float(np.median([taken[n] for _, taken in results])) for n in results[0][1]}
    density = data[1].mean()
    print(f"{name}, {per_class} of each class, {len(seeds)} draws; {density:.0%} of the pixels active")
    for n, share in shares.items():
        print(f"  {n:<32} {share:.3f}")
    print("  seconds: " + ", ".join(f"{n} {s:.2f}" for n, s in seconds.items()))
    return {f"{name}, {per_class} of a class, right": shares, f"{name}, seconds": seconds}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", choices=["digits", "fashion"], default=["digits", "fashion"])
    parser.add_argument("--per-class", type=int, nargs="+", default=[100, 200])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    warnings.simplefilter("ignore")  # memories without freezing say that they are full
    results = {}
    for name, per_class in zip(args.data, args.per_class, strict=True):
        if name == "fashion" and not FASHION.exists():
            print(f"fashion is skipped: there is no {FASHION} (apt install dataset-fashion-mnist)")
            continue
        results |= run(name, {"digits": digits, "fashion": fashion}[name](), per_class, range(args.seeds))
    if args.json:  # a row for each method
        methods = {method: None for values in results.values() for method in values}
        rows = {m: {name: v[m] for name, v in results.items() if m in v} for m in methods}
        args.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
