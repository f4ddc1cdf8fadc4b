"""The one door to Numba: cache that follows edits and heals itself, imports that stay light, few versions."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numba
import pytest
from numba.core.caching import IndexDataCacheFile, NullCache

import sparsecode
from sparsecode._core.jit import LabeledFile, has_outside_class, kernel, kernel_sources_hash
from sparsecode.penalties import L1

from .. import versions
from ..penalties.berhu import Berhu

PACKAGE = Path(sparsecode.__file__).parent
jit_only = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="is about compiled kernels")

PROX = """
from sparsecode.penalties import L1
from sparsecode.penalties._base import prox_rows
print(L1(1.0).prox([[3.0, 0.5]])[0, 0], sum(prox_rows.stats.cache_hits.values()))
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
    assert run(PROX, copy)[0] == ["2.0", "0"]
    assert run(PROX, copy)[0] == ["2.0", "1"]
    source = copy / "sparsecode" / "penalties" / "l1.py"
    text = source.read_text()
    edited = text.replace("over = m - step * self.entry[j]", "over = m - 2 * step * self.entry[j]")
    assert edited != text
    source.write_text(edited)
    assert run(PROX, copy)[0] == ["1.0", "0"]
    assert run(PROX, copy)[0] == ["1.0", "1"]


@jit_only
@pytest.mark.slow
def test_an_edited_penalty_of_a_user_changes_the_result(copy):
    """Its versions are not kept on disk, where programs without the module could not read them either."""
    source = copy / "berhu.py"
    text = (Path(__file__).parents[1] / "penalties" / "berhu.py").read_text()
    edited = text.replace("tau = step * self.entry[j]", "tau = 2 * step * self.entry[j]")
    assert edited != text
    code = PROX.replace("sparsecode.penalties import L1", "berhu import Berhu as L1")
    for content, expected in ((text, "1.5"), (text, "1.5"), (edited, "1.0")):
        source.write_text(content)
        assert run(code, copy) == ([expected, "0"], "")
    source.unlink()
    assert run(PROX, copy) == (["2.0", "0"], "")
    assert run(PROX, copy) == (["2.0", "1"], "")


def test_classes_that_change_without_the_package_are_found():
    class BoundL1(NamedTuple):
        entry: float

    BoundL1.__module__, BoundL1.__qualname__ = "sparsecode.penalties.l1", "BoundL1"  # as if it were ours
    bounds = (L1(1.0).bind([1.0], "float64"), Berhu(1.0).bind([1.0], "float64"), BoundL1(1.0))
    ours, theirs, posing = map(numba.typeof, bounds)
    number = numba.float64
    assert not has_outside_class((number, ours, numba.types.Tuple((ours, number))))
    for kind in (theirs, posing):
        assert has_outside_class((number, kind))
        assert has_outside_class((number, numba.types.Tuple((ours, numba.types.Tuple((kind, number))))))


BITS = """
import hashlib
import numpy as np
from sparsecode import SparseCoder
from sparsecode.penalties import L1
from sparsecode.solvers import solve
X = np.random.default_rng(0).normal(size=(200, 40))
digest = hashlib.sha256()
for dtype in ("float32", "float64"):
    coder = SparseCoder(60, alpha=1.0, max_iter=2, random_state=0).fit(X.astype(dtype))
    result = solve(X.astype(dtype), coder.components_, L1(1.0))
    digest.update(coder.components_.tobytes() + b"".join(array.tobytes() for array in result))
print(digest.hexdigest())
"""


@jit_only
@pytest.mark.slow
def test_compiled_and_loaded_kernels_give_the_same_bits(copy):
    assert run(BITS, copy) == run(BITS, copy)


def _halve(x):
    return 0.5 * x


def _quarter(x):
    return halve(halve(x))


halve = kernel(_halve)
quarter = kernel(_quarter)


@jit_only
def test_what_only_kernels_call_gets_no_machine_code(monkeypatch):
    monkeypatch.setattr(quarter, "_cache", NullCache())  # what is loaded from disk has no part
    assert quarter(8.0) == 2.0
    assert (halve.signatures, halve.part.signatures) == ([], [(numba.float64,)])
    assert halve(8.0) == 4.0
    assert (halve.signatures, quarter.signatures) == ([(numba.float64,)], [(numba.float64,)])


@jit_only
@pytest.mark.slow
@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", ["empty", "truncated"])
def test_a_damaged_cache_file_is_a_miss_with_a_warning(copy, ending, damage):
    run(PROX, copy)
    files = sorted((copy / "cache").rglob(f"*_prox_rows*.{ending}"))
    assert files
    for file in files:
        content = file.read_bytes()
        file.write_bytes(b"" if damage == "empty" else content[: len(content) // 2])
    output, errors = run(PROX, copy)
    assert output == ["2.0", "0"]
    assert "CacheWarning: unreadable cache entry" in errors
    output, errors = run(PROX, copy)
    assert output == ["2.0", "1"]
    assert errors == ""


@jit_only
def test_files_that_processes_mix_up_are_misses(tmp_path):
    """Two processes that find an empty index give their first files the same name."""
    first, second = (LabeledFile(str(tmp_path), "kernel", "stamp") for _ in range(2))
    first.save("float32", b"code for float32")
    index = (tmp_path / "kernel.nbi").read_bytes()
    (tmp_path / "kernel.nbi").unlink()
    second.save("float64", b"code for float64")
    assert second.load("float64") == b"code for float64"
    (tmp_path / "kernel.nbi").write_bytes(index)
    assert IndexDataCacheFile.load(first, "float32")[2] == b"code for float64"  # what numba alone would run
    assert first.load("float32") is None
    first.save("float32", b"code for float32")
    assert first.load("float32") == b"code for float32"
    assert LabeledFile(str(tmp_path), "kernel", "another stamp").load("float32") is None


@jit_only
@pytest.mark.slow
def test_without_a_folder_for_the_cache_there_is_a_warning_and_the_right_result(copy):
    for folder in (copy / "sparsecode").rglob("*"):
        if folder.is_dir():
            (folder / "__pycache__").write_text("a file where the folder should be")
    nowhere = {"NUMBA_CACHE_DIR": os.devnull, "HOME": os.devnull, "XDG_CACHE_HOME": os.devnull}
    output, errors = run(PROX, copy, **nowhere)
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
    (copy / "sparsecode" / "plot.py").write_text("# nothing compiled depends on this\n")
    assert run(code, copy)[0] == [kernel_sources_hash()]
    for file in (
        "penalties/firm.py",
        "penalties/l1.py",
        "solvers/_rows.py",
        "solvers/_cholesky.py",
        "learning/_kernels.py",
        "_core/products.py",
        "_core/jit.py",
    ):
        path = copy / "sparsecode" / file
        path.write_text(path.read_text() + "\n# edited\n")
        assert run(code, copy)[0] != [kernel_sources_hash()]
        path.write_text((PACKAGE / file).read_text())


def test_too_many_versions_are_named():
    found = {("room.kernel", "machine code", "BoundL1", types) for types in ("float32", "float64", "int64")}
    assert versions.complaint(found, 3) == "3 versions of room.kernel machine code BoundL1"
    assert versions.complaint(found, 2).endswith("; 3 versions in all, not 2")
    assert versions.complaint(sorted(found)[:2], 2) == ""
    assert versions.classes_of([numba.typeof(L1(1.0).bind([1.0], "float64"))]) == "sparsecode.penalties.l1.BoundL1"
    assert versions.complaint({(*version[:1], "part", *version[2:]) for version in sorted(found)[:2]}, 0) == ""


@jit_only
def test_compiled_versions_in_total():
    """Runs last: two versions for each kernel and class of penalty at the most, float32 and float64."""
    assert not versions.complaint(versions.compiled(), TOTAL)


#: What `python -m sparsecode warmup` compiles on an empty cache, kernels that Python calls: those of solvers once for
#: each class of bound penalties that they take (eight, six of them separable) and precision; those of the Gabor fit, of
#: paths, of separable dictionaries and of known entries in float64 only, those of dendritic segments once; all others
#: in both precisions. And what tests call themselves.
TOTAL = 242
