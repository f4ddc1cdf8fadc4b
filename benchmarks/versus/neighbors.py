"""The nearest of many binary rows: scans of packed bits, against the flat binary index of faiss."""

import numpy as np
import peers
from timing import Method, take_turns

from sparsecode.sdr import SDRNearestNeighbors, random_sdrs

#: Features and how many of them are active; stored rows; queries; and numbers of neighbours.
SIZES, STORED, QUERIES, NEIGHBORS = ((784, 100), (1024, 20)), 60_000, 500, (1, 10)

METRICS = ("hamming", "jaccard", "overlap")


def run(report, dtype, threads, rounds, quick):
    """Compare the same queries by the same distance, and by others that faiss does not have; quickly one size."""
    for n_features, n_active in SIZES[: 1 if quick else None]:
        stored, X = (random_sdrs(n, n_features, n_active, random_state=n) for n in (STORED, QUERIES))
        for k in NEIGHBORS:
            compare(report, X, stored, k, threads, rounds)


def compare(report, X, stored, k, threads, rounds):
    """Report a query; ours by Hamming distance first."""
    ours = {metric: SDRNearestNeighbors(k, metric=metric, n_jobs=threads).fit(stored) for metric in METRICS}
    methods = [Method(f"sparsecode {metric}", lambda n=n: n.kneighbors(X), len(X)) for metric, n in ours.items()]
    try:
        methods.append(Method("faiss hamming", peers.faiss_nearest(X, stored, threads, k), len(X)))
    except ImportError as error:
        print(f"faiss is left out: {error}")
    timings = take_turns(methods, rounds)
    found = timings[0].result

    def quality(timing):
        if timing.method.name != "faiss hamming":
            return ""
        same = [np.mean(ours == theirs) for ours, theirs in zip(found, timing.result, strict=True)]
        return f"{same[0]:.0%} of the distances and {same[1]:.0%} of the places are ours"

    setting = f"{len(stored)} rows, {int(X[0].sum())} active, {k} nearest"
    report.add("neighbors", X, np.empty(k), threads, setting, timings, quality)
