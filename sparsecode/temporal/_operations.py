"""How many products a network takes on a stream, counted one by one."""

import math

import numpy as np
import xarray as xr

from .._core.products import kernel_array
from ._event_kernels import send
from ._linear import make_events


def count_operations(run, X, parts, thresholds):
    """Return the counts of `DeltaNetwork.count_operations` for checked rows and a `NetworkRun`."""
    fan_outs = [
        np.ascontiguousarray(layer.fan_out(shape)).reshape(-1)
        for layer, (shape, _) in zip(run.linear, run.shapes, strict=True)
    ]
    sums = {name: np.zeros(len(fan_outs)) for name in ("zero_skip", "delta", "refresh", "first", "sent")}
    squares, outputs = 0.0, run.dense(X)
    for rows, _ in parts:
        received = [np.zeros(len(fan_out), X.dtype) for fan_out in fan_outs]
        for block, out, found in run.blocks(X, [(rows, True)], thresholds):
            squares += np.square(out - outputs[block], dtype=np.float64).sum()
            begins = block.start == rows.start
            for number, ((A, limits, _), fan_out) in enumerate(zip(found, fan_outs, strict=True)):
                A = kernel_array(A.reshape(len(A), -1))
                sent = changes(A, limits, received[number])
                products = sent @ fan_out
                sums["zero_skip"][number] += ((A != 0) @ fan_out).sum()
                sums["first"][number] += products[0] if begins else 0
                sums["delta"][number] += products[1:].sum() if begins else products.sum()
                sums["sent"][number] += sent[1:].sum() if begins else sent.sum()
        every = run.every
        age = np.arange(1, rows.stop - rows.start)
        sums["refresh"] += 0 if every is None else np.count_nonzero(age % every == 0)
    dense = np.array([fan_out.sum(dtype=np.float64) for fan_out in fan_outs])
    n_inputs = np.array([len(fan_out) for fan_out in fan_outs])
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
    names = [repr(layer) for layer in run.linear]
    variance = np.square(outputs - outputs.mean(axis=0, dtype=np.float64)).sum()
    later = counts["delta"].sum() + counts["refresh"].sum()
    return xr.Dataset(
        {name: ("layer", values) for name, values in counts.items()},
        coords={"layer": np.arange(len(run.linear)), "kind": ("layer", names)},
        attrs={
            "saving": float(dense.sum() / later) if later else (math.inf if len(X) > len(parts) else math.nan),
            "error": float(squares / variance) if variance else math.nan,
            "units": "products of a weight and an input, mean of a row",
        },
    )


def changes(A, limits, received):
    """Return which inputs of each row are sent, and bring what was received up to date."""
    events, sent = make_events(A.shape[1], A.dtype), np.zeros(A.shape, dtype=bool)
    for t, row in enumerate(A):
        n = send(row, limits[t], received, events, np.int64(len(row)))
        sent[t, events.places[:n]] = True
    return sent
