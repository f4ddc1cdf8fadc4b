"""`MacrocolumnMemory` against its naive twin, and what it does with odd input."""

import pickle
import warnings

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone

from sparsecode import load
from sparsecode.sdr import MacrocolumnMemory, Selection
from sparsecode.sdr._macrocolumn_kernels import Limits
from sparsecode.sdr._trace import Rows, Trace, draws, recall, recall_by_bits

from ..reference.memory import Macrocolumn
from .inputs import random_items

pytestmark = pytest.mark.nojit

Q, K, F = 4, 5, 30


def memory_of(**params):
    return MacrocolumnMemory(**{"n_modules": Q, "n_units": K, "random_state": 0, "store_items": True} | params)


def some_items(rng, n=25):
    """Rows of 0 to 12 ones, some of them twice."""
    X = np.concatenate([random_items(rng, 1, F, ones) for ones in rng.integers(1, 12, n)])
    X[3], X[7], X[n - 1] = 0, X[6], X[2]
    return X


def fit_quietly(memory, X):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* items are stored")
        return memory.fit(X)


TWINS = {
    "adaptive": ({}, {}),
    "adaptive, again": ({"on_duplicate": "relearn"}, {"keep": False}),
    "power": ({"selection": Selection(support_power=2.0)}, {}),
    "rinkus2014": ({"selection": "rinkus2014"}, {}),
    "sparseycore": ({"selection": "sparseycore"}, {}),
    "sparseypy": ({"selection": "sparseypy"}, {}),
    "bounds": ({"active_bounds": (0.1, 0.3)}, {"low": 3, "high": 9}),
    "frozen": ({"freeze_fraction": 0.2}, {"freeze": 0.2}),
    "auto, again": ({"freeze_fraction": "auto", "on_duplicate": "relearn"}, {"auto": 1.25, "keep": False}),
    "decay": ({"lifetime": 4}, {"lifetime": 4}),
    "decay, fast": ({"lifetime": 3}, {"lifetime": 3}),
}


@pytest.mark.parametrize("name", TWINS)
def test_storing_and_recall_are_those_of_the_naive_twin(name, rng):
    params, settings = TWINS[name]
    X = some_items(rng)
    memory = fit_quietly(memory_of(**params), X)
    rule = params.get("selection", "adaptive")
    twin = Macrocolumn(F, Q, K, rule if isinstance(rule, Selection) else Selection.preset(rule), **settings)
    uniforms = draws(memory._seed, 0, len(X), Q)
    stored = [twin.store(x, u) for x, u in zip(X, uniforms, strict=True)]
    codes = [code for code, _ in stored if code[0] >= 0]
    assert memory.codes_.tolist() == codes
    assert memory.n_items_ == len(codes)
    assert memory.n_stored_ == memory.history_["stored"][0] == twin.learned
    assert {tuple(map(int, w)) for w in np.argwhere(memory.weights_)} == {tuple(map(int, w)) for w in twin.weights}
    np.testing.assert_array_equal(memory.unit_fill_, memory.weights_.mean(axis=0))
    before = [G for code, G in stored if code[0] >= 0]
    assert memory.history_["objective"][0] == pytest.approx(1 - np.mean(before), abs=1e-12)
    probes = some_items(rng)
    codes, familiar = memory.transform(probes), memory.familiarity(probes)
    for x, code, G in zip(probes, codes, familiar, strict=True):
        winners, expected = twin.recall(x)
        assert np.flatnonzero(code).tolist() == [q * K + k for q, k in enumerate(winners) if k >= 0]
        assert pytest.approx(expected, abs=1e-12) == G


@pytest.mark.filterwarnings("ignore:a random row of the same features")
def test_more_active_features_than_a_byte_counts(rng):
    """Bytes are added up in blocks; 300 ones in 600 features."""
    X = random_items(rng, 12, 600, 300)
    memory = fit_quietly(memory_of(), X)
    V = X @ memory.weights_.reshape(600, -1).astype(float) / 300
    V = V.reshape(len(X), Q, K)
    np.testing.assert_array_equal(
        memory.transform(X), (V.argmax(axis=2)[..., None] == np.arange(K)).reshape(len(X), -1)
    )
    np.testing.assert_allclose(memory.familiarity(X), V.max(axis=2).mean(axis=1), rtol=1e-12)


@pytest.mark.parametrize(("modules", "units"), [(1, 1), (3, 5), (7, 32), (2, 33), (4, 64), (3, 130)])
def test_recall_by_bits_is_recall(modules, units, rng):
    """Modules of one lane and more; rows of 0 to all features, out of bounds, dense and CSR, on one thread and two."""
    F = 70
    X = np.concatenate([random_items(rng, 1, F, ones) for ones in (*range(20), 31, 32, 33, 63, 64, 70)])
    weights = rng.random((F, modules * units)) < rng.random(modules * units)
    trace = Trace.empty(F, modules * units, stamped=False)
    trace.weights[:] = weights
    for power, low, high in ((1.0, 0, F), (3.0, 2, 64)):
        rule, limits = Selection(support_power=power).bind(), Limits(units, low, high, 1, 0)
        expected = recall(trace, Rows(X), rule, limits, 1)
        for rows in (X, csr_array(X)):
            for n_jobs in (1, 2):
                found = recall_by_bits(trace, Rows(rows), rule, limits, n_jobs)
                np.testing.assert_array_equal(found[0], expected[0])
                np.testing.assert_array_equal(found[1], expected[1])


@pytest.mark.compiled
@pytest.mark.parametrize("modules", [49, 70])
def test_an_item_that_comes_again_has_a_familiarity_of_exactly_one(modules):
    """Also where n times 1 / n is not 1 in floating point, as for 49, 98, 103 and 107."""
    for n in range(1, 200):
        x = np.arange(200)[None] < n
        assert fit_quietly(MacrocolumnMemory(modules, 5, random_state=0), x).familiarity(x)[0] == 1


@pytest.mark.compiled
def test_many_rows_are_recalled_by_bits(rng):
    X = random_items(rng, 600, 300, 40)
    memory = fit_quietly(MacrocolumnMemory(9, 40, random_state=0), X[:50])
    np.testing.assert_array_equal(memory.familiarity(X), np.concatenate([memory.familiarity(x[None]) for x in X]))


def test_codes_back_to_inputs(rng):
    X = random_items(rng, 3, F, 5)
    memory = memory_of(n_units=50).fit(X)
    np.testing.assert_array_equal(memory.recall(X), X)
    codes = memory.transform(X)
    np.testing.assert_array_equal(memory.inverse_transform(codes), X)
    np.testing.assert_array_equal(memory.inverse_transform(codes.astype(float)), X)
    counts = codes.astype(int) @ memory.weights_.reshape(F, -1).T.astype(int)
    for threshold in (0.25, 0.5, 1.0):
        expected = counts >= threshold * counts.max(axis=1, keepdims=True)
        np.testing.assert_array_equal(memory.set_params(recall_threshold=threshold).recall(X), expected)


def test_nothing_comes_of_nothing():
    X = np.zeros((3, F))
    memory = memory_of().fit(X)
    assert memory.n_items_ == 0
    assert memory.capacity_estimate_ == np.inf
    assert memory.codes_.shape == (0, Q)
    assert memory.likelihoods(X).shape == (3, 0)
    probes = np.eye(F)[:4]
    for rows in (X, probes):
        assert not memory.familiarity(rows).any()
        assert not memory.recall(rows).any()
    assert not memory.transform(X).any()
    assert memory.transform(probes).sum() == 4 * Q
    assert not memory.frozen_.any()
    assert memory.history_["stored"].tolist() == [0]


def test_rows_out_of_bounds_are_passed_over(rng):
    X = random_items(rng, 6, F, 3)
    X[2] = True
    memory = memory_of(active_bounds=(0.05, 0.2)).fit(X)
    assert memory.n_items_ == 5
    assert not memory.transform(X)[2].any()
    assert memory.familiarity(X).tolist() == [1, 1, 0, 1, 1, 1]
    # They count for the draws of those that follow, so that chunks need not know of each other
    assert draws(memory._seed, 3, 2, Q).tolist() == draws(memory._seed, 0, 5, Q)[3:].tolist()


def test_likelihoods_are_shares_of_modules(rng):
    X = random_items(rng, 6, F, 4)
    memory = memory_of(n_units=30).fit(X)
    winners = memory.transform(X).reshape(6, Q, 30).argmax(axis=2)
    expected = (winners[:, None] == memory.codes_[None]).mean(axis=2)
    np.testing.assert_array_equal(memory.likelihoods(X), expected)
    assert memory.likelihoods(np.zeros((1, F))).tolist() == [[0] * 6]
    with pytest.raises(AttributeError, match="fit with `store_items=True`"):
        memory_of(store_items=False).fit(X).likelihoods(X)


@pytest.mark.filterwarnings("ignore:a random row of the same features")
def test_duplicates_relearn_or_keep_their_code(rng):
    """The chance to draw the own code again is 0.98 in each of 70 modules of 9 units: not for all of 20 repeats."""
    x = random_items(rng, 1, 60, 12)
    X = np.repeat(x, 21, axis=0)
    kept = MacrocolumnMemory(70, 9, store_items=True, random_state=0).fit(X)
    assert (kept.n_items_, kept.n_stored_) == (21, 1)
    assert (kept.codes_ == kept.codes_[0]).all()
    assert kept.weights_.sum() == 70 * 12
    drawn = MacrocolumnMemory(70, 9, on_duplicate="relearn", store_items=True, random_state=0)
    fit_quietly(drawn, X)
    assert (drawn.n_items_, drawn.n_stored_) == (21, 21)
    agreement = (drawn.codes_[1:] == drawn.codes_[0]).mean()
    assert 0.93 < agreement < 1
    assert drawn.weights_.sum() > 70 * 12


@pytest.mark.filterwarnings("ignore:.* items are stored", "ignore:.* of the units are frozen")
def test_only_units_of_its_code_learn_a_row(rng):
    """Also where most winners are frozen, and the row is not stored: its code is what is recalled at once."""
    X = random_items(rng, 40, 60, 12)
    memory = MacrocolumnMemory(9, 5, freeze_fraction=0.3, store_items=True, random_state=0)
    for x in X:
        before = memory.weights_ if hasattr(memory, "n_features_in_") else np.zeros((60, 9, 5), bool)
        memory.partial_fit(x[None])
        changed = (memory.weights_ != before).any(axis=0)
        assert (changed <= (np.arange(5) == memory.codes_[-1][:, None])).all()
        assert memory.transform(x[None]).reshape(9, 5).argmax(axis=1).tolist() == memory.codes_[-1].tolist()
    assert memory.n_stored_ < 30


@pytest.mark.compiled
def test_items_that_come_often_do_not_fill_the_memory(rng):
    """Ten times in a row: 50 of the 317 that it holds. With "relearn" half of them are recalled exactly."""
    X = random_items(rng, 50, 784, 100)
    memory = MacrocolumnMemory(random_state=0).fit(np.repeat(X, 10, axis=0))
    assert memory.n_stored_ == 50
    assert (memory.recall(X) == X).all()


def test_weights_that_are_not_used_again_go(rng):
    X = random_items(rng, 40, F, 4)
    memory = memory_of(n_units=20, lifetime=10).fit(X[:10])
    assert (memory.familiarity(X[:10]) == 1).all()
    memory.partial_fit(X[:1]).partial_fit(X[10:])  # the first comes again while it is remembered
    known = memory.familiarity(X)
    assert known[0] == 1
    assert (known[-10:] == 1).all()
    assert known[1:25].mean() < 0.9
    for _ in range(3):
        memory.partial_fit(X[20:30])
    assert memory.familiarity(X[:1]) == 1


def test_decay_excludes_freezing_and_late_changes(rng):
    X = random_items(rng, 5, F, 4)
    with pytest.raises(ValueError, match="`lifetime` and `freeze_fraction` exclude each other"):
        memory_of(lifetime=3, freeze_fraction=0.5).fit(X)
    with pytest.raises(ValueError, match="`lifetime` goes with on_duplicate='skip' only"):
        memory_of(lifetime=3, on_duplicate="relearn").fit(X)
    memory = memory_of().fit(X)
    with pytest.raises(ValueError, match="`lifetime` cannot be changed between calls"):
        memory.set_params(lifetime=3).partial_fit(X)
    assert memory.n_items_ == 5


def test_changes_of_shape_and_of_what_is_kept_wait_for_fit(rng):
    X = random_items(rng, 6, F, 4)
    memory = memory_of(store_items=False).fit(X[:3])
    memory.set_params(store_items=True, n_units=9, n_modules=2, random_state=1).partial_fit(X[3:])
    np.testing.assert_array_equal(memory.weights_, memory_of().fit(X).weights_)
    with pytest.raises(AttributeError, match="`partial_fit` keeps to the first call"):
        memory.likelihoods(X)
    assert memory.fit(X).likelihoods(X).shape == (6, 6)
    assert memory.code_shape_ == (2, 9)


def test_novelty(rng):
    X, other = random_items(rng, 10, 200, 20), random_items(rng, 10, 200, 20)
    memory = MacrocolumnMemory(20, 30, familiarity_threshold=0.8, random_state=0).fit(X)
    np.testing.assert_array_equal(memory.score_samples(other), memory.familiarity(other))
    np.testing.assert_array_equal(memory.decision_function(other), memory.familiarity(other) - 0.8)
    assert memory.predict(np.r_[X, other]).tolist() == [1] * 10 + [-1] * 10
    assert memory.offset_ == 0.8
    memory.set_params(familiarity_threshold="auto")
    assert memory.offset_ == (1 + memory.chance_familiarity_) / 2
    assert memory.predict(np.r_[X, other]).tolist() == [1] * 10 + [-1] * 10
    empty = MacrocolumnMemory(4, 5).fit(np.zeros((3, F)))
    assert (empty.chance_familiarity_, empty.offset_) == (0, 0.5)


def test_more_than_its_capacity_is_told_once(rng):
    X = random_items(rng, 60, F, 4)
    memory = memory_of().partial_fit(X[:3])
    assert 3 < memory.capacity_estimate_ < 20
    with pytest.warns(UserWarning, match="23 items are stored, but of random inputs like these about"):
        memory.partial_fit(X[3:23])
    memory.partial_fit(X[23:])
    with pytest.raises(UserWarning, match="items are stored"):
        memory.fit(X)
    assert memory.n_items_ == 60  # a warning that is an error leaves what was there


def test_wrong_codes_are_refused(rng):
    X = random_items(rng, 5, F, 4)
    memory, other = memory_of(n_units=20).fit(X), MacrocolumnMemory(8, 10, random_state=0).fit(X)
    codes = memory.transform(X)
    two, none, half = codes.copy(), codes.copy(), codes.astype(float)
    two[1, :20], none[2, :20] = True, False
    half[3] *= 0.5
    for wrong, row in ((other.transform(X), 0), (two, 1), (none, 2), (half, 3), (csr_array(half), 3)):
        with pytest.raises(ValueError, match=f"no codes of this memory, the first of them row {row}"):
            memory.inverse_transform(wrong)
    with pytest.raises(ValueError, match="X has 60 columns, but codes of this MacrocolumnMemory have 80"):
        memory.inverse_transform(codes[:, :60])


def test_real_numbers_are_refused_with_a_way_out(rng):
    X = random_items(rng, 5, F, 4)
    memory = memory_of().fit(X)
    before = memory.weights_
    with pytest.raises(ValueError, match="zeros and ones only.*give a threshold as `binarize`.*an encoder of"):
        memory.partial_fit(rng.random((3, F)))
    with pytest.raises(ValueError, match="X has 29 features, but MacrocolumnMemory is expecting 30"):
        memory.partial_fit(X[:, 1:])
    for bounds in ((0.5, 0.2), (0, 2), (0.1,), ("a", "b")):
        with pytest.raises(ValueError, match="`active_bounds` must be two shares"):
            clone(memory).set_params(active_bounds=bounds).fit(X)
    np.testing.assert_array_equal(memory.weights_, before)


@pytest.mark.parametrize(
    "params", [{}, {"lifetime": 7}, {"freeze_fraction": "auto", "selection": Selection(floor=0.2)}]
)
@pytest.mark.filterwarnings("ignore:.* items are stored", "ignore:a random row of the same features")
def test_copies_go_on_learning_as_if_nothing_had_happened(params, rng, tmp_path):
    X = some_items(rng, 40)
    straight = memory_of(**params).fit(X)
    begun = memory_of(**params).fit(X[:15])
    begun.save(tmp_path / "memory.npz")
    copies = [pickle.loads(pickle.dumps(begun)), load(tmp_path / "memory.npz"), begun]  # noqa: S301
    rows = [memory_of(**params), memory_of(**params, n_jobs=2)]
    for memory in copies:
        memory.partial_fit(X[15:16]).partial_fit(csr_array(X[16:]))
    for memory in rows:
        for i in range(len(X)):
            memory.partial_fit(X[i : i + 1])
    for memory in (*copies, *rows):
        assert memory.get_params()["selection"] == straight.selection
        np.testing.assert_array_equal(memory.weights_, straight.weights_)
        np.testing.assert_array_equal(memory._trace.stamps, straight._trace.stamps)
        np.testing.assert_array_equal(memory.codes_, straight.codes_)
        np.testing.assert_array_equal(memory.familiarity(X), straight.familiarity(X))
    assert straight.n_iter_ == 1
    assert copies[0].n_iter_ == 3
