"""Learning with checkpoints: a fit that failed or was killed goes on to the same bits; another fit is refused."""

import errno
import subprocess
import sys

import numpy as np
import pytest

from sparsecode import Checkpoint, _checkpoints, load

from ..contracts.blocks import CHOICES, Reader, coder, mixtures, parts, same_fit
from ..contracts.encoders import content, same_bits


@pytest.fixture
def X(rng):
    return mixtures(rng)


@pytest.mark.parametrize("params", CHOICES, ids=str)
@pytest.mark.parametrize("per_update", [1, 2])
def test_a_fit_that_failed_anywhere_goes_on_to_the_same_bits(params, per_update, X, tmp_path):
    whole = coder(**params).fit_blocks(X, blocks_per_update=per_update)
    source = Reader(parts(X))
    found = coder(**params)
    saved = Checkpoint(tmp_path / "fit", every_seconds=0)
    for steps in (3, 1, 9, 2, 4, 8):  # readings after those of the start
        source.n_read, source.fail_at = 0, 2 + steps
        with pytest.raises(RuntimeError):
            found.fit_blocks(source, blocks_per_update=per_update, checkpoint=saved)
        assert not hasattr(found, "components_")
    source.fail_at = None
    assert same_fit(found.fit_blocks(source, blocks_per_update=per_update, checkpoint=saved), whole)
    assert source.n_read < 27 + 2 + 9 * (whole._fit.target is not None)
    source.n_read = 0
    assert same_fit(coder(**params).fit_blocks(source, blocks_per_update=per_update, checkpoint=saved), whole)
    assert source.n_read == 2  # only to tell that the data are the same


def test_seed_drawn_once(X, tmp_path):
    saved = Checkpoint(tmp_path / "fit", every_seconds=0)
    with pytest.raises(RuntimeError):
        coder(random_state=None).fit_blocks(Reader(parts(X), fail_at=15), checkpoint=saved)
    start = load(sorted((tmp_path / "fit").iterdir())[0])
    found = [coder(random_state=None).fit_blocks(parts(X), checkpoint=saved) for _ in range(2)]
    assert same_fit(*found)
    assert start.n_iter_ == 1
    assert not same_bits(coder(random_state=None).fit_blocks(X).components_, found[0].components_)


def test_an_iterator_skips_what_was_used(X, tmp_path):
    def stream(fail_at=None):
        for number, block in enumerate(parts(X)):
            if number == fail_at:
                raise RuntimeError
            yield block

    whole = coder().fit_blocks(stream(), blocks_per_update=2)
    saved = Checkpoint(tmp_path / "fit", every_seconds=0)
    for fail_at in (3, 6):
        with pytest.raises(RuntimeError):
            coder().fit_blocks(stream(fail_at), blocks_per_update=2, checkpoint=saved)
    with pytest.raises(
        ValueError, match=r"`blocks` end after 5 blocks, but the checkpoint was saved after 6; give the"
    ):
        coder().fit_blocks(iter(parts(X)[:5]), blocks_per_update=2, checkpoint=saved)
    assert same_fit(coder().fit_blocks(stream(), blocks_per_update=2, checkpoint=saved), whole)
    assert same_fit(coder().fit_blocks(stream(), blocks_per_update=2, checkpoint=saved), whole)


def test_a_damaged_checkpoint_costs_the_time_since_the_one_before(X, tmp_path):
    saved = Checkpoint(tmp_path, every_seconds=0)
    with pytest.raises(RuntimeError):
        coder().fit_blocks(Reader(parts(X), fail_at=20), checkpoint=saved)
    newest = sorted(tmp_path.iterdir())[-1]
    newest.write_bytes(newest.read_bytes()[:-100])
    with pytest.warns(UserWarning, match=rf"{newest.name}: .* goes on from the checkpoint before, checkpoint-0000"):
        found = coder().fit_blocks(parts(X), checkpoint=saved)
    assert same_fit(found, coder().fit_blocks(X))


def test_another_fit_is_refused(X, tmp_path, rng):
    saved = Checkpoint(tmp_path / "fit")
    found = coder(alpha=0.5).fit_blocks(X, checkpoint=saved)
    before = content(found)
    for change, difference in [
        ({"alpha": 0.25}, r"`alpha` was 0\.5, is 0\.25\."),
        ({"max_iter": 4, "homeostasis": None}, r"`homeostasis` was \"auto\", is null; `max_iter` was 3, is 4\."),
        ({"init": rng.normal(size=(12, 20))}, r"`init` was \"random\", is float64 array of shape \(12, 20\), sha256"),
    ]:
        with pytest.raises(ValueError, match=rf"holds checkpoints of another fit: {difference}"):
            coder(**{"alpha": 0.5} | change).fit_blocks(X, checkpoint=saved)
    for other, difference in [
        (X[:400], "the number of blocks was 9, is 8; the last block was float64 array of shape .30, 20., sha256 .* is"),
        (np.r_[X[:1] + 1, X[1:]], "the first block was float64 array of shape .50, 20., sha256 .*, is float64 array"),
        (np.r_[X[:-1], X[:1]], "of another fit: the last block was"),
        (X.astype(np.float32), "the first block was float64 array .* is float32 array"),
    ]:
        with pytest.raises(ValueError, match=difference):
            found.fit_blocks(other, checkpoint=saved)
    with pytest.raises(ValueError, match="`blocks_per_update` was 1, is 2"):
        found.fit_blocks(X, blocks_per_update=2, checkpoint=saved)
    assert content(found) == before
    assert same_fit(coder(alpha=0.5, n_jobs=2, verbose=0).fit_blocks(X, checkpoint=saved), found)


def test_rows_in_the_middle_that_changed_are_seen(X, tmp_path):
    saved = Checkpoint(tmp_path / "fit")
    coder().fit_blocks(X, checkpoint=saved)
    other = X.copy()
    other[len(X) // 3 : len(X) // 2] *= 2
    with pytest.raises(ValueError, match="some of their rows"):
        coder().fit_blocks(other, checkpoint=saved)


def test_an_iterator_with_more_blocks_than_the_finished_fit_is_refused(X, tmp_path):
    saved = Checkpoint(tmp_path / "fit")
    first = coder().fit_blocks(iter(parts(X)[:3]), checkpoint=saved)
    assert same_fit(coder().fit_blocks(iter(parts(X)[:3]), checkpoint=saved), first)
    with pytest.raises(ValueError, match="has ended with 3 blocks, but the iterator has 5"):
        coder().fit_blocks(iter(parts(X)[:5]), checkpoint=saved)


def test_a_full_disk_stops_the_fit_and_keeps_what_was_saved(X, tmp_path, monkeypatch):
    saved = Checkpoint(tmp_path / "fit", every_seconds=0)
    write = _checkpoints.write_archive

    def fill(path, *contents):
        if path.name.endswith("7.npz"):
            raise OSError(errno.ENOSPC, "no space left", str(path))
        write(path, *contents)

    found = coder()
    with monkeypatch.context() as patched:
        patched.setattr(_checkpoints, "write_archive", fill)
        with pytest.raises(OSError, match="no space left") as caught:
            found.fit_blocks(X, checkpoint=saved)
    assert "The fit can go on from what" in caught.value.__notes__[0]
    assert not hasattr(found, "components_")
    assert sorted(path.name[-5:] for path in (tmp_path / "fit").iterdir()) == ["5.npz", "6.npz"]
    assert same_fit(found.fit_blocks(X, checkpoint=saved), coder().fit_blocks(X))


def test_a_folder_that_cannot_be_used_is_told_before_learning(X, tmp_path):
    source = Reader(parts(X))
    with pytest.raises(FileNotFoundError, match="missing"):
        coder().fit_blocks(source, checkpoint=Checkpoint(tmp_path / "missing" / "fit"))
    assert source.n_read == 2


CHILD = """
import sys
import numpy as np
from sparsecode import Checkpoint, SparseCoder, save

X = np.load({data!r}, mmap_mode="r")
print("ready", flush=True)
coder = SparseCoder(12, target_sparsity=0.15, batch_size=50, max_iter=60, tol=0, random_state=0)
coder.fit_blocks(X, blocks_per_update=2, checkpoint=Checkpoint({folder!r}, every_seconds=0.01))
save(coder, {result!r})
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_killed_fit_goes_on_to_the_same_bits(X, tmp_path):
    np.save(tmp_path / "x.npy", X)
    paths = {"data": tmp_path / "x.npy", "folder": tmp_path / "fit", "result": tmp_path / "coder.npz"}
    code = CHILD.format(**{name: str(path) for name, path in paths.items()})
    rng, killed = np.random.default_rng(0), 0
    for _ in range(40):
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert child.stdout.readline() == "ready\n"
        try:
            assert child.wait(timeout=rng.uniform(0.05, 0.5) if killed < 6 else None) == 0
            break
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            killed += 1
        finally:
            child.stdout.close()
    assert killed >= 3
    params = {"target_sparsity": 0.15, "max_iter": 60, "tol": 0}
    assert same_fit(load(tmp_path / "coder.npz"), coder(**params).fit_blocks(X, blocks_per_update=2))
