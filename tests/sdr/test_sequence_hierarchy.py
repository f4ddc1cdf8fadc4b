"""`SequenceHierarchy`: codes that persist, context from above against the naive twin, replay."""

import pickle

import numpy as np
import pytest

from sparsecode import groups_from_lengths, load
from sparsecode.sdr import Selection, SequenceHierarchy, SequenceMemory
from sparsecode.sdr._columns_in_time import parents_of
from sparsecode.sdr._sequence_kernels import list_above, list_inputs
from sparsecode.sdr._sequences import SequenceState, SequenceTrace, make_works, recall_block, store_block
from sparsecode.sdr._trace import Rows

from ..reference.sequence_memory import Sequences
from .inputs import random_items

pytestmark = [pytest.mark.nojit, pytest.mark.filterwarnings("ignore:.* items are stored")]

Q, K, F, ABOVE = 4, 5, 30, 6


@pytest.mark.parametrize("steps", [None, (0.9, 0.8, 0.7)])
def test_context_from_above_is_that_of_the_naive_twin(steps, rng):
    """Rows with units above and without, in all combinations with rows before."""
    X = np.concatenate([random_items(rng, 1, F, ones) for ones in rng.integers(1, 12, 24)])
    X[5], X[11], X[17] = 0, X[10], X[2]
    begins = np.zeros(24, np.uint8)
    begins[[0, 8, 9]] = 1
    aboves = [sorted(rng.choice(ABOVE, 2, replace=False)) if i % 3 else [] for i in range(24)]
    above = np.array([units or [-1, -1] for units in aboves], np.int32)
    memory = SequenceMemory(Q, K, horizontal_power=0.5, random_state=0)
    memory._n_modules, memory._n_units, memory.n_features_in_ = Q, K, F
    course = memory._course(None)
    if steps is not None:
        course = course._replace(plan=course.plan._replace(three=steps[0], two=steps[1], alone=steps[2]))
    twin = Sequences(F, Q, K, Selection(), powers=(1, 0.5, 1), steps=steps)
    trace, state, stop = SequenceTrace.empty(F, Q * K, ABOVE), SequenceState.start(Q), np.zeros(1, np.int32)
    work, uniforms = make_works(trace, K, 2), rng.random((24, Q))
    block = *Rows(X).block(0, 24), above, begins
    winners, found, places = np.empty((24, Q), np.int32), np.empty(24), np.empty(24, np.int64)
    store_block(trace.of_one(), block, course, uniforms, state.of_one(), work, stop, (winners, found))
    expected = twin.store_rows(X, begins, uniforms, aboves)
    assert winners.tolist() == [list(code) for code, _ in expected]
    np.testing.assert_allclose(found, [G for _, G in expected], atol=1e-12)
    links = {(a, (u // K, u % K)) for a, u in np.argwhere(trace.top_down).tolist()}
    assert links == {(int(a), u) for a, u in twin.links_above}
    state = SequenceState.start(Q).of_one()
    recall_block(trace.of_one(), block, course, state, work, stop, (winners, found, places))
    expected = twin.recall_rows(X, begins, aboves)
    assert winners.tolist() == [list(code) for code, _ in expected]
    np.testing.assert_allclose(found, [G for _, G in expected], atol=1e-12)


def test_one_level_is_a_memory_for_each_window(rng):
    X = random_items(rng, 9, 32, 8)
    hierarchy = SequenceHierarchy((16,), strides=16, memories=SequenceMemory(5, 20), backoff=None, random_state=0)
    codes = hierarchy.fit(X).transform(X).reshape(9, 2, -1)
    for m in range(2):
        seed = hierarchy.memories_[0][m].random_state
        memory = SequenceMemory(5, 20, backoff=None, random_state=seed).fit(X[:, 16 * m : 16 * (m + 1)])
        np.testing.assert_array_equal(codes[:, m], memory.transform(X[:, 16 * m : 16 * (m + 1)]))
        np.testing.assert_array_equal(hierarchy.memories_[0][m].horizontal_weights_, memory.horizontal_weights_)


def test_persistence_doubles_with_each_level(rng):
    X = random_items(rng, 16, 144, 40)
    memory = SequenceMemory(10, 30)
    hierarchy = SequenceHierarchy((6, 2, 1), strides=(6, 1, 1), memories=memory, input_shape=(12, 12), random_state=0)
    codes = hierarchy.fit(X).transform(X)
    assert [level[0].persistence for level in hierarchy.memories_] == [1, 2, 4]
    changes = (codes[1:] != codes[:-1]).any(axis=1)
    assert np.flatnonzero(changes).tolist() == [3, 7, 11]
    assert (hierarchy.familiarity(X) == 1).all()
    # What is recalled from the top is what was there in four rows
    recalled = hierarchy.inverse_transform(codes)
    union = np.repeat(X.reshape(4, 4, -1).any(axis=1), 4, axis=0)
    assert (recalled & ~union).mean() < 0.01  # 0.000
    assert (union & ~recalled).mean() < 0.12  # 0.076 of all pixels, of which 0.741 are on in four rows


def test_context_from_above_bridges_a_gap(rng):
    """One window is blank for a moment, which ends its own context, and what it sees then has two pasts.

    Its codes are mixed without a level above; with it they are those that were stored.
    """
    A, B = random_items(rng, 6, 72, 20), random_items(rng, 6, 72, 20)
    A[3], B[3], B[4] = 0, 0, A[4]  # blank, then the same
    other = random_items(rng, 12, 72, 20)  # a second window
    X, groups = np.c_[np.r_[A, B], other], groups_from_lengths([6, 6])
    right = {}
    for name, windows in (("levels", (72, 2)), ("alone", (72,))):
        hierarchy = SequenceHierarchy(windows, strides=72, memories=SequenceMemory(20, 30), random_state=0)
        hierarchy.fit(X, groups=groups)
        first, codes = hierarchy.memories_[0][0], []
        for rows in (slice(0, 6), slice(6, 12)):
            state = hierarchy.initial_state()
            for i, x in enumerate(X[rows]):
                state = hierarchy.step(x, state)[1]
                codes += [state.winners[:20].copy()] if i == 4 else []
        # The weights from the code to that of the next row: full only if it is the one that was stored
        follows = [first._next(code[None], np.ones(1, np.int64))[0] for code in codes]
        decoded = first._complete(np.array(follows))
        right[name] = [bool((row == expected).all()) for row, expected in zip(decoded, (A[5], B[5]), strict=True)]
    assert right["levels"] == [True, True]
    assert right["alone"] != [True, True]


def test_copies_go_on_as_if_nothing_had_happened(rng, tmp_path):
    X = random_items(rng, 20, 32, 10)
    params = {"strides": (16, 1), "memories": SequenceMemory(4, 20), "random_state": 0}
    whole = SequenceHierarchy((16, 2), **params).fit(X)
    begun = SequenceHierarchy((16, 2), **params).fit(X[:7])
    begun.save(tmp_path / "hierarchy.npz")
    for copy in (pickle.loads(pickle.dumps(begun)), load(tmp_path / "hierarchy.npz"), begun):  # noqa: S301
        copy.partial_fit(X[7:8]).partial_fit(X[8:])
        np.testing.assert_array_equal(copy.transform(X), whole.transform(X))
        for levels in zip(copy.memories_, whole.memories_, strict=True):
            for memory, expected in zip(*levels, strict=True):
                np.testing.assert_array_equal(memory._top_down, expected._top_down)
                np.testing.assert_array_equal(memory.weights_, expected.weights_)


def test_wrong_states_and_steps_are_refused(rng):
    X = random_items(rng, 6, 32, 10)
    hierarchy = SequenceHierarchy((16, 2), strides=(16, 1), memories=SequenceMemory(4, 20), random_state=0).fit(X)
    state = hierarchy.initial_state()
    for wrong in (state[:3], state._replace(n_rows=state.n_rows[1:]), state._replace(rivals=1.0 * state.rivals)):
        with pytest.raises(ValueError, match="`state` is none of this hierarchy"):
            hierarchy.step(X[0], wrong)
    with pytest.raises(ValueError, match="`state` must hold 4 winners below 20"):
        hierarchy.step(X[0], state._replace(winners=state.winners + 50))
    for backoff in ((0.5, 0.6), (0.5, 0.6, 2)):
        with pytest.raises(ValueError, match="`backoff` must be None or 3 familiarities"):
            hierarchy.set_params(backoff=backoff).transform(X)
    with pytest.raises(ValueError, match="`n_steps` must be an integer >= 1"):
        hierarchy.recall_sequence(X, 0)
    with pytest.raises(ValueError, match="`memories` must be a SequenceMemory, or a list of 2"):
        SequenceHierarchy((16, 2), memories=[SequenceMemory()]).fit(X)


def test_parents_are_those_that_see():
    parents = parents_of(np.array([[0, 1], [1, 2]]), 3)
    assert parents.tolist() == [[0, -1], [0, 1], [1, -1]]
    codes, units = np.array([[3, 4], [-1, -1]], np.int32), np.zeros((3, 4), np.int32)
    list_above(parents, codes, np.int64(10), units)
    assert units.tolist() == [[3, 14, -1, -1], [3, 14, -1, -1], [-1, -1, -1, -1]]


def test_active_units_are_listed_for_each_field():
    places, codes = np.array([[0, 1], [1, 2], [0, 2]]), np.array([[3, 4], [-1, -1], [0, 9]], np.int32)
    indptr, indices = np.empty(4, np.int64), np.empty(12, np.int32)
    list_inputs(places, codes, np.int64(10), indptr, indices)
    assert indptr.tolist() == [0, 2, 4, 8]
    assert indices[:8].tolist() == [3, 14, 20, 39, 3, 14, 20, 39]
