"""Delta encoding of one channel, a row at a time."""

import numpy as np


def delta_encode(x, threshold, scheme, *, grid=None, max_events=None, whole=True, rate=None, adaptation=0.02):
    """Return what a channel sends for each of its inputs, and what its receiver then has."""
    number = x.dtype.type
    received, memory, gain = number(0), number(0), number(1)
    up = number(1 if rate is None else np.exp(adaptation * (1 - rate)))
    down = number(1 if rate is None else np.exp(-adaptation * rate))
    sent, has = [], []
    for t, value in enumerate(x):
        limit = number(threshold) * gain
        error = value - received
        memory += error
        if scheme == "quantizer":
            d = 2 * limit * np.rint(value / (2 * limit)) - received
            d = d if abs(d) > limit or (whole and t == 0) else number(0)
        elif scheme == "unary":
            n = np.trunc(error / limit)
            if max_events and not (whole and t == 0):
                n = np.clip(n, -max_events, max_events)
            d = limit * number(n)
        elif whole and t == 0:
            d = error
        elif scheme == "difference":
            change = value - (x[t - 1] if t else 0)
            d = change if abs(change) > limit else number(0)
        else:
            sends = abs(error) > limit or (scheme == "integral" and abs(memory) > limit)
            d = error if sends else number(0)
        if grid:
            d = number(grid) * np.rint(d / number(grid))
        received += d
        if d != 0:
            memory = number(0)
        gain = min(max(gain * (up if d != 0 else down), number(1 / 64)), number(64)) if rate else gain
        sent.append(d)
        has.append(received)
    return np.array(sent, x.dtype), np.array(has, x.dtype)
