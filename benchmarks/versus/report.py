"""Results as a Markdown table and as JSON."""

import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

COLUMNS = (
    "task",
    "F",
    "K",
    "type",
    "threads",
    "setting",
    "method",
    "us / row",
    "ours is faster",
    "quality",
    "first call, s",
)


class Report:
    """Rows of results, printed as they come."""

    def __init__(self):
        self.rows, self.curves = [], []
        print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|", flush=True)

    def add(self, task, X, D, threads, setting, timings, quality):
        """Add the timings of methods, the first of which is ours; `quality` says what a result is worth."""
        for timing in timings:
            self._write(
                task,
                X,
                len(D),
                threads,
                setting,
                timing.method.name,
                f"{1e6 * np.median(timing.seconds):.2f}",
                f"{timing.times_slower_than(timings[0]):.2f}",
                quality(timing),
                f"{timing.first:.2f}",
            )

    def add_time(self, task, X, n_components, threads, setting, name, seconds, ratio):
        """Add the time of a method that learns from rows X, as a multiple of ours."""
        time = f"{1e6 * seconds / len(X):.2f}"
        self._write(task, X, n_components, threads, setting, name, time, f"{ratio:.2f}", f"{seconds:.3f} s in all", "")

    def add_curves(self, task, X, n_components, threads, points):
        """Add points (seconds, objective) by method, which only the JSON file has."""
        self.curves.append({"task": task, "F": X.shape[1], "K": n_components, "type": X.dtype.name, "threads": threads,
                            "points": points})  # fmt: skip

    def _write(self, task, X, n_components, *cells):
        cells = task, X.shape[1], n_components, X.dtype.name, *cells
        self.rows.append(dict(zip(COLUMNS, cells, strict=True)))
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)

    def save(self, path):
        """Write the rows, and what they were measured with."""
        Path(path).write_text(
            json.dumps({"machine": machine(), "rows": self.rows, "curves": self.curves}, indent=1) + "\n"
        )


def machine():
    """Return what the figures depend on."""

    def version_of(name):
        try:
            return version(name)
        except PackageNotFoundError:
            return "not installed"

    names = ("sparsecode", "numpy", "numba", "scikit-learn", "spams-bin", "celer", "skglm", "dictlearn")
    return {
        "cores": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "OPENBLAS_NUM_THREADS": os.environ.get("OPENBLAS_NUM_THREADS"),
        **{name: version_of(name) for name in names},
    }
