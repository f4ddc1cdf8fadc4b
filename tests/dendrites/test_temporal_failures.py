"""What `TemporalMemory` does with input, parameters, states and files that do not fit."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from sparsecode.dendrites import TemporalMemory
from sparsecode.dendrites._pooled_kernels import FREE, ONE, ROWS, STAMP

from .streams import random_columns

pytestmark = pytest.mark.nojit

C = 12

SMALL = {"activation_threshold": 2, "min_threshold": 2, "max_new_synapses": 4, "random_state": 0}


def test_nothing_comes_of_nothing():
    X = np.zeros((5, 8))
    memory = TemporalMemory(2, **SMALL).fit(X)
    assert (memory.n_items_, memory.n_segments_) == (5, 0)
    assert memory.history_["objective"][0] == memory.history_["precision"][0] == 0
    for found in (memory.transform(X), memory.predict_next(X), memory.anomaly_score(X)):
        assert not found.any()
    full = TemporalMemory(2, **SMALL | {"max_new_synapses": 20}).fit(np.ones((12, 8)))
    assert full.anomaly_score(np.ones((3, 8))).tolist() == [1, 0, 0]
    one = TemporalMemory(1, activation_threshold=1, min_threshold=1, max_new_synapses=1).fit(np.ones((9, 1)))
    assert one.anomaly_score([[1], [1]]).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"min_threshold": 14}, "`min_threshold`=14, `activation_threshold`=13, .* must not decrease in this order"),
        ({"activation_threshold": 21}, "must not decrease in this order: a segment fires by synapses that it has"),
        ({"max_synapses_per_segment": 19}, "must not decrease in this order"),
        ({"permanence_increment": -0.1}, "The 'permanence_increment' parameter of TemporalMemory must be"),
        ({"initial_permanence": -0.1}, "The 'initial_permanence' parameter of TemporalMemory must be"),
        ({"predicted_segment_decrement": -0.1}, "The 'predicted_segment_decrement' parameter"),
        ({"permanence_threshold": 1.5}, "The 'permanence_threshold' parameter"),
        ({"permanence_decrement": 4e-5}, "`permanence_decrement`=4e-05 is less than 0.0001, the unit of permanences"),
        ({"cells_per_column": 0}, "The 'cells_per_column' parameter"),
        ({"max_synapses_per_segment": 40_000}, "The 'max_synapses_per_segment' parameter"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(params, message, rng):
    X = random_columns(rng, 5, 64, 20)
    with pytest.raises(ValueError, match=message):
        TemporalMemory(**params).fit(X)
    memory = TemporalMemory().fit(X)
    before = pickle.dumps(memory._segments)
    with pytest.raises(ValueError, match=message):
        memory.set_params(**params).partial_fit(X)
    assert pickle.dumps(memory._segments) == before


def test_input_that_does_not_fit_is_refused(rng):
    X = random_columns(rng, 6, 64, 20)
    memory = TemporalMemory(4, random_state=0).fit(X)
    with pytest.raises(ValueError, match="X must hold zeros and ones only, got 1 other entries such as 0.5"):
        memory.partial_fit(np.where(np.arange(6 * 64).reshape(6, 64) == 9, 0.5, X))
    with pytest.raises(ValueError, match="X has 63 features, but TemporalMemory is expecting 64 features"):
        memory.predict_next(X[:, 1:])
    with pytest.raises(ValueError, match="x must be 64 finite numbers"):
        memory.step(X[0, 1:], memory.initial_state())
    for groups, message in (([0, 0, 1, 1, 0, 0], "rows of a sequence together"), ([0] * 5, "must be 6 integers")):
        for method in (memory.fit, memory.partial_fit, memory.predict_next, memory.anomaly_score):
            with pytest.raises(ValueError, match=message):
                method(X, groups=groups)
    state = memory.initial_state()
    for wrong in (
        state._replace(active_cells=np.array([256])),
        state._replace(active_cells=np.array([-1])),
        state._replace(winner_cells=np.array([3, 2])),
        state._replace(winner_cells=np.array([0.5])),
        state._replace(winner_cells=np.zeros((1, 1), np.int32)),
    ):
        with pytest.raises(ValueError, match="`state` must hold active cells and winners, each in increasing order"):
            memory.step(X[0], wrong)
    for wrong in (None, 0, (state.active_cells,), (None, None)):
        with pytest.raises(ValueError, match=r"begin with `initial_state\(\)` of this memory"):
            memory.step(X[0], wrong)
    with pytest.raises(ValueError, match="`state` must have winners that are active"):
        memory.step(X[0], state._replace(winner_cells=np.array([3])), learn=True)
    with pytest.raises(NotFittedError):
        TemporalMemory().silence_cells([0])


def test_more_cells_than_indices_can_tell_apart_are_refused():
    with pytest.raises(ValueError, match="more than indices of 32 bits can tell apart"):
        TemporalMemory(2**29, **SMALL).fit(np.ones((2, 8)))


def test_rows_with_too_few_active_columns_are_told(rng):
    with pytest.warns(UserWarning, match="rows have at most 8 active columns, but segments fire by .*=13 synapses"):
        TemporalMemory(4).fit(random_columns(rng, 5, 64, 8))


def test_files_whose_parts_do_not_fit_are_refused(rng):
    memory = TemporalMemory(2, **SMALL).fit(random_columns(rng, 60, C, 3))
    scalars, arrays = memory._get_fitted_state()
    for name in ("owner", "permanences", "list_slots", "first", "totals"):
        with pytest.raises(ValueError, match="the segments of the memory do not fit its shape"):
            copy.copy(memory)._set_fitted_state(scalars, arrays | {name: arrays[name][:-1]})


def test_damaged_files_are_refused(rng):
    """Kernels follow the indices of what is loaded without a look: of each array, one number that is not as it was."""
    memory = TemporalMemory(2, **SMALL, max_segments=40, max_synapses_per_segment=5)
    memory.fit(random_columns(rng, 200, C, 3)).silence_cells([5])
    scalars, arrays = memory._get_fitted_state()
    copy.copy(memory)._set_fitted_state(scalars, arrays)
    store = memory._segments
    s = int(np.flatnonzero(store.owner >= 0)[5])
    free = int(store.totals[FREE])
    assert free >= 0
    cell, k = int(store.owner[s]), int(store.start[s])
    entry = int(store.list_start[store.cells[k]] + store.places[k])
    for name, place, values in (
        *((name, s, (-1, 10**6, arrays[name][s] + 1)) for name in ("owner", "size", "older", "newer", "sibling")),
        ("start", s, (-1, 10**6)), ("room", s, (-1, 10**6)), ("stamp", s, (-1, 0, 10**6)),
        ("owner", free, (0,)), ("size", free, (1,)), ("sibling", free, (free, s, 10**6)),
        ("cells", k, (-1, 2 * C, arrays["cells"][k] + 1)), ("permanences", k, (-1, ONE + 1)),
        ("places", k, (-1, 10**6, arrays["places"][k] + 1)),
        ("list_segments", entry, (-1, 10**6, s + 1)), ("list_slots", entry, (-1, 1)),
        ("first", cell, (-2, 10**6)), ("first", 5, (s,)), ("count", cell, (0, -1)),
        ("list_start", store.cells[k], (-1, 10**6)), ("list_size", store.cells[k], (-1, 0, 10**6)),
        ("list_room", store.cells[k], (-1, 0, 10**6)),
        *(("totals", i, (-2,) if i in (STAMP, ROWS) else (-2, 10**12)) for i in range(13)),
    ):  # fmt: skip
        for value in values:
            changed = arrays[name].copy()
            changed[place] = value
            if (changed != arrays[name]).any():
                with pytest.raises(ValueError, match="the segments of the memory are damaged"):
                    copy.copy(memory)._set_fitted_state(scalars, arrays | {name: changed})
