"""`MacrocolumnHierarchy`: fields, levels as memories of codes, recall from the top, digits."""

import itertools

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from sparsecode.sdr import MacrocolumnHierarchy, MacrocolumnMemory
from sparsecode.sdr._fields import Fields

from .inputs import random_items


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("shape", "window", "stride"), [((7, 5), 3, 2), ((4,), 6, 1), ((6, 3), 4, 3), ((3, 4, 5), 2, 2)]
)
def test_fields_cover_all_places(shape, window, stride):
    fields = Fields.of(shape, window, stride)
    numbers = np.arange(np.prod(shape)).reshape(shape)
    starts = [sorted({*range(0, max(n - window, 0) + 1, stride), max(n - window, 0)}) for n in shape]
    expected = [numbers[tuple(slice(s, s + window) for s in corner)].ravel() for corner in itertools.product(*starts)]
    np.testing.assert_array_equal(fields.places, expected)
    assert fields.grid == tuple(map(len, starts))
    assert set(fields.places.ravel()) == set(range(np.prod(shape)))


@pytest.mark.nojit
def test_one_macrocolumn_that_sees_all_is_a_memory(rng):
    X = random_items(rng, 20, 36, 5)
    hierarchy = MacrocolumnHierarchy((6,), memories=MacrocolumnMemory(6, 30), input_shape=(6, 6), random_state=0).fit(X)
    memory = MacrocolumnMemory(6, 30, random_state=hierarchy.memories_[0][0].random_state).fit(X)
    np.testing.assert_array_equal(hierarchy.transform(X), memory.transform(X))
    assert hierarchy.code_shape_ == (1, 6, 30)
    np.testing.assert_array_equal(hierarchy.inverse_transform(hierarchy.transform(X)), memory.recall(X))


@pytest.mark.nojit
@pytest.mark.filterwarnings("ignore:a random row of the same features", "ignore:.* items are stored")
def test_levels_are_memories_of_codes(rng):
    """Each level by hand: what a macrocolumn stores are the codes that those below had when they stored the row."""
    X = random_items(rng, 15, 30, 6).reshape(-1, 6, 5)
    sizes = [(3, 20), (4, 25)]
    hierarchy = MacrocolumnHierarchy(
        (3, 2),
        strides=(3, 1),
        memories=[MacrocolumnMemory(*size) for size in sizes],
        input_shape=(6, 5),
        random_state=0,
    ).fit(X)
    assert hierarchy.grids_ == [(2, 2), (1, 1)]
    below, recalled = [], []
    for y, x in ((0, 0), (0, 2), (3, 0), (3, 2)):
        rows = X[:, y : y + 3, x : x + 3].reshape(15, -1)
        seed = hierarchy.memories_[0][len(below)].random_state
        memory = MacrocolumnMemory(*sizes[0], store_items=True, random_state=seed).fit(rows)
        codes = np.zeros((15, 3, 20), bool)
        coded = rows.any(axis=1)
        codes[np.flatnonzero(coded)[:, None], range(3), memory.codes_] = True
        below.append(codes.reshape(15, -1))
        recalled.append(memory.transform(rows))
    seed = hierarchy.memories_[1][0].random_state
    top = MacrocolumnMemory(*sizes[1], random_state=seed).fit(np.concatenate(below, axis=1))
    expected = top.transform(np.concatenate(recalled, axis=1))
    np.testing.assert_array_equal(hierarchy.transform(X), expected)
    assert hierarchy.n_iter_ == len(hierarchy.history_) == 1


def test_recall_from_the_top(rng):
    """20 random images of 12 x 12, one in ten pixels: nearly all pixels are right, through two levels."""
    X = random_items(rng, 20, 144, 15)
    memories = [MacrocolumnMemory(20, 60), MacrocolumnMemory(30, 40)]
    hierarchy = MacrocolumnHierarchy((6, 2), strides=(3, 1), memories=memories, input_shape=(12, 12), random_state=0)
    recalled = hierarchy.fit(X).inverse_transform(hierarchy.transform(X))
    assert (recalled & X).sum() / X.sum() > 0.98
    assert (recalled & X).sum() / recalled.sum() > 0.93  # 0.98
    assert not hierarchy.inverse_transform(hierarchy.transform(np.zeros((2, 144)))).any()


def test_wrong_levels_are_refused(rng):
    X = random_items(rng, 5, 36, 6)
    for params, message in (
        ({"windows": ()}, "`windows` must be integers >= 1"),
        ({"windows": (3, 0)}, "`windows` must be integers >= 1"),
        ({"strides": (1,)}, "`strides` must be integers >= 1, one for each level"),
        ({"strides": 0}, "`strides` must be integers >= 1"),
        ({"memories": [MacrocolumnMemory()]}, "`memories` must be a MacrocolumnMemory, or a list of 2"),
        ({"memories": [MacrocolumnMemory(), 3]}, "`memories` must be a MacrocolumnMemory, or a list of 2"),
    ):
        with pytest.raises(ValueError, match=message):
            MacrocolumnHierarchy(**params).fit(X)


def test_digits_are_told_apart_better_by_many_windows():
    """Logistic regression on codes: 0.95 with windows of 3 x 3, 0.78 with one macrocolumn as large as one of these."""
    X, y = load_digits(return_X_y=True)
    X = X > 7
    order = np.random.default_rng(0).permutation(len(X))
    seen, others = order[:1000], order[1000:]
    right = []
    for windows in ((3,), (8,)):
        hierarchy = MacrocolumnHierarchy(windows, input_shape=(8, 8), sparse_output=True, random_state=0).fit(X[seen])
        model = LogisticRegression(C=0.1, max_iter=300).fit(hierarchy.transform(X[seen]), y[seen])
        right.append(model.score(hierarchy.transform(X[others]), y[others]))
    assert right[0] > 0.9
    assert right[0] > right[1] + 0.02


@pytest.mark.parametrize("bad", [{"n_units": 2.5}, {"lifetime": -3}, {"recall_threshold": 5.0}])
def test_bad_memories_are_refused(bad, rng):
    hierarchy = MacrocolumnHierarchy((3,), memories=MacrocolumnMemory(3, 5).set_params(**bad), input_shape=(4, 4))
    with pytest.raises(ValueError, match=f"'{next(iter(bad))}' parameter of MacrocolumnMemory"):
        hierarchy.fit(rng.random((5, 16)) < 0.5)
    assert not hasattr(hierarchy, "memories_")
