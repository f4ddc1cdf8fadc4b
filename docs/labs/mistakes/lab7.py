"""Mistakes that the checks of lab 7 know: each has a fragment of the message that it must get."""

import numpy as np


def send(X, threshold, *, first=True, equal=False, whole_row=False, unit=False, factor=1.0):
    D, held = np.zeros_like(X), np.zeros(X.shape[1])
    for t, x in enumerate(X):
        e = x - held
        send = np.abs(e) >= factor * threshold if equal else np.abs(e) > factor * threshold
        if whole_row and send.any():
            send[:] = True
        if t == 0:
            send = np.full(len(e), first)
        D[t] = np.where(send, np.sign(e) * threshold if unit and t else e, 0)
        held = held + D[t]
    return D


def sender(**options):
    return lambda X, threshold: send(X, threshold, **options)


def adjacent(X, threshold):
    D = np.diff(X, axis=0, prepend=0)
    return np.where((np.abs(D) > threshold) | (np.arange(len(X)) == 0)[:, None], D, 0)


def values(X, threshold):
    return np.where(send(X, threshold) != 0, X, 0)


def last_change(D):
    H = D.copy()
    for t in range(1, len(D)):
        H[t] = np.where(D[t] != 0, D[t], H[t - 1])
    return H


def sparse(z, W, d, sign=1, old=1):
    j = np.flatnonzero(d)
    return old * z + sign * d[j] @ W[j]


def spikes(currents, tau, dt, threshold, reset, *, swapped=False, late=False, same=False, above=0.0, decay=True):
    v, train = 0.0, np.zeros(len(currents), bool)
    for t, current in enumerate(currents):
        new = current + (v - current) * np.exp(-dt / tau) if decay else v + dt / tau * (current - v)
        train[t] = (v if late else new) >= threshold + above
        v = new
        if train[t]:
            subtract = (reset == "subtract") != swapped and not same
            v = v - threshold if subtract else 0.0
    return train


def shifted(*arguments):
    return np.append(False, spikes(*arguments)[:-1])


def neuron(**options):
    return lambda *arguments: spikes(*arguments, **options)


MISTAKES = {
    "7.1": {
        "a list": (lambda X, t: send(X, t).tolist(), "should be a NumPy array"),
        "adjacent differences": (adjacent, "a slow drift is never sent"),
        "rest is lost": (sender(unit=True), "just the threshold"),
        "first row not sent": (sender(first=False), "the first row is to be sent whole"),
        "values": (values, "values are sent"),
        "whole rows": (sender(whole_row=True), "when one of them"),
        "at the threshold": (sender(equal=True), "just the threshold is not sent"),
        "too late": (lambda X, t: send(X, 1.3 * t), "the receiver is wrong by"),
        "too early": (lambda X, t: send(X, t if len(X) < 10 else 0.6 * t), "could have waited"),
    },
    "7.2": {
        "a list": (lambda D: np.cumsum(D, axis=0).tolist(), "should be a NumPy array"),
        "changes": (lambda D: D + 0, "changes themselves"),
        "last change": (last_change, "as if it were a value"),
        "channels": (lambda D: np.cumsum(D, axis=1), "channels are added up"),
        "flattened": (lambda D: np.cumsum(D), "should have the shape"),
        "without the first": (lambda D: np.cumsum(np.vstack([0 * D[:1], D[1:]]), axis=0), "the sum of all changes"),
    },
    "7.3": {
        "full product": (lambda z, W, d: z + d @ W, "work that was to be saved"),
        "sums forgotten": (lambda z, W, d: sparse(z, W, d, old=0), "the old sums are gone"),
        "sign": (lambda z, W, d: sparse(z, W, d, sign=-1), "subtracted"),
        "columns": (lambda z, W, d: z + (d[:5] @ W[:5]), "differ from those"),
        "in place": (lambda z, W, d: np.add(z, 1, out=z), "changes the array"),
    },
    "7.4": {
        "first row left out": (lambda D, n: (np.count_nonzero(D[1:]) * n, D.size * n), "the first row is left out"),
        "rows": (lambda D, n: (D.any(axis=1).sum() * D.shape[1] * n, D.size * n), "count whole"),
        "outputs forgotten": (lambda D, n: (np.count_nonzero(D), D.size), "as there are outputs"),
        "sizes": (lambda D, n: (np.abs(D).sum() * n, D.size * n), "changes for"),
        "share": (lambda D, n: np.count_nonzero(D) / D.size, "return two numbers"),
    },
    "7.5": {
        "Euler": (lambda v, i, tau, dt: v + dt / tau * (i - v), "Euler"),
        "sign of the exponent": (lambda v, i, tau, dt: i + (v - i) * np.exp(min(dt / tau, 50)), "explode"),
        "current not held": (
            lambda v, i, tau, dt: v * np.exp(-dt / tau) + i * dt / tau * np.exp(-dt / tau),
            "holds it",
        ),
        "time constant halved": (lambda v, i, tau, dt: i + (v - i) * np.exp(-2 * dt / tau), "of the distance is left"),
        "harmonic": (lambda v, i, tau, dt: i + (v - i) / (1 + (dt / tau) ** 4), "two half steps"),
    },
    "7.6": {
        "a list": (lambda *arguments: spikes(*arguments).tolist(), "should be a NumPy array"),
        "swapped": (neuron(swapped=True), "swapped"),
        "same": (neuron(same=True), "same spikes"),
        "late": (shifted, "one step late"),
        "threshold of one": (
            lambda i, tau, dt, threshold, reset: spikes(i, tau, dt, 1.0, reset),
            "the threshold is given",
        ),
        "never": (neuron(above=10.0), "not a single spike"),
        "Euler": (neuron(decay=False), "the spikes differ"),
    },
}
