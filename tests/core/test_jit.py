"""The one door to Numba: cache that follows edits and heals itself, imports that stay light, few versions."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest

import sparsecode
from sparsecode._core.jit import KERNELS, kernel_sources_hash

PACKAGE = Path(sparsecode.__file__).parent
jit_only = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="is about compiled kernels")

ENCODE = """
import numpy as np
from sparsecode.penalties import L1
from sparsecode.solvers import solve_active_set
codes = solve_active_set(np.array([[3.0, 0.5]]), np.eye(2), L1(1.0)).codes
from sparsecode.solvers._active_set_kernel import encode_rows
print(codes[0, 0], sum(encode_rows.stats.cache_hits.values()))
"""


def run(code, folder, *flags, **environment):
    """Run code in a new process that imports the package from `folder`."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": str(folder / "cache"), **environment}
    done = subprocess.run(
        [sys.executable, "-I", *flags, "-c", f"import sys; sys.path.insert(0, {str(folder)!r})\n{code}"],
        env=environment, capture_output=True, text=True, cwd=folder, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split(), done.stderr


@pytest.fixture
def copy(tmp_path):
    """A copy of the installed package, to be edited."""
    ignore = shutil.ignore_patterns("__pycache__", "*.nbi", "*.nbc")
    shutil.copytree(PACKAGE, tmp_path / "sparsecode", ignore=ignore)
    return tmp_path


@jit_only
@pytest.mark.slow
def test_an_edited_callee_changes_the_result(copy):
    assert run(ENCODE, copy)[0] == ["2.0", "0"]
    assert run(ENCODE, copy)[0] == ["2.0", "1"]
    source = copy / "sparsecode" / "penalties.py"
    text = source.read_text()
    edited = text.replace("        return self.alpha\n", "        return self.alpha + self.alpha\n")
    assert edited != text
    source.write_text(edited)
    assert run(ENCODE, copy)[0] == ["1.0", "0"]
    assert run(ENCODE, copy)[0] == ["1.0", "1"]


BITS = """
import hashlib
import numpy as np
from sparsecode import SparseCoder
from sparsecode.penalties import L1
from sparsecode.solvers import solve_active_set
X = np.random.default_rng(0).normal(size=(200, 40))
digest = hashlib.sha256()
for dtype in ("float32", "float64"):
    coder = SparseCoder(60, alpha=1.0, max_iter=2, random_state=0).fit(X.astype(dtype))
    result = solve_active_set(X.astype(dtype), coder.components_, L1(1.0))
    digest.update(coder.components_.tobytes() + b"".join(array.tobytes() for array in result))
print(digest.hexdigest())
"""


@jit_only
@pytest.mark.slow
def test_compiled_and_loaded_kernels_give_the_same_bits(copy):
    assert run(BITS, copy) == run(BITS, copy)


@jit_only
@pytest.mark.slow
@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", ["empty", "truncated"])
def test_a_damaged_cache_file_is_a_miss_with_a_warning(copy, ending, damage):
    run(ENCODE, copy)
    files = sorted((copy / "cache").rglob(f"*_encode_rows*.{ending}"))
    assert files
    for file in files:
        content = file.read_bytes()
        file.write_bytes(b"" if damage == "empty" else content[: len(content) // 2])
    output, errors = run(ENCODE, copy)
    assert output == ["2.0", "0"]
    assert "CacheWarning: unreadable cache entry" in errors
    output, errors = run(ENCODE, copy)
    assert output == ["2.0", "1"]
    assert errors == ""


@jit_only
@pytest.mark.slow
def test_without_a_folder_for_the_cache_there_is_a_warning_and_the_right_result(copy):
    for folder in (copy / "sparsecode").rglob("*"):
        if folder.is_dir():
            (folder / "__pycache__").write_text("a file where the folder should be")
    nowhere = {"NUMBA_CACHE_DIR": os.devnull, "HOME": os.devnull, "XDG_CACHE_HOME": os.devnull}
    output, errors = run(ENCODE, copy, **nowhere)
    assert output == ["2.0", "0"]
    assert "CacheWarning: compiled kernels are not kept on disk" in errors


def test_import_is_light():
    heavy = ["numba", "scipy", "sklearn", "skimage", "matplotlib", "xarray", "pandas", "numpy"]
    code = f"import sparsecode, sys; print([name for name in {heavy} if name in sys.modules])"
    assert run(code, PACKAGE.parent)[0] == ["[]"]


def test_every_public_name_can_be_imported():
    assert {"SparseCoder", "Whitener", "PatchExtractor"} <= set(sparsecode.__all__)
    for name in sparsecode.__all__:
        assert getattr(sparsecode, name) is not None
    assert (PACKAGE / "py.typed").exists()


def test_kernel_sources_are_hashed(copy):
    code = "from sparsecode._core.jit import kernel_sources_hash; print(kernel_sources_hash())"
    assert run(code, copy)[0] == [kernel_sources_hash()]
    (copy / "sparsecode" / "plot.py").write_text("# no kernel depends on this\n")
    assert run(code, copy)[0] == [kernel_sources_hash()]
    for file in ("penalties.py", "solvers/_cholesky.py", "learning/_kernels.py", "_core/products.py", "_core/jit.py"):
        path = copy / "sparsecode" / file
        path.write_text(path.read_text() + "\n# edited\n")
        assert run(code, copy)[0] != [kernel_sources_hash()]
        path.write_text((PACKAGE / file).read_text())


@jit_only
def test_compiled_versions_in_total():
    """Runs last: two versions a kernel at the most, float32 and float64 (helpers in float64 only have one)."""
    versions = {name: len(kernel.signatures) for name, kernel in KERNELS.items() if name.startswith("sparsecode.")}
    assert max(versions.values(), default=0) <= 2, versions
    assert sum(versions.values()) <= TOTAL, versions


#: 13 kernels in float32 and float64, 13 (the Cholesky factor and the Gabor fit) in float64 only.
TOTAL = 39
