r"""Layers of units with active dendrites: what they give, and its derivatives.

A unit has weights w, an intercept b and segments u_1 .. u_S that see a context c. With the segment j of largest
``|u_j . c|``,

    v = (w . x + b) g,    g = 1 / (1 + exp(-u_j . c)),

and of the units of a layer the winners give v, the others 0. The last layer is linear, without segments.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from .._core.products import product
from ..sdr._ranking import largest

#: Contexts whose segments are evaluated at a time, so that memory stays small.
CONTEXTS = 256


class Layer(NamedTuple):
    """Parameters of a hidden layer."""

    weights: np.ndarray  # (n_units, n_inputs)
    intercepts: np.ndarray  # (n_units,)
    segments: np.ndarray  # (n_units, n_segments, n_context_features)
    mask: np.ndarray  # of weights, True where there is a connection
    n_winners: int  # n_units: all that are positive

    def gates(self, contexts, products):
        """Return the gates of the units in some contexts, and the segments that set them."""
        n_units, n_segments, width = self.segments.shape
        gates, chosen = np.empty((len(contexts), n_units), contexts.dtype), np.zeros((len(contexts), n_units), np.intp)
        rows = self.segments.reshape(-1, width)
        for start in range(0, len(contexts), CONTEXTS):
            part = slice(start, start + CONTEXTS)
            answers = products(contexts[part], rows).reshape(-1, n_units, n_segments)
            chosen[part] = np.abs(answers).argmax(axis=2)
            gates[part] = expit(np.take_along_axis(answers, chosen[part, :, None], axis=2)[:, :, 0])
        return gates, chosen


class Network(NamedTuple):
    """Hidden layers and what reads the last of them."""

    layers: list
    weights: np.ndarray  # (n_classes, n_inputs)
    intercepts: np.ndarray  # (n_classes,)

    def arrays(self):
        """Return all parameters that learn, as one list."""
        hidden = [array for layer in self.layers for array in (layer.weights, layer.intercepts, layer.segments)]
        return [*hidden, self.weights, self.intercepts]

    def copy(self):
        """Return a network whose parameters may change."""
        layers = [
            layer._replace(
                weights=layer.weights.copy(), intercepts=layer.intercepts.copy(), segments=layer.segments.copy()
            )
            for layer in self.layers
        ]
        return Network(layers, self.weights.copy(), self.intercepts.copy())


class Trace(NamedTuple):
    """What a hidden layer has done with a batch."""

    inputs: np.ndarray  # (n_rows, n_inputs)
    drive: np.ndarray  # w . x + b
    gates: np.ndarray  # (n_contexts, n_units)
    chosen: np.ndarray  # (n_contexts, n_units), segments
    active: np.ndarray  # (n_rows, n_units), bool


def initial_network(sizes, n_segments, width, weight_density, activation_density, *, rng, dtype):
    """Return a network with random weights.

    They are uniform and such that the drive of a unit has the same variance in all layers if inputs have a mean square
    of 1; answers of segments have a variance of 1 for contexts whose entries have.

    Parameters
    ----------
    sizes : list of int
        Inputs, units of the hidden layers, and classes.
    n_segments, width : int
        Segments of a unit, and entries of a context.
    weight_density, activation_density : float
    rng : numpy.random.Generator
    dtype : numpy dtype
    """
    layers, share = [], 1.0
    for n_inputs, n_units in pairwise(sizes[:-1]):
        n_weights = max(1, round(weight_density * n_inputs))
        mask = largest(rng.random((n_units, n_inputs)), n_weights, -1)
        bound = 1 / np.sqrt(share * n_weights)
        weights = rng.uniform(-bound, bound, mask.shape) * mask
        side = np.sqrt(3 / max(width, 1))
        segments = rng.uniform(-side, side, (n_units, n_segments, width))
        n_winners = winners(n_units, activation_density)
        layers.append(Layer(weights.astype(dtype), np.zeros(n_units, dtype), segments.astype(dtype), mask, n_winners))
        share = n_winners / n_units
    bound = 1 / np.sqrt(share * sizes[-2])
    weights = rng.uniform(-bound, bound, (sizes[-1], sizes[-2]))
    return Network(layers, weights.astype(dtype), np.zeros(sizes[-1], dtype))


def winners(n_units, density):
    """Return how many units of a layer win: all of them, by which nobody competes, only for a share of 1."""
    if density == 1:
        return n_units
    if n_units == 1:
        raise ValueError(
            f"`activation_density`={density} lets units of a layer compete, but one of `hidden_layer_sizes` is 1; give "
            "it more units, or set `activation_density` to 1."
        )
    return min(max(1, round(density * n_units)), n_units - 1)


def forward(network, X, contexts, which, products=product):
    """Return the scores of the classes, the output of the last hidden layer, and a `Trace` of each layer.

    Parameters
    ----------
    network : Network
    X : ndarray of shape (n_rows, n_features)
    contexts : ndarray of shape (n_contexts, n_context_features)
    which : ndarray of int, shape (n_rows,)
        The context of each row.
    products : callable, default=product
        Computes ``X D^T``.
    """
    traces = []
    for layer in network.layers:
        drive = products(X, layer.weights)
        drive += layer.intercepts
        gates = chosen = None
        values = drive
        if layer.segments.shape[1]:
            gates, chosen = layer.gates(contexts, products)
            values = drive * gates[which]
        n_units = len(layer.intercepts)
        active = largest(values, layer.n_winners, -np.inf) if layer.n_winners < n_units else values > 0
        traces.append(Trace(X, drive, gates, chosen, active))
        X = np.where(active, values, 0)
        broken = ~np.isfinite(values).all(axis=1)
        if broken.any():
            X[broken] = np.nan  # which never wins, and would be lost
    scores = products(X, network.weights)
    scores += network.intercepts
    return scores, X, traces


def backward(network, traces, outputs, by_score, contexts, which):
    """Return the derivatives of a loss by ``network.arrays()``, for its derivatives by the scores of a batch.

    Winners and chosen segments are taken as they are, which is right but where they change.
    """
    gradients = [by_score.sum(axis=0), product(by_score.T, outputs.T)]
    by_output = product(by_score, network.weights.T)
    member = None if len(contexts) == 1 else (np.arange(len(contexts))[:, None] == which).astype(by_score.dtype)
    for k in reversed(range(len(traces))):
        layer, trace = network.layers[k], traces[k]
        by_value = np.where(trace.active, by_output, 0)
        by_segment, by_drive = np.zeros_like(layer.segments), by_value
        if trace.gates is not None:
            by_drive = by_value * trace.gates[which]
            by_gate = by_value * trace.drive
            by_gate = by_gate.sum(axis=0, keepdims=True) if member is None else product(member, by_gate.T)
            by_gate *= trace.gates * (1 - trace.gates)
            spread = np.zeros((len(contexts), *layer.segments.shape[:2]), by_score.dtype)
            np.put_along_axis(spread, trace.chosen[:, :, None], by_gate[:, :, None], axis=2)
            spread = spread.reshape(len(contexts), -1)
            # One context is common, and three times as fast this way
            by_segment = spread.T * contexts if len(contexts) == 1 else product(spread.T, contexts.T)
            by_segment = by_segment.reshape(layer.segments.shape)
        by_weight = product(by_drive.T, trace.inputs.T)
        by_weight *= layer.mask
        gradients += [by_segment, by_drive.sum(axis=0), by_weight]
        if k:
            by_output = product(by_drive, layer.weights.T)
    return gradients[::-1]
