"""Kernels of leaky integrate-and-fire neurons that inhibit each other when they fire."""

import numpy as np

from .._core.jit import kernel


def _fire(drive, inhibition, thresholds, leak, v, fired, n_fired):
    """Take one step of membrane potentials v; return how many neurons fire, and write which to `fired`.

        v <- v + leak (drive - v - sum of the rows of `inhibition` of the neurons that fired before),

    then those at or above their threshold fire, and are reset to zero. `fired` holds on entry the `n_fired` neurons
    of the step before.
    """
    K = v.shape[0]
    zero = v.dtype.type(0)
    for j in range(K):
        v[j] += leak * (drive[j] - v[j])
    for a in range(n_fired):
        row = inhibition[fired[a]]
        for j in range(K):
            v[j] -= leak * row[j]
    n_fired = np.int64(0)
    found = False
    for j in range(K):
        found |= v[j] >= thresholds[j]  # a register at a time; in most steps none fires
    if found:
        for j in range(K):
            if v[j] >= thresholds[j]:
                v[j] = zero
                fired[n_fired] = j
                n_fired += 1
    return n_fired


def _count_spikes(C, inhibition, thresholds, leak, n_steps, v, fired, stop, Y):
    """Write the spike counts of neurons at rest that are driven by each row of C for `n_steps`."""
    zero, one = v.dtype.type(0), v.dtype.type(1)
    for i in range(C.shape[0]):
        if stop[0] != 0:
            return
        drive, counts = C[i], Y[i]
        for j in range(v.shape[0]):
            v[j] = counts[j] = zero
        n_fired = np.int64(0)
        for _ in range(n_steps):
            n_fired = fire(drive, inhibition, thresholds, leak, v, fired, n_fired)
            for a in range(n_fired):
                counts[fired[a]] += one


fire = kernel(_fire)
count_spikes = kernel(_count_spikes)
