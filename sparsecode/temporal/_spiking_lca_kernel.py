"""Kernel of integrate-and-fire neurons that inhibit each other by synaptic currents."""

import numpy as np

from .._core.jit import kernel


def _fire_for(drive, G, kept, passed, dt, n_steps, n_silent, v, current, counts, stop):
    """Drive neurons at rest for some steps, and count the spikes of each after the first `n_silent`.

    Potentials follow ``v' = drive - current``; currents decay, ``kept`` of them in a step, in which ``passed`` of them
    reaches a neuron. A spike lowers the potential of its neuron by its own Gram entry, and raises the currents of the
    others by theirs.
    """
    K = v.shape[0]
    for j in range(K):
        v[j] = current[j] = counts[j] = 0.0
    for step in range(n_steps):
        if step % 1024 == 0 and stop[0] != 0:
            return
        n_over = np.int64(0)
        for j in range(K):
            v[j] += dt * drive[j] - passed * current[j]
            current[j] *= kept
            n_over += np.int64(v[j] >= 1.0)
        if n_over:
            for i in range(K):
                if v[i] < 1.0:
                    continue
                n_spikes = np.floor(v[i])
                v[i] -= n_spikes
                counts[i] += n_spikes if step >= n_silent else 0.0
                row = G[i]
                before = current[i]
                for j in range(K):
                    current[j] += n_spikes * row[j]
                current[i] = before


def _spike_rows(C, G, kept, passed, dt, n_steps, n_silent, v, current, stop, counts):
    """Do that for the drive in each row of C."""
    for i in range(C.shape[0]):
        if stop[0] != 0:
            return
        fire_for(C[i], G, kept, passed, dt, n_steps, n_silent, v, current, counts[i], stop)


fire_for = kernel(_fire_for)
spike_rows = kernel(_spike_rows)
