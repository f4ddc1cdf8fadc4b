"""Exchange by NIR: round trips, a published list of spikes, potentials against a loop, and what has no counterpart."""

import math
from itertools import pairwise

import numpy as np
import pytest

from sparsecode.temporal import (
    Activation,
    Conv2D,
    DeltaNetwork,
    Dense,
    Flatten,
    IntegrateAndFire,
    SpikingMLPClassifier,
    SpikingNetwork,
    from_nir,
    to_nir,
)

nir = pytest.importorskip("nir")


def some_network(rng, **params):
    first, second = Dense(rng.normal(size=(5, 8)), rng.normal(size=8)), Dense(rng.normal(size=(8, 6)))
    layers = [first, Activation("relu"), second, Activation("relu"), Dense(rng.normal(size=(6, 3)), rng.normal(size=3))]
    return SpikingNetwork([*layers, Activation("softmax")], **params)


def through_a_file(graph, folder):
    nir.write(folder / "graph.nir", graph)
    return nir.read(folder / "graph.nir")


@pytest.mark.parametrize("params", [{}, {"tau": 5.0, "initial": "rest", "threshold": [1.0, 2.5]}])
def test_networks_and_back(params, rng, tmp_path):
    X = rng.normal(size=(30, 5))
    network = some_network(rng, n_steps=6, **params).fit(X)
    graph = through_a_file(to_nir(network, dt=1e-4), tmp_path)
    back = from_nir(graph, dt=1e-4, n_steps=6)
    assert back.threshold_.tolist() == [1, 1]
    assert back.initial == network.initial
    np.testing.assert_allclose(back.transform(X), network.transform(X), rtol=1e-9)
    np.testing.assert_allclose(from_nir(graph, dt=1e-4).dense(X), network.dense(X), rtol=1e-9)


def test_trained_networks(rng):
    X, y = rng.normal(size=(60, 4)), np.arange(60) % 3
    model = SpikingMLPClassifier(10, n_steps=5, random_state=0).partial_fit(X + 3 * y[:, None], y, classes=[0, 1, 2])
    back = from_nir(to_nir(model), n_steps=5, classes=model.classes_)
    np.testing.assert_allclose(back.predict_proba(X), model.predict_proba(X), rtol=1e-9)


@pytest.mark.parametrize("tau", [None, 0.003])
def test_nodes_mean_what_the_equations_say(tau, rng):
    """Each step of a graph that another program has written, by its equations, solved for a constant current."""
    dt, n_steps, n = 1e-3, 9, 4
    W1, W2, b = rng.normal(size=(n, 3)), rng.normal(size=(2, n)), rng.normal(size=n)
    r, theta, leak = rng.uniform(1, 2, n), rng.uniform(0.5, 1, n), rng.uniform(-0.1, 0.1, n)
    r, common = (r / dt if tau is None else r), {"v_threshold": theta, "metadata": {"reset": "subtract"}}
    neurons = nir.IF(r=r, **common) if tau is None else nir.LIF(tau=np.full(n, tau), r=r, v_leak=leak, **common)
    nodes = {"b": nir.Linear(W2), "a": nir.Affine(W1, b), "c": neurons}
    nodes |= {"in": nir.Input(np.array([3])), "out": nir.Output(np.array([2]))}
    network = from_nir(nir.NIRGraph(nodes, [("a", "c"), ("in", "a"), ("c", "b"), ("b", "out")]), dt=dt, n_steps=n_steps)
    X = 2 * rng.normal(size=(10, 3))
    for x, found in zip(X, network.transform(X), strict=True):
        v, total = np.zeros(n), np.zeros(2)
        for _ in range(n_steps):
            current = r * (W1 @ x + b)
            v = v + dt * current if tau is None else leak + current + (v - leak - current) * math.exp(-dt / tau)
            fires = v >= theta
            v = v - theta * fires
            total += W2 @ fires
        np.testing.assert_allclose(found, total / n_steps, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "params", [{"reset": 0.1, "rest": 0.05}, {"tau": None, "initial": "half"}, {"resistance": 3.0}]
)
def test_neurons_and_back(params, rng, tmp_path):
    X = rng.uniform(0, 3, (200, 4))
    neurons = IntegrateAndFire(**{"dt": 0.002} | params).fit(X)
    back = from_nir(through_a_file(to_nir(neurons), tmp_path), dt=0.002)
    assert back.get_params() == neurons.get_params()
    np.testing.assert_array_equal(back.fit(X).transform(X), neurons.transform(X))


def test_published_list_of_spikes():
    """The example of NIR's authors: 16 spikes, the first at 52.708 ms, for currents that change three times."""
    one = np.ones(1)
    node = nir.LIF(tau=0.001 * one, r=one, v_leak=0 * one, v_threshold=one)
    nodes = {"input": nir.Input(np.array([1])), "lif": node, "output": nir.Output(np.array([1]))}
    neuron = from_nir(nir.NIRGraph(nodes, [("input", "lif"), ("lif", "output")]), dt=1e-5)
    time = 1e-5 * np.arange(10_000)
    X = np.select([time < 0.01 - 5e-6, time < 0.02 - 5e-6, time < 0.05 - 5e-6], [0.5, 0.1, 0.3], 1.05)[:, None]
    spikes = 1e-5 * (1 + np.flatnonzero(neuron.fit_transform(X)))
    assert len(spikes) == 16
    np.testing.assert_allclose(spikes[[0, 1, 2, 3, -1]], [0.052708, 0.055753, 0.058797, 0.061842, 0.098376], atol=2e-4)


def test_graphs_that_end_with_neurons(rng):
    """Outputs are then their rates."""
    nodes = {
        "input": nir.Input(np.array([3])),
        "if_0": nir.IF(r=np.full(3, 1e3), v_threshold=np.ones(3)),
        "output": nir.Output(np.array([3])),
        "affine": nir.Affine(np.eye(3), np.zeros(3)),
    }
    edges = [("input", "affine"), ("affine", "if_0"), ("if_0", "output")]
    with pytest.warns(UserWarning, match="does not say that spikes lower potentials by the threshold"):
        network = from_nir(nir.NIRGraph(nodes, edges), n_steps=10)
    np.testing.assert_allclose(network.transform([[0.25, 0.5, -1.0]]), [[0.2, 0.5, 0]])


def test_what_has_no_counterpart_is_said(rng):
    X = rng.normal(size=(9, 4))
    image = SpikingNetwork([Conv2D(rng.normal(size=(2, 2, 1, 1)), padding=0), Flatten()], input_shape=(2, 2)).fit(X)
    with pytest.raises(ValueError, match="cannot be exported: layers must be Dense"):
        to_nir(image)
    with pytest.raises(ValueError, match="can be exported, got DeltaNetwork"):
        to_nir(DeltaNetwork([Dense(np.eye(4))]).fit(X))
    with pytest.raises(ValueError, match="neurons with `adaptation`=2.0 cannot be exported"):
        to_nir(IntegrateAndFire(adaptation=2.0).fit(X))
    with pytest.raises(ValueError, match="not from `rest`=0.5"):
        to_nir(IntegrateAndFire(tau=None, rest=0.5).fit(X))
    with pytest.raises(ValueError, match="`dt` must be a number of seconds > 0"):
        to_nir(SpikingNetwork([Dense(np.eye(4))]).fit(X), dt=0)
    two, ends = np.ones(2), {"input": nir.Input(np.array([2])), "output": nir.Output(np.array([2]))}
    lif = nir.LIF(tau=two, r=two, v_leak=0 * two, v_threshold=two)
    for nodes, edges, message in (
        ({"a": nir.LI(tau=two, r=two, v_leak=two)}, ["a"], "chain of Affine, Linear, IF and LIF nodes, got .*LI"),
        ({}, [], "chain of Affine"),
        ({"a": lif, "b": lif}, ["a"], "must be a chain from one input to one output"),
        (
            {"a": nir.LIF(tau=np.array([1.0, 2.0]), r=two, v_leak=two, v_threshold=two)},
            ["a"],
            "the same tau, got 1.0 to",
        ),
        ({"a": lif, "b": nir.IF(r=two, v_threshold=two)}, ["a", "b"], "the same time constant, or none"),
        ({"a": lif, "b": nir.IF(r=two, v_threshold=two, v_reset=0.1 * two)}, ["a", "b"], "must have v_reset=0"),
    ):
        names = ["input", *edges, "output"]
        graph = nir.NIRGraph({**ends, **nodes}, list(pairwise(names)), type_check=False)
        with pytest.raises(ValueError, match=message):
            from_nir(graph)
    loop = nir.NIRGraph({**ends, "a": lif}, [("input", "a"), ("a", "output"), ("a", "a")])
    with pytest.raises(ValueError, match="must be a chain"):
        from_nir(loop)
