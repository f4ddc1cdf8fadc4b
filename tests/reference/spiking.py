"""Spiking neurons by steps of time, one neuron after the other."""

import math

import numpy as np


def lca_rates(b, G, alpha, dt, n_steps, n_silent):
    """Rates of integrate-and-fire neurons that solve the non-negative LASSO, in units of the largest drive."""
    unit = max((b - alpha).max(), 0) or 1.0
    drive = (b - alpha) / unit
    v, current, counts = np.zeros(len(b)), np.zeros(len(b)), np.zeros(len(b))
    for step in range(n_steps):
        v += dt * drive - (1 - math.exp(-dt)) * current
        current *= math.exp(-dt)
        spikes = np.floor(np.maximum(v, 0))
        v -= spikes
        current += (G - np.diag(np.diag(G))) @ spikes
        if step >= n_silent:
            counts += spikes
    return unit * counts / ((n_steps - n_silent) * dt)


def leaky(x, *, tau, dt, tau_synapse=None, n_parts=2000):
    """Potential after a step, from rest, of ``tau v' = i - v`` by small Euler steps; x is a current, or a spike."""
    v, current, h = 0.0, x, dt / n_parts
    for _ in range(n_parts):
        v += h / tau * (current - v)
        if tau_synapse:
            current -= h / tau_synapse * current
    return v


def spiking_outputs(x, weights, bias, thresholds, *, n_steps, kept, begin):
    """Mean input of the last layer of a network of neurons, step by step for one row; and all spikes."""
    potentials = [np.full(W.shape[1], begin * threshold) for W, threshold in zip(weights, thresholds, strict=False)]
    spikes = [np.zeros((n_steps, W.shape[1])) for W in weights[:-1]]
    total = np.zeros(weights[-1].shape[1])
    for t in range(n_steps):
        a = np.asarray(x, float)
        for number, threshold in enumerate(thresholds):
            z = [
                bias[number][j] + sum(a[i] * weights[number][i, j] for i in range(len(a)))
                for j in range(len(bias[number]))
            ]
            sent = np.zeros(len(z))
            for j, current in enumerate(z):
                potentials[number][j] = kept * potentials[number][j] + current
                if potentials[number][j] >= threshold:
                    potentials[number][j] -= threshold
                    sent[j] = threshold
                    spikes[number][t, j] = 1
            a = sent
        total += a @ weights[-1] + bias[-1]
    return total / n_steps, spikes


def smooth_loss(arrays, X, y, *, n_steps, kept, rate_penalty, smooth, subtracted=None):
    """Summed cross-entropy and price of spikes of a network of leaky neurons whose spikes are a smooth function.

    What spikes subtract may be given; returned are the loss, and inputs, potentials and spikes of each layer.
    """
    n_layers, loss = len(arrays) // 2 - 1, 0.0
    shapes = [(n_steps, len(X), len(arrays[2 * k + 1])) for k in range(n_layers)]
    potentials, spikes = [np.zeros(shape) for shape in shapes], [np.zeros(shape) for shape in shapes]
    for i, x in enumerate(X):
        v = [np.zeros(shape[2]) for shape in shapes]
        for t in range(n_steps):
            a = x
            for k in range(n_layers):
                u = v[k] = kept * v[k] + arrays[2 * k] @ a + arrays[2 * k + 1]
                potentials[k][t, i], spikes[k][t, i] = u, smooth(u - 1)
                v[k] = u - (spikes if subtracted is None else subtracted)[k][t, i]
                a = spikes[k][t, i]
        scores = arrays[-2] @ spikes[-1][:, i].mean(axis=0) + arrays[-1]
        loss += np.log(np.exp(scores).sum()) - scores[y[i]]
    n_spikes = sum(layer.sum() for layer in spikes) / sum(layer.size for layer in spikes)
    inputs = [X, *spikes[:-1]]
    return loss + rate_penalty * n_spikes, list(zip(inputs, potentials, spikes, strict=True))
