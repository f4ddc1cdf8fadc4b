"""Networks of neurons that fire, layer by layer: each gets all steps of the layer before."""

import math

import numpy as np
import xarray as xr

from .._core.products import kernel_array
from ._networks import IDENTITY, last_activation, through, weighted_inputs
from ._neuron_kernels import NeuronRule, integrate
from .layers import Activation, Conv2D, Dense, Flatten, Pool2D


def split_stages(layers):
    """Return what is linear before each layer of neurons and before the outputs, and the activation of these.

    Raises
    ------
    ValueError
        If something is neither linear nor rectified.
    """
    activation = last_activation(layers)
    inner = layers[:-1] if isinstance(layers[-1], Activation) else layers
    stages = [[]]
    for layer in inner:
        if layer == Activation("relu"):
            stages.append([])
        elif isinstance(layer, Dense | Conv2D | Flatten) or layer in (
            Pool2D(getattr(layer, "size", 1), "mean"),
            IDENTITY,
        ):
            stages[-1].append(layer)
        else:
            raise ValueError(
                f"{layer!r:.60} has no counterpart in spikes: units must be rectified, Activation('relu'), and what is "
                "between them linear, Dense, Conv2D, Flatten or a mean Pool2D; train the network with these."
            )
    if not all(any(isinstance(layer, Dense | Conv2D) for layer in stage) for stage in stages):
        raise ValueError(f"there must be a Dense or Conv2D layer before each activation, got {layers!r:.100}.")
    return stages, activation


def neuron_rule(threshold, kept, dtype):
    """Return the rule of neurons that lose the threshold with a spike, and keep a share of their potential."""
    number = dtype.type
    zero, one = number(0), number(1)
    return NeuronRule(
        kept=number(kept),
        gained=one,
        rest=zero,
        threshold=number(threshold),
        reset=zero,
        subtracts=True,
        synaptic=False,
        current_kept=zero,
        current_gained=zero,
        raise_by=zero,
        adaptation_kept=zero,
        silent=0,
    )


def fire(currents, rule, v):
    """Return the spikes of neurons for currents (n_steps, ...), each of the size of a threshold.

    Parameters
    ----------
    currents : ndarray of shape (n_steps, ...)
    rule : NeuronRule
    v : float
        Potential at the beginning.
    """
    rows = kernel_array(currents.reshape(len(currents), -1))
    n, spikes = rows.shape[1], np.empty_like(rows)
    nothing = np.zeros(n, rows.dtype)
    integrate(rows, rule, np.full(n, v, rows.dtype), nothing, nothing.copy(), np.zeros(n, np.int64), spikes)
    spikes *= rule.threshold
    return spikes.reshape(currents.shape)


def spike_trains(stages, A, n_steps, neurons):
    """Yield the spikes of each layer of neurons, arrays (n_steps, n_rows, ...), in units of its threshold.

    Parameters
    ----------
    stages : list of lists of layers
    A : ndarray of shape (n_rows, ...)
        Constant inputs of the first layer.
    n_steps : int
    neurons : list of (NeuronRule, float)
        Rules and first potentials.
    """
    for number, (stage, (rule, v)) in enumerate(zip(stages[:-1], neurons, strict=True)):
        if number == 0:
            current = through(stage, A)
            currents = np.broadcast_to(current, (n_steps, *current.shape))
        else:
            flat = through(stage, A.reshape(-1, *A.shape[2:]))
            currents = flat.reshape(n_steps, -1, *flat.shape[1:])
        check_finite(currents)
        A = fire(currents, rule, v)
        yield A


def count_products(stages, blocks, neurons):
    """Return the counts of `SpikingNetwork.ops_report` for blocks of rows.

    Parameters
    ----------
    stages : list of lists of layers
    blocks : iterable of ndarray of shape (n_rows, ...)
    neurons : tuple
        The last two arguments of `spike_trains`.
    """
    kinds = [layer for stage in stages for layer in stage if isinstance(layer, Dense | Conv2D)]
    counts = {name: np.zeros(len(kinds)) for name in ("dense", "zero_skip", "events", "spikes")}
    n_rows = 0
    for A in blocks:
        n_rows += len(A)
        trains = [A, *(train.reshape(-1, *train.shape[2:]) for train in spike_trains(stages, A, *neurons))]
        number = 0
        for stage, train in zip(stages, trains, strict=True):
            own, out = weighted_inputs(stage, A)
            for (layer, a), (_, events) in zip(own, weighted_inputs(stage, train)[0], strict=True):
                fan_out = layer.fan_out(a.shape[1:])
                counts["dense"][number] += len(a) * fan_out.sum(dtype=np.float64)
                counts["zero_skip"][number] += ((a != 0) * fan_out).sum()
                counts["events"][number] += ((events != 0) * fan_out).sum()
                counts["spikes"][number] += 0 if train is trains[0] else np.count_nonzero(train)
                number += 1
            A = np.maximum(out, 0)
    total = counts["events"].sum()
    return xr.Dataset(
        {name: ("layer", values / n_rows) for name, values in counts.items()},
        coords={"layer": np.arange(len(kinds)), "kind": ("layer", [repr(layer) for layer in kinds])},
        attrs={
            "saving": float(counts["dense"].sum() / total) if total else math.inf,
            "units": "products or sums of a weight, mean of a row",
        },
    )


def check_finite(numbers):
    """Raise if currents, outputs or thresholds have overflown."""
    if not np.isfinite(numbers).all():
        raise ValueError("currents, outputs or thresholds of the network are not finite: scale X, or its weights.")
