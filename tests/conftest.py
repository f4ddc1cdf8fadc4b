"""Fixtures shared by all rooms, and the guard against global side effects."""

import importlib.util
import os
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

from . import versions
from .scripts import Scripts

#: Compiled versions of all workers.
VERSIONS = pytest.StashKey()


def pytest_report_header():
    """Say which copy of the package is under test: the installed one, not the folder beside the tests."""
    return f"sparsecode from {Path(importlib.util.find_spec('sparsecode').origin).parent}"


def pytest_configure():
    """Let processes that tests start import that copy too, and find the kernels that are compiled for it."""
    os.environ["PYTHONSAFEPATH"] = "1"


def pytest_collection_modifyitems(items):
    """Count compiled versions last, when every other test has had its say."""
    items.sort(key=lambda item: item.name == "test_compiled_versions_in_total")


def pytest_collection_finish(session):
    """Note which gallery scripts will be asked for; where workers share the tests they run when they are."""
    items = (item for item in session.items if item.name.startswith("test_script["))
    wanted = {item.callspec.params["script"]: item.callspec.params["smaller"] for item in items}
    session.config.scripts = Scripts(wanted, beside=not hasattr(session.config, "workerinput"))


def pytest_runtest_teardown(item):
    """Let gallery scripts run on another core beside the tests, once there are kernels on disk for them."""
    if item.name == "test_warmup":
        item.config.scripts.start_all()


def pytest_unconfigure(config):
    if hasattr(config, "scripts"):
        config.scripts.close()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """Count compiled versions of all workers together, where workers share the tests, when these have ended."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["versions"] = sorted(versions.compiled())
    elif VERSIONS in session.config.stash:
        from .core.test_jit import TOTAL

        if complaint := versions.complaint(session.config.stash[VERSIONS], TOTAL):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            session.config.get_terminal_writer().line(f"\nFAILED compiled kernels: {complaint}", red=True)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Take what a worker says."""
    found = node.config.stash.setdefault(VERSIONS, set())
    found |= {tuple(version) for version in getattr(node, "workeroutput", {}).get("versions", ())}


@pytest.fixture(scope="session")
def scripts(pytestconfig):
    """Runs of gallery scripts."""
    return pytestconfig.scripts


def global_settings():
    """Settings that belong to the user; pytest itself replaces warning filters for each test."""
    matplotlib = sys.modules.get("matplotlib")
    return (
        np.geterr(),
        numba.get_num_threads(),
        numba.config.DISABLE_JIT,
        os.getcwd(),
        matplotlib and dict(matplotlib.rcParams),
    )


@pytest.fixture(autouse=True)
def no_global_side_effects():
    """Global settings belong to the user: they are the same after each test."""
    before = global_settings()
    yield
    for was, is_now in zip(before, global_settings(), strict=True):
        if was is not None:  # matplotlib may have been loaded in between
            assert is_now == was


@pytest.fixture(params=[np.float32, np.float64], ids=["float32", "float64"])
def dtype(request):
    return request.param


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def whitened_images():
    """The bundled photographs after whitening."""
    from sparsecode import Whitener
    from sparsecode.datasets import natural_images

    return Whitener().fit_transform(natural_images())


@pytest.fixture(scope="session")
def patches(whitened_images):
    """20 000 centred 12 x 12 patches of whitened photographs."""
    from sparsecode import PatchExtractor

    return PatchExtractor(12, n_patches=20_000, center=True, random_state=0).fit_transform(whitened_images)


@pytest.fixture
def read_only_folder(tmp_path):
    """A folder in which nobody makes files: permissions do not bind root, but /sys does."""
    if os.name != "posix":
        pytest.skip("permissions of POSIX")
    if os.geteuid():
        tmp_path.chmod(0o555)
        return tmp_path
    if not Path("/sys").is_dir():
        pytest.skip("no folder that binds root")
    return Path("/sys")
