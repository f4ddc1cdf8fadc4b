"""Gains of homeostasis follow the formulas, stay within their limits, and forget replaced atoms."""

import numpy as np
import pytest

from sparsecode.learning.homeostasis import LIMITS, Homeostasis

pytestmark = pytest.mark.nojit


def codes_with_rates(rates, n=1000):
    """Codes whose atom j is active in the first ``rates[j] * n`` rows."""
    return (np.arange(n)[:, None] < n * np.asarray(rates)).astype(float)


def take_in(state, codes):
    """Update gains with the codes of a batch."""
    state.update(len(codes), (codes != 0).sum(axis=0), np.square(codes).sum(axis=0))


def test_hap_is_the_ratio_of_logarithms():
    rates = np.array([0.02, 0.05, 0.08, 0.05])
    state = Homeostasis.start("hap", 4)
    for _ in range(3):
        take_in(state, codes_with_rates(rates))
    np.testing.assert_allclose(state.gains, np.log(rates) / np.log(0.05))
    assert state.gains[0] > 1 > state.gains[2]


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


def test_replaced_atoms_start_anew_and_copies_are_independent():
    state = Homeostasis.start("hap", 3)
    take_in(state, codes_with_rates([0.0, 0.2, 0.1]))
    before = state.copy()
    state.forget(np.array([0]))
    assert state.gains[0] == 1
    np.testing.assert_allclose(state.usage[0], 0.1)
    assert before.gains[0] == LIMITS[1]
    assert before.usage[0] == 0
