"""Gains of homeostasis follow the formulas, stay within their limits, and forget replaced atoms."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from sparsecode.learning.homeostasis import CLOSED, LIMITS, RATE, Homeostasis
from sparsecode.learning.statistics import BINS, count_magnitudes

pytestmark = pytest.mark.nojit


def codes_with_rates(rates, n=1000):
    """Codes whose atom j is active in the first ``rates[j] * n`` rows."""
    return (np.arange(n)[:, None] < n * np.asarray(rates)).astype(float)


def take_in(state, codes):
    """Update gains with the codes of a batch."""
    state.update(len(codes), len(codes), (codes != 0).sum(axis=0), np.square(codes).sum(axis=0))


def test_hap_is_the_ratio_of_logarithms():
    rates = np.array([0.02, 0.05, 0.08, 0.05])
    state = Homeostasis.start("hap", 4)
    for _ in range(3):
        take_in(state, codes_with_rates(rates))
    np.testing.assert_allclose(state.gains, np.log(rates) / np.log(0.05))
    assert state.gains[0] > 1 > state.gains[2]


def test_emp_closes_the_gate_of_atoms_used_more_than_their_share():
    state = Homeostasis.start("emp", 4)
    take_in(state, codes_with_rates([0.106, 0.104, 0.19, 0.0]))  # of a mean of 0.1
    assert state.gains.tolist() == [CLOSED, 1, CLOSED, 1]
    for _ in range(20):
        take_in(state, codes_with_rates([0.1, 0.1, 0.0, 0.2]))
    assert state.gains.tolist() == [1, 1, 1, CLOSED]


def heh(codes, half=0.5):
    """Tables after a batch of codes, and one before it that told the scale."""
    state = Homeostasis.start("heh", codes.shape[1])
    state.half, state.n_seen = half, 1
    absorb(state, codes)
    return state


def test_heh_takes_its_scale_from_the_first_batch(rng):
    codes = rng.normal(size=(500, 3)) * (rng.random((500, 3)) < 0.3)
    state = Homeostasis.start("heh", 3)
    assert state.selection == (None, None)
    take_in(state, 0 * codes)
    assert state.half is None
    take_in(state, 7 * codes)
    assert state.half == pytest.approx(7 * np.sqrt(np.square(codes[codes != 0]).mean()))
    np.testing.assert_allclose(state.selection.tables, np.tile(np.linspace(0, 1, BINS + 1), (3, 1)))


def absorb(state, codes):
    histogram = count_magnitudes(csr_array(codes), state.half)
    state.update(len(codes), len(codes), (codes != 0).sum(axis=0), np.square(codes).sum(axis=0), histogram)


def test_heh_has_distribution_functions_of_magnitudes(rng):
    codes = rng.normal(size=(5000, 3)) * (rng.random((5000, 3)) < [0.1, 0.4, 0.0])
    state = heh(codes)
    start = np.linspace(0, 1, BINS + 1)
    assert (state.tables[:, 0] == 0).all()
    assert (np.diff(state.tables, axis=1) > 0).all()
    sizes = 0.5 * start[1:-1] / (1 - start[1:-1])  # where the tables are kept
    for table, values in zip(state.tables, np.abs(codes).T, strict=True):
        below = (values[:, None] <= sizes).mean(axis=0)
        np.testing.assert_allclose(table[1:-1], 0.5 * start[1:-1] + 0.5 * below, atol=1e-12)  # the start is a batch
    for _ in range(300):
        absorb(state, codes)
    for table, values in zip(state.tables, np.abs(codes).T, strict=True):
        below = (values[:, None] <= sizes).mean(axis=0)
        np.testing.assert_allclose(table[1:-1], below, atol=0.01)
    before = state.tables
    absorb(state, np.ones((10, 3)))
    changed = before[:, 1:] + RATE * ((sizes[0] < 1) * 0 + (np.arange(1, BINS + 1) > BINS * 2 // 3) - before[:, 1:])
    np.testing.assert_allclose(state.tables[:, 1:], changed, atol=1e-12)


def test_heh_prefers_atoms_that_are_used_less_but_not_for_nothing(rng):
    codes = rng.normal(size=(5000, 2)) * (rng.random((5000, 2)) < [0.02, 0.2])
    tables, half = heh(codes).selection

    def compared(size):
        return [np.interp(size / (size + half), np.linspace(0, 1, BINS + 1), table) for table in tables]

    rare, frequent = compared(0.2)
    assert rare > frequent
    assert compared(1e-6)[0] < compared(0.2)[1]


def test_magnitudes_are_counted_with_weights(rng):
    codes = rng.normal(size=(40, 3)) * (rng.random((40, 3)) < 0.5)
    weights = rng.integers(1, 4, 40)
    repeated = count_magnitudes(csr_array(np.repeat(codes, weights, axis=0)), 2.0)
    np.testing.assert_allclose(count_magnitudes(csr_array(codes), 2.0, weights.astype(float)), repeated)
    assert repeated.sum(axis=1).tolist() == (weights @ (codes != 0)).tolist()
    edges = np.array([[0.0, 1e-300, 2.0, 1e300, -2.0]]).T
    found = count_magnitudes(csr_array(edges), 2.0)[0]
    assert {bin_: int(n) for bin_, n in enumerate(found) if n} == {0: 1, BINS // 2: 2, BINS - 1: 1}


def test_gains_stay_within_their_limits():
    for rule in ("hap", "ols"):
        state = Homeostasis.start(rule, 3)
        for _ in range(200):
            take_in(state, codes_with_rates([0.0, 0.9, 0.3]))
        assert state.gains[0] == LIMITS[1]
        assert LIMITS[0] <= state.gains.min()
        assert state.gains[1] < state.gains[2] < state.gains[0]


def test_codes_of_zeros_leave_unit_gains():
    for rule in ("hap", "ols"):
        state = Homeostasis.start(rule, 3)
        take_in(state, np.zeros((10, 3)))
        assert (state.gains == 1).all()
        take_in(state, np.ones((10, 3)))
        np.testing.assert_allclose(state.gains, 1)


def test_ols_integrates_the_ratio_of_variances():
    state = Homeostasis.start("ols", 2)
    codes = np.array([[1.0, 0.0], [0.0, 3.0]])
    take_in(state, codes)
    raw = np.array([0.5 / 2.5, 4.5 / 2.5]) ** -0.02
    np.testing.assert_allclose(state.gains, raw / np.sqrt(raw.prod()))


def test_averages_are_plain_means_first_and_moving_ones_later():
    state = Homeostasis.start("hap", 1)
    for rate in (0.2, 0.4):
        take_in(state, codes_with_rates([rate]))
    np.testing.assert_allclose(state.usage, 0.3)
    state.n_seen = 500
    take_in(state, codes_with_rates([0.9]))
    np.testing.assert_allclose(state.usage, 0.3 + 0.01 * 0.6)


def test_replaced_atoms_get_the_mean_table(rng):
    state = heh(rng.normal(size=(500, 3)) * (rng.random((500, 3)) < [0.1, 0.4, 0.0]))
    before = state.copy()
    state.forget(np.array([2]))
    np.testing.assert_allclose(state.tables[2], before.tables.mean(axis=0))
    assert (before.tables[2] != state.tables[2]).any()
    assert state.selection.half == 0.5
    assert before.selection.tables is before.tables


def test_replaced_atoms_start_anew_and_copies_are_independent():
    state = Homeostasis.start("hap", 3)
    take_in(state, codes_with_rates([0.0, 0.2, 0.1]))
    before = state.copy()
    state.forget(np.array([0]))
    assert state.gains[0] == 1
    np.testing.assert_allclose(state.usage[0], 0.1)
    assert before.gains[0] == LIMITS[1]
    assert before.usage[0] == 0
