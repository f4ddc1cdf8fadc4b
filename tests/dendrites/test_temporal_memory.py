"""`TemporalMemory` against its naive twin, what it learns, and what it does with odd input."""

import copy
import itertools
import pickle

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone

from sparsecode import groups_from_lengths, load
from sparsecode.dendrites import TemporalMemory, _pooled_segments
from sparsecode.dendrites._pooled_checks import check_segments
from sparsecode.dendrites._pooled_kernels import N_FREE, NEWEST, NEXT, OLDEST, ONE, OTHER_SEED, SEED
from sparsecode.dendrites._pooled_segments import make_room

from ..reference.temporal_memory import Temporal
from .streams import letters_of, sequences_in_noise

pytestmark = pytest.mark.nojit

C = 12

SMALL = {"activation_threshold": 2, "min_threshold": 2, "max_new_synapses": 4, "random_state": 0}

TWINS = {
    "default": {},
    "lower thresholds": {"min_threshold": 1, "activation_threshold": 3},
    "one cell": {"cells_per_column": 1, "initial_permanence": 0.6},
    "punished": {"predicted_segment_decrement": 0.15, "initial_permanence": 0.5},
    "punished and forgetful": {"predicted_segment_decrement": 0.3, "permanence_decrement": 0.3},
    "few synapses": {"max_synapses_per_segment": 4, "initial_permanence": 0.6, "permanence_decrement": 0.02},
    "few segments of a cell": {"max_segments_per_cell": 1, "initial_permanence": 0.6, "cells_per_column": 2},
    "few segments of one cell": {"max_segments_per_cell": 3, "cells_per_column": 1, "permanence_decrement": 0.01},
    "rows with too few winners": {
        "min_threshold": 3,
        "activation_threshold": 3,
        "initial_permanence": 0.6,
        "max_segments": 9,
    },
    "few segments": {"max_segments": 9, "initial_permanence": 0.6},
    "all limits": {
        "max_segments": 15,
        "max_segments_per_cell": 2,
        "max_synapses_per_segment": 5,
        "max_new_synapses": 5,
        "predicted_segment_decrement": 0.05,
        "permanence_increment": 0.15,
    },
}


def twin_of(memory, n_columns=C):
    """A twin with the parameters of a memory that has learned nothing yet."""
    p, totals = memory.get_params(), memory._segments.totals
    units = {
        ours: round(p[theirs] * ONE)
        for ours, theirs in (
            ("threshold", "permanence_threshold"),
            ("initial", "initial_permanence"),
            ("up", "permanence_increment"),
            ("down", "permanence_decrement"),
            ("punish", "predicted_segment_decrement"),
        )
    }
    return Temporal(
        n_columns,
        p["cells_per_column"],
        totals[[SEED, OTHER_SEED]].tolist(),
        fire=p["activation_threshold"],
        match=p["min_threshold"],
        new=p["max_new_synapses"],
        most_synapses=p["max_synapses_per_segment"],
        most_of_cell=p["max_segments_per_cell"],
        most=p["max_segments"],
        **units,
    )


def some_rows(rng, n=160):
    """Words of few letters, some of them with an active column moved, an empty row, and their sequences."""
    rows = letters_of("ABCD DBCA ACBD", n, rng, C, 3)
    for i in range(5, n, 7):
        rows[i, rng.integers(C)] ^= True
    rows[20] = False
    return rows, groups_from_lengths([50, 1, 29, n - 80])


def synapses(memory):
    """Segments as the twin has them."""
    permanences = memory.permanences_
    whole = np.rint(permanences.data * ONE).astype(int).tolist()
    return [
        (int(cell), dict(zip(permanences.indices[a:b].tolist(), whole[a:b], strict=True)))
        for cell, (a, b) in zip(memory.segment_cells_, itertools.pairwise(permanences.indptr), strict=True)
    ]


def check_store(store):
    """Lists by cell and segments hold the same synapses, and the order of use holds all segments."""
    live = np.flatnonzero(store.owner[: store.totals[NEXT]] >= 0)
    entries = set()
    for s in live.tolist():
        assert 0 < store.size[s] <= store.room[s]
        part = slice(store.start[s], store.start[s] + store.size[s])
        assert len(set(store.cells[part].tolist())) == store.size[s]
        assert (store.permanences[part] > 0).all()
        for slot, (cell, place) in enumerate(zip(store.cells[part], store.places[part], strict=True)):
            entry = store.list_start[cell] + place
            assert (store.list_segments[entry], store.list_slots[entry]) == (s, slot)
            entries.add(int(entry))
    assert len(entries) == store.list_size.sum() == store.size[live].sum()
    assert len(live) == store.totals[NEXT] - store.totals[N_FREE] == np.maximum(store.count, 0).sum()
    order, s = [], int(store.totals[OLDEST])
    while s >= 0:
        order.append(s)
        assert store.newer[s] < 0 or store.older[store.newer[s]] == s
        s = int(store.newer[s])
    assert sorted(order) == live.tolist()
    assert (np.diff(store.stamp[order]) > 0).all()
    assert not order or order[-1] == store.totals[NEWEST]
    check_segments(store, len(store.first))  # as when it comes from a file


@pytest.mark.parametrize("name", TWINS)
def test_learning_is_that_of_the_naive_twin(name, rng, monkeypatch):
    monkeypatch.setattr(_pooled_segments, "SMALLEST", (2, 4, 4))  # so that all pools grow on the way
    X, groups = some_rows(rng)
    memory = TemporalMemory(**{"cells_per_column": 3} | SMALL | TWINS[name]).partial_fit(np.zeros((1, C)))
    twin = twin_of(memory)
    memory.partial_fit(X, groups=groups)
    outcomes = []
    for i, x in enumerate(X):
        if i and groups[i] != groups[i - 1]:
            twin.reset()
        columns = np.flatnonzero(x).tolist()
        predicted = twin.predicted()
        twin.step(columns)
        outcomes.append((len(columns), len(predicted), len(predicted & set(columns))))
    assert memory.outcomes_.tolist() == outcomes
    assert synapses(memory) == twin.permanences()
    assert (memory.state_.active_cells.tolist(), memory.state_.winner_cells.tolist()) == (twin.active, twin.winners)
    assert (memory.n_segments_, memory.n_synapses_) == (len(twin.segments), sum(len(s) for _, s in twin.permanences()))
    check_store(memory._segments)
    if "max_segments" in TWINS[name]:
        assert memory.n_segments_ == TWINS[name]["max_segments"]

    probes, groups = some_rows(rng)
    codes, predictions = memory.transform(probes, groups=groups), memory.predict_next(probes, groups=groups)
    twin.reset()
    for i, x in enumerate(probes):
        if i and groups[i] != groups[i - 1]:
            twin.reset()
        assert twin.step(np.flatnonzero(x).tolist(), learn=False) == np.flatnonzero(codes[i]).tolist()
        assert sorted(twin.predicted()) == np.flatnonzero(predictions[i]).tolist()
    assert predictions.any()
    first = np.r_[True, groups[1:] != groups[:-1]]
    before = np.where(first[:, None], False, np.roll(predictions, 1, axis=0))
    active = probes.sum(axis=1)
    expected = np.where(active > 0, 1 - (before & probes).sum(axis=1) / np.maximum(active, 1), 0)
    np.testing.assert_array_equal(memory.anomaly_score(probes, groups=groups), expected)


def test_limits_that_are_lowered_hold_from_the_next_segment_on(rng):
    X, _ = some_rows(rng)
    memory = TemporalMemory(3, **SMALL).partial_fit(np.zeros((1, C)))
    twin = twin_of(memory)
    memory.partial_fit(X[:80]).set_params(max_segments=20, max_segments_per_cell=2, max_synapses_per_segment=4)
    before = memory.n_segments_
    memory.partial_fit(X[80:])
    for row, x in enumerate(X):
        if row == 80:
            twin.most, twin.most_of_cell, twin.most_synapses = 20, 2, 4
        twin.step(np.flatnonzero(x).tolist())
    assert before > 20 == memory.n_segments_
    assert synapses(memory) == twin.permanences()
    check_store(memory._segments)


def test_silenced_cells_are_those_of_the_naive_twin(rng):
    X, _ = some_rows(rng)
    memory = TemporalMemory(3, **SMALL | {"initial_permanence": 0.6}).partial_fit(np.zeros((1, C)))
    twin = twin_of(memory)
    memory.partial_fit(X[:80])
    before = memory.n_segments_
    for x in X[:80]:
        twin.step(np.flatnonzero(x).tolist())
    dead = [0, 1, 2, 7, 9, 10, 20]
    assert memory.silence_cells(dead) is memory
    for s in [s for s in sorted(twin.segments) if twin.segments[s][0] in dead]:
        twin.destroy(s)
    twin.silent = set(dead)
    twin.active, twin.winners = ([c for c in cells if c not in dead] for cells in (twin.active, twin.winners))
    assert 0 < memory.n_segments_ < before
    memory.partial_fit(X[80:])
    for x in X[80:]:
        twin.step(np.flatnonzero(x).tolist())
    assert synapses(memory) == twin.permanences()
    check_store(memory._segments)
    codes = memory.transform(X)
    assert not codes[:, dead].any()
    assert not codes[:, :3].any()
    for wrong in ([36], [-1], [0.5], 3):
        with pytest.raises(ValueError, match="`cells` must be a list of whole numbers from 0 to 35"):
            memory.silence_cells(wrong)
    assert clone(memory).fit(X).silence_cells([]).n_segments_ > 0


def test_pools_that_grow_hold_the_same(rng):
    X, groups = some_rows(rng)
    memory = TemporalMemory(3, **SMALL).fit(X, groups=groups)
    store = memory._segments
    expected = synapses(memory)
    memory._segments = make_room(store, np.array([len(store.owner), len(store.cells), len(store.list_slots)]) + 1)
    check_store(memory._segments)
    assert synapses(memory) == expected
    assert all(len(a) > len(b) for a, b in zip(memory._segments[:3], store[:3], strict=True))
    other = copy.deepcopy(memory)
    other._segments = store
    for instance in (memory, other):
        instance.partial_fit(X)
    assert synapses(memory) == synapses(other)


@pytest.mark.compiled
@pytest.mark.parametrize("limits", [{}, {"max_segments": 2000}, {"max_segments_per_cell": 2, "cells_per_column": 1}])
def test_many_segments_in_one_call_and_in_chunks(limits):
    """Pools are packed several times on the way; both end with the same bytes."""
    X = sequences_in_noise(100, 100, 0)
    options = {"activation_threshold": 15, "min_threshold": 15, "max_new_synapses": 40, "random_state": 0} | limits
    whole, chunks = TemporalMemory(**options).fit(X), TemporalMemory(**options)
    for rows in np.split(np.arange(200), [1, 7, 70, 101]):
        chunks.partial_fit(X[rows])
    for ours, theirs in zip(whole._segments, chunks._segments, strict=True):
        assert ours.tobytes() == theirs.tobytes()
    check_store(whole._segments)
    assert whole.n_synapses_ == 40 * whole.n_segments_ >= 80_000 - 20_000 * ("max_segments_per_cell" in limits)


# ---------------------------------------------------------------- what is learned


def test_a_pair_is_predicted_from_its_fifth_presentation_on():
    """New synapses of 0.21 are at 0.51 after three reinforcements, and are connected for the row after that."""
    X, groups = np.tile([[1, 1, 0, 0], [0, 0, 1, 1]], (7, 1)), groups_from_lengths([2] * 7)
    memory = TemporalMemory(1, **SMALL).fit(X, groups=groups)
    anomaly = 1 - memory.outcomes_["correct"] / 2
    assert anomaly[::2].tolist() == [1] * 7
    assert anomaly[1::2].tolist() == [1, 1, 1, 1, 0, 0, 0]
    assert synapses(memory) == [(2, {0: 8100, 1: 8100}), (3, {0: 8100, 1: 8100})]
    assert memory.dictionary_.atoms.toarray().tolist() == [[True, True, False, False]] * 2
    assert memory.dictionary_.coords["cell"].tolist() == [2, 3]
    assert memory.dictionary_.coords["column"].tolist() == [2, 3]  # of one cell
    assert memory.dictionary_.coords["threshold"].tolist() == [2, 2]
    (record,) = memory.history_
    assert record["objective"] == pytest.approx(11 / 14)
    assert (record["precision"], record["segments"], record["synapses"]) == (1, 2, 4)


def test_what_sequences_share_has_cells_for_each_context():
    words = letters_of("ABCD XBCY", 240, None, 48, 8, letters="ABCDXY")
    groups = groups_from_lengths([4] * 60)
    options = {"activation_threshold": 6, "min_threshold": 4, "max_new_synapses": 8, "random_state": 0}
    memory = TemporalMemory(4, **options, predicted_segment_decrement=0.05).fit(words, groups=groups)
    predicted = memory.predict_next(words[:8], groups=groups[:8])
    np.testing.assert_array_equal(predicted[[0, 1, 2, 4, 5, 6]], words[[1, 2, 3, 5, 6, 7]])
    assert not predicted[[3, 7]].any()
    codes = memory.transform(words[:8], groups=groups[:8])
    assert not (codes[2] & codes[6]).any()
    assert codes[1].sum() == codes[2].sum() == 8
    assert codes[0].sum() == 8 * 4
    first_order = TemporalMemory(1, **options).fit(words, groups=groups)
    predicted = first_order.predict_next(words[:8], groups=groups[:8])
    np.testing.assert_array_equal(predicted[2], words[3] | words[7])


def test_wrong_predictions_are_forgotten_if_punished(rng):
    A, B, other = np.eye(3).repeat(4, axis=1)
    right, wrong = np.array([A, B] * 8), np.array([A, other] * 8)
    groups = groups_from_lengths([2] * 8)
    for decrement, expected in ((0.0, B + other), (0.1, other)):
        memory = TemporalMemory(2, **SMALL, predicted_segment_decrement=decrement)
        memory.partial_fit(right, groups=groups).partial_fit(wrong, groups=groups + 8)
        np.testing.assert_array_equal(memory.predict_next([A])[0], expected)


# ---------------------------------------------------------------- states and copies


@pytest.mark.parametrize("way", ["pickle", "file", "deepcopy"])
def test_learning_goes_on_after_a_copy_as_if_there_were_none(way, rng, tmp_path):
    X, groups = some_rows(rng)
    straight = TemporalMemory(3, **SMALL, max_segments=30).fit(X, groups=groups)
    memory = clone(straight).partial_fit(X[:70], groups=groups[:70])
    if way == "file":
        memory.save(tmp_path / "memory.npz")
        other = load(tmp_path / "memory.npz")
    else:
        other = pickle.loads(pickle.dumps(memory)) if way == "pickle" else copy.deepcopy(memory)  # noqa: S301
    for instance in (memory, other):
        instance.partial_fit(X[70:71], groups=groups[70:71]).partial_fit(csr_array(X[71:]), groups=groups[71:])
        assert synapses(instance) == synapses(straight)
        assert all(map(np.array_equal, instance.state_, straight.state_))
        assert instance.n_items_ == straight.n_items_ == len(X)
        assert instance.n_iter_ == 3
        np.testing.assert_array_equal(instance.transform(X), straight.set_params(n_jobs=2).transform(X))
    np.testing.assert_array_equal(other.outcomes_, memory.outcomes_)
    for ours, theirs in zip(memory._segments, other._segments, strict=True):
        assert ours.tobytes() == theirs.tobytes()


def test_steps_that_learn_are_those_of_partial_fit(rng):
    X, _ = some_rows(rng, 100)
    whole = TemporalMemory(3, **SMALL).partial_fit(X)
    memory = TemporalMemory(3, **SMALL).partial_fit(X[:4])
    state = memory.state_
    for x in X[4:]:
        _, state = memory.step(x, state, learn=True)
    assert synapses(memory) == synapses(whole)
    assert all(map(np.array_equal, state, whole.state_))
    assert memory.n_items_ == whole.n_items_ == 100


def test_first_rows_of_a_sequence_grow_nothing_to_the_one_before(rng):
    X, _ = some_rows(rng, 90)
    alone = TemporalMemory(3, **SMALL).fit(X, groups=np.arange(90))
    assert (alone.n_segments_, alone.n_synapses_, alone.dictionary_) == (0, 0, None)
    assert alone.permanences_.shape == (0, 3 * C)
    assert (alone.anomaly_score(X) == X.any(axis=1)).all()
    assert not alone.predict_next(X).any()
