"""Checkpoints: the newest valid one of the same fit, whatever happened to the folder."""

import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

import sparsecode
from sparsecode import Checkpoint, FormatError, SparseCoder, load
from sparsecode._checkpoints import ABANDONED, CheckpointFolder, fingerprint
from sparsecode.penalties import L1

from .core.test_atomic import PLACES

pytestmark = pytest.mark.nojit

IDENTITY = {"`alpha`": "0.5", "data": "array of sha256 ab"}


def encoder(value=1.0):
    """A fitted encoder with a state that can be told from others."""
    return SparseCoder(dictionary=[[value, 0.0]], alpha=0.5).fit([[1.0, 2.0]])


def folder(path, identity=IDENTITY, **options):
    return CheckpointFolder(Checkpoint(path, **options), identity)


def save(path, *steps, **options):
    """Save checkpoints whose number is their content, and return their files."""
    checkpoints = folder(path, **options)
    checkpoints.load()
    for step in steps:
        checkpoints.save(step, encoder(step), {"step": step, "sum": np.array([step, 0.1])})
    return sorted(Path(path).iterdir())


def loaded(path):
    """Return the number of the checkpoint that is loaded, None if there is none."""
    found = folder(path).load()
    if found is None:
        return None
    coder, progress = found
    assert coder.components_.tolist() == [[progress["step"], 0.0]]
    assert progress["sum"].tolist() == [progress["step"], 0.1]
    return progress["step"]


def test_the_newest_is_loaded_and_old_ones_go(tmp_path):
    path = tmp_path / "fit"
    assert folder(path).load() is None
    assert path.is_dir()
    assert [file.name for file in save(path, 1, 2, 30)] == [
        "checkpoint-000000000002.npz",
        "checkpoint-000000000030.npz",
    ]
    assert loaded(path) == 30
    assert len(save(path, 31, 32, 33, 34, keep=3)) == 3
    assert len(save(path, 35, keep=1)) == 1
    assert loaded(str(path)) == 35


def test_a_checkpoint_is_a_file_that_load_reads(tmp_path):
    file = save(tmp_path, 7)[0]
    for kind in (None, "checkpoint"):
        coder = load(file, kind=kind)
        assert coder.components_.tolist() == [[7.0, 0.0]]
        assert coder.transform([[1.0, 0.0]]).shape == (1, 1)
    with pytest.raises(FormatError, match="holds 'checkpoint'"):
        load(file, kind="encoder")


def test_a_damaged_one_gives_way_to_the_one_before(tmp_path):
    older, newer = save(tmp_path, 1, 2)
    whole = newer.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        newer.write_bytes(whole[:length])
        with pytest.warns(UserWarning, match=rf"^{newer}: .*from the checkpoint before, {older.name}\.$"):
            assert loaded(tmp_path) == 1
    newer.write_bytes(whole.replace(b"identity", b"identitx"))
    with pytest.warns(UserWarning, match="goes on from the checkpoint before"):
        assert loaded(tmp_path) == 1
    older.write_bytes(b"")
    with pytest.raises(FormatError, match=f"{newer}: .*{older}: .*There is no other checkpoint; delete the folder"):
        folder(tmp_path).load()


@pytest.mark.parametrize("keep", [1, 2])
def test_a_damaged_one_goes_when_the_fit_has_gone_on(keep, tmp_path):
    save(tmp_path, 1, 2, 9)[-1].write_bytes(b"damaged")
    checkpoints = folder(tmp_path, keep=keep)
    with pytest.warns(UserWarning, match="goes on from the checkpoint before"):
        assert checkpoints.load()[1]["step"] == 2
    checkpoints.save(3, encoder(3), {"step": 3, "sum": np.array([3, 0.1])})
    assert [int(path.stem[-12:]) for path in sorted(tmp_path.iterdir())] == [2, 3][-keep:]
    assert loaded(tmp_path) == 3


def test_another_fit_is_refused_with_what_differs(tmp_path):
    save(tmp_path, 1)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    other = IDENTITY | {"`alpha`": "0.25", "`seed`": "3"}
    with pytest.raises(
        ValueError,
        match=r"of another fit: `alpha` was 0\.5, is 0\.25; `seed` was not there, is 3\. Give the parameters and the "
        r"data of that fit to go on with it, or another folder to start anew",
    ):
        folder(tmp_path, other).load()
    with pytest.raises(ValueError, match=r"another fit: data was array of sha256 ab, is not there"):
        folder(tmp_path, {"`alpha`": "0.5"}).load()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_files_of_others_are_left_alone(tmp_path):
    names = ["notes.txt", "checkpoint-1.npz", "checkpoint-000000000001.npz.bak", ".sparsecode-new.tmp"]
    for name in [*names, ".sparsecode-old.tmp"]:
        (tmp_path / name).write_text("mine")
    past = time.time() - ABANDONED - 60
    os.utime(tmp_path / ".sparsecode-old.tmp", (past, past))
    save(tmp_path, 1, 2, 3, keep=1)
    assert {path.name for path in tmp_path.iterdir()} == {*names, "checkpoint-000000000003.npz"}


def test_time_between_checkpoints(tmp_path):
    checkpoints = folder(tmp_path, every_seconds=0.05)
    checkpoints.load()
    time.sleep(0.06)
    assert checkpoints.is_due
    checkpoints.save(1, encoder(), {})
    assert not checkpoints.is_due
    assert folder(tmp_path, every_seconds=0).is_due


def test_fingerprints_differ_where_values_do():
    values = [None, True, 1, 1.0, 0.1, "a", (1, 2), [1, 2], L1(0.5), L1(0.25), L1(0.5, positive=True)]
    values += [np.arange(3), np.arange(3.0), np.arange(4.0), np.arange(4.0).reshape(2, 2), np.zeros((0, 2)), "a" * 200]
    values += [sparsecode.Dictionary.dct(4), sparsecode.Dictionary.dct((2, 2))]
    words = [fingerprint(value) for value in values]
    assert len(set(words)) == len(words)
    assert words[:5] == ["null", "true", "1", "1.0", "0.1"]
    assert all(len(word) < 120 for word in words)
    assert fingerprint(np.arange(6).reshape(2, 3).T) == fingerprint(np.arange(6).reshape(2, 3).T.copy())


def test_what_a_checkpoint_takes(tmp_path):
    assert Checkpoint(tmp_path) == Checkpoint(tmp_path, every_seconds=60, keep=2)
    assert sparsecode.Checkpoint is Checkpoint
    with pytest.raises(AttributeError):
        Checkpoint("fit").keep = 3
    with pytest.raises(TypeError, match="`path` must be the path of a folder, got 3"):
        Checkpoint(3)
    for wrong in (-1, float("nan"), float("inf"), "60"):
        with pytest.raises(ValueError, match="`every_seconds` must be a number >= 0, got"):
            Checkpoint("fit", every_seconds=wrong)
    for wrong in (0, 1.5, True, None):
        with pytest.raises(ValueError, match="`keep` must be an int >= 1, got"):
            Checkpoint("fit", keep=wrong)


# Faults of the disk


def test_folders_that_cannot_be_used(tmp_path):
    with pytest.raises(FileNotFoundError, match="missing/fit"):
        folder(tmp_path / "missing" / "fit").load()
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError, match="file"):
        folder(tmp_path / "file").load()


def test_a_read_only_folder_is_named(read_only_folder):
    path = read_only_folder
    checkpoints = folder(path)
    assert checkpoints.load() is None
    with pytest.raises(OSError, match=rf"cannot write into the folder: .*{path}'") as caught:
        checkpoints.save(0, encoder(), {})
    assert caught.value.__notes__ == [f"The fit can go on from what {path} holds: make room there and call it again."]


@pytest.mark.parametrize("place", PLACES)
def test_an_error_while_saving_leaves_all_before(place, tmp_path, monkeypatch):
    save(tmp_path, 1, 2)
    before = sorted(path.name for path in tmp_path.iterdir())

    def fail(*_args, **_options):
        raise OSError(28, "no space left")

    with monkeypatch.context() as patched:
        patched.setattr(place, fail)
        with pytest.raises(OSError, match="no space left"):
            folder(tmp_path, keep=1).save(3, encoder(3), {"step": 3})
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert loaded(tmp_path) == 2


CHILD = """
import itertools, sys
sys.path.append({root!r})
from tests.test_checkpoint import encoder, folder, loaded
import numpy as np

checkpoints = folder({path!r}, keep={keep})
found = checkpoints.load()
for step in itertools.count(found[1]["step"] + 1 if found else 0):
    large = np.full(100_000, float(step))
    checkpoints.save(step, encoder(step), {{"step": step, "sum": np.array([step, 0.1]), "large": large}})
    print(step, flush=True)
"""


@pytest.mark.slow
@pytest.mark.compiled  # there is no kernel in it
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("keep", [1, 2])
def test_a_killed_writer_loses_nothing_that_it_has_saved(keep, tmp_path):
    path, said = tmp_path / "fit", -1
    code = CHILD.format(root=str(Path(__file__).parents[1]), path=str(path), keep=keep)
    for pause in np.random.default_rng(keep).uniform(0.0, 0.05, size=4):
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        lines = [child.stdout.readline() for _ in range(3)]
        time.sleep(pause)
        child.send_signal(signal.SIGKILL)
        lines += child.communicate()[0].splitlines()
        assert int(lines[0]) == said + 1
        said = max(int(line) for line in lines if line.strip())
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # nothing is damaged
            assert loaded(path) in (said, said + 1)
            said = loaded(path)
    assert said >= 11
