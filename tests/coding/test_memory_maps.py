"""Memory maps: a file larger than the memory allowed, and no copies of all rows."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from sparsecode import SparseCoder

from ..contracts.encoders import same_bits

LIMITED = """
import resource, sys
import numpy as np
from sparsecode import Checkpoint, SparseCoder

X = np.memmap({data!r}, np.float32, "r", shape=(160_000, 256))
options = dict(alpha=2.0, batch_size=2000, max_iter=1, random_state=0, fit_dc=True, n_jobs=2)
SparseCoder(64, **options).fit_blocks(X[:4000]).transform(X[:100])  # compiled code is not what is measured
used = int(open("/proc/self/status").read().split("VmData:")[1].split()[0]) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (used + {limit}, used + {limit}))
coder = SparseCoder(64, **options)
coder.{method}(X, {options})
print(coder.n_iter_)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits and measures of Linux")
def test_a_file_larger_than_the_memory_allowed(tmp_path):
    rng, path = np.random.default_rng(0), tmp_path / "x.bin"
    with open(path, "wb") as file:
        for _ in range(80):
            file.write(rng.standard_normal((2000, 256), dtype=np.float32).tobytes())
    size = path.stat().st_size

    def run(method, options=""):
        code = LIMITED.format(data=str(path), limit=size // 2, method=method, options=options)
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)

    saved = f"blocks_per_update=2, checkpoint=Checkpoint({str(tmp_path / 'fit')!r}, every_seconds=0.2)"
    done = run("fit_blocks", saved)
    assert done.stdout.strip() == "1", done.stderr
    assert "MemoryError" in run("fit").stderr  # takes a copy to centre the samples: so much for the limit


def test_fit_and_transform_take_maps_without_copies(rng, dtype, tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, rng.normal(size=(60_000, 32)).astype(dtype))
    X = np.load(path, mmap_mode="r")
    params = {"n_components": 8, "max_iter": 2, "batch_size": 500, "random_state": 0}
    found = SparseCoder(**params).fit(X[:500])
    found.transform(X[:500])
    for params_now in ({}, {"target_sparsity": 0.2}, {"init": "data"}, {"dictionary": np.eye(32)[:8], "alpha": 0.5}):
        found = SparseCoder(**params | params_now)
        tracemalloc.start()
        try:
            found.fit(X)
            assert tracemalloc.get_traced_memory()[1] < 0.9 * X.nbytes  # 0.2 to 0.7, mostly of 10 000 rows at a time
            tracemalloc.reset_peak()
            codes = found.transform(X)
            assert tracemalloc.get_traced_memory()[1] < codes.nbytes + 0.5 * X.nbytes
        finally:
            tracemalloc.stop()
    assert same_bits(codes, found.transform(np.array(X)))
