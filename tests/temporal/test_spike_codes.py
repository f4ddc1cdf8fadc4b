"""Numbers as spikes and back, and tables of events."""

import numpy as np
import pytest

from sparsecode.temporal import (
    IntegrateAndFire,
    from_events,
    latency_spikes,
    phase_spikes,
    population_code,
    rate_spikes,
    to_events,
)


@pytest.mark.parametrize("n_steps", [1, 7, 100])
def test_rates(n_steps, rng):
    X = np.r_[0, 1, rng.random(50)]
    regular = rate_spikes(X, n_steps)
    assert regular.dtype == bool
    assert regular.shape == (n_steps, 52)
    counts = np.cumsum(regular, axis=0) - np.arange(1, n_steps + 1)[:, None] * X
    assert np.abs(counts).max() <= 0.5
    neurons = IntegrateAndFire(None, dt=1.0, initial="half").fit_transform(np.repeat(X[None], n_steps, axis=0))
    np.testing.assert_array_equal(regular[:, 2:], neurons[:, 2:].astype(bool))
    assert rate_spikes(X.reshape(2, 26), n_steps).shape == (n_steps, 2, 26)


def test_random_rates():
    X = np.array([0.0, 0.1, 0.5, 1.0])
    spikes = rate_spikes(X, 10_000, kind="bernoulli", random_state=0)
    rates = spikes.mean(axis=0)
    assert rates[0] == 0
    assert rates[3] == 1
    np.testing.assert_allclose(rates[1:3], X[1:3], atol=5 * 0.5 / 100)  # five standard deviations
    again = rate_spikes(X, 10_000, kind="bernoulli", random_state=0)
    np.testing.assert_array_equal(again, spikes)


@pytest.mark.parametrize("kind", ["linear", "logarithmic"])
def test_moments(kind, rng):
    X = rng.random(100)
    spikes = latency_spikes(X, 20, kind=kind)
    assert (spikes.sum(axis=0) == 1).all()
    moments = spikes.argmax(axis=0)
    assert (np.diff(moments[np.argsort(X)]) <= 0).all()
    exact = 19 * (1 - X) if kind == "linear" else 19 - np.log(X * np.expm1(19.0) + 1)
    assert np.abs(moments - exact).max() <= 0.5 + 1e-9
    assert latency_spikes([1.0], 20, kind=kind)[0].all()
    assert not latency_spikes([0.0], 20, kind=kind).any()
    assert latency_spikes([5e-324, 1e-300], 5000, kind=kind).sum(axis=0).tolist() == [1, 1]
    assert latency_spikes([0.3], 1, kind=kind).all()


@pytest.mark.parametrize("n_phases", [1, 8, 52])
def test_phases(n_phases, rng):
    X = np.r_[0, 1, rng.random(50)]
    spikes = phase_spikes(X, 2 * n_phases, n_phases=n_phases)
    np.testing.assert_array_equal(spikes[:n_phases], spikes[n_phases:])
    values = 0.5 ** np.arange(1, n_phases + 1) @ spikes[:n_phases]
    expected = np.minimum(X, 1 - 0.5**n_phases)
    assert np.abs(values - expected).max() <= 0.5 ** (n_phases + 1)


def test_population(rng):
    X = rng.uniform(-2, 3, (4, 5))
    responses = population_code(X, 6, low=-2, high=3)
    for (i, j), x in np.ndenumerate(X):
        np.testing.assert_allclose(responses[i, j], [np.exp(-((x - c) ** 2) / 2) for c in range(-2, 4)])
    assert rate_spikes(responses, 3).shape == (3, 4, 5, 6)
    assert population_code([1e300], 2).tolist() == [[0, 0]]


@pytest.mark.parametrize("dtype", [bool, np.int16, np.float32, np.float64])
def test_events_and_back(dtype, rng):
    A = np.zeros((1000, 3, 700), dtype)
    places = rng.random(A.shape) < 1e-4
    A[places] = rng.integers(1, 9, places.sum())
    A[300:900] = 0  # gaps of more than 256 steps, and places beyond 256
    events = to_events(A)
    assert (np.diff(events["t"]) >= 0).all()
    assert np.diff(events["t"]).max() > 600
    assert events["index"].max() > 256
    back = from_events(rng.permutation(events), A.shape)
    assert back.dtype == A.dtype
    np.testing.assert_array_equal(back, A)


def test_no_events_and_many_at_a_place():
    for shape in ((0, 4), (4, 0), (3, 4), (3,)):
        empty = to_events(np.zeros(shape))
        assert empty.shape == (0,)
        np.testing.assert_array_equal(from_events(empty, shape), np.zeros(shape))
    twice = np.concatenate([to_events([[0.0, 2.0]])] * 2)
    assert from_events(twice, (1, 2)).tolist() == [[0, 4]]
    assert to_events([5]).tolist() == [(0, 0, 5)]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rate_spikes([0.5, 1.5], 3), "X must be within 0 and 1, got 0.5 to 1.5; scale it"),
        (lambda: rate_spikes([np.nan], 3), "X must be finite numbers"),
        (lambda: rate_spikes(["a"], 3), "X must be finite numbers, got <U1"),
        (lambda: rate_spikes([0.5], 0), "`n_steps` must be an int >= 1, got 0"),
        (lambda: rate_spikes([0.5], 3, kind="poisson"), "`kind` must be 'regular' or 'bernoulli'"),
        (lambda: latency_spikes([0.5], 3, kind="rank"), "`kind` must be 'linear' or 'logarithmic'"),
        (lambda: phase_spikes([0.5], 3, n_phases=53), "`n_phases` must be at most 52"),
        (lambda: population_code([0.5], 1), "there must be 2 units at least"),
        (lambda: population_code([0.5], 4, low=1, high=1), "`low` < `high`"),
        (lambda: to_events(3), "A must be numbers of shape"),
        (lambda: from_events(np.zeros(3), (3,)), "`events` must be a table with t and index"),
        (lambda: from_events(np.zeros(1, [("t", float), ("index", int), ("value", int)]), (1, 1)), "both of int"),
        (lambda: from_events(to_events([[1]]), (1, -1)), "`shape` must be ints"),
        (lambda: from_events(to_events([[0], [1]]), (1, 1)), "`events` have t 1, but in `shape` .* it is below 1"),
        (lambda: from_events(to_events([[0, 1]]), (1, 1)), "`events` have index 1"),
    ],
)
def test_what_is_wrong_is_said(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_arguments_of_other_kinds_are_told():
    for low, high in (("0", 1.0), (0.0, None), (0.0, [1.0]), (0j, 1.0)):
        with pytest.raises(ValueError, match="numbers `low` < `high`"):
            population_code([0.5], 3, low=low, high=high)
    events = to_events(np.eye(3))
    for shape in (5, None, "33", {3}):
        with pytest.raises(ValueError, match="`shape` must be ints"):
            from_events(events, shape)
    words = np.array([(0, 1, "a")], [("t", int), ("index", int), ("value", "U1")])
    for table in (words, None, [(0, 1, 2.0)]):
        with pytest.raises(ValueError, match="`events` must be a table"):
            from_events(table, (3, 3))
