"""Learning from blocks: the same bits wherever they lie and whoever codes them."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from sparsecode import Checkpoint, SparseCoder, load
from sparsecode.coding._blocks import merge_by_pairs

from ..contracts.blocks import CHOICES, Reader, coder, mixtures, parts, same_fit
from ..contracts.encoders import content, same_bits


@pytest.fixture
def X(rng):
    return mixtures(rng)


@pytest.mark.parametrize("params", CHOICES, ids=str)
@pytest.mark.parametrize("per_update", [1, 3])
def test_the_same_bits_from_any_source(params, per_update, X, dtype, tmp_path):
    array = pytest.importorskip("dask.array", reason="dask is an extra")
    X = X.astype(dtype)
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    first = coder(**params).fit_blocks(X, blocks_per_update=per_update)
    assert first.components_.dtype == dtype
    assert first.n_iter_ == 3
    for source in (mapped, parts(mapped), Reader(parts(X)), array.from_array(X, chunks=(50, -1)), np.asfortranarray(X)):
        for n_jobs in (1, 2):
            assert same_fit(coder(**params, n_jobs=n_jobs).fit_blocks(source, blocks_per_update=per_update), first)
    assert not same_bits(coder(**params, random_state=1).fit_blocks(X).components_, first.components_)


def test_the_same_bits_with_any_scheduler_of_dask(X):
    dask = pytest.importorskip("dask", reason="dask is an extra")
    array = pytest.importorskip("dask.array", reason="dask is an extra")
    first = coder().fit_blocks(X, blocks_per_update=5)
    lazy = array.from_array(X / 2, chunks=(50, 20)) * 2
    for scheduler in ("synchronous", "threads"):
        with dask.config.set(scheduler=scheduler):
            assert same_fit(coder().fit_blocks(lazy, blocks_per_update=5), first)


@pytest.mark.slow
@pytest.mark.parametrize("n_workers", [1, 2])
def test_the_same_bits_from_a_cluster(n_workers, X, tmp_path):
    distributed = pytest.importorskip("distributed", reason="dask is an extra")
    array = pytest.importorskip("dask.array", reason="dask is an extra")
    first = coder(target_sparsity=0.1).fit_blocks(X, blocks_per_update=4)
    options = {"n_workers": n_workers, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with distributed.LocalCluster(host="127.0.0.1", **options) as cluster, distributed.Client(cluster):
        lazy = array.from_array(X, chunks=(50, 20))
        found = coder(target_sparsity=0.1)
        found.fit_blocks(lazy, blocks_per_update=4, checkpoint=Checkpoint(tmp_path / "fit", every_seconds=0))
        assert same_fit(found, first)
        spoilt = array.concatenate([lazy[:-1], lazy[-1:] * np.nan]).rechunk({0: lazy.chunks[0]})
        with pytest.raises(ValueError, match="Block 8: Input contains NaN"):
            found.fit_blocks(spoilt)
    assert same_fit(found, first)


def killer(flag):
    """Return a function of a chunk that kills the process that asks for it first."""

    def run(block):
        if not flag.exists():
            flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return block

    return run


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_worker_that_is_killed_changes_nothing(X, tmp_path):
    distributed = pytest.importorskip("distributed", reason="dask is an extra")
    array = pytest.importorskip("dask.array", reason="dask is an extra")
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with distributed.LocalCluster(host="127.0.0.1", **options) as cluster, distributed.Client(cluster) as client:
        lazy = array.from_array(X, chunks=(50, 20))
        fatal = array.concatenate(
            [lazy[:250], lazy[250:300].map_blocks(killer(tmp_path / "flag"), meta=X[:0]), lazy[300:]]
        )
        before = set(client.run(os.getpid).values())
        found = coder().fit_blocks(fatal, blocks_per_update=4)
        client.wait_for_workers(2)
        assert set(client.run(os.getpid).values()) != before
    assert (tmp_path / "flag").exists()
    assert same_fit(found, coder().fit_blocks(X, blocks_per_update=4))


def test_a_reader_that_fills_one_array_again_and_again(X):
    def filled():
        block = np.empty((50, X.shape[1]))
        for start in range(0, 400, 50):
            block[...] = X[start : start + 50]
            yield block

    found = coder().fit_blocks(filled(), blocks_per_update=4)
    assert same_fit(found, coder().fit_blocks(iter(parts(X[:400])), blocks_per_update=4))


def test_a_target_is_met_on_rows_of_many_blocks(rng):
    """Blocks of 6000 rows, one of which alone is loud: it must not be all that a target looks at, nor be left out."""
    X = np.concatenate([mixtures(rng)] * 42)[:18_000]
    X[12_000:] *= 8
    found = coder(target_snr=6.0, max_iter=1).fit_blocks([X[:6000], X[6000:12_000], X[12_000:]])
    error = X - found.inverse_transform(found.transform(X))
    np.testing.assert_allclose(10 * np.log10(np.square(X).sum() / np.square(error).sum()), 6.0, atol=0.15)


def test_the_same_bits_for_any_number_of_threads_of_blas(rng):
    """Products large enough for OpenBLAS to share among threads, which adds up in another order."""
    D = rng.normal(size=(300, 256)) / 16
    codes = rng.normal(size=(3000, 300)) * (rng.random((3000, 300)) < 0.01)
    X = (codes @ D).astype(np.float32)
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            learned = SparseCoder(600, max_iter=6, tol=0, random_state=0, homeostasis=None).fit_blocks(X)
            given = SparseCoder(dictionary=D, alpha=0.2, alpha_scale="max").fit(X)
        found.append((learned.components_, np.array(given.alpha_), given.transform(X[:50])))
    assert learned.n_resampled_ > 0
    assert all(map(same_bits, *found))


def test_chunks_of_unknown_length(X):
    array = pytest.importorskip("dask.array", reason="dask is an extra")
    lazy = array.from_array(X, chunks=(50, 20))
    chosen = lazy[lazy[:, 0] > 0]
    assert np.isnan(chosen.shape[0])
    assert same_fit(coder().fit_blocks(chosen), coder().fit_blocks([block[block[:, 0] > 0] for block in parts(X)]))


@pytest.mark.parametrize("per_update", [1, 2])
def test_an_iterator_is_partial_fit_block_by_block(per_update, X, rng):
    params = {"alpha": 0.3, "init": rng.normal(size=(12, 20))}
    found = coder(**params).fit_blocks((block for block in parts(X)), blocks_per_update=per_update)
    expected = coder(**params, batch_size=50 * per_update)
    for block in parts(X, 50 * per_update):
        expected.partial_fit(block)
    assert found.n_iter_ == 1
    assert found._fit.state.n_steps == expected._fit.state.n_steps == -(-9 // per_update)
    if per_update == 1:
        assert same_bits(found.components_, expected.components_)
    # The sums of two blocks are rounded otherwise than those of one: by 4e-16 here
    np.testing.assert_allclose(found.components_, expected.components_, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found.history_["objective"][0], expected.history_["objective"] @ [
        len(block) for block in parts(X, 50 * per_update)] / len(X))  # fmt: skip


def test_learning_from_blocks_is_as_good_as_fit(X):
    scores = [learn(X).score(X) for learn in (coder(max_iter=20).fit, coder(max_iter=20).fit_blocks)]
    assert min(scores) > 0.6
    assert abs(scores[1] - scores[0]) < 0.05  # 0.02 over seeds 0 to 9


def test_merging_is_by_pairs_of_neighbours():
    def naive(items):
        while len(items) > 1:
            items = ["".join(["(", *items[i : i + 2], ")"]) if i + 1 < len(items) else items[i]
                     for i in range(0, len(items), 2)]  # fmt: skip
        return items[0]

    letters = "abcdefghijklmnopqrstuvwxyz"
    for n in range(1, 27):
        assert merge_by_pairs(iter(letters[:n]), lambda a, b: f"({a}{b})") == naive(list(letters[:n]))


def test_it_is_a_plain_fitted_coder(X, tmp_path):
    found = coder().fit_blocks(parts(X), checkpoint=Checkpoint(tmp_path / "fit"))
    assert found.transform(X).shape == (430, 12)
    found.save(tmp_path / "coder.npz")
    again = load(tmp_path / "coder.npz")
    assert same_fit(again, found)
    assert same_fit(again.partial_fit(X), found.partial_fit(X))
    assert found.n_iter_ == 4


def test_samples_may_be_images(X):
    images = X.reshape(-1, 4, 5)
    first = coder().fit_blocks(X)
    shaped = coder(input_shape=(4, 5))
    for source in (images, parts(images), iter(parts(images)), X):
        shaped.fit_blocks(source)
        if not hasattr(source, "__next__"):
            assert same_fit(shaped, first)
        assert shaped.dictionary_.atom_shape == (4, 5)


def test_extreme_magnitudes_are_scaled_by_a_power_of_two(X, tmp_path):
    first = coder(max_iter=2).fit_blocks(X)
    tiny = Reader(parts(np.ldexp(X, -600)), fail_at=14)
    found = coder(max_iter=2)
    saved = Checkpoint(tmp_path / "fit", every_seconds=0)
    with pytest.raises(RuntimeError):
        found.fit_blocks(tiny, checkpoint=saved)
    found.fit_blocks(tiny, checkpoint=saved)
    np.testing.assert_allclose(found.components_, first.components_, atol=1e-9)
    np.testing.assert_allclose(np.ldexp(found.alpha_, 600), first.alpha_)
    assert same_fit(found, coder(max_iter=2).fit_blocks(np.ldexp(X, -600)))


# ---------------------------------------------------------------- failures


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda block: block * np.nan, "Block 5: Input contains NaN"),
        (lambda block: block[:, :7], "Block 5: has 7 features, but the first block has 20"),
        (lambda block: block[:0], "Block 5: Found array with 0 sample"),
        (lambda block: block[0], r"Block 5: has shape \(20,\); each block must be an array of shape \(n_samples, n_f"),
        (lambda block: block.astype(np.float64), "Block 5: is float64, which would be rounded to the float32 of the"),
        (
            lambda block: block * np.float32(1e20),
            r"Block 5: is of extreme magnitude, about 2\*\*\d\d, beside the first",
        ),
        (lambda block: np.array([["a"] * 20]), "Block 5: "),
    ],
)
def test_bad_blocks_are_named_and_leave_the_estimator_as_it_was(change, message, X):
    blocks = parts(X.astype(np.float32))
    blocks[5] = change(blocks[5])
    for found in (coder(), coder(max_iter=1).fit(X)):
        before = content(found)
        for source in (blocks, iter(blocks)):
            with pytest.raises(ValueError, match=message):
                found.fit_blocks(source, blocks_per_update=2)
            assert content(found) == before


def test_a_bad_first_block_is_named(X):
    with pytest.raises(ValueError, match="Block 0: Input contains NaN"):
        coder().fit_blocks([X[:50] * np.nan, X[:50]])
    with pytest.raises(ValueError, match=r"Block 0: has shape \(2,\)"):
        coder().fit_blocks([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(ValueError, match="zero variance") as caught:
        coder().fit_blocks(np.r_[np.ones((50, 20)), X])
    assert "block 0, which stands for all" in caught.value.__notes__[0]


def test_blocks_of_smaller_types_are_taken_as_those_of_the_first(X):
    blocks = parts(X)
    blocks[3] = np.rint(blocks[3]).astype(np.int16)
    blocks[4] = blocks[4].astype(np.float32)
    found = coder().fit_blocks(blocks)
    assert same_fit(found, coder().fit_blocks([block.astype(np.float64) for block in blocks]))
    assert not blocks[0].flags.owndata


def test_what_is_refused(X, tmp_path):
    import scipy.sparse

    pandas = pytest.importorskip("pandas")
    for wrong in (scipy.sparse.csr_array(X), pandas.DataFrame(X), {"a": X}, "x.npy", {1, 2}):
        with pytest.raises(
            TypeError, match=r"`blocks` must be an array, a Dask array, a sequence .* give its rows as an"
        ):
            coder().fit_blocks(wrong)
    with pytest.raises(TypeError, match="`blocks` must be arrays of rows, got int"):
        coder().fit_blocks(3)
    for empty in ([], iter([]), X[:0]):
        with pytest.raises(ValueError, match="`blocks` are empty"):
            coder().fit_blocks(empty)
    with pytest.raises(ValueError, match=r"`blocks` have shape \(430, 4, 5\); an array must be .* `input_shape`"):
        coder().fit_blocks(X.reshape(-1, 4, 5))
    for wrong in (0, 1.5, True):
        with pytest.raises(ValueError, match="`blocks_per_update` must be an integer of at least 1"):
            coder().fit_blocks(X, blocks_per_update=wrong)
    with pytest.raises(ValueError, match="`dictionary` is given, so that there is nothing to learn from blocks"):
        SparseCoder(dictionary=np.eye(20)).fit_blocks(X)
    with pytest.raises(ValueError, match="learning='k-svd' needs the codes of all samples at once"):
        SparseCoder(n_nonzero_coefs=2, learning="k-svd").fit_blocks(X)
    for target in ({"target_sparsity": 0.1}, {"target_snr": 3.0}):
        with pytest.raises(
            ValueError, match="a target cannot be met on the blocks of an iterator, which are seen once"
        ):
            coder(**target).fit_blocks(iter(parts(X)))
    with pytest.raises(TypeError, match=r"`checkpoint` must be a sparsecode\.Checkpoint or None, got 'fit'"):
        coder().fit_blocks(X, checkpoint="fit")
    for state in (np.random.default_rng(0), np.random.RandomState(0)):
        with pytest.raises(ValueError, match="`random_state` must be an int or None for a fit with checkpoints"):
            coder(random_state=state).fit_blocks(X, checkpoint=Checkpoint(tmp_path / "fit"))
        coder(random_state=state).fit_blocks(X)
    with pytest.raises(ValueError, match="alpha"):
        coder(alpha=-1.0).fit_blocks(X)


def test_chunks_of_dask_arrays_are_rows(X):
    array = pytest.importorskip("dask.array", reason="dask is an extra")
    lazy = array.from_array(X, chunks=(50, 10))
    with pytest.raises(
        ValueError, match=r"in rows only, got chunks .*; give blocks\.rechunk\(\{0: 'auto', 1: -1\}\)\."
    ):
        coder().fit_blocks(lazy)
    assert coder().fit_blocks(lazy.rechunk({0: "auto", 1: -1})).n_iter_ == 3


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT cannot be sent to one thread on Windows")
def test_ctrl_c_leaves_the_estimator_as_it_was(X, tmp_path):
    found = coder(max_iter=10**6, tol=0)
    found.set_params(max_iter=1).fit_blocks(X).set_params(max_iter=10**6)
    before = content(found)
    main, sent = threading.main_thread().ident, []

    def interrupt():
        sent.append(time.monotonic())
        signal.pthread_kill(main, signal.SIGINT)

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        timer = threading.Timer(0.3, interrupt)
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            found.fit_blocks(X, checkpoint=Checkpoint(tmp_path / "fit", every_seconds=0.05))
        assert time.monotonic() - sent[0] < 0.5
    finally:
        signal.signal(signal.SIGINT, handler)
    assert content(found) == before
    assert list(Path(tmp_path, "fit").glob("checkpoint-*"))
    assert not list(Path(tmp_path, "fit").glob(".*"))
