"""Files that are replaced as a whole: an old one survives whatever happens while a new one is written."""

import errno
import io
import os
import signal
import stat
import subprocess
import sys
import threading

import numpy as np
import pytest

from sparsecode._core.archive import read_archive, write_archive

pytestmark = pytest.mark.nojit

HEADER = {"class": "Toy", "params": {}, "scalars": {}}
ARRAYS = {"x": np.arange(3.0)}


@pytest.fixture
def path(tmp_path):
    """An archive."""
    write_archive(tmp_path / "a.npz", "toy", HEADER, ARRAYS)
    return tmp_path / "a.npz"


#: Before anything is written, when all arrays are, when all is, and when the file is complete.
PLACES = ["zipfile.ZipFile.open", "zipfile.ZipFile._write_end_record", "os.fsync", "os.replace"]


@pytest.mark.parametrize("error", [(KeyboardInterrupt,), (MemoryError,), (OSError, errno.ENOSPC, "no space left")])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("old", [True, False], ids=["over an old file", "new file"])
def test_an_error_while_writing_leaves_the_old_file_and_nothing_else(old, place, error, tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    if old:
        write_archive(path, "toy", HEADER, ARRAYS)

    def fail(*_args, **_options):
        raise kind(*details)

    kind, *details = error
    before = path.read_bytes() if old else None
    with monkeypatch.context() as patched:
        patched.setattr(place, fail)
        with pytest.raises(kind) as caught:
            write_archive(path, "toy", HEADER, {"x": np.zeros(100_000)})
    if kind is OSError:
        assert str(path) in str(caught.value)
    assert os.listdir(tmp_path) == [path.name] * old
    assert not old or path.read_bytes() == before
    write_archive(path, "toy", HEADER, ARRAYS)
    assert read_archive(path)[1]["x"].tolist() == [0, 1, 2]


CHILD = """
import os, signal, sys, zipfile
import numpy as np
from sparsecode._core.archive import write_archive

def stop(*_args, **_options):
    {stop}

{owner}.{name} = stop
write_archive({path!r}, "toy", {{"class": "Toy", "params": {{}}, "scalars": {{}}}}, {{"x": np.zeros(100_000)}})
"""


@pytest.mark.parametrize("stop", ["os.kill(os.getpid(), signal.SIGKILL)", "os._exit(9)"])
@pytest.mark.parametrize("place", PLACES)
def test_a_killed_writer_leaves_the_old_file(place, stop, path):
    before = path.read_bytes()
    owner, _, name = place.rpartition(".")
    code = CHILD.format(stop=stop, owner=owner, name=name, path=str(path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode in (9, -signal.SIGKILL), done.stderr
    assert path.read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="file sizes cannot be limited there")
def test_a_full_disk_leaves_the_old_file(path):
    before = path.read_bytes()
    code = "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    code += "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n" + CHILD.replace("{owner}.{name} = stop\n", "")
    done = subprocess.run(
        [sys.executable, "-c", code.format(stop="pass", path=str(path))], capture_output=True, text=True, timeout=60
    )
    assert "File too large" in done.stderr
    assert str(path) in done.stderr.splitlines()[-1]
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_a_mapped_file_may_be_saved_over(path):
    before = path.read_bytes()
    mapped = np.memmap(path, mode="r")
    write_archive(path, "toy", HEADER, {"x": np.ones(10)})
    assert mapped.tobytes() == before
    assert read_archive(path)[1]["x"].tolist() == [1] * 10


def test_readers_and_writers_at_once(path):
    failures = []

    def work(value):
        try:
            for _ in range(20):
                write_archive(path, "toy", HEADER, {"x": np.full(50, value)})
                x = read_archive(path)[1]["x"]
                assert (x == x[0]).all()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(value,)) for value in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_permissions_are_those_of_the_old_file_or_of_any_new_file(path, tmp_path):
    path.chmod(0o640)
    write_archive(path, "toy", HEADER, ARRAYS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    (tmp_path / "plain").touch()
    write_archive(tmp_path / "new.npz", "toy", HEADER, ARRAYS)
    assert (tmp_path / "new.npz").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_targets_that_are_refused(path, tmp_path, monkeypatch):
    def write(target):
        write_archive(target, "toy", HEADER, ARRAYS)

    (tmp_path / "link.npz").symlink_to(path)
    with pytest.raises(OSError, match="is a symbolic link, which saving would replace; give the path of the file"):
        write(tmp_path / "link.npz")
    assert (tmp_path / "link.npz").is_symlink()
    with pytest.raises(IsADirectoryError, match="is a folder; give the path of a file"):
        write(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"cannot write into the folder: .*/missing'"):
        write(tmp_path / "missing" / "a.npz")
    with pytest.raises(OSError, match="name too long"):
        write(tmp_path / ("a" * 300))
    write(tmp_path / ("ä" * 120))
    with pytest.raises(TypeError, match="PathLike"):
        write(io.BytesIO())
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(PermissionError, match="is write-protected; give another path"):
        write(path)


def test_a_read_only_folder_is_named(read_only_folder):
    with pytest.raises(OSError, match=rf"cannot write into the folder: .*{read_only_folder}'"):
        write_archive(read_only_folder / "a.npz", "toy", HEADER, ARRAYS)
