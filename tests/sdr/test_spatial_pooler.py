"""`SpatialPooler` against its naive twin, what it does to codes, and odd input."""

import copy
import gzip
import itertools
import pickle
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from sparsecode import load
from sparsecode.sdr import SpatialPooler
from sparsecode.sdr._pooler_kernels import _kth_largest
from sparsecode.sdr._pooling import input_windows

from ..reference.pooler import Pooler
from .inputs import noisy, random_items

TWINS = {
    "default": {"boost_strength": 0.0},
    "few winners": {"n_winners": 2, "permanence_increment": 0.3, "permanence_decrement": 0.2},
    "threshold": {"stimulus_threshold": 3, "permanence_threshold": 0.5, "n_winners": 0.3},
    "boosted": {"boost_strength": 4.0, "duty_period": 7, "n_winners": 4},
    "weak ones raised": {"least_duty": 0.7, "stimulus_threshold": 3, "potential_fraction": 0.3, "duty_period": 5},
    "all win": {"n_winners": 100},
    "blocks": {"n_blocks": 5, "n_winners": 10, "potential_radius": 4, "stimulus_threshold": 2},
}


def some_rows(rng, n=40, F=24):
    X = random_items(rng, n, F, 6)
    X[3], X[5], X[8], X[9] = False, True, X[7], X[7]
    return X


def synapses(pooler):
    """Permanences as the twin has them."""
    permanences = pooler.permanences_
    starts = permanences.indptr
    return [
        dict(zip(permanences.indices[a:b].tolist(), permanences.data[a:b], strict=True))
        for a, b in itertools.pairwise(starts)
    ]


@pytest.mark.nojit
@pytest.mark.parametrize("name", TWINS)
def test_learning_is_that_of_the_naive_twin(name, rng):
    X = some_rows(rng)
    pooler = SpatialPooler(30, random_state=0, **TWINS[name]).partial_fit(np.zeros((1, 24)))
    given = pooler.get_params()
    share = given["n_winners"]
    twin = Pooler(
        synapses(pooler),
        n_winners=(share if isinstance(share, int) else round(share * 30)) // given["n_blocks"],
        n_blocks=given["n_blocks"],
        threshold=given["permanence_threshold"],
        increment=given["permanence_increment"],
        decrement=given["permanence_decrement"],
        least=max(1, given["stimulus_threshold"]),
        boost=given["boost_strength"],
        period=given["duty_period"],
        least_duty=given["least_duty"],
    )
    before = synapses(pooler)
    pooler.partial_fit(X)
    won = [twin.learn(x) for x in X]
    for ours, theirs in zip(synapses(pooler), twin.synapses, strict=True):
        assert ours == theirs
    assert synapses(pooler) != before
    np.testing.assert_allclose(pooler.duty_cycles_, twin.duty, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(pooler.overlap_duty_cycles_, twin.overlap_duty, rtol=1e-12, atol=1e-15)
    codes = pooler.transform(X)
    assert [np.flatnonzero(code).tolist() for code in codes] == [twin.code(x) for x in X]
    record = pooler.history_[-1]
    assert record["used"] == len(set().union(*won)) / 30
    assert record["sparsity"] == pytest.approx(np.mean([len(w) for w in won]) / 30)
    assert pooler.n_items_ == 39
    connected = (pooler.permanences_.toarray() >= np.float32(given["permanence_threshold"])) & (
        pooler.permanences_.toarray() > 0
    )
    np.testing.assert_array_equal(pooler.dictionary_.atoms.toarray(), connected)


@pytest.mark.nojit
def test_the_kth_largest_is_found(rng):
    for scores in (rng.random(50), rng.integers(1, 4, 50), np.full(50, 2.0), 10.0 ** rng.uniform(-30, 30, 50)):
        scores = scores.astype(np.float32)
        for k in (1, 2, 25, 49):
            assert _kth_largest(scores, np.int64(k)) == np.sort(scores)[-k]


@pytest.mark.nojit
def test_first_synapses():
    pooler = SpatialPooler(200, potential_fraction=0.25, permanence_threshold=0.3, random_state=0)
    pooler.partial_fit(np.zeros((1, 400)))
    permanences = pooler.permanences_
    assert (np.diff(permanences.indptr) == 100).all()
    assert permanences.has_canonical_format
    assert (permanences.data.min() >= 0, permanences.data.max() < 1) == (True, True)
    assert (permanences.data >= 0.3).mean() == pytest.approx(0.5, abs=0.015)  # 20 000 draws: 0.0035
    assert np.median(permanences.data[permanences.data >= 0.3]) == pytest.approx(0.65, abs=0.02)
    assert permanences.toarray().any(axis=0).all()


@pytest.mark.nojit
def test_windows_lie_within_the_input(rng):
    windows = input_windows(rng, 300, (6, 9), 1)
    assert windows.shape == (300, 9)
    rows, columns = np.divmod(windows, 9)
    assert (np.ptp(rows, axis=1) == 2).all()
    assert (np.ptp(columns, axis=1) == 2).all()
    assert len(np.unique(windows)) == 54
    assert (np.diff(windows, axis=1) > 0).all()
    assert input_windows(rng, 2, (3, 4), 9).tolist() == [list(range(12))] * 2
    assert input_windows(rng, 2, (3, 4), None).tolist() == [list(range(12))]
    pooler = SpatialPooler(50, potential_radius=1, potential_fraction=1.0, input_shape=(6, 9), random_state=0)
    assert (np.diff(pooler.fit(np.ones((1, 6, 9))).permanences_.indptr) == 9).all()


@pytest.mark.nojit
def test_blocks_code_each_part_of_the_input():
    """Columns of a block see one window and compete there only: what is strong elsewhere takes no winner from them."""
    X = np.zeros((2, 8, 8), bool)
    X[:, :4, :4] = True  # strong in a corner
    X[1, 6, 6] = True  # and faint in another
    params = {"n_winners": 12, "potential_radius": 1, "potential_fraction": 1.0, "input_shape": (8, 8)}
    params["boost_strength"] = 0.0
    pooler = SpatialPooler(96, n_blocks=24, random_state=0, **params | {"n_winners": 24}).fit(X)
    codes = pooler.transform(X).reshape(2, 24, 4)
    assert codes.sum(axis=2).max() == 1
    seen = pooler.permanences_.indices.reshape(24, 4, 9)
    assert (seen == seen[:, :1]).all()
    reached = pooler.dictionary_.atoms.toarray().reshape(24, 4, 64)[:, :, 6 * 8 + 6].any(axis=1)
    assert reached.any()
    assert codes[1, reached].any(axis=1).all()
    # All columns together: none of the twelve winners sees what is faint
    together = SpatialPooler(96, random_state=0, **params).fit(X)
    assert not together.dictionary_.atoms.toarray()[together.transform(X)[1], 6 * 8 + 6].any()
    with pytest.raises(ValueError, match="`n_components`=50 columns cannot be shared out evenly among `n_blocks`=7"):
        SpatialPooler(50, n_blocks=7).fit(X.reshape(2, -1))


@pytest.mark.nojit
@pytest.mark.parametrize("way", ["pickle", "file", "deepcopy"])
def test_learning_goes_on_after_a_copy_as_if_there_were_none(way, rng, tmp_path):
    X = some_rows(rng)
    pooler = SpatialPooler(30, boost_strength=3.0, least_duty=0.5, random_state=0).fit(X)
    if way == "file":
        pooler.save(tmp_path / "pooler.npz")
        other = load(tmp_path / "pooler.npz")
    else:
        other = pickle.loads(pickle.dumps(pooler)) if way == "pickle" else copy.deepcopy(pooler)  # noqa: S301
    more = some_rows(rng)
    for instance in (pooler, other):
        instance.partial_fit(more).partial_fit(X)
    for ours, theirs in zip(pooler._pool, other._pool, strict=True):
        assert ours.tobytes() == theirs.tobytes()
    assert other.n_iter_ == 3
    assert other.n_items_ == 3 * 39
    np.testing.assert_array_equal(other.history_["objective"], pooler.history_["objective"])


@pytest.mark.nojit
def test_passes_and_chunks(rng):
    X = some_rows(rng)
    passes = SpatialPooler(30, max_iter=3, random_state=0).fit(X)
    chunks = clone(passes).fit(X[:1])
    chunks = clone(passes)
    for part in (X[:7], X[7:], X, csr_array(X[:30].astype(float)), X[30:]):
        chunks.partial_fit(part)
    for ours, theirs in zip(passes._pool, chunks._pool, strict=True):
        assert ours.tobytes() == theirs.tobytes()
    assert passes.n_iter_ == 3
    assert (np.diff(passes.history_["objective"]) < 0).any()


@pytest.mark.nojit
def test_nothing_comes_of_nothing():
    X = np.zeros((3, 8))
    pooler = SpatialPooler(10, random_state=0).fit(X)
    assert (pooler.n_items_, pooler.history_["objective"][0]) == (0, 0)
    assert not pooler.transform(X).any()
    assert not pooler.duty_cycles_.any()
    far = SpatialPooler(10, stimulus_threshold=9, random_state=0).fit(np.eye(8))
    assert not far.transform(np.ones((1, 8))).any()
    one = SpatialPooler(1, n_winners=1, random_state=0).fit(np.ones((2, 1)))
    assert one.transform([[1], [0]]).tolist() == [[True], [False]]
    huge = SpatialPooler(40, boost_strength=1e9, random_state=0).fit(np.eye(8)[[0] * 50])
    assert huge.transform(np.eye(8)[:1]).sum() == 2


def groups(rng, n_groups=50):
    """Random patterns of 80 ones among 400, and 600 rows, each like one of them with a twentieth of the ones moved."""
    patterns = random_items(rng, n_groups, 400, 80)
    return patterns, noisy(rng, patterns[rng.integers(n_groups, size=600)], 0.05)


def test_learned_codes_withstand_noise_and_tell_patterns_apart():
    """Share of the ones that a pattern has in common with a noisy one (0.3 moved), and with others; three seeds."""
    arms = {"neither": (0, 0), "boosting": (0, 1), "learning": (1, 0), "both": (1, 1)}
    shares = {name: [] for name in arms}
    for seed in range(3):
        rng = np.random.default_rng(seed)
        patterns, X = groups(rng)
        moved = noisy(rng, patterns, 0.3)
        for (rate, boost), found in zip(arms.values(), shares.values(), strict=True):
            rates = {"permanence_increment": 0.05 * rate, "permanence_decrement": 0.008 * rate}
            rates |= {"least_duty": 0.001 * rate, "boost_strength": 10.0 * boost}
            pooler = SpatialPooler(500, max_iter=10, random_state=seed, **rates).fit(X)
            codes, others = pooler.transform(patterns), pooler.transform(moved)
            assert (codes.sum(axis=1) == 25).all()
            overlaps = codes.astype(int) @ codes.T.astype(int) / 25
            found.append([(codes & others).sum() / codes.sum(), (overlaps.sum() - 50) / (50 * 49)])
    kept, common = np.array([np.mean(found, axis=0) for found in shares.values()]).T
    assert max(kept[:2]) < 0.45  # 0.37 and 0.31
    assert kept[2] < 0.85 < kept[3]  # 0.77 and 0.92
    assert common[3] < 0.6 * common[0] < common[0] < 0.5 * common[2]  # 0.034, 0.088 and 0.41; boosting 0.040


def test_boosting_spreads_wins(rng):
    """Share of the columns that won in the last pass: 0.34, 0.93 and 1.00."""
    _, X = groups(rng)
    used = [
        SpatialPooler(500, boost_strength=boost, max_iter=3, random_state=0).fit(X).history_["used"][-1]
        for boost in (0.0, 3.0, 10.0)
    ]
    assert used[0] < 0.6
    assert used[2] > 0.95


def accuracy(A, y, B, yb):
    return LogisticRegression(C=0.1, max_iter=1000).fit(A, y).score(B, yb)


@pytest.mark.slow
def test_digits_are_told_apart_by_their_codes():
    """Half of the digits to learn from, five seeds: bits of pixels 0.911 +- 0.008, codes 0.928 +- 0.012."""
    X, y = load_digits(return_X_y=True)
    X = X > 7
    pixels, codes = [], []
    for seed in range(5):
        A, B, ya, yb = train_test_split(X, y, test_size=0.5, random_state=seed, stratify=y)
        pooler = SpatialPooler(random_state=seed).fit(A)
        pixels.append(accuracy(A, ya, B, yb))
        codes.append(accuracy(pooler.transform(A), ya, pooler.transform(B), yb))
    assert np.mean(pixels) == pytest.approx(0.911, abs=0.005)
    assert np.mean(codes) > np.mean(pixels) + 0.005


FASHION = Path("/usr/share/datasets/fashion-mnist")


@pytest.mark.slow
@pytest.mark.skipif(not FASHION.exists(), reason="needs the Debian package dataset-fashion-mnist")
def test_fashion_is_told_apart_by_codes():
    """2000 images to learn from, 1000 others, one seed: 0.767, less than the 0.794 of bits of pixels."""

    def read(name, skip):
        return np.frombuffer(gzip.decompress((FASHION / f"{name}.gz").read_bytes()), np.uint8, offset=skip)

    X = read("train-images-idx3-ubyte", 16).reshape(-1, 784)[:3000] > 50
    y = read("train-labels-idx1-ubyte", 8)[:3000]
    pooler = SpatialPooler(random_state=0).fit(X[:2000])
    codes = pooler.transform(X)
    found = accuracy(codes[:2000], y[:2000], codes[2000:], y[2000:])
    pixels = accuracy(X[:2000], y[:2000], X[2000:], y[2000:])
    assert found > 0.74
    assert 0.77 < pixels < 0.82


@pytest.mark.parametrize("name", ["history_", "n_iter_"])
def test_what_is_not_fitted_says_so(name):
    with pytest.raises(NotFittedError):
        getattr(SpatialPooler(), name)
