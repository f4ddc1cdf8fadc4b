"""Time sparsecode against other libraries on the same problems: see ../README.md.

python benchmarks/versus [--quick] [--tasks l1 pursuit ...] [--json results.json] [--figure figure.png]
python benchmarks/versus --from results.json --figure figure.png
"""

import argparse
import itertools
import json
import os
import warnings
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ["PYTHONWARNINGS"] = "ignore"  # also in worker processes

import convolutional
import convolutional_1d
import counts
import first_call
import hypergeometric
import ksvd
import l1
import learning
import memory
import neighbors
import numpy as np
import threads
from figure import draw
from problems import SIZES, problem
from report import Report
from threadpoolctl import threadpool_limits

CODING = {"l1": l1.run, "pursuit": counts.run_pursuit, "l0": counts.run_l0, "threads": threads.run}
LEARNING = {"learning": learning.run, "ksvd": ksvd.run}
BINARY = {"memory": memory.run, "neighbors": neighbors.run}

#: Rows that a quick run codes, what it leaves out, and what is not to be chosen for it.
QUICK, LONG, FIXED = 10_000, ("convolutional-1d", "first-call"), ("sizes", "sides", "rounds")

NAMES = [*CODING, *LEARNING, "convolutional", "convolutional-1d", *BINARY, "hypergeometric", "first-call"]


def main():
    warnings.simplefilter("ignore")
    options = parse()
    if options.results:
        draw(json.loads(Path(options.results).read_text())["curves"], options.figure)
        return
    curves = run(options).curves
    if options.figure:
        draw(curves, options.figure)


def parse():
    parser = argparse.ArgumentParser(prog="benchmarks/versus", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="less than three minutes: see README.md")
    parser.add_argument("--tasks", nargs="+", choices=NAMES, help="all, or all that a quick run has")
    parser.add_argument("--sizes", nargs="+", type=int, help="numbers of atoms")
    parser.add_argument("--sides", nargs="+", type=int, help="of images in pixels")
    parser.add_argument("--rounds", type=int, help="5, if not given")
    parser.add_argument("--json", help="file for the results")
    parser.add_argument("--figure", help="file for a drawing of how fast learning and l1 codes converge")
    parser.add_argument("--from", dest="results", metavar="JSON", help="draw results of an earlier run; run nothing")
    options = parser.parse_args()
    if options.results and not options.figure:
        parser.error("--from draws the results of an earlier run: give --figure too.")
    if options.quick and set(LONG) & set(options.tasks or ()):
        parser.error(f"--quick has none of {', '.join(LONG)}: run these without.")
    if options.quick and any(getattr(options, name) for name in FIXED):
        parser.error(f"--quick has its own {', '.join(FIXED)}: choose them without.")
    options.tasks = options.tasks or [name for name in NAMES if not (options.quick and name in LONG)]
    options.sizes = [288] if options.quick else options.sizes or [K for _, K in SIZES]
    options.sides = options.sides or convolutional.SIDES
    options.rounds = 3 if options.quick else options.rounds or 5
    return options


def run(options):
    """Return the report of all tasks that were chosen."""
    sizes = [size for size in SIZES if size[1] in options.sizes]
    rounds, numbers = options.rounds, (2,) if options.quick else (1, 2)
    report = Report(options.json)

    def attempt(name, task, n, *settings):
        try:
            with threadpool_limits(n, user_api="blas"):
                task(report, *settings)
        except ImportError as error:
            print(f"{name} is left out: {error}")
        report.save()

    for size, dtype, n in itertools.product(sizes, (np.float64, np.float32), numbers):
        for name in [name for name in options.tasks if name in CODING]:
            X, D = (array.astype(dtype) for array in problem(*size))
            attempt(name, CODING[name], n, X[: QUICK if options.quick else None], D, n, rounds, options.quick)
    for dtype, n in itertools.product((np.float64,) if options.quick else (np.float64, np.float32), numbers):
        for name in [name for name in options.tasks if name in LEARNING]:
            attempt(name, LEARNING[name], n, dtype, n, 1 if options.quick else rounds, options.quick)
    for name, n in itertools.product([name for name in options.tasks if name in BINARY], numbers):
        attempt(name, BINARY[name], n, bool, n, rounds, options.quick)
    if "hypergeometric" in options.tasks:
        attempt("hypergeometric", hypergeometric.run, 1, rounds)
    for n in numbers if "convolutional" in options.tasks else ():
        settings = np.float32, n, 1 if options.quick else rounds, options.quick, options.sides
        attempt("convolutional", convolutional.run, n, *settings)
    for n in numbers if "convolutional-1d" in options.tasks else ():
        attempt("convolutional-1d", convolutional_1d.run, n, n, rounds)
    if "first-call" in options.tasks:
        attempt("first-call", first_call.run, 1)
    return report


if __name__ == "__main__":
    main()
