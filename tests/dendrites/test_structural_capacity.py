"""Bits in the wiring of a neuron of branches."""

import math
from itertools import combinations_with_replacement

import numpy as np
import pytest

from sparsecode.dendrites.theory import structural_capacity

pytestmark = pytest.mark.nojit


@pytest.mark.parametrize(("d", "m", "k"), [(1, 1, 1), (3, 1, 4), (3, 2, 2), (4, 3, 1), (2, 4, 3), (5, 2, 2)])
def test_arrangements_are_counted_one_by_one(d, m, k):
    branches = list(combinations_with_replacement(range(d), k))
    neurons = sum(1 for _ in combinations_with_replacement(branches, m))
    assert structural_capacity(d, m, k) == pytest.approx(math.log2(neurons), abs=1e-12)


def test_large_numbers_are_exact():
    for d, m, k in ((400, 100, 100), (1000, 3, 2000), (50, 4000, 2)):
        n = math.comb(k + d - 1, k)
        exact = math.log2(math.comb(n + m - 1, m))
        assert structural_capacity(d, m, k) == pytest.approx(exact, rel=1e-13)


def test_there_is_a_best_number_of_branches():
    """A thousand contacts: few branches and single contacts hold less than branches of some ten."""
    sizes = np.array([1, 2, 5, 10, 20, 50, 100, 1000])
    bits = structural_capacity(100, 1000 // sizes, sizes)
    best = bits.argmax()
    assert 0 < best < len(sizes) - 1
    assert (np.diff(bits[: best + 1]) > 0).all()
    assert (np.diff(bits[best:]) < 0).all()
    assert bits[0] == pytest.approx(bits[-1])  # single contacts are interchangeable: a linear neuron
    assert structural_capacity(100, [[1], [2]], [3, 4, 5]).shape == (2, 3)
    assert type(structural_capacity(100, 1, 3)) is float


def test_what_is_wrong_is_said():
    for wrong, message in (
        ((0, 1, 1), "`n_lines` must be at least 1, got 0"),
        ((5, 2.5, 1), "`n_branches` must be whole numbers"),
        ((5, 1, 200_000), "`branch_size` must be whole numbers from 0 up to 10\\^5"),
        ((5, math.nan, 1), "`n_branches` must be whole numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            structural_capacity(*wrong)
    with pytest.raises(TypeError, match="`n_lines` must be a number"):
        structural_capacity("many", 1, 1)
