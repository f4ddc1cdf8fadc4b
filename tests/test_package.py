"""What is handed out: builds are the same bytes, hold what they should, and pyproject.toml says what is needed."""

import ast
import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PACKAGE = f"{PROJECT['name']}-{PROJECT['version']}"

#: What work leaves behind in a clone, none of which may be handed out.
LEFT_BEHIND = [
    "sparsecode/_core/__pycache__/jit._kernel-1.py311.1.nbi",
    "sparsecode/_core/jit.cpython-311.pyc",
    "gallery/plot_lista.png",
    "docs/_build/html/index.html",
    "docs/auto_gallery/plot_lista.rst",
    "docs/api/sparsecode.rst",
    "tests/.pytest_cache/README.md",
    "dist/sparsecode-0.0.9.tar.gz",
]


def tracked():
    """Return the names of all files of the repository."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("no clone of the repository")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def copy_of(names, folder, mode, time):
    """Copy files of the repository to a folder, all with the same permissions and age."""
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
        target.chmod(mode)
        os.utime(target, (time, time))
    return folder


def build(folder, output):
    """Build source archive and wheel of a folder, without a network, and return the files."""
    environment = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-t", "wheel", "-d", output],
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True,
    )  # fmt: skip
    return output / f"{PACKAGE}.tar.gz", output / f"{PACKAGE}-py3-none-any.whl"


def hashes(files):
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]


def contents(archive):
    """Return the names of the files in a source archive, without its folder."""
    with tarfile.open(archive) as files:
        return {member.name.removeprefix(f"{PACKAGE}/") for member in files.getmembers() if member.isfile()}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Source archive and wheel of what the repository tracks."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("clone")
    return build(copy_of(tracked(), folder, 0o644, 1_700_000_000), folder.parent / f"{folder.name}-built")


def unpack(archive, folder):
    """Write the files of a source archive; `extractall` warns without a filter, which Python has from 3.11.4 on."""
    with tarfile.open(archive) as files:
        for member in filter(tarfile.TarInfo.isfile, files):
            path = folder / member.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(files.extractfile(member).read())


def test_another_folder_time_and_what_work_leaves_behind_give_the_same_bytes(built, tmp_path):
    """Also from the source archive."""
    again = copy_of(tracked(), tmp_path / "again", 0o600, 1_800_000_000)
    for name in LEFT_BEHIND:
        (again / name).parent.mkdir(parents=True, exist_ok=True)
        (again / name).write_text("left behind")
    assert hashes(build(again, tmp_path / "second")) == hashes(built)
    unpack(built[0], tmp_path)
    assert hashes(build(tmp_path / PACKAGE, tmp_path / "third")) == hashes(built)


def test_source_archive_is_the_repository(built):
    assert contents(built[0]) == {*tracked(), "PKG-INFO"}


def test_wheel_is_the_package_and_its_licence(built):
    with zipfile.ZipFile(built[1]) as wheel:
        names = {name for name in wheel.namelist() if not name.endswith("/")}
        metadata = wheel.read(f"{PACKAGE}.dist-info/METADATA").decode()
    package = {name for name in tracked() if name.startswith("sparsecode/")}
    info = {"METADATA", "WHEEL", "RECORD", "licenses/LICENSE"}
    assert names == package | {f"{PACKAGE}.dist-info/{name}" for name in info}
    assert built[1].stat().st_size < 1_500_000  # 0.88 MB
    assert "License-Expression: BSD-3-Clause" in metadata
    assert (ROOT / "README.md").read_text("utf-8").strip() in metadata


@pytest.fixture(scope="module")
def bounds():
    """The script that makes constraints for the job with the lowest versions."""
    path = ROOT / ".ci" / "lowest.py"
    spec = importlib.util.spec_from_file_location("lowest", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_lowest_versions_are_those_of_the_requirements(bounds):
    every = PROJECT["optional-dependencies"]
    pins = bounds.lowest(bounds.requirements())
    for line in bounds.requirements():
        name = re.match(r"[\w.-]+", line)[0]
        assert line.endswith(f">={pins[name]}")
    # One bound of a package, wherever it stands, also in the extras that are not tried at their lowest
    assert set(bounds.lowest(bounds.requirements(every))) >= set(pins)
    output = subprocess.run([sys.executable, ROOT / ".ci" / "lowest.py"], stdout=subprocess.PIPE, text=True, check=True)
    assert dict(line.split("==") for line in output.stdout.splitlines()) == pins


@pytest.mark.parametrize("line", ["numpy", "numpy<3", "numpy==2.0", "numpy>=2.0,<3", "numpy>=2.0; python_version<'4'"])
def test_a_requirement_that_is_no_lower_bound_is_an_error(bounds, line):
    with pytest.raises(ValueError, match="not of the form name>=version"):
        bounds.lowest([line])


def test_two_bounds_of_one_package_are_an_error(bounds):
    with pytest.raises(ValueError, match=re.escape("two bounds of pandas: 2.2 and 2.3")):
        bounds.lowest(["pandas>=2.2", "pandas>=2.3"])


def test_versions_are_said_alike_everywhere():
    python = PROJECT["requires-python"].removeprefix(">=")
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert settings["tool"]["ruff"]["target-version"] == f"py{python.replace('.', '')}"
    for page in ("README.md", "docs/start/install.md"):
        assert f"Python {python} or newer" in (ROOT / page).read_text("utf-8")
    assert f"Version {PROJECT['version']}.\n" in (ROOT / "README.md").read_text("utf-8")
    assert f"\nversion: {PROJECT['version']}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\n## {PROJECT['version']}" in (ROOT / "docs" / "changelog.md").read_text("utf-8")
    assert importlib.metadata.version("sparsecode") == PROJECT["version"]


def test_what_is_imported_is_required(bounds):
    """Packages by the names that they are imported by; what an extra brings is imported by its own module."""
    modules = importlib.metadata.packages_distributions()
    required = {name.lower().replace("_", "-") for name in bounds.lowest(bounds.requirements([]))}
    optional = {name.lower().replace("_", "-") for name in bounds.lowest(bounds.requirements())} | {"nbformat"}
    found = set()
    for path in (ROOT / "sparsecode").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found.add(node.module.partition(".")[0])
    packages = {
        distribution.lower().replace("_", "-")
        for name in found - sys.stdlib_module_names - {"sparsecode"}
        for distribution in modules.get(name, [name])
    }
    assert packages <= optional
    assert required <= packages
