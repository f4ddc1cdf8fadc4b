"""How many products a network takes on a stream, counted one by one."""

import math

import numpy as np
import xarray as xr

from .._core.products import kernel_array
from ._event_kernels import send
from ._linear import make_events


def count_operations(run, X, parts, thresholds):
    """Return the counts of `DeltaNetwork.ops_report` for checked rows and a `NetworkRun`."""
    fan_outs = [
        np.ascontiguousarray(layer.fan_out(shape)).reshape(-1)
        for layer, (shape, _) in zip(run.linear, run.shapes, strict=True)
    ]
    sums = {name: np.zeros(len(fan_outs)) for name in ("zero_skip", "delta", "refresh", "first", "sent")}

    def count(inputs):
        sums["zero_skip"] += [
            ((A != 0).reshape(len(A), -1) @ fan_out).sum() for A, fan_out in zip(inputs, fan_outs, strict=True)
        ]

    squares, outputs, runs, given = 0.0, run.dense(X, count), run.at_work(X.dtype), []
    for rows, _ in parts:
        received = [np.zeros(len(fan_out), X.dtype) for fan_out in fan_outs]
        for block, out, _ in run.blocks(X, [(rows, True)], thresholds, look=given.append):
            squares += np.square(out - outputs[block], dtype=np.float64).sum()
            later = slice(int(block.start == rows.start), None)
            for number, (inputs, fan_out) in enumerate(zip(given, fan_outs, strict=True)):
                sent, used = changes(inputs, received[number], runs[number])
                products = used @ fan_out
                sums["first"][number] += products[: later.start].sum()
                sums["delta"][number] += products[later][~inputs.anew[later]].sum()
                sums["refresh"][number] += products[later][inputs.anew[later]].sum()
                sums["sent"][number] += sent[later].sum()
            given.clear()
    dense = np.array([fan_out.sum(dtype=np.float64) for fan_out in fan_outs])
    n_inputs = np.array([len(fan_out) for fan_out in fan_outs])
    n_later = len(X) - len(parts) or math.nan
    counts = {
        "dense": dense,
        "zero_skip": sums["zero_skip"] / len(X),
        "delta": sums["delta"] / n_later,
        "refresh": sums["refresh"] / n_later,
        "first": sums["first"] / len(parts),
        "compares": n_inputs.astype(np.float64),
        "density": sums["sent"] / n_later / n_inputs,
    }
    names = [repr(layer) for layer in run.linear]
    variance = np.square(outputs - outputs.mean(axis=0, dtype=np.float64)).sum()
    later = counts["delta"].sum() + counts["refresh"].sum()
    return xr.Dataset(
        {name: ("layer", values) for name, values in counts.items()},
        coords={"layer": np.arange(len(run.linear)), "kind": ("layer", names)},
        attrs={
            "saving": float(dense.sum() / later) if later else math.inf,
            "error": float(squares / variance) if variance else math.nan,
            "units": "products of a weight and an input, mean of a row",
        },
    )


def changes(given, received, run):
    """Return how many inputs of each row are sent, and of which products are taken; bring what was received up to date.

    Parameters
    ----------
    given : Inputs
    received : ndarray of shape (n_inputs,)
    run : DenseRun or ConvRun
    """
    A = kernel_array(given.values.reshape(len(given.values), -1))
    events, sent, used = make_events(A.shape[1], A.dtype), np.zeros(len(A), np.int64), np.zeros(A.shape, bool)
    rule = np.array([0, -np.inf, np.inf], A.dtype)
    for t, row in enumerate(A):
        sent[t] = send(row, rule, given.thresholds[t], run.all, received, events, np.int64(len(row)))
        if given.anew[t]:
            used[t] = run.anew(received)
        else:
            used[t, events.places[: sent[t]]] = True
    return sent, used
