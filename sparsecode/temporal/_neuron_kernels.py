"""Kernel of integrate-and-fire neurons: exact between steps, whatever the length of a step."""

from typing import NamedTuple

from .._core.jit import kernel


class NeuronRule(NamedTuple):
    """Constants of all neurons; numbers of the dtype of the input."""

    kept: float  # share of a potential that is left after a step, 1 without a leak
    gained: float  # potential that an input of one brings in a step, without synapses
    rest: float
    threshold: float
    reset: float
    subtracts: bool  # whether a spike lowers the potential by threshold - rest, or sets it to `reset`
    synaptic: bool
    current_kept: float  # share of a synaptic current that is left after a step
    current_gained: float  # potential that a synaptic current of one brings in a step
    raise_by: float  # rise of the threshold for an adaptation of one
    adaptation_kept: float
    silent: int  # steps without input after a spike


def _integrate(X, rule, v, current, adaptation, waits, spikes):
    """Write the spikes of neurons for each row of inputs, in time, and bring their state up to date."""
    zero, one = v.dtype.type(0), v.dtype.type(1)
    for t in range(X.shape[0]):
        x, out = X[t], spikes[t]
        for j in range(v.shape[0]):
            drive = rule.gained * x[j]
            if rule.synaptic:
                current[j] += x[j]
                drive = rule.current_gained * current[j]
                current[j] *= rule.current_kept
            if waits[j] > 0:
                waits[j] -= 1
                out[j] = zero
            else:
                v[j] = rule.rest + rule.kept * (v[j] - rule.rest) + drive
                fires = v[j] >= rule.threshold + rule.raise_by * adaptation[j]
                out[j] = one if fires else zero
                if fires:
                    threshold = rule.threshold + rule.raise_by * adaptation[j]
                    v[j] = v[j] - (threshold - rule.rest) if rule.subtracts else rule.reset
                    waits[j] = rule.silent
            adaptation[j] = rule.adaptation_kept * adaptation[j] + (one - rule.adaptation_kept) * out[j]


integrate = kernel(_integrate)
