"""``python -m sparsecode info``: what a bug report needs."""

import importlib.metadata
import os
import platform

HELP = "show versions, threads and the folder of compiled kernels"

PACKAGES = ("numpy", "scipy", "numba", "scikit-learn", "scikit-image", "matplotlib", "xarray", "joblib")


def add_arguments(parser):
    """Declare no options."""


def run(options):
    """Print the report."""
    import threadpoolctl

    import sparsecode

    from ..solvers._active_set_kernel import encode_rows

    print(f"sparsecode {sparsecode.__version__}, Python {platform.python_version()}, {platform.platform()}")
    for package in PACKAGES:
        print(f"{package} {importlib.metadata.version(package)}")
    print(f"cores {os.cpu_count()}")
    for pool in threadpoolctl.threadpool_info():
        print(f"{pool['internal_api']} threads {pool['num_threads']} ({pool['prefix']} {pool.get('version')})")
    stats = getattr(encode_rows, "stats", None)
    print(f"compiled kernels {stats.cache_path if stats else 'off: NUMBA_DISABLE_JIT is set'}")
