"""How many products a network takes on a stream, counted one by one."""

import math

import numpy as np
import xarray as xr

from ._delta_kernels import LEVEL, DeltaState, scan
from .delta_encoder import rule_for
from .layers import linear_layers


def count_operations(network, X, parts):
    """Return the counts of `DeltaNetwork.count_operations` for checked rows."""
    layers = [
        (layer, shape, np.ascontiguousarray(layer.fan_out(shape)).reshape(-1))
        for layer, (shape, _) in zip(linear_layers(network._layers), network._shapes[1], strict=True)
    ]
    sums = {name: np.zeros(len(layers)) for name in ("zero_skip", "delta", "refresh", "first", "sent")}
    squares, outputs = 0.0, network._dense(X)
    for rows, _ in parts:
        states = [start(len(fan_out), X.dtype) for _, _, fan_out in layers]
        for block, out, _, inputs in network._blocks(X, [(rows, True)]):
            squares += np.square(out - outputs[block], dtype=np.float64).sum()
            for number, (A, state, (_, _, fan_out)) in enumerate(zip(inputs, states, layers, strict=True)):
                A = np.ascontiguousarray(A.reshape(len(A), -1))
                sent = encode(A, network.threshold_[number], state) != 0
                products, begins = sent @ fan_out, block.start == rows.start
                sums["zero_skip"][number] += ((A != 0) @ fan_out).sum()
                sums["first"][number] += products[0] if begins else 0
                sums["delta"][number] += products[1:].sum() if begins else products.sum()
                sums["sent"][number] += sent[1:].sum() if begins else sent.sum()
        every = network.refresh_every
        age = np.arange(1, rows.stop - rows.start)
        sums["refresh"] += 0 if every is None else np.count_nonzero(age % every == 0)
    dense = np.array([fan_out.sum(dtype=np.float64) for _, _, fan_out in layers])
    n_inputs = np.array([len(fan_out) for _, _, fan_out in layers])
    n_later = max(len(X) - len(parts), 1)
    counts = {
        "dense": dense,
        "zero_skip": sums["zero_skip"] / len(X),
        "delta": sums["delta"] / n_later,
        "refresh": sums["refresh"] * dense / n_later,
        "first": sums["first"] / len(parts),
        "compares": n_inputs.astype(np.float64),
        "density": sums["sent"] / n_later / n_inputs,
    }
    names = [repr(layer) for layer, _, _ in layers]
    variance = np.square(outputs - outputs.mean(axis=0, dtype=np.float64)).sum()
    later = counts["delta"].sum() + counts["refresh"].sum()
    return xr.Dataset(
        {name: ("layer", values) for name, values in counts.items()},
        coords={"layer": np.arange(len(layers)), "kind": ("layer", names)},
        attrs={
            "saving": float(dense.sum() / later) if later else math.inf,
            "error": float(squares / variance) if variance else math.nan,
            "units": "products of a weight and an input, mean of a row",
        },
    )


def start(n_inputs, dtype):
    """Return the state of channels before any row."""
    zeros = np.zeros(n_inputs, dtype)
    return DeltaState(zeros, zeros.copy(), np.ones(n_inputs, dtype), np.zeros(1, np.int64))


def encode(A, threshold, state):
    """Return what is sent of rows of inputs."""
    deltas = np.empty_like(A)
    scan(A, rule_for(state, np.full(A.shape[1], threshold), LEVEL), state, deltas)
    return deltas
