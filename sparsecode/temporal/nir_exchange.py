"""Spiking networks in the neuromorphic intermediate representation (NIR), by which programs exchange them."""

import math
import warnings
from itertools import pairwise

import numpy as np

from .._core.validation import Interval, Real, callers_level
from .integrate_and_fire import IntegrateAndFire
from .layers import ACTIVATIONS, Activation, Dense
from .spiking_mlp_classifier import SpikingMLPClassifier
from .spiking_network import SpikingNetwork


def to_nir(estimator, *, dt=1e-3):
    """Return the graph of a fitted spiking network, or of neurons, for other programs.

    Parameters
    ----------
    estimator : SpikingNetwork, SpikingMLPClassifier or IntegrateAndFire
        Networks of `Dense` layers; neurons without synapses, adaptation and refractory period.
    dt : float, default=0.001
        Seconds of a step of a network; neurons have their own.

    Returns
    -------
    nir.NIRGraph
        Nodes "input", Affine and IF or LIF in turn, and "output", which is the input of the last layer in each step;
        ``nir.write(path, graph)`` makes a file. Spikes are ones, so that weights hold the thresholds of the layer
        before.

    Raises
    ------
    ImportError
        Without the package nir, of ``pip install "sparsecode[nir]"``.
    ValueError
        If something has no counterpart there.

    Notes
    -----
    NIR has no reset by subtraction: nodes have ``v_reset=0``, and metadata that say what is meant, which other programs
    need not read. Nor does it say where potentials begin, and what follows the last layer; both are metadata of the
    graph, which `from_nir` reads. For a `DeltaNetwork`, ``SpikingNetwork(network.layers).fit(X)`` can be exported.

    References
    ----------
    J. E. Pedersen et al., "Neuromorphic intermediate representation: a unified instruction set for interoperable
    brain-inspired computing", Nature Communications 15 (2024).

    Examples
    --------
    >>> from sparsecode.temporal import to_nir
    >>> to_nir(3)
    Traceback (most recent call last):
        ...
    ValueError: a SpikingNetwork, SpikingMLPClassifier or IntegrateAndFire can be exported, got 3.
    """
    if isinstance(estimator, IntegrateAndFire):
        return chain([neuron_node(estimator)], estimator.n_features_in_, estimator.n_features_in_, {})
    network = estimator.to_network() if isinstance(estimator, SpikingMLPClassifier) else estimator
    if not isinstance(network, SpikingNetwork):
        raise ValueError(
            f"a SpikingNetwork, SpikingMLPClassifier or IntegrateAndFire can be exported, got {estimator!r:.60}."
        )
    dt, nir, size = as_seconds(dt), package(), 1.0
    n_inputs, nodes = network.n_features_in_, []
    for number, stage in enumerate(network._stages):
        for layer in stage:
            if not isinstance(layer, Dense):
                raise ValueError(f"{layer!r:.60} cannot be exported: layers must be Dense.")
            nodes.append(
                nir.Affine(weight=(layer.weights.T * size).astype(layer.weights.dtype), bias=layer.bias.copy())
            )
            size = 1.0
        if number < len(network.threshold_):
            size = float(network.threshold_[number])
            nodes.append(layer_node(len(nodes[-1].bias), size, network.tau, dt))
    metadata = {
        "initial": network.initial,
        "activation": network._activation.name,
        "dt": dt,
        "n_steps": int(network.n_steps),
    }
    return chain(nodes, n_inputs, network.code_shape_[0], metadata)


def from_nir(graph, *, dt=None, **params):
    """Return the spiking network of a graph, or its neurons if there is nothing else.

    Parameters
    ----------
    graph : nir.NIRGraph
        A chain of Affine, Linear, IF and LIF nodes between its input and its output.
    dt : float or None, default=None
        Seconds of a step. None takes those of the graph, if it was made here, else 0.001.
    **params : dict
        `n_steps`, `classes` and the like, instead of those of the graph.

    Returns
    -------
    SpikingNetwork or IntegrateAndFire
        The network is fitted, to a row of zeros; neurons are not. Weights of the network are divided by thresholds of
        the neurons, which are then 1.

    Raises
    ------
    ValueError
        If the graph is no such chain, time constants differ, or potentials are not reset to 0.

    Warns
    -----
    UserWarning
        If neurons of a network do not say that spikes lower potentials by the threshold, as they do here.

    Examples
    --------
    >>> from sparsecode.temporal import from_nir
    >>> from_nir("network.nir")
    Traceback (most recent call last):
        ...
    ValueError: `graph` must be a nir.NIRGraph, as nir.read returns, got 'network.nir'.
    """
    if type(graph).__name__ != "NIRGraph":
        raise ValueError(f"`graph` must be a nir.NIRGraph, as nir.read returns, got {graph!r:.60}.")
    nodes = ordered(graph)
    kinds = [type(node).__name__ for node in nodes]
    strange = set(kinds) - {"Affine", "Linear", "IF", "LIF"}
    if strange or not nodes:
        raise ValueError(f"`graph` must be a chain of Affine, Linear, IF and LIF nodes, got {sorted(strange)}.")
    metadata = graph.metadata or {}
    told = (nodes[0].metadata or {}) if len(nodes) == 1 else metadata
    dt = as_seconds(float(told.get("dt", 1e-3)) if dt is None else dt)
    if kinds in (["IF"], ["LIF"]):
        return neurons_of(nodes[0], dt, params)
    layers, tau = layers_of(nodes, dt)
    activation = text(metadata.get("activation", "identity"))
    if activation in ACTIVATIONS:
        layers.append(Activation(activation))
    initial = "half" if text(metadata.get("initial", "rest")) == "half" else "rest"
    defaults = {"threshold": 1.0, "tau": tau, "initial": initial}
    if "n_steps" in metadata:
        defaults["n_steps"] = int(metadata["n_steps"])
    return SpikingNetwork(layers, **defaults | params).fit(np.zeros((1, layers[0].weights.shape[0])))


def layer_node(n_neurons, threshold, tau, dt):
    """Return the node of a layer of neurons of a network."""
    nir, ones = package(), np.ones(n_neurons)
    common = {"v_threshold": threshold * ones, "v_reset": 0 * ones, "metadata": {"reset": "subtract"}}
    if tau is None:
        return nir.IF(r=ones / dt, **common)
    return nir.LIF(tau=tau * dt * ones, r=-ones / math.expm1(-1 / tau), v_leak=0 * ones, **common)


def neuron_node(neurons):
    """Return the node of a fitted `IntegrateAndFire`."""
    nir = package()
    for name, plain in (("tau_synapse", None), ("adaptation", 0), ("refractory", 0)):
        if getattr(neurons, name) != plain:
            raise ValueError(f"neurons with `{name}`={getattr(neurons, name)!r} cannot be exported, only with {plain}.")
    if neurons.tau is None and neurons.rest:
        raise ValueError(f"neurons without a leak have potentials from 0 there, not from `rest`={neurons.rest!r}.")
    ones = np.ones(neurons.n_features_in_)
    reset = "subtract" if neurons.reset is None else "value"
    metadata = {"reset": reset, "initial": neurons.initial, "dt": float(neurons.dt)}
    common = {
        "r": neurons.resistance * ones,
        "v_threshold": neurons.threshold * ones,
        "v_reset": (neurons.rest if neurons.reset is None else neurons.reset) * ones,
        "metadata": metadata,
    }
    return (
        nir.IF(**common)
        if neurons.tau is None
        else nir.LIF(tau=neurons.tau * ones, v_leak=neurons.rest * ones, **common)
    )


def neurons_of(node, dt, params):
    """Return the `IntegrateAndFire` of a node."""
    leaky, metadata = hasattr(node, "tau"), node.metadata or {}
    subtracts = text(metadata.get("reset", "value")) == "subtract"
    values = {
        "tau": alike(node.tau, "tau") if leaky else None,
        "dt": dt,
        "threshold": alike(node.v_threshold, "v_threshold"),
        "resistance": alike(node.r, "r"),
        "rest": alike(node.v_leak, "v_leak") if leaky else 0.0,
        "reset": None if subtracts else alike(node.v_reset, "v_reset"),
        "initial": "half" if text(metadata.get("initial", "rest")) == "half" else "rest",
    }
    return IntegrateAndFire(**values | params)


def layers_of(nodes, dt):
    """Return the layers of a network whose neurons have thresholds of 1, and their time constant in steps."""
    layers, pending, taus, subtract = [], [], [], True
    for node in nodes:
        if hasattr(node, "weight"):
            W = np.asarray(node.weight, float)
            pending.append((W.T, np.asarray(getattr(node, "bias", np.zeros(len(W))), float)))
            continue
        theta, r = np.ravel(node.v_threshold).astype(float), np.ravel(node.r).astype(float)
        if np.any(node.v_reset) or not (theta > 0).all():
            raise ValueError("neurons of a network must have v_reset=0 and thresholds > 0.")
        subtract = subtract and text((node.metadata or {}).get("reset", "")) == "subtract"
        leak = np.zeros_like(theta)
        if hasattr(node, "tau"):
            taus.append(alike(node.tau, "tau") / dt)
            gained = -math.expm1(-1 / taus[-1])
            gain, leak = r * gained, gained * np.ravel(node.v_leak)
        else:
            taus.append(None)
            gain = r * dt
        W, b = pending.pop() if pending else (np.eye(len(theta)), np.zeros(len(theta)))
        layers += [Dense(*before) for before in pending]
        layers += [Dense(W * gain / theta, (b * gain + leak) / theta), Activation("relu")]
        pending = []
    last = pending or [(np.eye(len(theta)), None)]
    different = [tau for tau in taus if (tau is None) != (taus[0] is None) or (tau and not math.isclose(tau, taus[0]))]
    if different:
        raise ValueError("all neurons of a network must have the same time constant, or none.")
    if not subtract:
        warnings.warn(
            "the graph does not say that spikes lower potentials by the threshold, as they do here: outputs can differ "
            "from those of the program that it comes from.",
            UserWarning,
            stacklevel=callers_level(),
        )
    return layers + [Dense(*part) for part in last], taus[0] if taus else None


def chain(nodes, n_inputs, n_outputs, metadata):
    """Return the graph of some nodes, one after the other."""
    nir, counts, named = package(), {}, {"input": None}
    for node in nodes:
        kind = type(node).__name__.lower()
        named[f"{kind}_{counts.setdefault(kind, 0)}"] = node
        counts[kind] += 1
    named["input"] = nir.Input(input_type={"input": np.array([n_inputs])})
    named["output"] = nir.Output(output_type={"output": np.array([n_outputs])})
    names = list(named)
    return nir.NIRGraph(nodes=named, edges=list(pairwise(names)), metadata=metadata)


def ordered(graph):
    """Return the nodes of a chain between its input and its output, in their order."""
    after, first = {}, [name for name, node in graph.nodes.items() if type(node).__name__ == "Input"]
    for start, end in graph.edges:
        after.setdefault(start, set()).add(end)
    names = list(first)
    while len(names) <= len(graph.nodes) and len(after.get(names[-1] if names else "", ())) == 1:
        names += after[names[-1]]
    kinds = [type(graph.nodes[name]).__name__ for name in names[: len(graph.nodes)]]
    if len(first) != 1 or len(set(names)) != len(graph.nodes) != len(names) - 1 or kinds[-1] != "Output":
        raise ValueError(
            f"`graph` must be a chain from one input to one output, got nodes {sorted(graph.nodes)!s:.100} and edges "
            f"{graph.edges!s:.100}."
        )
    return [graph.nodes[name] for name in names[1:-1]]


def alike(values, name):
    """Return a number that all neurons have."""
    values = np.unique(np.asarray(values, float))
    if len(values) != 1:
        raise ValueError(f"all neurons must have the same {name}, got {values.min()} to {values.max()}.")
    return float(values[0])


def text(value):
    """Return a string of metadata, which files hold as bytes."""
    return value.decode() if isinstance(value, bytes) else str(value)


def as_seconds(dt):
    """Return the length of a step."""
    if not Interval(Real, 0, None, closed="neither").is_satisfied_by(dt):
        raise ValueError(f"`dt` must be a number of seconds > 0, got {dt!r:.40}.")
    return float(dt)


def package():
    """Return the package nir."""
    try:
        import nir
    except ImportError as error:
        raise ImportError('the package nir is missing: pip install "sparsecode[nir]".') from error
    return nir
