"""Integrate-and-fire neurons: exact steps, rates, resets, and a published list of spikes."""

import math

import numpy as np
import pytest

from sparsecode.temporal import IntegrateAndFire
from sparsecode.temporal.integrate_and_fire import synaptic_gain

from ..reference.spiking import leaky


@pytest.mark.parametrize("tau_synapse", [None, 0.004, 0.02, 0.02 * (1 + 1e-9), 0.3])
def test_steps_are_exact(tau_synapse):
    """Euler's steps, 2000 of them, differ by 1e-4 to 2.2e-4, all one way."""
    neuron = IntegrateAndFire(0.02, dt=0.013, tau_synapse=tau_synapse, threshold=10.0).fit([[0.7]])
    _, state = neuron.step([0.7], neuron.initial_state())
    expected = leaky(0.7, tau=0.02, dt=0.013, tau_synapse=tau_synapse)
    np.testing.assert_allclose(state.v[0], expected, rtol=4e-4)


def test_gain_of_a_synapse_has_no_gap():
    """Where both time constants are alike; relative jumps of 1e-6 are those of the time constants themselves."""
    gains = [synaptic_gain(0.005, 0.02, 0.02 * (1 + shift)) for shift in (-2e-6, -5e-7, 0, 5e-7, 2e-6)]
    np.testing.assert_allclose(gains, gains[2], rtol=2e-6)
    np.testing.assert_allclose(synaptic_gain(0.005, None, 0.02), 0.02 * (1 - math.exp(-0.25)))


@pytest.mark.nojit
@pytest.mark.parametrize("dt", [1e-5, 1e-4])
def test_published_list_of_spikes(dt):
    """The example of the neuromorphic intermediate representation: 16 spikes, the first at 52.708 ms."""
    time = dt * np.arange(round(0.1 / dt))
    X = np.select([time < 0.01 - dt / 2, time < 0.02 - dt / 2, time < 0.05 - dt / 2], [0.5, 0.1, 0.3], 1.05)[:, None]
    spikes = dt * (1 + np.flatnonzero(IntegrateAndFire(0.001, dt=dt, reset=0.0).fit_transform(X)))
    assert len(spikes) == 16
    assert 0 <= spikes[0] - 0.052708 < dt + 1e-6
    if dt == 1e-5:
        np.testing.assert_allclose(spikes[[1, 2, 3, -1]], [0.055753, 0.058797, 0.061842, 0.098376], atol=2e-4)


@pytest.mark.parametrize("n_steps", [4, 16, 64])
def test_rates_without_a_leak_are_rectified_currents(n_steps, rng):
    """Within 1 / (2 T) from half the threshold, and down to -1 / T from rest; negative currents are silent."""
    current = np.r_[rng.random(500), 0.0, 1.0, -rng.random(20)]
    X = np.repeat(current[None], n_steps, axis=0)
    neurons = IntegrateAndFire(None, dt=1.0, initial="half").fit(X)
    rates = neurons.transform(X).mean(axis=0)
    error = rates - np.maximum(current, 0)
    assert np.abs(error).max() <= 0.5 / n_steps + 1e-12
    assert np.abs(error).max() > 0.45 / n_steps
    below = IntegrateAndFire(None, dt=1.0).fit_transform(X).mean(axis=0)[:502] - current[:502]
    assert -1 / n_steps - 1e-12 < below.min() < -0.9 / n_steps
    assert below.max() < 1e-12


def test_rates_with_a_leak():
    """1 / (refractory + tau ln((v_inf - reset) / (v_inf - threshold))), within a step of dt for each interval."""
    for current in (1.2, 2.0, 5.0):
        X = np.full((100_000, 1), current)
        neuron = IntegrateAndFire(0.02, dt=1e-5, reset=0.0, refractory=0.003).fit(X)
        rate = neuron.transform(X).sum()  # in one second
        expected = 1 / (0.003 + 0.02 * math.log(current / (current - 1)))
        assert abs(rate - expected) < 1 + 1e-5 * expected**2


def test_adaptation_slows_neurons_down():
    X = np.full((2000, 1), 3.0)
    plain = IntegrateAndFire().fit_transform(X)
    slowed = IntegrateAndFire(adaptation=20.0).fit_transform(X)
    assert plain[:1000].sum() == pytest.approx(plain[1000:].sum(), abs=1)
    assert slowed[:100].sum() > 1.3 * slowed[1000:1100].sum()
    assert slowed.sum() < 0.7 * plain.sum()


def test_a_spike_in_each_step_at_most():
    X = np.array([[5.5], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0]])
    neuron = IntegrateAndFire(None, dt=1.0).fit(X)
    np.testing.assert_array_equal(neuron.transform(X).ravel(), [1, 1, 1, 1, 1, 0, 0])  # what is beyond is kept
    reset = IntegrateAndFire(None, dt=1.0, reset=0.0).fit(X)
    np.testing.assert_array_equal(reset.transform(X).ravel(), [1, 0, 0, 0, 0, 0, 0])


@pytest.mark.parametrize(
    "params",
    [{"threshold": 0.0}, {"threshold": np.inf}, {"threshold": np.nan}, {"rest": 1.0}, {"reset": 1.5}],
)
def test_thresholds_lie_above_rest_and_reset(params):
    with pytest.raises(ValueError, match="`threshold` must be finite and above `rest` and `reset`"):
        IntegrateAndFire(**params).fit([[1.0]])


@pytest.mark.parametrize("params", [{"tau": 0}, {"dt": -1}, {"refractory": -1}, {"tau_synapse": 0}, {"adaptation": -1}])
def test_parameters_out_of_range(params):
    with pytest.raises(ValueError, match=next(iter(params))):
        IntegrateAndFire(**params).fit([[1.0]])


def test_rest_is_where_potentials_are_counted_from():
    """In millivolts from -65, as from 0: a spike lowers the potential by the way from rest to the threshold."""
    X = np.full((400, 1), 20.0)
    X[200:] = 0
    shifted = IntegrateAndFire(0.02, rest=-65.0, threshold=-50.0).fit_transform(X)
    np.testing.assert_array_equal(shifted, IntegrateAndFire(0.02, threshold=15.0).fit_transform(X))
    assert 0 < shifted[:200].sum() < 20
    assert not shifted[220:].any()


def test_neurons_that_fire_once():
    X = np.full((50, 2), 200.0)
    spikes = IntegrateAndFire(0.01, dt=0.001, refractory=1e300).fit_transform(X)
    np.testing.assert_array_equal(spikes.sum(axis=0), 1)
