"""Results as a Markdown table and as JSON."""

import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

COLUMNS = (
    "task",
    "F",
    "K",
    "type",
    "threads",
    "BLAS threads",
    "setting",
    "method",
    "us / row",
    "ours is faster",
    "quality",
)

PACKAGES = (
    "sparsecode",
    "numpy",
    "numba",
    "scikit-learn",
    "spams-bin",
    "celer",
    "skglm",
    "dictlearn",
    "sporco",
    "alphacsc",
    "faiss-cpu",
)


class Report:
    """Rows of results, printed as they come, and saved in a file, if there is one, as they come."""

    def __init__(self, path=None):
        self.path, self.rows, self.curves = path, [], []
        self.machine = machine()
        print(", ".join(f"{name} {value}" for name, value in self.machine.items()), end="\n\n")
        print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|", flush=True)

    def add(self, task, X, D, threads, setting, timings, quality):
        """Add the timings of methods, the first of which is ours; `quality` says what a result is worth."""
        for timing in timings:
            time, ratio = 1e6 * np.median(timing.seconds), timing.times_slower_than(timings[0])
            self._write(task, X, len(D), threads, setting, timing.method.name, time, ratio, quality(timing))

    def add_time(self, task, X, n_components, threads, setting, name, seconds, ratio):
        """Add the time of a method that learns from rows X, as a multiple of ours."""
        time = 1e6 * seconds / len(X)
        self._write(task, X, n_components, threads, setting, name, time, ratio, f"{seconds:.3f} s in all")

    def add_curves(self, task, X, n_components, threads, points):
        """Add points (seconds, value) by method, which only the JSON file has, and the figure."""
        self.curves.append({"task": task, "F": X.shape[1], "K": n_components, "type": X.dtype.name, "threads": threads,
                            "points": points})  # fmt: skip

    def _write(self, task, X, n_components, threads, setting, name, time, ratio, quality):
        cells = (task, X.shape[1], n_components, X.dtype.name, threads, blas_threads(), setting, name, float(time),
                 float(ratio), quality)  # fmt: skip
        self.rows.append(dict(zip(COLUMNS, cells, strict=True)))
        texts = (f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in cells)
        print("| " + " | ".join(texts) + " |", flush=True)
        self.save()

    def save(self):
        """Write the rows, and what they were measured with."""
        if self.path:
            rows = [{name: _finite(cell) for name, cell in row.items()} for row in self.rows]
            results = {"machine": self.machine, "rows": rows, "curves": self.curves}
            unfinished = Path(f"{self.path}.part")  # what is there already outlives a run that is killed
            unfinished.write_text(json.dumps(results, indent=1, allow_nan=False) + "\n")
            unfinished.replace(self.path)


def _finite(cell):
    """Return None for what was never reached: JSON knows no infinity."""
    return None if isinstance(cell, float) and not np.isfinite(cell) else cell


def machine():
    """Return what the figures depend on; NumPy and SciPy may have a BLAS each."""
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    names = {f"{pool['internal_api']} {pool['version']} {pool.get('architecture', '')}".strip() for pool in pools}
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "processor": processor(),
        "BLAS": " and ".join(sorted(names)) or "not found",
        **{name: version_of(name) for name in PACKAGES},
    }


def processor():
    """Return the name and the family of the processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    found = {}
    for line in lines:
        key, _, value = line.partition(":")
        found.setdefault(key.strip(), value.strip())  # the first processor
    name = found.get("model name") or platform.machine()
    return f"{name}, family {found['cpu family']}" if "cpu family" in found else name


def version_of(name):
    """Return the version of a package."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def blas_threads():
    """Return the number of threads that BLAS has at this moment."""
    return max((pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"), default=1)
