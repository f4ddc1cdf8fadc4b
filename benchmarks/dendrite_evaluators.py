"""Overlaps of dendritic segments with rows of sparse activity, by lists of segments, by bits, and as a sparse product.

python benchmarks/dendrite_evaluators.py [--rounds 7] [--quick]

Times of one thread, in turns, in nanoseconds for a segment and a row; "faster" is the median over rounds of the time of
SciPy's product over that of the method. All give the same: segments that reach the threshold ("active"), or every
overlap that is not zero ("overlaps"), which is what the product gives; so for "active" it has less to write than that.
The product is that of int16 matrices with the segments as columns, prepared before the clock runs, as are the lists.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

sys.path.insert(0, str(Path(__file__).parent / "versus"))

from timing import Method, take_turns

from sparsecode.dendrites._overlaps import active_by_bits, active_segments, make_wiring, overlaps_of
from sparsecode.sdr import random_sdrs

#: Cells, active ones, synapses, segments, rows, threshold.
SETTINGS = (
    (2048, 40, 20, 100_000, 1000, 10),
    (2048, 40, 20, 5000, 512, 10),
    (10_000, 200, 30, 20_000, 1024, 10),
    (65_536, 1310, 24, 20_000, 512, 10),
    *((2048, a, 20, 20_000, 1024, 16) for a in (20, 40, 64, 82, 102, 205, 410)),
)


def compare(setting, rounds):
    """Print times for one setting, and say if results differ."""
    n_cells, n_active, n_synapses, n_segments, n_rows, theta = setting
    X = random_sdrs(n_rows, n_cells, n_active, sparse_output=True, random_state=0)
    # Patterns are rows that are drawn alike; some thousand of them, shifted
    some = random_sdrs(min(n_segments, 2000), n_cells, n_synapses, sparse_output=True, random_state=1)
    shifts = np.arange(n_segments) // len(some.indptr[:-1])
    cells = (np.resize(some.indices.reshape(-1, n_synapses), (n_segments, n_synapses)) + shifts[:, None]) % n_cells
    pointers = np.arange(n_segments + 1) * n_synapses
    segments = csr_array((np.ones(cells.size, bool), cells.ravel(), pointers), shape=(n_segments, n_cells))
    segments.sort_indices()
    wiring, thresholds = make_wiring(segments), np.full(n_segments, theta, np.int16)
    rows, columns = X.astype(np.int16), csr_array(segments.T).astype(np.int16)
    methods = [
        Method("SciPy product", lambda: rows @ columns, n_rows * n_segments),
        Method("lists, active", lambda: overlaps_of(wiring, X, thresholds), n_rows * n_segments),
        Method("bits, active", lambda: active_by_bits(wiring, X, thresholds), n_rows * n_segments),
        Method("chosen, active", lambda: active_segments(wiring, X, thresholds), n_rows * n_segments),
        Method("lists, overlaps", lambda: overlaps_of(wiring, X, np.ones_like(thresholds)), n_rows * n_segments),
    ]
    product, *others = take_turns(methods, rounds)
    expected = product.result
    expected.sort_indices()
    print(f"\n{n_cells} cells, {n_active} active; {n_segments} segments of {n_synapses}, >= {theta}; {n_rows} rows")
    print(f"{product.method.name:16s} {1e9 * np.median(product.seconds):7.3f} ns")
    for timing in others:
        everything = "overlaps" in timing.method.name
        wanted = expected if everything else csr_array(expected >= theta)
        parts = ("data", "indices", "indptr") if everything else ("indices", "indptr")
        same = all(np.array_equal(getattr(timing.result, part), getattr(wanted, part)) for part in parts)
        faster = product.times_slower_than(timing)
        print(f"{timing.method.name:16s} {1e9 * np.median(timing.seconds):7.3f} ns  faster {faster:5.1f}  same {same}")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="the second setting only")
    options = parser.parse_args(arguments)
    for setting in SETTINGS[1:2] if options.quick else SETTINGS:
        compare(setting, options.rounds)


if __name__ == "__main__":
    main()
