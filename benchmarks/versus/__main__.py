"""Time sparsecode against other libraries on the same problems: see ../README.md.

python benchmarks/versus [--quick] [--tasks l1 pursuit l0 learning ksvd] [--json results.json]
"""

import argparse
import itertools
import os
import warnings

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ["PYTHONWARNINGS"] = "ignore"  # also in the worker processes of scikit-learn

import counts
import ksvd
import l1
import learning
import numpy as np
from problems import SIZES, problem
from report import Report, machine
from threadpoolctl import threadpool_limits

#: Coding: what is compared, and at which levels: shares of active coefficients, numbers of atoms, prices.
TASKS = {
    "l1": (l1.run, (0.02, 0.05, 0.1)),
    "pursuit": (counts.run_pursuit, (5, 10, 20)),
    "l0": (counts.run_l0, (0.05, 0.2, 0.45)),
}
LEARNING = {"learning": learning.run, "ksvd": ksvd.run}


def main():
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(prog="benchmarks/versus", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one size, the middle level, two threads, three rounds")
    parser.add_argument("--tasks", nargs="+", choices=[*TASKS, *LEARNING], default=[*TASKS, *LEARNING])
    parser.add_argument("--sizes", nargs="+", type=int, default=[K for _, K in SIZES], help="numbers of atoms")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", help="file for the results")
    options = parser.parse_args()
    sizes = [size for size in SIZES if size[1] in ([288] if options.quick else options.sizes)]
    rounds = 3 if options.quick else options.rounds
    print(", ".join(f"{name} {value}" for name, value in machine().items()), end="\n\n")
    report = Report()
    threads = (2,) if options.quick else (1, 2)
    for size, dtype, n in itertools.product(sizes, (np.float64, np.float32), threads):
        for name in [name for name in options.tasks if name in TASKS]:
            X, D = problem(*size)
            run, levels = TASKS[name]
            with threadpool_limits(n, user_api="blas"):
                run(report, X.astype(dtype), D.astype(dtype), n, rounds, levels[1:2] if options.quick else levels)
    for dtype, n in itertools.product((np.float64, np.float32), threads):
        for name in [name for name in options.tasks if name in LEARNING]:
            with threadpool_limits(n, user_api="blas"):
                LEARNING[name](report, dtype, n, rounds, options.quick)
    if options.json:
        report.save(options.json)


if __name__ == "__main__":
    main()
