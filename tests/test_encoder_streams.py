"""Encoders whose rows are moments of time: steps, states, sequences."""

import copy
import itertools
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from sparsecode import groups_from_lengths
from sparsecode.encoder import sequences

from .contracts.encoders import can, cases, codes_of, content, make, same_bits

pytestmark = pytest.mark.nojit


@can("stateful")
def test_steps_make_what_transform_makes(name, dtype):
    encoder, X = make(name)
    X = X.astype(dtype)
    expected = codes_of(encoder.fit(X), X)
    before = content(encoder)
    state = encoder.initial_state()
    codes = np.empty_like(expected)
    for i, x in enumerate(X):
        assert isinstance(state, tuple)
        assert hasattr(state, "_fields")
        assert all(isinstance(array, np.ndarray) for array in state)
        kept, frozen = pickle.dumps(state), state
        codes[i], state = encoder.step(x, state)
        assert pickle.dumps(frozen) == kept, "the state that was given has changed"
        state = pickle.loads(pickle.dumps(state))  # noqa: S301
    assert same_bits(codes, expected)
    assert content(encoder) == before
    assert same_bits(codes_of(encoder, X), expected)
    assert all(map(np.array_equal, encoder.initial_state(), clone(encoder).fit(X[::-1]).initial_state()))


@can("stateful")
def test_groups_reset_the_state(name):
    encoder, X = make(name)
    lengths = [7, 1, len(X) - 8]
    groups = groups_from_lengths(lengths)
    encoder.fit(X, groups=groups)
    borders = np.cumsum([0, *lengths])
    pieces = [codes_of(encoder, X[a:b]) for a, b in itertools.pairwise(borders)]
    codes = codes_of(encoder, X, groups=groups)
    assert same_bits(codes, np.concatenate(pieces))
    assert not same_bits(codes, codes_of(encoder, X))
    assert same_bits(clone(encoder).fit_transform(X, groups=groups), codes)
    for labels in (groups.tolist(), pd.Series(groups + 5), np.array(["b", "a", "c"])[groups]):
        assert same_bits(codes_of(encoder, X, groups=labels), codes)
    if encoder.capabilities().invertible:
        inverses = [encoder.inverse_transform(piece) for piece in pieces]
        assert same_bits(encoder.inverse_transform(codes, groups=groups), np.concatenate(inverses))
    before = content(encoder)
    for wrong in (
        groups[:-1],
        groups[:, None],
        np.r_[0, groups[:-1] + 1, 0][: len(X) - 1],
        groups + 0.5,
        [None] * len(X),
    ):
        with pytest.raises(ValueError, match="`groups` must"):
            encoder.transform(X, groups=wrong)
        with pytest.raises(ValueError, match="`groups` must"):
            encoder.fit(X, groups=wrong)
    assert content(encoder) == before


@cases(lambda case: case.make().capabilities().stateful and case.make().capabilities().online)
def test_partial_fit_carries_the_state_across_chunks_and_groups(name):
    encoder, X = make(name)
    groups = np.array(["x", "y", "z"])[groups_from_lengths([10, 5, len(X) - 15])]
    whole, parts = clone(encoder).partial_fit(X, groups=groups), clone(encoder)
    for rows in (slice(0, 4), slice(4, 12), slice(12, 15), slice(15, 16), slice(16, None)):
        parts.partial_fit(X[rows], groups=groups[rows])
    assert all(map(same_bits, whole.state_, parts.state_))
    assert same_bits(codes_of(whole, X), codes_of(parts, X))
    border = clone(encoder).partial_fit(X[:10], groups=groups[:10])
    onward = copy.deepcopy(border).partial_fit(X[10:15])
    anew = copy.deepcopy(border).partial_fit(X[10:15], groups=groups[10:15])
    scanned = clone(encoder).partial_fit(X[:15])
    assert all(map(same_bits, onward.state_, scanned.state_))
    assert not all(map(same_bits, onward.state_, anew.state_))


def test_groups_from_lengths():
    np.testing.assert_array_equal(groups_from_lengths([2, 1, 3]), [0, 0, 1, 2, 2, 2])
    for wrong in ([], [0, 1], [-1], [1.5], 3, [[1]], ["a"]):
        with pytest.raises(ValueError, match="`lengths` must be a list of ints >= 1"):
            groups_from_lengths(wrong)


def test_sequences():
    assert sequences(None, 3) == [(slice(0, 3), False)]
    assert sequences([5, 5, 2], 3) == [(slice(0, 2), True), (slice(2, 3), True)]
    assert sequences([5, 5, 2], 3, previous=5) == [(slice(0, 2), False), (slice(2, 3), True)]
    with pytest.raises(ValueError, match="but 5 begins again in row 2; sort the rows"):
        sequences([5, 2, 5], 3)
